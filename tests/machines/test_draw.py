"""Writing the diagrams: all of them, into the directory named."""

import runpy
import sys
from pathlib import Path

import pytest

from fsm_ems.machines import draw
from fsm_ems.machines.draw import main, texts


def test_all_diagrams_are_written_and_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    directory = tmp_path / "new" / "diagrams"

    code = main([str(directory)])

    assert code == 0
    assert {path.name: path.read_text(encoding="utf-8") for path in directory.iterdir()} == texts()
    assert capsys.readouterr().out.split() == [str(directory / name) for name in texts()]


@pytest.mark.parametrize("arguments", [[], ["a", "b"], ["--help"]])
def test_without_one_directory_the_usage_is_told(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    assert "usage: python -m fsm_ems.machines.draw DIR" in capsys.readouterr().err


def test_module_is_a_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["draw", str(tmp_path)])

    with pytest.raises(SystemExit) as ended:
        runpy.run_path(draw.__file__, run_name="__main__")

    assert ended.value.code == 0
    assert {path.name for path in tmp_path.iterdir()} == set(texts())


def test_texts_are_the_same_every_time() -> None:
    assert texts() == texts()
    assert set(texts()) == {f"{m}.{s}" for m in ("order", "link") for s in ("mmd", "dot", "md", "svg")}
