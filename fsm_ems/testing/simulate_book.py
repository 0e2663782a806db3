"""The book of a simulated venue: the oracle's truth.

It is kept at the venue's door, from what goes in and what comes out, and shares no code with the EMS: no
table, no decision, no fold of records.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import NamedTuple

from fsm_ems.messages import (
    BrokerdFill,
    BrokerdOrder,
    BrokerdOrderAck,
    BrokerdRefused,
    BrokerdReplaced,
    BrokerdStatus,
    OrderDetails,
    OrderType,
    Side,
    VenueReport,
)

ZERO = Decimal(0)
STRANGER = "x-"
"""The ids of requests that are not the EMS's begin with it."""


class Executed(NamedTuple):
    """One execution as it counts."""

    size: Decimal
    price: Decimal


class EndsAs(NamedTuple):
    """An order that the venue ends of its own accord: as what it is told, and what that comes to."""

    told: str
    standing: str


class VenueOrder:
    """An order that the venue has accepted. *raw* is what traded, *live* what was not undone.

    *amended*: one of its executions was busted or corrected. *external*: no EMS of ours has placed it.
    *own* is the last request of the EMS's that named it. *costs_told*: the venue said that its costs are
    worked out. *ends_as* tells an end that is called otherwise than the engine calls it.
    """

    __slots__ = (
        "account", "amended", "costs_told", "ends_as", "external", "live", "market", "own",
        "price", "raw", "reqid", "side", "since_ns", "size", "standing", "type", "venue_id",
    )  # fmt: skip  # one name a line says no more

    def __init__(self, venue_id: str, request: BrokerdOrder) -> None:
        self.venue_id = venue_id
        self.reqid = request.reqid
        self.account = request.account
        self.market = request.market
        self.side: Side = request.side
        self.size = request.size
        self.price = request.price
        self.type: OrderType = request.type
        self.standing = "open"
        self.since_ns = request.time_ns
        self.live: dict[str, Executed] = {}
        self.raw = ZERO
        self.amended = self.costs_told = False
        self.external = is_strange(request.reqid)
        self.own = None if self.external else request.reqid
        self.ends_as: EndsAs | None = None

    @property
    def filled(self) -> Decimal:
        """What traded and was not undone."""
        return sum((execution.size for execution in self.live.values()), ZERO)

    @property
    def details(self) -> OrderDetails:
        """Its terms in force, as a report tells them."""
        return OrderDetails(
            market=self.market, side=self.side, size=self.size, price=self.price, type=self.type
        )


class VenueBook:
    """What is true at the venue *broker*. *accepted* is called with each order that the venue takes."""

    def __init__(self, broker: str, accepted: Callable[[str, VenueOrder, BrokerdOrder], None]) -> None:
        self.broker = broker
        self._accepted = accepted
        self._asked: dict[int | str, BrokerdOrder] = {}
        self.orders: dict[str, VenueOrder] = {}
        self.by_reqid: dict[int | str, VenueOrder] = {}
        self.of_execution: dict[str, VenueOrder] = {}
        self.made: dict[str, Executed] = {}
        self.refused: set[int | str] = set()

    def asked(self, request: BrokerdOrder) -> None:
        """An order is at the door."""
        self._asked.setdefault(request.reqid, request)

    def told(self, report: VenueReport) -> None:
        """The engine says something."""
        if isinstance(report, BrokerdOrderAck):
            request = self._asked[report.reqid]
            order = VenueOrder(report.venue_id, request)
            self.orders[report.venue_id] = self.by_reqid[report.reqid] = order
            self._accepted(self.broker, order, request)
        elif isinstance(report, BrokerdFill):
            order = self._of(report)
            self.execute(order, report.exec_id, Executed(report.size, report.price))
            order.raw += report.size
            self._settle(order)
        elif isinstance(report, BrokerdReplaced):
            order = self._of(report)
            order.reqid, order.size = report.reqid, report.size or order.size
            order.price = report.price
            if not is_strange(report.reqid):
                order.own = report.reqid
            self.by_reqid[report.reqid] = order
            self._settle(order)
        elif isinstance(report, BrokerdRefused):
            self.refused.add(report.reqid)
        elif isinstance(report, BrokerdStatus) and report.venue_id is not None and not report.snapshot:
            order = self._of(report)
            ends_as = order.ends_as if report.status == "cancelled" else None  # its date may have come before
            order.standing = report.status if ends_as is None else ends_as.standing

    def execute(self, order: VenueOrder, exec_id: str, executed: Executed) -> None:
        """That much of *order* has traded, or is put in the place of what had."""
        order.live[exec_id] = self.made[exec_id] = executed
        self.of_execution[exec_id] = order

    def _of(self, report: BrokerdFill | BrokerdReplaced | BrokerdStatus) -> VenueOrder:
        assert report.venue_id is not None, "the engine names what it has accepted"
        return self.orders[report.venue_id]

    @staticmethod
    def _settle(order: VenueOrder) -> None:
        if order.standing == "open" and order.raw >= order.size:
            order.standing = "filled"

    def live(self) -> Iterator[tuple[VenueOrder, str]]:
        """Every execution that counts, and its order."""
        for exec_id, order in self.of_execution.items():
            if exec_id in order.live:
                yield order, exec_id

    def positions(self) -> dict[tuple[str, str], Decimal]:
        """What each account holds in each market: the sum of the executions that count."""
        sums: dict[tuple[str, str], Decimal] = {}
        for order in self.orders.values():
            key, size = (order.account, order.market), order.filled
            sums[key] = sums.get(key, ZERO) + (size if order.side == "buy" else -size)
        return sums


def is_strange(reqid: int | str) -> bool:
    """Whether somebody else than the EMS has made this request."""
    return isinstance(reqid, str) and reqid.startswith(STRANGER)
