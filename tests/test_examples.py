"""The examples run as their users run them, print what is pinned here, and are short."""

import os
import re
import runpy
import subprocess
import sys
from collections.abc import Awaitable, Callable
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pytest
import trio
import trio.testing

from fsm_ems import ORDER

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "examples"
LINES_MAX = 59
LONGER = {"json_broker.py": 149, "test_json_broker.py": 219}
"""A whole broker, and the venue that tests it."""

DARK_STOP = """\
  submit        -> pending        buy at market, filled 0
  ack           -> acked          buy at market, filled 0
  fill          -> open           buy at market, filled 0.0139
  cancelled     -> cancelled      buy at market, filled 0.0139
holds 0.0139 of the 0.5 wanted; a stop follows 4 behind the market
  submit_dark   -> dark_open      sell at 49996, filled 0
  trail         -> dark_open      sell at 49997.5, filled 0
  trail         -> dark_open      sell at 49999, filled 0
  trail         -> dark_open      sell at 50000, filled 0
  trail         -> dark_open      sell at 50001.5, filled 0
  trail         -> dark_open      sell at 50002.5, filled 0
  trail         -> dark_open      sell at 50003.5, filled 0
  trail         -> dark_open      sell at 50004, filled 0
  trail         -> dark_open      sell at 50005.5, filled 0
  trail         -> dark_open      sell at 50008, filled 0
  trail         -> dark_open      sell at 50009.5, filled 0
  trail         -> dark_open      sell at 50010, filled 0
  trail         -> dark_open      sell at 50010.5, filled 0
  trail_stop    -> dark_triggered sell at market, filled 0
  ack           -> acked          sell at market, filled 0
  fill_complete -> filled         sell at market, filled 0.0139
flat, +0.13205 usd
"""


class Ran(NamedTuple):
    """What a program printed, on standard output and error, and how long it took by trio's clock."""

    out: str
    err: str
    seconds: float


Run = Callable[..., Ran]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs an example by its name and arguments, on trio's clock that jumps."""
    play = trio.run

    async def bounded(main: Callable[..., Awaitable[None]], *args: object) -> float:
        began = trio.current_time()
        with trio.fail_after(600):
            await main(*args)
        return trio.current_time() - began

    def runs(name: str, *arguments: str) -> Ran:
        took: list[float] = []

        def jumping(main: Callable[..., Awaitable[None]], *args: object) -> None:
            clock = trio.testing.MockClock(autojump_threshold=0)
            took.append(play(partial(bounded, main), *args, clock=clock))

        with monkeypatch.context() as patch:
            patch.setattr(trio, "run", jumping)
            patch.setattr(sys, "argv", [name, *arguments])
            runpy.run_path(str(EXAMPLES / name), run_name="__main__")
        printed = capsys.readouterr()
        return Ran(printed.out, printed.err, took[0])

    return runs


def programs() -> list[Path]:
    return sorted(EXAMPLES.glob("*.py"))


def test_every_example_is_run_here() -> None:
    names = ["dark_stop.py", "json_broker.py", "own_diagram.py", "test_json_broker.py", "test_my_strategy.py"]
    assert [path.name for path in programs()] == names


@pytest.mark.parametrize("path", programs(), ids=lambda path: path.name)
def test_an_example_is_short_and_told(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    head = text.partition('"""\n\n')[0]

    assert len(text.splitlines()) <= LONGER.get(path.name, LINES_MAX)
    assert f"examples/{path.name}" in head, "the docstring says how to run it"
    assert f"]({path.name})" in (EXAMPLES / "README.md").read_text(encoding="utf-8")


def test_a_dark_stop_follows_a_position_and_ends_it(run: Run) -> None:
    assert run("dark_stop.py").out == DARK_STOP


@pytest.mark.parametrize("seed", range(1, 12))
def test_the_first_markets_leave_the_strategy_flat_within_ten_seconds(run: Run, seed: int) -> None:
    """Whatever the venue had no buyer for goes out again: sizes sold add up to what was bought."""
    ran = run("dark_stop.py", str(seed))
    traded = {"buy": Decimal(0), "sell": Decimal(0)}
    for side, filled in re.findall(r"-> (?:filled|cancelled) +(\w+) at market, filled (\S+)", ran.out):
        traded[side] += Decimal(filled)

    assert traded["buy"] == traded["sell"] > 0
    assert ran.out.count("-> dark_triggered") == 1
    assert ran.seconds < 10


def test_the_diagram_is_the_table_with_the_way_of_the_order(run: Run) -> None:
    """The library drew it: every move of the table is an arrow, and no other; the way is marked."""
    ran = run("own_diagram.py")
    arrows = re.findall(r"^ *(\w+) --> (\w+): ", ran.out, re.MULTILINE)
    marked = re.findall(r"^ *Class (\w+) s_(previous|active)$", ran.out, re.MULTILINE)

    assert ran.err == "met: it goes out now\n"
    assert {(row.source.name, row.dest.name) for row in ORDER.rows} == set(arrows)
    assert marked == [
        ("NEW", "previous"),
        ("DARK_OPEN", "previous"),
        ("DARK_TRIGGERED", "previous"),
        ("ACKED", "previous"),
        ("OPEN", "previous"),
        ("FILLED", "active"),
    ]
    assert ran.seconds < 5, "whoever tries it does not take it for stuck"


def pytest_of(path: Path, directory: Path) -> subprocess.CompletedProcess[str]:
    """As a user runs it, in a process of its own; the same examples every time."""
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "--hypothesis-seed=1", "-p", "no:cacheprovider", str(path)],
        cwd=directory,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.no_cover
@pytest.mark.slow
def test_the_strategy_keeps_its_promise_whatever_happens(tmp_path: Path) -> None:
    told = pytest_of(EXAMPLES / "test_my_strategy.py", tmp_path)

    assert told.returncode == 0, told.stdout
    assert told.stdout.splitlines()[-1].startswith("1 passed")


@pytest.mark.no_cover
@pytest.mark.slow
def test_a_strategy_that_forgets_what_is_open_is_caught(tmp_path: Path) -> None:
    """The fault that the example tells its reader to plant."""
    text = (EXAMPLES / "test_my_strategy.py").read_text(encoding="utf-8")
    forgets = text.replace("return None if self.open() else replace(", "return replace(")
    assert forgets != text
    # That it is found is the point: to make the story short may take a minute.
    forgets = forgets.replace(
        ".stateful import invariant", " import Phase, settings\nfrom hypothesis.stateful import invariant"
    )
    first = "phases=[Phase.generate], report_multiple_bugs=False"
    forgets += f"\nTestMyStrategy.settings = settings(TestMyStrategy.settings, {first})\n"
    (tmp_path / "test_forgets.py").write_text(forgets, encoding="utf-8")

    told = pytest_of(tmp_path / "test_forgets.py", tmp_path)

    assert told.returncode == 1
    assert "AssertionError: one order at a time" in told.stdout


@pytest.mark.no_cover
@pytest.mark.slow
def test_the_broker_conforms(tmp_path: Path) -> None:
    told = pytest_of(EXAMPLES / "test_json_broker.py", tmp_path)

    assert told.returncode == 0, told.stdout
    assert told.stdout.splitlines()[-1].startswith("1 passed")


@pytest.mark.no_cover
@pytest.mark.slow
def test_a_broker_that_drops_a_field_is_caught(tmp_path: Path) -> None:
    """One of the faults that the example tells its reader to plant."""
    text = (EXAMPLES / "test_json_broker.py").read_text(encoding="utf-8")
    drops = text.replace("from fsm_ems.clock", "import examples.json_broker\n\nfrom fsm_ems.clock")
    drops += '\n\ndel examples.json_broker.FIELDS["fee"]\n'
    (tmp_path / "test_drops.py").write_text(drops, encoding="utf-8")

    told = pytest_of(tmp_path / "test_drops.py", tmp_path)

    assert told.returncode == 1
    assert "Nonconformance: faults: nothing was wrong, and it raised InvalidReport" in told.stdout
