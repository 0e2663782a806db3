"""A file is replaced whole or not at all, wherever it stops: on a real disk, and on one that forgets."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fsm_ems.accounting.atomic_file import Disk, SetAside, replace_text, set_aside

STEPS = ("create", "write", "sync", "close", "rename", "sync_folder")


class Stopping(Disk):
    """A real disk whose step of the name *step* raises *error*, before or after it was done."""

    def __init__(self, step: str, error: BaseException, *, after: bool) -> None:
        self.step = step
        self.error = error
        self.after = after

    def _do(self, step: str, work: Callable[[], int | None]) -> int:
        if step == self.step and not self.after:
            raise self.error
        done = work()
        if step == self.step:
            raise self.error
        return done or 0

    def create(self, path: Path) -> int:
        return self._do("create", lambda: Disk.create(self, path))

    def write(self, file: int, content: bytes) -> int:
        half = content[: len(content) // 2 + 1]
        return self._do("write", lambda: Disk.write(self, file, half))

    def sync(self, file: int) -> None:
        self._do("sync", lambda: Disk.sync(self, file))

    def close(self, file: int) -> None:
        self._do("close", lambda: Disk.close(self, file))

    def rename(self, old: Path, new: Path) -> None:
        self._do("rename", lambda: Disk.rename(self, old, new))

    def sync_folder(self, folder: Path) -> None:
        self._do("sync_folder", lambda: Disk.sync_folder(self, folder))


class Killed(BaseException):
    """The program ends here."""


@pytest.mark.parametrize("before", [None, "old\n"])
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), Killed()])
@pytest.mark.parametrize("step", STEPS)
def test_a_failure_at_any_step_leaves_a_whole_file(
    tmp_path: Path, step: str, error: BaseException, when: str, before: str | None
) -> None:
    path, after = tmp_path / "pps.toml", when == "after"
    if before is not None:
        path.write_text(before)

    with pytest.raises(type(error)):
        replace_text(path, "new, and longer\n", Stopping(step, error, after=after))

    found = path.read_text() if path.exists() else None
    renamed = step == "sync_folder" or (step == "rename" and after)
    assert found == ("new, and longer\n" if renamed else before)
    replace_text(path, "next\n")  # and nothing of it is in the way of the next
    assert [(entry.name, entry.read_text()) for entry in tmp_path.iterdir()] == [("pps.toml", "next\n")]


def test_a_disk_that_takes_a_little_at_a_time_gets_all_of_it(tmp_path: Path) -> None:
    text = "".join(f"{number}\n" for number in range(5_000))

    replace_text(tmp_path / "new folder" / "a.toml", text, Stopping("never", Killed(), after=True))

    assert (tmp_path / "new folder" / "a.toml").read_text() == text


class Forgetful(Disk):
    """A disk in memory that after a power cut has what was synced for certain, and of the rest anything.

    Contents that were not synced come out empty, cut, or whole; names that were not synced, old or new.
    """

    def __init__(self, path: Path, old: str, stop_at: int) -> None:
        self.left = stop_at
        self.contents = [old.encode()]  # by number, as if inodes
        self.synced = [old.encode()]
        self.names = {path: 0}
        self.synced_names = [{path: 0}]  # any of these may be what the disk has

    def _step(self) -> None:
        if self.left == 0:
            raise Killed
        self.left -= 1

    def create(self, path: Path) -> int:
        self._step()
        self.contents.append(b"")
        self.synced.append(b"")
        self._name({**self.names, path: len(self.contents) - 1})
        return len(self.contents) - 1

    def _name(self, names: dict[Path, int]) -> None:
        self.names = names
        self.synced_names.append(names)

    def write(self, file: int, content: bytes) -> int:
        self._step()
        taken = content[:4]
        self.contents[file] += taken
        return len(taken)

    def sync(self, file: int) -> None:
        self._step()
        self.synced[file] = self.contents[file]

    def close(self, file: int) -> None:
        self._step()

    def rename(self, old: Path, new: Path) -> None:
        self._step()
        names = {**self.names, new: self.names[old]}
        del names[old]
        self._name(names)

    def sync_folder(self, folder: Path) -> None:
        self._step()
        self.synced_names = [self.names]

    def after_power_cut(self, path: Path) -> Iterator[str]:
        for names in self.synced_names:
            file = names[path]
            synced, whole = self.synced[file], self.contents[file]
            yield from {
                part.decode()
                for part in (synced, whole[: len(whole) // 2 + 1], whole)
                if len(part) >= len(synced)
            }


class Hasty(Forgetful):
    """Says that it has synced a file, and has not."""

    def sync(self, file: int) -> None:
        self._step()


def outcomes(kind: type[Forgetful], path: Path) -> tuple[set[str], set[str]]:
    """What may be found after a power cut in the middle, and after the last step."""
    within: set[str] = set()
    for stop_at in range(100):
        disk = kind(path, "old text", stop_at)
        try:
            replace_text(path, "new text of some length", disk)
        except Killed:
            within |= set(disk.after_power_cut(path))
        else:
            return within, set(disk.after_power_cut(path))
    raise AssertionError("never done")


def test_a_power_cut_at_any_step_leaves_a_whole_file(tmp_path: Path) -> None:
    within, afterwards = outcomes(Forgetful, tmp_path / "a.toml")

    assert within == {"old text", "new text of some length"}
    assert afterwards == {"new text of some length"}


def test_without_the_sync_it_would_not(tmp_path: Path) -> None:
    """The disk above can tell."""
    within, _ = outcomes(Hasty, tmp_path / "a.toml")

    assert "" in within


def test_a_file_is_kept_aside_under_a_name_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "pps.toml"
    kept: list[SetAside] = []
    for number in range(3):
        path.write_text(str(number))
        kept.append(set_aside(path, 7, "not TOML"))

    assert sorted((entry.name, entry.read_text()) for entry in tmp_path.iterdir()) == [
        ("pps.toml.bad", "0"),
        ("pps.toml.bad.1", "1"),
        ("pps.toml.bad.2", "2"),
    ]
    assert str(kept[0]) == f"{path}, line 7: not TOML; it is kept as {path}.bad, and was rebuilt"


def test_only_its_owner_may_read_it(tmp_path: Path) -> None:
    replace_text(tmp_path / "a.toml", "")

    assert (tmp_path / "a.toml").stat().st_mode & 0o777 == 0o600
