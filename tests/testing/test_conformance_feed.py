"""A market feed that is dropped, refused or garbled: what an adapter may make of it, and what it may not."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any, cast, get_args

import pytest
from hypothesis import settings

from examples.json_broker import JexBroker, JexRows
from fsm_ems.errors import BrokerFault
from fsm_ems.testing.conformance import SCRIPTS, Nonconformance, check, play
from fsm_ems.testing.conformance_drills import DRILLS
from fsm_ems.testing.conformance_steps import Break, BreakFeed
from tests.testing.honest_adapters import HONEST
from tests.testing.planted_adapters import with_broker
from tests.testing.planted_feeds import FEED_BUGS, HONEST_FEEDS

BREAKS = get_args(Break)


@pytest.mark.parametrize("bug", FEED_BUGS)
def test_a_drill_finds_a_feed_that_breaks_as_it_must_not(bug: str) -> None:
    make, drill, words = FEED_BUGS[bug]

    with pytest.raises(Nonconformance) as told:
        play(make, DRILLS[drill])

    assert told.value.rule == "market"
    assert words in told.value.why


class NeverShows(JexBroker):
    """A feed that cannot be opened."""

    @asynccontextmanager
    async def open_market(self) -> AsyncGenerator[JexRows]:
        if self.name == "jex":
            raise BrokerFault("no such channel")
        yield cast("Any", None)


def test_a_feed_that_never_opens_is_told_where_it_is_to_break() -> None:
    """Where silence may break a line, one BrokerFault is no fault yet."""
    with pytest.raises(Nonconformance, match="the feed broke, and each attempt to open it for 60 s"):
        play(with_broker(lambda end: NeverShows(end._connect), silent_s=30), [BreakFeed()])


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
