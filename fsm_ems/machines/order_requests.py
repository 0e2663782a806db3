"""The rows of the order table that cancels and edits take; part of :mod:`fsm_ems.machines.order`."""

from __future__ import annotations

from fsm_ems.machines.order_states import AT_VENUE, UNACKED, E, Rows, S
from fsm_ems.machines.table import Row, rows


def cancels() -> Rows:
    """A cancel: unsent, stashed, out, weighed, and what it leads to."""
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


def cancels_refused() -> Rows:
    """A refusal ends the wish and not the order."""
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


def edits() -> Rows:
    """An edit: here, held, out one at a time, in force."""
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
    shown = (S.PENDING, S.DARK_TRIGGERED, S.OPEN, S.EDITING)
    yield from rows(shown, E.REPLACED, S.OPEN, "edit", "the new terms are in force")
    yield Row(
        S.CANCELLING, E.REPLACED, S.CANCELLING, "edit", "the new terms are in force; the cancel is still open"
    )
    yield Row(
        S.FILLED, E.REPLACED, S.FILLED, "late", "a late answer: the new size is no more than what traded"
    )
    yield from rows(
        (S.OPEN, S.EDITING, S.CANCELLING, S.UNKNOWN),
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


def edits_refused() -> Rows:
    """A refusal leaves the old terms."""
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
    refused = (S.PENDING, S.DARK_TRIGGERED, S.OPEN, S.CANCELLING, S.UNKNOWN, S.FILLED)
    yield from rows(refused, E.EDIT_REFUSED, None, "edit", "the request is closed; nothing else changes")
