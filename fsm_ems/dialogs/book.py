"""Everything the EMS knows, as a fold of its records: dialogs, their ids, identities, links, orphans.

Only :mod:`fsm_ems.dialogs.apply` changes a book. Looking into it is free.
"""

from __future__ import annotations

import heapq
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Any, NamedTuple

from fsm_ems.accounting.position import Position
from fsm_ems.brokerd import AboutExecution
from fsm_ems.dialogs import facts as f
from fsm_ems.dialogs.darkbook import DarkBook
from fsm_ems.dialogs.facts import Dialog
from fsm_ems.dialogs.record import Role
from fsm_ems.machines.link import LinkState
from fsm_ems.machines.order import ENDS, S
from fsm_ems.market import Market
from fsm_ems.messages import BrokerdFill, Report

_ENDS = frozenset(ENDS)
_SWEEP_ABOVE = 256
FORGOTTEN_MAX = 100_000
"""How many (owner, oid) of dialogs that left memory are still known, so that none is sent again."""
REQUESTS_OUT_MAX = 1_000
"""How many finished dialogs may stay past their time because a request about them is unanswered."""
ORPHANS_MAX = 10_000
"""How many orphan fills memory keeps; older ones stay in the log alone, and are not known again."""
_NONE: Mapping[Any, Dialog] = MappingProxyType({})
_UP = LinkState.UP  # asked for at every order, and looked up by the enum at some cost
_OPEN_LINKS = frozenset({LinkState.SYNCING, _UP})
_AT_ONCE = 1
_UNSENT = frozenset({S.PENDING, S.DARK_TRIGGERED, S.DARK_OPEN, S.ALERT_OPEN})


class Identity(NamedTuple):
    """Who may act or look on, and whose orders it sees; ``*`` means everyone's."""

    name: str
    role: Role
    sees: tuple[str, ...]


class Waiting(NamedTuple):
    """A report that maps to no dialog."""

    broker: str
    report: Report
    due_ns: int


class History(NamedTuple):
    """What a venue is asked for: see :mod:`fsm_ems.dialogs.decide_history`.

    *since* is the newest execution known when it last told all, by venue time and id; *newest* that of when
    it was asked (*asked*, 0 while no answer is awaited), and *resting* the orders that rested then. The
    answer has *wait_ns* to come, before the question is asked anew. *dropped*: something listed since it
    was asked waits no longer, or could not, and may be of an order of ours.
    """

    since: tuple[int, str | None]
    due_ns: int
    asked: int | str = 0
    newest: tuple[int, str | None] = (0, None)
    resting: tuple[tuple[str, str], ...] = ()
    wait_ns: int = 0
    dropped: bool = False


class Book:
    """The fold. Dialogs by (owner, oid), and by what a broker calls them.

    ``executions`` knows, by (broker, account), which dialog has an execution id, live or undone. Ids of
    dialogs that left memory left with them. ``positions`` are by account and market; ``differing`` holds the
    sizes that a venue states and we do not hold, by (account, market). ``amendments`` are the busts and
    corrections among the orphans, by (broker, account) and what they amend: the seq of each one's record.
    """

    __slots__ = (
        "_alarm_clock",
        "_sweep_at",
        "amendments",
        "by_reqid",
        "by_venue_id",
        "dark",
        "dialogs",
        "differing",
        "executions",
        "finished",
        "forgotten",
        "generation",
        "histories",
        "identities",
        "keep_age_ns",
        "keep_finished",
        "links",
        "markets",
        "orphan_execs",
        "orphans",
        "parked",
        "positions",
        "seq",
        "streams",
        "unacked",
        "watchers",
    )

    def __init__(self) -> None:
        self.seq = 0
        self.generation = ""
        self.keep_finished = 10_000
        self.keep_age_ns = 30 * 86_400 * 10**9
        self.dark = DarkBook()
        self.dialogs: dict[str, dict[str, Dialog]] = {}
        self.markets: dict[str, Market] = {}
        self.positions: dict[str, dict[str, Position]] = {}
        self.differing: dict[tuple[str, str], Decimal] = {}
        self.by_reqid: dict[str, dict[int | str, Dialog]] = {}
        self.by_venue_id: dict[str, dict[str, Dialog]] = {}
        self.executions: dict[tuple[str, str], dict[str, Dialog]] = {}
        self.identities: dict[str, Identity] = {}
        self.watchers: dict[str, tuple[str, ...]] = {}
        self.streams: dict[str, int] = {}
        self.links: dict[str, LinkState] = {}
        self.histories: dict[str, History] = {}
        self.parked: dict[int, Waiting] = {}
        self.orphans: dict[int, Waiting] = {}
        self.orphan_execs: dict[tuple[str, str], dict[str, int]] = {}
        self.amendments: dict[tuple[str, str], dict[str, int]] = {}
        self.finished: OrderedDict[Dialog, None] = OrderedDict()
        self.forgotten: OrderedDict[tuple[str, str], None] = OrderedDict()
        self.unacked: dict[str, int] = {}
        self._alarm_clock: list[tuple[int, int, Dialog]] = []
        self._sweep_at = _SWEEP_ABOVE

    def dialog(self, owner: str, oid: str) -> Dialog | None:
        """The dialog of that key, where memory still has it."""
        orders = self.dialogs.get(owner)
        return None if orders is None else orders.get(oid)

    def find(self, broker: str, reqid: int | str | None, venue_id: str | None) -> Dialog | None:
        """The dialog a report is about: by its request, else by the venue's id."""
        if reqid is not None:
            dialog = self.by_reqid.get(broker, _NONE).get(reqid)
            if dialog is not None:
                return dialog
        return None if venue_id is None else self.by_venue_id.get(broker, _NONE).get(venue_id)

    def orphan_about(self, broker: str, account: str, report: Report) -> int | None:
        """An orphan that is the execution *report* is about, or what that amends, or what amends it in the
        *account* of its order.
        """
        if not isinstance(report, AboutExecution):
            return None
        orphans = self.orphan_execs.get((broker, report.account), {})
        seq = orphans.get(report.exec_id)
        if seq is None and not isinstance(report, BrokerdFill):
            seq = orphans.get(report.ref_id)
        return self.amendments.get((broker, account), {}).get(report.exec_id) if seq is None else seq

    def __iter__(self) -> Iterator[Dialog]:
        for orders in self.dialogs.values():
            yield from orders.values()

    def at_broker(self, broker: str) -> list[Dialog]:
        """Dialogs of that broker that have not ended, in submit order within each owner."""
        return [dialog for dialog in self if dialog.state not in _ENDS and dialog.broker == broker]

    def link_up(self, broker: str) -> bool:
        """Whether requests may go out."""
        return self.links.get(broker) is _UP

    def link_open(self, broker: str) -> bool:
        """Whether requests about orders the venue has may go out; new orders wait until it is up."""
        return self.links.get(broker) in _OPEN_LINKS

    def watching(self, owner: str) -> tuple[str, ...]:
        """Who looks on at *owner*'s orders, and is told of each record of them as the owner is."""
        watching = self.watchers.get(owner)
        if watching is None:
            watching = self.watchers[owner] = tuple(
                sorted(
                    identity.name
                    for identity in self.identities.values()
                    if identity.name != owner and (owner in identity.sees or "*" in identity.sees)
                )
            )
        return watching

    def onlookers(self, owner: str) -> tuple[tuple[str, int], ...]:
        """Who looks on at *owner*'s orders, each with the seq that the next record has in its stream."""
        return tuple((name, self.streams.get(name, 0) + 1) for name in self.watching(owner))

    # ── what is due ─────────────────────────────────────────────────────────────────────────────────

    def wake(self, dialog: Dialog) -> None:
        """Note when *dialog* is to be looked at; an older, later note is left to lapse."""
        due = due_ns(dialog)
        if due:
            clock = self._alarm_clock
            heapq.heappush(clock, (due, self.seq, dialog))
            if len(clock) > self._sweep_at:
                self._sweep()

    def _sweep(self) -> None:
        """Drop the notes that lapsed; the next sweep comes when there are twice as many as are left."""
        live = {id(entry[2]): entry for entry in self._alarm_clock if due_ns(entry[2]) == entry[0]}
        self._alarm_clock = list(live.values())
        heapq.heapify(self._alarm_clock)
        self._sweep_at = max(_SWEEP_ABOVE, 2 * len(live))

    def next_due_ns(self) -> int | None:
        """When :meth:`pop_due` will have something; None when nothing is awaited."""
        clock = self._alarm_clock
        while clock and due_ns(clock[0][2]) != clock[0][0]:
            heapq.heappop(clock)
        times = [waiting.due_ns for waiting in self.parked.values()]
        times += [history.due_ns for broker, history in self.histories.items() if self._awaits(broker)]
        if clock:
            times.append(clock[0][0])
        return min(times, default=None)

    def _awaits(self, broker: str) -> bool:
        return self.histories[broker].due_ns > 0 and self.link_open(broker)

    def newest_execution(self, broker: str) -> tuple[int, str] | None:
        """The execution of *broker* that is the newest by venue time, its id beside it."""
        newest = [
            position.newest
            for held in self.positions.values()
            for position in held.values()
            if position.market.broker == broker and position.newest is not None
        ]
        return max(newest, default=None)

    def pop_due(self, now_ns: int) -> Dialog | None:
        """A dialog whose time has come. Its next note is made when a record changes it, or by the link."""
        clock = self._alarm_clock
        while clock and clock[0][0] <= now_ns:
            time_ns, _, dialog = heapq.heappop(clock)
            if due_ns(dialog) == time_ns:
                return dialog
        return None


def due_ns(dialog: Dialog) -> int:
    """When *dialog* must be looked at again, 0 for never: a deadline, a question, an expiry held here."""
    state = dialog.state
    if state in _ENDS:
        return 0
    if state in _UNSENT and not dialog.flags & f.SENT:
        return dialog.body.expire_ns or 0
    if not dialog.flags & f.ACKED and state is not S.UNKNOWN:
        return dialog.due_ns
    cancel = dialog.cancel
    if state is S.UNKNOWN:
        if cancel is None or not cancel.wanted:
            return dialog.due_ns
        return min(dialog.due_ns, cancel.again_ns or _AT_ONCE)  # one that never left has no time
    if state is S.CANCELLING:
        # In journals of before, one that never left is taken for the one that the venue weighs.
        return 0 if cancel is None else cancel.deadline_ns or _AT_ONCE
    if not dialog.edits:
        return 0
    # One that the venue weighs after all has a later deadline than those that left after it.
    return min((edit.deadline_ns for edit in dialog.edits if edit.out and not edit.settled), default=0)
