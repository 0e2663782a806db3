"""Connections to SQLite, with settings that are read back: one that does not stand as it was made is refused.

``apsw`` brings a SQLite of its own. Versions before 3.51.3 can tear a database that two connections use.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, cast

import apsw

from fsm_ems.errors import LogUnsafe

SQLITE_MIN = (3, 51, 3)
BUSY_MS = 5_000
"""How long to wait for another connection's lock, which each holds for milliseconds."""


class Connection(Protocol):
    """What we use of :class:`apsw.Connection`, whose own types are unknown in part."""

    def execute(self, statements: str, bindings: Sequence[object] | None = None) -> Iterator[Any]: ...
    def pragma(self, name: str, value: str | int | None = None) -> Any: ...  # noqa: ANN401 -- each has a type of its own
    def config(self, op: int, *args: int) -> int: ...
    def set_busy_timeout(self, milliseconds: int) -> None: ...
    def set_wal_hook(self, callable: Callable[[Any, str, int], int] | None) -> None: ...  # noqa: A002 -- its name there
    def wal_checkpoint(self, dbname: str | None = None, mode: int = ...) -> tuple[int, int]: ...
    def close(self) -> None: ...


def check_library(version: str) -> None:
    """Raise LogUnsafe where SQLite of that *version* may tear a database that two connections use."""
    if tuple(map(int, version.split("."))) < SQLITE_MIN:
        wanted = ".".join(map(str, SQLITE_MIN))
        raise LogUnsafe(
            f"SQLite {version} can tear a journal that is read while it is written: {wanted} is needed"
        )


def connected(path: Path | str, flags: int, vfs: str | None) -> Connection:
    """A connection to *path*, which may be a URI where *flags* say so. It leaves what it finds as it is, when
    it is closed as well.

    Raises:
        apsw.Error: the file cannot be opened.
        LogUnsafe: this SQLite is too old.
    """
    check_library(apsw.sqlite_lib_version())
    connection = cast("Connection", apsw.Connection(str(path), flags, vfs))
    connection.set_busy_timeout(BUSY_MS)
    connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
    return connection


def make_durable(connection: Connection, path: Path) -> None:
    """Set what durability needs, and read it back.

    Raises:
        LogUnsafe: a setting does not read back as it was made.
    """
    # fullfsync is for macOS, where an ordinary sync leaves the content in the drive's own memory.
    wanted: dict[str, str | int] = {
        "journal_mode": "wal",
        "synchronous": 2,
        "fullfsync": 1,
        "checkpoint_fullfsync": 1,
    }
    set_up(connection, path, wanted)


def set_up(connection: Connection, path: Path, wanted: Mapping[str, str | int]) -> None:
    """Make the settings that are *wanted*.

    Raises:
        LogUnsafe: one does not read back as it was made.
    """
    for setting, value in wanted.items():
        connection.pragma(setting, value)
        found = connection.pragma(setting)
        if found != value:
            raise LogUnsafe(
                f"{path}: {setting} is {found!r} and must be {value!r} for a record to be kept for good"
            )
