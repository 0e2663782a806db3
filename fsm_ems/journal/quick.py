"""A second reader of lines: twice as quick or more with what :func:`~fsm_ems.journal.codec.encode` wrote.

It takes less than the strict reader of :mod:`fsm_ems.journal.codec` and knows no reasons: what it refuses
is to be read again by that one, which takes it, or says what is wrong. Nothing that it takes is unchecked.
msgspec reads a line in one go, its payload included, and is strict but for two things, a number that is no
text and a field that has a default; so a payload is written once more and must be what the line says, and a
report is read by its own message, which validates.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from operator import attrgetter
from typing import Any, Literal, cast, get_type_hints

import msgspec
from pydantic import TypeAdapter

from fsm_ems.dialogs.record import Record, told_first
from fsm_ems.errors import InvalidMessage
from fsm_ems.machines.order_events import OrderEvent
from fsm_ems.usual import usual_first

Quick = Callable[[str | bytes], Record | None]
"""The record of a line, or None where the strict reader is to be asked."""
_Read = Callable[[Any, str], Any]
"""The payload, from its part of the line as msgspec made it and the whole line."""

_PAYLOAD = '"payload":'  # no text in a line can look like it: its quotes are escaped
_REFUSED = (msgspec.MsgspecError, ValueError, InvalidMessage)


class _Line(msgspec.Struct, tag_field="kind", forbid_unknown_fields=True, frozen=True, gc=False):
    """What every line has; one of a kind has the payload of that kind."""

    v: Literal[1]
    seq: int
    time_ns: int
    owner: str
    oid: str
    event: OrderEvent | None
    then: OrderEvent | None
    tells: tuple[tuple[str, int], ...]
    alarm: str | None
    payload: Any


def quick_reader(writers: Mapping[type[Any], Callable[[Any], str]]) -> Quick:
    """The reader of lines whose payloads *writers* write."""
    readers: dict[type[_Line], _Read] = {}
    for kind, write in writers.items():
        hints = get_type_hints(kind, include_extras=True)
        if "report" not in hints:
            readers[_line(kind, kind)] = _as_written(write)
        elif not any("Decimal" in repr(hint) for name, hint in hints.items() if name != "report"):
            part = _with_raw_report(kind, hints)
            readers[_line(kind, part)] = _with_report(kind, hints)
        # A kind with both is the strict reader's: who writes its number once more would write its report too.
    decode = msgspec.json.Decoder(_one_of([*readers])).decode

    def read(text: str | bytes) -> Record | None:
        try:
            if isinstance(text, bytes):
                text = text.decode("ascii")
            line = decode(text)
            payload = readers[type(line)](line.payload, text)
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
            *told_first(line.owner, line.tells),
            line.alarm,
        )

    return read


def _line(kind: type[Any], payload: type[Any]) -> type[_Line]:
    # One struct a kind, told apart by msgspec itself, so that payload and line are read in one pass.
    name, own = kind.__name__, [("payload", payload)]
    made = msgspec.defstruct(name, own, bases=(_Line,), tag=name, frozen=True, gc=False)
    return cast("type[_Line]", made)


def _one_of(lines: list[Any]) -> Any:  # noqa: ANN401  # a union that is known only when this runs
    union, *others = lines
    for line in others:
        union |= line
    return union


def _as_written(write: Callable[[Any], str]) -> _Read:
    def read(payload: Any, text: str) -> Any:  # noqa: ANN401  # any payload
        written = f"{{{write(payload)}}}"
        if (
            not text.startswith(written, text.index(_PAYLOAD) + len(_PAYLOAD))
            or "NaN" in written
            or "Infinity" in written
        ):
            raise ValueError("it is not as it would be written")
        return payload

    return read


def _with_raw_report(kind: type[Any], hints: Mapping[str, Any]) -> type[Any]:
    """What *kind* holds, its report as text: a dataclass of pydantic's is pydantic's to read."""
    shape = [(name, msgspec.Raw if name == "report" else hint) for name, hint in hints.items()]
    return msgspec.defstruct(kind.__name__, shape, forbid_unknown_fields=True, gc=False)  # without defaults


def _with_report(kind: type[Any], hints: Mapping[str, Any]) -> _Read:
    """The reader of a payload that holds a report, and nothing that is read with less care."""
    values_of, place = attrgetter(*hints), [*hints].index("report")
    # What is written has every field that is not None, so none may be left to its default here.
    validate = usual_first(TypeAdapter[Any](hints["report"]), whole=True).validate_json

    def read(part: Any, _: str) -> Any:  # noqa: ANN401  # any payload
        values = [*values_of(part)]
        values[place] = validate(bytes(values[place]))
        return kind(*values)

    return read
