"""The fold against a second mind, which keeps fractions, starts from the definition and rounds once.

It shares nothing with the package but the events: it sorts all of them, walks them once, and works out the
price per unit by the rule itself instead of carrying a cost.
"""

import random
from collections.abc import Mapping, Sequence
from decimal import ROUND_HALF_EVEN, Context, Decimal
from fractions import Fraction

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fsm_ems.accounting.clear import Clear, Event, Expiry, Split, Transfer
from fsm_ems.accounting.ledger import Entry, Ledger
from fsm_ems.accounting.position import Position, Standing
from fsm_ems.market import Market

MARKET = Market("btcusdt.paper", "btc", "usdt", Decimal("0.01"), Decimal("0.001"))
DIGITS = Context(prec=34, rounding=ROUND_HALF_EVEN)


def rounded(value: Fraction) -> Decimal:
    """*value* to 34 digits: one division of two whole numbers."""
    return DIGITS.divide(Decimal(value.numerator), Decimal(value.denominator))


class Fractions:
    """What a position must come to."""

    def __init__(self, events: Sequence[Event], k: int) -> None:
        self.k = k
        self.size = self.cash = self.ppu = self.gross = self.realized = self.net = Fraction(0)
        self.fees: dict[str, Fraction] = {"usdt": Fraction(0)}
        for event in sorted(events, key=lambda event: (event.time_ns, event.exec_id)):
            if isinstance(event, Clear):
                self.clear(event)
            elif isinstance(event, Transfer):
                self.transfer(Fraction(event.size))
            elif isinstance(event, Split):
                ratio = Fraction(event.ratio)
                self.size, self.ppu, self.gross = self.size * ratio, self.ppu / ratio, self.gross / ratio
            else:
                self.clear(Clear(0, "", Decimal(0), event.price), -self.size)

    def clear(self, clear: Clear, change: Fraction | None = None) -> None:
        change, price = Fraction(clear.size) if change is None else change, Fraction(clear.price)
        asset = clear.fee_asset or "usdt"
        self.fees[asset] = self.fees.get(asset, Fraction(0)) + Fraction(clear.fee)
        cost = Fraction(clear.fee) if asset == "usdt" else Fraction(0)
        self.cash -= change * price
        if self.size * change < 0:
            closed = min(abs(change), abs(self.size)) * (1 if self.size > 0 else -1)
            self.realized += closed * (price - self.gross)
            if abs(change) <= abs(self.size):
                self.size += change
                self.net += -change * price - cost
                if not self.size:
                    self.ppu = self.gross = self.net = Fraction(0)
                return
            left = self.size + change
            cost, change = cost * left / change, left
            self.size = self.net = Fraction(0)
        if not change:
            return
        sign = 1 if change > 0 else -1
        after = self.size + change
        grown = self.ppu * abs(self.size) + price * abs(change)
        self.ppu = (grown + sign * self.k * cost) / abs(after)
        self.gross = (self.gross * abs(self.size) + price * abs(change)) / abs(after)
        self.net += -change * price - cost
        self.size = after

    def transfer(self, change: Fraction) -> None:
        after = self.size + change
        if self.size * after <= 0:
            self.ppu = self.gross = self.net = Fraction(0)
        else:
            self.net -= change * self.gross
        self.size = after

    @property
    def break_even(self) -> Fraction | None:
        return -self.net / self.size if self.size else None


def nonzero(fees: Mapping[str, Decimal | Fraction]) -> dict[str, Fraction]:
    return {asset: Fraction(fee) for asset, fee in fees.items() if fee}


def agrees(position: Position, events: Sequence[Event], k: int = 2) -> None:
    expected = Fractions(events, k)
    assert Fraction(position.size) == expected.size
    assert Fraction(position.cash["usdt"]) == expected.cash
    assert nonzero(position.fees) == nonzero(expected.fees)
    assert position.ppu(Decimal(k)) == rounded(expected.ppu)
    assert position.realized == rounded(expected.realized)
    even = expected.break_even
    assert position.break_even == (None if even is None else rounded(even))
    price = Decimal("101.07")
    assert position.unrealized(price) == rounded(expected.size * (Fraction(price) - expected.gross))


# Small whole numbers make flats, crossings and thirds; long ones need every digit.
SMALL = st.integers(1, 4).map(Decimal)
LONG = st.builds(
    lambda digits, places: Decimal(digits).scaleb(-places), st.integers(1, 10**34), st.integers(0, 18)
)
PRICES = st.integers(1, 9).map(Decimal) | LONG
FEES = st.integers(-2, 2).map(Decimal) | LONG
SIZES = st.builds(lambda size, sold: -size if sold else size, SMALL | LONG, st.booleans())
SMALL_SIZES = st.builds(lambda size, sold: -size if sold else size, SMALL, st.booleans())
TIMES = st.integers(0, 20)
CLEARS = st.builds(
    lambda time_ns, size, price, fee, asset: Clear(time_ns, "", size, price, fee, asset),
    TIMES, SMALL_SIZES | SIZES, PRICES, FEES, st.sampled_from((None, None, "usdt", "bnb")),
)  # fmt: skip
EVENTS = (
    CLEARS
    | CLEARS
    | CLEARS
    | st.builds(lambda at, size: Transfer(at, "", size), TIMES, SMALL_SIZES)
    | st.builds(
        lambda at, ratio: Split(at, "", ratio), TIMES, st.sampled_from(("2", "0.5", "3", "1.25")).map(Decimal)
    )
    | st.builds(lambda at, price: Expiry(at, "", price), TIMES, st.integers(0, 9).map(Decimal))
)


def named(events: Sequence[Event]) -> list[Event]:
    """Each with an id of its own, not in the order of their times."""
    return [_named(event, f"E{(number * 7) % 31}-{number}") for number, event in enumerate(events)]


def _named(event: Event, exec_id: str) -> Event:
    if isinstance(event, Clear):
        return Clear(event.time_ns, exec_id, event.size, event.price, event.fee, event.fee_asset)
    if isinstance(event, Transfer):
        return Transfer(event.time_ns, exec_id, event.size)
    if isinstance(event, Split):
        return Split(event.time_ns, exec_id, event.ratio)
    return Expiry(event.time_ns, exec_id, event.price)


ARRIVALS = st.lists(EVENTS, max_size=25).map(named)
CLEARS_ALONE = st.lists(CLEARS, max_size=25).map(named)


def folded(events: Sequence[Event]) -> Position:
    position = Position(MARKET, "main")
    for event in events:
        position.add(event)
    return position


@given(ARRIVALS, st.sampled_from((0, 1, 2, 3)))
@example(
    [
        Clear(n, f"E{n}", Decimal(s), Decimal(p))
        for n, (s, p) in enumerate(((1, 1), (2, 2), (-1, 2), (2, 3), (-1, 3), (1, 1)))
    ],
    2,
)
def test_fractions_agree_to_the_last_digit(events: list[Event], k: int) -> None:
    agrees(folded(events), events, k)


def drawn(seed: int, count: int, times: int) -> list[Event]:
    """Many clears of few digits, some at one time, some far from their place."""
    draw = random.Random(seed)
    return [
        Clear(
            at + draw.choice((0, 0, 0, draw.randrange(-times, times))),
            f"E{draw.randrange(100)}-{at}",
            Decimal(draw.randrange(1, 5) * draw.choice((1, -1))),
            Decimal(draw.randrange(1, 999)).scaleb(-2),
            Decimal(draw.randrange(-3, 9)).scaleb(-3),
        )
        for at in range(count)
    ]


@pytest.mark.no_cover
@settings(max_examples=20)
@given(st.integers(0, 10**6), st.sampled_from((1, 500)))
def test_they_agree_over_long_runs_with_late_fills(seed: int, times: int) -> None:
    """Long enough for marks, and for costs that no fraction of a few digits can hold."""
    events = drawn(seed, 900, times)

    agrees(folded(events), events)


@given(ARRIVALS, st.data())
def test_the_order_of_arrival_does_not_change_the_fold(events: list[Event], data: st.DataObject) -> None:
    other = data.draw(st.permutations(events))

    assert standing(folded(events)) == standing(folded(other))


def standing(position: Position) -> tuple[Standing, str]:
    """What it shows; its text as well, for 1.0 equals 1.00."""
    found = position.standing()
    return found, str(found)


@given(ARRIVALS, st.data())
def test_what_is_taken_away_was_never_there(events: list[Event], data: st.DataObject) -> None:
    """Busts and corrections, before or after their fill, once or twice, in any order."""
    movable = [event for event in events if isinstance(event, Clear | Transfer)]
    gone = data.draw(st.lists(st.sampled_from(movable), max_size=6)) if movable else []
    steps = data.draw(
        st.permutations([*((True, event) for event in events), *((False, event) for event in gone)])
    )
    position = Position(MARKET, "main")
    for added, event in steps:
        if added:
            position.add(event)
        else:
            assert isinstance(event, Clear | Transfer)
            position.remove(event)

    left = [event for event in events if event not in gone]
    assert standing(position) == standing(folded(left))
    agrees(position, left)


@given(CLEARS_ALONE, st.data())
def test_a_position_is_the_sum_of_its_ledger(events: list[Event], data: st.DataObject) -> None:
    position, ledger = folded(events), Ledger("paper", "main")
    for seq, event in enumerate(events, 1):
        ledger.add(Entry(seq, seq, MARKET.fqme, event))
        assert not ledger.add(Entry(seq, seq, MARKET.fqme, event))
    for event in data.draw(st.lists(st.sampled_from(events), max_size=3)) if events else []:
        assert isinstance(event, Clear)
        assert position.remove(event) == ledger.add(Entry(99, 99, MARKET.fqme, event, reverses=True))

    effects = [entry.effect for page in ledger.pages() for entry in page.entries]
    size, cash = Fraction(0), Fraction(0)
    fees: dict[str, Fraction] = {}
    for effect in effects:
        assert isinstance(effect, Clear)
        size += Fraction(effect.size)
        cash -= Fraction(effect.size) * Fraction(effect.price)
        asset = effect.fee_asset or "usdt"
        fees[asset] = fees.get(asset, Fraction(0)) + Fraction(effect.fee)
    assert (Fraction(position.size), Fraction(position.cash["usdt"])) == (size, cash)
    assert nonzero(position.fees) == nonzero(fees)


@given(CLEARS_ALONE, PRICES)
def test_cash_and_what_is_held_is_conserved(events: list[Event], price: Decimal) -> None:
    """At its own price a clear changes nothing; and what is won is what cash and worth come to."""
    position = Position(MARKET, "main")
    for event in events:
        assert isinstance(event, Clear)
        before = Fraction(position.cash["usdt"]) + Fraction(position.size) * Fraction(event.price)
        position.add(event)
        if event == max(position._events, key=lambda known: (known.time_ns, known.exec_id)):
            after = Fraction(position.cash["usdt"]) + Fraction(position.size) * Fraction(event.price)
            assert after == before
    won = Fraction(position.realized) + Fraction(position.unrealized(price))
    worth = Fraction(position.cash["usdt"]) + Fraction(position.size) * Fraction(price)
    top = max(abs(Fraction(position.realized)), abs(Fraction(position.unrealized(price))), Fraction(1))
    assert abs(won - worth) <= top / 10**33


@pytest.mark.no_cover
@settings(max_examples=20)
@given(st.integers(0, 10**6), st.integers(0, 200))
def test_a_refold_gives_what_the_fold_gave(seed: int, keep: int) -> None:
    """From the base on, which has moved, over every event in memory."""
    events = sorted(drawn(seed, 1_000, 1), key=lambda event: (event.time_ns, event.exec_id))
    position = Position(MARKET, "main", keep=keep)
    for event in events:
        position.add(event)
    before = standing(position)
    position._refold(0)

    assert standing(position) == before
    agrees(position, events)


def test_the_cost_of_many_turns_stays_within_its_digits() -> None:
    """Buy 2 and sell 1, again and again: each growth finds a cost that was divided before."""
    count = 3_000
    events = [
        Clear(at, f"E{at}", Decimal(-1 if at % 2 else 2), Decimal(100 + at * 7 % 13), Decimal("0.1"))
        for at in range(count)
    ]
    position = folded(events)

    agrees(position, events)
    assert len(position._fold.cost.as_tuple().digits) <= 210


def test_a_number_that_would_be_rounded_is_refused() -> None:
    """Exact is exact: sizes so far apart that no sum of them is kept whole stop the program."""
    position = folded([Clear(1, "a", Decimal("1E+4000"), Decimal(1))])

    with pytest.raises(ArithmeticError):
        position.add(Clear(2, "b", Decimal("1E-4000"), Decimal(1)))
