"""The first view is the market's: no order squeezes the tape, and none is left out unsaid."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from fsm_ems.numbers import plain
from fsm_ems.report.figure import BEYOND_SHOWN, chart
from fsm_ems.report.life import lives
from fsm_ems.report.run import Run
from fsm_ems.report.track import Shown
from fsm_ems.report.view import Beyond, View, first_view
from tests.dialogs.desk import Desk
from tests.report.conftest import parsed, played

TICK = Decimal("0.01")
DARK = """
[[order]]
at = 1000000000
oid = "{oid}"
side = "sell"
size = "1"
mode = "dark"
price = "{price}"
"""


def dark(*prices: str) -> Run:
    """The small tape, from 99.80 to 100.30, with a dark order at each of *prices*, d1 first."""
    return played("".join(DARK.format(oid=f"d{n}", price=price) for n, price in enumerate(prices, 1)))[0]


def view_of(run: Run) -> View:
    found = first_view(run.shown, run.lives, TICK)
    assert found is not None
    return found


def test_the_view_is_the_markets_with_a_little_room() -> None:
    view = view_of(dark("100.00"))

    assert view == (Decimal("99.775"), Decimal("100.325"), (), ())


def test_an_order_near_the_market_widens_the_view_and_one_far_off_does_not() -> None:
    near, far = view_of(dark("100.55")), view_of(dark("100.56"))

    assert (near.low, near.high, near.above) == (Decimal("99.7625"), Decimal("100.5875"), ())
    assert (far.low, far.high) == (Decimal("99.775"), Decimal("100.325"))
    assert far.above == (Beyond("d1", Decimal("100.56")),)


def test_a_far_order_is_told_at_the_edge_that_it_lies_beyond() -> None:
    layout = chart(dark("30000", "90.50", "110", "80"))["layout"]
    above, below = layout["annotations"]

    assert layout["yaxis"]["range"] == ["99.7750", "100.3250"]
    assert above["text"] == "▲ 2 orders above the first view, the nearest d3 at 110"
    assert above["hovertext"] == "d3 at 110 usdt<br>d1 at 30000 usdt"
    assert below["text"] == "▼ 2 orders below the first view, the nearest d2 at 90.50"
    assert below["hovertext"] == "d2 at 90.50 usdt<br>d4 at 80 usdt"
    assert (above["y"], above["yanchor"], below["y"], below["yanchor"]) == (1, "bottom", 0, "top")


def test_one_order_alone_is_told_by_name_and_many_are_counted() -> None:
    (one,) = chart(dark("90"))["layout"]["annotations"]
    (many,) = chart(dark(*(str(n) for n in range(200, 203 + BEYOND_SHOWN))))["layout"]["annotations"]

    assert one["text"] == "▼ d1 below the first view, at 90"
    assert many["text"] == "▲ 23 orders above the first view, the nearest d1 at 200"
    assert many["hovertext"].count("<br>") == BEYOND_SHOWN
    assert many["hovertext"].endswith("d20 at 219 usdt<br>and 3 more")


def test_an_order_whose_price_moved_is_told_once_at_its_nearest(orders: str) -> None:
    edits = '[[edit]]\nat = 5000000000\noid = "d"\nprice = "95"\n' + DARK.format(oid="d", price="90")
    view = view_of(played(orders + edits)[0])

    assert view.below == (Beyond("post-only", Decimal("99.00")), Beyond("d", Decimal(95)))


def test_a_fill_is_in_view_wherever_it_was() -> None:
    desk = Desk()
    desk.order()
    desk.ack()
    desk.fill("4", price="70")
    view = first_view(Shown(), lives(desk.log, desk.now), TICK)

    assert view is not None
    assert view.low < 70 < view.high
    assert view.above == (Beyond("o1", Decimal(100)),)
    assert view.high - view.low == Decimal("0.22"), "a market that stands still is twenty ticks high"


def test_without_market_and_fills_the_orders_make_the_range() -> None:
    assert first_view(Shown(), dark("90").lives, TICK) is None


@given(st.lists(st.decimals(1, 10**6, places=2), min_size=1, max_size=4))
def test_every_price_is_in_view_or_told_and_the_market_keeps_half_the_height(prices: list[Decimal]) -> None:
    run = dark(*map(plain, prices))
    view = view_of(run)
    told = {found.oid for found in (*view.below, *view.above)}

    for number, price in enumerate(prices, 1):
        assert (view.low <= price <= view.high) is (f"d{number}" not in told)
    assert view.high - view.low <= 2 * Decimal("0.50") * Decimal("1.1")
    assert list(view.above) == sorted(view.above, key=lambda found: found.price)
    assert list(view.below) == sorted(view.below, key=lambda found: -found.price)


def test_the_page_says_how_all_prices_are_seen() -> None:
    assert "double-click to go back, and once more for the prices of all orders" in parsed(dark("90")).text
