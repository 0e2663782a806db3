"""The dispatcher: every input goes in here, and records and effects come out.

It maps ids to dialogs and dialogs to owners, and keeps the order decide → append → apply. It does no I/O:
*append* is handed in, ids and times are passed in, and effects are returned for the caller to carry out
once the records are durable: sends first, then notices.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal

from fsm_ems.brokerd import AboutExecution, AboutOrder
from fsm_ems.dialogs import decide, decide_accounts, decide_history, decide_quotes, decide_reports
from fsm_ems.dialogs.apply import apply
from fsm_ems.dialogs.book import Book
from fsm_ems.dialogs.dispatcher_claims import Claims
from fsm_ems.dialogs.facts import SENT, Dialog
from fsm_ems.dialogs.naming_status import differs
from fsm_ems.dialogs.prices import Prices
from fsm_ems.dialogs.recall import recalled
from fsm_ems.dialogs.record import Effect, Record, Role
from fsm_ems.dialogs.settings import Settings
from fsm_ems.errors import EMSBug
from fsm_ems.machines.link import LinkEvent, LinkState
from fsm_ems.messages import (
    AnyReport,
    BrokerdCorrection,
    BrokerdFill,
    BrokerdHistory,
    Cancel,
    Command,
    Order,
    Report,
)
from fsm_ems.quotes import Row
from fsm_ems.value import Value

Append = Callable[[Record], None]
Lookup = Callable[[str, int | str | None, str | None, tuple[str, str] | None], Sequence[Record]]
Life = Callable[[str, str], Sequence[Record]]


def _no_life(owner: str, oid: str) -> Sequence[Record]:
    return ()


def _half_way(record: Record) -> None:
    """Take *record* in the place of a log whose last record did not come through ``apply``."""
    raise EMSBug(
        f"record {record.seq} would rest on a book that has the one before it by half: only the log is right"
    )


class Answer(Value, frozen=True):
    """The answer to a command that was taken. It is not an event.

    *seq* is the log's seq it holds as of; *again* says that the same command had been taken before.
    """

    oid: str
    seq: int
    again: bool


def _nothing(
    broker: str, reqid: int | str | None, venue_id: str | None, execution: tuple[str, str] | None
) -> Sequence[Record]:
    return ()


class Dispatcher:
    """One book, one log. Every public method returns the effects that its records make due.

    The types of what is given are trusted, and looked at by :class:`~fsm_ems.service.EMS` and not here: times
    are ints of ns since the epoch, messages are made by their classes, or by ``parse_command`` and
    ``parse_report``, which check them. What is of another type may raise anything, or be recorded as it is.
    """

    def __init__(
        self,
        settings: Settings,
        append: Append,
        *,
        generation: str,
        now_ns: int,
        book: Book | None = None,
        lookup: Lookup = _nothing,
        life: Life = _no_life,
    ) -> None:
        """*generation* is a short text no other log of this account has had. *book* is a replayed one.

        ``prices`` are the last known by market, told by whoever runs this: market orders are valued at them.
        *lookup* and *life* ask the record log for the records of a dialog that memory has let go: by what a
        report calls it or by an execution that it has, and by its (owner, oid).
        """
        self.settings = settings
        self.book = Book() if book is None else book
        self.prices = Prices()
        self.ignored = 0
        self._listed: dict[str, set[tuple[str, str]]] = {}  # of a history that is being told in pages
        self._append = append
        self._lookup = lookup
        self._life = life
        self._take(decide.open_book(self.book, settings, generation, now_ns))
        while (made := decide_accounts.listed(self.book, settings.markets, now_ns)) is not None:
            self._take(made)

    # ── identities and links ────────────────────────────────────────────────────────────────────────

    def grant(self, identity: str, role: Role, now_ns: int, sees: tuple[str, ...] = ()) -> None:
        """Let *identity* act as a trader, or as an observer look on at the owners it *sees*."""
        made = decide.grant(self.book, identity, role, sees, now_ns)
        if made is not None:
            self._take(made)

    def link(self, broker: str, event: LinkEvent, now_ns: int) -> list[Effect]:
        """A broker's link moved. Losing it puts its orders in doubt; a link in step sends what waited.

        Raises:
            BrokerFault: the link cannot do that where it stands.
        """
        made = decide_reports.link(self.book, self.settings, broker, event, now_ns)
        if made is None:
            return []
        effects = self._take(made)
        for dialog in self.book.at_broker(broker):
            if event is LinkEvent.LOST:
                made = decide_reports.link_lost(self.book, self.settings, dialog, now_ns)
                effects += self._take_if(made)
            else:
                self._follow_up(dialog, now_ns, effects)
        return effects

    # ── commands ────────────────────────────────────────────────────────────────────────────────────

    def command(self, identity: str, command: Command, now_ns: int) -> tuple[Answer, list[Effect]]:
        """Take a client's command.

        Raises:
            Refused: it is not taken, and nothing has changed.
        """
        book, settings = self.book, self.settings
        if (identity, command.oid) in book.forgotten:
            self._bring_back(self._life(identity, command.oid), now_ns)
        if isinstance(command, Order):
            made = decide.submit(book, settings, self.prices, identity, command, now_ns)
        elif isinstance(command, Cancel):
            made = decide.cancel(book, settings, identity, command, now_ns)
        else:
            made = decide.edit(book, settings, self.prices, identity, command, now_ns)
        effects = self._take_if(made)
        return Answer(command.oid, book.seq, made is None), effects

    def trigger(self, owner: str, oid: str, now_ns: int, price: Decimal | None = None) -> list[Effect]:
        """Fire an owner's dark order or alert by hand; it fires at most once."""
        dialog = decide.own(self.book, owner, oid)
        made = decide.trigger(self.book, self.settings, self.prices, dialog, price, now_ns)
        return self._take_if(made)

    # ── the market ──────────────────────────────────────────────────────────────────────────────────

    def quote(self, market: str, row: Row, now_ns: int) -> Sequence[Effect]:
        """Take a quote or a print of *market*: what is held here and waits for its price is fired.

        A row that is too old, out of order, crossed or zero fires nothing.
        """
        seen = self.prices.of(market)
        if not seen.take(row, now_ns, self.settings.quote_age_ns):
            return ()
        ladder = self.book.dark.ladders.get(market)
        if ladder is None:
            return ()
        quoted = seen.is_quoted(now_ns - self.settings.quote_age_ns)
        hits = ladder.hits(row, seen.bid, seen.ask, quoted=quoted)
        if not hits:
            return ()
        effects: list[Effect] = []
        for hit in hits:
            effects += self._take_if(decide_quotes.met(self.book, self.settings, seen, hit, now_ns))
        return effects

    # ── reports and time ────────────────────────────────────────────────────────────────────────────

    def report(self, broker: str, report: AnyReport, now_ns: int) -> list[Effect]:
        """Take a broker's report: it reaches its dialog, waits for it, makes one, or is an orphan."""
        book = self.book
        if not isinstance(report, AboutOrder):
            if isinstance(report, BrokerdHistory):
                return self._history(broker, report, now_ns)
            made = decide_accounts.accounted(book, self.settings, broker, report, now_ns)
            return self._take_if(made)
        reqid = report.reqid
        dialog = book.find(broker, reqid, report.venue_id)
        if dialog is None:
            dialog = decide_reports.find_named(book, broker, report) or self._recall(broker, report, now_ns)
        elif (
            reqid != dialog.reqid
            and book.forgotten
            and reqid is not None
            and not book.find(broker, reqid, None)
        ):
            # Found by the venue's id alone, which an order that memory has let go may have had before it.
            dialog = self._bring_back(self._lookup(broker, reqid, None, None), now_ns) or dialog
        if dialog is None:
            return self._unmapped(broker, report, now_ns)
        made = decide_reports.mapped(book, self.settings, self.prices, broker, dialog, report, now_ns)
        if made is None:
            self.ignored += 1
            return []
        known_as = dialog.venue_id
        effects = self._take(made)
        if dialog.edits or not dialog.flags & SENT:
            self._follow_up(dialog, now_ns, effects)
        if book.orphans or book.parked:
            self._look_at_orphans(broker, dialog, report, now_ns, effects)
            self._unpark(broker, now_ns, effects)
            if dialog.venue_id != known_as:
                self._claim(broker, now_ns, effects)
        return effects

    def pass_time(self, now_ns: int) -> list[Effect]:
        """Everything that is due at *now_ns*: deadlines, questions, re-driven cancels, expiries held here."""
        effects: list[Effect] = []
        while (dialog := self.book.pop_due(now_ns)) is not None:
            effects += self._take_if(decide_reports.timed_out(self.book, self.settings, dialog, now_ns))
        for seq, waiting in list(self.book.parked.items()):
            if waiting.due_ns <= now_ns:
                self._settle(waiting.broker, seq, waiting.report, now_ns, effects)
        while (broker := decide_history.due(self.book, now_ns)) is not None:
            self._listed.pop(broker, None)
            effects += self._take(decide_history.asked(self.book, self.settings, broker, now_ns))
        return effects

    def next_due_ns(self) -> int | None:
        """When :meth:`pass_time` will have something to do."""
        return self.book.next_due_ns()

    # ── inside ──────────────────────────────────────────────────────────────────────────────────────

    def _history(self, broker: str, report: BrokerdHistory, now_ns: int) -> list[Effect]:
        """Take a page of what a venue has; the last page of the awaited answer brings the link in step.

        Its facts count whatever question it answers.
        """
        book, listed, effects = self.book, set[tuple[str, str]](), list[Effect]()
        for order in report.orders:
            effects += self.report(broker, order, now_ns)
            dialog = decide_reports.find(book, broker, order)
            if dialog is not None and not differs(dialog, order):
                listed.add((dialog.owner, dialog.oid))
        for fill in report.fills:
            effects += self.report(broker, fill, now_ns)
        history = book.histories.get(broker)
        if history is None or not history.asked or report.reqid != history.asked:
            return effects
        listed |= self._listed.get(broker, set())
        if not report.last:
            self._listed[broker] = listed
            return effects
        for made in decide_history.missing(book, self.settings, broker, listed, now_ns):
            effects += self._take(made)
        self._listed.pop(broker, None)
        effects += self._take(decide_history.read(book, self.settings, broker, report.reqid, now_ns))
        if book.links.get(broker) is LinkState.SYNCING:
            effects += self.link(broker, LinkEvent.SYNCED, now_ns)
        return effects

    def _take(self, made: Record) -> list[Effect]:
        append = self._append  # an attribute, and no method: this way it is found at once
        append(made)
        try:
            return apply(self.book, made)
        except BaseException:
            self._append = _half_way
            raise

    def _take_if(self, made: Record | None) -> list[Effect]:
        return [] if made is None else self._take(made)

    def _follow_up(self, dialog: Dialog, now_ns: int, effects: list[Effect]) -> None:
        while (
            made := decide_reports.follow_up(self.book, self.settings, dialog, now_ns, self.prices)
        ) is not None:
            effects += self._take(made)

    def _recall(self, broker: str, report: Report, now_ns: int) -> Dialog | None:
        """The order that *report* names and memory has let go, else the one whose execution it is about."""
        amended = decide_reports.find_amended(self.book, broker, report)
        if not self.book.forgotten:
            return amended
        execution = None
        if amended is None and isinstance(report, AboutExecution):
            execution = report.account, report.exec_id if isinstance(report, BrokerdFill) else report.ref_id
        life = self._lookup(broker, report.reqid, report.venue_id, execution)
        if execution is not None and not life and isinstance(report, BrokerdCorrection):
            life = self._lookup(broker, None, None, (report.account, report.exec_id))
        return self._bring_back(life, now_ns) or amended

    def _bring_back(self, records: Sequence[Record], now_ns: int) -> Dialog | None:
        made = recalled(self.book, records, now_ns)
        if made is None:
            return None
        self._take(made)
        return self.book.dialog(made.owner, made.oid)

    def _unmapped(self, broker: str, report: Report, now_ns: int) -> list[Effect]:
        made = decide_reports.unmapped(self.book, self.settings, broker, report, now_ns)
        if made is None:
            self.ignored += 1
            return []
        effects = self._take(made)
        if made.event is not None:
            effects += self.report(broker, report, now_ns)
            self._claim(broker, now_ns, effects)
        return effects

    def _unpark(self, broker: str, now_ns: int, effects: list[Effect]) -> None:
        """Look again at what found no dialog: it has one now, or there is none left to wait for."""
        book = self.book
        waits = bool(book.unacked.get(broker, 0))
        for seq, waiting in list(book.parked.items()):
            if waiting.broker == broker and (
                not waits or decide_reports.find(book, broker, waiting.report) is not None
            ):
                self._settle(broker, seq, waiting.report, now_ns, effects)

    def _claim(self, broker: str, now_ns: int, effects: list[Effect]) -> None:
        """A venue id was learnt: fills that were nobody's may be its order's.

        Each may bring another name, and so lead to others before it: a chain of them has no bound but that of
        all orphans, and is no recursion.
        """
        claims = Claims(self.book, broker)
        for seq, report in claims:
            _, taken = self._settled(broker, seq, report, now_ns, effects)
            claims.learn(taken)

    def _settle(self, broker: str, seq: int, report: Report, now_ns: int, effects: list[Effect]) -> None:
        """Take a report that waited, and what its order may claim now."""
        is_named, _ = self._settled(broker, seq, report, now_ns, effects)
        if is_named:
            self._claim(broker, now_ns, effects)

    def _settled(
        self, broker: str, seq: int, report: Report, now_ns: int, effects: list[Effect]
    ) -> tuple[bool, list[Report]]:
        """Take a report that waited; whether its order has another name by that, or was adopted by it, and
        all that reached its order.
        """
        if decide_reports.find(self.book, broker, report) is None:
            self._recall(broker, report, now_ns)  # it may have been found, and let go, while this waited
        dialog, made = decide_reports.unparked(
            self.book, self.settings, self.prices, broker, seq, report, now_ns
        )
        known_as = None if dialog is None else dialog.venue_id
        effects += self._take(made or decide_reports.dropped(self.book, broker, dialog, seq, now_ns))
        if dialog is not None:
            self._follow_up(dialog, now_ns, effects)
            taken = self._look_at_orphans(broker, dialog, report, now_ns, effects)
            return dialog.venue_id != known_as, taken
        if made is not None and made.event is not None:
            _, taken = self._settled(broker, seq, report, now_ns, effects)
            return True, taken
        return False, []

    def _look_at_orphans(
        self, broker: str, dialog: Dialog, report: Report, now_ns: int, effects: list[Effect]
    ) -> list[Report]:
        """An execution that was nobody's is on its order now, or undone there: it counts once.

        A correction that was nobody's, and is corrected there, says also what it had replaced itself.
        What amends an execution may have come before it, without a name of the order: it belongs there too.
        Each leads to others, and a chain of them has no bound but that of all orphans: it is no recursion.
        All of them are given back, *report* first.
        """
        looks, taken = [report], list[Report]()
        while looks:
            report = looks.pop()
            taken.append(report)
            while (seq := self.book.orphan_about(broker, dialog.body.account, report)) is not None:
                orphan = self.book.orphans[seq].report
                # An end of its own may have let it go, as does its age.
                here = self.book.dialog(dialog.owner, dialog.oid)
                here = here or self._bring_back(self._life(dialog.owner, dialog.oid), now_ns)
                made = here and decide_reports.mapped(
                    self.book, self.settings, self.prices, broker, here, orphan, now_ns, seq
                )
                effects += self._take(made or decide_reports.dropped(self.book, broker, here, seq, now_ns))
                if here is not None:
                    self._follow_up(here, now_ns, effects)
                looks.append(orphan)
        return taken
