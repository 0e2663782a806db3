"""The world of the crash searches: a process that dies, a journal with a durable mark, a network, a venue.

Records that were appended become durable in a step of their own, and what follows from them leaves then:
requests to the venue, statuses and answers to owners. A crash loses any last part of what was not durable.
A request may arrive at any time, past its deadline too, where the venue refuses it by its own clock, or
never. The venue's ids are unique among its open orders alone. Reports come in any order, late, twice, or are
lost with the link; what the venue answers may be as old as its reads lag.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable

from fsm_ems.messages import Cancel, Order
from fsm_ems.testing import restart_venue as v
from fsm_ems.testing.audit_restart import OVER, Owner, Resting, accepts, judge, settled
from fsm_ems.testing.letters import Letter
from fsm_ems.testing.restart_books import Group
from fsm_ems.testing.restart_letters import Asked, Given, Message, superseded
from fsm_ems.testing.restart_moves import CrashMoves
from fsm_ems.testing.restart_story import tell
from fsm_ems.testing.restart_world import CrashTheme, Move, World, live, with_owner, with_resting


class CrashScene(CrashMoves):
    """A theme, to be searched."""

    def __init__(self, theme: CrashTheme) -> None:
        super().__init__(theme)
        self._steps: dict[str, Callable[..., World]] = {
            "sync": self._sync,
            "command": self._command,
            "hear": self._hear,
            "double": self._double,
            "arrive": self._arrive,
            "refuse": self._refuse,
            "vanish": self._vanish,
            "fill": self._fill,
            "end": self._end,
            "lose": self._lose,
            "connect": self._connect,
            "quote": self._quote,
            "tick": self._tick,
            "shift": self._shift,
            "crash": self._crash,
            "start": self._start,
        }

    # ── what a search asks ──────────────────────────────────────────────────────────────────────────

    def start(self) -> World:
        """The EMS is up, and so is its link."""
        nothing: tuple[Resting | None, ...] = (None,) * len(self.oids)
        owners = tuple(Owner() for _ in self.oids)
        old = (nothing,) * self.theme.lag
        world = World(self.books.first, (), 0, nothing, old, (), (), owners)
        world = self._connect(world)
        while world.tail or world.to_venue or world.to_ems:
            if world.tail:
                world = self._sync(world)
            elif world.to_venue:
                world = self._arrive(world, world.to_venue[0], 0)
            else:
                world = self._hear(world, world.to_ems[0])
        return world

    def tell(self, move: Move) -> str:
        return tell(move, self.books, self.commands, self.oids)

    def take(self, world: World, move: Move) -> World:
        return self._steps[move[0]](world, *move[1:])

    def check_replay(self, before: World, after: World) -> None:
        """Hold a new situation against the promises; what each record does was replayed when it was made."""
        now, kept = self.summary(after).orders, self.books.summaries[after.base].orders
        for place, owner in enumerate(after.owners):
            comes = after.venue[place] is None and self.comes(after, place)
            judge(owner, after.venue[place], now[place], kept[place], comes=comes)

    def key(self, world: World) -> Hashable:
        return world

    def settled(self, world: World) -> bool | None:
        if self.theme.ticks is not None:
            return None
        if world.tail or world.to_ems or world.to_venue or not world.up:
            return False
        summary = self.summary(world)
        if summary.link != "up":
            return False
        return settled(tuple(zip(world.owners, world.venue, summary.orders, strict=True)), self.able)

    # ── the process and its journal ─────────────────────────────────────────────────────────────────

    def waits(self) -> bool:
        """The rule of :mod:`fsm_ems.promises`: what leaves waits until its record is durable."""
        return True

    def _react(self, world: World, given: Given) -> World:
        """The EMS takes *given*."""
        groups = self.books.react(self.current(world), given)
        for number in groups:
            for name in self.books.groups[number].stale:
                world = self._superseded(world, name)
            if self.waits():
                world = world._replace(tail=(*world.tail, number))
            else:
                world = self._left(world, number)
                silent = self.books.group(Group(self.books.groups[number].books))
                world = world._replace(tail=(*world.tail, silent))
        while world.tail and world.crashes >= self.theme.crashes:
            world = self._sync(world)  # nothing is lost any more: that it waits tells nothing new
        return world

    def _superseded(self, world: World, name: str) -> World:
        """There is a newer question of that *name*: answers that are under way are to an older one."""
        requests, messages = self.books.requests, self.books.messages
        to_venue = tuple(number for number in world.to_venue if requests[number].name != name)
        to_ems = tuple(
            sorted({self.books.message(superseded(messages[number], name)) for number in world.to_ems})
        )
        return world._replace(to_venue=to_venue, to_ems=to_ems)

    def _sync(self, world: World) -> World:
        """The next group is durable, and what follows from it leaves."""
        number = world.tail[0]
        books = self.books.groups[number].books
        world = self._left(world, number)
        return world._replace(base=books[-1] if books else world.base, tail=world.tail[1:])

    def _left(self, world: World, number: int) -> World:
        group = self.books.groups[number]
        to_venue, owners = world.to_venue, list(world.owners)
        for send in group.sends:
            to_venue = self._under_way(to_venue, send)
        for place, state in group.told:
            owners[place] = owners[place]._replace(told=state if state in OVER else "")
        for asked in group.answers:
            owners[asked.place] = _answered(owners[asked.place], asked)
        return world._replace(to_venue=to_venue, owners=tuple(owners))

    def _under_way(self, to_venue: tuple[int, ...], send: int) -> tuple[int, ...]:
        """Of a cancel or an edit only the newest copy stays under way; an order may be there twice."""
        requests = self.books.requests
        request = requests[send]
        if request.verb != "order":
            to_venue = tuple(number for number in to_venue if requests[number].name != request.name)
        return tuple(sorted((*to_venue, send)))

    def _crash(self, world: World, kept: int) -> World:
        gone = self._cut(world)
        return gone._replace(base=kept, tail=(), up=False, crashes=world.crashes + 1)

    def _start(self, world: World) -> World:
        return self._react(world._replace(up=True), Given("start"))

    # ── the network ─────────────────────────────────────────────────────────────────────────────────

    def _cut(self, world: World) -> World:
        """The connection is gone, with every report and question that was on it."""
        requests = self.books.requests
        to_venue = tuple(
            number for number in world.to_venue if requests[number].verb not in ("query", "history")
        )
        return world._replace(to_venue=to_venue, to_ems=())

    def _lose(self, world: World) -> World:
        gone = self._cut(world)
        muted = tuple(map(self.books.muted, world.tail))
        lost = gone._replace(tail=muted, link_losses=world.link_losses + 1)
        return self._react(lost, Given("lost"))

    def _connect(self, world: World) -> World:
        return self._react(world, Given("connected"))

    def _hear(self, world: World, number: int) -> World:
        place = world.to_ems.index(number)
        rest = (*world.to_ems[:place], *world.to_ems[place + 1 :])
        return self._heard(world._replace(to_ems=rest), number)

    def _double(self, world: World, number: int) -> World:
        return self._heard(world._replace(doubles=world.doubles + 1), number)

    def _heard(self, world: World, number: int) -> World:
        message = self.books.messages[number]
        if isinstance(message, Letter) and message.kind == "cancel refused" and message.code == "other":
            place = self.oids.index(str(message.reqid).partition(".")[0])
            world = with_owner(world, place, world.owners[place]._replace(refused=True))
        return self._react(world, Given("hear", number))

    def _vanish(self, world: World, number: int) -> World:
        place = world.to_venue.index(number)
        return world._replace(to_venue=(*world.to_venue[:place], *world.to_venue[place + 1 :]))

    # ── owners, the market and time ─────────────────────────────────────────────────────────────────

    def _command(self, world: World, number: int, place: int) -> World:
        command, owner = self.commands[number], world.owners[place]
        if isinstance(command, Order):
            owner = owner._replace(submits=owner.submits + 1)
        elif isinstance(command, Cancel):
            shown = self.summary(world).orders[place]
            again = shown is not None and shown.wanted
            owner = owner._replace(
                cancels=owner.cancels + 1,
                promised=owner.promised and again,
                refused=owner.refused and again,
            )
        else:
            owner = owner._replace(edits=owner.edits + 1)
        return self._react(with_owner(world, place, owner), Given("command", number))

    def _quote(self, world: World, number: int) -> World:
        return self._react(world, Given("quote", number))

    def _tick(self, world: World) -> World:
        books = self.books
        later = world._replace(
            base=books.older(world.base),
            tail=tuple(map(books.older_group, world.tail)),
            to_venue=tuple(sorted(map(books.older_request, world.to_venue))),
            old=(*world.old, world.venue)[1:],
            ticks=0 if self.theme.ticks is None else world.ticks + 1,
        )
        return self._react(later, Given("time")) if world.up else later

    def _shift(self, world: World, ahead: int) -> World:
        return world._replace(ahead=ahead, shifts=world.shifts + 1)

    # ── the venue ───────────────────────────────────────────────────────────────────────────────────

    def _post(self, world: World, *messages: Message) -> World:
        """The venue says something, to nobody where there is no connection."""
        if not world.up or self.summary(world).link == "connecting":
            return world
        numbers = {*world.to_ems, *map(self.books.message, messages)}
        return world._replace(to_ems=tuple(sorted(numbers)))

    def _fill(self, world: World, place: int) -> World:
        resting = v.executed(live(world, place))
        return self._post(with_resting(world, place, resting), v.execution(resting, resting.cum))

    def _end(self, world: World, place: int) -> World:
        resting = live(world, place)._replace(state="expired")
        after = with_resting(world, place, resting)
        return self._post(after._replace(ends=world.ends + 1), v.ended(resting))

    def _arrive(self, world: World, number: int, view: int) -> World:
        request = self.books.requests[number]
        rest = self._vanish(world, number)
        if request.verb in ("query", "history"):
            seen = world.venue if not view else world.old[-view]
            return self._post(rest, v.answer(request, seen))
        resting, late = world.venue[request.place], self.late(world, request)
        if request.verb == "order" and not late and accepts(resting, request.name):
            taken = v.taken(request)
            acks = v.acks(taken, request.place, opens=self.theme.opens)
            return self._post(with_resting(rest, request.place, taken), *acks)
        after, message = v.arrived(request, resting, late=late)
        return self._post(with_resting(rest, request.place, after), message)

    def _refuse(self, world: World, number: int) -> World:
        request = self.books.requests[number]
        rest = self._vanish(world, number)._replace(refusals=world.refusals + 1)
        return self._post(rest, Letter("cancel refused", request.name))


def _answered(owner: Owner, asked: Asked) -> Owner:
    if asked.kind == "order":
        return owner._replace(accepted=True)
    return owner._replace(promised=True) if asked.kind == "cancel" else owner
