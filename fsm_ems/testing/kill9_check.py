"""What must hold after a kill: every promise that was heard is kept by what lies in the folders.

The journal is read as ``fsm-ems journal verify`` reads it, the venue's file as the next venue will. Nothing
here asks the code that wrote them what it meant.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from contextlib import closing
from decimal import Decimal
from pathlib import Path

from fsm_ems.accounting.clear import Clear
from fsm_ems.accounting.ledger_file import read_ledger
from fsm_ems.accounting.pps_file import read_pps
from fsm_ems.brokers.paper.backend import XBTUSD
from fsm_ems.brokers.paper.backend_file import VenueFile
from fsm_ems.brokers.paper.engine_facts import Accepted, Executed, Fact
from fsm_ems.dialogs.record import CancelWanted, Record, Submitted, Triggered
from fsm_ems.errors import LogDamaged, LogFault
from fsm_ems.journal.base import ids_in
from fsm_ems.journal.replay import replay
from fsm_ems.journal.snapshots import Checker
from fsm_ems.journal.sqlite_read import JournalReader
from fsm_ems.machines.order import ENDS
from fsm_ems.testing.breach import Breach
from fsm_ems.testing.kill9_life import EMS_FOLDER, OWNERS, VENUE_FOLDER

Key = tuple[str, str]


class Heard:
    """All that was promised to anybody, in all lives on one folder."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, str]] = []
        self.taken: set[Key] = set()
        self.cancelled: set[Key] = set()
        self.told: set[tuple[str, int]] = set()
        self.points: list[set[str]] = []
        self.is_ready = False
        self.failed: list[str] = []
        self.lines = 0

    def life_begins(self) -> None:
        """What is of one life alone is forgotten."""
        self.is_ready = False
        self.points.append(set())

    def hear(self, line: str) -> None:
        """One line of :mod:`fsm_ems.testing.kill9_life`."""
        self.lines += 1
        word, _, rest = line.partition(" ")
        words = rest.split()
        match word:
            case "sent":
                self.sent.append((words[0], words[1]))
            case "taken":
                self.taken.add((words[0], words[1]))
            case "cancelled":
                self.cancelled.add((words[0], words[1]))
            case "told":
                self.told.add((words[0], int(words[1])))
            case "point":
                self.points[-1].add(rest)
            case "ready":
                self.is_ready = True
            case _:
                self.failed.append(line)

    @property
    def promises(self) -> int:
        """How many there are."""
        return len(self.sent) + len(self.taken) + len(self.cancelled) + len(self.told)


class Left:
    """What the killed left behind in *folder*."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.reader = JournalReader(folder / EMS_FOLDER)
        self.records = _records(self.reader)
        self.facts = _facts(folder / VENUE_FOLDER)
        self.reqids: dict[str, Key] = {}
        for record in self.records:
            for reqid in ids_in(record)[0]:
                if reqid is not None:
                    self.reqids.setdefault(str(reqid), (record.owner, record.oid))

    def verify(self) -> None:
        """Journal, archive and snapshots are what was written, as ``fsm-ems journal verify`` has it.

        Raises:
            LogDamaged: it is not.
        """
        snapshots = Checker(self.reader.path.parent)
        seq = self.reader.check(snapshots.see).seq
        snapshots.finish()
        _must(seq == len(self.records), "P14", f"{seq} records verify of {len(self.records)}")

    def check(self, heard: Heard) -> None:
        """Everything that was heard is kept; nothing happened twice.

        Raises:
            Breach: it is not.
        """
        self._check_commands(heard)
        self._check_streams(heard)
        self._check_sends(heard)
        self._check_venue()

    def _check_commands(self, heard: Heard) -> None:
        lost = heard.taken - {(record.owner, record.oid) for record in self.records}
        _must(not lost, "P2", f"orders were taken and are lost: {sorted(lost)[:3]}")
        wanted = {
            (record.owner, record.oid) for record in self.records if isinstance(record.payload, CancelWanted)
        }
        lost = heard.cancelled - wanted
        _must(not lost, "P5", f"cancels were taken and are lost: {sorted(lost)[:3]}")

    def _check_streams(self, heard: Heard) -> None:
        tells: dict[str, list[int]] = defaultdict(list)
        for record in self.records:
            for identity, seq in record.tells:
                tells[identity].append(seq)
        for identity, seqs in tells.items():
            _must(seqs == [*range(1, len(seqs) + 1)], "P8", f"the stream of {identity} has a gap")
        known = {(identity, seq) for identity, seqs in tells.items() for seq in seqs}
        lost = heard.told - known
        _must(not lost, "P2", f"statuses were told by no record: {sorted(lost)[:3]}")

    def _check_sends(self, heard: Heard) -> None:
        asks = ("brokerd_query", "brokerd_history_query")  # questions leave no trace: nothing hangs on them
        sent = [reqid for kind, reqid in heard.sent if kind not in asks]
        lost = [reqid for reqid in sent if reqid not in self.reqids]
        _must(not lost, "P1", f"requests were sent without a record: {lost[:3]}")
        orders = Counter(self.reqids[reqid] for kind, reqid in heard.sent if kind == "brokerd_order")
        twice = [key for key, count in orders.items() if count > 1]
        _must(not twice, "P1", f"orders were sent twice: {twice[:3]}")

    def _check_venue(self) -> None:
        placed = [str(fact.terms.reqid) for fact in self.facts if isinstance(fact, Accepted)]
        strange = [reqid for reqid in placed if reqid not in self.reqids]
        _must(not strange, "P1", f"the venue has orders of which there is no record: {strange[:3]}")
        orders = Counter(self.reqids[reqid] for reqid in placed)
        twice = [key for key, count in orders.items() if count > 1]
        _must(not twice, "P1", f"the venue has orders twice: {twice[:3]}")
        firsts = (Submitted, Triggered)
        fired = Counter(
            (record.owner, record.oid)
            for record in self.records
            if isinstance(record.payload, firsts) and record.payload.reqid is not None
        )
        _must(all(count == 1 for count in fired.values()), "P9", "an order left twice")

    # ── in the end ──────────────────────────────────────────────────────────────────────────────────

    def check_agreement(self) -> None:
        """Nobody is killed any more and all had time: EMS, ledger, positions and venue say the same.

        Raises:
            Breach: they do not.
        """
        book = replay(self.records)
        alive = [
            (owner, oid, dialog.state.value)
            for owner in OWNERS
            for oid, dialog in book.dialogs.get(owner, {}).items()
            if dialog.state not in ENDS
        ]
        _must(not alive, "P13", f"orders have not ended: {alive[:3]}")
        executed = {fact.exec_id: fact for fact in self.facts if isinstance(fact, Executed)}
        times = Counter(fact.exec_id for fact in self.facts if isinstance(fact, Executed))
        _must(all(count == 1 for count in times.values()), "P3", "the venue executed under one id twice")
        booked = {exec_id for execs in book.executions.values() for exec_id in execs}
        _must(booked == executed.keys(), "P3", f"fills differ: {sorted(booked ^ executed.keys())[:3]}")
        venue = self._venue_position(executed)
        held = {
            market: position.size
            for positions in book.positions.values()
            for market, position in positions.items()
        }
        _must(held.get(XBTUSD.fqme, Decimal(0)) == venue, "P4", f"position {held}, at the venue {venue}")
        self._check_files(venue)

    def _venue_position(self, executed: dict[str, Executed]) -> Decimal:
        sides = {fact.venue_id: fact.terms.side for fact in self.facts if isinstance(fact, Accepted)}
        return sum(
            (fact.size if sides[fact.venue_id] == "buy" else -fact.size for fact in executed.values()),
            Decimal(0),
        )

    def _check_files(self, venue: Decimal) -> None:
        folder = self.folder / EMS_FOLDER
        days = [read_ledger(path) for path in sorted(folder.glob("ledger/**/*.toml"))]
        entries = [entry for day in days if day is not None for entry in day.page.entries]
        effects = [entry.effect for entry in entries]
        in_ledger = sum((effect.size for effect in effects if isinstance(effect, Clear)), Decimal(0))
        _must(in_ledger == venue, "P4", f"the ledger sums up to {in_ledger}, the venue to {venue}")
        known = read_pps(folder / "pps.toml")
        in_pps = sum((position.size for position in known.positions), Decimal(0)) if known else Decimal(0)
        _must(in_pps == venue, "P4", f"pps.toml says {in_pps}, the venue {venue}")


def _records(reader: JournalReader) -> Sequence[Record]:
    try:
        return [*reader]
    except LogDamaged:
        raise
    except LogFault:  # its writer was killed before it kept anything: whatever was promised is missed below
        return []


def _facts(folder: Path) -> list[Fact]:
    if not folder.exists():
        return []
    with closing(VenueFile(folder, XBTUSD.broker, None, sync=False)) as file:
        return [*file]


def _must(holds: bool, promise: str, why: str) -> None:  # noqa: FBT001 -- it reads as the sentence it is
    if not holds:
        raise Breach(promise, why)
