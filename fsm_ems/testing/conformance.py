"""Does a broker's adapter do what the EMS relies on? For whoever writes one: offline, in a few seconds.

Write a :class:`~fsm_ems.testing.conformance_venue.VenueEnd`, the venue's end of the adapter's wire, and call
:func:`check` in a test, or name a class for pytest to find::

    class TestMyBroker(Conformance):
        def venue(self, clock):
            return MyVenueEnd(clock)

First come the drills of :mod:`~fsm_ems.testing.conformance_drills`, the same each time, in which the venue
says everything that it can say. Hypothesis then drives orders, edits, cancels and questions through the
adapter, while the venue behind it answers late, twice, in another order, from stale reads or never, talks
nonsense, hangs up, and trades before it acknowledges. The EMS's calls are cancelled, its reading stops, its
connections end, it is started anew.
All runs on trio's mock clock; nothing sleeps and nothing is connected to anything.

What must hold is in :data:`~fsm_ems.testing.conformance_rules.RULES`. A failure is a
:class:`~fsm_ems.testing.conformance_rules.Nonconformance`: the rule, what came instead, the shortest script
that leads there, and a sequence diagram of it. :func:`play` plays a script again.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from inspect import iscoroutine, signature
from typing import ClassVar, cast

import trio
import trio.testing
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from fsm_ems.clock import Clock, TrioClock
from fsm_ems.errors import InvalidMessage, brief
from fsm_ems.testing.conformance_drills import DRILLS
from fsm_ems.testing.conformance_play import Player
from fsm_ems.testing.conformance_rules import RULES, Nonconformance
from fsm_ems.testing.conformance_shrink import shortest
from fsm_ems.testing.conformance_stage import Stage
from fsm_ems.testing.conformance_steps import Step, scripts
from fsm_ems.testing.conformance_trace import Trace
from fsm_ems.testing.conformance_venue import VenueEnd

__all__ = ["RULES", "Conformance", "MakeVenue", "Nonconformance", "VenueEnd", "check", "play"]

MakeVenue = Callable[[Clock], VenueEnd]
"""Makes a venue end, and with it all that a script needs; the clock is the one that the EMS would share."""

START_NS = 1_700_000_000_123_456_789
"""When each script begins, on that clock: at a time that neither milliseconds nor floats hold."""
SCRIPTS = settings(
    max_examples=200,
    deadline=None,
    database=None,
    report_multiple_bugs=False,
    suppress_health_check=(HealthCheck.too_slow,),
)
"""How many scripts are tried, unless the caller says otherwise."""


def check(make: MakeVenue, examples: settings = SCRIPTS) -> None:
    """Play the drills, then try scripts until one breaks a rule, or enough have kept them all.

    Raises:
        Nonconformance: with the shortest script that was found.
        InvalidMessage: *make* makes no venue end of a clock, or *examples* are no settings of Hypothesis.
    """
    _check_given(make, examples, ())
    for drill in DRILLS.values():
        if (found := _failure(make, drill)) is not None:
            raise shortest(lambda steps: _failure(make, steps), found)

    @settings(examples, phases=(Phase.explicit, Phase.generate))  # what fails is made small here, and faster
    @given(steps=scripts())
    def conforms(steps: list[Step]) -> None:
        _run(make, steps)

    try:
        conforms()
    except Nonconformance as found:
        found.__notes__.clear()
        raise shortest(lambda steps: _failure(make, steps), found) from None


def play(make: MakeVenue, steps: Sequence[Step]) -> None:
    """Play one script.

    Raises:
        Nonconformance: a rule is broken.
        InvalidMessage: *make* makes no venue end of a clock, or one of *steps* is none.
    """
    _check_given(make, SCRIPTS, steps)
    if (found := _failure(make, steps)) is not None:
        raise found


def _check_given(make: object, examples: object, steps: object) -> None:
    """Told here, and not by Hypothesis in a group of its own, from deep inside the first script."""
    if not isinstance(examples, settings):
        problem = f"examples: hypothesis.settings(...) are needed, and {brief(examples)} are none"
        raise InvalidMessage((problem,))
    wrong: list[object] = [steps]
    if isinstance(steps, Sequence):
        listed = cast("Sequence[object]", steps)
        wrong = [one for one in listed if not isinstance(one, Step) or type(one) is Step]
    if wrong:
        needed = "steps: a list of steps of fsm_ems.testing.conformance_steps is needed, such as [Place()]"
        raise InvalidMessage((f"{needed}, and {brief(wrong[0])} is none",))
    _check_makes(make)


def _check_makes(make: object) -> None:
    needed = "make: what makes a new VenueEnd of a clock is needed, such as a class of yours"
    if not callable(make):
        raise InvalidMessage((f"{needed}, and {brief(make)} cannot be called",))
    with suppress(ValueError):  # not every callable tells what it takes
        try:
            signature(make).bind(_begun)
        except TypeError as wrong:
            raise InvalidMessage((f"{needed}, and {brief(make)} is called with a clock: {wrong}",)) from None
    venue = trio.run(_made, make, clock=trio.testing.MockClock(autojump_threshold=0))
    if not isinstance(venue, VenueEnd):
        raise InvalidMessage((f"{needed}, and {brief(make)} makes {brief(venue)}",))


def _begun() -> TrioClock:
    clock = TrioClock(START_NS)
    clock()  # it counts from here
    return clock


async def _made(make: Callable[..., object]) -> object:
    venue = make(_begun())
    if iscoroutine(venue):
        venue.close()
    return venue


def _failure(make: MakeVenue, steps: Sequence[Step]) -> Nonconformance | None:
    # Under Hypothesis, for it makes trio's scheduler repeat itself.
    @settings(SCRIPTS, max_examples=1, print_blob=False)
    @given(same=st.just(steps))
    def plays(same: Sequence[Step]) -> None:
        _run(make, same)

    try:
        plays()
    except Nonconformance as found:
        found.__notes__.clear()  # Hypothesis' own telling of the script
        return found.with_traceback(None)
    return None


class Conformance(ABC):
    """For pytest: a subclass whose name begins with ``Test``, with the venue end of its adapter."""

    examples: ClassVar[settings] = SCRIPTS

    @abstractmethod
    def venue(self, clock: Clock) -> VenueEnd:
        """A new venue end, which makes the adapters."""

    def test_the_adapter_conforms(self) -> None:
        """Whatever the venue does, the adapter keeps every rule."""
        check(self.venue, self.examples)


def _run(make: MakeVenue, steps: Sequence[Step]) -> None:
    trace = Trace()
    trio.run(partial(_play, make, steps, trace), clock=trio.testing.MockClock(autojump_threshold=0))
    if trace.found is not None:
        trace.found.script, trace.found.diagram = tuple(trace.steps), trace.diagram()
        raise trace.found


async def _play(make: MakeVenue, steps: Sequence[Step], trace: Trace) -> None:
    clock = _begun()
    async with trio.open_nursery() as nursery:
        try:
            venue = make(clock)
            nursery.start_soon(venue.serve)
            await Player(Stage(venue, clock, trace, nursery)).play(steps)
        except Nonconformance as found:
            trace.found = found
        finally:
            nursery.cancel_scope.cancel()
