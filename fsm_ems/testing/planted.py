"""The bugs themselves: each function plants one, through a Patch that takes it out again.

They replace what a module names (a function, an entry of a table), so that all other code runs as it is.
Every one is a mistake that somebody could make in good faith.
"""

from __future__ import annotations

from collections.abc import Callable, MutableMapping
from types import ModuleType
from typing import Any

from msgspec.structs import replace

from fsm_ems.dialogs import apply as applying
from fsm_ems.dialogs import decide, decide_reports, fold_report, naming
from fsm_ems.dialogs.book import Book
from fsm_ems.dialogs.facts import Dialog
from fsm_ems.dialogs.naming_steps import IGNORED, Name
from fsm_ems.dialogs.record import CancelSent, CancelWanted, EditWanted, Timed
from fsm_ems.dialogs.settings import Settings
from fsm_ems.machines.order import E, S
from fsm_ems.messages import BrokerdBust, BrokerdFill, BrokerdRefused, BrokerdRestated

Call = Callable[..., Any]


class Patch:
    """Changes that are taken back, the last one first."""

    def __init__(self) -> None:
        self._undo: list[Callable[[], None]] = []

    def name(self, owner: ModuleType | type, name: str, make: Callable[[Any], Any]) -> None:
        """Replace *owner*'s *name* by what *make* makes of it."""
        known = getattr(owner, name)
        setattr(owner, name, make(known))
        self._undo.append(lambda: setattr(owner, name, known))

    def entry(self, table: MutableMapping[Any, Any], key: Any, make: Callable[[Any], Any]) -> None:
        """Replace *table*'s entry for *key* by what *make* makes of it."""
        known = table[key]
        table[key] = make(known)
        self._undo.append(lambda: table.__setitem__(key, known))

    def added(self, table: MutableMapping[Any, Any], key: Any, value: Any) -> None:
        """Give *table* an entry for *key*, which it may have already."""
        before = dict(table)
        table[key] = value
        self._undo.append(lambda: table.pop(key) if key not in before else table.update(before))

    def take_back(self) -> None:
        """Undo everything."""
        while self._undo:
            self._undo.pop()()


def _table(module: ModuleType, name: str) -> Any:
    return getattr(module, name)


def named_otherwise(patch: Patch, report: type, make: Callable[[Call], Call]) -> None:
    """Name reports of that kind otherwise."""
    patch.entry(_table(naming, "_NAMERS"), report, make)


def _part(patch: Patch, payload: type, make: Callable[[Call], Call]) -> None:
    """Fold records with that payload otherwise."""
    patch.entry(_table(applying, "_PARTS"), payload, make)


# ── executions ──────────────────────────────────────────────────────────────────────────────────────


def no_dedupe(patch: Patch) -> None:
    """An execution that is told twice counts twice."""

    def make(known: Call) -> Call:
        def fill(dialog: Dialog, report: BrokerdFill) -> Name:
            named: Name = known(dialog, report)
            return Name(E.FILL) if named is IGNORED else named

        return fill

    named_otherwise(patch, BrokerdFill, make)


def late_fill_dropped(patch: Patch) -> None:
    """An execution that comes after the end is ignored."""
    named_otherwise(
        patch,
        BrokerdFill,
        lambda known: (
            lambda dialog, report: (
                IGNORED if dialog.state in (S.CANCELLED, S.EXPIRED) else known(dialog, report)
            )
        ),
    )


def overfill_dropped(patch: Patch) -> None:
    """An execution of an order that is complete is ignored."""
    named_otherwise(
        patch,
        BrokerdFill,
        lambda known: (
            lambda dialog, report: IGNORED if dialog.booked >= dialog.size else known(dialog, report)
        ),
    )


def bust_does_not_reopen(patch: Patch) -> None:
    """A bust of a filled order leaves it filled."""

    def make(known: Call) -> Call:
        def bust(dialog: Dialog, report: BrokerdBust) -> Name:
            named: Name = known(dialog, report)
            return Name(E.BUST) if named.event is E.BUST_REOPENS else named

        return bust

    named_otherwise(patch, BrokerdBust, make)


def end_of_a_whole_order_forgotten(patch: Patch) -> None:
    """A cancel that states the whole size is taken for a fill alone."""
    patch.name(fold_report, "end_told", lambda known: lambda dialog, report: None)


def stated_is_added(patch: Patch) -> None:
    """What the venue states is added to what was executed."""
    patch.name(Dialog, "filled", lambda known: property(lambda dialog: dialog.booked + dialog.stated))


def split_forgets_executions(patch: Patch) -> None:
    """A split changes what was ordered, and not what traded."""

    def make(known: Call) -> Call:
        def restated(book: Book, record: Any, dialog: Dialog, report: BrokerdRestated, effects: Any) -> None:
            fills = None if dialog.fills is None else dialog.fills.copy()
            known(book, record, dialog, report, effects)
            dialog.fills = fills

        return restated

    patch.entry(_table(fold_report, "_FOLDS"), BrokerdRestated, make)


# ── cancels ─────────────────────────────────────────────────────────────────────────────────────────


def stash_forgotten(patch: Patch) -> None:
    """A cancel that must wait for the ack is kept nowhere."""

    def make(known: Call) -> Call:
        def wanted(book: Book, record: Any, dialog: Dialog, payload: CancelWanted, effects: Any) -> None:
            if payload.deadline_ns:
                known(book, record, dialog, payload, effects)  # pragma: no cover - the bug is found before

        return wanted

    _part(patch, CancelWanted, make)


def stash_sent_early(patch: Patch) -> None:
    """A cancel leaves before the order it is about is acknowledged."""

    def make(known: Call) -> Call:
        def cancel(book: Book, settings: Settings, owner: str, command: Any, now_ns: int) -> Any:
            made = known(book, settings, owner, command, now_ns)
            if made is not None and made.payload.reqid is not None:
                deadline_ns = now_ns + settings.request_deadline_ns
                made = replace(made, payload=replace(made.payload, deadline_ns=deadline_ns))
            return made

        return cancel

    patch.name(decide, "cancel", make)


def refusal_kills(patch: Patch) -> None:
    """A cancel refused with "unknown order" is taken for the end of the order."""

    def make(known: Call) -> Call:
        def refused(dialog: Dialog, report: BrokerdRefused) -> Name:
            gone = report.request == "cancel" and report.code == "unknown_order"
            return Name(E.CANCELLED) if gone and dialog.state is S.CANCELLING else known(dialog, report)

        return refused

    named_otherwise(patch, BrokerdRefused, make)


def refusal_ends_the_wish_in_doubt(patch: Patch) -> None:
    """A cancel refused while nothing is known of the order is wanted no longer."""

    def make(known: Call) -> Call:
        def refused(dialog: Dialog, report: BrokerdRefused) -> Name:
            doubtful = dialog.state is S.UNKNOWN and dialog.cancel is not None
            return Name(E.EDIT_REFUSED) if doubtful and report.request == "cancel" else known(dialog, report)

        return refused

    named_otherwise(patch, BrokerdRefused, make)


def previous_state_restored(patch: Patch) -> None:
    """A refused cancel takes the order back to open, whatever has happened since."""

    def make(known: Call) -> Call:
        def refused(dialog: Dialog, report: BrokerdRefused) -> Name:
            named: Name = known(dialog, report)
            back = report.request == "cancel" and named.event is not None and dialog.state is S.CANCELLING
            return Name(E.CANCEL_REFUSED) if back else named

        return refused

    named_otherwise(patch, BrokerdRefused, make)


def not_driven(patch: Patch) -> None:
    """A cancel without an answer is noted as sent again, and is not."""

    def make(known: Call) -> Call:
        def sent(book: Book, record: Any, dialog: Dialog, payload: CancelSent, effects: Any) -> None:
            known(book, record, dialog, payload, [])

        return sent

    _part(patch, CancelSent, make)


# ── edits ───────────────────────────────────────────────────────────────────────────────────────────


def terms_at_request(patch: Patch) -> None:
    """The terms of an edit are in force when it is asked for."""

    def make(known: Call) -> Call:
        def wanted(book: Book, record: Any, dialog: Dialog, payload: EditWanted, effects: Any) -> None:
            known(book, record, dialog, payload, effects)
            dialog.size = payload.size or dialog.size

        return wanted

    _part(patch, EditWanted, make)


def fill_proves_nothing(patch: Patch) -> None:
    """An execution under an edit's id is booked, and the edit stays unanswered."""
    for module in (naming, fold_report):
        patch.name(module, "proven_edit", lambda known: lambda dialog, reqid: None)


def held_edit_forgotten(patch: Patch) -> None:
    """An edit that had to wait never leaves."""

    def make(known: Call) -> Call:
        def follow_up(*given: Any) -> Any:
            made = known(*given)
            return None if made is not None and made.event is E.EDIT_SENT else made

        return follow_up

    patch.name(decide_reports, "follow_up", make)


def refused_id_in_force(patch: Patch) -> None:
    """After an edit was refused, requests name the refused id and not the last accepted one."""

    def make(known: Call) -> Call:
        def refused(book: Book, record: Any, dialog: Dialog, report: BrokerdRefused, effects: Any) -> None:
            known(book, record, dialog, report, effects)
            if report.request == "edit":
                dialog.reqid = report.reqid

        return refused

    patch.entry(_table(fold_report, "_FOLDS"), BrokerdRefused, make)


def old_answer_believed(patch: Patch) -> None:
    """The answer to a question of an earlier doubt settles what was sent since."""

    def make(known: Call) -> Call:
        def timed(book: Book, record: Any, dialog: Dialog, payload: Timed, effects: Any) -> None:
            asked = dialog.asked
            known(book, record, dialog, payload, effects)
            if record.event is not E.ASK:
                dialog.asked = asked

        return timed

    _part(patch, Timed, make)


# ── doubt ───────────────────────────────────────────────────────────────────────────────────────────
