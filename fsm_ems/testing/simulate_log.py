"""What the records of a simulation tell, kept apart from what its venues' books tell.

After a restart it is made anew from the records that are left, so that what a power cut took counts for
nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from decimal import Decimal
from typing import Any, NamedTuple

from fsm_ems.dialogs.record import (
    Adopted,
    CancelWanted,
    EditWanted,
    Held,
    LinkMoved,
    Met,
    Record,
    Reported,
    Sent,
    Submitted,
    Trailed,
    Triggered,
)
from fsm_ems.machines.link import LINK, LinkEvent, LinkState
from fsm_ems.testing.breach import Breach
from fsm_ems.testing.simulate_book import Executed

Key = tuple[str, str]
LinkEdge = tuple[str, str]


class Waits(NamedTuple):
    """A dark order or an alert as it was accepted, and as its owner or the market moved it since."""

    market: str
    side: str
    direction: str
    price: Decimal
    met: bool = False


class FromLog:
    """The fold of the records that the oracle needs. A request is known by its broker and its id.

    ``broker_of`` has every order that was taken from an owner, ``again`` the first request of each that was
    sent a second time.
    """

    def __init__(self) -> None:
        self.key_of: dict[tuple[str, int | str], Key] = {}
        self.sent: dict[Key, tuple[str, int | str]] = {}
        self.again: dict[Key, tuple[str, int | str]] = {}
        self.broker_of: dict[Key, str] = {}
        self.adopted: dict[tuple[str, str], Key] = {}
        self.cancelled: set[Key] = set()
        self.wishes: set[Key] = set()
        self.triggered: set[Key] = set()
        self.waits: dict[Key, Waits] = {}
        self.states: dict[Key, str] = {}
        self.streams: dict[str, list[int]] = defaultdict(list)
        self.booked: dict[tuple[str, str, str], Executed] = {}
        self.ledger: dict[tuple[str, str], Decimal] = {}
        self.links: dict[str, LinkEvent] = {}
        self.link_states: dict[str, LinkState] = {}
        self.link_edges: set[LinkEdge] = set()

    def take(self, record: Record) -> None:
        """Note what *record* tells.

        Raises:
            Breach: no log may have it: P1, P7, P8 or P9.
        """
        for identity, seq in record.tells:
            stream = self.streams[identity]
            if seq != len(stream) + 1:
                raise Breach("P8", f"{identity} has {len(stream)}, and record {record.seq} is its {seq}")
            stream.append(record.seq)
        note = _NOTES.get(type(record.payload))
        if note is not None:
            note(self, (record.owner, record.oid), record.payload, record.seq)

    def note_submitted(self, key: Key, payload: Submitted, seq: int) -> None:
        """An order was taken."""
        self._born(key, payload.body.market, seq)
        self.note_sent(key, payload, seq)

    def note_held(self, key: Key, payload: Held, seq: int) -> None:
        """A dark order or an alert was taken."""
        body = payload.body
        self._born(key, body.market, seq)
        self.waits[key] = Waits(body.market, body.side, payload.direction, payload.price)

    def _born(self, key: Key, market: str, seq: int) -> None:
        if key in self.broker_of:
            raise Breach("P1", f"{key} was taken a second time, by record {seq}")
        self.broker_of[key] = market.rpartition(".")[2]

    def note_adopted(self, key: Key, payload: Adopted, seq: int) -> None:
        """An order was found at its venue."""
        assert payload.venue_id is not None, "it has no other name"
        name = payload.broker, payload.venue_id
        if name in self.adopted:
            raise Breach("P1", f"{name} is adopted as {key}, and was as {self.adopted[name]}")
        self.adopted[name] = key

    def note_triggered(self, key: Key, payload: Triggered, seq: int) -> None:
        """A dark order or an alert fires."""
        if key in self.triggered:
            raise Breach("P9", f"{key} was triggered a second time, by record {seq}")
        self.triggered.add(key)
        self.note_sent(key, payload, seq)

    def note_sent(self, key: Key, payload: Submitted | Sent | Triggered, seq: int) -> None:
        """An order leaves, for the first time."""
        if payload.reqid is not None:
            self._leaves(key, payload.reqid)

    def note_reported(self, key: Key, payload: Reported, seq: int) -> None:
        """What never arrived may leave once more, while no cancel is wanted."""
        if payload.reqid is None:
            return
        first = self.sent.pop(key, None)
        if first is None or key in self.again:
            raise Breach("P1", f"{key} is sent again by record {seq}, a second time or before the first")
        if key in self.wishes:
            raise Breach("P5", f"{key} is sent again by record {seq}, and its cancel is wanted")
        self.again[key] = first
        self._leaves(key, payload.reqid)

    def _leaves(self, key: Key, reqid: int | str) -> None:
        named = self.broker_of[key], reqid
        if key in self.sent:
            raise Breach("P1", f"{key} was sent as {self.sent[key]}, and is sent again as {named}")
        if named in self.key_of:
            raise Breach("P1", f"{key} is sent as {named}, which is {self.key_of[named]}'s")
        self.sent[key] = named
        self.key_of[named] = key

    def note_trailed(self, key: Key, payload: Trailed, seq: int) -> None:
        """The price of a trailing stop moves."""
        self.waits[key] = self.waits[key]._replace(price=payload.price)

    def note_met(self, key: Key, payload: Met, seq: int) -> None:
        """A print met its price; a quote may follow at any."""
        self.waits[key] = self.waits[key]._replace(met=True)

    def note_edit_wanted(self, key: Key, payload: EditWanted, seq: int) -> None:
        """The terms of what waits here change."""
        if payload.reqid is None and key in self.waits and payload.price is not None:
            self.waits[key] = self.waits[key]._replace(price=payload.price, met=False)

    def note_cancel_wanted(self, key: Key, payload: CancelWanted, seq: int) -> None:
        """Its owner wants it cancelled."""
        self.cancelled.add(key)
        if payload.reqid is not None:
            self.wishes.add(key)

    def note_link_moved(self, key: Key, payload: LinkMoved, seq: int) -> None:
        """A link moves by a row of its table."""
        broker, event = payload.broker, payload.event
        at = self.link_states.get(broker, LinkState.DOWN)
        if (at, event) not in LINK.row_of:
            raise Breach("P7", f"the link to {broker} is {at}, and has no row for {event}")
        self.link_edges.add((at.value, event.value))
        self.link_states[broker] = LINK.moves[at][event]
        self.links[broker] = event


_NOTES: dict[type, Callable[[FromLog, Key, Any, int], None]] = {
    Submitted: FromLog.note_submitted,
    Held: FromLog.note_held,
    Adopted: FromLog.note_adopted,
    Triggered: FromLog.note_triggered,
    Sent: FromLog.note_sent,
    Reported: FromLog.note_reported,
    Trailed: FromLog.note_trailed,
    Met: FromLog.note_met,
    EditWanted: FromLog.note_edit_wanted,
    CancelWanted: FromLog.note_cancel_wanted,
    LinkMoved: FromLog.note_link_moved,
}
