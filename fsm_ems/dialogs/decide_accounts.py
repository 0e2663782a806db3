"""What a broker's word about a position becomes, and the markets that it declares.

Pure as all of :mod:`fsm_ems.dialogs.decide`. ``None`` means that there is nothing to record.
"""

from __future__ import annotations

from collections.abc import Mapping

from fsm_ems.dialogs.accounts import event_of, is_at, out_of_bounds
from fsm_ems.dialogs.book import Book
from fsm_ems.dialogs.decide import record, whole
from fsm_ems.dialogs.facts import ZERO
from fsm_ems.dialogs.record import Accounted, Listed, Record
from fsm_ems.dialogs.settings import Settings
from fsm_ems.market import Market
from fsm_ems.messages import BrokerdPosition, PositionReport


def listed(book: Book, markets: Mapping[str, Market], now_ns: int) -> Record | None:
    """The record of the first of *markets* that the book does not know as it is."""
    for market in markets.values():
        if book.markets.get(market.fqme) != market:
            return whole(book, now_ns, Listed(market))
    return None


def accounted(
    book: Book, settings: Settings, broker: str, report: PositionReport, now_ns: int
) -> Record | None:
    """The record of *report*: what moves our position, or a size that differs from ours.

    A split too many moves nothing, with an alarm. A size that is not ours is recorded once, and again when
    the venue states another, and when it agrees.
    """
    operator = (settings.operator, "")
    if not is_at(broker, report.market):
        alarm = f"{broker} tells of {report.market}, which is no market of its own"
        return record(book, now_ns, operator, None, Accounted(broker, report, None), alarm=alarm)
    position = book.positions.get(report.account, {}).get(report.market)
    if not isinstance(report, BrokerdPosition):
        if position is not None and position.has(event_of(report, now_ns)):
            return None
        many = f"a split of {report.market} too many: {report.account}'s numbers would grow without end"
        refused = f"{many}; it is not booked" if out_of_bounds(book, report) else None
        return record(book, now_ns, operator, None, Accounted(broker, report, None), alarm=refused)
    ours = ZERO if position is None else position.size
    known = book.differing.get((report.account, report.market))
    payload = Accounted(broker, report, ours)
    if report.size == ours:
        return None if known is None else record(book, now_ns, operator, None, payload)
    if report.size == known:
        return None
    holds = f"{report.account} holds {report.size} of {report.market}"
    alarm = f"{broker} says that {holds}, and by its fills it is {ours}"
    return record(book, now_ns, operator, None, payload, alarm=alarm)
