"""Folders whose names the disk has: a synced file is lost all the same where its folder's name is."""

from __future__ import annotations

import errno
import os
import stat
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import cast

from fsm_ems.errors import InvalidMessage, LogHalted, brief, cut

_OF_A_PATH = frozenset({
    errno.EACCES, errno.EEXIST, errno.EINVAL, errno.EISDIR, errno.ELOOP, errno.ENAMETOOLONG, errno.ENOENT,
    errno.ENOTDIR, errno.EPERM, errno.EROFS,
})  # fmt: skip
"""What the system says of a path that cannot be used, however well the disk is."""
_SHOWN = 200
_ALL = os.R_OK | os.W_OK | os.X_OK


def as_path(named: str, given: object) -> Path:
    """*given*, a path or the text of one, as a Path; *named* is what its giver calls it.

    Raises:
        InvalidMessage: it is neither. Empty text is none, though Python takes it for the folder that the
            program is in: it comes of a setting that nobody has made.
    """
    text: object = os.fspath(cast("os.PathLike[str]", given)) if isinstance(given, os.PathLike) else given
    if not isinstance(text, str) or not text or "\0" in text:
        raise InvalidMessage((f"{named}: a path is needed, as text or a Path, and {brief(text)} is none",))
    return Path(text)


def check_folder(named: str, folder: Path) -> None:
    """Whether *folder* is one, or can be made one, and may be read and written to. Nothing is changed.

    Raises:
        InvalidMessage: it cannot be used; *named* is what its giver calls it.
        LogHalted: the disk does not say.
    """
    _check(named, folder, lambda: _of_folder(folder, _ALL))


def check_file(named: str, file: Path, *, synced: bool) -> None:
    """Whether *file* is an ordinary one, or can be made one, and may be read and written to.

    Where it is to be *synced*, its folder is opened for that, and must be one that may be read.
    Raises as :func:`check_folder` does.
    """
    _check(named, file, lambda: _of_file(file, synced=synced))


def _check(named: str, path: Path, wrong: Callable[[], str | None]) -> None:
    try:
        str(path.absolute()).encode()
        why = wrong()
    except UnicodeEncodeError:
        why = "its name is no text that UTF-8 can have, and SQLite and the operator's log need it"
    except OSError as error:
        if error.errno not in _OF_A_PATH:
            raise LogHalted(f"{path} cannot be opened: {error}") from error
        why = str(error.strerror)
    if why is not None:
        raise _unusable(named, path, why)


@contextmanager
def making(named: str, folder: Path) -> Generator[None]:
    """Make *folder* inside: a path that cannot be used is its giver's fault, and no disk has failed.

    Raises:
        InvalidMessage: it cannot be used. Nothing was made, but where only the making could show it.
        LogHalted: the disk does not say.
        OSError: the disk failed.
    """
    check_folder(named, folder)
    try:
        yield
    except OSError as error:
        if error.errno not in _OF_A_PATH:
            raise
        raise _unusable(named, folder, f"it cannot be made: {error.strerror}") from error


def _unusable(named: str, path: Path, why: str) -> InvalidMessage:
    shown = str(path).encode("utf-8", "backslashreplace").decode()  # whoever prints it can
    return InvalidMessage((f"{named}={cut(shown, _SHOWN)}: {why}",))


def _of_folder(folder: Path, needed: int) -> str | None:
    """Why it cannot be used, in words; what the system says otherwise is raised."""
    missing: list[str] = []
    there = folder.absolute()
    while not _is_there(there):
        missing.append(there.name)
        there = there.parent
    if not there.is_dir():
        kind = "link that leads nowhere" if there.is_symlink() and not there.exists() else "file"
        return f"{there} is a {kind}, and a folder is needed"
    for name in missing:
        _is_there(there / name)  # raises where it is too long, and would be the last to be made
    return _forbidden(there, needed)


def _of_file(file: Path, *, synced: bool) -> str | None:
    """As :func:`_of_folder`."""
    in_folder = _ALL if synced else _ALL & ~os.R_OK
    try:
        mode = file.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        if not _is_there(file):
            return _of_folder(file, in_folder)  # what is to be made on the way to it is made as for one
        folder = Path(os.path.realpath(file)).parent  # where the link leads: no folder is made there
        return _forbidden(folder, in_folder) if folder.is_dir() else "it is a link that leads nowhere"
    if stat.S_ISDIR(mode):
        return "it is a folder, and a file is needed"
    if not stat.S_ISREG(mode):
        return "it is no ordinary file, and one is needed"  # a pipe waits for a reader, and keeps nothing
    wrong = _forbidden(file, os.R_OK | os.W_OK)
    return _forbidden(file.absolute().parent, os.R_OK | os.X_OK) if wrong is None and synced else wrong


def _forbidden(path: Path, needed: int) -> str | None:
    """What of *needed* the system does not let this program do at *path*, in words.

    It is the effective user who opens files, and the real one that is asked about where the system can
    tell no other.
    """
    effective = os.access in os.supports_effective_ids
    for mode, words in ((os.W_OK, "written to"), (os.R_OK, "read"), (os.X_OK, "entered")):
        may = os.access(path, mode, effective_ids=True) if effective else os.access(path, mode)
        if needed & mode and not may:
            return f"{path} may not be {words}"
    return None


def _is_there(path: Path) -> bool:
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True


def sync_directory(directory: Path) -> None:
    """A new file's name is in its directory, which the disk must have as well.

    Windows opens no directory, and sees to its names by itself.
    """
    if sys.platform == "win32":  # pragma: no cover -- only there
        return
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_folder(folder: Path, mode: int = 0o777) -> None:
    """Make *folder*, which gets *mode*, and what is missing of the path to it; the disk has all their names.

    The name of one that is there is synced as well: whoever made it may have been killed before that. Where
    the folder above may not be read, somebody else made it, and sees to that.

    Raises:
        OSError: it could not be made, or something else is there.
    """
    if folder.is_dir():
        with suppress(PermissionError):
            sync_directory(folder.absolute().parent)
        return
    if folder.parent != folder:
        make_folder(folder.parent)
    folder.mkdir(mode, exist_ok=True)
    sync_directory(folder.absolute().parent)
