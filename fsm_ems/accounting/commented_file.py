"""TOML files that a program rewrites and people comment: values are replaced, comments stay.

A file is cut at its table headers, and each table is changed by tomlkit, which keeps every comment, blank and
key of somebody else. One long array a table, one line an item, is kept away from tomlkit: 5,000 items of
five fields would cost it a second and so many objects that collecting them holds the interpreter, and with
it the event loop, for 0.2 s. Comments in such an array stay with their item; once it goes they stand before
the next.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, cast

import tomlkit
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import Array, InlineTable, Trivia

from fsm_ems.accounting.atomic_file import Disk, SetAside, replace_text, set_aside
from fsm_ems.accounting.lines import quoted
from fsm_ems.errors import EMSBug

Value = str | int | Mapping[str, str]
Fields = Mapping[str, Any]

_TOKEN = re.compile(
    r'"""(?:[^\\]|\\.)*?"""|'
    r"'''.*?'''|"
    r'"(?:[^"\\\n]|\\.)*"|'
    r"'[^'\n]*'|"
    r"#[^\n]*|[\[{]|[\]}]|\n",
    re.DOTALL,
)

_BARE = re.compile(r"[A-Za-z0-9_-]+", re.ASCII).fullmatch


class Unreadable(ValueError):
    """A file is not TOML, or not what it should hold; *line* counts from 1."""

    def __init__(self, line: int, problem: str) -> None:
        super().__init__(f"line {line}: {problem}")
        self.line = line
        self.problem = problem


class Item(NamedTuple):
    """One line of an array: *ident* tells it from the others, *fields* is what is between its braces."""

    ident: str
    fields: str


class Table(NamedTuple):
    """A table as it must be: its *path*, empty for the file's head, its values, and its array's items.

    *items* is None where it has no array.
    """

    path: tuple[str, ...]
    values: Mapping[str, Value]
    items: Sequence[Item] | None


class Form(NamedTuple):
    """What kind of file it is.

    *title* is its first comment when it is new, *array* the key of the long array, *ident* what tells one of
    its items from the others. Tables below *ours* that are no longer wanted go, but for their comments.
    """

    title: str
    array: str
    ident: Callable[[Fields], str]
    ours: str


class _Block(NamedTuple):
    """A table's text with its array emptied, the array's own text, and the text as it was."""

    text: str
    array: str
    whole: str


class _Lines(Array):
    """An array whose text is given."""

    def __init__(self, text: str) -> None:
        super().__init__([], Trivia())
        self._text = text

    def as_string(self) -> str:
        return self._text


def loads(text: str) -> dict[str, Any]:
    """The values of a TOML text.

    Raises:
        Unreadable: it is none.
    """
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        problem = str(error)
        found = re.search(r" \(at line (\d+), column \d+\)", problem)
        line = int(found[1]) if found else text.count("\n") + 1
        raise Unreadable(line, f"not TOML: {problem}") from None


def rewritten(old: str | None, form: Form, tables: Sequence[Table], says_so: Callable[[str], bool]) -> str:
    """The text with *tables* in it and every comment of *old*, None where there is no file.

    *says_so* reads the text again and tells whether it means what it should.

    Raises:
        Unreadable: *old* is not TOML, or what else stands in it gives the tables another meaning.
        EMSBug: the tables themselves cannot be written so that they are read again as they are.
    """
    try:
        text = _merged(old, form, tables)
        if says_so(text):
            return text
        problem = "it has another meaning"
    except (TOMLKitError, ValueError, KeyError, TypeError, AttributeError) as error:
        problem = str(error)
    if old is None:
        raise EMSBug(f"what was written cannot be read again: {problem}")
    loads(old)  # where it is no TOML, this says why and in which line
    line = old.partition(form.ours)[0].count("\n") + 1 if form.ours in old else 1
    raise Unreadable(line, "fsm_ems cannot write its values between what else stands here")


def _merged(old: str | None, form: Form, tables: Sequence[Table]) -> str:
    wanted = {table.path: table for table in tables}
    out: list[str] = []
    for block in _blocks(f"# {form.title}\n" if old is None else old, form.array):
        path = _path(block.text)
        table = wanted.pop(path, None)
        if table is not None:
            out.append(_changed(block, table, form))
        elif path[:1] == (form.ours,) and not any(
            table.path == path[: len(table.path)] for table in tables[1:]
        ):
            out.append("".join(f"{comment}\n" for comment in _comments(block.whole)))
        else:
            out.append(block.whole)
    for table in wanted.values():
        header = ".".join(name if _BARE(name) else quoted(name) for name in table.path)
        out.append(_changed(_Block(f"\n[{header}]\n", "", ""), table, form))
    return "".join(text if not text or text.endswith("\n") else f"{text}\n" for text in out)


def _blocks(text: str, array: str) -> Iterator[_Block]:
    """The file's head, then each table from its header to the next one."""
    assignment = re.compile(rf"\s*{array}\s*=\s*").fullmatch
    start = line = depth = 0
    cut: tuple[int, int] | None = None
    opened: int | None = None
    for token in _TOKEN.finditer(text):
        first = token[0][0]
        if first == "\n":
            line = token.end()
        elif first in "[{":
            before = text[line : token.start()] if depth == 0 else "-"
            if not before.strip():
                yield _block(text, start, line, cut)
                start, cut = line, None
            elif first == "[" and cut is None and assignment(before) is not None:
                opened = token.start()
            depth += 1
        elif first in "]}":
            depth -= 1
            if depth == 0 and opened is not None:
                cut, opened = (opened, token.end()), None
    yield _block(text, start, len(text), cut)


def _block(text: str, start: int, end: int, cut: tuple[int, int] | None) -> _Block:
    whole = text[start:end]
    if cut is None:
        return _Block(whole, "", whole)
    return _Block(f"{text[start : cut[0]]}[]{text[cut[1] : end]}", text[cut[0] + 1 : cut[1] - 1], whole)


def _path(block: str) -> tuple[str, ...]:
    """The names in a block's header; none for the file's head, nor for one of an array of tables."""
    header = block.lstrip().partition("\n")[0]
    if not header.startswith("["):
        return ()
    path: list[str] = []
    level: Any = tomllib.loads(header)
    while isinstance(level, dict) and level:
        [(name, level)] = cast("dict[str, Any]", level).items()
        path.append(name)
    return tuple(path) if isinstance(level, dict) else ("[[", *path)


def _changed(block: _Block, table: Table, form: Form) -> str:
    document = tomlkit.parse(block.text)
    level: Any = document
    for name in table.path:
        level = level[name]
    for name, value in table.values.items():
        if isinstance(value, str | int):
            if name not in level or level[name] != value:
                level[name] = value
        elif name not in level or not _same(level[name], value):
            level[name] = _inline(value)
    if table.items is not None:
        level[form.array] = _Lines(_array(block.array, table.items, form.ident))
    return document.as_string()


def _same(found: object, value: Mapping[str, str]) -> bool:
    """In the same order as well."""
    return isinstance(found, dict) and list(cast("dict[str, Any]", found).items()) == list(value.items())


def _inline(values: Mapping[str, str]) -> InlineTable:
    table = tomlkit.inline_table()
    for name, value in values.items():
        table[name] = value
    return table


def text_at(path: Path) -> str | None:
    """The text of a file, None where there is none.

    Raises:
        Unreadable: it is not UTF-8.
        OSError: it could not be read.
    """
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise Unreadable(line, "not UTF-8") from None


def write_over(path: Path, text_after: Callable[[str | None], str], disk: Disk) -> SetAside | None:
    """Put what *text_after* makes of a file's text in its place; what is told of one that was unreadable.

    Raises:
        OSError: the disk failed; the old file or the new one is there whole.
    """
    aside: SetAside | None = None
    try:
        text = text_after(text_at(path))
    except Unreadable as error:
        aside = set_aside(path, error.line, error.problem, disk)
        text = text_after(None)
    replace_text(path, text, disk)
    return aside


# ── the long array ──────────────────────────────────────────────────────────────────────────────────


class _Old(NamedTuple):
    """An item as it was, and the comments above and beside it."""

    text: str
    above: list[str]
    beside: list[str]


def _array(old: str, items: Sequence[Item], ident: Callable[[Fields], str]) -> str:
    rendered = {item: f"    {{ {item.fields} }}," for item in items}
    _sound(old, set(rendered.values()))
    above, beside, last = _remarks(old, items, ident)
    if not items and not last:
        return "[]"
    lines = ["["]
    for item, line in rendered.items():
        name = item.ident
        lines += [f"    {comment}" for comment in above.get(name, ())]
        lines.append(f"{line}  {beside[name]}" if name in beside else line)
    lines += [f"    {comment}" for comment in last]
    lines.append("]")
    return "\n".join(lines)


def _sound(old: str, rendered: set[str]) -> None:
    """Read what is not just as it will be written again, so that nothing unreadable is written over.

    Raises:
        TOMLDecodeError: it is no TOML.
    """
    others = "\n".join(line for line in old.split("\n") if line not in rendered)
    tomllib.loads(f"items = [{others}\n]")


def _remarks(
    old: str, items: Sequence[Item], ident: Callable[[Fields], str]
) -> tuple[dict[str, list[str]], dict[str, str], list[str]]:
    """The comments above each item, beside it, and after the last; only commented items are read."""
    above: dict[str, list[str]] = {}
    beside: dict[str, str] = {}
    waiting: list[str] = []
    if "#" not in old:
        return above, beside, waiting
    living = {item.ident for item in items}
    for item in _items(old):
        waiting += item.above
        if waiting or item.beside:
            name = ident(tomllib.loads(f"item = {item.text}")["item"]) if item.text else ""
            if name in living and name not in beside:
                above.setdefault(name, []).extend(waiting)
                waiting = []
                if item.beside:
                    beside[name] = item.beside[0]
            else:
                waiting += item.beside
    return above, beside, waiting


def _items(array: str) -> Iterator[_Old]:
    """The items of an array's text; at the end one without a text, for the comments after the last."""
    item = _Old("", [], [])
    above: list[str] = []
    depth = start = 0
    same_line = False
    for token in _TOKEN.finditer(array):
        first = token[0][0]
        if first == "#":
            (item.beside if same_line and item.text else above).append(token[0])
        elif first in "[{":
            if depth == 0:
                start = token.start()
                if item.text:
                    yield item
                    item = _Old("", [], [])
            depth += 1
        elif first in "]}":
            depth -= 1
            if depth == 0:
                item, above, same_line = _Old(array[start : token.end()], above, []), [], True
        elif first == "\n":
            same_line = False
    if item.text:
        yield item
    yield _Old("", above, [])


def _comments(text: str) -> Iterator[str]:
    return (token[0] for token in _TOKEN.finditer(text) if token[0].startswith("#"))
