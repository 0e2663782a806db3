"""A dispatcher with its log, two traders and one broker, to be worked by hand and looked into.

Each method is one input at the time the desk's clock shows. :meth:`Desk.prove` replays the records; the
fixture ``desks`` of this directory does so at the end of each test.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any, TypeVar

import pytest

from fsm_ems.dialogs.dispatcher import Answer, Dispatcher
from fsm_ems.dialogs.facts import Dialog, derive
from fsm_ems.dialogs.record import Effect, Notice, Record, SendAbout, SendOrder
from fsm_ems.dialogs.settings import Settings
from fsm_ems.dialogs.snapshot import Plain, facts
from fsm_ems.errors import Refused
from fsm_ems.journal.memory import MemoryLog
from fsm_ems.journal.replay import replay
from fsm_ems.machines.link import LinkEvent
from fsm_ems.market import Market
from fsm_ems.messages import parse_command, parse_report
from fsm_ems.quotes import Quote, Trade

BROKER = "paper"
MARKET = "xbtusd.paper"
TENTH = Decimal("0.1")
MARKETS = {MARKET: Market(MARKET, "xbt", "usd", price_tick=Decimal("0.5"), size_tick=TENTH, min_size=TENTH)}
SECOND = 10**9
START = 1_000 * SECOND

_E = TypeVar("_E", SendOrder, SendAbout, Notice)


def of_kind(effects: list[Effect], kind: type[_E]) -> list[_E]:
    """The effects of one kind."""
    return [effect for effect in effects if isinstance(effect, kind)]


def terms(of: Dialog | SendOrder | SendAbout) -> str:
    """``10 @ 100``"""
    return f"{of.size} @ {of.price}"


def how(dialog: Dialog) -> str:
    """``open 4/10``"""
    return f"{dialog.state} {dialog.filled}/{dialog.size}"


class Desk:
    """Traders ``ann`` and ``bob``, and the broker ``paper``, whose link is up unless *up* says no."""

    def __init__(self, settings: Settings | None = None, *, up: bool = True) -> None:
        self.log = MemoryLog(keep=None)
        self.now = START
        self.ems = Dispatcher(
            replace(settings or Settings(), markets=MARKETS, declared={BROKER: frozenset(MARKETS)}),
            self.log.append,
            generation="g",
            now_ns=self.now,
            lookup=self.log.lookup,
            life=self.log.of,
        )
        self.book = self.ems.book
        for trader in ("ann", "bob"):
            self.ems.grant(trader, "trader", self.now)
        if up:
            self.link("connect", "connected", "synced")

    # ── commands ────────────────────────────────────────────────────────────────────────────────────

    def command(self, name: str, identity: str = "ann", **fields: object) -> tuple[Answer, list[Effect]]:
        given = {"name": name, "oid": "o1"} | fields
        return self.ems.command(identity, parse_command(given), self.now)

    def order(self, oid: str = "o1", identity: str = "ann", **fields: object) -> list[Effect]:
        """A live limit order, buy 10 @ 100, where *fields* say nothing else."""
        given: dict[str, Any] = {"oid": oid, "side": "buy", "market": MARKET, "size": "10", "price": "100"}
        given.update(fields)
        if given.get("mode") == "dark" and "trigger" not in given:
            given.setdefault("direction", "at_or_below")
        return self.command("order", identity, **given)[1]

    def alert(self, oid: str = "o1", **fields: object) -> list[Effect]:
        given: dict[str, Any] = {"oid": oid, "side": "alert", "market": MARKET, "price": "100"}
        given["direction"] = "at_or_below"
        given.update(fields)
        return self.command("order", **given)[1]

    def cancel(self, oid: str = "o1", identity: str = "ann") -> list[Effect]:
        return self.command("cancel", identity, oid=oid)[1]

    def edit(self, edit_id: str = "e1", oid: str = "o1", identity: str = "ann", **terms: str) -> list[Effect]:
        return self.command("edit", identity, oid=oid, edit_id=edit_id, **terms)[1]

    def refused(self, name: str, identity: str = "ann", **fields: object) -> Refused:
        """The refusal of a command: it has left no trace, neither in the log nor in the book."""
        before, length = self.facts(), len(self.log)
        with pytest.raises(Refused) as caught:
            self.command(name, identity, **fields)
        assert self.facts() == before
        assert len(self.log) == length
        return caught.value

    # ── the broker ──────────────────────────────────────────────────────────────────────────────────

    def report(self, name: str, **fields: object) -> list[Effect]:
        return self.ems.report(BROKER, parse_report({"name": f"brokerd_{name}", **fields}), self.now)

    def ack(self, oid: str = "o1", identity: str = "ann") -> list[Effect]:
        return self.report("ack", reqid=self.dialog(oid, identity).reqid, venue_id=f"V-{oid}")

    def status(self, status: str, oid: str = "o1", **fields: object) -> list[Effect]:
        return self.report("status", reqid=self.dialog(oid).reqid, status=status, **fields)

    def quote(self, bid: str, ask: str, age: float = 0, sizes: tuple[str, str] = ("1", "1")) -> list[Effect]:
        """A quote that is *age* seconds old."""
        time_ns = self.now - int(age * SECOND)
        row = Quote(time_ns, Decimal(bid), Decimal(sizes[0]), Decimal(ask), Decimal(sizes[1]))
        return list(self.ems.quote(MARKET, row, self.now))

    def print(self, price: str, age: float = 0) -> list[Effect]:
        """A print that is *age* seconds old."""
        row = Trade(self.now - int(age * SECOND), Decimal(price), Decimal(1), "", "")
        return list(self.ems.quote(MARKET, row, self.now))

    def fill(
        self, size: str, oid: str = "o1", exec_id: str = "F1", price: str = "100", **fields: object
    ) -> list[Effect]:
        named = {"reqid": self.dialog(oid).reqid} | fields
        return self.report("fill", exec_id=exec_id, size=size, price=price, **named)

    def answer(self, status: str, oid: str = "o1", **fields: object) -> list[Effect]:
        """The answer to the last question about the order."""
        dialog = self.dialog(oid)
        return self.report(
            "status", reqid=dialog.reqid, status=status, snapshot=True, query=dialog.asked, **fields
        )

    def link(self, *events: str) -> list[Effect]:
        effects: list[Effect] = []
        for event in events:
            effects += self.ems.link(BROKER, LinkEvent(event), self.now)
        return effects

    # ── time ────────────────────────────────────────────────────────────────────────────────────────

    def wait(self, seconds: float) -> list[Effect]:
        """Let time pass, and whatever is due by then."""
        self.now += int(seconds * SECOND)
        return self.ems.pass_time(self.now)

    def due_in(self) -> float | None:
        """In how many seconds something is due."""
        due = self.ems.next_due_ns()
        return None if due is None else (due - self.now) / SECOND

    # ── looking ─────────────────────────────────────────────────────────────────────────────────────

    def dialog(self, oid: str = "o1", identity: str = "ann") -> Dialog:
        dialog = self.book.dialog(identity, oid)
        assert dialog is not None, f"{identity} has no {oid} in memory"
        return dialog

    def state(self, oid: str = "o1", identity: str = "ann") -> str:
        return self.dialog(oid, identity).state.value

    def stands(self, oid: str = "o1", identity: str = "ann") -> str:
        """``open 4/10``: the state, and what is filled of how much."""
        return how(self.dialog(oid, identity))

    @property
    def last(self) -> Record:
        """The newest record."""
        return list(self.log)[-1]

    def facts(self) -> Plain:
        return facts(self.book)

    def prove(self) -> None:
        """States follow from facts, and the records alone make the same book."""
        for dialog in self.book:
            assert derive(dialog) is dialog.state
        assert facts(replay(self.log)) == self.facts()
