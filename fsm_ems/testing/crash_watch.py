"""What a program does to the files of a folder, seen call by call, from outside the program.

SQLite is seen through a file system of its own that passes everything on to the real one (``apsw.VFS``).
Plain Python is seen by standing in for the functions of :mod:`os` that change files and for ``open``: whoever
writes, syncs, renames or removes something below the folder is seen, in whichever thread, whatever the file
is called. Not seen are memory maps (SQLite's ``-shm`` file, which no crash keeps), ``os.sendfile`` and links.

No code of the program is changed, and none has a hook for this.
"""

from __future__ import annotations

import builtins
import inspect
import io
import os
import sys
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path
from stat import S_ISDIR
from typing import Any, Literal, NamedTuple, Protocol

import apsw

What = Literal["create", "write", "truncate", "sync", "rename", "remove", "make folder", "sync folder"]


class Call(NamedTuple):
    """One call that changes files or waits for the disk; paths are relative to the folder that is watched.

    *by* is the function of the program that asked for it. *offset* and *content* are a write's, *offset* is
    also the size that a file is cut to; *to* is where a rename leads.
    """

    what: What
    path: str
    by: str
    offset: int = 0
    content: bytes = b""
    to: str = ""

    @property
    def kind(self) -> str:
        """What it is, on what, for whom: calls of one kind come from one place of the program."""
        return f"{self.what} of {kind_of(self.path)} by {self.by}"


def kind_of(path: str) -> str:
    """A name for all files of the sort: without days, accounts and numbers."""
    name = path.rpartition("/")[2] or "the folder"
    return name if not any(letter.isdigit() for letter in name) else f"*{Path(name).suffix}"


class Listener(Protocol):
    """Is told of each call."""

    def before(self, call: Call) -> None:
        """*call* is about to happen. What this raises, an OSError, is what the program gets instead."""
        ...

    def after(self, call: Call) -> None:
        """It has happened."""
        ...


_SQLITE_CREATES = apsw.SQLITE_OPEN_CREATE
_SYNCS_ITS_FOLDER = apsw.SQLITE_OPEN_WAL | apsw.SQLITE_OPEN_MAIN_JOURNAL
# They do for others what these ask for.
_NOT_ASKING = (
    "fsm_ems.testing.",
    "fsm_ems.folders.",
    "fsm_ems.journal.lines.FileEnd.",
    "fsm_ems.accounting.atomic_file.Disk.",
    "fsm_ems.accounting.atomic_file.replace_content",
)
_names = count(1)


class Watch:
    """Tells *listener* of every call below *folder*. *real_syncs* False keeps them from the real disk."""

    def __init__(self, folder: Path, listener: Listener, *, real_syncs: bool) -> None:
        self._folder = f"{os.path.realpath(folder)}{os.sep}"
        self._listener = listener
        self.real_syncs = real_syncs
        self._open: dict[int, tuple[str, bool]] = {}

    def inside(self, path: object) -> str | None:
        """*path* relative to the folder; None where it is elsewhere, or no path."""
        if not isinstance(path, str | Path):
            return None
        whole = os.path.abspath(path)  # noqa: PTH100 -- what a link leads to is no matter
        if whole + os.sep == self._folder:
            return ""
        return whole.removeprefix(self._folder) if whole.startswith(self._folder) else None

    def around(self, call: Call, act: Callable[[], Any]) -> Any:
        """Do *act*, and tell of it."""
        self._listener.before(call)
        done = act()
        self._listener.after(call)
        return done

    def opened(self, file: int, path: str, *, appends: bool) -> None:
        """*file* is that path from here on; *appends* says that it writes at the end, wherever it stands."""
        self._open[file] = path, appends

    def closed(self, file: int) -> None:
        """*file* is nothing any more."""
        self._open.pop(file, None)

    def path_of(self, file: object) -> str | None:
        """What was opened as *file*."""
        return self._open.get(file, (None, False))[0] if isinstance(file, int) else None

    def place_of(self, file: int) -> int:
        """Where *file* writes next."""
        appends = self._open[file][1]
        return os.fstat(file).st_size if appends else os.lseek(file, 0, os.SEEK_CUR)


def asked_by() -> str:
    """The function of the program that is running, whose doing a call is."""
    frame = inspect.currentframe()
    while frame is not None:
        module = str(frame.f_globals.get("__name__"))
        name = frame.f_code.co_qualname
        if module.startswith("fsm_ems.") and not (module + "." + name).startswith(_NOT_ASKING):
            return name
        frame = frame.f_back
    return "somebody"


@contextmanager
def watching(watch: Watch) -> Generator[str]:
    """See what is done below the folder for as long as this is open; the name of SQLite's file system.

    It is SQLite's default one meanwhile.
    """
    with ExitStack() as undone:
        system = _System(f"watched-{next(_names)}", watch)
        undone.callback(system.unregister)
        for module, name, stand_in in _stand_ins(watch):
            undone.callback(setattr, module, name, getattr(module, name))
            setattr(module, name, stand_in)
        yield system.name


# ── SQLite ──────────────────────────────────────────────────────────────────────────────────────────


class _System(apsw.VFS):
    def __init__(self, name: str, watch: Watch) -> None:
        self.name = name
        self._watch = watch
        super().__init__(name, "", makedefault=True)

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> apsw.VFSFile:  # noqa: N802 -- the name apsw calls
        text = name.filename() if isinstance(name, apsw.URIFilename) else name
        path = self._watch.inside(text)
        if path is None or text is None:
            return apsw.VFSFile(_base(), name, flags)
        if flags[0] & _SQLITE_CREATES and not os.path.exists(text):  # noqa: PTH110 -- text, as SQLite has it
            _sqlite(self._watch, Call("create", path, asked_by()), lambda: None)
        return _File(self._watch, path, name, flags)

    def xDelete(self, filename: str, syncdir: bool) -> None:  # noqa: N802, FBT001 -- as apsw calls it
        path = self._watch.inside(filename)
        if path is None or not os.path.exists(filename):  # noqa: PTH110 -- text, as SQLite has it
            super().xDelete(filename, syncdir)
            return
        call = Call("remove", path, asked_by())
        _sqlite(self._watch, call, lambda: super(_System, self).xDelete(filename, syncdir=False))
        if syncdir:
            _sqlite(self._watch, _folder_sync(path), lambda: None)


class _File(apsw.VFSFile):
    def __init__(
        self, watch: Watch, path: str, name: str | apsw.URIFilename | None, flags: list[int]
    ) -> None:
        self._watch = watch
        self._path = path
        # As SQLite does it on Unix: the first sync of a log or journal brings its name to the disk as well.
        self._syncs_folder = bool(flags[0] & _SQLITE_CREATES and flags[0] & _SYNCS_ITS_FOLDER)
        super().__init__(_base(), name, flags)

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802 -- as apsw calls it
        call = Call("write", self._path, asked_by(), offset, bytes(data))
        _sqlite(self._watch, call, lambda: self._write(data, offset))

    def _write(self, data: bytes, offset: int) -> None:
        super().xWrite(data, offset)  # pyright: ignore[reportUnknownMemberType] -- the stub's Buffer

    def xTruncate(self, newsize: int) -> None:  # noqa: N802 -- the name apsw calls
        call = Call("truncate", self._path, asked_by(), newsize)
        _sqlite(self._watch, call, lambda: super(_File, self).xTruncate(newsize))

    def xSync(self, flags: int) -> None:  # noqa: N802 -- the name apsw calls
        _sqlite(self._watch, Call("sync", self._path, asked_by()), lambda: self._sync(flags))
        if self._syncs_folder:
            self._syncs_folder = False
            _sqlite(self._watch, _folder_sync(self._path), lambda: None)

    def _sync(self, flags: int) -> None:
        if self._watch.real_syncs:
            super().xSync(flags)


def _base() -> str:
    return "win32" if sys.platform == "win32" else "unix"


def _folder_sync(path: str) -> Call:
    return Call("sync folder", path.rpartition("/")[0], f"SQLite in {asked_by()}")


def _sqlite(watch: Watch, call: Call, act: Callable[[], None]) -> None:
    """As :meth:`Watch.around`, with the error that SQLite understands."""
    try:
        watch.around(call, act)
    except OSError as error:
        raise apsw.IOError(str(error)) from error


# ── Python ──────────────────────────────────────────────────────────────────────────────────────────


def _stand_ins(watch: Watch) -> list[tuple[Any, str, Any]]:
    """What stands in for what."""
    system = _Functions(watch)
    named = [
        "open", "write", "fsync", "fdatasync", "ftruncate", "close", "replace", "rename", "unlink", "remove",
        "mkdir",
    ]  # fmt: skip
    found = [(os, name, getattr(system, name)) for name in named if hasattr(os, name)]
    opens = _opener(watch)
    return [*found, (io, "open", opens), (builtins, "open", opens)]


class _Functions:
    """Stand where those of :mod:`os` stand."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        self._os = {name: getattr(os, name) for name in dir(os)}

    def _real(self, name: str, *args: Any, **kwargs: Any) -> Any:
        return self._os[name](*args, **kwargs)

    def open(self, path: Any, flags: int, mode: int = 0o777, **kwargs: Any) -> int:
        where = self._watch.inside(path)
        if where is None:
            return int(self._real("open", path, flags, mode, **kwargs))
        is_there = os.path.exists(path)  # noqa: PTH110 -- whatever was given
        if flags & os.O_CREAT and not is_there:
            call = Call("create", where, asked_by())
            file = int(self._watch.around(call, lambda: self._real("open", path, flags, mode, **kwargs)))
        elif flags & os.O_TRUNC and is_there and os.path.getsize(path):  # noqa: PTH202 -- as above
            call = Call("truncate", where, asked_by())
            file = int(self._watch.around(call, lambda: self._real("open", path, flags, mode, **kwargs)))
        else:
            file = int(self._real("open", path, flags, mode, **kwargs))
        self._watch.opened(file, where, appends=bool(flags & os.O_APPEND))
        return file

    def write(self, file: int, content: bytes) -> int:
        where = self._watch.path_of(file)
        if where is None:
            return int(self._real("write", file, content))
        call = Call("write", where, asked_by(), self._watch.place_of(file), bytes(content))
        return int(self._watch.around(call, lambda: self._real("write", file, content)))

    def fsync(self, file: int) -> None:
        self._sync("fsync", file)

    def fdatasync(self, file: int) -> None:
        self._sync("fdatasync", file)

    def _sync(self, name: str, file: int) -> None:
        where = self._watch.path_of(file)
        if where is None:
            self._real(name, file)
            return
        is_folder = S_ISDIR(os.fstat(file).st_mode)
        call = Call("sync folder" if is_folder else "sync", where, asked_by())
        self._watch.around(call, lambda: self._real(name, file) if self._watch.real_syncs else None)

    def ftruncate(self, file: int, size: int) -> None:
        where = self._watch.path_of(file)
        if where is None:
            self._real("ftruncate", file, size)
        else:
            call = Call("truncate", where, asked_by(), size)
            self._watch.around(call, lambda: self._real("ftruncate", file, size))

    def close(self, file: int) -> None:
        self._watch.closed(file)
        self._real("close", file)

    def replace(self, old: Any, new: Any, **kwargs: Any) -> None:
        self._rename("replace", old, new, kwargs)

    def rename(self, old: Any, new: Any, **kwargs: Any) -> None:
        self._rename("rename", old, new, kwargs)

    def _rename(self, name: str, old: Any, new: Any, kwargs: dict[str, Any]) -> None:
        where, to = self._watch.inside(old), self._watch.inside(new)
        if where is None or to is None:
            self._real(name, old, new, **kwargs)
        else:
            call = Call("rename", where, asked_by(), to=to)
            self._watch.around(call, lambda: self._real(name, old, new, **kwargs))

    def unlink(self, path: Any, **kwargs: Any) -> None:
        self._one("remove", "unlink", path, kwargs)

    def remove(self, path: Any, **kwargs: Any) -> None:
        self._one("remove", "remove", path, kwargs)

    def mkdir(self, path: Any, mode: int = 0o777, **kwargs: Any) -> None:
        self._one("make folder", "mkdir", path, {"mode": mode, **kwargs})

    def _one(self, what: What, name: str, path: Any, kwargs: dict[str, Any]) -> None:
        where = self._watch.inside(path)
        if where is None or (what == "make folder") is os.path.exists(path):  # noqa: PTH110 -- as above
            self._real(name, path, **kwargs)
        else:
            self._watch.around(Call(what, where, asked_by()), lambda: self._real(name, path, **kwargs))


class _Raw(io.FileIO):
    """A file that Python's own buffers write through."""

    def __init__(self, watch: Watch, path: str, file: Any, mode: str, **kwargs: Any) -> None:
        self._watch = watch
        self._path = path
        opens = super().__init__
        if isinstance(file, int) or mode[0] == "r":
            opens(file, mode, **kwargs)
        else:
            is_there = os.path.exists(file)  # noqa: PTH110 -- whatever was given
            cut = is_there and mode[0] == "w" and bool(os.path.getsize(file))  # noqa: PTH202 -- as above
            if cut or not is_there:
                call = Call("truncate" if is_there else "create", path, asked_by())
                watch.around(call, lambda: opens(file, mode, **kwargs))
            else:
                opens(file, mode, **kwargs)
        self._appends = mode[0] == "a"
        watch.opened(self.fileno(), path, appends=self._appends)

    def write(self, content: Any) -> int:
        offset = os.fstat(self.fileno()).st_size if self._appends else self.tell()
        call = Call("write", self._path, asked_by(), offset, bytes(content))
        return int(self._watch.around(call, lambda: super(_Raw, self).write(content)))

    def truncate(self, size: int | None = None) -> int:
        wanted = self.tell() if size is None else size
        call = Call("truncate", self._path, asked_by(), wanted)
        return int(self._watch.around(call, lambda: super(_Raw, self).truncate(wanted)))

    def close(self) -> None:
        if not self.closed:
            self._watch.closed(self.fileno())
        super().close()


def _opener(watch: Watch) -> Callable[..., Any]:
    """Stands where ``open`` stands: what is opened for writing below the folder writes through us."""
    real = io.open

    def opened(
        file: Any,
        mode: str = "r",
        buffering: int = -1,
        encoding: str | None = None,
        errors: str | None = None,
        newline: str | None = None,
        closefd: bool = True,  # noqa: FBT001, FBT002 -- as open has it
        opener: Any = None,
    ) -> Any:
        path = watch.path_of(file) if isinstance(file, int) else watch.inside(file)
        if path is None or not set(mode) & set("wax+"):
            return real(file, mode, buffering, encoding, errors, newline, closefd, opener)
        binary = mode.replace("b", "").replace("t", "")
        raw = _Raw(watch, path, file, binary, closefd=closefd, opener=opener)
        if not buffering:
            return raw
        buffered = io.BufferedRandom(raw) if "+" in mode else io.BufferedWriter(raw)
        return buffered if "b" in mode else io.TextIOWrapper(buffered, encoding, errors, newline)

    return opened
