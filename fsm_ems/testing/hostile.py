"""One order, and a venue that may say anything at any time, within an alphabet.

Nothing is assumed of the venue: it fills what it never had, answers what was never sent, takes back what
it said. What must hold then is what the auditor knows, and that state and facts never part.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple

from fsm_ems.dialogs.asking import SendHistory
from fsm_ems.dialogs.facts import Dialog
from fsm_ems.dialogs.record import Send
from fsm_ems.dialogs.settings import Limits, Settings
from fsm_ems.messages import Cancel, Edit, Order
from fsm_ems.testing.breach import Breach
from fsm_ems.testing.canonical import Names
from fsm_ems.testing.inputs import Commanded, Fired, Heard, LinkMoved, TimePassed
from fsm_ems.testing.letters import BROKER, Letter, report_of
from fsm_ems.testing.scene import START_NS, DispatcherScene, Node, Step

_LED_MAX = 300_000
LOWERED = Decimal(1)
"""The largest size allowed once the limits were lowered."""


class Saying(NamedTuple):
    """A report the venue may make. *about*: which of the order's requests it names.

    ``order`` (the id in force), ``cancel`` and ``edit`` (those open), ``over`` (one that is answered), or
    None. *answers*: it answers the last question, or repeats the answer to an older one.
    """

    letter: Letter
    about: str | None = "order"
    answers: str | None = None


@dataclass(frozen=True, slots=True)
class Theme:
    """One order, what its owner may do and the venue may say.

    *grows*: filled orders can be increased. *lowers*: the limits may be lowered, as a restart can.
    """

    name: str
    order: Order
    sayings: tuple[Saying, ...]
    edits: tuple[Edit, ...] = ()
    cancels: int = 1
    link_losses: int = 1
    splits: int = 0
    grows: bool = False
    lowers: bool = False
    link: tuple[str, ...] = ("connect", "connected", "synced")


class Hostile(NamedTuple):
    """The world: what time it is, and how often something happened already."""

    now_ns: int
    cancels: int = 0
    link_losses: int = 0
    splits: int = 0
    lowered: bool = False


class HostileScene(DispatcherScene[Hostile]):
    """A theme, to be searched."""

    def __init__(self, theme: Theme, settings: Settings) -> None:
        world = Hostile(START_NS)
        super().__init__(theme.name, settings, world, link=theme.link, roles={"alice": "trader"})
        self._theme = theme
        self._settings = {
            False: settings,
            True: replace(settings, limits={"*": Limits(max_size=LOWERED)}),
        }
        self._led: dict[Hashable, tuple[int, int]] = {}
        self._causes = (Node(self._book, self._auditor, world), (0, 0))  # of the node that is expanded

    def take(self, node: Node[Hostile], step: Step[Hostile]) -> Node[Hostile]:
        """See :class:`DispatcherScene`; with the limits that are in force."""
        self.dispatcher.settings = self._settings[step.world.lowered]
        cause, after = self._cause(node, step), super().take(node, step)
        if len(self._led) >= _LED_MAX:
            self._led.clear()
        self._led[cause] = self.key(after)[:2]
        return after

    def foretell(self, node: Node[Hostile], step: Step[Hostile]) -> int | None:
        """Book and auditor do not see how often something may still happen: they become what they became."""
        led = self._led.get(self._cause(node, step))
        return None if led is None else hash((*led, step.world[1:]))

    def _cause(self, node: Node[Hostile], step: Step[Hostile]) -> Hashable:
        known, key = self._causes
        if known is not node:
            key = self.key(node)[:2]
            self._causes = (node, key)
        return *key, step.mark, step.world.lowered

    def sent(self, world: Hostile, sends: Sequence[Send]) -> Hostile:
        """Nothing larger than the limit in force leaves."""
        for send in sends:
            if isinstance(send, SendHistory):
                continue
            if world.lowered and send.size is not None and send.size > LOWERED:
                raise Breach("P12", f"{send.size} left, and no more than {LOWERED} is allowed")
        return world

    def judge(self, node: Node[Hostile]) -> None:
        """Only what is over a limit ends here."""
        dialog = node.book.dialog("alice", self._theme.order.oid)
        if dialog is None or dialog.state != "rejected" or dialog.reqid is not None:
            return
        if not node.world.lowered or dialog.size <= LOWERED:
            raise Breach("P12", f"{dialog.size} was held back, and no limit forbids it")

    def moves(self, node: Node[Hostile]) -> Sequence[Step[Hostile]]:
        dialog, world = node.book.dialog("alice", self._theme.order.oid), node.world
        steps = [*self._commands(dialog, world), *self._link(node)]
        self.dispatcher.book = node.book
        if self.dispatcher.next_due_ns() is not None:
            steps.append(Step(TimePassed(), world._replace(now_ns=world.now_ns + 1), mark="time"))
        if dialog is not None and dialog.reqid is not None and node.book.link_open(BROKER):
            steps += self._reports(dialog, world)
        if self._theme.lowers and not world.lowered:
            told = f"no more than {LOWERED} is allowed now"
            steps.append(Step(None, world._replace(lowered=True), told, mark="lowered"))
        return steps

    def world_key(self, world: Hostile, names: Names) -> Hashable:
        return world[1:]

    def _commands(self, dialog: Dialog | None, world: Hostile) -> Iterator[Step[Hostile]]:
        theme = self._theme
        oid = theme.order.oid
        if dialog is None:
            yield Step(Commanded("alice", theme.order), world, mark="order")
            return
        if world.cancels < theme.cancels:
            counted = world._replace(cancels=world.cancels + 1)
            yield Step(Commanded("alice", Cancel(oid=oid)), counted, mark="cancel")
        for edit in theme.edits:
            if edit.edit_id not in dialog.edit_ids:
                yield Step(Commanded("alice", edit), world, mark=edit.edit_id)
        if dialog.state in ("dark_open", "alert_open", "dark_triggered"):
            yield Step(Fired("alice", oid), world, mark="fired")

    def _link(self, node: Node[Hostile]) -> Iterator[Step[Hostile]]:
        world, state = node.world, node.book.links.get(BROKER)
        follows = {None: "connect", "connecting": "connected", "syncing": "synced"}.get(state)
        if follows is not None:
            yield Step(LinkMoved(BROKER, follows), world, mark=follows)
        if state in ("syncing", "up") and world.link_losses < self._theme.link_losses:
            counted = world._replace(link_losses=world.link_losses + 1)
            yield Step(LinkMoved(BROKER, "lost"), counted, mark="lost")

    def _reports(self, dialog: Dialog, world: Hostile) -> Iterator[Step[Hostile]]:
        for place, (letter, about, answers) in enumerate(self._theme.sayings):
            after = world
            if letter.split is not None:
                if world.splits >= self._theme.splits:
                    continue
                after = world._replace(splits=world.splits + 1)
            query: int | str | None = None
            if answers is not None:
                query = "stale" if answers == "stale" else dialog.asked
                if not query:
                    continue
            for which, reqid in enumerate(requests_of(dialog, about)):
                yield Step(_heard(letter, reqid or letter.reqid, query), after, mark=(place, which))


@lru_cache(maxsize=200_000)
def _heard(letter: Letter, reqid: int | str | None, query: int | str | None) -> Heard:
    return Heard(BROKER, report_of(letter._replace(reqid=reqid, query=query)))


def requests_of(dialog: Dialog, about: str | None) -> tuple[int | str | None, ...]:
    """The ids of *dialog* that a saying about *about* may name."""
    if about is None:
        return (None,)
    if about == "order":
        return () if dialog.reqid is None else (dialog.reqid,)
    if about == "cancel":
        return () if dialog.cancel is None or dialog.cancel.reqid is None else (dialog.cancel.reqid,)
    open_ids = tuple(edit.reqid for edit in dialog.edits if edit.reqid != "")  # nobody knows a stranger's
    if about == "edit":
        return open_ids
    if dialog.cancel is not None and dialog.cancel.reqid is not None:
        open_ids = (*open_ids, dialog.cancel.reqid)
    return tuple(reqid for reqid in dialog.reqids if reqid not in open_ids)[:1]
