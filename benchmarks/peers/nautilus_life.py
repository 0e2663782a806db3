"""What one order's whole life costs in nautilus_trader's ExecutionEngine.

One life is: make a limit order and its SubmitOrder command, execute the command, then make and process
OrderSubmitted, OrderAccepted and two OrderFilled events of half the size each. Around the engine stand
nautilus' own Cache, Portfolio, MessageBus and LiveClock; one subscriber hears the strategy's order events,
as an owner would; the execution client does nothing when an order is submitted. No RiskEngine, no database,
no logging.

Buys and sells alternate, so the one netting position is flat after every second life. That is the case kind
to nautilus: a position that never goes flat keeps every fill and searches them all on each new one, so its
cost grows without end (`--keep-open` shows it). The account's balances come from the venue, as in live
trading; `--calculated` lets nautilus work them out from the fills instead, as it does in a backtest.

With `--turns` it runs a round for each line that comes, and prints its figure, so that another program can be
measured in between. Else it prints one JSON object. Times are microseconds per life, sizes bytes per live
(accepted, unfilled) order.
"""

from __future__ import annotations

import argparse
import gc
import json
import resource
import statistics
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

import nautilus_trader
from nautilus_trader.accounting.factory import AccountFactory
from nautilus_trader.cache.cache import Cache
from nautilus_trader.common.component import LiveClock, MessageBus
from nautilus_trader.common.factories import OrderFactory
from nautilus_trader.core.uuid import UUID4
from nautilus_trader.execution.client import ExecutionClient
from nautilus_trader.execution.engine import ExecutionEngine
from nautilus_trader.execution.messages import SubmitOrder
from nautilus_trader.model.currencies import BTC, USDT
from nautilus_trader.model.enums import AccountType, LiquiditySide, OmsType, OrderSide, OrderType
from nautilus_trader.model.events import AccountState, OrderAccepted, OrderEvent, OrderFilled, OrderSubmitted
from nautilus_trader.model.identifiers import (
    AccountId,
    ClientId,
    StrategyId,
    TradeId,
    TraderId,
    Venue,
    VenueOrderId,
)
from nautilus_trader.model.objects import AccountBalance, Money, Price, Quantity
from nautilus_trader.portfolio.portfolio import Portfolio
from nautilus_trader.test_kit.providers import TestInstrumentProvider

TRADER = TraderId("BENCH-1")
STRATEGY = StrategyId("LIFE-1")
ACCOUNT = AccountId("BINANCE-1")
SIZE = Quantity.from_str("1.000000")
HALF = Quantity.from_str("0.500000")
PRICE = Price.from_str("39000.00")
NO_FEE = Money(0, USDT)
PLENTY = 1_000_000_000

Script = tuple[SubmitOrder, list[OrderEvent]]
"""Everything that enters the engine during one life: the command, then the venue's events in order."""


class SilentClient(ExecutionClient):
    """A venue connection that takes every order and answers nothing; the benchmark plays the venue."""

    def submit_order(self, command: SubmitOrder) -> None:
        """Take the order and do nothing."""


class Rig:
    """One execution engine with everything it needs, and the lives it can be put through."""

    def __init__(self) -> None:
        self.clock = LiveClock()
        bus = MessageBus(trader_id=TRADER, clock=self.clock)
        self.cache = Cache()
        portfolio = Portfolio(bus, self.cache, self.clock)
        self.engine = ExecutionEngine(bus, self.cache, self.clock)
        self.instrument = TestInstrumentProvider.btcusdt_binance()
        self.cache.add_instrument(self.instrument)
        self.engine.register_client(
            SilentClient(
                client_id=ClientId("BINANCE"),
                venue=Venue("BINANCE"),
                oms_type=OmsType.NETTING,
                account_type=AccountType.CASH,
                base_currency=None,
                msgbus=bus,
                cache=self.cache,
                clock=self.clock,
            )
        )
        self.engine.start()
        portfolio.update_account(self._first_balances())
        self.heard = 0
        bus.subscribe(f"events.order.{STRATEGY}", self._hear)
        self._orders = OrderFactory(trader_id=TRADER, strategy_id=STRATEGY, clock=self.clock)
        self._made = 0

    def _hear(self, _event: OrderEvent) -> None:
        """Stand in for the owner: count what it is told."""
        self.heard += 1

    @staticmethod
    def _first_balances() -> AccountState:
        """Say that the venue holds plenty of both assets for us."""
        return AccountState(
            account_id=ACCOUNT,
            account_type=AccountType.CASH,
            base_currency=None,
            reported=True,
            balances=[
                AccountBalance(Money(PLENTY, asset), Money(0, asset), Money(PLENTY, asset))
                for asset in (USDT, BTC)
            ],
            margins=[],
            info={},
            event_id=UUID4(),
            ts_event=0,
            ts_init=0,
        )

    def script(self, side: OrderSide, fills: int = 2) -> Script:
        """Make a new order's command and events, with `fills` executions of half its size."""
        now = self.clock.timestamp_ns()
        order = self._orders.limit(self.instrument.id, side, SIZE, PRICE)
        self._made += 1
        ids = (TRADER, STRATEGY, self.instrument.id, order.client_order_id)
        venue_id = VenueOrderId(str(self._made))
        events: list[OrderEvent] = [
            OrderSubmitted(*ids, ACCOUNT, UUID4(), now, now),
            OrderAccepted(*ids, venue_id, ACCOUNT, UUID4(), now, now),
        ]
        price_and_cost = (PRICE, USDT, NO_FEE, LiquiditySide.MAKER)
        for number in range(fills):
            what = (TradeId(f"{self._made}-{number}"), None, side, OrderType.LIMIT, HALF)
            fill = OrderFilled(*ids, venue_id, ACCOUNT, *what, *price_and_cost, UUID4(), now, now)
            events.append(fill)
        command = SubmitOrder(
            trader_id=TRADER, strategy_id=STRATEGY, order=order, command_id=UUID4(), ts_init=now
        )
        return command, events

    def play(self, script: Script) -> None:
        """Put one life's command and events through the engine."""
        command, events = script
        self.engine.execute(command)
        for event in events:
            self.engine.process(event)

    def live_whole(self, lives: int) -> None:
        """Make and play this many lives, buys and sells in turn."""
        for number in range(lives):
            self.play(self.script(_side(number)))

    def prepare(self, lives: int) -> list[Script]:
        """Make this many lives without playing them."""
        return [self.script(_side(number)) for number in range(lives)]

    def play_all(self, scripts: Iterable[Script]) -> None:
        """Play lives made before."""
        for script in scripts:
            self.play(script)


def _side(number: int) -> OrderSide:
    """Buys for even numbers, sells for odd ones."""
    return OrderSide.SELL if number % 2 else OrderSide.BUY


def _micros(work: Callable[[], None], lives: int) -> float:
    """CPU time of `work`, in microseconds per life."""
    started = time.process_time()
    work()
    return (time.process_time() - started) / lives * 1e6


def _resident_bytes() -> int:
    """Memory of this process that is in RAM now, in bytes."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize()


def measure_memory(orders: int) -> dict[str, int]:
    """Bytes per live order, indexes and event history included: by resident memory, then by tracemalloc.

    tracemalloc sees what Python allocates; the difference to resident memory is what Rust allocates, and the
    slack of both allocators.
    """
    rig = Rig()
    rig.live_whole(100)
    gc.collect()
    before = _resident_bytes()
    rig.play_all(rig.script(OrderSide.BUY, fills=0) for _ in range(orders))
    gc.collect()
    resident = _resident_bytes() - before
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    rig.play_all(rig.script(OrderSide.BUY, fills=0) for _ in range(orders))
    gc.collect()
    traced = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    if rig.cache.orders_open_count() != 2 * orders:
        raise RuntimeError("not every order is live")
    return {
        "bytes_per_live_order": round(traced / orders),
        "rss_bytes_per_live_order": round(resident / orders),
    }


def measure_time(lives: int, warm: int, rounds: int, *, keep_open: bool) -> dict[str, float]:
    """Microseconds per life over several rounds on one engine, after `warm` finished lives.

    Each round times whole lives, then as many lives whose objects were made before the clock started.
    """
    rig = Rig()
    if keep_open:
        rig.play(rig.script(OrderSide.BUY))
    rig.live_whole(warm)
    whole: list[float] = []
    prebuilt: list[float] = []
    for _ in range(rounds):
        whole.append(_micros(partial(rig.live_whole, lives), lives))
        scripts = rig.prepare(lives)
        prebuilt.append(_micros(partial(rig.play_all, scripts), lives))
    played = warm + 2 * rounds * lives + int(keep_open)
    if rig.heard != 4 * played or rig.cache.orders_closed_count() != played:
        raise RuntimeError(f"{played} lives played, {rig.heard} events heard, not every order is filled")
    return {
        "us_per_life_median": round(statistics.median(whole), 2),
        "us_per_life_best": round(min(whole), 2),
        "us_per_life_prebuilt": round(statistics.median(prebuilt), 2),
        "us_per_life_prebuilt_best": round(min(prebuilt), 2),
    }


def take_turns(lives: int, warm: int) -> None:
    """After `warm` lives, run a round of whole lives for each line that comes, and print what it took."""
    rig = Rig()
    rig.live_whole(warm)
    for _ in sys.stdin:
        print(round(_micros(partial(rig.live_whole, lives), lives), 2), flush=True)


def main() -> None:
    """Measure and print one JSON object."""
    parser = argparse.ArgumentParser(description="Cost of an order's life in nautilus_trader.")
    parser.add_argument("--lives", type=int, default=2_000, help="lives in a round, an even number")
    parser.add_argument(
        "--warm", type=int, default=1_000, help="lives before the first round, an even number"
    )
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--orders", type=int, default=5_000, help="live orders in the memory measurement")
    parser.add_argument("--keep-open", action="store_true", help="the position never goes flat")
    parser.add_argument("--calculated", action="store_true", help="nautilus calculates the balances")
    parser.add_argument("--turns", action="store_true", help="a round for each line of standard input")
    options = parser.parse_args()
    if options.lives % 2 or options.warm % 2:
        parser.error("--lives and --warm must be even, or the position is not flat between rounds")
    memory = {} if options.turns else measure_memory(options.orders)
    if options.calculated:  # not before: a balance then visits every live order
        AccountFactory.register_calculated_account("BINANCE")
    if options.turns:
        take_turns(options.lives, options.warm)
        return
    timing = measure_time(options.lives, options.warm, options.rounds, keep_open=options.keep_open)
    report = {
        "peer": f"nautilus_trader {nautilus_trader.__version__}",
        "what": "life",
        **timing,
        "lives": options.lives,
        "rounds": options.rounds,
        "warm": options.warm,
        "gc": "default",
        "position": "kept open" if options.keep_open else "flat after every second life",
        "balances": "calculated" if options.calculated else "reported by the venue",
        **memory,
    }
    print(json.dumps(report))


if __name__ == "__main__":
    main()
