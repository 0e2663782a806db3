"""A Hypothesis stateful test of your own strategy: ``pytest examples/test_my_strategy.py``.

`EMSMachine` brings traders, a market, links that break, a venue that reports anything, and an auditor. Let
`wish` forget what is `open`, and the test tells the shortest story in which two of its orders are.
"""

from dataclasses import replace
from decimal import Decimal

from hypothesis.stateful import invariant, rule

from fsm_ems import ORDER, Order, Status
from fsm_ems.testing.inputs import Commanded, Input, Outcome
from fsm_ems.testing.stateful import MARKET, EMSMachine

BUY = Order(oid="buy", market=MARKET, side="buy", size=Decimal(2), type="market")
STOP = replace(BUY, oid="stop", side="sell", mode="dark", trigger="stop", price=Decimal(99))


class BuyAndGuard(dict[str, Status]):
    """The strategy, by the last status of each of its orders: one at a time; it buys when flat, and guards
    what it holds with a dark stop. A status may come after the end, and may reopen the order.
    """

    def open(self) -> set[str]:
        return {oid for oid, status in self.items() if status.state not in ORDER.ends}

    def wish(self) -> Order | None:
        held = sum((s.filled if "buy" in s.oid else -s.filled for s in self.values()), Decimal(0))
        wish = replace(STOP, size=held) if held > 0 else BUY
        return None if self.open() else replace(wish, oid=f"{wish.oid}{len(self)}")


class MyStrategy(EMSMachine):
    """The strategy in the midst of it: one trader, one rule and one invariant more."""

    def __init__(self) -> None:
        super().__init__()
        self.strategy = BuyAndGuard()
        self.grant("me", "trader")

    def give(self, given: Input) -> Outcome:
        outcome = super().give(given)  # whatever a rule does goes through here
        self.strategy |= {status.oid: status for status in outcome.statuses("me")}
        return outcome

    @rule()
    def act(self) -> None:
        if wish := self.strategy.wish():
            assert not self.strategy.open(), "one order at a time"
            self.give(Commanded("me", wish))

    @invariant()
    def knows_what_is_open(self) -> None:
        orders = self.dispatcher.book.dialogs.get("me", {})
        assert {oid for oid in orders if orders[oid].state not in ORDER.ends} == self.strategy.open()


TestMyStrategy = MyStrategy.TestCase
