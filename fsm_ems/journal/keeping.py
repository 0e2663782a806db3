"""Snapshot, then archive: what bounds a start, and the file of a journal; of one that is in use as well.

A running EMS has it done by a program of its own at low priority (``python -m fsm_ems.journal.keeping``),
which reads the folder as ``fsm-ems why`` does: folding many records would keep the loop from orders for
seconds. It takes its records to the second of two folds, by the snapshot before the newest, for there is no
book at rest to compare with. What it has to tell the operator it writes to stderr, a JSON object a line, and
the name of the newest segment to stdout. It ends when its stdin does: with the program that began it.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import structlog

from fsm_ems.dialogs.book import Book
from fsm_ems.errors import LogFault
from fsm_ems.journal.archive import Segment
from fsm_ems.journal.archiving import archive
from fsm_ems.journal.folder_lock import FolderLock
from fsm_ems.journal.snapshots import fold, formed, make
from fsm_ems.journal.sqlite_read import JournalReader
from fsm_ems.operator_log import operator_log

LOCK = "snapshot.lock"
_NICE = 10


def keep(folder: Path, keep: int, archive_every: int, known: Book | None) -> Segment | None:
    """Make a snapshot of the durable records in *folder*, with *keep* notices of each stream, and archive
    what is before the one that was the newest, once there are *archive_every* such records. What fails is
    told to the operator: the records need neither.

    *known* is the book that they lead to; None where they go on, and two folds are to come to the same. What
    is given back is the newest segment, of whose records the journal's file may be let go.
    """
    rows, failing = JournalReader(folder), "snapshot not written"
    try:
        with alone(folder):
            for left in folder.glob(".snapshot-*.new"):  # by one that was killed
                left.unlink()
            upto = rows.last_seq()
            other = _by_another_fold(folder, rows, keep, upto) if known is None else known
            make(folder, rows, keep, other, upto=upto)
            failing = "records not archived"
            return archive(folder, rows, archive_every)
    except (LogFault, OSError) as error:
        operator_log().error(failing, folder=str(folder), why=str(error))
        return None


@contextmanager
def alone(folder: Path) -> Generator[None]:
    """Nobody else makes snapshots and segments there meanwhile: each would take files away from the other.

    The program of an EMS that was killed may be at it still.

    Raises:
        LogInUse: somebody is at it.
        OSError: the folder cannot be written to.
    """
    lock = FolderLock(folder / LOCK)
    try:
        yield
    finally:
        lock.release()


def _by_another_fold(folder: Path, rows: JournalReader, keep: int, upto: int) -> bytes:
    restored, last = fold(folder, rows, keep, upto, skip=1)
    return formed(restored, last, keep)


def _end_with_parent() -> None:
    os.read(sys.stdin.fileno(), 1)  # past Python's own buffer, which would be locked while this waits
    os._exit(1)


def main(folder: str, kept: str, archive_every: str) -> None:
    """As a program."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal interrupts both: the parent says what ends
    if hasattr(os, "nice"):
        os.nice(_NICE)
    structlog.configure(
        processors=[structlog.processors.JSONRenderer()],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    segment = keep(Path(folder), int(kept), int(archive_every), None)
    sys.stdout.write("" if segment is None else segment.path.name)
    sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
