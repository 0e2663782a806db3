"""What the long checks of the command line share: work that is spread over processes, and its options."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from typing import TypeVar

_T = TypeVar("_T")
_R = TypeVar("_R")


def spread(workers: int, work: Callable[[_T], _R], on: Iterable[_T], *, at_once: int = 1) -> Iterable[_R]:
    """What *work* gives for each of *on*, in their order, by so many processes; one is this process.

    A process is handed *at_once* of them at a time.
    """
    if workers == 1:
        yield from map(work, on)
        return
    with ProcessPoolExecutor(workers) as pool:
        yield from pool.map(work, on, chunksize=at_once)


def above_zero(text: str) -> int:
    """The type of an option that takes a whole number above zero."""
    if not text.isdigit() or not int(text):
        raise argparse.ArgumentTypeError(f"{text}: a whole number above zero is needed")
    return int(text)


def add_workers(made: argparse.ArgumentParser) -> None:
    """The option ``--workers``: all cores unless given."""
    made.add_argument(
        "--workers", type=above_zero, default=os.cpu_count() or 1, metavar="N", help="processes at a time"
    )
