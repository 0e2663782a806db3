"""A small strategy: buy at market, guard the position with a trailing stop that only this program knows.

The stop is a dark order: the venue learns of it when the market has turned by the distance. Until then it
follows the price up, and never goes down. Run ``python examples/dark_stop.py [SEED]``: each seed is another
made-up market, the same every time, and the first ones are over within ten seconds.
"""

import sys
from decimal import Decimal

import trio

from fsm_ems import Client, Order, PaperBroker, Status, new_order, open_ems

MARKET = "xbtusd.paper"
SIZE = Decimal("0.5")  # xbt
TRAIL = Decimal(4)  # usd


async def follow(client: Client, order: Order) -> tuple[Decimal, Decimal]:
    """Submit *order* and tell its steps until its end: what it traded, and for how much money."""
    last: Status | None = None
    async for last in await client.submit(order):
        at = "at market" if last.price is None else f"at {last.price.normalize():f}"
        print(f"  {last.event:13} -> {last.state:14} {order.side} {at}, filled {last.filled:f}")
    assert last is not None, "the first status tells that the order was taken"
    return last.filled, last.filled * (last.average_price or Decimal(0))


async def trade(client: Client) -> Decimal:
    """Buy, guard, and return once flat: what was won or lost, in usd."""
    wish = new_order(market=MARKET, side="buy", size=SIZE, type="market")
    held, cost = await follow(client, wish)  # an end does not mean all of it: this venue had only so much
    print(f"holds {held:f} of the {SIZE:f} wanted; a stop follows {TRAIL:f} behind the market")
    back = Decimal(0)
    terms: dict[str, object] = {"mode": "dark", "trigger": "trail", "trail": TRAIL}
    while held:
        leaving = new_order(market=MARKET, side="sell", size=held, type="market", **terms)
        sold, got = await follow(client, leaving)
        held, back = held - sold, back + got
        terms = {}  # it was met: what the venue had no buyer for goes out at market, again
        await trio.sleep(0.1)
    return back - cost


async def main(seed: int) -> None:
    """One market, one position."""
    async with open_ems(PaperBroker.synthetic(seed)) as ems:
        await ems.ready()
        print(f"flat, {await trade(ems):+f} usd")


if __name__ == "__main__":
    trio.run(main, int(sys.argv[1]) if len(sys.argv) > 1 else 7)
