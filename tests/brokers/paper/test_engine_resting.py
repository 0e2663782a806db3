"""Rules 3 and 5 of the paper venue: what rests, and how own orders share what a row offers."""

from decimal import Decimal

import pytest

from fsm_ems.brokers.paper.engine import PaperEngine
from fsm_ems.market import FillModel
from fsm_ems.quotes import Trade
from tests.brokers.paper.tables import MARKET, played, take, tidy

MODELS: tuple[FillModel, ...] = ("touch", "through", "queue")


# Quotes: the same under every model.


@pytest.mark.parametrize("model", MODELS)
def test_a_far_side_that_reaches_the_limit_fills_at_the_limit(model: FillModel) -> None:
    table = """
        0 quote 99x5 101x5
        1 order a buy 4 @100       -> a ack P1; a open 0
        1 order b sell 4 @100.5    -> b ack P2; b open 0
        2 quote 98x5 100.5x1
        3 quote 98x5 100x1         -> a made 1@100
        4 quote 97x5 98x9          -> a made 3@100
        5 quote 100x5 101x5
        6 quote 100.5x1 101x5      -> b made 1@100.5
        7 quote 103x9 104x5        -> b made 3@100.5
    """
    assert played(table, model=model) == tidy(table)


@pytest.mark.parametrize("model", MODELS)
def test_the_quote_an_order_arrived_at_is_no_later_quote(model: FillModel) -> None:
    table = """
        0 quote 99x5 101x3
        1 order a buy 4 @101       -> a ack P1; a took 3@101; a open 3
        2 quote 99x5 101x3         -> a made 1@101
    """
    assert played(table, model=model) == tidy(table)


@pytest.mark.parametrize("model", MODELS)
def test_own_orders_share_a_quote_by_price_then_time(model: FillModel) -> None:
    table = """
        0 quote 99x5 105x5
        1 order a buy 2 @100       -> a ack P1; a open 0
        1 order b buy 2 @101       -> b ack P2; b open 0
        1 order c buy 2 @101       -> c ack P3; c open 0
        1 order d buy 2 @102       -> d ack P4; d open 0
        2 quote 99x5 100x5         -> d made 2@102; b made 2@101; c made 1@101
        3 quote 99x5 101x5         -> c made 1@101
        4 quote 99x5 100x5         -> a made 2@100
    """
    assert played(table, model=model) == tidy(table)


@pytest.mark.parametrize("model", MODELS)
def test_own_sells_share_a_quote_by_price_then_time(model: FillModel) -> None:
    table = """
        0 quote 90x5 99x5
        1 order a sell 2 @102      -> a ack P1; a open 0
        1 order b sell 2 @101      -> b ack P2; b open 0
        1 order c sell 2 @101      -> c ack P3; c open 0
        1 order d sell 2 @100      -> d ack P4; d open 0
        2 quote 102x7 105x5        -> d made 2@100; b made 2@101; c made 2@101; a made 1@102
    """
    assert played(table, model=model) == tidy(table)


@pytest.mark.parametrize("model", MODELS)
def test_takers_and_resting_orders_share_one_displayed_size(model: FillModel) -> None:
    """Until the next quote row, and a print in between refreshes nothing."""
    table = """
        0 quote 99x5 105x5
        1 order a buy 2 @101       -> a ack P1; a open 0
        2 quote 99x5 101x5         -> a made 2@101
        3 order b buy 2 @101       -> b ack P2; b took 2@101
        4 trade 103x9
        5 order c buy 2 @101       -> c ack P3; c took 1@101; c open 1
        6 order d sell 4 market    -> d ack P4; d took 4@99
        7 order e sell 4 @99 ioc   -> e ack P5; e took 1@99; e cancelled 1
    """
    assert played(table, model=model) == tidy(table)


def test_each_quote_refreshes_both_sides() -> None:
    table = """
        0 quote 99x5 101x5
        1 order a buy 5 market     -> a ack P1; a took 5@101
        1 order b sell 5 market    -> b ack P2; b took 5@99
        2 quote 99x5 101x5
        3 order c buy 5 market     -> c ack P3; c took 5@101
        3 order d sell 5 market    -> d ack P4; d took 5@99
    """
    assert played(table) == tidy(table)


def test_own_orders_never_trade_with_each_other() -> None:
    table = """
        0 order a buy 1 @101       -> a ack P1; a open 0
        0 order b sell 1 @99       -> b ack P2; b open 0
        1 quote 90x5 110x5
        2 order c sell 1 @100      -> c ack P3; c open 0
    """
    assert played(table) == tidy(table)


def test_one_quote_can_fill_own_buys_from_its_ask_and_own_sells_from_its_bid() -> None:
    table = """
        0 order a buy 9 @101       -> a ack P1; a open 0
        0 order b sell 9 @99       -> b ack P2; b open 0
        1 quote 99x2 100x3         -> a made 3@101; b made 2@99
        2 quote 100x2 100x3        -> a made 3@101; b made 2@99      # locked
    """
    assert played(table) == tidy(table)


@pytest.mark.parametrize(
    ("row", "buy", "sell"),
    [
        ("1 quote 99x5 101x5", " -> a made 2@102", " -> b made 2@98"),
        ("1 quote 101x5 99x5", "", ""),  # crossed
        ("1 quote 0x0 101x5", " -> a made 2@102", ""),
        ("1 quote 99x0 101x5", " -> a made 2@102", ""),
        ("1 quote 0x5 101x5", " -> a made 2@102", ""),
        ("1 quote 99x5 0x0", "", " -> b made 2@98"),
        ("1 quote 99x5 101x0", "", " -> b made 2@98"),
        ("1 quote 99x5 0x5", "", " -> b made 2@98"),
        ("1 quote 0x0 0x0", "", ""),
    ],
)
def test_a_side_that_is_zero_or_crossed_offers_nothing(row: str, buy: str, sell: str) -> None:
    assert played(f"0 order a buy 2 @102 -> a ack P1; a open 0\n{row}{buy}") == (
        f"0 order a buy 2 @102 -> a ack P1; a open 0\n{row}{buy}"
    )
    assert played(f"0 order b sell 2 @98 -> b ack P1; b open 0\n{row}{sell}") == (
        f"0 order b sell 2 @98 -> b ack P1; b open 0\n{row}{sell}"
    )


def test_a_bad_quote_takes_the_last_good_one_away() -> None:
    table = """
        0 quote 99x5 101x5
        1 quote 99x5 0x0
        2 order a buy 1 market       -> a ack P1; a cancelled 0
        2 order b buy 1 @102 post    -> b ack P2; b open 0
        3 quote 103x5 101x5
        4 order c sell 1 @90 ioc     -> c ack P3; c cancelled 0
        4 order d buy 1 @103 fok     -> d ack P4; d cancelled 0
    """
    assert played(table) == tidy(table)


# Prints.


@pytest.mark.parametrize("model", MODELS)
def test_a_print_through_the_limit_fills_at_the_limit_up_to_its_size(model: FillModel) -> None:
    table = """
        0 quote 99x5 101x5
        1 order a buy 4 @100       -> a ack P1; a open 0
        1 order b sell 4 @100.5    -> b ack P2; b open 0
        2 trade 99.5x1             -> a made 1@100
        3 trade 90x9               -> a made 3@100
        4 trade 101x3              -> b made 3@100.5
        5 trade 110x3              -> b made 1@100.5
    """
    assert played(table, model=model) == tidy(table)


def test_a_print_exactly_at_the_limit_fills_under_touch_and_not_under_through() -> None:
    touch = """
        0 quote 99x5 101x5
        1 order a buy 4 @100       -> a ack P1; a open 0
        2 trade 100x3              -> a made 3@100
        3 trade 99.5x3             -> a made 1@100
    """
    through = """
        0 quote 99x5 101x5
        1 order a buy 4 @100       -> a ack P1; a open 0
        2 trade 100x3
        3 trade 99.5x3             -> a made 3@100
    """
    assert played(touch) == tidy(touch)
    assert played(through, model="through") == tidy(through)


def test_under_through_the_orders_at_the_print_are_passed_over() -> None:
    table = """
        0 quote 90x5 105x5
        1 order a buy 2 @100       -> a ack P1; a open 0
        1 order b buy 2 @101       -> b ack P2; b open 0
        1 order c sell 2 @100      -> c ack P3; c open 0
        2 trade 100x9              -> b made 2@101
    """
    assert played(table, model="through") == tidy(table)


@pytest.mark.parametrize("side", ["buy", "sell", ""])
def test_the_side_of_a_print_is_ignored(side: str) -> None:
    venue = PaperEngine({MARKET.fqme: MARKET})
    take(venue, "0 order a buy 2 @100")
    take(venue, "0 order b sell 2 @101")
    one = Decimal(1)

    told = [venue.row(Trade(1, price, one, side, "7")) for price in (Decimal(100), Decimal(101))]

    assert [[report.reqid for report in reports] for reports in told] == [["a"], ["b"]]


def test_own_orders_share_a_print_by_price_then_time() -> None:
    table = """
        0 quote 90x5 105x5
        1 order a buy 2 @100       -> a ack P1; a open 0
        1 order b buy 2 @101       -> b ack P2; b open 0
        1 order c buy 2 @101       -> c ack P3; c open 0
        2 trade 100x3              -> b made 2@101; c made 1@101
        3 trade 100x2              -> c made 1@101; a made 1@100
    """
    assert played(table) == tidy(table)


def test_a_print_is_liquidity_once_for_buys_and_sells_together() -> None:
    """The furthest through comes first, then the earlier."""
    table = """
        0 order a buy 2 @100       -> a ack P1; a open 0
        0 order b sell 2 @100      -> b ack P2; b open 0
        0 order c sell 2 @98       -> c ack P3; c open 0
        0 order d buy 2 @102       -> d ack P4; d open 0
        0 order e sell 2 @99.5     -> e ack P5; e open 0
        1 trade 100x3              -> c made 2@98; d made 1@102
        2 trade 100x3              -> d made 1@102; e made 2@99.5
        3 trade 100x3              -> a made 2@100; b made 1@100
    """
    assert played(table) == tidy(table)
