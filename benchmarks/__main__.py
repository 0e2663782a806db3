"""``make bench``: ours and the peers', in one run. ``TAPE=file.csv`` replays a tape of yours.

``python -m benchmarks lives positions`` runs only the parts that it names.
"""

from __future__ import annotations

import argparse
import gc
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.table import Table

from benchmarks.darkbook import darkbook
from benchmarks.goals import beside_goal
from benchmarks.journal import journal
from benchmarks.life import beside_nautilus, bytes_per_dialog, cost_after
from benchmarks.positions import positions
from benchmarks.replay import peer, side_by_side, write_synthetic_tape


def lives(console: Console) -> None:
    """The life of an order: submit, ack, open, two fills. Short rounds of ours and of the peer's, in turn."""
    reported = beside_nautilus()
    calculated = beside_nautilus("--calculated")
    table = Table(title=f"one life, µs of CPU (gc: CPython's default, {gc.get_threshold()}, for all)")
    for name in ("", "ours", "best", "theirs", "best", "times ours", "half of the rounds"):
        table.add_column(name, justify="right")
    for label, turns in (("balances reported", reported), ("balances calculated", calculated)):
        lower, upper = turns.spread
        figures = (median(turns.ours), min(turns.ours), median(turns.theirs), min(turns.theirs))
        shown = (f"{figure:.1f}" for figure in figures)
        table.add_row(
            f"nautilus_trader, {label}", *shown, f"{turns.ratio:.2f}", f"{lower:.2f} to {upper:.2f}"
        )
    console.print(table)
    console.print(beside_goal("nautilus_trader, balances reported", reported.ratio, "times ours", at_least=4))
    nautilus = peer("nautilus_life.py")
    few, many = cost_after((1_000, 1_000_000))
    console.print(f"a life after 1,000 finished {few:.1f} µs, after 1,000,000 {many:.1f} µs")
    console.print(beside_goal("after 1,000,000 to after 1,000", many / few, "times", at_most=1.2))
    console.print(beside_goal("a live dialog", bytes_per_dialog(), "bytes", at_most=1_000))
    console.print(f"a live order of nautilus_trader: {nautilus['bytes_per_live_order']} bytes")


def triggers(console: Console) -> None:
    """What a machine library takes for one trigger."""
    for found in peer("machines.py")["machines"]:
        middle, best = found["us_per_trigger_median"], found["us_per_trigger_best"]
        console.print(f"{found['peer']}: {middle:.1f} µs a trigger (best {best:.1f})")


def replays(console: Console) -> None:
    """A tape with 100 resting orders."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        given = os.environ.get("TAPE")
        tape = Path(given) if given else folder / "synthetic.csv"
        if not given:
            write_synthetic_tape(tape)
        found = side_by_side(tape, folder)
    ours, theirs, why = found["ours"], found["nautilus"], found["why"]
    console.print(
        f"replay of {tape.name}, {found['rows']} rows, 100 resting orders: "
        f"{ours:,.0f} rows/s, nautilus_trader {theirs:,.0f} rows/s: ours {ours / theirs:.2f} times theirs"
    )
    console.print(f"fills of {why['same']} orders are the same, of {why['differ']} they differ:")
    unexplained = 0
    for reason, count in why["reasons"].items():
        rules = "; ".join(why["rules"].get(rule, rule) for rule in reason.split("+"))
        console.print(f"  {count} by {reason}: {rules}")
        if "unexplained" in reason:
            unexplained += count
    console.print(beside_goal("orders whose difference is not explained", unexplained, at_most=0))


PARTS: dict[str, Callable[[Console], None]] = {
    part.__name__: part for part in (lives, triggers, replays, positions, darkbook, journal)
}


def main() -> None:
    """Run the parts that are named, or all."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="part", help=f"of {', '.join(PARTS)}; all unless named")
    named: list[str] = parser.parse_args().parts
    if unknown := [name for name in named if name not in PARTS]:
        parser.error(f"no part is called {', '.join(unknown)}; there are {', '.join(PARTS)}")
    console = Console(soft_wrap=True)
    console.print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} before the start")
    for name, part in PARTS.items():
        if not named or name in named:
            console.rule(name)
            part(console)


if __name__ == "__main__":
    main()
