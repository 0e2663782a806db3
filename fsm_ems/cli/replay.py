"""``fsm-ems replay``: orders against a recorded market."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from decimal import Decimal
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, get_args

import click

from fsm_ems.account_books import rebuild, standings, told_of
from fsm_ems.accounting.position import ENTRY_AND_EXIT
from fsm_ems.brokers.paper.engine import PaperEngine
from fsm_ems.brokers.paper.tape_file import read_tape
from fsm_ems.cli.options import (
    FEE_FACTOR,
    INPUT_FILE,
    MARKET_DEFAULT,
    MarketText,
    Number,
    Span,
    read_text,
)
from fsm_ems.cli.positions import position_json
from fsm_ems.dialogs.dispatcher import Append
from fsm_ems.dialogs.facts import EXACT
from fsm_ems.dialogs.outward import status_of
from fsm_ems.dialogs.record import Record
from fsm_ems.dialogs.settings import Limits, Settings
from fsm_ems.errors import Refused, TapeFileError
from fsm_ems.journal.archive import segments_in
from fsm_ems.journal.file import FILE as RECORDS
from fsm_ems.journal.file import FileLog, RecordFile
from fsm_ems.journal.replay import Restored
from fsm_ems.journal.snapshots import snapshots_in
from fsm_ems.journal.sqlite_store import FILE as JOURNAL
from fsm_ems.market import FillModel, Market
from fsm_ems.numbers import plain
from fsm_ems.orders_file import TimedCommand, parse_orders
from fsm_ems.quotes import Quote, Row
from fsm_ems.replay import Outcome, Replay
from fsm_ems.report.run import Setup
from fsm_ems.tally import Tally, fill_of, short

if TYPE_CHECKING:
    from fsm_ems.cli.report import PageFile

_EXAMPLES = """\b
Examples:
  fsm-ems replay tape.csv --orders orders.toml
  fsm-ems replay tape.csv --orders orders.toml --fill-model queue --latency 1.5ms
  fsm-ems replay tape.csv --orders orders.toml --json | jq 'select(.name == "fill")'
  fsm-ems replay tape.csv --orders orders.toml --out run1 && fsm-ems why my-order run1
  fsm-ems replay tape.csv --orders orders.toml --report run.html
\b
The tape is CSV with the header
  time_ns,kind,bid,bid_size,ask,ask_size,price,size,side,trade_id
and rows of kind quote (the first four numbers) or trade (the rest).
\b
The orders are TOML, times in ns on the tape's clock:
  [[order]]
  at = 1610064002000000000
  oid = "buy-1"
  side = "buy"
  size = "0.5"
  price = "39430.00"
  [[edit]]                  # size is the new total
  at = 1610064010000000000
  oid = "buy-1"
  size = "0.7"
  [[cancel]]
  at = 1610064020000000000
  oid = "buy-1"
"""

_MARKET_HELP = """\
The tape's market as ADDRESS[,NAME=VALUE]...: price_tick, size_tick, min_size, min_cost, maker_bps, \
taker_bps, base, quote. Orders that name no market are for it. The address tells base and quote, \
where it ends in a known one such as usdt, or has a slash between them."""


@click.command(epilog=_EXAMPLES)
@click.argument("tape", type=INPUT_FILE)
@click.option("--orders", type=INPUT_FILE, required=True, help="Orders, edits and cancels at tape times.")
@click.option("--market", type=MarketText(), default=MARKET_DEFAULT, show_default=True, help=_MARKET_HELP)
@click.option(
    "--fill-model", type=click.Choice(get_args(FillModel)), default="touch", show_default=True,
    help="When a print exactly at its limit fills a resting order: at once, never, or after the queue ahead.",
)  # fmt: skip
@click.option(
    "--latency", "latency_ns", type=Span(), default="0ms", show_default=True,
    help="How long a request is on its way: 0ms, 1.5ms, 200us, 2s.",
)  # fmt: skip
@click.option("--max-size", type=Number(), help="Refuse orders above this size.")
@click.option("--max-value", type=Number(), help="Refuse orders above this size times price.")
@click.option(
    "--fee-factor", type=Number(or_zero=True), default=str(ENTRY_AND_EXIT), show_default=True, help=FEE_FACTOR
)
@click.option(
    "--out", type=click.Path(file_okay=False, path_type=Path),
    help="Keep the records in this directory, for `fsm-ems why` and `fsm-ems positions`: as a plain file "
    "without syncs, for speed. A power cut may take its end; play the tape again.",
)  # fmt: skip
@click.option(
    "--report", "page", type=click.Path(dir_okay=False, writable=True, path_type=Path), metavar="FILE.html",
    help="Write a page of the run: prices, orders, fills, PnL, each order's steps. Needs plotly. Only an "
    "earlier page is written over.",
)  # fmt: skip
@click.option(
    "--json", "as_json", is_flag=True, help="One JSON object a line: statuses, fills, refusals, positions."
)
def replay(  # noqa: PLR0913, PLR0917 -- click hands every option over by its name
    tape: Path,
    orders: Path,
    market: Market,
    fill_model: FillModel,
    latency_ns: int,
    max_size: Decimal | None,
    max_value: Decimal | None,
    fee_factor: Decimal,
    out: Path | None,
    *,
    page: Path | None,
    as_json: bool,
) -> None:
    """Play the recorded market TAPE against ORDERS on the paper venue.

    The same files and options give the same output each time. A command that the EMS refuses (a limit, a
    cancel that comes too late) is told as part of the result; the exit code stays 0.
    """
    commands = parse_orders(read_text(orders), str(orders), market.fqme)
    tally = Tally(commands)
    with ExitStack() as stack:
        rows = _begun(read_tape(tape), tape)
        engine = PaperEngine({market.fqme: market}, fill_model=fill_model, latency_ns=latency_ns)
        # After all that can be wrong at the start: a log that is there already would refuse the next attempt.
        log = None if out is None else _record_log(out, stack)
        file = None if page is None else _page_file(page, (tape, orders), stack)  # it may lie there
        append: Append = _unkept if log is None else log.append
        start_ns = min(rows.first.time_ns, commands[0].at_ns)
        append = append if file is None else file.noting(append)
        settings = _settings(max_size, max_value, fee_factor)
        run = Replay(market, engine, append, start_ns=start_ns, settings=settings)
        played: Iterable[Row] = chain((rows.first,), rows.rest)
        if sys.stderr.isatty() and not (as_json and sys.stdout.isatty()):
            played = _with_progress(played, tape, stack)
        ticks = _Ticks(market.price_tick)
        played = ticks.watching(played)
        for outcome in run.run(played if file is None else file.watching(played), commands):
            tally.take(outcome)
            if as_json:
                sys.stdout.write(_json(outcome))
        held = standings(run.dispatcher.book, fee_factor)
        if as_json:
            for position in held:
                sys.stdout.write(position_json(position) + "\n")
        if file is not None:
            file.write(Setup(_name(tape), _name(orders), market, fill_model, latency_ns), tally)
        if log is not None:
            _keep(log, fee_factor)
    _note_outside(commands, rows.first.time_ns, run.last_row_ns)
    ticks.note_off(run.rows)
    if as_json:
        return
    from fsm_ems.cli.tables import print_tally

    print_tally(tally, market, held, rows=run.rows, kept=out, page=page)


def _keep(log: FileLog, fee_factor: Decimal) -> None:
    """The run came to its end: its records get their name, and the accounts' files go beside them."""
    log.close()
    directory, restored = log.path.parent, Restored()
    log.path.replace(directory / RECORDS)
    for record in RecordFile(directory / RECORDS):
        restored.take(record)
    rebuild(directory, restored.book, restored.booked, fee_factor)


def _name(path: Path) -> str:
    """A file's name as a page can carry it: bytes that are no text are replaced."""
    return click.format_filename(path, shorten=True)


def _page_file(path: Path, inputs: Iterable[Path], stack: ExitStack) -> PageFile:
    from fsm_ems.cli.report import PageFile

    return PageFile(path, inputs, stack)


def _note_outside(commands: Iterable[TimedCommand], first_ns: int, last_ns: int) -> None:
    """Commands before or after the tape are played, and are most likely a mistake in their times."""
    early = sum(timed.at_ns < first_ns for timed in commands)
    late = sum(timed.at_ns > last_ns for timed in commands)
    if early or late:
        total = early + late
        click.echo(
            f"note: {total} {'command lies' if total == 1 else 'commands lie'} outside the tape's time, "
            f"{first_ns} to {last_ns}: {early} before it, {late} after it",
            err=True,
        )


class _Ticks:
    """How many rows of a tape have a price that its market does not know: the market is most likely not that
    of the tape.
    """

    def __init__(self, tick: Decimal) -> None:
        self._tick = tick
        self._off = 0

    def watching(self, rows: Iterable[Row]) -> Iterator[Row]:
        """*rows* as they are played."""
        tick, past = self._tick, EXACT.remainder
        for row in rows:
            if isinstance(row, Quote):
                self._off += bool(past(row.bid, tick) or past(row.ask, tick))
            elif past(row.price, tick):
                self._off += 1
            yield row

    def note_off(self, rows: int) -> None:
        """Say how many of all *rows* they were, if any."""
        if self._off:
            click.echo(
                f"note: {self._off:,} of {rows:,} rows have a price that is no multiple of price_tick "
                f"{plain(self._tick)}: say the market's own, --market ADDRESS,price_tick=TICK",
                err=True,
            )


class _Begun(NamedTuple):
    first: Row
    rest: Iterator[Row]


def _begun(rows: Iterator[Row], tape: Path) -> _Begun:
    """A tape's first row tells when the run starts."""
    first = next(rows, None)
    if first is None:
        raise TapeFileError(str(tape), "there is no row in it")
    return _Begun(first, rows)


def _settings(max_size: Decimal | None, max_value: Decimal | None, fee_factor: Decimal) -> Settings:
    limited = max_size is not None or max_value is not None
    return Settings(limits={"*": Limits(max_size, max_value)} if limited else {}, fee_factor=fee_factor)


def _unkept(record: Record) -> None:
    """Where no record log is asked for, a record has done its work once it is applied."""


def _record_log(directory: Path, stack: ExitStack) -> FileLog:
    """A new record log in *directory*; what an earlier run left there is never added to.

    It gets its name when the run has come to its end, and is gone where it does not: half a run is none, and
    would refuse the next attempt.
    """
    found = _kept_in(directory)
    if found is not None:
        raise click.BadParameter(f"{found} is there already: name another directory", param_hint="'--out'")
    begun = directory / f"{RECORDS}.begun"
    if begun.exists():  # of a run that was killed
        begun.unlink()
    log = FileLog(begun)
    stack.callback(begun.unlink, missing_ok=True)
    stack.callback(log.close)
    return log


def _kept_in(directory: Path) -> Path | None:
    """What tells of records in *directory*, be it of a run or of an EMS that may have it open; None where
    nothing does. The accounts' files of an EMS would be written over.
    """
    if not directory.is_dir():
        return None
    found = [path for path in (directory / RECORDS, directory / JOURNAL) if path.exists()]
    found += [segment.path for segment in segments_in(directory)]
    found += snapshots_in(directory)
    told = told_of(directory)
    return next(iter(found), None if told is None else told.path)


def _with_progress(rows: Iterable[Row], tape: Path, stack: ExitStack) -> Iterable[Row]:
    """*rows*, with a bar on stderr while they are played."""
    from fsm_ems.cli.tables import progress

    with tape.open("rb") as file:
        total = sum(block.count(b"\n") for block in iter(lambda: file.read(1 << 20), b"")) - 1
    return stack.enter_context(progress()).track(rows, total=total, description=tape.name)


def _json(outcome: Outcome) -> str:
    """What happened, as one object a line: the status, after it the fill it tells of."""
    if isinstance(outcome, Refused):
        refused = {"name": "refused", "oid": outcome.oid, "code": outcome.code, "why": outcome.why}
        return _line(refused)
    status = status_of(outcome).to_json() + "\n"
    fill = fill_of(outcome)
    if fill is None:
        return status
    return status + _line(
        {
            "name": "fill",
            "oid": outcome.record.oid,
            "exec_id": fill.exec_id,
            "time_ns": fill.time_ns,
            "size": plain(fill.size),
            "price": plain(fill.price),
            "fee": short(fill.fee),
            "liquidity": fill.liquidity,
        }
    )


def _line(fields: Mapping[str, object]) -> str:
    return json.dumps(fields, separators=(",", ":")) + "\n"
