"""Dark orders in a trio program: a market that breaks, races, a lost link, restarts and limits."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
import trio
import trio.testing

from fsm_ems import (
    EMS,
    BrokerFault,
    ClientFault,
    InvalidMessage,
    Limits,
    Order,
    OrderHandle,
    Quote,
    Refused,
    Settings,
    Trade,
    open_ems,
)
from fsm_ems.clock import TrioClock
from fsm_ems.dialogs.settings import SECOND_NS
from fsm_ems.journal.file import FileLog
from fsm_ems.journal.memory import MemoryLog
from fsm_ems.machines.link import LinkState
from fsm_ems.market import Market
from fsm_ems.messages import BrokerdCancel, BrokerdOrder, BrokerdOrderAck, BrokerdStatus, Request
from fsm_ems.quotes import MarketRow
from tests.scripted_broker import ScriptedBroker, ScriptedMarket

MARKET = "xbtusd.paper"  # its tick is 0.5
STOP: dict[str, Any] = {
    "side": "sell",
    "market": MARKET,
    "size": "2",
    "price": "90",
    "mode": "dark",
    "trigger": "stop",
}


FROM_FLOAT = "90.099999999999994315658113919198513031005859375"


def a_stop(oid: str = "d", **fields: object) -> Order:
    """A stop to sell 2 once the market has fallen to 90, but for what *fields* say."""
    made: dict[str, Any] = {**STOP, "oid": oid, **fields}
    return Order(**made)


def quote(ems: EMS, bid: str, ask: str | None = None, market: str = MARKET) -> MarketRow:
    """A quote of now; the ask is half a usd above the bid."""
    one, low = Decimal(1), Decimal(bid)
    high = low + Decimal("0.5") if ask is None else Decimal(ask)
    return MarketRow(market, Quote(ems.clock(), low, one, high, one))


def a_print(ems: EMS, price: str) -> MarketRow:
    """Somebody else's trade, of now."""
    return MarketRow(MARKET, Trade(ems.clock(), Decimal(price), Decimal(1), "", ""))


async def show(broker: ScriptedBroker, *rows: MarketRow) -> None:
    """The broker's market shows *rows*, and whoever waits for it has seen them."""
    await trio.testing.wait_all_tasks_blocked()
    for row in rows:
        assert broker.show is not None
        broker.show.send_nowait(row)
    await trio.testing.wait_all_tasks_blocked()


async def sent(broker: ScriptedBroker) -> list[Request]:
    """What the broker was sent since it was asked last."""
    await trio.testing.wait_all_tasks_blocked()
    requests: list[Request] = []
    while broker.sent.statistics().current_buffer_used:
        requests.append(broker.sent.receive_nowait())
    return requests


async def sent_orders(broker: ScriptedBroker) -> list[tuple[Decimal, Decimal | None]]:
    """Sizes and prices of the orders it was sent; nothing else was."""
    requests = await sent(broker)
    orders = [request for request in requests if isinstance(request, BrokerdOrder)]
    assert len(orders) == len(requests)
    return [(order.size, order.price) for order in orders]


async def events(handle: OrderHandle, count: int) -> list[str]:
    """The next *count* events of the order."""
    return [(await anext(handle)).event for _ in range(count)]


def state(ems: EMS, oid: str = "d", owner: str = "main") -> str:
    """How the order stands."""
    status = ems.standing(owner, oid)
    assert status is not None
    return status.state


ONCE = [(Decimal(2), Decimal("87.5"))]
"""A stop of 2 that was met with the bid at 90: five ticks below it."""


# ── the feed ────────────────────────────────────────────────────────────────────────────────────────


async def test_a_broken_market_is_opened_again_and_orders_still_fire() -> None:
    """With pauses that grow while it is refused; the link lives on all the while."""
    broker = ScriptedBroker()
    async with open_ems(broker) as ems:
        await ems.ready()
        await ems.submit(a_stop())
        await show(broker, quote(ems, "95"))
        broker.market_refusals = 2
        broker.break_market()
        await trio.sleep(4)
        await show(broker, quote(ems, "90"))

        assert await sent_orders(broker) == ONCE
        assert (broker.openings, broker.connections) == (4, 1)
        assert ems.dispatcher.book.links["paper"] is LinkState.UP


class FaultBesideMarket(ScriptedBroker):
    """Its own task notices that the feed is dead, not who reads."""

    @asynccontextmanager
    async def open_market(self) -> AsyncGenerator[ScriptedMarket]:
        async with super().open_market() as rows, trio.open_nursery() as nursery:
            nursery.start_soon(self._notice)
            yield rows

    async def _notice(self) -> None:
        await trio.sleep(1)
        raise BrokerFault("no heartbeat")


async def test_a_fault_of_the_feed_that_the_brokers_own_task_notices_opens_it_again() -> None:
    broker = FaultBesideMarket()
    async with open_ems(broker) as ems:
        await ems.ready()
        await ems.submit(a_stop())
        await trio.sleep(2)
        await show(broker, quote(ems, "90"))

        assert await sent_orders(broker) == ONCE
        assert broker.openings == 2


@pytest.mark.parametrize("bid", ["NaN", "-Infinity", "-1"])
async def test_a_row_that_is_no_price_fires_nothing_and_the_feed_is_opened_again(bid: str) -> None:
    """The broker's fault, and not the end of the EMS."""
    broker = ScriptedBroker()
    async with open_ems(broker) as ems:
        await ems.ready()
        await ems.submit(a_stop())
        await show(broker, quote(ems, bid, "95"))
        assert (await sent_orders(broker), state(ems)) == ([], "dark_open")
        await trio.sleep(1)
        await show(broker, quote(ems, "90"))

        assert await sent_orders(broker) == ONCE
        assert broker.openings == 2


async def test_a_market_of_nobody_fires_nothing() -> None:
    """Not by the broker's feed, and not by one's own."""
    broker = ScriptedBroker()
    async with open_ems(broker) as ems:
        await ems.ready()
        await ems.submit(a_stop())
        await show(broker, quote(ems, "80", market="ethusd.paper"))
        with pytest.raises(
            InvalidMessage, match=r"^paper has no market ethusd\.paper: known are xbtusd\.paper$"
        ):
            ems.quote(*quote(ems, "80", market="ethusd.paper"))
        for market in ("xbtusd.kraken", "no market at all"):
            with pytest.raises(InvalidMessage, match=market):
                ems.quote(*quote(ems, "80", market=market))
        assert (await sent_orders(broker), state(ems)) == ([], "dark_open")

        await show(broker, quote(ems, "90"))
        assert await sent_orders(broker) == ONCE


class OtherBroker(ScriptedBroker):
    """A second venue."""

    name = "other"
    markets: Mapping[str, Market] = MappingProxyType({})


async def test_a_broker_tells_of_its_own_markets_alone() -> None:
    """Another's row fires nothing, and the feed is opened again as after any nonsense."""
    broker, other = ScriptedBroker(), OtherBroker()
    async with open_ems(broker, other) as ems:
        await ems.ready()
        await ems.submit(a_stop())
        await show(other, quote(ems, "80"))
        await trio.sleep(1)

        assert (await sent_orders(broker), state(ems)) == ([], "dark_open")
        assert (broker.openings, other.openings) == (1, 2)


async def test_a_closed_ems_takes_no_quotes() -> None:
    """Nothing is recorded that could never be sent; a row on its way when it closes comes too late."""
    broker, log = ScriptedBroker(), MemoryLog()
    async with open_ems(broker, log=log) as ems:
        await ems.ready()
        await ems.submit(a_stop())
        await trio.testing.wait_all_tasks_blocked()
        assert broker.show is not None
        broker.show.send_nowait(quote(ems, "90"))  # whoever waits for it has it, and has not run yet

    with pytest.raises(ClientFault, match="was closed"):
        ems.quote(*quote(ems, "89"))
    assert state(ems) == "dark_open"


async def test_a_row_of_ones_own_is_checked() -> None:
    async with open_ems(ScriptedBroker()) as ems:
        with pytest.raises(InvalidMessage, match=r"^bid of xbtusd\.paper: NaN is no finite number"):
            ems.quote(*quote(ems, "NaN", "95"))
        with pytest.raises(InvalidMessage, match=r"^price of xbtusd\.paper: -1 is no finite number"):
            ems.quote(*a_print(ems, "-1"))
        wrong = Quote(ems.clock(), 1.5, Decimal(1), Decimal(2), Decimal(1))  # type: ignore[arg-type]  # that is the point
        with pytest.raises(
            InvalidMessage, match=r"^xbtusd\.paper: bid: a Decimal is needed, and 1\.5 is none"
        ):
            ems.quote("xbtusd.paper", wrong)


async def test_a_price_that_no_request_could_carry_stops_no_ems() -> None:
    """A feed of one's own that makes its prices from floats: this is 90.1."""
    broker = ScriptedBroker()
    async with open_ems(broker) as ems:
        await ems.ready()
        await ems.submit(a_stop())
        with pytest.raises(InvalidMessage, match=r"^bid of xbtusd\.paper: at most 34 digits"):
            ems.quote(*quote(ems, FROM_FLOAT, "95"))
        for price in (Decimal("1E+30"), Decimal(FROM_FLOAT)):
            with pytest.raises(Refused, match="bad_price"):
                await ems.trigger("main", "d", price)

        assert state(ems) == "dark_open"
        await show(broker, quote(ems, "90"))
        assert len(await sent_orders(broker)) == 1


# ── races ───────────────────────────────────────────────────────────────────────────────────────────


async def test_a_cancel_before_the_row_wins() -> None:
    broker = ScriptedBroker()
    async with open_ems(broker) as ems:
        await ems.ready()
        handle = await ems.submit(a_stop())
        await handle.cancel()
        await show(broker, quote(ems, "90"))

        assert (await handle.wait()).event == "cancel_unsent"
        assert await sent_orders(broker) == []


async def test_a_cancel_behind_the_row_is_kept_and_leaves_with_the_ack() -> None:
    """The order has gone out by then: it is cancelled as any other that lacks its ack."""
    broker = ScriptedBroker()
    async with open_ems(broker) as ems:
        await ems.ready()
        handle = await ems.submit(a_stop())
        ems.quote(*quote(ems, "90"))
        await handle.cancel()
        (order,) = await sent(broker)
        assert isinstance(order, BrokerdOrder)
        broker.report(BrokerdOrderAck(reqid=order.reqid, venue_id="V1"))
        (cancel,) = await sent(broker)
        broker.report(BrokerdStatus(reqid=order.reqid, status="cancelled"))

        assert isinstance(cancel, BrokerdCancel)
        assert (await handle.wait()).state == "cancelled"


async def test_many_rows_in_a_burst_fire_it_once() -> None:
    """Rows and prints that all meet it, by the broker's feed and one's own, and by hand."""
    broker = ScriptedBroker()
    async with open_ems(broker) as ems:
        await ems.ready()
        await ems.submit(a_stop())
        ems.quote(*quote(ems, "90"))
        await show(broker, *(quote(ems, "89"), a_print(ems, "88")) * 20)
        await ems.trigger("main", "d")

        assert await sent_orders(broker) == ONCE


async def test_two_owners_orders_on_one_row_both_fire_and_each_hears_of_its_own() -> None:
    """The one that the market left further behind goes first, whoever came first."""
    broker = ScriptedBroker()
    async with open_ems(broker, identity="alice") as ems:
        await ems.ready()
        bob = ems.client("bob")
        with ems.events() as of_alice, bob.events() as of_bob:
            await ems.submit(a_stop(size="1"))
            await bob.submit(a_stop(price="91"))
            await show(broker, quote(ems, "90"))
            told = [[await box.get() for _ in range(2)] for box in (of_alice, of_bob)]

        assert await sent_orders(broker) == [(Decimal(2), Decimal("87.5")), (Decimal(1), Decimal("87.5"))]
        assert [[(s.owner, s.event, s.seq) for s in mine if s] for mine in told] == [
            [("alice", "submit_dark", 1), ("alice", "stop", 2)],
            [("bob", "submit_dark", 1), ("bob", "stop", 2)],
        ]


# ── the link ────────────────────────────────────────────────────────────────────────────────────────


async def test_met_while_the_link_is_down_it_goes_out_once_when_it_is_back() -> None:
    """With the limit of the moment when it was met; later rows add nothing."""
    broker = ScriptedBroker()
    async with open_ems(broker) as ems:
        await ems.ready()
        handle = await ems.submit(a_stop())
        await trio.testing.wait_all_tasks_blocked()
        broker.refusals = 3
        broker.break_link()
        await show(broker, quote(ems, "90"), quote(ems, "80"), a_print(ems, "85"))
        assert (await sent(broker), state(ems)) == ([], "dark_triggered")
        await ems.ready()

        assert await sent_orders(broker) == ONCE
        assert await events(handle, 3) == ["submit_dark", "stop", "sending"]
        broker.break_link()
        await trio.testing.wait_all_tasks_blocked()
        assert state(ems) == "unknown"
        await trio.sleep(60)
        assert not [request for request in await sent(broker) if isinstance(request, BrokerdOrder)]


async def test_cancelled_while_it_waits_for_the_link_it_never_goes_out() -> None:
    broker = ScriptedBroker()
    async with open_ems(broker) as ems:
        await ems.ready()
        handle = await ems.submit(a_stop())
        await trio.testing.wait_all_tasks_blocked()
        broker.refusals = 1
        broker.break_link()
        await show(broker, quote(ems, "90"))
        await handle.cancel()
        await ems.ready()

        assert (await handle.wait()).event == "cancel_unsent"
        assert await sent(broker) == []


# ── restarts ────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def clock() -> TrioClock:
    """One clock for all runs of a test."""
    return TrioClock(SECOND_NS)


async def test_a_dark_order_is_there_after_a_restart_with_its_side_and_fires_once(
    tmp_path: Path, clock: TrioClock
) -> None:
    """The side was told by where the market stood when it was submitted, and not by where it stands now."""
    path, wish = tmp_path / "records.log", a_stop(side="buy", trigger="price", price="100")
    broker = ScriptedBroker()
    async with open_ems(broker, log=FileLog(path), clock=clock) as ems:
        await show(broker, quote(ems, "95"))
        await ems.submit(wish)

    broker = ScriptedBroker()
    async with open_ems(broker, log=FileLog(path), clock=clock) as ems:
        await ems.ready()
        handle = await ems.submit(wish)  # a retry: the same order
        await show(broker, quote(ems, "96"))
        assert (await sent_orders(broker), state(ems)) == ([], "dark_open")
        await show(broker, quote(ems, "104.5"), quote(ems, "110"))
        assert await sent_orders(broker) == [(Decimal(2), Decimal("107.5"))]
        assert await events(handle, 2) == ["standing", "trigger"]

    broker = ScriptedBroker()
    async with open_ems(broker, log=FileLog(path), clock=clock) as ems:
        await ems.ready()
        await show(broker, quote(ems, "104.5"))
        await trio.sleep(60)
        assert not [request for request in await sent(broker) if isinstance(request, BrokerdOrder)]
        assert state(ems) == "unknown"


async def test_met_by_a_print_it_waits_for_its_quote_over_a_restart(tmp_path: Path, clock: TrioClock) -> None:
    """The next good quote sends it, wherever that is: the market has met it, and that is not forgotten."""
    path, broker = tmp_path / "records.log", ScriptedBroker()
    async with open_ems(broker, log=FileLog(path), clock=clock) as ems:
        await ems.ready()
        await ems.submit(a_stop())
        await show(broker, a_print(ems, "89"))
        assert (await sent_orders(broker), state(ems)) == ([], "dark_open")

    broker = ScriptedBroker()
    async with open_ems(broker, log=FileLog(path), clock=clock) as ems:
        await ems.ready()
        await show(broker, a_print(ems, "95"), quote(ems, "96", "94"))
        assert (await sent_orders(broker), state(ems)) == ([], "dark_open")
        await show(broker, quote(ems, "95"), quote(ems, "90"))

        assert await sent_orders(broker) == [(Decimal(2), Decimal("92.5"))]


async def test_a_trailing_stop_keeps_its_place_over_a_restart(tmp_path: Path, clock: TrioClock) -> None:
    path, broker = tmp_path / "records.log", ScriptedBroker()
    async with open_ems(broker, log=FileLog(path), clock=clock) as ems:
        await show(broker, quote(ems, "95"))
        await ems.submit(a_stop(price=None, trigger="trail", trail="5"))
        await show(broker, quote(ems, "99"), quote(ems, "96"))

    broker = ScriptedBroker()
    async with open_ems(broker, log=FileLog(path), clock=clock) as ems:
        await ems.ready()
        await show(broker, quote(ems, "94.5"))
        assert (await sent_orders(broker), state(ems)) == ([], "dark_open")
        await show(broker, quote(ems, "94"))

        assert await sent_orders(broker) == [(Decimal(2), Decimal("91.5"))]


async def test_met_and_not_sent_it_goes_out_once_after_a_restart(tmp_path: Path, clock: TrioClock) -> None:
    """The link was down when the market met it, and the process ended before it was back."""
    path, broker = tmp_path / "records.log", ScriptedBroker(refusals=100)
    async with open_ems(broker, log=FileLog(path), clock=clock) as ems:
        await ems.submit(a_stop())
        await show(broker, quote(ems, "90"))
        assert (await sent(broker), state(ems)) == ([], "dark_triggered")

    broker = ScriptedBroker()
    async with open_ems(broker, log=FileLog(path), clock=clock) as ems:
        await ems.ready()
        await show(broker, quote(ems, "90"))

        assert await sent_orders(broker) == ONCE


# ── dates ───────────────────────────────────────────────────────────────────────────────────────────


async def test_a_dark_order_whose_date_passes_expires_here(clock: TrioClock) -> None:
    broker = ScriptedBroker()
    async with open_ems(broker, clock=clock) as ems:
        await ems.ready()
        handle = await ems.submit(a_stop(tif="gtd", expire_ns=clock() + 10 * SECOND_NS))
        began = trio.current_time()
        end = await handle.wait()
        took = trio.current_time() - began
        await show(broker, quote(ems, "80"))

        assert end.state == "expired"
        assert took == pytest.approx(10)
        assert await sent_orders(broker) == []


@pytest.mark.parametrize("kind", ["limit", "market"])
async def test_a_dark_order_whose_date_passed_while_nothing_ran_never_goes_out(
    tmp_path: Path, clock: TrioClock, kind: str
) -> None:
    path = tmp_path / "records.log"
    async with open_ems(ScriptedBroker(), log=FileLog(path), clock=clock) as ems:
        await ems.submit(a_stop(tif="gtd", expire_ns=clock() + 10 * SECOND_NS, type=kind))
    await trio.sleep(20)

    broker = ScriptedBroker()
    async with open_ems(broker, log=FileLog(path), clock=clock) as ems:
        ems.quote(*quote(ems, "90"))  # before any of its tasks has run, the one that keeps time included
        await ems.ready()

        assert (await sent_orders(broker), state(ems)) == ([], "expired")


# ── limits ──────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("kind", "worth"), [("limit", "82.5"), ("market", "80.0")])
async def test_an_order_that_its_limit_forbids_when_it_is_met_ends_with_an_alarm(
    kind: str, worth: str
) -> None:
    """Within the limit at its own price, and not where the market is when it fires."""
    settings = Settings(limits={"*": Limits(max_value=Decimal(150))})
    broker = ScriptedBroker()
    async with open_ems(broker, settings=settings) as ems:
        await ems.ready()
        handle = await ems.submit(a_stop(side="buy", price="70", type=kind))
        await show(broker, quote(ems, "79.5"), quote(ems, "70"))
        end = await handle.wait()

        assert (end.state, end.event, end.then) == ("rejected", "stop", "withheld")
        assert end.report is None, "nobody reported it"
        assert end.alarm == f"it was not sent: max_value: 2 at {worth} is above 150"
        assert await sent(broker) == []


async def test_an_order_that_its_limit_forbids_when_it_is_fired_by_hand_waits_on() -> None:
    """That is refused to whoever fires it, who can name another price."""
    settings = Settings(limits={"*": Limits(max_value=Decimal(150))})
    broker = ScriptedBroker()
    async with open_ems(broker, settings=settings) as ems:
        await ems.ready()
        await ems.submit(a_stop(side="buy", price="70"))
        with pytest.raises(Refused) as refused:
            await ems.trigger("main", "d", Decimal(80))

        assert (refused.value.code, state(ems)) == ("max_value", "dark_open")
        assert await sent(broker) == []
        await ems.trigger("main", "d")
        assert await sent_orders(broker) == [(Decimal(2), Decimal(70))]


@pytest.mark.parametrize("met_by", ["submit", "edit"])
async def test_what_the_last_quote_meets_already_waits_for_the_next(met_by: str) -> None:
    """Nothing fires by what came before it, and it fires by the same again."""
    broker = ScriptedBroker()
    async with open_ems(broker) as ems:
        await ems.ready()
        await show(broker, quote(ems, "90"))
        handle = await ems.submit(a_stop(price="90" if met_by == "submit" else "80"))
        if met_by == "edit":
            await handle.edit(price="90")
        await trio.sleep(60)
        assert (state(ems), await sent(broker)) == ("dark_open", [])

        await show(broker, a_print(ems, "95"))
        assert state(ems) == "dark_open"
        await show(broker, quote(ems, "90"))
        assert await sent_orders(broker) == ONCE


async def test_a_limit_that_is_lower_after_a_restart_forbids_what_waited(
    tmp_path: Path, clock: TrioClock
) -> None:
    path = tmp_path / "records.log"
    async with open_ems(ScriptedBroker(), log=FileLog(path), clock=clock) as ems:
        await ems.submit(a_stop())

    broker, settings = ScriptedBroker(), Settings(limits={"*": Limits(max_size=Decimal(1))})
    async with open_ems(broker, log=FileLog(path), clock=clock, settings=settings) as ems:
        await ems.ready()
        with ems.events() as told:
            await show(broker, quote(ems, "90"))
            end = await told.get()

        assert end is not None
        assert (end.state, end.then) == ("rejected", "withheld")
        assert end.alarm == "it was not sent: max_size: size 2 is above 1"
        assert await sent(broker) == []
