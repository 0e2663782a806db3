"""What each report does to the facts of a dialog; the pure part of :mod:`fsm_ems.dialogs.apply`.

Quantities, requests and flags change here; the state moves by the table alone.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from functools import reduce
from typing import Any

from msgspec.structs import replace

from fsm_ems.dialogs import facts as f
from fsm_ems.dialogs.accounts import book_execution, unbook_execution
from fsm_ems.dialogs.book import Book
from fsm_ems.dialogs.facts import EXACT, PRECISE, ZERO, CancelRequest, Dialog, EditRequest, Execution
from fsm_ems.dialogs.fold_steps import (
    deadline_of,
    explain,
    hidden_increase,
    is_settled,
    settle_increases,
    state_cum,
    take_terms,
)
from fsm_ems.dialogs.ids import index_execution, index_reqid
from fsm_ems.dialogs.naming import restated_terms
from fsm_ems.dialogs.naming_age import answers, outdated, shrank
from fsm_ems.dialogs.naming_status import (
    LIFTED,
    MARKS,
    edit_ended,
    edit_in_force,
    end_told,
    pending_edit,
    settles,
)
from fsm_ems.dialogs.naming_steps import PROVES, find_edit, proven_edit
from fsm_ems.dialogs.record import Effect, Record, ReportedBesideOurs, ReportedOfBefore, ReportedOfTheirs
from fsm_ems.machines.order import QUIET, E, S
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
    OrderDetails,
    Report,
)

_add, _multiply = EXACT.add, EXACT.multiply  # a context makes them anew each time they are asked for
_QUIET = frozenset(QUIET)
_WHOLE = frozenset({E.FILLED_STATED, E.FOUND_FILLED})
_NO_ANSWER = frozenset({"pending_cancel", "absent"})
"""Answers that do not say that no cancel is open."""
_FOUND = frozenset({E.FOUND_ACKED, E.FOUND_OPEN, E.FOUND_FILLED})


def fold(book: Book, record: Record, dialog: Dialog, report: Report, effects: list[Effect]) -> None:
    """Change the facts of *dialog* as *report* tells; ``record.event`` is the name it was given.

    What an answer would settle may have changed with it: one that was read before says no more of that.
    """
    event, before = record.event, _settled_by_answers(dialog) if dialog.asked else None
    whole = not dialog.edits or is_settled(dialog)
    _FOLDS[type(report)](book, record, dialog, report, effects)
    if dialog.edits:
        if not whole:
            explain(dialog)
        f.let_grow(dialog)
    if dialog.asked and _settled_by_answers(dialog) != before:
        dialog.asked = 0
    if event in _FOUND:
        dialog.flags &= ~f.DOUBTS
    dialog.flags |= PROVES[event]


def _settled_by_answers(dialog: Dialog) -> tuple[object, ...]:
    theirs = dialog.cancel is not None and not dialog.cancel.wanted
    edits = [edit.reqid for edit in dialog.edits if edit.out]
    return dialog.size, dialog.price, edits, theirs, len(dialog.replaced or ())


def _ack(book: Book, record: Record, dialog: Dialog, report: BrokerdOrderAck, effects: list[Effect]) -> None:
    """The venue's id is all it brings, and that is indexed already."""


def _status(book: Book, record: Record, dialog: Dialog, report: BrokerdStatus, effects: list[Effect]) -> None:
    if record.event is E.AMBIGUOUS:
        _puzzled(dialog, record, report)
        return
    if record.event is E.ACK and dialog.state in _QUIET:
        return  # the venue's id is all that is new, and that is indexed already
    status, edit = report.status, edit_ended(dialog, report)
    of_before = report.snapshot and outdated(dialog, report)
    whole = not dialog.edits or is_settled(dialog)
    if edit is not None:
        take_terms(dialog, edit, edit.size, edit.price)
    # Of a filled order an end may be told by a look whose count has an execution that is undone.
    if report.cum is not None and not (of_before and dialog.state is S.FILLED and shrank(dialog)):
        state_cum(dialog, report.cum)
    if status == "pending_cancel":
        _cancel_pending(dialog, record, report)
    elif status == "pending_edit" and (dialog.state is not S.FILLED or pending_edit(dialog, report)):
        _edit_pending(book, dialog, report, deadline_of(record))
    elif status == "open":
        if not report.snapshot:
            dialog.flags &= ~LIFTED
    elif status in MARKS:
        dialog.flags |= MARKS[status]
    elif status == "absent":
        again = dialog.flags & f.MISSED and dialog.flags & f.ACKED
        dialog.flags |= f.VANISHED if again else f.MISSED
    found = dialog.state is S.UNKNOWN and answers(dialog, report)
    if found:
        _settle_requests(dialog, report)
    if answers(dialog, report):
        dialog.asked = 0
    if status == "filled" and record.event in _WHOLE and not dialog.complete:
        _take_whole(dialog, report.cum)
    elif status == "filled" and report.cum is None and not of_before:
        state_cum(dialog, dialog.size)  # that much at least: an increase is out
    if found and status == "filled" and record.event in _WHOLE:
        settle_increases(dialog)
    elif not whole:
        explain(dialog)
    _note_end(dialog, record.event, report)


def _puzzled(dialog: Dialog, record: Record, report: BrokerdStatus) -> None:
    """How it stood at some time: it arrived, and only an answer shows what has become of it since.

    Of what is complete by that, and has more to trade at the venue, an edit must have come into force.
    """
    if dialog.state is not S.UNKNOWN:
        doubted(dialog, record)
    elif answers(dialog, report):
        dialog.asked = 0
    elif dialog.asked and not report.snapshot:
        dialog.flags |= f.HEARD
    dialog.flags |= f.UNSEEN | f.ACKED | f.RESTS
    if report.cum is not None and not shrank(dialog):
        state_cum(dialog, report.cum)
    shown = report.details.size if report.details is not None else ZERO
    if dialog.complete and shown > dialog.filled:
        if not f.expects(dialog, shown):
            hidden_increase(dialog, record, shown)
        f.let_grow(dialog)


def _take_whole(dialog: Dialog, cum: Decimal | None) -> None:
    """All of it traded: the size in force, or the number the venue names, which an edit may explain."""
    if cum is None:
        dialog.stated = dialog.size
        return
    for edit in reversed(dialog.edits):
        if edit.out and edit.size is not None and edit.size <= cum:
            take_terms(dialog, edit, edit.size, edit.price)
            break
    dialog.size = dialog.filled


def _settle_requests(dialog: Dialog, report: BrokerdStatus) -> None:
    """A stranger's cancel that the venue does not tell of is over; an answer with terms settles edits."""
    if dialog.cancel is not None and not dialog.cancel.wanted and report.status not in _NO_ANSWER:
        dialog.cancel = None
    if report.details is not None and settles(dialog, report):
        _settle_edits(dialog, report.details)


def _settle_edits(dialog: Dialog, details: OrderDetails) -> None:
    """The answer was read after every deadline: an edit that is not in force by then never will be.

    The terms that it shows are in force, whoever asked for them.
    """
    edit = edit_in_force(dialog, details)
    if edit is not None:
        take_terms(dialog, edit, edit.size, edit.price)
    dialog.edits = tuple(held for held in dialog.edits if not held.out)
    dialog.size = max(details.size, dialog.filled)
    if details.price is not None:
        dialog.price = details.price


def _note_end(dialog: Dialog, event: E | None, report: BrokerdStatus) -> None:
    """An end told of an order that is filled, or is so by that very report, is noted; requests are over."""
    end = event
    if dialog.state is not S.FILLED:
        end = end_told(dialog, report) if event in _WHOLE else None
    if end in (E.CANCELLED, E.EXPIRED, E.CALCULATED):
        dialog.noted_end = dialog.noted_end or (S.CANCELLED if end is E.CANCELLED else S.EXPIRED)
        dialog.cancel = None
        dialog.edits = ()


def _cancel_pending(dialog: Dialog, record: Record, report: BrokerdStatus) -> None:
    """A request that nobody here sent has a deadline too: then the venue is asked what came of it.

    Where ours has not left, and the venue does not name it, it weighs a stranger's: ours leaves beside it.
    Of an order that has filled nobody awaits what comes of it.
    """
    cancel, beside = dialog.cancel, isinstance(record.payload, ReportedBesideOurs)
    if cancel is None:
        if beside:
            return
        cancel = dialog.cancel = CancelRequest(None, wanted=False)
    cancel.pending = True
    if beside:
        if report.reqid != cancel.reqid:
            cancel.theirs_ns = deadline_of(record) if isinstance(record.payload, ReportedOfTheirs) else 0
            return
        cancel.deadline_ns = cancel.again_ns = deadline_of(record)
    elif not cancel.wanted:
        cancel.deadline_ns = deadline_of(record)
    cancel.out = True


def _edit_pending(book: Book, dialog: Dialog, report: BrokerdStatus, deadline_ns: int) -> None:
    edit = pending_edit(dialog, report)
    if edit is None:
        edit = EditRequest("", report.reqid or "", None, None, reopens=dialog.complete)
        dialog.edits = (*dialog.edits, edit)
        if report.reqid is not None:
            index_reqid(book, dialog, report.reqid)
    if not edit.edit_id or edit.settled or not edit.out:
        edit.deadline_ns, edit.settled = deadline_ns, False
    edit.out = True
    edit.pending = True


# ── executions ──────────────────────────────────────────────────────────────────────────────────────


def _book(dialog: Dialog, execution: Execution) -> None:
    if dialog.fills is None:
        dialog.fills = {}
    dialog.fills[execution.exec_id] = execution
    dialog.booked = _add(dialog.booked, execution.size)
    dialog.notional = _add(dialog.notional, _multiply(execution.size, execution.price))


def _unbook(dialog: Dialog, exec_id: str, successor: str | None) -> Execution | None:
    """Take a live execution out; later copies of it, and of an unseen one, are known by *replaced*."""
    if dialog.replaced is None:
        dialog.replaced = {}
    dialog.replaced[exec_id] = successor
    execution = dialog.fills.pop(exec_id, None) if dialog.fills else None
    if execution is not None:
        dialog.booked = EXACT.subtract(dialog.booked, execution.size)
        dialog.notional = EXACT.subtract(dialog.notional, _multiply(execution.size, execution.price))
    return execution


def _restate_stated(dialog: Dialog, change: Decimal) -> None:
    """What the venue stated before an execution was amended is amended with it."""
    if dialog.stated:
        dialog.stated = max(EXACT.add(dialog.stated, change), ZERO)


def _execution(report: BrokerdFill | BrokerdCorrection, time_ns: int) -> Execution:
    return Execution(
        report.exec_id,
        report.size,
        report.price,
        report.fee,
        report.fee_asset,
        report.liquidity,
        report.time_ns or time_ns,
    )


def _fill(book: Book, record: Record, dialog: Dialog, report: BrokerdFill, effects: list[Effect]) -> None:
    edit = proven_edit(dialog, report.reqid) if dialog.edits else None
    if edit is not None:
        take_terms(dialog, edit, edit.size, edit.price)
    execution = _execution(report, record.time_ns)
    _book(dialog, execution)
    index_execution(book, dialog, report.exec_id)
    book_execution(book, record, dialog, execution, effects)
    if report.cum is not None and not isinstance(record.payload, ReportedOfBefore):
        state_cum(dialog, report.cum)
    if record.event is E.AMBIGUOUS:
        dialog.flags |= f.ACKED | f.RESTS
        hidden_increase(dialog, record, None)


def _bust(book: Book, record: Record, dialog: Dialog, report: BrokerdBust, effects: list[Effect]) -> None:
    undone = dialog.live_exec_id(report.ref_id) or report.ref_id
    gone = _unbook(dialog, undone, None)
    index_execution(book, dialog, report.ref_id)  # perhaps never seen
    unbook_execution(book, record, dialog, undone, gone, effects)
    if gone is not None:
        _restate_stated(dialog, gone.size.copy_negate())  # a minus sign would round to 28 digits
    _note_reopened_end(dialog, record)


def _correction(
    book: Book, record: Record, dialog: Dialog, report: BrokerdCorrection, effects: list[Effect]
) -> None:
    fills, replaced = dialog.fills or {}, dialog.replaced or {}
    new = ZERO if report.exec_id in replaced or report.exec_id in fills else report.size
    undone = dialog.live_exec_id(report.ref_id) or report.ref_id
    gone = _unbook(dialog, undone, report.exec_id)
    for exec_id in (report.ref_id, report.exec_id):
        index_execution(book, dialog, exec_id)
    unbook_execution(book, record, dialog, undone, gone, effects)
    if new:
        execution = _execution(report, record.time_ns)
        _book(dialog, execution)
        book_execution(book, record, dialog, execution, effects)
    if gone is not None:
        _restate_stated(dialog, EXACT.subtract(new, gone.size))
    _note_reopened_end(dialog, record)


def _note_reopened_end(dialog: Dialog, record: Record) -> None:
    """The noted end of an order that is no longer filled has come into force."""
    if record.then in (E.CANCELLED, E.EXPIRED):
        dialog.noted_end = None


# ── terms ───────────────────────────────────────────────────────────────────────────────────────────


def _replaced(
    book: Book, record: Record, dialog: Dialog, report: BrokerdReplaced, effects: list[Effect]
) -> None:
    edit = find_edit(dialog, report.reqid)
    if edit is not None:  # else what traded had proved it, as it does now and did not when this was recorded
        take_terms(dialog, edit, report.size or edit.size, report.price or edit.price)


def _refused(
    book: Book, record: Record, dialog: Dialog, report: BrokerdRefused, effects: list[Effect]
) -> None:
    if report.request == "cancel":
        dialog.cancel = None
    elif report.request == "edit":
        edit = find_edit(dialog, report.reqid)
        dialog.edits = tuple(other for other in dialog.edits if other is not edit)


def _restated(
    book: Book, record: Record, dialog: Dialog, report: BrokerdRestated, effects: list[Effect]
) -> None:
    terms = restated_terms(dialog, report)
    dialog.flags |= 0 if report.split is None else f.SPLIT
    if report.split is not None and dialog.fills:
        dialog.fills = {
            exec_id: replace(
                fill,
                size=EXACT.multiply(fill.size, report.split),
                price=PRECISE.divide(fill.price, report.split),
                told=fill.told or (fill.size, fill.price),
            )
            for exec_id, fill in dialog.fills.items()
        }
        dialog.notional = reduce(EXACT.add, (_multiply(one.size, one.price) for one in dialog.fills.values()))
    dialog.booked, dialog.stated = terms.booked, terms.stated
    dialog.size = max(terms.size, terms.booked, terms.stated)
    if report.price is not None:
        dialog.price = report.price
    elif report.split is not None and dialog.price is not None:
        dialog.price = PRECISE.divide(dialog.price, report.split)
    dialog.flags &= ~f.DONE_FOR_DAY
    _note_reopened_end(dialog, record)


def _error(book: Book, record: Record, dialog: Dialog, report: BrokerdError, effects: list[Effect]) -> None:
    doubted(dialog, record)


def doubted(dialog: Dialog, record: Record) -> None:
    """The report does not tell what became of the order; the venue is asked once all requests are past."""
    dialog.flags |= f.DOUBT
    dialog.asked = 0
    if dialog.cancel is not None:
        dialog.cancel.in_doubt()
    dialog.due_ns = deadline_of(record)


_FOLDS: dict[type[Any], Callable[[Book, Record, Dialog, Any, list[Effect]], None]] = {
    BrokerdOrderAck: _ack,
    BrokerdStatus: _status,
    BrokerdFill: _fill,
    BrokerdBust: _bust,
    BrokerdCorrection: _correction,
    BrokerdReplaced: _replaced,
    BrokerdRefused: _refused,
    BrokerdRestated: _restated,
    BrokerdError: _error,
}
