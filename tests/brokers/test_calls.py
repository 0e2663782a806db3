"""What an adapter raises as a bug says whose code raised it, and stays what it is."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any, cast

import pytest
import trio
from structlog.testing import capture_logs

from fsm_ems import PaperBroker, Quote, new_order, open_ems
from fsm_ems.brokers.calls import connected
from fsm_ems.brokers.paper.backend import XBTUSD
from fsm_ems.brokers.paper.tape import parse_rows
from fsm_ems.errors import BrokerFault, EMSBug, InvalidMessage, LogHalted, TapeFileError, brief
from fsm_ems.messages import BrokerdQuery, Cancel, Report, Request
from tests.scripted_broker import ScriptedBroker, ScriptedDialogue, ScriptedMarket

ECHO = BrokerdQuery(reqid="q1", account="main", target="r1", time_ns=1, deadline_ns=2)
"""What an adapter may hand back by mistake: the request that it was given."""


class Buggy(ScriptedBroker):
    """Its code raises at *place*, each time, what *fault* makes."""

    def __init__(self, place: str, fault: Callable[[], BaseException] = lambda: KeyError("txid")) -> None:
        super().__init__()
        self._place = place
        self._fault = fault
        self.gives: object = None

    def at(self, place: str) -> None:
        if place == self._place:
            raise self._fault()

    @asynccontextmanager
    async def open_trades_dialogue(self) -> AsyncGenerator[ScriptedDialogue]:
        self.at("connecting")
        async with super().open_trades_dialogue() as dialogue, trio.open_nursery() as nursery:
            if self._place == "a task of its own":
                nursery.start_soon(self._listen)
            try:
                yield BuggyDialogue(self, dialogue)
            finally:
                self.at("disconnecting")

    async def _listen(self) -> None:
        await trio.sleep(1)
        self.at("a task of its own")

    @asynccontextmanager
    async def open_market(self) -> AsyncGenerator[ScriptedMarket]:
        self.at("opening the market")
        yield BuggyMarket(self)


class BuggyDialogue(ScriptedDialogue):
    def __init__(self, broker: Buggy, inner: ScriptedDialogue) -> None:
        self._broker = broker
        self._inner = inner

    async def send(self, request: Request) -> None:
        self._broker.at("sending")
        await self._inner.send(request)

    async def receive(self) -> Report:
        await trio.sleep(1)
        self._broker.at("receiving")
        if self._broker._place == "no report received":
            return cast("Report", self._broker.gives)
        return await self._inner.receive()


class BuggyMarket(ScriptedMarket):
    def __init__(self, broker: Buggy) -> None:
        self._broker = broker

    async def __anext__(self) -> Any:  # noqa: ANN401 -- wrong on purpose
        await trio.sleep(1)
        self._broker.at("reading the market")
        await trio.sleep_forever()


def only(group: BaseException) -> BaseException:
    """The one error in a group of them."""
    while isinstance(group, BaseExceptionGroup):
        [group] = group.exceptions
    return group


async def run(broker: ScriptedBroker) -> None:
    """An EMS with *broker* that sends an order."""
    async with open_ems(broker) as ems:
        await ems.ready()
        await ems.submit(new_order(market="xbtusd.paper", side="buy", size="2", price="100"))
        await trio.sleep(60)


@pytest.mark.parametrize(
    ("place", "call"),
    [
        ("connecting", "connect (open_trades_dialogue)"),
        ("a task of its own", "connect (open_trades_dialogue)"),
        ("sending", "send"),
        ("receiving", "receive"),
        ("opening the market", "market (open_market)"),
        ("reading the market", "market (open_market)"),
    ],
)
@pytest.mark.parametrize("grouped", [False, True])
async def test_a_bug_of_an_adapter_names_its_broker_and_the_call(
    place: str, call: str, *, grouped: bool
) -> None:
    """It is the adapter's own exception, and has the note once."""
    bug = KeyError("txid")

    def fault() -> BaseException:
        return ExceptionGroup("both", [bug]) if grouped else bug

    with pytest.raises(BaseExceptionGroup) as raised:
        await run(Buggy(place, fault))

    assert only(raised.value) is bug
    assert bug.__notes__ == [f"raised by the adapter of broker 'paper', in its {call}"]


async def test_a_disk_of_a_broker_that_fails_is_no_bug_of_its_adapter() -> None:
    fault = LogHalted("venue.log is closed")
    with pytest.raises(BaseExceptionGroup) as raised:
        await run(Buggy("receiving", lambda: fault))

    assert only(raised.value) is fault
    assert not hasattr(fault, "__notes__")


class Failing(Buggy):
    """Its disconnecting fails where something else did."""

    @asynccontextmanager
    async def open_trades_dialogue(self) -> AsyncGenerator[ScriptedDialogue]:
        async with super().open_trades_dialogue() as dialogue:
            try:
                yield dialogue
            except ExceptionGroup as fault:
                raise ExceptionGroup("disconnected", [fault, ZeroDivisionError()]) from None


async def test_each_error_is_blamed_on_the_call_that_raised_it() -> None:
    with pytest.raises(ExceptionGroup) as raised:
        await run(Failing("receiving"))
    bug, other = raised.value.split(KeyError)

    assert bug is not None
    assert other is not None
    assert only(bug).__notes__ == ["raised by the adapter of broker 'paper', in its receive"]
    assert only(other).__notes__ == [
        "raised by the adapter of broker 'paper', in its connect (open_trades_dialogue)"
    ]


async def test_what_only_passes_through_an_adapter_is_not_its_own() -> None:
    bug = EMSBug("ours")

    async def talk() -> None:
        async with connected(ScriptedBroker()):
            raise bug

    with pytest.raises(EMSBug) as raised:
        await talk()

    assert raised.value is bug
    assert not hasattr(bug, "__notes__")


class Wrong(Exception):
    """Of whoever made the feed."""


def broken_feed() -> Iterator[Quote]:
    one = Decimal(1)
    yield Quote(0, one, one, one, one)
    raise Wrong


async def broken_live_feed() -> AsyncGenerator[Quote]:
    for row in broken_feed():
        yield row


class NoFeed:
    def __aiter__(self) -> AsyncGenerator[Quote]:
        raise Wrong


@pytest.mark.parametrize(
    ("feed", "fault"),
    [
        (broken_feed, Wrong),
        (broken_live_feed, Wrong),
        (NoFeed, Wrong),
        (lambda: iter([None]), InvalidMessage),
        (lambda: parse_rows(["wrong"], "tape.csv"), TapeFileError),
    ],
)
async def test_what_a_feed_raises_is_blamed_on_it_and_not_on_the_adapter(
    feed: Callable[[], Any], fault: type[Exception]
) -> None:
    """Whoever runs the program made the one and not the other. It is told however often it comes out."""
    with pytest.raises(ExceptionGroup) as raised:
        async with open_ems(PaperBroker({XBTUSD.fqme: XBTUSD}, feed())):
            await trio.sleep(60)

    leaf = only(raised.value)
    assert type(leaf) is fault
    assert leaf.__notes__ == ["raised by the feed of xbtusd.paper, which was handed to its broker"]


@pytest.mark.parametrize("gives", [None, ECHO, Cancel(oid="o1")], ids=["nothing", "a request", "a command"])
async def test_what_is_received_and_is_no_report_breaks_the_link(gives: object) -> None:
    """The broker's side broke its protocol; the orders are in doubt, and the EMS connects again."""
    broker = Buggy("no report received")
    broker.gives = gives
    with capture_logs() as logs:
        async with open_ems(broker):
            await trio.sleep(3)

    assert broker.connections > 1
    assert {one["why"] for one in logs if one["event"] == "link lost"} == {
        f"receive gave {brief(gives)}, which is no report"
    }


@pytest.mark.parametrize("place", ["connecting", "receiving", "opening the market", "reading the market"])
async def test_a_broker_fault_is_no_bug_and_needs_no_note(place: str) -> None:
    faults: list[BrokerFault] = []

    def fault() -> BaseException:
        faults.append(BrokerFault("the line is dead"))
        return faults[-1]

    async with open_ems(Buggy(place, fault)):
        await trio.sleep(10)

    assert len(faults) > 1
    assert not any(hasattr(one, "__notes__") for one in faults)
