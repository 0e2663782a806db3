"""A record log in one append-only file: a record a line, each with its checksum.

A line is eight hexadecimal digits, the CRC-32 of the rest, then a blank and the record as
:mod:`fsm_ems.journal.codec` writes it. The records of a file are numbered from 1 without a gap, so that
a lost, doubled or moved line shows.

*Durability.* Every append is written through to the operating system before it returns: it survives the
end of the process, ``kill -9`` included. Whether it survives the end of the machine is the caller's choice:
with ``sync`` each append waits for the disk (tens to thousands of microseconds); without it a power cut may
take the last seconds, and leave the end of the file missing, torn or damaged. A replay of a tape needs no
more than that.

*Faults.* After any failed write nothing is taken any more (fail-stop), for nobody can tell what the disk
has. A record whose append failed may or may not be there when the file is opened again. A torn last line is
cut off then, and said; anything else that is wrong is :class:`~fsm_ems.errors.LogDamaged`, and the file is
left as it is. So is a file whose only line is not even the start of a record: it is somebody else's.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, NoReturn, Protocol
from zlib import crc32

from fsm_ems.dialogs.record import Record
from fsm_ems.errors import EMSBug, LogDamaged, LogFault, LogHalted
from fsm_ems.journal.base import life_named
from fsm_ems.journal.codec import VERSION, about, decode, encode, quoted

ADVICE = (
    "nothing was changed; keep a copy of the file, then put a sound copy in its place, or move it away to "
    "begin anew and compare the positions with the venue by hand"
)
"""What a person can do about a damaged file."""

_CHECKSUM = 9  # eight digits and a blank
_BLOCK = 1 << 20
_BEGIN = b'{"v":'  # of a record; within one it cannot stand, so that two lines run together are not one torn
_START = re.compile(rb'\{"v":(\d+),"seq":(\d+),')
_FIRST = b'00000000 {"v":%d,"seq":1,' % VERSION  # how every file begins, but for the digits


def framed(record: Record) -> bytes:
    """The line of *record*, its checksum and line end included."""
    text = encode(record).encode("ascii")
    return b"%08x %b\n" % (crc32(text), text)


def unframed(line: bytes) -> bytes | None:
    """The record's text in a line as the file has it; None where the line is torn or altered."""
    text = line[_CHECKSUM:-1]
    return text if line == b"%08x %b\n" % (crc32(text), text) else None


class RecordFile:
    """A file of records for reading alone: it changes nothing, and another process may be writing to it.

    Every method raises LogFault where the file cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def __iter__(self) -> Iterator[Record]:
        """Every record, verified; a torn last line is left out."""
        with self._opened() as file:
            for number, text in self._sound(file):
                yield self._decoded(number, text)

    def of(self, owner: str, oid: str) -> Sequence[Record]:
        """See :class:`~fsm_ems.journal.base.RecordSource`. It scans the file."""
        found = self._with(about(owner, oid))
        return [record for record in found if record.oid == oid and record.owner == owner]

    def owners(self, oid: str) -> tuple[str, ...]:
        """See :class:`~fsm_ems.journal.base.RecordSource`. It scans the file."""
        found = self._with(f'"oid":{quoted(oid)}')
        return tuple(dict.fromkeys(record.owner for record in found if record.oid == oid))

    def lookup(self, broker: str, reqid: int | str | None, venue_id: str | None) -> Sequence[Record]:
        """See :class:`~fsm_ems.journal.base.RecordSource`. It scans the file."""
        looks: list[str] = []
        if isinstance(reqid, str):
            looks.append(quoted(reqid))
        elif reqid is not None:
            looks += [f'"reqid":{reqid}', '"reqids":[']
        if venue_id is not None:
            looks.append(quoted(venue_id))
        return life_named(self._with(*looks), self.of, broker, reqid, venue_id) if looks else ()

    def _with(self, *looks: str) -> Iterator[Record]:
        """The records whose lines hold one of *looks*; only those are decoded and verified."""
        tokens = [look.encode("ascii") for look in looks]
        before = 0
        with self._opened() as file:
            while block := file.read(_BLOCK) + file.readline():
                if any(token in block for token in tokens):
                    for number, line in enumerate(block.splitlines(keepends=True), before + 1):
                        if line.endswith(b"\n") and any(token in line for token in tokens):
                            yield self._decoded(number, unframed(line))
                before += block.count(b"\n")

    def _opened(self) -> BinaryIO:
        try:
            return self.path.open("rb")
        except OSError as error:
            raise LogFault(f"{self.path} cannot be read: {error.strerror}") from error

    def check(self) -> int | None:
        """Verify every line, decoded or not; the number of a torn last line, None where there is none.

        Raises:
            LogDamaged: the file is not what was written.
        """
        with self._opened() as file:
            records, _, torn = self._measured(file)
        return records + 1 if torn else None

    def _measured(self, file: BinaryIO) -> tuple[int, int, int]:
        """How many records there are, their bytes, and those of a torn last line."""
        records = sum(1 for _ in self._sound(file))
        sound = file.tell()
        return records, sound, file.seek(0, os.SEEK_END) - sound

    def _sound(self, file: BinaryIO) -> Iterator[tuple[int, bytes]]:
        """Number and record of every line but a torn last one; *file* is left behind the last of them."""
        end, expected = 0, 1
        for line in file:
            text = unframed(line)
            if text is None:
                if expected == 1 and not _may_be_ours(line):
                    self._damaged(1, "this is no record: a record log begins otherwise")
                if _BEGIN in line[_CHECKSUM + 1 :] or (line.endswith(b"\n") and file.readline()):
                    self._damaged(expected, "the checksum does not match: the line was altered")
                break
            if not text.startswith(b'{"v":%d,"seq":%d,' % (VERSION, expected)):
                self._damaged(expected, _misplaced(text, expected))
            yield expected, text
            end += len(line)
            expected += 1
        file.seek(end)

    def _decoded(self, number: int, text: bytes | None) -> Record:
        if text is None:
            self._damaged(number, "the checksum does not match: the line was altered")
        try:
            return decode(text)
        except ValueError as problem:
            self._damaged(number, str(problem))

    def _damaged(self, number: int, problem: str) -> NoReturn:
        raise LogDamaged(str(self.path), number, f"{problem} ({ADVICE})")


def _may_be_ours(line: bytes) -> bool:
    """Whether *line* can be what a power cut left of a first record: its start, with zeros in places."""
    return all(
        byte in (0, right) or (place < _CHECKSUM - 1 and byte in b"0123456789abcdef")
        for place, (byte, right) in enumerate(zip(line, _FIRST, strict=False))
    )


def _misplaced(text: bytes, expected: int) -> str:
    start = _START.match(text)
    if start is None:
        return "this is no record"
    version, seq = int(start[1]), int(start[2])
    if version != VERSION:
        return f"version {version} is not known here, only {VERSION} is; a newer fsm_ems may have written it"
    return f"record {expected} belongs here, and this is record {seq}: lines are lost, doubled or moved"


class Appending(Protocol):
    """The end of a file, for writing."""

    def write(self, line: bytes) -> int:
        """Hand *line* to the operating system; how many bytes it took."""
        ...

    def sync(self) -> None:
        """Wait until the disk has it."""
        ...

    def close(self) -> None: ...


class FileEnd:
    """The end of a real file, without a buffer of ours in between."""

    def __init__(self, path: Path) -> None:
        self._fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def write(self, line: bytes) -> int:
        return os.write(self._fd, line)

    def sync(self) -> None:
        os.fsync(self._fd)

    def close(self) -> None:
        os.close(self._fd)


class FileLog(RecordFile):
    """A file of records, read and verified when opened, then added to. One process at a time may do so.

    *cut* tells what was cut off when it was opened, None where nothing was.

    Raises:
        LogDamaged: the file is not what was written; it is left as it is.
        LogHalted: the file cannot be opened for writing.
    """

    def __init__(
        self, path: Path, *, sync: bool = False, opened: Callable[[Path], Appending] = FileEnd
    ) -> None:
        """With *sync* each append waits for the disk. *opened* opens the end of the file."""
        super().__init__(path)
        self.cut: str | None = None
        self._seq = 0
        self._sync = sync
        self._halted = ""
        self._closed = False
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if path.exists():
                self._verify()
            self._end = opened(path)
            if sync:
                self._end.sync()
                sync_directory(path.parent)
        except OSError as error:
            raise LogHalted(f"{path} cannot be opened: {error}") from error

    def _verify(self) -> None:
        with self.path.open("r+b") as file:
            self._seq, sound, torn = self._measured(file)
            if torn:
                file.truncate(sound)
                self.cut = f"{self.path}: line {self._seq + 1} was torn; its {torn} bytes were cut off"

    @property
    def durable_seq(self) -> int:
        """See :class:`~fsm_ems.journal.base.RecordLog`. What that is worth, ``sync`` chose."""
        return self._seq

    def watch(self, durable: Callable[[int], None], halted: Callable[[str], None]) -> None:
        """See :class:`~fsm_ems.journal.base.RecordLog`. Nothing moves here between appends."""

    def append(self, record: Record) -> None:
        """See :class:`~fsm_ems.journal.base.RecordLog`."""
        if self._halted:
            raise LogHalted(self._halted)
        if record.seq != self._seq + 1:
            raise EMSBug(f"record {record.seq} does not follow {self._seq}")
        line = framed(record)
        try:
            self._write(line)
            self._seq = record.seq
        except OSError as error:
            self._halted = f"{self.path}: record {record.seq} could not be written: {error}"
            raise LogHalted(self._halted) from error
        except BaseException:
            self._halted = f"{self.path}: the writing of record {record.seq} was interrupted"
            raise

    def _write(self, line: bytes) -> None:
        written = self._end.write(line)
        if written != len(line):
            raise OSError(f"only {written} of {len(line)} bytes were written")
        if self._sync:
            self._end.sync()

    def close(self) -> None:
        """See :class:`~fsm_ems.journal.base.RecordLog`. What it holds can still be read."""
        if self._closed:
            return
        self._closed = True
        self._halted = self._halted or f"{self.path} is closed"
        try:
            self._end.close()
        except OSError as error:
            raise LogHalted(f"{self.path} could not be closed: {error}") from error


def sync_directory(directory: Path) -> None:
    """A new file's name is in its directory, which the disk must have as well."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
