"""What must hold at every step of a simulation: the promises, checked from the log, the venues and the clock.

| promise | where it is checked |
| --- | --- |
| P1 one order at the venue for one of an owner | :meth:`Oracle.accepted`, ``FromLog`` (taken, sent) |
| P2 what was answered is durable | :meth:`Oracle.accepted`, :meth:`Oracle.restarted`, ``Disk.stop`` |
| P3 executions: none lost, none twice | :meth:`Oracle._booked`; at the end ``simulate_agree`` |
| P4 position, ledger and venue are one sum | :meth:`Oracle.took`; at the end ``simulate_agree`` |
| P5 a cancel is wanted until the end | :meth:`Oracle.wishes_kept`, ``restarted``, ``_wish_refused`` |
| P6 nobody is told or obeyed without the right | :meth:`Oracle._notice`, ``simulate_offences`` |
| P7 only rows of the tables; an end lasts | :meth:`Oracle._notice`, ``FromLog`` (links) |
| P8 each stream is gap-free, and resumes | ``FromLog``, ``simulate_clients.Reader`` |
| P9 a dark order fires once, on a fresh good row | :meth:`Oracle.quoted`, ``FromLog``, ``Feed`` (no number) |
| P10 nothing after an error of the disk | ``SimulatedEMS._release``, ``end`` and ``_append`` |
| P11 everything is bounded | ``simulate_bounds``, at every step and at each start |
| P12 nothing leaves unchecked, or over a link that is not up | :meth:`Oracle.sends` |
| P13 all agree within 75 s of the last fault | ``simulate_agree`` |
| P14 a replay is what was live | ``SimulatedEMS`` at each end and start; ``Venue.come_back`` for the venue |

P15, which is about secrets, has no part here: a simulation has none.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal

from fsm_ems.accounting.clear import Clear
from fsm_ems.dialogs.asking import SendHistory
from fsm_ems.dialogs.book import Book
from fsm_ems.dialogs.exposure import Exposure, exposures
from fsm_ems.dialogs.record import (
    Adopted,
    Booked,
    Effect,
    Notice,
    Record,
    Reported,
    Send,
    SendOrder,
    Triggered,
)
from fsm_ems.dialogs.settings import Settings
from fsm_ems.machines.link import LinkState
from fsm_ems.machines.order import ENDS, ORDER
from fsm_ems.messages import BrokerdOrder, Order
from fsm_ems.quotes import Row, Trade
from fsm_ems.testing.breach import Breach
from fsm_ems.testing.search import Edge
from fsm_ems.testing.simulate_book import ZERO, VenueBook, VenueOrder
from fsm_ems.testing.simulate_bounds import Bounds, check_tables
from fsm_ems.testing.simulate_log import FromLog, Key, LinkEdge

_ENDED = frozenset(state.value for state in ENDS)
_REFUSALS = frozenset(
    {"cancel_refused", "cancel_refused_acked", "cancel_refused_dark", "cancel_refused_filled"}
)
_LASTING = {"cancelled": {"cancelled"}, "expired": {"expired"}, "rejected": {"rejected", "cancelled"}}
"""What an end may still become; a filled order may be reopened, or come to the end that was noted."""


class Oracle:
    """Raises Breach, and learns which rows of the tables were taken.

    *rights* are, by identity, the owners of whose orders it is told.
    """

    def __init__(self, brokers: Iterable[str], rights: Mapping[str, frozenset[str]]) -> None:
        self.venues = {broker: VenueBook(broker, self.accepted) for broker in brokers}
        self.rights = rights
        self.edges: set[Edge] = set()
        self.link_edges: set[LinkEdge] = set()
        self.submitted: dict[Key, list[Order]] = {}
        self.answered: dict[Key, Order] = {}
        self.answered_cancels: set[Key] = set()
        self.log = FromLog()
        self._at_venue: dict[Key, VenueOrder] = {}
        self._bounds = Bounds()

    # ── the venue ───────────────────────────────────────────────────────────────────────────────────

    def accepted(self, broker: str, order: VenueOrder, request: BrokerdOrder) -> None:
        """A venue takes an order: of an owner's the first, and as its owner wished."""
        if order.external:
            return
        key = self.log.key_of.get((broker, request.reqid))
        if key is None:
            raise Breach("P2", f"{broker} has order {request.reqid}, and no record tells whose it is")
        if key in self._at_venue:
            raise Breach("P1", f"{key} is at {broker} twice, the second time as {request.reqid}")
        self._at_venue[key] = order
        asked = [(wish.market, wish.side, wish.account) for wish in self.submitted[key]]
        if (order.market, order.side, order.account) not in asked:
            raise Breach("P1", f"{key} is at {broker} as {order.side} in {order.market}, unasked")

    def order_of(self, key: Key) -> VenueOrder | None:
        """What a venue has of an owner's order; None where it has nothing."""
        return self._at_venue.get(key)

    def answer(self, owner: str, order: Order) -> None:
        """An owner is told that his order was taken: it stands, and no other under its name."""
        known = self.answered.setdefault((owner, order.oid), order)
        if known != order:
            raise Breach("P1", f"{owner} has {known}, and was answered that {order} was taken")

    # ── inputs ──────────────────────────────────────────────────────────────────────────────────────

    def took(self, records: Iterable[Record], effects: Iterable[Effect], book: Book) -> None:
        """Records were made or read back, and led to *effects* and to *book*."""
        for record in records:
            self.log.take(record)
            if isinstance(record.payload, Adopted):
                self._adopted(record.payload)
            elif isinstance(record.payload, Reported) and record.payload.reqid is not None:
                self._sent_again((record.owner, record.oid))
            if record.event is not None and record.event.value in _REFUSALS:
                self._wish_refused((record.owner, record.oid), record)
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

    def _adopted(self, payload: Adopted) -> None:
        order = self.venues[payload.broker].orders.get(payload.venue_id or "")
        if order is None or not order.external:
            raise Breach("P1", f"{payload.venue_id} at {payload.broker} is taken for a stranger's order")
        body = payload.body
        if (body.market, body.side, body.account) != (order.market, order.side, order.account):
            raise Breach("P1", f"{payload.venue_id} is adopted as {body}")

    def _sent_again(self, key: Key) -> None:
        """Only what never was at the venue, as its owner wished; it cannot come there any more."""
        broker, first = self.log.again[key]
        if first in self.venues[broker].by_reqid:
            raise Breach("P1", f"{key} is sent again, and {broker} has it as {first}")
        if not any(wish.if_absent == "resend" for wish in self.submitted[key]):
            raise Breach("P1", f"{key} is sent again, and its owner does not allow that")

    def _wish_refused(self, key: Key, record: Record) -> None:
        payload = record.payload
        refused = isinstance(payload, Reported) and (
            payload.report.reqid in self.venues[payload.broker].refused
        )
        if not refused:
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
        entry, log, venue = booked.entry, self.log, self.venues[booked.broker]
        clear, account = entry.event, (booked.account, entry.market)
        assert isinstance(clear, Clear), "these venues tell of executions alone"
        order, made = venue.of_execution.get(clear.exec_id), venue.made.get(clear.exec_id)
        if order is None or made is None:
            raise Breach("P3", f"{clear.exec_id} was booked, and never happened")
        size = made.size if order.side == "buy" else -made.size
        told, true = (clear.size, clear.price, *account), (size, made.price, order.account, order.market)
        if told != true:
            raise Breach("P3", f"{clear.exec_id} was booked as {told}, and is {true}")
        name = (booked.broker, booked.account, clear.exec_id)
        if entry.reverses:
            if clear.exec_id in order.live:
                raise Breach("P3", f"{clear.exec_id} was undone, and the venue stands by it")
            del log.booked[name]
        elif name in log.booked:
            raise Breach("P3", f"{clear.exec_id} was booked twice")
        else:
            log.booked[name] = made
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

    def let_wait(self, order: Order) -> None:
        """An order was taken: one that must not wait for its link never does."""
        broker = order.market.rpartition(".")[2]
        if order.when_down == "refuse" and self.log.link_states.get(broker) is not LinkState.UP:
            raise Breach("P12", f"{order} was taken, and the link is not up")

    # ── what leaves ─────────────────────────────────────────────────────────────────────────────────

    def sends(self, effects: Iterable[Effect], settings: Settings) -> None:
        """What was decided to send: checked, over a link that takes it."""
        for effect in effects:
            if not isinstance(effect, Send):
                continue
            if not isinstance(effect, SendHistory) and effect.size is not None:
                self._within_limits(effect.size, effect.price, settings)
            takes = ("synced",) if isinstance(effect, SendOrder) else ("connected", "synced")
            if self.log.links.get(effect.broker) not in takes:
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

    def within(self, book: Book) -> None:
        """P4: what the venues really executed lies within the range that is told, whatever went missing.

        Where nobody undoes an execution or places an order unheard: that can be known only once it is told.
        """
        told = {(each.account, each.market): each for each in exposures(book)}
        for venue in self.venues.values():
            for place, size in venue.positions().items():
                each = told.get(place, Exposure(*place))
                if not each.may_be(size):
                    raise Breach("P4", f"{place}: {size} is held at the venue, and the range is {each}")

    # ── restarts ────────────────────────────────────────────────────────────────────────────────────

    def begin(self) -> None:
        """A process starts: what the log tells is read anew."""
        self.link_edges |= self.log.link_edges
        self.log = FromLog()

    def restarted(self, book: Book) -> None:
        """All records were read: what was promised is there."""
        log = self.log
        if missing := self.answered.keys() - log.broker_of.keys():
            raise Breach("P2", f"{min(missing)} was answered, and a restart has forgotten it")
        if missing := self.answered_cancels - log.cancelled:
            raise Breach("P5", f"the cancel of {min(missing)} was answered, and a restart has forgotten it")
        self.wishes_kept(book)
        check_tables(book)
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

    def bounded(self, records: Iterable[Record], book: Book, settings: Settings) -> None:
        """P11: *records* made nothing grow past its bound."""
        self._bounds.check(book, settings, {(record.owner, record.oid) for record in records if record.oid})
