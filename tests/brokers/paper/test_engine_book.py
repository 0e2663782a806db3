"""The price at hand: every row looks at it first, so it must be the best one at all times."""

import random
from decimal import Decimal

import pytest

from fsm_ems.brokers.paper.engine_book import OwnSide
from fsm_ems.brokers.paper.engine_facts import terms_of
from fsm_ems.brokers.paper.engine_orders import PaperOrder
from fsm_ems.messages import BrokerdOrder
from tests.brokers.paper.tables import request_of


def resting(rank: int, side: str, price: int) -> PaperOrder:
    request = request_of(f"0 order {rank} {side} 1 @{price}")
    assert isinstance(request, BrokerdOrder)
    order = PaperOrder(terms_of(request))
    order.rank = rank
    return order


@pytest.mark.parametrize(("side", "first"), [("buy", -1), ("sell", 0)])
def test_the_best_price_is_always_at_hand(side: str, first: int) -> None:
    dice, own, there = random.Random(1), OwnSide(buys=side == "buy"), list[PaperOrder]()
    for rank in range(1, 500):
        if there and dice.random() < 0.5:
            own.remove(there.pop(dice.randrange(len(there))))
        else:
            there.append(resting(rank, side, dice.randint(95, 105)))
            own.add(there[-1])
        prices = sorted(order.limit for order in there)
        assert own.best == (prices[first] if prices else None)


@pytest.mark.parametrize(("side", "expected"), [("buy", [3, 2, 4, 1]), ("sell", [1, 2, 4, 3])])
def test_orders_are_reached_by_price_then_time(side: str, expected: list[int]) -> None:
    own = OwnSide(buys=side == "buy")
    for rank, price in ((1, 98), (2, 99), (3, 100), (4, 99)):
        own.add(resting(rank, side, price))
    everything = Decimal(0) if side == "buy" else Decimal(1000)

    assert [order.rank for order in own.reached(everything, exactly=True)] == expected
    assert [order.rank for order in own.reached(Decimal(99), exactly=True)] == expected[:3]
    assert [order.rank for order in own.reached(Decimal(99), exactly=False)] == expected[:1]
