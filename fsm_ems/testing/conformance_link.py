"""One connection to the adapter, held as the EMS holds it: a task that reads, and requests sent beside it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import trio

from fsm_ems.brokers.base import Broker, TradesDialogue
from fsm_ems.clock import Clock
from fsm_ems.testing.conformance_rules import Nonconformance
from fsm_ems.testing.conformance_sent import Sending


class Link:
    """A connection, the *number*-th, on *clock*. *received* are the reports that wait to be looked at.

    *fault* is what ``receive`` raised, *end* what came out of the connection as a whole.
    """

    def __init__(self, number: int, clock: Clock) -> None:
        self.number = number
        self._clock = clock
        self.received: list[object] = []
        self.fault: Exception | None = None
        self.end: Exception | None = None
        self.opened = trio.Event()
        self.closed = trio.Event()
        self.is_reading = True
        self.swallowed = False
        self._thrown: Exception | None = None
        self._left = trio.Event()
        self._resumed = trio.Event()
        self._receiving = trio.CancelScope()
        self._dialogue: TradesDialogue | None = None
        self._nursery: trio.Nursery | None = None

    @property
    def is_up(self) -> bool:
        """Whether it was opened and nothing said that it is over."""
        return self.opened.is_set() and not self.closed.is_set() and self.fault is None

    def reason(self) -> Exception:
        """Why it is over, as the EMS is told; raises Nonconformance where nobody is."""
        error = self.fault or self.end
        if error is None:
            raise Nonconformance("faults", "the connection ended, and nobody was told why")
        return error

    async def hold(self, broker: Broker) -> None:
        """Connect, and stay connected until told to leave."""
        try:
            async with broker.open_trades_dialogue() as dialogue:
                self._dialogue = dialogue
                async with trio.open_nursery() as nursery:
                    self._nursery = nursery
                    nursery.start_soon(self._read, dialogue)
                    self.opened.set()
                    await self._left.wait()
                    nursery.cancel_scope.cancel()
                self._throw()
            self.swallowed = self._thrown is not None
        except Exception as error:  # noqa: BLE001 -- whatever comes out is what the kit judges
            self.end = error
        finally:
            self.closed.set()

    def _throw(self) -> None:
        if self._thrown is not None:
            raise self._thrown

    async def _read(self, dialogue: TradesDialogue) -> None:
        while True:
            while not self.is_reading:
                await self._resumed.wait()
            with trio.CancelScope() as self._receiving:
                try:
                    report: object = await dialogue.receive()
                except Exception as error:  # noqa: BLE001 -- as above
                    self.fault = error
                    return
                self.received.append(report)

    def interrupt(self) -> None:
        """Cancel the call of ``receive`` that waits; another follows at once, while it reads."""
        self._receiving.cancel()

    def read(self, *, on: bool) -> None:
        """Stop reading, or go on."""
        self.is_reading = on
        if on:
            self._resumed.set()
            self._resumed = trio.Event()
        else:
            self.interrupt()

    def start(self, sending: Sending) -> None:
        """Hand a request to the adapter, in a task of its own."""
        assert self._nursery is not None, "it is open"
        self._nursery.start_soon(self._send, sending)

    async def _send(self, sending: Sending) -> None:
        assert self._dialogue is not None, "it is open"
        with sending.scope:
            try:
                await self._dialogue.send(sending.request)
            except Exception as error:  # noqa: BLE001 -- as above
                sending.fault = error
        sending.came_back_ns, sending.was_cut = self._clock(), sending.scope.cancelled_caught
        sending.done.set()

    async def receive_again(self) -> Exception | None:
        """What another call of ``receive`` raises after one has failed; None: it gives a report, or waits."""
        assert self._dialogue is not None, "it is open"
        with trio.move_on_after(60):
            try:
                await self._dialogue.receive()
            except Exception as error:  # noqa: BLE001 -- as above
                return error
        return None

    def leave(self, thrown: Exception | None) -> None:
        """End the connection, by *thrown* where the stream had broken, as the EMS does."""
        self._thrown = thrown
        self._left.set()


def leaves(error: BaseException) -> Iterator[BaseException]:
    """The errors of a group and of the groups in it; one that is none, itself."""
    if isinstance(error, BaseExceptionGroup):
        for inner in cast("BaseExceptionGroup[BaseException]", error).exceptions:
            yield from leaves(inner)
    else:
        yield error
