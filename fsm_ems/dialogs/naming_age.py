"""Whether a report may be older than what is known; part of :mod:`fsm_ems.dialogs.naming`."""

from __future__ import annotations

from decimal import Decimal

from fsm_ems.dialogs import facts as f
from fsm_ems.dialogs.facts import Dialog
from fsm_ems.messages import BrokerdStatus

PROVING = frozenset({"cancelled", "expired", "calculated"})
"""Ends that prove the edit under whose id they come."""
_ENDINGS = PROVING | {"rejected"}


def shrank(dialog: Dialog) -> bool:
    """Whether a size count of *dialog*'s may have become less since some time: until then it only grows.

    A fill tells how much had traded right after it, and may come long after that. Once this is so, its count
    is not taken: the execution is.
    """
    return bool(dialog.replaced) or bool(dialog.flags & f.SPLIT)


def _resized(dialog: Dialog) -> bool:
    """Whether the order may have had another size than the one it has."""
    wanted = any(size is not None for size, _ in dialog.edit_ids.values())
    return wanted or bool(dialog.edits) or dialog.size != dialog.body.size


def _sizes_before(dialog: Dialog) -> set[Decimal | None]:
    """The sizes that were asked for: as it was submitted, and by edits that are open no more."""
    edits = {edit.edit_id for edit in dialog.edits}
    asked = {size for edit_id, (size, _) in dialog.edit_ids.items() if edit_id not in edits}
    return asked | {dialog.body.size}


def ends(report: BrokerdStatus) -> bool:
    """Whether *report* says that the order trades no more."""
    return report.status in _ENDINGS or (report.status == "done_for_day" and not report.resumes)


def answers(dialog: Dialog, report: BrokerdStatus) -> bool:
    """Whether *report* answers the last question about *dialog*, and for the first time.

    That it has filled or ended is so whenever it was read. That it lives may be older than an event which
    came after the question had left.
    """
    lives = report.status != "filled" and not ends(report)
    asked = report.snapshot and dialog.asked != 0 and report.query == dialog.asked
    return asked and not (lives and dialog.flags & f.HEARD)


def outdated(dialog: Dialog, report: BrokerdStatus) -> bool:
    """Whether *report* shows how an order stood at a time nobody knows, and that may be so no more.

    It answers no question which is open now: a list does not, nor the answer to a question whose worth was
    taken by what was heard since. Else it counts whenever it was read: an end remains one, and what has
    traded becomes no less. Unless an execution was undone, corrected or put into other units: what it counts
    may be of before. And ``filled`` may have been said of a smaller size, as an event as well.
    """
    cum, filled = report.cum, report.status == "filled"
    if not report.snapshot:
        return filled and _told_before(dialog, cum)
    if answers(dialog, report):
        return False
    if shrank(dialog):
        return filled or (cum is not None and (ends(report) or cum > dialog.filled))
    return filled and _resized(dialog) and (cum is None or cum < dialog.size)


def _told_before(dialog: Dialog, cum: Decimal | None) -> bool:
    """Whether ``filled`` of *cum*, told as an event, may have been told before: doubled, or overtaken.

    Of executions that are undone, or of a size that the order had once: where no edit that is out explains
    it. None explains a count that is a size asked for before; without a count any that is out does.
    """
    sizes = [edit.size for edit in dialog.edits if edit.out and edit.size is not None]
    if cum is not None and cum < dialog.size and cum in _sizes_before(dialog):
        sizes = []
    undone = not dialog.complete if cum is None else cum > dialog.filled and cum not in sizes
    if undone and shrank(dialog):
        return True
    smaller = not dialog.complete and (cum is None or cum < dialog.size)
    explained = bool(sizes) if cum is None or cum > dialog.filled else any(size <= cum for size in sizes)
    return smaller and _resized(dialog) and not explained


def older(dialog: Dialog, report: BrokerdStatus) -> bool:
    """Whether what *report* counts is less than what is known, where no count can have become less."""
    return report.cum is not None and report.cum < dialog.filled and not shrank(dialog)
