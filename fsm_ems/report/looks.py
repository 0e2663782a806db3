"""The colours and shapes of a page. A state has its colour from the machine's diagram.

Colours are named in figures as ``@name``; the page looks them up in its style sheet, so that one figure
serves light and dark. Whatever differs in colour also differs in pattern, shape or label.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from fsm_ems.machines.looks import look
from fsm_ems.machines.render import PICTURES
from fsm_ems.report.life import Kind


class Paint(NamedTuple):
    """A colour on light and on dark."""

    light: str
    dark: str

    @property
    def css(self) -> str:
        """Whichever fits the page's colour scheme."""
        return f"light-dark({self.light},{self.dark})"

    def over(self, ground: Paint, percent: int) -> Paint:
        """So much of this colour on that ground, as if it were laid on thinly."""
        return Paint(_mixed(self.light, ground.light, percent), _mixed(self.dark, ground.dark, percent))


def _mixed(top: str, ground: str, percent: int) -> str:
    channels = (
        (int(top[at : at + 2], 16) * percent + int(ground[at : at + 2], 16) * (100 - percent)) // 100
        for at in (1, 3, 5)
    )
    return "#" + "".join(f"{channel:02x}" for channel in channels)


PAINTS: Mapping[str, Paint] = {
    "page": Paint("#f6f8fa", "#010409"),
    "card": Paint("#ffffff", "#0d1117"),
    "text": Paint("#1f2328", "#e6edf3"),
    "faint": Paint("#59636e", "#9198a1"),
    "edge": Paint("#d1d9e0", "#30363d"),
    "grid": Paint("#e6eaee", "#21262d"),
    "link": Paint("#0b62d0", "#58a6ff"),
    "warn": Paint("#b3261e", "#ff7b72"),
    "here": Paint("#fff8c5", "#3a2f0b"),
    "selected": Paint("#d4a72c", "#bb8009"),
    # Blue and orange are told apart by every common kind of colour blindness.
    "buy": Paint("#0b62d0", "#58a6ff"),
    "sell": Paint("#c2410c", "#ff9a4d"),
    "bid": Paint("#6d9bd6", "#3f6da0"),
    "ask": Paint("#d9986d", "#9a6034"),
    "print": Paint("#6e7781", "#8b949e"),
    "size": Paint("#57606a", "#aab4be"),
    "size-thin": Paint("#d8dbde", "#2f353c"),
    "pnl": Paint("#0b8276", "#3fd0c0"),
}

PATTERNS: Mapping[str, str] = {
    "pending": "/",
    "dark_triggered": "/",
    "acked": ".",
    "cancel_stashed": "\\",
    "editing": "|",
    "cancelling": "x",
    "unknown": "+",
}
"""How a bar is hatched; the other states' bars are solid."""


THIN = 28
"""How much colour, in percent, is within the outline of a bar: its marks must stand out."""


def state_paints() -> dict[str, Paint]:
    """The colour of each state, full and thin: of its story, as in the diagram."""
    looks = {node.name: look(node.lane) for node in PICTURES["order"].graph.nodes}
    full = {f"state-{name}": Paint(found.light, found.dark) for name, found in looks.items()}
    return full | {f"{name}-thin": paint.over(PAINTS["card"], THIN) for name, paint in full.items()}


class Sign(NamedTuple):
    """A mark's look: a symbol of plotly's, a colour, and what the legend calls it."""

    symbol: str
    colour: str
    legend: str


SIGNS: Mapping[Kind, Sign] = {
    "submit": Sign("line-ns-open", "@text", "submit"),
    "edit": Sign("diamond-open", "@state-editing", "edit"),
    "cancel": Sign("x-thin-open", "@state-cancelling", "cancel"),
    "trigger": Sign("star", "@state-dark_open", "trigger"),
    "filled": Sign("circle-open", "@state-filled", "filled"),
    "cancelled": Sign("square", "@state-cancelled", "cancelled"),
    "rejected": Sign("octagon-open", "@warn", "rejected"),
    "expired": Sign("hourglass", "@state-expired", "expired"),
}
ON_PRICE: Sequence[Kind] = ("trigger", "edit", "cancel", "rejected")
"""What is marked on the price, and not on an order's lane alone."""
SIDES: Mapping[str, Sign] = {
    "buy": Sign("triangle-up", "@buy", "bought"),
    "sell": Sign("triangle-down", "@sell", "sold"),
}


def sheet() -> str:
    """The colours as custom properties of the page."""
    paints = {**PAINTS, **state_paints()}
    return f":root{{{''.join(f'--{name}:{paint.css};' for name, paint in paints.items())}}}"
