"""Reports as small values: what is under way in a search, and the message each becomes on arrival."""

from __future__ import annotations

from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple

from fsm_ems.messages import (
    BrokerdBust,
    BrokerdFill,
    BrokerdOrderAck,
    BrokerdReplaced,
    OrderDetails,
    Report,
    parse_report,
)
from fsm_ems.testing.scene import MARKET


class Letter(NamedTuple):
    """A report under way. *kind* is a status, or the name of another report."""

    kind: str
    reqid: int | str | None
    exec_id: str = ""
    cum: Decimal | None = None
    code: str = "other"
    query: int | str | None = None
    size: Decimal | None = None
    price: Decimal | None = None


@lru_cache(maxsize=200_000)
def report_of(letter: Letter) -> Report:
    """The message that *letter* becomes."""
    kind, reqid = letter.kind, letter.reqid
    if reqid is None:
        raise AssertionError(f"nobody can tell what {letter} is about")
    if kind == "ack":
        return BrokerdOrderAck(reqid=reqid, venue_id="V1")
    if kind == "fill":
        return BrokerdFill(reqid=reqid, exec_id=letter.exec_id, size=Decimal(1), price=Decimal(5), cum=letter.cum)
    if kind == "bust":
        return BrokerdBust(reqid=reqid, exec_id=f"b{letter.exec_id}", ref_id=letter.exec_id)
    if kind == "replaced":
        return BrokerdReplaced(reqid=reqid)
    if kind in ("duplicate", "cancel refused", "edit refused"):
        request = "submit" if kind == "duplicate" else kind.removesuffix(" refused")
        code = "duplicate" if kind == "duplicate" else letter.code
        return parse_report({"name": "brokerd_refused", "request": request, "reqid": reqid, "code": code})
    terms = None
    if letter.size is not None:
        terms = OrderDetails(market=MARKET, side="buy", size=letter.size, price=letter.price)
    return parse_report(
        {
            "name": "brokerd_status",
            "reqid": reqid,
            "status": kind,
            "cum": letter.cum,
            "snapshot": letter.query is not None,
            "query": letter.query,
            "details": terms,
        }
    )
