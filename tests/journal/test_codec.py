"""A record is one line of text and comes back exactly; any other line is refused with its reason."""

import json
import re
from dataclasses import fields
from decimal import Decimal
from typing import Any, get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import astuple

from fsm_ems import messages as m
from fsm_ems.dialogs.facts import Body, Execution
from fsm_ems.dialogs.record import (
    Contradicted,
    EditWanted,
    Granted,
    LinkMoved,
    Listed,
    Payload,
    Recalled,
    Record,
    Reported,
    Sent,
    Submitted,
)
from fsm_ems.journal.codec import about, as_fields, decode, encode, from_fields
from fsm_ems.journal.typed import reader_of
from fsm_ems.machines.link import LinkEvent
from fsm_ems.machines.order import OrderState
from fsm_ems.machines.order_events import OrderEvent
from fsm_ems.market import Market
from fsm_ems.testing.records import PAYLOADS, REPORTS, records, reports, texts
from fsm_ems.value import Value

SENT = Record(3, 17, "main", "a", OrderEvent.SENDING, None, Sent("g-3", 5), told=2)
BODY = Body(
    side="buy",
    market="xbtusd.kraken",
    size=Decimal("0.10"),
    price=Decimal(5),
    type="limit",
    tif="gtc",
    expire_ns=None,
    post_only=False,
    mode="live",
    direction=None,
    account="main",
)


def with_payload(payload: Payload) -> Record:
    return Record(1, 0, "main", "a", None, None, payload)


def same_to_the_last_digit(value: object, other: object) -> bool:
    """Equal, and of the same types and exponents throughout: 1.0 is not 1.00, and 7 is not "7"."""
    if isinstance(value, m.Message):  # a message keeps the number, and writes it plainly
        return type(value) is type(other) and value == other
    if isinstance(value, Value) and isinstance(other, Value):
        return type(value) is type(other) and same_to_the_last_digit(astuple(value), astuple(other))
    if isinstance(value, tuple) and isinstance(other, tuple):
        return (
            type(value) is type(other)
            and len(value) == len(other)
            and all(map(same_to_the_last_digit, value, other))
        )
    return type(value) is type(other) and str(value) == str(other)


# Round trips.


def test_a_strategy_draws_every_payload_and_every_report() -> None:
    assert set(PAYLOADS) == set(get_args(Payload))
    assert set(REPORTS) == set(get_args(get_args(m.Report)[0]))


@pytest.mark.parametrize("kind", PAYLOADS.values(), ids=[kind.__name__ for kind in PAYLOADS])
@settings(max_examples=50, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_every_record_comes_back_exactly(kind: st.SearchStrategy[Payload], data: st.DataObject) -> None:
    record = data.draw(records(kind))

    line = encode(record)

    assert same_to_the_last_digit(decode(line), record)
    assert encode(decode(line)) == line


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(record=records())
def test_a_line_is_printable_ascii_and_canonical_json(record: Record) -> None:
    line = encode(record)

    assert re.fullmatch(r"[ -~]+", line)
    assert json.dumps(json.loads(line), separators=(",", ":")) == line


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(record=records())
def test_the_mapping_says_what_the_line_says(record: Record) -> None:
    fields = as_fields(record)

    assert from_fields(fields) == record
    assert list(fields) == [
        "v",
        "seq",
        "time_ns",
        "owner",
        "oid",
        "event",
        "then",
        "kind",
        "payload",
        "tells",
        "alarm",
    ]
    assert fields["kind"] == type(record.payload).__name__


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(record=records(), owner=texts, oid=texts)
def test_a_line_names_its_dialog_and_no_other(record: Record, owner: str, oid: str) -> None:
    line = encode(record)

    assert line.count(about(record.owner, record.oid)) == 1
    assert (about(owner, oid) in line) == ((owner, oid) == (record.owner, record.oid))


@given(report=reports)
def test_a_report_leaves_out_what_is_none_and_keeps_every_default(report: m.Report) -> None:
    written = as_fields(with_payload(Reported("kraken", report, 0, 0)))["payload"]["report"]

    assert None not in written.values()
    assert {
        field.name for field in fields(report) if getattr(report, field.name) is not None
    } == written.keys()


def test_the_form_of_a_line_is_fixed() -> None:
    record = Record(
        3,
        17,
        "main",
        "a",
        OrderEvent.SUBMIT,
        None,
        Submitted(BODY, "g-3", 5),
        2,
        (("eye", 9),),
        "odd",
    )

    assert encode(record) == (
        '{"v":1,"seq":3,"time_ns":17,"owner":"main","oid":"a","event":"submit","then":null,"kind":"Submitted",'
        '"payload":{"body":{"side":"buy","market":"xbtusd.kraken","size":"0.10","price":"5","type":"limit",'
        '"tif":"gtc","expire_ns":null,"post_only":false,"mode":"live","direction":null,"trigger":"price",'
        '"trail":null,"limit_ticks":null,"account":"main","if_absent":"reject"},'
        '"reqid":"g-3","deadline_ns":5},"tells":[["main",2],["eye",9]],"alarm":"odd"}'
    )


@pytest.mark.parametrize("reqid", [7, "7", 0, "", -1, "seven"])
def test_a_request_id_stays_what_it_was(reqid: int | str) -> None:
    back = decode(encode(with_payload(Sent(reqid, 0)))).payload

    assert isinstance(back, Sent)
    assert (back.reqid, type(back.reqid)) == (reqid, type(reqid))


@pytest.mark.parametrize("text", ["0.1", "1E+3", "-0", "0E-18", "0.10", "1" * 40 + "." + "3" * 40, "1E-200"])
def test_a_decimal_keeps_every_digit_and_its_exponent(text: str) -> None:
    back = decode(encode(with_payload(EditWanted("e", None, Decimal(text), None, 0)))).payload

    assert isinstance(back, EditWanted)
    assert str(back.size) == str(Decimal(text))


# What is refused.


def altered(record: Record, *path: str | int, to: object) -> dict[str, Any]:
    fields = as_fields(record)
    inner: Any = fields
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = to
    return fields


RECALLED = with_payload(
    Recalled(
        BODY, "kraken", OrderState.FILLED, Decimal(1), None, Decimal(0),
        (Execution("x", Decimal(1), Decimal(2), Decimal(0), None, None, 5),), (("x", None),),
        0, None, None, (1, "g-2"), None, ("V",), (("e1", Decimal(12), None),),
    )
)  # fmt: skip
ACK = m.BrokerdOrderAck(reqid=1, venue_id="V", text="hello")
STATUS = m.BrokerdStatus(
    status="open", details=m.OrderDetails(market="xbtusd.kraken", side="buy", size=Decimal(1))
)
XY = Market("xy.paper", "x", "y", Decimal(1), Decimal(1))
REPORTED = with_payload(Reported("kraken", ACK, 0, 0))

WRONG: list[tuple[Record, tuple[str | int, ...], object, str]] = [
    (SENT, ("v",), 2, "version 2 is not known"),
    (SENT, ("v",), True, "version True is not known"),
    (SENT, ("v",), "1", "version '1' is not known"),
    (SENT, ("kind",), "Sold", "kind 'Sold' is not known"),
    (SENT, ("kind",), None, "kind None is not known"),
    (SENT, ("kind",), "Submitted", "Submitted lacks ['body']"),
    (SENT, ("extra",), 1, "a record has the fields"),
    (SENT, ("seq",), "3", "whole number"),
    (SENT, ("seq",), True, "whole number"),
    (SENT, ("time_ns",), 17.0, "whole number"),
    (SENT, ("owner",), None, "text is needed"),
    (SENT, ("oid",), 5, "text is needed"),
    (SENT, ("event",), "flew", "unknown: 'flew'"),
    (SENT, ("then",), ["cancel"], "unknown"),
    (SENT, ("payload",), [], "an object is needed"),
    (SENT, ("payload", "extra"), 1, "Sent does not have ['extra']"),
    (SENT, ("payload", "reqid"), None, "reqid: a request id"),
    (SENT, ("payload", "reqid"), True, "reqid: a request id"),
    (SENT, ("payload", "deadline_ns"), None, "deadline_ns: a whole number"),
    (SENT, ("tells",), {}, "an array is needed"),
    (SENT, ("tells", 0), ["main"], "2 values are needed"),
    (SENT, ("tells", 0, 1), "2", "whole number"),
    (SENT, ("alarm",), 1, "text is needed"),
    (RECALLED, ("payload", "body", "size"), 1, "body: size: a decimal"),
    (RECALLED, ("payload", "body", "post_only"), 0, "true or false"),
    (RECALLED, ("payload", "body", "size"), "NaN", "a decimal"),
    (RECALLED, ("payload", "body", "size"), "Infinity", "a decimal"),
    (RECALLED, ("payload", "body", "size"), "1_0", "a decimal"),
    (RECALLED, ("payload", "body", "size"), " 1", "a decimal"),
    (RECALLED, ("payload", "body", "size"), "one", "a decimal"),
    (RECALLED, ("payload", "body", "size"), "\u0661", "a decimal"),
    (RECALLED, ("payload", "state"), "sleeping", "unknown: 'sleeping'"),
    (RECALLED, ("payload", "fills", 0), {}, "Execution lacks ['exec_id', "),
    (RECALLED, ("payload", "reqids", 0), 1.5, "a request id"),
    (RECALLED, ("payload", "replaced", 0, 0), None, "text is needed"),
    (REPORTED, ("payload", "report"), None, "unknown report"),
    (REPORTED, ("payload", "report"), {}, "unknown report"),
    (REPORTED, ("payload", "report", "name"), "status", "unknown report 'status'"),
    (REPORTED, ("payload", "report", "name"), ["brokerd_ack"], "unknown report"),
    (REPORTED, ("payload", "report", "extra"), 1, "extra"),
    (REPORTED, ("payload", "report", "time_ns"), "5", "time_ns"),
    (with_payload(Reported("kraken", STATUS, 0, 0)), ("payload", "report", "details", "side"), "up", "side"),
    (with_payload(Granted("eye", "observer", ())), ("payload", "role"), "boss", "unknown: 'boss'"),
    (
        with_payload(Listed(XY)),
        ("payload", "market", "price_tick"),
        "0",
        "market: xy.paper: price_tick must be",
    ),
    (with_payload(LinkMoved("kraken", LinkEvent.LOST)), ("payload", "event"), "found", "unknown: 'found'"),
]


@pytest.mark.parametrize(("record", "path", "value", "told"), WRONG)
def test_a_wrong_value_is_refused_and_named(
    record: Record, path: tuple[str | int, ...], value: object, told: str
) -> None:
    with pytest.raises(ValueError, match=re.escape(told)):
        from_fields(altered(record, *path, to=value))


@pytest.mark.parametrize("field", as_fields(SENT))
def test_a_missing_field_is_refused(field: str) -> None:
    fields = as_fields(SENT)
    del fields[field]

    with pytest.raises(ValueError, match=r"version|has the fields"):
        from_fields(fields)


def test_a_report_that_lost_a_default_is_refused() -> None:
    fields = as_fields(REPORTED)
    del fields["payload"]["report"]["account"]

    with pytest.raises(ValueError, match=r"brokerd_ack lacks \['account'\]"):
        from_fields(fields)


@pytest.mark.parametrize("line", ["", "[]", "1", "{", '{"v":1}', "nonsense"])
def test_what_is_no_record_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        decode(line)


def test_a_contradiction_without_a_report_comes_back() -> None:
    record = with_payload(Contradicted("kraken", None, "fill", 0))

    assert decode(encode(record)) == record


@pytest.mark.parametrize("hint", [float, bytes | None, int | bytes, dict[str, int]])
def test_a_type_without_a_reader_is_a_programmers_error(hint: object) -> None:
    with pytest.raises(TypeError, match="no reader"):
        reader_of(hint)
