"""``fsm-ems journal``: whether records are as they were written, and the records themselves."""

from __future__ import annotations

import sys
from contextlib import closing
from pathlib import Path

import click

from fsm_ems.cli.faults import Failure, WrongInput
from fsm_ems.cli.options import accounts_told, check_accounts, located, records_in
from fsm_ems.dialogs.settings import Settings
from fsm_ems.errors import LogDamaged
from fsm_ems.journal.archive import segments_in
from fsm_ems.journal.archiving import archive
from fsm_ems.journal.codec import encode
from fsm_ems.journal.file import RecordFile
from fsm_ems.journal.keeping import alone
from fsm_ems.journal.replay import Restored, replay
from fsm_ems.journal.snapshots import Checker, formed, make
from fsm_ems.journal.sqlite import Journal
from fsm_ems.journal.sqlite_read import JournalReader
from fsm_ems.journal.sqlite_store import FIRST_PREV

_DIR = click.Path(exists=True, path_type=Path)

_EXAMPLES = """\b
Examples:
  fsm-ems journal verify live
  fsm-ems journal dump live | jq .kind
  fsm-ems journal dump live --oid buy-1
  fsm-ems journal snapshot live
"""


@click.group(epilog=_EXAMPLES)
def journal() -> None:
    """Look at the records in a folder; that of a live program is read and not disturbed.

    But for snapshot, which is for the folder of a program that has ended.
    """


@journal.command()
@click.argument("directory", metavar="DIR", type=_DIR)
def verify(directory: Path) -> None:
    """Verify every record in DIR.

    Checksums, order, that each record can follow from those before it, and in a journal the chain of hashes
    through all archive segments, and what records are found by. The hash of the last record stands for all
    before it: kept elsewhere, it shows later whether the end was cut off. Each snapshot is compared with what
    the records lead to. The exit code is 2 if anything is not as it was written, and the message says what to
    do. So is it if pps.toml or the ledger beside them was written from later records than there are, or
    beside a journal from other ones: it does not start then. One that cannot be read is noted.
    """
    path, records = records_in(directory)
    try:
        _verify(path, records)
    except LogDamaged as damage:
        raise located(damage, path) from damage


def _verify(path: Path, records: JournalReader | RecordFile) -> None:
    if isinstance(records, JournalReader):
        snapshots, told = Checker(path.parent), accounts_told(records)
        count, digest, generation = records.check(snapshots.see)
        snapshots.finish()
        check_accounts(told, path, generation, count)
        segments = segments_in(path.parent)
        click.echo(f"{path}: {count} records, all as they were written; the hash of the last is {digest}")
        if segments:
            upto = segments[-1].last
            click.echo(
                f"{path.parent}: {len(segments)} archive segments among them, with records 1 to {upto}"
            )
        for line in snapshots.unread:
            click.echo(line)
        if snapshots.checked:
            click.echo(f"{path.parent}: {snapshots.checked} snapshots, all what their records lead to")
    else:
        told, book = accounts_told(records), replay(records)
        check_accounts(told, path, book.generation, book.seq)
        click.echo(f"{path}: {book.seq} records, all as they were written")


@journal.command()
@click.argument("directory", metavar="DIR", type=_DIR)
@click.option(
    "--keep",
    metavar="N",
    type=click.IntRange(0),
    default=Settings().keep_events,
    show_default=True,
    help="Statuses of each stream to keep in it; a start that wants more does not use it.",
)
@click.option(
    "--archive-every",
    metavar="N",
    type=click.IntRange(0),
    default=Settings().archive_every,
    show_default=True,
    help="Move old records once there are so many of them; 0 for never.",
)
def snapshot(directory: Path, keep: int, archive_every: int) -> None:
    """Write a snapshot of the records in DIR: the next start folds what comes after it, and no more.

    Every record is verified and folded for it, and the newest snapshot with the records since: both must come
    to the same. What is before the older of the two newest snapshots moves into an archive segment beside the
    journal; no record is dropped. The exit code is 2 if anything is not as it was written.
    """
    _, found = records_in(directory)
    if not isinstance(found, JournalReader):
        raise WrongInput(f"{directory} holds a record file: snapshots are of a journal")
    folder, restored, last = found.path.parent, Restored(keep), FIRST_PREV
    with closing(Journal(folder)) as records, alone(folder):
        for record, digest in records.after(0, FIRST_PREV):
            restored.take(record)
            last = digest
        if not restored.book.seq:
            raise Failure(f"there are no records in {folder}")
        path = make(folder, records, keep, formed(restored, last, keep))
        click.echo(f"{path}: what records 1 to {restored.book.seq} lead to")
        before, segment = segments_in(folder), archive(folder, records, archive_every)
        if segment is not None:
            records.let_go(segment)
        if segment is not None and segment not in before:
            click.echo(f"{segment.path}: records {segment.first} to {segment.last}")


@journal.command()
@click.argument("directory", metavar="DIR", type=_DIR)
@click.option("--oid", metavar="OID", help="The records of orders of this name alone.")
@click.option("--owner", metavar="NAME", help="With --oid: whose order.")
def dump(directory: Path, oid: str | None, owner: str | None) -> None:
    """Write the records in DIR to stdout, one JSON object a line.

    The exit code is 1 if there is no such order.
    """
    if owner is not None and oid is None:
        raise click.UsageError("--owner is about one order: say --oid as well")
    _, records = records_in(directory)
    if oid is None:
        for record in records:
            sys.stdout.write(encode(record) + "\n")
        return
    owners = records.owners(oid) if owner is None else (owner,)
    found = sorted((record for one in owners for record in records.of(one, oid)), key=lambda one: one.seq)
    if not oid or not found:
        raise Failure(f"there are no records of an order {oid}")
    for record in found:
        sys.stdout.write(encode(record) + "\n")
