"""The paper broker's venue end: there is no wire, so it listens where the adapter meets the engine."""

from __future__ import annotations

import math
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import trio

from fsm_ems.brokers.paper.backend import XBTUSD, PaperBroker
from fsm_ems.brokers.paper.backend_dialogue import PaperDialogue
from fsm_ems.brokers.paper.engine import PaperEngine
from fsm_ems.clock import Clock
from fsm_ems.messages import AnyReport, BrokerdFill, Request, VenueReport
from fsm_ems.quotes import MarketRow, Row, Trade
from fsm_ems.testing.conformance import VenueEnd


class HeardEngine(PaperEngine):
    """The engine, writing down what reaches it and what it says."""

    heard: list[Request]
    said: list[AnyReport]

    def send(self, request: Request) -> None:
        self.heard.append(request)
        super().send(request)

    def advance(self, until_ns: int, *, inclusive: bool = True) -> list[VenueReport]:
        reports = super().advance(until_ns, inclusive=inclusive)
        self.said += reports
        return reports

    def row(self, row: Row, market: str | None = None) -> list[VenueReport]:
        before = len(self.said)
        reports = super().row(row, market)
        self.said[before:] = reports
        return reports


class HeardBroker(PaperBroker):
    """The broker, whose stream can be broken from outside."""

    dialogue: PaperDialogue | None = None

    @asynccontextmanager
    async def open_trades_dialogue(self) -> AsyncGenerator[PaperDialogue]:
        async with super().open_trades_dialogue() as self.dialogue:
            yield self.dialogue


class PaperEnd(VenueEnd):
    """A venue that decides for itself, and is a part of its broker: a restart finds the same one."""

    answers_alone = True

    def __init__(self, clock: Clock, latency_ns: int = 0) -> None:
        super().__init__()
        self._rows, rows = trio.open_memory_channel[Row](math.inf)
        self._clock = clock
        self._broker = HeardBroker({XBTUSD.fqme: XBTUSD}, rows, latency_ns=latency_ns, clock=clock, prefix="")
        engine = HeardEngine({XBTUSD.fqme: XBTUSD}, latency_ns=latency_ns)
        engine.heard, engine.said = self.heard, self.said
        self._broker.engine = engine

    def new_broker(self) -> HeardBroker:
        return self._broker

    def tell(self, report: AnyReport) -> None:
        """A trade comes about by a print at the order's limit."""
        assert isinstance(report, BrokerdFill), "nothing else is wished for"
        row = Trade(self._clock(), report.price, report.size, "", report.exec_id)
        self.show(MarketRow(XBTUSD.fqme, row))

    def hang_up(self) -> None:
        assert self._broker.dialogue is not None
        self._broker.dialogue.break_off("the test broke the line")

    def show(self, row: MarketRow) -> None:
        self._rows.send_nowait(row.row)
        self.shown.append(row)
