"""The errors are the tree their module draws, and each carries the fields a program needs."""

import inspect
import re

import pytest

from fsm_ems import errors
from fsm_ems.errors import (
    EMSError,
    IllegalTransition,
    InvalidMessage,
    InvalidReport,
    LogDamaged,
    OrderFileError,
    Refused,
)


def drawn(text: str) -> dict[str, str | None]:
    """Each name of the tree in *text*, and its parent's."""
    parents: dict[str, str | None] = {}
    above: dict[int, str] = {}
    for line in text.splitlines():
        found = re.match(r"^    ((?:[│ ]   )*)(?:[├└]── )?([A-Z]\w*)(?:  |$)", line)
        if found is None or ("──" not in line and parents):
            continue
        depth = len(found[1]) // 4 + (1 if "──" in line else 0)
        parents[found[2]] = above.get(depth - 1)
        above[depth] = found[2]
    return parents


def defined() -> dict[str, str | None]:
    """Each error of the module, and its base."""
    return {
        name: None if error.__bases__ == (Exception,) else error.__bases__[0].__name__
        for name, error in inspect.getmembers(errors, inspect.isclass)
        if issubclass(error, Exception)
    }


def test_the_tree_in_the_docstring_is_the_tree_of_the_classes() -> None:
    """Names and parents, none more and none less."""
    assert drawn(errors.__doc__ or "") == defined()


def test_a_fault_left_out_of_a_tree_would_be_seen() -> None:
    """The reader of the tree reads depth, not only names."""
    tree = "    A\n    ├── B     why\n    │   └── C    why\n    └── D  why\n"

    assert drawn(tree) == {"A": None, "B": "A", "C": "B", "D": "A"}


def test_every_error_says_what_it_is() -> None:
    assert [name for name in defined() if not inspect.getdoc(getattr(errors, name))] == []


@pytest.mark.parametrize(
    ("error", "text", "fields"),
    [
        (InvalidMessage(("a: no", "b: no")), "a: no; b: no", {"problems": ("a: no", "b: no")}),
        (InvalidReport(("a: no",)), "a: no", {"problems": ("a: no",)}),
        (Refused("conflict", "is so"), "conflict: is so", {"code": "conflict", "why": "is so", "oid": None}),
        (Refused("expired", "is so", "o1"), "expired: is so", {"oid": "o1"}),
        (OrderFileError("a.toml", "no"), "a.toml: no", {"where": "a.toml", "problem": "no"}),
        (LogDamaged("log", 7, "torn"), "log, line 7: torn", {"where": "log", "line": 7, "problem": "torn"}),
        (LogDamaged("log", 7, "torn", "record"), "log, record 7: torn", {"line": 7, "counted": "record"}),
        (
            IllegalTransition("order", "filled", "cancel", ("fill", "bust")),
            "order in filled cannot take cancel; legal here: fill, bust",
            {"machine": "order", "state": "filled", "event": "cancel", "legal": ("fill", "bust")},
        ),
        (
            IllegalTransition("order", "rejected", "cancel", ()),
            "order in rejected cannot take cancel; legal here: nothing",
            {"legal": ()},
        ),
    ],
)
def test_an_error_carries_its_fields_and_makes_its_sentence(
    error: EMSError, text: str, fields: dict[str, object]
) -> None:
    assert str(error) == text
    assert {name: getattr(error, name) for name in fields} == fields
