"""Runs to be drawn: the tape of the command line's tests, and one with every state worked by hand."""

import json
from collections.abc import Iterable
from decimal import Decimal
from html.parser import HTMLParser
from typing import Any

import pytest

from fsm_ems.brokers.paper.engine import PaperEngine
from fsm_ems.brokers.paper.tape import parse_rows
from fsm_ems.dialogs.record import Record
from fsm_ems.market import Market
from fsm_ems.orders_file import parse_orders
from fsm_ems.replay import Replay
from fsm_ems.report.page import page
from fsm_ems.report.run import Run, Setup, told
from fsm_ems.report.track import Shown
from fsm_ems.tally import Tally
from tests.cli.conftest import HERE

MARKET = Market(
    "btcusdt.paper", "btc", "usdt", price_tick=Decimal("0.01"), size_tick=Decimal("0.000001"),
    maker_bps=Decimal(1), taker_bps=Decimal("2.5"),
)  # fmt: skip
SCRIPT = "/* plotly stands here */"


def played(orders: str, latency_ns: int = 0) -> tuple[Run, list[Record]]:
    """The tape of the command line's tests against *orders*."""
    records: list[Record] = []
    shown = Shown()
    commands = parse_orders(orders, "orders", MARKET.fqme)
    tally = Tally(commands)
    engine = PaperEngine({MARKET.fqme: MARKET}, latency_ns=latency_ns)
    run = Replay(MARKET, engine, records.append, start_ns=0)
    rows = parse_rows((HERE / "tape.csv").read_text().splitlines(), "tape")
    for outcome in run.run(map(shown.see, rows), commands):
        tally.take(outcome)
    return drawn_from(records, shown, tally, latency_ns), records


def drawn_from(records: Iterable[Record], shown: Shown, tally: Tally, latency_ns: int = 0) -> Run:
    return told(Setup("tape.csv", "orders.toml", MARKET, "touch", latency_ns), shown, tally, records)


@pytest.fixture(name="orders", scope="session")
def orders_text() -> str:
    return (HERE / "orders.toml").read_text()


@pytest.fixture(name="run", scope="session")
def small_run(orders: str) -> Run:
    return played(orders, latency_ns=1_500_000)[0]


class Element:
    """One element of a page; *texts* are those right in it."""

    def __init__(self, name: str, attributes: dict[str, str | None], parent: "Element | None") -> None:
        self.name = name
        self.attributes = attributes
        self.parent = parent
        self.children: list[Element] = []
        self.texts: list[str] = []

    def every(self, name: str = "", **attributes: str) -> "list[Element]":
        """The elements in it, in document order, of this name and with these attributes."""
        found: list[Element] = []
        for child in self.children:
            named = {key.rstrip("_"): value for key, value in attributes.items()}
            if (not name or child.name == name) and named.items() <= child.attributes.items():
                found.append(child)
            found += child.every(name, **attributes)
        return found

    def one(self, name: str = "", **attributes: str) -> "Element":
        (found,) = self.every(name, **attributes)
        return found

    @property
    def text(self) -> str:
        return "".join(self.texts) + "".join(child.text for child in self.children)

    def rows(self) -> list[list[str]]:
        """The cells of the one table in it, without its head."""
        body = self.one("tbody")
        return [[cell.text for cell in row.every("td")] for row in body.every("tr")]


VOID = {"meta"}
SELF_CLOSED = {"path", "rect", "circle", "use"}


class Parsed(HTMLParser):
    """A page taken apart; whatever is not closed as it was opened is a fault."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.root = self.here = Element("", {}, None)
        self.feed(text)
        self.close()
        assert self.here is self.root, f"{self.here.name} is not closed"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len(dict(attrs)) == len(attrs), f"an attribute twice in {tag}"
        found = Element(tag, dict(attrs), self.here)
        self.here.children.append(found)
        if tag not in VOID:
            self.here = found

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in SELF_CLOSED, f"{tag} closes itself"
        self.here.children.append(Element(tag, dict(attrs), self.here))

    def handle_endtag(self, tag: str) -> None:
        assert tag == self.here.name, f"{tag} closes {self.here.name}"
        assert self.here.parent is not None
        self.here = self.here.parent

    def handle_data(self, data: str) -> None:
        self.here.texts.append(data)


def parsed(run: Run) -> Element:
    return Parsed(page(run, SCRIPT)).root


def figures(root: Element) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(root.one("script", type="application/json").text)
    return found
