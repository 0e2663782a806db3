"""Which orphans an order may claim, now that a name of it was learnt."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from heapq import heappop, heappush

from fsm_ems.brokerd import AboutExecution
from fsm_ems.dialogs.book import Book
from fsm_ems.dialogs.decide_reports import find
from fsm_ems.messages import BrokerdFill, Report

_Name = str | tuple[str, str]
"""The venue's id of an order, or an execution: its account and its id."""


class Claims:
    """The orphans of *broker* whose order *book* knows, oldest first; a later one that is learnt on the way
    comes in its place. All are looked at once, and after that those alone that have a name which was learnt:
    a chain of them, each of which leads to the next, costs what it is long.
    """

    def __init__(self, book: Book, broker: str) -> None:
        self._book = book
        self._broker = broker
        # A heap: the book's orphans come in the order of their records.
        self._known = [
            seq
            for seq, waiting in book.orphans.items()
            if waiting.broker == broker and find(book, broker, waiting.report) is not None
        ]
        self._by_name: dict[_Name, list[int]] = {}
        if self._known:  # else nothing leads on, as with nearly every ack
            known = frozenset(self._known)
            for seq, waiting in book.orphans.items():
                if waiting.broker == broker and seq not in known:
                    for name in _names(waiting.report):
                        self._by_name.setdefault(name, []).append(seq)

    def __iter__(self) -> Iterator[tuple[int, Report]]:
        """Each with the seq of its record. What was taken on the way, or lost its order, is passed over."""
        while self._known:
            seq = heappop(self._known)
            waiting = self._book.orphans.get(seq)
            if waiting is not None and find(self._book, self._broker, waiting.report) is not None:
                yield seq, waiting.report

    def learn(self, taken: Iterable[Report]) -> None:
        """Reports have reached an order: what bears a name that is known by them can be claimed as well."""
        for report in taken:
            for name in _names(report):
                if name in self._by_name and self._is_known(name):
                    for seq in self._by_name.pop(name):
                        heappush(self._known, seq)

    def _is_known(self, name: _Name) -> bool:
        if isinstance(name, str):
            return self._book.find(self._broker, None, name) is not None
        account, execution = name
        return execution in self._book.executions.get((self._broker, account), {})


def _names(report: Report) -> Iterator[_Name]:
    if report.venue_id is not None:
        yield report.venue_id
    assert isinstance(report, AboutExecution), "nothing else is an orphan"
    yield report.account, report.exec_id
    if not isinstance(report, BrokerdFill):
        yield report.account, report.ref_id
