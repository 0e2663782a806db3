"""What one seed draws before anything happens: how long, which faults and how often, which settings.

Part of the simulation. Each fault is off altogether in some seeds: what one fault hides, another seed shows.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

from fsm_ems.brokers.paper.synthetic import Weather
from fsm_ems.dialogs.settings import Capabilities, Limits, Settings
from fsm_ems.market import FillModel, Market

BROKER = "sim"
MS = 10**6
SECOND = 10**9
MARKETS = {
    "xbtusd.sim": Market(
        "xbtusd.sim",
        "xbt",
        "usd",
        Decimal("0.5"),
        Decimal("0.001"),
        Decimal("0.001"),
        Decimal(1),
        Decimal("-0.25"),
        Decimal("7.5"),
    ),
    "ethusd.sim": Market(
        "ethusd.sim", "eth", "usd", Decimal("0.01"), Decimal("0.01"), Decimal("0.02"), taker_bps=Decimal(2)
    ),
}
ACCOUNTS = ("main", "spare")


class Fault(StrEnum):
    """What may go wrong, each counted by its name."""

    LINK_BREAK = "link break"
    LOST_REPORT = "lost report"
    LOST_REQUEST = "lost request"
    HOLE = "report lost in silence"
    LAGGING_READ = "lagging read"
    NO_CONNECTION = "no connection"
    HALF_OPEN = "half-open link"
    DOUBLED_REPORT = "doubled report"
    REORDERED_REPORT = "reordered report"
    DELAYED_REPORT = "delayed report"
    DELAYED_REQUEST = "delayed request"
    DOUBLED_REQUEST = "doubled request"
    VENUE_RESTART = "venue restart"
    LATE_FILL = "late fill"
    BUST = "bust"
    CORRECTION = "correction"
    VENUE_CANCEL = "cancel by the venue"
    HALTED_ORDER = "order held by the venue"
    WEIGHED = "request weighed"
    AMBIGUOUS = "ambiguous reply"
    CRASH = "crash"
    KILLED_WRITING = "killed while writing"
    KILLED_SENDING = "killed while sending"
    POWER_CUT = "power cut"
    TORN_TAIL = "torn tail"
    SLOW_DISK = "slow disk"
    FAILED_WRITE = "failed write"
    FAILED_SYNC = "failed sync"
    CLOCK_JUMP = "clock jump"
    QUOTE_GAP = "gap in quotes"
    STALE_QUOTE = "stale quote"
    ZERO_QUOTE = "zero quote"
    CROSSED_QUOTE = "crossed quote"
    LATE_QUOTE = "quote out of order"
    CLIENT_AWAY = "client away"
    LOWERED_LIMIT = "lowered limit"

    __hash__ = str.__hash__


_PERMILLE: dict[Fault, tuple[int, ...]] = {
    Fault.NO_CONNECTION: (100, 300, 600),
    Fault.HOLE: (10, 50, 150),
    Fault.LAGGING_READ: (100, 500, 900),
    Fault.DOUBLED_REPORT: (20, 100, 500),
    Fault.REORDERED_REPORT: (20, 100, 400),
    Fault.DELAYED_REPORT: (10, 50, 200),
    Fault.DELAYED_REQUEST: (20, 100, 300),
    Fault.DOUBLED_REQUEST: (10, 50, 300),
    Fault.LATE_FILL: (100, 300, 700),
    Fault.WEIGHED: (50, 200, 600),
    Fault.AMBIGUOUS: (10, 50, 200),
    Fault.KILLED_WRITING: (2, 5, 10),
    Fault.KILLED_SENDING: (2, 5, 20),
    Fault.SLOW_DISK: (10, 50, 200),
    Fault.FAILED_WRITE: (2, 5, 10),
    Fault.FAILED_SYNC: (2, 5, 10),
    Fault.LATE_QUOTE: (20, 100, 300),
    Fault.LOWERED_LIMIT: (300, 600, 900),
}
"""Of a thousand chances, how many go wrong."""

_EVERY_S: dict[Fault, tuple[int, ...]] = {
    Fault.LINK_BREAK: (5, 20, 60),
    Fault.HALF_OPEN: (15, 40, 80),
    Fault.VENUE_RESTART: (20, 50, 90),
    Fault.BUST: (5, 15, 40),
    Fault.CORRECTION: (5, 15, 40),
    Fault.VENUE_CANCEL: (3, 10, 40),
    Fault.HALTED_ORDER: (3, 10, 40),
    Fault.CRASH: (10, 30, 80),
    Fault.POWER_CUT: (10, 30, 80),
    Fault.CLOCK_JUMP: (5, 20, 60),
    Fault.CLIENT_AWAY: (5, 20, 50),
}
"""Every how many seconds it happens, on average."""


class Plan(NamedTuple):
    """What a seed has drawn.

    *seconds* is how long things go wrong, *act_ms* how often each owner does something, *row_ms* how often a
    market shows something, *latency_ms* the longest way to the venue or back while all is well, and *sync_us*
    how long a disk takes to make durable what was written.
    """

    seconds: int
    permille: Mapping[Fault, int]
    every_s: Mapping[Fault, int]
    weather: Weather
    owners: tuple[str, ...]
    act_ms: int
    row_ms: int
    latency_ms: int
    sync_us: int
    fill_model: FillModel
    settings: Settings


def drawn(rng: random.Random, seconds_max: int) -> Plan:
    """Draw a plan; it lasts at most *seconds_max*."""
    odds = rng.choice((30, 50, 70))  # some seeds are calm, some wild

    def on() -> bool:
        return rng.randrange(100) < odds

    permille = {fault: rng.choice(rates) for fault, rates in _PERMILLE.items() if on()}
    every_s = {fault: rng.choice(times) for fault, times in _EVERY_S.items() if on()}
    return Plan(
        rng.randrange(max(seconds_max // 4, 1), seconds_max + 1),
        permille,
        every_s,
        Weather(gaps=on(), stale=on(), zero=on(), crossed=on()),
        ("alice", "bob", "carol")[: rng.choice((2, 3))],
        rng.choice((200, 800, 3_000)),
        rng.choice((200, 500, 1_500)),
        rng.choice((30, 30, 300, 2_000)),
        rng.choice((0, 500, 5_000)),
        rng.choice(("touch", "through", "queue")),
        _settings(rng),
    )


def _settings(rng: random.Random) -> Settings:
    limits = rng.choice(
        (
            None,
            Limits(Decimal("0.5")),
            Limits(None, Decimal(1_000)),
            Limits(Decimal(1), Decimal(500)),
        )
    )
    return Settings(
        limits={} if limits is None else {"*": limits},
        brokers={BROKER: Capabilities(reqid_form="int" if rng.randrange(2) else "str", history=True)},
        markets=MARKETS,
        keep_finished=rng.choice((10_000, 10_000, 8, 2)),
        parked_max=rng.choice((1_000, 1_000, 3)),
        open_edits_max=rng.choice((16, 2)),
        ask_every_ns=rng.choice((10, 10, 2)) * SECOND,
    )
