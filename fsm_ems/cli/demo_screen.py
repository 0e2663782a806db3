"""What the demo shows: a live table on a terminal, a line for each status elsewhere."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Protocol

from rich import box
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from fsm_ems.brokers.paper.backend import XBTUSD
from fsm_ems.cli.demo_stories import Story
from fsm_ems.cli.tables import new_table, print_table, state_text
from fsm_ems.machines.link import LinkState
from fsm_ems.messages import Status
from fsm_ems.numbers import plain
from fsm_ems.quotes import Quote
from fsm_ems.tally import price_text, short

LINES_SHOWN = 6
_VENUES_WORD = ("rejected", "cancelled")
WIDE = 100
"""From this many columns on there is room for prices."""
LINK_STYLES = {LinkState.UP: "green", LinkState.DOWN: "red", LinkState.CONNECTING: "bold white on red"}


class Screen(Protocol):
    """Where the demo is shown."""

    def told(self, status: Status, seconds: float) -> None:
        """An owner was told *status*."""
        ...

    def refresh(self, quote: Quote, link: LinkState, seconds: float) -> None:
        """How the market and the link stand."""
        ...


class Lines:
    """One line for each status, and for each move of the link."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._log = _Log()

    def told(self, status: Status, seconds: float) -> None:
        """See :class:`Screen`."""
        self._console.print(self._log.told(status, seconds), soft_wrap=True)

    def refresh(self, quote: Quote, link: LinkState, seconds: float) -> None:
        """See :class:`Screen`."""
        line = self._log.moved(link, seconds)
        if line is not None:
            self._console.print(line, soft_wrap=True)


class Board:
    """A table of all orders and what was told last, drawn anew ten times a second."""

    def __init__(self, live: Live) -> None:
        self._live = live
        self._log = _Log()
        self._last: dict[str, Status] = {}
        self._lines: deque[str] = deque(maxlen=LINES_SHOWN)

    def told(self, status: Status, seconds: float) -> None:
        """See :class:`Screen`."""
        self._last[status.oid] = status
        self._lines.append(self._log.told(status, seconds))

    def refresh(self, quote: Quote, link: LinkState, seconds: float) -> None:
        """See :class:`Screen`."""
        line = self._log.moved(link, seconds)
        if line is not None:
            self._lines.append(line)
        top = Text.assemble(
            (f" {XBTUSD.fqme}  ", "bold"),
            f"{plain(quote.bid)} / {plain(quote.ask)}   link ",
            (f" {link} ", LINK_STYLES.get(link, "yellow")),
            f"  {seconds:4.1f} s",
        )
        told = Text(
            "\n".join(f" {line}" for line in self._lines), style="dim", no_wrap=True, overflow="ellipsis"
        )
        self._live.update(Group(top, self._table(), told), refresh=True)

    def _table(self) -> Table:
        wide = self._live.console.width >= WIDE
        table = Table(box=box.SIMPLE_HEAD, expand=True)
        for name, width in (("order", 14), ("owner", 5), ("state", 14), ("traded", 14)):
            table.add_column(name, width=width, no_wrap=True)
        table.add_column("average", width=9 if wide else 0, no_wrap=True, justify="right")
        table.add_column("why", ratio=1, no_wrap=True, overflow="ellipsis")
        for status in self._last.values():
            table.add_row(
                status.oid,
                status.owner,
                state_text(status.state),
                traded(status),
                price_text(status.average_price, XBTUSD.price_tick),
                (_said(status) if status.state in _VENUES_WORD else "") or status.reason,
            )
        return table


class _Log:
    """Statuses and moves of the link as lines; it knows where each order came from."""

    def __init__(self) -> None:
        self._states: dict[str, str] = {}
        self._link: LinkState | None = None

    def told(self, status: Status, seconds: float) -> str:
        before = self._states.get(status.oid, "new")
        self._states[status.oid] = status.state
        move = status.state if before == status.state else f"{before} -> {status.state}"
        return f"{seconds:5.2f} s  {status.owner:5}  {status.oid:14}  {move:28}  {what_happened(status)}"

    def moved(self, link: LinkState, seconds: float) -> str | None:
        """None where it has not."""
        if link is self._link:
            return None
        self._link = link
        return f"{seconds:5.2f} s  link   {XBTUSD.broker:14}  {link}"


def traded(status: Status) -> str:
    """``0.033 of 0.1``."""
    return f"{short(status.filled)} of {short(status.size or status.filled)}"


def _said(status: Status) -> str:
    """The venue's own words, where it had any."""
    return "" if status.report is None else str(status.report.get("text", ""))


def what_happened(status: Status) -> str:
    """The event, why it leads where it leads, and what the venue said."""
    event = status.event if status.then is None else f"{status.event}, {status.then}"
    said = _said(status)  # which the reason of a refusal has in it already
    said = f" ({said})" if said and said not in status.reason else ""
    if status.event.startswith("fill"):
        said = f" ({traded(status)})"
    return f"{event}: {status.reason}{said}"


def print_summary(
    console: Console, stories: Iterable[Story], ends: dict[str, Status], seconds: float
) -> None:
    """Each story, how it was to end, and whether it did."""
    table = new_table("", "order", "story", "ended", "traded", folds=("story",))
    wrong = 0
    for story in stories:
        last = ends.get(story.oid)
        well = last is not None and story.as_told(last)
        wrong += not well
        table.add_row(
            Text("as told", "green") if well else Text("WRONG", "bold white on red"),
            story.oid,
            story.shows,
            state_text("no end" if last is None else last.state),
            "-" if last is None else traded(last),
        )
    print_table(console, table)
    verdict = "all orders ended as told" if not wrong else f"{wrong} orders did not end as told"
    console.print(f"{verdict}, in {seconds:.1f} s")
