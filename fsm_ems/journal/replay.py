"""From records to a book: ``apply`` over all of them, and nothing that they made due leaves again."""

from __future__ import annotations

from collections.abc import Iterable

from fsm_ems.dialogs.apply import apply
from fsm_ems.dialogs.book import Book
from fsm_ems.dialogs.record import Record
from fsm_ems.errors import EMSBug, LogDamaged


def replay(records: Iterable[Record]) -> Book:
    """The book that *records* lead to, the first being record 1.

    Raises:
        LogDamaged: a record cannot follow the ones before it; *line* is its seq.
    """
    book = Book()
    for record in records:
        try:
            apply(book, record)
        except (EMSBug, LookupError, StopIteration) as problem:
            raise LogDamaged(
                "the record log", record.seq, f"it cannot follow what is before it: {problem}"
            ) from problem
    return book
