"""The clock of the shells: nanoseconds since the epoch that never go back."""

from __future__ import annotations

import time
from collections.abc import Callable

import trio

Clock = Callable[[], int]


class TrioClock:
    """Nanoseconds since the epoch: *start_ns* (None: wall time) when first read, then as trio counts."""

    def __init__(self, start_ns: int | None = None) -> None:
        self._start_ns = start_ns
        self._start_s: float | None = None

    def __call__(self) -> int:
        if self._start_ns is None:
            self._start_ns = time.time_ns()
        if self._start_s is None:
            self._start_s = trio.current_time()
        return self._start_ns + round((trio.current_time() - self._start_s) * 1_000_000_000)
