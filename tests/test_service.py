"""The EMS in a trio program: what its clients see and what its broker is sent."""

from __future__ import annotations

import signal
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

import pytest
import trio
import trio.testing

from fsm_ems import (
    EMS,
    ClientFault,
    InvalidMessage,
    Limits,
    Market,
    Order,
    OrderHandle,
    Overrun,
    PaperBroker,
    Refused,
    Settings,
    Status,
    new_order,
    open_ems,
)
from fsm_ems.brokers.paper.tape import COLUMNS
from fsm_ems.brokers.paper.tape_file import read_tape
from fsm_ems.client import MAILBOX_MAX, Mailbox
from fsm_ems.clock import TrioClock
from fsm_ems.errors import TapeFileError
from fsm_ems.journal.file import FileLog
from fsm_ems.journal.memory import MemoryLog
from fsm_ems.journal.sqlite import Journal
from fsm_ems.messages import (
    BrokerdCancel,
    BrokerdEdit,
    BrokerdFill,
    BrokerdOrder,
    BrokerdOrderAck,
    BrokerdQuery,
    BrokerdReplaced,
    BrokerdStatus,
    Request,
)
from fsm_ems.quotes import Trade
from tests.scripted_broker import ScriptedBroker

R = TypeVar("R", bound=Request)
LIMIT: dict[str, Any] = {"side": "buy", "market": "xbtusd.paper", "size": "2", "price": "100"}


def an_order(oid: str = "o1", **fields: object) -> Order:
    """A limit order to buy 2 at 100, but for what *fields* say."""
    made: dict[str, Any] = {**LIMIT, "oid": oid, **fields}
    return Order(**made)


async def next_sent(broker: ScriptedBroker, kind: type[R]) -> R:
    """The next request the broker got, which is of that kind."""
    request = await broker.sent.receive()
    assert isinstance(request, kind)
    return request


async def rest(broker: ScriptedBroker) -> BrokerdOrder:
    """Acknowledge the order that was sent, and let it rest."""
    sent = await next_sent(broker, BrokerdOrder)
    broker.report(BrokerdOrderAck(reqid=sent.reqid, venue_id="V1"))
    broker.report(BrokerdStatus(reqid=sent.reqid, status="open"))
    return sent


def fill(exec_id: str, size: str) -> BrokerdFill:
    """An execution of the order V1 at 99."""
    return BrokerdFill(venue_id="V1", exec_id=exec_id, size=Decimal(size), price=Decimal(99))


def test_a_new_order_has_an_id_of_its_own_unless_one_is_given() -> None:
    first, second = new_order(**LIMIT), new_order(**LIMIT)
    given = new_order(**LIMIT, oid="mine")

    assert first.oid != second.oid
    assert given == an_order("mine")


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"size": 0.1}, "size: a decimal number as text is needed, such as '0.10'; a float is not exact"),
        ({"oid": "a b"}, "oid: an id of 1 to 64 letters, digits, '_' and '-' is needed"),
        ({"quantity": "1"}, "quantity: there is no such field"),
        ({"price": None}, "a limit order needs a price"),
    ],
)
def test_a_new_order_with_a_wrong_field_is_an_invalid_message(fields: dict[str, Any], problem: str) -> None:
    """The library's own error, so that one ``except EMSError`` sees it, and no link to pydantic's pages."""
    with pytest.raises(InvalidMessage) as caught:
        new_order(**{**LIMIT, **fields})

    assert caught.value.problems == (problem,)


async def test_what_is_no_order_is_an_invalid_message_that_says_what_is_needed() -> None:
    async with open_ems(ScriptedBroker()) as ems:
        with pytest.raises(
            InvalidMessage, match="order: an Order is needed, such as new_order makes, and no dict"
        ):
            await ems.submit({"oid": "a", **LIMIT})  # type: ignore[arg-type]  # that is the point


async def test_a_wrong_edit_or_cancel_is_an_invalid_message_and_sends_nothing() -> None:
    broker = ScriptedBroker()
    async with open_ems(broker) as ems:
        order = await ems.submit(an_order())
        await rest(broker)

        with pytest.raises(InvalidMessage, match="a float is not exact"):
            await order.edit(size=0.1)  # type: ignore[arg-type]  # that is the point
        with pytest.raises(InvalidMessage, match="an edit changes size, price or both"):
            await order.edit()
        with pytest.raises(InvalidMessage, match="oid: an id of 1 to 64"):
            await ems.cancel("a b")

        await trio.testing.wait_all_tasks_blocked()
        assert broker.sent.statistics().current_buffer_used == 0


async def test_what_a_user_prints_tells_whose_it_is_and_how_it_stands() -> None:
    broker = ScriptedBroker()
    async with open_ems(broker) as ems:
        order = await ems.submit(an_order())
        unread = repr(order)
        await anext(order)

        assert unread == "<OrderHandle o1 of main: nothing read yet>"
        assert repr(order) == "<OrderHandle o1 of main: pending when last read>"
        assert (repr(ems), repr(ems.client("bob"))) == ("<EMS of main>", "<Client of bob>")


async def test_an_order_lives_and_ends() -> None:
    """Iterating a handle gives each status in order and stops at the end, which wait() returns."""
    broker = ScriptedBroker()
    async with open_ems(broker) as ems:
        await ems.ready()
        handle = await ems.submit(an_order())
        await rest(broker)
        broker.report(fill("E1", "0.5"))
        broker.report(fill("E2", "1.5"))
        seen = [(status.state, str(status.filled), status.seq) async for status in handle]
        end = await handle.wait()

    assert seen == [
        ("pending", "0", 1),
        ("acked", "0", 2),
        ("open", "0", 3),
        ("open", "0.5", 4),
        ("filled", "2.0", 5),
    ]
    assert (end.state, end.average_price, end.remaining) == ("filled", Decimal(99), Decimal(0))


async def test_submitting_the_same_order_again_sends_nothing_and_answers_the_same() -> None:
    """A retry with an equal body gets a handle to the one order there is, ended or not."""
    broker = ScriptedBroker()
    async with open_ems(broker) as ems:
        await ems.ready()
        first = await ems.submit(an_order())
        again = await ems.submit(an_order(size="2.00"))
        await rest(broker)
        broker.report(fill("E1", "2"))
        ends = [await first.wait(), await again.wait()]
        late = await ems.submit(an_order())
        ends.append(await late.wait())

        assert [end.state for end in ends] == ["filled"] * 3
        assert ends[2].event == "standing"
        with pytest.raises(trio.WouldBlock):
            broker.sent.receive_nowait()
        with pytest.raises(Refused, match="conflict"):
            await ems.submit(an_order(size="3"))


async def test_why_an_order_ended_is_told_to_whoever_asks_later_by_its_stream() -> None:
    """How it stands says nothing of the report that ended it; the README says so."""
    broker = ScriptedBroker()
    async with open_ems(broker) as ems:
        await ems.ready()
        order = await ems.submit(an_order())
        sent = await next_sent(broker, BrokerdOrder)
        broker.report(BrokerdStatus(reqid=sent.reqid, status="rejected", text="no such size"))
        first = await order.wait()
        again = await (await ems.submit(an_order())).wait()
        standing = ems.standing("main", "o1")
        with ems.events(since=first.seq - 1) as seen:
            told = await seen.get()

    assert again.state == "rejected"
    assert standing is not None
    assert (again.report, standing.report) == (None, None)
    assert isinstance(told, Status)
    assert told.report is not None
    assert told.report == first.report
    assert told.report["text"] == "no such size"


async def test_a_cancel_before_the_ack_leaves_when_the_ack_comes() -> None:
    """The stash: nothing is sent until the venue gave its id, and then at once."""
    broker = ScriptedBroker()
    async with open_ems(broker) as ems:
        await ems.ready()
        handle = await ems.submit(an_order())
        sent = await next_sent(broker, BrokerdOrder)
        await handle.cancel()
        await trio.testing.wait_all_tasks_blocked()
        with pytest.raises(trio.WouldBlock):
            broker.sent.receive_nowait()
        broker.report(BrokerdOrderAck(reqid=sent.reqid, venue_id="V1"))
        cancel = await next_sent(broker, BrokerdCancel)
        broker.report(BrokerdStatus(reqid=sent.reqid, status="cancelled"))
        states = [status.state async for status in handle]

    assert (cancel.target, cancel.venue_id) == (sent.reqid, "V1")
    assert states == ["pending", "cancel_stashed", "cancelling", "cancelled"]


async def test_an_edit_goes_out_with_the_new_total() -> None:
    """An edit names the total size and keeps the price it does not change."""
    broker = ScriptedBroker()
    async with open_ems(broker) as ems:
        await ems.ready()
        handle = await ems.submit(an_order())
        await rest(broker)
        await trio.testing.wait_all_tasks_blocked()
        await handle.edit(size=Decimal(5))
        edit = await next_sent(broker, BrokerdEdit)

    assert (edit.size, edit.price) == (Decimal(5), Decimal(100))


async def test_the_terms_of_an_edit_are_written_as_those_of_an_order() -> None:
    """As text, Decimal or int: the types say so as well, and mypy reads this file."""
    broker = ScriptedBroker()
    async with open_ems(broker) as ems:
        await ems.ready()
        handle = await ems.submit(an_order())
        await rest(broker)
        await trio.testing.wait_all_tasks_blocked()
        await handle.edit(size="5.5", price=99)
        by_handle = await next_sent(broker, BrokerdEdit)
        broker.report(BrokerdReplaced(reqid=by_handle.reqid, size=Decimal("5.5"), price=Decimal(99)))
        await trio.testing.wait_all_tasks_blocked()
        await ems.edit(handle.oid, size=6, price="98")
        by_client = await next_sent(broker, BrokerdEdit)

    assert (by_handle.size, by_handle.price) == (Decimal("5.5"), Decimal(99))
    assert (by_client.size, by_client.price) == (Decimal(6), Decimal(98))


async def test_silence_makes_an_order_unknown_and_the_venue_is_asked() -> None:
    """After the deadline the order is unknown; after the margin the venue is asked; its word settles it."""
    broker = ScriptedBroker()
    async with open_ems(broker) as ems:
        await ems.ready()
        handle = await ems.submit(an_order())
        sent = await next_sent(broker, BrokerdOrder)
        query = await next_sent(broker, BrokerdQuery)
        asked_after_s = (query.time_ns - sent.time_ns) / 1_000_000_000
        broker.report(
            BrokerdStatus(reqid=sent.reqid, venue_id="V1", status="open", snapshot=True, query=query.reqid)
        )
        broker.report(fill("E1", "2"))
        states = [status.state async for status in handle]

    assert states == ["pending", "unknown", "unknown", "open", "filled"]
    assert asked_after_s == pytest.approx(7, abs=0.001)


async def test_a_lost_link_puts_orders_in_doubt_and_new_ones_wait() -> None:
    """A resting order is unknown once the link breaks; an order submitted meanwhile leaves when it is up."""
    broker = ScriptedBroker()
    async with open_ems(broker) as ems:
        await ems.ready()
        handle = await ems.submit(an_order())
        await rest(broker)
        await trio.testing.wait_all_tasks_blocked()
        broker.refusals = 2
        broker.break_link()
        await trio.testing.wait_all_tasks_blocked()
        waiting = await ems.submit(an_order("o2"))
        assert (await first_state(waiting), await last_state(handle, 4)) == ("pending", "unknown")
        await ems.ready()
        sent = await next_sent(broker, BrokerdOrder)
        query = await next_sent(broker, BrokerdQuery)

    assert (sent.size, broker.connections) == (Decimal(2), 4)
    assert query.venue_id == "V1"


async def first_state(handle: OrderHandle) -> str:
    """The state of the next status."""
    return str((await anext(handle)).state)


async def last_state(handle: OrderHandle, count: int) -> str:
    """The state of the *count*-th status from here."""
    state = ""
    for _ in range(count):
        state = await first_state(handle)
    return state


async def test_each_identity_sees_its_own_orders_and_an_observer_all_it_may() -> None:
    """Events reach the owner and its observers, each in a gap-free stream, and nobody else."""
    broker = ScriptedBroker()
    async with open_ems(broker, identity="alice") as ems:
        await ems.ready()
        bob = ems.client("bob")
        eve = ems.client("eve", "observer", ["alice"])
        with ems.events() as of_alice, bob.events() as of_bob, eve.events() as of_eve:
            await ems.submit(an_order("a"))
            await bob.submit(an_order("b"))
            await ems.cancel("a")
            alice = [await of_alice.get(), await of_alice.get()]
            watched = [await of_eve.get(), await of_eve.get()]
            bobs = await of_bob.get()
            with pytest.raises(Refused, match="forbidden"):
                await eve.cancel("a")
            with pytest.raises(Refused, match="unknown_order"):
                await bob.cancel("a")

    assert bobs is not None
    assert bobs.oid == "b"
    assert [(status.oid, status.seq) for status in alice if status] == [("a", 1), ("a", 2)]
    assert [(status.oid, status.seq) for status in watched if status] == [("a", 1), ("a", 2)]


async def test_a_handle_tells_of_its_own_order_alone_though_another_has_its_name() -> None:
    """A trader who sees another's orders reads them in his stream, and not where he follows his own."""
    broker = ScriptedBroker()
    async with open_ems(broker, identity="alice") as ems:
        await ems.ready()
        bob = ems.client("bob", "trader", ["alice"])
        own = await bob.submit(an_order("same", size="1"))
        with bob.events() as of_bob:
            await ems.submit(an_order("same"))
            await ems.cancel("same")
            seen = [await of_bob.get(), await of_bob.get()]
        told = await first_state(own)
        await own.cancel()

        assert [status.owner for status in seen if status] == ["alice", "alice"]
        assert (told, await first_state(own)) == ("pending", "cancel_stashed")
        assert own.status is not None
        assert own.status.owner == "bob"


async def test_the_operator_hears_of_an_execution_of_no_known_order() -> None:
    """It comes by the operator's events, and the trader hears nothing of it."""
    broker = ScriptedBroker()
    async with open_ems(broker, identity="alice") as ems:
        await ems.ready()
        operator = ems.client("operator", "observer")
        with operator.events() as heard, ems.events() as of_alice:
            broker.report(fill("E1", "0.5"))
            told = await heard.get()
            await ems.submit(an_order())
            first = await of_alice.get()

    assert told is not None
    assert (told.event, told.seq, told.alarm) == (
        "orphan",
        1,
        "brokerd_fill E1 belongs to no order that is known",
    )
    assert first is not None
    assert (first.event, first.seq) == ("submit", 1)


async def test_a_market_order_that_waited_is_valued_at_the_last_price_told() -> None:
    """When the link comes up the price is another one; over the limit by then, the order ends here."""
    settings = Settings(limits={"*": Limits(max_value=Decimal(150))})
    broker = ScriptedBroker(refusals=1)
    async with open_ems(broker, settings=settings) as ems:
        ems.quote("xbtusd.paper", Trade(ems.clock(), Decimal(50), Decimal(1), "", ""))
        order = await ems.submit(an_order(type="market", price=None))
        ems.quote("xbtusd.paper", Trade(ems.clock(), Decimal(100), Decimal(1), "", ""))
        end = await order.wait()

    assert (end.state, end.event) == ("rejected", "withheld")
    assert end.alarm == "it was not sent: max_value: 2 at 100 is above 150"


async def test_a_market_order_is_valued_at_the_last_price_told() -> None:
    """Under a value limit a market order needs a price, and is weighed at it."""
    settings = Settings(limits={"*": Limits(max_value=Decimal(150))})
    broker = ScriptedBroker()
    async with open_ems(broker, settings=settings) as ems:
        market = {"type": "market", "price": None}
        with pytest.raises(Refused, match="no_reference"):
            await ems.submit(an_order("m1", **market))
        ems.quote("xbtusd.paper", Trade(ems.clock(), Decimal(100), Decimal(1), "", ""))
        with pytest.raises(Refused, match="max_value"):
            await ems.submit(an_order("m2", **market))
        await ems.submit(an_order("m3", **market, size="1"))


async def test_a_dark_order_and_an_alert_fire_by_hand() -> None:
    """trigger() sends a dark order once; an alert ends without sending."""
    broker = ScriptedBroker()
    async with open_ems(broker) as ems:
        await ems.ready()
        dark = await ems.submit(an_order("d", mode="dark", direction="at_or_above"))
        wish = Order(oid="a", side="alert", market="xbtusd.paper", price=Decimal(1), direction="at_or_below")
        alert = await ems.submit(wish)
        await ems.trigger("main", "d", Decimal(105))
        await ems.trigger("main", "d", Decimal(105))
        await ems.trigger("main", "a")
        sent = await next_sent(broker, BrokerdOrder)
        states = [await first_state(dark), await first_state(dark)]
        end = await alert.wait()

        assert states == ["dark_open", "dark_triggered"]
        assert (sent.price, end.state) == (Decimal(105), "alert_triggered")
        with pytest.raises(trio.WouldBlock):
            broker.sent.receive_nowait()


async def test_an_order_for_a_broker_that_is_not_open_is_refused_by_name() -> None:
    """The error names the brokers there are."""
    async with open_ems(ScriptedBroker()) as ems:
        with pytest.raises(ClientFault, match=r"no broker 'kraken'.*opened are paper"):
            await ems.submit(new_order(**{**LIMIT, "market": "xbtusd.kraken"}))


async def test_waiting_ends_with_an_error_when_the_ems_is_closed() -> None:
    """Leaving the block ends every reader; an order that has not ended says so."""
    handles = []
    async with open_ems(ScriptedBroker()) as ems:
        handles.append(await ems.submit(an_order()))
        with ems.events() as events:
            pass
    with pytest.raises(ClientFault, match="closed before order o1 ended"):
        await handles[0].wait()
    events.close()
    assert await events.get() is None


async def test_a_tape_that_is_not_there_ends_the_ems_at_once(tmp_path: Path) -> None:
    """It would not be there at the next attempt either: no link is lost, the opener has made a mistake."""
    tape = tmp_path / "gone.csv"
    tape.touch()
    market = Market("xbtusd.paper", "xbt", "usd", price_tick=Decimal("0.5"), size_tick=Decimal("0.01"))
    broker = PaperBroker({market.fqme: market}, read_tape(tape))
    tape.unlink()
    began = trio.current_time()

    with pytest.RaisesGroup(
        pytest.RaisesExc(TapeFileError, match=r"gone\.csv: cannot be read"), flatten_subgroups=True
    ):
        async with open_ems(broker) as ems:
            await ems.ready()

    assert trio.current_time() == began


async def test_a_wrong_line_of_a_tape_ends_the_ems_after_the_rows_before_it(tmp_path: Path) -> None:
    """What the venue did until then is told, and recorded, before the error comes out."""
    tape = tmp_path / "tape.csv"
    tape.write_text(f"{','.join(COLUMNS)}\n0,quote,99,5,100,1,,,,\n5000000000,quote,99,5,100,1,,,,\nwrong\n")
    market = Market("xbtusd.paper", "xbt", "usd", price_tick=Decimal("0.5"), size_tick=Decimal("0.01"))
    log, handles = MemoryLog(), []

    with pytest.RaisesGroup(
        pytest.RaisesExc(TapeFileError, match=r"line 4: 1 cells"), flatten_subgroups=True
    ):
        async with open_ems(PaperBroker({market.fqme: market}, read_tape(tape)), log=log) as ems:
            handles.append(await ems.submit(an_order()))
            await handles[0].wait()
            await trio.sleep_forever()

    assert handles[0].status is not None
    assert (handles[0].status.state, handles[0].status.filled) == ("filled", Decimal(2))


async def test_a_closed_ems_takes_no_commands() -> None:
    """Nothing is recorded that could never be sent."""
    async with open_ems(ScriptedBroker()) as ems:
        handle = await ems.submit(an_order())
        seq = ems.dispatcher.book.seq
    with pytest.raises(ClientFault, match="was closed"):
        await ems.submit(an_order("o2"))
    with pytest.raises(ClientFault, match="was closed"):
        await handle.cancel()
    with pytest.raises(ClientFault, match="was closed"):
        await ems.trigger("main", "o1")
    assert ems.dispatcher.book.seq == seq


async def test_whatever_is_asked_of_a_closed_ems_says_that_it_was_closed_and_no_more() -> None:
    """Neither a wait for its links nor another client would have sent anything."""
    async with open_ems(ScriptedBroker()) as ems:
        row = Trade(ems.clock(), Decimal(100), Decimal(1), "", "")

    for ask in (lambda: ems.client("bob"), lambda: ems.quote("xbtusd.paper", row)):
        with pytest.raises(ClientFault, match=r"^this EMS was closed: open another one$"):
            ask()
    with pytest.raises(ClientFault, match=r"^this EMS was closed: open another one$"):
        await ems.ready()


async def test_nobody_changes_an_identity_by_asking_for_it() -> None:
    """The same identity again is the same; another role, a wrong role or a wrong name is refused."""
    async with open_ems(ScriptedBroker()) as ems:
        ems.client("eve", "observer", ["main"])
        assert ems.client("eve", "observer", ["main"]).identity == "eve"
        with pytest.raises(Refused, match="forbidden: eve is known already, as observer"):
            ems.client("eve")
        wrong: Any = "boss"
        with pytest.raises(InvalidMessage, match="boss"):
            ems.client("q", wrong)
        with pytest.raises(InvalidMessage, match="a name of 1 to 40 letters"):
            ems.client("q q")


async def test_an_observer_does_not_become_a_trader_by_another_start(tmp_path: Path) -> None:
    """What the records say of an identity counts for the one that opens, too: it keeps what it sees."""
    async with open_ems(ScriptedBroker(), path=tmp_path) as ems:
        ems.client("eve", "observer", ["main"])
        ems.client("desk", "trader", ["main"])
    with closing(Journal(tmp_path)) as records:
        before = [*records]

    with pytest.raises(Refused, match="forbidden: eve is known already, as observer"):
        async with open_ems(ScriptedBroker(), path=tmp_path, identity="eve"):
            raise AssertionError
    with closing(Journal(tmp_path)) as records:
        assert [*records] == before
    async with open_ems(ScriptedBroker(), path=tmp_path, identity="desk") as ems:
        assert ems.dispatcher.book.identities["desk"].sees == ("main",)
        assert ems.client("desk", "trader", ["main"]).identity == "desk"


async def test_two_ems_in_one_program_share_nothing() -> None:
    """The same oid lives twice, once in each."""
    one, two = ScriptedBroker(), ScriptedBroker()
    async with open_ems(one) as first, open_ems(two) as second:
        await first.ready()
        await second.ready()
        await first.submit(an_order())
        await second.submit(an_order(size="7"))
        sizes = [(await next_sent(one, BrokerdOrder)).size, (await next_sent(two, BrokerdOrder)).size]

    assert sizes == [Decimal(2), Decimal(7)]


async def test_a_file_log_brings_orders_back_as_unknown(tmp_path: Path) -> None:
    """After a restart what the venue may hold is unknown until it answers, and no order is sent twice."""
    clock = TrioClock(1_000_000_000)
    broker = ScriptedBroker()
    async with open_ems(broker, log=FileLog(tmp_path / "records.log"), clock=clock) as ems:
        await ems.ready()
        await ems.submit(an_order())
        sent = await rest(broker)
        await trio.testing.wait_all_tasks_blocked()
    broker = ScriptedBroker()
    async with open_ems(broker, log=FileLog(tmp_path / "records.log"), clock=clock) as ems:
        standing = ems.standing("main", "o1")
        query = await next_sent(broker, BrokerdQuery)

    assert standing is not None
    assert (standing.state, query.target, query.venue_id) == ("unknown", sent.reqid, "V1")


async def test_an_event_stream_can_be_iterated_until_the_ems_is_closed() -> None:
    """What waits is read first; a handle and a stream are read in the same way."""
    broker = ScriptedBroker()
    async with open_ems(broker) as ems:
        events = ems.events()
        await ems.ready()
        seen = events.__enter__()
        await ems.submit(an_order())
        await rest(broker)
        await trio.testing.wait_all_tasks_blocked()

    told = [status.event async for status in seen]
    events.__exit__(None, None, None)

    assert told == ["submit", "ack", "opened"]


async def test_a_reader_that_never_reads_is_cut_off_alone() -> None:
    """Past the bound the mailbox raises Overrun for its reader; putting never fails."""
    mailbox: Mailbox[Status] = Mailbox()
    status = Status(
        oid="o",
        owner="main",
        seq=1,
        state="open",
        event="opened",
        filled=Decimal(0),
        remaining=Decimal(1),
        ord_status="New",
        reason="",
        time_ns=0,
    )
    for _ in range(MAILBOX_MAX + 2):
        mailbox.put(status)

    with pytest.raises(Overrun):
        await mailbox.get()
    assert [mailbox.take(), mailbox.take(), mailbox.take()] == [status, status, None], "what came since"


async def test_the_alarm_of_an_overfill_is_told_with_the_status() -> None:
    """More than ordered traded: the end is filled, and the status carries the alarm."""
    broker = ScriptedBroker()
    async with open_ems(broker) as ems:
        await ems.ready()
        handle = await ems.submit(an_order())
        await rest(broker)
        broker.report(fill("E1", "3"))
        end = await handle.wait()

    assert (end.state, end.filled, end.alarm) == ("filled", Decimal(3), "1 more than ordered traded")


def test_ctrl_c_comes_out_in_a_group_and_the_ems_is_closed_by_then() -> None:
    opened: list[EMS] = []

    async def main() -> None:
        async with open_ems(ScriptedBroker()) as ems:
            opened.append(ems)
            signal.raise_signal(signal.SIGINT)
            await trio.sleep_forever()

    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background is deaf to it
    try:
        with pytest.RaisesGroup(KeyboardInterrupt, flatten_subgroups=True):
            trio.run(main)
    finally:
        signal.signal(signal.SIGINT, before)

    with pytest.raises(ClientFault, match="was closed"):
        opened[0].client("bob")
