"""Old records move into archive segments, and are read as if they had not."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from threading import Event

import apsw
import pytest

from fsm_ems.accounting.atomic_file import DISK, Disk
from fsm_ems.dialogs.record import Record
from fsm_ems.dialogs.snapshot import facts
from fsm_ems.errors import LogDamaged, LogFault, LogHalted
from fsm_ems.journal.archive import Segment, let_go, segments_in
from fsm_ems.journal.archiving import BESIDE, archive
from fsm_ems.journal.codec import encode
from fsm_ems.journal.replay import Restored, replay
from fsm_ems.journal.snapshots import begin, formed
from fsm_ems.journal.sqlite import Journal
from fsm_ems.journal.sqlite_read import PAGE, JournalReader
from fsm_ems.journal.sqlite_store import FILE, FIRST_PREV, chained
from tests.journal.failing_disk import failing_disk
from tests.journal.lives import busy, granted
from tests.journal.test_contract import assert_same

KEEP = 5


LAST = 28
"""The records of :func:`busy`: lives are 7 to 11, 12 to 16, 17 to 21, 22 to 26, and the first again."""


class Kept:
    """A journal in *folder* with the lives of four orders, and what a memory has of the same records."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / FILE
        journal = Journal(folder)
        self.memory, self.reqids = busy(journal, "str")
        journal.close()
        assert self.memory.durable_seq == LAST

    @property
    def reader(self) -> JournalReader:
        return JournalReader(self.folder)

    def snapshot(self, upto: int) -> Path:
        """A snapshot of records 1 to *upto*, such as was made when there were no more."""
        restored, last = Restored(KEEP), FIRST_PREV
        for record, digest in self.reader.after(0, FIRST_PREV, upto):
            restored.take(record)
            last = digest
        path = self.folder / f"snapshot-{upto:012}"
        path.write_bytes(formed(restored, last, KEEP))
        return path

    def write(self, upto: int, disk: Disk = DISK) -> Segment:
        """The next segment, which ends with record *upto*."""
        snapshots = [self.snapshot(upto + 1), self.snapshot(LAST)]
        try:
            segment = archive(self.folder, self.reader, 1, disk)
        finally:
            for path in snapshots:
                path.unlink()
        assert segment is not None
        assert segment.last == upto
        return segment

    def move(self, upto: int) -> Segment:
        """The same, and the journal's own file is let go of it."""
        segment = self.write(upto)
        journal = Journal(self.folder)
        journal.let_go(segment)
        journal.close()
        return segment

    def seqs(self) -> list[int]:
        """Those of the records in the journal's own file."""
        return [int(str(seq)) for (seq,) in asked(self.path, "SELECT seq FROM records ORDER BY seq")]

    def is_whole(self) -> None:
        """Everybody finds what a memory finds."""
        journal = Journal(self.folder)
        for source in (self.reader, journal):
            assert_same(source, self.memory, self.reqids)
        journal.close()
        assert self.reader.check().seq == LAST
        assert facts(replay(self.reader)) == facts(replay(self.memory))


def asked(path: Path, sql: str, *bindings: object) -> list[tuple[object, ...]]:
    connection = apsw.Connection(str(path))
    try:
        return [*connection.execute(sql, bindings)]
    finally:
        connection.close()


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    return Kept(tmp_path / "ems")


@pytest.fixture
def two(kept: Kept) -> Kept:
    """Two segments, each of which ends in the middle of a life."""
    kept.move(9)
    kept.move(18)
    return kept


# ── as if they had not moved ────────────────────────────────────────────────────────────────────────


@pytest.mark.no_cover
@pytest.mark.parametrize("upto", [1, 6, 9, 11, 18, LAST - 2])
def test_wherever_it_is_cut_everybody_finds_all_of_it(kept: Kept, upto: int) -> None:
    segment = kept.move(upto)

    assert segments_in(kept.folder) == [segment] == [(segment.path, 1, upto)]
    assert kept.seqs() == [*range(upto + 1, LAST + 1)]
    kept.is_whole()


def test_several_segments_follow_each_other(two: Kept) -> None:
    assert [(one.first, one.last) for one in segments_in(two.folder)] == [(1, 9), (10, 18)]
    assert two.seqs()[0] == 19
    two.is_whole()
    for seq in (1, 9, 10, 18, 19, LAST):
        row = two.reader.row(seq)
        assert row is not None
        assert row.seq == seq
    assert two.reader.row(LAST + 1) is None


def test_a_long_journal_moves_piece_by_piece(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each piece asks for room and time of its own; what is left waits for the next snapshot."""
    monkeypatch.setattr("fsm_ems.journal.archiving.MOST", 5)
    kept.snapshot(13)
    kept.snapshot(15)

    made = [archive(kept.folder, kept.reader, 3) for _ in range(4)]

    assert [(one.first, one.last) for one in made if one is not None] == [(1, 5), (6, 10), (6, 10), (6, 10)]
    kept.is_whole()


def test_a_piece_is_more_than_what_came_since_the_last(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    """However far apart snapshots are made, the file does not grow from one to the next."""
    monkeypatch.setattr("fsm_ems.journal.archiving.MOST", 2)
    kept.snapshot(8)
    left: list[int] = []
    for upto in (12, 16, 20, 24, LAST):
        kept.snapshot(upto)
        made = archive(kept.folder, kept.reader, 1)
        assert made is not None
        left.append(upto - made.last)

    assert left == [5] * 5
    kept.is_whole()


def test_a_journal_goes_on_behind_its_archive(two: Kept) -> None:
    journal = Journal(two.folder)
    for seq in range(LAST + 1, LAST + 4):
        journal.append(granted(seq))
        two.memory.append(granted(seq))
    assert_same(journal, two.memory, two.reqids)
    journal.close()

    assert two.reader.check().seq == LAST + 3


def test_the_file_keeps_the_names_of_its_own_orders_alone(two: Kept) -> None:
    """Those of an order that has records in both as well."""
    named = set(asked(two.path, "SELECT owner, oid FROM names"))

    assert named == {("main", "o0"), ("main", "o2"), ("main", "o3")}
    assert two.reader.lookup("kraken", two.reqids[0], None) == two.memory.lookup(
        "kraken", two.reqids[0], None
    )


def test_few_segments_stay_open_and_none_when_it_is_closed(
    two: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fsm_ems.journal.sqlite.SEGMENTS_OPEN", 1)
    journal = Journal(two.folder)
    for _ in range(2):
        assert journal.of("main", "o0") == two.memory.of("main", "o0")
        assert [path.name for path in journal._segments] == [segments_in(two.folder)[1].path.name]
    journal.close()
    assert journal.of("main", "o0") == two.memory.of("main", "o0")
    assert journal._segments == {}


def test_pages_end_where_files_do(tmp_path: Path) -> None:
    folder, count = tmp_path / "ems", 2 * PAGE + 7
    journal = Journal(folder)
    for seq in range(1, count + 1):
        journal.append(granted(seq, f"name-{seq}"))
    journal.flush()
    for seq in (PAGE + 4, count):
        restored, last = Restored(), FIRST_PREV
        for record, digest in journal.after(0, FIRST_PREV, seq):
            restored.take(record)
            last = digest
        (folder / f"snapshot-{seq:012}").write_bytes(formed(restored, last, 0))
    segment = archive(folder, JournalReader(folder), 1)
    assert segment is not None
    journal.let_go(segment)
    journal.close()

    assert [record.seq for record in JournalReader(folder)] == [*range(1, count + 1)]
    assert [len(page) for _, page in JournalReader(folder).pages(0)] == [PAGE, 3, PAGE, 4]
    assert [record.seq for record, _ in JournalReader(folder).after(0, FIRST_PREV, PAGE + 9)][-1] == PAGE + 9
    assert JournalReader(folder).check().seq == count


def test_an_opening_begins_with_a_snapshot_and_reads_no_segment(two: Kept) -> None:
    two.snapshot(20)
    for segment in segments_in(two.folder):
        segment.path.write_bytes(b"nobody reads it")

    restored = Restored(KEEP)
    Journal(two.folder, take=restored.take, begin=partial(begin, two.folder, restored, KEEP)).close()

    assert restored.since == 20
    assert facts(restored.book) == facts(replay(two.memory))


def test_an_opening_begins_with_a_snapshot_of_archived_records(two: Kept) -> None:
    two.snapshot(12)

    restored = Restored(KEEP)
    Journal(two.folder, take=restored.take, begin=partial(begin, two.folder, restored, KEEP)).close()

    assert restored.since == 12
    assert facts(restored.book) == facts(replay(two.memory))


# ── when they move ──────────────────────────────────────────────────────────────────────────────────


def test_what_is_since_the_older_of_two_snapshots_stays(kept: Kept) -> None:
    kept.snapshot(20)
    assert archive(kept.folder, kept.reader, 1) is None
    kept.snapshot(LAST)
    assert archive(kept.folder, kept.reader, 20) is None
    assert archive(kept.folder, kept.reader, 0) is None

    segment = archive(kept.folder, kept.reader, 19)

    assert segment is not None
    assert (segment.first, segment.last) == (1, 19)
    assert archive(kept.folder, kept.reader, 1) == segment
    assert kept.seqs() == [*range(1, LAST + 1)], "the caller lets go"
    assert segment.path.stat().st_mode & 0o777 == 0o600


def test_nothing_is_let_go_of_that_a_segment_does_not_have(kept: Kept) -> None:
    segment = kept.write(9)
    asked(segment.path, "UPDATE records SET body = body || ' ', hash = zeroblob(16) WHERE seq = 9")
    journal = Journal(kept.folder)
    with pytest.raises(LogDamaged, match="was altered"):
        journal.let_go(segment)
    shorter = segment._replace(last=8)
    journal.let_go(shorter._replace(path=kept.write(9).path))
    journal.close()

    assert kept.seqs()[0] == 9


def test_nothing_is_let_go_of_while_a_segment_before_is_missing(kept: Kept) -> None:
    """The journal's own file may have those records still, and nobody else."""
    segments = [kept.write(upto) for upto in (9, 18, 22)]
    segments[1].path.rename(kept.folder / "elsewhere")
    journal = Journal(kept.folder)
    with pytest.raises(LogDamaged, match="put it back from a copy") as caught:
        journal.let_go(segments[2])
    assert (caught.value.where, caught.value.line) == (str(segments[1].path), 10)
    journal.let_go(segments[0])
    journal.flush()
    assert kept.seqs()[0] == 10

    (kept.folder / "elsewhere").rename(segments[1].path)
    journal.let_go(segments[2])
    journal.close()
    assert kept.seqs()[0] == 23
    kept.is_whole()


def test_records_go_while_others_come(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fsm_ems.journal.archive.STEP", 2)
    segment = kept.write(20)
    journal = Journal(kept.folder)
    journal.let_go(segment)
    for seq in range(LAST + 1, LAST + 40):
        journal.append(granted(seq))
        two = [record.seq for record in journal]
        assert two == [*range(1, seq + 1)]
    journal.close()

    assert kept.seqs() == [*range(21, LAST + 40)]
    assert kept.reader.check().seq == LAST + 39


def test_a_check_goes_on_while_records_go(kept: Kept) -> None:
    """Those of a page that was read, and the names that they were to be found by in the file."""
    segment = kept.write(18)
    journal = Journal(kept.folder)

    def let_go(record: Record, _: bytes) -> None:
        if record.seq == LAST:
            journal.let_go(segment)
            journal.flush()
            assert kept.seqs()[0] == 19

    assert kept.reader.check(let_go).seq == LAST
    journal.close()
    asked(kept.path, "DELETE FROM names")
    with pytest.raises(LogDamaged, match="its order is not found by 'text"):
        kept.reader.check()


def test_a_folder_that_cannot_be_listed_is_told_as_the_log(two: Kept) -> None:
    journal = Journal(two.folder)
    two.folder.rename(two.folder.with_name("elsewhere"))
    for ask in (lambda: journal.of("main", "o0"), lambda: [*journal], lambda: journal.row(1)):
        with pytest.raises(LogFault, match="cannot be used"):
            ask()
    two.folder.with_name("elsewhere").rename(two.folder)
    journal.close()


# ── crashes ─────────────────────────────────────────────────────────────────────────────────────────


def test_a_file_that_was_not_relieved_is_read_once_and_relieved_next_time(kept: Kept) -> None:
    first = kept.write(9)
    assert kept.seqs()[0] == 1
    kept.is_whole()

    second = kept.write(18)
    assert (first.first, first.last, second.first, second.last) == (1, 9, 10, 18)
    kept.is_whole()

    journal = Journal(kept.folder)
    journal.let_go(second)
    journal.close()
    assert kept.seqs()[0] == 19
    kept.is_whole()


@pytest.mark.no_cover
@pytest.mark.parametrize("gone", [1, 8, 9, 10, 17, 18])
def test_a_file_that_was_relieved_in_part_is_whole(kept: Kept, gone: int) -> None:
    kept.write(9)
    kept.write(18)
    asked(kept.path, "DELETE FROM records WHERE seq <= ?", gone)

    kept.is_whole()


@pytest.mark.no_cover
@pytest.mark.parametrize("step", ["create", "rename", "sync_folder"])
def test_a_disk_that_fails_leaves_all_of_it(kept: Kept, step: str) -> None:
    class Failing(Disk):
        pass

    def fail(*_: object) -> None:
        raise OSError(errno.EIO, "as was asked for")

    setattr(Failing, step, fail)
    with pytest.raises(OSError, match="as was asked for"):
        kept.write(9, Failing())

    assert len(segments_in(kept.folder)) == (step == "sync_folder")
    assert not (kept.folder / BESIDE).exists()
    kept.is_whole()
    kept.move(9)
    kept.is_whole()


def test_a_disk_that_fails_below_sqlite_leaves_all_of_it(kept: Kept) -> None:
    (kept.folder / BESIDE).mkdir()
    with pytest.raises(OSError, match="directory"):
        kept.write(9)
    (kept.folder / BESIDE).rmdir()

    kept.snapshot(10)
    kept.snapshot(LAST)
    with failing_disk() as disk:
        disk.fails = ("sync", "database")
        with pytest.raises(LogFault, match=r"archive\.new cannot be used: .*the sync of database failed"):
            archive(kept.folder, JournalReader(kept.folder, disk.name), 1)
        assert disk.calls.count(disk.fails) == 1
    assert not (kept.folder / BESIDE).exists()
    kept.is_whole()


def test_a_disk_that_fails_while_records_go_halts_the_journal(kept: Kept) -> None:
    """Nobody can tell what it has then, as after any other write."""
    segment, told = kept.write(18), list[str]()
    with failing_disk() as disk:
        journal = Journal(kept.folder, vfs=disk.name)
        journal.watch(lambda _: None, told.append)
        disk.fails = ("sync", "wal")
        journal.let_go(segment)
        for attempt in (journal.flush, lambda: journal.append(granted(LAST + 1)), journal.close):
            with pytest.raises(LogHalted, match="the sync of wal failed"):
                attempt()
    assert len(told) == 1
    kept.is_whole()


def test_what_is_appended_waits_for_one_step_and_no_more(kept: Kept) -> None:
    begun, appended, durable = Event(), Event(), list[int]()

    def two_steps(_: object) -> Iterator[None]:
        begun.set()
        assert appended.wait(60)
        yield
        durable.append(journal.durable_seq)
        yield

    journal = Journal(kept.folder)
    journal._writer.between(two_steps)
    assert begun.wait(60)
    journal.append(granted(LAST + 1))
    appended.set()
    journal.close()
    assert durable == [LAST + 1]


def test_each_step_of_letting_go_is_a_small_one(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    """For what is appended waits for it."""
    monkeypatch.setattr("fsm_ems.journal.archive.STEP", 2)
    connection = apsw.Connection(str(kept.path))
    deleted, steps = 0, list[int]()
    for _ in let_go(connection, 22):
        steps.append(connection.total_changes() - deleted)
        deleted = connection.total_changes()
    connection.close()

    assert (max(steps), kept.seqs()[0]) == (2, 23)
    assert len(steps) > 11, "names go after the records"


def test_what_a_crash_left_of_a_segment_is_written_over(kept: Kept) -> None:
    (kept.folder / BESIDE).write_bytes(b"half of one")

    kept.move(9)

    assert not (kept.folder / BESIDE).exists()
    kept.is_whole()


def test_a_segment_that_does_not_read_back_gets_no_name(kept: Kept) -> None:
    """Whichever write it is that the disk says was done, and was not."""
    for upto in (10, LAST):
        kept.snapshot(upto)
    with failing_disk() as disk:
        rows, writes = JournalReader(kept.folder, disk.name), 4
        for disk.loses in range(1, writes + 1):
            with pytest.raises(LogDamaged) as caught:
                archive(kept.folder, rows, 1)
            assert caught.value.where == str(kept.folder / BESIDE)
            assert segments_in(kept.folder) == []
            assert not (kept.folder / BESIDE).exists()
        disk.calls.clear()
        archive(kept.folder, rows, 1)
        assert disk.calls.count(("write", "database")) == writes
    kept.is_whole()


def test_records_that_are_not_what_was_written_are_not_archived(kept: Kept) -> None:
    asked(kept.path, "UPDATE records SET hash = zeroblob(16) WHERE seq = 8")
    with pytest.raises(LogDamaged, match="was altered"):
        kept.write(9)
    assert segments_in(kept.folder) == []


# ── what is missing or altered ──────────────────────────────────────────────────────────────────────


def refused(kept: Kept, path: Path, line: int, told: str) -> None:
    """By everyone who reads all of it."""
    attempts: list[Callable[[], object]] = [
        kept.reader.check,
        lambda: [*kept.reader],
        lambda: Journal(kept.folder),
    ]
    for attempt in attempts:
        with pytest.raises(LogDamaged, match="keep a copy of the whole folder") as caught:
            attempt()
        assert (caught.value.where, caught.value.line) == (str(path), line)
        assert told in caught.value.problem


@pytest.mark.parametrize(("place", "line"), [(0, 1), (1, 10)])
def test_a_segment_that_is_missing_is_named(two: Kept, place: int, line: int) -> None:
    segment = segments_in(two.folder)[place]
    snapshot = two.snapshot(20)
    segment.path.rename(two.folder.parent / "elsewhere")
    told = f"records {segment.first} to {segment.last} are not in it"

    refused(two, two.path, line, told)
    refused(two, two.path, line, f"put back {segment.path.name}")
    restored = Restored(KEEP)
    begins: list[Callable[[], object]] = [
        lambda: Journal(two.folder, take=restored.take, begin=partial(begin, two.folder, restored, KEEP)),
        lambda: two.reader.of("main", "o3"),
        lambda: two.reader.owners("o3"),
        lambda: two.reader.lookup("kraken", None, 'V"3é'),
    ]
    for attempt in begins:
        with pytest.raises(LogDamaged, match=told):
            attempt()

    (two.folder.parent / "elsewhere").rename(segment.path)
    snapshot.unlink()
    two.is_whole()


def test_a_journal_that_is_gone_is_not_begun_anew_beside_its_archive(two: Kept) -> None:
    two.path.unlink()
    for name in ("-wal", "-shm"):
        two.path.with_name(FILE + name).unlink(missing_ok=True)
    for _ in range(2):
        with pytest.raises(LogDamaged, match="it has none of the records, and archive-000000000010"):
            Journal(two.folder)
    assert not two.path.exists()

    two.path.touch()
    with pytest.raises(LogDamaged, match="it has none of the records"):
        Journal(two.folder)
    Journal(two.folder.parent / "new").close()
    (two.folder.parent / "new" / FILE).replace(two.path)
    for attempt in (lambda: Journal(two.folder), two.reader.check, lambda: two.reader.of("main", "o0")):
        with pytest.raises(LogDamaged, match="it has none of the records"):
            attempt()


def test_an_old_copy_of_the_journal_is_not_taken_for_it(kept: Kept) -> None:
    kept.write(18)
    asked(kept.path, "DELETE FROM records WHERE seq > 18")

    for attempt in (lambda: Journal(kept.folder), kept.reader.check):
        with pytest.raises(LogDamaged, match="it has those up to 18 of the records, and archive"):
            attempt()


@pytest.mark.parametrize(
    ("statement", "line", "told"),
    [
        ("UPDATE records SET body = replace(body, '\"o0\"', '\"o1\"') WHERE seq = 8", 8, "was altered"),
        ("UPDATE records SET oid = 'o1' WHERE seq = 8", 8, "its columns do not say"),
        ("DELETE FROM records WHERE seq = 8", 8, "record 8 belongs here, and this is record 9"),
        ("DELETE FROM records WHERE seq = 9", 9, "by the file's name it should be"),
        ("PRAGMA application_id = 7", 0, "this is no archive segment: its application_id is 0x7"),
        ("PRAGMA user_version = 2", 0, "form 2 is not known here"),
    ],
)
def test_a_segment_that_was_altered_is_named(two: Kept, statement: str, line: int, told: str) -> None:
    path = segments_in(two.folder)[0].path
    asked(path, statement)

    refused(two, path, line, told)


def test_a_segment_of_other_records_is_named_though_it_is_sound_in_itself(two: Kept, tmp_path: Path) -> None:
    other = tmp_path / "other"
    journal = Journal(other)
    for seq in range(1, LAST + 1):
        journal.append(granted(seq))
    journal.close()
    copy = segments_in(two.folder)[0].path
    asked(copy, "DELETE FROM records")
    connection = apsw.Connection(str(copy))
    connection.execute("ATTACH ? AS other", (str(other / FILE),))
    connection.execute("INSERT INTO records SELECT * FROM other.records WHERE seq <= 9")
    connection.close()

    refused(two, segments_in(two.folder)[1].path, 10, "it does not follow the record before it")


def test_a_segment_that_is_no_database_is_named(two: Kept) -> None:
    path = segments_in(two.folder)[1].path
    path.write_bytes(b"a note of somebody else\n" * 200)

    refused(two, path, 0, "file is not a database")


def test_a_name_that_a_segment_lost_is_found_by_a_check(two: Kept) -> None:
    path = segments_in(two.folder)[0].path
    asked(path, "DELETE FROM names WHERE name = ?", f"text {two.reqids[0]}")

    with pytest.raises(LogDamaged, match="its order is not found by 'text") as caught:
        two.reader.check()
    assert caught.value.where == str(path)


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("UPDATE records SET body = replace(body, '\"o0\"', '\"o1\"') WHERE seq = 8", "was altered"),
        ("DELETE FROM records WHERE seq = 9", "this is its last record, and by its name 9 would be"),
        ("DELETE FROM names", "its order is not found by"),
        ("UPDATE records SET hash = zeroblob(16) WHERE seq = 9", "was altered"),
    ],
)
def test_a_segment_whose_records_are_still_in_the_file_is_checked_as_well(
    kept: Kept, statement: str, told: str
) -> None:
    path = kept.write(9).path
    asked(path, statement)

    with pytest.raises(LogDamaged, match=told) as caught:
        kept.reader.check()
    assert caught.value.where == str(path)
    assert [*kept.reader] == [*kept.memory]


def test_a_segment_that_forked_from_what_is_still_in_the_file_is_told(kept: Kept) -> None:
    path = kept.write(9).path
    row = kept.reader.row(8)
    assert row is not None
    line = encode(granted(9, "somebody"))
    values = ("Granted", "", "", line, row.hash, chained(row.hash, line))
    asked(
        path,
        "UPDATE records SET (kind, owner, oid, body, prev, hash) = (?, ?, ?, ?, ?, ?) WHERE seq = 9",
        *values,
    )

    with pytest.raises(LogDamaged, match="it is not the record that the journal goes on from"):
        kept.reader.check()


@pytest.mark.parametrize("oid", ["o0", "o3"])
def test_a_record_that_is_not_found_by_its_order_is_found_by_a_check(two: Kept, oid: str) -> None:
    """Its row is sound, and so are the pages: what leads there is another order's."""
    path = two.path if oid == "o3" else segments_in(two.folder)[0].path
    [(root, size)] = asked(
        path, "SELECT rootpage, page_size FROM sqlite_schema, pragma_page_size WHERE name = 'records_of'"
    )
    content, end = path.read_bytes(), int(str(root)) * int(str(size))
    place = content.index(f"{oid}main".encode(), end - int(str(size)), end)
    path.write_bytes(content[:place] + b"o9" + content[place + 2 :])
    assert len(two.reader.of("main", oid)) == len(two.memory.of("main", oid)) - 1

    with pytest.raises(LogDamaged, match="records_of") as caught:
        two.reader.check()
    assert caught.value.where == str(path)


def test_a_life_is_verified_where_it_is(two: Kept) -> None:
    path = segments_in(two.folder)[0].path
    asked(path, "UPDATE records SET body = replace(body, '\"o0\"', '\"o1\"') WHERE seq = 8")

    assert two.reader.of("main", "o2") == two.memory.of("main", "o2")
    with pytest.raises(LogDamaged, match="was altered") as caught:
        two.reader.of("main", "o0")
    assert (caught.value.where, caught.value.line) == (str(path), 8)


def test_a_next_segment_must_follow_the_last(two: Kept) -> None:
    path = segments_in(two.folder)[1].path
    two.snapshot(23)
    two.snapshot(LAST)
    asked(path, "DELETE FROM records WHERE seq = 18")

    with pytest.raises(LogDamaged, match="by its name this would be its last record"):
        archive(two.folder, two.reader, 1)
    assert len(segments_in(two.folder)) == 2
