"""What may happen next in a situation of the crash searches."""

from __future__ import annotations

from collections.abc import Sequence

from fsm_ems.messages import Cancel, Command
from fsm_ems.testing.audit_restart import Venue
from fsm_ems.testing.letters import BROKER
from fsm_ems.testing.restart_books import Books, Summary
from fsm_ems.testing.restart_letters import Request
from fsm_ems.testing.restart_world import CrashTheme, Move, World
from fsm_ems.testing.search import Edge

_TAIL_MAX = 2
"""Groups that may wait for the disk; as many as that, and the EMS takes nothing before a sync."""
_UNHEALED = frozenset(
    {"crash", "lose", "double", "vanish", "command", "fill", "end", "refuse", "quote", "shift"}
)
_ENDS = frozenset({"cancelled", "rejected", "expired", "filled"})


class CrashMoves:
    """The steps of a theme."""

    def __init__(self, theme: CrashTheme) -> None:
        self.name = theme.name
        self.theme = theme
        commands: list[Command] = []
        self._submits: list[int] = []
        self._cancels: list[int] = []
        self._edits: list[tuple[int, ...]] = []
        for order in theme.orders:
            self._submits.append(len(commands))
            self._cancels.append(len(commands) + 1)
            commands += [order, Cancel(oid=order.oid)]
            edits = [edit for edit in theme.edits if edit.oid == order.oid]
            self._edits.append(tuple(range(len(commands), len(commands) + len(edits))))
            commands += edits
        self.commands = commands
        self.books = Books(theme.settings, theme.orders, commands=commands, rows=theme.rows, skew=theme.skew)
        self.edges: set[Edge] = self.books.edges
        able = theme.settings.capabilities(BROKER)
        self.able = Venue(able.deadline, able.history)
        self.oids = tuple(order.oid for order in theme.orders)

    def current(self, world: World) -> int:
        """The book as the process has it; of one that is down, the book that its journal gives."""
        for number in reversed(world.tail):
            books = self.books.groups[number].books
            if books:
                return books[-1]
        return world.base

    def summary(self, world: World) -> Summary:
        """The same, as far as the world looks at it."""
        return self.books.summaries[self.current(world)]

    def moves(self, world: World) -> Sequence[Move]:
        moves: list[Move] = []
        theme, summary = self.theme, self.summary(world)
        if world.tail:
            moves.append(("sync",))
        if world.up:
            takes = len(world.tail) < _TAIL_MAX
            if takes:
                self._inputs(world, summary, moves)
            linked = summary.link != "connecting"
            if linked and world.link_losses < theme.link_losses:
                moves.append(("lose",))
        else:
            takes = True
            moves.append(("start",))
        self._network(world, moves)
        self._venue(world, moves)
        if takes:
            self._time(world, moves)
        if world.crashes < theme.crashes:
            moves += [("crash", number) for number in self._kept(world)] if world.up else []
        return moves

    def _kept(self, world: World) -> list[int]:
        """The books that a crash may leave: of what is not durable any first part."""
        kept = {world.base: None}
        for number in world.tail:
            kept |= dict.fromkeys(self.books.groups[number].books)
        return list(kept)

    def _inputs(self, world: World, summary: Summary, moves: list[Move]) -> None:
        theme = self.theme
        for place, owner in enumerate(world.owners):
            shown = summary.orders[place]
            if owner.submits <= theme.retries:
                moves.append(("command", self._submits[place], place))
            if shown is None or shown.state in _ENDS:
                continue
            if owner.cancels < theme.cancels:
                moves.append(("command", self._cancels[place], place))
            edits = self._edits[place]
            if owner.edits < len(edits) and not shown.wanted:
                moves.append(("command", edits[owner.edits], place))
        if summary.link == "connecting":
            moves.append(("connect",))
        for number in world.to_ems:
            moves.append(("hear", number))
            if world.doubles < theme.doubles:
                moves.append(("double", number))
        if theme.rows and any(shown and shown.state == "dark_open" for shown in summary.orders):
            moves += [("quote", number) for number in range(len(theme.rows))]

    def _network(self, world: World, moves: list[Move]) -> None:
        seen = -1
        for number in world.to_venue:
            if number == seen:
                continue
            seen, request = number, self.books.requests[number]
            views = len(world.old) + 1 if request.verb in ("query", "history") else 1
            moves += [("arrive", number, view) for view in range(views) if self._differs(world, view)]
            if request.verb in ("query", "history"):
                continue
            if request.verb == "cancel" and world.refusals < self.theme.refusals:
                moves.append(("refuse", number))
            if not self.able.heeds or request.left < -self.theme.skew:
                moves.append(("vanish", number))

    @staticmethod
    def _differs(world: World, view: int) -> bool:
        """Whether what the venue had *view* ticks ago is not what it has had since."""
        if not view:
            return True
        newer = world.venue if view == 1 else world.old[1 - view]
        return world.old[-view] != newer

    def _venue(self, world: World, moves: list[Move]) -> None:
        for place, resting in enumerate(world.venue):
            if resting is not None and resting.state == "live":
                moves.append(("fill", place))
                if world.ends < self.theme.ends:
                    moves.append(("end", place))

    def _time(self, world: World, moves: list[Move]) -> None:
        if self.theme.ticks is None or world.ticks < self.theme.ticks:
            moves.append(("tick",))
        if world.shifts < self.theme.shifts:
            ticks = range(-self.theme.skew, self.theme.skew + 1)
            moves += [("shift", ahead) for ahead in ticks if ahead != world.ahead]

    def comes(self, world: World, place: int) -> bool:
        """Whether a request is under way by which the venue may still take the order."""
        for number in world.to_venue:
            request = self.books.requests[number]
            if request.verb == "order" and request.place == place:
                return not self.late(world, request)
        return False

    def late(self, world: World, request: Request) -> bool:
        return self.able.heeds and world.ahead > request.left

    def foretell(self, world: World, move: Move) -> int | None:
        """Nothing: what a process that may die becomes, depends on all of its world."""
        return None

    def heals(self, move: Move) -> bool:
        """Whether *move* is no fault, and no wish: what is left once faults have ended."""
        return move[0] not in _UNHEALED
