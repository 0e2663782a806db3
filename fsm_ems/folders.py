"""Folders whose names the disk has: a synced file is lost all the same where its folder's name is."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Generator
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
    """Whether *folder* is one, or can be made one, and may be written to. Nothing is changed.

    Raises:
        InvalidMessage: it cannot be used; *named* is what its giver calls it.
        LogHalted: the disk does not say.
    """
    try:
        why = _of_folder(folder)
    except OSError as error:
        if error.errno not in _OF_A_PATH:
            raise LogHalted(f"{folder} cannot be opened: {error}") from error
        why = str(error.strerror)
    if why is not None:
        raise _unusable(named, folder, why)


def check_file(named: str, file: Path) -> None:
    """Whether *file* is one, or can be made one. Raises as :func:`check_folder` does."""
    try:
        if file.is_dir():
            raise _unusable(named, file, "it is a folder, and a file is needed")
        is_there = _is_there(file)
    except OSError as error:
        if error.errno not in _OF_A_PATH:
            raise LogHalted(f"{file} cannot be opened: {error}") from error
        raise _unusable(named, file, str(error.strerror)) from error
    if not is_there:
        check_folder(named, file)  # what is to be made on the way to it is made as for one


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
    return InvalidMessage((f"{named}={cut(str(path), _SHOWN)}: {why}",))


def _of_folder(folder: Path) -> str | None:
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
    return None if os.access(there, os.W_OK | os.X_OK) else f"{there} may not be written to"


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
