"""What must be true of one order, rebuilt from messages alone; part of :mod:`fsm_ems.testing.auditor`.

The fold rules, in words:

* An execution counts once, by its id. A bust takes it out, a correction puts another in its place; both
  hold for executions that were never seen, and whatever is undone stays undone.
* What traded is the sum of live executions, or the largest cumulative size a report stated, whichever is
  more. An undone execution lowers what was stated before by its size, a corrected one by the difference.
* Terms are those of the order; of an edit once the venue confirms it or executes under its id (which answers
  all earlier ones); of a restatement or an answer. The size never falls below what traded.
* Terms of an order that ended other than filled never change.
"""

from __future__ import annotations

from collections.abc import Hashable
from decimal import Decimal

from fsm_ems.dialogs.record import SendAbout
from fsm_ems.messages import (
    BrokerdFill,
    BrokerdRestated,
    BrokerdStatus,
    Edit,
    OrderDetails,
)
from fsm_ems.testing.audited_executions import ZERO, AuditedExecutions
from fsm_ems.testing.audited_parts import AuditedEdit, Waits, ended_as, is_over, lives
from fsm_ems.testing.clone import shallow

DEAD = frozenset({"cancelled", "rejected", "expired", "alert_triggered"})
"""Ends that stay what they are, but for a rejected order that proves to have traded."""


class AuditedOrder(AuditedExecutions, eq=False, gc=False):
    """One order as its messages tell it.

    *again*: its owner lets it be sent again where it never arrived; *lost* is the request that never did.
    *first* is the size that it began with, *wanted* are those that edits ever asked for, and *puzzled* that
    what was said of it may be of another time: it must become doubtful. *over* is the end that the venue
    told of it when it was filled.
    """

    owner: str
    oid: str
    broker: str
    size: Decimal
    price: Decimal | None
    alert: bool = False
    dark: bool = False
    immediate: bool = False
    expire_ns: int | None = None
    triggered: bool = False
    waits: Waits | None = None
    state: str = "new"
    sends: int = 0
    sent_due_ns: int = 0
    reqid: int | str | None = None
    arrived: bool = False
    place: tuple[str, str, str] = ("", "", "")
    wish: bool = False
    cancel_id: int | str | None = None
    cancel_due_ns: int = 0
    cancel_again_ns: int = 0
    cancel_every_ns: int = 0
    cancel_seen: bool = False
    cancel_named: bool = False
    edits: tuple[AuditedEdit, ...] = ()
    asked: int | str | None = None
    absences: int = 0
    vanished: bool = False
    unseen: bool = False
    over: str = ""
    split: bool = False
    first: Decimal = ZERO
    wanted: frozenset[tuple[str, Decimal]] = frozenset()
    puzzled: bool = False
    heard: bool = False
    again: bool = False
    lost: int | str | None = None

    def twin(self) -> AuditedOrder:
        """An equal one that shares nothing that can change."""
        twin = shallow(self)
        twin.live = self.live.copy()
        twin.moved = self.moved.copy()
        twin.worth = self.worth.copy()
        twin.gone = self.gone.copy()
        if self.edits:
            twin.edits = tuple([shallow(edit) for edit in self.edits])
        return twin

    # ── what follows ────────────────────────────────────────────────────────────────────────────────

    @property
    def at_venue(self) -> bool:
        """The venue may hold it: it was sent, or born there, and no end is known."""
        return bool(self.sends or self.arrived) and self.state not in DEAD and self.state != "filled"

    @property
    def cancel_out(self) -> bool:
        """A cancel left, or the venue showed one."""
        return self.cancel_seen or self.cancel_due_ns != 0

    def puzzled_by(self, report: BrokerdStatus) -> bool:
        """Whether what *report* tells of sizes may be of another time than now, and is no longer so.

        A look that answers no open question may be older than what was heard since: executions that were
        undone, or put into other units, be in its count, and it may have been filled when it was smaller.
        """
        cum, whole, undone = report.cum, report.status == "filled", bool(self.gone) or self.split
        resized = bool(self.wanted) or bool(self.edits) or self.size != self.first
        if not report.snapshot:  # it may have come twice, or been overtaken
            sizes = [edit.size for edit in self.edits if edit.out and edit.size]
            sizes = [] if cum is not None and self.had_before(cum) else sizes
            left = self.at_venue and self.filled < self.size
            more = left if cum is None else cum > self.filled and cum not in sizes
            smaller = resized and left and (cum is None or cum < self.size)
            explained = any(cum is None or size <= cum or cum > self.filled for size in sizes)
            return whole and ((smaller and not explained) or (undone and more))
        if self.answered_by(report):
            return False
        if undone:
            return whole or (cum is not None and (is_over(report) or cum > self.filled))
        return whole and resized and (cum is None or cum < self.size)

    def had_before(self, size: Decimal) -> bool:
        """Whether it may have had that size, a smaller one than now, before an edit."""
        edits = {edit.edit_id for edit in self.edits}
        asked = {wanted for edit_id, wanted in self.wanted if edit_id not in edits}
        return size < self.size and (size == self.first or size in asked)

    def wants(self, edit: Edit) -> None:
        """Its owner asks for another size."""
        if edit.size is not None:
            self.wanted |= {(edit.edit_id, edit.size)}

    def answered_by(self, report: BrokerdStatus) -> bool:
        """Whether it answers the last question; that it lives may be older than an event since."""
        asked = report.snapshot and self.asked is not None and report.query == self.asked
        return asked and not (self.heard and lives(report))

    def shown_larger(self, report: BrokerdStatus) -> bool:
        """Whether *report* shows it alive with more to trade, and by what is known here and it all traded."""
        details = report.details
        if details is None or report.status in ("filled", "absent") or is_over(report):
            return False
        cum, undone = report.cum or ZERO, bool(self.gone) or self.split
        if report.cum is not None and cum < self.filled and not undone:
            return False  # the older of the two
        return details.size > max(self.filled, cum) >= self.size

    def may_grow(self, edit: AuditedEdit, done: Decimal | None = None) -> bool:
        """Whether *edit*, at the venue, may leave more to trade of it than *done*, or than what traded."""
        out, done = edit.out and not edit.settled, self.filled if done is None else done
        return out and (not edit.edit_id if edit.size is None else edit.size > done)

    @property
    def growing(self) -> bool:
        """All of it traded, and an edit that may leave more is at the venue."""
        return self.filled >= self.size and any(self.may_grow(edit) for edit in self.edits)

    def grow(self) -> None:
        """All of it traded: it has not filled while what is out may leave more of it to trade."""
        for edit in self.edits:
            edit.increase = self.filled >= self.size and self.may_grow(edit)

    def overdue(self, now_ns: int) -> bool:
        """A request that only its answer, or doubt, can settle is past its deadline."""
        if not self.arrived:
            return 0 < self.sent_due_ns <= now_ns
        if self.cancel_out:
            return self.wish and 0 < self.cancel_due_ns <= now_ns
        return any(edit.out and not edit.settled and 0 < edit.due_ns <= now_ns for edit in self.edits)

    def expected(self) -> frozenset[str]:
        """The states that its facts allow."""
        if self.state in DEAD:
            return frozenset({self.state})
        if self.alert:
            return frozenset({"alert_open"})
        if self.puzzled:
            return frozenset({"unknown"})
        if self.filled >= self.size and not any(edit.out and edit.increase for edit in self.edits):
            return frozenset({"filled"})
        if self.state == "unknown":
            return frozenset({"unknown"})
        if self.dark and not self.triggered:
            return frozenset({"dark_open"})
        if not self.arrived:
            waiting = "cancel_stashed" if self.wish else "dark_triggered" if self.triggered else "pending"
            return frozenset({waiting})
        if self.cancel_out:
            return frozenset({"cancelling"})
        if any(edit.out and not edit.settled for edit in self.edits):
            return frozenset({"editing"})
        return frozenset({"acked", "open"})

    def key(self, now_ns: int) -> Hashable:
        """Everything that later checks depend on, without counters and clocks."""
        return (
            self.state, self.waits, self.size, self.price, self.sends, self.arrived, self.triggered,
            self.stated, self.wish, self.cancel_id is None, self.cancel_seen, self.cancel_named,
            self.asked is None, self.absences > 1, self.absences > 0, self.unseen, self.over, self.again,
            self.lost is None, self.vanished, self.split, self.first, self.wanted, self.puzzled, self.heard,
            self.cancel_every_ns,
            max(self.cancel_due_ns - now_ns, 0) if self.cancel_due_ns else None,
            max(self.cancel_again_ns - now_ns, 0) if self.cancel_due_ns else None,
            max(self.sent_due_ns - now_ns, 0) if self.sent_due_ns and not self.arrived else None,
            frozenset(self.live.items()), frozenset(self.gone.items()),
            tuple(
                (
                    edit.edit_id, edit.size, edit.price, edit.out, edit.increase, edit.settled,
                    max(edit.due_ns - now_ns, 0),
                )
                for edit in self.edits
            ),
        )  # fmt: skip  # one field a line says no more

    # ── terms and requests ──────────────────────────────────────────────────────────────────────────

    def fill(self, report: BrokerdFill) -> None:
        """Book an execution; under an edit's id it proves the edit."""
        if self.knows(report.exec_id):
            return
        edit = self.edit_of(report.reqid)
        if edit is not None and edit.edit_id:
            self.take_terms(edit, edit.size, edit.price)
        self.book(report)
        self.state_cum(None if self.gone or self.split else report.cum)

    def edit_of(self, reqid: int | str | None) -> AuditedEdit | None:
        """The open edit of that id."""
        if reqid is None:
            return None
        return next((edit for edit in self.edits if edit.reqid == reqid), None)

    def take_terms(self, edit: AuditedEdit, size: Decimal | None, price: Decimal | None) -> None:
        """*edit* is in force, and all that left before it are answered."""
        place = self.edits.index(edit)
        self.edits = (*(held for held in self.edits[:place] if not held.out), *self.edits[place + 1 :])
        self.reqid = edit.reqid or self.reqid
        if size is not None:
            self.size = max(size, self.filled)
        if price is not None:
            self.price = price

    def restated(self, report: BrokerdRestated) -> None:
        """The venue changes terms; a split changes what traded as well."""
        factor, self.split = report.split or Decimal(1), self.split or report.split is not None
        self.live = {exec_id: size * factor for exec_id, size in self.live.items()}
        self.stated = max(self.stated * factor, report.cum or ZERO)
        size = report.size if report.size is not None else self.size * factor
        self.size = max(size, self.filled)
        if report.price is not None:
            self.price = report.price
        elif report.split is not None and self.price is not None:
            self.price = self.price / report.split

    def weighs(self, report: BrokerdStatus) -> bool:
        """Whether an edit that the venue shows is one of those whose answers are awaited."""
        named = self.edit_of(report.reqid)
        return not named.settled if named else any(edit.out and not edit.settled for edit in self.edits)

    def edit_pending(self, report: BrokerdStatus) -> None:
        """The venue shows a replace request: ours that is out, or one that is not ours."""
        ours = (edit for edit in self.edits if edit.out and not edit.settled)
        out = self.edit_of(report.reqid) or next(ours, None)
        if out is None:
            out = AuditedEdit("", None, None, increase=self.filled >= self.size)
            out.reqid = report.reqid or ""
            self.edits = (*self.edits, out)
        out.out, out.settled = True, False

    def settle_edits(self, details: OrderDetails) -> None:
        """An answer after every deadline: what is not in force by then never will be."""
        for edit in reversed(self.edits):
            terms = (edit.size or self.size, edit.price or self.price)
            if edit.out and terms == (details.size, details.price):
                self.take_terms(edit, edit.size, edit.price)
                break
        self.edits = tuple(edit for edit in self.edits if not edit.out)
        self.size, self.price = max(details.size, self.filled), details.price or self.price

    def whole(self, cum: Decimal | None) -> None:
        """All of it traded: the size in force, or the number the venue names, which an edit may explain."""
        if self.filled >= self.size:
            return
        if cum is None:
            self.stated = self.size
            return
        for edit in reversed(self.edits):
            if edit.out and edit.size is not None and edit.size <= cum:
                self.take_terms(edit, edit.size, edit.price)
                break
        self.size = self.filled

    def forget_requests(self) -> None:
        """It ended: nothing about it is open any more, but for requests that crossed its last fill."""
        if self.state != "filled":
            self.cancel_over()
            self.edits = ()
            return
        if not self.cancel_out:
            self.cancel_over()
        self.edits = tuple(edit for edit in self.edits if edit.out)
        for edit in self.edits:
            edit.increase = False

    def ended_filled(self, report: BrokerdStatus) -> None:
        """The venue ended it, and all of it had traded: no bust makes it live again, the first end counts."""
        self.cancel_over()
        self.edits = ()
        self.over = self.over or ended_as(report, immediate=self.immediate)

    def cancel_left(self, send: SendAbout, most_ns: int) -> None:
        """A cancel was sent; the next is due at its deadline, of a lost order in double time, up to this."""
        self.cancel_named, twice_ns = False, min(2 * self.cancel_every_ns, most_ns)
        self.cancel_id, self.cancel_due_ns = send.reqid, send.deadline_ns
        self.cancel_every_ns = send.deadline_ns - send.time_ns
        if self.vanished:
            self.cancel_every_ns = max(self.cancel_every_ns, twice_ns)
        self.cancel_again_ns = send.time_ns + self.cancel_every_ns

    def absent(self) -> None:
        """The answer did not show it; of one that the venue had, twice means that it lost it."""
        self.vanished = self.arrived and self.absences > 0
        self.absences += 1
        self.asked = None

    def in_doubt(self) -> None:
        """It came into doubt: a cancel is sent again at its deadline."""
        self.asked, self.cancel_again_ns, self.puzzled, self.heard = None, self.cancel_due_ns, False, False
        self.grow()

    def leaves_again(self) -> None:
        """What was sent never arrived, and it is sent once more."""
        self.lost = self.reqid
        self.found()

    def found(self) -> None:
        """It is in doubt no more."""
        self.absences, self.unseen, self.vanished, self.heard = 0, False, False, False

    def cancel_over(self) -> None:
        """The cancel is answered."""
        self.wish = self.cancel_seen = self.cancel_named = False
        self.cancel_id = None
        self.cancel_due_ns = self.cancel_again_ns = self.cancel_every_ns = 0
