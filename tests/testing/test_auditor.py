"""The auditor refuses what a sound EMS never tells: each time one thing of a sound outcome is changed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from fsm_ems.dialogs.dispatcher import Dispatcher
from fsm_ems.dialogs.record import Effect, Notice, Record
from fsm_ems.dialogs.settings import Settings
from fsm_ems.messages import BrokerdFill, BrokerdOrderAck, Cancel, Order
from fsm_ems.quotes import Quote
from fsm_ems.testing.auditor import Auditor
from fsm_ems.testing.breach import Breach
from fsm_ems.testing.inputs import Commanded, Heard, Input, LinkMoved, Outcome, Quoted, put

WISH = Order(oid="o1", market="x.paper", side="buy", size=Decimal(2), price=Decimal(9))
REQID = "g-7"
DARK = Order(
    oid="d",
    market="x.paper",
    side="buy",
    size=Decimal(2),
    price=Decimal(10),
    type="market",
    mode="dark",
    trigger="stop",
)
MEETS = Quote(5, Decimal(9), Decimal(1), Decimal(10), Decimal(1))
ACK = Heard("paper", BrokerdOrderAck(reqid=REQID, venue_id="V1"))
FILL = Heard("paper", BrokerdFill(reqid=REQID, exec_id="E1", size=Decimal(1), price=Decimal(9)))


class Desk:
    """A trader, an observer of the trader, a link in step; the auditor sees what *changed* leaves of it."""

    def __init__(self) -> None:
        self.now_ns = 0
        self.records: list[Record] = []
        self.dispatcher = Dispatcher(Settings(), self.records.append, generation="g", now_ns=0)
        self.auditor = Auditor()
        for name, role, sees in (("alice", "trader", ()), ("eve", "observer", ("alice",))):
            self.dispatcher.grant(name, role, 0, sees)  # type: ignore[arg-type]  # both are roles
            self.auditor.grant(name, role, sees)
        for event in ("connect", "connected", "synced"):
            self.give(LinkMoved("paper", event))

    def give(self, given: Input, changed: Callable[[Outcome], Outcome] = lambda outcome: outcome) -> None:
        self.now_ns += 1
        self.auditor.observe(given, changed(put(self.dispatcher, given, self.now_ns)), self.now_ns)
        self.auditor.compare(self.dispatcher.book)


def keeping(keep: Callable[[Effect], bool]) -> Callable[[Outcome], Outcome]:
    return lambda outcome: outcome._replace(effects=[effect for effect in outcome.effects if keep(effect)])


def notices(**changes: Any) -> Callable[[Outcome], Outcome]:  # noqa: ANN401  # fields of any type
    def change(outcome: Outcome) -> Outcome:
        effects: Sequence[Effect] = [
            replace(effect, **changes) if isinstance(effect, Notice) else effect for effect in outcome.effects
        ]
        return outcome._replace(effects=effects)

    return change


def test_a_sound_life_is_no_breach() -> None:
    desk = Desk()

    for given in (Commanded("alice", WISH), ACK, FILL):
        desk.give(given)

    assert desk.dispatcher.book.dialogs["alice"]["o1"].filled == 1


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        (keeping(lambda effect: not isinstance(effect, Notice)), "P7: .*it in open, and nobody was told"),
        (keeping(lambda effect: not (isinstance(effect, Notice) and effect.identity == "eve")), "P6: .*only"),
        (notices(identity="bob"), "P6: bob was told of alice's o1"),
        (notices(seq=9), "P8: alice was told 9 after 2"),
        (notices(filled=Decimal(2)), "P3: .*told 2 filled, and it is 1"),
        (notices(size=Decimal(3)), "P9: .*told 2 are left, and it is 1"),
        (notices(price=Decimal(8)), "terms: .*told 2 at 8, not 2 at 9"),
    ],
)
def test_an_owner_who_is_told_something_else_is_a_breach(
    changed: Callable[[Outcome], Outcome], told: str
) -> None:
    desk = Desk()
    desk.give(Commanded("alice", WISH))
    desk.give(ACK)

    with pytest.raises(Breach, match=told):
        desk.give(FILL, changed)


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda book: book.dialogs["alice"].pop("o1"), "P2: .*forgotten, and it has not ended"),
        (lambda book: book.dialogs["alice"]["o1"].fills.clear(), "P3: .*executions .* are booked"),
        (
            lambda book: setattr(book.dialogs["alice"]["o1"], "stated", Decimal(2)),
            "P3: .*2 is filled, not 1",
        ),
        (
            lambda book: setattr(book.dialogs["alice"]["o1"], "price", Decimal(8)),
            "terms: .*2 at 8, not 2 at 9",
        ),
        (lambda book: book.positions.clear(), "P4: positions are"),
    ],
)
def test_a_book_that_says_something_else_is_a_breach(spoil: Callable[[Any], object], told: str) -> None:
    desk = Desk()
    for given in (Commanded("alice", WISH), ACK, FILL):
        desk.give(given)

    spoil(desk.dispatcher.book)

    with pytest.raises(Breach, match=told):
        desk.auditor.compare(desk.dispatcher.book)


def test_a_send_that_nobody_was_told_of_is_a_breach() -> None:
    with pytest.raises(Breach, match="P9: a SendOrder left, and nobody was told"):
        Desk().give(Commanded("alice", WISH), keeping(lambda effect: not isinstance(effect, Notice)))


def test_a_cancel_of_a_living_order_that_is_refused_is_a_breach() -> None:
    desk = Desk()
    desk.give(Commanded("alice", WISH))

    with pytest.raises(Breach, match="a cancel was refused: forbidden"):
        desk.give(Commanded("alice", Cancel(oid="o1")), lambda _: Outcome((), "forbidden"))


def test_a_price_that_is_met_and_does_nothing_is_a_breach() -> None:
    desk = Desk()
    desk.give(Commanded("alice", DARK))

    with pytest.raises(Breach, match="it fires, and nobody was told"):
        desk.give(Quoted("x.paper", MEETS), keeping(lambda _: False))


def test_a_dark_order_that_acts_before_its_price_is_a_breach() -> None:
    desk = Desk()
    desk.give(Commanded("alice", DARK))
    desk.now_ns += 1
    acted = put(desk.dispatcher, Quoted("x.paper", MEETS), desk.now_ns)

    with pytest.raises(Breach, match="it acts, and due is nothing"):
        desk.auditor.observe(Quoted("x.paper", replace(MEETS, ask=Decimal(9))), acted, desk.now_ns)


def test_effects_of_what_was_refused_are_a_breach() -> None:
    with pytest.raises(Breach, match="was refused or known, and led to"):
        Desk().give(Commanded("alice", WISH), lambda outcome: outcome._replace(refused="conflict"))
