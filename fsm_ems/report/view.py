"""Which prices a page shows at first, and which orders it must name because they lie outside.

One order at half the market's price would squeeze the whole tape into a line.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal
from itertools import chain
from typing import NamedTuple

from fsm_ems.dialogs.facts import EXACT, ZERO
from fsm_ems.report.life import Life
from fsm_ems.report.looks import ON_PRICE
from fsm_ems.report.track import Shown

MARGIN = Decimal("0.05")
"""How much is left free beyond the outermost price, as a share of the height without it."""
HALF = Decimal("0.5")
NEAR = HALF
"""An order is shown if it lies no further from the market than this share of what the market crossed."""
STILL_TICKS = 20
"""A market that did not move is shown as if it had moved so far."""


class Beyond(NamedTuple):
    """An order with a price that is not in view, and the nearest such price."""

    oid: str
    price: Decimal


class View(NamedTuple):
    """The prices in view, from *low* to *high*, and the orders beyond, the nearest first."""

    low: Decimal
    high: Decimal
    below: tuple[Beyond, ...]
    above: tuple[Beyond, ...]


def first_view(shown: Shown, lives: Iterable[Life], tick: Decimal) -> View | None:
    """All that the market showed, all fills, and the orders near them; None without market and fills.

    *tick* is the market's price tick.
    """
    found = tuple(lives)
    points = chain(shown.bids.points, shown.asks.points, shown.prints.points)
    market = [point.price for point in points if point.price is not None]
    market += [fill.price for life in found for fill in life.fills]
    if not market:
        return None
    low, high = min(market), max(market)
    span = max(EXACT.subtract(high, low), EXACT.multiply(tick, STILL_TICKS))
    reach = EXACT.multiply(span, NEAR)
    lowest, highest = EXACT.subtract(low, reach), EXACT.add(high, reach)
    near = [price for life in found for price in _prices(life) if lowest <= price <= highest]
    low, high = min([low, *near]), max([high, *near])
    height = EXACT.subtract(high, low)
    still = EXACT.multiply(max(EXACT.subtract(span, height), ZERO), HALF)
    margin = EXACT.add(still, EXACT.multiply(max(height, span), MARGIN))
    beyond = [(life.oid, price) for life in found for price in _prices(life)]
    return View(
        EXACT.subtract(low, margin),
        EXACT.add(high, margin),
        _nearest((oid, price) for oid, price in sorted(beyond, key=_price, reverse=True) if price < lowest),
        _nearest((oid, price) for oid, price in sorted(beyond, key=_price) if price > highest),
    )


def _prices(life: Life) -> Iterator[Decimal]:
    """Every price at which something of an order is drawn, fills apart."""
    yield from (terms.price for terms in life.terms)
    yield from (mark.price for mark in life.marks if mark.kind in ON_PRICE and mark.price is not None)


def _price(found: tuple[str, Decimal]) -> Decimal:
    return found[1]


def _nearest(found: Iterable[tuple[str, Decimal]]) -> tuple[Beyond, ...]:
    """Each order once, at the first of its prices."""
    prices: dict[str, Decimal] = {}
    for oid, price in found:
        prices.setdefault(oid, price)
    return tuple(Beyond(oid, price) for oid, price in prices.items())
