"""The pieces of a name: the event, its second step, and what evidence of life means in doubt."""

from __future__ import annotations

from fsm_ems.dialogs import facts as f
from fsm_ems.dialogs.facts import CancelRequest, Dialog, EditRequest
from fsm_ems.machines.order import E, S
from fsm_ems.value import Value


class Name(Value, frozen=True):
    """An event of the order table, its second step, and an alarm where something cannot be right.

    *attempted* is set, and the event None, for a report that is recorded as a contradiction.
    """

    event: E | None
    then: E | None = None
    alarm: str | None = None
    attempted: E | None = None


IGNORED = Name(None)


def renames(dialog: Dialog, venue_id: str | None) -> bool:
    """Whether *venue_id* is a name of the order that is not known yet."""
    return venue_id is not None and venue_id != dialog.venue_id and venue_id not in dialog.venue_ids


def resume(cancel: CancelRequest | None, edits: tuple[EditRequest, ...]) -> E | None:
    """The second step that open requests make due: a cancel outranks an edit."""
    if cancel is not None:
        return E.RESUME_CANCEL
    return E.RESUME_EDIT if any(edit.out for edit in edits) else None


def reopened(dialog: Dialog, edits: tuple[EditRequest, ...]) -> E | None:
    """The second step when a filled order has something left again; a noted end comes into force."""
    if dialog.noted_end is S.CANCELLED:
        return E.CANCELLED
    if dialog.noted_end is S.EXPIRED:
        return E.EXPIRED
    return resume(dialog.cancel, edits)


def alive(
    dialog: Dialog,
    *,
    rests: bool,
    edits: tuple[EditRequest, ...] | None = None,
    complete: bool | None = None,
    cancel: bool = False,
    edit: bool = False,
    alarm: str | None = None,
) -> Name:
    """Evidence that an order in doubt lives: which state it is found in, and what is still open.

    *edits* are those that stay open, *cancel* and *edit* say that the venue was seen to have one.
    """
    left = dialog.edits if edits is None else edits
    then = E.RESUME_CANCEL if cancel else resume(dialog.cancel, left)
    if edit and then is None:
        then = E.RESUME_EDIT
    if dialog.complete if complete is None else complete:
        reopening = any(request.out and request.reopens for request in left)
        return Name(E.FOUND_FILLED, then if reopening else None, alarm)
    return Name(E.FOUND_OPEN if rests or dialog.flags & f.RESTS else E.FOUND_ACKED, then, alarm)
