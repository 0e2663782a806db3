"""The EMS of the simulation: the shipped dispatcher, in a process that is killed and starts again.

It does what the service does around the dispatcher, and nothing more: effects wait until their records are
durable, then requests leave, then clients are told; after a restart every link counts as lost.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import NamedTuple

from fsm_ems.dialogs.book import Book
from fsm_ems.dialogs.dispatcher import Dispatcher
from fsm_ems.dialogs.recall import applied
from fsm_ems.dialogs.record import Effect, Notice, Recalled, Record, Role, Send
from fsm_ems.dialogs.settings import Limits
from fsm_ems.dialogs.snapshot import facts
from fsm_ems.errors import LogHalted, Refused
from fsm_ems.journal.replay import replay
from fsm_ems.machines.link import LinkEvent
from fsm_ems.messages import AnyReport, Command, Order
from fsm_ems.quotes import Row
from fsm_ems.testing.breach import Breach
from fsm_ems.testing.simulate_disk import Disk, Doom, Killed
from fsm_ems.testing.simulate_faults import Fault
from fsm_ems.testing.simulate_link import Link
from fsm_ems.testing.simulate_oracle import Oracle
from fsm_ems.testing.simulate_plan import MS
from fsm_ems.testing.simulate_world import World

Grant = tuple[str, Role, tuple[str, ...]]
_SKEW_MAX_MS = 900
"""The clocks of EMS and venue differ by less than the margin at any two times."""
KEEPS_ALL = 1_000
"""So many finished orders are never reached: memory keeps whatever may have traded unseen."""
_UNKNOWABLE = (Fault.BUST, Fault.CORRECTION, Fault.RESTATED, Fault.STRANGER)
"""What moves a position at the venue before anybody here can know."""
_WRITES_MAX = 24
"""So many records a process writes at most before it ends while it recovers."""
Answered = Callable[[str], None]


class Due(NamedTuple):
    """What leaves once record *seq* is durable; *link* is the connection that a request was decided for."""

    seq: int
    link: int
    effect: Send | Notice | Callable[[], None]


class SimulatedEMS:
    """Up or down. *told* takes each notice that reaches its reader, *resume* is called after each start."""

    def __init__(
        self,
        world: World,
        links: Mapping[str, Link],
        oracle: Oracle,
        grants: Sequence[Grant],
        told: Callable[[Notice], None],
        resume: Callable[[], None],
    ) -> None:
        self._world = world
        self._links = links
        self._oracle = oracle
        self._grants = grants
        self._told = told
        self._resume = resume
        self.disk = Disk(world, self._release, self._sync_failed)
        self.settings = world.plan.settings
        self.up = False
        self._dispatcher: Dispatcher | None = None
        self._dead: Book | None = None  # the book of the last process, until it was read back
        self._made: list[Record] = []
        self._due: deque[Due] = deque()
        self._skew_ns = 0
        self._alarm_ns = 0
        self._life = 0

    @property
    def book(self) -> Book:
        """As it stands."""
        assert self._dispatcher is not None, "it has started"
        return self._dispatcher.book

    def clock(self) -> int:
        """What the EMS takes for the time."""
        return self._world.now_ns + self._skew_ns

    # ── inputs ──────────────────────────────────────────────────────────────────────────────────────

    def moved(self, broker: str, event: LinkEvent) -> None:
        """A link moves."""
        self._take(lambda ems, now_ns: ems.link(broker, event, now_ns))

    def heard(self, broker: str, report: AnyReport) -> None:
        """A report arrives."""
        self._take(lambda ems, now_ns: ems.report(broker, report, now_ns))

    def quoted(self, market: str, row: Row) -> None:
        """The market shows something."""
        if not self.up:
            return
        now_ns = self.clock()
        self._take(lambda ems, now_ns: ems.quote(market, row, now_ns))
        self._oracle.quoted(row, self._made, now_ns, self.settings.quote_age_ns)

    def command(self, identity: str, command: Command, answered: Answered) -> None:
        """A client commands; *answered* gets the result once it is durable, if the process lives as long."""

        def call(ems: Dispatcher, now_ns: int) -> Sequence[Effect]:
            answer, effects = ems.command(identity, command, now_ns)
            result.append("again" if answer.again else "taken")
            if isinstance(command, Order) and not answer.again:
                self._oracle.let_wait(command)
            return effects

        result: list[str] = []
        self._answer(call, result, answered)

    def fire(self, owner: str, oid: str, price: Decimal | None, answered: Answered) -> None:
        """An owner fires a dark order by hand."""

        def call(ems: Dispatcher, now_ns: int) -> Sequence[Effect]:
            effects = ems.trigger(owner, oid, now_ns, price)
            result.append("taken")
            return effects

        result: list[str] = []
        self._answer(call, result, answered)

    def _answer(
        self, call: Callable[[Dispatcher, int], Sequence[Effect]], result: list[str], answered: Answered
    ) -> None:
        if not self.up:
            return
        try:
            alive = self._take(call, sync=False)
        except Refused as refusal:
            result.append(refusal.code)
            alive = self.up
            if not all(isinstance(record.payload, Recalled) for record in self._made):
                raise Breach(
                    "P6", f"a command was refused as {refusal.code}, and {self._made} was recorded"
                ) from refusal
        if alive:
            self._due.append(Due(self.book.seq, 0, lambda: answered(result[0])))
            self._sync()

    def jump(self) -> bool:
        """The clock is set, forward or backward."""
        self._skew_ns = self._world.between(-_SKEW_MAX_MS, _SKEW_MAX_MS) * MS
        if self.up:
            self._arm()
        return True

    # ── one input ───────────────────────────────────────────────────────────────────────────────────

    def _take(self, call: Callable[[Dispatcher, int], Sequence[Effect]], *, sync: bool = True) -> bool:
        """Put something into the dispatcher; False where the process is not alive afterwards."""
        ems = self._dispatcher
        if ems is None:
            return False
        self._made.clear()
        effects: Sequence[Effect] = ()
        try:
            effects = call(ems, self.clock())
        except Killed as death:
            self.end(f"{death} while writing", power=death.power)
            return False
        except LogHalted:
            self.end("the log is halted", power=True)
            return False
        finally:
            if self.up:
                self._observe(effects)
        if sync:
            self._sync()
        return self.up

    def _observe(self, effects: Sequence[Effect]) -> None:
        book, made = self.book, self._made
        if made or effects:
            self._oracle.took(made, effects, book)
            self._oracle.sends(effects, self.settings)
        self._oracle.bounded(made, book, self.settings)
        self._queue(effects)
        unknowable = any(fault in self._world.plan.every_s for fault in _UNKNOWABLE)
        if made and not unknowable and self.settings.keep_finished > KEEPS_ALL:
            self._oracle.within(book)

    def _queue(self, effects: Iterable[Effect]) -> None:
        seq, told = self.book.seq, list[Notice]()
        for effect in effects:
            if isinstance(effect, Send):
                self._due.append(Due(seq, self._links[effect.broker].number, effect))
            elif isinstance(effect, Notice):
                told.append(effect)
        self._due.extend(Due(seq, 0, notice) for notice in told)

    def _sync(self) -> None:
        self.disk.sync()
        if self.up:
            self._release()
        if self.up:
            self._arm()

    def _append(self, record: Record) -> None:
        self.disk.append(record)
        self._made.append(record)

    def _release(self) -> None:
        """Let everything leave whose records are durable."""
        due, world = self._due, self._world
        while due and due[0].seq <= self.disk.durable:
            _, number, effect = due.popleft()
            if self.disk.halted:
                raise Breach("P10", f"{effect} leaves, and the log is halted")
            if isinstance(effect, Send):
                link = self._links[effect.broker]
                if number == link.number:
                    link.send(effect)
            elif isinstance(effect, Notice):
                self._told(effect)
            else:
                effect()
            if world.chance(Fault.KILLED_SENDING):
                self.end("killed while sending", power=False)
                return

    def _arm(self) -> None:
        due_ns = self.book.next_due_ns()
        if due_ns is None:
            return
        at_ns = max(due_ns - self._skew_ns, self._world.now_ns + 1)
        if self._alarm_ns and self._alarm_ns <= at_ns:
            return
        self._alarm_ns = at_ns
        life = self._life
        self._world.at(at_ns, "time", lambda: self._alarm(at_ns, life))

    def _alarm(self, at_ns: int, life: int) -> None:
        if life != self._life or at_ns != self._alarm_ns:
            return
        self._alarm_ns = 0
        self._take(lambda ems, now_ns: ems.pass_time(now_ns))

    # ── lives ───────────────────────────────────────────────────────────────────────────────────────

    def crash(self) -> bool:
        """Kill it between two steps."""
        return self.end("killed", power=False)

    def power_cut(self) -> bool:
        """Cut its power."""
        return self.end("power cut", power=True)

    def _sync_failed(self) -> None:
        self.end("a sync failed", power=True)

    def end(self, how: str, *, power: bool) -> bool:
        """It is gone, with everything that had not left; False where it was down."""
        ems, world = self._dispatcher, self._world
        if ems is None:
            return False
        world.note(f"the EMS ends: {how}")
        self.up, self._dispatcher = False, None
        self._life += 1
        self._alarm_ns = 0
        self._due.clear()
        for link in self._links.values():
            link.drop()
        self._dead = ems.book
        if ems.book.seq > len(self.disk.lines):
            raise Breach(
                "P10", f"the book is at {ems.book.seq}, and {len(self.disk.lines)} records are written"
            )
        self._stop(power=power)
        return True

    def _stop(self, *, power: bool) -> None:
        """The disk is left as it is, and a process starts on it later."""
        world, dead = self._world, self._dead
        written = list(self.disk.written()) if power and dead is not None else ()
        self.disk.stop(power=power)
        if dead is not None and len(self.disk.lines) < dead.seq:
            self._compare(replay(written[: dead.seq]), "the records that were written")
        world.after(world.between(50, 5_000) * MS, "start", self.start)

    def _dies_opening(self) -> bool:
        """The process may end again while it reads its log, which changes nothing there; or soon after."""
        world, unread = self._world, len(self.disk.lines)
        power = world.chance(Fault.POWER_CUT_RECOVERING)
        if not power and not world.chance(Fault.KILLED_RECOVERING):
            return False
        steps = world.between(0, unread + 2 * _WRITES_MAX) if world.rng.randrange(2) else unread
        if steps < unread:
            world.note(f"the EMS ends while it reads record {steps}")
            self._stop(power=power)
            return True
        self.disk.doom = Doom(world.between(0, _WRITES_MAX), power)
        return False

    def start(self) -> None:
        """A process starts on the log that is left."""
        if self._dies_opening():
            return
        world, book = self._world, self._read()
        if world.chance(Fault.LOWERED_LIMIT):
            self.settings = replace(self.settings, limits={"*": Limits(Decimal("0.4"), Decimal(400))})
        if world.chance(Fault.CLOCK_SKEW):
            self._skew_ns = world.between(-_SKEW_MAX_MS, _SKEW_MAX_MS) * MS
        self._life += 1
        self._made.clear()
        try:
            self._dispatcher = Dispatcher(
                self.settings,
                self._append,
                generation=f"g{self._life}",
                now_ns=self.clock(),
                book=book,
                lookup=self.disk.lookup,
                life=self.disk.of,
            )
            for identity, role, sees in self._grants:
                self._dispatcher.grant(identity, role, self.clock(), sees)
        except (Killed, LogHalted) as problem:
            self._dispatcher = None
            world.note(f"the EMS ends while it starts: {problem}")
            self._stop(power=isinstance(problem, LogHalted) or problem.power)
            return
        self.up = True
        self._observe(())
        world.note(f"the EMS starts with {len(self.disk.lines)} records")
        self._resume()
        for broker in list(book.links):
            self.moved(broker, LinkEvent.LOST)
        for link in self._links.values():
            if self.up:
                link.keep(self)
        self.disk.doom = None

    def _read(self) -> Book:
        """Apply what the log has; P14: at the last record of a process it is as that left it."""
        oracle, book = self._oracle, Book()
        records = self.disk.recovered()
        oracle.begin()
        for record in records:
            effects = applied(book, record)
            oracle.took((record,), effects, book)
            if self._dead is not None and book.seq == self._dead.seq:
                self._compare(book, "the records that are left")
        oracle.restarted(book)
        return book

    def _compare(self, replayed: Book, what: str) -> None:
        """P14: replaying gives the live book."""
        dead, self._dead = self._dead, None
        assert dead is not None, "there is a book to compare with"
        live, again = facts(dead), facts(replayed)
        for slot, known in live.items():
            if again[slot] != known:
                raise Breach("P14", f"{slot}: {what} do not give what was live: {_first(known, again[slot])}")

    def check_replay(self) -> None:
        """P14, while it is up."""
        self._dead = self.book
        self._compare(replay(self.disk.written()), "the records")


def _first(live: object, again: object) -> str:
    """Where the two begin to differ, in words."""
    one, other = repr(live), repr(again)
    place = next((place for place, pair in enumerate(zip(one, other, strict=False)) if len(set(pair)) > 1), 0)
    begin = max(place - 60, 0)
    return f"…{other[begin : place + 60]}… and not …{one[begin : place + 60]}…"
