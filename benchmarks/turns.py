"""Two programs measured in turn: what else the machine has to do falls on both alike.

A round is short, so that hardly anything changes between one of ours and the peer's that follows it, and each
pair gives a ratio of its own.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from statistics import median, quantiles
from typing import NamedTuple

from benchmarks.replay import HERE, PEERS


class Turns(NamedTuple):
    """Rounds of ours and of the peer's, each in µs a life, in the order in which they were run."""

    ours: tuple[float, ...]
    theirs: tuple[float, ...]

    @property
    def ratios(self) -> tuple[float, ...]:
        """How many times ours the peer took, round by round."""
        return tuple(their / our for our, their in zip(self.ours, self.theirs, strict=True))

    @property
    def ratio(self) -> float:
        """The median of :attr:`ratios`."""
        return median(self.ratios)

    @property
    def spread(self) -> tuple[float, float]:
        """The ratio that a quarter of the rounds were below, and the one that a quarter were above."""
        lower, _, upper = quantiles(self.ratios, n=4)
        return lower, upper


@contextmanager
def _asked(script: str, *arguments: str) -> Iterator[Callable[[], float]]:
    """A peer that runs one round whenever it is called, and tells what that took."""
    command = [str(PEERS), str(HERE / "peers" / script), "--turns", *arguments]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as running:
        stdin, stdout = running.stdin, running.stdout
        assert stdin is not None, "it is a pipe"
        assert stdout is not None, "so is this"

        def one_round() -> float:
            stdin.write("\n")
            stdin.flush()
            return float(stdout.readline())

        yield one_round  # it ends when its input does, which leaving this closes


def take_turns(ours: Callable[[], float], rounds: int, script: str, *arguments: str) -> Turns:
    """*rounds* of *ours* and of the peer *script*, in turn, after one of each that does not count."""
    mine: list[float] = []
    others: list[float] = []
    with _asked(script, *arguments) as theirs:
        ours()
        theirs()
        for _ in range(rounds):
            mine.append(ours())
            others.append(theirs())
    return Turns(tuple(mine), tuple(others))
