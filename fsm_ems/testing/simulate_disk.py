"""A simulated disk under the record log: what was written is durable a while later, or never.

Records are kept as the shipped codec writes them, a line each, and come back as it reads them. A process
that is killed leaves everything that it wrote; after a power cut, of what was not synced some first part is
left, perhaps with a torn line at its end. A torn line is cut, as every log of the house does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from fsm_ems.dialogs.record import Record
from fsm_ems.errors import LogHalted
from fsm_ems.journal.base import Key, ids_in, life_named
from fsm_ems.journal.codec import decode, encode
from fsm_ems.testing.breach import Breach
from fsm_ems.testing.simulate_faults import Fault
from fsm_ems.testing.simulate_plan import MS
from fsm_ems.testing.simulate_world import World


class Killed(Exception):
    """The process ended in the middle of a step; *power*: because its power was cut."""

    def __init__(self, *, power: bool = False) -> None:
        super().__init__("the power was cut" if power else "killed")
        self.power = power


class Doom(NamedTuple):
    """The process ends when it has written *writes* records more."""

    writes: int
    power: bool


Name = tuple[str, int | str | None]
_FULL_MAX_MS = 8_000


class Disk:
    """The log. *durable* is how many records are safe; *synced* is told each time it grows.

    *lives* counts the processes that have written to it.
    *failed* is called when a sync fails: the process must end.
    """

    def __init__(self, world: World, synced: Callable[[], None], failed: Callable[[], None]) -> None:
        self._world = world
        self.synced = synced
        self._failed = failed
        self.lines: list[str] = []
        self.durable = 0
        self.halted = False
        self._read: list[Record] = []
        self._lives: dict[Key, list[Record]] = {}
        self._naming: dict[Name, list[Record]] = {}
        self._full_until_ns = 0
        self.doom: Doom | None = None
        self.lives = 0
        self._syncing = False

    # ── as the process sees it ──────────────────────────────────────────────────────────────────────

    def append(self, record: Record) -> None:
        """Write *record*; it is safe once a sync has ended that began afterwards.

        Raises:
            LogHalted: the write failed, or an earlier one did.
            Killed: the process ends before or after it.
        """
        world = self._world
        full = world.now_ns < self._full_until_ns
        if self.halted or full or world.chance(Fault.FAILED_WRITE):
            self.halted = True
            raise LogHalted("the simulated disk takes no more")
        if self.doom is not None:
            if not self.doom.writes:
                raise Killed(power=self.doom.power)
            self.doom = self.doom._replace(writes=self.doom.writes - 1)
        killed = world.chance(Fault.KILLED_WRITING)
        if killed and world.rng.randrange(2):
            raise Killed
        line = encode(record)
        world.note(line)
        self.lines.append(line)
        self._index(record)
        if killed:
            raise Killed

    def of(self, owner: str, oid: str) -> Sequence[Record]:
        """As :class:`~fsm_ems.journal.base.RecordSource` has it."""
        return self._lives.get((owner, oid), ())

    def lookup(
        self,
        broker: str,
        reqid: int | str | None,
        venue_id: str | None,
        execution: tuple[str, str] | None = None,
    ) -> Sequence[Record]:
        """As :class:`~fsm_ems.journal.base.RecordSource` has it."""
        names = (("reqid", reqid), ("venue id", venue_id), ("execution", execution and execution[1]))
        naming = {record.seq: record for name in names for record in self._naming.get(name, ())}
        mentioned = [naming[seq] for seq in sorted(naming)]
        return life_named(mentioned, self.of, broker, reqid, venue_id, execution)

    def _index(self, record: Record) -> None:
        if not record.oid:
            return
        self._lives.setdefault((record.owner, record.oid), []).append(record)
        reqids, venue_ids, exec_ids = ids_in(record)
        for kind, ids in (("reqid", reqids), ("venue id", venue_ids), ("execution", exec_ids)):
            for named in ids:
                if named is not None:
                    self._naming.setdefault((kind, named), []).append(record)

    def fill(self) -> bool:
        """There is no room left, for a while; False where there was none already."""
        now_ns = self._world.now_ns
        if now_ns < self._full_until_ns:
            return False
        self._full_until_ns = now_ns + self._world.between(100, _FULL_MAX_MS) * MS
        return True

    # ── time ────────────────────────────────────────────────────────────────────────────────────────

    def sync(self) -> None:
        """Begin to make durable what was written, unless that is under way."""
        if self._syncing or self.halted or self.durable == len(self.lines):
            return
        world = self._world
        took_us = world.plan.sync_us and world.between(1, 2 * world.plan.sync_us)
        if world.chance(Fault.SLOW_DISK):
            took_us += world.between(100_000, 6_000_000)
        self._syncing = True
        target, life = len(self.lines), self.lives
        if took_us:
            world.after(took_us * 1_000, "synced", lambda: self._done(target, life))
        else:
            self._done(target, life)

    def _done(self, target: int, life: int) -> None:
        if life != self.lives:
            return
        self._syncing = False
        if self._world.chance(Fault.FAILED_SYNC):
            self.halted = True
            self._failed()
            return
        self.durable = target
        self.synced()
        if life == self.lives:  # what became safe may have led to the end of the process
            self.sync()

    # ── after the process ───────────────────────────────────────────────────────────────────────────

    def written(self) -> Sequence[Record]:
        """Everything that was written, as it is read back."""
        self._read.extend(decode(line) for line in self.lines[len(self._read) :])
        return self._read

    def stop(self, *, power: bool) -> None:
        """The process has ended, or the power was cut."""
        world = self._world
        self.lives += 1
        self._syncing = False
        self.halted = False
        self.doom = None
        if power:
            kept = world.between(self.durable, len(self.lines))
            image = [line + "\n" for line in self.lines[:kept]]
            if kept < len(self.lines) and world.rng.randrange(2):
                torn = self.lines[kept]
                image.append(torn[: world.between(1, len(torn))])
                world.faults[Fault.TORN_TAIL] += 1
            self.lines = _sound(image)
            if len(self.lines) < self.durable:
                raise Breach("P2", f"{self.durable} records were durable, and {len(self.lines)} are left")
        del self._read[len(self.lines) :]

    def recovered(self) -> Sequence[Record]:
        """What a new process finds; it is all safe by then."""
        records = self.written()
        self._lives, self._naming = {}, {}
        for record in records:
            self._index(record)
        self.durable = len(self.lines)
        return records


def _sound(image: list[str]) -> list[str]:
    """The whole lines of *image*; the last may be torn."""
    return [line[:-1] for line in image if line.endswith("\n")]
