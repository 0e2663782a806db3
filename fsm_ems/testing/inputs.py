"""Everything that can happen to an EMS, as values: what a test puts in, and what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

from fsm_ems.dialogs.dispatcher import Dispatcher
from fsm_ems.dialogs.outward import status_of
from fsm_ems.dialogs.record import Effect, Notice
from fsm_ems.errors import Refused
from fsm_ems.machines.link import LinkEvent
from fsm_ems.messages import Command, Status, VenueReport
from fsm_ems.quotes import Row, Trade


class Commanded(NamedTuple):
    """*identity* gives a command."""

    identity: str
    command: Command


class Fired(NamedTuple):
    """A dark order or an alert is fired by hand; *price* None keeps the trigger price."""

    owner: str
    oid: str
    price: Decimal | None = None


class Quoted(NamedTuple):
    """A market shows a quote, or a print."""

    market: str
    row: Row


class Heard(NamedTuple):
    """A broker's report arrives."""

    broker: str
    report: VenueReport


class LinkMoved(NamedTuple):
    """A broker's link moves: ``connect``, ``connected``, ``synced`` or ``lost``."""

    broker: str
    event: str


class TimePassed(NamedTuple):
    """It is later now; what is due falls due."""


Input = Commanded | Fired | Quoted | Heard | LinkMoved | TimePassed


class Outcome(NamedTuple):
    """What an input led to. *refused* is a refusal's code; *again*: the command had been taken before."""

    effects: Sequence[Effect]
    refused: str | None = None
    again: bool = False

    def statuses(self, identity: str) -> list[Status]:
        """What *identity* is told, in the order of its stream."""
        return [
            status_of(effect)
            for effect in self.effects
            if isinstance(effect, Notice) and effect.identity == identity
        ]


def put(dispatcher: Dispatcher, given: Input, now_ns: int) -> Outcome:
    """Put *given* into *dispatcher*."""
    if isinstance(given, Heard):
        return Outcome(dispatcher.report(given.broker, given.report, now_ns))
    if isinstance(given, TimePassed):
        return Outcome(dispatcher.pass_time(now_ns))
    if isinstance(given, Quoted):
        return Outcome(dispatcher.quote(given.market, given.row, now_ns))
    if isinstance(given, LinkMoved):
        return Outcome(dispatcher.link(given.broker, LinkEvent(given.event), now_ns))
    try:
        if isinstance(given, Fired):
            return Outcome(dispatcher.trigger(given.owner, given.oid, now_ns, given.price))
        answer, effects = dispatcher.command(given.identity, given.command, now_ns)
    except Refused as refusal:
        return Outcome((), refusal.code)
    return Outcome(effects, again=answer.again)


def describe(given: Input, now_ns: int) -> str:
    """*given* in one line, as a step of a path."""
    if isinstance(given, Heard):
        return f"{given.broker}: {_text(given.report)}"
    if isinstance(given, Commanded):
        return f"{given.identity}: {_text(given.command)}"
    if isinstance(given, Fired):
        return f"{given.owner}'s {given.oid} is fired by hand"
    if isinstance(given, Quoted):
        return f"{given.market}: {_row(given.row, now_ns)}"
    if isinstance(given, LinkMoved):
        return f"the link to {given.broker}: {given.event}"
    return f"time passes: it is {now_ns}"


def _row(row: Row, now_ns: int) -> str:
    shows = f"a print at {row.price}" if isinstance(row, Trade) else f"bid {row.bid}, ask {row.ask}"
    return shows if row.time_ns == now_ns else f"{shows}, {now_ns - row.time_ns} ns old"


def _text(message: Command | VenueReport) -> str:
    fields = message.as_fields()
    terms = " ".join(f"{name}={value}" for name, value in fields.items() if name != "name")
    return f"{message.name.removeprefix('brokerd_')} {terms}".strip()
