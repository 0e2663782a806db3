"""A second book that shares nothing that can change: what a search forks the world with.

``apply`` changes a book in place, so that each branch of a search needs its own. One is made for nearly every
step of every search, so that each slot has a line of its own here; a slot without one is found when this file
is imported.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, Protocol, TypeVar, cast

from msgspec import Struct

from fsm_ems.dialogs.book import Book
from fsm_ems.dialogs.darkbook import DarkBook
from fsm_ems.dialogs.facts import Dialog

Twins = dict[Dialog, Dialog]
_CLOCK, _SWEEP_AT = "_alarm_clock", "_sweep_at"
_S = TypeVar("_S", bound=Struct)


class _Shallow(Protocol):
    def __call__(self, struct: _S, /) -> _S: ...


shallow = cast("_Shallow", Struct.__copy__)  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]  # its stubs leave it out
"""A struct equal to another, with the same things in it; :func:`copy.copy` takes four times as long."""


def clone(book: Book) -> Book:
    """A book equal to *book*; what happens to either is not seen by the other."""
    twins: Twins = {}
    twin = object.__new__(Book)
    twin.dialogs = {}
    for owner, orders in book.dialogs.items():
        ours: dict[str, Dialog] = {}
        twin.dialogs[owner] = ours
        for oid, dialog in orders.items():
            ours[oid] = twins[dialog] = clone_dialog(dialog)
    _copy_indexes(book, twin, twins)
    twin.seq, twin.generation = book.seq, book.generation
    twin.keep_age_ns, twin.keep_finished = book.keep_age_ns, book.keep_finished
    twin.differing = book.differing.copy()
    twin.histories = book.histories.copy()
    twin.identities = book.identities.copy()
    twin.links = book.links.copy()
    twin.markets = book.markets.copy()
    twin.orphans = book.orphans.copy()
    twin.parked = book.parked.copy()
    twin.streams = book.streams.copy()
    twin.unacked = book.unacked.copy()
    twin.watchers = book.watchers.copy()
    twin.amendments = {key: known.copy() for key, known in book.amendments.items()} if book.amendments else {}
    twin.orphan_execs = {key: seqs.copy() for key, seqs in book.orphan_execs.items()}
    twin.positions = {
        account: {market: position.twin() for market, position in held.items()}
        for account, held in book.positions.items()
    }
    return twin


def _copy_indexes(book: Book, twin: Book, twins: Twins) -> None:
    """All that leads to dialogs: to those of *twin* from there on."""
    twin.by_reqid = _led_to(book.by_reqid, twins)
    twin.by_venue_id = _led_to(book.by_venue_id, twins)
    twin.executions = _led_to(book.executions, twins)
    twin.finished = OrderedDict.fromkeys([twins[dialog] for dialog in book.finished])
    twin.forgotten = book.forgotten.copy()
    # The dark book follows from the dialogs and from who came, or was met, before whom.
    twin.dark = dark = DarkBook()
    for dialog in book.dark:
        dark.place(twins[dialog])
    # Notes about dialogs that memory has let go lapse anyway.
    notes = [(due, seq, twins[dialog]) for due, seq, dialog in getattr(book, _CLOCK) if dialog in twins]
    setattr(twin, _CLOCK, notes)
    setattr(twin, _SWEEP_AT, getattr(book, _SWEEP_AT))


def _led_to(table: Mapping[Any, Mapping[Any, Dialog]], twins: Twins) -> dict[Any, dict[Any, Dialog]]:
    led: dict[Any, dict[Any, Dialog]] = {}
    for broker, known in table.items():
        ours: dict[Any, Dialog] = {}
        led[broker] = ours
        for name, dialog in known.items():
            ours[name] = twins[dialog]
    return led


def clone_dialog(dialog: Dialog) -> Dialog:
    """A dialog equal to *dialog*, with requests of its own."""
    twin = shallow(dialog)
    if dialog.fills is not None:
        twin.fills = dialog.fills.copy()
    if dialog.replaced is not None:
        twin.replaced = dialog.replaced.copy()
    if dialog.cancel is not None:
        twin.cancel = shallow(dialog.cancel)
    if dialog.edits:
        twin.edits = tuple([shallow(edit) for edit in dialog.edits])
    return twin


_book = Book()
_twin = clone(_book)
for _slot in Book.__slots__:
    assert hasattr(_twin, _slot), f"{_slot} is not copied"
    _shared = getattr(_twin, _slot) is getattr(_book, _slot)
    assert not _shared or isinstance(getattr(_book, _slot), int | str), f"{_slot} is shared, and can change"
