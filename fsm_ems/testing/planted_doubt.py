"""More planted bugs: about time, doubt, links, ownership and the log; see :mod:`fsm_ems.testing.planted`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace as with_fields
from typing import Any

from msgspec.structs import replace

from fsm_ems.dialogs import apply as applying
from fsm_ems.dialogs import (
    decide,
    decide_held,
    decide_history,
    decide_reports,
    exposure,
    fold_report,
    naming,
    naming_age,
    naming_status,
)
from fsm_ems.dialogs import facts as f
from fsm_ems.dialogs.book import Book
from fsm_ems.dialogs.darkbook import Ladder
from fsm_ems.dialogs.dispatcher import Dispatcher
from fsm_ems.dialogs.facts import Body, Dialog, body_of
from fsm_ems.dialogs.naming_steps import Name
from fsm_ems.dialogs.prices import Prices
from fsm_ems.dialogs.record import Orphaned, Record, Reported, Sent, Submitted, Timed
from fsm_ems.dialogs.settings import Settings
from fsm_ems.machines.order import ORDER, E, S
from fsm_ems.quotes import Row, Trade
from fsm_ems.testing.planted import Call, Patch


def _on_deadline(
    patch: Patch, state: Any, decide_instead: Callable[[Book, Settings, Dialog, int], Any]
) -> None:
    def make(known: Call) -> Call:
        def timed_out(book: Book, settings: Settings, dialog: Dialog, now_ns: int) -> Any:
            if dialog.state is state and dialog.flags & f.SENT:
                return decide_instead(book, settings, dialog, now_ns)
            return known(book, settings, dialog, now_ns)

        return timed_out

    patch.name(decide_reports, "timed_out", make)


def blind_resend(patch: Patch) -> None:
    """An order without an answer is sent again."""

    def again(book: Book, settings: Settings, dialog: Dialog, now_ns: int) -> Any:
        sent = Sent(decide.new_reqid(book, settings, dialog.broker), now_ns + settings.request_deadline_ns)
        return decide.record(book, now_ns, (dialog.owner, dialog.oid), E.SENDING, sent)

    _on_deadline(patch, S.PENDING, again)


def timeout_rejects(patch: Patch) -> None:
    """An order without an answer is taken for refused."""
    _on_deadline(
        patch,
        S.PENDING,
        lambda book, settings, dialog, now_ns: decide.record(
            book, now_ns, (dialog.owner, dialog.oid), E.REJECTED, Timed(0)
        ),
    )


def doubt_times_out(patch: Patch) -> None:
    """An order in doubt is taken to rest once nothing was heard for long enough."""
    _on_deadline(
        patch,
        S.UNKNOWN,
        lambda book, settings, dialog, now_ns: decide.record(
            book, now_ns, (dialog.owner, dialog.oid), E.FOUND_OPEN, Timed(0)
        ),
    )


def absent_once(patch: Patch) -> None:
    """One read that does not show the order is proof that it never arrived."""

    def make(known: Call) -> Call:
        def absent(dialog: Dialog, report: Any) -> Name:
            unseen = dialog.state is S.UNKNOWN and not dialog.flags & f.ACKED
            return Name(E.ABSENT) if unseen else known(dialog, report)

        return absent

    patch.name(naming_status, "_absent", make)


def resent_without_proof(patch: Patch) -> None:
    """One read that does not show the order is enough to send it again."""

    def make(known: Call) -> Call:
        def absent(dialog: Dialog, report: Any) -> Name:
            unseen = dialog.state is S.UNKNOWN and not dialog.flags & f.ACKED
            may = unseen and dialog.body.if_absent == "resend"
            return Name(E.ABSENT) if may and dialog.lost_reqid is None else known(dialog, report)

        return absent

    patch.name(naming_status, "_absent", make)


def _overlooked(patch: Patch, name: str) -> None:
    """What is weighed before an order is sent again lacks one of its facts."""

    def make(known: Call) -> Call:
        def absent(book: Book, settings: Settings, prices: Any, dialog: Dialog, *given: Any) -> Any:
            fact = getattr(dialog, name)
            setattr(dialog, name, None)
            try:
                return known(book, settings, prices, dialog, *given)
            finally:
                setattr(dialog, name, fact)

        return absent

    patch.name(decide_reports, "_absent", make)


def resent_although_cancelled(patch: Patch) -> None:
    """An order is sent again, and its owner's cancel is forgotten over that."""

    def make(known: Call) -> Call:
        def send_again(book: Book, record: Any, dialog: Dialog, *given: Any) -> None:
            dialog.cancel = None
            known(book, record, dialog, *given)

        return send_again

    _overlooked(patch, "cancel")
    patch.name(applying, "send_again", make)


def resent_twice(patch: Patch) -> None:
    """An order that was sent again and is absent once more is sent a third time."""
    _overlooked(patch, "lost_reqid")


def refusal_of_the_lost_believed(patch: Patch) -> None:
    """The request that came too late is refused, and the order sent in its place is taken for refused."""
    patch.name(naming, "_about_lost", lambda known: lambda named, report: named)


def doubt_is_no_range(patch: Patch) -> None:
    """What is booked is taken for what is held, whatever is in doubt."""
    patch.name(exposure, "_unseen", lambda known: lambda dialog: dialog.gap)


def range_without_edits(patch: Patch) -> None:
    """An edit whose answer is missing is taken not to have been accepted."""

    def make(known: Call) -> Call:
        return lambda dialog: max(dialog.size - dialog.booked, f.ZERO)

    patch.name(exposure, "_unbooked", make)


def absence_believed_of_a_late_taker(patch: Patch) -> None:
    """Two reads without an order are taken for proof where the broker may still take it."""
    patch.name(
        Settings,
        "capabilities",
        lambda known: lambda own, broker: with_fields(known(own, broker), deadline=True),
    )


def link_loss_ignored(patch: Patch) -> None:
    """An order stands as before when the link to its venue is lost."""
    patch.name(decide_reports, "link_lost", lambda known: lambda *given: None)


def unlisted_asked_at_once(patch: Patch) -> None:
    """An order that the venue's list lacks is asked about although an edit of it is on its way."""
    patch.name(decide_history, "last_deadline", lambda known: lambda dialog, now_ns: now_ns)


def sent_without_link(patch: Patch) -> None:
    """An order is sent whether or not the link is in step."""
    patch.name(Book, "link_up", lambda known: lambda book, broker: True)


# ── rights, streams, dark orders, the log ───────────────────────────────────────────────────────────


def read_before_and_believed(patch: Patch) -> None:
    """An answer settles what was restated after it was read."""
    patch.name(fold_report, "_settled_by_answers", lambda known: lambda dialog: None)


def older_looks_believed(patch: Patch) -> None:
    """How an order stood at a time nobody knows is how it stands."""
    patch.name(naming_status, "outdated", lambda known: lambda dialog, report: False)


def filled_when_smaller_believed(patch: Patch) -> None:
    """An order that was filled at some time is filled now, however much larger it has become."""
    patch.name(naming_age, "_resized", lambda known: lambda dialog: False)


def ends_of_before_believed(patch: Patch) -> None:
    """An end is one whenever it was read, and so is what had traded by then."""

    def make(known: Call) -> Call:
        return lambda dialog, report: report.status != "cancelled" and known(dialog, report)

    patch.name(naming_status, "outdated", make)


def older_look_leaves_no_trace(patch: Patch) -> None:
    """Of a look that puzzles nothing is kept, not even that the venue had the order."""
    patch.name(
        fold_report,
        "_puzzled",
        lambda known: lambda dialog, record, report: fold_report.doubted(dialog, record),
    )


def limits_of_yesterday(patch: Patch) -> None:
    """What waited goes out under the limits that it was accepted under."""
    patch.name(decide_reports, "over_limits", lambda known: lambda *given: None)


def told_to_others(patch: Patch) -> None:
    """Everyone is told of every order."""
    patch.name(Book, "watching", lambda _: lambda book, owner: tuple({*book.identities} - {owner}))


def anyone_may_cancel(patch: Patch) -> None:
    """A cancel finds the order by its oid, whoever's it is."""

    def make(known: Call) -> Call:
        def cancel(book: Book, settings: Settings, owner: str, command: Any, now_ns: int) -> Any:
            named = next((dialog for dialog in book if dialog.oid == command.oid), None)
            return known(book, settings, owner if named is None else named.owner, command, now_ns)

        return cancel

    patch.name(decide, "cancel", make)


def retry_is_a_new_order(patch: Patch) -> None:
    """The same order told twice is sent twice."""

    def make(known: Call) -> Call:
        def submit(book: Book, settings: Settings, prices: Any, owner: str, order: Any, now_ns: int) -> Any:
            made = known(book, settings, prices, owner, order, now_ns)
            if made is not None:
                return made
            reqid = decide.new_reqid(book, settings, order.market.rpartition(".")[2])
            payload = Submitted(body_of(order), reqid, now_ns + settings.request_deadline_ns)
            return decide.record(book, now_ns, (owner, order.oid), E.SUBMIT, payload)

        return submit

    patch.name(decide, "submit", make)


def stream_gap(patch: Patch) -> None:
    """A fill takes two numbers of its reader's stream."""

    def make(known: Call) -> Call:
        def record(*given: Any, **named: Any) -> Any:
            made = known(*given, **named)
            if made.event is E.FILL:
                made = replace(made, told=made.told + 1)
            return made

        return record

    patch.name(decide_reports, "record", make)


def dark_fires_again(patch: Patch) -> None:
    """A dark order goes out each time its price is met."""

    def make(known: Call) -> Call:
        def trigger(
            book: Book, settings: Settings, prices: Prices, dialog: Dialog, price: Any, now_ns: int
        ) -> Any:
            if dialog.state is not S.DARK_TRIGGERED or not book.link_up(dialog.broker):
                return known(book, settings, prices, dialog, price, now_ns)
            sent = Sent(
                decide.new_reqid(book, settings, dialog.broker), now_ns + settings.request_deadline_ns
            )
            return decide.record(book, now_ns, (dialog.owner, dialog.oid), E.SENDING, sent)

        return trigger

    patch.name(decide, "trigger", make)


def trails_from_the_middle(patch: Patch) -> None:
    """A trailing stop begins where the market stands, and not behind what it listens to."""

    def make(known: Call) -> Call:
        def heard(prices: Prices, market: str, side: str, oldest_ns: int) -> Any:
            return prices.stands(market, oldest_ns)

        return heard

    patch.name(Prices, "heard", make)


def trails_prints_past_the_touch(patch: Patch) -> None:
    """A trailing stop follows every print, at whichever side of the spread it was."""

    def make(known: Call) -> Call:
        def hits(ladder: Ladder, row: Row, bid: Any, ask: Any, *, quoted: bool) -> Any:
            return known(ladder, row, bid, ask, quoted=quoted and not isinstance(row, Trade))

        return hits

    patch.name(Ladder, "hits", make)


def trails_between_ticks(patch: Patch) -> None:
    """A trailing stop begins at its distance, on the tick or not."""

    def make(known: Call) -> Call:
        def stop_behind(book: Book, body: Body, seen: Any) -> Any:
            return seen + body.trail if body.side == "buy" else seen - body.trail

        return stop_behind

    patch.name(decide_held, "stop_behind", make)


def parked_dropped(patch: Patch) -> None:
    """A report that waited for its order is let go."""
    patch.name(decide_reports, "unparked", lambda known: lambda *given: (None, None))


def changed_beside_the_log(patch: Patch) -> None:
    """A fact changes without a record: a restart forgets it."""

    def make(known: Call) -> Call:
        def take(dispatcher: Dispatcher, made: Record) -> Any:
            effects = known(dispatcher, made)
            dialog = dispatcher.book.dialog(made.owner, made.oid)
            if dialog is not None and isinstance(made.payload, Reported):
                dialog.flags |= f.STOPPED
            return effects

        return take

    patch.name(Dispatcher, "_take", make)


def orphan_told_to_nobody(patch: Patch) -> None:
    """An execution that belongs to no order is booked on the account, and no person hears of it."""

    def make(known: Call) -> Call:
        def unmapped(*given: Any, **named: Any) -> Any:
            made = known(*given, **named)
            return (
                replace(made, told=0, onlookers=())
                if made is not None and isinstance(made.payload, Orphaned)
                else made
            )

        return unmapped

    patch.name(decide_reports, "unmapped", make)


def execution_counted_for_both(patch: Patch) -> None:
    """An execution that is told of two orders is booked on both."""
    patch.name(decide_reports, "_taken", lambda known: lambda book, dialog, report: None)


def row_swapped(patch: Patch) -> None:
    """A fill takes a cancelling order back to open."""
    patch.entry(ORDER.moves[S.CANCELLING], E.FILL, lambda known: S.OPEN)


def end_left(patch: Patch) -> None:
    """A late ack brings a cancelled order back."""
    patch.entry(ORDER.moves[S.CANCELLED], E.ACK, lambda known: S.ACKED)
