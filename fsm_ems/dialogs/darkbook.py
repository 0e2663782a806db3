"""The dark book: orders and alerts held here, sorted by the price that each waits for.

A row of the market costs what it meets, not what rests: a few comparisons with the nearest prices, and one
step for each order met. It follows from the dialogs, and :mod:`fsm_ems.dialogs.apply` keeps it in step.

Buys listen to the ask and to prints, sells to the bid and to prints, alerts to prints alone. Each price is
met from one side, the direction frozen at submit. A trailing stop waits for a second price too: beyond it
the stop follows. It follows what it could trade at, so prints only while no quote is fresh: they may be at
the other side of the spread, and a stop behind those would be met by a market that stands still. Nor does it
beside a quote that offers its side nothing: the touch may come back to where it was.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import NamedTuple

from sortedcontainers import SortedList

from fsm_ems.dialogs import facts as f
from fsm_ems.dialogs.facts import EXACT, Dialog
from fsm_ems.dialogs.record import Source
from fsm_ems.machines.order import S
from fsm_ems.quotes import Row, Trade

_NEVER_HIGH = Decimal("Infinity")
_NEVER_LOW = Decimal(-1)

Entry = tuple[Decimal, int, Dialog]
"""A price to be met, the seq of the order's first record, and the order."""


class Hit(NamedTuple):
    """An order whose price the market reached; *follows*: a trailing stop's second one."""

    dialog: Dialog
    source: Source
    seen: Decimal
    follows: bool


class _Side:
    """The orders that listen to one price, by theirs: met from below, met from above, and trailing ones'
    second prices, which lie ahead of them.
    """

    __slots__ = ("above", "ahead", "below", "buys")

    def __init__(self, *, buys: bool) -> None:
        self.buys = buys
        self.above: SortedList[Entry] = SortedList()
        self.below: SortedList[Entry] = SortedList()
        self.ahead: SortedList[Entry] = SortedList()

    @property
    def fires_high(self) -> Decimal:
        """At or above it a first price is met."""
        return self.above[0][0] if self.above else _NEVER_HIGH

    @property
    def fires_low(self) -> Decimal:
        """At or below it a first price is met."""
        return self.below[-1][0] if self.below else _NEVER_LOW

    @property
    def high(self) -> Decimal:
        """At or above it something is met, or follows."""
        edge = self.fires_high
        return min(edge, self.ahead[0][0]) if self.ahead and not self.buys else edge

    @property
    def low(self) -> Decimal:
        """At or below it something is met, or follows."""
        edge = self.fires_low
        return max(edge, self.ahead[-1][0]) if self.ahead and self.buys else edge

    def met(self, seen: Decimal, *, leads: bool) -> Iterator[tuple[Entry, bool]]:
        """Every order whose price *seen* reaches, and whether it is the second price of a trailing one, which
        counts only where *seen* leads.
        """
        for entry in self.above:
            if entry[0] > seen:
                break
            yield entry, False
        for entry in reversed(self.below):
            if entry[0] < seen:
                break
            yield entry, False
        if not leads:
            return
        for entry in reversed(self.ahead) if self.buys else self.ahead:
            if entry[0] <= seen if self.buys else entry[0] >= seen:
                break
            yield entry, True


class Ladder:
    """One market's part of the book. The *high* and *low* edges are what a row is compared with."""

    __slots__ = (
        "any_high", "any_low", "buy_high", "buy_low", "fires_high", "fires_low", "met", "sell_high",
        "sell_low", "sides",
    )  # fmt: skip  # one name a line says no more

    def __init__(self) -> None:
        self.sides = {side: _Side(buys=side == "buy") for side in ("buy", "sell", "alert")}
        self.met: dict[Dialog, Decimal] = {}
        self.note_edges()

    def note_edges(self) -> None:
        """Something was placed or taken away."""
        buy, sell, alert = self.sides.values()
        self.buy_high, self.buy_low = buy.high, buy.low
        self.sell_high, self.sell_low = sell.high, sell.low
        self.any_high = min(self.buy_high, self.sell_high, alert.high)
        self.any_low = max(self.buy_low, self.sell_low, alert.low)
        self.fires_high = min(buy.fires_high, sell.fires_high, alert.high)
        self.fires_low = max(buy.fires_low, sell.fires_low, alert.low)

    def hits(self, row: Row, bid: Decimal | None, ask: Decimal | None, *, quoted: bool) -> list[Hit]:
        """Whom *row* meets, in the order in which they act; *bid* and *ask* are what a quote offers. No stop
        follows a print while the market is *quoted*: the newest quote is fresh.
        """
        if isinstance(row, Trade):
            price, high, low = row.price, self.any_high, self.any_low
            if quoted:
                high, low = self.fires_high, self.fires_low
            if price < high and price > low:
                return []
            sides = self.sides.values()
            return _in_turn([hit for side in sides for hit in _hits(side, "last", price, leads=not quoted)])
        found: list[Hit] = []
        if ask is not None and (ask >= self.buy_high or ask <= self.buy_low):
            found += _hits(self.sides["buy"], "ask", ask)
        if bid is not None and (bid >= self.sell_high or bid <= self.sell_low):
            found += _hits(self.sides["sell"], "bid", bid)
        if self.met:
            offered = {"buy": ask, "sell": bid}
            waited = [
                Hit(dialog, "last", seen, follows=False)
                for dialog, seen in self.met.items()
                if offered[dialog.body.side] is not None
            ]
            return [*waited, *_in_turn(found)]
        return _in_turn(found) if found else found


def _hits(side: _Side, source: Source, seen: Decimal, *, leads: bool = True) -> Iterator[Hit]:
    return (Hit(entry[2], source, seen, follows) for entry, follows in side.met(seen, leads=leads))


def _in_turn(hits: list[Hit]) -> list[Hit]:
    """By the price reached first, then by submit time: whom the market left furthest behind acts first."""
    return sorted(hits, key=_turn)


def _turn(hit: Hit) -> tuple[Decimal, int]:
    left_behind = EXACT.subtract(hit.seen, _price(hit)).copy_abs()
    return left_behind.copy_negate(), hit.dialog.born  # a minus sign would round to 28 digits


def _price(hit: Hit) -> Decimal:
    dialog = hit.dialog
    return _ahead(dialog) if hit.follows else _to_meet(dialog)


def _to_meet(dialog: Dialog) -> Decimal:
    price = dialog.price
    assert price is not None, "what is held waits for a price"
    return price


def _ahead(dialog: Dialog) -> Decimal:
    """Beyond this price a trailing stop follows: it lies the distance ahead of the stop."""
    trail = dialog.body.trail
    assert trail is not None, "only what trails has a price ahead"
    price = _to_meet(dialog)
    return EXACT.subtract(price, trail) if dialog.body.side == "buy" else EXACT.add(price, trail)


class _Place(NamedTuple):
    ladder: Ladder
    price: Decimal
    ahead: Decimal | None


class DarkBook:
    """All that is held, by market."""

    __slots__ = ("_places", "ladders")

    def __init__(self) -> None:
        self.ladders: dict[str, Ladder] = {}
        self._places: dict[Dialog, _Place | Ladder] = {}

    def __len__(self) -> int:
        return len(self._places)

    def __iter__(self) -> Iterator[Dialog]:
        """In the order in which they came, or were last moved."""
        return iter(self._places)

    def place(self, dialog: Dialog) -> None:
        """*dialog* is held, waits for another price, was met, or left: put it where it belongs."""
        ladder = self._take_out(dialog)
        if dialog.state not in (S.DARK_OPEN, S.ALERT_OPEN):
            assert ladder is not None, "only what was held here leaves"
            ladder.note_edges()
            return
        if ladder is None:
            market = dialog.body.market
            ladder = self.ladders.get(market)
            if ladder is None:
                ladder = self.ladders[market] = Ladder()
        if dialog.flags & f.MET:
            ladder.met[dialog] = _to_meet(dialog)
            self._places[dialog] = ladder
        else:
            self._put_in(ladder, dialog)
        ladder.note_edges()

    def _put_in(self, ladder: Ladder, dialog: Dialog) -> None:
        side, price = ladder.sides[dialog.body.side], _to_meet(dialog)
        met_from = side.above if dialog.direction == "at_or_above" else side.below
        met_from.add((price, dialog.born, dialog))
        ahead = None
        if dialog.body.trail is not None:
            ahead = _ahead(dialog)
            side.ahead.add((ahead, dialog.born, dialog))
        self._places[dialog] = _Place(ladder, price, ahead)

    def _take_out(self, dialog: Dialog) -> Ladder | None:
        place = self._places.pop(dialog, None)
        if place is None:
            return None
        if isinstance(place, Ladder):
            del place.met[dialog]
            return place
        side = place.ladder.sides[dialog.body.side]
        met_from = side.above if dialog.direction == "at_or_above" else side.below
        met_from.remove((place.price, dialog.born, dialog))
        if place.ahead is not None:
            side.ahead.remove((place.ahead, dialog.born, dialog))
        return place.ladder
