"""The life of one order, as a table. This file is the program: code, diagrams and docs come from it.

Three things are kept apart. *Quantities* are executions by exec id and the largest cumulative size a
report stated. *Open requests* are a cancel and edits, each by its own id. The *lifecycle state* is what
this table moves, and it can always be derived again from the other two
(:func:`fsm_ems.dialogs.facts.derive`). No remembered "previous state" is ever restored, because fills
arrive meanwhile (FIX order state change matrices, B.1.b).

Rules every row keeps:

* A request changes nothing until the venue confirms it.
* Executions are taken in every state a venue may hold the order in, ends included.
* ``unknown`` is left by evidence only; a refusal or a passing hour is no evidence. After a lost link, which
  may have hidden executions, evidence is the answer to a question, or an end.
* What was sent leaves again only where it is proven never to have arrived, its owner allows it and wants no
  cancel.
* An order does not fill while an edit is out that may leave more of it to trade.
* Ends are quiet, not frozen: late fills, busts and corrections are booked. ``filled`` may be reopened, as by
  a bust, or doubted, where the venue shows more of the order. ``cancelled`` and ``expired`` stay what they are.
* Where one report settles a request while another is still open, a second step follows in the same
  record: ``resume_cancel`` or ``resume_edit``.
"""

from __future__ import annotations

from itertools import chain

from fsm_ems.machines.order_events import COLUMNS, OrderEvent
from fsm_ems.machines.order_requests import cancels, cancels_refused, edits, edits_refused
from fsm_ems.machines.order_states import AT_VENUE, ENDS, QUIET, RESTING, UNACKED, E, OrderState, Rows, S
from fsm_ems.machines.table import Row, Table, rows

__all__ = ["AT_VENUE", "ENDS", "ORDER", "QUIET", "RESTING", "UNACKED", "E", "OrderState", "S"]


def _birth() -> Rows:
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
    yield Row(S.DARK_OPEN, E.STOP, S.DARK_TRIGGERED, "dark", "the market went against it as far as its stop")
    yield Row(S.DARK_OPEN, E.TOUCH, S.DARK_TRIGGERED, "dark", "the market came to its price and touched it")
    yield Row(
        S.DARK_OPEN,
        E.TRAIL_STOP,
        S.DARK_TRIGGERED,
        "dark",
        "the market turned and met the stop that trailed it",
    )
    yield Row(
        S.DARK_OPEN, E.TRAIL, S.DARK_OPEN, "dark", "the market went its way: the stop follows at its distance"
    )
    yield Row(
        S.DARK_OPEN,
        E.MET,
        S.DARK_OPEN,
        "dark",
        "a print met its price; it waits for a quote it can go out at",
    )
    yield Row(S.ALERT_OPEN, E.ALERT, S.ALERT_TRIGGERED, "alert", "its price was met and the owner is told")


def _proof_of_arrival(event: OrderEvent, story: str, reason: str) -> Rows:
    """A report about an order that rests or trades: it has arrived, acknowledged or not."""
    yield from rows((S.PENDING, S.DARK_TRIGGERED, S.ACKED), event, S.OPEN, story, reason)
    yield Row(S.CANCEL_STASHED, event, S.CANCELLING, "stash", f"{reason}; the stashed cancel leaves now")


def _arrival() -> Rows:
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


def _executions() -> Rows:
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


def _amended_executions() -> Rows:
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


def _restatements() -> Rows:
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


def _ends() -> Rows:
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


def _doubt() -> Rows:
    waiting = (*UNACKED, S.EDITING, S.CANCELLING)
    yield from rows(waiting, E.DEADLINE, S.UNKNOWN, "doubt", "no answer in time proves nothing either way")
    doubtful = (*UNACKED, *RESTING)
    yield from rows(doubtful, E.AMBIGUOUS, S.UNKNOWN, "doubt", "the reply does not tell what happened")
    yield from rows(doubtful, E.LINK_LOST, S.UNKNOWN, "doubt", "from here on anything may happen unseen")
    yield Row(S.FILLED, E.AMBIGUOUS, S.UNKNOWN, "doubt", "the venue shows more of it than is known here")
    yield Row(
        S.UNKNOWN, E.AMBIGUOUS, S.UNKNOWN, "doubt", "a look of some time: an answer has to tell the rest"
    )
    yield from rows(RESTING, E.UNLISTED, S.UNKNOWN, "doubt", "the venue's list of open orders lacks it")
    yield Row(S.UNKNOWN, E.LINK_LOST, S.UNKNOWN, "doubt", "lost again: older questions count no more")
    yield Row(S.UNKNOWN, E.ASK, S.UNKNOWN, "doubt", "the venue is asked what it knows")
    yield Row(S.UNKNOWN, E.MISSING, S.UNKNOWN, "doubt", "one read without it is not yet proof of absence")
    yield Row(
        S.UNKNOWN, E.ABSENT, S.REJECTED, "doubt", "never acknowledged and twice not found: it never arrived"
    )
    yield Row(
        S.UNKNOWN,
        E.RESEND,
        S.PENDING,
        "doubt",
        "it never arrived, and may be sent again: once, under a new id",
    )
    yield Row(
        S.UNKNOWN,
        E.RESEND_DARK,
        S.DARK_TRIGGERED,
        "doubt",
        "it never arrived, and may be sent again; it does not fire again",
    )
    for event, seen in ((E.SEEN_ACKED, "the venue has it"), (E.SEEN_OPEN, "it rests or trades")):
        reason = f"{seen}; what the lost link hid only an answer can tell"
        yield Row(S.UNKNOWN, event, S.UNKNOWN, "doubt", reason)
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
        cancels(),
        cancels_refused(),
        edits(),
        edits_refused(),
        _ends(),
        _doubt(),
    ),
    columns=COLUMNS,
)
