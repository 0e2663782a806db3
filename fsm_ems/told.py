"""The client's edge, outward: what the EMS tells an order's owner and whoever looks on.

Import these from :mod:`fsm_ems.messages`.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Strict

from fsm_ems.message_fields import Message, TimeNs, message
from fsm_ems.numbers import Computed


@message
class Status(Message):
    """What the owner is told after each record of an order.

    *seq* is gap-free in the identity's own stream. *event* is the table's event that led to *state*;
    *then* a second step of the same record. *average_price* is over booked executions, 34 digits. Of an
    ``unknown`` order from *filled* to *filled_max* has traded. *reason* is the table's; of what the venue
    refused it has the venue's words as well, where there are any.

    *ord_status* is the FIX OrdStatus by precedence (FIX 5.0 SP2 volume 4, Execution Reports). What no venue
    was ever asked for has no word there: it is ``PendingNew``, an alert that was met included. *alarm* is set
    when something cannot be right and a person should look. *event* ``orphan`` is about an execution of no
    known order, told to the account's operator: *oid*, *state* and *ord_status* are empty.
    """

    name: Literal["status"] = "status"
    oid: str
    owner: str
    seq: Annotated[int, Strict()]
    state: str
    event: str
    then: str | None = None
    size: Computed | None = None
    price: Computed | None = None
    filled: Computed
    filled_max: Computed | None = None
    remaining: Computed
    average_price: Computed | None = None
    ord_status: str
    reason: str
    report: dict[str, Any] | None = None
    alarm: str | None = None
    time_ns: TimeNs
    venue_id: str | None = None


@message
class Resync(Message):
    """Where an event stream goes on when what its reader missed is no longer kept: the full picture instead.

    *orders* are all orders of the reader, or of the owners it sees, that have not ended, each as it stood
    when the stream had come to *seq*; what comes next is *seq* + 1. An order that is not among them has
    ended: submitting it again tells how, for as long as it is known.
    """

    name: Literal["resync"] = "resync"
    seq: Annotated[int, Strict()]
    orders: tuple[Status, ...]
    time_ns: TimeNs
