"""The dispatcher: who is told, what becomes of reports nobody is known for, and what time makes due."""

from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fsm_ems.dialogs import apply, apply_whole, dispatcher
from fsm_ems.dialogs.book import Book
from fsm_ems.dialogs.dispatcher import Dispatcher
from fsm_ems.dialogs.naming import _NAMERS
from fsm_ems.dialogs.naming_steps import Name
from fsm_ems.dialogs.outward import status_of
from fsm_ems.dialogs.record import (
    Adopted,
    Contradicted,
    Effect,
    Notice,
    Orphaned,
    Parked,
    Record,
    Reported,
    SendAbout,
    SendOrder,
    Unparked,
)
from fsm_ems.dialogs.settings import Capabilities, Settings
from fsm_ems.dialogs.snapshot import facts
from fsm_ems.errors import BrokerFault, EMSBug, Refused
from fsm_ems.journal.replay import replay
from fsm_ems.machines.order_events import OrderEvent as E
from fsm_ems.messages import BrokerdFill, parse_report
from fsm_ems.testing.planted import Patch
from tests.dialogs.conftest import Desks
from tests.dialogs.desk import BROKER, MARKET, SECOND, START, Desk, how, of_kind, terms

DETAILS = {"market": MARKET, "side": "sell", "size": "5", "price": "101"}


def kinds(desk: Desk, start: int) -> list[str]:
    """The payloads of the records from number *start* on."""
    return [type(record.payload).__name__ for record in list(desk.log)[start:]]


def sends(effects: list[Effect]) -> list[str]:
    """What leaves, by its verb."""
    return [
        "order" if isinstance(effect, SendOrder) else effect.verb
        for effect in effects
        if isinstance(effect, SendOrder | SendAbout)
    ]


def stranger(desk: Desk, exec_id: str = "X1", **fields: object) -> list[Effect]:
    """A fill of an order nobody has heard of."""
    named = {"venue_id": "V-strange", "size": "2", "price": "100"} | fields
    return desk.report("fill", exec_id=exec_id, **named)


# Who is told.


def test_each_owner_is_told_of_its_own_orders_and_of_no_others(desk: Desk) -> None:
    """The same id, one report each: the notices go where the order came from."""
    heard = []
    for trader in ("ann", "bob"):
        heard += desk.order("o1", trader)
        heard += desk.report("ack", reqid=desk.dialog("o1", trader).reqid, venue_id=f"V-{trader}")

    told = [(notice.identity, notice.seq, notice.record.owner) for notice in of_kind(heard, Notice)]
    assert told == [("ann", 1, "ann"), ("ann", 2, "ann"), ("bob", 1, "bob"), ("bob", 2, "bob")]


def test_observers_are_told_what_they_may_see(desk: Desk) -> None:
    """One who watches ann, one who watches everybody, one who watches nobody."""
    for observer, sees in (("eve", ("ann",)), ("zoe", ("*",)), ("max", ())):
        desk.ems.grant(observer, "observer", desk.now, sees)

    assert [notice.identity for notice in of_kind(desk.order("o1", "ann"), Notice)] == ["ann", "eve", "zoe"]
    assert [notice.identity for notice in of_kind(desk.order("o1", "bob"), Notice)] == ["bob", "zoe"]


def test_an_observers_stream_begins_with_its_grant(desk: Desk) -> None:
    """Its first event is number 1, however many the owner had before."""
    desk.order()
    desk.ems.grant("eve", "observer", desk.now, ("ann",))

    told = [(notice.identity, notice.seq) for notice in of_kind(desk.ack(), Notice)]

    assert told == [("ann", 2), ("eve", 1)]


ACTIONS = ("order", "ack", "fill", "cancel", "open", "wait", "lost", "back", "stranger")


@given(st.lists(st.tuples(st.sampled_from(ACTIONS), st.sampled_from(["ann", "bob"])), max_size=25))
def test_every_stream_is_free_of_gaps_and_the_log_alone_gives_the_live_book(
    steps: list[tuple[str, str]],
) -> None:
    """Owners and observers hear 1, 2, 3 …; an observer hears exactly what those it sees hear."""
    desk = Desk()
    desk.ems.grant("eve", "observer", desk.now, ("ann",))
    heard: list[Notice] = []
    live: dict[int, object] = {}
    for number, (action, trader) in enumerate(steps):
        desk.now += SECOND
        heard += of_kind(act(desk, action, trader, number), Notice)
        live[len(desk.log)] = desk.facts()

    for identity in ("ann", "bob", "eve"):
        seqs = [notice.seq for notice in heard if notice.identity == identity]
        assert seqs == list(range(1, len(seqs) + 1))
    assert [n.record for n in heard if n.identity == "eve"] == [
        n.record for n in heard if n.identity == "ann"
    ]
    for length, then in live.items():
        assert facts(replay(list(desk.log)[:length])) == then


def act(desk: Desk, action: str, trader: str, number: int) -> list[Effect]:
    """One input to the newest order of *trader*, if it has one."""
    if action == "wait":
        return desk.wait(3)
    if action in ("lost", "back"):
        return (
            desk.link("lost") if action == "lost" else desk.link("connected", "synced") if lost(desk) else []
        )
    if action == "stranger":
        return stranger(desk, f"X{number}")
    if action == "order":
        return desk.order(f"o{number}", trader)
    newest = [dialog for dialog in desk.book if dialog.owner == trader and dialog.reqid is not None][-1:]
    for dialog in newest:
        if action == "ack":
            return desk.report("ack", reqid=dialog.reqid, venue_id=f"V{dialog.reqid}")
        if action == "cancel":
            return desk.cancel(dialog.oid, trader) if not dialog.ended_ns else []
        if action == "fill":
            return desk.report("fill", reqid=dialog.reqid, exec_id=f"F{number}", size="4", price="100")
        return desk.report("status", reqid=dialog.reqid, status="open")
    return []


def lost(desk: Desk) -> bool:
    return not desk.book.link_open(BROKER)


def test_an_answer_says_as_of_which_record_it_holds(desk: Desk) -> None:
    answer, _ = desk.command("order", side="buy", market=MARKET, size="1", price="1")

    assert (answer.oid, answer.seq, answer.again) == ("o1", desk.last.seq, False)


# Reports that find no order while an ack is still to come: they wait.


def test_a_report_that_comes_before_the_ack_waits_for_it(desk: Desk) -> None:
    """The venue told of the execution first, under an id of its own; the ack says whose it is."""
    desk.order()
    length = len(desk.log)
    assert desk.report("fill", venue_id="V-o1", exec_id="F1", size="4", price="100") == []
    assert kinds(desk, length) == ["Parked"]

    desk.ack()

    assert kinds(desk, length) == ["Parked", "Reported", "Reported"]
    assert desk.stands() == "open 4/10"
    assert isinstance(desk.last.payload, Reported)
    assert desk.last.payload.origin == length + 1
    assert desk.book.parked == {}


def test_what_waited_is_taken_in_the_order_in_which_it_came(desk: Desk) -> None:
    desk.order()
    for number, size in ((1, "4"), (2, "6")):
        desk.report("fill", venue_id="V-o1", exec_id=f"F{number}", size=size, price="100")
    desk.report("bust", venue_id="V-o1", exec_id="B1", ref_id="F2")

    desk.ack()

    events = [record.event for record in list(desk.log)[-4:]]
    assert events == [E.ACK, E.FILL, E.FILL_COMPLETE, E.BUST_REOPENS]
    assert desk.dialog().filled == 4


def test_a_report_that_waited_twice_is_counted_once(desk: Desk) -> None:
    """The second copy tells nothing new by then; its record only lets it go."""
    desk.order()
    for _ in range(2):
        desk.report("fill", venue_id="V-o1", exec_id="F1", size="4", price="100")

    desk.ack()

    assert isinstance(desk.last.payload, Unparked)
    assert desk.dialog().filled == 4
    assert desk.book.parked == {}


def test_a_held_edit_leaves_when_what_waited_shows_that_the_order_arrived(desk: Desk) -> None:
    desk.order()
    desk.edit(size="12")
    desk.report("fill", venue_id="V-o1", exec_id="F1", size="4", price="100")

    assert sends(desk.ack()) == ["edit"]


def test_what_nobody_claims_is_an_orphan_once_nothing_lacks_its_ack(desk: Desk) -> None:
    """Two orders lack theirs; only with the second ack is there nobody left to wait for."""
    desk.order("o1")
    desk.order("o2")
    stranger(desk)
    desk.ack("o1")
    assert len(desk.book.parked) == 1

    desk.ack("o2")

    assert isinstance(desk.last.payload, Orphaned)
    assert desk.book.parked == {}


def test_what_nobody_claims_in_time_is_an_orphan(desk: Desk) -> None:
    """It waits as long as a request may take, and the margin; a fill is booked and alarmed."""
    desk.order()
    stranger(desk)
    desk.report("status", venue_id="V-other", status="open")
    assert desk.due_in() == 5.0
    desk.wait(6.999_999_999)
    assert len(desk.book.parked) == 2

    desk.wait(0.000_000_001)

    assert desk.book.parked == {}
    orphaned = [record for record in desk.log if isinstance(record.payload, Orphaned)]
    assert [record.alarm for record in orphaned] == [
        "brokerd_fill X1 belongs to no order that is known",
        None,
    ]
    assert [waiting.report.name for waiting in desk.book.orphans.values()] == ["brokerd_fill"]


def test_what_waits_makes_the_clock_ring(desk: Desk) -> None:
    desk.order()
    desk.now += 3 * SECOND
    stranger(desk)
    desk.ems.report(BROKER, parse_report({"name": "brokerd_error", "reqid": desk.dialog().reqid}), desk.now)

    assert desk.due_in() == 4.0
    desk.wait(4)
    assert desk.due_in() != 4.0


def test_no_more_wait_than_the_bound_allows(desks: Desks) -> None:
    """The next is an orphan at once rather than one too many."""
    desk = desks(Settings(parked_max=2))
    desk.order()
    for number in range(3):
        stranger(desk, f"X{number}")

    assert len(desk.book.parked) == 2
    assert [waiting.report.exec_id for waiting in desk.book.orphans.values()] == ["X2"]  # type: ignore[union-attr]  # the report sent above is a fill


def test_a_brokers_reports_wait_only_for_its_own_orders(desk: Desk) -> None:
    """An order that lacks its ack elsewhere is nothing to wait for."""
    desk.ems.report(BROKER, parse_report({"name": "brokerd_error", "reqid": "unheard-of"}), desk.now)
    desk.order(market="xbtusd.kraken")

    stranger(desk)

    assert desk.book.parked == {}
    assert len(desk.book.orphans) == 1


def test_an_order_in_doubt_still_lacks_its_ack(desk: Desk) -> None:
    """Its deadline has passed, and the report may yet be its own."""
    desk.order()
    desk.wait(5)
    assert desk.state() == "unknown"

    stranger(desk)

    assert len(desk.book.parked) == 1


# Orders born at the venue.


def test_an_order_born_at_the_venue_is_adopted_and_is_the_operators(desk: Desk) -> None:
    """One record makes it, the next takes the report that told of it."""
    length = len(desk.log)

    effects = desk.report("status", status="open", venue_id="V-ext", details=DETAILS)

    assert kinds(desk, length) == ["Adopted", "Reported"]
    assert [(notice.identity, notice.state.value) for notice in of_kind(effects, Notice)] == [
        ("operator", "acked"),
        ("operator", "open"),
    ]
    dialog = desk.book.find(BROKER, None, "V-ext")
    assert dialog is not None
    assert (dialog.owner, dialog.oid, dialog.body.side) == ("operator", f"external-{length + 1}", "sell")
    assert terms(dialog) == "5 @ 101"


def test_a_fill_of_an_order_born_at_the_venue_is_booked_on_it(desk: Desk) -> None:
    stranger(desk, details=DETAILS)

    dialog = desk.book.find(BROKER, None, "V-strange")
    assert dialog is not None
    assert how(dialog) == "open 2/5"
    assert desk.book.orphans == {}


def test_the_operator_can_cancel_an_order_born_at_the_venue(desks: Desks) -> None:
    desk = desks(Settings(operator="ann"))
    desk.report("status", status="open", venue_id="V-ext", details=DETAILS)
    oid = next(iter(desk.book)).oid

    sent = of_kind(desk.cancel(oid), SendAbout)[0]

    assert (sent.verb, sent.venue_id, sent.target) == ("cancel", "V-ext", sent.reqid)


def test_a_waiting_report_of_an_order_born_at_the_venue_is_adopted_in_time(desk: Desk) -> None:
    """It might have been the one whose ack was still to come."""
    desk.order()
    desk.report(
        "status", status="open", venue_id="V-ext", details={**DETAILS, "side": "buy"}, reqid="phone-1"
    )
    assert len(desk.book.parked) == 1
    length = len(desk.log)

    desk.ack()

    assert kinds(desk, length) == ["Reported", "Adopted", "Reported"]
    assert desk.book.find(BROKER, "phone-1", None) is desk.book.find(BROKER, None, "V-ext")
    assert desk.book.parked == {}


@pytest.mark.parametrize("status", ["filled", "cancelled", "rejected", "expired"])
def test_an_order_that_has_ended_at_the_venue_is_not_adopted(desk: Desk, status: str) -> None:
    desk.report("status", status=status, venue_id="V-ext", details=DETAILS)

    assert isinstance(desk.last.payload, Orphaned)
    assert list(desk.book) == []


@pytest.mark.parametrize(
    "fields",
    [
        {"details": DETAILS},
        {"venue_id": "V-ext"},
        {"venue_id": "V-ext", "details": DETAILS | {"market": "xbtusd.kraken"}},
    ],
    ids=["no venue id", "no details", "another broker's market"],
)
def test_an_order_that_cannot_be_told_again_is_not_adopted(desk: Desk, fields: dict[str, Any]) -> None:
    """Without an id, without terms, or in a market that is not the broker's: it is an orphan, once."""
    length = len(desk.log)

    desk.report("status", status="open", **fields)

    assert kinds(desk, length) == ["Orphaned"]


# An event without a row.


def test_an_event_that_cannot_happen_there_is_recorded_alarmed_and_moves_nothing(desk: Desk) -> None:
    """No search ever found one, so a wrong name is planted: the log must not hold a step the table lacks."""
    desk.order()
    desk.ack()
    planted = Patch()
    planted.entry(_NAMERS, BrokerdFill, lambda known: lambda dialog, report: Name(E.BUST_REOPENS))
    try:
        desk.fill("4")
    finally:
        planted.take_back()

    assert isinstance(desk.last.payload, Contradicted)
    assert (desk.last.event, desk.last.payload.attempted) == (None, "bust_reopens")
    assert desk.last.alarm == "bust_reopens cannot happen to an order in acked"
    assert desk.stands() == "acked 0/10"


# Orphans.


def test_a_fill_of_no_known_order_is_booked_on_the_account_and_alarmed(desk: Desk) -> None:
    stranger(desk)

    assert desk.last.alarm == "brokerd_fill X1 belongs to no order that is known"
    assert desk.book.orphan_execs == {(BROKER, "main"): {"X1": desk.last.seq}}


@pytest.mark.parametrize("name", ["bust", "correction"])
def test_an_amended_execution_of_no_known_order_is_alarmed(desk: Desk, name: str) -> None:
    terms_of = {"size": "1", "price": "1"} if name == "correction" else {}

    desk.report(name, venue_id="V-strange", exec_id="B1", ref_id="F1", **terms_of)

    assert desk.last.alarm == f"brokerd_{name} B1 belongs to no order that is known"


def test_the_operator_is_told_of_an_orphan(desk: Desk) -> None:
    """In the operator's own stream, and so is whoever sees the operator; nobody else."""
    desk.ems.grant("eve", "observer", desk.now, ("operator",))
    desk.ems.grant("olga", "observer", desk.now, ("ann",))
    desk.ems.grant("zoe", "observer", desk.now, ("*",))
    effects = desk.report("fill", venue_id="V-strange", exec_id="X1", size="3", price="99")
    effects += desk.report("bust", venue_id="V-strange", exec_id="B1", ref_id="X9")

    told = of_kind(effects, Notice)
    assert len(told) == len(effects)
    assert [(notice.identity, notice.seq) for notice in told] == [
        ("operator", 1), ("eve", 1), ("zoe", 1), ("operator", 2), ("eve", 2), ("zoe", 2),
    ]  # fmt: skip
    assert desk.book.streams == {"operator": 2, "eve": 2, "zoe": 2}
    status = status_of(told[0])
    assert (status.event, status.owner, status.oid, status.state, status.ord_status) == (
        "orphan", "operator", "", "", "",
    )  # fmt: skip
    assert status.alarm == status.reason == "brokerd_fill X1 belongs to no order that is known"
    assert status.report is not None
    assert (status.report["exec_id"], status.report["size"]) == ("X1", "3")
    assert (status.filled, status.remaining, status.average_price) == (Decimal(0), Decimal(0), None)


def test_the_operators_stream_goes_on_after_a_restart(desk: Desk) -> None:
    """The seq is in the record: orders born at the venue and orphans share one stream."""
    stranger(desk)
    book = replay(desk.log)
    assert book.streams == {"operator": 1}

    ems = Dispatcher(
        Settings(operator="operator"), desk.log.append, generation="h", now_ns=desk.now, book=book
    )
    report = {"name": "brokerd_fill", "venue_id": "V-other", "exec_id": "X2", "size": "1", "price": "1"}
    effects = ems.report(BROKER, parse_report(report), desk.now)

    assert [notice.seq for notice in of_kind(effects, Notice)] == [2]
    desk.book = book


def test_of_a_status_that_nobody_claims_nobody_is_told(desk: Desk) -> None:
    """It moves no position."""
    effects = desk.report("status", venue_id="V-strange", status="cancelled")

    assert (effects, desk.last.owner, desk.last.alarm) == ([], "", None)
    assert isinstance(desk.last.payload, Orphaned)


def test_a_settings_operator_is_the_one_who_is_told(desks: Desks) -> None:
    desk = desks(Settings(operator="bob"))
    effects = desk.report("fill", venue_id="V-strange", exec_id="X1", size="3", price="99")

    assert [(notice.identity, notice.record.owner) for notice in of_kind(effects, Notice)] == [("bob", "bob")]


def test_an_orphan_fill_is_booked_once(desk: Desk) -> None:
    """A second copy is no second fill; the same execution id on another account is another fill."""
    stranger(desk)
    length = len(desk.log)

    stranger(desk)
    assert len(desk.log) == length
    assert desk.ems.ignored == 1
    stranger(desk, account="other")
    assert len(desk.book.orphans) == 2


@pytest.mark.parametrize("amended", [{"name": "brokerd_bust"}, {"name": "brokerd_correction", "size": "1"}])
def test_an_orphan_of_another_broker_moves_nothing_here(desk: Desk, amended: dict[str, str]) -> None:
    """Its execution ids are its own, though the account has the same name there."""
    desk.order()
    desk.ack()
    desk.fill("4", exec_id="X1")
    price = {} if amended["name"] == "brokerd_bust" else {"price": "100"}
    report = parse_report({"exec_id": "B1", "ref_id": "X1", "venue_id": "V9", **amended, **price})

    desk.ems.report("elsewhere", report, desk.now)

    assert desk.book.positions["main"][MARKET].size == 4
    assert desk.stands() == "open 4/10"


@pytest.mark.parametrize(
    ("amended", "left"), [({"name": "bust"}, "0"), ({"name": "correction", "size": "3", "price": "100"}, "3")]
)
@pytest.mark.parametrize("named", [{}, {"venue_id": "V9"}, {"reqid": "strange"}])
def test_what_amends_an_execution_reaches_the_order_that_has_it(
    desk: Desk, amended: dict[str, str], left: str, named: dict[str, str]
) -> None:
    """Also where it names no order, or one that nobody knows: order and position stay one."""
    desk.order()
    desk.ack()
    desk.fill("4", exec_id="X1")

    desk.report(exec_id="B1", ref_id="X1", **amended, **named)

    assert desk.stands() == f"open {left}/10"
    assert desk.book.positions["main"][MARKET].size == Decimal(left)
    assert desk.book.orphans == {}


def test_a_waiting_copy_of_an_orphan_fill_is_let_go(desk: Desk) -> None:
    stranger(desk)
    desk.order()
    stranger(desk)
    assert desk.ems.ignored == 1
    desk.wait(7)

    assert len(desk.book.orphans) == 1
    assert desk.book.parked == {}


def test_an_orphan_fill_is_claimed_once_by_its_order(desk: Desk) -> None:
    """The venue changed its id for the order and told of the fill first."""
    desk.order()
    desk.ack()
    desk.report("fill", venue_id="V-new", exec_id="F1", size="4", price="100")
    assert len(desk.book.orphans) == 1

    desk.status("open", venue_id="V-new")
    desk.status("stopped", venue_id="V-new")
    desk.report("fill", venue_id="V-new", exec_id="F1", size="4", price="100")

    assert desk.dialog().filled == 4
    assert (desk.book.orphans, desk.book.orphan_execs) == ({}, {(BROKER, "main"): {}})


def test_a_claimed_orphan_lets_a_held_edit_leave(desk: Desk) -> None:
    """Whatever brings an order forward brings with it what waited for that."""
    desk.order()
    desk.ack()
    desk.wait(0)
    desk.report("fill", venue_id="V-new", exec_id="F1", size="4", price="100")
    desk.edit("e1", size="12")
    edit = desk.dialog().edits[0].reqid
    desk.edit("e2", size="13")

    effects = desk.report("replaced", reqid=edit, venue_id="V-new")

    assert sends(effects) == ["edit"]
    assert desk.stands() == "editing 4/12"


def test_an_orphan_fill_that_comes_again_with_its_orders_name_is_on_the_order_alone(desk: Desk) -> None:
    """The first copy named nobody; the second says whose it is."""
    stranger(desk)
    desk.order()
    desk.ack()

    desk.fill("2", exec_id="X1")

    assert desk.stands() == "open 2/10"
    assert desk.book.orphans == {}
    stranger(desk)
    assert desk.book.orphans == {}


def test_a_waiting_report_can_bring_the_name_that_claims_an_orphan(desk: Desk) -> None:
    """Somebody else's edit of the order is told by an id and a new name at the venue, one after the other."""
    desk.order("o1")
    desk.ack("o1")
    stranger(desk, venue_id="V-new")
    desk.order("o2")
    desk.report("status", status="open", reqid="phone-1", venue_id="V-new")
    assert (len(desk.book.parked), len(desk.book.orphans)) == (1, 1)

    desk.report("status", status="pending_edit", reqid="phone-1", venue_id="V-o1")

    assert desk.stands("o1") == "editing 2/10"
    assert (len(desk.book.parked), len(desk.book.orphans)) == (0, 0)


def test_an_order_born_there_claims_the_fills_that_came_before_it_was_known(desk: Desk) -> None:
    stranger(desk)

    desk.report("status", status="open", venue_id="V-strange", details=DETAILS)

    dialog = desk.book.find(BROKER, None, "V-strange")
    assert dialog is not None
    assert (how(dialog), len(desk.book.orphans)) == ("open 2/5", 0)


def test_an_order_whose_name_there_is_not_known_is_not_taken_for_a_strangers(desk: Desk) -> None:
    """Its ack was lost, and another report has named it by its request alone."""
    desk.order()
    desk.status("open")
    terms = {"market": MARKET, "side": "buy", "size": "10", "price": "100"}

    desk.report("status", status="open", venue_id="V1", details=terms)

    assert (desk.book.unacked, len(desk.book.parked)) == ({BROKER: 1}, 1)
    desk.report("ack", reqid=desk.dialog().reqid, venue_id="V1")
    assert (desk.book.unacked, desk.book.parked) == ({BROKER: 0}, {})
    assert [dialog.oid for dialog in desk.book] == ["o1"]
    desk.report("fill", venue_id="V1", exec_id="X1", size="10", price="100")
    assert desk.stands() == "filled 10/10"


def test_an_order_that_ends_without_a_name_is_waited_for_no_longer(desk: Desk) -> None:
    desk.order()
    desk.status("open")
    desk.status("cancelled")
    assert desk.book.unacked == {BROKER: 0}

    desk.report("status", status="open", venue_id="V1", details=DETAILS)

    assert desk.book.find(BROKER, None, "V1") is not None


def test_no_more_orphans_are_kept_than_the_bound_allows(monkeypatch: pytest.MonkeyPatch, desk: Desk) -> None:
    """The oldest stays in the log alone."""
    monkeypatch.setattr(apply_whole, "ORPHANS_MAX", 2)
    for number in range(4):
        stranger(desk, f"X{number}")

    assert desk.book.orphan_execs == {(BROKER, "main"): {"X2": desk.last.seq - 1, "X3": desk.last.seq}}
    assert len(desk.book.orphans) == 2


def test_other_reports_about_nobody_leave_no_trace_but_their_record(desk: Desk) -> None:
    desk.report("replaced", reqid="unheard-of")

    assert isinstance(desk.last.payload, Orphaned)
    assert desk.last.alarm is None
    assert desk.book.orphans == {}


# Finished orders that memory let go.


def let_go(desks: Desks) -> Desk:
    """``o1``, filled by F1, has left memory."""
    desk = desks(Settings(keep_finished=1))
    desk.order("o1")
    desk.ack("o1")
    desk.fill("10", "o1", exec_id="F1")
    desk.order("o2")
    desk.fill("10", "o2", exec_id="F2")
    assert desk.book.dialog("ann", "o1") is None
    return desk


@pytest.mark.parametrize("named", [{"reqid": "g-8"}, {"venue_id": "V-o1"}], ids=["request", "venue id"])
def test_a_late_fill_brings_its_order_back(desks: Desks, named: dict[str, str]) -> None:
    """By any id of the chain; it is booked beside what the order had, and alarmed as too much."""
    desk = let_go(desks)

    desk.report("fill", exec_id="F9", size="1", price="100", **named)

    assert kinds(desk, -2) == ["Recalled", "Reported"]
    assert (desk.stands(), desk.last.event) == ("filled 11/10", E.OVERFILL)
    assert desk.last.alarm == "1 more than ordered traded"


def test_a_late_copy_of_a_fill_brings_its_order_back_and_is_not_counted_twice(desks: Desks) -> None:
    desk = let_go(desks)

    desk.report("fill", reqid="g-8", exec_id="F1", size="10", price="100")

    assert (desk.stands(), len(desk.book.orphans)) == ("filled 10/10", 0)
    assert kinds(desk, -1) == ["Recalled"]


def test_a_late_bust_brings_its_order_back_and_reopens_it(desks: Desks) -> None:
    desk = let_go(desks)

    desk.report("bust", venue_id="V-o1", exec_id="B1", ref_id="F1")

    assert desk.stands() == "open 0/10"
    assert desk.dialog().leaves == 10
    assert sends(desk.cancel()) == ["cancel"]


def test_an_order_that_was_brought_back_is_let_go_and_brought_back_again(desks: Desks) -> None:
    """What happened since it came back is in the log as well."""
    desk = let_go(desks)
    desk.report("fill", reqid="g-8", exec_id="F9", size="1", price="100")
    desk.order("o3")
    desk.fill("10", "o3", exec_id="F3")
    assert desk.book.dialog("ann", "o1") is None

    desk.report("bust", venue_id="V-o1", exec_id="B1", ref_id="F9")

    assert desk.stands() == "filled 10/10"


def test_an_order_let_go_by_age_is_brought_back_as_well(desks: Desks) -> None:
    desk = desks(Settings(keep_age_ns=SECOND))
    desk.order("o1")
    desk.fill("10", "o1")
    desk.now += 2 * SECOND
    desk.order("o2")
    desk.fill("10", "o2", exec_id="F2")
    assert desk.book.dialog("ann", "o1") is None

    desk.report("fill", reqid="g-8", exec_id="F1", size="10", price="100")

    assert desk.dialog().filled == 10


def test_where_nothing_is_kept_late_copies_are_still_not_counted_twice(desks: Desks) -> None:
    desk = desks(Settings(keep_finished=0))
    desk.order("o1")
    desk.fill("10", "o1")
    assert list(desk.book) == []

    for _ in range(3):
        desk.report("fill", reqid="g-8", exec_id="F1", size="10", price="100")

    assert (desk.stands(), len(desk.book.orphans)) == ("filled 10/10", 0)


def test_a_log_that_cannot_be_asked_leaves_an_orphan_and_an_alarm() -> None:
    """Without *lookup* a late fill of an order that was let go is nobody's, and it is loud."""
    records: list[Record] = []
    desk = Desk(Settings(keep_finished=0))
    desk.ems = Dispatcher(
        Settings(keep_finished=0), records.append, generation="h", now_ns=desk.now, book=desk.book
    )
    desk.order()
    reqid = desk.dialog().reqid
    desk.fill("10")

    desk.report("fill", reqid=reqid, exec_id="F9", size="1", price="100")

    assert isinstance(records[-1].payload, Orphaned)
    assert records[-1].alarm == "brokerd_fill F9 belongs to no order that is known"


def test_an_id_that_never_was_is_not_found_in_the_log_either(desks: Desks) -> None:
    desk = let_go(desks)

    stranger(desk)

    assert isinstance(desk.last.payload, Orphaned)


def test_an_order_whose_request_is_unanswered_stays_a_while_longer(desks: Desks) -> None:
    """It filled while its cancel was out: the answer is still to come, and finds it."""
    desk = desks(Settings(keep_finished=1))
    desk.order("o1")
    desk.ack("o1")
    desk.cancel("o1")
    desk.fill("10", "o1")
    cancel = desk.dialog("o1").cancel
    assert cancel is not None
    for number in (2, 3, 4):
        desk.order(f"o{number}")
        desk.fill("10", f"o{number}", exec_id=f"F{number}")
    assert desk.dialog("o1").cancel is cancel

    desk.report("refused", request="cancel", code="too_late", reqid=cancel.reqid)
    for number in (5, 6, 7):
        desk.order(f"o{number}")
        desk.fill("10", f"o{number}", exec_id=f"F{number}")

    assert [dialog.oid for dialog in desk.book] == ["o7"]


def test_unanswered_requests_hold_no_more_orders_than_the_bound_allows(
    monkeypatch: pytest.MonkeyPatch, desks: Desks
) -> None:
    monkeypatch.setattr(apply, "REQUESTS_OUT_MAX", 2)
    desk = desks(Settings(keep_finished=1))
    for number in range(20):
        desk.order(f"o{number}")
        desk.ack(f"o{number}")
        desk.cancel(f"o{number}")
        desk.fill("10", f"o{number}", exec_id=f"F{number}")

    assert len(list(desk.book)) == 3


def test_an_id_whose_records_are_gone_is_not_used_again() -> None:
    """Nobody can tell whether it would be the same order: it is a conflict, and nothing is sent."""
    records: list[Record] = []
    desk = Desk(Settings(keep_finished=0))
    desk.ems = Dispatcher(
        Settings(keep_finished=0), records.append, generation="h", now_ns=desk.now, book=desk.book
    )
    desk.order()
    desk.fill("10")
    length = len(records)

    with pytest.raises(Refused, match="conflict: order o1 was submitted before, and its records are gone"):
        desk.order()

    assert len(records) == length


def test_no_more_ids_are_kept_than_the_bound_allows(monkeypatch: pytest.MonkeyPatch, desks: Desks) -> None:
    """Past it the oldest can be used again."""
    monkeypatch.setattr(apply, "FORGOTTEN_MAX", 2)
    desk = desks(Settings(keep_finished=0))
    for number in range(4):
        desk.order(f"o{number}")
        desk.fill("10", f"o{number}", exec_id=f"F{number}")

    assert list(desk.book.forgotten) == [("ann", "o2"), ("ann", "o3")]


# Time: deadlines and questions.


def test_a_request_that_is_not_answered_in_time_is_in_doubt_and_asked_about(desk: Desk) -> None:
    """Deadline, then the margin for clocks and slow reads, then a question every ten seconds."""
    desk.order()
    assert desk.due_in() == 5.0
    assert sends(desk.wait(4.999_999_999)) == []
    assert desk.state() == "pending"

    assert sends(desk.wait(0.000_000_001)) == []
    assert (desk.state(), desk.due_in()) == ("unknown", 2.0)
    effects = desk.wait(2)
    assert sends(effects) == ["query"]
    assert of_kind(effects, SendAbout)[0].reqid == f"q{desk.last.seq}"
    assert desk.due_in() == 10.0
    assert sends(desk.wait(10)) == ["query"]


def test_nothing_is_asked_before_the_last_request_can_no_longer_take_effect(desk: Desk) -> None:
    """An edit left four seconds after the order: doubt about one waits for the other's deadline, too."""
    desk.order()
    desk.ack()
    desk.edit("e1", size="12")
    desk.now += 4 * SECOND
    desk.cancel()

    desk.wait(1)
    assert (desk.state(), desk.last.event) == ("cancelling", E.CANCEL)
    desk.wait(4)

    assert desk.state() == "unknown"
    assert desk.dialog().due_ns == START + 11 * SECOND


def test_a_late_wake_up_asks_no_earlier_than_the_margin_allows(desk: Desk) -> None:
    """The process slept past the deadline: the margin counts from when it woke."""
    desk.order()

    desk.wait(60)

    assert (desk.state(), desk.due_in()) == ("unknown", 2.0)


def test_a_cancel_without_an_answer_is_sent_again_until_the_order_ends(desk: Desk) -> None:
    """Under the same id and with a new deadline each time."""
    desk.order()
    desk.ack()
    first = of_kind(desk.cancel(), SendAbout)[0]

    again = of_kind(desk.wait(5), SendAbout)
    assert [(sent.verb, sent.reqid, sent.deadline_ns) for sent in again] == [
        ("cancel", first.reqid, START + 10 * SECOND)
    ]
    assert sends(desk.wait(2)) == ["query"]
    assert sends(desk.wait(3)) == ["cancel"]

    desk.status("cancelled")
    assert desk.due_in() is None


def test_a_refused_cancel_is_sent_no_more_unless_the_outcome_is_unproven(desk: Desk) -> None:
    """A refusal ends the wish; in doubt it counts for nothing, for it may be an old one."""
    desk.order()
    desk.ack()
    sent = of_kind(desk.cancel(), SendAbout)[0]
    desk.wait(5)
    length = len(desk.log)
    desk.report("refused", request="cancel", reqid=sent.reqid)
    assert (len(desk.log), desk.dialog().cancel is not None) == (length, True)

    desk.answer("open") if desk.dialog().asked else desk.status("open")
    assert desk.state() == "cancelling"
    desk.report("refused", request="cancel", reqid=sent.reqid)

    assert (desk.state(), desk.dialog().cancel, desk.due_in()) == ("open", None, None)


def test_an_edit_without_an_answer_is_in_doubt_and_is_not_sent_again(desk: Desk) -> None:
    """It may have taken effect; a second copy could do it twice."""
    desk.order()
    desk.ack()
    desk.edit(size="12")
    assert desk.due_in() == 5.0

    assert sends(desk.wait(5)) == []
    assert desk.state() == "unknown"
    assert [sends(desk.wait(seconds)) for seconds in (2, 10)] == [["query"], ["query"]]


def test_without_a_link_nothing_is_asked_and_with_it_everything_due_is(desk: Desk) -> None:
    desk.order()
    desk.ack()
    desk.cancel()
    desk.link("lost")
    assert sends(desk.wait(100)) == []

    desk.link("connected")

    assert sends(desk.wait(0)) == ["cancel", "query"]


def test_a_report_that_settles_the_doubt_stops_the_questions(desk: Desk) -> None:
    desk.order()
    desk.wait(5)
    assert desk.due_in() == 2.0

    desk.status("open")

    assert (desk.state(), desk.due_in()) == ("open", None)


def test_after_a_lost_link_only_an_answer_stops_the_questions(desk: Desk) -> None:
    """A report shows that the order is there, and not what came before it unseen."""
    desk.order()
    desk.ack()
    desk.link("lost", "connected", "synced")
    desk.fill("1")
    assert (desk.state(), desk.due_in()) == ("unknown", 2.0)
    desk.wait(2)

    desk.answer("open", cum="3")

    assert (desk.state(), desk.due_in(), desk.dialog().gap) == ("open", None, Decimal(2))


def test_a_link_lost_again_voids_the_question_that_was_out(desk: Desk) -> None:
    """Its answer was read before whatever the second loss hid."""
    desk.order()
    desk.ack()
    desk.link("lost", "connected", "synced")
    desk.wait(2)
    asked = desk.dialog().asked
    desk.link("lost", "connected", "synced")

    desk.report("status", reqid=desk.dialog().reqid, status="open", snapshot=True, query=asked)

    assert (desk.state(), desk.dialog().asked) == ("unknown", 0)


@pytest.mark.parametrize("kind", ["dark", "alert", "waiting"])
def test_what_is_held_here_expires_here(desks: Desks, kind: str) -> None:
    """Nobody else would: the venue knows nothing of it."""
    desk = desks(up=kind != "waiting")
    fields: dict[str, Any] = {"tif": "gtd", "expire_ns": START + 60 * SECOND}
    if kind == "alert":
        desk.alert(**fields)
    else:
        desk.order(mode="dark" if kind == "dark" else "live", **fields)
    assert desk.due_in() == 60.0
    desk.wait(59.999_999_999)
    assert desk.state() in ("dark_open", "alert_open", "pending")

    desk.wait(0.000_000_001)

    assert (desk.state(), desk.due_in()) == ("expired", None)


def test_what_was_sent_expires_at_the_venue(desk: Desk) -> None:
    """Our clock is not the venue's: the report counts."""
    desk.order(tif="gtd", expire_ns=START + 60 * SECOND)
    desk.ack()

    desk.wait(1_000)
    assert desk.state() == "acked"
    desk.status("expired")
    assert desk.state() == "expired"


def test_a_triggered_dark_order_that_waits_for_the_link_still_expires(desks: Desks) -> None:
    desk = desks(up=False)
    desk.order(mode="dark", tif="gtd", expire_ns=START + 60 * SECOND)
    desk.ems.trigger("ann", "o1", desk.now)

    desk.wait(60)

    assert desk.state() == "expired"


def test_time_that_makes_nothing_due_makes_no_record(desk: Desk) -> None:
    desk.order()
    length = len(desk.log)

    assert desk.wait(4) == []
    assert len(desk.log) == length


def test_orders_due_together_are_all_seen_to(desk: Desk) -> None:
    for number in range(20):
        desk.order(f"o{number}")

    desk.wait(5)

    assert {dialog.state.value for dialog in desk.book} == {"unknown"}


# Answers to questions.


def asked(desk: Desk) -> int | str:
    """``o1`` is in doubt, and the venue was asked; the question's number."""
    desk.order()
    desk.wait(5)
    desk.wait(2)
    assert desk.state() == "unknown"
    return desk.dialog().asked


def test_two_answers_without_the_order_prove_that_it_never_arrived(desk: Desk) -> None:
    asked(desk)
    desk.answer("absent")
    assert (desk.state(), desk.last.event, desk.dialog().asked) == ("unknown", E.MISSING, 0)
    assert sends(desk.wait(10)) == ["query"]

    desk.answer("absent")

    assert (desk.state(), desk.last.event) == ("rejected", E.ABSENT)
    assert desk.book.unacked == {BROKER: 0}


def test_one_answer_given_twice_is_one_answer(desk: Desk) -> None:
    query = asked(desk)
    for _ in range(3):
        desk.status("absent", snapshot=True, query=query)

    assert desk.state() == "unknown"


@pytest.mark.parametrize("query", [None, 1, "g-8"])
def test_an_answer_to_no_question_or_to_an_older_one_proves_no_absence(
    desk: Desk, query: int | str | None
) -> None:
    asked(desk)
    for _ in range(3):
        desk.status("absent", snapshot=True, query=query)

    assert (desk.state(), desk.dialog().flags & 128) == ("unknown", 0)


def test_a_question_has_as_long_as_any_request_before_it_is_put_anew() -> None:
    """Else a venue that takes longer than the next time it is asked would never have answered in time."""
    desk = Desk(Settings(ask_every_ns=SECOND))
    asked(desk)

    assert sends(desk.wait(4)) == []
    desk.answer("absent")
    assert desk.last.event == E.MISSING
    assert sends(desk.wait(1)) == ["query"]
    assert sends(desk.wait(4)) == []
    desk.answer("absent")

    assert (desk.state(), desk.last.event) == ("rejected", E.ABSENT)


def test_the_answer_to_an_older_question_does_not_count(desk: Desk) -> None:
    """It was read before the newer one was asked; in between the order may have arrived."""
    old = asked(desk)
    desk.wait(10)
    assert desk.dialog().asked != old

    desk.status("absent", snapshot=True, query=old)
    desk.answer("absent")

    assert desk.state() == "unknown"


def lost_there(desk: Desk, seconds: int) -> list[int]:
    """A resting order that the venue does not show after a lost link; its cancel gets no answer.

    When the cancel left again, in seconds from the first.
    """
    desk.order()
    desk.status("open")
    desk.link("lost", "connect", "connected", "synced")
    begun, left = desk.now, list[int]()
    assert sends(desk.cancel()) == ["cancel"]
    for _ in range(seconds):
        effects = desk.wait(1)
        left += [(desk.now - begun) // SECOND for sent in sends(effects) if sent == "cancel"]
        if desk.dialog().asked:
            desk.answer("absent")
    return left


def test_an_order_that_the_venue_has_lost_is_told_once_and_its_cancel_sent_ever_less(desk: Desk) -> None:
    """Nothing proves that it is gone: it stays unknown, and only a person can find out."""
    left = lost_there(desk, 1_200)

    assert [record.alarm for record in desk.log if record.alarm] == [
        "the venue no longer knows an order that it acknowledged"
    ]
    assert left == [5, 10, 15, 25, 45, 85, 165, 325, 625, 925]
    assert desk.stands() == "unknown 0/10"


def test_an_order_that_was_lost_and_shows_again_is_cancelled_as_any_other(desk: Desk) -> None:
    """Lost once more, it is told once more, and its cancel begins at the shortest spacing again."""
    lost_there(desk, 200)
    desk.wait(120)
    assert desk.dialog().asked

    assert sends(desk.answer("open")) == ["cancel"]
    assert desk.due_in() == 5
    assert sends(desk.wait(5)) == ["cancel"]
    for _ in range(3):
        desk.wait(10)
        desk.answer("absent")

    assert len([record for record in desk.log if record.alarm]) == 2


def test_after_another_lost_link_the_cancel_of_a_lost_order_leaves_at_once(desk: Desk) -> None:
    assert lost_there(desk, 200)[-1] == 165

    desk.link("lost", "connect", "connected", "synced")

    assert sends(desk.wait(0)) == ["cancel"]


def test_another_doubt_lets_the_cancel_of_an_order_that_was_lost_leave_at_its_deadline(desk: Desk) -> None:
    """The venue showed the order, and that it has the cancel: it is not sent a second time. Then it fails."""
    assert lost_there(desk, 166)[-1] == 165
    desk.status("pending_cancel", snapshot=True, query=desk.dialog().asked)
    assert desk.state() == "cancelling"
    desk.report("error", reqid=desk.dialog().reqid)

    assert desk.due_in() == 4
    assert sends(desk.wait(4)) == ["cancel"]


def test_a_limit_below_the_deadline_sends_the_cancel_at_each_deadline(desks: Desks) -> None:
    desk = desks(Settings(redrive_max_ns=0))

    assert lost_there(desk, 62) == [*range(5, 63, 5)]


def test_an_order_that_was_ever_seen_is_never_ended_by_absence(desk: Desk) -> None:
    """It was there: if it is not shown now, that is the venue's lag or memory. It stays a loud doubt."""
    desk.order()
    desk.ack()
    desk.link("lost", "connected", "synced")
    for _ in range(3):
        desk.wait(10)
        desk.answer("absent")

    assert desk.state() == "unknown"


LATE_TAKER = Settings(brokers={BROKER: Capabilities(deadline=False)})


def test_no_absence_is_proof_where_late_requests_are_taken(desks: Desks) -> None:
    """The order may still arrive, so it stays in doubt; its owner is warned once, and it is found one day."""
    desk = desks(LATE_TAKER)
    asked(desk)
    for _ in range(4):
        desk.answer("absent")
        desk.wait(10)

    alarms = [record.alarm for record in desk.log if record.alarm is not None]
    assert alarms == ["the venue does not show it, and takes late requests: it may still arrive"]
    assert (desk.state(), desk.book.unacked, desk.ems.ignored) == ("unknown", {BROKER: 1}, 3)
    desk.ack()
    assert desk.state() == "acked"


def test_an_order_that_was_seen_is_not_said_to_arrive_late(desks: Desks) -> None:
    desk = desks(LATE_TAKER)
    desk.order()
    desk.ack()
    desk.link("lost", "connected", "synced")
    desk.wait(10)
    desk.answer("absent")

    assert (desk.last.event, desk.last.alarm) == (E.MISSING, None)


def test_absence_between_two_sightings_is_forgotten(desk: Desk) -> None:
    asked(desk)
    desk.answer("absent")
    desk.status("pending_new")

    assert (desk.state(), desk.dialog().flags & 128) == ("acked", 0)


def test_an_answer_that_shows_the_order_ends_the_doubt(desk: Desk) -> None:
    asked(desk)

    desk.answer("open", cum="4")

    assert desk.stands() == "open 4/10"
    assert desk.dialog().gap == 4


def edit_in_doubt(desk: Desk) -> None:
    desk.order()
    desk.ack()
    desk.status("open")
    desk.edit("e1", size="12", price="101")
    desk.wait(5)
    desk.wait(2)


def details(size: str, price: str) -> dict[str, str]:
    return {"market": MARKET, "side": "buy", "size": size, "price": price}


def test_the_terms_in_an_answer_settle_an_edit_that_took_effect(desk: Desk) -> None:
    edit_in_doubt(desk)
    edit = desk.dialog().edits[0].reqid

    desk.answer("open", details=details("12", "101"))

    assert (desk.state(), terms(desk.dialog()), desk.dialog().edits) == ("open", "12 @ 101", ())
    assert desk.dialog().reqid == edit


def test_the_terms_in_an_answer_settle_an_edit_that_did_not(desk: Desk) -> None:
    """It was asked after the edit's deadline: not in force by then, it never will be."""
    edit_in_doubt(desk)

    desk.answer("open", details=details("10", "100"))

    assert (desk.state(), terms(desk.dialog()), desk.dialog().edits) == ("open", "10 @ 100", ())


def test_an_answer_without_terms_settles_no_edit(desk: Desk) -> None:
    edit_in_doubt(desk)

    desk.answer("open")

    assert (desk.state(), len(desk.dialog().edits)) == ("editing", 1)


def test_terms_that_answer_no_question_settle_no_edit(desk: Desk) -> None:
    """A snapshot that was read earlier may show the old terms."""
    edit_in_doubt(desk)

    desk.status("open", snapshot=True, query="other", details=details("10", "100"))

    assert (desk.state(), len(desk.dialog().edits)) == ("editing", 1)


def test_an_answer_lets_the_next_edit_leave(desk: Desk) -> None:
    edit_in_doubt(desk)
    desk.edit("e2", size="13")

    effects = desk.answer("open", details=details("12", "101"))

    assert (sends(effects), desk.state()) == (["edit"], "editing")


# Replies that do not say.


def test_an_error_puts_the_order_in_doubt_until_its_deadline_has_passed(desk: Desk) -> None:
    """Nobody is asked before the request can no longer take effect."""
    desk.order()
    desk.now += SECOND

    desk.report("error", reqid=desk.dialog().reqid)

    assert (desk.state(), desk.due_in()) == ("unknown", 6.0)
    assert sends(desk.wait(6)) == ["query"]


def test_an_error_about_a_resting_order_is_asked_about_after_the_margin(desk: Desk) -> None:
    desk.order()
    desk.ack()

    desk.report("error", reqid=desk.dialog().reqid)

    assert (desk.state(), desk.due_in()) == ("unknown", 2.0)


def test_an_error_about_what_is_in_doubt_already_tells_nothing(desk: Desk) -> None:
    asked(desk)
    length = len(desk.log)

    desk.report("error", reqid=desk.dialog().reqid)

    assert (len(desk.log), desk.ems.ignored) == (length, 1)


def test_a_refusal_may_name_its_order_beside_the_request(desk: Desk) -> None:
    """The venue knows the order's request, and gave the refused one a name of its own."""
    desk.order()
    desk.ack()
    desk.cancel()
    cancel = desk.dialog().cancel
    assert cancel is not None

    desk.report("refused", request="submit", reqid="copy", target=desk.dialog().reqid)

    assert (desk.last.event, desk.state()) == (E.DUPLICATE_REFUSED, "cancelling")


# What cannot be right.


def test_a_contradiction_is_a_record_an_alarm_and_no_move(desk: Desk) -> None:
    """A rejected order that the venue calls filled: told to the owner, and the state stays."""
    desk.order()
    desk.status("rejected")

    effects = desk.status("filled")

    assert isinstance(desk.last.payload, Contradicted)
    assert desk.last.payload.attempted == "filled_stated"
    assert desk.last.alarm == "a filled size of an order the venue had rejected"
    assert [notice.state.value for notice in of_kind(effects, Notice)] == ["rejected"]


def test_a_report_that_tells_nothing_new_is_counted_and_makes_no_record(desk: Desk) -> None:
    desk.order()
    desk.ack()
    length = len(desk.log)

    assert desk.ack() == []
    assert (len(desk.log), desk.ems.ignored) == (length, 1)


# Links.


@pytest.mark.parametrize(
    ("before", "event"),
    [((), "connected"), ((), "synced"), (("connect",), "synced"), (("close",), "connected")],
)
def test_a_link_cannot_do_what_its_table_does_not_say(
    desks: Desks, before: tuple[str, ...], event: str
) -> None:
    desk = desks(up=False)
    desk.link(*before)
    facts_before, length = desk.facts(), len(desk.log)

    with pytest.raises(BrokerFault, match=f"the link to paper is .*: it cannot take {event}"):
        desk.link(event)

    assert (desk.facts(), len(desk.log)) == (facts_before, length)


def test_a_link_event_that_tells_nothing_makes_no_record(desk: Desk) -> None:
    length = len(desk.log)

    assert desk.link("connect") == []
    assert len(desk.log) == length


def test_a_lost_link_puts_what_was_sent_in_doubt_and_nothing_else(desks: Desks) -> None:
    """Neither what never left, nor what has ended, nor another broker's."""
    desk = desks(Settings(brokers={"kraken": Capabilities()}))
    desk.order("sent")
    desk.order("resting")
    desk.ack("resting")
    desk.order("dark", mode="dark")
    desk.order("filled")
    desk.fill("10", "filled")
    desk.order("elsewhere", market="xbtusd.kraken")
    desk.alert("alert")

    desk.link("lost")

    assert {dialog.oid: dialog.state.value for dialog in desk.book} == {
        "sent": "unknown",
        "resting": "unknown",
        "dark": "dark_open",
        "filled": "filled",
        "elsewhere": "pending",
        "alert": "alert_open",
    }


def test_a_link_lost_twice_doubts_once(desk: Desk) -> None:
    desk.order()
    desk.ack()
    desk.link("lost")
    length = len(desk.log)

    desk.link("lost")

    assert len(desk.log) == length + 1


def test_a_closed_link_doubts_nothing_and_asks_nothing(desk: Desk) -> None:
    """A clean stop: the next run reads what was missed."""
    desk.order()
    desk.ack()

    assert desk.link("close") == []
    assert (desk.state(), desk.due_in()) == ("acked", None)


def test_records_follow_each_other_without_a_gap(desk: Desk) -> None:
    desk.order()
    desk.ack()
    stranger(desk)
    desk.link("lost", "connected", "synced")
    desk.wait(100)

    seqs = [record.seq for record in desk.log]
    assert seqs[0] == 1
    assert all(after == before + 1 for before, after in pairwise(seqs))
    assert Parked not in {type(record.payload) for record in desk.log}
    assert Adopted not in {type(record.payload) for record in desk.log}


# A request that the venue weighs and that nobody here made.


def test_an_edit_weighed_after_its_refusal_does_not_hold_the_order_for_ever(desk: Desk) -> None:
    """The report came late. Nobody will answer it, so the venue is asked, and the next edit goes out."""
    desk.order()
    desk.ack()
    desk.status("open")
    desk.edit("e1", size="12")
    reqid = desk.dialog().edits[0].reqid
    desk.report("refused", reqid=reqid, request="edit")
    desk.report("status", reqid=reqid, status="pending_edit")
    desk.edit("e2", size="13")
    assert (desk.state(), desk.due_in()) == ("editing", 5.0)

    desk.wait(5)
    assert desk.state() == "unknown"
    desk.wait(2)
    effects = desk.answer("open", details={"market": MARKET, "side": "buy", "size": "10", "price": "100"})

    assert [sent.size for sent in of_kind(effects, SendAbout)] == [13]
    assert desk.state() == "editing"


def test_a_strangers_cancel_that_comes_to_nothing_lets_the_order_go_on(desk: Desk) -> None:
    desk.order()
    desk.ack()
    desk.status("open")
    desk.status("pending_cancel")
    assert (desk.state(), desk.due_in()) == ("cancelling", 5.0)
    desk.wait(5)
    desk.wait(2)

    desk.answer("open")

    assert (desk.state(), desk.due_in(), desk.dialog().cancel) == ("open", None, None)


def test_a_request_that_the_venue_weighs_still_is_asked_about_again(desk: Desk) -> None:
    """As long as it says so the order stands as it says, a deadline longer each time."""
    desk.order()
    desk.ack()
    desk.status("pending_cancel")
    desk.wait(5)
    desk.wait(2)

    desk.answer("pending_cancel")

    assert (desk.state(), desk.due_in()) == ("cancelling", 5.0)


def test_the_owners_cancel_is_driven_on_whatever_an_answer_says(desk: Desk) -> None:
    """Only a stranger's is given up by an answer that does not tell of it."""
    desk.order()
    desk.ack()
    desk.cancel()
    desk.status("pending_cancel")
    desk.wait(5)
    desk.wait(2)

    desk.answer("open")

    assert desk.state() == "cancelling"
    assert desk.dialog().cancel is not None


@pytest.mark.parametrize("moved", [True, False])
def test_nothing_is_decided_on_a_book_that_has_a_record_by_half(
    monkeypatch: pytest.MonkeyPatch, *, moved: bool
) -> None:
    """Ctrl-C, or a bug, between the log and the end of ``apply``."""
    desk = Desk()
    desk.order()

    def interrupted(book: Book, record: Record) -> list[Effect]:
        if moved:
            apply.apply(book, record)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(dispatcher, "apply", interrupted)
        with pytest.raises(KeyboardInterrupt):
            desk.ack()
    logged = len(desk.log)

    with pytest.raises(EMSBug, match="by half: only the log is right"):
        desk.order("o2")

    assert len(desk.log) == logged
