"""Reading a journal: by the program that writes it, or by others beside it.

Nothing is ever read for long: a page of rows at a time, each in a transaction of its own, so that the writer
can go on and start its log file anew. What is read is verified: each row by its hash, and in a reading of
all of them also that none is missing.

Segments of old records (:mod:`fsm_ems.journal.archive`) are read with it as one chain. The file is asked
first and the segments second, for a record is in a segment before it leaves the file.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import NamedTuple, TypeVar

import apsw

from fsm_ems.dialogs.book import Book
from fsm_ems.dialogs.recall import applied
from fsm_ems.dialogs.record import Record
from fsm_ems.errors import LogFault
from fsm_ems.journal.archive import (
    Segment,
    check_complete,
    check_segment,
    holding,
    lost_names,
    opened,
    segment_at,
    segments_in,
)
from fsm_ems.journal.base import Key, life_named, mentions
from fsm_ems.journal.sqlite_connection import Connection, connected
from fsm_ems.journal.sqlite_store import (
    COLUMNS,
    ENDS,
    FILE,
    FIRST_PREV,
    Name,
    Row,
    as_names,
    chained,
    check_form,
    check_pages,
    damaged_record,
    decoded,
    is_blank,
    names_of,
    row_at,
    told_plainly,
    verified,
)

PAGE = 1_000
_ALL = 2**63 - 1

# Nothing, unless the row right after the first number is there.
_NEXT_SQL = (
    f"SELECT {COLUMNS} FROM records WHERE seq > ?1 AND seq <= ?2 "  # noqa: S608 -- our own names
    "AND EXISTS (SELECT 1 FROM records WHERE seq = ?1 + 1) ORDER BY seq LIMIT ?3"
)
_PAGE_SQL = f"SELECT {COLUMNS} FROM records WHERE seq > ? AND seq <= ? ORDER BY seq LIMIT ?"  # noqa: S608 -- our own names
_LIFE_SQL = "SELECT seq, body, prev, hash FROM records WHERE oid = ? AND owner = ? AND seq <= ? ORDER BY seq"
_OWNERS_SQL = (
    "SELECT owner, min(seq) AS first FROM records WHERE oid = ? AND seq <= ? GROUP BY owner ORDER BY first"
)

T = TypeVar("T")
Ask = Callable[[Connection, int], Iterable[T]]
"""A question to one file about its records up to that one."""


def _nobody(record: Record, digest: bytes) -> None:
    """Nobody else looks at them."""


class Checked(NamedTuple):
    """What a verified journal ends with: its last record's seq and hash, which no other records lead to; and
    the name of its records, *generation*, empty where there are none.
    """

    seq: int
    hash: str
    generation: str


class JournalRows:
    """What a journal can be asked, over a connection that the subclass brings.

    Every method raises LogDamaged where a record is not what was written, and LogFault where the database
    cannot be read.
    """

    def __init__(self, folder: Path, vfs: str | None = None) -> None:
        self.path = folder / FILE
        self.vfs = vfs

    def _connection(self) -> Connection:
        """A connection to read with."""
        raise NotImplementedError

    def _done(self, connection: Connection) -> None:
        """What becomes of it after a reading."""
        raise NotImplementedError

    def _kept(self) -> tuple[int, Sequence[Record]]:
        """The last seq to ask the database for, and the records after it, which only memory has."""
        return _ALL, ()

    def _opened(self, segment: Segment) -> AbstractContextManager[Connection]:
        """A connection to read *segment* with."""
        return opened(segment, self.vfs)

    @contextmanager
    def _reading(self) -> Generator[Connection]:
        with told_plainly(self.path):
            connection = self._connection()
            try:
                yield connection
            finally:
                self._done(connection)

    def __iter__(self) -> Iterator[Record]:
        """Every record, in order, as far as they go when this begins; those of a writer may go on."""
        upto, staged = self._kept()
        for record, _ in self._verified(upto):
            yield record
        yield from staged

    def after(self, seq: int, last: bytes, upto: int | None = None) -> Iterator[tuple[Record, bytes]]:
        """The durable records after record *seq*, whose hash is *last*, in order, each with its own hash; up
        to *upto*, or as far as they go.
        """
        return self._verified(self._kept()[0] if upto is None else upto, seq, last)

    def _verified(
        self, upto: int = _ALL, seq: int = 0, last: bytes = FIRST_PREV
    ) -> Iterator[tuple[Record, bytes]]:
        for path, page in self.pages(seq, upto):
            for record, digest in verified(page, path, seq, last):
                seq, last = record.seq, digest
                yield record, digest

    def pages(self, seq: int, upto: int = _ALL) -> Iterator[tuple[Path, Sequence[Row]]]:
        """The durable rows after *seq*, up to *upto*, in order: each page with the file that has it."""
        while True:
            path, page = self._page(seq, upto)
            if page:
                yield path, page
                seq = page[-1][0]
            if path == self.path and len(page) < PAGE:
                return

    def _page(self, seq: int, upto: int) -> tuple[Path, list[Row]]:
        with self._reading() as connection:
            page: list[Row] = [*connection.execute(_NEXT_SQL, (seq, upto, PAGE))]
        if page or seq >= upto:
            return self.path, page
        segment = holding(segments_in(self.path.parent), seq + 1)
        if segment is None:
            return self.path, self._after_a_gap(seq, upto)
        with self._opened(segment) as connection:
            page = [*connection.execute(_PAGE_SQL, (seq, min(upto, segment.last), PAGE))]
        if not page:
            raise damaged_record(
                segment.path, seq + 1, "it is not there, and by the file's name it should be"
            )
        return segment.path, page

    def _after_a_gap(self, seq: int, upto: int) -> list[Row]:
        """What comes after record *seq* where record *seq* + 1 is nowhere: nothing, at the end."""
        with self._reading() as connection:
            page: list[Row] = [*connection.execute(_PAGE_SQL, (seq, upto, PAGE))]
            [(first, last)] = connection.execute(ENDS)
        if page and page[0][0] == first:
            check_complete(segments_in(self.path.parent), self.path, first, last)
        return page

    def _everywhere(self, ask: Ask[T], upto: int) -> list[tuple[Path, T]]:
        """What *ask* finds of the records up to *upto*, each with its file, the oldest file first."""
        with self._reading() as connection:
            connection.execute("BEGIN")  # the answer and where the file begins are of one moment
            try:
                found = [(self.path, one) for one in ask(connection, upto)]
                [(first, last)] = connection.execute(ENDS)
            finally:
                connection.execute("END")
        if first == 1:
            return found
        segments = segments_in(self.path.parent)
        check_complete(segments, self.path, first, last)
        old: list[tuple[Path, T]] = []
        for segment in segments:
            if segment.first < first:
                with self._opened(segment) as connection:
                    old += [(segment.path, one) for one in ask(connection, min(segment.last, first - 1))]
        return old + found

    def last_seq(self) -> int:
        """The seq of the last durable record; 0 where there is none."""
        with self._reading() as connection:
            [(_, last)] = connection.execute(ENDS)
        return last or 0

    def row(self, seq: int) -> Row | None:
        """Row *seq*, sound in itself; None where there is none."""
        with self._reading() as connection:
            row = row_at(connection, self.path, seq)
        if row is not None:
            return row
        segment = holding(segments_in(self.path.parent), seq)
        if segment is None:
            return None
        with self._opened(segment) as connection:
            return row_at(connection, segment.path, seq)

    def of(self, owner: str, oid: str) -> Sequence[Record]:
        """See :class:`~fsm_ems.journal.base.RecordSource`."""
        upto, staged = self._kept()
        life: list[Record] = []
        for path, row in self._everywhere(lambda one, last: one.execute(_LIFE_SQL, (oid, owner, last)), upto):
            seq, body, prev, digest = row
            if chained(prev, body) != digest:
                raise damaged_record(path, seq, "the hash does not match: the record was altered")
            life.append(decoded(path, seq, body))
        return life + [record for record in staged if record.oid == oid and record.owner == owner]

    def owners(self, oid: str) -> tuple[str, ...]:
        """See :class:`~fsm_ems.journal.base.RecordSource`."""
        upto, staged = self._kept()
        asked = self._everywhere(lambda one, last: one.execute(_OWNERS_SQL, (oid, last)), upto)
        found = [owner for _, (owner, _) in asked]
        return tuple(dict.fromkeys([*found, *(record.owner for record in staged if record.oid == oid)]))

    def lookup(
        self,
        broker: str,
        reqid: int | str | None,
        venue_id: str | None,
        execution: tuple[str, str] | None = None,
    ) -> Sequence[Record]:
        """See :class:`~fsm_ems.journal.base.RecordSource`."""
        exec_id = None if execution is None else execution[1]
        names = as_names((reqid,), (venue_id,), () if exec_id is None else (exec_id,))
        _, staged = self._kept()
        keys: set[Key] = {
            (record.owner, record.oid) for record in staged if mentions(record, reqid, venue_id, exec_id)
        }

        def named(connection: Connection, _: int) -> Iterator[Key]:
            for name in names:
                yield from connection.execute("SELECT owner, oid FROM names WHERE name = ?", (name,))

        keys.update(key for _, key in self._everywhere(named, _ALL))
        records = sorted((record for key in keys for record in self.of(*key)), key=_by_seq)
        return life_named(records, self.of, broker, reqid, venue_id, execution)

    # ── checking ────────────────────────────────────────────────────────────────────────────────────

    def check(self, also: Callable[[Record, bytes], object] = _nobody) -> Checked:
        """Verify everything, in segments as well; *also* is given each record with its hash.

        Raises:
            LogDamaged: a file is damaged, a record is altered or missing, its ids do not lead to it, or it
                cannot follow the ones before it.
        """
        with self._reading() as connection:
            check_pages(connection, self.path, lookups=True)
            [ends] = connection.execute(ENDS)
        check_complete(segments_in(self.path.parent), self.path, *ends)
        book, last = Book(), FIRST_PREV
        read: dict[Path, int] = {}
        for path, page in self.pages(0):
            segment = segment_at(path)
            if segment is not None and path not in read:
                self._check_pages(segment)
            named: list[tuple[int, Name]] = []
            for record, digest in verified(page, path, book.seq, last):
                last = digest
                applied(book, record)
                also(record, last)
                named += ((record.seq, name) for name in names_of(record))
            self._check_names(segment, named)
            read[path] = read.get(path, 0) + len(page)
        self._check_unread(read)
        return Checked(book.seq, last.hex(), book.generation)

    def _check_pages(self, segment: Segment) -> None:
        with self._opened(segment) as connection:
            check_pages(connection, segment.path, lookups=True)

    def _check_names(self, segment: Segment | None, named: Sequence[tuple[int, Name]]) -> None:
        """Each must be found where its record is: in *segment*, or in the file where that is None.

        The file may have been let go of records since they were read: then their segment is looked at later.
        """
        path, first = (self.path, 0) if segment is None else (segment.path, segment.first)
        with self._reading() if segment is None else self._opened(segment) as connection:
            lost = lost_names(connection, named)
            if lost and segment is None:  # a record goes before its names do
                [(first, _)] = connection.execute(ENDS)
        for seq, (name, _, _) in lost:
            if seq >= first:
                raise damaged_record(path, seq, f"its order is not found by {name!r}")

    def _check_unread(self, read: dict[Path, int]) -> None:
        """Segments of whose records the file still had some must have the same."""
        for segment in segments_in(self.path.parent):
            if read.get(segment.path, 0) == segment.last - segment.first + 1:
                continue
            digest = check_segment(segment, vfs=self.vfs)
            after = self.row(segment.last + 1)
            if after is None or after.prev != digest:
                raise damaged_record(
                    segment.path, segment.last, "it is not the record that the journal goes on from"
                )


def _by_seq(record: Record) -> int:
    return record.seq


class JournalReader(JournalRows):
    """A journal for reading alone; another program may be writing to it, and is not disturbed.

    Each reading opens the database and closes it again: nothing is held between them. SQLite needs to make
    its ``-shm`` file in the folder where there is none, so the folder must be one this user may write to.
    """

    def _connection(self) -> Connection:
        if not self.path.exists():
            raise LogFault(f"{self.path} cannot be used: there is no such file")
        connection = connected(self.path, apsw.SQLITE_OPEN_READONLY, self.vfs)
        try:
            self._check(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _check(self, connection: Connection) -> None:
        if is_blank(connection):  # whoever was to write it has come no further: that is no damage
            raise LogFault(f"{self.path} cannot be used: nothing was ever kept in it")
        check_form(connection, self.path)

    def _done(self, connection: Connection) -> None:
        connection.close()
