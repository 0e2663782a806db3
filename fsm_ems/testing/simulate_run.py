"""One seed of the simulation, from its plan to its end."""

from __future__ import annotations

import traceback
from collections import Counter
from typing import NamedTuple

from fsm_ems.dialogs.record import Notice, Role
from fsm_ems.machines.link import LINK
from fsm_ems.machines.order import ORDER
from fsm_ems.testing.breach import Breach
from fsm_ems.testing.search import Edge
from fsm_ems.testing.simulate_agree import differences, stated_before_busts
from fsm_ems.testing.simulate_bounds import check_tables
from fsm_ems.testing.simulate_clients import OBSERVER, Clients, rights, seen, traders
from fsm_ems.testing.simulate_ems import SimulatedEMS
from fsm_ems.testing.simulate_faults import Fault
from fsm_ems.testing.simulate_feed import Feed
from fsm_ems.testing.simulate_link import Link
from fsm_ems.testing.simulate_log import LinkEdge
from fsm_ems.testing.simulate_oddities import Oddities
from fsm_ems.testing.simulate_offences import Offences
from fsm_ems.testing.simulate_oracle import Oracle
from fsm_ems.testing.simulate_plan import SECOND
from fsm_ems.testing.simulate_venue import Venue
from fsm_ems.testing.simulate_wishes import Wishes
from fsm_ems.testing.simulate_world import START_NS, World

SECONDS_MAX = 100
"""How long things go wrong in the longest seeds."""
ROWS: frozenset[Edge] = frozenset((row.source.value, row.event.value) for row in ORDER.rows)
LINK_ROWS: frozenset[LinkEdge] = frozenset((row.source.value, row.event.value) for row in LINK.rows)
FAILED = "a step has failed"
"""How the breach of a seed begins in which a step raised something else than a broken promise."""
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
    link_edges: frozenset[LinkEdge]
    venues: int
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
        owners, brokers = world.plan.owners, world.plan.brokers
        oracle = self.oracle = Oracle(brokers, rights(owners))
        self.venues = {broker: Venue(world, oracle.venues[broker]) for broker in brokers}
        links = {broker: Link(world, venue) for broker, venue in self.venues.items()}
        grants: list[tuple[str, Role, tuple[str, ...]]] = [(name, "trader", ()) for name in traders(owners)]
        grants.append((OBSERVER, "observer", seen(owners)))
        ems = self.ems = SimulatedEMS(world, links, oracle, grants, self._told, self._resume)
        self.feed = Feed(world, self.venues, ems.quoted)
        wishes = Wishes(world, self.feed.middle)
        self.clients = Clients(world, oracle, wishes, ems)
        self.agreed_s = 0
        for broker, link in links.items():
            world.recur(Fault.LINK_BREAK, link.lose)
            world.recur(Fault.HALF_OPEN, link.fall_silent)
            world.recur(Fault.VENUE_RESTART, link.restart_venue)
            world.recur(Fault.VENUE_PAUSE, link.pause_venue)
            Oddities(self.venues[broker], self.feed.middle).begin()
        world.recur(Fault.CRASH, ems.crash)
        world.recur(Fault.POWER_CUT, ems.power_cut)
        world.recur(Fault.FULL_DISK, ems.disk.fill)
        world.recur(Fault.CLOCK_JUMP, ems.jump)
        Offences(world, ems, self.clients, wishes, oracle.submitted).begin()

    def _told(self, notice: Notice) -> None:
        self.clients.told(notice)

    def _resume(self) -> None:
        self.clients.resume()

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
        self.clients.hurry()
        for second in range(1, HEAL_S + 1):
            world.run(ends_ns + second * SECOND)
            if second == _MARKET_STOPS_S:
                self.feed.stopped = True
            if second % _LOOK_S == 0 and second < HEAL_S and self._differ():
                self.agreed_s = second + _LOOK_S
        self._judge()

    def _tick(self) -> None:
        """The venues notice that time passes, for what expires there."""
        for venue in self.venues.values():
            venue.tick()
        self.world.after(SECOND, "tick", self._tick)

    def _differ(self) -> bool:
        return next(differences(self.ems, self.oracle, whole=False), None) is not None

    def _judge(self) -> None:
        ems, oracle = self.ems, self.oracle
        for difference in differences(ems, oracle, whole=True):
            raise Breach("P13", f"{HEAL_S} s after the last fault: {difference}")
        ems.check_replay()
        oracle.wishes_kept(ems.book)
        check_tables(ems.book)
        if oracle.log.wishes:
            raise Breach("P5", f"{min(oracle.log.wishes)} was to be cancelled, and lives")


def run(seed: int, seconds_max: int = SECONDS_MAX) -> Ran:
    """Run one seed."""
    simulation = Simulation(seed, seconds_max)
    world, oracle, breach = simulation.world, simulation.oracle, None
    try:
        simulation.run()
    except Breach as broken:
        breach = str(broken)
    except Exception:  # noqa: BLE001  # whatever a step raises is what the simulation was looking for
        breach = f"{FAILED}\n{traceback.format_exc()}"
    return Ran(
        seed,
        world.events,
        (world.now_ns - START_NS) // SECOND,
        world.trace,
        world.faults,
        frozenset(oracle.edges),
        frozenset(oracle.link_edges | oracle.log.link_edges),
        len(oracle.venues),
        sum(len(venue.orders) for venue in oracle.venues.values()),
        stated_before_busts(simulation.ems, oracle),
        simulation.agreed_s,
        breach,
        tuple(world.recent),
    )
