"""Asking a finished dialog back from its records: a late fill or bust still finds the order it belongs to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from fsm_ems.dialogs.apply import apply
from fsm_ems.dialogs.book import Book
from fsm_ems.dialogs.facts import Dialog
from fsm_ems.dialogs.record import Adopted, Effect, Held, Recalled, Record, Submitted
from fsm_ems.machines.order import OrderState

_BIRTHS = Submitted | Held | Adopted | Recalled
_FOR_EVER_NS = 2**63


class Lived(NamedTuple):
    """One record of a dialog's life: where it found the dialog, what it made of it, and what was due."""

    record: Record
    source: OrderState
    dialog: Dialog
    effects: Sequence[Effect]


def lived(records: Iterable[Record]) -> Iterator[Lived]:
    """Fold *records*, all of one (owner, oid), step by step; nothing else is touched.

    Each step's dialog moves on with the next one: look at it before you go on.
    """
    scratch, source = Book(), OrderState.NEW
    for record in records:
        if isinstance(record.payload, _BIRTHS):
            scratch, source = Book(), OrderState.NEW
            scratch.keep_age_ns = _FOR_EVER_NS
        scratch.seq = record.seq - 1
        effects = apply(scratch, record)
        dialog = scratch.dialogs[record.owner][record.oid]
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
        tuple(name for name in (*dialog.venue_ids, dialog.venue_id) if name is not None),
        tuple((edit_id, *terms) for edit_id, terms in dialog.edit_ids.items()),
    )
    return Record(book.seq + 1, now_ns, dialog.owner, dialog.oid, None, None, payload)
