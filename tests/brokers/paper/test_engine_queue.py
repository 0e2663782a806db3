"""Rule 5 of the paper venue under the queue model: who stands ahead, and when it is known."""

from tests.brokers.paper.tables import played, tidy


def queue(table: str) -> tuple[str, str]:
    return played(table, model="queue"), tidy(table)


def test_the_queue_ahead_is_the_size_shown_at_the_limit_on_arrival() -> None:
    told, expected = queue("""
        0 quote 99x5 101x7
        1 order a buy 2 @99        -> a ack P1; a open 0
        1 order b sell 2 @101      -> b ack P2; b open 0
        2 trade 99x4
        3 trade 99x1.5             -> a made 0.5@99
        4 trade 99x9               -> a made 1.5@99
        5 trade 101x7
        6 trade 101x1              -> b made 1@101
    """)
    assert told == expected


def test_what_own_orders_took_is_no_longer_shown() -> None:
    told, expected = queue("""
        0 quote 99x5 101x7
        1 order a sell 3 market    -> a ack P1; a took 3@99
        2 order b buy 2 @99        -> b ack P2; b open 0
        3 trade 99x2.5             -> b made 0.5@99
    """)
    assert told == expected


def test_at_a_price_better_than_the_touch_nothing_is_ahead() -> None:
    told, expected = queue("""
        0 quote 99x5 101x7
        1 order a buy 2 @100       -> a ack P1; a open 0
        1 order b sell 2 @100.5    -> b ack P2; b open 0
        2 trade 100x1              -> a made 1@100
        3 trade 100.5x1            -> b made 1@100.5
    """)
    assert told == expected


def test_what_is_left_of_a_taker_has_nothing_ahead() -> None:
    told, expected = queue("""
        0 quote 99x5 101x1
        1 order a buy 2 @101       -> a ack P1; a took 1@101; a open 1
        2 trade 101x0.5            -> a made 0.5@101
    """)
    assert told == expected


def test_behind_the_touch_the_queue_is_unknown_until_the_touch_comes_to_the_limit() -> None:
    told, expected = queue("""
        0 quote 99x5 101x5
        1 order a buy 2 @98        -> a ack P1; a open 0
        1 order b sell 2 @102      -> b ack P2; b open 0
        2 trade 98x9                                     # it neither fills nor shortens the queue
        2 trade 102x9
        3 quote 98.5x9 101.5x9
        4 quote 98x3 102x4
        5 quote 98x9 102x9                               # a later quote changes nothing
        6 trade 98x3.5             -> a made 0.5@98
        7 trade 102x4.5            -> b made 0.5@102
    """)
    assert told == expected


def test_a_touch_that_comes_behind_the_limit_shows_nothing_ahead() -> None:
    told, expected = queue("""
        0 quote 99x5 101x5
        1 order a buy 2 @98        -> a ack P1; a open 0
        1 order b sell 2 @102      -> b ack P2; b open 0
        2 quote 97x3 103x4
        3 trade 98x0.5             -> a made 0.5@98
        4 trade 102x0.5            -> b made 0.5@102
    """)
    assert told == expected


def test_without_a_good_quote_the_queue_stays_unknown() -> None:
    told, expected = queue("""
        0 order a buy 2 @98        -> a ack P1; a open 0
        1 trade 98x9
        2 quote 0x0 101x5
        3 trade 98x9
        4 quote 99x1 98.5x5                              # crossed
        5 trade 98x9
        6 quote 98x1 101x5
        7 trade 98x1.5             -> a made 0.5@98
    """)
    assert told == expected


def test_a_trade_through_clears_the_queue_even_where_its_size_does_not_come_that_far() -> None:
    told, expected = queue("""
        0 quote 99x5 101x5
        1 order a buy 2 @99        -> a ack P1; a open 0
        1 order b buy 2 @99        -> b ack P2; b open 0
        1 order c buy 2 @98.5      -> c ack P3; c open 0
        2 trade 98x1               -> a made 1@99
        3 trade 99x2               -> a made 1@99; b made 1@99
        4 quote 98.5x5 101x5
        5 trade 98.5x2             -> b made 1@99; c made 1@98.5
    """)
    assert told == expected


def test_a_quote_never_shortens_the_queue() -> None:
    told, expected = queue("""
        0 quote 99x5 101x5
        1 order a buy 2 @99        -> a ack P1; a open 0
        2 quote 99x1 101x5
        3 quote 98x1 101x5
        4 trade 99x5
        5 trade 99x1               -> a made 1@99
    """)
    assert told == expected


def test_a_far_side_that_reaches_the_limit_needs_no_queue() -> None:
    told, expected = queue("""
        0 quote 99x5 101x5
        1 order a buy 2 @99        -> a ack P1; a open 0
        1 order b buy 2 @98        -> b ack P2; b open 0
        2 quote 97x5 98x3          -> a made 2@99; b made 1@98
    """)
    assert told == expected


def test_a_print_at_the_limit_meets_others_and_own_orders_in_the_order_of_the_queue() -> None:
    """At 99 wait: 2 of others, a (1), 3 more of others, b (2)."""
    told, expected = queue("""
        0 quote 99x2 101x5
        1 order a buy 1 @99        -> a ack P1; a open 0
        2 quote 99x5 101x5
        3 order b buy 2 @99        -> b ack P2; b open 0
        4 trade 99x2.5             -> a made 0.5@99
        5 trade 99x1               -> a made 0.5@99      # the other 0.5 trades with others
        6 trade 99x3               -> b made 0.5@99
    """)
    assert told == expected


def test_a_later_order_never_trades_before_an_earlier_one_at_its_price() -> None:
    """Though less was shown at 99 when it came: the strangers ahead of the first stand ahead of it too."""
    told, expected = queue("""
        0 quote 99x5 101x5
        1 order a buy 1 @99        -> a ack P1; a open 0
        2 quote 99x1 101x5
        3 order b buy 1 @99        -> b ack P2; b open 0
        4 trade 99x3
        5 trade 99x2.5             -> a made 0.5@99
        6 trade 99x1               -> a made 0.5@99; b made 0.5@99
    """)
    assert told == expected


def test_a_print_that_serves_better_own_orders_first_shortens_the_queue_by_the_rest() -> None:
    told, expected = queue("""
        0 quote 99x2 101x5
        1 order a buy 2 @99        -> a ack P1; a open 0
        1 order b buy 1 @100       -> b ack P2; b open 0
        2 trade 99x2               -> b made 1@100       # 1 of the queue trades
        3 trade 99x2               -> a made 1@99
    """)
    assert told == expected


def test_a_print_shortens_the_queues_of_own_buys_and_of_own_sells() -> None:
    told, expected = queue("""
        0 quote 100x2 101x5
        1 order a buy 2 @100       -> a ack P1; a open 0
        2 quote 99x5 100x3         -> a made 2@100
        3 order b sell 1 @100      -> b ack P2; b open 0
        4 quote 100x2 101x5        -> b made 1@100
        5 order c buy 2 @100       -> c ack P3; c open 0   # behind 1
        6 quote 98x1 100.5x2
        7 order d sell 2 @100      -> d ack P4; d open 0   # better than the touch
        8 trade 100x2              -> c made 1@100; d made 1@100
    """)
    assert told == expected


def test_an_order_whose_queue_is_unknown_can_leave() -> None:
    told, expected = queue("""
        0 quote 99x5 101x5
        1 order a buy 2 @98        -> a ack P1; a open 0
        1 order b buy 2 @98 gtd=3  -> b ack P2; b open 0
        1 order c buy 2 @98        -> c ack P3; c open 0
        2 cancel x a               -> a cancelled 0
        3 time                     -> b expired 0
        4 quote 97x1 98x2          -> c made 2@98
        5 quote 97x1 98x2
    """)
    assert told == expected


def test_a_trade_through_an_order_whose_queue_is_unknown_makes_it_known() -> None:
    told, expected = queue("""
        0 quote 99x5 101x5
        1 order a sell 2 @102      -> a ack P1; a open 0
        2 trade 103x0.5            -> a made 0.5@102
        3 quote 99x5 102x9
        4 trade 102x0.5            -> a made 0.5@102
    """)
    assert told == expected


def test_a_print_never_lengthens_a_queue() -> None:
    """Of 30 prints 20 meet others ahead of a; own orders share the 10 left, and c has still nobody ahead."""
    told, expected = queue("""
        0 quote 100x20 101x5
        1 order a buy 1 @100       -> a ack P1; a open 0
        2 order b sell 60 @100     -> b ack P2; b took 20@100; b open 20
        3 order c buy 1 @100       -> c ack P3; c open 0   # b took all that was shown
        4 trade 100x30             -> a made 1@100; b made 29@100
        5 quote 99x1 101x5
        6 trade 100x12             -> b made 11@100; c made 1@100
    """)
    assert told == expected
