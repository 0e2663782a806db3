"""The import levels, held by reading every import of every file.

A file imports from lower levels, or from files of its own level in its own directory or in one that
holds it; never in a circle. Levels 0 to 3 are pure: ids, time and messages are passed in, effects are
given back. The rules are functions over a tree, so that the tests below can plant a fault in a small
tree and see it caught, and then find none in the real one.
"""

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = "fsm_ems"
SOURCES = Path(__file__).parents[1] / PACKAGE

# A file, as a glob, and its level. The first match speaks, so an exception stands above its directory.
# An __init__.py of nothing but a docstring needs no level.
LEVELS: tuple[tuple[str, int], ...] = (
    ("errors.py", 0),
    ("market.py", 1),
    ("value.py", 1),
    ("quotes.py", 1),
    ("sequence.py", 1),
    ("numbers.py", 1),
    ("usual.py", 1),
    ("message_fields.py", 1),
    ("brokerd.py", 1),  # the broker's half of the messages
    ("told.py", 1),  # the client's half, outward
    ("messages.py", 1),
    ("machines/draw.py", 8),  # the program that writes diagrams/
    ("machines/*", 1),
    ("dialogs/accounts*.py", 2),
    ("dialogs/asking*.py", 2),
    ("dialogs/exposure*.py", 2),
    ("dialogs/facts*.py", 2),
    ("dialogs/record*.py", 2),
    ("dialogs/ids*.py", 2),
    ("dialogs/naming*.py", 2),
    ("dialogs/prices.py", 2),
    ("dialogs/outward*.py", 2),
    ("dialogs/recall*.py", 2),
    ("dialogs/sends*.py", 2),
    ("dialogs/snapshot*.py", 2),
    ("dialogs/telling.py", 2),
    ("dialogs/settings*.py", 2),
    ("dialogs/fold*.py", 2),
    ("dialogs/apply*.py", 2),
    ("dialogs/book*.py", 2),
    ("dialogs/darkbook*.py", 2),
    ("dialogs/decide*.py", 3),
    ("dialogs/dispatcher*.py", 3),
    ("accounting/*_file.py", 4),  # the TOML files, and how they are replaced
    ("accounting/*", 1),  # below dialogs/, whose apply moves the positions
    ("brokers/base.py", 3),
    ("brokers/calls.py", 3),
    ("brokers/find.py", 5),
    ("brokers/*/backend*.py", 5),
    ("brokers/kraken/rest*.py", 5),
    ("brokers/kraken/stream*.py", 5),
    ("brokers/paper/engine*.py", 3),
    ("brokers/paper/market*.py", 3),
    ("brokers/paper/tape_file.py", 5),
    ("brokers/paper/tape*.py", 3),
    ("brokers/paper/synthetic*.py", 3),
    ("brokers/kraken/wire*.py", 3),
    ("brokers/kraken/codec*.py", 3),
    ("brokers/kraken/book*.py", 3),
    ("journal/snapshots.py", 5),  # files put in place as those of the accounts are
    ("journal/archiving.py", 5),  # so are these
    ("journal/keeping.py", 5),
    ("journal/*", 4),
    ("clock.py", 4),
    ("operator_log.py", 4),
    ("folders.py", 4),
    ("account_books.py", 5),
    ("edge.py", 5),
    ("orders_file.py", 4),
    ("replay.py", 5),
    ("tally.py", 6),
    ("report/*", 6),
    ("service.py", 6),
    ("opening.py", 6),
    ("promises.py", 6),
    ("market_keeping.py", 6),
    ("outbox.py", 6),
    ("audience.py", 6),
    ("account_keeping.py", 6),
    ("snapshot_keeping.py", 6),
    ("why.py", 6),
    ("service/*", 6),
    ("server.py", 6),
    ("server/*", 6),
    ("client.py", 6),
    ("client/*", 6),
    ("testing/*", 7),
    ("__main__.py", 9),  # it runs the command line
    ("cli/*", 8),
)

PURE = 3  # the highest level without I/O, clock or chance
IMPURE = frozenset({
    "anyio", "apsw", "asyncio", "concurrent", "datetime", "fcntl", "httpx", "importlib", "io", "logging",
    "multiprocessing", "os", "pathlib", "queue", "random", "secrets", "select", "selectors", "shutil",
    "signal", "socket", "sqlite3", "ssl", "structlog", "subprocess", "tempfile", "threading", "time",
    "tomlkit", "tomllib", "trio", "urllib", "uuid", "websockets",
})  # fmt: skip
IMPURE_CALLS = frozenset({"open", "input", "print", "__import__", "exec", "eval"})

# Libraries that belong to few files, as globs. numbers.py holds the decimals that messages are made of.
EDGES = (
    "messages.py",
    "told.py",
    "message_fields.py",
    "brokerd.py",
    "numbers.py",
    "usual.py",
    "brokers/*/wire*.py",
)
ONLY_IN_IF_PURE: dict[str, tuple[str, ...]] = {"pydantic": EDGES, "pydantic_core": EDGES}
ONLY_IN: dict[str, tuple[str, ...]] = {"transitions": ("machines/compile.py",)}

# A second mind works out by itself what the core does: it may read neither the table nor a decision.
SECOND_MIND = ("testing/audit*.py", "testing/breach.py", "testing/simulate_book.py")
FIRST_MIND = (
    "machines/*", "dialogs/naming*.py", "dialogs/decide*.py", "dialogs/apply*.py", "dialogs/fold*.py",
    "dialogs/dispatcher.py", "dialogs/darkbook.py", "dialogs/prices.py", "dialogs/sends.py",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Import:
    module: str  # "trio.lowlevel", or within the package "fsm_ems.machines.table"
    line: int
    at_load: bool  # executed when the file is loaded: in no function, and not for type checkers alone


class Tree:
    """The Python files of one package and what each of them imports."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.parsed = {
            path.relative_to(root).as_posix(): ast.parse(path.read_text(encoding="utf-8"), str(path))
            for path in sorted(root.rglob("*.py"))
        }
        self.files = {self._module(file): file for file in self.parsed}
        self.imports = {file: list(self._imports(file)) for file in self.parsed}

    @staticmethod
    def _module(file: str) -> str:
        parts = [PACKAGE, *file.removesuffix(".py").split("/")]
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

    def _imports(self, file: str) -> Iterator[Import]:
        lazy = {
            id(inner)
            for outer in ast.walk(self.parsed[file])
            if isinstance(outer, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            or (isinstance(outer, ast.If) and ast.unparse(outer.test) == "TYPE_CHECKING" and not outer.orelse)
            for inner in ast.walk(outer)
        }
        for node in ast.walk(self.parsed[file]):
            at_load = id(node) not in lazy
            if isinstance(node, ast.Import):
                for alias in node.names:
                    yield Import(alias.name, node.lineno, at_load)
            elif isinstance(node, ast.ImportFrom):
                base = self._base(file, node)
                for alias in node.names:
                    # `from fsm_ems.machines import table` means the file, not the package's __init__.
                    inner = f"{base}.{alias.name}"
                    yield Import(inner if inner in self.files else base, node.lineno, at_load)

    @staticmethod
    def _base(file: str, node: ast.ImportFrom) -> str:
        if node.level == 0:
            return node.module or ""
        package = [PACKAGE, *file.split("/")[:-1]]
        above = package[: len(package) - node.level + 1]
        return ".".join([*above, *([node.module] if node.module else [])])

    def target(self, imported: Import) -> str | None:
        """The file behind an import, if it is one of ours."""
        return self.files.get(imported.module)

    def is_bare(self, file: str) -> bool:
        """An __init__ of nothing but a docstring: it has no level, and is nobody's target."""
        body = self.parsed[file].body
        return file.endswith("__init__.py") and all(
            isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) for node in body
        )


def matches(file: str, globs: tuple[str, ...]) -> bool:
    return any(fnmatchcase(file, glob) for glob in globs)


def level_of(file: str) -> int | None:
    return next((level for glob, level in LEVELS if fnmatchcase(file, glob)), None)


def unlisted(tree: Tree) -> list[str]:
    return [
        f"{file} has no level: give it a row in LEVELS (tests/test_architecture.py), the lowest it can have"
        for file in tree.parsed
        if file != "__init__.py" and not tree.is_bare(file) and level_of(file) is None
    ]


def upward(tree: Tree) -> list[str]:
    """Imports from a higher level, or across directories within one."""
    found: list[str] = []
    for file, imports in tree.imports.items():
        level = level_of(file)
        if level is None:
            continue  # unlisted(), or the public names, which have a rule of their own
        for imported in imports:
            target = tree.target(imported)
            if target is None:
                if imported.module.split(".")[0] == PACKAGE:
                    found.append(f"{file}:{imported.line}: {imported.module} is no file of ours")
                continue
            if target == "__init__.py":
                found.append(f"{file}:{imported.line}: imports the public names; name the file instead")
                continue
            theirs = level_of(target)
            home = target.rpartition("/")[0]
            near = home == "" or f"{file.rpartition('/')[0]}/".startswith(f"{home}/")
            if theirs is not None and (theirs > level or (theirs == level and not near)):
                found.append(f"{file}:{imported.line}: level {level} imports {target} of level {theirs}")
    return found


def heavy_packages(tree: Tree) -> list[str]:
    """To import a file is to run the __init__ of every directory above it, whatever that loads."""
    return [
        f"{init}: level {level} is run by whoever imports {file} of level {theirs}"
        for init in tree.parsed
        if init != "__init__.py" and init.endswith("__init__.py") and (level := level_of(init)) is not None
        for file in tree.parsed
        if file.startswith(init.removesuffix("__init__.py"))
        and (theirs := level_of(file)) is not None
        and theirs < level
        and not tree.is_bare(init)
    ]


def circular(tree: Tree) -> list[str]:
    graph = {
        file: {target for imported in imports if (target := tree.target(imported)) is not None}
        for file, imports in tree.imports.items()
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as found:
        return [f"imports in a circle: {' <- '.join(found.args[1])}"]
    return []


def impure(tree: Tree) -> list[str]:
    """I/O, clocks, chance and foreign libraries where they do not belong."""
    found: list[str] = []
    for file, imports in tree.imports.items():
        level = level_of(file)
        pure = level is not None and level <= PURE
        for imported in imports:
            top = imported.module.split(".")[0]
            banned = (
                (pure and top in IMPURE)
                or (pure and top in ONLY_IN_IF_PURE and not matches(file, ONLY_IN_IF_PURE[top]))
                or (top in ONLY_IN and not matches(file, ONLY_IN[top]))
            )
            if banned:
                found.append(f"{file}:{imported.line}: {top} is not for this file (level {level})")
        if pure:
            found += [
                f"{file}:{node.lineno}: calls {node.func.id}(), and level {level} is pure"
                for node in ast.walk(tree.parsed[file])
                if isinstance(node, ast.Call)
                and isinstance(node.func, ast.Name)
                and node.func.id in IMPURE_CALLS
            ]
    return found


def impure_public_names(tree: Tree) -> list[str]:
    """Whatever file of ours is imported, fsm_ems/__init__.py runs: what it loads must be pure."""
    found: list[str] = []
    for imported in tree.imports.get("__init__.py", []):
        if not imported.at_load:
            continue
        target = tree.target(imported)
        level = None if target is None else level_of(target)
        if imported.module.split(".")[0] in IMPURE - {"importlib"} or (level is not None and level > PURE):
            found.append(
                f"__init__.py:{imported.line}: loads {imported.module}; load it when first asked for"
            )
    return found


def copied(tree: Tree) -> list[str]:
    """An auditor that asks whom it audits finds nothing."""
    return [
        f"{file}:{imported.line}: a second mind imports {target}"
        for file, imports in tree.imports.items()
        if matches(file, SECOND_MIND)
        for imported in imports
        if (target := tree.target(imported)) is not None and matches(target, FIRST_MIND)
    ]


RULES = (unlisted, upward, heavy_packages, circular, impure, impure_public_names, copied)


def faults(root: Path) -> list[str]:
    tree = Tree(root)
    return [fault for rule in RULES for fault in rule(tree)]


# The real tree.


@pytest.mark.no_cover
def test_the_sources_keep_their_levels() -> None:
    assert (SOURCES / "errors.py").is_file(), "reads the wrong directory"

    assert faults(SOURCES) == []


def test_every_row_of_the_table_can_match() -> None:
    """A row below one that covers it misleads its reader."""
    rows = tuple(glob for glob, _ in LEVELS)
    shadowed = [row for place, row in enumerate(rows) if matches(row, rows[:place])]

    assert shadowed == []


PURE_FILES = [
    module
    for module, file in Tree(SOURCES).files.items()
    if (level := level_of(file)) is not None and level <= PURE
]
LIBRARY = f"{PACKAGE}.machines.compile"  # transitions.extensions loads asyncio, for its own async machine
SHELLS = ("apsw", "httpx", "hypothesis", "sqlite3", "tomlkit", "tomllib", "trio", "websockets")


@pytest.mark.parametrize(
    ("modules", "banned"),
    [
        ([PACKAGE], (*SHELLS, "asyncio")),
        ([module for module in PURE_FILES if module != LIBRARY], (*SHELLS, "asyncio")),
        (PURE_FILES, SHELLS),
    ],
    ids=["public names", "pure files", "pure files and the machine library"],
)
def test_loading_pure_files_loads_no_shell(modules: list[str], banned: tuple[str, ...]) -> None:
    """In a fresh interpreter, without the coverage tool, which itself loads sqlite3."""
    probe = (
        "import importlib, sys\n"
        f"for module in {modules!r}:\n"
        "    importlib.import_module(module)\n"
        f"    shells = [name for name in {banned!r} if name in sys.modules]\n"
        "    shells and sys.exit(f'{module} loads {shells}')\n"
    )
    environ = {name: value for name, value in os.environ.items() if not name.startswith("COV")}

    told = subprocess.run(
        [sys.executable, "-c", probe],
        env=environ,
        cwd=SOURCES.parent,
        capture_output=True,
        text=True,
        check=False,
    )

    assert told.stderr == ""
    assert told.returncode == 0


# Planted faults: each rule is seen to catch what it is for.

SOUND = {
    "__init__.py": "from typing import TYPE_CHECKING\nfrom fsm_ems.errors import EMSError as EMSError\n"
    "if TYPE_CHECKING:\n    from fsm_ems.service import EMS\n"
    "def __getattr__(name: str) -> object:\n    from fsm_ems import service\n    return service\n",
    "errors.py": "class EMSError(Exception): ...\n",
    "messages.py": "import pydantic\nfrom fsm_ems.errors import EMSError\n",
    "machines/__init__.py": '"""The tables."""\n',
    "machines/table.py": "from fsm_ems.errors import EMSError\nfrom collections import abc\n",
    "machines/order.py": "from fsm_ems.machines import table\nfrom .table import rows\n",
    "machines/compile.py": "from transitions import Machine\nfrom fsm_ems.machines.order import ORDER\n",
    "machines/draw.py": "from pathlib import Path\nfrom fsm_ems.machines import order\n",
    "dialogs/facts.py": "from fsm_ems import messages\n",
    "dialogs/decide.py": "from fsm_ems.dialogs.facts import Facts\n",
    "brokers/base.py": "from fsm_ems.messages import Order\n",
    "brokers/paper/engine.py": "from fsm_ems.brokers.base import Broker\n",
    "brokers/kraken/wire.py": "import pydantic\n",
    "brokers/kraken/backend.py": "import trio\nfrom fsm_ems.brokers.kraken.wire import Frame\n",
    "service.py": "import trio\nfrom fsm_ems.dialogs.decide import decide\n",
    "testing/explore.py": "import random\nfrom fsm_ems import service\nopen('seed')\n",
}


def plant(root: Path, files: dict[str, str]) -> Path:
    for file, text in files.items():
        path = root / PACKAGE / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root / PACKAGE


def test_a_sound_tree_has_no_faults(tmp_path: Path) -> None:
    assert faults(plant(tmp_path, SOUND)) == []


BANNED_IN_CORE = [
    "trio", "asyncio", "websockets", "tomlkit", "tomllib", "sqlite3", "apsw", "time", "datetime", "random",
    "secrets", "uuid", "threading", "socket", "os", "pathlib", "io", "logging", "structlog", "pydantic",
    "transitions",
]  # fmt: skip


@pytest.mark.parametrize("module", BANNED_IN_CORE)
@pytest.mark.parametrize(
    "form", ["import {0}", "from {0} import x", "import {0}.x as y", "def f():\n    import {0}"]
)
def test_an_impure_import_is_caught(tmp_path: Path, module: str, form: str) -> None:
    tree = Tree(plant(tmp_path, SOUND | {"dialogs/facts.py": form.format(module)}))

    assert [fault for fault in impure(tree) if f": {module} is not for this file" in fault]


@pytest.mark.parametrize(
    ("file", "text", "fault"),
    [
        ("dialogs/newcomer.py", "", "dialogs/newcomer.py has no level: give it a row in LEVELS"),
        ("dialogs/__init__.py", "import re", "dialogs/__init__.py has no level"),
        ("errors.py", "from fsm_ems import messages", "errors.py:1: level 0 imports messages.py of level 1"),
        ("machines/table.py", "import fsm_ems.dialogs.facts", "level 1 imports dialogs/facts.py of level 2"),
        ("dialogs/facts.py", "from .decide import decide", "level 2 imports dialogs/decide.py of level 3"),
        ("dialogs/facts.py", "from . import decide", "level 2 imports dialogs/decide.py of level 3"),
        ("dialogs/facts.py", "from ..dialogs import decide", "level 2 imports dialogs/decide.py of level 3"),
        (
            "dialogs/facts.py",
            "def f():\n    from fsm_ems import service",
            "facts.py:2: level 2 imports service.py",
        ),
        ("brokers/kraken/wire.py", "from .backend import x", "level 3 imports brokers/kraken/backend.py"),
        ("brokers/kraken/codec.py", "from ..paper import engine", "level 3 imports brokers/paper/engine.py"),
        (
            "brokers/base.py",
            "from .paper import engine",
            "level 3 imports brokers/paper/engine.py of level 3",
        ),
        ("dialogs/facts.py", "from fsm_ems import EMSError", "imports the public names"),
        ("dialogs/facts.py", "from fsm_ems.ghost import x", "fsm_ems.ghost is no file of ours"),
        ("machines/table.py", "from fsm_ems.machines.order import x", "imports in a circle"),
        ("machines/order.py", "from transitions import Machine", "transitions is not for this file"),
        ("service.py", "from transitions import Machine", "transitions is not for this file"),
        ("brokers/kraken/codec.py", "import pydantic", "pydantic is not for this file"),
        ("dialogs/facts.py", "open('x')", "dialogs/facts.py:1: calls open(), and level 2 is pure"),
        (
            "testing/auditor.py",
            "from fsm_ems.machines import order",
            "a second mind imports machines/order.py",
        ),
        ("testing/audit_book.py", "def f():\n    import fsm_ems.dialogs.decide", "imports dialogs/decide.py"),
        ("__init__.py", "from fsm_ems.service import x", "__init__.py:1: loads fsm_ems.service"),
        ("__init__.py", "import trio", "__init__.py:1: loads trio"),
        ("__init__.py", "if not TYPE_CHECKING:\n    import trio", "__init__.py:2: loads trio"),
    ],
)
def test_a_planted_fault_is_caught(tmp_path: Path, file: str, text: str, fault: str) -> None:
    found = faults(plant(tmp_path, SOUND | {file: text}))

    assert [line for line in found if fault in line], found


def test_a_heavy_package_is_caught(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(globals(), "LEVELS", (("brokers/kraken/__init__.py", 5), *LEVELS))
    root = plant(tmp_path, SOUND | {"brokers/kraken/__init__.py": "from .backend import Kraken"})

    assert faults(root) == [
        "brokers/kraken/__init__.py: level 5 is run by whoever imports brokers/kraken/wire.py of level 3"
    ]
