"""The made-up market: the same everywhere, sound unless asked, and then as unsound as asked."""

from decimal import Decimal
from itertools import islice, pairwise

import pytest
from msgspec.structs import astuple

from fsm_ems.brokers.paper.engine import PaperEngine
from fsm_ems.brokers.paper.synthetic import SECOND_NS, Dice, Weather, synthetic
from fsm_ems.market import Market
from fsm_ems.quotes import Quote, Row, Trade

MARKET = Market(
    "xy.paper", "x", "y", price_tick=Decimal("0.05"), size_tick=Decimal("0.001"), min_size=Decimal("0.01")
)
ROWS = 5_000


def rows(weather: Weather | None = None, seed: int = 1, count: int = ROWS) -> list[Row]:
    return list(islice(synthetic(MARKET, seed, start_ns=7, weather=weather or Weather()), count))


def quotes(found: list[Row]) -> list[Quote]:
    return [row for row in found if isinstance(row, Quote)]


def zeros(quote: Quote) -> int:
    return sum(1 for cell in astuple(quote) if not cell)


def test_the_dice_are_those_of_the_paper() -> None:
    """The published first values of SplitMix64 for seed 1234567."""
    dice = Dice(1234567)

    assert [dice.below(2**64) for _ in range(3)] == [
        6457827717110365317,
        3203168211198807973,
        9817491932198370423,
    ]


def test_a_seed_gives_the_same_rows_and_another_others() -> None:
    assert rows() == rows()
    assert rows() != rows(seed=2)


def test_the_first_rows_of_seed_1_are_these() -> None:
    """If this changes, every demo and example changes with it."""
    assert [tuple(map(str, astuple(row))) for row in rows(count=3)] == [
        ("7", "1000.00", "2.860", "1000.05", "14.010"),
        ("99942393", "999.85", "0.010", "999.95", "6.810"),
        ("248395633", "999.90", "20.250", "sell", "2"),
    ]


def test_prices_and_sizes_are_on_tick_and_tradable() -> None:
    for row in rows():
        for price in (row.bid, row.ask) if isinstance(row, Quote) else (row.price,):
            assert price > 0
            assert price % MARKET.price_tick == 0
        for size in (row.bid_size, row.ask_size) if isinstance(row, Quote) else (row.size,):
            assert size >= MARKET.min_size
            assert size % MARKET.size_tick == 0


@pytest.mark.parametrize("weather", [Weather(), Weather(gaps=True, stale=True, zero=True, crossed=True)])
def test_times_begin_at_the_start_and_never_fall(weather: Weather) -> None:
    times = [row.time_ns for row in rows(weather)]

    assert times[0] == 7
    assert all(earlier <= later for earlier, later in pairwise(times))
    assert any(earlier == later for earlier, later in pairwise(times))


def test_a_quote_comes_first_and_both_kinds_after_it() -> None:
    found = rows()

    assert isinstance(found[0], Quote)
    assert found[0].bid == 1000
    assert ROWS / 3 < len(quotes(found)) < 2 * ROWS / 3


def test_a_calm_market_shows_no_fault() -> None:
    found = rows()

    assert all(quote.bid < quote.ask and not zeros(quote) for quote in quotes(found))
    assert max(later.time_ns - earlier.time_ns for earlier, later in pairwise(found)) < SECOND_NS
    assert longest_silence(found) < 30


def longest_silence(found: list[Row]) -> int:
    """The most prints in a row without a quote."""
    longest = current = 0
    for row in found:
        current = current + 1 if isinstance(row, Trade) else 0
        longest = max(longest, current)
    return longest


def test_gaps_are_silences_after_which_the_price_has_moved() -> None:
    found = rows(Weather(gaps=True))
    gaps = [later.time_ns - earlier.time_ns for earlier, later in pairwise(found)]

    assert 50 < sum(1 for gap in gaps if gap >= 3 * SECOND_NS) < 150
    assert max(gaps) < 24 * SECOND_NS
    assert all(quote.bid < quote.ask and not zeros(quote) for quote in quotes(found))


def test_stale_quotes_are_quotes_that_stop_while_prints_go_on() -> None:
    found = rows(Weather(stale=True))

    assert longest_silence(found) >= 50
    assert all(quote.bid < quote.ask and not zeros(quote) for quote in quotes(found))


def test_zero_quotes_show_nothing_on_one_side() -> None:
    found = [quote for quote in quotes(rows(Weather(zero=True))) if zeros(quote)]

    assert len(found) > 30
    assert all(zeros(quote) == 2 for quote in found)
    assert any(not quote.bid and not quote.bid_size for quote in found)
    assert any(not quote.ask and not quote.ask_size for quote in found)


def test_crossed_quotes_have_the_bid_above_the_ask() -> None:
    found = quotes(rows(Weather(crossed=True)))

    assert 30 < sum(1 for quote in found if quote.bid > quote.ask) < len(found) / 10
    assert not any(map(zeros, found))


def test_a_walk_that_begins_at_the_floor_stays_above_zero() -> None:
    cheap = islice(synthetic(MARKET, 3, price=Decimal("0.01")), ROWS)

    assert all(row.bid > 0 if isinstance(row, Quote) else row.price > 0 for row in cheap)


def test_the_engine_takes_a_synthetic_market_in_any_weather() -> None:
    engine = PaperEngine({MARKET.fqme: MARKET})
    for row in rows(Weather(gaps=True, stale=True, zero=True, crossed=True)):
        engine.row(row)
    assert engine.now_ns > 7
