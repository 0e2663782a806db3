"""The paper venue: requests and tape rows in, reports out. Pure: time is passed in with each input.

Its buying power is unlimited. The rules, so that anyone can recompute a tape by hand:

1. **Time.** A request arrives ``latency_ns`` after its ``time_ns``; what arrives after its
   ``deadline_ns`` is refused, except a query: it changes nothing, and is answered. At one time: expiries
   (by time priority), then tape rows in file order, then requests in send order. A row or a
   request that is handed over late counts as of now; the venue's time never falls.
2. **Form.** Off-tick prices and sizes, less than the minimum size or cost: rejected, the rule named, never
   rounded. An order's cost is total size × limit; a market order's × far touch, and not checked where
   nothing is offered. Sizes from 10^16 and costs from 10^18 are rejected, being more than a message can tell.
3. **Liquidity.** A quote row replaces both displayed sizes; they fall as own orders take from them, until
   the next quote row. A side with a zero price or size offers nothing, nor does either side of a crossed
   quote (bid > ask); a locked one (bid = ask) is taken as it is. A print is liquidity once, its own, and
   leaves the display alone; its side is ignored. Own orders share a row by price, then time. A quote
   serves own buys from its ask, and own sells from its bid. Where a print reaches own buys and own sells,
   they share its one size: the furthest through comes first, then the earlier. Own orders never trade with
   each other.
4. **Arrival.** Marketable is a limit that reaches the far touch, and any market order, even if own orders
   have taken all that was displayed. It takes what is left there, at the touch's price, as taker; then a
   limit gtc or gtd rests and an ioc or market order is cancelled. FOK: all of it at once, or cancelled.
   Post-only and marketable: rejected. Nothing offered: market, ioc and fok are cancelled, a limit rests. A
   gtd order that arrives at or after its ``expire_ns`` expires untouched.
5. **Resting.** A later quote row whose far side reaches the limit, and a print through it, fill at the
   limit as maker. A print exactly at the limit fills under ``touch``, never under ``through``, and under
   ``queue`` once the size ahead has traded: the size shown at the limit on arrival (what own orders took
   is gone; at a price better than the touch nothing is ahead), else when the touch first comes to it
   (the size quoted there) or behind it (nothing). Until then a print at the limit neither fills nor
   shortens the queue. A print at the limit first trades with those ahead, in the order of the queue, and
   own orders get what remains; a print through it clears the queue; a quote never shortens it.
6. **Requests about orders.** An edit's size is the new total. At or below what is filled, the order ends
   filled with that size, its price unchanged, and nothing else is checked. Otherwise the new terms must
   keep rule 2, as if arriving. A new price or a larger size loses time priority and arrives again (it
   may take, and is refused if post-only and marketable); else it keeps its priority and its queue. A
   refused edit changes nothing.
7. **Fees.** Size × price × basis points / 10000, in the quote asset, maker's or taker's; exact (see
   :func:`~fsm_ems.brokers.paper.engine_rules.fee`). Each fill has its own exec id.

What is reported, in this order, all with the reqid in force:

- order: ack; the taker fill; then ``open`` if something rests, ``cancelled`` or ``expired``. No status
  follows a fill that completes. Refused: ``rejected`` alone, and the text begins with the rule's name;
- edit: replaced, with the terms in force; the taker fill. Cancel: ``cancelled``;
- a row: its fills, those of a quote's ask first, each with the cumulative size;
- query: a snapshot with the terms and the cumulative size; ``absent`` for what is not known here;
- history: every order that lives and the executions since then, in pages of 1,000.

A second copy of an order is refused as ``duplicate``, whatever became of the first. A copy of the edit in
force is answered by the same replaced again, of any other as ``duplicate``. A cancel may come again.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Literal

from fsm_ems.brokers.paper import engine_reports as tell
from fsm_ems.brokers.paper.engine_apply import VenueBook
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
    terms_of,
)
from fsm_ems.brokers.paper.engine_orders import NEVER, PaperOrder
from fsm_ems.brokers.paper.engine_rules import (
    broken_rule,
    charge,
    check_market,
    check_options,
    wrong_form,
)
from fsm_ems.errors import InvalidMessage
from fsm_ems.market import FillModel, Market
from fsm_ems.messages import (
    BrokerdCancel,
    BrokerdEdit,
    BrokerdHistoryQuery,
    BrokerdOrder,
    Liquidity,
    Request,
    VenueReport,
)
from fsm_ems.quotes import Quote, Row

REQIDS_MAX = 10_000
"""How many requests may name one order: the edits beyond are refused."""


class PaperEngine:
    """The venue. Its whole state is in plain attributes: ``copy.deepcopy`` clones it.

    *markets* by address. Venue ids are ``{prefix}P1``, ``{prefix}P2`` …, exec ids ``{prefix}X1`` …: unique
    within one engine; *prefix* keeps those of several runs apart. At most *orders_max* orders live at once,
    the next is rejected; the last *ended_max* ended ones are remembered. What is in flight is for the
    sender to bound (:attr:`in_flight`).

    All that happens to orders is a fact first (:mod:`fsm_ems.brokers.paper.engine_facts`). With *keep_facts*
    they are held for whoever writes them down, :meth:`taken_facts`; :meth:`restore` makes the venue of them
    again. What is in flight and what the markets display is gone then.

    Raises:
        InvalidMessage: a market or an option makes no sense.
    """

    def __init__(
        self,
        markets: Mapping[str, Market],
        *,
        fill_model: FillModel = "touch",
        latency_ns: int = 0,
        prefix: str = "",
        orders_max: int = 100_000,
        ended_max: int = 10_000,
        keep_facts: bool = False,
    ) -> None:
        check_options(fill_model, latency_ns)
        for market in markets.values():
            check_market(market)
        self.books = {fqme: MarketBook(market, fill_model) for fqme, market in markets.items()}
        self.venue = VenueBook(self.books, ended_max)
        self.orders = self.venue.orders
        self.latency_ns = latency_ns
        self.prefix = prefix
        self.orders_max = orders_max
        self.now_ns = 0
        self._only = next(iter(self.books.values())) if len(self.books) == 1 else None
        self._flying: list[tuple[int, int, Request]] = []
        self._sent = 0
        self._facts: list[Fact] | None = [] if keep_facts else None

    # ── facts ───────────────────────────────────────────────────────────────────────────────────────

    def taken_facts(self) -> list[Fact]:
        """The facts made since the last call, which the caller has to keep before any report leaves."""
        facts = self._facts
        assert facts is not None, "they were not held"
        self._facts = []
        return facts

    def restore(self, facts: Iterable[Fact]) -> int | None:
        """Let *facts* of an earlier engine be so, before anything else happens here; when the last was made.

        Raises:
            InvalidMessage: an order was accepted in a market that is none of this engine's.
        """
        last_ns: int | None = None
        for fact in facts:
            if isinstance(fact, Accepted) and fact.terms.market not in self.books:
                raise InvalidMessage((f"markets: the venue has orders in {fact.terms.market}, name it too",))
            self.venue.apply(fact)
            self.now_ns = last_ns = fact.time_ns
        return last_ns

    def _apply(self, fact: Fact) -> PaperOrder:
        if self._facts is not None:
            self._facts.append(fact)
        return self.venue.apply(fact)

    # ── time, rows and requests ─────────────────────────────────────────────────────────────────────

    @property
    def in_flight(self) -> int:
        """How many requests were sent and have not arrived."""
        return len(self._flying)

    def send(self, request: Request) -> None:
        """*request* is on its way; :meth:`advance` lets it arrive."""
        self._sent += 1
        heapq.heappush(self._flying, (request.time_ns + self.latency_ns, self._sent, request))

    def next_due_ns(self) -> int | None:
        """When :meth:`advance` will next have something to do without a further row or request."""
        due = min(self.orders.next_expiry_ns, self._flying[0][0] if self._flying else NEVER)
        return None if due == NEVER else due

    def advance(self, until_ns: int, *, inclusive: bool = True) -> list[VenueReport]:
        """Let time pass to *until_ns*: everything before it, and at it the expiries.

        *inclusive* adds the requests that arrive at *until_ns*: for when all rows of that time were given.
        """
        reports: list[VenueReport] = []
        last_arrival = until_ns if inclusive else until_ns - 1
        while True:
            arrival, expiry = self._flying[0][0] if self._flying else NEVER, self.orders.next_expiry_ns
            if expiry <= arrival and expiry <= until_ns:
                self.now_ns = max(self.now_ns, expiry)
                self._expire(self.orders.first_to_expire(), reports)
            elif arrival <= last_arrival:
                self.now_ns = max(self.now_ns, arrival)
                self._arrive(heapq.heappop(self._flying)[2], reports)
            else:
                break
        self.now_ns = max(self.now_ns, until_ns)
        return reports

    def row(self, row: Row, market: str | None = None) -> list[VenueReport]:
        """Take the next row of *market*'s tape (None: the only market's), after all that was due before."""
        reports = self.advance(row.time_ns, inclusive=False)
        book = self._only if market is None else self.books[market]
        assert book is not None, "name the market: there are several"
        for order, size in book.quote(row) if isinstance(row, Quote) else book.trade(row):
            self._execute(order, size, order.limit, "maker", reports)
        return reports

    # ── arrivals ────────────────────────────────────────────────────────────────────────────────────

    def _arrive(self, request: Request, reports: list[VenueReport]) -> None:
        if isinstance(request, BrokerdOrder):
            self._take_order(request, reports)
        elif isinstance(request, BrokerdCancel):
            self._take_cancel(request, reports)
        elif isinstance(request, BrokerdEdit):
            self._take_edit(request, reports)
        elif isinstance(request, BrokerdHistoryQuery):
            reports += tell.history(request, self.orders.living(), self.venue.executions, self.now_ns)
        else:
            reports.append(tell.snapshot(request, self.orders.find(request), self.now_ns))

    def _late(self, request: Request) -> str | None:
        if self.now_ns <= request.deadline_ns:
            return None
        return f"deadline: arrived at {self.now_ns}, not wanted after {request.deadline_ns}"

    def _take_order(self, request: BrokerdOrder, reports: list[VenueReport]) -> None:
        known = self.orders.named(request.reqid)
        if known is not None:
            reports.append(tell.copy_refused(request, known, self.now_ns))
            return
        problem, terms = self._late(request) or self._unacceptable(request), terms_of(request)
        if problem is not None:
            order = self._apply(Rejected(self.now_ns, terms, problem))
            reports.append(tell.status(order, problem, self.now_ns))
            return
        venue_id = f"{self.prefix}P{self.venue.placed + 1}"
        order = self._apply(Accepted(self.now_ns, venue_id, terms))
        reports.append(tell.ack(order, venue_id, self.now_ns))
        if order.expire_ns is not None and order.expire_ns <= self.now_ns:
            self._end(order, "expired", f"expire_ns {order.expire_ns} was over on arrival", reports)
            return
        self._match(order, reports)
        if order.standing != "open":
            return
        if order.type == "limit" and order.tif in ("gtc", "gtd"):
            self._rest(order)
            reports.append(tell.status(order, None, self.now_ns))
        else:
            kind = order.tif if order.type == "limit" else "market"
            self._end(order, "cancelled", f"{kind}: it never rests", reports)

    def _unacceptable(self, request: BrokerdOrder) -> str | None:
        book = self.books.get(request.market)
        if book is None:
            return f"market: {request.market} is not traded here"
        if self.orders.live >= self.orders_max:
            return f"orders_max: {self.orders_max} orders live here already"
        return wrong_form(request) or self._unfit(
            book, request.size, request.price, is_buy=request.side == "buy", post_only=request.post_only
        )

    @staticmethod
    def _unfit(
        book: MarketBook, size: Decimal, price: Decimal | None, *, is_buy: bool, post_only: bool
    ) -> str | None:
        takes = book.marketable(is_buy=is_buy, price=price)
        problem = broken_rule(book.market, size, price, book.far_price(is_buy=is_buy) if takes else None)
        if problem is None and post_only and takes:
            return "post_only: it would take at once"
        return problem

    def _match(self, order: PaperOrder, reports: list[VenueReport]) -> None:
        """Let an arriving order take what it can; that may be all it wants."""
        book = self.books[order.market]
        price = book.far_price(is_buy=order.is_buy)
        if price is None or not book.marketable(is_buy=order.is_buy, price=order.price):
            return
        if order.tif == "fok" and book.displayed(is_buy=order.is_buy) < order.left:
            return
        size = book.take(order)
        if size:
            self._execute(order, size, price, "taker", reports)

    def _take_cancel(self, request: BrokerdCancel, reports: list[VenueReport]) -> None:
        order = self._target(request, reports)
        if order is not None:
            self._end(order, "cancelled", "as asked", reports)

    def _take_edit(self, request: BrokerdEdit, reports: list[VenueReport]) -> None:
        known = self.orders.named(request.reqid)
        if known is not None:
            if request.reqid == known.reqid != known.reqids[0]:
                reports.append(tell.replaced(known, self.now_ns))
            else:
                reports.append(tell.refused(request, "duplicate", "this reqid was used before", self.now_ns))
            return
        order = self._target(request, reports)
        if order is None:
            return
        if len(order.reqids) >= REQIDS_MAX:
            text = f"reqids_max: {REQIDS_MAX} requests named this order already"
            reports.append(tell.refused(request, "other", text, self.now_ns))
            return
        if request.size <= order.cum:
            self._replace(order, request.reqid, order.cum, order.limit, keeps_rank=True, reports=reports)
            return
        self._change(order, request, reports)

    def _change(self, order: PaperOrder, request: BrokerdEdit, reports: list[VenueReport]) -> None:
        """Put an edit of a living order into force, unless its terms break a rule."""
        price = order.limit if request.price is None else request.price
        arrives = price != order.limit or request.size > order.size
        problem = self._unfit(
            self.books[order.market],
            request.size,
            price,
            is_buy=order.is_buy,
            post_only=order.post_only and arrives,
        )
        if problem is not None:
            # It names its order all the same: a second copy of it must not come into force.
            self._apply(EditRefused(self.now_ns, order.name, request.reqid, problem))
            reports.append(tell.refused(request, "other", problem, self.now_ns))
            return
        self._replace(order, request.reqid, request.size, price, keeps_rank=not arrives, reports=reports)
        if arrives:
            self._match(order, reports)
            if order.standing == "open":
                self._rest(order)

    def _replace(
        self,
        order: PaperOrder,
        reqid: int | str,
        size: Decimal,
        price: Decimal,
        *,
        keeps_rank: bool,
        reports: list[VenueReport],
    ) -> None:
        self._apply(Replaced(self.now_ns, order.name, reqid, size, price, keeps_rank))
        reports.append(tell.replaced(order, self.now_ns))

    def _target(self, request: BrokerdCancel | BrokerdEdit, reports: list[VenueReport]) -> PaperOrder | None:
        """The living order that a request in time is about; else the request is refused."""
        late, order = self._late(request), self.orders.find(request)
        if late is not None:
            reports.append(tell.refused(request, "other", late, self.now_ns))
        elif order is None:
            reports.append(tell.refused(request, "unknown_order", "no such order is known here", self.now_ns))
        elif order.standing != "open":
            reports.append(tell.refused(request, "too_late", f"the order is {order.standing}", self.now_ns))
        else:
            return order
        return None

    # ── resting and ending ──────────────────────────────────────────────────────────────────────────

    def _rest(self, order: PaperOrder) -> None:
        self._apply(Rested(self.now_ns, order.name, self.venue.ranked + 1))

    def _expire(self, order: PaperOrder, reports: list[VenueReport]) -> None:
        self._end(order, "expired", f"expire_ns {order.expire_ns} has come", reports)

    def _end(
        self,
        order: PaperOrder,
        standing: Literal["cancelled", "expired"],
        text: str,
        reports: list[VenueReport],
    ) -> None:
        self._apply(Ended(self.now_ns, order.name, standing, text))
        reports.append(tell.status(order, text, self.now_ns))

    def _execute(
        self,
        order: PaperOrder,
        size: Decimal,
        price: Decimal,
        liquidity: Liquidity,
        reports: list[VenueReport],
    ) -> None:
        market, exec_id = self.books[order.market].market, f"{self.prefix}X{self.venue.executed + 1}"
        fee = charge(market, size, price, liquidity)
        self._apply(Executed(self.now_ns, order.name, exec_id, size, price, fee, market.quote, liquidity))
        reports.append(self.venue.executions[-1])
