"""The link between the EMS and the venue: it breaks, goes silent, doubles, delays, reorders and loses.

Reports are lost with the link as on a stream of bytes, and in some seeds one by one, but for those that undo
an execution: only a connection makes a venue tell them again.

A request that was under way may still arrive when its link is gone, even past its deadline. The pauses
between attempts are those of the service.
"""

from __future__ import annotations

from typing import Protocol

from fsm_ems.dialogs.asking import SendHistory
from fsm_ems.dialogs.record import Send, SendOrder
from fsm_ems.machines.link import LinkEvent
from fsm_ems.messages import (
    AnyReport,
    BrokerdBust,
    BrokerdCorrection,
    BrokerdFill,
    BrokerdOrderAck,
    VenueReport,
)
from fsm_ems.testing.simulate_faults import Fault
from fsm_ems.testing.simulate_plan import MS, SECOND
from fsm_ems.testing.simulate_venue import Venue
from fsm_ems.testing.simulate_world import World

RETRY_FIRST_NS = SECOND // 2
RETRY_MAX_NS = 30 * SECOND
_DELAYS_MS = (1_000, 5_000, 12_000)
NOTICED_NS = 8 * SECOND
"""A heartbeat notices by then that a link is silent."""
_AWAY_MAX_NS = 8 * SECOND
"""How long a venue that restarts is away."""


class Side(Protocol):
    """The EMS, as its link sees it."""

    def moved(self, broker: str, event: LinkEvent) -> None: ...

    def heard(self, broker: str, report: AnyReport) -> None: ...


class Link:
    """To one venue, one connection at a time; *number* tells them apart."""

    def __init__(self, world: World, venue: Venue) -> None:
        self._world = world
        self._venue = venue
        self.broker = venue.broker
        self._side: Side | None = None
        self.number = 0
        self._open = False
        self._silent = False
        self._pause = RETRY_FIRST_NS
        self._since_ns = 0
        self._last_ns = 0
        venue.tell = self.tell

    # ── connections ─────────────────────────────────────────────────────────────────────────────────

    def keep(self, side: Side) -> None:
        """A process is up, and wants its venue."""
        self._side = side
        self._pause = RETRY_FIRST_NS
        self.number += 1
        side.moved(self.broker, LinkEvent.CONNECT)
        self._attempt_later(self._world.between(1, 200) * MS)

    def drop(self) -> None:
        """The process is gone, and its connection with it."""
        self._side = None
        self._open = False
        self.number += 1

    def _attempt_later(self, delay_ns: int) -> None:
        number = self.number
        self._world.after(delay_ns, f"connect to {self.broker}", lambda: self._attempt(number))

    def _attempt(self, number: int) -> None:
        side = self._side
        if number != self.number or side is None:
            return
        if self._venue.away or self._world.chance(Fault.NO_CONNECTION):
            side.moved(self.broker, LinkEvent.LOST)
            self._wait()
            return
        self.number += 1
        self._open, self._silent = True, False
        self._since_ns = self._last_ns = self._world.now_ns
        side.moved(self.broker, LinkEvent.CONNECTED)
        if self._open:  # unless that killed the process
            self._venue.retell()

    def _wait(self) -> None:
        pause, self._pause = self._pause, min(self._pause * 2, RETRY_MAX_NS)
        self._attempt_later(pause)

    def lose(self) -> bool:
        """The connection breaks, and that is noticed at once; False where there is none."""
        side = self._side
        if not self._open or side is None:
            return False
        self._open = False
        self.number += 1
        if self._world.now_ns - self._since_ns > RETRY_MAX_NS:
            self._pause = RETRY_FIRST_NS
        number = self.number
        side.moved(self.broker, LinkEvent.LOST)
        if self.number == number:
            self._wait()
        return True

    def fall_silent(self) -> bool:
        """The connection is gone, and nobody notices at first."""
        if not self._open or self._silent:
            return False
        self._silent = True
        number = self.number
        self._world.after(
            self._world.between(1, NOTICED_NS // MS) * MS,
            "silence is noticed",
            lambda: self._noticed(number),
        )
        return True

    def _noticed(self, number: int) -> None:
        if number == self.number:
            self.lose()

    def restart_venue(self) -> bool:
        """The venue goes away for a while, with its connections, and another process takes its place."""
        return self._leave(anew=True)

    def pause_venue(self) -> bool:
        """The venue goes away for a while and hears nothing; its connections last, as behind a gateway."""
        return self._leave(anew=False)

    def _leave(self, *, anew: bool) -> bool:
        venue, world = self._venue, self._world
        if venue.away:
            return False
        venue.away = True
        world.note(f"{self.broker} goes away")
        if anew:
            self.lose()
        away_ns = world.between(MS, _AWAY_MAX_NS)
        world.after(away_ns, f"{self.broker} is back", lambda: venue.come_back(anew=anew))
        return True

    # ── requests ────────────────────────────────────────────────────────────────────────────────────

    def send(self, send: Send) -> None:
        """A request leaves on the connection that there is."""
        world, number = self._world, self.number
        if not self._open or self._silent:
            world.faults[Fault.LOST_REQUEST] += 1
            return
        world.note(_text(send))
        delay_ns = world.between(1, world.plan.latency_ms) * MS
        if not isinstance(send, SendHistory):
            if world.chance(Fault.DELAYED_REQUEST):
                delay_ns += world.between(100, world.rng.choice(_DELAYS_MS)) * MS
            if world.chance(Fault.DOUBLED_REQUEST):
                later_ns = delay_ns + world.between(1, 9_000) * MS
                world.after(later_ns, "request", lambda: self._arrive(send, number))
        world.after(delay_ns, "request", lambda: self._arrive(send, number))

    def _arrive(self, send: Send, number: int) -> None:
        if number != self.number and self._world.rng.randrange(2):
            self._world.faults[Fault.LOST_REQUEST] += 1  # it went with its connection
            return
        self._venue.arrive(send)

    # ── reports ─────────────────────────────────────────────────────────────────────────────────────

    def tell(self, report: VenueReport) -> None:
        """The venue says something to whoever is connected."""
        world, number = self._world, self.number
        if not self._open or self._silent:
            world.faults[Fault.LOST_REPORT] += 1
            return
        if not isinstance(report, BrokerdBust | BrokerdCorrection) and world.chance(Fault.HOLE):
            return
        arrival_ns = max(self._last_ns, world.now_ns + world.between(1, world.plan.latency_ms) * MS)
        if isinstance(report, BrokerdFill) and world.chance(Fault.LATE_FILL):
            arrival_ns += world.between(500, 10_000) * MS
        elif isinstance(report, BrokerdOrderAck) and world.chance(Fault.LATE_ACK):
            arrival_ns += world.between(20, 4_000) * MS
        elif world.chance(Fault.DELAYED_REPORT):
            arrival_ns += world.between(500, 9_000) * MS
        elif world.chance(Fault.REORDERED_REPORT):
            arrival_ns += world.between(5, 400) * MS
        else:
            self._last_ns = arrival_ns
        world.at(arrival_ns, "report", lambda: self._hear(report, number))
        if world.chance(Fault.DOUBLED_REPORT):
            again_ns = arrival_ns + world.between(0, 5_000) * MS
            world.at(again_ns, "report", lambda: self._hear(report, number))

    def _hear(self, report: VenueReport, number: int) -> None:
        if number != self.number or self._silent or self._side is None:
            self._world.faults[Fault.LOST_REPORT] += 1
            return
        self._side.heard(self.broker, report)


def _text(send: Send) -> str:
    if isinstance(send, SendHistory):
        return f"sent: history {send.reqid}"
    if isinstance(send, SendOrder):
        return f"sent: order {send.reqid}, {send.side} {send.size} {send.market} at {send.price}"
    return f"sent: {send.verb} {send.reqid} of {send.target}, {send.size} at {send.price}"
