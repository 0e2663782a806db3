"""All that a page tells of one run, put together once the run is over."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from fsm_ems.dialogs.record import Record
from fsm_ems.market import FillModel, Market
from fsm_ems.report.life import Life, lives
from fsm_ems.report.standing import Standing, standings
from fsm_ems.report.track import Shown
from fsm_ems.tally import Tally


@dataclass(frozen=True, slots=True)
class Setup:
    """What was played, and under which rules. *tape* and *orders* are the files' names."""

    tape: str
    orders: str
    market: Market
    fill_model: FillModel
    latency_ns: int


@dataclass(frozen=True, slots=True)
class Run:
    """A run as it is drawn; it began at *start_ns* and ended at *end_ns*."""

    setup: Setup
    shown: Shown
    tally: Tally
    lives: Sequence[Life]
    standings: Sequence[Standing]
    start_ns: int
    end_ns: int


def told(setup: Setup, shown: Shown, tally: Tally, records: Iterable[Record]) -> Run:
    """The run that made *records* from what was *shown*; *tally* has taken all its outcomes."""
    about = [record for record in records if record.oid]
    times = [record.time_ns for record in about]
    start_ns, end_ns = min([shown.first_ns, *times]), max([shown.last_ns, *times])
    found = lives(about, end_ns)
    fills = sorted((fill for life in found for fill in life.fills), key=lambda fill: fill.time_ns)
    standing = standings(setup.market, fills, shown.prints.points)
    return Run(setup, shown, tally, found, standing, start_ns, end_ns)
