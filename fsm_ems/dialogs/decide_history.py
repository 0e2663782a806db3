"""Catching up with a venue: what was missed while the link was lost, and the quiet check of one that is up.

Part of :mod:`fsm_ems.dialogs.decide`. A venue that declares ``history`` is asked for its open orders and for
its executions since the newest one known when it was last asked: after each connection, before new orders
go out, and every ``check_every_ns`` from then on. What it tells is taken like any report. An order that
should be on its list of open ones and is not there is in doubt, and is asked about by itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Set as AbstractSet

from fsm_ems.dialogs import facts as f
from fsm_ems.dialogs.asking import HistoryAsked, HistoryRead, is_listed
from fsm_ems.dialogs.book import Book
from fsm_ems.dialogs.decide import last_deadline, new_reqid, record, whole
from fsm_ems.dialogs.record import Record, Timed
from fsm_ems.dialogs.settings import Settings
from fsm_ems.machines.order import RESTING, E

Key = tuple[str, str]
PATIENCE = 4
"""A venue whose answers were lost for long must still be in step within 75 s of being heard again."""

_RESTING = frozenset(RESTING)


def first_due_ns(book: Book, settings: Settings, broker: str, now_ns: int) -> int:
    """When a venue that was just reached can tell the whole truth; 0 where it tells no history.

    That is once no request that was out before can take effect any more, and its reads have caught up.
    """
    if not settings.capabilities(broker).history:
        return 0
    doubtful = (dialog.due_ns for dialog in book.at_broker(broker) if dialog.flags & f.UNSEEN)
    return max(now_ns, *doubtful, 1)


def due(book: Book, now_ns: int) -> str | None:
    """The broker whose history has to be asked for by *now_ns*."""
    for broker, history in book.histories.items():
        if history.due_ns and history.due_ns <= now_ns and book.link_open(broker):
            return broker
    return None


def asked(book: Book, settings: Settings, broker: str, now_ns: int) -> Record:
    """The question, and when it is asked again should no answer come.

    Only the answer to the newest question counts, so a venue that needs longer is given longer: twice as long
    each time, up to :data:`PATIENCE` times what it has at first.
    """
    every_ns = settings.patience_ns
    wait_ns = min(max(2 * book.histories[broker].wait_ns, every_ns), PATIENCE * every_ns)
    again_ns = now_ns + wait_ns
    deadline_ns = now_ns + settings.request_deadline_ns
    reqid = new_reqid(book, settings, broker)
    return whole(book, now_ns, HistoryAsked(broker, reqid, settings.margin_ns, deadline_ns, again_ns))


def missing(
    book: Book, settings: Settings, broker: str, listed: AbstractSet[Key], now_ns: int
) -> Iterator[Record]:
    """The orders that rested when the list was asked for, and that are neither on it nor ended since.

    So is one that had filled by then, and that a bust has reopened since: perhaps the venue has ended it. So
    is one that was adopted since, by an execution that the same answer lists: it may have ended long ago.
    Each is asked about once no request about it can take effect any more: an answer settles its edits.
    Each record must be taken before the next is asked for.
    """
    resting = frozenset(book.histories[broker].resting)
    for dialog in book.at_broker(broker):
        key = (dialog.owner, dialog.oid)
        doubtful = dialog.state in _RESTING and key not in listed
        if doubtful and (key in resting or dialog.ended_ns or dialog.flags & f.ADOPTED):
            due_ns = last_deadline(dialog, now_ns) + settings.margin_ns
            yield record(book, now_ns, key, E.UNLISTED, Timed(due_ns))


def read(book: Book, settings: Settings, broker: str, query: int | str, now_ns: int) -> Record:
    """The whole answer was taken; the next check comes when it is due.

    It comes sooner where what was listed may be of an order of ours that lacks its ack: a stranger's is not
    adopted before that is known, and by an execution alone nobody knows whether it lives. So it does where
    something was listed that could not wait, for as much waited as may, or that has waited too long.
    """
    every = settings.check_every_ns
    waiting = [parked.report for parked in book.parked.values() if parked.broker == broker]
    if book.histories[broker].dropped or any(map(is_listed, waiting)):
        every = min(every, settings.ask_every_ns)
    return whole(book, now_ns, HistoryRead(broker, query, now_ns + every if every else 0))
