"""``python -m fsm_ems.testing.crash_points``: the power is cut everywhere, and nothing promised is lost.

Scenarios of orders on the shipped journal, of the record file, of the paper venue's own file and of the
accounts' files are played once each, on files whose every call is seen (:mod:`fsm_ems.testing.crash_watch`).
Then each is stopped at every write, sync, rename, removal, new file or folder, and at everything that was
sent, told or answered. Of each stop the images that a power cut can leave are made
(:mod:`fsm_ems.testing.crash_disk` says which), opened with the shipped code and compared
(:mod:`fsm_ems.testing.crash_check` says how), and recovery is cut everywhere as well.

Then each kind of sync that the shipped code makes, itself or by SQLite, is dropped in turn, in all scenarios:
some image must show it: few images of each stop first, then, in some scenarios, all of them and the
recoveries. A sync that nothing shows is needless, or the images are too few; those that are known to be
needless here are in :data:`NEEDLESS`, with the reason.

The exit code is 1 if anything is broken, or a dropped sync is not noticed.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import NamedTuple

from fsm_ems.testing.crash_check import Broken, Counts, Places, Trial, first_broken
from fsm_ems.testing.crash_files import file_scenes
from fsm_ems.testing.crash_orders import order_scenes
from fsm_ems.testing.crash_scene import Scene
from fsm_ems.testing.crash_watch import Call
from fsm_ems.testing.workers import above_zero, add_workers, spread

NEEDLESS: Mapping[str, str] = {
    "sync of journal.sqlite-wal by create": "moving the log into the database, right after, syncs it again",
    "sync folder of ems by SQLite in Journal._open": "the name of a log is synced before its pages",
    "sync of journal.sqlite-journal by is_blank": "it was synced before the database was touched",
    "sync folder of ems by SQLite in is_blank": "it was synced before the database was touched",
    "sync of journal.sqlite-wal by Writer._checkpoint": "each commit has synced the log already",
    "sync of journal.sqlite-wal by Writer._run": "each commit has synced the log already",
    "sync of journal.sqlite-wal by let_go": "what comes back is in a segment as well, and is read once",
    "sync folder of the folder by replace_text": "here the journal, whose folder it is, has done so",
}
"""Kinds of syncs that protect nothing in these scenarios, and why: SQLite's own, but for the last."""
DEEP = 6
"""So many scenarios are searched with all images for a sync that few do not show."""
_BROKEN_MAX = 3


class Tried(NamedTuple):
    """A scene that was stopped everywhere."""

    name: str
    counts: Counts
    broken: list[Broken]
    seconds: float


class Dropped(NamedTuple):
    """A kind of sync that was dropped, and what showed it."""

    kind: str
    broken: Broken | None
    scenes: int


def scenes() -> list[Scene]:
    """All of them."""
    return [*file_scenes(), *order_scenes()]


def tried(name: str, *, every: int = 1, inner: bool = True) -> Tried:
    """Stop the scene of that *name* at each *every*-th point; with *inner* in recovery as well."""
    began = time.monotonic()
    with Places() as places:
        trial = Trial(_named(name), places)
        broken: list[Broken] = []
        for one in trial.run(every=every, inner=inner):
            broken.append(one)
            if len(broken) == _BROKEN_MAX:
                break
        return Tried(name, trial.counts, broken, time.monotonic() - began)


def dropped(kind_in: tuple[str, Sequence[str]]) -> Dropped:
    """Play the scenes of these names without syncs of that kind until something is lost."""
    kind, names = kind_in

    def drop(call: Call) -> bool:
        return call.kind == kind

    tries = 0
    with Places() as places:
        trials = [Trial(_named(name), places) for name in names]
        passes = [(True, False, trials), (False, False, trials[:DEEP]), (True, True, trials[:DEEP])]
        for quick, inner, some in passes[:1] if kind in NEEDLESS else passes:
            for trial in some:
                tries += 1
                broken = first_broken(trial.run(quick=quick, inner=inner, dropped=drop))
                if broken is not None:
                    return Dropped(kind, broken, tries)
    return Dropped(kind, None, tries)


def _named(name: str) -> Scene:
    return next(scene for scene in scenes() if scene.name == name)


def _is_sync(kind: str) -> bool:
    return kind.startswith("sync ")


def _told(found: Sequence[Tried], seconds: float) -> Iterator[str]:
    total = Counts()
    for one in found:
        total.add(one.counts)
    points = total.points + total.inner_points
    images = total.images + total.inner_images
    yield ""
    yield (
        f"{len(found)} scenarios, {total.points:,} points, {total.images:,} images; inside their recoveries "
        f"{total.inner_points:,} points, {total.inner_images:,} images"
    )
    yield (
        f"{points:,} points and {images:,} images, {total.recoveries:,} of them different and recovered, "
        f"{total.promises:,} promises; {seconds:.0f} s"
    )
    broken = sum(len(one.broken) for one in found)
    yield f"{broken} points are broken" if broken else "100 % of the points hold"


def _line(one: Tried) -> str:
    counts = one.counts
    return (
        f"{one.name:<30} {counts.points:>4} points {counts.images:>6} images, again "
        f"{counts.inner_points:>6} points {counts.inner_images:>7} images, {one.seconds:>5.1f} s"
    )


def _stop_everywhere(arguments: argparse.Namespace, names: Sequence[str]) -> list[Tried]:
    began, found = time.monotonic(), list[Tried]()
    for one in spread(
        arguments.workers, partial(tried, every=arguments.every, inner=not arguments.no_recovery), names
    ):
        found.append(one)
        print(_line(one), flush=True)
        for broken in one.broken:
            print(f"  BROKEN {broken}", flush=True)
    print("\n".join(_told(found, time.monotonic() - began)))
    return found


def _drop_each(arguments: argparse.Namespace, found: Sequence[Tried]) -> int:
    """How many kinds of sync can be dropped without anybody noticing."""
    where: dict[str, list[str]] = {}
    for one in found:
        for kind in filter(_is_sync, one.counts.calls):
            where.setdefault(kind, []).append(one.name)
    unseen = 0
    print(f"\n{len(where)} kinds of sync, each dropped in turn:")
    for mutant in spread(arguments.workers, dropped, where.items()):
        if mutant.broken is not None:
            said = str(mutant.broken)
        elif mutant.kind in NEEDLESS:
            said = f"needless: {NEEDLESS[mutant.kind]}"
        else:
            said, unseen = f"NOT NOTICED in {len(where[mutant.kind])} scenarios", unseen + 1
        print(f"{mutant.kind}\n    {said}", flush=True)
    return unseen


def parser() -> argparse.ArgumentParser:
    """What the command line may say."""
    made = argparse.ArgumentParser(
        prog="python -m fsm_ems.testing.crash_points",
        description="Cut the power at every write, sync, rename and send, and see that nothing is lost.",
    )
    made.add_argument("--only", action="append", metavar="NAME", help="this scenario; may be repeated")
    made.add_argument(
        "--every", type=above_zero, default=1, metavar="N", help="stop at each N-th point alone (1)"
    )
    made.add_argument("--no-recovery", action="store_true", help="leave out the cuts in recovery")
    made.add_argument("--no-syncs", action="store_true", help="leave out the dropping of syncs")
    add_workers(made)
    return made


def main(argv: Sequence[str] | None = None) -> int:
    """Run what the command line asks for; the exit code."""
    arguments = parser().parse_args(argv)
    known = [scene.name for scene in scenes()]
    for name in arguments.only or ():
        if name not in known:
            print(f"no scenario is called {name}; there are: {', '.join(known)}", file=sys.stderr)
            return 2
    found = _stop_everywhere(arguments, arguments.only or known)
    broken = any(one.broken for one in found)
    unseen = 0 if arguments.no_syncs else _drop_each(arguments, found)
    return int(broken or bool(unseen))


if __name__ == "__main__":
    sys.exit(main())
