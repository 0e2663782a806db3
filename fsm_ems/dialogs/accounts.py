"""The positions of a book: every execution that is booked moves the one of its account and market.

``apply`` alone uses this. What moved goes out as :class:`~fsm_ems.dialogs.record.Booked`, for the ledger.
"""

from __future__ import annotations

from decimal import Decimal

from fsm_ems.accounting.clear import Clear, Event, Expiry, Split, Transfer
from fsm_ems.accounting.position import Position
from fsm_ems.dialogs.book import Book
from fsm_ems.dialogs.facts import Dialog, Execution
from fsm_ems.dialogs.record import Accounted, Booked, Effect, Record
from fsm_ems.market import Market, broker_of
from fsm_ems.messages import (
    BrokerdBust,
    BrokerdCorrection,
    BrokerdExpiry,
    BrokerdFill,
    BrokerdPosition,
    BrokerdSplit,
    BrokerdTransfer,
)
from fsm_ems.numbers import PLACES_MAX

_FINEST = Decimal(1).scaleb(-PLACES_MAX)


def position_of(book: Book, account: str, market: str) -> Position:
    """The position of *account* in *market*; a new one is flat."""
    held = book.positions.get(account)
    if held is None:
        held = book.positions[account] = {}
    position = held.get(market)
    if position is None:
        position = held[market] = Position(book.markets.get(market) or _unlisted(market), account)
    return position


def _unlisted(market: str) -> Market:
    """A market of which only the address is known: its quote asset has no other name than that, and its
    ticks are the finest there are.
    """
    pair = market.rpartition(".")[0]
    return Market(market, pair, f"quote of {pair}", _FINEST, _FINEST)


def clear_of(side: str, execution: Execution) -> Clear:
    """The execution as it moves a position: as it was first told, its size below zero when sold."""
    told = execution.told
    size, price = (execution.size, execution.price) if told is None else told
    if side != "buy":
        size = size.copy_negate()
    return Clear(execution.time_ns, execution.exec_id, size, price, execution.fee, execution.fee_asset)


def enter(book: Book, record: Record, account: str, market: str, event: Event, effects: list[Effect]) -> None:
    """*event* moves the position, once by its id."""
    if position_of(book, account, market).add(event):
        effects.append(Booked(record.seq, record.time_ns, account, market, event))


def withdraw(
    book: Book, record: Record, account: str, market: str, event: Clear, effects: list[Effect]
) -> None:
    """*event* is taken back."""
    position = position_of(book, account, market)
    if position.remove(event):
        effects.append(Booked(record.seq, record.time_ns, account, market, event, reverses=True))


def book_execution(
    book: Book, record: Record, dialog: Dialog, execution: Execution, effects: list[Effect]
) -> None:
    """An order's execution is booked in its account."""
    body = dialog.body
    account, market = body.account, body.market
    held = book.positions.get(account)
    position = None if held is None else held.get(market)
    if position is None:
        position = position_of(book, account, market)
    clear = clear_of(body.side, execution)
    if position.add(clear):
        effects.append(Booked(record.seq, record.time_ns, account, market, clear))


def unbook_execution(
    book: Book,
    record: Record,
    dialog: Dialog,
    exec_id: str,
    gone: Execution | None,
    effects: list[Effect],
) -> None:
    """An order's execution is undone in its account.

    *gone* None: the order never had it, but the account may, from when it belonged to nobody.
    """
    body = dialog.body
    known = position_of(book, body.account, body.market).known(exec_id)
    if known is not None:
        withdraw(book, record, body.account, body.market, known, effects)
    elif gone is not None:
        withdraw(book, record, body.account, body.market, clear_of(body.side, gone), effects)


def is_at(broker: str, market: str) -> bool:
    """Whether *market* is one of *broker*'s: it can tell of no other."""
    return broker_of(market) == broker


def book_orphan(
    book: Book,
    record: Record,
    broker: str,
    report: BrokerdFill | BrokerdBust | BrokerdCorrection,
    effects: list[Effect],
) -> None:
    """An execution that belongs to no order moves its account's position as far as its market is known.

    A fill tells it by its details; what it undoes or corrects, by the execution in question. Both are of the
    *broker*'s own markets: two brokers may give one id, and one account may have markets at both. In which
    order they come makes no difference: what amends an execution that is not known yet waits for it.
    """
    account = report.account
    if isinstance(report, BrokerdFill):
        if report.details is not None and is_at(broker, report.details.market):
            clear = _clear_of_report(report, record, buys=report.details.side == "buy")
            enter(book, record, account, report.details.market, clear, effects)
            _amend(book, record, broker, account, report.exec_id, effects)
        return
    amended = _corrected(book, broker, account, report.ref_id)
    circle = isinstance(report, BrokerdCorrection) and (
        _corrected(book, broker, account, report.exec_id) == amended
    )
    waiting = book.amendments.setdefault((broker, account), {})
    if amended not in waiting and not circle:
        waiting[amended] = record.seq
        _amend(book, record, broker, account, amended, effects)


def _amendment(book: Book, broker: str, account: str, exec_id: str) -> BrokerdBust | BrokerdCorrection | None:
    """What undoes or corrects the execution, and belongs to no order either."""
    seq = book.amendments.get((broker, account), {}).get(exec_id)
    if seq is None:
        return None
    report = book.orphans[seq].report
    assert isinstance(report, BrokerdBust | BrokerdCorrection), "nothing else amends"
    return report


def _corrected(book: Book, broker: str, account: str, exec_id: str) -> str:
    """The id that stands for *exec_id* after the corrections that belong to no order."""
    while isinstance(report := _amendment(book, broker, account, exec_id), BrokerdCorrection):
        exec_id = report.exec_id
    return exec_id


def _amend(
    book: Book, record: Record, broker: str, account: str, exec_id: str, effects: list[Effect]
) -> None:
    """The execution is amended, and its correction in turn, as far as both are known."""
    while (report := _amendment(book, broker, account, exec_id)) is not None:
        found = _known(book, broker, account, exec_id)
        if found is None:
            return
        market, known = found
        withdraw(book, record, account, market, known, effects)
        if isinstance(report, BrokerdBust):
            return
        clear = _clear_of_report(report, record, buys=known.size > 0)
        enter(book, record, account, market, clear, effects)
        exec_id = report.exec_id


def _known(book: Book, broker: str, account: str, exec_id: str) -> tuple[str, Clear] | None:
    """The account's execution of that id, and in which of the broker's markets, as long as memory has it."""
    for market, position in book.positions.get(account, {}).items():
        known = position.known(exec_id) if is_at(broker, market) else None
        if known is not None:
            return market, known
    return None


def misplaced(book: Book, dialog: Dialog, origin: int) -> tuple[str, Clear] | None:
    """What the orphan of record *origin* moved in another account or market than those of *dialog*, which
    has the execution: that market, and the clear. A report that leaves the account out tells of the default.
    """
    orphan = book.orphans.get(origin)
    if orphan is None or not isinstance(orphan.report, BrokerdFill | BrokerdCorrection):
        return None
    report, body = orphan.report, dialog.body
    if isinstance(report, BrokerdFill) and report.details is None:
        return None  # it moved nothing: what has its id there is another execution
    found = _known(book, orphan.broker, report.account, report.exec_id)
    if found is None or (report.account, found[0]) == (body.account, body.market):
        return None
    clear = found[1]
    return found if (clear.size.copy_abs(), clear.price) == (report.size, report.price) else None


def withdraw_misplaced(
    book: Book, record: Record, dialog: Dialog, origin: int, effects: list[Effect]
) -> None:
    """An orphan turned out to be *dialog*'s: where it moved another position, that is taken back."""
    found = misplaced(book, dialog, origin)
    if found is not None:
        market, clear = found
        withdraw(book, record, book.orphans[origin].report.account, market, clear, effects)


def _clear_of_report(report: BrokerdFill | BrokerdCorrection, record: Record, *, buys: bool) -> Clear:
    size = report.size if buys else report.size.copy_negate()
    time_ns = report.time_ns or record.time_ns
    return Clear(time_ns, report.exec_id, size, report.price, report.fee, report.fee_asset)


def account_for(book: Book, record: Record, payload: Accounted, effects: list[Effect]) -> None:
    """A transfer, split or expiry moves the position; a size that is not ours is noted, and moves nothing,
    as does a split too many.

    Nor does what a broker tells of another's market.
    """
    report = payload.report
    if not is_at(payload.broker, report.market):
        return
    if isinstance(report, BrokerdPosition):
        key = (report.account, report.market)
        if report.size == payload.ours:
            book.differing.pop(key, None)
        else:
            book.differing[key] = report.size
        return
    if not out_of_bounds(book, report):
        enter(book, record, report.account, report.market, event_of(report, record.time_ns), effects)


def out_of_bounds(book: Book, report: BrokerdTransfer | BrokerdSplit | BrokerdExpiry) -> bool:
    """Whether *report* is a split too many: the position's numbers would outgrow exact sums."""
    position = book.positions.get(report.account, {}).get(report.market)
    return isinstance(report, BrokerdSplit) and position is not None and not position.can_split(report.ratio)


def event_of(report: BrokerdTransfer | BrokerdSplit | BrokerdExpiry, now_ns: int) -> Event:
    """What *report* does to the position, at the venue's time, or now where it names none."""
    time_ns = report.time_ns or now_ns
    if isinstance(report, BrokerdTransfer):
        return Transfer(time_ns, report.exec_id, report.size)
    if isinstance(report, BrokerdSplit):
        return Split(time_ns, report.exec_id, report.ratio)
    return Expiry(time_ns, report.exec_id, report.price)
