"""The stage of a conformance script: the adapter between the kit's EMS and the kit's venue, and who watches.

After each step everything comes to rest on trio's mock clock, and then :meth:`Stage.look` compares what was
sent with what was heard, and what was said with what was received.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from decimal import Decimal

import trio
import trio.testing

from fsm_ems.clock import Clock
from fsm_ems.errors import BrokerFault, InvalidReport
from fsm_ems.messages import (
    AnyReport,
    BrokerdError,
    BrokerdFill,
    BrokerdHistory,
    BrokerdOrder,
    BrokerdReplaced,
    PositionReport,
    Request,
)
from fsm_ems.testing.conformance_book import VenueBook
from fsm_ems.testing.conformance_link import Link, leaves
from fsm_ems.testing.conformance_market import MarketWatch
from fsm_ems.testing.conformance_orders import Reqid
from fsm_ems.testing.conformance_rules import (
    Names,
    Nonconformance,
    Translation,
    check_declared,
    check_request,
    inexact,
)
from fsm_ems.testing.conformance_sent import PATIENCE_S, Sending, SentRequests
from fsm_ems.testing.conformance_trace import Trace, fault_text, request_text, told
from fsm_ems.testing.conformance_venue import VenueEnd

SECOND_NS = 10**9


@dataclass
class SentOrder:
    """An order as the EMS knows it: *names* are all it may be called, the rest what was received of it."""

    request: BrokerdOrder
    in_force: Reqid
    names: Names = field(default_factory=Names)
    is_told: bool = False
    venue_id: str | None = None
    filled: Decimal = Decimal(0)


class Stage:
    """One script's adapter, venue and witnesses."""

    def __init__(self, venue: VenueEnd, clock: Clock, trace: Trace, nursery: trio.Nursery) -> None:
        self.venue = venue
        self.clock = clock
        self.trace = trace
        self.nursery = nursery
        self.broker = venue.new_broker()
        check_declared(self.broker)
        self.book = VenueBook(self.broker.markets, clock, reopens=self.broker.capabilities.reopen_filled)
        self.orders: list[SentOrder] = []
        self.fills: dict[str, BrokerdFill] = {}
        self.link = Link(0, clock)
        self.market = MarketWatch(self.broker, may_break=venue.silence_s is not None)
        self._translation = Translation(self._names)
        self._sent = SentRequests()
        self._by_reqid: dict[Reqid, SentOrder] = {}
        self._by_venue_id: dict[str, SentOrder] = {}
        self._heard = self._said = self._shown = self._last_heard = self._spoke_s = 0
        self._is_open = self._is_garbled = False

    # ── looking ─────────────────────────────────────────────────────────────────────────────────────

    def look(self) -> None:
        """Compare what has come by now; raises Nonconformance."""
        self.venue.listen()
        for request in self.venue.heard[self._heard :]:
            self._heard += 1
            self.trace.say("adapter", "venue", request_text(request))
            self.book.hear(self._check_heard(request))
        for report in self.venue.said[self._said :]:
            self._said += 1
            self._note_said(report)
        received, self.link.received = self.link.received, []
        for found in received:
            self.trace.say("adapter", "ems", told(found))
            self._check_received(found)
        for row in self.venue.shown[self._shown :]:
            self._shown += 1
            self.trace.say("venue", "adapter", f"{row.market}: {row.row}")
            self.market.shown(row)
        self.market.look()
        self._check_overdue()

    def _check_heard(self, request: Request) -> Request:
        sending = self._sent.by_reqid.get(request.reqid)
        if sending is None:
            raise Nonconformance("requests", f"{request_text(request)} came, and nobody sent that")
        if sending.was_heard:
            raise Nonconformance("requests", f"{request_text(request)} reached the venue twice")
        if sending.link != self.link.number:
            raise Nonconformance("leaks", f"{request_text(request)} was sent on an earlier connection")
        if sending.number < self._last_heard:
            raise Nonconformance("requests", f"{request_text(request)} came after one that was sent later")
        self._last_heard, sending.was_heard = sending.number, True
        if self._is_late(sending.request):
            raise Nonconformance("deadline", f"{request_text(request)} came after its deadline")
        order = self._by_reqid.get(request.reqid)
        chain = () if order is None else order.names.reqids
        check_request(sending.request, request, chain, has_deadline=self.broker.capabilities.deadline)
        return sending.request

    def _check_overdue(self) -> None:
        """Looked at all the time: a line that ends later, say for silence, would take it along."""
        if self._is_open and self.link.is_up:
            for request in filter(self._is_late, self._sent.unheard):
                raise Nonconformance("requests", f"{request_text(request)} never reached the venue")

    def _note_said(self, report: AnyReport) -> None:
        _, key = self._about(report)
        for one in (*report.orders, *report.fills) if isinstance(report, BrokerdHistory) else (report,):
            order, _ = self._about(one)
            if order is not None and (venue_id := getattr(one, "venue_id", None)) is not None:
                order.names.venue_ids.add(venue_id)
                self._by_venue_id[venue_id] = order
        self._spoke_s = int(trio.current_time())
        self.trace.say("venue", "adapter", told(report))
        # What is said while the line comes or goes may be missed, and what is said to nobody must be.
        whole = self._translation.said(report, key, may=not self._is_open)
        if self.venue.answers_alone and whole is not None and not isinstance(whole, PositionReport):
            self.book.fold(whole)
            if (wrong := self.book.lie(whole)) is not None:
                raise Nonconformance("answers", f"{told(whole)}; but {wrong}")

    def _check_received(self, report: object) -> None:
        order, key = self._about(report)
        try:
            self._translation.received(report, key)
        except Nonconformance:
            if not self._is_own_doubt(report):
                raise
        if order is None:
            return
        order.is_told = True
        order.venue_id = getattr(report, "venue_id", None) or order.venue_id
        if isinstance(report, BrokerdReplaced):
            order.in_force = report.reqid
        elif isinstance(report, BrokerdFill) and report.exec_id not in self.fills:
            self.fills[report.exec_id] = report
            order.filled += report.size

    def _is_own_doubt(self, report: object) -> bool:
        """Whether the adapter tells that it has no answer to a request: it may do so without the venue."""
        if not isinstance(report, BrokerdError) or inexact(report) is not None:
            return False
        sending = self._sent.by_reqid.get(report.reqid)
        return sending is not None and sending.link == self.link.number

    def _about(self, report: object) -> tuple[SentOrder | None, Hashable]:
        """The order that *report* is about, and what its place in the venue's order is counted by."""
        reqid: Reqid | None = getattr(report, "reqid", None)
        if isinstance(report, BrokerdHistory):
            return None, f"history {reqid}"
        venue_id: str | None = getattr(report, "venue_id", None)
        order = self._by_reqid.get(reqid or "") or self._by_venue_id.get(venue_id or "")
        return order, None if order is None else order.request.reqid

    def _names(self, said: AnyReport) -> Names | None:
        order, _ = self._about(said)
        return None if order is None else order.names

    # ── sending ─────────────────────────────────────────────────────────────────────────────────────

    async def send(self, request: Request, order: SentOrder | None, cut: int | None) -> Sending:
        """Hand *request*, about *order*, to the adapter; cancel the call after *cut* turns."""
        may_be_late = not (self._is_open and self.link.is_reading and self._sent.nothing_to_wait_for)
        sending = self._sent.add(request, self.link.number)
        if order is not None:
            self._by_reqid[request.reqid] = order
        self.trace.say("ems", "adapter", request_text(request))
        self.link.start(sending)
        if cut is not None:
            for _ in range(cut):
                await trio.lowlevel.checkpoint()
            self.market.may_break = True
            sending.scope.cancel()
        if not await self.until(lambda: sending.done.is_set() or self.link.closed.is_set()):
            raise Nonconformance("requests", f"send() of {request_text(request)} takes over {PATIENCE_S} s")
        self._sent.busy_s = trio.current_time()
        self.link.fault = self.link.fault or sending.fault
        if not may_be_late and self.link.is_up and sending.was_let_go:
            raise Nonconformance(
                "requests",
                f"{request_text(request)} never reached the venue: send() came back after its deadline, and"
                " nothing was before it that it had to wait for",
            )
        if sending.was_cut:
            self.trace.note("ems", f"the call for {request.reqid} was cancelled")
        return sending

    def _is_late(self, request: Request) -> bool:
        """Whether its deadline is over for sure: one looks once a second. No excuse needs that second."""
        return self.clock() >= request.deadline_ns + SECOND_NS

    async def interrupt(self, turns: int) -> None:
        """Cancel the call of ``receive`` that waits, after so many turns; another follows."""
        for _ in range(turns):
            await trio.lowlevel.checkpoint()
        self.trace.note("ems", "the call of receive is cancelled, and made again")
        self.link.interrupt()

    # ── the line ────────────────────────────────────────────────────────────────────────────────────

    async def until(self, is_so: Callable[[], bool], seconds: int = PATIENCE_S) -> bool:
        """Let everything come to rest, and time pass, until *is_so*; False if it is not within *seconds*."""
        for _ in range(seconds + 1):
            await trio.testing.wait_all_tasks_blocked()
            self.look()
            if is_so():
                return True
            await trio.sleep(1)
        return False

    async def wait(self, seconds: int) -> None:
        """Let time pass, and look each second while a request is on its way."""
        end_s = trio.current_time() + seconds
        await self.until(lambda: not self._sent.on_the_way, seconds - 1)
        await trio.sleep_until(end_s)

    async def settle(self) -> None:
        """Let everything come to rest, and look; a line that is over is taken up again."""
        await trio.testing.wait_all_tasks_blocked()
        self.look()
        if not self.link.is_up:
            await self._line_ended()

    async def connect(self, *, is_refused: bool = False) -> None:
        """Connect, or be refused."""
        self._translation.begin()
        self._is_garbled = False
        self.link = link = Link(self.link.number + 1, self.clock)
        self.trace.note("ems", "connects")
        self.nursery.start_soon(link.hold, self.broker)
        if not await self.until(lambda: link.opened.is_set() or link.closed.is_set()):
            raise Nonconformance("faults", f"it neither connects nor fails within {PATIENCE_S} s")
        self._is_open = link.opened.is_set()
        if link.end is not None:
            self._judge(link.end)
        if link.closed.is_set() and not is_refused:
            raise Nonconformance("faults", f"it does not connect to a venue that takes it: {link.end}")
        if is_refused and not link.closed.is_set():
            raise Nonconformance("faults", "it says that it is connected, and the venue refused")
        self._sent.connected()
        self._spoke_s = int(trio.current_time())

    async def hang_up(self) -> None:
        """The venue ends the connection: ``receive`` and ``send`` must say so."""
        link = self.link
        self.look()
        self.market.may_break = True
        self.venue.hang_up()
        self._is_open = False
        self.trace.note("venue", "hangs up")
        link.read(on=True)
        if not await self.until(lambda: not link.is_up):
            raise Nonconformance("faults", f"receive() still waits {PATIENCE_S} s after the venue hung up")
        self._judge(link.reason())
        if link.fault is not None and not link.closed.is_set():
            self.trace.say("adapter", "ems", fault_text(link.fault))
            await self._check_broken(link)
        await self.leave(link.fault)

    async def _check_broken(self, link: Link) -> None:
        sending = await self._send_plain()
        if sending.came_back and not sending.in_time and not link.closed.is_set():
            # It may have waited behind others, and been let go unsent; so once more, with nothing before it.
            await trio.sleep(self._sent.backlog_s)
            sending = await self._send_plain()
        if sending.came_back and not link.closed.is_set():
            raise Nonconformance("faults", "send() takes a request on a stream that is broken")
        self._judge(sending.fault)
        if sending.fault is not None:
            self.trace.say("adapter", "ems", fault_text(sending.fault))
        if not link.closed.is_set():
            again = await link.receive_again()
            if again is None:
                raise Nonconformance(
                    "faults", "receive() raised BrokerFault once, and waits when called again"
                )
            self._judge(again)

    async def _send_plain(self) -> Sending:
        market = next(iter(self.broker.markets.values()))
        return await self.send(self.order_of(market.fqme, market.size_tick, market.price_tick), None, None)

    def order_of(self, market: str, size: Decimal, price: Decimal | None) -> BrokerdOrder:
        """A plain order, with the next id in the form that the broker declares."""
        now = self.clock()
        return BrokerdOrder(
            reqid=self.next_reqid(), account="main", market=market, side="buy", size=size, price=price,
            type="market" if price is None else "limit", time_ns=now, deadline_ns=now + 5 * SECOND_NS,
        )  # fmt: skip

    def next_reqid(self) -> Reqid:
        """An id that no request had before."""
        number = self._sent.next_number
        return number if self.broker.capabilities.reqid_form == "int" else f"r-{number}"

    async def leave(self, thrown: Exception | None) -> None:
        """The EMS ends the connection, with what the stream raised if it had broken."""
        link = self.link
        self.look()
        self._is_open = False
        self.market.may_break = True
        was_up = link.is_up
        link.leave(thrown)
        if not await self.until(link.closed.is_set):
            raise Nonconformance("faults", f"a connection that was left still runs after {PATIENCE_S} s")
        if was_up and link.end is not None:
            raise Nonconformance("faults", f"leaving a connection raised {fault_text(link.end)}")
        if link.swallowed:
            raise Nonconformance("faults", "the connection swallowed the BrokerFault of its own stream")
        self._judge(link.end)

    def _judge(self, error: Exception | None) -> None:
        for leaf in () if error is None else leaves(error):
            if not isinstance(leaf, BrokerFault):
                raise Nonconformance("faults", f"{fault_text(leaf)} came out, and is no BrokerFault")

    async def _line_ended(self) -> None:
        """The adapter ended it: was there a cause? Then connect again."""
        link = self.link
        error = link.reason()
        self._judge(error)
        if self._is_garbled:
            if not all(isinstance(leaf, InvalidReport) for leaf in leaves(error)):
                raise Nonconformance(
                    "unknown", f"it was refused with {fault_text(error)}, and not InvalidReport"
                )
        elif not self._is_excused():
            raise Nonconformance("faults", f"nothing was wrong, and it raised {fault_text(error)}")
        self.trace.say("adapter", "ems", fault_text(error))
        await self.leave(link.fault)
        await self.connect()

    def _is_excused(self) -> bool:
        """Whether the line may break: a call of send was cancelled half way, or the venue is silent."""
        silent_s = int(trio.current_time()) - self._spoke_s
        allowed = self.venue.silence_s
        was_cut = any(sending.was_cut for sending in self._sent.here)
        return was_cut or (allowed is not None and silent_s >= allowed)

    async def garble(self, variant: int) -> bool:
        """The venue says what nobody can know: it must be refused, once everything else has come."""
        self.link.read(on=True)
        await self.settle()
        self.market.may_break = True
        if not self.venue.garble(variant):
            return False
        self._is_garbled = True
        self.trace.say("venue", "adapter", f"nonsense {variant}")
        if not await self.until(lambda: not self.link.is_up):
            raise Nonconformance("unknown", f"it took nonsense, and raised nothing within {PATIENCE_S} s")
        await self._line_ended()
        return True

    async def complete(self) -> None:
        """All that was said has come, and all that was sent: on a line that is up, given time."""
        link, watch = self.link, self.market
        await self.until(
            lambda: (
                not link.is_up
                or not (self._translation.outstanding or self._sent.unheard or not watch.is_complete)
            )
        )
        if not link.is_up:
            await self._line_ended()
        elif self._translation.outstanding:
            raise Nonconformance(
                "reports", f"{told(self._translation.outstanding[0])} was said, and never came"
            )
        elif not watch.is_complete:
            raise Nonconformance("market", "a row was shown, and never came")
