"""Where a trailing stop begins that names no price, and where it follows to: on the tick, never too near."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fsm_ems.dialogs.dispatcher import Dispatcher
from fsm_ems.dialogs.record import Record, SendOrder, Trailed, Triggered
from fsm_ems.dialogs.settings import Settings
from fsm_ems.market import Market
from fsm_ems.messages import Order
from fsm_ems.quotes import Quote
from tests.dialogs.desk import MARKET, Desk, of_kind

Shows = Callable[[Desk], object]
WIDE = ("100", "110")
TRAIL: dict[str, Any] = {"mode": "dark", "trigger": "trail", "price": None}


def told_of(desk: Desk) -> list[Trailed | Triggered]:
    return [one.payload for one in desk.log if isinstance(one.payload, Trailed | Triggered)]


def _price(ems: Dispatcher) -> Decimal | None:
    dialog = ems.book.dialog("ann", "o")
    assert dialog is not None
    return dialog.price


@pytest.mark.parametrize(("side", "stop"), [("sell", "97"), ("buy", "113")])
def test_a_trail_of_less_than_half_the_spread_begins_behind_what_it_listens_to(
    desk: Desk, side: str, stop: str
) -> None:
    """From the middle, 105, the quote that is there would meet it at once."""
    desk.quote(*WIDE)

    desk.order(side=side, trail="3", **TRAIL)
    sent = of_kind(desk.quote(*WIDE), SendOrder)

    assert (desk.dialog().price, sent, told_of(desk)) == (Decimal(stop), [], [])


@pytest.mark.parametrize(
    ("side", "far", "meets"), [("sell", "110", "97"), ("buy", "100", "113")], ids=["sell", "buy"]
)
def test_a_print_at_the_other_side_of_the_spread_moves_no_stop(
    desk: Desk, side: str, far: str, meets: str
) -> None:
    """A sale trades at the bid: behind prints at the ask a stop is met by the bid that was there before."""
    desk.quote(*WIDE)
    desk.order(side=side, trail="3", **TRAIL)

    for show in (printed(far), quoted(*WIDE), printed("105"), quoted(*WIDE)):
        show(desk)
    assert told_of(desk) == []

    (sent,) = of_kind(desk.print(meets), SendOrder)  # it is met by either
    assert sent.side == side


@pytest.mark.parametrize(("side", "follows"), [("sell", ["103", "107"]), ("buy", ["107", "103"])])
def test_prints_are_followed_while_no_quote_is_fresh(desk: Desk, side: str, follows: list[str]) -> None:
    """At its age a quote still counts; then prints are all that tells where the market goes."""
    first, then = ("106", "110") if side == "sell" else ("104", "100")
    desk.quote(*WIDE)
    desk.order(side=side, trail="3", **TRAIL)
    desk.now += desk.ems.settings.quote_age_ns
    desk.print(then)
    assert told_of(desk) == []

    desk.now += 1
    desk.print(first)
    desk.print(then)

    assert [f"{one.source} {one.price}" for one in told_of(desk)] == [f"last {price}" for price in follows]


@pytest.mark.parametrize("offers", [("0", "0"), ("0", "110"), ("110", "100")])
def test_a_fresh_quote_that_offers_nothing_leads_nowhere_and_neither_do_prints(
    desk: Desk, offers: tuple[str, str]
) -> None:
    """What a sale could trade at is not known, and a bid may come back to where it was."""
    desk.quote(*WIDE)
    desk.order(side="sell", trail="3", **TRAIL)

    desk.quote(*offers)
    desk.print("110")
    desk.quote(*WIDE)

    assert told_of(desk) == []


def test_a_stop_that_a_far_print_does_not_move_follows_the_touch(desk: Desk) -> None:
    desk.quote(*WIDE)
    desk.order(side="sell", trail="3", **TRAIL)

    desk.print("112")
    desk.quote("102", "112")

    assert [f"{one.source} {one.price}" for one in told_of(desk)] == ["bid 99"]


@pytest.mark.parametrize(("side", "meets"), [("sell", ("97", "110")), ("buy", ("100", "113"))])
def test_it_is_met_at_its_distance_and_says_so(desk: Desk, side: str, meets: tuple[str, str]) -> None:
    desk.quote(*WIDE)
    desk.order(side=side, trail="3", **TRAIL)

    (sent,) = of_kind(desk.quote(*meets), SendOrder)

    (fired,) = told_of(desk)
    source, seen = ("bid", meets[0]) if side == "sell" else ("ask", meets[1])
    assert isinstance(fired, Triggered)
    assert (fired.source, fired.seen) == (source, Decimal(seen))
    assert sent.side == side


def quoted(bid: str = "100", ask: str = "110", age: float = 0) -> Shows:
    return lambda desk: desk.quote(bid, ask, age)


def printed(price: str, age: float = 0) -> Shows:
    return lambda desk: desk.print(price, age)


@pytest.mark.parametrize(
    ("shows", "sell", "buy"),
    [
        ((quoted(), printed("106")), "97", "113"),
        ((printed("106"), quoted()), "97", "113"),
        ((printed("106"),), "103", "109"),
        ((quoted(bid="0"), printed("106")), "103", "113"),
        ((quoted(ask="0"), printed("106")), "97", "109"),
        ((quoted(bid="0"),), "no_reference", "113"),
        ((quoted("110", "100"),), "no_reference", "no_reference"),
        ((), "no_reference", "no_reference"),
    ],
)
def test_a_trail_begins_behind_the_touch_else_behind_the_last_print(
    desk: Desk, shows: tuple[Shows, ...], sell: str, buy: str
) -> None:
    for show in shows:
        show(desk)

    for oid, (side, begins) in enumerate((("sell", sell), ("buy", buy))):
        terms: dict[str, Any] = {"market": MARKET, "size": "1", "side": side, "trail": "3", **TRAIL}
        if begins == "no_reference":
            assert desk.refused("order", oid=f"o{oid}", **terms).code == begins
        else:
            desk.command("order", oid=f"o{oid}", **terms)
            assert desk.dialog(f"o{oid}").price == Decimal(begins)


def test_a_touch_or_a_print_that_is_too_old_begins_nothing(desk: Desk) -> None:
    desk.quote(*WIDE)
    desk.now += desk.ems.settings.quote_age_ns
    desk.print("106")
    desk.order("at_its_age", side="sell", trail="3", **TRAIL)
    desk.now += 1
    desk.order("past_it", side="sell", trail="3", **TRAIL)
    desk.now += desk.ems.settings.quote_age_ns

    terms: dict[str, Any] = {"market": MARKET, "size": "1", "side": "sell", "trail": "3", **TRAIL}
    assert desk.refused("order", oid="nothing_left", **terms).code == "no_reference"
    assert [desk.dialog(oid).price for oid in ("at_its_age", "past_it")] == [97, 103]


@pytest.mark.parametrize(("side", "stop"), [("sell", "98.5"), ("buy", "111.5")])
def test_a_level_between_two_ticks_is_the_one_further_away(desk: Desk, side: str, stop: str) -> None:
    """A tick is 0.5: at 98.7 no sell is met early, and 98.5 is the first price that meets it."""
    desk.quote(*WIDE)

    desk.order(side=side, trail="1.3", **TRAIL)

    assert str(desk.dialog().price) == stop


def test_a_stop_follows_by_whole_ticks_and_makes_no_record_of_less(desk: Desk) -> None:
    desk.quote(*WIDE)
    desk.order(side="sell", trail="1.3", **TRAIL)
    seqs = [desk.book.seq]
    for bid in ("100", "100.5", "100.5", "100.2"):
        desk.quote(bid, "110")
        seqs.append(desk.book.seq)

    begin = seqs[0]
    assert seqs == [begin, begin, begin + 1, begin + 1, begin + 1]
    assert str(desk.dialog().price) == "99.0"


def test_a_trail_that_leaves_nothing_above_zero_on_the_tick_is_refused(desk: Desk) -> None:
    desk.quote("1", "2")

    refused = desk.refused("order", market=MARKET, size="1", side="sell", trail="0.7", **TRAIL)

    assert (refused.code, refused.why) == ("bad_price", "a trail of 0.7 leaves no price below 1")


def test_where_no_tick_is_known_the_level_is_the_distance_alone() -> None:
    records: list[Record] = []
    ems = Dispatcher(Settings(), records.append, generation="g", now_ns=1)
    ems.grant("ann", "trader", 1)
    one = Decimal(1)
    ems.quote("m.nowhere", Quote(1, Decimal(100), one, Decimal(110), one), 1)
    order = Order(oid="o", side="buy", market="m.nowhere", size=one, mode="dark", type="market",
                  trigger="trail", trail=Decimal("1.37"))  # fmt: skip  # its terms on two lines

    ems.command("ann", order, 1)

    assert _price(ems) == Decimal("111.37")


_steps = st.integers(1, 10**6)


@given(
    side=st.sampled_from(("buy", "sell")),
    tick=_steps.map(lambda n: Decimal(n).scaleb(-3)),
    bid=_steps.map(lambda n: Decimal(n).scaleb(-2)),
    spread=st.integers(0, 10**5).map(lambda n: Decimal(n).scaleb(-2)),
    trail=_steps.map(lambda n: Decimal(n).scaleb(-4)),
)
def test_no_trail_begins_off_tick_nearer_than_it_says_or_a_tick_further(
    side: str, tick: Decimal, bid: Decimal, spread: Decimal, trail: Decimal
) -> None:
    market = Market(MARKET, "xbt", "usd", price_tick=tick, size_tick=Decimal(1))
    ems = Dispatcher(Settings(markets={MARKET: market}), lambda _: None, generation="g", now_ns=1)
    ems.grant("ann", "trader", 1)
    row = Quote(1, bid, Decimal(1), bid + spread, Decimal(1))
    ems.quote(MARKET, row, 1)
    order = Order(oid="o", side="buy", market=MARKET, size=Decimal(1), mode="dark", trigger="trail",
                  trail=trail)  # fmt: skip  # its terms on two lines
    order = replace(order, side=side)  # type: ignore[arg-type]  # one of the two, drawn
    if side == "sell" and bid - trail < tick:
        return

    ems.command("ann", order, 1)

    price = _price(ems)
    assert price is not None
    away = bid - price if side == "sell" else price - (bid + spread)
    assert trail <= away < trail + tick
    assert price % tick == 0
