"""The accounts' files follow the records, and are rebuilt from them when stale, gone or unreadable."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal
from pathlib import Path

import pytest
import trio
import trio.testing
from structlog.testing import capture_logs

from fsm_ems import EMS, ClientFault, PaperBroker, Settings, account_keeping, new_order, open_ems
from fsm_ems.account_books import (
    PPS,
    AccountBooks,
    Work,
    check_behind,
    check_own,
    holds_closed,
    rebuild,
    write,
)
from fsm_ems.account_keeping import AccountKeeping
from fsm_ems.accounting.ledger import DAY_NS
from fsm_ems.accounting.ledger_file import parse_ledger
from fsm_ems.accounting.position import ENTRY_AND_EXIT
from fsm_ems.accounting.pps_file import read_pps
from fsm_ems.dialogs.book import Book
from fsm_ems.dialogs.record import Booked, Record
from fsm_ems.errors import InvalidMessage, LogDamaged, LogHalted, LogInUse
from fsm_ems.journal.file import FileLog
from fsm_ems.journal.memory import MemoryLog
from fsm_ems.journal.replay import Restored
from fsm_ems.journal.snapshot_form import packed, unpacked
from fsm_ems.journal.snapshots import make
from fsm_ems.journal.sqlite import Journal
from fsm_ems.messages import BrokerdFill, BrokerdOrder, BrokerdOrderAck
from fsm_ems.promises import Promises
from tests.dialogs.desk import MARKET, Desk
from tests.scripted_broker import ScriptedBroker


def traded(folder: Path) -> tuple[Desk, AccountBooks]:
    """A desk that bought 4 and sold 1, with its files in *folder*."""
    desk = Desk()
    desk.order()
    desk.ack()
    desk.fill("4", exec_id="F1", price="100", fee="0.5")
    desk.order("o2", side="sell", size="1", price="99")
    desk.ack("o2")
    desk.fill("1", "o2", exec_id="F2", price="101")
    restored = taken(desk)
    assert rebuild(folder, restored.book, restored.booked, ENTRY_AND_EXIT) == []
    return desk, AccountBooks(folder, desk.book, restored.booked, ENTRY_AND_EXIT)


def taken(desk: Desk) -> Restored:
    """The desk's records, restored."""
    restored = Restored()
    for record in desk.log:
        restored.take(record)
    return restored


def ledgers(folder: Path) -> list[str]:
    """The ids of all entries, file by file."""
    found: list[str] = []
    for path in sorted((folder / "ledger").rglob("*.toml")):
        page = parse_ledger(path.read_text()).page
        found += [("-" if one.reverses else "") + one.event.exec_id for one in page.entries]
    return found


def test_the_files_hold_each_fill_once_and_the_position_that_they_add_up_to(tmp_path: Path) -> None:
    desk, _ = traded(tmp_path)

    kept = read_pps(tmp_path / PPS)

    assert kept is not None
    assert (kept.generation, kept.seq) == (desk.book.generation, desk.book.seq)
    [position] = kept.positions
    assert (position.market, position.size, position.cash) == (
        MARKET, Decimal(3), (("usd", Decimal(-299)),),
    )  # fmt: skip  # its terms on a line
    assert ledgers(tmp_path) == ["F1", "F2"]


def test_a_bust_is_an_entry_that_reverses(tmp_path: Path) -> None:
    desk, books = traded(tmp_path)
    for effect in desk.report("bust", reqid=desk.dialog("o2").reqid, exec_id="B", ref_id="F2"):
        if isinstance(effect, Booked):
            books.take(effect)

    assert books.dirty is True
    assert write(books.work()) == []

    assert ledgers(tmp_path) == ["F1", "F2", "-F2"]
    kept = read_pps(tmp_path / PPS)
    assert kept is not None
    assert kept.positions[0].size == 4


def test_what_becomes_durable_after_a_writing_began_is_written_by_the_next(tmp_path: Path) -> None:
    """A booking is taken when it is durable: the book that the writing looked at had it already."""
    desk, books = traded(tmp_path)
    late = [one for one in desk.fill("1", exec_id="F3", price="100") if isinstance(one, Booked)]
    write(books.work())

    for booked in late:
        books.take(booked)
    write(books.work())

    assert ledgers(tmp_path) == ["F1", "F2", "F3"]


def test_whatever_name_an_account_may_have_there_is_a_folder_for_its_ledger(tmp_path: Path) -> None:
    """``..`` is no name of an account: its ledger could not be written, which would end the EMS."""
    desk = Desk()
    for number, account in enumerate((".", "..", "...", ".a", "a.", "-", "..b")):
        try:
            desk.order(f"o{number}", account=account)
        except InvalidMessage:
            continue
        desk.ack(f"o{number}")
        desk.fill("1", f"o{number}", exec_id=account)
    restored = taken(desk)

    assert rebuild(tmp_path, restored.book, restored.booked, ENTRY_AND_EXIT) == []

    assert sorted(ledgers(tmp_path)) == ["-", "..b", ".a", "a."]


@pytest.mark.parametrize("harm", ["gone", "stale", "torn", "ledger gone", "ledger torn"])
def test_what_is_stale_gone_or_unreadable_is_written_anew_from_the_records(tmp_path: Path, harm: str) -> None:
    desk, _ = traded(tmp_path)
    [day] = (tmp_path / "ledger").rglob("*.toml")
    path = day if "ledger" in harm else tmp_path / PPS
    sound = path.read_text()
    if "gone" in harm:
        path.unlink()
    elif harm == "stale":
        path.write_text(sound.replace(f"seq = {desk.book.seq}", "seq = 1").replace('"3"', '"2"'))
    else:
        path.write_text("size = [")
    restored = taken(desk)

    aside = rebuild(tmp_path, restored.book, restored.booked, ENTRY_AND_EXIT)

    assert path.read_text() == sound
    assert [one.path for one in aside] == ([str(path)] if "torn" in harm else [])
    assert Path(f"{path}.bad").exists() is ("torn" in harm)


def test_what_was_not_written_is_written_the_next_time(tmp_path: Path) -> None:
    desk, books = traded(tmp_path)
    for effect in desk.fill("1", exec_id="F3"):
        if isinstance(effect, Booked):
            books.take(effect)
    books.work()
    books.again()

    assert books.dirty
    write(books.work())

    assert ledgers(tmp_path) == ["F1", "F2", "F3"]


@pytest.mark.real_clock
async def test_the_files_are_written_when_the_ems_is_closed_and_go_on_after_a_restart(tmp_path: Path) -> None:
    for run in (1, 2):
        broker = ScriptedBroker()
        log = FileLog(tmp_path / "records.log")
        async with open_ems(broker, log=log, accounts=tmp_path) as ems:
            await ems.ready()
            wish = new_order(market="xbtusd.paper", side="buy", size="2", price="100")
            order = await ems.submit(wish)
            sent = await broker.sent.receive()
            while not isinstance(sent, BrokerdOrder):
                sent = await broker.sent.receive()
            broker.report(BrokerdOrderAck(reqid=sent.reqid, venue_id=f"V{run}"))
            fill = BrokerdFill(reqid=sent.reqid, exec_id=f"E{run}", size=Decimal(2), price=Decimal(100))
            broker.report(fill)
            await order.wait()
            [position] = ems.positions
            assert position.size == 2 * run
        log.close()

    assert ledgers(tmp_path) == ["E1", "E2"]
    kept = read_pps(tmp_path / PPS)
    assert kept is not None
    assert kept.positions[0].size == 4


async def test_accounts_need_a_log_that_lasts(tmp_path: Path) -> None:
    for log in (None, MemoryLog()):
        with pytest.raises(ClientFault, match="give a path, or a log that lasts"):
            async with open_ems(ScriptedBroker(), log=log, accounts=tmp_path):
                pass


@pytest.mark.real_clock
async def test_a_disk_that_fails_stops_no_order(tmp_path: Path) -> None:
    """The records are the truth; the files are written when the disk is back."""
    folder = tmp_path / "accounts"
    broker = ScriptedBroker()
    async with open_ems(broker, log=FileLog(tmp_path / "records.log"), accounts=folder) as ems:
        await ems.ready()
        (folder / PPS).unlink()
        (folder / PPS).mkdir()
        order = await ems.submit(new_order(market="xbtusd.paper", side="buy", size="2", price="100"))
        sent = await broker.sent.receive()
        assert isinstance(sent, BrokerdOrder)
        broker.report(BrokerdFill(reqid=sent.reqid, exec_id="E", size=Decimal(2), price=Decimal(100)))
        await order.wait()
        (folder / PPS).rmdir()

    kept = read_pps(folder / PPS)
    assert kept is not None
    assert kept.positions[0].size == 2


@pytest.mark.real_clock
async def test_a_disk_that_is_back_is_written_to_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without another fill, and before the close."""
    monkeypatch.setattr(account_keeping, "ACCOUNTS_EVERY_S", 0)
    folder, failed = tmp_path / "accounts", trio.Event()
    monkeypatch.setattr(AccountBooks, "again", _then(AccountBooks.again, failed.set))
    broker = ScriptedBroker()
    async with open_ems(broker, log=FileLog(tmp_path / "records.log"), accounts=folder) as ems:
        await ems.ready()
        (folder / PPS).unlink()
        (folder / PPS).mkdir()
        await ems.submit(new_order(market="xbtusd.paper", side="buy", size="2", price="100"))
        sent = await broker.sent.receive()
        assert isinstance(sent, BrokerdOrder)
        broker.report(BrokerdFill(reqid=sent.reqid, exec_id="E", size=Decimal(2), price=Decimal(100)))
        with trio.fail_after(20):
            await failed.wait()
            (folder / PPS).rmdir()
            while not (folder / PPS).is_file():
                await trio.lowlevel.checkpoint()


def _then(method: Callable[[AccountBooks], None], more: Callable[[], None]) -> Callable[[AccountBooks], None]:
    def both(books: AccountBooks) -> None:
        method(books)
        more()

    return both


@pytest.mark.real_clock
async def test_what_no_thread_was_free_to_write_is_written_at_the_close(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(account_keeping, "ACCOUNTS_EVERY_S", 0)
    threads = trio.to_thread.current_default_thread_limiter()
    monkeypatch.setattr(threads, "total_tokens", 1)
    broker = ScriptedBroker()
    async with open_ems(broker, log=FileLog(tmp_path / "records.log"), accounts=tmp_path) as ems:
        await ems.ready()
        order = await ems.submit(new_order(market="xbtusd.paper", side="buy", size="2", price="100"))
        sent = await broker.sent.receive()
        assert isinstance(sent, BrokerdOrder)
        await threads.acquire_on_behalf_of("somebody else")
        broker.report(BrokerdFill(reqid=sent.reqid, exec_id="E", size=Decimal(2), price=Decimal(100)))
        await order.wait()
        await trio.testing.wait_all_tasks_blocked()  # it waits for a thread
        ems.stop()
        await trio.testing.wait_all_tasks_blocked()
        threads.release_on_behalf_of("somebody else")

    assert ledgers(tmp_path) == ["E"]


async def until(fact: Callable[[], object]) -> None:
    """Wait for what a thread does."""
    with trio.fail_after(20):
        while not fact():
            await trio.lowlevel.checkpoint()


def aside(folder: Path) -> list[Path]:
    """What was kept of files that could not be read."""
    return sorted(folder.glob(f"{PPS}.bad*"))


def says(folder: Path, size: str) -> bool:
    with suppress(FileNotFoundError):  # a torn one has just been moved away
        return f'size = "{size}"' in (folder / PPS).read_text()
    return False


async def buy(ems: EMS, broker: ScriptedBroker, exec_id: str, fee: str = "0") -> None:
    """An order for 2 that is filled at 100."""
    order = await ems.submit(new_order(market="xbtusd.paper", side="buy", size="2", price="100"))
    sent = await broker.sent.receive()
    assert isinstance(sent, BrokerdOrder)
    size, price = Decimal(2), Decimal(100)
    broker.report(BrokerdFill(reqid=sent.reqid, exec_id=exec_id, size=size, price=price, fee=Decimal(fee)))
    await order.wait()


@pytest.mark.real_clock
async def test_the_files_follow_while_the_ems_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They say what the records say after each fill, and again after a disk that failed came back."""
    monkeypatch.setattr(account_keeping, "ACCOUNTS_EVERY_S", 0)
    folder, broker = tmp_path / "accounts", ScriptedBroker()
    async with open_ems(broker, log=FileLog(tmp_path / "records.log"), accounts=folder) as ems:
        await ems.ready()
        await buy(ems, broker, "E1")
        await until(lambda: says(folder, "2"))
        with capture_logs() as logged:
            (folder / "ledger").rename(tmp_path / "gone")
            (folder / "ledger").write_text("no folder")
            await buy(ems, broker, "E2")
            await until(lambda: logged)
            (folder / "ledger").unlink()
            await until(lambda: says(folder, "4"))

    assert {(one["event"], one["log_level"]) for one in logged} == {("accounts not written", "error")}
    assert ledgers(folder) == ["E1", "E2"]


async def test_the_files_are_behind_by_a_second_at_most_and_written_once_for_all_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk, books = traded(tmp_path)
    begun, work = [0.0], AccountBooks.work

    def working(self: AccountBooks) -> Work:
        begun.append(trio.current_time() - start)
        return work(self)

    monkeypatch.setattr(AccountBooks, "work", working)
    keeping = AccountKeeping(books, Promises(desk.log, lambda _: None, lambda: None))
    async with trio.open_nursery() as nursery:
        start = trio.current_time()
        nursery.start_soon(keeping.keep)
        for number in (3, 4, 5):
            for effect in desk.fill("1", exec_id=f"F{number}", price="100"):
                if isinstance(effect, Booked):
                    keeping.take(effect)
            await trio.sleep(0.25)
        await trio.sleep(3600)
        nursery.cancel_scope.cancel()

    assert begun == [0, 1]
    assert ledgers(tmp_path) == ["F1", "F2", "F3", "F4", "F5"]


@pytest.mark.real_clock
@pytest.mark.parametrize("factor", ["0", "3.5"])
async def test_the_entrys_fees_count_as_often_as_the_settings_say(tmp_path: Path, factor: str) -> None:
    """In positions and in the file, which is written anew where it was made with another factor."""
    folder, broker = str(tmp_path / "live"), ScriptedBroker()
    async with open_ems(broker, path=folder) as ems:
        await ems.ready()
        await buy(ems, broker, "E1", fee="0.5")
        [position] = ems.positions
        assert position.ppu == Decimal("100.5")

    changed = Settings(fee_factor=Decimal(factor))
    async with open_ems(path=folder, settings=changed) as ems:
        [position] = ems.positions
        kept = read_pps(tmp_path / "live" / PPS)

    assert position.ppu == 100 + Decimal(factor) / 4
    assert kept is not None
    assert (kept.fee_factor, kept.positions) == (Decimal(factor), (position,))


@pytest.mark.real_clock
async def test_a_file_that_is_torn_is_told_kept_aside_and_written_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Found when the EMS is opened, and found when it is written while it runs."""
    monkeypatch.setattr(account_keeping, "ACCOUNTS_EVERY_S", 0)
    (tmp_path / PPS).write_text("torn before [")
    broker = ScriptedBroker()
    with capture_logs() as logged:
        async with open_ems(broker, log=FileLog(tmp_path / "records.log"), accounts=tmp_path) as ems:
            before = (tmp_path / f"{PPS}.bad").read_text()
            await ems.ready()
            (tmp_path / PPS).write_text("torn meanwhile [")
            await buy(ems, broker, "E1")
            await until(lambda: says(tmp_path, "2"))

    assert before == "torn before ["
    assert [one["event"] for one in logged] == ["account file set aside"] * 2
    assert "torn meanwhile [" in [path.read_text() for path in aside(tmp_path)]


async def test_unrealized_is_told_from_the_last_quote() -> None:
    async with open_ems(PaperBroker.synthetic(seed=5)) as ems:
        await ems.ready()
        assert ems.unrealized("main", "xbtusd.paper") == 0
        order = await ems.submit(new_order(market="xbtusd.paper", side="buy", size="0.1", type="market"))
        with trio.move_on_after(60):
            await order.wait()
        [position] = ems.positions
        seen = ems.dispatcher.prices.of("xbtusd.paper")
        assert seen.bid is not None

        told = ems.unrealized("main", "xbtusd.paper")

        assert told == seen.bid * position.size + position.cash[0][1]


def test_a_file_that_cannot_be_read_says_nothing_about_records_that_are_gone(tmp_path: Path) -> None:
    """It is kept aside and written anew; see the tests of opening."""
    (tmp_path / PPS).write_text("torn [")

    check_behind(tmp_path, Book(), "the journal")

    assert (tmp_path / PPS).read_text() == "torn ["


async def test_one_ems_at_a_time_writes_into_a_folder(tmp_path: Path) -> None:
    """Each would take the files of the other for stale, and write its own over them."""
    folder = tmp_path / "accounts"
    async with open_ems(path=tmp_path / "one", accounts=folder):
        with pytest.raises(LogInUse, match=f"{folder} is in use by process"):
            async with open_ems(path=tmp_path / "two", accounts=str(folder)):
                pass
    async with open_ems(path=tmp_path / "one", accounts=folder):
        pass


async def test_nobody_writes_accounts_into_the_folder_of_anothers_records(tmp_path: Path) -> None:
    """An EMS that names no folder for them writes them beside its records."""
    async with open_ems(path=tmp_path / "two"):
        pass
    async with open_ems(path=tmp_path / "one"):
        with pytest.raises(LogInUse, match=f"{tmp_path / 'one'} is in use by process"):
            async with open_ems(path=tmp_path / "two", accounts=tmp_path / "one"):
                pass


def account_files(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in sorted(folder.rglob("*.toml"))}


@pytest.mark.parametrize("left", ["pps.toml", "ledger"])
@pytest.mark.parametrize("log", [Journal, lambda folder: FileLog(folder / "mine.log")])
@pytest.mark.parametrize("began", [True, False])
async def test_the_accounts_of_other_records_are_not_written_over(
    tmp_path: Path, log: Callable[[Path], Journal | FileLog], left: str, *, began: bool
) -> None:
    """Any of their files tells whose they are, and nothing is written by who is refused."""
    traded(tmp_path / "accounts")
    if left == "ledger":
        (tmp_path / "accounts" / PPS).unlink()
    if began:
        async with open_ems(log=log(tmp_path / "other")):
            pass
    other, before = log(tmp_path / "other"), account_files(tmp_path / "accounts")
    records = [*other]
    wrong = "was written from record [0-9]+ of the records"
    refusal = (
        pytest.raises(
            ClientFault, match=f"{left}.* {wrong} .*, and .* has the records .*: take another folder"
        )
        if began
        else pytest.raises(LogDamaged, match=f"or has no records, and .*{left}.* {wrong}")
    )

    with refusal:
        async with open_ems(log=other, accounts=tmp_path / "accounts"):
            pass

    assert account_files(tmp_path / "accounts") == before
    assert [*log(tmp_path / "other")] == records


@pytest.mark.parametrize("harm", ["gone", "torn", "of a replay"])
def test_a_ledger_of_the_same_records_is_their_own_whatever_the_positions_say(
    tmp_path: Path, harm: str
) -> None:
    """What is gone, torn or of a replay is written anew, and nobody is refused for it."""
    desk, _ = traded(tmp_path)
    sound = check_own(tmp_path, desk.book, "the log")
    told = (tmp_path / PPS).read_text()
    (tmp_path / PPS).unlink()
    if harm != "gone":
        (tmp_path / PPS).write_text("[" if harm == "torn" else told.replace(desk.book.generation, "replay"))

    assert check_own(tmp_path, desk.book, "the log") is None
    assert sound is not None
    assert sound.seq == desk.book.seq


def test_a_day_of_other_records_in_the_ledger_is_kept_aside_and_told(tmp_path: Path) -> None:
    """As of a copy that was put there by hand, beside positions that are our own."""
    desk, _ = traded(tmp_path)
    [day] = (tmp_path / "ledger").rglob("*.toml")
    sound = day.read_text()
    others = sound.replace(f'generation = "{desk.book.generation}"', 'generation = "other"')
    day.write_text(others)
    restored = taken(desk)

    [aside] = rebuild(tmp_path, restored.book, restored.booked, ENTRY_AND_EXIT)

    assert str(aside).startswith(f"{day}, line 1: it was written from record ")
    assert "of other records, other; it is kept as" in str(aside)
    assert day.with_name(f"{day.name}.bad").read_text() == others
    assert day.read_text() == sound


async def test_positions_that_cannot_be_asked_whose_they_are_are_told(tmp_path: Path) -> None:
    async with open_ems(path=tmp_path / "live"):
        pass
    (tmp_path / "accounts" / PPS).mkdir(parents=True)

    with pytest.raises(LogHalted, match=r"pps\.toml cannot be read: "):
        async with open_ems(path=tmp_path / "live", accounts=tmp_path / "accounts"):
            pass


@pytest.mark.real_clock
async def test_accounts_that_cannot_be_brought_in_step_at_the_start_are_told(tmp_path: Path) -> None:
    """Their disk takes nothing, as here where a file has the name of a folder."""
    broker = ScriptedBroker()
    async with open_ems(broker, path=tmp_path / "live") as ems:
        await ems.ready()
        await buy(ems, broker, "E1")
    (tmp_path / "accounts").mkdir()
    (tmp_path / "accounts" / "ledger").write_text("no folder")

    with pytest.raises(LogHalted, match=r"the accounts in .* cannot be brought in step: .*ledger"):
        async with open_ems(path=tmp_path / "live", accounts=tmp_path / "accounts"):
            pass


async def test_a_folder_for_accounts_that_cannot_be_is_told(tmp_path: Path) -> None:
    """A file that has its name, and one that has the name of its lock."""
    (tmp_path / "file").write_text("")
    with pytest.raises(
        ClientFault, match=f"accounts=.*: {tmp_path / 'file'} is a file, and a folder is needed"
    ):
        async with open_ems(path=tmp_path / "one", accounts=tmp_path / "file"):
            pass
    (tmp_path / "two" / "accounts.lock").mkdir(parents=True)
    with pytest.raises(LogHalted, match="cannot be opened"):
        async with open_ems(path=tmp_path / "one", accounts=tmp_path / "two"):
            pass


def over_days(days: int) -> list[Record]:
    """The records of one fill a day."""
    desk = Desk()
    for number in range(days):
        desk.order(f"o{number}")
        desk.ack(f"o{number}")
        desk.fill("1", f"o{number}", exec_id=f"F{number}")
        desk.now += DAY_NS
    return [*desk.log]


@pytest.mark.parametrize("half", [1, 5, 9, 14])
@pytest.mark.parametrize("harm", ["none", "gone", "torn", "other"])
def test_a_start_from_a_snapshot_knows_the_days_before_by_their_hashes(
    tmp_path: Path, harm: str, half: int
) -> None:
    records = over_days(5)
    whole = Restored()
    for record in records:
        whole.take(record)
    assert rebuild(tmp_path, whole.book, whole.booked, ENTRY_AND_EXIT) == []
    first = Restored()
    for record in records[: len(records) * half // 14]:
        first.take(record)
    begun = Restored()
    begun.begin(unpacked(packed(first.whole(0))))
    for record in records[first.book.seq :]:
        begun.take(record)
    days = sorted((tmp_path / "ledger").rglob("*.toml"))
    sound = days[0].read_text()

    if harm == "gone":
        days[0].unlink()
    elif harm == "torn":
        days[0].write_text("size = [")
    elif harm == "other":
        days[0].write_text(sound.replace('size = "1"', 'size = "2"'))

    assert packed(begun.whole(0)) == packed(whole.whole(0))
    known = {day.day for day in begun.closed}
    assert holds_closed(tmp_path, begun.book.generation, begun.closed) is (harm == "none" or not known)
    if harm != "none" and known:
        return
    aside = rebuild(tmp_path, begun.book, begun.booked, ENTRY_AND_EXIT)
    assert len(aside) == (harm == "torn")
    assert days[0].read_text() == sound


@pytest.mark.real_clock
async def test_a_ledger_day_that_a_snapshot_knows_is_written_anew_from_the_records_where_it_is_gone(
    tmp_path: Path,
) -> None:
    journal = Journal(tmp_path)
    restored = Restored()
    for record in over_days(5):
        journal.append(record)
        restored.take(record)
    journal.flush()
    make(tmp_path, journal, 10_000, restored.book)
    journal.close()
    async with open_ems(path=tmp_path):
        days = sorted((tmp_path / "ledger").rglob("*.toml"))
        assert len(days) == 5
    text = days[0].read_text()
    days[0].unlink()

    async with open_ems(path=tmp_path):
        assert days[0].read_text() == text
