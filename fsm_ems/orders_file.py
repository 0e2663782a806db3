"""The orders file of a replay: commands at tape times, in TOML.

.. code-block:: toml

    [defaults]                      # optional: fields for every order that does not name them
    market = "btcusdt.paper"

    [[order]]
    at = 1610064002000000000        # ns since the epoch, on the tape's clock
    oid = "buy-1"
    side = "buy"
    size = "0.5"
    price = "39430.00"

    [[edit]]
    at = 1610064010000000000
    oid = "buy-1"
    edit_id = "up"                  # optional: edit-1, edit-2 … by place in the file
    size = "0.7"                    # the new total, what is filled included
    price = "39431.00"

    [[cancel]]
    at = 1610064020000000000
    oid = "buy-1"

The fields of an order, edit or cancel are those of :mod:`fsm_ems.messages`. Numbers are text, or TOML
numbers, which are read exactly. Commands of one time are given in this order: orders, edits, cancels,
each in file order.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from datetime import date, time
from decimal import Decimal
from typing import Any, NamedTuple, cast

from fsm_ems.errors import InvalidMessage, OrderFileError, brief, cut
from fsm_ems.message_fields import TAPE_END_NS
from fsm_ems.messages import Command, Order, parse_command

_KINDS = ("order", "edit", "cancel")
_WRITTEN_MAX = 40


class TimedCommand(NamedTuple):
    """A command that a client gives at *at_ns*."""

    at_ns: int
    command: Command


def parse_orders(text: str, where: str, market: str | None = None) -> list[TimedCommand]:
    """The commands of an orders file, in the order in which they are given.

    *where* names the file in errors; *market* is the only one there is in a run, and for orders that name
    none.

    Raises:
        OrderFileError: naming the entry and what is wrong with it.
    """
    try:
        document = tomllib.loads(text, parse_float=Decimal)
    except (ValueError, RecursionError) as error:  # also of a number too long, and of brackets too deep
        raise OrderFileError(where, f"not TOML: {error}") from None
    if unknown := set(document) - {*_KINDS, "defaults"}:
        raise OrderFileError(where, f"unknown table {min(unknown)!r}: use defaults, order, edit, cancel")
    defaults = {} if market is None else {"market": market}
    defaults |= _table(document.get("defaults", {}), f"{where}, [defaults]")
    commands = [
        _command(kind, number, entry, defaults, where)
        for kind in _KINDS
        for number, entry in enumerate(_entries(document, kind, where), start=1)
    ]
    if not any(timed.command.name == "order" for timed in commands):
        raise OrderFileError(where, "no [[order]] in it")
    _check_oids(commands, where)
    if market is not None:
        _check_run(commands, market, where)
    return sorted(commands, key=lambda timed: timed.at_ns)


def _check_oids(commands: Iterable[TimedCommand], where: str) -> None:
    """An oid names one order: the same one again is a retry, and another one would be refused in the run."""
    orders = [command for _, command in commands if isinstance(command, Order)]
    known: dict[str, tuple[int, Order]] = {}
    for number, order in enumerate(orders, start=1):
        first, other = known.setdefault(order.oid, (number, order))
        if order != other:
            raise OrderFileError(
                f"{where}, [[order]] number {number} ({order.oid})",
                f"oid: [[order]] number {first} has it, and is another order: give each its own",
            )


def _check_run(commands: Iterable[TimedCommand], market: str, where: str) -> None:
    """A run plays one market."""
    for _, command in commands:
        if not isinstance(command, Order):
            continue
        if command.market != market:
            raise OrderFileError(
                where, f"order {command.oid} is for {command.market}, and this run is of {market}"
            )


def _entries(document: dict[str, Any], kind: str, where: str) -> list[object]:
    entries = document.get(kind, [])
    if not isinstance(entries, list):
        raise OrderFileError(where, f"write [[{kind}]], with two brackets")
    return cast("list[object]", entries)


def _table(entry: object, where: str) -> dict[str, Any]:
    if not isinstance(entry, dict):
        raise OrderFileError(where, "a table of fields is needed")
    return cast("dict[str, Any]", entry).copy()


def _as_written(value: object) -> str:
    """A value of the file about as it stands there."""
    as_text = isinstance(value, Decimal | date | time)  # a datetime is a date
    return cut(str(value), _WRITTEN_MAX) if as_text else brief(value)


def _command(kind: str, number: int, entry: object, defaults: dict[str, Any], where: str) -> TimedCommand:
    here = f"{where}, [[{kind}]] number {number}"
    fields = _table(entry, here)
    if "oid" in fields:
        here = f"{here} ({fields['oid']})"
    at_ns = fields.pop("at", None)
    if type(at_ns) is not int or not 0 <= at_ns < TAPE_END_NS:
        found = "" if at_ns is None else f", and {_as_written(at_ns)} is none"
        needed = f"at = nanoseconds since the epoch, a whole number from 0 to {TAPE_END_NS - 1}, is needed"
        raise OrderFileError(here, f"{needed}{found}")
    if "name" in fields:
        raise OrderFileError(here, "name: the table's own name says what it is, leave it out")
    if kind == "order":
        fields = defaults | fields
    elif kind == "edit":
        fields.setdefault("edit_id", f"edit-{number}")
    try:
        return TimedCommand(at_ns, parse_command({**fields, "name": kind}))
    except InvalidMessage as error:
        problems = "; ".join(problem.removeprefix(f"{kind}.") for problem in error.problems)
        raise OrderFileError(here, problems) from None
