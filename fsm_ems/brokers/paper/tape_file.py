"""Tape files: CSV on disk, read row by row, so that a tape of any length costs the memory of a line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from fsm_ems.brokers.paper.tape import parse_rows
from fsm_ems.errors import OrderFileError
from fsm_ems.quotes import Row


def read_tape(path: Path) -> Iterator[Row]:
    """The rows of the tape at *path*, in the form :mod:`fsm_ems.brokers.paper.tape` describes.

    The file is opened when the first row is asked for, and closed after the last.

    Raises:
        OrderFileError: the file cannot be read, or a line of it is wrong.
    """
    where = str(path)
    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            yield from parse_rows(lines, where)
    except OSError as error:
        raise OrderFileError(where, f"cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise OrderFileError(where, f"is no UTF-8 text: byte {error.start} of a block") from None
