"""What many seeds of the simulation come to, in words and numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from fsm_ems.testing.search import Edge
from fsm_ems.testing.simulate_faults import Fault
from fsm_ems.testing.simulate_run import LINK_ROWS, ROWS, Ran
from fsm_ems.testing.simulate_world import START_NS

LAST = 30
"""How many of the last things that happened are told of a seed that fails."""
_SECOND = 10**9


class Told:
    """What all seeds come to. *broken* are those that broke a promise."""

    def __init__(self) -> None:
        self.seeds = self.events = self.seconds = self.orders = self.stated = self.agreed_s = self.pairs = 0
        self.injected: Counter[Fault] = Counter()
        self.met: Counter[Fault] = Counter()
        self.edges: set[Edge] = set()
        self.link_edges: set[Edge] = set()
        self.broken: list[int] = []

    def add(self, ran: Ran) -> None:
        """One more."""
        self.seeds += 1
        self.events += ran.events
        self.seconds += ran.seconds
        self.orders += ran.orders
        self.stated += ran.stated
        self.pairs += ran.venues > 1
        self.agreed_s = max(self.agreed_s, ran.agreed_s)
        self.injected.update(ran.faults)
        self.met.update(ran.faults.keys())
        self.edges |= ran.edges
        self.link_edges |= ran.link_edges
        if ran.breach is not None:
            self.broken.append(ran.seed)

    def below(self, percent: int) -> list[Fault]:
        """The kinds of fault that struck in less than so many of a hundred seeds."""
        return [fault for fault in Fault if 100 * self.met[fault] < percent * self.seeds]

    def lines(self, took_s: int) -> Iterator[str]:
        """All of it."""
        yield f"{'fault':<36} {'times':>12} {'seeds':>8} {'%':>6}"
        for fault in Fault:
            share = 100 * self.met[fault] / self.seeds
            yield f"{fault.value:<36} {self.injected[fault]:>12,} {self.met[fault]:>8,} {share:>6.1f}"
        yield ""
        yield from _rows("order", ROWS, self.edges)
        yield from _rows("link", LINK_ROWS, self.link_edges)
        yield (
            f"{self.seeds:,} seeds, {self.events:,} events, {self.seconds // 3600:,} simulated hours, "
            f"{self.orders:,} orders at the venues, {sum(self.injected.values()):,} faults"
        )
        yield (
            f"two venues in {100 * self.pairs / self.seeds:.1f} % of the seeds; all agreed at most "
            f"{self.agreed_s} s after the last fault; {took_s} s, "
            f"{self.events // max(took_s, 1):,} events a second"
        )
        yield (
            f"{self.stated} orders had a size stated of which a bust undid what nobody saw: the known limit, "
            "not compared"
        )
        broken = ", ".join(map(str, self.broken))
        yield f"promises are broken by seeds {broken}" if broken else "no promise is broken"


def _rows(table: str, rows: frozenset[Edge], taken: Iterable[Edge]) -> Iterator[str]:
    """How many rows of a table were taken, and by event the states from which one was not."""
    missing = sorted((event, state) for state, event in rows.difference(taken))
    yield f"{len(rows) - len(missing)} of {len(rows)} rows of the {table} table"
    for event in dict.fromkeys(event for event, _ in missing):
        states = ", ".join(state for other, state in missing if other == event)
        yield f"  never {event} in {states}"


def failure(ran: Ran, seconds_max: int) -> Iterator[str]:
    """What a seed that broke a promise has to tell."""
    again = f"python -m fsm_ems.testing.simulate --seed {ran.seed} --seeds 1 --seconds {seconds_max}"
    yield f"seed {ran.seed}, step {ran.events}: BROKEN {ran.breach}"
    yield f"  again: {again}"
    for number, time_ns, what in ran.recent[-LAST:]:
        passed_ns = time_ns - START_NS
        yield f"  {number:>7} {passed_ns // _SECOND:>5}.{passed_ns % _SECOND // 10**6:03} {what}"
