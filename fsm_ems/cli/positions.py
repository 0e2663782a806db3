"""``fsm-ems positions``: what each account holds, from the records of a run."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path

import click

from fsm_ems.account_books import standings
from fsm_ems.accounting.position import ENTRY_AND_EXIT, Standing
from fsm_ems.cli.options import FEE_FACTOR, Number, accounts_told, check_accounts, located, records_in
from fsm_ems.dialogs.book import Book
from fsm_ems.dialogs.exposure import Exposure, exposures
from fsm_ems.dialogs.facts import ZERO
from fsm_ems.errors import LogDamaged
from fsm_ems.journal.replay import replay
from fsm_ems.market import Market, broker_of
from fsm_ems.numbers import plain
from fsm_ems.tally import price_text, rounded

Ranges = Mapping[tuple[str, str], Exposure]

_EXAMPLES = """\b
Examples:
  fsm-ems replay tape.csv --orders orders.toml --out run1
  fsm-ems positions run1
  fsm-ems positions run1 --json | jq .size
"""


@click.command(epilog=_EXAMPLES)
@click.argument("directory", metavar="DIR", type=click.Path(exists=True, path_type=Path))
@click.option(
    "--fee-factor", type=Number(or_zero=True), default=str(ENTRY_AND_EXIT), show_default=True, help=FEE_FACTOR
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line; numbers are text, and exact.")
def positions(directory: Path, fee_factor: Decimal, *, as_json: bool) -> None:
    """Tell every position from the records in DIR.

    While an order is in doubt, the size is a range: as booked, and in brackets what it may really be.

    DIR is where `open_ems(path=DIR)` or `replay --out` keeps them; that of a live program is read and not
    disturbed. Sizes are below zero when short. The price per unit has the entry's fees in it, twice
    unless told otherwise; realized PnL has none. The table shows prices with two digits more than the
    market's tick has, and realized PnL with two more than a price times a size; --json has all of them.
    Nothing is told, and the exit code is 2, where pps.toml or the ledger in DIR was written from later
    records than there are.
    """
    path, records = records_in(directory)
    told = accounts_told(records)
    try:
        book = replay(records)
    except LogDamaged as damage:
        raise located(damage, path) from damage
    check_accounts(told, path, book.generation, book.seq)
    found, ranges = _found(book, fee_factor)
    if as_json:
        for position in found:
            click.echo(position_json(position, ranges.get((position.account, position.market))))
    else:
        _print(found, ranges, book.markets)


def _found(book: Book, fee_factor: Decimal) -> tuple[list[Standing], Ranges]:
    """Positions, and the ranges of those that an order in doubt may have changed, or made."""
    ranges = {(each.account, each.market): each for each in exposures(book) if not each.certain}
    found = {(each.account, each.market): each for each in standings(book, fee_factor)}
    for account, market in ranges.keys() - found.keys():
        broker = broker_of(market)
        found[account, market] = Standing(market, broker, account, ZERO, ZERO, ZERO, None, (), (), (), None)
    return [standing for _, standing in sorted(found.items())], ranges


def position_json(position: Standing, may_be: Exposure | None = None) -> str:
    """A position as one line of JSON; *break_even* is null when flat.

    *may_be* adds ``low`` and ``high``: the size is somewhere between them.
    """
    fields: dict[str, object] = {
        "name": "position",
        "account": position.account,
        "market": position.market,
        "size": plain(position.size),
        "ppu": plain(position.ppu),
        "break_even": None if position.break_even is None else plain(position.break_even),
        "realized": plain(position.realized),
        "cash": {asset: plain(amount) for asset, amount in position.cash},
        "fees": {asset: plain(amount) for asset, amount in position.fees},
    }
    if may_be is not None:
        fields |= {"low": plain(may_be.low), "high": plain(may_be.high)}
    return json.dumps(fields, separators=(",", ":"))


def _print(found: Sequence[Standing], ranges: Ranges, markets: Mapping[str, Market]) -> None:
    from fsm_ems.cli.tables import console, new_table, print_table

    out = console()
    if not found:
        out.print("No position: nothing was traded.")
        return
    numbers = ("size", "price per unit", "break-even", "realized", "cash", "fees")
    table = new_table("account", "market", *numbers, numbers=numbers, folds=("account", "market"))
    for position in found:
        table.add_row(
            position.account,
            position.market,
            _size(position.size, ranges.get((position.account, position.market))),
            _each(position.ppu, markets.get(position.market)),
            _each(position.break_even, markets.get(position.market)),
            _amount(position.realized, markets.get(position.market)),
            _amounts(position.cash),
            _amounts(position.fees),
        )
    print_table(out, table)


def _size(size: Decimal, may_be: Exposure | None) -> str:
    """The size that is booked, and beside it what it may really be."""
    return plain(size) if may_be is None else f"{plain(size)} ({plain(may_be.low)} to {plain(may_be.high)})"


def _each(price: Decimal | None, market: Market | None) -> str:
    """A price of one unit, with two digits more than the market's tick has; all where it is not known."""
    if price is None or market is None:
        return "-" if price is None else plain(price)
    return price_text(price, market.price_tick)


def _amount(realized: Decimal, market: Market | None) -> str:
    return plain(realized if market is None else rounded(realized, market))


def _amounts(amounts: Sequence[tuple[str, object]]) -> str:
    return ", ".join(f"{amount:f} {asset}" for asset, amount in amounts)
