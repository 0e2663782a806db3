"""The records and the effect of asking a venue for its history: see :mod:`fsm_ems.dialogs.decide_history`."""

from __future__ import annotations

from fsm_ems.messages import BrokerdFill, BrokerdStatus, Report
from fsm_ems.value import Value


class HistoryAsked(Value, frozen=True):
    """A venue is asked what is open and what was executed; again at *due_ns*, should no answer come.

    It is asked *overlap_ns* further back than the newest execution known: not all reports come in order.
    """

    broker: str
    reqid: int | str
    overlap_ns: int
    deadline_ns: int
    due_ns: int


class HistoryRead(Value, frozen=True):
    """All that a venue told in answer to *query* was taken; it is asked again at *due_ns*, 0 for never."""

    broker: str
    query: int | str
    due_ns: int


def is_listed(report: Report) -> bool:
    """Whether a history may have told *report*, and it shows an order so well that it can be adopted."""
    if isinstance(report, BrokerdStatus):
        return report.snapshot and report.details is not None
    return isinstance(report, BrokerdFill) and report.details is not None


class SendHistory(Value, frozen=True):
    """Tell open orders and the executions since then."""

    broker: str
    reqid: int | str
    since_ns: int
    since: str | None
    time_ns: int
    deadline_ns: int
