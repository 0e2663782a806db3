"""Events and ledger entries as lines of TOML, and back: pure text.

Numbers are text and lose no digit: ``1E+3`` stays ``1E+3`` and ``1.00`` stays ``1.00``, but a fee of nothing
is ``0.0000000`` and not ``0E-7``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, cast

from fsm_ems.accounting.clear import Clear, Event, Expiry, Split, Transfer
from fsm_ems.accounting.ledger import Entry
from fsm_ems.numbers import plain

Fields = Mapping[str, object]

_NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:E[+-]?\d+)?", re.ASCII)
_PLAIN = re.compile(r"[ !#-\[\]-~]*").fullmatch
_ESCAPED = re.compile(r'[\x00-\x1f\x7f"\\]')


def quoted(text: str) -> str:
    """*text* as a TOML basic string."""
    if _PLAIN(text) is not None:
        return f'"{text}"'
    escaped = _ESCAPED.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
    return f'"{escaped}"'


def number_text(number: Decimal) -> str:
    """*number*, exact and as plain as that allows: an exponent stays where one above zero would be lost."""
    exponent = number.as_tuple().exponent
    return str(number) if isinstance(exponent, int) and exponent > 0 else plain(number)


def event_fields(event: Event) -> str:
    """What is between the braces of an event's line."""
    head = f"time_ns = {event.time_ns}, exec_id = {quoted(event.exec_id)}"
    if isinstance(event, Clear):
        size, price, fee = (number_text(number) for number in (event.size, event.price, event.fee))
        line = f'{head}, size = "{size}", price = "{price}", fee = "{fee}"'
        return line if event.fee_asset is None else f"{line}, fee_asset = {quoted(event.fee_asset)}"
    if isinstance(event, Transfer):
        return f'{head}, transfer = "{number_text(event.size)}"'
    if isinstance(event, Split):
        return f'{head}, split = "{number_text(event.ratio)}"'
    return f'{head}, expiry = "{number_text(event.price)}"'


def event_ident(event: Event) -> str:
    """What tells an event from the others of its position: its kind and its id."""
    return f"{type(event).__name__.lower()} {event.exec_id}"


def ident_of(fields: Fields) -> str:
    """The same of a line's event; KeyError where it has no id."""
    kind = next((kind for kind in _KINDS if kind in fields), "clear")
    return f"{kind} {fields['exec_id']}"


def entry_fields(entry: Entry) -> str:
    """What is between the braces of an entry's line."""
    head = f"seq = {entry.seq}, booked_ns = {entry.booked_ns}, market = {quoted(entry.market)}"
    reverses = ", reverses = true" if entry.reverses else ""
    return f"{head}, {event_fields(entry.event)}{reverses}"


def text_of(fields: Fields, name: str) -> str:
    """The text *name*.

    Raises:
        ValueError: it is missing, or no text.
    """
    value = fields.get(name)
    if type(value) is not str:
        raise ValueError(f"{name}: text is needed")
    return value


def whole_of(fields: Fields, name: str) -> int:
    """The whole number *name*.

    Raises:
        ValueError: it is missing, or no whole number.
    """
    value = fields.get(name)
    if type(value) is not int:
        raise ValueError(f"{name}: a whole number is needed")
    return value


def table_of(fields: Fields, name: str) -> Fields:
    """The table *name*.

    Raises:
        ValueError: it is missing, or no table.
    """
    value = fields.get(name)
    if isinstance(value, dict):
        return cast("Fields", value)
    raise ValueError(f"{name}: a table is needed")


def tables_of(fields: Fields, name: str) -> list[Fields]:
    """The array of tables *name*.

    Raises:
        ValueError: it is missing, or something else.
    """
    value = fields.get(name)
    if isinstance(value, list) and all(isinstance(item, dict) for item in cast("list[object]", value)):
        return cast("list[Fields]", value)
    raise ValueError(f"{name}: an array of tables is needed")


def decimal_of(fields: Fields, name: str) -> Decimal:
    """The number *name*, written as text.

    Raises:
        ValueError: it is missing, no text, or no number.
    """
    text = text_of(fields, name)
    if _NUMBER.fullmatch(text) is None:
        raise ValueError(f"{name}: {text!r} is no decimal number")
    try:
        return Decimal(text)
    except InvalidOperation:
        raise ValueError(f"{name}: {text!r} is no decimal number") from None


def event_of(fields: Fields) -> Event:
    """The event of a line.

    Raises:
        ValueError: a field is missing or wrong, and which.
    """
    time_ns, exec_id = whole_of(fields, "time_ns"), text_of(fields, "exec_id")
    for name, kind in _KINDS.items():
        if name in fields:
            return kind(time_ns, exec_id, decimal_of(fields, name))
    return Clear(
        time_ns,
        exec_id,
        decimal_of(fields, "size"),
        decimal_of(fields, "price"),
        decimal_of(fields, "fee"),
        text_of(fields, "fee_asset") if "fee_asset" in fields else None,
    )


_KINDS: dict[str, Callable[[int, str, Decimal], Event]] = {
    "transfer": Transfer,
    "split": Split,
    "expiry": Expiry,
}


def entry_of(fields: Fields) -> Entry:
    """The entry of a line.

    Raises:
        ValueError: a field is missing or wrong, and which.
    """
    reverses: Any = fields.get("reverses", False)
    if type(reverses) is not bool:
        raise ValueError("reverses: true or false is needed")
    return Entry(
        whole_of(fields, "seq"),
        whole_of(fields, "booked_ns"),
        text_of(fields, "market"),
        event_of(fields),
        reverses,
    )
