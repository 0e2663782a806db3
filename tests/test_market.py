"""A market is its address, its steps and its costs, and nothing changes it."""

from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from fsm_ems.errors import InvalidMessage
from fsm_ems.market import Declared, Market, not_traded, unknown_market

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


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"price_tick": Decimal(0)}, "price_tick must be above zero"),
        ({"size_tick": Decimal("-0.1")}, "size_tick must be above zero"),
        ({"size_tick": Decimal("NaN")}, "size_tick must be above zero"),
        ({"price_tick": Decimal("1E-19")}, "price_tick: at most 34 digits, within 18 places of the point"),
        ({"size_tick": Decimal("1E+18")}, "size_tick: at most 34 digits, within 18 places of the point"),
        ({"min_size": Decimal("1E-19")}, "min_size: at most 34 digits, within 18 places of the point"),
        ({"min_size": Decimal(-1)}, "min_size must be zero or more"),
        ({"min_cost": Decimal("sNaN")}, "min_cost must be zero or more"),
        ({"maker_bps": Decimal("-Infinity")}, "maker_bps must be a finite number"),
        ({"price_tick": 0.5}, "price_tick: a Decimal is needed, and 0.5 is none"),
        ({"taker_bps": 2}, "taker_bps: a Decimal is needed, and 2 is none"),
    ],
)
def test_a_market_that_no_request_can_keep_to_is_refused_where_it_is_made(
    change: dict[str, Any], told: str
) -> None:
    """Made anew or from another; a rebate is a fee below zero, and the finest tick has 18 places."""
    fields: dict[str, Any] = {"price_tick": Decimal("1E-18"), "size_tick": Decimal(1)}
    made = Market("xy.paper", "x", "y", **fields, maker_bps=Decimal("-0.5"))

    with pytest.raises(InvalidMessage, match=f"^xy.paper: {told}"):
        Market("xy.paper", "x", "y", **(fields | change))
    with pytest.raises(InvalidMessage, match=f"^xy.paper: {told}"):
        replace(made, **change)


@pytest.mark.parametrize("name", ["fqme", "base", "quote"])
@pytest.mark.parametrize("given", [5, None, b"xbt"])
def test_names_are_text(name: str, given: object) -> None:
    """Found here: the address of a market is taken apart by whoever gets it."""
    fields: dict[str, Any] = {"fqme": "xy.paper", "base": "x", "quote": "y", name: given}

    with pytest.raises(InvalidMessage, match=f"^{name}: text is needed, and {given!r} is none$"):
        Market(**fields, price_tick=Decimal(1), size_tick=Decimal(1))


KNOWN = "known are ethusd.kraken, xbtusd.kraken, xbtusd.paper"
FEW = {
    "kraken": frozenset({"xbtusd.kraken", "ethusd.kraken"}),
    "paper": frozenset({"xbtusd.paper"}),
    "bare": frozenset[str](),
}
BARE = {"bare": frozenset[str]()}


@pytest.mark.parametrize(
    ("fqme", "told"),
    [
        ("xbtusd.kraken", None),
        ("xbtsud.kraken", "kraken has no market xbtsud.kraken: known are ethusd.kraken, xbtusd.kraken"),
        ("ethusd.paper", "paper has no market ethusd.paper: known are xbtusd.paper"),
        ("xbtusd.bare", None),
        ("xbtusd.other", None),
        ("x" * 100 + ".paper", f"paper has no market {'x' * 59} …: known are xbtusd.paper"),
    ],
)
def test_a_market_that_its_broker_does_not_have_is_told_with_those_it_has(
    fqme: str, told: str | None
) -> None:
    """Of a broker that declared none every one may be."""
    assert unknown_market(FEW, fqme) == told


def test_of_many_markets_those_are_named_that_are_written_nearly_the_same() -> None:
    many = {"paper": frozenset({*(f"c{number}usd.paper" for number in range(100, 400)), "xbtusd.paper"})}

    near = unknown_market(many, "xbtsud.paper")
    far = unknown_market(many, "------------------------------.paper")

    assert near is not None
    assert near.startswith("paper has no market xbtsud.paper: 301 are known, near it xbtusd.paper, ")
    assert near.count(",") <= 9
    assert far == "paper has no market ------------------------------.paper: 301 are known"


@pytest.mark.parametrize(
    ("declared", "fqme", "told"),
    [
        (FEW, "xbtusd.kraken", None),
        (FEW, "xbtusd.bare", None),
        (FEW, "xbtsud.paper", "paper has no market xbtsud.paper: known are xbtusd.paper"),
        ({}, "xbtusd.krakn", None),
        (BARE, "xbtusd.krakn", None),
        (BARE, "xbtusd.bare", None),
        (
            FEW,
            "xbtusd.krakn",
            "no broker of market xbtusd.krakn is opened: opened are bare, kraken, paper; " + KNOWN,
        ),
    ],
)
def test_a_market_of_no_broker_that_is_opened_is_told_where_any_is_known(
    declared: Declared, fqme: str, told: str | None
) -> None:
    assert not_traded(declared, fqme) == told
