"""What the conformance kit is handed of a wrong kind is told where it comes in."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from hypothesis import settings

from fsm_ems.brokers.paper.backend import PaperBroker
from fsm_ems.clock import Clock
from fsm_ems.errors import InvalidMessage
from fsm_ems.testing.conformance import check, play
from fsm_ems.testing.conformance_steps import Place, Step
from tests.testing.paper_end import PaperEnd


def nothing(clock: Clock) -> None:
    """Makes none."""


async def later(clock: Clock) -> PaperEnd:
    return PaperEnd(clock)


class Clockless(PaperEnd):
    def __init__(self) -> None: ...


@pytest.mark.parametrize("used", [check, partial(play, steps=[Place()])])
@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (None, "and None cannot be called$"),
        (PaperBroker.synthetic(5), "and <.*PaperBroker object.* cannot be called$"),
        (Clockless, "and <class .*Clockless'> is called with a clock: too many positional arguments$"),
        (lambda: None, "is called with a clock: too many positional arguments$"),
        (nothing, "and <function nothing .*> makes None$"),
        (later, "and <function later .*> makes <coroutine"),
        (lambda _: PaperEnd, "makes <class .*PaperEnd'>$"),
    ],
)
def test_what_makes_no_venue_is_told(used: Callable[[Any], None], make: object, problem: str) -> None:
    """Before anything is played: no AttributeError of the stage, in a group, told by Hypothesis."""
    with pytest.raises(
        InvalidMessage, match=f"^make: what makes a new VenueEnd of a clock is needed, .*{problem}"
    ):
        used(make)


@pytest.mark.parametrize("steps", [[5], [Place], [Step()], [Place(), "x"], None, "Place()", Place()])
def test_what_is_no_script_is_told(steps: Any) -> None:  # noqa: ANN401 -- wrong on purpose
    with pytest.raises(
        InvalidMessage, match=r"^steps: a list of steps of .*, such as \[Place\(\)\], and .* is none$"
    ):
        play(PaperEnd, steps)


@pytest.mark.parametrize("examples", [5, None, {"max_examples": 5}, settings])
def test_what_are_no_settings_of_hypothesis_is_told(examples: Any) -> None:  # noqa: ANN401 -- wrong on purpose
    with pytest.raises(InvalidMessage, match=r"^examples: hypothesis\.settings\(\.\.\.\) are needed"):
        check(PaperEnd, examples)
