"""What the records about no dialog do; part of :mod:`fsm_ems.dialogs.apply`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fsm_ems.brokerd import AboutExecution
from fsm_ems.dialogs.accounts import account_for, book_orphan
from fsm_ems.dialogs.asking import HistoryAsked, HistoryRead, SendHistory, is_listed
from fsm_ems.dialogs.book import ORPHANS_MAX, Book, History, Identity, Waiting
from fsm_ems.dialogs.record import (
    Accounted,
    Effect,
    Granted,
    LinkMoved,
    Listed,
    Opened,
    Orphaned,
    Parked,
    Record,
    Unparked,
)
from fsm_ems.machines.link import LINK, LinkEvent, LinkState
from fsm_ems.machines.order import RESTING
from fsm_ems.messages import BrokerdFill

_RESTING = frozenset(RESTING)


def unpark(book: Book, origin: int) -> None:
    """The report that record *origin* parked or orphaned waits no longer."""
    book.parked.pop(origin, None)
    orphan = book.orphans.pop(origin, None)
    if orphan is not None and isinstance(orphan.report, AboutExecution):
        account = orphan.broker, orphan.report.account
        book.orphan_execs[account].pop(orphan.report.exec_id, None)
        if not isinstance(orphan.report, BrokerdFill):
            _amends_no_more(book.amendments.get(account, {}), orphan.report.ref_id, origin)


def _amends_no_more(amended: dict[str, int], ref_id: str, origin: int) -> None:
    """Record *origin* amends at most one execution: that which it names, or what that had corrected."""
    exec_id: str | None = ref_id
    if amended.get(ref_id) != origin:
        exec_id = next((exec_id for exec_id, seq in amended.items() if seq == origin), None)
    if exec_id is not None:
        del amended[exec_id]


# ── records about no dialog ─────────────────────────────────────────────────────────────────────────


def _opened(book: Book, record: Record, payload: Opened, effects: list[Effect]) -> None:
    book.generation = payload.generation
    book.keep_finished, book.keep_age_ns = payload.keep_finished, payload.keep_age_ns


def _granted(book: Book, record: Record, payload: Granted, effects: list[Effect]) -> None:
    book.identities[payload.identity] = Identity(payload.identity, payload.role, payload.sees)
    book.watchers.clear()


def _link_moved(book: Book, record: Record, payload: LinkMoved, effects: list[Effect]) -> None:
    broker = payload.broker
    book.links[broker] = LINK.step(book.links.get(broker, LinkState.DOWN), payload.event)
    known = book.histories.get(broker)
    if known is not None:
        due_ns = payload.due_ns if payload.event is LinkEvent.CONNECTED else known.due_ns
        known = known._replace(asked=0, wait_ns=0) if payload.event is LinkEvent.LOST else known
        book.histories[broker] = known._replace(due_ns=due_ns)
    elif payload.due_ns:
        # What came before the first connection is not ours to know, but for what the records have.
        since = book.newest_execution(broker) or (record.time_ns, None)
        book.histories[broker] = History(since, payload.due_ns)
    if book.link_open(payload.broker):
        for dialog in book.at_broker(payload.broker):
            book.wake(dialog)


def _history_asked(book: Book, record: Record, payload: HistoryAsked, effects: list[Effect]) -> None:
    broker, history = payload.broker, book.histories[payload.broker]
    since_ns, since = history.since
    resting = tuple((one.owner, one.oid) for one in book.at_broker(broker) if one.state in _RESTING)
    newest, wait_ns = book.newest_execution(broker) or history.since, payload.due_ns - record.time_ns
    book.histories[broker] = History(history.since, payload.due_ns, payload.reqid, newest, resting, wait_ns)
    since_ns = max(since_ns - payload.overlap_ns, 0)
    effects.append(SendHistory(broker, payload.reqid, since_ns, since, record.time_ns, payload.deadline_ns))


def _history_read(book: Book, record: Record, payload: HistoryRead, effects: list[Effect]) -> None:
    book.histories[payload.broker] = History(book.histories[payload.broker].newest, payload.due_ns)


def _parked(book: Book, record: Record, payload: Parked, effects: list[Effect]) -> None:
    book.parked[record.seq] = Waiting(payload.broker, payload.report, payload.due_ns)


def _unparked(book: Book, record: Record, payload: Unparked, effects: list[Effect]) -> None:
    unpark(book, payload.origin)


def _orphaned(book: Book, record: Record, payload: Orphaned, effects: list[Effect]) -> None:
    book.parked.pop(payload.origin, None)
    report, history = payload.report, book.histories.get(payload.broker)
    # It may be of an order of ours, which lacks its ack: there was no room for it, or it waited too long.
    if history is not None and book.unacked.get(payload.broker) and is_listed(report):
        book.histories[payload.broker] = history._replace(dropped=True)
    if isinstance(report, AboutExecution):
        book.orphans[record.seq] = Waiting(payload.broker, report, 0)
        book.orphan_execs.setdefault((payload.broker, report.account), {})[report.exec_id] = record.seq
        if len(book.orphans) > ORPHANS_MAX:
            unpark(book, next(iter(book.orphans)))
        book_orphan(book, record, payload.broker, report, effects)


def _listed(book: Book, record: Record, payload: Listed, effects: list[Effect]) -> None:
    book.markets[payload.market.fqme] = payload.market


def _accounted(book: Book, record: Record, payload: Accounted, effects: list[Effect]) -> None:
    account_for(book, record, payload, effects)


WHOLE: dict[type[Any], Callable[[Book, Record, Any, list[Effect]], None]] = {
    Opened: _opened,
    Listed: _listed,
    Accounted: _accounted,
    Granted: _granted,
    LinkMoved: _link_moved,
    HistoryAsked: _history_asked,
    HistoryRead: _history_read,
    Parked: _parked,
    Unparked: _unparked,
    Orphaned: _orphaned,
}
"""By kind of payload."""
