"""One connection to the paper venue: a queue of reports, bounded, and the way in for requests."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence

import trio

from fsm_ems.brokers.paper.engine import PaperEngine
from fsm_ems.errors import BrokerFault, EMSError
from fsm_ems.messages import Request, VenueReport

IN_FLIGHT_MAX = 10_000
"""How many requests may be on their way; sending a further one waits."""

Break = str | EMSError
"""Why a stream is broken: in words, where the link is lost and may be tried again, or an error for who opened
it, such as a tape that is not there.
"""


def broken(why: Break) -> EMSError:
    """What is raised where a stream is broken: made anew from words, for one that is raised again and again
    keeps every frame that it came through.
    """
    return BrokerFault(why) if isinstance(why, str) else why


class PaperDialogue:
    """One connection to the paper venue: requests out, reports in, each in order."""

    def __init__(self, engine: PaperEngine, wake: Callable[[], None], buffer: int) -> None:
        self._engine = engine
        self._wake = wake
        self._buffer = buffer
        self._reports: deque[VenueReport] = deque()
        self._broken: Break | None = None
        self._changed = trio.Event()

    async def send(self, request: Request) -> None:
        """Hand *request* to the venue. It arrives after the venue's latency.

        Raises:
            BrokerFault: the stream is broken.
            EMSError: what a feed raised that was not the line's doing.
        """
        await trio.lowlevel.checkpoint()
        while self._broken is None and self._engine.in_flight >= IN_FLIGHT_MAX:
            await self._changed.wait()
        self._check()
        self._engine.send(request)
        self._wake()

    async def receive(self) -> VenueReport:
        """The next report.

        Raises:
            BrokerFault: the stream is broken, and all that came before was received.
            EMSError: so it is, by what a feed raised that was not the line's doing.
        """
        await trio.lowlevel.checkpoint()
        while not self._reports:
            self._check()
            await self._changed.wait()
        report = self._reports.popleft()
        self._move()
        return report

    def put(self, reports: Sequence[VenueReport]) -> None:
        """Reports of one row or of what time brought; requests may have arrived for it."""
        self._reports.extend(reports)
        self._move()

    async def room(self) -> None:
        """Return once fewer reports wait than the buffer may hold."""
        await trio.lowlevel.checkpoint()
        while len(self._reports) >= self._buffer:
            await self._changed.wait()

    def break_off(self, why: Break) -> None:
        """The stream is broken from here on."""
        self._broken = why
        self._move()

    def _check(self) -> None:
        if self._broken is not None:
            raise broken(self._broken)

    def _move(self) -> None:
        self._changed.set()
        self._changed = trio.Event()
