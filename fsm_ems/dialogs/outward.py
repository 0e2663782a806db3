"""From the slotted inside to the validated edge: what a client reads and what a broker is sent."""

from __future__ import annotations

from typing import Any

from msgspec.structs import asdict

from fsm_ems.dialogs.asking import SendHistory
from fsm_ems.dialogs.book import Book
from fsm_ems.dialogs.exposure import may_have_filled
from fsm_ems.dialogs.facts import PRECISE, Dialog, ord_status
from fsm_ems.dialogs.record import (
    Accounted,
    Contradicted,
    Notice,
    Orphaned,
    Payload,
    Reported,
    Send,
    SendOrder,
    Triggered,
)
from fsm_ems.errors import cut
from fsm_ems.machines.order import ENDS, ORDER, E, S
from fsm_ems.machines.table import Row
from fsm_ems.messages import (
    AnyReport,
    BrokerdCancel,
    BrokerdEdit,
    BrokerdHistoryQuery,
    BrokerdOrder,
    BrokerdPosition,
    BrokerdQuery,
    BrokerdRefused,
    BrokerdStatus,
    Request,
    Resync,
    Status,
)

_ENDS = frozenset(ENDS)
SAID_MAX = 200
"""So many characters of what a venue says are in a reason; all of it is in the status' report."""
BY_HAND = "fired by hand"
_WITH_REPORT = Reported | Contradicted | Orphaned | Accounted


def status_of(notice: Notice) -> Status:
    """The status message of a notice."""
    record = notice.record
    payload = record.payload
    report = payload.report if isinstance(payload, _WITH_REPORT) else None
    row = ORDER.row_of.get((notice.source, record.event)) if record.event is not None else None
    of_none = isinstance(payload, Orphaned | Accounted)
    return Status(
        oid=record.oid,
        owner=record.owner,
        seq=notice.seq,
        state="" if of_none else notice.state.value,
        event=_event_without_row(payload) if record.event is None else record.event.value,
        then=None if record.then is None else record.then.value,
        size=notice.size,
        price=notice.price,
        filled=notice.filled,
        filled_max=notice.filled_max,
        remaining=notice.leaves,
        average_price=PRECISE.divide(notice.notional, notice.booked) if notice.booked else None,
        ord_status="" if of_none else notice.ord_status,
        reason=record.alarm or "" if row is None else f"{reason_of(payload, row)}{_why_not(report)}",
        report=None if report is None else report.as_fields(),
        alarm=record.alarm,
        time_ns=record.time_ns,
        venue_id=notice.venue_id,
    )


def reason_of(payload: Payload | None, row: Row[S, E]) -> str:
    """Why *row* was taken: in the table's words, but for what was fired by hand: nothing met its price."""
    return BY_HAND if isinstance(payload, Triggered) and payload.source == "hand" else row.reason


def _why_not(report: AnyReport | None) -> str:
    """What the venue said of what it refused, on one line; empty where it refused or said nothing.

    The text of a BrokerdError is no venue's: its adapter tells by it why it has no answer.
    """
    refused = isinstance(report, BrokerdRefused) or (
        isinstance(report, BrokerdStatus) and report.status == "rejected"
    )
    said = " ".join(report.text.split()) if report is not None and refused and report.text else ""
    return f"; the venue said: {cut(said, SAID_MAX)}" if said else ""


def _event_without_row(payload: Payload) -> str:
    """What a status calls a record that moves no order."""
    if isinstance(payload, Orphaned):
        return "orphan"
    if not isinstance(payload, Accounted):
        return "contradiction"
    if isinstance(payload.report, BrokerdPosition):
        return "position_agrees" if payload.report.size == payload.ours else "position_differs"
    return payload.report.name.removeprefix("brokerd_")


def standing_of(dialog: Dialog, seq: int, now_ns: int) -> Status:
    """How *dialog* stands as of the owner's stream *seq*: an answer, no event."""
    return Status(
        oid=dialog.oid,
        owner=dialog.owner,
        seq=seq,
        state=dialog.state.value,
        event="standing",
        size=dialog.size,
        price=dialog.price,
        filled=dialog.filled,
        filled_max=may_have_filled(dialog) if dialog.state is S.UNKNOWN else None,
        remaining=dialog.leaves,
        average_price=dialog.average_price,
        ord_status=ord_status(dialog),
        reason="as it stands",
        time_ns=now_ns,
        venue_id=dialog.venue_id,
    )


def resync_of(book: Book, identity: str, now_ns: int) -> Resync:
    """All orders that *identity* is told of and that have not ended, as they stand."""
    seq = book.streams.get(identity, 0)
    orders = tuple(
        standing_of(dialog, seq, now_ns)
        for owner, dialogs in book.dialogs.items()
        if identity == owner or identity in book.watching(owner)
        for dialog in dialogs.values()
        if dialog.state not in _ENDS
    )
    return Resync(seq=seq, orders=orders, time_ns=now_ns)


def request_of(send: Send) -> Request:
    """The request message of a send."""
    if isinstance(send, SendHistory):
        asked = asdict(send)
        del asked["broker"]
        return BrokerdHistoryQuery(**asked)
    if isinstance(send, SendOrder):
        fields = asdict(send)
        del fields["broker"]
        return BrokerdOrder(**fields)
    about: dict[str, Any] = {
        "reqid": send.reqid,
        "account": send.account,
        "target": send.target,
        "venue_id": send.venue_id,
        "time_ns": send.time_ns,
        "deadline_ns": send.deadline_ns,
    }
    if send.verb == "cancel":
        return BrokerdCancel(**about)
    if send.verb == "query":
        return BrokerdQuery(**about)
    size = send.size
    assert size is not None, "an edit names its size"
    return BrokerdEdit(**about, size=size, price=send.price)
