"""A graph holds exactly what its table holds, and bundles claim exactly the pairs they replace."""

from typing import Any

import pytest

from fsm_ems.machines.graph import Box, Edge, Graph, Heading, Node, brief, bundled, graph, main_event
from fsm_ems.machines.link import LINK
from fsm_ems.machines.meanings import LINK_MEANINGS, ORDER_MEANINGS
from fsm_ems.machines.order import ORDER
from fsm_ems.machines.table import Table

ORDER_GRAPH = graph(ORDER, ORDER_MEANINGS)
LINK_GRAPH = graph(LINK, LINK_MEANINGS)
BOTH: list[Any] = [pytest.param(ORDER, ORDER_GRAPH, id="order"), pytest.param(LINK, LINK_GRAPH, id="link")]


@pytest.mark.parametrize(("table", "drawn"), BOTH)
def test_graph_holds_every_row_once(table: Table[Any, Any], drawn: Graph) -> None:
    moves = [(e.source, c.event, e.dest, c.reason) for e in drawn.edges for c in e.causes]
    stays = [(n.name, c.event, n.name, c.reason) for n in drawn.nodes for c in n.stays]

    assert sorted(moves + stays) == sorted((r.source, r.event, r.dest, r.reason) for r in table.rows)
    assert len({edge.pair for edge in drawn.edges}) == len(drawn.edges)
    assert all(edge.source != edge.dest for edge in drawn.edges)
    assert drawn.headings == tuple(Heading(c.event, c.default, c.meaning) for c in table.columns.values())


@pytest.mark.parametrize(("table", "drawn"), BOTH)
def test_causes_come_in_column_order_and_are_plain_text(table: Table[Any, Any], drawn: Graph) -> None:
    columns = [str(event) for event in table.events]
    for causes in [*(edge.causes for edge in drawn.edges), *(node.stays for node in drawn.nodes)]:
        events = [cause.event for cause in causes]

        assert events == sorted(events, key=columns.index)
        assert all(type(event) is str for event in events)


def test_states_are_told_apart_by_kind_and_lane() -> None:
    places = {node.name: (node.kind, node.lane) for node in ORDER_GRAPH.nodes}

    assert places == {
        "new": ("initial", "main"),
        "dark_open": ("live", "dark"),
        "alert_open": ("live", "alert"),
        "pending": ("live", "main"),
        "dark_triggered": ("live", "dark"),
        "cancel_stashed": ("live", "stash"),
        "acked": ("live", "main"),
        "open": ("live", "main"),
        "editing": ("live", "edit"),
        "cancelling": ("live", "cancel"),
        "unknown": ("doubt", "doubt"),
        "filled": ("end", "main"),
        "cancelled": ("end", "end"),
        "rejected": ("end", "end"),
        "expired": ("end", "end"),
        "alert_triggered": ("end", "alert"),
    }


def test_main_line_is_what_an_untroubled_life_passes_through() -> None:
    assert ORDER_GRAPH.spine == ("new", "pending", "acked", "open", "filled")
    assert LINK_GRAPH.spine == ("down", "connecting", "syncing", "up")


def edges(*pairs: str) -> tuple[Edge, ...]:
    return tuple(Edge(pair[0], pair[1], (), "side") for pair in pairs)


def small(*pairs: str, spine: str = "") -> Graph:
    nodes = tuple(Node(name, "live", "side", "", ()) for name in "abcxy")
    return Graph("small", nodes, edges(*pairs), (), tuple(spine))


ABC, AB = Box("abc", "all three", tuple("abc")), Box("ab", "two", tuple("ab"))


def test_bundle_is_made_only_where_every_member_has_the_edge() -> None:
    drawn = small("ax", "bx", "cx", "ay", "by", "ab")

    found = bundled(drawn, [ABC, AB])

    assert [bundle.pair for bundle in found.bundles] == [("abc", "x"), ("ab", "y")]
    assert found.singles == edges("ab")
    assert found.pairs == {edge.pair for edge in drawn.edges}


def test_edge_missing_for_one_member_leaves_the_others_single() -> None:
    found = bundled(small("ax", "bx", "cy"), [ABC])

    assert found.bundles == ()
    assert found.singles == edges("ax", "bx", "cy")


def test_edges_into_a_box_are_never_bundled_by_it() -> None:
    assert bundled(small("ac", "bc"), [ABC]).bundles == ()


def test_main_line_stays_drawn_beside_a_bundle_and_undoes_one_of_two() -> None:
    many = bundled(small("ax", "bx", "cx", spine="ax"), [ABC])
    two = bundled(small("ax", "bx", spine="ax"), [AB])

    assert (many.singles, [bundle.pair for bundle in many.bundles]) == (edges("ax"), [("abc", "x")])
    assert (two.singles, two.bundles) == (edges("ax", "bx"), ())


def test_label_names_an_event_that_every_bundled_edge_has() -> None:
    by_pair = {edge.pair: edge for edge in ORDER_GRAPH.edges}
    doubtful = Box("doubtful", "", ("pending", "acked"))
    bundle = next(b for b in bundled(ORDER_GRAPH, [doubtful]).bundles if b.dest == "unknown")

    assert brief(by_pair["new", "pending"]) == "submit"
    assert brief(by_pair["pending", "unknown"]) == "deadline +2"
    assert brief(bundle) == "ambiguous +3"
    assert bundle.story == "doubt"
    assert main_event(by_pair["acked", "open"]) == "opened"


def test_label_of_edges_that_share_no_event_names_the_first() -> None:
    sharing_none = Box("none", "", ("new", "dark_triggered"))
    bundle = next(b for b in bundled(ORDER_GRAPH, [sharing_none]).bundles if b.dest == "acked")

    assert brief(bundle) == "adopt +1"
