"""Positions: fills a second beside nautilus_trader, the cost of the millionth, and the file that is written.

Times are CPU µs of this process; clears are made before the clock starts, as the peer's events are.
"""

from __future__ import annotations

import tempfile
import time
from decimal import Decimal
from pathlib import Path
from statistics import median
from typing import NamedTuple

import trio
import trio.lowlevel
from rich.console import Console

from benchmarks.goals import beside_goal
from benchmarks.replay import MARKET, peer
from fsm_ems.accounting.clear import Clear
from fsm_ems.accounting.position import ENTRY_AND_EXIT, Position
from fsm_ems.accounting.pps_file import Projection, format_pps, write_pps

FEE = Decimal("0.10")
SIZES = {
    "flat": ("0.500000", "0.500000", "-0.500000", "-0.500000"),
    "open": ("0.500000",),
    "turns": ("1.000000", "-0.500000"),
}
"""In and out again; ever larger; and a cost that has to be divided at every second clear."""


def clears(count: int, pattern: str, first: int = 0) -> list[Clear]:
    """This many clears, each with a fee, at prices that move."""
    sizes = [Decimal(size) for size in SIZES[pattern]]
    return [
        Clear(number, f"E{number}", sizes[number % len(sizes)], Decimal(f"39{number % 1000:03d}.05"), FEE)
        for number in range(first, first + count)
    ]


def timed(position: Position, made: list[Clear]) -> float:
    """CPU µs a clear."""
    add = position.add
    start = time.process_time_ns()
    for clear in made:
        add(clear)
    return (time.process_time_ns() - start) / len(made) / 1_000


def cost_of_clear(pattern: str, count: int = 20_000, rounds: int = 5) -> tuple[float, float]:
    """Median and best µs a clear, over *rounds* positions."""
    figures = [timed(Position(MARKET, "main"), clears(count, pattern)) for _ in range(rounds)]
    return median(figures), min(figures)


def cost_after(few: int, many: int, pattern: str, count: int = 1_000, rounds: int = 5) -> tuple[float, float]:
    """Median µs a clear of one position, once it has so many: (few, many)."""
    position, made = Position(MARKET, "main"), 0
    found: list[float] = []
    for size in (few, many):
        timed(position, clears(size - made, pattern, made))
        made = size
        figures: list[float] = []
        for _ in range(rounds):
            figures.append(timed(position, clears(count, pattern, made)))
            made += count
        found.append(median(figures))
    return found[0], found[1]


class Gaps(NamedTuple):
    """Seconds: how long one writing took, and the longest time the loop did not run, idle and meanwhile."""

    writing: float
    idle: float
    meanwhile: float


def gaps(count: int = 5_000, times: int = 5) -> Gaps:
    """Write ``pps.toml`` with *count* clears in a thread, over a commented one, and watch the loop."""
    position = Position(MARKET, "main")
    timed(position, clears(count, "open"))
    text = format_pps(Projection("bench", 1, ENTRY_AND_EXIT, (position.standing(),)))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "pps.toml"
        path.write_text(text.replace(" },\n", " },  # mine\n", 9), encoding="utf-8")
        return trio.run(_watched, path, position, times)


async def _watched(path: Path, position: Position, times: int) -> Gaps:
    longest = 0.0

    async def watch() -> None:
        nonlocal longest
        before = time.perf_counter()
        while True:
            await trio.lowlevel.checkpoint()
            now = time.perf_counter()
            longest, before = max(longest, now - before), now

    async with trio.open_nursery() as nursery:
        nursery.start_soon(watch)
        await trio.sleep(0.5)
        idle, longest = longest, 0.0
        started = time.perf_counter()
        for seq in range(2, times + 2):
            snapshot = Projection("bench", seq, ENTRY_AND_EXIT, (position.standing(),))
            await trio.to_thread.run_sync(write_pps, path, snapshot)
        writing = (time.perf_counter() - started) / times
        nursery.cancel_scope.cancel()
    return Gaps(writing, idle, longest)


def beside_the_peer(console: Console, pattern: str, fills: int) -> None:
    """Print ours and the peer's, and their ratio."""
    theirs = peer("nautilus_position.py", "--pattern", pattern, "--fills", fills)
    ours, best = cost_of_clear(pattern, fills)
    fill, fill_best = theirs["us_per_fill_median"], theirs["us_per_fill_best"]
    console.print(
        f"{fills:,} clears, {pattern}: ours {ours:.2f} µs a clear (best {best:.2f}), "
        f"{1e6 / ours:,.0f} a second; "
        f"{theirs['peer']} {fill:.2f} µs (best {fill_best:.2f}), {1e6 / fill:,.0f} a second"
    )
    console.print(beside_goal(f"clears a second, {pattern}", fill / ours, "times the peer's", at_least=1))


def positions(console: Console) -> None:
    """What a clear costs, how that grows, and whether the loop runs while a file is written."""
    beside_the_peer(console, "flat", 20_000)
    beside_the_peer(console, "open", 5_000)
    for pattern in SIZES:
        few, many = cost_after(1_000, 1_000_000, pattern)
        console.print(f"{pattern}: after 1,000 clears {few:.2f} µs a clear, after 1,000,000 {many:.2f} µs")
        console.print(beside_goal(f"{pattern}, 1,000,000 to 1,000", many / few, "times", at_most=1.2))
    found = gaps()
    console.print(f"pps.toml with 5,000 clears: {found.writing * 1e3:.0f} ms to write, in a thread")
    console.print(
        f"the longest gap of the loop: {found.meanwhile * 1e3:.1f} ms meanwhile, {found.idle * 1e3:.1f} ms "
        "without (goal: never blocked, and shown; a loop that waits would show all of the writing)"
    )
