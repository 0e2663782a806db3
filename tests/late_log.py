"""A record log whose disk is the test: it says how far the records are durable, and when the disk is dead."""

from __future__ import annotations

from collections.abc import Callable

from fsm_ems.dialogs.record import Record
from fsm_ems.errors import LogHalted
from fsm_ems.journal.memory import MemoryLog


class LateLog(MemoryLog):
    """Nothing is durable until :meth:`sync`, but for what is appended while *behind* is False."""

    def __init__(self) -> None:
        super().__init__(keep=None)
        self.behind = False
        self._durable_seq = 0
        self._dead = ""
        self._told: tuple[Callable[[int], None], Callable[[str], None]] | None = None

    @property
    def durable_seq(self) -> int:
        """As far as the test said."""
        return self._durable_seq

    def watch(self, durable: Callable[[int], None], halted: Callable[[str], None]) -> None:
        """See :class:`~fsm_ems.journal.base.RecordLog`."""
        self._told = (durable, halted)

    def append(self, record: Record) -> None:
        """See :class:`~fsm_ems.journal.base.RecordLog`."""
        if self._dead:
            raise LogHalted(self._dead)
        super().append(record)
        if not self.behind:
            self._durable_seq = record.seq
            if self._told is not None:
                self._told[0](record.seq)

    def sync(self, count: int | None = None) -> None:
        """The next *count* records, or all, are durable now."""
        last = [*self][-1].seq
        self._durable_seq = last if count is None else min(last, self._durable_seq + count)
        assert self._told is not None
        self._told[0](self._durable_seq)

    def die(self, why: str) -> None:
        """Nothing is durable any more."""
        self._dead = why
        assert self._told is not None
        self._told[1](why)
