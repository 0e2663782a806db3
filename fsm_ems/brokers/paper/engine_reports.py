"""The reports of the paper venue, made from its orders as they stand."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

from fsm_ems.brokers.paper.engine_orders import PaperOrder
from fsm_ems.brokers.paper.engine_rules import fee
from fsm_ems.market import Market
from fsm_ems.messages import (
    BrokerdCancel,
    BrokerdEdit,
    BrokerdFill,
    BrokerdOrder,
    BrokerdOrderAck,
    BrokerdQuery,
    BrokerdRefused,
    BrokerdReplaced,
    BrokerdStatus,
    Liquidity,
    OrderDetails,
)

Code = Literal["too_late", "unknown_order", "duplicate", "other"]


def ack(order: PaperOrder, venue_id: str, time_ns: int) -> BrokerdOrderAck:
    """The order has arrived and has this id."""
    return BrokerdOrderAck(reqid=order.reqid, venue_id=venue_id, account=order.account, time_ns=time_ns)


def status(order: PaperOrder, text: str | None, time_ns: int) -> BrokerdStatus:
    """How the order stands."""
    return BrokerdStatus(
        reqid=order.reqid,
        venue_id=order.venue_id,
        account=order.account,
        time_ns=time_ns,
        status=order.standing,
        cum=order.cum,
        text=text,
    )


def fill(
    order: PaperOrder,
    market: Market,
    size: Decimal,
    price: Decimal,
    liquidity: Liquidity,
    exec_id: str,
    time_ns: int,
) -> BrokerdFill:
    """An execution that the order's ``cum`` holds already."""
    bps = market.maker_bps if liquidity == "maker" else market.taker_bps
    return BrokerdFill(
        reqid=order.reqid,
        venue_id=order.venue_id,
        account=order.account,
        time_ns=time_ns,
        exec_id=exec_id,
        size=size,
        price=price,
        fee=fee(size, price, bps),
        fee_asset=market.quote,
        liquidity=liquidity,
        cum=order.cum,
    )


def replaced(order: PaperOrder, time_ns: int) -> BrokerdReplaced:
    """The edit that the order's ``reqid`` names is in force."""
    return BrokerdReplaced(
        reqid=order.reqid,
        venue_id=order.venue_id,
        account=order.account,
        time_ns=time_ns,
        size=order.size,
        price=order.price,
    )


def copy_refused(request: BrokerdOrder, known: PaperOrder, time_ns: int) -> BrokerdRefused:
    """A second copy of an order, or an order under a reqid that was used."""
    return BrokerdRefused(
        reqid=request.reqid,
        target=known.reqid,
        account=request.account,
        time_ns=time_ns,
        request="submit",
        code="duplicate",
        text="this reqid was used before",
    )


def refused(request: BrokerdCancel | BrokerdEdit, code: Code, text: str, time_ns: int) -> BrokerdRefused:
    """The cancel or edit is refused; its order is as it was."""
    return BrokerdRefused(
        reqid=request.reqid,
        target=request.target,
        venue_id=request.venue_id,
        account=request.account,
        time_ns=time_ns,
        request="cancel" if isinstance(request, BrokerdCancel) else "edit",
        code=code,
        text=text,
    )


def snapshot(query: BrokerdQuery, order: PaperOrder | None, time_ns: int) -> BrokerdStatus:
    """What is known of the order that *query* asks for; None: nothing."""
    details = None
    if order is not None:
        details = OrderDetails(
            market=order.market, side=order.side, size=order.size, price=order.price, type=order.type
        )
    return BrokerdStatus(
        reqid=query.target,
        venue_id=query.venue_id if order is None else order.venue_id,
        account=query.account,
        time_ns=time_ns,
        status="absent" if order is None else order.standing,
        cum=None if order is None else order.cum,
        snapshot=True,
        query=query.reqid,
        details=details,
    )
