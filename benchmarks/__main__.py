"""``make bench``: ours and the peers', in one run. ``TAPE=file.csv`` replays a tape of yours."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.life import bytes_per_dialog, cost_after, cost_of_life
from benchmarks.replay import peer, side_by_side, write_synthetic_tape


def lives(console: Console) -> None:
    """The life of an order: submit, ack, open, two fills."""
    ours, ours_best = cost_of_life()
    nautilus = peer("nautilus_life.py")
    calculated = peer("nautilus_life.py", "--calculated")
    again, again_best = cost_of_life()
    ours, ours_best = min(ours, again), min(ours_best, again_best)
    table = Table(title="one life, µs of CPU (gc: CPython's default for all)")
    for name in ("", "median", "best", "times ours"):
        table.add_column(name, justify="right")
    table.add_row("fsm_ems", f"{ours:.1f}", f"{ours_best:.1f}", "1.0")
    for label, figures in (
        ("nautilus_trader, balances reported", nautilus),
        ("nautilus_trader, balances calculated", calculated),
    ):
        median, best = figures["us_per_life_median"], figures["us_per_life_best"]
        table.add_row(label, f"{median:.1f}", f"{best:.1f}", f"{median / ours:.1f}")
    console.print(table)
    few, many = cost_after((1_000, 1_000_000))
    console.print(f"after 1,000 finished {few:.1f} µs, after 1,000,000 {many:.1f} µs: {many / few:.2f} times")
    console.print(
        f"bytes of a live dialog {bytes_per_dialog():.0f}; "
        f"of a live order of nautilus_trader {nautilus['bytes_per_live_order']}"
    )


def triggers(console: Console) -> None:
    """What a machine library takes for one trigger."""
    console.print(peer("machines.py"))


def replays(console: Console) -> None:
    """A tape with 100 resting orders."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        given = os.environ.get("TAPE")
        tape = Path(given) if given else folder / "synthetic.csv"
        if not given:
            write_synthetic_tape(tape)
        found = side_by_side(tape, folder)
    console.print(
        f"replay of {tape.name}, {found['rows']} rows, 100 resting orders: "
        f"{found['ours']:,.0f} rows/s, nautilus_trader {found['nautilus']:,.0f} rows/s"
    )
    why = found["why"]
    console.print(f"fills of {why['same']} orders are the same, of {why['differ']} they differ:")
    for reason, count in why["reasons"].items():
        rules = "; ".join(why["rules"].get(rule, rule) for rule in reason.split("+"))
        console.print(f"  {count} by {reason}: {rules}")


def main() -> None:
    """Run them all."""
    console = Console()
    for part in (lives, triggers, replays):
        part(console)


if __name__ == "__main__":
    main()
