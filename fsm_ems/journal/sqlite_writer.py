"""The thread that makes records durable: everything staged since the last sync, in one transaction.

While the disk is busy with one group the next one gathers, so that a slow disk makes larger groups and not a
longer queue of syncs. What else is to be done to the database is done in small steps between the groups, so
that none waits long. A sync is never tried again: after a failed one nobody can tell what the disk has, for
the system may have dropped what it could not write and call the next sync a success. So any error halts the
writer for good, and nothing reaches the database after it.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from itertools import islice
from typing import NamedTuple

import apsw

from fsm_ems.dialogs.record import Record
from fsm_ems.errors import LogHalted
from fsm_ems.journal.sqlite_connection import Connection
from fsm_ems.journal.sqlite_store import Name, Row

GROUP_MAX = 1_024
"""Records in one transaction at most."""
CHECKPOINT_PAGES = 1_000
"""Pages of the log file after which they are moved into the database, by SQLite's own habit."""

# One statement takes a power of two of rows: a thread that steps through them one by one would ask the
# busy event loop for the interpreter's lock as many times.
_CHUNK_MAX = 256
_INTO = {8: "INSERT INTO records VALUES ", 3: "INSERT OR IGNORE INTO names VALUES "}


Chore = Callable[[Connection], Iterator[object]]
"""Work on the database, a transaction a step."""


class Staged(NamedTuple):
    """A record on its way to the disk."""

    record: Record
    row: Row
    names: list[Name]


def _nobody(_: object) -> None:
    """Nobody watches."""


class Writer:
    """Writes what is staged, in a thread of its own, which is the only one to use *connection*.

    *durable_seq* is the last record that the disk has; *halted* the reason why there will be no more, once
    there is one.
    """

    def __init__(self, connection: Connection, seq: int, where: str) -> None:
        self.durable_seq = seq
        self.halted = ""
        self._where = where
        self._connection = connection
        self._staged: deque[Staged] = deque()
        self._changed = threading.Condition()
        self._chores: deque[Iterator[object]] = deque()
        self._closing = False
        self._told: tuple[Callable[[int], None], Callable[[str], None]] = (_nobody, _nobody)
        self._log_pages = 0
        connection.set_wal_hook(self._note_pages)  # in place of SQLite's own, which swallows errors
        self._thread = threading.Thread(target=self._run, name=f"journal {where}", daemon=True)
        self._thread.start()

    def watch(self, durable: Callable[[int], None], halted: Callable[[str], None]) -> None:
        """See :meth:`fsm_ems.journal.base.RecordLog.watch`."""
        with self._changed:
            self._told = (durable, halted)
            why = self.halted
        if why:
            halted(why)

    def stage(self, staged: Staged) -> None:
        """Have it written soon.

        Raises:
            LogHalted: it never will be.
        """
        with self._changed:
            if self.halted:
                raise LogHalted(self.halted)
            self._staged.append(staged)
            self._changed.notify_all()

    def kept(self) -> tuple[int, list[Record]]:
        """The last durable seq, and the records after it."""
        with self._changed:
            return self.durable_seq, [staged.record for staged in self._staged]

    def flush(self) -> None:
        """Wait until everything staged so far is durable, and what was to be done between is done.

        Raises:
            LogHalted: it never will be.
        """
        with self._changed:
            upto = self._staged[-1].row.seq if self._staged else self.durable_seq
            self._changed.wait_for(lambda: self.halted or (self.durable_seq >= upto and not self._chores))
            if self.durable_seq < upto or self._chores:
                raise LogHalted(self.halted)

    def between(self, chore: Chore) -> None:
        """Have *chore* done between the groups, a step after each group or whenever there is none."""
        with self._changed:
            self._chores.append(chore(self._connection))
            self._changed.notify_all()

    def close(self) -> None:
        """Write what is staged and finish what is to be done between, unless halted, and end the thread."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._thread.join()

    def halt(self, why: str) -> None:
        """Take and write nothing any more."""
        with self._changed:
            if self.halted:
                return
            self.halted = f"{self._where}: {why}"
            self._changed.notify_all()
            told = self._told[1]
        told(self.halted)

    # ── in the thread ───────────────────────────────────────────────────────────────────────────────

    def _run(self) -> None:
        try:
            while self._is_due():
                if group := self._gathered():
                    self._commit(group)
                    self._done(len(group), group[-1].row.seq)
                if self._chores:
                    self._step()
                if self._log_pages >= CHECKPOINT_PAGES:
                    self._checkpoint()
            if not self.halted:
                self._connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0)
        except BaseException as error:  # noqa: BLE001 -- whatever it was, the disk's content is unknown now
            self.halt(f"records after {self.durable_seq} could not be written: {error!r}")
        finally:
            with suppress(apsw.Error):  # nothing of it is needed any more
                self._connection.close()

    def _is_due(self) -> bool:
        """Wait for something to do; False when it is time to end."""
        with self._changed:
            self._changed.wait_for(lambda: self._staged or self._chores or self._closing or self.halted)
            return not self.halted and bool(self._staged or self._chores)

    def _gathered(self) -> Sequence[Staged]:
        """The next group, which may be none."""
        with self._changed:
            return [*islice(self._staged, GROUP_MAX)]

    def _step(self) -> None:
        for _ in self._chores[0]:
            return
        with self._changed:
            self._chores.popleft()
            self._changed.notify_all()

    def _commit(self, group: Sequence[Staged]) -> None:
        run = self._connection.execute
        run("BEGIN IMMEDIATE")
        self._insert([staged.row for staged in group])
        self._insert([*dict.fromkeys(name for staged in group for name in staged.names)])
        run("COMMIT")

    def _insert(self, rows: Sequence[Row] | Sequence[Name]) -> None:
        done = 0
        while done < len(rows):
            size = min(_CHUNK_MAX, 1 << (len(rows) - done).bit_length() - 1)
            chunk = rows[done : done + size]
            width = len(chunk[0])
            places = f"({', '.join('?' * width)})"
            values = [value for row in chunk for value in row]
            self._connection.execute(_INTO[width] + ", ".join([places] * size), values)
            done += size

    def _done(self, count: int, seq: int) -> None:
        with self._changed:
            for _ in range(count):
                self._staged.popleft()
            self.durable_seq = seq
            self._changed.notify_all()
            told = self._told[0]
        told(seq)

    def _note_pages(self, connection: Connection, name: str, pages: int) -> int:
        self._log_pages = pages
        return apsw.SQLITE_OK

    def _checkpoint(self) -> None:
        """Move the log file's pages into the database, as far as no reader needs them, and sync both."""
        self._log_pages = 0
        self._connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
