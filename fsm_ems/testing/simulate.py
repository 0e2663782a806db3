"""``python -m fsm_ems.testing.simulate --seeds N [--seed FIRST]``: the whole EMS against faults and a venue.

Each seed is one simulated run: owners, an operator, an observer and a hostile client; markets; the shipped
dispatcher on a log that the shipped codec writes and reads; one or two links, each to a paper venue that is
restarted from its own facts, with a book of its own kept beside it. A seeded scheduler decides what happens
when and what goes wrong, so one seed is one run, to the last event. The promises P1 to P14 of the house plan
are checked as it goes (:mod:`fsm_ems.testing.simulate_oracle` lists where). Then faults stop, and within 75
simulated seconds EMS and venues must agree on every order, execution and position.

What is told: each kind of fault, how often it struck and in how many seeds; the rows of the order and link
tables that were taken, and which were not; seeds, events, simulated hours, the longest way to agreement. A
seed that breaks a promise is told with the step, the promise, what happened last, and how to run it again;
the exit code is 1 then, and also where ``--demand`` asks for more of some fault than there was.

``--mutants`` plants bugs instead, one at a time, and exits with 1 unless each of them is caught.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from functools import partial

from fsm_ems.testing.planted_simulated import Caught, hunt, planted
from fsm_ems.testing.simulate_run import SECONDS_MAX, run
from fsm_ems.testing.simulate_told import Told, failure
from fsm_ems.testing.workers import above_zero, add_workers, spread


def _simulate(arguments: argparse.Namespace) -> int:
    began, told = time.monotonic(), Told()
    one = partial(run, seconds_max=arguments.seconds)
    seeds = range(arguments.seed, arguments.seed + arguments.seeds)
    for ran in spread(arguments.workers, one, seeds, at_once=8):
        told.add(ran)
        if ran.breach is not None:
            print("\n".join(failure(ran, arguments.seconds)), flush=True)
        elif arguments.trace:
            print(f"seed {ran.seed}: {ran.events:,} events, trace {ran.trace}", flush=True)
        if told.seeds % 1_000 == 0:
            print(f"  … {told.seeds:,} seeds, {told.events:,} events", file=sys.stderr, flush=True)
    print("\n".join(told.lines(int(time.monotonic() - began))))
    rare = told.below(arguments.demand)
    for fault in rare:
        print(f"{fault.value}: in less than {arguments.demand} % of the seeds")
    return int(bool(told.broken or rare))


def _hunt(arguments: argparse.Namespace) -> int:
    names = arguments.only or [bug.name for bug in planted()]
    survivors = 0
    for caught in spread(arguments.workers, hunt, names):
        survivors += caught.breach is None
        _tell_caught(caught)
    print(f"\n{len(names) - survivors} of {len(names)} planted bugs caught")
    return int(bool(survivors))


def _tell_caught(caught: Caught) -> None:
    if caught.breach is None:
        print(f"{caught.name:<34} SURVIVED {caught.seeds} seeds", flush=True)
    else:
        print(f"{caught.name:<34} seed {caught.seed}: {caught.breach}", flush=True)


def parser() -> argparse.ArgumentParser:
    """What the command line may say."""
    made = argparse.ArgumentParser(
        prog="python -m fsm_ems.testing.simulate",
        description="Run the whole EMS against a simulated venue, links, disk and clock, faults included.",
    )
    made.add_argument("--seeds", type=above_zero, default=100, metavar="N", help="how many (100)")
    made.add_argument("--seed", type=int, default=0, metavar="FIRST", help="the first one (0)")
    made.add_argument(
        "--seconds",
        type=above_zero,
        default=SECONDS_MAX,
        metavar="S",
        help=f"how long faults last at most in a seed, simulated ({SECONDS_MAX})",
    )
    add_workers(made)
    made.add_argument(
        "--demand",
        type=int,
        default=0,
        metavar="PERCENT",
        help="fail unless each kind of fault strikes in so many of a hundred seeds",
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
