"""The async hook of conftest.py, used the ways the suite uses it."""

import subprocess
import sys
import time
from pathlib import Path

import hypothesis
import pytest
import trio
from hypothesis import strategies as st


async def test_an_hour_passes_at_once() -> None:
    begun = time.monotonic()

    await trio.sleep(3600)

    assert time.monotonic() - begun < 60


@pytest.mark.real_clock
async def test_real_clock_is_the_machines() -> None:
    begun = time.monotonic()

    await trio.sleep(0.01)

    assert time.monotonic() - begun >= 0.01


@pytest.mark.parametrize("seconds", [1, 2])
async def test_parameters_and_fixtures_arrive(seconds: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FSM_EMS_PROBE", str(seconds))

    with trio.move_on_after(seconds) as scope:
        await trio.sleep_forever()

    assert scope.cancelled_caught


class TestMethods:
    async def test_a_method_keeps_its_self(self) -> None:
        await trio.lowlevel.checkpoint()

        assert isinstance(self, TestMethods)

    @hypothesis.given(seconds=st.integers(1, 5))
    async def test_given_reaches_a_method(self, seconds: int) -> None:
        before = trio.current_time()

        await trio.sleep(seconds)

        assert trio.current_time() - before == pytest.approx(seconds)


FAILING = """
import hypothesis, trio
from hypothesis import strategies as st

async def test_plain():
    await trio.sleep(1)
    raise ZeroDivisionError

@hypothesis.given(number=st.integers())
async def test_given(number):
    await trio.sleep(1)
    raise ZeroDivisionError
"""


def test_a_failing_body_fails_its_test(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text(Path(__file__).with_name("conftest.py").read_text())
    (tmp_path / "test_failing.py").write_text(FAILING)

    told = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "no:xdist", str(tmp_path)],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert "2 failed" in told.stdout, told.stdout
