"""The group of commands: help, version, and what becomes of errors, interrupts and closed pipes."""

import os
import signal
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from fsm_ems.cli import main
from fsm_ems.cli.faults import told_plainly
from fsm_ems.errors import (
    EMSBug,
    EMSError,
    InvalidMessage,
    LogDamaged,
    LogFault,
    LogHalted,
    OrderFileError,
    Refused,
    TapeFileError,
)
from tests.cli.conftest import Run, program

COMMANDS = ["demo", "replay", "why", "positions", "journal", "diagram", "brokers"]


def test_help_lists_the_commands_and_the_exit_codes(run: Run) -> None:
    told = run("--help")

    assert told.exit_code == 0
    assert [
        line.split()[0] for line in told.stdout.split("Commands:\n")[1].splitlines()[: len(COMMANDS)]
    ] == [*COMMANDS]
    assert "  2    wrong usage, or a wrong input file\n" in told.stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_a_help_text(run: Run, command: str) -> None:
    short, long = run(command, "-h"), run(command, "--help")

    assert (short.exit_code, short.stdout) == (0, long.stdout)
    assert long.stdout.startswith(f"Usage: main {command} ")


def test_the_version_is_the_packages(run: Run) -> None:
    assert run("--version").stdout == f"fsm-ems, version {version('fsm_ems')}\n"


def test_an_unknown_command_is_a_usage_error(run: Run) -> None:
    told = run("trade")

    assert told.exit_code == 2
    assert "No such command 'trade'." in told.stderr
    assert "Did you mean" not in told.stderr


def test_a_misspelt_command_is_told_with_the_one_that_was_meant(run: Run) -> None:
    for words, meant in ((["replya"], "replay"), (["journal", "verfy"], "verify")):
        told = run(*words)
        assert told.exit_code == 2
        assert f"No such command {words[-1]!r}. Did you mean {meant!r}?" in told.stderr


def failing(error: BaseException) -> click.Command:
    @click.command()
    @click.pass_context
    def fail(ctx: click.Context) -> None:
        with told_plainly(ctx):
            raise error

    return fail


@pytest.mark.parametrize(
    ("error", "exit_code", "told"),
    [
        (OrderFileError("a.toml", "is wrong"), 2, "Error: a.toml: is wrong"),
        (TapeFileError("a.csv, line 2", "is wrong"), 2, "Error: a.csv, line 2: is wrong"),
        (InvalidMessage(("one", "two")), 2, "Error: one; two"),
        (LogDamaged("records", 3, "torn"), 2, "Error: records, line 3: torn"),
        (LogFault("records cannot be read"), 2, "Error: records cannot be read"),
        (LogHalted("the disk is full"), 1, "Error: the disk is full"),
        (OSError(28, "No space left on device"), 1, "Error: No space left on device"),
        (PermissionError(13, "Permission denied", "tape"), 1, "Error: tape: Permission denied"),
        (ExceptionGroup("of a nursery", [OSError("odd")]), 1, "Error: odd"),
        (Refused("conflict", "used before"), 1, "Error: conflict: used before"),
        (EMSBug("broken"), 1, "Error: broken (a fault of fsm_ems: please report it)"),
        (ExceptionGroup("of a nursery", [LogHalted("full")]), 1, "Error: full"),
        (
            BaseExceptionGroup("outer", [BaseExceptionGroup("inner", [KeyboardInterrupt()]), EMSError("x")]),
            130,
            "interrupted",
        ),
        (KeyboardInterrupt(), 130, "interrupted"),
    ],
)
def test_an_error_is_one_line_and_an_exit_code(error: BaseException, exit_code: int, told: str) -> None:
    result = CliRunner().invoke(failing(error))

    assert (result.exit_code, result.stdout, result.stderr) == (exit_code, "", f"{told}\n")


def test_a_reader_that_went_away_is_told_by_the_exit_code_alone() -> None:
    lost = BaseExceptionGroup("of a nursery", [BrokenPipeError(32, "Broken pipe")])

    result = CliRunner().invoke(failing(lost))

    assert (result.exit_code, result.stdout, result.stderr) == (141, "", "")


@pytest.mark.parametrize(
    "error", [ExceptionGroup("mixed", [EMSError("x"), ValueError("y")]), ValueError("y")]
)
def test_what_is_not_ours_is_not_hidden(error: Exception) -> None:
    assert CliRunner().invoke(failing(error)).exception is error


@pytest.mark.slow
def test_an_interrupt_ends_a_run_without_a_traceback() -> None:
    with program("demo", stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()  # it runs
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=20)

    assert (process.returncode, err) == (130, b"interrupted\n")


def test_the_program_is_installed_under_its_name() -> None:
    bin_directory = Path(os.environ.get("VIRTUAL_ENV", ".venv")) / "bin"
    found = [path for path in (bin_directory / "fsm-ems", Path(".venv/bin/fsm-ems")) if path.exists()]

    told = subprocess.run([found[0], "--version"], capture_output=True, text=True, check=True)

    assert told.stdout.startswith("fsm-ems, version ")
    assert main.name == "main"


def test_python_runs_the_package_as_the_program() -> None:
    told = subprocess.run(
        [sys.executable, "-m", "fsm_ems", "diagram", "--help"], capture_output=True, text=True, check=True
    )

    assert told.stdout.startswith("Usage: fsm-ems diagram ")
