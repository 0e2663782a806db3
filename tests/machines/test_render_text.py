"""Mermaid and dot claim exactly the table's pairs, read back from their text."""

import re

import pytest

from fsm_ems.machines.graph import Box, Graph, Node
from fsm_ems.machines.looks import HERE
from fsm_ems.machines.render import PICTURES, Picture
from fsm_ems.machines.render_text import dot, mermaid

BOTH = [pytest.param(picture, id=name) for name, picture in PICTURES.items()]


def expected(picture: Picture) -> set[tuple[str, str]]:
    stays = {(node.name, node.name) for node in picture.graph.nodes if node.stays}
    return stays | {edge.pair for edge in picture.graph.edges}


def nesting(text: str, opening: str, state: str) -> dict[str, list[str]]:
    """The states declared inside each box, directly or deeper, read line by line."""
    found: dict[str, list[str]] = {}
    inside: list[str] = []
    for line in text.splitlines():
        if box := re.match(opening, line.strip()):
            inside.append(box[1])
        elif line.strip() == "}" and inside:
            inside.pop()
        elif node := re.match(state, line.strip()):
            for name in inside:
                found.setdefault(name, []).append(node[1])
    return found


@pytest.mark.parametrize("picture", BOTH)
def test_mermaid_claims_every_pair_and_no_other(picture: Picture) -> None:
    text = mermaid(picture.graph, picture.boxes)
    boxes = nesting(text, r'state ".*" as (\w+) \{', r'state ".*" as (\w+)$')
    stays = {(name, name) for name in re.findall(r'state ".* ↻ \d+" as (\w+)\n', text)}
    arrows = re.findall(r"^ +(\w+) --> (\w+) : \S", text, flags=re.MULTILINE)

    assert {box: sorted(names) for box, names in boxes.items()} == {
        b.key: sorted(b.members) for b in picture.boxes
    }
    assert stays | {
        (one, dest) for source, dest in arrows for one in boxes.get(source, [source])
    } == expected(picture)
    assert text.count("-->") == len(arrows)


@pytest.mark.parametrize("picture", BOTH)
def test_dot_claims_every_pair_and_no_other(picture: Picture) -> None:
    text = dot(picture.graph, picture.boxes)
    boxes = nesting(text, r"subgraph cluster_(\w+) \{", r"(\w+) \[label=\"[^\"]*\" tooltip")
    stays = {(name, name) for name in re.findall(r'(\w+) \[label="\S+ ↻ \d+"', text)}
    claimed = set(stays)
    for source, dest, attributes in re.findall(r"^ +(\w+) -> (\w+) \[(.*)\]$", text, flags=re.MULTILINE):
        tail = re.search(r"ltail=cluster_(\w+)", attributes)
        members = boxes[tail[1]] if tail else [source]
        assert source in members
        claimed |= {(member, dest) for member in members}

    assert {box: sorted(names) for box, names in boxes.items()} == {
        b.key: sorted(b.members) for b in picture.boxes
    }
    assert claimed == expected(picture)


@pytest.mark.parametrize("picture", BOTH)
def test_without_boxes_every_edge_is_drawn_alone(picture: Picture) -> None:
    assert mermaid(picture.graph).count("-->") == len(picture.graph.edges)
    assert dot(picture.graph).count("->") == len(picture.graph.edges)


def test_current_state_is_marked_only_when_asked() -> None:
    picture = PICTURES["order"]
    marked = [line for line in dot(picture.graph, picture.boxes, state="open").splitlines() if HERE in line]

    assert "class open here" in mermaid(picture.graph, picture.boxes, state="open")
    assert [line.split()[0] for line in marked] == ["open"]
    assert " here" not in mermaid(PICTURES["link"].graph)
    assert HERE not in dot(picture.graph, picture.boxes)


def test_main_line_comes_first_in_mermaid_and_is_heaviest_in_dot() -> None:
    picture = PICTURES["order"]
    arrows = re.findall(r"(\w+) --> (\w+)", mermaid(picture.graph, picture.boxes))
    heavy = re.findall(r"(\w+) -> (\w+) \[.*weight=20", dot(picture.graph, picture.boxes))

    assert set(arrows[:4]) == set(heavy) == set(picture.graph.spine_pairs)


def test_boxes_nest_and_braces_close() -> None:
    nodes = tuple(Node(name, "live", "side", "", ()) for name in "abc")
    boxes = [Box("wide", "wide", ("a", "b")), Box("narrow", "narrow", ("b",)), Box("other", "other", ("c",))]

    lines = mermaid(Graph("small", nodes, (), (), ()), boxes).splitlines()[5:16]

    assert [line.strip() for line in lines] == [
        'state "wide" as wide {',
        "direction LR",
        'state "narrow" as narrow {',
        "direction LR",
        'state "b" as b',
        "}",
        'state "a" as a',
        "}",
        'state "other" as other {',
        "direction LR",
        'state "c" as c',
    ]
