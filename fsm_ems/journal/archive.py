"""Archive segments: the old records of a journal, in files of their own that never change.

``archive-FIRST-LAST`` beside the journal holds records FIRST to LAST, as rows of the same tables and in the
same chain of hashes, and the names that they bring. Each begins where the one before it ends, the first with
record 1, and the journal's own file goes on from there: segments and file are one chain. A file that still
has records which a segment has, too, was being relieved of them when its program ended: they are the same,
and are read once.

A segment may be copied like any file: nobody ever writes to it. SQLite reads it as one that cannot change,
and so makes no other file beside it.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import apsw

from fsm_ems.journal.sqlite_connection import Connection, connected
from fsm_ems.journal.sqlite_store import (
    COLUMNS,
    FIRST_PREV,
    Name,
    check_form,
    check_pages,
    damaged_record,
    names_of,
    row_at,
    told_plainly,
    verified,
)

ARCHIVE_ID = 0x46534D41  # "FSMA"
_NAME = re.compile(r"archive-(\d{12})-(\d{12})", re.ASCII)
_READING = apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI
_CACHE = -128  # KiB: what is looked for is in a few pages, and many segments may be open
_ROWS = f"SELECT {COLUMNS} FROM records ORDER BY seq"  # noqa: S608 -- our own names
_NAMED = "SELECT 1 FROM names WHERE (name, owner, oid) = (?, ?, ?)"
_NAME_AHEAD = (
    "SELECT name, owner, oid FROM names WHERE (name, owner, oid) > (?, ?, ?) "
    "ORDER BY name, owner, oid LIMIT 1 OFFSET ?"
)
_OF_NO_RECORD = (
    "DELETE FROM names WHERE NOT EXISTS (SELECT 1 FROM records WHERE oid = names.oid AND owner = names.owner)"
    " AND (name, owner, oid) > (?, ?, ?)"
)
_UNTIL = " AND (name, owner, oid) <= (?, ?, ?)"
STEP = 256
"""So many records or names are looked at in one transaction that deletes."""


class Segment(NamedTuple):
    """A file with records *first* to *last*."""

    path: Path
    first: int
    last: int


def segment_of(folder: Path, first: int, last: int) -> Segment:
    """The one in *folder* that would hold these."""
    return Segment(folder / f"archive-{first:012}-{last:012}", first, last)


def segments_in(folder: Path) -> list[Segment]:
    """Those in *folder*, by their names alone, the oldest first.

    Raises:
        LogFault: the folder cannot be read.
    """
    with told_plainly(folder):
        found = [segment_at(path) for path in folder.iterdir()]
    return sorted((one for one in found if one is not None), key=lambda one: (one.first, one.last))


def segment_at(path: Path) -> Segment | None:
    """The segment that *path* is by its name; None where it is none."""
    name = _NAME.fullmatch(path.name)
    return None if name is None else Segment(path, int(name[1]), int(name[2]))


def holding(segments: Sequence[Segment], seq: int) -> Segment | None:
    """The one with record *seq*."""
    return next((one for one in segments if one.first <= seq <= one.last), None)


def missing(segments: Sequence[Segment], folder: Path, before: int) -> Segment | None:
    """The first, or the first few, that *segments* lack to have all records before *before*; None where they
    have them.
    """
    due = 1
    for segment in segments:
        if segment.first > due:
            break
        due = max(due, segment.last + 1)
    if due >= before:
        return None
    return segment_of(folder, due, min([one.first for one in segments if one.first > due] + [before]) - 1)


def check_complete(segments: Sequence[Segment], path: Path, first: int | None, last: int | None) -> None:
    """By names alone: all records before *first* must be in *segments*, and none after *last*, where *first*
    and *last* are what the journal at *path* has itself; None where it has none.

    Raises:
        LogDamaged: they are not; *line* is the first that is missing.
    """
    lost = None if first is None else missing(segments, path.parent, first)
    if lost is not None:
        raise damaged_record(
            path,
            lost.first,
            f"records {lost.first} to {lost.last} are not in it, and no archive segment beside it has them: "
            f"put back {lost.path.name}, or those between, from a copy",
        )
    if segments and (last is None or last <= segments[-1].last):
        has = "none" if last is None else f"those up to {last}"
        raise damaged_record(
            path,
            (last or 0) + 1,
            f"it has {has} of the records, and {segments[-1].path.name} beside it was made when it had more: "
            "its newest are lost, or an old copy stands in its place",
        )


@contextmanager
def opened(segment: Segment, vfs: str | None = None) -> Generator[Connection]:
    """A connection to read *segment* with.

    Raises:
        LogDamaged: it is not what was written.
        LogFault: it cannot be read.
    """
    with told_plainly(segment.path):
        connection = connected_to(segment, vfs)
        try:
            yield connection
        finally:
            connection.close()


def connected_to(segment: Segment, vfs: str | None) -> Connection:
    """The same for whoever closes it, and has SQLite's errors told plainly."""
    connection = connected(f"{segment.path.absolute().as_uri()}?immutable=1", _READING, vfs)
    try:
        check_form(connection, segment.path, ARCHIVE_ID, "archive segment")
        connection.pragma("cache_size", _CACHE)
    except BaseException:
        connection.close()
        raise
    return connection


def lost_names(connection: Connection, named: Iterable[tuple[int, Name]]) -> list[tuple[int, Name]]:
    """Those of *named*, each with the seq of a record that brings it, that are not among the names there."""
    return [(seq, name) for seq, name in named if not [*connection.execute(_NAMED, name)]]


def check_segment(segment: Segment, prev: bytes | None = None, vfs: str | None = None) -> bytes:
    """The hash of the last record of *segment*, all of which is as it was written, and follows the record
    whose hash is *prev*; None where only what is in it counts.

    Raises:
        LogDamaged: it is not, or is not what its name says.
        LogFault: it cannot be read.
    """
    path, seq = segment.path, segment.first - 1
    with opened(segment, vfs) as connection:
        check_pages(connection, path, lookups=True)
        if prev is None:
            row = row_at(connection, path, segment.first)
            prev = FIRST_PREV if row is None else row.prev
        for record, digest in verified(connection.execute(_ROWS), path, seq, prev):
            seq, prev = record.seq, digest
            for _, (name, _, _) in lost_names(connection, ((seq, name) for name in names_of(record))):
                raise damaged_record(path, seq, f"its order is not found by {name!r}")
    if seq != segment.last:
        raise damaged_record(path, seq, f"this is its last record, and by its name {segment.last} would be")
    return prev


def last_hash(segment: Segment, vfs: str | None = None) -> bytes:
    """The hash of the last record of *segment*, which is sound in itself.

    Raises:
        LogDamaged: it is not, or is not there.
        LogFault: it cannot be read.
    """
    with opened(segment, vfs) as connection:
        row = row_at(connection, segment.path, segment.last)
    if row is None:
        raise damaged_record(segment.path, segment.last, "by its name this would be its last record")
    return row.hash


# ── relieving the journal's own file ────────────────────────────────────────────────────────────────


def let_go(connection: Connection, upto: int) -> Iterator[None]:
    """Delete the records up to *upto* from the journal that *connection* writes to, and then the names of
    orders that have no record left there: a small transaction a step.
    """
    while True:
        [(first,)] = connection.execute("SELECT min(seq) FROM records")
        if first > upto:
            break
        connection.execute("DELETE FROM records WHERE seq <= ?", (min(first + STEP - 1, upto),))
        yield
    seen: Name | None = ("", "", "")
    while seen is not None:
        until: Name | None = next(iter(connection.execute(_NAME_AHEAD, (*seen, STEP - 1))), None)
        bounds = (*seen,) if until is None else (*seen, *until)
        connection.execute(_OF_NO_RECORD if until is None else _OF_NO_RECORD + _UNTIL, bounds)
        seen = until
        yield
