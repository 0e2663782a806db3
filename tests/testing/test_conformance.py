"""The paper broker and the example keep every rule; adapters with a planted bug each break the right one."""

from __future__ import annotations

import pytest
from hypothesis import settings

from fsm_ems.clock import Clock
from fsm_ems.testing.conformance import SCRIPTS, Conformance, Nonconformance, VenueEnd, check
from tests.testing.honest_adapters import HONEST
from tests.testing.paper_end import PaperEnd
from tests.testing.planted_adapters import BUGS

QUICK = settings(SCRIPTS, derandomize=True, max_examples=150)


class TestPaperBroker(Conformance):
    examples = QUICK

    def venue(self, clock: Clock) -> VenueEnd:
        return PaperEnd(clock)


class TestSlowPaperBroker(Conformance):
    examples = QUICK

    def venue(self, clock: Clock) -> VenueEnd:
        return PaperEnd(clock, latency_ns=1_500_000_000)


@pytest.mark.parametrize("bug", BUGS)
def test_a_planted_bug_breaks_its_rule_and_the_script_shows_it(bug: str) -> None:
    make, rules, words = BUGS[bug]

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
    check(HONEST[way], settings(QUICK, max_examples=80))
