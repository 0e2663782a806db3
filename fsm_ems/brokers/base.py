"""What every broker is to the EMS: one two-way stream of requests and reports.

A backend is found by its name, the last part of a market's address. The paper engine stands behind the
same two protocols as a real venue, so nothing in the EMS can tell them apart.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from fsm_ems.dialogs.settings import Capabilities
from fsm_ems.market import Market
from fsm_ems.messages import AnyReport, Request
from fsm_ems.quotes import MarketRow


class TradesDialogue(Protocol):
    """An open stream: requests out, reports in, each in order."""

    async def send(self, request: Request) -> None:
        """Hand *request* to the broker. Returning proves nothing about its outcome.

        Raises:
            BrokerFault: the stream is broken.
        """
        ...

    async def receive(self) -> AnyReport:
        """The next report.

        Raises:
            BrokerFault: the stream is broken; what was sent may or may not have arrived.
        """
        ...


class Broker(Protocol):
    """A broker backend."""

    @property
    def name(self) -> str:
        """The last part of its markets' addresses."""
        ...

    @property
    def capabilities(self) -> Capabilities:
        """What it can do."""
        ...

    @property
    def markets(self) -> Mapping[str, Market]:
        """Its markets by address, looked at when the EMS is opened. Where there are any, an order in another
        one is refused (``unknown_market``) for as long as it is open; where there are none every market is
        taken, whatever settings or an earlier opening named.
        """
        ...

    def open_market(self) -> AbstractAsyncContextManager[AsyncIterator[MarketRow]]:
        """Quotes and prints of its markets from here on; whoever reads too slowly misses the oldest.

        Raises:
            BrokerFault: the feed is broken, when opened or read.
        """
        ...

    def open_trades_dialogue(self) -> AbstractAsyncContextManager[TradesDialogue]:
        """Connect. Entered once for each connection; leaving it disconnects.

        Raises:
            BrokerFault: it cannot connect; any other exception is taken for a bug, and ends the EMS with a
                note that names the broker and the call.
        """
        ...
