"""Crash points of the append-only files: the record log of a replay, and the paper venue's own journal."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from decimal import Decimal
from hashlib import blake2b
from pathlib import Path
from typing import TypeGuard

import trio
import trio.testing

from fsm_ems.brokers.paper.backend import XBTUSD, PaperBroker
from fsm_ems.brokers.paper.backend_dialogue import PaperDialogue
from fsm_ems.brokers.paper.backend_file import LOG, VenueFile
from fsm_ems.brokers.paper.engine import PaperEngine
from fsm_ems.clock import TrioClock
from fsm_ems.dialogs.record import Granted, Record
from fsm_ems.dialogs.settings import SECOND_NS
from fsm_ems.errors import LogHalted
from fsm_ems.journal.file import FileLog
from fsm_ems.journal.sqlite_store import FIRST_PREV
from fsm_ems.messages import BrokerdCancel, BrokerdEdit, BrokerdOrder, Request
from fsm_ems.quotes import Quote
from fsm_ems.testing.crash_stage import RECORDS, START_NS, digest_of
from fsm_ems.testing.crash_tape import Digest, Entry, Found, Promised, Taken, Tape
from fsm_ems.testing.crash_watch import Call

TURNS = "turns of the venue"
NAME, VENUE, PREFIX = "records.log", "house/venue", "p"


class LogScene:
    """A :class:`~fsm_ems.journal.file.FileLog` that syncs; one life for each of *lives*.

    Each is killed when it has made so many calls; None ends in order.
    """

    series: Sequence[tuple[str, Digest]] = ((RECORDS, FIRST_PREV),)

    def __init__(self, name: str, lives: Sequence[int | None]) -> None:
        self.name = name
        self._lives = lives

    def play(self, folder: Path, tape: Tape) -> None:
        """See :class:`~fsm_ems.testing.crash_scene.Scene`."""
        for calls in self._lives:
            if calls is not None:
                tape.die_after(calls)
            with suppress(LogHalted):
                self._live(folder / "logs" / NAME, tape)
            tape.live_again()

    def _live(self, path: Path, tape: Tape) -> None:
        log = FileLog(path, sync=True)
        records = [*log]
        tape.taken(RECORDS, len(records), digest_of(records), anew=True)
        tape.promised(RECORDS, log.durable_seq, "it was opened with them")
        try:
            for _ in range(4):
                seq = len(records) + 1
                records.append(Record(seq, 0, "", "", None, None, Granted(f"t{seq}", "trader", ())))
                tape.taken(RECORDS, seq, digest_of(records))
                log.append(records[-1])
                tape.promised(RECORDS, seq, "append returned")
        finally:
            log.close()

    def recover(self, folder: Path) -> Found:
        """See :class:`~fsm_ems.testing.crash_scene.Scene`."""
        log = FileLog(folder / "logs" / NAME, sync=True)
        records = [*log]
        log.close()
        return {RECORDS: (len(records), digest_of(records))}


class VenueScene:
    """The paper venue with a file of its own: orders, an edit, a cancel, fills, an expiry; *lives* as above.

    A line of its file is a turn. Whatever it reported follows from the turns that were written until then.
    """

    series: Sequence[tuple[str, Digest]] = ((TURNS, b""),)

    def __init__(self, name: str, lives: Sequence[int | None]) -> None:
        self.name = name
        self._lives = lives
        self._states: dict[Digest, object] = {}

    def play(self, folder: Path, tape: Tape) -> None:
        """See :class:`~fsm_ems.testing.crash_scene.Scene`."""
        self._states = {}
        for number, calls in enumerate(self._lives):
            if calls is not None:
                tape.die_after(calls)
            try:
                clock = trio.testing.MockClock(autojump_threshold=0)
                trio.run(self._live, folder / VENUE, tape, number, clock=clock)
            except* LogHalted:
                assert tape.is_dead, "nothing else stops this venue"
            tape.live_again()
        tape.entries[:] = _with_turns(tape.entries)

    async def _live(self, folder: Path, tape: Tape, number: int) -> None:
        feed = [
            Quote(
                second * SECOND_NS, Decimal(50_000 - second), Decimal(1), Decimal(50_001 - second), Decimal(1)
            )
            for second in range(6)
        ]
        clock = TrioClock(START_NS + 1_000 * SECOND_NS * number)
        with PaperBroker({XBTUSD.fqme: XBTUSD}, feed, clock=clock, prefix=PREFIX, path=folder) as broker:
            self._note(broker, folder)
            async with broker.open_trades_dialogue() as dialogue, trio.open_nursery() as nursery:
                nursery.start_soon(self._listen, broker, dialogue, folder, tape)
                await trio.sleep(0.5)
                for request in _requests(number, clock):
                    await dialogue.send(request)
                    await trio.sleep(1)
                await trio.sleep(10)
                nursery.cancel_scope.cancel()

    async def _listen(self, broker: PaperBroker, dialogue: PaperDialogue, folder: Path, tape: Tape) -> None:
        while True:
            report = await dialogue.receive()
            tape.promised(TURNS, 0, f"{report.name} was told")  # of which turns, the tape knows
            self._note(broker, folder)

    def _note(self, broker: PaperBroker, folder: Path) -> None:
        """How the venue stands with these turns."""
        self._states[_digest(_lines(folder))] = _state(broker.engine)

    def recover(self, folder: Path) -> Found:
        """See :class:`~fsm_ems.testing.crash_scene.Scene`."""
        path = folder / VENUE
        file = VenueFile(path, XBTUSD.broker, PREFIX)
        try:
            engine = PaperEngine({XBTUSD.fqme: XBTUSD}, prefix=file.prefix)
            engine.restore(file)
        finally:
            file.close()
        lines = _lines(path)
        digest = _digest(lines)
        lived = self._states.get(digest)
        assert lived is None or lived == _state(engine), "another venue than the same turns made alive"
        return {TURNS: (len(lines) - 1, digest)}


def _state(engine: PaperEngine) -> object:
    venue = engine.venue
    return venue.placed, venue.executed, venue.ranked, venue.orders.live, [*venue.executions]


def _digest(lines: Sequence[bytes]) -> bytes:
    """The first line names the venue; one that lost it begins anew under the same name."""
    return blake2b(b"".join(lines), digest_size=16).digest() if len(lines) > 1 else b""


def _lines(folder: Path) -> list[bytes]:
    return (folder / LOG).read_bytes().splitlines(keepends=True)


def _adds(entry: Entry, end: int) -> TypeGuard[Call]:
    """Whether *entry* writes past the *end* of the venue's file."""
    return (
        isinstance(entry, Call)
        and (entry.what, entry.offset >= end) == ("write", True)
        and entry.path.endswith(LOG)
    )


def _with_turns(entries: Sequence[Entry]) -> list[Entry]:
    """What each write to the venue's file takes in stands before it, and promises say how many there were.

    A write before the end is the last line once more, which an opening writes.
    """
    lines: list[bytes] = []
    found: list[Entry] = []
    for entry in entries:
        if _adds(entry, sum(map(len, lines))):
            lines.append(entry.content)
            if len(lines) > 1:
                found.append(Taken(TURNS, len(lines) - 1, _digest(lines)))
        found.append(entry._replace(number=len(lines) - 1) if isinstance(entry, Promised) else entry)
    return found


def _requests(life: int, clock: TrioClock) -> Sequence[Request]:
    """Two orders that rest, one of which is edited and one cancelled; one that trades; one that expires."""
    now, late = clock(), clock() + 900 * SECOND_NS

    def order(name: str, size: int, price: int, expire_ns: int | None = None) -> BrokerdOrder:
        return BrokerdOrder(
            reqid=f"{life}{name}", account="main", market=XBTUSD.fqme, side="buy", size=Decimal(size),
            price=Decimal(price), tif="gtc" if expire_ns is None else "gtd", expire_ns=expire_ns, time_ns=now,
            deadline_ns=late,
        )  # fmt: skip

    return (
        order("a", 1, 49_000),
        order("b", 3, 50_001),
        BrokerdEdit(
            reqid=f"{life}e",
            account="main",
            target=f"{life}a",
            size=Decimal(2),
            time_ns=now,
            deadline_ns=late,
        ),
        order("c", 1, 48_000, now + 8 * SECOND_NS),
        BrokerdCancel(reqid=f"{life}x", account="main", target=f"{life}a", time_ns=now, deadline_ns=late),
    )


def file_scenes() -> list[LogScene | VenueScene]:
    """All of them."""
    return [
        LogScene("record file", (None,)),
        LogScene("record file killed and opened", (0, 1, 2, 3, 4, 5, 6, 7, None)),
        VenueScene("paper venue", (None,)),
        VenueScene("paper venue killed and opened", (1, 2, 3, 4, 5, 8, 12, None)),
    ]
