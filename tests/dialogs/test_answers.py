"""An answer that was read before something changed settles nothing of what has changed."""

from __future__ import annotations

import pytest

from fsm_ems.dialogs.record import SendAbout
from tests.dialogs.desk import MARKET, Desk, of_kind


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
