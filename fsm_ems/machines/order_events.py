"""The events of the order machine: one column each, with its meaning and its default.

Where a state has no row for an event the column's default holds. ``ignore``: the input tells nothing
new (a stale, doubled or superseded report); no record is made. ``anomaly``: it cannot be right; it is
recorded, told and alarmed, and no state moves.
"""

from __future__ import annotations

from enum import StrEnum

from fsm_ems.machines.table import Column


class OrderEvent(StrEnum):
    """What happens to an order; :func:`fsm_ems.dialogs.naming.name` picks the one that fits."""

    SUBMIT = "submit"
    SUBMIT_DARK = "submit_dark"
    SUBMIT_ALERT = "submit_alert"
    ADOPT = "adopt"
    SENDING = "sending"
    WITHHELD = "withheld"
    TRIGGER = "trigger"
    STOP = "stop"
    TOUCH = "touch"
    TRAIL_STOP = "trail_stop"
    TRAIL = "trail"
    MET = "met"
    ALERT = "alert"
    ACK = "ack"
    OPENED = "opened"
    DONE_FOR_DAY = "done_for_day"
    STOPPED = "stopped"
    SUSPENDED = "suspended"
    REJECTED = "rejected"
    DUPLICATE_REFUSED = "duplicate_refused"
    FILL = "fill"
    FILL_COMPLETE = "fill_complete"
    OVERFILL = "overfill"
    FILLED_STATED = "filled_stated"
    STATED = "stated"
    BUST = "bust"
    BUST_REOPENS = "bust_reopens"
    CORRECTED = "corrected"
    CORRECTED_COMPLETES = "corrected_completes"
    CORRECTED_REOPENS = "corrected_reopens"
    RESTATED = "restated"
    RESTATED_COMPLETES = "restated_completes"
    RESTATED_REOPENS = "restated_reopens"
    CANCEL = "cancel"
    CANCEL_UNSENT = "cancel_unsent"
    REDRIVE = "redrive"
    RESUME_CANCEL = "resume_cancel"
    CANCEL_PENDING = "cancel_pending"
    CANCELLED = "cancelled"
    CANCEL_REFUSED = "cancel_refused"
    CANCEL_REFUSED_ACKED = "cancel_refused_acked"
    CANCEL_REFUSED_DARK = "cancel_refused_dark"
    CANCEL_REFUSED_FILLED = "cancel_refused_filled"
    EDIT = "edit"
    EDIT_HELD = "edit_held"
    EDIT_LOCAL = "edit_local"
    EDIT_SENT = "edit_sent"
    EDIT_WITHHELD = "edit_withheld"
    RESUME_EDIT = "resume_edit"
    EDIT_PENDING = "edit_pending"
    REPLACED = "replaced"
    REPLACED_BY_FILL = "replaced_by_fill"
    REPLACED_COMPLETES = "replaced_completes"
    REPLACED_REOPENS = "replaced_reopens"
    EDIT_REFUSED = "edit_refused"
    EDIT_REFUSED_ACKED = "edit_refused_acked"
    EDIT_REFUSED_FILLED = "edit_refused_filled"
    EXPIRED = "expired"
    CALCULATED = "calculated"
    DEADLINE = "deadline"
    AMBIGUOUS = "ambiguous"
    LINK_LOST = "link_lost"
    UNLISTED = "unlisted"
    ASK = "ask"
    MISSING = "missing"
    ABSENT = "absent"
    RESEND = "resend"
    RESEND_DARK = "resend_dark"
    SEEN_ACKED = "seen_acked"
    SEEN_OPEN = "seen_open"
    FOUND_ACKED = "found_acked"
    FOUND_OPEN = "found_open"
    FOUND_FILLED = "found_filled"

    __hash__ = str.__hash__


E = OrderEvent

COLUMNS: tuple[Column[OrderEvent], ...] = (
    Column(E.SUBMIT, "anomaly", "an owner's live order is accepted"),
    Column(E.SUBMIT_DARK, "anomaly", "an owner's dark order is accepted"),
    Column(E.SUBMIT_ALERT, "anomaly", "an owner's alert is accepted"),
    Column(E.ADOPT, "anomaly", "an order nobody submitted here is found at the venue"),
    Column(E.SENDING, "anomaly", "an order that waited for the link is sent"),
    Column(E.WITHHELD, "anomaly", "a limit now in force forbids an order that waited here"),
    Column(E.TRIGGER, "anomaly", "a dark order's price is met"),
    Column(E.STOP, "anomaly", "the market went against a stop order as far as its price"),
    Column(E.TOUCH, "anomaly", "the market came to the price of a limit-if-touched order"),
    Column(E.TRAIL_STOP, "anomaly", "the market turned and met a trailing stop"),
    Column(E.TRAIL, "anomaly", "the market went a trailing stop's way"),
    Column(E.MET, "anomaly", "a print met a dark order's price, and no quote is fresh"),
    Column(E.ALERT, "anomaly", "an alert's price is met"),
    Column(E.ACK, "anomaly", "the venue gives its id for the order"),
    Column(E.OPENED, "ignore", "the venue says the order rests"),
    Column(E.DONE_FOR_DAY, "ignore", "the venue will not trade it again today"),
    Column(E.STOPPED, "ignore", "the venue guarantees a price it has not traded yet"),
    Column(E.SUSPENDED, "ignore", "the venue holds the order back until it is released"),
    Column(E.REJECTED, "ignore", "the venue refuses the order"),
    Column(E.DUPLICATE_REFUSED, "ignore", "the venue refuses a second copy of the order"),
    Column(E.FILL, "anomaly", "an execution that leaves the order's end open, or comes after it"),
    Column(E.FILL_COMPLETE, "anomaly", "an execution after which nothing is left"),
    Column(E.OVERFILL, "anomaly", "an execution of an order that was complete"),
    Column(E.FILLED_STATED, "anomaly", "a status states the whole size, with executions missing"),
    Column(E.STATED, "ignore", "a status states more than is booked"),
    Column(E.BUST, "anomaly", "an execution is cancelled"),
    Column(E.BUST_REOPENS, "anomaly", "an execution is cancelled and the order was complete with it"),
    Column(E.CORRECTED, "anomaly", "an execution is replaced by another"),
    Column(E.CORRECTED_COMPLETES, "anomaly", "an execution is replaced and completes the order"),
    Column(E.CORRECTED_REOPENS, "anomaly", "an execution is replaced and the order was complete with it"),
    Column(E.RESTATED, "ignore", "the venue changes terms without a request"),
    Column(E.RESTATED_COMPLETES, "ignore", "the venue lowers the size to what has traded"),
    Column(E.RESTATED_REOPENS, "anomaly", "the venue raises the size of a filled order"),
    Column(E.CANCEL, "anomaly", "the owner cancels an order that was sent"),
    Column(E.CANCEL_UNSENT, "anomaly", "the owner cancels an order that never left"),
    Column(E.REDRIVE, "anomaly", "a cancel without an answer is sent again"),
    Column(E.RESUME_CANCEL, "anomaly", "second step: a cancel is still wanted"),
    Column(E.CANCEL_PENDING, "ignore", "the venue has received a cancel request"),
    Column(E.CANCELLED, "ignore", "the venue has cancelled the order"),
    Column(E.CANCEL_REFUSED, "ignore", "the venue refuses the cancel"),
    Column(E.CANCEL_REFUSED_ACKED, "anomaly", "the venue refuses the cancel of an order not yet resting"),
    Column(E.CANCEL_REFUSED_DARK, "anomaly", "the venue refuses the cancel of a triggered dark order"),
    Column(E.CANCEL_REFUSED_FILLED, "anomaly", "the venue refuses the cancel of a filled order's increase"),
    Column(E.EDIT, "anomaly", "the owner changes the terms of a resting order"),
    Column(E.EDIT_HELD, "anomaly", "the owner changes terms that cannot go out yet"),
    Column(E.EDIT_LOCAL, "anomaly", "the owner changes the terms of an order that never left"),
    Column(E.EDIT_SENT, "anomaly", "a held edit is sent"),
    Column(E.EDIT_WITHHELD, "anomaly", "a limit now in force forbids a held edit"),
    Column(E.RESUME_EDIT, "anomaly", "second step: another edit is still out"),
    Column(E.EDIT_PENDING, "ignore", "the venue has received a replace request"),
    Column(E.REPLACED, "ignore", "the venue has put new terms in force"),
    Column(E.REPLACED_BY_FILL, "anomaly", "an execution under an edit's id"),
    Column(E.REPLACED_COMPLETES, "anomaly", "the new terms leave nothing to trade"),
    Column(E.REPLACED_REOPENS, "anomaly", "the new terms give a filled order something to trade"),
    Column(E.EDIT_REFUSED, "ignore", "the venue refuses the edit"),
    Column(E.EDIT_REFUSED_ACKED, "anomaly", "the venue refuses the edit of an order not yet resting"),
    Column(E.EDIT_REFUSED_FILLED, "anomaly", "the venue refuses the increase of a filled order"),
    Column(E.EXPIRED, "ignore", "its time in force has run out"),
    Column(E.CALCULATED, "ignore", "the venue has worked out what the order costs: it trades no more"),
    Column(E.DEADLINE, "ignore", "a request's deadline has passed without an answer"),
    Column(E.AMBIGUOUS, "ignore", "a reply that leaves the outcome open"),
    Column(E.LINK_LOST, "ignore", "the connection to the broker broke, or this program had stopped"),
    Column(E.UNLISTED, "anomaly", "the venue's list of open orders lacks it"),
    Column(E.ASK, "ignore", "the venue is asked about the order"),
    Column(E.MISSING, "ignore", "a read of the venue does not show the order"),
    Column(E.ABSENT, "ignore", "two equal reads of the venue do not show the order"),
    Column(E.RESEND, "anomaly", "an order that never arrived is sent again, as its owner allows"),
    Column(E.RESEND_DARK, "anomaly", "a triggered dark order that never arrived is sent again"),
    Column(E.SEEN_ACKED, "anomaly", "a report after a lost link shows that the venue has the order"),
    Column(E.SEEN_OPEN, "anomaly", "a report after a lost link shows that the order rests or trades"),
    Column(E.FOUND_ACKED, "anomaly", "evidence that the venue has the order"),
    Column(E.FOUND_OPEN, "anomaly", "evidence that the order rests or trades"),
    Column(E.FOUND_FILLED, "anomaly", "evidence that the order is filled"),
)
