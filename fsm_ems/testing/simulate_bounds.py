"""P11 of the simulation: every queue, buffer and table of a book keeps to its bound."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from fsm_ems.dialogs.book import FORGOTTEN_MAX, ORPHANS_MAX, Book
from fsm_ems.dialogs.facts import Dialog
from fsm_ems.dialogs.settings import Settings
from fsm_ems.testing.breach import Breach

WAITING_MAX = 10_000
"""How many records may wait for the disk before commands and reports do."""


class Bounds:
    """What a book keeps to, step by step; one of these sees all of a run's books, restarts included."""

    def __init__(self) -> None:
        self._unanswered = 0

    def check(self, book: Book, settings: Settings, touched: Iterable[tuple[str, str]]) -> None:
        """What a step can have made longer; *touched* are the orders that it was about.

        Raises:
            Breach: something has outgrown its bound.
        """
        if book.parked:
            for broker in settings.brokers:
                waiting = sum(1 for report in book.parked.values() if report.broker == broker)
                _within(waiting, settings.parked_max, f"reports of {broker} wait")
        _within(len(book.orphans), ORPHANS_MAX, "reports belong to no order")
        _within(len(book.forgotten), FORGOTTEN_MAX, "orders that memory let go are known by name")
        self._check_finished(book)
        for key in touched:
            dialog = book.dialog(*key)
            if dialog is not None:
                most = settings.open_edits_max
                _within(sum(1 for edit in dialog.edits if edit.edit_id), most, f"edits of {key} are open")
                _within(len(dialog.edits), most + 1, f"edits of {key}, with a stranger's, are open")

    def _check_finished(self, book: Book) -> None:
        """One whose request is unanswered stays a round longer, and so does what ended before it.

        Once it is answered, the next end lets them go: until then there may be as many more as there were
        unanswered at most.
        """
        if len(book.finished) <= book.keep_finished:
            self._unanswered = 0
            return
        unanswered = sum(1 for dialog in book.finished if dialog.awaits_answer())
        self._unanswered = max(self._unanswered, unanswered)
        _within(len(book.finished), book.keep_finished + 2 * self._unanswered, "finished orders are kept")


def check_tables(book: Book) -> None:
    """What only a walk through the whole book shows: an index knows what memory has, and no more.

    Raises:
        Breach: an index still knows an order that memory let go.
    """
    here = {id(dialog) for dialog in book}
    tables: list[Mapping[Any, Dialog]] = [*book.by_reqid.values(), *book.by_venue_id.values()]
    tables += book.executions.values()
    for table in tables:
        for name, dialog in table.items():
            _known(name, dialog, here)
    for dialog in book.finished:
        _known(dialog.oid, dialog, here)


def _known(name: int | str, dialog: Dialog, here: set[int]) -> None:
    if id(dialog) not in here:
        raise Breach("P11", f"{name} is still known, and memory let go of {dialog.owner}'s {dialog.oid}")


def _within(size: int, most: int, what: str) -> None:
    if size > most:
        raise Breach("P11", f"{size} {what}, and {most} is the bound")
