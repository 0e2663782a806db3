"""Moving old records of a journal into archive segments; see :mod:`fsm_ems.journal.archive`.

What is before the older of the two newest snapshots moves: either of them can be begun with by the journal's
own file alone. A segment is filled under another name, synced, read back and verified, the chain of hashes
from the segment before included; only then does it get its name, which is synced as well. Then
:meth:`~fsm_ems.journal.sqlite.Journal.let_go` may delete the rows: a crash in between leaves both, and
nothing is dropped at any moment.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import apsw

from fsm_ems.accounting.atomic_file import DISK, Disk
from fsm_ems.errors import LogFault
from fsm_ems.journal.archive import (
    ARCHIVE_ID,
    Segment,
    check_segment,
    last_hash,
    segment_of,
    segments_in,
)
from fsm_ems.journal.snapshots import seq_of, snapshots_in
from fsm_ems.journal.sqlite_connection import connected, set_up
from fsm_ems.journal.sqlite_read import JournalRows
from fsm_ems.journal.sqlite_store import (
    FIRST_PREV,
    damaged_record,
    make_tables,
    names_of,
    told_plainly,
    verified,
)

BESIDE = ".archive.new"
"""What a segment is called until it is proven."""
MOST = 250_000
"""Records that one segment takes, or twice as many as came between the two snapshots, if that is more.

Of a long journal that never had one the rest follows after later snapshots: the room on the disk and the time
at a close that each asks for stay within bounds. Where snapshots are further apart, as those of a program
that makes them at its close alone, a segment takes more than has come: else the file would grow for ever.
"""
_SETTINGS: dict[str, str | int] = {"journal_mode": "off", "synchronous": 2, "fullfsync": 1}
_ROW = "INSERT INTO records VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
_NAME = "INSERT OR IGNORE INTO names VALUES (?, ?, ?)"


def archive(folder: Path, rows: JournalRows, least: int, disk: Disk = DISK) -> Segment | None:
    """Have a segment of what is before the older of the two newest snapshots in *folder* and in no segment
    yet, once that are *least* records or more; 0: never. It has as many of them as :data:`MOST` says.

    What is given back is the newest segment there is, whose records the journal's own file may be let go of:
    the disk has it. None where there is none.

    Raises:
        LogDamaged: the records, or the segment that they follow, are not what was written.
        LogFault: they cannot be read, or the segment cannot be written.
        OSError: the disk failed.
    """
    segments, snapshots = segments_in(folder), [seq_of(path) for path in snapshots_in(folder)[:2]]
    newest = segments[-1] if segments else None
    seq = 0 if newest is None else newest.last
    # The record that the older one ends with stays: it is what proves it.
    upto = snapshots[1] - 1 if snapshots[1:] else 0
    if least and upto - seq >= least:
        most = max(MOST, 2 * (snapshots[0] - snapshots[1]))
        last = FIRST_PREV if newest is None else last_hash(newest, rows.vfs)
        newest = _written(segment_of(folder, seq + 1, min(upto, seq + most)), rows, last, disk)
    if newest is not None:
        disk.sync_folder(folder)  # of an older one as well: whoever gave it its name may have come no further
    return newest


def _written(segment: Segment, rows: JournalRows, prev: bytes, disk: Disk) -> Segment:
    """*segment*, proven and under its name, which the disk may yet lack; *prev* is the hash before it."""
    beside = segment.path.with_name(BESIDE)
    try:
        disk.close(disk.create(beside))
        _fill(beside, segment, rows, prev)
        digest, row = check_segment(segment._replace(path=beside), prev, rows.vfs), rows.row(segment.last)
        if row is None or row.hash != digest:
            raise damaged_record(beside, segment.last, "it does not read back as it was written")
        disk.rename(beside, segment.path)
    except (OSError, LogFault):
        with suppress(OSError):
            disk.remove(beside)
        raise
    return segment


def _fill(path: Path, segment: Segment, rows: JournalRows, prev: bytes) -> None:
    seq = segment.first - 1
    with told_plainly(path):
        writing = connected(path, apsw.SQLITE_OPEN_READWRITE, rows.vfs)
        try:
            set_up(writing, path, _SETTINGS)
            writing.execute("BEGIN IMMEDIATE")
            make_tables(writing, ARCHIVE_ID)
            for where, page in rows.pages(seq, segment.last):
                for row, (record, digest) in zip(page, verified(page, where, seq, prev), strict=True):
                    seq, prev = record.seq, digest
                    writing.execute(_ROW, row)
                    for name in names_of(record):
                        writing.execute(_NAME, name)
            writing.execute("COMMIT")  # which syncs it
        finally:
            writing.close()
