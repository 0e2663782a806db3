"""A market: what may be traded in which steps, and what it costs. Pure data, Decimal throughout."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from difflib import get_close_matches
from functools import lru_cache
from sys import intern
from typing import Literal

from fsm_ems.errors import InvalidMessage, brief, cut
from fsm_ems.numbers import fits, no_decimals
from fsm_ems.value import Value

Asset = str
"""An asset is its name, such as ``xbt``: whatever has the same name is the same asset, at every broker.

Nothing here needs to know more of one. In which steps its amounts come is a matter of each market.
"""
FillModel = Literal["touch", "through", "queue"]


_ADDRESS_MAX = 61
_NAMED_MAX = 8
"""So many markets are named to whoever names one that there is not."""


@lru_cache(maxsize=4_096)
def broker_of(fqme: str) -> str:
    """The last part of a market's address: the broker that it is traded at. One text, however often asked."""
    return intern(fqme.rpartition(".")[2])


class Market(Value, frozen=True):
    """A market found by its address *fqme*, such as ``xbtusd.kraken``.

    *price_tick* is in quote units, *size_tick* and *min_size* in base units, *min_cost* (size times
    price) in quote units; *maker_bps* and *taker_bps* are basis points of the cost.

    Raises:
        InvalidMessage: a name is no text; a number is no Decimal, or not finite, or has more than 34 digits
            or 18 places, so that no request could keep to it; a tick is not above zero, a minimum below zero.
    """

    fqme: str
    base: Asset
    quote: Asset
    price_tick: Decimal
    size_tick: Decimal
    min_size: Decimal = Decimal(0)
    min_cost: Decimal = Decimal(0)
    maker_bps: Decimal = Decimal(0)
    taker_bps: Decimal = Decimal(0)

    def __post_init__(self) -> None:
        texts: dict[str, object] = {"fqme": self.fqme, "base": self.base, "quote": self.quote}
        wrong = tuple(
            f"{name}: text is needed, and {brief(one)} is none"
            for name, one in texts.items()
            if not isinstance(one, str)
        )
        if wrong:
            raise InvalidMessage(wrong)
        # Found here, and not by the first order that goes out at a tick: its record would be written by then.
        ticks = {"price_tick": self.price_tick, "size_tick": self.size_tick}
        least = {"min_size": self.min_size, "min_cost": self.min_cost}
        fees = {"maker_bps": self.maker_bps, "taker_bps": self.taker_bps}
        problems = no_decimals(ticks | least | fees)
        if not problems:
            problems = (
                *(f"{name} must be above zero" for name, tick in ticks.items() if not _above(tick)),
                *(f"{name} must be zero or more" for name, low in least.items() if low and not _above(low)),
                *(f"{name} must be a finite number" for name, bps in fees.items() if not bps.is_finite()),
            ) or tuple(
                f"{name}: at most 34 digits, within 18 places of the point, are taken"
                for name, number in (ticks | least | fees).items()
                if not fits(number)
            )
        if problems:
            raise InvalidMessage(tuple(f"{self.fqme}: {problem}" for problem in problems))

    @property
    def broker(self) -> str:
        """The last part of the address."""
        return broker_of(self.fqme)


Declared = Mapping[str, frozenset[str]]
"""The addresses of the markets that each broker which is opened declares; none: it takes every market."""


def unknown_market(declared: Declared, fqme: str) -> str | None:
    """Why *fqme* is no market of its broker, which declares others, and what those are; None where it may be
    one.
    """
    broker = broker_of(fqme)
    markets = declared.get(broker)
    if not markets or fqme in markets:
        return None
    return f"{broker} has no market {_address(fqme)}: {_named(fqme, sorted(markets))}"


def not_traded(declared: Declared, fqme: str) -> str | None:
    """As :func:`unknown_market`, and why where the broker of *fqme* is not opened, but another one is that
    declares its markets.
    """
    markets = sorted(market for one in declared.values() for market in one)
    if not markets or broker_of(fqme) in declared:
        return unknown_market(declared, fqme)
    opened, known = ", ".join(sorted(declared)), _named(fqme, markets)
    return f"no broker of market {_address(fqme)} is opened: opened are {opened}; {known}"


def _address(fqme: str) -> str:
    return cut(fqme, _ADDRESS_MAX)


def _named(fqme: str, known: Sequence[str]) -> str:
    """All of *known* where they are few, else those that are written nearly as *fqme* is."""
    if len(known) <= _NAMED_MAX:
        return f"known are {', '.join(known)}"
    near = get_close_matches(_address(fqme), known, n=_NAMED_MAX)
    return f"{len(known)} are known" + (f", near it {', '.join(near)}" if near else "")


def _above(number: Decimal) -> bool:
    return number.is_finite() and number > 0
