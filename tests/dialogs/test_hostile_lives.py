"""Lives in which anything may be asked and told at any time, in any order, with any size.

The exhaustive search takes small alphabets to their ends; here the numbers are many, edits chain, executions
are undone twice, and looks of any age come between. The auditor looks on, and besides: nothing is filled of
which more may trade, something is due wherever an answer is awaited, and a venue that falls silent is not
asked more and more.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any, NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from fsm_ems.brokerd import PositionReport
from fsm_ems.dialogs.facts import Dialog, EditRequest
from fsm_ems.dialogs.settings import Capabilities, Settings
from fsm_ems.errors import InvalidMessage, InvalidReport
from fsm_ems.messages import parse_command, parse_report
from fsm_ems.testing.inputs import Commanded, Heard
from fsm_ems.testing.stateful import BROKER, LIVES, MARKET, SECOND_NS, EMSMachine

ENDS = ("filled", "cancelled", "rejected", "expired", "alert_triggered")
AWAITING = ("editing", "cancelling", "unknown")
SILENCE, PATIENCE = 20, 5
"""So often so many seconds pass at the end, and nobody says anything."""
MOST_ASKED = 3 * SILENCE
"""Records that they may lead to: a question, its deadline and a cancel driven again, each."""


class Saying(NamedTuple):
    """Something done: *what*, with these fields."""

    what: str
    fields: Mapping[str, Any]


# ── what may be said ────────────────────────────────────────────────────────────────────────────────────


def saying(what: str, **fields: st.SearchStrategy[object]) -> st.SearchStrategy[Saying]:
    """*what*, with each of *fields* or without: what is None is left out."""
    drawn = st.fixed_dictionaries(fields).map(
        lambda given: {name: value for name, value in given.items() if value is not None}
    )
    return st.builds(Saying, st.just(what), drawn)


def maybe(*values: object) -> st.SearchStrategy[object]:
    return st.sampled_from((None, *values))


def one(*values: object) -> st.SearchStrategy[object]:
    return st.sampled_from(values)


SIZES = ("1", "4", "5", "6", "10", "12", "20", "30")
REQUESTS = st.integers(0, 3)
"""Which of its requests a report names, the newest first."""
VENUE_IDS = maybe("V1", "V1", "V2")
PLACES = st.integers(0, 5)
"""Which execution is undone, the newest first."""
YES = st.just(value=True)
DETAILS = st.none() | st.builds(
    lambda size, price: {"market": MARKET, "side": "buy", "size": size, "price": price, "type": "limit"},
    one("4", "10", "12", "20", "30"),
    one("99", "100"),
)
ALIVE = ("open", "filled", "pending_edit", "pending_cancel", "stopped", "suspended", "pending_new")
OVER = ("cancelled", "expired", "calculated", "rejected", "done_for_day")

OFTEN = (
    saying("edit", size=one("12", "20", "30"), price=maybe("98", "99")),
    saying("edit", size=maybe("4", "10", "20"), price=maybe("98", "99")),
    saying("fill", size=one("1", "2", "4"), which=REQUESTS),
    saying("fill", size=one(*SIZES), cum=maybe("5", "10", "12"), which=REQUESTS, venue_id=VENUE_IDS),
    saying("replaced", size=maybe(*SIZES), price=maybe("99"), which=REQUESTS, venue_id=VENUE_IDS),
    saying("refused", request=one("edit", "cancel"), code=one("other", "too_late"), which=REQUESTS),
    saying("status", status=one(*ALIVE), cum=maybe("1", "4", "10"), which=REQUESTS, venue_id=VENUE_IDS),
    saying("look", status=one("open", "filled"), cum=maybe(*SIZES), details=DETAILS, answers=YES),
    saying("look", status=one(*ALIVE), cum=maybe(*SIZES), details=DETAILS, answers=st.booleans()),
    saying("wait", seconds=one(0, 1, 3, 6, 11)),
)
SELDOM = (
    saying("cancel"),
    saying("bust", ref=PLACES, which=REQUESTS),
    saying("correction", ref=PLACES, size=one("1", "2", "5", "12"), which=REQUESTS),
    saying("restated", split=one("2", "0.5"), which=REQUESTS),
    saying("restated", size=one(*SIZES), cum=maybe("4", "10"), which=REQUESTS),
    saying("refused", request=one("submit"), code=one("other", "unknown_order"), which=REQUESTS),
    saying("error", text=one("503"), which=REQUESTS),
    saying("status", status=one(*OVER), cum=maybe(*SIZES), resumes=st.none() | YES, which=REQUESTS),
    saying("look", status=one(*OVER), cum=maybe(*SIZES), details=DETAILS, answers=st.booleans()),
    saying("look", status=one("absent"), answers=YES),
    saying("lost", seconds=one(0, 3)),
)
SAYINGS = st.one_of(*OFTEN, *OFTEN, *OFTEN, *SELDOM)
ORDERS = one(
    {},
    {},
    {},
    {"tif": "ioc"},
    {"tif": "fok"},
    {"tif": "gtd", "expire_ns": 40 * SECOND_NS},
    {"if_absent": "resend"},
    {"mode": "dark", "direction": "at_or_below"},
)
VENUES = st.booleans().map(lambda reopens: Capabilities(reopen_filled=reopens, history=False))


# ── how it is said ──────────────────────────────────────────────────────────────────────────────────────


class Life(EMSMachine):
    """One order of 10 at 100, and a venue that says what it is told to."""

    def __init__(self, venue: Capabilities, order: Mapping[str, object]) -> None:
        type(self).ems_settings = Settings(request_deadline_ns=PATIENCE * SECOND_NS, brokers={BROKER: venue})
        super().__init__()
        self.execs: list[str] = []
        self.begin()
        terms = {"side": "buy", "market": MARKET, "size": "10", "price": "100"}
        self._command("order", **terms, **order)

    @property
    def order(self) -> Dialog:
        dialog = self.dispatcher.book.dialog("alice", "o")
        assert dialog is not None
        return dialog

    def say(self, said: Saying) -> None:
        """Do it. What no message can be is not said; what the dispatcher refuses changes nothing."""
        fields = dict(said.fields)
        with suppress(InvalidMessage, InvalidReport):
            match said.what:
                case "edit":
                    self.edit_count += 1
                    self._command("edit", edit_id=f"e{self.edit_count}", **fields)
                case "cancel":
                    self._command("cancel")
                case "wait":
                    self.wait(fields["seconds"])
                case "lost":
                    self.break_link()
                    self.wait(fields["seconds"])
                    self.connect()
                case "look":
                    self._look(**fields)
                case _:
                    self._report(said.what, **fields)

    def _command(self, name: str, **fields: object) -> None:
        self.give(Commanded("alice", parse_command({"name": name, "oid": "o", **fields})))

    def _hear(self, name: str, **fields: object) -> None:
        report = parse_report({"name": f"brokerd_{name}", "time_ns": self.now_ns, **fields})
        assert not isinstance(report, PositionReport), "none is among the sayings"
        self.give(Heard(BROKER, report))

    def _report(self, name: str, *, which: int, ref: int | None = None, **fields: object) -> None:
        reqids = [*reversed(self.order.reqids), self.order.reqid]
        if name in ("fill", "bust", "correction"):
            exec_id = f"{name}-{len(self.execs)}"
            fields["exec_id"] = exec_id
            if ref is not None:
                fields["ref_id"] = self.execs[-1 - ref % len(self.execs)] if self.execs else "never seen"
            if name != "bust":
                fields["price"] = "100"
            self.execs.append(exec_id)
        self._hear(name, reqid=reqids[which % len(reqids)], **fields)

    def _look(self, *, answers: bool, **fields: object) -> None:
        query = self.order.asked if answers else None
        self._hear("status", reqid=self.order.reqid, snapshot=True, query=query, **fields)

    def check(self) -> None:
        """What must hold after anything."""
        self.the_book_is_what_the_auditor_says()
        self.states_follow_from_facts()
        order = self.order
        state, more = order.state.value, any(may_grow(edit, order) for edit in order.edits)
        if state == "filled":
            assert order.complete, "it is filled when all of it traded"
            assert not more, "and when no more of it may trade"
        elif order.complete and state not in ENDS:
            assert more, f"all of it traded, and it is {state}"
        if state in AWAITING:
            assert self.dispatcher.next_due_ns() is not None, f"it is {state} for good"


def may_grow(edit: EditRequest, order: Dialog) -> bool:
    """It is out, awaits its answer and asks for more than has traded; a stranger's may ask for anything."""
    if not edit.out or edit.settled:
        return False
    return edit.size > order.filled if edit.size is not None else not edit.edit_id


@settings(LIVES, max_examples=400)
@given(ORDERS, VENUES, st.integers(0, 2), st.lists(SAYINGS, min_size=6, max_size=25))
def test_any_life_stands_on_its_facts(
    order: dict[str, object], venue: Capabilities, begun: int, sayings: list[Saying]
) -> None:
    life = Life(venue, order)
    if order.get("mode") == "dark":
        life.fire("alice", "o")
    for status in ("pending_new", "open")[:begun]:
        life.say(Saying("status", {"status": status, "which": 0, "venue_id": "V1"}))
    for said in sayings:
        life.say(said)
        life.check()

    began = len(life.records)
    for _ in range(SILENCE):
        life.wait(PATIENCE)
        life.check()
    assert len(life.records) - began <= MOST_ASKED, "nobody answers, and it asks more and more"
    life.teardown()
