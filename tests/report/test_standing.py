"""Position and PnL: by hand, and against a second mind that knows cash alone."""

from decimal import Decimal
from fractions import Fraction
from typing import Literal

from hypothesis import given
from hypothesis import strategies as st

from fsm_ems.market import Market
from fsm_ems.report.standing import Standing, Traded, standings
from fsm_ems.report.track import Point

D = Decimal
MARKET = Market("a.b", "a", "q", D(1), D(1))
NUMBER = st.decimals(D("0.001"), D(1000), places=3)


def fill(time_ns: int, side: Literal["buy", "sell"], size: str, price: str, fee: str = "0") -> Traded:
    return Traded(time_ns, "a", side, f"X{time_ns}", D(size), D(price), D(fee), "taker")


def test_a_life_by_hand() -> None:
    """Bought 2 at 10 and 2 at 20, so 15 on average; 1 sold at 18, then 5 at 12: 3 closed, 2 short."""
    told = standings(
        MARKET,
        [
            fill(1, "buy", "2", "10", "0.1"),
            fill(2, "buy", "2", "20"),
            fill(4, "sell", "1", "18"),
            fill(5, "sell", "5", "12"),
            fill(6, "buy", "2", "11"),
        ],
        [Point(3, D(16), D(1)), Point(5, D(13), D(1))],
    )

    assert told == [
        Standing(1, D(2), D("-0.1"), D(0)),
        Standing(2, D(4), D("-0.1"), D(20)),
        Standing(3, D(4), D("-0.1"), D(4)),
        Standing(4, D(3), D("2.9"), D(3)),
        Standing(5, D(-2), D("-6.1"), D(-2)),
        Standing(6, D(0), D("-4.1"), D(0)),
    ]


def test_a_price_that_moves_before_a_fill_of_its_time_shows_no_standing_of_its_own() -> None:
    told = standings(MARKET, [fill(1, "buy", "1", "10"), fill(2, "sell", "1", "10")], [Point(2, D(99), D(1))])

    assert [(one.time_ns, one.pnl) for one in told] == [(1, D(0)), (2, D(0))]


@given(
    st.lists(
        st.tuples(st.integers(0, 9), st.sampled_from(["buy", "sell", "print"]), NUMBER, NUMBER, NUMBER),
        max_size=30,
    )
)
def test_both_parts_add_up_to_cash_and_the_size_at_the_last_price(
    events: list[tuple[int, str, Decimal, Decimal, Decimal]],
) -> None:
    fills = [
        fill(at, "buy" if what == "buy" else "sell", str(size), str(price), str(fee))
        for at, what, size, price, fee in events
        if what != "print"
    ]
    prints = [Point(at, price, size) for at, what, size, price, _ in events if what == "print"]

    for one in standings(MARKET, fills, prints):
        done = sorted((f for f in fills if f.time_ns <= one.time_ns), key=lambda f: f.time_ns)
        seen = sorted((p for p in prints if p.time_ns <= one.time_ns), key=lambda p: p.time_ns)
        sign = {"buy": 1, "sell": -1}
        size = sum(sign[f.side] * Fraction(f.size) for f in done)
        cash = -sum(sign[f.side] * Fraction(f.size) * Fraction(f.price) + Fraction(f.fee) for f in done)
        last = Fraction((seen[-1].price or D(0)) if seen else done[-1].price)

        assert Fraction(one.size) == size
        assert Fraction(one.pnl) == cash + size * last
        assert size or one.unrealized == 0


def test_there_is_a_standing_for_each_time_and_none_before_a_price() -> None:
    assert standings(MARKET, [], []) == []
    assert [one.time_ns for one in standings(MARKET, [], [Point(3, D(1), D(1)), Point(3, D(2), D(1))])] == [3]


def test_a_point_at_which_nothing_was_offered_is_no_standing() -> None:
    """There is no price at which it could be told."""
    points = [Point(1, None, D(0)), Point(2, D(1), D(1))]

    assert [one.time_ns for one in standings(MARKET, [], points)] == [2]
