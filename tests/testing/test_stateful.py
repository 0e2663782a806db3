"""The state machine that users run, run here; and that it notices a bug."""

from __future__ import annotations

import itertools
import time
from decimal import Decimal
from typing import ClassVar

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.errors import FailedHealthCheck
from hypothesis.stateful import invariant, rule, run_state_machine_as_test

from fsm_ems import Order
from fsm_ems.dialogs import fold_report
from fsm_ems.dialogs.facts import Dialog, Execution
from fsm_ems.machines.order import OrderState
from fsm_ems.testing.inputs import Commanded, Input, Outcome
from fsm_ems.testing.stateful import LIVES, MARKET, EMSMachine

QUICK = settings(
    LIVES,
    max_examples=300,
    stateful_step_count=40,
    derandomize=True,
    report_multiple_bugs=False,
)
FOUND = settings(QUICK, phases=[Phase.generate])
"""What is found need not be made short: that it is found is what counts."""


def test_a_machine_under_load_is_no_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten seconds pass whenever Hypothesis looks at its clock: it would call that too slow."""
    ticks = itertools.count(step=10)
    monkeypatch.setattr(time, "perf_counter", lambda: float(next(ticks)))

    of_lives = settings(LIVES, max_examples=5, stateful_step_count=5, database=None)
    run_state_machine_as_test(EMSMachine, settings=of_lives)
    # An empty list: under the variable CI Hypothesis itself would leave this check out.
    of_ones_own = settings(of_lives, suppress_health_check=())
    with pytest.raises(FailedHealthCheck):
        run_state_machine_as_test(EMSMachine, settings=of_ones_own)


@pytest.mark.no_cover
def test_lives_keep_every_promise() -> None:
    """Anything a client, a venue or a link may do in forty steps leaves all promises kept."""
    run_state_machine_as_test(EMSMachine, settings=QUICK)


RARE = {OrderState.NEW, OrderState.REJECTED, OrderState.EXPIRED, OrderState.ALERT_TRIGGERED}
"""The one that no order stays in, and those that fewer than one life in ten comes to."""


class Witness(EMSMachine):
    """It notes the states that orders come to."""

    seen: ClassVar[set[OrderState]] = set()

    @invariant()
    def note(self) -> None:
        self.seen.update(dialog.state for dialog in self.dispatcher.book)


@pytest.mark.no_cover
def test_a_short_run_comes_to_every_state_but_the_rarest() -> None:
    """What no life comes to is what no test of a user tries.

    What is drawn depends on what else was imported: fifty lives would do nearly always, and not always.
    """
    Witness.seen.clear()

    run_state_machine_as_test(Witness, settings=settings(LIVES, max_examples=150, derandomize=True))

    assert set(OrderState) - Witness.seen <= RARE


class Meddled(EMSMachine):
    """A strategy with an identity of its own, for which nobody else is to give commands."""

    def __init__(self) -> None:
        super().__init__()
        self.orders = 0
        self.acting = False
        self.grant("me", "trader")

    @rule()
    def act(self) -> None:
        self.orders += 1
        order = Order(oid=f"m{self.orders}", side="buy", market=MARKET, size=Decimal(2), price=Decimal(100))
        self.acting = True
        self.give(Commanded("me", order))
        self.acting = False

    def give(self, given: Input) -> Outcome:
        meddles = isinstance(given, Commanded) and given.identity == "me" and not self.acting
        assert not meddles, "another commands for me"
        return super().give(given)


class LeftAlone(Meddled):
    """As the README says: defined again, and no rule."""

    def think_again(self, chosen: st.DataObject) -> None:
        pass


def test_only_thinking_again_commands_for_an_identity_of_ones_own_and_can_be_left_out() -> None:
    with pytest.raises(AssertionError, match="another commands for me"):
        run_state_machine_as_test(Meddled, settings=FOUND)

    run_state_machine_as_test(LeftAlone, settings=settings(QUICK, max_examples=50))


def test_a_fill_that_is_dropped_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A planted bug: executions are not booked. The auditor says so."""

    def dropped(dialog: Dialog, execution: Execution) -> None:
        """Nothing."""

    monkeypatch.setattr(fold_report, "_book", dropped)
    with pytest.raises(AssertionError):
        run_state_machine_as_test(EMSMachine, settings=FOUND)


def test_a_position_that_a_fill_does_not_move_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A planted bug: orders are booked and accounts are not."""

    def forgotten(*given: object) -> None:
        """Nothing."""

    monkeypatch.setattr(fold_report, "book_execution", forgotten)
    with pytest.raises(AssertionError):
        run_state_machine_as_test(EMSMachine, settings=FOUND)
