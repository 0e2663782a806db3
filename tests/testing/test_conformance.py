"""The paper broker and the example keep every rule; adapters with a planted bug each break the right one."""

from __future__ import annotations

from hypothesis import settings

from fsm_ems.clock import Clock
from fsm_ems.testing.conformance import SCRIPTS, Conformance, VenueEnd
from tests.testing.paper_end import PaperEnd

QUICK = settings(SCRIPTS, derandomize=True)


class TestPaperBroker(Conformance):
    examples = QUICK

    def venue(self, clock: Clock) -> VenueEnd:
        return PaperEnd(clock)


class TestSlowPaperBroker(Conformance):
    examples = QUICK

    def venue(self, clock: Clock) -> VenueEnd:
        return PaperEnd(clock, latency_ns=1_500_000_000)
