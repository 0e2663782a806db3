"""``fsm-ems diagram``."""

from pathlib import Path

import pytest

from tests.cli.conftest import Run

DIAGRAMS = Path(__file__).parents[2] / "diagrams"


@pytest.mark.parametrize("machine", ["order", "link"])
@pytest.mark.parametrize(
    ("form", "suffix"), [("mermaid", "mmd"), ("dot", "dot"), ("svg", "svg"), ("markdown", "md")]
)
def test_it_prints_what_is_committed(run: Run, machine: str, form: str, suffix: str) -> None:
    told = run("diagram", "--machine", machine, "--format", form)

    assert told.exit_code == 0
    assert told.stdout == (DIAGRAMS / f"{machine}.{suffix}").read_text(encoding="utf-8")


def test_it_is_the_order_machine_in_mermaid_unless_told_otherwise(run: Run) -> None:
    assert run("diagram").stdout == run("diagram", "--machine", "order", "--format", "mermaid").stdout


def test_a_state_can_be_marked(run: Run) -> None:
    assert run("diagram", "--state", "open").stdout != run("diagram").stdout
    assert run("diagram", "--format", "markdown", "--state", "open").stdout.startswith(
        "# `open` in the order"
    )


def test_a_state_the_machine_does_not_have_is_told(run: Run) -> None:
    told = run("diagram", "--machine", "link", "--state", "open")

    assert (told.exit_code, told.stdout) == (2, "")
    assert told.stderr == (
        "Error: the link machine has no state 'open'; it has down, connecting, syncing, up, closed\n"
    )
