"""A whole life of an order through the dispatcher: submit, ack, open, two fills.

Inbound messages are validated from mappings, the owner is routed to, records are made and kept by a
:class:`~fsm_ems.journal.memory.MemoryLog`. Times are CPU µs of this process; the garbage collector runs
with CPython's defaults, which is what a user gets, as the library sets none.
"""

from __future__ import annotations

import gc
import time
import tracemalloc
from functools import partial
from statistics import median

from benchmarks.replay import MARKET
from benchmarks.turns import Turns, take_turns
from fsm_ems import Dispatcher, LinkEvent, Settings, parse_command, parse_report
from fsm_ems.dialogs.record import SendOrder
from fsm_ems.journal.memory import MemoryLog

BROKER = "paper"
TICK_NS = 1_000_000


class Bench:
    """A dispatcher with its link up, and a counter that names orders."""

    def __init__(self, keep_finished: int = 10_000, keep_records: int = 10_000) -> None:
        self.log = MemoryLog(keep=keep_records)
        self.now_ns = 0
        self.lives = 0
        self.dispatcher = Dispatcher(
            Settings(keep_finished=keep_finished, markets={MARKET.fqme: MARKET}),
            self.log.append,
            generation="bench",
            now_ns=0,
        )
        self.dispatcher.grant("alice", "trader", 0)
        for event in (LinkEvent.CONNECT, LinkEvent.CONNECTED, LinkEvent.SYNCED):
            self.dispatcher.link(BROKER, event, 0)

    def opened(self) -> tuple[int | str, str]:
        """One more order, submitted, acknowledged and open; its reqid and venue id."""
        self.lives += 1
        self.now_ns += TICK_NS
        number, now_ns = self.lives, self.now_ns
        order = parse_command(
            {
                "name": "order",
                "oid": f"o{number}",
                "side": "buy" if number % 2 else "sell",
                "market": MARKET.fqme,
                "size": "2.0",
                "price": "39000.5",
            }
        )
        _, effects = self.dispatcher.command("alice", order, now_ns)
        send = effects[0]
        assert isinstance(send, SendOrder)
        reqid, venue_id = send.reqid, f"V{number}"
        self._report({"name": "brokerd_ack", "reqid": reqid, "venue_id": venue_id, "time_ns": now_ns})
        self._report(
            {
                "name": "brokerd_status",
                "reqid": reqid,
                "venue_id": venue_id,
                "status": "open",
                "time_ns": now_ns,
            }
        )
        return reqid, venue_id

    def life(self) -> None:
        """One whole life."""
        reqid, venue_id = self.opened()
        for part in "ab":
            self._report(
                {
                    "name": "brokerd_fill",
                    "reqid": reqid,
                    "venue_id": venue_id,
                    "exec_id": f"E{self.lives}{part}",
                    "size": "1.0",
                    "price": "39000.5",
                    "fee": "0.1",
                    "liquidity": "maker",
                    "time_ns": self.now_ns,
                }
            )

    def _report(self, fields: dict[str, object]) -> None:
        self.dispatcher.report(BROKER, parse_report(fields), self.now_ns)

    def timed(self, lives: int) -> float:
        """CPU µs a life, over *lives* of them."""
        start = time.process_time_ns()
        for _ in range(lives):
            self.life()
        return (time.process_time_ns() - start) / lives / 1_000


def beside_nautilus(*arguments: str, lives: int = 1_000, rounds: int = 40) -> Turns:
    """A life of ours and one of nautilus_trader's: *rounds* of so many lives of each, in turn.

    Ours runs a while first, until it has as many finished orders as it keeps: then each that comes in drops
    one. The names of what was let go are still counted up, to their 100,000.
    """
    bench = Bench()
    bench.timed(10_000)
    return take_turns(
        partial(bench.timed, lives), rounds, "nautilus_life.py", "--lives", f"{lives}", *arguments
    )


def cost_after(finished: tuple[int, int], lives: int = 5_000, rounds: int = 5) -> tuple[float, float]:
    """Median µs a life once so many have finished: (few, many), from one run."""
    bench = Bench()
    while bench.lives < finished[0]:
        bench.life()
    few = median(bench.timed(lives) for _ in range(rounds))
    while bench.lives < finished[1]:
        bench.life()
    return few, median(bench.timed(lives) for _ in range(rounds))


def bytes_per_dialog(count: int = 20_000) -> float:
    """Bytes of Python memory that one live, open dialog holds, ids and indexes included."""
    bench = Bench(keep_records=1)
    bench.opened()
    gc.collect()
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        for _ in range(count):
            bench.opened()
        bench.dispatcher.pass_time(bench.now_ns)
        gc.collect()
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    return (after - before) / count
