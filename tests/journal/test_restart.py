"""A restart brings everything back, whether the EMS was closed or killed, and nothing is sent twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import Counter, defaultdict
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import trio
import trio.testing

from fsm_ems import Order, Quote, Settings, Trade, open_ems
from fsm_ems.clock import TrioClock
from fsm_ems.dialogs.record import CancelWanted, Record
from fsm_ems.dialogs.settings import SECOND_NS
from fsm_ems.dialogs.snapshot import facts
from fsm_ems.journal.base import ids_in
from fsm_ems.journal.replay import replay
from fsm_ems.journal.sqlite import Journal
from fsm_ems.journal.sqlite_read import JournalReader
from fsm_ems.messages import (
    BrokerdCancel,
    BrokerdEdit,
    BrokerdFill,
    BrokerdOrder,
    BrokerdOrderAck,
    BrokerdQuery,
    BrokerdReplaced,
    BrokerdStatus,
)
from fsm_ems.service import EMS
from tests.scripted_broker import ScriptedBroker

ROOT = Path(__file__).parents[2]
MARKET = "xbtusd.paper"
SETTINGS = Settings(request_deadline_ns=SECOND_NS, margin_ns=0, ask_every_ns=SECOND_NS)
pytestmark = pytest.mark.real_clock


def a_buy(oid: str, **fields: Any) -> Order:  # noqa: ANN401 -- pydantic checks them
    return Order(oid=oid, side="buy", market=MARKET, size=Decimal(2), price=Decimal(95), **fields)


ALERT = Order(oid="alert", side="alert", market=MARKET, price=Decimal(90), direction="at_or_below")
TRAIL = Order(
    oid="trail", side="sell", market=MARKET, size=Decimal(1), mode="dark", trigger="trail", trail=Decimal(5)
)
ORDERS = {
    "main": [
        a_buy("live"),
        a_buy("edited"),
        a_buy("stash"),
        a_buy("filled"),
        a_buy("dark", mode="dark", direction="at_or_below"),
        TRAIL,
        ALERT,
    ],
    "other": [a_buy("live")],
}


async def next_order(broker: ScriptedBroker) -> BrokerdOrder:
    request = await broker.sent.receive()
    assert isinstance(request, BrokerdOrder)
    return request


async def live_through(ems: EMS, broker: ScriptedBroker) -> None:
    """One order in each of the states that wait for something."""
    await ems.ready()
    other = ems.client("other")
    ems.client("eye", "observer", ("main",))
    ems.quote(MARKET, Quote(ems.clock(), Decimal(100), Decimal(1), Decimal(101), Decimal(1)))
    for owner, orders in ORDERS.items():
        for order in orders:
            await (ems if owner == "main" else other).submit(order)
            if order.mode == "dark" or order.side == "alert":
                continue
            request = await next_order(broker)
            if order.oid == "stash":
                await ems.cancel("stash")
                continue
            venue_id = f"V-{owner}-{order.oid}"
            broker.report(BrokerdOrderAck(reqid=request.reqid, venue_id=venue_id))
            broker.report(BrokerdStatus(reqid=request.reqid, status="open"))
    broker.report(BrokerdFill(venue_id="V-main-live", exec_id="x1", size=Decimal(1), price=Decimal(94)))
    broker.report(BrokerdFill(venue_id="V-main-filled", exec_id="x2", size=Decimal(2), price=Decimal(94)))
    await trio.testing.wait_all_tasks_blocked(0.01)
    await ems.edit("edited", size=Decimal(3), edit_id="e1")
    await ems.edit("edited", size=Decimal(4), edit_id="e2")
    assert isinstance(await broker.sent.receive(), BrokerdEdit)
    ems.quote(MARKET, Quote(ems.clock(), Decimal(104), Decimal(1), Decimal(105), Decimal(1)))
    await ems.settle()


def states(ems: EMS) -> dict[str, str]:
    return {oid: dialog.state.value for oid, dialog in ems.dispatcher.book.dialogs["main"].items()}


async def test_a_restart_brings_back_every_order_owner_seq_and_position(tmp_path: Path) -> None:
    clock, broker = TrioClock(), ScriptedBroker()
    async with open_ems(broker, path=tmp_path, settings=SETTINGS, clock=clock) as ems:
        await live_through(ems, broker)
        assert states(ems) == {
            "live": "open", "edited": "editing", "stash": "cancel_stashed", "filled": "filled",
            "dark": "dark_open", "trail": "dark_open", "alert": "alert_open",
        }  # fmt: skip
        held = ems.positions
    before = facts(ems.dispatcher.book)
    assert facts(replay(JournalReader(tmp_path))) == before

    broker = ScriptedBroker(refusals=1_000)
    async with open_ems(broker, path=tmp_path, settings=SETTINGS, clock=clock) as ems:
        after = facts(ems.dispatcher.book)
        for slot in ("identities", "streams", "positions", "executions", "by_venue_id", "generation"):
            wanted = before[slot]
            if slot == "streams":  # what a restart puts in doubt is told
                assert all(after[slot][identity] >= seq for identity, seq in wanted.items())
            else:
                assert after[slot] == wanted, slot
        assert ems.positions == held
        assert states(ems) == {
            "live": "unknown", "edited": "unknown", "stash": "unknown", "filled": "filled",
            "dark": "dark_open", "trail": "dark_open", "alert": "alert_open",
        }  # fmt: skip
        edited, trail = (
            ems.dispatcher.book.dialog("main", "edited"),
            ems.dispatcher.book.dialog("main", "trail"),
        )
        assert edited is not None
        assert trail is not None
        assert [edit.edit_id for edit in edited.edits or ()] == ["e1", "e2"]
        assert trail.price == Decimal(99)


async def test_after_a_restart_nothing_is_sent_twice_and_everything_goes_on(tmp_path: Path) -> None:
    clock, broker = TrioClock(), ScriptedBroker()
    async with open_ems(broker, path=tmp_path, settings=SETTINGS, clock=clock) as ems:
        await live_through(ems, broker)

    broker = ScriptedBroker()
    async with open_ems(broker, path=tmp_path, settings=SETTINGS, clock=clock) as ems:
        await ems.ready()
        other = ems.client("other")
        seqs: list[int] = []
        async with trio.open_nursery() as nursery:
            nursery.start_soon(listen, ems, seqs)
            for owner, orders in ORDERS.items():
                for order in orders:
                    await (ems if owner == "main" else other).submit(order)
            await goes_on(ems, broker)
            await ems.settle()
            await trio.testing.wait_all_tasks_blocked(0.01)
            nursery.cancel_scope.cancel()
        assert states(ems)["alert"] == "alert_triggered"
        assert len(seqs) > 8
        assert seqs == [*range(seqs[0], seqs[0] + len(seqs))]


async def listen(ems: EMS, seqs: list[int]) -> None:
    """The seqs of the stream from here on."""
    with ems.events() as events:
        while (status := await events.get()) is not None:
            seqs.append(status.seq)


def answer(broker: ScriptedBroker, query: BrokerdQuery) -> None:
    venue_id, cum = query.venue_id or "V-main-stash", Decimal(query.venue_id == "V-main-live")
    broker.report(
        BrokerdStatus(
            reqid=query.target, venue_id=venue_id, status="open", cum=cum, snapshot=True, query=query.reqid
        )
    )


async def goes_on(ems: EMS, broker: ScriptedBroker) -> None:
    """The venue is asked, stashed cancel and held edit leave, and what is held fires; nothing else does."""
    edited, stashed = (ems.dispatcher.book.dialog("main", oid) for oid in ("edited", "stash"))
    assert edited is not None
    assert stashed is not None
    assert edited.edits
    reqid = edited.edits[0].reqid
    assert reqid is not None
    asked, wanted = set[str | None](), {BrokerdCancel, BrokerdEdit, BrokerdOrder}
    fired: list[str] = []
    while wanted or len(asked) < 4:
        request = await broker.sent.receive()
        if isinstance(request, BrokerdQuery):
            answer(broker, request)
            if request.venue_id == "V-main-edited" not in asked:
                broker.report(BrokerdReplaced(reqid=reqid, venue_id="V-main-edited", size=Decimal(3)))
            asked.add(request.venue_id)
        elif isinstance(request, BrokerdOrder):
            fired.append(request.side)
            wanted -= {BrokerdOrder} if len(fired) == 2 else set()
        elif isinstance(request, BrokerdCancel):
            assert request.target == stashed.reqid
            wanted -= {BrokerdCancel}  # it is driven on for as long as the order is in doubt
        else:
            wanted.remove(type(request))
            assert isinstance(request, BrokerdEdit)
            assert request.size == Decimal(4)
        if wanted == {BrokerdOrder} and not fired:
            ems.quote(MARKET, Quote(ems.clock(), Decimal(90), Decimal(1), Decimal(90), Decimal(1)))
            ems.quote(MARKET, Trade(ems.clock(), Decimal(90), Decimal(1), "sell", "t1"))
    assert asked >= {"V-main-live", "V-main-edited", None, "V-other-live"}
    assert sorted(fired) == ["buy", "sell"]


@pytest.mark.parametrize("again", range(2))
async def test_a_book_is_the_same_however_often_it_is_opened(tmp_path: Path, again: int) -> None:
    clock, broker = TrioClock(), ScriptedBroker()
    async with open_ems(broker, path=tmp_path, settings=SETTINGS, clock=clock) as ems:
        await live_through(ems, broker)
    for _ in range(3 + again):
        async with open_ems(ScriptedBroker(refusals=9), path=tmp_path, settings=SETTINGS, clock=clock) as ems:
            assert len(facts(ems.dispatcher.book)["dialogs"]) == 8
        assert facts(replay(JournalReader(tmp_path))) == facts(ems.dispatcher.book)


# Killed.


class Said:
    """What the trader said in all its lives."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, str]] = []
        self.taken: set[tuple[str, str]] = set()
        self.cancelled: set[tuple[str, str]] = set()
        self.told: list[tuple[str, int, str]] = []
        self.retried = 0

    def take(self, line: str) -> None:
        match line.split():
            case ["sent", kind, reqid]:
                self.sent.append((kind, reqid))
            case ["taken", owner, oid]:
                self.taken.add((owner, oid))
            case ["cancelled", owner, oid]:
                self.cancelled.add((owner, oid))
            case ["told", identity, seq, state]:
                self.told.append((identity, int(seq), state))
            case ["retried"]:
                self.retried += 1
            case words:
                raise AssertionError(words)


def live_and_die(folder: Path, name: str, lines: int, said: Said) -> None:
    """One life of the trader, killed when it has traded for *lines* lines."""
    child = subprocess.Popen(
        [sys.executable, "-m", "tests.journal.trader", str(folder), name],
        cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert child.stdout is not None
    trades, lives = 0, said.retried
    while trades < lines:
        said.take(child.stdout.readline())
        trades += said.retried > lives
    child.kill()
    assert child.wait() == -signal.SIGKILL
    for line in child.stdout.read().splitlines():
        said.take(line)
    child.stdout.close()


@pytest.mark.slow
@pytest.mark.parametrize("lines", [1, 40, 600])
def test_whatever_was_promised_before_a_kill_is_kept(tmp_path: Path, lines: int) -> None:
    said, reader = Said(), JournalReader(tmp_path)
    for life in range(3):
        live_and_die(tmp_path, str(life), lines, said)

        records, book = [*reader], facts(replay(reader))
        check_promises(said, records)
        journal = Journal(tmp_path)
        assert [*journal][: len(records)] == records
        assert facts(replay(journal)) == book
        journal.close()
        assert reader.check().seq == len(records)
    assert said.retried == 3
    kinds = {kind for kind, _ in said.sent}
    assert lines < 600 or kinds == {"brokerd_order", "brokerd_cancel", "brokerd_edit", "brokerd_query"}


def check_promises(said: Said, records: list[Record]) -> None:
    """Everything that was said follows from a record, and each order went out once."""
    reqids: dict[str, tuple[str, str]] = {}
    tells: dict[str, dict[int, Record]] = defaultdict(dict)
    for record in records:
        for reqid in ids_in(record)[0]:
            if reqid is not None:
                reqids.setdefault(str(reqid), (record.owner, record.oid))
        for identity, seq in record.tells:
            tells[identity][seq] = record
    assert {reqid for kind, reqid in said.sent if kind != "brokerd_query"} <= reqids.keys()
    assert said.taken <= {(record.owner, record.oid) for record in records}
    assert said.cancelled <= {
        (record.owner, record.oid) for record in records if isinstance(record.payload, CancelWanted)
    } | {(record.owner, record.oid) for record in records if record.event == "cancel_held"}
    for identity, seq, state in said.told:
        assert seq in tells[identity], f"{identity} was told {state} by no record"
    assert all([*told] == [*range(1, len(told) + 1)] for told in tells.values()), "no gap, in order"
    ordered = [reqids[reqid] for kind, reqid in said.sent if kind == "brokerd_order"]
    assert [order for order, count in Counter(ordered).items() if count > 1] == []
