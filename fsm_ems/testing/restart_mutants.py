"""The broken protocols of :mod:`fsm_ems.testing.planted_restart`, each with the theme that must show it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

from fsm_ems.testing import planted_restart as c
from fsm_ems.testing.mutants import Caught
from fsm_ems.testing.planted import Patch, no_dedupe
from fsm_ems.testing.planted_doubt import resent_although_cancelled, resent_without_proof
from fsm_ems.testing.restart_scene import CrashScene
from fsm_ems.testing.restart_scenes import AGAIN, LISTS, ONE, PLAIN
from fsm_ems.testing.restart_world import CrashTheme
from fsm_ems.testing.search import Search


class CrashMutant(NamedTuple):
    """A protocol that is broken, and what is searched for it."""

    name: str
    plant: Callable[[Patch], None]
    theme: CrashTheme


def _nothing(patch: Patch) -> None:
    """What is broken is a setting."""


_ORDER = CrashTheme("order", (ONE,), PLAIN, crashes=1, retries=1)
_LISTED = CrashTheme("order, history", (ONE,), LISTS, crashes=1)
_CANCEL = CrashTheme("order and cancel", (ONE,), PLAIN, crashes=1, cancels=1)
_AGAIN = CrashTheme("order sent again, skew", (AGAIN,), PLAIN, crashes=1, skew=1)
_AGAIN_AT_ONCE = replace(_AGAIN, settings=replace(PLAIN, margin_ns=0))
_AGAIN_CANCEL = CrashTheme("order sent again and cancel", (AGAIN,), PLAIN, crashes=1, cancels=1)
_SKEWED = CrashTheme("order, skew", (ONE,), replace(PLAIN, margin_ns=0), crashes=1, skew=1)

CRASH_MUTANTS: tuple[CrashMutant, ...] = (
    CrashMutant("A: sent before it is durable", c.sent_before_it_is_durable, _ORDER),
    CrashMutant("B: sent again at start", c.sent_again_at_start, _ORDER),
    CrashMutant("C: asked at once and sent again", c.asked_at_once_and_sent_again, _ORDER),
    CrashMutant("D: asked at once and rejected", c.asked_at_once_and_rejected, _ORDER),
    CrashMutant("G: executions counted twice", no_dedupe, _LISTED),
    CrashMutant("cancel kept in memory alone", c.cancel_forgotten_at_start, _CANCEL),
    CrashMutant("unknown order taken for dead", c.unknown_order_taken_for_dead, _CANCEL),
    CrashMutant("unknown order ends the wish", c.unknown_order_ends_the_wish, _CANCEL),
    CrashMutant("no margin for a skewed clock", _nothing, _SKEWED),
    CrashMutant("sent again after one read", resent_without_proof, _AGAIN),
    CrashMutant("sent again, its cancel forgotten", resent_although_cancelled, _AGAIN_CANCEL),
    CrashMutant("sent again without a margin", _nothing, _AGAIN_AT_ONCE),
)


def hunt_crash(name: str) -> Caught:
    """Plant the protocol of that name, search for it, and take it out again."""
    mutant = next(mutant for mutant in CRASH_MUTANTS if mutant.name == name)
    patch = Patch()
    mutant.plant(patch)
    try:
        found = Search(CrashScene(mutant.theme)).run()
    finally:
        patch.take_back()
    assert not found.crashed, f"{name} does not fit the code it is planted in: {found.breach}"
    return Caught(name, found.breach, mutant.theme.name, found.states, found.path)
