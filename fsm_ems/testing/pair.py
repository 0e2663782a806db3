"""Two orders of two owners at one broker, under one oid; reports name them by either id, or neither.

Fills come before the ack that tells whose they are, twice over both ways of naming, under ids that nobody
knows, and under ids that the venue gives to both. An observer looks on at one owner, and others try to act.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from fsm_ems.dialogs.settings import Settings
from fsm_ems.messages import Cancel, Order
from fsm_ems.testing.canonical import Names
from fsm_ems.testing.inputs import Commanded, Heard, LinkMoved, TimePassed
from fsm_ems.testing.letters import BROKER, MARKET, PRICE, Letter, report_of
from fsm_ems.testing.scene import START_NS, DispatcherScene, Node, Step

OID = "o"
OWNERS = ("alice", "bob")
ORDER = Order(oid=OID, side="buy", market=MARKET, size=Decimal(1), price=PRICE)
OTHER_BODY = Order(oid=OID, side="buy", market=MARKET, size=Decimal(2), price=PRICE)
INTRUDERS = (("olga", "alice's observer"), ("mallory", "nobody"))


class Word(NamedTuple):
    """A report; *whose* request it names, or None."""

    letter: Letter
    whose: str | None = None


@dataclass(frozen=True, slots=True)
class PairTheme:
    """What the venue may say of two orders, and how often what may happen."""

    name: str
    words: tuple[Word, ...]
    cancels: int = 0
    link_losses: int = 0


class Both(NamedTuple):
    """The world: what time it is, and how often something happened already."""

    now_ns: int
    cancels: int = 0
    link_losses: int = 0


class PairScene(DispatcherScene[Both]):
    """A theme, to be searched."""

    def __init__(self, theme: PairTheme, settings: Settings) -> None:
        super().__init__(
            theme.name,
            settings,
            Both(START_NS),
            link=("connect", "connected", "synced"),
            roles={"alice": "trader", "bob": "trader", "olga": "observer"},
        )
        self._theme = theme

    def moves(self, node: Node[Both]) -> Sequence[Step[Both]]:
        steps = [*self._commands(node), *self._link(node)]
        self.dispatcher.book = node.book
        if self.dispatcher.next_due_ns() is not None:
            steps.append(Step(TimePassed(), node.world._replace(now_ns=node.world.now_ns + 1)))
        if node.book.link_open(BROKER):
            steps += self._reports(node)
        return steps

    def world_key(self, world: Both, names: Names) -> Hashable:
        return world[1:]

    def _commands(self, node: Node[Both]) -> Iterator[Step[Both]]:
        world = node.world
        for owner in OWNERS:
            dialog = node.book.dialog(owner, OID)
            yield Step(Commanded(owner, ORDER), world)
            if dialog is not None:
                yield Step(Commanded(owner, OTHER_BODY), world)
            if world.cancels < self._theme.cancels or dialog is None:
                counted = world if dialog is None else world._replace(cancels=world.cancels + 1)
                yield Step(Commanded(owner, Cancel(oid=OID)), counted)
        for intruder, _ in INTRUDERS:
            yield Step(Commanded(intruder, Cancel(oid=OID)), world)

    def _link(self, node: Node[Both]) -> Iterator[Step[Both]]:
        world, state = node.world, node.book.links.get(BROKER)
        follows = {"connecting": "connected", "syncing": "synced"}.get(str(state))
        if follows is not None:
            yield Step(LinkMoved(BROKER, follows), world)
        elif world.link_losses < self._theme.link_losses:
            yield Step(LinkMoved(BROKER, "lost"), world._replace(link_losses=world.link_losses + 1))

    def _reports(self, node: Node[Both]) -> Iterator[Step[Both]]:
        for letter, whose in self._theme.words:
            told = letter
            if whose is not None:
                dialog = node.book.dialog(whose, OID)
                if dialog is None or dialog.reqid is None:
                    continue
                told = letter._replace(reqid=dialog.reqid)
            yield Step(Heard(BROKER, report_of(told)), node.world)


def _shown(kind: str, exec_id: str = "") -> Letter:
    return Letter(kind, exec_id=exec_id, venue_id="VX", size=Decimal(1), price=PRICE, detailed=True)


_NAMED = tuple(
    Word(letter, owner)
    for owner, venue_id, exec_id in (("alice", "VA", "ea"), ("bob", "VB", "eb"))
    for letter in (Letter("ack", venue_id=venue_id), Letter("fill", exec_id=exec_id))
)
_BY_VENUE = tuple(
    Word(Letter("fill", exec_id=exec_id, venue_id=venue_id))
    for exec_id, venue_id in (("ea", "VA"), ("eb", "VB"))
)
_ENDS = tuple(Word(Letter("cancelled", venue_id=venue_id)) for venue_id in ("VA", "VB"))
_FOREIGN = (
    Word(Letter("fill", exec_id="ex", venue_id="VX")),
    Word(_shown("open")),
    Word(_shown("fill", "ey")),
    Word(Letter("bust", ref_id="ex", venue_id="VX")),
)
_ONE_EXECUTION = tuple(
    Word(letter, owner)
    for owner, venue_id in (("alice", "VA"), ("bob", "VB"))
    for letter in (
        Letter("ack", venue_id=venue_id),
        Letter("fill", exec_id="e"),
        Letter("bust", ref_id="e"),
        Letter("correction", exec_id="c", ref_id="e"),
    )
)
_STOLEN = Word(Letter("ack", venue_id="VA"), "bob")


def pair_themes() -> tuple[PairTheme, ...]:
    """The searches of two orders in the default run."""
    return (
        PairTheme("pair: one id for both", (*_NAMED, *_ENDS, _STOLEN)),
        PairTheme("pair: named in two ways", _NAMED + _BY_VENUE),
        PairTheme("pair: foreign", _NAMED[:1] + _FOREIGN),
        PairTheme(
            "pair: one execution for both",
            (*_ONE_EXECUTION, Word(Letter("fill", exec_id="e", venue_id="VB"))),
        ),
        PairTheme("pair: cancels", _NAMED[::2] + _ENDS, cancels=1),
        PairTheme("pair: links", _NAMED, link_losses=1),
    )


def soak_pair_themes() -> tuple[PairTheme, ...]:
    """More at once."""
    return (
        PairTheme("pair: foreign and cut off", _NAMED[:2] + _FOREIGN + _BY_VENUE[:1], link_losses=1),
        PairTheme("pair: cancels and links", _NAMED + _ENDS, cancels=2, link_losses=1),
    )
