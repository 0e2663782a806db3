"""What a report tells of one order, and what its answer settles; part of :mod:`fsm_ems.testing.auditor`."""

from __future__ import annotations

from fsm_ems.messages import (
    BrokerdBust,
    BrokerdCorrection,
    BrokerdFill,
    BrokerdOrderAck,
    BrokerdRefused,
    BrokerdReplaced,
    BrokerdRestated,
    BrokerdStatus,
    Report,
)
from fsm_ems.testing.audited import DEAD, AuditedOrder

_ENDINGS = frozenset({"cancelled", "rejected", "expired"})


def fold(order: AuditedOrder, report: Report) -> None:
    """What *report* tells of *order*, whatever state it is in. Most reports prove that it arrived."""
    proves = True
    if isinstance(report, BrokerdFill):
        order.fill(report)
    elif isinstance(report, BrokerdBust):
        order.bust(report.ref_id)
    elif isinstance(report, BrokerdCorrection):
        order.correct(report)
    elif isinstance(report, BrokerdReplaced):
        proves = order.edit_of(report.reqid) is not None
        order.replaced(report)
    elif isinstance(report, BrokerdRestated):
        proves = order.state not in DEAD
        if proves:
            order.restated(report)
    elif isinstance(report, BrokerdStatus):
        proves = _status(order, report)
    elif isinstance(report, BrokerdRefused):
        proves = False
        _refused(order, report)
    else:
        proves = isinstance(report, BrokerdOrderAck)
    order.arrived = order.arrived or proves


def _status(order: AuditedOrder, report: BrokerdStatus) -> bool:
    """Fold a status; whether it proves that the order arrived."""
    status = report.status
    if order.state == "rejected":
        return False
    order.state_cum(report.cum)
    if status == "absent":
        _absent(order, report)
        return False
    if order.state in DEAD:
        return True
    if status == "filled" and not (order.state == "unknown" and _settles(order, report)):
        order.whole(report.cum)
    if status == "pending_cancel" and (order.state != "filled" or order.wish):
        order.cancel_seen = True
    elif status == "pending_edit" and (order.state != "filled" or order.edits):
        order.edit_pending(report)
    elif status in _ENDINGS and order.state == "filled":
        order.cancel_over()
        order.edits = ()
    return status != "rejected"


def _absent(order: AuditedOrder, report: BrokerdStatus) -> None:
    """A read that does not show it counts once for each question, and only while nothing is known."""
    if order.state == "unknown" and report.query == order.asked and not (order.arrived and order.absences):
        order.absences += 1
        order.asked = None


def _refused(order: AuditedOrder, report: BrokerdRefused) -> None:
    """A refusal ends one request; while the order is in doubt a cancel's counts for nothing."""
    if report.request == "edit":
        edit = order.edit_of(report.reqid)
        order.edits = tuple(other for other in order.edits if other is not edit)
    elif report.request == "cancel" and order.state != "unknown":
        ours = order.cancel_id == report.reqid
        if ours if order.wish else order.cancel_seen:
            order.cancel_over()


def _answers(order: AuditedOrder, report: BrokerdStatus) -> bool:
    return report.snapshot and order.asked is not None and report.query == order.asked


def _settles(order: AuditedOrder, report: BrokerdStatus) -> bool:
    """Whether it answers, with terms, the last question: what was out is in force, or never will be."""
    return report.details is not None and report.status != "pending_edit" and _answers(order, report)


def answered(order: AuditedOrder, report: BrokerdStatus) -> None:
    """What the answer to a question about an order in doubt settles."""
    if not _answers(order, report):
        return
    if report.details is not None and _settles(order, report):
        order.settle_edits(report.details)
    order.asked = None
    if report.status == "filled" and order.state != "unknown":
        order.edits = tuple(edit for edit in order.edits if not edit.increase)
        order.whole(report.cum)
