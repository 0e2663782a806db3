"""What the auditor rebuilt, held against what the book says; part of the auditor."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from fsm_ems.dialogs.book import Book
from fsm_ems.dialogs.facts import Dialog
from fsm_ems.messages import BrokerdFill
from fsm_ems.testing.audit_rules import breach
from fsm_ems.testing.audited import AuditedOrder
from fsm_ems.testing.auditor_fold import ExecKey
from fsm_ems.testing.breach import Breach


def compare_order(order: AuditedOrder, dialog: Dialog) -> None:
    """Learn the request ids that were made, and raise Breach where the two differ."""
    for edit in order.edits:
        if edit.reqid is None:
            edit.reqid = next((one.reqid for one in dialog.edits if one.edit_id == edit.edit_id), None)
    if order.wish and dialog.cancel is not None:
        order.cancel_id = dialog.cancel.reqid
    if dialog.state != order.state:
        breach("P7", order, f"the book has it in {dialog.state}, and nobody was told")
    live = {fill.exec_id: fill.size for fill in (dialog.fills or {}).values()}
    if live != order.live:
        breach("P3", order, f"executions {sorted(live)} are booked, not {sorted(order.live)}")
    if dialog.filled != order.filled:
        breach("P3", order, f"{dialog.filled} is filled, not {order.filled}")
    if dialog.size != order.size or dialog.price != order.price:
        breach("terms", order, f"{dialog.size} at {dialog.price}, not {order.size} at {order.price}")
    wanted = dialog.cancel is not None and dialog.cancel.wanted
    if order.state == "filled":
        order.wish = wanted  # it ended: what is kept to recognise late answers is nobody's promise
    elif wanted != order.wish:
        breach("P5", order, "a cancel is forgotten" if order.wish else "a cancel nobody wants is kept")


def compare_loose(
    book: Book, parked_max: int, loose: frozenset[ExecKey], alarmed: frozenset[ExecKey]
) -> None:
    """Executions of no order: each waits, or is booked on the account and was told; raise Breach if not."""
    if not (book.parked or book.orphans or loose):
        return
    parked: dict[str, int] = {}
    waiting: set[ExecKey] = set()
    for entry in book.parked.values():
        parked[entry.broker] = parked.get(entry.broker, 0) + 1
        if isinstance(entry.report, BrokerdFill):
            waiting.add((entry.broker, entry.report.account, entry.report.exec_id))
    if max(parked.values(), default=0) > parked_max:
        raise Breach("P11", f"{parked} reports wait")
    orphans = {
        (orphan.broker, orphan.report.account, orphan.report.exec_id)
        for orphan in book.orphans.values()
        if isinstance(orphan.report, BrokerdFill)
    }
    if silent := orphans - alarmed:
        raise Breach("P3", f"executions {sorted(silent)} belong to nobody, and nobody was told")
    if lost := loose - waiting - orphans:
        raise Breach("P3", f"executions {sorted(lost)} are booked nowhere")
    if twice := orphans - loose:
        raise Breach("P3", f"executions {sorted(twice)} are booked on an order and on the account")


def compare_positions(book: Book, orders: Iterable[AuditedOrder]) -> None:
    """Each position is the sum of what its orders' executions moved, as they were first told."""
    sums: dict[tuple[str, str], Decimal] = {}
    for order in orders:
        account, market, side = order.place
        moved = sum(order.moved.values(), Decimal(0))
        if moved or (account, market) in sums:
            sums[account, market] = sums.get((account, market), Decimal(0)) + (
                moved if side == "buy" else -moved
            )
    held = {
        (account, market): position.size
        for account, positions in book.positions.items()
        for market, position in positions.items()
        if position.size or (account, market) in sums
    }
    if held != sums:
        raise Breach("P4", f"positions are {held}, and executions add up to {sums}")
