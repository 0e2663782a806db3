"""Outputs that take no more: closed pipes, full disks, none at all. Each command is a program of its own."""

import errno
import os
import signal
import subprocess
from pathlib import Path

import pytest

from tests.cli.conftest import HERE, Run, program

FULL = Path("/dev/full")
REPLAY = ("replay", HERE / "tape.csv", "--orders", "orders")
Arguments = tuple[str | Path, ...]
PRINTING: list[Arguments] = [
    ("--help",),
    ("--version",),
    ("why", "--help"),
    ("diagram", "--format", "svg"),
    REPLAY,
    (*REPLAY, "--json"),
    ("why", "maker", "kept"),
    ("why", "maker", "kept", "--mermaid"),
]


def named(arguments: Arguments) -> str:
    return " ".join(map(str, arguments[::2]))


@pytest.fixture
def kept(run: Run, tmp_path: Path) -> Path:
    """The records of a run, which take the place of ``kept``; its orders, all in time, that of ``orders``."""
    orders = (HERE / "orders.toml").read_text()
    (tmp_path / "orders").write_text(orders[: orders.rindex("[[cancel]]")])
    made = tmp_path / "kept"
    assert run(*words(REPLAY, made), "--out", made).exit_code == 0
    return made


def words(arguments: Arguments, kept: Path) -> Arguments:
    return tuple(kept.parent / word if word in ("kept", "orders") else word for word in arguments)


def unread(*arguments: str | Path, lines: int = 0) -> tuple[int, bytes]:
    """Exit code and errors of a run whose reader leaves after so many *lines*."""
    with program(*arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        for _ in range(lines):
            running.stdout.readline()
        running.stdout.close()
        err = running.stderr.read()
    return running.returncode, err


@pytest.mark.parametrize("arguments", PRINTING, ids=named)
def test_a_reader_that_goes_away_is_no_error_to_talk_about(arguments: Arguments, kept: Path) -> None:
    assert unread(*words(arguments, kept)) == (141, b"")


def test_a_reader_may_go_away_in_the_middle(tmp_path: Path) -> None:
    """As in ``fsm-ems replay … --json | head -1``; enough is written to fill the pipe."""
    tape = tmp_path / "tape.csv"
    rows = (HERE / "tape.csv").read_text().splitlines()
    later = (f"{time},quote,1.00,1,9.00,1,,,," for time in range(10**10, 10**10 + 3))
    tape.write_text("\n".join([*rows, *later]))
    orders = tmp_path / "orders.toml"
    orders.write_text(
        "".join(
            f'[[order]]\nat = {time}\noid = "o{time}"\nside = "buy"\nsize = "0.1"\nprice = "99.95"\n'
            for time in range(10**9, 10**9 + 500)
        )
    )

    assert unread("replay", tape, "--orders", orders, "--json", lines=1) == (141, b"")


@pytest.mark.slow
def test_the_demo_ends_when_nobody_looks_on() -> None:
    """As in ``fsm-ems demo | head -3``."""
    assert unread("demo", lines=3) == (141, b"")


@pytest.mark.skipif(not FULL.exists(), reason=f"only Linux has {FULL}, a disk that is always full")
@pytest.mark.parametrize("arguments", [*PRINTING, ("demo",)], ids=named)
def test_a_full_disk_is_told_in_one_line(arguments: Arguments, kept: Path) -> None:
    with (
        FULL.open("wb") as full,
        program(*words(arguments, kept), stdout=full, stderr=subprocess.PIPE) as running,
    ):
        _, err = running.communicate(timeout=30)

    assert (running.returncode, err) == (1, f"Error: {os.strerror(errno.ENOSPC)}\n".encode())


@pytest.mark.parametrize("arguments", [*PRINTING, ("demo",)], ids=named)
def test_without_an_output_nothing_is_begun(arguments: Arguments, kept: Path) -> None:
    """As in ``fsm-ems demo >&-``."""
    with program(*words(arguments, kept), stderr=subprocess.PIPE, preexec_fn=lambda: os.close(1)) as running:
        _, err = running.communicate(timeout=30)

    assert (running.returncode, err) == (1, b"Error: standard output is closed\n")


def test_an_interrupt_ends_a_replay_without_a_traceback(tmp_path: Path) -> None:
    """It waits for its tape, as from a pipe, when it is interrupted."""
    tape = tmp_path / "tape.csv"
    os.mkfifo(tape)
    with (
        program(
            "replay", tape, "--orders", HERE / "orders.toml", stdout=subprocess.PIPE, stderr=subprocess.PIPE
        ) as running,
        tape.open("wb") as writing,
    ):  # it has opened it
        writing.write((HERE / "tape.csv").read_bytes()[:200])
        writing.flush()
        running.send_signal(signal.SIGINT)
        out, err = running.communicate(timeout=30)

    assert (running.returncode, out, err) == (130, b"", b"interrupted\n")
