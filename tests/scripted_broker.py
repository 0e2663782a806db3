"""A broker whose venue is the test: it says what is reported, and sees what was sent."""

from __future__ import annotations

import math
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from decimal import Decimal
from types import MappingProxyType

import trio

from fsm_ems.dialogs.settings import Capabilities
from fsm_ems.errors import BrokerFault
from fsm_ems.market import Market
from fsm_ems.messages import Report, Request
from fsm_ems.quotes import MarketRow


class ScriptedDialogue:
    """One connection; it breaks when the test says so."""

    def __init__(self, sent: trio.MemorySendChannel[Request]) -> None:
        self._sent = sent
        self.to_ems, self._reports = trio.open_memory_channel[Report](math.inf)

    async def send(self, request: Request) -> None:
        """Let the test see *request*."""
        await self._sent.send(request)

    async def receive(self) -> Report:
        """What the test reported next."""
        try:
            return await self._reports.receive()
        except trio.EndOfChannel:
            raise BrokerFault("the test broke the link") from None


class ScriptedMarket:
    """One opening of the market feed; it breaks when the test says so."""

    def __init__(self, rows: trio.MemoryReceiveChannel[MarketRow]) -> None:
        self._rows = rows

    def __aiter__(self) -> ScriptedMarket:
        return self

    async def __anext__(self) -> MarketRow:
        try:
            return await self._rows.receive()
        except trio.EndOfChannel:
            raise BrokerFault("the test broke the feed") from None


class ScriptedBroker:
    """Stands where a venue stands. *refusals* connections fail before one succeeds, and so many openings of
    the market as *market_refusals* is set to.
    """

    name = "paper"
    capabilities = Capabilities()
    markets: Mapping[str, Market] = MappingProxyType(
        {"xbtusd.paper": Market("xbtusd.paper", "xbt", "usd", Decimal("0.5"), Decimal("0.1"))}
    )

    def __init__(self, refusals: int = 0) -> None:
        self.refusals = refusals
        self.connections = 0
        self.market_refusals = 0
        self.openings = 0
        self._sent, self.sent = trio.open_memory_channel[Request](math.inf)
        self.dialogue: ScriptedDialogue | None = None
        self.show: trio.MemorySendChannel[MarketRow] | None = None

    @asynccontextmanager
    async def open_market(self) -> AsyncGenerator[ScriptedMarket]:
        """What the test shows, from here on, unless the test refuses."""
        await trio.lowlevel.checkpoint()
        self.openings += 1
        if self.market_refusals:
            self.market_refusals -= 1
            raise BrokerFault("no market today")
        self.show, rows = trio.open_memory_channel[MarketRow](math.inf)
        async with self.show, rows:
            yield ScriptedMarket(rows)

    @asynccontextmanager
    async def open_trades_dialogue(self) -> AsyncGenerator[ScriptedDialogue]:
        """Connect, unless the test refuses."""
        await trio.lowlevel.checkpoint()
        self.connections += 1
        if self.refusals:
            self.refusals -= 1
            raise BrokerFault("not today")
        self.dialogue = ScriptedDialogue(self._sent)
        yield self.dialogue

    def report(self, report: Report) -> None:
        """Tell the EMS something."""
        assert self.dialogue is not None
        self.dialogue.to_ems.send_nowait(report)

    def break_market(self) -> None:
        """The feed is gone."""
        assert self.show is not None
        self.show.close()

    def break_link(self) -> None:
        """The connection is gone."""
        assert self.dialogue is not None
        self.dialogue.to_ems.close()
