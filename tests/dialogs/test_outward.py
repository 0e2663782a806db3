"""From the inside to the edge: what a client reads of a record, and what a broker is sent."""

import json
from decimal import Decimal
from typing import Any

import pytest

from fsm_ems.dialogs.outward import request_of, standing_of, status_of
from fsm_ems.dialogs.record import Effect, Notice, SendAbout, SendOrder
from fsm_ems.machines.order import ORDER, OrderState
from fsm_ems.machines.order_events import OrderEvent
from fsm_ems.messages import (
    BrokerdCancel,
    BrokerdEdit,
    BrokerdOrder,
    BrokerdQuery,
    Status,
    parse_request,
)
from tests.dialogs.desk import MARKET, SECOND, START, Desk, of_kind


def told(effects: list[Effect], identity: str = "ann") -> list[dict[str, Any]]:
    """What *identity* reads, as it crosses the wire."""
    return [
        json.loads(status_of(notice).to_json())
        for notice in of_kind(effects, Notice)
        if notice.identity == identity
    ]


def status(effects: list[Effect]) -> Status:
    """The one status of *effects*."""
    (notice,) = of_kind(effects, Notice)
    return status_of(notice)


# Statuses.


def test_an_accepted_order_is_told_in_full(desk: Desk) -> None:
    """Every field, as it crosses the wire: numbers are text."""
    assert told(desk.order(size="10.0")) == [
        {
            "name": "status",
            "oid": "o1",
            "owner": "ann",
            "seq": 1,
            "state": "pending",
            "event": "submit",
            "then": None,
            "size": "10.0",
            "price": "100",
            "filled": "0",
            "filled_max": None,
            "remaining": "10.0",
            "average_price": None,
            "ord_status": "PendingNew",
            "reason": "accepted and durable; the broker is next",
            "report": None,
            "alarm": None,
            "time_ns": START,
            "venue_id": None,
        }
    ]


def test_a_fill_is_told_with_its_report_and_the_average_so_far(desk: Desk) -> None:
    """1 @ 100 and 2 @ 101: 302/3 to 34 digits. What the report left at its default is left out."""
    desk.order()
    desk.ack()
    desk.fill("1", exec_id="F1", price="100")
    desk.now += SECOND

    (read,) = told(desk.fill("2", exec_id="F2", price="101", fee="-0.05", time_ns=7))

    assert read["seq"] == 4
    assert [read["state"], read["event"], read["ord_status"]] == ["open", "fill", "PartiallyFilled"]
    assert [read["filled"], read["remaining"]] == ["3", "7"]
    assert read["average_price"] == "100.6666666666666666666666666666667"
    assert read["venue_id"] == "V-o1"
    assert read["time_ns"] == START + SECOND
    assert read["report"] == {
        "name": "brokerd_fill",
        "time_ns": 7,
        "reqid": "g-8",
        "exec_id": "F2",
        "size": "2",
        "price": "101",
        "fee": "-0.05",
    }


def test_the_reason_is_the_rows_own(desk: Desk) -> None:
    """Of the row that was taken: where the dialog came from, and the event."""
    desk.order()
    desk.cancel()

    read = status(desk.ack())

    assert (read.state, read.event) == ("cancelling", "ack")
    assert read.reason == ORDER.row_of[OrderState.CANCEL_STASHED, OrderEvent.ACK].reason


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("balance too small", "; the venue said: balance too small"),
        ("two\n  lines", "; the venue said: two lines"),
        ("x" * 200, f"; the venue said: {'x' * 200}"),
        ("x" * 201, f"; the venue said: {'x' * 198} …"),
        ("", ""),
        (" ", ""),
        (None, ""),
    ],
)
def test_the_reason_of_a_refusal_has_what_the_venue_said(desk: Desk, text: str | None, told: str) -> None:
    """Of an order, a cancel and an edit; on one line, and bounded."""
    orders = {"rejected": "o1", "cancel": "o2", "edit": "o3"}
    for oid in orders.values():
        desk.order(oid)
    for oid in ("o2", "o3"):
        desk.ack(oid)
        desk.status("open", oid)
    desk.cancel("o2")
    desk.edit("e1", "o3", price="101")
    cancelling = desk.dialog("o2").cancel
    assert cancelling is not None
    read = {
        "rejected": desk.status("rejected", "o1", text=text),
        "cancel": desk.report("refused", reqid=cancelling.reqid, request="cancel", text=text),
        "edit": desk.report("refused", reqid=desk.dialog("o3").edits[0].reqid, request="edit", text=text),
    }

    for kind, effects in read.items():
        row = status(effects)
        stated = [one.reason for one in ORDER.rows if one.event.value == row.event]
        assert row.reason.removesuffix(told) in stated, kind
        assert row.reason.endswith(told)


def test_what_an_adapter_says_of_an_answer_that_it_lacks_is_in_the_report_alone(desk: Desk) -> None:
    """No venue said that."""
    desk.order()

    read = status(desk.report("error", reqid=desk.dialog().reqid, text="no answer in 5 s"))

    assert read.reason == ORDER.row_of[OrderState.PENDING, OrderEvent.AMBIGUOUS].reason
    assert read.report is not None
    assert read.report["text"] == "no answer in 5 s"


def test_what_a_venue_says_of_what_it_did_is_in_the_report_alone(desk: Desk) -> None:
    desk.order()

    read = status(desk.report("ack", reqid=desk.dialog().reqid, venue_id="V1", text="welcome"))

    assert read.reason == ORDER.row_of[OrderState.PENDING, OrderEvent.ACK].reason
    assert read.report is not None
    assert read.report["text"] == "welcome"


def test_a_second_step_is_told_with_the_first(desk: Desk) -> None:
    """A bust reopens the order while an edit is still out."""
    desk.order()
    desk.ack()
    desk.edit(price="99")
    desk.fill("10")

    read = status(desk.report("bust", reqid="g-8", exec_id="B1", ref_id="F1"))

    assert (read.state, read.event, read.then) == ("editing", "bust_reopens", "resume_edit")


def test_a_contradiction_is_told_as_one_with_its_alarm(desk: Desk) -> None:
    """No row was taken: the alarm is the reason."""
    desk.order()
    desk.status("rejected")

    read = status(desk.status("filled"))

    assert (read.state, read.event, read.then) == ("rejected", "contradiction", None)
    assert read.alarm == read.reason == "a filled size of an order the venue had rejected"
    assert read.report is not None
    assert read.report["status"] == "filled"


def test_an_alarm_beside_a_move_does_not_hide_the_rows_reason(desk: Desk) -> None:
    desk.order()

    read = status(desk.fill("11"))

    assert (read.alarm, read.reason) == ("1 more than ordered traded", "nothing is left to trade")


def test_every_reader_is_told_the_same_but_for_the_number(desk: Desk) -> None:
    desk.order()
    desk.ems.grant("eve", "observer", desk.now, ("ann",))
    effects = desk.ack()

    (owner,), (observer,) = told(effects), told(effects, "eve")

    assert (owner.pop("seq"), observer.pop("seq")) == (2, 1)
    assert owner == observer


def test_a_status_tells_how_it_stood_right_after_its_record(desk: Desk) -> None:
    """A notice read late does not show what happened since."""
    effects = desk.order()
    desk.ack()
    desk.fill("10")

    assert status(effects).state == "pending"
    assert status(effects).venue_id is None


def test_an_alert_is_told_with_size_zero_and_nothing_remaining(desk: Desk) -> None:
    read = status(desk.alert())

    assert (read.state, read.ord_status) == ("alert_open", "PendingNew")
    assert [str(read.size), str(read.filled), str(read.remaining)] == ["0", "0", "0"]


@pytest.mark.parametrize("end", ["cancelled", "rejected", "expired"])
def test_nothing_remains_of_what_has_ended(desk: Desk, end: str) -> None:
    desk.order()

    assert str(status(desk.status(end)).remaining) == "0"


# How an order stands, when asked.


def test_a_standing_is_told_as_of_now(desk: Desk) -> None:
    """An answer, no event: it takes no number of its own."""
    desk.order()
    desk.ack()
    desk.fill("4", price="101")
    seq = desk.book.streams["ann"]

    read = standing_of(desk.dialog(), seq, desk.now)

    assert (read.seq, read.state, read.event, read.reason) == (3, "open", "standing", "as it stands")
    assert (read.oid, read.owner, read.ord_status, read.venue_id) == ("o1", "ann", "PartiallyFilled", "V-o1")
    assert [str(read.filled), str(read.remaining), str(read.average_price)] == ["4", "6", "101"]
    assert desk.book.streams["ann"] == 3


def test_a_standing_and_the_last_status_agree(desk: Desk) -> None:
    """In everything but what an event is."""
    desk.order()
    last = status(desk.fill("4"))

    now = standing_of(desk.dialog(), last.seq, desk.now)

    same = ("oid", "owner", "seq", "state", "size", "price", "filled", "remaining", "average_price")
    for field in (*same, "ord_status", "time_ns", "venue_id"):
        assert getattr(now, field) == getattr(last, field), field


@pytest.mark.parametrize(
    ("name", "fields", "event"),
    [
        ("position", {"size": "4"}, "position_differs"),
        ("transfer", {"exec_id": "T1", "size": "1"}, "transfer"),
        ("split", {"exec_id": "S1", "ratio": "2"}, "split"),
        ("expiry", {"exec_id": "E1", "price": "90"}, "expiry"),
    ],
)
def test_what_is_said_of_a_position_is_told_to_the_operator(
    desk: Desk, name: str, fields: dict[str, str], event: str
) -> None:
    """It is about no order: it has no state and no order status."""
    [words] = told(desk.report(name, market=MARKET, **fields), "operator")

    assert (words["event"], words["oid"], words["state"], words["ord_status"]) == (event, "", "", "")
    assert words["report"] == {"name": f"brokerd_{name}", "market": MARKET} | fields
    assert (words["alarm"] is not None) is (name == "position")


def test_a_difference_that_is_over_is_told_once(desk: Desk) -> None:
    """The venue holds what we hold again."""
    desk.report("position", market=MARKET, size="4")

    [words] = told(desk.report("position", market=MARKET, size="0"), "operator")
    again = desk.report("position", market=MARKET, size="0")

    assert words["event"] == "position_agrees"
    assert words["alarm"] is None
    assert again == []


# Requests.


def test_an_order_is_sent_with_all_its_terms(desk: Desk) -> None:
    (send,) = of_kind(desk.order(tif="gtd", expire_ns=START + 1, post_only=True, account="sub"), SendOrder)

    assert request_of(send) == BrokerdOrder(
        reqid="g-8",
        account="sub",
        market=MARKET,
        side="buy",
        size=Decimal(10),
        price=Decimal(100),
        type="limit",
        tif="gtd",
        expire_ns=START + 1,
        post_only=True,
        time_ns=START,
        deadline_ns=START + 5 * SECOND,
    )


def test_a_cancel_names_the_request_in_force_and_the_venue_id(desk: Desk) -> None:
    desk.order()
    desk.ack()

    (send,) = of_kind(desk.cancel(), SendAbout)

    assert request_of(send) == BrokerdCancel(
        reqid="g-10",
        account="main",
        target="g-8",
        venue_id="V-o1",
        time_ns=START,
        deadline_ns=START + 5 * SECOND,
    )


def test_an_edit_names_both_terms(desk: Desk) -> None:
    desk.order()
    desk.ack()

    (send,) = of_kind(desk.edit(size="12"), SendAbout)

    assert request_of(send) == BrokerdEdit(
        reqid="g-10",
        account="main",
        target="g-8",
        venue_id="V-o1",
        size=Decimal(12),
        price=Decimal(100),
        time_ns=START,
        deadline_ns=START + 5 * SECOND,
    )


@pytest.mark.parametrize("waits", [{"direction": "at_or_above"}, {"trigger": "stop"}, {"trigger": "touch"}])
def test_what_was_fired_by_hand_says_so_and_not_that_the_market_met_it(
    desk: Desk, waits: dict[str, str]
) -> None:
    desk.order(mode="dark", **waits)
    desk.alert("a")

    fired, rung = (status(desk.ems.trigger("ann", oid, desk.now)) for oid in ("o1", "a"))

    assert (fired.state, fired.reason) == ("dark_triggered", "fired by hand")
    assert (rung.state, rung.reason) == ("alert_triggered", "fired by hand")


@pytest.mark.parametrize("trigger", ["stop", "touch"])
def test_what_the_market_met_says_why_in_the_words_of_the_table(desk: Desk, trigger: str) -> None:
    side = "buy" if trigger == "stop" else "sell"
    desk.order(mode="dark", trigger=trigger, side=side)

    fired = status(desk.quote("100", "101"))

    assert fired.reason == ORDER.row_of[OrderState.DARK_OPEN, OrderEvent(trigger)].reason


def test_after_an_accepted_edit_its_request_is_the_target(desk: Desk) -> None:
    desk.order()
    desk.ack()
    desk.edit(size="12")
    desk.report("replaced", reqid="g-10")

    (send,) = of_kind(desk.cancel(), SendAbout)

    assert request_of(send).target == "g-10"  # type: ignore[union-attr]  # the send above is a cancel


def test_a_question_is_sent_under_its_records_number(desk: Desk) -> None:
    """The answer echoes it, so that an older answer is known for one."""
    desk.order()
    desk.wait(5)

    (send,) = of_kind(desk.wait(2), SendAbout)

    assert request_of(send) == BrokerdQuery(
        reqid=f"q{desk.last.seq}",
        account="main",
        target="g-8",
        venue_id=None,
        time_ns=START + 7 * SECOND,
        deadline_ns=START + 17 * SECOND,
    )


def test_an_order_born_at_the_venue_is_targeted_by_the_requests_own_id(desk: Desk) -> None:
    """It has no request of ours: the venue id is what counts."""
    details = {"market": MARKET, "side": "sell", "size": "5", "price": "101"}
    desk.report("status", status="open", venue_id="V-ext", details=details)
    desk.link("lost", "connected", "synced")

    (send,) = of_kind(desk.wait(2), SendAbout)

    assert (send.verb, send.target, send.venue_id) == ("query", send.reqid, "V-ext")


def test_terms_that_a_split_made_endless_can_still_be_sent_and_told(desk: Desk) -> None:
    """One for three: the size is exact, the price has 34 digits; both cross both edges."""
    desk.order(size="10", price="100")
    desk.ack()
    read = status(desk.report("restated", venue_id="V-o1", split="3"))
    assert [str(read.size), str(read.price)] == ["30", "33.33333333333333333333333333333333"]

    (send,) = of_kind(desk.edit(size="31"), SendAbout)

    request = request_of(send)
    assert isinstance(request, BrokerdEdit)
    assert str(request.price) == "33.33333333333333333333333333333333"
    assert parse_request(request.to_json()) == request


def test_what_is_sent_can_be_read_by_a_broker_in_another_process(desk: Desk) -> None:
    """Through JSON and back."""
    effects = [
        *desk.order(),
        *desk.ack(),
        *desk.edit(size="12"),
        *desk.cancel(),
        *desk.wait(60),
        *desk.wait(2),
    ]
    requests = [request_of(effect) for effect in effects if isinstance(effect, SendOrder | SendAbout)]

    assert {request.name for request in requests} == {
        "brokerd_order",
        "brokerd_edit",
        "brokerd_cancel",
        "brokerd_query",
    }
    assert [parse_request(request.to_json()) for request in requests] == requests
