"""An order that has filled, as far as is known here, and of which there may be more at the venue."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fsm_ems.dialogs.exposure import exposure
from fsm_ems.dialogs.facts import ACKED, RESTS, ord_status
from fsm_ems.dialogs.record import SendAbout
from fsm_ems.dialogs.settings import Capabilities, Settings
from fsm_ems.errors import Refused
from fsm_ems.machines.order_events import OrderEvent
from tests.dialogs.desk import BROKER, MARKET, Desk, of_kind
from tests.dialogs.test_answers import details, question


@pytest.fixture
def desk() -> Desk:
    """An order of which 6 of 10 traded."""
    desk = Desk()
    desk.order()
    desk.ack()
    desk.status("open")
    desk.fill("6")
    return desk


def crossed(desk: Desk) -> None:
    """An increase to 20 is out when the rest of the 10 trades, under the venue's name."""
    desk.edit("e1", size="20")
    desk.fill("4", exec_id="F2", reqid=None, venue_id="V-o1")


def test_an_increase_without_an_answer_makes_a_filled_order_doubtful(desk: Desk) -> None:
    crossed(desk)
    assert desk.stands() == "editing 10/10", "it may go on"

    desk.wait(5)

    assert desk.stands() == "unknown 10/10"
    assert exposure(desk.book, "main", MARKET).high == 20
    query = question(desk)
    desk.status("open", snapshot=True, query=query, cum="10", details=details("20"))
    assert desk.stands() == "open 10/20"
    desk.prove()


def test_a_filled_order_with_an_increase_out_is_doubtful_once_the_link_is_lost(desk: Desk) -> None:
    crossed(desk)
    desk.link("lost")
    assert desk.stands() == "unknown 10/10"

    desk.link("connect", "connected", "synced")
    desk.status("filled", snapshot=True, query=question(desk))

    assert desk.stands() == "filled 10/10"
    assert desk.due_in() is None, "the answer was read after the deadline: the increase is not in force"
    assert not desk.link("lost")
    desk.prove()


def test_an_increase_that_is_answered_in_time_raises_no_doubt(desk: Desk) -> None:
    crossed(desk)
    desk.report("refused", reqid=desk.dialog().edits[0].reqid, request="edit", code="too_late")

    assert desk.due_in() is None
    assert not desk.link("lost")
    assert desk.stands() == "filled 10/10"


@pytest.mark.parametrize("terms", [{"price": "99"}, {"size": "9"}, {"size": "10"}])
def test_an_edit_that_leaves_no_more_to_trade_raises_no_doubt(desk: Desk, terms: dict[str, str]) -> None:
    desk.edit("e1", **terms)
    desk.fill("4", exec_id="F2", reqid=None, venue_id="V-o1")

    desk.wait(600)

    assert desk.stands() == "filled 10/10"
    assert not desk.link("lost")


@pytest.mark.parametrize("grows", [True, False])
def test_a_reply_that_tells_nothing_matters_to_a_filled_order_with_an_increase_out_alone(
    desk: Desk, *, grows: bool
) -> None:
    desk.edit("e1", size="20" if grows else "9")
    desk.fill("4", exec_id="F2", reqid=None, venue_id="V-o1")

    desk.report("error", reqid=desk.dialog().edits[0].reqid, text="503")

    assert desk.stands() == ("unknown 10/10" if grows else "filled 10/10")
    desk.prove()


@pytest.mark.parametrize("own", [True, False])
def test_a_list_that_shows_more_than_the_size_known_here_completes_nothing(desk: Desk, *, own: bool) -> None:
    if own:
        desk.edit("e1", size="20")

    desk.status("open", snapshot=True, cum="10", details=details("20"))

    assert desk.stands() == "unknown 10/10"
    desk.prove()
    desk.status("open", snapshot=True, query=question(desk), cum="10", details=details("20"))
    assert desk.stands() == "open 10/20"
    assert of_kind(desk.cancel(), SendAbout)
    desk.prove()


def test_a_filled_order_that_is_listed_larger_is_asked_about(desk: Desk) -> None:
    desk.fill("4", exec_id="F2")
    desk.status("open", snapshot=True, cum="8", details=details("20"))
    assert desk.stands() == "filled 10/10", "it is older than the last fill"

    desk.status("open", snapshot=True, cum="10", details=details("20"))

    assert desk.stands() == "unknown 10/10"
    desk.prove()
    desk.status("filled", snapshot=True, query=question(desk))
    assert desk.stands() == "filled 10/10", "the list was of before"
    assert desk.due_in() is None


def test_an_answer_that_shows_more_of_an_order_that_has_filled_meanwhile_is_asked_anew(desk: Desk) -> None:
    desk.link("lost", "connect", "connected", "synced")
    query = question(desk)
    desk.fill("4", exec_id="F2")
    assert desk.stands() == "filled 10/10"

    desk.status("open", snapshot=True, query=query, cum="10", details=details("20"))

    assert desk.stands() == "unknown 10/10"
    desk.status("open", snapshot=True, query=question(desk), cum="10", details=details("20"))
    assert desk.stands() == "open 10/20"


def test_an_ended_order_that_is_listed_larger_stays_ended(desk: Desk) -> None:
    desk.status("cancelled")

    desk.status("open", snapshot=True, cum="6", details=details("20"))

    assert desk.stands() == "cancelled 6/10"


def test_an_end_is_noted_of_a_filled_order_whatever_the_look_counts(desk: Desk) -> None:
    """The count may have an execution that was corrected since."""
    desk.report("correction", reqid=desk.dialog().reqid, exec_id="C1", ref_id="F1", size="4", price="100")
    desk.report("restated", reqid=desk.dialog().reqid, size="4")
    assert desk.stands() == "filled 4/4"

    desk.status("cancelled", snapshot=True, cum="6")
    desk.report("bust", reqid=desk.dialog().reqid, exec_id="B1", ref_id="C1")

    assert desk.stands() == "cancelled 0/4"
    desk.prove()


def test_a_cancel_that_waits_is_not_lost_by_a_fill_of_all_that_is_known(desk: Desk) -> None:
    desk.edit("e1", size="20")
    desk.link("lost")
    desk.cancel()
    desk.link("connect", "connected", "synced")

    desk.fill("4", exec_id="F2", reqid=None, venue_id="V-o1")

    assert desk.stands() == "unknown 10/10"
    assert "cancel" in [send.verb for send in of_kind(desk.wait(0), SendAbout)]


def test_an_edit_that_waits_leaves_once_the_increase_before_it_is_answered(desk: Desk) -> None:
    desk.edit("e1", size="20")
    desk.edit("e2", size="30")
    desk.fill("4", exec_id="F2", reqid=None, venue_id="V-o1")

    sent = of_kind(desk.report("replaced", reqid=desk.dialog().edits[0].reqid), SendAbout)

    assert [f"{send.verb} {send.size}" for send in sent] == ["edit 30"]
    assert desk.stands() == "editing 10/20"


@pytest.mark.parametrize("known", ["6", "10"])
def test_what_an_answer_left_open_counts_when_a_report_proves_it(desk: Desk, known: str) -> None:
    """A bare ``filled`` may be of either size."""
    desk.edit("e1", size="20")
    if known == "10":
        desk.fill("4", exec_id="F2", reqid=None, venue_id="V-o1")
    desk.wait(5)
    desk.status("filled", snapshot=True, query=question(desk))
    assert desk.stands() == "filled 10/10"
    assert desk.refused("edit", edit_id="e3", size="5").code == "order_ended"

    desk.report("replaced", reqid=desk.dialog().edits[0].reqid)

    assert desk.stands() == "open 10/20"
    desk.prove()


def test_an_answer_that_counts_more_than_was_ordered_tells_which_edit_is_in_force(desk: Desk) -> None:
    crossed(desk)
    desk.wait(5)

    desk.status("filled", snapshot=True, query=question(desk), cum="20")

    assert desk.stands() == "filled 20/20"
    assert not any(record.alarm for record in desk.log)
    desk.prove()


def test_a_stream_that_says_filled_may_mean_the_size_before_an_increase(desk: Desk) -> None:
    desk.edit("e1", size="20")

    desk.status("filled")

    assert desk.stands() == "editing 10/10"
    desk.report("refused", reqid=desk.dialog().edits[0].reqid, request="edit", code="too_late")
    assert desk.stands() == "filled 10/10"
    desk.prove()


def test_the_refusal_of_a_smaller_increase_does_not_end_what_was_shown_larger(desk: Desk) -> None:
    desk.fill("4", exec_id="F2")
    desk.status("open", snapshot=True, cum="10", details=details("20"))
    assert exposure(desk.book, "main", MARKET).high == 20

    desk.wait(3)
    desk.report("error", reqid=desk.dialog().reqid)

    assert desk.stands() == "unknown 10/10"
    desk.status("open", snapshot=True, query=question(desk), cum="12", details=details("20"))
    assert desk.stands() == "open 12/20"


def test_more_than_ordered_that_an_increase_explains_is_no_alarm(desk: Desk) -> None:
    crossed(desk)

    desk.fill("5", exec_id="F3", reqid=None, venue_id="V-o1")
    assert desk.stands() == "editing 15/10"
    desk.fill("5", exec_id="F4", reqid=None, venue_id="V-o1")

    assert desk.stands() == "filled 20/20", "so much can only have traded by the increase"
    assert not any(record.alarm for record in desk.log)
    desk.prove()


# What is heard of an increase after an answer has said that the order has filled.


@pytest.fixture
def settled(desk: Desk) -> Desk:
    """It has filled by a bare answer, the increase to 20 unanswered; then the first 6 are undone."""
    crossed(desk)
    desk.wait(5)
    desk.status("filled", snapshot=True, query=question(desk))
    desk.report("bust", reqid=desk.dialog().reqid, exec_id="B1", ref_id="F1")
    assert desk.stands() == "open 4/10"
    return desk


def test_an_edit_that_is_weighed_after_all_is_waited_for(settled: Desk) -> None:
    settled.report("status", reqid=settled.dialog().edits[0].reqid, venue_id="V-o1", status="pending_edit")
    assert settled.stands() == "editing 4/10"
    settled.prove()

    settled.wait(5)

    assert settled.stands() == "unknown 4/10"


def test_an_edit_that_an_answer_has_settled_takes_the_place_of_no_other() -> None:
    desk = Desk(Settings(open_edits_max=1))
    desk.order()
    desk.ack()
    desk.edit("e1", size="20")
    desk.fill("10", reqid=None, venue_id="V-o1")
    desk.link("lost", "connected", "synced")
    desk.status("filled", snapshot=True, query=question(desk))
    desk.report("bust", exec_id="B1", ref_id="F1", reqid=desk.dialog().reqid)
    assert [edit.settled for edit in desk.dialog().edits] == [True]

    desk.edit("e2", price="99")

    assert [edit.edit_id for edit in desk.dialog().edits] == ["e1", "e2"]


def test_a_filled_order_weighs_no_edit_that_an_answer_has_settled(desk: Desk) -> None:
    crossed(desk)
    desk.wait(5)
    desk.status("filled", snapshot=True, query=question(desk))

    desk.report("status", reqid=desk.dialog().edits[0].reqid, venue_id="V-o1", status="pending_edit")

    assert (desk.stands(), desk.due_in()) == ("filled 10/10", None)
    assert ord_status(desk.dialog()) == "Filled"


def test_a_settled_edit_that_is_refused_or_confirmed_late_is_over(settled: Desk) -> None:
    edit = settled.dialog().edits[0].reqid
    settled.report("refused", reqid=edit, request="edit")
    assert settled.dialog().edits == ()
    settled.report("replaced", reqid=edit)
    assert settled.stands() == "open 4/10"
    settled.prove()


def test_a_settled_edit_that_comes_into_force_on_an_open_order_counts(settled: Desk) -> None:
    settled.report("replaced", reqid=settled.dialog().edits[0].reqid)

    assert settled.stands() == "open 4/20"
    settled.prove()


def test_more_than_ordered_is_an_alarm_where_a_settled_edit_alone_would_explain_it(desk: Desk) -> None:
    crossed(desk)
    desk.wait(5)
    desk.status("filled", snapshot=True, query=question(desk))

    desk.fill("4", exec_id="F3", reqid=None, venue_id="V-o1")

    assert desk.stands() == "filled 14/10"
    assert desk.last.alarm == "4 more than ordered traded"


# The edit comes with what completes the order.


def test_a_strangers_edit_that_comes_with_the_last_of_the_size_keeps_the_order_alive(desk: Desk) -> None:
    desk.report("status", reqid="web-1", venue_id="V-o1", status="pending_edit", cum="10")

    assert desk.stands() == "editing 10/10"
    desk.prove()
    desk.wait(5)
    assert desk.stands() == "unknown 10/10"


def test_a_day_that_ends_a_complete_order_ends_its_increase(desk: Desk) -> None:
    desk.edit("e1", size="20")

    desk.status("done_for_day", cum="10")
    assert (desk.stands(), desk.dialog().edits) == ("filled 10/10", ())
    desk.report("bust", reqid=desk.dialog().reqid, exec_id="B1", ref_id="F1")

    assert desk.stands() == "expired 4/10"


def test_the_size_that_an_increase_gives_is_the_size_whatever_more_has_traded(desk: Desk) -> None:
    crossed(desk)

    desk.fill("13", exec_id="F3", reqid=None, venue_id="V-o1")

    assert (desk.stands(), desk.last.alarm) == ("filled 23/20", "3 more than ordered traded")
    desk.report("bust", reqid=desk.dialog().reqid, exec_id="B1", ref_id="F2")
    assert desk.stands() == "open 19/20"
    desk.prove()


def test_the_largest_size_that_was_shown_counts_until_an_answer(desk: Desk) -> None:
    for size in ("30", "20", "30"):
        desk.status("open", snapshot=True, cum="10", details=details(size))

    assert exposure(desk.book, "main", MARKET).high == 30
    assert [record.event for record in desk.log].count(OrderEvent.AMBIGUOUS) == 1


def test_more_than_ordered_while_an_unknown_edit_is_out_is_told(desk: Desk) -> None:
    desk.report("status", reqid="web-1", venue_id="V-o1", status="pending_edit")

    desk.fill("6", exec_id="F2")

    assert desk.stands() == "editing 12/10"
    assert (desk.last.event, desk.last.alarm) == (OrderEvent.OVERFILL, "2 more than ordered traded")


# A name, whatever else is dropped.


def test_the_name_in_a_look_is_learnt_when_its_count_is_not(desk: Desk) -> None:
    desk.report("bust", reqid=desk.dialog().reqid, exec_id="B1", ref_id="F1")
    desk.link("lost", "connect", "connected", "synced")

    desk.status("open", snapshot=True, cum="6", venue_id="V2")
    desk.report("fill", venue_id="V2", exec_id="F2", size="3", price="100", details=details("10"))

    assert desk.stands() == "unknown 3/10"
    assert [dialog.oid for dialog in desk.book] == ["o1"]
    desk.prove()


@pytest.mark.parametrize("status", ["suspended", "stopped", "done_for_day"])
def test_the_name_in_a_status_is_learnt_when_the_rest_is_known(desk: Desk, status: str) -> None:
    for venue_id in ("V-o1", "V2"):
        desk.status(status, venue_id=venue_id, resumes=status == "done_for_day")

    assert desk.dialog().venue_id == "V2"


@pytest.mark.parametrize("looked_first", [True, False])
def test_a_puzzling_look_counts_whenever_the_doubt_came(desk: Desk, *, looked_first: bool) -> None:
    """Only an answer leads out: a sign of life may be older than the end of which the look told."""
    desk.edit("e1", size="20")
    if looked_first:
        desk.status("filled", snapshot=True)
        desk.wait(6)
    else:
        desk.wait(6)
        desk.status("filled", snapshot=True)
    assert desk.state() == "unknown"

    desk.report("replaced", reqid=desk.dialog().edits[0].reqid)

    assert desk.stands() == "unknown 6/20"
    desk.status("filled", snapshot=True, query=question(desk))
    assert desk.stands() == "filled 20/20"


# A cancel that is wanted leaves as soon as it can.


def verbs(desk: Desk, seconds: int) -> list[str]:
    """What leaves within so long."""
    return [send.verb for _ in range(seconds) for send in of_kind(desk.wait(1), SendAbout)]


def test_a_cancel_that_was_wanted_while_the_link_was_down_leaves_when_it_is_back(desk: Desk) -> None:
    desk.link("lost")
    assert not of_kind(desk.cancel(), SendAbout)
    assert verbs(desk, 30) == []

    desk.link("connect", "connected")

    assert verbs(desk, 1)[0] == "cancel"
    assert "cancel" in verbs(desk, 20), "it is driven on"


def test_a_stashed_cancel_leaves_once_the_order_is_doubtful() -> None:
    desk = Desk()
    desk.order()
    assert not of_kind(desk.cancel(), SendAbout)
    assert verbs(desk, 4) == []

    assert verbs(desk, 2)[0] == "cancel"
    assert desk.state() == "unknown"
    desk.prove()


# What waited goes out where its broker still has the market.


def test_what_waits_is_withheld_in_a_market_that_its_broker_has_no_more() -> None:
    desk = Desk(up=False)
    desk.order()
    desk.order("o2", mode="dark", price="90")
    others = {desk.dialog().broker: frozenset({"other.paper"})}
    desk.ems.settings = replace(desk.ems.settings, declared=others)

    desk.link("connect", "connected", "synced")

    assert desk.state() == "rejected"
    alarms = [record.alarm for record in desk.log if record.alarm]
    assert len(alarms) == 1
    assert "paper has no market" in alarms[0]
    with pytest.raises(Refused) as refusal:
        desk.ems.trigger("ann", "o2", desk.now)
    assert refusal.value.code == "unknown_market"
    assert desk.state("o2") == "dark_open"
    desk.quote("89", "89.5")
    assert desk.state("o2") == "rejected"
    desk.prove()


def answered_filled(desk: Desk) -> None:
    """An answer says that the order has filled, and what became of the increase nobody waits to hear."""
    crossed(desk)
    desk.wait(5)
    desk.status("filled", snapshot=True, query=question(desk))
    assert desk.stands() == "filled 10/10"


def test_more_than_ordered_is_alarmed_where_the_increase_is_settled(desk: Desk) -> None:
    answered_filled(desk)
    desk.status("open", cum="12")
    assert (desk.stands(), desk.last.alarm) == ("filled 12/10", "the venue states 2 more than ordered")
    desk.prove()


def test_a_settled_edit_may_complete_an_order_that_was_opened_again(desk: Desk) -> None:
    answered_filled(desk)
    desk.report("restated", reqid=desk.dialog().reqid, size="30", cum="20")
    assert desk.stands() == "open 20/30"

    desk.report("replaced", reqid=desk.dialog().edits[0].reqid)

    assert (desk.stands(), desk.last.event) == ("filled 20/20", OrderEvent.REPLACED_COMPLETES)
    desk.prove()


def test_the_end_of_the_day_of_a_filled_order_is_noted(desk: Desk) -> None:
    """As it is where the report that fills it tells of it: a bust does not make it live again."""
    desk.fill("4", exec_id="F2")
    desk.status("done_for_day")
    assert desk.stands() == "filled 10/10"

    desk.report("bust", exec_id="B1", ref_id="F2", reqid=desk.dialog().reqid)

    assert desk.stands() == "expired 6/10"
    desk.prove()


@pytest.mark.parametrize("told", ["alone", "before", "after"])
def test_a_strangers_cancel_of_a_filled_order_holds_up_no_increase(told: str) -> None:
    """It came too late, whether it is told before the last fill, with it or after it."""
    desk = Desk(Settings(brokers={BROKER: Capabilities(reopen_filled=True)}))
    desk.order()
    desk.ack()
    desk.fill("6")
    if told != "alone":
        desk.status("pending_cancel" if told == "before" else "open")
        desk.fill("4", exec_id="F2")
    desk.status("pending_cancel", cum="12" if told == "after" else "10")
    assert desk.state() == "filled"

    sent = of_kind(desk.edit("e1", size="20"), SendAbout)

    assert ([send.verb for send in sent], desk.state()) == (["edit"], "editing")
    desk.prove()


def test_beside_a_strangers_cancel_an_edit_that_is_out_still_holds_up_an_increase() -> None:
    desk = Desk(Settings(brokers={BROKER: Capabilities(reopen_filled=True)}))
    desk.order()
    desk.ack()
    desk.edit("e1", price="98")
    desk.status("pending_cancel")
    desk.fill("10")
    assert desk.state() == "filled"

    assert desk.refused("edit", edit_id="e2", size="20").code == "edit_in_progress"


def test_a_count_that_an_answered_edit_explains_is_not_more_than_ordered(desk: Desk) -> None:
    desk.edit("e1", size="12")
    desk.fill("4", exec_id="F2", reqid=None, venue_id="V-o1")
    desk.wait(5)
    desk.status("filled", snapshot=True, query=question(desk))
    desk.report("bust", exec_id="B1", ref_id="F2", reqid=desk.dialog().reqids[0])

    desk.status("filled", cum="12")

    assert (desk.stands(), desk.last.alarm) == ("filled 12/12", None)


@pytest.mark.parametrize("wanted", [False, True])
def test_more_than_ordered_after_a_lost_link_hints_at_an_increase_that_nobody_heard_of(
    *, wanted: bool
) -> None:
    desk = Desk()
    desk.order()
    desk.ack()
    desk.link("lost")
    if wanted:
        desk.cancel()
    desk.link("connected", "synced")

    desk.fill("12", cum="12")

    assert (desk.stands(), desk.last.alarm) == ("unknown 12/10", "2 more than ordered traded")
    desk.status("open", snapshot=True, query=question(desk), cum="12", details=details("20"))
    assert desk.stands() == ("cancelling 12/20" if wanted else "open 12/20")
    desk.prove()


def test_more_than_ordered_may_be_all_that_there_was(desk: Desk) -> None:
    desk.link("lost", "connected", "synced")
    desk.fill("12", exec_id="F2")
    assert desk.stands() == "unknown 18/10"

    desk.status("filled", snapshot=True, query=question(desk), cum="18")

    assert desk.stands() == "filled 18/10"
    assert desk.due_in() is None
    desk.prove()


def test_more_than_ordered_again_and_again_hints_at_one_increase(desk: Desk) -> None:
    """The order that trades on comes out of doubt by the first answer, though more has traded since."""
    desk.link("lost", "connected", "synced")
    desk.fill("12", exec_id="F2")
    query = question(desk)
    desk.fill("2", exec_id="F3")
    (theirs,) = desk.dialog().edits
    assert (theirs.reqid, theirs.out, theirs.deadline_ns > desk.now) == ("", True, True)

    desk.status("open", snapshot=True, query=query, cum="18", details=details("1000"))

    assert desk.stands() == "open 20/1000"
    desk.prove()


def test_more_than_ordered_fills_an_order_that_is_in_doubt_for_its_deadline_alone() -> None:
    """No link was lost, and so no increase was missed."""
    desk = Desk()
    desk.order()
    desk.wait(5)
    assert desk.state() == "unknown"

    desk.fill("12")

    assert (desk.stands(), desk.last.alarm) == ("filled 12/10", "2 more than ordered traded")


def test_an_overfill_shows_that_the_order_arrived_and_rests() -> None:
    desk = Desk()
    desk.order()
    desk.link("lost", "connected", "synced")
    desk.fill("12")

    assert desk.state() == "unknown"
    assert desk.dialog().flags & (ACKED | RESTS) == ACKED | RESTS


def test_an_edit_that_is_overdue_is_asked_about_though_the_venue_weighs_an_older_one() -> None:
    desk = Desk(Settings(brokers={BROKER: Capabilities(reopen_filled=True)}))
    desk.order()
    desk.ack()
    desk.report("status", status="pending_edit", reqid="web", venue_id="V-o1")
    desk.fill("10", reqid=None, venue_id="V-o1")
    desk.wait(5)
    desk.status("filled", snapshot=True, query=question(desk))
    assert [(edit.reqid, edit.settled) for edit in desk.dialog().edits] == [("web", True)]
    desk.edit("e1", size="20")
    desk.wait(5)
    assert desk.state() == "unknown"

    weighed = {"status": "pending_edit", "reqid": "web", "snapshot": True, "details": details("10")}
    desk.report("status", venue_id="V-o1", query=question(desk), **weighed)
    assert desk.state() == "editing"
    desk.wait(0)

    assert desk.state() == "unknown", "e1 should have been answered long ago"
