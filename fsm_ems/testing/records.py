"""Hypothesis strategies for whatever a record log can hold: every payload, every report, any text and number.

What they draw is well-formed, field by field; it need not make sense as an order's story.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from fsm_ems import messages as m
from fsm_ems.dialogs import record as r
from fsm_ems.dialogs.asking import HistoryAsked, HistoryRead
from fsm_ems.dialogs.facts import Body, Execution
from fsm_ems.machines.link import LinkEvent
from fsm_ems.machines.order import OrderState
from fsm_ems.machines.order_events import OrderEvent
from fsm_ems.market import Market
from fsm_ems.numbers import PLACES_MAX

Drawn = st.SearchStrategy[Any]

_sound = st.characters(codec="utf-8")
texts: st.SearchStrategy[str] = st.text(_sound, max_size=20)
"""Any text: controls, quotes, line ends, what looks like JSON; only no half of a surrogate pair."""
names: st.SearchStrategy[str] = st.from_regex(r"\.?[A-Za-z0-9_-][A-Za-z0-9_.-]{0,10}", fullmatch=True)
ids: st.SearchStrategy[str] = st.text(_sound, min_size=1, max_size=20)
"""What a venue may call an order or an execution."""
counts: st.SearchStrategy[int] = st.integers(-(2**70), 2**70)
times: st.SearchStrategy[int] = st.integers(0, 2**63 - 1)
reqids: st.SearchStrategy[int | str] = st.one_of(
    st.integers(-(2**63), 2**63 - 1), names, st.sampled_from(["7", "007", "-1", " ", "\"'\\", "é", "漢字"])
)
"""Request ids: a number, or text even where it looks like one."""
decimals: st.SearchStrategy[Decimal] = st.decimals(allow_nan=False, allow_infinity=False)
"""Any finite Decimal, as sums and splits may make it: any sign, many digits, any exponent."""
sizes: st.SearchStrategy[Decimal] = st.builds(
    Decimal.scaleb, st.integers(1, 10**15).map(Decimal), st.integers(-PLACES_MAX, 2)
)
"""Sizes and prices as messages take them: above zero, exponents included."""
fees: st.SearchStrategy[Decimal] = st.builds(
    Decimal.copy_sign, sizes, st.sampled_from([Decimal(1), Decimal(-1)])
)


def _maybe(strategy: Drawn) -> Drawn:
    return st.none() | strategy


_terms: Drawn = st.builds(
    m.OrderDetails,
    market=st.just("xbtusd.kraken"),
    side=st.sampled_from(["buy", "sell"]),
    size=sizes,
    price=_maybe(sizes),
    type=st.sampled_from(["limit", "market"]),
)
_heading: dict[str, Drawn] = {
    "venue_id": _maybe(ids),
    "account": names,
    "time_ns": times,
    "text": _maybe(texts),
}
_about: dict[str, Drawn] = {"reqid": _maybe(reqids), **_heading}
_answer: dict[str, Drawn] = {"reqid": reqids, **_heading}
_OTHER = " corrected"
_other_ids = ids.map(lambda name: f"{name}{_OTHER}")
_trade: dict[str, Drawn] = {
    "exec_id": ids.filter(lambda name: not name.endswith(_OTHER)),
    "size": sizes,
    "price": sizes,
    "fee": fees,
    "fee_asset": _maybe(names),
    "liquidity": _maybe(st.sampled_from(["maker", "taker"])),
}

REPORTS: dict[type[Any], Drawn] = {
    m.BrokerdOrderAck: st.builds(m.BrokerdOrderAck, **(_answer | {"venue_id": ids})),
    m.BrokerdStatus: st.builds(
        m.BrokerdStatus,
        status=st.sampled_from(
            [
                "open",
                "pending_new",
                "filled",
                "cancelled",
                "done_for_day",
                "suspended",
                "calculated",
                "bidding",
            ]
        ),
        cum=_maybe(sizes),
        snapshot=st.booleans(),
        query=_maybe(reqids),
        resumes=st.booleans(),
        details=_maybe(_terms),
        **_about,
    )
    | st.builds(
        m.BrokerdStatus,
        status=st.just("absent"),
        snapshot=st.just(value=True),
        query=_maybe(reqids),
        **_about,
    ),
    m.BrokerdFill: st.builds(m.BrokerdFill, cum=_maybe(sizes), details=_maybe(_terms), **_trade, **_about),
    m.BrokerdBust: st.builds(m.BrokerdBust, exec_id=ids, ref_id=ids, **_about),
    m.BrokerdCorrection: st.builds(m.BrokerdCorrection, ref_id=_other_ids, **_trade, **_about),
    m.BrokerdReplaced: st.builds(m.BrokerdReplaced, size=_maybe(sizes), price=_maybe(sizes), **_answer),
    m.BrokerdRefused: st.builds(
        m.BrokerdRefused,
        request=st.sampled_from(["submit", "cancel", "edit"]),
        target=_maybe(reqids),
        code=st.sampled_from(["too_late", "unknown_order", "pending", "duplicate", "other"]),
        **_answer,
    ),
    m.BrokerdRestated: st.builds(
        m.BrokerdRestated,
        size=_maybe(sizes),
        price=_maybe(sizes),
        cum=_maybe(sizes),
        split=_maybe(sizes),
        **_about,
    ),
    m.BrokerdError: st.builds(m.BrokerdError, **_answer),
}
"""A strategy for each class of report."""

_position: dict[str, Drawn] = {
    "account": names,
    "time_ns": times,
    "text": _maybe(texts),
    "market": st.just("xbtusd.kraken"),
}
POSITION_REPORTS: dict[type[Any], Drawn] = {
    m.BrokerdPosition: st.builds(m.BrokerdPosition, size=fees, **_position),
    m.BrokerdTransfer: st.builds(m.BrokerdTransfer, exec_id=ids, size=fees, **_position),
    m.BrokerdSplit: st.builds(m.BrokerdSplit, exec_id=ids, ratio=sizes, **_position),
    m.BrokerdExpiry: st.builds(m.BrokerdExpiry, exec_id=ids, price=sizes, **_position),
}
"""A strategy for each class of report about a position."""

reports: st.SearchStrategy[m.Report] = st.one_of(*REPORTS.values())
"""Any report of a broker."""

_orders: Drawn = st.builds(
    Body,
    side=st.sampled_from(["buy", "sell", "alert"]),
    market=texts,
    size=decimals,
    price=_maybe(decimals),
    type=st.sampled_from(["limit", "market"]),
    tif=st.sampled_from(["gtc", "ioc", "fok", "gtd"]),
    expire_ns=_maybe(times),
    post_only=st.booleans(),
    mode=st.sampled_from(["live", "dark"]),
    direction=_maybe(st.sampled_from(["at_or_above", "at_or_below"])),
    trigger=st.sampled_from(["price", "stop", "touch", "trail"]),
    trail=_maybe(decimals),
    limit_ticks=_maybe(counts),
    account=texts,
    if_absent=st.sampled_from(["reject", "resend"]),
)
_executions: Drawn = st.builds(
    Execution,
    exec_id=ids,
    size=decimals,
    price=decimals,
    fee=decimals,
    fee_asset=_maybe(texts),
    liquidity=_maybe(texts),
    time_ns=counts,
    told=_maybe(st.tuples(decimals, decimals)),
)
_states: Drawn = st.sampled_from(OrderState)
_sources: Drawn = st.sampled_from(["ask", "bid", "last", "hand"])


def _few(strategy: Drawn) -> Drawn:
    return st.lists(strategy, max_size=3).map(tuple)


PAYLOADS: dict[type[Any], Drawn] = {
    r.Submitted: st.builds(r.Submitted, _orders, _maybe(reqids), counts),
    r.Held: st.builds(r.Held, _orders, st.sampled_from(["at_or_above", "at_or_below"]), decimals),
    r.Adopted: st.builds(r.Adopted, _orders, texts, _maybe(ids), _maybe(reqids)),
    r.Sent: st.builds(r.Sent, reqids, counts),
    r.Triggered: st.builds(r.Triggered, _maybe(decimals), _maybe(reqids), counts, _sources, _maybe(decimals)),
    r.Met: st.builds(r.Met, decimals),
    r.Trailed: st.builds(r.Trailed, decimals, _sources, decimals),
    r.CancelWanted: st.builds(r.CancelWanted, _maybe(reqids), counts),
    r.CancelSent: st.builds(r.CancelSent, counts, counts),
    r.EditWanted: st.builds(r.EditWanted, texts, _maybe(reqids), _maybe(decimals), _maybe(decimals), counts),
    r.EditSent: st.builds(r.EditSent, reqids, counts),
    r.Reported: st.builds(r.Reported, texts, reports, counts, counts, st.booleans(), _maybe(reqids)),
    r.ReportedOfBefore: st.builds(r.ReportedOfBefore, texts, reports, counts, counts, st.booleans()),
    r.ReportedBesideOurs: st.builds(r.ReportedBesideOurs, texts, reports, counts, counts, st.booleans()),
    r.ReportedOfTheirs: st.builds(r.ReportedOfTheirs, texts, reports, counts, counts, st.booleans()),
    r.Timed: st.builds(r.Timed, counts),
    r.Contradicted: st.builds(r.Contradicted, texts, _maybe(reports), texts, counts),
    r.Recalled: st.builds(
        r.Recalled,
        body=_orders,
        broker=texts,
        state=_states,
        size=decimals,
        price=_maybe(decimals),
        stated=decimals,
        fills=_few(_executions),
        replaced=_few(st.tuples(ids, _maybe(ids))),
        flags=counts,
        end=_maybe(_states),
        noted_end=_maybe(_states),
        reqids=_few(reqids),
        lost_reqid=_maybe(reqids),
        venue_ids=_few(ids),
        edit_ids=_few(st.tuples(ids, _maybe(decimals), _maybe(decimals))),
    ),
    r.Opened: st.builds(r.Opened, texts, counts, counts),
    r.Listed: st.builds(
        r.Listed,
        st.builds(Market, texts, texts, texts, sizes, sizes, sizes, sizes, fees, fees),
    ),
    r.Accounted: st.builds(r.Accounted, texts, st.one_of(*POSITION_REPORTS.values()), _maybe(decimals)),
    r.Granted: st.builds(r.Granted, texts, st.sampled_from(["trader", "observer"]), _few(texts)),
    r.LinkMoved: st.builds(r.LinkMoved, texts, st.sampled_from(LinkEvent), counts),
    HistoryAsked: st.builds(HistoryAsked, texts, reqids, counts, counts, counts),
    HistoryRead: st.builds(HistoryRead, texts, reqids, counts),
    r.Parked: st.builds(r.Parked, texts, reports, counts),
    r.Unparked: st.builds(r.Unparked, texts, counts),
    r.Orphaned: st.builds(r.Orphaned, texts, reports, counts),
}
"""A strategy for each class of payload."""

payloads: st.SearchStrategy[r.Payload] = st.one_of(*PAYLOADS.values())
"""Any payload."""


def _record(owner: str, told: int, onlookers: tuple[tuple[str, int], ...], **rest: Any) -> r.Record:  # noqa: ANN401  # the other fields of a record
    if not told:  # the owner is no onlooker of its own
        told, onlookers = r.told_first(owner, onlookers)
    return r.Record(owner=owner, told=told, onlookers=onlookers, **rest)


def records(of: st.SearchStrategy[r.Payload] = payloads) -> st.SearchStrategy[r.Record]:
    """A record with a payload that *of* draws."""
    return st.builds(
        _record,
        seq=st.integers(1, 2**63 - 1),
        time_ns=counts,
        owner=texts,
        oid=texts,
        event=_maybe(st.sampled_from(OrderEvent)),
        then=_maybe(st.sampled_from(OrderEvent)),
        payload=of,
        told=counts,
        onlookers=_few(st.tuples(texts, counts)),
        alarm=_maybe(texts),
    )
