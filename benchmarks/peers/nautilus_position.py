"""What one fill costs in nautilus_trader's Position: `Position.apply`, its OrderFilled made beforehand.

Prints one JSON object; times are microseconds per fill, CPU of this process. `--pattern` says how sizes go:
`flat` is in and out again (two buys, two sells), `open` never goes flat. Its Position keeps the fills since
it was flat and looks through all their ids at each new one, so `open` costs more the more there are.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time

import nautilus_trader
from nautilus_trader.core.uuid import UUID4
from nautilus_trader.model.currencies import USDT
from nautilus_trader.model.enums import LiquiditySide, OrderSide, OrderType
from nautilus_trader.model.events import OrderFilled
from nautilus_trader.model.identifiers import (
    AccountId,
    ClientOrderId,
    PositionId,
    StrategyId,
    TradeId,
    TraderId,
    VenueOrderId,
)
from nautilus_trader.model.objects import Money, Price, Quantity
from nautilus_trader.model.position import Position
from nautilus_trader.test_kit.providers import TestInstrumentProvider

SIDES = {
    "flat": (OrderSide.BUY, OrderSide.BUY, OrderSide.SELL, OrderSide.SELL),
    "open": (OrderSide.BUY,),
}


def fills(count: int, pattern: str) -> list[OrderFilled]:
    """This many fills of half a coin, each with a fee, at prices that move."""
    instrument = TestInstrumentProvider.btcusdt_binance()
    size, fee, sides = Quantity.from_str("0.500000"), Money("0.10", USDT), SIDES[pattern]
    return [
        OrderFilled(
            TraderId("BENCH-1"),
            StrategyId("POSITION-1"),
            instrument.id,
            ClientOrderId(f"O-{number}"),
            VenueOrderId(f"V-{number}"),
            AccountId("BINANCE-1"),
            TradeId(f"E{number}"),
            PositionId("P-1"),
            sides[number % len(sides)],
            OrderType.LIMIT,
            size,
            Price.from_str(f"39{number % 1000:03d}.05"),
            USDT,
            fee,
            LiquiditySide.MAKER,
            UUID4(),
            number,
            number,
        )
        for number in range(count)
    ]


def measure(count: int, pattern: str) -> float:
    """Microseconds per fill over this many fills of one position."""
    made = fills(count, pattern)
    position = Position(TestInstrumentProvider.btcusdt_binance(), made[0])
    rest = made[1:]
    started = time.process_time_ns()
    for fill in rest:
        position.apply(fill)
    return (time.process_time_ns() - started) / len(rest) / 1_000


def main() -> None:
    """Measure and print one JSON object."""
    parser = argparse.ArgumentParser(description="Cost of a fill in nautilus_trader's Position.")
    parser.add_argument("--fills", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--pattern", choices=sorted(SIDES), default="flat")
    options = parser.parse_args()
    figures = [measure(options.fills, options.pattern) for _ in range(options.rounds)]
    report = {
        "peer": f"nautilus_trader {nautilus_trader.__version__}",
        "what": "position",
        "pattern": options.pattern,
        "fills": options.fills,
        "us_per_fill_median": round(statistics.median(figures), 3),
        "us_per_fill_best": round(min(figures), 3),
    }
    print(json.dumps(report))


if __name__ == "__main__":
    main()
