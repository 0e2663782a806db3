"""Send and cancel protocols that are known to be broken: the crash searches must find each of them.

They are the ones that the reliability plan tried in a small model; here they are planted in the shipped code.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from fsm_ems.dialogs import decide, decide_reports
from fsm_ems.dialogs import facts as f
from fsm_ems.dialogs.book import Book
from fsm_ems.dialogs.dispatcher import Dispatcher
from fsm_ems.dialogs.facts import Dialog
from fsm_ems.dialogs.naming_steps import Name
from fsm_ems.dialogs.prices import Prices
from fsm_ems.dialogs.record import Record, Sent, Timed
from fsm_ems.dialogs.settings import Settings
from fsm_ems.machines.link import LinkEvent
from fsm_ems.machines.order import ORDER, E, S
from fsm_ems.messages import BrokerdRefused, BrokerdStatus
from fsm_ems.testing import restart_books
from fsm_ems.testing.planted import Call, Patch, named_otherwise
from fsm_ems.testing.planted_doubt import absent_once
from fsm_ems.testing.restart_scene import CrashScene


def sent_before_it_is_durable(patch: Patch) -> None:
    """A: what follows from a record leaves when it is appended."""
    patch.name(CrashScene, "waits", lambda known: lambda scene: False)


def _again(book: Book, dialog: Dialog, settings: Settings, now_ns: int) -> Record:
    assert dialog.reqid is not None, "it was sent"
    sent = Sent(dialog.reqid, now_ns + settings.request_deadline_ns)
    return decide.record(book, now_ns, (dialog.owner, dialog.oid), E.SENDING, sent)


def _unproven(dialog: Dialog) -> bool:
    return bool(dialog.flags & f.SENT) and not dialog.flags & f.ACKED


def sent_again_at_start(patch: Patch) -> None:
    """B: what was sent and not acknowledged is sent again under its id when the link is open again."""

    def lost(known: Call) -> Call:
        def link_lost(book: Book, settings: Settings, dialog: Dialog, now_ns: int) -> Any:
            pending = dialog.state is S.PENDING and _unproven(dialog)
            return None if pending else known(book, settings, dialog, now_ns)

        return link_lost

    take: Call = getattr(Dispatcher, "_take")  # noqa: B009 -- it is the one way in

    def moved(known: Call) -> Call:
        def link(ems: Dispatcher, broker: str, event: LinkEvent, now_ns: int) -> Any:
            effects = known(ems, broker, event, now_ns)
            for dialog in ems.book.at_broker(broker) if event is LinkEvent.CONNECTED else ():
                if dialog.state is S.PENDING and _unproven(dialog):
                    effects += take(ems, _again(ems.book, dialog, ems.settings, now_ns))
            return effects

        return link

    patch.name(decide_reports, "link_lost", lost)
    patch.name(Dispatcher, "link", moved)


def _asked_at_once(patch: Patch) -> None:
    """After a lost link the venue is asked without waiting for what may still arrive."""

    def make(known: Call) -> Call:
        def link_lost(book: Book, settings: Settings, dialog: Dialog, now_ns: int) -> Any:
            made = known(book, settings, dialog, now_ns)
            return made if made is None else replace(made, payload=Timed(now_ns))

        return link_lost

    patch.name(decide_reports, "link_lost", make)


def asked_at_once_and_sent_again(patch: Patch) -> None:
    """C: the venue is asked at once, and what it does not show is sent again."""

    def make(known: Call) -> Call:
        def mapped(
            book: Book, settings: Settings, prices: Prices, broker: str, dialog: Dialog, report: Any,
            now_ns: int,
        ) -> Any:  # fmt: skip  # the shipped function's, as it stands
            absent = isinstance(report, BrokerdStatus) and report.status == "absent"
            if absent and dialog.state is S.UNKNOWN and _unproven(dialog) and report.query == dialog.asked:
                return _again(book, dialog, settings, now_ns)
            return known(book, settings, prices, broker, dialog, report, now_ns)

        return mapped

    _asked_at_once(patch)
    patch.name(decide_reports, "mapped", make)
    patch.added(ORDER.moves[S.UNKNOWN], E.SENDING, S.UNKNOWN)


def asked_at_once_and_rejected(patch: Patch) -> None:
    """D: the venue is asked at once, and what it does not show is taken for refused."""
    _asked_at_once(patch)
    absent_once(patch)


def cancel_forgotten_at_start(patch: Patch) -> None:
    """A cancel that waits for the ack is kept in memory alone."""

    def recovered(book: Book) -> Book:
        for dialog in book:
            if dialog.state is S.CANCEL_STASHED:
                dialog.cancel, dialog.state = None, S.PENDING
        return book

    patch.name(restart_books, "recovered", lambda known: recovered)


def _refused(patch: Patch, means: Callable[[Dialog, BrokerdRefused], E | None]) -> None:
    """Let *means* say what a cancel's refusal means; None: what it means in truth."""

    def make(known: Call) -> Call:
        def refused(dialog: Dialog, report: BrokerdRefused) -> Any:
            event = means(dialog, report)
            return known(dialog, report) if event is None else Name(event)

        return refused

    named_otherwise(patch, BrokerdRefused, make)


def _denied(dialog: Dialog, report: BrokerdRefused, *states: S) -> bool:
    return report.request == "cancel" and report.code == "unknown_order" and dialog.state in states


def unknown_order_taken_for_dead(patch: Patch) -> None:
    """A cancel's refusal "unknown order" is taken for the end of the order."""
    _refused(
        patch,
        lambda dialog, report: E.CANCELLED if _denied(dialog, report, S.UNKNOWN, S.CANCELLING) else None,
    )


def unknown_order_ends_the_wish(patch: Patch) -> None:
    """It ends the wish of an order that was acknowledged meanwhile: the cancel had overtaken it."""
    _refused(
        patch, lambda dialog, report: E.CANCEL_REFUSED if _denied(dialog, report, S.CANCELLING) else None
    )
