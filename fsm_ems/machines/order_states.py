"""The states of the order machine, and the groups of them that rows and rules speak of."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import TYPE_CHECKING

from fsm_ems.machines.order_events import OrderEvent
from fsm_ems.machines.table import Row, plain_members


class OrderState(StrEnum):
    """Where an order stands; the last five are ends."""

    NEW = "new"
    DARK_OPEN = "dark_open"
    ALERT_OPEN = "alert_open"
    PENDING = "pending"
    DARK_TRIGGERED = "dark_triggered"
    CANCEL_STASHED = "cancel_stashed"
    ACKED = "acked"
    OPEN = "open"
    EDITING = "editing"
    CANCELLING = "cancelling"
    UNKNOWN = "unknown"
    FILLED = "filled"
    CANCELLED = "cancelled"
    REJECTED = "rejected"
    EXPIRED = "expired"
    ALERT_TRIGGERED = "alert_triggered"

    __hash__ = str.__hash__


if TYPE_CHECKING:
    S = OrderState
    E = OrderEvent
else:
    S = plain_members(OrderState)
    E = plain_members(OrderEvent)
Rows = Iterator[Row[OrderState, OrderEvent]]

UNACKED = (S.PENDING, S.DARK_TRIGGERED, S.CANCEL_STASHED)
RESTING = (S.ACKED, S.OPEN, S.EDITING, S.CANCELLING)
AT_VENUE = (*UNACKED, *RESTING, S.UNKNOWN)
QUIET = (S.FILLED, S.CANCELLED, S.EXPIRED)
ENDS = (S.FILLED, S.CANCELLED, S.REJECTED, S.EXPIRED, S.ALERT_TRIGGERED)
