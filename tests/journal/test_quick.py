"""The quick reader of lines takes what was written, and nothing that the strict one would refuse."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fsm_ems.dialogs.record import Accounted, Payload, Record
from fsm_ems.journal.codec import WRITERS, decode, encode, from_fields
from fsm_ems.journal.quick import quick_reader
from fsm_ems.testing.records import PAYLOADS, records
from tests.journal.test_codec import WRONG, altered, same_to_the_last_digit

quick = quick_reader(WRITERS)

ODD: tuple[Any, ...] = (None, True, 0, 1, -1, 1.0, 1.5, "", "0", "1", "1.0", "1e3", "NaN", "a", [], {}, ["a"])


def places(value: Any, *at: str | int) -> list[tuple[str | int, ...]]:  # noqa: ANN401 -- any JSON
    """The way to everything in *value*."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [place for key, one in inner for place in [(*at, key), *places(one, *at, key)]]


@pytest.mark.parametrize("kind", PAYLOADS, ids=[kind.__name__ for kind in PAYLOADS])
@settings(max_examples=15, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_what_was_written_is_read_quickly(kind: type[Payload], data: st.DataObject) -> None:
    record = data.draw(records(PAYLOADS[kind]))

    read = quick(encode(record))

    if kind is Accounted:
        assert read is None, "its number is left to the strict reader"
    else:
        assert same_to_the_last_digit(read, record)


def changes(fields: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """*fields* with one thing another, gone or too much, in each place once; all are the same object."""
    for *way, last in [*places(fields)]:
        inner: Any = fields
        for step in way:
            inner = inner[step]
        was = inner[last]
        for odd in ODD:
            inner[last] = odd
            yield fields
        if isinstance(inner, dict):
            del inner[last]
            yield fields
            inner["more"] = was
            yield fields
            inner[last] = was
            yield fields
            del inner["more"]
        inner[last] = was


@pytest.mark.parametrize("kind", PAYLOADS, ids=[kind.__name__ for kind in PAYLOADS])
@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_what_was_changed_is_read_as_the_strict_reader_reads_it_or_not_at_all(
    kind: type[Payload], data: st.DataObject
) -> None:
    record = data.draw(records(PAYLOADS[kind]))

    for fields in changes(json.loads(encode(record))):
        read = quick(json.dumps(fields, separators=(",", ":")))

        if read is not None:
            assert same_to_the_last_digit(read, from_fields(fields))


@pytest.mark.parametrize(("record", "path", "value", "told"), WRONG)
def test_a_line_that_is_refused_is_refused_with_its_reason(
    record: Record, path: tuple[str | int, ...], value: object, told: str
) -> None:
    line = json.dumps(altered(record, *path, to=value))

    assert quick(line) is None
    with pytest.raises(ValueError, match=r".+") as caught:
        decode(line)
    assert told in str(caught.value)
