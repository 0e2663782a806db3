"""Tape files: CSV on disk, read row by row, so that a tape of any length costs the memory of a line."""

from __future__ import annotations

import re
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from fsm_ems.brokers.paper.tape import parse_rows
from fsm_ems.errors import TapeFileError
from fsm_ems.folders import as_path
from fsm_ems.quotes import Row

_MARK = 0xDC00
_MARKED = re.compile("[\udc80-\udcff]")
"""What ``surrogateescape`` makes of a byte that is no UTF-8."""


def read_tape(path: Path | str) -> Iterator[Row]:
    """The rows of the tape at *path*, in the form :mod:`fsm_ems.brokers.paper.tape` describes.

    That it can be read is seen here and now. It is read from the first row that is asked for, and closed
    after the last.

    Raises:
        InvalidMessage: *path* is none.
        TapeFileError: the file cannot be read; of the rows: a line of it is wrong.
    """
    tape = as_path("path", path)
    with _told_of(tape):
        if not tape.is_fifo():  # what is in a pipe can be had once
            tape.open("rb").close()
    return _rows(tape)


def _rows(tape: Path) -> Iterator[Row]:
    # A file is decoded in blocks, and a decoder that raises knows no line: what it cannot read it marks.
    with _told_of(tape), tape.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as lines:
        yield from parse_rows(_in_utf_8(lines, tape), str(tape))


def _in_utf_8(lines: Iterable[str], tape: Path) -> Iterator[str]:
    for number, line in enumerate(lines, 1):
        if not line.isascii() and (wrong := _MARKED.search(line)) is not None:
            byte = ord(wrong[0]) - _MARK
            raise TapeFileError(f"{tape}, line {number}", f"no UTF-8 text has a byte 0x{byte:02x} there")
        yield line


@contextmanager
def _told_of(tape: Path) -> Generator[None]:
    try:
        yield
    except OSError as error:
        raise TapeFileError(str(tape), f"cannot be read: {error.strerror}") from None
