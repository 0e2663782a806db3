"""What follows from the facts of one order: state, FIX status, quantities and average price."""

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from msgspec.structs import replace

from fsm_ems.dialogs import facts as f
from fsm_ems.dialogs.facts import (
    Body,
    CancelRequest,
    Dialog,
    EditRequest,
    Execution,
    body_of,
    derive,
    ord_status,
)
from fsm_ems.machines.order import ENDS, OrderState
from fsm_ems.messages import Order, parse_command
from tests.dialogs.desk import Desk, terms

LIVE = Body(
    side="buy",
    market="xbtusd.paper",
    size=Decimal(10),
    price=Decimal(100),
    type="limit",
    tif="gtc",
    expire_ns=None,
    post_only=False,
    mode="live",
    direction=None,
    account="main",
)
DARK = replace(LIVE, mode="dark")
ALERT = replace(LIVE, side="alert", size=Decimal(0))


def dialog(flags: int = 0, body: Body = LIVE, **slots: Any) -> Dialog:  # noqa: ANN401 -- any slot can be set
    """An order with these facts and no others."""
    made = Dialog("ann", "o1", body)
    made.flags = flags
    for slot, value in slots.items():
        setattr(made, slot, value)
    return made


def cancel(*, out: bool = False, pending: bool = False) -> CancelRequest:
    request = CancelRequest("g-2", wanted=True)
    request.out, request.pending = out, pending
    return request


def edit(*, out: bool = False, pending: bool = False, reopens: bool = False) -> EditRequest:
    request = EditRequest("e1", "g-3", Decimal(12), None, reopens=reopens)
    request.out, request.pending = out, pending
    return request


def filled(size: str | int) -> dict[str, Any]:
    """Slots of an order of which *size* has been booked."""
    return {"booked": Decimal(size), "notional": Decimal(size) * 100}


ACKED = f.SENT | f.ACKED
RESTS = ACKED | f.RESTS


# The body.


def test_a_body_is_what_makes_orders_the_same() -> None:
    """All of the message but its id; numbers are compared as numbers; an alert's size is zero."""
    order = parse_command(
        {"name": "order", "oid": "o1", "side": "alert", "market": "xbtusd.paper", "price": "100.0"}
    )

    assert isinstance(order, Order)
    assert body_of(order) == ALERT
    assert Dialog("ann", "o1", ALERT).broker == "paper"


def test_every_field_of_an_order_but_its_id_is_in_its_body() -> None:
    """A field added to one and forgotten in the other would make two orders one.

    What an order does without a link is no term of it: it was taken, so it waited or had no need to.
    """
    assert {*Body.__struct_fields__, "name", "oid", "when_down"} == set(Order.__dataclass_fields__)


# The state.

STATES: list[tuple[Dialog, str]] = [
    (dialog(), "pending"),
    (dialog(f.SENT), "pending"),
    (dialog(f.SENT, cancel=cancel()), "cancel_stashed"),
    (dialog(f.SENT, edits=(edit(),)), "pending"),
    (dialog(body=DARK), "dark_open"),
    (dialog(f.TRIGGERED, body=DARK), "dark_triggered"),
    (dialog(f.TRIGGERED | f.SENT, body=DARK), "dark_triggered"),
    (dialog(f.TRIGGERED | f.SENT, body=DARK, cancel=cancel()), "cancel_stashed"),
    (dialog(f.TRIGGERED | ACKED, body=DARK), "acked"),
    (dialog(body=ALERT), "alert_open"),
    (dialog(f.TRIGGERED, body=ALERT, end=OrderState.ALERT_TRIGGERED), "alert_triggered"),
    (dialog(ACKED), "acked"),
    (dialog(ACKED, cancel=cancel(out=True)), "cancelling"),
    (dialog(ACKED, cancel=cancel()), "acked"),
    (dialog(ACKED, edits=(edit(out=True),)), "editing"),
    (dialog(ACKED, edits=(edit(),)), "acked"),
    (dialog(RESTS), "open"),
    (dialog(RESTS, **filled(4)), "open"),
    (dialog(RESTS, cancel=cancel(out=True), edits=(edit(out=True),)), "cancelling"),
    (dialog(RESTS, edits=(edit(), edit(out=True))), "editing"),
    (dialog(RESTS | f.DOUBT), "unknown"),
    (dialog(f.SENT | f.DOUBT, cancel=cancel()), "unknown"),
    (dialog(RESTS | f.DOUBT, cancel=cancel(out=True), edits=(edit(out=True),)), "unknown"),
    (dialog(RESTS, **filled(10)), "filled"),
    (dialog(RESTS, **filled(11)), "filled"),
    (dialog(RESTS, stated=Decimal(10)), "filled"),
    (dialog(RESTS | f.DOUBT, **filled(10)), "filled"),
    (dialog(RESTS, cancel=cancel(out=True), **filled(10)), "filled"),
    (dialog(RESTS, edits=(edit(out=True, reopens=True),), **filled(10)), "editing"),
    (dialog(RESTS | f.DOUBT, edits=(edit(out=True, reopens=True),), **filled(10)), "unknown"),
    (dialog(RESTS, edits=(edit(reopens=True),), **filled(10)), "filled"),
    *((dialog(RESTS, end=end, **filled(10)), end.value) for end in ENDS),
]


@pytest.mark.parametrize(("given_facts", "state"), STATES)
def test_the_state_follows_from_the_facts(given_facts: Dialog, state: str) -> None:
    """An end outranks all, being complete outranks doubt, doubt outranks requests, a cancel an edit."""
    assert derive(given_facts) == state


def test_every_state_but_the_first_follows_from_some_facts() -> None:
    assert {state for _, state in STATES} == {state.value for state in OrderState} - {"new"}


# The FIX status.

BY_PRECEDENCE: list[tuple[str, Dialog]] = [
    ("PendingCancel", dialog(cancel=cancel(out=True, pending=True))),
    ("PendingReplace", dialog(edits=(edit(out=True, pending=True),))),
    ("DoneForDay", dialog(f.DONE_FOR_DAY)),
    ("Calculated", dialog(f.CALCULATED)),
    ("Filled", dialog(**filled(10))),
    ("Stopped", dialog(f.STOPPED)),
    ("Suspended", dialog(f.SUSPENDED)),
    ("Canceled", dialog(end=OrderState.CANCELLED)),
    ("PartiallyFilled", dialog(**filled(4))),
    ("New", dialog(f.RESTS)),
    ("AcceptedForBidding", dialog(f.BIDDING)),
    ("PendingNew", dialog()),
]


def both(first: Dialog, second: Dialog) -> Dialog:
    """An order with the facts of two."""
    return dialog(
        first.flags | second.flags,
        cancel=first.cancel or second.cancel,
        edits=first.edits + second.edits,
        end=first.end or second.end,
        booked=max(first.booked, second.booked),
    )


@pytest.mark.parametrize(("status", "of"), BY_PRECEDENCE)
def test_each_status_is_told_where_nothing_outranks_it(status: str, of: Dialog) -> None:
    assert ord_status(of) == status


@pytest.mark.parametrize(
    ("above", "below"),
    [
        (BY_PRECEDENCE[first], BY_PRECEDENCE[second])
        for first in range(len(BY_PRECEDENCE))
        for second in range(first + 1, len(BY_PRECEDENCE))
    ],
)
def test_of_two_statuses_the_higher_is_told(above: tuple[str, Dialog], below: tuple[str, Dialog]) -> None:
    """FIX 5.0 SP2 volume 4, pp. 20-21: an order in several states at once reports the highest."""
    assert ord_status(both(above[1], below[1])) == above[0]


def test_an_expired_order_is_told_where_a_cancelled_one_is() -> None:
    """The same level: an order has one end."""
    expired = dialog(end=OrderState.EXPIRED)

    assert ord_status(expired) == "Expired"
    assert [
        ord_status(both(expired, other))
        for _, other in BY_PRECEDENCE
        if other.end is not OrderState.CANCELLED
    ] == [
        "PendingCancel",
        "PendingReplace",
        "DoneForDay",
        "Calculated",
        "Filled",
        "Stopped",
        "Suspended",
        "Expired",
        "Expired",
        "Expired",
        "Expired",
    ]


def test_rejected_replaces_what_the_quantities_say() -> None:
    """Rejected stands instead of New, PartiallyFilled and Filled."""
    for quantity in ({}, filled(4), filled(10)):
        assert ord_status(dialog(f.RESTS, end=OrderState.REJECTED, **quantity)) == "Rejected"


def test_pending_is_told_only_once_the_broker_said_so() -> None:
    """A request that has merely left is not pending yet."""
    assert ord_status(dialog(RESTS, cancel=cancel(out=True))) == "New"
    assert ord_status(dialog(RESTS, edits=(edit(out=True),))) == "New"
    assert ord_status(dialog(RESTS, edits=(edit(), edit(out=True, pending=True)))) == "PendingReplace"


def test_what_the_venue_stated_counts_as_filled() -> None:
    assert ord_status(dialog(RESTS, stated=Decimal(4))) == "PartiallyFilled"
    assert ord_status(dialog(RESTS, stated=Decimal(10))) == "Filled"


@pytest.mark.parametrize(
    ("of", "status"),
    [
        (dialog(body=ALERT), "PendingNew"),
        (dialog(body=ALERT, end=OrderState.CANCELLED), "Canceled"),
        (dialog(body=ALERT, end=OrderState.EXPIRED), "Expired"),
    ],
)
def test_an_alert_of_size_zero_is_never_filled(of: Dialog, status: str) -> None:
    assert ord_status(of) == status


# Quantities.


@pytest.mark.parametrize(
    ("booked", "stated", "filled_size", "gap", "complete"),
    [
        ("0", "0", "0", "0", False),
        ("4", "0", "4", "0", False),
        ("0", "4", "4", "4", False),
        ("4", "6", "6", "2", False),
        ("6", "4", "6", "0", False),
        ("9.999999999999999999", "0", "9.999999999999999999", "0", False),
        ("10", "0", "10", "0", True),
        ("4", "10", "10", "6", True),
        ("11", "10", "11", "0", True),
    ],
)
def test_filled_is_the_larger_of_booked_and_stated_and_the_gap_what_is_missing(
    booked: str, stated: str, filled_size: str, gap: str, *, complete: bool
) -> None:
    of = dialog(booked=Decimal(booked), stated=Decimal(stated))

    assert [str(of.filled), str(of.gap)] == [filled_size, gap]
    assert of.complete is complete


@pytest.mark.parametrize(
    ("of", "leaves"),
    [
        (dialog(), "10"),
        (dialog(state=OrderState.OPEN, **filled(4)), "6"),
        (dialog(state=OrderState.OPEN, stated=Decimal(7), **filled(4)), "3"),
        (dialog(state=OrderState.UNKNOWN, **filled(4)), "6"),
        (dialog(state=OrderState.EDITING, **filled(10)), "0"),
        (dialog(state=OrderState.FILLED, **filled(12)), "0"),
        *((dialog(state=end, **filled(4)), "0") for end in ENDS),
    ],
)
def test_leaves_are_what_can_still_trade(of: Dialog, leaves: str) -> None:
    """Nothing once it has ended, whatever was left."""
    assert str(of.leaves) == leaves


def test_there_is_no_average_before_the_first_execution() -> None:
    """What was only stated has no price."""
    assert dialog().average_price is None
    assert dialog(stated=Decimal(4)).average_price is None


executions = st.lists(
    st.tuples(
        st.integers(1, 10**12).map(lambda units: Decimal(units).scaleb(-6)),
        st.integers(1, 10**12).map(lambda units: Decimal(units).scaleb(-6)),
    ),
    min_size=1,
    max_size=6,
)


@given(executions)
def test_the_average_is_the_exact_one_to_34_digits(trades: list[tuple[Decimal, Decimal]]) -> None:
    """Sums are exact; only the one division rounds, and by less than half a unit in the 34th digit."""
    desk = Desk()
    desk.order(size="10000000")
    for number, (size, price) in enumerate(trades):
        desk.fill(str(size), exec_id=f"F{number}", price=str(price))

    average = desk.dialog().average_price
    worth, total = Fraction(0), Fraction(0)
    for size, price in trades:
        worth, total = worth + Fraction(size) * Fraction(price), total + Fraction(size)
    assert average is not None
    assert len(average.as_tuple().digits) <= 34
    assert abs(Fraction(average) - worth / total) <= Fraction(Decimal("0.5").scaleb(average.adjusted() - 33))
    assert desk.dialog().booked == sum(size for size, _ in trades)


def test_sums_keep_every_digit() -> None:
    """The largest and the smallest that are taken, added: 36 digits, none lost."""
    desk = Desk()
    desk.order(size="999999999999999999")
    desk.fill("999999999999999998", price="999999999999999999")
    desk.fill("0.000000000000000001", exec_id="F2", price="0.000000000000000001")

    assert str(desk.dialog().booked) == "999999999999999998.000000000000000001"
    assert str(desk.dialog().notional) == (
        "999999999999999997000000000000000002.000000000000000000000000000000000001"
    )


# Executions by their ids.


def with_fills(**replaced: str | None) -> Dialog:
    fill = Execution("F3", Decimal(1), Decimal(1), Decimal(0), None, None, 0)
    return dialog(fills={"F3": fill}, replaced=dict(replaced))


@pytest.mark.parametrize(
    ("exec_id", "live"), [("F3", "F3"), ("F2", "F3"), ("F1", "F3"), ("F0", None), ("F9", None)]
)
def test_a_corrected_execution_is_found_by_each_of_its_ids(exec_id: str, live: str | None) -> None:
    """F1 became F2, F2 became F3; F0 was busted; F9 was never seen."""
    assert with_fills(F0=None, F1="F2", F2="F3").live_exec_id(exec_id) == live


def test_an_order_without_executions_finds_none() -> None:
    assert dialog().live_exec_id("F1") is None


# Requests.


def test_requests_are_told_apart_by_whether_they_have_left() -> None:
    held, out, later = edit(), edit(out=True), edit(out=True)
    of = dialog(edits=(held, out, later), cancel=cancel())

    assert of.out_edit is out
    assert of.held_edit is held
    assert list(of.requests()) == [of.cancel, held, out, later]
    assert of.awaits_answer()


def test_an_order_without_requests_has_none() -> None:
    of = dialog()

    assert (of.out_edit, of.held_edit, list(of.requests()), of.awaits_answer()) == (None, None, [], False)
    assert not of.reopening


def test_an_increase_reopens_only_once_it_is_out() -> None:
    assert dialog(edits=(edit(reopens=True),)).reopening is False
    assert dialog(edits=(edit(out=True),)).reopening is False
    assert dialog(edits=(edit(out=True, reopens=True),)).reopening is True


def test_dialogs_are_ordered_by_their_keys() -> None:
    """Whom time makes due first, where one record made several due at once."""
    first, second = Dialog("ann", "o2", LIVE), Dialog("bob", "o1", LIVE)

    assert first < second
    assert not second < first


# Laws.


@given(
    booked=st.decimals(0, 20, places=2),
    stated=st.decimals(0, 20, places=2),
    state=st.sampled_from(OrderState),
)
def test_what_is_filled_and_what_is_left_make_the_size_while_it_trades(
    booked: Decimal, stated: Decimal, state: OrderState
) -> None:
    """OrderQty = CumQty + LeavesQty until the end or more than the whole."""
    of = dialog(state=state, booked=booked, stated=stated)
    assume(state not in ENDS)

    assert of.leaves == max(of.size - of.filled, 0)
    assert of.filled == max(booked, stated)
    assert of.gap == of.filled - booked
    assert terms(of) == "10 @ 100"
