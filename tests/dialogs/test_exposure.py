"""What an account may really hold: a range while something is unproven, and the truth always within."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fsm_ems.dialogs.exposure import Exposure, exposure, exposures, may_have_filled
from fsm_ems.dialogs.record import Notice
from fsm_ems.dialogs.settings import Capabilities, Settings
from tests.dialogs.conftest import Desks
from tests.dialogs.desk import BROKER, MARKET, Desk, of_kind

D = Decimal


def told(desk: Desk, market: str = MARKET) -> tuple[int, ...]:
    """size, low, high, buys, sells"""
    return tuple(map(int, exposure(desk.book, "main", market)[2:]))


def test_of_nothing_nothing_is_told(desk: Desk) -> None:
    assert exposures(desk.book) == ()
    assert exposure(desk.book, "main", MARKET) == Exposure("main", MARKET)
    assert exposure(desk.book, "main", MARKET).certain


def test_a_live_order_may_add_what_is_left_of_it(desk: Desk) -> None:
    """Waiting for its ack, resting, and no more once it has ended."""
    desk.order()
    assert told(desk) == (0, 0, 0, 10, 0)
    desk.ack()
    desk.fill("4")
    assert told(desk) == (4, 4, 4, 6, 0)
    desk.order("o2", side="sell")
    assert told(desk) == (4, 4, 4, 6, 10)
    desk.status("cancelled", cum="4")
    assert told(desk) == (4, 4, 4, 0, 10)


@pytest.mark.parametrize(("side", "low", "high"), [("buy", 4, 10), ("sell", -10, -4)])
def test_an_order_in_doubt_makes_a_range(desk: Desk, side: str, low: int, high: int) -> None:
    """Filled as known, or wholly; whatever becomes of its cancel."""
    desk.order(side=side)
    desk.ack()
    desk.fill("4")
    desk.cancel()
    desk.link("lost")

    booked = 4 if side == "buy" else -4
    assert told(desk) == (booked, low, high, 0, 0)
    assert not exposure(desk.book, "main", MARKET).certain
    desk.link("connected", "synced")
    desk.status("cancelled", cum="4")
    assert told(desk) == (booked, booked, booked, 0, 0)


def test_an_edit_in_doubt_widens_the_range_to_its_size(desk: Desk) -> None:
    desk.order()
    desk.ack()
    desk.edit(size="25")
    assert told(desk) == (0, 0, 0, 25, 0)
    desk.wait(5)

    assert told(desk) == (0, 0, 25, 0, 0)


def test_a_smaller_edit_and_a_held_one_do_not_narrow_it(desk: Desk) -> None:
    """The first may be refused, and the second has not left."""
    desk.order()
    desk.ack()
    desk.edit(size="3")
    desk.edit("e2", size="30")
    desk.wait(5)

    assert told(desk) == (0, 0, 10, 0, 0)


def test_what_is_stated_and_not_booked_is_in_doubt_until_its_executions_come(desk: Desk) -> None:
    """Of an order that has ended, too."""
    desk.order()
    desk.ack()
    desk.status("open", cum="4")
    assert told(desk) == (0, 0, 4, 6, 0)
    desk.status("cancelled", cum="4")
    assert told(desk) == (0, 0, 4, 0, 0)
    desk.fill("4")

    assert told(desk) == (4, 4, 4, 0, 0)


def test_an_increase_of_a_filled_order_that_is_out_may_trade(desks: Desks) -> None:
    desk = desks(Settings(brokers={BROKER: Capabilities(reopen_filled=True)}))
    desk.order()
    desk.ack()
    desk.fill("10")
    assert told(desk) == (10, 10, 10, 0, 0)
    desk.edit(size="12")

    assert told(desk) == (10, 10, 10, 2, 0)


def test_what_is_held_here_adds_nothing_before_it_fires(desk: Desk) -> None:
    desk.order(mode="dark")
    desk.alert("o2")
    assert exposures(desk.book) == ()
    desk.ems.trigger("ann", "o1", desk.now)

    assert told(desk) == (0, 0, 0, 10, 0)


def test_each_market_and_account_has_its_own(desk: Desk) -> None:
    desk.order()
    desk.order("o2", account="other", side="sell")
    desk.link("lost")

    assert [(each.account, int(each.low), int(each.high)) for each in exposures(desk.book)] == [
        ("main", 0, 10),
        ("other", -10, 0),
    ]


def test_the_status_of_an_unknown_order_tells_how_much_may_have_traded(desk: Desk) -> None:
    """And that of any other does not."""
    desk.order()
    desk.ack()
    [filled] = of_kind(desk.fill("4"), Notice)
    [lost] = of_kind(desk.link("lost"), Notice)

    assert (filled.filled_max, lost.filled, lost.filled_max) == (None, D(4), D(10))
    assert may_have_filled(desk.dialog()) == D(10)


@given(st.data())
def test_what_really_traded_is_always_within(data: st.DataObject) -> None:
    """Orders trade, are edited and cancelled at the venue while nobody hears of it, or hears of it late."""
    desk = Desk()
    really, late = dict[str, tuple[str, Decimal]](), list[tuple[str, str]]()
    for number in range(data.draw(st.integers(1, 4))):
        oid, side = f"o{number}", data.draw(st.sampled_from(["buy", "sell"]))
        desk.order(oid, side=side)
        most = D(10)
        if data.draw(st.booleans()):
            desk.ack(oid)
            if data.draw(st.booleans()):
                desk.edit(f"e{number}", oid, size="15")
                most = D(15)
            if data.draw(st.booleans()):
                desk.cancel(oid)
        traded = D(0)
        for place, wished in enumerate(data.draw(st.lists(st.integers(1, 6), max_size=3))):
            size = min(D(wished), most - traded)
            if size:
                traded += size
                late.append((oid, f"{oid}-{place} {size}"))
        really[oid] = side, traded
    lost = data.draw(st.sampled_from([None, "lost", "waited"]))
    if lost == "lost":
        desk.link("lost")
    elif lost == "waited":
        desk.wait(5)
    truth = sum((size if side == "buy" else -size for side, size in really.values()), D(0))

    assert exposure(desk.book, "main", MARKET).may_be(truth)
    for oid, execution in data.draw(st.permutations(late)):
        exec_id, told_size = execution.split()
        desk.fill(told_size, oid, exec_id)
        assert exposure(desk.book, "main", MARKET).may_be(truth)
    assert exposure(desk.book, "main", MARKET).size == truth
