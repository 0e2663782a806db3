"""A program that trades at a paper venue kept in a folder until it is killed, and prints all it is told.

    python venue_child.py FOLDER RUN

Each line it prints is a report as it left the venue. *RUN* begins its request ids, and seeds the rest.
"""

import random
import sys
from decimal import Decimal

import trio

from fsm_ems.brokers.paper.backend import XBTUSD, PaperBroker
from fsm_ems.brokers.paper.backend_dialogue import PaperDialogue
from fsm_ems.brokers.paper.synthetic import synthetic
from fsm_ems.messages import BrokerdCancel, BrokerdEdit, BrokerdOrder, Request
from fsm_ems.quotes import Quote

PRICE = Decimal(50_000)


def wish(run: str, number: int, quote: Quote, now_ns: int) -> Request:
    """An order near the touch, or an edit or a cancel of an earlier one."""
    dice = random.Random(f"{run}-{number}")
    late_ns = now_ns + 10**10
    reqid, size = f"{run}-{number}", Decimal(dice.randrange(1, 200)) / 100
    target = f"{run}-{dice.randrange(number) if number else 0}"
    kind = dice.randrange(6) if number else 0
    if kind == 4:
        return BrokerdEdit(
            reqid=reqid, account="main", target=target, size=size, time_ns=now_ns, deadline_ns=late_ns
        )
    if kind == 5:
        return BrokerdCancel(reqid=reqid, account="main", target=target, time_ns=now_ns, deadline_ns=late_ns)
    is_buy = bool(dice.randrange(2))
    price = quote.bid if is_buy else quote.ask
    return BrokerdOrder(
        reqid=reqid,
        account="main",
        market=XBTUSD.fqme,
        side="buy" if is_buy else "sell",
        size=size,
        price=price + dice.randrange(-3, 4) * XBTUSD.price_tick,
        time_ns=now_ns,
        deadline_ns=late_ns,
    )


async def trade(broker: PaperBroker, dialogue: PaperDialogue, run: str) -> None:
    number = 0
    with broker.rows() as rows:
        async for _, row in rows:
            if isinstance(row, Quote):
                await dialogue.send(wish(run, number, row, broker.clock()))
                number += 1


async def main(folder: str, run: str) -> None:
    feed = synthetic(XBTUSD, len(run), price=PRICE)
    with PaperBroker({XBTUSD.fqme: XBTUSD}, feed, speed=100, path=folder) as broker:
        async with broker.open_trades_dialogue() as dialogue, trio.open_nursery() as nursery:
            nursery.start_soon(trade, broker, dialogue, run)
            while True:
                print((await dialogue.receive()).to_json(exclude_none=True), flush=True)


if __name__ == "__main__":
    trio.run(main, sys.argv[1], sys.argv[2])
