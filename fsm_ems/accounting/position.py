"""One account's position in one market: a fold of its events in the order of their venue time.

Events may arrive in any order. One that belongs at the end, as nearly all do, costs the same however many
came before, but for one look into a table of ids that no cache holds any more. A late one, or one that is
taken away, makes the position fold again, from the nearest mark before its place: there is one at least every
256 events.

Memory holds the events since the last flat, and at least ``keep`` older ones. Still older ones are summed up
in a base, which ends at a flat point. An event that belongs before the base is booked right after it instead,
and counted in ``displaced``: size, cash and fees are exact all the same, and the fold stays the same for the
same arrivals, but the price per unit and what is derived from it may then differ from those of a fold of
everything, such as the ledger gives. An execution that was summed up is known by its order alone, should it
be told again; of transfers, splits and expiries the last 10,000 are known here.
"""

from __future__ import annotations

from bisect import bisect_left
from decimal import Decimal
from itertools import islice
from typing import NamedTuple

from fsm_ems.accounting.clear import Clear, Event, Ident, Split, Transfer, ident, place, reversal
from fsm_ems.accounting.fold import Fold
from fsm_ems.market import Asset, Market

ENTRY_AND_EXIT = Decimal(2)
"""The default fee factor: the fee of the entry, and as much again for the exit to come."""
KEEP = 1_000
GONE_MAX = 10_000
SUMMED_MAX = 10_000
SPLIT_PLACES_MAX = 1_800
"""Digits before and after the point of all splits in memory together: 1,800 doublings, or 50 of the longest.

A product of two sizes, the longest number there is, then has less than the 5,000 digits of
:data:`~fsm_ems.accounting.fold.EXACT`.
"""

_MARK_EVERY = 256
_FLAT_MARK_EVERY = 64


class Standing(NamedTuple):
    """A position as it stood once; nothing in it changes any more, so that another thread may read it.

    *cash* and *fees* are pairs of asset and amount. *events* are those since the last flat. *part* is what
    the first of them opened, where it also closed an older position.
    """

    market: str
    broker: str
    account: str
    size: Decimal
    ppu: Decimal
    realized: Decimal
    break_even: Decimal | None
    cash: tuple[tuple[str, Decimal], ...]
    fees: tuple[tuple[str, Decimal], ...]
    events: tuple[Event, ...]
    part: Decimal | None


class Position:
    """What *account* holds in *market*, in base units, below zero when short."""

    __slots__ = (
        "_base",
        "_due",
        "_events",
        "_flat_due",
        "_fold",
        "_gone",
        "_keep",
        "_known",
        "_marks",
        "_summed",
        "account",
        "displaced",
        "market",
    )

    def __init__(self, market: Market, account: str, *, keep: int = KEEP) -> None:
        self.market = market
        self.account = account
        self.displaced = 0
        self._keep = keep
        self._events: list[Event] = []
        self._known: set[Ident] = set()
        self._gone: dict[Ident, None] = {}
        self._summed: dict[Ident, None] = {}
        self._base: tuple[int, str] | None = None
        self._fold = Fold(market.quote)
        self._marks = [self._fold.copy()]
        self._due = _MARK_EVERY
        self._flat_due = _FLAT_MARK_EVERY

    def twin(self) -> Position:
        """An equal one that shares nothing that can change."""
        twin = object.__new__(Position)
        twin.market, twin.account, twin._keep = self.market, self.account, self._keep
        twin.displaced = self.displaced
        twin._events, twin._known, twin._gone = self._events.copy(), self._known.copy(), self._gone.copy()
        twin._summed, twin._base, twin._fold = self._summed.copy(), self._base, self._fold.copy()
        twin._marks = [mark.copy() for mark in self._marks]
        twin._due, twin._flat_due = self._due, self._flat_due
        return twin

    # ── events ──────────────────────────────────────────────────────────────────────────────────────

    def add(self, event: Event) -> bool:
        """Book *event*; False, and nothing changed, where its id is known or was taken away before."""
        exec_id = event.exec_id
        name = exec_id if type(event) is Clear else ident(event)
        known = self._known
        if name in known or name in self._gone or name in self._summed:
            return False
        events, fold, base = self._events, self._fold, self._base
        if events:
            last = events[-1]
            if event.time_ns < last.time_ns or (event.time_ns == last.time_ns and exec_id < last.exec_id):
                self._insert(event)
                return True
        if base is not None and event.time_ns <= base[0] and place(event) <= base:
            self._insert(event)  # all that is in memory may have come too late for the base
            return True
        events.append(event)
        known.add(name)
        if type(event) is Clear:
            fold.clear(event)
        else:
            fold.step(event)
        if fold.count >= self._due or (not fold.size and fold.count >= self._flat_due):
            self._mark()
            self._shorten()
        return True

    def remove(self, event: Clear | Transfer) -> bool:
        """Take *event* away, as a bust or the first half of a correction does; its id never comes back.

        Where it is in the base its reversal is booked. One that was never seen is kept out when it comes, as
        long as it is among the last 10,000 taken away. False where nothing changed.
        """
        name = ident(event)
        if name in self._gone:
            return False
        self._gone[name] = None
        if len(self._gone) > GONE_MAX:
            del self._gone[next(iter(self._gone))]
        known = self._find(name)
        if known is not None:
            self._known.remove(name)
            at = bisect_left(self._events, place(known), key=place)
            while self._events[at] is not known:  # a transfer may have a fill's id and time
                at += 1
            del self._events[at]
            self._refold(at)
            return True
        if self._base is not None and place(event) <= self._base:
            self._insert(reversal(event))
            return True
        return False

    def _insert(self, event: Event) -> None:
        where = place(event)
        if self._base is not None and where <= self._base:
            self.displaced += 1
        self._known.add(ident(event))
        at = bisect_left(self._events, where, key=place)
        self._events.insert(at, event)
        self._refold(at)

    def _refold(self, at: int) -> None:
        """Fold again all from the event at index *at* on."""
        marks = self._marks
        while marks[-1].count > at:
            marks.pop()
        self._fold = fold = marks[-1].copy()
        self._due = fold.count + _MARK_EVERY
        self._flat_due = max((mark.count for mark in marks if not mark.size), default=0) + _FLAT_MARK_EVERY
        for event in islice(self._events, fold.count, None):
            fold.step(event)
            if fold.count >= self._due or (not fold.size and fold.count >= self._flat_due):
                self._mark()
        self._shorten()

    def _mark(self) -> None:
        fold = self._fold
        self._marks.append(fold.copy())
        self._due = fold.count + _MARK_EVERY
        if not fold.size:
            self._flat_due = fold.count + _FLAT_MARK_EVERY

    def _shorten(self) -> None:
        """Move the base on once twice as many older events are held as must be."""
        older = self._fold.opened
        if older <= 2 * self._keep:
            return
        marks = self._marks
        flats = [at for at, mark in enumerate(marks) if not mark.size and mark.count <= older - self._keep]
        at = flats[-1]
        cut = marks[at].count
        if not cut:
            return
        last = place(self._events[cut - 1])
        # It never moves back: what was booked too late for it does not make room for what lies between.
        self._base = last if self._base is None else max(self._base, last)
        older_events = self._events[:cut]
        self._known.difference_update([event.exec_id for event in older_events if type(event) is Clear])
        # An execution told again is known by its order. Of the others nobody else keeps the ids.
        others = [ident(event) for event in older_events if type(event) is not Clear]
        self._known.difference_update(others)
        self._summed.update(dict.fromkeys(others))
        while len(self._summed) > SUMMED_MAX:
            del self._summed[next(iter(self._summed))]
        del self._events[:cut]
        del marks[:at]
        for fold in (self._fold, *marks):
            fold.count -= cut
            fold.opened -= cut
        self._due -= cut
        self._flat_due -= cut

    # ── what it comes to ────────────────────────────────────────────────────────────────────────────

    @property
    def size(self) -> Decimal:
        """In base units, exact; below zero when short."""
        return self._fold.size

    @property
    def cash(self) -> dict[Asset, Decimal]:
        """What clears moved, fees apart, by asset; exact."""
        return {self.market.quote: self._fold.cash}

    @property
    def fees(self) -> dict[Asset, Decimal]:
        """What was paid in fees, by asset; exact. The quote asset comes first."""
        return {self.market.quote: self._fold.fees, **(self._fold.other_fees or {})}

    def ppu(self, fee_factor: Decimal = ENTRY_AND_EXIT) -> Decimal:
        """The price per unit of what is held, *fee_factor* times the fee of what was opened included; 0 when
        flat. 34 digits.
        """
        return self._fold.ppu(fee_factor)

    @property
    def realized(self) -> Decimal:
        """Realized PnL in the quote asset, fees apart. 34 digits."""
        return self._fold.realized

    @property
    def break_even(self) -> Decimal | None:
        """The closing price at which all since the last flat comes to zero, paid fees included. 34 digits.

        Only fees in the quote asset count. What a transfer brought counts as if bought at the price per unit
        it came to. None when flat.
        """
        return self._fold.break_even

    def unrealized(self, price: Decimal) -> Decimal:
        """What closing at *price* would win or lose, fees apart. 34 digits.

        With realized PnL it comes to what clears moved and what is held is worth.
        """
        return self._fold.unrealized(price)

    @property
    def events(self) -> tuple[Event, ...]:
        """The events since the last flat, in their order. The first may have closed an older position."""
        return tuple(self._events[self._fold.opened :])

    @property
    def newest(self) -> tuple[int, str] | None:
        """Time and id of the last event in the order of events; None where there was none."""
        last = place(self._events[-1]) if self._events else None
        return last if self._base is None or (last is not None and last > self._base) else self._base

    def known(self, exec_id: str) -> Clear | None:
        """The execution of that id, as long as it is in memory."""
        found = self._find(exec_id)
        assert found is None or isinstance(found, Clear), "what is no execution is not found by an id alone"
        return found

    def can_split(self, ratio: Decimal) -> bool:
        """Whether one more split keeps every size within what exact sums and products have room for.

        A ratio may have 34 digits, and sizes get as many more with each.
        """
        splits = [event.ratio for event in self._events if isinstance(event, Split)]
        return sum(map(_places, (ratio, *splits))) <= SPLIT_PLACES_MAX

    def has(self, event: Event) -> bool:
        """Whether an event of that kind and id was booked, as far as memory tells."""
        name = ident(event)
        return name in self._known or name in self._summed

    def _find(self, name: Ident) -> Event | None:
        # The ids are a set: in a large dict each new one costs twice the cache misses. So this looks through
        # the events, newest first; what it is asked for, a bust, costs a fold of all that came later anyway.
        if name not in self._known:
            return None
        return next(event for event in reversed(self._events) if ident(event) == name)

    def standing(self, fee_factor: Decimal = ENTRY_AND_EXIT) -> Standing:
        """The position as it stands, for whoever reads it later or elsewhere."""
        return Standing(
            self.market.fqme,
            self.market.broker,
            self.account,
            self.size,
            self.ppu(fee_factor),
            self.realized,
            self.break_even,
            tuple(self.cash.items()),
            tuple(self.fees.items()),
            self.events,
            self._fold.part,
        )


def _places(number: Decimal) -> int:
    """How many digits *number* has before the point and after it: a product has no more than its factors."""
    exponent = number.as_tuple().exponent
    assert isinstance(exponent, int), "a ratio is finite"
    return max(number.adjusted() + 1, 0) + max(-exponent, 0)
