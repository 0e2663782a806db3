"""A promise that was broken."""

from __future__ import annotations


class Breach(AssertionError):
    """*promise* names what was broken (P1 to P14 of the house plan), *why* tells how."""

    def __init__(self, promise: str, why: str) -> None:
        super().__init__(f"{promise}: {why}")
        self.promise = promise
        self.why = why
