"""Bugs for the simulation to find: what only crashes, slow disks, bad quotes and restarts bring to light.

Beside them it is given those of :mod:`fsm_ems.testing.planted` and :mod:`fsm_ems.testing.planted_doubt`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

from fsm_ems.dialogs import apply as applying
from fsm_ems.dialogs import decide, decide_history, decide_reports, fold_report
from fsm_ems.dialogs.book import Book
from fsm_ems.dialogs.dispatcher import Dispatcher
from fsm_ems.dialogs.prices import Seen
from fsm_ems.dialogs.record import Effect, Held, Record
from fsm_ems.dialogs.settings import Settings
from fsm_ems.testing import planted as p
from fsm_ems.testing import planted_doubt as q
from fsm_ems.testing.planted import Call, Patch
from fsm_ems.testing.simulate_disk import Disk
from fsm_ems.testing.simulate_run import FAILED, run


def told_before_durable(patch: Patch) -> None:
    """Requests and answers leave when they are written, and not when that is safe."""

    def make(known: Call) -> Call:
        def sync(disk: Any) -> None:
            known(disk)
            durable, lives, disk.durable = disk.durable, disk.lives, len(disk.lines)
            disk.synced()
            if disk.lives == lives:
                disk.durable = durable

        return sync

    patch.name(Disk, "sync", make)


def applied_before_written(patch: Patch) -> None:
    """The book moves on although the record was never written."""

    def make(known: Call) -> Call:
        def take(ems: Dispatcher, made: Record) -> list[Effect]:
            effects = applying.apply(ems.book, made)
            ems._append(made)  # noqa: SLF001  # the bug is planted inside
            return effects

        return take

    patch.name(Dispatcher, "_take", make)


def counter_starts_again(patch: Patch) -> None:
    """Request ids are counted, and the count begins anew with each process."""
    counts: dict[int, int] = {}

    def make(known: Call) -> Call:
        def new_reqid(book: Book, settings: Settings, broker: str) -> int | str:
            counts[id(book)] = counts.get(id(book), 0) + 1
            return counts[id(book)]

        return new_reqid

    for module in (decide, decide_reports, decide_history):
        patch.name(module, "new_reqid", make)


def history_not_read(patch: Patch) -> None:
    """What the venue lists after a connection is not looked at."""
    patch.name(
        Dispatcher,
        "_history",
        lambda known: (
            lambda ems, broker, report, now_ns: known(
                ems, broker, report.__class__(reqid=report.reqid, orders=(), fills=()), now_ns
            )
        ),
    )


def unlisted_ignored(patch: Patch) -> None:
    """An order that the venue's list lacks stands as before."""
    patch.name(decide_history, "missing", lambda known: lambda *given: ())


def stale_quotes_fire(patch: Patch) -> None:
    """However old a row is, it counts."""
    patch.name(Seen, "take", lambda known: lambda seen, row, now_ns, age_ns: known(seen, row, now_ns, 10**18))


def crossed_quotes_fire(patch: Patch) -> None:
    """A quote is believed whatever it shows."""

    def make(known: Call) -> Call:
        def take(seen: Seen, row: Any, now_ns: int, age_ns: int) -> bool:
            taken: bool = known(seen, row, now_ns, age_ns)
            if taken and hasattr(row, "bid"):
                seen.bid, seen.ask = row.bid, row.ask
            return taken

        return take

    patch.name(Seen, "take", make)


def direction_flips(patch: Patch) -> None:
    """From where a price is met is worked out anew by each process that reads the record."""

    def make(known: Call) -> Call:
        def held(book: Book, record: Record, dialog: Any, payload: Held, effects: list[Any]) -> None:
            known(book, record, dialog, payload, effects)
            if dialog.body.direction is None:
                dialog.direction = "at_or_above"

        return held

    patch.entry(applying._PARTS, Held, make)  # noqa: SLF001  # the bug is planted inside


def bust_forgets_the_position(patch: Patch) -> None:
    """An execution that is undone on its order stays in the account."""
    patch.name(fold_report, "unbook_execution", lambda known: lambda *given: None)


def everything_parks(patch: Patch) -> None:
    """However many reports wait for an order of theirs, one more may."""
    patch.name(
        decide_reports,
        "unmapped",
        lambda known: lambda book, settings, *given: known(book, replace(settings, parked_max=10**6), *given),
    )


def edits_without_end(patch: Patch) -> None:
    """However many edits of an order are open, one more is taken."""
    patch.name(
        decide,
        "edit",
        lambda known: (
            lambda book, settings, *given: known(book, replace(settings, open_edits_max=10**6), *given)
        ),
    )


def finished_stay(patch: Patch) -> None:
    """Memory lets go of no order that has ended."""
    patch.name(applying, "_let_go", lambda known: lambda *given: None)


def names_stay(patch: Patch) -> None:
    """The executions of an order that memory let go still lead to it: the table grows for ever."""

    def make(known: Call) -> Call:
        def unindex(book: Book, dialog: Any) -> None:
            known(book, dialog)
            executions = book.executions.get((dialog.broker, dialog.body.account), {})
            executions.update(dict.fromkeys(dialog.fills or (), dialog))

        return unindex

    patch.name(applying, "unindex", make)


def adopted_twice(patch: Patch) -> None:
    """An order that was born at its venue is found anew by each report of it."""

    def make(known: Call) -> Call:
        def find(book: Book, broker: str, reqid: int | str | None, venue_id: str | None) -> Any:
            dialog = known(book, broker, reqid, venue_id)
            return None if dialog is not None and dialog.owner == "operator" else dialog

        return find

    patch.name(Book, "find", make)


def brokers_mixed_up(patch: Patch) -> None:
    """What one venue says of an execution is taken for what the other does: both count from X1."""

    def make(known: Call) -> Call:
        def unmapped(book: Book, settings: Settings, broker: str, report: Any, *given: Any) -> Any:
            exec_id = getattr(report, "exec_id", None)
            if any(exec_id in executions for executions in book.executions.values()):
                return None
            return known(book, settings, broker, report, *given)

        return unmapped

    patch.name(decide_reports, "unmapped", make)


class Bug(NamedTuple):
    """A bug, and how many seeds from *first* on the simulation gets to find it.

    It begins near a seed that found it, so that the search is short; others find it as well.
    """

    plant: Callable[[Patch], None]
    seeds: int
    first: int = 0

    @property
    def name(self) -> str:
        """As it is called on the command line."""
        return self.plant.__name__.replace("_", " ")


class Caught(NamedTuple):
    """What became of a bug: *breach* None means that it survived so many *seeds*."""

    name: str
    breach: str | None
    seed: int
    seeds: int


SECONDS = 100
"""How long faults last at most in the seeds that look for a bug."""
_PLANTED: tuple[Bug, ...] = (
    Bug(told_before_durable, 10),
    Bug(applied_before_written, 20),
    Bug(counter_starts_again, 10),
    Bug(history_not_read, 10),
    Bug(unlisted_ignored, 60),
    Bug(stale_quotes_fire, 60, first=30),
    Bug(crossed_quotes_fire, 40),
    Bug(direction_flips, 10),
    Bug(bust_forgets_the_position, 10),
    Bug(everything_parks, 60, first=25),
    Bug(edits_without_end, 20, first=20),
    Bug(finished_stay, 10),
    Bug(names_stay, 10),
    Bug(adopted_twice, 10),
    Bug(brokers_mixed_up, 60),
    Bug(p.no_dedupe, 10),
    Bug(p.late_fill_dropped, 10),
    Bug(p.bust_does_not_reopen, 20),
    Bug(p.stated_is_added, 10),
    Bug(p.stash_sent_early, 20),
    Bug(p.refusal_ends_the_wish_in_doubt, 20),
    Bug(p.terms_at_request, 60, first=145),
    Bug(p.held_edit_forgotten, 60),
    Bug(q.blind_resend, 40),
    Bug(q.timeout_rejects, 40),
    Bug(q.link_loss_ignored, 10),
    Bug(q.sent_without_link, 10),
    Bug(q.limits_of_yesterday, 80, first=12),
    Bug(q.told_to_others, 10),
    Bug(q.anyone_may_cancel, 10),
    Bug(q.retry_is_a_new_order, 20),
    Bug(q.stream_gap, 10),
    Bug(q.dark_fires_again, 60, first=40),
    Bug(q.changed_beside_the_log, 10),
)


def planted() -> tuple[Bug, ...]:
    """Every bug the simulation is given to find."""
    return _PLANTED


def hunt(name: str) -> Caught:
    """Plant the bug of that name, run seeds until one breaks a promise, and take it out again.

    A bug that only crashes is no mistake that somebody could make in good faith: it no longer fits the code.
    """
    bug = next(bug for bug in _PLANTED if bug.name == name)
    patch = Patch()
    bug.plant(patch)
    try:
        for seed in range(bug.first, bug.first + bug.seeds):
            ran = run(seed, SECONDS)
            if ran.breach is not None:
                fits = not ran.breach.startswith(FAILED)
                assert fits, f"{name} does not fit the code it is planted in: {ran.breach}"
                return Caught(name, ran.breach, seed, seed + 1 - bug.first)
    finally:
        patch.take_back()
    return Caught(name, None, 0, bug.seeds)
