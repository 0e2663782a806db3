"""What an account may really hold while the outcome of an order is unproven: a range, and never a guess.

What is booked is certain. An order in doubt may have traded unseen up to the largest size that it may have at
the venue, edits whose answer is missing included, whatever became of its cancel; so may one of which a report
stated more than its executions explain. Any other live order may still trade what is left of it, from one
moment to the next.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import NamedTuple

from fsm_ems.dialogs import facts as f
from fsm_ems.dialogs.book import Book
from fsm_ems.dialogs.facts import EXACT, ZERO, Dialog, sizes_out
from fsm_ems.machines.order import S

_OVER = f.NOTHING_LEAVES - {S.FILLED}


class Exposure(NamedTuple):
    """What *account* holds in *market*, in base units, below zero when short.

    *size* is as booked; it really is from *low* to *high*, and both are *size* where nothing is in doubt.
    Live orders beyond doubt, those that wait for the link included, may add up to *buys* and take away up to
    *sells*. Not in it: dark orders that have not fired, what a venue may undo, and an edit of a stranger's
    whose terms are not known.
    """

    account: str
    market: str
    size: Decimal = ZERO
    low: Decimal = ZERO
    high: Decimal = ZERO
    buys: Decimal = ZERO
    sells: Decimal = ZERO

    @property
    def certain(self) -> bool:
        """Whether the range is one number."""
        return self.low == self.high

    def may_be(self, size: Decimal) -> bool:
        """Whether it may really hold *size* by now."""
        least, most = EXACT.subtract(self.low, self.sells), EXACT.add(self.high, self.buys)
        return least <= size <= most

    def with_order(self, dialog: Dialog) -> Exposure:
        """With what *dialog*, an order of that account in that market, may add."""
        doubtful, live = _unseen(dialog), _live(dialog)
        if dialog.body.side == "buy":
            return self._replace(high=EXACT.add(self.high, doubtful), buys=EXACT.add(self.buys, live))
        return self._replace(low=EXACT.subtract(self.low, doubtful), sells=EXACT.add(self.sells, live))


def exposure(book: Book, account: str, market: str) -> Exposure:
    """Of one account in one market; all zero where it never traded there. It looks at every order."""
    held = book.positions.get(account, {}).get(market)
    size = ZERO if held is None else held.size
    return _with_orders(Exposure(account, market, size, size, size), book)


def exposures(book: Book) -> tuple[Exposure, ...]:
    """Of every account and market that has a position, or an order that may make one; in their order."""
    places = {(account, market) for account, held in book.positions.items() for market in held}
    places |= {
        (dialog.body.account, dialog.body.market) for dialog in book if _unseen(dialog) + _live(dialog)
    }
    return tuple(exposure(book, *place) for place in sorted(places))


def _with_orders(found: Exposure, orders: Iterable[Dialog]) -> Exposure:
    for dialog in orders:
        if (dialog.body.account, dialog.body.market) == (found.account, found.market):
            found = found.with_order(dialog)
    return found


def may_have_filled(dialog: Dialog) -> Decimal:
    """The most of *dialog* that can have traded by now: no less than its filled size."""
    return EXACT.add(dialog.booked, _unseen(dialog))


def _unseen(dialog: Dialog) -> Decimal:
    """What may have traded, or is stated to have traded, without its executions being booked."""
    return max(_unbooked(dialog), dialog.gap) if dialog.state is S.UNKNOWN else dialog.gap


def _live(dialog: Dialog) -> Decimal:
    """What an order beyond doubt may still trade; one that has filled only where an edit of it is out."""
    if dialog.state in _OVER or dialog.state in (S.UNKNOWN, S.NEW, S.DARK_OPEN, S.ALERT_OPEN):
        return ZERO
    return max(EXACT.subtract(_unbooked(dialog), dialog.gap), ZERO)


def _unbooked(dialog: Dialog) -> Decimal:
    """What is left of the largest size that may be in force: the order's, or that of an edit that is out."""
    return max(EXACT.subtract(max([dialog.size, *sizes_out(dialog)]), dialog.booked), ZERO)
