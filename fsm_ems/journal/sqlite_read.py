"""Reading a journal: by the program that writes it, or by others beside it.

Nothing is ever read for long: a page of rows at a time, each in a transaction of its own, so that the writer
can go on and start its log file anew. What is read is verified: each row by its hash, and in a reading of
all of them also that none is missing.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import apsw

from fsm_ems.dialogs.book import Book
from fsm_ems.dialogs.recall import applied
from fsm_ems.dialogs.record import Record
from fsm_ems.errors import LogFault
from fsm_ems.journal.base import Key, life_named, mentions
from fsm_ems.journal.sqlite_connection import Connection, connected
from fsm_ems.journal.sqlite_store import (
    COLUMNS,
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

_PAGE_SQL = f"SELECT {COLUMNS} FROM records WHERE seq > ? AND seq <= ? ORDER BY seq LIMIT ?"  # noqa: S608 -- our own names
_LIFE_SQL = "SELECT seq, body, prev, hash FROM records WHERE oid = ? AND owner = ? AND seq <= ? ORDER BY seq"
_OWNERS_SQL = (
    "SELECT owner, min(seq) AS first FROM records WHERE oid = ? AND seq <= ? GROUP BY owner ORDER BY first"
)
_NAMED_SQL = "SELECT 1 FROM names WHERE (name, owner, oid) = (?, ?, ?)"


def _nobody(record: Record, digest: bytes) -> None:
    """Nobody else looks at them."""


class Checked(NamedTuple):
    """What a verified journal ends with: its last record's seq and hash, which no other records lead to."""

    seq: int
    hash: str


class JournalRows:
    """What a journal can be asked, over a connection that the subclass brings.

    Every method raises LogDamaged where a record is not what was written, and LogFault where the database
    cannot be read.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE

    def _connection(self) -> Connection:
        """A connection to read with."""
        raise NotImplementedError

    def _done(self, connection: Connection) -> None:
        """What becomes of it after a reading."""
        raise NotImplementedError

    def _kept(self) -> tuple[int, Sequence[Record]]:
        """The last seq to ask the database for, and the records after it, which only memory has."""
        return _ALL, ()

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

    def after(self, seq: int, last: bytes) -> Iterator[tuple[Record, bytes]]:
        """The durable records after record *seq*, whose hash is *last*, in order, each with its own hash."""
        return self._verified(self._kept()[0], seq, last)

    def _verified(
        self, upto: int = _ALL, seq: int = 0, last: bytes = FIRST_PREV
    ) -> Iterator[tuple[Record, bytes]]:
        while True:
            with self._reading() as connection:
                page: list[Row] = [*connection.execute(_PAGE_SQL, (seq, upto, PAGE))]
            for record, digest in verified(page, self.path, seq, last):
                seq, last = record.seq, digest
                yield record, digest
            if len(page) < PAGE:
                return

    def row(self, seq: int) -> Row | None:
        """Row *seq*, sound in itself; None where there is none."""
        with self._reading() as connection:
            return row_at(connection, self.path, seq)

    def of(self, owner: str, oid: str) -> Sequence[Record]:
        """See :class:`~fsm_ems.journal.base.RecordSource`."""
        upto, staged = self._kept()
        with self._reading() as connection:
            found = [*connection.execute(_LIFE_SQL, (oid, owner, upto))]
        life: list[Record] = []
        for seq, body, prev, digest in found:
            if chained(prev, body) != digest:
                raise damaged_record(self.path, seq, "the hash does not match: the record was altered")
            life.append(decoded(self.path, seq, body))
        return life + [record for record in staged if record.oid == oid and record.owner == owner]

    def owners(self, oid: str) -> tuple[str, ...]:
        """See :class:`~fsm_ems.journal.base.RecordSource`."""
        upto, staged = self._kept()
        with self._reading() as connection:
            found = [owner for owner, _ in connection.execute(_OWNERS_SQL, (oid, upto))]
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
        with self._reading() as connection:
            for name in names:
                keys.update(connection.execute("SELECT owner, oid FROM names WHERE name = ?", (name,)))
        records = sorted((record for key in keys for record in self.of(*key)), key=_by_seq)
        return life_named(records, self.of, broker, reqid, venue_id, execution)

    def check(self, also: Callable[[Record, bytes], object] = _nobody) -> Checked:
        """Verify everything; *also* is given each record with its hash.

        Raises:
            LogDamaged: the database is damaged, a record is altered or missing, its ids do not lead to it, or
                it cannot follow the ones before it.
        """
        with self._reading() as connection:
            check_pages(connection, self.path)
        book, last = Book(), FIRST_PREV
        named: list[tuple[int, Name]] = []
        for record, last in self._verified():
            applied(book, record)
            also(record, last)
            named += ((record.seq, name) for name in names_of(record))
            if len(named) >= PAGE:
                self._check_names(named)
                named = []
        self._check_names(named)
        return Checked(book.seq, last.hex())

    def _check_names(self, named: Sequence[tuple[int, Name]]) -> None:
        with self._reading() as connection:
            for seq, name in named:
                if not [*connection.execute(_NAMED_SQL, name)]:
                    raise damaged_record(self.path, seq, f"its order is not found by {name[0]!r}")


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
        connection = connected(self.path, apsw.SQLITE_OPEN_READONLY, None)
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
