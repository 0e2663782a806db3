"""One seed of the simulation, from its plan to its end."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from typing import NamedTuple

from fsm_ems.dialogs.record import Role
from fsm_ems.machines.order import ORDER
from fsm_ems.testing.breach import Breach
from fsm_ems.testing.search import Edge
from fsm_ems.testing.simulate_agree import differences, stated_before_busts
from fsm_ems.testing.simulate_clients import OBSERVER, Clients, rights, seen, traders
from fsm_ems.testing.simulate_ems import SimulatedEMS
from fsm_ems.testing.simulate_feed import Feed
from fsm_ems.testing.simulate_link import Link
from fsm_ems.testing.simulate_oracle import Oracle
from fsm_ems.testing.simulate_plan import SECOND, Fault
from fsm_ems.testing.simulate_venue import Venue
from fsm_ems.testing.simulate_world import START_NS, World

SECONDS_MAX = 300
"""How long things go wrong in the longest seeds."""
ROWS: frozenset[Edge] = frozenset((row.source.value, row.event.value) for row in ORDER.rows)
HEAL_S = 75
"""So long after the last fault everybody agrees."""
_MARKET_STOPS_S = 30
_LOOK_S = 3


class Ran(NamedTuple):
    """What became of a seed. *breach* None: nothing was broken. *agreed_s*: so long it took at the end.

    *stated*: in so many orders the venue had stated a size of which a bust undid what nobody saw.
    """

    seed: int
    events: int
    seconds: int
    trace: str
    faults: Counter[Fault]
    edges: frozenset[Edge]
    orders: int
    stated: int
    agreed_s: int
    breach: str | None
    recent: tuple[tuple[int, int, str], ...]


class Simulation:
    """Everything, wired."""

    def __init__(self, seed: int, seconds_max: int = SECONDS_MAX) -> None:
        self.seed = seed
        world = self.world = World(seed, seconds_max)
        owners = world.plan.owners
        self.oracle = Oracle(rights(owners))
        venue = Venue(world, self.oracle.venue)
        link = Link(world, venue)
        self.clients = Clients(world, self.oracle, self._middle)
        grants: list[tuple[str, Role, tuple[str, ...]]] = [(name, "trader", ()) for name in traders(owners)]
        grants.append((OBSERVER, "observer", seen(owners)))
        self.ems = SimulatedEMS(world, link, self.oracle, grants, self.clients.told, self.clients.resume)
        self.clients.ems = self.ems
        self.feed = Feed(world, venue, self.ems.quoted)
        self._venue = venue
        self.agreed_s = 0
        world.recur(Fault.LINK_BREAK, link.lose)
        world.recur(Fault.HALF_OPEN, link.fall_silent)
        world.recur(Fault.VENUE_RESTART, link.restart_venue)
        world.recur(Fault.BUST, venue.bust)
        world.recur(Fault.CORRECTION, venue.correct)
        world.recur(Fault.VENUE_CANCEL, venue.cancel)
        world.recur(Fault.HALTED_ORDER, venue.hold)
        world.recur(Fault.CRASH, self.ems.crash)
        world.recur(Fault.POWER_CUT, self.ems.power_cut)
        world.recur(Fault.CLOCK_JUMP, self.ems.jump)

    def _middle(self, market: str) -> Decimal:
        return self.feed.middle(market)

    def run(self) -> None:
        """Faults first, then none.

        Raises:
            Breach: a promise is broken.
        """
        world, ends_ns = self.world, START_NS + self.world.plan.seconds * SECOND
        world.after(0, "start", self.ems.start)
        self.clients.begin()
        self._tick()
        world.run(ends_ns)
        world.note("faults stop")
        world.healed = True
        for second in range(1, HEAL_S + 1):
            world.run(ends_ns + second * SECOND)
            if second == _MARKET_STOPS_S:
                self.feed.stopped = True
            if second % _LOOK_S == 0 and second < HEAL_S and self._differ():
                self.agreed_s = second + _LOOK_S
        self._judge()

    def _tick(self) -> None:
        """The venue notices that time passes, for what expires there."""
        self._venue.tick()
        self.world.after(SECOND, "tick", self._tick)

    def _differ(self) -> bool:
        return next(differences(self.ems, self.oracle, whole=False), None) is not None

    def _judge(self) -> None:
        ems, oracle = self.ems, self.oracle
        for difference in differences(ems, oracle, whole=True):
            raise Breach("P13", f"{HEAL_S} s after the last fault: {difference}")
        ems.check_replay()
        oracle.wishes_kept(ems.book)
        oracle.bounded(ems.book, ems.settings)
        if oracle.log.wishes:
            raise Breach("P5", f"{min(oracle.log.wishes)} was to be cancelled, and lives")


def run(seed: int, seconds_max: int = SECONDS_MAX) -> Ran:
    """Run one seed."""
    simulation = Simulation(seed, seconds_max)
    world, breach = simulation.world, None
    try:
        simulation.run()
    except Breach as broken:
        breach = str(broken)
    return Ran(
        seed,
        world.events,
        (world.now_ns - START_NS) // SECOND,
        world.trace,
        world.faults,
        frozenset(simulation.oracle.edges),
        len(simulation.oracle.venue.orders),
        stated_before_busts(simulation.ems, simulation.oracle),
        simulation.agreed_s,
        breach,
        tuple(world.recent),
    )
