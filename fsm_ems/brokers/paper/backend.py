"""The paper broker: a trio shell around :class:`~fsm_ems.brokers.paper.engine.PaperEngine`.

It decides nothing. It plays market rows to the engine when the clock says so, lets requests arrive, and
passes reports on through a bounded buffer: whoever does not read them stops the venue, not the memory.
"""

from __future__ import annotations

import math
import secrets
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Self, cast

import trio
from msgspec.structs import replace

from fsm_ems.brokers.paper.backend_rows import PacedRows, RowStream
from fsm_ems.brokers.paper.engine import PaperEngine
from fsm_ems.brokers.paper.synthetic import CALM, Weather, synthetic
from fsm_ems.clock import Clock, TrioClock
from fsm_ems.dialogs.settings import Capabilities
from fsm_ems.errors import BrokerFault, EMSError, InvalidMessage, InvalidReport
from fsm_ems.market import FillModel, Market
from fsm_ems.messages import Request, VenueReport
from fsm_ems.numbers import fits, no_decimals
from fsm_ems.quotes import MarketRow, Row, problem

Feed = Iterable[Row] | AsyncIterable[Row]

IN_FLIGHT_MAX = 10_000
"""How many requests may be on their way; sending a further one waits."""
_STEPS_AT_ONCE = 1_000  # how far the venue catches up before other tasks get a turn


def _by_market(markets: Mapping[str, Market], feed: Feed | Mapping[str, Feed]) -> Mapping[str, Feed]:
    if isinstance(feed, Mapping):
        return cast("Mapping[str, Feed]", feed)  # a mapping can be iterated too, and is still no feed
    assert len(markets) == 1, "name the market of each feed: there are several"
    return {next(iter(markets)): feed}


Break = str | EMSError
"""Why a stream is broken: in words, where the link is lost and may be tried again, or an error for who opened
it, such as a tape that is not there.
"""


def _raised(why: Break) -> EMSError:
    return BrokerFault(why) if isinstance(why, str) else why


class PaperDialogue:
    """One connection to the paper venue: requests out, reports in, each in order."""

    def __init__(self, engine: PaperEngine, wake: Callable[[], None], buffer: int) -> None:
        self._engine = engine
        self._wake = wake
        self._buffer = buffer
        self._reports: deque[VenueReport] = deque()
        self._broken: Break | None = None
        self._changed = trio.Event()

    async def send(self, request: Request) -> None:
        """Hand *request* to the venue. It arrives after the venue's latency.

        Raises:
            BrokerFault: the stream is broken.
            EMSError: what a feed raised that was not the line's doing.
        """
        await trio.lowlevel.checkpoint()
        while self._broken is None and self._engine.in_flight >= IN_FLIGHT_MAX:
            await self._changed.wait()
        self._check()
        self._engine.send(request)
        self._wake()

    async def receive(self) -> VenueReport:
        """The next report.

        Raises:
            BrokerFault: the stream is broken, and all that came before was received.
            EMSError: so it is, by what a feed raised that was not the line's doing.
        """
        await trio.lowlevel.checkpoint()
        while not self._reports:
            self._check()
            await self._changed.wait()
        report = self._reports.popleft()
        self._move()
        return report

    def put(self, reports: Sequence[VenueReport]) -> None:
        """Reports of one row or of what time brought; requests may have arrived for it."""
        self._reports.extend(reports)
        self._move()

    async def room(self) -> None:
        """Return once fewer reports wait than the buffer may hold."""
        await trio.lowlevel.checkpoint()
        while len(self._reports) >= self._buffer:
            await self._changed.wait()

    def break_off(self, why: Break) -> None:
        """The stream is broken from here on."""
        self._broken = why
        self._move()

    def _check(self) -> None:
        if self._broken is not None:
            raise _raised(self._broken)

    def _move(self) -> None:
        self._changed.set()
        self._changed = trio.Event()


XBTUSD = Market("xbtusd.paper", "xbt", "usd", price_tick=Decimal("0.5"), size_tick=Decimal("0.0001"))
"""The market of demos and examples; it costs no fees."""
XBTUSD_PRICE = Decimal(50_000)


class PaperBroker:
    """A venue that exists only here. Its buying power is unlimited: no order is refused for want of money.

    *markets* by address, all of one broker name; *feed* gives the rows of the only one, or, by address, of
    each. An ordinary iterable is played by the clock: with *speed* as if it had been recorded just now (so
    an old tape or a synthetic market fits any clock), with None at the rows' own times. An asynchronous one
    is a live feed: its rows count as of when they come. It must bear a wait that is cancelled and begun
    again, as trio's channels do.

    *clock* gives requests' times and deadlines their meaning: share it with the EMS. By default both keep
    wall time, each counted on by trio's clock. *latency_ns* is how long a request is on its way; *buffer*
    bounds the reports that wait to be received (what a single row makes may exceed it); *prefix* begins
    every venue id and exec id, and must be another for each run (by default it is drawn at random).

    The market goes on while nobody is connected: at the next connection its rows are caught up with, and
    the reports of the meantime are dropped, as a real venue would. A query tells the truth.

    Raises:
        InvalidMessage: a market or an option makes no sense.
    """

    def __init__(
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
    ) -> None:
        names = {market.broker for market in markets.values()}
        if len(names) != 1:
            raise InvalidMessage((f"markets: they name {len(names)} brokers, and this is one",))
        (self._name,) = names
        self.clock = TrioClock() if clock is None else clock
        prefix = f"{secrets.token_hex(4)}-" if prefix is None else prefix
        self.engine = PaperEngine(markets, fill_model=fill_model, latency_ns=latency_ns, prefix=prefix)
        recorded: dict[str, Iterable[Row]] = {}
        self._live: dict[str, AsyncIterable[Row]] = {}
        for market, rows in _by_market(markets, feed).items():
            if isinstance(rows, AsyncIterable):
                self._live[market] = rows
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

    @classmethod
    def synthetic(
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
    ) -> Self:
        """A venue for one made-up market that begins at *price* and is the same for the same *seed*.

        See :func:`~fsm_ems.brokers.paper.synthetic.synthetic`; some ten rows a second.

        Raises:
            InvalidMessage: the market or an option makes no sense.
        """
        # Found here: the rows are only made when the EMS asks for them.
        wrong = no_decimals({"price": price})
        if not wrong and not (fits(price) and price > 0):
            wrong = (f"price: {price} is no price above zero, of at most 34 digits",)
        if type(seed) is not int:
            wrong = (*wrong, f"seed: {seed!r} is no whole number")
        if wrong:
            raise InvalidMessage(wrong)
        return cls(
            {market.fqme: market},
            synthetic(market, seed, price=price, weather=weather),
            fill_model=fill_model,
            latency_ns=latency_ns,
            clock=clock,
            prefix=prefix,
        )

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
        return (
            f"{self._name}: a simulated venue with unlimited buying power; fill model "
            f"{next(iter(self.engine.books.values())).model}, latency {self.engine.latency_ns} ns"
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
            BrokerFault: another connection is open, or a feed's line is dead.
            EMSError: what else a feed raised, such as OrderFileError of a tape that cannot be read.
        """
        if self._connected:
            raise BrokerFault(f"{self._name} takes one connection at a time")
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
            raise _raised(self._fault)

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

    async def _pass_on(self, market: str, rows: AsyncIterable[Row], dialogue: PaperDialogue) -> None:
        """Give the venue a live feed's rows as they come."""
        try:
            async for row in rows:
                await dialogue.room()
                wrong = problem(market, row)
                if wrong is not None:
                    raise InvalidReport((wrong,))
                dialogue.put(self._take_row(MarketRow(market, replace(row, time_ns=self.clock()))))
                self._wake()
        except EMSError as error:
            dialogue.break_off(self._break_feed(error))
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
            return self.engine.advance(now_ns)
        reports = self._take_row(self._paced.pop())
        self._note_end()
        return reports

    def _note_end(self) -> None:
        """The recorded feeds may be over, or broken."""
        if self._paced.fault is not None:
            self._break_feed(self._paced.fault)
        if self._paced.next_ns is None:
            self._end_feed()

    def _break_feed(self, error: EMSError) -> Break:
        # A dead line may come back; a file that is wrong is wrong as often as it is tried.
        is_line = isinstance(error, BrokerFault)
        self._fault = f"the feed of {self._name} broke: {error}" if is_line else error
        return self._fault

    def _end_feed(self) -> None:
        self._feeds_left -= 1
        if not self._feeds_left:
            for stream in self._streams:
                stream.close()

    def _take_row(self, found: MarketRow) -> list[VenueReport]:
        reports = self.engine.row(found.row, found.market)
        for stream in self._streams:
            stream.put(found)
        return reports
