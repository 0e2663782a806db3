"""The alphabets of the searches: what owners may ask and what a venue may say, by theme."""

from __future__ import annotations

from decimal import Decimal

from fsm_ems.messages import Edit, Order
from fsm_ems.testing.adversary import Saying, Theme
from fsm_ems.testing.letters import MARKET, PRICE, Letter

D = Decimal

LIVE = Order(oid="o", side="buy", market=MARKET, size=D(2), price=PRICE)
DARK = Order(oid="o", side="buy", market=MARKET, size=D(2), price=PRICE, mode="dark")
DARK_UNTIL = Order(
    oid="o", side="buy", market=MARKET, size=D(2), price=PRICE, mode="dark", tif="gtd", expire_ns=1_003
)
IMMEDIATE = Order(oid="o", side="buy", market=MARKET, size=D(2), price=PRICE, tif="ioc")
ALERT = Order(oid="o", side="alert", market=MARKET, price=PRICE)
ALERT_UNTIL = Order(oid="o", side="alert", market=MARKET, price=PRICE, tif="gtd", expire_ns=1_003)
UP = Edit(oid="o", edit_id="up", size=D(3))
DOWN = Edit(oid="o", edit_id="down", size=D(1))
PRICED = Edit(oid="o", edit_id="priced", price=D(6))


def says(*kinds: str, about: str | None = "order", answers: str | None = None) -> tuple[Saying, ...]:
    """Plain reports."""
    return tuple(Saying(Letter(kind), about, answers) for kind in kinds)


def fills(*exec_ids: str, about: str = "order") -> tuple[Saying, ...]:
    """Executions of one unit each."""
    return tuple(Saying(Letter("fill", exec_id=exec_id), about) for exec_id in exec_ids)


def states(kind: str, *sizes: int) -> tuple[Saying, ...]:
    """A status that names a cumulative size."""
    return tuple(Saying(Letter(kind, cum=D(size))) for size in sizes)


def shows(kind: str, *sizes: int) -> tuple[Saying, ...]:
    """An answer that describes the order, with that size."""
    return tuple(
        Saying(Letter(kind, size=D(size), price=PRICE, detailed=True), answers="last") for size in sizes
    )


_ANSWERS = ("absent", "pending_new", "open", "filled", "cancelled")

LIFE: tuple[Saying, ...] = (
    *says("ack", "pending_new", "open", "cancelled", "rejected", "expired", "stopped", "filled", "error"),
    *says("pending_cancel", "done_for_day", "submit refused", "cancel refused"),
    Saying(Letter("ack", venue_id="V2")),
    Saying(Letter("done_for_day", resumes=True)),
    Saying(Letter("submit refused", code="duplicate")),
    *states("open", 1, 2),
    *states("pending_new", 1),
    *states("pending_cancel", 1),
    *states("cancelled", 1, 3),
    *says(*_ANSWERS, answers="last"),
    *says("absent", "open", "cancelled", answers="stale"),
    *fills("e1", "e2"),
    Saying(Letter("fill", exec_id="e3", size=D(2))),
    *says("cancel refused", "error", about="cancel"),
)
"""No edits: all of cancel, doubt, fills and ends."""

EDITING: tuple[Saying, ...] = (
    *says("ack", "open", "cancelled", "pending_cancel", "pending_edit", "error"),
    *states("open", 1, 2),
    *says("absent", "filled", answers="last"),
    *shows("open", 1, 2, 3),
    *shows("pending_new", 2),
    *shows("pending_edit", 2),
    Saying(Letter("open", cum=D(1), size=D(1), price=PRICE, detailed=True), answers="last"),
    Saying(Letter("filled", cum=D(3), size=D(3), price=PRICE, detailed=True), answers="last"),
    *fills("e1", "e2"),
    *fills("e1", "e2", "e3", about="edit"),
    *says("replaced", "edit refused", "pending_edit", "error", about="edit"),
    *says("replaced", "edit refused", about="over"),
    *says("cancel refused", about="cancel"),
    Saying(Letter("pending_edit", reqid="web-1", venue_id="V1"), about=None),
)
"""Edits under way, refused, overtaken, proven by fills and by answers."""

AMENDED: tuple[Saying, ...] = (
    *says("ack", "open", "cancelled", "expired", "rejected", "filled", "pending_cancel"),
    *states("open", 1, 2, 3),
    *fills("e1", "e2"),
    Saying(Letter("fill", exec_id="e2", cum=D(2))),
    *(Saying(Letter("bust", ref_id=ref_id)) for ref_id in ("e1", "e2", "c1")),
    Saying(Letter("correction", exec_id="c1", ref_id="e1", size=D(2))),
    Saying(Letter("correction", exec_id="c2", ref_id="c1", size=D(1))),
    Saying(Letter("restated", size=D(1))),
    Saying(Letter("restated", size=D(3))),
    Saying(Letter("restated", price=D(7))),
    Saying(Letter("restated", split=D(2))),
    *says("cancel refused", about="cancel"),
)
"""Executions undone and corrected, terms restated, ends that are not the last word."""

AMENDED_EDITS: tuple[Saying, ...] = (
    *says("ack", "open", "cancelled", "pending_edit"),
    *fills("e1", "e2", about="order"),
    *fills("e3", about="edit"),
    Saying(Letter("bust", ref_id="e1")),
    Saying(Letter("correction", exec_id="c1", ref_id="e1", size=D(2))),
    Saying(Letter("restated", size=D(1))),
    Saying(Letter("restated", size=D(3))),
    *says("replaced", "edit refused", about="edit"),
    *says("cancel refused", about="cancel"),
)
"""What amends executions and terms, while edits and cancels are open."""


def themes() -> tuple[Theme, ...]:
    """The searches of the default run, smallest first."""
    unlinked: tuple[str, ...] = ()
    return (
        Theme("alert", ALERT, says("open"), edits=(PRICED,), cancels=1),
        Theme("alert until", ALERT_UNTIL, says("open"), edits=(PRICED,), cancels=1),
        Theme("dark until", DARK_UNTIL, says("ack", "rejected", "error"), edits=(UP,), link=unlinked),
        Theme("life", LIVE, LIFE, link=unlinked),
        Theme("dark", DARK, LIFE, link=unlinked),
        Theme("immediate", IMMEDIATE, LIFE, link_losses=0),
        Theme("edit", LIVE, EDITING, edits=(UP,)),
        Theme("edits", LIVE, EDITING, edits=(UP, DOWN), cancels=0, link_losses=0),
        Theme("dark edits", DARK, EDITING, edits=(DOWN,), link_losses=0),
        Theme("amended", LIVE, AMENDED, link_losses=0, splits=1),
        Theme("amended edits", LIVE, AMENDED_EDITS, edits=(UP,), link_losses=0),
    )
