"""Which scenes are searched, and within which bounds: seconds of each by default, hours to soak."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from decimal import Decimal
from typing import Any, TypeVar

from fsm_ems.dialogs.settings import Capabilities, Settings
from fsm_ems.messages import Edit, Order
from fsm_ems.testing.catching_up import CatchingUpScene, GoneScene
from fsm_ems.testing.dark_scene import (
    LIMIT_TICKS,
    MARKETS,
    QUOTE_AGE_NS,
    DarkScene,
    DarkTheme,
    dark_themes,
    soak_dark_themes,
)
from fsm_ems.testing.honest import Budget, HonestScene
from fsm_ems.testing.hostile import HostileScene, Theme
from fsm_ems.testing.letters import BROKER, MARKET, PRICE
from fsm_ems.testing.pair import PairScene, PairTheme, pair_themes, soak_pair_themes
from fsm_ems.testing.scene import DispatcherScene
from fsm_ems.testing.soak_themes import soak_themes
from fsm_ems.testing.themes import themes

AnyScene = DispatcherScene[Any]
Build = Callable[[], AnyScene]
Overrides = Mapping[str, int]
T = TypeVar("T", Budget, Theme, PairTheme, DarkTheme)

ONE = Order(oid="o", side="buy", market=MARKET, size=Decimal(1), price=PRICE)
TWO = Order(oid="o", side="buy", market=MARKET, size=Decimal(2), price=PRICE)
DARK_ONE = Order(
    oid="o", side="buy", market=MARKET, size=Decimal(1), price=PRICE, mode="dark", trigger="touch"
)
AGAIN = replace(ONE, if_absent="resend")
DARK_AGAIN = replace(DARK_ONE, if_absent="resend")
UP = Edit(oid="o", edit_id="up", size=Decimal(2))
DOWN = Edit(oid="o", edit_id="down", size=Decimal(1))

_HONEST: dict[str, tuple[Order, Budget]] = {
    "honest: fills": (TWO, Budget(opens=True)),
    "honest: cancel": (ONE, Budget(cancels=1)),
    "honest: link": (ONE, Budget(link_losses=1)),
    "honest: lost": (ONE, Budget(losses=1)),
    "honest: doubled": (ONE, Budget(doubles=1)),
    "honest: edit": (ONE, Budget(edits=(UP,))),
    "honest: edit down": (TWO, Budget(edits=(DOWN,))),
    "honest: bust": (ONE, Budget(busts=1)),
    "honest: late": (ONE, Budget(late=True)),
    "honest: resend": (AGAIN, Budget(link_losses=1)),
    "honest: resend late": (AGAIN, Budget(late=True)),
    "honest: resend dark": (DARK_AGAIN, Budget()),
}
_GONE: dict[str, tuple[tuple[str, ...], Budget]] = {
    "acked": ((), Budget(opens=True, tells=True)),
    "open": (("status=open",), Budget(opens=True, tells=True)),
    "editing": (("edit oid",), Budget(edits=(UP,), opens=True, tells=True)),
    "cancelling": (("cancel oid",), Budget(cancels=1, tells=True)),
}
"""How an order comes to each state that it can be in when it silently leaves the venue's list."""
LONGER: frozenset[str] = frozenset(
    {
        "dark doubt",
        "doubt",
        "editing",
        "ends stated",
        "honest: cancel",
        "honest: edit down",
        "honest: resend",
        "immediate",
        "increase",
        "quotes: dark",
        "quotes: alert",
        "quotes: trail up",
        "quotes: two stops",
        "renamed",
        "resend",
        "shown",
        "shown down",
        "statements",
    }
)
"""Not in the default run, which every change waits for: the others take all rows of the table in a third of
the time. By name they are searched within the same bounds, and within wider ones to soak.
"""
ENDLESS: frozenset[str] = frozenset({"edits shown", "edits down shown"})
"""Not in a soak, which is to end: nobody has seen the end of these, nor is there memory for it. By name they
are searched for as long as one lets them; what they try at once, others try to the end in two halves.
"""
_SOAK_HONEST: dict[str, tuple[Order, Budget]] = {
    "honest: cancel refused": (ONE, Budget(cancels=1, refusals=1, opens=True)),
    "honest: cancel weighed": (ONE, Budget(cancels=1, pendings=1)),
    "honest: cancel and end": (ONE, Budget(cancels=1, ends=1)),
    "honest: cancel and link": (ONE, Budget(cancels=1, link_losses=1)),
    "honest: cancel weighed, refused": (ONE, Budget(cancels=1, pendings=1, refusals=1)),
    "honest: edit weighed, refused": (ONE, Budget(edits=(UP,), pendings=1, refusals=1)),
    "honest: cancel lost": (ONE, Budget(cancels=1, losses=1)),
    "honest: resend, cancel": (AGAIN, Budget(cancels=1)),
    "honest: resend, lost": (AGAIN, Budget(losses=1)),
    "catching up: link": (ONE, Budget(link_losses=1, tells=True)),
    "catching up: resend": (AGAIN, Budget(link_losses=1, tells=True)),
    "honest: resend, doubled": (AGAIN, Budget(doubles=1)),
    "honest: resend, cancel and link": (AGAIN, Budget(cancels=1, link_losses=1)),
    "honest: late cancel": (ONE, Budget(cancels=1, late=True)),
    "honest: cancel doubled": (ONE, Budget(cancels=1, doubles=1)),
    "honest: edit and link": (ONE, Budget(edits=(UP,), link_losses=1)),
    "honest: edit and cancel": (ONE, Budget(edits=(UP,), cancels=1)),
    "honest: edit refused, doubled": (ONE, Budget(edits=(UP,), refusals=1, doubles=1)),
    "honest: bust and cancel": (ONE, Budget(busts=1, cancels=1)),
    "catching up: link, two fills": (TWO, Budget(link_losses=1, tells=True)),
    "catching up: edit and link": (ONE, Budget(edits=(UP,), link_losses=1, tells=True)),
    "catching up: cancel and link": (ONE, Budget(cancels=1, link_losses=1, tells=True)),
    "honest: dark": (DARK_ONE, Budget(cancels=1, link_losses=1)),
}


def _bounded(bounds: T, overrides: Overrides) -> T:
    known = {field.name for field in fields(bounds)}
    numbers: dict[str, Any] = {name: number for name, number in overrides.items() if name in known}
    return replace(bounds, **numbers)


def _settings(
    *,
    grows: bool = False,
    late: bool = False,
    deadline_ns: int = 1,
    ask_every_ns: int = 1,
    parked_max: int = 1,
    tells: bool = False,
    check_every_ns: int = 0,
) -> Settings:
    """Deadlines of one tick: how long something takes is told by what happens before it."""
    return Settings(
        brokers={BROKER: Capabilities(reopen_filled=grows, deadline=not late, history=tells)},
        request_deadline_ns=deadline_ns,
        margin_ns=1,
        ask_every_ns=ask_every_ns,
        check_every_ns=check_every_ns,
        redrive_max_ns=2 * deadline_ns,
        parked_max=parked_max,
        markets=MARKETS,
        limit_ticks={"*": LIMIT_TICKS},
        quote_age_ns=QUOTE_AGE_NS,
    )


def _honest(name: str, order: Order, budget: Budget) -> Build:
    settings = _settings(ask_every_ns=2, late=budget.late, tells=budget.tells)
    if budget.tells:
        link = ("connect", "connected")
        return lambda: CatchingUpScene(name, order, budget, settings=settings, link=link)
    return lambda: HonestScene(name, order, budget, settings=settings)


def _gone(name: str, last: tuple[str, ...], budget: Budget) -> Build:
    settings = _settings(ask_every_ns=2, deadline_ns=4, tells=True, check_every_ns=1)

    def build() -> GoneScene:
        scene = GoneScene(name, ONE, budget, settings=settings, link=("connect", "connected"))
        scene.before = (
            "time passes",
            "question for all",
            "history",
            "order oid",
            "order arrives",
            "ack",
            *last,
        )
        return scene

    return build


def _hostile(theme: Theme, deadline_ns: int) -> Build:
    return lambda: HostileScene(theme, _settings(grows=theme.grows, deadline_ns=deadline_ns))


def _pair(theme: PairTheme, parked_max: int) -> Build:
    return lambda: PairScene(theme, _settings(parked_max=parked_max))


def _dark(theme: DarkTheme) -> Build:
    return lambda: DarkScene(theme, _settings(deadline_ns=2))


def scenes(*, soak: bool = False, overrides: Overrides | None = None) -> dict[str, Build]:
    """What is searched by name, the longest first."""
    given = overrides or {}
    honest, hostile, pairs = dict(_HONEST), list(themes()), list(pair_themes())
    held = list(dark_themes())
    if soak:
        honest |= _SOAK_HONEST
        hostile += soak_themes()
        pairs += soak_pair_themes()
        held += soak_dark_themes()
    built: dict[str, Build] = {}
    for pair in pairs:
        built[pair.name] = _pair(_bounded(pair, given), 2 if soak else 1)
    for dark in held:
        built[dark.name] = _dark(_bounded(dark, given))
    for name, (order, budget) in honest.items():
        built[name] = _honest(name, order, _bounded(budget, given))
    for state, (last, budget) in _GONE.items():
        built[f"gone: {state}"] = _gone(f"gone: {state}", last, budget)
    for theme in hostile:
        built[theme.name] = _hostile(_bounded(theme, given), 2 if soak else 1)
    return dict(reversed(built.items()))


def known_bounds() -> tuple[str, ...]:
    """The names that overrides may have."""
    numbers = {
        field.name
        for cls in (Budget, Theme, PairTheme, DarkTheme)
        for field in fields(cls)
        if field.type == "int"
    }
    return tuple(sorted(numbers))
