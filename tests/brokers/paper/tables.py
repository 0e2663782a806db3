"""Small tapes as text: one input a row, and after the arrow the reports it brings.

    0  quote 99x5 101x5
    1  order a buy 2 @101 ioc         -> a ack P1; a took 2@101
    2  trade 100x1
    3  cancel c a                     -> c cancel refused: too_late

Times are in ns. An order's terms after the price, or instead of it: `market`, `ioc`, `fok`, `gtd=TIME`,
`post`. Any request may have `by=DEADLINE`, and `at=ACCOUNT`. `time` lets time pass and does nothing else.
Requests are handed over and time is let pass to then, so with latency their reports come on later rows.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal

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
    TimeInForce,
    VenueReport,
    parse_request,
)
from fsm_ems.quotes import Quote, Row, Trade

MARKET = Market(
    fqme="btcusd.paper",
    base="btc",
    quote="usd",
    price_tick=Decimal("0.5"),
    size_tick=Decimal("0.1"),
    min_size=Decimal("0.2"),
    min_cost=Decimal(10),
    maker_bps=Decimal(2),
    taker_bps=Decimal(5),
)
LAST_NS = 10**6
TERMS: dict[str, dict[str, object]] = {
    "market": {"type": "market"},
    "ioc": {"tif": "ioc"},
    "fok": {"tif": "fok"},
    "post": {"post_only": True},
}


def played(
    table: str, *, model: FillModel = "touch", latency_ns: int = 0, engine: PaperEngine | None = None
) -> str:
    """The table with what the engine reported in its last column: equal to it if the engine is right."""
    if engine is None:
        engine = PaperEngine({MARKET.fqme: MARKET}, fill_model=model, latency_ns=latency_ns)
    lines: list[str] = []
    for line in tidy(table).splitlines():
        given = line.partition("->")[0].strip()
        told = "; ".join(shown(report) for report in take(engine, given))
        lines.append(f"{given} -> {told}" if told else given)
    return "\n".join(lines)


def tidy(table: str) -> str:
    """One space everywhere, comments and empty lines gone: what :func:`played` gives back."""
    lines = (re.sub(r"\s+", " ", line.partition("#")[0]).strip() for line in table.splitlines())
    return "\n".join(line for line in lines if line)


def take(engine: PaperEngine, given: str) -> list[VenueReport]:
    """Give the engine one row of a table."""
    time_ns, kind = given.split()[:2]
    if kind in ("quote", "trade"):
        return engine.row(row_of(given))
    if kind != "time":
        engine.send(request_of(given))
    return engine.advance(int(time_ns))


def row_of(given: str) -> Row:
    """`0 quote 99x5 101x5` or `0 trade 100x1`."""
    time_ns, kind, *pairs = given.split()
    numbers = [Decimal(number) for pair in pairs for number in pair.split("x")]
    if kind == "quote":
        return Quote(int(time_ns), *numbers)
    price, size = numbers
    return Trade(int(time_ns), price, size, "", "")


def request_of(given: str) -> Request:
    """`0 order a buy 2 @100 …`, `0 cancel c a`, `0 edit e a 3 @100`, `0 query q a`."""
    time_ns, kind, reqid, subject, *terms = given.split()
    fields: dict[str, object] = {"name": f"brokerd_{kind}", "reqid": reqid, "account": "main"}
    fields |= {"time_ns": int(time_ns), "deadline_ns": LAST_NS}
    fields |= {"side": subject, "market": MARKET.fqme} if kind == "order" else {"target": subject}
    for word in terms:
        name, _, value = word.partition("=")
        if word.startswith("@"):
            fields["price"] = word[1:]
        elif word in TERMS:
            fields |= TERMS[word]
        elif name == "gtd":
            fields |= {"tif": "gtd", "expire_ns": int(value)}
        elif name == "by":
            fields["deadline_ns"] = int(value)
        elif value:
            fields[{"at": "account", "venue": "venue_id", "in": "market"}[name]] = value
        else:
            fields["size"] = word
    return parse_request(fields)


def limit_order(reqid: int | str, tif: TimeInForce = "gtc") -> BrokerdOrder:
    return BrokerdOrder(
        reqid=reqid,
        account="main",
        market=MARKET.fqme,
        side="buy",
        size=Decimal(1),
        price=Decimal(100),
        tif=tif,
        time_ns=0,
        deadline_ns=9,
    )


def shown(report: VenueReport) -> str:
    """A report in a few words; fees, times and accounts are for other tests."""
    if isinstance(report, BrokerdOrderAck):
        return f"{report.reqid} ack {report.venue_id}"
    if isinstance(report, BrokerdFill):
        verb = {"taker": "took", "maker": "made", None: "?"}[report.liquidity]
        return f"{report.reqid} {verb} {report.size}@{report.price}"
    if isinstance(report, BrokerdReplaced):
        return f"{report.reqid} replaced {report.size}@{report.price}"
    if isinstance(report, BrokerdRefused):
        return f"{report.reqid} {report.request} refused: {report.code}"
    assert isinstance(report, BrokerdStatus)
    if report.snapshot:
        terms = report.details and f" of {report.details.size}@{report.details.price}"
        return f"{report.query} about {report.reqid}: {report.status} {report.cum}{terms or ''}"
    if report.status == "rejected":
        return f"{report.reqid} rejected: {(report.text or '').partition(':')[0]}"
    return f"{report.reqid} {report.status} {report.cum}"


def fills(reports: Iterable[VenueReport]) -> list[BrokerdFill]:
    """The executions among *reports*."""
    return [report for report in reports if isinstance(report, BrokerdFill)]
