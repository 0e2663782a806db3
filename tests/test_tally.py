"""How numbers of a run are shortened, exactly and not."""

from decimal import Decimal
from itertools import chain
from typing import Any

import pytest

from fsm_ems.dialogs.dispatcher import Dispatcher
from fsm_ems.dialogs.record import Effect, Notice
from fsm_ems.dialogs.settings import Limits, Settings
from fsm_ems.errors import Refused
from fsm_ems.market import Market
from fsm_ems.messages import Cancel, Command, Order
from fsm_ems.numbers import plain
from fsm_ems.orders_file import TimedCommand
from fsm_ems.tally import Tally, as_row, price_text, rejection_of, rounded, short
from tests.dialogs.desk import Desk


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


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        ("0.020", "0.020"),
        ("-0.1234567", "-0.1234567"),
        ("0.66666666666666666666666666666666667", "0.6666667"),
    ],
)
def test_realized_is_cut_where_it_has_more_digits_than_trades_can_give(amount: str, text: str) -> None:
    market = Market("x.paper", "x", "y", price_tick=Decimal("0.01"), size_tick=Decimal("0.001"))

    assert plain(rounded(Decimal(amount), market)) == text


def order(oid: str, **terms: object) -> Order:
    given: dict[str, Any] = {"side": "buy", "size": Decimal(1), "price": Decimal(9)} | terms
    return Order(oid=oid, market="x.paper", **given)


def test_tables_of_one_id_and_refused_commands_are_counted() -> None:
    """A cancel that is refused for want of an order refuses no order."""
    tables = [order("a"), order("b"), order("b", side="sell"), order("a"), order("c")]
    given: list[Command] = [*tables, Cancel(oid="c")]
    tally = Tally([TimedCommand(at, command) for at, command in enumerate(given)])
    assert (tally.spread, tally.refusals) == (" in 5 tables", "")

    for oid, code in (("c", "unknown_order"), ("b", "max_size"), ("b", "max_size"), ("a", "expired")):
        tally.take(Refused(code, "why", oid))

    assert tally.refusals == "4 of 6 commands refused"
    assert tally.states == {"refused": 2, "not submitted": 1}
    assert Tally([TimedCommand(1, order("a"))]).spread == ""


def test_of_two_orders_of_one_id_the_one_that_was_taken_is_told() -> None:
    """The first was refused, so the second is none that is in conflict with it."""
    market = Market("x.paper", "x", "usd", price_tick=Decimal(1), size_tick=Decimal(1))
    small = order("a", side="sell")
    tally = Tally([TimedCommand(1, order("a", size=Decimal(9))), TimedCommand(2, small)])
    settings = Settings(limits={"*": Limits(max_size=Decimal(1))}, markets={"x.paper": market})
    ems = Dispatcher(settings, lambda _: None, generation="g", now_ns=1)
    ems.grant("main", "trader", 1)

    with pytest.raises(Refused) as refused:
        ems.command("main", order("a", size=Decimal(9)), 1)
    tally.take(refused.value)
    assert tally.lines["a"].order.size == 9
    _, effects = ems.command("main", small, 2)
    for effect in effects:
        if isinstance(effect, Notice):
            tally.take(effect)

    assert as_row(tally.lines["a"], Decimal(1))[1:6] == ("sell", "limit", "pending", "0", "1")


def rejected(desk: Desk, *effects: list[Effect]) -> str | None:
    """What is told of ``o1``, which ended by *effects*."""
    tally = Tally([TimedCommand(1, order("o1"))])
    for effect in chain(*effects):
        if isinstance(effect, Notice):
            tally.take(effect)
    assert tally.states == {"rejected": 1}, desk.stands()
    return rejection_of(tally.lines["o1"])


def test_a_rejection_is_told_in_the_venues_words_whatever_it_says_later() -> None:
    for text, told in (("it would take", "it would take"), ("", "the venue gave no reason")):
        desk = Desk()
        ended = [desk.order(), desk.status("rejected", text=text)]
        assert rejected(desk, *ended, desk.ack()) == told


def test_the_venue_did_not_reject_what_never_came_there() -> None:
    desk = Desk()
    effects = [desk.order()]
    while desk.state() != "rejected":
        if desk.dialog().asked is not None:
            effects.append(desk.answer("absent"))
        effects.append(desk.wait(1))
    assert rejected(desk, *effects) == "never acknowledged and twice not found: it never arrived"


def test_an_order_over_a_limit_of_now_is_told_with_the_limit() -> None:
    desk = Desk(Settings(limits={"*": Limits(max_value=Decimal(1010))}))
    desk.quote("99", "100.5")
    stop = desk.order(mode="dark", trigger="stop", price="101")
    assert rejected(desk, stop, desk.quote("100.5", "101")) == (
        "it was not sent: max_value: 10 at 103.5 is above 1010"
    )


def test_an_oid_given_twice_is_the_first_order() -> None:
    """The second is the same order again, or refused as a conflict."""
    first = Order(oid="a", market="x.paper", side="buy", size=Decimal(1), price=Decimal(9))
    second = Order(oid="a", market="x.paper", side="sell", size=Decimal(1), price=Decimal(9))

    assert Tally([TimedCommand(1, first), TimedCommand(2, second)]).lines["a"].order is first
