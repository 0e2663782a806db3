"""A record log in one append-only file: a record a line, each with its checksum.

A line holds a record as :mod:`fsm_ems.journal.codec` writes it, framed, numbered, kept and checked as
:mod:`fsm_ems.journal.lines` says. Whether a record survives the end of the machine is the caller's choice:
with ``sync`` each append waits for the disk (tens to thousands of microseconds); without it a power cut may
take the last seconds, and leave the end of the file missing, torn or damaged. A replay of a tape needs no
more than that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from fsm_ems.dialogs.record import Record
from fsm_ems.errors import ClientFault, EMSBug
from fsm_ems.folders import as_path, check_file
from fsm_ems.journal.base import life_named
from fsm_ems.journal.codec import VERSION, about, decode, encode, quoted
from fsm_ems.journal.lines import Appending, FileEnd, Form, LineFile, LineLog, unframed
from fsm_ems.journal.lines import framed as framed_text
from fsm_ems.journal.sqlite_store import FILE as JOURNAL

ADVICE = (
    "nothing was changed; keep a copy of the file, then put a sound copy in its place, or move it away to "
    "begin anew and compare the positions with the venue by hand"
)
"""What a person can do about a damaged file."""

FORM = Form("v", VERSION, "record", "record log", ADVICE)
FILE = "records.log"
"""What the record log of a run is called in its directory."""
_BLOCK = 1 << 20


def framed(record: Record) -> bytes:
    """The line of *record*, its checksum and line end included."""
    return framed_text(encode(record).encode("ascii"))


class RecordFile:
    """A file of records for reading alone: it changes nothing, and another process may be writing to it.

    Every method raises LogFault where the file cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lines = LineFile(path, FORM)

    def __iter__(self) -> Iterator[Record]:
        """Every record, verified; a torn last line is left out."""
        for number, text in self._lines:
            yield self._decoded(number, text)

    def of(self, owner: str, oid: str) -> Sequence[Record]:
        """See :class:`~fsm_ems.journal.base.RecordSource`. It scans the file."""
        found = self._with(about(owner, oid))
        return [record for record in found if record.oid == oid and record.owner == owner]

    def owners(self, oid: str) -> tuple[str, ...]:
        """See :class:`~fsm_ems.journal.base.RecordSource`. It scans the file."""
        found = self._with(f'"oid":{quoted(oid)}')
        return tuple(dict.fromkeys(record.owner for record in found if record.oid == oid))

    def lookup(
        self,
        broker: str,
        reqid: int | str | None,
        venue_id: str | None,
        execution: tuple[str, str] | None = None,
    ) -> Sequence[Record]:
        """See :class:`~fsm_ems.journal.base.RecordSource`. It scans the file."""
        looks: list[str] = []
        if isinstance(reqid, str):
            looks.append(quoted(reqid))
        elif reqid is not None:
            looks += [f'"reqid":{reqid}', '"reqids":[']
        if venue_id is not None:
            looks.append(quoted(venue_id))
        if execution is not None:
            looks.append(quoted(execution[1]))
        return life_named(self._with(*looks), self.of, broker, reqid, venue_id, execution) if looks else ()

    def _with(self, *looks: str) -> Iterator[Record]:
        """The records whose lines hold one of *looks*; only those are decoded and verified."""
        tokens = [look.encode("ascii") for look in looks]
        before = 0
        with self._lines.opened() as file:
            while block := file.read(_BLOCK) + file.readline():
                if any(token in block for token in tokens):
                    for number, line in enumerate(block.splitlines(keepends=True), before + 1):
                        if line.endswith(b"\n") and any(token in line for token in tokens):
                            yield self._decoded(number, unframed(line))
                before += block.count(b"\n")

    def check(self) -> int | None:
        """Verify every line, decoded or not; the number of a torn last line, None where there is none.

        Raises:
            LogDamaged: the file is not what was written.
        """
        return self._lines.check()

    def _decoded(self, number: int, text: bytes | None) -> Record:
        if text is None:
            self._lines.damaged(number, "the checksum does not match: the line was altered")
        try:
            return decode(text)
        except ValueError as problem:
            self._lines.damaged(number, str(problem))


class FileLog(RecordFile):
    """A file of records, read and verified when opened, then added to. One open log of a file at a time.

    *cut* tells what was cut off when it was opened, None where nothing was.

    Raises:
        InvalidMessage: *path* is none, is no ordinary file, may not be read and written to, or lies where
            nothing can be.
        ClientFault: it is called :data:`FILE`, and lies beside a journal, which would hide it.
        LogInUse: another open log, here or in another process, has the file.
        LogDamaged: the file is not what was written; it is left as it is.
        LogHalted: the file cannot be opened for writing.
    """

    def __init__(
        self, path: Path | str, *, sync: bool = False, opened: Callable[[Path], Appending] = FileEnd
    ) -> None:
        """With *sync* each append waits for the disk. *opened* opens the end of the file."""
        super().__init__(as_path("path", path))
        journal = self.path.parent / JOURNAL
        if self.path.name == FILE and journal.exists():
            raise ClientFault(
                f"{journal} is there: who reads the records of its folder reads the journal, and not "
                f"{self.path}; give the file another folder"
            )
        check_file("path", self.path, synced=sync)
        self._lines: LineLog = LineLog(self.path, FORM, sync=sync, opened=opened)
        self.cut = self._lines.cut

    @property
    def durable_seq(self) -> int:
        """See :class:`~fsm_ems.journal.base.RecordLog`. What that is worth, ``sync`` chose."""
        return self._lines.seq

    def watch(self, durable: Callable[[int], None], halted: Callable[[str], None]) -> None:
        """See :class:`~fsm_ems.journal.base.RecordLog`. Nothing moves here between appends."""

    def append(self, record: Record) -> None:
        """See :class:`~fsm_ems.journal.base.RecordLog`."""
        self._lines.check_open()
        if record.seq != self._lines.seq + 1:
            raise EMSBug(f"record {record.seq} does not follow {self._lines.seq}")
        self._lines.append(encode(record).encode("ascii"))

    def close(self) -> None:
        """See :class:`~fsm_ems.journal.base.RecordLog`. What it holds can still be read."""
        self._lines.close()
