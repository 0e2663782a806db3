"""The clients of the simulation: owners who trade, one who tries what he may not, and one who looks on.

An owner that got no answer asks again, with the same command. What each is told must come in the order of
its stream, without a gap, whatever happens to the EMS in between.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from typing import Literal, NamedTuple

from fsm_ems.dialogs.record import Notice
from fsm_ems.errors import InvalidMessage
from fsm_ems.messages import (
    Cancel,
    Command,
    Direction,
    Edit,
    Order,
    OrderType,
    Side,
    TimeInForce,
    Trigger,
    parse_command,
)
from fsm_ems.testing.breach import Breach
from fsm_ems.testing.simulate_ems import SimulatedEMS
from fsm_ems.testing.simulate_oracle import Oracle
from fsm_ems.testing.simulate_plan import ACCOUNTS, MARKETS, MS, SECOND, Fault
from fsm_ems.testing.simulate_world import World

OBSERVER = "olga"
HOSTILE = "mallory"
STRANGER = "nobody"
_AWAY_MAX_MS = 20_000
_DEEDS = ("order",) * 9 + ("cancel",) * 4 + ("edit",) * 5 + ("again", "conflict", "fire")
_OFFENCES = ("same oid", "cancel", "edit", "observer", "stranger", "fire", "malformed")
_KINDS = ("alert", *("dark",) * 6, "ioc", "fok", "market", "post only", "gtd", *("limit",) * 8)
_RECENT = 12
"""How far back an owner remembers the orders that it goes on about."""


class Asked(NamedTuple):
    """A command without an answer."""

    command: Command
    number: int


class Reader:
    """An identity's end of its stream: *got* are the records it was told of, in the order of its stream."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.got: list[int] = []
        self.away = False

    def told(self, notice: Notice) -> None:
        """A notice arrives."""
        if self.away or notice.seq <= len(self.got):
            return  # it was read from the log already
        if notice.seq != len(self.got) + 1:
            raise Breach("P8", f"{self.name} is told {notice.seq} after {len(self.got)}")
        self.got.append(notice.record.seq)

    def resume(self, stream: Sequence[int], durable: int) -> None:
        """Read what was missed from the log, as far as it is durable."""
        if self.got != stream[: len(self.got)]:
            raise Breach("P8", f"{self.name} was told what the log does not have")
        self.got.extend(seq for seq in stream[len(self.got) :] if seq <= durable)


class Clients:
    """All of them. *middle* tells where a market is."""

    def __init__(self, world: World, oracle: Oracle, middle: Callable[[str], Decimal]) -> None:
        self._world = world
        self._oracle = oracle
        self._middle = middle
        self.ems: SimulatedEMS | None = None
        self.owners = world.plan.owners
        self.readers = {name: Reader(name) for name in (*self.owners, OBSERVER, HOSTILE, "operator")}
        self._orders: dict[str, list[Order]] = {name: [] for name in (*self.owners, HOSTILE)}
        self._asked: dict[str, dict[int, Command]] = {name: {} for name in (*self.owners, HOSTILE)}
        self._numbers = 0

    def begin(self) -> None:
        """Start acting."""
        for owner in (*self.owners, HOSTILE):
            self._again(owner)
        self._world.recur(Fault.CLIENT_AWAY, self._leave)

    # ── streams ─────────────────────────────────────────────────────────────────────────────────────

    def told(self, notice: Notice) -> None:
        """A notice reaches whom it is for."""
        reader = self.readers.get(notice.identity)
        if reader is None:
            raise Breach("P6", f"{notice.identity} is told of {notice.record.owner}'s {notice.record.oid}")
        reader.told(notice)

    def resume(self) -> None:
        """The EMS is there again."""
        for reader in self.readers.values():
            if not reader.away:
                self._resume(reader)

    def _resume(self, reader: Reader) -> None:
        assert self.ems is not None, "it was built"
        reader.resume(self._oracle.log.streams.get(reader.name, []), self.ems.disk.durable)

    def _leave(self) -> bool:
        reader = self._world.rng.choice([*self.readers.values()])
        if reader.away:
            return False
        reader.away = True
        away_ms = self._world.between(10, _AWAY_MAX_MS)
        self._world.after(away_ms * MS, "a client is back", lambda: self._back(reader))
        return True

    def _back(self, reader: Reader) -> None:
        reader.away = False
        if self.ems is not None and self.ems.up:
            self._resume(reader)

    # ── acting ──────────────────────────────────────────────────────────────────────────────────────

    def _again(self, owner: str) -> None:
        act_ms = self._world.plan.act_ms * (4 if owner == HOSTILE else 1)
        self._world.after(self._world.between(1, 2 * act_ms) * MS, owner, lambda: self._act(owner))

    def _act(self, owner: str) -> None:
        world = self._world
        waiting = self._asked[owner]
        if waiting and (world.healed or world.rng.randrange(3) == 0):
            number = world.rng.choice([*waiting])
            self._send(owner, waiting[number], number)
        elif owner == HOSTILE and not world.healed:
            self._offend()
        elif not world.healed:
            self._wish(owner)
        if waiting or not world.healed:
            self._again(owner)
        if owner != HOSTILE and not world.healed and world.rng.randrange(3) == 0:
            soon_ms = world.between(1, 2 * world.plan.latency_ms)  # while what was done is under way
            world.after(soon_ms * MS, owner, lambda: self._wish(owner))

    def _wish(self, owner: str) -> None:
        rng, mine = self._world.rng, self._orders[owner][-_RECENT:]
        deed = rng.choice(_DEEDS)
        if deed == "order" or not mine:
            order = self._order(f"o{self._number()}")
            self._orders[owner].append(order)
            self._send(owner, order)
            return
        order = mine[-1] if rng.randrange(2) else rng.choice(mine)
        if deed == "cancel":
            self._send(owner, Cancel(oid=order.oid))
        elif deed == "edit":
            self._send(owner, self._edit(order))
        elif deed == "again":
            self._send(owner, order)
        elif deed == "conflict":
            other = self._order(order.oid)
            self._send(owner, other)
        else:
            self._fire(owner, order)

    def _number(self) -> int:
        self._numbers += 1
        return self._numbers

    def _send(self, owner: str, command: Command, number: int | None = None) -> None:
        ems, oracle = self.ems, self._oracle
        assert ems is not None, "it was built"
        number = self._number() if number is None else number
        key = (owner, command.oid)

        def answered(result: str) -> None:
            self._asked[owner].pop(number, None)
            if result in ("taken", "again"):
                if isinstance(command, Order):
                    oracle.answered.add(key)
                elif isinstance(command, Cancel):
                    oracle.answered_cancels.add(key)
            elif result == "forbidden":
                raise Breach("P6", f"{owner} may act, and {command} was refused")

        if isinstance(command, Order):
            wishes = oracle.submitted.setdefault(key, [])
            if command not in wishes:
                wishes.append(command)
        self._asked[owner][number] = command
        if len(self._asked[owner]) > _RECENT:
            self._asked[owner].pop(next(iter(self._asked[owner])))
        ems.command(owner, command, answered)

    def _fire(self, owner: str, order: Order) -> None:
        assert self.ems is not None, "it was built"
        price = self._price(order.market) if self._world.rng.randrange(2) else None
        self.ems.fire(owner, order.oid, price, lambda result: None)

    # ── what nobody may do ──────────────────────────────────────────────────────────────────────────

    def _offend(self) -> None:
        """Others' orders, rights that one has not, and messages that are none."""
        rng, ems, victim = self._world.rng, self.ems, self._world.rng.choice(self.owners)
        assert ems is not None, "it was built"
        theirs = self._orders[victim]
        deed = rng.choice(_OFFENCES)
        if deed == "same oid" or not theirs:
            order = self._order(rng.choice(theirs).oid if theirs else "o0")
            self._orders[HOSTILE].append(order)
            self._send(HOSTILE, order)  # an order of its own, though the oid is somebody's
            return
        order = rng.choice(theirs)
        if deed in ("cancel", "edit"):
            command: Command = Cancel(oid=order.oid) if deed == "cancel" else self._edit(order)
            mine = any(own.oid == order.oid for own in self._orders[HOSTILE])
            if not mine:
                ems.command(HOSTILE, command, self._refused(HOSTILE, command, "unknown_order"))
        elif deed in ("observer", "stranger"):
            name = OBSERVER if deed == "observer" else STRANGER
            wish: Command = Cancel(oid=order.oid) if rng.randrange(2) else order
            ems.command(name, wish, self._refused(name, wish, "forbidden"))
        elif deed == "fire":
            ems.fire(HOSTILE, order.oid + "x", None, self._refused(HOSTILE, order, "unknown_order"))
        else:
            self._malformed(order)

    @staticmethod
    def _refused(name: str, command: Command, code: str) -> Callable[[str], None]:
        def answered(result: str) -> None:
            if result != code:
                raise Breach("P6", f"{name} was answered {result} to {command}, and not {code}")

        return answered

    def _malformed(self, order: Order) -> None:
        """Bad terms are refused before they reach the EMS."""
        fields = {**order.as_fields(), "name": "order"}
        bad = self._world.rng.choice(
            ({"size": "-1"}, {"price": "NaN"}, {"oid": "../x"}, {"size": 0.1}, {"side": "both"}, {"more": 1})
        )
        try:
            parse_command({**fields, **bad})
        except InvalidMessage:
            return
        raise Breach("P6", f"an order with {bad} was taken for one")

    # ── terms ───────────────────────────────────────────────────────────────────────────────────────

    def _price(self, market: str) -> Decimal:
        """Somewhere near the market, now and then off its tick."""
        rng, tick = self._world.rng, MARKETS[market].price_tick
        price = self._middle(market) + tick * (rng.randrange(-12, 13))
        return price + tick / 2 if rng.randrange(40) == 0 else price

    def _size(self, market: str) -> Decimal:
        rng = self._world.rng
        return MARKETS[market].size_tick * rng.randrange(1, rng.choice((10, 300, 6_000)))

    def _edit(self, order: Order) -> Edit:
        rng = self._world.rng
        which = 1 if order.side == "alert" else rng.randrange(3)
        return Edit(
            oid=order.oid,
            edit_id=f"e{self._number()}",
            size=self._size(order.market) if which != 1 else None,
            price=self._price(order.market) if which != 0 else None,
        )

    def _order(self, oid: str) -> Order:
        rng = self._world.rng
        market, side = rng.choice([*MARKETS]), self._side()
        account, kind = rng.choice(ACCOUNTS), rng.choice(_KINDS)
        if kind == "alert":
            return Order(oid=oid, side="alert", market=market, price=self._price(market), account=account)
        if kind == "dark":
            return self._dark(oid, market, side, account)
        tif, type_, post_only, expire_ns = self._manner(kind)
        return Order(
            oid=oid,
            side=side,
            market=market,
            if_absent=_if_absent(oid),
            size=self._size(market),
            price=None if type_ == "market" else self._price(market),
            type=type_,
            tif=tif,
            expire_ns=expire_ns,
            post_only=post_only,
            account=account,
        )

    def _side(self) -> Side:
        return "buy" if self._world.rng.randrange(2) else "sell"

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
        rng = self._world.rng
        trigger: Trigger = rng.choice(("price", "stop", "touch", "trail"))
        at_market, dated = rng.randrange(3) == 0, rng.randrange(5) == 0
        directions: tuple[Direction | None, ...] = (None, "at_or_above", "at_or_below")
        return Order(
            oid=oid,
            side=side,
            market=market,
            if_absent=_if_absent(oid),
            size=self._size(market),
            price=None if trigger == "trail" and rng.randrange(2) else self._price(market),
            type="market" if at_market else "limit",
            tif="gtd" if dated else "gtc",
            expire_ns=self._date() if dated else None,
            mode="dark",
            direction=rng.choice(directions) if trigger == "price" else None,
            trigger=trigger,
            trail=MARKETS[market].price_tick * rng.randrange(1, 9) if trigger == "trail" else None,
            limit_ticks=None if at_market else rng.choice((None, 0, 3)),
            account=account,
        )


def _if_absent(oid: str) -> Literal["reject", "resend"]:
    """Every second order may be sent again."""
    return "resend" if int(oid[1:]) % 2 else "reject"


def rights(owners: Sequence[str]) -> dict[str, frozenset[str]]:
    """Of whose orders each identity may be told, beside its own."""
    return {OBSERVER: frozenset(seen(owners))}


def seen(owners: Sequence[str]) -> tuple[str, ...]:
    """The owners whom the observer may look at: all but the last."""
    return tuple(owners[:-1])


def traders(owners: Sequence[str]) -> Iterator[str]:
    """Who may act."""
    yield from (*owners, HOSTILE)
