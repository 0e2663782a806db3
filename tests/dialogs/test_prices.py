"""Which rows of a market count, to the nanosecond, and what they tell of where it stands."""

from collections.abc import Callable
from decimal import Decimal

import pytest

from fsm_ems.dialogs.prices import Prices, Seen
from fsm_ems.quotes import Quote, Row, Trade

MadeAt = Callable[[int], Row]

AGE = 5
NOW = 100


def quote(time_ns: int, bid: str = "99", ask: str = "101") -> Quote:
    return Quote(time_ns, Decimal(bid), Decimal(1), Decimal(ask), Decimal(1))


def a_print(time_ns: int, price: str = "100") -> Trade:
    return Trade(time_ns, Decimal(price), Decimal(1), "", "")


@pytest.mark.parametrize("row", [quote, a_print])
@pytest.mark.parametrize(("time_ns", "counts"), [(94, False), (95, True), (100, True), (101, True)])
def test_a_row_counts_until_it_is_older_than_its_age(row: MadeAt, *, time_ns: int, counts: bool) -> None:
    assert Seen().take(row(time_ns), NOW, AGE) is counts


@pytest.mark.parametrize("row", [quote, a_print])
def test_of_two_rows_of_one_time_the_later_counts_too(row: MadeAt) -> None:
    """One that is dated ahead counts as of now, and keeps nothing out that comes at that time."""
    seen = Seen()

    assert seen.take(row(103), NOW, AGE)
    assert seen.take(row(100), NOW, AGE)
    assert not seen.take(row(99), NOW, AGE)


def test_an_order_trades_at_a_quote_until_that_is_too_old() -> None:
    seen = Seen()
    seen.take(quote(NOW), NOW, AGE)

    assert [seen.touch(side, NOW) for side in ("buy", "sell")] == [101, 99]
    assert [seen.touch(side, NOW + 1) for side in ("buy", "sell")] == [None, None]


def test_a_market_stands_at_its_fresh_print_else_at_the_middle_of_its_fresh_quote() -> None:
    prices = Prices()
    assert prices.stands("m.b", 0) is None
    seen = prices.of("m.b")
    assert prices.stands("m.b", 0) is None
    seen.take(a_print(NOW, "90"), NOW, AGE)
    assert [prices.stands("m.b", oldest) for oldest in (NOW, NOW + 1)] == [90, None]
    seen.take(quote(NOW + 1), NOW + 1, AGE)

    assert [prices.stands("m.b", oldest) for oldest in (NOW, NOW + 1, NOW + 2)] == [90, 100, None]
    assert prices.reference("m.b") == 90
    seen.take(quote(NOW + 1, bid="0"), NOW + 1, AGE)
    assert prices.stands("m.b", NOW + 1) is None


@pytest.mark.parametrize(("bid", "ask", "offered"), [("100", "100", True), ("100", "99", False)])
def test_a_locked_quote_offers_both_sides_and_a_crossed_one_none(
    bid: str, ask: str, *, offered: bool
) -> None:
    seen = Seen()
    seen.take(quote(NOW, bid, ask), NOW, AGE)

    assert [seen.touch(side, NOW) is not None for side in ("buy", "sell")] == [offered, offered]
