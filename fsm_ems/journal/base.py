"""The record log as the rest of the house sees it: append, read in order, find what belongs to an order.

A log is append-only and knows nothing of what records mean, but for finding the dialog a report names.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Protocol

from fsm_ems.dialogs.facts import Dialog
from fsm_ems.dialogs.recall import rebuilt
from fsm_ems.dialogs.record import (
    Adopted,
    CancelWanted,
    EditSent,
    EditWanted,
    Recalled,
    Record,
    Reported,
    Sent,
    Submitted,
    Triggered,
)

Key = tuple[str, str]
"""A dialog's (owner, oid)."""


class RecordSource(Protocol):
    """Records that can be read."""

    def __iter__(self) -> Iterator[Record]:
        """Every record, in order.

        Raises:
            LogDamaged: a record is torn, altered or out of order.
        """
        ...

    def of(self, owner: str, oid: str) -> Sequence[Record]:
        """The records of one dialog, in order; none where its beginning is no longer kept."""
        ...

    def owners(self, oid: str) -> tuple[str, ...]:
        """Everyone who has an order of that name, the first first."""
        ...

    def lookup(self, broker: str, reqid: int | str | None, venue_id: str | None) -> Sequence[Record]:
        """The records of the dialog that a report with these ids is about: by its request, else by the
        venue's id; none where there is no such dialog.
        """
        ...


class RecordLog(RecordSource, Protocol):
    """Records that can be read and added to."""

    @property
    def durable_seq(self) -> int:
        """The seq of the last record that is kept for good, as far as this log keeps anything for good."""
        ...

    def watch(self, durable: Callable[[int], None], halted: Callable[[str], None]) -> None:
        """Have *durable* called when :attr:`durable_seq` has moved without an append, and *halted* with the
        reason when nothing will move any more. Either may be called from another thread, and must not
        raise. A later call takes the place of an earlier one.
        """
        ...

    def append(self, record: Record) -> None:
        """Take *record*. When this returns, the log can be asked for it; it is kept for good once
        :attr:`durable_seq` has come to it. When this raises, nothing may follow it.

        Raises:
            LogHalted: it could not be kept, or an earlier one could not; nothing is taken any more.
            EMSBug: it does not follow the last record.
        """
        ...

    def close(self) -> None:
        """Let go of the log. Closing twice does no harm."""
        ...


_WITH_REQID = Submitted | Sent | Triggered | CancelWanted | EditWanted | EditSent

Reqids = Sequence[int | str | None]
VenueIds = Sequence[str | None]


def ids_in(record: Record) -> tuple[Reqids, VenueIds]:
    """The request ids and the venue's ids that *record* brings to its dialog; None among them is none."""
    payload = record.payload
    if isinstance(payload, Reported):
        return (payload.report.reqid,), (payload.report.venue_id,)
    if isinstance(payload, _WITH_REQID):
        return (payload.reqid,), ()
    if isinstance(payload, Adopted):
        return (payload.reqid,), (payload.venue_id,)
    if isinstance(payload, Recalled):
        return payload.reqids, payload.venue_ids
    return (), ()


def mentions(record: Record, reqid: int | str | None, venue_id: str | None) -> bool:
    """Whether *record* brings one of the ids to its dialog; what became of it the dialog itself tells."""
    reqids, venue_ids = ids_in(record)
    return (reqid is not None and reqid in reqids) or (venue_id is not None and venue_id in venue_ids)


def life_named(
    records: Iterable[Record],
    of: Callable[[str, str], Sequence[Record]],
    broker: str,
    reqid: int | str | None,
    venue_id: str | None,
) -> Sequence[Record]:
    """How a log answers ``lookup``: *records* are those that may mention an id, *of* is the log's own.

    The request speaks before the venue's id, and the order mentioned last before the others.
    """
    keys: dict[Key, None] = {}
    for record in records:
        if mentions(record, reqid, venue_id):
            keys.pop((record.owner, record.oid), None)
            keys[record.owner, record.oid] = None
    by_venue_id: Sequence[Record] = ()
    for key in reversed(keys):
        life = of(*key)
        dialog = rebuilt(life)
        if dialog is None or dialog.broker != broker:
            continue
        if reqid is not None and (reqid == dialog.reqid or reqid in dialog.reqids):
            return life
        if not by_venue_id and venue_id is not None and _is_named(dialog, venue_id):
            by_venue_id = life
    return by_venue_id


def _is_named(dialog: Dialog, venue_id: str) -> bool:
    return venue_id == dialog.venue_id or venue_id in dialog.venue_ids
