"""Adapters of the JSON venue with a bug in their connections, their market feed, or in what they send."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import fields, replace
from decimal import Decimal
from typing import Any, cast

import trio
from msgspec.structs import replace as with_price

from examples.json_broker import JexBroker, JexDialogue, JexRows
from fsm_ems.errors import BrokerFault
from fsm_ems.messages import (
    AnyReport,
    BrokerdCancel,
    BrokerdEdit,
    BrokerdFill,
    BrokerdOrder,
    BrokerdPosition,
    BrokerdQuery,
    Request,
)
from fsm_ems.quotes import MarketRow, Quote
from fsm_ems.testing.conformance import MakeVenue
from tests.testing.planted_adapters import GivesUpOnSilence, with_broker, with_dialogue

# ── what is sent ────────────────────────────────────────────────────────────────────────────────────


class AsksForItself(JexDialogue):
    """It looks after each fill, under an id of its own."""

    async def receive(self) -> AnyReport:
        report = await super().receive()
        if isinstance(report, BrokerdFill) and report.reqid is not None:
            await super().send(
                BrokerdQuery(reqid=999, account="main", target=report.reqid, time_ns=1, deadline_ns=1)
            )
        return report


class LetsCancelsPass(JexDialogue):
    """A cancel is urgent: the edit before it can wait."""

    held: Request | None = None

    async def send(self, request: Request) -> None:
        if isinstance(request, BrokerdEdit) and self.held is None:
            self.held = request
            return
        await super().send(request)
        await self.flush()

    async def receive(self) -> AnyReport:
        while True:
            with trio.move_on_after(1):
                return await super().receive()
            await self.flush()

    async def flush(self) -> None:
        if self.held is not None:
            held, self.held = self.held, None
            await super().send(held)


class SendsHalf(JexDialogue):
    """It cares for its owner."""

    async def send(self, request: Request) -> None:
        if isinstance(request, BrokerdOrder):
            request = replace(request, size=request.size / 2)
        await super().send(request)


class LooksBeforeItLeaps(JexDialogue):
    """It asks whether there is something to cancel, and under the cancel's id."""

    async def send(self, request: Request) -> None:
        if isinstance(request, BrokerdCancel):
            asked = {one.name: getattr(request, one.name) for one in fields(request) if one.name != "name"}
            request = BrokerdQuery(**asked)
        await super().send(request)


class WaitsForTheAnswer(JexDialogue):
    """A cancel is sent once it is done."""

    async def send(self, request: Request) -> None:
        await super().send(request)
        if isinstance(request, BrokerdCancel):
            await trio.sleep(3600)


class DropsWhatItWaitedWith(JexDialogue):
    """It waits for its turn, and the turn never comes."""

    async def send(self, request: Request) -> None:
        await trio.sleep(7)


class DropsAtItsDeadline(JexDialogue):
    """It waits for its turn, which would come in the very moment when it is of no use any more."""

    async def send(self, request: Request) -> None:
        await trio.sleep(5)


class DropsAndGivesUp(GivesUpOnSilence):
    """It has no time for questions, and soon none for a venue that does not answer them."""

    async def send(self, request: Request) -> None:
        if not isinstance(request, BrokerdQuery):
            await super().send(request)


# ── what is reported ────────────────────────────────────────────────────────────────────────────────


class ReportsTexts(JexDialogue):
    """What the venue said, as it said it."""

    async def receive(self) -> AnyReport:
        return cast("AnyReport", str(await super().receive()))


class NamesNothing(JexDialogue):
    """A fill is a fill, whoever's it is."""

    async def receive(self) -> AnyReport:
        report = await super().receive()
        return replace(report, reqid=None, venue_id=None) if isinstance(report, BrokerdFill) else report


class ReportsFloats(JexDialogue):
    """It goes round the checks of the message."""

    async def receive(self) -> AnyReport:
        report = await super().receive()
        if isinstance(report, BrokerdFill):
            object.__setattr__(report, "size", float(report.size))
        return report


class ReportsPositions(JexDialogue):
    """It makes up a position of each fill."""

    last: AnyReport | None = None

    async def receive(self) -> AnyReport:
        if isinstance(self.last, BrokerdFill):
            self.last = None
            return BrokerdPosition(market="xbtusd.jex", size=Decimal(1))
        self.last = await super().receive()
        return self.last


# ── connections ─────────────────────────────────────────────────────────────────────────────────────


class RaisesOnce(JexDialogue):
    """A broken line is told once; after that it waits for better times."""

    was_told = False

    async def receive(self) -> AnyReport:
        if self.was_told:
            await trio.sleep_forever()
        try:
            return await super().receive()
        except BrokerFault:
            self.was_told = True
            raise


class GivesUpOnADeadLine(JexDialogue):
    """A line that is gone may come back: it waits for that when it sends, and then tells nobody."""

    async def send(self, request: Request) -> None:
        try:
            await super().send(request)
        except BrokerFault:
            await trio.sleep(10)


class ConnectsLater(JexBroker):
    """It says that it is connected, and tries with the first request."""

    @asynccontextmanager
    async def open_trades_dialogue(self) -> AsyncGenerator[JexDialogue]:
        async with AsyncExitStack() as stack:
            try:
                dialogue = await stack.enter_async_context(super().open_trades_dialogue())
            except BrokerFault:
                dialogue = cast("Any", None)
            yield dialogue


class NeverConnects(JexBroker):
    """It tries, without an end."""

    @asynccontextmanager
    async def open_trades_dialogue(self) -> AsyncGenerator[JexDialogue]:
        await trio.sleep(3600)
        yield cast("Any", None)


class DoesNotConnect(JexBroker):
    """The second connection of a day is one too many."""

    connections = 0

    @asynccontextmanager
    async def open_trades_dialogue(self) -> AsyncGenerator[JexDialogue]:
        self.connections += 1
        if self.connections > 1:
            raise BrokerFault("once a day")
        async with super().open_trades_dialogue() as dialogue:
            yield dialogue


class StaysConnected(JexBroker):
    """It says farewell for an hour."""

    @asynccontextmanager
    async def open_trades_dialogue(self) -> AsyncGenerator[JexDialogue]:
        async with super().open_trades_dialogue() as dialogue:
            try:
                yield dialogue
            finally:
                with trio.CancelScope(shield=True):
                    await trio.sleep(3600)


class ComplainsWhenLeft(JexBroker):
    """Who leaves is told off."""

    @asynccontextmanager
    async def open_trades_dialogue(self) -> AsyncGenerator[JexDialogue]:
        async with super().open_trades_dialogue() as dialogue:
            yield dialogue
            raise BrokerFault("left")


class SwallowsItsFault(JexBroker):
    """A broken line is nothing to talk about afterwards."""

    @asynccontextmanager
    async def open_trades_dialogue(self) -> AsyncGenerator[JexDialogue]:
        async with super().open_trades_dialogue() as dialogue:
            with suppress(BrokerFault):
                yield dialogue


class EndsQuietly(JexBroker):
    """A broken line ends the connection, and that is all."""

    @asynccontextmanager
    async def open_trades_dialogue(self) -> AsyncGenerator[JexDialogue]:
        scope = trio.CancelScope()

        class Quiet(JexDialogue):
            async def receive(self) -> AnyReport:
                try:
                    return await super().receive()
                except BrokerFault:
                    scope.cancel()
                    await trio.sleep_forever()
                    raise

        async with self._open("orders") as wire:
            with scope:
                yield Quiet(wire)


# ── the market ──────────────────────────────────────────────────────────────────────────────────────


def with_rows(change: Any) -> MakeVenue:  # noqa: ANN401 -- a function that may do anything
    """A venue end whose adapter changes each row."""

    class PlantedRows(JexRows):
        async def __anext__(self) -> MarketRow:
            while True:
                row = change(await super().__anext__())
                if row is not None:
                    return cast("MarketRow", row)

    class PlantedMarket(JexBroker):
        @asynccontextmanager
        async def open_market(self) -> AsyncGenerator[JexRows]:
            async with self._open("market") as wire:
                yield PlantedRows(wire)

    return with_broker(lambda end: PlantedMarket(end._connect))


def rounded(found: MarketRow) -> dict[str, Decimal]:
    row = found.row
    return {"bid": row.bid + 1} if isinstance(row, Quote) else {"price": row.price + 1}


def with_floats(found: MarketRow) -> MarketRow:
    row = found.row
    changed = with_price(row, bid=float(row.bid)) if isinstance(row, Quote) else with_price(row, price=1.5)
    return MarketRow(found.market, changed)


def fails(found: MarketRow) -> MarketRow:
    raise LookupError("no such market")


def breaks(found: MarketRow) -> MarketRow:
    raise BrokerFault("too many rows")


class DoubleRows(JexRows):
    """Each row twice."""

    last: MarketRow | None = None

    async def __anext__(self) -> MarketRow:
        if self.last is not None:
            last, self.last = self.last, None
            return last
        self.last = await super().__anext__()
        return self.last


class DoubleMarket(JexBroker):
    """The market feed doubles."""

    @asynccontextmanager
    async def open_market(self) -> AsyncGenerator[JexRows]:
        async with self._open("market") as wire:
            yield DoubleRows(wire)


LINE_BUGS: dict[str, tuple[MakeVenue, str, str]] = {
    "asks for itself": (with_dialogue(AsksForItself), "requests", "nobody sent that"),
    "lets cancels pass": (with_dialogue(LetsCancelsPass), "requests", "after one that was sent later"),
    "sends half": (with_dialogue(SendsHalf), "requests", "size 1E-8 was sent, and 5E-9 came"),
    "looks before it leaps": (with_dialogue(LooksBeforeItLeaps), "requests", "brokerd_query came"),
    "waits for the answer": (with_dialogue(WaitsForTheAnswer), "requests", "takes over 60 s"),
    "drops what it waited with": (with_dialogue(DropsWhatItWaitedWith), "requests", "nothing was before it"),
    "drops at its deadline": (with_dialogue(DropsAtItsDeadline), "requests", "nothing was before it"),
    "drops and gives up": (
        with_dialogue(DropsAndGivesUp, silent_s=30),
        "requests",
        "never reached the venue",
    ),
    "reports texts": (with_dialogue(ReportsTexts), "reports", "str came out of receive()"),
    "names nothing": (with_dialogue(NamesNothing), "reports", "brokerd_fill came"),
    "reports floats": (with_dialogue(ReportsFloats), "reports", "is a float"),
    "reports positions": (with_dialogue(ReportsPositions), "reports", "brokerd_position came"),
    "raises once": (with_dialogue(RaisesOnce), "faults", "waits when called again"),
    "gives up on a dead line": (with_dialogue(GivesUpOnADeadLine), "faults", "send() takes a request"),
    "connects later": (with_broker(lambda end: ConnectsLater(end._connect)), "faults", "the venue refused"),
    "never connects": (with_broker(lambda end: NeverConnects(end._connect)), "faults", "neither connects"),
    "does not connect": (with_broker(lambda end: DoesNotConnect(end._connect)), "faults", "once a day"),
    "stays connected": (with_broker(lambda end: StaysConnected(end._connect)), "faults", "still runs"),
    "complains when left": (with_broker(lambda end: ComplainsWhenLeft(end._connect)), "faults", "leaving"),
    "swallows its fault": (with_broker(lambda end: SwallowsItsFault(end._connect)), "faults", "swallowed"),
    "ends quietly": (with_broker(lambda end: EndsQuietly(end._connect)), "faults", "nobody was told why"),
    "rounds its market": (
        with_rows(lambda found: MarketRow(found.market, with_price(found.row, time_ns=1, **rounded(found)))),
        "market",
        "was shown",
    ),
    "loses rows": (with_rows(lambda found: None), "market", "never came"),
    "doubles rows": (with_broker(lambda end: DoubleMarket(end._connect)), "market", "and was not shown"),
    "shows floats": (with_rows(with_floats), "market", "a Decimal is needed"),
    "shows another market": (
        with_rows(lambda found: MarketRow("abcusd.jex", found.row)),
        "market",
        "not among its markets",
    ),
    "fails in its feed": (with_rows(fails), "market", "LookupError"),
    "breaks its feed": (with_rows(breaks), "market", "nothing was wrong"),
}
"""The bugs by name: the adapter, the rule that it breaks, and words of what is told."""
