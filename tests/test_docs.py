"""What the documents show is true: every block runs, every output is what comes out, every link leads on.

A document is read from top to bottom in a directory of its own:

- ``<!-- file: NAME -->`` before a block makes it that file, for what comes after it;
- ``python`` is run, on trio's clock that jumps unless it keeps a journal; a ``text`` block right after it is
  what it prints, and no other ``text`` block is shown but those of ``NOT_RUN``;
- ``console`` has commands after ``$`` and below each what it prints (nothing shown: it must succeed); a
  ``mermaid`` block right after it is what its last command prints;
- ``toml`` is an orders file.

``python tests/test_docs.py`` writes the order table into the README anew.
"""

import ast
import contextlib
import doctest
import importlib
import io
import os
import re
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Awaitable, Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import pytest
import trio
import trio.testing

from fsm_ems.machines.render import order_table_summary
from fsm_ems.orders_file import parse_orders
from tests.test_architecture import level_of

ROOT = Path(__file__).parents[1]
SOURCES = ROOT / "fsm_ems"
README = ROOT / "README.md"
ARCHITECTURE = ROOT / "ARCHITECTURE.md"
DOCUMENTS = tuple(
    sorted(
        path
        for pattern in ("*.md", "docs/**/*.md", "examples/README.md", "tests/README.md")
        for path in ROOT.glob(pattern)
    )
)
RUN = ("python", "console", "toml")
PRINTS = {"python": "text", "console": "mermaid"}
SHOWN = ("text", "csv", "mermaid", "")
NOT_RUN = {
    "clients ──▶ service": "a drawing",
    "[project.entry-points": "of another's pyproject.toml; tests/brokers/test_find.py has one",
}
"""What a ``text`` block begins with that no program prints, and why it is shown."""
WRITTEN_FOR_USERS = frozenset({"pps.toml"})
"""Files that the program writes, and the house does not hold."""
BEGIN, END = "<!-- order table: begin -->", "<!-- order table: end -->"
HELLO_LINES_MAX = 10

FENCE = re.compile(
    r"(?:^<!-- file: (?P<file>\S+) -->\n)?^```(?P<language>\w*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL
)


class Block(NamedTuple):
    """One fenced block; *prints* is the ``text`` or ``mermaid`` block right after it."""

    line: int
    language: str
    text: str
    file: str | None
    prints: str | None


def blocks(text: str) -> list[Block]:
    found = list(FENCE.finditer(text))
    after = {one.end(): other for one, other in pairwise(found)}
    return [
        Block(
            line=text.count("\n", 0, match.start("text")),
            language=match["language"],
            text=match["text"],
            file=match["file"],
            prints=other["text"]
            if (other := after.get(match.end())) is not None
            and other["language"] == PRINTS.get(match["language"])
            and not text[match.end() : other.start()].strip()
            else None,
        )
        for match in found
    ]


def named(path: Path, base: Path = ROOT) -> str:
    return path.relative_to(base).as_posix()


WITH_BLOCKS = [path for path in DOCUMENTS if any(b.language in RUN for b in blocks(path.read_text()))]


# ── running ─────────────────────────────────────────────────────────────────────────────────────────


def run_python(block: Block, where: str) -> str:
    """What the program prints; trio's clock jumps, so that nothing waits.

    Not over a thread that trio does not see: a program with a journal lives on real time.
    """
    printed = io.StringIO()
    code = compile("\n" * block.line + block.text, where, "exec")
    journal = re.search(r"open_ems\(.*\bpath=", block.text)
    run, jumping = trio.run, None if journal else trio.testing.MockClock(autojump_threshold=0)

    def bounded(
        main: Callable[..., Awaitable[object]], *given: object, clock: trio.abc.Clock | None = jumping
    ) -> object:
        return run(_in_time, main, *given, clock=clock)

    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(printed):
        patch.setattr(trio, "run", bounded)
        exec(code, {"__name__": "__main__"})  # noqa: S102 -- the documents are ours
    return printed.getvalue()


async def _in_time(main: Callable[..., Awaitable[object]], *given: object) -> object:
    with trio.fail_after(600):
        return await main(*given)


def commands(text: str) -> Iterator[tuple[str, str]]:
    """Each command with what is shown below it."""
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        command, _, shown = part.partition("\n")
        yield command, shown


def trimmed(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.splitlines()).strip("\n")


def run_command(command: str, directory: Path) -> str:
    if command.startswith("make "):  # what it does is tested elsewhere, and would start this test again
        told = subprocess.run(
            ["make", "-n", *command.split()[1:]], cwd=ROOT, capture_output=True, check=False
        )
        assert told.returncode == 0, told.stderr
        return ""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    told_text = subprocess.run(
        ["sh", "-c", command],
        cwd=directory,
        env={**os.environ, "PATH": path, "COLUMNS": "120"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert told_text.returncode == 0, told_text.stderr
    return told_text.stdout


@pytest.mark.no_cover
@pytest.mark.slow
@pytest.mark.parametrize("document", WITH_BLOCKS, ids=named)
def test_every_block_runs_and_prints_what_is_shown(
    document: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for block in blocks(document.read_text(encoding="utf-8")):
        if block.file is not None:
            (tmp_path / block.file).write_text(block.text, encoding="utf-8")
        here = f"{named(document)}, line {block.line}"
        assert block.language in (*RUN, *SHOWN), f"{here}: nobody runs {block.language}"
        if block.language == "python":
            printed = run_python(block, str(document))
            assert (here, trimmed(printed)) == (here, trimmed(block.prints or ""))
        elif block.language == "toml":
            assert parse_orders(block.text, here, "btcusdt.paper")
        elif block.language == "console":
            last = ""
            for command, shown in commands(block.text):
                told = last = run_command(command, tmp_path)
                if shown:
                    assert (command, trimmed(told)) == (command, trimmed(shown))
            assert trimmed(last) == trimmed(block.prints or last)


def test_text_is_what_a_program_prints() -> None:
    """A program that is fenced as text would never run."""
    strange = {
        f"{named(document)}, line {block.line}"
        for document in DOCUMENTS
        for before, block in pairwise([Block(0, "", "", None, None), *blocks(document.read_text())])
        if block.language in ("text", "") and before.prints != block.text
        if not block.text.startswith(tuple(NOT_RUN))
    }

    assert strange == set()


@pytest.mark.slow
def test_the_hello_world_is_short_and_runs_as_it_stands(tmp_path: Path) -> None:
    """On real time, in a process of its own. That its records are in memory is said, and not on stdout."""
    hello = next(block for block in blocks(README.read_text(encoding="utf-8")) if block.language == "python")

    told = subprocess.run(
        [sys.executable, "-c", hello.text], cwd=tmp_path, capture_output=True, text=True, check=False
    )

    assert len(hello.text.splitlines()) <= HELLO_LINES_MAX
    assert (told.returncode, told.stdout) == (0, hello.prints)
    assert "records are in memory alone" in told.stderr
    assert len(told.stderr.splitlines()) == 1


# ── docstrings ──────────────────────────────────────────────────────────────────────────────────────

MODULES = sorted(
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    for path in SOURCES.rglob("*.py")
)


def docstrings() -> Iterator[tuple[str, str]]:
    for path in sorted(SOURCES.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                text = ast.get_docstring(node)
                if text:
                    yield f"{named(path)}:{getattr(node, 'name', '')}", text


def test_examples_in_docstrings_run() -> None:
    for module in MODULES:
        assert doctest.testmod(importlib.import_module(module)).failed == 0, module


def test_orders_in_docstrings_are_read() -> None:
    found = [
        (where, textwrap.dedent(block))
        for where, text in docstrings()
        for block in re.findall(r"^\.\. code-block:: toml\n\n((?:(?: {4}.*)?\n)+)", text, re.MULTILINE)
    ]

    assert [where for where, _ in found] == ["fsm_ems/orders_file.py:"]
    assert all(parse_orders(text, where) for where, text in found)


# ── tables, links and names ─────────────────────────────────────────────────────────────────────────


def with_table(text: str) -> str:
    """The README with the order table as the code has it."""
    head, _, rest = text.partition(BEGIN)
    _, _, tail = rest.partition(END)
    return f"{head}{BEGIN}\n{order_table_summary()}\n{END}{tail}"


def test_the_order_table_is_the_codes() -> None:
    text = README.read_text(encoding="utf-8")

    assert text == with_table(text), "stale: run python tests/test_docs.py"


def test_the_levels_told_are_the_levels_held() -> None:
    """Each file that a row of ARCHITECTURE's table matches has that level, unless another row names it."""
    rows = re.findall(r"^\| (\d) \| ([^|]*) \|", ARCHITECTURE.read_text(encoding="utf-8"), re.MULTILINE)
    told: dict[str, int] = {}
    for exact in (False, True):
        for level, cell in rows:
            for glob in re.findall(r"`([^`]+)`", cell):
                if ("*" not in glob) is exact:
                    told |= {named(path, SOURCES): int(level) for path in SOURCES.glob(glob)}

    held = {file: level_of(file) for file in told if not file.endswith("__init__.py")}
    assert held == {file: told[file] for file in held}
    assert len(held) > 50


def slug(heading: str) -> str:
    """The anchor of a heading, as GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def anchors(path: Path) -> set[str]:
    return {
        slug(heading) for heading in re.findall(r"^#+ (.*)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    }


@pytest.mark.parametrize("document", DOCUMENTS, ids=named)
def test_every_link_leads_somewhere(document: Path) -> None:
    lost: list[str] = []
    prose = FENCE.sub("", document.read_text(encoding="utf-8"))
    for target in re.findall(r"\]\(([^)\s]+)\)", prose):
        if target.startswith(("http://", "https://")):
            continue
        file, _, anchor = target.partition("#")
        path = document.parent / file if file else document
        if not path.exists() or (anchor and anchor not in anchors(path)):
            lost.append(target)
    assert lost == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=named)
def test_every_file_that_is_named_exists(document: Path) -> None:
    """``dialogs/naming*.py`` in backticks is one, from the root, the package or the document's directory."""
    prose = FENCE.sub("", document.read_text(encoding="utf-8"))
    paths = re.findall(r"`((?:[\w.*-]+/)+[\w.*-]*|[\w*-]+\.(?:py|md|toml))`", prose)

    lost = [
        path
        for path in paths
        if path not in WRITTEN_FOR_USERS
        and not any([*base.glob(path)] for base in (ROOT, SOURCES, document.parent))
    ]
    assert lost == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=named)
def test_a_document_has_one_title_and_no_unfinished_words(document: Path) -> None:
    prose = FENCE.sub("", document.read_text(encoding="utf-8"))

    assert len(re.findall(r"^# ", prose, re.MULTILINE)) == 1
    assert re.findall(r"\b(?:TBD|coming soon)\b", prose, re.IGNORECASE) == []


if __name__ == "__main__":
    README.write_text(with_table(README.read_text(encoding="utf-8")), encoding="utf-8")


def test_the_example_of_a_broker_needs_no_more_of_the_clone_than_its_two_files(tmp_path: Path) -> None:
    """Whoever installed the package alone copies them, as the page says."""
    page = ROOT / "docs" / "write-a-broker.md"
    python = [block.text for block in blocks(page.read_text(encoding="utf-8")) if block.language == "python"]
    first = next(text for text in python if "from examples." in text)
    (tmp_path / "installed").mkdir()
    (tmp_path / "installed" / "fsm_ems").symlink_to(ROOT / "fsm_ems")
    elsewhere = "[path for path in sys.path if path and not os.path.isdir(os.path.join(path, 'examples'))]"
    run = f"import os, sys\nsys.path[:] = ['', {str(tmp_path / 'installed')!r}, *{elsewhere}]\n{first}"

    def told() -> subprocess.CompletedProcess[str]:
        bare = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        return subprocess.run(
            [sys.executable, "-c", run], cwd=tmp_path, env=bare, capture_output=True, text=True, check=False
        )

    assert "No module named 'examples'" in told().stderr
    (tmp_path / "examples").mkdir()
    for name in ("json_broker.py", "test_json_broker.py"):
        shutil.copy(ROOT / "examples" / name, tmp_path / "examples")
    assert told().stderr == ""
