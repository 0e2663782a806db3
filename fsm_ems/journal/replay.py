"""From records to a book: ``apply`` over all of them, and nothing that they made due leaves again."""

from __future__ import annotations

from collections.abc import Iterable

from fsm_ems.dialogs.book import Book
from fsm_ems.dialogs.recall import applied
from fsm_ems.dialogs.record import Record


def replay(records: Iterable[Record]) -> Book:
    """The book that *records* lead to, the first being record 1.

    Raises:
        LogDamaged: a record cannot follow the ones before it; *line* is its seq.
    """
    book = Book()
    for record in records:
        applied(book, record)
    return book
