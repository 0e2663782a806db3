"""The markdown tables hold every row, every default and every pair."""

from typing import Any

import pytest

from fsm_ems.machines.graph import Graph, Node
from fsm_ems.machines.link import LINK
from fsm_ems.machines.meanings import LINK_MEANINGS, ORDER_MEANINGS
from fsm_ems.machines.order import ORDER
from fsm_ems.machines.render import PICTURES, MachineName, diagram
from fsm_ems.machines.render_markdown import markdown, summary
from fsm_ems.machines.table import Table


def tables(text: str) -> list[list[list[str]]]:
    """The cells of each table, head first, marks removed."""
    found: list[list[list[str]]] = [[]]
    for line in text.splitlines():
        if line.startswith("| "):
            found[-1].append([cell.strip("` ") for cell in line.strip("|").split("|")])
        elif found[-1]:
            found.append([])
    return [rows for rows in found if rows]


BOTH: list[Any] = [pytest.param("order", ORDER, id="order"), pytest.param("link", LINK, id="link")]


@pytest.mark.parametrize(("name", "table"), BOTH)
def test_page_holds_rows_defaults_and_the_whole_grid(name: MachineName, table: Table[Any, Any]) -> None:
    states, rows, events, grid = tables(diagram(name, "markdown"))
    signs = {"ignore": "·", "anomaly": "!"}

    assert len(states) == 2 + len(table.states)
    assert sorted(rows[2:]) == sorted(
        [r.source, r.event, "stays" if r.dest is r.source else r.dest, r.reason] for r in table.rows
    )
    assert events[2:] == [[c.event, c.meaning, c.default] for c in table.columns.values()]
    assert grid[0] == ["event", *table.states]
    for event, cells in zip(table.events, grid[2:], strict=True):
        outcomes = [table.outcome(state, event) for state in table.states]
        told = [
            "↻" if o is state else signs.get(o, o) for o, state in zip(outcomes, table.states, strict=True)
        ]

        assert cells == [event, *told]


@pytest.mark.parametrize(("name", "table"), BOTH)
def test_page_of_one_state_holds_its_rows_and_all_other_events(
    name: MachineName, table: Table[Any, Any]
) -> None:
    for state in table.states:
        text = diagram(name, "markdown", state)
        rows = tables(text)[0][2:]
        rest = {event for line in text.splitlines() if " here: " in line for event in line.split("`")[1::2]}

        assert [(row[0], row[1]) for row in rows] == [
            (state, event) for event in table.events if event in table.moves[state]
        ]
        assert rest == set(table.events) - set(table.moves[state])


def test_summary_tells_every_edge_in_the_table_or_below_it() -> None:
    picture = PICTURES["order"]
    text = summary(picture.graph, picture.boxes)
    told: set[tuple[str, str]] = set()
    for state, _, leads in tables(text)[0][2:]:
        told |= {(state.removesuffix("(end)").strip("*` "), to.split(" ")[0]) for to in leads.split(", ")}
    for note in (line for line in text.splitlines() if line.startswith("Each of ")):
        sources, dests = note.split(" also leads to ")
        told |= {
            (source, to.split(" ")[0]) for source in sources.split("`")[1::2] for to in dests.split(", ")
        }

    assert {pair for pair in told if pair[1] != "nowhere"} == {edge.pair for edge in picture.graph.edges}


def test_summary_gives_every_state_its_meaning() -> None:
    order, link = summary(PICTURES["order"].graph), summary(PICTURES["link"].graph)

    assert all(f"`{state}`" in order and meaning in order for state, meaning in ORDER_MEANINGS.items())
    assert all(f"`{state}`" in link and meaning in link for state, meaning in LINK_MEANINGS.items())


def test_page_of_a_state_that_takes_every_event_has_no_rest() -> None:
    only = Graph("small", (Node("a", "initial", "main", "alone", ()),), (), (), ())

    head = "| state | event | next | why |\n| --- | --- | --- | --- |"
    assert markdown(only, state="a") == f"# `a` in the small machine\n\nAlone.\n\n{head}\n"
