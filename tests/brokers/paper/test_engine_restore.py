"""The venue made again of its facts: the same orders, executions and numbers, wherever the run is cut.

What a market displays is no fact, so a venue made again begins with empty displays. One quote later it and
the first one cannot be told apart by anything they report.
"""

import random
from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from typing import TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fsm_ems.brokers.paper.engine import PaperEngine
from fsm_ems.brokers.paper.engine_facts import Fact
from fsm_ems.brokers.paper.engine_orders import PaperOrder
from fsm_ems.errors import InvalidMessage
from fsm_ems.market import FillModel, Market
from fsm_ems.messages import BrokerdFill, BrokerdHistoryQuery, BrokerdOrderAck, VenueReport
from fsm_ems.quotes import Quote
from tests.brokers.paper.stories import LATE_NS, MARKET, MODELS, Choose, Step, play, steps_of
from tests.brokers.paper.tables import MARKET as TABLES
from tests.brokers.paper.tables import played, take, tidy

T = TypeVar("T")
KINDS = ("Rejected", "Accepted", "Rested", "Executed", "Replaced", "EditRefused", "Ended")


def venue(model: FillModel = "touch", ended_max: int = 100, latency_ns: int = 0) -> PaperEngine:
    return PaperEngine(
        {MARKET.fqme: MARKET},
        fill_model=model,
        latency_ns=latency_ns,
        prefix="a-",
        ended_max=ended_max,
        keep_facts=True,
    )


def told_of(order: PaperOrder) -> dict[str, object]:
    """All that is known of an order now but its place in the market's queue."""
    fields = {name: getattr(order, name) for name in PaperOrder.__slots__ if name != "ahead"}
    return {**fields, "reqids": tuple(order.reqids)}


def standing(engine: PaperEngine) -> dict[str, object]:
    """The whole venue, but for time, what is in flight, and what the market shows."""
    orders, book = engine.orders, engine.venue
    return {
        "orders": [(reqid, told_of(order)) for reqid, order in orders._by_reqid.items()],
        "venue ids": [(venue_id, order.reqids[0]) for venue_id, order in orders._by_venue_id.items()],
        "ended": [order.reqids[0] for order in orders._ended],
        "expiring": [(key, order.reqids[0]) for key, order in orders._expiring.items()],
        "live, next expiry": (orders.live, orders.next_expiry_ns),
        "resting": [
            (fqme, side.buys, side.best, [(price, list(level)) for price, level in side.levels.items()])
            for fqme, shown in engine.books.items()
            for side in (shown.buys, shown.sells)
        ],
        "executions": list(book.executions),
        "numbers": (book.placed, book.executed, book.ranked),
    }


def again(facts: Sequence[Fact], model: FillModel = "touch", ended_max: int = 100) -> PaperEngine:
    made = venue(model, ended_max)
    made.restore(facts)
    return made


def cut_everywhere(choose: Choose, model: FillModel) -> Counter[str]:
    """One story, its venue made again after each step; which facts it had."""
    ended_max, latency_ns = choose([100, 100, 2]), choose([0, 0, 1, 7])
    first, facts = venue(model, ended_max, latency_ns), list[Fact]()
    assert standing(again(facts, model, ended_max)) == standing(first)
    for step in steps_of(choose):
        play(first, step)
        facts += first.taken_facts()
        assert standing(again(facts, model, ended_max)) == standing(first)
    return Counter(type(fact).__name__ for fact in facts)


def chooser(draws: st.DataObject) -> Choose:
    def choose(options: Sequence[T]) -> T:
        return draws.draw(st.sampled_from(options))

    return choose


@pytest.mark.slow
@settings(max_examples=60)
@given(draws=st.data(), model=st.sampled_from(MODELS))
def test_any_beginning_of_a_run_makes_the_same_venue(draws: st.DataObject, model: FillModel) -> None:
    cut_everywhere(chooser(draws), model)


@pytest.mark.no_cover
def test_so_it_does_in_many_stories_more() -> None:
    seen: Counter[str] = Counter()
    for seed in range(600):
        try:
            seen += cut_everywhere(random.Random(seed).choice, MODELS[seed % 3])
        except AssertionError as error:
            raise AssertionError(f"seed {seed}") from error

    assert min(seen[kind] for kind in KINDS) > 20, seen
    assert len(seen) == len(KINDS)


def parted(choose: Choose, model: FillModel) -> list[VenueReport]:
    """One story in which the venue is made again at some step, beside one that is not; what both reported."""
    steps = steps_of(choose)
    cut = choose(range(len(steps)))
    first, told = venue(model), list[VenueReport]()
    for step in steps[:cut]:
        told += play(first, step)
    second = again(first.taken_facts(), model)
    now = first.now_ns
    shown = Quote(now, Decimal(99), choose([Decimal(1), Decimal(3)]), Decimal(101), Decimal(2))
    rest: list[Step] = [shown, *steps[cut:], BrokerdHistoryQuery(
        reqid="all", since_ns=0, time_ns=now, deadline_ns=LATE_NS)]  # fmt: skip
    for step in rest:
        expected = play(first, step)
        assert play(second, step) == expected
        told += expected
    assert first.advance(LATE_NS) == second.advance(LATE_NS)
    return told


def check_ids(told: list[VenueReport]) -> None:
    exec_ids = [report.exec_id for report in told if isinstance(report, BrokerdFill)]
    venue_ids = [report.venue_id for report in told if isinstance(report, BrokerdOrderAck)]
    assert len({*exec_ids, *venue_ids}) == len(exec_ids) + len(venue_ids)


@pytest.mark.slow
@settings(max_examples=60)
@given(draws=st.data(), model=st.sampled_from(("touch", "through")))
def test_after_one_quote_nobody_can_tell_the_second_venue_from_the_first(
    draws: st.DataObject, model: FillModel
) -> None:
    check_ids(parted(chooser(draws), model))


@pytest.mark.no_cover
def test_nor_in_many_stories_more() -> None:
    for seed in range(300):
        try:
            check_ids(parted(random.Random(seed).choice, MODELS[seed % 2]))
        except AssertionError as error:
            raise AssertionError(f"seed {seed}") from error


def test_under_queue_the_touch_shows_the_queue_anew() -> None:
    """Nobody can know how much of it had gone, so the order waits for a quote at its price to tell."""
    first = PaperEngine({TABLES.fqme: TABLES}, fill_model="queue", keep_facts=True)
    for given_ in ("0 quote 100x5 101x5", "1 order a buy 1 @100", "2 trade 100x5"):
        take(first, given_)
    second = PaperEngine({TABLES.fqme: TABLES}, fill_model="queue")
    second.restore(first.taken_facts())

    table = """
        3 trade 100x9
        4 quote 100x2 101x5
        5 trade 100x2
        6 trade 100x1           -> a made 1@100
    """
    assert played(table, engine=second) == tidy(table)


def test_the_time_of_a_venue_made_again_is_that_of_its_last_fact() -> None:
    first = venue()
    assert venue().restore([]) is None
    for step in steps_of(random.Random(1).choice):
        play(first, step)

    facts = first.taken_facts()
    second = venue()

    assert second.restore(facts) == second.now_ns == facts[-1].time_ns
    assert first.taken_facts() == second.taken_facts() == [], "they were told, and are not made again"


def test_an_order_in_a_market_that_is_not_here_is_refused() -> None:
    first = venue()
    for step in steps_of(random.Random(1).choice):
        play(first, step)
    other = Market("ab.paper", "a", "b", Decimal(1), Decimal(1))

    with pytest.raises(InvalidMessage, match=r"orders in xy\.paper, name it too"):
        PaperEngine({other.fqme: other}).restore(first.taken_facts())
