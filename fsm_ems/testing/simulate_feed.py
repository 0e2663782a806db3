"""What the markets of the simulation show: to their venue at once, to the EMS late or out of order."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal

from msgspec.structs import replace

from fsm_ems.brokers.paper.synthetic import synthetic
from fsm_ems.errors import InvalidReport
from fsm_ems.quotes import Quote, Row, Trade, check_row
from fsm_ems.testing.breach import Breach
from fsm_ems.testing.simulate_faults import Fault
from fsm_ems.testing.simulate_plan import MARKETS, MS, SECOND
from fsm_ems.testing.simulate_venue import Venue
from fsm_ems.testing.simulate_world import START_NS, World

_GAP_NS = 3 * SECOND
_STALE_NS = 5 * SECOND
_WRONG = (
    Decimal("NaN"),
    Decimal("sNaN"),
    Decimal("Infinity"),
    Decimal(-1),
    Decimal("1e40"),
    Decimal("1.0000000000000000001"),
)


class Feed:
    """One synthetic market each. *venues* by broker; *shown* takes what reaches the EMS."""

    def __init__(self, world: World, venues: Mapping[str, Venue], shown: Callable[[str, Row], None]) -> None:
        self._world = world
        self._venues = venues
        self._shown = shown
        self._rows: dict[str, Iterator[Row]] = {}
        self.middle: dict[str, Decimal] = {}
        markets = world.plan.settings.markets
        self._quoted_ns = dict.fromkeys(markets, START_NS)
        self.stopped = False
        for fqme, market in markets.items():
            self._rows[fqme] = synthetic(
                market,
                world.rng.randrange(2**32),
                start_ns=START_NS,
                interval_ns=world.plan.row_ms * MS,
                weather=world.plan.weather,
            )
            self._next(fqme, START_NS)

    def _next(self, market: str, last_ns: int) -> None:
        row = next(self._rows[market])
        self._count(market, row, last_ns)
        self.middle[market] = (row.bid or row.ask) if isinstance(row, Quote) else row.price
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
        self._venues[MARKETS[market].broker].row(market, row)
        delay_ms = world.between(1, 40)
        if world.chance(Fault.LATE_QUOTE):
            delay_ms += world.between(100, 9_000)
        world.after(delay_ms * MS, "row", lambda: self._shown(market, row))
        if world.chance(Fault.NO_QUOTE):
            self._refused(market, row)
        self._next(market, row.time_ns)

    def _refused(self, market: str, row: Row) -> None:
        """What is no price or size, or of another's market, never gets past the edge."""
        rng, broker = self._world.rng, MARKETS[market].broker
        wrong = rng.choice(_WRONG)
        if rng.randrange(8) == 0:
            broker = "another"
        elif isinstance(row, Trade):
            row = replace(row, price=wrong) if rng.randrange(2) else replace(row, size=wrong)
        else:
            row = replace(row, bid=wrong) if rng.randrange(2) else replace(row, ask_size=wrong)
        try:
            check_row(broker, market, row)
        except InvalidReport:
            return
        raise Breach("P9", f"{broker} showed {row} of {market}, and it was taken for a row")
