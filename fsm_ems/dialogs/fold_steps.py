"""What the folds of reports share: counts that are stated, terms that come into force, settled edits.

Part of :mod:`fsm_ems.dialogs.fold_report`.
"""

from __future__ import annotations

from decimal import Decimal

from fsm_ems.dialogs.facts import CancelRequest, Dialog, EditRequest, leaves_more, may_leave_more
from fsm_ems.dialogs.ids import take_over
from fsm_ems.dialogs.naming_steps import after
from fsm_ems.dialogs.record import Record, Reported


def state_cum(dialog: Dialog, cum: Decimal) -> None:
    """The venue names a cumulative size: one above all that is known tells something."""
    if cum > dialog.stated and cum > dialog.booked:
        dialog.stated = cum


def take_terms(dialog: Dialog, edit: EditRequest, size: Decimal | None, price: Decimal | None) -> None:
    """*edit* is in force: it and all before it are answered. Size never falls below what traded."""
    dialog.edits = after(dialog, edit)
    take_over(dialog, edit.reqid)
    if size is not None:
        dialog.size = max(size, dialog.filled)
    if price is not None:
        dialog.price = price


def is_settled(dialog: Dialog) -> bool:
    """Whether nothing is left to trade, whatever becomes of the edits that are out."""
    return dialog.complete and not leaves_more(dialog.edits, dialog.filled)


def explain(dialog: Dialog) -> None:
    """Nothing is left, and more has traded than the size in force: the largest edit that is out, and that has
    traded, is in force.
    """
    if not is_settled(dialog):
        return
    sizes = [edit.size for edit in dialog.edits if edit.out and edit.size is not None]
    traded = max((size for size in sizes if dialog.size < size <= dialog.filled), default=None)
    if traded is not None:
        edit = next(edit for edit in reversed(dialog.edits) if edit.out and edit.size == traded)
        take_terms(dialog, edit, None, edit.price)
        dialog.size = traded  # less, it may be, than what has traded by now


def settle_increases(dialog: Dialog) -> None:
    """An answer that was read after every deadline says that the order has filled: of edits that would leave
    more to trade nobody waits to hear.
    """
    for edit in dialog.edits:
        if edit.reopens or may_leave_more(edit, dialog.filled):
            edit.settled, edit.reopens, edit.pending = True, False, False
    explain(dialog)


def deadline_of(record: Record) -> int:
    """The deadline of what the record of a report makes due."""
    assert isinstance(record.payload, Reported), "only a record of a report is folded"
    return record.payload.deadline_ns


def theirs_beside(ours: CancelRequest) -> CancelRequest | None:
    """The stranger's that the venue weighs beside *ours*, which is over and has not left.

    It counts if the order comes to life again; of one that has filled it is not told as pending.
    """
    if not ours.theirs_ns:
        return None
    return CancelRequest(None, wanted=False, out=True, deadline_ns=ours.theirs_ns)


def hidden_increase(dialog: Dialog, record: Record, size: Decimal | None) -> None:
    """Somebody else has increased it, to *size* if that is known."""
    deadline_ns = deadline_of(record)
    theirs = EditRequest("", "", size, None, reopens=True, out=True, deadline_ns=deadline_ns)
    dialog.edits = (*(edit for edit in dialog.edits if edit.reqid), theirs)
