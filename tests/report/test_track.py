"""A line of points stays bounded, and loses no extreme."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from fsm_ems.quotes import Quote, Trade
from fsm_ems.report.track import Point, Shown, Track

MOST = 8
PRICES = st.none() | st.integers(-5, 5).map(Decimal)


def track(prices: list[Decimal | None]) -> tuple[Track, list[Point]]:
    line = Track(MOST)
    given_points = [Point(place, price, Decimal(1)) for place, price in enumerate(prices)]
    for point in given_points:
        line.add(point)
    return line, given_points


@given(st.lists(PRICES, max_size=MOST - 1))
def test_a_short_line_is_kept_whole(prices: list[Decimal | None]) -> None:
    line, points = track(prices)

    assert line.points == points
    assert line.each == 1


@given(st.lists(PRICES, min_size=1, max_size=300))
def test_a_long_line_is_bounded_and_keeps_ends_and_extremes(prices: list[Decimal | None]) -> None:
    line, points = track(prices)
    kept = line.points
    shown = [point.price for point in kept if point.price is not None]
    offered = [price for price in prices if price is not None]

    assert len(kept) <= 4 * MOST
    assert kept == sorted(set(kept)), "in the tape's order, none twice"
    assert set(kept) <= set(points)
    assert (kept[0], kept[-1]) == (points[0], points[-1])
    assert (min(shown, default=None), max(shown, default=None)) == (
        min(offered, default=None),
        max(offered, default=None),
    )
    assert line.seen == len(points)


def test_each_bucket_keeps_its_own_extremes() -> None:
    """Eight times 1, 9, 2, 0 become four buckets, each with its first, lowest, highest and last."""
    line, _ = track([Decimal(price) for price in (1, 9, 2, 0) * 8])

    assert [int(point.price or 0) for point in line.points] == [1, 0, 9, 0] * 4


def test_a_side_that_offers_nothing_is_a_gap() -> None:
    shown = Shown()
    zero, one = Decimal(0), Decimal(1)
    for time_ns, (price, size) in enumerate([(one, one), (one, zero), (zero, one)]):
        shown.see(Quote(time_ns, price, size, one, one))
    shown.see(Trade(7, one, one, "", ""))

    assert [point.price for point in shown.bids.points] == [one, None, None]
    assert [point.price for point in shown.asks.points] == [one, one, one]
    assert (shown.rows, shown.first_ns, shown.last_ns, shown.prints.seen) == (4, 0, 7, 1)
    assert not shown.thinned
