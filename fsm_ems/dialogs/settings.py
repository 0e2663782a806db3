"""What an EMS is told about itself when it is opened: limits, patience, bounds, and what brokers can."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal, cast

from fsm_ems.accounting.position import ENTRY_AND_EXIT
from fsm_ems.errors import InvalidMessage, brief
from fsm_ems.market import Declared, Market
from fsm_ems.message_fields import TICKS_MAX, is_name
from fsm_ems.numbers import fits, no_decimals

SECOND_NS = 10**9
LIMIT_TICKS = 5
"""Of :attr:`Settings.limit_ticks` where it names nothing."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Largest size (base units) and value (quote units) of one order; None: no limit, 0: no order.

    Raises:
        InvalidMessage: one is no Decimal, not finite, or below zero.
    """

    max_size: Decimal | None = None
    max_value: Decimal | None = None

    def __post_init__(self) -> None:
        # Found here, and not by the first order: until then its user takes it for a limit.
        limits = (("max_size", self.max_size), ("max_value", self.max_value))
        given = {name: limit for name, limit in limits if limit is not None}
        problems = no_decimals(given) or tuple(
            f"{name}: {limit} is no finite number of zero or more"
            for name, limit in given.items()
            if not (limit.is_finite() and limit >= 0)
        )
        if problems:
            raise InvalidMessage(problems)


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a broker can do.

    *reqid_form*: the form of its request ids. *reopen_filled*: whether a filled order can be increased.
    *deadline*: whether it refuses requests that come after their deadline; where it does not, an order that
    it does not show may still arrive, and stays ``unknown``. *history*: whether it lists its open orders and
    past executions; new orders then wait, after each connection, until what was missed is known.

    Raises:
        InvalidMessage: naming each that is neither of its words nor True or False.
    """

    reqid_form: Literal["str", "int"] = "str"
    reopen_filled: bool = False
    deadline: bool = True
    history: bool = False

    def __post_init__(self) -> None:
        # A misspelt form would be taken for text, and every request of it refused at the venue.
        form: object = self.reqid_form
        problems = [] if form in ("str", "int") else [f"reqid_form: {form!r} is neither 'str' nor 'int'"]
        for name in ("reopen_filled", "deadline", "history"):
            value: object = getattr(self, name)
            if type(value) is not bool:
                problems.append(f"{name}: {value!r} is neither True nor False")
        if problems:
            raise InvalidMessage(tuple(problems))


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything :mod:`fsm_ems.dialogs.decide` weighs besides the book.

    *limits* is by market, with ``*`` for the others; so is *limit_ticks*, how far beyond the far touch a
    dark order's limit lies when it goes out. *markets* by address: what goes out at a limit needs its tick.
    They open no market and close none: *declared* does, the addresses that each broker declares, which
    ``open_ems`` writes here from the brokers that it is given, whatever was here before.
    No order goes out at a quote older than *quote_age_ns*, and older rows of a market count for nothing.
    *request_deadline_ns* is how long a request may take; the venue is asked *margin_ns* after that (clock
    skew and the lag of its reads), and again every *ask_every_ns*, or *request_deadline_ns* where that is
    longer: only the answer to the newest question counts, so a venue that needs longer than both to answer
    must be given more, or an order stays ``unknown`` there for as long as nothing else is heard of it. The
    cancel of an order that the venue no longer knows is sent again less and less often, at last every
    *redrive_max_ns*. A broker that tells its history is asked for it every *check_every_ns*; 0 for never.
    Finished dialogs leave memory past *keep_finished* or *keep_age_ns*. At most *parked_max* reports a broker
    wait for their order's ack, and at most *open_edits_max* edits of an order are out or held. Orders born at
    a venue belong to *operator*. *fee_factor* is how many times the fee of what was opened is in a position's
    price per unit: by default twice, for the exit to come.
    Of each identity's stream the last *keep_events* statuses are kept for those who come back to it.
    A snapshot is made whenever there are *snapshot_every* records since the last, while the EMS runs as well;
    0: never. What is before the older of the two newest moves into an archive segment then, once there are
    *archive_every* such records; 0: never.

    Raises:
        InvalidMessage: naming each field of another type, or out of its bounds.
    """

    limits: Mapping[str, Limits] = field(default_factory=dict[str, Limits])
    brokers: Mapping[str, Capabilities] = field(default_factory=dict[str, Capabilities])
    request_deadline_ns: int = 5 * SECOND_NS
    margin_ns: int = 2 * SECOND_NS
    ask_every_ns: int = 10 * SECOND_NS
    redrive_max_ns: int = 300 * SECOND_NS
    check_every_ns: int = 60 * SECOND_NS
    keep_finished: int = 10_000
    keep_age_ns: int = 30 * 86_400 * SECOND_NS
    parked_max: int = 1_000
    open_edits_max: int = 16
    keep_events: int = 10_000
    snapshot_every: int = 50_000
    archive_every: int = 50_000
    operator: str = "operator"
    markets: Mapping[str, Market] = field(default_factory=dict[str, Market])
    limit_ticks: Mapping[str, int] = field(default_factory=dict[str, int])
    quote_age_ns: int = 5 * SECOND_NS
    fee_factor: Decimal = ENTRY_AND_EXIT
    declared: Declared = field(default_factory=dict[str, frozenset[str]])

    def __post_init__(self) -> None:
        # Found here, and not by the first order or the first deadline.
        problems = [
            *_wrong_mapping("limits", self.limits, Limits),
            *_wrong_mapping("brokers", self.brokers, Capabilities),
            *_wrong_mapping("markets", self.markets, Market),
            *_wrong_mapping("limit_ticks", self.limit_ticks, int),
            *_wrong_mapping("declared", self.declared, frozenset),
        ]
        problems += [
            f"markets: {fqme} names {market.fqme}, which has an address of its own"
            for fqme, market in (() if problems else self.markets.items())
            if market.fqme != fqme
        ]
        problems += [
            f"limit_ticks: {ticks} of {market} are not 0 to {TICKS_MAX}"
            for market, ticks in (() if problems else self.limit_ticks.items())
            if not 0 <= ticks <= TICKS_MAX
        ]
        for name in _WHOLE:
            value: object = getattr(self, name)
            if type(value) is not int or value < (name in _ABOVE_ZERO):
                least = "above zero" if name in _ABOVE_ZERO else "zero or more"
                problems.append(f"{name}: {value!r} is no whole number {least}")
        problems += _wrong_factor(self.fee_factor)
        if type(self.operator) is not str or not is_name(self.operator):
            problems.append(f"operator: {self.operator!r} is no name, which is 1 to 40 of A-Z a-z 0-9 _ . -")
        if problems:
            raise InvalidMessage(tuple(problems))

    @property
    def patience_ns(self) -> int:
        """How long a question may go unanswered before it is put anew, which takes the older one's worth."""
        return max(self.ask_every_ns, self.request_deadline_ns)

    def capabilities(self, broker: str) -> Capabilities:
        """What *broker* declared, or the defaults."""
        return self.brokers.get(broker, _DEFAULT)

    def limit_ticks_of(self, market: str) -> int:
        """How many price ticks beyond the far touch a dark order of *market* goes out."""
        ticks = self.limit_ticks.get(market)
        return self.limit_ticks.get("*", LIMIT_TICKS) if ticks is None else ticks

    def limits_of(self, market: str) -> Limits | None:
        """The limits in force for *market*."""
        return self.limits.get(market) or self.limits.get("*")


_DEFAULT = Capabilities()
_ABOVE_ZERO = frozenset({"request_deadline_ns", "ask_every_ns"})  # else one moment would never be over
_WHOLE = (
    *sorted(_ABOVE_ZERO), "margin_ns", "redrive_max_ns", "check_every_ns", "keep_finished", "keep_age_ns",
    "keep_events", "snapshot_every", "archive_every", "parked_max", "open_edits_max", "quote_age_ns",
)  # fmt: skip  # one name a line says no more


def _wrong_factor(factor: Decimal) -> tuple[str, ...]:
    """What is no finite number of zero or more."""
    wrong = no_decimals({"fee_factor": factor})
    if wrong or (factor.is_finite() and factor >= 0 and fits(factor)):
        return wrong
    return (f"fee_factor: {factor} is no number of zero or more, of 34 digits within 18 places of the point",)


def _wrong_mapping(name: str, given: object, kind: type) -> Iterator[str]:
    """What is no mapping of text to *kind*; a number that is true or false is none."""
    if not isinstance(given, Mapping):
        yield f"{name}: a mapping is needed, and {given!r} is none"
        return
    for key, value in cast("Mapping[object, object]", given).items():
        if type(key) is not str:
            yield f"{name}: each is named by text, and {brief(key)} is none"
        elif not isinstance(value, kind) or isinstance(value, bool):
            yield f"{name}: {key!r} is given {brief(value)}, and not {kind.__name__}"
