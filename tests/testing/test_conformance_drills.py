"""The drills of the conformance kit: what a venue says in them, and the planted bugs that each one finds."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from decimal import Decimal
from functools import partial
from typing import cast, get_args, get_type_hints

import pytest
import trio
import trio.testing
from hypothesis import settings
from msgspec.structs import replace

from examples.json_broker import MARKETS, JexBroker, JexDialogue, Wire
from examples.test_json_broker import JexEnd
from fsm_ems.errors import BrokerFault
from fsm_ems.messages import (
    AnyReport,
    BrokerdFill,
    BrokerdHistory,
    BrokerdRefused,
    BrokerdStatus,
    Report,
    Request,
    VenueReport,
)
from fsm_ems.testing.conformance import SCRIPTS, Nonconformance, _play, check, play
from fsm_ems.testing.conformance_book import FEES
from fsm_ems.testing.conformance_drills import DRILLS
from fsm_ems.testing.conformance_steps import Answer, Place, Reconnect, Step, Wait
from fsm_ems.testing.conformance_trace import Trace
from tests.testing.honest_adapters import HONEST
from tests.testing.planted_adapters import with_broker
from tests.testing.planted_words import WORD_BUGS


@pytest.mark.parametrize("bug", WORD_BUGS)
def test_a_drill_finds_what_one_word_gets_wrong(bug: str) -> None:
    make, drill, rule, words = WORD_BUGS[bug]

    with pytest.raises(Nonconformance) as told:
        play(make, DRILLS[drill])

    assert told.value.rule == rule
    assert words in told.value.why


@pytest.mark.parametrize("cut", [0, 1, 2])
def test_calls_that_were_cut_may_hold_up_what_comes_after(cut: int) -> None:
    """A limiter has their turns to wait for, three seconds each; and then it tells of a broken line."""
    play(HONEST["lets go what is late"], [*[Place(cut=cut)] * 45, Wait(60), Place()])


class SendsSlowly(JexDialogue):
    """What it takes leaves within the deadline, from a task of its own; three silent seconds end the line."""

    def __init__(self, wire: Wire, nursery: trio.Nursery) -> None:
        super().__init__(wire)
        self._nursery, self._is_broken = nursery, False

    async def send(self, request: Request) -> None:
        if self._is_broken:
            raise BrokerFault("the line is gone")
        self._nursery.start_soon(self._leave, request)

    async def _leave(self, request: Request) -> None:
        await trio.sleep(4)
        with suppress(BrokerFault):
            if not self._is_broken:
                await super().send(request)

    async def receive(self) -> AnyReport:
        with trio.move_on_after(3):
            try:
                return await super().receive()
            except BrokerFault:
                self._is_broken = True
                raise
        self._is_broken = True
        raise BrokerFault("silence")


class NoticesLate(SendsSlowly):
    """It takes silence as it comes, and ten seconds to see that the line is gone."""

    async def receive(self) -> AnyReport:
        try:
            return await JexDialogue.receive(self)
        except BrokerFault:
            await trio.sleep(10)
            self._is_broken = True
            raise


class SlowBroker(JexBroker):
    dialogue: type[SendsSlowly] = SendsSlowly

    @asynccontextmanager
    async def open_trades_dialogue(self) -> AsyncGenerator[JexDialogue]:
        async with self._open("orders") as wire, trio.open_nursery() as nursery:
            try:
                yield self.dialogue(wire, nursery)
            finally:
                nursery.cancel_scope.cancel()


class LateBroker(SlowBroker):
    dialogue = NoticesLate


@pytest.mark.parametrize(
    ("broker", "silent_s", "script"),
    [(SlowBroker, 3, [Place(), Wait(10)]), (LateBroker, None, [Place(), Reconnect()])],
)
def test_a_line_that_ends_may_take_a_request_along(
    broker: type[SlowBroker], silent_s: int | None, script: list[Step]
) -> None:
    """Nobody can say then whether it would have come in time."""
    play(with_broker(lambda end: broker(end._connect), silent_s), script)


class DeadLater(JexBroker):
    """Its limiter is never set back: what comes on a later connection waits until it is of no use."""

    connections = 0
    sound = 1

    @asynccontextmanager
    async def open_trades_dialogue(self) -> AsyncGenerator[JexDialogue]:
        self.connections += 1
        is_dead = self.connections > self.sound

        class Dead(JexDialogue):
            is_broken = False

            async def send(self, request: Request) -> None:
                if is_dead and not self.is_broken:
                    await trio.sleep(7)
                if not is_dead or self.is_broken:
                    await super().send(request)

            async def receive(self) -> AnyReport:
                try:
                    return await super().receive()
                except BrokerFault:
                    self.is_broken = True
                    raise

        async with self._open("orders") as wire:
            yield Dead(wire)


class DeadAtTheThird(DeadLater):
    """So it is, but the second connection, after one that broke, is sound."""

    sound = 2


@pytest.mark.parametrize("broker", [DeadLater, DeadAtTheThird])
def test_an_adapter_that_sends_on_its_first_connections_alone_is_found(broker: type[DeadLater]) -> None:
    """What it does not send at once after connecting has an excuse: so it is given its minute there too."""
    with pytest.raises(Nonconformance, match="nothing was before it that it had to wait for") as told:
        play(with_broker(lambda end: broker(end._connect)), DRILLS["alone"])

    assert told.value.rule == "requests"
    assert Reconnect() in told.value.script


def test_drills_come_before_what_is_drawn() -> None:
    make, *_ = WORD_BUGS["acks are of the newest"]

    with pytest.raises(Nonconformance) as told:
        check(make, settings(SCRIPTS, derandomize=True, max_examples=1))

    assert told.value.script == (Place(), Place(), Answer(request=1))


@pytest.mark.parametrize(("price_tick", "size_tick"), [("0.5", "1"), ("1000", "100"), ("1e-8", "1e-18")])
@pytest.mark.parametrize("drill", ["orders", "executions", "edits", "market"])
def test_a_market_may_have_ticks_of_any_size(price_tick: str, size_tick: str, drill: str) -> None:
    """The largest numbers of a drill are those that a message can carry there."""

    class OtherTicks(JexBroker):
        markets = {  # noqa: RUF012 -- as the broker has it
            fqme: replace(market, price_tick=Decimal(price_tick), size_tick=Decimal(size_tick))
            for fqme, market in MARKETS.items()
        }

    play(with_broker(lambda end: OtherTicks(end._connect)), DRILLS[drill])


class NotedEnd(JexEnd):
    """What the venue was to say, whether its wire has a word for that or not."""

    def __init__(self, told: list[VenueReport]) -> None:
        super().__init__()
        self.told = told

    def tell(self, report: AnyReport) -> None:
        self.told.append(cast("VenueReport", report))
        super().tell(report)


def test_the_drills_let_the_venue_say_whatever_it_can() -> None:
    told: list[VenueReport] = []
    for drill in DRILLS.values():
        play(lambda clock: NotedEnd(told), drill)
    statuses = set(get_args(get_type_hints(BrokerdStatus)["status"]))

    assert {type(report) for report in told} == {*get_args(get_args(Report)[0]), BrokerdHistory}
    refused = [report for report in told if isinstance(report, BrokerdRefused)]
    assert {report.code for report in refused} == set(get_args(get_type_hints(BrokerdRefused)["code"]))
    assert {report.request for report in refused} == {"submit", "cancel", "edit"}
    events = {one.status for one in told if isinstance(one, BrokerdStatus) and not one.snapshot}
    assert events == statuses - {"absent", "filled", "pending_new"}
    answers = {one.status for one in told if isinstance(one, BrokerdStatus) and one.snapshot}
    assert answers == {"absent", "pending_new", "open", "filled", "cancelled", "expired"}
    fills = [report for report in told if isinstance(report, BrokerdFill)]
    fees = {(fill.fee, fill.fee_asset) for fill in fills}
    assert fees >= {(fee, asset) for fee in FEES for asset in ("usd", "xbt")}
    assert {fill.liquidity for fill in fills} == {"maker", "taker"}


@pytest.mark.parametrize("drill", [name for name in DRILLS if name != "cuts"])
def test_no_step_of_a_drill_is_for_nothing(drill: str) -> None:
    """But where calls are cut: what was not sent cannot be answered."""
    trace = Trace()

    plays = partial(_play, lambda clock: JexEnd(), DRILLS[drill], trace)
    trio.run(plays, clock=trio.testing.MockClock(autojump_threshold=0))

    assert trace.steps == list(DRILLS[drill])
