"""Hypothesis strategies for what clients and brokers say. Small numbers, so that totals meet sizes often."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from fsm_ems.dialogs.facts import ACKED, Dialog
from fsm_ems.messages import Edit, Order, Report, TimeInForce
from fsm_ems.quotes import Quote, Row, Trade
from fsm_ems.testing.letters import about_order

REPORT_KINDS = (
    "ack", "open", "fill", "fill", "fill", "bust", "correction", "pending_cancel", "cancelled", "rejected",
    "expired", "filled", "pending_edit", "replaced", "cancel refused", "edit refused", "submit refused",
    "restated", "stopped", "suspended", "done_for_day", "calculated", "bidding", "error",
    "absent",
)  # fmt: skip  # one name a line says no more
"""What :func:`reports` draws from: statuses by their name, and the other reports."""


def sizes(largest: int = 4) -> st.SearchStrategy[Decimal]:
    """Whole sizes from 1 to *largest*."""
    return st.integers(1, largest).map(Decimal)


def prices() -> st.SearchStrategy[Decimal]:
    """A handful of prices around 100."""
    return st.integers(98, 102).map(Decimal)


@st.composite
def orders(draw: st.DrawFn, oid: str, market: str, now_ns: int) -> Order:
    """An acceptable order: live or dark, limit or market, of any time in force, or an alert."""
    kind = draw(st.sampled_from(("limit", "limit", "limit", "market", "dark", "dark", "alert")))
    fields: dict[str, Any] = {"oid": oid, "market": market}
    if kind == "alert":
        fields["direction"] = draw(st.sampled_from(("at_or_above", "at_or_below", None)))
        return Order(side="alert", price=draw(prices()), **fields)
    fields |= {"side": draw(st.sampled_from(("buy", "sell"))), "size": draw(sizes())}
    fields["if_absent"] = draw(st.sampled_from(("reject", "resend")))
    if kind == "market":
        return Order(type="market", tif=draw(st.sampled_from(("gtc", "ioc", "fok"))), **fields)
    often: tuple[TimeInForce, ...] = ("gtc", "gtc", "ioc", "fok", "gtd")
    tif = draw(st.sampled_from(often))
    if tif == "gtd":
        fields["expire_ns"] = now_ns + draw(st.integers(1, 30)) * 1_000_000_000
    if kind == "dark":
        fields |= draw(triggers())
    fields.setdefault("price", draw(prices()))
    return Order(tif=tif, **fields)


@st.composite
def triggers(draw: st.DrawFn) -> dict[str, Any]:
    """What makes an order dark: what triggers it, from which side, and how it goes out then."""
    trigger = draw(st.sampled_from(("price", "stop", "touch", "trail")))
    fields: dict[str, Any] = {"mode": "dark", "trigger": trigger}
    if trigger == "price":
        fields["direction"] = draw(st.sampled_from(("at_or_above", "at_or_below", None)))
    if trigger == "trail":
        fields["trail"] = draw(sizes(3))
        if draw(st.booleans()):
            fields["price"] = None
    if draw(st.booleans()):
        fields["type"] = "market"
    else:
        fields["limit_ticks"] = draw(st.none() | st.integers(0, 120))
    return fields


@st.composite
def rows(draw: st.DrawFn, now_ns: int) -> Row:
    """A quote or a print around 100: some crossed or zero, some old or dated ahead, and out of order."""
    age = draw(st.sampled_from((0, 0, 0, 1, 4_000_000_000, 6_000_000_000, -3_000_000_000)))
    time_ns = max(now_ns - age, 0)
    if draw(st.booleans()):
        return Trade(time_ns, draw(prices()), Decimal(1), "", "")
    bid, ask = draw(prices()), draw(prices() | st.just(Decimal(0)))
    return Quote(time_ns, bid, draw(st.sampled_from((Decimal(1), Decimal(1), Decimal(0)))), ask, Decimal(1))


@st.composite
def edits(draw: st.DrawFn, oid: str, edit_id: str) -> Edit:
    """New terms: a size, a price or both."""
    size = draw(st.none() | sizes(6))
    price = draw(prices() if size is None else st.none() | prices())
    return Edit(oid=oid, edit_id=edit_id, size=size, price=price)


def answers(dialog: Dialog, exec_id: str) -> st.SearchStrategy[Report]:
    """What a venue that does what it is asked says next of *dialog*, which it was sent.

    It acknowledges and opens it, fills a part under *exec_id*, and does what requests and questions ask.
    """
    about = {"reqid": dialog.reqid, "venue_id": f"V-{dialog.reqid}"}
    status: dict[str, Any] = {"name": "brokerd_status", **about, "cum": dialog.filled}
    said = [status | {"status": "open"} if dialog.flags & ACKED else {"name": "brokerd_ack", **about}]
    if dialog.asked:
        said.append(status | {"status": "open", "snapshot": True, "query": dialog.asked})
    if dialog.leaves:
        price = Decimal(100) if dialog.price is None else dialog.price
        fill = {"name": "brokerd_fill", **about, "exec_id": exec_id, "size": Decimal(1), "price": price}
        said.append(fill)
    if (edit := dialog.out_edit) is not None:
        said.append({"name": "brokerd_replaced", **about, "reqid": edit.reqid})
    if dialog.cancel is not None and dialog.cancel.out:
        said.append(status | {"status": "cancelled"})
    return st.sampled_from(said).map(about_order)


@st.composite
def reports(
    draw: st.DrawFn, reqids: Sequence[int | str], exec_ids: Sequence[str], queries: Sequence[int | str]
) -> Report:
    """Any report about one of *reqids*: true, false, doubled, late or out of order.

    Executions are drawn from *exec_ids*, so that some come twice; *queries* are the questions asked.
    """
    kind = draw(st.sampled_from(REPORT_KINDS))
    reqid = draw(st.sampled_from(list(reqids)))
    fields: dict[str, Any] = {"reqid": reqid}
    if draw(st.booleans()):
        fields["venue_id"] = f"V-{reqid}"
    if kind == "ack":
        fields |= {"name": "brokerd_ack", "venue_id": f"V-{reqid}"}
    elif kind == "fill":
        fields |= {"name": "brokerd_fill", "exec_id": draw(st.sampled_from(list(exec_ids)))}
        fields |= {"size": draw(sizes(2)), "price": draw(prices())}
    elif kind == "bust":
        ref = draw(st.sampled_from(list(exec_ids)))
        fields |= {"name": "brokerd_bust", "exec_id": f"bust-{ref}", "ref_id": ref}
    elif kind == "correction":
        ref = draw(st.sampled_from(list(exec_ids)))
        fields |= {"name": "brokerd_correction", "exec_id": f"{ref}c", "ref_id": ref}
        fields |= {"size": draw(sizes(2)), "price": draw(prices())}
    elif kind in ("replaced", "error", "restated"):
        fields["name"] = f"brokerd_{kind}"
        if kind != "error":
            fields |= {"size": draw(sizes(6)), "price": draw(prices())}
    elif kind.endswith("refused"):
        code = draw(st.sampled_from(("too_late", "unknown_order", "other")))
        fields |= {"name": "brokerd_refused", "request": kind.split()[0], "code": code}
    else:
        fields |= {"name": "brokerd_status", "status": kind, "resumes": draw(st.booleans())}
        asked = draw(st.none() | st.sampled_from(list(queries))) if queries else None
        if asked is not None or kind == "absent":
            fields |= {"snapshot": True, "query": asked}
    return about_order(fields)
