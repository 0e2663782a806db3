"""The only mutator: ``apply(book, record) -> effects``. Live running, replay, simulation and search use it.

Replay applies records and drops the effects; it never decides again. Everything here is deterministic
in (book, record).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast, get_args

from fsm_ems.dialogs import facts as f
from fsm_ems.dialogs.accounts import withdraw_misplaced
from fsm_ems.dialogs.apply_whole import WHOLE, unpark
from fsm_ems.dialogs.book import FORGOTTEN_MAX, REQUESTS_OUT_MAX, Book
from fsm_ems.dialogs.exposure import may_have_filled
from fsm_ems.dialogs.facts import SENT, Body, CancelRequest, Dialog, EditRequest, filled_of
from fsm_ems.dialogs.fold_report import fold
from fsm_ems.dialogs.fold_steps import theirs_beside
from fsm_ems.dialogs.ids import index_execution, index_reqid, index_venue_id, unindex
from fsm_ems.dialogs.record import (
    Adopted,
    CancelSent,
    CancelWanted,
    Contradicted,
    EditSent,
    EditWanted,
    Effect,
    Held,
    Met,
    Notice,
    Recalled,
    Record,
    Reported,
    ReportedBesideOurs,
    ReportedOfBefore,
    ReportedOfTheirs,
    Sent,
    Submitted,
    Timed,
    Trailed,
    Triggered,
)
from fsm_ems.dialogs.sends import about, send_again, send_cancel, send_edit, send_order
from fsm_ems.dialogs.telling import tell_of_none, tell_onlookers
from fsm_ems.errors import EMSBug
from fsm_ems.machines.order import ENDS, ORDER, E, S

_ENDS = frozenset(ENDS)
_MOVES = ORDER.moves
Birth = Submitted | Held | Adopted | Recalled
_BIRTHS = frozenset(get_args(Birth))
_RESTED = frozenset({S.ACKED, S.OPEN})
_HELD = frozenset({S.DARK_OPEN, S.ALERT_OPEN})
_DOUBTS = frozenset({E.DEADLINE, E.LINK_LOST, E.UNLISTED})


def apply(book: Book, record: Record) -> list[Effect]:
    """Fold *record* into *book* and tell what it makes due, in the order in which it must leave.

    Raises:
        EMSBug: the record does not follow the book's last one.
        IllegalTransition: the record names an event that has no row for the dialog's state.
    """
    if record.seq != book.seq + 1:
        raise EMSBug(f"record {record.seq} does not follow {book.seq}")
    book.seq, payload = record.seq, record.payload
    kind = type(payload)
    part = _PARTS.get(kind)
    effects: list[Effect] = []
    if part is None:
        WHOLE[kind](book, record, payload, effects)
        tell_of_none(book, record, effects)
        return effects
    if kind in _BIRTHS:
        dialog = _create(book, record, cast("Birth", payload).body)
    else:
        dialog = book.dialogs[record.owner][record.oid]
    before, flags, event, known_as = dialog.state, dialog.flags, record.event, dialog.venue_id
    part(book, record, dialog, payload, effects)
    if event is not None:
        _move(book, record, dialog, event, flags, known_as)
    pending = f.pending_of(dialog) if dialog.cancel is not None or dialog.edits else None
    most = may_have_filled(dialog) if dialog.state is S.UNKNOWN else None
    owner, told = record.owner, record.told
    notice = Notice(
        owner,
        told,
        record,
        before,
        dialog.state,
        dialog.size,
        dialog.price,
        filled_of(dialog.booked, dialog.stated),
        dialog.booked,
        dialog.notional,
        dialog.flags,
        dialog.end,
        pending,
        dialog.venue_id,
        most,
    )
    if told:
        book.streams[owner] = told
        effects.append(notice)
    if record.onlookers:
        tell_onlookers(book, record, notice, effects)
    return effects


def _move(book: Book, record: Record, dialog: Dialog, event: E, flags: int, known_as: str | None) -> None:
    """Step the machine, then keep what depends on where it arrived: counts, ends and notes of what is due.

    *flags* and *known_as*, the venue's id, are those from before the record.
    """
    before = dialog.state
    state = _MOVES[before].get(event) or ORDER.step(before, event)  # which says what is wrong
    if record.then is not None:
        state = ORDER.step(state, record.then)
    dialog.state = state
    if dialog.direction is not None:
        book.dark.place(dialog)
        if state not in _HELD:
            dialog.direction, dialog.born = None, 0
    if known_as is None or not flags & f.ACKED:
        _count_unacked(book, dialog, flags, known_as, before)
    if state in _ENDS:
        _ended(book, record, dialog, before)
        return
    if before in _ENDS:
        book.finished.pop(dialog, None)
    if state not in _RESTED or dialog.edits or dialog.cancel is not None:
        book.wake(dialog)


def _count_unacked(book: Book, dialog: Dialog, flags: int, known_as: str | None, before: S) -> None:
    """How many of the broker's orders lack their ack, or the venue's id: what is unknown may belong to one.

    Another report than the ack proves that an order arrived, and may name it by its request alone.
    """
    was = flags & SENT and (known_as is None or not flags & f.ACKED) and before not in _ENDS
    now = dialog.flags
    lacks = now & SENT and (dialog.venue_id is None or not now & f.ACKED) and dialog.state not in _ENDS
    if bool(was) is not bool(lacks):
        book.unacked[dialog.broker] = book.unacked.get(dialog.broker, 0) + (1 if lacks else -1)


# ── dialogs come and go ─────────────────────────────────────────────────────────────────────────────


def _create(book: Book, record: Record, body: Body) -> Dialog:
    dialog = Dialog(record.owner, record.oid, body)
    orders = book.dialogs.get(record.owner)
    if orders is None:
        orders = book.dialogs[record.owner] = {}
    orders[record.oid] = dialog
    return dialog


def _ended(book: Book, record: Record, dialog: Dialog, before: S) -> None:
    """An end drops what no longer can be asked for, and the oldest ends leave memory.

    Requests that are out stay open on a filled order: their answers are still to come, and a bust may
    reopen it. A cancel that has not left is over; a stranger's that the venue weighs beside it is not.
    """
    if dialog.state is S.FILLED:
        dialog.flags &= ~f.DOUBTS
        if dialog.cancel is not None and not dialog.cancel.out:
            dialog.cancel = theirs_beside(dialog.cancel)
        if dialog.edits:
            dialog.edits = tuple(edit for edit in dialog.edits if edit.out)
            for edit in dialog.edits:
                edit.reopens = False
    else:
        dialog.end = dialog.state
        dialog.flags &= ~(f.DOUBTS | f.STOPPED | f.SUSPENDED)
        dialog.cancel = None
        dialog.edits = ()
    if before not in _ENDS:
        dialog.ended_ns = record.time_ns
        book.finished[dialog] = None
    _let_go(book, record, book.keep_finished)


def _let_go(book: Book, record: Record, keep: int) -> None:
    """Only the *keep* youngest ends stay in memory, and none past its age.

    One whose request is unanswered stays a round longer: the answer is still to come.
    """
    oldest_ns = record.time_ns - book.keep_age_ns
    finished = book.finished
    while finished:
        excess = len(finished) - keep
        if excess <= 0 and next(iter(finished)).ended_ns >= oldest_ns:
            return
        oldest, _ = finished.popitem(last=False)
        if oldest.awaits_answer() and excess <= REQUESTS_OUT_MAX:
            finished[oldest] = None
            return
        _forget(book, oldest)


def _forget(book: Book, dialog: Dialog) -> None:
    del book.dialogs[dialog.owner][dialog.oid]
    book.forgotten[dialog.owner, dialog.oid] = None
    if len(book.forgotten) > FORGOTTEN_MAX:
        book.forgotten.popitem(last=False)
    unindex(book, dialog)


# ── commands, sends and time ────────────────────────────────────────────────────────────────────────


def _submitted(book: Book, record: Record, dialog: Dialog, payload: Submitted, effects: list[Effect]) -> None:
    if payload.reqid is not None:
        send_order(book, record, dialog, payload.reqid, payload.deadline_ns, effects)


def _held(book: Book, record: Record, dialog: Dialog, payload: Held, effects: list[Effect]) -> None:
    dialog.direction, dialog.price, dialog.born = payload.direction, payload.price, record.seq


def _adopted(book: Book, record: Record, dialog: Dialog, payload: Adopted, effects: list[Effect]) -> None:
    dialog.flags |= f.SENT | f.ACKED | f.ADOPTED
    if payload.reqid is not None:
        index_reqid(book, dialog, payload.reqid)
    assert payload.venue_id is not None, "nothing is adopted that the venue has no id for"
    index_venue_id(book, dialog, payload.venue_id)


def _sent(book: Book, record: Record, dialog: Dialog, payload: Sent, effects: list[Effect]) -> None:
    send_order(book, record, dialog, payload.reqid, payload.deadline_ns, effects)


def _triggered(book: Book, record: Record, dialog: Dialog, payload: Triggered, effects: list[Effect]) -> None:
    dialog.flags = (dialog.flags | f.TRIGGERED) & ~f.MET
    if record.event is not E.ALERT:
        dialog.price = payload.price
        if payload.reqid is not None:
            send_order(book, record, dialog, payload.reqid, payload.deadline_ns, effects)


def _met(book: Book, record: Record, dialog: Dialog, payload: Met, effects: list[Effect]) -> None:
    dialog.flags |= f.MET


def _trailed(book: Book, record: Record, dialog: Dialog, payload: Trailed, effects: list[Effect]) -> None:
    dialog.price = payload.price


def _cancel_wanted(
    book: Book, record: Record, dialog: Dialog, payload: CancelWanted, effects: list[Effect]
) -> None:
    if payload.reqid is None:
        return
    index_reqid(book, dialog, payload.reqid)
    known = dialog.cancel
    dialog.cancel = CancelRequest(payload.reqid, wanted=True)
    dialog.cancel.pending = known is not None and known.pending
    dialog.edits = tuple(edit for edit in dialog.edits if edit.out)
    if payload.deadline_ns:
        send_cancel(record, dialog, payload.deadline_ns, effects)


def _cancel_sent(
    book: Book, record: Record, dialog: Dialog, payload: CancelSent, effects: list[Effect]
) -> None:
    send_cancel(record, dialog, payload.deadline_ns, effects)
    assert dialog.cancel is not None, "it was sent again"
    dialog.cancel.again_ns, dialog.cancel.every_ns = payload.again_ns, payload.again_ns - record.time_ns


def _edit_wanted(
    book: Book, record: Record, dialog: Dialog, payload: EditWanted, effects: list[Effect]
) -> None:
    dialog.edit_ids = {**dialog.edit_ids, payload.edit_id: (payload.size, payload.price)}
    if payload.reqid is None:
        if payload.size is not None:
            dialog.size = payload.size
        if payload.price is not None:
            dialog.price = payload.price
            dialog.flags &= ~f.MET  # it was the old price that was met
        return
    index_reqid(book, dialog, payload.reqid)
    if dialog.state is S.FILLED and dialog.cancel is not None and not dialog.cancel.wanted:
        dialog.cancel = None  # a stranger's, which came too late
    edit = EditRequest(payload.edit_id, payload.reqid, payload.size, payload.price, reopens=dialog.complete)
    dialog.edits = (*dialog.edits, edit)
    if payload.deadline_ns:
        send_edit(record, dialog, edit, payload.deadline_ns, effects)


def _edit_sent(book: Book, record: Record, dialog: Dialog, payload: EditSent, effects: list[Effect]) -> None:
    edit = next(edit for edit in dialog.edits if edit.reqid == payload.reqid)
    if payload.deadline_ns:
        send_edit(record, dialog, edit, payload.deadline_ns, effects)
    else:
        dialog.edits = tuple(other for other in dialog.edits if other is not edit)


def _timed(book: Book, record: Record, dialog: Dialog, payload: Timed, effects: list[Effect]) -> None:
    event = record.event
    if event in _DOUBTS:
        dialog.flags |= f.DOUBT if event is E.DEADLINE else f.DOUBT | f.UNSEEN
        dialog.asked = 0  # an answer to an older question was read too early to settle this
        if dialog.cancel is not None:
            dialog.cancel.in_doubt()
        dialog.due_ns = payload.due_ns
    elif event is E.ASK:
        dialog.due_ns = payload.due_ns
        dialog.flags &= ~f.HEARD
        # In the form of the order's own request id, which is the one the broker declared.
        dialog.asked = record.seq if isinstance(dialog.reqid, int) else f"q{record.seq}"
        effects.append(about("query", record, dialog, dialog.asked, payload.due_ns))


# ── reports ─────────────────────────────────────────────────────────────────────────────────────────


def _reported(book: Book, record: Record, dialog: Dialog, payload: Reported, effects: list[Effect]) -> None:
    report = payload.report
    if payload.origin:
        _claimed(book, record, dialog, payload.origin, effects)
    venue_id = report.venue_id
    if venue_id is not None and venue_id != dialog.venue_id and not payload.foreign:
        index_venue_id(book, dialog, venue_id)
    fold(book, record, dialog, report, effects)
    if payload.reqid is not None:
        send_again(book, record, dialog, payload.reqid, payload.deadline_ns, effects)
        return
    if not payload.deadline_ns or dialog.cancel is None or not dialog.cancel.wanted:
        return
    leaves = _MOVES[dialog.state].get(record.event) is S.CANCELLING and not dialog.cancel.out  # type: ignore[arg-type]  # a report that is folded has its event
    weighed = dialog.cancel.out and dialog.cancel.pending
    if leaves or (record.then is E.RESUME_CANCEL and not weighed):
        send_cancel(record, dialog, payload.deadline_ns, effects)


def _contradicted(
    book: Book, record: Record, dialog: Dialog, payload: Contradicted, effects: list[Effect]
) -> None:
    if payload.origin:
        _claimed(book, record, dialog, payload.origin, effects)


def _claimed(book: Book, record: Record, dialog: Dialog, origin: int, effects: list[Effect]) -> None:
    """The report that record *origin* parked or orphaned is the dialog's, and waits no longer."""
    withdraw_misplaced(book, record, dialog, origin, effects)
    unpark(book, origin)


def _recalled(book: Book, record: Record, dialog: Dialog, payload: Recalled, effects: list[Effect]) -> None:
    book.forgotten.pop((dialog.owner, dialog.oid), None)
    dialog.state, dialog.end, dialog.noted_end = payload.state, payload.end, payload.noted_end
    dialog.size, dialog.price, dialog.stated = payload.size, payload.price, payload.stated
    dialog.flags, dialog.lost_reqid = payload.flags, payload.lost_reqid
    dialog.fills = {fill.exec_id: fill for fill in payload.fills} or None
    dialog.replaced = dict(payload.replaced) or None
    for fill in payload.fills:
        dialog.booked = f.EXACT.add(dialog.booked, fill.size)
        dialog.notional = f.EXACT.add(dialog.notional, f.EXACT.multiply(fill.size, fill.price))
    for reqid in payload.reqids:
        index_reqid(book, dialog, reqid)
    for venue_id in payload.venue_ids:
        index_venue_id(book, dialog, venue_id)
    for exec_id in (*(dialog.fills or ()), *(dialog.replaced or ())):
        index_execution(book, dialog, exec_id)
    dialog.edit_ids = {edit_id: (size, price) for edit_id, size, price in payload.edit_ids}
    dialog.ended_ns = record.time_ns
    _let_go(book, record, book.keep_finished - 1)
    book.finished[dialog] = None


_PARTS: dict[type[Any], Callable[[Book, Record, Dialog, Any, list[Effect]], None]] = {
    Submitted: _submitted,
    Held: _held,
    Adopted: _adopted,
    Sent: _sent,
    Triggered: _triggered,
    Met: _met,
    Trailed: _trailed,
    CancelWanted: _cancel_wanted,
    CancelSent: _cancel_sent,
    EditWanted: _edit_wanted,
    EditSent: _edit_sent,
    Reported: _reported,
    ReportedOfBefore: _reported,
    ReportedBesideOurs: _reported,
    ReportedOfTheirs: _reported,
    Timed: _timed,
    Contradicted: _contradicted,
    Recalled: _recalled,
}
