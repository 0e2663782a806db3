"""What reports, the link and passing time become: the other half of :mod:`fsm_ems.dialogs.decide`.

Pure as well. ``None`` means that there is nothing to record.
"""

from __future__ import annotations

from msgspec.structs import replace

from fsm_ems.brokerd import AboutExecution
from fsm_ems.dialogs import decide_history
from fsm_ems.dialogs import facts as f
from fsm_ems.dialogs.accounts import misplaced
from fsm_ems.dialogs.book import Book
from fsm_ems.dialogs.decide import last_deadline, new_reqid, out_of_date, over_limits, record, whole
from fsm_ems.dialogs.facts import Body, Dialog
from fsm_ems.dialogs.naming import name
from fsm_ems.dialogs.naming_kinds import gap_of, kind_of
from fsm_ems.dialogs.naming_status import WEIGHED
from fsm_ems.dialogs.prices import Prices
from fsm_ems.dialogs.record import (
    Adopted,
    CancelSent,
    Contradicted,
    EditSent,
    LinkMoved,
    Orphaned,
    Parked,
    Record,
    Reported,
    ReportedOfBefore,
    Sent,
    Timed,
    Unparked,
)
from fsm_ems.dialogs.settings import Settings
from fsm_ems.errors import BrokerFault
from fsm_ems.machines.link import LINK, LinkEvent, LinkState
from fsm_ems.machines.order import ORDER, QUIET, UNACKED, E, S
from fsm_ems.market import broker_of
from fsm_ems.messages import (
    BrokerdBust,
    BrokerdCorrection,
    BrokerdFill,
    BrokerdRefused,
    BrokerdStatus,
    Report,
)

_QUIET, _UNACKED = frozenset(QUIET), frozenset(UNACKED)
_MOVES = ORDER.moves
_RESTED = frozenset({S.OPEN, S.ACKED})
_MAY_WAIT = frozenset({S.PENDING, S.DARK_TRIGGERED})
_UNPROVEN = frozenset({E.MISSING, E.ABSENT, E.AMBIGUOUS})
_ADOPTABLE = frozenset(
    {
        "pending_new",
        "bidding",
        "open",
        "pending_cancel",
        "pending_edit",
        "stopped",
        "suspended",
        "done_for_day",
    }
)


def find(book: Book, broker: str, report: Report) -> Dialog | None:
    """The dialog a report is about, by what it is named in it, else by its execution."""
    return find_named(book, broker, report) or find_amended(book, broker, report)


def find_named(book: Book, broker: str, report: Report) -> Dialog | None:
    """The dialog a report names; a refusal may name the order beside the request that is refused."""
    dialog = book.find(broker, report.reqid, report.venue_id)
    if dialog is None and isinstance(report, BrokerdRefused) and report.target is not None:
        return book.find(broker, report.target, None)
    return dialog


def find_amended(book: Book, broker: str, report: Report) -> Dialog | None:
    """The dialog that has the execution which is undone or corrected.

    Its report names no order we know, and would else move the position of the account, and not the order.
    Of a correction it may be the outcome alone that is known: what undid or corrected that came first.
    """
    if not isinstance(report, BrokerdBust | BrokerdCorrection):
        return None
    executions = book.executions.get((broker, report.account), {})
    dialog = executions.get(report.ref_id)
    if dialog is None and isinstance(report, BrokerdCorrection):
        return executions.get(report.exec_id)
    return dialog


def mapped(
    book: Book,
    settings: Settings,
    prices: Prices,
    broker: str,
    dialog: Dialog,
    report: Report,
    now_ns: int,
    origin: int = 0,
) -> Record | None:
    """The record of a report about *dialog*; None when it tells nothing new.

    *prices* value an order that it proves never to have arrived, and that may be sent again.
    """
    named = name(dialog, report)
    key, event = (dialog.owner, dialog.oid), named.event
    if event is None:
        if named.attempted is None:
            return None
        payload = Contradicted(broker, report, named.attempted, origin)
        return record(book, now_ns, key, None, payload, alarm=named.alarm)
    if isinstance(report, AboutExecution) and (taken := _taken(book, dialog, report)) is not None:
        payload = Contradicted(broker, report, event, origin)
        return record(
            book, now_ns, key, None, payload, alarm=f"execution {taken} belongs to another order already"
        )
    if event not in _MOVES[dialog.state]:
        if ORDER.outcome(dialog.state, event) == "ignore":
            return None
        payload = Contradicted(broker, report, event, origin)
        return record(
            book, now_ns, key, None, payload, alarm=f"{event} cannot happen to an order in {dialog.state}"
        )
    alarm, venue_id, foreign, deadline = named.alarm, report.venue_id, False, 0
    if event in _UNPROVEN:
        if event is E.AMBIGUOUS:
            deadline = last_deadline(dialog, now_ns) + settings.margin_ns
        elif not settings.capabilities(broker).deadline and not dialog.flags & f.ACKED:
            if event is E.ABSENT:
                return None  # it may be taken at any time: no number of reads proves that it never will be
            alarm = "the venue does not show it, and takes late requests: it may still arrive"
    weighed = isinstance(report, BrokerdStatus) and report.status in WEIGHED
    if (weighed or dialog.cancel is not None) and not deadline:
        deadline = now_ns + settings.request_deadline_ns
    if venue_id is not None and venue_id != dialog.venue_id:
        foreign = _is_anothers(book, broker, dialog, report)
        if foreign and event is E.ACK and dialog.state in _QUIET and isinstance(report, BrokerdStatus):
            return None  # it brings a name alone, and that is not the order's
    if foreign or origin:
        stolen = f"{broker} tells of it as {venue_id}, which is another order's id" if foreign else None
        alarms = alarm, stolen, _misplaced(book, dialog, origin)
        alarm = "; ".join(filter(None, alarms)) or None
    kind = kind_of(dialog, report)
    if kind is ReportedOfBefore:
        alarm = "; ".join(filter(None, (alarm, gap_of(dialog, report)))) or None
    reported = kind(broker, report, deadline, origin, foreign)
    made = record(book, now_ns, key, event, reported, named.then, alarm)
    return made if event is not E.ABSENT else _absent(book, settings, prices, dialog, made, reported)


def _is_anothers(book: Book, broker: str, dialog: Dialog, report: Report) -> bool:
    """Whether the venue's id in *report*, which is not the one in force, is none of *dialog*'s.

    Once the order was sent again a new id may be that of the lost request, which the venue has after all: a
    request of the order's proves that it is not, and an execution does not.
    """
    known = book.find(broker, None, report.venue_id)
    if known is None:
        lost = dialog.lost_reqid is not None and find_named(book, broker, report) is not dialog
        return lost or dialog.is_lost(report.reqid)
    return known is not dialog or dialog.is_lost(report.reqid)


def _absent(
    book: Book, settings: Settings, prices: Prices, dialog: Dialog, made: Record, reported: Reported
) -> Record:
    """*made*, by which an order ends that never arrived; or it is sent again, if its owner allows that.

    Once, as any order is sent: while no cancel is wanted, its date has not passed, no limit now in force
    forbids it, and the link is in step: until that is so, this is one more read without it.
    """
    broker, now_ns = dialog.broker, made.time_ns
    again = dialog.body.if_absent == "resend" and dialog.lost_reqid is None and dialog.cancel is None
    if not again or out_of_date(dialog, now_ns):
        return made
    if not book.link_up(broker):
        return replace(made, event=E.MISSING)
    over = over_limits(settings, dialog, dialog.size, dialog.price, prices)
    if over is not None:
        return replace(made, alarm="; ".join(filter(None, (made.alarm, f"it was not sent again: {over}"))))
    deadline_ns = now_ns + settings.request_deadline_ns
    payload = replace(reported, reqid=new_reqid(book, settings, broker), deadline_ns=deadline_ns)
    fired = dialog.flags & f.TRIGGERED
    return replace(made, event=E.RESEND_DARK if fired else E.RESEND, payload=payload)


def _taken(book: Book, dialog: Dialog, report: BrokerdFill | BrokerdBust | BrokerdCorrection) -> str | None:
    """The execution that *report* names and another order has: one execution belongs to one order."""
    executions = book.executions.get((dialog.broker, dialog.body.account))
    if executions is None:
        return None
    if executions.get(report.exec_id, dialog) is not dialog and not isinstance(report, BrokerdBust):
        return report.exec_id
    if isinstance(report, BrokerdFill) or executions.get(report.ref_id, dialog) is dialog:
        return None
    return report.ref_id


def unmapped(
    book: Book, settings: Settings, broker: str, report: Report, now_ns: int, origin: int = 0
) -> Record | None:
    """The record of a report that finds no dialog: it waits, is adopted with its order, or is an orphan.

    An adoption does not take the report with it: the report is decided again, and finds its dialog then.
    """
    if isinstance(report, AboutExecution):
        account = broker, report.account
        booked = isinstance(report, BrokerdFill) and report.exec_id in book.executions.get(account, {})
        if booked or report.exec_id in book.orphan_execs.get(account, {}):
            return None  # on an order that the venue has named in another way before, or on the account
    waiting = sum(1 for parked in book.parked.values() if parked.broker == broker)
    body = _adoptable(broker, report)
    # A report that waited may be looked at when the link is gone: what it shows may have ended since.
    stranger = body is not None and book.link_open(broker) and not _may_be_ours(book, broker, report, body)
    if not origin and not stranger and book.unacked.get(broker, 0) and waiting < settings.parked_max:
        due = now_ns + settings.request_deadline_ns + settings.margin_ns
        return whole(book, now_ns, Parked(broker, report, due))
    if body is not None and stranger:
        key = (settings.operator, f"external-{book.seq + 1}")
        return record(book, now_ns, key, E.ADOPT, Adopted(body, broker, report.venue_id, report.reqid))
    payload = Orphaned(broker, report, origin)
    if not isinstance(report, AboutExecution):
        return whole(book, now_ns, payload)
    alarm = f"{report.name} {report.exec_id} belongs to no order that is known"
    return record(book, now_ns, (settings.operator, ""), None, payload, alarm=alarm)


def _may_be_ours(book: Book, broker: str, report: Report, body: Body) -> bool:
    """Whether it may be an order of ours, while one of ours lacks its ack or the venue's id: then it is not
    taken for a stranger's. One that was acknowledged counts too, for a venue may give it another name.

    A status that names the terms of none of ours is not of ours; an execution may leave its account out.
    """
    if not book.unacked.get(broker, 0):
        return False
    if not isinstance(report, BrokerdStatus):
        return True
    wanted = (body.market, body.side, body.account)
    return any(
        dialog.flags & f.SENT and (dialog.body.market, dialog.body.side, dialog.body.account) == wanted
        for dialog in book.at_broker(broker)
    )


def _adoptable(broker: str, report: Report) -> Body | None:
    """The body of an order that the report shows alive at the venue, in one of the broker's own markets."""
    if (
        report.venue_id is None
        or not isinstance(report, BrokerdStatus | BrokerdFill)
        or report.details is None
    ):
        return None
    if isinstance(report, BrokerdStatus) and report.status not in _ADOPTABLE:
        return None
    details = report.details
    if broker_of(details.market) != broker:
        return None
    return Body(
        side=details.side,
        market=details.market,
        size=details.size,
        price=details.price,
        type=details.type,
        tif="gtc",
        expire_ns=None,
        post_only=False,
        mode="live",
        direction=None,
        account=report.account,
    )


def link(book: Book, settings: Settings, broker: str, event: LinkEvent, now_ns: int) -> Record | None:
    """The record of a link's move.

    Raises:
        BrokerFault: the link cannot do that where it stands.
    """
    state = book.links.get(broker, LinkState.DOWN)
    outcome = LINK.outcome(state, event)
    if outcome == "ignore":
        return None
    if outcome == "anomaly":
        raise BrokerFault(f"the link to {broker} is {state}: it cannot take {event}")
    reached = event is LinkEvent.CONNECTED
    due = decide_history.first_due_ns(book, settings, broker, now_ns) if reached else 0
    return whole(book, now_ns, LinkMoved(broker, event, due))


def link_lost(book: Book, settings: Settings, dialog: Dialog, now_ns: int) -> Record | None:
    """The venue may hold the order, and nobody can see what becomes of it."""
    if E.LINK_LOST not in _MOVES[dialog.state] or not dialog.flags & f.SENT:
        return None
    if dialog.flags & f.UNSEEN and not dialog.asked:
        return None  # it is in doubt for that reason already, and no question is out
    due = last_deadline(dialog, now_ns) + settings.margin_ns
    return record(book, now_ns, (dialog.owner, dialog.oid), E.LINK_LOST, Timed(due))


def follow_up(book: Book, settings: Settings, dialog: Dialog, now_ns: int, prices: Prices) -> Record | None:
    """What an order's facts make due at once: a send that waited for the link, a held edit.

    Nothing goes out without its checks: what waited is held against the limits of now, which may not be
    those it was accepted under. *prices* are the last known, by market.
    """
    state = dialog.state
    if state in _RESTED:
        held = dialog.held_edit if dialog.edits else None
        if held is not None:
            size, price = held.size or dialog.size, held.price or dialog.price
            over = over_limits(settings, dialog, size, price, prices)
            event, deadline = E.EDIT_SENT, now_ns + settings.request_deadline_ns
            if over is not None:
                event, deadline, over = E.EDIT_WITHHELD, 0, f"edit {held.edit_id} was not sent: {over}"
            sent = EditSent(held.reqid, deadline)
            return record(book, now_ns, (dialog.owner, dialog.oid), event, sent, alarm=over)
    elif state in _MAY_WAIT and not dialog.flags & f.SENT and book.link_up(dialog.broker):
        return _goes_out(book, settings, dialog, now_ns, prices)
    return None


def _goes_out(book: Book, settings: Settings, dialog: Dialog, now_ns: int, prices: Prices) -> Record:
    """The record of an order that waited for the link, which is up: it is sent, or it ends here."""
    key, expire_ns = (dialog.owner, dialog.oid), dialog.body.expire_ns
    if expire_ns is not None and expire_ns <= now_ns:
        return record(book, now_ns, key, E.EXPIRED, Timed(0))
    over = over_limits(settings, dialog, dialog.size, dialog.price, prices)
    if over is not None:
        return record(book, now_ns, key, E.WITHHELD, Timed(0), alarm=f"it was not sent: {over}")
    order = Sent(new_reqid(book, settings, dialog.broker), now_ns + settings.request_deadline_ns)
    return record(book, now_ns, key, E.SENDING, order)


def timed_out(book: Book, settings: Settings, dialog: Dialog, now_ns: int) -> Record | None:
    """What passing time means for a dialog that is due."""
    key, state = (dialog.owner, dialog.oid), dialog.state
    if not dialog.flags & f.SENT:
        return record(book, now_ns, key, E.EXPIRED, Timed(0))
    if state is not S.UNKNOWN:
        return record(
            book, now_ns, key, E.DEADLINE, Timed(last_deadline(dialog, now_ns) + settings.margin_ns)
        )
    if not book.link_open(dialog.broker):
        return None
    cancel = dialog.cancel
    if cancel is not None and cancel.wanted and cancel.again_ns <= now_ns:
        every = deadline = settings.request_deadline_ns
        if dialog.flags & f.VANISHED:
            every = max(every, min(2 * cancel.every_ns, settings.redrive_max_ns))
        return record(book, now_ns, key, E.REDRIVE, CancelSent(now_ns + deadline, now_ns + every))
    return record(book, now_ns, key, E.ASK, Timed(now_ns + settings.patience_ns))


def unparked(
    book: Book, settings: Settings, prices: Prices, broker: str, seq: int, report: Report, now_ns: int
) -> tuple[Dialog | None, Record | None]:
    """What becomes of a report that waited: its dialog if there is one by now, and its record."""
    dialog = find(book, broker, report)
    if dialog is not None:
        return dialog, mapped(book, settings, prices, broker, dialog, report, now_ns, seq)
    return None, unmapped(book, settings, broker, report, now_ns, seq)


def dropped(book: Book, broker: str, dialog: Dialog | None, seq: int, now_ns: int) -> Record:
    """A report that waited and tells nothing new by now, for *dialog* if there is one: it waits no longer."""
    alarm = None if dialog is None else _misplaced(book, dialog, seq)
    if dialog is None or alarm is None:
        return whole(book, now_ns, Unparked(broker, seq))
    report = book.orphans[seq].report
    attempted = E.FILL if isinstance(report, BrokerdFill) else E.CORRECTED
    payload = Contradicted(broker, report, attempted, seq)
    return record(book, now_ns, (dialog.owner, dialog.oid), None, payload, alarm=alarm)


def _misplaced(book: Book, dialog: Dialog, origin: int) -> str | None:
    """The alarm about an execution of *dialog*'s that had moved another account's or market's position."""
    found = misplaced(book, dialog, origin)
    if found is None:
        return None
    market, clear = found
    account, body = book.orphans[origin].report.account, dialog.body
    return (
        f"execution {clear.exec_id} was booked on account {account} in {market}, and is taken back there: "
        f"its order is of account {body.account} in {body.market}"
    )
