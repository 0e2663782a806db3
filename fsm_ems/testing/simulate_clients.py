"""The clients of the simulation: owners who trade, an operator, and one who looks on.

An owner that got no answer asks again, with the same command. What each is told must come in the order of
its stream, without a gap, whatever happens to the EMS in between.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from fsm_ems.dialogs.record import Notice
from fsm_ems.messages import Cancel, Command, Order
from fsm_ems.testing.breach import Breach
from fsm_ems.testing.simulate_ems import SimulatedEMS
from fsm_ems.testing.simulate_faults import Fault
from fsm_ems.testing.simulate_oracle import Oracle
from fsm_ems.testing.simulate_plan import MS
from fsm_ems.testing.simulate_wishes import Wishes
from fsm_ems.testing.simulate_world import World

OBSERVER = "olga"
HOSTILE = "mallory"
OPERATOR = "operator"
_AWAY_MAX_MS = 20_000
_HURRY_MS = 200
_DEEDS = ("order",) * 9 + ("cancel",) * 4 + ("edit",) * 5 + ("again", "conflict", "fire")
_RECENT = 12
"""How far back an owner remembers the orders that it goes on about."""


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
    """All of them."""

    def __init__(self, world: World, oracle: Oracle, wishes: Wishes, ems: SimulatedEMS) -> None:
        self._world = world
        self._oracle = oracle
        self._wishes = wishes
        self._ems = ems
        self.owners = world.plan.owners
        self.readers = {name: Reader(name) for name in (*self.owners, OBSERVER, HOSTILE, OPERATOR)}
        self.orders: dict[str, list[Order]] = {name: [] for name in (*self.owners, HOSTILE)}
        self._asked: dict[str, dict[int, Command]] = {name: {} for name in traders(self.owners)}

    def begin(self) -> None:
        """Start acting."""
        for owner in traders(self.owners):
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
        reader.resume(self._oracle.log.streams.get(reader.name, []), self._ems.disk.durable)

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
        if self._ems.up:
            self._resume(reader)

    def hurry(self) -> None:
        """Faults have stopped: whoever waits for an answer asks again soon, and nobody wants more."""
        for owner in traders(self.owners):
            self._again(owner)

    # ── acting ──────────────────────────────────────────────────────────────────────────────────────

    def _again(self, owner: str) -> None:
        act_ms = self._world.plan.act_ms * (1 if owner in self.owners else 4)
        if self._world.healed:
            act_ms = _HURRY_MS
        self._world.after(self._world.between(1, 2 * act_ms) * MS, owner, lambda: self._act(owner))

    def _act(self, owner: str) -> None:
        world = self._world
        waiting = self._asked[owner]
        if waiting and (world.healed or world.rng.randrange(3) == 0):
            number = world.rng.choice([*waiting])
            self.send(owner, waiting[number], number)
        elif owner == OPERATOR and not world.healed:
            self._oversee()
        elif not world.healed:
            self._wish(owner)
        if waiting or not world.healed:
            self._again(owner)
        if owner in self.owners and not world.healed and world.rng.randrange(3) == 0:
            soon_ms = world.between(1, 2 * world.plan.latency_ms)  # while what was done is under way
            world.after(soon_ms * MS, owner, lambda: self._wish(owner))

    def _oversee(self) -> None:
        """The operator ends or changes an order that somebody has placed at a venue."""
        adopted, rng = [*self._oracle.log.adopted.items()][-_RECENT:], self._world.rng
        if not adopted:
            return
        (broker, venue_id), (_, oid) = rng.choice(adopted)
        market = self._oracle.venues[broker].orders[venue_id].market
        edit = self._wishes.terms(oid, market, rng.randrange(3))
        self.send(OPERATOR, edit if rng.randrange(2) else Cancel(oid=oid))

    def _wish(self, owner: str) -> None:
        rng, mine = self._world.rng, self.orders[owner][-_RECENT:]
        deed = rng.choice(_DEEDS)
        if deed == "order" or not mine:
            order = self._wishes.order(f"o{self._wishes.number()}")
            self.orders[owner].append(order)
            self.send(owner, order)
            return
        order = mine[-1] if rng.randrange(2) else rng.choice(mine)
        if deed == "cancel":
            self.send(owner, Cancel(oid=order.oid))
        elif deed == "edit":
            self.send(owner, self._wishes.edit(order))
        elif deed == "again":
            self.send(owner, order)
        elif deed == "conflict":
            other = self._wishes.order(order.oid)
            self.send(owner, other)
        else:
            self._fire(owner, order)

    def send(self, owner: str, command: Command, number: int | None = None) -> None:
        """*owner* commands; *number* is that of a command that is said again."""
        ems, oracle = self._ems, self._oracle
        number = self._wishes.number() if number is None else number
        key = (owner, command.oid)

        def answered(result: str) -> None:
            self._asked[owner].pop(number, None)
            if result in ("taken", "again"):
                if isinstance(command, Order):
                    oracle.answer(owner, command)
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
        price = self._wishes.price(order.market) if self._world.rng.randrange(2) else None
        self._ems.fire(owner, order.oid, price, lambda result: None)


def rights(owners: Sequence[str]) -> dict[str, frozenset[str]]:
    """Of whose orders each identity may be told, beside its own."""
    return {OBSERVER: frozenset(seen(owners))}


def seen(owners: Sequence[str]) -> tuple[str, ...]:
    """The owners whom the observer may look at: all but the last."""
    return tuple(owners[:-1])


def traders(owners: Sequence[str]) -> Iterator[str]:
    """Who may act."""
    yield from (*owners, HOSTILE, OPERATOR)
