"""Stories for the paper venue, made up by Hypothesis or by a seed: tapes, and requests that meet them."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Protocol, TypeVar

from fsm_ems.brokers.paper.engine import PaperEngine
from fsm_ems.market import FillModel, Market
from fsm_ems.messages import BrokerdOrder, Request, Side, TimeInForce, VenueReport, parse_request
from fsm_ems.quotes import Quote, Row, Trade

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


Step = Row | Request


def steps_of(choose: Choose) -> list[Step]:
    """A tape and requests as one story in time; at one time rows come first."""
    return sorted([*tape_of(choose), *requests_of(choose)], key=lambda step: step.time_ns)


def play(engine: PaperEngine, step: Step) -> list[VenueReport]:
    """Let one step happen, and the time until then pass."""
    if isinstance(step, Quote | Trade):
        return engine.row(step)
    engine.send(step)
    return engine.advance(step.time_ns)
