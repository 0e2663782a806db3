"""The venue of the simulation: the shipped paper engine, and a book of its own beside it: the oracle's truth.

The book is kept at the venue's door, from what goes in and what comes out, and shares no code with the EMS.
Around the engine stands what real venues do and the engine does not: executions are busted or corrected,
and some are told late. What a bust leaves of an order that had filled is cancelled. All this is told again
after each connection: a history lists executions, and not what became of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any, Literal, NamedTuple

from msgspec.structs import replace as with_fields

from fsm_ems.brokers.paper.engine import PaperEngine
from fsm_ems.dialogs.asking import SendHistory
from fsm_ems.dialogs.outward import request_of
from fsm_ems.dialogs.record import Send, SendAbout
from fsm_ems.messages import (
    BrokerdBust,
    BrokerdCancel,
    BrokerdCorrection,
    BrokerdError,
    BrokerdFill,
    BrokerdHistory,
    BrokerdOrder,
    BrokerdOrderAck,
    BrokerdRefused,
    BrokerdReplaced,
    BrokerdStatus,
    VenueReport,
)
from fsm_ems.quotes import Row
from fsm_ems.testing.simulate_plan import MARKETS, MS, SECOND, Fault
from fsm_ems.testing.simulate_world import World

ZERO = Decimal(0)
Held = Literal["stopped", "suspended", "done_for_day"]
_HELD: tuple[Held, ...] = ("stopped", "suspended", "done_for_day")


class Executed(NamedTuple):
    """One execution as it counts."""

    size: Decimal
    price: Decimal


class VenueOrder:
    """An order that the venue has accepted. *raw* is what traded, *live* what was not undone.

    *amended*: one of its executions was busted or corrected.
    """

    __slots__ = (
        "account", "amended", "live", "market", "price", "raw", "reqid", "side", "size", "since_ns",
        "standing", "venue_id",
    )  # fmt: skip  # one name a line says no more

    def __init__(self, venue_id: str, request: BrokerdOrder) -> None:
        self.venue_id = venue_id
        self.reqid = request.reqid
        self.account = request.account
        self.market = request.market
        self.side = request.side
        self.size = request.size
        self.price = request.price
        self.standing = "open"
        self.since_ns = request.time_ns
        self.live: dict[str, Executed] = {}
        self.raw = ZERO
        self.amended = False

    @property
    def filled(self) -> Decimal:
        """What traded and was not undone."""
        return sum((execution.size for execution in self.live.values()), ZERO)


class VenueBook:
    """What is true. *accepted* is called with each order that the venue takes."""

    def __init__(self, accepted: Callable[[VenueOrder, BrokerdOrder], None]) -> None:
        self._accepted = accepted
        self._asked: dict[int | str, BrokerdOrder] = {}
        self.orders: dict[str, VenueOrder] = {}
        self.by_reqid: dict[int | str, VenueOrder] = {}
        self.of_execution: dict[str, VenueOrder] = {}
        self.made: dict[str, Executed] = {}
        self.rejected: set[int | str] = set()
        self.refused: set[int | str] = set()

    def asked(self, request: BrokerdOrder) -> None:
        """An order is at the door."""
        self._asked.setdefault(request.reqid, request)

    def told(self, report: VenueReport) -> None:
        """The engine says something."""
        if isinstance(report, BrokerdOrderAck):
            request = self._asked[report.reqid]
            order = self.orders[report.venue_id] = self.by_reqid[report.reqid] = VenueOrder(
                report.venue_id, request
            )
            self._accepted(order, request)
        elif isinstance(report, BrokerdFill):
            order = self._of(report)
            self.execute(order, report.exec_id, Executed(report.size, report.price))
            order.raw += report.size
            self._settle(order)
        elif isinstance(report, BrokerdReplaced):
            order = self._of(report)
            order.reqid, order.size = report.reqid, report.size or order.size
            order.price = report.price
            self.by_reqid[report.reqid] = order
            self._settle(order)
        elif isinstance(report, BrokerdRefused):
            self.refused.add(report.reqid)
        elif isinstance(report, BrokerdStatus) and not report.snapshot and report.status != "open":
            if report.venue_id is not None:
                self._of(report).standing = report.status
            elif report.reqid is not None:
                self.rejected.add(report.reqid)

    def execute(self, order: VenueOrder, exec_id: str, executed: Executed) -> None:
        """That much of *order* has traded, or is put in the place of what had."""
        order.live[exec_id] = self.made[exec_id] = executed
        self.of_execution[exec_id] = order

    def _of(self, report: BrokerdFill | BrokerdReplaced | BrokerdStatus) -> VenueOrder:
        assert report.venue_id is not None, "the engine names what it has accepted"
        return self.orders[report.venue_id]

    @staticmethod
    def _settle(order: VenueOrder) -> None:
        if order.standing == "open" and order.raw >= order.size:
            order.standing = "filled"

    def live(self) -> Iterator[tuple[VenueOrder, str]]:
        """Every execution that counts, and its order."""
        for exec_id, order in self.of_execution.items():
            if exec_id in order.live:
                yield order, exec_id

    def positions(self) -> dict[tuple[str, str], Decimal]:
        """What each account holds in each market: the sum of the executions that count."""
        sums: dict[tuple[str, str], Decimal] = {}
        for order in self.orders.values():
            key, size = (order.account, order.market), order.filled
            sums[key] = sums.get(key, ZERO) + (size if order.side == "buy" else -size)
        return sums


class Venue:
    """The engine, and what happens around it. *tell* takes what the venue says."""

    def __init__(self, world: World, book: VenueBook) -> None:
        self._world = world
        self.book = book
        self.away = False
        self.tell: Callable[[VenueReport], None] = lambda report: None
        self._engine = PaperEngine(MARKETS, fill_model=world.plan.fill_model)
        self._amendments: list[BrokerdBust | BrokerdCorrection | BrokerdStatus] = []
        self._amended: set[str] = set()
        self._cancelled = 0

    # ── what comes in ───────────────────────────────────────────────────────────────────────────────

    def arrive(self, send: Send) -> None:
        """A request is at the door; a venue that is away does not hear it.

        It may weigh the request first, or answer what tells nothing.
        """
        world = self._world
        if self.away:
            return
        if isinstance(send, SendHistory) or (isinstance(send, SendAbout) and send.verb == "query"):
            self._take(send)
            return
        if world.chance(Fault.AMBIGUOUS):
            self.tell(BrokerdError(reqid=send.reqid, account=send.account, time_ns=world.now_ns))
            if world.rng.randrange(2):
                return
        if isinstance(send, SendAbout) and world.chance(Fault.WEIGHED):
            order = self.book.by_reqid.get(send.target)
            if order is not None and order.standing == "open":
                self._weigh(order, send)
                world.after(world.between(10, 3_000) * MS, "weighed", lambda: self._take(send))
                return
        self._take(send)

    def _weigh(self, order: VenueOrder, send: SendAbout) -> None:
        about = self._about(order)
        if send.verb == "edit":
            about["reqid"] = send.reqid
            self.tell(BrokerdStatus(status="pending_edit", cum=order.filled, **about))
        else:
            self.tell(BrokerdStatus(status="pending_cancel", cum=order.filled, **about))

    def _take(self, send: Send) -> None:
        if self.away:
            return
        request = request_of(with_fields(send, time_ns=self._world.now_ns))
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
            self._say(self._engine.advance(self._world.now_ns))

    def retell(self) -> None:
        """Somebody has connected: busts, corrections and what they led to are told again."""
        for report in self._amendments:
            self.tell(report)

    # ── what the engine does not do ─────────────────────────────────────────────────────────────────

    def bust(self) -> bool:
        """Undo some execution; False where there is none."""
        found = self._some()
        if found is None:
            return False
        order, exec_id = found
        gone = order.live.pop(exec_id)
        made = f"B{len(self._amendments) + 1}"
        report = BrokerdBust(exec_id=made, ref_id=exec_id, **self._about(order))
        self._world.note(f"the venue busts {exec_id}, {gone.size} at {gone.price}")
        self._amend(order, report)
        return True

    def correct(self) -> bool:
        """Put another execution in the place of one, of the same size or another."""
        found = self._some()
        if found is None:
            return False
        order, exec_id = found
        old, market, rng = order.live.pop(exec_id), MARKETS[order.market], self._world.rng
        made = f"C{len(self._amendments) + 1}"
        size = rng.choice((old.size, old.size, min(market.size_tick, old.size)))
        if order.standing != "open" and rng.randrange(4) == 0:
            size = old.size + market.size_tick  # more than ordered may have traded, for all that is known
        price = max(old.price + market.price_tick * rng.choice((-2, 0, 3)), market.price_tick)
        self.book.execute(order, made, Executed(size, price))
        report = BrokerdCorrection(
            exec_id=made, ref_id=exec_id, size=order.live[made].size, price=price, **self._about(order)
        )
        self._world.note(f"the venue corrects {exec_id} to {made}, {order.live[made].size} at {price}")
        self._amend(order, report)
        return True

    def cancel(self) -> bool:
        """End some order that nobody asked to end."""
        order = self._resting()
        if order is None:
            return False
        now_ns, target = self._world.now_ns, order.reqid
        self._cancelled += 1
        self._engine.send(
            BrokerdCancel(
                reqid=f"venue-{self._cancelled}",
                account=order.account,
                target=target,
                time_ns=now_ns,
                deadline_ns=now_ns,
            )
        )
        self.tick()
        return True

    def hold(self) -> bool:
        """Say that some order trades at a set price, or not at all, and later that it is as before."""
        order = self._resting()
        if order is None:
            return False
        held: Held = self._world.rng.choice(_HELD)
        resumes = held == "done_for_day"
        self.tell(BrokerdStatus(status=held, cum=order.filled, resumes=resumes, **self._about(order)))

        def release() -> None:
            if order.standing == "open" and not self.away:
                self.tell(BrokerdStatus(status="open", cum=order.filled, **self._about(order)))

        self._world.after(self._world.between(100, 6_000) * MS, "released", release)
        return True

    def _resting(self) -> VenueOrder | None:
        there = [order for order in self.book.orders.values() if order.standing == "open"]
        return self._world.rng.choice(there) if there and not self.away else None

    def _some(self) -> tuple[VenueOrder, str] | None:
        there = [*self.book.live()][-20:]
        return self._world.rng.choice(there) if there and not self.away else None

    def _about(self, order: VenueOrder) -> dict[str, Any]:
        return {
            "reqid": order.reqid,
            "venue_id": order.venue_id,
            "account": order.account,
            "time_ns": self._world.now_ns,
        }

    def _amend(self, order: VenueOrder, report: BrokerdBust | BrokerdCorrection) -> None:
        order.amended = True
        self._amended.add(order.venue_id)
        self._amendments.append(report)
        self.tell(report)
        self._close(order)

    def _close(self, order: VenueOrder) -> None:
        """What a bust left of an order that had filled is cancelled."""
        if order.standing != "filled" or order.filled >= order.size:
            return
        order.standing = "cancelled"
        about = self._about(order)
        report = BrokerdStatus(status="cancelled", cum=order.filled, text="what a bust left", **about)
        self._amendments.append(report)
        self.tell(report)

    # ── what goes out ───────────────────────────────────────────────────────────────────────────────

    def _say(self, reports: Sequence[VenueReport]) -> None:
        for report in reports:
            self.book.told(report)
            told = self._amended_report(report) if self._amended else report
            self.tell(self._lagging(told) if _is_read(told) else told)
            venue_id = None if isinstance(report, BrokerdHistory) else report.venue_id
            if venue_id in self._amended:
                self._close(self.book.orders[venue_id])

    def _amended_report(self, report: VenueReport) -> VenueReport:
        """The engine knows of no bust: its sums are put right."""
        if isinstance(report, BrokerdHistory):
            return replace(report, orders=tuple(self._amended_status(order) for order in report.orders))
        if report.venue_id not in self._amended:
            return report
        if isinstance(report, BrokerdFill):
            return replace(report, cum=self.book.orders[report.venue_id].filled)
        return self._amended_status(report) if isinstance(report, BrokerdStatus) else report

    def _lagging(self, report: VenueReport) -> VenueReport:
        """A read may be of some time ago, by less than what the margin leaves beside the clocks."""
        world = self._world
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

    def _amended_status(self, report: BrokerdStatus) -> BrokerdStatus:
        if report.venue_id not in self._amended or report.cum is None:
            return report
        order = self.book.orders[report.venue_id]
        ended = report.status == "filled" and order.standing == "cancelled"
        return replace(report, cum=order.filled, status="cancelled" if ended else report.status)


def _is_read(report: VenueReport) -> bool:
    return isinstance(report, BrokerdHistory) or (isinstance(report, BrokerdStatus) and report.snapshot)


_LAG_MAX_MS = 1_000
RESTART_MAX = 8 * SECOND
"""How long a venue that restarts is away."""
