"""The simulation breaks nothing, repeats itself exactly, and notices planted bugs."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

from fsm_ems.dialogs import decide_history
from fsm_ems.testing import simulate
from fsm_ems.testing.planted import Patch
from fsm_ems.testing.planted_simulated import Bug, hunt, planted
from fsm_ems.testing.simulate_run import Simulation, run
from fsm_ems.testing.simulate_told import LAST

SEEDS = 50
"""Of short runs, six times; `make simulate` runs long ones, and many more."""
SECONDS = 40


@pytest.mark.no_cover
@pytest.mark.slow
@pytest.mark.parametrize("first", range(0, 6 * SEEDS, SEEDS))
def test_no_seed_breaks_a_promise(first: int) -> None:
    """And each kind of fault strikes in some of them.

    In a process whose coverage nobody measures, for time: the planted bugs go through the same code.
    """
    few = ["--seed", str(first), "--seeds", str(SEEDS), "--seconds", str(SECONDS), "--workers", "1"]
    unmeasured = {name: value for name, value in os.environ.items() if not name.startswith("COV")}
    ran = subprocess.run(
        [sys.executable, "-m", "fsm_ems.testing.simulate", *few, "--demand", "2"],
        env=unmeasured, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert (ran.returncode, ran.stderr) == (0, ""), ran.stdout
    assert "no promise is broken" in ran.stdout
    assert re.search(r"(?m)^two venues in [3456]\d\.\d % of the seeds", ran.stdout)


def test_a_fault_that_is_too_rare_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert simulate.main(["--seeds", "1", "--seconds", "1", "--workers", "1", "--demand", "101"]) == 1

    assert "link break: in less than 101 % of the seeds" in capsys.readouterr().out


def test_a_seed_repeats_itself_to_the_last_event() -> None:
    """Two seeds differ."""
    once, again, other = run(11, 60), run(11, 60), run(12, 60)

    assert (once.trace, once.events, once.faults) == (again.trace, again.events, again.faults)
    assert once.trace != other.trace
    assert once.events > 100


@pytest.mark.no_cover
@pytest.mark.slow
def test_a_seed_does_not_depend_on_how_python_hashes() -> None:
    """Sets and dictionaries may come in another order: nothing that happens does."""
    told = {
        subprocess.run(
            [sys.executable, "-m", "fsm_ems.testing.simulate", "--seed", "11", "--seeds", "1",
             "--seconds", "60", "--workers", "1", "--trace"],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True, text=True, check=True,
        ).stdout.splitlines()[0]
        for seed in ("1", "2")
    }  # fmt: skip

    assert told == {f"seed 11: {run(11, 60).events:,} events, trace {run(11, 60).trace}"}


@pytest.mark.parametrize("name", [bug.name for bug in planted()])
def test_a_planted_bug_is_caught(name: str) -> None:
    """A simulation that misses a mistake like this one would be worth nothing."""
    assert re.match(r"P\d+: ", hunt(name).breach or "survived")


def test_a_bug_that_nobody_notices_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def harmless(patch: Patch) -> None:
        """Changes nothing."""

    monkeypatch.setattr("fsm_ems.testing.planted_simulated._PLANTED", (Bug(harmless, 1),))

    caught = hunt("harmless")

    assert (caught.breach, caught.seeds) == (None, 1)
    simulate._tell_caught(caught)
    assert "SURVIVED" in capsys.readouterr().out


def test_a_planted_bug_that_crashes_is_not_taken_for_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """The code it was made for has changed, and what it was to show nobody knows any more."""

    def outdated(patch: Patch) -> None:
        patch.name(decide_history, "missing", lambda known: lambda *given: None)

    monkeypatch.setattr("fsm_ems.testing.planted_simulated._PLANTED", (Bug(outdated, 20),))

    with pytest.raises(AssertionError, match=r"does not fit the code it is planted in: [^$]*TypeError"):
        hunt("outdated")


def test_planted_bugs_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    """Each with the promise that it breaks."""
    assert simulate.main(["--mutants", "--only", "stream gap", "--workers", "1"]) == 0
    assert "1 of 1 planted bugs caught" in capsys.readouterr().out
    assert simulate.main(["--mutants", "--only", "no such bug"]) == 2


def test_a_seed_that_fails_tells_how_to_run_it_again(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Seed, step, promise, and what happened last."""
    monkeypatch.setattr("fsm_ems.testing.simulate_run.HEAL_S", 0)  # nobody agrees so early

    code = simulate.main(["--seed", "7", "--seeds", "4", "--seconds", "40", "--workers", "1"])

    told = capsys.readouterr().out
    assert code == 1
    failed = re.search(r"seed (\d+), step \d+: BROKEN P13: 0 s after the last fault", told)
    assert failed is not None
    assert f"--seed {failed[1]} --seeds 1 --seconds 40" in told
    assert len(told.splitlines()) > LAST
    assert "promises are broken by seeds" in told


def test_some_seeds_do_without_each_fault() -> None:
    """What one fault hides, a seed without it shows; and a calm seed is calm."""
    plans = [Simulation(seed).world.plan for seed in range(40)]

    for fault in {*plans[0].permille, *plans[0].every_s}:
        drawn = [fault in plan.permille or fault in plan.every_s for plan in plans]
        assert True in drawn
        assert False in drawn


def test_a_wrong_number_is_a_usage_error() -> None:
    with pytest.raises(SystemExit):
        simulate.main(["--seeds", "none"])
