"""Adapters of the JSON venue whose market feed breaks as it must not, or as it may."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, cast

import trio

from examples.json_broker import JexBroker, JexRows, Wire, line_faults, nonsense
from examples.test_json_broker import JexEnd
from fsm_ems.errors import BrokerFault, InvalidReport
from fsm_ems.quotes import MarketRow, Quote, Trade, check_row
from fsm_ems.testing.conformance import MakeVenue
from tests.testing.planted_adapters import with_broker


def unchecked(said: dict[str, Any]) -> MarketRow:
    """What is said as a row, whatever its numbers are."""
    market, numbers = f"{said['market']}.jex", [Decimal(number) for number in said["numbers"]]
    if said["is"] == "quote":
        return MarketRow(market, Quote(said["at"], *numbers))
    price, size = numbers
    return MarketRow(market, Trade(said["at"], price, size, said["side"], said["trade"]))


def row_of(said: dict[str, Any]) -> MarketRow:
    """A row as the honest adapter reads it."""
    return check_row("jex", *unchecked(said))


def with_rows(rows: type[JexRows]) -> MakeVenue:
    """A venue end whose adapter reads its feed so."""

    class PlantedMarket(JexBroker):
        @asynccontextmanager
        async def open_market(self) -> AsyncGenerator[JexRows]:
            async with self._open("market") as wire:
                yield rows(wire)

    return with_broker(lambda end: PlantedMarket(end._connect))


def with_market(broker: type[JexBroker]) -> MakeVenue:
    """A venue end with such an adapter."""
    return with_broker(lambda end: broker(end._connect))


# ── what must not be ────────────────────────────────────────────────────────────────────────────────


class RaisesItsSockets(JexBroker):
    """A feed that is refused raises what the socket raised."""

    @asynccontextmanager
    async def open_market(self) -> AsyncGenerator[JexRows]:
        async with self.connect("market") as wire:
            yield JexRows(wire)


@dataclass
class Greeted(JexRows):
    """The first text was read when the feed was opened."""

    first: MarketRow | None

    async def __anext__(self) -> MarketRow:
        if self.first is not None:
            first, self.first = self.first, None
            return first
        return await super().__anext__()


class TrustsTheGreeting(JexBroker):
    """It reads the first text when it opens the feed, and takes it for JSON."""

    @asynccontextmanager
    async def open_market(self) -> AsyncGenerator[JexRows]:
        async with self._open("market") as wire:
            with line_faults():
                text = await wire.receive()
            said = json.loads(text, parse_float=str)
            with nonsense(text):
                first = row_of(said)
            yield Greeted(wire, first)


class TrustsTexts(JexRows):
    """It takes whatever comes for JSON, and for a row."""

    async def __anext__(self) -> MarketRow:
        with line_faults():
            text = await self.wire.receive()
        return row_of(json.loads(text, parse_float=str))


class TrustsNumbers(JexRows):
    """It takes whatever is a Decimal for a price."""

    async def __anext__(self) -> MarketRow:
        with line_faults():
            text = await self.wire.receive()
        with nonsense(text):
            return unchecked(json.loads(text, parse_float=str))


class RaisesItsChannels(JexRows):
    """A feed that breaks raises what the wire raised."""

    async def __anext__(self) -> MarketRow:
        try:
            return await super().__anext__()
        except BrokerFault as error:
            raise error.__cause__ or error from None


class TellsBareQuotes(JexRows):
    """It leaves out of what market a row is."""

    async def __anext__(self) -> MarketRow:
        return cast("MarketRow", (await super().__anext__()).row)


class EndsWithItsWire(JexRows):
    """A feed that breaks is over."""

    async def __anext__(self) -> MarketRow:
        try:
            return await super().__anext__()
        except InvalidReport:
            raise
        except BrokerFault:
            raise StopAsyncIteration from None


class BearsAGrudge(JexBroker):
    """Who refused it once it calls no more."""

    was_refused = False

    @asynccontextmanager
    async def open_market(self) -> AsyncGenerator[JexRows]:
        if self.was_refused:
            raise BrokerFault("refused before")
        try:
            async with super().open_market() as rows:
                yield rows
        except BrokerFault as error:
            self.was_refused = isinstance(error.__cause__, ConnectionRefusedError)
            raise


class ListensInVain(JexBroker):
    """It says that it listens, whether the venue took the call or not."""

    @asynccontextmanager
    async def open_market(self) -> AsyncGenerator[JexRows]:
        with suppress(ConnectionRefusedError):
            async with self.connect("market") as wire:
                yield JexRows(wire)
                return
        yield cast("Any", Deaf())


class Deaf(AsyncIterator[MarketRow]):
    """No rows, ever."""

    async def __anext__(self) -> MarketRow:
        await trio.sleep_forever()
        raise StopAsyncIteration


FEED_BUGS: dict[str, tuple[MakeVenue, str, str]] = {
    "raises its socket's": (
        with_market(RaisesItsSockets),
        "feed refused",
        "ConnectionRefusedError came out of the feed",
    ),
    "trusts the greeting": (with_market(TrustsTheGreeting), "feed greeted", "JSONDecodeError came out of"),
    "trusts texts": (with_rows(TrustsTexts), "feed garbled", "KeyError came out of the feed"),
    "trusts numbers": (with_rows(TrustsNumbers), "feed garbled", "NaN is no finite number"),
    "raises its channel's": (with_rows(RaisesItsChannels), "feed dropped", "EndOfChannel came out of"),
    "tells bare quotes": (
        with_rows(TellsBareQuotes),
        "feed dropped",
        "a market and its row are needed, and Quote(",
    ),
    "ends with its wire": (with_rows(EndsWithItsWire), "feed dropped", "ended without a BrokerFault"),
    "bears a grudge": (with_market(BearsAGrudge), "feed refused", "was refused once, and fails for 60 s"),
    "listens in vain": (with_market(ListensInVain), "feed refused", "nobody listens any more"),
}
"""The bugs by name: the adapter, the drill that finds it, words of what is told."""


# ── what may be ─────────────────────────────────────────────────────────────────────────────────────


class PassesOverNonsense(JexRows):
    """What is no row it leaves out."""

    async def __anext__(self) -> MarketRow:
        while True:
            with suppress(InvalidReport):
                return await super().__anext__()


class TellsPlainPairs(JexRows):
    """A market and its row, and no MarketRow."""

    async def __anext__(self) -> MarketRow:
        return cast("MarketRow", tuple(await super().__anext__()))


class OpensItAgain(JexBroker):
    """It calls a feed that broke anew by itself: rows alone are missed by that."""

    @asynccontextmanager
    async def open_market(self) -> AsyncGenerator[JexRows]:
        put, get = trio.open_memory_channel[MarketRow](100)

        class Buffered(JexRows):
            async def __anext__(self) -> MarketRow:
                return await get.receive()

        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._pump, put)
            yield Buffered(cast("Wire", None))
            nursery.cancel_scope.cancel()

    async def _pump(self, put: trio.MemorySendChannel[MarketRow]) -> None:
        while True:
            with suppress(BrokerFault):
                async with super().open_market() as rows:
                    async for row in rows:
                        await put.send(row)
            await trio.sleep(3)


class WaitsForARow(JexBroker):
    """A feed is open when its first row is there."""

    @asynccontextmanager
    async def open_market(self) -> AsyncGenerator[JexRows]:
        async with super().open_market() as rows:
            yield Greeted(rows.wire, await anext(rows))


class OneWireEnd(JexEnd):
    """Its feed ends with the connection of the orders alone; a new one can be refused or garbled."""

    def drop_market(self) -> bool:
        return False


HONEST_FEEDS: dict[str, MakeVenue] = {
    "passes over nonsense": with_rows(PassesOverNonsense),
    "opens it again": with_market(OpensItAgain),
    "waits for a row": with_market(WaitsForARow),
    "tells plain pairs": with_rows(TellsPlainPairs),
    "has no way to drop it": lambda clock: OneWireEnd(),
}
