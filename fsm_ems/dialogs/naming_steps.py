"""The pieces of a name: the event, its second step, and what evidence of life means in doubt."""

from __future__ import annotations

from fsm_ems.dialogs import facts as f
from fsm_ems.dialogs.facts import CancelRequest, Dialog, EditRequest
from fsm_ems.machines.order import ORDER, E, S
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

_NO_PROOF = frozenset(
    {
        E.CANCEL_REFUSED,
        E.CANCEL_REFUSED_DARK,
        E.EDIT_REFUSED,
        E.AMBIGUOUS,
        E.MISSING,
        E.ABSENT,
        E.RESEND,
        E.RESEND_DARK,
    }
)
_RESTS = frozenset(
    {
        E.OPENED,
        E.DONE_FOR_DAY,
        E.STOPPED,
        E.SUSPENDED,
        E.FILL,
        E.FILL_COMPLETE,
        E.OVERFILL,
        E.FILLED_STATED,
        E.STATED,
        E.BUST,
        E.BUST_REOPENS,
        E.CORRECTED,
        E.CORRECTED_COMPLETES,
        E.CORRECTED_REOPENS,
        E.RESTATED,
        E.RESTATED_COMPLETES,
        E.RESTATED_REOPENS,
        E.REPLACED,
        E.REPLACED_BY_FILL,
        E.REPLACED_COMPLETES,
        E.REPLACED_REOPENS,
        E.SEEN_OPEN,
        E.FOUND_OPEN,
        E.FOUND_FILLED,
    }
)
PROVES: dict[E | None, int] = {
    event: 0 if event in _NO_PROOF else f.ACKED | f.RESTS if event in _RESTS else f.ACKED
    for event in ORDER.events
}
"""What a report proves of an order by the event it was."""


def renames(dialog: Dialog, venue_id: str | None) -> bool:
    """Whether *venue_id* is a name of the order that is not known yet."""
    return venue_id is not None and venue_id != dialog.venue_id and venue_id not in dialog.venue_ids


def find_edit(dialog: Dialog, reqid: int | str | None) -> EditRequest | None:
    """The open edit that *reqid* names."""
    if reqid is None or not dialog.edits:
        return None
    return next((edit for edit in dialog.edits if edit.reqid == reqid), None)


def proven_edit(dialog: Dialog, reqid: int | str | None) -> EditRequest | None:
    """The open edit of the owner's that an execution, or the order's end, under *reqid* proves."""
    edit = find_edit(dialog, reqid)
    return edit if edit is not None and edit.edit_id else None


def after(dialog: Dialog, edit: EditRequest) -> tuple[EditRequest, ...]:
    """The edits that stay open once *edit* is in force: it and all that left before it are answered."""
    place = dialog.edits.index(edit)
    return (*(held for held in dialog.edits[:place] if not held.out), *dialog.edits[place + 1 :])


def resume(cancel: CancelRequest | None, edits: tuple[EditRequest, ...]) -> E | None:
    """The second step that open requests make due: a cancel outranks an edit."""
    if cancel is not None:
        return E.RESUME_CANCEL
    return E.RESUME_EDIT if any(edit.out and not edit.settled for edit in edits) else None


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
    weighed: E | None = None,
    alarm: str | None = None,
    answer: bool = False,
    news: bool = True,
) -> Name:
    """Evidence that an order in doubt lives: which state it is found in, and what is still open.

    *edits* are those that stay open; *weighed* is the second step of a request that the venue was seen to
    have. After a lost link only an *answer* shows what was missed: anything else is noted, if it is *news*.
    """
    left = dialog.edits if edits is None else edits
    whole = dialog.complete if complete is None else complete
    if dialog.flags & f.UNSEEN and not answer and not (whole and not _reopening(left)):
        if not news and dialog.flags & f.ACKED and (dialog.flags & f.RESTS or not rests):
            return IGNORED
        return Name(E.SEEN_OPEN if rests else E.SEEN_ACKED, None, alarm)
    cancel = dialog.cancel
    if answer and cancel is not None and not cancel.wanted:
        cancel = None  # a stranger's: the venue would say that it weighs one still
    then = E.RESUME_CANCEL if weighed is E.RESUME_CANCEL else resume(cancel, left) or weighed
    if whole:
        return Name(E.FOUND_FILLED, then if _reopening(left) else None, alarm)
    return Name(E.FOUND_OPEN if rests or dialog.flags & f.RESTS else E.FOUND_ACKED, then, alarm)


def _reopening(edits: tuple[EditRequest, ...]) -> bool:
    return any(request.out and request.reopens for request in edits)
