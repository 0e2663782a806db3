"""Adapters of the JSON venue, each with one bug that a real one had or could have."""

from __future__ import annotations

import json
import math
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from decimal import Decimal

import trio

from examples.json_broker import JexBroker, JexDialogue, Wire, asked
from examples.test_json_broker import JexEnd
from fsm_ems.errors import BrokerFault, InvalidReport
from fsm_ems.market import Market
from fsm_ems.messages import (
    AnyReport,
    BrokerdFill,
    BrokerdHistory,
    BrokerdOrderAck,
    BrokerdQuery,
    BrokerdRefused,
    BrokerdStatus,
    Request,
)
from fsm_ems.testing.conformance import MakeVenue


def with_broker(broker: Callable[[JexEnd], JexBroker], silent_s: int | None = None) -> MakeVenue:
    """A venue end whose adapters are made by *broker*, and may give up on silence of *silent_s* seconds."""

    class PlantedEnd(JexEnd):
        silence_s = silent_s

        def new_broker(self) -> JexBroker:
            return broker(self)

    return lambda clock: PlantedEnd()


def with_dialogue(dialogue: Callable[[Wire], JexDialogue], silent_s: int | None = None) -> MakeVenue:
    """The same, with another stream."""

    class PlantedBroker(JexBroker):
        @asynccontextmanager
        async def open_trades_dialogue(self) -> AsyncGenerator[JexDialogue]:
            async with self._open("orders") as wire:
                yield dialogue(wire)

    return with_broker(lambda end: PlantedBroker(end._connect), silent_s)


# ── reports ─────────────────────────────────────────────────────────────────────────────────────────


class DropsEarlyFills(JexDialogue):
    """It knows an order by its ack, and drops a fill that comes before."""

    def __init__(self, wire: Wire) -> None:
        super().__init__(wire)
        self._known: set[str] = set()

    async def receive(self) -> AnyReport:
        while True:
            report = await super().receive()
            if isinstance(report, BrokerdOrderAck):
                self._known.add(report.venue_id)
            if not isinstance(report, BrokerdFill) or report.venue_id in self._known:
                return report


class CountsByFloat(JexDialogue):
    """Its JSON library had floats."""

    async def receive(self) -> AnyReport:
        report = await super().receive()
        if isinstance(report, BrokerdFill):
            return replace(report, fee=Decimal(repr(float(report.fee))))
        return report


class AnswersAbsent(JexDialogue):
    """A question that times out means, it thinks, that there is no such order."""

    query: BrokerdQuery | None = None

    async def send(self, request: Request) -> None:
        await super().send(request)
        if isinstance(request, BrokerdQuery):
            self.query = request

    async def receive(self) -> AnyReport:
        while True:
            with trio.move_on_after(5):
                return await super().receive()
            if self.query is not None:
                query, self.query = self.query, None
                return BrokerdStatus(
                    reqid=query.target, status="absent", snapshot=True, query=query.reqid, time_ns=1
                )


class LosesWhenCancelled(JexDialogue):
    """It has a report in hand when it gives others a turn."""

    async def receive(self) -> AnyReport:
        report = await super().receive()
        await trio.lowlevel.checkpoint()
        return report


class HoldsBack(JexDialogue):
    """A fill is told with what comes next."""

    held: AnyReport | None = None

    async def receive(self) -> AnyReport:
        if self.held is not None:
            held, self.held = self.held, None
            return held
        report = await super().receive()
        if isinstance(report, BrokerdFill):
            self.held = report
            with trio.move_on_after(1):
                return await super().receive()
            report, self.held = self.held, None
        return report


class ForgetsCodes(JexDialogue):
    """A refusal is a refusal."""

    async def receive(self) -> AnyReport:
        report = await super().receive()
        return replace(report, code="other") if isinstance(report, BrokerdRefused) else report


class ForgetsExecutions(JexDialogue):
    """It takes the newest execution of a history for known."""

    async def receive(self) -> AnyReport:
        report = await super().receive()
        return replace(report, fills=report.fills[:-1]) if isinstance(report, BrokerdHistory) else report


class MixesUpTheHistory(JexDialogue):
    """What a history lists is of whatever order."""

    async def receive(self) -> AnyReport:
        report = await super().receive()
        if not isinstance(report, BrokerdHistory):
            return report
        fills = tuple(replace(fill, reqid=777, venue_id="V9") for fill in report.fills)
        return replace(report, fills=fills)


class NumbersItsPages(JexDialogue):
    """Each page of a history has an id of its own."""

    page: BrokerdHistory | None = None

    async def receive(self) -> AnyReport:
        if self.page is not None:
            page, self.page = self.page, None
            return page
        report = await super().receive()
        if isinstance(report, BrokerdHistory):
            self.page = replace(report, orders=())
            return replace(report, reqid=777, fills=(), last=False)
        return report


class TakesNonsense(JexDialogue):
    """What it does not understand it passes over."""

    async def receive(self) -> AnyReport:
        while True:
            try:
                return await super().receive()
            except InvalidReport:
                continue


class CallsItBroken(JexDialogue):
    """What it does not understand is a broken line to it."""

    async def receive(self) -> AnyReport:
        try:
            return await super().receive()
        except InvalidReport as error:
            raise BrokerFault(str(error)) from error


# ── the line ────────────────────────────────────────────────────────────────────────────────────────


class SwallowsBreaks(JexDialogue):
    """A line that is gone may come back: it waits."""

    async def receive(self) -> AnyReport:
        try:
            return await super().receive()
        except InvalidReport:
            raise
        except BrokerFault:
            await trio.sleep_forever()
            raise


class SendsIntoTheVoid(JexDialogue):
    """It tells of a broken line when it reads, and not when it sends."""

    async def send(self, request: Request) -> None:
        try:
            await super().send(request)
        except BrokerFault:
            return


class RaisesItsLibrarys(JexDialogue):
    """The errors of its library are good enough for everybody."""

    async def receive(self) -> AnyReport:
        try:
            return await super().receive()
        except BrokerFault as error:
            if error.__cause__ is not None and not isinstance(error, InvalidReport):
                raise error.__cause__ from None
            raise


class BreaksByItself(JexDialogue):
    """It takes every refusal for a broken line."""

    async def receive(self) -> AnyReport:
        report = await super().receive()
        if isinstance(report, BrokerdRefused):
            raise BrokerFault("refused")
        return report


class GivesUpOnSilence(JexDialogue):
    """A venue that says nothing for half a minute is gone: at a venue that may be silent for longer."""

    async def receive(self) -> AnyReport:
        with trio.move_on_after(30):
            return await super().receive()
        raise BrokerFault("silence")


class SendsAgain(JexBroker):
    """What had no answer when the line was lost goes out again on the next."""

    open_request: Request | None = None

    @asynccontextmanager
    async def open_trades_dialogue(self) -> AsyncGenerator[JexDialogue]:
        async with self._open("orders") as wire:
            broker = self

            class Remembering(JexDialogue):
                async def send(self, request: Request) -> None:
                    broker.open_request = request
                    await super().send(request)

                async def receive(self) -> AnyReport:
                    report = await super().receive()
                    broker.open_request = None
                    return report

            if self.open_request is not None:
                await wire.send(json.dumps(asked(self.open_request)))
            yield Remembering(wire)


class CountsAnew(JexBroker):
    """Its ids on the wire are its own, and begin again with each connection."""

    @asynccontextmanager
    async def open_trades_dialogue(self) -> AsyncGenerator[JexDialogue]:
        class Counting(JexDialogue):
            sent = 0

            async def send(self, request: Request) -> None:
                self.sent += 1
                await super().send(replace(request, reqid=self.sent))

        async with self._open("orders") as wire:
            yield Counting(wire)


class KeepsItsBuffer(JexBroker):
    """What waits to be read outlives the connection that it came on."""

    def __init__(self, end: JexEnd) -> None:
        super().__init__(end._connect)
        self._put, self._get = trio.open_memory_channel[AnyReport](math.inf)

    @asynccontextmanager
    async def open_trades_dialogue(self) -> AsyncGenerator[JexDialogue]:
        broker = self

        class Buffered(JexDialogue):
            async def receive(self) -> AnyReport:
                return await broker._get.receive()

            async def pump(self) -> None:
                while True:
                    await broker._put.send(await super().receive())

        async with self._open("orders") as wire, trio.open_nursery() as nursery:
            dialogue = Buffered(wire)
            nursery.start_soon(dialogue.pump)
            try:
                yield dialogue
            finally:
                nursery.cancel_scope.cancel()


# ── requests, and what is declared ──────────────────────────────────────────────────────────────────


class KeepsDeadlines(JexDialogue):
    """It promises deadlines and gives the venue an hour."""

    async def send(self, request: Request) -> None:
        await super().send(replace(request, deadline_ns=request.deadline_ns + 3600 * 10**9))


class SendsTwice(JexDialogue):
    """To be sure."""

    async def send(self, request: Request) -> None:
        await super().send(request)
        if isinstance(request, BrokerdQuery):
            await super().send(request)


class DropsQuestions(JexDialogue):
    """It has no time for questions."""

    async def send(self, request: Request) -> None:
        if not isinstance(request, BrokerdQuery):
            await super().send(request)


class NamesItWrong(JexBroker):
    """Its markets are of another broker."""

    markets = {  # noqa: RUF012 -- as the broker has it
        "xbtusd.jex": Market("xbtusd.yex", "xbt", "usd", price_tick=Decimal(1), size_tick=Decimal(1))
    }


BUGS: dict[str, tuple[MakeVenue, str, str]] = {
    "drops early fills": (with_dialogue(DropsEarlyFills), "reports", "never came"),
    "counts by float": (with_dialogue(CountsByFloat), "reports", "fee: "),
    "answers absent": (with_dialogue(AnswersAbsent), "reports", "the venue did not say it"),
    "loses when cancelled": (with_dialogue(LosesWhenCancelled), "reports", "never came"),
    "holds back": (with_dialogue(HoldsBack), "reports", "which was said first"),
    "forgets codes": (with_dialogue(ForgetsCodes), "reports", "code: "),
    "forgets executions": (with_dialogue(ForgetsExecutions), "reports", "fills: 1 were said, and 0 came"),
    "mixes up the history": (with_dialogue(MixesUpTheHistory), "reports", "1 was said, and 777 came"),
    "numbers its pages": (with_dialogue(NumbersItsPages), "reports", "orders: 1 were said, and 0 came"),
    "takes nonsense": (with_dialogue(TakesNonsense), "unknown", "raised nothing"),
    "calls it broken": (with_dialogue(CallsItBroken), "unknown", "and not InvalidReport"),
    "swallows breaks": (with_dialogue(SwallowsBreaks), "faults", "receive() still waits"),
    "sends into the void": (with_dialogue(SendsIntoTheVoid), "faults", "send() takes a request"),
    "raises its library's": (with_dialogue(RaisesItsLibrarys), "faults", "EndOfChannel"),
    "breaks by itself": (with_dialogue(BreaksByItself), "faults", "nothing was wrong"),
    "gives up on silence": (with_dialogue(GivesUpOnSilence), "faults", "nothing was wrong"),
    "sends again": (
        with_broker(lambda end: SendsAgain(end._connect)),
        "leaks",
        "sent on an earlier connection",
    ),
    "counts anew": (with_broker(lambda end: CountsAnew(end._connect)), "requests", "reached the venue twice"),
    "keeps its buffer": (with_broker(KeepsItsBuffer), "leaks", "was said on an earlier connection"),
    "keeps deadlines": (with_dialogue(KeepsDeadlines), "deadline", "its deadline is"),
    "sends twice": (with_dialogue(SendsTwice), "requests", "reached the venue twice"),
    "drops questions": (with_dialogue(DropsQuestions), "requests", "never reached the venue"),
    "names it wrong": (with_broker(lambda end: NamesItWrong(end._connect)), "declared", "is listed as"),
}
"""The bugs by name: the adapter, the rule that it breaks, and words of what is told."""
