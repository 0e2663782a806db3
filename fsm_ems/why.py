"""Why an order is where it is: its life told step by step, from its records alone.

Each step names what was decided, by which row of the order table and for what reason, what brought it about
and what left because of it. The steps can be read as a table, or drawn as a mermaid sequence diagram.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from decimal import Context, Decimal
from typing import Any, Literal, NamedTuple

from fsm_ems.dialogs.facts import Body, ord_status
from fsm_ems.dialogs.outward import BY_HAND, reason_of
from fsm_ems.dialogs.recall import Lived, lived
from fsm_ems.dialogs.record import (
    Adopted,
    CancelWanted,
    Contradicted,
    EditWanted,
    Held,
    Met,
    Recalled,
    Record,
    Reported,
    SendAbout,
    SendOrder,
    Source,
    Submitted,
    Trailed,
    Triggered,
)
from fsm_ems.errors import Refused
from fsm_ems.journal.base import RecordSource
from fsm_ems.machines.order import ORDER, OrderState
from fsm_ems.machines.order_events import OrderEvent
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
    Report,
)
from fsm_ems.numbers import plain
from fsm_ems.sequence import sequence_diagram, shown

Actor = Literal["owner", "ems", "broker"]


class Step(NamedTuple):
    """One record of an order, explained.

    *cause* is what brought it about and *actor* who did; *sends* is what left for the broker with it.
    *event* and *reason* are the order table's, two of each where the record took two steps; what was fired by
    hand says so. Sizes (base
    units), prices (quote units) and *ord_status* are those right after. *told* says whether the owner was.
    """

    seq: int
    time_ns: int
    owner: str
    broker: str
    actor: Actor
    cause: str
    event: str
    source: str
    state: str
    reason: str
    sends: tuple[str, ...]
    size: Decimal
    price: Decimal | None
    filled: Decimal
    leaves: Decimal
    average_price: Decimal | None
    ord_status: str
    told: bool
    alarm: str | None


def why(log: RecordSource, oid: str, owner: str | None = None) -> list[Step]:
    """The steps of the order *oid* in *log*; *owner* is needed only where several have one of that name.

    Raises:
        Refused: ``unknown_order``, if there is no such order, or if it is not clear whose is meant.
        LogDamaged: the log cannot be trusted.
    """
    # What is about no order has an empty oid.
    owners = () if not oid else log.owners(oid) if owner is None else (owner,)
    if len(owners) > 1:
        raise Refused(
            "unknown_order", f"{', '.join(owners)} each have an order {oid}: say whose is meant", oid
        )
    records = log.of(owners[0], oid) if owners else ()
    if not records:
        whose = "" if owner is None else f" of {owner}"
        raise Refused("unknown_order", f"there are no records of an order {oid}{whose}", oid)
    return steps(records)


def steps(records: Iterable[Record]) -> list[Step]:
    """The steps that *records*, all of one dialog and beginning with its first, tell of."""
    return [_step(life) for life in lived(records)]


def _step(life: Lived) -> Step:
    record, dialog = life.record, life.dialog
    source = dialog.state if isinstance(record.payload, Recalled) else life.source
    actor, cause = _cause(record)
    event, reason = _row(record, source)
    return Step(
        seq=record.seq,
        time_ns=record.time_ns,
        owner=record.owner,
        broker=dialog.broker,
        actor=actor,
        cause=cause,
        event=event,
        source=source.value,
        state=dialog.state.value,
        reason=reason,
        sends=tuple(_sent(effect) for effect in life.effects if isinstance(effect, SendOrder | SendAbout)),
        size=dialog.size,
        price=dialog.price,
        filled=dialog.filled,
        leaves=dialog.leaves,
        average_price=dialog.average_price,
        ord_status=ord_status(dialog),
        told=record.told > 0,
        alarm=record.alarm,
    )


def _row(record: Record, source: OrderState) -> tuple[str, str]:
    """Event and reason of the table rows that the record took."""
    if isinstance(record.payload, Contradicted):
        return (
            f"contradiction ({record.payload.attempted})",
            "it cannot be right; recorded, and no state moves",
        )
    if record.event is None:
        return "recalled", "memory had let it go; its records bring it back"
    first = ORDER.row_of[source, record.event]
    reason = reason_of(record.payload, first)
    if record.then is None:
        return first.event.value, reason
    second = ORDER.row_of[first.dest, record.then]
    return f"{first.event.value}, {second.event.value}", f"{reason}; {second.reason}"


# ── what brought it about ───────────────────────────────────────────────────────────────────────────


def _cause(record: Record) -> tuple[Actor, str]:
    payload = record.payload
    if isinstance(payload, Submitted):
        return "owner", f"submit {_terms(payload.body)}"
    if isinstance(payload, Held):
        side = payload.direction.replace("_", " ")
        return "owner", f"submit {_terms(payload.body)}; met {side} {plain(payload.price)}"
    if isinstance(payload, CancelWanted):
        return "owner", "cancel"
    if isinstance(payload, EditWanted):
        return "owner", f"edit {payload.edit_id}{_new_terms(payload.size, payload.price)}"
    if isinstance(payload, Adopted):
        return "broker", f"an order of its own: {_terms(payload.body)}"
    if isinstance(payload, Reported | Contradicted):
        return "broker", "nothing" if payload.report is None else report_text(payload.report)
    if isinstance(payload, Triggered):
        return "ems", f"{_saw(payload.source, payload.seen)}{_goes_out(record, payload.price)}"
    if isinstance(payload, Met):
        return "ems", _saw("last", payload.seen)
    if isinstance(payload, Trailed):
        return "ems", f"{_saw(payload.source, payload.seen)}; its stop is {plain(payload.price)} now"
    return "ems", ORDER.columns[record.event].meaning if record.event is not None else "a report came late"


def _saw(source: Source, seen: Decimal | None) -> str:
    if seen is None:
        return BY_HAND
    return f"{_SOURCES[source]} {plain(seen)}"


_SOURCES: dict[Source, str] = {
    "ask": "the ask is",
    "bid": "the bid is",
    "last": "a print at",
    "hand": f"{BY_HAND} at",
}


def _goes_out(record: Record, price: Decimal | None) -> str:
    if record.event is OrderEvent.ALERT:
        return ""
    return "; it goes out at market" if price is None else f"; it goes out at {plain(price)}"


def _terms(body: Body) -> str:
    """An order in a few words: ``buy 1 xbtusd.kraken at 100, dark, gtc``."""
    size = "" if body.side == "alert" else f" {plain(body.size)}"
    price = f" at {plain(body.price)}" if body.price is not None else "" if body.trail else " at market"
    words = [body.mode if body.mode == "dark" else "", body.tif if body.side != "alert" else ""]
    words += ["post only" if body.post_only else "", (body.direction or "").replace("_", " ")]
    words += ["" if body.trigger == "price" else body.trigger]
    words += ["" if body.trail is None else f"{plain(body.trail)} behind"]
    return ", ".join([f"{body.side}{size} {body.market}{price}", *filter(None, words)])


def _new_terms(size: Decimal | None, price: Decimal | None) -> str:
    named = [
        f"{what} {plain(value)}" for what, value in (("size", size), ("price", price)) if value is not None
    ]
    return f": {', '.join(named)}" if named else ""


def report_text(report: Report) -> str:
    """A report in a few words, its free text at the end."""
    said = _TEXTS[type(report)](report)
    return f'{said} "{report.text}"' if report.text else said


def _ack(report: BrokerdOrderAck) -> str:
    return f"ack, its id is {report.venue_id}"


def _status(report: BrokerdStatus) -> str:
    words = "answer: " if report.snapshot else "status "
    return f"{words}{report.status}{_stated(report.cum)}"


def _stated(cum: Decimal | None) -> str:
    return "" if cum is None else f", {plain(cum)} filled"


def _trade(report: BrokerdFill | BrokerdCorrection) -> str:
    fee = f", fee {plain(report.fee)} {report.fee_asset or ''}".rstrip() if report.fee else ""
    return f"{plain(report.size)} at {plain(report.price)}{fee}"


def _fill(report: BrokerdFill) -> str:
    return f"fill {report.exec_id}: {_trade(report)}"


def _bust(report: BrokerdBust) -> str:
    return f"bust {report.exec_id}: {report.ref_id} is undone"


def _correction(report: BrokerdCorrection) -> str:
    return f"correction {report.exec_id}: {report.ref_id} is {_trade(report)}"


def _replaced(report: BrokerdReplaced) -> str:
    return f"edit {report.reqid} is in force{_new_terms(report.size, report.price)}"


def _refused(report: BrokerdRefused) -> str:
    return f"{report.request} {report.reqid} is refused: {report.code}"


def _restated(report: BrokerdRestated) -> str:
    split = "" if report.split is None else f", split by {plain(report.split)}"
    return f"restated{_new_terms(report.size, report.price)}{split}{_stated(report.cum)}"


def _error(report: BrokerdError) -> str:
    return f"no clear answer to {report.reqid}"


_TEXTS: dict[type[Any], Callable[[Any], str]] = {
    BrokerdOrderAck: _ack,
    BrokerdStatus: _status,
    BrokerdFill: _fill,
    BrokerdBust: _bust,
    BrokerdCorrection: _correction,
    BrokerdReplaced: _replaced,
    BrokerdRefused: _refused,
    BrokerdRestated: _restated,
    BrokerdError: _error,
}


def _sent(send: SendOrder | SendAbout) -> str:
    if isinstance(send, SendOrder):
        price = "market" if send.price is None else plain(send.price)
        post_only = ", post only" if send.post_only else ""
        return f"order {send.reqid}: {send.side} {plain(send.size)} at {price}, {send.tif}{post_only}"
    return f"{send.verb} {send.reqid} of {send.target}{_new_terms(send.size, send.price)}"


# ── to be read ──────────────────────────────────────────────────────────────────────────────────────

HEADINGS = ("seq", "time", "from", "what", "event", "state", "filled", "left", "average", "why")
_SHORT = Context(prec=12)
_ACTORS: dict[Actor, str] = {"owner": "owner", "ems": "EMS", "broker": "broker"}
_RIGHT = frozenset({"seq", "filled", "left", "average"})


def as_rows(told: Sequence[Step]) -> list[tuple[str, ...]]:
    """A row of texts for each step, under :data:`HEADINGS`; averages have at most 12 digits that count."""
    return [
        (
            str(step.seq),
            time_text(step.time_ns),
            _ACTORS[step.actor],
            _with(step.cause, *(f"sent: {send}" for send in step.sends)),
            step.event,
            step.state if step.source == step.state else f"{step.source} → {step.state}",
            plain(step.filled),
            plain(step.leaves),
            "" if step.average_price is None else plain(_SHORT.plus(step.average_price)),
            _with(step.reason, *([f"ALARM: {step.alarm}"] if step.alarm else [])),
        )
        for step in told
    ]


def _with(*parts: str) -> str:
    return "; ".join(parts)


def as_text(told: Sequence[Step]) -> str:
    """The steps as a plain table, a line for each."""
    table = [HEADINGS, *([_on_one_line(text) for text in row] for row in as_rows(told))]
    widths = [max(len(row[column]) for row in table) for column in range(len(HEADINGS))]
    return "\n".join(
        "  ".join(
            text.rjust(width) if heading in _RIGHT else text.ljust(width)
            for heading, text, width in zip(HEADINGS, row, widths, strict=True)
        ).rstrip()
        for row in table
    )


def _on_one_line(text: str) -> str:
    """*text* as it may stand in a terminal: whatever is not printable is written out."""
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode("ascii") for char in text
    )


def time_text(time_ns: int) -> str:
    """A time as UTC to the nanosecond: ``2021-01-08T00:00:01.000000000Z``."""
    seconds, rest = divmod(time_ns, 10**9)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest:09}Z"


def as_mermaid(told: Sequence[Step]) -> str:
    """The steps as a mermaid sequence diagram of the owner, the EMS and the broker."""
    owner, broker = (told[0].owner, told[0].broker) if told else ("owner", "broker")
    participants = {"owner": owner, "ems": "EMS", "broker": broker}
    return sequence_diagram(participants, (line for step in told for line in _drawn(step)))


def _drawn(step: Step) -> list[str]:
    came = "Note over ems" if step.actor == "ems" else f"{step.actor}->>ems"
    moved = step.state if step.source == step.state else f"{step.source} → {step.state}"
    lines = [f"{came}: {shown(step.cause)}", f"Note over ems: {shown(f'{moved} ({step.event})')}"]
    lines += [f"ems->>broker: {shown(send)}" for send in step.sends]
    if step.told:
        filled = f", {plain(step.filled)} of {plain(step.size)} filled" if step.filled else ""
        lines.append(f"ems-->>owner: {shown(step.state + filled)}")
    if step.alarm:
        lines.append(f"Note over owner,ems: {shown(f'ALARM: {step.alarm}')}")
    return lines
