"""What one seed draws before anything happens: how long, which faults and how often, which settings.

Part of the simulation. Each fault is off altogether in some seeds: what one fault hides, another seed shows.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from decimal import Decimal
from typing import NamedTuple

from fsm_ems.brokers.paper.synthetic import Weather
from fsm_ems.dialogs.settings import Capabilities, Limits, Settings
from fsm_ems.market import FillModel, Market
from fsm_ems.testing.simulate_faults import EVERY_S, PERMILLE, Fault

BROKERS = ("sim", "alt")
"""The first is in every seed, the second in some: two venues that know nothing of each other."""
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
    "xbtusd.alt": Market(
        "xbtusd.alt", "xbt", "usd", Decimal("0.1"), Decimal("0.01"), Decimal("0.01"), taker_bps=Decimal(3)
    ),
}
ACCOUNTS = ("main", "spare")


class Plan(NamedTuple):
    """What a seed has drawn.

    *seconds* is how long things go wrong, *act_ms* how often each owner does something, *row_ms* how often a
    market shows something, *latency_ms* the longest way to the venue or back while all is well, and *sync_us*
    how long a disk takes to make durable what was written.
    """

    seconds: int
    permille: Mapping[Fault, int]
    every_s: Mapping[Fault, int]
    brokers: tuple[str, ...]
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

    permille = {fault: rng.choice(rates) for fault, rates in PERMILLE.items() if on()}
    every_s = {fault: rng.choice(times) for fault, times in EVERY_S.items() if on()}
    brokers = BROKERS[: rng.choice((1, 2))]
    return Plan(
        rng.randrange(max(seconds_max // 4, 1), seconds_max + 1),
        permille,
        every_s,
        brokers,
        Weather(gaps=on(), stale=on(), zero=on(), crossed=on()),
        ("alice", "bob", "carol")[: rng.choice((2, 3))],
        rng.choice((200, 800, 3_000)),
        rng.choice((200, 500, 1_500)),
        rng.choice((30, 30, 300, 2_000)),
        rng.choice((0, 500, 5_000)),
        rng.choice(("touch", "through", "queue")),
        _settings(rng, brokers),
    )


def _settings(rng: random.Random, brokers: tuple[str, ...]) -> Settings:
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
        brokers={broker: _capabilities(rng) for broker in brokers},
        markets=markets_of(brokers),
        keep_finished=rng.choice((10_000, 10_000, 8, 2)),
        parked_max=rng.choice((1_000, 1_000, 3)),
        open_edits_max=rng.choice((16, 2)),
        ask_every_ns=rng.choice((10, 10, 2)) * SECOND,
    )


def _capabilities(rng: random.Random) -> Capabilities:
    return Capabilities(
        reqid_form="int" if rng.randrange(2) else "str", reopen_filled=rng.randrange(2) == 0, history=True
    )


def markets_of(brokers: tuple[str, ...]) -> dict[str, Market]:
    """The markets of those brokers, by address."""
    return {fqme: market for fqme, market in MARKETS.items() if market.broker in brokers}
