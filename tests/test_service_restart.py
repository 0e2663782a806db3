"""An EMS and its paper venue stop and start again: they agree on everything, and nothing is double."""

from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, closing
from decimal import Decimal
from pathlib import Path

import trio
from msgspec.structs import replace
from trio.testing import wait_all_tasks_blocked

from fsm_ems import EMS, PaperBroker, new_order, open_ems
from fsm_ems.clock import TrioClock
from fsm_ems.dialogs.record import Reported
from fsm_ems.journal.file import FileLog, RecordFile
from fsm_ems.market import Market
from fsm_ems.messages import BrokerdCancel, BrokerdFill
from tests.brokers.paper.tables import row_of

S = 1_000_000_000
MARKET = Market(
    "xbtusd.paper", "xbt", "usd", price_tick=Decimal(1), size_tick=Decimal(1), taker_bps=Decimal(5)
)
TAPE = [
    replace(row, time_ns=row.time_ns * S)
    for row in map(
        row_of,
        (
            "0 quote 99x5 101x5",
            "3 trade 100x1",  # while both run
            "20 trade 100x2",  # while only the venue runs
            "50 trade 102x1",  # while nothing runs
            "200 trade 103x9",  # after both are back
        ),
    )
]


class House:
    """A clock, a folder, and what runs there now."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = TrioClock(0)

    def venue(self) -> PaperBroker:
        return PaperBroker(
            {MARKET.fqme: MARKET},
            TAPE,
            latency_ns=S // 10,
            speed=None,
            clock=self.clock,
            path=self.folder / "venue",
            sync=False,
        )

    @property
    def records(self) -> RecordFile:
        return RecordFile(self.folder / "records.log")

    @asynccontextmanager
    async def both(self) -> AsyncGenerator[tuple[EMS, PaperBroker]]:
        """The EMS and its venue."""
        with self.venue() as venue, closing(FileLog(self.records.path)) as log:
            async with open_ems(venue, log=log, clock=self.clock) as ems:
                await ems.ready()
                yield ems, venue

    async def until(self, second: int) -> None:
        await trio.sleep(second - self.clock() / S)


async def rest(ems: EMS, oid: str, side: str, size: int, price: int, **terms: object) -> None:
    wish = {"oid": oid, "side": side, "market": MARKET.fqme, "size": Decimal(size), "price": Decimal(price)}
    await ems.submit(new_order(**wish, **terms))


def stood(ems: EMS) -> dict[str, str]:
    """How the EMS sees its orders: state and what is filled."""
    return {dialog.oid: f"{dialog.state} {dialog.filled}" for dialog in ems.dispatcher.book}


def agree(ems: EMS, venue: PaperBroker, log: RecordFile) -> None:
    """Orders, executions and positions are the same on both sides, and no execution was recorded twice."""
    for dialog in ems.dispatcher.book:
        assert dialog.reqid is not None
        order = venue.engine.orders.named(dialog.reqid)
        told = ("rejected", 0, None) if order is None else (order.standing, order.cum, order.venue_id)
        assert (dialog.state, dialog.filled, dialog.venue_id) == told, dialog.oid
    executions = venue.engine.venue.executions
    booked = Counter(
        record.payload.report.exec_id
        for record in log
        if isinstance(record.payload, Reported) and isinstance(record.payload.report, BrokerdFill)
    )
    assert booked == Counter(fill.exec_id for fill in executions)
    sides = {order.venue_id: order.is_buy for order in venue.engine.orders._by_venue_id.values()}
    size = sum((fill.size if sides[fill.venue_id] else -fill.size for fill in executions), Decimal(0))
    fees = sum((fill.fee for fill in executions), Decimal(0))
    (held,) = ems.positions
    assert (held.size, held.fees) == (size, (("usd", fees),))


async def last_moments(house: House) -> None:
    """Orders come to rest, one trades; then all stops while a cancel and an order are on their way."""
    async with house.both() as (ems, venue):
        await rest(ems, "a", "buy", 2, 100)
        await rest(ems, "b", "buy", 2, 100)
        await rest(ems, "c", "sell", 3, 102)
        await rest(ems, "d", "sell", 1, 110)
        await rest(ems, "e", "sell", 1, 111)
        await rest(ems, "gone", "buy", 1, 95, tif="gtd", expire_ns=40 * S)
        await rest(ems, "took", "buy", 1, 101)
        await house.until(5)
        agree(ems, venue, house.records)
        await rest(ems, "lost", "buy", 1, 90)
        await ems.client("main").cancel("e")
        await wait_all_tasks_blocked()
        assert venue.engine.in_flight == 2


async def alone(house: House) -> None:
    """The venue goes on without the EMS, and somebody cancels an order by another way."""
    with house.venue() as venue:
        async with venue.open_trades_dialogue() as dialogue:
            (order,) = [order for order in venue.engine.orders.living() if order.price == 110]
            await house.until(25)
            await dialogue.send(
                BrokerdCancel(
                    reqid="by hand", account="main", target=order.reqid, time_ns=25 * S, deadline_ns=30 * S
                )
            )
            while order.standing == "open":
                await dialogue.receive()


async def test_after_a_restart_the_ems_and_its_venue_agree_on_everything(tmp_path: Path) -> None:
    house = House(tmp_path)
    await last_moments(house)
    await house.until(10)
    await alone(house)
    await house.until(60)

    async with house.both() as (ems, venue):
        await house.until(120)
        assert stood(ems) == {
            "a": "filled 2",  # one of it while only the venue ran
            "b": "open 1",  # so was this
            "c": "open 1",  # while nothing ran
            "d": "cancelled 0",  # by somebody else
            "e": "cancelled 0",  # the cancel was lost, and sent again
            "gone": "expired 0",  # while nothing ran
            "took": "filled 1",
            "lost": "rejected 0",  # it never arrived, and is proven absent
        }
        agree(ems, venue, house.records)
        await house.until(210)
        assert stood(ems)["c"] == "filled 3", "it goes on"
        agree(ems, venue, house.records)
        before = stood(ems)

    async with house.both() as (ems, venue):
        await house.until(300)
        assert stood(ems) == before
        agree(ems, venue, house.records)


async def test_an_ems_without_its_records_adopts_what_the_venue_kept(tmp_path: Path) -> None:
    """The venue's journal is its own: orders that the EMS knows nothing of are born there, and are found."""
    house = House(tmp_path)
    async with house.both() as (ems, _):
        await rest(ems, "a", "buy", 2, 100)
        await house.until(5)
    house.records.path.unlink()

    async with house.both() as (ems, venue):
        await house.until(10)

        (dialog,) = ems.dispatcher.book
        (order,) = venue.engine.orders.living()
        assert (dialog.venue_id, f"{dialog.state} {dialog.filled}") == (order.venue_id, "open 1")
        agree(ems, venue, house.records)

        await ems.client("operator").cancel(dialog.oid)  # an identity like any other, whose orders these are
        await house.until(15)
        assert stood(ems) == {dialog.oid: "cancelled 1"}
        agree(ems, venue, house.records)
