"""What a scenario did, in one order: its calls to the disk, what it took in, and what it promised of that.

What a program keeps is counted by *series*: records of a journal, turns of a venue's file, versions of a
projection. Of each the tape knows how the first n came to be, as a digest, so that what a crash leaves can be
compared with what had been taken in.
"""

from __future__ import annotations

import errno
import threading
from collections.abc import Sequence
from typing import NamedTuple

from fsm_ems.testing.crash_watch import Call

Digest = str | bytes
Found = dict[str, tuple[int, Digest]]
"""How much of each series there is, and the digest of that much."""

POSITIONS = "versions of the positions"
ENTRIES = "entries of the ledger"
SNAPSHOTS = "snapshots"
PROJECTIONS = frozenset({POSITIONS, ENTRIES})
"""Series that follow from others, and are written anew where they are behind."""

IGNORED = (".lock", "-shm")
"""Ends of the names of files of which nothing is expected after a crash: they lock, and keep nothing."""


class Taken(NamedTuple):
    """The program handed number *number* of a series over to be kept. *digest* is of all so far.

    With *anew* those after it are gone: a new life of the program found no more than this.
    """

    series: str
    number: int
    digest: Digest
    anew: bool = False


class Promised(NamedTuple):
    """Somebody relies on the first *number* of a series from here on, for *why*."""

    series: str
    number: int
    why: str


Entry = Call | Taken | Promised


class Tape:
    """Records entries, in the order in which they happened, whichever thread they come from.

    A process that has died (:meth:`die_after`) does nothing any more: its calls fail, and what it would have
    promised is not promised.
    """

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self._lock = threading.Lock()
        self._left: int | None = None

    def before(self, call: Call) -> None:
        """A call is about to be made.

        Raises:
            OSError: the process has died.
        """
        with self._lock:
            if self._left == 0:
                raise OSError(errno.EIO, "the process has died")
            if call.path.endswith(IGNORED):
                return
            if self._left is not None:
                self._left -= 1
            self.entries.append(call)

    def after(self, call: Call) -> None:
        """It was made."""

    def die_after(self, calls: int) -> None:
        """The process is killed once it has made so many more *calls*."""
        with self._lock:
            self._left = calls

    def live_again(self) -> None:
        """A new process begins."""
        with self._lock:
            self._left = None

    @property
    def is_dead(self) -> bool:
        """Whether the process was killed."""
        return self._left == 0

    def taken(self, series: str, number: int, digest: Digest, *, anew: bool = False) -> None:
        """See :class:`Taken`."""
        with self._lock:
            self.entries.append(Taken(series, number, digest, anew))

    def promised(self, series: str, number: int, why: str) -> None:
        """See :class:`Promised`."""
        with self._lock:
            if self._left != 0:
                self.entries.append(Promised(series, number, why))


class Ledger:
    """What was taken in and promised up to some entry of a tape."""

    def __init__(self, series: Sequence[tuple[str, Digest]]) -> None:
        """*series* are all there are, each with the digest of nothing."""
        self.digests: dict[str, list[Digest]] = {name: [nothing] for name, nothing in series}
        self.needed: dict[str, Promised] = {}

    def take(self, entry: Taken | Promised) -> None:
        """One more."""
        if isinstance(entry, Promised):
            known = self.needed.get(entry.series)
            if known is None or known.number < entry.number:
                self.needed[entry.series] = entry
            return
        digests = self.digests[entry.series]
        if entry.anew:
            del digests[entry.number + 1 :]
        else:
            assert entry.number == len(digests), "series are taken in one by one"
            digests.append(entry.digest)

    def problem(self, found: Found) -> str | None:
        """What is wrong with *found*; None where it is what a crash may leave."""
        for series, (number, digest) in found.items():
            digests = self.digests[series]
            if number >= len(digests) or digests[number] != digest:
                return f"{number} {series} are there, and are not the first that were taken in"
            needed = self.needed.get(series)
            if needed is not None and number < needed.number:
                return f"{number} {series} are left of {needed.number} that were promised: {needed.why}"
        return None
