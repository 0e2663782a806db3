"""A second opinion on the paper venue, written from its rules and sharing no code with it.

It is built to be read, not to be fast. The whole tape and all requests are known beforehand and laid out on
one timeline. There are no books: on every row all orders are looked at and sorted afresh. Numbers are
fractions. A buy's sign is 1 and a sell's -1, so that one sentence serves both sides: an order at *limit*
is met by *price* when ``sign * (limit - price) >= 0``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from fsm_ems.market import FillModel, Market
from fsm_ems.messages import (
    BrokerdCancel,
    BrokerdEdit,
    BrokerdHistoryQuery,
    BrokerdOrder,
    BrokerdQuery,
    Request,
)
from fsm_ems.quotes import Quote, Row, Trade

Told = tuple[object, ...]
"""Time, what, reqid, and the numbers that belong to it."""


@dataclass
class Order:
    request: BrokerdOrder
    reqid: int | str
    size: Fraction
    limit: Fraction | None
    sign: int
    expires: int | None
    filled: Fraction = Fraction(0)
    end: str | None = None
    venue_id: str | None = None
    since: int | None = None  # its place in time among those that rest; None: it does not rest
    ahead: Fraction | None = None
    chain: list[int | str] = field(default_factory=list[int | str])

    @property
    def left(self) -> Fraction:
        return self.size - self.filled

    def beyond(self, price: Fraction) -> Fraction:
        """How far *price* lies through the limit; below 0 where it does not come so far."""
        assert self.limit is not None
        return self.sign * (self.limit - price)


@dataclass
class Offer:
    """What the last quote shows to buys (its ask) or to sells (its bid)."""

    price: Fraction
    left: Fraction


class Reference:
    """Runs once; ``told`` is what a venue must report."""

    def __init__(self, market: Market, model: FillModel, latency_ns: int) -> None:
        self.market = market
        self.model = model
        self.latency_ns = latency_ns
        self.told: list[Told] = []
        self.orders: list[Order] = []
        self.offers: dict[int, Offer] = {}
        self.now = 0
        self.acks = 0
        self.places = 0

    def run(self, rows: Sequence[Row], requests: Sequence[Request], end_ns: int) -> list[Told]:
        timeline: list[tuple[int, int, int, Row | Request]] = [
            *((row.time_ns, 1, number, row) for number, row in enumerate(rows)),
            *((sent.time_ns + self.latency_ns, 2, number, sent) for number, sent in enumerate(requests)),
        ]
        for at, _, _, event in sorted(timeline, key=lambda entry: entry[:3]):
            self._expire(at)
            self.now = at
            if isinstance(event, Quote):
                self._quote(event)
            elif isinstance(event, Trade):
                self._trade(event)
            else:
                self._request(event)
        self._expire(end_ns)
        return self.told

    def _tell(self, what: str, reqid: int | str, *numbers: object) -> None:
        self.told.append((self.now, what, reqid, *numbers))

    def _resting(self, sign: int) -> list[Order]:
        return [order for order in self.orders if order.since is not None and order.sign == sign]

    def _expire(self, until: int) -> None:
        due = [
            order
            for order in self.orders
            if order.since is not None and (order.expires or until + 1) <= until
        ]
        for order in sorted(due, key=lambda order: (order.expires, order.since)):
            self.now = order.expires or 0
            self._over(order, "expired")

    def _over(self, order: Order, end: str, *, told: bool = True) -> None:
        order.end, order.since = end, None
        if told:
            self._tell(end, order.reqid, order.filled)

    def _fill(self, order: Order, size: Fraction, price: Fraction, how: str) -> None:
        bps = self.market.maker_bps if how == "maker" else self.market.taker_bps
        order.filled += size
        self._tell("fill", order.reqid, size, price, how, order.filled, size * price * Fraction(bps) / 10_000)
        if not order.left:
            self._over(order, "filled", told=False)

    # ── rows ────────────────────────────────────────────────────────────────────────────────────────

    def _quote(self, row: Quote) -> None:
        bid, ask = Fraction(row.bid), Fraction(row.ask)
        self.offers = {}
        if bid and row.bid_size:
            self.offers[-1] = Offer(bid, Fraction(row.bid_size))
        if ask and row.ask_size:
            self.offers[1] = Offer(ask, Fraction(row.ask_size))
        if len(self.offers) == 2 and bid > ask:
            self.offers = {}
        for sign in (1, -1):
            for order in self._resting(sign):
                if order.ahead is None:
                    order.ahead = self._ahead(order)
        for sign, offer in sorted(self.offers.items(), reverse=True):
            self._meet(self._resting(sign), offer)

    def _meet(self, orders: list[Order], offer: Offer) -> None:
        met = [order for order in orders if order.beyond(offer.price) >= 0]
        for order in sorted(met, key=lambda order: (-order.beyond(offer.price), order.since)):
            offer.left -= self._made(order, offer.left)

    def _ahead(self, order: Order) -> Fraction | None:
        """What stands at the order's price on its own side of the quote; None if the quote does not tell."""
        touch = self.offers.get(-order.sign)
        if touch is None or order.beyond(touch.price) < 0:
            return None
        return touch.left if order.beyond(touch.price) == 0 else Fraction(0)

    def _trade(self, row: Trade) -> None:
        price, size = Fraction(row.price), Fraction(row.size)
        everyone = [*self._resting(1), *self._resting(-1)]
        through = [order for order in everyone if order.beyond(price) > 0]
        at = sorted(
            (order for order in everyone if order.beyond(price) == 0), key=lambda order: order.since or 0
        )
        own = Fraction(0)
        for order in sorted(through, key=lambda order: (-order.beyond(price), order.since)):
            order.ahead = Fraction(0)
            own += self._made(order, size - own)
        if self.model == "touch":
            for order in at:
                own += self._made(order, size - own)
        if self.model == "queue":
            self._trade_queued(at, size, own)

    def _made(self, order: Order, offered: Fraction) -> Fraction:
        size = min(order.left, offered)
        if size > 0:
            assert order.limit is not None
            self._fill(order, size, order.limit, "maker")
        return max(size, Fraction(0))

    def _trade_queued(self, at: Iterable[Order], size: Fraction, own: Fraction) -> None:
        """The print walks down the queue at its price: strangers, own, strangers, own …

        On each side the strangers between two own orders are those who stand ahead of the later one and
        not ahead of any earlier one.
        """
        stood: dict[int, Fraction] = {1: Fraction(0), -1: Fraction(0)}
        eaten: dict[int, Fraction] = {1: Fraction(0), -1: Fraction(0)}
        for order in at:
            if order.ahead is None:
                continue
            between = max(order.ahead - stood[order.sign], Fraction(0))
            stood[order.sign] += between
            eaten[order.sign] += max(min(between, size - own - eaten[order.sign]), Fraction(0))
            order.ahead = max(order.ahead - eaten[order.sign], Fraction(0))
            own += self._made(order, size - own - eaten[order.sign])

    # ── requests ────────────────────────────────────────────────────────────────────────────────────

    def _request(self, request: Request) -> None:
        assert not isinstance(request, BrokerdHistoryQuery), "what it would list is asked for in other tests"
        known = next((order for order in self.orders if request.reqid in order.chain), None)
        if isinstance(request, BrokerdOrder):
            if known is not None:
                self._tell("refused submit", request.reqid, "duplicate")
            else:
                self._order(request)
            return
        subject = next((order for order in self.orders if request.target in order.chain), None)
        if subject is None:
            named = (order for order in self.orders if order.venue_id is not None)
            subject = next((order for order in named if order.venue_id == request.venue_id), None)
        if subject is not None and subject.request.account != request.account:
            subject = None
        if isinstance(request, BrokerdQuery):
            self._query(request, subject)
            return
        if isinstance(request, BrokerdEdit) and known is not None:
            if known.reqid == request.reqid and known.chain[0] != request.reqid:
                self._tell("replaced", known.reqid, known.size, known.limit)
            else:
                self._tell("refused edit", request.reqid, "duplicate")
            return
        verb = "cancel" if isinstance(request, BrokerdCancel) else "edit"
        if self.now > request.deadline_ns:
            self._tell(f"refused {verb}", request.reqid, "other")
        elif subject is None:
            self._tell(f"refused {verb}", request.reqid, "unknown_order")
        elif subject.end is not None:
            self._tell(f"refused {verb}", request.reqid, "too_late")
        elif isinstance(request, BrokerdCancel):
            self._over(subject, "cancelled")
        else:
            self._edit(request, subject)

    def _query(self, request: BrokerdQuery, order: Order | None) -> None:
        if order is None:
            self._tell("snapshot", request.target, "absent", None, None, None)
        else:
            self._tell("snapshot", request.target, order.end or "open", order.filled, order.size, order.limit)

    def _wrong(self, size: Fraction, limit: Fraction | None, sign: int) -> bool:
        market = self.market
        if limit is not None and limit % Fraction(market.price_tick):
            return True
        if size % Fraction(market.size_tick) or size < market.min_size:
            return True
        offer = self.offers.get(sign)
        price = limit
        if price is None and offer is not None:
            price = offer.price
        return price is not None and size * price < market.min_cost

    def _takes(self, limit: Fraction | None, sign: int) -> bool:
        offer = self.offers.get(sign)
        return offer is not None and (limit is None or sign * (limit - offer.price) >= 0)

    def _order(self, request: BrokerdOrder) -> None:
        limit = None if request.price is None else Fraction(request.price)
        sign = 1 if request.side == "buy" else -1
        expires = request.expire_ns if request.tif == "gtd" else None
        order = Order(
            request, request.reqid, Fraction(request.size), limit, sign, expires, chain=[request.reqid]
        )
        self.orders.append(order)
        market = request.type == "market"
        if (
            self.now > request.deadline_ns
            or market != (limit is None)
            or (request.post_only and (market or request.tif in ("ioc", "fok")))
            or self._wrong(order.size, limit, sign)
            or (request.post_only and self._takes(limit, sign))
        ):
            self._over(order, "rejected")
            return
        self.acks += 1
        order.venue_id = f"P{self.acks}"
        self._tell("ack", order.reqid, order.venue_id)
        if expires is not None and expires <= self.now:
            self._over(order, "expired")
            return
        offer = self.offers.get(sign)
        if request.tif != "fok" or (offer is not None and offer.left >= order.left):
            self._take(order)
        if order.end is None and (market or request.tif in ("ioc", "fok")):
            self._over(order, "cancelled")
        elif order.end is None:
            self._rest(order)
            self._tell("open", order.reqid, order.filled)

    def _take(self, order: Order) -> None:
        if not self._takes(order.limit, order.sign):
            return
        offer = self.offers[order.sign]
        size = min(order.left, offer.left)
        if size:
            offer.left -= size
            self._fill(order, size, offer.price, "taker")

    def _rest(self, order: Order) -> None:
        self.places += 1
        order.since = self.places
        order.ahead = self._ahead(order)

    def _edit(self, request: BrokerdEdit, order: Order) -> None:
        order.chain.append(request.reqid)
        size = Fraction(request.size)
        limit = order.limit if request.price is None else Fraction(request.price)
        if size <= order.filled:
            order.size, order.reqid = order.filled, request.reqid
            self._over(order, "filled", told=False)
            self._tell("replaced", order.reqid, order.size, order.limit)
            return
        again = limit != order.limit or size > order.size
        takes = again and order.request.post_only and self._takes(limit, order.sign)
        if takes or self._wrong(size, limit, order.sign):
            self._tell("refused edit", request.reqid, "other")
            return
        order.size, order.limit, order.reqid = size, limit, request.reqid
        self._tell("replaced", order.reqid, size, limit)
        if again:
            order.since = None
            self._take(order)
            if order.end is None:
                self._rest(order)
