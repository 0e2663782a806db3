"""Decimals at the edge: what a size or a price may look like, from text to text and never by float.

Bounds on what others say: at most 34 digits, and no digit further than 18 places from the point, so that
no message can make us format three megabytes of zeros. What we compute from such numbers, an average
price of 100.666… or a size after a split, may be longer.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Annotated, LiteralString

from pydantic import PlainSerializer, PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from fsm_ems.errors import brief

DIGITS_MAX = 34
PLACES_MAX = 18

_PLAIN = re.compile(r"-?\d{1,34}(?:\.\d{1,34})?(?:[eE][+-]?\d{1,2})?", re.ASCII).fullmatch
_DIGITS = re.compile(r"-?\d+(?:\.\d+)?", re.ASCII).fullmatch
_LONG = re.compile(r"\d{1,400}(?:\.\d{1,400})?", re.ASCII).fullmatch


_NO_NUMBER: LiteralString = "a plain decimal number as text is needed, such as '0.10'"
_TOO_LONG: LiteralString = "at most 34 digits, within 18 places of the point on either side, are taken"


def exact(value: object) -> Decimal:
    """A finite Decimal within the bounds, from a Decimal, an int or text such as ``"0.10"``.

    Raises:
        PydanticCustomError: floats, booleans, NaN, infinity, absurd exponents, anything else.
    """
    if isinstance(value, str):
        if _PLAIN(value) is None:
            raise PydanticCustomError("number", _TOO_LONG if _DIGITS(value) else _NO_NUMBER)
        number = Decimal(value)
    elif type(value) is Decimal:
        number = value
    elif type(value) is int:
        number = Decimal(value)
    else:
        raise PydanticCustomError(
            "number",
            "a decimal number as text is needed, such as '0.10'; a {kind} is not exact",
            {"kind": type(value).__name__},
        )
    if not number.is_finite():
        raise PydanticCustomError("number", "a finite number is needed")
    if not fits(number):
        raise PydanticCustomError("number", _TOO_LONG)
    return number


def fits(number: Decimal) -> bool:
    """Whether *number* is finite and within the bounds, so that it can cross an edge."""
    _, digits, exponent = number.as_tuple()
    return (
        isinstance(exponent, int)
        and len(digits) <= DIGITS_MAX
        and exponent >= -PLACES_MAX
        and len(digits) + exponent <= PLACES_MAX
    )


def _positive(value: object) -> Decimal:
    number = exact(value)
    if number <= 0:
        raise PydanticCustomError("number", "a number above zero is needed")
    return number


def _not_negative(value: object) -> Decimal:
    number = exact(value)
    if number < 0:
        raise PydanticCustomError("number", "zero or more is needed")
    return number


def _computed(value: object) -> Decimal:
    if type(value) is Decimal and value.is_finite():
        number = value
    elif type(value) is str and _LONG(value) is not None:
        number = Decimal(value)
    else:
        raise PydanticCustomError("number", "a finite decimal number is needed, or its text, such as '0.10'")
    if number < 0:
        raise PydanticCustomError("number", "zero or more is needed")
    return number


def _computed_positive(value: object) -> Decimal:
    number = _computed(value)
    if not number:
        raise PydanticCustomError("number", "a number above zero is needed")
    return number


def no_decimals(fields: Mapping[str, object]) -> tuple[str, ...]:
    """Which of *fields* are no Decimal, in words: what callers make by hand may be anything."""
    return tuple(
        f"{name}: a Decimal is needed, and {brief(value)} is none"
        for name, value in fields.items()
        if not isinstance(value, Decimal)
    )


def plain(number: Decimal) -> str:
    """The number as text without an exponent: ``1E+3`` reads ``1000``."""
    return format(number, "f")


_TEXT = PlainSerializer(plain, return_type=str, when_used="json")
_SCHEMA = WithJsonSchema({"type": "string", "pattern": r"^-?\d+(\.\d+)?$"})

Positive = Annotated[Decimal, PlainValidator(_positive), _TEXT, _SCHEMA]
"""A size or a price: above zero."""
NotNegative = Annotated[Decimal, PlainValidator(_not_negative), _TEXT, _SCHEMA]
"""A cumulative size: zero or more."""
Signed = Annotated[Decimal, PlainValidator(exact), _TEXT, _SCHEMA]
"""A fee: below zero for a rebate."""
Computed = Annotated[Decimal, PlainValidator(_computed), _TEXT, _SCHEMA]
"""What the EMS worked out from such numbers: zero or more, as long as it is."""
ComputedPositive = Annotated[Decimal, PlainValidator(_computed_positive), _TEXT, _SCHEMA]
"""The same above zero: terms that a venue's split has changed."""

USUAL_MAX = 18
"""The length of a number in its usual text form, by which alone it lies within the bounds."""
USUAL: Mapping[Callable[[object], Decimal], str] = {
    _positive: r"^(?:0*[1-9][0-9]*(?:\.[0-9]+)?|0+\.0*[1-9][0-9]*)$",
    _not_negative: r"^[0-9]+(?:\.[0-9]+)?$",
    exact: r"^-?[0-9]+(?:\.[0-9]+)?$",
}
"""The usual text form of what each takes, for :mod:`fsm_ems.usual`: ``Decimal`` reads it as they do."""
