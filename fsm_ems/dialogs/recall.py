"""Asking a finished dialog back from its records: a late fill or bust still finds the order it belongs to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from fsm_ems.dialogs.apply import apply
from fsm_ems.dialogs.book import Book
from fsm_ems.dialogs.facts import Dialog
from fsm_ems.dialogs.record import Adopted, Effect, Held, Recalled, Record, Submitted
from fsm_ems.errors import EMSBug, LogDamaged
from fsm_ems.machines.order import OrderState

_BIRTHS = Submitted | Held | Adopted | Recalled
_FOR_EVER_NS = 2**63
SOME_LOG = "the record log"
"""Where a record is that a fold refuses, which knows no file."""


def applied(book: Book, record: Record) -> list[Effect]:
    """``apply`` for a record that was read, and may be one that nobody decided.

    Raises:
        LogDamaged: it cannot follow the ones before it; *line* is its seq.
    """
    try:
        return apply(book, record)
    except (EMSBug, LookupError, StopIteration) as problem:
        why = str(problem) if isinstance(problem, EMSBug) else "it is about what is not there"
        raise LogDamaged(SOME_LOG, record.seq, f"it cannot follow what is before it: {why}") from problem


class Lived(NamedTuple):
    """One record of a dialog's life: where it found the dialog, what it made of it, and what was due."""

    record: Record
    source: OrderState
    dialog: Dialog
    effects: Sequence[Effect]


def lived(records: Iterable[Record]) -> Iterator[Lived]:
    """Fold *records*, all of one (owner, oid), step by step; nothing else is touched.

    Each step's dialog moves on with the next one: look at it before you go on.

    Raises:
        LogDamaged: a record cannot follow the ones before it.
    """
    scratch, source = Book(), OrderState.NEW
    for record in records:
        if isinstance(record.payload, _BIRTHS):
            scratch, source = Book(), OrderState.NEW
            scratch.keep_age_ns = _FOR_EVER_NS
        scratch.seq = record.seq - 1
        effects = applied(scratch, record)
        dialog = scratch.dialog(record.owner, record.oid)
        if dialog is None:
            raise LogDamaged(SOME_LOG, record.seq, "it names an order and is about none")
        yield Lived(record, source, dialog, effects)
        source = dialog.state


def rebuilt(records: Iterable[Record]) -> Dialog | None:
    """The dialog that *records*, all of one (owner, oid), fold to."""
    dialog: Dialog | None = None
    for step in lived(records):
        dialog = step.dialog
    return dialog


def recalled(book: Book, records: Sequence[Record], now_ns: int) -> Record | None:
    """The record that brings the dialog of *records* back into *book*; None when there is none to bring."""
    dialog = rebuilt(records)
    if dialog is None or book.dialog(dialog.owner, dialog.oid) is not None:
        return None
    names = (*dialog.venue_ids, dialog.venue_id)  # but for those that are another order's by now
    payload = Recalled(
        dialog.body,
        dialog.broker,
        dialog.state,
        dialog.size,
        dialog.price,
        dialog.stated,
        tuple((dialog.fills or {}).values()),
        tuple((dialog.replaced or {}).items()),
        dialog.flags,
        dialog.end,
        dialog.noted_end,
        tuple(reqid for reqid in (dialog.reqid, *dialog.reqids) if reqid is not None),
        dialog.lost_reqid,
        tuple(name for name in names if name is not None and book.find(dialog.broker, None, name) is None),
        tuple((edit_id, *terms) for edit_id, terms in dialog.edit_ids.items()),
    )
    return Record(book.seq + 1, now_ns, dialog.owner, dialog.oid, None, None, payload)
