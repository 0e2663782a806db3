"""The running numbers of a position: what each event does to them, and what is derived when read.

*Exact* are sums and products: size, cash, fees, and the cost of what is held while it grows. They are
computed in a context that raises where it would have to round.

*The cost of what is held* is ``cost`` for ``per`` units, so that a reducing clear changes neither: the price
per unit stays what it is, without a division. When the position grows again the cost of what is left is
needed, ``cost · size / per``, and that may have no end (a third of a price). Kept as a fraction it would be
exact, but each such turn multiplies the denominator by another size: after a million clears it has millions
of digits. So it is rounded there, to 200 digits. All terms of the cost have one sign, so a turn adds a
relative error of at most 1e-199, and a million turns less than 1e-193.

*Derived* values are rounded when read, and only then. A sum is first cut 150 digits below its largest term,
which takes the rest of such a third away where the true sum is zero or ends; then it is rounded to 34 digits,
ROUND_HALF_EVEN. So they are what fractions give, rounded once; a value would have to lie within 1e-150 of
the middle between two numbers of 34 digits to come out as the other one.
"""

from __future__ import annotations

from decimal import (
    ROUND_HALF_EVEN,
    Context,
    Decimal,
    DivisionByZero,
    Inexact,
    InvalidOperation,
    Overflow,
)

from fsm_ems.accounting.clear import ZERO, Clear, Event, Split, Transfer
from fsm_ems.market import Asset

EXACT = Context(prec=5_000, traps=[Inexact, InvalidOperation, DivisionByZero, Overflow])
"""Raises where a result would not be exact; wide enough for numbers of 34 digits and scores of splits."""
WIDE = Context(prec=200, rounding=ROUND_HALF_EVEN)
"""For the cost of what a reduction left."""
ROUNDED = Context(prec=34, rounding=ROUND_HALF_EVEN)
"""For what is read."""
CUT = 150
"""How many digits below its largest term a derived sum ends."""

ONE = Decimal(1)
_add, _subtract, _multiply = EXACT.add, EXACT.subtract, EXACT.multiply


def settled(*terms: Decimal) -> Decimal:
    """The sum of *terms*, ended :data:`CUT` digits below the largest."""
    total = ZERO
    top: int | None = None
    for term in terms:
        total = _add(total, term)
        if term and (top is None or term.adjusted() > top):
            top = term.adjusted()
    if top is None:
        return ZERO
    exponent = total.as_tuple().exponent
    assert isinstance(exponent, int), "no clear has an infinite size or price"
    return total if exponent >= top - CUT else WIDE.quantize(total, Decimal((0, (1,), top - CUT)))


class Fold:
    """The numbers after ``count`` events; ``opened`` is the index of the first event since the last flat.

    ``size`` is in base units, below zero when short. ``cash`` is what clears moved in the quote asset, fees
    apart; ``fees`` are those paid in the quote asset, ``other_fees`` the rest. ``moved`` is what transfers
    brought in, at the price per unit that was held. ``part`` is what the first clear since the last flat
    opened, where it also closed an older position, else None.
    """

    __slots__ = (
        "cash",
        "cost",
        "count",
        "fee_cost",
        "fees",
        "flat_cash",
        "flat_fees",
        "flat_moved",
        "moved",
        "opened",
        "other_fees",
        "part",
        "per",
        "quote",
        "share",
        "share_of",
        "size",
    )

    def __init__(self, quote: Asset) -> None:
        self.quote = quote
        self.count = 0
        self.opened = 0
        self.size = ZERO
        self.cash = ZERO
        self.fees = ZERO
        self.other_fees: dict[Asset, Decimal] | None = None
        # The cost of `per` units, and the fees in it. Both have the sign of the size, fees that of a fee.
        self.cost = ZERO
        self.fee_cost = ZERO
        self.per = ZERO
        self.moved = ZERO
        # As they stood when the position was flat, and the share of a fee that opened it while closing
        # another: share / share_of.
        self.flat_cash = ZERO
        self.flat_fees = ZERO
        self.flat_moved = ZERO
        self.share = ZERO
        self.share_of = ONE
        self.part: Decimal | None = None

    def copy(self) -> Fold:
        """The numbers as they stand."""
        twin = object.__new__(Fold)
        twin.quote = self.quote
        twin.count = self.count
        twin.opened = self.opened
        twin.size = self.size
        twin.cash = self.cash
        twin.fees = self.fees
        twin.other_fees = None if self.other_fees is None else self.other_fees.copy()
        twin.cost = self.cost
        twin.fee_cost = self.fee_cost
        twin.per = self.per
        twin.moved = self.moved
        twin.flat_cash = self.flat_cash
        twin.flat_fees = self.flat_fees
        twin.flat_moved = self.flat_moved
        twin.share = self.share
        twin.share_of = self.share_of
        twin.part = self.part
        return twin

    # ── events ──────────────────────────────────────────────────────────────────────────────────────

    def step(self, event: Event) -> None:
        """Take the next event."""
        if isinstance(event, Clear):
            self.clear(event)
        elif isinstance(event, Transfer):
            self._transfer(event.size)
        elif isinstance(event, Split):
            self._split(event.ratio)
        else:
            self._expire(event.price)

    def clear(self, clear: Clear) -> None:
        """Take the next event, a clear. This is the hot path: it looks at each number once."""
        change, fee, before = clear.size, clear.fee, self.size
        worth = _multiply(change, clear.price)
        self.cash = _subtract(self.cash, worth)
        self.size = after = _add(before, change)
        self.count += 1
        if fee:
            if clear.fee_asset is None or clear.fee_asset == self.quote:
                self.fees = _add(self.fees, fee)
            else:
                self._pay(clear.fee_asset, fee)
                fee = ZERO
        if not before:
            self.cost, self.fee_cost, self.per = worth, fee, after
        elif not after:
            self._flat()
        elif (before < ZERO) is (change < ZERO):
            if self.per is not before:
                self._rescale(before)
            self.cost = _add(self.cost, worth)
            if fee:
                self.fee_cost = _add(self.fee_cost, fee)
            self.per = after
        elif (after < ZERO) is (change < ZERO):
            self._cross(clear, worth, fee)

    def _pay(self, asset: Asset, fee: Decimal) -> None:
        if self.other_fees is None:
            self.other_fees = {}
        self.other_fees[asset] = _add(self.other_fees.get(asset, ZERO), fee)

    def _rescale(self, size: Decimal) -> None:
        """From the cost of `per` units to the cost of *size*."""
        self.cost = self._cost_of(size)
        if self.fee_cost:
            self.fee_cost = WIDE.divide(_multiply(self.fee_cost, size), self.per)

    def _cost_of(self, size: Decimal) -> Decimal:
        """What *size* units of the position cost, fees apart."""
        return WIDE.divide(_multiply(self.cost, size), self.per) if self.per else ZERO

    def _flat(self) -> None:
        self.cost = self.fee_cost = self.per = self.share = ZERO
        self.share_of = ONE
        self.part = None
        self.flat_cash, self.flat_fees, self.flat_moved = self.cash, self.fees, self.moved
        self.opened = self.count

    def _cross(self, clear: Clear, worth: Decimal, fee: Decimal) -> None:
        """The old position is closed; the remainder is one of its own, with its share of the fee."""
        self._flat()
        self.opened = self.count - 1
        self.cost, self.fee_cost, self.per = worth, fee, clear.size
        self.flat_cash = _add(self.cash, _multiply(self.size, clear.price))
        self.share, self.share_of = _multiply(fee, self.size), clear.size
        self.part = self.size

    def _transfer(self, change: Decimal) -> None:
        """The price per unit stays. Through zero, the remainder has none: nobody said what it cost."""
        before = self.size
        self.size = after = _add(before, change)
        self.count += 1
        if before and after and (before < ZERO) is (after < ZERO):
            self.moved = _add(self.moved, self._cost_of(change))
            return
        if before:
            self.moved = _subtract(self.moved, self._cost_of(before))
            self._flat()
            if after:
                self.opened = self.count - 1
                self.part = after
        self.per = after

    def _split(self, ratio: Decimal) -> None:
        whole = self.per is self.size
        self.size = _multiply(self.size, ratio)
        self.per = self.size if whole else _multiply(self.per, ratio)
        self.count += 1

    def _expire(self, price: Decimal) -> None:
        self.cash = _add(self.cash, _multiply(self.size, price))
        self.size = ZERO
        self.count += 1
        self._flat()

    # ── what is derived ─────────────────────────────────────────────────────────────────────────────

    def ppu(self, fee_factor: Decimal) -> Decimal:
        """The price per unit with *fee_factor* times the fee of what was opened; 0 when flat."""
        if not self.size:
            return ZERO
        fees = _multiply(fee_factor, self.fee_cost)
        return _read(ROUNDED.divide(settled(self.cost, fees), self.per))

    @property
    def realized(self) -> Decimal:
        """What closed clears won or lost, fees apart."""
        return _read(settled(self.cash, self._held_cost, self.moved.copy_negate()))

    def unrealized(self, price: Decimal) -> Decimal:
        """What closing at *price* would win or lose, fees apart."""
        return _read(settled(_multiply(self.size, price), self._held_cost.copy_negate()))

    @property
    def _held_cost(self) -> Decimal:
        return self.cost if self.per is self.size else self._cost_of(self.size)

    @property
    def break_even(self) -> Decimal | None:
        """The closing price at which all since the last flat comes to zero, paid fees included."""
        if not self.size:
            return None
        net = settled(
            _subtract(self.fees, self.flat_fees),
            _subtract(self.moved, self.flat_moved),
            _subtract(self.flat_cash, self.cash),
        )
        net = settled(_multiply(net, self.share_of), self.share)
        return _read(ROUNDED.divide(net, _multiply(self.size, self.share_of)))


def _read(number: Decimal) -> Decimal:
    """Rounded, and zero without a sign."""
    return ROUNDED.add(number, ZERO)
