"""The lives of orders that crash points are taken from: each function is one scenario at a desk."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from decimal import Decimal

from fsm_ems.machines.link import LinkEvent
from fsm_ems.messages import (
    BrokerdBust,
    BrokerdCorrection,
    BrokerdFill,
    BrokerdOrderAck,
    BrokerdRefused,
    BrokerdReplaced,
    BrokerdStatus,
    OrderDetails,
)
from fsm_ems.testing.crash_scene import SETTINGS, OrderScene, Script
from fsm_ems.testing.crash_stage import MARKET, Desk, checkpoint_every

Play = Callable[[Desk], Awaitable[None]]


async def _rest(desk: Desk, oid: str, owner: str = "main", **fields: object) -> None:
    """An order that the venue has."""
    await desk.submit(oid, owner, **fields)
    reqid = desk.reqid(oid, owner)
    await desk.report(
        BrokerdOrderAck(reqid=reqid, venue_id=_venue_id(oid, owner)),
        BrokerdStatus(reqid=reqid, status="open"),
    )


def _venue_id(oid: str, owner: str = "main") -> str:
    return f"V-{owner}-{oid}"


def _fill(oid: str, exec_id: str, size: int = 1, owner: str = "main") -> BrokerdFill:
    return BrokerdFill(venue_id=_venue_id(oid, owner), exec_id=exec_id, size=Decimal(size), price=Decimal(94))


def _ended(oid: str, owner: str = "main") -> BrokerdStatus:
    return BrokerdStatus(venue_id=_venue_id(oid, owner), status="cancelled")


async def _main_line(desk: Desk) -> None:
    await desk.link()
    await _rest(desk, "a")
    await desk.report(_fill("a", "x1"), _fill("a", "x2"))


async def _refused(desk: Desk) -> None:
    await desk.link()
    await desk.submit("a")
    await desk.report(BrokerdRefused(reqid=desk.reqid("a"), request="submit", text="no money"))


async def _dark(desk: Desk) -> None:
    await desk.link()
    await desk.quote(100)
    await desk.submit("a", mode="dark", direction="at_or_below")
    await desk.quote(96)
    await desk.quote(94)
    await desk.report(BrokerdOrderAck(reqid=desk.reqid("a"), venue_id=_venue_id("a")), _fill("a", "x1", 2))


async def _alert_and_trail(desk: Desk) -> None:
    await desk.link()
    await desk.quote(100)
    await desk.submit("a", side="alert", size=None, price=Decimal(90), direction="at_or_below")
    await desk.submit("b", side="sell", price=None, mode="dark", trigger="trail", trail=Decimal(5))
    await desk.quote(104)
    await desk.quote(98)
    await desk.quote(89)


async def _stash(desk: Desk) -> None:
    await desk.link()
    await desk.submit("a")
    await desk.cancel("a")
    await desk.report(BrokerdOrderAck(reqid=desk.reqid("a"), venue_id=_venue_id("a")))
    await desk.report(_ended("a"))


async def _edits(desk: Desk) -> None:
    await desk.link()
    await _rest(desk, "a")
    await desk.edit("a", "e1", 3)
    await desk.edit("a", "e2", 4)
    for size in (3, 4):
        reqid = desk.order("a").edits[0].reqid
        assert reqid is not None
        await desk.report(BrokerdReplaced(reqid=reqid, venue_id=_venue_id("a"), size=Decimal(size)))


async def _partial_and_late_fills(desk: Desk) -> None:
    await desk.link()
    await _rest(desk, "a", size=Decimal(3))
    await desk.report(_fill("a", "x1"))
    await desk.cancel("a")
    await desk.report(_ended("a"), _fill("a", "x2"))


async def _bust(desk: Desk) -> None:
    await desk.link()
    await _rest(desk, "a")
    await desk.report(_fill("a", "x1"), _fill("a", "x2"))
    one = Decimal(1)
    await desk.report(
        BrokerdBust(venue_id=_venue_id("a"), exec_id="b1", ref_id="x1"),
        BrokerdCorrection(venue_id=_venue_id("a"), exec_id="c2", ref_id="x2", size=one, price=Decimal(93)),
    )


async def _cancel_wanted(desk: Desk) -> None:
    await desk.link()
    await _rest(desk, "a")
    await desk.cancel("a")
    for _ in range(3):
        await desk.wait(2)
    await desk.report(_ended("a"))


async def _external(desk: Desk) -> None:
    await desk.link()
    details = OrderDetails(market=MARKET, side="sell", size=Decimal(2), price=Decimal(99))
    await desk.report(BrokerdStatus(venue_id=_venue_id("ext"), status="open", details=details))
    await desk.report(_fill("ext", "x1"))
    await desk.report(BrokerdFill(venue_id="V?", exec_id="o1", size=Decimal(1), price=Decimal(9)))


async def _unknown(desk: Desk) -> None:
    await desk.link()
    await desk.submit("a")
    await _rest(desk, "b")
    for _ in range(2):
        await desk.wait(3)
    await desk.link(LinkEvent.LOST, *LINK_AGAIN)
    await desk.wait(3)
    await desk.report(_fill("b", "x1", 2))


LINK_AGAIN = (LinkEvent.CONNECTED, LinkEvent.SYNCED)


async def _several_owners(desk: Desk) -> None:
    await desk.grant("other", "third")
    desk.dispatcher.grant("eye", "observer", desk.now_ns, ("main", "other"))
    await desk.link()
    for owner in ("main", "other", "third"):
        await _rest(desk, "a", owner)
    await desk.report(_fill("a", "x1", 2, "other"))
    await desk.cancel("a", "third")


async def _burst(desk: Desk) -> None:
    """Many at once: one sync for all that came meanwhile."""
    await desk.link()
    desk.waits = False
    for number in range(12):
        await desk.submit(f"o{number}")
    desk.waits = True
    await desk.settle()
    for number in range(3):
        await desk.cancel(f"o{number}")


async def _checkpoints(desk: Desk) -> None:
    """SQLite's log is moved into its database again and again, and begun anew."""
    with checkpoint_every(6):
        await desk.link()
        for number in range(4):
            await _rest(desk, f"o{number}")
            await desk.report(_fill(f"o{number}", f"x{number}", 2))


async def _recalled(desk: Desk) -> None:
    await desk.link()
    for oid in ("a", "b", "c"):
        await _rest(desk, oid)
        await desk.report(_ended(oid))
    await desk.report(_fill("a", "late"))


async def _parked(desk: Desk) -> None:
    await desk.link()
    await desk.submit("a")
    await desk.report(_fill("a", "x1"))
    await desk.report(BrokerdOrderAck(reqid=desk.reqid("a"), venue_id=_venue_id("a")))


async def _created(desk: Desk) -> None:
    """Nothing but the beginning of a journal."""


async def _closed_and_opened(desk: Desk) -> None:
    await desk.link()
    await _rest(desk, "a")
    for number in range(2):
        await desk.close()
        await desk.open()
        await desk.link()
        await desk.submit(f"b{number}")


async def _killed_and_opened(desk: Desk) -> None:
    """Killed in the middle of a commit: what is written and not synced is there, and looks whole."""
    await desk.link()
    for calls in range(1, 10, 2):
        await desk.die(calls, f"d{calls}-")
        await desk.open()
        if desk.knows(f"d{calls}-0"):
            await desk.cancel(f"d{calls}-0")


async def _killed_while_opened(desk: Desk) -> None:
    """Killed in recovery, at one call after the other, until one gets through."""
    await desk.link()
    await _rest(desk, "a")
    await desk.die(4, "b")
    for calls in range(12):
        await desk.die_opening(calls)
    await desk.open()
    await desk.submit("c")


async def _positions(desk: Desk) -> None:
    await desk.link()
    await _rest(desk, "a")
    await desk.report(_fill("a", "x1"))
    await desk.write_accounts()
    await desk.report(_fill("a", "x2"))
    await desk.write_accounts()


async def _positions_killed(desk: Desk) -> None:
    """The files are behind the journal, and are written anew."""
    await desk.link()
    await _rest(desk, "a")
    await desk.report(_fill("a", "x1"))
    await desk.write_accounts()
    await desk.report(_fill("a", "x2"))
    await desk.die(4, "b")
    await desk.open()
    await desk.write_accounts()


async def _snapshots(desk: Desk) -> None:
    """Three are made, of which the first goes, and old records move away each time; a life ends in order, and
    one does not.
    """
    await desk.link()
    await _rest(desk, "a")
    await desk.keep_snapshot()
    await desk.report(_fill("a", "x1"))
    await desk.keep_snapshot()
    await desk.close()
    await desk.open()
    await desk.link()
    await _rest(desk, "b")
    await desk.keep_snapshot()
    await desk.die(4, "c")
    await desk.open()
    await desk.cancel("b")


# The most telling ones first: a dropped sync is looked for in this order.
_PLAYS: tuple[Play, ...] = (
    _created, _killed_and_opened, _killed_while_opened, _checkpoints, _closed_and_opened, _main_line, _burst,
    _refused, _dark, _alert_and_trail, _stash, _edits, _partial_and_late_fills, _bust, _cancel_wanted,
    _external, _unknown, _several_owners, _parked,
)  # fmt: skip


def order_scenes() -> list[OrderScene]:
    """All of them."""
    scripts = [Script(_name(play), play) for play in _PLAYS]
    scripts.append(Script(_name(_recalled), _recalled, replace(SETTINGS, keep_finished=1)))
    scripts += [Script(_name(play), play, accounts=True) for play in (_positions, _positions_killed)]
    scripts.append(Script(_name(_snapshots), _snapshots, snapshots=True))
    return [OrderScene(script) for script in scripts]


def _name(play: Play) -> str:
    return str(getattr(play, "__name__")).strip("_").replace("_", " ")  # noqa: B009 -- any awaitable's maker has one here
