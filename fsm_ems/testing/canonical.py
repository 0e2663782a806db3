"""The same situation under one name: a book without its counters and clocks.

Two books that differ only in how often something was numbered, or in when it happened, behave alike.
Request ids are named by their part in the dialog, times by how far ahead they are, and what can no longer
be asked for is left out. A search that forgets these differences comes to an end.
"""

from __future__ import annotations

from collections.abc import Hashable

from fsm_ems.dialogs import facts as f
from fsm_ems.dialogs.book import Book, History, due_ns
from fsm_ems.dialogs.facts import CancelRequest, Dialog, EditRequest

_ENDS = frozenset({"filled", "cancelled", "rejected", "expired", "alert_triggered"})
_CLOCK = "_alarm_clock"

Key = tuple[Hashable, ...]


def ahead(time_ns: int, now_ns: int) -> int | None:
    """How far ahead a time is; 0 once it has come, None for no time."""
    if not time_ns:
        return None
    return time_ns - now_ns if time_ns > now_ns else 0


class Names:
    """What request ids are called: (dialog's place, part); ids that are over share one name."""

    def __init__(self, book: Book) -> None:
        self.dialogs = [*book]
        if len(self.dialogs) > 1:
            self.dialogs.sort(key=_place)
        parts: dict[int | str, Key] = {}
        asked: dict[int | str, int] = {}
        self._parts, self._asked = parts, asked
        for place, dialog in enumerate(self.dialogs):
            for number, reqid in enumerate(dialog.reqids):
                parts[reqid] = (place, "over", number)
            if dialog.reqid is not None:
                parts[dialog.reqid] = (place, "order")
            if dialog.cancel is not None and dialog.cancel.reqid is not None:
                parts[dialog.cancel.reqid] = (place, "cancel")
            for number, edit in enumerate(dialog.edits):
                parts[edit.reqid] = (place, "edit", number)
            if dialog.asked:
                asked[dialog.asked] = place
        for history in book.histories.values():
            if history.asked:
                asked[history.asked] = -1

    def of(self, reqid: int | str | None) -> Hashable:
        """The name of *reqid*; one that the EMS never made stands for itself."""
        return self._parts.get(reqid, reqid) if reqid is not None else None

    def asks(self, query: int | str | None) -> Hashable:
        """What a question is called: whose it is while it lacks its answer, else only that it was one."""
        return None if query is None else self._asked.get(query, "stale")


def _place(dialog: Dialog) -> tuple[bool, int, str, str]:
    adopted = bool(dialog.flags & f.ADOPTED)
    return adopted, len(dialog.oid) if adopted else 0, dialog.owner, dialog.oid


def _cancel(cancel: CancelRequest | None, now_ns: int) -> Key | None:
    if cancel is None:
        return None
    marks = cancel.reqid is None, cancel.wanted, cancel.out, cancel.pending
    times = ahead(cancel.deadline_ns, now_ns), ahead(cancel.again_ns, now_ns), cancel.every_ns
    return *marks, *times, ahead(cancel.theirs_ns, now_ns)


def _edit(edit: EditRequest, names: Names, now_ns: int) -> Key:
    return (
        names.of(edit.reqid),
        edit.edit_id,
        edit.size,
        edit.price,
        edit.reopens,
        edit.out,
        edit.pending,
        edit.settled,
        ahead(edit.deadline_ns, now_ns),
    )


def _dialog(dialog: Dialog, names: Names, now_ns: int, *, armed: bool) -> Key:
    ended = dialog.state in _ENDS
    timed = not ended and (not dialog.flags & f.ACKED or dialog.flags & f.DOUBT)
    return (
        dialog.owner,
        dialog.body,
        dialog.state,
        dialog.size,
        dialog.price,
        dialog.booked,
        dialog.stated,
        frozenset((fill.exec_id, fill.size, fill.price) for fill in dialog.fills.values())
        if dialog.fills
        else None,
        frozenset(dialog.replaced.items()) if dialog.replaced else None,
        dialog.flags,
        dialog.direction,
        dialog.end,
        dialog.noted_end,
        dialog.reqid is None,
        names.of(dialog.lost_reqid),
        dialog.venue_id,
        dialog.venue_ids,
        _cancel(dialog.cancel, now_ns),
        tuple([_edit(edit, names, now_ns) for edit in dialog.edits]) if dialog.edits else None,
        frozenset(dialog.edit_ids.items()) if dialog.edit_ids else None,
        dialog.asked != 0,
        ahead(dialog.due_ns, now_ns) if timed else None,
        ahead(dialog.body.expire_ns or 0, now_ns),
        armed,
    )


def _history(broker: str, history: History, now_ns: int) -> Key:
    asked = (bool(history.asked), history.newest[1], history.wait_ns)
    return broker, history.since[1], ahead(history.due_ns, now_ns), asked


def canonical(book: Book, names: Names, now_ns: int, *, clock: bool = True) -> Key:
    """The book's key; *clock* False leaves out whom time will call upon, which no record tells."""
    armed: set[Dialog] = set()
    if clock:
        for due, _, dialog in getattr(book, _CLOCK):
            if dialog not in armed and due == due_ns(dialog):
                armed.add(dialog)
    shown: list[Key] = []
    places: dict[Dialog, int] = {}
    for place, dialog in enumerate(names.dialogs):
        places[dialog] = place
        shown.append(_dialog(dialog, names, now_ns, armed=dialog in armed))
    called: list[Key] = []
    for broker, known in book.by_venue_id.items():
        for name, dialog in known.items():
            called.append((broker, name, places[dialog]))
    return (
        tuple(shown),
        frozenset(called),
        frozenset(book.links.items()),
        frozenset(book.unacked.items()),
        tuple([_history(broker, history, now_ns) for broker, history in book.histories.items()])
        if book.histories
        else (),
        _held(book, places),
        _loose(book, names, now_ns),
    )


def _held(book: Book, places: dict[Dialog, int]) -> Key | None:
    """What is held here, by who came before whom, and whose price was met before whose."""
    if not book.dark:
        return None
    held = sorted(book.dark, key=lambda dialog: dialog.born)
    return tuple(map(places.get, held)), tuple([places[one] for one in book.dark if one.flags & f.MET])


def _loose(book: Book, names: Names, now_ns: int) -> Key | None:
    """What belongs to no order that is known; nearly always nothing."""
    if not (book.parked or book.orphans or book.amendments):
        return None
    return (
        tuple(
            (names.of(parked.report.reqid), parked.report, ahead(parked.due_ns, now_ns))
            for parked in book.parked.values()
        ),
        frozenset(orphan.report for orphan in book.orphans.values()),
        frozenset(
            (exec_id, book.orphans[seq].report)
            for amended in book.amendments.values()
            for exec_id, seq in amended.items()
        ),
    )
