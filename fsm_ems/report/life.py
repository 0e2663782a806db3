"""One order of a run, ready to be drawn: its steps, its way through the machine, what it asked and traded."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from itertools import pairwise
from typing import Literal, NamedTuple

from fsm_ems.dialogs.facts import Body, Dialog, Execution
from fsm_ems.dialogs.recall import lived
from fsm_ems.dialogs.record import CancelWanted, EditWanted, Held, Record, Submitted, Triggered
from fsm_ems.machines.order import AT_VENUE, ENDS, ORDER, UNACKED, OrderState
from fsm_ems.message_fields import Side
from fsm_ems.report.standing import Traded
from fsm_ems.why import Step, steps

Kind = Literal["submit", "edit", "cancel", "trigger", "filled", "cancelled", "rejected", "expired"]
"""What is marked: the owner's wishes, a price that was met, an end."""

WAITING = frozenset({OrderState.DARK_OPEN, OrderState.ALERT_OPEN})
RESTS = frozenset(AT_VENUE) - frozenset(UNACKED)


class Span(NamedTuple):
    """A state, from when it was entered until it was left; *left_ns* of an end is when it was entered."""

    state: str
    entered_ns: int
    left_ns: int


class Terms(NamedTuple):
    """A price in force: of a resting order, or the one a dark order or an alert waits for."""

    waiting: bool
    from_ns: int
    until_ns: int
    price: Decimal
    size: Decimal


class Mark(NamedTuple):
    """Something to see at a time; *step* is its number among the steps, *price* None at market."""

    kind: Kind
    time_ns: int
    step: int
    price: Decimal | None


class Move(NamedTuple):
    """One row of the order table taken by the step of this number, from 1."""

    step: int
    source: str
    event: str
    dest: str


class Life(NamedTuple):
    """An order from its first record to its last."""

    oid: str
    body: Body
    steps: tuple[Step, ...]
    moves: tuple[Move, ...]
    spans: tuple[Span, ...]
    terms: tuple[Terms, ...]
    marks: tuple[Mark, ...]
    fills: tuple[Traded, ...]


def lives(records: Iterable[Record], end_ns: int) -> list[Life]:
    """Every order that *records* tell of, in the order of their first records; *end_ns* ends the run."""
    parted: dict[tuple[str, str], list[Record]] = {}
    for record in records:
        if record.oid:
            parted.setdefault((record.owner, record.oid), []).append(record)
    return [_life(own, end_ns) for own in parted.values()]


def _life(records: Sequence[Record], end_ns: int) -> Life:
    told = steps(records)
    moves: list[Move] = []
    dialog = None
    for number, life in enumerate(lived(records), 1):
        moves += _moves(number, life.record, life.source)
        dialog = life.dialog
    assert dialog is not None, "whoever has a key here has a record"
    return Life(
        dialog.oid,
        dialog.body,
        tuple(told),
        tuple(moves),
        tuple(_spans(told, end_ns)),
        tuple(_terms(told, end_ns)),
        tuple(_marks(told, records)),
        tuple(_fills(dialog)),
    )


def _moves(number: int, record: Record, source: OrderState) -> Iterator[Move]:
    """The rows that a record took: none, one or two."""
    for event in (record.event, record.then):
        if event is not None:
            row = ORDER.row_of[source, event]
            yield Move(number, row.source.value, event.value, row.dest.value)
            source = row.dest


def _lasting(told: Sequence[Step], end_ns: int) -> Iterator[tuple[Step, int]]:
    """Each step, and when the next one came; the last lasts to the run's end, or as an end no time."""
    for step, later in pairwise(told):
        yield step, later.time_ns
    last = told[-1]
    yield last, last.time_ns if last.state in ENDS else max(end_ns, last.time_ns)


def _spans(told: Sequence[Step], end_ns: int) -> list[Span]:
    """The states in turn; steps that stay lengthen what they stay in."""
    found: list[Span] = []
    for step, until_ns in _lasting(told, end_ns):
        if found and found[-1].state == step.state:
            found[-1] = found[-1]._replace(left_ns=until_ns)
        else:
            found.append(Span(step.state, step.time_ns, until_ns))
    return found


def _terms(told: Sequence[Step], end_ns: int) -> list[Terms]:
    found: list[Terms] = []
    for step, until_ns in _lasting(told, end_ns):
        if step.price is None or step.state not in (WAITING | RESTS):
            continue
        now = Terms(step.state in WAITING, step.time_ns, until_ns, step.price, step.leaves)
        if found and found[-1] == now._replace(from_ns=found[-1].from_ns, until_ns=now.from_ns):
            now = now._replace(from_ns=found.pop().from_ns)
        found.append(now)
    return found


_WISHES: dict[type, Kind] = {
    Submitted: "submit",
    Held: "submit",
    EditWanted: "edit",
    CancelWanted: "cancel",
    Triggered: "trigger",
}
_ENDS: dict[str, Kind] = {
    OrderState.FILLED: "filled",
    OrderState.CANCELLED: "cancelled",
    OrderState.REJECTED: "rejected",
    OrderState.EXPIRED: "expired",
}


def _marks(told: Sequence[Step], records: Sequence[Record]) -> Iterator[Mark]:
    for number, (step, record) in enumerate(zip(told, records, strict=True), 1):
        wish = _WISHES.get(type(record.payload))
        if wish is not None:
            yield Mark(wish, step.time_ns, number, step.price)
        end = _ENDS.get(step.state)
        if end is not None and step.source != step.state:
            yield Mark(end, step.time_ns, number, step.price)


def _fills(dialog: Dialog) -> Iterator[Traded]:
    """The executions that stand: what was undone is not among them."""
    for fill in (dialog.fills or {}).values():
        yield _traded(dialog, fill)


def _traded(dialog: Dialog, fill: Execution) -> Traded:
    side: Side = "buy" if dialog.body.side == "buy" else "sell"
    return Traded(
        fill.time_ns, dialog.oid, side, fill.exec_id, fill.size, fill.price, fill.fee, fill.liquidity or ""
    )
