"""What every record log must do, on each of them: in memory, in a file, in a journal, and in one reopened."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from fsm_ems.brokers.paper.backend_file import VenueFile
from fsm_ems.dialogs.record import Record
from fsm_ems.errors import EMSBug, LogHalted
from fsm_ems.journal.base import RecordLog, RecordSource
from fsm_ems.journal.file import FileLog, RecordFile
from fsm_ems.journal.memory import MemoryLog
from fsm_ems.journal.sqlite import Journal
from fsm_ems.journal.sqlite_read import JournalReader
from fsm_ems.testing.records import records
from tests.journal.lives import THREE, busy, granted

MAKERS: dict[str, Callable[[Path], RecordLog]] = {
    "memory": lambda path: MemoryLog(),
    "file": lambda path: FileLog(path / "records.log"),
    "journal": Journal,
}


@pytest.fixture(params=MAKERS)
def log(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[RecordLog]:
    """Each kind of log, new."""
    made = MAKERS[request.param](tmp_path)
    yield made
    made.close()


def test_records_come_back_in_order(log: RecordLog) -> None:
    for record in THREE:
        log.append(record)
        assert [*log][-1] == record, "at once"

    assert [*log] == THREE


def test_an_empty_log_holds_nothing(log: RecordLog) -> None:
    assert [*log] == []
    assert log.durable_seq == 0
    assert [*log.of("main", "a")] == []
    assert log.owners("a") == ()
    assert log.lookup("kraken", "g-1", "V") == ()


@pytest.mark.parametrize("seq", [0, 2, 4])
def test_a_record_that_does_not_follow_is_a_bug_and_is_not_kept(log: RecordLog, seq: int) -> None:
    log.append(granted(1))
    log.append(granted(2))

    with pytest.raises(EMSBug, match=f"record {seq} does not follow 2"):
        log.append(granted(seq))

    log.append(granted(3))
    assert [record.seq for record in log] == [1, 2, 3]


def test_a_closed_log_takes_nothing_and_can_be_read(log: RecordLog) -> None:
    log.append(THREE[0])
    log.close()
    log.close()

    with pytest.raises(LogHalted, match="is closed"):
        log.append(THREE[1])
    assert [*log] == THREE[:1]
    assert log.durable_seq == 1


@pytest.mark.parametrize("form", ["str", "int"])
def test_every_log_finds_what_a_memory_finds(log: RecordLog, form: str) -> None:
    memory, reqids = busy(log, form)

    assert_same(log, memory, reqids)


@pytest.mark.parametrize("form", ["str", "int"])
def test_a_reader_and_a_reopened_log_find_the_same(tmp_path: Path, form: str) -> None:
    file, journal = FileLog(tmp_path / "mine.log"), Journal(tmp_path)
    memory, reqids = busy(file, form)
    for record in memory:
        journal.append(record)
    journal.flush()

    assert_same(RecordFile(tmp_path / "mine.log"), memory, reqids)
    assert_same(JournalReader(tmp_path), memory, reqids)
    journal.close()
    assert_same(JournalReader(tmp_path), memory, reqids)
    again = Journal(tmp_path)
    assert_same(again, memory, reqids)
    again.close()


def assert_same(log: RecordSource, memory: MemoryLog, reqids: list[int | str]) -> None:
    assert [*log] == [*memory]
    assert len(reqids) > 8
    for reqid in (*reqids, "g-0", 0, "", None):
        for venue_id in ('V"0é', 'V"1é', 'V"2é', 'V"3é', "V", None):
            assert [*log.lookup("kraken", reqid, venue_id)] == [*memory.lookup("kraken", reqid, venue_id)]
            assert log.lookup("paper", reqid, venue_id) == ()
    found = log.lookup("kraken", None, 'V"0é')
    assert {(record.owner, record.oid) for record in found} == {("main", "o0")}
    assert all(log.lookup("kraken", reqid, None) for reqid in reqids[:2])
    for owner, oid in (("main", "o0"), ("other", "o0"), ("main", "o2"), ("main", "o9")):
        assert [*log.of(owner, oid)] == [
            record for record in log if (record.owner, record.oid) == (owner, oid)
        ]
    assert log.owners("o0") == memory.owners("o0") == ("main", "other")
    assert log.owners("o9") == ()


@pytest.mark.parametrize("kind", MAKERS)
@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(record=records(), sought=st.text(st.characters(codec="utf-8"), max_size=5))
def test_any_name_is_found_and_only_where_it_stands(
    tmp_path_factory: pytest.TempPathFactory, kind: str, record: Record, sought: str
) -> None:
    log = MAKERS[kind](tmp_path_factory.mktemp("names"))
    record = replace(record, seq=1)
    log.append(record)

    assert [*log] == [record]
    assert log.owners(record.oid) == (record.owner,)
    if sought != record.oid:
        assert log.owners(sought) == ()
        assert [*log.of(record.owner, sought)] == []
    log.close()
    assert log.owners(record.oid) == (record.owner,)


@pytest.mark.parametrize(
    "make",
    [
        Journal,
        lambda path: FileLog(path / "records.log", sync=True),
        lambda path: VenueFile(path, "paper", None),
    ],
    ids=["journal", "file", "venue"],
)
def test_the_disk_has_the_name_of_each_folder_that_was_made(
    make: Callable[[Path], RecordLog | VenueFile], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A power cut would take a folder whose name is in memory alone, and whatever was kept in it."""
    synced: set[int] = set()
    fsync = os.fsync

    def noted(file: int) -> None:
        synced.add(os.fstat(file).st_ino)
        fsync(file)

    monkeypatch.setattr(os, "fsync", noted)

    make(tmp_path / "a" / "b").close()

    assert {folder.stat().st_ino for folder in (tmp_path, tmp_path / "a")} <= synced
