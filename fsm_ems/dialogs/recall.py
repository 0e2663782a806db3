"""Asking a finished dialog back from its records: a late fill or bust still finds the order it belongs to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from fsm_ems.dialogs.apply import apply
from fsm_ems.dialogs.book import Book
from fsm_ems.dialogs.facts import Dialog
from fsm_ems.dialogs.record import Recalled, Record


def rebuilt(records: Iterable[Record]) -> Dialog | None:
    """The dialog that *records*, all of one (owner, oid), fold to; nothing else is touched."""
    scratch = Book()
    last: Record | None = None
    for record in records:
        scratch.seq = record.seq - 1
        if isinstance(record.payload, Recalled) and last is not None:
            scratch = Book()
            scratch.seq = record.seq - 1
        apply(scratch, record)
        last = record
    return None if last is None else scratch.dialog(last.owner, last.oid)


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
    )
    return Record(book.seq + 1, now_ns, dialog.owner, dialog.oid, None, None, payload)
