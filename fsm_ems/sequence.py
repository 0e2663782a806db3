"""Mermaid sequence diagrams: who said what to whom, one line each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping


def sequence_diagram(participants: Mapping[str, str], lines: Iterable[str]) -> str:
    """The diagram of *participants*, by the name that *lines* use, each with the name that is shown."""
    named = (f"participant {name} as {shown(text)}" for name, text in participants.items())
    return "\n    ".join(["sequenceDiagram", *named, *lines]) + "\n"


def shown(text: str) -> str:
    """*text* as mermaid shows it and does not read it: all but plain characters become their numbers."""
    return "".join(char if char.isalnum() or char in _PLAIN else f"#{ord(char)};" for char in text)


_PLAIN = frozenset(" .,:()/_+=@'!?*-→")
