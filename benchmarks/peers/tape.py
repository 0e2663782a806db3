"""The market tape and the orders that the replay benchmark puts on it; needs only the standard library.

A tape is a CSV file with the columns time_ns, kind, bid, bid_size, ask, ask_size, price, size, side and
trade_id, its rows in time order. Prices are USDT per BTC, sizes BTC, times nanoseconds since 1970.
"""

from __future__ import annotations

import csv
import random
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Literal, TypedDict

PRICE_TICK = Decimal("0.01")
SIZE_TICK = Decimal("0.000001")
FARTHEST_TICKS = (10, 100, 1_000, 6_000)
SMALLEST_TICKS = 1_000
LARGEST_TICKS = (10_000, 100_000, 500_000)


class OrderSpec(TypedDict):
    """A plain good-till-cancelled limit order, sent at tape time `at`; size and price are decimal strings."""

    oid: str
    at: int
    side: Literal["buy", "sell"]
    size: str
    price: str


class Fill(TypedDict):
    """One execution: when on the tape (ns), how much (BTC), at what price (USDT), maker or taker."""

    oid: str
    time_ns: int
    size: str
    price: str
    liquidity: str


@dataclass(frozen=True, slots=True)
class Quote:
    """The best prices and the sizes shown there."""

    time_ns: int
    bid: Decimal
    bid_size: Decimal
    ask: Decimal
    ask_size: Decimal


@dataclass(frozen=True, slots=True)
class Trade:
    """One print; `side` is the tape's column as it stands."""

    time_ns: int
    price: Decimal
    size: Decimal
    side: str
    trade_id: str


def read_tape(path: Path) -> list[Quote | Trade]:
    """All rows of the tape, in file order."""
    rows: list[Quote | Trade] = []
    with path.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            time_ns = int(row["time_ns"])
            if row["kind"] == "quote":
                bid, bid_size = Decimal(row["bid"]), Decimal(row["bid_size"])
                rows.append(Quote(time_ns, bid, bid_size, Decimal(row["ask"]), Decimal(row["ask_size"])))
            else:
                price, size = Decimal(row["price"]), Decimal(row["size"])
                rows.append(Trade(time_ns, price, size, row["side"], row["trade_id"]))
    return rows


def make_orders(rows: list[Quote | Trade], count: int, seed: int) -> list[OrderSpec]:
    """Resting orders for a tape, in the order they are sent; the same for the same tape, count and seed.

    Each is sent at the time of a quote from the first half of the tape and rests 1 to 6,000 ticks (0.01 to 60
    USDT) from that quote's touch: buys (even numbers) below the bid, sells (odd numbers) above the ask. Small
    distances and small sizes (of 0.001 to 0.5 BTC) are the more frequent.
    """
    quotes = [row for row in rows if isinstance(row, Quote)]
    early = quotes[: max(1, len(quotes) // 2)]
    draw = random.Random(seed)
    orders: list[OrderSpec] = []
    for number in range(count):
        quote = early[draw.randrange(len(early))]
        away = draw.randint(1, draw.choice(FARTHEST_TICKS)) * PRICE_TICK
        size = draw.randint(SMALLEST_TICKS, draw.choice(LARGEST_TICKS)) * SIZE_TICK
        buy = number % 2 == 0
        orders.append(
            {
                "oid": f"order-{number:04d}",
                "at": quote.time_ns,
                "side": "buy" if buy else "sell",
                "size": str(size),
                "price": str(quote.bid - away if buy else quote.ask + away),
            }
        )
    return sorted(orders, key=lambda order: order["at"])
