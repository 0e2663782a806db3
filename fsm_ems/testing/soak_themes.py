"""The scenes of a soak: more at once than :mod:`fsm_ems.testing.themes` has."""

from __future__ import annotations

from dataclasses import replace

from fsm_ems.testing.hostile import Saying, Theme
from fsm_ems.testing.letters import Letter
from fsm_ems.testing.themes import (
    AMENDED,
    AMENDED_EDITS,
    DARK,
    DOWN,
    EDITING,
    LIVE,
    RESTATED,
    SHOWN,
    SPLIT,
    TWO_EDITS,
    UNLINKED,
    UP,
    D,
    fills,
    says,
    states,
)

LIFE: tuple[Saying, ...] = (
    *says("ack", "pending_new", "open", "cancelled", "rejected", "expired", "stopped", "filled", "error"),
    *says("pending_cancel", "done_for_day", "submit refused", "cancel refused"),
    Saying(Letter("ack", venue_id="V2")),
    Saying(Letter("done_for_day", resumes=True)),
    Saying(Letter("submit refused", code="duplicate")),
    *states("open", 1, 2),
    *states("cancelled", 1, 3),
    *says("absent", "pending_new", "open", "filled", "cancelled", answers="last"),
    *says("absent", "open", "cancelled", answers="stale"),
    *fills("e1", "e2"),
    Saying(Letter("fill", exec_id="e3", size=D(2))),
    *says("cancel refused", "error", about="cancel"),
)
"""All of cancel, doubt, fills and ends at once."""


def soak_themes() -> tuple[Theme, ...]:
    """More at once: larger alphabets, and links that break while more is open."""
    wide = Theme("edits shown", LIVE, tuple(dict.fromkeys((*EDITING, *SHOWN))), edits=(UP,))
    halves = (("editing", EDITING), ("shown", SHOWN))
    return (
        Theme("life", LIVE, LIFE, link=UNLINKED),
        Theme("dark life", DARK, LIFE, link=UNLINKED),
        *(wide, replace(wide, name="edits down shown", edits=(DOWN,))),
        *(Theme(f"{name} and cut off", LIVE, half, edits=(UP,)) for name, half in halves),
        *(Theme(f"{name} down and cut off", LIVE, half, edits=(DOWN,)) for name, half in halves),
        Theme("two edits and a cancel", LIVE, TWO_EDITS + says("cancelled"), edits=(UP, DOWN)),
        Theme("amended and cut off", LIVE, AMENDED + says("cancel refused", about="cancel"), cancels=2),
        Theme("restated and cut off", LIVE, RESTATED + SPLIT[:3], splits=1),
        Theme("increase and cut off", LIVE, AMENDED_EDITS + EDITING[:6], edits=(UP,), grows=True),
    )
