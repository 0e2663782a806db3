"""Handles that several tasks read: each is told all, and nobody is left waiting."""

from __future__ import annotations

import gc
from collections.abc import Awaitable, Callable
from decimal import Decimal

import pytest
import trio
import trio.testing

from fsm_ems import ClientFault, Order, OrderHandle, Overrun, Status, new_order, open_ems
from fsm_ems.client import MAILBOX_MAX, Mailbox
from fsm_ems.messages import BrokerdFill, BrokerdOrder, BrokerdOrderAck, BrokerdStatus
from tests.scripted_broker import ScriptedBroker

ALL = ["submit", "ack", "opened", "fill", "fill_complete"]


def an_order() -> Order:
    return new_order(oid="o1", market="xbtusd.paper", side="buy", size="2", price="100")


async def rest(broker: ScriptedBroker) -> None:
    """Let the order that was sent rest."""
    sent = await broker.sent.receive()
    assert isinstance(sent, BrokerdOrder)
    broker.report(BrokerdOrderAck(reqid=sent.reqid, venue_id="V1"))
    broker.report(BrokerdStatus(reqid=sent.reqid, status="open"))
    await trio.testing.wait_all_tasks_blocked()


async def fill(broker: ScriptedBroker, exec_id: str) -> None:
    """Half of the order trades."""
    broker.report(BrokerdFill(venue_id="V1", exec_id=exec_id, size=Decimal(1), price=Decimal(99)))
    await trio.testing.wait_all_tasks_blocked()


class Readers:
    """Tasks that read one handle, and what each was told by name: the events of a loop, the end of a wait."""

    def __init__(self, handle: OrderHandle) -> None:
        self.handle = handle
        self.told: dict[str, list[str]] = {}

    async def loop(self, name: str) -> None:
        self.told[name] = [status.event async for status in self.handle]

    async def wait(self, name: str) -> None:
        try:
            self.told[name] = [(await self.handle.wait()).event]
        except ClientFault as fault:
            self.told[name] = [str(fault)]


def a_status(*, end: bool = False) -> Status:
    """Some status of an order, or its end."""
    return Status(
        oid="o1",
        owner="main",
        seq=1,
        state="filled" if end else "open",
        event="fill",
        filled=Decimal(0),
        remaining=Decimal(1),
        ord_status="New",
        reason="",
        time_ns=0,
    )


@pytest.mark.parametrize(
    ("first", "second"), [("loop", "wait"), ("wait", "loop"), ("wait", "wait"), ("loop", "loop")]
)
@pytest.mark.parametrize("both_before", [True, False])
async def test_two_tasks_that_read_one_handle_are_both_told_all(
    first: str, second: str, *, both_before: bool
) -> None:
    """Both wait already as the order comes to its end, or the second begins when it rests."""
    broker = ScriptedBroker()
    kinds = {"loop": ALL, "wait": ALL[-1:]}
    async with open_ems(broker) as ems:
        await ems.ready()
        readers = Readers(handle := await ems.submit(an_order()))
        with trio.fail_after(60):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(getattr(readers, first), "first")
                if both_before:
                    nursery.start_soon(getattr(readers, second), "second")
                await rest(broker)
                if not both_before:
                    nursery.start_soon(getattr(readers, second), "second")
                    await trio.testing.wait_all_tasks_blocked()
                await fill(broker, "E1")
                await fill(broker, "E2")
        newest = handle.status
        again = await handle.wait()
        left = [status async for status in handle]

    late = kinds[second] if both_before else kinds[second][-2:]  # what nobody has read as it rests
    assert readers.told == {"first": kinds[first], "second": late}
    assert newest is not None
    assert (newest.event, again, left) == ("fill_complete", newest, [])


@pytest.mark.parametrize("ends", [True, False])
async def test_all_who_read_a_handle_are_told_when_the_ems_is_closed(*, ends: bool) -> None:
    """Whether the order had ended by then or not, and whether they began before or after."""
    broker = ScriptedBroker()
    async with open_ems(broker) as ems:
        await ems.ready()
        readers = Readers(await ems.submit(an_order()))
        with trio.fail_after(60):
            async with trio.open_nursery() as nursery:
                for name, read in (("a", readers.loop), ("b", readers.wait), ("c", readers.wait)):
                    nursery.start_soon(read, name)
                await rest(broker)
                if ends:
                    await fill(broker, "E1")
                    await fill(broker, "E2")
                ems.close()
            await readers.wait("late")

    end = ALL[-1:] if ends else ["the EMS was closed before order o1 ended"]
    assert readers.told == {"a": ALL if ends else ALL[:3], "b": end, "c": end, "late": end}


async def test_a_reader_that_is_cancelled_takes_nothing_from_another() -> None:
    """It is cancelled at the very moment at which a status comes, and waits before the other one."""
    mailbox: Mailbox[Status] = Mailbox()
    async with open_ems(ScriptedBroker()) as ems:
        readers = Readers(OrderHandle(ems, "o1", mailbox))
        with trio.fail_after(60):
            async with trio.open_nursery() as nursery:
                leaving = [trio.CancelScope() for _ in range(2)]
                for scope, read in zip(leaving, (readers.loop, readers.wait), strict=True):
                    nursery.start_soon(_in_scope, scope, read)
                    await trio.testing.wait_all_tasks_blocked()
                nursery.start_soon(readers.loop, "stays")
                for scope in leaving:
                    await trio.testing.wait_all_tasks_blocked()
                    mailbox.put(a_status())
                    scope.cancel()
                await trio.testing.wait_all_tasks_blocked()
                mailbox.put(a_status(end=True))

    assert readers.told["stays"] == ["fill"] * 3


async def _in_scope(scope: trio.CancelScope, read: Callable[[str], Awaitable[None]]) -> None:
    with scope:
        await read("leaves")


async def test_a_loop_that_is_broken_off_leaves_the_rest_to_the_next_reader_and_nothing_behind() -> None:
    broker = ScriptedBroker()
    async with open_ems(broker) as ems:
        await ems.ready()
        handle = await ems.submit(an_order())
        await rest(broker)
        async for status in handle:
            if status.event == "ack":
                break
        left = len(handle._readers)
        await fill(broker, "E1")
        await fill(broker, "E2")
        told = [status.event async for status in handle]

    assert (left, told) == (0, ALL[2:])


async def test_a_reader_that_falls_behind_the_others_of_its_handle_is_cut_off_alone() -> None:
    mailbox: Mailbox[Status] = Mailbox()
    async with open_ems(ScriptedBroker()) as ems:
        handle = OrderHandle(ems, "o1", mailbox)
        slow, fast = aiter(handle), aiter(handle)
        for _ in range(MAILBOX_MAX + 1):
            mailbox.put(a_status())
            await anext(fast)
        mailbox.put(a_status(end=True))

        with pytest.raises(Overrun):
            await anext(slow)
        assert (await anext(fast)).state == "filled"
        assert (await handle.wait()).state == "filled"


async def test_who_waits_for_the_end_alone_misses_nothing_though_others_missed_statuses() -> None:
    """Nobody had read the handle; each loop over it is told once, and goes on with what came since."""
    mailbox: Mailbox[Status] = Mailbox()
    async with open_ems(ScriptedBroker()) as ems:
        handle = OrderHandle(ems, "o1", mailbox)
        loops = aiter(handle), aiter(handle)
        for _ in range(MAILBOX_MAX):
            mailbox.put(a_status())
        mailbox.put(a_status(end=True))

        with trio.fail_after(60):
            assert (await handle.wait()).state == "filled"
        for loop in loops:
            with pytest.raises(Overrun):
                await anext(loop)
            assert [status.state async for status in loop] == ["filled"]


async def test_a_loop_over_a_handle_that_nobody_else_has_hears_all_and_leaves_no_mailbox_behind() -> None:
    """The reader keeps its handle: the collector takes an abandoned one's mailbox out of the EMS."""
    broker = ScriptedBroker()
    async with open_ems(broker) as ems:
        await ems.ready()
        reader = aiter(await ems.submit(an_order()))
        gc.collect()
        await rest(broker)
        with trio.fail_after(60):
            told = [(await anext(reader)).event for _ in range(3)]
        del reader
        gc.collect()

        assert told == ALL[:3]
        assert not ems._audience._mailboxes
