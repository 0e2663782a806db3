"""Who may write in a folder: one open journal at a time, in this process or another.

The operating system holds the lock (``flock``) for as long as the file stays open, so whoever dies lets go
of it. What is written in the file names the holder, and locks nothing: a file that was left behind does no
harm. On a network file system the lock is worth what that system makes of it.
"""

from __future__ import annotations

import os
import socket
import sys
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from fsm_ems.errors import LogInUse

if sys.platform == "win32":  # pragma: no cover -- locks of another kind, only on Windows
    import msvcrt

    _BEYOND = 1 << 30  # a locked byte cannot be read there: one that no text reaches is locked

    def locked(file: int) -> bool:
        """Take the lock of an open file, as long as it stays open; False where another opening has it."""
        os.lseek(file, _BEYOND, os.SEEK_SET)
        try:
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        finally:
            os.lseek(file, 0, os.SEEK_SET)
        return True

else:
    import fcntl

    def locked(file: int) -> bool:
        """Take the lock of an open file, as long as it stays open; False where another opening has it."""
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


_HOLDER_MAX = 200


class FolderLock:
    """The lock at *path*, held from here until :meth:`release`.

    Raises:
        LogInUse: somebody else holds it.
        OSError: the file cannot be opened or locked.
    """

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            self._take(path)
        except BaseException:
            os.close(self._file)
            raise

    def _take(self, path: Path) -> None:
        if not locked(self._file):
            holder = os.read(self._file, _HOLDER_MAX).decode("utf-8", "replace").strip()
            raise LogInUse(str(path.parent), holder or "another program")
        with suppress(OSError):  # the lock is what counts, and a full disk takes no name
            os.ftruncate(self._file, 0)
            os.write(self._file, f"{_myself()}\n".encode())

    def release(self) -> None:
        """Let go of it, once."""
        with suppress(OSError):  # a name that stays there locks nothing
            os.ftruncate(self._file, 0)
        os.close(self._file)


def _myself() -> str:
    now = datetime.now(UTC)
    return f"process {os.getpid()} on {socket.gethostname()} since {now:%Y-%m-%dT%H:%M:%SZ}"
