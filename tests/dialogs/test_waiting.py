"""What waited here is held against the limits of the hour in which it goes out."""

from __future__ import annotations

from decimal import Decimal

import pytest

from fsm_ems.dialogs.dispatcher import Dispatcher
from fsm_ems.dialogs.record import Notice, SendOrder
from fsm_ems.dialogs.settings import Limits, Settings
from fsm_ems.errors import Refused
from fsm_ems.journal.replay import replay
from fsm_ems.machines.order_events import OrderEvent as E
from tests.dialogs.conftest import Desks
from tests.dialogs.desk import MARKET, SECOND, Desk, of_kind


def limited(size: str | None = None, value: str | None = None) -> Settings:
    limits = Limits(None if size is None else Decimal(size), None if value is None else Decimal(value))
    return Settings(limits={"*": limits})


def restart(desk: Desk, settings: Settings) -> None:
    """The same log under other settings, its link not yet up."""
    desk.ems = Dispatcher(
        settings,
        desk.log.append,
        generation="h",
        now_ns=desk.now,
        book=replay(desk.log),
        lookup=desk.log.lookup,
        life=desk.log.of,
    )
    desk.book = desk.ems.book


UP = ("connect", "connected", "synced")


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        (limited(size="9.99"), "max_size: size 10 is above 9.99"),
        (limited(value="999"), "max_value: 10 at 100 is above 999"),
    ],
)
def test_an_order_over_the_limits_of_now_does_not_go_out(desks: Desks, settings: Settings, why: str) -> None:
    """It ends, its owner is told which limit, and nothing leaves."""
    desk = desks(limited(size="10", value="1000"), up=False)
    desk.order()
    restart(desk, settings)
    effects = desk.link(*UP)

    assert [type(effect) for effect in effects] == [Notice]
    assert (desk.state(), desk.last.event, desk.last.alarm) == (
        "rejected",
        E.WITHHELD,
        f"it was not sent: {why}",
    )
    assert (desk.dialog().reqid, desk.book.unacked, desk.due_in()) == (None, {}, None)


def test_a_triggered_dark_order_over_the_limits_of_now_does_not_go_out(desks: Desks) -> None:
    desk = desks(up=False)
    desk.order(mode="dark", direction="at_or_below")
    desk.ems.trigger("ann", "o1", desk.now)
    assert desk.state() == "dark_triggered"
    restart(desk, limited(size="5"))
    desk.link(*UP)

    assert (desk.state(), desk.last.alarm) == ("rejected", "it was not sent: max_size: size 10 is above 5")


def test_an_order_within_the_limits_of_now_goes_out(desks: Desks) -> None:
    desk = desks(up=False)
    desk.order()
    desk.order("o2", size="11")
    restart(desk, limited(size="10", value="1000"))
    desk.link(*UP)

    assert (desk.state(), desk.dialog().reqid) == ("pending", f"g-{desk.log.of('ann', 'o1')[-1].seq}")
    assert desk.state("o2") == "rejected"


def test_an_order_that_waited_past_its_date_expires(desks: Desks) -> None:
    """The link is up again before anybody looked at the time."""
    desk = desks(up=False)
    desk.order(tif="gtd", expire_ns=desk.now + SECOND)
    desk.now += SECOND
    effects = desk.link(*UP)

    assert (desk.state(), desk.last.event, [type(effect) for effect in effects]) == (
        "expired",
        E.EXPIRED,
        [Notice],
    )


@pytest.mark.parametrize(("price", "state"), [("100", "pending"), ("100.01", "rejected"), (None, "rejected")])
def test_a_market_order_that_waited_is_valued_at_the_last_price(
    desks: Desks, price: str | None, state: str
) -> None:
    """Without one it cannot be checked, and what cannot be checked does not go out."""
    desk = desks(up=False)
    desk.order(type="market", price=None)
    restart(desk, limited(value="1000"))
    if price is not None:
        desk.print(price)
    desk.link(*UP)

    assert desk.state() == state
    if price is None:
        assert desk.last.alarm == f"it was not sent: no_reference: no price known to value 10 of {MARKET}"


def held(desks: Desks) -> Desk:
    """An edit to 12 is out, one to 15 and one to 11 wait behind it."""
    desk = desks()
    desk.order()
    desk.ack()
    desk.edit("e1", size="12")
    desk.edit("e2", size="15")
    desk.edit("e3", size="11")
    return desk


def test_a_held_edit_over_the_limits_of_now_is_dropped_and_the_next_one_goes(desks: Desks) -> None:
    desk = held(desks)
    desk.ems.settings = limited(size="12")
    length = len(desk.log)
    effects = desk.report("replaced", reqid=desk.dialog().edits[0].reqid)

    told = list(desk.log)[length:]
    assert [(record.event, record.alarm) for record in told] == [
        (E.REPLACED, None),
        (E.EDIT_WITHHELD, "edit e2 was not sent: max_size: size 15 is above 12"),
        (E.EDIT_SENT, None),
    ]
    assert [edit.edit_id for edit in desk.dialog().edits] == ["e3"]
    assert (desk.state(), len(of_kind(effects, Notice))) == ("editing", 3)


def test_a_held_edit_that_may_not_go_leaves_the_order_as_it_was(desks: Desks) -> None:
    """An edit of the price alone is valued with the size in force."""
    desk = desks()
    desk.order()
    desk.ack()
    desk.edit("e1", price="99")
    desk.edit("e2", price="101")
    desk.ems.settings = limited(value="1009")
    effects = desk.report("refused", reqid=desk.dialog().edits[0].reqid, request="edit")

    assert (desk.state(), desk.dialog().edits, desk.dialog().price) == ("acked", (), Decimal(100))
    assert desk.last.alarm == "edit e2 was not sent: max_value: 10 at 101 is above 1009"
    assert [type(effect) for effect in effects] == [Notice, Notice]
    assert desk.dialog().cancel is None
    desk.cancel()
    assert desk.state() == "cancelling"


FAR = "99999999999999999.99999999999999999"  # a request can carry it, and not what is 5 ticks beyond


def test_an_order_that_would_go_out_at_a_price_no_request_can_carry_waits_for_another_quote(
    desk: Desk,
) -> None:
    """It says so once, loudly, and goes out with the first quote that it can go out at."""
    desk.order(mode="dark", direction="at_or_above")

    for _ in range(2):
        assert of_kind(desk.quote("99", FAR), SendOrder) == []
        alarms = [record.alarm for record in desk.log if record.alarm]
        cannot = "no request can carry a price of 100000000000000002.49999999999999999"
        assert alarms == [f"{cannot}: it waits for a quote that it can go out at"]
    (sent,) = of_kind(desk.quote("99", "101"), SendOrder)

    assert sent.price == Decimal("103.5")


def test_a_trailing_stop_fired_by_hand_needs_a_price_that_a_request_can_carry(desk: Desk) -> None:
    desk.print("9" * 18)
    desk.order(mode="dark", trigger="trail", trail="2.5", price=None)

    with pytest.raises(Refused, match=r"bad_price: no request can carry a price of 10{17}1\.5:"):
        desk.ems.trigger("ann", "o1", desk.now)
    (sent,) = of_kind(desk.ems.trigger("ann", "o1", desk.now, Decimal(101)), SendOrder)

    assert sent.price == 101
