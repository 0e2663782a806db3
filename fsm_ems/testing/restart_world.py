"""One situation of the crash searches as a value, and what bounds them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

from fsm_ems.dialogs.settings import Settings
from fsm_ems.messages import Edit, Order
from fsm_ems.quotes import Row
from fsm_ems.testing.audit_restart import Owner, Resting


@dataclass(frozen=True, slots=True)
class CrashTheme:
    """What is searched: orders, and how often each thing may go wrong on one path.

    *retries* is how often an owner submits the same order again, *cancels* how often each is cancelled.
    Past *ticks* no time passes any more: then nobody asks whether all agree in the end; None sets no bound.
    *skew* is by how many ticks the clocks may differ, and *shifts* how often one of them is set; *lag* is by
    how many ticks the venue's reads may be behind.
    """

    name: str
    orders: tuple[Order, ...]
    settings: Settings
    edits: tuple[Edit, ...] = ()
    rows: tuple[Row, ...] = ()
    crashes: int = 1
    retries: int = 0
    cancels: int = 0
    link_losses: int = 0
    doubles: int = 0
    ends: int = 0
    refusals: int = 0
    ticks: int | None = None
    skew: int = 0
    shifts: int = 1
    lag: int = 0
    opens: bool = False


class World(NamedTuple):
    """One situation. *base* is the book that the durable records give, *tail* what was appended since.

    *ahead* is by how much the venue's clock is ahead; *old* what it had when its last ticks came. The last
    numbers count what went wrong already.
    """

    base: int
    tail: tuple[int, ...]
    ahead: int
    venue: tuple[Resting | None, ...]
    old: tuple[tuple[Resting | None, ...], ...]
    to_venue: tuple[int, ...]
    to_ems: tuple[int, ...]
    owners: tuple[Owner, ...]
    up: bool = True
    crashes: int = 0
    link_losses: int = 0
    doubles: int = 0
    ends: int = 0
    refusals: int = 0
    shifts: int = 0
    ticks: int = 0


Move = tuple[Any, ...]
"""The name of a step and what it is about."""


def live(world: World, place: int) -> Resting:
    """The order that rests there."""
    resting = world.venue[place]
    assert resting is not None, "it was asked for what rests"
    return resting


def with_resting(world: World, place: int, resting: Resting | None) -> World:
    """*world*, where the venue has that order otherwise."""
    venue = world.venue
    return world._replace(venue=(*venue[:place], resting, *venue[place + 1 :]))


def with_owner(world: World, place: int, owner: Owner) -> World:
    """*world*, where the order's owner did or was told more."""
    owners = world.owners
    return world._replace(owners=(*owners[:place], owner, *owners[place + 1 :]))
