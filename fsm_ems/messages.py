"""What crosses an edge, client ↔ EMS and EMS ↔ broker: frozen dataclasses in tagged unions, by pydantic.

Each one's ``name`` is its tag on the wire. Sizes are in the market's base asset, prices in its quote
asset, both Decimal, on the wire as text; times are integer nanoseconds since the epoch, UTC. Unknown
fields are refused.

=================  ==================================================================
client → EMS       :data:`Command`  = ``Order`` | ``Cancel`` | ``Edit``
EMS → client       ``Status`` | ``Resync``
EMS → broker       :data:`Request`  = ``BrokerdOrder`` | ``BrokerdCancel`` | …
broker → EMS       :data:`Report`   = ``BrokerdOrderAck`` | ``BrokerdStatus`` | ``BrokerdFill`` | …
=================  ==================================================================
"""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from typing import Annotated, Any, Literal, TypeVar

from pydantic import Field, TypeAdapter, ValidationError, model_validator
from pydantic_core import ErrorDetails

from fsm_ems.brokerd import (
    AnyReport,
    BrokerdBust,
    BrokerdCancel,
    BrokerdCorrection,
    BrokerdEdit,
    BrokerdError,
    BrokerdExpiry,
    BrokerdFill,
    BrokerdHistory,
    BrokerdHistoryQuery,
    BrokerdOrder,
    BrokerdOrderAck,
    BrokerdPosition,
    BrokerdQuery,
    BrokerdRefused,
    BrokerdReplaced,
    BrokerdRestated,
    BrokerdSplit,
    BrokerdStatus,
    BrokerdTransfer,
    OrderDetails,
    PositionReport,
    Report,
    Request,
    VenueReport,
)
from fsm_ems.errors import InvalidMessage, InvalidReport
from fsm_ems.message_fields import (
    Direction,
    Flag,
    Fqme,
    Liquidity,
    Message,
    Name,
    Oid,
    OrderType,
    Side,
    Ticks,
    TimeInForce,
    TimeNs,
    Trigger,
    message,
)
from fsm_ems.numbers import Positive
from fsm_ems.told import Resync, Status
from fsm_ems.usual import usual_first

__all__ = [
    "AnyReport",
    "BrokerdBust",
    "BrokerdCancel",
    "BrokerdCorrection",
    "BrokerdEdit",
    "BrokerdError",
    "BrokerdExpiry",
    "BrokerdFill",
    "BrokerdHistory",
    "BrokerdHistoryQuery",
    "BrokerdOrder",
    "BrokerdOrderAck",
    "BrokerdPosition",
    "BrokerdQuery",
    "BrokerdRefused",
    "BrokerdReplaced",
    "BrokerdRestated",
    "BrokerdSplit",
    "BrokerdStatus",
    "BrokerdTransfer",
    "Cancel",
    "Command",
    "Direction",
    "Edit",
    "Fqme",
    "Liquidity",
    "Message",
    "Name",
    "Oid",
    "Order",
    "OrderDetails",
    "OrderType",
    "PositionReport",
    "Report",
    "Request",
    "Resync",
    "Side",
    "Status",
    "TimeInForce",
    "TimeNs",
    "Trigger",
    "VenueReport",
    "parse_command",
    "parse_report",
    "parse_request",
]

# ── client → EMS ────────────────────────────────────────────────────────────────────────────────────


@message
class Order(Message):
    """An order or, with side ``alert``, a price to be told about.

    *oid* is the client's own id and its retry key; *expire_ns* goes with ``gtd`` only.

    A ``dark`` order is held by the EMS, and its *price* is what triggers it. *trigger* ``price`` is met from
    the side *direction* names, or from where the market stands at submit; a ``stop`` is met when the market
    has gone against the order (a buy's at or above), ``touch`` (limit-if-touched) when it has come towards
    it (a buy's at or below). A ``trail`` is a stop that follows the ask (a buy's) or the bid at the distance
    *trail* (quote units), on the market's tick, and prints only while no quote is fresh; without a *price* it
    begins there, else behind the last print. Met, it goes out *limit_ticks* beyond the far touch (the
    setting's where None), or at market if that is its *type*. Only rows that come after the submit, or after
    the edit of its price, are compared: one that met it before does not fire it.

    *when_down*: a live order that comes while the broker's link is not up waits, or is refused
    (``link_down``). *if_absent*: an order that was sent and is proven never to have arrived ends
    (``reject``), or is sent again, once, under a new request id (``resend``).
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
    post_only: Flag = False
    mode: Literal["live", "dark"] = "live"
    direction: Direction | None = None
    trigger: Trigger = "price"
    trail: Positive | None = None
    limit_ticks: Ticks | None = None
    when_down: Literal["wait", "refuse"] = "wait"
    if_absent: Literal["reject", "resend"] = "reject"
    account: Name = "main"

    @model_validator(mode="after")
    def _combination(self) -> Order:
        problem = _alert_problem(self) if self.side == "alert" else _order_problem(self)
        problem = problem or _down_problem(self)
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
    kept = order.type == "limit" and order.mode == "live" and order.if_absent == "reject"
    if not kept or order.post_only or order.tif in ("ioc", "fok"):
        return "an alert is never sent: leave type, mode, post_only, if_absent and tif ioc or fok out"
    if order.trigger != "price" or order.trail is not None or order.limit_ticks is not None:
        return "an alert is met at its price: leave trigger, trail and limit_ticks out"
    return None


def _order_problem(order: Order) -> str | None:
    dark = order.mode == "dark"
    if order.size is None:
        return "an order needs a size"
    if order.price is None and (order.trigger != "trail" if dark else order.type == "limit"):
        return "a dark order needs its trigger price" if dark else "a limit order needs a price"
    if order.price is not None and order.type == "market" and not dark:
        return "a market order has no price"
    if order.post_only and (dark or order.type == "market" or order.tif in ("ioc", "fok")):
        return "post_only goes with a live limit order, gtc or gtd"
    if order.type == "market" and order.tif == "gtd" and not dark:
        return "a market order cannot rest until a date: use gtc, ioc or fok"
    return _trigger_problem(order)


def _down_problem(order: Order) -> str | None:
    if order.when_down == "refuse" and (order.mode == "dark" or order.side == "alert"):
        return "when_down goes with a live order: what is held here needs no link to be taken"
    return None


def _trigger_problem(order: Order) -> str | None:
    if order.mode != "dark":
        if order.direction is not None:
            return "direction goes with a dark order or an alert"
        if order.trigger != "price" or order.trail is not None or order.limit_ticks is not None:
            return "trigger, trail and limit_ticks go with a dark order"
        return None
    if (order.trail is not None) != (order.trigger == "trail"):
        return "trail, a distance in the quote asset, goes with trigger 'trail', and with no other"
    if order.trigger != "price" and order.direction is not None:
        return f"the direction of trigger {order.trigger!r} follows from the side: leave it out"
    if order.limit_ticks is not None and order.type == "market":
        return "an order that goes out at market has no limit: leave limit_ticks out"
    return None


@message
class Cancel(Message):
    """The owner wants the order gone."""

    name: Literal["cancel"] = "cancel"
    oid: Oid


@message
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

# ── reading ─────────────────────────────────────────────────────────────────────────────────────────

_T = TypeVar("_T")
_Source = Mapping[str, Any] | str | bytes


class _Repeated(Exception):
    """A field stands twice in one object, and nobody can tell which is meant."""


def _once(fields: list[tuple[str, Any]]) -> None:
    seen: set[str] = set()
    for field, _ in fields:
        if field in seen:
            raise _Repeated(f"{field}: it stands there twice")
        seen.add(field)


def _reader(adapter: TypeAdapter[_T]) -> Callable[[_Source], _T]:
    # The validators themselves, without the adapter's own call around them: a sixth of the cost of a fill.
    usual, precise = usual_first(adapter), adapter.validator
    from_fields, from_text = usual.validate_python, usual.validate_json

    def read(source: _Source) -> _T:
        parsed: _T
        if isinstance(source, dict) or not isinstance(source, (str, bytes)):  # a yes is quicker than a no
            try:
                parsed = from_fields(source)
            except ValidationError:
                parsed = precise.validate_python(source)
        else:
            try:
                parsed = from_text(source)
            except ValidationError:
                parsed = precise.validate_json(source)
            json.loads(source, object_pairs_hook=_once)  # after it was found sound, and not deep
        return parsed

    return read


_commands: Callable[[_Source], Command] = _reader(TypeAdapter(Command))
_requests: Callable[[_Source], Request] = _reader(TypeAdapter(Request))
_reports: Callable[[_Source], AnyReport] = _reader(TypeAdapter(AnyReport))


_WORDS = {"unexpected_keyword_argument": "there is no such field"}  # where pydantic speaks of its own insides
_FORMS = {  # and where it would show the expression that was not matched
    "market": "what is traded, a point and the broker are needed, in lower case, such as xbtusd.paper",
    "account": "a name of 1 to 40 letters, digits, '_', '.' and '-' is needed, not of points alone",
    "oid": "an id of 1 to 64 letters, digits, '_' and '-' is needed",
    "edit_id": "an id of 1 to 64 letters, digits, '_' and '-' is needed",
}


def _said(problem: ErrorDetails) -> str:
    kind, field = problem["type"], problem["loc"][-1] if problem["loc"] else ""
    if kind in ("string_pattern_mismatch", "string_too_long") and field in _FORMS:
        return _FORMS[str(field)]
    return _WORDS.get(kind) or problem["msg"].removeprefix("Value error, ")


def _problems(error: ValidationError | _Repeated) -> tuple[str, ...]:
    if isinstance(error, _Repeated):
        return (str(error),)
    return tuple(map(_told, error.errors(include_url=False, include_context=False, include_input=False)))


def _told(problem: ErrorDetails) -> str:
    where = ".".join(str(part) for part in problem["loc"])
    if not where and problem["type"] == "value_error":
        return _said(problem)  # of several fields, which it names itself
    return f"{where or 'message'}: {_said(problem)}"


@contextmanager
def named_faults() -> Generator[None]:
    """Make a message inside: what is wrong with its fields is told as ours, and not as pydantic's.

    Raises:
        InvalidMessage: naming each wrong field.
    """
    try:
        yield
    except ValidationError as error:
        raise InvalidMessage(_problems(error)) from None


def parse_command(source: Mapping[str, Any] | str | bytes) -> Command:
    """A client's command from a mapping or from JSON text.

    Raises:
        InvalidMessage: naming each wrong field.
    """
    try:
        return _commands(source)
    except (ValidationError, _Repeated) as error:
        raise InvalidMessage(_problems(error)) from None


def parse_report(source: Mapping[str, Any] | str | bytes) -> AnyReport:
    """A broker's report from a mapping or from JSON text.

    Raises:
        InvalidReport: naming each wrong field.
    """
    try:
        return _reports(source)
    except (ValidationError, _Repeated) as error:
        raise InvalidReport(_problems(error)) from None


def parse_request(source: Mapping[str, Any] | str | bytes) -> Request:
    """The EMS's request as a broker reads it.

    Raises:
        InvalidMessage: naming each wrong field.
    """
    try:
        return _requests(source)
    except (ValidationError, _Repeated) as error:
        raise InvalidMessage(_problems(error)) from None
