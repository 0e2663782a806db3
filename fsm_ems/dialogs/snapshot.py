"""A book as plain values, to be compared: replaying the records must give the live state, to the last fact.

Only what a record changes is in it. A book's alarm clock and its list of readers are left out: both follow
from the rest, and looking at the time or at who reads lets entries lapse without a record.
"""

from __future__ import annotations

from typing import Any

from msgspec.structs import asdict

from fsm_ems.accounting.position import Position
from fsm_ems.dialogs.book import Book
from fsm_ems.dialogs.facts import Dialog

Plain = dict[str, Any]

FOLLOWING = frozenset({"_alarm_clock", "_sweep_at", "watchers"})
"""The slots of a book that follow from the others."""


def facts(book: Book) -> Plain:
    """Everything *book* holds, by slot; dialogs stand as their (owner, oid) where something names them.

    What has an order keeps it: dialogs as submitted, the finished as they will be let go, what waits as it
    came. Sizes and prices are compared as numbers: 1.0 is 1.00.
    """
    plain: Plain = {slot: getattr(book, slot) for slot in Book.__slots__ if slot not in FOLLOWING}
    plain["dialogs"] = [
        (owner, oid, dialog_facts(dialog))
        for owner, orders in book.dialogs.items()
        for oid, dialog in orders.items()
    ]
    plain["by_reqid"] = {broker: _named(dialogs) for broker, dialogs in book.by_reqid.items()}
    plain["by_venue_id"] = {broker: _named(dialogs) for broker, dialogs in book.by_venue_id.items()}
    plain["executions"] = {account: _named(execs) for account, execs in book.executions.items()}
    plain["dark"] = [_key(dialog) for dialog in book.dark]
    plain["positions"] = {
        account: {market: position_facts(position) for market, position in held.items()}
        for account, held in book.positions.items()
    }
    plain["finished"] = [_key(dialog) for dialog in book.finished]
    plain["forgotten"] = [*book.forgotten]
    plain["parked"] = [*book.parked.items()]
    plain["orphans"] = [*book.orphans.items()]
    for slot in ("differing", "histories", "identities", "streams", "links", "markets", "unacked"):
        plain[slot] = dict(plain[slot])
    for slot in ("orphan_execs", "amendments"):
        plain[slot] = {account: dict(execs) for account, execs in plain[slot].items()}
    return plain


def position_facts(position: Position) -> Plain:
    """A position as it stands, and how many of its events came too late for their place."""
    return {"stands": position.standing(), "displaced": position.displaced}


def dialog_facts(dialog: Dialog) -> Plain:
    """Everything *dialog* holds, by slot; executions in the order in which they came."""
    plain: Plain = {slot: getattr(dialog, slot) for slot in Dialog.__struct_fields__}
    plain["fills"] = None if dialog.fills is None else [*dialog.fills.items()]
    plain["replaced"] = None if dialog.replaced is None else dict(dialog.replaced)
    plain["edit_ids"] = dict(dialog.edit_ids)
    plain["cancel"] = None if dialog.cancel is None else asdict(dialog.cancel)
    plain["edits"] = [asdict(edit) for edit in dialog.edits]
    return plain


def _key(dialog: Dialog) -> tuple[str, str]:
    return dialog.owner, dialog.oid


def _named(dialogs: dict[Any, Dialog]) -> dict[Any, tuple[str, str]]:
    return {name: _key(dialog) for name, dialog in dialogs.items()}
