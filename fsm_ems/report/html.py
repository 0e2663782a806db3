"""HTML made so that no text can be taken for markup: whatever is not :class:`Markup` is escaped."""

from __future__ import annotations

from html import escape

VOID = frozenset({"meta", "input", "br"})


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


def tag(name: str, /, *children: str, **attributes: str | bool) -> Markup:
    """An element. An attribute of True has no value, of False is left out; ``class_`` reads class and
    ``data_step`` reads data-step.
    """
    named = "".join(
        f" {_name(key)}" if value is True else f' {_name(key)}="{escape(str(value))}"'
        for key, value in attributes.items()
        if value is not False
    )
    if name in VOID:
        return Markup(f"<{name}{named}>")
    return Markup(f"<{name}{named}>{join(*children)}</{name}>")


def join(*parts: str) -> Markup:
    """*parts* one after the other."""
    return Markup("".join(part if isinstance(part, Markup) else escape(part) for part in parts))


def _name(key: str) -> str:
    return key.rstrip("_").replace("_", "-")
