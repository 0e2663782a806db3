"""Nothing leaves before its record is durable: no request, no status, no answer."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from decimal import Decimal

import pytest
import trio
import trio.testing
from structlog.testing import capture_logs

from fsm_ems import ClientFault, Order, Refused, open_ems
from fsm_ems.errors import EMSBug, LogHalted
from fsm_ems.messages import (
    BrokerdFill,
    BrokerdOrder,
    BrokerdOrderAck,
    BrokerdQuery,
    BrokerdStatus,
    Request,
)
from fsm_ems.promises import SLOW_S, STAGED_MAX, STUCK_S
from fsm_ems.service import EMS
from tests.late_log import LateLog
from tests.scripted_broker import ScriptedBroker, ScriptedDialogue


def an_order(oid: str = "o1") -> Order:
    return Order(oid=oid, side="buy", market="xbtusd.paper", size=Decimal(2), price=Decimal(100))


async def sent(broker: ScriptedBroker) -> list[Request]:
    """What the broker was sent and the test has not looked at, once all that can leave has left."""
    await trio.testing.wait_all_tasks_blocked()
    found: list[Request] = []
    while broker.sent.statistics().current_buffer_used:
        found.append(broker.sent.receive_nowait())
    return found


class Wish:
    """A command that is on its way: what came of it, once something did."""

    def __init__(self, nursery: trio.Nursery, ask: Callable[[], Awaitable[object]]) -> None:
        self.answer: object = None
        self.refusal: Exception | None = None
        self._ask = ask
        nursery.start_soon(self._run)

    async def _run(self) -> None:
        try:
            self.answer = await self._ask() or "taken"
        except (ClientFault, EMSBug, LogHalted) as refusal:
            self.refusal = refusal

    def waits(self) -> bool:
        return self.answer is None and self.refusal is None


@asynccontextmanager
async def late() -> AsyncIterator[tuple[EMS, LateLog, ScriptedBroker, trio.Nursery]]:
    """An EMS whose link is up, on a log that is behind from here on until the test says otherwise."""
    log, broker = LateLog(), ScriptedBroker()
    async with open_ems(broker, log=log) as ems, trio.open_nursery() as nursery:
        await ems.ready()
        log.behind = True
        try:
            yield ems, log, broker, nursery
        finally:  # a test that fails ends, too
            log.behind = False
            if not log._dead:
                log.sync()


async def test_an_order_is_sent_and_told_when_it_is_durable_and_not_before() -> None:
    async with late() as (ems, log, broker, nursery):
        with ems.events() as events:
            wish = Wish(nursery, lambda: ems.submit(an_order()))
            heard = Wish(nursery, events.get)
            await trio.testing.wait_all_tasks_blocked()
            assert wish.waits()
            assert heard.waits()
            assert await sent(broker) == []

            log.sync()
            await trio.testing.wait_all_tasks_blocked()

            assert [type(request) for request in await sent(broker)] == [BrokerdOrder]
            assert not wish.waits()
            assert not heard.waits()


class Seconds:
    """Real time, which the test moves on."""

    def __init__(self, ems: EMS) -> None:
        self.now_s = 100.0
        ems._promises._now_s = lambda: self.now_s


async def test_a_disk_that_is_stuck_gets_no_new_order_and_keeps_no_cancel_out() -> None:
    """What it has already is answered again, and what takes risk away is taken."""
    async with late() as (ems, log, broker, nursery):
        disk = Seconds(ems)
        first = Wish(nursery, lambda: ems.submit(an_order("o1")))
        await trio.testing.wait_all_tasks_blocked()
        disk.now_s += STUCK_S
        just = Wish(nursery, lambda: ems.submit(an_order("o2")))
        await trio.testing.wait_all_tasks_blocked()
        disk.now_s += 0.1
        seq = log.durable_seq

        with pytest.raises(Refused, match=r"waited for the disk for 2\.1 s") as refusal:
            await ems.submit(an_order("o3"))
        again = Wish(nursery, lambda: ems.submit(an_order("o1")))
        cancel = Wish(nursery, lambda: ems.cancel("o1"))
        await trio.testing.wait_all_tasks_blocked()

        assert (refusal.value.code, refusal.value.oid) == ("disk_stuck", "o3")
        assert all(wish.waits() for wish in (first, just, again, cancel))
        assert ({record.oid for record in log if record.seq > seq}, await sent(broker)) == ({"o1", "o2"}, [])
        log.behind = False
        log.sync()
        await trio.testing.wait_all_tasks_blocked()
        assert (await ems.submit(an_order("o3"))).oid == "o3"
        assert not any(wish.waits() or wish.refusal for wish in (first, just, again, cancel))


async def test_a_slow_disk_is_told_once_and_so_is_its_catching_up() -> None:
    async with late() as (ems, log, _, nursery):
        disk = Seconds(ems)
        with capture_logs() as told:
            for number, (later_s, durable) in enumerate([(SLOW_S, 1), (0.0, None), (0.3, 1), (0.3, None)]):
                for name in "ab":
                    Wish(nursery, lambda oid=f"{name}{number}": ems.submit(an_order(oid)))  # type: ignore[misc]  # a default is bound
                await trio.testing.wait_all_tasks_blocked()
                disk.now_s += later_s
                log.sync(durable)
                await trio.testing.wait_all_tasks_blocked()

        assert told == [
            {"event": "disk slow", "behind_s": 0.3, "log_level": "warning"},
            {"event": "disk in step again", "log_level": "info"},
        ]


async def test_a_disk_that_takes_nothing_is_told_of_when_something_more_has_to_wait() -> None:
    async with late() as (ems, _, _, nursery):
        disk = Seconds(ems)
        Wish(nursery, lambda: ems.submit(an_order("o1")))
        await trio.testing.wait_all_tasks_blocked()
        disk.now_s += 1.25

        with capture_logs() as told:
            Wish(nursery, lambda: ems.cancel("o1"))
            await trio.testing.wait_all_tasks_blocked()

        assert told == [{"event": "disk slow", "behind_s": 1.25, "log_level": "warning"}]


async def test_a_report_is_told_when_it_is_durable() -> None:
    async with late() as (ems, log, broker, nursery):
        log.behind = False
        handle = await ems.submit(an_order())
        assert (await anext(handle)).state == "pending"
        assert handle.status is not None
        log.behind = True
        [request] = await sent(broker)
        broker.report(BrokerdOrderAck(reqid=request.reqid, venue_id="V1"))
        broker.report(BrokerdFill(venue_id="V1", exec_id="x", size=Decimal(2), price=Decimal(99)))
        heard = Wish(nursery, handle.wait)
        await trio.testing.wait_all_tasks_blocked()
        assert heard.waits()

        log.sync(1)
        await trio.testing.wait_all_tasks_blocked()
        assert handle.status.state == "acked"
        assert heard.waits()

        log.sync(1)
        await trio.testing.wait_all_tasks_blocked()
        assert handle.status.state == "filled"


async def test_what_is_due_leaves_in_the_order_of_its_records() -> None:
    async with late() as (ems, log, broker, nursery):
        wishes = [Wish(nursery, lambda oid=oid: ems.submit(an_order(oid))) for oid in ("a", "b", "c")]  # type: ignore[misc]  # a default is bound
        await trio.testing.wait_all_tasks_blocked()
        decided = [record.oid for record in log][-3:]

        log.sync(2)
        await trio.testing.wait_all_tasks_blocked()
        assert len(await sent(broker)) == 2
        assert [wish.waits() for wish in wishes].count(True) == 1

        log.behind = False
        await ems.submit(an_order("d"))
        requests = await sent(broker)
        assert len(requests) == 2
        reqids = {
            dialog.reqid: oid
            for oid in ("a", "b", "c", "d")
            if (dialog := ems.dispatcher.book.dialog("main", oid)) is not None
        }
        assert [reqids[request.reqid] for request in requests] == [decided[2], "d"]


async def test_cancel_edit_and_trigger_return_when_they_are_durable() -> None:
    async with late() as (ems, log, broker, nursery):
        log.behind = False
        handle = await ems.submit(an_order())
        [request] = await sent(broker)
        broker.report(BrokerdOrderAck(reqid=request.reqid, venue_id="V1"))
        alert = Order(
            oid="alert", side="alert", market="xbtusd.paper", price=Decimal(50), direction="at_or_below"
        )
        await ems.submit(alert)
        log.behind = True
        asks: list[Callable[[], Awaitable[object]]] = [
            lambda: handle.edit(size=Decimal(3)),
            handle.cancel,
            lambda: ems.trigger("main", "alert"),
        ]
        for ask in asks:
            wish = Wish(nursery, ask)
            await trio.testing.wait_all_tasks_blocked()
            assert wish.waits()
            assert await sent(broker) == []
            log.sync()
            await trio.testing.wait_all_tasks_blocked()
            assert not wish.waits()
            await sent(broker)


async def test_a_retry_is_answered_when_what_it_tells_is_durable() -> None:
    async with late() as (ems, log, broker, nursery):
        first = Wish(nursery, lambda: ems.submit(an_order()))
        await trio.testing.wait_all_tasks_blocked()
        again = Wish(nursery, lambda: ems.submit(an_order()))
        await trio.testing.wait_all_tasks_blocked()
        assert first.waits()
        assert again.waits()

        log.sync()
        await trio.testing.wait_all_tasks_blocked()

        assert len(await sent(broker)) == 1
        status = await anext(again.answer)  # type: ignore[call-overload]  # it is a handle
        assert status.state == "pending"


async def test_a_refusal_waits_for_what_it_was_refused_for() -> None:
    async with late() as (ems, log, _, nursery):
        first = Wish(nursery, lambda: ems.submit(an_order()))
        await trio.testing.wait_all_tasks_blocked()
        other = Order(oid="o1", side="sell", market="xbtusd.paper", size=Decimal(1), price=Decimal(5))
        refused = Wish(nursery, lambda: ems.submit(other))
        await trio.testing.wait_all_tasks_blocked()
        assert refused.waits()

        log.sync()
        await trio.testing.wait_all_tasks_blocked()

        assert not first.waits()
        assert isinstance(refused.refusal, Refused)
        assert refused.refusal.code == "conflict"


async def test_what_was_for_a_lost_link_is_never_sent_and_the_venue_is_asked() -> None:
    async with late() as (ems, log, broker, nursery):
        Wish(nursery, lambda: ems.submit(an_order()))
        await trio.testing.wait_all_tasks_blocked()
        broker.break_link()
        await trio.testing.wait_all_tasks_blocked()
        log.sync()
        log.behind = False
        await ems.ready()

        assert isinstance(await broker.sent.receive(), BrokerdQuery)


async def test_a_cancelled_submit_may_have_been_taken() -> None:
    async with late() as (ems, log, broker, _):
        with trio.move_on_after(1) as scope:
            await ems.submit(an_order())
        assert scope.cancelled_caught

        log.sync()
        log.behind = False
        handle = await ems.submit(an_order())

        assert (await anext(handle)).state == "pending"
        assert len(await sent(broker)) == 1


async def test_commands_and_reports_wait_while_too_much_waits_for_the_disk(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("fsm_ems.promises.STAGED_MAX", 2)
    assert STAGED_MAX == 10_000
    async with late() as (ems, log, broker, nursery):
        for number in range(5):
            Wish(nursery, lambda oid=f"o{number}": ems.submit(an_order(oid)))  # type: ignore[misc]  # a default is bound
        await trio.testing.wait_all_tasks_blocked()
        assert len(ems.dispatcher.book.dialogs["main"]) == 3
        seq = ems.dispatcher.book.seq
        broker.report(BrokerdStatus(reqid="nobody", status="open"))
        await trio.testing.wait_all_tasks_blocked()
        assert ems.dispatcher.book.seq == seq

        for _ in range(2):
            log.sync()
            await trio.testing.wait_all_tasks_blocked()

        assert len(ems.dispatcher.book.dialogs["main"]) == 5
        assert [waiting.report.reqid for waiting in ems.dispatcher.book.parked.values()] == ["nobody"]


async def test_a_command_that_waited_for_the_disk_is_refused_by_an_ems_that_was_closed_meanwhile(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its record would be durable, and nobody is left to send what it asks for."""
    monkeypatch.setattr("fsm_ems.promises.STAGED_MAX", 0)
    async with late() as (ems, log, _, nursery):
        ems.client("other")  # a record that waits
        wish = Wish(nursery, lambda: ems.submit(an_order()))
        await trio.testing.wait_all_tasks_blocked()

        ems.close()
        log.sync()
        await trio.testing.wait_all_tasks_blocked()

        assert isinstance(wish.refusal, ClientFault)
        assert ems.dispatcher.book.dialog("main", "o1") is None


async def test_a_block_ends_when_what_it_did_is_durable() -> None:
    log, ended = LateLog(), trio.Event()

    async def trade() -> None:
        async with open_ems(ScriptedBroker(), log=log) as ems:
            log.behind = True
            ems.client("other")
        ended.set()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(trade)
        await trio.testing.wait_all_tasks_blocked()
        assert not ended.is_set()

        log.sync()
        await ended.wait()


# The log dies.


async def test_when_the_log_halts_nothing_is_sent_and_everybody_is_told() -> None:
    log, broker = LateLog(), ScriptedBroker()
    wishes: list[Wish] = []
    with pytest.RaisesGroup(pytest.RaisesExc(LogHalted, match="the disk is dead"), flatten_subgroups=True):
        async with open_ems(broker, log=log) as ems:
            await ems.ready()
            log.behind = True
            with trio.CancelScope(shield=True):
                async with trio.open_nursery() as nursery:
                    wishes += [Wish(nursery, lambda: ems.submit(an_order()))]
                    await trio.testing.wait_all_tasks_blocked()
                    log.die("the disk is dead")
                with pytest.raises(LogHalted, match="the disk is dead"):
                    await ems.submit(an_order("o3"))
                with pytest.raises(LogHalted, match="the disk is dead"):
                    await ems.cancel("o1")
                with pytest.raises(LogHalted, match="the disk is dead"):
                    await ems.ready()
            await trio.sleep_forever()

    assert isinstance(wishes[0].refusal, LogHalted)
    assert await sent(broker) == []
    assert broker.connections == 1


async def test_what_was_durable_before_the_log_halted_is_told_before_the_end() -> None:
    log, broker = LateLog(), ScriptedBroker()
    with pytest.RaisesGroup(LogHalted, flatten_subgroups=True):
        async with open_ems(broker, log=log) as ems:
            await ems.ready()
            handle = await ems.submit(an_order())
            log.die("the disk is dead")
            with trio.CancelScope(shield=True):
                assert (await anext(handle)).state == "pending"
                with pytest.raises(ClientFault, match="closed"):
                    await handle.wait()
            await trio.sleep_forever()


class HastyDialogue:
    """It hands over what it is given before it looks whether it was cancelled."""

    def __init__(self, dialogue: ScriptedDialogue, sent: list[Request]) -> None:
        self.receive = dialogue.receive
        self._sent = sent

    async def send(self, request: Request) -> None:
        self._sent.append(request)
        await trio.lowlevel.checkpoint()


class HastyBroker(ScriptedBroker):
    """Its dialogues are hasty."""

    def __init__(self) -> None:
        super().__init__()
        self.took: list[Request] = []

    @asynccontextmanager
    async def open_trades_dialogue(self) -> AsyncGenerator[HastyDialogue]:  # type: ignore[override]  # as good to the EMS
        async with super().open_trades_dialogue() as dialogue:
            yield HastyDialogue(dialogue, self.took)


async def test_a_cancel_in_the_outbox_does_not_leave_after_the_log_halted() -> None:
    """The link's task may hold requests that are durable and did not leave: they stay."""
    log, broker = LateLog(), HastyBroker()
    with pytest.RaisesGroup(LogHalted, flatten_subgroups=True):
        async with open_ems(broker, log=log) as ems:
            await ems.ready()
            handle = await ems.submit(an_order())
            await trio.testing.wait_all_tasks_blocked()
            [request] = broker.took
            broker.report(BrokerdOrderAck(reqid=request.reqid, venue_id="V1"))
            await trio.testing.wait_all_tasks_blocked()
            log.behind = True
            async with trio.open_nursery() as nursery:
                wish = Wish(nursery, handle.cancel)
                await trio.testing.wait_all_tasks_blocked()
                log.sync()
                log.die("the disk is dead")
            assert wish.answer == "taken"
            await trio.sleep_forever()

    assert [type(request) for request in broker.took] == [BrokerdOrder]


async def test_what_fails_when_it_is_let_go_ends_the_block_and_not_the_program() -> None:
    """Trio tells of the log's progress outside every task: nobody there could catch what is raised."""
    log = LateLog()
    with pytest.RaisesGroup(
        pytest.RaisesExc(EMSBug, match="what was due could not leave: KeyError"), flatten_subgroups=True
    ):
        async with open_ems(ScriptedBroker(), log=log) as ems:
            await ems.ready()
            log.behind = True
            async with trio.open_nursery() as nursery:
                wish = Wish(nursery, lambda: ems.submit(an_order()))
                await trio.testing.wait_all_tasks_blocked()
                ems._outboxes.clear()
                log.sync()
            assert isinstance(wish.refusal, EMSBug)
            await trio.sleep_forever()
