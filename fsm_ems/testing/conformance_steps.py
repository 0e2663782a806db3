"""The steps of a conformance script: what the EMS asks, what the venue does, and what befalls the line.

A step names orders and requests by their number, counted from the newest and round, so that any list of
steps is a script: a step that finds nothing to be about does nothing, and is left out when a failure is told.
:func:`scripts` draws such lists; a failure prints one that can be played again. A step that is made with a
field that it does not have, or with a value that a field cannot have, raises InvalidMessage.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from functools import wraps
from typing import Any, Literal, TypeVar, cast, dataclass_transform, get_args, get_type_hints

from hypothesis import strategies as st

from fsm_ems.errors import InvalidMessage, brief
from fsm_ems.messages import Side, TimeInForce

Fate = Literal["now", "later", "lost", "twice"]
"""What becomes of a report that the venue makes: *later* waits for :class:`Deliver`; *lost* is never said,
and only an answer to a question can still tell of it.
"""
Turn = Literal[
    "open", "cancelled", "expired", "pending_cancel", "pending_edit", "suspended", "stopped", "done_for_day",
    "calculated", "bidding", "restated", "bust", "correction",
]  # fmt: skip
Break = Literal["dropped", "refused", "garbled", "greeted"]

LONG = 12_345_678_901_234_567_891
"""So many ticks are a number that no float holds."""


@dataclass(frozen=True, slots=True, repr=False)
class Step:
    """A step; it prints with the fields that are not as usual."""

    def __repr__(self) -> str:
        named = (
            f"{field.name}={value!r}"
            for field in fields(self)
            if (value := getattr(self, field.name)) != field.default
        )
        return f"{type(self).__name__}({', '.join(named)})"


_T = TypeVar("_T", bound=Step)
_LEAST = {"units": 1, "ticks": 1}
_MOST = {"variant": 3, "units": 10**21, "ticks": 10**21}
"""What a number of that name lies between; others are of 0 and more."""


@dataclass_transform(frozen_default=True)
def _a_step(cls: type[_T]) -> type[_T]:
    """Make *cls* a step: frozen, and looked at when it is made, where its author sees which one is wrong."""
    made = cast("Any", dataclass(frozen=True, slots=True, repr=False)(cls))
    init = made.__init__
    kinds = {name: _flat(hint) for name, hint in get_type_hints(made).items()}
    names = tuple(kinds)

    @wraps(init)
    def checked(self: _T, *given: object, **named: object) -> None:
        strange = [name for name in named if name not in names]
        if strange or len(given) > len(names):
            more = f"no {', '.join(strange)}" if strange else f"no more than {len(names)} of them"
            raise InvalidMessage((f"{cls.__name__}: it has the fields {', '.join(names)}, and {more}",))
        init(self, *given, **named)
        if problems := tuple(_problems(self, kinds)):
            raise InvalidMessage(problems)

    made.__init__ = checked
    return cast("type[_T]", made)


def _flat(hint: object) -> tuple[object, ...]:
    """What a field may be: words, or types."""
    return get_args(hint) or (hint,)


def _problems(step: Step, allowed: Mapping[str, tuple[object, ...]]) -> Iterator[str]:
    for name, kinds in allowed.items():
        value = getattr(step, name)
        if int in kinds:
            least, most = _LEAST.get(name, 0), _MOST.get(name)
            is_right = type(value) is int and value >= least and (most is None or value <= most)
            is_right = is_right or (value is None and type(None) in kinds)
            needed = f"a whole number of {least} {'and more' if most is None else f'to {most}'}"
            needed += " or None" * (type(None) in kinds)
        elif bool in kinds:
            is_right, needed = type(value) is bool, "True or False"
        else:
            words = cast("tuple[str, ...]", kinds)
            is_right, needed = isinstance(value, str) and value in words, f"one of {', '.join(words)}"
        if not is_right:
            yield f"{name} of {type(step).__name__}: {needed} is needed, and {brief(value)} is none"


# ── the EMS ─────────────────────────────────────────────────────────────────────────────────────────


@_a_step
class Place(Step):
    """An order: *units* of the smallest size, at *ticks* price ticks, None at market.

    The call is cancelled after *cut* turns of the scheduler, here and in the other requests; None: never.
    """

    market: int = 0
    side: Side = "buy"
    units: int = 1
    ticks: int | None = 100
    tif: TimeInForce = "gtc"
    post_only: bool = False
    cut: int | None = None


@_a_step
class CancelOrder(Step):
    """A cancel of an order that the venue has told of."""

    order: int = 0
    cut: int | None = None


@_a_step
class EditOrder(Step):
    """New terms for one; *units* more than are filled."""

    order: int = 0
    units: int = 1
    ticks: int | None = None
    cut: int | None = None


@_a_step
class Ask(Step):
    """A question about an order, told of or not."""

    order: int = 0
    cut: int | None = None


@_a_step
class AskHistory(Step):
    """The question for open orders and for the executions since the newest, second newest … that is known."""

    since: int = 0
    cut: int | None = None


@_a_step
class Read(Step):
    """The EMS stops reading reports, or goes on."""

    on: bool = False


# ── the line, and time ──────────────────────────────────────────────────────────────────────────────


@_a_step
class Reconnect(Step):
    """The line is lost and comes back: hung up by the *venue* or by the *ems*; with *restart* the EMS is new
    as well, and with *refused* the venue takes the second call only.
    """

    by: Literal["venue", "ems", "restart", "refused"] = "venue"


@_a_step
class Wait(Step):
    """Seconds pass."""

    seconds: int = 1


@_a_step
class Garble(Step):
    """The venue says something that nobody can know; *variant* chooses what."""

    variant: int = 0


@_a_step
class BreakFeed(Step):
    """The market's feed, and nothing else, is *dropped*, or says something that nobody can know (*garbled*).

    It is opened again then: at once, or after it was *refused* once, or once *greeted* with nonsense, of
    which *variant* chooses what.
    """

    by: Break = "dropped"
    variant: int = 0


# ── the venue ───────────────────────────────────────────────────────────────────────────────────────


@_a_step
class Answer(Step):
    """The venue takes up the newest, second newest … request without an answer; *choice* among what fits.

    Here and below, the EMS's call of ``receive`` that waits is cancelled *cut* turns later, and made again;
    with *rest* unset, the next step comes before anybody could act on this one.
    """

    request: int = 0
    choice: int = 0
    fate: Fate = "now"
    cut: int | None = None
    rest: bool = True


@_a_step
class Trade(Step):
    """An order trades: *units* of the smallest size, or what is left of it, *better* ticks off its limit,
    or as many as leave one.

    *fee* chooses among four in the market's quote, and from 4 on the same in its base.
    """

    order: int = 0
    units: int = 1
    fee: int = 0
    better: int = 0
    fate: Fate = "now"
    cut: int | None = None
    rest: bool = True


@_a_step
class Turned(Step):
    """Something befalls an order that nobody asked for."""

    order: int = 0
    turn: Turn = "open"
    fate: Fate = "now"
    cut: int | None = None
    rest: bool = True


@_a_step
class Deliver(Step):
    """One of the reports that were to come later, the newest, second newest …, is said."""

    report: int = 0
    cut: int | None = None
    rest: bool = True


@_a_step
class Show(Step):
    """The market shows a quote around *ticks*, or prints *units* there."""

    market: int = 0
    ticks: int = 100
    units: int = 1
    is_print: bool = False


_fates: st.SearchStrategy[Fate] = st.sampled_from(("now", "now", "now", "later", "lost", "twice"))
_cuts = st.sampled_from((None, None, None, None, 0, 1, 2))
_numbers = st.integers(0, 3)
_rests = st.sampled_from((True, True, False))
_units = st.sampled_from((1, 2, 3, LONG))
_ticks = st.sampled_from((100, 99, 101, 10**9 + 7))
_limits = st.sampled_from((100, 100, 101, 99, 100, 101, 10**9 + 7, None))
_sides: st.SearchStrategy[Side] = st.sampled_from(("buy", "sell"))
_tifs: st.SearchStrategy[TimeInForce] = st.sampled_from(
    ("gtc", "gtc", "gtc", "gtc", "gtc", "gtc", "ioc", "fok", "gtd")
)
_turns: st.SearchStrategy[Turn] = st.sampled_from(get_args(Turn))
_ways: st.SearchStrategy[Literal["venue", "ems", "restart", "refused"]] = st.sampled_from(
    ("venue", "ems", "restart", "refused")
)
_breaks: st.SearchStrategy[Break] = st.sampled_from(get_args(Break))

_OFTEN: tuple[tuple[int, st.SearchStrategy[Step]], ...] = (
    (5, st.builds(
        Place, market=st.integers(0, 1), side=_sides, units=_units, ticks=_limits, tif=_tifs,
        post_only=st.booleans(), cut=_cuts,
    )),
    (7, st.builds(Answer, request=_numbers, choice=_numbers, fate=_fates, cut=_cuts, rest=_rests)),
    (3, st.builds(
        Trade, order=_numbers, units=st.sampled_from((1, 2, 1, 2, LONG)), fee=st.integers(0, 7),
        better=st.sampled_from((0, 0, 1, 2)), fate=_fates, cut=_cuts, rest=_rests,
    )),
    (2, st.builds(CancelOrder, order=_numbers, cut=_cuts)),
    (2, st.builds(EditOrder, order=_numbers, units=_units, ticks=_limits, cut=_cuts)),
    (2, st.builds(Ask, order=_numbers, cut=_cuts)),
    (1, st.builds(AskHistory, since=_numbers, cut=_cuts)),
    (2, st.builds(Turned, order=_numbers, turn=_turns, fate=_fates, cut=_cuts, rest=_rests)),
    (3, st.builds(Deliver, report=_numbers, cut=_cuts, rest=_rests)),
    (2, st.builds(Reconnect, by=_ways)),
    (1, st.builds(Read, on=st.booleans())),
    (1, st.builds(Wait, seconds=st.sampled_from((1, 10, 60)))),
    (1, st.builds(Garble, variant=_numbers)),
    (1, st.builds(BreakFeed, by=_breaks, variant=_numbers)),
    (1, st.builds(Show, market=st.integers(0, 1), ticks=_ticks, units=_units, is_print=st.booleans())),
)  # fmt: skip
"""How often each step is drawn, of 34: what needs others before it more often than what ends them."""
_KINDS = tuple(kind for kind, (times, _) in enumerate(_OFTEN) for _ in range(times))
_step = st.sampled_from(_KINDS).flatmap(lambda kind: _OFTEN[kind][1])


def scripts() -> st.SearchStrategy[list[Step]]:
    """Lists of steps, some twenty long; shorter ones come first when a failure is made small."""
    parts = st.lists(st.lists(_step, max_size=10), max_size=10)
    return parts.map(lambda found: [step for part in found for step in part])
