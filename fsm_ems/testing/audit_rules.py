"""Which changes of an order's state a cause can bring about, and which sends its facts allow.

Part of :mod:`fsm_ems.testing.auditor`; the order table is not known here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NoReturn

from fsm_ems.dialogs.record import EditSent, Notice, SendAbout, SendOrder
from fsm_ems.messages import (
    BrokerdBust,
    BrokerdCorrection,
    BrokerdError,
    BrokerdFill,
    BrokerdHistory,
    BrokerdRefused,
    BrokerdReplaced,
    BrokerdRestated,
    BrokerdStatus,
    Cancel,
    Edit,
    Report,
)
from fsm_ems.testing.audit_resend import TWICE, check_given_up
from fsm_ems.testing.audited import DEAD, AuditedOrder
from fsm_ems.testing.audited_parts import ended_as, is_over
from fsm_ems.testing.breach import Breach
from fsm_ems.testing.inputs import Commanded, Fired, Heard, Input, LinkMoved, Outcome, Quoted, TimePassed

Cause = Input | Report
"""What led to a notice: a report where one is behind it, however long it waited, else the input."""

_REOPENS = BrokerdBust | BrokerdCorrection | BrokerdRestated | BrokerdReplaced | BrokerdFill
_UNACKED = frozenset({"pending", "dark_triggered", "cancel_stashed"})
_BEFORE_PENDING = {
    "pending": frozenset({"new", "cancel_stashed"}),
    "dark_triggered": frozenset({"dark_open", "cancel_stashed"}),
    "cancel_stashed": frozenset({"pending", "dark_triggered"}),
}


def breach(promise: str, order: AuditedOrder, why: str) -> NoReturn:
    """Raise a breach about *order*."""
    raise Breach(promise, f"{order.owner}'s {order.oid} ({order.state}): {why}")


def check_move(order: AuditedOrder, after: str, cause: Cause, now_ns: int) -> None:
    """Whether *cause* can take the order from the state it was told to be in to *after*."""
    before = order.state
    if before == after:
        return
    if before in DEAD:
        if not (
            (before, after) == ("rejected", "cancelled")
            and isinstance(cause, BrokerdFill | BrokerdCorrection)
        ):
            breach("P7", order, f"an end was left for {after}")
    elif before == "filled" and not isinstance(cause, _REOPENS):
        increased = isinstance(cause, Commanded) and isinstance(cause.command, Edit) and after == "editing"
        ended = isinstance(cause, BrokerdStatus) and after in ("cancelled", "expired")
        doubted = after == "unknown" and order.puzzled
        if not increased and not doubted and not (ended and order.filled < order.size):
            breach("P7", order, f"filled was left for {after} by {_called(cause)}")
    elif before == "unknown":
        _check_evidence(order, after, cause)
    if before == "filled" and (order.over or after in DEAD) and after != order.over:
        told = f"the venue had ended it as {order.over}" if order.over else "nobody had ended it"
        breach("P7", order, f"it was reopened to {after}, and {told}")
    if after in _UNACKED and before not in _BEFORE_PENDING[after]:
        breach("P7", order, f"it went back to {after}")
    if after == "unknown":
        _check_doubt(order, cause, now_ns)
    elif after in ("rejected", "cancelled", "expired"):
        _check_end(order, after, cause, now_ns)


def _called(cause: Cause) -> str:
    return type(cause).__name__


def _check_evidence(order: AuditedOrder, after: str, cause: Cause) -> None:
    """Neither time nor a refusal proves anything."""
    proves = not isinstance(cause, Input | BrokerdError)
    if isinstance(cause, BrokerdRefused):
        proves = (cause.request == "edit" and after == "filled") or (
            cause.request == "submit" and after == "rejected" and not order.arrived
        )
    if not proves:
        breach("unknown", order, f"{_called(cause)} is no evidence, and it became {after}")
    asked = isinstance(cause, BrokerdStatus) and order.answered_by(cause)
    if order.unseen and after not in DEAD and after != "filled" and not asked:
        breach(
            "unknown", order, f"{_called(cause)} does not show what the lost link hid, and it became {after}"
        )


def _awaits_strangers(order: AuditedOrder) -> bool:
    """The venue weighs a request that nobody here made or sent: in time it is asked what came of it."""
    cancel = order.cancel_seen and not order.cancel_due_ns
    return cancel or any(edit.out and not edit.due_ns for edit in order.edits)


def _check_doubt(order: AuditedOrder, cause: Cause, now_ns: int) -> None:
    lost = isinstance(cause, LinkMoved) and cause.event == "lost"
    if isinstance(cause, Heard) and isinstance(cause.report, BrokerdHistory):
        if any(told.reqid == order.reqid for told in cause.report.orders) or not cause.report.last:
            breach("unknown", order, "it is on the list of open orders, or the list is not whole")
    elif isinstance(cause, BrokerdStatus):
        if not order.puzzled and not order.puzzled_by(cause):
            breach("unknown", order, f"{cause.status} is as plain as can be")
    elif not lost and not isinstance(cause, BrokerdError):
        if not isinstance(cause, TimePassed):
            breach("unknown", order, f"{_called(cause)} does not make it doubtful")
        if not order.overdue(now_ns) and not _awaits_strangers(order):
            breach("unknown", order, "no deadline had passed")


def _check_end(order: AuditedOrder, after: str, cause: Cause, now_ns: int) -> None:
    unsent = not order.sends and not order.arrived
    if order.state == "filled" or (order.state == "rejected" and after == "cancelled"):
        return
    if isinstance(cause, BrokerdStatus):
        absent = cause.status == "absent" and order.absences > 1 and not order.arrived
        refused = cause.status == "rejected" or absent
        ended = is_over(cause) and ended_as(cause, immediate=order.immediate) == after
        fits = refused and not order.filled if after == "rejected" else ended
    elif isinstance(cause, BrokerdRefused):
        fits = after == "rejected" and cause.request == "submit" and not order.arrived
    elif isinstance(cause, Commanded):
        fits = after == "cancelled" and isinstance(cause.command, Cancel) and unsent
    elif isinstance(cause, TimePassed | LinkMoved | Quoted | Fired) and after == "expired":
        fits = unsent and order.expire_ns is not None and order.expire_ns <= now_ns
    elif isinstance(cause, LinkMoved):
        fits = after == "rejected" and unsent and cause.event == "synced"  # which limit: see check_withheld
    elif isinstance(cause, Quoted):
        fits = after == "rejected" and unsent
    else:
        fits = False
    if not fits:
        breach("P7", order, f"{_called(cause)} does not make it {after}")


def check_told(order: AuditedOrder, notice: Notice, cause: Cause) -> None:
    """What only a person can deal with is loud."""
    check_withheld(order, notice, cause)
    check_given_up(order, notice, cause)
    absent = isinstance(cause, BrokerdStatus) and cause.status == "absent"
    if absent and order.vanished and notice.record.alarm is None:
        breach("unknown", order, "the venue had it, does not know it any more, and nobody was told")


def check_said(order: AuditedOrder, notice: Notice) -> None:
    """The numbers that its owner is told are the order's."""
    if notice.filled != order.filled:
        breach("P3", order, f"told {notice.filled} filled, and it is {order.filled}")
    worth = sum(order.worth.values())
    if not order.split and notice.notional != worth:
        breach("P3", order, f"told that {notice.notional} was paid, and it is {worth}")
    ended = order.state in DEAD or order.state == "filled"
    leaves = 0 if ended else max(order.size - order.filled, 0)
    if notice.leaves != leaves:
        breach("P9", order, f"told {notice.leaves} are left, and it is {leaves}")
    if not order.alert and (notice.size, notice.price) != (order.size, order.price):
        breach("terms", order, f"told {notice.size} at {notice.price}, not {order.size} at {order.price}")


def check_withheld(order: AuditedOrder, notice: Notice, cause: Cause) -> None:
    """What waited here and may not go out any more ends, and never silently."""
    payload = notice.record.payload
    if isinstance(payload, EditSent) and not payload.deadline_ns:
        held = next((edit for edit in order.edits if not edit.out), None)
        if held is None or order.state not in ("acked", "open"):
            breach("P12", order, "an edit was held back that nobody waited for")
        order.edits = tuple(edit for edit in order.edits if edit is not held)
    elif not (notice.state == "rejected" and isinstance(cause, LinkMoved | Quoted)):
        return
    if notice.record.alarm is None:
        breach("P12", order, "it was held back, and nobody was told why")


def check_order_send(order: AuditedOrder, send: SendOrder, *, link_up: bool) -> None:
    """An order leaves once, with its terms, when the link is in step and, if dark, when it has fired.

    It leaves a second time where the first never arrived: :mod:`fsm_ems.testing.audit_resend` says when.
    """
    if order.sends > (order.lost is not None):
        breach("P1", order, "it was sent twice")
    if order.alert or (order.dark and not order.triggered) or order.state in DEAD:
        breach("P9", order, "it was sent and must not be")
    if not link_up:
        breach("P9", order, "it was sent while the link was not in step")
    if (send.size, send.price) != (order.size, order.price):
        breach("P9", order, f"sent as {send.size} at {send.price}, not {order.size} at {order.price}")


def check_about_send(order: AuditedOrder, send: SendAbout, *, link_open: bool) -> None:
    """A cancel leaves when it is wanted and the order has arrived or is in doubt; edits one at a time."""
    if not link_open:
        breach("P9", order, f"a {send.verb} left while the link was down")
    if not order.at_venue and not (send.verb == "edit" and order.state == "filled"):
        breach("P9", order, f"a {send.verb} about an order that the venue cannot have")
    if send.target != order.reqid and order.reqid is not None:
        breach("P9", order, f"a {send.verb} names {send.target}, and {order.reqid} is in force")
    if send.verb == "query":
        if order.state != "unknown":
            breach("P9", order, "the venue was asked without need")
        return
    if not order.arrived and order.state != "unknown":
        breach("P9", order, f"a {send.verb} left before the order was acknowledged")
    if send.verb == "cancel":
        if not order.wish:
            breach("P5", order, "a cancel left that nobody wants")
        if order.cancel_id not in (None, send.reqid):
            breach("P5", order, "the same cancel left under another id")
    elif order.wish or order.cancel_seen:
        breach("P9", order, "an edit left while a cancel is open")
    elif any(edit.out and edit.edit_id and not edit.settled for edit in order.edits):
        breach("P9", order, "an edit left while another is out")


def check_standing(order: AuditedOrder, now_ns: int, *, link_open: bool, link_up: bool, ticked: bool) -> None:
    """What must hold of an order whenever an input has been dealt with."""
    expected = order.expected()
    if order.state not in expected:
        breach("P7", order, f"its facts make it {' or '.join(sorted(expected))}")
    if order.state == "filled" and order.growing:
        breach("P7", order, "an increase of it is at the venue, and it is taken to have filled")
    if order.state == "filled" or order.state in DEAD:
        return
    doubtful = order.state == "unknown"
    waits = order.wish and not order.cancel_due_ns and not order.cancel_named
    if waits and order.arrived and not doubtful:
        breach("P5", order, "the cancel that is wanted has not left")
    held = next((edit for edit in order.edits if not edit.out), None)
    if held is not None and order.state in ("acked", "open") and link_open:
        breach("P9", order, f"nothing holds edit {held.edit_id} back, and it has not left")
    if order.lost is not None and order.sends < TWICE:
        breach("P1", order, "it was said to be sent again, and it was not")
    if order.state in ("pending", "dark_triggered") and not order.sends and link_up:
        breach("P9", order, "nothing holds it back, and it has not left")
    if not link_open and order.at_venue and not doubtful:
        breach("unknown", order, "the link is lost, and it is taken to stand as before")
    if ticked and not doubtful and order.overdue(now_ns):
        breach("unknown", order, "a deadline passed, and it is taken to stand as before")
    redriven = 0 < order.cancel_again_ns <= now_ns
    if ticked and doubtful and link_open and waits:
        breach("P5", order, "the cancel that is wanted waits, and it could leave")
    if ticked and doubtful and link_open and order.wish and redriven:
        breach("P5", order, "a cancel without an answer is not sent again")


def check_all(orders: Iterable[AuditedOrder], links: Mapping[str, str], now_ns: int, *, ticked: bool) -> None:
    """Check each order by the link to its broker; *links* tells what each did last."""
    for order in orders:
        link = links.get(order.broker)
        check_standing(
            order,
            now_ns,
            link_open=link in ("connected", "synced"),
            link_up=link == "synced",
            ticked=ticked,
        )


def check_nothing(given: Input, outcome: Outcome, order: AuditedOrder | None, *, acts: bool) -> None:
    """An input that was refused or known before changes nothing; *acts*: its identity may give commands."""
    if outcome.effects:
        raise Breach("P6", f"{given} was refused or known, and led to {outcome.effects}")
    if not isinstance(given, Commanded):
        return
    if outcome.again and (order is None or not acts):
        raise Breach("P6", f"{given} was known before, and it was not")
    lives = order is not None and order.state not in DEAD and order.state != "filled"
    if isinstance(given.command, Cancel) and outcome.refused and order is not None and lives and acts:
        breach("P5", order, f"a cancel was refused: {outcome.refused}")
