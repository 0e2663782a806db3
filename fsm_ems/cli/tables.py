"""Tables and bars on a terminal, and the same as plain text elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Literal

from rich import box
from rich.console import Console
from rich.measure import Measurement
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from fsm_ems.accounting.position import Standing
from fsm_ems.market import Market
from fsm_ems.numbers import plain
from fsm_ems.tally import COLUMNS, Sum, Tally, as_row, price_text, rejection_of, rounded, short
from fsm_ems.why import Step, time_text

PLAIN_WIDTH = 240
"""How wide a table may be that no terminal has to show."""

FOLDS_TO = 8
"""How narrow a column may become that gives way."""

FOLDED = ("what", "why")

STATE_STYLES = {
    "filled": "bold green",
    "cancelled": "bold yellow",
    "expired": "bold yellow",
    "rejected": "bold red",
    "refused": "bold red",
    "unknown": "bold white on red",
    "open": "bold cyan",
    "editing": "magenta",
    "cancelling": "magenta",
    "cancel_stashed": "magenta",
    "alert_triggered": "bold green",
}


class _Output(Console):
    """A console that leaves it to others what becomes of a run whose output nobody reads."""

    def on_broken_pipe(self) -> None:
        # rich would end the program here, in the middle of its tasks. It calls this from its own except.
        raise  # noqa: PLE0704 -- the error that rich is about


def console() -> Console:
    """Standard output; where it is no terminal, wide enough that nothing is cut. Text is told as it is."""
    # rich would read [x] in a file's name as markup and :x: as a picture.
    found = _Output(highlight=False, markup=False, emoji=False)
    if not found.is_terminal:
        found.width = PLAIN_WIDTH
    return found


def progress() -> Progress:
    """A bar on stderr that is gone once the run is over."""
    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(file=sys.stderr),
        transient=True,
        redirect_stdout=False,  # what goes to a file must not end up on the terminal
        redirect_stderr=False,
    )


def new_table(
    *columns: str, numbers: tuple[str, ...] = (), folds: tuple[str, ...] = (), title: str | None = None
) -> Table:
    """A table: *numbers* are the columns set flush right, *folds* those that give way where it is narrow."""
    table = Table(
        title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True
    )
    for column in columns:
        justify: Literal["right", "left"] = "right" if column in numbers else "left"
        table.add_column(column, justify=justify, overflow="fold", no_wrap=column not in folds)
    return table


def print_table(out: Console, table: Table) -> None:
    """Print *table*; where it cannot be made narrow enough its lines run over, for a price that is cut is
    another price.
    """
    needed, unbounded = 2, out.options.update(width=PLAIN_WIDTH)
    for column in table.columns:
        cells = (column.header, *column.cells)
        widest = max(Measurement.get(out, unbounded, cell).maximum for cell in cells)
        needed += 2 + (widest if column.no_wrap else min(widest, FOLDS_TO))
    if out.width < needed:
        table.width = needed
    out.print(table, crop=False)


def state_text(state: str) -> Text:
    """A state's name in its colour."""
    return Text(state, style=STATE_STYLES.get(state, ""))


def print_tally(
    tally: Tally,
    market: Market,
    held: Sequence[Standing],
    *,
    rows: int,
    kept: Path | None,
    page: Path | None,
) -> None:
    """The orders of a run, the sum of their fills, and what is held at its end."""
    out = console()
    numbers = ("filled", "size", "limit", "average", "fees", "fills")
    table = new_table(
        *COLUMNS, numbers=numbers, folds=("order", "type"),
        title=f"{market.fqme}: {_counted(rows, 'row')}, {_counted(len(tally.lines), 'order')}{tally.spread}",
    )  # fmt: skip
    for line in tally.lines.values():
        cells = dict(zip(COLUMNS, as_row(line, market.price_tick), strict=True))
        table.add_row(*(state_text(cell) if name == "state" else cell for name, cell in cells.items()))
    print_table(out, table)
    for refused in tally.refused:
        out.print(f"refused {refused.oid}: {refused}", style="red", soft_wrap=True)
    for line in tally.lines.values():
        why = rejection_of(line)
        if why is not None:
            out.print(f"rejected {line.order.oid}: {why}", style="red", soft_wrap=True)
    for side, total in (("bought", tally.total("buy")), ("sold", tally.total("sell"))):
        if total.fills:
            out.print(_summary(side, total, market), soft_wrap=True)
    for position in held:
        out.print(_holding(position, market), soft_wrap=True)
    counts = ", ".join(f"{count} {state}" for state, count in tally.states.items())
    out.print(f"{'; '.join(filter(None, (counts, tally.refusals)))}.", soft_wrap=True)
    if kept is not None:
        out.print(f"Records: {kept}; fsm-ems why ORDER {kept} tells each step.", soft_wrap=True)
    if page is not None:
        out.print(f"Page: {page}", soft_wrap=True)


def _counted(number: int, what: str) -> str:
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"


def _summary(side: str, total: Sum, market: Market) -> str:
    average = price_text(total.average_price, market.price_tick)
    fills = _counted(total.fills, "fill")
    return (
        f"{side} {plain(total.size)} {market.base} in {fills} at {average} {market.quote} on average, "
        f"fees {short(total.fees)} {market.quote}"
    )


def _holding(position: Standing, market: Market) -> str:
    price = price_text(position.ppu, market.price_tick)
    size = f"{plain(position.size)} {market.base}" + (
        f" at {price} {market.quote} each" if position.size else ""
    )
    realized = short(rounded(position.realized, market))
    return f"{position.account} holds {size}, realized {realized} {market.quote}"


def print_life(out: Console, told: Sequence[Step], oid: str) -> None:
    """An order's steps, times counted from the first."""
    first, last = told[0], told[-1]
    traded = f"{plain(last.filled)} of {plain(last.size)} filled"
    title = Text.assemble(
        f"{oid} of {first.owner} at {first.broker}: ",
        state_text(last.state),
        f", {traded}, {last.ord_status}",
    )
    out.print(title, f"\nsubmitted {time_text(first.time_ns)}", soft_wrap=True)
    table = new_table("after", "from", "what", "event", "state", "why", numbers=("after",), folds=FOLDED)
    for step in told:
        what = (step.cause, *(f"sent: {send}" for send in step.sends))
        table.add_row(
            f"{plain(Decimal(step.time_ns - first.time_ns).scaleb(-9))} s",
            step.actor,
            Text("\n".join(what)),
            step.event,
            state_text(step.state),
            Text(step.reason) if step.alarm is None else Text(f"{step.reason}\nALARM: {step.alarm}", "red"),
        )
    print_table(out, table)
