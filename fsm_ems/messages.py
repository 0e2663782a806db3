"""What crosses an edge: client ↔ EMS and EMS ↔ broker, as frozen pydantic models in tagged unions.

Each model's ``name`` is its tag on the wire. Sizes are in the market's base asset, prices in its quote
asset, both Decimal, on the wire as text; times are integer nanoseconds since the epoch, UTC. Unknown
fields are refused.

=================  ==================================================================
client → EMS       :data:`Command`  = ``Order`` | ``Cancel`` | ``Edit``
EMS → client       ``Status``
EMS → broker       :data:`Request`  = ``BrokerdOrder`` | ``BrokerdCancel`` | ``BrokerdEdit`` | ``BrokerdQuery``
broker → EMS       :data:`Report`   = ``BrokerdOrderAck`` | ``BrokerdStatus`` | ``BrokerdFill`` | …
=================  ==================================================================
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from fsm_ems.errors import InvalidMessage, InvalidReport
from fsm_ems.numbers import NotNegative, Positive, Signed

Side = Literal["buy", "sell"]
OrderType = Literal["limit", "market"]
TimeInForce = Literal["gtc", "ioc", "fok", "gtd"]
Direction = Literal["at_or_above", "at_or_below"]
Liquidity = Literal["maker", "taker"]

Oid = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
"""A client's order id or edit id."""
Fqme = Annotated[str, Field(pattern=r"^[a-z0-9_/-]{1,40}\.[a-z0-9_]{1,20}$")]
"""A market's address, ``xbtusd.kraken``: what is traded, a point, the broker."""
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,40}$")]
"""An account's or an identity's name."""
ReqId = Annotated[int | str, Field(union_mode="left_to_right")]
"""A request's id in the form the broker declares."""
VenueId = Annotated[str, Field(min_length=1, max_length=100)]
TimeNs = Annotated[int, Field(ge=0, lt=2**63)]
Text = Annotated[str, Field(max_length=500)]


class Message(BaseModel):
    """Common to all messages: frozen, and unknown fields are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


# ── client → EMS ────────────────────────────────────────────────────────────────────────────────────


class Order(Message):
    """An order or, with side ``alert``, a price to be told about.

    *oid* is the client's own id and its retry key: the same oid with the same body is the same order.
    A ``dark`` order is held by the EMS, and its *price* is the trigger; *direction* says from which side
    the price must be met (derived at submit when left out). *expire_ns* goes with ``gtd`` only.
    """

    name: Literal["order"] = "order"
    oid: Oid
    side: Literal["buy", "sell", "alert"]
    market: Fqme
    size: Positive | None = None
    price: Positive | None = None
    type: OrderType = "limit"
    tif: TimeInForce = "gtc"
    expire_ns: TimeNs | None = None
    post_only: bool = False
    mode: Literal["live", "dark"] = "live"
    direction: Direction | None = None
    account: Name = "main"

    @model_validator(mode="after")
    def _combination(self) -> Order:
        problem = _alert_problem(self) if self.side == "alert" else _order_problem(self)
        if problem is None and (self.tif == "gtd") != (self.expire_ns is not None):
            problem = "expire_ns goes with tif 'gtd', and with no other"
        if problem is not None:
            raise ValueError(problem)
        return self


def _alert_problem(order: Order) -> str | None:
    if order.size is not None:
        return "an alert has no size"
    if order.price is None:
        return "an alert needs a price"
    if order.type != "limit" or order.mode != "live" or order.post_only or order.tif in ("ioc", "fok"):
        return "an alert is never sent: leave type, mode, post_only and tif ioc or fok out"
    return None


def _order_problem(order: Order) -> str | None:
    dark = order.mode == "dark"
    if order.size is None:
        return "an order needs a size"
    if order.price is None and (dark or order.type == "limit"):
        return "a dark order needs its trigger price" if dark else "a limit order needs a price"
    if order.price is not None and order.type == "market" and not dark:
        return "a market order has no price"
    if order.post_only and (dark or order.type == "market" or order.tif in ("ioc", "fok")):
        return "post_only goes with a live limit order, gtc or gtd"
    if order.type == "market" and order.tif == "gtd" and not dark:
        return "a market order cannot rest until a date: use gtc, ioc or fok"
    if order.direction is not None and not dark:
        return "direction goes with a dark order or an alert"
    return None


class Cancel(Message):
    """The owner wants the order gone."""

    name: Literal["cancel"] = "cancel"
    oid: Oid


class Edit(Message):
    """The owner wants new terms. *size* is the new total, what is filled included; None leaves it."""

    name: Literal["edit"] = "edit"
    oid: Oid
    edit_id: Oid
    size: Positive | None = None
    price: Positive | None = None

    @model_validator(mode="after")
    def _something(self) -> Edit:
        if self.size is None and self.price is None:
            raise ValueError("an edit changes size, price or both")
        return self


Command = Annotated[Order | Cancel | Edit, Field(discriminator="name")]

# ── EMS → client ────────────────────────────────────────────────────────────────────────────────────


class Status(Message):
    """What the owner is told after each record of an order.

    *seq* is gap-free in the identity's own stream. *event* is the table's event that led to *state*;
    *then* a second step of the same record. *average_price* is over booked executions, 34 digits.
    *ord_status* is the FIX OrdStatus by precedence (FIX 5.0 SP2 volume 4, Execution Reports).
    *alarm* is set when something cannot be right and a person should look.
    """

    name: Literal["status"] = "status"
    oid: str
    owner: str
    seq: int
    state: str
    event: str
    then: str | None = None
    size: NotNegative | None = None
    price: NotNegative | None = None
    filled: NotNegative
    remaining: NotNegative
    average_price: NotNegative | None = None
    ord_status: str
    reason: str
    report: dict[str, Any] | None = None
    alarm: str | None = None
    time_ns: int
    venue_id: str | None = None


# ── EMS → broker ────────────────────────────────────────────────────────────────────────────────────


class BrokerdOrder(Message):
    """Place an order. After *deadline_ns* the venue must refuse it."""

    name: Literal["brokerd_order"] = "brokerd_order"
    reqid: ReqId
    account: Name
    market: Fqme
    side: Side
    size: Positive
    price: Positive | None = None
    type: OrderType = "limit"
    tif: TimeInForce = "gtc"
    expire_ns: TimeNs | None = None
    post_only: bool = False
    time_ns: TimeNs
    deadline_ns: TimeNs


class _About(Message):
    """A request about an order already sent: *target* is its reqid in force, *venue_id* where known."""

    reqid: ReqId
    account: Name
    target: ReqId
    venue_id: VenueId | None = None
    time_ns: TimeNs
    deadline_ns: TimeNs


class BrokerdCancel(_About):
    """Cancel what is left of an order."""

    name: Literal["brokerd_cancel"] = "brokerd_cancel"


class BrokerdEdit(_About):
    """Replace the terms: *size* is the new total including what is filled."""

    name: Literal["brokerd_edit"] = "brokerd_edit"
    size: Positive
    price: Positive | None = None


class BrokerdQuery(_About):
    """Tell what you know of an order; answered by ``BrokerdStatus`` with *snapshot* set."""

    name: Literal["brokerd_query"] = "brokerd_query"


Request = Annotated[BrokerdOrder | BrokerdCancel | BrokerdEdit | BrokerdQuery, Field(discriminator="name")]

# ── broker → EMS ────────────────────────────────────────────────────────────────────────────────────


class OrderDetails(Message):
    """An order as the venue describes it: enough to adopt one that was born there."""

    market: Fqme
    side: Side
    size: Positive
    price: Positive | None = None
    type: OrderType = "limit"


class _AboutOrder(Message):
    """A report: about the order that *reqid* (any request of its chain) or *venue_id* names."""

    reqid: ReqId | None = None
    venue_id: VenueId | None = None
    account: Name = "main"
    time_ns: TimeNs = 0
    text: Text | None = None


class BrokerdOrderAck(_AboutOrder):
    """The venue gave its id for the order."""

    name: Literal["brokerd_ack"] = "brokerd_ack"
    reqid: ReqId
    venue_id: VenueId


class BrokerdStatus(_AboutOrder):
    """Where the venue says the order stands.

    *cum* is the cumulative filled size it names. With *snapshot* set it answers a query and is no event
    of its own: it fills gaps and never takes anything back; *query* echoes the query's id, and ``absent``
    is known to snapshots only. *details* in a snapshot are the terms in force.
    *resumes* goes with ``done_for_day``: whether the order trades again another day.
    """

    name: Literal["brokerd_status"] = "brokerd_status"
    status: Literal[
        "pending_new",
        "open",
        "pending_cancel",
        "pending_edit",
        "stopped",
        "done_for_day",
        "filled",
        "cancelled",
        "rejected",
        "expired",
        "absent",
    ]
    cum: NotNegative | None = None
    snapshot: bool = False
    query: ReqId | None = None
    resumes: bool = False
    details: OrderDetails | None = None

    @model_validator(mode="after")
    def _combination(self) -> BrokerdStatus:
        if self.status == "absent" and not self.snapshot:
            raise ValueError("status 'absent' answers a query only")
        return self


class BrokerdFill(_AboutOrder):
    """One execution, identified by (broker, account, *exec_id*). *fee* below zero is a rebate."""

    name: Literal["brokerd_fill"] = "brokerd_fill"
    exec_id: VenueId
    size: Positive
    price: Positive
    fee: Signed = Decimal(0)
    fee_asset: Name | None = None
    liquidity: Liquidity | None = None
    cum: NotNegative | None = None
    details: OrderDetails | None = None


class BrokerdBust(_AboutOrder):
    """The execution *ref_id* is undone. *exec_id* is the bust's own id."""

    name: Literal["brokerd_bust"] = "brokerd_bust"
    exec_id: VenueId
    ref_id: VenueId


class BrokerdCorrection(_AboutOrder):
    """The execution *ref_id* is replaced by this one."""

    name: Literal["brokerd_correction"] = "brokerd_correction"
    exec_id: VenueId
    ref_id: VenueId
    size: Positive
    price: Positive
    fee: Signed = Decimal(0)
    fee_asset: Name | None = None
    liquidity: Liquidity | None = None


class BrokerdReplaced(_AboutOrder):
    """The edit *reqid* is in force; *size*, *price* where the venue names them."""

    name: Literal["brokerd_replaced"] = "brokerd_replaced"
    reqid: ReqId
    size: Positive | None = None
    price: Positive | None = None


class BrokerdRefused(_AboutOrder):
    """The request *reqid* is refused; the order it was about is not touched by that.

    The refusal of an order itself is ``BrokerdStatus`` with ``rejected``; ``submit`` here is the refusal
    of a second copy of an order that lives. *target* is a reqid of the order where the refused request's
    own id may be unknown.
    """

    name: Literal["brokerd_refused"] = "brokerd_refused"
    request: Literal["submit", "cancel", "edit"]
    reqid: ReqId
    target: ReqId | None = None
    code: Literal["too_late", "unknown_order", "pending", "duplicate", "other"] = "other"


class BrokerdRestated(_AboutOrder):
    """The venue changed terms without a request. *split* multiplies sizes and divides prices."""

    name: Literal["brokerd_restated"] = "brokerd_restated"
    size: Positive | None = None
    price: Positive | None = None
    cum: NotNegative | None = None
    split: Positive | None = None


class BrokerdError(_AboutOrder):
    """A reply to *reqid* that does not tell what became of it."""

    name: Literal["brokerd_error"] = "brokerd_error"
    reqid: ReqId


Report = Annotated[
    BrokerdOrderAck
    | BrokerdStatus
    | BrokerdFill
    | BrokerdBust
    | BrokerdCorrection
    | BrokerdReplaced
    | BrokerdRefused
    | BrokerdRestated
    | BrokerdError,
    Field(discriminator="name"),
]

# ── reading ─────────────────────────────────────────────────────────────────────────────────────────

_commands: TypeAdapter[Command] = TypeAdapter(Command)
_requests: TypeAdapter[Request] = TypeAdapter(Request)
_reports: TypeAdapter[Report] = TypeAdapter(Report)

_T = TypeVar("_T")


def _problems(error: ValidationError) -> tuple[str, ...]:
    return tuple(
        f"{'.'.join(str(part) for part in problem['loc']) or 'message'}: {problem['msg']}"
        for problem in error.errors(include_url=False, include_context=False, include_input=False)
    )


def parse_command(source: Mapping[str, Any] | str | bytes) -> Command:
    """A client's command from a mapping or from JSON text.

    Raises:
        InvalidMessage: naming each wrong field.
    """
    try:
        return _commands.validate_json(source) if isinstance(source, str | bytes) else _commands.validate_python(source)
    except ValidationError as error:
        raise InvalidMessage(_problems(error)) from None


def parse_report(source: Mapping[str, Any] | str | bytes) -> Report:
    """A broker's report from a mapping or from JSON text.

    Raises:
        InvalidReport: naming each wrong field.
    """
    try:
        return _reports.validate_json(source) if isinstance(source, str | bytes) else _reports.validate_python(source)
    except ValidationError as error:
        raise InvalidReport(_problems(error)) from None


def parse_request(source: Mapping[str, Any] | str | bytes) -> Request:
    """The EMS's request as a broker reads it.

    Raises:
        InvalidMessage: naming each wrong field.
    """
    try:
        return _requests.validate_json(source) if isinstance(source, str | bytes) else _requests.validate_python(source)
    except ValidationError as error:
        raise InvalidMessage(_problems(error)) from None
