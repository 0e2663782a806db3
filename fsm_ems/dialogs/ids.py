"""What brokers call an order: every request id, venue id and execution id of its chain finds the dialog."""

from __future__ import annotations

from typing import TypeVar

from fsm_ems.dialogs.book import Book
from fsm_ems.dialogs.facts import Dialog

_K = TypeVar("_K", bound=int | str)


def index_reqid(book: Book, dialog: Dialog, reqid: int | str) -> None:
    """Let reports that carry *reqid* find *dialog*."""
    requests = book.by_reqid.get(dialog.broker)
    if requests is None:
        requests = book.by_reqid[dialog.broker] = {}
    requests[reqid] = dialog
    if dialog.reqid is None:
        dialog.reqid = reqid
    elif reqid != dialog.reqid and reqid not in dialog.reqids:
        dialog.reqids = (*dialog.reqids, reqid)


def index_venue_id(book: Book, dialog: Dialog, venue_id: str) -> None:
    """Let reports that carry *venue_id* find *dialog*; the newest is the one in force.

    An id that finds another dialog already stays with that one: no report may take an order's name away. One
    that was in force before does not come back into force by a report that is late.
    """
    names = book.by_venue_id.get(dialog.broker)
    if names is None:
        names = book.by_venue_id[dialog.broker] = {}
    if names.setdefault(venue_id, dialog) is not dialog or venue_id in dialog.venue_ids:
        return
    if dialog.venue_id is not None and venue_id != dialog.venue_id:
        dialog.venue_ids = (*dialog.venue_ids, dialog.venue_id)
    dialog.venue_id = venue_id


def take_over(dialog: Dialog, reqid: int | str) -> None:
    """*reqid* is the one in force from here on: an edit of it was accepted, or it was sent again.

    Of a stranger's edit no id may be known here; then the order keeps the one that it has.
    """
    if dialog.reqid is not None and reqid not in ("", dialog.reqid):
        dialog.reqids = (*(old for old in dialog.reqids if old != reqid), dialog.reqid)
        dialog.reqid = reqid


def index_execution(book: Book, dialog: Dialog, exec_id: str) -> None:
    """*exec_id* is an execution of *dialog*, and of no other."""
    account = dialog.broker, dialog.body.account
    executions = book.executions.get(account)
    if executions is None:
        executions = book.executions[account] = {}
    executions.setdefault(exec_id, dialog)


def unindex(book: Book, dialog: Dialog) -> None:
    """*dialog* leaves memory: nothing that it is called finds it any more."""
    broker = dialog.broker
    if dialog.reqid is not None:
        _drop(book.by_reqid[broker], dialog, (dialog.reqid, *dialog.reqids))
    if dialog.venue_id is not None:
        _drop(book.by_venue_id[broker], dialog, (dialog.venue_id, *dialog.venue_ids))
    if dialog.fills or dialog.replaced:
        executions = book.executions[broker, dialog.body.account]
        _drop(executions, dialog, (*(dialog.fills or ()), *(dialog.replaced or ())))


def _drop(index: dict[_K, Dialog], dialog: Dialog, names: tuple[_K, ...]) -> None:
    # Most names are the dialog's own, and the table is cold: it is looked into once.
    for name in names:
        found = index.pop(name, None)
        if found is not dialog and found is not None:
            index[name] = found
