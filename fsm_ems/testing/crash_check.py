"""Stops a scenario everywhere, makes each image that a power cut can leave there, recovers it, compares.

At every stop, which is before each call and after each promise:

1. everything that was promised is there;
2. what is there is a first part of what was taken in, and nothing else;
3. its state is that of the same records alive (the scene compares);
4. so nothing had been sent, told or answered that is not in the recovered journal.

And for some images of each stop (lost, kept, and what :meth:`~fsm_ems.testing.crash_disk.Disk.few` adds; of
those that recover to the same, the first :data:`INNER_EACH`) the recovery is stopped as well, at every call
of its own: the next recovery must find the very same.
"""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, Self

from fsm_ems.errors import EMSError
from fsm_ems.testing.crash_disk import Disk, Image
from fsm_ems.testing.crash_scene import Scene
from fsm_ems.testing.crash_tape import PROJECTIONS, Entry, Found, Ledger, Tape
from fsm_ems.testing.crash_watch import Call, Watch, watching

EMPTY = Image({}, frozenset())
INNER_EACH = 8
"""Of the images that recover to the same, so many have their recovery cut."""
Drop = Callable[[Call], bool]


class Broken(NamedTuple):
    """A stop at which something is lost, or wrong. *stop* counts the entries of the tape before it."""

    scene: str
    stop: int
    before: str
    problem: str

    def __str__(self) -> str:
        return f"{self.scene}, stop {self.stop}, before {self.before}: {self.problem}"


class Counts:
    """What was tried."""

    def __init__(self) -> None:
        self.points = self.images = self.recoveries = self.inner_points = self.inner_images = 0
        self.calls: Counter[str] = Counter()
        self.promises = 0

    def add(self, other: Counts) -> None:
        """Both together."""
        for name in ("points", "images", "recoveries", "inner_points", "inner_images", "promises"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.calls.update(other.calls)


class Places:
    """Folders to work in: in memory where the system has such, as nothing of them need last."""

    def __init__(self) -> None:
        memory = Path("/dev/shm")  # noqa: S108 -- a folder of our own is made in it
        self._root = tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None)
        self._number = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._root.cleanup()

    def new(self) -> Path:
        """An empty one."""
        self._number += 1
        folder = Path(self._root.name) / str(self._number)
        folder.mkdir()
        return folder


def _nothing_dropped(_: Call) -> bool:
    return False


class Trial:
    """One scene, played once; then stopped everywhere by :meth:`run`, as often as wanted.

    Its calls to syncs that *dropped* names are made to do nothing: so a sync that the program lacks looks.
    """

    def __init__(self, scene: Scene, places: Places) -> None:
        self.scene = scene
        self.counts = Counts()
        self._places = places
        self._tape = Tape()
        self._found: dict[bytes, Found | str] = {}
        with watching(Watch(folder := places.new(), self._tape, real_syncs=False)):
            scene.play(folder, self._tape)
        shutil.rmtree(folder)
        self.entries: Sequence[Entry] = self._tape.entries

    def run(
        self, *, quick: bool = False, inner: bool = True, every: int = 1, dropped: Drop = _nothing_dropped
    ) -> Iterator[Broken]:
        """Stop at each point, or at each *every*-th one; with *inner* also inside the recoveries.

        *quick* tries few images of each.
        """
        self.counts = Counts()
        disk, ledger = Disk(EMPTY), Ledger(self.scene.series)
        recovered: dict[str, set[bytes]] = {}
        for stop, entry in enumerate([*self.entries, None]):
            if stop % every == 0:
                self.counts.points += 1
                problem = self._stopped(disk.few() if quick else disk.images(), ledger)
                if problem is None and inner:
                    problem = self._inside(disk, recovered, dropped)
                if problem is not None:
                    yield Broken(self.scene.name, stop, _told(entry), problem)
            if isinstance(entry, Call):
                self.counts.calls[entry.kind] += 1
                if not dropped(entry):
                    disk.take(entry)
            elif entry is not None:
                self.counts.promises += 1
                ledger.take(entry)

    def _stopped(self, images: Iterable[Image], ledger: Ledger) -> str | None:
        for image in images:
            self.counts.images += 1
            found = self._recovered(image)
            problem = found if isinstance(found, str) else ledger.problem(found)
            if problem is not None:
                return problem
        return None

    def _inside(self, disk: Disk, known: dict[str, set[bytes]], dropped: Drop) -> str | None:
        """Recover some of the images that are not *known* yet, and stop that everywhere."""
        for image in disk.few():
            key, alike = image.key(), known.setdefault(str(self._recovered(image)), set())
            if key not in alike and len(alike) < INNER_EACH:
                alike.add(key)
                problem = self._stopped_again(image, dropped)
                if problem is not None:
                    return problem
        return None

    def _recovered(self, image: Image) -> Found | str:
        """What recovery finds in *image*; in words, where it fails."""
        key = image.key()
        if key not in self._found:
            self.counts.recoveries += 1
            folder = self._places.new()
            image.write(folder)
            self._found[key] = _tried(self.scene, folder)
            shutil.rmtree(folder)
        return self._found[key]

    def _stopped_again(self, image: Image, dropped: Drop) -> str | None:
        """Stop the recovery of *image* at each of its calls."""
        first = self._recovered(image)
        tape, folder = Tape(), self._places.new()
        image.write(folder)
        with watching(Watch(folder, tape, real_syncs=False)):
            _tried(self.scene, folder)
        shutil.rmtree(folder)
        disk = Disk(image)
        for entry in [*tape.entries, None]:
            self.counts.inner_points += 1
            for again in disk.few():
                self.counts.inner_images += 1
                found = self._recovered(again)
                if isinstance(found, str) or not _same(found, first):
                    return f"stopped in recovery before {_told(entry)}: {found}, and not {first}"
            if isinstance(entry, Call):
                self.counts.calls[entry.kind] += 1
                if not dropped(entry):
                    disk.take(entry)
        return None


def _tried(scene: Scene, folder: Path) -> Found | str:
    try:
        return scene.recover(folder)
    except (EMSError, AssertionError, ValueError) as error:
        return f"recovery fails: {type(error).__name__}: {error}"


def _same(again: Found, first: Found | str) -> bool:
    """A recovery may have brought what follows from the rest up to date; the rest is the same."""
    return not isinstance(first, str) and all(
        found == first.get(name) or (name in PROJECTIONS and found[0] >= first[name][0])
        for name, found in again.items()
    )


def _told(entry: Entry | None) -> str:
    if entry is None:
        return "its end"
    return entry.kind if isinstance(entry, Call) else str(entry)


def first_broken(broken: Iterable[Broken]) -> Broken | None:
    """The first, if there is one."""
    return next(iter(broken), None)
