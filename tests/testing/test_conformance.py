"""The paper broker and the example keep every rule; adapters with a planted bug each break the right one."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import settings

from fsm_ems.brokers.base import Broker
from fsm_ems.brokers.paper import engine_reports
from fsm_ems.brokers.paper.backend import PaperBroker
from fsm_ems.clock import Clock
from fsm_ems.dialogs.settings import Capabilities
from fsm_ems.market import Market
from fsm_ems.messages import (
    BrokerdCancel,
    BrokerdHistoryQuery,
    BrokerdStatus,
    Request,
)
from fsm_ems.testing.conformance import (
    RULES,
    SCRIPTS,
    Conformance,
    Nonconformance,
    VenueEnd,
    check,
    play,
)
from fsm_ems.testing.conformance_rules import check_declared, check_request
from fsm_ems.testing.conformance_steps import (
    Answer,
    Ask,
    AskHistory,
    CancelOrder,
    EditOrder,
    Garble,
    Place,
    Read,
    Reconnect,
    Show,
    Step,
    Trade,
    Turned,
    Wait,
)
from tests.testing.honest_adapters import HONEST
from tests.testing.paper_end import PaperEnd
from tests.testing.planted_adapters import BUGS
from tests.testing.planted_lines import LINE_BUGS

QUICK = settings(SCRIPTS, derandomize=True, max_examples=120)


@pytest.mark.no_cover
class TestPaperBroker(Conformance):
    examples = settings(QUICK, max_examples=80)

    def venue(self, clock: Clock) -> VenueEnd:
        return PaperEnd(clock)


class TestSlowPaperBroker(Conformance):
    examples = settings(QUICK, max_examples=40)

    def venue(self, clock: Clock) -> VenueEnd:
        return PaperEnd(clock, latency_ns=1_500_000_000)


ALL = BUGS | LINE_BUGS
SCRIPT_OF: dict[str, list[Step]] = {
    "drops early fills": [Place(), Trade()],
    "counts by float": [Place(), Trade(fee=3)],
    "answers absent": [Place(), Ask(), Wait(60)],
    "loses when cancelled": [Place(), Answer(cut=0)],
    "holds back": [Place(), Trade(), Answer()],
    "forgets codes": [Place(), Trade(), CancelOrder(), Answer()],
    "forgets executions": [Place(), Trade(), AskHistory(), Answer()],
    "mixes up the history": [Place(), Trade(), AskHistory(), Answer()],
    "numbers its pages": [Place(), Answer(), AskHistory(), Answer()],
    "takes nonsense": [Garble()],
    "calls it broken": [Garble()],
    "swallows breaks": [],
    "sends into the void": [],
    "raises its library's": [],
    "breaks by itself": [Place(), Trade(), CancelOrder(), Answer()],
    "gives up on silence": [Wait(60)],
    "sends again": [Place(), Reconnect()],
    "counts anew": [Place(), Reconnect(), Place()],
    "keeps its buffer": [Place(), Read(), Answer(), Reconnect(by="ems")],
    "keeps deadlines": [Place()],
    "sends twice": [Place(), Ask()],
    "drops questions": [Place(), Ask()],
    "names it wrong": [],
    "asks for itself": [Place(), Trade()],
    "lets cancels pass": [Place(), Answer(), EditOrder(), CancelOrder()],
    "sends half": [Place()],
    "looks before it leaps": [Place(), Answer(), CancelOrder()],
    "waits for the answer": [Place(), Answer(), CancelOrder()],
    "drops what it waited with": [Wait(10), Place()],
    "drops at its deadline": [Wait(10), Place()],
    "drops and gives up": [Place(), Ask()],
    "reports texts": [Place(), Answer()],
    "names nothing": [Place(), Trade()],
    "reports floats": [Place(), Trade()],
    "reports positions": [Place(), Trade()],
    "raises once": [],
    "gives up on a dead line": [],
    "connects later": [Reconnect(by="refused")],
    "never connects": [],
    "does not connect": [Reconnect()],
    "stays connected": [],
    "complains when left": [Reconnect(by="ems")],
    "swallows its fault": [],
    "ends quietly": [],
    "rounds its market": [Show()],
    "loses rows": [Show()],
    "doubles rows": [Show()],
    "shows floats": [Show()],
    "shows another market": [Show()],
    "fails in its feed": [Show()],
    "breaks its feed": [Show(), Wait()],
}
"""A short script for each bug. Those of SEARCHED are found and made short by the kit as well."""
SEARCHED = (
    "drops early fills", "answers absent", "sends again", "keeps its buffer", "swallows breaks",
    "takes nonsense",
)  # fmt: skip


def test_each_bug_has_its_script() -> None:
    assert list(SCRIPT_OF) == list(ALL)


@pytest.mark.parametrize("bug", ALL)
def test_a_planted_bug_breaks_its_rule(bug: str) -> None:
    make, rule, words = ALL[bug]

    with pytest.raises(Nonconformance) as told:
        play(make, SCRIPT_OF[bug])

    assert told.value.rule == rule
    assert words in told.value.why


@pytest.mark.no_cover
@pytest.mark.parametrize("bug", SEARCHED)
def test_a_planted_bug_is_found_and_told_by_a_short_script(bug: str) -> None:
    make, rule, _ = BUGS[bug]

    with pytest.raises(Nonconformance) as told:
        check(make, QUICK)

    found = told.value
    steps = "".join(f"    {step!r},\n" for step in found.script)
    assert found.rule == rule
    assert len(found.script) <= 4
    assert f"conformance.play:\n{steps}\nsequenceDiagram\n    participant ems as EMS\n" in str(found)
    assert "Failing test case" not in str(getattr(found, "__notes__", ""))


@pytest.mark.no_cover
@pytest.mark.parametrize("way", HONEST)
def test_what_an_adapter_may_do_breaks_no_rule(way: str) -> None:
    check(HONEST[way], settings(QUICK, max_examples=25))


def test_what_has_its_turn_at_its_deadline_need_not_be_sent() -> None:
    """The EMS would not send it either, and an adapter is told to look again."""
    play(HONEST["looks at the deadline"], [Place(), Place()])


Lie = Callable[..., object]


def _at_seven(status: BrokerdStatus) -> BrokerdStatus:
    assert status.details is not None
    return replace(status, details=replace(status.details, price=Decimal(7)))


@pytest.mark.parametrize(
    ("told", "lie", "script", "words"),
    [
        (
            "snapshot",
            lambda tell: lambda query, order, now: tell(query, None, now),
            [Ask()],
            "is open with 0",
        ),
        (
            "history",
            lambda tell: lambda query, living, fills, now: tell(query, [], fills, now),
            [AskHistory()],
            "open are ['P1'], and it lists []",
        ),
        (
            "history",
            lambda tell: lambda query, living, fills, now: tell(query, living, [], now),
            [Trade(), AskHistory()],
            "executions since then are ['X1'], and it lists []",
        ),
        (
            "history",
            lambda tell: (
                lambda query, living, fills, now: tell(
                    query, living, [replace(fill, price=2 * fill.price) for fill in fills], now
                )
            ),
            [Trade(), AskHistory()],
            "X1 was said with another size, price or fee",
        ),
        (
            "history",
            lambda tell: (
                lambda query, living, fills, now: [
                    replace(page, orders=tuple(replace(order, cum=Decimal(7)) for order in page.orders))
                    for page in tell(query, living, fills, now)
                ]
            ),
            [AskHistory()],
            "P1 has 0 filled, and it lists 7",
        ),
        (
            "history",
            lambda tell: (
                lambda query, living, fills, now: [
                    replace(page, orders=tuple(_at_seven(order) for order in page.orders))
                    for page in tell(query, living, fills, now)
                ]
            ),
            [AskHistory()],
            "P1 is for 0.0001 at 50.0",
        ),
        (
            "snapshot",
            lambda tell: lambda query, order, now: _at_seven(tell(query, order, now)),
            [Ask()],
            "P1 is for 0.0001 at 50.0",
        ),
        (
            "replaced",
            lambda tell: lambda order, now: replace(tell(order, now), reqid=777),
            [EditOrder()],
            "nobody asked for an edit 777",
        ),
    ],
)
def test_a_simulated_venue_that_lies_is_caught(
    monkeypatch: pytest.MonkeyPatch, told: str, lie: Lie, script: list[Step], words: str
) -> None:
    monkeypatch.setattr(engine_reports, told, lie(getattr(engine_reports, told)))

    with pytest.raises(Nonconformance) as found:
        play(PaperEnd, [Place(), *script])

    assert found.value.rule == "answers"
    assert words in found.value.why


def test_the_rules_that_the_page_tells_are_the_kits() -> None:
    page = (Path(__file__).parents[2] / "docs" / "write-a-broker.md").read_text(encoding="utf-8")

    assert dict(re.findall(r"^\| `(\w+)` \| (.*) \|$", page, re.MULTILINE)) == RULES


@dataclass
class Declared:
    """As much of a broker as declares something."""

    name: str = "demo"
    capabilities: object = Capabilities()
    markets: Mapping[str, Market] = field(default_factory=dict[str, Market])

    open_trades_dialogue: object = callable

    def open_market(self) -> None:
        """Not what is looked at here."""


TICK = Decimal(1)


@pytest.mark.parametrize(
    ("declared", "words"),
    [
        (Declared(), "it has no market"),
        (None, "it is no broker: NoneType has no capabilities, markets, name, open_market"),
        (Declared, "it is no broker: Declared is a class: make one of it"),
        (
            PaperBroker.synthetic,
            "PaperBroker.synthetic has not been called: give what PaperBroker.synthetic(...)",
        ),
        (Declared(capabilities={"deadline": True}), "and no Capabilities"),
        (Declared(markets={"a.demo": Market("b.demo", "b", "c", TICK, TICK)}), "listed as 'a.demo'"),
        (Declared(markets=cast("Any", ["a.demo"])), "map addresses to Market, and ['a.demo'] does"),
        (Declared(markets=cast("Any", {"a.demo": "a"})), "'a.demo' is given 'a', and a Market is needed"),
        (Declared(name="De mo"), "'De mo' is no broker's name"),
        (Declared(open_trades_dialogue=None), "open_trades_dialogue of 'demo' is to be called, and None"),
        (Declared(markets={"a.x": Market("a.x", "b", "c", TICK, TICK)}), "is of broker x, and this is demo"),
    ],
)
def test_what_is_declared_goes_together(declared: object, words: str) -> None:
    with pytest.raises(Nonconformance) as told:
        check_declared(cast("Broker", declared))

    assert told.value.rule == "declared"
    assert words in told.value.why


CANCEL = BrokerdCancel(reqid=3, account="main", target=2, venue_id="V1", time_ns=1, deadline_ns=9)
QUERY = BrokerdHistoryQuery(reqid=3, since_ns=5, since="E1", time_ns=1, deadline_ns=9)


@pytest.mark.parametrize(
    ("sent", "heard"),
    [
        (CANCEL, replace(CANCEL, target=7)),
        (CANCEL, replace(CANCEL, venue_id="V2")),
        (QUERY, replace(QUERY, since_ns=6)),
        (QUERY, replace(QUERY, since="E2")),
    ],
)
def test_a_request_about_something_else_is_another_request(sent: Request, heard: Request) -> None:
    with pytest.raises(Nonconformance) as told:
        check_request(sent, heard, [1, 2], has_deadline=True)

    assert told.value.rule == "requests"


@pytest.mark.parametrize(
    ("sent", "heard"),
    [
        (CANCEL, replace(CANCEL, target=1, venue_id=None)),
        (QUERY, replace(QUERY, since_ns=0, since=None)),
    ],
)
def test_a_request_may_name_its_order_otherwise_and_ask_for_more(sent: Request, heard: Request) -> None:
    check_request(sent, heard, [1, 2], has_deadline=True)


def test_a_script_can_be_played_again() -> None:
    make, _, _ = BUGS["drops early fills"]
    script = [Place(), Trade()]

    with pytest.raises(Nonconformance) as told:
        play(make, script)

    assert told.value.script == tuple(script)
    assert str(told.value) == TOLD
    play(make, [Place(), Answer(), Trade()])  # after the ack it is told


TOLD = """\
reports: 1: fill E1: 0.00000001 at 1.00 was said, and never came
(what the venue says is reported, all of it and nothing else, in its order for each order)

the script, for fsm_ems.testing.conformance.play:
    Place(),
    Trade(),

sequenceDiagram
    participant ems as EMS
    participant adapter as adapter
    participant venue as venue
    Note over ems: connects
    ems->>adapter: order 1: buy 0.00000001 xbtusd.jex at 1.00, gtc
    adapter->>venue: order 1: buy 0.00000001 xbtusd.jex at 1.00, gtc
    venue->>adapter: 1: fill E1: 0.00000001 at 1.00
"""


def test_a_venue_undoes_and_corrects_executions_and_its_answers_say_so() -> None:
    """Its wire has no word for that: only the history tells."""
    asked = [Trade(units=1), Turned(turn="correction"), Trade(), Turned(turn="bust"), AskHistory(), Answer()]

    play(BUGS["forgets codes"][0], [Place(units=3), *asked])
    with pytest.raises(Nonconformance, match=r"fills: 1 were said, and 0 came"):
        play(BUGS["forgets executions"][0], [Place(units=3), *asked])
