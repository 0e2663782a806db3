"""Reports as small values: what is under way in a search, and the message each becomes on arrival."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from functools import lru_cache
from typing import Any, NamedTuple

from fsm_ems.messages import (
    BrokerdBust,
    BrokerdCorrection,
    BrokerdError,
    BrokerdFill,
    BrokerdHistory,
    BrokerdOrderAck,
    BrokerdReplaced,
    BrokerdRestated,
    BrokerdStatus,
    OrderDetails,
    PositionReport,
    Report,
    VenueReport,
    parse_report,
)

BROKER = "venue"
MARKET = f"btcusd.{BROKER}"
PRICE = Decimal(5)


class Letter(NamedTuple):
    """A report under way. *kind* is a status, or the name of another report.

    *detailed*: *size* and *price* describe the order as it stands. A history tells the executions *execs* of
    *order*, and that it is open where it has a size.
    """

    kind: str
    reqid: int | str | None = None
    exec_id: str = ""
    ref_id: str = ""
    cum: Decimal | None = None
    size: Decimal | None = None
    price: Decimal | None = None
    detailed: bool = False
    query: int | str | None = None
    code: str = "other"
    resumes: bool = False
    split: Decimal | None = None
    venue_id: str | None = None
    order: int | str | None = None
    execs: tuple[str, ...] = ()


def _details(letter: Letter) -> OrderDetails | None:
    if not letter.detailed or letter.size is None:
        return None
    return OrderDetails(market=MARKET, side="buy", size=letter.size, price=letter.price)


def _ack(letter: Letter, head: dict[str, Any]) -> Report:
    fields: dict[str, Any] = {"venue_id": "V1", **head}
    return BrokerdOrderAck(**fields)


def _fill(letter: Letter, head: dict[str, Any]) -> BrokerdFill:
    size = Decimal(1) if letter.size is None or letter.detailed else letter.size
    details = _details(letter)
    return BrokerdFill(
        **head, exec_id=letter.exec_id, size=size, price=PRICE, cum=letter.cum, details=details
    )


def _correction(letter: Letter, head: dict[str, Any]) -> Report:
    size = Decimal(1) if letter.size is None else letter.size
    return BrokerdCorrection(**head, exec_id=letter.exec_id, ref_id=letter.ref_id, size=size, price=PRICE)


def about_order(fields: dict[str, Any]) -> Report:
    """The report that *fields* make, which is about an order."""
    report = parse_report(fields)
    assert not isinstance(report, PositionReport | BrokerdHistory), "it is about no order"
    return report


def _refusal(request: str) -> Callable[[Letter, dict[str, Any]], Report]:
    def refusal(letter: Letter, head: dict[str, Any]) -> Report:
        fields = {"name": "brokerd_refused", "request": request, "code": letter.code, **head}
        return about_order(fields)

    return refusal


def _status(letter: Letter, head: dict[str, Any]) -> BrokerdStatus:
    status = about_order(
        {
            "name": "brokerd_status",
            "status": letter.kind,
            "cum": letter.cum,
            "snapshot": letter.query is not None,
            "query": letter.query,
            "resumes": letter.resumes,
            "details": _details(letter),
            **head,
        }
    )
    assert isinstance(status, BrokerdStatus)
    return status


def _history(letter: Letter, head: dict[str, Any]) -> BrokerdHistory:
    """All that the venue has of one order."""
    about = {"reqid": letter.order}
    stands = letter._replace(kind="open", detailed=True, query=letter.reqid)
    orders = () if letter.size is None else (_status(stands, about),)
    fills = tuple(_fill(Letter("fill", exec_id=exec_id), about) for exec_id in letter.execs)
    return BrokerdHistory(**head, orders=orders, fills=fills)


_MAKERS: dict[str, Callable[[Letter, dict[str, Any]], VenueReport]] = {
    "ack": _ack,
    "fill": _fill,
    "bust": lambda letter, head: BrokerdBust(**head, exec_id=f"b{letter.ref_id}", ref_id=letter.ref_id),
    "correction": _correction,
    "replaced": lambda letter, head: BrokerdReplaced(**head, size=letter.size, price=letter.price),
    "restated": lambda letter, head: BrokerdRestated(
        **head, size=letter.size, price=letter.price, cum=letter.cum, split=letter.split
    ),
    "history": _history,
    "error": lambda letter, head: BrokerdError(**head),
    "submit refused": _refusal("submit"),
    "cancel refused": _refusal("cancel"),
    "edit refused": _refusal("edit"),
}


@lru_cache(maxsize=500_000)
def report_of(letter: Letter) -> VenueReport:
    """The message that *letter* becomes."""
    head: dict[str, Any] = {}
    if letter.reqid is not None:
        head["reqid"] = letter.reqid
    if letter.venue_id is not None:
        head["venue_id"] = letter.venue_id
    return _MAKERS.get(letter.kind, _status)(letter, head)
