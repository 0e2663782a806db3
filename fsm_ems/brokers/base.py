"""What every broker is to the EMS: one two-way stream of requests and reports.

A backend is found by its name, the last part of a market's address. The paper engine stands behind the
same two protocols as a real venue, so nothing in the EMS can tell them apart.
"""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Protocol

from fsm_ems.dialogs.settings import Capabilities
from fsm_ems.messages import Report, Request


class TradesDialogue(Protocol):
    """An open stream: requests out, reports in, each in order."""

    async def send(self, request: Request) -> None:
        """Hand *request* to the broker. Returning proves nothing about its outcome.

        Raises:
            BrokerFault: the stream is broken.
        """
        ...

    async def receive(self) -> Report:
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

    def open_trades_dialogue(self) -> AbstractAsyncContextManager[TradesDialogue]:
        """Connect. Entered once for each connection; leaving it disconnects."""
        ...
