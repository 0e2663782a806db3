"""What must hold at every step of a simulation: the promises, checked from the log, the venue and the clock.

What the log tells is kept apart from what the venue's book tells. After a restart the first is made anew
from the records that are left, so that what a power cut took counts for nothing here either.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import NamedTuple

from fsm_ems.accounting.clear import Clear
from fsm_ems.dialogs.asking import SendHistory
from fsm_ems.dialogs.book import Book
from fsm_ems.dialogs.exposure import Exposure, exposures
from fsm_ems.dialogs.record import (
    Booked,
    CancelWanted,
    EditWanted,
    Effect,
    Held,
    LinkMoved,
    Met,
    Notice,
    Record,
    Reported,
    Send,
    SendOrder,
    Sent,
    Submitted,
    Trailed,
    Triggered,
)
from fsm_ems.dialogs.settings import Settings
from fsm_ems.machines.order import ENDS, ORDER
from fsm_ems.messages import BrokerdOrder, Order
from fsm_ems.quotes import Row, Trade
from fsm_ems.testing.breach import Breach
from fsm_ems.testing.search import Edge
from fsm_ems.testing.simulate_plan import BROKER
from fsm_ems.testing.simulate_venue import ZERO, Executed, VenueBook, VenueOrder

Key = tuple[str, str]
_ENDED = frozenset(state.value for state in ENDS)
_REFUSALS = frozenset(
    {"cancel_refused", "cancel_refused_acked", "cancel_refused_dark", "cancel_refused_filled"}
)
_LASTING = {"cancelled": {"cancelled"}, "expired": {"expired"}, "rejected": {"rejected", "cancelled"}}
"""What an end may still become; a filled order may be reopened, or come to the end that was noted."""
FINISHED_MORE = 1_001
"""How many finished orders may stay past their number because a request about them is unanswered."""


class Waits(NamedTuple):
    """A dark order or an alert as it was accepted, and as its owner or the market moved it since."""

    market: str
    side: str
    direction: str
    price: Decimal
    met: bool = False


class FromLog:
    """What the records tell."""

    def __init__(self) -> None:
        self.key_of: dict[int | str, Key] = {}
        self.sent: dict[Key, int | str] = {}
        self.again: set[Key] = set()
        self.born: set[Key] = set()
        self.cancelled: set[Key] = set()
        self.wishes: set[Key] = set()
        self.triggered: set[Key] = set()
        self.waits: dict[Key, Waits] = {}
        self.states: dict[Key, str] = {}
        self.streams: dict[str, list[int]] = {}
        self.booked: dict[str, Executed] = {}
        self.link = "lost"
        self.ledger: dict[tuple[str, str], Decimal] = {}


class Oracle:
    """Raises Breach, and learns which rows of the table were taken.

    *rights* are, by identity, the owners of whose orders it is told.
    """

    def __init__(self, rights: dict[str, frozenset[str]]) -> None:
        self.venue = VenueBook(self.accepted)
        self.rights = rights
        self.edges: set[Edge] = set()
        self.submitted: dict[Key, list[Order]] = {}
        self.answered: set[Key] = set()
        self.answered_cancels: set[Key] = set()
        self.log = FromLog()
        self._at_venue: dict[Key, VenueOrder] = {}

    # ── the venue ───────────────────────────────────────────────────────────────────────────────────

    def accepted(self, order: VenueOrder, request: BrokerdOrder) -> None:
        """The venue takes an order: the first of its owner's, and as its owner wished."""
        key = self.log.key_of.get(request.reqid)
        if key is None:
            raise Breach("P2", f"the venue has order {request.reqid}, and no record tells whose it is")
        if key in self._at_venue:
            raise Breach("P1", f"{key} is at the venue twice, the second time as {request.reqid}")
        self._at_venue[key] = order
        asked = [(wish.market, wish.side, wish.account) for wish in self.submitted[key]]
        if (order.market, order.side, order.account) not in asked:
            raise Breach("P1", f"{key} is at the venue as {order.side} in {order.market}, unasked")

    # ── inputs ──────────────────────────────────────────────────────────────────────────────────────

    def took(self, records: Iterable[Record], effects: Iterable[Effect], book: Book) -> None:
        """Records were made or read back, and led to *effects* and to *book*."""
        for record in records:
            self._recorded(record)
        touched: set[tuple[str, str]] = set()
        for effect in effects:
            if isinstance(effect, Notice):
                self._notice(effect)
            elif isinstance(effect, Booked):
                touched.add(self._booked(effect))
        for account, market in touched:
            held, summed = book.positions[account][market].size, self.log.ledger[account, market]
            if held != summed:
                raise Breach("P4", f"{account} holds {held} of {market}, and its ledger adds up to {summed}")

    def _recorded(self, record: Record) -> None:
        log, payload, key = self.log, record.payload, (record.owner, record.oid)
        for identity, seq in record.tells:
            stream = log.streams.setdefault(identity, [])
            if seq != len(stream) + 1:
                raise Breach("P8", f"{identity} has {len(stream)}, and record {record.seq} is its {seq}")
            stream.append(record.seq)
        if isinstance(payload, Submitted | Held):
            if key in log.born:
                raise Breach("P1", f"{key} was taken a second time, by record {record.seq}")
            log.born.add(key)
        if isinstance(payload, LinkMoved):
            log.link = payload.event.value
        elif isinstance(payload, Held):
            body = payload.body
            log.waits[key] = Waits(body.market, body.side, payload.direction, payload.price)
        elif isinstance(payload, Triggered):
            if key in log.triggered:
                raise Breach("P9", f"{key} was triggered a second time, by record {record.seq}")
            log.triggered.add(key)
        elif isinstance(payload, Trailed):
            log.waits[key] = log.waits[key]._replace(price=payload.price)
        elif isinstance(payload, Met):
            log.waits[key] = log.waits[key]._replace(met=True)
        elif isinstance(payload, EditWanted) and payload.reqid is None and key in log.waits:
            if payload.price is not None:
                log.waits[key] = log.waits[key]._replace(price=payload.price, met=False)
        elif isinstance(payload, CancelWanted):
            log.cancelled.add(key)
            if payload.reqid is not None:
                log.wishes.add(key)
        if isinstance(payload, Submitted | Sent | Triggered) and payload.reqid is not None:
            self._sent(key, payload.reqid)
        elif isinstance(payload, Reported) and payload.reqid is not None:
            self._sent_again(key, payload.reqid)
        if record.event is not None and record.event.value in _REFUSALS:
            self._wish_refused(key, record)

    def _sent(self, key: Key, reqid: int | str) -> None:
        log = self.log
        if key in log.sent:
            raise Breach("P1", f"{key} was sent as {log.sent[key]}, and is sent again as {reqid}")
        if reqid in log.key_of:
            raise Breach("P1", f"{key} is sent as {reqid}, which is {log.key_of[reqid]}'s")
        log.sent[key] = reqid
        log.key_of[reqid] = key

    def _sent_again(self, key: Key, reqid: int | str) -> None:
        """Only what never was at the venue, once, as its owner wished; it cannot come there any more."""
        log = self.log
        first = log.sent.pop(key, None)
        if first is None or key in log.again:
            raise Breach("P1", f"{key} is sent again as {reqid}, and was sent {1 + (key in log.again)} times")
        if first in self.venue.by_reqid:
            raise Breach("P1", f"{key} is sent again as {reqid}, and the venue has it as {first}")
        if not any(wish.if_absent == "resend" for wish in self.submitted[key]):
            raise Breach("P1", f"{key} is sent again as {reqid}, and its owner does not allow that")
        if key in log.wishes:
            raise Breach("P5", f"{key} is sent again as {reqid}, and its cancel is wanted")
        log.again.add(key)
        self._sent(key, reqid)

    def _wish_refused(self, key: Key, record: Record) -> None:
        payload = record.payload
        if not isinstance(payload, Reported) or payload.report.reqid not in self.venue.refused:
            raise Breach("P5", f"the cancel of {key} was given up, and the venue never refused it")
        self.log.wishes.discard(key)

    # ── what owners are told ────────────────────────────────────────────────────────────────────────

    def _notice(self, notice: Notice) -> None:
        record = notice.record
        owner, key = record.owner, (record.owner, record.oid)
        if notice.identity != owner and owner not in self.rights.get(notice.identity, frozenset()):
            raise Breach("P6", f"{notice.identity} is told of {owner}'s order {record.oid}")
        if notice.identity != owner or not record.oid:
            return
        log, state = self.log, notice.state.value
        last = log.states.get(key, notice.source.value)
        if last in _LASTING and state not in _LASTING[last]:
            raise Breach("P7", f"{key} was {last}, and is {state}")
        if record.event is not None:
            at = notice.source
            for event in (record.event, record.then):
                if event is None:
                    continue
                if (at, event) not in ORDER.row_of:
                    raise Breach("P7", f"{key}: {at} has no row for {event}")
                self.edges.add((at.value, event.value))
                at = ORDER.moves[at][event]
            if at is not notice.state:
                raise Breach("P7", f"{key} is told {notice.state}, and the table leads to {at}")
        log.states[key] = state
        if state in _ENDED:
            log.wishes.discard(key)

    def _booked(self, booked: Booked) -> tuple[str, str]:
        entry, log = booked.entry, self.log
        clear, account = entry.event, (booked.account, entry.market)
        assert isinstance(clear, Clear), "this venue tells of executions alone"
        order, made = self.venue.of_execution.get(clear.exec_id), self.venue.made.get(clear.exec_id)
        if order is None or made is None:
            raise Breach("P3", f"{clear.exec_id} was booked, and never happened")
        size = made.size if order.side == "buy" else -made.size
        if (clear.size, clear.price, entry.market, booked.account) != (
            size,
            made.price,
            order.market,
            order.account,
        ):
            raise Breach("P3", f"{clear.exec_id} was booked as {clear.size} at {clear.price}, not {made}")
        if entry.reverses:
            if clear.exec_id in order.live:
                raise Breach("P3", f"{clear.exec_id} was undone, and the venue stands by it")
            del log.booked[clear.exec_id]
        elif clear.exec_id in log.booked:
            raise Breach("P3", f"{clear.exec_id} was booked twice")
        else:
            log.booked[clear.exec_id] = made
        moved = -clear.size if entry.reverses else clear.size
        log.ledger[account] = log.ledger.get(account, ZERO) + moved
        return account

    # ── dark orders ─────────────────────────────────────────────────────────────────────────────────

    def quoted(self, row: Row, records: Iterable[Record], now_ns: int, age_ns: int) -> None:
        """A row led to *records*: what fired did so on a fresh and valid row that meets its price."""
        for record in records:
            payload, key = record.payload, (record.owner, record.oid)
            if not isinstance(payload, Triggered):
                continue
            waits = self.log.waits[key]
            if row.time_ns < now_ns - age_ns:
                raise Breach("P9", f"{key} fired on a row {now_ns - row.time_ns} ns old")
            if isinstance(row, Trade):
                if payload.source != "last" or payload.seen != row.price:
                    raise Breach("P9", f"{key} fired on {payload.seen}, and {row.price} was printed")
            else:
                bid, ask = row.offered()
                touch = ask if waits.side == "buy" else bid
                if touch is None:
                    raise Breach("P9", f"{key} fired on a quote that offers nothing")
                if not waits.met and payload.seen != touch:
                    raise Breach("P9", f"{key} fired on {payload.seen}, and {touch} is quoted")
            seen, price = payload.seen, waits.price
            meets = seen is not None and (
                seen >= price if waits.direction == "at_or_above" else seen <= price
            )
            if not (meets or waits.met):
                raise Breach("P9", f"{key} waits for {waits.direction} {price}, and fired on {seen}")

    # ── what leaves ─────────────────────────────────────────────────────────────────────────────────

    def sends(self, effects: Iterable[Effect], settings: Settings) -> None:
        """What was decided to send: checked, over a link that takes it."""
        for effect in effects:
            if not isinstance(effect, Send):
                continue
            if not isinstance(effect, SendHistory) and effect.size is not None:
                self._within_limits(effect.size, effect.price, settings)
            takes = ("synced",) if isinstance(effect, SendOrder) else ("connected", "synced")
            if self.log.link not in takes:
                raise Breach("P12", f"{type(effect).__name__} {effect.reqid} leaves, and the link is not up")

    @staticmethod
    def _within_limits(size: Decimal, price: Decimal | None, settings: Settings) -> None:
        limits = settings.limits.get("*")
        if limits is None:
            return
        if limits.max_size is not None and size > limits.max_size:
            raise Breach("P12", f"a size of {size} leaves, and {limits.max_size} is the limit")
        if limits.max_value is not None and price is not None and size * price > limits.max_value:
            raise Breach("P12", f"{size} at {price} leaves, and {limits.max_value} is the limit")

    def bounded(self, book: Book, settings: Settings) -> None:
        """P11: nothing grows past its bound."""
        if len(book.parked) > settings.parked_max:
            raise Breach("P11", f"{len(book.parked)} reports wait")
        if len(book.finished) > settings.keep_finished + FINISHED_MORE:
            raise Breach("P11", f"{len(book.finished)} finished orders are kept")
        for dialog in book.at_broker(BROKER):
            if len(dialog.edits) > settings.open_edits_max + 1:
                raise Breach("P11", f"{len(dialog.edits)} edits of {dialog.oid} are open")

    def within(self, book: Book) -> None:
        """P4: what the venue really executed lies within the range that is told, whatever went missing.

        Where no execution is undone: nobody can know of that before it is told.
        """
        told = {(each.account, each.market): each for each in exposures(book)}
        for place, size in self.venue.positions().items():
            each = told.get(place, Exposure(*place))
            if not each.may_be(size):
                raise Breach("P4", f"{place}: {size} is held at the venue, and the range is {each}")

    # ── restarts ────────────────────────────────────────────────────────────────────────────────────

    def begin(self) -> None:
        """A process starts: what the log tells is read anew."""
        self.log = FromLog()

    def restarted(self, book: Book) -> None:
        """All records were read: what was promised is there."""
        log = self.log
        if missing := self.answered - log.born:
            raise Breach("P2", f"{min(missing)} was answered, and a restart has forgotten it")
        if missing := self.answered_cancels - log.cancelled:
            raise Breach("P5", f"the cancel of {min(missing)} was answered, and a restart has forgotten it")
        self.wishes_kept(book)
        for key, waits in log.waits.items():
            dialog = book.dialog(*key)
            if dialog is None or dialog.direction is None:
                continue
            if (dialog.direction, dialog.price) != (waits.direction, waits.price):
                raise Breach("P9", f"{key} waits for {dialog.direction} {dialog.price}, and not for {waits}")

    def wishes_kept(self, book: Book) -> None:
        """P5: a cancel that was taken is wanted until the order ends or the venue has refused."""
        for key in self.log.wishes:
            dialog = book.dialog(*key)
            if dialog is None or dialog.cancel is None or not dialog.cancel.wanted:
                raise Breach("P5", f"the cancel of {key} is forgotten")
