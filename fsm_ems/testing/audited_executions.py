"""What traded of one order, rebuilt from reports alone; part of :mod:`fsm_ems.testing.audited`."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from msgspec import Struct

from fsm_ems.messages import BrokerdCorrection, BrokerdFill

ZERO = Decimal(0)


class AuditedExecutions(Struct, eq=False, gc=False, kw_only=True):
    """Executions that count (*live*), and by what each moved a position and was *worth* when it was told.

    *gone* maps those that were undone, seen or not, to what stands for them; *stated* is the cumulative size
    that the venue named.
    """

    live: dict[str, Decimal] = {}
    moved: dict[str, Decimal] = {}
    worth: dict[str, Decimal] = {}
    gone: dict[str, str | None] = {}
    stated: Decimal = ZERO

    @property
    def booked(self) -> Decimal:
        """The sum of live executions."""
        return sum(self.live.values(), ZERO)

    @property
    def filled(self) -> Decimal:
        """What traded."""
        return max(self.booked, self.stated)

    def knows(self, exec_id: str) -> bool:
        """Whether that execution was booked here, or undone."""
        return exec_id in self.live or exec_id in self.gone

    def _successors(self, exec_id: str) -> Iterator[str]:
        successor = self.gone.get(exec_id)
        while successor is not None:
            yield successor
            successor = self.gone.get(successor)

    def _standing_for(self, exec_id: str) -> str | None:
        """The execution that counts in its place now; None when it was undone or never seen."""
        *_, last = (exec_id, *self._successors(exec_id))
        return last if last in self.live else None

    def book(self, report: BrokerdFill | BrokerdCorrection) -> None:
        """Count an execution in."""
        self.live[report.exec_id] = self.moved[report.exec_id] = report.size
        self.worth[report.exec_id] = report.size * report.price

    def _take_out(self, exec_id: str) -> Decimal | None:
        """Count an execution no more: its size now, None where it did not count."""
        self.moved.pop(exec_id, None)
        self.worth.pop(exec_id, None)
        return self.live.pop(exec_id, None)

    def bust(self, ref_id: str) -> None:
        """Undo an execution."""
        standing = self._standing_for(ref_id)
        if standing is None and ref_id in self.gone:
            return
        size = self._take_out(standing or ref_id)
        self.gone[standing or ref_id] = None
        if size is not None and self.stated:
            self.stated = max(self.stated - size, ZERO)

    def correct(self, report: BrokerdCorrection) -> None:
        """Put another execution in the place of one, or nothing where that other was told before."""
        over = report.exec_id in self.gone
        circle = over and report.ref_id in self._successors(report.exec_id)
        if circle or (over and report.ref_id in self.gone):
            return
        standing = self._standing_for(report.ref_id)
        if standing == report.exec_id or (standing is None and report.ref_id in self.gone):
            return
        size = self._take_out(standing or report.ref_id)
        self.gone[standing or report.ref_id] = report.exec_id
        new = ZERO if over or report.exec_id in self.live else report.size
        if new:
            self.book(report)
        if size is not None and self.stated:
            self.stated = max(self.stated + new - size, ZERO)

    def state_cum(self, cum: Decimal | None) -> None:
        """The venue names a cumulative size; only one above all that is known tells something."""
        if cum is not None and cum > self.stated and cum > self.booked:
            self.stated = cum
