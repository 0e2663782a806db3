"""What the paper venue refuses and what it charges: rules 2 and 7, and the forms an order may have.

A broken rule is told as ``name: what is wrong``; nothing is ever rounded to keep one.
"""

from __future__ import annotations

from decimal import Decimal
from typing import get_args

from fsm_ems.dialogs.facts import EXACT, PRECISE
from fsm_ems.errors import InvalidMessage
from fsm_ems.market import FillModel, Market
from fsm_ems.message_fields import is_name
from fsm_ems.messages import BrokerdOrder, Liquidity
from fsm_ems.numbers import PLACES_MAX, plain

# So that no sum of fills and no cost can outgrow what a message may carry (fsm_ems.numbers).
SIZE_END = Decimal(10) ** 16
COST_END = Decimal(10) ** PLACES_MAX
BPS_END = Decimal(10_000)
_LAST_PLACE = Decimal(1).scaleb(-PLACES_MAX)


def check_market(market: Market) -> None:
    """Whether the venue can run *market* at all.

    Raises:
        InvalidMessage: naming each field that makes no sense.
    """
    problems = [
        f"{market.fqme}: {name} {asset!r} is no asset's name, which is 1 to 40 of A-Z a-z 0-9 _ . -"
        for name, asset in (("base", market.base), ("quote", market.quote))
        if not is_name(asset)
    ]
    problems += [
        f"{market.fqme}: {name} must lie within {BPS_END} basis points"
        for name, bps in (("maker_bps", market.maker_bps), ("taker_bps", market.taker_bps))
        if abs(bps) >= BPS_END
    ]
    if problems:
        raise InvalidMessage(tuple(problems))


def check_options(fill_model: str, latency_ns: object) -> None:
    """Whether the venue can run so.

    Raises:
        InvalidMessage: naming each option that makes no sense.
    """
    problems: list[str] = []
    if fill_model not in get_args(FillModel):
        problems.append(f"fill_model: {fill_model!r} is none of {', '.join(get_args(FillModel))}")
    if type(latency_ns) is not int or latency_ns < 0:
        problems.append(f"latency_ns: {latency_ns!r} is no whole number of nanoseconds, zero or more")
    if problems:
        raise InvalidMessage(tuple(problems))


def wrong_form(order: BrokerdOrder) -> str | None:
    """A combination of terms that has no meaning."""
    if order.type == "market":
        if order.price is not None:
            return "price: a market order has none"
        if order.post_only:
            return "post_only: a market order always takes"
    elif order.price is None:
        return "price: a limit order needs one"
    if order.post_only and order.tif in ("ioc", "fok"):
        return f"post_only: an order that is {order.tif} always takes"
    if order.tif == "gtd" and order.expire_ns is None:
        return "expire_ns: an order that is gtd needs it"
    return None


def broken_rule(market: Market, size: Decimal, price: Decimal | None, far: Decimal | None) -> str | None:
    """Rule 2 for a total *size* at *price*, or at market; *far* is the price it takes at, if it takes.

    The minimum cost is measured at the limit; of a market order at *far*, and not at all without one.
    """
    if price is not None and EXACT.remainder(price, market.price_tick):
        return f"price_tick: {plain(price)} is no multiple of {plain(market.price_tick)}"
    if EXACT.remainder(size, market.size_tick):
        return f"size_tick: {plain(size)} is no multiple of {plain(market.size_tick)}"
    if size < market.min_size:
        return f"min_size: {plain(size)} is below {plain(market.min_size)}"
    if size >= SIZE_END:
        return f"max_size: {plain(size)} is not below {plain(SIZE_END)}"
    worth = far if price is None else price
    if worth is None:
        return None
    cost = EXACT.multiply(size, worth)
    if cost < market.min_cost:
        return f"min_cost: {plain(cost)} is below {plain(market.min_cost)}"
    if max(cost, EXACT.multiply(size, far or worth)) >= COST_END:
        return f"max_cost: {plain(cost)} is not below {plain(COST_END)}"
    return None


def fee(size: Decimal, price: Decimal, bps: Decimal) -> Decimal:
    """``size × price × bps / 10000`` in the quote asset; below zero for a rebate.

    Exact: rounded, half to even, only beyond 18 places or 34 digits, which no message can carry.
    """
    charged = EXACT.multiply(EXACT.multiply(size, price), bps).scaleb(-4, EXACT)
    exponent = charged.as_tuple().exponent
    if isinstance(exponent, int) and exponent < -PLACES_MAX:
        charged = charged.quantize(_LAST_PLACE, context=EXACT)
    return PRECISE.plus(charged)


def charge(market: Market, size: Decimal, price: Decimal, liquidity: Liquidity) -> Decimal:
    """The :func:`fee` of an execution in *market*, by who was there first."""
    return fee(size, price, market.maker_bps if liquidity == "maker" else market.taker_bps)
