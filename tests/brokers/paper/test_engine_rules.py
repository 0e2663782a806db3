"""Rules 2 and 7 of the paper venue: what is refused for its form, and what is charged."""

from decimal import Decimal
from typing import Any

import pytest

from fsm_ems.brokers.paper.engine import PaperEngine
from fsm_ems.brokers.paper.engine_rules import COST_END, SIZE_END, fee
from fsm_ems.errors import InvalidMessage
from fsm_ems.market import Market
from fsm_ems.messages import (
    BrokerdOrderAck,
    BrokerdStatus,
)
from tests.brokers.paper.tables import MARKET, fills, limit_order, played, request_of, take, tidy

# 2. Form.


@pytest.mark.parametrize(
    ("terms", "rule"),
    [
        ("buy 1 @100.25", "price_tick"),
        ("buy 1.05 @100", "size_tick"),
        ("buy 0.1 @100", "min_size"),
        ("buy 0.2 @49.5", "min_cost"),
        ("buy 0.1 market", "min_size"),
        ("buy 0.25 market", "size_tick"),
        ("buy 1", "price"),
        ("buy 1 market @100", "price"),
        ("buy 1 market post", "post_only"),
        ("buy 1 @100 ioc post", "post_only"),
        ("buy 1 @100 fok post", "post_only"),
        ("buy 10000000000000000 @0.5", "max_size"),
        ("buy 9999999999999999 @101", "max_cost"),
        ("buy 1 @100 in=ethusd.paper", "market"),
    ],
)
def test_an_order_of_wrong_form_is_rejected_and_the_rule_named(terms: str, rule: str) -> None:
    table = f"0 quote 99x5 101x5\n1 order a {terms} -> a rejected: {rule}"
    assert played(table) == table


def test_a_gtd_order_without_its_time_is_rejected() -> None:
    venue = PaperEngine({MARKET.fqme: MARKET})
    venue.send(limit_order("a", tif="gtd"))

    (told,) = venue.advance(0)

    assert isinstance(told, BrokerdStatus)
    assert (told.status, told.text) == ("rejected", "expire_ns: an order that is gtd needs it")


def test_a_rejection_says_what_was_wrong_and_books_nothing() -> None:
    venue = PaperEngine({MARKET.fqme: MARKET})
    venue.send(request_of("0 order a buy 1 @100.25"))

    (told,) = venue.advance(7)

    assert told == BrokerdStatus(
        reqid="a", status="rejected", cum=Decimal(0), text="price_tick: 100.25 is no multiple of 0.5"
    )


def test_sizes_and_prices_at_the_bounds_are_taken() -> None:
    table = """
        0 quote 99x5 101x5
        1 order a buy 0.2 @50        -> a ack P1; a open 0
        1 order b buy 0.2 market     -> b ack P2; b took 0.2@101
        1 order c buy 9999999999999999.9 @99.5 -> c ack P3; c open 0
        1 order d sell 9999999999999999.9 @98 -> d ack P4; d took 5@99; d open 5
        2 quote 100.5x5 101x5     -> d made 5@98
        2 order e sell 9999999999999999.9 @98 -> e rejected: max_cost   # at the touch
    """
    assert played(table) == tidy(table)


def test_a_market_orders_cost_is_that_at_the_far_touch() -> None:
    table = """
        0 order a buy 0.2 market  -> a ack P1; a cancelled 0  # nothing offered, nothing to measure by
        1 quote 20x5 49.5x5
        1 order b buy 0.2 market  -> b rejected: min_cost
        1 order c buy 0.3 market  -> c ack P2; c took 0.3@49.5
    """
    assert played(table) == tidy(table)


def test_ticks_are_exact_however_many_digits_a_price_has() -> None:
    fine = Market("xy.paper", "x", "y", price_tick=Decimal("1e-18"), size_tick=Decimal("1e-18"))
    venue = PaperEngine({"xy.paper": fine})
    price = "99999999999999.123456789012345678"
    venue.send(request_of(f"0 order a buy 1.000000000000000001 @{price} in=xy.paper"))

    assert [report.name for report in venue.advance(0)] == ["brokerd_ack", "brokerd_status"]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"price_tick": Decimal(0)}, "price_tick must be above zero"),
        ({"size_tick": Decimal(-1)}, "size_tick must be above zero"),
        ({"size_tick": Decimal("NaN")}, "size_tick must be above zero"),
        ({"maker_bps": Decimal(10_000)}, "maker_bps must lie within"),
        ({"taker_bps": Decimal(-10_000)}, "taker_bps must lie within"),
        ({"min_size": Decimal(-1)}, "min_size must be zero or more"),
        ({"min_cost": Decimal("NaN")}, "min_cost must be zero or more"),
        ({"price_tick": 0.5}, r"^xy.paper: price_tick: a Decimal is needed, and 0.5 is none$"),
        ({"size_tick": "1"}, r"^xy.paper: size_tick: a Decimal is needed, and '1' is none$"),
        ({"min_cost": 5}, r"^xy.paper: min_cost: a Decimal is needed, and 5 is none$"),
    ],
)
def test_a_market_that_makes_no_sense_is_refused(change: dict[str, Any], told: str) -> None:
    fields: dict[str, Any] = {"price_tick": Decimal(1), "size_tick": Decimal(1)} | change

    with pytest.raises(InvalidMessage, match=told):
        PaperEngine({"xy.paper": Market("xy.paper", "x", "y", **fields)})


@pytest.mark.parametrize(
    ("option", "told"),
    [
        ({"fill_model": "tuoch"}, "fill_model: 'tuoch' is none of touch, through, queue"),
        ({"latency_ns": 1.5e6}, "latency_ns: 1500000.0 is no whole number of nanoseconds, zero or more"),
        ({"latency_ns": -1}, "latency_ns: -1 is no whole number of nanoseconds, zero or more"),
    ],
)
def test_an_option_that_makes_no_sense_is_refused(option: dict[str, Any], told: str) -> None:
    """A misspelt fill model filled by some other, and half a nanosecond was found by the first report."""
    with pytest.raises(InvalidMessage, match=f"^{told}$"):
        PaperEngine({MARKET.fqme: MARKET}, **option)


@pytest.mark.parametrize(("base", "quote", "told"), [("", "y", "base ''"), ("x", "y/z", "quote 'y/z'")])
def test_an_asset_has_a_name_that_a_fill_can_carry(base: str, quote: str, told: str) -> None:
    with pytest.raises(InvalidMessage, match=f"xy.paper: {told} is no asset's name"):
        PaperEngine({"xy.paper": Market("xy.paper", base, quote, Decimal(1), Decimal(1))})


# 7. Fees and ids.


def test_fees_are_the_markets_and_each_fill_has_its_own_id() -> None:
    venue = PaperEngine({MARKET.fqme: MARKET}, prefix="run-")
    told = [
        report
        for row in ("0 quote 99x5 101.5x3", "1 order a buy 4 @102", "2 trade 101.5x0.3", "3 trade 101.5x9")
        for report in take(venue, row)
    ]

    ack = told[0]
    assert isinstance(ack, BrokerdOrderAck)
    assert ack.venue_id == "run-P1"
    assert [(fill.exec_id, fill.fee, fill.fee_asset, fill.liquidity, fill.cum) for fill in fills(told)] == [
        ("run-X1", Decimal("0.15225"), "usd", "taker", Decimal(3)),
        ("run-X2", Decimal("0.00612"), "usd", "maker", Decimal("3.3")),
        ("run-X3", Decimal("0.01428"), "usd", "maker", Decimal(4)),
    ]
    assert {(fill.reqid, fill.venue_id, fill.account) for fill in fills(told)} == {("a", "run-P1", "main")}


@pytest.mark.parametrize(
    ("size", "price", "bps", "expected"),
    [
        ("1", "100", "-1.5", "-0.015"),
        ("0.000000000000000001", "1", "1", "0"),  # 1e-22: no message can carry it
        ("0.000000000000000001", "15000", "1", "0.000000000000000002"),  # half, to even
        ("0.000000000000000001", "25000", "1", "0.000000000000000002"),
        ("9999999999999999", "99.999999999999999999", "9999", "999899999999999900.0000010000000000"),
        ("1234567890123456", "99.123456789012345678", "9999", "122362399446063556.8157564892292664"),
    ],
)
def test_a_fee_is_exact_as_far_as_a_message_can_carry_it(
    size: str, price: str, bps: str, expected: str
) -> None:
    assert fee(Decimal(size), Decimal(price), Decimal(bps)) == Decimal(expected)
    assert Decimal(size) < SIZE_END
    assert Decimal(size) * Decimal(price) < COST_END
