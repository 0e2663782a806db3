"""The power is cut everywhere, and nothing promised is lost; a sync that is dropped shows."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Sequence
from pathlib import Path

import pytest

from fsm_ems.promises import Due, Promises
from fsm_ems.testing import crash_points
from fsm_ems.testing.crash_check import EMPTY, Places, Trial, first_broken
from fsm_ems.testing.crash_disk import Disk, Image
from fsm_ems.testing.crash_scene import Scene
from fsm_ems.testing.crash_tape import Digest, Found, Ledger, Promised, Taken, Tape
from fsm_ems.testing.crash_watch import Call, Watch, kind_of, watching

FILES = ("record file", "record file killed and opened", "paper venue", "paper venue killed and opened")


@pytest.mark.slow
def test_no_cut_loses_what_a_file_promised_and_every_sync_of_it_is_needed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    only = [argument for name in FILES for argument in ("--only", name)]

    assert crash_points.main([*only, "--workers", "1"]) == 0

    told = capsys.readouterr().out
    assert "100 % of the points hold" in told
    assert "10 kinds of sync, each dropped in turn" in told
    assert "NOT NOTICED" not in told


@pytest.mark.slow
@pytest.mark.no_cover
@pytest.mark.parametrize(("name", "every"), [("created", 23), ("killed and opened", 60), ("positions", 80)])
def test_no_cut_loses_what_a_journal_promised(name: str, every: int) -> None:
    tried = crash_points.tried(name, every=every)

    assert tried.broken == []
    assert tried.counts.inner_images > tried.counts.images > 0


@pytest.mark.slow
def test_what_each_scenario_promised_is_there_at_its_end() -> None:
    """All of them, stopped at the beginning and at the end alone; `make crashes` stops everywhere."""
    with Places() as places:
        for scene in crash_points.scenes():
            trial = Trial(scene, places)
            assert [*trial.run(quick=True, inner=False, every=len(trial.entries))] == [], scene.name
            assert trial.counts.points == 2


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("sync of journal.sqlite-wal by Writer._commit", "main line"),
        ("sync folder of the folder by Journal.__init__", "main line"),
        ("sync of .pps.toml.new by _fill", "positions"),
        ("sync folder of ems by replace_text", "positions"),
    ],
)
def test_a_sync_that_is_dropped_is_noticed(kind: str, name: str) -> None:
    assert crash_points.dropped((kind, [name])).broken is not None


def test_what_leaves_before_it_is_durable_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """A planted bug: the promises of the EMS wait for nothing."""

    def hold(self: Promises, seq: int, due: Sequence[Due]) -> None:
        self._release(due)

    monkeypatch.setattr(Promises, "hold", hold)
    with Places() as places:
        scene = next(scene for scene in crash_points.scenes() if scene.name == "main line")
        broken = first_broken(Trial(scene, places).run(quick=True, inner=False))

    assert broken is not None
    assert re.search(r"that were promised: (g1-\d+ was sent|main was told pending)", broken.problem)


def test_the_scenarios_are_many_and_each_has_a_name_of_its_own() -> None:
    names = [scene.name for scene in crash_points.scenes()]

    assert len(names) == len(set(names)) >= 25


def test_a_scenario_that_nobody_knows_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert crash_points.main(["--only", "nothing"]) == 2
    assert "no scenario is called nothing; there are: record file" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        crash_points.main(["--every", "0"])


# A program that loses, to be caught.


class Careless:
    """It writes one file after the other, and promises each without a sync."""

    name = "careless"
    series: Sequence[tuple[str, Digest]] = (("files", "0"),)

    def __init__(self, *, recovers: bool = True) -> None:
        self._recovers = recovers

    def play(self, folder: Path, tape: Tape) -> None:
        for number in (1, 2):
            tape.taken("files", number, str(number))
            (folder / f"{number}.txt").write_text("kept")
            tape.promised("files", number, "it was written")

    def recover(self, folder: Path) -> Found:
        assert self._recovers, "it cannot be read"
        number = len([*folder.iterdir()])
        return {"files": (number, str(number))}


def test_what_was_promised_without_a_sync_is_found_lost() -> None:
    scene: Scene = Careless()
    with Places() as places:
        broken = first_broken(Trial(scene, places).run(inner=False))

    assert broken is not None
    assert "0 files are left of 1 that were promised: it was written" in str(broken)


def test_a_recovery_that_fails_is_told() -> None:
    with Places() as places:
        broken = first_broken(Trial(Careless(recovers=False), places).run())

    assert broken is not None
    assert broken.problem.startswith("recovery fails: AssertionError: it cannot be read")


class Forgetful(Careless):
    """Its recovery takes a file away, so that a second one finds another number."""

    def recover(self, folder: Path) -> Found:
        found = super().recover(folder)
        for path in [*folder.iterdir()][:1]:
            path.unlink()
        return found

    def play(self, folder: Path, tape: Tape) -> None:
        tape.taken("files", 1, "1")
        (folder / "1.txt").write_text("kept")


def test_a_recovery_that_does_not_repeat_itself_is_told() -> None:
    with Places() as places:
        broken = first_broken(Trial(Forgetful(), places).run())

    assert broken is not None
    assert "stopped in recovery before its end: {'files': (0, '0')}, and not" in broken.problem


def test_a_broken_scenario_is_told_with_the_stop(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(crash_points, "scenes", lambda: [Careless()])

    assert crash_points.main(["--workers", "1", "--no-syncs"]) == 1

    told = capsys.readouterr().out
    assert re.search(r"BROKEN careless, stop \d+, before", told)
    assert "3 points are broken" in told


class Careful(Careless):
    """It syncs twice what needs it once."""

    name = "careful"

    def play(self, folder: Path, tape: Tape) -> None:
        tape.taken("files", 1, "1")
        file = os.open(folder / "1.txt", os.O_WRONLY | os.O_CREAT)
        os.close(file)
        for _ in range(2):
            directory = os.open(folder, os.O_RDONLY)
            os.fsync(directory)
            os.close(directory)
        with (folder / "1.txt").open("wb") as again:
            os.fsync(again.fileno())
        tape.promised("files", 1, "it was synced")


def test_a_sync_that_nothing_needs_is_told(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(crash_points, "scenes", lambda: [Careful()])

    assert crash_points.main(["--workers", "1"]) == 1

    told = capsys.readouterr().out
    assert "sync of *.txt by somebody\n    NOT NOTICED in 1 scenarios" in told
    assert "sync folder of the folder by somebody\n    careful, stop" in told


# The pieces.


def a_write(content: bytes, offset: int = 0, path: str = "a") -> Call:
    return Call("write", path, "me", offset, content)


def texts(disk: Disk) -> set[bytes | None]:
    return {image.files.get("a") for image in disk.images()}


def test_what_was_synced_is_in_every_image_and_the_rest_in_some() -> None:
    disk = Disk(EMPTY)
    for call in (Call("create", "a", "me"), a_write(b"one"), Call("sync", "a", "me")):
        disk.take(call)
    assert texts(disk) == {None, b"one"}

    disk.take(Call("sync folder", "", "me"))
    assert texts(disk) == {b"one"}

    disk.take(a_write(b"two", 3))
    assert texts(disk) >= {b"one", b"onetwo", b"onet", b"one\0\0\0", b"onet\xa5\xa5"}
    assert disk.lost().files == {"a": b"one"}
    assert disk.kept().files == {"a": b"onetwo"}


def test_changes_reach_the_disk_in_any_order() -> None:
    disk = Disk(Image({"a": b"....", "b": b""}, frozenset()))
    for place in range(4):
        disk.take(a_write(b"x", place))
    assert len(texts(disk)) == 16 + 1  # and the last overwritten by something else

    for place in range(4, 20):
        disk.take(a_write(b"x", place))
    found = texts(disk)
    assert {b"x" * 20, b"....", b"x" * 9, b"." + b"x" * 19} <= {text for text in found if text is not None}
    assert len({image.key() for image in disk.few()}) == 4


def test_names_are_old_or_new_until_their_folder_is_synced() -> None:
    disk = Disk(Image({"a": b"old"}, frozenset()))
    for call in (
        Call("create", "b", "me"), a_write(b"new", path="b"), Call("sync", "b", "me"),
        Call("rename", "b", "me", to="a"),
    ):  # fmt: skip
        disk.take(call)
    assert texts(disk) == {b"old", b"new"}

    disk.take(Call("sync folder", "", "me"))
    assert [image.files for image in disk.images()] == [{"a": b"new"}]

    disk.take(Call("remove", "a", "me"))
    assert {tuple(image.files) for image in disk.images()} == {("a",), ()}


def test_a_file_is_lost_with_its_folder() -> None:
    disk = Disk(EMPTY)
    for call in (
        Call("make folder", "f", "me"), Call("create", "f/a", "me"), a_write(b"x", path="f/a"),
        Call("sync", "f/a", "me"), Call("sync folder", "f", "me"),
    ):  # fmt: skip
        disk.take(call)
    assert {tuple(image.files) for image in disk.images()} == {(), ("f/a",)}

    disk.take(Call("sync folder", "", "me"))
    assert {tuple(image.files) for image in disk.images()} == {("f/a",)}


class Heard:
    """Notes calls, and fails one."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.fails = ""

    def before(self, call: Call) -> None:
        if call.what == self.fails:
            raise OSError(errno.EIO, "as was asked for")
        self.calls.append(call)

    def after(self, call: Call) -> None:
        assert self.calls[-1] == call


def test_every_way_of_writing_a_file_is_seen(tmp_path: Path) -> None:
    heard, path, elsewhere = Heard(), tmp_path / "in" / "a1", tmp_path / "out"
    (tmp_path / "in").mkdir()
    with watching(Watch(tmp_path / "in", heard, real_syncs=True)):
        path.write_text("one\n")
        with path.open("ab") as file:
            file.write(b"two")
        with path.open("r+b", buffering=0) as file:
            file.truncate(2)
            file.seek(1)
            file.write(b"!")
        (tmp_path / "in" / "deep").mkdir()
        moved = path.rename(tmp_path / "in" / "deep" / "b")
        number = os.open(moved, os.O_RDWR | os.O_TRUNC)
        os.write(number, b"three")
        os.lseek(number, 1, os.SEEK_SET)
        os.write(number, b"H")
        os.ftruncate(number, 4)
        os.fdatasync(number)
        with open(number, "wb", closefd=False) as file:
            file.write(b"!")
        os.close(number)
        os.remove(moved)  # noqa: PTH107 -- as others may
        elsewhere.write_text("unseen")
        number = os.open(elsewhere, os.O_RDWR)
        os.write(number, b"unseen")
        os.ftruncate(number, 3)
        os.fsync(number)
        os.close(number)
        elsewhere.rename(tmp_path / "gone").unlink()

    assert [(call.what, call.path, call.offset, call.content, call.to) for call in heard.calls] == [
        ("create", "a1", 0, b"", ""),
        ("write", "a1", 0, b"one\n", ""),
        ("write", "a1", 4, b"two", ""),
        ("truncate", "a1", 2, b"", ""),
        ("write", "a1", 1, b"!", ""),
        ("make folder", "deep", 0, b"", ""),
        ("rename", "a1", 0, b"", "deep/b"),
        ("truncate", "deep/b", 0, b"", ""),
        ("write", "deep/b", 0, b"three", ""),
        ("write", "deep/b", 1, b"H", ""),
        ("truncate", "deep/b", 4, b"", ""),
        ("sync", "deep/b", 0, b"", ""),
        ("write", "deep/b", 2, b"!", ""),
        ("remove", "deep/b", 0, b"", ""),
    ]
    assert {call.by for call in heard.calls} == {"somebody"}
    assert kind_of("ledger/main/2026-01-01.toml") == "*.toml"


def test_a_process_that_has_died_does_nothing_and_promises_nothing() -> None:
    tape = Tape()
    tape.die_after(1)
    tape.before(a_write(b"x"))
    with pytest.raises(OSError, match="has died"):
        tape.before(a_write(b"y"))
    tape.promised("files", 1, "nobody hears it")
    assert tape.is_dead
    tape.live_again()
    tape.before(Call("write", "a.lock", "me"))
    tape.promised("files", 0, "heard")

    assert tape.entries == [a_write(b"x"), Promised("files", 0, "heard")]


def test_what_another_life_took_in_is_no_beginning() -> None:
    ledger = Ledger([("files", "0")])
    for entry in (Taken("files", 1, "1"), Taken("files", 0, "0", anew=True), Taken("files", 1, "other")):
        ledger.take(entry)

    assert ledger.problem({"files": (1, "other")}) is None
    assert (
        ledger.problem({"files": (1, "1")}) == "1 files are there, and are not the first that were taken in"
    )
