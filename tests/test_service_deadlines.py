"""What waited past its deadline does not leave, and its order comes out of doubt like any other."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
import trio
import trio.testing

from fsm_ems import Order, open_ems
from fsm_ems.clock import TrioClock
from fsm_ems.journal.file import FileLog
from fsm_ems.messages import BrokerdCancel, BrokerdOrder, BrokerdQuery, BrokerdStatus, Request
from tests.late_log import LateLog
from tests.scripted_broker import ScriptedBroker, ScriptedDialogue

ORDER = Order(oid="o1", side="buy", market="xbtusd.paper", size=Decimal(2), price=Decimal(100))
AGAIN = replace(ORDER, if_absent="resend")


def absent(query: BrokerdQuery) -> BrokerdStatus:
    return BrokerdStatus(reqid=query.target, status="absent", snapshot=True, query=query.reqid)


async def sent(broker: ScriptedBroker) -> Request:
    with trio.fail_after(60):
        return await broker.sent.receive()


async def test_an_order_that_a_slow_disk_held_back_is_not_sent_late() -> None:
    """It is asked about, found absent, and sent again as its owner allows: under a new id, in time."""
    broker, log = ScriptedBroker(), LateLog()
    async with open_ems(broker, log=log) as ems, trio.open_nursery() as nursery:
        await ems.ready()
        log.behind = True
        nursery.start_soon(ems.submit, AGAIN)
        await trio.sleep(5)
        log.behind = False
        log.sync()

        asked_about = set[int | str]()
        for _ in range(2):
            query = await sent(broker)
            assert isinstance(query, BrokerdQuery)
            asked_about.add(query.target)
            broker.report(absent(query))
        again = await sent(broker)

        assert isinstance(again, BrokerdOrder)
        assert again.reqid not in asked_about
        assert again.deadline_ns > ems.clock()


class SlowDialogue(ScriptedDialogue):
    """Its first request takes six seconds to write."""

    slow = True

    async def send(self, request: Request) -> None:
        if self.slow:
            self.slow = False
            await trio.sleep(6)
        await super().send(request)


class SlowBroker(ScriptedBroker):
    @asynccontextmanager
    async def open_trades_dialogue(self) -> AsyncGenerator[ScriptedDialogue]:
        await trio.lowlevel.checkpoint()
        self.dialogue = SlowDialogue(self._sent)
        yield self.dialogue


async def test_an_order_that_waited_behind_another_is_not_sent_late() -> None:
    """Both are in doubt by then; of the second the venue never hears but for the question."""
    broker = SlowBroker()
    async with open_ems(broker) as ems:
        await ems.ready()
        await ems.submit(ORDER)
        await ems.submit(replace(ORDER, oid="o2"))

        got = [await sent(broker) for _ in range(3)]

        assert [type(request) for request in got] == [BrokerdOrder, BrokerdQuery, BrokerdQuery]
        first = got[0]
        targets = {request.target for request in got if isinstance(request, BrokerdQuery)}
        assert first.reqid in targets
        assert len(targets) == 2


async def test_a_cancel_that_came_too_late_is_sent_again_in_time() -> None:
    """The wish is kept: what is left of it after its deadline is driven anew."""
    broker, log = ScriptedBroker(), LateLog()
    async with open_ems(broker, log=log) as ems, trio.open_nursery() as nursery:
        await ems.ready()
        order = await ems.submit(ORDER)
        placed = await sent(broker)
        assert isinstance(placed, BrokerdOrder)
        broker.report(BrokerdStatus(reqid=placed.reqid, status="open"))
        await trio.testing.wait_all_tasks_blocked()
        log.behind = True
        nursery.start_soon(order.cancel)
        await trio.sleep(6)
        log.behind = False
        log.sync()

        again = await sent(broker)

        assert isinstance(again, BrokerdCancel)
        assert again.deadline_ns > ems.clock()


@pytest.mark.parametrize("jump_s", [-3_600, 3_600])
async def test_a_jump_of_the_wall_clock_moves_no_timer(monkeypatch: pytest.MonkeyPatch, jump_s: int) -> None:
    """It is read once; a deadline then comes when its seconds have passed, and not before or later."""
    wall_ns = 10**18
    monkeypatch.setattr("time.time_ns", lambda: wall_ns)
    broker, clock = ScriptedBroker(), TrioClock()
    async with open_ems(broker, clock=clock) as ems:
        await ems.ready()
        order = await ems.submit(ORDER)
        await sent(broker)
        wall_ns += jump_s * 10**9
        await trio.sleep(4.9)
        assert [status.state for status in (ems.standing("main", "o1"),) if status] == ["pending"]
        await trio.sleep(0.2)
        assert [status.state for status in (ems.standing("main", "o1"),) if status] == ["unknown"]
        assert order.oid == "o1"


async def test_what_an_account_may_hold_is_told_as_a_range_while_an_order_is_unknown() -> None:
    """In the order's status too, as news and as it stands."""
    broker = ScriptedBroker()
    async with open_ems(broker) as ems:
        await ems.ready()
        order = await ems.submit(ORDER)
        assert ems.exposure("main", ORDER.market).buys == Decimal(2)
        broker.break_link()

        while (status := await anext(order)).state != "unknown":
            pass

        told, stands = ems.exposure("main", ORDER.market), ems.standing("main", "o1")
        assert (told.low, told.high, told.certain) == (Decimal(0), Decimal(2), False)
        assert stands is not None
        assert (status.filled, status.filled_max, stands.filled_max) == (Decimal(0), Decimal(2), Decimal(2))


async def test_a_cancel_that_is_wanted_is_sent_again_by_the_next_process(tmp_path: Path) -> None:
    """Under its own id; nothing that was asked for is forgotten."""
    records, first = tmp_path / "records.log", ScriptedBroker()
    async with open_ems(first, log=FileLog(records)) as ems:
        await ems.ready()
        order = await ems.submit(ORDER)
        placed = await sent(first)
        assert isinstance(placed, BrokerdOrder)
        first.report(BrokerdStatus(reqid=placed.reqid, status="open"))
        await trio.testing.wait_all_tasks_blocked()
        await order.cancel()
        wanted = await sent(first)
    second = ScriptedBroker()
    async with open_ems(second, log=FileLog(records)):
        again = await sent(second)

    assert isinstance(wanted, BrokerdCancel)
    assert isinstance(again, BrokerdCancel)
    assert (again.reqid, again.target) == (wanted.reqid, placed.reqid)


async def test_an_order_that_never_arrived_is_sent_again_by_the_next_process(tmp_path: Path) -> None:
    """One read was before the restart and one after it; what its owner allows is in the records."""
    records, first = tmp_path / "records.log", ScriptedBroker()
    async with open_ems(first, log=FileLog(records)) as ems:
        await ems.ready()
        await ems.submit(AGAIN)
        placed, query = await sent(first), await sent(first)
        assert isinstance(query, BrokerdQuery)
        first.report(absent(query))
        await trio.testing.wait_all_tasks_blocked()
    second = ScriptedBroker()
    async with open_ems(second, log=FileLog(records)):
        query = await sent(second)
        assert isinstance(query, BrokerdQuery)
        second.report(absent(query))
        again = await sent(second)

    assert isinstance(placed, BrokerdOrder)
    assert isinstance(again, BrokerdOrder)
    assert again.reqid != placed.reqid
    assert (again.size, again.price) == (placed.size, placed.price)
