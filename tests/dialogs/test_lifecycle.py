"""Lives of orders as text tables, in ``lifecycle/``; their language is in ``script.py``."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.dialogs.script import Script

TABLES = sorted((Path(__file__).parent / "lifecycle").glob("*.txt"))


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.stem)
def test_a_life_goes_as_its_table_says(table: Path) -> None:
    Script().play(table.read_text(encoding="utf-8"))


def test_the_tables_are_there() -> None:
    assert len(TABLES) >= 15
