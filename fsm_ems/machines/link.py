"""The life of one connection to one broker account, as a table.

A link is down until it has been connected, and new orders wait until it is *up*; requests about orders the
venue has may go out as soon as it is syncing, which lasts until the broker has told what was missed. Losing
it puts every order the venue may hold into ``unknown`` (see :mod:`fsm_ems.machines.order`).
"""

from __future__ import annotations

from enum import StrEnum

from fsm_ems.machines.table import Column, Row, Table


class LinkState(StrEnum):
    """Where a connection stands."""

    DOWN = "down"
    CONNECTING = "connecting"
    SYNCING = "syncing"
    UP = "up"
    CLOSED = "closed"

    __hash__ = str.__hash__


class LinkEvent(StrEnum):
    """What happens to a connection."""

    CONNECT = "connect"
    CONNECTED = "connected"
    SYNCED = "synced"
    LOST = "lost"
    CLOSE = "close"

    __hash__ = str.__hash__


_S, _E = LinkState, LinkEvent

LINK: Table[LinkState, LinkEvent] = Table(
    "link",
    initial=_S.DOWN,
    ends=(_S.CLOSED,),
    rows=(
        Row(_S.DOWN, _E.CONNECT, _S.CONNECTING, "main", "someone needs the broker"),
        Row(
            _S.CONNECTING,
            _E.CONNECTED,
            _S.SYNCING,
            "main",
            "the stream is open; what was missed is not known yet",
        ),
        Row(
            _S.SYNCING,
            _E.SYNCED,
            _S.UP,
            "main",
            "what was missed is known, where the broker tells: new orders may go out",
        ),
        Row(_S.CONNECTING, _E.LOST, _S.CONNECTING, "loss", "the attempt failed; the next one follows"),
        Row(_S.SYNCING, _E.LOST, _S.CONNECTING, "loss", "lost before it was in step"),
        Row(_S.UP, _E.LOST, _S.CONNECTING, "loss", "reports may be missed from here on"),
        Row(_S.DOWN, _E.CLOSE, _S.CLOSED, "close", "never needed"),
        Row(_S.CONNECTING, _E.CLOSE, _S.CLOSED, "close", "given up on purpose"),
        Row(_S.SYNCING, _E.CLOSE, _S.CLOSED, "close", "given up on purpose"),
        Row(_S.UP, _E.CLOSE, _S.CLOSED, "close", "a clean stop"),
    ),
    columns=(
        Column(_E.CONNECT, "ignore", "a connection is wanted"),
        Column(_E.CONNECTED, "anomaly", "the transport is open and logged in"),
        Column(_E.SYNCED, "anomaly", "the stream is ready for new orders"),
        Column(_E.LOST, "ignore", "the transport broke or went silent"),
        Column(_E.CLOSE, "ignore", "the EMS stops using the broker"),
    ),
)
