"""What was decided, as the smallest durable facts, and what they make due.

The log of records is the truth; everything in memory is a fold of it. A record is a header and one
payload. Times are ns since the epoch; a ``deadline_ns`` of 0 means that nothing was sent.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

from fsm_ems.accounting.clear import Event
from fsm_ems.accounting.ledger import Entry
from fsm_ems.dialogs.asking import HistoryAsked, HistoryRead, SendHistory
from fsm_ems.dialogs.facts import EXACT, NOTHING_LEAVES, ZERO, Body, Execution, ord_status_of
from fsm_ems.machines.link import LinkEvent
from fsm_ems.machines.order import OrderState
from fsm_ems.machines.order_events import OrderEvent
from fsm_ems.market import Market, broker_of
from fsm_ems.messages import Direction, PositionReport, Report
from fsm_ems.value import Value

Role = Literal["trader", "observer"]
Source = Literal["ask", "bid", "last", "hand"]
"""What a held order's price is met by: the quote's far side, a print, or its owner."""

# ── payloads about one dialog ───────────────────────────────────────────────────────────────────────


class Submitted(Value, frozen=True):
    """An order was accepted; *reqid* None means that it waits here."""

    body: Body
    reqid: int | str | None
    deadline_ns: int


class Held(Value, frozen=True):
    """A dark order or an alert was accepted: it waits here until the market meets *price* from the side
    that *direction* names.
    """

    body: Body
    direction: Direction
    price: Decimal


class Adopted(Value, frozen=True):
    """An order born at the venue was found."""

    body: Body
    broker: str
    venue_id: str | None
    reqid: int | str | None


class Sent(Value, frozen=True):
    """An order that waited goes out."""

    reqid: int | str
    deadline_ns: int


class Triggered(Value, frozen=True):
    """A dark order's price was met; it goes out with *price* (None: at market). An alert has no send.

    *source* says what met it, and *seen* at which price; None where it was fired by hand.
    """

    price: Decimal | None
    reqid: int | str | None
    deadline_ns: int
    source: Source
    seen: Decimal | None


class Met(Value, frozen=True):
    """A print met a dark order's price while no quote was fresh: it goes out with the next one."""

    seen: Decimal


class Trailed(Value, frozen=True):
    """The market went a trailing stop's way, and *price* to be met followed what was *seen*."""

    price: Decimal
    source: Source
    seen: Decimal


class CancelWanted(Value, frozen=True):
    """The owner's cancel; *deadline_ns* 0 means it is kept here."""

    reqid: int | str | None
    deadline_ns: int


class CancelSent(Value, frozen=True):
    """A cancel goes out again, and once more at *again_ns*, should the order be in doubt still."""

    deadline_ns: int
    again_ns: int


class EditWanted(Value, frozen=True):
    """The owner's edit; *reqid* None means the terms changed here, *deadline_ns* 0 that it is held."""

    edit_id: str
    reqid: int | str | None
    size: Decimal | None
    price: Decimal | None
    deadline_ns: int


class EditSent(Value, frozen=True):
    """A held edit goes out; *deadline_ns* 0 means that it may not, and ends here."""

    reqid: int | str
    deadline_ns: int


class Reported(Value, frozen=True):
    """A broker's report that concerns the dialog.

    *deadline_ns* is the deadline of a cancel that leaves with it, or of a request that the venue is seen to
    weigh and that nobody here made; for an ambiguous reply, when to ask.
    *origin* is the seq of the record that parked or orphaned the report, 0 when it came straight in.
    *foreign*: the venue's id in it is another order's, and stays that one's.
    *reqid*: the order, which it proves never to have arrived, leaves again under it, until *deadline_ns*.
    """

    broker: str
    report: Report
    deadline_ns: int
    origin: int
    foreign: bool = False
    reqid: int | str | None = None


class ReportedOfBefore(Reported, frozen=True):
    """A fill of which the size count may be of before another execution was undone, and is not taken."""


class ReportedBesideOurs(Reported, frozen=True):
    """The venue weighs the owner's cancel, which never left by what is known here.

    Of a filled order it is a stranger's, too late; in records of before it may be one beside ours.
    """


class ReportedOfTheirs(ReportedBesideOurs, frozen=True):
    """The cancel that the venue weighs is not the owner's, which has not left: it outlasts that one."""


class Timed(Value, frozen=True):
    """Time passed or the link moved; *due_ns* is when to look again."""

    due_ns: int


class Contradicted(Value, frozen=True):
    """An input that cannot be right; no state moves. *attempted* is the event it would have been."""

    broker: str
    report: Report | None
    attempted: str
    origin: int


class Recalled(Value, frozen=True):
    """A finished dialog that memory had let go is back, as its records left it."""

    body: Body
    broker: str
    state: OrderState
    size: Decimal
    price: Decimal | None
    stated: Decimal
    fills: tuple[Execution, ...]
    replaced: tuple[tuple[str, str | None], ...]
    flags: int
    end: OrderState | None
    noted_end: OrderState | None
    reqids: tuple[int | str, ...]
    lost_reqid: int | str | None
    venue_ids: tuple[str, ...]
    edit_ids: tuple[tuple[str, Decimal | None, Decimal | None], ...]


# ── payloads about no dialog ────────────────────────────────────────────────────────────────────────


class Opened(Value, frozen=True):
    """The book was opened. *generation* goes into every reqid; the rest bounds what memory keeps."""

    generation: str
    keep_finished: int
    keep_age_ns: int


class Listed(Value, frozen=True):
    """A market's steps and assets, as its broker declares them."""

    market: Market


class Accounted(Value, frozen=True):
    """What a broker tells of an account's position. The operator is told, and is the record's owner.

    A transfer, split or expiry moves ours. A size that is not ours moves nothing: *ours* is what we hold;
    None for all else.
    """

    broker: str
    report: PositionReport
    ours: Decimal | None


class Granted(Value, frozen=True):
    """An identity may act (trader) or look on (observer) at the orders of the owners it *sees*."""

    identity: str
    role: Role
    sees: tuple[str, ...]


class LinkMoved(Value, frozen=True):
    """A broker's link moved; *due_ns* is when its history is to be asked for, 0 for never."""

    broker: str
    event: LinkEvent
    due_ns: int = 0


class Parked(Value, frozen=True):
    """A report maps to no dialog yet; it waits while a request to that broker lacks its ack."""

    broker: str
    report: Report
    due_ns: int


class Unparked(Value, frozen=True):
    """A report that was parked or orphaned by record *origin* tells nothing new by now."""

    broker: str
    origin: int


class Orphaned(Value, frozen=True):
    """A report maps to no dialog for good.

    A fill is booked on the account. Of fills, busts and corrections the account's operator is told, with an
    alarm: the operator is the record's owner then, and its oid is empty.
    """

    broker: str
    report: Report
    origin: int


Payload = (
    Submitted | Held | Adopted | Sent | Triggered | Met | Trailed | CancelWanted | CancelSent | EditWanted
    | EditSent | Reported | ReportedOfBefore | ReportedBesideOurs | ReportedOfTheirs | Timed | Contradicted
    | Recalled | Opened
    | Listed | Accounted | Granted | LinkMoved | HistoryAsked | HistoryRead | Parked | Unparked | Orphaned
)  # fmt: skip  # one name a line says no more


class Record(Value, frozen=True):
    """One decision.

    *seq* is gap-free in the log. *event* and *then* are steps of the order table, None where no state
    moves. *told* is its gap-free seq in the owner's own stream, 0 where the owner is not told; *onlookers*
    pairs each other identity that is told with its seq in that one's.
    """

    seq: int
    time_ns: int
    owner: str
    oid: str
    event: OrderEvent | None
    then: OrderEvent | None
    payload: Payload
    told: int = 0
    onlookers: tuple[tuple[str, int], ...] = ()
    alarm: str | None = None

    @property
    def tells(self) -> tuple[tuple[str, int], ...]:
        """Everyone who is told, the owner first, with its seq in the stream of each."""
        return ((self.owner, self.told), *self.onlookers) if self.told else self.onlookers


def told_first(owner: str, tells: tuple[tuple[str, int], ...]) -> tuple[int, tuple[tuple[str, int], ...]]:
    """*told* and *onlookers* of the record of *owner* that :attr:`Record.tells` so."""
    if tells and tells[0][0] == owner and tells[0][1]:
        return tells[0][1], tells[1:]
    return 0, tells


# ── effects ─────────────────────────────────────────────────────────────────────────────────────────


class SendOrder(Value, frozen=True):
    """Place this order."""

    broker: str
    reqid: int | str
    account: str
    market: str
    side: str
    size: Decimal
    price: Decimal | None
    type: str
    tif: str
    expire_ns: int | None
    post_only: bool
    time_ns: int
    deadline_ns: int


class SendAbout(Value, frozen=True):
    """Cancel, edit or tell what is known of the order that *target* names."""

    verb: Literal["cancel", "edit", "query"]
    broker: str
    reqid: int | str
    account: str
    target: int | str
    venue_id: str | None
    size: Decimal | None
    price: Decimal | None
    time_ns: int
    deadline_ns: int


class Notice(Value, frozen=True):
    """What *identity* is told: the record, where the dialog came from, and how it stood right after.

    Of an orphan, which is about no dialog, it tells the record alone; the rest is as of an order yet to be.
    *filled_max* is the most that can have traded of an order in doubt.
    """

    identity: str
    seq: int
    record: Record
    source: OrderState
    state: OrderState
    size: Decimal
    price: Decimal | None
    filled: Decimal
    booked: Decimal
    notional: Decimal
    flags: int
    end: OrderState | None
    pending: str | None
    venue_id: str | None
    filled_max: Decimal | None = None

    @property
    def leaves(self) -> Decimal:
        """What can still trade: 0 once ended, whatever was left."""
        return (
            ZERO
            if self.state in NOTHING_LEAVES or self.filled >= self.size
            else EXACT.subtract(self.size, self.filled)
        )

    @property
    def ord_status(self) -> str:
        """The FIX OrdStatus; see :func:`~fsm_ems.dialogs.facts.ord_status_of`."""
        return ord_status_of(self.pending, self.flags, self.end, self.filled, self.size)


class Booked(Value, frozen=True):
    """*event* moved the position of *account* in *market*, by the record *seq*; where it *reverses*, back."""

    seq: int
    booked_ns: int
    account: str
    market: str
    event: Event
    reverses: bool = False

    @property
    def broker(self) -> str:
        """The last part of the market's address."""
        return broker_of(self.market)

    @property
    def entry(self) -> Entry:
        """What goes into the ledger of that account at that broker."""
        return Entry(self.seq, self.booked_ns, self.market, self.event, self.reverses)


Send = SendOrder | SendAbout | SendHistory
"""What leaves for a broker."""
Effect = Send | Notice | Booked
