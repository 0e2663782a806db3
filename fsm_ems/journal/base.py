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
from fsm_ems.messages import BrokerdBust, BrokerdCorrection, BrokerdFill, Report

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

    def lookup(
        self,
        broker: str,
        reqid: int | str | None,
        venue_id: str | None,
        execution: tuple[str, str] | None = None,
    ) -> Sequence[Record]:
        """The records of the dialog that a report with these ids is about: by its request, else by the
        venue's id, else by an *execution* (account and exec id) that it has, live or undone; none where there
        is no such dialog.
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
ExecIds = Sequence[str]


def ids_in(record: Record) -> tuple[Reqids, VenueIds, ExecIds]:
    """The request ids, the venue's ids and the executions that *record* brings to its dialog.

    None among them is none.
    """
    payload = record.payload
    if isinstance(payload, Reported):
        report = payload.report
        return (report.reqid,), () if payload.foreign else (report.venue_id,), executions_of(report)
    if isinstance(payload, _WITH_REQID):
        return (payload.reqid,), (), ()
    if isinstance(payload, Adopted):
        return (payload.reqid,), (payload.venue_id,), ()
    if isinstance(payload, Recalled):
        executed = (*(fill.exec_id for fill in payload.fills), *(old for old, _ in payload.replaced))
        return payload.reqids, payload.venue_ids, executed
    return (), (), ()


def mentions(record: Record, reqid: int | str | None, venue_id: str | None, exec_id: str | None) -> bool:
    """Whether *record* brings one of the ids to its dialog; what became of it the dialog itself tells."""
    reqids, venue_ids, exec_ids = ids_in(record)
    return (
        (reqid is not None and reqid in reqids)
        or (venue_id is not None and venue_id in venue_ids)
        or (exec_id is not None and exec_id in exec_ids)
    )


def executions_of(report: Report) -> tuple[str, ...]:
    """The ids of the executions that *report* tells of its order; a bust's own id is none."""
    if isinstance(report, BrokerdFill):
        return (report.exec_id,)
    if isinstance(report, BrokerdCorrection):
        return report.exec_id, report.ref_id
    return (report.ref_id,) if isinstance(report, BrokerdBust) else ()


def life_named(
    records: Iterable[Record],
    of: Callable[[str, str], Sequence[Record]],
    broker: str,
    reqid: int | str | None,
    venue_id: str | None,
    execution: tuple[str, str] | None,
) -> Sequence[Record]:
    """How a log answers ``lookup``: *records* are those that may mention an id, *of* is the log's own.

    The request speaks before the venue's id, that before the execution, and the order mentioned last before
    the others.
    """
    exec_id = None if execution is None else execution[1]
    keys: dict[Key, None] = {}
    for record in records:
        if mentions(record, reqid, venue_id, exec_id):
            keys.pop((record.owner, record.oid), None)
            keys[record.owner, record.oid] = None
    by_venue_id: Sequence[Record] = ()
    by_execution: Sequence[Record] = ()
    for key in reversed(keys):
        life = of(*key)
        dialog = rebuilt(life)
        if dialog is None or dialog.broker != broker:
            continue
        if reqid is not None and (reqid == dialog.reqid or reqid in dialog.reqids):
            return life
        if not by_venue_id and venue_id is not None and _is_named(dialog, venue_id):
            by_venue_id = life
        if not by_execution and execution is not None and _has(dialog, *execution):
            by_execution = life
    return by_venue_id or by_execution


def _has(dialog: Dialog, account: str, exec_id: str) -> bool:
    executed = exec_id in (dialog.fills or ()) or exec_id in (dialog.replaced or ())
    return executed and account == dialog.body.account


def _is_named(dialog: Dialog, venue_id: str) -> bool:
    return venue_id == dialog.venue_id or venue_id in dialog.venue_ids
