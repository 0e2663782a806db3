"""What became of each order of a run, added up from what its owner was told."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal

from fsm_ems.dialogs.facts import EXACT, PRECISE, ZERO
from fsm_ems.dialogs.record import Notice, Reported
from fsm_ems.errors import Refused
from fsm_ems.machines.order import ORDER, OrderState
from fsm_ems.machines.order_events import OrderEvent
from fsm_ems.market import Market
from fsm_ems.messages import BrokerdFill, Order
from fsm_ems.numbers import plain
from fsm_ems.orders_file import TimedCommand
from fsm_ems.replay import Outcome

_OF_NO_ORDER = "unknown_order"
"""The code by which an edit or a cancel is refused that has no order: no order was refused by it."""

COLUMNS = ("order", "side", "type", "state", "filled", "size", "limit", "average", "fees", "fills")
"""What :func:`as_row` tells of an order."""


@dataclass(slots=True)
class Sum:
    """Fills, added up exactly."""

    fills: int = 0
    size: Decimal = ZERO
    notional: Decimal = ZERO
    fees: Decimal = ZERO

    def add(self, fill: BrokerdFill) -> None:
        """Count *fill* in."""
        self.fills += 1
        self.size = EXACT.add(self.size, fill.size)
        self.notional = EXACT.add(self.notional, EXACT.multiply(fill.size, fill.price))
        self.fees = EXACT.add(self.fees, fill.fee)

    def join(self, other: Sum) -> None:
        """Count in what *other* has counted."""
        self.fills += other.fills
        self.size = EXACT.add(self.size, other.size)
        self.notional = EXACT.add(self.notional, other.notional)
        self.fees = EXACT.add(self.fees, other.fees)

    @property
    def average_price(self) -> Decimal | None:
        """34 digits; None before the first fill."""
        return PRECISE.divide(self.notional, self.size) if self.fills else None


@dataclass(slots=True)
class Line:
    """One order: as it was submitted, as it stood when its owner was last told, and its fills.

    *later* are those that the file gives the same id: each is submitted once the one before it was refused.
    *rejected* is what it was rejected by; something else may have been told since.
    """

    order: Order
    later: list[Order] = field(default_factory=list[Order])
    last: Notice | None = None
    rejected: Notice | None = None
    refused: Refused | None = None
    traded: Sum = field(default_factory=Sum)


class Tally:
    """Every order of a run, in file order."""

    def __init__(self, commands: Iterable[TimedCommand]) -> None:
        self.lines: dict[str, Line] = {}
        self.given = self.tables = 0
        for _, command in commands:
            self.given += 1
            if isinstance(command, Order):
                self.tables += 1
                line = self.lines.setdefault(command.oid, Line(command))
                if line.order is not command:
                    line.later.append(command)
        self.refused: list[Refused] = []

    def take(self, outcome: Outcome) -> None:
        """Note what was told."""
        if isinstance(outcome, Refused):
            self.refused.append(outcome)
            line = self.lines.get(outcome.oid or "")
            if line is not None and line.last is None and outcome.code != _OF_NO_ORDER:
                if line.refused is not None and line.later:
                    line.order = line.later.pop(0)
                line.refused = outcome
            return
        line = self.lines[outcome.record.oid]
        if line.refused is not None and line.later:
            line.order = line.later.pop(0)
        line.last, line.refused = outcome, None
        if outcome.state is OrderState.REJECTED and outcome.source is not OrderState.REJECTED:
            line.rejected = outcome
        fill = fill_of(outcome)
        if fill is not None:
            line.traded.add(fill)

    def total(self, side: str) -> Sum:
        """The fills of all orders of one side."""
        total = Sum()
        for line in self.lines.values():
            if line.order.side == side:
                total.join(line.traded)
        return total

    @property
    def spread(self) -> str:
        """In how many tables of the file the orders are, where those are more: `` in 5 tables``. A second one
        of an id is the same order again, or was refused.
        """
        return "" if self.tables == len(self.lines) else f" in {self.tables:,} tables"

    @property
    def refusals(self) -> str:
        """How many of all orders, edits and cancels were refused; empty where none was."""
        return f"{len(self.refused):,} of {self.given:,} commands refused" if self.refused else ""

    @property
    def states(self) -> dict[str, int]:
        """How many orders stand in each state at the end, the commonest first."""
        counts: dict[str, int] = {}
        for line in self.lines.values():
            name = state_of(line)
            counts[name] = counts.get(name, 0) + 1
        return dict(sorted(counts.items(), key=lambda item: -item[1]))


def state_of(line: Line) -> str:
    """The order's state, or that the EMS took none."""
    if line.last is not None:
        return line.last.state.value
    return "refused" if line.refused is not None else "not submitted"


def kind_of(order: Order) -> str:
    """What sort of order it is, in traders' words: ``stop market``, ``post-only gtd``; an alert is none."""
    words: list[str] = [] if order.side == "alert" else ["post-only" if order.post_only else order.type]
    if order.mode == "dark":
        words.insert(0, "dark" if order.trigger == "price" else order.trigger)
    if order.tif != "gtc":
        words.append(order.tif)
    return " ".join(words) or "-"


def as_row(line: Line, tick: Decimal) -> tuple[str, ...]:
    """An order as texts, under :data:`COLUMNS`; *tick* is its market's price tick. An alert has no size."""
    order, last, traded = line.order, line.last, line.traded
    size, price = (order.size, order.price) if last is None else (last.size, last.price)
    sends = order.side != "alert"
    return (
        order.oid,
        order.side,
        kind_of(order),
        state_of(line),
        "-" if last is None or not sends else plain(last.filled),
        "-" if size is None or not sends else plain(size),
        "-" if price is None else plain(price),
        price_text(traded.average_price, tick),
        short(traded.fees),
        str(traded.fills),
    )


def rejection_of(line: Line) -> str | None:
    """Why the order was rejected: in the venue's words where the venue did it, in the EMS's own where the
    order never left or never arrived; None where it was not.
    """
    told = line.rejected
    if told is None or line.last is None or line.last.state is not OrderState.REJECTED:
        return None
    record = told.record
    if isinstance(record.payload, Reported) and record.event is OrderEvent.REJECTED:
        return record.payload.report.text or "the venue gave no reason"
    assert record.event is not None, "what has no event moves no order"
    return record.alarm or ORDER.row_of[told.source, record.event].reason


def fill_of(notice: Notice) -> BrokerdFill | None:
    """The execution that was booked with this notice."""
    payload = notice.record.payload
    if isinstance(payload, Reported) and isinstance(payload.report, BrokerdFill):
        return payload.report
    return None


def short(number: Decimal) -> str:
    """The number without the zeros that end it: ``0.0100`` reads ``0.01``."""
    return plain(number.normalize(EXACT))


def price_text(price: Decimal | None, tick: Decimal) -> str:
    """An average, shown with two digits more than the tick has; exact numbers are in the JSON."""
    if price is None:
        return "-"
    return short(EXACT.quantize(price, _finer(tick)))  # round() takes 28 digits at most


def rounded(amount: Decimal, market: Market) -> Decimal:
    """Realized PnL as it is where it has few digits, else with two more than a price times a size has."""
    shown = EXACT.quantize(amount, _finer(EXACT.multiply(market.price_tick, market.size_tick)))
    return amount if amount == shown else shown


def _finer(tick: Decimal) -> Decimal:
    """A unit with two digits more than *tick* has."""
    return Decimal((0, (1,), min(_exponent(tick), 0) - 2))


def _exponent(number: Decimal) -> int:
    exponent = number.normalize().as_tuple().exponent
    return exponent if isinstance(exponent, int) else 0
