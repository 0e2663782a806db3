"""Bugs for the simulation to find: what only crashes, slow disks, bad quotes and restarts bring to light.

Beside them it is given those of :mod:`fsm_ems.testing.planted` and :mod:`fsm_ems.testing.planted_doubt`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from msgspec.structs import replace

from fsm_ems.dialogs import apply as applying
from fsm_ems.dialogs import decide, decide_history, decide_quotes, decide_reports, dispatcher
from fsm_ems.dialogs.book import Book
from fsm_ems.dialogs.dispatcher import Dispatcher
from fsm_ems.dialogs.prices import Seen
from fsm_ems.dialogs.record import Held, Record, Recalled
from fsm_ems.dialogs.settings import Settings
from fsm_ems.machines.order import E
from fsm_ems.testing import planted as p
from fsm_ems.testing import planted_doubt as q
from fsm_ems.testing.planted import Call, Patch
from fsm_ems.testing.simulate_disk import Disk
from fsm_ems.testing.simulate_run import run


def told_before_durable(patch: Patch) -> None:
    """Requests and answers leave when they are written, and not when that is safe."""

    def make(known: Call) -> Call:
        def sync(disk: Any) -> None:
            known(disk)
            durable, life, disk.durable = disk.durable, disk._life, len(disk.lines)
            disk._synced()
            if disk._life == life:
                disk.durable = durable

        return sync

    patch.name(Disk, "sync", make)


def applied_before_written(patch: Patch) -> None:
    """The book moves on although the record was never written."""

    def make(known: Call) -> Call:
        def take(ems: Dispatcher, made: Record, now_ns: int, effects: list[Any]) -> None:
            effects.extend(applying.apply(ems.book, made))
            ems._append(made)  # noqa: SLF001  # the bug is planted inside

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
    patch.name(Dispatcher, "_history", lambda known: lambda ems, broker, report, now_ns, effects: known(
        ems, broker, report.__class__(reqid=report.reqid, orders=(), fills=()), now_ns, effects
    ))


def unlisted_ignored(patch: Patch) -> None:
    """An order that the venue's list lacks stands as before."""
    patch.name(decide_history, "missing", lambda known: lambda *given: None)


def no_margin(patch: Patch) -> None:
    """An order without an answer is asked for at once, though it may still arrive."""
    patch.name(decide_reports, "_last_deadline", lambda known: lambda dialog, now_ns: now_ns - 10**10)


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
    from fsm_ems.dialogs import fold_report

    patch.name(fold_report, "unbook_execution", lambda known: lambda *given: None)


class Planted(NamedTuple):
    """A bug, and what the simulation must call it."""

    plant: Any
    seeds: int = 30
    first: int = 0

    @property
    def name(self) -> str:
        return self.plant.__name__.replace("_", " ")


PLANTED = tuple(
    Planted(bug)
    for bug in (
        told_before_durable, applied_before_written, counter_starts_again, history_not_read, unlisted_ignored, no_margin,
        stale_quotes_fire, crossed_quotes_fire, direction_flips, bust_forgets_the_position,
        p.no_dedupe, p.late_fill_dropped, p.overfill_dropped, p.bust_does_not_reopen, p.stated_is_added, p.stash_forgotten,
        p.stash_sent_early, p.refusal_kills, p.refusal_ends_the_wish_in_doubt, p.previous_state_restored, p.not_driven,
        p.terms_at_request, p.held_edit_forgotten, p.refused_id_in_force, p.old_answer_believed, p.fill_proves_nothing,
        q.blind_resend, q.timeout_rejects, q.doubt_times_out, q.absent_once, q.link_loss_ignored, q.sent_without_link,
        q.limits_of_yesterday, q.told_to_others, q.anyone_may_cancel, q.retry_is_a_new_order, q.stream_gap, q.dark_fires_again,
        q.parked_dropped, q.changed_beside_the_log, q.execution_counted_for_both, q.row_swapped, q.end_left,
    )
)
