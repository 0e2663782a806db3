"""Protocol bugs on purpose: each is planted in this process, and the searches must find it.

A search that finds nothing proves something only if it would have found what is there. Each mutant is a
mistake that somebody has made, in an exchange gateway or in the protocols that the reliability plan tried.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from fsm_ems.testing import planted as p
from fsm_ems.testing import planted_doubt as q
from fsm_ems.testing import planted_more as m
from fsm_ems.testing.bounds import scenes
from fsm_ems.testing.search import Search


class Mutant(NamedTuple):
    """A bug, and the scenes that are searched for it."""

    plant: Callable[[p.Patch], None]
    scenes: tuple[str, ...]

    @property
    def name(self) -> str:
        """As it is called on the command line."""
        return self.plant.__name__.replace("_", " ")


class Caught(NamedTuple):
    """What became of a mutant: *check* None means that it survived *states*."""

    name: str
    check: str | None
    scene: str
    states: int
    path: tuple[str, ...]


_MUTANTS: tuple[Mutant, ...] = (
    Mutant(p.no_dedupe, ("statements",)),
    Mutant(p.late_fill_dropped, ("statements",)),
    Mutant(p.overfill_dropped, ("statements",)),
    Mutant(p.bust_does_not_reopen, ("amended",)),
    Mutant(p.end_of_a_whole_order_forgotten, ("ends stated",)),
    Mutant(p.stated_is_added, ("statements",)),
    Mutant(p.split_forgets_executions, ("split",)),
    Mutant(p.stash_forgotten, ("doubt",)),
    Mutant(p.stash_sent_early, ("doubt",)),
    Mutant(p.refusal_kills, ("doubt",)),
    Mutant(p.refusal_ends_the_wish_in_doubt, ("doubt",)),
    Mutant(p.previous_state_restored, ("editing",)),
    Mutant(p.not_driven, ("doubt",)),
    Mutant(p.terms_at_request, ("two edits",)),
    Mutant(p.fill_proves_nothing, ("two edits",)),
    Mutant(p.held_edit_forgotten, ("two edits",)),
    Mutant(p.refused_id_in_force, ("editing",)),
    Mutant(p.old_answer_believed, ("honest: edit",)),
    Mutant(q.blind_resend, ("doubt",)),
    Mutant(q.timeout_rejects, ("honest: link",)),
    Mutant(q.doubt_times_out, ("doubt",)),
    Mutant(q.absent_once, ("doubt",)),
    Mutant(q.resent_without_proof, ("resend lost",)),
    Mutant(q.resent_although_cancelled, ("resend lower limits",)),
    Mutant(q.resent_twice, ("resend lost",)),
    Mutant(q.refusal_of_the_lost_believed, ("honest: resend",)),
    Mutant(q.doubt_is_no_range, ("honest: link",)),
    Mutant(q.range_without_edits, ("honest: edit",)),
    Mutant(q.absence_believed_of_a_late_taker, ("honest: late",)),
    Mutant(q.link_loss_ignored, ("honest: link",)),
    Mutant(q.unlisted_asked_at_once, ("gone: editing",)),
    Mutant(q.sent_without_link, ("doubt",)),
    Mutant(q.read_before_and_believed, ("read before",)),
    Mutant(q.older_looks_believed, ("amended before",)),
    Mutant(q.ends_of_before_believed, ("amended before",)),
    Mutant(q.older_look_leaves_no_trace, ("shown before",)),
    Mutant(q.filled_when_smaller_believed, ("resized before",)),
    Mutant(m.increase_of_the_filled_forgotten, ("larger",)),
    Mutant(m.larger_at_the_venue_is_filled, ("larger",)),
    Mutant(m.waiting_cancel_stays, ("doubt",)),
    Mutant(m.name_in_doubt_unlearnt, ("renamed before",)),
    Mutant(m.strangers_cancel_is_ours, ("foreign",)),
    Mutant(m.weighed_cancel_forgotten, ("weighed and cut off",)),
    Mutant(m.count_of_before_believed, ("amended before",)),
    Mutant(m.old_event_believed, ("amended before",)),
    Mutant(m.old_event_believed_in_doubt, ("amended before",)),
    Mutant(m.event_of_a_smaller_size_believed, ("resized before",)),
    Mutant(m.correction_told_before_ignored, ("told before",)),
    Mutant(m.size_before_explained_by_an_edit, ("resized twice",)),
    Mutant(m.execution_at_another_price, ("split",)),
    Mutant(m.undone_execution_ends_what_had_filled, ("amended",)),
    Mutant(q.limits_of_yesterday, ("lower limits",)),
    Mutant(q.told_to_others, ("pair: cancels",)),
    Mutant(q.anyone_may_cancel, ("pair: cancels",)),
    Mutant(q.retry_is_a_new_order, ("pair: cancels",)),
    Mutant(q.stream_gap, ("statements",)),
    Mutant(q.dark_fires_again, ("dark marks",)),
    Mutant(q.trails_from_the_middle, ("quotes: trail",)),
    Mutant(q.trails_prints_past_the_touch, ("quotes: trail",)),
    Mutant(q.trails_between_ticks, ("quotes: trail",)),
    Mutant(q.orphan_told_to_nobody, ("pair: foreign",)),
    Mutant(q.execution_counted_for_both, ("pair: one execution for both",)),
    Mutant(q.parked_dropped, ("pair: named in two ways",)),
    Mutant(q.changed_beside_the_log, ("statements",)),
    Mutant(q.row_swapped, ("statements",)),
    Mutant(q.end_left, ("doubt",)),
)


def mutants() -> tuple[Mutant, ...]:
    """Every planted bug."""
    return _MUTANTS


def hunt(name: str) -> Caught:
    """Plant the bug of that name, search for it, and take it out again.

    A bug that only crashes is no mistake that somebody could make in good faith: it no longer fits the code.
    """
    mutant = next(mutant for mutant in _MUTANTS if mutant.name == name)
    patch, states = p.Patch(), 0
    mutant.plant(patch)
    try:
        for scene in mutant.scenes:
            found = Search(scenes()[scene]()).run()
            states += found.states
            assert not found.crashed, f"{name} does not fit the code it is planted in: {found.breach}"
            if found.breach is not None:
                return Caught(name, found.breach, scene, states, found.path)
    finally:
        patch.take_back()
    return Caught(name, None, ", ".join(mutant.scenes), states, ())
