"""One order at an honest venue, behind a network that doubles, delays, reorders and loses.

The venue does what it says and says what it does: it refuses what comes after its deadline, and a second
copy of an order. The network is a bag: whatever is in it may arrive next, later or never. A link that is
lost takes the reports that were under way with it; requests may still arrive. Beside the auditor the venue
itself is asked what is true, and from every state a state in which both agree must be in reach (P13).
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from fsm_ems.dialogs.asking import SendHistory
from fsm_ems.dialogs.exposure import exposure
from fsm_ems.dialogs.record import Send, SendAbout, SendOrder
from fsm_ems.dialogs.settings import Settings
from fsm_ems.messages import Cancel, Edit, Order
from fsm_ems.testing.breach import Breach
from fsm_ems.testing.canonical import Names, ahead
from fsm_ems.testing.inputs import Commanded, Fired, Heard, LinkMoved, TimePassed
from fsm_ems.testing.letters import BROKER, Letter, report_of
from fsm_ems.testing.scene import START_NS, DispatcherScene, Node, Step

ONE = Decimal(1)
_OVER = frozenset({"cancelled", "filled", "expired", "refused"})
_QUIET = frozenset({"pending", "cancel_stashed", "dark_triggered", "editing", "cancelling", "unknown"})


class Venue(NamedTuple):
    """The order as the venue has it: ``none``, ``live`` or over. It was taken as *born*, and is *reqid* now.
    *made* counts executions, *twice* that it would have taken another one, which came in time.
    """

    state: str = "none"
    size: Decimal = Decimal(0)
    price: Decimal | None = None
    execs: tuple[str, ...] = ()
    made: int = 0
    born: int | str | None = None
    reqid: int | str | None = None
    refused: frozenset[int | str] = frozenset()
    twice: bool = False

    @property
    def cum(self) -> Decimal:
        """What traded and was not undone."""
        return Decimal(len(self.execs))


@dataclass(frozen=True, slots=True)
class Budget:
    """How often each thing may happen on one path.

    *opens*: the venue also says that the order rests. *late*: it takes what comes after its deadline.
    *tells*: it tells its history when it is asked.
    """

    cancels: int = 0
    edits: tuple[Edit, ...] = ()
    doubles: int = 0
    link_losses: int = 0
    losses: int = 0
    busts: int = 0
    refusals: int = 0
    ends: int = 0
    pendings: int = 0
    opens: bool = False
    late: bool = False
    tells: bool = False


class Honest(NamedTuple):
    """The world of one order. Counters say how often something happened already."""

    now_ns: int
    venue: Venue = Venue()
    to_venue: tuple[Send, ...] = ()
    to_ems: tuple[Letter, ...] = ()
    connected: bool = True
    cancels: int = 0
    doubles: int = 0
    link_losses: int = 0
    losses: int = 0
    busts: int = 0
    refusals: int = 0
    ends: int = 0
    pendings: int = 0

    def post(self, *letters: Letter) -> Honest:
        """Reports leave the venue, to nobody where the link is down. The last two answers stay under way."""
        if not self.connected:
            return self
        bag = (*self.to_ems, *(letter for letter in letters if letter not in self.to_ems))
        answers = [letter for letter in bag if letter.query is not None or letter.kind == "history"]
        stale = answers[:-2]
        return self._replace(to_ems=tuple(letter for letter in bag if letter not in stale))


class HonestScene(DispatcherScene[Honest]):
    """One order of alice's at an honest venue."""

    def __init__(
        self,
        name: str,
        order: Order,
        budget: Budget,
        *,
        settings: Settings,
        link: Sequence[str] = ("connect", "connected", "synced"),
    ) -> None:
        connected = "connected" in link
        world = Honest(START_NS, connected=connected)
        super().__init__(name, settings, world, link=link, roles={"alice": "trader"})
        self._order = order
        self._budget = budget

    def moves(self, node: Node[Honest]) -> Sequence[Step[Honest]]:
        return [
            *self._commands(node),
            *self._network(node.world),
            *self._link(node),
            *self._venue(node.world),
            *self._time(node),
        ]

    # ── what may happen ─────────────────────────────────────────────────────────────────────────────

    def _commands(self, node: Node[Honest]) -> Iterator[Step[Honest]]:
        world, budget, dialog = node.world, self._budget, node.book.dialog("alice", self._order.oid)
        if dialog is None:
            yield Step(Commanded("alice", self._order), world)
            return
        if world.cancels < budget.cancels:
            yield Step(
                Commanded("alice", Cancel(oid=self._order.oid)), world._replace(cancels=world.cancels + 1)
            )
        for edit in budget.edits:
            if edit.edit_id not in dialog.edit_ids:
                yield Step(Commanded("alice", edit), world)
        if dialog.state == "dark_open":
            yield Step(Fired("alice", self._order.oid), world)

    def _network(self, world: Honest) -> Iterator[Step[Honest]]:
        budget, again = self._budget, world.doubles < self._budget.doubles
        for request in world.to_venue:
            rest = tuple(other for other in world.to_venue if other is not request)
            without = world._replace(to_venue=rest)
            yield from self._arrives(without, request, "arrives")
            if again:
                doubled = world._replace(doubles=world.doubles + 1)
                yield from self._arrives(doubled, request, "arrives, and will again")
        for letter in world.to_ems:
            rest_of = tuple(other for other in world.to_ems if other is not letter)
            heard = Heard(BROKER, report_of(letter))
            yield Step(heard, world._replace(to_ems=rest_of))
            if again:
                yield Step(heard, world._replace(doubles=world.doubles + 1))
            if world.losses < budget.losses:
                lost = world._replace(to_ems=rest_of, losses=world.losses + 1)
                yield Step(None, lost, f"{letter.kind} is lost")

    def _link(self, node: Node[Honest]) -> Iterator[Step[Honest]]:
        world, state = node.world, node.book.links.get(BROKER)
        follows = {None: "connect", "connecting": "connected", "syncing": "synced"}.get(state)
        if follows is not None:
            yield Step(LinkMoved(BROKER, follows), world._replace(connected=follows != "connect"))
        if state in ("syncing", "up") and world.link_losses < self._budget.link_losses:
            lost = world._replace(to_ems=(), connected=False, link_losses=world.link_losses + 1)
            yield Step(LinkMoved(BROKER, "lost"), lost)

    def _time(self, node: Node[Honest]) -> Iterator[Step[Honest]]:
        world = node.world
        self.dispatcher.book = node.book
        awaited = self.dispatcher.next_due_ns() is not None
        if awaited or any(request.deadline_ns >= world.now_ns for request in world.to_venue):
            yield Step(TimePassed(), world._replace(now_ns=world.now_ns + 1))

    # ── the venue ───────────────────────────────────────────────────────────────────────────────────

    def _venue(self, world: Honest) -> Iterator[Step[Honest]]:
        venue, budget = world.venue, self._budget
        if venue.state == "live":
            made = f"e{venue.made + 1}"
            cum = venue.cum + 1
            grown = venue._replace(
                execs=(*venue.execs, made),
                made=venue.made + 1,
                state="filled" if cum >= venue.size else "live",
            )
            letter = Letter("fill", venue.reqid, exec_id=made)
            yield Step(None, world._replace(venue=grown).post(letter), f"the venue executes {made}")
            if world.ends < budget.ends:
                for end in ("cancelled", "expired"):
                    over = world._replace(venue=venue._replace(state=end), ends=world.ends + 1)
                    letter = Letter(end, venue.reqid, cum=venue.cum)
                    yield Step(None, over.post(letter), f"the venue ends it: {end}")
        if venue.execs and world.busts < budget.busts:
            gone = venue.execs[-1]
            state = "live" if venue.state == "filled" else venue.state
            undone = venue._replace(execs=venue.execs[:-1], state=state)
            busted = world._replace(venue=undone, busts=world.busts + 1)
            letter = Letter("bust", venue.reqid, ref_id=gone)
            yield Step(None, busted.post(letter), f"the venue busts {gone}")

    def _arrives(self, world: Honest, request: Send, how: str) -> Iterator[Step[Honest]]:
        assert not isinstance(request, SendHistory), "this venue is asked for no history"
        late = world.now_ns > request.deadline_ns and not self._budget.late
        if isinstance(request, SendOrder):
            after = self._order_arrives(world, request, late=late)
            yield Step(None, after, f"the order {how}")
        elif request.verb == "query":
            yield Step(None, world.post(_answer(world.venue, request)), f"the question {how}")
        elif request.verb == "cancel":
            for after in self._cancel_arrives(world, request, late=late):
                yield Step(None, after, f"the cancel {how}: {_last(after)}")
        else:
            for after in self._edit_arrives(world, request, late=late):
                yield Step(None, after, f"the edit {how}: {_last(after)}")

    def _order_arrives(self, world: Honest, request: SendOrder, *, late: bool) -> Honest:
        venue = world.venue
        if late and request.reqid != venue.born:
            state = "refused" if venue.state == "none" else venue.state
            return world._replace(venue=venue._replace(state=state)).post(Letter("rejected", request.reqid))
        if venue.state not in ("none", "refused"):
            twice = venue._replace(twice=request.reqid != venue.born)
            return world._replace(venue=twice).post(Letter("submit refused", request.reqid, code="duplicate"))
        taken = Venue("live", request.size, request.price, born=request.reqid, reqid=request.reqid)
        letters = [
            Letter(kind, request.reqid) for kind in ("ack", "open") if kind == "ack" or self._budget.opens
        ]
        return world._replace(venue=taken).post(*letters)

    def _cancel_arrives(self, world: Honest, request: SendAbout, *, late: bool) -> Iterator[Honest]:
        venue, budget = world.venue, self._budget
        if venue.state != "live" or late:
            yield world.post(Letter("cancel refused", request.reqid, code=_why(venue, late=late)))
            return
        over = world._replace(venue=venue._replace(state="cancelled"))
        yield over.post(Letter("cancelled", venue.reqid, cum=venue.cum))
        if world.refusals < budget.refusals:
            yield world._replace(refusals=world.refusals + 1).post(Letter("cancel refused", request.reqid))
        if world.pendings < budget.pendings:
            weighed = world._replace(pendings=world.pendings + 1, to_venue=(*world.to_venue, request))
            yield weighed.post(Letter("pending_cancel", venue.reqid))

    def _edit_arrives(self, world: Honest, request: SendAbout, *, late: bool) -> Iterator[Honest]:
        venue, budget = world.venue, self._budget
        if request.reqid == venue.reqid:
            yield world.post(Letter("replaced", request.reqid))
            return
        refused = venue._replace(refused=venue.refused | {request.reqid})
        if venue.state != "live" or late or request.reqid in venue.refused:
            letter = Letter("edit refused", request.reqid, code=_why(venue, late=late))
            yield world._replace(venue=refused).post(letter)
            return
        size = max(request.size or venue.size, venue.cum)
        state = "filled" if size <= venue.cum else "live"
        taken = venue._replace(size=size, price=request.price, reqid=request.reqid, state=state)
        yield world._replace(venue=taken).post(Letter("replaced", request.reqid))
        if world.refusals < budget.refusals:
            counted = world._replace(venue=refused, refusals=world.refusals + 1)
            yield counted.post(Letter("edit refused", request.reqid))
        if world.pendings < budget.pendings:
            weighed = world._replace(pendings=world.pendings + 1, to_venue=(*world.to_venue, request))
            yield weighed.post(Letter("pending_edit", request.reqid))

    def sent(self, world: Honest, sends: Sequence[Send]) -> Honest:
        """Of the same request only the newest copy stays under way."""
        bag = world.to_venue
        for send in sends:
            bag = (*(old for old in bag if not _supersedes(send, old)), send)
        return world._replace(to_venue=bag)

    # ── what is true ────────────────────────────────────────────────────────────────────────────────

    def judge(self, node: Node[Honest]) -> None:
        world, venue = node.world, node.world.venue
        if venue.twice:
            raise Breach("P1", "the order came to the venue twice, each time under another id and in time")
        dialog = node.book.dialog("alice", self._order.oid)
        if dialog is None:
            return
        told = exposure(node.book, self._order.account, self._order.market)
        # Of a bust nobody can know before it is told.
        if not (self._budget.busts or told.may_be(venue.cum)):
            raise Breach("P4", f"{venue.cum} traded at the venue, and the range is {told}")
        state, sent = dialog.state.value, bool(dialog.reqid)
        if state in ("cancelled", "rejected", "expired") and sent:
            may_come = any(
                isinstance(request, SendOrder) and (self._budget.late or request.deadline_ns >= world.now_ns)
                for request in world.to_venue
            )
            truth = venue.state == "refused" or (venue.state == "none" and not may_come)
            if not (truth if state == "rejected" else venue.state == state):
                raise Breach("P2", f"told {state}, and the venue has it {venue.state}")
        booked = set(dialog.fills or ())
        if not booked <= {f"e{number}" for number in range(1, venue.made + 1)}:
            raise Breach("P3", f"executions {sorted(booked)} are booked, and {venue.made} were made")

    def settled(self, node: Node[Honest]) -> bool | None:
        dialog, world = node.book.dialog("alice", self._order.oid), node.world
        if dialog is None or dialog.state == "dark_open":
            return True
        if not dialog.reqid:
            return dialog.state == "cancelled"
        venue, state = world.venue, dialog.state.value
        if world.losses:
            return state not in _QUIET
        if (
            state == "filled"
            and dialog.edits
            and (world.link_losses or not any(e.edit_id for e in dialog.edits))
        ):
            return True  # what comes of an edit that crossed the last fill is not told: nobody asks for it
        if dialog.gap and venue.made > len(venue.execs):
            return True  # what a bust undoes of a size that was only stated, the list of executions tells
        if self._hidden(world, frozenset(dialog.fills or ())):
            return state not in _QUIET
        ours = {"rejected": ("refused", "none"), "open": ("live",), "acked": ("live",)}.get(state, (state,))
        over = state in ("rejected", "cancelled", "expired")
        same = over or (dialog.size, dialog.price) == (venue.size, venue.price)
        return venue.state in ours and same and dialog.filled == venue.cum and not dialog.edits

    def _hidden(self, world: Honest, booked: frozenset[str]) -> bool:
        """Whether an execution went with a lost link, and what came later passes for it: nobody can tell."""
        under_way = {letter.exec_id for letter in world.to_ems}
        return world.venue.made > 1 and not set(world.venue.execs) <= under_way | booked

    def world_key(self, world: Honest, names: Names) -> Hashable:
        venue = world.venue
        return (
            venue[:5],
            (names.of(venue.born), names.of(venue.reqid)),
            frozenset(map(names.of, venue.refused)),
            frozenset(_request_key(request, names, world.now_ns) for request in world.to_venue),
            frozenset(_letter_key(letter, names) for letter in world.to_ems),
            world[4:],
        )


def _request_key(request: Send, names: Names, now_ns: int) -> Hashable:
    if isinstance(request, SendHistory):
        return "history", names.asks(request.reqid), request.since
    verb = "order" if isinstance(request, SendOrder) else request.verb
    reqid = names.asks(request.reqid) if verb == "query" else names.of(request.reqid)
    return verb, reqid, ahead(request.deadline_ns + 1, now_ns), request.size, request.price


def _letter_key(letter: Letter, names: Names) -> Hashable:
    about = names.asks if letter.kind == "history" else names.of
    named = (about(letter.reqid), names.asks(letter.query), names.of(letter.order))
    return (
        letter.kind,
        *named,
        letter.execs,
        letter.exec_id,
        letter.ref_id,
        letter.cum,
        letter.size,
        letter.price,
        letter.code,
    )


def _supersedes(send: Send, old: Send) -> bool:
    if isinstance(send, SendHistory) and isinstance(old, SendHistory):
        return True
    if not isinstance(send, SendAbout) or not isinstance(old, SendAbout):
        return False
    return send.verb == old.verb and (send.verb == "query" or send.reqid == old.reqid)


def _last(world: Honest) -> str:
    return world.to_ems[-1].kind if world.to_ems else "nobody hears what comes of it"


def _why(venue: Venue, *, late: bool) -> str:
    if venue.state in _OVER:
        return "too_late"
    return "other" if late and venue.state == "live" else "unknown_order"


def _answer(venue: Venue, request: SendAbout) -> Letter:
    if venue.state in ("none", "refused"):
        return Letter("absent", request.target, query=request.reqid)
    kind = "open" if venue.state == "live" else venue.state
    return Letter(
        kind,
        venue.reqid,
        cum=venue.cum,
        size=venue.size,
        price=venue.price,
        detailed=True,
        query=request.reqid,
    )
