"""What a row of the market costs a dispatcher by how many orders wait in its dark book.

Quotes and prints are built before the clock starts, as a feed would have built them, and meet nothing: what
is timed is ``Dispatcher.quote`` alone. Times are CPU µs of this process, with CPython's defaults for the
garbage collector. Beside it stand a scan of all that rest, and nautilus_trader's OrderEmulator.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from decimal import Decimal
from statistics import median
from typing import NamedTuple

from rich.console import Console
from rich.table import Table

from benchmarks.goals import beside_goal
from benchmarks.replay import MARKET, peer
from fsm_ems import Dispatcher, LinkEvent, Settings, parse_command
from fsm_ems.journal.memory import MemoryLog
from fsm_ems.quotes import Quote, Row, Trade

MIDDLE = Decimal(40_000)
TICK = MARKET.price_tick
SIZE = Decimal(1)
NEAREST = Decimal(1)
"""How far from the middle the first orders wait; the next ones a tick further each."""
AHEAD = Decimal(50)
"""Trailing stops follow once the market has moved so far in their favour."""
NOW_NS = 1
RESTING = (10, 1_000, 100_000, 1_000_000)
SCANNED = (1_000, 100_000)
EMULATED = (10, 1_000, 100_000)

Fields = dict[str, str]

KINDS: tuple[Fields, ...] = (
    {"side": "buy", "trigger": "stop"},
    {"side": "sell", "trigger": "stop"},
    {"side": "buy", "trigger": "touch"},
    {"side": "sell", "trigger": "touch"},
    {"side": "buy", "direction": "at_or_above"},
    {"side": "sell", "direction": "at_or_below"},
    {"side": "buy", "trigger": "trail"},
    {"side": "sell", "trigger": "trail"},
    {"side": "alert", "direction": "at_or_above"},
    {"side": "alert", "direction": "at_or_below"},
)


def wish(number: int) -> Fields:
    """The *number*-th dark order: its kind in turn, each ten of them a tick further from the market."""
    kind = KINDS[number % len(KINDS)]
    away = NEAREST + TICK * (number // len(KINDS))
    if "direction" in kind:
        above = kind["direction"] == "at_or_above"
    else:
        above = (kind["side"] == "buy") is not (kind["trigger"] == "touch")
    fields = {
        "name": "order",
        "oid": f"o{number}",
        "market": MARKET.fqme,
        "price": str(MIDDLE + away if above else MIDDLE - away),
        **kind,
    }
    if kind["side"] != "alert":
        fields |= {"mode": "dark", "size": str(SIZE)}
    if kind.get("trigger") == "trail":
        fields["trail"] = str(away + AHEAD)
    return fields


class Filled(NamedTuple):
    """A dispatcher with its orders, and what each took to submit, in µs."""

    dispatcher: Dispatcher
    placing: float


def filled(resting: int) -> Filled:
    """A dispatcher whose dark book holds so many orders."""
    dispatcher = Dispatcher(
        Settings(markets={MARKET.fqme: MARKET}), MemoryLog(keep=10).append, generation="bench", now_ns=0
    )
    dispatcher.grant("alice", "trader", 0)
    for event in (LinkEvent.CONNECT, LinkEvent.CONNECTED, LinkEvent.SYNCED):
        dispatcher.link("paper", event, 0)
    start = time.process_time_ns()
    for number in range(resting):
        dispatcher.command("alice", parse_command(wish(number)), NOW_NS)
    return Filled(dispatcher, (time.process_time_ns() - start) / resting / 1_000)


def quote_at(ask: Decimal) -> Quote:
    """A quote a tick wide."""
    return Quote(NOW_NS, ask - TICK, SIZE, ask, SIZE)


QUOTES: tuple[Row, ...] = (quote_at(MIDDLE), quote_at(MIDDLE + TICK * 20))
TRADES: tuple[Row, ...] = tuple(
    Trade(NOW_NS, MIDDLE + TICK * move, SIZE, "buy", f"T{move}") for move in (0, 20)
)


def cost_of(take: Callable[[Row], Sequence[object]], rows: tuple[Row, ...], count: int) -> float:
    """Median µs a row over five rounds of *count* rows, none of which may meet anything."""
    figures: list[float] = []
    fired = 0
    for _ in range(5):
        start = time.process_time_ns()
        for number in range(count):
            if take(rows[number & 1]):
                fired += 1
        figures.append((time.process_time_ns() - start) / count / 1_000)
    if fired:
        raise RuntimeError(f"{fired} rows met something")
    return median(figures)


def cost_of_row(dispatcher: Dispatcher, rows: tuple[Row, ...], count: int = 50_000) -> float:
    """Median µs a row through the dispatcher."""
    resting, seq, market = len(dispatcher.book.dark), dispatcher.book.seq, MARKET.fqme
    quote = dispatcher.quote
    figure = cost_of(lambda row: quote(market, row, NOW_NS), rows, count)
    if (len(dispatcher.book.dark), dispatcher.book.seq) != (resting, seq):
        raise RuntimeError("the book has moved")
    return figure


class Fired(NamedTuple):
    """How many orders fired, and µs for each: quotes, records and sends with it."""

    orders: int
    cost: float


def fire(dispatcher: Dispatcher, most: int = 1_000) -> Fired:
    """Let the market rise tick by tick until so many have fired, or nothing above is left.

    It stays short of where trailing stops would follow.
    """
    dark = dispatcher.book.dark
    resting = len(dark)
    ticks = int((AHEAD - NEAREST) / TICK)
    rows = [quote_at(MIDDLE + NEAREST + TICK * number) for number in range(ticks)]
    prints = [Trade(NOW_NS, row.ask, SIZE, "buy", f"F{number}") for number, row in enumerate(rows)]
    start = time.process_time_ns()
    for quote, trade in zip(rows, prints, strict=True):
        dispatcher.quote(MARKET.fqme, quote, NOW_NS)
        dispatcher.quote(MARKET.fqme, trade, NOW_NS)
        if resting - len(dark) >= min(most, resting // 2):
            break
    took = time.process_time_ns() - start
    gone = resting - len(dark)
    return Fired(gone, took / gone / 1_000)


class Scanned(NamedTuple):
    """An order as a scan sees it: what it listens to, from which side its price is met, and the price."""

    listens: str
    rises: bool
    price: Decimal


def scan_of_all(resting: int) -> Callable[[Row], Sequence[Scanned]]:
    """The simplest way there is: every order is compared at every row."""
    orders: list[Scanned] = []
    for number in range(resting):
        fields = wish(number)
        price = Decimal(fields["price"])
        orders.append(Scanned(fields["side"], price > MIDDLE, price))

    def take(row: Row) -> Sequence[Scanned]:
        heard: dict[str, Decimal]
        if isinstance(row, Trade):
            heard = dict.fromkeys(("buy", "sell", "alert"), row.price)
        else:
            heard = {"buy": row.ask, "sell": row.bid}
        met: list[Scanned] = []
        for order in orders:
            seen = heard.get(order.listens)
            if seen is not None and (seen >= order.price if order.rises else seen <= order.price):
                met.append(order)
        return met

    return take


def darkbook(console: Console) -> None:
    """A row that fires nothing, by how many orders rest."""
    emulated = peer("nautilus_emulator.py", "--resting", *EMULATED)
    theirs = {found["resting"]: found["us_per_quote_median"] for found in emulated["figures"]}
    table = Table(title="a row that fires nothing, µs of CPU (gc: CPython's default)")
    for name in ("resting", "quote", "print", "scan of all, quote", f"{emulated['peer']}, quote"):
        table.add_column(name, justify="right")
    quotes: dict[int, float] = {}
    prints: dict[int, float] = {}
    after: list[str] = []
    for resting in RESTING:
        dispatcher, placing = filled(resting)
        quotes[resting] = cost_of_row(dispatcher, QUOTES)
        prints[resting] = cost_of_row(dispatcher, TRADES)
        if resting >= 1_000:  # of fewer, the first ones would be all
            fired = fire(dispatcher)
            after.append(
                f"{resting:,} resting: {placing:.1f} µs an order placed, "
                f"{fired.cost:.1f} µs an order fired ({fired.orders:,} of them)"
            )
        scanned = cost_of(scan_of_all(resting), QUOTES, 200_000 // resting) if resting in SCANNED else None
        table.add_row(
            f"{resting:,}",
            f"{quotes[resting]:.2f}",
            f"{prints[resting]:.2f}",
            "" if scanned is None else f"{scanned:,.1f}",
            f"{theirs[resting]:,.1f}" if resting in theirs else "",
        )
    console.print(table)
    console.print("\n".join(after))
    for name, figures in (("quote", quotes), ("print", prints)):
        console.print(beside_goal(f"the dearest {name}", max(figures.values()), "µs", at_most=1.5))
        few, many = figures[RESTING[0]], figures[RESTING[-1]]
        console.print(beside_goal(f"a {name}, 1,000,000 resting to 10", many / few, "times", at_most=1.2))
