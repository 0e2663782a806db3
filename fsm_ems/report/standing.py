"""Position, profit and loss over a run, from its fills and the last prices."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from operator import itemgetter
from typing import Literal, NamedTuple

from fsm_ems.accounting.clear import Clear
from fsm_ems.accounting.position import Position
from fsm_ems.dialogs.facts import EXACT
from fsm_ems.market import Market
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


def standings(market: Market, fills: Iterable[Traded], prints: Iterable[Point]) -> list[Standing]:
    """A standing for each time with a fill or a print, after all of that time.

    *prints* are the last prices; until the first of them it is the fill's own. Fees are in the quote asset.
    The sum of both parts is exact: what was received, less what was paid and the fees, plus the size at the
    last price.
    """
    told: list[Standing] = []
    position = Position(market, "run")
    last: Decimal | None = None
    printed = False
    events: list[tuple[int, Point | Traded]] = [(point.time_ns, point) for point in prints]
    events += [(fill.time_ns, fill) for fill in fills]
    for number, (time_ns, event) in enumerate(sorted(events, key=itemgetter(0))):
        if isinstance(event, Traded):
            size = event.size if event.side == "buy" else event.size.copy_negate()
            # Numbered in the order in which they came: of one time, the run's own order counts.
            position.add(Clear(time_ns, f"{number:012}", size, event.price, event.fee))
        if isinstance(event, Point) or not printed:
            printed, last = isinstance(event, Point), event.price
        if last is None:
            continue
        if told and told[-1].time_ns == time_ns:
            told.pop()
        told.append(_standing(position, time_ns, last))
    return told


def _standing(position: Position, time_ns: int, last: Decimal) -> Standing:
    size, gained, quote = position.size, position.realized, position.market.quote
    worth = EXACT.add(position.cash[quote], EXACT.multiply(size, last))
    realized = EXACT.subtract(gained, position.fees[quote])
    return Standing(time_ns, size, realized, EXACT.subtract(worth, gained))
