"""Snapshots of a journal: what its records lead to, so that a start need not fold all of them again.

``snapshot-SEQ`` holds a line of JSON and then the fold of records 1 to SEQ as
:mod:`fsm_ems.journal.snapshot_form` writes it. The line says whose it is: the journal's generation, the hash
of record SEQ, which stands for all before it, the version that folded, and a hash of what follows. A snapshot
is a projection: it drops no record, and whatever is wrong with one, the records are folded from the first
again.

None gets its name before it is proven: it is read back, packed again, and compared with a fold of its own
(:func:`make`). ``fsm-ems journal verify`` folds every record and compares each snapshot with that.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Literal, NamedTuple

import msgspec

from fsm_ems.accounting.atomic_file import DISK, Disk, replace_content, set_aside
from fsm_ems.dialogs.book import Book
from fsm_ems.dialogs.record import Opened, Record
from fsm_ems.dialogs.snapshot import facts
from fsm_ems.errors import LogDamaged, SnapshotUnproven
from fsm_ems.journal.replay import Restored
from fsm_ems.journal.snapshot_form import FORM, Whole, hash_of, packed, unpacked
from fsm_ems.journal.sqlite_read import JournalRows
from fsm_ems.journal.sqlite_store import FIRST_PREV, Row, decoded
from fsm_ems.operator_log import operator_log

KEPT = 2
"""How many snapshots stay in a folder: the newest, and one to fall back upon."""
_NAME = re.compile(r"snapshot-(\d{12})", re.ASCII)
MADE_BY = version("fsm_ems")

RowAt = Callable[[int], Row | None]
"""The row of that seq, sound in itself; None where there is none."""


class Head(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The first line. *form* and *made_by* say who can read it: what another version folded may be another
    book. *keep* is how many notices of each stream there are at most.
    """

    v: Literal[1]
    form: str
    made_by: str
    generation: str
    seq: int
    hash: str
    keep: int
    digest: str


class Snapshot(NamedTuple):
    """A file that is whole."""

    path: Path
    head: Head
    content: bytes

    @property
    def foreign(self) -> bool:
        """Whether another version made it."""
        return (self.head.form, self.head.made_by) != (FORM, MADE_BY)


_read_head = msgspec.json.Decoder(Head).decode


def snapshots_in(folder: Path) -> list[Path]:
    """Those in *folder*, the newest first."""
    return sorted((path for path in folder.iterdir() if _NAME.fullmatch(path.name)), reverse=True)


def seq_of(path: Path) -> int:
    """The last record of the snapshot that is called like *path*."""
    return int(path.name.rpartition("-")[2])


def read(path: Path) -> Snapshot:
    """The snapshot in a file.

    Raises:
        ValueError: it is not what was written.
        OSError: the disk failed.
    """
    return _parsed(path, path.read_bytes())


def _parsed(path: Path, text: bytes) -> Snapshot:
    line, found, content = text.partition(b"\n")
    try:
        head = _read_head(line)
    except msgspec.MsgspecError as problem:
        raise ValueError(f"its first line: {problem}") from None
    if not found or _name(head.seq) != path.name:
        raise ValueError(f"it is of record {head.seq}, and has another's name, or is cut off")
    if _digest(line, content) != head.digest:
        raise ValueError("the hash does not match: it was altered")
    return Snapshot(path, head, content)


def _name(seq: int) -> str:
    return f"snapshot-{seq:012}"


def _digest(line: bytes, content: bytes) -> str:
    """Over all but the hash itself."""
    return hash_of(line[: line.rindex(b'"digest"')] + content)


def formed(restored: Restored, last: bytes, keep: int) -> bytes:
    """The snapshot of what *restored* has taken, whose last record has the hash *last*."""
    book, content = restored.book, packed(restored.whole(keep))
    head = Head(1, FORM, MADE_BY, book.generation, book.seq, last.hex(), keep, "")
    digest = _digest(msgspec.json.encode(head), content)
    return msgspec.json.encode(msgspec.structs.replace(head, digest=digest)) + b"\n" + content


# ── beginning with one ──────────────────────────────────────────────────────────────────────────────


def begin(folder: Path, restored: Restored, keep: int, row_at: RowAt, *, skip: int = 0) -> tuple[int, bytes]:
    """Have *restored* begin with the newest snapshot in *folder* that is sound, and of the journal whose rows
    *row_at* gives, but for the *skip* newest; the seq and the hash of the last record that it has, as of none
    where it begins with record 1.

    One that cannot be used is set aside, and the operator is told.

    Raises:
        LogDamaged: a snapshot was made of later records than there are: the newest of them are lost.
        OSError: the disk failed.
    """
    for path in snapshots_in(folder)[skip:]:
        try:
            snapshot = read(path)
            if snapshot.foreign:
                raise ValueError(f"fsm_ems {snapshot.head.made_by} made it, which may fold otherwise")  # noqa: TRY301 -- as any of them
            _check_kept(snapshot.head, keep)
            _check_row(snapshot, row_at)
            whole = _whole_of(snapshot)
        except FileNotFoundError:  # whoever made a newer one took it away meanwhile
            continue
        except ValueError as problem:
            aside = set_aside(path, 0, str(problem))
            operator_log().error(
                "snapshot not used", file=aside.path, why=aside.problem, kept_as=aside.kept_as
            )
            continue
        restored.begin(whole)
        return snapshot.head.seq, bytes.fromhex(snapshot.head.hash)
    return 0, FIRST_PREV


def _check_kept(head: Head, keep: int) -> None:
    if head.keep < keep:
        raise ValueError(f"it keeps {head.keep} statuses of each stream, and {keep} are wanted")


def _whole_of(snapshot: Snapshot) -> Whole:
    head, whole = snapshot.head, unpacked(snapshot.content)
    if (whole.book.seq, whole.book.generation) != (head.seq, head.generation):
        raise ValueError("it holds another book than its first line says")
    return whole


def _check_row(snapshot: Snapshot, row_at: RowAt) -> None:
    """The journal must have the record that *snapshot* ends with, whose hash stands for all before it."""
    head = snapshot.head
    last = row_at(head.seq)
    if last is not None and last.hash.hex() == head.hash:
        return
    first = row_at(1)
    opened = None if first is None else decoded(snapshot.path, 1, first.body).payload
    if opened is not None and not (isinstance(opened, Opened) and opened.generation == head.generation):
        raise ValueError(f"it is of the journal {head.generation}, which is not the one in this folder")
    if last is not None:
        raise ValueError("it was made of other records than the journal has")
    raise LogDamaged(
        str(snapshot.path),
        0,
        f"it was made of records up to {head.seq}, and the journal ends before: its newest are lost, or "
        "an old copy stands in its place; find the newest, or compare orders and positions with the "
        f"venue by hand and move {snapshot.path.name} away",
    )


# ── making one ──────────────────────────────────────────────────────────────────────────────────────


def make(
    folder: Path,
    rows: JournalRows,
    keep: int,
    known: Book | bytes,
    disk: Disk = DISK,
    upto: int | None = None,
) -> Path:
    """Keep what the durable records in *folder* lead to, with *keep* notices of each stream; those up to
    *upto*, or as far as they go.

    It is folded from the newest snapshot, if there is one, and the records since. *known* is what somebody
    else made of the same records: the book of the running EMS, or the same file by another fold.

    Raises:
        SnapshotUnproven: it is not what *known* is, or does not read back as it was; nothing was kept.
        LogFault: the records cannot be read.
        OSError: the disk failed.
    """
    restored, last = fold(folder, rows, keep, upto)
    content, path = formed(restored, last, keep), folder / _name(restored.book.seq)
    again = Restored(keep)
    again.begin(_whole_of(_parsed(path, content)))
    _prove(path, "read back", formed(again, last, keep) == content)
    if isinstance(known, Book):
        _prove(path, "compared with the book that was alive", facts(again.book) == facts(known))
    else:
        _prove(path, "compared with another fold of the records", content == known)
    replace_content(path, content, disk)
    for old in snapshots_in(folder)[KEPT:]:
        disk.remove(old)
    return path


def _prove(path: Path, how: str, sound: bool) -> None:  # noqa: FBT001 -- there is nothing else to it
    if not sound:
        raise SnapshotUnproven(f"{path} was not written: {how}, it is something else; please report this")


def fold(
    folder: Path, rows: JournalRows, keep: int, upto: int | None = None, *, skip: int = 0
) -> tuple[Restored, bytes]:
    """What the durable records, up to *upto*, lead to, by the newest snapshot but for *skip* and those since,
    and the last one's hash.
    """
    restored = Restored(keep)
    since, last = begin(folder, restored, keep, rows.row, skip=skip)
    for record, digest in rows.after(since, last, upto):
        restored.take(record)
        last = digest
    return restored, last


# ── checking ────────────────────────────────────────────────────────────────────────────────────────


class Checker:
    """Compares each snapshot in *folder* with what records 1 to its last lead to; give it every record."""

    def __init__(self, folder: Path) -> None:
        """
        Raises:
            LogDamaged: a snapshot is not what was written.
        """
        self.checked = 0
        self.unread: list[str] = []
        self._due: dict[int, Snapshot] = {}
        for path in snapshots_in(folder):
            try:
                snapshot = read(path)
            except FileNotFoundError:  # whoever made a newer one took it away meanwhile
                continue
            except ValueError as problem:
                raise _damaged(path, str(problem)) from None
            if snapshot.foreign:
                self.unread.append(f"{path}: fsm_ems {snapshot.head.made_by} made it, and can check it")
            else:
                self._due[snapshot.head.seq] = snapshot
        self._restored = Restored(max((one.head.keep for one in self._due.values()), default=0))

    def see(self, record: Record, digest: bytes) -> None:
        """Take *record*, whose hash is *digest*, and check the snapshot that ends with it.

        Raises:
            LogDamaged: it is not what the records lead to.
        """
        if not self._due:
            return
        self._restored.take(record)
        snapshot = self._due.pop(record.seq, None)
        if snapshot is None:
            return
        line = msgspec.json.encode(snapshot.head)
        if formed(self._restored, digest, snapshot.head.keep) != line + b"\n" + snapshot.content:
            raise _damaged(snapshot.path, f"it is not what records 1 to {record.seq} lead to")
        self.checked += 1

    def finish(self) -> None:
        """There are no more records.

        Raises:
            LogDamaged: a snapshot is of later ones.
        """
        for seq, snapshot in self._due.items():
            raise _damaged(snapshot.path, f"it was made of records up to {seq}, and the journal ends before")


def _damaged(path: Path, problem: str) -> LogDamaged:
    return LogDamaged(str(path), 0, f"{problem}; move it away: the records do not need it")
