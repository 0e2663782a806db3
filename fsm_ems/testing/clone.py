"""A second book that shares nothing that can change: what a search forks the world with.

``apply`` changes a book in place, so that each branch of a search needs its own. Every slot is copied by a
rule below; a slot without one is found when this file is imported.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from typing import Any

from fsm_ems.dialogs.book import Book
from fsm_ems.dialogs.darkbook import DarkBook
from fsm_ems.dialogs.facts import Dialog

Twins = dict[Dialog, Dialog]


def _nested(value: Any, twins: Twins) -> Any:
    return {name: inner.copy() for name, inner in value.items()}


def _by_name(value: Any, twins: Twins) -> Any:
    return {name: {key: twins[dialog] for key, dialog in inner.items()} for name, inner in value.items()}


def _finished(value: Any, twins: Twins) -> Any:
    return {twins[dialog]: None for dialog in value}


def _positions(value: Any, twins: Twins) -> Any:
    return {
        account: {market: position.twin() for market, position in held.items()}
        for account, held in value.items()
    }


def _dark(value: Any, twins: Twins) -> Any:
    """The dark book follows from the dialogs and from who came, or was met, before whom."""
    book = DarkBook()
    for dialog in value:
        book.place(twins[dialog])
    return book


def _clock(value: Any, twins: Twins) -> Any:
    """Notes about dialogs that memory has let go lapse anyway."""
    return [(due, seq, twins[dialog]) for due, seq, dialog in value if dialog in twins]


_SAME = ("_sweep_at", "forgotten", "generation", "keep_age_ns", "keep_finished", "seq")
_FLAT = (
    "differing",
    "histories",
    "identities",
    "links",
    "markets",
    "orphans",
    "parked",
    "streams",
    "unacked",
    "watchers",
)
_RULES: dict[str, Callable[[Any, Twins], Any]] = {
    "_alarm_clock": _clock,
    "amendments": _nested,
    "by_reqid": _by_name,
    "by_venue_id": _by_name,
    "dark": _dark,
    "dialogs": _by_name,
    "executions": _by_name,
    "finished": _finished,
    "orphan_execs": _nested,
    "positions": _positions,
}

_OTHERWISE = {*_SAME, *_FLAT, *_RULES} ^ set(Book.__slots__)
assert not _OTHERWISE, f"copied otherwise: {sorted(_OTHERWISE)}"


def clone(book: Book) -> Book:
    """A book equal to *book*; what happens to either is not seen by the other."""
    twins = {dialog: clone_dialog(dialog) for dialog in book}
    twin = object.__new__(Book)
    for slot in _SAME:
        setattr(twin, slot, getattr(book, slot))
    for slot in _FLAT:
        setattr(twin, slot, getattr(book, slot).copy())
    for slot, rule in _RULES.items():
        setattr(twin, slot, rule(getattr(book, slot), twins))
    return twin


def clone_dialog(dialog: Dialog) -> Dialog:
    """A dialog equal to *dialog*, with requests of its own."""
    twin = copy(dialog)
    if dialog.fills is not None:
        twin.fills = dialog.fills.copy()
    if dialog.replaced is not None:
        twin.replaced = dialog.replaced.copy()
    if dialog.cancel is not None:
        twin.cancel = copy(dialog.cancel)
    if dialog.edits:
        twin.edits = tuple(map(copy, dialog.edits))
    return twin
