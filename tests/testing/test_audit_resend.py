"""Each rule about sending an order again is seen to fire: what is sound passes, one fault does not."""

from __future__ import annotations

from decimal import Decimal

import pytest

from fsm_ems.dialogs.record import Notice, Record, SendAbout, Timed
from fsm_ems.machines.order import OrderState
from fsm_ems.messages import BrokerdFill, BrokerdStatus
from fsm_ems.testing.audit_dark import Rules
from fsm_ems.testing.audit_resend import check_asked, check_given_up, check_resend, is_of_lost
from fsm_ems.testing.audit_rules import check_standing
from fsm_ems.testing.audited import AuditedOrder
from fsm_ems.testing.audited_parts import AuditedEdit
from fsm_ems.testing.breach import Breach
from fsm_ems.testing.inputs import TimePassed

NOW_NS = 100
ABSENT = BrokerdStatus(reqid="r1", status="absent", snapshot=True, query="q")


def order(**facts: object) -> AuditedOrder:
    """An order in doubt that two answers did not show, and that may be sent again."""
    made = AuditedOrder("alice", "o1", "paper", Decimal(2), Decimal(9))
    sound: dict[str, object] = {"state": "unknown", "sends": 1, "reqid": "r1", "again": True, "absences": 2}
    for name, value in (sound | facts).items():
        setattr(made, name, value)
    return made


def ended(alarm: str | None, state: OrderState = OrderState.REJECTED) -> Notice:
    record = Record(9, NOW_NS, "alice", "o1", None, None, Timed(0), 3, alarm=alarm)
    at = (Decimal(2), Decimal(9), Decimal(0), Decimal(0), Decimal(0))
    return Notice("alice", 3, record, OrderState.UNKNOWN, state, *at, 0, None, None, None)


@pytest.mark.parametrize(
    ("facts", "after"),
    [
        ({}, "pending"),
        ({"dark": True, "triggered": True}, "dark_triggered"),
        ({"expire_ns": NOW_NS + 1}, "pending"),
    ],
)
def test_what_is_proven_absent_may_leave_again(facts: dict[str, object], after: str) -> None:
    check_resend(order(**facts), after, ABSENT, NOW_NS, Rules())


@pytest.mark.parametrize(
    ("facts", "cause", "told"),
    [
        ({}, TimePassed(), "P1: .*no answer without it"),
        ({}, BrokerdStatus(reqid="r1", status="open", snapshot=True), "P1: .*no answer without it"),
        ({"again": False}, ABSENT, "P1: .*its owner did not allow that"),
        ({"sends": 2}, ABSENT, "P1: .*it was sent again before"),
        ({"arrived": True}, ABSENT, "P1: .*the venue had shown it"),
        ({"stated": Decimal(1)}, ABSENT, "P1: .*the venue had shown it"),
        ({"absences": 1}, ABSENT, "P1: .*is not proven"),
        ({"wish": True}, ABSENT, "P5: .*its cancel is wanted"),
        ({"cancel_seen": True}, ABSENT, "P5: .*its cancel is wanted"),
        ({"expire_ns": NOW_NS}, ABSENT, "P9: .*its date has passed"),
        ({"triggered": True}, ABSENT, "P9: .*it is pending then"),
    ],
)
def test_anything_else_that_leaves_again_is_a_breach(
    facts: dict[str, object], cause: object, told: str
) -> None:
    with pytest.raises(Breach, match=told):
        check_resend(order(**facts), "pending", cause, NOW_NS, Rules())


def test_where_late_requests_are_taken_nothing_leaves_again() -> None:
    with pytest.raises(Breach, match=r"P1: .*may still arrive"):
        check_resend(order(), "pending", ABSENT, NOW_NS, Rules(takes_late=True))


@pytest.mark.parametrize(
    "facts", [{"again": False}, {"wish": True}, {"sends": 2}, {"expire_ns": NOW_NS}, {"state": "pending"}]
)
def test_what_may_not_leave_again_ends_quietly(facts: dict[str, object]) -> None:
    check_given_up(order(**facts), ended(None), ABSENT)


def test_what_may_leave_again_is_not_given_up_in_silence() -> None:
    check_given_up(order(), ended("it was not sent again: max_size"), ABSENT)
    check_given_up(order(), ended(None, OrderState.UNKNOWN), ABSENT)
    with pytest.raises(Breach, match=r"P1: .*it was not sent again"):
        check_given_up(order(), ended(None), ABSENT)


def test_a_question_before_the_deadline_and_its_margin_is_a_breach() -> None:
    """Of an order that is known to have arrived it may come at any time."""
    asked = SendAbout("query", "paper", "q", "main", "r1", None, None, None, NOW_NS, NOW_NS + 10)
    rules = Rules(margin_ns=5)

    check_asked(order(sent_due_ns=NOW_NS - 5), asked, rules)
    check_asked(order(sent_due_ns=NOW_NS, arrived=True), asked, rules)
    with pytest.raises(Breach, match=r"unknown: .*before its deadline was over"):
        check_asked(order(sent_due_ns=NOW_NS - 4), asked, rules)


def test_a_question_that_an_edit_may_overtake_is_a_breach() -> None:
    """The answer would settle it, and the venue may still take it. One that has not left is not meant."""
    asked = SendAbout("query", "paper", "q", "main", "r1", None, None, None, NOW_NS, NOW_NS + 10)
    edit = AuditedEdit("e", Decimal(2), None, increase=False)
    edit.due_ns = NOW_NS
    made = order(arrived=True, edits=(edit,))

    check_asked(made, asked, Rules(margin_ns=5))
    edit.out = True
    with pytest.raises(Breach, match=r"unknown: .*before its deadline was over"):
        check_asked(made, asked, Rules(margin_ns=5))


def test_of_the_lost_request_only_executions_count() -> None:
    fill = BrokerdFill(reqid="r1", exec_id="E1", size=Decimal(1), price=Decimal(9))
    made = order(reqid="r2", lost="r1")

    assert is_of_lost(made, BrokerdStatus(reqid="r1", status="rejected"))
    assert not is_of_lost(made, BrokerdStatus(reqid="r2", status="rejected"))
    assert not is_of_lost(made, fill)
    assert not is_of_lost(order(), BrokerdStatus(reqid="r1", status="rejected"))


def test_what_is_said_to_leave_again_must_leave() -> None:
    made = order()
    made.leaves_again()
    made.state, made.sent_due_ns = "pending", NOW_NS + 1

    with pytest.raises(Breach, match=r"P1: .*it was said to be sent again, and it was not"):
        check_standing(made, NOW_NS, link_open=True, link_up=True, ticked=False)
    made.sends = 2
    check_standing(made, NOW_NS, link_open=True, link_up=True, ticked=False)
