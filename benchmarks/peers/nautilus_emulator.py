"""What a quote that fires nothing costs nautilus_trader's OrderEmulator, by how many orders rest in it.

Stop-market orders, buys above the market and sells below it, are submitted to the emulator as
`SubmitOrder` commands; then quotes between them go straight to its `on_quote_tick`, without the message bus.
Around it stand nautilus' own Cache, Portfolio, MessageBus and LiveClock; the risk engine, the execution
engine and the data engine are endpoints that do nothing. No database, no logging.

At every quote the emulator looks at each resting order twice: once to match it, once to see whether it
trails. At every order that is placed it copies its table of commands twice and sorts a side, so that placing
n of them takes time as n². Past `--placed` orders, the rest are therefore appended to the lists that its
matching core hands out; what a quote then costs is the same.

Prints one JSON object; times are microseconds, CPU of this process.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time

import nautilus_trader
from nautilus_trader.cache.cache import Cache
from nautilus_trader.common.component import LiveClock, MessageBus
from nautilus_trader.common.factories import OrderFactory
from nautilus_trader.core.uuid import UUID4
from nautilus_trader.execution.emulator import OrderEmulator
from nautilus_trader.execution.messages import SubmitOrder
from nautilus_trader.model.data import QuoteTick
from nautilus_trader.model.enums import OrderSide, TriggerType
from nautilus_trader.model.identifiers import StrategyId, TraderId
from nautilus_trader.model.objects import Price, Quantity
from nautilus_trader.model.orders import StopMarketOrder
from nautilus_trader.portfolio.portfolio import Portfolio
from nautilus_trader.test_kit.providers import TestInstrumentProvider

TRADER = TraderId("BENCH-1")
STRATEGY = StrategyId("STOPS-1")
SIZE = Quantity.from_str("1.000000")
MIDDLE_CENTS = 4_000_000
LEVELS = 1_000_000
"""Stops lie from one unit of the quote asset away, a cent apart, over so many prices."""


class Rig:
    """One emulator with everything it needs."""

    def __init__(self) -> None:
        self.clock = LiveClock()
        self.cache = Cache()
        bus = MessageBus(trader_id=TRADER, clock=self.clock)
        self.released = 0
        for endpoint in ("RiskEngine.process", "RiskEngine.execute", "DataEngine.execute"):
            bus.register(endpoint=endpoint, handler=self._let_be)
        bus.register(endpoint="ExecEngine.execute", handler=self._release)
        self.instrument = TestInstrumentProvider.btcusdt_binance()
        self.cache.add_instrument(self.instrument)
        self.emulator = OrderEmulator(Portfolio(bus, self.cache, self.clock), bus, self.cache, self.clock)
        self.emulator.start()
        self._orders = OrderFactory(trader_id=TRADER, strategy_id=STRATEGY, clock=self.clock)

    def _let_be(self, _message: object) -> None:
        """Stand in for an engine that is not measured."""

    def _release(self, _command: object) -> None:
        self.released += 1

    def order(self, number: int) -> StopMarketOrder:
        """A buy stop above the market for even numbers, a sell stop below it for odd ones."""
        buys = number % 2 == 0
        away = 100 + number // 2 % LEVELS
        cents = MIDDLE_CENTS + away if buys else MIDDLE_CENTS - away
        return self._orders.stop_market(
            self.instrument.id,
            OrderSide.BUY if buys else OrderSide.SELL,
            SIZE,
            trigger_price=Price(cents / 100, 2),
            emulation_trigger=TriggerType.BID_ASK,
        )

    def place(self, number: int) -> None:
        """Submit one more stop."""
        order = self.order(number)
        self.cache.add_order(order)
        self.emulator.execute(
            SubmitOrder(
                trader_id=TRADER,
                strategy_id=STRATEGY,
                order=order,
                command_id=UUID4(),
                ts_init=self.clock.timestamp_ns(),
            )
        )

    def append(self, number: int) -> None:
        """Put one more stop where the emulator would have put it."""
        core = self.emulator.get_matching_core(self.instrument.id)
        side = core.get_orders_ask() if number % 2 else core.get_orders_bid()
        side.append(self.order(number))

    @property
    def resting(self) -> int:
        """How many stops wait."""
        return len(self.emulator.get_matching_core(self.instrument.id).get_orders())

    def ticks(self) -> list[QuoteTick]:
        """Two quotes that meet nothing."""
        return [
            QuoteTick(
                self.instrument.id,
                Price((MIDDLE_CENTS + move) / 100, 2),
                Price((MIDDLE_CENTS + move + 10) / 100, 2),
                SIZE,
                SIZE,
                0,
                0,
            )
            for move in (-10, 10)
        ]


def measure(resting: int, placed: int, rounds: int) -> dict[str, float | int]:
    """Microseconds per quote, and per order placed, with so many resting."""
    rig = Rig()
    submitted = min(resting, placed)
    started = time.process_time_ns()
    for number in range(submitted):
        rig.place(number)
    placing = (time.process_time_ns() - started) / submitted / 1_000
    for number in range(submitted, resting):
        rig.append(number)
    ticks = rig.ticks()
    laps = max(1, 200_000 // resting // len(ticks))
    take = rig.emulator.on_quote_tick
    figures: list[float] = []
    for _ in range(rounds):
        started = time.process_time_ns()
        for _ in range(laps):
            for tick in ticks:
                take(tick)
        figures.append((time.process_time_ns() - started) / laps / len(ticks) / 1_000)
    if rig.resting != resting or rig.released:
        raise RuntimeError(f"{resting} stops placed, {rig.resting} rest, {rig.released} released")
    return {
        "resting": resting,
        "placed": submitted,
        "us_per_order_placed": round(placing, 2),
        "us_per_quote_median": round(statistics.median(figures), 3),
        "us_per_quote_best": round(min(figures), 3),
    }


def main() -> None:
    """Measure and print one JSON object."""
    parser = argparse.ArgumentParser(description="Cost of a quote in nautilus_trader's OrderEmulator.")
    parser.add_argument("--resting", type=int, nargs="+", default=[10, 1_000, 100_000])
    parser.add_argument("--placed", type=int, default=2_000, help="orders submitted; more are appended")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    report = {
        "peer": f"nautilus_trader {nautilus_trader.__version__}",
        "what": "quote that fires nothing",
        "gc": "default",
        "rounds": options.rounds,
        "figures": [measure(resting, options.placed, options.rounds) for resting in options.resting],
    }
    print(json.dumps(report))


if __name__ == "__main__":
    main()
