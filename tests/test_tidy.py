"""The house rules a linter does not know: sizes, words, unfinished work, floats, silenced checks.

Each rule is a function from a directory to the faults in it. It is tried on a planted fault first, and
then on the real files. This file spells some of what it bans, so those words are put together here.
"""

import ast
import io
import re
import subprocess
import sys
import tokenize
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCES = ROOT / "fsm_ems"
EVERY_PART = tuple(
    ROOT / part for part in ("fsm_ems", "tests", "examples", "benchmarks") if (ROOT / part).is_dir()
)

FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 60  # aim at 50

# Words that say nothing: name what the thing is, or what it does to what.
EMPTY_WORDS = frozenset({"manager", "handler", "process", "data", "utils"})

# Written backwards, since this file is searched too.
TO_DO, FIX_ME, CUT, FOR_NOW = (word[::-1] for word in ("ODOT", "EMXIF", "KCAH", "won rof"))
UNFINISHED = re.compile(rf"\b(?:{TO_DO}|{FIX_ME}|X{{3}}|{CUT})\b|\b(?i:{FOR_NOW})\b")

# Sizes, prices and money are Decimal. A file may call float() for the reason beside it.
FLOATS: dict[str, str] = {}

type_or_pyright = r"(?:type|pyright):\s*ignore\[[\w\-, ]+\]"
SILENCER = re.compile(r"#\s*(?:noqa|type:\s*ignore|pyright:\s*\w+|pragma:\s*no)\b")
NAMED_SILENCER = re.compile(
    rf"#\s*(?:noqa:\s*[A-Z]+\d+(?:[,\s]+[A-Z]+\d+)*|{type_or_pyright}|pragma:\s*no (?:cover|branch))"
)

Rule = Callable[[Path], list[str]]


def files(root: Path) -> Iterator[tuple[str, str]]:
    for path in sorted(root.rglob("*.py")):
        yield path.relative_to(root).as_posix(), path.read_text(encoding="utf-8")


def nodes(root: Path) -> Iterator[tuple[str, ast.AST]]:
    for file, text in files(root):
        for node in ast.walk(ast.parse(text, file)):
            yield file, node


def words(name: str) -> set[str]:
    """The words of a snake_case or CamelCase name: `subprocess` is one, `OrderProcess` two."""
    return {word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)}


def long_files(root: Path) -> list[str]:
    return [
        f"{file} has {lines} lines, {FILE_LINES_MAX} are allowed: part it"
        for file, text in files(root)
        if (lines := len(text.splitlines())) > FILE_LINES_MAX
    ]


def long_functions(root: Path) -> list[str]:
    return [
        f"{file}:{node.lineno}: {node.name} has {lines} lines, {FUNCTION_LINES_MAX} are allowed"
        for file, node in nodes(root)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (lines := (node.end_lineno or node.lineno) - node.lineno + 1) > FUNCTION_LINES_MAX
    ]


def empty_names(root: Path) -> list[str]:
    modules = [(file, part) for file, _ in files(root) for part in file.removesuffix(".py").split("/")]
    defined = [
        (f"{file}:{node.lineno}", node.name)
        for file, node in nodes(root)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
    ]
    return [
        f"{place}: {name} holds the empty word {', '.join(sorted(empty))}"
        for place, name in modules + defined
        if (empty := words(name) & EMPTY_WORDS)
    ]


def unfinished(root: Path) -> list[str]:
    return [
        f"{file}:{number}: {found[0]}: finish it, or write down what is not done where users read it"
        for file, text in files(root)
        for number, line in enumerate(text.splitlines(), 1)
        if (found := UNFINISHED.search(line))
    ]


def floats(root: Path) -> list[str]:
    calling = [
        (file, node.lineno)
        for file, node in nodes(root)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "float"
    ]
    stale = FLOATS.keys() - {file for file, _ in calling}
    return [f"{file}:{line}: calls float(), use Decimal" for file, line in calling if file not in FLOATS] + [
        f"{file} calls float() no more: take it out of FLOATS" for file in sorted(stale)
    ]


def unexplained(root: Path) -> list[str]:
    """A check silenced without saying which, or without saying why."""
    found: list[str] = []
    for file, text in files(root):
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type != tokenize.COMMENT or not SILENCER.search(token.string):
                continue
            rest = NAMED_SILENCER.sub("", token.string)
            if SILENCER.search(rest):
                found.append(f"{file}:{token.start[0]}: names no code: {token.string}")
            elif len(re.findall(r"[A-Za-z']{2,}", rest)) < 2:
                found.append(f"{file}:{token.start[0]}: gives no reason: {token.string}")
    return found


def commented_out(root: Path) -> list[str]:
    """Ruff's own rule, under our configuration: this proves it is switched on."""
    told = subprocess.run(
        [sys.executable, "-m", "ruff", "check", "--config", str(ROOT / "pyproject.toml"), "--no-cache",
         "--output-format", "concise", str(root)],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return [line for line in told.stdout.splitlines() if "ERA001" in line]


# Rules, each tried on a planted fault and on its innocent twin.

PLANTED: list[tuple[Rule, str, str, str]] = [
    # rule, file, what is caught, what is let through
    (long_files, "a.py", "x = 1\n" * 401, "x = 1\n" * 400),
    (long_functions, "a.py", "def f():\n" + "    x = 1\n" * 60, "def f():\n" + "    x = 1\n" * 59),
    (
        long_functions,
        "a.py",
        "class A:\n  async def f():\n" + "    x = 1\n" * 60,
        "class A:\n" + "  x = 1\n" * 99,
    ),
    (empty_names, "a.py", "class OrderManager: ...", "class Order: ..."),
    (empty_names, "a.py", "def process_fill(): ...", "def subprocess(): ..."),
    (empty_names, "a.py", "class A:\n    def get_data(self): ...", "class Database: ..."),
    (empty_names, "a.py", "async def HTTPHandler(): ...", "async def handle(): ..."),
    (empty_names, "order_utils.py", "", "utils = 1"),
    (empty_names, "data/order.py", "", "data = 1"),
    (unfinished, "a.py", f"x = 1  # {TO_DO}: more", f"x = 1  # {TO_DO.lower()}s"),
    (unfinished, "a.py", f'"""{FIX_ME}."""', f'"""PRE{FIX_ME}."""'),
    (unfinished, "a.py", f"# {CUT}", f"# {CUT}NEY"),
    (unfinished, "a.py", f"# good enough {FOR_NOW}", f"# {FOR_NOW}here"),
    (unfinished, "a.py", "X" * 3, "X" * 4),
    (floats, "a.py", "x = float('1')", "x: float = 1"),
    (unexplained, "a.py", "x = 1  # noqa", "x = 1  # noqa: S101 -- an assert is meant"),
    (unexplained, "a.py", "x = 1  # noqa: S101", "x = 1  # noqa: S101, E501 -- an assert is meant"),
    (
        unexplained,
        "a.py",
        "x = 1  # type: ignore  # is so",
        "x = 1  # type: ignore[misc]  # the stub is wrong",
    ),
    (unexplained, "a.py", "x = 1  # type: ignore[misc]", "x = '# type: ignore'"),
    (
        unexplained,
        "a.py",
        "x = 1  # pyright: ignore",
        "x = 1  # pyright: ignore[reportA]  # the stub is wrong",
    ),
    (unexplained, "a.py", "x = 1  # type: ignore[misc] # noqa: S1", "# a noqa is explained"),
    (unexplained, "a.py", "# pyright: basic", "# pyright is strict"),
    (unexplained, "a.py", "x = 1  # pragma: no cover", "x = 1  # pragma: no cover -- only on Windows"),
    (commented_out, "a.py", "# x = f(1)\n", "# what f gives\n"),
]


@pytest.mark.parametrize(("rule", "file", "caught", "let_through"), PLANTED)
def test_the_rule_catches_its_fault_and_no_other(
    tmp_path: Path, rule: Rule, file: str, caught: str, let_through: str
) -> None:
    guilty, innocent = tmp_path / "guilty" / file, tmp_path / "innocent" / "a.py"
    guilty.parent.mkdir(parents=True)
    innocent.parent.mkdir(parents=True)
    guilty.write_text(caught, encoding="utf-8")
    innocent.write_text(let_through, encoding="utf-8")

    assert [
        fault
        for fault in rule(tmp_path / "guilty")
        if fault.removeprefix(f"{tmp_path}/guilty/").startswith(file)
    ]
    assert rule(tmp_path / "innocent") == []


def test_a_stale_float_exemption_is_caught(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(FLOATS, "a.py", "a chart needs floats")
    (tmp_path / "a.py").write_text("x = float('1')")
    assert floats(tmp_path) == []

    (tmp_path / "a.py").write_text("x = 1")

    assert floats(tmp_path) == ["a.py calls float() no more: take it out of FLOATS"]


# The real files.


@pytest.mark.no_cover
@pytest.mark.parametrize("rule", [long_files, long_functions, empty_names, floats])
def test_the_sources_are_tidy(rule: Rule) -> None:
    assert sum(1 for _ in files(SOURCES)) > 0, "reads the wrong directory"

    assert rule(SOURCES) == []


@pytest.mark.no_cover
@pytest.mark.parametrize("rule", [unfinished, unexplained])
@pytest.mark.parametrize("part", EVERY_PART, ids=lambda part: part.name)
def test_every_part_is_tidy(rule: Rule, part: Path) -> None:
    assert rule(part) == []


def test_every_exemption_in_pyproject_gives_its_reason() -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    exemptions = re.findall(r'^ +"[A-Z]+\d+".*$', text, re.MULTILINE)

    assert len(exemptions) > 20
    assert [line for line in exemptions if not re.search(r'", +# \w', line)] == []


def test_every_line_left_out_of_coverage_is_there_and_has_its_reason() -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    told = text.partition("exclude_also = [\n")[2].partition("\n]")[0].splitlines()
    patterns = tomllib.loads(text)["tool"]["coverage"]["report"]["exclude_also"]
    sources = "\n".join(source for _, source in files(SOURCES))

    assert len(told) == len(patterns) > 0
    assert [line for line in told if not re.search(r'", # \w+ \w+', line)] == []
    assert [pattern for pattern in patterns if not re.search(pattern, sources, re.MULTILINE)] == []


@pytest.mark.parametrize("lock", ["runtime.txt", "dev.txt"])
def test_a_lock_pins_and_hashes_everything_and_names_no_place(lock: str) -> None:
    text = (ROOT / "requirements" / lock).read_text(encoding="utf-8")
    pins = re.split(r"^(?=\w)", text, flags=re.MULTILINE)[1:]

    assert len(pins) > 10
    assert [pin for pin in pins if not re.match(r"[\w.-]+(\[\w+\])?==\S+ \\\n +--hash=sha256:", pin)] == []
    assert re.search(r"://|^-|[ =]/", text, re.MULTILINE) is None
