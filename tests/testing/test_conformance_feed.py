"""A market feed that is dropped, refused or garbled: what an adapter may make of it, and what it may not."""

from __future__ import annotations

from typing import get_args

import pytest
from hypothesis import settings

from fsm_ems.testing.conformance import SCRIPTS, Nonconformance, check, play
from fsm_ems.testing.conformance_drills import DRILLS
from fsm_ems.testing.conformance_steps import Break, BreakFeed
from tests.testing.honest_adapters import HONEST
from tests.testing.planted_feeds import FEED_BUGS, HONEST_FEEDS

BREAKS = get_args(Break)


@pytest.mark.parametrize("bug", FEED_BUGS)
def test_a_drill_finds_a_feed_that_breaks_as_it_must_not(bug: str) -> None:
    make, drill, words = FEED_BUGS[bug]

    with pytest.raises(Nonconformance) as told:
        play(make, DRILLS[drill])

    assert told.value.rule == "market"
    assert words in told.value.why


@pytest.mark.parametrize("way", HONEST_FEEDS)
@pytest.mark.parametrize("by", BREAKS)
def test_a_feed_may_break_so(way: str, by: Break) -> None:
    play(HONEST_FEEDS[way], DRILLS[f"feed {by}"])


@pytest.mark.no_cover
@pytest.mark.parametrize("way", HONEST_FEEDS)
def test_whatever_else_befalls_it(way: str) -> None:
    check(HONEST_FEEDS[way], settings(SCRIPTS, derandomize=True, max_examples=25))


@pytest.mark.parametrize("by", BREAKS)
def test_what_has_no_feed_has_none_to_break(by: Break) -> None:
    play(HONEST["has little"], [BreakFeed(by)])
