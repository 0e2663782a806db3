"""Rule 6 of the paper venue, and what it answers to copies, strangers and questions."""

import pytest

from fsm_ems.brokers.paper import engine as module
from fsm_ems.brokers.paper.engine import PaperEngine
from fsm_ems.market import FillModel
from fsm_ems.messages import BrokerdRefused, BrokerdReplaced
from tests.brokers.paper.tables import MARKET, fills, played, take, tidy

# Edits.


@pytest.mark.parametrize(
    "edit", ["edit e a 2 @100.5", "edit e a 3", "edit e a 3 @100", "edit e a 1.5 @100.5"]
)
def test_a_new_price_or_a_larger_size_loses_time_priority(edit: str) -> None:
    venue = PaperEngine({MARKET.fqme: MARKET})
    for row in (
        "0 quote 90x5 105x5",
        "1 order a buy 2 @100",
        "1 order b buy 2 @100.5",
        "1 order c buy 2 @100",
    ):
        take(venue, row)

    (told,) = take(venue, f"2 {edit}")

    assert isinstance(told, BrokerdReplaced)
    assert [fill.reqid for fill in fills(take(venue, "3 trade 90x9"))] == (
        ["b", "e", "c"] if "100.5" in edit else ["b", "c", "e"]
    )


@pytest.mark.parametrize("edit", ["e a 1", "e a 1 @100", "e a 2 @100", "e a 2"])
def test_a_decrease_and_a_change_of_nothing_keep_it(edit: str) -> None:
    venue = PaperEngine({MARKET.fqme: MARKET})
    for row in ("1 order a buy 2 @100", "1 order b buy 2 @100"):
        take(venue, row)

    take(venue, f"2 edit {edit}")

    assert [fill.reqid for fill in fills(take(venue, "3 trade 90x9"))] == ["e", "b"]


def test_an_edits_size_is_the_new_total_with_what_is_filled() -> None:
    table = """
        0 quote 99x5 105x5
        1 order a buy 4 @100       -> a ack P1; a open 0
        2 trade 100x1              -> a made 1@100
        3 edit e a 2               -> e replaced 2@100
        4 trade 100x9              -> e made 1@100
        5 cancel c e               -> c cancel refused: too_late
    """
    assert played(table) == tidy(table)


def test_an_edit_at_or_below_the_filled_size_ends_the_order_filled() -> None:
    table = """
        0 quote 99x5 105x5
        1 order a buy 4 @100       -> a ack P1; a open 0
        1 order b buy 4 @100 gtd=9 -> b ack P2; b open 0
        2 trade 100x6              -> a made 4@100; b made 2@100
        3 order c buy 4 @100       -> c ack P3; c open 0
        4 trade 100x3              -> b made 2@100; c made 1@100
        5 order d buy 4 @100 gtd=9 -> d ack P4; d open 0
        6 trade 100x4              -> c made 3@100; d made 1@100
        7 edit e d 1               -> e replaced 1@100
        7 query q d                -> q about d: filled 1 of 1@100
        7 order f buy 4 @100       -> f ack P5; f open 0
        8 trade 100x2              -> f made 2@100
        8 edit g f 0.01 @0.3       -> g replaced 2@100      # its terms are not looked at
        9 time
        9 query r f                -> r about f: filled 2 of 2@100
        9 trade 1x99
    """
    assert played(table) == tidy(table)


def test_an_edit_may_take_and_the_rest_rests() -> None:
    table = """
        0 quote 99x5 101x3
        1 order a buy 4 @100       -> a ack P1; a open 0
        2 edit e a 5 @101          -> e replaced 5@101; e took 3@101
        3 quote 99x5 101x1         -> e made 1@101
        4 quote 99x5 101x1         -> e made 1@101
        5 order b sell 2 @100      -> b ack P2; b open 0
        6 edit f b 2 @98           -> f replaced 2@98; f took 2@99
        7 quote 99x5 101x3
        8 order c buy 4 @100       -> c ack P3; c open 0
        8 trade 100x3              -> c made 3@100
        9 edit g c 5 @101          -> g replaced 5@101; g took 2@101
        10 quote 99x5 101x3                              # nothing is left of it
        10 query q c               -> q about c: filled 5 of 5@101
    """
    assert played(table) == tidy(table)


def test_an_edit_must_keep_the_rules_of_form_and_a_refused_one_changes_nothing() -> None:
    table = """
        0 quote 99x5 105x5
        1 order a buy 2 @100       -> a ack P1; a open 0
        1 order b buy 2 @100       -> b ack P2; b open 0
        2 edit e1 a 2 @100.1       -> e1 edit refused: other
        2 edit e2 a 2.01           -> e2 edit refused: other
        2 edit e3 a 0.1            -> e3 edit refused: other
        2 edit e4 a 0.2 @49        -> e4 edit refused: other
        2 edit e5 a 10000000000000000 -> e5 edit refused: other
        2 query q a                -> q about a: open 0 of 2@100
        3 trade 100x3              -> a made 2@100; b made 1@100
    """
    assert played(table) == tidy(table)


def test_a_refusal_names_the_rule_and_both_requests() -> None:
    venue = PaperEngine({MARKET.fqme: MARKET})
    take(venue, "1 order a buy 2 @100")

    assert take(venue, "2 edit e a 2 @100.1 venue=P1") == [
        BrokerdRefused(
            request="edit",
            reqid="e",
            target="a",
            venue_id="P1",
            time_ns=2,
            code="other",
            text="price_tick: 100.1 is no multiple of 0.5",
        )
    ]


def test_a_post_only_order_is_not_edited_into_a_taker() -> None:
    table = """
        0 quote 99x5 101x5
        1 order a buy 2 @100 post  -> a ack P1; a open 0
        2 edit e a 2 @101          -> e edit refused: other
        3 edit f a 2 @100.5        -> f replaced 2@100.5
        4 quote 99x5 100.5x1       -> f made 1@100.5
        5 edit g f 3               -> g edit refused: other   # it would arrive where it takes
        6 edit h f 1.5             -> h replaced 1.5@100.5
        7 quote 99x5 100.5x1       -> h made 0.5@100.5
    """
    assert played(table) == tidy(table)


def test_an_edit_keeps_the_expiry() -> None:
    table = """
        0 order a buy 2 @100 gtd=9 -> a ack P1; a open 0
        1 edit e a 3 @101          -> e replaced 3@101
        2 edit f a 2               -> f replaced 2@101
        9 time                     -> f expired 0
    """
    assert played(table) == tidy(table)


def test_an_edit_in_flight_races_fills_and_ends() -> None:
    table = """
        0  quote 99x5 105x5
        0  order a buy 2 @100
        9  edit e a 3
        9  edit f a 1
        10 time                    -> a ack P1; a open 0
        15 trade 100x1.5           -> a made 1.5@100
        19 time                    -> e replaced 3@100; f replaced 1.5@100
        20 edit g f 4
        30 time                    -> g edit refused: too_late
    """
    assert played(table, latency_ns=10) == tidy(table)


def test_under_queue_a_decrease_keeps_the_place_and_an_increase_takes_the_last() -> None:
    table = """
        0 quote 99x2 105x5
        1 order a buy 2 @99        -> a ack P1; a open 0
        2 trade 99x1
        3 quote 99x5 105x5
        4 edit e a 1.5             -> e replaced 1.5@99
        5 trade 99x1.5             -> e made 0.5@99
        6 edit f a 2               -> f replaced 2@99
        7 trade 99x5
        8 trade 99x1               -> f made 1@99
    """
    assert played(table, model="queue") == tidy(table)


@pytest.mark.parametrize("model", ["touch", "queue"])
def test_an_edit_to_behind_the_touch_and_back(model: FillModel) -> None:
    table = """
        0 quote 99x2 105x5
        1 order a buy 2 @98        -> a ack P1; a open 0
        2 edit e a 2 @97           -> e replaced 2@97
        3 edit f a 2 @104          -> f replaced 2@104
        4 trade 104x1              -> f made 1@104
        5 edit g a 2 @98           -> g replaced 2@98
        6 quote 98x2 105x5
        7 trade 97x1               -> g made 1@98
    """
    assert played(table, model=model) == tidy(table)


def test_one_order_is_edited_so_often_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "REQIDS_MAX", 3)
    table = """
        0 order a buy 2 @100       -> a ack P1; a open 0
        1 edit e a 3               -> e replaced 3@100
        2 edit f a 2.01            -> f edit refused: other
        3 edit g a 4               -> g edit refused: other
        4 query q a                -> q about a: open 0 of 3@100
    """
    assert played(table) == tidy(table)


# Cancels, copies, strangers and questions.


def test_a_cancel_leaves_what_is_filled() -> None:
    table = """
        0 quote 99x5 101x3
        1 order a buy 4 @101       -> a ack P1; a took 3@101; a open 3
        2 cancel c a               -> a cancelled 3
        3 quote 99x5 101x3
        4 cancel c a               -> c cancel refused: too_late
    """
    assert played(table) == tidy(table)


def test_any_reqid_of_the_chain_and_the_venue_id_name_the_order() -> None:
    table = """
        0 order a buy 4 @100       -> a ack P1; a open 0
        1 edit e a 5               -> e replaced 5@100
        2 edit f a 6               -> f replaced 6@100
        3 edit g e 7               -> g replaced 7@100
        4 edit h zz 8 venue=P1     -> h replaced 8@100
        5 cancel c zz venue=P1     -> h cancelled 0
    """
    assert played(table) == tidy(table)


def test_a_copy_of_an_order_is_refused_whatever_became_of_the_first() -> None:
    table = """
        0 quote 99x5 101x3
        1 order a buy 3 @100       -> a ack P1; a open 0
        1 order a buy 3 @100       -> a submit refused: duplicate
        2 cancel c a               -> a cancelled 0
        2 order a buy 3 @100       -> a submit refused: duplicate
        3 order b buy 3 @100.1     -> b rejected: price_tick
        3 order b buy 3 @100       -> b submit refused: duplicate
        4 order d buy 3 @100       -> d ack P2; d open 0
        4 edit e d 4               -> e replaced 4@100
        5 order e buy 3 @100       -> e submit refused: duplicate
    """
    assert played(table) == tidy(table)


def test_a_refused_copy_names_the_living_order() -> None:
    venue = PaperEngine({MARKET.fqme: MARKET})
    for row in ("1 order a buy 2 @100", "2 edit e a 3"):
        take(venue, row)

    (told,) = take(venue, "3 order a buy 2 @100")

    assert isinstance(told, BrokerdRefused)
    assert (told.reqid, told.target, told.text) == ("a", "e", "this reqid was used before")


def test_a_copy_of_an_edit_changes_nothing() -> None:
    table = """
        0 quote 99x5 101x3
        1 order a buy 3 @100 post  -> a ack P1; a open 0
        1 edit a a 4               -> a edit refused: duplicate
        2 edit e a 4               -> e replaced 4@100
        2 edit e a 4               -> e replaced 4@100     # it is in force
        3 edit f e 2               -> f replaced 2@100
        3 edit e a 4               -> e edit refused: duplicate
        4 edit g f 2 @101          -> g edit refused: other
        5 quote 99x5 102x3
        5 edit g f 2 @101          -> g edit refused: duplicate
        6 cancel c f               -> f cancelled 0
        6 edit f e 2               -> f replaced 2@100
    """
    assert played(table) == tidy(table)


def test_strangers_are_unknown() -> None:
    table = """
        0 order a buy 3 @100       -> a ack P1; a open 0
        1 cancel c b               -> c cancel refused: unknown_order
        1 edit e b 3 venue=P2      -> e edit refused: unknown_order
        1 query q b                -> q about b: absent None
        2 cancel d a at=other      -> d cancel refused: unknown_order
        2 edit f a 4 at=other      -> f edit refused: unknown_order
        2 query r a at=other venue=P1 -> r about a: absent None
        3 cancel g a               -> a cancelled 0
    """
    assert played(table) == tidy(table)


def test_a_question_is_answered_in_every_standing() -> None:
    table = """
        0 quote 99x5 101x3
        0 query q a                -> q about a: absent None
        1 order a buy 4 @101 gtd=9 -> a ack P1; a took 3@101; a open 3
        1 query q a                -> q about a: open 3 of 4@101
        9 time                     -> a expired 3
        9 query q a                -> q about a: expired 3 of 4@101
        9 order b buy 4 @101 ioc   -> b ack P2; b cancelled 0
        9 query q b                -> q about b: cancelled 0 of 4@101
        9 order c sell 4 market    -> c ack P3; c took 4@99
        9 query q c                -> q about c: filled 4 of 4@None
        9 order d sell 0.1 market  -> d rejected: min_size
        9 query q d                -> q about d: rejected 0 of 0.1@None
    """
    assert played(table) == tidy(table)
