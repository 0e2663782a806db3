"""``fsm-ems journal``, and the other commands on a journal, while it is written and afterwards."""

import json
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import apsw
import msgspec
import pytest
import trio

from fsm_ems import LogDamaged, open_ems
from fsm_ems.account_books import PPS
from fsm_ems.accounting.ledger import Page
from fsm_ems.accounting.ledger_file import LedgerDay, write_ledger
from fsm_ems.accounting.position import ENTRY_AND_EXIT
from fsm_ems.accounting.pps_file import Projection, write_pps
from fsm_ems.dialogs.record import Record, Sent
from fsm_ems.journal.codec import encode
from fsm_ems.journal.file import FileLog, RecordFile
from fsm_ems.journal.folder_lock import FolderLock
from fsm_ems.journal.keeping import LOCK
from fsm_ems.journal.snapshot_form import hash_of
from fsm_ems.journal.snapshots import fold, formed, make
from fsm_ems.journal.sqlite import Journal
from fsm_ems.journal.sqlite_read import JournalReader
from fsm_ems.journal.sqlite_store import Row
from fsm_ems.machines.order_events import OrderEvent
from tests.cli.conftest import HERE, Run, program
from tests.scripted_broker import ScriptedBroker


@pytest.fixture
def run1(run: Run, tmp_path: Path) -> Path:
    """The directory of a replay, whose records are in a file."""
    told = run("replay", HERE / "tape.csv", "--orders", HERE / "orders.toml", "--out", tmp_path / "run1")
    assert told.exit_code == 0
    return tmp_path / "run1"


@pytest.fixture
def live(run1: Path, tmp_path: Path) -> Iterator[Path]:
    """A folder with the same records in a journal, which is open for writing."""
    journal = Journal(tmp_path / "live")
    for record in RecordFile(run1 / "records.log"):
        journal.append(record)
    journal.flush()
    yield tmp_path / "live"
    journal.close()


@pytest.mark.parametrize(
    "words",
    [
        ["why", "maker", "DIR"],
        ["why", "edited", "DIR", "--mermaid"],
        ["why", "nobody", "DIR"],
        ["positions", "DIR", "--json"],
        ["journal", "dump", "DIR"],
        ["journal", "dump", "DIR", "--oid", "maker"],
        ["journal", "dump", "DIR", "--oid", "maker", "--owner", "main"],
        ["journal", "dump", "DIR", "--oid", "nobody"],
        ["journal", "dump", "DIR", "--oid", ""],
    ],
    ids=" ".join,
)
def test_a_live_journal_tells_what_a_file_of_the_same_records_tells(
    run: Run, run1: Path, live: Path, words: list[str]
) -> None:
    of_file = run(*[str(run1) if word == "DIR" else word for word in words])

    for place in (live, live / "journal.sqlite"):
        told = run(*[str(place) if word == "DIR" else word for word in words])
        assert (told.exit_code, told.stdout, told.stderr) == (
            of_file.exit_code,
            of_file.stdout,
            of_file.stderr,
        )
    assert of_file.exit_code == (1 if {"nobody", ""} & {*words} else 0)


def test_another_process_reads_a_live_journal(run1: Path, live: Path) -> None:
    child = program("journal", "dump", live, "--oid", "maker", stdout=-1)

    stdout, _ = child.communicate(timeout=60)

    assert child.returncode == 0
    assert stdout.decode() == "".join(
        encode(record) + "\n" for record in RecordFile(run1 / "records.log") if record.oid == "maker"
    )


def test_a_dump_is_the_records_one_json_object_a_line(run: Run, live: Path, run1: Path) -> None:
    told = run("journal", "dump", live)

    assert [json.loads(line)["seq"] for line in told.stdout.splitlines()] == [
        record.seq for record in RecordFile(run1 / "records.log")
    ]


def test_an_owner_alone_is_a_usage_error(run: Run, live: Path) -> None:
    told = run("journal", "dump", live, "--owner", "main")

    assert told.exit_code == 2
    assert "say --oid as well" in told.stderr


def test_a_sound_journal_is_verified_with_the_hash_that_stands_for_all(
    run: Run, live: Path, run1: Path
) -> None:
    count = sum(1 for _ in RecordFile(run1 / "records.log"))

    told, of_file = run("journal", "verify", live), run("journal", "verify", run1)

    assert (told.exit_code, of_file.exit_code) == (0, 0)
    [found] = re.findall(
        rf"^{live}/journal.sqlite: {count} records, all as they were written; the hash of the last is (\w+)$",
        told.stdout,
        re.MULTILINE,
    )
    connection = apsw.Connection(str(live / "journal.sqlite"), flags=apsw.SQLITE_OPEN_READONLY)
    assert connection.execute("SELECT hash FROM records ORDER BY seq DESC LIMIT 1").get.hex() == found
    connection.close()
    assert of_file.stdout == f"{run1}/records.log: {count} records, all as they were written\n"


def test_a_damaged_journal_is_told_with_its_record_and_what_to_do(
    run: Run, tmp_path: Path, run1: Path
) -> None:
    journal = Journal(tmp_path / "dead")
    for record in RecordFile(run1 / "records.log"):
        journal.append(record)
    journal.close()
    connection = apsw.Connection(str(tmp_path / "dead" / "journal.sqlite"))
    connection.execute("UPDATE records SET body = replace(body, '\"P1\"', '\"P9\"') WHERE seq = 9")
    assert connection.changes() == 1
    connection.close()

    for words in (["verify"], ["dump"]):
        told = run("journal", *words, tmp_path / "dead")
        assert told.exit_code == 2
        assert "journal.sqlite, record 9: the hash does not match: the record was altered" in told.stderr
        assert "keep a copy of the whole folder" in told.stderr


def test_a_record_that_cannot_follow_is_told_though_it_is_as_it_was_written(run: Run, tmp_path: Path) -> None:
    record = Record(1, 0, "main", "a", OrderEvent.SENDING, None, Sent("g-1", 5))
    for log in (Journal(tmp_path / "live"), FileLog(tmp_path / "run" / "records.log")):
        log.append(record)
        log.close()

    for where in ("live/journal.sqlite, record", "run/records.log, line"):
        told = run("journal", "verify", tmp_path / where.partition("/")[0])

        assert told.exit_code == 2
        assert f"{tmp_path / where} 1: it cannot follow what is before it" in told.stderr


def test_a_folder_without_records_is_told(run: Run, tmp_path: Path) -> None:
    told = run("journal", "verify", tmp_path)

    assert told.exit_code == 2
    assert (
        told.stderr
        == f"Error: {tmp_path} holds no records: there is no journal.sqlite and no records.log in it\n"
    )


def write_accounts(file: str, folder: Path, generation: str, seq: int) -> None:
    """The accounts' *file* as it was written from record *seq* of the records *generation*."""
    if file == PPS:
        write_pps(folder / PPS, Projection(generation, seq, ENTRY_AND_EXIT, ()))
    else:
        write_ledger(folder, LedgerDay(generation, seq, Page("paper", "main", 0, ())))


ABOUT_ACCOUNTS = pytest.mark.parametrize("words", [["journal", "verify"], ["positions"]], ids=" ".join)


@ABOUT_ACCOUNTS
@pytest.mark.parametrize("file", [PPS, "ledger"])
def test_accounts_that_are_ahead_of_the_journal_tell_that_its_newest_records_are_lost(
    run: Run, live: Path, file: str, words: list[str]
) -> None:
    """As when its WAL is gone, or an older copy stands in its place: a start refuses that."""
    last = JournalReader(live).last_seq()
    write_accounts(file, live, "replay", last)
    assert run(*words, live).exit_code == 0
    write_accounts(file, live, "replay", last + 1)

    told = run(*words, live)

    assert (told.exit_code, told.stdout) == (2, "")
    assert f"{live}/journal.sqlite, record {last + 1}: {live}/{file}" in told.stderr
    assert f"was written from record {last + 1}, and the records end here: the newest are lost" in told.stderr


@ABOUT_ACCOUNTS
@pytest.mark.parametrize("left", [-1, 0])
@pytest.mark.parametrize("file", [PPS, "ledger"])
def test_a_record_file_that_was_cut_after_a_line_is_told_by_the_accounts_beside_it(
    run: Run, run1: Path, file: str, left: int, words: list[str]
) -> None:
    """Every line that is left has its checksum."""
    records = run1 / "records.log"
    lines = records.read_text().splitlines(keepends=True)
    (run1 / PPS).unlink()
    write_accounts(file, run1, "replay", len(lines))
    assert run(*words, run1).exit_code == 0
    records.write_text("".join(lines[:left]))

    told = run(*words, run1)

    assert (told.exit_code, told.stdout) == (2, "")
    assert f"{records}, record {len(lines[:left]) + 1}: {run1}/{file}" in told.stderr
    assert "the newest are lost, or an old copy stands in their place; replay the tape again" in told.stderr


@ABOUT_ACCOUNTS
def test_a_record_file_may_lie_beside_the_accounts_of_other_records(
    run: Run, run1: Path, words: list[str]
) -> None:
    """Nobody starts with it, so that nothing is written over: those of an EMS, or of a longer replay."""
    another = run1 / "another.log"
    another.write_text((run1 / "records.log").read_text())
    write_accounts(PPS, run1, "replay", 10**6)
    assert run(*words, another).exit_code == 0

    write_accounts(PPS, run1, "5f0c", 10**6)
    assert run(*words, run1).exit_code == 0


@ABOUT_ACCOUNTS
@pytest.mark.parametrize("kept", ["live", "run1"])
def test_accounts_that_cannot_be_read_are_noted(
    run: Run, words: list[str], kept: str, request: pytest.FixtureRequest
) -> None:
    folder: Path = request.getfixturevalue(kept)
    (folder / PPS).write_text("generation = \n")

    told = run(*words, folder)

    assert (told.exit_code, told.stdout != "") == (0, True)
    assert f"note: {folder}/{PPS}, line 1: " in told.stderr
    assert "it was not compared with the records" in told.stderr


@ABOUT_ACCOUNTS
@pytest.mark.parametrize("file", [PPS, "ledger"])
def test_a_journal_that_has_lost_all_its_records_is_told_by_the_accounts_beside_it(
    run: Run, tmp_path: Path, file: str, words: list[str]
) -> None:
    Journal(tmp_path / "blank").close()
    write_accounts(file, tmp_path / "blank", "5f0c", 158)

    told = run(*words, tmp_path / "blank")

    assert (told.exit_code, told.stdout) == (2, "")
    assert "it is not there, or has no records, and" in told.stderr
    assert "was written from record 158 of the records 5f0c: put them back" in told.stderr


@ABOUT_ACCOUNTS
@pytest.mark.parametrize("file", [PPS, "ledger"])
def test_a_journal_that_is_gone_is_told_as_a_start_tells_it(
    run: Run, tmp_path: Path, file: str, words: list[str]
) -> None:
    write_accounts(file, tmp_path, "5f0c", 158)

    async def start() -> None:
        async with open_ems(ScriptedBroker(), path=tmp_path):
            raise AssertionError

    with pytest.raises(LogDamaged) as refused:
        trio.run(start)
    told = run(*words, tmp_path)

    assert (told.exit_code, told.stdout) == (2, "")
    assert told.stderr == f"Error: {refused.value}\n"
    assert "was written from record 158 of the records 5f0c: put them back" in told.stderr


@ABOUT_ACCOUNTS
def test_accounts_of_other_records_are_told_unless_the_positions_are_their_own(
    run: Run, live: Path, words: list[str]
) -> None:
    """As at a start, which sets such a day of the ledger aside."""
    write_accounts("ledger", live, "5f0c", 158)
    told = run(*words, live)
    write_accounts(PPS, live, "replay", 1)

    assert (told.exit_code, told.stdout) == (2, "")
    assert "was written from record 158 of the records 5f0c, and" in told.stderr
    assert f"{live}/journal.sqlite has the records replay, which would be written over it" in told.stderr
    assert run(*words, live).exit_code == 0


@ABOUT_ACCOUNTS
def test_a_program_may_write_records_and_accounts_while_both_are_read(
    run: Run, tmp_path: Path, run1: Path, words: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    records = [*RecordFile(run1 / "records.log")]
    journal = Journal(tmp_path / "live")
    for record in records[:-1]:
        journal.append(record)
    journal.flush()
    write_accounts(PPS, tmp_path / "live", "replay", len(records) - 1)
    pages = JournalReader.pages

    def pages_and_more(
        reader: JournalReader, seq: int, upto: int = 2**63 - 1
    ) -> Iterator[tuple[Path, Sequence[Row]]]:
        yield from pages(reader, seq, upto)
        journal.append(records[-1])
        journal.flush()
        write_accounts(PPS, tmp_path / "live", "replay", len(records))

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(JournalReader, "pages", pages_and_more)
        told = run(*words, tmp_path / "live")

    assert told.exit_code == 0, told.stderr
    assert JournalReader(tmp_path / "live").last_seq() == len(records)
    assert run(*words, tmp_path / "live").exit_code == 0
    journal.close()


def test_a_snapshot_is_written_and_verified_and_a_second_one_follows_from_it(
    run: Run, run1: Path, tmp_path: Path
) -> None:
    records = [*RecordFile(run1 / "records.log")]
    for part in (records[: len(records) // 2], records[len(records) // 2 :]):
        journal = Journal(tmp_path / "ended")
        for record in part:
            journal.append(record)
        journal.close()
        told = run("journal", "snapshot", tmp_path / "ended")
        assert told.exit_code == 0
        seq = part[-1].seq
        assert told.stdout == f"{tmp_path}/ended/snapshot-{seq:012}: what records 1 to {seq} lead to\n"

    verified = run("journal", "verify", tmp_path / "ended")
    assert verified.exit_code == 0
    assert f"{tmp_path}/ended: 2 snapshots, all what their records lead to\n" in verified.stdout

    path = tmp_path / "ended" / f"snapshot-{len(records):012}"
    path.write_bytes(path.read_bytes().replace(b'"made_by":"', b'"made_by":"9', 1))
    assert run("journal", "verify", tmp_path / "ended").exit_code == 2


def test_old_records_move_into_a_segment_and_are_told_as_before(
    run: Run, live: Path, run1: Path, tmp_path: Path
) -> None:
    records, folder = [*RecordFile(run1 / "records.log")], tmp_path / "ended"
    cuts = (len(records) // 2, len(records) - 3, len(records))
    for start, end in zip((0, *cuts), cuts, strict=False):
        journal = Journal(folder)
        for record in records[start:end]:
            journal.append(record)
        journal.close()
        told = run("journal", "snapshot", folder, "--archive-every", "3")
        assert told.exit_code == 0, told.stderr
        moved = f"archive-{1:012}-{cuts[0] - 1:012}: records 1 to {cuts[0] - 1}" in told.stdout
        assert moved is (end == cuts[1])
    segment = folder / f"archive-{1:012}-{cuts[0] - 1:012}"

    assert (
        f"{folder}: 2 archive segments among them, with records 1 to {cuts[1] - 1}\n"
        in run("journal", "verify", folder).stdout
    )
    for words in (
        ["journal", "dump"], ["journal", "dump", "--oid", "maker"], ["why", "maker"], ["positions", "--json"],
    ):  # fmt: skip
        assert run(*words, folder).stdout == run(*words, live).stdout != ""

    content = segment.read_bytes()
    segment.write_bytes(content.replace(b'"oid":"maker"', b'"oid":"baker"'))
    for words in (["journal", "verify"], ["journal", "dump"], ["why", "maker"], ["positions"]):
        told = run(*words, folder)
        assert (told.exit_code, f"{segment}, record " in told.stderr) == (2, True), words
        assert "was altered" in told.stderr
    segment.unlink()
    for words in (["journal", "verify"], ["journal", "dump"], ["why", "taker"], ["positions"]):
        told = run(*words, folder)
        assert (told.exit_code, f"put back {segment.name}" in told.stderr) == (2, True), words


def test_a_snapshot_needs_a_journal_that_nobody_writes_and_that_has_records(
    run: Run, run1: Path, live: Path, tmp_path: Path
) -> None:
    of_file = run("journal", "snapshot", run1)
    assert (of_file.exit_code, "snapshots are of a journal" in of_file.stderr) == (2, True)
    of_live = run("journal", "snapshot", live)
    assert (of_live.exit_code != 0, "is in use by" in of_live.stderr) == (True, True)
    Journal(tmp_path / "blank").close()
    Journal(tmp_path / "left").close()
    lock = FolderLock(tmp_path / "left" / LOCK)  # by the program of an EMS that was killed
    of_left = run("journal", "snapshot", tmp_path / "left")
    assert (of_left.exit_code, f"in use by process {os.getpid()}" in of_left.stderr) == (2, True)
    lock.release()
    of_blank = run("journal", "snapshot", tmp_path / "blank")
    assert (of_blank.exit_code, "there are no records" in of_blank.stderr) == (1, True)


def test_a_snapshot_of_another_version_is_told_and_not_compared(run: Run, live: Path) -> None:
    reader = JournalReader(live)
    restored, last = fold(live, reader, 0)
    path = make(live, reader, 0, formed(restored, last, 0))
    line, _, content = path.read_bytes().partition(b"\n")
    head = json.loads(line) | {"made_by": "0", "digest": ""}
    bare = msgspec.json.encode(head)
    head["digest"] = hash_of(bare[: bare.rindex(b'"digest"')] + content)
    path.write_bytes(msgspec.json.encode(head) + b"\n" + content)

    told = run("journal", "verify", live)

    assert told.exit_code == 0
    assert f"{path}: fsm_ems 0 made it" in told.stdout
