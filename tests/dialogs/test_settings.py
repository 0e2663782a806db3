"""What an EMS is told when it is opened, and what it takes for granted."""

from decimal import Decimal
from typing import Any

import pytest

from fsm_ems.dialogs.settings import Capabilities, Limits, Settings
from fsm_ems.errors import InvalidMessage
from fsm_ems.market import Market

SECOND = 10**9
NARROW, WIDE = Limits(max_size=Decimal(1)), Limits(max_size=Decimal(9))


@pytest.mark.parametrize(
    ("limits", "found"),
    [
        ({}, None),
        ({"*": WIDE}, WIDE),
        ({"xbtusd.paper": NARROW}, NARROW),
        ({"xbtusd.paper": NARROW, "*": WIDE}, NARROW),
        ({"ethusd.paper": NARROW}, None),
        ({"ethusd.paper": NARROW, "*": WIDE}, WIDE),
    ],
)
def test_a_markets_own_limits_come_before_the_general_ones(
    limits: dict[str, Limits], found: Limits | None
) -> None:
    assert Settings(limits=limits).limits_of("xbtusd.paper") is found


@pytest.mark.parametrize("name", ["max_size", "max_value"])
@pytest.mark.parametrize(
    "limit", ["1", 1.5, 1, True, float("nan"), Decimal("NaN"), Decimal("Infinity"), Decimal(-1)]
)
def test_a_limit_that_would_limit_nothing_or_fail_at_the_first_order_is_refused(
    name: str, limit: object
) -> None:
    with pytest.raises(InvalidMessage, match=f"^{name}: "):
        Limits(**{name: limit})  # type: ignore[arg-type]  # that is the point


def test_a_limit_of_zero_forbids_every_order() -> None:
    assert Limits(max_size=Decimal(0)).max_size == 0


@pytest.mark.parametrize("limits", [{"*": 5}, {"xbtusd.paper": None}])
def test_limits_are_limits_by_market(limits: dict[str, Any]) -> None:
    with pytest.raises(InvalidMessage, match=r"limits: '.*' is given (5|None), and not Limits"):
        Settings(limits=limits)


def test_a_broker_that_declared_nothing_has_the_defaults() -> None:
    declared = Capabilities(reqid_form="int")
    settings = Settings(brokers={"kraken": declared})

    assert settings.capabilities("kraken") is declared
    assert settings.capabilities("paper") == Capabilities(
        reqid_form="str", reopen_filled=False, deadline=True
    )


@pytest.mark.parametrize(
    ("field", "value"), [("reqid_form", "Int"), ("deadline", "no"), ("history", 1), ("reopen_filled", None)]
)
def test_a_capability_that_is_none_is_refused_where_it_is_declared(field: str, value: object) -> None:
    given: dict[str, Any] = {field: value}

    with pytest.raises(InvalidMessage, match=f"{field}: {value!r} is neither"):
        Capabilities(**given)


def test_the_defaults_are_as_documented() -> None:
    """A request may take five seconds, the margin is two, a question is asked every ten."""
    settings = Settings()

    assert [settings.request_deadline_ns, settings.margin_ns, settings.ask_every_ns] == [
        5 * SECOND,
        2 * SECOND,
        10 * SECOND,
    ]
    assert [settings.keep_finished, settings.keep_age_ns, settings.parked_max] == [
        10_000,
        30 * 86_400 * SECOND,
        1_000,
    ]


@pytest.mark.parametrize("name", ["request_deadline_ns", "ask_every_ns"])
@pytest.mark.parametrize("value", [0, -1])
def test_patience_without_end_of_tries_is_a_programmers_error(name: str, value: int) -> None:
    """A deadline or a question that is due again at once would be re-driven for ever at one moment."""
    with pytest.raises(InvalidMessage, match=f"{name}: {value!r} is no whole number above zero"):
        Settings(**{name: value})  # type: ignore[arg-type]  # an int


@pytest.mark.parametrize(
    "name", ["margin_ns", "keep_finished", "keep_age_ns", "parked_max", "open_edits_max"]
)
def test_a_bound_below_zero_is_a_programmers_error(name: str) -> None:
    with pytest.raises(InvalidMessage, match=f"{name}: -1 is no whole number zero or more"):
        Settings(**{name: -1})  # type: ignore[arg-type]  # an int
    assert getattr(Settings(**{name: 0}), name) == 0  # type: ignore[arg-type]  # an int


XY = Market("xy.paper", "x", "y", Decimal(1), Decimal(1))


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("request_deadline_ns", 1.5, "request_deadline_ns: 1.5 is no whole number above zero"),
        ("ask_every_ns", True, "ask_every_ns: True is no whole number above zero"),
        ("margin_ns", "2", "margin_ns: '2' is no whole number zero or more"),
        ("quote_age_ns", 5e9, "quote_age_ns: 5000000000.0 is no whole number zero or more"),
        ("limit_ticks", 3, "limit_ticks: a mapping is needed, and 3 is none"),
        ("limit_ticks", {"*": 1.5}, "limit_ticks: '*' is given 1.5, and not int"),
        ("limit_ticks", {"*": True}, "limit_ticks: '*' is given True, and not int"),
        ("limit_ticks", {"*": -1}, "limit_ticks: -1 of * are not 0 to 10000"),
        ("limit_ticks", {"*": 10_001}, "limit_ticks: 10001 of * are not 0 to 10000"),
        ("limits", None, "limits: a mapping is needed, and None is none"),
        ("limits", {5: WIDE}, "limits: each is named by text, and 5 is none"),
        ("brokers", {"paper": {"deadline": True}}, "brokers: 'paper' is given {'deadline': True}, and not"),
        ("markets", [XY], "markets: a mapping is needed"),
        ("markets", {"xz.paper": XY}, "markets: xz.paper names xy.paper"),
        ("fee_factor", 2, "fee_factor: a Decimal is needed"),
        ("fee_factor", Decimal(-1), "fee_factor: -1 is no number of zero or more"),
        ("fee_factor", Decimal("NaN"), "fee_factor: NaN is no number of zero or more"),
        ("fee_factor", Decimal("1E+30"), "fee_factor: 1E+30 is no number of zero or more"),
        ("operator", "", "operator: '' is no name"),
        ("declared", {"paper": ["xy.paper"]}, "declared: 'paper' is given ['xy.paper'], and not frozenset"),
        ("operator", None, "operator: None is no name"),
    ],
)
def test_settings_of_another_type_are_refused_where_they_are_made(
    field: str, value: object, told: str
) -> None:
    """All at once, beside one another."""
    given: dict[str, Any] = {field: value, "parked_max": -2}

    with pytest.raises(InvalidMessage) as refused:
        Settings(**given)

    assert any(problem.startswith(told) for problem in refused.value.problems)
    assert "parked_max: -2 is no whole number zero or more" in refused.value.problems


def test_the_outermost_settings_are_taken() -> None:
    edges = Settings(limit_ticks={"*": 0, "xy.paper": 10_000}, markets={"xy.paper": XY}, margin_ns=0)

    assert [edges.limit_ticks_of("xy.paper"), edges.limit_ticks_of("ab.paper")] == [10_000, 0]
