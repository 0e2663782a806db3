"""Rows on their way to and from the paper venue: their pacing on a clock, and who looks on."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    AsyncIterator,
    Callable,
    Iterable,
    Iterator,
    Mapping,
)
from decimal import Decimal
from types import TracebackType
from typing import Self

import trio
from msgspec.structs import replace

from fsm_ems.brokers.calls import fed
from fsm_ems.errors import BrokerFault, EMSError, InvalidMessage
from fsm_ems.operator_log import operator_log
from fsm_ems.quotes import MarketRow, Row, problem


class PacedRows:
    """The rows of several markets as one sequence in time, on the clock of who plays them.

    With a *speed* the first row is due when :meth:`start` says and the others follow that many times as
    fast as they were recorded, their times rewritten; with None each is due at its own time. A feed that
    breaks ends all, and ``fault`` says why.
    """

    def __init__(self, feeds: Mapping[str, Iterable[Row]], speed: Decimal | int | None) -> None:
        assert speed is None or speed > 0, "time goes forward"
        self._rows = heapq.merge(
            *(self._of_market(market, rows) for market, rows in feeds.items()),
            key=lambda found: found.row.time_ns,
        )
        self._speed = speed
        self._start_ns = 0
        self._first_ns = 0
        self._next: MarketRow | None = None
        self.fault: EMSError | None = None

    @staticmethod
    def _of_market(market: str, rows: Iterable[Row]) -> Iterator[MarketRow]:
        with fed(market):
            for row in rows:
                wrong = problem(market, row)
                if wrong is not None:
                    raise InvalidMessage((f"feed: {wrong}",))
                yield MarketRow(market, row)

    def start(self, now_ns: int) -> None:
        """Look at the first row; it counts as recorded *now_ns* where there is a speed."""
        self._look()
        if self._next is not None:
            self._start_ns, self._first_ns = now_ns, self._next.row.time_ns
            self._next = self._placed(self._next)

    @property
    def next_ns(self) -> int | None:
        """When the next row is due; None when none is left."""
        return None if self._next is None else self._next.row.time_ns

    def pop(self) -> MarketRow:
        """The next row."""
        found = self._next
        assert found is not None, "no row is left"
        self._look()
        if self._next is not None:
            self._next = self._placed(self._next)
        return found

    def _look(self) -> None:
        try:
            self._next = next(self._rows, None)
        except EMSError as error:
            # Told after the rows before it were played, not instead of them.
            self._next, self.fault = None, error

    def _placed(self, found: MarketRow) -> MarketRow:
        if self._speed is None:
            return found
        elapsed = int((found.row.time_ns - self._first_ns) / Decimal(self._speed))
        return MarketRow(found.market, replace(found.row, time_ns=self._start_ns + elapsed))


class LiveRows:
    """A live feed's rows as they come, each of them one. No generator: one would be left to the collector.

    What is no row is told, the first of several on end, and skipped: no venue stops for a bad quote. Iterated
    again it listens to its feed again.

    *broke*: its line broke, and no row has come since. Where it ends now, that is no end of the feed's own:
    an asynchronous generator is over after any error in it, and ends without a word when it is asked again.
    So is one whose wait was cancelled, as an iterator is not.
    """

    def __init__(self, market: str, feed: AsyncIterable[Row]) -> None:
        self.broke = False
        self._market = market
        self._feed = feed
        self._rows: AsyncIterator[Row] | None = None
        self._told = False

    def __aiter__(self) -> Self:
        with fed(self._market):
            self._rows = aiter(self._feed)
        return self

    async def __anext__(self) -> Row:
        while True:
            row = await self._listen()
            wrong = problem(self._market, row)
            if wrong is None:
                self._told = False
                return row
            if not self._told:
                operator_log().warning("row skipped", market=self._market, why=wrong)
                self._told = True
            await trio.lowlevel.checkpoint()  # where all are bad and none is waited for

    async def _listen(self) -> Row:
        assert self._rows is not None, "it is iterated"
        try:
            with fed(self._market):
                row = await anext(self._rows)
        except BrokerFault:
            self.broke = True
            raise
        except trio.Cancelled:
            self.broke |= isinstance(self._feed, AsyncGenerator)
            raise
        self.broke = False
        return row


class RowStream:
    """What a looker-on sees: ``with broker.rows() as rows: async for market, row in rows: …``.

    It holds the newest *size* rows; of who reads too slowly it drops the oldest and counts them in
    ``missed``. It ends with the feed.
    """

    def __init__(self, size: int, leave: Callable[[RowStream], None]) -> None:
        self.missed = 0
        self._rows: deque[MarketRow] = deque(maxlen=size)
        self._leave = leave
        self._changed = trio.Event()
        self._closed = False

    def put(self, row: MarketRow) -> None:
        """One row more."""
        self.missed += len(self._rows) == self._rows.maxlen
        self._rows.append(row)
        self._changed.set()

    def close(self) -> None:
        """No more rows will come; those held can still be read."""
        self._closed = True
        self._changed.set()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._leave(self)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> MarketRow:
        await trio.lowlevel.checkpoint()
        while not self._rows:
            if self._closed:
                raise StopAsyncIteration
            self._changed = trio.Event()
            await self._changed.wait()
        return self._rows.popleft()
