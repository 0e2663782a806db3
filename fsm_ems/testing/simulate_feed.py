"""What the markets of the simulation show: to the venue at once, to the EMS late or out of order."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal

from fsm_ems.brokers.paper.synthetic import synthetic
from fsm_ems.quotes import Quote, Row
from fsm_ems.testing.simulate_plan import MARKETS, MS, SECOND, Fault
from fsm_ems.testing.simulate_venue import Venue
from fsm_ems.testing.simulate_world import START_NS, World

_GAP_NS = 3 * SECOND
_STALE_NS = 5 * SECOND


class Feed:
    """One synthetic market each. *shown* takes what reaches the EMS."""

    def __init__(self, world: World, venue: Venue, shown: Callable[[str, Row], None]) -> None:
        self._world = world
        self._venue = venue
        self._shown = shown
        self._rows: dict[str, Iterator[Row]] = {}
        self._middle: dict[str, Decimal] = {}
        self._quoted_ns = dict.fromkeys(MARKETS, START_NS)
        self.stopped = False
        for fqme in MARKETS:
            self._rows[fqme] = synthetic(
                MARKETS[fqme],
                world.rng.randrange(2**32),
                start_ns=START_NS,
                interval_ns=world.plan.row_ms * MS,
                weather=world.plan.weather,
            )
            self._next(fqme, START_NS)

    def middle(self, market: str) -> Decimal:
        """About where the market is."""
        return self._middle[market]

    def _next(self, market: str, last_ns: int) -> None:
        row = next(self._rows[market])
        self._count(market, row, last_ns)
        self._middle[market] = (row.bid or row.ask) if isinstance(row, Quote) else row.price
        self._world.at(row.time_ns, market, lambda: self._row(market, row))

    def _count(self, market: str, row: Row, last_ns: int) -> None:
        faults = self._world.faults
        if row.time_ns - last_ns >= _GAP_NS:
            faults[Fault.QUOTE_GAP] += 1
        if not isinstance(row, Quote):
            if row.time_ns - self._quoted_ns[market] >= _STALE_NS:
                faults[Fault.STALE_QUOTE] += 1
            return
        self._quoted_ns[market] = row.time_ns
        if not (row.bid and row.ask):
            faults[Fault.ZERO_QUOTE] += 1
        elif row.bid > row.ask:
            faults[Fault.CROSSED_QUOTE] += 1

    def _row(self, market: str, row: Row) -> None:
        if self.stopped:
            return
        world = self._world
        self._venue.row(market, row)
        delay_ms = world.between(1, 40)
        if world.chance(Fault.LATE_QUOTE):
            delay_ms += world.between(100, 9_000)
        world.after(delay_ms * MS, "row", lambda: self._shown(market, row))
        self._next(market, row.time_ns)
