"""One record as one line of text, and back, exactly.

A line is a JSON object in ASCII, without spaces, with its fields in this order::

    {"v":1,"seq":3,"time_ns":17,"owner":"main","oid":"a","event":"submit","then":null,
     "kind":"Submitted","payload":{…},"tells":[["main",3]],"alarm":null}

``v`` is the version of this form and ``kind`` the payload's class. Decimals are text, exactly as
:class:`str` gives them; ints are numbers; a request id is a number or text, as the broker declared. Fields
of a payload are always there. A report is its pydantic message, where None is left out.

Writing is in the path of every order and is written out by hand, a function for each payload. Reading is
strict: a version, kind or field that is unknown, missing or of another type is a ValueError.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from json.encoder import encode_basestring_ascii
from typing import Any, get_args

from pydantic_core import from_json

from fsm_ems.dialogs.asking import HistoryAsked, HistoryRead
from fsm_ems.dialogs.facts import Body, Execution
from fsm_ems.dialogs.record import (
    Accounted,
    Adopted,
    CancelSent,
    CancelWanted,
    Contradicted,
    EditSent,
    EditWanted,
    Granted,
    Held,
    LinkMoved,
    Listed,
    Met,
    Opened,
    Orphaned,
    Parked,
    Payload,
    Recalled,
    Record,
    Reported,
    ReportedBesideOurs,
    ReportedOfBefore,
    ReportedOfTheirs,
    Sent,
    Submitted,
    Timed,
    Trailed,
    Triggered,
    Unparked,
    told_first,
)
from fsm_ems.journal.quick import quick_reader
from fsm_ems.journal.typed import Reader, fields_reader, is_object, read_int, read_text, reader_of
from fsm_ems.machines.order_events import OrderEvent
from fsm_ems.messages import AnyReport

VERSION = 1
"""Of the form of a line. A log with another version is refused."""

quoted: Callable[[str], str] = encode_basestring_ascii
"""Text as it stands in a line."""
_EVENT: dict[OrderEvent | None, str] = {None: "null", **{event: f'"{event}"' for event in OrderEvent}}
_YES_NO = {True: "true", False: "false"}

# ── writing ─────────────────────────────────────────────────────────────────────────────────────────


def encode(record: Record) -> str:
    """The line of *record*, without its end."""
    kind = type(record.payload)
    owner, told = quoted(record.owner), ""
    if record.told:
        told = f"[{owner},{record.told}]"
    if record.onlookers:
        others = ",".join([f"[{quoted(identity)},{stream_seq}]" for identity, stream_seq in record.onlookers])
        told = f"{told},{others}" if told else others
    return (
        f'{{"v":1,"seq":{record.seq},"time_ns":{record.time_ns},{about(record.owner, record.oid)},'
        f'"event":{_EVENT[record.event]},"then":{_EVENT[record.then]},'
        f'"kind":"{kind.__name__}","payload":{{{WRITERS[kind](record.payload)}}},'
        f'"tells":[{told}],"alarm":{_text(record.alarm)}}}'
    )


def about(owner: str, oid: str) -> str:
    """The part of a line that says which dialog it is about; no other part of any line can look like it."""
    return f'"owner":{quoted(owner)},"oid":{quoted(oid)}'


def _text(text: str | None) -> str:
    return "null" if text is None else quoted(text)


def _number(number: Decimal | None) -> str:
    return "null" if number is None else f'"{number}"'


def _int(number: int | None) -> str:
    return "null" if number is None else str(number)


def _reqid(reqid: int | str | None) -> str:
    return quoted(reqid) if isinstance(reqid, str) else "null" if reqid is None else str(reqid)


def _report(report: AnyReport | None) -> str:
    if report is None:
        return "null"
    text = report.to_json(exclude_none=True)
    return text.replace("\x7f", "\\u007f")  # which json escapes, and pydantic does not


def _body(body: Body) -> str:
    return (
        f'"body":{{"side":{quoted(body.side)},"market":{quoted(body.market)},"size":"{body.size}",'
        f'"price":{_number(body.price)},"type":{quoted(body.type)},"tif":{quoted(body.tif)},'
        f'"expire_ns":{_int(body.expire_ns)},"post_only":{_YES_NO[body.post_only]},'
        f'"mode":{quoted(body.mode)},"direction":{_text(body.direction)},"trigger":{quoted(body.trigger)},'
        f'"trail":{_number(body.trail)},"limit_ticks":{_int(body.limit_ticks)},'
        f'"account":{quoted(body.account)},"if_absent":{quoted(body.if_absent)}}}'
    )


def _execution(fill: Execution) -> str:
    told = "null" if fill.told is None else f'["{fill.told[0]}","{fill.told[1]}"]'
    return (
        f'{{"exec_id":{quoted(fill.exec_id)},"size":"{fill.size}","price":"{fill.price}","fee":"{fill.fee}",'
        f'"fee_asset":{_text(fill.fee_asset)},"liquidity":{_text(fill.liquidity)},"time_ns":{fill.time_ns},'
        f'"told":{told}}}'
    )


def _submitted(payload: Submitted) -> str:
    return f'{_body(payload.body)},"reqid":{_reqid(payload.reqid)},"deadline_ns":{payload.deadline_ns}'


def _held(payload: Held) -> str:
    return f'{_body(payload.body)},"direction":{quoted(payload.direction)},"price":"{payload.price}"'


def _adopted(payload: Adopted) -> str:
    return (
        f'{_body(payload.body)},"broker":{quoted(payload.broker)},'
        f'"venue_id":{_text(payload.venue_id)},"reqid":{_reqid(payload.reqid)}'
    )


def _sent(payload: Sent | CancelWanted | EditSent) -> str:
    return f'"reqid":{_reqid(payload.reqid)},"deadline_ns":{payload.deadline_ns}'


def _triggered(payload: Triggered) -> str:
    return (
        f'"price":{_number(payload.price)},"reqid":{_reqid(payload.reqid)},'
        f'"deadline_ns":{payload.deadline_ns},"source":{quoted(payload.source)},"seen":{_number(payload.seen)}'
    )


def _met(payload: Met) -> str:
    return f'"seen":"{payload.seen}"'


def _trailed(payload: Trailed) -> str:
    return f'"price":"{payload.price}","source":{quoted(payload.source)},"seen":"{payload.seen}"'


def _cancel_sent(payload: CancelSent) -> str:
    return f'"deadline_ns":{payload.deadline_ns},"again_ns":{payload.again_ns}'


def _edit_wanted(payload: EditWanted) -> str:
    return (
        f'"edit_id":{quoted(payload.edit_id)},"reqid":{_reqid(payload.reqid)},"size":{_number(payload.size)},'
        f'"price":{_number(payload.price)},"deadline_ns":{payload.deadline_ns}'
    )


def _reported(payload: Reported) -> str:
    return (
        f'"broker":{quoted(payload.broker)},"report":{_report(payload.report)},'
        f'"deadline_ns":{payload.deadline_ns},"origin":{payload.origin},"foreign":{_YES_NO[payload.foreign]},'
        f'"reqid":{_reqid(payload.reqid)}'
    )


def _timed(payload: Timed) -> str:
    return f'"due_ns":{payload.due_ns}'


def _contradicted(payload: Contradicted) -> str:
    return (
        f'"broker":{quoted(payload.broker)},"report":{_report(payload.report)},'
        f'"attempted":{quoted(payload.attempted)},'
        f'"origin":{payload.origin}'
    )


def _recalled(payload: Recalled) -> str:
    fills = ",".join(map(_execution, payload.fills))
    edits = ",".join(
        [f"[{quoted(edit_id)},{_number(size)},{_number(price)}]" for edit_id, size, price in payload.edit_ids]
    )
    replaced = ",".join([f"[{quoted(old)},{_text(new)}]" for old, new in payload.replaced])
    return (
        f'{_body(payload.body)},"broker":{quoted(payload.broker)},"state":{quoted(payload.state)},'
        f'"size":"{payload.size}","price":{_number(payload.price)},"stated":"{payload.stated}",'
        f'"fills":[{fills}],"replaced":[{replaced}],"flags":{payload.flags},"end":{_text(payload.end)},'
        f'"noted_end":{_text(payload.noted_end)},"reqids":[{",".join(map(_reqid, payload.reqids))}],'
        f'"lost_reqid":{_reqid(payload.lost_reqid)},'
        f'"venue_ids":[{",".join(map(quoted, payload.venue_ids))}],'
        f'"edit_ids":[{edits}]'
    )


def _opened(payload: Opened) -> str:
    return (
        f'"generation":{quoted(payload.generation)},'
        f'"keep_finished":{payload.keep_finished},"keep_age_ns":{payload.keep_age_ns}'
    )


def _listed(payload: Listed) -> str:
    market = payload.market
    return (
        f'"market":{{"fqme":{quoted(market.fqme)},"base":{quoted(market.base)},"quote":{quoted(market.quote)},'
        f'"price_tick":"{market.price_tick}","size_tick":"{market.size_tick}",'
        f'"min_size":"{market.min_size}","min_cost":"{market.min_cost}",'
        f'"maker_bps":"{market.maker_bps}","taker_bps":"{market.taker_bps}"}}'
    )


def _accounted(payload: Accounted) -> str:
    return (
        f'"broker":{quoted(payload.broker)},"report":{_report(payload.report)},"ours":{_number(payload.ours)}'
    )


def _granted(payload: Granted) -> str:
    return (
        f'"identity":{quoted(payload.identity)},"role":{quoted(payload.role)},'
        f'"sees":[{",".join(map(quoted, payload.sees))}]'
    )


def _link_moved(payload: LinkMoved) -> str:
    return f'"broker":{quoted(payload.broker)},"event":{quoted(payload.event)},"due_ns":{payload.due_ns}'


def _history_asked(payload: HistoryAsked) -> str:
    return (
        f'"broker":{quoted(payload.broker)},"reqid":{_reqid(payload.reqid)},"overlap_ns":{payload.overlap_ns},'
        f'"deadline_ns":{payload.deadline_ns},"due_ns":{payload.due_ns}'
    )


def _history_read(payload: HistoryRead) -> str:
    return f'"broker":{quoted(payload.broker)},"query":{_reqid(payload.query)},"due_ns":{payload.due_ns}'


def _parked(payload: Parked) -> str:
    return f'"broker":{quoted(payload.broker)},"report":{_report(payload.report)},"due_ns":{payload.due_ns}'


def _unparked(payload: Unparked) -> str:
    return f'"broker":{quoted(payload.broker)},"origin":{payload.origin}'


def _orphaned(payload: Orphaned) -> str:
    return f'"broker":{quoted(payload.broker)},"report":{_report(payload.report)},"origin":{payload.origin}'


WRITERS: dict[type[Any], Callable[[Any], str]] = {
    Submitted: _submitted,
    Held: _held,
    Adopted: _adopted,
    Sent: _sent,
    Triggered: _triggered,
    Met: _met,
    Trailed: _trailed,
    CancelWanted: _sent,
    CancelSent: _cancel_sent,
    EditWanted: _edit_wanted,
    EditSent: _sent,
    Reported: _reported,
    ReportedOfBefore: _reported,
    ReportedBesideOurs: _reported,
    ReportedOfTheirs: _reported,
    Timed: _timed,
    Contradicted: _contradicted,
    Recalled: _recalled,
    Opened: _opened,
    Listed: _listed,
    Accounted: _accounted,
    Granted: _granted,
    LinkMoved: _link_moved,
    HistoryAsked: _history_asked,
    HistoryRead: _history_read,
    Parked: _parked,
    Unparked: _unparked,
    Orphaned: _orphaned,
}
"""What writes the payload of a line, by its kind."""

# ── reading ─────────────────────────────────────────────────────────────────────────────────────────

_PAYLOADS: dict[str, Reader] = {kind.__name__: fields_reader(kind) for kind in get_args(Payload)}
_event: Reader = reader_of(OrderEvent | None)
_tells: Reader = reader_of(tuple[tuple[str, int], ...])
_alarm: Reader = reader_of(str | None)
_NAMES = frozenset({"v", "kind", "tells", *Record.__struct_fields__} - {"told", "onlookers"})
_quick = quick_reader(WRITERS)


def decode(line: str | bytes) -> Record:
    """The record of a line.

    Raises:
        ValueError: the line is not one that :func:`encode` makes; the text says where.
    """
    record = _quick(line)
    return from_fields(from_json(line, cache_strings="keys")) if record is None else record


def as_fields(record: Record) -> dict[str, Any]:
    """*record* as a mapping that JSON can hold: what its line says."""
    fields: dict[str, Any] = json.loads(encode(record))
    return fields


def from_fields(fields: object) -> Record:
    """The record that :func:`as_fields` made *fields* of.

    Raises:
        ValueError: an unknown version, kind or field, or a value of the wrong type.
    """
    if not is_object(fields):
        raise ValueError(f"an object is needed, not {fields!r}")
    version, kind = fields.get("v"), fields.get("kind")
    if type(version) is not int or version != VERSION:
        raise ValueError(f"version {version!r} is not known here, only {VERSION} is")
    if fields.keys() != _NAMES:
        raise ValueError(f"a record has the fields {sorted(_NAMES)}, not {sorted(fields)}")
    read_payload = _PAYLOADS.get(kind) if type(kind) is str else None
    if read_payload is None:
        raise ValueError(f"kind {kind!r} is not known here")
    owner: str = read_text(fields["owner"])
    return Record(
        read_int(fields["seq"]),
        read_int(fields["time_ns"]),
        owner,
        read_text(fields["oid"]),
        _event(fields["event"]),
        _event(fields["then"]),
        read_payload(fields["payload"]),
        *told_first(owner, _tells(fields["tells"])),
        _alarm(fields["alarm"]),
    )
