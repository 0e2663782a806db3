"""The normal form of a book: what its log numbered has a name that tells what it is, and it is always now.

``o.o1`` is the first request for order ``o``, ``o.c1`` its first cancel, ``o.e.up`` its edit ``up``, ``o.q``
the last question about it, and ``h`` the last one for everything. Nothing that happens from here on depends
on what is left out: only on which names are equal, and on how far ahead a time is.
"""

from __future__ import annotations

from fsm_ems.dialogs import facts as f
from fsm_ems.dialogs.asking import HistoryAsked
from fsm_ems.dialogs.book import Book, due_ns
from fsm_ems.dialogs.facts import Dialog
from fsm_ems.dialogs.record import CancelWanted, EditWanted, Record

NOW_NS = 1_000
GENERATION = "g"
_BASE = 100
_CLOCK = "_alarm_clock"
_ENDS = frozenset({"filled", "cancelled", "rejected", "expired", "alert_triggered"})


def name_new(book: Book, record: Record, names: dict[int | str, str]) -> None:
    """Give a name to the request id that *record* brings, by what it is for."""
    payload = record.payload
    reqid: int | str | None = getattr(payload, "reqid", None)
    if reqid is None or reqid in names or not str(reqid).startswith(f"{GENERATION}-"):
        return
    if isinstance(payload, HistoryAsked):
        names[reqid] = "h"
        return
    if isinstance(payload, EditWanted):
        names[reqid] = f"{record.oid}.e.{payload.edit_id}"
        return
    kind = f"{record.oid}.{'c' if isinstance(payload, CancelWanted) else 'o'}"
    dialog = book.dialog(record.owner, record.oid)
    known = () if dialog is None else (dialog.reqid, *dialog.reqids)
    number = 1 + sum(names.get(old, str(old)).startswith(kind) for old in known if old is not None)
    names[reqid] = f"{kind}{number}"


def normalize(book: Book, now_ns: int, names: dict[int | str, str]) -> None:
    """Bring *book*, in which it is *now_ns*, into its normal form: new names, and :data:`NOW_NS`."""

    def ahead(time_ns: int) -> int:
        return NOW_NS + max(time_ns - now_ns, 0) if time_ns else 0

    clock = [entry for entry in getattr(book, _CLOCK) if due_ns(entry[2]) == entry[0]]
    for dialog in book:
        _normalize_dialog(dialog, now_ns, names)
    first = {entry[2]: entry for entry in sorted(clock, reverse=True)}
    ordered = sorted(first.values(), key=lambda entry: entry[:2])
    setattr(book, _CLOCK, [(due_ns(dialog), number, dialog) for number, (_, _, dialog) in enumerate(ordered)])
    book.by_reqid = {
        broker: {names.get(reqid, reqid): dialog for reqid, dialog in known.items()}
        for broker, known in book.by_reqid.items()
    }
    for broker, history in book.histories.items():
        book.histories[broker] = history._replace(
            since=(0, history.since[1]),
            newest=(0, history.newest[1]),
            due_ns=ahead(history.due_ns),
            asked="h" if history.asked else 0,
        )
    renumbered = {seq: number for number, seq in enumerate([*book.parked, *book.orphans], 1)}
    book.parked = {
        renumbered[seq]: one._replace(due_ns=ahead(one.due_ns)) for seq, one in book.parked.items()
    }
    book.orphans = {renumbered[seq]: one for seq, one in book.orphans.items()}
    for index in (book.orphan_execs, book.amendments):
        for account, execs in index.items():
            index[account] = {exec_id: renumbered[seq] for exec_id, seq in execs.items()}
    book.streams = dict.fromkeys(book.streams, 0)
    book.seq = _BASE * (1 + sum(1 for _ in book))


def _normalize_dialog(dialog: Dialog, now_ns: int, names: dict[int | str, str]) -> None:
    def ahead(time_ns: int) -> int:
        return NOW_NS + max(time_ns - now_ns, 0) if time_ns else 0

    if dialog.reqid is not None:
        dialog.reqid = names.get(dialog.reqid, dialog.reqid)
    dialog.reqids = tuple(names.get(reqid, reqid) for reqid in dialog.reqids)
    if dialog.lost_reqid is not None:
        dialog.lost_reqid = names.get(dialog.lost_reqid, dialog.lost_reqid)
    if dialog.asked:
        dialog.asked = f"{dialog.oid}.q"
    timed = dialog.state.value not in _ENDS and (not dialog.flags & f.ACKED or dialog.flags & f.DOUBT)
    dialog.due_ns = ahead(dialog.due_ns) if timed else 0
    dialog.ended_ns = NOW_NS if dialog.ended_ns else 0
    cancel = dialog.cancel
    if cancel is not None:
        if cancel.reqid is not None:
            cancel.reqid = names.get(cancel.reqid, cancel.reqid)
        cancel.deadline_ns, cancel.again_ns = ahead(cancel.deadline_ns), ahead(cancel.again_ns)
    for edit in dialog.edits:
        edit.reqid = names.get(edit.reqid, edit.reqid)
        edit.deadline_ns = ahead(edit.deadline_ns)
