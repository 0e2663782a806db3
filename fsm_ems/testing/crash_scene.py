"""A scenario of crash points, and how what it leaves is recovered by the shipped code and compared.

To add one: for orders, a function in :mod:`fsm_ems.testing.crash_orders`; for any other file, a class with
:class:`Scene`'s methods in :mod:`fsm_ems.testing.crash_files`. Whatever files the shipped code makes below
the folder are seen without being named.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import NamedTuple, Protocol

import trio

from fsm_ems.account_books import PPS, check_behind, projection_of, rebuild
from fsm_ems.accounting.ledger_file import read_ledger
from fsm_ems.accounting.position import ENTRY_AND_EXIT
from fsm_ems.accounting.pps_file import Projection, read_pps
from fsm_ems.dialogs.book import Book
from fsm_ems.dialogs.record import Record
from fsm_ems.dialogs.settings import SECOND_NS, Capabilities, Settings
from fsm_ems.dialogs.snapshot import Plain, facts
from fsm_ems.journal.replay import Restored
from fsm_ems.journal.snapshots import begin
from fsm_ems.journal.sqlite import Journal
from fsm_ems.journal.sqlite_store import FIRST_PREV
from fsm_ems.market import Market
from fsm_ems.testing.crash_stage import BROKER, MARKET, RECORDS, Desk, digest_of
from fsm_ems.testing.crash_tape import ENTRIES, POSITIONS, SNAPSHOTS, Digest, Found, Tape

SETTINGS = Settings(
    request_deadline_ns=SECOND_NS,
    margin_ns=SECOND_NS,
    ask_every_ns=SECOND_NS,
    brokers={BROKER: Capabilities()},
    markets={MARKET: Market(MARKET, "xbt", "usd", price_tick=Decimal("0.5"), size_tick=Decimal("0.0001"))},
)


class Scene(Protocol):
    """One scenario. It is played once, and then recovered from what crashes leave."""

    @property
    def name(self) -> str: ...

    @property
    def series(self) -> Sequence[tuple[str, Digest]]:
        """What is kept, by name, each with the digest of nothing; see :mod:`fsm_ems.testing.crash_tape`."""
        ...

    def play(self, folder: Path, tape: Tape) -> None:
        """Live through it in *folder*, which is empty."""
        ...

    def recover(self, folder: Path) -> Found:
        """Open what a crash left in *folder*, use nothing but shipped code, and tell what is there.

        Raises:
            EMSError: it cannot be opened.
            AssertionError: it does not mean what it meant.
        """
        ...


class Script(NamedTuple):
    """A scenario of orders: *play* at a desk with *settings*."""

    name: str
    play: Callable[[Desk], Awaitable[None]]
    settings: Settings = SETTINGS
    accounts: bool = False
    snapshots: bool = False


class OrderScene:
    """Orders on a journal, with *accounts* beside it."""

    def __init__(self, script: Script) -> None:
        self.name = script.name
        self.series: list[tuple[str, Digest]] = [(RECORDS, FIRST_PREV)]
        if script.accounts:
            self.series += [(POSITIONS, "0"), (ENTRIES, "[]")]
        if script.snapshots:
            self.series.append((SNAPSHOTS, "0"))
        self._script = script
        self._states: dict[bytes, Plain] = {}
        self._versions: list[Projection] = []
        self._snapshots: list[int] = []
        self._right: set[bytes] = set()

    def play(self, folder: Path, tape: Tape) -> None:
        """See :class:`Scene`."""
        trio.run(self._play, folder / "ems", tape)

    async def _play(self, folder: Path, tape: Tape) -> None:
        desk = Desk(folder, tape, self._script.settings, accounts=self._script.accounts)
        self._states, self._versions, self._snapshots = desk.states, desk.versions, desk.snapshots
        await desk.open()
        await desk.grant("main")
        await self._script.play(desk)
        await desk.close()

    def recover(self, folder: Path) -> Found:
        """See :class:`Scene`: journal and book, then the accounts' files, as ``open_ems`` does it."""
        folder = folder / "ems"
        restored = Restored()
        start = partial(begin, folder, restored, 0)
        journal = Journal(folder, take=restored.take, begin=start)
        try:
            records = [*journal]
            assert len(records) == journal.durable_seq, "it counts other records than it has"
            digest = digest_of(records)
            if self._script.snapshots or digest not in self._right:
                self._check_state(records, digest, restored.book)
            found: Found = {RECORDS: (len(records), digest)}
            if self._script.snapshots:
                made = (0, *self._snapshots).index(restored.since)
                found[SNAPSHOTS] = (made, str(restored.since))
            if self._script.accounts:
                book = restored.book
                check_behind(folder, book, str(journal.path))
                self._find_positions(folder, book, found)
                aside = rebuild(folder, book, restored.booked, ENTRY_AND_EXIT)
                assert aside == [], "a file was set aside: a crash made it unreadable"
            return found
        finally:
            journal.close()

    def _check_state(self, records: Sequence[Record], digest: bytes, book: Book) -> None:
        """The book is what it was in the life that made these records."""
        if records:
            lived = self._states.get(digest)
            # Unknown: the records are not those that were taken in, which the ledger tells.
            assert lived is None or lived == facts(book), "another state than the same records had alive"
        self._right.add(digest)

    def _find_positions(self, folder: Path, book: Book, found: Found) -> None:
        days = [read_ledger(path) for path in folder.glob("ledger/**/*.toml")]
        seqs = [entry.seq for day in days if day is not None for entry in day.page.entries]
        found[ENTRIES] = (len(seqs), str(seqs))
        projection = read_pps(folder / PPS)
        if projection is None:
            found[POSITIONS] = (0, "0")
        elif projection in self._versions:
            number = self._versions.index(projection) + 1
            found[POSITIONS] = (number, str(number))
        else:
            made = projection_of(book, ENTRY_AND_EXIT)
            assert projection == made, "the positions are none that were ever written"
