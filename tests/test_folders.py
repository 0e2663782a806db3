"""A folder that was made is there after a power cut."""

import errno
import os
from pathlib import Path

import pytest

from fsm_ems.folders import make_folder
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
