"""The venue's file: facts come back, whole steps only, one venue at a time, and no line is taken on trust."""

import errno
import os
import stat
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fsm_ems.brokers.paper.backend_file import LOCK, LOG, VenueFile
from fsm_ems.brokers.paper.engine_facts import (
    Accepted,
    EditRefused,
    Ended,
    Executed,
    Fact,
    Rejected,
    Replaced,
    Rested,
    Terms,
)
from fsm_ems.errors import InvalidMessage, LogDamaged, LogHalted, LogInUse
from fsm_ems.journal.file import FileLog
from fsm_ems.journal.lines import FileEnd, framed, unframed
from fsm_ems.messages import Liquidity, Side
from fsm_ems.testing.records import decimals, names, reqids, texts, times

ONE = Decimal(1)
TERMS = Terms("a", "main", "xy.paper", "buy", ONE, Decimal("1E+2"), "limit", "gtc", None, post_only=False)
FIRST: list[Fact] = [Accepted(1, "P1", TERMS), Rested(1, "P1", 1)]
SECOND: list[Fact] = [Executed(2, "P1", "X1", ONE, Decimal(100), Decimal("-0.10"), "y", "maker")]
_sides: st.SearchStrategy[Side] = st.sampled_from(("buy", "sell"))
_liquidities: st.SearchStrategy[Liquidity] = st.sampled_from(("maker", "taker"))
_terms = st.builds(
    Terms,
    reqids,
    names,
    names,
    _sides,
    decimals,
    st.none() | decimals,
    st.sampled_from(("limit", "market")),
    st.sampled_from(("gtc", "gtd", "ioc", "fok")),
    st.none() | times,
    post_only=st.booleans(),
)
FACTS = st.one_of(
    st.builds(Rejected, times, _terms, texts),
    st.builds(Accepted, times, names, _terms),
    st.builds(Rested, times, names, st.integers(1, 2**63 - 1)),
    st.builds(Executed, times, names, names, decimals, decimals, decimals, names, _liquidities),
    st.builds(Replaced, times, names, reqids, decimals, decimals, st.booleans()),
    st.builds(EditRefused, times, names, reqids, texts),
    st.builds(Ended, times, names, st.sampled_from(("cancelled", "expired")), texts),
)


def kept(folder: Path, *turns: Sequence[Fact], prefix: str | None = "a-") -> bytes:
    """A file of these turns, and what is in it."""
    file = VenueFile(folder, "paper", prefix)
    for turn in turns:
        file.keep(turn)
    file.close()
    return (folder / LOG).read_bytes()


def read(folder: Path) -> list[Fact]:
    file = VenueFile(folder, "paper", None)
    facts = list(file)
    file.close()
    return facts


# What was written comes back.


def test_facts_come_back_and_more_can_be_added(tmp_path: Path) -> None:
    kept(tmp_path / "new" / "venue", FIRST)
    kept(tmp_path / "new" / "venue", SECOND)

    assert read(tmp_path / "new" / "venue") == FIRST + SECOND


@given(turn=st.lists(FACTS, min_size=1, max_size=4))
def test_any_fact_comes_back_to_the_last_digit(turn: list[Fact]) -> None:
    with TemporaryDirectory() as folder:
        text = kept(Path(folder), turn)

        assert text.count(b"\n") == 2
        assert repr(read(Path(folder))) == repr(turn), "equal numbers may have other digits"


def test_a_step_without_facts_writes_nothing(tmp_path: Path) -> None:
    assert kept(tmp_path, [], []).count(b"\n") == 1


def test_lines_can_be_read_by_people_too(tmp_path: Path) -> None:
    head, turn = kept(tmp_path, SECOND).splitlines(keepends=True)

    assert unframed(head) == b'{"venue":1,"seq":1,"name":"paper","prefix":"a-"}'
    assert unframed(turn) == (
        b'{"venue":1,"seq":2,"facts":[{"kind":"Executed","time_ns":2,"venue_id":"P1","exec_id":"X1","size":"1",'
        b'"price":"100","fee":"-0.10","fee_asset":"y","liquidity":"maker"}]}'
    )


def test_the_files_are_for_their_owner_alone(tmp_path: Path) -> None:
    kept(tmp_path)

    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert modes == {LOG: 0o600, LOCK: 0o600}


# Whose file it is.


def test_the_prefix_of_the_ids_is_drawn_once_and_kept(tmp_path: Path) -> None:
    prefixes: list[str] = []
    for folder in ("one", "one", "two"):
        file = VenueFile(tmp_path / folder, "paper", None)
        prefixes.append(file.prefix)
        file.close()

    assert prefixes[0] == prefixes[1] != prefixes[2]
    assert len(prefixes[0]) == 9


def test_another_prefix_or_another_venue_is_refused(tmp_path: Path) -> None:
    before = kept(tmp_path, FIRST)

    with pytest.raises(InvalidMessage, match=r"path: .* is the journal of paper, not of kraken"):
        VenueFile(tmp_path, "kraken", None)
    with pytest.raises(InvalidMessage, match=r"prefix: the ids in .* begin with 'a-', not 'b-'"):
        VenueFile(tmp_path, "paper", "b-")

    assert kept(tmp_path, prefix="a-") == before, "nothing was changed, and nobody holds it"


def test_a_second_venue_is_refused_until_the_first_lets_go(tmp_path: Path) -> None:
    file = VenueFile(tmp_path, "paper", None)
    with pytest.raises(LogInUse, match=f"{tmp_path} is in use by process {os.getpid()} on "):
        VenueFile(tmp_path, "paper", None)

    file.keep(FIRST)
    file.close()
    file.close()

    assert read(tmp_path) == FIRST
    with pytest.raises(LogHalted, match="is closed"):
        file.keep(SECOND)
    with pytest.raises(LogHalted, match="is closed"):
        file.check_open()


def test_a_place_that_cannot_be_a_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    for folder in ("file", "file/venue", "x" * 300, f"new/{'x' * 300}"):
        with pytest.raises(InvalidMessage, match=r"^path=.*: (.* is a file, .*|File name too long)$"):
            VenueFile(tmp_path / folder, "paper", None)

    assert [one.name for one in tmp_path.iterdir()] == ["file"], "nothing was made on the way"


# Torn and damaged.


def test_wherever_the_last_line_is_torn_its_whole_step_is_gone(tmp_path: Path) -> None:
    sound = kept(tmp_path, SECOND)
    whole = kept(tmp_path, FIRST)
    for left in range(1, len(whole) - len(sound)):
        (tmp_path / LOG).write_bytes(whole[: len(sound) + left])

        file = VenueFile(tmp_path, "paper", None)

        assert file.cut == f"{tmp_path / LOG}: line 3 was torn; its {left} bytes were cut off"
        assert list(file) == SECOND
        file.keep(FIRST)
        file.close()
        assert (tmp_path / LOG).read_bytes() == whole


def test_a_file_without_its_first_line_was_cut_off_and_is_no_new_venue(tmp_path: Path) -> None:
    """The file is put in place with that line, so that no power cut leaves one without it."""
    shortest = VenueFile(tmp_path / "shortest", "p", "")
    shortest.close()
    whole = kept(tmp_path)
    for left in range((tmp_path / "shortest" / LOG).stat().st_size - 1):
        (tmp_path / LOG).write_bytes(whole[:left])

        with pytest.raises(LogDamaged, match=r"line 1: it is not there, .*: it was cut off .*begin anew"):
            VenueFile(tmp_path, "paper", "a-")

        assert (tmp_path / LOG).read_bytes() == whole[:left]


@pytest.mark.parametrize("zeros", [slice(0, 9), slice(20, 40), slice(-1, None), slice(0, None)])
def test_a_first_line_that_was_torn_in_its_place_is_written_anew(tmp_path: Path, zeros: slice) -> None:
    """Each opening writes the last line once more."""
    whole = kept(tmp_path)
    torn = bytearray(whole)
    torn[zeros] = bytes(len(whole[zeros]))
    (tmp_path / LOG).write_bytes(torn)

    assert kept(tmp_path, prefix="a-") == whole


def test_a_venue_that_was_killed_while_it_began_begins_anew(tmp_path: Path) -> None:
    """What it has left is beside the file, whole or not."""
    whole = kept(tmp_path / "whole")
    for left in (0, 5, len(whole)):
        folder = tmp_path / f"{left}"
        folder.mkdir()
        (folder / f".new-{LOG}").write_bytes(whole[:left])

        assert kept(folder, FIRST).startswith(whole)
        assert {path.name for path in folder.iterdir()} == {LOG, LOCK}


def test_a_venue_that_cannot_begin_is_told_and_nobody_holds_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as full:
        full.setattr(os, "write", lambda file, content: len(content) - 1)
        with pytest.raises(LogHalted, match=rf"{LOG} cannot be made: .* does not take its first line"):
            VenueFile(tmp_path, "paper", None)

    assert not (tmp_path / LOG).exists()
    kept(tmp_path, FIRST)
    assert read(tmp_path) == FIRST


def test_damage_is_refused_and_nothing_is_changed(tmp_path: Path) -> None:
    head, first, second = kept(tmp_path, FIRST, SECOND).splitlines(keepends=True)
    for lines, number, problem in (
        ([head, first.replace(b"buy", b"bye"), second], 2, "the checksum does not match"),
        ([head, second], 2, "turn 2 belongs here, and this is turn 3"),
        ([first, second], 1, "turn 1 belongs here, and this is turn 2"),
        ([b"my only note"], 1, "this is no turn: a paper venue's journal begins otherwise"),
        ([framed(b'{"v":1,"seq":1,"time_ns":0}')], 1, "this is no turn"),
        ([framed(b'{"venue":2,"seq":1,"name":"paper"}')], 1, "version 2 is not known"),
        ([framed(b'{"venue":1,"seq":1,"name":"paper"}')], 1, "missing required field `prefix`"),
    ):
        (tmp_path / LOG).write_bytes(b"".join(lines))
        for _ in range(2):  # and nobody holds it afterwards
            with pytest.raises(LogDamaged, match="keep a copy") as caught:
                VenueFile(tmp_path, "paper", None)
            assert caught.value.line == number
            assert problem in caught.value.problem
        assert (tmp_path / LOG).read_bytes() == b"".join(lines)


@pytest.mark.parametrize(
    ("old", "new"), [(b'"maker"', b'"baker"'), (b'"Executed"', b'"Excused"'), (b'"size"', b'"sigh"')]
)
def test_a_line_that_is_whole_and_means_nothing_is_refused_when_read(
    tmp_path: Path, old: bytes, new: bytes
) -> None:
    head, second = kept(tmp_path, SECOND).splitlines(keepends=True)
    text = unframed(second)
    assert text is not None
    (tmp_path / LOG).write_bytes(head + framed(text.replace(old, new)))
    file = VenueFile(tmp_path, "paper", None)

    with pytest.raises(LogDamaged, match="line 2: "):
        list(file)
    file.close()


def test_a_record_log_is_no_venue_and_a_venue_is_no_record_log(tmp_path: Path) -> None:
    kept(tmp_path, FIRST)

    with pytest.raises(LogDamaged, match="this is no record"):
        FileLog(tmp_path / LOG)


# Faults of the disk.


class Disk(FileEnd):
    """The end of a file on a disk that can be told to fail."""

    fails = False
    calls: list[str]

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.calls = []

    def write(self, line: bytes) -> int:
        self.calls.append("write")
        return super().write(line)

    def sync(self) -> None:
        self.calls.append("sync")
        if self.fails:
            raise OSError(errno.EIO, "I/O error")
        super().sync()


@pytest.mark.parametrize(("sync", "calls"), [(True, ["sync", "write", "sync"]), (False, ["write"])])
def test_every_step_waits_for_the_disk_unless_told_otherwise(
    tmp_path: Path, calls: list[str], *, sync: bool
) -> None:
    kept(tmp_path)
    disk = Disk(tmp_path / LOG)
    file = VenueFile(tmp_path, "paper", None, sync=sync, opened=lambda _: disk)
    file.keep(FIRST)
    file.close()

    assert disk.calls == calls


def test_after_a_failed_sync_nothing_is_taken_any_more(tmp_path: Path) -> None:
    kept(tmp_path)
    disk = Disk(tmp_path / LOG)
    file = VenueFile(tmp_path, "paper", None, opened=lambda _: disk)
    disk.fails = True
    with pytest.raises(LogHalted, match=r"turn 2 could not be written: .*I/O error"):
        file.keep(FIRST)
    disk.fails = False

    with pytest.raises(LogHalted, match="turn 2 could not be written"):
        file.keep([])
    file.close()


def test_a_close_that_fails_lets_go_all_the_same(tmp_path: Path) -> None:
    kept(tmp_path)
    disk = Disk(tmp_path / LOG)
    file = VenueFile(tmp_path, "paper", None, opened=lambda _: disk)
    disk.close()

    with pytest.raises(LogHalted, match="could not be closed"):
        file.close()

    assert read(tmp_path) == []
