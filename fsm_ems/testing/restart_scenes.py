"""Which scenes with crashes are searched, and within which bounds; each to its end.

Time goes in ticks. Deadlines, the margin and the questions' distance are one tick each: the least with which
the protocol is sound at this skew and lag, as two equal answers are needed, a tick apart. Where the time is
bounded, the promises are held and nobody asks whether all agree in the end. A lag of the venue's reads may
hide what was executed right before a connection: the periodic check finds it, so one is set there. Where a
venue tells no history and executions are lost with a link, those of several units cannot be told apart:
orders of one unit are searched there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

from fsm_ems.dialogs.settings import Capabilities, Settings
from fsm_ems.messages import Edit, Order
from fsm_ems.quotes import Quote
from fsm_ems.testing.dark_scene import MARKETS
from fsm_ems.testing.letters import BROKER, MARKET, PRICE
from fsm_ems.testing.restart_scene import CrashScene
from fsm_ems.testing.restart_world import CrashTheme

D = Decimal
ONE = Order(oid="o", side="buy", market=MARKET, size=D(1), price=PRICE)
TWO = Order(oid="o", side="buy", market=MARKET, size=D(2), price=PRICE)
AGAIN = replace(ONE, if_absent="resend")
OTHER = Order(oid="p", side="buy", market=MARKET, size=D(1), price=PRICE)
DARK = Order(oid="o", side="buy", market=MARKET, size=D(1), price=PRICE, mode="dark", trigger="touch")
UP = Edit(oid="o", edit_id="up", size=D(2))
TOUCH = Quote(0, D(4), D(1), PRICE, D(1))


def settings(*, lists: bool = False, heeds: bool = True, check_every_ns: int = 0) -> Settings:
    """Of a venue that *lists* its history, and *heeds* deadlines; asked for all every *check_every_ns*."""
    return Settings(
        brokers={BROKER: Capabilities(history=lists, deadline=heeds)},
        request_deadline_ns=1,
        margin_ns=1,
        ask_every_ns=1,
        check_every_ns=check_every_ns,
        redrive_max_ns=2,
    )


PLAIN, LISTS = settings(), settings(lists=True)
PRICED = Edit(oid="o", edit_id="priced", price=D(6))
DARK_LISTS = replace(LISTS, markets=MARKETS, limit_ticks={"*": 0})


def themes() -> tuple[CrashTheme, ...]:
    """More than a million situations in all; the largest first."""
    return (
        CrashTheme("crash: order", (ONE,), PLAIN, crashes=3, retries=2, skew=1),
        CrashTheme("crash: cancel", (ONE,), PLAIN, cancels=1),
        CrashTheme("crash: order, history", (ONE,), LISTS, retries=1, skew=1),
        CrashTheme("crash: cancel, history", (ONE,), LISTS, cancels=1, ticks=3),
        CrashTheme("crash: cancel refused", (ONE,), PLAIN, cancels=2, refusals=1, ticks=2),
        CrashTheme("crash: lag", (ONE,), settings(lists=True, check_every_ns=2), lag=1, ticks=4),
        CrashTheme("crash: edit", (ONE,), PLAIN, edits=(PRICED,)),
        CrashTheme("crash: increase", (ONE,), LISTS, edits=(UP,), ticks=2),
        CrashTheme("crash: resend", (AGAIN,), PLAIN, skew=1),
        CrashTheme("crash: resend, cancel", (AGAIN,), PLAIN, cancels=1, ticks=5),
        CrashTheme("crash: two orders", (ONE, OTHER), PLAIN, ticks=2),
        CrashTheme("crash: dark", (DARK,), DARK_LISTS, crashes=2, retries=1, rows=(TOUCH,)),
        CrashTheme("crash: two fills", (TWO,), LISTS, doubles=1, ends=1, ticks=2),
        CrashTheme("crash: late", (ONE,), settings(lists=True, heeds=False)),
        CrashTheme("crash: link", (ONE,), LISTS, link_losses=1),
    )


def restart_scenes() -> dict[str, Callable[[], CrashScene]]:
    """What is searched by name."""

    def build(theme: CrashTheme) -> Callable[[], CrashScene]:
        return lambda: CrashScene(theme)

    return {theme.name: build(theme) for theme in themes()}
