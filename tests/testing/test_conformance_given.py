"""What the conformance kit is handed of a wrong kind is told where it comes in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from hypothesis import settings

from examples.test_json_broker import JexEnd
from fsm_ems.brokers.paper.backend import PaperBroker
from fsm_ems.clock import Clock
from fsm_ems.errors import InvalidMessage
from fsm_ems.testing import conformance_steps
from fsm_ems.testing.conformance import check, play
from fsm_ems.testing.conformance_steps import Place, Step, Trade, Wait
from tests.testing.paper_end import PaperEnd


def nothing(clock: Clock) -> None:
    """Makes none."""


def is_step(kind: object) -> bool:
    return isinstance(kind, type) and issubclass(kind, Step) and kind is not Step


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


SMALL = "a whole number of 0 and more is needed, and"


@pytest.mark.parametrize(
    ("step", "given", "problem"),
    [
        ("Place", {"units": -1}, f"units of Place: a whole number of 1 to {10**21} is needed, and -1"),
        ("Place", {"units": 0}, "and 0 is none"),
        ("Place", {"units": Decimal(1)}, "and Decimal('1') is none"),
        ("Place", {"units": True}, "and True is none"),
        ("Place", {"ticks": 0}, f"ticks of Place: a whole number of 1 to {10**21} or None is needed"),
        ("Show", {"ticks": None}, f"ticks of Show: a whole number of 1 to {10**21} is needed, and None is"),
        ("Place", {"side": "long"}, "side of Place: one of buy, sell is needed, and 'long' is none"),
        ("Place", {"tif": ["gtc"]}, "tif of Place: one of gtc, ioc, fok, gtd is needed, and ['gtc'] is"),
        ("Place", {"post_only": "no"}, "post_only of Place: True or False is needed, and 'no' is none"),
        ("Place", {"cut": -1}, "cut of Place: a whole number of 0 and more or None is needed, and -1"),
        ("Answer", {"choice": -1}, f"choice of Answer: {SMALL} -1 is none"),
        ("Answer", {"fate": "never"}, "fate of Answer: one of now, later, lost, twice is needed"),
        ("Trade", {"fee": None}, f"fee of Trade: {SMALL} None is none"),
        ("Turned", {"turn": "filled"}, "turn of Turned: one of open, cancelled, expired,"),
        ("Wait", {"seconds": 0.5}, f"seconds of Wait: {SMALL} 0.5 is none"),
        ("Garble", {"variant": 4}, "variant of Garble: a whole number of 0 to 3 is needed, and 4 is none"),
        ("BreakFeed", {"by": "gone"}, "by of BreakFeed: one of dropped, refused, garbled, greeted is needed"),
        ("Place", {"side": 1, "units": 0}, "and 1 is none; units of Place: "),
        ("Trade", {"size": 1}, "Trade: it has the fields order, units, fee, better, fate, cut, rest,"),
    ],
)
def test_a_field_that_is_wrong_is_told_where_the_step_is_made(
    step: str, given: dict[str, object], problem: str
) -> None:
    """Not where it is played: far from its author, and by whatever it ran into."""
    with pytest.raises(InvalidMessage) as told:
        getattr(conformance_steps, step)(**given)

    assert problem in str(told.value)


@pytest.mark.parametrize("step", [kind for kind in vars(conformance_steps).values() if is_step(kind)])
def test_what_each_field_takes_is_known(step: type[Step]) -> None:
    """Its usual values are right, and an object is not."""
    step()
    for field in fields(step):
        with pytest.raises(
            InvalidMessage, match=f"^{field.name} of {step.__name__}: .* is needed, and <object"
        ):
            step(**{field.name: object()})


def test_what_is_more_than_the_fields_is_told() -> None:
    wait: Any = Wait

    with pytest.raises(InvalidMessage, match=r"^Wait: it has the fields seconds, and no more than 1"):
        wait(1, 2)


def test_a_trade_is_never_for_nothing() -> None:
    """However much better than its limit: the price that is left is a tick."""
    play(lambda _: JexEnd(), [Place(ticks=1), Trade(better=5)])
