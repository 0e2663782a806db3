"""A stand-in for the disk below SQLite: it does what the real one does until it is told to fail."""

from __future__ import annotations

import threading
from collections.abc import Generator
from contextlib import contextmanager

import apsw


class FailingDisk(apsw.VFS):
    """Notes writes and syncs, by the end of the file's name, and fails those that it is told to.

    While *free* is not set, it is busy. The write that *loses* counts down to is told as done, and never is.
    """

    def __init__(self, name: str = "failing") -> None:
        self.name = name
        self.calls: list[tuple[str, str]] = []
        self.fails: tuple[str, str] | None = None
        self.loses = 0
        self.free = threading.Event()
        self.free.set()
        super().__init__(name, "")

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> apsw.VFSFile:  # noqa: N802 -- the name apsw calls
        """A file that asks this disk before it does anything."""
        return _File(self, name, flags)

    def call(self, what: str, where: str) -> None:
        """Note the call, and fail if that was asked for; it goes on failing."""
        self.calls.append((what, where))
        assert self.free.wait(60)
        if self.fails == (what, where):
            raise apsw.IOError(f"the {what} of {where} failed")

    def lost(self) -> bool:
        """Whether what is to be written now is lost."""
        self.loses -= 1
        return self.loses == 0


class _File(apsw.VFSFile):
    def __init__(self, disk: FailingDisk, name: str | apsw.URIFilename | None, flags: list[int]) -> None:
        self._disk = disk
        path = name.filename() if isinstance(name, apsw.URIFilename) else name or ""
        self._where = "wal" if path.endswith("-wal") else "database"
        super().__init__("", name, flags)

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802 -- the name apsw calls
        self._disk.call("write", self._where)
        if not self._disk.lost():
            super().xWrite(data, offset)

    def xSync(self, flags: int) -> None:  # noqa: N802 -- the name apsw calls
        self._disk.call("sync", self._where)
        super().xSync(flags)


@contextmanager
def failing_disk() -> Generator[FailingDisk]:
    """A disk that SQLite knows by its name for as long as this is open."""
    disk = FailingDisk()
    try:
        yield disk
    finally:
        disk.unregister()
