"""``fsm-ems demo``: seven orders end as told, on a terminal and elsewhere, whatever the seed."""

import io
import os
import re
import subprocess
from collections.abc import Callable, Sequence
from decimal import Decimal

import pytest
import trio
import trio.testing
from rich.console import Console

from fsm_ems.cli.demo import SEED, play
from fsm_ems.cli.demo_screen import print_summary
from fsm_ems.cli.demo_stories import PATIENCE_S, STORIES, Stage, Story
from fsm_ems.client import Client, OrderHandle
from fsm_ems.messages import Order, Status
from tests.cli.conftest import Run, program

DOUBT = """\
link   paper           up
alice  lost-and-found  new -> pending                submit: accepted and durable; the broker is next
alice  lost-and-found  pending -> unknown            link_lost: from here on anything may happen unseen
link   paper           connecting
link   paper           syncing
alice  lost-and-found  unknown                       ask: the venue is asked what it knows
alice  lost-and-found  unknown -> open               found_open: evidence: it rests or trades at the venue
link   paper           up
alice  lost-and-found  open -> cancelling            cancel: the cancel request goes out
alice  lost-and-found  cancelling -> cancelled       \
cancelled: cancelled, on request or not; what traded stays (as asked)"""


def played(
    seed: int, console: Console, stories: Sequence[Story] = STORIES
) -> tuple[float, dict[str, Status]]:
    """The demo on a clock that jumps."""
    return trio.run(play, console, seed, stories, clock=trio.testing.MockClock(autojump_threshold=0))


def plain() -> Console:
    return Console(file=io.StringIO(), width=200, highlight=False)


def text_of(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@pytest.mark.parametrize("seed", range(25))
def test_every_order_ends_as_told_whatever_the_seed(seed: int) -> None:
    seconds, ends = played(seed, plain())

    assert [(story.oid, story.as_told(ends[story.oid])) for story in STORIES] == [
        (story.oid, True) for story in STORIES
    ]
    assert seconds < 12


def test_each_order_has_its_line_for_each_status() -> None:
    """The whole life of the order that was in doubt, as it is printed; times are trio's."""
    console = plain()

    played(SEED, console)

    lines = text_of(console).splitlines()
    life = [line[9:].rstrip() for line in lines if "lost-and-found" in line or line[9:13] == "link"]
    assert "\n".join(life) == DOUBT


def test_the_same_seed_tells_the_same() -> None:
    first, second = plain(), plain()

    played(SEED, first)
    played(SEED, second)

    assert text_of(first).count("\n") > 30
    assert re.sub(r"\d{19}", "now", text_of(first)) == re.sub(r"\d{19}", "now", text_of(second))


@pytest.mark.parametrize(("width", "average"), [(120, True), (80, False)])
def test_on_a_terminal_there_is_a_live_table(width: int, average: bool) -> None:  # noqa: FBT001 -- a column of the table above, read by name
    console = Console(file=io.StringIO(), width=width, height=40, force_terminal=True, highlight=False)

    played(SEED, console)

    text = text_of(console)
    assert "\x1b[1;32mfilled" in text
    assert "\x1b[1;37;41munknown" in text
    last = re.sub(r"\x1b\[[\d;?]*[a-zA-Z]", "", text).split("xbtusd.paper")[-1]
    assert ("average" in last) is average
    assert [line.split()[:3] for line in last.splitlines()[4:11]] == [
        ["main-line", "alice", "filled"],
        ["post-only", "bob", "rejected"],
        ["stashed-cancel", "alice", "cancelled"],
        ["partial-ioc", "bob", "cancelled"],
        ["good-till", "alice", "expired"],
        ["edited", "bob", "filled"],
        ["lost-and-found", "alice", "cancelled"],
    ]
    assert max(len(line) for line in last.splitlines()) <= width


def test_a_terminal_that_cannot_be_drawn_on_gets_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    """A live table would show nothing there until all is over."""
    monkeypatch.setenv("TERM", "dumb")
    console = Console(file=io.StringIO(), width=80, force_terminal=True, highlight=False)

    played(SEED, console)

    assert DOUBT.splitlines()[-1] in text_of(console)


async def _never_ends(stage: Stage, trader: Client, oid: str) -> OrderHandle:
    price = stage.price("bid", -500)
    return await trader.submit(
        Order(oid=oid, market="xbtusd.paper", side="buy", size=Decimal(1), price=price)
    )


WRONG = Story("wrong", "bob", "must be filled, and rests", 0, "filled", "all", _never_ends)


def test_an_order_that_does_not_end_is_given_up() -> None:
    console = plain()

    seconds, ends = played(SEED, console, [WRONG])
    print_summary(console, [WRONG], ends, seconds)

    assert (seconds, ends) == (PATIENCE_S, {})
    assert "WRONG" in text_of(console)
    assert text_of(console).endswith(f"1 orders did not end as told, in {PATIENCE_S} s\n")


def test_the_exit_code_says_whether_all_ended_as_told(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def at_once(function: Callable[..., object], *arguments: object) -> object:
        return 1.0, dict[str, Status]()

    monkeypatch.setattr(trio, "run", at_once)

    told = run("demo")

    assert (told.exit_code, told.stderr) == (1, "Error: an order did not end as told\n")


@pytest.mark.slow
def test_the_whole_demo_runs_on_real_time_without_a_terminal() -> None:
    with program("demo", stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        out, err = process.communicate(timeout=60)

    assert (process.returncode, err) == (0, b"")
    told = out.decode()
    assert told.count("as told") == len(STORIES) + 1
    assert re.search(r"^all orders ended as told, in 1\d\.\d s$", told, re.MULTILINE)
    assert os.linesep * 3 not in told
