"""The second reader takes what the first takes, and spares usual numbers and ids our own calls."""

import sys
from decimal import Decimal
from enum import StrEnum
from json import dumps
from types import FrameType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError
from pydantic_core import SchemaValidator

from fsm_ems.message_fields import ReqId
from fsm_ems.messages import parse_command, parse_report
from fsm_ems.numbers import Computed, NotNegative, Positive, Signed
from fsm_ems.usual import usual_first

FIRST: dict[str, TypeAdapter[Any]] = {
    "reqid": TypeAdapter(ReqId),
    "positive": TypeAdapter(Positive),
    "not negative": TypeAdapter(NotNegative),
    "signed": TypeAdapter(Signed),
    "computed": TypeAdapter(Computed),
}
SECOND = {name: usual_first(adapter) for name, adapter in FIRST.items()}
ORDER = {"name": "order", "oid": "o1", "side": "buy", "market": "xbtusd.paper", "size": "1", "price": "0.5"}
FILL = {
    "name": "brokerd_fill",
    "reqid": "g-3",
    "exec_id": "F1",
    "size": "1.0",
    "price": "39000.5",
    "fee": "-0.1",
    "cum": "1",
}

# Text around the edges of the usual form: short and long, with and without a sign and a point, zeros.
NUMBERISH = st.one_of(
    st.from_regex(r"-?[0-9]{0,20}\.?[0-9]{0,20}", fullmatch=True),
    st.from_regex(r"[-+ _]?[0-9.\u0661]{0,5}[eE_]?[-+]?[0-9]{0,3}\n?", fullmatch=True),
    st.from_regex(r"-?0{0,3}\.?[01]{0,3}", fullmatch=True),
)


class Name(StrEnum):
    """Text of a class of its own."""

    TENTH = "0.10"
    WORD = "ten"


class Text(str):
    """Text that would have itself written in another way."""

    __slots__ = ()

    def __str__(self) -> str:
        return "7"


def taken(reader: SchemaValidator, value: object, *, json: bool = False) -> tuple[type, str] | None:
    """What *reader* makes of *value*, to its last digit; None where it refuses it."""
    try:
        made = reader.validate_json(str(value)) if json else reader.validate_python(value)
    except ValidationError:
        return None
    return type(made), str(made)


def first(kind: str) -> SchemaValidator:
    """The validator of an adapter itself."""
    validator = FIRST[kind].validator
    assert isinstance(validator, SchemaValidator)
    return validator


@given(
    st.sampled_from(list(FIRST)),
    NUMBERISH
    | st.text(max_size=20)
    | st.text(st.characters(max_codepoint=0x2FF), min_size=99, max_size=101)
    | st.integers()
    | st.decimals()
    | st.sampled_from([1.5, True, None, b"1", Name.TENTH, Name.WORD, Text("0.5"), [1]]),
)
def test_the_second_reader_takes_the_same(kind: str, value: object) -> None:
    """The same number to its last digit, the same id, or neither, from whatever comes."""
    assert taken(SECOND[kind], value) == taken(first(kind), value)


@given(
    st.sampled_from(list(FIRST)),
    NUMBERISH.map(dumps) | st.text(max_size=5).map(dumps) | st.integers() | st.floats(),
)
def test_the_second_reader_takes_the_same_from_json(kind: str, value: object) -> None:
    assert taken(SECOND[kind], value, json=True) == taken(first(kind), value, json=True)


@pytest.mark.parametrize(
    ("text", "longest"), [("9" * 18, "9" * 19), ("0." + "0" * 15 + "1", "0." + "0" * 18 + "1")]
)
def test_the_usual_form_ends_where_it_could_leave_the_bounds(text: str, longest: str) -> None:
    """18 characters lie within 18 places of the point on either side; more may not."""
    assert len(text) == 18

    assert taken(SECOND["positive"], text) == (Decimal, str(Decimal(text)))
    assert taken(SECOND["positive"], longest) is None


def test_usual_numbers_and_ids_of_a_message_cost_no_call_of_ours() -> None:
    """Nor does anything else of pydantic's bring the first reader back in behind ours."""
    called: set[str] = set()

    def note(frame: FrameType, event: str, _: object) -> None:
        if event == "call":
            called.add(frame.f_code.co_filename)

    sys.setprofile(note)
    try:
        parse_command(ORDER)
        parse_report(FILL)
    finally:
        sys.setprofile(None)

    assert any(name.endswith("messages.py") for name in called)
    assert not any(name.endswith(("numbers.py", "message_fields.py")) for name in called)
