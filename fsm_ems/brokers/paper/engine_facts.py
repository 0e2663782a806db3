"""What the paper venue decides, as facts: applying them in their order gives its orders again.

A fact says what happened and never why it was allowed: :class:`~fsm_ems.brokers.paper.engine.PaperEngine`
decides, :meth:`~fsm_ems.brokers.paper.engine_apply.VenueBook.apply` follows. Sizes are in the market's base
asset, prices in its quote asset, times in ns since the epoch. What a market displays, and how much stands
ahead of an order in the market's queue, are no facts of the venue: rows tell them.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

from fsm_ems.messages import BrokerdOrder, Liquidity, OrderType, Side, TimeInForce
from fsm_ems.value import Value


class Terms(Value, frozen=True, forbid_unknown_fields=True):
    """An order as its owner asked for it; *size* is the total."""

    reqid: int | str
    account: str
    market: str
    side: Side
    size: Decimal
    price: Decimal | None
    type: OrderType
    tif: TimeInForce
    expire_ns: int | None
    post_only: bool


def terms_of(request: BrokerdOrder) -> Terms:
    """The terms that *request* asks for."""
    return Terms(
        request.reqid,
        request.account,
        request.market,
        request.side,
        request.size,
        request.price,
        request.type,
        request.tif,
        request.expire_ns,
        request.post_only,
    )


class _Fact(Value, frozen=True, tag_field="kind", tag=True, forbid_unknown_fields=True):
    """Any fact: when the venue made it."""

    time_ns: int


class Rejected(_Fact, frozen=True):
    """An order is refused; its reqid is used up."""

    terms: Terms
    text: str


class Accepted(_Fact, frozen=True):
    """An order lives here under this id."""

    venue_id: str
    terms: Terms


class Rested(_Fact, frozen=True):
    """What is left of an order rests behind all that rest at its price: *rank* is its time priority."""

    venue_id: str
    rank: int


class Executed(_Fact, frozen=True):
    """An order traded; with nothing left it has ended."""

    venue_id: str
    exec_id: str
    size: Decimal
    price: Decimal
    fee: Decimal
    fee_asset: str
    liquidity: Liquidity


class Replaced(_Fact, frozen=True):
    """The edit *reqid* is in force, with these terms. What is filled already ends the order.

    Without *keeps_rank* it rests no more, and another fact tells where it goes.
    """

    venue_id: str
    reqid: int | str
    size: Decimal
    price: Decimal
    keeps_rank: bool


class EditRefused(_Fact, frozen=True):
    """The edit *reqid* is refused, and names its order from here on."""

    venue_id: str
    reqid: int | str
    text: str


class Ended(_Fact, frozen=True):
    """An order is over before all of it has traded."""

    venue_id: str
    standing: Literal["cancelled", "expired"]
    text: str


Fact = Rejected | Accepted | Rested | Executed | Replaced | EditRefused | Ended
