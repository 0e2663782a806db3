"""Coming back to an event stream: each status once, in order, or the full picture instead."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import trio

from fsm_ems import ClientFault, InvalidMessage, Resync, Settings, Status, new_order, open_ems
from fsm_ems.client import Client, Mailbox
from fsm_ems.errors import LogHalted
from fsm_ems.journal.file import FileLog
from fsm_ems.messages import BrokerdFill, BrokerdOrderAck, BrokerdStatus
from fsm_ems.service import EMS
from tests.late_log import LateLog
from tests.scripted_broker import ScriptedBroker


async def order(client: Client, oid: str, **fields: Any) -> None:  # noqa: ANN401 -- any of an order's
    wish = {"market": "xbtusd.paper", "side": "buy", "size": "2", "price": "100", **fields}
    await client.submit(new_order(oid=oid, **wish))


async def read(mailbox: Mailbox[Status | Resync], count: int) -> list[Status | Resync]:
    found = [await mailbox.get() for _ in range(count)]
    return [one for one in found if one is not None]


def names(statuses: list[Status | Resync]) -> list[tuple[str, int, str]]:
    return [("resync", s.seq, "") if isinstance(s, Resync) else (s.oid, s.seq, s.event) for s in statuses]


async def test_a_client_gets_each_status_after_the_last_it_has_seen_once_and_then_what_comes() -> None:
    async with open_ems(ScriptedBroker()) as ems:
        await ems.ready()
        with ems.events() as live:
            await order(ems, "a")
            await order(ems, "b")
            await ems.cancel("a")
            whole = [await live.get() for _ in range(3)]
        with ems.events(since=0) as again, ems.events(since=2) as late, ems.events(since=3) as up_to_date:
            await order(ems, "c")

            assert await read(again, 3) == whole
            assert names(await read(again, 1)) == [("c", 4, "submit")]
            assert names(await read(late, 2)) == [("a", 3, "cancel"), ("c", 4, "submit")]
            assert names(await read(up_to_date, 1)) == [("c", 4, "submit")]


async def test_past_what_is_kept_a_client_gets_the_full_picture_and_the_stream_goes_on_from_there() -> None:
    broker = ScriptedBroker()
    async with open_ems(broker, settings=Settings(keep_events=2)) as ems:
        await ems.ready()
        await order(ems, "a")
        await order(ems, "b", mode="dark", direction="at_or_below")
        sent = await broker.sent.receive()
        broker.report(BrokerdOrderAck(reqid=sent.reqid, venue_id="V"))
        broker.report(BrokerdFill(reqid=sent.reqid, exec_id="E", size=Decimal(1), price=Decimal(99)))
        await trio.testing.wait_all_tasks_blocked()
        await order(ems, "gone", mode="dark", direction="at_or_below")
        await ems.cancel("gone")
        with ems.events(since=3) as past, ems.events(since=4) as kept:
            await ems.cancel("b")
            told, after = await read(past, 2)

            assert isinstance(told, Resync)
            assert told.seq == 6
            assert [(s.oid, s.state, s.event, s.filled, s.seq) for s in told.orders] == [
                ("a", "open", "standing", Decimal(1), 6),
                ("b", "dark_open", "standing", Decimal(0), 6),
            ]
            assert names([after]) == [("b", 7, "cancel_unsent")]
            assert names(await read(kept, 3)) == [
                ("gone", 5, "submit_dark"),
                ("gone", 6, "cancel_unsent"),
                ("b", 7, "cancel_unsent"),
            ]


async def test_an_observer_resumes_its_own_stream_and_sees_no_more_than_it_may() -> None:
    async with open_ems(ScriptedBroker(), identity="alice", settings=Settings(keep_events=1)) as ems:
        await ems.ready()
        bob, eve = ems.client("bob"), ems.client("eve", "observer", ["bob"])
        await order(ems, "a")
        await order(bob, "b1")
        await order(bob, "b2")

        with eve.events(since=1) as kept, eve.events(since=0) as past:
            assert names(await read(kept, 1)) == [("b2", 2, "submit")]
            [told] = await read(past, 1)
        assert isinstance(told, Resync)
        assert (told.seq, [status.oid for status in told.orders]) == (2, ["b1", "b2"])


async def test_where_nothing_is_kept_whoever_missed_nothing_gets_no_picture() -> None:
    async with open_ems(ScriptedBroker(), settings=Settings(keep_events=0)) as ems:
        await order(ems, "a")
        with ems.events(since=1) as up_to_date, ems.events(since=0) as past:
            await order(ems, "b")

            assert names(await read(up_to_date, 1)) == [("b", 2, "submit")]
            assert names(await read(past, 2)) == [("resync", 1, ""), ("b", 2, "submit")]


@pytest.mark.parametrize("since", [-1, True, "1", 1.0])
async def test_what_is_no_seq_is_refused(since: Any) -> None:  # noqa: ANN401 -- wrong on purpose
    async with open_ems(ScriptedBroker()) as ems:
        with pytest.raises(InvalidMessage, match="since"), ems.events(since=since):
            pass


async def test_a_seq_to_which_the_stream_has_not_come_is_refused() -> None:
    async with open_ems(ScriptedBroker()) as ems:
        await order(ems, "a")
        with pytest.raises(ClientFault, match="has come to 1: 2 is of other records"), ems.events(since=2):
            pass


async def test_what_is_not_durable_is_in_no_picture_that_is_told() -> None:
    log = LateLog()
    async with open_ems(ScriptedBroker(), log=log, settings=Settings(keep_events=0)) as ems:
        await ems.ready()
        await order(ems, "a")
        log.behind = True
        async with trio.open_nursery() as nursery:
            nursery.start_soon(order, ems, "b")
            await trio.testing.wait_all_tasks_blocked()
            with ems.events(since=0) as past, ems.events(since=0) as left:
                ems.unsubscribe("main", None, left)
                early = await soon(past)
                log.sync()
                log.behind = False
                await order(ems, "c")
                told = [await soon(past), await soon(past), await soon(left)]

    assert early is None
    assert names([one for one in told if one is not None]) == [("resync", 2, ""), ("c", 3, "submit")]


async def soon(mailbox: Mailbox[Status | Resync]) -> Status | Resync | None:
    """What comes within a second."""
    with trio.move_on_after(1):
        return await mailbox.get()
    return None


async def restarted(folder: Path, keep: int, since: int, count: int) -> list[Status | Resync]:
    settings = Settings(keep_events=keep)
    async with open_ems(ScriptedBroker(), log=FileLog(folder / "log"), settings=settings) as ems:
        with ems.events(since=since) as events:
            return await read(events, count)


async def test_a_stream_can_be_resumed_over_a_restart(tmp_path: Path) -> None:
    """What became doubtful with the restart itself is told as well."""
    broker = ScriptedBroker()
    async with open_ems(broker, log=FileLog(tmp_path / "log")) as ems:
        await ems.ready()
        await order(ems, "a")
        broker.report(BrokerdStatus(reqid=(await broker.sent.receive()).reqid, status="open"))
        await trio.testing.wait_all_tasks_blocked()
        with ems.events(since=0) as events:
            before = await read(events, 2)

    all_of_it = await restarted(tmp_path, 10, 0, 3)
    picture, *_ = await restarted(tmp_path, 2, 0, 1)

    assert all_of_it[:2] == before
    assert names(all_of_it[2:]) == [("a", 3, "link_lost")]
    assert isinstance(picture, Resync)
    assert [(status.oid, status.state) for status in picture.orders] == [("a", "unknown")]
    assert picture.seq == all_of_it[2].seq


async def test_a_closed_ems_still_tells_what_was_missed_and_then_ends() -> None:
    ems: EMS
    async with open_ems(ScriptedBroker()) as ems:
        await order(ems, "a")
    with ems.events(since=0) as events:
        assert names(await read(events, 1)) == [("a", 1, "submit")]
        assert await events.get() is None


async def test_nobody_waits_for_a_picture_that_never_becomes_durable() -> None:
    """Whoever came back before the disk died, and whoever comes after."""
    log, waited = LateLog(), list[trio.CancelScope]()

    async def read_end(mailbox: Mailbox[Status | Resync]) -> None:
        with trio.move_on_after(1) as patience:
            assert await mailbox.get() is None
        waited.append(patience)

    with pytest.RaisesGroup(LogHalted):
        async with open_ems(ScriptedBroker(), log=log, settings=Settings(keep_events=0)) as ems:
            await order(ems, "a")
            log.behind = True
            ems.client("b")
            with trio.CancelScope(shield=True), ems.events(since=0) as before:
                log.die("the disk is gone")
                await read_end(before)
                with ems.events(since=0) as after:
                    await read_end(after)

    assert [patience.cancelled_caught for patience in waited] == [False, False]
