"""What each state means, in a few words: for diagrams, the README and error messages."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from fsm_ems.machines.link import LinkState
from fsm_ems.machines.order import OrderState

ORDER_MEANINGS: Mapping[OrderState, str] = MappingProxyType(
    {
        OrderState.NEW: "asked for, nothing decided yet",
        OrderState.DARK_OPEN: "held here, unknown to the venue, until its price is met",
        OrderState.ALERT_OPEN: "waits for its price; never sends anything",
        OrderState.PENDING: "durable here, on its way to the broker; no ack yet",
        OrderState.DARK_TRIGGERED: "a dark order whose price was met, on its way; no ack yet",
        OrderState.CANCEL_STASHED: "cancelled before the ack: the cancel leaves the moment the ack arrives",
        OrderState.ACKED: "the venue gave its id; not yet resting",
        OrderState.OPEN: "rests at the venue, filled in part or not",
        OrderState.EDITING: "a replace request is out; the old terms are in force",
        OrderState.CANCELLING: "a cancel request is out",
        OrderState.UNKNOWN: "the outcome is unproven; only evidence leads out",
        OrderState.FILLED: "nothing is left to trade",
        OrderState.CANCELLED: "cancelled, by its owner or the venue; what traded stays",
        OrderState.REJECTED: "refused by the venue, or here before it left",
        OrderState.EXPIRED: "its time ran out; what traded stays",
        OrderState.ALERT_TRIGGERED: "its price was met and the owner was told",
    }
)

LINK_MEANINGS: Mapping[LinkState, str] = MappingProxyType(
    {
        LinkState.DOWN: "not connected, and nobody asked for it yet",
        LinkState.CONNECTING: "opening the connection, for the first time or again",
        LinkState.SYNCING: "connected; what was missed is being read back",
        LinkState.UP: "in step with the venue",
        LinkState.CLOSED: "stopped on purpose",
    }
)
