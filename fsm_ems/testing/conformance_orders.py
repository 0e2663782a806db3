"""An order as the venue behind an adapter has it, and the reports that tell of it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, Literal, cast

from fsm_ems.messages import (
    BrokerdBust,
    BrokerdCancel,
    BrokerdCorrection,
    BrokerdEdit,
    BrokerdFill,
    BrokerdOrder,
    BrokerdOrderAck,
    BrokerdQuery,
    BrokerdRefused,
    BrokerdReplaced,
    BrokerdRestated,
    BrokerdStatus,
    OrderDetails,
)

Reqid = int | str
Standing = Literal["pending_new", "open", "filled", "cancelled", "rejected", "expired"]
Code = Literal["too_late", "unknown_order", "pending", "duplicate", "other"]

MOVES = frozenset({"open", "filled", "cancelled", "rejected", "expired"})
"""Statuses that say where an order stands from then on; the others pass."""
_LIVES = frozenset({"pending_new", "open"})


@dataclass
class VenueOrder:
    """One order. *arrived*: the venue has taken it up; before that nobody can ask it about the order.

    *chain* are the requests that are in force or were, *said* what it last answered about the order.
    """

    request: BrokerdOrder
    chain: list[Reqid]
    size: Decimal
    price: Decimal | None
    venue_id: str | None = None
    cum: Decimal = Decimal(0)
    standing: Standing = "pending_new"
    arrived: bool = False
    executions: list[BrokerdFill] = field(default_factory=list[BrokerdFill])
    said: BrokerdStatus | None = None

    @property
    def lives(self) -> bool:
        """Whether it can still be cancelled or changed."""
        return self.standing in _LIVES

    @property
    def left(self) -> Decimal:
        """What can still trade."""
        return self.size - self.cum

    def named(self, time_ns: int, reqid: Reqid | None = None) -> dict[str, Any]:
        """What every report about it begins with; *reqid* is the one in force where it is None."""
        return {
            "reqid": self.chain[-1] if reqid is None else reqid,
            "venue_id": self.venue_id,
            "account": self.request.account,
            "time_ns": time_ns,
        }

    # ── what is said of it ──────────────────────────────────────────────────────────────────────────

    def ack(self, time_ns: int) -> BrokerdOrderAck:
        """The venue has it."""
        return BrokerdOrderAck(**self.named(time_ns, self.chain[0]))

    def status(self, status: str, time_ns: int) -> BrokerdStatus:
        """It stands there now."""
        if status in MOVES:
            self.standing = cast("Standing", status)
        return BrokerdStatus(**self.named(time_ns), status=cast("Any", status), cum=self.cum)

    def replaced(self, edit: BrokerdEdit, time_ns: int) -> BrokerdReplaced:
        """The terms of *edit* are in force."""
        price = self.price if edit.price is None else edit.price
        told = BrokerdReplaced(**self.named(time_ns, edit.reqid), size=edit.size, price=price)
        self.take_terms(told)
        return told

    def take_terms(self, told: BrokerdReplaced) -> None:
        """Another request is in force, with its terms."""
        self.chain.append(told.reqid)
        self.size = self.size if told.size is None else told.size
        self.price = self.price if told.price is None else told.price
        self.standing = "open" if self.left > 0 else "filled"

    def restated(self, price: Decimal, time_ns: int) -> BrokerdRestated:
        """The venue changed its price."""
        self.price = price
        return BrokerdRestated(**self.named(time_ns), size=self.size, price=price)

    def take_restated(self, told: BrokerdRestated) -> None:
        """The venue changed its terms; a split changes them all alike."""
        split = told.split or Decimal(1)
        self.size = self.size * split if told.size is None else told.size
        self.cum = self.cum * split if told.cum is None else told.cum
        if told.price is not None:
            self.price = told.price
        elif self.price is not None:
            self.price /= split

    def book(self, fill: BrokerdFill) -> None:
        """It traded."""
        self.cum += fill.size
        self.executions.append(fill)
        if not self.left > 0:
            self.standing = "filled"

    def bust(self, old: BrokerdFill, time_ns: int) -> BrokerdBust:
        """Its execution *old* is undone."""
        self.executions.remove(old)
        self.cum -= old.size
        return BrokerdBust(**self.named(time_ns), exec_id=f"{old.exec_id}b", ref_id=old.exec_id)

    def correct(self, old: BrokerdFill, new: BrokerdFill) -> BrokerdCorrection:
        """Its execution *old* was in truth *new*."""
        self.executions[self.executions.index(old)] = new
        return BrokerdCorrection(
            **self.named(new.time_ns),
            exec_id=new.exec_id,
            ref_id=old.exec_id,
            size=new.size,
            price=new.price,
            fee=new.fee,
            fee_asset=new.fee_asset,
            liquidity=new.liquidity,
        )

    def as_it_stands(self, query: Reqid, time_ns: int) -> BrokerdStatus:
        """The answer to the question *query*."""
        asked = self.request
        return BrokerdStatus(
            **self.named(time_ns),
            status=self.standing,
            cum=self.cum,
            snapshot=True,
            query=query,
            details=OrderDetails(
                market=asked.market, side=asked.side, size=self.size, price=self.price, type=asked.type
            ),
        )

    def answer(self, query: BrokerdQuery, time_ns: int, *, is_stale: bool) -> BrokerdStatus:
        """The same; a stale one is what was said to the last question, where there was one."""
        now = replace(self.as_it_stands(query.reqid, time_ns), reqid=query.target)
        before, self.said = self.said, now
        return (
            now if before is None or not is_stale else replace(before, reqid=query.target, query=query.reqid)
        )


def absent(query: BrokerdQuery, time_ns: int) -> BrokerdStatus:
    """The answer about an order that the venue does not know."""
    return BrokerdStatus(
        reqid=query.target,
        venue_id=query.venue_id,
        account=query.account,
        time_ns=time_ns,
        status="absent",
        snapshot=True,
        query=query.reqid,
    )


def duplicate(order: VenueOrder, time_ns: int) -> BrokerdRefused:
    """The refusal of a second copy of *order*, which lives."""
    named = order.named(time_ns, order.request.reqid)
    return BrokerdRefused(**named, target=order.request.reqid, request="submit", code="duplicate")


def refusal(request: BrokerdCancel | BrokerdEdit, code: Code, time_ns: int) -> BrokerdRefused:
    """The venue does not do what *request* asks."""
    return BrokerdRefused(
        reqid=request.reqid,
        target=request.target,
        venue_id=request.venue_id,
        account=request.account,
        time_ns=time_ns,
        request="cancel" if isinstance(request, BrokerdCancel) else "edit",
        code=code,
    )
