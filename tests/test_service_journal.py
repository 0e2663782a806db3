"""An EMS whose records are in a folder: durable before it acts, alone in it, stopped by a dead disk."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager, suppress
from decimal import Decimal
from pathlib import Path

import apsw
import pytest
import structlog
import trio
import trio.testing
from msgspec.structs import replace

from fsm_ems import EMS, ClientFault, Order, open_ems
from fsm_ems.accounting.pps_file import read_pps
from fsm_ems.errors import LogDamaged, LogHalted, LogInUse
from fsm_ems.journal.base import RecordLog
from fsm_ems.journal.file import FileLog
from fsm_ems.journal.memory import MemoryLog
from fsm_ems.journal.sqlite import Journal
from fsm_ems.journal.sqlite_read import JournalReader
from fsm_ems.messages import BrokerdFill, BrokerdOrder, BrokerdOrderAck
from fsm_ems.opening import _say_in_memory
from tests.journal.failing_disk import FailingDisk, failing_disk
from tests.scripted_broker import ScriptedBroker

pytestmark = pytest.mark.real_clock


def an_order(oid: str = "o1") -> Order:
    return Order(oid=oid, side="buy", market="xbtusd.paper", size=Decimal(2), price=Decimal(100))


@pytest.fixture
def disk() -> Iterator[FailingDisk]:
    with failing_disk() as made:
        yield made


async def test_an_order_is_in_the_folder_when_it_is_sent_and_when_it_is_taken(tmp_path: Path) -> None:
    broker, reader = ScriptedBroker(), JournalReader(tmp_path)
    async with open_ems(broker, path=tmp_path) as ems:
        await ems.ready()
        await ems.submit(an_order())
        assert [record.event for record in reader.of("main", "o1")] == ["submit"]

        request = await broker.sent.receive()

        assert isinstance(request, BrokerdOrder)


async def test_nothing_leaves_while_the_disk_is_busy(tmp_path: Path, disk: FailingDisk) -> None:
    broker = ScriptedBroker()
    async with open_ems(broker, log=Journal(tmp_path, vfs=disk.name)) as ems:
        await ems.ready()
        await ems.settle()
        taken = trio.Event()

        async def submit() -> None:
            await ems.submit(an_order())
            taken.set()

        async with trio.open_nursery() as nursery:
            disk.free.clear()
            nursery.start_soon(submit)
            await trio.testing.wait_all_tasks_blocked(0.05)
            assert not taken.is_set()
            assert broker.sent.statistics().current_buffer_used == 0

            disk.free.set()
            await taken.wait()
        assert isinstance(await broker.sent.receive(), BrokerdOrder)


@pytest.mark.parametrize("fails", [("write", "wal"), ("sync", "wal")])
async def test_a_dead_disk_ends_the_block_and_nothing_was_sent(
    tmp_path: Path, disk: FailingDisk, fails: tuple[str, str]
) -> None:
    broker, log = ScriptedBroker(), Journal(tmp_path, vfs=disk.name)
    with pytest.RaisesGroup(
        pytest.RaisesExc(LogHalted, match=f"the {fails[0]} of wal failed"), flatten_subgroups=True
    ):
        async with open_ems(broker, log=log) as ems:
            await ems.ready()
            await ems.settle()
            disk.fails = fails
            with trio.CancelScope(shield=True), pytest.raises(LogHalted, match="could not be written"):
                await ems.submit(an_order())
            await trio.sleep_forever()

    assert broker.sent.statistics().current_buffer_used == 0


async def test_a_folder_has_one_ems(tmp_path: Path) -> None:
    async with open_ems(ScriptedBroker(), path=tmp_path):
        with pytest.raises(LogInUse, match="in use by process"):
            async with open_ems(ScriptedBroker(), path=tmp_path):
                pass

    async with open_ems(ScriptedBroker(), path=tmp_path):
        pass


async def test_a_fault_in_the_block_lets_go_of_the_folder(tmp_path: Path) -> None:
    with pytest.RaisesGroup(ZeroDivisionError):
        async with open_ems(ScriptedBroker(), path=tmp_path) as ems:
            ems.client("other")
            raise ZeroDivisionError

    journal = Journal(tmp_path)
    assert [*journal][-1].payload == [*JournalReader(tmp_path)][-1].payload
    journal.close()


async def test_a_cancelled_block_keeps_what_it_took(tmp_path: Path) -> None:
    with trio.CancelScope() as scope:
        async with open_ems(ScriptedBroker(), path=tmp_path) as ems:
            await ems.submit(an_order())
            scope.cancel()

    assert JournalReader(tmp_path).of("main", "o1")[0].event == "submit"


async def test_the_accounts_lie_beside_the_records_and_say_what_is_durable(tmp_path: Path) -> None:
    broker = ScriptedBroker()
    async with open_ems(broker, path=tmp_path) as ems:
        await ems.ready()
        handle = await ems.submit(an_order())
        request = await broker.sent.receive()
        broker.report(BrokerdOrderAck(reqid=request.reqid, venue_id="V1"))
        broker.report(BrokerdFill(venue_id="V1", exec_id="x", size=Decimal(2), price=Decimal(99)))
        assert (await handle.wait()).state == "filled"

    found = read_pps(tmp_path / "pps.toml")
    assert found is not None
    assert [position.size for position in found.positions] == [Decimal(2)]
    assert found.seq == JournalReader(tmp_path).check().seq
    assert (tmp_path / "ledger").is_dir()


def accounts_in(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*.toml")}


@pytest.mark.parametrize("harm", ["", "pps.toml gone", "pps.toml of then", "ledger gone", "newest day torn"])
async def test_records_that_end_before_the_accounts_do_are_refused(tmp_path: Path, harm: str) -> None:
    """An old copy of the journal is whole in itself: only what lies beside it shows that the end is gone."""
    which, _, how = harm.partition(" ")
    broker = ScriptedBroker()
    async with open_ems(broker, path=tmp_path) as ems:
        await ems.ready()
    old, then = (tmp_path / "journal.sqlite").read_bytes(), (tmp_path / "pps.toml").read_bytes()
    broker = ScriptedBroker()
    async with open_ems(broker, path=tmp_path) as ems:
        await ems.ready()
        await ems.submit(an_order())
        request = await broker.sent.receive()
        broker.report(BrokerdOrderAck(reqid=request.reqid, venue_id="V1"))
        broker.report(BrokerdFill(venue_id="V1", exec_id="x", size=Decimal(2), price=Decimal(99)))
        await ems.settle()
        with ems.events() as events:
            while (status := await events.get()) is not None and status.state != "filled":
                pass
    (tmp_path / "journal.sqlite").write_bytes(old)
    if how == "gone":
        (tmp_path / which).rename(tmp_path / "gone")
    elif harm:
        (tmp_path / "pps.toml").write_bytes(then)
    if which == "newest":
        (day,) = (tmp_path / "ledger").glob("*/*/*.toml")
        day.with_name("9999-12-31.toml").write_text("torn [")
    left = accounts_in(tmp_path)

    with pytest.raises(LogDamaged, match="the newest are lost, or an old copy stands in their place"):
        async with open_ems(ScriptedBroker(), path=tmp_path):
            pass
    assert accounts_in(tmp_path) == left


async def traded(folder: Path, accounts: Path | None = None) -> None:
    """An EMS began in *folder*, and has bought something."""
    broker = ScriptedBroker()
    async with open_ems(broker, path=folder, accounts=accounts) as ems:
        await ems.ready()
        handle = await ems.submit(an_order())
        request = await broker.sent.receive()
        broker.report(BrokerdOrderAck(reqid=request.reqid, venue_id="V1"))
        broker.report(BrokerdFill(venue_id="V1", exec_id="x", size=Decimal(2), price=Decimal(99)))
        await handle.wait()


GONE = "it is not there, or has no records, and .*{}.* was written from record [0-9]+ of the records .*: put"


@pytest.mark.parametrize("left", ["pps.toml", "ledger"])
@pytest.mark.parametrize("elsewhere", [False, True])
async def test_a_journal_that_is_gone_is_not_begun_anew(
    tmp_path: Path, left: str, *, elsewhere: bool
) -> None:
    """It would know of no order, and empty the positions. Any file of the accounts tells of it."""
    folder, accounts = tmp_path / "live", tmp_path / ("accounts" if elsewhere else "live")
    await traded(folder, accounts if elsewhere else None)
    (folder / "journal.sqlite").unlink()
    if left == "ledger":
        (accounts / "pps.toml").unlink()
    before = {path: path.read_bytes() for path in accounts.rglob("*.toml")}

    for _ in range(2):  # what the first attempt left does not make the second one pass
        with pytest.raises(LogDamaged, match=GONE.format(left)):
            async with open_ems(path=folder, accounts=accounts if elsewhere else None):
                pass

    assert {path: path.read_bytes() for path in accounts.rglob("*.toml")} == before
    assert elsewhere or not (folder / "journal.sqlite").exists()


async def test_a_journal_in_which_nothing_was_traded_is_not_begun_anew_either(tmp_path: Path) -> None:
    """Its orders may rest at the venue; what the accounts' files say is how far the records had come."""
    async with open_ems(path=tmp_path):
        pass
    (tmp_path / "journal.sqlite").write_bytes(b"")

    with pytest.raises(LogDamaged, match=GONE.format("pps.toml")):
        async with open_ems(path=tmp_path):
            pass

    (tmp_path / "pps.toml").unlink()
    async with open_ems(path=tmp_path) as ems:
        assert ems.positions == ()


@pytest.mark.parametrize("named", ["file", "file/live"])
async def test_a_file_where_the_folder_is_to_be_is_told(tmp_path: Path, named: str) -> None:
    """It is the caller's slip, and no disk has failed."""
    (tmp_path / "file").write_text("mine")

    with pytest.raises(ClientFault, match=f"path=.*{named}: {tmp_path / 'file'} is a file, and a folder is"):
        async with open_ems(path=tmp_path / named):
            pass

    assert (tmp_path / "file").read_text() == "mine"


async def test_a_folder_that_cannot_be_asked_is_told(tmp_path: Path) -> None:
    (tmp_path / "pps.toml").mkdir()

    with pytest.raises(LogHalted, match=r"cannot be opened: .*pps\.toml"):
        async with open_ems(path=tmp_path):
            pass


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize(
    "opening",
    [
        lambda folder: open_ems(path=folder),
        lambda folder: open_ems(log=Journal(folder)),
        lambda folder: open_ems(log=Journal(str(folder))),
    ],
)
async def test_no_journal_begins_where_the_records_are_in_a_file(
    tmp_path: Path, opening: Callable[[Path], AbstractAsyncContextManager[EMS]]
) -> None:
    """Whoever reads the records of a folder would see the new ones alone."""
    FileLog(tmp_path / "records.log").close()

    with pytest.raises(ClientFault, match=r"records\.log is there: .* take another folder for the journal"):
        async with opening(tmp_path):
            pass

    assert names(tmp_path) == ["records.log"]


async def test_a_journal_of_ones_own_that_is_gone_is_not_begun_anew_either(tmp_path: Path) -> None:
    """Its folder has the accounts of when it was named by its path."""
    await traded(tmp_path)
    (tmp_path / "journal.sqlite").unlink()
    before = (tmp_path / "pps.toml").read_bytes()

    for _ in range(2):
        with pytest.raises(LogDamaged, match=GONE.format("pps.toml")):
            async with open_ems(log=Journal(tmp_path)):
                pass

    assert (tmp_path / "pps.toml").read_bytes() == before


async def test_no_record_file_begins_where_a_journal_would_hide_it(tmp_path: Path) -> None:
    """One of another name is found by that name."""
    async with open_ems(path=tmp_path):
        before = names(tmp_path)
        with pytest.raises(ClientFault, match=r"journal\.sqlite is there: .* give the file another folder"):
            FileLog(tmp_path / "records.log")

        assert names(tmp_path) == before
    FileLog(tmp_path / "mine.log").close()
    async with open_ems(path=tmp_path):
        pass


@pytest.mark.parametrize("head", ['generation = "replay"\nseq = 19', 'generation = ""\nseq = 0'])
async def test_the_positions_of_a_replay_or_of_no_record_tell_of_no_journal(
    tmp_path: Path, head: str
) -> None:
    (tmp_path / "pps.toml").write_text(f'{head}\nfee_factor = "2"\n')

    async with open_ems(path=tmp_path):
        pass

    found = read_pps(tmp_path / "pps.toml")
    assert found is not None
    assert found.generation not in ("replay", "")


async def test_a_disk_that_dies_at_the_start_leaves_no_accounts_that_know_more(
    tmp_path: Path, disk: FailingDisk
) -> None:
    """Written from records that the disk never had, they would keep the folder from being opened again."""
    async with open_ems(ScriptedBroker(), path=tmp_path):
        pass
    log = Journal(tmp_path, vfs=disk.name)
    disk.fails = ("sync", "wal")

    with pytest.raises(LogHalted, match="the sync of wal failed"):
        async with open_ems(ScriptedBroker(), log=log, accounts=tmp_path):
            pass

    async with open_ems(ScriptedBroker(), path=tmp_path) as ems:
        await ems.ready()


@pytest.mark.parametrize(
    "make", [MemoryLog, lambda: FileLog("records.log"), lambda: Journal(Path("journal"))]
)
@pytest.mark.parametrize("breaks", [False, True])
async def test_a_log_of_ones_own_is_closed_at_the_end_and_can_be_read(
    make: Callable[[], RecordLog], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, breaks: bool
) -> None:
    monkeypatch.chdir(tmp_path)
    log = make()
    with suppress(ExceptionGroup):
        async with open_ems(log=log):
            if breaks:
                raise ZeroDivisionError

    held = list(log)
    with pytest.raises(LogHalted, match="closed"):
        log.append(replace(held[-1], seq=held[-1].seq + 1))


async def test_an_older_copy_is_refused_though_nothing_was_traded_since(tmp_path: Path) -> None:
    """It lacks an order that may live at the venue."""
    copy = apsw.Connection(str(tmp_path / "copy"))
    async with open_ems(ScriptedBroker(), path=tmp_path / "live") as ems:
        await ems.settle()
        live = apsw.Connection(str(tmp_path / "live" / "journal.sqlite"))
        with copy.backup("main", live, "main") as backup:
            backup.step()
        live.close()
        await ems.submit(an_order())
    copy.close()
    (tmp_path / "copy").replace(tmp_path / "live" / "journal.sqlite")

    with pytest.raises(LogDamaged, match="the newest are lost, or an old copy stands in their place"):
        async with open_ems(ScriptedBroker(), path=tmp_path / "live"):
            pass


async def test_path_and_log_are_one_choice(tmp_path: Path) -> None:
    log = FileLog(tmp_path / "records.log")
    with pytest.raises(ClientFault, match="give one of them"):
        async with open_ems(path=tmp_path, log=log):
            pass
    log.close()


async def test_records_in_memory_are_said_to_be_so_once_and_not_on_stdout(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _say_in_memory.cache_clear()
    for _ in range(2):
        async with open_ems():
            pass
    async with open_ems(path=tmp_path):
        pass

    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("records are in memory alone") == 1


async def test_what_goes_wrong_is_told_on_stderr_and_stdout_is_the_programs_own(
    capsys: pytest.CaptureFixture[str],
) -> None:
    broker = ScriptedBroker()
    async with open_ems(broker) as ems:
        await ems.ready()
        broker.break_link()
        await trio.testing.wait_all_tasks_blocked()

    said = capsys.readouterr()
    assert said.out == ""
    assert "link lost" in said.err


async def test_a_log_that_somebody_set_up_is_told_there(tmp_path: Path) -> None:
    _say_in_memory.cache_clear()
    with structlog.testing.capture_logs() as told:
        async with open_ems():
            pass

    assert [line["log_level"] for line in told if "in memory alone" in line["event"]] == ["info"]
