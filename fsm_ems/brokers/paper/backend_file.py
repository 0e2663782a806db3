"""The paper venue's own journal: one append-only file of its facts, in a folder that one process holds.

``venue.log`` is a file of :mod:`fsm_ems.journal.lines`. Its first line names the venue and the prefix of its
ids, and is there as soon as the file is, so that one without it has lost what was in it. Every other line is
a *turn*: the facts of one step of the engine, together, so that a line that was torn off takes whole steps
away and never leaves an order half way. The facts are :mod:`fsm_ems.brokers.paper.engine_facts`, each a JSON
object with its class as ``kind``; Decimals are text.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import NoReturn, TypeVar

import msgspec

from fsm_ems.brokers.paper.engine_facts import Fact
from fsm_ems.errors import InvalidMessage, LogHalted
from fsm_ems.folders import as_path, make_folder, making
from fsm_ems.journal.folder_lock import FolderLock
from fsm_ems.journal.lines import Appending, FileEnd, Form, LineFile, LineLog, framed
from fsm_ems.value import Value

LOG, LOCK = "venue.log", "venue.lock"
FORM = Form(
    "venue",
    1,
    "turn",
    "paper venue's journal",
    "nothing was changed; keep a copy of the file, then put a sound copy in its place, or move it away to "
    "begin anew: the venue then knows none of its orders any more",
)


class _Opened(Value, frozen=True, forbid_unknown_fields=True):
    """The first line: whose file this is, and how each of its ids begins."""

    name: str
    prefix: str


class _Turn(Value, frozen=True, forbid_unknown_fields=True):
    """Any other line."""

    facts: tuple[Fact, ...]


_Line = TypeVar("_Line", _Opened, _Turn)
_opened, _turn = msgspec.json.Decoder(_Opened), msgspec.json.Decoder(_Turn)
_encode = msgspec.json.Encoder().encode


def _text(number: int, line: _Opened | _Turn) -> bytes:
    return FORM.start(number) + _encode(line)[1:]


_SHORTEST = len(framed(_text(1, _Opened("", ""))))
"""No first line has fewer bytes, and what the disk has once no power cut makes shorter."""


def _begin(path: Path, line: bytes) -> None:
    """Make the file at *path*, with its first *line* or not at all, whatever *sync* says of the others."""
    beside = path.with_name(f".new-{path.name}")
    file = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        if os.write(file, line) != len(line):
            raise OSError(f"{beside} does not take its first line")
        os.fsync(file)
    finally:
        os.close(file)
    beside.replace(path)  # the log syncs the name


class VenueFile:
    """The facts of the venue *name* in *folder*, which is made where it is not there.

    *prefix* begins the ids of a new file, drawn at random where it is None; an old file keeps its own.
    With *sync* every turn waits for the disk. *cut* tells what was torn and cut off when it was opened.

    Raises:
        LogInUse: another venue has the folder open; the error names who.
        LogDamaged: the file is not what was written, as one that was emptied; it is left as it is.
        LogFault: it cannot be read.
        LogHalted: the folder cannot be written to.
        InvalidMessage: the file is another venue's, or was begun with another prefix; or *folder* is none,
            cannot be made one, or may not be read and written to.
    """

    def __init__(
        self,
        folder: Path | str,
        name: str,
        prefix: str | None,
        *,
        sync: bool = True,
        opened: Callable[[Path], Appending] = FileEnd,
    ) -> None:
        self.folder = as_path("path", folder)
        self._read = 1
        try:
            with making("path", self.folder):
                make_folder(self.folder.parent)
                self.folder.mkdir(exist_ok=True)  # whose name the log syncs with its own, if it syncs
            lock = FolderLock(self.folder / LOCK)
        except OSError as error:
            raise LogHalted(f"{self.folder} cannot be opened: {error}") from error
        with ExitStack() as undone:
            undone.callback(lock.release)
            self._see_begun(name, prefix)
            self._log = LineLog(self.folder / LOG, FORM, sync=sync, opened=opened)
            undone.callback(self._log.close)
            self.prefix = self._known_as(name, prefix)
            self._closing = undone.pop_all()
        self.cut = self._log.cut

    def _see_begun(self, name: str, prefix: str | None) -> None:
        """The file has its first line: one that is not there yet is begun with it, and so is one that has
        but this line, torn in its place: an opening writes it once more, and a power cut may strike then.
        """
        path = self.folder / LOG
        if path.exists():
            file = LineFile(path, FORM)
            if next(iter(file), None) is not None:
                return
            if path.stat().st_size < _SHORTEST:
                file.damaged(1, "it is not there, and no venue leaves a file without it: it was cut off")
        first = _Opened(name, f"{secrets.token_hex(4)}-" if prefix is None else prefix)
        try:
            _begin(path, framed(_text(1, first)))
        except OSError as error:
            raise LogHalted(f"{path} cannot be made: {error}") from error

    def _known_as(self, name: str, prefix: str | None) -> str:
        head = self._decoded(_opened, *next(iter(self._log)))
        problems: list[str] = []
        if head.name != name:
            problems.append(f"path: {self.folder} is the journal of {head.name}, not of {name}")
        if prefix not in (None, head.prefix):
            problems.append(f"prefix: the ids in {self.folder} begin with {head.prefix!r}, not {prefix!r}")
        if problems:
            raise InvalidMessage(tuple(problems))
        return head.prefix

    def __iter__(self) -> Iterator[Fact]:
        """Every fact, in order.

        Raises:
            LogDamaged: a line is whole and means nothing.
        """
        for number, text in self._log:
            if number > 1:
                self._read = number
                yield from self._decoded(_turn, number, text).facts

    def damaged(self, problem: Exception) -> NoReturn:
        """The fact that was read last cannot be: *problem* came of it."""
        self._log.damaged(self._read, f"it cannot follow what is before it: {problem!r}")

    def keep(self, facts: Sequence[Fact]) -> None:
        """Write the facts of one step down. When this raises, nothing of it may be told.

        Raises:
            LogHalted: they could not be kept, or earlier ones could not; the venue has to stop.
        """
        self.check_open()
        if facts:
            self._log.append(_text(self._log.seq + 1, _Turn(tuple(facts))))

    def check_open(self) -> None:
        """Raise LogHalted where nothing is taken any more."""
        self._log.check_open()

    def close(self) -> None:
        """Let go of the folder. Closing twice does no harm."""
        self._closing.close()

    def _decoded(self, decoder: msgspec.json.Decoder[_Line], number: int, text: bytes) -> _Line:
        try:
            return decoder.decode(b"{" + text[len(FORM.start(number)) :])
        except msgspec.DecodeError as problem:
            self._log.damaged(number, str(problem))
