"""What the two halves of the messages share: the base model and the field types."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

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


def _reqid(value: object) -> int | str:
    if type(value) is str or type(value) is int:
        return value
    raise PydanticCustomError("reqid", "an int or text is needed")


ReqId = Annotated[
    int | str, PlainValidator(_reqid), WithJsonSchema({"anyOf": [{"type": "integer"}, {"type": "string"}]})
]
"""A request's id in the form the broker declares."""
VenueId = Annotated[str, Field(min_length=1, max_length=100)]
TimeNs = Annotated[int, Field(ge=0, lt=2**63)]
Text = Annotated[str, Field(max_length=500)]


class Message(BaseModel):
    """Common to all messages: frozen, and unknown fields are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)
