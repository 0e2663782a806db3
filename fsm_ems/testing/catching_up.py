"""The honest venue again, which also tells its history: whatever a lost link hid must come to light."""

from __future__ import annotations

from collections.abc import Iterator

from fsm_ems.dialogs.asking import SendHistory
from fsm_ems.dialogs.record import Send
from fsm_ems.testing.honest import Honest, HonestScene, Venue
from fsm_ems.testing.inputs import LinkMoved
from fsm_ems.testing.letters import Letter
from fsm_ems.testing.scene import Node, Step


class CatchingUpScene(HonestScene):
    """One order at a venue that lists what is open and what was executed; the link is up once it has."""

    def _link(self, node: Node[Honest]) -> Iterator[Step[Honest]]:
        for step in super()._link(node):
            if not (isinstance(step.given, LinkMoved) and step.given.event == "synced"):
                yield step

    def _arrives(self, world: Honest, request: Send, how: str) -> Iterator[Step[Honest]]:
        if isinstance(request, SendHistory):
            yield Step(None, world.post(_told(world.venue, request)), f"the question for all {how}")
        else:
            yield from super()._arrives(world, request, how)

    def _hidden(self, world: Honest, booked: frozenset[str]) -> bool:
        return False  # the list of executions tells


class GoneScene(CatchingUpScene):
    """The venue has ended the order, and the report of it was lost in a stream that looked healthy.

    *before* are the first steps, each by a part of what is told of it; what is under way after them is lost.
    """

    before: tuple[str, ...] = ()

    def start(self) -> Node[Honest]:
        node = super().start()
        for part in self.before:
            step = next(step for step in self.moves(node) if part in self.tell(step))
            node = self.take(node, step)
        venue = node.world.venue._replace(state="cancelled")
        return node._replace(world=node.world._replace(venue=venue, to_venue=(), to_ems=()))


def _told(venue: Venue, request: SendHistory) -> Letter:
    lives = venue.state == "live"
    return Letter(
        "history",
        request.reqid,
        order=venue.reqid,
        execs=venue.execs,
        cum=venue.cum if lives else None,
        size=venue.size if lives else None,
        price=venue.price if lives else None,
    )
