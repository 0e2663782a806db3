"""The ledger's files: one for each account of a broker and UTC day, so that a rewrite is bounded.

An example::

    broker = "kraken"
    account = "main"
    day = "2021-01-08"              # UTC, of the booking
    generation = "5f0c"             # of the record log it was made from
    seq = 9                         # the last record in it
    entries = [
     { seq = 7, booked_ns = 1610107200000000000, market = "a.b", time_ns = 5, exec_id = "T", transfer = "2" },
    ]

The events are written as in ``pps.toml``; one that was taken back stands there again, with
``reverses = true``. It is a projection of the record log, as ``pps.toml`` is, and written in the same way:
what people wrote stays, the functions are safe in a thread, one writer at a time.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from fsm_ems.accounting.atomic_file import DISK, Disk, SetAside
from fsm_ems.accounting.commented_file import (
    Form,
    Item,
    Table,
    Unreadable,
    Value,
    loads,
    rewritten,
    text_at,
    write_over,
)
from fsm_ems.accounting.ledger import Entry, Page
from fsm_ems.accounting.lines import (
    entry_fields,
    entry_of,
    event_ident,
    ident_of,
    tables_of,
    text_of,
    whole_of,
)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _ident(market: str, event: str, *, reverses: bool) -> str:
    return f"{'-' if reverses else '+'} {market} {event}"


def _ident_of(fields: Mapping[str, Any]) -> str:
    return _ident(fields["market"], ident_of(fields), reverses=fields.get("reverses") is True)


_FORM = Form(
    "Ledger, a projection of the record log: fsm_ems writes the values anew, and keeps your comments.",
    "entries",
    _ident_of,
    "",
)


class LedgerDay(NamedTuple):
    """A day's page as the log *generation* has it; *seq* is the last record in it."""

    generation: str
    seq: int
    page: Page


def date_of(day: int) -> str:
    """The date of a day counted from the epoch: ``2021-01-08``."""
    return (_EPOCH + timedelta(days=day)).date().isoformat()


def ledger_path(folder: Path, page: Page) -> Path:
    """Where a page's file is: ``ledger/BROKER/ACCOUNT/DATE.toml``; names hold no more than A-Z a-z 0-9 _ . -.

    Raises:
        ValueError: a name would lead elsewhere.
    """
    for name in (page.broker, page.account):
        if not name or set(name) == {"."} or set(name) & set("/\\\0"):
            raise ValueError(f"{name!r} is no name for a folder")
    return folder / "ledger" / page.broker / page.account / f"{date_of(page.day)}.toml"


def format_ledger(day: LedgerDay, old: str | None = None) -> str:
    """The text of the file, with the comments of *old*.

    Raises:
        Unreadable: *old* is no such file.
    """
    page = day.page
    values: dict[str, Value] = {
        "broker": page.broker,
        "account": page.account,
        "day": date_of(page.day),
        "generation": day.generation,
        "seq": day.seq,
    }
    table = Table((), values, [_item(entry) for entry in page.entries])
    return rewritten(old, _FORM, [table], lambda text: parse_ledger(text) == day)


def _item(entry: Entry) -> Item:
    ident = _ident(entry.market, event_ident(entry.event), reverses=entry.reverses)
    return Item(ident, entry_fields(entry))


def parse_ledger(text: str) -> LedgerDay:
    """What a file holds.

    Raises:
        Unreadable: it is not TOML, or a value is missing or wrong.
    """
    document = loads(text)
    line = 1
    try:
        day = (datetime.fromisoformat(text_of(document, "day")).replace(tzinfo=UTC) - _EPOCH).days
        names = (text_of(document, "broker"), text_of(document, "account"))
        seq, generation = whole_of(document, "seq"), text_of(document, "generation")
        line = text.partition("entries")[0].count("\n") + 1
        entries: list[Entry] = []
        for fields in tables_of(document, "entries"):
            line += 1
            entries.append(entry_of(fields))
        return LedgerDay(generation, seq, Page(*names, day, tuple(entries)))
    except ValueError as error:
        raise Unreadable(line, str(error)) from None


def read_ledger(path: Path) -> LedgerDay | None:
    """What the file holds; None where there is none.

    Raises:
        Unreadable: it is not UTF-8, not TOML, or a value is missing or wrong.
        OSError: it could not be read.
    """
    text = text_at(path)
    return None if text is None else parse_ledger(text)


def write_ledger(folder: Path, day: LedgerDay, disk: Disk = DISK) -> SetAside | None:
    """Write a day's file anew. One that is no TOML is kept aside, and what is returned must be told loudly.

    Raises:
        OSError: the disk failed; the old file or the new one is there whole.
    """
    return write_over(ledger_path(folder, day.page), lambda old: format_ledger(day, old), disk)
