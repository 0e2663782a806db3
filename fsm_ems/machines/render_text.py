"""A graph as mermaid (``stateDiagram-v2``) and as dot, with the same boxes and bundles as the drawing.

In both, an edge that leaves a box is true for each state in it, and ``↻ 3`` in a state counts the events
that leave it where it is. Boxes come widest first, and one lies wholly inside another or outside it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from fsm_ems.machines.graph import Box, Bundle, Edge, Graph, Line, Node, brief, bundled
from fsm_ems.machines.looks import HERE, SPINE, look

INDENT = "    "


def mermaid(drawn: Graph, boxes: Sequence[Box] = (), *, state: str | None = None) -> str:
    """The graph as a mermaid state diagram; *state* is marked as the current one."""
    singles, bundles = bundled(drawn, boxes)
    spine_first = sorted(singles, key=lambda edge: edge.pair not in drawn.spine_pairs)
    arrows: list[Line] = [*spine_first, *bundles]
    lines = [
        "direction LR",
        *_nest(
            {node.name: f'state "{_title(node)}" as {node.name}' for node in drawn.nodes}, boxes, _composite
        ),
        *(f"{' --> '.join(line.pair)} : {brief(line)}" for line in arrows),
        *_classes(drawn, state),
    ]
    head = f"---\ntitle: the {drawn.name} machine\n---\nstateDiagram-v2\n"
    return head + "".join(f"{INDENT}{line}\n" for line in lines)


def dot(drawn: Graph, boxes: Sequence[Box] = (), *, state: str | None = None) -> str:
    """The graph as graphviz text; *state* is marked as the current one."""
    singles, bundles = bundled(drawn, boxes)
    names = {node.name: _dot_node(node, here=node.name == state) for node in drawn.nodes}
    lines = [
        f'graph [rankdir=LR compound=true fontname="Helvetica" label="the {drawn.name} machine"]',
        'node [shape=box style="rounded,filled" fontname="Helvetica"]',
        'edge [fontname="Helvetica" fontsize=10]',
        *_nest(names, boxes, _cluster),
        *(_dot_edge(edge, main=edge.pair in drawn.spine_pairs) for edge in singles),
        *(_dot_bundle(bundle) for bundle in bundles),
    ]
    return f"digraph {drawn.name} {{\n" + "".join(f"{INDENT}{line}\n" for line in lines) + "}\n"


def _title(node: Node) -> str:
    return f"{node.name} ↻ {len(node.stays)}" if node.stays else node.name


def _nest(
    names: Mapping[str, str], boxes: Sequence[Box], opening: Callable[[Box], tuple[str, ...]]
) -> Iterator[str]:
    """The declarations of *names*, each inside the narrowest box it belongs to."""

    def declared(members: Sequence[str], inside: Sequence[Box], depth: int) -> Iterator[str]:
        pad, held = INDENT * depth, set[str]()
        for box in inside:
            if held.isdisjoint(box.members):
                first, *more = opening(box)
                yield pad + first
                yield from (pad + INDENT + line for line in more)
                within = [other for other in inside if set(other.members) < set(box.members)]
                yield from declared(box.members, within, depth + 1)
                yield pad + "}"
                held.update(box.members)
        yield from (pad + names[name] for name in members if name not in held)

    return declared(tuple(names), boxes, 0)


def _composite(box: Box) -> tuple[str, ...]:
    return f'state "{box.label}" as {box.key} {{', "direction LR"


def _cluster(box: Box) -> tuple[str, ...]:
    return f"subgraph cluster_{box.key} {{", f'label="{box.label}" style=rounded color="#8c959f"'


def _classes(drawn: Graph, state: str | None) -> Iterator[str]:
    """A class for each lane, and for ends: borders in the story's colour, which reads on light and dark."""
    for lane in dict.fromkeys(node.lane for node in drawn.nodes):
        yield f"classDef {lane}_lane stroke:{look(lane).light},stroke-width:2px"
        yield f"class {','.join(node.name for node in drawn.nodes if node.lane == lane)} {lane}_lane"
    for kind, style in (("end", "stroke-width:5px"), ("doubt", "stroke-dasharray:3 4")):
        if members := [node.name for node in drawn.nodes if node.kind == kind]:
            yield f"classDef {kind}_state {style}"
            yield f"class {','.join(members)} {kind}_state"
    if state is not None:
        yield f"classDef here fill:{HERE},color:#1f2328"
        yield f"class {state} here"


_DOT_KIND = {
    "initial": " shape=oval",
    "live": "",
    "doubt": ' style="rounded,filled,dashed"',
    "end": " peripheries=2",
}


def _dot_node(node: Node, *, here: bool) -> str:
    colour = look(node.lane).light
    fill = HERE if here else f"{colour}22"
    group = " group=main" if node.lane == "main" else ""
    return (
        f'{node.name} [label="{_title(node)}" tooltip="{node.meaning}" color="{colour}" fillcolor="{fill}"'
        f"{_DOT_KIND[node.kind]}{group}]"
    )


def _dot_edge(edge: Edge, *, main: bool) -> str:
    return f"{edge.source} -> {edge.dest} [{_dot_line(edge, main=main)}{' weight=20' if main else ''}]"


def _dot_bundle(bundle: Bundle) -> str:
    """Graphviz clips the line at the box (``ltail``); a member past the middle leaves room for the label."""
    members = bundle.box.members
    tail = members[len(members) * 2 // 3]
    box = f"ltail=cluster_{bundle.box.key} dir=both arrowtail=dot"
    return f"{tail} -> {bundle.dest} [{_dot_line(bundle, main=False)} {box}]"


def _dot_line(line: Line, *, main: bool) -> str:
    found = SPINE if main else look(line.story)
    return (
        f'label="{brief(line)}" color="{found.light}" fontcolor="{found.light}" '
        f"style={found.line} penwidth={found.width:g}"
    )
