"""What the facts make of the paper venue: its orders, what rests, its executions, the numbers to come.

:meth:`VenueBook.apply` is the only mutator of an order but for the size ahead of it in the market's queue,
which rows alone tell (:mod:`fsm_ems.brokers.paper.engine_book`). It decides nothing: the same facts give the
same book, in the run that made them and in any later one.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

from fsm_ems.brokers.paper import engine_reports as tell
from fsm_ems.brokers.paper.engine_book import MarketBook
from fsm_ems.brokers.paper.engine_facts import (
    Accepted,
    EditRefused,
    Ended,
    Executed,
    Fact,
    Rejected,
    Replaced,
    Rested,
)
from fsm_ems.brokers.paper.engine_orders import PaperOrder, VenueOrders
from fsm_ems.dialogs.facts import EXACT
from fsm_ems.messages import BrokerdFill

EXECUTIONS_MAX = 100_000
"""How many executions the venue can still tell of: the newest ones."""


class VenueBook:
    """The venue as its facts have it. *placed*, *executed* and *ranked* count what got a number of its own.

    *books* are its markets: what rests is entered there.
    """

    def __init__(self, books: Mapping[str, MarketBook], ended_max: int) -> None:
        self.books = books
        self.orders = VenueOrders(ended_max)
        self.executions: deque[BrokerdFill] = deque(maxlen=EXECUTIONS_MAX)
        self.placed = 0
        self.executed = 0
        self.ranked = 0

    def apply(self, fact: Fact) -> PaperOrder:
        """Let *fact* be so; the order it is about."""
        return _APPLY[type(fact)](self, fact)


def _rejected(venue: VenueBook, fact: Rejected) -> PaperOrder:
    order = PaperOrder(fact.terms)
    venue.orders.add(order)
    venue.orders.end(order, "rejected")
    return order


def _accepted(venue: VenueBook, fact: Accepted) -> PaperOrder:
    venue.placed += 1
    order = PaperOrder(fact.terms)
    venue.orders.add(order)
    venue.orders.name(order, fact.venue_id)
    return order


def _rested(venue: VenueBook, fact: Rested) -> PaperOrder:
    order = venue.orders.called(fact.venue_id)
    venue.ranked = fact.rank
    venue.books[order.market].rest(order, fact.rank)
    venue.orders.watch(order)
    return order


def _executed(venue: VenueBook, fact: Executed) -> PaperOrder:
    order = venue.orders.called(fact.venue_id)
    venue.executed += 1
    order.cum = EXACT.add(order.cum, fact.size)
    venue.executions.append(tell.fill(order, fact))
    _end_if_filled(venue, order)
    return order


def _replaced(venue: VenueBook, fact: Replaced) -> PaperOrder:
    order = venue.orders.called(fact.venue_id)
    venue.orders.join(order, fact.reqid)
    if not fact.keeps_rank:
        _leave(venue, order)
    order.size, order.price, order.reqid = fact.size, fact.price, fact.reqid
    _end_if_filled(venue, order)
    return order


def _edit_refused(venue: VenueBook, fact: EditRefused) -> PaperOrder:
    order = venue.orders.called(fact.venue_id)
    venue.orders.join(order, fact.reqid)
    return order


def _ended(venue: VenueBook, fact: Ended) -> PaperOrder:
    order = venue.orders.called(fact.venue_id)
    _leave(venue, order)
    venue.orders.end(order, fact.standing)
    return order


def _end_if_filled(venue: VenueBook, order: PaperOrder) -> None:
    if order.cum == order.size:
        _leave(venue, order)
        venue.orders.end(order, "filled")


def _leave(venue: VenueBook, order: PaperOrder) -> None:
    """It rests no more, if it did."""
    if order.rank:
        venue.orders.unwatch(order)
        venue.books[order.market].remove(order)


_APPLY: dict[type[Fact], Callable[[VenueBook, Any], PaperOrder]] = {
    Rejected: _rejected,
    Accepted: _accepted,
    Rested: _rested,
    Executed: _executed,
    Replaced: _replaced,
    EditRefused: _edit_refused,
    Ended: _ended,
}
