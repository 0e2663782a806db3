"""What a venue does of its own accord, or because somebody else has asked for it, and no engine does.

Executions are busted or corrected, also long after the end; what a bust leaves of an order that had filled
is cancelled. All this is told again after each connection: a history lists executions, and not what became of
them. Orders are halted, ended under several names, placed and changed by people who use the same account.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

from fsm_ems.messages import (
    BrokerdBust,
    BrokerdCancel,
    BrokerdCorrection,
    BrokerdEdit,
    BrokerdOrder,
    BrokerdStatus,
)
from fsm_ems.testing.simulate_book import STRANGER, EndsAs, Executed, VenueOrder
from fsm_ems.testing.simulate_faults import Fault
from fsm_ems.testing.simulate_plan import ACCOUNTS, MARKETS, MS, SECOND, markets_of
from fsm_ems.testing.simulate_venue import Venue
from fsm_ems.testing.simulate_world import Call

Halted = Literal["stopped", "suspended", "done_for_day"]
_HALTS: tuple[Halted, ...] = ("stopped", "suspended")
_ENDS = (
    EndsAs("done_for_day", "expired"),
    EndsAs("calculated", "expired"),
    EndsAs("expired", "expired"),
    EndsAs("rejected", "rejected"),
)
_YOUNGEST = 4
"""An order of these is meant as often as any other: much is under way about it."""
_FAR_NS = 60 * SECOND


class Oddities:
    """Of one venue. Each deed is done at once, and False where there is nothing to do it to."""

    def __init__(self, venue: Venue, middle: dict[str, Decimal]) -> None:
        """*middle* tells where each market is."""
        self._venue = venue
        self._world = venue.world
        self._book = venue.book
        self._middle = middle
        self._numbers = 0

    def begin(self) -> None:
        """Let them happen, as often as was drawn."""
        for fault, deed in (
            (Fault.BUST, self.bust),
            (Fault.CORRECTION, self.correct),
            (Fault.VENUE_CANCEL, self.cancel),
            (Fault.ODD_END, self.end),
            (Fault.COSTS_TOLD, self.tell_costs),
            (Fault.HALTED_ORDER, self.halt),
            (Fault.DONE_FOR_DAY, self.done_for_day),
            (Fault.RESTATED, self.change),
            (Fault.STRANGER, self.place),
        ):
            self._world.recur(fault, deed)

    # ── executions ──────────────────────────────────────────────────────────────────────────────────

    def bust(self) -> bool:
        """Undo some execution."""
        found = self._some()
        if found is None:
            return False
        order, exec_id = found
        gone = order.live.pop(exec_id)
        made = f"B{len(self._venue.amendments) + 1}"
        report = BrokerdBust(exec_id=made, ref_id=exec_id, **self._venue.about(order))
        self._world.note(f"{self._venue.broker} busts {exec_id}, {gone.size} at {gone.price}")
        self._amend(order, report)
        return True

    def correct(self) -> bool:
        """Put another execution in the place of one, of the same size or another."""
        found = self._some()
        if found is None:
            return False
        order, exec_id = found
        old, market, rng = order.live.pop(exec_id), MARKETS[order.market], self._world.rng
        made = f"C{len(self._venue.amendments) + 1}"
        size = rng.choice((old.size, old.size, min(market.size_tick, old.size)))
        if order.standing != "open" and rng.randrange(4) == 0:
            size = old.size + market.size_tick  # more than ordered may have traded, for all that is known
        elif order.standing == "open" and rng.randrange(4) == 0:
            size = max(order.size - order.filled, market.size_tick)  # what is left of it, and so it fills
            order.ends_as = EndsAs("filled", "filled")
        price = max(old.price + market.price_tick * rng.choice((-2, 0, 3)), market.price_tick)
        self._book.execute(order, made, Executed(size, price))
        about = self._venue.about(order)
        report = BrokerdCorrection(exec_id=made, ref_id=exec_id, size=size, price=price, **about)
        self._world.note(f"{self._venue.broker} corrects {exec_id} to {made}, {size} at {price}")
        self._amend(order, report)
        return True

    def _amend(self, order: VenueOrder, report: BrokerdBust | BrokerdCorrection) -> None:
        if order.standing != "open":
            self._world.faults[Fault.LATE_AMENDMENT] += 1
        order.amended = True
        self._venue.amended.add(order.venue_id)
        self._venue.amendments.append(report)
        self._venue.tell(report)
        self._venue.close(order)
        if order.filled >= order.size:
            self._end(order)

    # ── orders ──────────────────────────────────────────────────────────────────────────────────────

    def cancel(self) -> bool:
        """End some order that nobody asked to end."""
        order = self._resting()
        if order is not None:
            self._weighed("pending_cancel", order, lambda: self._end(order))
        return order is not None

    def end(self) -> bool:
        """End some order as expired or rejected after all, or because its day or its accounting is over."""
        order = self._resting()
        if order is None:
            return False
        ends_as = self._world.rng.choice(_ENDS)
        if ends_as.told == "rejected" and order.live:
            ends_as = ends_as._replace(standing="cancelled")  # it had traded, so it was no plain refusal
        order.ends_as = ends_as
        self._end(order)
        return True

    def tell_costs(self) -> bool:
        """Say of an order that has ended that its costs are worked out."""
        ended = [order for order in self._book.orders.values() if order.standing in ("filled", "cancelled")]
        ended = [order for order in ended[-20:] if not order.costs_told]
        if not ended or self._venue.away:
            return False
        order = self._world.rng.choice(ended)
        order.costs_told = True
        about = self._venue.about(order)
        self._venue.tell(BrokerdStatus(status="calculated", cum=order.filled, **about))
        return True

    def halt(self) -> bool:
        """Say that some order trades at a set price, or not at all, and later that it is as before."""
        return self._hold(self._world.rng.choice(_HALTS))

    def done_for_day(self) -> bool:
        """Say that some order will trade again another day, which comes soon."""
        return self._hold("done_for_day")

    def _hold(self, how: Halted) -> bool:
        order, venue = self._resting(), self._venue
        if order is None:
            return False
        resumes = how == "done_for_day"
        about = venue.about(order)
        venue.tell(BrokerdStatus(status=how, cum=order.filled, resumes=resumes, **about))

        def release() -> None:
            if order.standing == "open" and not venue.away:
                venue.tell(BrokerdStatus(status="open", cum=order.filled, **venue.about(order)))

        self._world.after(self._world.between(100, 6_000) * MS, "released", release)
        return True

    # ── somebody else ───────────────────────────────────────────────────────────────────────────────

    def place(self) -> bool:
        """Somebody places an order on one of the accounts, and perhaps cancels it later."""
        world, venue, rng = self._world, self._venue, self._world.rng
        if venue.away or not venue.reached:
            return False
        fqme = rng.choice([*markets_of((venue.broker,))])
        market, number, account = MARKETS[fqme], self._number(), rng.choice(ACCOUNTS)
        price = self._middle[fqme] + market.price_tick * rng.randrange(-8, 9)
        size = market.size_tick * rng.randrange(1, rng.choice((10, 300, 6_000)))
        venue.ask(
            BrokerdOrder(
                reqid=number,
                account=account,
                market=fqme,
                side="buy" if rng.randrange(2) else "sell",
                size=size,
                price=max(price, market.price_tick),
                time_ns=world.now_ns,
                deadline_ns=world.now_ns + _FAR_NS,
            )
        )
        order = self._book.by_reqid.get(number)
        if order is not None and rng.randrange(3) == 0:
            world.after(world.between(1, 20_000) * MS, "a stranger cancels", lambda: self._end(order))
        return order is not None

    def change(self) -> bool:
        """Somebody changes the terms of an order that he sees; perhaps to what has traded already."""
        order = self._resting()
        if order is None:
            return False
        self._weighed("pending_edit", order, lambda: self._change(order))
        return True

    def _change(self, order: VenueOrder) -> None:
        if order.standing != "open" or order.price is None or self._venue.away:
            return
        rng, market = self._world.rng, MARKETS[order.market]
        size = order.size + market.size_tick * rng.randrange(-5, 6)
        if rng.randrange(3) == 0:
            size = order.filled
        price = order.price + market.price_tick * rng.choice((-3, 0, 0, 2))
        now_ns = self._world.now_ns
        self._venue.ask(
            BrokerdEdit(
                reqid=self._number(),
                account=order.account,
                target=order.reqid,
                venue_id=order.venue_id,
                size=max(size, market.size_tick),
                price=max(price, market.price_tick),
                time_ns=now_ns,
                deadline_ns=now_ns + _FAR_NS,
            )
        )

    # ── inside ──────────────────────────────────────────────────────────────────────────────────────

    def _number(self) -> str:
        self._numbers += 1
        return f"{STRANGER}{self._numbers}"

    def _weighed(
        self, status: Literal["pending_cancel", "pending_edit"], order: VenueOrder, deed: Call
    ) -> None:
        """Nobody here has asked for it: now and then the venue tells that it weighs it, and does it later."""
        world, venue = self._world, self._venue
        if world.rng.randrange(2):
            deed()
            return
        venue.tell(BrokerdStatus(status=status, cum=order.filled, **venue.about(order)))
        world.after(world.between(10, 2_000) * MS, "weighed", deed)

    def _end(self, order: VenueOrder) -> None:
        if order.standing != "open" or self._venue.away:
            return
        now_ns = self._world.now_ns
        self._venue.ask(
            BrokerdCancel(
                reqid=self._number(),
                account=order.account,
                target=order.reqid,
                venue_id=order.venue_id,
                time_ns=now_ns,
                deadline_ns=now_ns + _FAR_NS,
            )
        )

    def _resting(self) -> VenueOrder | None:
        if self._venue.away:
            return None
        rng = self._world.rng
        there = [order for order in self._book.orders.values() if order.standing == "open"]
        if rng.randrange(2):
            there = there[-_YOUNGEST:]
        return rng.choice(there) if there else None

    def _some(self) -> tuple[VenueOrder, str] | None:
        if self._venue.away:
            return None
        there = [*self._book.live()][-2 if self._world.rng.randrange(2) else -20 :]
        return self._world.rng.choice(there) if there else None
