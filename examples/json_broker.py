"""A complete broker, ``examples/json_broker.py``: the adapter of Jex, a made-up venue that speaks JSON.

It keeps no state and guesses nothing; ``examples/test_json_broker.py`` proves that with the conformance kit.
"""

import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Protocol

import trio

from fsm_ems.dialogs.settings import Capabilities
from fsm_ems.errors import BrokerFault, InvalidReport
from fsm_ems.market import Market
from fsm_ems.messages import AnyReport, Request, parse_report
from fsm_ems.quotes import MarketRow, Quote, Trade, check_row

MARKETS = {
    fqme: Market(fqme, base, "usd", price_tick=Decimal("0.01"), size_tick=Decimal("0.00000001"))
    for fqme, base in (("xbtusd.jex", "xbt"), ("ethusd.jex", "eth"))
}
FIELDS = {  # the venue's word, and ours
    "id": "reqid", "order": "venue_id", "of": "target", "look": "query", "trade": "exec_id", "fee": "fee",
    "by": "deadline_ns", "from": "since_ns", "until": "expire_ns", "qty": "size", "px": "price",
    "at": "time_ns", "done": "cum", "in": "fee_asset", "role": "liquidity", "state": "status", "why": "text",
    "code": "code", "what": "request", "market": "market", "side": "side", "type": "type", "tif": "tif",
    "post": "post_only", "terms": "details", "orders": "orders", "trades": "fills", "last": "last",
}  # fmt: skip
WORDS = {ours: theirs for theirs, ours in FIELDS.items()}
ASKS = {"order": "place", "cancel": "cancel", "edit": "amend", "query": "look", "history_query": "history"}
TELLS = {"placed": "ack", "state": "status", "trade": "fill", "amended": "replaced", "unclear": "error"}
TELLS |= {"refused": "refused", "history": "history"}
STATES = {"resting": "open", "new": "pending_new", "leaving": "pending_cancel", "halted": "suspended"}


class Wire(Protocol):
    """One connection, such as a websocket: texts, whole and in order. It breaks as trio's channels do."""

    async def send(self, text: str, /) -> None: ...
    async def receive(self) -> str: ...


Connect = Callable[[str], AbstractAsyncContextManager[Wire]]
"""Opens a wire to the venue's ``orders`` or to its ``market``."""


@contextmanager
def line_faults() -> Generator[None]:
    """A line that is refused or broken is the broker's fault, whatever the library calls it."""
    try:
        yield
    except (OSError, trio.BrokenResourceError, trio.ClosedResourceError, trio.EndOfChannel) as error:
        raise BrokerFault(f"the line to jex is gone: {error!r}") from error


@contextmanager
def nonsense(text: str) -> Generator[None]:
    """What cannot be read is refused whole: half an understanding of money is none."""
    try:
        yield
    except (KeyError, TypeError, AttributeError, ValueError, ArithmeticError) as error:
        raise InvalidReport((f"{error!r} in {text[:200]!r}",)) from error


def asked(request: Request) -> dict[str, object]:
    """What is said to the venue; numbers go as text, so that no float ever holds them."""
    said = {WORDS[ours]: value for ours, value in request.as_fields().items() if ours in WORDS}
    if "market" in said:
        said["market"] = said["market"].removesuffix(".jex")
    return {"do": ASKS[request.name.removeprefix("brokerd_")], **said}


def told(said: dict[str, Any]) -> dict[str, Any]:
    """The fields of a report; ``KeyError`` where the venue uses a word that nobody knows."""
    fields = {FIELDS[theirs]: value for theirs, value in said.items() if theirs != "is"}
    fields["name"] = f"brokerd_{TELLS[said['is']]}"
    if "status" in fields:
        fields["status"] = STATES.get(fields["status"], fields["status"])
        fields["snapshot"] = "query" in fields  # it answers a question, and is no event of its own
    if "details" in fields:
        terms = {FIELDS[theirs]: value for theirs, value in fields["details"].items()}
        fields["details"] = terms | {"market": f"{terms['market']}.jex"}
    lists = (part for part in ("orders", "fills") if part in fields)
    return fields | {part: [told(one) for one in fields[part]] for part in lists}


@dataclass
class JexDialogue:
    """One open stream. A call that is cancelled leaves the wire as it was: a text goes whole or not."""

    wire: Wire

    async def send(self, request: Request) -> None:
        with line_faults():
            await self.wire.send(json.dumps(asked(request)))

    async def receive(self) -> AnyReport:
        with line_faults():
            text = await self.wire.receive()
        with nonsense(text):
            return parse_report(told(json.loads(text, parse_float=str)))  # 0.10 keeps its digits, as text


@dataclass
class JexRows(AsyncIterator[MarketRow]):
    """The market's rows."""

    wire: Wire

    async def __anext__(self) -> MarketRow:
        with line_faults():
            text = await self.wire.receive()
        with nonsense(text):
            said = json.loads(text, parse_float=str)
            market, numbers = f"{said['market']}.jex", [Decimal(number) for number in said["numbers"]]
            if said["is"] == "quote":  # checked, for NaN is a Decimal, and no price
                return check_row("jex", market, Quote(said["at"], *numbers))
            price, size = numbers
            return check_row("jex", market, Trade(said["at"], price, size, said["side"], said["trade"]))


@dataclass
class JexBroker:
    """The adapter. Ids are whole numbers there, and the venue refuses what comes after its deadline."""

    connect: Connect
    name = "jex"
    capabilities = Capabilities(reqid_form="int", deadline=True, history=True)
    markets = MARKETS

    @asynccontextmanager
    async def open_trades_dialogue(self) -> AsyncGenerator[JexDialogue]:
        async with self._open("orders") as wire:
            yield JexDialogue(wire)

    @asynccontextmanager
    async def open_market(self) -> AsyncGenerator[JexRows]:
        async with self._open("market") as wire:
            yield JexRows(wire)

    @asynccontextmanager
    async def _open(self, channel: str) -> AsyncGenerator[Wire]:
        async with AsyncExitStack() as stack:
            with line_faults():
                wire = await stack.enter_async_context(self.connect(channel))
            yield wire
