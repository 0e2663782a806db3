"""What the auditor notes of an order's edits and its wait; part of :mod:`fsm_ems.testing.audited`."""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from msgspec import Struct

from fsm_ems.messages import BrokerdStatus


class Waits(NamedTuple):
    """What an order that is held here waits for. *above*: its price is met from below.

    *number* says which was accepted before which; *met* when it was met by a print, in that order.
    """

    side: str
    market: str
    above: bool
    trail: Decimal | None
    limit_ticks: int | None
    at_market: bool
    number: int
    met: int | None = None


def is_over(report: BrokerdStatus) -> bool:
    """Whether it says that the order trades no more."""
    if report.status == "done_for_day":
        return not report.resumes
    return report.status in ("cancelled", "rejected", "expired", "calculated")


def lives(report: BrokerdStatus) -> bool:
    """Whether it says that the order may trade."""
    return report.status != "filled" and not is_over(report)


def ended_as(report: BrokerdStatus, *, immediate: bool) -> str:
    """The state of an order of which it says so; what is *immediate* (IOC, FOK) and expires is cancelled."""
    by_cancel = report.status in ("cancelled", "rejected") or (immediate and report.status == "expired")
    return "cancelled" if by_cancel else "expired"


class AuditedEdit(Struct, eq=False, gc=False):
    """An edit that was accepted, or that the venue showed (*edit_id* empty).

    *settled*: an answer that the order has filled left nothing to wait for.
    """

    edit_id: str
    size: Decimal | None
    price: Decimal | None
    increase: bool
    reqid: int | str | None = None
    out: bool = False
    due_ns: int = 0
    settled: bool = False
