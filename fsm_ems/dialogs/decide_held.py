"""What of an order is held here: the price that it waits for, and the side from which that is met.

Pure as all of :mod:`fsm_ems.dialogs.decide`. A refusal is raised as :class:`~fsm_ems.errors.Refused`.
"""

from __future__ import annotations

from decimal import Decimal

from fsm_ems.dialogs.book import Book
from fsm_ems.dialogs.facts import EXACT, Body
from fsm_ems.dialogs.prices import Prices
from fsm_ems.dialogs.record import Held
from fsm_ems.errors import Refused


def can_leave(book: Book, body: Body, size: Decimal, oid: str) -> None:
    """Raise Refused for a size that the market, where it is known, does not trade.

    The venue says so of what goes out at once. Of a stop it would say so when the stop has fired, to an owner
    who relied on it.
    """
    market = book.markets.get(body.market)
    if market is None:
        return
    if size < market.min_size:
        raise Refused("min_size", f"size {size} is below {market.min_size}", oid)
    if EXACT.remainder(size, market.size_tick):
        raise Refused("size_tick", f"size {size} is no multiple of {market.size_tick}", oid)


def can_go_at(book: Book, market: str, limit: Decimal, oid: str) -> None:
    """Raise Refused for a limit off the *market*'s tick: fired with it, the order would be rejected."""
    known = book.markets.get(market)
    if known is not None and EXACT.remainder(limit, known.price_tick):
        raise Refused("price_tick", f"price {limit} is no multiple of {known.price_tick}: name another", oid)


def held(book: Book, body: Body, prices: Prices, oldest_ns: int, oid: str) -> Held:
    """What is held here, with the price to be met and the side from which; both are frozen by the record.

    A price older than *oldest_ns* does not tell where the market is: with the side taken from it, an order
    might fire at the first row that follows.
    """
    price, direction = body.price, body.direction
    if price is None:
        price = _first_stop(book, body, prices, oldest_ns, oid)
    if direction is None and body.trigger != "price":
        rises = (body.side == "buy") is not (body.trigger == "touch")
        direction = "at_or_above" if rises else "at_or_below"
    if direction is None:
        stands = prices.stands(body.market, oldest_ns)
        if stands is None:
            raise _unknown(body, oid)
        direction = "at_or_above" if price >= stands else "at_or_below"
    return Held(body, direction, price)


def _unknown(body: Body, oid: str) -> Refused:
    return Refused("no_reference", f"no fresh price of {body.market} tells where it stands", oid)


def _first_stop(book: Book, body: Body, prices: Prices, oldest_ns: int, oid: str) -> Decimal:
    """Where a trailing stop without a price begins: behind what it listens to, and not behind the middle.

    From the middle, a distance of less than half the spread would be met by the quote that was there
    already.
    """
    heard = prices.heard(body.market, body.side, oldest_ns)
    if heard is None:
        raise _unknown(body, oid)
    stop = stop_behind(book, body, heard)
    if not stop > 0:
        raise Refused("bad_price", f"a trail of {body.trail} leaves no price below {heard}", oid)
    return stop


def stop_behind(book: Book, body: Body, seen: Decimal) -> Decimal:
    """A trailing stop's price at its distance from what was *seen*, or the next one beyond that which is on
    the tick of its market, where that is known: it never fires earlier than the distance says.
    """
    assert body.trail is not None, "only what trails has a distance"
    market, buys = book.markets.get(body.market), body.side == "buy"
    stop = EXACT.add(seen, body.trail) if buys else EXACT.subtract(seen, body.trail)
    if market is None or not stop > 0:
        return stop
    past = EXACT.remainder(stop, market.price_tick)
    if not past:
        return stop
    below = EXACT.subtract(stop, past)
    on_tick = EXACT.add(below, market.price_tick) if buys else below
    # No longer than it need be, so that a request can carry it.
    return EXACT.quantize(on_tick, market.price_tick)
