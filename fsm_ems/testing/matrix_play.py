"""Plays a scenario of order state rows through the real dispatcher, as a client and a broker would.

The ids that FIX clients make stand for ours: an order's first id is its oid, and every id of its chain
is known by the request id that the dispatcher's records gave it. The broker's own order id is on every
report, as FIX has it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Literal, NamedTuple

from fsm_ems.dialogs.dispatcher import Dispatcher
from fsm_ems.dialogs.facts import Dialog, derive
from fsm_ems.dialogs.record import CancelWanted, EditWanted, Record, Submitted
from fsm_ems.dialogs.settings import Capabilities, Settings
from fsm_ems.errors import Refused
from fsm_ems.machines.link import LinkEvent
from fsm_ems.machines.order import OrderState as S
from fsm_ems.messages import Cancel, Command, Edit, Order
from fsm_ems.testing.matrix_file import Scenario, Step
from fsm_ems.testing.matrix_reports import Subject, reports

BROKER = "fix"
MARKET = "stock.fix"
TRADER = "trader"
PRICE = Decimal(50)
"""Where FIX prints no price."""

_TIFS: dict[str, Literal["gtc", "ioc", "fok", "gtd"]] = {
    "ioc": "ioc",
    "immediateorcancel": "ioc",
    "fok": "fok",
    "fillorkill": "fok",
    "gtd": "gtd",
    "goodtilldate": "gtd",
}
_RESUMING = ("gtc", "goodtillcancel", "gtd", "goodtilldate")
_STEP_NS = 1_000
_FAR_NS = 2**62


class Chain(NamedTuple):
    """One order of a scenario: our oid, None where it was born by phone, and the broker's id."""

    oid: str | None
    venue_id: str


class Named(NamedTuple):
    """What a client's id stands for."""

    chain: Chain
    kind: Literal["order", "cancel", "edit"]
    reqid: int | str | None


class Broken(Exception):
    """The state of a dialog is not the one that follows from its facts."""


class Play:
    """One scenario on one dispatcher. :meth:`take` takes the steps, in order."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.records: list[Record] = []
        self.now_ns = _STEP_NS
        self.named: dict[str, Named] = {}
        self.last: Chain | None = None
        self._lost = False
        self._trades: dict[tuple[object, ...], str] = {}
        settings = Settings(brokers={BROKER: Capabilities(reopen_filled=True)})
        self.dispatcher = Dispatcher(settings, self._append, generation="fix", now_ns=self.now_ns)
        self.dispatcher.grant(TRADER, "trader", self.now_ns)
        for event in (LinkEvent.CONNECT, LinkEvent.CONNECTED, LinkEvent.SYNCED):
            self.dispatcher.link(BROKER, event, self.now_ns)

    def take(self, step: Step) -> None:
        """Let *step* happen.

        Raises:
            Broken: a dialog is not in the state that its facts demand.
        """
        self.now_ns += _STEP_NS
        loses = step.dir == "out-of-band" and step.hint == "unknown"
        if self._lost and not loses:
            self._lost = False
            for event in (LinkEvent.CONNECTED, LinkEvent.SYNCED):
                self.dispatcher.link(BROKER, event, self.now_ns)
        if loses:
            self._lost = True
            self.dispatcher.link(BROKER, LinkEvent.LOST, self.now_ns)
        elif step.dir == "client":
            self._client(step)
        elif step.dir == "broker":
            self._broker(step)
        self._prove()

    def chain(self, step: Step) -> Chain | None:
        """The order that *step* is about; None where no order goes by its ids."""
        if step.cl_ord_id is None and step.orig_cl_ord_id is None:
            return self.last
        for name in (step.cl_ord_id, step.orig_cl_ord_id):
            if name is not None and name in self.named:
                return self.named[name].chain
        return None

    def chains(self) -> set[Chain]:
        """Every order of the scenario so far."""
        return {named.chain for named in self.named.values()} | ({self.last} if self.last else set())

    def dialog(self, chain: Chain | None) -> Dialog | None:
        """The dialog of *chain*."""
        if chain is None:
            return None
        if chain.oid is None:
            return self.dispatcher.book.find(BROKER, None, chain.venue_id)
        return self.dispatcher.book.dialog(TRADER, chain.oid)

    # ── the client ──────────────────────────────────────────────────────────────────────────────────

    def _client(self, step: Step) -> None:
        if step.msg == "orderstatusrequest":
            self._ask(step)
            return
        command = self._command(step)
        if command is None:
            return
        mark = len(self.records)
        try:
            self.dispatcher.command(TRADER, command, self.now_ns)
        except Refused:
            return
        self._name(step, command, self.records[mark:])

    def _command(self, step: Step) -> Command | None:
        if step.msg == "newordersingle":
            return self._order(step)
        chain = self.chain(step)
        oid = _oid(step.orig_cl_ord_id or step.cl_ord_id) if chain is None or chain.oid is None else chain.oid
        if step.msg == "ordercancelrequest":
            return Cancel(oid=oid)
        if step.msg in ("ordercancelreplacerequest", "ordermodificationrequest"):
            price = PRICE if step.price is None and step.order_qty is None else step.price
            return Edit(oid=oid, edit_id=_oid(step.cl_ord_id), size=step.order_qty, price=price)
        return None

    def _order(self, step: Step) -> Order:
        known = self.named.get(step.cl_ord_id or "")
        tif = _TIFS.get(step.time_in_force or self.scenario.time_in_force, "gtc")
        return Order(
            oid=_oid(step.cl_ord_id) if known is None or known.chain.oid is None else known.chain.oid,
            side="buy",
            market=MARKET,
            size=self._size(step),
            price=PRICE if step.price is None else step.price,
            tif=tif,
            expire_ns=_FAR_NS if tif == "gtd" else None,
        )

    def _size(self, step: Step) -> Decimal:
        """The order's size; where it was told as money, what the broker makes of it."""
        if step.order_qty is not None:
            return step.order_qty
        told = (
            other.order_qty
            for other in self.scenario.steps
            if other.cl_ord_id == step.cl_ord_id and other.dir == "broker" and other.order_qty
        )
        return next(told, Decimal(1))

    def _name(self, step: Step, command: Command, made: Sequence[Record]) -> None:
        """Note what the client's id stands for: the request id is in the record, or was made before."""
        name, chain = step.cl_ord_id or "", Chain(command.oid, f"V-{command.oid}")
        self.last = chain
        reqid = self.named[name].reqid if name in self.named else None
        if made:
            payload = made[0].payload
            assert isinstance(payload, Submitted | CancelWanted | EditWanted), "a command's own record"
            reqid = payload.reqid
        if isinstance(command, Cancel):
            dialog = self.dialog(chain)
            if reqid is None and dialog is not None and dialog.cancel is not None:
                reqid = dialog.cancel.reqid
            self.named[name] = Named(chain, "cancel", reqid)
        else:
            self.named[name] = Named(chain, "edit" if isinstance(command, Edit) else "order", reqid)

    def _ask(self, step: Step) -> None:
        """An order in doubt is asked about when its time comes; of any other the EMS knows enough."""
        dialog = self.dialog(self.chain(step))
        due = self.dispatcher.next_due_ns()
        if dialog is not None and dialog.state is S.UNKNOWN and due is not None:
            self.now_ns = max(self.now_ns, due)
            self.dispatcher.pass_time(self.now_ns)

    # ── the broker ──────────────────────────────────────────────────────────────────────────────────

    def _broker(self, step: Step) -> None:
        chain = self.chain(step)
        if chain is None and step.cl_ord_id is None and step.orig_cl_ord_id is None:
            chain = Chain(None, "V-phone")
        if chain is not None:
            self.last = chain
        named = None if step.cl_ord_id is None else self.named.get(step.cl_ord_id)
        dialog, exec_id = self.dialog(chain), self._exec_id(step)
        subject = Subject(
            reqid=step.cl_ord_id if named is None else named.reqid,
            venue_id=None if chain is None else chain.venue_id,
            edits=named is not None and named.kind == "edit",
            resumes=(step.time_in_force or self.scenario.time_in_force) in _RESUMING,
            exec_id=exec_id,
            filled=Decimal(0) if dialog is None else dialog.filled,
            size=step.order_qty if dialog is None else dialog.size,
            newest=None if dialog is None or not dialog.fills else next(reversed(dialog.fills)),
            notional=None if dialog is None or exec_id in (dialog.fills or ()) else dialog.notional,
            asked=None if dialog is None else dialog.asked or None,
            doubt=dialog is not None and dialog.state is S.UNKNOWN,
            market=MARKET,
            price=PRICE,
            price_in_force=None if dialog is None else dialog.price,
        )
        for report in reports(step, subject):
            self.dispatcher.report(BROKER, report, self.now_ns)

    def _exec_id(self, step: Step) -> str:
        """The execution's id; without one, a report that comes again has the id it had."""
        if step.exec_id is not None:
            return step.exec_id
        key = (step.cl_ord_id, step.exec_type, step.last_qty, step.cum_qty)
        if step.replay and key in self._trades:
            return self._trades[key]
        self._trades[key] = f"step-{step.n}"
        return self._trades[key]

    # ── proof ───────────────────────────────────────────────────────────────────────────────────────

    def _append(self, record: Record) -> None:
        if self.records:
            self._prove()
        self.records.append(record)

    def _prove(self) -> None:
        for dialog in self.dispatcher.book:
            if derive(dialog) is not dialog.state:
                raise Broken(f"order {dialog.oid} is {dialog.state} and its facts say {derive(dialog)}")


def _oid(name: str | None) -> str:
    """*name* as an oid."""
    return re.sub(r"[^A-Za-z0-9_-]", "-", name or "unnamed")[:64]
