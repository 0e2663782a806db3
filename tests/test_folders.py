"""A folder that was made is there after a power cut."""

import errno
import os
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from fsm_ems.errors import InvalidMessage, LogHalted
from fsm_ems.folders import as_path, check_file, check_folder, make_folder, making
from fsm_ems.journal.file import FileLog
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


@pytest.fixture
def as_nobody() -> Iterator[Path]:
    """A folder of an effective user who may not do everything: from root nothing is hidden.

    Not below tmp_path, which that user may not enter where root runs the tests.
    """
    root = os.geteuid() == 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if root:
            os.chown(folder, NOBODY, NOBODY)
            os.seteuid(NOBODY)
        try:
            yield folder
        finally:
            if root:
                os.seteuid(0)
            for path in folder.iterdir():
                if not path.is_symlink():
                    path.chmod(0o700)


NOBODY = 65534


def made(folder: Path, mode: int) -> Path:
    """A folder *mode* in *folder*, with a file in it."""
    inside = folder / "made"
    inside.mkdir()
    (inside / "file").touch()
    inside.chmod(mode)
    return inside


@pytest.mark.parametrize(
    ("mode", "word"), [(0o555, "written to"), (0o333, "read"), (0o666, "entered"), (0o000, "written to")]
)
@pytest.mark.parametrize("name", ["", "a/b"])
def test_a_folder_that_the_effective_user_may_not_use_is_told(
    as_nobody: Path, mode: int, word: str, name: str
) -> None:
    folder = made(as_nobody, mode)
    with pytest.raises(InvalidMessage) as raised:
        check_folder("path", folder / name)

    denied = "Permission denied" if name and not mode & 0o111 else f"{folder} may not be {word}"
    assert str(raised.value) == f"path={folder / name}: {denied}"


def test_whoever_becomes_root_may_do_what_root_may(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The real user is asked about where the system can tell of no other."""
    asked: list[tuple[object, ...]] = []

    def access(*given: object, **options: object) -> bool:
        asked.append((*given, *options.items()))
        return True

    monkeypatch.setattr(os, "access", access)
    check_folder("path", tmp_path)
    monkeypatch.setattr(os, "supports_effective_ids", {access})
    check_folder("path", tmp_path)

    modes = [os.W_OK, os.R_OK, os.X_OK]
    assert asked == [
        *((tmp_path, mode) for mode in modes),
        *((tmp_path, mode, ("effective_ids", True)) for mode in modes),
    ]


def test_a_file_that_is_there_may_be_added_to_in_a_folder_that_may_not_be(as_nobody: Path) -> None:
    folder = made(as_nobody, 0o555)
    for synced in (False, True):
        check_file("path", folder / "file", synced=synced)
        with pytest.raises(InvalidMessage, match="may not be written to"):
            check_file("path", folder / "new", synced=synced)


@pytest.mark.parametrize("name", ["file", "new"])
def test_a_folder_that_may_not_be_read_takes_files_that_are_not_synced(as_nobody: Path, name: str) -> None:
    """To sync one's name is to open its folder."""
    folder = made(as_nobody, 0o333)
    check_file("path", folder / name, synced=False)
    with pytest.raises(InvalidMessage, match=f"^path={folder}/{name}: {folder} may not be read$"):
        check_file("path", folder / name, synced=True)


def test_a_file_that_may_not_be_read_and_written_to_is_told(as_nobody: Path) -> None:
    file = as_nobody / "file"
    file.touch()
    for mode, word in ((0o444, "written to"), (0o222, "read")):
        file.chmod(mode)
        with pytest.raises(InvalidMessage, match=f"^path={file}: {file} may not be {word}$"):
            FileLog(file)


def test_a_log_at_what_is_no_ordinary_file_is_told(tmp_path: Path) -> None:
    """It would wait for a reader of a pipe without an end, and cannot have back what it wrote."""
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path(os.devnull)):
        with pytest.raises(InvalidMessage, match=f"^path={path}: it is no ordinary file, and one is needed$"):
            check_file("path", path, synced=False)  # and no FileLog: it would hang


@pytest.mark.parametrize(
    ("target", "why"),
    [("gone/log", "it is a link that leads nowhere"), ("link", "Too many levels of symbolic links")],
)
def test_a_link_at_whose_end_no_file_can_be_made_is_told(tmp_path: Path, target: str, why: str) -> None:
    (tmp_path / "link").symlink_to(target)
    with pytest.raises(InvalidMessage, match=f"^path={tmp_path}/link: {why}$"):
        FileLog(tmp_path / "link")


def test_a_link_to_a_file_that_is_still_to_be_made_may_be_a_logs(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("log")
    FileLog(tmp_path / "link").close()

    assert (tmp_path / "log").is_file()


@pytest.mark.parametrize("check", [check_folder, partial(check_file, synced=False)])
def test_a_name_that_is_not_utf_8_is_told_in_words_that_can_be_printed(
    tmp_path: Path, check: Callable[[str, Path], None]
) -> None:
    with pytest.raises(InvalidMessage, match=r"^path=.*/a\\udc80/b: its name is no text that") as raised:
        check("path", tmp_path / "a\udc80" / "b")

    assert str(raised.value).isascii()


@pytest.mark.parametrize("check", [check_folder, partial(check_file, synced=False)])
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
