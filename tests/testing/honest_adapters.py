"""Adapters that do as they may, each in its own way: none of this is a fault."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import cast

import trio

from examples.json_broker import JexBroker, JexDialogue, JexRows, Wire
from examples.test_json_broker import JexEnd
from fsm_ems.clock import Clock
from fsm_ems.dialogs.settings import Capabilities
from fsm_ems.errors import BrokerFault
from fsm_ems.messages import (
    AnyReport,
    BrokerdError,
    BrokerdFill,
    BrokerdHistory,
    BrokerdQuery,
    BrokerdStatus,
    Request,
)
from fsm_ems.quotes import MarketRow
from fsm_ems.testing.conformance import MakeVenue, VenueEnd
from tests.testing.planted_adapters import GivesUpOnSilence, with_broker, with_dialogue
from tests.testing.talkative import TalkativeEnd, changing


class TellsAnExecutionOnce(JexDialogue):
    """A fill that the venue says twice is told once."""

    def __init__(self, wire: Wire) -> None:
        super().__init__(wire)
        self._told: set[str] = set()

    async def receive(self) -> AnyReport:
        while True:
            report = await super().receive()
            if not isinstance(report, BrokerdFill) or report.exec_id not in self._told:
                if isinstance(report, BrokerdFill):
                    self._told.add(report.exec_id)
                return report


class TellsInPages(JexDialogue):
    """A history comes in two pages, and with words of the adapter's own."""

    page: BrokerdHistory | None = None

    async def receive(self) -> AnyReport:
        if self.page is not None:
            page, self.page = self.page, None
            return page
        report = await super().receive()
        if isinstance(report, BrokerdHistory):
            self.page = replace(report, orders=(), text="the rest")
            return replace(report, fills=(), last=False)
        return report


class NamesByOneId(JexDialogue):
    """Where the venue's id is known, it is enough."""

    async def receive(self) -> AnyReport:
        report = await super().receive()
        if isinstance(report, BrokerdFill | BrokerdStatus) and report.venue_id is not None:
            return replace(report, reqid=None)
        return report


class SaysThatItDoesNotKnow(JexDialogue):
    """A question without an answer is told as such."""

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
                return BrokerdError(reqid=query.reqid, text="no answer")


class BreaksWhenCut(JexDialogue):
    """A call of send that was cancelled may have gone half way: it takes no more chances."""

    was_cut = False

    async def send(self, request: Request) -> None:
        if self.was_cut:
            raise BrokerFault("a send was cut")
        self.was_cut = True
        await super().send(request)
        self.was_cut = False


class LetsGoWhatIsLate(JexDialogue):
    """The venue takes few requests: what had to wait past its deadline is not sent."""

    free_s = 0.0

    async def send(self, request: Request) -> None:
        now_s = trio.current_time()
        waits_s = max(self.free_s - now_s, 0)
        self.free_s = now_s + waits_s + 3
        if waits_s > 5:
            await trio.sleep(6)
        else:
            await trio.sleep(waits_s)
            await super().send(request)


class LooksAtTheDeadline(JexBroker):
    """The venue takes a request in five seconds: whose turn comes at its deadline is not sent, as the EMS
    itself would not send it.
    """

    def __init__(self, end: JexEnd, clock: Clock) -> None:
        super().__init__(end._connect)
        self._clock = clock

    @asynccontextmanager
    async def open_trades_dialogue(self) -> AsyncGenerator[JexDialogue]:
        clock = self._clock

        class Looking(JexDialogue):
            free_s = 0.0

            async def send(self, request: Request) -> None:
                turn_s = max(trio.current_time(), self.free_s)
                self.free_s = turn_s + 5
                await trio.sleep_until(turn_s)
                if clock() < request.deadline_ns:
                    await super().send(request)

        async with self._open("orders") as wire:
            yield Looking(wire)


class CountsByTheMinute(JexBroker):
    """The venue takes six requests a minute, whatever connection they come on; what would be late is let go,
    on a broken line as well, for it looks at its count first.
    """

    def __init__(self, end: JexEnd) -> None:
        super().__init__(end._connect)
        self._turns_s: list[float] = []

    @asynccontextmanager
    async def open_trades_dialogue(self) -> AsyncGenerator[JexDialogue]:
        turns_s = self._turns_s

        class Counting(JexDialogue):
            async def send(self, request: Request) -> None:
                turn_s = now_s = trio.current_time()
                if len(turns_s) >= 6:
                    turn_s = max(now_s, turns_s[-6] + 60)
                if turn_s > now_s + 5:
                    await trio.sleep(6)
                    return
                turns_s.append(turn_s)
                await trio.sleep_until(turn_s)
                await super().send(request)

        async with self._open("orders") as wire:
            yield Counting(wire)


class HasItsOwnTask(JexBroker):
    """It reads in a task of its own: a break comes out of the connection as a whole."""

    @asynccontextmanager
    async def open_trades_dialogue(self) -> AsyncGenerator[JexDialogue]:
        put, get = trio.open_memory_channel[AnyReport](100)

        class Buffered(JexDialogue):
            async def receive(self) -> AnyReport:
                return await get.receive()

            async def pump(self) -> None:
                while True:
                    await put.send(await super().receive())

        async with self._open("orders") as wire, trio.open_nursery() as nursery:
            dialogue = Buffered(wire)
            nursery.start_soon(dialogue.pump)
            try:
                yield dialogue
            finally:
                nursery.cancel_scope.cancel()


class NoRows(JexRows):
    """They end at once."""

    async def __anext__(self) -> MarketRow:
        raise StopAsyncIteration


class HasLittle(JexBroker):
    """No history, no deadlines, text for ids, filled orders that grow, and no market feed."""

    capabilities = Capabilities(reqid_form="str", reopen_filled=True, deadline=False, history=False)

    @asynccontextmanager
    async def open_market(self) -> AsyncGenerator[JexRows]:
        yield NoRows(cast("Wire", None))


def with_clock(clock: Clock) -> VenueEnd:
    """A venue end whose adapters look at *clock*, as the EMS does."""
    return with_broker(lambda end: LooksAtTheDeadline(end, clock))(clock)


HONEST: dict[str, MakeVenue] = {
    "tells an execution once": with_dialogue(TellsAnExecutionOnce),
    "tells in pages": with_dialogue(TellsInPages),
    "names by one id": with_dialogue(NamesByOneId),
    "says that it does not know": with_dialogue(SaysThatItDoesNotKnow),
    "lets go what is late": with_dialogue(LetsGoWhatIsLate),
    "reads whatever there is": lambda clock: TalkativeEnd(changing(BrokerdStatus, lambda _, report: report)),
    "breaks when cut": with_dialogue(BreaksWhenCut),
    "gives up on silence": with_dialogue(GivesUpOnSilence, silent_s=30),
    "looks at the deadline": with_clock,
    "counts by the minute": with_broker(CountsByTheMinute),
    "has its own task": with_broker(lambda end: HasItsOwnTask(end._connect)),
    "has little": with_broker(lambda end: HasLittle(end._connect)),
}
