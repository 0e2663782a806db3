"""The judge of the crash searches: what an owner was promised, what the venue has, what the journal keeps.

It knows neither the order table nor a decision: only what left the EMS, what a venue did, and the facts of an
order as they stand in the book and in the book that a crash would leave.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from fsm_ems.testing.breach import Breach

DEAD = frozenset({"cancelled", "rejected", "expired"})
OVER = frozenset({"filled", *DEAD})


class Shown(NamedTuple):
    """An order as a book has it."""

    state: str
    size: int
    booked: int
    filled: int
    execs: frozenset[str]
    wanted: bool
    sent: bool
    acked: bool
    missed: bool
    editing: bool


class Resting(NamedTuple):
    """An order as the venue has it: ``live`` or over. *name* is the request that it goes by."""

    name: str
    size: int
    price: str
    cum: int = 0
    state: str = "live"


class Owner(NamedTuple):
    """What the owner of one order did and was promised.

    *submits*, *cancels* and *edits* were given; *accepted*: told that the order is taken; *told*: the end
    that was told last; *promised*: told that the cancel is taken; *refused*: the venue has refused, for good,
    to cancel the order that it had.
    """

    submits: int = 0
    cancels: int = 0
    edits: int = 0
    accepted: bool = False
    told: str = ""
    promised: bool = False
    refused: bool = False


def accepts(known: Resting | None, name: str) -> bool:
    """Whether a venue takes the order *name*: ids are unique among its open orders alone.

    Raises:
        Breach: P1: it takes a second order for what the owner has asked for once.
    """
    if known is None:
        return True
    if known.state == "live" and known.name == name:
        return False
    raise Breach("P1", f"the venue takes {name}, and it had taken {known.name} before: it is sent twice")


def judge(
    owner: Owner, resting: Resting | None, now: Shown | None, kept: Shown | None, *, comes: bool
) -> None:
    """Hold one order against the promises; *kept* is what a crash would leave of *now*.

    *comes*: a request is under way by which the venue may still take the order. Told filled while an edit is
    out, the owner knows that it may have crossed the last execution, and left more to trade: then that is
    told next.

    Raises:
        Breach: a promise is broken.
    """
    if owner.accepted and kept is None:
        raise Breach("P2", "the owner was told that the order is taken, and the journal does not have it")
    crossed = owner.told == "filled" and (
        kept is None or kept.state != "filled" or kept.editing or (now is not None and now.editing)
    )
    if owner.told and not crossed:
        _judge_end(owner.told, resting, comes=comes)
    for shown in (now, kept):
        if shown is not None:
            _judge_fills(shown, resting)
    alive = comes if resting is None else resting.state == "live"
    if owner.promised and not owner.refused and alive:
        for shown, where in ((now, "the EMS"), (kept, "the journal")):
            if shown is None or not shown.wanted:
                raise Breach("P5", f"the owner was told that it is being cancelled, and {where} forgot it")


def _judge_end(told: str, resting: Resting | None, *, comes: bool) -> None:
    stands = "unknown" if resting is None else resting.state
    if told == "filled" and stands != "filled":
        raise Breach("P2", f"the owner was told filled, and the venue has it {stands}")
    if told in DEAD and (comes or stands == "live"):
        how = "may still take it" if resting is None else "has it live"
        raise Breach("P2", f"the owner was told {told}, and the venue {how}")
    if told in DEAD and resting is not None and stands != told:
        raise Breach("P2", f"the owner was told {told}, and the venue has it {stands}")


def _judge_fills(shown: Shown, resting: Resting | None) -> None:
    made = 0 if resting is None else resting.cum
    if shown.booked != len(shown.execs):
        raise Breach("P3", f"{len(shown.execs)} executions of one unit are booked as {shown.booked}")
    if shown.booked > made or shown.filled > made:
        raise Breach("P3", f"{shown.filled} are filled, {shown.booked} are booked, and {made} traded")


class Venue(NamedTuple):
    """*heeds*: it refuses what comes after its deadline. *lists*: it tells its history."""

    heeds: bool
    lists: bool


def agree(owner: Owner, resting: Resting | None, shown: Shown | None, venue: Venue) -> bool:
    """Whether EMS and venue have the same order, and nothing that was promised is open.

    Where requests are taken after their deadline, the absence of an order can never be proved: that it stays
    ``unknown`` is all that can be told. Of executions that a lost link hid, only a history tells; where there
    is none, their size is known all the same.
    """
    if shown is None:
        return resting is None and not owner.accepted
    if owner.promised and not owner.refused and resting is not None and resting.state == "live":
        return False
    if resting is None:
        if shown.state == "unknown":
            return not venue.heeds and not shown.acked and shown.missed
        return shown.state in ("cancelled", "rejected", "dark_open", "expired")
    same = shown.filled == resting.cum and not shown.editing
    if venue.lists:
        same = same and shown.booked == resting.cum
    if shown.state == "filled" and shown.editing:
        return True  # nobody asks what came of an edit that crossed the last execution
    if resting.state != "live":
        return same and shown.state == resting.state
    return same and shown.size == resting.size and shown.state in ("acked", "open")


def settled(pairs: Sequence[tuple[Owner, Resting | None, Shown | None]], venue: Venue) -> bool:
    """Whether that is so of every order."""
    return all(agree(owner, resting, shown, venue) for owner, resting, shown in pairs)
