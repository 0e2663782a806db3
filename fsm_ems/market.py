"""A market: what may be traded in which steps, and what it costs. Pure data, Decimal throughout."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

from fsm_ems.value import Value

Asset = str
"""An asset is its name, such as ``xbt``: whatever has the same name is the same asset, at every broker.

Nothing here needs to know more of one. In which steps its amounts come is a matter of each market.
"""
FillModel = Literal["touch", "through", "queue"]


class Market(Value, frozen=True):
    """A market found by its address *fqme*, such as ``xbtusd.kraken``.

    *price_tick* is in quote units, *size_tick* and *min_size* in base units, *min_cost* (size times
    price) in quote units; *maker_bps* and *taker_bps* are basis points of the cost.
    """

    fqme: str
    base: Asset
    quote: Asset
    price_tick: Decimal
    size_tick: Decimal
    min_size: Decimal = Decimal(0)
    min_cost: Decimal = Decimal(0)
    maker_bps: Decimal = Decimal(0)
    taker_bps: Decimal = Decimal(0)

    @property
    def broker(self) -> str:
        """The last part of the address."""
        return self.fqme.rpartition(".")[2]
