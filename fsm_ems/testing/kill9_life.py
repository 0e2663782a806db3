"""One life of a trading program that is to be killed: an EMS and a paper venue, each in a folder of its own.

Whatever it is promised it says at once, a line each, to whoever started it:

- ``sent KIND REQID``: a request came to the venue's door;
- ``taken OWNER OID``, ``cancelled OWNER OID``: a command was answered;
- ``told IDENTITY SEQ STATE``: a status of a stream;
- ``ready``: the link is up, so recovery is over;
- ``point NAME``: something happened for the first time in this life that it can be killed before or after.

It kills itself before or after the n-th time of something that is named; everything else is up to others.
"""

from __future__ import annotations

import os
import random
import signal
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple, Self

import trio

from fsm_ems.brokers.paper.backend import XBTUSD, PaperBroker
from fsm_ems.brokers.paper.backend_dialogue import PaperDialogue
from fsm_ems.brokers.paper.synthetic import synthetic
from fsm_ems.client import Client
from fsm_ems.clock import TrioClock
from fsm_ems.dialogs.settings import SECOND_NS, Settings
from fsm_ems.errors import Refused
from fsm_ems.machines.order import ENDS
from fsm_ems.messages import Order, Request, VenueReport
from fsm_ems.opening import open_ems
from fsm_ems.quotes import Row
from fsm_ems.service import EMS
from fsm_ems.testing.crash_stage import checkpoint_every
from fsm_ems.testing.crash_tape import IGNORED
from fsm_ems.testing.crash_watch import Call, Watch, watching

EMS_FOLDER, VENUE_FOLDER = "ems", "venue"
OWNERS = ("main", "other")
PRICE = 50_000
ROW_EVERY_S = 0.005
ROUNDS_MAX = 600
"""How often all that lives is cancelled, with a pause after each: what has not ended by then never will."""
CHECKPOINT_PAGES = 40
"""So that a short life comes to some."""
SETTINGS = Settings(
    request_deadline_ns=SECOND_NS // 5,
    margin_ns=0,
    ask_every_ns=SECOND_NS,
    redrive_max_ns=SECOND_NS,
    snapshot_every=120,
    archive_every=1,
)
_KINDS = ("near", "far", "dark", "alert", "near")
_ENDS = frozenset(ENDS)

Say = Callable[[str], None]
What = Callable[[EMS, dict[str, Client]], Awaitable[None]]


class Kill(NamedTuple):
    """Die *when* ("before" or "after") the *nth* time of the point that is *named*."""

    when: str
    named: str
    nth: int


def an_order(oid: str) -> Order:
    """The order of that name, always the same: of the kind and the price that its name tells."""
    *_, count, kind = oid.split("-")
    number = int(count)
    if kind == "alert":
        return Order(
            oid=oid, side="alert", market=XBTUSD.fqme, price=Decimal(PRICE - 5), direction="at_or_below"
        )
    is_buy = number % 2 == 0
    away = Decimal(number % 7 - 5 if kind == "near" else -400)
    price = PRICE + away if is_buy else PRICE - away
    size = Decimal(number % 40 + 1) / 10
    if kind == "dark":
        return Order(
            oid=oid, side="buy", market=XBTUSD.fqme, size=size, price=Decimal(PRICE - 3), mode="dark",
            direction="at_or_below",
        )  # fmt: skip
    return Order(oid=oid, side="buy" if is_buy else "sell", market=XBTUSD.fqme, size=size, price=price)


class Points:
    """Kills this process at its point; it listens to the files, and to whoever names points of its own."""

    def __init__(self, kill: Kill | None, say: Say) -> None:
        self._kill = kill
        self._say = say
        self._seen: Counter[str] = Counter()

    def before(self, call: Call) -> None:
        """See :class:`~fsm_ems.testing.crash_watch.Listener`."""
        if not call.path.endswith(IGNORED):
            self.reach(call.kind)

    def after(self, call: Call) -> None:
        """See :class:`~fsm_ems.testing.crash_watch.Listener`."""
        if not call.path.endswith(IGNORED):
            self.passed(call.kind)

    def reach(self, name: str) -> None:
        """The point is about to come."""
        self._seen[name] += 1
        if self._seen[name] == 1:
            self._say(f"point {name}")
        self._die("before", name)

    def passed(self, name: str) -> None:
        """It has come."""
        self._die("after", name)

    def _die(self, when: str, name: str) -> None:
        if self._kill == (when, name, self._seen[name]):
            os.kill(os.getpid(), signal.SIGKILL)


class Feed:
    """Rows as fast as the program takes them, with a pause after each: a slow machine sees fewer."""

    def __init__(self, rows: Iterator[Row]) -> None:
        self._rows = rows

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Row:
        await trio.sleep(ROW_EVERY_S)
        return next(self._rows)


class Venue(PaperBroker):
    """The shipped venue; its door says what comes in."""

    say: Say
    points: Points

    @asynccontextmanager
    async def open_trades_dialogue(self) -> AsyncGenerator[Door]:  # type: ignore[override]  # as good to the EMS
        """The shipped dialogue, behind the door."""
        async with super().open_trades_dialogue() as dialogue:
            yield Door(self, dialogue)


class Door:
    """What passes the venue's door is said first."""

    def __init__(self, venue: Venue, dialogue: PaperDialogue) -> None:
        self._venue, self._dialogue = venue, dialogue

    async def send(self, request: Request) -> None:
        """A request comes in."""
        point = f"send of {request.name}"
        self._venue.points.reach(point)
        self._venue.say(f"sent {request.name} {request.reqid}")
        await self._dialogue.send(request)
        self._venue.points.passed(point)

    async def receive(self) -> VenueReport:
        """A report goes out."""
        report = await self._dialogue.receive()
        self._venue.points.reach(f"report of {report.name}")
        return report


class Life:
    """Trades in *folder*; *name* is another for each life, and begins the oids."""

    def __init__(self, folder: Path, name: str, kill: Kill | None) -> None:
        self._folder = folder
        self._name = name
        self._dice = random.Random(name)
        self._points = Points(kill, self._tell)
        self._say: Say = print

    def say_to(self, say: Say) -> None:
        """Say it there."""
        self._say = say

    def _tell(self, line: str) -> None:
        self._say(line)

    def trade(self) -> None:
        """Trade until killed."""
        self._run(self._trade)

    def heal(self) -> None:
        """Trade no more: end every order, and the program in order."""
        self._run(self._heal)

    def _run(self, what: What) -> None:
        watch = Watch(self._folder, self._points, real_syncs=True)
        with watching(watch), checkpoint_every(CHECKPOINT_PAGES):
            trio.run(self._live, what)

    async def _live(self, what: What) -> None:
        clock = TrioClock()
        feed = Feed(synthetic(XBTUSD, self._dice.randrange(1 << 30), price=Decimal(PRICE)))
        markets, folder = {XBTUSD.fqme: XBTUSD}, self._folder / VENUE_FOLDER
        with Venue(markets, feed, clock=clock, path=folder) as venue:
            venue.say, venue.points = self._say, self._points
            async with open_ems(venue, path=self._folder / EMS_FOLDER, settings=SETTINGS, clock=clock) as ems:
                clients: dict[str, Client] = {"main": ems, "other": ems.client("other")}
                eye = ems.client("eye", "observer", ("*",))
                async with trio.open_nursery() as nursery:
                    for client in (*clients.values(), eye):
                        nursery.start_soon(self._listen, client)
                    await ems.ready()
                    self._say("ready")
                    await what(ems, clients)
                    nursery.cancel_scope.cancel()

    async def _listen(self, client: Client) -> None:
        with client.events() as events:
            while (status := await events.get()) is not None:
                self._points.reach("a status told")
                self._say(f"told {client.identity} {status.seq} {status.state}")

    async def _trade(self, ems: EMS, clients: dict[str, Client]) -> None:
        for owner, orders in [*ems.dispatcher.book.dialogs.items()]:
            if owner in clients:
                for oid in [*orders]:
                    await clients[owner].submit(an_order(oid))
                    self._say(f"taken {owner} {oid}")
        async with trio.open_nursery() as nursery:
            for client in clients.values():
                for worker in range(2):
                    nursery.start_soon(self._place, client, f"{self._name}-{worker}")

    async def _place(self, client: Client, name: str) -> None:
        number = 0
        while True:
            number += 1
            oid = f"{name}-{number}-{_KINDS[number % len(_KINDS)]}"
            handle = await client.submit(an_order(oid))
            self._say(f"taken {client.identity} {oid}")
            with suppress(Refused):  # it ended meanwhile, or cannot be edited now
                if number % 3 == 0:
                    await handle.edit(size=Decimal(5))
                    await handle.edit(size=Decimal(6))
                if number % 4 == 0:
                    await handle.cancel()
                    self._say(f"cancelled {client.identity} {oid}")
            await trio.sleep(0.001)

    async def _heal(self, ems: EMS, clients: dict[str, Client]) -> None:
        book = ems.dispatcher.book
        for _ in range(ROUNDS_MAX):
            alive = [
                (owner, oid)
                for owner, orders in book.dialogs.items()
                for oid, dialog in orders.items()
                if dialog.state not in _ENDS and owner in clients
            ]
            if not alive:
                return
            for owner, oid in alive:
                with suppress(Refused):
                    await clients[owner].cancel(oid)
                    self._say(f"cancelled {owner} {oid}")
            await trio.sleep(0.1)
