"""``pps.toml``: the positions with their events since the last flat, for people and other programs to read.

An example::

    generation = "5f0c"             # of the record log it was made from
    seq = 1234                      # the last record in it
    fee_factor = "2"                # how many times the entry's fees are in each ppu

    [positions.kraken.main."xbtusd.kraken"]
    size = "1.5"                    # base units, below zero when short
    ppu = "39430.2"                 # price per unit
    break_even = "39430.1"          # "" when flat
    realized = "0.0"
    cash = {usd = "-59145.0"}       # what clears moved, fees apart
    fees = {usd = "0.15"}
    part = ""                       # of the first clear, where it also closed an older position
    clears = [
        { time_ns = 1610064002000000000, exec_id = "E1", size = "1.5", price = "39430", fee = "0.15" },
    ]

Other events stand among the clears, with ``transfer``, ``split`` or ``expiry`` in place of size, price, fee.

It is a projection of the record log: stale where *generation* or *seq* are not the log's, or *fee_factor* is
not what is asked for, and then written anew. Rewriting keeps what people wrote: comments, and tables and keys
of their own. The functions are safe in a thread; one writer at a time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from operator import attrgetter
from pathlib import Path
from typing import NamedTuple

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
from fsm_ems.accounting.lines import (
    decimal_of,
    event_fields,
    event_ident,
    event_of,
    ident_of,
    number_text,
    table_of,
    tables_of,
    text_of,
    whole_of,
)
from fsm_ems.accounting.position import Standing

_FORM = Form(
    "Positions, a projection of the record log: fsm_ems writes the values anew, and keeps your comments.",
    "clears",
    ident_of,
    "positions",
)


class Projection(NamedTuple):
    """All positions as they stood after the record *seq* of the log *generation*.

    *fee_factor* is how many times the fee of what was opened is in their prices per unit.
    """

    generation: str
    seq: int
    fee_factor: Decimal
    positions: tuple[Standing, ...]


def format_pps(projection: Projection, old: str | None = None) -> str:
    """The text of the file, with the comments of *old*.

    Raises:
        Unreadable: *old* is no such file.
    """
    head = Table(
        (),
        {
            "generation": projection.generation,
            "seq": projection.seq,
            "fee_factor": number_text(projection.fee_factor),
        },
        None,
    )
    tables = [head, *map(_table, projection.positions)]
    return rewritten(old, _FORM, tables, lambda text: _sorted(parse_pps(text)) == _sorted(projection))


def _sorted(projection: Projection) -> Projection:
    """The file keeps the order in which people see it."""
    key = attrgetter("broker", "account", "market")
    return projection._replace(positions=tuple(sorted(projection.positions, key=key)))


def _table(position: Standing) -> Table:
    values: dict[str, Value] = {
        "size": number_text(position.size),
        "ppu": number_text(position.ppu),
        "break_even": "" if position.break_even is None else number_text(position.break_even),
        "realized": number_text(position.realized),
        "cash": {asset: number_text(amount) for asset, amount in position.cash},
        "fees": {asset: number_text(amount) for asset, amount in position.fees},
        "part": "" if position.part is None else number_text(position.part),
    }
    items = [Item(event_ident(event), event_fields(event)) for event in position.events]
    return Table(("positions", position.broker, position.account, position.market), values, items)


def parse_pps(text: str) -> Projection:
    """What a file holds.

    Raises:
        Unreadable: it is not TOML, or a value is missing or wrong.
    """
    document = loads(text)
    where = "generation"
    try:
        generation, seq = text_of(document, "generation"), whole_of(document, "seq")
        where = "fee_factor"
        fee_factor = decimal_of(document, "fee_factor")
        positions: list[Standing] = []
        for broker, account, market, fields in _tables(document):
            where = market
            positions.append(_standing(broker, account, market, fields))
        return Projection(generation, seq, fee_factor, tuple(positions))
    except ValueError as error:
        raise Unreadable(text.partition(where)[0].count("\n") + 1, f"{where}: {error}") from None


def _tables(document: Mapping[str, object]) -> Iterator[tuple[str, str, str, Mapping[str, object]]]:
    brokers = table_of({"positions": {}, **document}, "positions")
    for broker in brokers:
        accounts = table_of(brokers, broker)
        for account in accounts:
            markets = table_of(accounts, account)
            for market in markets:
                yield broker, account, market, table_of(markets, market)


def _standing(broker: str, account: str, market: str, fields: Mapping[str, object]) -> Standing:
    return Standing(
        market,
        broker,
        account,
        decimal_of(fields, "size"),
        decimal_of(fields, "ppu"),
        decimal_of(fields, "realized"),
        _decimal_or_none(fields, "break_even"),
        _amounts(fields, "cash"),
        _amounts(fields, "fees"),
        tuple(map(event_of, tables_of(fields, "clears"))),
        _decimal_or_none(fields, "part"),
    )


def _decimal_or_none(fields: Mapping[str, object], name: str) -> Decimal | None:
    return decimal_of(fields, name) if text_of(fields, name) else None


def _amounts(fields: Mapping[str, object], name: str) -> tuple[tuple[str, Decimal], ...]:
    amounts = table_of(fields, name)
    return tuple((asset, decimal_of(amounts, asset)) for asset in amounts)


def read_pps(path: Path) -> Projection | None:
    """What the file holds; None where there is none.

    Raises:
        Unreadable: it is not UTF-8, not TOML, or a value is missing or wrong.
        OSError: it could not be read.
    """
    text = text_at(path)
    return None if text is None else parse_pps(text)


def write_pps(path: Path, projection: Projection, disk: Disk = DISK) -> SetAside | None:
    """Write the file anew. One that is no TOML is kept aside, and what is returned must be told loudly.

    Raises:
        OSError: the disk failed; the old file or the new one is there whole.
    """
    return write_over(path, lambda old: format_pps(projection, old), disk)
