"""``decide(book, command, now) -> record``: what a client's command becomes. It changes nothing.

A refusal is raised as :class:`~fsm_ems.errors.Refused` with one of :data:`CODES`. ``None`` means that the
same command was accepted before: the answer is the same, and nothing new is due.
"""

from __future__ import annotations

from decimal import Decimal

from fsm_ems.dialogs import facts as f
from fsm_ems.dialogs.book import Book
from fsm_ems.dialogs.decide_held import can_go_at, can_leave, held
from fsm_ems.dialogs.facts import Body, Dialog, EditRequest, body_of
from fsm_ems.dialogs.prices import Prices
from fsm_ems.dialogs.record import (
    CancelWanted,
    EditWanted,
    Granted,
    Opened,
    Payload,
    Record,
    Role,
    Source,
    Submitted,
    Timed,
    Triggered,
)
from fsm_ems.dialogs.settings import Settings
from fsm_ems.errors import Refused
from fsm_ems.machines.order import ENDS, RESTING, E, S
from fsm_ems.market import broker_of, unknown_market
from fsm_ems.messages import Cancel, Edit, Order
from fsm_ems.numbers import fits

CODES: dict[str, str] = {
    "forbidden": "this identity may not give commands",
    "conflict": "the id was used before, with another body",
    "unknown_order": "this identity has no such order",
    "order_ended": "the order has ended",
    "cancel_in_progress": "a cancel is open; an edit cannot overtake it",
    "edit_in_progress": "the increase of a filled order is out; one at a time",
    "too_many_edits": "the order has as many open edits as it may",
    "not_editable": "this cannot be changed on this order",
    "link_down": "the broker is out of reach, and this is not kept until it is back",
    "max_size": "more than the largest size allowed",
    "max_value": "more than the largest value allowed",
    "no_reference": "without a price of the market its order cannot be valued, nor a direction be told",
    "unknown_market": "its broker has no such market, or the tick that a dark limit needs is not known",
    "price_tick": "a dark order that is fired by hand would be rejected at this price",
    "size_tick": "a dark order of this size would be rejected when it fires",
    "min_size": "a dark order as small as this would be rejected when it fires",
    "bad_price": "a dark order goes out at a price above zero",
    "expired": "its date has passed already",
    "disk_stuck": "records wait for the disk too long, and what follows from them; nothing new is taken",
}

_ENDS = frozenset(ENDS)
_RESTING = frozenset(RESTING)


def record(
    book: Book,
    now_ns: int,
    dialog_key: tuple[str, str],
    event: E | None,
    payload: Payload,
    then: E | None = None,
    alarm: str | None = None,
) -> Record:
    """The next record about the dialog of that (owner, oid), with a stream seq for each reader."""
    owner, oid = dialog_key
    told = book.streams.get(owner, 0) + 1
    # Nearly always it is known that nobody looks on, and then no call is made.
    onlookers = book.onlookers(owner) if book.watchers.get(owner, True) else ()
    return Record(book.seq + 1, now_ns, owner, oid, event, then, payload, told, onlookers, alarm)


def whole(book: Book, now_ns: int, payload: Payload) -> Record:
    """The next record, about no dialog; nobody is told."""
    return Record(book.seq + 1, now_ns, "", "", None, None, payload)


def new_reqid(book: Book, settings: Settings, broker: str) -> int | str:
    """A request id that no other record of any run can have made: it is the seq of this record."""
    seq = book.seq + 1
    return seq if settings.capabilities(broker).reqid_form == "int" else f"{book.generation}-{seq}"


def open_book(book: Book, settings: Settings, generation: str, now_ns: int) -> Record:
    """The first record of a run. *generation* must be new for each log that starts from nothing."""
    return whole(
        book, now_ns, Opened(book.generation or generation, settings.keep_finished, settings.keep_age_ns)
    )


def grant(book: Book, identity: str, role: Role, sees: tuple[str, ...], now_ns: int) -> Record | None:
    """Let *identity* act, or look on at the owners it *sees*."""
    known = book.identities.get(identity)
    if known is not None and known.role == role and known.sees == sees:
        return None
    return whole(book, now_ns, Granted(identity, role, sees))


def may_act(book: Book, identity: str) -> None:
    """Raise Refused unless *identity* is a trader."""
    known = book.identities.get(identity)
    if known is None or known.role != "trader":
        raise Refused("forbidden", f"{identity} may not give commands")


def own(book: Book, identity: str, oid: str) -> Dialog:
    """The identity's own dialog; another's looks the same as none, so that nothing leaks."""
    may_act(book, identity)
    dialog = book.dialog(identity, oid)
    if dialog is None:
        raise Refused("unknown_order", f"no order {oid} of yours", oid)
    return dialog


def submit(
    book: Book, settings: Settings, prices: Prices, owner: str, order: Order, now_ns: int
) -> Record | None:
    """Accept *order*. *prices* value a market order under a limit, and tell from where a price is met."""
    may_act(book, owner)
    body, broker = body_of(order), broker_of(order.market)
    known = book.dialog(owner, order.oid)
    if known is not None:
        if known.body == body:
            return None
        raise Refused("conflict", f"order {order.oid} was submitted with another body", order.oid)
    key = (owner, order.oid)
    if key in book.forgotten:
        raise Refused(
            "conflict", f"order {order.oid} was submitted before, and its records are gone", order.oid
        )
    if body.expire_ns is not None and body.expire_ns <= now_ns:
        raise Refused("expired", f"expire_ns {body.expire_ns} is not after {now_ns}", order.oid)
    if (wrong := unknown_market(settings.declared, body.market)) is not None:
        raise Refused("unknown_market", wrong, order.oid)
    within_limits(settings, body, body.size, body.price, prices, order.oid)
    oldest_ns = now_ns - settings.quote_age_ns
    if body.side == "alert":
        return record(book, now_ns, key, E.SUBMIT_ALERT, held(book, body, prices, oldest_ns, order.oid))
    if body.mode == "dark":
        if body.type != "market" and body.market not in book.markets:
            raise Refused("unknown_market", f"the tick of {body.market} is not known", order.oid)
        can_leave(book, body, body.size, order.oid)
        return record(book, now_ns, key, E.SUBMIT_DARK, held(book, body, prices, oldest_ns, order.oid))
    if not book.link_up(broker):
        if order.when_down == "refuse":
            raise Refused("link_down", f"{broker} is out of reach, and this order does not wait", order.oid)
        return record(book, now_ns, key, E.SUBMIT, Submitted(body, None, 0))
    deadline = now_ns + settings.request_deadline_ns
    return record(book, now_ns, key, E.SUBMIT, Submitted(body, new_reqid(book, settings, broker), deadline))


def within_limits(
    settings: Settings, body: Body, size: Decimal, price: Decimal | None, prices: Prices, oid: str
) -> None:
    """Raise Refused where an order of these terms breaks a limit, or where that cannot be told."""
    limits = settings.limits_of(body.market) if settings.limits else None
    if limits is None or body.side == "alert":
        return
    if limits.max_size is not None and size > limits.max_size:
        raise Refused("max_size", f"size {size} is above {limits.max_size}", oid)
    if limits.max_value is None:
        return
    worth = price if price is not None else prices.reference(body.market)
    if worth is None:
        raise Refused("no_reference", f"no price known to value {size} of {body.market}", oid)
    if f.EXACT.multiply(size, worth) > limits.max_value:
        raise Refused("max_value", f"{size} at {worth} is above {limits.max_value}", oid)


def over_limits(
    settings: Settings, dialog: Dialog, size: Decimal, price: Decimal | None, prices: Prices
) -> str | None:
    """Which limit in force forbids these terms, and why; or that the broker has no such market any more."""
    body = dialog.body
    if (wrong := unknown_market(settings.declared, body.market)) is not None:
        return wrong
    try:
        within_limits(settings, body, size, price, prices, dialog.oid)
    except Refused as refusal:
        return str(refusal)
    return None


def cancel(book: Book, settings: Settings, owner: str, command: Cancel, now_ns: int) -> Record | None:
    """The owner's cancel: at once where nothing left, kept until the ack, or sent."""
    dialog = own(book, owner, command.oid)
    key, state = (owner, command.oid), dialog.state
    if state in _ENDS:
        raise Refused("order_ended", f"order {command.oid} is {state}", command.oid)
    if dialog.cancel is not None and dialog.cancel.wanted:
        return None
    if not dialog.flags & f.SENT:
        return record(book, now_ns, key, E.CANCEL_UNSENT, CancelWanted(None, 0))
    broker = dialog.broker
    leaves = state in _RESTING or (state is S.UNKNOWN and book.link_open(broker))
    deadline = now_ns + settings.request_deadline_ns if leaves else 0
    return record(book, now_ns, key, E.CANCEL, CancelWanted(new_reqid(book, settings, broker), deadline))


def edit(
    book: Book, settings: Settings, prices: Prices, owner: str, command: Edit, now_ns: int
) -> Record | None:
    """The owner's edit: here where nothing left, held while another is out, or sent."""
    dialog = own(book, owner, command.oid)
    known = dialog.edit_ids.get(command.edit_id)
    if known is not None:
        if known != (command.size, command.price):
            raise Refused("conflict", f"edit {command.edit_id} was made with other terms", command.oid)
        return None
    _may_edit(dialog, settings, command)
    if dialog.state is S.FILLED and not book.link_open(dialog.broker):
        raise Refused(
            "link_down", f"order {command.oid} has filled, and its broker is out of reach", command.oid
        )
    size, price = _worst_terms(dialog, command)
    within_limits(settings, dialog.body, size, price, prices, command.oid)
    key, state = (owner, command.oid), dialog.state
    if not dialog.flags & f.SENT:
        if dialog.body.mode == "dark" and command.size is not None:
            can_leave(book, dialog.body, command.size, command.oid)
        return record(
            book, now_ns, key, E.EDIT_LOCAL, EditWanted(command.edit_id, None, command.size, command.price, 0)
        )
    held = state not in (S.ACKED, S.OPEN, S.FILLED)
    return record(
        book,
        now_ns,
        key,
        E.EDIT_HELD if held else E.EDIT,
        EditWanted(
            command.edit_id,
            new_reqid(book, settings, dialog.broker),
            command.size,
            command.price,
            0 if held else now_ns + settings.request_deadline_ns,
        ),
    )


def _worst_terms(dialog: Dialog, command: Edit) -> tuple[Decimal, Decimal | None]:
    """The largest size and price that may come into force, whichever open edits are accepted."""
    wanted: list[Edit | EditRequest] = [command, *(edit for edit in dialog.edits if not edit.settled)]
    sizes = [edit.size for edit in wanted if edit.size is not None]
    prices = [edit.price for edit in wanted if edit.price is not None]
    if command.size is None:
        sizes.append(dialog.size)
    if command.price is None and dialog.price is not None:
        prices.append(dialog.price)
    return max(sizes), max(prices, default=None)


def _may_edit(dialog: Dialog, settings: Settings, command: Edit) -> None:
    state, oid = dialog.state, dialog.oid
    can_grow = settings.capabilities(dialog.broker).reopen_filled and dialog.noted_end is None
    reopens = state is S.FILLED and can_grow
    if state in _ENDS and not reopens:
        raise Refused("order_ended", f"order {oid} is {state}", oid)
    if reopens and (command.size is None or command.size <= dialog.filled):
        raise Refused("not_editable", f"a filled order can only be increased above {dialog.filled}", oid)
    theirs = reopens and dialog.cancel is not None and not dialog.cancel.wanted  # it came too late
    open_edits = sum(not edit.settled for edit in dialog.edits)
    if reopens and (open_edits if theirs else dialog.awaits_answer()):
        raise Refused("edit_in_progress", f"a request about order {oid} is still out", oid)
    if dialog.cancel is not None and not theirs:
        raise Refused("cancel_in_progress", f"order {oid} is being cancelled", oid)
    if dialog.reopening:
        raise Refused("edit_in_progress", f"an increase of order {oid} is still out", oid)
    if command.size is not None and dialog.body.side == "alert":
        raise Refused("not_editable", "an alert has no size", oid)
    # While a dark one is held here, its price is what triggers it; once fired it has none either.
    if command.price is not None and dialog.body.type == "market" and state is not S.DARK_OPEN:
        raise Refused("not_editable", "a market order has no price", oid)
    if open_edits >= settings.open_edits_max:
        raise Refused("too_many_edits", f"{open_edits} edits of order {oid} are open already", oid)


def trigger(
    book: Book, settings: Settings, prices: Prices, dialog: Dialog, price: Decimal | None, now_ns: int
) -> Record | None:
    """A dark order or an alert is fired by hand. It fires once: anything but a waiting one is None.

    *price* is the limit the order goes out with; None keeps the price it waited for.

    Raises:
        Refused: the price is none, or one that no request can carry, or off the market's tick, or the order
            would break its limits at it, or its broker has no such market any more; it waits on.
    """
    if price is not None and not (fits(price) and price > 0):
        raise Refused(
            "bad_price", f"a price above zero, of at most 34 digits, is needed: {price}", dialog.oid
        )
    key = (dialog.owner, dialog.oid)
    if dialog.state in (S.ALERT_OPEN, S.DARK_OPEN) and out_of_date(dialog, now_ns):
        return record(book, now_ns, key, E.EXPIRED, Timed(0))
    if dialog.state is S.ALERT_OPEN:
        return record(book, now_ns, key, E.ALERT, Triggered(price, None, 0, "hand", None))
    if dialog.state is not S.DARK_OPEN:
        return None
    # What goes out at market is worth what the market is, and not the price it waited for.
    limit = None if dialog.body.type == "market" else dialog.price if price is None else price
    if limit is not None and not fits(limit):
        raise Refused("bad_price", f"no request can carry a price of {limit}: name another", dialog.oid)
    if (wrong := unknown_market(settings.declared, dialog.body.market)) is not None:
        raise Refused("unknown_market", wrong, dialog.oid)
    if limit is not None:
        can_go_at(book, dialog.body.market, limit, dialog.oid)
    within_limits(settings, dialog.body, dialog.size, limit, prices, dialog.oid)
    return fired(book, settings, dialog, limit, now_ns, "hand", None)


def out_of_date(dialog: Dialog, now_ns: int) -> bool:
    """Whether the order's date has passed, and nobody has noticed yet."""
    expire_ns = dialog.body.expire_ns
    return expire_ns is not None and expire_ns <= now_ns


def last_deadline(dialog: Dialog, now_ns: int) -> int:
    """When the last request that is out can no longer take effect."""
    deadlines = [request.deadline_ns for request in dialog.requests()]
    return max(now_ns, 0 if dialog.flags & f.ACKED else dialog.due_ns, *deadlines)


_FIRES = {"price": E.TRIGGER, "stop": E.STOP, "touch": E.TOUCH, "trail": E.TRAIL_STOP}
"""The row by which each kind of trigger fires."""


def fired(
    book: Book,
    settings: Settings,
    dialog: Dialog,
    limit: Decimal | None,
    now_ns: int,
    source: Source,
    seen: Decimal | None,
    over: str | None = None,
) -> Record:
    """The record by which a dark order goes out at *limit*: met and sent are one, so that it fires once.

    *over* names the limit that forbids it: met it ends, and never leaves.
    """
    sends = over is None and book.link_up(dialog.broker)
    payload = Triggered(
        limit,
        new_reqid(book, settings, dialog.broker) if sends else None,
        now_ns + settings.request_deadline_ns if sends else 0,
        source,
        seen,
    )
    key, event = (dialog.owner, dialog.oid), _FIRES[dialog.body.trigger]
    if over is not None:
        return record(book, now_ns, key, event, payload, E.WITHHELD, f"it was not sent: {over}")
    return record(book, now_ns, key, event, payload)
