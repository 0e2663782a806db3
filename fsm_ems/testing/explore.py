"""``python -m fsm_ems.testing.explore``: search everything that can happen to an order within bounds.

The real dispatcher is driven by three kinds of surroundings: an honest venue behind a bad network, a venue
that says anything at any time, and two owners at one broker. Each scene is searched until nothing new is
found. What is told: situations and transitions, the rows of the order table that were taken, and the time.
The exit code is 1 when a promise was broken (the shortest path to it is printed), when a row of the table
was never taken, or when a scene's bounds were not exhausted.

By default only scenes are searched that end soon, which together take every row; ``--only`` names any.
``--soak`` searches all of them, and more, with wider bounds: more than a million situations; with ``--only``
it takes those too that are too wide to end. ``--mutants`` plants bugs instead, one at a time, and exits with
1 unless each of them is caught.

``--crashes`` searches what happens around a process that dies: a journal with a durable mark, owners that try
again, clocks that differ, a venue that answers late; more than a million situations. ``--crashes --mutants``
plants protocols that are known to be broken, and prints the shortest path to what each of them breaks.
"""

from __future__ import annotations

import argparse
import gc
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed

from fsm_ems.machines.order import ORDER
from fsm_ems.testing.bounds import ENDLESS, LONGER, Overrides, known_bounds, scenes
from fsm_ems.testing.mutants import Caught, hunt, mutants
from fsm_ems.testing.restart_mutants import CRASH_MUTANTS, hunt_crash
from fsm_ems.testing.restart_scenes import restart_scenes
from fsm_ems.testing.search import Edge, Found, Search

ROWS: frozenset[Edge] = frozenset((row.source.value, row.event.value) for row in ORDER.rows)


def _tell_progress(found: Found, states: int) -> None:
    seen = f"{states:,} states, depth {found.depth}, {found.waiting:,} to go"
    print(f"  … {found.scene}: {seen}", file=sys.stderr, flush=True)


def search(
    name: str, *, soak: bool = False, overrides: Overrides | None = None, states_max: int = 10**9
) -> Found:
    """Search one scene; one with crashes has no other bounds to soak."""
    gc.disable()  # situations come by the million and hold no circles: counting references frees them all
    try:
        with_crashes = restart_scenes().get(name)
        if with_crashes is not None:
            return Search(with_crashes(), states_max=states_max, progress=_tell_progress).run()
        scene = scenes(soak=soak, overrides=overrides)[name]()
        return Search(scene, states_max=states_max, progress=_tell_progress).run()
    finally:
        gc.enable()


def _in_parallel(names: Sequence[str], arguments: argparse.Namespace) -> Iterator[Found]:
    """Each scene in a process of its own, as many at a time as there are workers; as they are done."""
    overrides, states_max = dict(arguments.bound), arguments.states_max
    if arguments.workers == 1:
        for name in names:
            yield search(name, soak=arguments.soak, overrides=overrides, states_max=states_max)
        return
    with ProcessPoolExecutor(arguments.workers) as pool:
        running = [
            pool.submit(search, name, soak=arguments.soak, overrides=overrides, states_max=states_max)
            for name in names
        ]
        for done in as_completed(running):
            yield done.result()


def missing_rows(edges: Iterable[Edge]) -> list[Edge]:
    """The rows of the order table that are not among *edges*."""
    return sorted(ROWS.difference(edges))


def _tell(found: Found) -> None:
    verdict = "broken" if found.breach else "all" if found.exhausted else "cut off"
    print(
        f"{found.scene:<28} {found.states:>9,} states {found.transitions:>11,} transitions "
        f"depth {found.depth:>3} {found.seconds:>7.1f} s  {verdict}",
        flush=True,
    )
    if found.breach:
        print(f"\n  BROKEN {found.breach}\n  the shortest path:")
        for number, step in enumerate(found.path, 1):
            print(f"  {number:>3}. {step}")
        print(flush=True)


def _explore(arguments: argparse.Namespace) -> int:
    by_name = ENDLESS if arguments.soak else LONGER
    names = arguments.only or [name for name in _known(arguments) if name not in by_name]
    began, edges, results = time.monotonic(), set[Edge](), list[Found]()
    for found in _in_parallel(names, arguments):
        _tell(found)
        edges |= found.edges
        results.append(found)
    some = arguments.only or arguments.bound or arguments.crashes
    missing = [] if some else missing_rows(edges)
    states, transitions = (
        sum(found.states for found in results),
        sum(found.transitions for found in results),
    )
    print(
        f"\n{len(results)} scenes: {states:,} states, {transitions:,} transitions, "
        f"{len(edges & ROWS)} of {len(ROWS)} rows of the order table "
        f"({100 * len(edges & ROWS) / len(ROWS):.0f} %), {time.monotonic() - began:.1f} s"
    )
    for source, event in missing:
        print(f"never taken: {event} in {source}")
    broken = sum(found.breach is not None for found in results)
    cut_off = [found.scene for found in results if not found.exhausted and found.breach is None]
    if cut_off:
        print(f"not searched to the end: {', '.join(cut_off)}")
    print("no promise is broken" if not broken else f"promises are broken in {broken} scenes")
    return int(bool(broken or missing or cut_off))


def _hunt_mutants(arguments: argparse.Namespace) -> int:
    names = arguments.only or _known(arguments)
    began, survivors = time.monotonic(), 0
    with ProcessPoolExecutor(arguments.workers) as pool:
        for caught in pool.map(hunt_crash if arguments.crashes else hunt, names):
            survivors += caught.check is None
            _tell_mutant(caught)
            for number, step in enumerate(caught.path if arguments.crashes else (), 1):
                print(f"  {number:>3}. {step}", flush=True)
    print(f"\n{len(names) - survivors} of {len(names)} planted bugs caught, {time.monotonic() - began:.1f} s")
    return int(bool(survivors))


def _tell_mutant(caught: Caught) -> None:
    if caught.check is None:
        print(f"{caught.name:<44} SURVIVED {caught.states:,} states", flush=True)
    else:
        print(f"{caught.name:<44} {caught.states:>7,} states, {caught.scene}: {caught.check}", flush=True)


def _known(arguments: argparse.Namespace) -> list[str]:
    """What ``--only`` may name."""
    if arguments.crashes:
        return [one.name for one in CRASH_MUTANTS] if arguments.mutants else list(restart_scenes())
    return [one.name for one in mutants()] if arguments.mutants else list(scenes(soak=arguments.soak))


def _bound(text: str) -> tuple[str, int]:
    name, _, number = text.partition("=")
    if name not in known_bounds() or not number.isdigit():
        raise argparse.ArgumentTypeError(f"{text}: a bound is NAME=NUMBER, with {', '.join(known_bounds())}")
    return name, int(number)


def parser() -> argparse.ArgumentParser:
    """What the command line may say."""
    made = argparse.ArgumentParser(
        prog="python -m fsm_ems.testing.explore",
        description="Search everything that can happen to an order within bounds.",
    )
    made.add_argument(
        "--soak", action="store_true", help="more scenes and wider bounds: a million situations"
    )
    made.add_argument("--mutants", action="store_true", help="plant bugs, and see each of them caught")
    made.add_argument(
        "--crashes", action="store_true", help="scenes in which the process dies: a million situations"
    )
    made.add_argument("--list", action="store_true", help="name the scenes, or with --mutants the bugs")
    made.add_argument("--only", action="append", metavar="NAME", help="this scene or bug; may be repeated")
    made.add_argument("--workers", type=int, default=2, metavar="N", help="processes at a time (2)")
    made.add_argument("--states-max", type=int, default=10**9, metavar="N", help="stop a scene there")
    made.add_argument(
        "--bound",
        action="append",
        type=_bound,
        default=[],
        metavar="NAME=N",
        help="how often something may happen, in all scenes: " + ", ".join(known_bounds()),
    )
    return made


def main(argv: Sequence[str] | None = None) -> int:
    """Run what the command line asks for; the exit code."""
    arguments = parser().parse_args(argv)
    known = _known(arguments)
    if arguments.list:
        print("\n".join(known))
        return 0
    for name in arguments.only or ():
        if name not in known:
            print(
                f"no {'bug' if arguments.mutants else 'scene'} is called {name}; see --list", file=sys.stderr
            )
            return 2
    return _hunt_mutants(arguments) if arguments.mutants else _explore(arguments)


if __name__ == "__main__":
    sys.exit(main())
