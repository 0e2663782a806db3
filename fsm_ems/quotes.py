"""What a market shows and prints: the rows of a tape, and what the dark book listens to. Pure.

Prices in the quote asset, sizes in the base asset, times in ns since the epoch: the venue's own, or when
the row came where it names none.
"""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple, cast

from fsm_ems.errors import InvalidReport, brief
from fsm_ems.market import broker_of
from fsm_ems.numbers import fits, no_decimals
from fsm_ems.value import Value


class Quote(Value, frozen=True):
    """The best prices shown, and how much is shown at them. A side with a zero offers nothing."""

    time_ns: int
    bid: Decimal
    bid_size: Decimal
    ask: Decimal
    ask_size: Decimal

    def offered(self) -> tuple[Decimal | None, Decimal | None]:
        """Bid and ask, each None where it offers nothing; both where they are crossed (bid above ask)."""
        bid = self.bid if self.bid and self.bid_size else None
        ask = self.ask if self.ask and self.ask_size else None
        if bid is not None and ask is not None and bid > ask:
            return None, None
        return bid, ask


class Trade(Value, frozen=True):
    """A print: somebody else's trade. Nothing here depends on its *side* and *trade_id*, the venue's."""

    time_ns: int
    price: Decimal
    size: Decimal
    side: str = ""
    trade_id: str = ""


Row = Quote | Trade


def problem(market: str, row: Row) -> str | None:
    """What in a row of *market* is no price, size or time, in words; None where all is well.

    A held order goes out at such a price, so it must be one that a request can carry. What callers make by
    hand may be anything, and no row either.
    """
    if not isinstance(cast("object", market), str):
        return f"market: the address of one is needed, and {brief(market)} is none"
    if isinstance(row, Trade):
        numbers = {"price": row.price, "size": row.size}
    elif not isinstance(cast("object", row), Quote):
        return f"{market}: a Quote or a Trade is needed, and {brief(row)} is none"
    else:
        numbers = {"bid": row.bid, "bid_size": row.bid_size, "ask": row.ask, "ask_size": row.ask_size}
    if wrong := no_decimals(numbers):
        return f"{market}: {wrong[0]}"
    if type(row.time_ns) is not int or row.time_ns < 0:
        return f"time_ns of {market}: {brief(row.time_ns)} is no whole number of ns since the epoch"
    for name, number in numbers.items():
        if not (number.is_finite() and number >= 0):
            return f"{name} of {market}: {number} is no finite number of zero or more"
        if not fits(number):
            return f"{name} of {market}: at most 34 digits, within 18 places of the point, are taken"
    return None


class MarketRow(NamedTuple):
    """A row, and the market it is of."""

    market: str
    row: Row


def check_row(broker: str, market: str, row: Row) -> MarketRow:
    """*row* and its market.

    Raises:
        InvalidReport: it is no row, or not of one of *broker*'s own markets.
    """
    wrong = problem(market, row)
    if wrong is None and broker_of(market) != broker:
        wrong = f"{market} is no market of {broker}"
    if wrong is not None:
        raise InvalidReport((wrong,))
    return MarketRow(market, row)
