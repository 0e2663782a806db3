"""The broker's edge: what the EMS sends a broker, and what a broker reports.

Import these from :mod:`fsm_ems.messages`.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field, model_validator

from fsm_ems.message_fields import (
    Flag,
    Fqme,
    Liquidity,
    Message,
    Name,
    OrderType,
    ReqId,
    Side,
    Text,
    TimeInForce,
    TimeNs,
    VenueId,
    message,
)
from fsm_ems.numbers import ComputedPositive, NotNegative, Positive, Signed

# ── EMS → broker ────────────────────────────────────────────────────────────────────────────────────


@message
class BrokerdOrder(Message):
    """Place an order. After *deadline_ns* the venue must refuse it."""

    name: Literal["brokerd_order"] = "brokerd_order"
    reqid: ReqId
    account: Name
    market: Fqme
    side: Side
    size: Positive
    price: Positive | None = None
    type: OrderType = "limit"
    tif: TimeInForce = "gtc"
    expire_ns: TimeNs | None = None
    post_only: Flag = False
    time_ns: TimeNs
    deadline_ns: TimeNs


@message
class _About(Message):
    """A request about an order already sent: *target* is its reqid in force, *venue_id* where known."""

    reqid: ReqId
    account: Name
    target: ReqId
    venue_id: VenueId | None = None
    time_ns: TimeNs
    deadline_ns: TimeNs


@message
class BrokerdCancel(_About):
    """Cancel what is left of an order."""

    name: Literal["brokerd_cancel"] = "brokerd_cancel"


@message
class BrokerdEdit(_About):
    """Replace the terms: *size* is the new total including what is filled."""

    name: Literal["brokerd_edit"] = "brokerd_edit"
    size: ComputedPositive
    price: ComputedPositive | None = None


@message
class BrokerdQuery(_About):
    """Tell what you know of an order; answered by ``BrokerdStatus`` with *snapshot* set."""

    name: Literal["brokerd_query"] = "brokerd_query"


@message
class BrokerdHistoryQuery(Message):
    """Tell every open order, and every execution from *since_ns* (the venue's time) on.

    *since* is the newest execution that is known here from before; None where there is none. Answered by
    ``BrokerdHistory``, by brokers that declare it.
    """

    name: Literal["brokerd_history_query"] = "brokerd_history_query"
    reqid: ReqId
    since_ns: TimeNs
    since: VenueId | None = None
    time_ns: TimeNs
    deadline_ns: TimeNs


Request = Annotated[
    BrokerdOrder | BrokerdCancel | BrokerdEdit | BrokerdQuery | BrokerdHistoryQuery,
    Field(discriminator="name"),
]

# ── broker → EMS ────────────────────────────────────────────────────────────────────────────────────


@message
class OrderDetails(Message):
    """An order as the venue describes it: enough to adopt one that was born there."""

    market: Fqme
    side: Side
    size: Positive
    price: Positive | None = None
    type: OrderType = "limit"


@message
class _Report(Message):
    """Any report; *time_ns* is the venue's, 0 where it names none."""

    account: Name = "main"
    time_ns: TimeNs = 0
    text: Text | None = None


@message
class AboutOrder(_Report):
    """A report about an order."""


@message
class _AboutOrder(AboutOrder):
    """A report about the order that *reqid* (any request of its chain) or *venue_id* names."""

    reqid: ReqId | None = None
    venue_id: VenueId | None = None


@message
class _Answer(AboutOrder):
    """A report that answers the request *reqid*."""

    reqid: ReqId
    venue_id: VenueId | None = None


@message
class BrokerdOrderAck(AboutOrder):
    """The venue gave its id for the order."""

    name: Literal["brokerd_ack"] = "brokerd_ack"
    reqid: ReqId
    venue_id: VenueId


@message
class BrokerdStatus(_AboutOrder):
    """Where the venue says the order stands.

    *cum* is the cumulative filled size it names; an end that names none says that nothing traded but what was
    told. With *snapshot* set it answers a query and is no event
    of its own: it fills gaps and never takes anything back; *query* echoes the query's id, and ``absent``
    is known to snapshots only. One that answers no open query may be older than what was heard since: it is
    taken at its word where that cannot matter, and else the venue is asked again.
    *details* in a snapshot are the terms in force.
    *resumes* goes with ``done_for_day``: whether the order trades again another day. ``suspended`` is lifted
    by ``open``; ``calculated`` (fees and settlement are worked out) ends it; ``bidding`` is FIX Accepted for
    Bidding.
    """

    name: Literal["brokerd_status"] = "brokerd_status"
    status: Literal[
        "pending_new",
        "bidding",
        "open",
        "pending_cancel",
        "pending_edit",
        "stopped",
        "suspended",
        "done_for_day",
        "calculated",
        "filled",
        "cancelled",
        "rejected",
        "expired",
        "absent",
    ]
    cum: NotNegative | None = None
    snapshot: Flag = False
    query: ReqId | None = None
    resumes: Flag = False
    details: OrderDetails | None = None

    @model_validator(mode="after")
    def _combination(self) -> BrokerdStatus:
        if self.status == "absent" and not self.snapshot:
            raise ValueError("status 'absent' answers a query only: it needs snapshot=True")
        if self.status == "absent" and (self.details is not None or self.cum is not None):
            raise ValueError("an order that is absent has neither details nor a filled size")
        return self


@message
class AboutExecution(_AboutOrder):
    """A report about an execution: one made, undone or corrected."""

    exec_id: VenueId


@message
class BrokerdFill(AboutExecution):
    """One execution, identified by (broker, account, *exec_id*). *fee* below zero is a rebate."""

    name: Literal["brokerd_fill"] = "brokerd_fill"
    size: Positive
    price: Positive
    fee: Signed = Decimal(0)
    fee_asset: Name | None = None
    liquidity: Liquidity | None = None
    cum: NotNegative | None = None
    details: OrderDetails | None = None


@message
class BrokerdBust(AboutExecution):
    """The execution *ref_id* is undone. *exec_id* is the bust's own id."""

    name: Literal["brokerd_bust"] = "brokerd_bust"
    ref_id: VenueId


@message
class BrokerdCorrection(AboutExecution):
    """The execution *ref_id* is replaced by this one, which has an id of its own."""

    name: Literal["brokerd_correction"] = "brokerd_correction"
    ref_id: VenueId
    size: Positive
    price: Positive
    fee: Signed = Decimal(0)
    fee_asset: Name | None = None
    liquidity: Liquidity | None = None

    @model_validator(mode="after")
    def _two_ids(self) -> BrokerdCorrection:
        if self.exec_id == self.ref_id:
            raise ValueError("a correction has an id of its own: it cannot replace itself")
        return self


@message
class BrokerdReplaced(_Answer):
    """The edit *reqid* is in force; *size*, *price* where the venue names them.

    Terms that somebody else has changed are told as :class:`BrokerdRestated`: under an id that is no open
    edit's this tells nothing.
    """

    name: Literal["brokerd_replaced"] = "brokerd_replaced"
    size: Positive | None = None
    price: Positive | None = None


@message
class BrokerdRefused(_Answer):
    """The request *reqid* is refused; the order it was about is not touched by that.

    The refusal of an order itself is ``BrokerdStatus`` with ``rejected``; ``submit`` here is the refusal
    of a second copy of an order that lives. *target* is a reqid of the order where the refused request's
    own id may be unknown.
    """

    name: Literal["brokerd_refused"] = "brokerd_refused"
    request: Literal["submit", "cancel", "edit"]
    target: ReqId | None = None
    code: Literal["too_late", "unknown_order", "pending", "duplicate", "other"] = "other"


@message
class BrokerdRestated(_AboutOrder):
    """The venue changed terms without a request. *split* multiplies sizes and divides prices."""

    name: Literal["brokerd_restated"] = "brokerd_restated"
    size: Positive | None = None
    price: Positive | None = None
    cum: NotNegative | None = None
    split: Positive | None = None


@message
class AboutPosition(_Report):
    """A report about what an account holds in a market, and about no order."""

    market: Fqme


@message
class BrokerdPosition(AboutPosition):
    """The size the venue says the account holds; below zero when short."""

    name: Literal["brokerd_position"] = "brokerd_position"
    size: Signed


@message
class BrokerdTransfer(AboutPosition):
    """*size* came into the account (above zero) or left it (below) without a trade; *exec_id* is its id."""

    name: Literal["brokerd_transfer"] = "brokerd_transfer"
    exec_id: VenueId
    size: Signed


@message
class BrokerdSplit(AboutPosition):
    """There are *ratio* units for one from here on; *exec_id* is its id. Orders are restated on their own."""

    name: Literal["brokerd_split"] = "brokerd_split"
    exec_id: VenueId
    ratio: Positive


@message
class BrokerdExpiry(AboutPosition):
    """The market has ended: what is held is settled at *price*, 0 where it ends worthless."""

    name: Literal["brokerd_expiry"] = "brokerd_expiry"
    exec_id: VenueId
    price: NotNegative = Decimal(0)


@message
class BrokerdError(_Answer):
    """A reply to *reqid* that does not tell what became of it."""

    name: Literal["brokerd_error"] = "brokerd_error"


Report = Annotated[
    BrokerdOrderAck
    | BrokerdStatus
    | BrokerdFill
    | BrokerdBust
    | BrokerdCorrection
    | BrokerdReplaced
    | BrokerdRefused
    | BrokerdRestated
    | BrokerdError,
    Field(discriminator="name"),
]
"""What a broker tells of an order."""

PositionReport = BrokerdPosition | BrokerdTransfer | BrokerdSplit | BrokerdExpiry
"""What a broker tells of an account's position."""


@message
class BrokerdHistory(_Report):
    """One page of what the question *reqid* asked for; the venue read it after the question arrived.

    *orders* are open ones, each as it stands with its terms; *fills* are executions in the venue's order, and
    what is known already counts once. With *last* set all has been told, and what is not listed is not open.
    """

    name: Literal["brokerd_history"] = "brokerd_history"
    reqid: ReqId
    orders: tuple[BrokerdStatus, ...] = ()
    fills: tuple[BrokerdFill, ...] = ()
    last: Flag = True


VenueReport = Report | BrokerdHistory
"""What a venue that tells of no positions brings."""
AnyReport = Annotated[
    BrokerdOrderAck
    | BrokerdStatus
    | BrokerdFill
    | BrokerdBust
    | BrokerdCorrection
    | BrokerdReplaced
    | BrokerdRefused
    | BrokerdRestated
    | BrokerdError
    | BrokerdHistory
    | PositionReport,
    Field(discriminator="name"),
]
"""What a broker's stream brings."""
