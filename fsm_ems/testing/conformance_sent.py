"""The requests that the kit's EMS handed to the adapter, and what the adapter still answers for."""

from __future__ import annotations

from dataclasses import dataclass, field

import trio

from fsm_ems.messages import Request
from fsm_ems.testing.conformance_orders import Reqid

PATIENCE_S = 60
"""How long, on the mock clock, an adapter may take for what it does by itself."""
CONNECTED_S = 10
"""How long after it connected it is done with that, where nobody has asked for anything yet."""


@dataclass
class Sending:
    """A request, the *number*-th, handed to the adapter on the connection *link*; what became of the call.

    *came_back_ns* is when it came back, to the turn: an adapter that looks at the deadline, as it should,
    sends until then and lets go from then on.
    """

    request: Request
    link: int
    number: int
    scope: trio.CancelScope = field(default_factory=trio.CancelScope)
    done: trio.Event = field(default_factory=trio.Event)
    fault: Exception | None = None
    was_cut: bool = False
    came_back_ns: int = 0
    was_heard: bool = False

    @property
    def came_back(self) -> bool:
        """Whether the call came back by itself and raised nothing, in time or not."""
        return self.done.is_set() and self.fault is None and not self.was_cut

    @property
    def in_time(self) -> bool:
        """Whether it came back before the deadline; the request of one that did not may have been let go."""
        return self.came_back_ns < self.request.deadline_ns

    @property
    def was_taken(self) -> bool:
        """Whether the adapter answers for it, whatever else it had to do: it came back in time."""
        return self.came_back and self.in_time

    @property
    def was_let_go(self) -> bool:
        """Whether it came back too late for its request to reach the venue any more."""
        return self.came_back and not self.in_time and not self.was_heard


class SentRequests:
    """All of them by their ids; *here* are those of this connection.

    *busy_s* is when the last call, or the last connection, was done.
    """

    def __init__(self) -> None:
        self.by_reqid: dict[Reqid, Sending] = {}
        self.here: list[Sending] = []
        self.busy_s = 0.0

    def connected(self) -> None:
        """What was sent before was sent on another connection."""
        self.here, self.busy_s = [], trio.current_time()

    def add(self, request: Request, link: int) -> Sending:
        """One more, about to be handed over on the connection *link*."""
        sending = Sending(request, link, self.next_number)
        self.by_reqid[request.reqid] = sending
        self.here.append(sending)
        return sending

    @property
    def next_number(self) -> int:
        """The number of the next one."""
        return len(self.by_reqid) + 1

    @property
    def on_the_way(self) -> list[Sending]:
        """Those of this connection that may reach the venue yet."""
        return [sending for sending in self.here if not sending.was_heard and sending.fault is None]

    @property
    def unheard(self) -> list[Request]:
        """Those of this connection that the adapter took, and that did not reach the venue."""
        return [sending.request for sending in self.on_the_way if sending.was_taken]

    @property
    def backlog_s(self) -> int:
        """How long what was asked may hold up what is asked next.

        Calls are made one after the other, so that before a new one only the last can have left something
        to wait for, such as the rest of a venue's minute; and each that was cut, for it took no time.
        """
        return PATIENCE_S * (1 + sum(sending.was_cut for sending in self.by_reqid.values()))

    @property
    def nothing_to_wait_for(self) -> bool:
        """Whether a request that is handed over now has none before it that could make it late."""
        needed_s = self.backlog_s if self.by_reqid else CONNECTED_S
        return trio.current_time() - self.busy_s >= needed_s
