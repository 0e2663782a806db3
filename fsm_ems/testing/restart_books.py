"""The EMS of the crash searches: the shipped dispatcher, asked once what each book does with each input.

A search meets the same book in thousands of situations. So a book is kept once, in a normal form: what was
numbered by its log has a name that tells what it is (``o.o1`` is the first request of order ``o``), and it is
always :data:`NOW_NS`. Two books that differ only in how often something was numbered, or in when it happened,
become one. What a book does with an input is found out by the real ``decide`` and ``apply``, and remembered.

Each record goes through the codec of the journal and is applied again, to a second book: that is the one
which is kept, and it must equal the live one (P14). So a crash after any record finds what replay made.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import NamedTuple, TypeVar

from fsm_ems.dialogs import facts as f
from fsm_ems.dialogs.apply import apply
from fsm_ems.dialogs.asking import SendHistory
from fsm_ems.dialogs.book import Book
from fsm_ems.dialogs.dispatcher import Dispatcher
from fsm_ems.dialogs.facts import Dialog
from fsm_ems.dialogs.prices import Prices
from fsm_ems.dialogs.record import (
    Effect,
    Notice,
    Record,
    Send,
    SendAbout,
    SendOrder,
)
from fsm_ems.dialogs.settings import Settings
from fsm_ems.dialogs.snapshot import facts
from fsm_ems.journal.codec import decode, encode
from fsm_ems.machines.link import LinkEvent
from fsm_ems.messages import Command, Order
from fsm_ems.quotes import Row
from fsm_ems.testing.audit_restart import Shown
from fsm_ems.testing.breach import Breach
from fsm_ems.testing.canonical import Names, canonical
from fsm_ems.testing.clone import clone
from fsm_ems.testing.inputs import Commanded, Heard, LinkMoved, Outcome, Quoted, TimePassed, put
from fsm_ems.testing.letters import BROKER
from fsm_ems.testing.restart_letters import OWNER, Asked, Given, Message, Request, heard, superseded
from fsm_ems.testing.restart_normal import GENERATION, NOW_NS, name_new, normalize
from fsm_ems.testing.search import Edge

V = TypeVar("V")

_RECORDS_MAX = 200


class Group(NamedTuple):
    """What one input appended: the book after each record, and what leaves once the last is durable.

    *sends* are numbers of requests, *told* pairs an order's place with the state that its owner is told of.
    *answers* are the commands that were taken; *stale* names the questions that a newer one has replaced.
    """

    books: tuple[int, ...]
    sends: tuple[int, ...] = ()
    told: tuple[tuple[int, str], ...] = ()
    answers: tuple[Asked, ...] = ()
    stale: tuple[str, ...] = ()


class Summary(NamedTuple):
    """A book as the world needs it: its orders by place, its link, and whether it waits for a time."""

    orders: tuple[Shown | None, ...]
    link: str
    waits: bool


def recovered(book: Book) -> Book:
    """The book that a new process starts from: what replay made of the records, and nothing else."""
    return book


class Books:
    """Every book that was met, by number, and what it does with each input."""

    def __init__(
        self,
        settings: Settings,
        orders: Sequence[Order],
        *,
        commands: Sequence[Command],
        rows: Sequence[Row],
        skew: int,
    ) -> None:
        """*skew* is by how many ticks the clocks of EMS and venue may differ."""
        self.settings = settings
        self._orders = tuple(orders)
        self._place = {order.oid: place for place, order in enumerate(orders)}
        self._commands = tuple(commands)
        self._rows = tuple(rows)
        self._heeds = settings.capabilities(BROKER).deadline
        self._least = -skew - 1
        self._records: list[Record] = []
        self._dispatcher = Dispatcher(settings, self._append, generation=GENERATION, now_ns=NOW_NS)
        self.requests: list[Request] = []
        self.messages: list[Message] = []
        self._numbers: dict[Hashable, int] = {}
        self._books: list[Book] = []
        self.summaries: list[Summary] = []
        self.groups: list[Group] = []
        self._reactions: dict[tuple[int, Given], tuple[int, ...]] = {}
        self._older_books: dict[int, int] = {}
        self._older_groups: dict[int, int] = {}
        self._older_requests: dict[int, int] = {}
        self._mute: dict[int, int] = {}
        self._old_messages: dict[tuple[int, str], int] = {}
        self.edges: set[Edge] = set()
        book = self._dispatcher.book
        self._dispatcher.grant(OWNER, "trader", NOW_NS)
        self._dispatcher.link(BROKER, LinkEvent.CONNECT, NOW_NS)
        normalize(book, NOW_NS, {})
        self.first = self._keep(book)

    # ── numbers for values ──────────────────────────────────────────────────────────────────────────

    def request(self, request: Request) -> int:
        """The number of *request*."""
        return self._number(("request", request), request, self.requests)

    def message(self, message: Message) -> int:
        """The number of *message*."""
        return self._number(("message", message), message, self.messages)

    def group(self, group: Group) -> int:
        """The number of *group*."""
        return self._number(("group", group), group, self.groups)

    def _number(self, key: Hashable, value: V, known: list[V]) -> int:
        number = self._numbers.get(key)
        if number is None:
            number = self._numbers[key] = len(known)
            known.append(value)
        return number

    def _append(self, record: Record) -> None:
        if len(self._records) > _RECORDS_MAX:
            raise Breach("P11", "one input makes records without end")
        self._records.append(record)

    def _keep(self, book: Book) -> int:
        """The number of *book*, which has its normal form."""
        names = Names(book)
        ids = tuple(
            (
                dialog.oid,
                dialog.reqid,
                dialog.reqids,
                None if dialog.cancel is None else dialog.cancel.reqid,
                tuple(edit.reqid for edit in dialog.edits),
            )
            for dialog in names.dialogs
        )
        known = len(self._books)
        number = self._numbers.setdefault(("book", canonical(book, names, NOW_NS), ids), known)
        if number == known:
            self._books.append(book)
            self.summaries.append(self._summary(book))
        return number

    def _summary(self, book: Book) -> Summary:
        orders = tuple(_shown(book.dialog(OWNER, order.oid)) for order in self._orders)
        self._check_positions(book)
        link = str(book.links.get(BROKER))
        return Summary(orders, link, book.next_due_ns() is not None)

    def _check_positions(self, book: Book) -> None:
        """P4: what the account holds is what its orders have booked; all of them buy."""
        held = sum(position.size for markets in book.positions.values() for position in markets.values())
        nobodys = sum(getattr(waiting.report, "size", 0) for waiting in book.orphans.values())
        booked = sum(dialog.booked for dialog in book)
        if held != booked + nobodys:
            raise Breach("P4", f"the position is {held}, and {booked} are booked on orders")

    # ── time ────────────────────────────────────────────────────────────────────────────────────────

    def older(self, number: int) -> int:
        """The book, a tick later, before anybody looks at the time."""
        known = self._older_books.get(number)
        if known is None:
            book = clone(self._books[number])
            normalize(book, NOW_NS + 1, {})
            known = self._older_books[number] = self._keep(book)
        return known

    def older_group(self, number: int) -> int:
        """What waits for the disk, a tick later."""
        known = self._older_groups.get(number)
        if known is None:
            group = self.groups[number]
            aged = group._replace(
                books=tuple(map(self.older, group.books)), sends=tuple(map(self.older_request, group.sends))
            )
            known = self._older_groups[number] = self.group(aged)
        return known

    def older_request(self, number: int) -> int:
        """A request under way, a tick later."""
        known = self._older_requests.get(number) if self._heeds else number
        if known is None:
            known = self.request(self.requests[number].older(self._least))
            self._older_requests[number] = known
        return known

    # ── what a lost link, and a newer question, leave ───────────────────────────────────────────────

    def muted(self, number: int) -> int:
        """The group without what it would have sent: the link that it was for is gone."""
        known = self._mute.get(number)
        if known is None:
            known = self._mute[number] = self.group(self.groups[number]._replace(sends=()))
        return known

    def superseded(self, number: int, name: str) -> int:
        """The message, once the question *name* is another one's name."""
        known = self._old_messages.get((number, name))
        if known is None:
            known = self.message(superseded(self.messages[number], name))
            self._old_messages[number, name] = known
        return known

    # ── inputs ──────────────────────────────────────────────────────────────────────────────────────

    def react(self, number: int, given: Given) -> tuple[int, ...]:
        """The groups that *given* appends to the log of the book *number*; what is due by then follows."""
        known = self._reactions.get((number, given))
        if known is None:
            known = self._reactions[number, given] = self._react(number, given)
        return known

    def _react(self, number: int, given: Given) -> tuple[int, ...]:
        kept = self._books[number]
        live, again = clone(kept), clone(kept)
        names: dict[int | str, str] = {}
        ems = self._dispatcher
        ems.prices = Prices()
        self._records.clear()
        if given.verb == "start":
            live, again = recovered(live), recovered(again)
            outcome = self._started(live)
        else:
            ems.book = live
            outcome = self._put(given)
        groups = [self._grouped(again, outcome, given, names)]
        while (due := live.next_due_ns()) is not None and due <= NOW_NS:
            self._records.clear()
            outcome = put(self._dispatcher, TimePassed(), NOW_NS)
            groups.append(self._grouped(again, outcome, None, names))
        self._compare(live, again)
        return tuple(self.group(group) for group in groups if group is not None)

    def _put(self, given: Given) -> Outcome:
        """What the dispatcher makes of *given*, which may be several calls, as the service makes them."""
        ems = self._dispatcher
        if given.verb == "connected" and not self.settings.capabilities(BROKER).history:
            effects = put(ems, LinkMoved(BROKER, "connected"), NOW_NS).effects
            return Outcome([*effects, *put(ems, LinkMoved(BROKER, "synced"), NOW_NS).effects])
        if given.verb in ("connected", "lost"):
            return put(ems, LinkMoved(BROKER, given.verb), NOW_NS)
        if given.verb == "hear":
            return put(ems, Heard(BROKER, heard(self.messages[given.number])), NOW_NS)
        if given.verb == "quote":
            return put(ems, Quoted(self._orders[0].market, self._rows[given.number]), NOW_NS)
        if given.verb == "time":
            return put(ems, TimePassed(), NOW_NS)
        return put(ems, Commanded(OWNER, self._commands[given.number]), NOW_NS)

    def _started(self, book: Book) -> Outcome:
        """A new process on the records that are left, as ``open_ems`` starts one."""
        effects: list[Effect] = []
        self._dispatcher = Dispatcher(
            self.settings, self._append, generation="later", now_ns=NOW_NS, book=book
        )
        self._dispatcher.grant(OWNER, "trader", NOW_NS)
        for broker in list(book.links):
            effects += self._dispatcher.link(broker, LinkEvent.LOST, NOW_NS)
        return Outcome(effects)

    def _grouped(
        self, book: Book, outcome: Outcome, given: Given | None, names: dict[int | str, str]
    ) -> Group | None:
        """Apply the records again to *book*, as replay would, and keep the book after each of them."""
        numbers: list[int] = []
        for record in self._records:
            name_new(book, record, names)
            self._note_row(book, record)
            apply(book, decode(encode(record)))
            normal = clone(book)
            normalize(normal, NOW_NS, names)
            numbers.append(self._keep(normal))
        told = [
            (self._place[effect.record.oid], effect.state.value)
            for effect in outcome.effects
            if isinstance(effect, Notice) and effect.record.oid in self._place
        ]
        answers: tuple[Asked, ...] = ()
        if given is not None and given.verb == "command" and outcome.refused is None:
            command = self._commands[given.number]
            place = self._place[command.oid]
            answers = (Asked(command.name, place),)
            dialog = book.dialog(OWNER, command.oid)
            if outcome.again and dialog is not None:
                told.append((place, dialog.state.value))
        sends = [effect for effect in outcome.effects if isinstance(effect, Send)]
        requests = [self._request(send, names) for send in sends]
        stale = tuple(request.name for request in requests if request.verb in ("query", "history"))
        if not (numbers or requests or told or answers):
            return None
        return Group(tuple(numbers), tuple(map(self.request, requests)), tuple(told), answers, stale)

    def _note_row(self, book: Book, record: Record) -> None:
        """Which row of the order table *record* takes."""
        if record.event is not None:
            dialog = book.dialog(record.owner, record.oid)
            state = "new" if dialog is None else dialog.state.value
            self.edges.add((state, record.event.value))

    def _request(self, send: Send, names: dict[int | str, str]) -> Request:
        if isinstance(send, SendHistory):
            return Request("history", "h", -1, 0)
        left = send.deadline_ns - NOW_NS if self._heeds else 0
        if isinstance(send, SendOrder):
            name = names.get(send.reqid, str(send.reqid))
            return Request("order", name, self._place[_oid_of(name)], left, send.size, send.price)
        assert isinstance(send, SendAbout), "it is about an order"
        target = names.get(send.target, str(send.target))
        place = self._place[_oid_of(target)]
        if send.verb == "query":
            oid = _oid_of(target)
            return Request("query", f"{oid}.q", place, 0, again=target == f"{oid}.o2")
        return Request(send.verb, names.get(send.reqid, str(send.reqid)), place, left, send.size, send.price)

    def _compare(self, live: Book, again: Book) -> None:
        """P14: what replay makes of the records is what was live."""
        one, other = facts(live), facts(again)
        for slot, known in one.items():
            if other[slot] != known:
                raise Breach("P14", f"{slot}: replaying the records does not give what was live")


def _oid_of(name: str) -> str:
    return name.partition(".")[0]


def _shown(dialog: Dialog | None) -> Shown | None:
    if dialog is None:
        return None
    cancel = dialog.cancel
    return Shown(
        dialog.state.value,
        int(dialog.size),
        int(dialog.booked),
        int(dialog.filled),
        frozenset(dialog.fills or ()),
        cancel is not None and cancel.wanted,
        bool(dialog.flags & f.SENT),
        bool(dialog.flags & f.ACKED),
        bool(dialog.flags & f.MISSED),
        bool(dialog.edits),
    )
