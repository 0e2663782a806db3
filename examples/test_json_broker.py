"""Does the broker of ``json_broker.py`` keep what the EMS relies on? The conformance kit tries to break it.

``JexEnd`` is the venue's end of the wire: it reads the adapter's texts and writes the venue's, from the
venue's documentation and not from the adapter. Run ``pytest examples/test_json_broker.py``. Then let ``told``
drop a field, or ``receive`` swallow a text, and see the script that shows it.
"""

import json
import math
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from typing import Any

import trio

from examples.json_broker import JexBroker
from fsm_ems.clock import Clock
from fsm_ems.messages import (
    AnyReport,
    BrokerdError,
    BrokerdFill,
    BrokerdHistory,
    BrokerdOrderAck,
    BrokerdRefused,
    BrokerdReplaced,
    BrokerdStatus,
    Message,
    Request,
    parse_request,
)
from fsm_ems.quotes import MarketRow, Quote
from fsm_ems.testing.conformance import Conformance, VenueEnd

REQUESTS = {
    "place": "order",
    "cancel": "cancel",
    "amend": "edit",
    "look": "query",
    "history": "history_query",
}
REPORTS = {
    BrokerdOrderAck: "placed", BrokerdStatus: "state", BrokerdFill: "trade", BrokerdReplaced: "amended",
    BrokerdRefused: "refused", BrokerdError: "unclear", BrokerdHistory: "history",
}  # fmt: skip  # a bust, a correction and a restatement are none of the venue's
WORDS = {
    "reqid": "id", "venue_id": "order", "exec_id": "trade", "query": "look", "target": "of", "size": "qty",
    "price": "px", "cum": "done", "fee": "fee", "fee_asset": "in", "liquidity": "role", "request": "what",
    "code": "code", "side": "side", "type": "type",
}  # fmt: skip
STATES = {"open": "resting", "pending_new": "new", "pending_cancel": "leaving", "suspended": "halted"}
NONSENSE = (
    '{"is": "greeting", "at": 1}',  # no such message
    '{"is": "placed", "at": 1}',  # whose?
    '{"is": "trade", "id": 1, "at": 1, "trade": "E", "qty": "NaN", "px": "1", "fee": "0", "in": "usd"}',
    '{"is": "state", "id": 1',  # torn
)

NO_ROWS = (
    '{"is": "notice", "market": "xbtusd"}',  # no such row
    '{"is": "quote", "market": "xbtusd", "at": 1, "numbers": ["1"]}',  # of what?
    '{"is": "print", "market": "xbtusd", "at": 1, "numbers": ["NaN", "1"], "side": "buy", "trade": "T"}',
    "<html>",
)


class Ends:
    """Both ends of one wire."""

    def __init__(self) -> None:
        self.to_venue, self.at_venue = trio.open_memory_channel[str](math.inf)
        self.to_adapter, self.at_adapter = trio.open_memory_channel[str](math.inf)
        self.send, self.receive = self.to_venue.send, self.at_adapter.receive

    def close(self) -> None:
        """As if the venue closed it."""
        self.at_venue.close()
        self.to_adapter.close()


class JexEnd(VenueEnd):
    """The made-up venue, as far as the wire shows it."""

    def __init__(self) -> None:
        super().__init__()
        self._wires: dict[str, Ends] = {}
        self._refused: list[str] = []
        self._greetings: list[str] = []

    def new_broker(self) -> JexBroker:
        """An adapter whose wires end here."""
        return JexBroker(self._connect)

    @asynccontextmanager
    async def _connect(self, channel: str) -> AsyncGenerator[Ends]:
        await trio.lowlevel.checkpoint()
        if channel in self._refused:
            self._refused.remove(channel)
            raise ConnectionRefusedError("not now")
        self._wires[channel] = ends = Ends()
        while channel == "market" and self._greetings:
            ends.to_adapter.send_nowait(self._greetings.pop())
        try:
            yield ends
        finally:
            ends.close()
            if channel == "market" and self._wires.get(channel) is ends:
                del self._wires[channel]  # nobody listens

    def refuse_next(self) -> bool:
        """The next call is refused."""
        self._refused.append("orders")
        return True

    def refuse_market(self) -> bool:
        """So is the next call for the market."""
        self._refused.append("market")
        return True

    def drop_market(self) -> bool:
        """The wire of the market ends."""
        if "market" in self._wires:
            self._wires.pop("market").close()
        return True

    def hang_up(self) -> None:
        """Both wires end."""
        while self._wires:
            self._wires.popitem()[1].close()

    def listen(self) -> None:
        """What came, as requests."""
        with suppress(KeyError, trio.WouldBlock, trio.EndOfChannel, trio.ClosedResourceError):
            while True:
                self.heard.append(heard(json.loads(self._wires["orders"].at_venue.receive_nowait())))

    def tell(self, report: AnyReport) -> None:
        """What the venue has a word for; it names no account."""
        if type(report) in REPORTS:
            self._wires["orders"].to_adapter.send_nowait(json.dumps(words(report)))
            self.said.append(report)

    def garble(self, variant: int) -> bool:
        """Four texts that are none of the venue's."""
        self._wires["orders"].to_adapter.send_nowait(NONSENSE[variant])
        return True

    def garble_market(self, variant: int, *, at_first: bool) -> bool:
        """Four more, now or as the first text of the next wire."""
        if at_first:
            self._greetings.append(NO_ROWS[variant])
        elif "market" in self._wires:
            self._wires["market"].to_adapter.send_nowait(NO_ROWS[variant])
        return at_first or "market" in self._wires

    def show(self, row: MarketRow) -> None:
        """On the wire of the market, where there is one."""
        if "market" not in self._wires:
            return
        market, shown = row
        said: dict[str, object] = {"market": market.removesuffix(".jex"), "at": shown.time_ns}
        if isinstance(shown, Quote):
            numbers = (shown.bid, shown.bid_size, shown.ask, shown.ask_size)
            said |= {"is": "quote", "numbers": [str(number) for number in numbers]}
        else:
            said |= {"is": "print", "numbers": [str(shown.price), str(shown.size)]}
            said |= {"side": shown.side, "trade": shown.trade_id}
        self._wires["market"].to_adapter.send_nowait(json.dumps(said))
        self.shown.append(row)


def heard(said: dict[str, Any]) -> Request:
    """A text of the adapter, in the EMS's words."""
    fields: dict[str, Any] = {"name": f"brokerd_{REQUESTS[said['do']]}", "reqid": said["id"]}
    fields |= {"deadline_ns": said["by"], "time_ns": said["at"]}
    if said["do"] == "history":
        return parse_request(fields | {"since_ns": said["from"]})
    fields["account"] = "main"
    if said["do"] == "place":
        fields |= {"market": f"{said['market']}.jex", "side": said["side"], "expire_ns": said.get("until")}
        fields |= {"type": said.get("type", "limit"), "tif": said.get("tif", "gtc")}
        fields |= {"post_only": said.get("post", False)}
    else:
        fields["target"] = said["of"]
    if said["do"] in ("place", "amend"):
        fields |= {"size": said["qty"], "price": said.get("px")}
    return parse_request(fields)


def words_of(message: Message) -> dict[str, Any]:
    """What both sides have words for."""
    return {WORDS[field]: value for field, value in message.as_fields().items() if field in WORDS}


def words(report: AnyReport) -> dict[str, Any]:
    """A report in the venue's words."""
    said = {"is": REPORTS[type(report)], "at": report.time_ns, **words_of(report)}
    if isinstance(report, BrokerdStatus):
        said["state"] = STATES.get(report.status, report.status)
        if report.details is not None:
            market = report.details.market.removesuffix(".jex")
            said["terms"] = words_of(report.details) | {"market": market}
    if isinstance(report, BrokerdHistory):
        said["orders"] = [words(order) for order in report.orders]
        said["trades"] = [words(fill) for fill in report.fills]
    return said


class TestJexBroker(Conformance):
    """Pytest finds it by its name."""

    def venue(self, clock: Clock) -> JexEnd:
        """The clock is of no use to an adapter that keeps no time."""
        return JexEnd()
