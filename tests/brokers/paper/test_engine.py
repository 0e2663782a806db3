"""Rules 1 and 4 of the paper venue, and the engine as a whole, on tapes to recompute by hand."""

import copy
from decimal import Decimal

import pytest

from fsm_ems.brokers.paper.engine import PaperEngine
from fsm_ems.market import Market
from fsm_ems.messages import (
    BrokerdQuery,
    BrokerdStatus,
    OrderDetails,
)
from tests.brokers.paper.tables import MARKET, fills, limit_order, played, request_of, row_of, take, tidy


def engine(*, latency_ns: int = 0, orders_max: int = 100, ended_max: int = 100) -> PaperEngine:
    return PaperEngine(
        {MARKET.fqme: MARKET}, latency_ns=latency_ns, orders_max=orders_max, ended_max=ended_max
    )


# 1. Time.


def test_without_latency_a_request_arrives_when_it_was_sent() -> None:
    table = """
        0 quote 99x5 101x5
        3 order a buy 1 @101     -> a ack P1; a took 1@101
    """
    assert played(table) == tidy(table)


def test_latency_delays_orders_edits_cancels_and_queries_alike() -> None:
    table = """
        0  quote 99x5 101x5
        1  order a buy 4 @100
        2  edit  e a 6 @100
        3  query q a
        4  cancel c a
        10 time
        11 time                  -> a ack P1; a open 0
        12 time                  -> e replaced 6@100
        13 time                  -> q about a: open 0 of 6@100
        14 time                  -> e cancelled 0
    """
    assert played(table, latency_ns=10) == tidy(table)


def test_a_cancel_races_fills_under_the_same_latency() -> None:
    table = """
        0  quote 99x5 101x5
        1  order a buy 4 @100
        12 cancel c a            -> a ack P1; a open 0
        21 trade 100x1           -> a made 1@100
        22 trade 100x1           -> a made 1@100
        23 trade 100x1           -> a cancelled 2
    """
    assert played(table, latency_ns=10) == tidy(table)


def test_rows_of_a_time_come_before_the_requests_of_that_time() -> None:
    """The order arrives at 5 and meets the second quote of 5, though it was sent before both rows."""
    venue = engine()
    venue.send(request_of("5 order a buy 1 @101"))

    told = [venue.row(row_of(words)) for words in ("5 quote 99x5 101x5", "5 quote 99x5 100x5")]

    assert told == [[], []]
    assert [fill.price for fill in fills(venue.advance(5))] == [100]


def test_time_that_is_not_inclusive_keeps_the_requests_of_that_time() -> None:
    venue = engine()
    venue.send(request_of("5 order a buy 1 @101"))

    assert venue.advance(5, inclusive=False) == []
    assert venue.next_due_ns() == 5
    assert venue.in_flight == 1
    assert len(venue.advance(5)) == 2
    assert venue.in_flight == 0


def test_an_expiry_comes_before_the_row_and_the_request_of_its_time() -> None:
    table = """
        0 quote 99x5 101x5
        0 order a buy 1 @100 gtd=5   -> a ack P1; a open 0
        0 order b buy 1 @100         -> b ack P2; b open 0
        5 trade 100x9                -> a expired 0; b made 1@100
        5 cancel c a                 -> c cancel refused: too_late
    """
    assert played(table) == tidy(table)


def test_an_expiry_comes_before_the_request_of_its_time_where_no_row_parts_them() -> None:
    table = """
        0 order a buy 1 @100 gtd=5   -> a ack P1; a open 0
        5 cancel c a                 -> a expired 0; c cancel refused: too_late
    """
    assert played(table) == tidy(table)


def test_orders_that_expire_at_one_time_do_so_by_time_priority() -> None:
    table = """
        0 order a buy 1 @100 gtd=5   -> a ack P1; a open 0
        0 order b buy 1 @101 gtd=5   -> b ack P2; b open 0
        0 order c buy 1 @101 gtd=4   -> c ack P3; c open 0
        1 edit  e a 2 @100           -> e replaced 2@100
        6 time                       -> c expired 0; b expired 0; e expired 0
    """
    assert played(table) == tidy(table)


def test_expiries_and_arrivals_between_rows_happen_in_time() -> None:
    venue = engine(latency_ns=10)
    for row in ("0 order a buy 1 @100 gtd=15", "4 cancel c a", "5 order b buy 1 @100", "6 cancel d a"):
        take(venue, row)

    reports = venue.row(row_of("20 trade 200x1"))

    told = [(report.time_ns, report.name) for report in reports]
    assert told == [
        (10, "brokerd_ack"), (10, "brokerd_status"), (14, "brokerd_status"),
        (15, "brokerd_ack"), (15, "brokerd_status"), (16, "brokerd_refused"),
    ]  # fmt: skip


def test_requests_arrive_in_send_order_and_by_time() -> None:
    table = """
        5 order a buy 1 @100
        5 order b buy 1 @100
        3 order c buy 1 @100
        15 time       -> c ack P1; c open 0; a ack P2; a open 0; b ack P3; b open 0
    """
    assert played(table, latency_ns=10) == tidy(table)


def test_what_comes_late_counts_as_of_now() -> None:
    venue = engine()
    venue.advance(50)
    venue.send(request_of("3 order a buy 1 @100 by=60"))

    told = venue.advance(50) + venue.row(row_of("4 trade 99x1"))

    assert [report.time_ns for report in told] == [50, 50, 50]
    assert venue.now_ns == 50


def test_a_request_that_arrives_after_its_deadline_is_refused() -> None:
    table = """
        0  order a buy 1 @100 by=10
        0  order b buy 1 @100 by=9
        10 time                  -> a ack P1; a open 0; b rejected: deadline
        10 cancel c a by=19
        10 edit  e a 2 by=19
        10 query q a by=19
        20 time                  -> c cancel refused: other; e edit refused: other; q about a: open 0 of 1@100
        20 cancel d a by=30
        30 time                  -> a cancelled 0
    """
    assert played(table, latency_ns=10) == tidy(table)


def test_a_late_copy_of_a_living_order_is_a_copy_and_not_a_rejection() -> None:
    table = """
        0 order a buy 1 @100     -> a ack P1; a open 0
        9 order a buy 1 @100 by=5 -> a submit refused: duplicate
    """
    assert played(table) == tidy(table)


def test_the_next_due_time_is_the_first_expiry_or_arrival() -> None:
    venue = engine(latency_ns=10)
    assert venue.next_due_ns() is None

    take(venue, "0 order a buy 1 @100 gtd=25")
    take(venue, "9 order b buy 1 @100 gtd=22")
    dues = [venue.next_due_ns()]
    for until in (10, 19, 22, 25):
        venue.advance(until)
        dues.append(venue.next_due_ns())

    assert dues == [10, 19, 22, 25, None]


# 4. Arrival.


def test_a_marketable_limit_takes_what_the_far_touch_displays_and_the_rest_rests() -> None:
    table = """
        0 quote 99x5 101x3
        1 order a buy 4 @102      -> a ack P1; a took 3@101; a open 3
        1 order b sell 6 @98      -> b ack P2; b took 5@99; b open 5
    """
    assert played(table) == tidy(table)


def test_an_order_that_gets_all_it_wants_has_no_further_status() -> None:
    table = """
        0 quote 99x5 101x3
        1 order a buy 3 @101      -> a ack P1; a took 3@101
        1 order b sell 2 market   -> b ack P2; b took 2@99
    """
    assert played(table) == tidy(table)


def test_a_limit_that_does_not_reach_the_far_touch_rests() -> None:
    table = """
        0 quote 99x5 101x3
        1 order a buy 3 @100.5    -> a ack P1; a open 0
        1 order b sell 3 @99.5    -> b ack P2; b open 0
    """
    assert played(table) == tidy(table)


def test_the_rest_of_an_ioc_or_market_order_is_cancelled() -> None:
    table = """
        0 quote 99x5 101x3
        1 order a buy 4 @101 ioc  -> a ack P1; a took 3@101; a cancelled 3
        1 order b sell 6 market   -> b ack P2; b took 5@99; b cancelled 5
        1 order c sell 6 @100 ioc -> c ack P3; c cancelled 0
    """
    assert played(table) == tidy(table)


def test_fok_is_all_at_once_or_cancelled() -> None:
    table = """
        0 quote 99x5 101x3
        1 order a buy 3.1 @101 fok     -> a ack P1; a cancelled 0
        1 order b buy 3 @101 fok       -> b ack P2; b took 3@101
        1 order c sell 5.1 market fok  -> c ack P3; c cancelled 0
        1 order d sell 5 market fok    -> d ack P4; d took 5@99
        1 order e sell 5 @99.5 fok     -> e ack P5; e cancelled 0
    """
    assert played(table) == tidy(table)


def test_post_only_is_rejected_where_it_would_take() -> None:
    table = """
        0 order a buy 3 @200 post   -> a ack P1; a open 0   # no quote yet
        1 quote 99x5 101x3          -> a made 3@200
        1 order b buy 3 @101 post   -> b rejected: post_only
        1 order c sell 3 @99 post   -> c rejected: post_only
        1 order d buy 3 @100.5 post -> d ack P2; d open 0
        1 order e sell 3 @99.5 post -> e ack P3; e open 0
    """
    assert played(table) == tidy(table)


def test_a_touch_that_own_orders_emptied_is_still_the_touch() -> None:
    table = """
        0 quote 99x5 101x3
        1 order a buy 3 @101        -> a ack P1; a took 3@101
        1 order b buy 1 @101 post   -> b rejected: post_only
        1 order c buy 1 @101        -> c ack P2; c open 0
        1 order d buy 1 market      -> d ack P3; d cancelled 0
    """
    assert played(table) == tidy(table)


def test_before_the_first_quote_only_a_limit_stays() -> None:
    table = """
        0 trade 100x5
        1 order a buy 1 market      -> a ack P1; a cancelled 0
        1 order b buy 1 @100 ioc    -> b ack P2; b cancelled 0
        1 order c buy 1 @100 fok    -> c ack P3; c cancelled 0
        1 order d buy 1 @100        -> d ack P4; d open 0
    """
    assert played(table) == tidy(table)


def test_a_market_order_that_is_gtd_never_rests_either() -> None:
    table = """
        0 quote 99x5 101x3
        1 order a buy 4 market gtd=9 -> a ack P1; a took 3@101; a cancelled 3
        9 time
    """
    assert played(table) == tidy(table)


def test_a_gtd_order_that_arrives_when_its_time_is_over_expires_untouched() -> None:
    table = """
        0  quote 99x5 101x3
        1  order a buy 1 @101 gtd=11
        1  order b buy 1 @101 gtd=12
        11 time   -> a ack P1; a expired 0; b ack P2; b took 1@101
    """
    assert played(table, latency_ns=10) == tidy(table)


# The engine as a whole.


def test_the_state_can_be_cloned_at_any_time() -> None:
    rows = [
        "0 quote 99x5 101x3", "1 order a buy 4 @101 gtd=9", "1 order b buy 1 @98", "2 edit e b 2 @97",
        "3 quote 96x1 97x1.5", "4 trade 90x9", "5 cancel c a", "9 query q b", "9 time",
    ]  # fmt: skip
    original = PaperEngine({MARKET.fqme: MARKET}, fill_model="queue", latency_ns=2)
    for number, row in enumerate(rows):
        clone = copy.deepcopy(original)
        twins = (clone, copy.deepcopy(clone))
        futures = [[take(venue, later) for later in rows[number:]] for venue in twins]
        assert futures[0] == futures[1]
        take(original, row)


def test_markets_are_apart_and_named_when_there_are_several() -> None:
    other = Market("ethusd.paper", "eth", "usd", price_tick=Decimal(1), size_tick=Decimal(1))
    venue = PaperEngine({MARKET.fqme: MARKET, other.fqme: other})
    take(venue, "0 order a buy 1 @100")
    take(venue, "0 order b buy 1 @100 in=ethusd.paper")

    assert [fill.reqid for fill in fills(venue.row(row_of("1 trade 100x9"), other.fqme))] == ["b"]
    assert [fill.reqid for fill in fills(venue.row(row_of("1 trade 100x9"), MARKET.fqme))] == ["a"]
    with pytest.raises(AssertionError, match="several"):
        venue.row(row_of("2 trade 100x9"))


def test_more_living_orders_than_the_venue_takes_are_rejected() -> None:
    table = """
        0 order a buy 1 @100        -> a ack P1; a open 0
        0 order b buy 1 @100        -> b ack P2; b open 0
        0 order c buy 1 @100        -> c rejected: orders_max
        1 cancel x a                -> a cancelled 0
        1 order d buy 1 @100        -> d ack P3; d open 0
    """
    assert played(table, engine=engine(orders_max=2)) == tidy(table)


def test_ended_orders_are_forgotten_in_the_order_they_ended() -> None:
    table = """
        0 order a buy 1 @100        -> a ack P1; a open 0
        0 order b buy 1 @100        -> b ack P2; b open 0
        0 edit  e b 2               -> e replaced 2@100
        0 order c buy 1 @1          -> c rejected: min_cost
        1 cancel x b                -> e cancelled 0
        1 cancel y a                -> a cancelled 0
        2 query q c                 -> q about c: absent None
        2 query r b                 -> r about b: cancelled 0 of 2@100
        2 order d buy 1 @1          -> d rejected: min_cost
        2 query s e                 -> s about e: absent None
        2 query t zz venue=P2       -> t about zz: absent None
        2 query u zz venue=P1       -> u about zz: cancelled 0 of 1@100
    """
    assert played(table, engine=engine(ended_max=2)) == tidy(table)


def test_a_snapshot_tells_everything() -> None:
    venue = engine()
    for row in ("0 quote 99x5 101x3", "1 order a buy 4 @101"):
        take(venue, row)

    told = take(venue, "2 query q a")

    assert told == [
        BrokerdStatus(
            reqid="a",
            venue_id="P1",
            time_ns=2,
            status="open",
            cum=Decimal(3),
            snapshot=True,
            query="q",
            details=OrderDetails(market=MARKET.fqme, side="buy", size=Decimal(4), price=Decimal(101)),
        )
    ]


def test_ids_may_be_integers() -> None:
    venue = engine()
    venue.send(limit_order(7))
    venue.send(BrokerdQuery(reqid=8, account="main", target=7, time_ns=0, deadline_ns=9))

    told = venue.advance(0)

    assert [report.reqid for report in told] == [7, 7, 7]
