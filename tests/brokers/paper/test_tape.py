"""Tapes from text, and every way a tape can be wrong."""

import os
import threading
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from fsm_ems.brokers.paper.tape import COLUMNS, parse_rows
from fsm_ems.brokers.paper.tape_file import read_tape
from fsm_ems.errors import ClientFault, TapeFileError
from fsm_ems.quotes import Quote, Trade

HEADER = "time_ns,kind,bid,bid_size,ask,ask_size,price,size,side,trade_id"
QUOTE = "5,quote,99.5,1.25,100,3,,,,"
TRADE = "6,trade,,,,,100.5,0.1,sell,77"


def test_rows_are_read_in_order_and_to_the_last_digit() -> None:
    lines = [HEADER, QUOTE, TRADE, "6,trade,,,,,0.000000000000000001,5,,", "7,quote,0,0,100,0.0,,,,"]

    assert list(parse_rows(lines, "a.csv")) == [
        Quote(5, Decimal("99.5"), Decimal("1.25"), Decimal(100), Decimal(3)),
        Trade(6, Decimal("100.5"), Decimal("0.1"), "sell", "77"),
        Trade(6, Decimal("1e-18"), Decimal(5), "", ""),
        Quote(7, Decimal(0), Decimal(0), Decimal(100), Decimal(0)),
    ]
    assert ",".join(COLUMNS) == HEADER


@pytest.mark.parametrize("end", ["\n", "\r\n", ""])
def test_lines_may_end_as_they_like(end: str) -> None:
    assert len(list(parse_rows([f"{line}{end}" for line in (HEADER, QUOTE, TRADE)], "a.csv"))) == 2


def test_a_tape_of_no_rows_is_a_tape() -> None:
    assert list(parse_rows([HEADER], "a.csv")) == []


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("", "1 cells where 10 are needed"),
        (f"{QUOTE},", "11 cells where 10 are needed"),
        ("5,quote,99,1,100,3", "6 cells where 10 are needed"),
        ("5,tick,99,1,100,3,,,,", "kind: 'tick' is neither quote nor trade"),
        (",quote,99,1,100,3,,,,", "time_ns: '' is no time"),
        ("-5,quote,99,1,100,3,,,,", "time_ns: '-5' is no time"),
        ("5.0,quote,99,1,100,3,,,,", "time_ns: '5.0' is no time"),
        ("5e3,quote,99,1,100,3,,,,", "time_ns: '5e3' is no time"),
        ("\u0665,quote,99,1,100,3,,,,", "time_ns: '\u0665' is no time"),  # a digit of another script
        (f"{2**62},quote,99,1,100,3,,,,", f"time_ns: '{2**62}' is no time"),
        (f"{'9' * 5000},quote,99,1,100,3,,,,", "is no time"),
        ("5,quote,,1,100,3,,,,", "bid: '': a plain decimal number"),
        ("5,quote,99,NaN,100,3,,,,", "bid_size: 'NaN': a plain decimal number"),
        ("5,quote,99,1,inf,3,,,,", "ask: 'inf': a plain decimal number"),
        ("5,quote,99,1,100,1e99,,,,", "ask_size: '1e99': at most 34 digits"),
        ("5,quote,99,1, 100,3,,,,", "ask: ' 100': a plain decimal number"),
        ("5,quote,-99,1,100,3,,,,", "bid: '-99' is below zero"),
        ("5,quote,99,-0,100,3,,,,", "bid_size: '-0' is below zero"),
        ("5,quote,99,1,100,3,7,,,", "price: '7' has no meaning in a quote"),
        ("5,quote,99,1,100,3,,,buy,", "side: 'buy' has no meaning in a quote"),
        ("5,trade,99,,,,100,1,buy,", "bid: '99' has no meaning in a trade"),
        ("5,trade,,,,,0,1,buy,", "price: what traded is above zero"),
        ("5,trade,,,,,100,0.0,buy,", "size: what traded is above zero"),
        ("5,trade,,,,,100,,buy,", "size: '': a plain decimal number"),
        ("5,trade,,,,,100,1,both,", "side: 'both' is neither buy, sell nor empty"),
        ("4,trade,,,,,100,1,buy,", "time_ns: 4 comes after 5; times never fall"),
    ],
)
def test_a_wrong_line_is_named(line: str, problem: str) -> None:
    rows = parse_rows([HEADER, QUOTE, line], "a.csv")
    assert next(rows).time_ns == 5

    with pytest.raises(TapeFileError) as told:
        next(rows)

    assert told.value.where == "a.csv, line 3"
    assert problem in told.value.problem


@pytest.mark.parametrize("header", ["", QUOTE, f" {HEADER}", HEADER.replace("bid,bid_size", "bid_size,bid")])
def test_a_wrong_header_is_refused(header: str) -> None:
    with pytest.raises(TapeFileError, match="line 1: the header must be time_ns,kind,bid"):
        next(parse_rows([header, QUOTE], "a.csv"))


def test_no_line_at_all_is_no_tape() -> None:
    with pytest.raises(TapeFileError, match="line 1: the header must be"):
        next(parse_rows([], "a.csv"))


@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_a_file_is_read_row_by_row(tmp_path: Path, mark: str) -> None:
    path = tmp_path / "tape.csv"
    path.write_text(f"{mark}{HEADER}\n{QUOTE}\n{TRADE}\nwrong\n", encoding="utf-8")

    rows = read_tape(path)

    assert [next(rows).time_ns, next(rows).time_ns] == [5, 6]
    with pytest.raises(TapeFileError, match=r"tape\.csv, line 4: 1 cells"):
        next(rows)


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        (5, "path: a path is needed, as text or a Path, and 5 is none"),
        (None, "path: a path is needed, as text or a Path, and None is none"),
        ("", "path: a path is needed, as text or a Path, and '' is none"),
        ("none.csv", r"^none\.csv: cannot be read: No such file"),
        (Path("none.csv"), r"^none\.csv: cannot be read: No such file"),
        (".", r"^\.: cannot be read: Is a directory"),
        ("x" * 300, "cannot be read: File name too long"),
    ],
)
def test_what_is_no_tape_is_told_at_the_call(given: Any, problem: str) -> None:  # noqa: ANN401 -- wrong on purpose
    """Not by the first row, which a task of the EMS asks for, far from the mistake."""
    with pytest.raises(ClientFault, match=problem):
        read_tape(given)


def test_a_file_may_be_named_in_text(tmp_path: Path) -> None:
    tape = tmp_path / "tape.csv"
    tape.write_text(f"{HEADER}\n{QUOTE}\n")

    assert list(read_tape(str(tape))) == list(read_tape(tape))
    assert [row.time_ns for row in read_tape(tape)] == [5]


def test_a_pipe_is_read_once(tmp_path: Path) -> None:
    """Looking into it at the call would take its rows away from whoever plays them."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    rows = read_tape(pipe)
    writer = threading.Thread(target=pipe.write_text, args=(f"{HEADER}\n{QUOTE}\n",))
    writer.start()

    assert [row.time_ns for row in rows] == [5]
    writer.join()


def test_a_file_that_can_no_longer_be_read_is_named(tmp_path: Path) -> None:
    gone, binary = tmp_path / "gone.csv", tmp_path / "binary.csv"
    gone.touch()
    binary.write_bytes(b"\xff\xfe")
    rows = read_tape(gone)
    gone.unlink()

    with pytest.raises(TapeFileError, match=r"gone\.csv: cannot be read: No such file"):
        next(rows)
    with pytest.raises(TapeFileError, match=r"binary\.csv, line 1: no UTF-8 text has a byte 0xff there"):
        next(read_tape(binary))


def test_a_byte_that_is_no_utf_8_is_told_with_its_line_wherever_it_is(tmp_path: Path) -> None:
    """As in UTF-16, or in Latin-1; what is UTF-8 may be in a trade's id."""
    tape, trade = tmp_path / "tape.csv", "5,trade,,,,,1,1,,é"
    tape.write_text("\n".join([HEADER, *[trade] * 2_000]), encoding="utf-8")
    assert [row.trade_id for row in read_tape(tape) if isinstance(row, Trade)] == ["é"] * 2_000

    with tape.open("ab") as more:
        more.write(f"\n{trade}\n".encode("latin-1"))
    with pytest.raises(TapeFileError, match=r"tape\.csv, line 2002: no UTF-8 text has a byte 0xe9 there$"):
        list(read_tape(tape))

    tape.write_text(f"{HEADER}\n{QUOTE}\n", encoding="utf-16")
    with pytest.raises(TapeFileError, match=r"tape\.csv, line 1: no UTF-8 text has a byte 0xff there$"):
        list(read_tape(tape))
