"""A second reader of lines: three times as quick with a line that :func:`~fsm_ems.journal.codec.encode` made.

It takes less than the strict reader of :mod:`fsm_ems.journal.codec` and knows no reasons: what it refuses
is to be read again by that one, which takes it, or says what is wrong. Nothing that it takes is unchecked.
msgspec is strict but for two things, a number that is no text and a field that has a default; so a payload
is written once more and must be what the line says, and a report is read by its own message, which validates.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields
from operator import attrgetter
from types import NoneType
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

import msgspec
from pydantic import TypeAdapter

from fsm_ems.dialogs.record import Record
from fsm_ems.errors import InvalidMessage
from fsm_ems.machines.order_events import OrderEvent
from fsm_ems.messages import Message
from fsm_ems.usual import usual_first

Quick = Callable[[str | bytes], Record | None]
"""The record of a line, or None where the strict reader is to be asked."""
_Read = Callable[[msgspec.Raw], Any]

_NAME = re.compile(rb'"name":"([a-z_]+)"')  # no text can look like it: its quotes are escaped
_REFUSED = (msgspec.MsgspecError, ValueError, InvalidMessage, LookupError)


class _Line(msgspec.Struct, forbid_unknown_fields=True, frozen=True, gc=False):
    v: Literal[1]
    seq: int
    time_ns: int
    owner: str
    oid: str
    event: OrderEvent | None
    then: OrderEvent | None
    kind: str
    payload: msgspec.Raw
    tells: tuple[tuple[str, int], ...]
    alarm: str | None


def quick_reader(writers: Mapping[type[Any], Callable[[Any], str]]) -> Quick:
    """The reader of lines whose payloads *writers* write."""
    read_line = msgspec.json.Decoder(_Line).decode
    payloads = {kind.__name__: _payload(kind, write) for kind, write in writers.items()}

    def read(text: str | bytes) -> Record | None:
        try:
            line = read_line(text)
            payload = payloads[line.kind](line.payload)
        except _REFUSED:
            return None
        return Record(
            line.seq,
            line.time_ns,
            line.owner,
            line.oid,
            line.event,
            line.then,
            payload,
            line.tells,
            line.alarm,
        )

    return read


def _payload(kind: type[Any], write: Callable[[Any], str]) -> _Read:
    hints = get_type_hints(kind, include_extras=True)
    if "report" in hints:
        return _with_report(kind, hints)
    decode = msgspec.json.Decoder(kind).decode

    def read(raw: msgspec.Raw) -> Any:  # noqa: ANN401  # any payload
        made, text = decode(raw), bytes(raw)
        if f"{{{write(made)}}}".encode("ascii") != text or b"NaN" in text or b"Infinity" in text:
            raise ValueError("it is not as it would be written")
        return made

    return read


def _with_report(kind: type[Any], hints: dict[str, Any]) -> _Read:
    """The reader of a payload that holds a report, and nothing that is read with less care."""
    others = {name: hint for name, hint in hints.items() if name != "report"}
    shape = msgspec.defstruct(
        kind.__name__,
        [(name, others.get(name, msgspec.Raw)) for name in hints],  # none has a default here
        forbid_unknown_fields=True,
        gc=False,
    )
    decode = msgspec.json.Decoder(shape).decode
    models, optional = _models(hints["report"])
    readers = {name: _reader(model) for name, model in models.items()}
    plain = not any("Decimal" in repr(hint) for hint in others.values())
    fields_of, place = attrgetter(*hints), [*hints].index("report")

    def read(raw: msgspec.Raw) -> Any:  # noqa: ANN401  # any payload
        if not plain:
            raise ValueError("a number is the strict reader's")
        values = [*fields_of(decode(raw))]
        text = bytes(values[place])
        values[place] = None if optional and text == b"null" else _report(text, readers)
        return kind(*values)

    return read


def _models(hint: Any) -> tuple[dict[bytes, type[Message]], bool]:  # noqa: ANN401  # an annotation
    while get_origin(hint) is Annotated:
        hint = get_args(hint)[0]
    found: dict[bytes, type[Message]] = {}
    optional = False
    for member in get_args(hint):
        if member is NoneType:
            optional = True
        elif isinstance(member, type):
            name = next(str(field.default) for field in fields(member) if field.name == "name")
            found[name.encode("ascii")] = member
        else:
            found |= _models(member)[0]
    return found, optional


_Validate = Callable[[bytes], Message]


def _report(text: bytes, readers: Mapping[bytes, tuple[tuple[bytes, ...], _Validate]]) -> Message:
    named = _NAME.search(text)
    if named is None:
        raise ValueError("it has no name")
    always, validate = readers[named[1]]
    for field in always:
        if field not in text:
            raise ValueError("a field is left out that has no None to stand for it")
    return validate(text)


def _reader(model: type[Message]) -> tuple[tuple[bytes, ...], _Validate]:
    """The fields that are never left out, and what validates."""
    always = tuple(
        f'"{field.name}":'.encode("ascii")
        for field in fields(model)
        if field.default is not MISSING and field.default is not None
    )
    return always, usual_first(TypeAdapter(model)).validate_json
