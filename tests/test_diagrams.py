"""The committed diagrams are what the tables draw today."""

from pathlib import Path

import pytest

from fsm_ems.machines.draw import texts

DIAGRAMS = Path(__file__).parent.parent / "diagrams"
COMMAND = "python -m fsm_ems.machines.draw diagrams"


@pytest.mark.parametrize(("name", "text"), texts().items(), ids=texts())
def test_diagram_is_not_stale(name: str, text: str) -> None:
    path = DIAGRAMS / name

    assert path.exists(), f"diagrams/{name} is missing; write it with `{COMMAND}`"
    assert path.read_text(encoding="utf-8") == text, f"diagrams/{name} is stale; write it with `{COMMAND}`"


def test_no_diagram_is_kept_that_nothing_draws() -> None:
    assert {path.name for path in DIAGRAMS.iterdir()} == set(texts())
