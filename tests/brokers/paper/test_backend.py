"""The paper venue under trio: pacing, requests, reports, lookers-on, connections that come and go."""

import re
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager
from decimal import Decimal
from pathlib import Path
from typing import Any, Self, cast

import pytest
import trio
from msgspec.structs import replace
from structlog.testing import capture_logs
from trio.testing import wait_all_tasks_blocked

from fsm_ems import open_ems
from fsm_ems.brokers.base import Broker, TradesDialogue
from fsm_ems.brokers.paper import backend as module
from fsm_ems.brokers.paper import backend_dialogue
from fsm_ems.brokers.paper.backend import XBTUSD, PaperBroker
from fsm_ems.brokers.paper.backend_checks import Feed
from fsm_ems.brokers.paper.backend_dialogue import PaperDialogue
from fsm_ems.brokers.paper.synthetic import Weather
from fsm_ems.clock import TrioClock
from fsm_ems.errors import BrokerFault, InvalidMessage, TapeFileError
from fsm_ems.machines.link import LinkState
from fsm_ems.market import Market
from fsm_ems.messages import BrokerdFill, Request
from fsm_ems.quotes import Quote, Row, Trade
from tests.brokers.paper.tables import MARKET, request_of, row_of, shown

S = 1_000_000_000
OTHER = Market("ethusd.paper", "eth", "usd", price_tick=Decimal(1), size_tick=Decimal(1))


def tape(*rows: str) -> list[Row]:
    """Rows of a table whose times are seconds."""
    return [replace(row, time_ns=row.time_ns * S) for row in map(row_of, rows)]


def of(fqme: str, base: str, quote: str) -> Market:
    return Market(fqme, base, quote, price_tick=Decimal(1), size_tick=Decimal(1))


ROWS = tape("0 quote 1x1 2x1", "1 quote 1x1 2x1")


def asked(words: str) -> Request:
    """A request of a table whose times are seconds."""
    time_s, _, rest = words.partition(" ")
    return request_of(f"{int(time_s) * S} {rest} by={10**6 * S}")


def broker(feed: Feed, *, latency_s: int = 0, buffer: int = 1_000) -> PaperBroker:
    """On a clock that begins at 0, with the rows' own times."""
    return PaperBroker(
        {MARKET.fqme: MARKET},
        feed,
        latency_ns=latency_s * S,
        speed=None,
        clock=TrioClock(0),
        buffer=buffer,
        prefix="",
    )


async def told(dialogue: PaperDialogue, count: int) -> list[str]:
    """The next reports, each after the second it was received in; the mock clock begins at 0."""
    with trio.fail_after(10_000):
        reports = [(shown(await dialogue.receive()), trio.current_time()) for _ in range(count)]
    return [f"{now:g} {report}" for report, now in reports]


# What it is.


def test_it_is_a_broker() -> None:
    paper: Broker = broker([])
    dialogue: AbstractAsyncContextManager[TradesDialogue] = paper.open_trades_dialogue()

    assert paper.name == "paper"
    assert paper.capabilities.deadline
    assert not paper.capabilities.reopen_filled
    assert dialogue is not None


def test_it_says_that_its_buying_power_is_unlimited() -> None:
    assert broker([], latency_s=2).description == (
        "paper: a simulated venue with unlimited buying power; fill model touch, latency 2000000000 ns; "
        "in memory, gone with the program"
    )


async def test_a_venue_in_memory_has_nothing_to_let_go_of() -> None:
    with broker([]) as paper:
        pass
    async with paper.open_trades_dialogue() as dialogue:
        await dialogue.send(asked("0 order a buy 3 @100"))
        assert await told(dialogue, 2) == ["0 a ack P1", "0 a open 0"]


NO_MARKETS: list[Any] = [None, {}, [], [MARKET], MARKET, MARKET.fqme]


def test_all_markets_are_of_one_broker() -> None:
    with pytest.raises(InvalidMessage, match=r"they name 2 brokers \(else, paper\), and this is one"):
        PaperBroker({MARKET.fqme: MARKET, "xy.else": Market("xy.else", "x", "y", Decimal(1), Decimal(1))}, {})
    with pytest.raises(InvalidMessage, match="feed: there are several markets: name that of each feed"):
        PaperBroker({MARKET.fqme: MARKET, OTHER.fqme: OTHER}, [])


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        *(
            (
                {"markets": given},
                r"^markets: each Market by its address is needed, {market\.fqme: market}, and .* has none$",
            )
            for given in NO_MARKETS
        ),
        ({"markets": {MARKET.fqme: "x"}}, f"'{MARKET.fqme}' is given 'x', and a Market is needed"),
        ({"markets": {5: MARKET}}, f"{MARKET.fqme} is listed as 5: {{market.fqme: market}} is needed"),
        ({"markets": {"x": MARKET}}, f"{MARKET.fqme} is listed as 'x': {{market.fqme: market}} is needed"),
        ({"markets": {"xy": of("xy", "x", "y")}}, "'xy' is no market's address, such as xbtusd.kraken"),
        ({"markets": {"xy.p": of("xy.p", "", "y")}}, "^'xy.p': base '' is no asset's name"),
        ({"markets": {"xy.p": of("xy.p", "x", "y z")}}, "^'xy.p': quote 'y z' is no asset's name"),
        ({"markets": {"xy.p": of("xy.p", "x", "x")}}, "^'xy.p': base and quote are both 'x'"),
        (
            {"feed": None},
            f"feed: rows of {MARKET.fqme} are needed, each a Quote or a Trade, and None gives none",
        ),
        (
            {"feed": "tape.csv"},
            f"feed: rows of {MARKET.fqme} are needed, .* and 'tape.csv' gives none; .*read_tape",
        ),
        ({"feed": [*ROWS, "x"]}, f"^feed: {MARKET.fqme}: a Quote or a Trade is needed, and 'x' is none$"),
        ({"feed": (5,) * 1_000}, f"^feed: {MARKET.fqme}: a Quote or a Trade is needed, and 5 is none$"),
        ({"feed": {MARKET.fqme: [replace(ROWS[0], bid=1.5)]}}, "bid: a Decimal is needed, and 1.5 is"),
        ({"feed": [replace(ROWS[0], time_ns=None)]}, f"^feed: time_ns of {MARKET.fqme}: None is no whole"),
        ({"feed": {MARKET.fqme: 5}}, f"feed: rows of {MARKET.fqme} are needed, .* and 5 gives none"),
        ({"clock": 5}, "clock: what tells whole ns since the epoch is needed, .* and 5 cannot be called$"),
        ({"clock": time.time}, "clock: what tells whole ns .* tells [0-9]+[.]"),
        (
            {"clock": lambda one: one},
            "clock: what tells whole ns .* raises TypeError.* 1 required positional",
        ),
        ({"sync": "no"}, "^sync: 'no' is neither True nor False$"),
        ({"sync": 5}, "^sync: 5 is neither True nor False$"),
        ({"speed": True}, "^speed: True is no Decimal or int above zero$"),
        ({"prefix": 5}, "^prefix: 5 is no text of at most 64 of ASCII's visible characters$"),
        ({"prefix": "run 1"}, "^prefix: 'run 1' is no text of at most 64"),
        ({"prefix": "x" * 99}, r"^prefix: 'x{77} … is no text"),
        ({"prefix": "\n"}, "^prefix: .* is no text of at most 64"),
        ({"prefix": "x" * 65}, "^prefix: 'x+' is no text of at most 64"),
        ({"prefix": "\ud800"}, "^prefix: .* is no text of at most 64"),
        ({"path": 5}, "path: a path is needed, as text or a Path, and 5 is none"),
    ],
)
def test_what_is_given_of_a_wrong_kind_is_told(
    options: dict[str, Any], problem: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the venue is made, and before anything is written."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InvalidMessage, match=problem):
        PaperBroker(**{"markets": {MARKET.fqme: MARKET}, "feed": [], "path": "live/venue", **options})

    assert list(tmp_path.iterdir()) == []


async def test_a_long_list_is_looked_at_for_its_kind_and_its_numbers_when_they_are_played() -> None:
    """A million rows, each of them weighed, would hold up whoever makes the venue."""
    long = ROWS[:1] * 5_000
    wrong: Any = replace(ROWS[0], bid=1.5)
    with pytest.raises(InvalidMessage, match="a Quote or a Trade is needed, and 5 is none"):
        PaperBroker({MARKET.fqme: MARKET}, [*long, cast("Any", 5)])

    paper = PaperBroker({MARKET.fqme: MARKET}, [*long, wrong])
    told = pytest.RaisesExc(
        InvalidMessage, match=f"^feed: {MARKET.fqme}: bid: a Decimal is needed, and 1.5 is"
    )
    with pytest.RaisesGroup(told, flatten_subgroups=True, allow_unwrapped=True):
        async with paper.open_trades_dialogue() as dialogue:
            await dialogue.receive()


def test_a_market_whose_feed_is_empty_or_not_named_shows_nothing() -> None:
    """Its orders rest: that is of use, and no mistake."""
    feeds: list[Any] = [[], (), {}, {MARKET.fqme: []}]
    for feed in feeds:
        assert list(PaperBroker({MARKET.fqme: MARKET}, feed).markets) == [MARKET.fqme]


def test_a_clock_that_counts_as_trio_does_may_be_given_before_trio_runs() -> None:
    """It has nothing to tell there; a :class:`TrioClock` is not read, for it begins when it first is."""

    def clock() -> int:
        return round(trio.current_time() * 10**9)

    begun = TrioClock()
    for one in (clock, begun, time.time_ns):
        assert PaperBroker({MARKET.fqme: MARKET}, [], clock=one).clock is one
    assert begun._start_ns is None


@pytest.mark.parametrize("others", [{}, {OTHER.fqme: OTHER}])
async def test_a_row_that_is_none_ends_the_feed_and_is_told(others: dict[str, Market]) -> None:
    rows = iter([*tape("0 quote 1x1 2x1"), "2 quote"])
    feeds: dict[str, Any] = {MARKET.fqme: rows, **dict.fromkeys(others, ())}
    paper = PaperBroker({MARKET.fqme: MARKET, **others}, feeds)

    with pytest.RaisesGroup(
        pytest.RaisesExc(
            InvalidMessage, match=f"^feed: {MARKET.fqme}: a Quote or a Trade is needed, and '2 quote' is none"
        ),
        flatten_subgroups=True,
        allow_unwrapped=True,
    ):
        async with paper.open_trades_dialogue() as dialogue:
            await dialogue.receive()


async def test_two_runs_never_share_an_id() -> None:
    prefixes = {PaperBroker({MARKET.fqme: MARKET}, []).engine.prefix for _ in range(3)}

    assert len(prefixes) == 3


# Time.


async def test_rows_are_played_when_they_are_due() -> None:
    paper = broker(tape("1 quote 99x5 101x5", "4 trade 100x2", "9 trade 100x2"))
    async with paper.open_trades_dialogue() as dialogue:
        await dialogue.send(asked("0 order a buy 3 @100"))

        assert await told(dialogue, 4) == ["0 a ack P1", "0 a open 0", "4 a made 2@100", "9 a made 1@100"]


async def test_a_request_meets_the_rows_that_were_due_before_it() -> None:
    paper = broker(tape("0 quote 99x5 101x5", "5 quote 99x5 100x5"))
    async with paper.open_trades_dialogue() as dialogue:
        await trio.sleep(5)
        await dialogue.send(asked("5 order a buy 1 market"))

        assert await told(dialogue, 2) == ["5 a ack P1", "5 a took 1@100"]


async def test_requests_arrive_after_the_latency_and_orders_expire_on_time() -> None:
    paper = broker([], latency_s=2)
    async with paper.open_trades_dialogue() as dialogue:
        await dialogue.send(asked(f"0 order a buy 1 @100 gtd={7 * S}"))

        assert await told(dialogue, 3) == ["2 a ack P1", "2 a open 0", "7 a expired 0"]


async def test_a_report_carries_the_time_it_was_due_however_the_clock_rounds() -> None:
    odd = [
        replace(row, time_ns=333_333_333 * number + number)
        for number, row in enumerate(tape(*["1 trade 9x1"] * 50))
    ]
    paper = broker(odd)
    with paper.rows() as rows:
        async with paper.open_trades_dialogue():
            seen = [row.time_ns async for _, row in rows]

    assert seen == [row.time_ns for row in odd]
    assert paper.engine.now_ns == odd[-1].time_ns


async def test_a_speed_moves_an_old_tape_onto_the_clock() -> None:
    paper = PaperBroker(
        {MARKET.fqme: MARKET}, tape("100 quote 99x5 101x5", "120 trade 100x2"), speed=10, clock=TrioClock(0)
    )
    async with paper.open_trades_dialogue() as dialogue:
        await dialogue.send(asked("0 order a buy 1 @100"))
        await told(dialogue, 2)

        assert isinstance(fill := await dialogue.receive(), BrokerdFill)

    assert fill.time_ns == 2 * S
    assert trio.current_time() == 2


async def test_a_synthetic_venue_needs_nothing_but_a_seed() -> None:
    paper = PaperBroker.synthetic(7)
    now = paper.clock()
    async with paper.open_trades_dialogue() as dialogue:
        order = request_of(f"{now} order a buy 0.2 market by={now + S} in={XBTUSD.fqme}")
        await dialogue.send(order)

        assert [(await dialogue.receive()).name for _ in range(2)] == ["brokerd_ack", "brokerd_fill"]


# Live feeds.


async def test_a_live_feeds_rows_count_as_of_when_they_come() -> None:
    send, receive = trio.open_memory_channel[Row](0)
    paper = broker(receive)
    async with paper.open_trades_dialogue() as dialogue:
        await dialogue.send(asked("0 order a buy 3 @100"))
        await told(dialogue, 2)
        await trio.sleep(3)
        await send.send(tape("77 trade 100x2")[0])

        fill = await dialogue.receive()

    assert (fill.time_ns, shown(fill)) == (3 * S, "a made 2@100")


async def test_a_live_feed_outlives_a_connection() -> None:
    send, receive = trio.open_memory_channel[Row](0)
    paper = broker(receive)
    with paper.rows() as rows:
        for number in (1, 2):
            async with paper.open_trades_dialogue():
                await send.send(tape(f"{number} trade 100x{number}")[0])
                row = (await anext(rows)).row
                assert isinstance(row, Trade)
                assert row.size == number
        async with paper.open_trades_dialogue():
            await send.aclose()
            assert [row async for row in rows] == []
        async with paper.open_trades_dialogue():
            await wait_all_tasks_blocked()


async def test_several_markets_recorded_and_live() -> None:
    send, receive = trio.open_memory_channel[Row](0)
    feeds: dict[str, Feed] = {MARKET.fqme: tape("1 quote 99x5 101x5"), OTHER.fqme: receive}
    paper = PaperBroker(
        {MARKET.fqme: MARKET, OTHER.fqme: OTHER},
        feeds,
        speed=None,
        clock=TrioClock(0),
        prefix="",
    )
    with paper.rows() as rows:
        async with paper.open_trades_dialogue() as dialogue:
            await send.send(tape("0 quote 9x5 11x5")[0])
            await trio.sleep(2)
            await dialogue.send(asked("2 order a buy 1 market"))
            await dialogue.send(asked(f"2 order b buy 1 market in={OTHER.fqme}"))
            reports = await told(dialogue, 4)
            await send.aclose()
            seen = [market async for market, _ in rows]

    assert reports == ["2 a ack P1", "2 a took 1@101", "2 b ack P2", "2 b took 1@11"]
    assert seen == [OTHER.fqme, MARKET.fqme]


# Lookers-on.


async def test_a_looker_on_sees_a_row_after_the_engine_did() -> None:
    paper = broker(tape("1 trade 100x2", "2 trade 100x2"))
    async with paper.open_trades_dialogue() as dialogue:
        await dialogue.send(asked("0 order a buy 1 @100"))
        await told(dialogue, 2)
        with paper.rows() as rows:
            market, row = await anext(rows)
            assert (market, row.time_ns) == (MARKET.fqme, S)
            assert paper.engine.now_ns == S
            assert await told(dialogue, 1) == ["1 a made 1@100"]


async def test_a_looker_on_who_comes_after_the_end_sees_it() -> None:
    paper = broker(tape("0 trade 100x2"))
    async with paper.open_trades_dialogue():
        with paper.rows() as rows:
            assert [row async for row in rows] == []


# Connections.


async def test_a_new_connection_finds_the_book_as_it_is_and_no_old_reports() -> None:
    paper = broker(tape("1 quote 99x5 101x5", "4 trade 100x2", "9 trade 100x2"), latency_s=1)
    async with paper.open_trades_dialogue() as dialogue:
        await dialogue.send(asked("0 order a buy 3 @100"))  # arrives after the line was cut
    await trio.sleep(5)

    async with paper.open_trades_dialogue() as dialogue:
        await dialogue.send(asked("5 query q a"))

        assert await told(dialogue, 2) == ["6 q about a: open 2 of 3@100", "9 a made 1@100"]


async def test_a_closed_connection_is_broken_for_who_still_holds_it() -> None:
    paper = broker([])
    async with paper.open_trades_dialogue() as dialogue:
        pass

    with pytest.raises(BrokerFault, match="the connection to paper was closed"):
        await dialogue.send(asked("0 order a buy 3 @100"))
    with pytest.raises(BrokerFault, match="the connection to paper was closed"):
        await dialogue.receive()


async def test_there_is_one_connection_at_a_time() -> None:
    paper = broker([])
    async with paper.open_trades_dialogue():
        with pytest.raises(BrokerFault, match="paper takes one connection at a time"):
            async with paper.open_trades_dialogue():
                pass
    async with paper.open_trades_dialogue():
        pass


async def test_catching_up_lets_others_have_a_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_STEPS_AT_ONCE", 3)
    paper, turns = broker(tape(*["0 trade 100x2"] * 30)), list[int]()

    async def other() -> None:
        while True:
            turns.append(1)
            await trio.lowlevel.checkpoint()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(other)
        await trio.lowlevel.checkpoint()
        async with paper.open_trades_dialogue():
            nursery.cancel_scope.cancel()
    assert len(turns) >= 10


async def test_cancelling_leaves_the_venue_ready_for_the_next() -> None:
    paper = broker(tape("1 trade 100x2"))
    with trio.move_on_after(0.5):
        async with paper.open_trades_dialogue() as dialogue:
            await dialogue.receive()
    async with paper.open_trades_dialogue() as dialogue:
        await dialogue.send(asked("0 order a buy 3 @100"))
        assert len(await told(dialogue, 3)) == 3


async def test_receiving_can_be_cancelled_without_losing_a_report() -> None:
    paper = broker([])
    async with paper.open_trades_dialogue() as dialogue:
        await dialogue.send(asked("0 order a buy 3 @100"))
        await wait_all_tasks_blocked()
        with trio.CancelScope() as scope:
            scope.cancel()
            await dialogue.receive()

        assert await told(dialogue, 2) == ["0 a ack P1", "0 a open 0"]


# Bounds.


async def test_reports_nobody_reads_stop_the_venue() -> None:
    paper = broker(tape(*[f"{second} trade 100x1" for second in range(1, 9)]), buffer=3)
    async with paper.open_trades_dialogue() as dialogue:
        await dialogue.send(asked("0 order a buy 9 @100"))
        await trio.sleep(20)
        assert paper.engine.now_ns == S  # ack, open and one fill wait

        reports = await told(dialogue, 10)

    assert reports[2:4] == ["20 a made 1@100", "20 a made 1@100"]
    assert paper.engine.now_ns >= 8 * S


async def test_too_many_requests_in_flight_make_the_sender_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backend_dialogue, "IN_FLIGHT_MAX", 2)
    paper = broker([], latency_s=3)
    async with paper.open_trades_dialogue() as dialogue:
        for reqid in ("a", "b", "c"):
            await dialogue.send(asked(f"0 order {reqid} buy 9 @100"))
        assert trio.current_time() == 3


async def test_who_waits_to_send_is_told_when_the_feed_breaks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backend_dialogue, "IN_FLIGHT_MAX", 0)
    paper = broker(broken_tape("1 trade 100x1"))
    async with paper.open_trades_dialogue() as dialogue:
        with pytest.raises(TapeFileError, match="wrong"):
            await dialogue.send(asked("0 order a buy 9 @100"))


# Faults.


def broken_tape(*rows: str) -> Iterator[Row]:
    yield from tape(*rows)
    raise TapeFileError("tape.csv, line 9", "wrong")


async def test_a_feed_that_breaks_breaks_the_stream_after_what_came_before() -> None:
    paper = broker(broken_tape("1 trade 100x1"))
    async with paper.open_trades_dialogue() as dialogue:
        await dialogue.send(asked("0 order a buy 9 @100"))
        await trio.sleep(2)

        assert len(await told(dialogue, 3)) == 3
        with pytest.raises(TapeFileError, match=r"^tape\.csv, line 9: wrong\n"):
            await dialogue.receive()
        with pytest.raises(TapeFileError):
            await dialogue.send(asked("3 order b buy 9 @100"))

    with pytest.raises(TapeFileError, match=r"^tape\.csv, line 9: wrong\n"):
        async with paper.open_trades_dialogue():
            pass


async def test_a_feed_that_is_broken_from_the_start_refuses_connections() -> None:
    paper = broker(broken_tape())
    with pytest.raises(TapeFileError, match=r"^tape\.csv, line 9: wrong\n"):
        async with paper.open_trades_dialogue():
            pass


class BrokenFeed:
    dead = True

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Row:
        await trio.sleep(1)
        if self.dead:
            raise BrokerFault("the line is dead")
        return tape("1 trade 100x2")[0]


async def test_a_live_feed_that_breaks_breaks_the_stream_and_may_come_back() -> None:
    """A line that is dead for a while ends nothing for good."""
    feed = BrokenFeed()
    paper = broker(feed)
    for _ in range(2):
        async with paper.open_trades_dialogue() as dialogue:
            dead = r"^the feed of paper broke: the line is dead$"
            with trio.fail_after(60), pytest.raises(BrokerFault, match=dead):
                await dialogue.receive()

    feed.dead = False
    with paper.rows() as rows:
        async with paper.open_trades_dialogue():
            assert (await anext(rows)).row == replace(tape("1 trade 100x2")[0], time_ns=3 * S)


async def generated(lines: trio.MemoryReceiveChannel[Row | None]) -> AsyncIterator[Row]:
    """As a socket's client may be written: no line is dead for it but the first."""
    async for row in lines:
        if row is None:
            raise BrokerFault("the line is dead")
        yield row


class Iterated:
    """The same as an iterator, which can go on after an error."""

    def __init__(self, lines: trio.MemoryReceiveChannel[Row | None]) -> None:
        self._lines = lines

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Row:
        row = await anext(self._lines)
        if row is None:
            raise BrokerFault("the line is dead")
        return row


OVER = (
    r"^the feed of btcusd\.paper broke and cannot go on: a generator ends with its first error,"
    r" or with a wait that is cancelled; hand in an iterator that can go on$"
)


async def refuses(paper: PaperBroker) -> None:
    for _ in range(2):
        with pytest.raises(BrokerFault, match=OVER):
            async with paper.open_trades_dialogue():
                pass


async def breaks(paper: PaperBroker, match: str) -> None:
    async with paper.open_trades_dialogue() as dialogue:
        with trio.fail_after(60), pytest.raises(BrokerFault, match=match):
            await dialogue.receive()


async def test_a_live_feed_that_ends_because_it_broke_has_no_end_of_its_own() -> None:
    """A generator is over after an error: taken for its end, no stop would fire again, and nobody know."""
    send, lines = trio.open_memory_channel[Row | None](9)
    row = tape("1 trade 100x2")[0]
    paper = broker(generated(lines))
    for one in (row, None, row):
        send.send_nowait(one)
    with paper.rows() as rows:
        await breaks(paper, "the feed of paper broke: the line is dead")
        assert len([await anext(rows)]) == 1

        await breaks(paper, OVER)
        await refuses(paper)
        with trio.move_on_after(60) as wait:
            await anext(rows)
        assert wait.cancelled_caught  # nobody was told of an end


async def test_a_live_feed_whose_wait_cannot_be_cancelled_has_no_end_of_its_own() -> None:
    """The connection that ended took the wait of a generator with it."""
    _, lines = trio.open_memory_channel[Row | None](9)
    paper = broker(generated(lines))
    async with paper.open_trades_dialogue():
        await wait_all_tasks_blocked()

    await breaks(paper, OVER)
    await refuses(paper)


async def test_a_live_feed_goes_on_after_its_line_broke_and_then_ends() -> None:
    send, lines = trio.open_memory_channel[Row | None](9)
    row = tape("1 trade 100x2")[0]
    paper = broker(Iterated(lines))
    for one in (None, None, row):
        send.send_nowait(one)
    send.close()
    for _ in range(2):
        await breaks(paper, "the line is dead")

    with paper.rows() as rows:
        async with paper.open_trades_dialogue():
            with trio.fail_after(60):
                assert len([row async for row in rows]) == 1
        async with paper.open_trades_dialogue():
            await wait_all_tasks_blocked()


async def test_a_live_feed_that_ends_at_its_first_row_after_its_line_broke_is_told() -> None:
    """Nobody can tell it from a generator in a wrapping; what is told is the louder of the two."""
    send, lines = trio.open_memory_channel[Row | None](9)
    paper = broker(Iterated(lines))
    send.send_nowait(None)
    send.close()

    await breaks(paper, "the line is dead")
    await breaks(paper, OVER)
    await refuses(paper)


async def test_what_a_live_feed_raises_after_its_line_broke_is_told_as_it_is() -> None:
    class Feed(BrokenFeed):
        async def __anext__(self) -> Row:
            if self.dead:
                return await super().__anext__()
            raise TapeFileError("tape.csv, line 9", "wrong")

    feed = Feed()
    paper = broker(feed)
    await breaks(paper, "the line is dead")

    feed.dead = False
    async with paper.open_trades_dialogue() as dialogue:
        with pytest.raises(TapeFileError, match="wrong"):
            await dialogue.receive()


async def test_what_is_no_row_of_a_live_feed_is_told_and_skipped() -> None:
    """The venue would compute with it. A bad quote ends no trading."""
    one = Decimal(1)
    bad: Any = ["garbage", Quote(S, Decimal("NaN"), one, Decimal(2), one)]
    send, feed = trio.open_memory_channel[Row](9)
    good = tape("1 quote 99x5 101x5")[0]
    for row in [*bad, good, bad[1]]:
        send.send_nowait(row)
    with capture_logs() as logs:
        async with open_ems(PaperBroker({MARKET.fqme: MARKET}, feed)) as ems:
            await ems.ready()
            await trio.sleep(1)
            assert ems.dispatcher.prices.of(MARKET.fqme).bid == 99

            send.send_nowait(tape("1 quote 98x5 101x5")[0])
            await trio.sleep(1)
            assert ems.dispatcher.prices.of(MARKET.fqme).bid == 98
            assert ems.dispatcher.book.links == {"paper": LinkState.UP}

    skipped = [one["why"] for one in logs if one["event"] == "row skipped"]
    assert len(skipped) == 2  # the first of those on end
    assert skipped[0].endswith("a Quote or a Trade is needed, and 'garbage' is none")
    assert skipped[1].endswith("NaN is no finite number of zero or more")


async def test_a_live_feed_of_what_is_no_row_alone_leaves_others_their_turn() -> None:
    class Garbage:
        def __aiter__(self) -> Self:
            return self

        async def __anext__(self) -> Row:
            return cast("Row", None)

    async with broker(Garbage()).open_trades_dialogue() as dialogue:
        await dialogue.send(asked("0 order a buy 3 @100"))
        assert (await dialogue.receive()).name == "brokerd_ack"


async def test_a_bug_in_a_feed_is_not_taken_for_a_broken_line() -> None:
    def buggy() -> Iterator[Row]:
        yield Quote(S, Decimal(1), Decimal(1), Decimal(2), Decimal(1))
        raise ZeroDivisionError

    paper = broker(buggy())
    with pytest.RaisesGroup(ZeroDivisionError):
        async with paper.open_trades_dialogue() as dialogue:
            await dialogue.receive()


@pytest.mark.parametrize(
    ("option", "told"),
    [
        ({"price": "50000"}, "price: a Decimal is needed, and '50000' is none"),
        ({"price": 50000.0}, "price: a Decimal is needed, and 50000.0 is none"),
        ({"price": Decimal(0)}, "price: 0 is no price above zero"),
        ({"price": Decimal("NaN")}, "price: NaN is no price above zero"),
        ({"price": Decimal("49.99")}, "price: 49.99 is less than 100 ticks of 0.5, where a walk turns"),
        ({"seed": 1.5}, "seed: 1.5 is no whole number"),
        ({"market": "xbtusd.paper"}, "market: a Market is needed, and 'xbtusd.paper' is none"),
        ({"market": None}, "market: a Market is needed, and None is none"),
        (
            {"market": of("xy.p", "x", "x"), "price": None},
            "'xy.p': base and quote are .*; price: a Decimal is",
        ),
        ({"weather": 5}, r"weather: a Weather is needed, such as Weather\(gaps=True\), and 5 is none"),
        ({"weather": {"gaps": True}}, r"weather: a Weather is needed, .* and {'gaps': True} is none"),
        ({"weather": Weather(stale="no")}, "weather: stale is 'no', and neither True nor False"),  # type: ignore[arg-type]  # that is the point
    ],
)
def test_a_synthetic_venue_is_refused_where_it_is_made(option: dict[str, Any], told: str) -> None:
    """Its market's rows are made later, by a task of the EMS."""
    options: dict[str, Any] = {"seed": 7} | option

    with pytest.raises(InvalidMessage, match=f"^{told}"):
        PaperBroker.synthetic(**options)


@pytest.mark.parametrize(
    ("option", "told"),
    [
        ({"feed": {"typo.paper": []}}, "feed: 'typo.paper' is none of the markets"),
        ({"speed": 0}, "speed: 0 is no Decimal or int above zero"),
        ({"speed": Decimal("NaN")}, "speed: Decimal('NaN') is no Decimal or int above zero"),
        ({"speed": 1.5}, "speed: 1.5 is no Decimal or int above zero"),
        ({"buffer": 0}, "buffer: 0 is no whole number above zero"),
        ({"buffer": 1e3}, "buffer: 1000.0 is no whole number above zero"),
    ],
)
def test_rows_that_could_not_be_played_are_refused_where_the_venue_is_made(
    option: dict[str, Any], told: str, tmp_path: Path
) -> None:
    """Not by a task of the EMS later, and nobody is left in the folder."""
    options: dict[str, Any] = {"feed": [], "path": tmp_path} | option

    with pytest.raises(InvalidMessage, match=f"^{re.escape(told)}$"):
        PaperBroker({MARKET.fqme: MARKET}, **options)

    PaperBroker({MARKET.fqme: MARKET}, [], path=tmp_path).close()
