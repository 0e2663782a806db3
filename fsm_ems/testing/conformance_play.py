"""Playing a conformance script: each step as a deed of the EMS, the line or the venue."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from functools import partial
from typing import Any, TypeVar

from fsm_ems.market import Market
from fsm_ems.messages import (
    BrokerdCancel,
    BrokerdEdit,
    BrokerdHistoryQuery,
    BrokerdQuery,
    Request,
    VenueReport,
)
from fsm_ems.quotes import MarketRow, Quote, Trade
from fsm_ems.testing import conformance_steps as s
from fsm_ems.testing.conformance_market import MarketWatch
from fsm_ems.testing.conformance_rules import Nonconformance
from fsm_ems.testing.conformance_sent import PATIENCE_S
from fsm_ems.testing.conformance_stage import SECOND_NS, SentOrder, Stage
from fsm_ems.testing.conformance_trace import told

_T = TypeVar("_T")
_MOST = Decimal(10) ** 17
"""A tenth of what no message carries any more: sizes are added up, and prices doubled."""
_ODD = 12_345
"""So many ticks below that: a number that no float holds, where a tick is a whole unit."""


def _chosen(number: int, among: Sequence[_T]) -> _T | None:
    """The *number*-th from the end, counted round; None where there is none."""
    return among[-1 - number % len(among)] if among else None


class Player:
    """Plays steps on a stage, and keeps the reports that are to come later."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._later: list[VenueReport] = []
        self._last_shown: dict[str, MarketRow] = {}

    async def play(self, steps: Sequence[s.Step]) -> None:
        """Play *steps*, and at the end see that all has come, and that a broken stream is told.

        Raises:
            Nonconformance: the adapter broke a rule.
        """
        stage = self._stage
        stage.nursery.start_soon(stage.market.run)
        await stage.connect()
        for step in steps:
            stage.trace.steps.append(step)
            if not await self._take(step):
                stage.trace.steps.pop()
        stage.link.read(on=True)
        await stage.settle()
        await self._show_again()
        await stage.complete()
        await stage.hang_up()

    async def _take(self, step: s.Step) -> bool:
        """Do it; whether there was anything to do."""
        if isinstance(step, s.Place | s.CancelOrder | s.EditOrder | s.Ask | s.AskHistory):
            is_done = await self._ask(step)
        elif isinstance(step, s.Answer | s.Trade | s.Turned | s.Deliver):
            is_done = self._act(step)
            self._stage.look()
            if is_done and step.cut is not None:
                await self._stage.interrupt(step.cut)
            if not step.rest:
                return is_done
        else:
            is_done = await self._befall(step)
        if is_done:
            await self._stage.settle()
        return is_done

    # ── the EMS ─────────────────────────────────────────────────────────────────────────────────────

    async def _ask(self, step: s.Place | s.CancelOrder | s.EditOrder | s.Ask | s.AskHistory) -> bool:
        stage = self._stage
        if isinstance(step, s.Place):
            order = self._order(step)
            stage.orders.append(order)
            order.names.reqids.append(order.request.reqid)
            await stage.send(order.request, order, step.cut)
            return True
        if isinstance(step, s.AskHistory):
            if not stage.broker.capabilities.history:
                return False
            await stage.send(self._history(step), None, step.cut)
            return True
        among = stage.orders if isinstance(step, s.Ask) else [one for one in stage.orders if one.is_told]
        about = _chosen(step.order, among)
        if about is None:
            return False
        request = self._about(step, about)
        if isinstance(request, BrokerdEdit):
            about.names.reqids.append(request.reqid)
        await stage.send(request, about, step.cut)
        return True

    def _market(self, number: int) -> Market:
        markets = list(self._stage.broker.markets.values())
        return markets[number % len(markets)]

    def _order(self, step: s.Place) -> SentOrder:
        market = self._market(step.market)
        price = None if step.ticks is None else _ticks(step.ticks, market.price_tick)
        plain = self._stage.order_of(market.fqme, _size(market, step.units), price)
        tif = "gtc" if price is None and step.tif == "gtd" else step.tif
        fields: dict[str, Any] = {**_fields(plain), "side": step.side, "tif": tif}
        fields["expire_ns"] = plain.time_ns + 3600 * SECOND_NS if tif == "gtd" else None
        fields["post_only"] = step.post_only and price is not None and tif in ("gtc", "gtd")
        return SentOrder(type(plain)(**fields), plain.reqid)

    def _history(self, step: s.AskHistory) -> BrokerdHistoryQuery:
        stage, now = self._stage, self._stage.clock()
        fill = _chosen(step.since, list(stage.fills.values()))
        return BrokerdHistoryQuery(
            reqid=stage.next_reqid(),
            since_ns=0 if fill is None else fill.time_ns,
            since=None if fill is None else fill.exec_id,
            time_ns=now,
            deadline_ns=now + 5 * SECOND_NS,
        )

    def _about(self, step: s.CancelOrder | s.EditOrder | s.Ask, order: SentOrder) -> Request:
        now = self._stage.clock()
        fields: dict[str, Any] = {
            "reqid": self._stage.next_reqid(),
            "account": order.request.account,
            "target": order.in_force,
            "venue_id": order.venue_id,
            "time_ns": now,
            "deadline_ns": now + 5 * SECOND_NS,
        }
        if isinstance(step, s.CancelOrder):
            return BrokerdCancel(**fields)
        if isinstance(step, s.Ask):
            return BrokerdQuery(**fields)
        market = self._stage.broker.markets[order.request.market]
        price = None
        if step.ticks is not None and order.request.price is not None:
            price = _ticks(step.ticks, market.price_tick)
        return BrokerdEdit(**fields, size=order.filled + _size(market, step.units), price=price)

    # ── the line, and time ──────────────────────────────────────────────────────────────────────────

    async def _befall(self, step: s.Step) -> bool:
        stage = self._stage
        if isinstance(step, s.Read):
            if stage.link.is_reading == step.on:
                return False
            stage.trace.note("ems", "reads again" if step.on else "reads no more")
            stage.link.read(on=step.on)
        elif isinstance(step, s.Wait):
            stage.trace.note("ems", f"{step.seconds} s pass")
            await stage.wait(step.seconds)
        elif isinstance(step, s.Garble):
            return await stage.garble(step.variant)
        elif isinstance(step, s.Show):
            return self._show(step)
        elif isinstance(step, s.BreakFeed):
            return await self._break_feed(step)
        else:
            assert isinstance(step, s.Reconnect), "there is no other step"
            return await self._reconnect(step)
        return True

    async def _reconnect(self, step: s.Reconnect) -> bool:
        stage = self._stage
        if step.by == "refused" and not stage.venue.refuse_next():
            return False
        if step.by in ("venue", "refused"):
            await stage.hang_up()
        else:
            stage.trace.note("ems", "leaves")
            await stage.leave(None)
        if step.by == "refused":
            await stage.connect(is_refused=True)
        if step.by == "restart":
            stage.trace.note("adapter", "is made anew")
            stage.market.stop()
            stage.broker = stage.venue.new_broker()
            self._listen()
        await stage.connect()
        return True

    async def _break_feed(self, step: s.BreakFeed) -> bool:
        """Its feed breaks, and is opened again until that is done: whatever comes out meanwhile is judged."""
        stage, watch = self._stage, self._stage.market
        if not await stage.until(lambda: watch.is_tried or watch.has_ended):
            raise Nonconformance("market", f"the feed broke, and each attempt to open it for {PATIENCE_S} s")
        if watch.has_ended:
            return False
        watch.may_break = True
        if not self._breaks(step):
            return False
        stage.trace.note("venue", f"the feed is {step.by}")
        await stage.until(lambda: stage.market.is_tried or stage.market.has_ended)
        if stage.market.has_ended:
            raise Nonconformance("market", f"the feed was {step.by}, and ended without a BrokerFault")
        if not stage.market.is_tried:
            raise Nonconformance("market", f"the feed was {step.by} once, and fails for {PATIENCE_S} s")
        return True

    def _breaks(self, step: s.BreakFeed) -> bool:
        """Let it happen; whether the venue can. Where it can end no feed, the EMS leaves it and opens it."""
        stage, venue = self._stage, self._stage.venue
        if step.by == "dropped":
            return venue.drop_market()
        if step.by == "garbled":
            return venue.garble_market(step.variant, at_first=False)
        if step.by == "refused":
            is_next = venue.refuse_market()
        else:
            is_next = venue.garble_market(step.variant, at_first=True)
        if is_next and not venue.drop_market():
            stage.market.stop()
            self._listen()
        return is_next

    def _listen(self) -> None:
        """Open the feed in a task of its own, as what was shown to an earlier one is not owed."""
        stage = self._stage
        stage.market = MarketWatch(stage.broker, may_break=True)
        stage.nursery.start_soon(stage.market.run)

    def _show(self, step: s.Show) -> bool:
        market, now = self._market(step.market), self._stage.clock()
        size, price = _ticks(step.units, market.size_tick), _ticks(step.ticks, market.price_tick)
        bid, ask = price - market.price_tick, price + market.price_tick
        row: Quote | Trade = Quote(now, bid, size, ask, size + market.size_tick)
        if step.is_print:
            row = Trade(now, price, size, "buy" if step.units % 2 else "sell", "T")
        return self._is_shown(MarketRow(market.fqme, row))

    def _is_shown(self, row: MarketRow) -> bool:
        """Show it; whether the venue has a feed, and somebody listens."""
        shown = self._stage.venue.shown
        before = len(shown)
        self._stage.venue.show(row)
        if len(shown) == before:
            return False
        self._last_shown[row.market] = row
        return True

    async def _show_again(self) -> None:
        """Whoever listened to a market listens to it now, whatever has befallen the line."""
        if self._stage.market.may_break:
            for row in list(self._last_shown.values()):
                if not await self._stage.until(partial(self._is_shown, row)):
                    raise Nonconformance(
                        "market", f"the feed of {row.market} broke, and nobody listens any more"
                    )

    # ── the venue ───────────────────────────────────────────────────────────────────────────────────

    def _act(self, step: s.Answer | s.Trade | s.Turned | s.Deliver) -> bool:
        stage, book = self._stage, self._stage.book
        if isinstance(step, s.Deliver):
            report = _chosen(step.report, self._later)
            if report is not None:
                self._later.remove(report)
                stage.venue.tell(report)
            return report is not None
        if stage.venue.answers_alone:
            return isinstance(step, s.Trade) and self._wish(step)
        if isinstance(step, s.Answer):
            request = _chosen(step.request, book.unanswered)
            if request is None:
                return False
            book.unanswered.remove(request)
            outcomes = book.outcomes(request)
            reports: Sequence[VenueReport] = outcomes[step.choice % len(outcomes)]()
            if not reports:
                stage.trace.note("venue", f"{request.reqid} is lost on the way")
        else:
            reports = self._happens(step)
            if not reports:
                return False
        for report in reports:
            self._say(report, step.fate)
        return True

    def _happens(self, step: s.Trade | s.Turned) -> list[VenueReport]:
        book = self._stage.book
        if isinstance(step, s.Turned):
            turned = _chosen(step.order, book.orders)
            report = None if turned is None else book.turn(turned, step.turn)
            return [] if report is None else [report]
        order = _chosen(
            step.order, [one for one in book.orders if one.left > 0 and one.standing != "rejected"]
        )
        return [] if order is None else [book.trade(order, step)]

    def _wish(self, step: s.Trade) -> bool:
        """At a venue that decides for itself: that an order may trade."""
        book = self._stage.book
        order = _chosen(
            step.order, [one for one in book.orders if one.arrived and one.lives and one.price is not None]
        )
        if order is not None:
            self._stage.trace.note("venue", f"somebody would trade with {order.chain[-1]}")
            self._stage.venue.tell(book.execution(order, replace(step, better=0)))
        return order is not None

    def _say(self, report: VenueReport, fate: s.Fate) -> None:
        stage = self._stage
        if fate == "later":
            stage.trace.note("venue", f"{told(report)}, and says so later")
            self._later.append(report)
        elif fate == "lost":
            stage.trace.note("venue", f"{told(report)}, and that is lost")
        else:
            for _ in range(2 if fate == "twice" else 1):
                stage.venue.tell(report)


def _size(market: Market, units: int) -> Decimal:
    return max(market.min_size, market.size_tick) + _ticks(units - 1, market.size_tick)


def _ticks(count: int, tick: Decimal) -> Decimal:
    """*count* times *tick*, or about as much as a message can carry where that is less."""
    return min(count, max(int(_MOST / tick) - _ODD, 1)) * tick


def _fields(message: object) -> dict[str, Any]:
    return {name: getattr(message, name) for name in message.__dataclass_fields__}  # type: ignore[attr-defined]  # a message is one
