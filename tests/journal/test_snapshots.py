"""A start from a snapshot is a start from all records: to the last digit, and wherever it was taken."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import apsw
import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fsm_ems import Settings, open_ems
from fsm_ems.dialogs.book import Book
from fsm_ems.dialogs.record import Record
from fsm_ems.dialogs.settings import Capabilities
from fsm_ems.dialogs.snapshot import facts
from fsm_ems.errors import LogDamaged, SnapshotUnproven
from fsm_ems.journal import snapshot_form, snapshot_parts
from fsm_ems.journal.file import RecordFile
from fsm_ems.journal.replay import Restored
from fsm_ems.journal.snapshot_form import packed, unpacked
from fsm_ems.journal.snapshots import Checker, fold, formed, make, read, snapshots_in
from fsm_ems.journal.sqlite import Journal
from fsm_ems.journal.sqlite_read import JournalReader
from fsm_ems.journal.sqlite_store import FILE, FIRST_PREV
from tests.journal.test_anywhere import ALL, Restarting
from tests.journal.test_replay import PLOTS, Put, a_market, bounds, inputs, story
from tests.scripted_broker import ScriptedBroker

KEEP = 5
Place = tuple[int | str, ...]
SETTINGS = Settings(snapshot_every=1, keep_events=KEEP)


def taken(records: list[Record], keep: int = ALL) -> Restored:
    restored = Restored(keep)
    for record in records:
        restored.take(record)
    return restored


# ── the form ────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("snapshots")


@pytest.mark.slow
@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(of=bounds, given_inputs=inputs, part=st.integers(0, 100), where=st.integers(0, 100))
def test_a_run_goes_on_from_a_snapshot_as_from_its_records(
    folder: Path, of: Settings, given_inputs: list[Put], part: int, where: int
) -> None:
    whole, restored = Restarting(folder / "whole.log", of), Restarting(folder / "restored.log", of)
    puts = [Put("up", "kraken", {}), Put("up", "paper", {}), *given_inputs]
    cut = len(puts) * part // 100
    for put in puts[:cut]:
        whole.put(put)
        restored.put(put)
    records = [*RecordFile(folder / "restored.log")]
    replayed, half = taken(records), len(records) * where // 100
    begun = Restored(ALL)
    begun.begin(unpacked(packed(taken(records[:half]).whole(ALL))))
    for record in records[half:]:
        begun.take(record)

    assert packed(begun.whole(ALL)) == packed(replayed.whole(ALL))
    assert facts(begun.book) == facts(replayed.book)
    assert begun.told == replayed.told

    whole.restart(replayed.book)
    restored.restart(begun.book)
    for put in puts[cut:]:
        whole.put(put)
        restored.put(put)

    assert restored.effects == whole.effects
    assert [*restored.memory] == [*whole.memory]
    assert facts(restored.book) == facts(whole.book)
    for run in (whole, restored):
        run.log.close()


def test_every_slot_of_what_a_book_is_made_of_is_kept() -> None:
    with pytest.raises(AssertionError, match=r"Book is kept otherwise: .*'links'"):
        snapshot_parts.checked(Book, {name: Any for name in Book.__slots__ if name != "links"})


def test_the_form_names_every_class_that_it_is_made_of() -> None:
    named: set[str] = set()

    def look(hint: object) -> None:
        for inner in getattr(hint, "__args__", ()):
            look(inner)
        if isinstance(hint, type) and issubclass(hint, msgspec.Struct) and hint.__name__ not in named:
            named.add(hint.__name__)
            for field in msgspec.structs.fields(hint):
                look(field.type)

    look(snapshot_form._WholeForm)

    assert named <= {one.__name__ for one in snapshot_form.FORMED}


# ── a folder ────────────────────────────────────────────────────────────────────────────────────────


def many(path: Path) -> list[Record]:
    """Records that leave something in nearly every slot."""
    history = {"kraken": Capabilities(history=True)}
    of = Settings(
        keep_finished=4,
        brokers=history,
        markets={f"xbtusd.{name}": a_market(name) for name in ("kraken", "paper")},
    )
    run = Restarting(path, of)
    puts = [Put("up", "kraken", {}), Put("up", "paper", {})]
    for number, plot in enumerate(PLOTS):
        for broker in ("kraken", "paper"):
            puts += story("main" if number % 2 else "other", f"{number}{broker}", broker, "2", plot)
    puts += [
        Put("grant", "eye", {"sees": ("main",)}),
        Put("position", "kraken", {"size": "9"}),
        Put("report", "kraken", {"which": 99, "by": "venue_id", "says": ORPHAN}),
        Put("report", "kraken", {"which": 99, "by": "venue_id", "says": BUST}),
        Put("time", "", {"seconds": 60}),
        Put("moved", "kraken", {"what": "transfer", "id": "t"}),
        Put("moved", "kraken", {"what": "split", "id": "s"}),
        Put("up", "kraken", {}),
        *story("main", "last", "paper", "2", ["live", "cancel", "early"]),
        *story("main", "held", "paper", "2", ["dark"]),
        Put("report", "paper", {"which": 99, "by": "venue_id", "says": {**ORPHAN, "exec_id": "x7"}}),
    ]
    for put in puts:
        run.put(put)
    run.log.close()
    return [*run.memory]


ORPHAN = {"name": "brokerd_fill", "exec_id": "x9", "size": "1", "price": "10"}
BUST = {"name": "brokerd_bust", "exec_id": "b9", "ref_id": "x8"}


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    """A journal that is open, with the snapshot of its first records, and some more."""
    log = Journal(tmp_path / "ems")
    for record in many(tmp_path / "many.log"):
        log.append(record)
    log.flush()
    yield log
    log.close()


def truth(journal: Journal, keep: int = KEEP) -> bytes:
    restored, last = Restored(keep), FIRST_PREV
    for record, digest in journal.after(0, FIRST_PREV):
        restored.take(record)
        last = digest
    return formed(restored, last, keep)


def verify(journal: Journal) -> Checker:
    checker = Checker(journal.path.parent)
    journal.check(checker.see)
    checker.finish()
    return checker


def test_a_snapshot_is_what_the_records_lead_to(journal: Journal) -> None:
    path = make(journal.path.parent, journal, KEEP, truth(journal))

    restored, last = fold(path.parent, journal, KEEP)

    assert restored.since == restored.book.seq == read(path).head.seq
    assert formed(restored, last, KEEP) == truth(journal) == path.read_bytes()
    assert verify(journal).checked == 1


def lies(value: object, path: Place = ()) -> Iterator[tuple[Place, object]]:
    """Every leaf of *value*, and something else in its place."""
    if isinstance(value, list | dict):
        for at, inner in enumerate(value) if isinstance(value, list) else value.items():
            yield from lies(inner, (*path, at))
    else:
        other = not value if isinstance(value, bool) else value + 1 if isinstance(value, int) else "1234"
        yield path, other


def with_lie(path: Path, where: tuple[int | str, ...], lie: object) -> bytes:
    """The snapshot with *lie* in it, and a first line that says that all is well."""
    line, _, content = path.read_bytes().partition(b"\n")
    whole = json.loads(content)
    inner: Any = whole
    for step in where[:-1]:
        inner = inner[step]
    inner[where[-1]] = lie
    text = msgspec.json.encode(whole)
    head = json.loads(line)
    bare = msgspec.json.encode({**head, "digest": ""})
    head["digest"] = snapshot_form.hash_of(bare[: bare.rindex(b'"digest"')] + text)
    return msgspec.json.encode(head) + b"\n" + text


@pytest.mark.no_cover
def test_a_lie_in_any_slot_is_caught(journal: Journal) -> None:
    path = make(journal.path.parent, journal, KEEP, truth(journal))
    sound, known, seen = path.read_bytes(), truth(journal), set[tuple[int | str, ...]]()
    for where, lie in lies(json.loads(sound.partition(b"\n")[2])):
        slot = tuple(step for at, step in enumerate(where) if at < 2 or at == len(where) - 1)
        if slot in seen:
            continue
        seen.add(slot)
        path.write_bytes(with_lie(path, where, lie))
        aside = len([*path.parent.glob("*.bad*")])
        with pytest.raises(LogDamaged, match=r"is not what records 1 to"):
            verify(journal)
        try:
            make(path.parent, journal, KEEP, known)
        except SnapshotUnproven:
            pass
        else:  # it was found out while it was read, set aside, and made anew
            assert len([*path.parent.glob("*.bad*")]) == aside + 1
            assert path.read_bytes() == sound
        path.write_bytes(sound)
    kept = {slot[1] for slot in seen if slot[0] == 0}
    empty = {at for at, value in enumerate(json.loads(sound.partition(b"\n")[2])[0]) if value in ([], {})}
    assert len(kept | empty) == len(snapshot_form._BOOK)
    assert {[*snapshot_form._BOOK][at] for at in empty} == set()


# ── what cannot be used ─────────────────────────────────────────────────────────────────────────────


def cut(path: Path, journal: Journal) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def without_content(path: Path, journal: Journal) -> None:
    path.write_bytes(path.read_bytes().partition(b"\n")[0])


def flipped(path: Path, journal: Journal) -> None:
    text = bytearray(path.read_bytes())
    text[-20] ^= 1
    path.write_bytes(text)


def empty(path: Path, journal: Journal) -> None:
    path.write_bytes(b"")


def renamed(path: Path, journal: Journal) -> None:
    path.rename(path.with_name("snapshot-000000000001"))


def says(**other: object) -> Callable[[Path, Journal], None]:
    def change(path: Path, journal: Journal) -> None:
        line, _, content = path.read_bytes().partition(b"\n")
        head = {**json.loads(line), **other}
        bare = msgspec.json.encode({**head, "digest": ""})
        head["digest"] = snapshot_form.hash_of(bare[: bare.rindex(b'"digest"')] + content)
        path.write_bytes(msgspec.json.encode(head) + b"\n" + content)

    return change


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (cut, "the hash does not match"),
        (flipped, "the hash does not match"),
        (without_content, "cut off"),
        (empty, "its first line"),
        (renamed, "another's name"),
        (says(v=2), "its first line"),
        (says(form="0"), "may fold otherwise"),
        (says(made_by="0"), "may fold otherwise"),
        (says(keep=KEEP - 1), "are wanted"),
        (says(generation="other"), "another book than its first line says"),
        (says(generation="other", hash="00"), "is not the one in this folder"),
        (says(hash="00"), "other records"),
    ],
)
def test_what_cannot_be_used_is_set_aside_and_all_records_are_folded(
    journal: Journal, capsys: pytest.CaptureFixture[str], spoil: Callable[[Path, Journal], None], why: str
) -> None:
    path = make(journal.path.parent, journal, KEEP, truth(journal))
    spoil(path, journal)

    restored, last = fold(path.parent, journal, KEEP)

    assert restored.since == 0
    assert formed(restored, last, KEEP) == truth(journal)
    assert snapshots_in(path.parent) == []
    assert len([*path.parent.glob("snapshot-*.bad")]) == 1
    assert "snapshot not used" in (said := capsys.readouterr().err)
    assert why in said


def test_a_snapshot_that_is_taken_away_meanwhile_is_not_missed(journal: Journal) -> None:
    """As beside a running EMS, when it has just made a newer one."""
    path = make(journal.path.parent, journal, KEEP, truth(journal))
    gone = path.with_name("snapshot-999999999999")
    gone.symlink_to("nowhere")

    assert fold(path.parent, journal, KEEP)[0].since == read(path).head.seq
    assert verify(journal).checked == 1
    assert gone.is_symlink()


def test_a_snapshot_of_later_records_than_there_are_shows_that_the_newest_are_lost(
    journal: Journal, tmp_path: Path
) -> None:
    path = make(journal.path.parent, journal, KEEP, truth(journal))
    short = Journal(tmp_path / "short")
    for record in [*journal][:-1]:
        short.append(record)
    short.flush()
    path.rename(tmp_path / "short" / path.name)

    with pytest.raises(LogDamaged, match="its newest are lost"):
        fold(tmp_path / "short", short, KEEP)
    checker = Checker(tmp_path / "short")
    short.check(checker.see)
    with pytest.raises(LogDamaged, match="the journal ends before"):
        checker.finish()
    short.close()


def test_a_snapshot_that_a_fold_of_its_own_does_not_come_to_is_not_written(journal: Journal) -> None:
    book = Restored()
    with pytest.raises(SnapshotUnproven, match="compared with the book that was alive"):
        make(journal.path.parent, journal, KEEP, book.book)
    with pytest.raises(SnapshotUnproven, match="compared with another fold of the records"):
        make(journal.path.parent, journal, KEEP, b"")
    assert snapshots_in(journal.path.parent) == []


def test_a_damaged_snapshot_is_told_by_verify_and_one_of_another_version_is_left_out(
    journal: Journal,
) -> None:
    path = make(journal.path.parent, journal, KEEP, truth(journal))
    sound = path.read_bytes()
    flipped(path, journal)
    with pytest.raises(LogDamaged, match="the records do not need it"):
        Checker(path.parent)
    path.write_bytes(sound)
    says(made_by="0")(path, journal)

    checker = verify(journal)

    assert checker.checked == 0
    assert "fsm_ems 0 made it" in checker.unread[0]


# ── a running EMS ───────────────────────────────────────────────────────────────────────────────────


async def test_an_ems_that_is_closed_leaves_a_snapshot_and_the_next_begins_with_it(tmp_path: Path) -> None:
    for _ in range(4):
        async with open_ems(ScriptedBroker(), settings=SETTINGS, path=tmp_path):
            pass
    reader = JournalReader(tmp_path)
    assert len(snapshots_in(tmp_path)) == 2
    checker = Checker(tmp_path)
    reader.check(checker.see)
    assert checker.checked == 2

    with apsw.Connection(str(tmp_path / FILE)) as connection:  # it would not be seen by folding the rest
        connection.execute("UPDATE records SET body = body || ' ' WHERE seq = 2")
    connection.close()
    async with open_ems(
        ScriptedBroker(), settings=Settings(snapshot_every=0, keep_events=KEEP), path=tmp_path
    ):
        pass
    with pytest.raises(LogDamaged, match="altered"):
        reader.check()


async def test_a_disk_that_takes_no_snapshot_stops_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(1, 30):
        (tmp_path / f".snapshot-{number:012}.new").mkdir()
    async with open_ems(ScriptedBroker(), settings=SETTINGS, path=tmp_path):
        pass
    assert "snapshot not written" in capsys.readouterr().err
    assert snapshots_in(tmp_path) == []


def test_the_cost_of_a_position_is_that_of_its_very_size_where_it_was(journal: Journal) -> None:
    known = fold(journal.path.parent, journal, 0)[0]
    again = unpacked(packed(known.whole(0))).book
    compared = [
        (one._fold.per is one._fold.size, twin._fold.per is twin._fold.size)
        for account, held in known.book.positions.items()
        for one, twin in zip(held.values(), again.positions[account].values(), strict=True)
    ]
    assert (True, True) in compared
    assert all(was is now for was, now in compared)
