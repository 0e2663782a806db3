"""What is known of the markets' prices right now. No record tells it, and it is gone with the process.

Nothing here decides: :mod:`fsm_ems.dialogs.decide` values market orders and finds directions by it, and
:mod:`fsm_ems.dialogs.decide_quotes` what a held order goes out at.
"""

from __future__ import annotations

from decimal import Decimal

from fsm_ems.dialogs.facts import PRECISE
from fsm_ems.quotes import Row, Trade

_TWO = Decimal(2)


class Seen:
    """The newest of one market: *bid* and *ask* of its last quote (None: nothing offered), *last* print."""

    __slots__ = ("ask", "bid", "last", "last_ns", "quote_ns")

    def __init__(self) -> None:
        self.bid: Decimal | None = None
        self.ask: Decimal | None = None
        self.last: Decimal | None = None
        self.quote_ns = -1
        self.last_ns = -1

    def take(self, row: Row, now_ns: int, age_ns: int) -> bool:
        """Note *row*; False where it is more than *age_ns* old, or older than what is known: it counts for
        nothing. One that is dated ahead counts as of now: a wrong clock must not outdate all that follows.

        A quote that is crossed, or shows zeros, is noted as one that offers nothing: what it replaces is
        not what could be traded at any more.
        """
        time_ns = row.time_ns
        if time_ns > now_ns:
            time_ns = now_ns
        elif time_ns < now_ns - age_ns:
            return False
        if isinstance(row, Trade):
            if time_ns < self.last_ns or not row.price > 0:
                return False
            self.last, self.last_ns = row.price, time_ns
            return True
        if time_ns < self.quote_ns:
            return False
        self.quote_ns = time_ns
        self.bid, self.ask = row.offered()
        return True

    def stands(self, oldest_ns: int) -> Decimal | None:
        """Where the market is: its last print, else the middle of its quote; None where both are older than
        *oldest_ns*.
        """
        if self.last is not None and self.last_ns >= oldest_ns:
            return self.last
        return self.middle if self.is_quoted(oldest_ns) else None

    @property
    def middle(self) -> Decimal | None:
        """Of the last quote; None where it does not offer both sides."""
        if self.bid is None or self.ask is None:
            return None
        return PRECISE.divide(PRECISE.add(self.bid, self.ask), _TWO)

    def is_quoted(self, oldest_ns: int) -> bool:
        """Whether the last quote is no older than *oldest_ns*, whatever it offers."""
        return self.quote_ns >= oldest_ns

    def touch(self, side: str, oldest_ns: int) -> Decimal | None:
        """What an order of *side* would trade at: the ask for a buy, the bid for a sell; None where the
        quote is older than *oldest_ns* or offers nothing there.
        """
        if not self.is_quoted(oldest_ns):
            return None
        return self.ask if side == "buy" else self.bid


class Prices:
    """Every market's, by address."""

    __slots__ = ("markets",)

    def __init__(self) -> None:
        self.markets: dict[str, Seen] = {}

    def of(self, market: str) -> Seen:
        """What was seen of *market*."""
        seen = self.markets.get(market)
        if seen is None:
            seen = self.markets[market] = Seen()
        return seen

    def reference(self, market: str) -> Decimal | None:
        """What an order of *market* is valued at, however old: its last print, before the first one the
        middle of its quote.
        """
        seen = self.markets.get(market)
        if seen is None:
            return None
        return seen.middle if seen.last is None else seen.last

    def stands(self, market: str, oldest_ns: int) -> Decimal | None:
        """Where *market* is by what is no older than *oldest_ns*; see :meth:`Seen.stands`."""
        seen = self.markets.get(market)
        return None if seen is None else seen.stands(oldest_ns)

    def heard(self, market: str, side: str, oldest_ns: int) -> Decimal | None:
        """What an order of *side* that is held here listens to, if no older than *oldest_ns*: the touch that
        its quote offers, else its last print.
        """
        seen = self.markets.get(market)
        if seen is None:
            return None
        touch = seen.touch(side, oldest_ns)
        return seen.last if touch is None and seen.last_ns >= oldest_ns else touch


NO_PRICES = Prices()
"""Of no market: for what needs none. Nobody notes anything in it."""
