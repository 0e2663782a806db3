"""An execution is one by (broker, account, exec id): whatever two orders are told of it, it counts once."""

from __future__ import annotations

from typing import Any

import pytest

from fsm_ems.dialogs.record import Contradicted, SendAbout
from fsm_ems.dialogs.settings import Settings
from fsm_ems.journal.replay import replay
from tests.dialogs.conftest import Desks
from tests.dialogs.desk import BROKER, Desk, of_kind

ACCOUNT = (BROKER, "main")


@pytest.fixture
def two(desk: Desk) -> Desk:
    """Two orders of two owners rest at one account."""
    desk.order("o1", "ann")
    desk.order("o1", "bob")
    desk.ack("o1", "ann")
    desk.report("ack", reqid=desk.dialog("o1", "bob").reqid, venue_id="V-bob")
    return desk


def tell(desk: Desk, whose: str, name: str, **fields: str) -> None:
    trade = {} if name == "bust" else {"size": "4", "price": "100"}
    desk.report(name, reqid=desk.dialog("o1", whose).reqid, **trade | fields)


def holders(desk: Desk) -> dict[str, str]:
    return {exec_id: dialog.owner for exec_id, dialog in desk.book.executions.get(ACCOUNT, {}).items()}


def test_a_fill_told_of_two_orders_is_booked_on_the_first(two: Desk) -> None:
    """The second is recorded and alarmed, and its order stays as it was."""
    tell(two, "ann", "fill", exec_id="F1")
    tell(two, "bob", "fill", exec_id="F1")

    assert (two.stands("o1", "ann"), two.stands("o1", "bob")) == ("open 4/10", "acked 0/10")
    assert isinstance(two.last.payload, Contradicted)
    assert (two.last.owner, two.last.event, two.last.payload.attempted) == ("bob", None, "fill")
    assert two.last.alarm == "execution F1 belongs to another order already"
    assert holders(two) == {"F1": "ann"}


def test_the_same_fill_again_of_the_same_order_is_no_contradiction(two: Desk) -> None:
    tell(two, "ann", "fill", exec_id="F1")
    length = len(two.log)
    tell(two, "ann", "fill", exec_id="F1")

    assert len(two.log) == length


def test_a_name_that_was_replaced_does_not_come_back_by_a_late_report(desk: Desk) -> None:
    """The report finds its order, and the next request names it as the venue does now."""
    desk.order()
    desk.ack()
    desk.edit("e1", size="12")
    desk.report("replaced", reqid=desk.dialog().edits[0].reqid, venue_id="V-new")

    desk.report("fill", venue_id="V-o1", exec_id="F1", size="4", price="100")

    assert (desk.stands(), desk.dialog().venue_ids) == ("open 4/12", ("V-o1",))
    [cancel] = of_kind(desk.cancel(), SendAbout)
    assert cancel.venue_id == "V-new"


@pytest.mark.parametrize(
    "undone",
    [
        ("bust", {"exec_id": "B1", "ref_id": "F1"}),
        ("correction", {"exec_id": "C1", "ref_id": "F1"}),
    ],
)
@pytest.mark.parametrize("seen", [True, False])
def test_an_execution_that_was_undone_stays_its_orders(
    two: Desk, undone: tuple[str, dict[str, Any]], *, seen: bool
) -> None:
    """Seen before or not: the fill that comes late for the other order is not that order's."""
    if seen:
        tell(two, "ann", "fill", exec_id="F1")
    tell(two, "ann", undone[0], **undone[1])
    tell(two, "bob", "fill", exec_id="F1")

    assert two.stands("o1", "bob") == "acked 0/10"
    assert two.last.alarm == "execution F1 belongs to another order already"


@pytest.mark.parametrize(
    ("name", "fields", "attempted"),
    [
        ("bust", {"exec_id": "B1", "ref_id": "F1"}, "bust"),
        ("correction", {"exec_id": "C1", "ref_id": "F1"}, "corrected"),
        ("correction", {"exec_id": "F1", "ref_id": "F9"}, "corrected"),
    ],
)
def test_what_amends_another_orders_execution_changes_nothing(
    two: Desk, name: str, fields: dict[str, Any], attempted: str
) -> None:
    tell(two, "ann", "fill", exec_id="F1")
    tell(two, "bob", name, **fields)

    assert (two.stands("o1", "ann"), two.stands("o1", "bob")) == ("open 4/10", "acked 0/10")
    assert isinstance(two.last.payload, Contradicted)
    assert two.last.payload.attempted == attempted
    assert holders(two) == {"F1": "ann"}


def test_a_correction_brings_an_id_of_its_own(two: Desk) -> None:
    """Both ids are the order's from then on."""
    tell(two, "ann", "fill", exec_id="F1")
    tell(two, "ann", "correction", exec_id="C1", ref_id="F1", size="3")
    tell(two, "bob", "fill", exec_id="C1")

    assert holders(two) == {"F1": "ann", "C1": "ann"}
    assert (two.stands("o1", "ann"), two.stands("o1", "bob")) == ("open 3/10", "acked 0/10")


@pytest.mark.parametrize("name", ["fill", "correction"])
def test_what_an_order_has_is_no_orphan_when_nobody_is_named(two: Desk, name: str) -> None:
    """The venue names the order in a way that nobody knows: it is a copy, and no orphan."""
    tell(two, "ann", "fill", exec_id="F1")
    tell(two, "ann", "correction", exec_id="C1", ref_id="F1", size="3")
    length = len(two.log)
    exec_id, ref = ("F1", {}) if name == "fill" else ("C1", {"ref_id": "F1"})
    two.report(name, venue_id="V-new", exec_id=exec_id, size="3", price="100", **ref)

    assert len(two.log) == length


def test_another_account_may_use_the_same_id(desk: Desk) -> None:
    desk.order("o1", "ann")
    desk.order("o1", "bob", account="second")
    tell(desk, "ann", "fill", exec_id="F1")
    tell(desk, "bob", "fill", exec_id="F1", account="second")

    assert (desk.stands("o1", "ann"), desk.stands("o1", "bob")) == ("open 4/10", "open 4/10")


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("fill", {"exec_id": "F1"}),
        ("bust", {"exec_id": "B1", "ref_id": "F1"}),
        ("correction", {"exec_id": "C1", "ref_id": "F1"}),
    ],
)
def test_an_orphan_leaves_the_account_when_an_order_has_it(
    two: Desk, name: str, fields: dict[str, Any]
) -> None:
    """Booked, undone or corrected there: what was nobody's is the order's, once."""
    two.report("fill", venue_id="V-none", exec_id="F1", size="4", price="100")
    assert len(two.book.orphans) == 1

    tell(two, "ann", name, **fields)

    assert (two.book.orphans, two.book.orphan_execs) == ({}, {ACCOUNT: {}})
    assert holders(two)["F1"] == "ann"


def test_an_orphan_bust_leaves_the_account_when_it_comes_again_with_its_orders_name(two: Desk) -> None:
    two.report("bust", venue_id="V-none", exec_id="B1", ref_id="F1")
    tell(two, "ann", "bust", exec_id="B1", ref_id="F1")

    assert two.book.orphans == {}


def test_two_orphans_of_one_order_are_claimed_once(two: Desk) -> None:
    """The bust came first: with it the execution leaves the account, and nothing is left to claim."""
    two.report("bust", venue_id="V-new", exec_id="B1", ref_id="F1")
    two.report("fill", venue_id="V-new", exec_id="F1", size="4", price="100")
    two.report("ack", reqid=two.dialog("o1", "ann").reqid, venue_id="V-new")

    assert (two.book.orphans, two.stands("o1", "ann")) == ({}, "open 0/10")
    assert [type(record.payload).__name__ for record in two.log][-3:] == ["Reported", "Reported", "Unparked"]


def test_ids_leave_memory_with_their_order_and_come_back_with_it(desks: Desks) -> None:
    """Live and undone ones."""
    desk = desks(Settings(keep_finished=1))
    desk.order()
    desk.ack()
    desk.fill("4", exec_id="F1")
    desk.fill("4", exec_id="F2")
    desk.report("correction", venue_id="V-o1", exec_id="C1", ref_id="F1", size="5", price="100")
    everything = desk.book.executions[ACCOUNT].keys() | set()
    desk.status("cancelled")
    desk.order("o2")
    desk.cancel("o2")
    desk.status("cancelled", "o2")
    assert desk.book.executions == {ACCOUNT: {}}

    desk.report("fill", venue_id="V-o1", exec_id="F3", size="1", price="100")

    assert everything == {"F1", "F2", "C1"}
    assert holders(desk) == dict.fromkeys([*everything, "F3"], "ann")


def test_the_records_alone_give_the_index(two: Desk) -> None:
    tell(two, "ann", "fill", exec_id="F1")
    tell(two, "bob", "fill", exec_id="F1")

    replayed = replay(two.log)

    assert {account: list(execs) for account, execs in replayed.executions.items()} == {ACCOUNT: ["F1"]}


def test_an_execution_of_another_order_stays_there_when_a_forgotten_one_comes_and_goes(desks: Desks) -> None:
    """The venue told the same id of a second order while the first had left memory."""
    desk = desks(Settings(keep_finished=1))
    desk.order("o1")
    desk.ack("o1")
    desk.fill("10", "o1", exec_id="F1")
    desk.order("o2")
    desk.ack("o2")
    desk.order("o3")
    desk.fill("10", "o3", exec_id="F3")
    assert desk.book.dialog("ann", "o1") is None
    desk.fill("4", "o2", exec_id="F1")

    desk.report("bust", venue_id="V-o1", exec_id="B1", ref_id="F1")
    assert desk.last.alarm == "execution F1 belongs to another order already"
    desk.order("o4")
    desk.fill("10", "o4", exec_id="F4")

    assert desk.book.dialog("ann", "o1") is None
    assert desk.book.executions[ACCOUNT]["F1"] is desk.dialog("o2")
