"""How reports change what the auditor rebuilds of one order; part of :mod:`fsm_ems.testing.auditor`."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from fsm_ems.dialogs.record import Adopted, SendAbout
from fsm_ems.messages import (
    BrokerdBust,
    BrokerdCorrection,
    BrokerdFill,
    BrokerdOrderAck,
    BrokerdRefused,
    BrokerdReplaced,
    BrokerdRestated,
    BrokerdStatus,
    Order,
    Report,
)
from fsm_ems.testing.audit_rules import (
    breach,
)
from fsm_ems.testing.audited import DEAD, AuditedOrder
from fsm_ems.testing.audited_executions import ZERO
from fsm_ems.testing.audited_parts import AuditedEdit, is_over

ENDINGS = frozenset({"cancelled", "rejected", "expired", "calculated"})
"""Statuses that end an order."""
_PROVING = ENDINGS - {"rejected"}
"""Those that prove the edit under whose id they come."""
ExecKey = tuple[str, str, str]
"""Broker, account, exec id: what makes an execution one."""


def accepted(owner: str, command: Order) -> AuditedOrder:
    """An order as it was accepted."""
    broker, size = command.market.rpartition(".")[2], command.size or ZERO
    order = AuditedOrder(owner, command.oid, broker, size, command.price)
    order.first, order.alert = size, command.side == "alert"
    order.dark = command.mode == "dark"
    order.immediate = command.tif in ("ioc", "fok")
    order.expire_ns = command.expire_ns
    order.again = command.if_absent == "resend"
    order.place = (command.account, command.market, command.side)
    return order


def adopted(owner: str, oid: str, payload: Adopted) -> AuditedOrder:
    """An order that was born at the venue."""
    body = payload.body
    order = AuditedOrder(owner, oid, payload.broker, body.size or ZERO, body.price)
    order.first, order.arrived = order.size, True
    order.place = (body.account, body.market, body.side)
    order.reqid = payload.reqid
    return order


def cut_off(orders: Iterable[AuditedOrder], broker: str) -> None:
    """The link to *broker* was lost: what it hid of its orders only an answer can show."""
    for order in orders:
        if order.broker == broker and order.at_venue:
            order.unseen = True
            order.in_doubt()


def edit_sent(order: AuditedOrder, send: SendAbout) -> None:
    """An edit left: which, and until when its answer is awaited."""
    held = next((edit for edit in order.edits if not edit.out), None)
    if held is None:
        breach("P9", order, "an edit left that nobody asked for")
    if (send.size, send.price) != (held.size or order.size, held.price or order.price):
        breach("P9", order, f"edit {held.edit_id} left as {send.size} at {send.price}")
    held.reqid, held.out, held.due_ns = send.reqid, True, send.deadline_ns


def answered(order: AuditedOrder, report: BrokerdStatus) -> None:
    """The answer to a question about an order in doubt."""
    if not order.answered_by(report):
        return
    order.asked = None
    if report.status != "pending_cancel" and not order.wish:
        order.cancel_over()
    if report.details is not None and report.status != "pending_edit":
        order.settle_edits(report.details)
    if report.status == "filled" and order.state != "unknown":
        order.whole(report.cum)
        settle_increases(order)


def explain(order: AuditedOrder) -> None:
    """Nothing is left, and more has traded than the size in force: the largest edit that is out, and that has
    traded, is in force.
    """
    if order.filled < order.size or order.growing:
        return
    traded = [
        edit for edit in order.edits if edit.out and edit.size and order.size < edit.size <= order.filled
    ]
    if traded:
        edit = max(reversed(traded), key=lambda one: one.size or ZERO)
        order.take_terms(edit, None, edit.price)
        order.size = edit.size or order.size


def settle_increases(order: AuditedOrder) -> None:
    """An answer after every deadline says that it has filled: nobody waits for what would leave more."""
    for edit in order.edits:
        if edit.increase or order.may_grow(edit):
            edit.settled, edit.increase = True, False
    explain(order)


def settles(order: AuditedOrder, report: BrokerdStatus) -> bool:
    """Whether it answers, with terms, the last question: what was out is in force, or never will be."""
    return order.answered_by(report) and report.details is not None and report.status != "pending_edit"


def fold(order: AuditedOrder, report: Report) -> None:
    """What *report* tells of *order*, whatever state it is in.

    Terms or requests that have changed are newer than what an open question may have been answered with.
    """
    before, whole = _open_to_answers(order), order.filled >= order.size and not order.growing
    _fold(order, report)
    if order.state not in DEAD and not whole:
        explain(order)
    order.grow()
    answer = isinstance(report, BrokerdStatus) and order.answered_by(report)
    if not answer and _open_to_answers(order) != before:
        order.asked = None


def _open_to_answers(order: AuditedOrder) -> tuple[object, ...]:
    theirs = order.cancel_seen and not order.wish
    edits = [edit.reqid for edit in order.edits if edit.out]
    return order.size, order.price, edits, theirs, len(order.gone)


def _fold(order: AuditedOrder, report: Report) -> None:
    quiet = order.state in DEAD
    if isinstance(report, BrokerdFill):
        filled(order, report)
    elif isinstance(report, BrokerdBust):
        order.bust(report.ref_id)
    elif isinstance(report, BrokerdCorrection):
        order.correct(report)
    elif isinstance(report, BrokerdReplaced):
        edit = order.edit_of(report.reqid)
        if edit is None:
            return
        order.take_terms(edit, report.size or edit.size, report.price or edit.price)
    elif isinstance(report, BrokerdRestated):
        if quiet:
            return
        order.restated(report)
    elif isinstance(report, BrokerdStatus):
        if status(order, report):
            order.arrived = True
        return
    elif isinstance(report, BrokerdRefused):
        refused(order, report)
        return
    elif not isinstance(report, BrokerdOrderAck):
        return
    order.arrived = True


def filled(order: AuditedOrder, report: BrokerdFill) -> None:
    """An execution; more than was ordered, where a lost link hid what came before, hints at an increase."""
    news, proven = not order.knows(report.exec_id), order.edit_of(report.reqid)
    sizes = [edit.size for edit in order.edits if edit.out and edit.size and not edit.settled]
    sizes.append(proven.size if proven is not None and proven.edit_id and proven.size else order.size)
    order.fill(report)
    if news and order.state == "unknown" and order.unseen and order.filled > max(sizes):
        theirs_out(order, None)


def theirs_out(order: AuditedOrder, size: Decimal | None) -> None:
    """Somebody else has increased it, to *size* if that is known."""
    theirs = AuditedEdit("", size, None, increase=True, out=True, reqid="")
    order.edits = (*(edit for edit in order.edits if edit.reqid != ""), theirs)


def looked_at(order: AuditedOrder, report: BrokerdStatus) -> None:
    """A look that puzzles: the order must become doubtful, and nothing counts but what can only have grown.

    Doubtful already, it stays so; said to live, with executions that were undone, it may be asked about.
    """
    undone, over = bool(order.gone) or order.split, report.status == "done_for_day" and not report.resumes
    lives = report.status not in (*ENDINGS, "filled") and not over
    older = not undone and report.cum is not None and report.cum < order.filled
    asks = not (lives if undone else older)
    if not undone:
        order.state_cum(report.cum)
    order.puzzled = order.state != "unknown" and asks
    order.unseen |= order.state == "unknown" and asks
    if not report.snapshot:
        order.heard = order.asked is not None  # what is awaited may be older than this


def shown_larger(order: AuditedOrder, report: BrokerdStatus) -> None:
    """A look shows more of the order than is known here: it must be asked about, and so must what is out.

    As an answer it settles nothing.
    """
    if order.answered_by(report):
        order.asked = None
    if not order.gone and not order.split:
        order.state_cum(report.cum)
    order.puzzled = order.state != "unknown"
    order.unseen |= order.state == "unknown"
    shown = report.details.size if report.details is not None else ZERO
    if order.filled >= order.size and shown > order.filled:
        if not any(
            edit.size is not None and (edit.size == shown or (edit.reqid == "" and edit.size > shown))
            for edit in order.edits
            if edit.out and not edit.settled
        ):
            theirs_out(order, shown)
        order.grow()


def status(order: AuditedOrder, report: BrokerdStatus) -> bool:
    """Fold a status; whether it proves that the order arrived."""
    status, cum = report.status, report.cum
    if order.state != "rejected" and order.puzzled_by(report):
        if order.at_venue:
            looked_at(order, report)
            return True
        if (order.gone or order.split) and cum is not None and cum > order.filled:
            if order.state == "filled" and is_over(report):
                order.ended_filled(report)
            elif order.state == "filled" and not order.over and order.shown_larger(report):
                shown_larger(order, report)
                return True
            return False
    if order.state == "rejected":
        return False
    told = order.state == "unknown" and settles(order, report)
    if order.state not in DEAD and not order.over and not told and order.shown_larger(report):
        shown_larger(order, report)
        return True
    edit = order.edit_of(report.reqid) if status in _PROVING and order.state not in DEAD else None
    if edit is not None and edit.edit_id:
        order.take_terms(edit, edit.size, edit.price)
    order.state_cum(cum)
    if status == "absent":
        if order.state == "unknown" and order.answered_by(report) and not order.vanished:
            order.absent()
        return False
    if order.state in DEAD:
        return True
    if status == "filled" and not (order.state == "unknown" and settles(order, report)):
        answer = order.state == "unknown" and order.answered_by(report)
        done = order.filled if cum is None else max(order.filled, cum)
        if answer or cum is None or not any(order.may_grow(edit, done) for edit in order.edits):
            order.whole(cum)
    if status == "pending_cancel" and (order.state != "filled" or order.wish):
        order.cancel_seen = True
        named = report.reqid is not None and report.reqid == order.cancel_id
        order.cancel_named |= named and not order.cancel_due_ns
    elif status == "pending_edit" and (order.state != "filled" or order.weighs(report)):
        order.edit_pending(report)
    elif is_over(report) and order.state == "filled":
        order.ended_filled(report)
    return status != "rejected"


def refused(order: AuditedOrder, report: BrokerdRefused) -> None:
    """A refusal ends one request; while the order is in doubt a cancel's counts for nothing.

    Nor does that of a cancel under way which says that there is no such order: it does not say which is true.
    """
    if report.request == "edit":
        edit = order.edit_of(report.reqid)
        order.edits = tuple(other for other in order.edits if other is not edit)
    elif report.request == "cancel" and order.state != "unknown":
        ours = order.cancel_id == report.reqid
        if order.state == "cancelling" and report.code == "unknown_order":
            return
        if ours if order.wish else order.cancel_seen:
            order.cancel_over()


def executions_of(report: Report) -> tuple[str, ...]:
    """The ids of executions that *report* names; a bust's own id is none."""
    if isinstance(report, BrokerdFill):
        return (report.exec_id,)
    if isinstance(report, BrokerdCorrection):
        return (report.exec_id, report.ref_id)
    return (report.ref_id,) if isinstance(report, BrokerdBust) else ()
