"""Links that break, closing and cancellation: nobody waits for ever, and nothing is recorded for nobody."""

from __future__ import annotations

import gc
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from decimal import Decimal

import pytest
import trio
import trio.testing

from fsm_ems import (
    BrokerFault,
    ClientFault,
    InvalidMessage,
    Market,
    PaperBroker,
    new_order,
    open_ems,
    outbox,
)
from fsm_ems.brokers.paper.backend_dialogue import PaperDialogue
from fsm_ems.client import Client, Mailbox
from fsm_ems.dialogs.settings import Limits, Settings
from fsm_ems.errors import LogHalted
from fsm_ems.journal.memory import MemoryLog
from fsm_ems.machines.link import LinkEvent, LinkState
from fsm_ems.messages import BrokerdCancel, BrokerdOrder, BrokerdStatus, Request, Status
from fsm_ems.quotes import Quote, Row, Trade
from tests.dialogs.desk import how
from tests.scripted_broker import ScriptedBroker, ScriptedDialogue
from tests.test_service import an_order, fill, next_sent, rest

# Cancelled and closed.


async def test_a_cancelled_block_can_still_cancel_its_orders() -> None:
    """The EMS is there for as long as the block's code is, for what that shields."""
    broker, ends = ScriptedBroker(), list[str]()
    with trio.CancelScope() as scope:
        async with open_ems(broker) as ems:
            order = await ems.submit(an_order())
            await rest(broker)
            scope.cancel()
            try:
                await trio.sleep_forever()
            finally:
                with trio.CancelScope(shield=True):
                    await order.cancel()
                    sent = await next_sent(broker, BrokerdCancel)
                    broker.report(BrokerdStatus(reqid=sent.target, status="cancelled"))
                    ends.append((await order.wait()).state)

    assert scope.cancelled_caught
    assert ends == ["cancelled"]


async def test_a_block_that_is_cancelled_at_once_leaves_at_once() -> None:
    with trio.move_on_after(0) as scope:
        async with open_ems(ScriptedBroker()) as ems:
            await ems.ready()

    assert scope.cancelled_caught


async def test_who_is_shielded_is_told_when_a_fault_has_ended_the_ems() -> None:
    """Nothing would be sent any more, and no end would come."""
    log, broker, told = MemoryLog(), ScriptedBroker(), list[str]()
    with pytest.RaisesGroup(LogHalted, flatten_subgroups=True):
        async with open_ems(broker, log=log) as ems:
            await ems.ready()
            order = await ems.submit(an_order())
            sent = await next_sent(broker, BrokerdOrder)
            with trio.CancelScope(shield=True):
                log.close()
                broker.report(BrokerdStatus(reqid=sent.reqid, status="open"))
                for wait in (order.wait, order.cancel, ems.ready):
                    with pytest.raises(ClientFault, match="closed") as caught:
                        await wait()
                    told.append(str(caught.value))

    assert len(told) == 3


async def test_who_waits_for_a_link_is_told_when_the_ems_is_closed() -> None:
    """Outside the block nobody else would wake it."""
    broker = ScriptedBroker(refusals=1_000)
    async with trio.open_nursery() as nursery:
        async with open_ems(broker) as ems:
            nursery.start_soon(refused, ems.ready)
            await trio.testing.wait_all_tasks_blocked()
        await refused(ems.ready)


async def refused(wait: Callable[[], Awaitable[object]]) -> None:
    """It says that the EMS was closed."""
    with pytest.raises(ClientFault, match="was closed"):
        await wait()


async def test_what_was_decided_last_in_a_block_still_leaves() -> None:
    broker = ScriptedBroker()

    async with open_ems(broker) as ems:
        order = await ems.submit(an_order())
        await rest(broker)
        await ems.submit(an_order("o2"))
        await order.cancel()

    assert [type(broker.sent.receive_nowait()) for _ in range(2)] == [BrokerdOrder, BrokerdCancel]


async def test_a_link_that_takes_nothing_holds_a_block_no_longer_than_a_request_may_take() -> None:
    settings = Settings(request_deadline_ns=7 * 10**9)
    async with open_ems(StuckBroker(), settings=settings) as ems:
        await ems.ready()
        await ems.submit(an_order())
        began = trio.current_time()

    assert trio.current_time() - began == 7


async def test_a_link_that_breaks_holds_no_block() -> None:
    broker = StuckBroker()
    async with open_ems(broker) as ems:
        await ems.ready()
        await ems.submit(an_order())
        await trio.testing.wait_all_tasks_blocked()
        broker.break_link()
        began = trio.current_time()

    assert trio.current_time() == began


class StuckBroker(ScriptedBroker):
    """Takes no request off the EMS."""

    @asynccontextmanager
    async def open_trades_dialogue(self) -> AsyncGenerator[ScriptedDialogue]:
        async with super().open_trades_dialogue() as dialogue:
            dialogue.send = self._never  # type: ignore[method-assign]  # of this one connection
            yield dialogue

    async def _never(self, request: Request) -> None:
        await trio.sleep_forever()


async def test_a_command_that_waits_for_room_is_refused_when_the_ems_is_closed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is not recorded: nothing would send it."""
    monkeypatch.setattr(outbox, "QUEUED_MAX", 2)
    async with trio.open_nursery() as nursery, open_ems(StuckBroker()) as ems:
        await ems.ready()
        for oid in ("o1", "o2", "o3"):
            await ems.submit(an_order(oid))
            await trio.testing.wait_all_tasks_blocked()
        nursery.start_soon(refused, lambda: ems.submit(an_order("o4")))
        await trio.testing.wait_all_tasks_blocked()

    assert ems.standing("main", "o3") is not None
    assert ems.standing("main", "o4") is None


async def test_a_closed_ems_has_no_more_events_and_no_new_clients() -> None:
    async with open_ems(ScriptedBroker()) as ems:
        known: Client = ems.client("bob")

    with ems.events() as of_main, known.events() as of_bob:
        assert (await of_main.get(), await of_bob.get()) == (None, None)
    with pytest.raises(ClientFault, match="was closed"):
        ems.client("eve")


class Raising(ScriptedBroker):
    """Connecting raises *fault* once."""

    def __init__(self, fault: Exception) -> None:
        super().__init__()
        self.fault: Exception | None = fault

    @asynccontextmanager
    async def open_trades_dialogue(self) -> AsyncGenerator[ScriptedDialogue]:
        fault, self.fault = self.fault, None
        if fault is not None:
            raise fault
        async with super().open_trades_dialogue() as dialogue:
            yield dialogue


async def test_a_broker_that_cannot_connect_says_so_by_a_broker_fault_alone() -> None:
    """Anything else is a bug of the adapter's, and ends the EMS."""
    async with open_ems(Raising(BrokerFault("nobody listens"))) as ems:
        await ems.ready()
    with pytest.RaisesGroup(OSError, flatten_subgroups=True):
        async with open_ems(Raising(OSError("nobody listens"))) as ems:
            await ems.ready()


# What is asked for wrongly.


async def test_two_brokers_of_one_name_are_refused() -> None:
    """One of them would never be connected."""
    with pytest.raises(InvalidMessage, match="brokers: paper, paper; each needs a name of its own"):
        async with open_ems(ScriptedBroker(), ScriptedBroker()):
            pass


async def test_settings_for_a_market_that_its_broker_does_not_have_are_refused() -> None:
    """A misspelt limit would limit nothing."""
    typo = Settings(
        limits={"*": Limits(), "xbtsud.paper": Limits()},
        limit_ticks={"xbtusd.paper": 1, "ethusd.paper": 1},
    )
    told = [
        "limits: xbtsud.paper is no market of paper: nothing would come of it",
        "limit_ticks: ethusd.paper is no market of paper: nothing would come of it",
    ]
    with pytest.raises(InvalidMessage) as refused:
        async with open_ems(ScriptedBroker(), settings=typo):
            pass

    assert list(refused.value.problems) == told


@pytest.mark.parametrize("key", ["xbtusd", "xbtusd.papr", "paper", ".paper", "xbtusd.", ""])
async def test_settings_for_a_market_of_no_broker_that_is_opened_are_refused(key: str) -> None:
    """Of a broker that declares no markets every one is taken, if it is named as one."""
    typo = Settings(limits={"*": Limits(), "any.bare": Limits(), key: Limits()}, limit_ticks={"*": 1, key: 1})
    bare = ScriptedBroker()
    bare.name, bare.markets = "bare", {}
    with pytest.raises(InvalidMessage) as refused:
        async with open_ems(ScriptedBroker(), bare, settings=typo):
            pass

    strange = f"{key or repr(key)} is no market of a broker that is opened here (paper, bare)"
    assert list(refused.value.problems) == [
        f"{field}: {strange}: nothing would come of it" for field in ("limits", "limit_ticks")
    ]
    with pytest.raises(InvalidMessage, match=r"\(none is\)"):
        async with open_ems(settings=typo):
            pass


async def test_the_first_identity_has_a_name_like_any_other() -> None:
    with pytest.raises(InvalidMessage, match=r"^identity: .* and 'q q' is none$"):
        async with open_ems(ScriptedBroker(), identity="q q"):
            pass


@pytest.mark.parametrize("price", ["NaN", "Infinity", "-1"])
async def test_a_price_that_is_no_number_is_refused_where_it_is_told(price: str) -> None:
    async with open_ems(ScriptedBroker()) as ems:
        with pytest.raises(InvalidMessage, match=r"price of xbtusd\.paper: .* is no finite number"):
            ems.quote("xbtusd.paper", Trade(ems.clock(), Decimal(price), Decimal(1), "", ""))


async def test_retries_of_an_ended_order_leave_nothing_behind() -> None:
    """A handle that nobody reads is no reason to keep its mailbox."""
    broker = ScriptedBroker()
    async with open_ems(broker) as ems:
        await ems.ready()
        order = await ems.submit(an_order())
        await rest(broker)
        broker.report(fill("E1", "2"))
        await order.wait()
        handles = [await ems.submit(an_order()) for _ in range(3)]

        assert not ems._audience._mailboxes
        assert [(await handle.wait()).state for handle in handles] == ["filled"] * 3


async def test_a_handle_that_nobody_has_any_more_leaves_no_mailbox_behind() -> None:
    """A client may submit the same order again for as long as it lives."""
    broker = ScriptedBroker()
    async with open_ems(broker) as ems:
        order = await ems.submit(an_order())
        await rest(broker)
        for _ in range(3):
            assert (await anext(await ems.submit(an_order()))).oid == "o1"
        gc.collect()

        assert [len(boxes) for boxes in ems._audience._mailboxes.values()] == [1]
        broker.report(fill("E1", "2"))
        assert (await order.wait()).state == "filled"


class CollectedMeanwhile(Mailbox[Status]):
    """While it is closed the collector runs, as it may at any time."""

    def close(self) -> None:
        gc.collect()
        super().close()


async def test_a_handle_that_is_collected_while_the_ems_closes_keeps_no_reader_from_being_told() -> None:
    """What leads back to itself is let go of whenever the collector runs, and takes its mailbox out then."""
    async with open_ems(ScriptedBroker()) as ems:
        ems.subscribe("main", None, CollectedMeanwhile())
        ring: list[object] = [await ems.submit(an_order("o1"))]
        order = await ems.submit(an_order("o2"))
        ring.append(ring)
        del ring

        ems.close()

        with pytest.raises(ClientFault, match="before order o2 ended"):
            await order.wait()


# Links.


async def test_ready_means_that_all_links_are_up_at_one_time() -> None:
    """The first is up at once and lost before the second comes up."""
    one, two = ScriptedBroker(), ScriptedBroker(refusals=3)
    two.name, two.markets = "other", {}
    async with open_ems(one, two) as ems:
        await trio.testing.wait_all_tasks_blocked()
        assert ems.dispatcher.book.links["paper"] is LinkState.UP
        async with trio.open_nursery() as nursery:
            nursery.start_soon(ems.ready)
            await trio.sleep(1)
            one.refusals = 10
            one.break_link()
            await trio.sleep(4)

            assert ems.dispatcher.book.links["other"] is LinkState.UP
            assert len(nursery.child_tasks) == 1
        assert {ems.dispatcher.book.links[name] for name in ("paper", "other")} == {LinkState.UP}


class SlowToLeave(ScriptedBroker):
    """Takes ten seconds to say good-bye."""

    @asynccontextmanager
    async def open_trades_dialogue(self) -> AsyncGenerator[ScriptedDialogue]:
        async with super().open_trades_dialogue() as dialogue:
            try:
                yield dialogue
            finally:
                with trio.CancelScope(shield=True):
                    await trio.sleep(10)


async def test_what_is_submitted_while_a_broken_connection_is_taken_down_waits_for_the_next() -> None:
    """It is not thought to be sent, so it never is in doubt."""
    broker = SlowToLeave()
    async with open_ems(broker) as ems:
        await ems.ready()
        broker.break_link()
        await trio.testing.wait_all_tasks_blocked()
        order = await ems.submit(an_order())
        sent = await rest(broker)
        broker.report(fill("E1", "2"))
        states = [status.state async for status in order]

    assert states == ["pending", "pending", "acked", "open", "filled"]
    assert sent.size == Decimal(2)


class Flapping(ScriptedBroker):
    """Accepts every connection and drops it at once."""

    @asynccontextmanager
    async def open_trades_dialogue(self) -> AsyncGenerator[ScriptedDialogue]:
        async with super().open_trades_dialogue() as dialogue:
            self.break_link()
            yield dialogue


async def test_a_link_that_never_lasts_is_tried_less_and_less_often() -> None:
    """Pauses of 0.5, 1, 2, 4, 8, 16 and 30 seconds: the eighth connection comes after 61.5."""
    broker = Flapping()
    async with open_ems(broker):
        await trio.sleep(61)
        assert broker.connections == 7
        await trio.sleep(1)
        assert broker.connections == 8


async def test_after_a_link_that_lasted_the_next_is_tried_soon() -> None:
    broker = ScriptedBroker(refusals=6)
    async with open_ems(broker) as ems:
        await ems.ready()
        await trio.sleep(40)
        broker.break_link()
        await trio.sleep(1)

        assert ems.dispatcher.book.links["paper"] is LinkState.UP


class FaultBeside(ScriptedBroker):
    """Its own task notices the fault, not who sends or receives."""

    @asynccontextmanager
    async def open_trades_dialogue(self) -> AsyncGenerator[ScriptedDialogue]:
        async with super().open_trades_dialogue() as dialogue, trio.open_nursery() as nursery:
            nursery.start_soon(self._notice)
            yield dialogue

    async def _notice(self) -> None:
        await trio.sleep(1)
        raise BrokerFault("no heartbeat")


async def test_a_fault_that_the_brokers_own_task_notices_loses_the_link() -> None:
    broker = FaultBeside()
    async with open_ems(broker) as ems:
        await ems.ready()
        order = await ems.submit(an_order())
        await rest(broker)
        await trio.sleep(1.2)

        standing = ems.standing("main", order.oid)
        assert ems.dispatcher.book.links["paper"] is LinkState.CONNECTING
        assert standing is not None
        assert standing.state == "unknown"


class SlowBroker(ScriptedBroker):
    """It takes a request when the test looks at it, and not before."""

    def __init__(self) -> None:
        super().__init__()
        self._sent, self.sent = trio.open_memory_channel[Request](0)


async def test_what_waited_for_a_link_that_broke_is_not_sent_by_the_next_one() -> None:
    """By then it may be too late for it: the venue is asked what it knows."""
    broker = SlowBroker()
    async with open_ems(broker) as ems:
        await ems.ready()
        for oid in ("o1", "o2"):
            await ems.submit(an_order(oid))
        broker.break_link()
        await trio.testing.wait_all_tasks_blocked()
        await ems.ready()

        names: list[str] = []
        with trio.move_on_after(60):
            while True:
                names.append((await broker.sent.receive()).name)

    assert set(names) == {"brokerd_query"}


async def test_a_link_that_was_closed_for_good_is_not_lost_by_a_restart() -> None:
    """A broker that is used no more has nothing that could be in doubt; the link's table says so."""
    log = MemoryLog()
    async with open_ems(ScriptedBroker(), log=log) as ems:
        await ems.ready()
        ems.dispatcher.link("paper", LinkEvent.CLOSE, ems.clock())
    again = MemoryLog()
    for record in log:
        again.append(record)

    async with open_ems(log=again) as ems:
        assert ems.dispatcher.book.links == {"paper": LinkState.CLOSED}

    assert [type(record.payload).__name__ for record in list(again)[len(log) :]] == ["Opened"]


async def test_one_handle_of_an_order_goes_and_the_other_still_hears() -> None:
    """A reader that is cut off, or leaves, takes nothing from the next one."""
    broker = ScriptedBroker()
    async with open_ems(broker) as ems:
        await ems.ready()
        wish = an_order()
        first, second = await ems.submit(wish), await ems.submit(wish)
        assert first.oid == second.oid
        ems.drop(first.oid, first._mailbox)

        await ems.cancel(wish.oid)

        with trio.fail_after(1):
            assert [(await anext(second)).event for _ in range(2)] == ["standing", "cancel"]


# A real venue behind a link that breaks.


class CutOff(PaperBroker):
    """A paper venue whose connection the test breaks."""

    @asynccontextmanager
    async def open_trades_dialogue(self) -> AsyncGenerator[PaperDialogue]:
        async with super().open_trades_dialogue() as self.dialogue:
            yield self.dialogue


async def test_what_traded_while_the_link_was_lost_is_booked_once_and_with_its_price() -> None:
    """One fill before, two unseen, one of them of an order that the venue then has no more."""
    one, ten = Decimal(1), Decimal(10)
    market = Market("xbtusd.paper", "xbt", "usd", price_tick=one, size_tick=one)
    send, feed = trio.open_memory_channel[Row](100)
    broker = CutOff({market.fqme: market}, feed, prefix="")
    async with open_ems(broker) as ems:
        await ems.ready()
        await send.send(Quote(0, Decimal(98), ten, Decimal(110), ten))
        orders = [
            await ems.submit(new_order(market=market.fqme, side="buy", size="3", price=price))
            for price in ("100", "99")
        ]
        await send.send(Trade(0, Decimal(99), one, "", ""))
        await trio.testing.wait_all_tasks_blocked()
        broker.dialogue.break_off("somebody pulled the plug")
        for price in (100, 99):
            broker.engine.row(Trade(ems.clock(), Decimal(price), Decimal(4), "", ""))
        await ems.ready()
        assert (await orders[0].wait()).state == "filled"
        await trio.sleep(10)

        book = ems.dispatcher.book
        dialogs = [book.dialog("main", order.oid) for order in orders]
        assert [how(dialog) for dialog in dialogs if dialog is not None] == ["filled 3/3", "filled 3/3"]
        assert sum(len(dialog.fills or ()) for dialog in book) == len(broker.engine.venue.executions) == 3
        assert book.positions["main"][market.fqme].size == 6
