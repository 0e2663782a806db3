"""An EMS whose old records have moved to an archive answers as if they had not."""

import shutil
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path

import pytest
import trio
import trio.testing

from fsm_ems import EMS, Refused, Resync, Settings, new_order, open_ems
from fsm_ems.account_books import PPS
from fsm_ems.dialogs.snapshot import facts
from fsm_ems.errors import LogDamaged
from fsm_ems.journal.archive import segments_in
from fsm_ems.journal.replay import replay
from fsm_ems.journal.snapshots import snapshots_in
from fsm_ems.journal.sqlite import Journal
from fsm_ems.journal.sqlite_read import JournalReader
from fsm_ems.messages import BrokerdFill, BrokerdOrderAck, BrokerdStatus, Order
from tests.scripted_broker import ScriptedBroker

pytestmark = pytest.mark.real_clock  # the disk has one of its own
SETTINGS = Settings(snapshot_every=1, archive_every=1, keep_finished=1, keep_events=2)


def a_buy(oid: str, size: int = 2) -> Order:
    return new_order(oid=oid, market="xbtusd.paper", side="buy", size=Decimal(size), price=Decimal(100))


async def traded(ems: EMS, broker: ScriptedBroker, oid: str) -> None:
    """An order of 2 that trades 1 and is cancelled by the venue."""
    handle = await ems.submit(a_buy(oid))
    sent = await broker.sent.receive()
    broker.report(BrokerdOrderAck(reqid=sent.reqid, venue_id=f"V-{oid}"))
    broker.report(BrokerdFill(reqid=sent.reqid, exec_id=f"x-{oid}", size=Decimal(1), price=Decimal(99)))
    broker.report(BrokerdStatus(reqid=sent.reqid, status="cancelled"))
    assert (await handle.wait()).state == "cancelled"


@asynccontextmanager
async def life(folder: Path, settings: Settings = SETTINGS) -> AsyncGenerator[tuple[EMS, ScriptedBroker]]:
    broker = ScriptedBroker()
    async with open_ems(broker, path=folder, settings=settings) as ems:
        await ems.ready()
        yield ems, broker


@pytest.fixture(scope="module")
def lives(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four lives, a trade in each; only what is since the last snapshot but one is in the journal's file."""
    folder = tmp_path_factory.mktemp("lives")

    async def live(number: int) -> None:
        async with life(folder) as (ems, broker):
            await traded(ems, broker, f"o{number}")

    for number in range(4):
        trio.run(live, number)
    assert len(segments_in(folder)) == 3
    assert len(snapshots_in(folder)) == 2
    assert JournalReader(folder).of("main", "o0")[-1].seq <= segments_in(folder)[1].last
    return folder


@pytest.fixture
def folder(lives: Path, tmp_path: Path) -> Path:
    """The same, of one's own."""
    return Path(shutil.copytree(lives, tmp_path / "ems"))


async def test_an_archived_order_is_recalled_for_what_comes_late(folder: Path) -> None:
    async with life(folder) as (ems, broker):
        assert ("main", "o0") in ems.dispatcher.book.forgotten
        broker.report(BrokerdFill(venue_id="V-o0", exec_id="late", size=Decimal(1), price=Decimal(98)))
        await trio.testing.wait_all_tasks_blocked()
        dialog = ems.dispatcher.book.dialog("main", "o0")
        assert dialog is not None
        assert (dialog.state.value, dialog.filled) == ("cancelled", Decimal(2))
        assert ems.positions[0].size == 5
        before = facts(ems.dispatcher.book)

    assert facts(replay(JournalReader(folder))) == before


async def test_an_archived_order_that_is_submitted_again_is_not_sent_again(folder: Path) -> None:
    async with life(folder) as (ems, broker):
        again = await ems.submit(a_buy("o0"))
        status = await again.wait()
        assert (str(status.state), status.filled) == ("cancelled", Decimal(1))
        with pytest.raises(Refused, match="conflict"):
            await ems.submit(a_buy("o1", 3))
        with pytest.raises(trio.WouldBlock):
            broker.sent.receive_nowait()


async def test_a_program_that_goes_to_another_folder_finds_its_archive(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder.parent)
    async with life(Path(folder.name)) as (ems, _):
        monkeypatch.chdir("/")
        again = await ems.submit(a_buy("o0"))
        assert (await again.wait()).state == "cancelled"
    assert len(segments_in(folder)) == 4


async def test_a_folder_that_is_gone_at_the_close_is_told_and_the_log_is_closed(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    elsewhere = folder.with_name("elsewhere")

    def replace() -> None:
        folder.rename(elsewhere)
        folder.touch()

    async with life(folder):
        replace()
    assert "records not archived" in capsys.readouterr().err

    Journal(elsewhere).close()


async def test_a_stream_resumes_or_gets_the_full_picture(folder: Path) -> None:
    async with life(folder) as (ems, _):
        seq = ems.dispatcher.book.streams["main"]
        with ems.events(since=0) as past, ems.events(since=seq - 2) as kept:
            picture, last = await past.get(), [await kept.get(), await kept.get()]
    assert isinstance(picture, Resync)
    assert picture.seq == seq
    assert [one.seq for one in last if one is not None] == [seq - 1, seq]


async def test_whoever_wants_more_of_a_stream_than_snapshots_have_gets_it_from_the_archive(
    folder: Path,
) -> None:
    async with life(folder, Settings(keep_events=1_000)) as (ems, _):
        with ems.events(since=0) as all_of_it:
            found = [await all_of_it.get() for _ in range(ems.dispatcher.book.streams["main"])]
    assert [one.seq for one in found if one is not None] == [*range(1, len(found) + 1)]


def account_files(folder: Path) -> dict[Path, str]:
    return {path: path.read_text() for path in [folder / PPS, *folder.glob("ledger/**/*.toml")]}


async def test_accounts_files_that_are_gone_are_written_anew(folder: Path) -> None:
    before = account_files(folder)
    for path in before:
        path.unlink()

    async with life(folder, Settings(snapshot_every=0)):
        after = account_files(folder)

    (folder / PPS).unlink()
    assert after.keys() == before.keys()
    assert all(f"x-o{number}" in text for text in after.values() for number in range(4))


async def test_a_missing_segment_is_told_before_anything_is_done(folder: Path) -> None:
    [first, *_] = segments_in(folder)
    first.path.unlink()

    with pytest.raises(LogDamaged, match=f"put back {first.path.name}"):
        async with life(folder):
            raise AssertionError("it must not open")


async def test_an_archive_that_cannot_be_written_stops_nothing(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / ".archive.new").mkdir()
    async with life(folder) as (ems, broker):
        await traded(ems, broker, "o4")

    assert "records not archived" in capsys.readouterr().err
    assert len(segments_in(folder)) == 3
    assert JournalReader(folder).check().seq == ems.dispatcher.book.seq


async def test_nothing_moves_where_the_settings_say_so(tmp_path: Path) -> None:
    for _ in range(4):
        async with life(tmp_path, Settings(snapshot_every=1, archive_every=0)):
            pass
    assert segments_in(tmp_path) == []
