"""The one place that names the event: from the facts and a report to a step of the order table.

Nothing here moves anything. A name may bring a second step (see :mod:`fsm_ems.machines.order`). ``None``
for the event means that the report tells nothing new: stale, doubled or superseded.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any, NamedTuple

from fsm_ems.brokerd import AboutExecution
from fsm_ems.dialogs import facts as f
from fsm_ems.dialogs.facts import EXACT, ZERO, Dialog, EditRequest, is_whole, leaves_more
from fsm_ems.dialogs.naming_age import shrank
from fsm_ems.dialogs.naming_status import name_status
from fsm_ems.dialogs.naming_steps import (
    IGNORED,
    Name,
    after,
    alive,
    find_edit,
    proven_edit,
    renames,
    reopened,
    resume,
)
from fsm_ems.machines.order import AT_VENUE, QUIET, E, S
from fsm_ems.messages import (
    BrokerdBust,
    BrokerdCorrection,
    BrokerdError,
    BrokerdFill,
    BrokerdOrderAck,
    BrokerdRefused,
    BrokerdReplaced,
    BrokerdRestated,
    BrokerdStatus,
    Report,
)

_add = EXACT.add  # a context makes it anew each time it is asked for
# The names of the main line, made once: they are given for every order.
_ACK = Name(E.ACK)
_FILL = Name(E.FILL)
_FILL_COMPLETE = Name(E.FILL_COMPLETE)
_AT_VENUE = frozenset(AT_VENUE)
_QUIET = frozenset(QUIET)
_NEVER_LIVED = frozenset({"absent", "rejected", "cancelled", "expired"})


def name(dialog: Dialog, report: Report) -> Name:
    """The event that *report* is for *dialog*, which it has been mapped to."""
    named: Name = _NAMERS[type(report)](dialog, report)
    if dialog.lost_reqid is not None and dialog.is_lost(report.reqid):
        return _about_lost(named, report)
    return named


def _about_lost(named: Name, report: Report) -> Name:
    """What is told of the request that never arrived, after the order was sent again under another.

    That it was refused, as for coming late, touches nothing. Executions count, whatever the venue promised;
    anything else shows an order that nobody may take for this one.
    """
    alarm = f"the venue has {report.reqid}, which it had not, and the order was sent again"
    if isinstance(report, AboutExecution):
        return named if named.event is None else Name(named.event, named.then, alarm)
    over = isinstance(report, BrokerdStatus) and report.status in _NEVER_LIVED and not report.cum
    if over or isinstance(report, BrokerdRefused | BrokerdReplaced | BrokerdError):
        return IGNORED
    return Name(None, alarm=alarm, attempted=named.event or E.ACK)


def _ack(dialog: Dialog, report: BrokerdOrderAck) -> Name:
    if dialog.state is S.UNKNOWN:
        return alive(dialog, rests=False, news=renames(dialog, report.venue_id))
    return _ACK if not dialog.flags & f.ACKED or renames(dialog, report.venue_id) else IGNORED


def _fill(dialog: Dialog, report: BrokerdFill) -> Name:
    exec_id = report.exec_id
    if (dialog.fills and exec_id in dialog.fills) or (dialog.replaced and exec_id in dialog.replaced):
        return IGNORED
    state = dialog.state
    filled, cum, stated = _add(dialog.booked, report.size), report.cum, dialog.stated
    if cum is not None and cum > filled and not shrank(dialog):
        filled = cum
    if stated and stated > filled:
        filled = stated
    if state is S.REJECTED:
        return Name(E.FILL, alarm="an execution of an order the venue had rejected")
    edit = proven_edit(dialog, report.reqid) if dialog.edits else None
    size = dialog.size if edit is None or edit.size is None else edit.size
    over = _more_than_ordered(dialog, filled, size)
    if state in _QUIET:
        return _late_fill(dialog, edit, filled=filled, size=size, over=over)
    if over and dialog.flags & f.UNSEEN:
        return Name(E.AMBIGUOUS, alarm=over)  # an increase was missed: of how much, only an answer shows
    left = dialog.edits if edit is None else after(dialog, edit)
    if filled >= size and not (left and leaves_more(left, filled)):
        return Name(E.FILL_COMPLETE, alarm=over) if over else _FILL_COMPLETE
    if state is S.UNKNOWN:
        return alive(dialog, rests=True, edits=left, complete=False, alarm=over)
    if edit is not None and state is S.EDITING:
        return Name(E.REPLACED_BY_FILL, resume(None, left), over)
    return Name(E.OVERFILL, alarm=over) if over else _FILL


def _more_than_ordered(dialog: Dialog, filled: Decimal, size: Decimal) -> str | None:
    """The alarm where more than *size*, which is in force, has traded, and no edit out explains it."""
    if filled <= size:
        return None
    most = max([size, *f.sizes_out(dialog)])
    return f"{filled - most} more than ordered traded" if filled > most else None


def _late_fill(
    dialog: Dialog, edit: EditRequest | None, *, filled: Decimal, size: Decimal, over: str | None
) -> Name:
    if dialog.state is not S.FILLED:
        return Name(E.FILL, alarm=over)
    if over is not None and filled > dialog.filled:
        return Name(E.OVERFILL, alarm=over)
    if edit is not None and filled < size:
        return Name(E.REPLACED_REOPENS, reopened(dialog, after(dialog, edit)))
    return _FILL


def _bust(dialog: Dialog, report: BrokerdBust) -> Name:
    live = dialog.live_exec_id(report.ref_id)
    if live is None and dialog.replaced and report.ref_id in dialog.replaced:
        return IGNORED
    size = ZERO if live is None or dialog.fills is None else dialog.fills[live].size
    booked, stated = EXACT.subtract(dialog.booked, size), EXACT.subtract(dialog.stated, size)
    whole = is_whole(booked, stated, dialog.size) and not leaves_more(dialog.edits, max(booked, stated))
    if dialog.state is S.FILLED and not whole:
        return Name(E.BUST_REOPENS, reopened(dialog, dialog.edits))
    return Name(E.BUST)


def _correction(dialog: Dialog, report: BrokerdCorrection) -> Name:
    fills, replaced = dialog.fills or {}, dialog.replaced or {}
    live, known = dialog.live_exec_id(report.ref_id), report.exec_id in fills or report.exec_id in replaced
    if live == report.exec_id or (
        report.ref_id in replaced and (report.exec_id in replaced or (known and live is None))
    ):
        return IGNORED
    if live is None and report.ref_id in replaced:
        return Name(None, alarm=f"a correction of {report.ref_id}, which was busted", attempted=E.CORRECTED)
    if live is not None and dialog.live_exec_id(report.exec_id) == live:
        circle = f"a correction of {report.ref_id} by {report.exec_id}, which it had replaced"
        return Name(None, alarm=circle, attempted=E.CORRECTED)
    new = ZERO if known else report.size  # it was told as a fill before, or what replaced it came first
    change = EXACT.subtract(new, fills[live].size if live is not None else ZERO)
    booked = EXACT.add(dialog.booked, change)
    stated = EXACT.add(dialog.stated, change) if live is not None and dialog.stated else dialog.stated
    complete = is_whole(booked, stated, dialog.size) and not leaves_more(dialog.edits, max(booked, stated))
    over = f"{booked - dialog.size} more than ordered traded" if booked > dialog.size else None
    state = dialog.state
    if state is S.REJECTED:
        return Name(E.CORRECTED, alarm="an execution of an order the venue had rejected")
    if state is S.FILLED and not complete:
        return Name(E.CORRECTED_REOPENS, reopened(dialog, dialog.edits))
    if state in _AT_VENUE and complete:
        return Name(E.CORRECTED_COMPLETES, alarm=over)
    return Name(E.CORRECTED, alarm=over)


def _replaced(dialog: Dialog, report: BrokerdReplaced) -> Name:
    edit = find_edit(dialog, report.reqid)
    if edit is None:
        return IGNORED
    size = report.size or edit.size or dialog.size
    left, complete, state = after(dialog, edit), dialog.filled >= size, dialog.state
    if state is S.FILLED:
        return Name(E.REPLACED) if complete else Name(E.REPLACED_REOPENS, reopened(dialog, left))
    if complete and not leaves_more(left, dialog.filled):
        return Name(E.REPLACED_COMPLETES)
    if state is S.UNKNOWN:
        return alive(dialog, rests=True, edits=left, complete=False)
    return Name(E.REPLACED, resume(None, left) if state is S.EDITING else None)


def _refused(dialog: Dialog, report: BrokerdRefused) -> Name:
    if report.request == "cancel":
        return _cancel_refused(dialog, report)
    if report.request == "edit":
        return _edit_refused(dialog, report)
    if dialog.flags & f.ACKED:
        return Name(E.DUPLICATE_REFUSED, alarm="the venue refused a second copy of this order")
    if report.code == "duplicate" or dialog.state not in _AT_VENUE:
        return Name(
            None,
            alarm="the venue refused a second copy before it acknowledged one",
            attempted=E.DUPLICATE_REFUSED,
        )
    return Name(E.REJECTED)


def _cancel_refused(dialog: Dialog, report: BrokerdRefused) -> Name:
    cancel, state = dialog.cancel, dialog.state
    if cancel is None or cancel.reqid not in (None, report.reqid) or state is S.UNKNOWN:
        return IGNORED
    if state is S.CANCEL_STASHED and dialog.flags & f.TRIGGERED:
        return Name(E.CANCEL_REFUSED_DARK)
    if state is not S.CANCELLING:
        return Name(E.CANCEL_REFUSED)
    if report.code == "unknown_order":
        return IGNORED  # the order is over, or this cancel had overtaken it: its deadline brings the question
    edits = resume(None, dialog.edits)
    if dialog.complete:
        return Name(E.CANCEL_REFUSED_FILLED, edits)
    return Name(E.CANCEL_REFUSED if dialog.flags & f.RESTS else E.CANCEL_REFUSED_ACKED, edits)


def _edit_refused(dialog: Dialog, report: BrokerdRefused) -> Name:
    edit, state = find_edit(dialog, report.reqid), dialog.state
    if edit is None:
        return IGNORED
    left = tuple(other for other in dialog.edits if other is not edit)
    settled = dialog.complete and not any(other.out and other.reopens for other in left)
    if state is S.UNKNOWN and settled:
        return Name(E.FOUND_FILLED)
    if state is S.CANCELLING and settled:
        return Name(E.EDIT_REFUSED_FILLED)
    if state is not S.EDITING:
        return Name(E.EDIT_REFUSED)
    if dialog.complete:
        return Name(E.EDIT_REFUSED_FILLED, resume(None, left) if not settled else None)
    return Name(E.EDIT_REFUSED if dialog.flags & f.RESTS else E.EDIT_REFUSED_ACKED, resume(None, left))


class Terms(NamedTuple):
    """What a restatement makes of an order's quantities."""

    size: Decimal
    booked: Decimal
    stated: Decimal


def restated_terms(dialog: Dialog, report: BrokerdRestated) -> Terms:
    """Sizes after a restatement; a split multiplies what traded as well."""
    factor = report.split or Decimal(1)
    booked, stated = f.EXACT.multiply(dialog.booked, factor), f.EXACT.multiply(dialog.stated, factor)
    size = report.size if report.size is not None else f.EXACT.multiply(dialog.size, factor)
    return Terms(size, booked, stated if report.cum is None else max(stated, report.cum))


def _restated(dialog: Dialog, report: BrokerdRestated) -> Name:
    terms, state = restated_terms(dialog, report), dialog.state
    more = leaves_more(dialog.edits, max(terms.booked, terms.stated))
    complete = is_whole(terms.booked, terms.stated, terms.size) and not more
    if state is S.FILLED:
        return Name(E.RESTATED) if complete else Name(E.RESTATED_REOPENS, reopened(dialog, dialog.edits))
    if state in _AT_VENUE and complete:
        return Name(E.RESTATED_COMPLETES)
    if state is S.UNKNOWN:
        return alive(dialog, rests=True, complete=complete)
    return Name(E.RESTATED)


def _error(dialog: Dialog, report: BrokerdError) -> Name:
    return IGNORED if dialog.state in (S.UNKNOWN, S.FILLED) else Name(E.AMBIGUOUS)


_NAMERS: dict[type[Any], Callable[[Dialog, Any], Name]] = {
    BrokerdOrderAck: _ack,
    BrokerdStatus: name_status,
    BrokerdFill: _fill,
    BrokerdBust: _bust,
    BrokerdCorrection: _correction,
    BrokerdReplaced: _replaced,
    BrokerdRefused: _refused,
    BrokerdRestated: _restated,
    BrokerdError: _error,
}
