"""From records to a book: ``apply`` over all of them, and nothing that they made due leaves again."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from fsm_ems.dialogs.book import Book
from fsm_ems.dialogs.recall import applied
from fsm_ems.dialogs.record import Booked, Notice, Record


class Restored:
    """The *book* that the records taken so far lead to, the first being record 1, and what they *booked*.

    *told* are the last notices of each identity's stream, at most *keep* of each.
    """

    def __init__(self, keep: int = 0) -> None:
        self.book = Book()
        self.booked: list[Booked] = []
        self.told: dict[str, deque[Notice]] = {}
        self._keep = keep

    def take(self, record: Record) -> None:
        """Fold *record*.

        Raises:
            LogDamaged: it cannot follow the ones before it; *line* is its seq.
        """
        for effect in applied(self.book, record):
            if type(effect) is Booked:
                self.booked.append(effect)
            elif type(effect) is Notice:
                told = self.told.get(effect.identity)
                if told is None:
                    told = self.told[effect.identity] = deque(maxlen=self._keep)
                told.append(effect)


def replay(records: Iterable[Record]) -> Book:
    """The book that *records* lead to, the first being record 1.

    Raises:
        LogDamaged: a record cannot follow the ones before it; *line* is its seq.
    """
    book = Book()
    for record in records:
        applied(book, record)
    return book
