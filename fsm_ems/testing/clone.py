"""A second book that shares nothing that can change: what a search forks the world with.

``apply`` changes a book in place, so that each branch of a search needs its own. Every slot is copied by a
rule below; a slot without one is found when this file is imported.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from fsm_ems.dialogs.book import Book
from fsm_ems.dialogs.facts import CancelRequest, Dialog, EditRequest

T = TypeVar("T")
Twins = dict[Dialog, Dialog]


def _same(value: Any, twins: Twins) -> Any:
    return value


def _flat(value: Any, twins: Twins) -> Any:
    """A container of what never changes."""
    return value.copy()


def _nested(value: Any, twins: Twins) -> Any:
    return {name: inner.copy() for name, inner in value.items()}


def _by_name(value: Any, twins: Twins) -> Any:
    return {name: {key: twins[dialog] for key, dialog in inner.items()} for name, inner in value.items()}


def _finished(value: Any, twins: Twins) -> Any:
    return OrderedDict((twins[dialog], None) for dialog in value)


def _clock(value: Any, twins: Twins) -> Any:
    """Notes about dialogs that memory has let go lapse anyway."""
    return [(due, seq, twins[dialog]) for due, seq, dialog in value if dialog in twins]


_RULES: dict[str, Callable[[Any, Twins], Any]] = {
    "_alarm_clock": _clock,
    "by_reqid": _by_name,
    "by_venue_id": _by_name,
    "dialogs": _by_name,
    "finished": _finished,
    "forgotten": _flat,
    "generation": _same,
    "identities": _flat,
    "keep_age_ns": _same,
    "keep_finished": _same,
    "links": _flat,
    "orphan_execs": _nested,
    "orphans": _flat,
    "parked": _flat,
    "seq": _same,
    "streams": _flat,
    "unacked": _flat,
    "watchers": _flat,
}
_CONTAINERS = frozenset({"fills", "replaced"})
_REQUESTS = frozenset({"cancel", "edits"})
_PLAIN = tuple(slot for slot in Dialog.__slots__ if slot not in _CONTAINERS | _REQUESTS)

if set(_RULES) != set(Book.__slots__):
    raise AssertionError(f"no rule, or one too many, for {sorted(set(_RULES) ^ set(Book.__slots__))}")
if not set(Dialog.__slots__) >= _CONTAINERS | _REQUESTS:
    raise AssertionError("a dialog has lost a slot that is copied here")


def clone(book: Book) -> Book:
    """A book equal to *book*; what happens to either is not seen by the other."""
    twins = {dialog: clone_dialog(dialog) for dialog in book}
    twin = Book.__new__(Book)
    for slot, rule in _RULES.items():
        setattr(twin, slot, rule(getattr(book, slot), twins))
    return twin


def clone_dialog(dialog: Dialog) -> Dialog:
    """A dialog equal to *dialog*, with requests of its own."""
    twin = Dialog.__new__(Dialog)
    for slot in _PLAIN:
        setattr(twin, slot, getattr(dialog, slot))
    twin.fills = None if dialog.fills is None else dialog.fills.copy()
    twin.replaced = None if dialog.replaced is None else dialog.replaced.copy()
    cancel, edits = dialog.cancel, dialog.edits
    twin.cancel = None if cancel is None else slots_copied(cancel, CancelRequest.__slots__)
    twin.edits = tuple(slots_copied(edit, EditRequest.__slots__) for edit in edits) if edits else edits
    return twin


def slots_copied(original: T, slots: Iterable[str]) -> T:
    """A new object of the same class with the same values in *slots*; several times quicker than copy."""
    twin = object.__new__(type(original))
    for slot in slots:
        setattr(twin, slot, getattr(original, slot))
    return twin
