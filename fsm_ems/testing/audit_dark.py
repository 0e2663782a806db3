"""What a market's row must do to the orders held here: a plain scan of all; part of the auditor.

The dark book is not known here. What is known: buys listen to the ask and to prints, sells to the bid and
to prints, alerts to prints. A price is met from the side frozen at submit. Rows that are old or out of
order count for nothing, crossed and zero quotes offer nothing. A trailing stop follows when the market is
further from it than its distance: its side of a quote, or a print while the newest quote is too old to act
on, for beside a quote a print may be at the other side of the spread. Nothing goes out but at a fresh quote;
what a print met waits for one.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import NamedTuple

from fsm_ems.messages import Order
from fsm_ems.quotes import Row, Trade
from fsm_ems.testing.audited import AuditedOrder
from fsm_ems.testing.audited_parts import Waits
from fsm_ems.testing.breach import Breach


class AuditedMarket(NamedTuple):
    """The newest that counts of one market."""

    bid: Decimal | None = None
    ask: Decimal | None = None
    last: Decimal | None = None
    quote_ns: int = -1
    last_ns: int = -1

    def key(self, now_ns: int) -> Hashable:
        """What later rows depend on, by how long ago it was."""
        ages = (now_ns - self.quote_ns, now_ns - self.last_ns)
        return self.bid, self.ask, self.last, ages


class Rules(NamedTuple):
    """The settings that matter here: ages in ns, the price tick by market, how many ticks away, how long the
    cancel of an order that the venue has lost waits at most, how long after a deadline the venue is asked,
    and whether it *takes_late* what comes after one.
    """

    quote_age_ns: int = 5_000_000_000
    price_ticks: Mapping[str, Decimal] = {}
    limit_ticks: int = 5
    redrive_max_ns: int = 300_000_000_000
    margin_ns: int = 0
    takes_late: bool = False


class Due(NamedTuple):
    """What must come of a row for one order: it fires, follows, or waits for a quote; and at which price."""

    key: tuple[str, str]
    what: str
    price: Decimal | None


def waits(
    command: Order, market: AuditedMarket, number: int, now_ns: int, rules: Rules
) -> tuple[Waits, Decimal]:
    """What a dark order or an alert waits for as it is accepted, and the price to be met.

    Nothing older than the rules allow tells where the market stands. A trailing stop begins behind the touch
    that it listens to, or behind the last print where none is offered.
    """
    oldest_ns = now_ns - rules.quote_age_ns
    reference = market.last if market.last_ns >= oldest_ns else None
    quoted = market.quote_ns >= oldest_ns
    if reference is None and quoted and market.bid is not None and market.ask is not None:
        reference = (market.bid + market.ask) / 2
    price = command.price
    if price is None:
        heard = (market.ask if command.side == "buy" else market.bid) if quoted else None
        if heard is None and market.last_ns >= oldest_ns:
            heard = market.last
        if heard is None or command.trail is None:
            raise Breach("P9", f"{command.oid} was accepted, and there is nothing to trail")
        price = _stop(command.side, heard, command.trail, rules.price_ticks.get(command.market))
        if price <= 0:
            raise Breach("P9", f"{command.oid} was accepted, and trails to {price}")
    rises = {"stop": command.side == "buy", "trail": command.side == "buy", "touch": command.side == "sell"}
    above = rises.get(command.trigger)
    if command.direction is not None:
        above = command.direction == "at_or_above"
    if above is None:
        assert reference is not None, "it was accepted, and nothing tells from where it is met"
        above = price >= reference
    at_market = command.type == "market"
    held = Waits(command.side, command.market, above, command.trail, command.limit_ticks, at_market, number)
    return held, price


def _stop(side: str, seen: Decimal, trail: Decimal, tick: Decimal | None) -> Decimal:
    """A stop at its distance from *seen*, or the next price further away that the market can trade at."""
    away = 1 if side == "buy" else -1
    stop = seen + away * trail
    if tick is not None:
        steps = (stop / tick).to_integral_value(ROUND_CEILING if side == "buy" else ROUND_FLOOR)
        stop = steps * tick
    return stop


def shown(market: AuditedMarket, row: Row, now_ns: int, rules: Rules) -> AuditedMarket | None:
    """The market once *row* has come; None where it counts for nothing."""
    time_ns = min(row.time_ns, now_ns)
    if time_ns < now_ns - rules.quote_age_ns:
        return None
    if isinstance(row, Trade):
        if time_ns < market.last_ns or row.price <= 0:
            return None
        return market._replace(last=row.price, last_ns=time_ns)
    if time_ns < market.quote_ns:
        return None
    bid = row.bid if row.bid > 0 and row.bid_size > 0 else None
    ask = row.ask if row.ask > 0 and row.ask_size > 0 else None
    if bid is not None and ask is not None and bid > ask:
        bid = ask = None
    return market._replace(bid=bid, ask=ask, quote_ns=time_ns)


def due(
    orders: Iterable[AuditedOrder], market: AuditedMarket, row: Row, now_ns: int, rules: Rules
) -> list[Due]:
    """What must come of *row*, which counts, in turn: by how far the market is past a price, then by age."""
    waited: list[tuple[int, Due]] = []
    found: list[tuple[Decimal, int, Due]] = []
    fresh = market.quote_ns >= now_ns - rules.quote_age_ns
    for order in orders:
        held, price = order.waits, order.price
        if held is None or price is None or order.state not in ("dark_open", "alert_open"):
            continue
        touch = (market.ask if held.side == "buy" else market.bid) if fresh else None
        if held.met is not None:
            if not isinstance(row, Trade) and touch is not None:
                waited.append((held.met, _dated(order, now_ns) or _fires(order, held, touch, rules)))
            continue
        seen = row.price if isinstance(row, Trade) else {"buy": market.ask, "sell": market.bid}.get(held.side)
        if seen is None:
            continue
        key = (order.owner, order.oid)
        if seen >= price if held.above else seen <= price:
            if held.side == "alert":
                made = Due(key, "fires", price)
            elif touch is None:
                made = Due(key, "waits", price)
            else:
                made = _fires(order, held, touch, rules)
            found.append((abs(seen - price), held.number, _dated(order, now_ns) or made))
        elif held.trail is not None and not (fresh and isinstance(row, Trade)):
            ahead = price - held.trail if held.side == "buy" else price + held.trail
            if seen < ahead if held.side == "buy" else seen > ahead:
                moved = _dated(order, now_ns) or _follows(order, held, held.trail, seen, rules)
                found += [(abs(seen - ahead), held.number, moved)] if moved is not None else []
    return [
        *(made for _, made in sorted(waited, key=lambda one: one[0])),
        *(made for _, _, made in sorted(found, key=lambda one: (-one[0], one[1]))),
    ]


def _dated(order: AuditedOrder, now_ns: int) -> Due | None:
    """An order whose date has passed ends, whatever the row would have made of it."""
    if order.expire_ns is None or order.expire_ns > now_ns:
        return None
    return Due((order.owner, order.oid), "expires", None)


def _follows(order: AuditedOrder, held: Waits, trail: Decimal, seen: Decimal, rules: Rules) -> Due | None:
    """A stop goes where the market went; None where that is less than a tick."""
    stop = _stop(held.side, seen, trail, rules.price_ticks.get(held.market))
    assert order.price is not None, "what waits has a price"
    nearer = stop < order.price if held.side == "buy" else stop > order.price
    return Due((order.owner, order.oid), "follows", stop) if nearer else None


def _fires(order: AuditedOrder, held: Waits, touch: Decimal, rules: Rules) -> Due:
    limit: Decimal | None = None
    if not held.at_market:
        tick = rules.price_ticks[held.market]
        away = tick * (rules.limit_ticks if held.limit_ticks is None else held.limit_ticks)
        limit = touch + away if held.side == "buy" else max(touch - away, tick)
    return Due((order.owner, order.oid), "fires", limit)
