"""A disk as a power cut finds it: what was synced is there, and of the rest any part may be.

:class:`Disk` takes the calls that :mod:`fsm_ems.testing.crash_watch` saw. A write, a cut, a new name, a
rename or a removal is *pending* until a sync of its file, or of its folder where it is about a name; until
then each may have reached the disk or not, in any order. :meth:`Disk.images` are the folders that a power
cut can leave behind, as far as they are tried:

- all that is pending lost, all kept, and all lost but for the sizes of the files, whose new parts are zeros;
- every subset of up to five pending changes; of more, each first part, each last part, each alone and each
  alone missing for the first and last twelve, and sixteen subsets drawn by a seed;
- the newest write torn at every 512 bytes of up to 4,096 and every 4,096 of more, and after the first byte,
  in its middle and before its last byte: its beginning kept, with all else kept; and the other way round, its
  end kept; its beginning alone, with all else lost; its end overwritten by something else; its first bytes
  kept, with all else kept but for one of the twelve changes before it;
- each other pending write torn in its middle, with all else kept.

What the end of the process alone leaves is the image with all kept.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

from fsm_ems.testing.crash_watch import Call

SUBSETS_MAX = 5
"""Up to so many pending changes, every subset of them is tried."""
NEAR = 12
DRAWN = 16
SECTOR, BLOCK, FEW = 512, 4_096, 40


class Image(NamedTuple):
    """A folder after a crash: its files, by their paths, and the folders in it."""

    files: dict[str, bytes]
    folders: frozenset[str]

    def key(self) -> bytes:
        """The same for the same content."""
        digest = blake2b(repr(sorted(self.folders)).encode(), digest_size=16)
        for path in sorted(self.files):
            digest.update(b"%b %d " % (path.encode(), len(self.files[path])))
            digest.update(self.files[path])
        return digest.digest()

    def write(self, folder: Path) -> None:
        """Put it into *folder*, which is empty."""
        for name in sorted(self.folders):
            (folder / name).mkdir()
        for path, content in self.files.items():
            (folder / path).write_bytes(content)


class Cut(NamedTuple):
    """How much of a write came through: from *start* to *stop*, and *dirt* in place of the rest."""

    start: int
    stop: int
    dirt: bool = False


class _Pending(NamedTuple):
    call: Call
    file: int


class Disk:
    """Begins as *image*, all of it safe."""

    def __init__(self, image: Image, *, subsets_max: int = SUBSETS_MAX, near: int = NEAR) -> None:
        self._subsets_max = subsets_max
        self._near = near
        self._content: dict[int, bytes] = dict(enumerate(image.files.values()))
        self._safe_names: dict[str, int] = {path: file for file, path in enumerate(image.files)}
        self._names = dict(self._safe_names)
        self._safe_folders = set(image.folders)
        self._pending: list[_Pending] = []
        self._files = len(self._content)

    def take(self, call: Call) -> None:
        """*call* was made."""
        if call.what == "sync":
            file = self._names.get(call.path)
            self._settle(lambda one: one.file == file and one.call.what in ("write", "truncate"))
        elif call.what == "sync folder":
            self._settle(lambda one: _is_name(one.call) and _folder(one.call.path) == call.path)
        elif call.what == "create":
            self._files += 1
            self._content[self._files] = b""
            self._names[call.path] = self._files
            self._pending.append(_Pending(call, self._files))
        elif call.what == "make folder":
            self._pending.append(_Pending(call, 0))
        else:
            file = self._names[call.path]
            if call.what == "rename":
                del self._names[call.path]
                self._names[call.to] = file
            elif call.what == "remove":
                del self._names[call.path]
            self._pending.append(_Pending(call, file))

    def _settle(self, safe: Callable[[_Pending], bool]) -> None:
        kept: list[_Pending] = []
        for one in self._pending:
            if safe(one):
                _change(self._content, self._safe_names, self._safe_folders, one, None)
            else:
                kept.append(one)
        named = {one.file for one in kept if _is_name(one.call)}
        named.update(self._safe_names.values(), self._names.values())
        # What was written to a file that no name can lead to any more is of no matter.
        self._pending = [one for one in kept if _is_name(one.call) or one.file in named]

    # ── what a power cut leaves ─────────────────────────────────────────────────────────────────────

    def lost(self) -> Image:
        """All that is pending was lost."""
        return self._image(0, {})

    def kept(self) -> Image:
        """All that is pending was kept."""
        return self._image(self._all(), {})

    def images(self) -> Iterator[Image]:
        """What is tried. The same may come more than once."""
        for chosen in self._chosen():
            yield self._image(chosen, {})
        if not self._pending:
            return
        yield self._with_sizes()
        yield from self._torn()

    def few(self) -> Iterator[Image]:
        """Some of :meth:`images`: lost, kept, all but the newest, the newest alone, the newest torn."""
        every = self._all()
        newest = every ^ every >> 1
        for chosen in dict.fromkeys((0, every, every ^ newest, newest)):
            yield self._image(chosen, {})
        if self._pending and self._pending[-1].call.what == "write":
            yield self._image(every, {len(self._pending) - 1: self._few_bytes()})

    def _all(self) -> int:
        return (1 << len(self._pending)) - 1

    def _chosen(self) -> Iterator[int]:
        """Which of the pending changes are kept, a bit for each."""
        count, every = len(self._pending), self._all()
        if count <= self._subsets_max:
            yield from range(every + 1)
            return
        chosen = dict.fromkeys((0, every))
        for place in range(count):
            chosen[(1 << place) - 1] = None
            chosen[every ^ (1 << place) - 1] = None
            if min(place, count - 1 - place) < self._near:
                chosen[1 << place] = None
                chosen[every ^ 1 << place] = None
        dice = random.Random(count)
        chosen.update(dict.fromkeys(dice.getrandbits(count) for _ in range(DRAWN)))
        yield from chosen

    def _torn(self) -> Iterator[Image]:
        newest, every = len(self._pending) - 1, self._all()
        size = len(self._pending[newest].call.content)
        if self._pending[newest].call.what == "write":
            for cut in _cuts(size):
                yield self._image(every, {newest: Cut(0, cut)})
            for cut in (SECTOR, size // 2):
                yield self._image(every, {newest: Cut(min(cut, size), size)})
            yield self._image(every, {newest: Cut(0, size // 2, dirt=True)})
            yield self._image(1 << newest, {newest: Cut(0, size // 2)})
            for place in range(max(newest - self._near, 0), newest):
                yield self._image(every ^ 1 << place, {newest: self._few_bytes()})
        for place, one in enumerate(self._pending[:-1]):
            if one.call.what == "write" and min(place, newest - place) < self._near:
                yield self._image(every, {place: Cut(0, len(one.call.content) // 2)})

    def _few_bytes(self) -> Cut:
        """The beginning of the newest write: a page is often zeros from its middle on."""
        return Cut(0, min(len(self._pending[-1].call.content) // 2, FEW))

    def _image(self, chosen: int, cuts: dict[int, Cut]) -> Image:
        content, names, folders = dict(self._content), dict(self._safe_names), set(self._safe_folders)
        for place, one in enumerate(self._pending):
            if chosen >> place & 1:
                _change(content, names, folders, one, cuts.get(place))
        return _reachable(content, names, folders)

    def _with_sizes(self) -> Image:
        """All names and sizes are as if all was kept; the new parts of the files are zeros."""
        content, names, folders = dict(self._content), dict(self._safe_names), set(self._safe_folders)
        for one in self._pending:
            if one.call.what == "write":
                old, end = content[one.file], one.call.offset + len(one.call.content)
                content[one.file] = old.ljust(end, b"\0")
            else:
                _change(content, names, folders, one, None)
        return _reachable(content, names, folders)


def _reachable(content: dict[int, bytes], names: dict[str, int], folders: set[str]) -> Image:
    found = frozenset(name for name in folders if _is_in(folders, name))
    return Image({path: content[file] for path, file in names.items() if _is_in(found, path)}, found)


def _is_in(folders: frozenset[str] | set[str], path: str) -> bool:
    folder = _folder(path)
    return not folder or (folder in folders and _is_in(folders, folder))


def _folder(path: str) -> str:
    return path.rpartition("/")[0]


def _is_name(call: Call) -> bool:
    return call.what not in ("write", "truncate")


def _cuts(size: int) -> Iterator[int]:
    places = {1, size // 2, size - 1, *range(SECTOR, min(size, BLOCK), SECTOR), *range(BLOCK, size, BLOCK)}
    yield from sorted(place for place in places if 0 < place < size)


def _change(
    content: dict[int, bytes], names: dict[str, int], folders: set[str], one: _Pending, cut: Cut | None
) -> None:
    """Carry *one* out, or as much of it as *cut* says."""
    call, file = one
    match call.what:
        case "write":
            content[file] = _written(content[file], call, cut)
        case "truncate":
            content[file] = content[file][: call.offset].ljust(call.offset, b"\0")
        case "create":
            names[call.path] = file
        case "rename":
            names.pop(call.path, None)
            names[call.to] = file
        case "remove":
            names.pop(call.path, None)
        case _:
            folders.add(call.path)


def _written(old: bytes, call: Call, cut: Cut | None) -> bytes:
    new = call.content
    end = call.offset + len(new)
    start, stop = (0, len(new)) if cut is None else (cut.start, cut.stop)
    if cut is None or cut.dirt:
        new = new[start:stop].ljust(len(new), b"\xa5") if cut else new
        start, stop = 0, len(new)
    before = old[: call.offset + start].ljust(call.offset + start, b"\0")
    return before + new[start:stop] + old[min(call.offset + stop, end) :]
