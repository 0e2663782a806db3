"""The searches find nothing, end within their bounds, and notice planted bugs."""

from __future__ import annotations

import pytest

from fsm_ems.testing import explore
from fsm_ems.testing.bounds import scenes
from fsm_ems.testing.mutants import hunt, mutants

# One of each kind, small enough for every run; `make soak` and the default run search them all.
QUICK = ("alert", "dark marks", "immediate", "statements", "pair: cancels", "honest: link")


@pytest.mark.parametrize("name", QUICK)
def test_a_scene_is_searched_to_its_end_and_breaks_nothing(name: str) -> None:
    """Every situation within the bounds keeps the promises."""
    found = explore.search(name)

    assert found.breach is None, found.path
    assert found.exhausted
    assert found.states > 10


@pytest.mark.parametrize("name", [mutant.name for mutant in mutants()])
def test_a_planted_bug_is_caught(name: str) -> None:
    """A search that misses a mistake like this one would be worth nothing."""
    assert hunt(name).check is not None


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
