"""A finished order asked back from its records is the one that was let go, and nothing else moves."""

from collections.abc import Callable
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fsm_ems.dialogs.apply import apply
from fsm_ems.dialogs.book import Book
from fsm_ems.dialogs.facts import Dialog
from fsm_ems.dialogs.recall import rebuilt, recalled
from fsm_ems.dialogs.record import Orphaned, Recalled, Record, Reported
from fsm_ems.dialogs.settings import Capabilities, Settings
from fsm_ems.dialogs.snapshot import Plain, dialog_facts
from fsm_ems.errors import Refused
from tests.dialogs.conftest import Desks
from tests.dialogs.desk import Desk

FORGETS = Settings(keep_finished=1, brokers={"paper": Capabilities(reopen_filled=True)})
# What only a living order needs, or memory alone: requests, questions, and when it ended.
LEFT_OUT = {"ended_ns", "due_ns"}


def kept(dialog: Dialog) -> Plain:
    return {slot: value for slot, value in dialog_facts(dialog).items() if slot not in LEFT_OUT}


def filled(desk: Desk) -> None:
    desk.order()
    desk.ack()
    desk.fill("4", price="99.5", fee="-0.1", liquidity="maker", time_ns=7)
    desk.fill("6", exec_id="F2", price="100.5", fee="0.1", fee_asset="xbt", time_ns=8)


def busted(desk: Desk) -> None:
    """A bust and a correction behind it; then cancelled."""
    desk.order()
    desk.ack()
    for number in (1, 2, 3):
        desk.fill("2", exec_id=f"F{number}")
    desk.report("bust", reqid="g-8", exec_id="B1", ref_id="F1")
    desk.report("correction", reqid="g-8", exec_id="C1", ref_id="F2", size="3", price="99")
    desk.status("cancelled", cum="6")


def edited(desk: Desk) -> None:
    """Its request and its venue id changed with an edit."""
    desk.order()
    desk.ack()
    desk.edit(size="4", price="98")
    desk.report("replaced", reqid=desk.dialog().edits[0].reqid, venue_id="V-new")
    desk.fill("4", price="98")


def stated(desk: Desk) -> None:
    """Filled by what the venue states, with executions missing, and a cancel noted since."""
    desk.order()
    desk.fill("4")
    desk.status("filled")
    desk.status("cancelled")


def rejected(desk: Desk) -> None:
    desk.order()
    desk.status("rejected")


def born_there(desk: Desk) -> None:
    desk.report(
        "status",
        status="open",
        venue_id="V-o1",
        details={"market": "xbtusd.paper", "side": "sell", "size": "5", "price": "101"},
    )
    desk.report("status", status="cancelled", venue_id="V-o1")


LIVES: list[Callable[[Desk], None]] = [filled, busted, edited, stated, rejected, born_there]


def lived(desks: Desks, life: Callable[[Desk], None]) -> tuple[Desk, Plain, tuple[str, str], str]:
    """A desk that has let *life* go: how it stood, its key, and its last name at the venue or its request."""
    desk = desks(FORGETS)
    life(desk)
    dialog = next(iter(desk.book))
    before, key = kept(dialog), (dialog.owner, dialog.oid)
    name = dialog.venue_id or str(dialog.reqid)
    desk.order("other")
    desk.fill("10", "other", exec_id="F-other")
    assert desk.book.dialog(*key) is None
    return desk, before, key, name


@pytest.mark.parametrize("life", LIVES)
def test_what_comes_back_is_what_was_let_go(desks: Desks, life: Callable[[Desk], None]) -> None:
    """Every fact that late fills, busts and retries need, to the last digit; the average price with them."""
    desk, before, key, name = lived(desks, life)
    named = {"venue_id": name} if name.startswith("V") else {"reqid": name}

    desk.report("status", status="open", **named)

    dialog = desk.book.dialog(*key)
    assert dialog is not None
    assert kept(dialog) == before


@pytest.mark.parametrize("life", LIVES)
def test_every_id_of_its_chain_brings_it_back(desks: Desks, life: Callable[[Desk], None]) -> None:
    desk, before, key, _ = lived(desks, life)
    reqids = [reqid for reqid in (before["reqid"], *before["reqids"]) if reqid is not None]
    names = [name for name in (before["venue_id"], *before["venue_ids"]) if name is not None]

    for place, named in enumerate(
        [*({"reqid": reqid} for reqid in reqids), *({"venue_id": name} for name in names)]
    ):
        desk.report("bust", exec_id=f"B{place}", ref_id="F-unseen", **named)
        assert desk.book.dialog(*key) is not None, named
        desk.order(f"next{place}")
        desk.fill("10", f"next{place}", exec_id=f"N{place}")
        assert desk.book.dialog(*key) is None


def test_rebuilding_touches_nothing_else(desk: Desk) -> None:
    filled(desk)
    before = desk.facts()

    copy = rebuilt(desk.log.of("ann", "o1"))

    assert copy is not None
    assert kept(copy) == kept(desk.dialog())
    assert copy is not desk.dialog()
    assert desk.facts() == before


def test_no_records_rebuild_nothing() -> None:
    assert rebuilt(()) is None
    assert recalled(Book(), (), 0) is None


def test_what_memory_still_has_is_not_brought_back(desk: Desk) -> None:
    """Its records were found under an id that its dialog no longer goes by."""
    filled(desk)

    assert recalled(desk.book, desk.log.of("ann", "o1"), desk.now) is None


def test_the_newest_life_counts_where_an_order_came_back_before(desks: Desks) -> None:
    """The records hold it twice: as it was lived, and as it was brought back and went on."""
    desk, *_ = lived(desks, filled)
    desk.report("bust", venue_id="V-o1", exec_id="B1", ref_id="F2")
    desk.fill("5", exec_id="F3", price="100")
    desk.fill("1", exec_id="F4", price="100")
    before = kept(desk.dialog())
    desk.order("third")
    desk.fill("10", "third", exec_id="F-third")
    assert desk.book.dialog("ann", "o1") is None

    copy = rebuilt(desk.log.of("ann", "o1"))

    assert copy is not None
    assert kept(copy) == before
    assert copy.filled == 10


def test_a_retry_of_a_forgotten_order_sends_nothing(desks: Desks) -> None:
    """The log is asked: an equal body gets the same answer, another body is a conflict."""
    desk, *_ = lived(desks, filled)
    assert desk.book.dialog("ann", "o1") is None
    before = rebuilt(desk.log.of("ann", "o1"))
    assert before is not None

    assert desk.order() == []
    assert kept(desk.dialog()) == kept(before)
    with pytest.raises(Refused, match="conflict"):
        desk.order(size="3")


def test_the_retry_of_an_edit_of_a_forgotten_order_is_not_sent_again(desks: Desks) -> None:
    """A bust brought the order back, open: its edit was made and answered once."""
    desk, *_ = lived(desks, edited)
    desk.report("bust", venue_id="V-new", exec_id="B1", ref_id="F1")
    assert desk.stands() == "open 0/4"

    answer, effects = desk.command("edit", edit_id="e1", size="4", price="98")

    assert (answer.again, effects) == (True, [])


def test_bringing_back_tells_nobody(desks: Desks) -> None:
    """It is no event of the order: the report that asked for it is."""
    desk, *_ = lived(desks, filled)
    heard = dict(desk.book.streams)

    assert desk.report("fill", reqid="g-8", exec_id="F1", size="4", price="99.5") == []

    assert isinstance(desk.last.payload, Recalled)
    assert (desk.last.tells, desk.last.event) == ((), None)
    assert desk.book.streams == heard


@given(st.lists(st.integers(1, 5), min_size=1, max_size=8), st.integers(0, 7))
def test_sums_survive_going_and_coming_back(sizes: list[int], busts: int) -> None:
    """Booked and notional are the sums of the live executions, before and after."""
    desk = Desk(Settings(keep_finished=0))
    desk.order(size=str(sum(sizes)))
    reqid = desk.dialog().reqid
    for number, size in enumerate(sizes):
        desk.report("fill", reqid=reqid, exec_id=f"F{number}", size=str(size), price=f"{100 + number}")
    assert list(desk.book) == []

    busted_one = busts % len(sizes)
    desk.report("bust", reqid=reqid, exec_id="B", ref_id=f"F{busted_one}")

    dialog = desk.dialog()
    alive = {number: size for number, size in enumerate(sizes) if number != busted_one}
    assert dialog.booked == sum(alive.values())
    assert dialog.notional == sum(Decimal(size) * (100 + number) for number, size in alive.items())
    desk.prove()


def test_a_record_of_coming_back_is_enough(desks: Desks) -> None:
    """A log that begins with it rebuilds the order: all it needs is in the one record."""
    desk, before, *_ = lived(desks, busted)
    desk.report("ack", reqid="g-8", venue_id="V-o1")
    records = [record for record in desk.log if isinstance(record.payload, Recalled)]

    copy = rebuilt(records)

    assert copy is not None
    assert kept(copy) == before


def test_an_order_that_came_back_is_its_owners_again(desks: Desks) -> None:
    """A retry of its submit is answered as the same order."""
    desk, *_ = lived(desks, filled)
    desk.report("fill", reqid="g-8", exec_id="F1", size="4", price="99.5")

    answer, effects = desk.command("order", side="buy", market="xbtusd.paper", size="10", price="100")

    assert (answer.again, effects) == (True, [])


def test_applying_a_record_of_coming_back_needs_nothing_before_it() -> None:
    desk = Desk()
    filled(desk)
    made = recalled(Book(), desk.log.of("ann", "o1"), 5)
    assert made is not None
    book = Book()

    assert apply(book, made) == []

    dialog = book.dialog("ann", "o1")
    assert dialog is not None
    assert dialog.ended_ns == 5
    assert book.find("paper", "g-8", None) is dialog
    assert list(book.finished) == [dialog]
    assert isinstance(made, Record)


@pytest.mark.parametrize("corrects", [False, True], ids=["bust", "correction"])
def test_an_execution_alone_brings_its_order_back(desks: Desks, *, corrects: bool) -> None:
    """The report names no order: the account's position and the order move alike."""
    desk, *_ = lived(desks, filled)
    held = desk.book.positions["main"]["xbtusd.paper"]
    assert held.size == 20

    if corrects:
        desk.report("correction", exec_id="C1", ref_id="F1", size="3", price="99")
    else:
        desk.report("bust", exec_id="B1", ref_id="F1")

    assert desk.stands() == ("open 9/10" if corrects else "open 6/10")
    assert held.size == (19 if corrects else 16)


def test_an_execution_of_another_account_brings_no_order_back(desks: Desks) -> None:
    desk, *_ = lived(desks, filled)

    desk.report("bust", exec_id="B1", ref_id="F1", account="second")

    assert isinstance(desk.last.payload, Orphaned)
    assert desk.book.positions["main"]["xbtusd.paper"].size == 20


def test_a_fill_told_again_without_its_orders_name_is_its_orders(desks: Desks) -> None:
    """It is an execution that is known, and no orphan; the order it names by now is none of ours."""
    desk, *_ = lived(desks, filled)

    effects = desk.report("fill", venue_id="V-other", exec_id="F1", size="4", price="99.5")

    assert isinstance(desk.last.payload, Recalled)
    assert effects == []
    assert desk.ems.ignored == 1


def test_the_order_that_a_bust_names_comes_back_before_the_one_that_has_its_execution(desks: Desks) -> None:
    desk = desks(Settings(keep_finished=0))
    for oid in ("o1", "o2"):
        desk.order(oid)
        desk.ack(oid)
        desk.fill("10", oid, exec_id=f"F-{oid}")

    desk.report("bust", venue_id="V-o1", exec_id="B1", ref_id="F-o2")

    assert (desk.last.oid, type(desk.last.payload)) == ("o1", Reported)


def stolen(desk: Desk) -> None:
    """A report of o1 came under the venue's id of o2; then memory let both go."""
    for oid in ("o1", "o2"):
        desk.order(oid)
    desk.ack("o2")
    desk.status("open", "o1", venue_id="V-o2")
    for oid in ("o1", "o2"):
        desk.status("cancelled", oid)
    assert desk.book.dialog("ann", "o1") is None
    assert desk.book.dialog("ann", "o2") is None


def test_a_stolen_venue_id_stays_with_its_order_and_is_alarmed(desks: Desks) -> None:
    """In memory and in the log: what comes late under it goes to the order that has it."""
    desk = desks(Settings(keep_finished=0))
    stolen(desk)

    desk.report("fill", venue_id="V-o2", exec_id="F1", size="4", price="100")

    assert (desk.last.owner, desk.last.oid) == ("ann", "o2")
    alarms = [(record.oid, record.alarm) for record in desk.log if record.alarm]
    assert alarms == [("o1", "paper tells of it as V-o2, which is another order's id")]


def test_what_comes_back_has_no_name_that_is_another_orders_by_now(desks: Desks) -> None:
    """The venue used its id again, and both are forgotten when a fill comes late under it."""
    desk = desks(Settings(keep_finished=0))
    desk.order("o1")
    reqid = desk.dialog().reqid
    desk.report("ack", reqid=reqid, venue_id="V")
    desk.status("cancelled")
    desk.order("o2")
    desk.report("ack", reqid=desk.dialog("o2").reqid, venue_id="V")
    desk.report("bust", reqid=reqid, exec_id="B1", ref_id="F-unseen")
    recalls = [record.payload for record in desk.log if isinstance(record.payload, Recalled)]
    assert [recall.venue_ids for recall in recalls] == [()]
    desk.status("cancelled", "o2")
    assert desk.book.dialogs["ann"] == {}

    desk.report("fill", venue_id="V", exec_id="F1", size="4", price="100")

    assert (desk.last.owner, desk.last.oid) == ("ann", "o2")


def test_a_request_of_an_order_that_was_let_go_speaks_before_a_name_that_another_has_now(
    desks: Desks,
) -> None:
    """The venue gave the name of an old order to a new one, and tells of the old one by its request."""
    desk = desks(FORGETS)
    filled(desk)
    old = desk.dialog().reqid
    for oid in ("o2", "o3"):
        desk.order(oid)
        desk.status("cancelled", oid)
    assert ("ann", "o1") in desk.book.forgotten
    desk.order("o4")
    desk.report("ack", reqid=desk.dialog("o4").reqid, venue_id="V-o1")

    desk.report("bust", reqid=old, venue_id="V-o1", exec_id="B1", ref_id="F2")

    assert desk.dialog().booked == 4
    assert desk.dialog("o4").booked == 0
    desk.report("fill", reqid="a stranger's", venue_id="V-o1", exec_id="F9", size="1", price="100")
    assert desk.dialog("o4").booked == 1
