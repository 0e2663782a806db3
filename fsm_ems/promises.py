"""What leaves only once its record is durable, in the order in which it was decided.

A log that writes in another thread is behind by a sync. Nothing that follows from a record may be seen
outside before the disk has it: not a request, not a status, not an answer. It waits here, and leaves when
the log says how far it has come. When the log halts, nothing leaves any more.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from heapq import heappop, heappush
from itertools import count
from time import monotonic
from typing import NamedTuple

import trio

from fsm_ems.audience import Answered, Resumed
from fsm_ems.dialogs.record import Effect, Send
from fsm_ems.errors import EMSBug, LogHalted
from fsm_ems.journal.base import RecordLog
from fsm_ems.operator_log import operator_log

STAGED_MAX = 10_000
"""Records that may wait for the disk before commands and reports wait as well."""
SLOW_S = 0.25
"""A disk that lets a record wait longer is slow, and the operator is told."""
STUCK_S = 2.0
"""One that lets it wait longer than this is stuck: until it has it, no new order is taken."""

Due = Effect | Answered | Resumed


class _Held(NamedTuple):
    """What is due once the log is durable up to *seq*; it waits since *since_s*."""

    seq: int
    due: Sequence[Due]
    since_s: float


def _nobody(_: object) -> None:
    """Nobody watches."""


class Promises:
    """Holds what is due until *log* is durable up to it, and hands it to *release*, in order.

    Made, used and told of the log's progress inside one trio run, whichever thread the log tells from.
    *seq* is as far as everything was released. *halt* is called once if the log halts, or *release* fails;
    *halted* tells why.
    """

    def __init__(
        self,
        log: RecordLog,
        release: Callable[[Sequence[Due]], None],
        halt: Callable[[], None],
        *,
        now_s: Callable[[], float] = monotonic,
    ) -> None:
        """*now_s* counts real seconds, whatever clock the EMS runs on: a disk works by no other."""
        self.seq = log.durable_seq
        self.halted = ""
        self._bug: Exception | None = None
        self._log = log
        self._release = release
        self._halt = halt
        self._now_s = now_s
        self._slow = False
        self._held: deque[_Held] = deque()
        self._waiting: list[tuple[int, int, trio.Event]] = []
        self._numbers = count()
        token = trio.lowlevel.current_trio_token()

        def durable(_: int) -> None:
            with suppress(trio.RunFinishedError):  # nobody is left whom it could concern
                token.run_sync_soon(self._catch_up, idempotent=True)

        def halted(why: str) -> None:
            with suppress(trio.RunFinishedError):
                token.run_sync_soon(self._stop, why)

        log.watch(durable, halted)

    def hold(self, seq: int, due: Sequence[Due]) -> None:
        """Release *due* once the log is durable up to *seq*, which may be now."""
        if self.halted:
            return
        if self._held or self._log.durable_seq < seq:
            self._held.append(_Held(seq, due, self._now_s()))
            self._tell_pace()
        else:
            self.seq = seq
            self._release(due)

    @property
    def behind_s(self) -> float:
        """How many seconds the oldest of what is due has waited for the disk; 0 where nothing waits."""
        return self._now_s() - self._held[0].since_s if self._held else 0.0

    def _tell_pace(self) -> None:
        """Once when the disk becomes slow, and once when it has caught up.

        Asked when something happens, and not by the clock: what nobody waits for is late for nobody.
        """
        behind_s = self.behind_s
        if behind_s > SLOW_S and not self._slow:
            self._slow = True
            operator_log().warning("disk slow", behind_s=round(behind_s, 3))
        elif self._slow and not self._held:
            self._slow = False
            operator_log().info("disk in step again")

    async def durable(self, seq: int) -> None:
        """Return once everything due up to *seq* was released; at once where it was.

        Raises:
            LogHalted: it never will be.
        """
        while self.seq < seq:
            self.check()
            if not self._held and self._log.durable_seq >= seq:
                return  # nothing was due for the last ones
            event = trio.Event()
            heappush(self._waiting, (seq, next(self._numbers), event))
            await event.wait()

    async def settle(self, seq: int) -> None:
        """Return once everything due up to *seq* was released, or never will be."""
        with suppress(LogHalted, EMSBug):
            await self.durable(seq)

    def check(self) -> None:
        """Raise LogHalted where the log has halted, and EMSBug where what was due could not leave."""
        if self._bug is not None:
            raise EMSBug(self.halted) from self._bug
        if self.halted:
            raise LogHalted(self.halted)

    async def room(self, seq: int) -> None:
        """Return once fewer than :data:`STAGED_MAX` records before *seq* wait for the disk.

        Raises:
            LogHalted: they never will be fewer.
        """
        await self.durable(seq - STAGED_MAX)

    def drop_sends(self, broker: str) -> None:
        """The link that they were for is gone: what is held for *broker* is not sent any more."""
        for place, held in enumerate(self._held):
            kept = [one for one in held.due if not (isinstance(one, Send) and one.broker == broker)]
            self._held[place] = held._replace(due=kept)

    def forget(self) -> None:
        """Nobody is left whom the log's progress could concern."""
        self._log.watch(_nobody, _nobody)

    def _catch_up(self) -> None:
        if self.halted:
            return
        seq = self._log.durable_seq
        self._tell_pace()
        try:
            while self._held and self._held[0].seq <= seq:
                self._release(self._held.popleft().due)
        except Exception as bug:  # noqa: BLE001 -- trio calls this from outside every task, where nobody would catch it
            self._bug = bug
            self._end(f"what was due could not leave: {bug!r}")
            return
        self.seq = seq
        self._tell_pace()
        while self._waiting and self._waiting[0][0] <= seq:
            heappop(self._waiting)[2].set()

    def _stop(self, why: str) -> None:
        self._catch_up()
        if not self.halted:
            self._end(why)

    def _end(self, why: str) -> None:
        self.halted = why
        for _, _, event in self._waiting:
            event.set()
        self._halt()
