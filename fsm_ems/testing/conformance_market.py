"""The adapter's market feed, listened to as the EMS listens: what was shown there and what came of it."""

from __future__ import annotations

from collections import deque
from typing import cast

import trio
from msgspec.structs import replace

from fsm_ems.brokers.base import Broker
from fsm_ems.errors import BrokerFault, InvalidReport, brief
from fsm_ems.quotes import MarketRow, check_row
from fsm_ems.testing.conformance_link import leaves
from fsm_ems.testing.conformance_rules import Nonconformance

_RETRY_S = 1


class MarketWatch:
    """Listens to a broker's market, and opens a feed that breaks again.

    *may_break*: whether anything befell the line that a feed could share, so that its break is no fault.
    *is_tried*: whether it is opened or read just now, and not waiting to try again after it broke;
    *has_ended*: whether it said that no more will come.
    """

    def __init__(self, broker: Broker, *, may_break: bool) -> None:
        self.may_break = may_break
        self._broker = broker
        self.is_tried = False
        self.has_ended = False
        self._shown: deque[MarketRow] = deque()
        self._came: deque[object] = deque()
        self._scope = trio.CancelScope()

    async def run(self) -> None:
        """Listen for as long as the feed tells."""
        with self._scope:
            while True:
                self.is_tried = True
                try:
                    async with self._broker.open_market() as rows:
                        async for row in rows:
                            self._came.append(row)
                    self.has_ended = True
                    return
                except Exception as error:  # noqa: BLE001 -- whatever comes out is what the kit judges
                    self._came.append(error)
                finally:
                    self.is_tried = False
                await trio.sleep(_RETRY_S)

    def stop(self) -> None:
        """Listen no more."""
        self._scope.cancel()

    def shown(self, row: MarketRow) -> None:
        """The venue showed *row*."""
        self._shown.append(row)

    @property
    def is_complete(self) -> bool:
        """Whether all that was shown came."""
        return not self._shown

    def look(self) -> None:
        """Judge what came by now. A feed that broke may have lost what was shown before."""
        while self._came:
            came = self._came.popleft()
            if isinstance(came, Exception):
                self._shown.clear()
                for error in leaves(came):
                    if not isinstance(error, BrokerFault):
                        raise Nonconformance(
                            "market", f"{type(error).__name__} came out of the feed: {error}"
                        )
                    if not self.may_break:
                        raise Nonconformance("market", f"nothing was wrong, and the feed broke: {error}")
            else:
                self._judge(came)

    def _judge(self, told: object) -> None:
        try:
            market, row = cast("MarketRow", told)
        except (TypeError, ValueError):
            raise Nonconformance(
                "market", f"a market and its row are needed, and {brief(told)} came"
            ) from None
        try:
            came = check_row(self._broker.name, market, row)
        except InvalidReport as error:
            raise Nonconformance("market", str(error)) from None
        if came.market not in self._broker.markets:
            raise Nonconformance("market", f"a row of {came.market} came, which is not among its markets")
        if not self._shown:
            raise Nonconformance("market", f"{came} came, and was not shown")
        shown = self._shown.popleft()
        if _timeless(shown) != _timeless(came):
            raise Nonconformance("market", f"{shown} was shown, and {came} came")


def _timeless(found: MarketRow) -> MarketRow:
    """The row without its time, which may be the venue's or that of its coming."""
    return MarketRow(found.market, replace(found.row, time_ns=0))
