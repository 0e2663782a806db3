"""Brokers are found by the entry points of installed packages: here, of packages made for the test."""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import pytest
from click.testing import CliRunner

from fsm_ems.brokers.find import GROUP, Declared, broker_named, declared_brokers
from fsm_ems.brokers.paper.backend import PaperBroker
from fsm_ems.cli import main
from fsm_ems.errors import ClientFault, UnknownBroker, UnusableBroker

ROOT = Path(__file__).parents[2]
Install = Callable[[str, dict[str, str]], None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Installs a package of that name, of version 1, which declares these brokers."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def installed(package: str, brokers: dict[str, str]) -> None:
        info = tmp_path / f"{package}-1.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1\n")
        lines = [f"{name} = {where}" for name, where in brokers.items()]
        (info / "entry_points.txt").write_text("\n".join([f"[{GROUP}]", *lines]) + "\n")

    return installed


@pytest.fixture
def ours() -> dict[str, str]:
    """What our own pyproject declares."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    declared: dict[str, str] = project["entry-points"][GROUP]
    return declared


def test_the_paper_broker_is_declared_and_found(install: Install, ours: dict[str, str]) -> None:
    install("fsm_ems", ours)

    assert broker_named("paper") is PaperBroker
    assert [broker.name for broker in declared_brokers()] == ["paper"]


def test_a_broker_of_another_package_is_found_by_its_name(
    install: Install, ours: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "theirs_demo.py").write_text("class Demo:\n    name = 'demo'\n")
    install("fsm_ems", ours)
    install("theirs", {"demo": "theirs_demo:Demo"})

    assert broker_named("demo")().name == "demo"
    assert declared_brokers()[0] == Declared("demo", "theirs_demo:Demo", "theirs 1")
    sys.modules.pop("theirs_demo")


def test_brokers_are_listed_by_name_whatever_their_package(install: Install) -> None:
    install("fsm_ems", {"zeta": "a:Z"})
    install("two", {"beta": "b:B"})
    install("three", {"alpha": "c:A"})
    install("four", {"gamma": "d:G"})

    assert [broker.name for broker in declared_brokers()] == ["alpha", "beta", "gamma", "zeta"]


def test_an_unknown_name_is_told_with_the_known_ones(install: Install, ours: dict[str, str]) -> None:
    install("fsm_ems", ours | {"demo": "nowhere:Demo"})

    with pytest.raises(UnknownBroker) as told:
        broker_named("krakken")

    assert (told.value.name, told.value.known) == ("krakken", ("demo", "paper"))
    assert str(told.value) == "no broker 'krakken' is installed: known are demo, paper"


@pytest.mark.parametrize(
    ("where", "why"),
    [
        ("no_such_module_here:Demo", "cannot be loaded: No module named 'no_such_module_here'"),
        (
            "fsm_ems.brokers.base:Demo",
            "cannot be loaded: module 'fsm_ems.brokers.base' has no attribute 'Demo'",
        ),
        ("fsm_ems.brokers.find:GROUP", "cannot be called"),
    ],
)
def test_a_declaration_that_leads_nowhere_is_told_with_its_package(
    install: Install, where: str, why: str
) -> None:
    install("theirs", {"demo": where})

    with pytest.raises(UnusableBroker) as told:
        broker_named("demo")

    assert str(told.value) == f"broker 'demo': {where} of theirs 1 {why}"
    assert isinstance(told.value, ClientFault)


def test_a_name_that_two_packages_declare_is_refused(install: Install) -> None:
    install("one", {"demo": "a:Demo"})
    install("two", {"demo": "b:Demo"})

    with pytest.raises(
        UnusableBroker, match=r"several packages declare it: one 1 \(a:Demo\), two 1 \(b:Demo\)"
    ):
        broker_named("demo")


def test_the_command_line_lists_them(install: Install, ours: dict[str, str]) -> None:
    install("fsm_ems", ours | {"x": "nowhere:X"})

    assert CliRunner().invoke(main, ["brokers"]).stdout == (
        "paper  fsm_ems.brokers.paper.backend:PaperBroker  (fsm_ems 1)\nx      nowhere:X  (fsm_ems 1)\n"
    )


def test_where_nothing_is_installed_the_command_line_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import_module("fsm_ems.cli.brokers")  # before nothing can be found any more
    monkeypatch.setattr(sys, "path", [str(tmp_path)])

    assert CliRunner().invoke(main, ["brokers"]).stdout == "No broker: no installed package declares one.\n"
