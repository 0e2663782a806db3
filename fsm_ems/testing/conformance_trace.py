"""What happened in a script, as a mermaid sequence diagram of the EMS, the adapter and the venue."""

from __future__ import annotations

from typing import Literal

from fsm_ems.messages import (
    BrokerdCancel,
    BrokerdEdit,
    BrokerdHistory,
    BrokerdHistoryQuery,
    BrokerdOrder,
    BrokerdQuery,
    PositionReport,
    Request,
)
from fsm_ems.numbers import plain
from fsm_ems.sequence import sequence_diagram, shown
from fsm_ems.testing.conformance_link import leaves
from fsm_ems.testing.conformance_rules import Nonconformance
from fsm_ems.testing.conformance_steps import Step
from fsm_ems.why import report_text

Actor = Literal["ems", "adapter", "venue"]
_PARTICIPANTS = {"ems": "EMS", "adapter": "adapter", "venue": "venue"}


class Trace:
    """The steps that did something, what was said between whom, and the rule that was broken."""

    def __init__(self) -> None:
        self.found: Nonconformance | None = None
        self.steps: list[Step] = []
        self._lines: list[str] = []

    def say(self, speaker: Actor, listener: Actor, text: str) -> None:
        """*speaker* tells *listener*."""
        self._lines.append(f"{speaker}->>{listener}: {shown(text)}")

    def note(self, actor: Actor, text: str) -> None:
        """Something happens at *actor*."""
        self._lines.append(f"Note over {actor}: {shown(text)}")

    def diagram(self) -> str:
        """The diagram of all that."""
        return sequence_diagram(_PARTICIPANTS, self._lines)


def request_text(request: Request) -> str:
    """A request in a few words."""
    if isinstance(request, BrokerdOrder):
        price = "market" if request.price is None else plain(request.price)
        post_only = ", post only" if request.post_only else ""
        terms = f"{request.side} {plain(request.size)} {request.market} at {price}, {request.tif}{post_only}"
        return f"order {request.reqid}: {terms}"
    if isinstance(request, BrokerdHistoryQuery):
        return f"history {request.reqid}, since {request.since or 'ever'}"
    if isinstance(request, BrokerdEdit):
        price = "" if request.price is None else f" at {plain(request.price)}"
        return f"edit {request.reqid} of {request.target}: {plain(request.size)}{price}"
    verb = {BrokerdCancel: "cancel", BrokerdQuery: "query"}[type(request)]
    return f"{verb} {request.reqid} of {request.target}"


def told(report: object) -> str:
    """Whatever an adapter reports, in a few words."""
    if isinstance(report, BrokerdHistory):
        return f"history {report.reqid}: {len(report.orders)} open, {len(report.fills)} executions"
    if isinstance(report, PositionReport):
        return report.name
    try:
        return f"{_named(report)}{report_text(report)}"  # type: ignore[arg-type]  # what is no report is told as such
    except KeyError:
        return f"no report: {report!r}"


def fault_text(error: BaseException) -> str:
    """An exception, or the first of a group, in a few words."""
    error = next(leaves(error))
    return f"{type(error).__name__} ({error})"


def _named(report: object) -> str:
    reqid = getattr(report, "reqid", None)
    name = getattr(report, "venue_id", None) if reqid is None else reqid
    return "" if name is None else f"{name}: "
