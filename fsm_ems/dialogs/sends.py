"""What leaves for a broker: the facts note it, and the effect carries it. ``apply`` alone uses this."""

from __future__ import annotations

from typing import Literal

from msgspec.structs import replace

from fsm_ems.dialogs import facts as f
from fsm_ems.dialogs.book import Book
from fsm_ems.dialogs.facts import Dialog, EditRequest
from fsm_ems.dialogs.ids import index_reqid, take_over
from fsm_ems.dialogs.record import Effect, Record, SendAbout, SendOrder


def send_order(
    book: Book, record: Record, dialog: Dialog, reqid: int | str, deadline_ns: int, effects: list[Effect]
) -> None:
    """The order leaves under *reqid*."""
    index_reqid(book, dialog, reqid)
    dialog.flags |= f.SENT
    dialog.due_ns = deadline_ns
    body = dialog.body
    # The date of a dark order that goes out at market was for its wait: no venue lets a market order rest.
    dated = body.type != "market"
    effects.append(
        SendOrder(
            dialog.broker,
            reqid,
            body.account,
            body.market,
            body.side,
            dialog.size,
            None if body.type == "market" else dialog.price,
            body.type,
            body.tif if dated or body.tif != "gtd" else "gtc",
            body.expire_ns if dated else None,
            body.post_only,
            record.time_ns,
            deadline_ns,
        )
    )


def send_again(
    book: Book, record: Record, dialog: Dialog, reqid: int | str, deadline_ns: int, effects: list[Effect]
) -> None:
    """The order leaves anew under *reqid*: the request that it had left under never arrived."""
    dialog.flags &= ~f.DOUBTS
    dialog.lost_reqid = dialog.reqid
    send_order(book, record, dialog, reqid, deadline_ns, effects)
    take_over(dialog, reqid)


def send_cancel(record: Record, dialog: Dialog, deadline_ns: int, effects: list[Effect]) -> None:
    """The cancel that is wanted leaves, or leaves again."""
    cancel = dialog.cancel
    assert cancel is not None, "nobody wants this cancel"
    assert cancel.reqid is not None, "the owner's cancel has an id"
    cancel.out = True
    cancel.deadline_ns = cancel.again_ns = deadline_ns
    cancel.every_ns = deadline_ns - record.time_ns
    effects.append(about("cancel", record, dialog, cancel.reqid, deadline_ns))


def send_edit(
    record: Record, dialog: Dialog, edit: EditRequest, deadline_ns: int, effects: list[Effect]
) -> None:
    """*edit* leaves; None in it means the terms in force."""
    edit.out = True
    edit.deadline_ns = deadline_ns
    size = dialog.size if edit.size is None else edit.size
    price = dialog.price if edit.price is None else edit.price
    sent = about("edit", record, dialog, edit.reqid, deadline_ns)
    effects.append(replace(sent, size=size, price=price))


def about(
    verb: Literal["cancel", "edit", "query"],
    record: Record,
    dialog: Dialog,
    reqid: int | str,
    deadline_ns: int,
) -> SendAbout:
    """A request about an order that the venue may have."""
    body = dialog.body
    target = reqid if dialog.reqid is None else dialog.reqid
    return SendAbout(
        verb,
        dialog.broker,
        reqid,
        body.account,
        target,
        dialog.venue_id,
        None,
        None,
        record.time_ns,
        deadline_ns,
    )
