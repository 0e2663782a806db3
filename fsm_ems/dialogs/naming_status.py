"""Naming what a venue's status means for an order; part of :mod:`fsm_ems.dialogs.naming`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal

from fsm_ems.dialogs import facts as f
from fsm_ems.dialogs.facts import ZERO, Dialog
from fsm_ems.dialogs.naming_age import PROVING, answers, ends, older, outdated, shrank
from fsm_ems.dialogs.naming_steps import IGNORED, Name, alive, proven_edit, renames
from fsm_ems.machines.order import AT_VENUE, QUIET, UNACKED, E, S
from fsm_ems.messages import BrokerdStatus, OrderDetails

# The names of the main line, made once: they are given for every order.
_ACK = Name(E.ACK)
_OPENED = Name(E.OPENED)
_VANISHED = Name(E.MISSING, alarm="the venue no longer knows an order that it acknowledged")
_AT_VENUE = frozenset(AT_VENUE)
_QUIET = frozenset(QUIET)
_UNACKED = frozenset(UNACKED)
_PLAIN = frozenset({"pending_new", "bidding", "open", "filled"})
_GONE = frozenset({"absent", "rejected"})
_UNRESTING = frozenset({"pending_new", "bidding"})
MARKS: Mapping[str, int] = {
    "stopped": f.STOPPED,
    "suspended": f.SUSPENDED,
    "done_for_day": f.DONE_FOR_DAY,
    "calculated": f.CALCULATED,
    "bidding": f.BIDDING,
}
"""What a status notes of an order, beside what it means for its state."""
WEIGHED: Mapping[str, E] = {"pending_cancel": E.RESUME_CANCEL, "pending_edit": E.RESUME_EDIT}
"""What the venue has received and not answered yet, and the second step that it makes due."""
LIFTED = f.STOPPED | f.SUSPENDED | f.DONE_FOR_DAY
"""The marks that end when the venue says ``open``."""


def _puzzling(dialog: Dialog, report: BrokerdStatus) -> Name:
    """An outdated look at an order that lives as far as is known: the venue is asked, and nothing is guessed.

    Where no count can have become less, one below what is known is the older of the two, and one above it is
    taken. Where one can, and the order is said to live, the count alone is no reason to ask: it would be one
    again with each list. In doubt already it stays so, until an answer tells what this look could not; an
    event may be newer than the answer that is awaited.
    """
    undone, lives = shrank(dialog), report.status != "filled" and not ends(report)
    if dialog.state is S.UNKNOWN:
        unnoted = not dialog.flags & f.UNSEEN and not older(dialog, report) and not (undone and lives)
        grows = not undone and report.cum is not None and report.cum > dialog.filled
        news = unnoted or grows or not dialog.flags & f.ACKED or renames(dialog, report.venue_id)
        news = news or (not report.snapshot and dialog.asked != 0 and not dialog.flags & f.HEARD)
    elif undone:
        news = not lives or _MEANING.get(report.status, _standing)(dialog, report) is not IGNORED
    else:
        news = not older(dialog, report)
    return Name(E.AMBIGUOUS) if news else IGNORED


def shows_more(dialog: Dialog, report: BrokerdStatus) -> bool:
    """Whether *report* shows an order alive of which nothing is left by what is known here and it counts: an
    edit of ours, or of a stranger, is in force, or was when this was read.
    """
    details, cum = report.details, report.cum or ZERO
    over = report.status == "filled" or report.status in _GONE or ends(report)
    if details is None or not report.snapshot or over or older(dialog, report):
        return False
    return details.size > max(dialog.filled, cum) >= dialog.size


def name_status(dialog: Dialog, report: BrokerdStatus) -> Name:
    """The event of a status or of the answer to a query."""
    cum, status, state = report.cum, report.status, dialog.state
    grows = cum is not None and cum > dialog.filled
    if outdated(dialog, report):
        if state in _AT_VENUE:
            return _puzzling(dialog, report)
        if grows and shrank(dialog) and (state is S.FILLED or state in _QUIET):
            if state is S.FILLED and (ends(report) or shows_more(dialog, report)):
                return _after_filled(dialog, report, grows=False)
            if report.status != "filled" and not ends(report):
                return IGNORED
            return Name(None, alarm=f"a look of before states that {cum} traded", attempted=E.STATED)
    if state in _AT_VENUE:
        told = state is S.UNKNOWN and settles(dialog, report)
        if told and status in _PLAIN:
            return _found(dialog, report, rests=status not in _UNRESTING)
        if not told and report.details is not None and shows_more(dialog, report):
            return _more(dialog, report)
        if grows and cum is not None and (not dialog.complete or dialog.reopening):
            size = size_in_force(dialog, report)
            weighed = status == "pending_edit" and _weighs_more(dialog, report)
            goes_on = (weighed or f.leaves_more(dialog.edits, cum)) and not told and not ends(report)
            if cum >= size and not goes_on:
                return Name(E.FILLED_STATED, alarm=_overstated(dialog, report, size) or _contrary(report))
        named = _MEANING.get(status, _standing)(dialog, report)
        if named is IGNORED and grows:
            return Name(E.OPENED if state is S.ACKED else E.STATED)
        return named
    if state is S.FILLED:
        return _names(dialog, report, _after_filled(dialog, report, grows=grows))
    if state in _QUIET:
        if status == "calculated" and not dialog.flags & f.CALCULATED:
            return Name(E.CALCULATED)
        return _names(dialog, report, Name(E.STATED) if grows else IGNORED)
    if state is S.REJECTED and (grows or status == "filled"):
        return Name(None, alarm="a filled size of an order the venue had rejected", attempted=E.FILLED_STATED)
    return IGNORED


def _names(dialog: Dialog, report: BrokerdStatus, named: Name) -> Name:
    """*named*; where it is nothing new, the venue's id may be: an execution may wait for its order by it."""
    return _ACK if named is IGNORED and renames(dialog, report.venue_id) else named


def _weighs_more(dialog: Dialog, report: BrokerdStatus) -> bool:
    """Whether the edit that the venue weighs may leave more to trade than it counts: a stranger's may."""
    edit, cum = pending_edit(dialog, report), report.cum or ZERO
    if edit is None or (edit.size is None and not edit.edit_id):
        return True
    return edit.size is not None and edit.size > cum


def _more(dialog: Dialog, report: BrokerdStatus) -> Name:
    """There is more of the order at the venue than is known here, or was: only an answer tells."""
    if dialog.state is not S.UNKNOWN:
        return Name(E.AMBIGUOUS)
    news = not dialog.flags & f.UNSEEN or not dialog.flags & f.ACKED or renames(dialog, report.venue_id)
    grows = report.cum is not None and report.cum > dialog.filled and not shrank(dialog)
    unexpected = report.details is not None and not f.expects(dialog, report.details.size)
    # What answers the question is an answer, and the next one to it is none.
    return Name(E.AMBIGUOUS) if news or grows or unexpected or answers(dialog, report) else IGNORED


def _standing(dialog: Dialog, report: BrokerdStatus) -> Name:
    """``pending_new``, ``bidding``, ``open`` and ``filled`` of an order the venue may hold."""
    state = dialog.state
    if report.status == "filled":
        return _stated_whole(dialog, report)
    if report.status in _UNRESTING:
        if state is S.UNKNOWN:
            return _found(dialog, report, rests=False)
        told = state in _UNACKED or (report.status == "bidding" and not dialog.flags & (f.BIDDING | f.RESTS))
        return _ACK if told else IGNORED
    if state is S.UNKNOWN:
        return _found(dialog, report, rests=True)
    if state in _UNACKED or state is S.ACKED:
        return _OPENED
    lifted = dialog.flags & LIFTED and not report.snapshot
    learnt = not dialog.flags & f.RESTS or renames(dialog, report.venue_id)
    return _OPENED if lifted or learnt else IGNORED


def edit_in_force(dialog: Dialog, details: OrderDetails) -> f.EditRequest | None:
    """The newest edit that is out and whose terms are the ones the venue shows."""
    for edit in reversed(dialog.edits):
        size, price = edit.size or dialog.size, edit.price or dialog.price
        if edit.out and details.size == size and details.price == price:
            return edit
    return None


def settles(dialog: Dialog, report: BrokerdStatus) -> bool:
    """Whether *report* is an answer with terms: every edit that was out is in force, or never will be."""
    return report.details is not None and report.status != "pending_edit" and answers(dialog, report)


def edit_ended(dialog: Dialog, report: BrokerdStatus) -> f.EditRequest | None:
    """The edit that is proved by the end which the order came to under its id."""
    return proven_edit(dialog, report.reqid) if dialog.edits and report.status in PROVING else None


def _tells_more(dialog: Dialog, report: BrokerdStatus) -> bool:
    """Whether *report* tells more than that the order is there."""
    grows = report.cum is not None and report.cum > dialog.filled
    return grows or report.status not in _PLAIN or renames(dialog, report.venue_id)


def size_in_force(dialog: Dialog, report: BrokerdStatus) -> Decimal:
    """The size that counts for *report*.

    An answer about an order in doubt shows the terms in force, and an end under an edit's id that edit's.
    """
    if dialog.state is S.UNKNOWN and report.details is not None and settles(dialog, report):
        return report.details.size
    ended = edit_ended(dialog, report)
    if ended is not None:
        return ended.size or dialog.size
    return dialog.size


def differs(dialog: Dialog, listed: BrokerdStatus) -> bool:
    """Whether the venue lists *dialog* with other terms than those known here, and none of ours is on its
    way there: somebody else has changed them, and that was not heard. Or what it lists is the request that
    had never arrived, and not this order.
    """
    if dialog.is_lost(listed.reqid):
        return True
    details = listed.details
    if details is None or any(edit.out and not edit.settled for edit in dialog.edits):
        return False
    return details.size != dialog.size or details.price not in (None, dialog.price)


def _found(dialog: Dialog, report: BrokerdStatus, *, rests: bool) -> Name:
    """A status that shows an order in doubt alive."""
    weighed = WEIGHED.get(report.status)
    if not settles(dialog, report):
        answer = answers(dialog, report)
        news = _tells_more(dialog, report)
        return alive(dialog, rests=rests, weighed=weighed, answer=answer, news=news)
    held = tuple(other for other in dialog.edits if not other.out)
    filled = dialog.filled if report.cum is None else max(dialog.filled, report.cum)
    complete = report.status == "filled" or filled >= size_in_force(dialog, report)
    return alive(dialog, rests=rests, weighed=weighed, edits=held, complete=complete, answer=True)


def _stated_whole(dialog: Dialog, report: BrokerdStatus) -> Name:
    """The venue says ``filled``. An answer settles an increase, too; else it may be of the size before it."""
    answer = dialog.state is S.UNKNOWN and answers(dialog, report)
    whole = dialog.size if report.cum is None else max(dialog.filled, report.cum)
    more = not answer and f.leaves_more(dialog.edits, whole)
    if not dialog.complete and not more:
        return Name(E.FILLED_STATED)
    if dialog.state is not S.UNKNOWN:
        return IGNORED if dialog.complete else Name(E.STATED)
    if more:
        return alive(dialog, rests=True, complete=False)
    left = tuple(edit for edit in dialog.edits if not edit.reopens) if answer else None
    return alive(dialog, rests=True, edits=left, answer=answer)


_HALTS = {"stopped": E.STOPPED, "suspended": E.SUSPENDED}


def _marked(dialog: Dialog, report: BrokerdStatus) -> Name:
    """A pending request, a guarantee, a suspension or the end of the day: the order lives."""
    status, state = report.status, dialog.state
    if state is S.UNKNOWN:
        if status == "done_for_day" and not report.resumes:
            return Name(E.EXPIRED)
        return _found(dialog, report, rests=status in MARKS)
    if status == "pending_cancel":
        return IGNORED if dialog.cancel is not None and dialog.cancel.pending else Name(E.CANCEL_PENDING)
    if status == "pending_edit":
        edit = pending_edit(dialog, report)
        return IGNORED if edit is not None and edit.pending else Name(E.EDIT_PENDING)
    if status in _HALTS:
        noted = dialog.flags & MARKS[status] and not renames(dialog, report.venue_id)
        return IGNORED if noted else Name(_HALTS[status])
    if not report.resumes:
        return Name(E.EXPIRED)
    noted = dialog.flags & f.DONE_FOR_DAY and not renames(dialog, report.venue_id)
    return IGNORED if noted else Name(E.DONE_FOR_DAY)


def pending_edit(dialog: Dialog, report: BrokerdStatus) -> f.EditRequest | None:
    """The edit a ``pending_edit`` is about: by its id, else the one that is out, else none of ours.

    Of a filled order an answer has said that what is settled is not weighed any more.
    """
    named = next((edit for edit in dialog.edits if edit.reqid == report.reqid), None)
    if named is not None and named.settled and dialog.state is S.FILLED:
        return None
    return named or dialog.out_edit


def _ended(dialog: Dialog, report: BrokerdStatus) -> Name:
    status = report.status
    if status == "absent":
        return _absent(dialog, report)
    if status == "rejected" and not (dialog.filled or report.cum):
        return Name(E.REJECTED)
    return Name(end_of(dialog, status), alarm=_contrary(report))


def end_of(dialog: Dialog, status: str) -> E | None:
    """The end of an order that has traded and of which the venue says *status*; None where it is no end.

    FOK and IOC orders end as cancelled, never as expired (FIX 5.0 SP2 volume 4).
    """
    if status in ("cancelled", "rejected"):
        return E.CANCELLED
    if status == "calculated":
        return E.CALCULATED
    if status == "expired":
        return E.CANCELLED if dialog.body.tif in ("ioc", "fok") else E.EXPIRED
    return None


def end_told(dialog: Dialog, report: BrokerdStatus) -> E | None:
    """The end that *report* tells of such an order: at the end of the day too it trades no more."""
    return end_of(dialog, report.status) or (E.EXPIRED if ends(report) else None)


def _contrary(report: BrokerdStatus) -> str | None:
    """The alarm about a report that an order was refused which has traded."""
    return "the venue rejected an order that had traded" if report.status == "rejected" else None


def _overstated(dialog: Dialog, report: BrokerdStatus, size: Decimal) -> str | None:
    """The alarm where the venue states more than *size*, which is in force, and no edit out explains it.

    ``filled`` tells the whole size: it is explained by an edit of that size or less alone.
    """
    cum = report.cum or size
    sizes = f.sizes_out(dialog)
    if report.status == "filled":
        sizes = [
            edit.size for edit in dialog.edits if edit.out and edit.size is not None and edit.size <= cum
        ]
    explained = max([size, *sizes])
    return f"the venue states {cum - explained} more than ordered" if cum > explained else None


def _absent(dialog: Dialog, report: BrokerdStatus) -> Name:
    """Two equal reads are proof of absence, and only for an order that no report ever showed.

    Of one that the venue had acknowledged they prove nothing, and are told once: only a person can find out.
    """
    if dialog.state is not S.UNKNOWN or not answers(dialog, report):
        return IGNORED
    if not dialog.flags & f.MISSED:
        return Name(E.MISSING)
    if dialog.flags & f.ACKED:
        return IGNORED if dialog.flags & f.VANISHED else _VANISHED
    return Name(E.ABSENT)


def _after_filled(dialog: Dialog, report: BrokerdStatus, *, grows: bool) -> Name:
    status = report.status
    over = _overstated(dialog, report, dialog.size) if grows else None
    if dialog.noted_end is None:
        if shows_more(dialog, report):
            return Name(E.AMBIGUOUS)
        end, edit = end_told(dialog, report), edit_ended(dialog, report)
        filled = report.cum if grows and report.cum is not None else dialog.filled
        if edit is not None and filled < (edit.size or dialog.size):
            return Name(E.REPLACED_REOPENS, end)
        if end is not None:
            return Name(end, alarm=over or _contrary(report))
    if status == "calculated" and not dialog.flags & f.CALCULATED:
        return Name(E.CALCULATED, alarm=over)
    if grows:
        return Name(E.STATED, alarm=over)
    cancel = dialog.cancel
    if status == "pending_cancel" and cancel is not None and cancel.wanted and not cancel.pending:
        return Name(E.CANCEL_PENDING)
    if status == "pending_edit" and (edit := pending_edit(dialog, report)) is not None and not edit.pending:
        return Name(E.EDIT_PENDING)
    return IGNORED


_MEANING: dict[str, Callable[[Dialog, BrokerdStatus], Name]] = {
    **dict.fromkeys(("pending_cancel", "pending_edit", "stopped", "suspended", "done_for_day"), _marked),
    **dict.fromkeys(("cancelled", "rejected", "expired", "calculated", "absent"), _ended),
}
