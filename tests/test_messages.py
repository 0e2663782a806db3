"""What crosses an edge: each refusal by its field and reason, each message there and back unchanged."""

import json
from contextlib import suppress
from dataclasses import FrozenInstanceError, fields
from decimal import Decimal
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from fsm_ems import messages as m
from fsm_ems.errors import InvalidMessage, InvalidReport
from fsm_ems.messages import parse_command, parse_report, parse_request
from fsm_ems.testing.records import names, reports, sizes, times

LIMIT = {"name": "order", "oid": "o1", "side": "buy", "market": "xbtusd.paper", "size": "1", "price": "100"}
MARKET = {
    "name": "order",
    "oid": "o1",
    "side": "sell",
    "market": "xbtusd.paper",
    "size": "1",
    "type": "market",
}
DARK = LIMIT | {"mode": "dark"}
WITH_DARK = "trigger, trail and limit_ticks go with a dark order"
WITH_TRAIL = "trail, a distance in the quote asset, goes with trigger 'trail', and with no other"
HELD_NEEDS_NO_LINK = "when_down goes with a live order: what is held here needs no link to be taken"
PLAIN_ALERT = "an alert is met at its price: leave trigger, trail and limit_ticks out"
ALERT = {"name": "order", "oid": "o1", "side": "alert", "market": "xbtusd.paper", "price": "100"}
EDIT = {"name": "edit", "oid": "o1", "edit_id": "e1", "size": "2"}
FILL = {"name": "brokerd_fill", "reqid": "g-3", "exec_id": "F1", "size": "1", "price": "100"}
ACK = {"name": "brokerd_ack", "reqid": "g-3", "venue_id": "V1"}
STATUS = {"name": "brokerd_status", "reqid": "g-3", "status": "open"}
ABOUT = {"reqid": "g-4", "account": "main", "target": "g-3", "time_ns": 1, "deadline_ns": 2}

COMMANDS: dict[str, tuple[dict[str, Any], type[m.Message]]] = {
    "order": (LIMIT, m.Order),
    "cancel": ({"name": "cancel", "oid": "o1"}, m.Cancel),
    "edit": (EDIT, m.Edit),
}
REQUESTS: dict[str, tuple[dict[str, Any], type[m.Message]]] = {
    "brokerd_order": (
        {"name": "brokerd_order", "reqid": 3, "account": "main", "market": "xbtusd.paper", "side": "buy"}
        | {"size": "1", "price": "100", "time_ns": 1, "deadline_ns": 2},
        m.BrokerdOrder,
    ),
    "brokerd_cancel": ({"name": "brokerd_cancel", **ABOUT}, m.BrokerdCancel),
    "brokerd_edit": ({"name": "brokerd_edit", "size": "2", **ABOUT}, m.BrokerdEdit),
    "brokerd_query": ({"name": "brokerd_query", **ABOUT}, m.BrokerdQuery),
    "brokerd_history_query": (
        {
            "name": "brokerd_history_query",
            "reqid": 4,
            "since_ns": 5,
            "since": "x1",
            "time_ns": 1,
            "deadline_ns": 2,
        },
        m.BrokerdHistoryQuery,
    ),
}
REPORTS: dict[str, tuple[dict[str, Any], type[m.Message]]] = {
    "brokerd_ack": (ACK, m.BrokerdOrderAck),
    "brokerd_status": (STATUS, m.BrokerdStatus),
    "brokerd_fill": (FILL, m.BrokerdFill),
    "brokerd_bust": ({"name": "brokerd_bust", "exec_id": "B1", "ref_id": "F1"}, m.BrokerdBust),
    "brokerd_correction": (FILL | {"name": "brokerd_correction", "ref_id": "F0"}, m.BrokerdCorrection),
    "brokerd_replaced": ({"name": "brokerd_replaced", "reqid": "g-4"}, m.BrokerdReplaced),
    "brokerd_refused": (
        {"name": "brokerd_refused", "reqid": "g-4", "request": "cancel"},
        m.BrokerdRefused,
    ),
    "brokerd_restated": ({"name": "brokerd_restated", "venue_id": "V1"}, m.BrokerdRestated),
    "brokerd_error": ({"name": "brokerd_error", "reqid": "g-4"}, m.BrokerdError),
}
EVERY = {**COMMANDS, **REQUESTS, **REPORTS}


OID_FORM = "an id of 1 to 64 letters, digits, '_' and '-' is needed"
MARKET_FORM = "what is traded, a point and the broker are needed, in lower case, such as xbtusd.paper"


def problems(source: object) -> tuple[str, ...]:
    """What is wrong with a command, from a mapping and as JSON text alike where JSON can say it."""
    with pytest.raises(InvalidMessage) as caught:
        parse_command(source)  # type: ignore[arg-type]  # also what is no command at all
    return caught.value.problems


def report_problems(source: object) -> tuple[str, ...]:
    with pytest.raises(InvalidReport) as caught:
        parse_report(source)  # type: ignore[arg-type]  # also what is no report at all
    return caught.value.problems


def parse(fields: dict[str, Any] | str) -> m.Message:
    """Any of the three unions, by its tag."""
    name = (json.loads(fields) if isinstance(fields, str) else fields)["name"]
    if name in COMMANDS:
        return parse_command(fields)
    return parse_request(fields) if name in REQUESTS else parse_report(fields)


# Tags.


@pytest.mark.parametrize(("given_fields", "kind"), EVERY.values(), ids=EVERY)
def test_the_tag_says_which_message_it_is(given_fields: dict[str, Any], kind: type[m.Message]) -> None:
    """From a mapping and from JSON text, to the same message."""
    message = parse(given_fields)

    assert type(message) is kind
    assert parse(json.dumps(given_fields)) == message
    assert message.as_fields()["name"] == given_fields["name"]


def test_every_member_of_each_union_is_tried_here() -> None:
    assert {kind for _, kind in COMMANDS.values()} == set(get_args(get_args(m.Command)[0]))
    assert {kind for _, kind in REQUESTS.values()} == set(get_args(get_args(m.Request)[0]))
    assert {kind for _, kind in REPORTS.values()} == set(get_args(get_args(m.Report)[0]))


@pytest.mark.parametrize("source", [{"oid": "o1"}, {}, {"name": "order_"}, {"name": 5}, {"name": ["order"]}])
def test_a_message_without_a_known_tag_is_refused(source: dict[str, Any]) -> None:
    assert problems(source)[0].startswith("message: ")
    assert report_problems(source)[0].startswith("message: ")


def test_a_report_is_no_command_and_a_command_is_no_report() -> None:
    """Each edge takes its own messages only: a client cannot tell us of fills."""
    assert problems(FILL)[0].endswith("does not match any of the expected tags: 'order', 'cancel', 'edit'")
    assert report_problems(LIMIT)[0].startswith("message: Input tag 'order' found")
    with pytest.raises(InvalidMessage):
        parse_request(FILL)


@pytest.mark.parametrize(
    "source", [None, 1, [LIMIT], "null", "[]", '"order"', "1", "", "{", b"\xff\xfe", "{} x"]
)
def test_what_is_no_object_is_refused(source: object) -> None:
    assert problems(source)[0].startswith("message: ")
    assert report_problems(source)[0].startswith("message: ")


# Fields.


@pytest.mark.parametrize(("given_fields", "kind"), EVERY.values(), ids=EVERY)
def test_an_unknown_field_is_refused_by_every_message(
    given_fields: dict[str, Any], kind: type[m.Message]
) -> None:
    """A misspelt field is never dropped silently."""
    with pytest.raises((InvalidMessage, InvalidReport), match=r"^\w+\.sise: "):
        parse(given_fields | {"sise": "1"})


@pytest.mark.parametrize(("given_fields", "kind"), EVERY.values(), ids=EVERY)
def test_a_message_cannot_be_changed(given_fields: dict[str, Any], kind: type[m.Message]) -> None:
    message = parse(given_fields)

    for field in fields(message):
        with pytest.raises(FrozenInstanceError):
            setattr(message, field.name, None)


@pytest.mark.parametrize(
    ("field", "value", "problem"),
    [
        ("size", "NaN", "a plain decimal number as text is needed, such as '0.10'"),
        ("size", "Infinity", "a plain decimal number as text is needed, such as '0.10'"),
        ("size", "1" * 4301, "at most 34 digits, within 18 places of the point on either side, are taken"),
        (
            "size",
            f"0.{'1':0>44}",
            "at most 34 digits, within 18 places of the point on either side, are taken",
        ),
        ("size", "1e999999999", "a plain decimal number as text is needed, such as '0.10'"),
        ("size", "1e99", "at most 34 digits, within 18 places of the point on either side, are taken"),
        ("size", 1.5, "a decimal number as text is needed, such as '0.10'; a float is not exact"),
        ("size", True, "a decimal number as text is needed, such as '0.10'; a bool is not exact"),
        ("size", "0", "a number above zero is needed"),
        ("size", "-1", "a number above zero is needed"),
        ("price", "-1", "a number above zero is needed"),
        ("price", "0.0", "a number above zero is needed"),
        ("price", "1e-19", "at most 34 digits, within 18 places of the point on either side, are taken"),
        ("side", "BUY", "Input should be 'buy', 'sell' or 'alert'"),
        ("type", "stop", "Input should be 'limit' or 'market'"),
        ("tif", "day", "Input should be 'gtc', 'ioc', 'fok' or 'gtd'"),
        ("mode", "paper", "Input should be 'live' or 'dark'"),
        ("oid", "", OID_FORM),
        ("oid", "a" * 65, OID_FORM),
        ("oid", "a b", OID_FORM),
        ("oid", "a\n", OID_FORM),
        ("oid", 5, "Input should be a valid string"),
        ("oid", None, "Input should be a valid string"),
        ("market", "xbtusd", MARKET_FORM),
        ("market", "XBTUSD.paper", MARKET_FORM),
        (
            "account",
            "a" * 41,
            "a name of 1 to 40 letters, digits, '_', '.' and '-' is needed, not of points alone",
        ),
        (
            "account",
            "..",
            "a name of 1 to 40 letters, digits, '_', '.' and '-' is needed, not of points alone",
        ),
        ("post_only", 1, "Input should be a valid boolean"),
        ("post_only", "yes", "Input should be a valid boolean"),
        ("expire_ns", True, "Input should be a valid integer"),
        ("expire_ns", 1.0, "Input should be a valid integer"),
        ("expire_ns", "5", "Input should be a valid integer"),
        ("expire_ns", -1, "Input should be greater than or equal to 0"),
        ("expire_ns", 2**63, "Input should be less than 9223372036854775808"),
    ],
)
def test_a_wrong_field_is_refused_by_name_and_reason(field: str, value: object, problem: str) -> None:
    """From a mapping and from JSON alike, and the value itself is not repeated."""
    wrong = LIMIT | {field: value}

    assert problems(wrong) == (f"order.{field}: {problem}",)
    assert problems(json.dumps(wrong)) == (f"order.{field}: {problem}",)


@pytest.mark.parametrize("value", [Decimal("NaN"), Decimal("sNaN"), Decimal("Infinity")])
def test_a_decimal_that_is_no_number_is_refused(value: Decimal) -> None:
    assert problems(LIMIT | {"size": value}) == ("order.size: a finite number is needed",)


@pytest.mark.parametrize("text", ["1.5", "1e400", "NaN", "Infinity", "1" * 30])
def test_a_bare_json_number_is_refused_or_exact(text: str) -> None:
    """What JSON readers make floats of is not taken as a size; nor is an int beyond the bounds."""
    assert problems(json.dumps(LIMIT).replace('"1"', text))[0].startswith("order.size: ")


def test_every_wrong_field_is_named_at_once() -> None:
    assert problems(LIMIT | {"size": "x", "price": 1.0, "side": "up"}) == (
        "order.side: Input should be 'buy', 'sell' or 'alert'",
        "order.size: a plain decimal number as text is needed, such as '0.10'",
        "order.price: a decimal number as text is needed, such as '0.10'; a float is not exact",
    )


def test_an_error_does_not_repeat_what_was_sent() -> None:
    """A secret put into the wrong field must not reach a log."""
    assert "hunter2" not in str(problems(LIMIT | {"account": "hunter2 ", "size": "hunter2"}))


@pytest.mark.parametrize(
    "reqid", [True, 1.0, None, "", "a" * 101, "a\nb", "\ud800", 2**63, -(2**63) - 1, 10**4301, [1]], ids=type
)
def test_a_request_id_is_an_int_or_printable_text(reqid: object) -> None:
    """Bounded, because it is kept and written; and never a number that only looks like one."""
    places = {problem.partition(": ")[0] for problem in report_problems(ACK | {"reqid": reqid})}

    assert {place[: len("brokerd_ack.reqid")] for place in places} == {"brokerd_ack.reqid"}


@pytest.mark.parametrize("reqid", [0, -1, 2**63 - 1, "5", "g-17", "a" * 100, "order no. 5"])
def test_a_request_id_keeps_its_form(reqid: int | str) -> None:
    """The text "5" stays text: 5 would be another request."""
    for source in (ACK | {"reqid": reqid}, json.dumps(ACK | {"reqid": reqid})):
        ack = parse_report(source)
        assert isinstance(ack, m.BrokerdOrderAck)
        assert (type(ack.reqid), ack.reqid) == (type(reqid), reqid)


@pytest.mark.parametrize(
    ("fields_given", "problem"),
    [
        (FILL | {"size": "-1"}, "brokerd_fill.size: a number above zero is needed"),
        (FILL | {"cum": "-1"}, "brokerd_fill.cum: zero or more is needed"),
        (FILL | {"fee": "NaN"}, "brokerd_fill.fee: a plain decimal number as text is needed, such as '0.10'"),
        (FILL | {"exec_id": ""}, "brokerd_fill.exec_id: String should have at least 1 character"),
        (FILL | {"exec_id": "x" * 101}, "brokerd_fill.exec_id: String should have at most 100 characters"),
        (FILL | {"text": "x" * 501}, "brokerd_fill.text: String should have at most 500 characters"),
        (FILL | {"time_ns": 1.0}, "brokerd_fill.time_ns: Input should be a valid integer"),
        (FILL | {"liquidity": "both"}, "brokerd_fill.liquidity: Input should be 'maker' or 'taker'"),
        (
            FILL | {"details": {"market": "a.b", "side": "buy", "size": "NaN"}},
            "brokerd_fill.details.size: a plain decimal number as text is needed, such as '0.10'",
        ),
        (STATUS | {"snapshot": 1}, "brokerd_status.snapshot: Input should be a valid boolean"),
        (STATUS | {"resumes": "no"}, "brokerd_status.resumes: Input should be a valid boolean"),
        (
            STATUS | {"status": "absent"},
            "brokerd_status: status 'absent' answers a query only: it needs snapshot=True",
        ),
        (
            STATUS | {"status": "absent", "snapshot": True, "cum": "0"},
            "brokerd_status: an order that is absent has neither details nor a filled size",
        ),
        (
            REPORTS["brokerd_correction"][0] | {"ref_id": "F2", "exec_id": "F2"},
            "brokerd_correction: a correction has an id of its own: it cannot replace itself",
        ),
        ({"name": "brokerd_ack", "reqid": "g-3"}, "brokerd_ack.venue_id: Field required"),
        ({"name": "brokerd_error"}, "brokerd_error.reqid: Field required"),
        (
            REPORTS["brokerd_restated"][0] | {"split": "0"},
            "brokerd_restated.split: a number above zero is needed",
        ),
    ],
)
def test_a_wrong_report_is_refused_by_name_and_reason(fields_given: dict[str, Any], problem: str) -> None:
    assert report_problems(fields_given) == (problem,)
    assert report_problems(json.dumps(fields_given)) == (problem,)


# Combinations.

POST_ONLY = "post_only goes with a live limit order, gtc or gtd"
NEVER_SENT = "an alert is never sent: leave type, mode, post_only, if_absent and tif ioc or fok out"
DATE = "expire_ns goes with tif 'gtd', and with no other"


@pytest.mark.parametrize(
    ("fields_given", "problem"),
    [
        (LIMIT | {"post_only": True, "tif": "ioc"}, POST_ONLY),
        (LIMIT | {"post_only": True, "tif": "fok"}, POST_ONLY),
        (MARKET | {"post_only": True}, POST_ONLY),
        (DARK | {"post_only": True}, POST_ONLY),
        (MARKET | {"price": "1"}, "a market order has no price"),
        (
            MARKET | {"tif": "gtd", "expire_ns": 5},
            "a market order cannot rest until a date: use gtc, ioc or fok",
        ),
        (LIMIT | {"price": None}, "a limit order needs a price"),
        (LIMIT | {"size": None}, "an order needs a size"),
        (DARK | {"price": None}, "a dark order needs its trigger price"),
        (DARK | {"price": None, "type": "market"}, "a dark order needs its trigger price"),
        (LIMIT | {"direction": "at_or_above"}, "direction goes with a dark order or an alert"),
        (LIMIT | {"trigger": "stop"}, WITH_DARK),
        (LIMIT | {"trail": "1"}, WITH_DARK),
        (LIMIT | {"limit_ticks": 3}, WITH_DARK),
        (DARK | {"trigger": "trail"}, WITH_TRAIL),
        (DARK | {"trail": "1"}, WITH_TRAIL),
        (DARK | {"trail": "1", "trigger": "stop"}, WITH_TRAIL),
        (DARK | {"trigger": "stop", "price": None}, "a dark order needs its trigger price"),
        (
            DARK | {"trigger": "touch", "direction": "at_or_above"},
            "the direction of trigger 'touch' follows from the side: leave it out",
        ),
        (
            DARK | {"type": "market", "limit_ticks": 3},
            "an order that goes out at market has no limit: leave limit_ticks out",
        ),
        (ALERT | {"trigger": "stop"}, PLAIN_ALERT),
        (ALERT | {"trail": "1"}, PLAIN_ALERT),
        (ALERT | {"limit_ticks": 0}, PLAIN_ALERT),
        (ALERT | {"if_absent": "resend"}, NEVER_SENT),
        (ALERT | {"when_down": "refuse"}, HELD_NEEDS_NO_LINK),
        (DARK | {"when_down": "refuse"}, HELD_NEEDS_NO_LINK),
        (LIMIT | {"tif": "gtd"}, DATE),
        (LIMIT | {"expire_ns": 5}, DATE),
        (LIMIT | {"tif": "ioc", "expire_ns": 5}, DATE),
        (ALERT | {"tif": "gtd"}, DATE),
        (ALERT | {"size": "1"}, "an alert has no size"),
        (ALERT | {"price": None}, "an alert needs a price"),
        (ALERT | {"type": "market"}, NEVER_SENT),
        (ALERT | {"mode": "dark"}, NEVER_SENT),
        (ALERT | {"post_only": True}, NEVER_SENT),
        (ALERT | {"tif": "ioc"}, NEVER_SENT),
        (ALERT | {"tif": "fok"}, NEVER_SENT),
    ],
)
def test_a_forbidden_combination_is_refused_with_its_reason(
    fields_given: dict[str, Any], problem: str
) -> None:
    assert problems(fields_given) == (f"order: {problem}",)
    assert problems(json.dumps(fields_given)) == (f"order: {problem}",)


@pytest.mark.parametrize(
    "fields_given",
    [
        LIMIT | {"post_only": True},
        LIMIT | {"post_only": True, "tif": "gtd", "expire_ns": 5},
        LIMIT | {"tif": "ioc"},
        LIMIT | {"tif": "fok"},
        MARKET,
        MARKET | {"tif": "ioc"},
        MARKET | {"tif": "fok"},
        DARK,
        DARK | {"direction": "at_or_below"},
        DARK | {"type": "market"},
        DARK | {"limit_ticks": 0},
        DARK | {"trigger": "stop"},
        DARK | {"trigger": "touch", "type": "market"},
        DARK | {"trigger": "trail", "trail": "0.5"},
        {field: DARK[field] for field in DARK if field != "price"} | {"trigger": "trail", "trail": "0.5"},
        DARK | {"tif": "gtd", "expire_ns": 5},
        DARK | {"type": "market", "tif": "gtd", "expire_ns": 5},
        ALERT,
        ALERT | {"direction": "at_or_above"},
        ALERT | {"tif": "gtd", "expire_ns": 5},
    ],
)
def test_an_allowed_combination_is_taken(fields_given: dict[str, Any]) -> None:
    order = parse_command(fields_given)

    assert isinstance(order, m.Order)
    assert order.as_fields() == fields_given


def test_an_edit_changes_something() -> None:
    assert problems({"name": "edit", "oid": "o1", "edit_id": "e1"}) == (
        "edit: an edit changes size, price or both",
    )


def test_a_message_made_in_python_is_held_to_the_same() -> None:
    """Embedders make messages themselves: pydantic's own error, before there is a message."""
    with pytest.raises(ValidationError, match="a float is not exact"):
        m.Order(oid="o1", side="buy", market="xbtusd.paper", size=1.5, price=Decimal(1))  # type: ignore[arg-type]  # that is the point
    with pytest.raises(ValidationError, match="an alert has no size"):
        m.Order(oid="o1", side="alert", market="xbtusd.paper", size=Decimal(1), price=Decimal(1))
    with pytest.raises(ValidationError, match="an edit changes size, price or both"):
        m.Edit(oid="o1", edit_id="e1")


# JSON text.


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ('{"name":"cancel","oid":"a","oid":"b"}', "oid"),
        ('{"name":"cancel","oid":"a","oid":"a"}', "oid"),
        ('{"name":"cancel","name":"cancel","oid":"a"}', "name"),
        ('{"name":"cancel","oid":"a","\\u006fid":"b"}', "oid"),
    ],
)
def test_a_field_that_stands_twice_is_refused(text: str, field: str) -> None:
    """Readers differ in which of the two they take; nobody may cancel the wrong order by that."""
    assert problems(text) == (f"{field}: it stands there twice",)
    assert problems(text.encode()) == (f"{field}: it stands there twice",)


def test_a_field_that_stands_twice_deep_inside_is_refused() -> None:
    details = '{"market":"a.b","side":"buy","size":"1","size":"2"}'
    text = json.dumps(FILL | {"details": 0}).replace(": 0", f": {details}")

    assert report_problems(text) == ("size: it stands there twice",)


@pytest.mark.parametrize("depth", [200, 5_000, 1_000_000])
@pytest.mark.parametrize("bracket", ["[", '{"a":', '{"name":"cancel","oid":'])
def test_deep_nesting_is_refused_and_never_a_recursion_error(bracket: str, depth: int) -> None:
    assert problems(bracket * depth)[0].startswith("message: Invalid JSON: ")
    assert report_problems(bracket * depth)[0].startswith("message: Invalid JSON: ")


@pytest.mark.parametrize("digits", [4_301, 100_000])
@pytest.mark.parametrize("field", ["size", "expire_ns", "reqid", "sise"])
def test_a_json_number_of_4301_digits_is_refused_and_never_a_value_error(field: str, digits: int) -> None:
    """Python cannot read such an int; it comes as a typed refusal, in known fields and unknown ones."""
    text = json.dumps(LIMIT | {field: 0}).replace(": 0", f": {'7' * digits}")

    assert problems(text)[0].startswith("message: Invalid JSON: number out of range")


@pytest.mark.parametrize("text", ['{"name":"cancel","oid":"\ud800"}', '{"name":"cancel","oid":"\\ud800"}'])
def test_half_a_surrogate_pair_is_refused(text: str) -> None:
    """It could not be written to the log."""
    assert problems(text)[0].startswith("message: ")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
tampered = st.builds(
    lambda base, field, value: base | {field: value},
    st.sampled_from([fields_given for fields_given, _ in EVERY.values()]),
    st.sampled_from(sorted({field for fields_given, _ in EVERY.values() for field in fields_given})),
    json_values,
)


@given(tampered | json_values)
def test_anything_json_can_say_is_a_message_or_a_typed_refusal(value: object) -> None:
    """No other exception leaves the edge, from text or from a mapping."""
    for source in (value, json.dumps(value)):
        for read, fault in ((parse_command, InvalidMessage), (parse_report, InvalidReport)):
            with suppress(fault):
                assert isinstance(read(source), m.Message)  # type: ignore[arg-type]  # anything goes in


@given(st.text(max_size=60) | st.binary(max_size=60))
def test_any_text_is_a_message_or_a_typed_refusal(text: str | bytes) -> None:
    with pytest.raises(InvalidMessage):
        parse_command(text)
    with pytest.raises(InvalidReport):
        parse_report(text)


# There and back.

oids = st.from_regex(r"[A-Za-z0-9_-]{1,64}", fullmatch=True)
limit_orders = st.builds(
    m.Order,
    oid=oids,
    side=st.sampled_from(["buy", "sell"]),
    market=st.just("xbtusd.paper"),
    size=sizes,
    price=sizes,
    post_only=st.booleans(),
    account=names,
)
gtd_orders = st.builds(
    m.Order,
    oid=oids,
    side=st.just("sell"),
    market=st.just("xbtusd.paper"),
    size=sizes,
    price=sizes,
    tif=st.just("gtd"),
    expire_ns=times,
    mode=st.sampled_from(["live", "dark"]),
)
alerts = st.builds(
    m.Order,
    oid=oids,
    side=st.just("alert"),
    market=st.just("xbtusd.paper"),
    price=sizes,
    direction=st.sampled_from([None, "at_or_above", "at_or_below"]),
)
edits = st.builds(m.Edit, oid=oids, edit_id=oids, size=sizes, price=st.none() | sizes)
reqids = st.integers(0, 2**62) | names
timed: dict[str, Any] = {"reqid": reqids, "time_ns": times, "deadline_ns": times}
about: dict[str, Any] = timed | {"account": names, "target": reqids, "venue_id": st.none() | names}
REQUESTED: dict[type[m.Message], st.SearchStrategy[m.Message]] = {
    m.BrokerdOrder: st.builds(
        m.BrokerdOrder,
        account=names,
        market=st.just("xbtusd.paper"),
        side=st.sampled_from(["buy", "sell"]),
        size=sizes,
        price=st.none() | sizes,
        type=st.sampled_from(["limit", "market"]),
        tif=st.sampled_from(["gtc", "ioc", "fok", "gtd"]),
        expire_ns=st.none() | times,
        post_only=st.booleans(),
        **timed,
    ),
    m.BrokerdCancel: st.builds(m.BrokerdCancel, **about),
    m.BrokerdEdit: st.builds(m.BrokerdEdit, size=sizes, price=st.none() | sizes, **about),
    m.BrokerdQuery: st.builds(m.BrokerdQuery, **about),
    m.BrokerdHistoryQuery: st.builds(m.BrokerdHistoryQuery, since_ns=times, since=st.none() | names, **timed),
}
requests = st.one_of(*REQUESTED.values())
messages = st.one_of(
    limit_orders, gtd_orders, alerts, edits, st.builds(m.Cancel, oid=oids), requests, reports
)


def test_every_kind_of_request_goes_there_and_back() -> None:
    assert set(REQUESTED) == set(get_args(get_args(m.Request)[0]))


@given(messages)
def test_fields_there_and_back_give_the_same_message(message: m.Message) -> None:
    """As they are, and through JSON: the name is among them, and says which message they are of."""
    fields_of = message.as_fields()

    assert parse(fields_of) == parse(json.dumps(fields_of)) == message
    assert type(parse(fields_of)) is type(message)


def test_what_is_only_a_part_of_messages_has_no_name_among_its_fields() -> None:
    part = m.OrderDetails(market="xbtusd.paper", side="buy", size=Decimal(1))

    assert part.as_fields() == {"market": "xbtusd.paper", "side": "buy", "size": "1"}


@given(messages)
def test_json_there_and_back_gives_the_same_message(message: m.Message) -> None:
    """Every decimal is text and keeps its value and its places; the text of the copy is the same."""
    text = message.to_json()
    again = parse(text)

    assert type(again) is type(message)
    assert again == message
    assert again.to_json() == text


def test_decimals_are_text_in_json_and_keep_their_places() -> None:
    """No float is between a client's 0.10 and the venue's."""
    order = parse_command(LIMIT | {"size": "0.10", "price": "1e3"})

    assert json.loads(order.to_json())["size"] == "0.10"
    assert json.loads(order.to_json())["price"] == "1000"
    assert order.as_fields()["size"] == "0.10"


def test_a_status_tells_a_price_that_has_no_end() -> None:
    """The average of 1 @ 100 and 2 @ 101, to 34 digits, comes back exactly."""
    average = Decimal("100.6666666666666666666666666666667")
    status = m.Status(
        oid="o1",
        owner="ann",
        seq=1,
        state="open",
        event="fill",
        filled=Decimal(3),
        remaining=Decimal(0),
        average_price=average,
        ord_status="PartiallyFilled",
        reason="why",
        time_ns=1,
    )

    assert json.loads(status.to_json())["average_price"] == "100.6666666666666666666666666666667"
    assert TypeAdapter(m.Status).validate_json(status.to_json()) == status


@pytest.mark.parametrize(
    "adapter",
    [TypeAdapter(m.Command), TypeAdapter(m.Request), TypeAdapter(m.Report), TypeAdapter(m.Status)],
    ids=["commands", "requests", "reports", "status"],
)
def test_a_json_schema_can_be_made(adapter: TypeAdapter[Any]) -> None:
    """Clients in other languages read it: numbers are text, and no other field is allowed."""
    schema = adapter.json_schema()
    objects = [schema, *schema.get("$defs", {}).values()]

    assert [part for part in objects if "properties" in part and part["additionalProperties"]] == []
    assert '"type": "number"' not in json.dumps(schema)
