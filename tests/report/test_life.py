"""An order ready to be drawn, from its records: worked by hand, latency and doubt included."""

from decimal import Decimal

import pytest

from fsm_ems.dialogs.record import Record
from fsm_ems.machines.order import ENDS, ORDER, OrderState
from fsm_ems.machines.order_events import OrderEvent
from fsm_ems.report.life import Life, Mark, Move, Span, Terms, lives
from fsm_ems.report.run import Run
from tests.dialogs.desk import SECOND, START, Desk
from tests.report.conftest import played

D = Decimal
RESTS = False  # and does not wait


def at(seconds: float) -> int:
    return START + int(seconds * SECOND)


def only(desk: Desk, end: float = 60) -> Life:
    (life,) = lives(desk.log, at(end))
    return life


def test_states_last_until_the_next_and_an_end_lasts_no_time() -> None:
    desk = Desk()
    desk.order()
    desk.wait(1)
    desk.ack()
    desk.wait(2)
    desk.status("open")
    desk.wait(3)
    desk.fill("4")
    desk.wait(4)
    desk.fill("6", exec_id="x2")

    assert only(desk).spans == (
        Span("pending", at(0), at(1)),
        Span("acked", at(1), at(3)),
        Span("open", at(3), at(10)),
        Span("filled", at(10), at(10)),
    )


def test_what_lives_on_lasts_until_the_run_ends() -> None:
    desk = Desk()
    desk.order()
    desk.wait(1)
    desk.ack()

    assert only(desk, end=5).spans[-1] == Span("acked", at(1), at(5))
    assert only(desk, end=5).terms == (Terms(RESTS, at(1), at(5), D(100), D(10)),)


def test_terms_change_when_the_venue_says_so_and_end_with_the_order() -> None:
    desk = Desk()
    desk.order()
    desk.ack()
    desk.status("open")
    desk.wait(1)
    desk.edit(price="99")
    desk.wait(1)
    desk.report("replaced", reqid=desk.dialog().edits[0].reqid)
    desk.wait(1)
    desk.cancel()
    desk.wait(1)
    desk.status("cancelled")
    life = only(desk)

    assert life.terms == (
        Terms(RESTS, at(0), at(2), D(100), D(10)),
        Terms(RESTS, at(2), at(4), D(99), D(10)),
    )
    assert life.marks == (
        Mark("submit", at(0), 1, D(100)),
        Mark("edit", at(1), 4, D(100)),
        Mark("cancel", at(3), 6, D(99)),
        Mark("cancelled", at(4), 7, D(99)),
    )


def test_a_dark_order_waits_for_its_price_and_its_trigger_is_marked() -> None:
    desk = Desk()
    desk.order(mode="dark", direction="at_or_below")
    desk.wait(2)
    desk.ems.trigger("ann", "o1", desk.now, D("99.5"))
    desk.wait(1)
    desk.ack()
    life = only(desk, end=9)

    assert [(terms.waiting, terms.from_ns, terms.until_ns) for terms in life.terms] == [
        (True, at(0), at(2)),
        (False, at(3), at(9)),
    ]
    assert [(mark.kind, mark.time_ns) for mark in life.marks] == [("submit", at(0)), ("trigger", at(2))]
    assert [span.state for span in life.spans] == ["dark_open", "dark_triggered", "acked"]


def test_an_end_is_marked_once_whatever_comes_late() -> None:
    desk = Desk()
    desk.order()
    desk.ack()
    desk.status("cancelled")
    desk.wait(1)
    desk.fill("4")
    life = only(desk)

    assert [mark.kind for mark in life.marks] == ["submit", "cancelled"]
    assert life.spans[-1] == Span("cancelled", at(0), at(1))
    assert [(fill.exec_id, fill.size) for fill in life.fills] == [("F1", D(4))]


def test_an_undone_execution_is_not_among_the_fills() -> None:
    desk = Desk()
    desk.order()
    desk.ack()
    desk.fill("4", exec_id="x1")
    desk.fill("2", exec_id="x2")
    desk.report("bust", exec_id="b1", ref_id="x1", venue_id="V-o1", reqid=desk.dialog().reqid)

    assert [fill.exec_id for fill in only(desk).fills] == ["x2"]


def follow(records: list[Record], oid: str) -> list[tuple[int, str, str, str]]:
    """The rows taken, by stepping the table here: what the path must be."""
    state, taken, number = OrderState.NEW, list[tuple[int, str, str, str]](), 0
    for record in records:
        if record.oid != oid:
            continue
        number += 1
        for event in (record.event, record.then):
            if event is not None:
                after = ORDER.step(state, OrderEvent(event))
                taken.append((number, state.value, event.value, after.value))
                state = after
    return taken


@pytest.mark.parametrize("latency_ns", [0, 1_500_000, 700_000_000])
def test_the_way_of_each_order_is_what_its_records_say(orders: str, latency_ns: int) -> None:
    run, records = played(orders, latency_ns)

    assert {life.oid: list(life.moves) for life in run.lives} == {
        oid: follow(records, oid) for oid in run.tally.lines
    }


def test_two_rows_of_one_record_share_the_number_of_its_step() -> None:
    """A fill is evidence out of doubt, and the cancel is still wanted."""
    desk = Desk()
    desk.order()
    desk.ack()
    desk.status("open")
    desk.cancel()
    desk.wait(60)
    desk.fill("1")
    life = only(desk)

    assert [move for move in life.moves if move.step == len(life.steps)] == [
        Move(len(life.steps), "unknown", "found_open", "open"),
        Move(len(life.steps), "open", "resume_cancel", "cancelling"),
    ]
    assert [move.step for move in life.moves[:-1]] == list(range(1, len(life.steps) + 1))


def test_lives_come_in_the_order_of_their_submits_and_every_fill_is_one_of_them(run: Run) -> None:
    assert [life.oid for life in run.lives] == ["maker", "taker", "edited", "post-only"]
    for life in run.lives:
        line = run.tally.lines[life.oid]
        assert sum((fill.size for fill in life.fills), D(0)) == line.traded.size
        assert (life.spans[-1].entered_ns == life.spans[-1].left_ns) == (life.steps[-1].state in ENDS)
