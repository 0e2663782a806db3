"""``fsm-ems demo``: two traders, seven orders, one paper venue, ten seconds."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager

import click
import structlog
import trio
from rich.console import Console
from rich.live import Live

from fsm_ems.brokers.paper.backend import XBTUSD, PaperBroker
from fsm_ems.brokers.paper.backend_rows import RowStream
from fsm_ems.cli.demo_screen import Board, Lines, Screen, print_summary
from fsm_ems.cli.demo_stories import LATENCY_NS, PATIENCE_S, SETTINGS, STORIES, ShakyBroker, Stage, Story
from fsm_ems.cli.faults import Failure
from fsm_ems.cli.tables import console
from fsm_ems.clock import TrioClock
from fsm_ems.messages import Status
from fsm_ems.opening import open_ems
from fsm_ems.quotes import Quote

SEED = 28
_REFRESH_S = 0.1


@click.command()
@click.option("--seed", type=click.IntRange(min=0), default=SEED, show_default=True, help="Of the market.")
def demo(seed: int) -> None:
    """Watch seven orders of two traders live and end on a paper venue.

    Alice and Bob trade a made-up market with a quarter of a second of latency. The orders show the main
    line, a cancel that overtakes the ack, an edit, partial fills, an expiry, a rejection, and an order
    whose outcome is unknown until the venue has been asked. It takes some ten seconds and no network.
    The exit code is 1 if an order does not end as it should.
    """
    out = console()
    seconds, ends = trio.run(play, out, seed, STORIES)
    print_summary(out, STORIES, ends, seconds)
    if not all(story.oid in ends and story.as_told(ends[story.oid]) for story in STORIES):
        raise Failure("an order did not end as told")


async def play(out: Console, seed: int, stories: Sequence[Story]) -> tuple[float, dict[str, Status]]:
    """Play *stories* on the market of *seed*; the seconds it took, and the end of each that ended."""
    began, ends = trio.current_time(), dict[str, Status]()
    clock = TrioClock()
    paper = PaperBroker.synthetic(seed, latency_ns=LATENCY_NS, clock=clock, prefix="")
    broker = ShakyBroker(paper)
    with _quiet_log(), _screen(out) as screen, paper.rows() as rows:
        async with open_ems(broker, settings=SETTINGS, clock=clock, identity="alice") as ems:
            with trio.move_on_after(PATIENCE_S):
                await ems.ready()
                traders = {"alice": ems, "bob": ems.client("bob")}
                stage = Stage(ems, broker, traders, await _first_quote(rows))
                async with trio.open_nursery() as helpers:
                    helpers.start_soon(_follow_market, stage, rows)
                    helpers.start_soon(_follow_orders, stage, screen, began)
                    helpers.start_soon(_keep_fresh, stage, screen, began)
                    async with trio.open_nursery() as nursery:
                        for story in stories:
                            nursery.start_soon(_tell, story, stage, ends)
                    await trio.sleep(2 * _REFRESH_S)
                    helpers.cancel_scope.cancel()
    return trio.current_time() - began, ends


async def _tell(story: Story, stage: Stage, ends: dict[str, Status]) -> None:
    await trio.sleep(story.after_s)
    handle = await story.play(stage, stage.traders[story.owner], story.oid)
    ends[story.oid] = await handle.wait()


async def _first_quote(rows: RowStream) -> Quote:
    _, row = await anext(rows)
    assert isinstance(row, Quote), "a made-up market begins with one"
    return row


async def _follow_market(stage: Stage, rows: RowStream) -> None:
    async for _, row in rows:
        if isinstance(row, Quote):
            stage.quote = row


async def _follow_orders(stage: Stage, screen: Screen, began: float) -> None:
    """As an observer, which sees everybody's orders and may do nothing."""
    onlooker = stage.ems.client("onlooker", role="observer", sees=("*",))
    with onlooker.events() as statuses:
        while (status := await statuses.get()) is not None:
            screen.told(status, trio.current_time() - began)


async def _keep_fresh(stage: Stage, screen: Screen, began: float) -> None:
    while True:
        link = stage.ems.dispatcher.book.links[XBTUSD.broker]
        screen.refresh(stage.quote, link, trio.current_time() - began)
        await trio.sleep(_REFRESH_S)


@contextmanager
def _screen(out: Console) -> Generator[Screen]:
    if not out.is_terminal or out.is_dumb_terminal:  # which would show nothing until the end
        yield Lines(out)
        return
    with Live(console=out, auto_refresh=False) as live:
        yield Board(live)


@contextmanager
def _quiet_log() -> Generator[None]:
    """What the log would say is on the screen already, and would tear it."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger("critical"))
    try:
        yield
    finally:
        structlog.reset_defaults()
