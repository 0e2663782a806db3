"""Why nautilus_trader 1.221.0 and our paper broker fill the same orders differently, order by order.

    nautilus_rules.py TAPE.csv ORDERS.json NAUTILUS.json [OURS.json]

A second, small simulation of limit orders on a tape, in which each rule that nautilus has and the paper
broker has not is a switch. With every switch on it gives nautilus' fills (`nautilus_replay.py --aggressor
none`), with every switch off those of our paper broker (fill model `touch`, no latency, no edits or cancels).
A difference is explained by the smallest set of switches that turns our fills of that order into nautilus'.

OURS.json is what `fsm-ems replay --json` printed; without it the switched-off simulation stands in. Fills of
one order at one time and price count as one, since the venues slice them differently. Prints one JSON object.
It imports neither system, so it can contradict both.
"""

from __future__ import annotations

import argparse
import json
import sys
from bisect import insort
from collections import Counter, defaultdict, deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import combinations
from pathlib import Path
from typing import Literal

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from benchmarks.peers.tape import PRICE_TICK, Fill, OrderSpec, Quote, Trade, read_tape

Rule = Literal["N1", "N2", "N3", "N4", "N5"]
RULES: dict[Rule, str] = {
    "N1": "an arriving order meets the last print as if it were the book; ours meets the last quote",
    "N2": "a row beyond the limit fills the whole order; ours at most the size the row shows",
    "N3": "every order sees a row's whole size; ours share it, by price, then time",
    "N4": "one order filled through its limit hides the row from orders further away; ours all meet it",
    "N5": "a taker's remainder fills one tick worse; ours rests",
}
ALL_RULES = frozenset(RULES)
Merged = dict[tuple[int, Decimal, str], Decimal]
"""One order's fills: the size at each (time in ns, price, liquidity)."""


@dataclass(slots=True)
class Side:
    """One side of what a row offers: its price, and a box with the size left, which a print's sides share."""

    price: Decimal
    left: list[Decimal]


@dataclass(slots=True)
class Order:
    """An order at the venue; `facing` is the side it trades with, `sign` is 1 for a buy and -1 for a sell."""

    oid: str
    sign: int
    limit: Decimal
    left: Decimal
    rank: int

    def meets(self, price: Decimal) -> bool:
        """Whether the far side's price reaches the limit."""
        return self.sign * (self.limit - price) >= 0


@dataclass(slots=True)
class Venue:
    """The simulated venue under some of nautilus' rules; `book` has a side for each sign of order."""

    rules: frozenset[Rule]
    book: dict[int, Side] = field(default_factory=dict)
    arrived: int = 0
    resting: dict[int, list[Order]] = field(default_factory=lambda: {1: [], -1: []})
    fills: dict[str, Merged] = field(default_factory=lambda: defaultdict(dict))

    def see(self, row: Quote | Trade) -> None:
        """Take the next row of the tape: the resting orders that it goes furthest through meet it first."""
        if isinstance(row, Quote):
            offer = {1: Side(row.ask, [row.ask_size]), -1: Side(row.bid, [row.bid_size])}
        else:
            box = [row.size]
            offer = {1: Side(row.price, box), -1: Side(row.price, box)}
        if isinstance(row, Quote) or "N1" in self.rules:
            self.book = offer
        self._meet(offer, row.time_ns)

    def _meet(self, offer: dict[int, Side], now: int) -> None:
        """Fill the resting orders that the offer reaches, as makers at their limits.

        A print is one size for own buys and own sells: it goes to whom it goes furthest through, as in ours.
        """
        nearest = {sign: side.price for sign, side in offer.items()}
        reached = [
            order for sign, orders in self.resting.items() for order in orders if order.meets(nearest[sign])
        ]
        prices = dict(nearest)
        reached.sort(key=lambda order: (-abs(order.limit - prices[order.sign]), order.rank))
        for order in reached:
            if not order.meets(nearest[order.sign]):
                continue
            side = offer[order.sign]
            beyond = order.limit != side.price
            self._fill(order, self._take(side, order.left), order.limit, now, "maker")
            if beyond and "N2" in self.rules:
                self._fill(order, order.left, order.limit, now, "maker")
            if beyond and "N4" in self.rules:
                nearest[order.sign] = order.limit
        for orders in self.resting.values():
            orders[:] = [order for order in orders if order.left]

    def arrive(self, spec: OrderSpec) -> None:
        """Take a new order: fill it at the touch as far as it goes, as taker, and let the rest rest."""
        sign = 1 if spec["side"] == "buy" else -1
        self.arrived += 1
        order = Order(spec["oid"], sign, Decimal(spec["price"]), Decimal(spec["size"]), self.arrived)
        side = self.book.get(sign)
        if side is not None and order.meets(side.price):
            self._fill(order, self._take(side, order.left), side.price, spec["at"], "taker")
            if order.limit != side.price and "N5" in self.rules:
                self._fill(order, order.left, side.price + sign * PRICE_TICK, spec["at"], "taker")
        if order.left:
            insort(self.resting[sign], order, key=lambda other: -other.sign * other.limit)

    def _take(self, side: Side, wanted: Decimal) -> Decimal:
        """How much of the wanted size the side gives."""
        taken = min(wanted, side.left[0])
        if "N3" not in self.rules:
            side.left[0] -= taken
        return taken

    def _fill(self, order: Order, size: Decimal, price: Decimal, now: int, liquidity: str) -> None:
        """Book an execution, if it has a size."""
        if size:
            order.left -= size
            fills, key = self.fills[order.oid], (now, price, liquidity)
            fills[key] = fills.get(key, Decimal(0)) + size


def simulate(
    rows: Iterable[Quote | Trade], orders: Iterable[OrderSpec], rules: frozenset[Rule]
) -> dict[str, Merged]:
    """Every order's fills under these rules. At one time the rows come before the orders."""
    venue = Venue(rules)
    waiting = deque(sorted(orders, key=lambda order: order["at"]))
    for row in rows:
        while waiting and waiting[0]["at"] < row.time_ns:
            venue.arrive(waiting.popleft())
        venue.see(row)
    for order in waiting:
        venue.arrive(order)
    return dict(venue.fills)


def merged(fills: Iterable[Fill]) -> dict[str, Merged]:
    """Fills as they were told, by order."""
    found: dict[str, Merged] = defaultdict(dict)
    for fill in fills:
        key = fill["time_ns"], Decimal(fill["price"]), fill["liquidity"]
        of_order = found[fill["oid"]]
        of_order[key] = of_order.get(key, Decimal(0)) + Decimal(fill["size"])
    return dict(found)


def told_fills(path: Path) -> list[Fill]:
    """The fills in a file of JSON lines: lines named `fill`, and lists called `fills`."""
    found: list[Fill] = []
    for line in path.read_text(encoding="utf-8").splitlines():
        told = json.loads(line)
        found += told.get("fills", [])
        if told.get("name") == "fill":
            found.append(told)
    return found


def explain(
    rows: list[Quote | Trade],
    orders: list[OrderSpec],
    theirs: dict[str, Merged],
    ours: dict[str, Merged] | None = None,
) -> dict[str, object]:
    """Which rules of nautilus explain each order whose fills differ.

    Each differing order has the smallest set of rules that leads from our fills to theirs, or the sentence
    that says which of the two venues this simulation does not understand.
    """
    by_rules = {
        frozenset(some): simulate(rows, orders, frozenset(some))
        for count in range(len(RULES) + 1)
        for some in combinations(RULES, count)
    }
    switched_off = by_rules[frozenset()]
    ours = switched_off if ours is None else ours
    reasons: Counter[str] = Counter()
    each: list[dict[str, object]] = []
    for oid in (order["oid"] for order in orders):
        our, their = ours.get(oid, {}), theirs.get(oid, {})
        if our == their:
            continue
        why: list[str] = next(
            ([*sorted(rules)] for rules, fills in by_rules.items() if fills.get(oid, {}) == their),
            ["unexplained: nautilus keeps other rules than N1 to N5"],
        )
        if our != switched_off.get(oid, {}):
            why = ["unexplained: our paper broker keeps other rules than this simulation"]
        reasons["+".join(why)] += 1
        each.append({"oid": oid, "why": why, "ours": _listed(our), "theirs": _listed(their)})
    return {
        "what": "differences",
        "orders": len(orders),
        "same": len(orders) - len(each),
        "same_and_filled": sum(1 for oid, fills in ours.items() if fills == theirs.get(oid)),
        "differ": len(each),
        "reasons": dict(reasons.most_common()),
        "rules": RULES,
        "each": each,
    }


def _listed(fills: Merged) -> list[list[str | int]]:
    """Fills as [time_ns, size, price, liquidity], in time order."""
    return [[now, str(size), str(price), how] for (now, price, how), size in sorted(fills.items())]


def main() -> None:
    parser = argparse.ArgumentParser(
        description="Why nautilus_trader's fills differ from our paper broker's."
    )
    parser.add_argument("tape", type=Path)
    parser.add_argument("orders", type=Path, help="JSON list of orders, as nautilus_replay.py makes it")
    parser.add_argument("theirs", type=Path, metavar="NAUTILUS.json", help="what nautilus_replay.py printed")
    parser.add_argument("ours", type=Path, nargs="?", help="what `fsm-ems replay --json` printed")
    options = parser.parse_args()
    rows = read_tape(options.tape)
    orders: list[OrderSpec] = json.loads(options.orders.read_text(encoding="utf-8"))
    ours = merged(told_fills(options.ours)) if options.ours else None
    print(json.dumps(explain(rows, orders, merged(told_fills(options.theirs)), ours)))


if __name__ == "__main__":
    main()
