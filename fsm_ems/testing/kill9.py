"""``python -m fsm_ems.testing.kill9 --kills N [--seed FIRST]``: a real program, killed, again and again.

The program is an EMS on a journal, trading at a paper venue with a file of its own, both under load
(:mod:`fsm_ems.testing.kill9_life`). It is killed with SIGKILL, by itself before or after a named point (each
kind of write, sync, rename, request, report and status) or by its parent at any moment, started again on the
same folders, and killed there as well, often before its recovery is over. After each kill all that it had
promised must be there (:mod:`fsm_ems.testing.kill9_check`). Each folder sees some kills; then one life is
left alone, ends every order, and EMS, ledger, positions and venue must agree.

A kill leaves what was written to the operating system, synced or not: that nothing is lost without power is
for :mod:`fsm_ems.testing.crash_points` to show.

A life is a fork of this program, in which everything is loaded already: nothing may have started threads
before. The exit code is 1 if a promise is broken.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple, NoReturn

from fsm_ems.errors import LogFault
from fsm_ems.testing.breach import Breach
from fsm_ems.testing.kill9_check import Heard, Left
from fsm_ems.testing.kill9_life import Kill, Life
from fsm_ems.testing.workers import above_zero, add_workers, spread

KILLS_EACH = 8
"""Kills in one folder, before it is left in peace."""
LINES_MAX = 120
"""How much a life says at most before its parent kills it."""
ONE_IN = 4
"""So many lives are there to one that ends at random, and to one after which the journal is verified."""
AT_RANDOM = "at random"


class Points(NamedTuple):
    """What a life can be killed at: the *first* in a folder, one that goes on *again*, one that *ends*."""

    first: Sequence[str] = ()
    again: Sequence[str] = ()
    ends: Sequence[str] = ()

    def named(self) -> int:
        """How many there are."""
        return len({*self.first, *self.again, *self.ends})


class Ran(NamedTuple):
    """What one folder saw. *broken* tells of a promise that is."""

    seed: int
    kills: Counter[str]
    recovering: int
    promises: int
    records: int
    points: Points
    broken: str | None


class Plan(NamedTuple):
    """How one life is to end: killed at a point, or after so many *lines*; and what it does until then."""

    kill: Kill | None
    lines: int
    ends: bool = False


def _plans(seed: int, kills: int, points: Points) -> Iterator[Plan]:
    """How the lives in a folder end: all points in turn over the folders, one in four lives at random."""
    dice, last = random.Random(seed), kills - 1
    named = [number for number in range(1, last) if number % ONE_IN != 1]
    for number in range(kills):
        choice = points.first if not number else points.ends if number == last else points.again
        if not choice or (number not in named and 0 < number < last):
            yield Plan(None, dice.choice((1, 5, 20, 60, LINES_MAX)))
            continue
        place = seed * len(named) + named.index(number) if number in named else seed
        kill = Kill(
            ("before", "after")[place % 2], choice[place // 2 % len(choice)], dice.choice((1, 1, 1, 2, 3))
        )
        yield Plan(kill, LINES_MAX, ends=number == last)


class Farm:
    """The lives on one folder, and what they said."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder = folder
        self.heard = Heard()
        self._seed = seed
        self._lives = 0

    def live(self, plan: Plan) -> bool:
        """One life that is to be killed; whether it killed itself.

        Raises:
            Breach: it ended otherwise.
        """
        life = self._next(plan.kill)
        status, by_parent = self._run(life.heal if plan.ends else life.trade, life, plan.lines)
        if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL:
            return not by_parent
        if plan.ends and os.waitstatus_to_exitcode(status) == 0:
            return False  # it came to its end before it came to that point
        raise self._failed()

    def end(self) -> None:
        """A life that ends every order, and itself in order.

        Raises:
            Breach: it does not.
        """
        life = self._next(None)
        status, _ = self._run(life.heal, life, None)
        if os.waitstatus_to_exitcode(status):
            raise self._failed()

    def _next(self, kill: Kill | None) -> Life:
        self._lives += 1
        self.heard.life_begins()
        return Life(self.folder, f"{self._seed}-{self._lives}", kill)

    def _failed(self) -> Breach:
        return Breach("P10", "the program failed: " + "\n".join(self.heard.failed))

    def _run(self, what: Callable[[], None], life: Life, lines: int | None) -> tuple[int, bool]:
        process, pipe = _forked(what, life)
        by_parent = self._listen(process, pipe, lines)
        return os.waitpid(process, 0)[1], by_parent

    def _listen(self, process: int, pipe: int, lines: int | None) -> bool:
        """Hear all that it says; whether it had to be killed."""
        count, by_parent = 0, False
        with os.fdopen(pipe, "r", encoding="utf-8") as said:
            for line in said:
                self.heard.hear(line.rstrip("\n"))
                count += not line.startswith("point ")
                if count == lines and not by_parent:
                    by_parent = True
                    os.kill(process, signal.SIGKILL)
        return by_parent


def _forked(what: Callable[[], None], life: Life) -> tuple[int, int]:
    """A process that does *what*, and the pipe that it speaks to."""
    hears, speaks = os.pipe()
    process = os.fork()
    if not process:  # pragma: no cover -- is killed
        _be(what, life, hears, speaks)
    os.close(speaks)
    return process, hears


def _be(
    what: Callable[[], None], life: Life, hears: int, speaks: int
) -> NoReturn:  # pragma: no cover -- is killed
    """In the new process: do it, say what went wrong, and never come back."""
    code = 1
    try:
        os.close(hears)
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)
        life.say_to(lambda line: _say(speaks, line))
        what()
        code = 0
    except BaseException:  # noqa: BLE001 -- whatever it was, the parent must hear of it
        for line in traceback.format_exc().splitlines():
            _say(speaks, f"failed {line}")
    finally:
        os._exit(code)


def _say(pipe: int, line: str) -> None:  # pragma: no cover -- as above
    os.write(pipe, f"{line}\n".encode())


def chain(seed: int, *, kills: int, points: Points) -> Ran:
    """Kill so often on one folder, at *points* and at random, then let it end in peace."""
    done: Counter[str] = Counter()
    recovering, records, broken = 0, 0, None
    folder = Path(tempfile.mkdtemp(prefix="kill9-"))
    farm = Farm(folder, seed)
    try:
        for number, plan in enumerate(_plans(seed, kills, points)):
            # A life that does not come to its point is killed all the same, and that counts as at random.
            itself = farm.live(plan)
            done[
                f"{plan.kill.when} {plan.kill.named}" if plan.kill is not None and itself else AT_RANDOM
            ] += 1
            recovering += not farm.heard.is_ready
            left = Left(folder)
            left.check(farm.heard)
            if number % ONE_IN == 0 and left.records:
                left.verify()
        farm.end()
        left = Left(folder)
        left.check(farm.heard)
        left.verify()
        left.check_agreement()
        records = len(left.records)
    except (Breach, LogFault) as error:
        broken = f"seed {seed}, after {done.total()} kills: {error}; the folders are in {folder}"
    if broken is None:
        shutil.rmtree(folder)
    return Ran(seed, done, recovering, farm.heard.promises, records, _points_in(farm.heard), broken)


def _points_in(heard: Heard) -> Points:
    first, again, ends = heard.points[0], set[str]().union(*heard.points[1:-1]), heard.points[-1]
    return Points(sorted(first - again), sorted(again), sorted(ends - again))


def found_points(seed: int) -> Points:
    """The points of some lives on one folder that are killed at random.

    Raises:
        Breach: a promise is broken there already.
    """
    ran = chain(seed, kills=4, points=Points())
    if ran.broken is not None:
        raise Breach("P14", ran.broken)
    return ran.points


def _told(found: Sequence[Ran], points: Points, seconds: float) -> Iterator[str]:
    kills: Counter[str] = Counter()
    for ran in found:
        kills.update(ran.kills)
    named = kills.total() - kills[AT_RANDOM]
    yield (
        f"{kills.total():,} kills in {len(found):,} folders: {named:,} at {len(kills.keys() - {AT_RANDOM})} "
        f"of {2 * points.named()} named points, {kills[AT_RANDOM]:,} at random; "
        f"{sum(ran.recovering for ran in found):,} before recovery was over"
    )
    yield (
        f"{sum(ran.promises for ran in found):,} promises checked, {sum(ran.records for ran in found):,} "
        f"records; {seconds:.0f} s, {seconds / max(kills.total(), 1):.2f} s a kill"
    )
    broken = [ran.broken for ran in found if ran.broken is not None]
    yield f"{len(broken)} folders are broken" if broken else "no promise is broken"


def parser() -> argparse.ArgumentParser:
    """What the command line may say."""
    made = argparse.ArgumentParser(
        prog="python -m fsm_ems.testing.kill9",
        description="Kill a real program on real files, again and again, and see that it keeps its promises.",
    )
    made.add_argument("--kills", type=above_zero, default=100, metavar="N", help="how many, about (100)")
    made.add_argument("--seed", type=int, default=0, metavar="FIRST", help="the first folder's (0)")
    add_workers(made)
    made.add_argument("--points", action="store_true", help="print how often each point was died at")
    return made


def main(argv: Sequence[str] | None = None) -> int:
    """Run what the command line asks for; the exit code."""
    arguments = parser().parse_args(argv)
    began, found = time.monotonic(), list[Ran]()
    try:
        points = found_points(arguments.seed)
    except Breach as breach:
        print(f"BROKEN {breach}")
        return 1
    each = min(KILLS_EACH, arguments.kills)
    seeds = range(arguments.seed, arguments.seed + -(-arguments.kills // each))
    for ran in spread(arguments.workers, partial(chain, kills=each, points=points), seeds):
        found.append(ran)
        if ran.broken is not None:
            print(f"BROKEN {ran.broken}", flush=True)
        if len(found) % 25 == 0:
            print(f"  … {len(found)} folders", file=sys.stderr, flush=True)
    if arguments.points:
        kills = sum((ran.kills for ran in found), Counter[str]())
        for name, count in sorted(kills.items()):
            print(f"{count:>6} {name}")
    print("\n".join(_told(found, points, time.monotonic() - began)))
    return int(any(ran.broken is not None for ran in found))


if __name__ == "__main__":
    sys.exit(main())
