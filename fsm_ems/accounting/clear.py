"""What moves a position: clears, transfers, splits and expiries, each once by its id.

Times are venue times in ns since the epoch. Events are ordered by (*time_ns*, *exec_id*), whatever the
order in which they arrive.
"""

from __future__ import annotations

from decimal import Decimal

from fsm_ems.market import Asset
from fsm_ems.value import Value

ZERO = Decimal(0)


class Clear(Value, frozen=True):
    """One execution: *size* is above zero when bought, below when sold.

    *fee* is in *fee_asset*, in the market's quote asset where None; below zero it is a rebate.
    """

    time_ns: int
    exec_id: str
    size: Decimal
    price: Decimal
    fee: Decimal = ZERO
    fee_asset: Asset | None = None


class Transfer(Value, frozen=True):
    """*size* came in (above zero) or went out (below), without a price."""

    time_ns: int
    exec_id: str
    size: Decimal


class Split(Value, frozen=True):
    """From here on there are *ratio* units for one, each worth that much less. Cash does not move."""

    time_ns: int
    exec_id: str
    ratio: Decimal


class Expiry(Value, frozen=True):
    """The market ends: whatever is held is closed at the settlement *price*, 0 where it ends worthless."""

    time_ns: int
    exec_id: str
    price: Decimal = ZERO


Event = Clear | Transfer | Split | Expiry


Ident = str | tuple[str, str]


def ident(event: Event) -> Ident:
    """What tells *event* from the others of its account and market: its id, and of what is no execution the
    kind as well, for a venue may count transfers from one again.
    """
    return event.exec_id if type(event) is Clear else (type(event).__name__, event.exec_id)


def place(event: Event) -> tuple[int, str]:
    """Where *event* stands in the order of the fold."""
    return event.time_ns, event.exec_id


def reversal(event: Clear | Transfer) -> Clear | Transfer:
    """What takes *event* back: the same with size and fee negated, at the same time and price."""
    size = event.size.copy_negate()  # a minus sign would round to the 28 digits of the current context
    if isinstance(event, Transfer):
        return Transfer(event.time_ns, event.exec_id, size)
    return Clear(event.time_ns, event.exec_id, size, event.price, event.fee.copy_negate(), event.fee_asset)
