"""The searches find nothing, end within their bounds, and notice planted bugs."""

from __future__ import annotations

import re

import pytest

from fsm_ems.dialogs import decide_reports
from fsm_ems.testing import explore
from fsm_ems.testing.bounds import scenes
from fsm_ems.testing.mutants import Mutant, hunt, mutants
from fsm_ems.testing.planted import Patch
from fsm_ems.testing.search import Search

# One of each kind, small enough for every run; `make soak` and the default run search them all.
QUICK = ("alert", "dark marks", "split", "two edits", "pair: cancels", "honest: link")

FIRST = 250
"""Situations of each scene that every run looks at."""


@pytest.mark.no_cover
@pytest.mark.parametrize("name", QUICK)
def test_a_scene_is_searched_to_its_end_and_breaks_nothing(name: str) -> None:
    """Every situation within the bounds keeps the promises."""
    found = explore.search(name)

    assert found.breach is None, found.path
    assert found.exhausted
    assert found.states > 10


@pytest.mark.parametrize("name", list(scenes(soak=True)))
def test_a_scene_breaks_nothing_as_far_as_there_is_time_to_look(name: str) -> None:
    """All of them, those of a night too, in the situations nearest to their start."""
    found = explore.search(name, soak=True, states_max=FIRST)

    assert found.breach is None, found.path
    assert found.exhausted or found.states >= FIRST


@pytest.mark.parametrize("name", [mutant.name for mutant in mutants()])
def test_a_planted_bug_is_caught(name: str) -> None:
    """A search that misses a mistake like this one would be worth nothing.

    A promise is broken, and it is not the planted code that crashes.
    """
    assert re.match(r"(P\d+|unknown|terms): ", hunt(name).check or "survived")


def test_a_planted_bug_that_crashes_is_not_taken_for_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """It was written for code that has moved on, and proves nothing."""

    def outdated(patch: Patch) -> None:
        patch.name(decide_reports, "mapped", lambda known: lambda *given: known())

    monkeypatch.setattr("fsm_ems.testing.mutants._MUTANTS", (Mutant(outdated, ("statements",)),))

    with pytest.raises(AssertionError, match="does not fit the code it is planted in: TypeError"):
        hunt("outdated")
    assert Search(scenes()["statements"](), states_max=50).run().breach is None  # and it was taken out


def test_a_bug_that_nobody_notices_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """All that was searched is named, and no check."""

    def harmless(patch: Patch) -> None:
        """Changes nothing."""

    monkeypatch.setattr("fsm_ems.testing.mutants._MUTANTS", (Mutant(harmless, ("alert", "dark marks")),))

    caught = hunt("harmless")

    assert (caught.check, caught.scene, caught.path) == (None, "alert, dark marks", ())
    assert caught.states > 100
    explore._tell_mutant(caught)
    assert "SURVIVED" in capsys.readouterr().out


def test_a_search_tells_what_it_saw(capsys: pytest.CaptureFixture[str]) -> None:
    """States, transitions and time, and how much of the table."""
    assert explore.main(["--only", "alert", "--workers", "1"]) == 0

    told = capsys.readouterr().out
    assert "alert" in told
    assert "no promise is broken" in told


def test_a_bound_can_be_given(capsys: pytest.CaptureFixture[str]) -> None:
    """A wider bound searches more; a wrong one is a usage error."""
    assert explore.main(["--only", "alert", "--workers", "1", "--bound", "cancels=1"]) == 0
    with pytest.raises(SystemExit) as wrong:
        explore.main(["--bound", "moons=1"])
    assert wrong.value.code == 2
    assert "moons=1" in capsys.readouterr().err


def test_a_cut_off_search_is_no_success(capsys: pytest.CaptureFixture[str]) -> None:
    """What was not searched to its end proves nothing."""
    assert explore.main(["--only", "statements", "--workers", "1", "--states-max", "20"]) == 1
    assert "not searched to the end: statements" in capsys.readouterr().out


def test_scenes_and_bugs_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    """--list names what --only takes, and --only refuses what is not listed."""
    assert explore.main(["--list"]) == 0
    assert set(scenes()) <= set(capsys.readouterr().out.splitlines())
    assert explore.main(["--only", "no such scene"]) == 2


def test_caught_bugs_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    """Each with the check that noticed it."""
    assert explore.main(["--mutants", "--only", "stash forgotten", "--workers", "1"]) == 0
    assert "1 of 1 planted bugs caught" in capsys.readouterr().out
