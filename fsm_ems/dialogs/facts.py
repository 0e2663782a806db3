"""What is known of one order: quantities, open requests and flags; and the state that follows from them.

A :class:`Dialog` holds no message objects. Only :mod:`fsm_ems.dialogs.apply` changes one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import ROUND_HALF_EVEN, Context, Decimal
from types import MappingProxyType

import msgspec

from fsm_ems.machines.order import S
from fsm_ems.market import broker_of
from fsm_ems.messages import Direction, Order
from fsm_ems.value import Value

ZERO = Decimal(0)
PRECISE = Context(prec=34, rounding=ROUND_HALF_EVEN)
"""For what is derived, such as an average price. Sums of sizes are exact without it."""
EXACT = Context(prec=200)
"""For what must be exact: products and sums of numbers of at most 34 digits."""

# Flags: what is known once and for all, or until a report lifts it.
SENT = 1
"""A send is recorded: the venue may hold the order from here on."""
ACKED = 2
"""A report has proved that the order arrived."""
RESTS = 4
"""A report has proved that it rests or traded."""
TRIGGERED = 8
"""A dark order's price was met."""
DOUBT = 16
"""The outcome is unproven."""
STOPPED = 32
"""The venue guarantees a price (FIX Stopped)."""
DONE_FOR_DAY = 64
"""The venue will not trade it again today (FIX Done for Day)."""
MISSED = 128
"""One read of the venue did not show it."""
ADOPTED = 256
"""Born at the venue."""
SUSPENDED = 512
"""The venue holds it back until it is released (FIX Suspended)."""
CALCULATED = 1024
"""The venue has worked out fees and settlement (FIX Calculated)."""
BIDDING = 2048
"""Received as a bid, and not accepted yet (FIX Accepted for Bidding)."""
MET = 4096
"""A print met the order's price; it waits for a quote that it can go out at."""
UNSEEN = 8192
"""Reports were missed, as by a lost link, and no answer has shown since which."""

VANISHED = 16384
"""Two reads in a row did not show it, and the venue had acknowledged it before."""
SPLIT = 32768
"""A split has changed its units."""
HEARD = 65536
"""Since the open question left, an event came that may be newer than its answer: one that shows the order
alive says nothing."""
DOUBTS = DOUBT | UNSEEN | MISSED | VANISHED | HEARD
"""What is over once the order is found, or has ended."""


class Body(Value, frozen=True):
    """What the owner submitted; equal bodies are the same order (1.0 equals 1.00)."""

    side: str
    market: str
    size: Decimal
    price: Decimal | None
    type: str
    tif: str
    expire_ns: int | None
    post_only: bool
    mode: str
    direction: Direction | None
    account: str
    trigger: str = "price"
    trail: Decimal | None = None
    limit_ticks: int | None = None
    if_absent: str = "reject"


def body_of(order: Order) -> Body:
    """The body of an order message; an alert's size is zero."""
    return Body(
        order.side,
        order.market,
        ZERO if order.size is None else order.size,
        order.price,
        order.type,
        order.tif,
        order.expire_ns,
        order.post_only,
        order.mode,
        order.direction,
        order.account,
        order.trigger,
        order.trail,
        order.limit_ticks,
        order.if_absent,
    )


class Execution(Value, frozen=True):
    """One booked execution. *fee* is in *fee_asset*, or in the quote asset where None.

    *told* are size and price as they were first told, where a split of the order has changed them since.
    """

    exec_id: str
    size: Decimal
    price: Decimal
    fee: Decimal
    fee_asset: str | None
    liquidity: str | None
    time_ns: int
    told: tuple[Decimal, Decimal] | None = None


EditTerms = tuple[Decimal | None, Decimal | None]
"""Size and price of an edit, None where it leaves them."""
_NO_EDITS: Mapping[str, EditTerms] = MappingProxyType({})


class CancelRequest(msgspec.Struct, eq=False, gc=False):
    """A wish to cancel. *out*: it has left, or the venue showed that it has it.

    While the order is in doubt it is sent again at *again_ns*, *every_ns* after it was sent last. *theirs_ns*
    is the deadline of a stranger's that the venue weighs while this one has not left, 0 where none is known.
    """

    reqid: int | str | None
    wanted: bool
    out: bool = False
    pending: bool = False
    deadline_ns: int = 0
    again_ns: int = 0
    every_ns: int = 0
    theirs_ns: int = 0

    def in_doubt(self) -> None:
        """The order came into doubt: without an answer by its deadline the cancel is sent again then."""
        self.again_ns = self.deadline_ns


class EditRequest(msgspec.Struct, eq=False, gc=False):
    """A wish for new terms; *price* or *size* None leaves it.

    *reopens*: nothing is left to trade unless it has come into force. *settled*: an answer that was read
    after its deadline says that the order has filled. Nobody waits for it; a report may still prove it.
    """

    edit_id: str
    reqid: int | str
    size: Decimal | None
    price: Decimal | None
    reopens: bool
    out: bool = False
    pending: bool = False
    deadline_ns: int = 0
    settled: bool = False


def filled_of(booked: Decimal, stated: Decimal) -> Decimal:
    """Cumulative size: executions or what the venue stated, whichever is more."""
    return booked if not stated or booked >= stated else stated  # nearly always nothing was stated


def is_whole(booked: Decimal, stated: Decimal, size: Decimal) -> bool:
    """Whether nothing is left to trade of *size*."""
    return booked >= size or stated >= size


class Dialog(msgspec.Struct, eq=False, gc=False):
    """One order's conversation: its key is (owner, oid).

    ``booked`` is the sum of executions, ``stated`` the largest cumulative size a report named, and
    ``filled`` the larger of the two. ``fills`` holds live executions by exec id; ``replaced`` maps the
    ids of busted (None) and corrected (the new id) ones. ``edit_ids`` holds the terms (size, price) of every
    edit that was ever taken; it is never changed, but replaced by a larger one. ``asked`` is the id of the
    question that last asked the venue, 0 once answered. ``price`` is the limit, and of what is held here the
    price to be met, from the side that ``direction`` names; ``born`` is the seq of the record by which it
    came here. They are None and 0 of all that is not held. ``lost_reqid`` is the request that is proven never
    to have arrived, where the order was sent again under another.

    The collector does not know it: nothing that it holds leads back to it.
    """

    owner: str
    oid: str
    body: Body
    broker: str = ""
    state: S = S.NEW
    size: Decimal = ZERO
    price: Decimal | None = None
    booked: Decimal = ZERO
    stated: Decimal = ZERO
    notional: Decimal = ZERO
    fills: dict[str, Execution] | None = None
    replaced: dict[str, str | None] | None = None
    flags: int = 0
    end: S | None = None
    noted_end: S | None = None
    reqid: int | str | None = None
    reqids: tuple[int | str, ...] = ()
    lost_reqid: int | str | None = None
    venue_id: str | None = None
    venue_ids: tuple[str, ...] = ()
    cancel: CancelRequest | None = None
    edits: tuple[EditRequest, ...] = ()
    edit_ids: Mapping[str, EditTerms] = _NO_EDITS
    born: int = 0
    direction: Direction | None = None
    asked: int | str = 0
    due_ns: int = 0
    ended_ns: int = 0

    def __post_init__(self) -> None:
        body = self.body
        self.broker = broker_of(body.market)
        self.size = body.size
        self.price = body.price

    def __lt__(self, other: Dialog) -> bool:
        """Of two that one record makes due at one time, the key says which is first."""
        return (self.owner, self.oid) < (other.owner, other.oid)

    @property
    def filled(self) -> Decimal:
        """See :func:`filled_of`."""
        return filled_of(self.booked, self.stated)

    @property
    def gap(self) -> Decimal:
        """What the venue stated and no execution has explained yet."""
        return max(EXACT.subtract(self.stated, self.booked), ZERO)

    @property
    def complete(self) -> bool:
        """Nothing is left to trade."""
        return is_whole(self.booked, self.stated, self.size)

    @property
    def leaves(self) -> Decimal:
        """What can still trade: 0 once ended, whatever was left."""
        if self.state in NOTHING_LEAVES or self.complete:
            return ZERO
        return EXACT.subtract(self.size, self.filled)

    @property
    def average_price(self) -> Decimal | None:
        """Over booked executions, 34 digits; None before the first."""
        return PRECISE.divide(self.notional, self.booked) if self.booked else None

    @property
    def out_edit(self) -> EditRequest | None:
        """The oldest edit the venue has or may have, and whose answer is awaited."""
        return next((edit for edit in self.edits if edit.out and not edit.settled), None)

    @property
    def held_edit(self) -> EditRequest | None:
        """The oldest edit that has not left."""
        return next((edit for edit in self.edits if not edit.out), None)

    @property
    def reopening(self) -> bool:
        """An increase of a filled order is out."""
        return any(edit.out and edit.reopens for edit in self.edits)

    def is_lost(self, reqid: int | str | None) -> bool:
        """Whether *reqid* is the request that never arrived: what the venue calls it is another order."""
        return self.lost_reqid is not None and reqid == self.lost_reqid

    def live_exec_id(self, exec_id: str) -> str | None:
        """The id that stands for *exec_id* after corrections; None when it was busted or never seen."""
        replaced = self.replaced or {}
        while exec_id in replaced:
            successor = replaced[exec_id]
            if successor is None:
                return None
            exec_id = successor
        return exec_id if self.fills and exec_id in self.fills else None

    def awaits_answer(self) -> bool:
        """Whether a request about the order is still unanswered."""
        if self.cancel is not None:
            return True
        return bool(self.edits) and any(not edit.settled for edit in self.edits)

    def requests(self) -> Iterator[CancelRequest | EditRequest]:
        """Every open request."""
        if self.cancel is not None:
            yield self.cancel
        yield from self.edits


def may_leave_more(edit: EditRequest, filled: Decimal) -> bool:
    """Whether *edit* is at the venue, and in force it leaves more to trade of an order of which *filled* has
    traded: an increase, or one of a stranger's.
    """
    out = edit.out and not edit.settled
    return out and (edit.size > filled if edit.size is not None else not edit.edit_id)


def sizes_out(dialog: Dialog) -> list[Decimal]:
    """The sizes that edits would give *dialog* which are out, and whose answers are awaited."""
    return [edit.size for edit in dialog.edits if edit.out and not edit.settled and edit.size is not None]


def expects(dialog: Dialog, size: Decimal) -> bool:
    """Whether it is known already that *dialog* may have that size: an edit would give it, or it was shown as
    large or larger.
    """
    shown = (edit.size for edit in dialog.edits if edit.reqid == "" and not edit.settled)
    return size in sizes_out(dialog) or any(one is not None and one >= size for one in shown)


def leaves_more(edits: tuple[EditRequest, ...], filled: Decimal) -> bool:
    """Whether one of *edits* may leave more to trade."""
    return any(may_leave_more(edit, filled) for edit in edits)


def let_grow(dialog: Dialog) -> None:
    """Of a complete order note which edits may leave more to trade: while there is one, it has not filled."""
    for edit in dialog.edits:
        edit.reopens = dialog.complete and may_leave_more(edit, dialog.filled)


NOTHING_LEAVES = frozenset({S.FILLED, S.CANCELLED, S.REJECTED, S.EXPIRED, S.ALERT_TRIGGERED})


def derive(dialog: Dialog) -> S:
    """The state that follows from the facts alone: what the table must have arrived at."""
    if dialog.end is not None:
        return dialog.end
    if dialog.body.side == "alert":
        return S.ALERT_OPEN
    flags = dialog.flags
    if dialog.complete and not dialog.reopening:
        return S.FILLED
    if flags & DOUBT:
        return S.UNKNOWN
    if dialog.body.mode == "dark" and not flags & TRIGGERED:
        return S.DARK_OPEN
    if not flags & ACKED:
        if dialog.cancel is not None:
            return S.CANCEL_STASHED
        return S.DARK_TRIGGERED if flags & TRIGGERED else S.PENDING
    if dialog.cancel is not None and dialog.cancel.out:
        return S.CANCELLING
    if dialog.out_edit is not None:
        return S.EDITING
    return S.OPEN if flags & RESTS else S.ACKED


def pending_of(dialog: Dialog) -> str | None:
    """The FIX pending status that the broker said: a cancel's before an edit's."""
    if dialog.cancel is not None and dialog.cancel.pending:
        return "PendingCancel"
    if dialog.edits and any(edit.pending for edit in dialog.edits):
        return "PendingReplace"
    return None


def ord_status(dialog: Dialog) -> str:
    """The FIX OrdStatus of a dialog as it stands."""
    return ord_status_of(pending_of(dialog), dialog.flags, dialog.end, dialog.filled, dialog.size)


def ord_status_of(pending: str | None, flags: int, end: S | None, filled: Decimal, size: Decimal) -> str:
    """The FIX OrdStatus by precedence (FIX 5.0 SP2 volume 4, pp. 20-21; our ``open`` is FIX New).

    Pending statuses show only once the broker said so. An alert, whose size is zero, is never filled.
    """
    if pending is not None:
        return pending
    if flags & DONE_FOR_DAY:
        return "DoneForDay"
    if flags & CALCULATED:
        return "Calculated"
    if end is S.REJECTED:
        return "Rejected"
    if filled and filled >= size:
        return "Filled"
    if flags & STOPPED:
        return "Stopped"
    if flags & SUSPENDED:
        return "Suspended"
    if end is S.CANCELLED:
        return "Canceled"
    if end is S.EXPIRED:
        return "Expired"
    if filled:
        return "PartiallyFilled"
    if flags & RESTS:
        return "New"
    return "AcceptedForBidding" if flags & BIDDING else "PendingNew"
