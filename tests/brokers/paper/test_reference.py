"""The engine against :mod:`tests.brokers.paper.reference`: tapes, orders, edits and cancels of any kind."""

import random
from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Protocol, TypeVar

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from fsm_ems.brokers.paper.engine import PaperEngine
from fsm_ems.market import FillModel, Market
from fsm_ems.messages import (
    BrokerdFill,
    BrokerdOrder,
    BrokerdOrderAck,
    BrokerdRefused,
    BrokerdReplaced,
    BrokerdStatus,
    Request,
    Side,
    TimeInForce,
    VenueReport,
    parse_request,
)
from fsm_ems.quotes import Quote, Row, Trade
from tests.brokers.paper.reference import Reference, Told

T = TypeVar("T")

MARKET = Market(
    fqme="xy.paper",
    base="x",
    quote="y",
    price_tick=Decimal(1),
    size_tick=Decimal("0.5"),
    min_size=Decimal(1),
    min_cost=Decimal(98),
    maker_bps=Decimal("-0.5"),
    taker_bps=Decimal("2.5"),
)
LATE_NS = 10**6
MODELS: tuple[FillModel, ...] = ("touch", "through", "queue")
EVERYTHING = (
    "ack", "open", "fill", "replaced", "cancelled", "rejected", "expired", "snapshot",
    "refused submit", "refused edit", "refused cancel",
)  # fmt: skip


class Choose(Protocol):
    """How a story is made up: by Hypothesis, which can shrink it, or by a seed, which is quick."""

    def __call__(self, options: Sequence[T], /) -> T: ...


def decimals(texts: str) -> list[Decimal]:
    return [Decimal(text) for text in texts.split()]


# Few times, prices and sizes: what matters is that things meet.
BIDS = decimals("99 100 100 100 101")
SPREADS = decimals("1 1 1 1 1 1 1 2 3 0 -1")
PRINTS = decimals("98 99 100 100 100 101 101 101 102")
SIZES = decimals("1 1.5 2 3 4.5")
PRINT_SIZES = decimals("0.5 0.5 1 1 1.5 3 4.5")
ORDER_PRICES = decimals("98 98 99 99 99 100 100 100 100 101 101 101 101 102 102 102 99.5")
ORDER_SIZES = decimals("1 1.5 2 3 4.5 1 1.5 2 3 4.5 1 1.5 2 3 4.5 0.5 1.25")
HOLES = [""] * 24 + ["bid", "bid_size", "ask", "ask_size"]
STEPS = [1, 0, 0, 2, 4]
SELDOM = [False] * 11 + [True]
SOMETIMES = [False, False, False, True]
SIDES: list[Side] = ["buy", "sell"]
TIFS: list[TimeInForce] = ["gtc", "gtc", "gtc", "gtc", "gtc", "gtd", "gtd", "ioc", "fok"]
KINDS = ["order", "order", "edit", "edit", "cancel", "query"]


def tape_of(choose: Choose) -> list[Row]:
    """Quotes, mostly sound, some locked, crossed or with nothing on a side; and prints."""
    tape: list[Row] = []
    now = 0
    for _ in range(choose(range(3, 20))):
        now += choose(STEPS)
        if choose([True, False]):
            tape.append(Trade(now, choose(PRINTS), choose(PRINT_SIZES), choose(SIDES), ""))
            continue
        bid = choose(BIDS)
        cells = {
            "bid": bid,
            "bid_size": choose(SIZES),
            "ask": bid + choose(SPREADS),
            "ask_size": choose(SIZES),
        }
        hole = choose(HOLES)
        if hole:
            cells[hole] = Decimal(0)
        tape.append(Quote(now, **cells))
    return tape


def order_of(choose: Choose, reqid: int | str, now: int) -> BrokerdOrder:
    market = choose([False] * 7 + [True])
    tif = choose(TIFS)
    return BrokerdOrder(
        reqid=reqid,
        account="other" if choose(SELDOM) else "main",
        market=MARKET.fqme,
        side=choose(SIDES),
        size=choose(ORDER_SIZES),
        price=choose(ORDER_PRICES) if market == (choose(SELDOM) and choose(SOMETIMES)) else None,
        type="market" if market else "limit",
        tif=tif,
        expire_ns=now + choose(range(13)) if tif == "gtd" else None,
        post_only=choose(SOMETIMES) and (tif not in ("ioc", "fok") or choose(SELDOM)),
        time_ns=now,
        deadline_ns=now + choose(range(8)) if choose(SELDOM) else LATE_NS,
    )


def requests_of(choose: Choose) -> list[Request]:
    """Orders, and edits, cancels and queries about them, mostly under fresh ids; 1 and "1" differ."""
    sent: list[Request] = []
    used: list[int | str] = [1]
    named: list[int | str] = []
    now = 0
    for number in range(choose(range(3, 16))):
        now += choose(STEPS)
        fresh = number if choose(SOMETIMES) else str(number)
        reqid = choose(used) if choose(SELDOM) else fresh
        kind = choose(KINDS) if named else "order"
        if kind == "order":
            sent.append(order_of(choose, reqid, now))
        else:
            sent.append(
                request_about(choose, kind, reqid, choose(used if choose(SELDOM) else named[-4:]), now)
            )
        used.append(reqid)
        if kind in ("order", "edit"):
            named.append(reqid)
    return sent


def request_about(choose: Choose, kind: str, reqid: int | str, target: int | str, now: int) -> Request:
    fields: dict[str, object] = {
        "name": f"brokerd_{kind}",
        "reqid": reqid,
        "account": "other" if choose(SELDOM) else "main",
        "target": target,
        "venue_id": choose(["P1", "P2"]) if choose(SELDOM) else None,
        "time_ns": now,
        "deadline_ns": now + choose(range(8)) if choose(SELDOM) else LATE_NS,
    }
    if kind == "edit":
        fields |= {
            "size": choose(ORDER_SIZES),
            "price": choose(ORDER_PRICES) if choose([True, False]) else None,
        }
    return parse_request(fields)


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
