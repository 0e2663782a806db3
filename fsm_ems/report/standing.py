"""Position, profit and loss over a run, from its fills and the last prices."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from operator import itemgetter
from typing import Literal, NamedTuple

from fsm_ems.dialogs.facts import EXACT, PRECISE, ZERO
from fsm_ems.report.track import Point


class Traded(NamedTuple):
    """One execution of one order. *price* and *fee* are in the quote asset, *size* is above zero."""

    time_ns: int
    oid: str
    side: Literal["buy", "sell"]
    exec_id: str
    size: Decimal
    price: Decimal
    fee: Decimal
    liquidity: str


class Standing(NamedTuple):
    """Where the account stands at a time.

    *size* is in the base asset, below zero when short; *realized* has the fees taken off; *unrealized* is
    what closing at the last price would add. Both in the quote asset.
    """

    time_ns: int
    size: Decimal
    realized: Decimal
    unrealized: Decimal

    @property
    def pnl(self) -> Decimal:
        """Profit, or loss below zero, in all."""
        return EXACT.add(self.realized, self.unrealized)


def standings(fills: Iterable[Traded], prints: Iterable[Point]) -> list[Standing]:
    """A standing for each time with a fill or a print, after all of that time.

    *prints* are the last prices; until the first of them it is the fill's own. What is closed is taken out
    at the average price of what is open (34 digits); the sum of both parts is exact: what was received,
    less what was paid and the fees, plus the size at the last price.
    """
    told: list[Standing] = []
    size, cost, realized = ZERO, ZERO, ZERO
    last: Decimal | None = None
    printed = False
    events: list[tuple[int, Point | Traded]] = [(point.time_ns, point) for point in prints]
    events += [(fill.time_ns, fill) for fill in fills]
    for time_ns, event in sorted(events, key=itemgetter(0)):
        if isinstance(event, Traded):
            traded = event.size if event.side == "buy" else -event.size
            closes = min(event.size, abs(size)).copy_sign(traded) if traded * size < 0 else ZERO
            freed = cost if closes == -size else PRECISE.divide(EXACT.multiply(cost, closes), -size)
            opens = EXACT.multiply(EXACT.subtract(traded, closes), event.price)
            gained = EXACT.subtract(EXACT.multiply(-closes, event.price), freed)
            realized = EXACT.add(realized, EXACT.subtract(gained, event.fee))
            cost = EXACT.add(EXACT.subtract(cost, freed), opens)
            size = EXACT.add(size, traded)
        if isinstance(event, Point) or not printed:
            printed, last = isinstance(event, Point), event.price
        if last is None:
            continue
        if told and told[-1].time_ns == time_ns:
            told.pop()
        told.append(Standing(time_ns, size, realized, EXACT.subtract(EXACT.multiply(size, last), cost)))
    return told
