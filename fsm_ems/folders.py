"""Folders whose names the disk has: a synced file is lost all the same where its folder's name is."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import cast

from fsm_ems.errors import InvalidMessage


def as_path(named: str, given: object) -> Path:
    """*given*, a path or the text of one, as a Path; *named* is what its giver calls it.

    Raises:
        InvalidMessage: it is neither. Empty text is none, though Python takes it for the folder that the
            program is in: it comes of a setting that nobody has made.
    """
    text: object = os.fspath(cast("os.PathLike[str]", given)) if isinstance(given, os.PathLike) else given
    if not isinstance(text, str) or not text or "\0" in text:
        raise InvalidMessage((f"{named}: a path is needed, as text or a Path, and {given!r} is none",))
    return Path(text)


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
