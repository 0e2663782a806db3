"""The log in memory: in order, bounded, and it gives back whole lives or nothing."""

from decimal import Decimal

import pytest

from fsm_ems.dialogs.dispatcher import Dispatcher
from fsm_ems.dialogs.record import Opened, Record
from fsm_ems.dialogs.settings import SECOND_NS, Settings
from fsm_ems.errors import EMSBug, LogHalted
from fsm_ems.journal.memory import MemoryLog
from fsm_ems.machines.link import LinkEvent
from fsm_ems.messages import BrokerdBust, BrokerdFill, BrokerdOrderAck, Order


def opened(seq: int) -> Record:
    return Record(seq, 0, "", "", None, None, Opened("g", 1, 1))


def trading(log: MemoryLog, settings: Settings | None = None) -> Dispatcher:
    dispatcher = Dispatcher(settings or Settings(), log.append, generation="g", now_ns=1, lookup=log.lookup)
    dispatcher.grant("main", "trader", 1)
    dispatcher.grant("other", "trader", 1)
    for event in (LinkEvent.CONNECT, LinkEvent.CONNECTED, LinkEvent.SYNCED):
        dispatcher.link("kraken", event, 1)
    return dispatcher


def trade(dispatcher: Dispatcher, oid: str, owner: str = "main") -> str:
    """A life from submit to filled; its reqid."""
    order = Order(oid=oid, side="buy", market="xbtusd.kraken", size=Decimal(1), price=Decimal(10))
    dispatcher.command(owner, order, 1)
    dialog = dispatcher.book.dialog(owner, oid)
    assert dialog is not None
    reqid = str(dialog.reqid)
    dispatcher.report("kraken", BrokerdOrderAck(reqid=reqid, venue_id=f"V-{owner}-{oid}"), 2)
    fill = BrokerdFill(venue_id=f"V-{owner}-{oid}", exec_id=f"x-{oid}", size=Decimal(1), price=Decimal(10))
    dispatcher.report("kraken", fill, 3)
    return reqid


def test_records_come_back_in_order() -> None:
    log = MemoryLog()
    for seq in (1, 2, 3):
        log.append(opened(seq))

    assert [record.seq for record in log] == [1, 2, 3]
    assert len(log) == 3


@pytest.mark.parametrize("seq", [0, 2, 4])
def test_a_record_that_does_not_follow_is_a_bug_and_is_not_kept(seq: int) -> None:
    log = MemoryLog()
    log.append(opened(1))
    log.append(opened(2))

    with pytest.raises(EMSBug, match=f"record {seq} does not follow 2"):
        log.append(opened(seq))

    assert len(log) == 2


def test_a_closed_log_takes_nothing_and_can_be_read() -> None:
    log = MemoryLog()
    log.append(opened(1))
    log.close()
    log.close()

    with pytest.raises(LogHalted, match="closed"):
        log.append(opened(2))
    assert len(log) == 1


def test_a_dialog_is_its_own_records_and_no_others() -> None:
    log = MemoryLog()
    dispatcher = trading(log)
    trade(dispatcher, "a")
    trade(dispatcher, "b")
    trade(dispatcher, "a", "other")

    assert {(record.owner, record.oid) for record in log.of("main", "a")} == {("main", "a")}
    assert [record.event for record in log.of("main", "a")] == ["submit", "ack", "fill_complete"]
    assert log.of("main", "c") == ()
    assert log.owners("a") == ("main", "other")
    assert log.owners("c") == ()


def test_a_report_finds_its_dialog_by_either_id() -> None:
    log = MemoryLog()
    dispatcher = trading(log)
    reqid = trade(dispatcher, "a")
    trade(dispatcher, "b")
    life = log.of("main", "a")

    assert log.lookup("kraken", reqid, None) == life
    assert log.lookup("kraken", None, "V-main-a") == life
    assert log.lookup("kraken", reqid, "V-main-b") == life, "the request speaks before the venue's id"
    assert log.lookup("kraken", "g-0", "V-main-a") == life
    assert log.lookup("paper", reqid, "V-main-a") == ()
    assert log.lookup("kraken", "g-0", "V-0") == ()
    assert log.lookup("kraken", None, None) == ()
    assert log.lookup("kraken", "g-0", "V-0", ("main", "x-a")) == life
    assert log.lookup("kraken", None, "V-main-b", ("main", "x-a")) == log.of("main", "b")
    assert log.lookup("kraken", None, None, ("second", "x-a")) == ()
    assert log.lookup("paper", None, None, ("main", "x-a")) == ()


def test_a_venue_id_that_is_used_again_finds_the_newer_order() -> None:
    """The older one had left memory by then; its own request still finds it."""
    log = MemoryLog()
    dispatcher = trading(log, Settings(keep_finished=0))
    reqid = trade(dispatcher, "a")
    order = Order(oid="b", side="buy", market="xbtusd.kraken", size=Decimal(1), price=Decimal(10))
    dispatcher.command("main", order, 4)
    dialog = dispatcher.book.dialog("main", "b")
    assert dialog is not None
    assert dialog.reqid is not None
    dispatcher.report("kraken", BrokerdOrderAck(reqid=dialog.reqid, venue_id="V-main-a"), 5)

    assert log.lookup("kraken", None, "V-main-a") == log.of("main", "b")
    assert log.lookup("kraken", reqid, "V-main-a") == log.of("main", "a")


def test_only_the_last_records_are_kept_and_a_life_is_whole_or_gone() -> None:
    log = MemoryLog(keep=4)
    dispatcher = trading(log)
    reqid = trade(dispatcher, "a")
    trade(dispatcher, "b")

    assert len(log) == 4
    assert [record.oid for record in log] == ["a", "b", "b", "b"]
    assert log.of("main", "a") == (), "its first record is gone"
    assert log.lookup("kraken", reqid, "V-main-a") == ()
    assert len(log.of("main", "b")) == 3


def test_a_life_begins_again_where_it_was_recalled() -> None:
    log = MemoryLog(keep=6)
    dispatcher = trading(log, Settings(keep_finished=0))
    trade(dispatcher, "a")
    late = BrokerdFill(venue_id="V-main-a", exec_id="late", size=Decimal(1), price=Decimal(10))
    dispatcher.report("kraken", late, 4)
    life = log.of("main", "a")
    assert [type(record.payload).__name__ for record in life] == [
        "Submitted", "Reported", "Reported", "Recalled", "Reported",
    ]  # fmt: skip

    trade(dispatcher, "b")

    assert [type(record.payload).__name__ for record in log.of("main", "a")] == ["Recalled", "Reported"]
    assert log.lookup("kraken", None, "V-main-a") == log.of("main", "a")


def test_a_life_comes_back_however_long_it_was_kept() -> None:
    """Memory may keep the finished for longer than a book does that was told nothing."""
    day = 86_400 * SECOND_NS
    log = MemoryLog()
    dispatcher = trading(log, Settings(keep_finished=1, keep_age_ns=100 * day))
    trade(dispatcher, "a")
    for exec_id in ("late", "later"):
        fill = BrokerdFill(venue_id="V-main-a", exec_id=exec_id, size=Decimal(1), price=Decimal(10))
        dispatcher.report("kraken", fill, 40 * day)
    trade(dispatcher, "b")
    assert dispatcher.book.dialog("main", "a") is None

    dispatcher.report("kraken", BrokerdBust(venue_id="V-main-a", exec_id="b", ref_id="late"), 41 * day)

    dialog = dispatcher.book.dialog("main", "a")
    assert dialog is not None
    assert list(dialog.fills or {}) == ["x-a", "later"]


def test_without_a_bound_everything_is_kept() -> None:
    log = MemoryLog(keep=None)
    for seq in range(1, 1001):
        log.append(opened(seq))

    assert len(log) == 1000
