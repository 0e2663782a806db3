"""A market is its address, its steps and its costs, and nothing changes it."""

from decimal import Decimal

import pytest

from fsm_ems.market import Market

MARKET = Market(
    fqme="xbtusd.kraken", base="xbt", quote="usd", price_tick=Decimal("0.1"), size_tick=Decimal("1E-8")
)


@pytest.mark.parametrize(
    ("fqme", "broker"), [("xbtusd.kraken", "kraken"), ("btc-perp/usd.paper", "paper"), ("nobody", "nobody")]
)
def test_the_broker_is_the_last_part_of_the_address(fqme: str, broker: str) -> None:
    market = Market(fqme=fqme, base="", quote="", price_tick=Decimal(1), size_tick=Decimal(1))

    assert market.broker == broker


def test_what_is_not_said_costs_nothing_and_bounds_nothing() -> None:
    assert [MARKET.min_size, MARKET.min_cost, MARKET.maker_bps, MARKET.taker_bps] == [0, 0, 0, 0]


def test_a_market_cannot_be_changed() -> None:
    with pytest.raises(AttributeError, match="immutable"):
        MARKET.price_tick = Decimal(1)  # type: ignore[misc]  # that is the point
