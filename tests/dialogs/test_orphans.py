"""Executions that were nobody's, and whose order becomes known: each counts once, however it is told."""

from __future__ import annotations

from decimal import Decimal
from itertools import permutations, product

import pytest

from fsm_ems.dialogs import dispatcher_claims
from fsm_ems.dialogs.book import Book
from fsm_ems.dialogs.decide_reports import find
from fsm_ems.dialogs.dispatcher import Dispatcher
from fsm_ems.dialogs.facts import Dialog, ord_status
from fsm_ems.dialogs.settings import Settings
from fsm_ems.messages import Report
from tests.dialogs.conftest import Desks
from tests.dialogs.desk import SECOND, Desk
from tests.dialogs.test_accounts import CORRECTS, SOLD, position, strange_fill

LIFE: list[tuple[str, dict[str, object]]] = [
    ("fill", {"exec_id": "X1", "size": "3", "price": "99", "details": SOLD}),
    ("correction", {"exec_id": "C1", "ref_id": "X1", **CORRECTS}),
    ("correction", {"exec_id": "C2", "ref_id": "C1", "size": "1", "price": "97"}),
]
BUSTED = [*LIFE, ("bust", {"exec_id": "B1", "ref_id": "C2"})]
"""What becomes of one execution, in the order in which the venue did it."""


@pytest.mark.parametrize(("life", "expected"), [(LIFE, ("-1", "97")), (BUSTED, ("0", "0"))])
def test_what_becomes_of_an_execution_counts_alike_however_it_is_told(
    desks: Desks, life: list[tuple[str, dict[str, object]]], expected: tuple[str, str]
) -> None:
    """In any order; some while the order has no such name, and of them some as nobody's, some put by."""
    for told in permutations(life):
        for named in range(len(told) + 1):
            for nobodys in range(named + 1):
                desk = desks()
                desk.order(side="sell", price="99")
                desk.ack()
                desk.order("o2")
                for at, (name, fields) in enumerate(told):
                    if at == nobodys:
                        desk.wait(7)
                    if at == named:
                        desk.status("open", venue_id="V-new")
                    desk.report(name, venue_id="V-new", **fields)
                if named == len(told):
                    desk.status("open", venue_id="V-new")

                story = [fields["exec_id"] for _, fields in told], named, nobodys
                assert (position(desk), story) == (expected, story)
                assert (str(desk.dialog().booked), story) == (expected[0].removeprefix("-"), story)
                assert (desk.book.orphans, desk.book.parked, story) == ({}, {}, story)


@pytest.mark.parametrize("waits", [False, True])
@pytest.mark.parametrize(("life", "expected"), [(LIFE, ("-1", "97")), (BUSTED, ("0", "0"))])
def test_what_becomes_of_an_execution_counts_alike_whichever_of_it_names_the_order(
    desks: Desks, life: list[tuple[str, dict[str, object]]], expected: tuple[str, str], *, waits: bool
) -> None:
    """In any order: what has no name of the order is nobody's at once, or *waits* before."""
    for told in permutations(life):
        for names in product((True, False), repeat=len(told)):
            if not any(names):
                continue
            desk = desks()
            desk.order(side="sell", price="99")
            desk.ack()
            if waits:
                desk.order("o2")
            for (name, fields), named in zip(told, names, strict=True):
                desk.report(name, reqid=desk.dialog().reqid if named else "strange", **fields)
            desk.wait(7)

            story = [fields["exec_id"] for _, fields in told], names
            assert (position(desk), story) == (expected, story)
            assert (str(desk.dialog().booked), story) == (expected[0].removeprefix("-"), story)
            assert (desk.book.orphans, desk.book.parked, story) == ({}, {}, story)


def test_a_chain_of_nobodys_corrections_may_be_of_any_length(desk: Desk) -> None:
    """One that is booked, by either of its ends, leads to all the others."""
    desk.order(side="sell", price="99")
    desk.order("o2", side="sell", price="99")
    for oid in ("o1", "o2"):
        desk.ack(oid)
        for number in range(600):
            ids = {"exec_id": f"{oid}-{number + 1}", "ref_id": f"{oid}-{number}"}
            desk.report("correction", reqid="strange", **ids, **CORRECTS)

    desk.fill("3", exec_id="o1-0", price="99")
    ids = {"exec_id": "end", "ref_id": "o2-600"}
    desk.report("correction", reqid=desk.dialog("o2").reqid, **ids, size="1", price="97")

    assert [str(desk.dialog(oid).booked) for oid in ("o1", "o2")] == ["2", "1"]
    assert desk.book.orphans == {}
    assert position(desk) == ("-3", "293")


def test_a_chain_of_names_each_learnt_from_what_was_nobodys_may_be_of_any_length(desk: Desk) -> None:
    """Each fill is found by the name that the correction of the one before brings."""
    length = 600
    desk.order(side="sell", size="2000", price="99")
    desk.ack()
    for number in range(length):
        name = {"reqid": "strange", "venue_id": f"N{number}"}
        desk.report("fill", **name, exec_id=f"X{number}", size="3", price="99")
        name["venue_id"] = f"N{number + 1}"
        desk.report("correction", **name, exec_id=f"C{number}", ref_id=f"X{number}", size="2", price="98")
    assert len(desk.book.orphans) == 2 * length

    desk.status("open", venue_id="N0")

    assert desk.book.orphans == {}
    assert (desk.dialog().booked, desk.dialog().venue_id) == (Decimal(2 * length), f"N{length}")


def test_of_two_busts_of_one_execution_both_wait_no_longer_and_one_counts(desk: Desk) -> None:
    """The second amends nothing that the first does not, and is found when a name is learnt."""
    desk.order(side="sell", price="99")
    desk.ack()
    for bust in ("B1", "B2"):
        desk.report("bust", reqid="strange", exec_id=bust, ref_id="X1")
    desk.report("fill", reqid=desk.dialog().reqid, exec_id="X1", size="3", price="99")
    assert len(desk.book.orphans) == 1

    desk.status("open", venue_id="N0")

    assert desk.book.orphans == {}
    assert desk.dialog().booked == 0


def test_a_chain_of_names_told_last_link_first_costs_what_it_is_long(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Looking through all of them anew for each name that is learnt would take minutes, and nobody trades."""
    looks: list[Report] = []

    def looked(book: Book, broker: str, report: Report) -> Dialog | None:
        looks.append(report)
        return find(book, broker, report)

    length = 100
    desk.order(side="sell", size="2000", price="99")
    desk.ack()
    for number in reversed(range(length)):
        name = {"reqid": "strange", "venue_id": f"N{number}"}
        desk.report("fill", **name, exec_id=f"X{number}", size="3", price="99")
        name["venue_id"] = f"N{number + 1}"
        desk.report("correction", **name, exec_id=f"C{number}", ref_id=f"X{number}", size="2", price="98")
    monkeypatch.setattr(dispatcher_claims, "find", looked)

    desk.status("open", venue_id="N0")

    assert desk.book.orphans == {}
    assert (desk.dialog().booked, desk.dialog().venue_id) == (Decimal(2 * length), f"N{length}")
    assert 2 * length <= len(looks) <= 4 * length


@pytest.mark.parametrize(
    "settings", [Settings(keep_finished=0), Settings(keep_age_ns=SECOND)], ids=["at once", "for its age"]
)
def test_an_order_that_memory_lets_go_takes_what_was_nobodys(desks: Desks, settings: Settings) -> None:
    """It leaves with the very record that leads to the orphan: nothing is recorded of what is not there."""
    desk = desks(settings)
    desk.order(side="sell", price="99", size="1")
    desk.ack()
    reqid = desk.dialog().reqid
    desk.status("cancelled")
    desk.wait(2)
    desk.report("correction", reqid="strange", exec_id="C1", ref_id="X1", **CORRECTS)

    desk.report("correction", reqid=reqid, exec_id="C2", ref_id="C1", size="1", price="97")

    strange_fill(desk)
    assert position(desk) == ("-1", "97")
    assert desk.book.orphans == {}


def test_a_correction_is_of_the_order_in_the_log_that_has_its_outcome(desks: Desks) -> None:
    desk = desks(Settings(keep_finished=0))
    desk.order(side="sell", price="99", size="1")
    desk.ack()
    reqid = desk.dialog().reqid
    desk.report("correction", reqid=reqid, exec_id="C2", ref_id="C1", size="1", price="97")
    assert list(desk.book) == []

    desk.report("correction", reqid="strange", exec_id="C1", ref_id="X1", **CORRECTS)
    strange_fill(desk)

    assert position(desk) == ("-1", "97")
    assert desk.book.orphans == {}


def test_where_the_log_has_let_go_of_the_order_as_well_nothing_waits_for_it() -> None:
    desk = Desk(Settings(keep_finished=0))
    desk.ems = Dispatcher(
        Settings(keep_finished=0), desk.log.append, generation="h", now_ns=desk.now, book=desk.book
    )
    desk.order(side="sell", price="99", size="1")
    reqid = desk.dialog().reqid
    desk.report("correction", venue_id="strange", exec_id="C1", ref_id="X1", **CORRECTS)
    desk.wait(7)
    assert desk.book.orphans

    desk.report("correction", reqid=reqid, exec_id="C2", ref_id="C1", size="1", price="97")

    assert (list(desk.book), desk.book.orphans) == ([], {})
    assert position(desk) == ("-1", "97")
    desk.prove()


@pytest.mark.parametrize("snapshot", [False, True])
@pytest.mark.parametrize("end", ["filled", "cancelled", "expired"])
def test_an_execution_finds_the_ended_order_that_a_status_gives_its_name(
    desks: Desks, end: str, *, snapshot: bool
) -> None:
    desk = desks()
    desk.order()
    desk.fill("4", reqid=None, venue_id="V1")
    count = "10" if end == "filled" else "4"
    desk.status(end, cum=count)
    assert (desk.stands(), desk.dialog().fills, len(desk.book.orphans)) == (f"{end} {count}/10", None, 1)

    desk.status(end, cum=count, venue_id="V1", snapshot=snapshot)

    assert (desk.stands(), list(desk.dialog().fills or ())) == (f"{end} {count}/10", ["F1"])
    assert position(desk) == ("4", "-400")
    assert desk.book.orphans == {}


@pytest.mark.parametrize(("status", "fields"), [("filled", {}), ("done_for_day", {"resumes": True})])
def test_a_status_that_gives_an_ended_order_its_name_tells_nothing_else(
    desks: Desks, status: str, fields: dict[str, object]
) -> None:
    desk = desks()
    desk.order()
    desk.fill("4")
    desk.status("cancelled", cum="4")

    desk.report("status", reqid=desk.dialog().reqid, status=status, venue_id="V1", **fields)

    assert (desk.stands(), desk.dialog().venue_id) == ("cancelled 4/10", "V1")
    assert ord_status(desk.dialog()) == "Canceled"


def test_a_status_of_an_ended_order_under_the_name_of_another_tells_nothing(desks: Desks) -> None:
    desk = desks()
    desk.order()
    desk.ack()
    desk.order("o2")
    desk.fill("10", "o2")
    records = len(desk.log)

    desk.status("filled", "o2", cum="10", venue_id="V-o1")

    assert (desk.dialog("o2").venue_id, len(desk.log)) == (None, records)


def test_a_status_of_a_living_order_under_the_name_of_another_counts_and_is_loud(desks: Desks) -> None:
    desk = desks()
    desk.order()
    desk.ack()
    desk.order("o2")

    desk.status("pending_new", "o2", venue_id="V-o1")

    assert (desk.state("o2"), desk.dialog("o2").venue_id) == ("acked", None)
    assert desk.last.alarm == "paper tells of it as V-o1, which is another order's id"
