"""Planted bugs about orders that have filled and may be larger, and what no look may lose.

See :mod:`fsm_ems.testing.planted`.
"""

from __future__ import annotations

from decimal import Decimal

from msgspec.structs import replace

from fsm_ems.dialogs import apply as applying
from fsm_ems.dialogs import book as books
from fsm_ems.dialogs import decide_reports, fold_report, naming, naming_age, naming_kinds, naming_status
from fsm_ems.dialogs.book import Book
from fsm_ems.dialogs.facts import Dialog, EditRequest, Execution
from fsm_ems.dialogs.naming_steps import IGNORED, Name
from fsm_ems.dialogs.record import Record, Timed
from fsm_ems.dialogs.settings import Settings
from fsm_ems.machines.order import E, S
from fsm_ems.messages import BrokerdCorrection, BrokerdFill, BrokerdStatus
from fsm_ems.testing.planted import Call, Patch, named_otherwise


def increase_of_the_filled_forgotten(patch: Patch) -> None:
    """An order fills with what was ordered first, though an increase of it is out."""
    patch.name(naming, "leaves_more", lambda _: lambda *_: False)


def larger_at_the_venue_is_filled(patch: Patch) -> None:
    """By its count a look completes an order, whatever size it shows."""
    patch.name(naming_status, "shows_more", lambda _: lambda *_: False)


def waiting_cancel_stays(patch: Patch) -> None:
    """A cancel that could not leave when it was wanted never does, while the order is in doubt."""

    def undriven(known: Call) -> Call:
        def timed_out(book: Book, settings: Settings, dialog: Dialog, now_ns: int) -> Record | None:
            made: Record | None = known(book, settings, dialog, now_ns)
            if made is not None and made.event is E.REDRIVE and dialog.cancel and not dialog.cancel.out:
                return replace(made, event=E.ASK, payload=Timed(now_ns + settings.patience_ns))
            return made

        return timed_out

    def unnoticed(known: Call) -> Call:
        def due_ns(dialog: Dialog) -> int:
            waits = dialog.state is S.UNKNOWN and dialog.cancel is not None and not dialog.cancel.out
            due: int = dialog.due_ns if waits else known(dialog)
            return due

        return due_ns

    patch.name(decide_reports, "timed_out", undriven)
    patch.name(books, "due_ns", unnoticed)


def strangers_cancel_is_ours(patch: Patch) -> None:
    """A cancel that has not left is taken to be the one that the venue weighs."""

    def make(known: Call) -> Call:
        def pending(dialog: Dialog, record: Record, report: BrokerdStatus) -> None:
            known(dialog, record, report)
            if dialog.cancel is not None:
                dialog.cancel.out = True

        return pending

    patch.name(fold_report, "_cancel_pending", make)


def weighed_cancel_forgotten(patch: Patch) -> None:
    """An order that fills before its cancel has left forgets the stranger's that the venue weighs."""
    patch.name(applying, "theirs_beside", lambda _: lambda _ours: None)


def old_event_believed(patch: Patch) -> None:
    """An event that an order has filled is never an old one, whatever was undone since."""
    patch.name(naming_age, "_told_before", lambda _: lambda *_: False)


def old_event_believed_in_doubt(patch: Patch) -> None:
    """Of an order in doubt an event that it has filled is never an old one, whatever was undone since."""

    def make(known: Call) -> Call:
        return lambda dialog, cum: dialog.state is not S.UNKNOWN and known(dialog, cum)

    patch.name(naming_age, "_told_before", make)


def event_of_a_smaller_size_believed(patch: Patch) -> None:
    """An event that it has filled is never of the size that the order had before an increase."""

    def make(known: Call) -> Call:
        return lambda dialog, cum: naming_age.shrank(dialog) and known(dialog, cum)

    patch.name(naming_age, "_told_before", make)


def size_before_explained_by_an_edit(patch: Patch) -> None:
    """An event of the size that an order had before is taken for the edit to a smaller one that is out."""
    patch.name(naming_age, "_sizes_before", lambda _: lambda dialog: set[Decimal]())


def execution_at_another_price(patch: Patch) -> None:
    """An execution is booked at twice its price."""

    def make(known: Call) -> Call:
        def execution(report: BrokerdFill | BrokerdCorrection, time_ns: int) -> Execution:
            made: Execution = known(report, time_ns)
            return replace(made, price=2 * made.price)

        return execution

    patch.name(fold_report, "_execution", make)


def undone_execution_ends_what_had_filled(patch: Patch) -> None:
    """A bust of an order that had filled, and that nobody ended, ends it."""

    def make(known: Call) -> Call:
        def reopened(dialog: Dialog, edits: tuple[EditRequest, ...]) -> E | None:
            live = dialog.noted_end is None and dialog.cancel is None and not edits
            event: E | None = E.CANCELLED if live else known(dialog, edits)
            return event

        return reopened

    patch.name(naming, "reopened", make)


def correction_told_before_ignored(patch: Patch) -> None:
    """A correction whose outcome was told as a fill is nothing new: what it corrects counts as well."""

    def make(known: Call) -> Call:
        return lambda dialog, report: (
            IGNORED if report.exec_id in (dialog.fills or ()) else known(dialog, report)
        )

    named_otherwise(patch, BrokerdCorrection, make)


def count_of_before_believed(patch: Patch) -> None:
    """A fill's count is taken, whatever was undone since."""
    patch.name(naming, "shrank", lambda _: lambda dialog: False)
    patch.name(naming_kinds, "shrank", lambda _: lambda dialog: False)


def name_in_doubt_unlearnt(patch: Patch) -> None:
    """A look of which the count may be of before tells nothing at all of an order in doubt."""

    def make(known: Call) -> Call:
        def puzzling(dialog: Dialog, report: BrokerdStatus) -> Name:
            if dialog.state is S.UNKNOWN and naming_age.shrank(dialog):
                return IGNORED
            named: Name = known(dialog, report)
            return named

        return puzzling

    patch.name(naming_status, "_puzzling", make)
