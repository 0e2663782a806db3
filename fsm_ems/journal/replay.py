"""From records to a book: ``apply`` over all of them, and nothing that they made due leaves again."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from fsm_ems.accounting.ledger import Entry, Ledger
from fsm_ems.dialogs.book import Book
from fsm_ems.dialogs.recall import applied
from fsm_ems.dialogs.record import Booked, Notice, Record
from fsm_ems.journal.snapshot_form import ClosedDay, Whole, digest_of_day


class Restored:
    """The *book* that the records taken so far lead to, the first being record 1, and what they *booked*.

    *told* are the last notices of each identity's stream, at most *keep* of each. One that began with a
    snapshot has the records up to *since* from there; then *booked* begins with the newest ledger days of
    that time, and *closed* are the days before those.
    """

    def __init__(self, keep: int = 0) -> None:
        self.book = Book()
        self.booked: list[Booked] = []
        self.told: dict[str, deque[Notice]] = {}
        self.since = 0
        self.closed: tuple[ClosedDay, ...] = ()
        self._keep = keep

    def begin(self, whole: Whole) -> None:
        """Begin with *whole*, which shares nothing with anybody, and not with record 1."""
        self.book, self.since, self.closed = whole.book, whole.book.seq, whole.closed
        self.booked = [*whole.booked]
        self.told = {who: deque(notices, self._keep) for who, notices in whole.told.items()}

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

    def whole(self, keep: int) -> Whole:
        """All that is to be kept of the records so far, with *keep* notices of each stream."""
        told = {who: tuple(deque(notices, keep)) for who, notices in self.told.items()}
        return Whole(self.book, told, *_ledgers(self.booked, self.closed))


class _Closing(Ledger):
    """A ledger that notes the days which it lets go."""

    __slots__ = ("closed",)

    def __init__(self, broker: str, account: str) -> None:
        super().__init__(broker, account)
        self.closed: list[ClosedDay] = []

    def add(self, entry: Entry) -> bool:
        before = self.pages() if entry.day not in self._days else []
        added = super().add(entry)
        for page in before:
            if page.day not in self._days:
                digest = digest_of_day(page.entries)
                self.closed.append(
                    ClosedDay(page.broker, page.account, page.day, page.entries[-1].seq, digest)
                )
        return added


def _ledgers(
    booked: Iterable[Booked], closed: tuple[ClosedDay, ...]
) -> tuple[tuple[Booked, ...], tuple[ClosedDay, ...]]:
    """What the newest days of each account hold of *booked*, and the days before, *closed* among them."""
    ledgers: dict[tuple[str, str], _Closing] = {}
    for one in booked:
        key = one.broker, one.account
        ledger = ledgers.get(key)
        if ledger is None:
            ledger = ledgers[key] = _Closing(*key)
        ledger.add(one.entry)
    kept = [
        Booked(entry.seq, entry.booked_ns, account, entry.market, entry.event, entry.reverses)
        for (_, account), ledger in sorted(ledgers.items(), key=lambda item: item[0])
        for page in ledger.pages()
        for entry in page.entries
    ]
    days = [*closed, *(day for ledger in ledgers.values() for day in ledger.closed)]
    return (
        tuple(sorted(kept, key=lambda one: one.seq)),
        tuple(sorted(days, key=lambda day: (day.broker, day.account, day.day))),
    )


def replay(records: Iterable[Record]) -> Book:
    """The book that *records* lead to, the first being record 1.

    Raises:
        LogDamaged: a record cannot follow the ones before it; *line* is its seq.
    """
    book = Book()
    for record in records:
        applied(book, record)
    return book
