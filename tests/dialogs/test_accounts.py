"""Positions of a book: what belongs to no order moves them as well, each execution once."""

from __future__ import annotations

from decimal import Decimal

import pytest

from fsm_ems.dialogs.dispatcher import Dispatcher
from fsm_ems.dialogs.record import Booked, Effect, Orphaned
from fsm_ems.dialogs.settings import Settings
from tests.dialogs.conftest import Desks
from tests.dialogs.desk import MARKET, Desk

SOLD = {"market": MARKET, "side": "sell", "size": "10", "price": "99"}


def booked(effects: list[Effect]) -> list[str]:
    """The ids of the ledger's new entries, with a minus where one takes back."""
    return [
        f"{'-' if one.entry.reverses else ''}{one.entry.event.exec_id}"
        for one in effects
        if isinstance(one, Booked)
    ]


def position(desk: Desk) -> tuple[str, str]:
    """Size and cash of the account's position."""
    held = desk.book.positions["main"][MARKET]
    return str(held.size), str(held.cash["usd"])


def strange_fill(desk: Desk, exec_id: str = "X1", **fields: object) -> list[Effect]:
    """A sale of 3 that belongs to no order; it names its market."""
    return desk.report("fill", reqid="strange", exec_id=exec_id, size="3", price="99", details=SOLD, **fields)


def test_a_fill_of_no_order_moves_the_position_of_its_account(desk: Desk) -> None:
    """Where it names market and side; where it does not, there is nothing that could be moved."""
    effects = strange_fill(desk)
    nameless = desk.report("fill", reqid="strange", exec_id="X2", size="1", price="99")

    assert (booked(effects), booked(nameless)) == (["X1"], [])
    assert position(desk) == ("-3", "297")


def test_a_bust_of_no_order_takes_back_what_it_names(desk: Desk) -> None:
    strange_fill(desk)
    strange_fill(desk, "X2")

    effects = desk.report("bust", reqid="strange", exec_id="B1", ref_id="X1")

    assert booked(effects) == ["-X1"]
    assert position(desk) == ("-3", "297")


def test_a_correction_of_no_order_stays_on_the_side_of_what_it_corrects(desk: Desk) -> None:
    """It names no side of its own."""
    strange_fill(desk)

    effects = desk.report("correction", reqid="strange", exec_id="C1", ref_id="X1", size="2", price="98")

    assert booked(effects) == ["-X1", "C1"]
    assert position(desk) == ("-2", "196")


@pytest.mark.parametrize("name", ["bust", "correction"])
def test_what_undoes_an_execution_that_nobody_knows_moves_nothing(desk: Desk, name: str) -> None:
    strange_fill(desk)
    terms = {} if name == "bust" else {"size": "2", "price": "98"}

    effects = desk.report(name, reqid="strange", exec_id="B1", ref_id="X9", **terms)

    assert isinstance(desk.last.payload, Orphaned)
    assert booked(effects) == []
    assert position(desk) == ("-3", "297")


def test_a_fill_whose_order_is_forgotten_moves_the_position_once() -> None:
    """Order and records are gone, and the position knows the execution: a copy counts no more."""
    desk = Desk(Settings(keep_finished=0))
    desk.ems = Dispatcher(
        Settings(keep_finished=0), desk.log.append, generation="h", now_ns=desk.now, book=desk.book
    )
    desk.order()
    reqid = desk.dialog().reqid
    desk.fill("10", exec_id="F1")
    assert position(desk) == ("10", "-1000")

    details = {"market": MARKET, "side": "buy", "size": "10", "price": "100"}
    effects = desk.report("fill", reqid=reqid, exec_id="F1", size="10", price="100", details=details)

    assert isinstance(desk.last.payload, Orphaned)
    assert booked(effects) == []
    assert position(desk) == ("10", "-1000")
    desk.prove()


def test_accounts_do_not_undo_each_others_executions(desk: Desk) -> None:
    """One id on two accounts is two executions."""
    strange_fill(desk)
    strange_fill(desk, account="second")

    desk.report("bust", reqid="strange", exec_id="B1", ref_id="X1", account="second")

    assert position(desk) == ("-3", "297")
    assert desk.book.positions["second"][MARKET].size == Decimal(0)


CORRECTS = {"size": "2", "price": "98"}
# What amends X1, and what amends that: the ledger's entries, and the position, once all has come in order.
CHAINS: list[tuple[list[tuple[str, dict[str, str]]], tuple[str, str]]] = [
    ([("bust", {"exec_id": "B1", "ref_id": "X1"})], ("0", "0")),
    ([("correction", {"exec_id": "C1", "ref_id": "X1", **CORRECTS})], ("-2", "196")),
    (
        [
            ("correction", {"exec_id": "C1", "ref_id": "X1", **CORRECTS}),
            ("bust", {"exec_id": "B1", "ref_id": "C1"}),
        ],
        ("0", "0"),
    ),
    (
        [
            ("correction", {"exec_id": "C1", "ref_id": "X1", **CORRECTS}),
            ("bust", {"exec_id": "B1", "ref_id": "X1"}),
        ],
        ("0", "0"),
    ),
    (
        [
            ("correction", {"exec_id": "C1", "ref_id": "X1", **CORRECTS}),
            ("correction", {"exec_id": "C2", "ref_id": "C1", "size": "1", "price": "97"}),
        ],
        ("-1", "97"),
    ),
]


@pytest.mark.parametrize("place", [0, 1, 2])
@pytest.mark.parametrize(("amendments", "expected"), CHAINS)
def test_orphans_move_the_position_alike_wherever_the_fill_comes(
    desk: Desk, amendments: list[tuple[str, dict[str, str]]], expected: tuple[str, str], place: int
) -> None:
    """Each is told with an alarm; what the order claims when it learns its name moves nothing any more."""
    desk.order(side="sell", price="99")
    desk.ack()
    desk.order("o2")
    told = [*amendments]
    told.insert(place, ("fill", {"exec_id": "X1", "size": "3", "price": "99"}))
    for name, fields in told:
        details = {"details": SOLD} if name == "fill" else {}
        desk.report(name, venue_id="V-new", **fields, **details)
    desk.wait(7)
    orphans = [record for record in desk.log if isinstance(record.payload, Orphaned)]
    assert len(orphans) == len(told)
    assert all(record.alarm for record in orphans)
    assert position(desk) == expected

    desk.status("open", venue_id="V-new")

    assert position(desk) == expected
    assert str(desk.dialog().booked) == expected[0].removeprefix("-")
    assert (desk.book.orphans, desk.book.amendments) == ({}, {("paper", "main"): {}})


def test_what_a_bust_undid_is_not_corrected_afterwards(desk: Desk) -> None:
    """Neither the second amendment of one execution nor the fill that comes last brings it back."""
    desk.report("bust", reqid="strange", exec_id="B1", ref_id="X1")
    desk.report("correction", reqid="strange", exec_id="C1", ref_id="X1", **CORRECTS)

    strange_fill(desk)

    assert position(desk) == ("0", "0")


def test_corrections_of_orphans_in_a_circle_come_to_an_end(desk: Desk) -> None:
    strange_fill(desk)
    desk.report("correction", reqid="strange", exec_id="C1", ref_id="X1", **CORRECTS)
    desk.report("correction", reqid="strange", exec_id="X1", ref_id="C1", **CORRECTS)

    desk.report("bust", reqid="strange", exec_id="B1", ref_id="X1")

    assert position(desk) == ("0", "0")


def test_an_amendment_without_a_name_reaches_the_order_of_the_fill_that_follows(desk: Desk) -> None:
    """It was nobody's until the order had the execution; what it names may come in any order."""
    desk.order()
    desk.ack()
    desk.report("bust", exec_id="B1", ref_id="C1")
    desk.report("correction", exec_id="C1", ref_id="F1", size="3", price="99")

    desk.fill("4")

    assert desk.stands() == "open 0/10"
    assert position(desk) == ("0", "0")
    assert desk.book.orphans == {}
    desk.fill("2", exec_id="F2")
    assert desk.stands() == "open 2/10"


ELSEWHERE = {"market": MARKET, "side": "buy", "size": "10", "price": "100"}


@pytest.mark.parametrize("known", [False, True], ids=["claimed", "known already"])
def test_an_orphan_that_left_the_account_out_is_taken_back_there(desk: Desk, *, known: bool) -> None:
    """It was booked on the default account; its order is another's, has it alone, and says so loudly."""
    desk.order(account="second")
    desk.ack()
    desk.report("fill", reqid="strange", exec_id="F1", size="4", price="100", details=ELSEWHERE)
    assert position(desk) == ("4", "-400")

    if known:
        effects = desk.report("fill", venue_id="V-o1", exec_id="F1", size="4", price="100")
    else:
        desk.order("o2")
        desk.report("fill", venue_id="V-new", exec_id="F2", size="1", price="100", details=ELSEWHERE)
        desk.wait(7)
        assert position(desk) == ("5", "-500")
        effects = desk.status("open", venue_id="V-new")

    claimed = "F1" if known else "F2"
    assert position(desk) == (("0", "0") if known else ("4", "-400"))
    assert f"-{claimed}" in booked(effects)
    assert str(desk.book.positions["second"][MARKET].size) == ("4" if known else "1")
    assert desk.last.alarm is not None
    assert "account main" in desk.last.alarm
    assert "account second" in desk.last.alarm


def test_a_correction_that_left_the_account_out_is_taken_back_there(desk: Desk) -> None:
    desk.order(account="second", side="sell", price="99")
    desk.ack()
    desk.order("o2")
    desk.report("fill", venue_id="V-new", exec_id="X1", size="3", price="99", details=SOLD)
    desk.report("correction", venue_id="V-new", exec_id="C1", ref_id="X1", **CORRECTS)
    desk.wait(7)
    assert position(desk) == ("-2", "196")

    desk.status("open", venue_id="V-new")

    assert position(desk) == ("0", "0")
    assert str(desk.book.positions["second"][MARKET].size) == "-2"


@pytest.mark.parametrize(
    "told", [{}, {"details": ELSEWHERE, "price": "101"}], ids=["without a market", "at another price"]
)
def test_an_accounts_own_execution_of_the_same_id_stays(told: dict[str, object]) -> None:
    """What has the orphan's id there is another execution, of an order that is forgotten."""
    desk = Desk(Settings(keep_finished=0))
    desk.ems = Dispatcher(
        Settings(keep_finished=0), desk.log.append, generation="h", now_ns=desk.now, book=desk.book
    )
    desk.order()
    desk.fill("10", exec_id="F1")
    desk.order("theirs", account="second")
    desk.ack("theirs")
    desk.report("fill", reqid="strange", exec_id="F1", size="4", **({"price": "100"} | told))

    desk.report("fill", venue_id="V-theirs", exec_id="F1", size="4", price="100")

    assert position(desk) == ("10", "-1000")
    assert str(desk.book.positions["second"][MARKET].size) == "4"
    desk.prove()


def test_an_orphan_in_another_market_of_the_orders_account_is_taken_back_there(desk: Desk) -> None:
    """The venue named another market than that of the order which turns out to have the execution."""
    other = {"market": "ethusd.paper", "side": "buy", "size": "10", "price": "100"}
    desk.order()
    desk.ack()
    desk.report("fill", reqid="strange", exec_id="F1", size="4", price="100", details=other)

    effects = desk.report("fill", venue_id="V-o1", exec_id="F1", size="4", price="100")

    assert booked(effects) == ["F1", "-F1"]
    assert str(desk.book.positions["main"]["ethusd.paper"].size) == "0"
    assert position(desk) == ("4", "-400")


@pytest.mark.no_cover
@pytest.mark.parametrize("forgotten", [False, True], ids=["in memory", "recalled"])
def test_a_bust_takes_back_what_was_first_told_however_often_the_order_was_split(
    desks: Desks, *, forgotten: bool
) -> None:
    """The position has summed the execution up by then, and knows neither its size nor its price."""
    desk = desks(Settings(keep_finished=0 if forgotten else 10))
    desk.order(size="2")
    desk.ack()
    desk.fill("1", exec_id="F1", time_ns=1)
    for _ in range(2):
        desk.report("restated", venue_id="V-o1", split="2")
    if forgotten:
        desk.status("cancelled")
        assert desk.book.dialog("ann", "o1") is None
    for number in range(2_201):
        trade = {"exec_id": f"X{number}", "size": "1", "price": "100", "time_ns": number + 2}
        side = SOLD | {"side": "buy" if number % 2 else "sell"}
        desk.report("fill", reqid="strange", details=side, **trade)
    assert desk.book.positions["main"][MARKET].known("F1") is None
    assert position(desk) == ("0", "0")

    effects = desk.report("bust", venue_id="V-o1", exec_id="B1", ref_id="F1")

    assert booked(effects) == ["-F1"]
    assert position(desk) == ("-1", "100")
