"""The scheduler of the simulation: one clock, one source of chance, one queue of what happens next.

Nothing else in a simulation knows the time or draws a number, so that a seed tells everything that happens.
"""

from __future__ import annotations

import heapq
import random
from collections import Counter, deque
from collections.abc import Callable
from hashlib import blake2b

from fsm_ems.testing.simulate_faults import Fault
from fsm_ems.testing.simulate_plan import SECOND, Plan, drawn

START_NS = 1_700_000_000 * SECOND
REMEMBERED = 400
"""How many of the last things that happened are kept, to be told of a seed that fails."""

Call = Callable[[], None]


class World:
    """What happens when. *healed*: faults have stopped."""

    def __init__(self, seed: int, seconds_max: int) -> None:
        self.rng = random.Random(seed)
        self.plan: Plan = drawn(self.rng, seconds_max)
        self.now_ns = START_NS
        self.healed = False
        self.events = 0
        self.faults: Counter[Fault] = Counter()
        self.recent: deque[tuple[int, int, str]] = deque(maxlen=REMEMBERED)
        self._queue: list[tuple[int, int, str, Call]] = []
        self._scheduled = 0
        self._trace = blake2b(digest_size=16)

    @property
    def trace(self) -> str:
        """A hash of everything that happened so far."""
        return self._trace.hexdigest()

    def note(self, what: str) -> None:
        """Something happened: it is part of the trace."""
        self.recent.append((self.events, self.now_ns, what))
        self._trace.update(b"%d %b\n" % (self.now_ns, what.encode()))

    def at(self, time_ns: int, name: str, call: Call) -> None:
        """Let *call* happen at *time_ns*, after what was asked for that time before."""
        self._scheduled += 1
        heapq.heappush(self._queue, (max(time_ns, self.now_ns), self._scheduled, name, call))

    def after(self, delay_ns: int, name: str, call: Call) -> None:
        """Let *call* happen in *delay_ns*."""
        self.at(self.now_ns + delay_ns, name, call)

    def between(self, least: int, most: int) -> int:
        """A whole number from *least* to *most*."""
        return self.rng.randrange(least, most + 1)

    def chance(self, fault: Fault) -> bool:
        """Whether *fault* strikes now, by the rate that was drawn for it."""
        permille = 0 if self.healed else self.plan.permille.get(fault, 0)
        if not permille or self.rng.randrange(1000) >= permille:
            return False
        self.faults[fault] += 1
        return True

    def recur(self, fault: Fault, strike: Callable[[], bool]) -> None:
        """Let *fault* happen again and again, as often as was drawn; *strike* says whether it did."""
        every_s = self.plan.every_s.get(fault)
        if every_s is None:
            return

        def now() -> None:
            if not self.healed:
                if strike():
                    self.faults[fault] += 1
                self.recur(fault, strike)

        self.after(self.between(1, 2 * every_s * 1000) * SECOND // 1000, fault, now)

    def run(self, until_ns: int) -> None:
        """Let everything happen that is due before *until_ns*."""
        queue = self._queue
        while queue and queue[0][0] <= until_ns:
            self.now_ns, _, name, call = heapq.heappop(queue)
            self.events += 1
            self._trace.update(b"%d %b\n" % (self.now_ns, name.encode()))
            call()
        self.now_ns = until_ns
