"""What a FIX row is in our words: an execution report or a cancel reject as broker reports.

One row may bundle several events (FIX 5.0 SP2 volume 7): its ExecType says what happened, its OrdStatus
where the order is after it.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Literal, NamedTuple

from fsm_ems.dialogs.facts import EXACT, PRECISE
from fsm_ems.messages import (
    BrokerdBust,
    BrokerdCorrection,
    BrokerdError,
    BrokerdFill,
    BrokerdOrderAck,
    BrokerdRefused,
    BrokerdReplaced,
    BrokerdRestated,
    BrokerdStatus,
    OrderDetails,
    Report,
)
from fsm_ems.numbers import PLACES_MAX, fits
from fsm_ems.testing.matrix_file import Step

_Standing = Literal[
    "pending_new", "bidding", "open", "pending_cancel", "pending_edit", "stopped", "suspended",
    "done_for_day", "calculated", "filled", "cancelled", "rejected", "expired", "absent",
]  # fmt: skip  # one name a line says no more

_STANDINGS: dict[str, _Standing] = {
    "pendingnew": "pending_new",
    "acceptedforbidding": "bidding",
    "new": "open",
    "partiallyfilled": "open",
    "filled": "filled",
    "pendingcancel": "pending_cancel",
    "pendingreplace": "pending_edit",
    "stopped": "stopped",
    "suspended": "suspended",
    "calculated": "calculated",
    "doneforday": "done_for_day",
    "canceled": "cancelled",
    "expired": "expired",
    "rejected": "rejected",
}
_ENDS = ("canceled", "expired")
_CODES: dict[str, Literal["too_late", "unknown_order", "pending", "duplicate"]] = {
    "0": "too_late",
    "1": "unknown_order",
    "3": "pending",
    "6": "duplicate",
}
_UNKNOWN_ORDER = "5"
_BID = "acceptedforbidding"
_CORPORATE_ACTION = "0"
_FINEST = Decimal(1).scaleb(-PLACES_MAX)


class Subject(NamedTuple):
    """What a row is about, beyond what it prints.

    *reqid* is the request that the row's client id stands for, *edits* whether that was an edit. *filled*,
    *size* and *price_in_force* are the order's right now, *newest* its newest execution. *asked* is our
    open question, *doubt* whether its outcome is unproven. *price* stands where FIX prints none. *notional*
    is that of the executions so far, None of one that was told before.
    """

    reqid: int | str | None
    venue_id: str | None
    edits: bool
    resumes: bool
    exec_id: str
    filled: Decimal
    size: Decimal | None
    newest: str | None
    notional: Decimal | None
    asked: int | str | None
    doubt: bool
    market: str
    price: Decimal
    price_in_force: Decimal | None


def reports(step: Step, subject: Subject) -> list[Report]:
    """The reports that *step* stands for; none where it tells nothing that we have a word for."""
    if step.msg == "ordercancelreject":
        return [_refused(step, subject)]
    if step.msg == "executionreport":
        return _KINDS.get(step.exec_type, _snapshot)(step, subject)
    if step.msg in ("businessmessagereject", "reject") and subject.reqid is not None:
        return [BrokerdError(reqid=subject.reqid, venue_id=subject.venue_id)]
    return []


def _status(step: Step, subject: Subject, standing: _Standing, *, snapshot: bool = False) -> BrokerdStatus:
    return BrokerdStatus(
        reqid=subject.reqid,
        venue_id=subject.venue_id,
        status=standing,
        cum=_missed(step, subject),
        snapshot=snapshot,
        query=subject.asked if snapshot else None,
        resumes=standing == "done_for_day" and subject.resumes,
        details=_details(step, subject),
    )


def _missed(step: Step, subject: Subject) -> Decimal | None:
    """The cumulative size a row prints, where executions may have been missed. Else ours must come to it."""
    return step.cum_qty if step.gap or subject.doubt else None


def _details(step: Step, subject: Subject) -> OrderDetails | None:
    """What an order that nobody sent from here is, and the terms in force where we asked for them."""
    if (subject.reqid is not None and subject.asked is None) or not step.order_qty:
        return None
    price = subject.price_in_force or subject.price
    return OrderDetails(market=subject.market, side="buy", size=step.order_qty, price=price)


def _fills(step: Step, subject: Subject) -> list[Report]:
    size = (step.cum_qty or Decimal(0)) - subject.filled if step.last_qty is None else step.last_qty
    if size <= 0:
        return []
    return [
        BrokerdFill(
            reqid=subject.reqid,
            venue_id=subject.venue_id,
            exec_id=subject.exec_id,
            size=size,
            price=_traded_at(step, subject, size),
            cum=_missed(step, subject),
            details=_details(step, subject),
        )
    ]


def _traded_at(step: Step, subject: Subject, size: Decimal) -> Decimal:
    """What *size* traded at: as printed, or so that all that has traded has the average that is printed."""
    if step.last_px or not step.avg_px:
        return step.last_px or subject.price
    if subject.notional is None or _missed(step, subject) is not None:
        return step.avg_px
    worth = EXACT.multiply(step.avg_px, EXACT.add(subject.filled, size))
    price = PRECISE.divide(EXACT.subtract(worth, subject.notional), size)
    price = price if fits(price) else EXACT.quantize(price, _FINEST)
    return price if price > 0 else step.avg_px


def _bundled_end(step: Step, subject: Subject) -> list[Report]:
    """The end that a report of something else brings along."""
    return [_status(step, subject, _STANDINGS[step.ord_status])] if step.ord_status in _ENDS else []


def _accepted(step: Step, subject: Subject) -> list[Report]:
    made: list[Report] = []
    if subject.reqid is not None and subject.venue_id is not None:
        made.append(BrokerdOrderAck(reqid=subject.reqid, venue_id=subject.venue_id))
    made.append(_status(step, subject, "bidding" if step.ord_status == _BID else "open"))
    return [*made, *_fills(step, subject), *_bundled_end(step, subject)]


def _traded(step: Step, subject: Subject) -> list[Report]:
    return [*_fills(step, subject), *_bundled_end(step, subject)]


def _busted(step: Step, subject: Subject) -> list[Report]:
    ref = step.exec_ref_id or subject.newest
    if ref is None:
        return []
    return [BrokerdBust(reqid=subject.reqid, venue_id=subject.venue_id, exec_id=subject.exec_id, ref_id=ref)]


def _corrected(step: Step, subject: Subject) -> list[Report]:
    ref = step.exec_ref_id or subject.newest
    if ref is None or not step.last_qty:
        return []
    return [
        BrokerdCorrection(
            reqid=subject.reqid,
            venue_id=subject.venue_id,
            exec_id=subject.exec_id,
            ref_id=ref,
            size=step.last_qty,
            price=step.last_px or step.avg_px or subject.price,
        )
    ]


def _rejected(step: Step, subject: Subject) -> list[Report]:
    """Rejected with a live OrdStatus refuses a second copy; the status is the first one's."""
    if step.ord_status in ("rejected", ""):
        return [_status(step, subject, "rejected")]
    reqid = "unnamed" if subject.reqid is None else subject.reqid
    return [BrokerdRefused(request="submit", reqid=reqid, venue_id=subject.venue_id, code="duplicate")]


def _replaced(step: Step, subject: Subject) -> list[Report]:
    if subject.reqid is None:
        return _restated(step, subject)
    return [BrokerdReplaced(reqid=subject.reqid, venue_id=subject.venue_id)]


def _restated(step: Step, subject: Subject) -> list[Report]:
    splits = step.split or step.exec_restatement_reason == _CORPORATE_ACTION
    split = step.order_qty / subject.size if splits and step.order_qty and subject.size else None
    return [
        BrokerdRestated(
            reqid=subject.reqid,
            venue_id=subject.venue_id,
            size=step.order_qty,
            price=step.price,
            split=None if split == 1 else split,
        )
    ]


def _snapshot(step: Step, subject: Subject) -> list[Report]:
    """An answer to a status request, or an event we have no word for: it tells where the order is."""
    standing = _STANDINGS.get(step.ord_status, "open")
    if standing == "rejected" and (subject.venue_id is None or step.ord_rej_reason == _UNKNOWN_ORDER):
        standing = "absent"
    return [_status(step, subject, standing, snapshot=True)]


def _marked(standing: _Standing) -> Callable[[Step, Subject], list[Report]]:
    return lambda step, subject: [_status(step, subject, standing)]


def _refused(step: Step, subject: Subject) -> Report:
    edits = subject.edits or (step.cxl_rej_response_to == "2")
    return BrokerdRefused(
        request="edit" if edits else "cancel",
        reqid="unnamed" if subject.reqid is None else subject.reqid,
        venue_id=subject.venue_id,
        code=_CODES.get(step.cxl_rej_reason or "", "other"),
    )


_KINDS: dict[str, Callable[[Step, Subject], list[Report]]] = {
    "new": _accepted,
    "pendingnew": lambda step, subject: [
        _status(step, subject, "bidding" if step.ord_status == _BID else "pending_new")
    ],
    "trade": _traded,
    "partialfill": _traded,
    "fill": _traded,
    "tradeinaclearinghold": _traded,
    "tradecancel": _busted,
    "tradecorrect": _corrected,
    "pendingcancel": _marked("pending_cancel"),
    "pendingreplace": _marked("pending_edit"),
    "canceled": _marked("cancelled"),
    "expired": _marked("expired"),
    "doneforday": _marked("done_for_day"),
    "stopped": _marked("stopped"),
    "suspended": _marked("suspended"),
    "released": _marked("open"),
    "calculated": _marked("calculated"),
    "rejected": _rejected,
    "replaced": _replaced,
    "restated": _restated,
    "triggeredoractivatedbysystem": _marked("open"),
    "orderstatus": _snapshot,
}
