"""The orders of the demo: what each shows, how it must end, and what its owner does meanwhile.

Prices are taken from the market as it stands, with room for what it may do before a request arrives, so
that each story ends as told whatever the seed and however slow the machine.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

import trio

from fsm_ems.brokers.paper.backend import XBTUSD, PaperBroker
from fsm_ems.brokers.paper.backend_dialogue import PaperDialogue
from fsm_ems.brokers.paper.backend_rows import RowStream
from fsm_ems.client import Client, OrderHandle
from fsm_ems.dialogs.facts import EXACT
from fsm_ems.dialogs.settings import SECOND_NS, Capabilities, Settings
from fsm_ems.market import Market
from fsm_ems.messages import Order, Status
from fsm_ems.quotes import Quote
from fsm_ems.service import EMS

LATENCY_NS = SECOND_NS // 4
SETTINGS = Settings(request_deadline_ns=SECOND_NS * 3 // 2, margin_ns=SECOND_NS // 2, ask_every_ns=SECOND_NS)
PATIENCE_S = 25.0
"""After so long an order that has not ended is not going to end as told."""
FAR = 200
"""Ticks: the market does not come here in the time of a demo."""
NEAR = 40
"""Ticks: the market does not move so far while a request is on its way."""


class ShakyBroker:
    """The paper broker behind a connection that can be cut."""

    def __init__(self, broker: PaperBroker) -> None:
        self._broker = broker
        self._dialogue: PaperDialogue | None = None

    @property
    def name(self) -> str:
        """See :class:`~fsm_ems.brokers.base.Broker`."""
        return self._broker.name

    @property
    def capabilities(self) -> Capabilities:
        """See :class:`~fsm_ems.brokers.base.Broker`."""
        return self._broker.capabilities

    @property
    def markets(self) -> Mapping[str, Market]:
        """See :class:`~fsm_ems.brokers.base.Broker`."""
        return self._broker.markets

    def open_market(self) -> AbstractAsyncContextManager[RowStream]:
        """See :class:`~fsm_ems.brokers.base.Broker`."""
        return self._broker.open_market()

    @asynccontextmanager
    async def open_trades_dialogue(self) -> AsyncGenerator[PaperDialogue]:
        """See :class:`~fsm_ems.brokers.base.Broker`."""
        async with self._broker.open_trades_dialogue() as dialogue:
            self._dialogue = dialogue
            yield dialogue

    def cut(self) -> None:
        """Pull the cable out. What was sent may have arrived or not."""
        assert self._dialogue is not None, "it was never open"
        self._dialogue.break_off("the cable was pulled out")


@dataclass(slots=True)
class Stage:
    """What a story may use."""

    ems: EMS
    broker: ShakyBroker
    traders: dict[str, Client]
    quote: Quote

    def price(self, side: str, ticks: int) -> Decimal:
        """So many ticks above the best price shown on *side*, below it where negative."""
        best = self.quote.bid if side == "bid" else self.quote.ask
        return EXACT.add(best, EXACT.multiply(XBTUSD.price_tick, Decimal(ticks)))


class Story(NamedTuple):
    """One order. *after_s* is when it begins; *ends* and *filled* say how it must end."""

    oid: str
    owner: str
    shows: str
    after_s: float
    ends: str
    filled: str
    play: Callable[[Stage, Client, str], Awaitable[OrderHandle]]

    def as_told(self, last: Status) -> bool:
        """Whether *last* is the end that was told."""
        filled = "nothing" if not last.filled else "part" if last.filled < (last.size or 0) else "all"
        return (last.state, filled) == (self.ends, self.filled)


async def _main_line(stage: Stage, trader: Client, oid: str) -> OrderHandle:
    handle = await trader.submit(
        Order(oid=oid, market=XBTUSD.fqme, side="buy", size=Decimal("0.02"), price=stage.price("bid", 0))
    )
    with trio.move_on_after(3):
        await handle.wait()
        return handle
    await handle.edit(price=stage.price("ask", NEAR))  # the market ran away: go after it
    return handle


async def _post_only(stage: Stage, trader: Client, oid: str) -> OrderHandle:
    return await trader.submit(
        Order(
            oid=oid,
            market=XBTUSD.fqme,
            side="sell",
            size=Decimal("0.05"),
            price=stage.price("bid", -NEAR),
            post_only=True,
        )
    )


async def _stashed_cancel(stage: Stage, trader: Client, oid: str) -> OrderHandle:
    handle = await trader.submit(
        Order(oid=oid, market=XBTUSD.fqme, side="buy", size=Decimal("0.1"), price=stage.price("bid", -FAR))
    )
    await trio.sleep(0.1)
    await handle.cancel()
    return handle


async def _partial_ioc(stage: Stage, trader: Client, oid: str) -> OrderHandle:
    return await trader.submit(
        Order(
            oid=oid,
            market=XBTUSD.fqme,
            side="buy",
            size=Decimal(1),
            price=stage.price("ask", NEAR),
            tif="ioc",
        )
    )


async def _good_till(stage: Stage, trader: Client, oid: str) -> OrderHandle:
    return await trader.submit(
        Order(
            oid=oid,
            market=XBTUSD.fqme,
            side="buy",
            size=Decimal("0.2"),
            price=stage.price("bid", -FAR),
            tif="gtd",
            expire_ns=stage.ems.clock() + 3 * SECOND_NS,
        )
    )


async def _edited(stage: Stage, trader: Client, oid: str) -> OrderHandle:
    handle = await trader.submit(
        Order(oid=oid, market=XBTUSD.fqme, side="sell", size=Decimal("0.2"), price=stage.price("ask", FAR))
    )
    await trio.sleep(1.2)
    await handle.edit(size=Decimal("0.25"), price=stage.price("bid", -NEAR))
    return handle


async def _lost_and_found(stage: Stage, trader: Client, oid: str) -> OrderHandle:
    handle = await trader.submit(
        Order(oid=oid, market=XBTUSD.fqme, side="sell", size=Decimal("0.1"), price=stage.price("ask", FAR))
    )
    await trio.sleep(0.1)
    stage.broker.cut()
    async for status in handle:  # pragma: no branch - it rests far away: it is found before it can end
        if status.event.startswith("found"):
            break
    await trio.sleep(0.8)
    await handle.cancel()
    return handle


STORIES = (
    Story("main-line", "alice", "rests at the bid until somebody sells", 0, "filled", "all", _main_line),
    Story("post-only", "bob", "would take at once, and must not", 0.8, "rejected", "nothing", _post_only),
    Story(
        "stashed-cancel",
        "alice",
        "is cancelled before the venue acknowledged it",
        1.6,
        "cancelled",
        "nothing",
        _stashed_cancel,
    ),
    Story(
        "partial-ioc",
        "bob",
        "takes what is shown, the rest is cancelled",
        2.4,
        "cancelled",
        "part",
        _partial_ioc,
    ),
    Story("good-till", "alice", "runs out of time", 3.2, "expired", "nothing", _good_till),
    Story("edited", "bob", "rests too far away until its price is edited", 4.0, "filled", "all", _edited),
    Story(
        "lost-and-found",
        "alice",
        "is in doubt when the link is cut, found again, then cancelled",
        7.0,
        "cancelled",
        "nothing",
        _lost_and_found,
    ),
)
