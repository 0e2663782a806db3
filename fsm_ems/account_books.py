"""The accounts' files beside a record log: ``pps.toml`` and the ledger, kept in step with it.

They are projections: whatever is stale, gone or unreadable is written anew from the records. What is written
is handed over as a value that no longer changes, so that the slow half can run in another thread.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

from fsm_ems.accounting.atomic_file import SetAside, set_aside
from fsm_ems.accounting.commented_file import Unreadable
from fsm_ems.accounting.ledger import Ledger, Page, pages_of
from fsm_ems.accounting.ledger_file import LedgerDay, ledger_path, read_ledger, write_ledger
from fsm_ems.accounting.position import Standing
from fsm_ems.accounting.pps_file import Projection, read_pps, write_pps
from fsm_ems.dialogs.book import Book
from fsm_ems.dialogs.prices import Seen
from fsm_ems.dialogs.record import Booked
from fsm_ems.errors import ClientFault, LogDamaged
from fsm_ems.journal.snapshot_form import ClosedDay, digest_of_day

PPS = "pps.toml"
LOCK = "accounts.lock"
REPLAYED = "replay"
"""The generation of every replay of a tape: its records can be made again, and no venue knows of them."""


_BY_HAND = (
    "find the newest; if an older copy is all there is, begin anew in another folder, and compare orders and "
    "positions with the venue by hand"
)
_REMEDIES = {REPLAYED: "replay the tape again"}
"""What is to be done where the newest records of a generation are lost, if it can be made again."""


class Told(NamedTuple):
    """The file at *path* was written from record *seq* of the log *generation*, and those before it."""

    path: Path
    generation: str
    seq: int


class Work(NamedTuple):
    """What is to be written into *folder*; nothing in it changes any more."""

    folder: Path
    projection: Projection
    days: tuple[LedgerDay, ...]


class AccountBooks:
    """The newest days of each account's ledger, and what of it is not in the files of *folder* yet."""

    def __init__(self, folder: Path, book: Book, booked: Iterable[Booked], fee_factor: Decimal) -> None:
        """*booked* is all that the records of *book* booked, the oldest first."""
        self.folder = folder
        self._fee_factor = fee_factor
        self.dirty = False
        self._book = book
        self._since = book.seq
        self._entered = 0
        self._ledgers: dict[tuple[str, str], Ledger] = {}
        for one in booked:
            self._enter(one)

    def take(self, booked: Booked) -> None:
        """Something was booked: the files are behind."""
        self._enter(booked)
        self.dirty = True

    def _enter(self, booked: Booked) -> None:
        key = (booked.broker, booked.account)
        ledger = self._ledgers.get(key)
        if ledger is None:
            ledger = self._ledgers[key] = Ledger(*key)
        ledger.add(booked.entry)
        self._entered = booked.entry.seq

    def work(self) -> Work:
        """What the files are behind with; they count as written from here on."""
        book = self._book
        pages = (page for ledger in self._ledgers.values() for page in ledger.pages(self._since))
        days = tuple(_ledger_day(book.generation, page) for page in pages)
        # Not the book's seq: what the book has and the disk has not yet is taken later, and written then.
        self._since, self.dirty = self._entered, False
        return Work(self.folder, projection_of(book, self._fee_factor), days)

    def again(self) -> None:
        """The last work was not written: it is still to be done."""
        self._since, self.dirty = 0, True


def standings(book: Book, fee_factor: Decimal) -> tuple[Standing, ...]:
    """Every position of *book* as it stands, by account and market; for *fee_factor* see ``Settings``."""
    return tuple(
        position.standing(fee_factor)
        for _, held in sorted(book.positions.items())
        for _, position in sorted(held.items())
    )


def projection_of(book: Book, fee_factor: Decimal) -> Projection:
    """What ``pps.toml`` is to say."""
    return Projection(book.generation, book.seq, fee_factor, standings(book, fee_factor))


def _ledger_day(generation: str, page: Page) -> LedgerDay:
    return LedgerDay(generation, page.entries[-1].seq, page)


def unrealized(book: Book, seen: Seen, account: str, market: str) -> Decimal | None:
    """What closing a position at the last prices *seen* would win or lose; see :meth:`EMS.unrealized`."""
    position = book.positions.get(account, {}).get(market)
    if position is None or not position.size:
        return Decimal(0)
    offered = seen.bid if position.size > 0 else seen.ask
    price = seen.last if offered is None else offered
    return None if price is None else position.unrealized(price)


def write(work: Work) -> list[SetAside]:
    """Write the files; what was unreadable in their place is kept aside, and must be told.

    Raises:
        OSError: the disk failed; every file is there whole, the old one or the new one.
    """
    found = [write_ledger(work.folder, day) for day in work.days]
    found.append(write_pps(work.folder / PPS, work.projection))
    return [aside for aside in found if aside is not None]


def holds_closed(folder: Path, generation: str, closed: Iterable[ClosedDay]) -> bool:
    """Whether the files in *folder* hold the days that a snapshot knows by their hashes alone."""
    return all(_holds_closed(folder, generation, day) for day in closed)


def _holds_closed(folder: Path, generation: str, day: ClosedDay) -> bool:
    found = _held(folder, Page(day.broker, day.account, day.day, ()))
    return (
        found is not None
        and (found.generation, found.seq) == (generation, day.seq)
        and digest_of_day(found.page.entries) == day.digest
    )


def rebuild(folder: Path, book: Book, booked: Iterable[Booked], fee_factor: Decimal) -> list[SetAside]:
    """Write what is stale or gone in *folder*, so that it says what *book* says; *booked* is all it booked,
    but for the days that :func:`holds_closed` found there.

    Raises:
        OSError: the disk failed.
    """
    by_account: dict[tuple[str, str], list[Booked]] = {}
    for one in booked:
        by_account.setdefault((one.broker, one.account), []).append(one)
    days = [
        _ledger_day(book.generation, page)
        for key, own in by_account.items()
        for page in pages_of(*key, (one.entry for one in own))
    ]
    found: list[SetAside | None] = []
    for day in days:
        held = _held(folder, day.page)
        if held is not None and _is_anothers(held, day.generation):
            problem = f"it was written from record {held.seq} of other records, {held.generation}"
            found.append(set_aside(ledger_path(folder, day.page), 1, problem))
        if held != day:
            found.append(write_ledger(folder, day))
    projection, known = projection_of(book, fee_factor), _positions(folder)
    if known is None or known[:-1] != projection[:-1]:
        found.append(write_pps(folder / PPS, projection))
    return [aside for aside in found if aside is not None]


def told_in(
    folder: Path, unreadable: Callable[[Path, Unreadable], None] = lambda _path, _problem: None
) -> Iterator[Told]:
    """What each file in *folder* was written from, that of the positions first; one that cannot be read, or
    was written from no record, tells nothing. *unreadable* is called with the former.

    Raises:
        OSError: one could not be read.
    """
    for path in (folder / PPS, *sorted((folder / "ledger").glob("*/*/*.toml"))):
        try:
            found = read_pps(path) if path.name == PPS else read_ledger(path)
        except Unreadable as problem:
            unreadable(path, problem)
            continue
        if found is not None and found.seq:
            yield Told(path, found.generation, found.seq)


def told_of(folder: Path, known: str = "") -> Told | None:
    """What a file in *folder* was written from; None where none tells, or of no record, or of a replay, or of
    the log *known*.
    """
    return next((told for told in told_in(folder) if _is_anothers(told, known)), None)


def _is_anothers(found: Projection | LedgerDay | Told, known: str) -> bool:
    """Whether *found* is of other records than *known*, and such as cannot be made again."""
    return found.generation not in (REPLAYED, known)


def check_own(folder: Path, book: Book, where: str) -> Projection | None:
    """The files in *folder* were written from the records in *where*, which *book* is made of, if from any.

    What is given back is what they say of the positions, which speaks for the ledger beside it; None where
    that is gone or cannot be read.

    Raises:
        LogDamaged: there are no records in *where*: nor may there have been one.
        ClientFault: they were written from other ones.
        OSError: one could not be read.
    """
    known = _positions(folder)
    if known is not None and known.seq and known.generation == book.generation:
        return known
    told = told_of(folder, book.generation)
    if told is not None:
        raise _of_others(told, folder, book.generation, where)
    return None


def check_behind(folder: Path, book: Book, where: str) -> None:
    """As :func:`check_own`, and from no later ones than are durable in *where*: only durable ones ever reach
    the files, so the newest have been lost there.

    Raises:
        LogDamaged: they are lost, or all of them.
        ClientFault: the files were written from other records.
        OSError: one could not be read.
    """
    known = check_own(folder, book, where)
    told = [] if known is None else [Told(folder / PPS, *known[:2])]
    # Either may be the later one: the ledger is written first, and each may be put back without the other.
    newest = max((*told, *_newest_days(folder, book.generation)), key=lambda one: one.seq, default=None)
    if newest is not None and newest.seq > book.seq:
        raise _ahead(newest, book.seq, where)


def check_told(told: Sequence[Told], folder: Path, generation: str, seq: int, where: str) -> None:
    """As :func:`check_behind`, of what the files in *folder* told before the records *generation* in *where*
    were read up to their last, *seq*. A program that writes both meanwhile brings the files behind the
    records, so that only those that were read first can be held against them.

    Raises:
        LogDamaged: the newest records are lost, or all of them.
        ClientFault: the files were written from other records.
    """
    own = [one for one in told if one.generation == generation]
    others = [one for one in told if _is_anothers(one, generation)]
    # The file of the positions speaks for the ledger beside it.
    if others and not any(one.path == folder / PPS for one in own):
        raise _of_others(others[0], folder, generation, where)
    check_not_ahead(own, seq, where)


def check_not_ahead(told: Iterable[Told], seq: int, where: str) -> None:
    """None of the files that *told* was written from a later record than *seq*, the last in *where*.

    Raises:
        LogDamaged: one was.
    """
    newest = max(told, key=lambda one: one.seq, default=None)
    if newest is not None and newest.seq > seq:
        raise _ahead(newest, seq, where)


def _of_others(told: Told, folder: Path, generation: str, where: str) -> LogDamaged | ClientFault:
    """A file in *folder* is of other records than *generation*, that of the records in *where*; it is empty
    where there are none.
    """
    if not generation:
        return LogDamaged(
            where,
            0,
            f"it is not there, or has no records, and {told.path} was written from record {told.seq} of the "
            f"records {told.generation}: put them back, with all that lay beside them; to begin anew take "
            f"another folder, or move away all that is in {folder}, and compare orders and positions with "
            "the venue by hand",
        )
    return ClientFault(
        f"{told.path} was written from record {told.seq} of the records {told.generation}, and {where} has "
        f"the records {generation}, which would be written over it: take another folder for these "
        f"accounts, or move away what is in {folder}"
    )


def _ahead(newest: Told, seq: int, where: str) -> LogDamaged:
    """That file was written from a later record than *seq*, the last in *where*."""
    return LogDamaged(
        where,
        seq + 1,
        f"{newest.path} was written from record {newest.seq}, and the records end here: the newest are "
        f"lost, or an old copy stands in their place; {_REMEDIES.get(newest.generation, _BY_HAND)}",
        "record",
    )


def _newest_days(folder: Path, generation: str) -> Iterator[Told]:
    """Of each account the newest day that was written from the records *generation*, where one can be read:
    a day that is over changes no more.
    """
    for account in (folder / "ledger").glob("*/*"):
        for path in sorted(account.glob("*.toml"), reverse=True):
            try:
                found = read_ledger(path)
            except Unreadable:
                continue
            if found is not None and found.generation == generation:
                yield Told(path, found.generation, found.seq)
                break


def _positions(folder: Path) -> Projection | None:
    """What ``pps.toml`` in *folder* holds; None where there is none that can be read."""
    try:
        return read_pps(folder / PPS)
    except Unreadable:
        return None


def _held(folder: Path, page: Page) -> LedgerDay | None:
    """What the file of that day in *folder* holds; None where there is none that can be read."""
    try:
        return read_ledger(ledger_path(folder, page))
    except Unreadable:
        return None
