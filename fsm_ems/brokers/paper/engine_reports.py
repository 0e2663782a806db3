"""The reports of the paper venue, made from its orders as they stand."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Literal

from fsm_ems.brokers.paper.engine_facts import Executed
from fsm_ems.brokers.paper.engine_orders import PaperOrder
from fsm_ems.messages import (
    BrokerdCancel,
    BrokerdEdit,
    BrokerdFill,
    BrokerdHistory,
    BrokerdHistoryQuery,
    BrokerdOrder,
    BrokerdOrderAck,
    BrokerdQuery,
    BrokerdRefused,
    BrokerdReplaced,
    BrokerdStatus,
    OrderDetails,
)

PAGE = 1_000
"""How many orders and executions one page of a history holds at most."""

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


def fill(order: PaperOrder, fact: Executed) -> BrokerdFill:
    """An execution that the order's ``cum`` holds already."""
    return BrokerdFill(
        reqid=order.reqid,
        venue_id=order.venue_id,
        account=order.account,
        time_ns=fact.time_ns,
        exec_id=fact.exec_id,
        size=fact.size,
        price=fact.price,
        fee=fact.fee,
        fee_asset=fact.fee_asset,
        liquidity=fact.liquidity,
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
    if order is not None:
        return replace(_as_it_stands(order, query.reqid, time_ns), reqid=query.target)
    return BrokerdStatus(
        reqid=query.target,
        venue_id=query.venue_id,
        account=query.account,
        time_ns=time_ns,
        status="absent",
        snapshot=True,
        query=query.reqid,
    )


def _as_it_stands(order: PaperOrder, query: int | str, time_ns: int) -> BrokerdStatus:
    return replace(
        status(order, None, time_ns),
        snapshot=True,
        query=query,
        details=OrderDetails(
            market=order.market, side=order.side, size=order.size, price=order.price, type=order.type
        ),
    )


def history(
    query: BrokerdHistoryQuery, living: Sequence[PaperOrder], executions: Iterable[BrokerdFill], time_ns: int
) -> list[BrokerdHistory]:
    """Every living order, and of *executions* those since the time that *query* names, in pages."""
    orders = [_as_it_stands(order, query.reqid, time_ns) for order in living]
    fills = [fill for fill in executions if fill.time_ns >= query.since_ns]
    starts = range(0, max(len(orders), len(fills), 1), PAGE)
    return [
        BrokerdHistory(
            reqid=query.reqid,
            time_ns=time_ns,
            orders=tuple(orders[start : start + PAGE]),
            fills=tuple(fills[start : start + PAGE]),
            last=start == starts[-1],
        )
        for start in starts
    ]
