"""When an order may be sent a second time; part of the auditor, and the order table is not known here.

Only what its owner allows, what no report ever showed and two answers in a row did not show, asked after
its deadline and a margin at a venue that takes nothing late; what nobody wants cancelled, and once.
"""

from __future__ import annotations

from fsm_ems.dialogs.record import Notice, SendAbout
from fsm_ems.messages import BrokerdBust, BrokerdCorrection, BrokerdFill, BrokerdStatus, Report
from fsm_ems.testing.audit_dark import Rules
from fsm_ems.testing.audited import AuditedOrder
from fsm_ems.testing.breach import Breach

WAITING = frozenset({"pending", "dark_triggered"})
"""The states of an order that has left and that nobody has acknowledged."""
TWICE = 2
"""How often it leaves at most, and how many answers without it are proof."""
EXECUTION = BrokerdFill | BrokerdBust | BrokerdCorrection


def check_resend(order: AuditedOrder, after: str, cause: object, now_ns: int, rules: Rules) -> None:
    """An order in doubt goes back to *after*: it leaves once more, and may.

    Raises:
        Breach: P1, P5 or P9.
    """
    broken = {
        "P1: no answer without it led to that": not _is_absence(cause),
        "P1: its owner did not allow that": not order.again,
        "P1: it was sent again before": order.sends != 1,
        "P1: the venue had shown it": order.arrived or order.filled > 0,
        "P1: that it never arrived is not proven": order.absences < TWICE,
        "P1: the venue takes what comes late, and it may still arrive": rules.takes_late,
        "P5: its cancel is wanted": order.wish or order.cancel_seen,
        "P9: its date has passed": order.expire_ns is not None and order.expire_ns <= now_ns,
        f"P9: it is {after} then": after != ("dark_triggered" if order.triggered else "pending"),
    }
    for why, is_so in broken.items():
        if is_so:
            promise, _, told = why.partition(": ")
            raise Breach(promise, f"{order.owner}'s {order.oid} ({order.state}) is sent again, and {told}")


def _is_absence(cause: object) -> bool:
    return isinstance(cause, BrokerdStatus) and cause.snapshot and cause.status == "absent"


def check_given_up(order: AuditedOrder, notice: Notice, cause: object) -> None:
    """What its owner lets be sent again is not given up in silence."""
    if notice.state != "rejected" or order.state != "unknown" or not _is_absence(cause):
        return
    held = order.wish or order.sends > 1
    dated = order.expire_ns is not None and order.expire_ns <= notice.record.time_ns
    if order.again and not held and not dated and notice.record.alarm is None:
        raise Breach("P1", f"{order.owner}'s {order.oid} never arrived, and it was not sent again")


def check_asked(order: AuditedOrder, send: SendAbout, rules: Rules) -> None:
    """An answer proves nothing while the order that it is about, or an edit of it, may still be taken."""
    dues = [edit.due_ns for edit in order.edits if edit.out]
    if not order.arrived:
        dues.append(order.sent_due_ns)
    if send.time_ns < max(dues, default=0) + rules.margin_ns:
        raise Breach("unknown", f"{order.owner}'s {order.oid} was asked about before its deadline was over")


def is_of_lost(order: AuditedOrder, report: Report) -> bool:
    """Whether *report* is about the request that never arrived: nothing in it counts but executions."""
    return order.lost is not None and report.reqid == order.lost and not isinstance(report, EXECUTION)
