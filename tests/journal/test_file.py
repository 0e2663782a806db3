"""The log in a file: what was written comes back, a torn end is cut, any other damage and any fault stops."""

import errno
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from fsm_ems.dialogs.record import Record
from fsm_ems.errors import EMSBug, InvalidMessage, LogDamaged, LogFault, LogHalted, LogInUse
from fsm_ems.journal.codec import encode
from fsm_ems.journal.file import FileLog, RecordFile, framed
from fsm_ems.journal.lines import FileEnd, unframed
from fsm_ems.testing.records import records
from tests.journal.lives import THREE, busy


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "out" / "records.log"


def write(path: Path, *lines: bytes | bytearray) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"".join(lines))


def checked(text: bytes) -> bytes:
    return b"%08x %b\n" % (crc32(text), text)


# What is written comes back.


@pytest.mark.parametrize("sync", [False, True])
def test_records_come_back_in_order_now_and_after_reopening(path: Path, *, sync: bool) -> None:
    log = FileLog(path, sync=sync)
    for record in THREE[:2]:
        log.append(record)
    assert [*log] == THREE[:2]
    log.close()

    again = FileLog(path, sync=sync)
    again.append(THREE[2])

    assert again.cut is None
    assert [*again] == [*RecordFile(path)] == THREE


def test_the_last_line_is_written_once_more_where_the_disk_counts(path: Path) -> None:
    """An earlier run may have failed to sync it: then memory alone has it, and takes it for synced."""
    write(path, *map(framed, THREE))
    os.utime(path, ns=(1, 1))

    FileLog(path, sync=True).close()

    assert path.read_bytes() == b"".join(map(framed, THREE))
    assert path.stat().st_mtime_ns > 1


@pytest.mark.parametrize("torn", [b"", b"0123"])
def test_a_second_log_of_a_file_is_refused_and_cuts_nothing_off(path: Path, torn: bytes) -> None:
    """Two writers would number their records alike. What looks torn may be what the first is writing."""
    log = FileLog(path)
    log.append(THREE[0])
    with path.open("ab") as file:
        file.write(torn)

    with pytest.raises(LogInUse, match="in use by another log that is open"):
        FileLog(path)

    assert path.read_bytes() == framed(THREE[0]) + torn
    log.close()
    assert [*FileLog(path)] == THREE[:1]


def test_the_path_may_be_text(path: Path) -> None:
    log = FileLog(str(path))
    log.append(THREE[0])
    log.close()

    assert list(FileLog(path)) == THREE[:1]


def test_a_line_is_a_checksum_and_the_record(path: Path) -> None:
    FileLog(path).append(THREE[0])

    text = encode(THREE[0])
    assert path.read_text(encoding="ascii") == f"{crc32(text.encode()):08x} {text}\n"


def test_a_record_is_with_the_operating_system_when_append_returns(path: Path) -> None:
    log = FileLog(path)
    for number, record in enumerate(THREE, 1):
        log.append(record)
        assert path.read_bytes().count(b"\n") == number


def test_the_file_is_for_its_owner_alone(path: Path) -> None:
    FileLog(path)

    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@given(record=records())
def test_a_frame_holds_any_record_and_shows_every_missing_byte(record: Record) -> None:
    line = framed(record)

    assert unframed(line) == encode(record).encode()
    assert [end for end in range(len(line)) if unframed(line[:end]) is not None] == []


def test_an_empty_file_is_an_empty_log(path: Path) -> None:
    write(path)

    log = FileLog(path)

    assert ([*log], log.cut) == ([], None)


# A torn end.


def test_whatever_is_torn_off_the_last_line_it_is_cut_and_said(path: Path) -> None:
    sound = b"".join(map(framed, THREE[:2]))
    last = framed(THREE[2])
    for left in range(1, len(last)):
        write(path, sound, last[:left])

        assert [*RecordFile(path)] == THREE[:2], "reading alone leaves it"
        assert path.stat().st_size == len(sound) + left
        log = FileLog(path)

        assert log.cut == f"{path}: line 3 was torn; its {left} bytes were cut off"
        assert path.read_bytes() == sound
        log.append(THREE[2])
        assert [*log] == THREE
        log.close()


@pytest.mark.slow
def test_whatever_byte_of_the_last_line_is_altered_it_is_cut(path: Path) -> None:
    """A disk may have the end of a line and not its middle. Only an added line end looks like more lines."""
    sound, last = framed(THREE[0]), framed(THREE[1])
    for place in range(len(last)):
        for bit in range(8):
            altered = bytearray(last)
            altered[place] ^= 1 << bit
            if altered[place] == ord("\n"):
                continue
            write(path, sound, altered)

            log = FileLog(path)

            assert log.cut is not None
            assert [*log] == THREE[:1]
            log.close()


def test_a_log_of_nothing_but_a_torn_line_is_empty(path: Path) -> None:
    write(path, b"\0" * 30)

    log = FileLog(path)

    assert log.cut == f"{path}: line 1 was torn; its 30 bytes were cut off"
    log.append(THREE[0])
    assert [*log] == THREE[:1]


@pytest.mark.parametrize("left", [1, 8, 9, 20, 60])
def test_a_torn_first_line_is_cut_as_well(path: Path, left: int) -> None:
    write(path, framed(THREE[0])[:left])

    log = FileLog(path)

    assert ([*log], log.cut) == ([], f"{path}: line 1 was torn; its {left} bytes were cut off")


# Any other damage.


def refused(path: Path, line: int, told: str) -> None:
    """Refused by everyone, with the line and what to do, and left as it is."""
    before = path.read_bytes()
    attempts: list[Callable[[], object]] = [lambda: FileLog(path), lambda: [*RecordFile(path)]]
    for attempt in attempts:
        with pytest.raises(LogDamaged, match="keep a copy") as caught:
            attempt()
        assert caught.value.line == line
        assert caught.value.where == str(path)
        assert told in caught.value.problem
    assert path.read_bytes() == before


@pytest.mark.parametrize("line", [b"my only note", b"my only note\n", b"[1]\n", b"\n", b"abc\n"])
def test_a_file_of_somebody_else_is_not_taken_over(path: Path, line: bytes) -> None:
    """One line without a checksum is what a torn log looks like, but for how it begins."""
    write(path, line)

    refused(path, 1, "this is no record")


def test_a_check_reads_every_line_and_names_a_torn_one(path: Path) -> None:
    write(path, *LINES)
    assert RecordFile(path).check() is None

    write(path, *LINES[:2], LINES[2][:9])
    assert RecordFile(path).check() == 3

    write(path, LINES[0], LINES[2])
    with pytest.raises(LogDamaged, match="line 2: record 2 belongs here"):
        RecordFile(path).check()


@pytest.mark.slow
def test_every_flipped_bit_of_a_line_in_the_middle_is_found(path: Path) -> None:
    first, middle, last = map(framed, THREE)
    for place in range(len(middle)):
        for bit in range(8):
            altered = bytearray(middle)
            altered[place] ^= 1 << bit
            write(path, first, altered, last)
            with pytest.raises(LogDamaged) as caught:
                FileLog(path)
            assert caught.value.line == 2
            with pytest.raises(LogDamaged):
                list(RecordFile(path))


LINES = [framed(record) for record in THREE]


@pytest.mark.parametrize(
    ("lines", "line", "told"),
    [
        ([LINES[0], LINES[2]], 2, "record 2 belongs here, and this is record 3"),
        ([LINES[1], LINES[2]], 1, "record 1 belongs here, and this is record 2"),
        ([LINES[0], LINES[2], LINES[1]], 2, "record 2 belongs here, and this is record 3"),
        ([LINES[0], LINES[1], LINES[1]], 3, "record 3 belongs here, and this is record 2"),
        ([LINES[0], b"\n", LINES[1]], 2, "checksum"),
        ([LINES[0], LINES[1][:20], LINES[2]], 2, "checksum"),
        ([LINES[0], checked(b'{"v":2,"seq":2,"more":1}'), LINES[2]], 2, "version 2 is not known"),
        ([LINES[0], checked(b'{"v":2,"seq":2,"more":1}')], 2, "version 2 is not known"),
        ([LINES[0], checked(b"[]"), LINES[2]], 2, "this is no record"),
    ],
    ids=[
        "missing",
        "headless",
        "swapped",
        "doubled",
        "empty line",
        "torn middle",
        "version",
        "newest",
        "no record",
    ],
)
def test_damage_is_refused_with_its_line(path: Path, lines: list[bytes], line: int, told: str) -> None:
    write(path, *lines)

    refused(path, line, told)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (b'"kind":"Granted"', b'"kind":"Gifted"', "kind 'Gifted' is not known"),
        (b'"alarm":null', b'"alarm":null,"more":1', "a record has the fields"),
        (b'"time_ns":0', b'"time_ns":"0"', "whole number"),
        (b'"trader"', b'"king"', "unknown: 'king'"),
        (b"}", b"", "at line 1 column"),
    ],
)
def test_a_line_that_is_whole_and_means_nothing_is_refused_when_read(
    path: Path, old: bytes, new: bytes, told: str
) -> None:
    write(path, LINES[0], checked(unframed(LINES[1]).replace(old, new)), LINES[2])  # type: ignore[union-attr]  # it is whole
    log = FileLog(path)

    with pytest.raises(LogDamaged) as caught:
        list(log)

    assert (caught.value.line, told in caught.value.problem) == (2, True)


def test_a_record_that_does_not_follow_is_a_bug_and_is_not_written(path: Path) -> None:
    log = FileLog(path)
    log.append(THREE[0])

    with pytest.raises(EMSBug, match="record 3 does not follow 1"):
        log.append(THREE[2])

    log.append(THREE[1])
    assert [*log] == THREE[:2]


# Faults of the disk: stop, and stay stopped.


class Disk:
    """The end of a file on a disk that can be told to fail."""

    def __init__(self, path: Path) -> None:
        self.end = FileEnd(path)
        self.fails: BaseException | None = None
        self.takes: int | None = None
        self.calls: list[str] = []

    def write(self, line: bytes) -> int:
        self._call("write")
        return self.end.write(line if self.takes is None else line[: self.takes])

    def sync(self) -> None:
        self._call("sync")
        self.end.sync()

    def close(self) -> None:
        self._call("close")
        self.end.close()

    def _call(self, name: str) -> None:
        self.calls.append(name)
        if self.fails is not None:
            raise self.fails


FULL = OSError(errno.ENOSPC, "No space left on device")


@pytest.fixture
def disk(path: Path) -> Iterator[Disk]:
    path.parent.mkdir()
    disk = Disk(path)
    yield disk
    disk.end.close()


@pytest.mark.parametrize("sync", [False, True])
def test_after_a_failed_write_nothing_is_taken_any_more(path: Path, disk: Disk, *, sync: bool) -> None:
    log = FileLog(path, sync=sync, opened=lambda _: disk)
    log.append(THREE[0])
    disk.fails = FULL

    with pytest.raises(LogHalted, match=r"record 2 could not be written: .*No space left"):
        log.append(THREE[1])
    disk.fails = None
    disk.calls.clear()

    for record in (THREE[1], THREE[2]):
        with pytest.raises(LogHalted, match="record 2 could not be written"):
            log.append(record)
    assert disk.calls == [], "it does not even try"
    assert [*log] == THREE[:1], "what there is can be read"


def test_a_failed_sync_is_never_tried_again(path: Path, disk: Disk) -> None:
    """The record may be there afterwards or not: nobody can tell, so nobody was told."""
    log = FileLog(path, sync=True, opened=lambda _: disk)
    disk.calls.clear()
    log.append(THREE[0])
    assert disk.calls == ["write", "sync"]

    disk.sync = lambda: (_ for _ in ()).throw(OSError(errno.EIO, "I/O error"))  # type: ignore[method-assign]  # from here on
    with pytest.raises(LogHalted, match=r"record 2 could not be written: .*I/O error"):
        log.append(THREE[1])
    with pytest.raises(LogHalted):
        log.append(THREE[1])

    assert disk.calls == ["write", "sync", "write"]


@pytest.mark.parametrize("taken", [0, 1, 50])
def test_a_line_that_was_taken_in_part_halts_and_is_cut_later(path: Path, disk: Disk, taken: int) -> None:
    log = FileLog(path, opened=lambda _: disk)
    log.append(THREE[0])
    disk.takes = taken

    with pytest.raises(LogHalted, match=f"only {taken} of {len(LINES[1])} bytes"):
        log.append(THREE[1])
    disk.takes = None
    with pytest.raises(LogHalted):
        log.append(THREE[1])
    log.close()

    again = FileLog(path)
    assert (again.cut is not None) == (taken > 0)
    assert [*again] == THREE[:1]


def test_an_interrupted_write_halts_too(path: Path, disk: Disk) -> None:
    log = FileLog(path, opened=lambda _: disk)
    disk.fails = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        log.append(THREE[0])
    disk.fails = None

    with pytest.raises(LogHalted, match="the writing of record 1 was interrupted"):
        log.append(THREE[0])


def test_a_closed_log_takes_nothing_and_can_be_read(path: Path) -> None:
    log = FileLog(path)
    log.append(THREE[0])
    log.close()
    log.close()

    with pytest.raises(LogHalted, match="is closed"):
        log.append(THREE[1])
    assert [*log] == THREE[:1]


def test_a_failed_close_is_told_once(path: Path, disk: Disk) -> None:
    log = FileLog(path, opened=lambda _: disk)
    disk.fails = OSError(errno.EIO, "I/O error")

    with pytest.raises(LogHalted, match="could not be closed"):
        log.close()
    log.close()


def test_a_place_that_cannot_be_a_file_is_told(tmp_path: Path) -> None:
    """It is the caller's slip, and no disk has failed."""
    with pytest.raises(InvalidMessage, match=r"^path=.*: it is a folder, and a file is needed$"):
        FileLog(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(InvalidMessage, match=r"^path=.*: .*file is a file, and a folder is needed$"):
        FileLog(tmp_path / "file" / "records.log")
    with pytest.raises(InvalidMessage, match=r"^path=.*: File name too long$"):
        FileLog(tmp_path / "live" / ("x" * 300))
    with pytest.raises(InvalidMessage, match=r"^path=.*: File name too long$"):
        FileLog(tmp_path / ("x" * 300))

    assert [one.name for one in tmp_path.iterdir()] == ["file"]


def test_a_file_that_cannot_be_read_is_told(path: Path) -> None:
    log = RecordFile(path)
    attempts: list[Callable[[], object]] = [
        lambda: list(log),
        lambda: log.of("main", "a"),
        lambda: log.owners("a"),
        lambda: log.lookup("p", 1, None),
    ]
    for attempt in attempts:
        with pytest.raises(LogFault, match="cannot be read: No such file"):
            attempt()
    assert log.lookup("p", None, None) == ()


# Finding a dialog; that all logs answer alike is in test_contract.py.


def test_finding_skips_a_torn_end_and_refuses_damage(path: Path) -> None:
    log = FileLog(path)
    busy(log, "str")
    log.close()
    whole = path.read_bytes()
    life = [*log.of("main", "o0")]

    path.write_bytes(whole + framed(life[0])[:-1])
    assert [*RecordFile(path).of("main", "o0")] == life

    path.write_bytes(whole.replace(b'"cancelled"', b'"candelled"', 1))
    line = 1 + whole[: whole.index(b'"cancelled"')].count(b"\n")
    with pytest.raises(LogDamaged) as caught:
        RecordFile(path).of("main", "o0")
    assert caught.value.line == line


@given(record=records(), sought=st.text(st.characters(codec="utf-8"), max_size=5))
def test_any_name_is_found_and_only_where_it_stands(
    tmp_path_factory: pytest.TempPathFactory, record: Record, sought: str
) -> None:
    path = tmp_path_factory.mktemp("names") / "records.log"
    record = replace(record, seq=1)
    FileLog(path).append(record)
    log = RecordFile(path)

    assert log.of(record.owner, record.oid) == [record]
    assert log.owners(record.oid) == (record.owner,)
    if sought != record.oid:
        assert log.owners(sought) == ()
        assert log.of(record.owner, sought) == []
