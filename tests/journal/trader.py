"""A program that trades on a journal until it is killed, and says what it was promised, each as a line.

``sent KIND REQID`` is told by its venue, ``taken OWNER OID`` and ``cancelled OWNER OID`` by its traders, and
``told IDENTITY STREAM_SEQ STATE`` by whoever listens. A line is with the parent before anything follows it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path

import trio

from fsm_ems import Client, Order, Quote, Refused, Settings, open_ems
from fsm_ems.clock import TrioClock
from fsm_ems.dialogs.settings import SECOND_NS
from fsm_ems.messages import BrokerdCancel, BrokerdFill, BrokerdOrder, BrokerdOrderAck, BrokerdStatus, Request
from fsm_ems.service import EMS
from tests.scripted_broker import ScriptedBroker, ScriptedDialogue

MARKET = "xbtusd.paper"
SETTINGS = Settings(request_deadline_ns=SECOND_NS, margin_ns=0, ask_every_ns=SECOND_NS // 2)
OWNERS = ("main", "other")


def say(*words: object) -> None:
    """A line to the parent, at once."""
    os.write(1, f"{' '.join(map(str, words))}\n".encode())


def an_order(oid: str) -> Order:
    """The order of that name, always the same: its last letter says of which kind."""
    if oid.endswith("alert"):
        return Order(oid=oid, side="alert", market=MARKET, price=Decimal(90), direction="at_or_below")
    dark = {"mode": "dark", "direction": "at_or_below"} if oid.endswith("dark") else {}
    return Order(oid=oid, side="buy", market=MARKET, size=Decimal(2), price=Decimal(95), **dark)  # type: ignore[arg-type]  # each is of its field


class Venue(ScriptedBroker):
    """Every second order is acknowledged and rests, some trade; the others are never answered."""

    def __init__(self) -> None:
        super().__init__()
        self.orders = 0

    @asynccontextmanager
    async def open_trades_dialogue(self) -> AsyncGenerator[VenueDialogue]:  # type: ignore[override]  # as good to the EMS
        """A dialogue that answers by itself."""
        async with super().open_trades_dialogue() as dialogue:
            yield VenueDialogue(self, dialogue)


class VenueDialogue:
    """It says what it was sent before it does anything."""

    def __init__(self, venue: Venue, dialogue: ScriptedDialogue) -> None:
        self._venue, self._dialogue = venue, dialogue
        self.receive = dialogue.receive

    async def send(self, request: Request) -> None:
        """Take *request*, and answer it or not."""
        say("sent", request.name, request.reqid)
        await trio.lowlevel.checkpoint()
        if isinstance(request, BrokerdCancel) and request.venue_id is not None:
            self._venue.report(BrokerdStatus(venue_id=request.venue_id, status="cancelled"))
        if not isinstance(request, BrokerdOrder):
            return
        self._venue.orders += 1
        if self._venue.orders % 2:
            return
        venue_id = f"V{request.reqid}"
        self._venue.report(BrokerdOrderAck(reqid=request.reqid, venue_id=venue_id))
        self._venue.report(BrokerdStatus(reqid=request.reqid, status="open"))
        if self._venue.orders % 4 == 0:
            fill = BrokerdFill(venue_id=venue_id, exec_id=f"x{venue_id}", size=Decimal(1), price=Decimal(94))
            self._venue.report(fill)


async def listen(client: Client) -> None:
    """Say every status of a stream."""
    with client.events() as events:
        while (status := await events.get()) is not None:
            say("told", client.identity, status.seq, status.state)


async def trade(client: Client, name: str) -> None:
    """Submit one order after the other; edit some twice, cancel some."""
    number = 0
    while True:
        number += 1
        kind = ("live", "dark", "live", "live", "alert")[number % 5]
        oid = f"{name}-{number}-{kind}"
        handle = await client.submit(an_order(oid))
        say("taken", client.identity, oid)
        try:
            if kind == "live" and number % 3 == 0:
                await handle.edit(size=Decimal(3))
                await handle.edit(size=Decimal(4))
            if number % 4 == 0:
                await handle.cancel()
                say("cancelled", client.identity, oid)
        except Refused:
            await trio.lowlevel.checkpoint()  # it ended meanwhile, or cannot be edited now


async def show(ems: EMS) -> None:
    """A market that falls to 90 now and then."""
    while True:
        for price in (100, 96, 90):
            bid = Decimal(price)
            ems.quote(MARKET, Quote(ems.clock(), bid, Decimal(1), bid + 1, Decimal(1)))
            await trio.sleep(0.02)


async def main(folder: Path, name: str) -> None:
    """Run on *folder*; whatever earlier runs left is submitted again first."""
    async with open_ems(Venue(), path=folder, settings=SETTINGS, clock=TrioClock()) as ems:
        clients = {"main": ems, "other": ems.client("other")}
        eye = ems.client("eye", "observer", ("*",))
        await ems.ready()
        async with trio.open_nursery() as nursery:
            for client in (*clients.values(), eye):
                nursery.start_soon(listen, client)
            for owner, orders in [*ems.dispatcher.book.dialogs.items()]:
                for oid in [*orders]:
                    await clients[owner].submit(an_order(oid))
            say("retried")
            for owner, client in clients.items():
                for worker in range(4):
                    nursery.start_soon(trade, client, f"{name}-{owner}-{worker}")
            nursery.start_soon(show, ems)


if __name__ == "__main__":
    trio.run(main, Path(sys.argv[1]), sys.argv[2])
