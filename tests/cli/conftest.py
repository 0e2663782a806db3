"""What the tests of the command line share: running it here, and running it as a program of its own."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from fsm_ems.cli import main

HERE = Path(__file__).parent
# What a shell runs in the background, as in `make test &`, is deaf to interrupts, and so are its children.
HEARS = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
PROGRAM = (sys.executable, "-c", f"{HEARS}; from fsm_ems.cli import main; main(prog_name='fsm-ems')")

Run = Callable[..., Result]


@pytest.fixture
def run() -> Run:
    """Runs ``fsm-ems`` in this process, 120 columns wide."""

    def invoke(*arguments: str | Path, **env: str) -> Result:
        environ = {"COLUMNS": "120", "TERM": "xterm-256color", **env}
        return CliRunner().invoke(main, [str(argument) for argument in arguments], env=environ)

    return invoke


def program(*arguments: str | Path, **options: object) -> "subprocess.Popen[bytes]":
    """``fsm-ems`` as a process of its own, whose output waits in a buffer as it does for users.

    Where PYTHONUNBUFFERED is set for the tests, each line would be written, and fail, by itself.
    """
    environ = os.environ | {"COLUMNS": "120", "TERM": "xterm-256color", "PYTHONUNBUFFERED": ""}
    command = [*PROGRAM, *map(str, arguments)]
    return subprocess.Popen(command, env=environ, **options)  # type: ignore[call-overload, no-any-return]  # passed on
