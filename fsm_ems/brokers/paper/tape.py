"""Rows of a market tape, and how they are read from lines of text. Pure; prices in the quote asset, sizes
in the base asset, times in ns since the epoch.

The text is CSV with this header and without quoting; a quote leaves the last four cells empty, a trade
those of the quote::

    time_ns,kind,bid,bid_size,ask,ask_size,price,size,side,trade_id
    1610064001076000000,quote,39432.99,0.0031,39433.62,0.066851,,,,
    1610064001077000000,trade,,,,,39433.62,0.000263,buy,553287559

Times never fall. A quote may show zero prices or sizes, or be crossed: such a side offers nothing. What
traded is above zero; its side (buy, sell or nothing) and its id are kept and mean nothing here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal

from fsm_ems.errors import TapeFileError
from fsm_ems.message_fields import TAPE_END_NS
from fsm_ems.numbers import exact
from fsm_ems.quotes import Quote, Row, Trade

COLUMNS = ("time_ns", "kind", "bid", "bid_size", "ask", "ask_size", "price", "size", "side", "trade_id")
_QUOTE_CELLS, _TRADE_CELLS = slice(2, 6), slice(6, 10)


def parse_rows(lines: Iterable[str], where: str) -> Iterator[Row]:
    """The rows of a tape, header first. *where* names it in errors.

    Raises:
        TapeFileError: naming the line of the first wrong header, cell, kind or time.
    """
    numbered = enumerate(lines, 1)
    _, header = next(numbered, (1, ""))
    if header.rstrip("\r\n") != ",".join(COLUMNS):
        raise TapeFileError(f"{where}, line 1", f"the header must be {','.join(COLUMNS)}")
    last = 0
    for number, line in numbered:
        try:
            row = _row(line.rstrip("\r\n").split(","), last)
        except ValueError as error:
            raise TapeFileError(f"{where}, line {number}", str(error)) from None
        last = row.time_ns
        yield row


def _row(cells: list[str], last_ns: int) -> Row:
    if len(cells) != len(COLUMNS):
        raise ValueError(f"{len(cells)} cells where {len(COLUMNS)} are needed")
    time_ns = _time(cells[0])
    if time_ns < last_ns:
        raise ValueError(f"time_ns: {time_ns} comes after {last_ns}; times never fall")
    if cells[1] == "quote":
        _left_empty(cells, _TRADE_CELLS)
        return Quote(time_ns, _number(cells, 2), _number(cells, 3), _number(cells, 4), _number(cells, 5))
    if cells[1] != "trade":
        raise ValueError(f"kind: {cells[1]!r} is neither quote nor trade")
    _left_empty(cells, _QUOTE_CELLS)
    if cells[8] not in ("buy", "sell", ""):
        raise ValueError(f"side: {cells[8]!r} is neither buy, sell nor empty")
    price, size = _number(cells, 6), _number(cells, 7)
    if not price or not size:
        raise ValueError(f"{COLUMNS[7 if price else 6]}: what traded is above zero")
    return Trade(time_ns, price, size, cells[8], cells[9])


def _left_empty(cells: list[str], unused: slice) -> None:
    for column, cell in zip(COLUMNS[unused], cells[unused], strict=True):
        if cell:
            raise ValueError(f"{column}: {cell!r} has no meaning in a {cells[1]}, leave it empty")


def _time(cell: str) -> int:
    # isdecimal alone would let other scripts' digits through.
    digits = cell.isascii() and cell.isdecimal() and len(cell) <= len(str(TAPE_END_NS))
    if not digits or int(cell) >= TAPE_END_NS:
        raise ValueError(f"time_ns: {cell!r} is no time in ns since the epoch")
    return int(cell)


def _number(cells: list[str], column: int) -> Decimal:
    try:
        number = exact(cells[column])
    except ValueError as error:
        raise ValueError(f"{COLUMNS[column]}: {cells[column]!r}: {error}") from None
    if number.is_signed():
        raise ValueError(f"{COLUMNS[column]}: {cells[column]!r} is below zero")
    return number
