"""What options look like on the command line: markets, times, numbers and files, as click types."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal, NoReturn

import click
from msgspec.structs import replace

from fsm_ems.account_books import REPLAYED, Told, check_not_ahead, check_own, check_told, told_in
from fsm_ems.accounting.commented_file import Unreadable
from fsm_ems.cli.faults import WrongInput
from fsm_ems.dialogs.book import Book
from fsm_ems.dialogs.recall import SOME_LOG
from fsm_ems.errors import ClientFault, LogDamaged, OrderFileError
from fsm_ems.journal.file import FILE as RECORDS
from fsm_ems.journal.file import RecordFile
from fsm_ems.journal.sqlite_read import JournalReader
from fsm_ems.journal.sqlite_store import FILE as JOURNAL
from fsm_ems.market import Market
from fsm_ems.numbers import exact

INPUT_FILE = click.Path(exists=True, dir_okay=False, readable=True, path_type=Path)

_UNITS_NS = {"ns": 1, "us": 10**3, "µs": 10**3, "ms": 10**6, "s": 10**9}
_SPAN = re.compile(r"(\d{1,12}(?:\.\d{1,9})?)\s*(ns|us|µs|ms|s)", re.ASCII)
_FQME = re.compile(r"[a-z0-9_/-]{1,40}\.[a-z0-9_]{1,20}", re.ASCII)
_QUOTES = ("usdt", "usdc", "usd", "eur", "gbp", "chf", "jpy", "btc", "xbt", "eth")
_NUMBERS = ("price_tick", "size_tick", "min_size", "min_cost", "maker_bps", "taker_bps")
_TEXTS = ("base", "quote")

_TICKS = (Decimal("0.01"), Decimal("0.000001"))

MARKET_DEFAULT = "btcusdt.paper,price_tick=0.01,size_tick=0.000001"


FEE_FACTOR = "How many times the fee of what was opened is in a price per unit."


class Number(click.ParamType[Decimal]):
    """A decimal number above zero, read exactly; or zero, if *or_zero*."""

    name = "number"

    def __init__(self, *, or_zero: bool = False) -> None:
        self._or_zero = or_zero

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> Decimal:
        try:
            number = exact(value)
        except ValueError as error:
            self.fail(f"{value!r}: {error}", param, ctx)
        if number < 0 or not (number or self._or_zero):
            self.fail(f"{value!r} is not {'zero or ' * self._or_zero}above zero", param, ctx)
        return number


class Span(click.ParamType[int]):
    """A time such as ``0ms``, ``1.5ms`` or ``200us``, as whole nanoseconds."""

    name = "time"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> int:
        found = _SPAN.fullmatch(value.strip())
        if found is None and value.strip() == "0":
            return 0
        if found is None:
            self.fail(f"{value!r} is no time: write 0ms, 1.5ms, 200us, 350ns or 2s", param, ctx)
        nanoseconds = Decimal(found[1]) * _UNITS_NS[found[2]]
        if nanoseconds != nanoseconds.to_integral_value():
            self.fail(f"{value!r} is not a whole number of nanoseconds", param, ctx)
        return int(nanoseconds)


class MarketText(click.ParamType[Market]):
    """``ADDRESS,name=value,…``, such as ``btcusdt.paper,price_tick=0.01,maker_bps=2``."""

    name = "market"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> Market:
        address, *pairs = (part.strip() for part in value.split(","))
        if _FQME.fullmatch(address) is None:
            self.fail(
                f"{address!r} is no address: write what is traded, a point and the broker, in lower case",
                param,
                ctx,
            )
        market = Market(address, *_assets(address), *_TICKS)
        changes: dict[str, Any] = {}
        for pair in pairs:
            name, _, text = (part.strip() for part in pair.partition("="))
            if name in _TEXTS and text:
                changes[name] = text
            elif name in _NUMBERS:
                changes[name] = self._number(name, text, param, ctx)
            else:
                self._unknown(pair, param, ctx)
        return replace(market, **changes)

    def _number(
        self, name: str, text: str, param: click.Parameter | None, ctx: click.Context | None
    ) -> Decimal:
        try:
            number = exact(text)
        except ValueError as error:
            self.fail(f"{name}={text}: {error}", param, ctx)
        if name.startswith("min_") and number < 0:
            self.fail(f"{name}={text}: zero or more is needed", param, ctx)
        if name.endswith("_tick") and number <= 0:
            self.fail(f"{name}={text}: a number above zero is needed", param, ctx)
        return number

    def _unknown(self, pair: str, param: click.Parameter | None, ctx: click.Context | None) -> NoReturn:
        known = ", ".join((*_NUMBERS, *_TEXTS))
        self.fail(f"{pair!r} is not NAME=VALUE with a NAME of {known}", param, ctx)


def _assets(address: str) -> tuple[str, str]:
    """Base and quote as far as the address tells: ``btcusdt`` is btc in usdt."""
    traded = address.partition(".")[0]
    base, slash, quote = traded.partition("/")
    if slash and base and quote:
        return base, quote
    for known in _QUOTES:
        if traded.endswith(known) and traded != known:
            return traded.removesuffix(known), known
    return traded, "quote"


def read_text(path: Path) -> str:
    """A whole small file as text.

    Raises:
        OrderFileError: it cannot be read, or is no text.
    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise OrderFileError(str(path), error.strerror or "it cannot be read") from None
    except UnicodeDecodeError as error:
        raise OrderFileError(str(path), f"not UTF-8 text: {error.reason} at byte {error.start}") from None


def records_in(directory: Path) -> tuple[Path, RecordFile | JournalReader]:
    """The journal or record file in *directory*, or which *directory* is, and where; reading verifies.

    A record file is verified now, and a torn last line is noted.

    Raises:
        WrongInput: there is none.
        LogDamaged: a line is altered or out of order; or there is none, and the accounts' files tell of
            records, so that a start would refuse the folder in the same words.
    """
    if directory.name == JOURNAL or (directory / JOURNAL).exists():
        reader = JournalReader(directory.parent if directory.name == JOURNAL else directory)
        return reader.path, reader
    path = directory / RECORDS if directory.is_dir() else directory
    if not path.exists():
        if directory.is_dir():
            check_own(directory, Book(), str(directory / JOURNAL))
        raise WrongInput(f"{directory} holds no records: there is no {JOURNAL} and no {RECORDS} in it")
    records = RecordFile(path)
    torn = records.check()
    if torn is not None:
        click.echo(f"note: {path}, line {torn} is torn or being written, and left out", err=True)
    return path, records


def located(damage: LogDamaged, path: Path) -> LogDamaged:
    """*damage* with *path*, where whoever found it knew no file."""
    if damage.where != SOME_LOG:
        return damage
    counted: Literal["line", "record"] = "record" if path.name == JOURNAL else "line"
    return LogDamaged(str(path), damage.line, damage.problem, counted)


def accounts_told(records: RecordFile | JournalReader) -> tuple[Told, ...]:
    """What the accounts' files beside *records* were written from, for :func:`check_accounts` once those have
    been read. A file that cannot be read is noted: it tells nothing, and a start would write it anew.
    """
    return tuple(told_in(records.path.parent, _note_unreadable))


def _note_unreadable(path: Path, problem: Unreadable) -> None:
    click.echo(f"note: {path}, {problem}; it was not compared with the records", err=True)


def check_accounts(told: Sequence[Told], path: Path, generation: str, seq: int) -> None:
    """The files that *told* it go with the records at *path*, whose last is *seq*: or what they tell is not
    all that was, and an EMS would not start with such a journal. A record file may lie beside the accounts of
    other records, and be behind them where its writer does not sync it; but the one that a replay keeps
    beside its accounts is written to its end before them.

    Raises:
        WrongInput: they were written from other records.
        LogDamaged: they were written from later ones.
    """
    if path.name != JOURNAL:
        told = told if path.name == RECORDS and generation in ("", REPLAYED) else ()
        own = (one for one in told if one.generation == REPLAYED)
        check_not_ahead(own, seq, str(path))
        return
    try:
        check_told(told, path.parent, generation, seq, str(path))
    except ClientFault as fault:
        raise WrongInput(str(fault)) from fault
