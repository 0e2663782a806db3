"""A folder that was made is there after a power cut."""

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from fsm_ems.errors import InvalidMessage, LogHalted
from fsm_ems.folders import as_path, check_file, check_folder, make_folder, making
from fsm_ems.testing.crash_watch import Call, Watch, watching


class Seen:
    def __init__(self) -> None:
        self.calls: list[tuple[str, str]] = []

    def before(self, call: Call) -> None:
        self.calls.append((call.what, call.path))

    def after(self, call: Call) -> None: ...


def test_each_folder_that_is_made_is_synced_in_the_one_above(tmp_path: Path) -> None:
    seen = Seen()
    with watching(Watch(tmp_path, seen, real_syncs=True)):
        make_folder(tmp_path / "a" / "b", 0o700)

    assert seen.calls == [
        ("make folder", "a"),
        ("sync folder", ""),
        ("make folder", "a/b"),
        ("sync folder", "a"),
    ]
    assert (tmp_path / "a" / "b").stat().st_mode & 0o777 == 0o700


def test_the_name_of_one_that_is_there_is_synced_as_well(tmp_path: Path) -> None:
    """Whoever made it may have been killed before."""
    (tmp_path / "a").mkdir()
    seen = Seen()
    with watching(Watch(tmp_path, seen, real_syncs=True)):
        make_folder(tmp_path / "a")

    assert seen.calls == [("sync folder", "")]


def test_a_folder_above_that_may_not_be_read_is_somebody_elses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The system refuses whoever runs this: nothing is hidden from root. What the disk says, counts."""
    (tmp_path / "a").mkdir()
    refused: list[int] = []

    def refuse(code: int) -> None:
        def opened(path: Path, flags: int) -> int:
            assert path == tmp_path
            refused.append(code)
            raise OSError(code, os.strerror(code))

        monkeypatch.setattr(os, "open", opened)

    refuse(errno.EACCES)
    make_folder(tmp_path / "a")
    refuse(errno.EIO)
    with pytest.raises(OSError, match=os.strerror(errno.EIO)):
        make_folder(tmp_path / "a")

    assert refused == [errno.EACCES, errno.EIO]


def test_a_folder_that_may_not_be_written_to_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The system says so to whoever runs this, but to root."""
    asked: list[tuple[Path, int]] = []

    def access(path: Path, mode: int) -> bool:
        asked.append((path, mode))
        return False

    monkeypatch.setattr(os, "access", access)
    with pytest.raises(InvalidMessage, match=f"^path={tmp_path}/a/b: {tmp_path} may not be written to$"):
        check_folder("path", tmp_path / "a" / "b")

    assert asked == [(tmp_path, os.W_OK | os.X_OK)]


def test_a_file_that_is_there_may_be_added_to_in_a_folder_that_may_not_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setattr(os, "access", lambda *_: False)
    check_file("path", tmp_path / "file")

    with pytest.raises(InvalidMessage, match="may not be written to"):
        check_file("path", tmp_path / "new")


@pytest.mark.parametrize("check", [check_folder, check_file])
def test_a_disk_that_fails_is_no_fault_of_the_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, check: Callable[[str, Path], None]
) -> None:
    def dead(_: Path) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(Path, "lstat", dead)
    with pytest.raises(LogHalted, match=r"cannot be opened: .*Input/output error"):
        check("path", tmp_path / "a")


def test_what_only_the_making_shows_of_a_path_is_told_as_its_giver_s_fault(tmp_path: Path) -> None:
    denied = r"^path=.*a: it cannot be made: Permission denied$"
    with pytest.raises(InvalidMessage, match=denied), making("path", tmp_path / "a"):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    with pytest.raises(OSError, match="No space left"), making("path", tmp_path / "a"):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


class Named:
    """What has a path, as some libraries' files do."""

    def __init__(self, path: str | bytes) -> None:
        self.path = path

    def __fspath__(self) -> str | bytes:
        return self.path


@pytest.mark.parametrize("given", ["a/b", Path("a/b"), Named("a/b")])
def test_a_path_is_text_or_what_has_one(given: object) -> None:
    assert as_path("path", given) == Path("a/b")


@pytest.mark.parametrize("given", [5, None, True, b"a", Named(b"a"), [], "", "a\0b", Path])
def test_what_is_no_path_is_told_by_the_name_it_was_given_under(given: object) -> None:
    with pytest.raises(
        InvalidMessage, match=r"accounts: a path is needed, as text or a Path, and .* is none"
    ):
        as_path("accounts", given)
