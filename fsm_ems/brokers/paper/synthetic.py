"""A made-up market, the same for the same seed on every machine: for demos, examples and tests. Pure.

A price walks in ticks; quotes stand around it and prints happen at them, sometimes beyond. It knows no
real market's habits and is not meant to judge a strategy by. What a real feed does at bad times comes on
request, each for a short while, now and then:

- *gaps*: nothing at all for some seconds, and the price has moved when it goes on;
- *stale*: quotes stop while prints go on, so the last quote grows old;
- *zero*: one side shows neither price nor size;
- *crossed*: the bid stands above the ask.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from msgspec.structs import replace

from fsm_ems.dialogs.facts import EXACT, ZERO
from fsm_ems.market import Market
from fsm_ems.quotes import Quote, Row, Trade

SECOND_NS = 10**9
_MASK = 2**64 - 1
# Of a thousand rows, how many begin a fault that was asked for.
_FAULTS = 20
FLOOR_TICKS = 100
"""The walk turns here, so that no price comes near zero."""


@dataclass(frozen=True, slots=True)
class Weather:
    """Which faults a synthetic market shows; none by default."""

    gaps: bool = False
    stale: bool = False
    zero: bool = False
    crossed: bool = False


CALM = Weather()


class Dice:
    """SplitMix64 (Steele, Lea, Flood 2014): a few lines, and equal everywhere. Not for secrets."""

    __slots__ = ("_state",)

    def __init__(self, seed: int) -> None:
        self._state = seed & _MASK

    def below(self, end: int) -> int:
        """A number from 0 to *end* - 1; the bias is below *end* / 2^64."""
        self._state = (self._state + 0x9E3779B97F4A7C15) & _MASK
        mixed = self._state
        mixed = ((mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & _MASK
        return (mixed ^ (mixed >> 31)) % end


class _Walk:
    """The state of the walk, in whole ticks."""

    def __init__(self, market: Market, seed: int, start: Decimal, interval_ns: int) -> None:
        self.market = market
        self.dice = Dice(seed)
        self.middle = max(int(EXACT.divide_int(start, market.price_tick)), FLOOR_TICKS)
        self.spread = 1
        self.interval_ns = interval_ns
        self.quiet_rows = 0  # how many rows the quotes still stay away

    def price(self, ticks: int) -> Decimal:
        return EXACT.multiply(self.market.price_tick, Decimal(ticks))

    def size(self) -> Decimal:
        """Mostly small, never below what the market lets trade."""
        least = max(int(EXACT.divide_int(self.market.min_size, self.market.size_tick)), 1)
        times = least * (1 + self.dice.below(50) * self.dice.below(50))
        return EXACT.multiply(self.market.size_tick, Decimal(times))

    def step(self) -> None:
        self.middle = max(self.middle + self.dice.below(7) - 3, FLOOR_TICKS)
        self.spread = 1 + self.dice.below(4)

    @property
    def bid(self) -> int:
        return self.middle

    @property
    def ask(self) -> int:
        return self.middle + self.spread

    def trade(self, time_ns: int, number: int) -> Trade:
        beyond = max(self.dice.below(6) - 3, 0)
        if self.dice.below(2):
            return Trade(time_ns, self.price(self.ask + beyond), self.size(), "buy", str(number))
        return Trade(time_ns, self.price(self.bid - beyond), self.size(), "sell", str(number))

    def quote(self, time_ns: int, fault: str) -> Quote:
        bid, ask = (self.ask, self.bid) if fault == "crossed" else (self.bid, self.ask)
        row = Quote(time_ns, self.price(bid), self.size(), self.price(ask), self.size())
        if fault != "zero":
            return row
        if self.dice.below(2):
            return replace(row, bid=ZERO, bid_size=ZERO)
        return replace(row, ask=ZERO, ask_size=ZERO)


def synthetic(
    market: Market,
    seed: int,
    *,
    start_ns: int = 0,
    price: Decimal = Decimal(1000),
    interval_ns: int = SECOND_NS // 10,
    weather: Weather = CALM,
) -> Iterator[Row]:
    """Rows without end, on tick, times from *start_ns* on and never falling; a quote comes first.

    *price* is where the walk begins (quote units, to the tick below); rows come *interval_ns* apart on
    average, some at one time.
    """
    walk = _Walk(market, seed, price, interval_ns)
    asked = [fault for fault in ("gaps", "stale", "zero", "crossed") if getattr(weather, fault)]
    time_ns, number = start_ns, 0
    yield walk.quote(time_ns, "")
    while True:
        number += 1
        fault = asked[walk.dice.below(len(asked))] if asked and walk.dice.below(1000) < _FAULTS else ""
        time_ns += walk.dice.below(2 * interval_ns + 1) if walk.dice.below(4) else 0
        if fault == "gaps":
            time_ns += (3 + walk.dice.below(20)) * SECOND_NS
            for _ in range(20):
                walk.step()
        elif fault == "stale":
            walk.quiet_rows = 50
        walk.step()
        walk.quiet_rows = max(walk.quiet_rows - 1, 0)
        prints = bool(walk.dice.below(2)) and fault not in ("zero", "crossed")
        yield walk.trade(time_ns, number) if prints or walk.quiet_rows else walk.quote(time_ns, fault)
