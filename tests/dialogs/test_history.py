"""Catching up with a venue that tells its history: after each connection, and every minute while it is up."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from fsm_ems.dialogs.asking import HistoryRead, SendHistory
from fsm_ems.dialogs.book import Book
from fsm_ems.dialogs.facts import Dialog
from fsm_ems.dialogs.record import Notice, SendAbout, SendOrder
from fsm_ems.dialogs.settings import Capabilities, Settings
from fsm_ems.errors import BrokerFault
from fsm_ems.machines.order_events import OrderEvent
from tests.dialogs.conftest import Desks
from tests.dialogs.desk import BROKER, MARKET, SECOND, START, Desk, how

TELLS = Settings(brokers={BROKER: Capabilities(history=True)})
DETAILS = {"market": MARKET, "side": "buy", "size": "10", "price": "100"}


@pytest.fixture
def desk(desks: Desks) -> Desk:
    """Its broker is reached, and has not been asked yet."""
    desk = desks(TELLS, up=False)
    desk.link("connect", "connected")
    return desk


def asked(desk: Desk, seconds: float = 0) -> SendHistory:
    (send,) = [effect for effect in desk.wait(seconds) if isinstance(effect, SendHistory)]
    return send


def tell(desk: Desk, question: SendHistory, **fields: object) -> list[Any]:
    return desk.report("history", reqid=question.reqid, **fields)


def listed(desk: Desk, oid: str, **fields: object) -> dict[str, object]:
    """An order on the venue's list of open ones."""
    about: dict[str, object] = {"name": "brokerd_status", "status": "open", "snapshot": True}
    return {**about, "reqid": desk.dialog(oid).reqid, "venue_id": f"V-{oid}", **fields}


def executed(desk: Desk, oid: str, exec_id: str, size: str = "4", second: int = 1) -> dict[str, object]:
    about: dict[str, object] = {"name": "brokerd_fill", "reqid": desk.dialog(oid).reqid, "exec_id": exec_id}
    return {**about, "size": size, "price": "100", "time_ns": START + second * SECOND}


def up(desk: Desk) -> None:
    """Bring the link in step."""
    tell(desk, asked(desk))
    assert desk.book.links[BROKER] == "up"


# ── the first connection ────────────────────────────────────────────────────────────────────────────


def test_a_new_order_waits_until_the_history_was_told(desk: Desk) -> None:
    desk.order()
    question = asked(desk)
    assert desk.book.links[BROKER] == "syncing"

    effects = tell(desk, question)

    assert desk.book.links[BROKER] == "up"
    assert [send.size for send in effects if isinstance(send, SendOrder)] == [10]


def test_nothing_is_asked_of_a_broker_that_tells_no_history(desks: Desks) -> None:
    desk = desks(Settings(), up=False)
    desk.link("connect", "connected")

    assert desk.due_in() is None
    assert desk.wait(100) == []
    assert desk.book.histories == {}


def test_the_first_question_reaches_back_to_the_first_connection(desk: Desk) -> None:
    """What came before is not ours to know. The overlap is the margin: clocks differ, and reads lag."""
    question = asked(desk)

    assert (question.since_ns, question.since) == (START - 2 * SECOND, None)
    assert (question.time_ns, question.deadline_ns) == (START, START + 5 * SECOND)


def test_an_order_born_at_the_venue_is_found_and_belongs_to_the_operator(desk: Desk) -> None:
    order = {
        "name": "brokerd_status",
        "status": "open",
        "snapshot": True,
        "venue_id": "X9",
        "details": DETAILS,
    }
    fill = {"name": "brokerd_fill", "venue_id": "X9", "exec_id": "E1", "size": "3", "price": "100"}

    tell(desk, asked(desk), orders=[order], fills=[fill])

    (adopted,) = desk.book
    assert (adopted.owner, how(adopted)) == ("operator", "open 3/10")


def test_an_order_that_an_execution_alone_tells_of_is_asked_about_at_once(desk: Desk) -> None:
    """It is not on the list beside it: it may have ended long before anybody here knew of it."""
    fill = {"name": "brokerd_fill", "venue_id": "X9", "exec_id": "E1", "size": "3", "price": "100"}

    tell(desk, asked(desk), fills=[{**fill, "details": DETAILS}])

    (adopted,) = desk.book
    assert how(adopted) == "unknown 3/10"
    assert [send.venue_id for send in desk.wait(2) if isinstance(send, SendAbout)] == ["X9"]


STRANGERS = {"name": "brokerd_status", "status": "open", "snapshot": True, "venue_id": "X9"}


def test_an_order_unlike_any_of_ours_is_adopted_though_one_of_ours_lacks_its_ack(desk: Desk) -> None:
    """Else a busy owner would keep it from being adopted for ever."""
    up(desk)
    desk.order(side="buy")

    tell(desk, asked(desk, 60), orders=[{**STRANGERS, "details": {**DETAILS, "side": "sell"}}])

    assert [dialog.owner for dialog in desk.book] == ["ann", "operator"]


def test_an_order_that_was_adopted_by_an_execution_which_waited_is_asked_about_soon(desk: Desk) -> None:
    up(desk)
    question = asked(desk, 60)
    desk.order()
    fill = {"name": "brokerd_fill", "venue_id": "X9", "exec_id": "E1", "size": "3", "price": "100"}
    tell(desk, question, fills=[{**fill, "details": DETAILS}])
    desk.status("rejected")
    assert [how(dialog) for dialog in desk.book if dialog.owner == "operator"] == ["open 3/10"]

    tell(desk, asked(desk, 10))

    assert [how(dialog) for dialog in desk.book if dialog.owner == "operator"] == ["unknown 3/10"]


def test_nothing_is_adopted_while_the_link_is_down(desk: Desk) -> None:
    """The order that it was held against has filled: it is a stranger's, and perhaps no more."""
    up(desk)
    desk.order()
    desk.order("o2", side="sell")
    desk.ack("o2")
    desk.report("status", status="open", venue_id="X9", details={**DETAILS, "side": "sell"})
    desk.status("filled", "o2", cum="10")
    desk.link("lost")

    desk.wait(7)

    assert [dialog.owner for dialog in desk.book] == ["ann", "ann"]


def test_an_order_that_may_be_ours_is_adopted_soon_after_that_is_known(desk: Desk) -> None:
    """The next check does not wait a minute for it."""
    up(desk)
    question = asked(desk, 60)
    desk.order(side="buy")
    tell(desk, question, orders=[{**STRANGERS, "details": DETAILS}])
    assert [dialog.owner for dialog in desk.book] == ["ann"]
    desk.wait(5)
    desk.wait(4)
    desk.answer("absent")

    again = asked(desk, 1)
    desk.status("rejected")
    tell(desk, again, orders=[{**STRANGERS, "details": DETAILS}])

    assert [dialog.owner for dialog in desk.book] == ["ann", "operator"]


def test_what_was_listed_and_could_not_wait_is_listed_again_soon(desks: Desks) -> None:
    """As much waits as may: what comes then is let go, and would be an hour without an owner."""
    desk = desks(replace(TELLS, parked_max=1, check_every_ns=3_600 * SECOND), up=False)
    desk.link("connect", "connected")
    up(desk)
    question = asked(desk, 3_600)
    desk.order(side="buy")
    desk.report("ack", reqid="web-1", venue_id="X8")
    tell(desk, question, orders=[{**STRANGERS, "details": DETAILS}])
    assert [waiting.report.venue_id for waiting in desk.book.parked.values()] == ["X8"]
    desk.ack()

    tell(desk, asked(desk, 10), orders=[{**STRANGERS, "details": DETAILS}])

    assert [dialog.owner for dialog in desk.book] == ["ann", "operator"]


def test_what_could_not_wait_is_listed_again_soon_though_the_same_list_made_room(desks: Desks) -> None:
    desk = desks(replace(TELLS, parked_max=1, check_every_ns=3_600 * SECOND), up=False)
    desk.link("connect", "connected")
    up(desk)
    question = asked(desk, 3_600)
    desk.order(side="buy")
    desk.report("ack", reqid="web-1", venue_id="X8")
    ours = {"reqid": desk.dialog().reqid, "venue_id": "V-o1", "status": "open", "cum": "0"}
    tell(desk, question, orders=[{**STRANGERS, "details": DETAILS}, ours])
    assert (desk.state(), desk.book.parked) == ("open", {})

    again = asked(desk, 10)
    tell(desk, again, orders=[{**STRANGERS, "details": DETAILS}, ours])
    assert [dialog.owner for dialog in desk.book] == ["ann", "operator"]
    assert not [send for send in desk.wait(3_599) if isinstance(send, SendHistory)]


def test_what_waited_too_long_between_two_pages_is_listed_again_soon(desks: Desks) -> None:
    """Its wait ends before the last page comes, and nobody knows yet whether it is ours."""
    desk = desks(replace(TELLS, check_every_ns=3_600 * SECOND), up=False)
    desk.link("connect", "connected")
    up(desk)
    question = asked(desk, 3_600)
    desk.order(side="buy")
    tell(desk, question, orders=[{**STRANGERS, "details": DETAILS}], last=False)
    desk.wait(7)
    assert desk.book.parked == {}

    tell(desk, question)

    assert [send.reqid for send in desk.wait(10) if isinstance(send, SendHistory)] != []


def test_a_report_that_waited_finds_an_order_that_memory_has_let_go(desks: Desks) -> None:
    """It was adopted meanwhile and has ended: it is not adopted a second time."""
    desk = desks(replace(TELLS, keep_finished=0), up=False)
    desk.link("connect", "connected")
    up(desk)
    desk.order()
    for status in ("open", "cancelled", "open"):
        desk.report("status", venue_id="X9", status=status, details=DETAILS)
    assert len(desk.book.parked) == 3

    desk.status("rejected")

    assert [record.event for record in desk.log if record.owner == "operator"].count(OrderEvent.ADOPT) == 1


# ── after a loss ────────────────────────────────────────────────────────────────────────────────────


def test_what_the_lost_link_hid_is_booked_once(desk: Desk) -> None:
    """The execution that came while nobody listened, and one that was known, which counts once."""
    up(desk)
    desk.order()
    desk.ack()
    desk.report("fill", **{k: v for k, v in executed(desk, "o1", "E1").items() if k != "name"})
    desk.link("lost", "connected")
    question = asked(desk, 2)
    tell(
        desk,
        question,
        orders=[listed(desk, "o1", cum="8")],
        fills=[executed(desk, "o1", "E1"), executed(desk, "o1", "E2", second=2)],
    )

    assert (desk.stands(), desk.dialog().gap) == ("unknown 8/10", Decimal(0))
    assert desk.book.positions["main"][MARKET].size == 8
    desk.answer("open", cum="8")
    assert desk.stands() == "open 8/10"


def test_it_is_asked_for_once_no_request_that_was_out_can_take_effect_any_more(desk: Desk) -> None:
    up(desk)
    desk.order()
    desk.link("lost", "connected")

    assert desk.due_in() == 7.0  # the deadline, and the margin
    assert asked(desk, 7).time_ns == START + 7 * SECOND


def test_it_reaches_back_to_what_was_known_when_it_was_last_read(desk: Desk) -> None:
    """An execution heard after the reconnect is newer than those that were missed: it does not count."""
    up(desk)
    desk.order()
    desk.ack()
    desk.report("fill", **{k: v for k, v in executed(desk, "o1", "E1", "1").items() if k != "name"})
    up_again = asked(desk, 60)
    assert up_again.since is None
    tell(desk, up_again, orders=[listed(desk, "o1")])
    desk.link("lost", "connected")
    late = executed(desk, "o1", "E3", "1", second=90)
    desk.report("fill", **{k: v for k, v in late.items() if k != "name"})

    question = asked(desk, 2)

    assert (question.since_ns, question.since) == (START - SECOND, "E1")


def test_an_answer_that_does_not_come_is_asked_for_again(desk: Desk) -> None:
    first = asked(desk)
    second = asked(desk, 10)
    assert second.reqid != first.reqid

    tell(desk, first)
    assert desk.book.links[BROKER] == "syncing"
    tell(desk, second)

    assert desk.book.links[BROKER] == "up"


def test_a_venue_that_answers_slowly_is_given_longer_until_its_answer_comes_in_time(desk: Desk) -> None:
    """Each question has twice the time of the last, up to four times the first's; an answer ends that."""
    question = asked(desk)
    for seconds in (10, 20, 40, 40):
        assert desk.due_in() == seconds
        question = asked(desk, seconds)
    desk.wait(39)
    tell(desk, question)
    assert desk.book.links[BROKER] == "up"

    asked(desk, 60)

    assert desk.due_in() == 10


def test_a_lost_link_takes_the_question_with_it(desk: Desk) -> None:
    """The venue read what it told before it was lost: an answer that still comes ends nothing."""
    question = asked(desk)
    desk.link("lost")
    assert desk.due_in() is None
    tell(desk, question)

    desk.link("connected")

    assert desk.book.links[BROKER] == "syncing"
    assert asked(desk).reqid != question.reqid


def test_pages_are_taken_as_they_come_and_the_last_one_ends_it(desk: Desk) -> None:
    up(desk)
    for oid in ("o1", "o2"):
        desk.order(oid)
        desk.ack(oid)
    question = asked(desk, 60)

    tell(desk, question, orders=[listed(desk, "o1")], last=False)
    assert not isinstance(desk.last.payload, HistoryRead)
    tell(desk, question, orders=[listed(desk, "o2")])

    assert isinstance(desk.last.payload, HistoryRead)
    assert [desk.state(oid) for oid in ("o1", "o2")] == ["open", "open"]


# ── while it is up ──────────────────────────────────────────────────────────────────────────────────


def test_an_order_that_is_not_on_the_list_is_in_doubt_and_asked_about(desk: Desk) -> None:
    """Its end was missed in a stream that looked healthy; who came after the question is not meant."""
    up(desk)
    for oid in ("o1", "o2", "o3"):
        desk.order(oid)
        desk.ack(oid)
    question = asked(desk, 60)
    desk.order("o4")
    desk.ack("o4")
    desk.status("cancelled", "o3")

    effects = tell(desk, question, orders=[listed(desk, "o1")])

    told = {effect.record.oid: effect.record.event for effect in effects if isinstance(effect, Notice)}
    assert told["o2"] == "unlisted"
    assert [desk.state(oid) for oid in ("o2", "o3", "o4")] == ["unknown", "cancelled", "acked"]
    desk.wait(2)
    desk.answer("cancelled", "o2", cum="4")
    assert desk.stands("o2") == "cancelled 4/10"


def test_the_orders_are_gone_through_once_however_many_are_not_on_the_list(
    desks: Desks, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A venue that was started anew lists none of ten thousand; the loop must not stand still for minutes."""
    looks: list[int] = []
    for orders in (1, 7):
        desk = desks(TELLS, up=False)
        desk.link("connect", "connected")
        up(desk)
        for number in range(orders):
            desk.order(f"o{number}")
            desk.ack(f"o{number}")
        question = asked(desk, 61)
        passes: list[str] = []
        whole = Book.at_broker

        def at_broker(book: Book, broker: str) -> list[Dialog]:
            passes.append(broker)  # noqa: B023 -- called within this turn
            return whole(book, broker)  # noqa: B023 -- and this one too

        with monkeypatch.context() as patch:
            patch.setattr(Book, "at_broker", at_broker)
            tell(desk, question)
        assert {how(desk.dialog(f"o{number}")) for number in range(orders)} == {"unknown 0/10"}
        looks.append(len(passes))

    assert looks[0] == looks[1]


def test_terms_that_somebody_else_changed_unheard_are_asked_about_and_taken(desk: Desk) -> None:
    """The list may be older than what was heard since, so it only raises the question."""
    up(desk)
    for oid in ("o1", "o2"):
        desk.order(oid)
        desk.ack(oid)
    question = asked(desk, 60)
    changed = {**DETAILS, "size": "3", "price": "99"}

    tell(desk, question, orders=[listed(desk, "o1", details=changed), listed(desk, "o2", details=DETAILS)])

    assert [desk.state(oid) for oid in ("o1", "o2")] == ["unknown", "open"]
    desk.wait(2)
    desk.answer("open", "o1", cum="1", details=changed)
    assert desk.stands("o1") == "open 1/3"
    assert desk.dialog("o1").price == 99


def test_an_edit_of_a_stranger_without_an_id_leaves_the_order_its_name(desk: Desk) -> None:
    """It was weighed, and the answer shows the old terms: the next request must name the order."""
    up(desk)
    desk.order()
    desk.ack()
    name = desk.dialog().reqid
    desk.report("status", venue_id="V-o1", status="pending_edit")
    desk.link("lost", "connected")
    desk.wait(7)

    desk.answer("open", cum="0", details=DETAILS)

    assert desk.stands() == "open 0/10"
    (sent,) = [effect for effect in desk.cancel() if isinstance(effect, SendAbout)]
    assert sent.target == name


def test_an_answer_that_shows_a_size_which_has_traded_tells_that_the_order_is_filled(desk: Desk) -> None:
    up(desk)
    desk.order()
    desk.ack()
    desk.link("lost", "connected")
    desk.wait(2)

    desk.answer("open", cum="3", details={**DETAILS, "size": "3"})

    assert desk.stands() == "filled 3/3"


def test_the_terms_of_an_answer_outrank_those_of_the_edit_that_it_names(desk: Desk) -> None:
    """Somebody else has changed them after our edit."""
    up(desk)
    desk.order()
    desk.ack()
    desk.edit(size="3")
    (edit,) = desk.dialog().edits
    desk.link("lost", "connected")
    desk.wait(7)

    dialog, details = desk.dialog(), {**DETAILS, "size": "8"}
    about = {"reqid": edit.reqid, "query": dialog.asked, "snapshot": True, "details": details}
    desk.report("status", status="cancelled", cum="3", **about)

    assert desk.stands() == "cancelled 3/8"


def test_other_terms_on_the_list_tell_nothing_while_an_edit_is_on_its_way(desk: Desk) -> None:
    up(desk)
    desk.order()
    desk.ack()
    question = asked(desk, 60)
    desk.edit(size="12")

    tell(desk, question, orders=[listed(desk, "o1", details={**DETAILS, "size": "12"})])

    assert desk.state() == "editing"


def test_an_edit_on_its_way_is_not_settled_by_an_answer_that_it_may_overtake(desk: Desk) -> None:
    """The venue may still take it: the order that the list lacks is asked about after the edit's deadline."""
    up(desk)
    desk.order()
    desk.ack()
    question = asked(desk, 60)
    desk.edit(size="12")
    (edit,) = desk.dialog().edits
    tell(desk, question)
    assert desk.state() == "unknown"

    assert desk.due_in() == 7.0
    desk.report("replaced", reqid=edit.reqid)
    desk.wait(7)
    desk.answer("open", cum="0", details={**DETAILS, "size": "12"})

    assert desk.stands() == "open 0/12"


def test_a_page_of_an_older_question_lists_nothing(desk: Desk) -> None:
    """It was read before the orders that rest now were asked about; its facts count all the same."""
    up(desk)
    desk.order()
    desk.ack()
    old = asked(desk, 60)
    new = asked(desk, 10)
    tell(desk, old, orders=[listed(desk, "o1")], fills=[executed(desk, "o1", "E1")])
    assert desk.dialog().booked == 4

    tell(desk, new)

    assert desk.state() == "unknown"


def test_the_check_comes_every_minute_or_never(desks: Desks) -> None:
    often = desks(TELLS, up=False)
    often.link("connect", "connected")
    up(often)
    assert often.due_in() == 60.0
    never = desks(Settings(brokers=TELLS.brokers, check_every_ns=0), up=False)
    never.link("connect", "connected")
    up(never)
    assert never.due_in() is None


def test_an_end_that_was_missed_is_found_with_its_executions(desk: Desk) -> None:
    """The stream lost the last fill: the list lacks the order, and the executions complete it."""
    up(desk)
    desk.order()
    desk.ack()

    tell(desk, asked(desk, 60), fills=[executed(desk, "o1", "E1", "10")])

    assert desk.stands() == "filled 10/10"
    assert desk.book.positions["main"][MARKET].size == Decimal(10)


def test_a_history_that_nobody_asked_for_brings_no_link_in_step(desk: Desk) -> None:
    desk.report("history", reqid="g-99")

    assert desk.book.links[BROKER] == "syncing"
    with pytest.raises(BrokerFault):
        desk.link("connected")
