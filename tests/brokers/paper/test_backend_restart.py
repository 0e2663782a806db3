"""The paper venue across restarts: cut anywhere, out of service for a while, killed, with a dying disk."""

import json
import random
import subprocess
import sys
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from fsm_ems.brokers.paper.backend import XBTUSD, PaperBroker
from fsm_ems.brokers.paper.backend_file import LOG, VenueFile
from fsm_ems.brokers.paper.engine import PaperEngine
from fsm_ems.brokers.paper.engine_facts import Accepted, Ended, Executed, Fact, Rested, Terms
from fsm_ems.clock import TrioClock
from fsm_ems.errors import InvalidMessage, LogDamaged, LogHalted, LogInUse
from fsm_ems.journal.lines import FileEnd
from fsm_ems.market import FillModel
from fsm_ems.messages import BrokerdHistory, BrokerdHistoryQuery
from fsm_ems.quotes import Row
from tests.brokers.paper import venue_child
from tests.brokers.paper.stories import MARKET as STORIES
from tests.brokers.paper.stories import MODELS, Choose, play, steps_of
from tests.brokers.paper.tables import MARKET, request_of
from tests.brokers.paper.test_backend import OTHER, S, asked, tape, told
from tests.brokers.paper.test_engine_restore import standing

T = TypeVar("T")
ROOT = Path(__file__).parents[3]


def broker(
    folder: Path,
    feed: Sequence[Row] = (),
    *,
    clock: TrioClock | None = None,
    model: FillModel = "touch",
    latency_s: int = 0,
) -> PaperBroker:
    """A venue kept in *folder*, with the rows' own times."""
    return PaperBroker(
        {MARKET.fqme: MARKET},
        feed,
        fill_model=model,
        latency_ns=latency_s * S,
        speed=None,
        clock=clock,
        prefix="",
        path=folder,
        sync=False,
    )


# Cut anywhere.


def cut_at_a_byte(choose: Choose, model: FillModel, folder: Path) -> None:
    """A story that is written down, and torn off at some byte: the venue is as after the last whole step."""
    engine = PaperEngine(
        {STORIES.fqme: STORIES}, fill_model=model, latency_ns=choose([0, 1, 7]), keep_facts=True
    )
    file, path = VenueFile(folder, "paper", "", sync=False), folder / LOG
    stood = [(path.stat().st_size, standing(engine))]
    for step in steps_of(choose):
        play(engine, step)
        file.keep(engine.taken_facts())
        stood.append((path.stat().st_size, standing(engine)))
    file.close()
    size = choose(range(stood[0][0], stood[-1][0] + 1))
    path.write_bytes(path.read_bytes()[:size])

    with PaperBroker({STORIES.fqme: STORIES}, [], fill_model=model, path=folder) as again:
        assert standing(again.engine) == [then for end, then in stood if end <= size][-1]


@pytest.mark.slow
@settings(max_examples=60)
@given(draws=st.data(), model=st.sampled_from(MODELS))
def test_torn_off_anywhere_the_venue_is_as_after_the_last_whole_step(
    draws: st.DataObject, model: FillModel
) -> None:
    def choose(options: Sequence[T]) -> T:
        return draws.draw(st.sampled_from(options))

    with TemporaryDirectory() as folder:
        cut_at_a_byte(choose, model, Path(folder))


def test_so_it_is_in_many_stories_more(tmp_path: Path) -> None:
    for seed in range(100):
        cut_at_a_byte(random.Random(seed).choice, MODELS[seed % 3], tmp_path / str(seed))


# Out of service for a while.


async def test_orders_rest_on_in_their_priority_and_what_was_missed_happens_first(tmp_path: Path) -> None:
    """The tape is played on, and no row of it twice; a fill of the outage comes before a later expiry."""
    clock = TrioClock(0)
    rows = tape("1 quote 99x5 101x5", "2 trade 100x1", "6 trade 100x1", "30 trade 100x4")
    with broker(tmp_path, rows, clock=clock) as paper:
        async with paper.open_trades_dialogue() as dialogue:
            await dialogue.send(asked("0 order a buy 3 @100"))
            await dialogue.send(asked("0 order b buy 3 @100"))
            await dialogue.send(asked(f"0 order g buy 1 @98 gtd={7 * S}"))
            await dialogue.send(asked("0 order r buy 1 @98.3"))
            await dialogue.send(asked("0 edit e a 2.5"))
            assert (await told(dialogue, 9))[-2:] == ["0 e replaced 2.5@100", "2 e made 1@100"]
    await trio.sleep(10)

    with broker(tmp_path, rows, clock=clock) as paper:
        async with paper.open_trades_dialogue() as dialogue:
            for words in (
                "12 query q a",
                "12 query q g",
                "12 query q r",
                "12 order a buy 3 @100",
                "12 order r buy 1 @98",
                "12 edit e a 2.5",
                "12 edit x b 9 @98.1",
                "12 order n buy 1 @100",
            ):
                await dialogue.send(asked(words))

            assert await told(dialogue, 12) == [
                "12 q about a: open 2 of 2.5@100",
                "12 q about g: expired 0 of 1@98",
                "12 q about r: rejected 0 of 1@98.3",
                "12 a submit refused: duplicate",
                "12 r submit refused: duplicate",
                "12 e replaced 2.5@100",
                "12 x edit refused: other",
                "12 n ack P4",
                "12 n open 0",
                "30 e made 0.5@100",
                "30 b made 3@100",
                "30 n made 0.5@100",
            ]
            await dialogue.send(
                BrokerdHistoryQuery(reqid="h", since_ns=0, time_ns=30 * S, deadline_ns=99 * S)
            )
            history = await dialogue.receive()

    assert isinstance(history, BrokerdHistory)
    assert [(order.reqid, order.cum and str(order.cum)) for order in history.orders] == [("n", "0.5")]
    assert [(fill.exec_id, fill.time_ns // S, str(fill.size)) for fill in history.fills] == [
        ("X1", 2, "1"),
        ("X2", 6, "1"),
        ("X3", 30, "0.5"),
        ("X4", 30, "3"),
        ("X5", 30, "0.5"),
    ]


async def test_with_a_speed_the_feed_is_played_anew_from_now(tmp_path: Path) -> None:
    clock = TrioClock(0)
    for number in (1, 2):
        with PaperBroker(
            {MARKET.fqme: MARKET}, tape("0 quote 99x5 101x5", "5 trade 100x1"), clock=clock, path=tmp_path
        ) as paper:
            async with paper.open_trades_dialogue() as dialogue:
                if number == 1:
                    await dialogue.send(asked("0 order a buy 3 @100"))
                    assert len(await told(dialogue, 2)) == 2

                assert await told(dialogue, 1) == [f"{5 * number} a made 1@100"]


async def test_a_synthetic_venue_keeps_its_orders_too(tmp_path: Path) -> None:
    for number in (1, 2):
        with PaperBroker.synthetic(5, path=tmp_path, sync=False) as paper:
            async with paper.open_trades_dialogue() as dialogue:
                now = paper.clock()
                await dialogue.send(
                    request_of(f"{now} order o{number} buy 1 @40000 by={now + S} in={XBTUSD.fqme}")
                )
                await told(dialogue, 2)
            ids = [order.name for order in paper.engine.orders.living()]
            assert ids == [f"{paper.engine.prefix}P{made + 1}" for made in range(number)]


async def test_what_was_on_its_way_is_lost(tmp_path: Path) -> None:
    clock = TrioClock(0)
    for words, answer in (("0 order a buy 3 @100", None), ("0 query q a", "1 q about a: absent None")):
        with broker(tmp_path, clock=clock, latency_s=1) as paper:
            async with paper.open_trades_dialogue() as dialogue:
                await dialogue.send(asked(words))
                assert answer is None or await told(dialogue, 1) == [answer]


# Who may, and what it says.


async def test_a_venue_in_use_is_refused_and_one_that_was_closed_takes_nobody(tmp_path: Path) -> None:
    with broker(tmp_path) as paper:
        assert paper.description.endswith(f"latency 0 ns; kept in {tmp_path}")
        with pytest.raises(LogInUse, match="in use by process"):
            broker(tmp_path)
    with pytest.raises(LogHalted, match="is closed"):
        async with paper.open_trades_dialogue():
            pass
    broker(tmp_path).close()


def test_a_venue_whose_orders_are_in_a_market_that_is_not_named_is_refused(tmp_path: Path) -> None:
    with broker(tmp_path) as paper:
        paper.engine.send(asked("0 order a buy 3 @100"))
        paper._kept(paper.engine.advance(0))

    with pytest.raises(InvalidMessage, match="name it too"):
        PaperBroker({OTHER.fqme: OTHER}, [], path=tmp_path)

    broker(tmp_path).close()  # nobody holds it


def test_a_torn_end_is_cut_and_said_and_damage_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broker(tmp_path).close()
    sound = (tmp_path / LOG).read_bytes()
    (tmp_path / LOG).write_bytes(sound + b"0123")

    broker(tmp_path).close()

    assert "line 2 was torn; its 4 bytes were cut off" in capsys.readouterr().err
    (tmp_path / LOG).write_bytes(sound + sound)
    with pytest.raises(LogDamaged):
        broker(tmp_path)


# The disk.


ONE = Decimal(1)
TERMS = Terms("a", "main", MARKET.fqme, "buy", ONE, ONE, "limit", "gtc", None, post_only=False)
BORN = Accepted(1, "P1", TERMS)


@pytest.mark.parametrize(
    "facts",
    [
        [BORN, Rested(2, "P9", 1)],
        [BORN, Executed(2, "P1", "X1", Decimal("NaN"), ONE, ONE, "usd", "maker")],
        [Accepted(1, "P1", replace(TERMS, price=None)), Rested(2, "P1", 1)],
        [
            Accepted(1, "P1", replace(TERMS, price=Decimal("NaN"))),
            Rested(2, "P1", 1),
            Ended(3, "P1", "expired", ""),
        ],
        [Accepted(1, "P1", replace(TERMS, price=Decimal("sNaN"))), Rested(2, "P1", 1)],
    ],
    ids=["no such order", "no size", "no price", "not a price", "no price at all"],
)
def test_a_fact_that_cannot_be_is_damage_and_its_line_is_told(tmp_path: Path, facts: list[Fact]) -> None:
    """A whole line with its checksum, as another program or a person may have written it."""
    file = VenueFile(tmp_path, "paper", "")
    file.keep(facts[:1])
    file.keep(facts[1:])
    file.close()
    before = (tmp_path / LOG).read_bytes()

    with pytest.raises(LogDamaged, match="it cannot follow what is before it") as caught:
        broker(tmp_path)

    assert caught.value.line == 3
    assert (tmp_path / LOG).read_bytes() == before
    VenueFile(tmp_path, "paper", "").close()


async def test_what_is_told_is_in_the_file(tmp_path: Path) -> None:
    clock = TrioClock(0)
    with broker(tmp_path, tape("1 quote 99x5 101x5", "2 trade 100x2"), clock=clock) as paper:
        async with paper.open_trades_dialogue() as dialogue:
            await dialogue.send(asked("0 order a buy 3 @100"))
            for word in ('"Accepted"', '"Rested"', '"exec_id":"X1"'):
                await dialogue.receive()
                assert word in (tmp_path / LOG).read_text()


class DeadDisk(FileEnd):
    def write(self, line: bytes) -> int:
        raise OSError("dead")


async def test_where_it_cannot_be_written_nothing_is_told_and_the_venue_stops(tmp_path: Path) -> None:
    clock = TrioClock(0)
    with broker(tmp_path, tape("1 quote 99x5 101x5", "2 trade 100x2"), clock=clock) as paper:
        async with paper.open_trades_dialogue() as dialogue:
            await dialogue.send(asked("0 order a buy 3 @100"))
            await told(dialogue, 2)
            assert paper._file is not None
            paper._file._log._end.close()
            paper._file._log._end = DeadDisk(tmp_path / LOG)

            with pytest.raises(LogHalted, match="turn 3 could not be written: dead"):
                await dialogue.receive()
            with pytest.raises(LogHalted):
                await dialogue.send(asked("2 query q a"))
        with pytest.raises(LogHalted):
            async with paper.open_trades_dialogue():
                pass


async def test_a_live_feed_stops_as_well_where_it_cannot_be_written(tmp_path: Path) -> None:
    send, receive = trio.open_memory_channel[Row](0)
    with PaperBroker({MARKET.fqme: MARKET}, receive, clock=TrioClock(0), path=tmp_path) as paper:
        async with paper.open_trades_dialogue() as dialogue:
            await dialogue.send(asked("0 order a buy 3 @100"))
            await told(dialogue, 2)
            assert paper._file is not None
            paper._file._log._end.close()
            paper._file._log._end = DeadDisk(tmp_path / LOG)
            await send.send(tape("1 trade 100x2")[0])

            with pytest.raises(LogHalted):
                await dialogue.receive()
    await send.aclose()


# Killed.


def reports_until_killed(folder: Path, run: str, count: int) -> list[dict[str, Any]]:
    """What a venue's program was told before it was killed, with *count* reports or some more."""
    program = [sys.executable, venue_child.__file__, str(folder), run]
    root = Path(__file__).parents[3]
    with subprocess.Popen(
        program, stdout=subprocess.PIPE, text=True, cwd=root, env={"PYTHONPATH": "."}
    ) as child:
        assert child.stdout is not None
        lines = [child.stdout.readline() for _ in range(count)]
        child.kill()
        lines += child.stdout.readlines()
    return [json.loads(line) for line in lines if line.endswith("\n")]


def agrees(engine: PaperEngine, told: dict[str, Any]) -> bool:
    """Whether the venue still stands by what it told."""
    order = engine.orders.named(told["reqid"])
    if told["name"] == "brokerd_refused":
        return order is None or told["request"] == "edit" or order.standing != "open"
    if order is None:
        return False
    if told["name"] == "brokerd_fill":
        same = [fill for fill in engine.venue.executions if fill.exec_id == told["exec_id"]]
        return [json.loads(fill.to_json(exclude_none=True)) for fill in same] == [told]
    if told["name"] == "brokerd_status" and told["status"] != "open":
        return order.standing == str(told["status"])
    return order.venue_id == told.get("venue_id")


def test_a_venue_that_is_killed_stands_by_all_it_told(tmp_path: Path) -> None:
    """Again and again in one folder: nothing that was told is forgotten, and no id comes twice."""
    everything: list[dict[str, Any]] = []
    for number in range(4):
        everything += reports_until_killed(tmp_path, "abcd"[: number + 1], 40 + 37 * number)

        with PaperBroker({XBTUSD.fqme: XBTUSD}, [], path=tmp_path) as paper:
            assert [told for told in everything if not agrees(paper.engine, told)] == []
            executions = [fill.exec_id for fill in paper.engine.venue.executions]
            assert len(set(executions)) == len(executions) > 0

    fills = [told["exec_id"] for told in everything if told["name"] == "brokerd_fill"]
    acks = [told["venue_id"] for told in everything if told["name"] == "brokerd_ack"]
    assert len({*fills, *acks}) == len(fills) + len(acks)
    assert len({told["name"] for told in everything}) >= 5, "orders, fills, edits, cancels and refusals"
