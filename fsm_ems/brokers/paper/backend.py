"""The paper broker: a trio shell around :class:`~fsm_ems.brokers.paper.engine.PaperEngine`.

It decides nothing. It plays market rows to the engine when the clock says so, lets requests arrive, and
passes reports on through a bounded buffer: whoever does not read them stops the venue, not the memory.
"""

from __future__ import annotations

import math
import secrets
from collections.abc import AsyncGenerator, AsyncIterable, Iterable, Mapping
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import Self

import trio
from msgspec.structs import replace

from fsm_ems.brokers.paper.backend_checks import (
    Feed,
    broker_named,
    check_options,
    check_synthetic,
    checked_feeds,
)
from fsm_ems.brokers.paper.backend_dialogue import Break, PaperDialogue, broken
from fsm_ems.brokers.paper.backend_file import VenueFile
from fsm_ems.brokers.paper.backend_rows import LiveRows, PacedRows, RowStream
from fsm_ems.brokers.paper.engine import PaperEngine
from fsm_ems.brokers.paper.synthetic import CALM, Weather, synthetic
from fsm_ems.clock import Clock, TrioClock
from fsm_ems.dialogs.settings import Capabilities
from fsm_ems.errors import BrokerFault, EMSError, LogHalted
from fsm_ems.market import FillModel, Market
from fsm_ems.messages import VenueReport
from fsm_ems.operator_log import operator_log
from fsm_ems.quotes import MarketRow, Row

_STEPS_AT_ONCE = 1_000  # how far the venue catches up before other tasks get a turn


XBTUSD = Market("xbtusd.paper", "xbt", "usd", price_tick=Decimal("0.5"), size_tick=Decimal("0.0001"))
"""The market of demos and examples; it costs no fees."""
XBTUSD_PRICE = Decimal(50_000)


class PaperBroker:
    """A venue that exists only here. Its buying power is unlimited: no order is refused for want of money.

    *markets* by address, all of one broker name; *feed* gives the rows of the only one, or, by address, of
    each; a market whose feed is empty, or not named, shows nothing. An ordinary iterable is played by the
    clock: with *speed* as if it had been recorded just now (so an old tape or a synthetic market fits any
    clock), with None at the rows' own times. An asynchronous one is a live feed: its rows count as of when
    they come. It must bear a wait that is cancelled and begun again, as trio's channels do; where it raises
    BrokerFault, the connection breaks, and the next one goes on with it. An asynchronous generator can do
    neither, for it is over after any error in it: where such a feed ends without another row, that is a
    BrokerFault at each connection, and no end. A row of it that is none is told to the operator, and skipped.

    *clock* gives requests' times and deadlines their meaning: share it with the EMS. By default both keep
    wall time, each counted on by trio's clock. *latency_ns* is how long a request is on its way; *buffer*
    bounds the reports that wait to be received (what a single row makes may exceed it); *prefix* begins
    every venue id and exec id, and must be another for each run (by default it is drawn at random; empty
    where a single run is to have the same ids each time); a venue at a *path* keeps its own.

    The market goes on while nobody is connected: at the next connection its rows are caught up with, and
    the reports of the meantime are dropped, as a real venue would. A query tells the truth.

    With *path*, a folder of its own, the venue outlives the process: what happens to its orders is written
    there before it is told, and the next venue at that path has them, its executions and its ids again, as
    after a venue's own outage. What was on its way is lost; what expired meanwhile expires first; the market
    shows nothing before its first quote, and under ``queue`` an order's queue is that of the touch when it
    next comes there. A feed is played as it is given; but rows of their own times (*speed* None) that are not
    later than the last thing written were played before. With *sync* each step that changes an order waits
    for the disk, and the event loop with it; without it a power cut may take what was told. One venue at a
    time has the folder: :meth:`close` lets go of it, as does the end of ``with``.

    Raises:
        InvalidMessage: a market or an option makes no sense, or is not that of what lies at *path*.
        LogFault: the folder is in use, cannot be written to, or is not what was written there.
    """

    def __init__(  # noqa: PLR0913 -- each is a choice of its own
        self,
        markets: Mapping[str, Market],
        feed: Feed | Mapping[str, Feed],
        *,
        fill_model: FillModel = "touch",
        latency_ns: int = 0,
        speed: Decimal | int | None = 1,
        clock: Clock | None = None,
        buffer: int = 1_000,
        prefix: str | None = None,
        path: Path | str | None = None,
        sync: bool = True,
    ) -> None:
        self._name = broker_named(markets)
        check_options(speed=speed, clock=clock, buffer=buffer, prefix=prefix, sync=sync)
        feeds = checked_feeds(markets, feed)
        self.clock = TrioClock() if clock is None else clock
        self.engine = PaperEngine(
            markets, fill_model=fill_model, latency_ns=latency_ns, keep_facts=path is not None
        )
        recorded: dict[str, Iterable[Row]] = {}
        self._live: dict[str, LiveRows] = {}
        for market, rows in feeds.items():
            if isinstance(rows, AsyncIterable):
                self._live[market] = LiveRows(market, rows)
            else:
                recorded[market] = rows
        self._paced = PacedRows(recorded, speed)
        self._feeds_left = len(self._live) + 1
        self._buffer = buffer
        self._streams: list[RowStream] = []
        self._started = False
        self._connected = False
        self._fault: Break | None = None
        self._woken = trio.Event()
        # Last: whatever fails before leaves nobody in the folder.
        self._file = None if path is None else VenueFile(path, self._name, prefix, sync=sync)
        self._played_ns = -1  # an earlier run had the rows until then
        if self._file is None:
            self.engine.prefix = f"{secrets.token_hex(4)}-" if prefix is None else prefix
        else:
            last_ns = self._reopen(self._file)
            if speed is None and last_ns is not None:
                self._played_ns = last_ns

    @classmethod
    def synthetic(  # noqa: PLR0913 -- each is a choice of its own
        cls,
        seed: int,
        market: Market = XBTUSD,
        *,
        price: Decimal = XBTUSD_PRICE,
        weather: Weather = CALM,
        fill_model: FillModel = "touch",
        latency_ns: int = 0,
        clock: Clock | None = None,
        prefix: str | None = None,
        path: Path | str | None = None,
        sync: bool = True,
    ) -> Self:
        """A venue for one made-up market that begins at *price*, or the tick below, and is the same for the
        same *seed*.

        See :func:`~fsm_ems.brokers.paper.synthetic.synthetic`; some ten rows a second.

        Raises:
            InvalidMessage: the market or an option makes no sense.
        """
        check_synthetic(seed, market, price, weather)
        return cls(
            {market.fqme: market},
            synthetic(market, seed, price=price, weather=weather),
            fill_model=fill_model,
            latency_ns=latency_ns,
            clock=clock,
            prefix=prefix,
            path=path,
            sync=sync,
        )

    def _reopen(self, file: VenueFile) -> int | None:
        """Be the venue that *file* tells of; when it last did something."""
        if file.cut is not None:
            operator_log().warning("torn end cut off", why=file.cut)
        self.engine.prefix = file.prefix
        try:
            return self.engine.restore(file)
        except (LookupError, ArithmeticError, AssertionError, TypeError, ValueError) as problem:
            file.close()
            file.damaged(problem)
        except BaseException:
            file.close()
            raise

    def close(self) -> None:
        """Let go of the folder at *path*; nobody can connect any more. Closing twice does no harm."""
        if self._file is not None:
            self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def name(self) -> str:
        """The last part of its markets' addresses."""
        return self._name

    @property
    def capabilities(self) -> Capabilities:
        """Any request id; deadlines are kept; a filled order stays filled."""
        return Capabilities(reqid_form="str", reopen_filled=False, deadline=True, history=True)

    @property
    def markets(self) -> Mapping[str, Market]:
        """Those it was made with."""
        return {fqme: book.market for fqme, book in self.engine.books.items()}

    @property
    def description(self) -> str:
        """What a person should know before trusting its fills."""
        kept = "in memory, gone with the program" if self._file is None else f"kept in {self._file.folder}"
        return (
            f"{self._name}: a simulated venue with unlimited buying power; fill model "
            f"{next(iter(self.engine.books.values())).model}, latency {self.engine.latency_ns} ns; {kept}"
        )

    def rows(self, size: int = 1_000) -> RowStream:
        """Look on at every row from here on, each after the engine has had it; see :class:`RowStream`."""
        stream = RowStream(size, self._streams.remove)
        self._streams.append(stream)
        if not self._feeds_left:
            stream.close()
        return stream

    @asynccontextmanager
    async def open_market(self) -> AsyncGenerator[RowStream]:
        """Look on at every row from here on, each after the engine has had it."""
        with self.rows() as rows:
            yield rows

    @asynccontextmanager
    async def open_trades_dialogue(self) -> AsyncGenerator[PaperDialogue]:
        """Connect: one connection at a time. The venue plays while it is open.

        Raises:
            BrokerFault: another connection is open, or a live feed broke and cannot go on.
            LogHalted: what happens can no longer be written down, or the broker was closed.
            EMSError: what else a feed raised, such as TapeFileError of a tape that cannot be read.
        """
        if self._connected:
            raise BrokerFault(f"{self._name} takes one connection at a time")
        if self._file is not None:
            self._file.check_open()
        self._connected = True
        dialogue = PaperDialogue(self.engine, self._wake, self._buffer)
        try:
            await self._catch_up()
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._play, dialogue)
                for market, rows in list(self._live.items()):
                    nursery.start_soon(self._pass_on, market, rows, dialogue)
                try:
                    yield dialogue
                finally:
                    nursery.cancel_scope.cancel()
        finally:
            dialogue.break_off(f"the connection to {self._name} was closed")
            self._connected = False

    # ── playing ─────────────────────────────────────────────────────────────────────────────────────

    async def _catch_up(self) -> None:
        """What happened while nobody was connected; nobody is told."""
        if not self._started:
            self._started = True
            self._paced.start(self.clock())
            self._note_end()
        steps = 0
        while (due := self._next_due_ns()) is not None and due <= (now := self.clock()):
            self._step(now)
            steps += 1
            if steps % _STEPS_AT_ONCE == 0:
                await trio.lowlevel.checkpoint()
        await trio.lowlevel.checkpoint()
        if self._fault is not None:
            raise broken(self._fault)

    async def _play(self, dialogue: PaperDialogue) -> None:
        """Let rows, arrivals and expiries happen when they are due."""
        while True:
            await dialogue.room()
            self._woken = trio.Event()
            due, now = self._next_due_ns(), self.clock()
            if due is not None and due <= now:
                dialogue.put(self._step(now))
            else:
                seconds = math.inf if due is None else (due - now) / 1_000_000_000
                with trio.move_on_after(seconds) as sleep:
                    await self._woken.wait()
                if sleep.cancelled_caught and due is not None:
                    # The clock may stand a nanosecond short of due: it was rounded, and due has come.
                    dialogue.put(self._step(due))
            if self._fault is not None:
                dialogue.break_off(self._fault)

    async def _pass_on(self, market: str, rows: LiveRows, dialogue: PaperDialogue) -> None:
        """Give the venue a live feed's rows as they come."""
        try:
            async for row in rows:
                await dialogue.room()
                dialogue.put(self._take_row(MarketRow(market, replace(row, time_ns=self.clock()))))
                self._wake()
            if rows.broke:  # and over without a row since: nobody's stop would fire, and nobody be told
                self._fault = (
                    f"the feed of {market} broke and cannot go on: a generator ends with its first error,"
                    " or with a wait that is cancelled; hand in an iterator that can go on"
                )
                dialogue.break_off(self._fault)
                return
        except BrokerFault as error:  # a line that is dead may come back, and the next connection looks
            dialogue.break_off(f"the feed of {self._name} broke: {error}")
            return
        except EMSError as error:
            self._fault = error
            dialogue.break_off(error)
        del self._live[market]
        self._end_feed()

    def _wake(self) -> None:
        self._woken.set()

    def _next_due_ns(self) -> int | None:
        row, venue = self._paced.next_ns, self.engine.next_due_ns()
        return venue if row is None else row if venue is None else min(row, venue)

    def _step(self, now_ns: int) -> list[VenueReport]:
        """The next row that is due, or, after the last one, all else that is."""
        due = self._paced.next_ns
        if due is None or due > now_ns:
            return self._kept(self.engine.advance(now_ns))
        found = self._paced.pop()
        reports = self._take_row(found) if due > self._played_ns else []
        self._note_end()
        return reports

    def _note_end(self) -> None:
        """The recorded feeds may be over, or broken."""
        if self._paced.fault is not None:
            self._fault = self._paced.fault  # for good: what was recorded is wrong as often as it is tried
        if self._paced.next_ns is None:
            self._end_feed()

    def _end_feed(self) -> None:
        self._feeds_left -= 1
        if not self._feeds_left:
            for stream in self._streams:
                stream.close()

    def _take_row(self, found: MarketRow) -> list[VenueReport]:
        reports = self._kept(self.engine.row(found.row, found.market))
        for stream in self._streams:
            stream.put(found)
        return reports

    def _kept(self, reports: list[VenueReport]) -> list[VenueReport]:
        """*reports* of one step, once what they tell of is written down. Where it cannot be, all stops."""
        if self._file is not None:
            try:
                self._file.keep(self.engine.taken_facts())
            except LogHalted as error:
                self._fault = error
                return []
        return reports
