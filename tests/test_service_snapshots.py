"""A running EMS has snapshots made and old records archived beside it, and goes on meanwhile."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import pytest
import trio

from fsm_ems import EMS, Settings, snapshot_keeping
from fsm_ems.dialogs.snapshot import facts
from fsm_ems.journal.archive import segments_in
from fsm_ems.journal.folder_lock import FolderLock
from fsm_ems.journal.keeping import LOCK, keep
from fsm_ems.journal.replay import Restored, replay
from fsm_ems.journal.snapshots import Checker, fold, formed, make, seq_of, snapshots_in
from fsm_ems.journal.sqlite import Journal
from fsm_ems.journal.sqlite_read import JournalReader
from fsm_ems.journal.sqlite_store import FILE, FIRST_PREV
from tests.journal.lives import busy, granted
from tests.journal.test_archive import asked
from tests.journal.test_snapshots import with_lie
from tests.scripted_broker import ScriptedBroker
from tests.test_service_archive import a_buy, life, traded

pytestmark = pytest.mark.real_clock  # the disk has one of its own
EVERY = 12
SETTINGS = Settings(snapshot_every=EVERY, archive_every=1, keep_finished=1)
named_pipes = pytest.mark.skipif(
    not hasattr(os, "mkfifo"),
    reason="this system has no named pipes, and only one holds the program where it reads a file",
)


class Watched:
    """Says when a program that makes snapshots has ended, and with what."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._told, self._heard = trio.open_memory_channel[subprocess.CompletedProcess[bytes]](9)
        relay = snapshot_keeping._relay

        def relayed(done: subprocess.CompletedProcess[bytes], folder: Path) -> None:
            relay(done, folder)
            self._told.send_nowait(done)

        monkeypatch.setattr(snapshot_keeping, "_relay", relayed)

    async def ended(self) -> subprocess.CompletedProcess[bytes]:
        return await self._heard.receive()


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> Watched:
    return Watched(monkeypatch)


async def some(ems: EMS, broker: ScriptedBroker, name: str) -> None:
    """Records enough for a snapshot, and not for two."""
    until = ems.dispatcher.book.seq + EVERY
    number = 0
    while ems.dispatcher.book.seq < until:
        number += 1
        await traded(ems, broker, f"{name}{number}")


def verify(folder: Path) -> int:
    checker = Checker(folder)
    JournalReader(folder).check(checker.see)
    checker.finish()
    return checker.checked


async def test_it_bounds_what_a_start_folds_and_what_the_file_holds(tmp_path: Path, watched: Watched) -> None:
    async with life(tmp_path, SETTINGS) as (ems, broker):
        for name in "abc":
            await some(ems, broker, name)
            done = await watched.ended()
            assert (done.returncode, done.stderr) == (0, b"")
        kept = [*map(seq_of, snapshots_in(tmp_path))]
        segments = segments_in(tmp_path)
        assert len(kept) == 2
        assert segments[-1].last == kept[1] - 1
        log = ems._promises._log
        assert isinstance(log, Journal)
        await trio.to_thread.run_sync(log.flush)  # what was let go of is gone by then
        assert asked(tmp_path / FILE, "SELECT min(seq) FROM records") == [(kept[1],)]
        await some(ems, broker, "d")
        before = facts(ems.dispatcher.book)
        assert facts(replay(JournalReader(tmp_path))) == before
        again = await ems.submit(a_buy("a1"))
        assert (await again.wait()).state == "cancelled"

    assert verify(tmp_path) == 2
    assert segments_in(tmp_path)[: len(segments)] == segments
    async with life(tmp_path, SETTINGS) as (ems, _):
        assert ems.dispatcher.book.forgotten


async def test_what_fails_is_told_and_trading_goes_on(
    tmp_path: Path, watched: Watched, capsys: pytest.CaptureFixture[str]
) -> None:
    lock = FolderLock(tmp_path / LOCK)
    async with life(tmp_path, SETTINGS) as (ems, broker):
        await some(ems, broker, "a")
        assert (await watched.ended()).stdout == b""
        assert "snapshot not written" in (said := capsys.readouterr().err)
        assert f"is in use by process {os.getpid()}" in said
        lock.release()
        (tmp_path / ".archive.new").mkdir()
        for name in "bc":
            await some(ems, broker, name)
            await watched.ended()
        assert "records not archived" in capsys.readouterr().err
        (tmp_path / ".archive.new").rmdir()
        await some(ems, broker, "d")
        assert (await watched.ended()).stdout.startswith(b"archive-000000000001-")

    assert capsys.readouterr().err == ""
    assert verify(tmp_path) == 2


@pytest.mark.parametrize(
    ("program", "why"),
    [("#!/bin/sh\necho it broke >&2\nexit 3\n", "ended with 3: it broke"), (None, "No such file")],
)
async def test_a_program_that_breaks_is_told(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    program: str | None,
    why: str,
) -> None:
    path = tmp_path / "python"
    if program is not None:
        path.write_text(program)
        path.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(path))
    told, heard = trio.open_memory_channel[str](9)
    monkeypatch.setattr(snapshot_keeping, "operator_log", lambda: Said(told))
    async with life(tmp_path / "ems", SETTINGS) as (ems, broker):
        await some(ems, broker, "a")
        assert why in await heard.receive()
        await traded(ems, broker, "after")


async def test_a_program_without_an_interpreter_is_not_begun_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that was frozen is its own sys.executable; one that embeds Python may have none."""
    told, heard = trio.open_memory_channel[str](9)
    monkeypatch.setattr(snapshot_keeping, "operator_log", lambda: Said(told))
    async with life(tmp_path, SETTINGS) as (ems, broker):
        monkeypatch.setattr(sys, "frozen", True, raising=False)
        await some(ems, broker, "a")
        assert "this program has no Python interpreter" in await heard.receive()
        monkeypatch.delattr(sys, "frozen")
        monkeypatch.setattr(sys, "executable", None)
        await some(ems, broker, "b")
        assert "this program has no Python interpreter" in await heard.receive()

    assert verify(tmp_path) == 1, "the closing made one"


async def test_what_an_import_passes_over_among_the_places_of_modules_does_no_harm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, watched: Watched
) -> None:
    monkeypatch.setattr(sys, "path", [*sys.path, Path("/nowhere")])
    async with life(tmp_path, SETTINGS) as (ems, broker):
        await some(ems, broker, "a")
        done = await watched.ended()
    assert (done.returncode, done.stderr) == (0, b"")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", ["", "lib", Path("/nowhere")])
    assert snapshot_keeping._places() == os.pathsep.join((str(tmp_path), "lib"))


class Said:
    """Hands on why something went wrong."""

    def __init__(self, told: trio.MemorySendChannel[str]) -> None:
        self._told = told

    def error(self, _: str, *, why: str, **__: str) -> None:
        self._told.send_nowait(why)


@named_pipes
async def test_an_ems_that_is_closed_ends_the_program(tmp_path: Path) -> None:
    async with life(tmp_path, Settings(snapshot_every=0)) as (ems, broker):
        await some(ems, broker, "a")
    fifo = tmp_path / "snapshot-000000000001"
    async with life(tmp_path, Settings(snapshot_every=EVERY, archive_every=0)) as (ems, broker):
        os.mkfifo(fifo)
        await some(ems, broker, "b")
        pipe = await trio.to_thread.run_sync(open, fifo, "wb")  # the program has come to read it
        fifo.unlink()
    pipe.close()

    assert verify(tmp_path) == 1, "the closing made one, and found nobody at it"


@pytest.fixture
def program(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[bytes], BinaryIO]]:
    """One that makes a snapshot, and has come to read one that is a pipe, until that is closed."""
    journal = Journal(tmp_path)
    busy(journal, "str")
    journal.close()
    os.mkfifo(tmp_path / "snapshot-000000000001")
    words = [sys.executable, "-m", "fsm_ems.journal.keeping", str(tmp_path), "0", "0"]
    with (
        subprocess.Popen(words, stdin=subprocess.PIPE) as begun,
        (tmp_path / "snapshot-000000000001").open("wb") as pipe,
    ):
        yield begun, pipe


@named_pipes
def test_the_program_ends_with_the_one_that_began_it(
    program: tuple[subprocess.Popen[bytes], BinaryIO],
) -> None:
    begun, _ = program
    assert begun.stdin is not None
    begun.stdin.close()
    assert begun.wait() == 1


@named_pipes
def test_the_program_is_not_ended_by_a_terminal(
    program: tuple[subprocess.Popen[bytes], BinaryIO], tmp_path: Path
) -> None:
    """Which interrupts all that was begun from it: whether the EMS ends by that is for it to say."""
    begun, pipe = program
    begun.send_signal(signal.SIGINT)
    pipe.close()
    assert begun.wait() == 0
    assert verify(tmp_path) == 1


# ── one fold against another ────────────────────────────────────────────────────────────────────────


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A journal with one snapshot, of its first records."""
    journal = Journal(tmp_path)
    busy(journal, "str")
    journal.close()
    restored, last = Restored(), FIRST_PREV
    for record, digest in JournalReader(tmp_path).after(0, FIRST_PREV, 9):
        restored.take(record)
        last = digest
    (tmp_path / "snapshot-000000000009").write_bytes(formed(restored, last, 0))
    return tmp_path


def test_a_snapshot_of_a_journal_in_use_is_proven_by_a_second_fold(folder: Path) -> None:
    (folder / ".snapshot-000000000005.new").write_bytes(b"what one that was killed has left")
    journal = Journal(folder)
    first = keep(folder, 0, 1, None)
    for seq in (29, 30):
        journal.append(granted(seq))
    journal.flush()
    segment = keep(folder, 0, 1, None)
    journal.close()

    assert [*map(seq_of, snapshots_in(folder))] == [30, 28]
    assert first is not None
    assert segment is not None
    assert (first.first, first.last, segment.first, segment.last) == (1, 8, 9, 27)
    assert not [*folder.glob("*.new")]
    assert verify(folder) == 2


def test_records_that_come_between_the_folds_are_in_neither(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    journal = Journal(folder)

    def make_later(where: Path, rows: JournalReader, keeping: int, known: bytes, *, upto: int) -> Path:
        journal.append(granted(29))
        journal.flush()
        return make(where, rows, keeping, known, upto=upto)

    monkeypatch.setattr("fsm_ems.journal.keeping.make", make_later)
    keep(folder, 0, 1, None)
    journal.close()

    assert capsys.readouterr().err == ""
    assert [*map(seq_of, snapshots_in(folder))] == [28, 9]


def test_folds_that_differ_make_no_snapshot(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = folder / "snapshot-000000000009"
    journal = JournalReader(folder)
    make(folder, journal, 0, formed(*fold(folder, journal, 0, 20), 0), upto=20)
    path.write_bytes(with_lie(path, (0, 3), 1))  # for how long finished orders are kept

    assert keep(folder, 0, 1, None) is None

    assert "compared with another fold of the records, it is something else" in capsys.readouterr().err
    assert [*map(seq_of, snapshots_in(folder))] == [20, 9]
