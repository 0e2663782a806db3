"""A book as plain values, so that two can be compared and a difference can be read."""

from __future__ import annotations

from fsm_ems.dialogs.book import Book
from fsm_ems.dialogs.facts import CancelRequest, Dialog, EditRequest
from fsm_ems.dialogs.snapshot import FOLLOWING


def picture(book: Book) -> dict[str, object]:
    """Everything a book knows, to be compared; what it only keeps at hand is left out."""
    return {slot: _picture(getattr(book, slot)) for slot in Book.__slots__ if slot not in FOLLOWING}


def _picture(value: object) -> object:
    if isinstance(value, Dialog | CancelRequest | EditRequest):
        return {slot: _picture(getattr(value, slot)) for slot in type(value).__slots__}
    if isinstance(value, dict):
        return {
            f"{key.owner}/{key.oid}" if isinstance(key, Dialog) else key: _picture(inner)
            for key, inner in value.items()
        }
    if type(value) in (tuple, list):
        return [_picture(inner) for inner in value]  # type: ignore[attr-defined]  # both can be walked
    return value
