"""An order that never arrived leaves once more, where its owner allows it and nothing else forbids it."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from fsm_ems.dialogs.record import Reported, SendAbout, SendOrder
from fsm_ems.dialogs.settings import Capabilities, Limits, Settings
from fsm_ems.machines.order_events import OrderEvent as E
from fsm_ems.why import steps
from tests.dialogs.conftest import Desks
from tests.dialogs.desk import BROKER, MARKET, Desk, of_kind


def absent(desk: Desk, times: int, oid: str = "o1") -> list[SendOrder]:
    """The order got no answer, and so many reads in a row did not show it; what left after the last."""
    desk.wait(5)
    desk.wait(2)
    left: list[SendOrder] = []
    for _ in range(times):
        assert not left
        left = of_kind(desk.answer("absent", oid), SendOrder)
        desk.wait(10)
    return left


def test_one_record_closes_the_first_request_and_sends_the_order_anew(desk: Desk) -> None:
    """Under a new id with a new deadline, and with the terms it had."""
    first = of_kind(desk.order(if_absent="resend"), SendOrder)[0]
    desk.wait(5)
    desk.wait(2)
    desk.answer("absent")
    desk.wait(10)
    length = len(desk.log)

    again = of_kind(desk.answer("absent"), SendOrder)[0]

    assert len(desk.log) == length + 1
    assert desk.last.event is E.RESEND
    dialog = desk.dialog()
    assert (dialog.lost_reqid, dialog.reqid, dialog.flags) == (first.reqid, again.reqid, 1)
    assert again.deadline_ns == desk.now + desk.ems.settings.request_deadline_ns
    assert replace_times(again) == replace_times(first)
    assert desk.book.unacked == {BROKER: 1}
    desk.ack()
    assert (desk.state(), desk.book.find(BROKER, first.reqid, None)) == ("acked", dialog)


def replace_times(send: SendOrder) -> tuple[object, ...]:
    return send.market, send.side, send.size, send.price, send.type, send.tif, send.account


@pytest.mark.parametrize("allowed", ["reject", None])
def test_without_leave_it_ends(desk: Desk, allowed: str | None) -> None:
    fields = {} if allowed is None else {"if_absent": allowed}
    desk.order(**fields)

    assert absent(desk, 2) == []
    assert desk.last.event is E.ABSENT


def test_the_same_order_with_another_choice_is_another_order(desk: Desk) -> None:
    """What becomes of it is a term of it: which of the two holds would not be clear."""
    desk.order(if_absent="resend")

    refusal = desk.refused("order", side="buy", market=MARKET, size="10", price="100")

    assert refusal.code == "conflict"


def test_where_late_requests_are_taken_nothing_is_sent_again(desks: Desks) -> None:
    """Nothing proves there that the first one never will arrive."""
    desk = desks(Settings(brokers={BROKER: Capabilities(deadline=False)}))
    desk.order(if_absent="resend")

    assert absent(desk, 4) == []
    assert desk.state() == "unknown"


def test_what_the_venue_had_acknowledged_is_never_sent_again(desk: Desk) -> None:
    desk.order(if_absent="resend")
    desk.ack()
    desk.link("lost", "connected", "synced")

    assert absent(desk, 4) == []
    assert desk.state() == "unknown"


@pytest.mark.parametrize(
    ("limits", "why"),
    [
        (Limits(max_size=Decimal(9)), "max_size: size 10 is above 9"),
        (Limits(max_value=Decimal(999)), "max_value: 10 at 100 is above 999"),
    ],
)
def test_over_a_limit_now_in_force_it_ends_loudly(desk: Desk, limits: Limits, why: str) -> None:
    desk.order(if_absent="resend")
    desk.ems.settings = replace(desk.ems.settings, limits={"*": limits})

    assert absent(desk, 2) == []
    ended = next(record for record in desk.log if record.event is E.ABSENT)
    assert (desk.state(), ended.alarm) == ("rejected", f"it was not sent again: {why}")


def test_a_market_order_is_valued_anew_before_it_is_sent_again(desks: Desks) -> None:
    """At what the market is then, not at what it was."""
    desk = desks(Settings(limits={"*": Limits(max_value=Decimal(1_000))}))
    desk.print("100")
    desk.order(type="market", price=None, if_absent="resend")
    desk.print("101")

    assert absent(desk, 2) == []
    assert desk.state() == "rejected"


def test_while_the_link_is_not_in_step_the_order_waits_in_doubt(desk: Desk) -> None:
    """Executions that a history would tell are not read yet, and new orders may not go out."""
    desk.order(if_absent="resend")
    desk.link("lost", "connected")

    assert absent(desk, 3) == []
    assert (desk.state(), desk.last.event) == ("unknown", E.ASK)
    desk.link("synced")
    assert len(of_kind(desk.answer("absent"), SendOrder)) == 1
    assert desk.state() == "pending"


def test_a_finished_order_that_is_brought_back_still_knows_its_lost_request(desks: Desks) -> None:
    """A refusal of it that comes after all changes nothing, even once memory had let the order go."""
    desk = desks(Settings(keep_finished=0))
    desk.order(if_absent="resend")
    absent(desk, 2)
    lost = desk.dialog().lost_reqid
    desk.status("cancelled")
    assert desk.book.dialog("ann", "o1") is None

    desk.report("status", reqid=lost, status="rejected")

    assert (desk.state(), desk.dialog().lost_reqid) == ("cancelled", lost)


@pytest.mark.parametrize("status", ["open", "pending_new", "filled"])
def test_what_shows_the_lost_request_alive_is_told_and_moves_nothing(desk: Desk, status: str) -> None:
    """The venue broke its promise: there are two orders, and a person must look."""
    desk.order(if_absent="resend")
    absent(desk, 2)
    lost = desk.dialog().lost_reqid
    before = desk.stands()

    desk.report("status", reqid=lost, status=status, venue_id="V-lost")

    alarm = f"the venue has {lost}, which it had not, and the order was sent again"
    assert (desk.stands(), desk.last.alarm) == (before, alarm)
    assert desk.book.find(BROKER, None, "V-lost") is None


@pytest.mark.parametrize("report", [("error", {}), ("replaced", {}), ("status", {"status": "expired"})])
def test_what_tells_that_the_lost_request_does_not_live_is_no_news(
    desk: Desk, report: tuple[str, dict[str, str]]
) -> None:
    desk.order(if_absent="resend")
    absent(desk, 2)
    before, length = desk.facts(), len(desk.log)

    desk.report(report[0], reqid=desk.dialog().lost_reqid, **report[1])

    assert (desk.facts(), len(desk.log)) == (before, length)


def test_an_execution_of_the_lost_request_leaves_the_order_its_name(desk: Desk) -> None:
    """A cancel under the name of the other order would reach that one, and its end would end this one."""
    desk.order(if_absent="resend")
    absent(desk, 2)
    desk.ack()

    desk.fill("4", reqid=desk.dialog().lost_reqid, venue_id="V-lost")

    assert desk.stands() == "open 4/10"
    assert desk.book.find(BROKER, None, "V-lost") is None
    (sent,) = of_kind(desk.cancel(), SendAbout)
    assert sent.venue_id == "V-o1"


def test_a_list_with_the_lost_request_alone_lacks_the_order(desks: Desks) -> None:
    desk = desks(Settings(brokers={BROKER: Capabilities(history=True)}), up=False)
    desk.link("connect", "connected")
    desk.wait(0)
    desk.report("history", reqid=desk.book.histories[BROKER].asked)
    desk.order(if_absent="resend")
    absent(desk, 2)
    desk.ack()
    desk.wait(60)
    listed = {"name": "brokerd_status", "status": "open", "snapshot": True, "venue_id": "V-lost"}

    desk.report(
        "history",
        reqid=desk.book.histories[BROKER].asked,
        orders=[{**listed, "reqid": desk.dialog().lost_reqid}],
    )

    assert desk.state() == "unknown"


def test_an_execution_told_twice_under_the_lost_request_counts_once(desk: Desk) -> None:
    desk.order(if_absent="resend")
    absent(desk, 2)
    lost = desk.dialog().lost_reqid

    desk.fill("4", reqid=lost)
    desk.fill("4", reqid=lost)

    assert desk.dialog().filled == Decimal(4)
    assert len([record for record in desk.log if record.alarm]) == 1


def test_why_tells_both_requests(desk: Desk) -> None:
    first = of_kind(desk.order(if_absent="resend"), SendOrder)[0]
    again = absent(desk, 2)[0]

    told = steps(desk.log.of("ann", "o1"))

    resent = next(step for step in told if step.event == "resend")
    assert resent.reason == "it never arrived, and may be sent again: once, under a new id"
    assert (resent.source, resent.state) == ("unknown", "pending")
    assert resent.sends == (f"order {again.reqid}: buy 10 at 100, gtc",)
    assert told[0].sends == (f"order {first.reqid}: buy 10 at 100, gtc",)
    payload = next(record.payload for record in desk.log if record.event is E.RESEND)
    assert isinstance(payload, Reported)
    assert payload.reqid == again.reqid


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("fill", {"exec_id": "X1", "size": "3", "price": "100"}),
        ("correction", {"exec_id": "C2", "ref_id": "C1", "size": "1", "price": "97"}),
    ],
)
def test_an_execution_of_the_first_request_brings_no_name(
    desk: Desk, name: str, fields: dict[str, str]
) -> None:
    """What amends it, or what it amends, was nobody's, and names the lost order: it counts here, and the
    order that lives keeps its own name, by which it is cancelled.
    """
    desk.order(if_absent="resend")
    absent(desk, 2)
    desk.ack()
    lost = desk.dialog().lost_reqid
    desk.report("correction", venue_id="V-lost", exec_id="C1", ref_id="X1", size="2", price="98")

    desk.report(name, reqid=lost, venue_id="V-lost", **fields)

    assert desk.book.orphans == {}
    assert (desk.dialog().venue_id, desk.dialog().venue_ids) == ("V-o1", ())
    assert desk.last.alarm == f"{BROKER} tells of it as V-lost, which is another order's id"
    desk.report("status", venue_id="V-lost", status="cancelled")
    assert desk.state() == "open"
    assert [about.venue_id for about in of_kind(desk.cancel(), SendAbout)] == ["V-o1"]
