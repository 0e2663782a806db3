"""An append-only file of lines of JSON, each with its checksum and its number: what our files of facts share.

A line is eight hexadecimal digits, the CRC-32 of the rest, then a blank and a JSON object that begins with
its form's key and version and its own number, ``{"v":1,"seq":3,``. The numbers begin at 1 and have no gap,
so that a lost, doubled or moved line shows.

*Durability.* Every line is written through to the operating system before :meth:`LineLog.append` returns: it
survives the end of the process, ``kill -9`` included. With ``sync`` it waits for the disk as well.

*Faults.* After any failed write nothing is taken any more (fail-stop), for nobody can tell what the disk
has. A line whose writing failed may or may not be there when the file is opened again. A torn last line is
cut off then, and said; anything else that is wrong is :class:`~fsm_ems.errors.LogDamaged`, and the file is
left as it is. So is a file whose only line is not even the start of one: it is somebody else's.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO, NamedTuple, NoReturn, Protocol
from zlib import crc32

from fsm_ems.errors import LogDamaged, LogFault, LogHalted, LogInUse
from fsm_ems.folders import make_folder, sync_directory
from fsm_ems.journal.folder_lock import locked

_CHECKSUM = 9  # eight digits and a blank


class Form(NamedTuple):
    """What kind of lines a file has: *key* and *version* begin each, and no other object in a line has that
    key first, so that two lines run together are not taken for one torn one.

    *line* and *file* are what they are called, *advice* what a person can do about a damaged file.
    """

    key: str
    version: int
    line: str
    file: str
    advice: str

    def start(self, seq: int) -> bytes:
        """How line *seq* begins, behind its checksum."""
        return b'{"%b":%d,"seq":%d,' % (self.key.encode("ascii"), self.version, seq)


def framed(text: bytes) -> bytes:
    """The line of *text*, its checksum and line end included."""
    return b"%08x %b\n" % (crc32(text), text)


def unframed(line: bytes) -> bytes | None:
    """The text in a line as the file has it; None where the line is torn or altered."""
    text = line[_CHECKSUM:-1]
    return text if line == framed(text) else None


class LineFile:
    """Such a file for reading alone: it changes nothing, and another process may be writing to it.

    Every method raises LogFault where the file cannot be read, LogDamaged where it is not what was written.
    """

    def __init__(self, path: Path, form: Form) -> None:
        self.path = path
        self.form = form

    def __iter__(self) -> Iterator[tuple[int, bytes]]:
        """Number and text of every line, verified; a torn last line is left out."""
        with self.opened() as file:
            yield from self._sound(file)

    def opened(self) -> BinaryIO:
        """The file, to be read."""
        try:
            return self.path.open("rb")
        except OSError as error:
            raise LogFault(f"{self.path} cannot be read: {error.strerror}") from error

    def check(self) -> int | None:
        """Verify every line; the number of a torn last line, None where there is none."""
        with self.opened() as file:
            lines, _, _, torn = self._measured(file)
        return lines + 1 if torn else None

    def _measured(self, file: BinaryIO) -> tuple[int, bytes, int, int]:
        """How many lines there are, the text of the last, their bytes, and those of a torn one behind it."""
        lines, last = 0, b""
        for lines, last in self._sound(file):  # noqa: B007 -- the last of them
            pass
        sound = file.tell()
        return lines, last, sound, file.seek(0, os.SEEK_END) - sound

    def _sound(self, file: BinaryIO) -> Iterator[tuple[int, bytes]]:
        """Number and text of every line but a torn last one; *file* is left behind the last of them."""
        end, expected = 0, 1
        begin = b'{"%b":' % self.form.key.encode("ascii")
        for line in file:
            text = unframed(line)
            if text is None:
                if expected == 1 and not self._may_be_ours(line):
                    self.damaged(1, f"this is no {self.form.line}: a {self.form.file} begins otherwise")
                if begin in line[_CHECKSUM + 1 :] or (line.endswith(b"\n") and file.readline()):
                    self.damaged(expected, "the checksum does not match: the line was altered")
                break
            if not text.startswith(self.form.start(expected)):
                self.damaged(expected, self._misplaced(text, expected))
            yield expected, text
            end += len(line)
            expected += 1
        file.seek(end)

    def _may_be_ours(self, line: bytes) -> bool:
        """Whether *line* can be what a power cut left of a first line: its start, with zeros in places."""
        first = b"00000000 " + self.form.start(1)
        return all(
            byte in (0, right) or (place < _CHECKSUM - 1 and byte in b"0123456789abcdef")
            for place, (byte, right) in enumerate(zip(line, first, strict=False))
        )

    def _misplaced(self, text: bytes, expected: int) -> str:
        ours, noun = self.form.version, self.form.line
        start = re.match(rb'\{"%b":(\d+),"seq":(\d+),' % self.form.key.encode("ascii"), text)
        if start is None:
            return f"this is no {noun}"
        version, seq = int(start[1]), int(start[2])
        if version != ours:
            return f"version {version} is not known here, only {ours} is; a newer fsm_ems may have written it"
        return f"{noun} {expected} belongs here, and this is {noun} {seq}: lines are lost, doubled or moved"

    def damaged(self, number: int, problem: str) -> NoReturn:
        """Line *number* is not what was written."""
        raise LogDamaged(str(self.path), number, f"{problem} ({self.form.advice})")


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
    """The end of a real file, without a buffer of ours in between. Nobody else has it until it is closed.

    Raises:
        LogInUse: somebody else has it open, in this process or another.
        OSError: it cannot be opened or locked.
    """

    def __init__(self, path: Path) -> None:
        self._fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        with ExitStack() as undone:
            undone.callback(os.close, self._fd)
            if not locked(self._fd):
                raise LogInUse(str(path), "another log that is open")
            undone.pop_all()

    def write(self, line: bytes) -> int:
        return os.write(self._fd, line)

    def sync(self) -> None:
        os.fsync(self._fd)

    def close(self) -> None:
        os.close(self._fd)


class LineLog(LineFile):
    """Such a file, read and verified when opened, then added to. One opening at a time may do so.

    *seq* is the number of its last line. *cut* tells what was cut off when it was opened, None where nothing
    was.

    Raises:
        LogInUse: another opening adds to it.
        LogDamaged: the file is not what was written; it is left as it is.
        LogHalted: the file cannot be opened for writing.
    """

    def __init__(self, path: Path, form: Form, *, sync: bool, opened: Callable[[Path], Appending]) -> None:
        """With *sync* each line waits for the disk. *opened* opens the end of the file."""
        super().__init__(path, form)
        self.seq = 0
        self.cut: str | None = None
        self._sync = sync
        self._halted = ""
        self._closed = False
        try:
            if sync:
                make_folder(path.parent)
            else:
                path.parent.mkdir(parents=True, exist_ok=True)
            self._end = opened(path)  # before anything is cut off: somebody else may be writing it
            with ExitStack() as undone:
                undone.callback(self._end.close)
                self._verify()
                if sync:
                    self._end.sync()
                    sync_directory(path.parent)
                undone.pop_all()
        except OSError as error:
            raise LogHalted(f"{path} cannot be opened: {error}") from error

    def _verify(self) -> None:
        with self.path.open("r+b") as file:
            self.seq, last, sound, torn = self._measured(file)
            if torn:
                file.truncate(sound)
                self.cut = f"{self.path}: line {self.seq + 1} was torn; its {torn} bytes were cut off"
            if self._sync and self.seq:
                # Where an earlier run could not sync it, it may be in memory alone, look whole, and be left
                # out of later syncs: written once more, it is part of the next one.
                line = framed(last)
                file.seek(sound - len(line))
                file.write(line)

    def check_open(self) -> None:
        """Raise LogHalted where nothing is taken any more."""
        if self._halted:
            raise LogHalted(self._halted)

    def append(self, text: bytes) -> None:
        """Keep *text*, which begins as line ``seq + 1`` does. When this raises, nothing may follow.

        Raises:
            LogHalted: it could not be kept, or an earlier one could not.
        """
        self.check_open()
        noun, seq = self.form.line, self.seq + 1
        line = framed(text)
        try:
            written = self._end.write(line)
            if written != len(line):
                raise OSError(f"only {written} of {len(line)} bytes were written")  # noqa: TRY301 -- as any fault
            if self._sync:
                self._end.sync()
        except OSError as error:
            self._halted = f"{self.path}: {noun} {seq} could not be written: {error}"
            raise LogHalted(self._halted) from error
        except BaseException:
            self._halted = f"{self.path}: the writing of {noun} {seq} was interrupted"
            raise
        self.seq = seq

    def close(self) -> None:
        """Let go of the file, which can still be read. Closing twice does no harm."""
        if self._closed:
            return
        self._closed = True
        self._halted = self._halted or f"{self.path} is closed"
        try:
            self._end.close()
        except OSError as error:
            raise LogHalted(f"{self.path} could not be closed: {error}") from error
