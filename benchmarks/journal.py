"""What it costs that nothing leaves before the disk has its record.

All of it on wall time, in a temporary folder (``TMPDIR`` says where: measure the disk that will be used).
The bare loop writes the bodies of the same records into a table of its own and commits, with the same SQLite
and the same settings: what is lost beside it is the price of everything else, of deciding and telling too.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from statistics import median
from typing import NamedTuple

import apsw
import trio
from rich.console import Console

from benchmarks.goals import beside_goal
from benchmarks.life import Bench
from benchmarks.replay import MARKET
from fsm_ems import Capabilities, Client, Market, Settings, new_order, open_ems
from fsm_ems.dialogs.settings import SECOND_NS
from fsm_ems.journal.codec import encode
from fsm_ems.journal.replay import Restored
from fsm_ems.journal.snapshots import begin, make
from fsm_ems.journal.sqlite import Journal
from fsm_ems.journal.sqlite_read import JournalReader
from fsm_ems.messages import Report, Request
from fsm_ems.quotes import MarketRow

GROUPS = (1, 64)
ORDERS = {1: 1_000, 64: 6_400}
REPLAYED = 1_000_000
WATCHED = 12_800
LIVE = 10_000
PATIENT = Settings(request_deadline_ns=3_600 * SECOND_NS)
"""Nothing is answered here, and what becomes of that is not measured."""


class Sink:
    """A broker that takes every request and never answers."""

    name = MARKET.broker
    capabilities = Capabilities()
    markets: Mapping[str, Market] = {MARKET.fqme: MARKET}

    @asynccontextmanager
    async def open_trades_dialogue(self) -> AsyncGenerator[Sink]:
        """One that never breaks."""
        await trio.lowlevel.checkpoint()
        yield self

    async def send(self, request: Request) -> None:
        """Take it."""
        await trio.lowlevel.checkpoint()

    async def receive(self) -> Report:
        """Nothing comes."""
        await trio.sleep_forever()

    @asynccontextmanager
    async def open_market(self) -> AsyncGenerator[AsyncIterator[MarketRow]]:
        """Nothing is shown."""
        await trio.lowlevel.checkpoint()
        yield _Silence()


class _Silence:
    """Rows that never come."""

    def __aiter__(self) -> _Silence:
        return self

    async def __anext__(self) -> MarketRow:
        await trio.sleep_forever()


class Measured(NamedTuple):
    """Orders a second, what each took, and how late the loop was where that was watched; in seconds."""

    rate: float
    took: list[float]
    late: list[float]


async def _submit(client: Client, count: int, seconds: list[float]) -> None:
    for _ in range(count):
        order = new_order(market=MARKET.fqme, side="buy", size="2.0", price="39000.5")
        began = time.perf_counter()
        await client.submit(order)
        seconds.append(time.perf_counter() - began)


def orders(path: Path | None, count: int, at_once: int, *, watch: bool = False) -> Measured:
    """*count* orders of *at_once* traders, with the records in *path* or in memory."""
    return trio.run(_orders, path, count, at_once, watch)


async def _orders(path: Path | None, count: int, at_once: int, watch: bool) -> Measured:  # noqa: FBT001 -- trio passes no names
    took: list[float] = []
    late: list[float] = []
    async with open_ems(Sink(), path=path, settings=PATIENT) as ems:
        await ems.ready()
        began = time.perf_counter()
        async with trio.open_nursery() as watching:
            if watch:
                watching.start_soon(_delays, late)
            async with trio.open_nursery() as nursery:
                for _ in range(at_once):
                    nursery.start_soon(_submit, ems, count // at_once, took)
            watching.cancel_scope.cancel()
        rate = len(took) / (time.perf_counter() - began)
    return Measured(rate, took, late)


async def _delays(delays: list[float]) -> None:
    """How late the loop comes back to a task that asked for a millisecond."""
    while True:
        began = time.perf_counter()
        await trio.sleep(0.001)
        delays.append(time.perf_counter() - began - 0.001)


def bare(folder: Path, bodies: list[str], group: int) -> float:
    """Records a second of a loop that only writes *bodies* and syncs each *group*."""
    connection = apsw.Connection(str(folder / f"bare-{group}.sqlite"))
    connection.pragma("journal_mode", "wal")
    connection.pragma("synchronous", 2)
    connection.execute("CREATE TABLE records (seq INTEGER PRIMARY KEY, body TEXT)")
    began = time.perf_counter()
    for start in range(0, len(bodies), group):
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany(
            "INSERT INTO records (body) VALUES (?)", [(body,) for body in bodies[start : start + group]]
        )
        connection.execute("COMMIT")
    seconds = time.perf_counter() - began
    connection.close()
    return len(bodies) / seconds


def _rates(console: Console, folder: Path) -> None:
    for group in GROUPS:
        ours: list[float] = []
        theirs: list[float] = []
        for turn in range(3):
            path = folder / f"orders-{group}-{turn}"
            ours.append(orders(path, ORDERS[group], group).rate)
            bodies = [encode(record) for record in JournalReader(path) if record.oid][: ORDERS[group]]
            theirs.append(bare(folder, bodies, group))
            (folder / f"bare-{group}.sqlite").unlink()
        what = (
            f"orders journalled, {group} at a time: {median(ours):,.0f}/s, bare loop {median(theirs):,.0f}/s"
        )
        console.print(beside_goal(what, 100 * median(ours) / median(theirs), "%", at_least=50))


def _latency(console: Console, folder: Path) -> None:
    durable: list[float] = []
    memory: list[float] = []
    syncs: list[float] = []
    for turn in range(3):
        path = folder / f"latency-{turn}"
        durable += orders(path, 1_000, 1).took
        memory += orders(None, 1_000, 1).took
        bodies = [encode(record) for record in JournalReader(path) if record.oid][:1_000]
        syncs.append(1 / bare(folder, bodies, 1))
        (folder / "bare-1.sqlite").unlink()
    added, sync = (median(durable) - median(memory)) * 1e6, median(syncs) * 1e6
    console.print(f"one order: {median(memory) * 1e6:.0f} µs in memory; {added:.0f} µs more with a journal")
    console.print(beside_goal("added, beside one bare write and sync", added / sync, "times", at_most=2.5))


def _stall(console: Console, folder: Path) -> None:
    for what, path in (("in memory", None), ("with a journal", folder / "stall")):
        measured = orders(path, WATCHED, 64, watch=True)
        delays = sorted(measured.late)
        middle, most, worst = (
            1e3 * delays[place] for place in (len(delays) // 2, len(delays) * 99 // 100, -1)
        )
        console.print(
            f"the loop at {measured.rate:,.0f} orders/s {what}: late by {middle:.1f} ms in the median, "
            f"{most:.1f} ms in 99 %, {worst:.1f} ms at the most"
        )


def _timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _replay(console: Console, folder: Path) -> None:
    bench, journal, last = Bench(), Journal(folder / "million"), 0
    while last < REPLAYED:
        for record in bench.log:
            if record.seq > last:
                journal.append(record)
        last = bench.dispatcher.book.seq
        journal.flush()
        bench.timed(1_000)
    journal.close()
    size = (folder / "million" / "journal.sqlite").stat().st_size
    opened: list[Journal] = []
    restored = Restored()
    seconds = _timed(lambda: opened.append(Journal(folder / "million", take=restored.take)))
    opened[0].close()
    console.print(
        f"{last:,} records, {size / 2**20:,.0f} MiB: opened, verified and applied in {seconds:.1f} s, "
        f"{seconds / last * 1e6:.1f} µs a record"
    )
    console.print(beside_goal("start from 1,000,000 records", seconds, "s", at_most=20))


def _snapshot(console: Console, folder: Path) -> None:
    """10,000 orders that rest: what a start needs until the book is there, and until the block is entered."""
    bench, home = Bench(keep_records=10 * LIVE), folder / "live"
    for _ in range(LIVE):
        bench.opened()
    journal, book = Journal(home), bench.dispatcher.book
    for record in bench.log:
        journal.append(record)
    journal.flush()
    made = _timed(lambda: make(home, journal, PATIENT.keep_events, book))
    journal.close()
    [file] = home.glob("snapshot-*")
    console.print(
        f"snapshot of {book.seq:,} records with {LIVE:,} live orders: {file.stat().st_size / 2**20:.1f} MiB, "
        f"made and proven in {made:.1f} s"
    )
    seconds = median(_from_snapshot(home, book.seq) for _ in range(5))
    console.print(beside_goal(f"start from a snapshot with {LIVE:,} live orders", seconds, "s", at_most=1))
    whole = trio.run(_opened, home)
    console.print(f"until open_ems is entered, each order put in doubt by a record: {whole:.2f} s")


def _from_snapshot(home: Path, seq: int) -> float:
    restored, opened = Restored(PATIENT.keep_events), list[Journal]()
    start = partial(begin, home, restored, PATIENT.keep_events)
    seconds = _timed(lambda: opened.append(Journal(home, take=restored.take, begin=start)))
    opened[0].close()
    assert restored.since == seq, "it began with the snapshot"
    assert sum(1 for _ in restored.book) == LIVE
    return seconds


async def _opened(home: Path) -> float:
    began = time.perf_counter()
    async with open_ems(settings=PATIENT, identity="alice", path=home):
        return time.perf_counter() - began


def journal(console: Console) -> None:
    """Orders a second, latency, stalls, replay and snapshots of the durable journal."""
    with tempfile.TemporaryDirectory() as name:
        for part in (_rates, _latency, _stall, _replay, _snapshot):
            part(console, Path(name))
