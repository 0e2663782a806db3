"""A venue of the simulation: the shipped paper engine, restarted from its own facts, and a book beside it.

What real venues do and the engine does not is done around it (:mod:`fsm_ems.testing.simulate_oddities`), and
told here in the venue's own words: what a stranger asked for names no request of the EMS.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from msgspec.structs import replace as with_fields

from fsm_ems.brokers.paper.engine import PaperEngine
from fsm_ems.brokers.paper.engine_facts import Fact
from fsm_ems.dialogs.asking import SendHistory
from fsm_ems.dialogs.outward import request_of
from fsm_ems.dialogs.record import Send, SendAbout
from fsm_ems.messages import (
    BrokerdError,
    BrokerdFill,
    BrokerdHistory,
    BrokerdOrder,
    BrokerdOrderAck,
    BrokerdRefused,
    BrokerdReplaced,
    BrokerdRestated,
    BrokerdStatus,
    Request,
    VenueReport,
)
from fsm_ems.quotes import Row
from fsm_ems.testing.breach import Breach
from fsm_ems.testing.simulate_book import VenueBook, VenueOrder, is_strange
from fsm_ems.testing.simulate_faults import Fault
from fsm_ems.testing.simulate_plan import MS, markets_of
from fsm_ems.testing.simulate_world import World

_LAG_MAX_MS = 1_000


class Venue:
    """The engine, and its door. *tell* takes what it says; *amendments* are told again at each connection.

    *reached*: the EMS has been here; of executions before that it is never told.
    """

    def __init__(self, world: World, book: VenueBook) -> None:
        self.world = world
        self.book = book
        self.broker = book.broker
        self.away = self.reached = False
        self.tell: Callable[[VenueReport], None] = lambda report: None
        self.amendments: list[VenueReport] = []
        self.amended: set[str] = set()
        self._facts: list[Fact] = []
        self._engine = self._new_engine()

    # ── lives ───────────────────────────────────────────────────────────────────────────────────────

    def _new_engine(self) -> PaperEngine:
        plan = self.world.plan
        return PaperEngine(markets_of((self.broker,)), fill_model=plan.fill_model, keep_facts=True)

    def come_back(self, *, anew: bool) -> None:
        """It is there again; *anew*: another engine, made from the facts that the last one left.

        Raises:
            Breach: the engine is not what the facts tell.
        """
        if anew:
            self._engine = self._new_engine()
            self._engine.restore(self._facts)
            living = {order.name: (order.size, order.price) for order in self._engine.orders.living()}
            open_ = {name: (o.size, o.price) for name, o in self.book.orders.items() if self._lives(o)}
            if living != open_:
                raise Breach("P14", f"a restart of the venue has {living}, and before it lived {open_}")
        self.away = False
        self.tick()

    @staticmethod
    def _lives(order: VenueOrder) -> bool:
        return order.standing == "open"

    # ── what comes in ───────────────────────────────────────────────────────────────────────────────

    def arrive(self, send: Send) -> None:
        """A request is at the door; a venue that is away does not hear it.

        It may weigh the request first, or answer what tells nothing.
        """
        world = self.world
        if self.away:
            return
        self.reached = True
        if isinstance(send, SendHistory) or (isinstance(send, SendAbout) and send.verb == "query"):
            self._take(send)
            return
        if world.chance(Fault.AMBIGUOUS):
            self.tell(BrokerdError(reqid=send.reqid, account=send.account, time_ns=world.now_ns))
            if world.rng.randrange(2):
                return
        if isinstance(send, SendAbout) and world.chance(Fault.WEIGHED):
            order = self.book.by_reqid.get(send.target) or self.book.orders.get(send.venue_id or "")
            if order is not None and order.standing == "open":
                self._weigh(order, send)
                world.after(world.between(10, 3_000) * MS, "weighed", lambda: self._take(send))
                return
        self._take(send)

    def _weigh(self, order: VenueOrder, send: SendAbout) -> None:
        about = self.about(order)
        if send.verb == "edit":
            about["reqid"] = send.reqid
            self.tell(BrokerdStatus(status="pending_edit", cum=order.filled, **about))
        else:
            self.tell(BrokerdStatus(status="pending_cancel", cum=order.filled, **about))

    def _take(self, send: Send) -> None:
        if not self.away:
            self.ask(request_of(with_fields(send, time_ns=self.world.now_ns)))

    def ask(self, request: Request) -> None:
        """Somebody asks the engine for something, and is answered at once."""
        if isinstance(request, BrokerdOrder):
            self.book.asked(request)
        self._engine.send(request)
        self.tick()

    def row(self, market: str, row: Row) -> None:
        """The market moves."""
        if not self.away:
            self._say(self._engine.row(row, market))

    def tick(self) -> None:
        """Time has passed."""
        if not self.away:
            self._say(self._engine.advance(self.world.now_ns))

    def retell(self) -> None:
        """Somebody has connected: busts, corrections and what they led to are told again."""
        for report in self.amendments:
            self.tell(report)

    # ── what goes out ───────────────────────────────────────────────────────────────────────────────

    def about(self, order: VenueOrder) -> dict[str, Any]:
        """The names and the time of a report about *order*."""
        return {
            "reqid": self._name(order),
            "venue_id": order.venue_id,
            "account": order.account,
            "time_ns": self.world.now_ns,
        }

    def _name(self, order: VenueOrder) -> int | str | None:
        """The request that a report about *order* names: the one in force, or ours before a stranger's."""
        if not is_strange(order.reqid):
            return order.reqid
        return order.own if self.world.rng.randrange(2) else None

    def close(self, order: VenueOrder) -> None:
        """What a bust left of an order that had filled is cancelled."""
        if order.standing != "filled" or order.filled >= order.size:
            return
        order.standing = "cancelled"
        about = self.about(order)
        report = BrokerdStatus(status="cancelled", cum=order.filled, text="what a bust left", **about)
        self.amendments.append(report)
        self.tell(report)

    def _say(self, reports: Sequence[VenueReport]) -> None:
        self._facts += self._engine.taken_facts()
        for report in reports:
            self.book.told(report)
            told = self._in_its_words(report)
            if told is not None:
                self.tell(self._lagging(told) if _is_read(told) else self._unnamed(told))
            if isinstance(report, BrokerdFill):
                self._whole(self.book.orders[report.venue_id or ""])
            order = None if isinstance(report, BrokerdHistory) else self._order(report.venue_id)
            if order is not None and order.venue_id in self.amended:
                self.close(order)

    def _unnamed(self, report: VenueReport) -> VenueReport:
        """A report that names our request may leave the venue's own id out."""
        if not isinstance(report, BrokerdFill | BrokerdStatus) or report.reqid is None:
            return report
        return replace(report, venue_id=None) if self.world.chance(Fault.UNNAMED) else report

    def _whole(self, order: VenueOrder) -> None:
        """Some venues say it as well when an order has filled."""
        if order.standing == "filled" and self.world.chance(Fault.WHOLE_STATED):
            self.tell(BrokerdStatus(status="filled", cum=order.filled, **self.about(order)))

    def _order(self, venue_id: str | None) -> VenueOrder | None:
        return None if venue_id is None else self.book.orders.get(venue_id)

    def _in_its_words(self, report: VenueReport) -> VenueReport | None:
        """As the venue tells it; None for what it tells strangers alone."""
        if isinstance(report, BrokerdHistory):
            orders = tuple(self._status(order) for order in report.orders)
            return replace(report, orders=orders, fills=tuple(self._fill(fill) for fill in report.fills))
        order = self._order(report.venue_id)
        if isinstance(report, BrokerdFill):
            return self._fill(report)
        if isinstance(report, BrokerdReplaced) and order is not None and is_strange(report.reqid):
            about = self.about(order)
            return BrokerdRestated(size=order.size, price=order.price, cum=order.filled, **about)
        if isinstance(report, BrokerdOrderAck | BrokerdRefused) and is_strange(report.reqid):
            return None
        if isinstance(report, BrokerdStatus):
            rejected = order is None and report.reqid is not None and is_strange(report.reqid)
            return None if rejected else self._status(report)
        return report

    def _fill(self, report: BrokerdFill) -> BrokerdFill:
        order = self._order(report.venue_id)
        assert order is not None, "nothing trades that was not accepted"
        if report.reqid is not None and is_strange(report.reqid):
            report = replace(report, reqid=self._name(order))
        if order.external:
            report = replace(report, details=order.details)
        # The engine knows of no bust: its sum is put right.
        return replace(report, cum=order.filled) if order.amended else report

    def _status(self, report: BrokerdStatus) -> BrokerdStatus:
        """The engine knows of no bust, and of no end by another name."""
        order = self._order(report.venue_id)
        if order is None:
            return report
        if report.reqid is not None and is_strange(report.reqid):
            report = replace(report, reqid=self._name(order))
        if order.external and report.details is None:
            report = replace(report, details=order.details)
        if report.status == "cancelled" and order.ends_as is not None:
            told: Any = order.ends_as.told
            # An end that names no size says that nothing traded but what was told: only a refusal may.
            untraded = told == "rejected" and not order.live
            report = replace(report, status=told, cum=None if untraded else order.filled)
        if not order.amended or report.cum is None:
            return report
        ended = report.status == "filled" and order.standing == "cancelled"
        return replace(report, cum=order.filled, status="cancelled" if ended else report.status)

    def _lagging(self, report: VenueReport) -> VenueReport:
        """A read may be of some time ago, by less than what the margin leaves beside the clocks."""
        world = self.world
        if not world.chance(Fault.LAGGING_READ):
            return report
        seen_ns = world.now_ns - world.between(1, _LAG_MAX_MS) * MS
        if isinstance(report, BrokerdHistory):
            orders = tuple(order for order in report.orders if self._is_seen(order, seen_ns))
            fills = tuple(fill for fill in report.fills if fill.time_ns <= seen_ns)
            return replace(report, orders=orders, fills=fills)
        assert isinstance(report, BrokerdStatus), "the other read is an answer"
        if report.status == "absent" or self._is_seen(report, seen_ns):
            return report
        return replace(report, status="absent", venue_id=None, cum=None, details=None)

    def _is_seen(self, report: BrokerdStatus, seen_ns: int) -> bool:
        order = self.book.orders.get(report.venue_id or "")
        return order is None or order.since_ns <= seen_ns


def _is_read(report: VenueReport) -> bool:
    return isinstance(report, BrokerdHistory) or (isinstance(report, BrokerdStatus) and report.snapshot)
