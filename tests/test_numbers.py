"""Decimals at the edge: what is taken is exact, what is not exact or absurd is refused."""

import sys
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError
from pydantic_core import PydanticCustomError

from fsm_ems.numbers import Computed, ComputedPositive, NotNegative, Positive, Signed, exact, plain

POSITIVE: TypeAdapter[Decimal] = TypeAdapter(Positive)
NOT_NEGATIVE: TypeAdapter[Decimal] = TypeAdapter(NotNegative)
SIGNED: TypeAdapter[Decimal] = TypeAdapter(Signed)
COMPUTED: TypeAdapter[Decimal] = TypeAdapter(Computed)
COMPUTED_POSITIVE: TypeAdapter[Decimal] = TypeAdapter(ComputedPositive)
ALL = (POSITIVE, NOT_NEGATIVE, SIGNED, COMPUTED, COMPUTED_POSITIVE)

NEED_TEXT = "a plain decimal number as text is needed, such as '0.10'"
NEED_BOUNDS = "at most 34 digits, within 18 places of the point on either side, are taken"
NEED_FINITE = "a finite number is needed"

# Every number that is taken: at most 34 digits, 18 of them before and 18 behind the point.
BOUNDED = st.builds(
    lambda digits, exponent: Decimal(digits).scaleb(exponent),
    st.integers(-(10**17), 10**17),
    st.integers(-18, 0),
)


def problem_of(adapter: TypeAdapter[Decimal], value: object) -> str:
    """What *adapter* has against *value*."""
    with pytest.raises(ValidationError) as caught:
        adapter.validate_python(value)
    return caught.value.errors()[0]["msg"]


@pytest.mark.parametrize(
    ("value", "number"),
    [
        ("0.10", "0.10"),
        ("1", "1"),
        ("007", "7"),
        ("-0.5", "-0.5"),
        ("1e3", "1E+3"),
        ("1E+17", "1E+17"),
        ("1e-18", "1E-18"),
        ("25e-1", "2.5"),
        ("999999999999999999", "999999999999999999"),
        ("0.000000000000000001", "1E-18"),
        ("1234567890123456.123456789012345678", "1234567890123456.123456789012345678"),
        (7, "7"),
        (-3, "-3"),
        (Decimal("1.50"), "1.50"),
    ],
)
def test_a_number_is_taken_to_its_last_digit(value: object, number: str) -> None:
    """Text, ints and Decimals come in exactly, trailing zeros included."""
    assert str(exact(value)) == number


@pytest.mark.parametrize(
    "text",
    [
        "NaN",
        "nan",
        "sNaN",
        "inf",
        "-Infinity",
        "1_000",
        " 1",
        "1 ",
        "1\n",
        "+1",
        "1.",
        ".5",
        "0x1F",
        "1,5",
        "",
        "-",
        "e5",
        "1e",
        "1e+",
        "--1",
        "1e100",
        "1e-100",
        "1e999999999",
        "\u0661",
        "\uff11",
    ],
)
def test_text_that_is_no_plain_decimal_number_is_refused(text: str) -> None:
    """Neither what Decimal would read as something else, nor what only looks like a number."""
    with pytest.raises(PydanticCustomError, match="a plain decimal number as text is needed"):
        exact(text)


@pytest.mark.parametrize(
    "value",
    [
        "1e18",
        "1e99",
        "1e-19",
        "1e-99",
        "0e99",
        "1" * 19,
        "0." + "1" * 19,
        f"-0.{'1':0>44}",
        "1" * 35,
        "1" * 4301,
        "1" * 18 + "." + "1" * 17,
        10**18,
        10**4301,
        Decimal("1E-19"),
        Decimal("1E+18"),
        Decimal("0E-19"),
        Decimal("1E+999999"),
    ],
    ids=lambda value: str(value)[:24] if not isinstance(value, int) else f"{value.bit_length()} bits",
)
def test_a_number_beyond_the_bounds_is_refused(value: object) -> None:
    """More than 34 digits, or a digit further than 18 places from the point, whatever it is written as."""
    with pytest.raises(PydanticCustomError, match="at most 34 digits, within 18 places"):
        exact(value)


@pytest.mark.parametrize("text", ["NaN", "-NaN", "sNaN", "NaN123", "Infinity", "-Infinity"])
def test_a_decimal_that_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(PydanticCustomError, match=NEED_FINITE):
        exact(Decimal(text))


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (1.0, "float"),
        (float, "type"),
        (True, "bool"),
        (False, "bool"),
        (None, "NoneType"),
        (b"1", "bytes"),
        ([1], "list"),
        ((1, (1,), 0), "tuple"),
        (1j, "complex"),
    ],
)
def test_what_is_not_exact_by_its_kind_is_refused_by_name(value: object, kind: str) -> None:
    """Floats and booleans first of all: 0.1 is not a tenth, and True is no size."""
    with pytest.raises(PydanticCustomError) as caught:
        exact(value)

    assert (
        caught.value.message() == f"a decimal number as text is needed, such as '0.10'; a {kind} is not exact"
    )


def test_a_number_of_4301_digits_is_refused_before_python_refuses_to_read_it() -> None:
    """int() of such text raises ValueError; ours is a typed refusal, as text and as an int."""
    digits = sys.get_int_max_str_digits() + 1

    assert problem_of(POSITIVE, "9" * digits) == NEED_BOUNDS
    assert problem_of(POSITIVE, 10**digits) == NEED_BOUNDS


@pytest.mark.parametrize("adapter", ALL)
@pytest.mark.parametrize("value", [1.5, True, None, "NaN", Decimal("NaN"), Decimal("Infinity"), "1e400"])
def test_no_kind_of_number_takes_what_is_none(adapter: TypeAdapter[Decimal], value: object) -> None:
    with pytest.raises(ValidationError):
        adapter.validate_python(value)


@pytest.mark.parametrize(
    ("adapter", "value", "problem"),
    [
        (POSITIVE, "0", "a number above zero is needed"),
        (POSITIVE, "0.00", "a number above zero is needed"),
        (POSITIVE, "-1", "a number above zero is needed"),
        (POSITIVE, 0, "a number above zero is needed"),
        (POSITIVE, Decimal("-0.5"), "a number above zero is needed"),
        (NOT_NEGATIVE, "-0.001", "zero or more is needed"),
        (NOT_NEGATIVE, Decimal(-1), "zero or more is needed"),
        (COMPUTED, Decimal(-1), "zero or more is needed"),
        (COMPUTED_POSITIVE, Decimal(0), "a number above zero is needed"),
        (COMPUTED_POSITIVE, "0.00", "a number above zero is needed"),
    ],
)
def test_a_wrong_sign_is_refused(adapter: TypeAdapter[Decimal], value: object, problem: str) -> None:
    assert problem_of(adapter, value) == problem


@pytest.mark.parametrize(
    ("adapter", "value"),
    [(NOT_NEGATIVE, "0"), (NOT_NEGATIVE, "3"), (SIGNED, "-0.25"), (SIGNED, "0"), (COMPUTED, "0")],
)
def test_a_right_sign_is_taken(adapter: TypeAdapter[Decimal], value: str) -> None:
    """A cumulative size may be zero, and a fee below zero is a rebate."""
    assert adapter.validate_python(value) == Decimal(value)


@pytest.mark.parametrize(
    ("number", "text"),
    [("1E+3", "1000"), ("1E-18", "0.000000000000000001"), ("0.10", "0.10"), ("-2.50", "-2.50"), ("0", "0")],
)
def test_a_number_is_written_without_an_exponent(number: str, text: str) -> None:
    assert plain(Decimal(number)) == text


@given(BOUNDED)
def test_text_and_back_gives_the_same_number_to_the_last_digit(number: Decimal) -> None:
    """JSON carries it as text; the exponent form is not kept, digits and value are."""
    written = SIGNED.dump_json(number)

    assert written.decode() == f'"{number:f}"'
    assert SIGNED.validate_json(written) == number
    assert SIGNED.dump_json(SIGNED.validate_json(written)) == written


@given(st.text(max_size=40) | st.from_regex(r"-?[0-9.eE+-]{1,40}", fullmatch=True))
def test_any_text_is_a_bounded_number_or_a_typed_refusal(text: str) -> None:
    """Nothing else comes out: no other exception, and no number beyond the bounds."""
    try:
        number = exact(text)
    except PydanticCustomError:
        return

    digits, exponent = number.as_tuple()[1:]
    assert isinstance(exponent, int)
    assert len(digits) <= 34
    assert exponent >= -18
    assert len(digits) + exponent <= 18


def test_computed_numbers_may_be_longer_than_stated_ones() -> None:
    """302 / 3 has no end, and a sum of the largest sizes one more digit."""
    average = Decimal("100.6666666666666666666666666666667")

    assert problem_of(NOT_NEGATIVE, average) == NEED_BOUNDS
    assert COMPUTED.validate_python(average) == average
    assert COMPUTED_POSITIVE.validate_python(average) == average
    assert COMPUTED.validate_json(COMPUTED.dump_json(average)) == average


@pytest.mark.parametrize("text", ["1e5", "-1", "1" * 401, "0." + "1" * 401, "", "1.", ".1", "NaN"])
def test_the_text_of_a_computed_number_is_bounded_and_plain(text: str) -> None:
    with pytest.raises(ValidationError):
        COMPUTED.validate_python(text)


@pytest.mark.parametrize("adapter", ALL)
def test_the_schema_says_that_numbers_are_text(adapter: TypeAdapter[Decimal]) -> None:
    assert adapter.json_schema() == {"type": "string", "pattern": r"^-?\d+(\.\d+)?$"}
