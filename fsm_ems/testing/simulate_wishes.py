"""What the clients of the simulation ask for: orders of every kind, and other terms for them."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Literal

from fsm_ems.messages import Direction, Edit, Order, OrderType, Side, TimeInForce, Trigger
from fsm_ems.testing.simulate_plan import ACCOUNTS, SECOND
from fsm_ems.testing.simulate_world import World

_KINDS = ("alert", *("dark",) * 6, "ioc", "fok", "market", "post only", "gtd", *("limit",) * 8)


class Wishes:
    """*middle* tells where each market is."""

    def __init__(self, world: World, middle: Mapping[str, Decimal]) -> None:
        self._world = world
        self._rng = world.rng
        self._markets = [*world.plan.settings.markets]
        self.middle = middle
        self._numbers = 0

    def number(self) -> int:
        """One that was not drawn before."""
        self._numbers += 1
        return self._numbers

    def price(self, market: str) -> Decimal:
        """Somewhere near the market, now and then off its tick."""
        rng, tick = self._rng, self._world.plan.settings.markets[market].price_tick
        price = self.middle[market] + tick * (rng.randrange(-12, 13))
        return price + tick / 2 if rng.randrange(40) == 0 else price

    def _size(self, market: str) -> Decimal:
        rng, tick = self._rng, self._world.plan.settings.markets[market].size_tick
        return tick * rng.randrange(1, rng.choice((10, 300, 6_000)))

    def edit(self, order: Order) -> Edit:
        """Other terms for *order*."""
        which = 1 if order.side == "alert" else self._rng.randrange(3)
        return self.terms(order.oid, order.market, which)

    def terms(self, oid: str, market: str, which: int) -> Edit:
        """An edit of the size (*which* 0), the price (1) or both."""
        return Edit(
            oid=oid,
            edit_id=f"e{self.number()}",
            size=self._size(market) if which != 1 else None,
            price=self.price(market) if which != 0 else None,
        )

    def order(self, oid: str) -> Order:
        """Some order of that name."""
        rng = self._rng
        market, side = rng.choice(self._markets), self._side()
        account, kind = rng.choice(ACCOUNTS), rng.choice(_KINDS)
        if kind == "alert":
            dated = rng.randrange(5) == 0
            return Order(
                oid=oid,
                side="alert",
                market=market,
                price=self.price(market),
                tif="gtd" if dated else "gtc",
                expire_ns=self._date() if dated else None,
                account=account,
            )
        if kind == "dark":
            return self._dark(oid, market, side, account)
        tif, type_, post_only, expire_ns = self._manner(kind)
        return Order(
            oid=oid,
            side=side,
            market=market,
            if_absent=_if_absent(oid),
            size=self._size(market),
            price=None if type_ == "market" else self.price(market),
            type=type_,
            tif=tif,
            expire_ns=expire_ns,
            post_only=post_only,
            when_down="wait" if rng.randrange(8) else "refuse",
            account=account,
        )

    def _side(self) -> Side:
        return "buy" if self._rng.randrange(2) else "sell"

    def _manner(self, kind: str) -> tuple[TimeInForce, OrderType, bool, int | None]:
        if kind == "ioc":
            return "ioc", "limit", False, None
        if kind == "fok":
            return "fok", "limit", False, None
        if kind == "market":
            return "gtc", "market", False, None
        if kind == "post only":
            return "gtc", "limit", True, None
        if kind == "gtd":
            return "gtd", "limit", False, self._date()
        return "gtc", "limit", False, None

    def _date(self) -> int:
        return self._world.now_ns + self._world.between(1, 40) * SECOND

    def _dark(self, oid: str, market: str, side: Side, account: str) -> Order:
        rng = self._rng
        trigger: Trigger = rng.choice(("price", "stop", "touch", "trail"))
        at_market, dated = rng.randrange(3) == 0, rng.randrange(5) == 0
        directions: tuple[Direction | None, ...] = (None, "at_or_above", "at_or_below")
        return Order(
            oid=oid,
            side=side,
            market=market,
            if_absent=_if_absent(oid),
            size=self._size(market),
            price=None if trigger == "trail" and rng.randrange(2) else self.price(market),
            type="market" if at_market else "limit",
            tif="gtd" if dated else "gtc",
            expire_ns=self._date() if dated else None,
            mode="dark",
            direction=rng.choice(directions) if trigger == "price" else None,
            trigger=trigger,
            trail=self._world.plan.settings.markets[market].price_tick * rng.randrange(1, 9)
            if trigger == "trail"
            else None,
            limit_ticks=None if at_market else rng.choice((None, 0, 3)),
            account=account,
        )


def _if_absent(oid: str) -> Literal["reject", "resend"]:
    """Every second order may be sent again."""
    return "resend" if int(oid[1:]) % 2 else "reject"
