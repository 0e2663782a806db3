"""An answer that was read before something changed settles nothing of what has changed."""

from __future__ import annotations

from decimal import Decimal

import pytest

from fsm_ems.dialogs.facts import DOUBTS
from fsm_ems.dialogs.record import SendAbout
from fsm_ems.dialogs.settings import Capabilities, Settings
from tests.dialogs.desk import BROKER, MARKET, Desk, of_kind


def details(size: str, price: str = "100") -> dict[str, str]:
    """The terms that an answer shows."""
    return {"market": MARKET, "side": "buy", "size": size, "price": price, "type": "limit"}


def question(desk: Desk) -> int | str:
    """The id of the next question about ``o1``."""
    for _ in range(60):
        for send in of_kind(desk.wait(1), SendAbout):
            if send.verb == "query":
                return send.reqid
    raise AssertionError("nothing was asked in a minute")


@pytest.fixture
def asked() -> tuple[Desk, int | str]:
    """An order of which 6 of 10 traded, in doubt since the link was lost, and the question about it."""
    desk = Desk()
    desk.order()
    desk.ack()
    desk.status("open")
    desk.fill("6")
    desk.link("lost", "connect", "connected", "synced")
    return desk, question(desk)


def test_what_was_restated_since_is_not_taken_back_by_an_older_answer(asked: tuple[Desk, int | str]) -> None:
    desk, first = asked
    desk.report("restated", reqid=desk.dialog().reqid, size="20")
    desk.fill("6", exec_id="F2")

    desk.status("open", snapshot=True, query=first, cum="6", details=details("10"))

    assert desk.stands() == "unknown 12/20"
    second = question(desk)
    assert second != first
    desk.status("open", snapshot=True, query=second, cum="12", details=details("20"))
    assert desk.stands() == "open 12/20"


def test_a_split_since_is_not_taken_back_by_an_older_answer(asked: tuple[Desk, int | str]) -> None:
    desk, first = asked
    desk.report("restated", reqid=desk.dialog().reqid, split="2")

    desk.status("open", snapshot=True, query=first, cum="6", details=details("10"))

    assert desk.stands() == "unknown 12/20"


def test_a_strangers_edit_since_is_not_dropped_by_an_older_answer(asked: tuple[Desk, int | str]) -> None:
    desk, first = asked
    desk.report("status", reqid="X9", venue_id="V-o1", status="pending_edit")

    desk.status("open", snapshot=True, query=first, cum="6", details=details("10"))
    desk.report("replaced", reqid="X9", venue_id="V-o1", size="20", price="99")

    assert desk.stands() == "unknown 6/20"
    assert desk.dialog().price == 99


def test_a_strangers_cancel_since_is_not_dropped_by_an_older_answer(asked: tuple[Desk, int | str]) -> None:
    desk, first = asked
    desk.report("status", reqid="X9", venue_id="V-o1", status="pending_cancel")

    desk.status("open", snapshot=True, query=first, cum="6", details=details("10"))

    assert desk.state() == "unknown"
    assert desk.dialog().cancel is not None


def test_an_answer_that_shows_other_terms_settles_them(asked: tuple[Desk, int | str]) -> None:
    """Nothing that was heard since speaks against it."""
    desk, first = asked
    desk.fill("1", exec_id="F2")

    desk.status("open", snapshot=True, query=first, cum="6", details=details("12"))

    assert desk.stands() == "open 7/12"


# ── looks at an order that answer no open question: they are older than nobody knows what ──────────────────

HALVED: dict[str, object] = {"split": "0.5"}
BUSTED: dict[str, object] = {"exec_id": "B1", "ref_id": "F1"}
LESS: dict[str, object] = {"exec_id": "C1", "ref_id": "F1", "size": "2", "price": "100"}


@pytest.mark.parametrize(
    ("name", "since", "stands"),
    [
        ("restated", HALVED, "3.0/5.0"),
        ("bust", BUSTED, "0/10"),
        ("correction", LESS, "2/10"),
    ],
)
@pytest.mark.parametrize("kind", ["open", "filled"])
def test_what_had_traded_before_is_not_what_has_traded_now(
    asked: tuple[Desk, int | str], name: str, since: dict[str, object], stands: str, kind: str
) -> None:
    """Undone, corrected, or in other units since: the size count of an older look is none of now."""
    desk, first = asked
    desk.report(name, reqid=desk.dialog().reqid, **since)

    desk.status(kind, snapshot=True, query=first, cum="6", details=details("10"))

    assert desk.stands() == f"unknown {stands}"
    size = "5" if name == "restated" else "10"
    cum = stands.partition("/")[0]
    desk.status("open", snapshot=True, query=question(desk), cum=cum, details=details(size))
    assert desk.state() == "open"
    assert desk.dialog().filled == Decimal(cum)


def test_a_split_before_anything_was_heard_to_trade_counts_as_well() -> None:
    desk = Desk()
    desk.order()
    desk.ack()
    desk.status("open")
    desk.report("restated", reqid=desk.dialog().reqid, split="0.5")

    desk.status("open", snapshot=True, cum="6", details=details("10"))

    assert desk.stands() == "open 0.0/5.0"


def test_a_list_that_was_read_before_a_split_fills_nothing(asked: tuple[Desk, int | str]) -> None:
    """It answers no question about the order."""
    desk, first = asked
    desk.status("open", snapshot=True, query=first, cum="6", details=details("10"))
    desk.report("restated", reqid=desk.dialog().reqid, split="0.5")

    desk.status("open", snapshot=True, query="a list", cum="6", details=details("10"))

    assert desk.stands() == "open 3.0/5.0"


def test_that_it_was_filled_says_nothing_of_the_size_that_it_has_now(asked: tuple[Desk, int | str]) -> None:
    """What had traded counts, for that never becomes less by new terms."""
    desk, first = asked
    desk.report("restated", reqid=desk.dialog().reqid, size="20")

    desk.status("filled", snapshot=True, query=first, cum="10", details=details("10"))

    assert desk.stands() == "unknown 10/20"


def test_that_it_was_filled_before_an_edit_that_a_fill_proved_ends_nothing() -> None:
    desk = Desk()
    desk.order()
    desk.ack()
    desk.status("open")
    desk.fill("6")
    desk.edit("e1", size="20")
    edit = desk.dialog().edits[0].reqid
    first = question(desk)
    desk.fill("5", exec_id="F2", reqid=edit)

    desk.status("filled", snapshot=True, query=first, cum="10", details=details("10"))

    assert desk.stands() == "open 11/20"


def test_a_price_that_was_restated_since_is_not_taken_back_by_an_older_answer(
    asked: tuple[Desk, int | str],
) -> None:
    desk, first = asked
    desk.report("restated", reqid=desk.dialog().reqid, price="99")

    desk.status("open", snapshot=True, query=first, cum="6", details=details("10"))

    assert desk.stands() == "unknown 6/10"
    assert desk.dialog().price == 99


@pytest.mark.parametrize("end", ["cancelled", "expired", "calculated", "rejected", "done_for_day"])
@pytest.mark.parametrize(("since", "cum"), [(BUSTED, "9"), (LESS, "1"), (HALVED, "2")])
def test_what_had_traded_when_it_ended_is_asked_for_again(
    asked: tuple[Desk, int | str], end: str, since: dict[str, object], cum: str
) -> None:
    """An end tells the last of what traded: where its count may be of before, it is not taken for it."""
    desk, first = asked
    desk.report(
        "restated" if since is HALVED else "bust" if since is BUSTED else "correction",
        reqid=desk.dialog().reqid,
        **since,
    )
    before = desk.stands()

    desk.status(end, snapshot=True, query=first, cum=cum)

    assert desk.stands() == before
    assert desk.state() == "unknown"
    desk.status("cancelled", snapshot=True, query=question(desk), cum="3")
    assert desk.stands().startswith("cancelled 3")


def test_an_end_that_counts_nothing_ends_whenever_it_was_read(asked: tuple[Desk, int | str]) -> None:
    desk, first = asked
    desk.report("bust", reqid=desk.dialog().reqid, **BUSTED)

    desk.status("cancelled", snapshot=True, query=first)

    assert desk.stands() == "cancelled 0/10"


def test_filled_is_believed_of_an_order_that_had_no_other_size(asked: tuple[Desk, int | str]) -> None:
    """It is so for good: of what was filled once nothing trades any more."""
    desk, first = asked
    question(desk)

    desk.status("filled", snapshot=True, query=first)

    assert desk.stands() == "filled 10/10"


@pytest.mark.parametrize("cum", [None, "6", "8"])
def test_filled_of_an_order_that_had_another_size_is_asked_about(cum: str | None) -> None:
    """An order that rests does not end by it, nor does it go on as if nothing had been said."""
    desk = Desk()
    desk.order()
    desk.ack()
    desk.status("open")
    desk.edit("e1", size="20")
    desk.report("replaced", reqid=desk.dialog().edits[0].reqid)
    desk.fill("6")

    desk.status("filled", snapshot=True, cum=cum)

    assert desk.stands() == f"unknown {cum or 6}/20"
    desk.status("open")
    assert desk.state() == "unknown"  # a sign of life does not tell what was meant
    desk.status("filled", snapshot=True, query=question(desk), cum="20")
    assert desk.stands() == "filled 20/20"


def test_filled_of_a_busted_order_is_asked_about() -> None:
    desk = Desk()
    desk.order()
    desk.ack()
    desk.status("open")
    desk.fill("6")
    desk.report("bust", reqid=desk.dialog().reqid, **BUSTED)

    desk.status("filled", snapshot=True, cum="10")

    assert desk.stands() == "unknown 0/10"
    desk.status("filled", snapshot=True, query=question(desk), cum="10")
    assert desk.stands() == "filled 10/10"


def test_a_count_of_before_reaches_no_order_that_has_ended_and_is_loud() -> None:
    desk = Desk()
    desk.order()
    desk.ack()
    desk.status("open")
    desk.fill("6")
    desk.report("bust", reqid=desk.dialog().reqid, **BUSTED)
    desk.status("cancelled")

    desk.status("open", snapshot=True, cum="6")
    desk.status("filled", snapshot=True, cum="6")

    assert desk.stands() == "cancelled 0/10"
    assert "6 traded" in str(desk.last.alarm)


def test_a_look_that_puzzles_shows_that_the_order_arrived() -> None:
    """However often it is found absent after that, it is neither rejected nor sent a second time."""
    desk = Desk()
    desk.order(if_absent="resend")
    desk.edit("e1", size="12")
    first = question(desk)
    question(desk)

    desk.status("filled", snapshot=True, query=first, venue_id="V1")
    for _ in range(3):
        desk.status("absent", snapshot=True, query=question(desk))

    assert desk.state() == "unknown"
    assert desk.dialog().lost_reqid is None
    desk.report("fill", venue_id="V1", exec_id="F1", size="4", price="100")
    assert desk.dialog().filled == 4


def test_what_had_traded_counts_of_an_order_that_has_ended_since() -> None:
    """No execution was undone: it can only have grown."""
    desk = Desk()
    desk.order()
    desk.ack()
    desk.status("open")
    desk.fill("5")
    desk.edit("e1", size="20")
    edit = desk.dialog().edits[0].reqid
    desk.link("lost", "connect", "connected", "synced")
    first = question(desk)
    desk.report("replaced", reqid=edit)
    desk.status("cancelled")

    desk.status("filled", snapshot=True, query=first, cum="10")

    assert desk.stands() == "cancelled 10/20"


def test_lists_that_count_what_was_undone_do_not_doubt_the_order_again_and_again() -> None:
    desk = Desk()
    desk.order()
    desk.ack()
    desk.status("open")
    desk.fill("6")
    desk.report("bust", reqid=desk.dialog().reqid, **BUSTED)

    for _ in range(3):
        desk.status("open", snapshot=True, cum="6", details=details("10"))

    assert desk.stands() == "open 0/10"


def resting() -> Desk:
    """An order of 10 that rests."""
    desk = Desk()
    desk.order()
    desk.ack()
    desk.status("open")
    return desk


def test_filled_of_an_order_that_has_its_first_size_again_is_asked_about() -> None:
    """It may have been said of the size that it had between."""
    desk = resting()
    for number, size in enumerate(("5", "10")):
        desk.edit(f"e{number}", size=size)
        desk.report("replaced", reqid=desk.dialog().edits[0].reqid)

    desk.status("filled", snapshot=True)

    assert desk.stands() == "unknown 0/10"


def test_filled_of_an_order_that_a_stranger_is_changing_is_asked_about() -> None:
    desk = resting()
    desk.report("status", reqid="X9", venue_id="V-o1", status="pending_edit")

    desk.status("filled", snapshot=True)

    assert desk.stands() == "unknown 0/10"


def test_a_fill_that_counts_no_more_than_is_known_after_a_bust_is_not_alarmed() -> None:
    desk = Desk()
    desk.order()
    desk.ack()
    desk.fill("4")
    desk.report("bust", exec_id="B1", ref_id="F1", reqid=desk.dialog().reqid)
    desk.fill("4", exec_id="F2", cum="4")

    assert (desk.last.event, desk.last.alarm, desk.stands()) == ("fill", None, "open 4/10")


def test_an_answer_that_leaves_the_order_in_doubt_is_an_answer_all_the_same() -> None:
    """A second one to that question was read no later, and counts for no more than a look."""
    desk = Desk()
    desk.order()
    desk.ack()
    desk.edit(size="20")
    desk.link("lost", "connected", "synced")
    desk.status("pending_edit", snapshot=True, query=question(desk), cum="10", details=details("20"))

    assert (desk.state(), desk.dialog().asked) == ("unknown", 0)


def test_an_event_that_it_has_filled_is_asked_about_where_it_may_be_of_before_an_increase() -> None:
    desk = Desk(Settings(brokers={BROKER: Capabilities(reopen_filled=True)}))
    desk.order()
    desk.ack()
    desk.fill("10")
    desk.status("filled", cum="10")
    desk.edit(size="20")
    first = desk.dialog().reqid
    desk.report("replaced", reqid=desk.dialog().edits[0].reqid, size="20")
    assert desk.stands() == "open 10/20"

    desk.report("status", reqid=first, status="filled", cum="10")

    assert desk.stands() == "unknown 10/20"
    desk.status("open", snapshot=True, query=question(desk), cum="10", details=details("20"))
    assert desk.stands() == "open 10/20"
    desk.prove()


@pytest.mark.parametrize("cum", [None, "10"])
@pytest.mark.parametrize("edited", [False, True])
def test_an_event_that_it_has_filled_is_asked_about_where_it_may_be_of_before_a_bust(
    cum: str | None, *, edited: bool
) -> None:
    """That an edit to less is out explains nothing of it."""
    desk = Desk()
    desk.order()
    desk.ack()
    desk.fill("10")
    desk.report("bust", exec_id="B1", ref_id="F1", reqid=desk.dialog().reqid)
    if edited:
        desk.edit(size="8")

    desk.status("filled", **({} if cum is None else {"cum": cum}))

    assert desk.stands() == "unknown 0/10"
    desk.status("open", snapshot=True, query=question(desk), cum="0", details=details("10"))
    assert desk.stands() == "open 0/10"
    desk.prove()


def test_an_event_that_it_has_filled_fills_no_order_that_was_cancelled_after_a_bust() -> None:
    desk = Desk()
    desk.order()
    desk.ack()
    desk.fill("10")
    desk.report("bust", exec_id="B1", ref_id="F1", reqid=desk.dialog().reqid)
    desk.status("cancelled", cum="0")

    desk.status("filled", cum="10")

    assert desk.stands() == "cancelled 0/10"
    assert desk.last.alarm == "a look of before states that 10 traded"


@pytest.mark.parametrize(
    ("edited", "traded", "cum", "expected"),
    [
        ("6", "6", "6", "filled 6/6"),
        ("20", "6", "20", "filled 20/20"),
        ("4", "6", "6", "filled 6/6"),
        ("20", "10", "10", "editing 10/10"),
    ],
)
def test_an_event_that_it_has_filled_is_no_old_one_where_an_edit_that_is_out_explains_it(
    edited: str, traded: str, cum: str, expected: str
) -> None:
    """Nor where it had all traded, as far as is known."""
    desk = Desk()
    desk.order()
    desk.ack()
    desk.edit(size=edited)
    desk.fill(traded)

    desk.status("filled", cum=cum)

    assert desk.stands() == expected


def test_an_event_that_it_has_filled_is_explained_by_no_edit_that_has_not_left() -> None:
    """It waits for the answer to another, and the venue cannot have made it."""
    desk = Desk()
    desk.order()
    desk.ack()
    desk.fill("6")
    desk.edit("e1", price="99")
    desk.edit("e2", size="6")

    desk.status("filled", cum="6")

    assert desk.stands() == "unknown 6/10"


def test_an_event_that_it_has_filled_is_believed_of_an_order_that_had_no_other_size() -> None:
    desk = Desk()
    desk.order()
    desk.ack()
    desk.fill("6")

    desk.status("filled", cum="6")

    assert desk.stands() == "filled 6/6"


@pytest.mark.parametrize("cum", [None, "10"])
def test_an_event_that_it_has_filled_leaves_a_shrunk_order_in_doubt_until_a_younger_answer(
    cum: str | None,
) -> None:
    """It may be of before the correction; and the answer that is awaited may be the older of the two."""
    desk = Desk()
    desk.order()
    desk.ack()
    desk.fill("4")
    corrected = {"ref_id": "F1", "exec_id": "C1", "size": "4", "price": "99"}
    desk.report("correction", reqid=desk.dialog().reqid, **corrected)
    desk.link("lost", "connected", "synced")
    query = question(desk)
    desk.fill("3", exec_id="F3")
    desk.status("filled", **({} if cum is None else {"cum": cum}))
    assert desk.stands() == "unknown 7/10"

    desk.status("open", snapshot=True, query=query, cum="7", details=details("10"))
    assert desk.stands() == "unknown 7/10"

    desk.status("filled", snapshot=True, query=question(desk), cum="10", details=details("10"))
    assert desk.stands() == "filled 10/10"
    desk.prove()


@pytest.mark.parametrize("cum", [None, "10"])
@pytest.mark.parametrize("left", ["0", "4"])
def test_an_event_that_it_has_filled_told_again_in_doubt_does_not_end_what_was_opened_again(
    cum: str | None, left: str
) -> None:
    """The venue's stream repeats what it said before the bust, or the correction: the order lives."""
    desk = Desk()
    desk.order()
    desk.ack()
    desk.fill("10")
    if left == "0":
        desk.report("bust", exec_id="B1", ref_id="F1", reqid=desk.dialog().reqid)
    else:
        corrected = {"ref_id": "F1", "exec_id": "C1", "size": left, "price": "99"}
        desk.report("correction", reqid=desk.dialog().reqid, **corrected)
    desk.link("lost", "connected", "synced")
    desk.status("filled", **({} if cum is None else {"cum": cum}))
    assert desk.stands() == f"unknown {left}/10"

    desk.status("open", snapshot=True, query=question(desk), cum=left, details=details("10"))
    assert desk.stands() == f"open {left}/10"
    desk.prove()


def test_an_event_that_it_has_filled_waits_in_doubt_for_an_answer_that_is_no_older() -> None:
    """It may be of the size before, and the answer that is awaited of when less had traded: that it lives
    shows nothing then.
    """
    desk = Desk()
    desk.order()
    desk.ack()
    desk.edit(size="8")
    desk.report("replaced", reqid=desk.dialog().edits[0].reqid, size="8", price="100")
    desk.fill("4")
    desk.link("lost", "connected", "synced")
    query = question(desk)
    desk.fill("3", exec_id="F3")
    assert desk.stands() == "unknown 7/8"
    desk.status("filled", cum="7")
    assert desk.stands() == "unknown 7/8"

    desk.status("open", snapshot=True, query=query, cum="7", details=details("8"))
    assert desk.stands() == "unknown 7/8"

    desk.status("open", snapshot=True, query=question(desk), cum="7", details=details("8"))
    assert desk.stands() == "open 7/8"
    desk.prove()


@pytest.mark.parametrize("undone", [True, False])
def test_an_answer_that_it_has_filled_is_true_whenever_it_was_read(*, undone: bool) -> None:
    """A venue that tells it on its stream as well, each time it is asked, is believed the answer."""
    desk = Desk()
    desk.order(size="10" if undone else "12")
    desk.ack()
    if undone:
        desk.fill("4")
        desk.report("bust", exec_id="B1", ref_id="F1", reqid=desk.dialog().reqid)
    else:
        desk.edit(size="10")
        desk.report("replaced", reqid=desk.dialog().edits[0].reqid, size="10", price="100")
    desk.link("lost", "connected", "synced")
    question(desk)
    desk.status("filled")
    query = question(desk)
    desk.status("filled")
    desk.status("filled")
    assert desk.stands() == "unknown 0/10"

    desk.status("filled", snapshot=True, query=query, cum="10", details=details("10"))

    assert desk.stands() == "filled 10/10"
    assert not desk.dialog().flags & DOUBTS
    desk.prove()


@pytest.mark.parametrize("doubt", [True, False])
@pytest.mark.parametrize("cum", [None, "5"])
def test_an_event_that_it_has_filled_is_not_believed_of_one_that_was_increased(
    cum: str | None, *, doubt: bool
) -> None:
    """Doubled, or overtaken by the edit; its fill may have been lost: it lives, and can be cancelled."""
    desk = Desk()
    desk.order(size="5")
    desk.ack()
    desk.status("open")
    desk.edit(size="10")
    desk.report("replaced", reqid=desk.dialog().edits[0].reqid, size="10", price="100")
    if doubt:
        desk.link("lost", "connected", "synced")

    desk.status("filled", **({} if cum is None else {"cum": cum}))

    assert desk.stands() == f"unknown {cum or 0}/10"
    desk.cancel()
    desk.status("open", snapshot=True, query=question(desk), cum="5", details=details("10"))
    assert desk.stands() == "cancelling 5/10"
    desk.prove()


@pytest.mark.parametrize("undone", [True, False])
@pytest.mark.parametrize("down", ["5", "4"])
def test_an_event_of_the_size_before_is_not_taken_for_a_decrease_that_is_out(
    down: str, *, undone: bool
) -> None:
    """The venue refuses the decrease then, and the order goes on with what it was increased to."""
    desk = Desk()
    desk.order(size="5")
    desk.ack()
    desk.status("open")
    desk.edit("up", size="10")
    desk.report("replaced", reqid=desk.dialog().edits[0].reqid, size="10", price="100")
    desk.fill("3")
    if undone:
        desk.fill("1", exec_id="F2")
        desk.report("bust", exec_id="B1", ref_id="F2", reqid=desk.dialog().reqid)
    desk.edit("down", size=down)

    desk.status("filled", cum="5")

    assert desk.stands() == f"unknown {3 if undone else 5}/10"
    desk.report("refused", request="edit", reqid=desk.dialog().edits[0].reqid, code="too_late")
    desk.status("open", snapshot=True, query=question(desk), cum="5", details=details("10"))
    assert desk.stands() == "open 5/10"
    desk.prove()


def test_a_look_that_shows_a_filled_order_larger_is_asked_about_though_an_execution_was_undone() -> None:
    desk = Desk()
    desk.order()
    desk.ack()
    desk.fill("4")
    desk.report("bust", exec_id="B1", ref_id="F1", reqid=desk.dialog().reqid)
    desk.fill("10", exec_id="F2")
    assert desk.stands() == "filled 10/10"

    desk.status("open", snapshot=True, cum="12", details=details("20"))

    assert desk.stands() == "unknown 10/10"
    desk.status("open", snapshot=True, query=question(desk), cum="12", details=details("20"))
    assert desk.stands() == "open 12/20"
    desk.prove()


def test_an_answer_that_it_has_ended_counts_whatever_came_since_it_was_asked_for() -> None:
    """And an event that says the same again makes no record: the answer is distrusted already."""
    desk = Desk()
    desk.order()
    desk.ack()
    desk.fill("4")
    desk.report("bust", exec_id="B1", ref_id="F1", reqid=desk.dialog().reqid)
    desk.link("lost", "connected", "synced")
    desk.status("filled")
    query = question(desk)
    desk.status("filled")
    records = len(desk.log)
    desk.status("filled")
    assert (desk.stands(), len(desk.log)) == ("unknown 0/10", records)

    desk.status("cancelled", snapshot=True, query=query, cum="4")

    assert desk.stands() == "cancelled 4/10"
    desk.prove()


def test_an_event_that_it_has_filled_says_nothing_new_while_a_strangers_edit_is_weighed() -> None:
    desk = Desk()
    desk.order()
    desk.ack()
    desk.fill("4")
    desk.report("status", status="pending_edit", reqid="web-1", venue_id="V-o1")
    desk.fill("6", exec_id="F2")
    assert desk.stands() == "editing 10/10"

    desk.status("filled")

    assert desk.stands() == "editing 10/10"
    desk.prove()


def test_an_event_that_it_has_filled_is_of_before_an_increase_though_an_execution_was_replaced_since() -> (
    None
):
    desk = Desk(Settings(brokers={BROKER: Capabilities(reopen_filled=True)}))
    desk.order(size="7")
    desk.ack()
    desk.fill("3", exec_id="F1")
    desk.fill("4", exec_id="F2")
    desk.status("filled", cum="7")
    desk.edit(size="10")
    desk.report("replaced", reqid=desk.dialog().edits[0].reqid, size="10", price="100")
    desk.report("bust", exec_id="B1", ref_id="F1", reqid=desk.dialog().reqid)
    desk.fill("3", exec_id="F3")
    assert desk.stands() == "open 7/10"

    desk.status("filled", cum="7")

    assert desk.stands() == "unknown 7/10"
    desk.prove()


def test_what_shows_more_again_is_an_answer_though_it_tells_nothing_new() -> None:
    desk = Desk()
    desk.order()
    desk.ack()
    desk.edit(size="20")
    desk.link("lost", "connected", "synced")
    first = question(desk)
    desk.status("pending_edit", snapshot=True, query=first, cum="10", details=details("20"))
    second = question(desk)
    desk.status("pending_edit", snapshot=True, query=second, cum="10", details=details("20"))

    desk.status("filled", snapshot=True, query=second, cum="10")

    assert desk.state() == "unknown", "it may have been read before the edit came into force"
