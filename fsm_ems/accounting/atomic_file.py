"""Replacing a file so that whoever opens it, after any crash, finds the old one or the new one, whole."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from fsm_ems.folders import make_folder, sync_directory


class Disk:
    """What replacing a file asks of the operating system, a method a step; a test lets each of them fail."""

    def create(self, path: Path) -> int:
        """An empty file, open for writing; readable by its owner alone, as the log is."""
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)

    def write(self, file: int, content: bytes) -> int:
        """Hand over *content*; how many bytes were taken."""
        return os.write(file, content)

    def sync(self, file: int) -> None:
        """Wait until the disk has the content."""
        os.fsync(file)

    def close(self, file: int) -> None:
        os.close(file)

    def rename(self, old: Path, new: Path) -> None:
        """Put *old* in the place of *new*, in one step."""
        old.replace(new)

    def sync_folder(self, folder: Path) -> None:
        """Wait until the disk has the names in *folder*."""
        sync_directory(folder)

    def remove(self, path: Path) -> None:
        path.unlink()


DISK = Disk()


def replace_text(path: Path, text: str, disk: Disk = DISK) -> None:
    """Put *text* in the place of what *path* holds; see :func:`replace_content`."""
    replace_content(path, text.encode("utf-8"), disk)


def replace_content(path: Path, content: bytes, disk: Disk = DISK) -> None:
    """Put *content* in the place of what *path* holds. One writer at a time.

    Raises:
        OSError: a step failed. The file is the old one whole, or, where the last step failed, the new one.
    """
    beside = path.with_name(f".{path.name}.new")
    if not path.parent.is_dir():
        make_folder(path.parent)
    try:
        _fill(beside, content, disk)
        disk.rename(beside, path)
    except OSError:
        with suppress(OSError):
            disk.remove(beside)
        raise
    disk.sync_folder(path.parent)


def _fill(path: Path, content: bytes, disk: Disk) -> None:
    file = disk.create(path)
    try:
        left = memoryview(content)
        while left:
            taken = disk.write(file, bytes(left[: 1 << 20]))
            left = left[taken:]
        disk.sync(file)
    except OSError:
        with suppress(OSError):
            disk.close(file)
        raise
    disk.close(file)


class SetAside(NamedTuple):
    """A file that could not be read, and where it is kept; *line* counts from 1."""

    path: str
    kept_as: str
    line: int
    problem: str

    def __str__(self) -> str:
        return f"{self.path}, line {self.line}: {self.problem}; it is kept as {self.kept_as}, and was rebuilt"


def set_aside(path: Path, line: int, problem: str, disk: Disk = DISK) -> SetAside:
    """Keep the file at *path* under the name with ``.bad``, or ``.bad.1`` and so on where that is taken.

    Raises:
        OSError: it could not be renamed.
    """
    kept = path.with_name(f"{path.name}.bad")
    number = 0
    while kept.exists():
        number += 1
        kept = path.with_name(f"{path.name}.bad.{number}")
    disk.rename(path, kept)
    return SetAside(str(path), str(kept), line, problem)
