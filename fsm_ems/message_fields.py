"""What the two halves of the messages share: the base model and the field types."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, TypeVar, cast, dataclass_transform

from pydantic import ConfigDict, Field, PlainValidator, Strict, TypeAdapter, WithJsonSchema
from pydantic.dataclasses import dataclass
from pydantic_core import PydanticCustomError, SchemaSerializer

Side = Literal["buy", "sell"]
OrderType = Literal["limit", "market"]
TimeInForce = Literal["gtc", "ioc", "fok", "gtd"]
Direction = Literal["at_or_above", "at_or_below"]
Trigger = Literal["price", "stop", "touch", "trail"]
Liquidity = Literal["maker", "taker"]

Oid = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
"""A client's order id or edit id."""
_BROKER_FORM = "[a-z0-9_]{1,20}"
_FQME_FORM = rf"[a-z0-9_/-]{{1,40}}\.{_BROKER_FORM}"
Fqme = Annotated[str, Field(pattern=f"^{_FQME_FORM}$")]
"""A market's address, ``xbtusd.kraken``: what is traded, a point, the broker."""
_NAME_FORM = r"\.*[A-Za-z0-9_-][A-Za-z0-9_.-]*"
_NAME_MAX = 40
Name = Annotated[str, Field(pattern=f"^{_NAME_FORM}$", max_length=_NAME_MAX)]
"""An account's, an identity's or an asset's name. Not of points alone: an account's ledger is in a folder of
that name.
"""


def is_name(text: object) -> bool:
    """Whether *text* is a :data:`Name`."""
    return isinstance(text, str) and len(text) <= _NAME_MAX and re.fullmatch(_NAME_FORM, text) is not None


def is_broker(text: object) -> bool:
    """Whether *text* may be the last part of a :data:`Fqme`."""
    return isinstance(text, str) and re.fullmatch(_BROKER_FORM, text) is not None


def is_fqme(text: object) -> bool:
    """Whether *text* is a :data:`Fqme`."""
    return isinstance(text, str) and re.fullmatch(_FQME_FORM, text) is not None


_INT_END = 2**63
_REQID_MAX = 100
USUAL_REQID = rf"^[ -~]{{1,{_REQID_MAX}}}$"
"""The usual form of a request's id, for :mod:`fsm_ems.usual`: printable text in ASCII."""


def reqid(value: object) -> int | str:
    """A request's id: an int of 64 bits or printable text.

    Raises:
        PydanticCustomError: anything else.
    """
    if isinstance(value, str):
        text = str.__str__(value)  # of a subclass too, which may have its own mind about what follows
        if 0 < len(text) <= _REQID_MAX and text.isprintable():  # which half a surrogate pair is not
            return text
    elif type(value) is int and -_INT_END <= value < _INT_END:
        return value
    raise PydanticCustomError("reqid", "an int of 64 bits or printable text, at most 100 long, is needed")


ReqId = Annotated[
    int | str, PlainValidator(reqid), WithJsonSchema({"anyOf": [{"type": "integer"}, {"type": "string"}]})
]
"""A request's id in the form the broker declares."""
VenueId = Annotated[str, Field(min_length=1, max_length=100)]
Flag = Annotated[bool, Strict()]
TimeNs = Annotated[int, Strict(), Field(ge=0, lt=2**63)]
TAPE_END_NS = 2**62
"""Rows and commands of a tape come before it, in the year 2116: what they make due later is still a time."""
TICKS_MAX = 10_000
Ticks = Annotated[int, Strict(), Field(ge=0, le=TICKS_MAX)]
"""A distance in price ticks."""
Text = Annotated[str, Field(max_length=500)]


_T = TypeVar("_T")


@dataclass_transform(frozen_default=True, kw_only_default=True)
def message(cls: type[_T]) -> type[_T]:
    """Make *cls* a message: validated when made, frozen, unknown fields refused, keyword-only.

    A slotted dataclass rather than a BaseModel: half the cost to make, and its fields are plain slots.
    """
    config = ConfigDict(extra="forbid", hide_input_in_errors=True)
    return cast("type[_T]", dataclass(frozen=True, slots=True, kw_only=True, config=config)(cls))


_serializers: dict[type[Any], SchemaSerializer] = {}


def _serializer(cls: type[Any]) -> SchemaSerializer:
    serializer = _serializers.get(cls)
    if serializer is None:
        made = TypeAdapter(cls).serializer
        assert isinstance(made, SchemaSerializer)
        serializer = _serializers[cls] = made
    return serializer


@message
class Message:
    """Common to all messages."""

    def to_json(self, *, exclude_none: bool = False) -> str:
        """The message as JSON text in ASCII, its fields in order."""
        return (
            _serializer(type(self))
            .to_json(self, exclude_none=exclude_none, ensure_ascii=True)
            .decode("ascii")
        )

    def as_fields(self) -> dict[str, Any]:
        """The fields that differ from their defaults, as JSON would have them; first the *name*, which says
        what it is to whoever reads them back.
        """
        fields: dict[str, Any] = _serializer(type(self)).to_python(self, mode="json", exclude_defaults=True)
        tag: str | None = getattr(self, "name", None)  # what is only a part of messages has none
        return fields if tag is None else {"name": tag, **fields}
