"""What a venue's history may bring about; part of :mod:`fsm_ems.testing.auditor`.

The question is known by what was sent, and whether its answer is whole by the answer itself.
"""

from __future__ import annotations

from fsm_ems.dialogs.asking import SendHistory
from fsm_ems.messages import BrokerdHistory, BrokerdStatus, Report
from fsm_ems.testing.breach import Breach
from fsm_ems.testing.inputs import Heard


def asks(asked: dict[str, int | str], effect: SendHistory, link: str | None) -> None:
    """A history was asked for, where it can be answered. *asked* holds the newest question by broker."""
    if link not in ("connected", "synced"):
        raise Breach("P9", f"{effect.broker} was asked for its history while the link was down")
    asked[effect.broker] = effect.reqid


def told_in(given: object) -> tuple[BrokerdStatus | Report, ...]:
    """What a history tells, in its order; nothing where *given* is none."""
    if isinstance(given, Heard) and isinstance(given.report, BrokerdHistory):
        return (*given.report.orders, *given.report.fills)
    return ()


def in_step(asked: dict[str, int | str], given: Heard) -> bool:
    """Whether *given* is the last page of the answer that is awaited."""
    report = given.report
    if not isinstance(report, BrokerdHistory) or asked.get(given.broker) != report.reqid or not report.last:
        return False
    del asked[given.broker]
    return True
