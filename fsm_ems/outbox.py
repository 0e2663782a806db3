"""What waits for one broker's link: requests leave in order, one at a time, and none past its deadline."""

from __future__ import annotations

from collections import deque

import trio

from fsm_ems.brokers.base import TradesDialogue
from fsm_ems.brokers.calls import sent
from fsm_ems.clock import Clock
from fsm_ems.dialogs.outward import request_of
from fsm_ems.dialogs.record import Send
from fsm_ems.operator_log import operator_log

QUEUED_MAX = 1_024
"""Sends that may wait for a link before commands wait for it."""


class Outbox:
    """The sends that are due to *broker*, on *clock*."""

    def __init__(self, broker: str, clock: Clock) -> None:
        self._broker = broker
        self._clock = clock
        self._waiting: deque[Send] = deque()
        self._is_sending = False
        self._changed = trio.Event()

    @property
    def is_full(self) -> bool:
        """Whether commands must wait."""
        return len(self._waiting) >= QUEUED_MAX

    @property
    def is_idle(self) -> bool:
        """Whether everything has left, or was dropped."""
        return not (self._waiting or self._is_sending)

    def put(self, send: Send) -> None:
        """*send* is due."""
        self._waiting.append(send)
        self.stir()

    def clear(self) -> None:
        """The link that they were for is gone, or nothing may leave any more."""
        self._waiting.clear()
        self.stir()

    def stir(self) -> None:
        """Whoever waits for the outbox, the sender or commands, looks again."""
        self._changed.set()
        self._changed = trio.Event()

    async def changed(self) -> None:
        """Return when there is something to look at."""
        await self._changed.wait()

    async def send_by(self, dialogue: TradesDialogue) -> None:
        """Send whatever is due, until the stream breaks.

        What a stalled loop, disk or socket held back past its deadline is not sent: a venue whose clock is
        behind might take it still. The order is asked about like any that got no answer.

        Raises:
            BrokerFault: it broke.
        """
        while True:
            while self._waiting:
                send = self._waiting.popleft()
                if self._clock() < send.deadline_ns:
                    self._is_sending = True
                    try:
                        await sent(self._broker, dialogue, request_of(send))
                    finally:
                        self._is_sending = False
                else:
                    operator_log().warning(
                        "not sent", broker=self._broker, reqid=send.reqid, why="its deadline has passed"
                    )
                self.stir()
            await self._changed.wait()
