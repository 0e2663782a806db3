"""What reports do to the facts of an order beyond its state: executions, sums, terms, requests, flags."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fsm_ems.dialogs.facts import Execution
from fsm_ems.dialogs.record import ReportedOfBefore, SendAbout
from tests.dialogs.conftest import Desks
from tests.dialogs.desk import MARKET, START, Desk, of_kind, terms


@pytest.fixture
def resting(desk: Desk) -> Desk:
    """``o1``, buy 10 @ 100, open at the venue."""
    desk.order()
    desk.ack()
    desk.status("open")
    return desk


def worth(desk: Desk) -> Fraction:
    """The sum over live executions of size times price, by other arithmetic than the book's own."""
    fills = (desk.dialog().fills or {}).values()
    return sum((Fraction(fill.size) * Fraction(fill.price) for fill in fills), Fraction(0))


# Executions.


def test_an_execution_keeps_all_it_was_told_with(resting: Desk) -> None:
    """Fee, its asset, liquidity and the venue's own time."""
    resting.fill("4", fee="-0.05", fee_asset="xbt", liquidity="maker", time_ns=7)

    assert resting.dialog().fills == {
        "F1": Execution("F1", Decimal(4), Decimal(100), Decimal("-0.05"), "xbt", "maker", 7)
    }


def test_an_execution_without_a_time_has_the_time_it_came(resting: Desk) -> None:
    resting.fill("4")

    assert (resting.dialog().fills or {})["F1"].time_ns == START


def test_a_bust_takes_out_exactly_what_it_names(resting: Desk) -> None:
    """Size and worth; the id stays known, so that a late copy is not booked."""
    resting.fill("4", price="99")
    resting.fill("2", exec_id="F2", price="101")

    resting.report("bust", reqid="g-8", exec_id="B1", ref_id="F1")

    dialog = resting.dialog()
    assert list(dialog.fills or {}) == ["F2"]
    assert dialog.replaced == {"F1": None}
    assert [str(dialog.booked), str(dialog.notional), str(dialog.average_price)] == ["2", "202", "101"]


def test_a_correction_puts_one_in_the_place_of_another(resting: Desk) -> None:
    resting.fill("4", price="99", fee="1")

    resting.report("correction", reqid="g-8", exec_id="C1", ref_id="F1", size="3", price="98", fee="0.5")

    dialog = resting.dialog()
    assert dialog.fills == {"C1": Execution("C1", Decimal(3), Decimal(98), Decimal("0.5"), None, None, START)}
    assert dialog.replaced == {"F1": "C1"}
    assert [str(dialog.booked), str(dialog.notional)] == ["3", "294"]


def test_a_correction_of_a_correction_replaces_the_newest(resting: Desk) -> None:
    """It may name any id of the chain."""
    resting.fill("4")
    resting.report("correction", reqid="g-8", exec_id="C1", ref_id="F1", size="3", price="98")

    resting.report("correction", reqid="g-8", exec_id="C2", ref_id="F1", size="2", price="97")

    dialog = resting.dialog()
    assert list(dialog.fills or {}) == ["C2"]
    assert [dialog.live_exec_id(name) for name in ("F1", "C1", "C2")] == ["C2", "C2", "C2"]


@pytest.mark.parametrize("stated", [None, "3"])
def test_a_correction_whose_outcome_was_told_as_a_fill_takes_out_what_it_corrects(
    resting: Desk, stated: str | None
) -> None:
    """A history lists what counts; the correction itself is told after it. Nothing is booked twice."""
    resting.fill("6", price="99")
    resting.fill("4", exec_id="C1", price="98", **({} if stated is None else {"cum": stated}))
    corrected = {"reqid": "g-8", "exec_id": "C1", "ref_id": "F1", "size": "4", "price": "98"}
    assert resting.stands() == "filled 10/10"

    resting.report("correction", **corrected)

    dialog = resting.dialog()
    assert (list(dialog.fills or {}), dialog.replaced) == (["C1"], {"F1": "C1"})
    assert [str(dialog.booked), str(dialog.notional), resting.stands()] == ["4", "392", "open 4/10"]
    assert resting.book.positions["main"][MARKET].size == 4
    records = len(resting.log)
    resting.fill("6", price="99")
    resting.report("correction", **corrected)
    assert len(resting.log) == records
    resting.prove()


def test_a_correction_of_what_was_busted_is_nothing_new_where_its_outcome_was_told(resting: Desk) -> None:
    resting.fill("6")
    resting.report("bust", reqid="g-8", exec_id="B1", ref_id="F1")
    resting.fill("4", exec_id="C1")
    records = len(resting.log)

    resting.report("correction", reqid="g-8", exec_id="C1", ref_id="F1", size="4", price="100")

    assert (resting.stands(), len(resting.log)) == ("open 4/10", records)
    resting.prove()


def test_a_correction_of_an_execution_that_never_came_keeps_it_out(resting: Desk) -> None:
    """Its outcome was told as a fill; the corrected execution comes last."""
    resting.fill("4", exec_id="C1")
    resting.report("correction", reqid="g-8", exec_id="C1", ref_id="F1", size="4", price="100")

    resting.fill("6")

    assert resting.stands() == "open 4/10"
    resting.prove()


def test_amending_an_execution_amends_what_was_stated_with_it(resting: Desk) -> None:
    """The venue's cumulative size held the execution: without it, it is that much less."""
    resting.fill("4")
    resting.status("open", cum="6")

    resting.report("correction", reqid="g-8", exec_id="C1", ref_id="F1", size="3", price="98")
    assert str(resting.dialog().stated) == "5"
    resting.report("bust", reqid="g-8", exec_id="B1", ref_id="C1")

    assert str(resting.dialog().stated) == "2"
    assert resting.stands() == "open 2/10"


def test_a_count_of_before_a_bust_says_nothing_and_its_execution_is_booked(desks: Desks) -> None:
    """The fill was lost with the link, and is told with the count that it had brought the order to."""
    desk = desks()
    desk.order()
    desk.ack()
    desk.fill("6", cum="6")
    desk.report("bust", exec_id="B1", ref_id="F1", reqid=desk.dialog().reqid)

    desk.fill("4", exec_id="F2", cum="10")

    assert desk.stands() == "open 4/10", "6 of the 10 were undone"
    assert isinstance(desk.last.payload, ReportedOfBefore)
    assert desk.last.alarm == "the venue counted 10 with it, and 4 is known: one is undone since, or missing"
    assert [effect.verb for effect in of_kind(desk.cancel(), SendAbout)] == ["cancel"]
    desk.fill("6", exec_id="F3", cum="16")
    assert desk.stands() == "filled 10/10", "the executions complete it, whatever the count was"


def test_amending_an_unseen_execution_changes_nothing_that_was_stated(resting: Desk) -> None:
    """It may be in the stated size or not: nobody knows."""
    resting.status("open", cum="6")

    resting.report("bust", reqid="g-8", exec_id="B1", ref_id="F1")

    assert resting.stands() == "open 6/10"


amounts = st.integers(1, 10**9).map(lambda units: Decimal(units).scaleb(-4))


@given(
    st.lists(
        st.tuples(st.sampled_from(["fill", "bust", "correction"]), st.integers(0, 9), amounts, amounts),
        max_size=20,
    )
)
def test_sums_are_the_sums_of_the_live_executions(steps: list[tuple[str, int, Decimal, Decimal]]) -> None:
    """Whatever is booked, undone and replaced, in whatever order, doubled or not."""
    desk = Desk()
    desk.order(size="100000000")
    for number, (kind, which, size, price) in enumerate(steps):
        told = {"size": str(size), "price": str(price)} if kind != "bust" else {}
        told |= (
            {"exec_id": f"F{which}"} if kind == "fill" else {"exec_id": f"A{number}", "ref_id": f"F{which}"}
        )
        desk.report(kind, reqid="g-8", **told)

    dialog = desk.dialog()
    assert dialog.booked == sum((fill.size for fill in (dialog.fills or {}).values()), Decimal(0))
    assert Fraction(dialog.notional) == worth(desk)
    desk.prove()


def test_a_size_beyond_28_digits_is_compared_exactly(desk: Desk) -> None:
    """Python's own context would round the sum up to the whole order."""
    desk.order(size="999999999999999999", price="1")
    desk.fill("999999999999999998", price="1")

    desk.fill("0.999999999999999999", exec_id="F2", price="1")

    assert desk.state() == "open"
    assert desk.dialog().leaves == Decimal("1E-18")
    desk.fill("0.000000000000000001", exec_id="F3", price="1")
    assert desk.state() == "filled"


# Stated sizes.


def test_the_largest_stated_size_counts(resting: Desk) -> None:
    """A smaller one is an older one."""
    for cum in ("4", "6", "5"):
        resting.status("open", cum=cum)

    assert str(resting.dialog().stated) == "6"


def test_executions_fill_the_gap_of_what_was_stated(resting: Desk) -> None:
    resting.status("open", cum="6")
    assert str(resting.dialog().gap) == "6"

    resting.fill("4")
    assert str(resting.dialog().gap) == "2"
    resting.fill("2", exec_id="F2")

    assert str(resting.dialog().gap) == "0"
    assert resting.stands() == "open 6/10"


# Terms.


def test_an_accepted_edit_puts_its_terms_in_force(resting: Desk) -> None:
    """And its request: what comes now is told under it."""
    resting.edit(size="12", price="101")
    edit = resting.dialog().edits[0].reqid

    resting.report("replaced", reqid=edit)

    assert terms(resting.dialog()) == "12 @ 101"
    assert (resting.dialog().reqid, resting.dialog().reqids) == (edit, ("g-8",))


def test_the_venues_own_terms_outrank_the_ones_asked_for(resting: Desk) -> None:
    resting.edit(size="12", price="101")

    resting.report("replaced", reqid=resting.dialog().edits[0].reqid, size="11.5", price="100.5")

    assert terms(resting.dialog()) == "11.5 @ 100.5"


def test_a_size_never_falls_below_what_traded(resting: Desk) -> None:
    """An edit below the filled size ends the order at what it filled."""
    resting.fill("4")
    resting.edit(size="3")

    resting.report("replaced", reqid=resting.dialog().edits[0].reqid)

    assert resting.stands() == "filled 4/4"


def test_a_later_edit_in_force_answers_the_ones_that_left_before_it(resting: Desk) -> None:
    """The venue skipped one: it will never be answered by itself. One that was held stays."""
    resting.edit("e1", size="12")
    resting.wait(5)
    resting.edit("e2", size="13")
    resting.status("pending_edit")
    first, held = resting.dialog().edits
    assert (first.out, held.out) == (True, False)

    effects = resting.report("replaced", reqid=first.reqid)

    assert [sent.size for sent in of_kind(effects, SendAbout)] == [13]


def test_a_restatement_may_change_size_and_price(resting: Desk) -> None:
    resting.report("restated", reqid="g-8", size="8", price="99")

    assert terms(resting.dialog()) == "8 @ 99"


def test_a_restatement_without_terms_changes_none(resting: Desk) -> None:
    resting.report("restated", reqid="g-8", cum="3")

    assert terms(resting.dialog()) == "10 @ 100"
    assert resting.stands() == "open 3/10"


def test_a_split_multiplies_sizes_and_divides_prices_of_all_that_is_known(resting: Desk) -> None:
    """Order and executions; what was paid stays what it was."""
    resting.fill("4", price="99", fee="1")

    resting.report("restated", reqid="g-8", split="2")

    dialog = resting.dialog()
    assert (terms(dialog), resting.stands()) == ("20 @ 50", "open 8/20")
    told = Decimal(4), Decimal(99)
    assert dialog.fills == {
        "F1": Execution("F1", Decimal(8), Decimal("49.5"), Decimal(1), None, None, START, told)
    }
    assert [str(dialog.notional), str(dialog.average_price)] == ["396.0", "49.5"]


def test_a_split_of_a_market_order_has_no_price_to_divide(desk: Desk) -> None:
    desk.order(type="market", price=None)
    desk.fill("4")

    desk.report("restated", reqid="g-8", split="2")

    assert terms(desk.dialog()) == "20 @ None"


def test_a_split_with_a_price_takes_the_venues_rounding(resting: Desk) -> None:
    resting.report("restated", reqid="g-8", split="3", price="33.33")

    assert terms(resting.dialog()) == "30 @ 33.33"


def test_after_an_endless_split_a_bust_leaves_nothing_behind(resting: Desk) -> None:
    """One for three: the price has no end, and still the worth is that of what is left, to the last digit."""
    resting.fill("4", price="100")
    resting.report("restated", reqid="g-8", split="3")
    assert Fraction(resting.dialog().notional) == worth(resting)

    resting.report("bust", reqid="g-8", exec_id="B1", ref_id="F1")

    assert resting.dialog().notional == 0
    assert resting.stands() == "open 0/30"


# Requests and flags.


def test_a_pending_cancel_nobody_here_asked_for_is_known_as_such(resting: Desk) -> None:
    resting.status("pending_cancel")

    cancel = resting.dialog().cancel
    assert cancel is not None
    assert (cancel.reqid, cancel.wanted, cancel.out, cancel.pending) == (None, False, True, True)


def test_a_stashed_cancel_leaves_beside_one_that_the_venue_weighs(desk: Desk) -> None:
    """It weighs a stranger's: should that be refused, the owner's is still wanted."""
    desk.order()
    desk.cancel()

    sent = of_kind(desk.status("pending_cancel"), SendAbout)

    assert [(send.verb, desk.state()) for send in sent] == [("cancel", "cancelling")]
    desk.wait(5)
    assert desk.state() == "unknown", "it has a deadline"


def test_a_stashed_cancel_that_the_venue_names_is_there(desk: Desk) -> None:
    """However it came there: its answer is awaited until a deadline, and it is not sent twice."""
    desk.order()
    desk.cancel()
    cancel = desk.dialog().cancel
    assert cancel is not None

    sent = desk.report("status", reqid=cancel.reqid, status="pending_cancel")

    assert (of_kind(sent, SendAbout), desk.state(), desk.due_in()) == ([], "cancelling", 5)


def test_a_cancel_wanted_while_the_link_was_down_leaves_beside_a_strangers(resting: Desk) -> None:
    resting.link("lost")
    resting.cancel()
    resting.link("connect", "connected", "synced")

    resting.status("pending_cancel")

    assert "cancel" in [send.verb for send in of_kind(resting.wait(0), SendAbout)]


def test_a_pending_edit_nobody_here_asked_for_is_known_by_its_id(resting: Desk) -> None:
    """Its answer finds the order, and its terms are the venue's."""
    resting.report("status", status="pending_edit", reqid="phone-1", venue_id="V-o1")
    assert resting.book.find("paper", "phone-1", None) is resting.dialog()

    resting.report("replaced", reqid="phone-1", size="12")

    assert resting.stands() == "open 0/12"


def test_an_edit_of_somebody_elses_without_an_id_can_be_seen_and_not_answered(resting: Desk) -> None:
    """Only the order's own next word ends it."""
    resting.report("status", venue_id="V-o1", status="pending_edit")
    assert resting.state() == "editing"

    resting.status("cancelled")

    assert resting.state() == "cancelled"


def test_an_end_closes_every_request(resting: Desk) -> None:
    resting.edit(size="12")
    resting.cancel()

    resting.status("cancelled")

    assert (resting.dialog().cancel, resting.dialog().edits, resting.due_in()) == (None, (), None)


def test_a_fill_to_the_end_closes_what_had_not_left_and_keeps_what_had(resting: Desk) -> None:
    """The answer to the first edit is still to come; the second will never go."""
    resting.edit("e1", price="99")
    resting.edit("e2", size="13")

    resting.fill("10")

    assert [edit.edit_id for edit in resting.dialog().edits] == ["e1"]


def test_a_stashed_cancel_ends_with_a_fill_that_completes(desk: Desk) -> None:
    """It never left, and there is nothing to recall."""
    desk.order()
    desk.cancel()

    desk.fill("10")

    assert (desk.state(), desk.dialog().cancel) == ("filled", None)


def test_a_refusal_closes_its_own_request_and_no_other(resting: Desk) -> None:
    resting.edit(size="12")
    resting.cancel()
    cancel = resting.dialog().cancel
    assert cancel is not None

    resting.report("refused", request="cancel", reqid=cancel.reqid)
    assert (resting.state(), len(resting.dialog().edits)) == ("editing", 1)
    resting.report("refused", request="edit", reqid=resting.dialog().edits[0].reqid)

    assert (resting.state(), resting.dialog().edits) == ("open", ())


def test_a_cancel_noted_on_a_filled_order_comes_into_force_with_a_bust(desks: Desks) -> None:
    """The venue had cancelled what was left, and then undid the fill that left nothing."""
    desk = desks()
    desk.order()
    desk.fill("10")
    desk.status("cancelled")
    assert desk.dialog().noted_end == "cancelled"

    desk.report("bust", reqid="g-8", exec_id="B1", ref_id="F1")

    assert (desk.state(), desk.dialog().noted_end) == ("cancelled", None)
