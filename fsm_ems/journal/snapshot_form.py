"""A book as bytes, and back: everything that a fold of records holds, so that it can go on from there.

Nothing of it is written by hand that could be forgotten. Of each class that a book is made of, the fields are
read from the class itself; those that have slots and no annotations stand in a table below, which is held
against the slots when this file is imported. :data:`FORM` is a hash over all names and types: a snapshot of
another form is none that can be read here.

Two things are kept that equality does not show. The order of every table: it is that of the records. And
whether the cost of a position is that of its very size (``Fold.per is Fold.size``): it is rounded otherwise.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from hashlib import blake2b
from typing import Any, NamedTuple, get_type_hints

import msgspec

from fsm_ems.accounting.ledger import Entry
from fsm_ems.dialogs.book import Book, History, Identity, Waiting
from fsm_ems.dialogs.facts import Body, Dialog
from fsm_ems.dialogs.record import Booked, Notice, Record
from fsm_ems.journal.codec import decode, encode
from fsm_ems.journal.snapshot_parts import (
    ANY_EVENT,
    PARTS,
    DialogForm,
    Hints,
    PositionForm,
    as_it_is,
    checked,
    dialog_of,
    event_of,
    formed_dialog,
    formed_event,
    formed_position,
    many,
    mirror,
    pairs_of,
    position_of,
)
from fsm_ems.journal.typed import reader_of
from fsm_ems.machines.link import LinkState
from fsm_ems.machines.order import S
from fsm_ems.market import Market
from fsm_ems.messages import Report
from fsm_ems.value import Value

# ── the book ────────────────────────────────────────────────────────────────────────────────────────

_Indexed = tuple[tuple[str, tuple[tuple[int | str, int], ...]], ...]
"""By broker: a name, and the place of its dialog among the dialogs."""
_Executions = tuple[tuple[tuple[str, str], dict[str, int]], ...]
_read_report = reader_of(Report)


class _WaitingForm(msgspec.Struct, array_like=True, frozen=True, gc=False, forbid_unknown_fields=True):
    seq: int
    broker: str
    report: str
    due_ns: int


class _NoteForm(msgspec.Struct, array_like=True, frozen=True, gc=False, forbid_unknown_fields=True):
    """When to look at a dialog; *at* is its place, -1 of one that has left memory."""

    due_ns: int
    seq: int
    owner: str
    oid: str
    at: int


_BOOK = checked(
    Book,
    {
        "seq": int,
        "generation": str,
        "keep_finished": int,
        "keep_age_ns": int,
        "dialogs": pairs_of(str, many(DialogForm)),
        "by_reqid": _Indexed,
        "by_venue_id": _Indexed,
        "executions": _Executions,
        "dark": tuple[int, ...],
        "finished": tuple[int, ...],
        "forgotten": tuple[tuple[str, str], ...],
        "markets": dict[str, Market],
        "positions": pairs_of(str, pairs_of(str, PositionForm)),
        "differing": tuple[tuple[tuple[str, str], Decimal], ...],
        "identities": dict[str, Identity],
        "streams": dict[str, int],
        "links": dict[str, LinkState],
        "histories": dict[str, History],
        "unacked": dict[str, int],
        "parked": tuple[_WaitingForm, ...],
        "orphans": tuple[_WaitingForm, ...],
        "orphan_execs": _Executions,
        "amendments": _Executions,
        "_alarm_clock": tuple[_NoteForm, ...],
        "_sweep_at": int,
    },
    ("watchers",),  # whoever looks for them first notes them again
)
_BookForm = mirror("Book", _BOOK)


def _waiting(waits: Mapping[int, Waiting]) -> tuple[_WaitingForm, ...]:
    return tuple(
        _WaitingForm(seq, one.broker, one.report.to_json(exclude_none=True), one.due_ns)
        for seq, one in waits.items()
    )


def _waiting_of(forms: Iterable[_WaitingForm]) -> dict[int, Waiting]:
    return {
        form.seq: Waiting(form.broker, _read_report(json.loads(form.report)), form.due_ns) for form in forms
    }


def _book(book: Book) -> Any:  # noqa: ANN401 -- the mirror
    place = {id(dialog): at for at, dialog in enumerate(book)}

    def named(index: Mapping[Any, Mapping[Any, Dialog]]) -> tuple[Any, ...]:
        return tuple(
            (key, tuple((name, place[id(found)]) for name, found in names.items()))
            for key, names in index.items()
        )

    def clock(notes: Iterable[tuple[int, int, Dialog]]) -> tuple[_NoteForm, ...]:
        return tuple(
            _NoteForm(due, seq, dialog.owner, dialog.oid, place.get(id(dialog), -1))
            for due, seq, dialog in notes
        )

    rules: dict[str, Callable[[Any], Any]] = {
        "dialogs": lambda owners: tuple(
            (owner, tuple(map(formed_dialog, orders.values()))) for owner, orders in owners.items()
        ),
        "by_reqid": named,
        "by_venue_id": named,
        "executions": lambda index: tuple(
            (key, {name: place[id(found)] for name, found in names.items()}) for key, names in index.items()
        ),
        "dark": lambda dark: tuple(place[id(dialog)] for dialog in dark),
        "finished": lambda finished: tuple(place[id(dialog)] for dialog in finished),
        "forgotten": tuple,
        "positions": lambda accounts: tuple(
            (account, tuple((market, formed_position(one)) for market, one in held.items()))
            for account, held in accounts.items()
        ),
        "differing": _pairs,
        "parked": _waiting,
        "orphans": _waiting,
        "orphan_execs": _pairs,
        "amendments": _pairs,
        "_alarm_clock": clock,
    }
    return _BookForm(*(rules.get(name, as_it_is)(getattr(book, name)) for name in _BOOK))


def _pairs(table: Mapping[Any, Any]) -> tuple[tuple[Any, Any], ...]:
    return tuple(table.items())


def _book_into(book: Book, form: Any) -> None:  # noqa: ANN401 -- the mirror
    """Fill *book*, which is empty, with what *form* holds."""
    by_owner = [(owner, [*map(dialog_of, forms)]) for owner, forms in form.dialogs]
    dialogs: list[Dialog] = [dialog for _, orders in by_owner for dialog in orders]

    def named(index: Iterable[tuple[Any, Any]]) -> dict[Any, dict[Any, Dialog]]:
        return {key: {name: dialogs[at] for name, at in dict(names).items()} for key, names in index}

    def ended(places: Iterable[int]) -> OrderedDict[Dialog, None]:
        return OrderedDict((dialogs[at], None) for at in places)

    def note(one: _NoteForm) -> tuple[int, int, Dialog]:
        dialog = dialogs[one.at] if one.at >= 0 else _gone(one.owner, one.oid)
        if (dialog.owner, dialog.oid) != (one.owner, one.oid):
            raise ValueError(f"the note of {one.owner}'s {one.oid} names dialog {one.at}, which is another")
        return one.due_ns, one.seq, dialog

    rules: dict[str, Callable[[Any], Any]] = {
        "dialogs": lambda _: {owner: {one.oid: one for one in orders} for owner, orders in by_owner},
        "by_reqid": named,
        "by_venue_id": named,
        "executions": named,
        "finished": ended,
        "forgotten": OrderedDict.fromkeys,
        "positions": lambda accounts: {
            account: {market: position_of(one) for market, one in held} for account, held in accounts
        },
        "differing": dict,
        "parked": _waiting_of,
        "orphans": _waiting_of,
        "orphan_execs": dict,
        "amendments": dict,
        "_alarm_clock": lambda notes: [*map(note, notes)],
    }
    for name in _BOOK:
        if name != "dark":
            setattr(book, name, rules.get(name, as_it_is)(getattr(form, name)))
    held: tuple[int, ...] = form.dark
    for at in held:
        book.dark.place(dialogs[at])


_NO_BODY = Body(
    "buy", "", Decimal(0), None, "", "", None, post_only=False, mode="", direction=None, account=""
)


def _gone(owner: str, oid: str) -> Dialog:
    """What stands for a dialog that has left memory: its notes lapse, and it is never woken."""
    dialog = Dialog(owner, oid, _NO_BODY)
    dialog.state = S.CANCELLED
    return dialog


# ── all that a fold holds ───────────────────────────────────────────────────────────────────────────


class ClosedDay(Value, frozen=True):
    """A day of an account's ledger that changes no more: the *seq* of its last entry, and a hash of all."""

    broker: str
    account: str
    day: int
    seq: int
    digest: str


def hash_of(content: bytes) -> str:
    """The hash of *content*, as text."""
    return blake2b(content, digest_size=16).hexdigest()


def digest_of_day(entries: Iterable[Entry]) -> str:
    """The hash of a day's entries, to the last digit."""
    return hash_of(_encode([*entries]))


class Whole(NamedTuple):
    """What records lead to: the book, the last notices of each stream, what the newest ledger days hold, and
    the ledger days before those.
    """

    book: Book
    told: dict[str, tuple[Notice, ...]]
    booked: tuple[Booked, ...]
    closed: tuple[ClosedDay, ...]


_told: Callable[..., Notice] = Notice
_entered: Callable[..., Booked] = Booked
_NOTICE: Hints = {**get_type_hints(Notice), "record": int}
_NoticeForm = mirror("Notice", _NOTICE)
_BOOKED: Hints = {**get_type_hints(Booked), "event": ANY_EVENT}
_BookedForm = mirror("Booked", _BOOKED)
_WHOLE: Hints = {
    "book": _BookForm,
    "records": tuple[str, ...],
    "told": pairs_of(str, many(_NoticeForm)),
    "booked": many(_BookedForm),
    "closed": tuple[ClosedDay, ...],
}
_WholeForm = mirror("Whole", _WHOLE)
_encode, _decode = msgspec.json.Encoder().encode, msgspec.json.Decoder(_WholeForm).decode

FORMED = (
    _WholeForm, _BookForm, _WaitingForm, _NoteForm, _NoticeForm, _BookedForm, ClosedDay, Identity, History,
    *PARTS,
)  # fmt: skip  # one name a line says no more
"""Every class of which something is kept."""
FORM = hash_of(
    "\n".join(
        f"{kind.__name__} {name}: {hint!r}" for kind in FORMED for name, hint in get_type_hints(kind).items()
    ).encode()
)
"""A hash over the names and types of all that is kept."""


def packed(whole: Whole) -> bytes:
    """*whole* as bytes: the same for the same records, however they were come by."""
    records: dict[int, Record] = {}

    def notice(one: Notice) -> Any:  # noqa: ANN401 -- the mirror
        records[one.record.seq] = one.record
        return _NoticeForm(*(one.record.seq if name == "record" else getattr(one, name) for name in _NOTICE))

    told = tuple((who, tuple(map(notice, notices))) for who, notices in whole.told.items())
    booked = tuple(
        _BookedForm(*(formed_event(one.event) if name == "event" else getattr(one, name) for name in _BOOKED))
        for one in whole.booked
    )
    lines = tuple(encode(records[seq]) for seq in sorted(records))
    return _encode(_WholeForm(_book(whole.book), lines, told, booked, whole.closed))


def unpacked(content: bytes) -> Whole:
    """What :func:`packed` made *content* of.

    Raises:
        ValueError: nothing that it makes.
    """
    try:
        form = _decode(content)
    except msgspec.MsgspecError as problem:
        raise ValueError(str(problem)) from None
    records = {record.seq: record for record in map(decode, form.records)}
    try:
        told = {
            who: tuple(
                _told(*(records[one.record] if name == "record" else getattr(one, name) for name in _NOTICE))
                for one in notices
            )
            for who, notices in form.told
        }
        booked = tuple(
            _entered(*(event_of(one.event) if name == "event" else getattr(one, name) for name in _BOOKED))
            for one in form.booked
        )
        book = Book()
        _book_into(book, form.book)
    except (LookupError, AssertionError) as problem:
        raise ValueError(f"it names what is not in it: {problem!r}") from None
    return Whole(book, told, booked, form.closed)
