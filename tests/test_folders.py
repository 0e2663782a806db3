"""A folder that was made is there after a power cut."""

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


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is hidden from root")
def test_a_folder_above_that_may_not_be_read_is_somebody_elses(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    tmp_path.chmod(0o300)
    try:
        make_folder(tmp_path / "a")
    finally:
        tmp_path.chmod(0o700)
