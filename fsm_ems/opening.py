"""``open_ems``: the one place where an EMS is put together, from its log, its brokers and its settings."""

from __future__ import annotations

import secrets
from collections.abc import AsyncGenerator, Generator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from decimal import Decimal
from functools import cache, partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import trio

from fsm_ems.account_books import LOCK as ACCOUNTS_LOCK
from fsm_ems.account_books import AccountBooks, check_behind, check_own, holds_closed, rebuild
from fsm_ems.audience import Audience
from fsm_ems.brokers.base import Broker
from fsm_ems.clock import Clock, TrioClock
from fsm_ems.dialogs.book import Book
from fsm_ems.dialogs.dispatcher import Dispatcher
from fsm_ems.dialogs.record import Booked, Effect
from fsm_ems.dialogs.settings import Settings
from fsm_ems.edge import check_clock, check_known, check_log, check_name, check_trio, checked_settings
from fsm_ems.errors import ClientFault, LogFault, LogHalted
from fsm_ems.folders import as_path, check_folder, make_folder, making
from fsm_ems.journal.base import RecordLog
from fsm_ems.journal.file import FileLog
from fsm_ems.journal.folder_lock import FolderLock
from fsm_ems.journal.keeping import keep
from fsm_ems.journal.memory import MemoryLog
from fsm_ems.journal.replay import Restored
from fsm_ems.journal.snapshots import begin, seq_of, snapshots_in
from fsm_ems.journal.sqlite import Journal
from fsm_ems.journal.sqlite_store import FILE as JOURNAL
from fsm_ems.machines.link import LinkEvent
from fsm_ems.messages import Order, named_faults
from fsm_ems.operator_log import operator_log
from fsm_ems.promises import Promises
from fsm_ems.service import EMS
from fsm_ems.snapshot_keeping import SnapshotKeeping


def new_order(**fields: Any) -> Order:  # noqa: ANN401  # pydantic checks each field's type and says what is wrong
    """An order, with a fresh oid unless one is given; *fields* are those of :class:`~fsm_ems.messages.Order`.

    Numbers may be text, ``size="0.1"``, or Decimal or int; a float is refused.

    Raises:
        InvalidMessage: naming each wrong field.
    """
    wish: dict[str, Any] = {"oid": str(uuid4()), **fields}
    with named_faults():
        return Order(**wish)


def _nobody(*_: object) -> None:
    """Nothing is due, and nobody is told."""


async def _all_booked(folder: Path, restored: Restored, log: RecordLog) -> Sequence[Booked]:
    """What the records booked: all of it, or from the newest days on where the files hold those before."""
    generation, closed = restored.book.generation, restored.closed
    if await trio.to_thread.run_sync(holds_closed, folder, generation, closed):
        return restored.booked
    whole = Restored()
    for record in log:
        whole.take(record)
    return whole.booked


async def _opened_books(
    folder: Path, restored: Restored, log: RecordLog, fee_factor: Decimal
) -> AccountBooks:
    """The accounts' files as the records have them, once the disk has those that this opening made."""
    book = restored.book
    await Promises(log, _nobody, _nobody).durable(book.seq)
    try:
        booked = await _all_booked(folder, restored, log)
        found = await trio.to_thread.run_sync(rebuild, folder, book, booked, fee_factor)
    except OSError as error:
        raise LogHalted(f"the accounts in {folder} cannot be brought in step: {error}") from error
    for aside in found:
        operator_log().error("account file set aside", why=str(aside))
    return AccountBooks(folder, book, booked, fee_factor)


@cache
def _say_in_memory() -> None:
    """Once a process."""
    operator_log().info(
        "records are in memory alone and gone with this process; open_ems(path=...) keeps them"
    )


@asynccontextmanager
async def _opened_log(
    log: RecordLog | None, path: Path | None, restored: Restored, settings: Settings
) -> AsyncGenerator[RecordLog]:
    """The log, whose records *restored* has taken, from the newest snapshot on."""
    if path is not None and log is not None:
        raise ClientFault("path= and log= both say where the records are: give one of them")
    if path is not None:
        await trio.to_thread.run_sync(_check_new, path)
        start = partial(begin, path, restored, settings.keep_events)
        log = await trio.to_thread.run_sync(
            partial(Journal, path, take=restored.take, begin=start, named="path")
        )
    elif log is None:
        _say_in_memory()
        log = MemoryLog()
    try:
        if path is None:
            for record in log:
                restored.take(record)
        yield log
    except BaseException:
        with trio.CancelScope(shield=True), suppress(LogHalted):  # what broke the block says more
            await _close(log)
        raise
    with trio.CancelScope(shield=True):
        try:
            if isinstance(log, Journal) and path is not None:
                await trio.to_thread.run_sync(_keep_snapshot, path, log, restored, settings)
        finally:
            await _close(log)


def _check_new(folder: Path) -> None:
    """Where there is no journal in *folder*, none has been: before one is made."""
    try:
        if not (folder / JOURNAL).exists():
            check_own(folder, Book(), str(folder / JOURNAL))
    except OSError as error:
        raise LogHalted(f"{folder} cannot be opened: {error}") from error


def _keep_snapshot(folder: Path, log: Journal, restored: Restored, settings: Settings) -> None:
    """A start from here costs what comes after, once much has come since the last snapshot; what is older
    than the one before that goes to the archive.
    """
    every, book = settings.snapshot_every, restored.book
    try:
        if not every or book.seq - max(map(seq_of, snapshots_in(folder)), default=0) < every:
            return
        log.flush()
        segment = keep(folder, settings.keep_events, settings.archive_every, book)
        if segment is not None:
            log.let_go(segment)
    except (LogFault, OSError) as error:  # they stay where they are
        operator_log().error("records not archived", folder=str(folder), why=str(error))


async def _close(log: RecordLog) -> None:
    if isinstance(log, Journal):
        await trio.to_thread.run_sync(log.close)  # it waits for the disk
    else:
        log.close()


async def _folder(named: str, path: Path | str | None) -> Path | None:
    """The folder that is called *named*, seen to be one, or that it can be one."""
    if path is None:
        return None
    folder = as_path(named, path).absolute()  # the program may go elsewhere meanwhile
    await trio.to_thread.run_sync(check_folder, named, folder)
    return folder


@contextmanager
def _alone(accounts: Path | None) -> Generator[None]:
    """Nobody else writes accounts' files there meanwhile: each would take the other's for stale."""
    if accounts is None:
        yield
        return
    try:
        with making("accounts", accounts):
            make_folder(accounts)
        lock = FolderLock(accounts / ACCOUNTS_LOCK)
    except OSError as error:
        raise LogHalted(f"{accounts} cannot be opened: {error}") from error
    try:
        yield
    finally:
        lock.release()


@asynccontextmanager
async def open_ems(
    *brokers: Broker,
    settings: Settings | None = None,
    identity: str = "main",
    path: Path | str | None = None,
    log: RecordLog | None = None,
    clock: Clock | None = None,
    accounts: Path | str | None = None,
) -> AsyncGenerator[EMS]:
    """Run an EMS for as long as the block is open; several may run in one program.

    *identity* is the first trader. *path* is a folder for the records: nothing is sent, told or answered
    before the disk has what it follows from, and opening it again brings everything back. Whatever brokers
    may hold then is ``unknown`` until they answer. One program at a time may have the folder open. Without
    *path* the records are in memory, and gone with the process; *log* takes a log of your own instead, and
    closes it at the end: what it holds can still be read. Without *brokers* nothing is traded. Orders may be
    submitted at once: they wait for the link. ``await ems.ready()`` tells when every link is up.

    *accounts* is a folder for ``pps.toml`` and the ledger, by default *path*: they follow the records within
    a second, and what is stale, gone or unreadable there is written anew from the records, which must last.

    When the block is cancelled, the EMS goes on until the block's code has left it: what is shielded there
    may still cancel orders and wait for their ends. When it was left, requests that are due still leave by
    the links that are open; what the venue answers is not waited for.

    Raises:
        InvalidMessage: *identity* has not the form of a name, one of *brokers* is none, two have one name,
            *settings* limit or list a market that its broker lacks, what else is given is not of its kind,
            or *path* or *accounts* cannot be a folder that is read and written to: found before anything is
            written, but for what only its making shows of *accounts* (below ``/proc``).
        Refused: the records have *identity* as an observer; nothing was written.
        ClientFault: *accounts* of records that are gone with the process, or in the folder of other records;
            both *path* and *log*; a *path* that has a record file and no journal; no trio, as under asyncio.
        LogFault: the records cannot be trusted, or another program has them or *accounts* open (LogInUse).
        LogHalted: the disk failed, out of the block, which is cancelled: nothing was sent or told since.
    """
    check_trio()
    check_name(identity, "trader")
    check_log(log)
    if accounts is not None and path is None and (log is None or isinstance(log, MemoryLog)):
        raise ClientFault("accounts are written from the records: give a path, or a log that lasts")
    clock = TrioClock() if clock is None else clock
    check_clock(clock)
    settings = checked_settings(Settings() if settings is None else settings, brokers)
    folder, beside = await _folder("path", path), await _folder("accounts", accounts)  # before any is made
    restored = Restored(settings.keep_events)
    async with _opened_log(log, folder, restored, settings) as records:
        with _alone(beside or folder):
            ems = await _started(
                brokers, settings, identity, records, clock, beside or folder, restored,
                _snapshots(folder, records, settings, restored.since),
            )  # fmt: skip
            async with trio.open_nursery() as nursery:
                nursery.start_soon(ems.run)
                try:
                    yield ems
                finally:
                    with trio.CancelScope(shield=True):
                        await ems.settle()
                    ems.stop()


def _snapshots(folder: Path | None, log: RecordLog, settings: Settings, since: int) -> SnapshotKeeping | None:
    if folder is None or not isinstance(log, Journal):
        return None
    return SnapshotKeeping(folder, log, settings, since)


def _check_accounts(accounts: Path | None, book: Book, log: RecordLog) -> None:
    """The accounts' files are of these records, and of none that *log* has lost."""
    where = str(log.path) if isinstance(log, Journal | FileLog) else f"the {type(log).__name__}"
    try:
        if isinstance(log, Journal) and not book.seq:
            check_own(log.path.parent, book, where)
        if accounts is not None:
            (check_behind if isinstance(log, Journal) else check_own)(accounts, book, where)
    except OSError as error:
        raise LogHalted(f"{error.filename} cannot be read: {error}") from error


async def _started(
    brokers: Sequence[Broker],
    settings: Settings,
    identity: str,
    log: RecordLog,
    clock: Clock,
    accounts: Path | None,
    restored: Restored,
    snapshots: SnapshotKeeping | None,
) -> EMS:
    """The EMS as its records, which *restored* has taken, have it, with its links down."""
    book = restored.book
    known = book.identities.get(identity)
    sees = () if known is None else known.sees
    check_known(book, identity, "trader", sees)
    audience = Audience(settings.keep_events, restored.told, book.streams)
    _check_accounts(accounts, book, log)
    dispatcher = Dispatcher(
        settings,
        log.append,
        generation=secrets.token_hex(4),
        now_ns=clock(),
        book=book,
        lookup=log.lookup,
        life=log.of,
    )
    dispatcher.grant(identity, "trader", clock(), sees)
    lost: list[Effect] = []
    for broker in list(book.links):
        lost += dispatcher.link(broker, LinkEvent.LOST, clock())  # one that was closed for good ignores it
    books = None
    if accounts is not None:
        books = await _opened_books(accounts, restored, log, settings.fee_factor)
    restored.booked.clear()  # it is in the accounts' files by now
    restored.told.clear()
    ems = EMS(dispatcher, brokers, identity, clock, log, audience, books, snapshots)
    if lost:  # those who come back to their streams are told; whoever listens from here on heard it before
        ems.carry_out(lost)
        await ems.settle()
    return ems
