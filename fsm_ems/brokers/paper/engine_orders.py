"""The paper venue's orders: what is known of each, and how requests find them."""

from __future__ import annotations

from collections import deque
from decimal import Decimal
from typing import Literal

from sortedcontainers import SortedDict

from fsm_ems.brokers.paper.engine_facts import Terms
from fsm_ems.dialogs.facts import EXACT, ZERO
from fsm_ems.messages import (
    BrokerdCancel,
    BrokerdEdit,
    BrokerdQuery,
    OrderType,
    Side,
    TimeInForce,
)

NEVER = 2**63
"""A time that no clock of ours reaches."""

Standing = Literal["open", "filled", "cancelled", "rejected", "expired"]


class PaperOrder:
    """One order at the paper venue, living or ended.

    *reqid* is the request in force and *reqids* all that named the order, refused edits included.
    *rank* is its time priority, 0 while it does not rest. *ahead* is the size of others that must trade
    first at its price under the queue model, None while nobody can know it.
    """

    __slots__ = (
        "account",
        "ahead",
        "cum",
        "expire_ns",
        "is_buy",
        "market",
        "post_only",
        "price",
        "rank",
        "reqid",
        "reqids",
        "size",
        "standing",
        "tif",
        "type",
        "venue_id",
    )

    def __init__(self, terms: Terms) -> None:
        self.reqid = terms.reqid
        self.reqids = [terms.reqid]
        self.account = terms.account
        self.market = terms.market
        self.is_buy = terms.side == "buy"
        self.size = terms.size
        self.price = terms.price
        self.type: OrderType = terms.type
        self.tif: TimeInForce = terms.tif
        self.expire_ns = terms.expire_ns if terms.tif == "gtd" else None
        self.post_only = terms.post_only
        self.venue_id: str | None = None
        self.cum = ZERO
        self.standing: Standing = "open"
        self.rank = 0
        self.ahead: Decimal | None = ZERO

    @property
    def side(self) -> Side:
        """As messages name it."""
        return "buy" if self.is_buy else "sell"

    @property
    def left(self) -> Decimal:
        """What can still trade."""
        return EXACT.subtract(self.size, self.cum)

    @property
    def name(self) -> str:
        """The venue's id of an order that was accepted."""
        assert self.venue_id is not None, "a rejected order has none"
        return self.venue_id

    @property
    def limit(self) -> Decimal:
        """The price of an order that rests: it always has one."""
        assert self.price is not None, "a market order never rests"
        return self.price


class VenueOrders:
    """Every order the venue knows, by any reqid of its chain and by venue id; and when they expire.

    The last *ended_max* ended orders are remembered, so that nobody takes them for absent.
    ``next_expiry_ns`` is kept at hand because every row of a tape looks at it.
    """

    __slots__ = ("_by_reqid", "_by_venue_id", "_ended", "_expiring", "ended_max", "live", "next_expiry_ns")

    def __init__(self, ended_max: int) -> None:
        self.ended_max = ended_max
        self.live = 0
        self.next_expiry_ns = NEVER
        self._by_reqid: dict[int | str, PaperOrder] = {}
        self._by_venue_id: dict[str, PaperOrder] = {}
        self._ended: deque[PaperOrder] = deque()
        self._expiring: SortedDict[tuple[int, int], PaperOrder] = SortedDict()

    def add(self, order: PaperOrder) -> None:
        """A new order, by its own reqid."""
        self._by_reqid[order.reqid] = order
        self.live += 1

    def name(self, order: PaperOrder, venue_id: str) -> None:
        """The venue gives *order* its id."""
        order.venue_id = venue_id
        self._by_venue_id[venue_id] = order

    def join(self, order: PaperOrder, reqid: int | str) -> None:
        """A further request of *order*'s chain."""
        order.reqids.append(reqid)
        self._by_reqid[reqid] = order

    def named(self, reqid: int | str) -> PaperOrder | None:
        """The order in whose chain *reqid* was used."""
        return self._by_reqid.get(reqid)

    def called(self, venue_id: str) -> PaperOrder:
        """The order that has this id; there is one."""
        return self._by_venue_id[venue_id]

    def find(self, request: BrokerdCancel | BrokerdEdit | BrokerdQuery) -> PaperOrder | None:
        """The order that *request* is about, on the same account only."""
        order = self._by_reqid.get(request.target)
        if order is None and request.venue_id is not None:
            order = self._by_venue_id.get(request.venue_id)
        return order if order is not None and order.account == request.account else None

    def end(self, order: PaperOrder, standing: Standing) -> None:
        """*order* is over; the one that ended longest ago may be forgotten for it."""
        order.standing = standing
        self.live -= 1
        self._ended.append(order)
        if len(self._ended) > self.ended_max:
            oldest = self._ended.popleft()
            for reqid in oldest.reqids:
                del self._by_reqid[reqid]
            if oldest.venue_id is not None:
                del self._by_venue_id[oldest.venue_id]

    def living(self) -> list[PaperOrder]:
        """Those that have not ended, the first first."""
        return [order for order in self._by_venue_id.values() if order.standing == "open"]

    def watch(self, order: PaperOrder) -> None:
        """*order* rests: it may expire. Of several at one time the one with time priority goes first."""
        if order.expire_ns is not None:
            self._expiring[order.expire_ns, order.rank] = order
            self.next_expiry_ns = self._expiring.peekitem(0)[0][0]

    def unwatch(self, order: PaperOrder) -> None:
        """*order* rests no more."""
        if order.expire_ns is not None:
            del self._expiring[order.expire_ns, order.rank]
            self.next_expiry_ns = self._expiring.peekitem(0)[0][0] if self._expiring else NEVER

    def first_to_expire(self) -> PaperOrder:
        """The order that expires at ``next_expiry_ns``."""
        return self._expiring.peekitem(0)[1]
