"""What the venue behind an adapter knows: its orders, their executions, and the requests it has not answered.

For a scripted venue the kit decides here what is true, and only then what is said of it. Of a venue that
answers by itself the same book is folded from what it says, and :meth:`VenueBook.lie` holds its answers
against it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Literal, cast

from fsm_ems.market import Market
from fsm_ems.messages import (
    BrokerdCancel,
    BrokerdEdit,
    BrokerdError,
    BrokerdFill,
    BrokerdHistory,
    BrokerdHistoryQuery,
    BrokerdOrder,
    BrokerdOrderAck,
    BrokerdQuery,
    BrokerdReplaced,
    BrokerdRestated,
    BrokerdStatus,
    Request,
    VenueReport,
)
from fsm_ems.testing.conformance_orders import MOVES, Reqid, Standing, VenueOrder, absent, duplicate, refusal
from fsm_ems.testing.conformance_steps import Trade, Turn

FEES = (Decimal(0), Decimal("0.1"), Decimal("-0.000000000000000001"), Decimal("0.123456789012345678"))
"""No float holds the last two."""
_LONG_ID = "7C9e6679-7425-40de-944b-E"
"""Ids of executions are short and long in turn; whoever cuts the long ones takes several for one."""
_LIQUIDITY: tuple[Literal["maker", "taker"], ...] = ("maker", "taker")

Outcome = Callable[[], list[VenueReport]]
"""Something that the venue can do with a request: it makes it true, and gives the reports of it."""


def _lost() -> list[VenueReport]:
    """The request never came to anybody's attention."""
    return []


class VenueBook:
    """Everything the venue knows. *markets* are the adapter's, *now* the time in ns, and *reopens* says
    whether a filled order can be increased.
    """

    def __init__(
        self, markets: Mapping[str, Market], now: Callable[[], int], *, reopens: bool = False
    ) -> None:
        ends = {"cancelled", "rejected", "expired"}
        self._fixed = ends if reopens else ends | {"filled"}
        self.orders: list[VenueOrder] = []
        self.unanswered: list[Request] = []
        self._markets = markets
        self._now = now
        self._asked: dict[Reqid, Request] = {}
        self._by_reqid: dict[Reqid, VenueOrder] = {}
        self._by_venue_id: dict[str, VenueOrder] = {}
        self._fills: list[BrokerdFill] = []
        self._executed = 0
        self._told: BrokerdHistory | None = None

    def hear(self, request: Request) -> None:
        """A request reached the venue; nothing has become of it yet."""
        self.unanswered.append(request)
        self._asked[request.reqid] = request
        if isinstance(request, BrokerdOrder):
            order = VenueOrder(request, [request.reqid], request.size, request.price)
            self.orders.append(order)
            self._by_reqid[request.reqid] = order

    def _about(self, request: BrokerdCancel | BrokerdEdit | BrokerdQuery) -> VenueOrder | None:
        """The order that a request is about, if the venue has it."""
        order = self._by_reqid.get(request.target) or self._by_venue_id.get(request.venue_id or "")
        return order if order is not None and order.arrived else None

    # ── answers of a scripted venue ─────────────────────────────────────────────────────────────────

    def outcomes(self, request: Request) -> Sequence[Outcome]:
        """What the venue may do with *request*."""
        now = self._now()
        if isinstance(request, BrokerdOrder):
            return self._of_order(self._by_reqid[request.reqid])
        if isinstance(request, BrokerdHistoryQuery):
            return [lambda: [self._history(request)], lambda: [self._stale(request)], _lost]
        order = self._about(request)
        if isinstance(request, BrokerdQuery):
            unclear = BrokerdError(reqid=request.reqid, account=request.account, time_ns=now)
            return [
                lambda: [
                    absent(request, now) if order is None else order.answer(request, now, is_stale=False)
                ],
                lambda: [
                    absent(request, now) if order is None else order.answer(request, now, is_stale=True)
                ],
                lambda: [unclear],
                _lost,
            ]
        if order is None:
            return [lambda: [refusal(request, "unknown_order", now)], _lost]
        if isinstance(request, BrokerdEdit):
            if request.size <= order.cum or order.standing in self._fixed:
                return [lambda: [refusal(request, "too_late", now)], _lost]
            return [lambda: [self._edit(request, order)], lambda: [refusal(request, "other", now)], _lost]
        if not order.lives:
            return [lambda: [refusal(request, "too_late", now)], _lost]
        return [
            lambda: [order.status("cancelled", now)],
            lambda: [refusal(request, "pending", now)],
            _lost,
        ]

    def _of_order(self, order: VenueOrder) -> Sequence[Outcome]:
        if order.arrived:  # it traded before the venue said that it has it
            return [lambda: [order.ack(self._now())], lambda: [duplicate(order, self._now())]]
        return [
            lambda: [self._ack(order)],
            lambda: [self._ack(order), order.status("open", self._now())],
            lambda: [order.status("rejected", self._now())],
            lambda: self._forget(order),
        ]

    def _forget(self, order: VenueOrder) -> list[VenueReport]:
        """The order was lost on the way: the venue will never know of it."""
        self.orders.remove(order)
        return []

    def _ack(self, order: VenueOrder) -> BrokerdOrderAck:
        self._arrive(order)
        return order.ack(self._now())

    def _arrive(self, order: VenueOrder) -> None:
        if not order.arrived:
            order.arrived, order.venue_id = True, f"V{len(self._by_venue_id) + 1}"
            self._by_venue_id[order.venue_id] = order

    def _edit(self, edit: BrokerdEdit, order: VenueOrder) -> BrokerdReplaced:
        self._by_reqid[edit.reqid] = order
        return order.replaced(edit, self._now())

    def _history(self, query: BrokerdHistoryQuery) -> BrokerdHistory:
        now = self._now()
        living = (order for order in self.orders if order.arrived and order.lives)
        self._told = BrokerdHistory(
            reqid=query.reqid,
            time_ns=now,
            orders=tuple(order.as_it_stands(query.reqid, now) for order in living),
            fills=tuple(fill for fill in self._fills if fill.time_ns >= query.since_ns),
        )
        return self._told

    def _stale(self, query: BrokerdHistoryQuery) -> BrokerdHistory:
        """A read that is behind: what was told to the last such question."""
        if self._told is None:
            return self._history(query)
        return replace(
            self._told,
            reqid=query.reqid,
            orders=tuple(replace(order, query=query.reqid) for order in self._told.orders),
            fills=tuple(fill for fill in self._told.fills if fill.time_ns >= query.since_ns),
        )

    # ── what happens at a scripted venue ────────────────────────────────────────────────────────────

    def trade(self, order: VenueOrder, step: Trade) -> BrokerdFill:
        """*order* trades, perhaps before its ack was said or after its cancel was."""
        self._arrive(order)
        fill = self.execution(order, step)
        order.book(fill)
        self._fills.append(fill)
        return fill

    def execution(self, order: VenueOrder, step: Trade) -> BrokerdFill:
        """One that could be: so many units of the smallest size, or what is left."""
        self._executed += 1
        market = self._markets[order.request.market]
        size = min(step.units * market.size_tick, order.left)
        better = step.better * market.price_tick * (-1 if order.request.side == "buy" else 1)
        return BrokerdFill(
            **order.named(self._now()),
            exec_id=f"{_LONG_ID}{self._executed}" if self._executed % 2 == 0 else f"E{self._executed}",
            size=size,
            price=max(self.price_of(order) + better, market.price_tick),
            fee=FEES[step.fee % len(FEES)],
            fee_asset=(market.quote, market.base)[step.fee // len(FEES) % 2],
            liquidity=_LIQUIDITY[self._executed % 2],
            cum=order.cum + size,
        )

    def price_of(self, order: VenueOrder) -> Decimal:
        """Its limit, or where a market order trades."""
        return 100 * self._markets[order.request.market].price_tick if order.price is None else order.price

    def turn(self, order: VenueOrder, turn: Turn) -> VenueReport | None:
        """Something befalls *order*; None where it cannot."""
        now = self._now()
        if turn in ("bust", "correction"):
            if not order.executions:
                return None
            old = order.executions[-1]
            self._fills.remove(old)
            if turn == "bust":
                return order.bust(old, now)
            new = replace(old, exec_id=f"{old.exec_id}c", price=2 * old.price, time_ns=now)
            self._fills.append(new)
            return order.correct(old, new)
        if not (order.arrived and order.lives):
            return None
        if turn == "restated":
            return order.restated(2 * self.price_of(order), now)
        return order.status(turn, now)

    # ── a venue that answers by itself ──────────────────────────────────────────────────────────────

    def fold(self, report: VenueReport) -> None:
        """Take over what such a venue says of its orders."""
        if isinstance(report, BrokerdHistory):
            return
        if isinstance(report, BrokerdReplaced):
            edit = self._asked.get(report.reqid)
            if isinstance(edit, BrokerdEdit) and (edited := self._by_reqid.get(edit.target)) is not None:
                self._by_reqid[report.reqid] = edited
                if report.reqid not in edited.chain:  # the same edit may be confirmed twice
                    edited.take_terms(report)
            return
        order_of = self._by_reqid.get(report.reqid or "") or self._by_venue_id.get(report.venue_id or "")
        if order_of is None:
            return
        if isinstance(report, BrokerdOrderAck):
            order_of.venue_id = report.venue_id
            self._by_venue_id[report.venue_id] = order_of
        if isinstance(report, BrokerdOrderAck) or (
            isinstance(report, BrokerdStatus) and not report.snapshot and report.status in MOVES
        ):
            order_of.arrived = True
            order_of.standing = cast("Standing", getattr(report, "status", "open"))
        elif isinstance(report, BrokerdFill):
            order_of.book(report)
            self._fills.append(report)
        elif isinstance(report, BrokerdRestated):
            order_of.take_restated(report)

    def lie(self, report: VenueReport) -> str | None:
        """What in an answer of such a venue is not so; None: all of it is."""
        if isinstance(report, BrokerdHistory):
            return self._wrong_history(report)
        if isinstance(report, BrokerdReplaced) and report.reqid not in self._by_reqid:
            return f"nobody asked for an edit {report.reqid}"
        if not isinstance(report, BrokerdStatus) or not report.snapshot:
            return None
        order = self._by_reqid.get(report.reqid or "")
        if order is None or not order.arrived:
            return None if report.status == "absent" else f"the venue has no order {report.reqid}"
        if (report.status, report.cum) != (order.standing, order.cum):
            return f"{report.reqid} is {order.standing} with {order.cum} filled"
        return _other_terms(report, order)

    def _wrong_history(self, report: BrokerdHistory) -> str | None:
        query = self._asked.get(report.reqid)
        if not isinstance(query, BrokerdHistoryQuery):
            return "nobody asked that"
        listed = {order.venue_id for order in report.orders}
        living = {order.venue_id for order in self.orders if order.arrived and order.lives}
        if listed != living:
            return f"open are {sorted(filter(None, living))}, and it lists {sorted(filter(None, listed))}"
        known = {order.venue_id: order for order in self.orders}
        for listed_order in report.orders:
            order = known[listed_order.venue_id]
            if listed_order.cum != order.cum:
                return f"{order.venue_id} has {order.cum} filled, and it lists {listed_order.cum}"
            if (wrong_terms := _other_terms(listed_order, order)) is not None:
                return wrong_terms
        told = [fill.exec_id for fill in report.fills]
        since = [fill.exec_id for fill in self._fills if fill.time_ns >= query.since_ns]
        if told != since:
            return f"the executions since then are {since}, and it lists {told}"
        said = {fill.exec_id: (fill.size, fill.price, fill.fee) for fill in self._fills}
        wrong = [fill for fill in report.fills if (fill.size, fill.price, fill.fee) != said[fill.exec_id]]
        return f"{wrong[0].exec_id} was said with another size, price or fee" if wrong else None


def _other_terms(report: BrokerdStatus, order: VenueOrder) -> str | None:
    """What in the terms that *report* tells of *order* is not so."""
    if report.details is None:
        return None
    told, terms = (report.details.size, report.details.price), (order.size, order.price)
    return None if told == terms else f"{order.venue_id} is for {terms[0]} at {terms[1]}"
