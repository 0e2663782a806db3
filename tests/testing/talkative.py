"""Adapters of the JSON venue that change what is told, and a venue end that tells of more, and in pages."""

from __future__ import annotations

import json
import math
from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, TypeVar

from examples.json_broker import JexBroker, JexDialogue, Wire, line_faults, nonsense, told
from examples.test_json_broker import JexEnd, words
from fsm_ems.messages import (
    AnyReport,
    BrokerdBust,
    BrokerdCorrection,
    BrokerdHistory,
    BrokerdRestated,
    Request,
    parse_report,
)

_Kind = TypeVar("_Kind", bound=AnyReport)


class Telling(JexDialogue):
    """It makes something else of each report; of None, nothing. It knows what it *sent*."""

    def __init__(self, wire: Wire, change: Callable[[Telling, AnyReport], AnyReport | None]) -> None:
        super().__init__(wire)
        self.change = change
        self.sent: list[Request] = []
        self.known: dict[object, Any] = {}

    async def send(self, request: Request) -> None:
        self.sent.append(request)
        await super().send(request)

    async def receive(self) -> AnyReport:
        while True:
            changed = self.change(self, await self._read())
            if changed is not None:
                return changed

    async def _read(self) -> AnyReport:
        """What the venue says, in the words of :class:`TalkativeEnd` too."""
        with line_faults():
            text = await self.wire.receive()
        with nonsense(text):
            said = json.loads(text, parse_float=str)
            return parse_report(said if "name" in said else told(said))


def changing(
    kind: type[_Kind], change: Callable[[Telling, _Kind], AnyReport | None]
) -> Callable[[Wire], Telling]:
    """Streams that change each report of *kind*."""
    return lambda wire: Telling(
        wire, lambda line, report: change(line, report) if isinstance(report, kind) else report
    )


_MORE = (BrokerdBust, BrokerdCorrection, BrokerdRestated)


class TalkativeEnd(JexEnd):
    """It tells of busts, corrections and restatements as well, and cuts a history into pages of two."""

    def __init__(self, dialogue: Callable[[Wire], JexDialogue]) -> None:
        super().__init__()
        self._dialogue = dialogue

    def new_broker(self) -> JexBroker:
        dialogue = self._dialogue

        class Talked(JexBroker):
            @asynccontextmanager
            async def open_trades_dialogue(self) -> AsyncGenerator[JexDialogue]:
                async with self._open("orders") as wire:
                    yield dialogue(wire)

        return Talked(self._connect)

    def tell(self, report: AnyReport) -> None:
        pages = _pages(report) if isinstance(report, BrokerdHistory) else [report]
        for page in pages:
            said = page.as_fields() if isinstance(page, _MORE) else words(page)
            last = {"last": page.last} if isinstance(page, BrokerdHistory) else {}
            self._wires["orders"].to_adapter.send_nowait(json.dumps(said | last))
            self.said.append(page)


def _pages(whole: BrokerdHistory) -> Iterable[BrokerdHistory]:
    count = max(1, math.ceil(max(len(whole.orders), len(whole.fills)) / 2))
    for page in range(count):
        part = slice(2 * page, 2 * page + 2)
        is_last = page == count - 1
        yield replace(whole, orders=whole.orders[part], fills=whole.fills[part], last=is_last)
