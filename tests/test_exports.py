"""The public names: listed, importable, seen by a type checker; and every file can be imported."""

import ast
import importlib
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCES = ROOT / "fsm_ems"
fsm_ems = importlib.import_module("fsm_ems")  # not by statement: what it holds is what is asked here
INIT = ast.parse((SOURCES / "__init__.py").read_text(encoding="utf-8"))


MODULES = sorted(
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    for path in SOURCES.rglob("*.py")
)


def public() -> list[str]:
    return list(fsm_ems.__all__)


def fresh(program: str) -> str:
    """What *program* prints in a new interpreter, where nothing of ours is loaded yet."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("COV")}
    told = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env=environ, capture_output=True, text=True, check=False
    )
    assert told.returncode == 0, told.stderr
    return told.stdout.strip()


@pytest.mark.parametrize("module", MODULES)
def test_every_file_can_be_imported_and_keeps_its_own_list(module: str) -> None:
    loaded = importlib.import_module(module)

    listed = getattr(loaded, "__all__", [])
    assert [name for name in listed if not hasattr(loaded, name)] == []
    assert len(set(listed)) == len(listed)


def test_the_package_says_that_it_is_typed() -> None:
    assert (SOURCES / "py.typed").is_file()


def test_the_shells_are_loaded_when_asked_for_and_not_before() -> None:
    """Each alone and first, in an interpreter that has not met the others."""
    early = fresh("import fsm_ems; print(*vars(fsm_ems))").split()

    for name in set(public()) - set(early):
        told = fresh(f"import sys, fsm_ems; before = 'trio' in sys.modules; fsm_ems.{name}; print(before)")
        assert (name, told) == (name, "False")


def test_a_star_import_gives_exactly_the_public_names() -> None:
    names = "sorted(name for name in space if name != '__builtins__')"

    told = fresh(f"space = {{}}; exec('from fsm_ems import *', space); print({names})")

    assert told == str(sorted(public()))


def test_the_list_matches_what_is_imported() -> None:
    """What is imported at load and without an underscore is public; what is listed is importable."""
    at_load = {
        alias.asname or alias.name
        for node in INIT.body
        if isinstance(node, ast.ImportFrom) and node.module != "__future__"
        for alias in node.names
    }
    borrowed = {"TYPE_CHECKING", "import_module", "Any"}  # tools of the file itself

    assert {name for name in at_load if not name.startswith("_")} - borrowed - set(public()) == set()
    assert set(public()) - set(dir(fsm_ems)) == set()
    assert [name for name in public() if name.startswith("_") and name != "__version__"] == []


def test_the_errors_that_the_documents_name_are_public() -> None:
    """Whoever reads of one is to catch it; where it comes from is shown for the others."""
    errors = importlib.import_module("fsm_ems.errors")
    texts = [(ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "docs/runbook.md")]
    named = {name for text in texts for name in re.findall(r"`([A-Z]\w+)`", text)} & set(vars(errors))

    assert {"ClientFault", "LogHalted", "LogInUse", "LogDamaged", "LogUnsafe"} <= named
    assert (named | {"BrokerFault", "LogFault"}) - set(public()) == set()


def test_a_name_we_do_not_have_is_an_attribute_error() -> None:
    missing = "no_such_name"

    with pytest.raises(AttributeError, match=missing):
        getattr(fsm_ems, missing)


@pytest.mark.slow
def test_a_type_checker_sees_every_public_name(tmp_path: Path) -> None:
    """A lazily loaded name needs an import under TYPE_CHECKING; without it, it is Any and says nothing."""
    asking = tmp_path / "asking.py"
    asking.write_text(
        "".join(f"from fsm_ems import {name} as {name}\nreveal_type({name})\n" for name in public())
    )

    told = subprocess.run(
        [sys.executable, "-m", "mypy", "--config-file", str(ROOT / "pyproject.toml"), str(asking)],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert "Success" in told.stdout, told.stdout + told.stderr
    assert told.stdout.count("Revealed type is") == len(public())
    assert re.findall(r'.*Revealed type is "Any".*', told.stdout) == []
