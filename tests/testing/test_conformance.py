"""The paper broker and the example keep every rule; adapters with a planted bug each break the right one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import cast

import pytest
from hypothesis import settings

from fsm_ems.brokers.base import Broker
from fsm_ems.brokers.paper import engine_reports
from fsm_ems.clock import Clock
from fsm_ems.dialogs.settings import Capabilities
from fsm_ems.market import Market
from fsm_ems.testing.conformance import SCRIPTS, Conformance, Nonconformance, VenueEnd, check, play
from fsm_ems.testing.conformance_rules import check_declared
from fsm_ems.testing.conformance_steps import Answer, Place, Trade
from tests.testing.honest_adapters import HONEST
from tests.testing.paper_end import PaperEnd
from tests.testing.planted_adapters import BUGS
from tests.testing.planted_lines import LINE_BUGS

QUICK = settings(SCRIPTS, derandomize=True, max_examples=150)


class TestPaperBroker(Conformance):
    examples = QUICK

    def venue(self, clock: Clock) -> VenueEnd:
        return PaperEnd(clock)


class TestSlowPaperBroker(Conformance):
    examples = QUICK

    def venue(self, clock: Clock) -> VenueEnd:
        return PaperEnd(clock, latency_ns=1_500_000_000)


ALL = BUGS | LINE_BUGS


@pytest.mark.parametrize("bug", ALL)
def test_a_planted_bug_breaks_its_rule_and_the_script_shows_it(bug: str) -> None:
    make, rules, words = ALL[bug]

    with pytest.raises(Nonconformance) as told:
        check(make, QUICK)

    found = told.value
    print(found)
    assert found.rule in rules.split(", ")
    assert words in found.why
    assert len(found.script) <= 8
    assert all(f"    {step!r},\n" in str(found) for step in found.script)
    assert "sequenceDiagram\n    participant ems as EMS\n" in str(found)


@pytest.mark.parametrize("way", HONEST)
def test_what_an_adapter_may_do_breaks_no_rule(way: str) -> None:
    check(HONEST[way], settings(QUICK, max_examples=40))


Lie = Callable[..., object]


@pytest.mark.parametrize(
    ("told", "lie", "words"),
    [
        ("snapshot", lambda tell: lambda query, order, now: tell(query, None, now), "is open with 0 filled"),
        ("history", lambda tell: lambda query, living, fills, now: tell(query, [], fills, now), "open are"),
        (
            "history",
            lambda tell: lambda query, living, fills, now: tell(query, living, [], now),
            "executions",
        ),
    ],
)
def test_a_simulated_venue_that_lies_is_caught(
    monkeypatch: pytest.MonkeyPatch, told: str, lie: Lie, words: str
) -> None:
    monkeypatch.setattr(engine_reports, told, lie(getattr(engine_reports, told)))

    with pytest.raises(Nonconformance) as found:
        check(PaperEnd, QUICK)

    assert found.value.rule == "answers"
    assert words in found.value.why


@dataclass
class Declared:
    """As much of a broker as declares something."""

    name: str = "demo"
    capabilities: object = Capabilities()
    markets: Mapping[str, Market] = field(default_factory=dict[str, Market])


TICK = Decimal(1)


@pytest.mark.parametrize(
    ("declared", "words"),
    [
        (Declared(), "it has no market"),
        (Declared(capabilities={"deadline": True}), "and no Capabilities"),
        (Declared(markets={"a.demo": Market("b.demo", "b", "c", TICK, TICK)}), "b.demo is listed as a.demo"),
        (Declared(markets={"a.x": Market("a.x", "b", "c", TICK, TICK)}), "is of broker x, and this is demo"),
    ],
)
def test_what_is_declared_goes_together(declared: Declared, words: str) -> None:
    with pytest.raises(Nonconformance) as told:
        check_declared(cast("Broker", declared))

    assert told.value.rule == "declared"
    assert words in told.value.why


def test_a_script_can_be_played_again() -> None:
    make, _, _ = BUGS["drops early fills"]
    script = [Place(), Trade()]

    with pytest.raises(Nonconformance) as told:
        play(make, script)

    assert told.value.script == tuple(script)
    assert str(told.value) == TOLD
    play(make, [Place(), Answer(), Trade()])  # after the ack it is told


TOLD = """\
reports: 1: fill E1: 0.00000001 at 1.00 was said, and never came
(what the venue says is reported, all of it and nothing else, in its order for each order)

the script, for fsm_ems.testing.conformance.play:
    Place(),
    Trade(),

sequenceDiagram
    participant ems as EMS
    participant adapter as adapter
    participant venue as venue
    Note over ems: connects
    ems->>adapter: order 1: buy 0.00000001 xbtusd.jex at 1.00, gtc
    adapter->>venue: order 1: buy 0.00000001 xbtusd.jex at 1.00, gtc
    venue->>adapter: 1: fill E1: 0.00000001 at 1.00
"""
