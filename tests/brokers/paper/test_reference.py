"""The engine against :mod:`tests.brokers.paper.reference`: tapes, orders, edits and cancels of any kind."""

import random
from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from typing import TypeVar

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from fsm_ems.brokers.paper.engine import PaperEngine
from fsm_ems.market import FillModel
from fsm_ems.messages import (
    BrokerdFill,
    BrokerdOrderAck,
    BrokerdRefused,
    BrokerdReplaced,
    BrokerdStatus,
    Request,
    VenueReport,
)
from fsm_ems.quotes import Row
from tests.brokers.paper.reference import Reference, Told
from tests.brokers.paper.stories import LATE_NS, MARKET, MODELS, Choose, requests_of, tape_of

T = TypeVar("T")

EVERYTHING = (
    "ack", "open", "fill", "replaced", "cancelled", "rejected", "expired", "snapshot",
    "refused submit", "refused edit", "refused cancel",
)  # fmt: skip


def exact(number: Decimal | None) -> Fraction | None:
    return None if number is None else Fraction(number)


def told(report: VenueReport) -> Told:
    """A report as the reference would tell it."""
    head = (report.time_ns,)
    if isinstance(report, BrokerdFill):
        numbers = (
            exact(report.size),
            exact(report.price),
            report.liquidity,
            exact(report.cum),
            exact(report.fee),
        )
        return (*head, "fill", report.reqid, *numbers)
    if isinstance(report, BrokerdOrderAck):
        return (*head, "ack", report.reqid, report.venue_id)
    if isinstance(report, BrokerdReplaced):
        return (*head, "replaced", report.reqid, exact(report.size), exact(report.price))
    if isinstance(report, BrokerdRefused):
        return (*head, f"refused {report.request}", report.reqid, report.code)
    assert isinstance(report, BrokerdStatus)
    if not report.snapshot:
        return (*head, report.status, report.reqid, exact(report.cum))
    terms = report.details
    size, price = (None, None) if terms is None else (exact(terms.size), exact(terms.price))
    return (*head, "snapshot", report.reqid, report.status, exact(report.cum), size, price)


def by_engine(
    tape: list[Row], sent: list[Request], model: FillModel, latency_ns: int, *, ahead: bool
) -> list[VenueReport]:
    """What the engine reports; *ahead*: it is given every request before it needs it, else just in time."""
    engine = PaperEngine({MARKET.fqme: MARKET}, fill_model=model, latency_ns=latency_ns)
    reports: list[VenueReport] = []
    waiting = list(sent)
    while ahead and waiting:
        engine.send(waiting.pop(0))
    for row in tape:
        while waiting and waiting[0].time_ns < row.time_ns:
            reports += engine.advance(waiting[0].time_ns, inclusive=False)
            engine.send(waiting.pop(0))
        reports += engine.row(row)
    while waiting:
        reports += engine.advance(waiting[0].time_ns, inclusive=False)
        engine.send(waiting.pop(0))
    return reports + engine.advance(LATE_NS)


def compare(choose: Choose, model: FillModel) -> list[Told]:
    """One story told by both; gives back what they agreed on."""
    tape, sent, latency_ns = tape_of(choose), requests_of(choose), choose([0, 0, 1, 7])
    expected = Reference(MARKET, model, latency_ns).run(tape, sent, LATE_NS)

    reports = by_engine(tape, sent, model, latency_ns, ahead=choose([True, False]))

    assert [told(report) for report in reports] == expected
    fills = [report for report in reports if isinstance(report, BrokerdFill)]
    assert len({fill.exec_id for fill in fills}) == len(fills)
    return expected


@pytest.mark.slow
@settings(max_examples=60)
@given(draws=st.data(), model=st.sampled_from(MODELS))
def test_the_engine_reports_what_the_reference_computes(draws: st.DataObject, model: FillModel) -> None:
    def choose(options: Sequence[T]) -> T:
        return draws.draw(st.sampled_from(options))

    for what, count in Counter(str(entry[1]) for entry in compare(choose, model)).items():
        event(f"{what}: {min(count, 3)}")


@pytest.mark.no_cover
@pytest.mark.slow
@pytest.mark.parametrize("model", MODELS)
def test_they_agree_on_many_stories_more(model: FillModel) -> None:
    """Seeded: no shrinking, but an order of magnitude quicker."""
    seen: Counter[str] = Counter()
    for seed in range(1_000):
        try:
            seen.update(str(entry[1]) for entry in compare(random.Random(seed).choice, model))
        except AssertionError as error:
            raise AssertionError(f"seed {seed}") from error

    assert min(seen[what] for what in EVERYTHING) > 50, seen
