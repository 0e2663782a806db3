"""The alphabets of the searches: what owners may ask and what a venue may say, by theme."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from fsm_ems.messages import Edit, Order
from fsm_ems.testing.hostile import Saying, Theme
from fsm_ems.testing.letters import MARKET, PRICE, Letter

D = Decimal

LIVE = Order(oid="o", side="buy", market=MARKET, size=D(2), price=PRICE)
ONE = Order(oid="o", side="buy", market=MARKET, size=D(1), price=PRICE)
AGAIN = replace(LIVE, if_absent="resend")
AGAIN_UNTIL = replace(ONE, if_absent="resend", tif="gtd", expire_ns=1_005)
DARK = replace(LIVE, mode="dark", trigger="touch")
DARK_AGAIN = replace(DARK, size=D(1), if_absent="resend")
DARK_UNTIL = replace(DARK, tif="gtd", expire_ns=1_003)
IMMEDIATE = replace(LIVE, tif="ioc")
ALERT = Order(oid="o", side="alert", market=MARKET, price=PRICE, direction="at_or_below")
ALERT_UNTIL = replace(ALERT, tif="gtd", expire_ns=1_003)
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


DOUBT: tuple[Saying, ...] = (
    *says("ack", "open", "pending_new", "cancelled", "rejected", "expired", "error", "submit refused"),
    *says("absent", "open", "pending_new", "filled", "cancelled", "rejected", "expired", answers="last"),
    *says("absent", "open", "cancelled", answers="stale"),
    *fills("e1"),
    *says("pending_cancel"),
    *says("error", about="cancel"),
    Saying(Letter("cancel refused", code="unknown_order"), "cancel"),
)
"""Whether it arrived, what became of the cancel, and what only evidence may settle."""

ABSENCE: tuple[Saying, ...] = (
    *says("ack", "rejected"),
    *says("absent", answers="last"),
    *says("absent", answers="stale"),
)
"""Whether it ever arrived."""

LOST: tuple[Saying, ...] = (
    *says("ack", "rejected", "open", "error", about="over"),
    *fills("e1", about="over"),
    Saying(Letter("cancelled"), "over"),
)
"""What is told of a request that never arrived, once the order was sent again under another."""

WAITS: tuple[Saying, ...] = (
    *says("ack", "open", "cancelled"),
    *says("replaced", "edit refused", about="edit"),
)
"""What waits for the link, for the ack or for an edit's answer."""

MARKS: tuple[Saying, ...] = (
    *says("ack", "open", "stopped", "done_for_day", "cancelled", "filled", "expired"),
    Saying(Letter("done_for_day", resumes=True)),
    Saying(Letter("submit refused", code="duplicate")),
    *fills("e1"),
    *says("pending_cancel", "cancel refused", about="cancel"),
    *says("edit refused", about="edit"),
)
"""Guarantees, days that end, second copies and second names."""

HALTS: tuple[Saying, ...] = (
    *says("ack", "open", "suspended", "calculated", "bidding", "cancelled", "expired"),
    *fills("e1", "e2"),
    Saying(Letter("bust", ref_id="e1")),
    *says("pending_cancel", about="cancel"),
)
"""Suspensions, bids, and costs worked out in any state."""

STATEMENTS: tuple[Saying, ...] = (
    *says("ack", "filled"),
    *states("open", 1, 2, 3),
    *states("pending_new", 1),
    *states("pending_cancel", 1),
    *states("cancelled", 1, 3),
    *states("rejected", 1),
    *states("filled", 1),
    *fills("e1", "e2"),
    Saying(Letter("fill", exec_id="e3", size=D(2))),
    Saying(Letter("fill", exec_id="e4", cum=D(2))),
)
"""Cumulative sizes beside executions, in any order, less and more than the whole."""

ENDS_STATED: tuple[Saying, ...] = (
    *says("ack"),
    *states("cancelled", 2, 3),
    *states("expired", 2),
    *states("filled", 3),
    *fills("e1", "e2"),
    Saying(Letter("bust", ref_id="e1")),
    *says("replaced", about="edit"),
    *says("cancel refused", about="cancel"),
)
"""Ends that state the whole size, before and after an edit, and a bust afterwards."""

EDITING: tuple[Saying, ...] = (
    *says("ack", "cancelled", "pending_cancel", "error"),
    *states("open", 2),
    *shows("open", 2, 3),
    *fills("e1", "e2"),
    *fills("e3", about="edit"),
    *says("replaced", "edit refused", "pending_edit", about="edit"),
    *says("replaced", about="over"),
    *says("cancel refused", about="cancel"),
)
"""Edits under way, refused, overtaken, proven by fills and by answers."""

TWO_EDITS: tuple[Saying, ...] = (
    *says("ack", "error"),
    *shows("open", 1, 3),
    *fills("e1"),
    *fills("e2", about="edit"),
    *says("replaced", "edit refused", about="edit"),
    *says("replaced", "edit refused", about="over"),
)
"""Edits in a row."""

SHOWN: tuple[Saying, ...] = (
    *says("ack", "error"),
    *says("filled", answers="last"),
    *shows("open", 1, 2, 3),
    *shows("pending_new", 2),
    *shows("pending_edit", 2),
    *shows("cancelled", 3),
    Saying(Letter("open", cum=D(1), size=D(1), price=PRICE, detailed=True), answers="last"),
    Saying(Letter("filled", cum=D(3), size=D(3), price=PRICE, detailed=True), answers="last"),
    *fills("e1"),
    *says("replaced", about="edit"),
)
"""Answers that describe the order."""

FOREIGN: tuple[Saying, ...] = (
    *says("ack"),
    *fills("e1"),
    Saying(Letter("pending_edit", reqid="web-1", venue_id="V1"), about=None),
    Saying(Letter("replaced", reqid="web-1", size=D(1)), about=None),
    Saying(Letter("edit refused", reqid="web-1"), about=None),
    *says("pending_edit", "pending_cancel", "cancel refused"),
    *says("replaced", about="edit"),
)
"""Somebody else edits and cancels the order, by phone or on a web page."""

AMENDED: tuple[Saying, ...] = (
    *says("ack", "cancelled", "expired", "rejected"),
    *states("open", 2),
    *fills("e1", "e2"),
    *(Saying(Letter("bust", ref_id=ref_id)) for ref_id in ("e1", "c1")),
    Saying(Letter("correction", exec_id="c1", ref_id="e1", size=D(2))),
    Saying(Letter("correction", exec_id="c2", ref_id="c1", size=D(1))),
)
"""Executions undone and corrected, seen or unseen, before and after the end."""

RESTATED: tuple[Saying, ...] = (
    *says("ack", "expired", "pending_cancel"),
    *fills("e1", "e2"),
    Saying(Letter("bust", ref_id="e1")),
    Saying(Letter("restated", size=D(1))),
    Saying(Letter("restated", size=D(3), price=D(7))),
    Saying(Letter("restated", size=D(1), cum=D(1))),
    *says("cancel refused", about="cancel"),
)
"""Terms that the venue changes by itself."""

READ_BEFORE: tuple[Saying, ...] = (
    *says("ack"),
    *fills("e1"),
    Saying(Letter("restated", size=D(3))),
    *says("pending_cancel"),
    *shows("open", 2),
)
"""Answers that may be older than what was heard since they were asked for."""

AMENDED_BEFORE: tuple[Saying, ...] = (
    *says("ack"),
    *fills("e1"),
    Saying(Letter("fill", exec_id="e2", cum=D(2))),
    Saying(Letter("bust", ref_id="e1")),
    Saying(Letter("restated", split=D("0.5"))),
    *says("open", "filled", answers="last"),
    *says("filled", "cancelled", answers="stale"),
    *(Saying(Letter(kind, cum=D(1)), answers="stale") for kind in ("open", "cancelled")),
    *states("filled", 2),
)
"""Looks and counts that may be older than what undid an order's executions, or put them into other units."""

RESIZED_BEFORE: tuple[Saying, ...] = (
    *says("ack"),
    *fills("e1"),
    *says("replaced", about="edit"),
    *says("open", "filled", answers="last"),
    *says("filled", answers="stale"),
    *(Saying(Letter("filled", cum=D(2)), answers=answers) for answers in ("stale", None)),
)
"""Looks at an order that may have been smaller then, and an event of that time."""

RESIZED_TWICE: tuple[Saying, ...] = (
    *says("ack"),
    *fills("e1", "e2"),
    *says("replaced", "edit refused", about="edit"),
    *states("filled", 1, 2),
)
"""An event of a size that is no more, while an edit to a smaller one is out."""

LARGER_AMENDED: tuple[Saying, ...] = (
    *says("ack"),
    *fills("e1", "e2"),
    Saying(Letter("bust", ref_id="e1")),
    Saying(Letter("open", cum=D(2), size=D(3), price=PRICE, detailed=True), answers="stale"),
    Saying(Letter("open", cum=D(2), size=D(3), price=PRICE, detailed=True), answers="last"),
)
"""A look that shows more of one that has filled, after an execution of it was undone."""

UNACKED_BEFORE: tuple[Saying, ...] = (
    *says("ack"),
    *fills("e1"),
    *says("absent", "open", answers="last"),
    *says("filled", answers="stale"),
    Saying(Letter("filled", cum=D(1)), answers="stale"),
)
"""Looks at one that may have been smaller, and of which nothing had been heard until then."""

TOLD_BEFORE: tuple[Saying, ...] = (
    *says("ack", "filled"),
    *fills("e1"),
    Saying(Letter("fill", exec_id="c1", size=D(2))),
    Saying(Letter("correction", exec_id="c1", ref_id="e1", size=D(2))),
    Saying(Letter("correction", exec_id="c2", ref_id="e1", size=D(1))),
    *(Saying(Letter("bust", ref_id=ref_id)) for ref_id in ("e1", "c1")),
)
"""Corrections whose outcome a history has listed before."""

SPLIT: tuple[Saying, ...] = (
    *says("ack", "filled"),
    *states("open", 1),
    *fills("e1", "e2"),
    Saying(Letter("bust", ref_id="e1")),
    Saying(Letter("correction", exec_id="c1", ref_id="e1", size=D(2))),
    Saying(Letter("restated", split=D(2))),
)
"""A split multiplies what was ordered and what traded."""

AMENDED_EDITS: tuple[Saying, ...] = (
    *says("ack", "cancelled"),
    *fills("e1", "e2"),
    *fills("e3", about="edit"),
    Saying(Letter("bust", ref_id="e1")),
    Saying(Letter("correction", exec_id="c1", ref_id="e1", size=D(2))),
    Saying(Letter("restated", size=D(1))),
    *says("replaced", "edit refused", about="edit"),
    *says("cancel refused", about="cancel"),
)
"""What amends executions and terms, while edits and cancels are open."""

RENAMED: tuple[Saying, ...] = (
    Saying(Letter("ack", venue_id="V2")),
    Saying(Letter("open", venue_id="V3")),
    Saying(Letter("fill", exec_id="e2", venue_id="V2"), about=None),
    Saying(Letter("fill", exec_id="e3", venue_id="V3"), about=None),
)
"""Other names that the venue gives to an order it has named before."""

LARGER: tuple[Saying, ...] = (
    *says("ack"),
    *fills("e1"),
    *says("replaced", "edit refused", about="edit"),
    *says("filled", answers="last"),
    *shows("open", 3),
    Saying(Letter("open", cum=D(1), size=D(3), price=PRICE, detailed=True), answers="stale"),
)
"""An order that has filled, by what is known here, and is larger at the venue."""

STATED: tuple[Saying, ...] = (*says("ack", "filled"), *fills("e1"), *states("open", 1, 2, 4))
"""Sizes that are stated, before and after the executions behind them."""

SETTLED: tuple[Saying, ...] = (
    *says("ack"),
    *fills("e1", "e2"),
    *says("filled", answers="last"),
    Saying(Letter("bust", ref_id="e1")),
    *says("pending_edit", "replaced", "edit refused", about="edit"),
    Saying(Letter("restated", size=D(4), cum=D(3))),
)
"""What is heard of an increase after an answer has said that the order has filled."""

OVERFILLED: tuple[Saying, ...] = (
    *fills("e1", "e2"),
    Saying(Letter("pending_edit", reqid="web-1", venue_id="V1"), about=None),
    *says("ack"),
)
"""More than was ordered, while a stranger's edit may explain it."""

CROSSED: tuple[Saying, ...] = (
    *says("ack", "pending_edit"),
    *fills("e1", "e2"),
    Saying(Letter("restated", size=D(1))),
    *says("replaced", about="edit"),
)
"""An order that fills, or is made as small as what has traded, while an edit of its price is out."""

RENAMED_BEFORE: tuple[Saying, ...] = (
    *says("ack"),
    *fills("e1"),
    Saying(Letter("bust", ref_id="e1")),
    Saying(Letter("open", cum=D(1), venue_id="V2"), answers="stale"),
    Saying(Letter("fill", exec_id="e2", venue_id="V2"), about=None),
    *says("open", answers="last"),
)
"""Looks at one that has another name by now, and of which an execution was undone."""

UNLINKED: tuple[str, ...] = ()


def themes() -> tuple[Theme, ...]:
    """The searches of the default run, smallest first."""
    return (
        Theme("alert", ALERT, says("open"), edits=(PRICED,)),
        Theme("alert until", ALERT_UNTIL, says("open"), edits=(PRICED,)),
        Theme("dark until", DARK_UNTIL, says("ack", "rejected", "error"), edits=(UP,), link=UNLINKED),
        Theme("lower limits", LIVE, WAITS, edits=(UP, DOWN), link_losses=0, link=UNLINKED, lowers=True),
        Theme("dark lower limits", DARK, WAITS, edits=(UP, DOWN), link_losses=0, link=UNLINKED, lowers=True),
        Theme("dark doubt", DARK, DOUBT, link=UNLINKED),
        Theme("dark doubt refused", DARK, DOUBT[:1] + DOUBT[-2:], link=UNLINKED),
        Theme("resend", AGAIN, ABSENCE + fills("e2"), edits=(UP,)),
        Theme("resend until", AGAIN_UNTIL, ABSENCE + says("error"), link=UNLINKED),
        Theme("resend lost", AGAIN, ABSENCE + LOST, cancels=0),
        Theme("resend lower limits", AGAIN, ABSENCE, lowers=True),
        Theme("dark resend", DARK_AGAIN, ABSENCE + LOST[:3], link=UNLINKED),
        Theme("marks", LIVE, MARKS, edits=(PRICED,), link_losses=0),
        Theme("halts", LIVE, HALTS, edits=(PRICED,), link_losses=0),
        Theme("dark halts", DARK, HALTS, link_losses=0),
        Theme("dark marks", DARK, (*MARKS, Saying(Letter("ack", venue_id="V2"))), cancels=0, link_losses=0),
        Theme("statements", LIVE, STATEMENTS, link_losses=0),
        Theme("ends stated", LIVE, ENDS_STATED, edits=(UP,), link_losses=0),
        Theme("immediate", IMMEDIATE, STATEMENTS, cancels=0, link_losses=0),
        Theme("editing", LIVE, EDITING, edits=(UP,), link_losses=0),
        Theme("two edits", LIVE, TWO_EDITS, edits=(UP, DOWN), cancels=0, link_losses=0),
        Theme("dark edits", DARK, TWO_EDITS, edits=(DOWN,), link_losses=0),
        Theme("increase", LIVE, (*TWO_EDITS, *EDITING[:4]), edits=(UP,), link_losses=0, grows=True),
        Theme("shown", LIVE, SHOWN, edits=(UP,), link_losses=0, grows=True),
        Theme("renamed", ONE, MARKS[:4] + says("pending_edit") + RENAMED, cancels=0, link_losses=0),
        Theme("dark foreign", DARK, FOREIGN, cancels=0, link_losses=0),
        Theme("shown down", LIVE, SHOWN, edits=(DOWN,), cancels=0, link_losses=1),
        Theme("foreign", LIVE, FOREIGN, edits=(UP,), link_losses=0),
        Theme("amended", LIVE, AMENDED, link_losses=0),
        Theme("dark amended", DARK, AMENDED, cancels=0, link_losses=0),
        Theme("restated", LIVE, RESTATED, link_losses=0),
        Theme("dark restated", DARK, RESTATED, cancels=0, link_losses=0),
        Theme("read before", LIVE, READ_BEFORE, cancels=0),
        Theme("amended before", LIVE, AMENDED_BEFORE, cancels=0),
        Theme("resized before", LIVE, RESIZED_BEFORE, edits=(UP,), cancels=0, link_losses=0),
        Theme("resized twice", LIVE, RESIZED_TWICE, edits=(UP, DOWN), cancels=0, link_losses=0),
        Theme("larger, amended", ONE, LARGER_AMENDED, cancels=0, link_losses=0),
        Theme("shown before", LIVE, UNACKED_BEFORE, edits=(UP,), cancels=0, link_losses=0),
        Theme("stated", replace(LIVE, size=D(3)), STATED, link_losses=0),
        Theme("settled", ONE, SETTLED, edits=(UP,), cancels=0, link_losses=0),
        Theme("overfilled", ONE, OVERFILLED, link_losses=0),
        Theme("weighed and cut off", ONE, RESTATED[:6]),
        Theme("crossed", LIVE, CROSSED, edits=(PRICED,), cancels=0, link_losses=0),
        Theme("larger", ONE, LARGER, edits=(UP,), cancels=0),
        Theme("renamed before", ONE, RENAMED_BEFORE, cancels=0),
        Theme("told before", LIVE, TOLD_BEFORE, cancels=0, link_losses=0),
        Theme("split", LIVE, SPLIT, cancels=0, link_losses=0, splits=1),
        Theme("amended edits", LIVE, AMENDED_EDITS, edits=(UP,), cancels=0, link_losses=0),
        Theme("amended increase", LIVE, AMENDED_EDITS, edits=(UP,), link_losses=0, grows=True),
        Theme("doubt", ONE, DOUBT, link=UNLINKED),
        Theme("doubt, no cancel", ONE, DOUBT[:-3], cancels=0, link=UNLINKED),
    )
