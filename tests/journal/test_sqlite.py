"""The journal of a folder: durable before it says so, one writer, and any damage or fault stops it."""

import os
import signal
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path
from typing import Any

import apsw
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fsm_ems.errors import InvalidMessage, LogDamaged, LogFault, LogHalted, LogInUse, LogUnsafe
from fsm_ems.journal.codec import encode
from fsm_ems.journal.file import FileLog
from fsm_ems.journal.sqlite import Journal
from fsm_ems.journal.sqlite_connection import Connection, check_library, make_durable
from fsm_ems.journal.sqlite_read import PAGE, JournalReader
from fsm_ems.journal.sqlite_store import TOGETHER
from fsm_ems.journal.sqlite_writer import GROUP_MAX
from tests.journal.failing_disk import FailingDisk, failing_disk
from tests.journal.lives import THREE, busy, granted

ROOT = Path(__file__).parents[2]


def filled(folder: Path, count: int = 3) -> Path:
    """A closed journal of *count* records in *folder*; its file."""
    journal = Journal(folder)
    for seq in range(1, count + 1):
        journal.append(granted(seq, f"name-{seq}"))
    journal.close()
    return folder / "journal.sqlite"


def meddle(file: Path, statements: str, *values: str | bytes) -> None:
    """Change the database behind the journal's back."""
    connection = apsw.Connection(str(file))
    connection.execute(statements, values)
    connection.close()


@pytest.fixture
def disk() -> Iterator[FailingDisk]:
    with failing_disk() as made:
        yield made


# Durable.


def test_what_is_durable_is_told_and_there_after_reopening(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    told: list[int] = []
    journal.watch(told.append, told.append)  # type: ignore[arg-type]  # nothing halts here
    for record in THREE:
        journal.append(record)
    journal.flush()

    assert journal.durable_seq == told[-1] == 3
    assert told == sorted(told)
    journal.close()
    again = Journal(tmp_path)
    assert [*again] == THREE
    assert again.durable_seq == 3
    again.append(granted(4))
    again.close()
    assert [*JournalReader(tmp_path)] == [*THREE, granted(4)]


def test_a_row_is_the_line_its_columns_and_a_chained_hash(tmp_path: Path) -> None:
    file = filled(tmp_path, 2)

    connection = apsw.Connection(str(file))
    rows = [*connection.execute("SELECT * FROM records ORDER BY seq")]
    connection.close()
    line = encode(granted(1, "name-1"))
    first = blake2b(bytes(16) + line.encode(), digest_size=16).digest()
    assert rows[0] == (1, 1, "Granted", "", "", line, bytes(16), first)
    assert rows[1][-2] == first


def test_the_settings_are_those_that_lose_nothing(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    connection = journal._writer._connection

    found = {name: connection.pragma(name) for name in ("journal_mode", "synchronous", "fullfsync")}
    assert found == {"journal_mode": "wal", "synchronous": 2, "fullfsync": 1}
    assert connection.pragma("application_id") == 0x46534D4A
    journal.close()


def test_files_and_folder_are_for_their_owner_alone(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "new")

    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "new").iterdir()}
    assert modes.keys() >= {"journal.sqlite", "journal.sqlite-wal", "journal.lock"}
    assert set(modes.values()) == {0o600}
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o700
    journal.close()


class Gate:
    """Holds the writing thread in its first telling, so that what is appended meanwhile gathers."""

    def __init__(self, journal: Journal) -> None:
        self.told: list[int] = []
        self.reached, self.open = threading.Event(), threading.Event()
        journal.watch(self._durable, lambda why: None)

    def _durable(self, seq: int) -> None:
        self.told.append(seq)
        self.reached.set()
        assert self.open.wait(60)


def test_what_arrives_during_a_sync_is_written_with_the_next(tmp_path: Path, disk: FailingDisk) -> None:
    journal = Journal(tmp_path, vfs=disk.name)
    gate = Gate(journal)
    journal.append(granted(1))
    assert gate.reached.wait(60)
    for seq in range(2, 501):
        journal.append(granted(seq))
    disk.calls.clear()

    assert len([*journal]) == 500, "and can be read before it is durable"
    assert journal.durable_seq == 1
    gate.open.set()
    journal.flush()

    assert gate.told == [1, 500]
    assert disk.calls.count(("sync", "wal")) == 1
    journal.close()


def test_a_group_has_a_bound(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    gate = Gate(journal)
    journal.append(granted(1))
    assert gate.reached.wait(60)
    for seq in range(2, GROUP_MAX + 10):
        journal.append(granted(seq))

    gate.open.set()
    journal.flush()

    assert gate.told == [1, GROUP_MAX + 1, GROUP_MAX + 9]
    journal.close()
    assert JournalReader(tmp_path).check().seq == GROUP_MAX + 9


def test_each_durable_record_was_synced(tmp_path: Path, disk: FailingDisk) -> None:
    journal = Journal(tmp_path, vfs=disk.name)
    for seq in range(1, 6):
        disk.calls.clear()
        journal.append(granted(seq))
        journal.flush()
        assert disk.calls[-1] == ("sync", "wal")
    journal.close()


def test_staged_records_are_found_like_durable_ones(tmp_path: Path, disk: FailingDisk) -> None:
    journal = Journal(tmp_path, vfs=disk.name)
    disk.free.clear()
    memory, reqids = busy(journal, "str")

    assert journal.durable_seq == 0
    assert [*journal] == [*memory]
    assert journal.owners("o0") == ("main", "other")
    for reqid in reqids:
        assert [*journal.lookup("kraken", reqid, None)] == [*memory.lookup("kraken", reqid, None)]
    disk.free.set()
    journal.close()


# Killed.


@pytest.mark.slow
@pytest.mark.parametrize("lines", [1, 2, 5, 20])
def test_what_was_told_durable_survives_a_kill_at_any_moment(tmp_path: Path, lines: int) -> None:
    """Twice over, so that the second process opens what the first one left."""
    last = 0
    for _ in range(2):
        child = subprocess.Popen(
            [sys.executable, "-m", "tests.journal.appender", str(tmp_path)],
            cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert child.stdout is not None
        for _ in range(lines):
            last = int(child.stdout.readline())
        child.kill()
        assert child.wait() == -signal.SIGKILL
        told = [int(line) for line in child.stdout.read().split("\n")[:-1]]
        child.stdout.close()
        last = max([last, *told])

        assert len([*JournalReader(tmp_path)]) >= last, "read as it was left"
        journal = Journal(tmp_path)
        found = [*journal]
        journal.close()
        assert len(found) >= last
        assert found == [granted(seq, f"trader-{seq}") for seq in range(1, len(found) + 1)]
        assert JournalReader(tmp_path).check().seq == len(found)


# One writer.


def test_a_second_opening_is_refused_and_the_holder_named(tmp_path: Path) -> None:
    journal = Journal(tmp_path)

    with pytest.raises(LogInUse, match=rf"in use by process {os.getpid()} on \S+ since 2\S+Z;") as caught:
        Journal(tmp_path)
    assert caught.value.holder.startswith(f"process {os.getpid()} on")

    journal.append(THREE[0])
    journal.close()
    Journal(tmp_path).close()


def test_another_process_is_refused_and_the_holder_named(tmp_path: Path) -> None:
    journal = Journal(tmp_path)

    told = subprocess.run(
        [sys.executable, "-m", "tests.journal.appender", str(tmp_path)],
        cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert told.returncode == 1
    assert f"LogInUse: {tmp_path} is in use by process {os.getpid()}" in told.stderr
    journal.close()


def test_a_lock_file_that_was_left_behind_does_no_harm(tmp_path: Path) -> None:
    (tmp_path / "journal.lock").write_text("process 1 on mars since yesterday\n")

    journal = Journal(tmp_path)

    assert (tmp_path / "journal.lock").read_text().startswith(f"process {os.getpid()} on ")
    journal.close()
    assert (tmp_path / "journal.lock").read_text() == ""


def test_a_refused_opening_leaves_the_folder_free(tmp_path: Path) -> None:
    file = filled(tmp_path)
    whole = file.read_bytes()
    file.write_bytes(b"somebody else's notes" * 100)
    with pytest.raises(LogDamaged):
        Journal(tmp_path)

    file.write_bytes(whole)

    Journal(tmp_path).close()


def test_a_place_that_cannot_be_a_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(InvalidMessage, match=r"^folder=.*: .*file is a file, and a folder is needed$"):
        Journal(tmp_path / "file")


# Reading beside a writer.


def test_a_reader_sees_what_is_durable_and_stops_nothing(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    reader = JournalReader(tmp_path)
    for seq in range(1, 2 * PAGE + 500):
        journal.append(granted(seq))
    journal.flush()

    reading = iter(reader)
    assert next(reading).seq == 1
    for seq in range(2 * PAGE + 500, 3 * PAGE):
        journal.append(granted(seq))
    journal.flush()
    journal._writer._connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)

    assert len([*reading]) == 3 * PAGE - 2, "no lock was in the way, and what came meanwhile is there"
    journal.close()


def test_reading_changes_no_record_and_takes_no_ownership(tmp_path: Path) -> None:
    file = filled(tmp_path)
    before = file.read_bytes()

    reader = JournalReader(tmp_path)
    assert reader.check().seq == 3
    assert reader.owners("") == ("",)

    assert file.read_bytes() == before
    Journal(tmp_path).close()


def test_a_folder_without_a_journal_is_told(tmp_path: Path) -> None:
    with pytest.raises(LogFault, match="there is no such file"):
        JournalReader(tmp_path).owners("a")
    assert [*tmp_path.iterdir()] == []


# Damage.


def refused(folder: Path, line: int, told: str) -> None:
    """Refused by everyone who reads all of it, with what to do, and left as it is."""
    file = folder / "journal.sqlite"
    before = file.read_bytes()
    attempts: list[Callable[[], object]] = [
        lambda: Journal(folder),
        lambda: JournalReader(folder).check(),
        lambda: [*JournalReader(folder)],
    ]
    for attempt in attempts:
        with pytest.raises(LogDamaged, match="keep a copy of the whole folder") as caught:
            attempt()
        assert (caught.value.where, caught.value.line) == (str(file), line)
        assert told in caught.value.problem
    assert file.read_bytes() == before


@pytest.mark.parametrize(
    ("statements", "line", "told"),
    [
        ("UPDATE records SET body = replace(body, 'name-2', 'name-9') WHERE seq = 2", 2, "was altered"),
        ("UPDATE records SET hash = zeroblob(16) WHERE seq = 3", 3, "was altered"),
        ("UPDATE records SET prev = zeroblob(16) WHERE seq = 2", 2, "was altered"),
        ("UPDATE records SET owner = 'x' WHERE seq = 2", 2, "its columns do not say"),
        ("UPDATE records SET oid = 'x' WHERE seq = 2", 2, "its columns do not say"),
        ("UPDATE records SET kind = 'Held' WHERE seq = 2", 2, "its columns do not say"),
        ("UPDATE records SET version = 2 WHERE seq = 2", 2, "version 2 is not known here"),
        ("DELETE FROM records WHERE seq = 2", 2, "record 2 belongs here, and this is record 3"),
        ("DELETE FROM records WHERE seq = 1", 1, "records 1 to 1 are not in it, and no archive segment"),
        ("UPDATE records SET seq = 9 WHERE seq = 3", 3, "record 3 belongs here, and this is record 9"),
        ("PRAGMA user_version = 2", 0, "form 2 is not known here"),
        ("PRAGMA application_id = 7", 0, "this is no journal: its application_id is 0x7"),
    ],
)  # fmt: skip
def test_damage_is_refused_with_its_record(tmp_path: Path, statements: str, line: int, told: str) -> None:
    meddle(filled(tmp_path), statements)

    refused(tmp_path, line, told)


@pytest.mark.parametrize("line", [1, 2, TOGETHER, TOGETHER + 1, TOGETHER + 2])
@pytest.mark.parametrize("change", ["hash = zeroblob(16)", "owner = 'x'"])
def test_all_records_before_a_damaged_one_are_read(tmp_path: Path, line: int, change: str) -> None:
    """Though rows are looked at together, and it is among them."""
    meddle(filled(tmp_path, TOGETHER + 3), f"UPDATE records SET {change} WHERE seq = {line}")  # noqa: S608 -- our own
    records = iter(JournalReader(tmp_path))

    for seq in range(1, line):
        assert next(records) == granted(seq, f"name-{seq}")
    with pytest.raises(LogDamaged) as caught:
        next(records)

    assert caught.value.line == line


def test_a_record_that_was_replaced_with_a_sound_hash_breaks_the_chain(tmp_path: Path) -> None:
    file = filled(tmp_path)
    line = encode(granted(2, "somebody"))
    connection = apsw.Connection(str(file))
    prev = connection.execute("SELECT prev FROM records WHERE seq = 2").get
    connection.close()
    digest = blake2b(prev + line.encode(), digest_size=16).digest()
    meddle(file, "UPDATE records SET body = ?, hash = ? WHERE seq = 2", line, digest)

    refused(tmp_path, 3, "it does not follow the record before it")


def test_two_records_that_changed_places_are_refused(tmp_path: Path) -> None:
    meddle(
        filled(tmp_path),
        "UPDATE records SET seq = 9 WHERE seq = 1; UPDATE records SET seq = 1 WHERE seq = 2;"
        "UPDATE records SET seq = 2 WHERE seq = 9",
    )

    refused(tmp_path, 1, "it does not follow the record before it")


def test_a_record_that_no_reader_knows_is_refused(tmp_path: Path) -> None:
    """Sound as a row, and of no meaning."""
    file = filled(tmp_path, 1)
    line = encode(granted(1)).replace('"trader"', '"king"')
    digest = blake2b(bytes(16) + line.encode(), digest_size=16).digest()
    meddle(file, "UPDATE records SET body = ?, hash = ?", line, digest)

    refused(tmp_path, 1, "unknown: 'king'")


def test_one_life_alone_is_verified_when_it_is_read(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    busy(journal, "str")
    journal.close()
    meddle(
        tmp_path / "journal.sqlite",
        "UPDATE records SET body = replace(body, 'limit', 'market') WHERE oid = 'o2'",
    )

    assert len(JournalReader(tmp_path).of("main", "o0")) > 3
    with pytest.raises(LogDamaged, match="was altered"):
        JournalReader(tmp_path).of("main", "o2")


def test_a_check_finds_a_name_that_is_lost(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    _, reqids = busy(journal, "str")
    journal.close()
    meddle(tmp_path / "journal.sqlite", "DELETE FROM names WHERE name = ?", f"text {reqids[0]}")

    with pytest.raises(LogDamaged, match=f"its order is not found by 'text {reqids[0]}'"):
        JournalReader(tmp_path).check()


@pytest.mark.parametrize("content", [b"a note of somebody else\n" * 200, b"SQLite format 3\0" + bytes(5_000)])
def test_a_file_that_is_no_database_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "journal.sqlite").write_bytes(content)

    refused(tmp_path, 0, "file is not a database")


def test_a_database_of_somebody_else_is_not_taken_over(tmp_path: Path) -> None:
    meddle(tmp_path / "journal.sqlite", "CREATE TABLE notes (text); INSERT INTO notes VALUES ('mine')")

    refused(tmp_path, 0, "this is no journal")


@pytest.mark.parametrize("mode", ["delete", "wal"])
def test_a_journal_whose_writer_was_killed_before_its_first_table_is_no_damage(
    tmp_path: Path, mode: str
) -> None:
    """A reader says that there is nothing in it; a writer begins it."""
    connection = apsw.Connection(str(tmp_path / "journal.sqlite"))
    connection.pragma("journal_mode", mode)
    connection.close()

    with pytest.raises(LogFault, match="nothing was ever kept in it") as caught:
        list(JournalReader(tmp_path))
    assert not isinstance(caught.value, LogDamaged)
    Journal(tmp_path).close()
    assert list(JournalReader(tmp_path)) == []


def test_a_file_that_a_crash_left_empty_is_begun_again(tmp_path: Path) -> None:
    (tmp_path / "journal.sqlite").write_bytes(b"")

    journal = Journal(tmp_path)

    assert [*journal] == []
    journal.close()


def test_a_refused_journal_keeps_its_log_file_as_well(tmp_path: Path) -> None:
    """Whoever closes a database last moves its log into it: not after damage was found."""
    journal = Journal(tmp_path / "live")
    for record in THREE:
        journal.append(record)
    journal.flush()
    dead = tmp_path / "dead"
    dead.mkdir()
    for name in ("journal.sqlite", "journal.sqlite-wal"):
        (dead / name).write_bytes((tmp_path / "live" / name).read_bytes())
    journal.close()
    connection = apsw.Connection(str(dead / "journal.sqlite"))
    connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
    connection.execute("UPDATE records SET owner = 'x' WHERE seq = 2")
    connection.close()
    before = (dead / "journal.sqlite-wal").read_bytes()
    assert len(before) > 4096

    refused(dead, 2, "its columns do not say")

    assert (dead / "journal.sqlite-wal").read_bytes() == before


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A journal of busy orders, all in the database."""
    folder = tmp_path_factory.mktemp("sound")
    journal = Journal(folder)
    busy(journal, "str")
    journal.close()
    return folder


@settings(max_examples=150)
@given(at=st.integers(0, 2**20), bit=st.integers(0, 7))
def test_a_flipped_bit_is_refused_or_changes_no_record(
    sound: Path, tmp_path_factory: pytest.TempPathFactory, at: int, bit: int
) -> None:
    """Free space and unused header fields mean nothing; nothing that was written comes back altered."""
    wanted = [*JournalReader(sound)]
    content = bytearray((sound / "journal.sqlite").read_bytes())
    content[at % len(content)] ^= 1 << bit
    folder = tmp_path_factory.mktemp("flipped")
    (folder / "journal.sqlite").write_bytes(content)

    try:
        journal = Journal(folder)
    except LogFault:
        return
    assert [*journal] == wanted
    journal.close()


@pytest.mark.slow
def test_a_log_torn_at_any_byte_opens_at_a_record_it_was_told_of(tmp_path: Path) -> None:
    """What a power cut leaves: the end of the write-ahead log is missing from any byte on."""
    journal = Journal(tmp_path / "live")
    for seq in range(1, 9):
        journal.append(granted(seq))
        journal.flush()
    base = (tmp_path / "live" / "journal.sqlite").read_bytes()
    log = (tmp_path / "live" / "journal.sqlite-wal").read_bytes()
    journal.close()
    found: list[int] = []
    for end in range(0, len(log) + 1, 997):
        folder = tmp_path / f"cut-{end}"
        folder.mkdir()
        (folder / "journal.sqlite").write_bytes(base)
        (folder / "journal.sqlite-wal").write_bytes(log[:end])
        journal = Journal(folder)
        found.append(len([*journal]))
        journal.close()

    assert found == sorted(found)
    assert set(found) == set(range(8)), "the last byte of the last commit is missing"


# The disk fails.


@pytest.mark.parametrize("fails", [("write", "wal"), ("sync", "wal")])
def test_after_a_failure_nothing_is_told_taken_or_written(
    tmp_path: Path, disk: FailingDisk, fails: tuple[str, str]
) -> None:
    journal = Journal(tmp_path, vfs=disk.name)
    told: list[int] = []
    reasons: list[str] = []
    stopped = threading.Event()

    def halted(why: str) -> None:
        reasons.append(why)
        stopped.set()

    journal.watch(told.append, halted)
    journal.append(THREE[0])
    journal.flush()
    disk.fails = fails

    journal.append(THREE[1])
    assert stopped.wait(60)
    with pytest.raises(
        LogHalted, match=f"records after 1 could not be written: .*the {fails[0]} of wal failed"
    ):
        journal.flush()
    disk.fails = None
    disk.calls.clear()

    for record in (THREE[1], THREE[2]):
        with pytest.raises(LogHalted, match="records after 1 could not be written"):
            journal.append(record)
    assert [*journal] == THREE[:2], "what was taken can be read"
    with pytest.raises(LogHalted):
        journal.close()
    journal.close()
    assert disk.calls == [], "it does not even try"
    assert told == [1]
    assert len(reasons) == 1
    again = Journal(tmp_path)
    assert [*again] in (THREE[:1], THREE[:2]), "what was not told may be there or not"
    again.close()


def test_who_watches_a_halted_journal_is_told_at_once(tmp_path: Path, disk: FailingDisk) -> None:
    journal = Journal(tmp_path, vfs=disk.name)
    disk.fails = ("sync", "wal")
    journal.append(THREE[0])
    with pytest.raises(LogHalted):
        journal.flush()

    reasons: list[str] = []
    journal.watch(lambda seq: None, reasons.append)

    assert len(reasons) == 1
    with pytest.raises(LogHalted):
        journal.close()


def test_what_fails_while_the_log_is_moved_into_the_database_halts_too(
    tmp_path: Path, disk: FailingDisk
) -> None:
    journal = Journal(tmp_path, vfs=disk.name)
    disk.fails = ("sync", "database")
    stopped = threading.Event()
    journal.watch(lambda seq: None, lambda why: stopped.set())
    seq = 0
    while not stopped.is_set():
        with suppress(LogHalted):
            seq += 1
            journal.append(granted(seq))
            journal.flush()
    durable = journal.durable_seq
    assert durable > 100
    with pytest.raises(LogHalted, match="the sync of database failed"):
        journal.close()
    disk.fails = None

    again = Journal(tmp_path)
    assert len([*again]) >= durable
    again.close()


def test_the_log_is_moved_into_the_database_after_the_waiting_were_told(
    tmp_path: Path, disk: FailingDisk
) -> None:
    """By us, for SQLite's own way of doing it is part of the commit, and swallows errors."""
    journal = Journal(tmp_path, vfs=disk.name)
    journal.watch(lambda seq: disk.calls.append(("told", str(seq))), lambda why: None)
    disk.calls.clear()
    seq = 0
    while ("sync", "database") not in disk.calls:
        seq += 1
        journal.append(granted(seq))
        journal.flush()

    moved = disk.calls.index(("write", "database"))
    assert disk.calls[:moved][-2][0] == "told", "then the log is synced, and moved"
    journal.close()


@pytest.mark.parametrize(
    "fails", [("write", "wal"), ("sync", "wal"), ("write", "database"), ("sync", "database")]
)
def test_a_disk_that_fails_in_opening_makes_no_journal(
    tmp_path: Path, disk: FailingDisk, fails: tuple[str, str]
) -> None:
    disk.fails = fails

    with pytest.raises(LogFault, match=f"the {fails[0]} of {fails[1]} failed"):
        Journal(tmp_path, vfs=disk.name)

    disk.fails = None
    journal = Journal(tmp_path, vfs=disk.name)
    assert [*journal] == []
    journal.close()


def test_what_the_last_run_could_not_sync_is_written_once_more(tmp_path: Path, disk: FailingDisk) -> None:
    """A failed sync may leave pages that only memory has and that no later sync of the log writes."""
    journal = Journal(tmp_path, vfs=disk.name)
    journal.append(THREE[0])
    journal.flush()
    disk.fails = ("sync", "wal")
    journal.append(THREE[1])
    with pytest.raises(LogHalted):
        journal.close()
    disk.fails = None
    disk.calls.clear()

    journal = Journal(tmp_path, vfs=disk.name)

    assert [*journal] == THREE[:2]
    assert disk.calls.index(("write", "database")) < len(disk.calls) - 1 - disk.calls[::-1].index(
        ("sync", "database")
    )
    journal.close()


def test_an_interrupted_append_halts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = Journal(tmp_path)

    def interrupted(staged: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(journal._writer, "stage", interrupted)
    with pytest.raises(KeyboardInterrupt):
        journal.append(THREE[0])

    with pytest.raises(LogHalted, match="the writing of record 1 was interrupted"):
        journal.append(THREE[0])
    with pytest.raises(LogHalted):
        journal.close()


# The library and its settings.


def test_a_library_that_can_tear_a_journal_is_refused() -> None:
    for version in ("3.40.1", "3.51.2", "3.6.23"):
        with pytest.raises(LogUnsafe, match=f"SQLite {version} can tear"):
            check_library(version)
    for version in ("3.51.3", "3.52.0", "4.0.0", apsw.sqlite_lib_version()):
        check_library(version)


class Stubborn:
    """A connection that keeps one setting as it was."""

    def __init__(self, connection: Any, setting: str) -> None:  # noqa: ANN401 -- of either type
        self._connection, self._setting = connection, setting

    def pragma(self, name: str, value: object = None) -> object:
        if name == self._setting:
            return "as it was"
        return self._connection.pragma(*((name,) if value is None else (name, value)))


@pytest.mark.parametrize("setting", ["journal_mode", "synchronous", "fullfsync", "checkpoint_fullfsync"])
def test_a_setting_that_does_not_read_back_is_refused(tmp_path: Path, setting: str) -> None:
    connection = apsw.Connection(str(tmp_path / "a.sqlite"))
    stubborn: Connection = Stubborn(connection, setting)  # type: ignore[assignment]  # as far as it is used

    with pytest.raises(LogUnsafe, match=f"{setting} is 'as it was' and must be"):
        make_durable(stubborn, tmp_path)

    connection.close()


def test_a_log_in_a_file_is_no_journal(tmp_path: Path) -> None:
    log = FileLog(tmp_path / "journal.sqlite")
    for record in THREE:
        log.append(record)
    log.close()

    refused(tmp_path, 0, "file is not a database")
