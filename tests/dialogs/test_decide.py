"""What becomes of commands: refusals with their codes and without a trace, acceptances with their records."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fsm_ems.dialogs import decide
from fsm_ems.dialogs.decide import CODES
from fsm_ems.dialogs.dispatcher import Answer, Dispatcher
from fsm_ems.dialogs.prices import NO_PRICES
from fsm_ems.dialogs.record import Granted, Opened, Record, SendAbout, SendOrder, Submitted, Triggered
from fsm_ems.dialogs.settings import Capabilities, Limits, Settings
from fsm_ems.errors import Refused
from fsm_ems.machines.order_events import OrderEvent as E
from fsm_ems.messages import Order, parse_command
from tests.dialogs.conftest import Desks
from tests.dialogs.desk import MARKET, SECOND, START, Desk, of_kind, terms

REOPENS = Settings(brokers={"paper": Capabilities(reopen_filled=True)})


def code_of(refusal: Refused) -> str:
    """The code; it is one of the stable ones, and the reason says more than it."""
    assert refusal.code in CODES
    assert refusal.why
    return refusal.code


# Who may.


@pytest.mark.parametrize("identity", ["eve", "nobody", "operator", ""])
def test_only_traders_give_commands(desk: Desk, identity: str) -> None:
    """An observer, an unknown name and the operator who was granted nothing: forbidden, whatever they ask."""
    desk.ems.grant("eve", "observer", desk.now, ("*",))
    desk.order()

    for refusal in (
        desk.refused("order", identity, oid="o2", side="buy", market=MARKET, size="1", price="1"),
        desk.refused("cancel", identity),
        desk.refused("edit", identity, edit_id="e1", size="2"),
    ):
        assert code_of(refusal) == "forbidden"
        assert refusal.why == f"{identity} may not give commands"


def test_a_trader_made_an_observer_may_no_longer(desk: Desk) -> None:
    """The last grant counts; its own order lives on."""
    desk.order()
    desk.ems.grant("ann", "observer", desk.now)

    assert code_of(desk.refused("cancel")) == "forbidden"
    assert desk.state() == "pending"


def test_somebody_elses_order_looks_the_same_as_none(desk: Desk) -> None:
    """Same code, same words: nobody can find out which ids others use."""
    desk.order("o1", "bob")

    asked: dict[str, dict[str, Any]] = {"cancel": {}, "edit": {"edit_id": "e1", "size": "2"}}
    for name, fields in asked.items():
        theirs, none = desk.refused(name, **fields), desk.refused(name, **(fields | {"oid": "o9"}))
        assert code_of(theirs) == code_of(none) == "unknown_order"
        assert theirs.why.replace("o1", "o9") == none.why


def test_a_trader_who_sees_everyone_may_still_not_touch_them(desk: Desk) -> None:
    """Seeing is one right, acting another."""
    desk.ems.grant("ann", "trader", desk.now, ("*",))
    desk.order("o1", "bob")

    assert code_of(desk.refused("cancel")) == "unknown_order"


def test_two_traders_may_use_the_same_id(desk: Desk) -> None:
    """The key is (owner, oid)."""
    desk.order("o1", "ann", size="1")
    desk.order("o1", "bob", size="2")

    assert (terms(desk.dialog("o1", "ann")), terms(desk.dialog("o1", "bob"))) == ("1 @ 100", "2 @ 100")
    assert desk.dialog("o1", "ann").reqid != desk.dialog("o1", "bob").reqid


# The same again.


@pytest.mark.parametrize(
    ("first", "again"),
    [
        ({}, {}),
        ({"size": "1.0"}, {"size": "1.00"}),
        ({"size": "1000"}, {"size": "1e3"}),
        ({"price": "100"}, {"price": "100.000"}),
        ({"type": "limit", "tif": "gtc", "account": "main"}, {}),
    ],
)
def test_the_same_order_again_is_the_same_order(
    desk: Desk, first: dict[str, str], again: dict[str, str]
) -> None:
    """A retry is answered as before, says so, and nothing leaves: equal numbers are equal bodies."""
    desk.order(**first)
    length = len(desk.log)

    answer, effects = desk.command("order", **body() | again)

    assert answer.again
    assert (answer.oid, effects, len(desk.log)) == ("o1", [], length)


def body() -> dict[str, Any]:
    return {"side": "buy", "market": MARKET, "size": "10", "price": "100"}


@pytest.mark.parametrize(
    "again",
    [
        {"size": "10.01"},
        {"price": "100.5"},
        {"side": "sell"},
        {"market": "ethusd.paper"},
        {"market": "xbtusd.kraken"},
        {"tif": "ioc"},
        {"tif": "gtd", "expire_ns": START + SECOND},
        {"type": "market", "price": None},
        {"post_only": True},
        {"mode": "dark"},
        {"account": "other"},
        {"side": "alert", "size": None},
    ],
)
def test_another_body_under_the_same_id_is_a_conflict(desk: Desk, again: dict[str, Any]) -> None:
    """In every field that makes the order what it is."""
    desk.order()

    refusal = desk.refused("order", **body() | again)

    assert code_of(refusal) == "conflict"
    assert refusal.oid == "o1"


def test_a_finished_order_keeps_its_id(desk: Desk) -> None:
    """While memory has it: the retry of a filled order is the same order, another body a conflict."""
    desk.order()
    desk.fill("10")

    assert desk.command("order", **body())[0].again
    assert code_of(desk.refused("order", **body() | {"size": "9"})) == "conflict"


def test_an_edited_order_is_still_the_order_that_was_submitted(desk: Desk) -> None:
    """The retry names the terms of the submit, not those in force."""
    desk.order(mode="dark")
    desk.edit(size="12")

    assert desk.command("order", **body() | {"mode": "dark", "direction": "at_or_below"})[0].again


def test_a_dark_order_whose_side_was_derived_is_the_same_order_when_the_market_has_moved(desk: Desk) -> None:
    """The side is frozen in the record, and is no part of what the owner submitted."""
    desk.print("99")
    desk.order(mode="dark", direction=None)
    desk.print("101")

    assert desk.command("order", **body() | {"mode": "dark"})[0].again
    assert desk.dialog().direction == "at_or_above"


def test_the_same_cancel_again_is_the_same_cancel(desk: Desk) -> None:
    desk.order()
    desk.ack()
    assert of_kind(desk.cancel(), SendAbout)[0].verb == "cancel"

    answer, effects = desk.command("cancel")

    assert (answer.again, effects) == (True, [])


def test_the_same_edit_again_is_the_same_edit(desk: Desk) -> None:
    """By its id; equal numbers are equal terms; other terms under the id are a conflict."""
    desk.order()
    desk.ack()
    desk.edit(size="12.0")

    assert desk.command("edit", edit_id="e1", size="12.00") == (Answer("o1", desk.book.seq, again=True), [])
    assert code_of(desk.refused("edit", edit_id="e1", size="13")) == "conflict"
    assert code_of(desk.refused("edit", edit_id="e1", size="12", price="99")) == "conflict"


def test_an_edit_that_was_answered_keeps_its_id(desk: Desk) -> None:
    """Its retry is no second edit, nor is it one where the order has ended since."""
    desk.order()
    desk.ack()
    desk.edit(size="12")
    desk.report("replaced", reqid=desk.dialog().edits[0].reqid)
    assert desk.command("edit", edit_id="e1", size="12")[0].again
    desk.fill("12")

    assert desk.command("edit", edit_id="e1", size="12")[0].again


@pytest.mark.parametrize("end", ["replaced", "refused"])
@pytest.mark.parametrize("other", [{"size": "13"}, {"size": "12", "price": "99"}, {"price": "99"}])
def test_an_edit_that_was_answered_keeps_its_terms(desk: Desk, end: str, other: dict[str, str]) -> None:
    """Other terms under its id are a conflict, whatever the answer was."""
    desk.order()
    desk.ack()
    desk.edit(size="12.0")
    request = {} if end == "replaced" else {"request": "edit"}
    desk.report(end, reqid=desk.dialog().edits[0].reqid, **request)

    assert desk.command("edit", edit_id="e1", size="12")[0].again
    assert code_of(desk.refused("edit", edit_id="e1", **other)) == "conflict"


def test_an_edit_of_an_order_that_never_left_keeps_its_terms(desks: Desks) -> None:
    desk = desks(up=False)
    desk.order()
    desk.edit(size="12")

    assert desk.command("edit", edit_id="e1", size="12")[0].again
    assert code_of(desk.refused("edit", edit_id="e1", size="13")) == "conflict"


def test_edits_keep_their_terms_when_their_order_comes_back(desks: Desks) -> None:
    """Memory had let it go; its records know them."""
    desk = desks(Settings(keep_finished=0))
    desk.order()
    desk.ack()
    desk.edit(size="12", price="99")
    desk.status("cancelled")
    assert desk.book.dialog("ann", "o1") is None

    assert desk.command("edit", edit_id="e1", size="12", price="99")[0].again
    with pytest.raises(Refused, match="conflict: edit e1 was made with other terms"):
        desk.edit("e1", size="12")


def test_an_order_holds_no_more_edits_open_than_it_may(desks: Desks) -> None:
    """An answer makes room; edits of an order that never left are in force at once and count for nothing."""
    desk = desks(Settings(open_edits_max=2))
    desk.order()
    desk.ack()
    desk.edit("e1", size="12")
    desk.edit("e2", size="13")
    refusal = desk.refused("edit", edit_id="e3", size="14")

    assert (code_of(refusal), refusal.why) == ("too_many_edits", "2 edits of order o1 are open already")
    desk.report("replaced", reqid=desk.dialog().edits[0].reqid)
    desk.edit("e3", size="14")
    assert [edit.edit_id for edit in desk.dialog().edits] == ["e2", "e3"]


def test_edits_of_an_order_that_waits_are_not_counted(desks: Desks) -> None:
    desk = desks(Settings(open_edits_max=1), up=False)
    desk.order()
    for number in range(3):
        desk.edit(f"e{number}", size=str(11 + number))

    assert terms(desk.dialog()) == "13 @ 100"


def test_edit_ids_are_an_orders_own(desk: Desk) -> None:
    for oid in ("o1", "o2"):
        desk.order(oid)
        desk.ack(oid)

    assert of_kind(desk.edit("e1", "o1", size="12"), SendAbout) != []
    assert of_kind(desk.edit("e1", "o2", size="12"), SendAbout) != []


# Dates.


@pytest.mark.parametrize("mode", ["live", "dark"])
@pytest.mark.parametrize("late_ns", [0, 1])
def test_an_order_whose_date_has_passed_is_refused(desk: Desk, mode: str, late_ns: int) -> None:
    refusal = desk.refused("order", **body() | {"mode": mode, "tif": "gtd", "expire_ns": desk.now - late_ns})

    assert code_of(refusal) == "expired"


def test_an_alert_whose_date_has_passed_is_refused(desk: Desk) -> None:
    refusal = desk.refused("order", side="alert", market=MARKET, price="1", tif="gtd", expire_ns=START)

    assert code_of(refusal) == "expired"


def test_an_order_that_expires_a_nanosecond_from_now_is_taken(desk: Desk) -> None:
    desk.order(tif="gtd", expire_ns=desk.now + 1)

    assert desk.state() == "pending"


# Limits.

LIMITED = Settings(
    limits={
        "xbtusd.paper": Limits(max_size=Decimal(10), max_value=Decimal(1000)),
        "*": Limits(max_size=Decimal(5)),
    }
)


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"size": "10", "price": "100"}, None),
        ({"size": "10.000000000000000001", "price": "1"}, "max_size"),
        ({"size": "10", "price": "100.000000000000000001"}, "max_value"),
        ({"size": "9", "price": "111.2"}, "max_value"),
        ({"size": "11", "price": "1000"}, "max_size"),
        ({"size": "5", "price": "1", "market": "ethusd.kraken"}, None),
        ({"size": "5.1", "price": "1", "market": "ethusd.kraken"}, "max_size"),
        ({"size": "5", "price": "999999", "market": "ethusd.kraken"}, None),
        ({"size": "11", "mode": "dark"}, "max_size"),
        ({"side": "sell", "size": "11"}, "max_size"),
    ],
)
def test_an_order_beyond_a_limit_is_refused_exactly(
    desks: Desks, fields: dict[str, str], code: str | None
) -> None:
    """Up to the limit and not one unit in the last place beyond; a market's own limits, else the general."""
    desk = desks(LIMITED)

    if code is None:
        desk.order(**fields)
        assert desk.state() == "pending"
    else:
        assert code_of(desk.refused("order", **body() | fields)) == code


def test_a_refusal_by_a_limit_says_both_numbers(desks: Desks) -> None:
    desk = desks(LIMITED)

    assert desk.refused("order", **body() | {"size": "11"}).why == "size 11 is above 10"
    assert desk.refused("order", **body() | {"price": "101"}).why == "10 at 101 is above 1000"


def test_an_alert_has_no_size_and_so_no_limit(desks: Desks) -> None:
    desk = desks(LIMITED)

    desk.alert()

    assert desk.state() == "alert_open"


@pytest.mark.parametrize(
    ("reference", "code"), [(None, "no_reference"), ("100.1", "max_value"), ("100", None), ("99", None)]
)
def test_a_market_order_is_valued_at_the_last_known_price(
    desks: Desks, reference: str | None, code: str | None
) -> None:
    """Without one its value cannot be told, and under a limit of value it is not let through."""
    desk = desks(LIMITED)
    order = parse_command(
        {"name": "order", "oid": "o1", "side": "buy", "market": MARKET, "size": "10", "type": "market"}
    )
    if reference is not None:
        desk.print(reference)
    before = desk.facts()

    if code is None:
        desk.ems.command("ann", order, desk.now)
        assert desk.state() == "pending"
    else:
        with pytest.raises(Refused) as caught:
            desk.ems.command("ann", order, desk.now)
        assert code_of(caught.value) == code
        assert desk.facts() == before


def test_a_limit_orders_own_price_counts_and_not_the_reference(desks: Desks) -> None:
    desk = desks(LIMITED)
    order = parse_command({"name": "order", "oid": "o1"} | body())
    desk.print("1000000")

    desk.ems.command("ann", order, desk.now)

    assert desk.state() == "pending"


@pytest.mark.parametrize(("trail", "accepted"), [("98.5", True), ("99", False), ("100", False)])
def test_a_trailing_sale_starts_above_zero_or_is_refused(desk: Desk, trail: str, accepted: bool) -> None:  # noqa: FBT001  # a column of the table
    """Its first price is its distance below the last print."""
    desk.print("99")
    terms = {
        "side": "sell",
        "market": MARKET,
        "size": "1",
        "mode": "dark",
        "trigger": "trail",
        "trail": trail,
    }

    if accepted:
        desk.command("order", **terms)
        assert str(desk.dialog().price) == "0.5"
    else:
        refused = desk.refused("order", **terms)
        assert (refused.code, str(refused)) == (
            "bad_price", f"bad_price: a trail of {trail} leaves no price below 99",
        )  # fmt: skip  # what is told on a line


def test_a_market_order_without_a_limit_of_value_needs_no_reference(desks: Desks) -> None:
    desk = desks(LIMITED)

    desk.order(type="market", price=None, market="ethusd.kraken", size="5")

    assert desk.state() == "pending"


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"size": "11"}, "max_size"),
        ({"price": "101"}, "max_value"),
        ({"size": "9", "price": "112"}, "max_value"),
        ({"size": "9", "price": "111"}, None),
    ],
)
@pytest.mark.parametrize("mode", ["live", "dark"])
def test_an_edit_is_held_to_the_limits_with_the_terms_it_leaves(
    desks: Desks, mode: str, changed: dict[str, str], code: str | None
) -> None:
    """The whole order as it would stand counts; it may not grow past a limit step by step."""
    desk = desks(LIMITED)
    desk.order(mode=mode)
    if mode == "live":
        desk.ack()

    if code is None:
        desk.edit(**changed)
        assert desk.last.event in (E.EDIT, E.EDIT_LOCAL)
    else:
        assert code_of(desk.refused("edit", edit_id="e1", **changed)) == code


def test_limits_of_another_market_do_not_count(desks: Desks) -> None:
    """Without a general limit a market that is not named has none."""
    desk = desks(Settings(limits={"ethusd.paper": Limits(max_size=Decimal(1))}))

    desk.order(size="1000000")

    assert desk.state() == "pending"


# Submitting.


def test_with_the_link_up_an_order_is_recorded_and_sent_in_one(desk: Desk) -> None:
    """One record holds the wish and the sending, with its request id and deadline."""
    effects = desk.order(post_only=True)

    assert desk.last.payload == Submitted(desk.dialog().body, "g-8", START + 5 * SECOND)
    assert of_kind(effects, SendOrder) == [
        SendOrder(
            broker="paper",
            reqid="g-8",
            account="main",
            market=MARKET,
            side="buy",
            size=Decimal(10),
            price=Decimal(100),
            type="limit",
            tif="gtc",
            expire_ns=None,
            post_only=True,
            time_ns=START,
            deadline_ns=START + 5 * SECOND,
        )
    ]


@pytest.mark.parametrize("events", [(), ("connect",), ("connect", "connected"), ("connect", "close")])
def test_with_the_link_not_up_an_order_waits_and_nothing_leaves(
    desks: Desks, events: tuple[str, ...]
) -> None:
    """Not while it connects, nor while what was missed is read back."""
    desk = desks(up=False)
    desk.link(*events)

    effects = desk.order()

    assert of_kind(effects, SendOrder) == []
    assert desk.state() == "pending"
    assert desk.dialog().reqid is None


def test_what_waited_is_sent_once_when_the_link_is_in_step(desks: Desks) -> None:
    """In the order in which it was submitted, each with a request id of its own."""
    desk = desks(up=False)
    for oid in ("o1", "o2"):
        desk.order(oid)
    assert desk.link("connect", "connected") == []

    effects = desk.link("synced")

    assert [(sent.reqid, sent.deadline_ns) for sent in of_kind(effects, SendOrder)] == [
        ("g-10", START + 5 * SECOND),
        ("g-11", START + 5 * SECOND),
    ]
    assert of_kind(desk.link("lost", "connected", "synced"), SendOrder) == []


def test_links_are_brokers_own(desk: Desk) -> None:
    """An order for a broker whose link is down waits, whatever other links do."""
    effects = desk.order(market="xbtusd.kraken")

    assert of_kind(effects, SendOrder) == []


def test_dark_orders_and_alerts_stay_here_whatever_the_link_does(desk: Desk) -> None:
    """The venue knows nothing of them."""
    assert of_kind([*desk.order(mode="dark"), *desk.alert("o2")], SendOrder) == []

    assert (desk.state("o1"), desk.state("o2")) == ("dark_open", "alert_open")
    assert of_kind(desk.link("lost", "connected", "synced"), SendOrder) == []
    assert (desk.state("o1"), desk.state("o2")) == ("dark_open", "alert_open")


def test_a_market_order_goes_out_without_a_price(desk: Desk) -> None:
    sent = of_kind(desk.order(type="market", price=None), SendOrder)[0]

    assert (sent.type, sent.price) == ("market", None)


def test_request_ids_take_the_form_the_broker_declares(desks: Desks) -> None:
    """Text holds the log's generation, so that no two logs make the same; an int is the record's seq."""
    desk = desks(Settings(brokers={"paper": Capabilities(reqid_form="int")}))

    desk.order()

    assert desk.dialog().reqid == desk.book.seq


@given(st.lists(st.sampled_from(["order", "cancel", "edit", "ack"]), min_size=1, max_size=12))
def test_no_request_id_is_made_twice(steps: list[str]) -> None:
    """Each is the seq of its own record."""
    desk = Desk()
    sent: list[int | str] = []
    for number, step in enumerate(steps):
        oid = f"o{number}"
        effects = desk.order(oid)
        if step != "order":
            desk.ack(oid)
        if step == "cancel":
            effects += desk.cancel(oid)
        elif step == "edit":
            effects += desk.edit(oid=oid, size="12")
        sent += [effect.reqid for effect in effects if isinstance(effect, SendOrder | SendAbout)]

    assert len(sent) == len(set(sent))


# Cancelling.


@pytest.mark.parametrize("kind", ["dark", "alert", "link down"])
def test_the_cancel_of_what_never_left_ends_it_at_once(desks: Desks, kind: str) -> None:
    """Nothing leaves, and nothing needs to be waited for."""
    desk = desks(up=kind != "link down")
    if kind == "alert":
        desk.alert()
    else:
        desk.order(mode="dark" if kind == "dark" else "live")

    effects = desk.cancel()

    assert desk.state() == "cancelled"
    assert of_kind(effects, SendAbout) == []
    assert desk.last.event is E.CANCEL_UNSENT


def test_the_cancel_before_the_ack_is_kept_and_leaves_with_it(desk: Desk) -> None:
    desk.order()
    assert of_kind(desk.cancel(), SendAbout) == []
    assert desk.state() == "cancel_stashed"

    sent = of_kind(desk.ack(), SendAbout)

    assert [(request.verb, request.target, request.venue_id) for request in sent] == [
        ("cancel", "g-8", "V-o1")
    ]
    assert sent[0].deadline_ns == START + 5 * SECOND


def test_a_cancel_in_doubt_leaves_where_the_link_is_open_and_else_when_it_is(desk: Desk) -> None:
    """The wish is kept either way."""
    desk.order()
    desk.ack()
    desk.link("lost")
    assert of_kind(desk.cancel(), SendAbout) == []
    assert (desk.state(), desk.dialog().cancel is not None) == ("unknown", True)

    desk.order("o2")
    desk.link("connected", "synced")
    desk.wait(5)
    assert desk.state("o2") == "unknown"

    assert of_kind(desk.cancel("o2"), SendAbout)[0].verb == "cancel"


@pytest.mark.parametrize("end", ["filled", "cancelled", "rejected", "expired"])
def test_what_has_ended_can_neither_be_cancelled_nor_edited(desk: Desk, end: str) -> None:
    desk.order()
    desk.status(end)

    assert code_of(desk.refused("cancel")) == "order_ended"
    assert code_of(desk.refused("edit", edit_id="e1", size="12")) == "order_ended"


def test_a_fired_alert_can_neither_be_cancelled_nor_edited(desk: Desk) -> None:
    desk.alert()
    desk.ems.trigger("ann", "o1", desk.now)

    assert desk.state() == "alert_triggered"
    assert code_of(desk.refused("cancel")) == "order_ended"
    assert code_of(desk.refused("edit", edit_id="e1", price="1")) == "order_ended"


def test_the_owners_cancel_goes_out_beside_a_strangers(desk: Desk) -> None:
    """What somebody else asked for at the venue may be refused; the owner's wish is driven for itself."""
    desk.order()
    desk.ack()
    desk.status("pending_cancel")

    (send,) = of_kind(desk.cancel(), SendAbout)

    assert (send.verb, desk.state()) == ("cancel", "cancelling")
    assert desk.due_in() == 5.0


# Editing.


def test_an_edit_of_what_never_left_changes_the_terms_here(desks: Desks) -> None:
    desk = desks(up=False)
    desk.order()

    desk.edit(size="12", price="101")

    assert desk.last.event is E.EDIT_LOCAL
    assert terms(desk.dialog()) == "12 @ 101"
    sent = of_kind(desk.link("connect", "connected", "synced"), SendOrder)[0]
    assert terms(sent) == "12 @ 101"


@pytest.mark.parametrize(("changed", "sent"), [({"size": "12"}, "12 @ 100"), ({"price": "99"}, "10 @ 99")])
def test_an_edit_that_leaves_names_both_terms(desk: Desk, changed: dict[str, str], sent: str) -> None:
    """What it does not change goes out as it is in force."""
    desk.order()
    desk.ack()

    request = of_kind(desk.edit(**changed), SendAbout)[0]

    assert (request.verb, terms(request)) == ("edit", sent)
    assert request.deadline_ns == START + 5 * SECOND
    assert terms(desk.dialog()) == "10 @ 100"


def test_edits_are_held_one_behind_the_other(desk: Desk) -> None:
    """One at the venue at a time; the next leaves when the one before it is answered."""
    desk.order()
    desk.ack()
    desk.edit("e1", size="12")
    assert of_kind(desk.edit("e2", size="13"), SendAbout) == []
    assert of_kind(desk.edit("e3", size="14"), SendAbout) == []

    effects = desk.report("replaced", reqid=desk.dialog().edits[0].reqid)

    assert [sent.size for sent in of_kind(effects, SendAbout)] == [13]


def test_an_edit_before_the_ack_is_held_until_it(desk: Desk) -> None:
    desk.order()
    assert of_kind(desk.edit(size="12"), SendAbout) == []

    assert [sent.size for sent in of_kind(desk.ack(), SendAbout)] == [12]


def test_an_edit_cannot_overtake_a_cancel(desk: Desk) -> None:
    """Neither one that is out nor one that is kept."""
    desk.order("o1")
    desk.ack("o1")
    desk.cancel("o1")
    desk.order("o2")
    desk.cancel("o2")

    for oid in ("o1", "o2"):
        assert code_of(desk.refused("edit", oid=oid, edit_id="e1", size="12")) == "cancel_in_progress"


def test_an_alert_has_no_size_to_edit_and_a_price_that_can_be(desk: Desk) -> None:
    desk.alert()

    assert code_of(desk.refused("edit", edit_id="e1", size="12")) == "not_editable"
    desk.edit("e2", price="99")
    assert desk.dialog().price == 99


def test_a_market_order_has_no_price_to_edit(desk: Desk) -> None:
    desk.order(type="market", price=None)
    desk.ack()

    assert code_of(desk.refused("edit", edit_id="e1", price="99")) == "not_editable"
    assert of_kind(desk.edit("e2", size="12"), SendAbout)[0].price is None


def test_a_dark_market_order_has_a_trigger_price_that_can_be_edited(desk: Desk) -> None:
    desk.order(mode="dark", type="market")

    desk.edit(price="99")

    assert desk.dialog().price == 99


def test_a_filled_order_cannot_be_increased_where_the_broker_cannot(desk: Desk) -> None:
    desk.order()
    desk.fill("10")

    assert code_of(desk.refused("edit", edit_id="e1", size="12")) == "order_ended"


def test_a_filled_order_can_only_be_increased_and_by_one_edit_at_a_time(desks: Desks) -> None:
    desk = desks(REOPENS)
    desk.order()
    desk.fill("10")

    assert code_of(desk.refused("edit", edit_id="e1", size="10")) == "not_editable"
    assert code_of(desk.refused("edit", edit_id="e1", price="99")) == "not_editable"
    desk.edit("e1", size="12")
    assert desk.state() == "editing"
    assert code_of(desk.refused("edit", edit_id="e2", size="13")) == "edit_in_progress"


def test_a_filled_order_with_a_request_still_out_cannot_be_increased_yet(desks: Desks) -> None:
    """The answer to come would not know which of the two it is about."""
    desk = desks(REOPENS)
    desk.order()
    desk.ack()
    desk.edit("e1", price="99")
    desk.fill("10")

    assert desk.state() == "filled"
    assert code_of(desk.refused("edit", edit_id="e2", size="12")) == "edit_in_progress"


def test_a_filled_order_cannot_be_increased_while_its_broker_is_out_of_reach(desks: Desks) -> None:
    """It has ended, so nothing would drive the wish when the link is back."""
    desk = desks(REOPENS)
    desk.order()
    desk.fill("10")
    desk.link("lost")

    assert code_of(desk.refused("edit", edit_id="e1", size="12")) == "link_down"


def test_a_filled_order_that_was_cancelled_since_cannot_be_increased(desks: Desks) -> None:
    desk = desks(REOPENS)
    desk.order()
    desk.fill("10")
    desk.status("cancelled")

    assert code_of(desk.refused("edit", edit_id="e1", size="12")) == "order_ended"


def test_an_edit_is_held_against_the_limits_with_whatever_other_edits_may_bring(desks: Desks) -> None:
    """An edit that is out may be in force before this one is: 12 at 140 is too much, and 12 at 100 is not."""
    desk = desks(Settings(limits={"*": Limits(max_value=Decimal(1_500))}))
    desk.order()
    desk.ack()
    desk.edit("e1", price="140")

    assert code_of(desk.refused("edit", edit_id="e2", size="12")) == "max_value"
    desk.edit("e3", size="10.5")


# Triggers.


def test_a_dark_order_fires_once_and_is_sent_in_the_same_record(desk: Desk) -> None:
    desk.order(mode="dark")

    effects = desk.ems.trigger("ann", "o1", desk.now)

    assert desk.last.payload == Triggered(Decimal(100), "g-9", START + 5 * SECOND, "hand", None)
    assert [sent.price for sent in of_kind(effects, SendOrder)] == [100]
    assert desk.state() == "dark_triggered"
    assert desk.ems.trigger("ann", "o1", desk.now) == []


@pytest.mark.parametrize(("order_type", "price"), [("limit", Decimal("99.5")), ("market", None)])
def test_a_dark_order_goes_out_at_the_price_it_is_given(
    desk: Desk, order_type: str, price: Decimal | None
) -> None:
    desk.order(mode="dark", type=order_type)

    sent = of_kind(desk.ems.trigger("ann", "o1", desk.now, Decimal("99.5")), SendOrder)[0]

    assert (sent.type, sent.price) == (order_type, price)


def test_a_dark_order_that_fires_without_a_link_waits_for_it(desks: Desks) -> None:
    """It has fired: it is sent when the link is in step, whatever the price is by then."""
    desk = desks(up=False)
    desk.order(mode="dark")
    assert of_kind(desk.ems.trigger("ann", "o1", desk.now), SendOrder) == []
    assert desk.state() == "dark_triggered"

    effects = desk.link("connect", "connected", "synced")

    assert [sent.price for sent in of_kind(effects, SendOrder)] == [100]


def test_a_dark_market_order_fired_by_hand_is_valued_at_the_market(desks: Desks) -> None:
    """The price that it waited for is far from there; where none is known it waits on."""
    desk = desks(Settings(limits={"*": Limits(max_value=Decimal(1_000))}))
    desk.order(mode="dark", type="market", side="sell", price="100", trigger="stop")
    for known, code in (("", "no_reference"), ("500", "max_value")):
        if known:
            desk.print(known)
        with pytest.raises(Refused, match=code):
            desk.ems.trigger("ann", "o1", desk.now, Decimal(1))
    desk.print("99.5")

    effects = desk.ems.trigger("ann", "o1", desk.now)

    assert [sent.price for sent in of_kind(effects, SendOrder)] == [None]


def test_an_alert_fires_once_and_sends_nothing(desk: Desk) -> None:
    desk.alert()

    effects = desk.ems.trigger("ann", "o1", desk.now, Decimal(101))

    assert desk.state() == "alert_triggered"
    assert of_kind(effects, SendOrder) == []
    assert desk.ems.trigger("ann", "o1", desk.now) == []


def test_a_live_order_is_not_triggered(desk: Desk) -> None:
    desk.order()

    assert desk.ems.trigger("ann", "o1", desk.now) == []
    assert desk.state() == "pending"


def test_nothing_of_somebody_elses_is_triggered(desk: Desk) -> None:
    desk.order("o1", "bob", mode="dark")

    with pytest.raises(Refused, match="unknown_order: no order o1 of yours"):
        desk.ems.trigger("ann", "o1", desk.now)


# The book itself.


def test_the_first_record_opens_the_book_with_its_bounds() -> None:
    records: list[Record] = []
    Dispatcher(Settings(keep_finished=7, keep_age_ns=9), records.append, generation="abc", now_ns=5)

    assert [record.payload for record in records] == [Opened("abc", 7, 9)]


def test_a_replayed_book_keeps_its_generation_and_takes_the_new_bounds(desk: Desk) -> None:
    """Request ids of one log must never repeat, and they hold the generation."""
    Dispatcher(Settings(keep_finished=7), desk.log.append, generation="new", now_ns=5, book=desk.book)

    assert desk.last.payload == Opened("g", 7, Settings().keep_age_ns)
    assert (desk.book.generation, desk.book.keep_finished) == ("g", 7)


def test_the_same_grant_again_is_no_record(desk: Desk) -> None:
    desk.ems.grant("eve", "observer", desk.now, ("ann",))
    length = len(desk.log)

    desk.ems.grant("eve", "observer", desk.now, ("ann",))
    assert len(desk.log) == length
    desk.ems.grant("eve", "observer", desk.now, ("ann", "bob"))
    assert desk.last.payload == Granted("eve", "observer", ("ann", "bob"))


def test_deciding_changes_nothing(desk: Desk) -> None:
    """The record is made from the book as it is, and may be thrown away."""
    desk.order()
    desk.ack()
    before = desk.facts()
    settings = Settings()

    order = parse_command({"name": "order", "oid": "o2"} | body())
    assert isinstance(order, Order)
    made = [
        decide.submit(desk.book, settings, NO_PRICES, "ann", order, desk.now),
        decide.grant(desk.book, "eve", "observer", (), desk.now),
        decide.trigger(desk.book, settings, desk.ems.prices, desk.dialog(), None, desk.now),
    ]

    assert [record is None for record in made] == [False, False, True]
    assert desk.facts() == before


# Every code.


def refused_by_limit(desks: Desks, **fields: str | None) -> Refused:
    given = body()
    given.update(fields)
    return desks(LIMITED).refused("order", **given)


def refused_when_filled(desks: Desks, code: str) -> Refused:
    desk = desks(REOPENS)
    desk.order()
    desk.fill("10")
    if code == "link_down":
        desk.link("lost")
    elif code == "edit_in_progress":
        desk.edit("e1", size="12")
    return desk.refused("edit", edit_id="e2", size="9" if code == "not_editable" else "13")


def refused_again(desks: Desks) -> Refused:
    desk = desks()
    desk.order()
    return desk.refused("order", **body() | {"size": "9"})


def refused_after(desks: Desks, *, cancelled: str) -> Refused:
    desk = desks()
    desk.order()
    desk.status(cancelled)
    return desk.refused("edit", edit_id="e1", size="12")


def refused_seventeenth(desks: Desks) -> Refused:
    """One edit is out and fifteen wait for its answer."""
    desk = desks()
    desk.order()
    desk.ack()
    for number in range(16):
        desk.edit(f"e{number}", size=str(11 + number))
    return desk.refused("edit", edit_id="e16", size="50")


def refused_trigger(desks: Desks, price: str) -> Refused:
    """A dark order cannot go out at a price below zero, nor at one off the tick; it waits on."""
    desk = desks()
    desk.order(mode="dark")
    with pytest.raises(Refused) as refusal:
        desk.ems.trigger("ann", "o1", desk.now, Decimal(price))
    assert desk.state() == "dark_open"
    return refusal.value


def refused_dark(desks: Desks, size: str) -> Refused:
    return desks().refused("order", **body() | {"mode": "dark", "direction": "at_or_above", "size": size})


REFUSALS: dict[str, Callable[[Desks], Refused]] = {
    "forbidden": lambda desks: desks().refused("cancel", "nobody"),
    "conflict": refused_again,
    "unknown_order": lambda desks: desks().refused("cancel"),
    "order_ended": lambda desks: refused_after(desks, cancelled="cancelled"),
    "cancel_in_progress": lambda desks: refused_after(desks, cancelled="pending_cancel"),
    "edit_in_progress": lambda desks: refused_when_filled(desks, "edit_in_progress"),
    "link_down": lambda desks: refused_when_filled(desks, "link_down"),
    "too_many_edits": refused_seventeenth,
    "not_editable": lambda desks: refused_when_filled(desks, "not_editable"),
    "max_size": lambda desks: refused_by_limit(desks, size="11"),
    "max_value": lambda desks: refused_by_limit(desks, price="101"),
    "no_reference": lambda desks: refused_by_limit(desks, type="market", price=None),
    "bad_price": lambda desks: refused_trigger(desks, "-5"),
    "price_tick": lambda desks: refused_trigger(desks, "99.96"),
    "size_tick": lambda desks: refused_dark(desks, "10.05"),
    "min_size": lambda desks: refused_dark(desks, "0.05"),
    "unknown_market": lambda desks: desks().refused(
        "order", **body() | {"mode": "dark", "direction": "at_or_above", "market": "ethusd.paper"}
    ),
    "expired": lambda desks: desks().refused("order", **body() | {"tif": "gtd", "expire_ns": START}),
}


@pytest.mark.parametrize("code", [code for code in CODES if code != "disk_stuck"])
def test_each_code_can_be_had_and_leaves_no_trace(desks: Desks, code: str) -> None:
    """The codes are part of the interface: none is without a way to it.

    The disk's is in tests/test_promises.py.
    """
    refusal = REFUSALS[code](desks)

    assert refusal.code == code
    assert str(refusal) == f"{code}: {refusal.why}"


KINDS: list[dict[str, Any]] = [
    {"side": "alert"},
    {"side": "buy", "size": "10", "mode": "dark", "type": "market"},
    {"side": "buy", "size": "10", "mode": "dark"},
    {"side": "buy", "size": "10"},
    {"side": "buy", "size": "10", "type": "market", "price": None},
]


def _order_of(terms: dict[str, Any]) -> dict[str, Any]:
    held = terms["side"] == "alert" or "mode" in terms
    return {"price": "100"} | ({"direction": "at_or_above"} if held else {}) | terms


@pytest.mark.parametrize("limits", [{}, {"*": Limits(max_value=Decimal(1))}])
@pytest.mark.parametrize("terms", KINDS)
def test_an_order_in_a_market_that_its_broker_does_not_have_is_refused(
    desks: Desks, terms: dict[str, Any], limits: dict[str, Limits]
) -> None:
    """That is said before any limit, which would speak of a price that is not known."""
    desk = desks(Settings(limits=limits))

    refusal = desk.refused("order", market="xbtsud.paper", **_order_of(terms))

    told = "paper has no market xbtsud.paper: known are xbtusd.paper"
    assert (refusal.code, refusal.why) == ("unknown_market", told)


@pytest.mark.parametrize("terms", KINDS)
def test_a_broker_that_declared_no_market_may_have_any(desk: Desk, terms: dict[str, Any]) -> None:
    """Of what goes out at a limit here, the tick is needed."""
    order = _order_of(terms)

    if terms.get("mode", "") == "dark" and "type" not in terms:
        assert desk.refused("order", market="xbtusd.kraken", **order).code == "unknown_market"
    else:
        desk.command("order", market="xbtusd.kraken", **order)


@pytest.mark.parametrize("terms", KINDS)
def test_what_an_earlier_run_listed_closes_no_market_and_opens_none(
    desk: Desk, terms: dict[str, Any]
) -> None:
    """The book knows a market for its tick, for good; which may be traded is what is declared now."""
    order = _order_of(terms)
    others = frozenset({"ethusd.paper"})
    bare = Dispatcher(
        Settings(declared={"paper": frozenset()}),
        desk.log.append,
        generation="h",
        now_ns=desk.now,
        book=desk.book,
    )
    assert MARKET in bare.book.markets
    desk.ems = bare

    if terms.get("mode", "") == "dark" and "type" not in terms:
        assert "the tick of" in desk.refused("order", market="xyusd.paper", **order).why
    else:
        desk.command("order", oid="o2", market="xyusd.paper", **order)
    desk.command("order", oid="o3", market=MARKET, **order)

    bare.settings = Settings(declared={"paper": others})
    refusal = desk.refused("order", oid="o4", market=MARKET, **order)
    assert (refusal.code, refusal.why) == (
        "unknown_market",
        f"paper has no market {MARKET}: known are ethusd.paper",
    )


def test_a_dark_order_is_not_edited_to_a_size_that_could_not_go_out(desks: Desks) -> None:
    """Else its owner would learn it when the stop has fired, and protects nothing."""
    desk = desks()
    desk.order(mode="dark", direction="at_or_above")

    assert desk.refused("edit", edit_id="e1", size="10.05").code == "size_tick"
    assert desk.refused("edit", edit_id="e2", size="0.05").code == "min_size"
    desk.edit("e3", price="101")
    desk.edit("e4", size="10.1")
    assert desk.dialog().size == Decimal("10.1")


def test_the_size_of_what_goes_out_at_once_is_the_venues_to_judge(desks: Desks) -> None:
    """It knows its market as it is now, and the answer comes at once."""
    desk = desks()

    assert any(isinstance(effect, SendOrder) for effect in desk.order(size="10.05"))


def test_an_order_that_does_not_wait_is_refused_while_the_link_is_not_up(desks: Desks) -> None:
    """Nothing is kept of it: once the link is up, the same order is a new one."""
    desk = desks(up=False)
    desk.link("connect", "connected")
    refusal = desk.refused("order", side="buy", market=MARKET, size="1", price="100", when_down="refuse")
    assert code_of(refusal) == "link_down"
    desk.link("synced")

    effects = desk.order(when_down="refuse")

    assert len(of_kind(effects, SendOrder)) == 1
