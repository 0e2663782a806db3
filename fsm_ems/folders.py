"""Folders whose names the disk has: a synced file is lost all the same where its folder's name is."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path


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
