"""Each rule of the auditor is seen to fire: what is sound passes, and the same with one fault does not.

The planted bugs show that the auditor as a whole notices them, mostly by several rules at once; a rule that
had gone blind would not show there.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

import pytest

from fsm_ems.dialogs.record import EditSent, Notice, Record, SendAbout, SendOrder, Timed
from fsm_ems.machines.order import OrderState
from fsm_ems.messages import BrokerdError, BrokerdFill, BrokerdStatus, Cancel
from fsm_ems.testing.audit_rules import (
    Cause,
    check_about_send,
    check_move,
    check_order_send,
    check_standing,
    check_told,
    check_withheld,
)
from fsm_ems.testing.audited import AuditedOrder
from fsm_ems.testing.audited_parts import AuditedEdit
from fsm_ems.testing.breach import Breach
from fsm_ems.testing.inputs import Commanded, LinkMoved, TimePassed

Facts = dict[str, object]
NOW_NS = 100
LOST, SYNCED = LinkMoved("paper", "lost"), LinkMoved("paper", "synced")


def edit(*, out: bool = False) -> AuditedEdit:
    made = AuditedEdit("e1", Decimal(3), None, increase=False)
    made.out, made.due_ns = out, NOW_NS if out else 0
    return made


PENDING: Facts = {"state": "pending"}
SENT: Facts = {"state": "pending", "sends": 1, "reqid": "r1", "sent_due_ns": NOW_NS + 1}
OPEN: Facts = SENT | {"state": "open", "arrived": True}
DOUBTFUL: Facts = OPEN | {"state": "unknown"}
CANCELLING: Facts = OPEN | {"state": "cancelling", "wish": True, "cancel_due_ns": NOW_NS + 1}
EDITING: Facts = OPEN | {"state": "editing", "edits": (edit(out=True),)}
DARK: Facts = {"state": "dark_open", "dark": True}
FILLED: Facts = OPEN | {"state": "filled", "stated": Decimal(2)}


def order(*facts: Facts) -> AuditedOrder:
    """An order of 2 at 9, as *facts* have it, the later above the earlier."""
    made = AuditedOrder("alice", "o1", "paper", Decimal(2), Decimal(9))
    for fact in facts:
        for name, value in fact.items():
            setattr(made, name, value)
    return made


# An order leaves once, as it was accepted.


def placed(size: int = 2, price: int = 9) -> SendOrder:
    terms = ("main", "x.paper", "buy", Decimal(size), Decimal(price), "limit", "gtc", None)
    return SendOrder("paper", "r1", *terms, post_only=False, time_ns=0, deadline_ns=9)


def test_an_order_that_waited_may_leave() -> None:
    check_order_send(order(PENDING), placed(), link_up=True)
    check_order_send(order(DARK, {"triggered": True}), placed(), link_up=True)


@pytest.mark.parametrize(
    ("facts", "send", "link_up", "told"),
    [
        (PENDING | {"sends": 1}, placed(), True, "P1: .*sent twice"),
        (PENDING | {"alert": True}, placed(), True, "P9: .*must not be"),
        (DARK, placed(), True, "P9: .*must not be"),
        (PENDING | {"state": "cancelled"}, placed(), True, "P9: .*must not be"),
        (PENDING, placed(), False, "P9: .*not in step"),
        (PENDING, placed(size=3), True, "P9: .*sent as 3 at 9, not 2 at 9"),
        (PENDING, placed(price=8), True, "P9: .*sent as 2 at 8, not 2 at 9"),
    ],
)
def test_any_other_sending_of_an_order_is_a_breach(
    facts: Facts, send: SendOrder, told: str, *, link_up: bool
) -> None:
    with pytest.raises(Breach, match=told):
        check_order_send(order(facts), send, link_up=link_up)


# Cancels, edits and questions.

Verb = Literal["cancel", "edit", "query"]


def about(verb: Verb, target: str = "r1", reqid: str = "r2") -> SendAbout:
    return SendAbout(verb, "paper", reqid, "main", target, None, None, None, time_ns=0, deadline_ns=9)


@pytest.mark.parametrize(
    ("facts", "verb"),
    [
        (OPEN | {"wish": True}, "cancel"),
        (DOUBTFUL | {"wish": True, "cancel_id": "r2", "arrived": False}, "cancel"),
        (OPEN, "edit"),
        (FILLED, "edit"),
        (DOUBTFUL, "query"),
    ],
)
def test_what_is_wanted_may_leave(facts: Facts, verb: Verb) -> None:
    check_about_send(order(facts), about(verb), link_open=True)


@pytest.mark.parametrize(
    ("facts", "send", "link_open", "told"),
    [
        (OPEN | {"wish": True}, about("cancel"), False, "P9: .*the link was down"),
        (FILLED | {"wish": True}, about("cancel"), True, "P9: .*the venue cannot have"),
        (PENDING | {"wish": True}, about("cancel"), True, "P9: .*the venue cannot have"),
        (OPEN | {"wish": True}, about("cancel", target="r0"), True, "P9: .*names r0, and r1 is in force"),
        (OPEN, about("query"), True, "P9: .*asked without need"),
        (SENT | {"wish": True}, about("cancel"), True, "P9: .*before the order was acknowledged"),
        (OPEN, about("cancel"), True, "P5: .*nobody wants"),
        (OPEN | {"wish": True, "cancel_id": "r0"}, about("cancel"), True, "P5: .*under another id"),
        (OPEN | {"wish": True}, about("edit"), True, "P9: .*while a cancel is open"),
        (OPEN | {"cancel_seen": True}, about("edit"), True, "P9: .*while a cancel is open"),
        (EDITING, about("edit"), True, "P9: .*while another is out"),
    ],
)
def test_any_other_request_about_an_order_is_a_breach(
    facts: Facts, send: SendAbout, told: str, *, link_open: bool
) -> None:
    with pytest.raises(Breach, match=told):
        check_about_send(order(facts), send, link_open=link_open)


# How an order stands once an input has been dealt with.


@pytest.mark.parametrize(
    "facts",
    [SENT, OPEN, DOUBTFUL, CANCELLING, DARK, FILLED, EDITING | {"edits": (edit(out=True), edit())}],
)
def test_an_order_may_stand_so(facts: Facts) -> None:
    check_standing(order(facts), NOW_NS - 1, link_open=True, link_up=True, ticked=True)


@pytest.mark.parametrize(
    ("facts", "link", "told"),
    [
        (OPEN | {"state": "pending"}, "synced", "P7: .*its facts make it acked or open"),
        (OPEN | {"stated": Decimal(2)}, "synced", "P7: .*its facts make it filled"),
        (OPEN | {"wish": True}, "synced", "P5: .*wanted has not left"),
        (OPEN | {"edits": (edit(),)}, "synced", "P9: .*nothing holds edit e1 back"),
        (PENDING, "synced", "P9: .*nothing holds it back"),
        (OPEN, "lost", "unknown: .*the link is lost"),
        (SENT, "lost", "unknown: .*the link is lost"),
        (SENT | {"sent_due_ns": NOW_NS}, "synced", "unknown: .*a deadline passed"),
        (CANCELLING | {"cancel_due_ns": NOW_NS}, "synced", "unknown: .*a deadline passed"),
        (EDITING, "synced", "unknown: .*a deadline passed"),
        (DOUBTFUL | {"wish": True}, "connected", "P5: .*the cancel that is wanted waits"),
        (
            DOUBTFUL | {"wish": True, "cancel_due_ns": NOW_NS, "cancel_again_ns": NOW_NS},
            "connected",
            "P5: .*not sent again",
        ),
    ],
)
def test_an_order_that_stands_otherwise_is_a_breach(facts: Facts, link: str, told: str) -> None:
    with pytest.raises(Breach, match=told):
        check_standing(order(facts), NOW_NS, link_open=link != "lost", link_up=link == "synced", ticked=True)


# What waited and may not leave any more ends, and its owner is told why.


def held_back(alarm: str | None) -> Notice:
    """An edit that waited has ended here."""
    record = Record(9, NOW_NS, "alice", "o1", None, None, EditSent("r2", 0), 3, alarm=alarm)
    at = (Decimal(2), Decimal(9), Decimal(0), Decimal(0), Decimal(0))
    return Notice("alice", 3, record, OrderState.OPEN, OrderState.OPEN, *at, 0, None, None, "V1")


def doubted(alarm: str | None) -> Notice:
    """The order stays in doubt."""
    record = Record(9, NOW_NS, "alice", "o1", None, None, Timed(0), 3, alarm=alarm)
    at = (Decimal(2), Decimal(9), Decimal(0), Decimal(0), Decimal(0))
    return Notice("alice", 3, record, OrderState.UNKNOWN, OrderState.UNKNOWN, *at, 0, None, None, "V1")


def a_cancel(time_ns: int) -> SendAbout:
    """It is answered within 10 ns, or never."""
    about = "paper", "c1", "main", "r1", None, None, None
    return SendAbout("cancel", *about, time_ns, time_ns + 10)


def test_an_edit_that_waited_may_be_held_back_with_an_alarm() -> None:
    waiting = order(OPEN, {"edits": (edit(),)})

    check_withheld(waiting, held_back("max_size"), SYNCED)

    assert waiting.edits == ()


@pytest.mark.parametrize(
    ("facts", "alarm", "told"),
    [
        (OPEN | {"edits": (edit(),)}, None, "P12: .*nobody was told why"),
        (OPEN, "max_size", "P12: .*nobody waited for"),
        (OPEN | {"edits": (edit(out=True),)}, "max_size", "P12: .*nobody waited for"),
        (CANCELLING | {"edits": (edit(),)}, "max_size", "P12: .*nobody waited for"),
    ],
)
def test_any_other_holding_back_is_a_breach(facts: Facts, alarm: str | None, told: str) -> None:
    with pytest.raises(Breach, match=told):
        check_withheld(order(facts), held_back(alarm), SYNCED)


ABSENT = BrokerdStatus(reqid="r1", status="absent", snapshot=True)


def test_an_order_that_the_venue_has_lost_is_loud() -> None:
    """One that it never had, or that only one answer did not show, need not be."""
    for facts in (DOUBTFUL, DOUBTFUL | {"vanished": True}):
        check_told(order(facts), doubted("the venue lost it"), ABSENT)
    check_told(order(DOUBTFUL), doubted(None), ABSENT)

    with pytest.raises(Breach, match=r"unknown: .*nobody was told"):
        check_told(order(DOUBTFUL, {"vanished": True}), doubted(None), ABSENT)


def test_a_cancel_of_an_order_that_the_venue_has_lost_is_due_later_each_time() -> None:
    """Twice as late as the last time, and no later than it may; of any other at its deadline."""
    made, due = order(DOUBTFUL, {"wish": True}), list[int]()
    for vanished in (False, False, True, True, True):
        made.vanished = vanished
        made.cancel_left(a_cancel(time_ns=NOW_NS), 35)
        due.append(made.cancel_again_ns - NOW_NS)

    assert due == [10, 10, 20, 35, 35]
    made.in_doubt()
    assert made.cancel_again_ns == made.cancel_due_ns == NOW_NS + 10


# What can move an order where.

FILL = BrokerdFill(reqid="r1", exec_id="E1", size=Decimal(1), price=Decimal(9))
CANCEL = Commanded("alice", Cancel(oid="o1"))
ENDED = BrokerdStatus(reqid="r1", status="cancelled", cum=Decimal(0))
REJECTED = BrokerdStatus(reqid="r1", status="rejected", cum=Decimal(0))
ABSENT = BrokerdStatus(reqid="r1", status="absent", snapshot=True, query="q")
UNCLEAR = BrokerdError(reqid="r1", text="internal error")


@pytest.mark.parametrize(
    ("facts", "after", "cause"),
    [
        (OPEN, "cancelled", ENDED),
        (SENT, "rejected", REJECTED),
        (OPEN, "unknown", LOST),
        (SENT | {"sent_due_ns": NOW_NS}, "unknown", TimePassed()),
        (DOUBTFUL, "open", FILL),
        (DOUBTFUL | {"arrived": False, "absences": 2}, "rejected", ABSENT),
        (PENDING, "cancelled", CANCEL),
        (FILLED, "open", FILL),
        (OPEN | {"state": "rejected"}, "cancelled", FILL),
    ],
)
def test_a_cause_may_move_an_order_so(facts: Facts, after: str, cause: Cause) -> None:
    check_move(order(facts), after, cause, NOW_NS)


@pytest.mark.parametrize(
    ("facts", "after", "cause", "told"),
    [
        (OPEN | {"state": "cancelled"}, "open", FILL, "P7: .*an end was left for open"),
        (OPEN | {"state": "rejected"}, "cancelled", ENDED, "P7: .*an end was left for cancelled"),
        (FILLED, "open", TimePassed(), "P7: .*filled was left for open by TimePassed"),
        (FILLED | {"over": True}, "open", FILL, "P7: .*the venue had ended it"),
        (DOUBTFUL, "open", SYNCED, "unknown: .*LinkMoved is no evidence"),
        (DOUBTFUL, "open", UNCLEAR, "unknown: .*BrokerdError is no evidence"),
        (DOUBTFUL, "rejected", TimePassed(), "unknown: .*TimePassed is no evidence"),
        (DOUBTFUL | {"arrived": False, "absences": 1}, "rejected", ABSENT, "P7: .*does not make it rejected"),
        (DOUBTFUL | {"absences": 2}, "rejected", ABSENT, "P7: .*does not make it rejected"),
        (OPEN, "pending", FILL, "P7: .*went back to pending"),
        (OPEN, "unknown", TimePassed(), "unknown: .*no deadline had passed"),
        (OPEN, "unknown", FILL, "unknown: .*BrokerdFill does not make it doubtful"),
        (OPEN, "rejected", ENDED, "P7: .*BrokerdStatus does not make it rejected"),
        (OPEN, "cancelled", CANCEL, "P7: .*Commanded does not make it cancelled"),
        (DARK | {"expire_ns": NOW_NS + 1}, "expired", TimePassed(), "P7: .*does not make it expired"),
    ],
)
def test_any_other_move_is_a_breach(facts: Facts, after: str, cause: Cause, told: str) -> None:
    with pytest.raises(Breach, match=told):
        check_move(order(facts), after, cause, NOW_NS)
