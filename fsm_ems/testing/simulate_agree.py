"""Whether EMS and venues agree on every order, every execution and every position."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from fsm_ems.dialogs.facts import Dialog
from fsm_ems.dialogs.recall import rebuilt
from fsm_ems.machines.link import LinkState
from fsm_ems.testing.simulate_book import VenueOrder
from fsm_ems.testing.simulate_ems import SimulatedEMS
from fsm_ems.testing.simulate_log import Key
from fsm_ems.testing.simulate_oracle import Oracle

_HERE = frozenset({"dark_open", "alert_open", "cancelled", "expired", "rejected", "alert_triggered"})


def differences(ems: SimulatedEMS, oracle: Oracle, *, whole: bool) -> Iterator[str]:
    """What they differ in, in words. *whole*: in orders too that memory has let go, and the log tells of."""
    if not ems.up:
        yield "the EMS is down"
        return
    for broker in oracle.venues:
        if oracle.log.link_states.get(broker) is not LinkState.UP:
            yield f"the link to {broker} is {oracle.log.link_states.get(broker)}"
    for key in oracle.log.broker_of:
        dialog = ems.book.dialog(*key)
        if dialog is None and whole:
            dialog = rebuilt(ems.disk.of(*key))
            if dialog is None:
                yield f"{key} is forgotten"
        if dialog is not None:
            yield from _of_order(key, dialog, oracle.order_of(key), sent=key in oracle.log.sent)
    yield from _strangers(ems, oracle)
    yield from _positions(ems, oracle)
    if ems.book.parked:
        yield f"{len(ems.book.parked)} reports still wait"


def _strangers(ems: SimulatedEMS, oracle: Oracle) -> Iterator[str]:
    """What somebody else has placed: it is adopted while it lives; of what has ended, all or nothing."""
    for broker, venue in oracle.venues.items():
        for venue_id, order in venue.orders.items():
            if not order.external:
                continue
            key = oracle.log.adopted.get((broker, venue_id))
            dialog = None if key is None else ems.book.dialog(*key)
            if key is None:
                if order.standing == "open":
                    yield f"{venue_id} of {broker} rests there, and is not adopted"
            elif dialog is not None:
                yield from _terms(key, dialog, order)


def _positions(ems: SimulatedEMS, oracle: Oracle) -> Iterator[str]:
    held = {
        (account, market): position.size
        for account, positions in ems.book.positions.items()
        for market, position in positions.items()
    }
    for venue in oracle.venues.values():
        for place, size in venue.positions().items():
            if held.get(place, Decimal(0)) != size:
                yield f"{place}: {held.get(place, 0)} is held, and the executions add up to {size}"


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
    same |= state == "rejected" and not order.live and order.ends_as is not None  # what traded was undone
    same |= state == "expired" and order.costs_told  # where that overtook the end, it was the end
    # More than its size only where a correction made it so.
    whole = order.filled == dialog.size or (order.amended and order.filled > dialog.size)
    if not same and not (state == "filled" and whole):
        yield f"{key} is {state}, and at the venue {standing}"
    if standing == "open" and (dialog.size, dialog.price) != (order.size, order.price):
        yield f"{key} is {dialog.size} at {dialog.price}, and at the venue {order.size} at {order.price}"
    if dialog.edits and state != "filled":
        yield f"{key} still has open edits"


def stated_before_busts(ems: SimulatedEMS, oracle: Oracle) -> int:
    """Of how many orders in memory the known limit keeps us from asking whether all agree."""
    if not ems.up:
        return 0
    pairs = ((ems.book.dialog(*key), oracle.order_of(key)) for key in oracle.log.sent)
    return sum(
        dialog is not None and order is not None and stated_before_a_bust(dialog, order)
        for dialog, order in pairs
    )


def stated_before_a_bust(dialog: Dialog, order: VenueOrder) -> bool:
    """The known limit: a size that the venue only stated, and what a bust undid of it nobody can tell."""
    return order.amended and bool(dialog.gap)
