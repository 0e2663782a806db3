"""How numbers of a run are shortened, exactly and not."""

from decimal import Decimal

import pytest

from fsm_ems.messages import Order
from fsm_ems.orders_file import TimedCommand
from fsm_ems.tally import Tally, price_text, short


@pytest.mark.parametrize(
    ("number", "text"),
    [
        ("0.0100", "0.01"),
        ("1E+3", "1000"),
        ("-0.50", "-0.5"),
        ("1234567890123456.123456789012345678", "1234567890123456.123456789012345678"),
        ("1234567890123456.1234567890123456780", "1234567890123456.123456789012345678"),
    ],
)
def test_only_the_zeros_at_the_end_go(number: str, text: str) -> None:
    assert short(Decimal(number)) == text


@pytest.mark.parametrize(
    ("price", "tick", "text"),
    [
        ("99.942857142857", "0.01", "99.9429"),
        ("99.90", "0.01", "99.9"),
        ("12345.678", "5", "12345.68"),
        ("1234567890.5", "1E-18", "1234567890.5"),
    ],
)
def test_an_average_has_two_digits_more_than_the_tick(price: str, tick: str, text: str) -> None:
    assert price_text(Decimal(price), Decimal(tick)) == text
    assert price_text(None, Decimal(tick)) == "-"


def test_an_oid_given_twice_is_the_first_order() -> None:
    """The second is the same order again, or refused as a conflict."""
    first = Order(oid="a", market="x.paper", side="buy", size=Decimal(1), price=Decimal(9))
    second = Order(oid="a", market="x.paper", side="sell", size=Decimal(1), price=Decimal(9))

    assert Tally([TimedCommand(1, first), TimedCommand(2, second)]).lines["a"].order is first
