"""What one market shows, and the own orders that rest in it: the matching of the paper engine.

It tells who is to get what, and books nothing: that is for the facts made of it. Nothing here knows of
requests, reports or time; :mod:`fsm_ems.brokers.paper.engine` states the rules.
Sums are taken in :data:`~fsm_ems.dialogs.facts.EXACT`, so no size is ever rounded.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from decimal import Decimal
from typing import NamedTuple

from sortedcontainers import SortedDict

from fsm_ems.brokers.paper.engine_orders import PaperOrder
from fsm_ems.dialogs.facts import EXACT, ZERO
from fsm_ems.market import FillModel, Market
from fsm_ems.quotes import Quote, Trade


class Share(NamedTuple):
    """What one row has for one resting order, at its limit."""

    order: PaperOrder
    size: Decimal


class OwnSide:
    """Resting buys, or resting sells: by price, the best first, then by time.

    *best* is the best price, kept at hand because every row of a tape looks at it.
    """

    __slots__ = ("best", "buys", "levels")

    def __init__(self, *, buys: bool) -> None:
        self.buys = buys
        self.best: Decimal | None = None
        self.levels: SortedDict[Decimal, dict[int, PaperOrder]] = SortedDict()

    def add(self, order: PaperOrder) -> None:
        """Put *order* behind all others at its price; its rank must be the highest so far."""
        price = order.limit
        level = self.levels.get(price)
        if level is None:
            level = self.levels[price] = {}
            self._look()
        level[order.rank] = order

    def remove(self, order: PaperOrder) -> None:
        """Take *order* out. Its price and rank are those it was added with."""
        price = order.limit
        level = self.levels[price]
        del level[order.rank]
        if not level:
            del self.levels[price]
            self._look()

    def _look(self) -> None:
        self.best = self.levels.peekitem(-1 if self.buys else 0)[0] if self.levels else None

    def reached(self, price: Decimal, *, exactly: bool) -> Iterator[PaperOrder]:
        """The orders whose limit lies beyond *price*, best first; *exactly* adds those at it.

        Neither add nor remove while it runs.
        """
        if self.buys:
            prices = self.levels.irange(price, None, (exactly, True), reverse=True)
        else:
            prices = self.levels.irange(None, price, (True, exactly))
        for level in prices:
            yield from self.levels[level].values()


class MarketBook:
    """One market: what its last quote still displays, and the own orders that rest.

    A side that offers nothing (no quote yet, zero, crossed) has price None. A displayed size falls as own
    orders take from it, and stays so until the next quote row.
    """

    __slots__ = (
        "ask",
        "ask_size",
        "bid",
        "bid_size",
        "buys",
        "market",
        "model",
        "sells",
        "unseen_buys",
        "unseen_sells",
    )

    def __init__(self, market: Market, model: FillModel) -> None:
        self.market = market
        self.model = model
        self.bid: Decimal | None = None
        self.bid_size = ZERO
        self.ask: Decimal | None = None
        self.ask_size = ZERO
        self.buys = OwnSide(buys=True)
        self.sells = OwnSide(buys=False)
        # Orders (also in buys and sells) that wait for the touch to show the queue ahead of them.
        self.unseen_buys = OwnSide(buys=True)
        self.unseen_sells = OwnSide(buys=False)

    # ── arriving and leaving ────────────────────────────────────────────────────────────────────────

    def far_price(self, *, is_buy: bool) -> Decimal | None:
        """The price an arriving order can take at, None where nothing is offered."""
        return self.ask if is_buy else self.bid

    def marketable(self, *, is_buy: bool, price: Decimal | None) -> bool:
        """Whether an order at *price* (None: market) reaches the far touch, whatever is left there."""
        if is_buy:
            return self.ask is not None and (price is None or price >= self.ask)
        return self.bid is not None and (price is None or price <= self.bid)

    def displayed(self, *, is_buy: bool) -> Decimal:
        """How much an arriving order can take at the far touch."""
        return self.ask_size if is_buy else self.bid_size

    def take(self, order: PaperOrder) -> Decimal:
        """Take what the far touch displays for a marketable arriving order; how much it is to get."""
        size = min(order.left, self.ask_size if order.is_buy else self.bid_size)
        if order.is_buy:
            self.ask_size = EXACT.subtract(self.ask_size, size)
        else:
            self.bid_size = EXACT.subtract(self.bid_size, size)
        return size

    def rest(self, order: PaperOrder, rank: int) -> None:
        """Let *order* rest behind all that rest at its price."""
        order.rank = rank
        (self.buys if order.is_buy else self.sells).add(order)
        if self.model == "queue":
            order.ahead = self._ahead(order)
            if order.ahead is None:
                (self.unseen_buys if order.is_buy else self.unseen_sells).add(order)

    def remove(self, order: PaperOrder) -> None:
        """Take a resting order out."""
        (self.buys if order.is_buy else self.sells).remove(order)
        if order.ahead is None:
            (self.unseen_buys if order.is_buy else self.unseen_sells).remove(order)
            order.ahead = ZERO
        order.rank = 0

    def _ahead(self, order: PaperOrder) -> Decimal | None:
        """The size shown at the order's price: none at a price better than the touch."""
        touch, size = (self.bid, self.bid_size) if order.is_buy else (self.ask, self.ask_size)
        if touch is None:
            return None
        if touch == order.limit:
            return size
        return ZERO if (touch < order.limit) is order.is_buy else None

    # ── rows ────────────────────────────────────────────────────────────────────────────────────────

    def quote(self, row: Quote) -> list[Share]:
        """Refresh both sides and share them among the resting orders that they reach: buys, then sells."""
        self.bid, self.ask = bid, ask = row.offered()
        self.bid_size = ZERO if bid is None else row.bid_size
        self.ask_size = ZERO if ask is None else row.ask_size
        if self.model == "queue":
            self._see_queues()
        shares: list[Share] = []
        best = self.buys.best
        if best is not None and ask is not None and best >= ask:
            self.ask_size = self._share_display(self.buys, ask, row.ask_size, shares)
        best = self.sells.best
        if best is not None and bid is not None and best <= bid:
            self.bid_size = self._share_display(self.sells, bid, row.bid_size, shares)
        return shares

    def _share_display(self, side: OwnSide, far: Decimal, available: Decimal, shares: list[Share]) -> Decimal:
        """Share *available* among the orders that *far* reaches; what is left of it."""
        for order in side.reached(far, exactly=True):
            size = min(order.left, available)
            shares.append(Share(order, size))
            available = EXACT.subtract(available, size)
            if not available:
                break
        return available

    def _see_queues(self) -> None:
        """The touch has reached orders whose queue nobody could know before."""
        for side, touch, size in (
            (self.unseen_buys, self.bid, self.bid_size),
            (self.unseen_sells, self.ask, self.ask_size),
        ):
            best = side.best
            if best is None or touch is None or (best < touch if side.buys else best > touch):
                continue
            for order in list(side.reached(touch, exactly=True)):
                side.remove(order)
                order.ahead = size if order.limit == touch else ZERO

    def trade(self, row: Trade) -> list[Share]:
        """Share a print's size among the resting orders that it reaches."""
        price, exactly = row.price, self.model != "through"
        best_buy, best_sell = self.buys.best, self.sells.best
        buys = best_buy is not None and (best_buy > price or (exactly and best_buy == price))
        sells = best_sell is not None and (best_sell < price or (exactly and best_sell == price))
        if not (buys or sells):
            return []
        if buys and sells:
            reached: Iterator[PaperOrder] = heapq.merge(
                self.buys.reached(price, exactly=exactly),
                self.sells.reached(price, exactly=exactly),
                key=lambda order: (EXACT.subtract(order.limit, price).copy_abs().copy_negate(), order.rank),
            )
        else:
            reached = (self.buys if buys else self.sells).reached(price, exactly=exactly)
        share = self._share_queued if self.model == "queue" else self._share_print
        return share(reached, row)

    @staticmethod
    def _share_print(reached: Iterator[PaperOrder], row: Trade) -> list[Share]:
        shares: list[Share] = []
        available = row.size
        for order in reached:
            size = min(order.left, available)
            shares.append(Share(order, size))
            available = EXACT.subtract(available, size)
            if not available:
                break
        return shares

    def _share_queued(self, reached: Iterator[PaperOrder], row: Trade) -> list[Share]:
        """As :meth:`_share_print`, but at the print's own price others stand in between."""
        shares: list[Share] = []
        available = row.size
        others = {True: ZERO, False: ZERO}  # what this print traded with others, ahead of own buys and sells
        for order in reached:
            side = order.is_buy
            offered = EXACT.subtract(available, others[side])
            if order.limit != row.price:
                self._clear_queue(order)
            elif order.ahead is None:
                continue
            else:
                ahead = max(EXACT.subtract(order.ahead, others[side]), ZERO)
                gone = max(min(ahead, offered), ZERO)  # the other side may have taken what they left
                others[side] = EXACT.add(others[side], gone)
                offered = EXACT.subtract(offered, gone)
                order.ahead = EXACT.subtract(ahead, gone)
            size = min(order.left, offered)
            if size > ZERO:
                shares.append(Share(order, size))
                available = EXACT.subtract(available, size)
        return shares

    def _clear_queue(self, order: PaperOrder) -> None:
        if order.ahead is None:
            (self.unseen_buys if order.is_buy else self.unseen_sells).remove(order)
        order.ahead = ZERO
