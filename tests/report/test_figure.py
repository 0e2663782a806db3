"""The figures hold each order and each fill exactly, and are figures by plotly's own schema."""

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from plotly import graph_objects

from fsm_ems.machines.looks import look
from fsm_ems.machines.order import ENDS, OrderState
from fsm_ems.machines.render import PICTURES
from fsm_ems.numbers import plain
from fsm_ems.report.figure import chart, lanes
from fsm_ems.report.looks import PATTERNS, sheet, state_paints
from fsm_ems.report.run import Run
from fsm_ems.report.track import Shown
from fsm_ems.tally import Tally
from fsm_ems.why import time_text
from tests.dialogs.desk import Desk
from tests.report.conftest import drawn_from

Figure = dict[str, Any]
Draw = Callable[[Run], Figure]


def named(figure: Figure, name: str) -> Figure:
    (trace,) = [trace for trace in figure["data"] if trace["name"] == name]
    return dict(trace)


def painted(part: Any) -> Any:  # noqa: ANN401 -- any part of a figure
    if isinstance(part, dict):
        return {key: painted(value) for key, value in part.items()}
    if isinstance(part, list):
        return [painted(value) for value in part]
    return "#123456" if isinstance(part, str) and part.startswith("@") else part


@pytest.mark.parametrize("draw", [chart, lanes])
def test_plotly_knows_every_property(run: Run, draw: Draw) -> None:
    """A misspelt property would be passed over in silence by the script; the library refuses it."""
    figure = painted(draw(run))

    graph_objects.Figure(figure)
    figure["data"][0]["colour"] = "red"
    with pytest.raises(ValueError, match="colour"):
        graph_objects.Figure(figure)


@pytest.mark.parametrize("draw", [chart, lanes])
def test_every_colour_that_is_named_is_in_the_sheet(run: Run, draw: Draw) -> None:
    used = set(re.findall(r"'@([\w-]+)'", str(draw(run))))

    assert len(used) > 5
    assert used - set(re.findall(r"--([\w-]+):light-dark\(#\w+,#\w+\);", sheet())) == set()


def test_a_number_is_never_made_a_float(run: Run) -> None:
    for figure in (chart(run), lanes(run)):
        for trace in figure["data"]:
            assert {type(value) for axis in ("x", "y") for value in trace[axis]} <= {str, int, type(None)}


def test_each_fill_is_drawn_once_on_the_price_and_once_on_its_lane(run: Run) -> None:
    fills = [fill for life in run.lives for fill in life.fills]
    price, lane = chart(run), lanes(run)

    assert len(fills) == 4
    for side, name in (("buy", "bought"), ("sell", "sold")):
        own = [fill for fill in fills if fill.side == side]
        on_price, on_lane = named(price, name), named(lane, name)
        assert on_price["x"] == on_lane["x"] == [time_text(fill.time_ns) for fill in own]
        assert on_price["y"] == [plain(fill.price) for fill in own]
        assert on_lane["y"] == [[life.oid for life in run.lives].index(fill.oid) for fill in own]
        for fill, text in zip(own, on_price["hovertext"], strict=True):
            assert f"{plain(fill.size)} btc at {plain(fill.price)} usdt" in text
            assert f"fill {fill.exec_id}, {fill.liquidity}, fee {plain(fill.fee)} usdt" in text


def test_the_market_is_drawn_as_the_tape_has_it(run: Run) -> None:
    figure = chart(run)

    assert named(figure, "bid")["y"] == ["100.00", "100.00", "99.80", "100.20"]
    assert named(figure, "print")["y"] == ["100.05", "99.90", "99.85"]
    assert named(figure, "print")["hovertext"][0] == (
        "print 100.05, 0.2 traded<br>1970-01-01T00:00:01.500000000Z"
    )


def test_position_and_pnl_reach_from_the_first_price_to_the_end(run: Run) -> None:
    figure = chart(run)
    position, pnl = named(figure, "position"), named(figure, "PnL")

    assert position["y"] == ["0", "-0.4", "-0.1", "0.2", "0.3", "0.3"]
    assert pnl["y"][-1] == plain(run.standings[-1].pnl)
    assert position["x"][-1] == pnl["x"][-1] == time_text(run.end_ns)


def test_the_bars_are_the_spans_of_the_lives(run: Run) -> None:
    bars = [trace for trace in lanes(run)["data"] if trace["type"] == "bar"]
    drawn = {
        (oid, trace["name"], base, Decimal(length))
        for trace in bars
        for oid, base, length in zip(trace["customdata"], trace["base"], trace["x"], strict=True)
    }

    assert drawn == {
        (life.oid, span.state, time_text(span.entered_ns), Decimal(span.left_ns - span.entered_ns) / 10**6)
        for life in run.lives
        for span in life.spans
        if span.left_ns > span.entered_ns
    }
    assert {trace["name"] for trace in bars} == {"pending", "open", "editing"}


def test_a_state_has_the_colour_of_the_diagram_and_is_told_apart_without_it() -> None:
    lanes_of = {node.name: node.lane for node in PICTURES["order"].graph.nodes}
    paints = state_paints()
    bars = [state for state in OrderState if state not in ENDS and state is not OrderState.NEW]
    looks = {(paints[f"state-{state}"].light, PATTERNS.get(state, "solid")) for state in bars}

    assert {state: paints[f"state-{state}"].dark for state in lanes_of} == {
        state: look(lane).dark for state, lane in lanes_of.items()
    }
    assert len(looks) == len(bars)


def test_a_dark_order_is_dotted_while_it_waits_and_its_trigger_a_star() -> None:
    desk = Desk()
    desk.order(mode="dark", direction="at_or_below")
    desk.alert("o2", price="90", direction="at_or_below")
    desk.wait(2)
    desk.ems.trigger("ann", "o1", desk.now, Decimal("99.5"))
    desk.ack()
    desk.wait(1)
    desk.status("open")
    figure = chart(drawn_from(desk.log, Shown(), Tally([])))

    waits = named(figure, "waits for a price")
    assert waits["y"] == ["100", "100", None, "90", "90", None]
    assert waits["line"]["dash"] == "dot"
    assert waits["hovertext"][0].startswith("o1<br>waits: buy 10 at 100<br>")
    assert waits["hovertext"][3].startswith("o2<br>alert at 90<br>")
    assert named(figure, "trigger")["y"] == ["99.5"]
    assert named(figure, "buy order")["customdata"] == ["o1"] * 3


def test_a_long_id_is_cut_beside_its_lane_alone() -> None:
    desk = Desk()
    desk.order("x" * 64)
    figure = lanes(drawn_from(desk.log, Shown(), Tally([])))

    assert figure["layout"]["yaxis"]["ticktext"] == ["x" * 12 + "…"]
    assert "x" * 64 in named(figure, "submit")["hovertext"][0]
