"""Cancels beside what the venue weighs: one that has not left, a stranger's, one of an older journal."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from fsm_ems.dialogs.apply import apply
from fsm_ems.dialogs.book import Book
from fsm_ems.dialogs.facts import derive, ord_status
from fsm_ems.dialogs.record import Record, Reported, ReportedBesideOurs, ReportedOfTheirs, SendAbout
from fsm_ems.dialogs.settings import Capabilities, Settings
from fsm_ems.machines.order import E
from fsm_ems.messages import parse_report
from tests.dialogs.desk import BROKER, Desk, of_kind

REOPENS = Settings(brokers={BROKER: Capabilities(reopen_filled=True)})


def filled_beside_a_strangers() -> Desk:
    """An order that filled before its owner's cancel had left, while the venue weighed a stranger's."""
    desk = Desk()
    desk.order()
    desk.cancel()
    desk.link("lost", "connected")
    desk.status("pending_cancel")
    desk.fill("10")
    return desk


@pytest.mark.parametrize("weighed", [False, True])
def test_a_cancel_that_has_not_left_is_over_with_the_fill_whatever_the_venue_weighs(*, weighed: bool) -> None:
    """What it weighs is a stranger's, and of a filled order that is not shown, and holds nothing up."""
    desk = Desk(REOPENS)
    desk.order()
    desk.cancel()
    desk.link("lost", "connected")
    if weighed:
        desk.status("pending_cancel")
    desk.fill("10")
    desk.link("synced")

    cancel = desk.dialog().cancel
    assert (desk.stands(), cancel is not None and not cancel.wanted) == ("filled 10/10", weighed)
    desk.status("pending_cancel")
    assert ord_status(desk.dialog()) == "Filled"
    desk.edit(size="20")
    assert ([edit.out for edit in desk.dialog().edits], desk.dialog().cancel) == ([True], None)
    desk.prove()


def test_a_strangers_cancel_outlasts_the_owners_that_did_not_leave_before_the_fill() -> None:
    """A bust brings the order to life again, and the venue weighs that cancel still: in time it is asked."""
    desk = filled_beside_a_strangers()
    desk.link("synced")

    left = of_kind(desk.report("bust", exec_id="B1", ref_id="F1", reqid=desk.dialog().reqid), SendAbout)

    assert (desk.state(), left) == ("cancelling", [])
    left = of_kind([*desk.wait(5), *desk.wait(3)], SendAbout)
    assert (desk.state(), [send.verb for send in left]) == ("unknown", ["query"])
    desk.prove()


def test_an_older_journal_forgets_with_the_fill_the_cancel_that_the_venue_weighed() -> None:
    """Records of the kind :class:`ReportedBesideOurs` did not say whose it is."""
    desk = filled_beside_a_strangers()
    asked = [record for record in desk.log if isinstance(record.payload, ReportedOfTheirs)]
    assert len(asked) == 1

    book = Book()
    for record in desk.log:
        payload = record.payload
        if isinstance(payload, ReportedOfTheirs):
            payload = ReportedBesideOurs(payload.broker, payload.report, payload.deadline_ns, payload.origin)
        apply(book, replace(record, payload=payload))

    dialog = book.dialogs["ann"]["o1"]
    assert (dialog.state, dialog.cancel) == ("filled", None)


def test_a_strangers_cancel_that_the_venue_tells_of_a_filled_order_is_not_kept() -> None:
    desk = Desk(REOPENS)
    desk.order()
    desk.ack()
    desk.fill("10")
    desk.status("pending_cancel", venue_id="V-new")

    assert (desk.dialog().venue_id, desk.dialog().cancel) == ("V-new", None)
    desk.edit(size="20")
    assert [edit.out for edit in desk.dialog().edits] == [True]


def test_a_cancel_that_is_out_has_its_own_deadline_when_the_venue_weighs_one() -> None:
    """It is the one that left: its deadline is not put off by what the venue says of it."""
    desk = Desk()
    desk.order()
    desk.ack()
    desk.cancel()
    cancel = desk.dialog().cancel
    assert cancel is not None
    deadline_ns = cancel.deadline_ns

    desk.wait(3)
    desk.report("status", reqid=cancel.reqid, venue_id="V-o1", status="pending_cancel")

    assert (cancel.pending, cancel.deadline_ns, cancel.again_ns) == (True, deadline_ns, deadline_ns)


def test_a_named_cancel_that_never_left_is_driven_again_at_its_deadline() -> None:
    desk = Desk()
    desk.order()
    desk.ack()
    desk.link("lost")
    desk.cancel()
    desk.link("connected")
    cancel = desk.dialog().cancel
    assert cancel is not None
    desk.report("status", reqid=cancel.reqid, venue_id="V-o1", status="pending_cancel")
    assert cancel.out

    left = of_kind(desk.wait(4.9), SendAbout)
    assert [send.verb for send in left if send.verb == "cancel"] == []
    left = of_kind(desk.wait(0.1), SendAbout)
    assert [send.verb for send in left if send.verb == "cancel"] == ["cancel"]


@pytest.mark.parametrize("doubted", [False, True])
def test_a_cancel_that_never_left_by_an_older_journal_leaves_now(*, doubted: bool) -> None:
    """Such a journal takes a cancel that waited for the one that the venue weighs, without a deadline."""
    desk = Desk()
    desk.order()
    if doubted:
        desk.ack()
        desk.link("lost")
    desk.cancel()
    if doubted:
        desk.link("connected", "synced")
    report = parse_report(
        {
            "name": "brokerd_status",
            "reqid": desk.dialog().reqid,
            "venue_id": "V-o1",
            "status": "pending_cancel",
        }
    )
    event = E.CANCEL_PENDING if not doubted else E.SEEN_ACKED
    payload = Reported(BROKER, report, 0, 0)  # type: ignore[arg-type]  # what is read is a report about an order
    told = desk.book.streams["ann"] + 1
    older = Record(desk.book.seq + 1, desk.now, "ann", "o1", event, None, payload, told)
    desk.log.append(older)
    apply(desk.book, older)
    assert derive(desk.dialog()) is desk.dialog().state

    left = [send.verb for _ in range(3) for send in of_kind(desk.wait(1), SendAbout)]

    assert "cancel" in left
    desk.prove()


def test_an_end_whose_cancel_is_unanswered_lets_younger_ones_leave_memory_before_it() -> None:
    desk = Desk(Settings(keep_finished=1))
    for oid in ("o1", "o2", "o3"):
        desk.order(oid)
        desk.ack(oid)
        if oid == "o1":
            desk.cancel(oid)
        desk.fill("10", oid, exec_id=f"F-{oid}")

    assert [dialog.oid for dialog in desk.book.finished] == ["o3", "o1"]
