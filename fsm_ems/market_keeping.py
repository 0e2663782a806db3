"""A broker's market beside a running EMS: listened to for as long as it tells."""

from __future__ import annotations

from collections.abc import Callable

import trio

from fsm_ems.brokers.base import Broker
from fsm_ems.brokers.calls import shown
from fsm_ems.errors import BrokerFault, first_reason
from fsm_ems.operator_log import operator_log
from fsm_ems.quotes import Row, check_row

RETRY_FIRST_S = 0.5
"""The pause before what broke is opened again; it doubles each time, up to :data:`RETRY_MAX_S`."""
RETRY_MAX_S = 30.0


async def keep_market(broker: Broker, show: Callable[[str, Row], None]) -> None:
    """Show each row, until no more will come; a feed that breaks is opened again."""
    pause = RETRY_FIRST_S
    while True:
        try:
            async with shown(broker) as rows:
                async for market, row in rows:
                    check_row(broker.name, market, row)
                    pause = RETRY_FIRST_S
                    show(market, row)
            return
        except* BrokerFault as faults:
            operator_log().warning("market lost", broker=broker.name, why=first_reason(faults))
        await trio.sleep(pause)
        pause = min(pause * 2, RETRY_MAX_S)
