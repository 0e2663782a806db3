"""The database of a journal: its form, its settings, and what makes it be trusted.

A folder holds ``journal.sqlite`` (and beside it SQLite's own ``-wal`` and ``-shm``, and segments of old
records, see :mod:`fsm_ems.journal.archive`). Each record is a row: the line that
:mod:`fsm_ems.journal.codec` writes, the columns to find it by, and a hash over the line and the hash of the
row before. So a row that was altered, lost, doubled or moved shows; rows that were cut off at the end leave
no trace here, which is why the accounts' files carry the seq they were written at.

*Durability.* ``journal_mode=WAL`` with ``synchronous=FULL``: a commit returns when the disk has it, by one
sync of the log beside the database. A commit that a crash tore is no commit: SQLite leaves it out when the
database is opened again.

Never copy or open ``journal.sqlite`` with anything but SQLite while a program uses it: closing a plain file
lets go of the locks that this process has on it.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from hashlib import blake2b
from itertools import islice
from pathlib import Path
from typing import NamedTuple, NoReturn

import apsw

from fsm_ems.dialogs.record import Record
from fsm_ems.errors import LogDamaged, LogFault
from fsm_ems.journal.base import ExecIds, Reqids, VenueIds, ids_in
from fsm_ems.journal.codec import VERSION, decode, encode
from fsm_ems.journal.sqlite_connection import Connection

FILE = "journal.sqlite"
APPLICATION_ID = 0x46534D4A  # "FSMJ": how a file says that it is a journal of ours
SCHEMA_VERSION = 1
FIRST_PREV = bytes(16)
"""What stands for the hash before the first row."""

ADVICE = (
    "nothing was changed; keep a copy of the whole folder, then put a sound copy in its place, or move it "
    "away to begin anew and compare orders and positions with the venue by hand"
)
"""What a person can do about a damaged journal."""

COLUMNS = "seq, version, kind, owner, oid, body, prev, hash"
ENDS = "SELECT (SELECT min(seq) FROM records), (SELECT max(seq) FROM records)"
"""Asks for the first and the last seq that a file has."""
_ROW_SQL = f"SELECT {COLUMNS} FROM records WHERE seq = ?"  # noqa: S608 -- our own names
_SCHEMA = """\
CREATE TABLE records (seq INTEGER PRIMARY KEY, version INTEGER NOT NULL, kind TEXT NOT NULL,
  owner TEXT NOT NULL, oid TEXT NOT NULL, body TEXT NOT NULL, prev BLOB NOT NULL, hash BLOB NOT NULL) STRICT;
CREATE INDEX records_of ON records (oid, owner);
CREATE TABLE names (name TEXT, owner TEXT, oid TEXT, PRIMARY KEY (name, owner, oid)) STRICT, WITHOUT ROWID;
"""


class Row(NamedTuple):
    """A record as the table holds it, in the order of :data:`COLUMNS`."""

    seq: int
    version: int
    kind: str
    owner: str
    oid: str
    body: str
    prev: bytes
    hash: bytes


TOGETHER = 64
"""How many rows are verified, then read, then given away at a time. One by one, the code and tables of the
hash, of msgspec, of pydantic and of :func:`~fsm_ems.dialogs.apply.apply` would drive each other out of the
processor's nearest caches, at the cost of a fifth of a start; many more rows would do so themselves.
"""

Name = tuple[str, str, str]
"""An id of an order as its broker knows it, and the order's (owner, oid)."""


def row_of(record: Record, prev: bytes) -> Row:
    """The row of *record* behind the one whose hash is *prev*."""
    body = encode(record)
    kind = type(record.payload).__name__
    return Row(record.seq, VERSION, kind, record.owner, record.oid, body, prev, chained(prev, body))


def chained(prev: bytes, body: str) -> bytes:
    """The hash of a row."""
    return blake2b(prev + body.encode("ascii", "replace"), digest_size=16).digest()


def names_of(record: Record) -> list[Name]:
    """The names that *record* brings to its order."""
    return [(name, record.owner, record.oid) for name in as_names(*ids_in(record))]


def as_names(reqids: Reqids, venue_ids: VenueIds, exec_ids: ExecIds) -> list[str]:
    """Ids as the table of names spells them: those of different kinds are never the same name."""
    names = [
        f"text {reqid}" if isinstance(reqid, str) else f"number {reqid}"
        for reqid in reqids
        if reqid is not None
    ]
    names += [f"venue {venue_id}" for venue_id in venue_ids if venue_id is not None]
    return names + [f"execution {exec_id}" for exec_id in exec_ids]


# ── opening ─────────────────────────────────────────────────────────────────────────────────────────


def check_form(
    connection: Connection, path: Path, wanted: int = APPLICATION_ID, what: str = "journal"
) -> None:
    """Raise LogDamaged where the database is not a journal, or one of a form that is unknown here; or not
    *what* else has *wanted* for its application_id.
    """
    application_id, form = connection.pragma("application_id"), connection.pragma("user_version")
    if application_id != wanted:
        _damaged(path, 0, f"this is no {what}: its application_id is {application_id:#x}")
    if form != SCHEMA_VERSION:
        _damaged(
            path,
            0,
            f"form {form} is not known here, only {SCHEMA_VERSION} is; a newer fsm_ems may have written it",
        )


def is_blank(connection: Connection) -> bool:
    """Whether nothing was ever kept in the database, by anybody."""
    return (
        connection.pragma("application_id") == 0
        and connection.pragma("user_version") == 0
        and not list(connection.execute("SELECT 1 FROM sqlite_schema LIMIT 1"))
    )


def create(connection: Connection) -> None:
    """Make the tables of a journal, all or none."""
    connection.execute("BEGIN IMMEDIATE")
    make_tables(connection, APPLICATION_ID)
    connection.execute("COMMIT")


def make_tables(connection: Connection, application_id: int) -> None:
    """Make the tables in a database that is blank, in the transaction that is open."""
    connection.execute(
        f"{_SCHEMA}PRAGMA application_id = {application_id}; PRAGMA user_version = {SCHEMA_VERSION};"
    )


# ── trusting ────────────────────────────────────────────────────────────────────────────────────────


@contextmanager
def told_plainly(path: Path) -> Generator[None]:
    """Turn what SQLite raises into errors of ours."""
    try:
        yield
    except (apsw.CorruptError, apsw.NotADBError, UnicodeDecodeError) as error:
        _damaged(path, 0, str(error), error)
    except (apsw.Error, OSError) as error:
        raise LogFault(f"{path} cannot be used: {error}") from error


def check_pages(connection: Connection, path: Path, *, lookups: bool) -> None:
    """Raise LogDamaged where SQLite itself finds its file damaged; with *lookups* also where a row is not
    found by what it is to be found by, which takes longer.
    """
    for (said,) in connection.execute(f"PRAGMA {'integrity' if lookups else 'quick'}_check(1)"):
        if said != "ok":
            _damaged(path, 0, str(said))


def verified(
    rows: Iterable[Row], path: Path, seq: int = 0, last: bytes = FIRST_PREV, together: int = TOGETHER
) -> Iterator[tuple[Record, bytes]]:
    """The records of *rows*, each with its hash, which must follow record *seq* whose hash is *last*.

    Rows are looked at *together*, so many at a time: some more are taken than records are given.

    Raises:
        LogDamaged: one does not, or is not what was written. All before it were given.
    """
    left = iter(rows)
    while page := [*islice(left, together)]:
        try:
            records = _sound(page, path, seq, last)
        except LogDamaged:
            if together > 1:  # those before it are sound: give them first
                yield from verified(page, path, seq, last, together=1)
            raise
        for record, row in zip(records, page, strict=True):
            yield record, row[-1]
        seq, last = page[-1][0], page[-1][-1]


def _sound(page: Sequence[Row], path: Path, seq: int, last: bytes) -> list[Record]:
    """The records of *page*, step by step: first all hashes, then all records, and then whoever asked."""
    for expected, row in enumerate(page, seq + 1):
        check_row(row, path, expected, last)
        last = row[-1]
    return [_record(row, path) for row in page]


def _record(row: Row, path: Path) -> Record:
    seq, _, kind, owner, oid, body, _, _ = row
    record = decoded(path, seq, body)
    if (
        record.seq != seq
        or record.owner != owner
        or record.oid != oid
        or type(record.payload).__name__ != kind
    ):
        _damaged(path, seq, "its columns do not say what the record says")
    return record


def check_row(row: Row, path: Path, expected: int, last: bytes) -> None:
    """Raise LogDamaged unless *row* is record *expected*, whole, and follows the one whose hash is *last*."""
    seq, version, _, _, _, body, prev, digest = row
    if seq != expected:
        _damaged(path, expected, f"record {expected} belongs here, and this is record {seq}: some are lost")
    if version != VERSION:
        _damaged(
            path,
            seq,
            f"version {version} is not known here, only {VERSION} is; a newer fsm_ems may have written it",
        )
    if chained(prev, body) != digest:
        _damaged(path, seq, "the hash does not match: the record was altered")
    if prev != last:
        _damaged(path, seq, "it does not follow the record before it: that one is not what it was")


def row_at(connection: Connection | None, path: Path, seq: int) -> Row | None:
    """Row *seq*, sound in itself; None where there is none, as in a journal without a *connection*.

    Raises:
        LogDamaged: it is not what was written.
    """
    for values in () if connection is None else connection.execute(_ROW_SQL, (seq,)):
        row = Row(*values)
        check_row(row, path, seq, row.prev)
        return row
    return None


def decoded(path: Path, seq: int, body: str) -> Record:
    """The record in the *body* of row *seq*.

    Raises:
        LogDamaged: it is none.
    """
    try:
        return decode(body)
    except ValueError as problem:
        raise damaged_record(path, seq, str(problem)) from None


def _damaged(path: Path, seq: int, problem: str, cause: BaseException | None = None) -> NoReturn:
    raise LogDamaged(str(path), seq, f"{problem} ({ADVICE})", "record") from cause


def damaged_record(path: Path, seq: int, problem: str) -> LogDamaged:
    """Record *seq* is not what was written, and what to do about it."""
    return LogDamaged(str(path), seq, f"{problem} ({ADVICE})", "record")
