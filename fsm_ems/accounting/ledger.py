"""The ledger of one account at one broker: every event booked once, by its id, and never edited.

A bust adds an entry that reverses; a correction reverses and books anew. So a position is the fold of the
entries of its market, and without splits and expiries its size, cash and fees are plain sums of them.
An entry belongs to the UTC day in which it was booked, not in which it traded: a day that is over changes no
more, however late a fill. Where the clock was set back, it belongs to the newest day so far.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from fsm_ems.accounting.clear import Clear, Event, Ident, Transfer, ident, reversal
from fsm_ems.value import Value

DAY_NS = 86_400_000_000_000
DAYS_KEPT = 2


class Entry(Value, frozen=True):
    """*event* of *market*, booked by the record *seq* at *booked_ns*; where it *reverses*, taken back."""

    seq: int
    booked_ns: int
    market: str
    event: Event
    reverses: bool = False

    @property
    def day(self) -> int:
        """Days since the epoch, UTC."""
        return self.booked_ns // DAY_NS

    @property
    def ident(self) -> tuple[str, Ident, bool]:
        """What tells it from the other entries of its account."""
        return self.market, ident(self.event), self.reverses

    @property
    def effect(self) -> Event:
        """What it adds to the position: the event, or its reversal."""
        if not self.reverses:
            return self.event
        assert isinstance(self.event, Clear | Transfer), "a split or an expiry is not taken back"
        return reversal(self.event)


class Page(NamedTuple):
    """The entries of one day, in the order in which they were booked; nothing in it changes any more."""

    broker: str
    account: str
    day: int
    entries: tuple[Entry, ...]


class Ledger:
    """The entries of the last two days on which something was booked; the files hold the older ones."""

    __slots__ = ("_days", "_ids", "account", "broker")

    def __init__(self, broker: str, account: str) -> None:
        self.broker = broker
        self.account = account
        self._days: dict[int, list[Entry]] = {}
        self._ids: dict[int, set[tuple[str, Ident, bool]]] = {}

    def add(self, entry: Entry) -> bool:
        """Write *entry* down; False, and nothing changed, where the same was within the days held."""
        which = entry.ident
        if any(which in ids for ids in self._ids.values()):
            return False
        day = max(entry.day, *self._days, 0)
        if day not in self._days:
            self._days[day] = []
            self._ids[day] = set()
            for old in sorted(self._days)[:-DAYS_KEPT]:
                del self._days[old], self._ids[old]
        self._days[day].append(entry)
        self._ids[day].add(which)
        return True

    def pages(self, since: int = 0) -> list[Page]:
        """The days held, the oldest first, that have an entry of a record after *since*."""
        return [
            Page(self.broker, self.account, day, tuple(entries))
            for day, entries in sorted(self._days.items())
            if entries[-1].seq > since
        ]


def pages_of(broker: str, account: str, entries: Iterable[Entry]) -> list[Page]:
    """Every day of *entries*, the oldest first, each entry once: for rebuilding the files.

    *entries* come in the order in which they were booked.
    """
    days: dict[int, list[Entry]] = {}
    seen: set[tuple[str, Ident, bool]] = set()
    day = 0
    for entry in entries:
        which = entry.ident
        day = max(day, entry.day)
        if which not in seen:
            seen.add(which)
            days.setdefault(day, []).append(entry)
    return [Page(broker, account, day, tuple(found)) for day, found in days.items()]
