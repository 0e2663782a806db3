"""A record log in memory: gone with the process, and bounded."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence

from fsm_ems.dialogs.record import Adopted, Held, Recalled, Record, Submitted
from fsm_ems.errors import EMSBug, LogHalted
from fsm_ems.journal.base import life_named

KEEP = 20_000
"""How many records a :class:`MemoryLog` keeps unless told: some 25 MB, or 4,000 short lives of orders."""


class MemoryLog:
    """The last *keep* records; with None all of them, without bound.

    Once the first record is gone the log cannot be replayed, and a dialog whose first record is gone cannot
    be asked back.
    """

    def __init__(self, keep: int | None = KEEP) -> None:
        self._records: deque[Record] = deque(maxlen=keep)
        self._seq = 0
        self._closed = False

    @property
    def durable_seq(self) -> int:
        """See :class:`~fsm_ems.journal.base.RecordLog`. Nothing is kept longer than the process."""
        return self._seq

    def watch(self, durable: Callable[[int], None], halted: Callable[[str], None]) -> None:
        """See :class:`~fsm_ems.journal.base.RecordLog`. Nothing moves here between appends."""

    def append(self, record: Record) -> None:
        """See :class:`~fsm_ems.journal.base.RecordLog`."""
        if self._closed:
            raise LogHalted("the record log is closed")
        if record.seq != self._seq + 1:
            raise EMSBug(f"record {record.seq} does not follow {self._seq}")
        self._seq = record.seq
        self._records.append(record)

    def __iter__(self) -> Iterator[Record]:
        return iter(self._records)

    def __len__(self) -> int:
        return len(self._records)

    def of(self, owner: str, oid: str) -> Sequence[Record]:
        """See :class:`~fsm_ems.journal.base.RecordSource`."""
        records = [record for record in self._records if record.oid == oid and record.owner == owner]
        for place, record in enumerate(records):
            if isinstance(record.payload, Submitted | Held | Adopted | Recalled):
                return records[place:]
        return ()

    def owners(self, oid: str) -> tuple[str, ...]:
        """See :class:`~fsm_ems.journal.base.RecordSource`."""
        return tuple(dict.fromkeys(record.owner for record in self._records if record.oid == oid))

    def lookup(
        self,
        broker: str,
        reqid: int | str | None,
        venue_id: str | None,
        execution: tuple[str, str] | None = None,
    ) -> Sequence[Record]:
        """See :class:`~fsm_ems.journal.base.RecordSource`. It scans what is kept."""
        return life_named(self._records, self.of, broker, reqid, venue_id, execution)

    def close(self) -> None:
        """See :class:`~fsm_ems.journal.base.RecordLog`. What it holds can still be read."""
        self._closed = True
