"""``python -m fsm_ems.testing.simulate --seeds N [--seed FIRST]``: the whole EMS against faults and a venue.

Each seed is one simulated run: owners, an observer and a hostile client; markets; the shipped dispatcher on a
log that the shipped codec writes and reads; the link; the paper venue, with a book of its own kept beside it.
A seeded scheduler decides what happens when and what goes wrong, so one seed is one run, to the last event.
The promises P1 to P14 of the house plan are checked as it goes. Then faults stop, and within 75 simulated
seconds EMS and venue must agree on every order, execution and position.

What is told: seeds, events and simulated hours, how many seeds met each fault, the rows of the order table
that were taken, the longest way to agreement. A seed that breaks a promise is told with the step, the
promise, what happened last, and how to run it again; the exit code is 1 then.

``--mutants`` plants bugs instead, one at a time, and exits with 1 unless each of them is caught.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial

from fsm_ems.testing.planted_simulated import Caught, hunt, planted
from fsm_ems.testing.search import Edge
from fsm_ems.testing.simulate_plan import Fault
from fsm_ems.testing.simulate_run import ROWS, SECONDS_MAX, Ran, run
from fsm_ems.testing.simulate_world import START_NS

LAST = 30
"""How many of the last things that happened are told of a seed that fails."""
_SECOND = 10**9


class Told:
    """What all seeds come to."""

    def __init__(self) -> None:
        self.seeds = self.events = self.seconds = self.orders = self.stated = self.agreed_s = 0
        self.injected: Counter[Fault] = Counter()
        self.met: Counter[Fault] = Counter()
        self.edges: set[Edge] = set()
        self.broken: list[int] = []

    def add(self, ran: Ran) -> None:
        """One more."""
        self.seeds += 1
        self.events += ran.events
        self.seconds += ran.seconds
        self.orders += ran.orders
        self.stated += ran.stated
        self.agreed_s = max(self.agreed_s, ran.agreed_s)
        self.injected.update(ran.faults)
        self.met.update(ran.faults.keys())
        self.edges |= ran.edges
        if ran.breach is not None:
            self.broken.append(ran.seed)

    def lines(self, took_s: int) -> Iterator[str]:
        """In words."""
        for fault in Fault:
            share = 100 * self.met[fault] // self.seeds
            yield f"{fault.value:<26} {self.injected[fault]:>12,} times, in {share:>3} % of the seeds"
        rows = len(self.edges & ROWS)
        yield ""
        yield (
            f"{self.seeds:,} seeds, {self.events:,} events, {self.seconds // 3600:,} simulated hours, "
            f"{self.orders:,} orders at the venue, {sum(self.injected.values()):,} faults"
        )
        yield (
            f"{rows} of {len(ROWS)} rows of the order table; all agreed at most {self.agreed_s} s after the "
            f"last fault; {took_s} s, {self.events // max(took_s, 1):,} events a second"
        )
        yield (
            f"{self.stated} orders had a size stated of which a bust undid what nobody saw: the known limit, "
            "not compared"
        )
        broken = ", ".join(map(str, self.broken))
        yield f"promises are broken by seeds {broken}" if broken else "no promise is broken"


def failure(ran: Ran, seconds_max: int) -> Iterator[str]:
    """What a seed that broke a promise has to tell."""
    again = f"python -m fsm_ems.testing.simulate --seed {ran.seed} --seeds 1 --seconds {seconds_max}"
    yield f"seed {ran.seed}, step {ran.events}: BROKEN {ran.breach}"
    yield f"  again: {again}"
    for number, time_ns, what in ran.recent[-LAST:]:
        passed_ns = time_ns - START_NS
        yield f"  {number:>7} {passed_ns // _SECOND:>5}.{passed_ns % _SECOND // 10**6:03} {what}"


def _each(arguments: argparse.Namespace) -> Iterable[Ran]:
    one = partial(run, seconds_max=arguments.seconds)
    seeds = range(arguments.seed, arguments.seed + arguments.seeds)
    if arguments.workers == 1:
        yield from map(one, seeds)
        return
    with ProcessPoolExecutor(arguments.workers) as pool:
        yield from pool.map(one, seeds, chunksize=8)


def _simulate(arguments: argparse.Namespace) -> int:
    began, told = time.monotonic(), Told()
    for ran in _each(arguments):
        told.add(ran)
        if ran.breach is not None:
            print("\n".join(failure(ran, arguments.seconds)), flush=True)
        elif arguments.trace:
            print(f"seed {ran.seed}: {ran.events:,} events, trace {ran.trace}", flush=True)
        if told.seeds % 1_000 == 0:
            print(f"  … {told.seeds:,} seeds, {told.events:,} events", file=sys.stderr, flush=True)
    print("\n".join(told.lines(int(time.monotonic() - began))))
    return int(bool(told.broken))


def _hunt(arguments: argparse.Namespace) -> int:
    names = arguments.only or [bug.name for bug in planted()]
    survivors = 0
    with ProcessPoolExecutor(arguments.workers) as pool:
        for caught in pool.map(hunt, names):
            survivors += caught.breach is None
            _tell_caught(caught)
    print(f"\n{len(names) - survivors} of {len(names)} planted bugs caught")
    return int(bool(survivors))


def _tell_caught(caught: Caught) -> None:
    if caught.breach is None:
        print(f"{caught.name:<34} SURVIVED {caught.seeds} seeds", flush=True)
    else:
        print(f"{caught.name:<34} seed {caught.seed}: {caught.breach}", flush=True)


def _some(text: str) -> int:
    if not text.isdigit() or not int(text):
        raise argparse.ArgumentTypeError(f"{text}: a whole number above zero is needed")
    return int(text)


def parser() -> argparse.ArgumentParser:
    """What the command line may say."""
    made = argparse.ArgumentParser(
        prog="python -m fsm_ems.testing.simulate",
        description="Run the whole EMS against a simulated venue, links, disk and clock, faults included.",
    )
    made.add_argument("--seeds", type=_some, default=100, metavar="N", help="how many (100)")
    made.add_argument("--seed", type=int, default=0, metavar="FIRST", help="the first one (0)")
    made.add_argument(
        "--seconds",
        type=_some,
        default=SECONDS_MAX,
        metavar="S",
        help=f"how long faults last at most in a seed, simulated ({SECONDS_MAX})",
    )
    made.add_argument(
        "--workers", type=_some, default=os.cpu_count() or 1, metavar="N", help="processes at a time"
    )
    made.add_argument("--trace", action="store_true", help="print each seed's trace hash")
    made.add_argument("--mutants", action="store_true", help="plant bugs, and see each of them caught")
    made.add_argument("--only", action="append", metavar="NAME", help="this bug; may be repeated")
    return made


def main(argv: Sequence[str] | None = None) -> int:
    """Run what the command line asks for; the exit code."""
    arguments = parser().parse_args(argv)
    known = [bug.name for bug in planted()]
    for name in arguments.only or ():
        if name not in known:
            print(f"no bug is called {name}; there are: {', '.join(known)}", file=sys.stderr)
            return 2
    return _hunt(arguments) if arguments.mutants else _simulate(arguments)


if __name__ == "__main__":
    sys.exit(main())
