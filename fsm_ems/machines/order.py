"""The life of one order, as a table. This file is the program: code, diagrams and docs come from it.

Three things are kept apart. *Quantities* are executions by exec id and the largest cumulative size a
report stated. *Open requests* are a cancel and edits, each by its own id. The *lifecycle state* is what
this table moves, and it can always be derived again from the other two
(:func:`fsm_ems.dialogs.facts.derive`). No remembered "previous state" is ever restored, because fills
arrive meanwhile (FIX order state change matrices, B.1.b).

Rules every row keeps:

* A request changes nothing until the venue confirms it.
* Executions are taken in every state a venue may hold the order in, ends included.
* ``unknown`` is left by evidence only; a refusal or a passing hour is no evidence.
* Ends are quiet, not frozen: late fills, busts and corrections are booked, and a bust may reopen
  ``filled``. ``cancelled`` and ``expired`` stay what they are.
* Where one report settles a request while another is still open, a second step follows in the same
  record: ``resume_cancel`` or ``resume_edit``.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from itertools import chain
from typing import TYPE_CHECKING

from fsm_ems.machines.order_events import COLUMNS, OrderEvent
from fsm_ems.machines.table import Row, Table, plain_members, rows


class OrderState(StrEnum):
    """Where an order stands; the last five are ends."""

    NEW = "new"
    DARK_OPEN = "dark_open"
    ALERT_OPEN = "alert_open"
    PENDING = "pending"
    DARK_TRIGGERED = "dark_triggered"
    CANCEL_STASHED = "cancel_stashed"
    ACKED = "acked"
    OPEN = "open"
    EDITING = "editing"
    CANCELLING = "cancelling"
    UNKNOWN = "unknown"
    FILLED = "filled"
    CANCELLED = "cancelled"
    REJECTED = "rejected"
    EXPIRED = "expired"
    ALERT_TRIGGERED = "alert_triggered"

    __hash__ = str.__hash__


if TYPE_CHECKING:
    S = OrderState
    E = OrderEvent
else:
    S = plain_members(OrderState)
    E = plain_members(OrderEvent)
_Rows = Iterator[Row[OrderState, OrderEvent]]

UNACKED = (S.PENDING, S.DARK_TRIGGERED, S.CANCEL_STASHED)
RESTING = (S.ACKED, S.OPEN, S.EDITING, S.CANCELLING)
AT_VENUE = (*UNACKED, *RESTING, S.UNKNOWN)
QUIET = (S.FILLED, S.CANCELLED, S.EXPIRED)
ENDS = (S.FILLED, S.CANCELLED, S.REJECTED, S.EXPIRED, S.ALERT_TRIGGERED)


def _birth() -> _Rows:
    yield Row(S.NEW, E.SUBMIT, S.PENDING, "main", "accepted and durable; the broker is next")
    yield Row(
        S.NEW, E.SUBMIT_DARK, S.DARK_OPEN, "dark", "held here until its price is met; the venue knows nothing"
    )
    yield Row(S.NEW, E.SUBMIT_ALERT, S.ALERT_OPEN, "alert", "waits for its price; never sends anything")
    yield Row(S.NEW, E.ADOPT, S.ACKED, "external", "born at the venue: phone, web page or another program")
    yield from rows(
        (S.PENDING, S.DARK_TRIGGERED), E.SENDING, None, "main", "it waited for the link, which is up"
    )
    unsent = (S.PENDING, S.DARK_TRIGGERED)
    yield from rows(unsent, E.WITHHELD, S.REJECTED, "end", "a limit now in force forbids it: it never left")
    yield Row(S.DARK_OPEN, E.TRIGGER, S.DARK_TRIGGERED, "dark", "its price was met; it fires this once")
    yield Row(S.ALERT_OPEN, E.ALERT, S.ALERT_TRIGGERED, "alert", "its price was met and the owner is told")


def _proof_of_arrival(event: OrderEvent, story: str, reason: str) -> _Rows:
    """A report about an order that rests or trades: it has arrived, acknowledged or not."""
    yield from rows((S.PENDING, S.DARK_TRIGGERED, S.ACKED), event, S.OPEN, story, reason)
    yield Row(S.CANCEL_STASHED, event, S.CANCELLING, "stash", f"{reason}; the stashed cancel leaves now")


def _arrival() -> _Rows:
    yield Row(S.PENDING, E.ACK, S.ACKED, "main", "the venue gave its id")
    yield Row(S.DARK_TRIGGERED, E.ACK, S.ACKED, "dark", "the venue gave its id")
    yield Row(
        S.CANCEL_STASHED, E.ACK, S.CANCELLING, "stash", "the venue gave its id; the stashed cancel leaves now"
    )
    yield from rows(
        (*RESTING, *QUIET, S.REJECTED), E.ACK, None, "late", "it came late; only the venue's id is noted"
    )
    yield from _proof_of_arrival(E.OPENED, "main", "it rests on the book")
    yield from rows(
        (S.OPEN, S.EDITING, S.CANCELLING), E.OPENED, None, "main", "still resting; open requests stay open"
    )
    for event, reason in (
        (E.DONE_FOR_DAY, "nothing more trades today; it comes back"),
        (E.STOPPED, "a guarantee is no execution"),
        (E.SUSPENDED, "held back by the venue until it is released"),
    ):
        yield from _proof_of_arrival(event, "venue", reason)
        yield from rows((S.OPEN, S.EDITING, S.CANCELLING), event, None, "venue", reason)
    yield from rows(AT_VENUE, E.REJECTED, S.REJECTED, "end", "the venue refused it; legal even after an ack")
    yield from rows(
        (*RESTING, *QUIET), E.DUPLICATE_REFUSED, None, "late", "a second copy was refused; the order stands"
    )


def _executions() -> _Rows:
    yield from _proof_of_arrival(E.FILL, "main", "an execution is proof of arrival")
    yield from rows(
        (S.OPEN, S.EDITING, S.CANCELLING), E.FILL, None, "main", "part of it traded under the terms in force"
    )
    yield Row(S.FILLED, E.FILL, S.FILLED, "late", "an execution behind a quantity that was only stated")
    yield from rows(
        (S.CANCELLED, S.EXPIRED), E.FILL, None, "late", "it traded before it ended: booked, leaves 0"
    )
    yield Row(S.REJECTED, E.FILL, S.CANCELLED, "late", "it had traded, so it was no plain refusal")
    yield from rows(AT_VENUE, E.FILL_COMPLETE, S.FILLED, "main", "nothing is left to trade")
    yield from rows(
        (S.FILLED, S.EDITING, S.CANCELLING),
        E.OVERFILL,
        None,
        "late",
        "more than ordered traded: booked, alarmed",
    )
    yield Row(
        S.EDITING,
        E.REPLACED_BY_FILL,
        S.OPEN,
        "edit",
        "a fill under the edit's id proves the edit took effect",
    )
    yield from rows(
        AT_VENUE,
        E.FILLED_STATED,
        S.FILLED,
        "main",
        "the venue states the whole size; its executions are missing",
    )
    yield from rows(
        (S.OPEN, S.EDITING, S.CANCELLING, *QUIET),
        E.STATED,
        None,
        "venue",
        "the venue states more than is booked",
    )


def _amended_executions() -> _Rows:
    for event, reason in ((E.BUST, "an execution was undone"), (E.CORRECTED, "an execution was restated")):
        yield from _proof_of_arrival(event, "venue", reason)
        yield from rows((S.OPEN, S.EDITING, S.CANCELLING, S.UNKNOWN), event, None, "venue", reason)
        yield from rows(QUIET, event, None, "late", f"{reason}; the end stands")
    yield Row(S.REJECTED, E.BUST, S.REJECTED, "late", "an execution never seen was undone")
    yield Row(S.REJECTED, E.CORRECTED, S.CANCELLED, "late", "it had traded, so it was no plain refusal")
    yield Row(
        S.FILLED, E.BUST_REOPENS, S.OPEN, "late", "an execution was undone: there is something left again"
    )
    yield Row(
        S.FILLED, E.CORRECTED_REOPENS, S.OPEN, "late", "an execution shrank: there is something left again"
    )
    yield from rows(AT_VENUE, E.CORRECTED_COMPLETES, S.FILLED, "venue", "an execution grew: nothing is left")


def _restatements() -> _Rows:
    yield from _proof_of_arrival(E.RESTATED, "venue", "the venue changed terms of what it holds")
    held = (S.OPEN, S.EDITING, S.CANCELLING, S.FILLED)
    yield from rows(held, E.RESTATED, None, "venue", "new terms without a request; open requests stay")
    yield from rows(
        AT_VENUE, E.RESTATED_COMPLETES, S.FILLED, "venue", "the new size is no more than what traded"
    )
    yield Row(
        S.FILLED,
        E.RESTATED_REOPENS,
        S.OPEN,
        "late",
        "the venue raised the size: there is something left again",
    )


def _cancels() -> _Rows:
    unsent = (S.PENDING, S.DARK_TRIGGERED, S.DARK_OPEN, S.ALERT_OPEN)
    yield from rows(
        unsent, E.CANCEL_UNSENT, S.CANCELLED, "cancel", "nothing had left, so nothing needs to be recalled"
    )
    yield from rows(
        (S.PENDING, S.DARK_TRIGGERED),
        E.CANCEL,
        S.CANCEL_STASHED,
        "stash",
        "sent but not acked: the cancel waits for the id",
    )
    yield from rows(
        (S.ACKED, S.OPEN, S.EDITING), E.CANCEL, S.CANCELLING, "cancel", "the cancel request goes out"
    )
    yield Row(
        S.CANCELLING,
        E.CANCEL,
        S.CANCELLING,
        "cancel",
        "a stranger's cancel is open; the owner's goes out beside it",
    )
    yield Row(
        S.UNKNOWN, E.CANCEL, S.UNKNOWN, "cancel", "the wish is kept and driven; the outcome is still unproven"
    )
    yield Row(S.UNKNOWN, E.REDRIVE, S.UNKNOWN, "cancel", "no answer: the cancel is sent again")
    yield from rows(
        (S.OPEN, S.ACKED, S.FILLED), E.RESUME_CANCEL, S.CANCELLING, "cancel", "a cancel is still wanted"
    )
    yield from rows(
        (*UNACKED, S.ACKED, S.OPEN, S.EDITING, S.CANCELLING),
        E.CANCEL_PENDING,
        S.CANCELLING,
        "cancel",
        "the venue has a cancel request and weighs it",
    )
    yield Row(S.FILLED, E.CANCEL_PENDING, S.FILLED, "late", "the venue weighs a cancel that came too late")
    yield from rows(
        AT_VENUE, E.CANCELLED, S.CANCELLED, "end", "cancelled, on request or not; what traded stays"
    )
    yield Row(
        S.FILLED, E.CANCELLED, S.FILLED, "late", "filled outranks cancelled; noted, should a bust reopen it"
    )


def _cancels_refused() -> _Rows:
    yield Row(S.CANCELLING, E.CANCEL_REFUSED, S.OPEN, "cancel", "refused: the wish ends, the order lives on")
    yield Row(
        S.CANCELLING,
        E.CANCEL_REFUSED_ACKED,
        S.ACKED,
        "cancel",
        "refused before it rested: the order lives on",
    )
    yield Row(
        S.CANCELLING,
        E.CANCEL_REFUSED_FILLED,
        S.FILLED,
        "cancel",
        "refused: it had filled before its increase",
    )
    yield Row(
        S.CANCEL_STASHED,
        E.CANCEL_REFUSED,
        S.PENDING,
        "stash",
        "refused unseen: no proof that the order is dead",
    )
    yield Row(
        S.CANCEL_STASHED,
        E.CANCEL_REFUSED_DARK,
        S.DARK_TRIGGERED,
        "stash",
        "refused unseen: no proof that the order is dead",
    )
    yield Row(S.FILLED, E.CANCEL_REFUSED, S.FILLED, "late", "too late: it had filled; the request is closed")


def _edits() -> _Rows:
    yield from rows(
        (S.ACKED, S.OPEN), E.EDIT, S.EDITING, "edit", "the replace request goes out; old terms stay in force"
    )
    yield Row(S.FILLED, E.EDIT, S.EDITING, "edit", "an increase of a filled order, where the broker can")
    held = (S.PENDING, S.DARK_TRIGGERED, S.EDITING, S.UNKNOWN)
    yield from rows(held, E.EDIT_HELD, None, "edit", "kept until the venue can take it, one at a time")
    unsent = (S.PENDING, S.DARK_TRIGGERED, S.DARK_OPEN, S.ALERT_OPEN)
    yield from rows(unsent, E.EDIT_LOCAL, None, "edit", "nothing had left, so the terms change here")
    yield from rows((S.ACKED, S.OPEN), E.EDIT_SENT, S.EDITING, "edit", "the held edit goes out")
    withheld = "a limit now in force forbids the held edit: it is dropped, the old terms stay"
    yield from rows((S.ACKED, S.OPEN), E.EDIT_WITHHELD, None, "edit", withheld)
    yield from rows(
        (S.OPEN, S.ACKED, S.FILLED), E.RESUME_EDIT, S.EDITING, "edit", "another edit is still out"
    )
    arrived = (S.PENDING, S.DARK_TRIGGERED, S.ACKED, S.OPEN, S.EDITING)
    yield from rows(
        arrived, E.EDIT_PENDING, S.EDITING, "edit", "the venue has a replace request and weighs it"
    )
    yield Row(
        S.CANCEL_STASHED,
        E.EDIT_PENDING,
        S.CANCELLING,
        "stash",
        "it has arrived; the stashed cancel leaves now",
    )
    yield from rows(
        (S.CANCELLING, S.FILLED), E.EDIT_PENDING, None, "edit", "the venue weighs an edit; this outranks it"
    )
    shown = (S.PENDING, S.DARK_TRIGGERED, S.EDITING)
    yield from rows(shown, E.REPLACED, S.OPEN, "edit", "the new terms are in force")
    yield Row(
        S.CANCELLING, E.REPLACED, S.CANCELLING, "edit", "the new terms are in force; the cancel is still open"
    )
    yield Row(
        S.FILLED, E.REPLACED, S.FILLED, "late", "a late answer: the new size is no more than what traded"
    )
    yield from rows(
        (S.EDITING, S.CANCELLING, S.UNKNOWN),
        E.REPLACED_COMPLETES,
        S.FILLED,
        "edit",
        "the new size is no more than what traded",
    )
    yield Row(
        S.FILLED,
        E.REPLACED_REOPENS,
        S.OPEN,
        "late",
        "an edit that crossed the last fill left something to trade",
    )


def _edits_refused() -> _Rows:
    yield Row(S.EDITING, E.EDIT_REFUSED, S.OPEN, "edit", "refused: the old terms stay")
    yield Row(
        S.EDITING, E.EDIT_REFUSED_ACKED, S.ACKED, "edit", "refused before it rested: the old terms stay"
    )
    yield from rows(
        (S.EDITING, S.CANCELLING),
        E.EDIT_REFUSED_FILLED,
        S.FILLED,
        "edit",
        "the increase of a filled order was refused",
    )
    refused = (S.PENDING, S.DARK_TRIGGERED, S.CANCELLING, S.UNKNOWN, S.FILLED)
    yield from rows(refused, E.EDIT_REFUSED, None, "edit", "the request is closed; nothing else changes")


def _ends() -> _Rows:
    yield from rows(AT_VENUE, E.EXPIRED, S.EXPIRED, "end", "its time in force ran out; what traded stays")
    yield from rows(
        (S.DARK_OPEN, S.ALERT_OPEN), E.EXPIRED, S.EXPIRED, "end", "its time ran out before its price was met"
    )
    yield Row(
        S.FILLED, E.EXPIRED, S.FILLED, "late", "filled outranks expired; noted, should a bust reopen it"
    )
    yield from rows(
        AT_VENUE,
        E.CALCULATED,
        S.EXPIRED,
        "end",
        "its costs are worked out: no more trades; what traded stays",
    )
    yield Row(
        S.FILLED, E.CALCULATED, S.FILLED, "late", "its costs are worked out; noted, should a bust reopen it"
    )
    ended = (S.CANCELLED, S.EXPIRED)
    yield from rows(ended, E.CALCULATED, None, "late", "its costs are worked out; the end stands")


def _doubt() -> _Rows:
    waiting = (*UNACKED, S.EDITING, S.CANCELLING)
    yield from rows(waiting, E.DEADLINE, S.UNKNOWN, "doubt", "no answer in time proves nothing either way")
    doubtful = (*UNACKED, *RESTING)
    yield from rows(doubtful, E.AMBIGUOUS, S.UNKNOWN, "doubt", "the reply does not tell what happened")
    yield from rows(doubtful, E.LINK_LOST, S.UNKNOWN, "doubt", "from here on anything may happen unseen")
    yield Row(S.UNKNOWN, E.ASK, S.UNKNOWN, "doubt", "the venue is asked what it knows")
    yield Row(S.UNKNOWN, E.MISSING, S.UNKNOWN, "doubt", "one read without it is not yet proof of absence")
    yield Row(
        S.UNKNOWN, E.ABSENT, S.REJECTED, "doubt", "never acknowledged and twice not found: it never arrived"
    )
    yield Row(S.UNKNOWN, E.FOUND_ACKED, S.ACKED, "doubt", "evidence: the venue has it, not yet resting")
    yield Row(S.UNKNOWN, E.FOUND_OPEN, S.OPEN, "doubt", "evidence: it rests or trades at the venue")
    yield Row(
        S.UNKNOWN, E.FOUND_FILLED, S.FILLED, "doubt", "evidence: filled, and its increase is not in force"
    )


ORDER: Table[OrderState, OrderEvent] = Table(
    "order",
    initial=S.NEW,
    ends=ENDS,
    rows=chain(
        _birth(),
        _arrival(),
        _executions(),
        _amended_executions(),
        _restatements(),
        _cancels(),
        _cancels_refused(),
        _edits(),
        _edits_refused(),
        _ends(),
        _doubt(),
    ),
    columns=COLUMNS,
)
