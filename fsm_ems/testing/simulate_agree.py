"""Whether EMS and venue agree on every order, every execution and every position."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from fsm_ems.dialogs.facts import Dialog
from fsm_ems.dialogs.recall import rebuilt
from fsm_ems.testing.simulate_ems import SimulatedEMS
from fsm_ems.testing.simulate_oracle import Key, Oracle
from fsm_ems.testing.simulate_venue import VenueOrder

_QUIET = frozenset({"open", "acked", "filled", "cancelled", "expired", "rejected", "alert_triggered"})
_HERE = frozenset({"dark_open", "alert_open", "cancelled", "expired", "rejected", "alert_triggered"})


def differences(ems: SimulatedEMS, oracle: Oracle, *, whole: bool) -> Iterator[str]:
    """What they differ in, in words. *whole*: in orders too that memory has let go, and the log tells of."""
    if not ems.up:
        yield "the EMS is down"
        return
    venue = oracle.venue
    for key in oracle.log.born:
        dialog = ems.book.dialog(*key)
        if dialog is None and whole:
            dialog = rebuilt(ems.disk.of(*key))
            if dialog is None:
                yield f"{key} is forgotten"
        if dialog is None:
            continue
        reqid = oracle.log.sent.get(key)
        order = None if reqid is None else venue.by_reqid.get(reqid)
        yield from _of_order(key, dialog, order, sent=reqid is not None)
    held = {
        (account, market): position.size
        for account, positions in ems.book.positions.items()
        for market, position in positions.items()
    }
    for place, size in venue.positions().items():
        if held.get(place, Decimal(0)) != size:
            yield f"{place}: {held.get(place, 0)} is held, and the venue's executions add up to {size}"
    if ems.book.parked:
        yield f"{len(ems.book.parked)} reports still wait"


def _of_order(key: Key, dialog: Dialog, order: VenueOrder | None, *, sent: bool) -> Iterator[str]:
    state = dialog.state.value
    if not sent:
        if state not in _HERE:
            yield f"{key} is {state}, and was never sent"
    elif order is None:
        if state != "rejected":
            yield f"{key} is {state}, and never was at the venue"
    else:
        yield from _terms(key, dialog, order)


def _terms(key: Key, dialog: Dialog, order: VenueOrder) -> Iterator[str]:
    state, standing = dialog.state.value, order.standing
    fills = {fill.exec_id: (fill.size, fill.price) for fill in (dialog.fills or {}).values()}
    if fills != order.live:
        yield f"{key} has executions {fills}, and the venue {order.live}"
    if stated_before_a_bust(dialog, order):
        return
    if dialog.filled != order.filled:
        yield f"{key} has filled {dialog.filled}, and at the venue {order.filled}"
    same = state == standing or (standing == "open" and state == "acked")
    if not same and not (state == "filled" and order.filled == dialog.size):
        yield f"{key} is {state}, and at the venue {standing}"
    if standing == "open" and (dialog.size, dialog.price) != (order.size, order.price):
        yield f"{key} is {dialog.size} at {dialog.price}, and at the venue {order.size} at {order.price}"
    if dialog.edits and state != "filled":
        yield f"{key} still has open edits"


def stated_before_busts(ems: SimulatedEMS, oracle: Oracle) -> int:
    """Of how many orders in memory the known limit keeps us from asking whether all agree."""
    if not ems.up:
        return 0
    pairs = (
        (ems.book.dialog(*key), oracle.venue.by_reqid.get(reqid)) for key, reqid in oracle.log.sent.items()
    )
    return sum(
        dialog is not None and order is not None and stated_before_a_bust(dialog, order)
        for dialog, order in pairs
    )


def stated_before_a_bust(dialog: Dialog, order: VenueOrder) -> bool:
    """The known limit: a size that the venue only stated, and what a bust undid of it nobody can tell."""
    return order.amended and bool(dialog.gap)
