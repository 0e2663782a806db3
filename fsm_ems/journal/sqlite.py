"""The durable journal of a folder: a record log that a crash or a power cut takes nothing from.

``append`` hands the record to a thread and returns; :attr:`Journal.durable_seq` tells how far the disk has
come, and :meth:`Journal.watch` has it told. Whoever promises something on the strength of a record waits for
that. What was appended can be read at once, durable or not.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

import apsw

from fsm_ems.dialogs.record import Record
from fsm_ems.errors import ClientFault, EMSBug, LogHalted
from fsm_ems.folders import as_path, make_folder, making
from fsm_ems.journal.archive import (
    Segment,
    check_complete,
    connected_to,
    last_hash,
    let_go,
    missing,
    segments_in,
)
from fsm_ems.journal.file import FILE as RECORDS
from fsm_ems.journal.folder_lock import FolderLock
from fsm_ems.journal.sqlite_connection import Connection, connected, make_durable
from fsm_ems.journal.sqlite_read import JournalRows
from fsm_ems.journal.sqlite_store import (
    ENDS,
    FILE,
    FIRST_PREV,
    Row,
    check_form,
    check_pages,
    create,
    damaged_record,
    is_blank,
    names_of,
    row_at,
    row_of,
    told_plainly,
)
from fsm_ems.journal.sqlite_writer import Staged, Writer

LOCK = "journal.lock"
SEGMENTS_OPEN = 64
"""Archive segments that stay open, those that were asked last."""

_WRITING = apsw.SQLITE_OPEN_READWRITE

RowAt = Callable[[int], Row | None]
"""The row of that seq, sound in itself; None where there is none."""
Begin = Callable[[RowAt], tuple[int, bytes]]
"""Says after which record, with which hash, an opening begins."""


def _nowhere(_: Record) -> None:
    """Nobody folds them."""


def _no_row(_: int) -> None:
    """There are none."""


def _at_the_first(_: RowAt) -> tuple[int, bytes]:
    """It begins with record 1."""
    return 0, FIRST_PREV


def _check_alone(folder: Path) -> None:
    """Where there is no journal in *folder*, there is no record file either."""
    file = folder / RECORDS
    if file.exists() and not (folder / FILE).exists():
        raise ClientFault(
            f"{file} is there: it has the records of a replay, or of a FileLog, and a journal beside it "
            "would hide them; take another folder for the journal"
        )


class Journal(JournalRows):
    """The journal in *folder*, verified when opened, then added to. One open journal in a folder at a time.

    *take* is given every record while it is verified, so that whoever folds them need not read them again:
    those from record 1 on, or after the one that *begin* names.
    *vfs* names another of SQLite's file systems, for tests of failing disks; *named* is what the giver of
    *folder* calls it. :meth:`append` and all reading
    belong to one thread.

    Raises:
        ClientFault: there is none, and a record file lies there, which it would hide.
        InvalidMessage: *folder* is none, cannot be made one, or may not be read and written to.
        LogInUse: another open journal, here or in another process, has the folder.
        LogDamaged: it is not what was written; it is left as it is.
        LogUnsafe: SQLite, or the file system, would not keep what it is told.
        LogHalted: the folder cannot be written to.
        LogFault: it cannot be read.
    """

    def __init__(
        self,
        folder: Path | str,
        *,
        take: Callable[[Record], object] = _nowhere,
        begin: Begin = _at_the_first,
        vfs: str | None = None,
        named: str = "folder",
    ) -> None:
        folder = as_path(named, folder)
        super().__init__(folder, vfs)
        self._segments: dict[Path, Connection] = {}
        try:
            with making(named, folder):
                _check_alone(folder)
                make_folder(folder, 0o700)
            self._lock: FolderLock | None = FolderLock(folder / LOCK)
        except OSError as error:
            raise LogHalted(f"{folder} cannot be opened: {error}") from error
        try:
            self._open(take, begin)
        except BaseException:
            self._unlock()
            raise

    def _open(self, take: Callable[[Record], object], begin: Begin) -> None:
        if not self.path.exists():
            with told_plainly(self.path):
                check_complete(segments_in(self.path.parent), self.path, None, None)
                os.close(os.open(self.path, os.O_WRONLY | os.O_CREAT, 0o600))
        self._reader: Connection | None = None
        writing: Connection | None = None
        try:
            with told_plainly(self.path):
                writing = connected(self.path, _WRITING, self.vfs)
                self._reader = writing  # until it is the writer's own
                blank = is_blank(writing)
                if not blank:
                    check_form(writing, self.path)
                    check_pages(writing, self.path, lookups=False)
                self._check_archive(None if blank else writing)
                seq, last = begin(_no_row if blank else self.row)
                for record, digest in () if blank else self._verified(seq=seq, last=last):
                    seq, last = record.seq, digest
                    take(record)
                make_durable(writing, self.path)
                if blank:
                    create(writing)
                # What a run before this one could not sync may be in memory alone, and look whole: copied
                # into the database, it is written once more. The names of its files SQLite syncs itself, with
                # the first sync of a log that it opened: before anything can be durable by it.
                writing.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
                self._reader = None
                self._reader = self._connection()
        except BaseException:
            for connection in (writing, *self._segments.values()):
                if connection is not None:
                    connection.close()
            raise
        self._seq, self._hash = seq, last
        self._writer = Writer(writing, seq, str(self.path))

    def _check_archive(self, connection: Connection | None) -> None:
        """By names alone, what there is must go back to record 1; without a *connection* there is nothing."""
        first = last = None
        if connection is not None:
            [(first, last)] = connection.execute(ENDS)
        check_complete(segments_in(self.path.parent), self.path, first, last)

    # ── reading ─────────────────────────────────────────────────────────────────────────────────────

    def _connection(self) -> Connection:
        return self._reader or connected(self.path, apsw.SQLITE_OPEN_READONLY, self.vfs)

    def _done(self, connection: Connection) -> None:
        if connection is not self._reader:
            connection.close()

    @contextmanager
    def _opened(self, segment: Segment) -> Generator[Connection]:
        """It stays open while the journal is: opening costs more than finding an order."""
        with told_plainly(segment.path):
            connection = self._segments.pop(segment.path, None) or connected_to(segment, self.vfs)
            self._segments[segment.path] = connection
            try:
                yield connection
            finally:
                while len(self._segments) > (SEGMENTS_OPEN if self._reader else 0):
                    self._segments.pop(next(iter(self._segments))).close()

    def _kept(self) -> tuple[int, Sequence[Record]]:
        return self._writer.kept()

    # ── writing ─────────────────────────────────────────────────────────────────────────────────────

    @property
    def durable_seq(self) -> int:
        """See :class:`~fsm_ems.journal.base.RecordLog`."""
        return self._writer.durable_seq

    def watch(self, durable: Callable[[int], None], halted: Callable[[str], None]) -> None:
        """See :class:`~fsm_ems.journal.base.RecordLog`. Both are called from the writing thread."""
        self._writer.watch(durable, halted)

    def append(self, record: Record) -> None:
        """See :class:`~fsm_ems.journal.base.RecordLog`. It does not wait for the disk."""
        if self._writer.halted:
            raise LogHalted(self._writer.halted)
        if record.seq != self._seq + 1:
            raise EMSBug(f"record {record.seq} does not follow {self._seq}")
        row = row_of(record, self._hash)
        staged = Staged(record, row, names_of(record))
        try:
            self._writer.stage(staged)
            self._seq, self._hash = record.seq, row.hash
        except LogHalted:
            raise
        except BaseException:
            self._writer.halt(f"the writing of record {record.seq} was interrupted")
            raise

    def let_go(self, segment: Segment) -> None:
        """Have what *segment* holds, which the disk has, deleted from the journal's own file, between what is
        appended; :meth:`close` waits for that.

        Raises:
            LogDamaged: *segment* does not hold what the journal has, or one before it is missing.
            LogFault: it cannot be read.
        """
        with self._reading() as connection:
            row = row_at(connection, self.path, segment.last)
        if row is None:
            return
        assert segment.last < self.durable_seq, "the newest record stays"
        folder = self.path.parent
        lost = missing(segments_in(folder), folder, segment.first)
        if lost is not None:
            raise damaged_record(
                lost.path,
                lost.first,
                "it is not there, and nothing is let go of before it is: put it back from a copy",
            )
        if last_hash(segment, self.vfs) != row.hash:
            raise damaged_record(segment.path, segment.last, "it is not the record that the journal has")
        self._writer.between(partial(let_go, upto=segment.last))

    def flush(self) -> None:
        """Wait until every record is durable, and what was let go of is gone.

        Raises:
            LogHalted: they never will be.
        """
        self._writer.flush()

    def close(self) -> None:
        """Make every record durable, and let go of the folder. What it holds can still be read.

        Raises:
            LogHalted: some records never became durable, and never will.
        """
        if self._lock is None:
            return
        reader, self._reader = self._reader, None
        for connection in (reader, *self._segments.values()):
            if connection is not None:
                with suppress(apsw.Error):  # it has read what it was to read
                    connection.close()
        self._segments.clear()
        self._writer.close()
        lost = self._writer.halted
        self._writer.halt("it is closed")
        self._unlock()
        if lost:
            raise LogHalted(lost)

    def _unlock(self) -> None:
        if self._lock is not None:
            self._lock.release()
            self._lock = None
