"""A desk for scenarios of crash points: the shipped dispatcher on the shipped journal, without a network.

Each step of a scenario is an input; what it makes due leaves by the shipped
:class:`~fsm_ems.promises.Promises` when the journal says that it is durable, and is noted on the tape then.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from decimal import Decimal
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import trio

from fsm_ems.account_books import AccountBooks, check_behind, projection_of, rebuild, write
from fsm_ems.accounting.position import ENTRY_AND_EXIT
from fsm_ems.accounting.pps_file import Projection
from fsm_ems.dialogs.dispatcher import Dispatcher
from fsm_ems.dialogs.facts import Dialog
from fsm_ems.dialogs.record import Booked, Notice, Record, Send
from fsm_ems.dialogs.settings import SECOND_NS, Settings
from fsm_ems.dialogs.snapshot import Plain, facts
from fsm_ems.errors import EMSError, LogHalted
from fsm_ems.journal import sqlite_writer
from fsm_ems.journal.archiving import archive
from fsm_ems.journal.base import ids_in
from fsm_ems.journal.codec import encode
from fsm_ems.journal.replay import Restored
from fsm_ems.journal.snapshots import begin, make
from fsm_ems.journal.sqlite import Journal
from fsm_ems.journal.sqlite_read import JournalReader
from fsm_ems.journal.sqlite_store import FIRST_PREV, chained
from fsm_ems.machines.link import LinkEvent
from fsm_ems.messages import AnyReport, Cancel, Command, Edit, Order
from fsm_ems.promises import Due, Promises
from fsm_ems.quotes import Quote
from fsm_ems.testing.crash_tape import ENTRIES, POSITIONS, SNAPSHOTS, Tape

MARKET, BROKER = "xbtusd.kraken", "kraken"
RECORDS = "records"
START_NS = 1_600_000_000 * SECOND_NS
LINK_UP = (LinkEvent.CONNECT, LinkEvent.CONNECTED, LinkEvent.SYNCED)


class Desk:
    """One EMS in *folder*, told of its inputs one by one; *states* gets the book after each record.

    With *accounts* its positions are written beside the journal when :meth:`write_accounts` is called.
    """

    def __init__(
        self,
        folder: Path,
        tape: Tape,
        settings: Settings,
        *,
        accounts: bool = False,
    ) -> None:
        self.folder = folder
        self.tape = tape
        self.settings = settings
        self.now_ns = START_NS
        self.states: dict[bytes, Plain] = {}
        self.waits = True
        self._accounts = accounts
        self._lives = 0
        self._records: list[Record] = []
        self._hash = FIRST_PREV
        self.versions: list[Projection] = []
        self.snapshots: list[int] = []
        self._entries = 0

    # ── lives ───────────────────────────────────────────────────────────────────────────────────────

    async def open(self) -> None:
        """Begin a life of the program; it has what the one before left."""
        self.tape.live_again()
        self._lives += 1
        restored = Restored()
        start = partial(begin, self.folder, restored, 0)
        self.journal = Journal(self.folder, take=restored.take, begin=start)
        self._records = [*self.journal]
        self._hash = digest_of(self._records)
        self.tape.taken(RECORDS, len(self._records), self._hash, anew=True)
        self.tape.promised(RECORDS, self.journal.durable_seq, "it was opened with them")
        book = restored.book
        if self._accounts:
            check_behind(self.folder, book, str(self.journal.path))
            version = self._version(projection_of(book, ENTRY_AND_EXIT))
            self._enter([one.seq for one in restored.booked])
            rebuild(self.folder, book, restored.booked, ENTRY_AND_EXIT)
            self.tape.promised(POSITIONS, version, "they were written anew")
            self.tape.promised(ENTRIES, len(restored.booked), "they were written anew")
            self._books = AccountBooks(self.folder, book, restored.booked, ENTRY_AND_EXIT)
        self._book = book
        self.promises = Promises(self.journal, self._release, self._halt)
        self.dispatcher = Dispatcher(
            self.settings, self._append, generation=f"g{self._lives}", now_ns=self.now_ns, book=book,
            lookup=self.journal.lookup, life=self.journal.of,
        )  # fmt: skip
        for broker in [*book.links]:
            due = self.dispatcher.link(broker, LinkEvent.LOST, self.now_ns)
            self.promises.hold(book.seq, due)
        await self.settle()

    async def close(self) -> None:
        """End this life in order."""
        await self.settle()
        self._note_state()
        self.journal.close()
        self.promises.forget()

    async def die(self, calls: int, prefix: str) -> None:
        """Be killed after *calls* more calls, while orders are submitted whose oids begin with *prefix*."""
        self.tape.die_after(calls)
        with suppress(LogHalted):
            for number in count():
                await self.submit(f"{prefix}{number}")
        self._note_state()
        with suppress(LogHalted):
            self.journal.close()
        self.promises.forget()

    async def die_opening(self, calls: int) -> None:
        """Be killed after *calls* calls while opening; or open and close, where that takes fewer."""
        self.tape.die_after(calls)
        try:
            journal = Journal(self.folder)
        except EMSError:
            return
        with suppress(LogHalted):
            journal.close()

    async def settle(self) -> None:
        """Wait until all that is due has left."""
        seq = self._book.seq
        await self.promises.durable(seq)
        self.tape.promised(RECORDS, seq, "what followed from them has left")

    # ── inputs ──────────────────────────────────────────────────────────────────────────────────────

    async def grant(self, *owners: str) -> None:
        """Let *owners* trade."""
        for owner in owners:
            self.dispatcher.grant(owner, "trader", self._later())
        await self._carry_out([])

    async def link(self, *events: LinkEvent) -> None:
        """Move the link; by default it comes up."""
        for event in events or LINK_UP:
            await self._carry_out(self.dispatcher.link(BROKER, event, self._later()))

    async def command(self, owner: str, command: Command) -> None:
        """A command of *owner*; it is answered when it is durable."""
        answer, due = self.dispatcher.command(owner, command, self._later())
        await self._carry_out(due)
        if self.waits:
            await self.promises.durable(answer.seq)
            self.tape.promised(RECORDS, answer.seq, f"{owner} was answered {command.oid}")

    async def submit(self, oid: str, owner: str = "main", **fields: Any) -> None:  # noqa: ANN401 -- pydantic checks them
        """A buy of 2 at 95, but for *fields*."""
        await self.command(owner, a_buy(oid, **fields))

    async def cancel(self, oid: str, owner: str = "main") -> None:
        """A wish to cancel."""
        await self.command(owner, Cancel(oid=oid))

    async def edit(self, oid: str, edit_id: str, size: int, owner: str = "main") -> None:
        """A wish for another size."""
        await self.command(owner, Edit(oid=oid, edit_id=edit_id, size=Decimal(size)))

    async def report(self, *reports: AnyReport) -> None:
        """What the venue tells."""
        for report in reports:
            await self._carry_out(self.dispatcher.report(BROKER, report, self._later()))

    async def quote(self, bid: int) -> None:
        """The market shows *bid*, and asks one more."""
        row = Quote(self._later(), Decimal(bid), Decimal(1), Decimal(bid + 1), Decimal(1))
        await self._carry_out(self.dispatcher.quote(MARKET, row, self.now_ns))

    async def wait(self, seconds: int) -> None:
        """Time passes, and what is due then happens."""
        self.now_ns += seconds * SECOND_NS
        await self._carry_out(self.dispatcher.pass_time(self.now_ns))

    async def write_accounts(self) -> None:
        """Write the files of the accounts, as the running EMS does when records are durable."""
        work = self._books.work()
        await self.promises.durable(work.projection.seq)
        version = self._version(work.projection)
        for day in work.days:  # there is one, of one account
            self._enter([entry.seq for entry in day.page.entries])
        write(work)
        self.tape.promised(POSITIONS, version, "they were written")
        self.tape.promised(ENTRIES, self._entries, "they were written")

    async def keep_snapshot(self) -> None:
        """Keep what the records so far lead to and move old ones, as the EMS does when it is closed."""
        seq = self._book.seq
        await self.promises.durable(seq)
        self.snapshots.append(seq)
        self.tape.taken(SNAPSHOTS, len(self.snapshots), str(seq))
        make(self.folder, JournalReader(self.folder), 0, self._book)
        self.tape.promised(SNAPSHOTS, len(self.snapshots), "it was made")
        segment = archive(self.folder, JournalReader(self.folder), 1)
        if segment is not None:
            self.journal.let_go(segment)
            await trio.to_thread.run_sync(self.journal.flush)

    # ── what is known ───────────────────────────────────────────────────────────────────────────────

    def order(self, oid: str, owner: str = "main") -> Dialog:
        """An order, as it stands."""
        dialog = self._book.dialog(owner, oid)
        assert dialog is not None, f"{owner} has no order {oid}"
        return dialog

    def knows(self, oid: str, owner: str = "main") -> bool:
        """Whether there is such an order: one that was on its way when the process died may be lost."""
        return self._book.dialog(owner, oid) is not None

    def reqid(self, oid: str, owner: str = "main") -> int | str:
        """The request that placed it."""
        reqid = self.order(oid, owner).reqid
        assert reqid is not None, f"{oid} was not sent"
        return reqid

    # ── inside ──────────────────────────────────────────────────────────────────────────────────────

    def _later(self) -> int:
        self.now_ns += SECOND_NS // 1_000
        return self.now_ns

    def _append(self, record: Record) -> None:
        self._note_state()
        self._records.append(record)
        self._hash = chained(self._hash, encode(record))
        self.tape.taken(RECORDS, record.seq, self._hash)
        self.journal.append(record)

    def _note_state(self) -> None:
        """What the records so far led to, which apply has done by now."""
        if self._book.seq == len(self._records):
            self.states[self._hash] = facts(self._book)

    async def _carry_out(self, due: Sequence[Due]) -> None:
        self.promises.hold(self._book.seq, due)
        if self.waits:
            await self.settle()

    def _release(self, due: Sequence[Due]) -> None:
        for effect in due:
            if isinstance(effect, Booked) and self._accounts:
                self._books.take(effect)
            elif isinstance(effect, Send):
                seq = self._seq_of(effect.reqid)
                self.tape.promised(RECORDS, seq, f"{effect.reqid} was sent")
            elif isinstance(effect, Notice):
                told = (effect.identity, effect.seq)
                seq = next(record.seq for record in reversed(self._records) if told in record.tells)
                self.tape.promised(RECORDS, seq, f"{effect.identity} was told {effect.state.value}")

    def _seq_of(self, reqid: int | str) -> int:
        """The first record with *reqid*; a question's is in none, and follows from all there are."""
        found = (record.seq for record in self._records if reqid in ids_in(record)[0])
        return next(found, self.promises.seq)

    def _halt(self) -> None:
        """Nothing leaves any more; the scenario finds out by itself."""

    def _enter(self, seqs: Sequence[int]) -> None:
        """The ledger is about to have an entry of each of these records."""
        for number in range(self._entries + 1, len(seqs) + 1):
            self.tape.taken(ENTRIES, number, str(seqs[:number]))
        self._entries = max(self._entries, len(seqs))

    def _version(self, projection: Projection) -> int:
        """The number of what is about to be written."""
        if projection not in self.versions:
            self.versions.append(projection)
            self.tape.taken(POSITIONS, len(self.versions), str(len(self.versions)))
        return self.versions.index(projection) + 1


def a_buy(oid: str, **fields: Any) -> Order:  # noqa: ANN401 -- pydantic checks them
    """A buy of 2 at 95, but for *fields*."""
    wish: dict[str, Any] = {
        "oid": oid, "side": "buy", "market": MARKET, "size": Decimal(2), "price": Decimal(95), **fields
    }  # fmt: skip
    return Order(**wish)


@contextmanager
def checkpoint_every(pages: int) -> Generator[None]:
    """Have SQLite's log moved into its database after fewer *pages* than usual."""
    usual, sqlite_writer.CHECKPOINT_PAGES = sqlite_writer.CHECKPOINT_PAGES, pages
    try:
        yield
    finally:
        sqlite_writer.CHECKPOINT_PAGES = usual


def digest_of(records: Sequence[Record]) -> bytes:
    """That of a series of records."""
    digest = FIRST_PREV
    for record in records:
        digest = chained(digest, encode(record))
    return digest
