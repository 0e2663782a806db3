"""The book: who finds what, who is told, what is due when, and that nothing in it grows without bound."""

import heapq
from decimal import Decimal

import pytest

from fsm_ems.dialogs.apply import apply
from fsm_ems.dialogs.book import Book, due_ns
from fsm_ems.dialogs.dispatcher import Dispatcher
from fsm_ems.dialogs.record import Granted, Notice, Opened, Record, SendOrder, Sent
from fsm_ems.dialogs.settings import Settings
from fsm_ems.errors import EMSBug, IllegalTransition
from fsm_ems.journal.replay import replay
from fsm_ems.machines.link import LinkEvent, LinkState
from fsm_ems.machines.order_events import OrderEvent as E
from fsm_ems.messages import BrokerdFill, BrokerdOrderAck, Order
from tests.dialogs.conftest import Desks
from tests.dialogs.desk import SECOND, START, Desk

LIVES = 100_000


def live(desk: Desk, number: int) -> None:
    """A whole life: submitted, acked, filled."""
    oid = f"o{number}"
    desk.order(oid)
    desk.ack(oid)
    desk.fill("10", oid, exec_id=f"F{number}")


# Finding.


def test_every_id_of_a_chain_finds_the_dialog(desk: Desk) -> None:
    """The order's request, its edit's, its cancel's, and each id the venue gave it."""
    desk.order()
    first = desk.dialog().reqid
    desk.ack()
    desk.edit(size="12")
    edit = desk.dialog().edits[0].reqid
    desk.report("replaced", reqid=edit, venue_id="V-new")
    desk.cancel()
    cancel = desk.dialog().cancel
    assert cancel is not None
    dialog = desk.dialog()

    assert [desk.book.find("paper", reqid, None) for reqid in (first, edit, cancel.reqid)] == [dialog] * 3
    assert [desk.book.find("paper", None, name) for name in ("V-o1", "V-new")] == [dialog] * 2
    assert (dialog.reqid, dialog.venue_id, dialog.venue_ids) == (edit, "V-new", ("V-o1",))


def test_ids_of_another_broker_find_nothing(desk: Desk) -> None:
    """Request ids and venue ids are a broker's own."""
    desk.order()
    desk.ack()

    assert desk.book.find("kraken", desk.dialog().reqid, "V-o1") is None


def test_the_request_is_asked_before_the_venue_id(desk: Desk) -> None:
    """A report that names both is about the request's order; an unknown one falls back on the venue id."""
    for oid in ("o1", "o2"):
        desk.order(oid)
        desk.ack(oid)

    assert desk.book.find("paper", desk.dialog("o1").reqid, "V-o2") is desk.dialog("o1")
    assert desk.book.find("paper", "unheard of", "V-o2") is desk.dialog("o2")
    assert desk.book.find("paper", None, None) is None


def test_no_report_takes_an_orders_name_at_the_venue_away(desk: Desk) -> None:
    """An id that finds one order goes on finding it, whatever else is told under it."""
    for oid in ("o1", "o2"):
        desk.order(oid)
        desk.ack(oid)

    desk.status("open", "o2", venue_id="V-o1")

    assert desk.book.find("paper", None, "V-o1") is desk.dialog("o1")
    assert (desk.dialog("o2").venue_id, desk.state("o2")) == ("V-o2", "open")


def test_a_venue_id_that_comes_back_is_in_force_again(desk: Desk) -> None:
    """A venue may change its id and change it back; each is kept once."""
    desk.order()
    desk.ack()
    for venue_id in ("V2", "V-o1", "V2"):
        desk.status("pending_cancel" if venue_id == "V-o1" else "stopped", venue_id=venue_id)
        desk.report("refused", reqid=desk.dialog().reqid, request="cancel", venue_id=venue_id)

    assert desk.dialog().venue_id in ("V2", "V-o1")
    assert set(desk.dialog().venue_ids) | {desk.dialog().venue_id} == {"V2", "V-o1"}


# Readers.


def test_an_owner_is_told_first_and_then_its_watchers_by_name(desk: Desk) -> None:
    for observer, sees in (("zoe", ("ann",)), ("eve", ("*",)), ("max", ("bob",))):
        desk.ems.grant(observer, "observer", desk.now, sees)

    assert desk.book.watching("ann") == ("eve", "zoe")
    assert desk.book.watching("bob") == ("eve", "max")
    desk.order()
    assert desk.last.tells == (("ann", 1), ("eve", 1), ("zoe", 1))


def test_a_new_watcher_looks_on_at_once(desk: Desk) -> None:
    """The list of watchers is kept, and made anew when anybody is granted anything."""
    for _ in range(2):
        assert desk.book.watching("ann") == ()

    desk.ems.grant("eve", "observer", desk.now, ("ann",))

    assert desk.book.watching("ann") == ("eve",)


def test_who_sees_everyone_does_not_read_its_own_orders_twice(desk: Desk) -> None:
    desk.ems.grant("ann", "trader", desk.now, ("*",))

    assert desk.book.watching("ann") == ()
    assert desk.book.watching("bob") == ("ann",)


# What is due.


def test_orders_due_at_one_time_by_one_record_come_in_the_order_of_their_keys(desk: Desk) -> None:
    """Five orders in doubt are due together when the link opens: each asked about once, in one order."""
    for oid in ("o3", "o1", "o5", "o2", "o4"):
        desk.order(oid)
        desk.ack(oid)
    desk.link("lost")
    desk.wait(100)
    desk.link("connected", "synced")

    desk.wait(1)

    asked = [record.oid for record in desk.log if record.event is E.ASK]
    assert asked == ["o1", "o2", "o3", "o4", "o5"]


def test_nothing_is_due_where_nothing_is_awaited(desk: Desk) -> None:
    desk.order()
    desk.ack()

    assert desk.ems.next_due_ns() is None
    assert desk.wait(1_000_000) == []


def test_what_a_report_settled_is_due_no_more(desk: Desk) -> None:
    """The old note on the alarm clock lapses; it wakes nobody."""
    desk.order()
    assert desk.due_in() == 5.0
    desk.ack()

    assert desk.due_in() is None
    assert desk.wait(5) == []
    assert desk.state() == "acked"


@pytest.mark.no_cover
@pytest.mark.slow
def test_a_hundred_thousand_short_lives_leave_nothing_but_the_bounds() -> None:
    """Dialogs, ids, notes of what is due and finished ones: each stays within its bound."""
    ems = Dispatcher(Settings(keep_finished=100), lambda record: None, generation="g", now_ns=1)
    ems.grant("ann", "trader", 1)
    for event in (LinkEvent.CONNECT, LinkEvent.CONNECTED, LinkEvent.SYNCED):
        ems.link("paper", event, 1)
    book, most = ems.book, 0

    for number in range(LIVES):
        oid, size = f"o{number}", Decimal(10)
        order = Order(oid=oid, side="buy", market="xbtusd.paper", size=size, price=size)
        sent = ems.command("ann", order, number)[1][0]
        assert isinstance(sent, SendOrder)
        ems.report("paper", BrokerdOrderAck(reqid=sent.reqid, venue_id=oid), number)
        ems.report("paper", BrokerdFill(reqid=sent.reqid, exec_id=oid, size=size, price=size), number)
        most = max(most, len(book._alarm_clock))

    assert most <= 4 * 101 + 1
    assert len(book.finished) == 100
    assert len(list(book)) == 100
    assert len(book.by_reqid["paper"]) == 100
    assert len(book.by_venue_id["paper"]) == 100
    assert book.unacked == {"paper": 0}


def test_the_alarm_clock_is_swept_of_what_has_lapsed(desks: Desks) -> None:
    """A long deadline leaves a note behind each life; past 256 of them those that lapsed are thrown out."""
    desk = desks(Settings(keep_finished=1, request_deadline_ns=10**6 * SECOND))
    desk.order("waits")
    for number in range(300):
        live(desk, number)
    lengths = len(desk.book._alarm_clock)

    assert lengths < 256
    assert desk.ems.next_due_ns() == START + 10**6 * SECOND
    assert desk.book._alarm_clock[0] == heapq.nsmallest(1, desk.book._alarm_clock)[0]


def test_the_finished_are_let_go_by_count_the_oldest_first(desks: Desks) -> None:
    desk = desks(Settings(keep_finished=2))
    for number in range(4):
        live(desk, number)

    assert [dialog.oid for dialog in desk.book] == ["o2", "o3"]
    assert [dialog.oid for dialog in desk.book.finished] == ["o2", "o3"]


def test_the_finished_are_let_go_by_age_when_another_ends(desks: Desks) -> None:
    """Exactly at the age it still stays; one nanosecond later it goes."""
    desk = desks(Settings(keep_age_ns=60 * SECOND))
    live(desk, 0)
    desk.now += 60 * SECOND
    live(desk, 1)
    assert [dialog.oid for dialog in desk.book] == ["o0", "o1"]
    desk.now += 1

    live(desk, 2)

    assert [dialog.oid for dialog in desk.book] == ["o1", "o2"]


def test_a_reopened_order_is_not_let_go_and_waits_anew_when_it_ends_again(desks: Desks) -> None:
    """A bust takes a filled order out of the finished; it is the youngest of them when it fills again."""
    desk = desks(Settings(keep_finished=2))
    live(desk, 0)
    live(desk, 1)
    desk.report("bust", reqid=desk.dialog("o0").reqid, exec_id="B1", ref_id="F0")
    live(desk, 2)
    assert [dialog.oid for dialog in desk.book.finished] == ["o1", "o2"]

    desk.fill("10", "o0", exec_id="F9")

    assert [dialog.oid for dialog in desk.book.finished] == ["o2", "o0"]


def test_late_reports_about_many_that_were_let_go_do_not_fill_memory(desks: Desks) -> None:
    """A venue that tells all its fills again brings back one life after another, and each gives way."""
    desk = desks(Settings(keep_finished=3))
    reqids = []
    for number in range(20):
        desk.order(f"o{number}")
        reqids.append(desk.dialog(f"o{number}").reqid)
        desk.ack(f"o{number}")
        desk.fill("10", f"o{number}", exec_id=f"F{number}")

    for number, reqid in enumerate(reqids):
        desk.report("fill", reqid=reqid, exec_id=f"F{number}", size="10", price="100")

    assert len(desk.book.finished) == 3
    assert len(list(desk.book)) == 3
    assert desk.book.orphans == {}


# Records.


def opened(seq: int) -> Record:
    return Record(seq, 0, "", "", None, None, Opened("g", 1, 1))


def test_a_record_that_does_not_follow_is_a_bug_and_changes_nothing() -> None:
    book = Book()
    apply(book, opened(1))

    for seq in (1, 3):
        with pytest.raises(EMSBug, match=f"record {seq} does not follow 1"):
            apply(book, opened(seq))

    assert book.seq == 1


def test_an_event_that_has_no_row_is_a_bug(desk: Desk) -> None:
    """No decision makes such a record; a log that holds one is not believed."""
    desk.order()
    desk.fill("10")
    sent = Record(desk.book.seq + 1, desk.now, "ann", "o1", E.SENDING, None, Sent("g-99", 5))

    with pytest.raises(IllegalTransition, match="order in filled cannot take sending"):
        apply(replay(desk.log), sent)


def test_a_record_about_no_dialog_tells_nobody() -> None:
    book = Book()

    assert apply(book, opened(1)) == []
    assert apply(book, Record(2, 0, "", "", None, None, Granted("ann", "trader", ("*",)))) == []


def test_an_effect_leaves_before_anybody_is_told(desk: Desk) -> None:
    """First what the venue must get, then the notices in the order of the record's tells."""
    desk.ems.grant("eve", "observer", desk.now, ("ann",))

    effects = desk.order()

    assert [type(effect).__name__ for effect in effects] == ["SendOrder", "Notice", "Notice"]
    assert [effect.identity for effect in effects if isinstance(effect, Notice)] == ["ann", "eve"]


@pytest.mark.parametrize(
    ("state", "new_orders", "requests"),
    [
        (None, False, False),
        (LinkState.DOWN, False, False),
        (LinkState.CONNECTING, False, False),
        (LinkState.SYNCING, False, True),
        (LinkState.UP, True, True),
        (LinkState.CLOSED, False, False),
    ],
)
def test_what_may_go_out_by_the_state_of_the_link(
    state: LinkState | None, *, new_orders: bool, requests: bool
) -> None:
    """While what was missed is read back, requests about known orders may go; new orders wait."""
    book = Book()
    if state is not None:
        book.links["paper"] = state

    assert (book.link_up("paper"), book.link_open("paper")) == (new_orders, requests)


def test_an_order_that_only_waits_here_is_due_at_its_date(desk: Desk) -> None:
    desk.order(mode="dark", tif="gtd", expire_ns=START + 60 * SECOND)
    desk.order("o2", mode="dark")

    assert due_ns(desk.dialog("o1")) == START + 60 * SECOND
    assert due_ns(desk.dialog("o2")) == 0


def test_a_book_walks_over_every_dialog(desk: Desk) -> None:
    desk.order("o1")
    desk.order("o1", "bob")
    desk.order("o2")

    assert [(dialog.owner, dialog.oid) for dialog in desk.book] == [
        ("ann", "o1"),
        ("ann", "o2"),
        ("bob", "o1"),
    ]
    assert desk.book.dialog("eve", "o1") is None
    assert desk.book.at_broker("paper") == list(desk.book)
    assert desk.book.at_broker("kraken") == []
