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

from rich.console import Console
from rich.table import Table

from benchmarks.darkbook import darkbook
from benchmarks.goals import beside_goal
from benchmarks.journal import journal
from benchmarks.life import bytes_per_dialog, cost_after, cost_of_life
from benchmarks.positions import positions
from benchmarks.replay import peer, side_by_side, write_synthetic_tape


def lives(console: Console) -> None:
    """The life of an order: submit, ack, open, two fills. Ours and the peer's are measured in turn, twice."""
    mine: list[tuple[float, float]] = []
    theirs: list[tuple[float, float]] = []
    nautilus: dict[str, float] = {}
    for _ in range(2):
        mine.append(cost_of_life())
        nautilus = peer("nautilus_life.py")
        theirs.append((nautilus["us_per_life_median"], nautilus["us_per_life_best"]))
    calculated = peer("nautilus_life.py", "--calculated")
    (ours, ours_best), (their, their_best) = min(mine), min(theirs)
    table = Table(title=f"one life, µs of CPU (gc: CPython's default, {gc.get_threshold()}, for all)")
    for name in ("", "median", "best", "times ours"):
        table.add_column(name, justify="right")
    for label, middle, best in (
        ("fsm_ems", ours, ours_best),
        ("nautilus_trader, balances reported", their, their_best),
        (
            "nautilus_trader, balances calculated",
            calculated["us_per_life_median"],
            calculated["us_per_life_best"],
        ),
    ):
        table.add_row(label, f"{middle:.1f}", f"{best:.1f}", f"{middle / ours:.1f}")
    console.print(table)
    console.print(beside_goal("nautilus_trader, balances reported", their / ours, "times ours", at_least=4))
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
