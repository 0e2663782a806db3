"""A scene for a search: the real dispatcher, the auditor beside it, and a world around them.

The world is a value: what is under way, what time it is, and how much may still go wrong. A step is an
input for the EMS, or none where only the world moves, and the world after it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Hashable, Iterable, Sequence
from typing import Generic, NamedTuple, Protocol, TypeVar

from fsm_ems.dialogs.apply import apply
from fsm_ems.dialogs.book import Book
from fsm_ems.dialogs.dispatcher import Dispatcher
from fsm_ems.dialogs.facts import derive
from fsm_ems.dialogs.record import Effect, Notice, Record, Role, Send
from fsm_ems.dialogs.settings import Settings
from fsm_ems.machines.order import ORDER, E, S
from fsm_ems.testing.audit_dark import Rules
from fsm_ems.testing.auditor import Auditor
from fsm_ems.testing.breach import Breach
from fsm_ems.testing.canonical import Names, canonical
from fsm_ems.testing.clone import clone
from fsm_ems.testing.inputs import Input, LinkMoved, Outcome, TimePassed, describe, put
from fsm_ems.testing.letters import BROKER
from fsm_ems.testing.search import Edge

START_NS = 1_000
_RECORDS_MAX = 1_000
_NO_SPARE = (Book(), Book())
_EDGES: dict[tuple[S, E], Edge] = {row: (row[0].value, row[1].value) for row in ORDER.row_of}


class World(Protocol):
    """What surrounds the EMS."""

    @property
    def now_ns(self) -> int: ...


W = TypeVar("W", bound=World)


class Step(NamedTuple, Generic[W]):
    """What may happen next. *given* None: the EMS sees nothing of it.

    *mark* is what the step is called in every situation that equals this one but for ids and clocks.
    """

    given: Input | None
    world: W
    story: str = ""
    mark: Hashable = None


class Node(NamedTuple, Generic[W]):
    """One situation."""

    book: Book
    auditor: Auditor
    world: W


class DispatcherScene(ABC, Generic[W]):
    """What all scenes share. A subclass says what may happen, and what else must hold."""

    def __init__(
        self,
        name: str,
        settings: Settings,
        world: W,
        *,
        link: Iterable[str],
        roles: dict[str, Role],
        rules: Rules | None = None,
    ) -> None:
        """*link* are the moves the link has made before anything else happens."""
        self.name = name
        self.world = world
        self.edges: set[Edge] = set()
        self._records: list[Record] = []
        self.dispatcher = Dispatcher(settings, self._append, generation="g", now_ns=START_NS)
        rules = (rules or Rules())._replace(
            redrive_max_ns=settings.redrive_max_ns,
            margin_ns=settings.margin_ns,
            takes_late=not settings.capabilities(BROKER).deadline,
        )
        self._auditor = Auditor(operator=settings.operator, parked_max=settings.parked_max, rules=rules)
        for identity, role in roles.items():
            sees = ("alice",) if role == "observer" else ()
            self.dispatcher.grant(identity, role, START_NS, sees)
            self._auditor.grant(identity, role, sees)
        for event in link:
            moved = LinkMoved(BROKER, event)
            self._auditor.observe(moved, put(self.dispatcher, moved, START_NS), START_NS)
        self._book = self.dispatcher.book
        self._spare = _NO_SPARE  # the last book and a clone of it that no record has touched
        self._keyed = (self._book, -1, Names(self._book), 0)  # the last key, and what it is the key of
        self._parted = (self._auditor, -1, 0)

    def _append(self, record: Record) -> None:
        if len(self._records) > _RECORDS_MAX:
            raise Breach("P11", "one input makes records without end")
        self._records.append(record)

    # ── what a subclass says ────────────────────────────────────────────────────────────────────────

    @abstractmethod
    def moves(self, node: Node[W]) -> Sequence[Step[W]]: ...

    @abstractmethod
    def world_key(self, world: W, names: Names) -> Hashable:
        """What tells one world from another, without clocks."""

    def sent(self, world: W, sends: Sequence[Send]) -> W:
        """The world once the EMS has sent something."""
        return world

    def judge(self, node: Node[W]) -> None:
        """Whatever else must hold; raises Breach."""

    def settled(self, node: Node[W]) -> bool | None:
        return None

    def heals(self, step: Step[W]) -> bool:
        return True

    # ── what a search asks ──────────────────────────────────────────────────────────────────────────

    def start(self) -> Node[W]:
        return Node(clone(self._book), self._auditor.twin(), self.world)

    def tell(self, step: Step[W]) -> str:
        return step.story if step.given is None else describe(step.given, step.world.now_ns)

    def key(self, node: Node[W]) -> tuple[int, int, Hashable]:
        """What tells the book of *node* from others, its auditor, and its world."""
        now_ns = node.world.now_ns
        book, known_ns, names, key = self._keyed
        if book is not node.book or known_ns != now_ns:
            names = Names(node.book)
            key = hash(canonical(node.book, names, now_ns))
            self._keyed = (node.book, now_ns, names, key)
        auditor, known_ns, audited = self._parted
        if auditor is not node.auditor or known_ns != now_ns:
            audited = hash(node.auditor.key(now_ns))
            self._parted = (node.auditor, now_ns, audited)
        return key, audited, self.world_key(node.world, names)

    def foretell(self, node: Node[W], step: Step[W]) -> int | None:
        """See :class:`~fsm_ems.testing.search.Scene`; nothing, unless a subclass knows better."""
        return None

    def take(self, node: Node[W], step: Step[W]) -> Node[W]:
        """What becomes of *node*, which stays as it is.

        Raises:
            Breach: a promise is broken.
        """
        given, world = step.given, step.world
        if given is None:
            after = Node(node.book, node.auditor, world)
            self.judge(after)
            return after
        book, spare = self._spare
        if book is not node.book:
            spare = clone(node.book)
        self.dispatcher.book = spare
        self._records.clear()
        outcome = put(self.dispatcher, given, world.now_ns)
        if self._records or isinstance(given, TimePassed):
            self._spare, book = _NO_SPARE, spare
            self._check_steps(outcome.effects)
            self._check_book(node.book, book, outcome)
        else:
            self._spare, book = (node.book, spare), node.book
        auditor = node.auditor.twin()
        auditor.observe(given, outcome, world.now_ns)
        auditor.compare(book)
        sends = [effect for effect in outcome.effects if isinstance(effect, Send)]
        after = Node(book, auditor, self.sent(world, sends) if sends else world)
        self.judge(after)
        return after

    def check_replay(self, before: Node[W], after: Node[W]) -> None:
        """P14: the records of the step just taken, applied to the book before it, give the book after it."""
        if before.book is after.book:
            return
        book, now_ns = clone(before.book), after.world.now_ns
        for record in self._records:
            apply(book, record)
        live, replayed = (canonical(one, Names(one), now_ns, clock=False) for one in (after.book, book))
        if live != replayed or book.streams != after.book.streams or book.seq != after.book.seq:
            raise Breach("P14", "replaying the records does not give the live book")

    def _check_steps(self, effects: Sequence[Effect]) -> None:
        """P7: only rows of the table, and each leads where the table says."""
        for effect in effects:
            if not isinstance(effect, Notice) or effect.record.event is None:
                continue
            state = effect.source
            for event in (effect.record.event, effect.record.then):
                if event is None:
                    continue
                edge = _EDGES.get((state, event))
                if edge is None:
                    raise Breach("P7", f"{state} has no row for {event}")
                self.edges.add(edge)
                state = ORDER.moves[state][event]
            if state is not effect.state:
                raise Breach("P7", f"{effect.record.event} led from {effect.source} to {effect.state}")

    def _check_book(self, before: Book, book: Book, outcome: Outcome) -> None:
        if outcome.refused is not None and book.seq != before.seq:
            raise Breach("P6", f"a command was refused ({outcome.refused}), and the book has changed")
        for dialog in book:
            if derive(dialog) is not dialog.state:
                raise Breach("P7", f"{dialog.oid} is {dialog.state}, and its facts say {derive(dialog)}")
