"""What each story looks like: colour, width and line, and what the legend calls it.

Stories are told apart by line as well as by colour, so that a picture reads without colour too.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Look(NamedTuple):
    """A line's look. *dash* is SVG's stroke-dasharray, empty for a solid line."""

    light: str
    dark: str
    width: float
    dash: str
    legend: str

    @property
    def line(self) -> str:
        """The word dot has for it."""
        return "solid" if not self.dash else "dotted" if self.dash.startswith("2") else "dashed"


SPINE = Look("#0b62d0", "#58a6ff", 4.5, "", "main line")

LOOKS: Mapping[str, Look] = {
    "main": Look("#0b62d0", "#58a6ff", 1.5, "", "a report that skips ahead"),
    "dark": Look("#7a2fd0", "#b794f6", 3.0, "11 4", "dark order"),
    "alert": Look("#0b8276", "#3fd0c0", 3.0, "2 5", "alert"),
    "stash": Look("#c2410c", "#ff9a4d", 3.0, "7 5", "cancel stashed until the ack"),
    "cancel": Look("#c2410c", "#ff9a4d", 1.5, "", "cancel"),
    "edit": Look("#2b7a2f", "#56d364", 1.5, "", "edit"),
    "doubt": Look("#9a6700", "#e3b341", 1.5, "2 4", "doubt, and evidence out of it"),
    "late": Look("#b02a8f", "#f08ad8", 1.5, "6 4", "late report: an end reopened or corrected"),
    "external": Look("#57606a", "#aab4be", 1.5, "14 5", "adopted from the venue"),
    "end": Look("#6e7781", "#8b949e", 1.5, "", "ended by the venue"),
    "loss": Look("#b3261e", "#ff7b72", 2.0, "6 4", "connection lost"),
    "close": Look("#6e7781", "#8b949e", 1.5, "", "stopped on purpose"),
}

HERE = "#ffd33d"
"""The current state, on light."""

PLAIN = Look("#6e7781", "#8b949e", 1.5, "", "other")


def look(story: str) -> Look:
    """The look of a story; a plain grey line for one that has none of its own."""
    return LOOKS.get(story, PLAIN)
