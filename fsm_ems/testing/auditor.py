"""A second mind: it rebuilds from inputs and outputs alone what must hold, and checks it after each input.

It never imports the order table, the naming of events, or what folds records. It reads commands and their
answers, reports, links and time on one side, sends and notices on the other, and compares what follows with
what the book says. The promises are those of the house plan: P1 one order sent, P3 fills once, P5 cancels
driven, P6 rights, P7 ends and states, P8 streams, P9 dark orders and sends, P11 bounds.
"""

from __future__ import annotations

from collections.abc import Hashable

from msgspec import Struct

from fsm_ems.dialogs.asking import SendHistory
from fsm_ems.dialogs.book import Book
from fsm_ems.dialogs.record import (
    Adopted,
    Contradicted,
    Notice,
    Orphaned,
    Record,
    Reported,
    SendAbout,
    SendOrder,
)
from fsm_ems.messages import (
    BrokerdFill,
    BrokerdHistory,
    BrokerdStatus,
    Cancel,
    Command,
    Order,
    Report,
)
from fsm_ems.testing.audit_book import compare_loose, compare_order, compare_positions
from fsm_ems.testing.audit_dark import AuditedMarket, Due, Rules, due, shown, waits
from fsm_ems.testing.audit_history import asks, in_step, told_in
from fsm_ems.testing.audit_resend import EXECUTION, WAITING, check_asked, check_resend, is_of_lost
from fsm_ems.testing.audit_rules import (
    Cause,
    breach,
    check_about_send,
    check_all,
    check_move,
    check_nothing,
    check_order_send,
    check_said,
    check_told,
)
from fsm_ems.testing.audited import DEAD, AuditedOrder
from fsm_ems.testing.audited_parts import AuditedEdit, is_over
from fsm_ems.testing.auditor_fold import (
    ExecKey,
    accepted,
    adopted,
    answered,
    cut_off,
    edit_sent,
    executions_of,
    fold,
)  # fmt: skip  # one name a line says no more
from fsm_ems.testing.breach import Breach
from fsm_ems.testing.clone import shallow
from fsm_ems.testing.inputs import Commanded, Fired, Heard, Input, LinkMoved, Outcome, Quoted, TimePassed

_NOBODY: frozenset[str] = frozenset()


class Auditor(Struct, eq=False, kw_only=True):
    """Tell it who may do what, then every input with its outcome; it raises Breach."""

    operator: str = "operator"
    parked_max: int = 1_000
    rules: Rules = Rules()
    markets: dict[str, AuditedMarket] = {}
    traders: frozenset[str] = _NOBODY
    seeing: dict[str, tuple[str, ...]] = {}
    orders: dict[tuple[str, str], AuditedOrder] = {}
    links: dict[str, str] = {}
    streams: dict[str, int] = {}
    by_reqid: dict[tuple[str, int | str], tuple[str, str]] = {}
    by_venue_id: dict[tuple[str, str], tuple[str, str]] = {}
    asked: dict[str, int | str] = {}
    strayed: bool = False  # an execution of no order moves a position by itself, or waits
    loose: frozenset[ExecKey] = frozenset()
    alarmed: frozenset[ExecKey] = frozenset()
    booked: dict[ExecKey, tuple[str, str]] = {}
    _due: list[Due] = []
    _mets: int = 0
    _sends: list[SendOrder | SendAbout] = []
    _told: tuple[int, str, frozenset[str]] = (0, "", _NOBODY)
    _folded: tuple[str, str] | None = None

    def grant(self, identity: str, role: str, sees: tuple[str, ...] = ()) -> None:
        """*identity* may act (``trader``) and is told of the orders of whom it *sees*."""
        self.traders = self.traders | {identity} if role == "trader" else self.traders - {identity}
        self.seeing = {**self.seeing, identity: sees}

    def twin(self) -> Auditor:
        """An equal one that shares nothing that can change."""
        twin = shallow(self)
        twin.orders = {key: order.twin() for key, order in self.orders.items()}
        twin.links = self.links.copy()
        twin.markets = self.markets.copy()
        twin.streams = self.streams.copy()
        twin.asked = self.asked.copy()
        twin.by_reqid = self.by_reqid.copy()
        twin.by_venue_id = self.by_venue_id.copy()
        twin.booked = self.booked.copy()
        return twin

    def key(self, now_ns: int) -> Hashable:
        """Everything that later checks depend on, without counters and clocks."""
        orders = tuple(order.key(now_ns) for order in self.orders.values())
        markets = tuple(market.key(now_ns) for market in self.markets.values())
        asked = frozenset(self.asked)
        return orders, self.loose, frozenset(self.by_venue_id.items()), markets, asked

    # ── one input ───────────────────────────────────────────────────────────────────────────────────

    def observe(self, given: Input, outcome: Outcome, now_ns: int) -> None:
        """Check what *given* led to.

        Raises:
            Breach: a promise is broken.
        """
        self._folded, self._sends = None, []
        if outcome.refused is not None or outcome.again:
            key = (given.identity, given.command.oid) if isinstance(given, Commanded) else ("", "")
            check_nothing(given, outcome, self.orders.get(key), acts=key[0] in self.traders)
            return
        if isinstance(given, Commanded):
            self._commanded(given.identity, given.command, now_ns)
        elif isinstance(given, Fired):
            self._fired(given, now_ns)
        elif isinstance(given, Quoted):
            self._quoted(given, now_ns)
        elif isinstance(given, Heard):
            self._heard(given)
        elif isinstance(given, LinkMoved):
            self.links[given.broker] = given.event
            if given.event == "lost":
                self.asked.pop(given.broker, None)
                cut_off(self.orders.values(), given.broker)
        self._told = (0, "", _NOBODY)
        for effect in outcome.effects:
            if isinstance(effect, Notice):
                self._notice(effect, given, now_ns)
            elif isinstance(effect, SendOrder | SendAbout):
                self._sends.append(effect)
            elif isinstance(effect, SendHistory):
                asks(self.asked, effect, self.links.get(effect.broker))
        self._all_told()
        if isinstance(given, Heard) and isinstance(given.report, BrokerdHistory):
            self._history_told(given)
        if self._due:
            breach("P9", self.orders[self._due[0].key], f"it {self._due[0].what}, and nobody was told")
        if self._sends:
            raise Breach("P9", f"a {type(self._sends[0]).__name__} left, and nobody was told")
        check_all(self.orders.values(), self.links, now_ns, ticked=isinstance(given, TimePassed))

    # ── what inputs mean ────────────────────────────────────────────────────────────────────────────

    def _commanded(self, identity: str, command: Command, now_ns: int) -> None:
        if identity not in self.traders:
            raise Breach("P6", f"{identity} may not act, and {command} was taken")
        key = (identity, command.oid)
        order = self.orders.get(key)
        if isinstance(command, Order):
            if order is not None:
                breach("P1", order, "it was taken a second time")
            made = self.orders[key] = accepted(identity, command)
            if command.mode == "dark" or made.alert:
                market = self.markets.get(command.market, AuditedMarket())
                made.waits, made.price = waits(command, market, len(self.orders), now_ns, self.rules)
            return
        if order is None:
            raise Breach("P6", f"{identity} has no order {command.oid}, and {command} was taken")
        if isinstance(command, Cancel):
            order.wish, order.cancel_seen = order.sends > 0 or order.arrived, False
            order.edits = tuple(edit for edit in order.edits if edit.out)
        elif not order.sends and not order.arrived:
            order.wants(command)
            order.size = command.size or order.size
            order.price = command.price or order.price
            if order.waits is not None and command.price is not None:
                order.waits = order.waits._replace(met=None)
        else:
            increase = order.filled >= order.size
            order.cancel_seen &= order.state != "filled" or order.wish
            edit = AuditedEdit(command.edit_id, command.size, command.price, increase=increase)
            order.edits = (*order.edits, edit)
            order.wants(command)

    def _fired(self, given: Fired, now_ns: int) -> None:
        order = self.orders.get((given.owner, given.oid))
        dated = order is not None and order.expire_ns is not None and order.expire_ns <= now_ns
        if order is not None and order.state == "dark_open" and not dated:
            at_market = order.waits is not None and order.waits.at_market
            order.triggered, order.waits = True, None
            order.price = None if at_market else given.price or order.price

    def _quoted(self, given: Quoted, now_ns: int) -> None:
        market = shown(self.markets.get(given.market, AuditedMarket()), given.row, now_ns, self.rules)
        if market is not None:
            self.markets[given.market] = market
            there = [one for one in self.orders.values() if one.waits and one.waits.market == given.market]
            self._due = due(there, market, given.row, now_ns, self.rules)

    def _acts(self, order: AuditedOrder) -> None:
        """A row made a record about *order*: it must be the one that is due now."""
        if not self._due or self._due[0].key != (order.owner, order.oid) or order.waits is None:
            breach("P9", order, f"it acts, and due is {self._due[:1] or 'nothing'}")
        made = self._due.pop(0)
        if made.what == "waits":
            self._mets += 1
            order.waits = order.waits._replace(met=self._mets)
            return
        if made.what == "expires":
            order.waits = None
            return
        if made.what == "fires":
            order.triggered, order.waits = True, None
        order.price = order.price if order.alert else made.price

    def _history_told(self, given: Heard) -> None:
        """What told nothing is folded now, and must change nothing."""
        for report in told_in(given):
            order = self._about(given.broker, report)
            if order is not None:
                self._fold(given.broker, order, report)

    def _heard(self, given: Heard) -> None:
        broker, report = given
        if isinstance(report, BrokerdHistory):  # each of its reports is folded when it is told
            if in_step(self.asked, given):
                self.links[broker] = "synced"
            return
        order = self._about(broker, report)
        if order is not None:
            self._folded = (order.owner, order.oid)
            self._fold(broker, order, report)
        elif isinstance(report, BrokerdFill):
            self.strayed = True
            self.loose |= {(broker, report.account, report.exec_id)} - self.booked.keys()

    def _about(self, broker: str, report: Report) -> AuditedOrder | None:
        key = None if report.reqid is None else self.by_reqid.get((broker, report.reqid))
        if key is None and report.venue_id is not None:
            key = self.by_venue_id.get((broker, report.venue_id))
        return None if key is None else self.orders[key]

    def _fold(self, broker: str, order: AuditedOrder, report: Report) -> None:
        if is_of_lost(order, report):
            return
        key = (order.owner, order.oid)
        executions = [(broker, report.account, exec_id) for exec_id in executions_of(report)]
        if any(self.booked.get(execution, key) != key for execution in executions):
            return  # it is another order's: nothing of it counts here
        if report.venue_id is not None and (order.at_venue or not isinstance(report, BrokerdStatus)):
            self.by_venue_id.setdefault((broker, report.venue_id), key)  # no report takes a name away
        for execution in executions:
            self.loose -= {execution}
            self.booked[execution] = key
        if isinstance(report, BrokerdStatus) and report.status == "pending_edit" and report.reqid is not None:
            self.by_reqid.setdefault((broker, report.reqid), key)
        fold(order, report)

    # ── what outputs mean ───────────────────────────────────────────────────────────────────────────

    def _notice(self, notice: Notice, given: Input, now_ns: int) -> None:
        record = notice.record
        self._stream(notice)
        if self._told[0] == record.seq:
            self._told = (record.seq, record.owner, self._told[2] | {notice.identity})
            return
        self._all_told()
        self._told = (record.seq, record.owner, frozenset({notice.identity}))
        payload = record.payload
        if isinstance(payload, Orphaned):
            self._orphaned(record, payload.broker, payload.report)
            return
        if isinstance(payload, Adopted):
            self._adopted(record.owner, record.oid, payload)
        order = self.orders.get((record.owner, record.oid))
        if order is None:
            raise Breach("P6", f"{record.owner} is told of {record.oid}, an order that never was")
        if isinstance(given, Quoted):
            self._acts(order)
        cause: Cause = given
        if isinstance(payload, Reported | Contradicted):
            cause = payload.report or given
            if payload.report is not None and (payload.origin or self._folded != (order.owner, order.oid)):
                self._fold(payload.broker, order, payload.report)
            elif payload.report is not None:
                self._folded = None
        self._stepped(order, notice, cause, now_ns)

    def _orphaned(self, record: Record, broker: str, report: Report) -> None:
        """An execution of nobody's is the operator's to look at, and loud."""
        if record.owner != self.operator or record.alarm is None or not isinstance(report, EXECUTION):
            raise Breach("P6", f"{record.owner} was told of {report.name}, which belongs to nobody")
        self.alarmed |= {(broker, report.account, report.exec_id)}

    def _stepped(self, order: AuditedOrder, notice: Notice, cause: Cause, now_ns: int) -> None:
        again = order.state == "unknown" and notice.state in WAITING
        if again:
            check_resend(order, notice.state, cause, now_ns, self.rules)
        else:
            check_move(order, notice.state, cause, now_ns)
        check_told(order, notice, cause)
        before, order.state = order.state, notice.state.value
        if again:
            order.leaves_again()
        elif before == "unknown":
            if isinstance(cause, BrokerdStatus):
                answered(order, cause)
            if order.state != "unknown":
                order.found()
        elif order.state == "unknown":
            order.unseen |= isinstance(cause, Heard | BrokerdStatus)  # what became of it meanwhile
            order.in_doubt()
        if order.state == "filled" and isinstance(cause, BrokerdStatus) and is_over(cause):
            order.ended_filled(cause)
        if order.state == "filled" or (order.state in DEAD and before not in DEAD):
            order.forget_requests()
        sends, self._sends = self._sends, []
        for send in sends:
            self._sent(order, send)
        check_said(order, notice)

    def _sent(self, order: AuditedOrder, send: SendOrder | SendAbout) -> None:
        link = self.links.get(send.broker)
        key = (send.broker, send.reqid)
        owner = self.by_reqid.setdefault(key, (order.owner, order.oid))
        if owner != (order.owner, order.oid):
            breach("P1", order, f"request id {send.reqid} belongs to {owner}")
        if isinstance(send, SendOrder):
            check_order_send(order, send, link_up=link == "synced")
            order.sends += 1
            order.reqid, order.sent_due_ns = send.reqid, send.deadline_ns
            return
        check_about_send(order, send, link_open=link in ("connected", "synced"))
        if send.verb == "cancel":
            order.cancel_left(send, self.rules.redrive_max_ns)
        elif send.verb == "query":
            check_asked(order, send, self.rules)
            order.asked, order.heard = send.reqid, False
        else:
            edit_sent(order, send)

    def _adopted(self, owner: str, oid: str, payload: Adopted) -> None:
        if owner != self.operator or (owner, oid) in self.orders:
            raise Breach("P6", f"an order born at the venue was given to {owner} as {oid}")
        self.orders[owner, oid] = adopted(owner, oid, payload)
        if payload.reqid is not None:
            self.by_reqid[payload.broker, payload.reqid] = (owner, oid)
        if payload.venue_id is not None:
            self.by_venue_id[payload.broker, payload.venue_id] = (owner, oid)

    def _stream(self, notice: Notice) -> None:
        identity, owner = notice.identity, notice.record.owner
        if identity not in self._readers(owner):
            raise Breach("P6", f"{identity} was told of {owner}'s {notice.record.oid}")
        last = self.streams.get(identity, 0)
        if notice.seq != last + 1:
            raise Breach("P8", f"{identity} was told {notice.seq} after {last}")
        self.streams[identity] = notice.seq

    def _readers(self, owner: str) -> frozenset[str]:
        watching = [name for name, sees in self.seeing.items() if owner in sees or "*" in sees]
        return frozenset((owner, *watching))

    def _all_told(self) -> None:
        seq, owner, told = self._told
        if seq and told != self._readers(owner):
            raise Breach("P6", f"of {owner}'s order only {sorted(told)} were told")

    # ── the book ────────────────────────────────────────────────────────────────────────────────────

    def compare(self, book: Book) -> None:
        """Hold what was rebuilt against what the book says.

        Raises:
            Breach: they differ.
        """
        for (owner, oid), order in self.orders.items():
            dialog = book.dialog(owner, oid)
            if dialog is None:
                if order.state not in DEAD and order.state != "filled":
                    breach("P2", order, "it is forgotten, and it has not ended")
                continue
            for reqid in (dialog.reqid, *dialog.reqids):
                if reqid is not None:
                    self.by_reqid.setdefault((order.broker, reqid), (owner, oid))
            compare_order(order, dialog)
        if not self.strayed:
            compare_positions(book, self.orders.values())
        compare_loose(book, self.parked_max, self.loose, self.alarmed)
