"""By which rules a report is folded: the kind of its record says so, for good.

A rule that was learnt later has a kind of its own, so that records of before are folded as they were then.
"""

from __future__ import annotations

from fsm_ems.dialogs import facts as f
from fsm_ems.dialogs.facts import Dialog
from fsm_ems.dialogs.naming_age import shrank
from fsm_ems.dialogs.record import Reported, ReportedBesideOurs, ReportedOfBefore, ReportedOfTheirs
from fsm_ems.machines.order import S
from fsm_ems.messages import BrokerdFill, BrokerdStatus, Report


def kind_of(dialog: Dialog, report: Report) -> type[Reported]:
    """The kind of the record of *report*, as *dialog* stands before it."""
    if isinstance(report, BrokerdFill):
        return ReportedOfBefore if report.cum is not None and shrank(dialog) else Reported
    if not isinstance(report, BrokerdStatus) or report.status != "pending_cancel":
        return Reported
    cancel = dialog.cancel
    if cancel is None:
        return ReportedBesideOurs if dialog.state is S.FILLED else Reported
    if not cancel.wanted or cancel.out:
        return Reported
    return ReportedBesideOurs if report.reqid == cancel.reqid else ReportedOfTheirs


def gap_of(dialog: Dialog, report: Report) -> str | None:
    """The alarm about a fill's count that is not taken, where it is more than is known with that fill."""
    assert isinstance(report, BrokerdFill), "no other report is of before by its count"
    filled = f.filled_of(f.EXACT.add(dialog.booked, report.size), dialog.stated)
    if report.cum is None or report.cum <= filled:
        return None
    return f"the venue counted {report.cum} with it, and {filled} is known: one is undone since, or missing"
