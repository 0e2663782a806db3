"""Strict readers of JSON values, one for each type a record holds: nothing is converted, nothing guessed.

A reader takes what :func:`json.loads` gave and returns the value, or raises ValueError with a sentence
that says what is wrong. :func:`reader_of` finds the reader of a type annotation, so that a payload's
readers are compiled from the payload's own class.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import MISSING, fields
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, TypeGuard, Union, get_args, get_origin, get_type_hints

from pydantic import TypeAdapter, ValidationError

from fsm_ems.errors import InvalidMessage
from fsm_ems.messages import Message
from fsm_ems.value import Value

Reader = Callable[[object], Any]


def is_object(value: object) -> TypeGuard[dict[str, Any]]:
    """Whether *value* was a JSON object."""
    return type(value) is dict


def is_array(value: object) -> TypeGuard[list[Any]]:
    """Whether *value* was a JSON array."""
    return type(value) is list


def read_int(value: object) -> int:
    """An int; neither a bool nor a float is one."""
    if type(value) is int:
        return value
    raise ValueError(f"a whole number is needed, not {value!r}")


def read_bool(value: object) -> bool:
    """``true`` or ``false``."""
    if type(value) is bool:
        return value
    raise ValueError(f"true or false is needed, not {value!r}")


def read_text(value: object) -> str:
    """Text."""
    if type(value) is str:
        return value
    raise ValueError(f"text is needed, not {value!r}")


def read_decimal(value: object) -> Decimal:
    """A finite Decimal from exactly the text that :class:`str` makes of it."""
    if type(value) is str:
        try:
            number = Decimal(value)
        except InvalidOperation:
            raise ValueError(f"a decimal number is needed, not {value!r}") from None
        if str(number) == value and number.is_finite():
            return number
    raise ValueError(f"a decimal number as text is needed, not {value!r}")


def read_reqid(value: object) -> int | str:
    """A request's id: an int stays an int, and text stays text."""
    if type(value) is int or type(value) is str:
        return value
    raise ValueError(f"a request id is a whole number or text, not {value!r}")


def reader_of(hint: object) -> Reader:
    """The reader of a type annotation.

    Raises:
        TypeError: a record holds a type that no reader is known for.
    """
    known = _KNOWN.get(hint)
    if known is not None:
        return known
    origin, inner = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return reader_of(inner[0])
    if origin is Literal:
        return _one_of({value: value for value in inner})
    if origin in (Union, UnionType):
        return _union(inner)
    if origin is tuple:
        return _each(reader_of(inner[0])) if inner[1] is Ellipsis else _together([*map(reader_of, inner)])
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return _one_of({member.value: member for member in hint})
    if isinstance(hint, type) and issubclass(hint, Value):
        return fields_reader(hint)
    raise TypeError(f"no reader for {hint!r}")


def _union(members: tuple[Any, ...]) -> Reader:
    some = tuple(member for member in members if member is not NoneType)
    if all(isinstance(member, type) and issubclass(member, Message) for member in some):
        read = _messages({_name_of(member): member for member in some})
    elif set(some) == {int, str}:
        read = read_reqid
    elif len(some) == 1:
        read = reader_of(some[0])
    else:
        raise TypeError(f"no reader for one of {some!r}")
    return _optional(read) if NoneType in members else read


def _optional(read: Reader) -> Reader:
    return lambda value: None if value is None else read(value)


def _one_of(choices: dict[str, Any]) -> Reader:
    def read(value: object) -> object:
        if type(value) is str and value in choices:
            return choices[value]
        raise ValueError(f"unknown: {value!r}")

    return read


def _each(read: Reader) -> Reader:
    def read_all(value: object) -> object:
        return tuple(map(read, _array(value)))

    return read_all


def _together(readers: list[Reader]) -> Reader:
    def read(value: object) -> object:
        values = _array(value)
        if len(values) != len(readers):
            raise ValueError(f"{len(readers)} values are needed, not {len(values)}")
        return tuple(read(item) for read, item in zip(readers, values, strict=True))

    return read


def _array(value: object) -> list[Any]:
    if is_array(value):
        return value
    raise ValueError(f"an array is needed, not {value!r}")


def fields_reader(kind: type[Value]) -> Reader:
    """The reader of a class of values: an object that has exactly its fields."""
    fields = [(name, reader_of(hint)) for name, hint in get_type_hints(kind, include_extras=True).items()]
    names = {name for name, _ in fields}

    def read(value: object) -> object:
        if not is_object(value):
            raise ValueError(f"an object is needed, not {value!r}")
        name = ""
        made: list[Any] = []
        try:
            for name, read_field in fields:
                made.append(read_field(value[name]))
        except KeyError:
            raise ValueError(f"{kind.__name__} lacks {sorted(names - value.keys())}") from None
        except ValueError as problem:
            raise ValueError(f"{name}: {problem}") from None
        if len(value) != len(names):
            raise ValueError(f"{kind.__name__} does not have {sorted(value.keys() - names)}")
        try:
            return kind(*made)
        except InvalidMessage as problem:
            raise ValueError(str(problem)) from None

    return read


def _messages(models: dict[str, type[Message]]) -> Reader:
    """A tagged union of messages. None in a message is left out; everything else must be there."""
    always = {name: frozenset(_never_none(model)) for name, model in models.items()}
    validate = {name: TypeAdapter(model).validator.validate_python for name, model in models.items()}

    def read(value: object) -> object:
        name = value.get("name") if is_object(value) else None
        model = models.get(name) if type(name) is str else None
        if name is None or model is None or not is_object(value):
            raise ValueError(f"unknown report {name!r}")
        if not always[name] <= value.keys():
            raise ValueError(f"{name} lacks {sorted(always[name] - value.keys())}")
        try:
            return validate[name](value)
        except ValidationError as error:
            wrong = error.errors(include_url=False, include_context=False, include_input=False)[0]
            place = ".".join(str(part) for part in wrong["loc"])
            raise ValueError(f"{name} {place}: {wrong['msg']}") from None

    return read


def _never_none(model: type[Message]) -> Iterator[str]:
    for field in fields(model):
        if field.default is MISSING or field.default is not None:
            yield field.name


def _name_of(model: type[Message]) -> str:
    return next(str(field.default) for field in fields(model) if field.name == "name")


_KNOWN: dict[object, Reader] = {
    int: read_int,
    bool: read_bool,
    str: read_text,
    Decimal: read_decimal,
}
