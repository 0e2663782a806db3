"""A restart anywhere in a run changes nothing that a client can see."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fsm_ems.account_books import standings
from fsm_ems.accounting.position import ENTRY_AND_EXIT
from fsm_ems.dialogs.book import Book
from fsm_ems.dialogs.dispatcher import Dispatcher
from fsm_ems.dialogs.outward import resync_of, status_of
from fsm_ems.dialogs.record import Notice, Record
from fsm_ems.dialogs.settings import Settings
from fsm_ems.dialogs.snapshot import facts
from fsm_ems.journal.file import RecordFile
from fsm_ems.journal.replay import Restored
from fsm_ems.messages import Status
from fsm_ems.why import steps
from tests.journal.test_replay import Put, Run, bounds, inputs

ALL = 1_000_000


class Restarting(Run):
    """A run whose dispatcher is made anew in the middle, over its own book or over that of its records."""

    def __init__(self, path: Path, of: Settings) -> None:
        self.of = of
        path.unlink(missing_ok=True)
        super().__init__(path, of)

    def _append(self, record: Record) -> None:
        self.log.append(record)
        self.memory.append(record)

    def restart(self, book: Book) -> None:
        """Go on with *book*. What was shown of markets is gone, as with any process."""
        self.book = book
        self.dispatcher = Dispatcher(
            self.of,
            self._append,
            generation="g",
            now_ns=self.now_ns,
            book=book,
            lookup=self.log.lookup,
            life=self.log.of,
        )
        for broker, dialogs in self.known.items():
            found = [book.dialog(dialog.owner, dialog.oid) or dialog for dialog in dialogs]
            self.known[broker] = dict.fromkeys(found)

    def seen(self) -> dict[str, list[Status]]:
        """What each identity was told."""
        told: dict[str, list[Status]] = {}
        for effect in self.effects:
            if isinstance(effect, Notice):
                told.setdefault(effect.identity, []).append(status_of(effect))
        return told


def visible(book: Book, records: list[Record], now_ns: int) -> list[Any]:
    """What a client can ask for: its orders as they stand, positions, and why each order is where it is."""
    whose = {(record.owner, record.oid): None for record in records if record.oid}
    return [
        [resync_of(book, identity, now_ns) for identity in book.identities],
        standings(book, ENTRY_AND_EXIT),
        [steps(record for record in records if (record.owner, record.oid) == key) for key in whose],
    ]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("anywhere")


@pytest.mark.no_cover
@pytest.mark.slow
@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(of=bounds, given_inputs=inputs, part=st.integers(0, 100))
def test_a_run_goes_on_from_its_records_as_from_the_book_that_it_had(
    folder: Path, of: Settings, given_inputs: list[Put], part: int
) -> None:
    lived, restored = Restarting(folder / "lived.log", of), Restarting(folder / "restored.log", of)
    puts = [Put("up", "kraken", {}), Put("up", "paper", {}), *given_inputs]
    cut = len(puts) * part // 100
    for put in puts[:cut]:
        lived.put(put)
        restored.put(put)
    again = Restored(ALL)
    for record in RecordFile(folder / "restored.log"):
        again.take(record)

    assert {who: [*map(status_of, notices)] for who, notices in again.told.items()} == restored.seen()
    known = [*restored.memory]
    assert visible(again.book, known, lived.now_ns) == visible(lived.book, known, lived.now_ns)

    lived.restart(lived.book)
    restored.restart(again.book)
    for put in puts[cut:]:
        lived.put(put)
        restored.put(put)

    assert restored.effects == lived.effects
    assert restored.seen() == lived.seen()
    assert [*restored.memory] == [*lived.memory]
    assert facts(restored.book) == facts(lived.book)
    for run in (lived, restored):
        run.log.close()
