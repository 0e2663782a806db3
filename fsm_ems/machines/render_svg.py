"""A graph and a layout as SVG text, readable on light and dark.

Every (source, dest) of the table is drawn, alone or in a bundle that leaves a box: such a line is true
for each state in the box. A node's badge counts the events that leave it where it is. Resting the
pointer on anything tells its events and their reasons.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from html import escape
from typing import NamedTuple

from fsm_ems.machines.graph import Bundle, Cause, Graph, Line, Node, brief, bundled
from fsm_ems.machines.layout import NODE_HEIGHT, NODE_WIDTH, Layout, Placed, Point, Trace
from fsm_ems.machines.looks import SPINE, Look, look
from fsm_ems.machines.svg_style import STYLE, legend, story_style

BUNDLED = (
    '<path class="line" d="M6,0 H38"/><circle class="from" cx="6" cy="0" r="4.5"/>',
    "from each state in the box",
)
END = (
    '<g class="node"><path class="body" d="M4,-8 H34 V8 H4 Z"/><path class="rim" d="M7,-5 H31 V5 H7 Z"/></g>',
    "an end",
)
STAYS = (
    '<g class="stays"><rect x="0" y="-8" width="38" height="16" rx="8"/><text x="19" y="0.5">↻ 3</text></g>',
    "3 events leave it where it is",
)


NEWLINE = "\n"
SHOWN = 4
"""The numbers of steps that are written on one edge; the tooltip has all."""


class Move(NamedTuple):
    """One move of a life to be highlighted, and the number of its step; two moves may share one step."""

    step: int
    source: str
    event: str
    dest: str


def svg(
    drawn: Graph, layout: Layout, *, state: str | None = None, path: Sequence[tuple[str, str, str]] = ()
) -> str:
    """Draw *drawn* by *layout*.

    *state* is marked as the current one; *path*, steps of (source, event, dest), is drawn over the
    dimmed rest with the steps' numbers, from 1. Both are the graph's own.
    """
    moves = tuple(Move(number, *step) for number, step in enumerate(path, 1))
    visited = {name for move in moves for name in (move.source, move.dest)}
    steps = _steps(layout, moves)
    lines = _lines(drawn, layout)
    looks = used_looks(drawn, layout)
    parts = [
        _opening(drawn, layout, traced=bool(moves)),
        f"<style>{STYLE}{story_style(looks)}</style>",
        _ground(layout),
        *(_box(layout, placed) for placed in layout.boxes),
        *(_line(layout, line, name) for line, name in lines),
        *(_halo(layout.places[name]) for name in (state,) if name),
        *(f'<g class="step">{line}</g>' for line, _ in steps if line),
        *(_node(layout, node, visited=node.name in visited) for node in drawn.nodes),
        *(_label(layout, line, name) for line, name in lines),
        *(f'<g class="step">{sign}</g>' for _, sign in steps),
        _legend(drawn, layout),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def stage(drawn: Graph, layout: Layout, key: str) -> str:
    """*drawn* dimmed and not seen where it stands: a page has it once, under the id *key*, for every
    :func:`trail` to show. It brings no style sheet: the page has one.
    """
    lines = _lines(drawn, layout)
    parts = [
        '<svg width="0" height="0" style="position:absolute" aria-hidden="true"><defs>',
        # What is shown elsewhere is styled by the classes in it alone, not by those around it here.
        f'<g id="{escape(key)}" class="fsm traced">',
        _ground(layout),
        *(_box(layout, placed) for placed in layout.boxes),
        *(_line(layout, line, name) for line, name in lines),
        *(_node(layout, node, visited=False) for node in drawn.nodes),
        *(_label(layout, line, name) for line, name in lines),
        _legend(drawn, layout),
        "</g></defs></svg>",
    ]
    return "".join(parts)


def trail(drawn: Graph, layout: Layout, key: str, moves: Sequence[Move]) -> str:
    """*moves*, at least one, over the :func:`stage` *key* of the same page; where they end is marked."""
    visited = {name for move in moves for name in (move.source, move.dest)}
    steps = _steps(layout, moves)
    parts = [
        _opening(drawn, layout, traced=True),
        f'<use href="#{escape(key)}"/>',
        _halo(layout.places[moves[-1].dest]),
        *(f'<g class="step">{line}</g>' for line, _ in steps if line),
        *(_node(layout, node, visited=True) for node in drawn.nodes if node.name in visited),
        *(f'<g class="step">{sign}</g>' for _, sign in steps),
        "</svg>",
    ]
    return "".join(parts)


def used_looks(drawn: Graph, layout: Layout) -> dict[str, Look]:
    """The looks of a picture's lines and states by the name of their class."""
    lines = _looks(name for _, name in _lines(drawn, layout))
    return _looks(node.lane for node in drawn.nodes) | lines


def _legend(drawn: Graph, layout: Layout) -> str:
    notes = (BUNDLED, END, STAYS) if layout.boxes else (END, STAYS)
    return legend(_looks(name for _, name in _lines(drawn, layout)), layout, notes)


def _ground(layout: Layout) -> str:
    return f'<rect class="ground" width="{layout.width:g}" height="{layout.height:g}" rx="10"/>'


def _lines(drawn: Graph, layout: Layout) -> list[tuple[Line, str]]:
    """What is drawn, each with the name of its look: thin lines first, the main line on top."""
    singles, bundles = bundled(drawn, (placed.box for placed in layout.boxes))
    spine = drawn.spine_pairs
    named: list[tuple[Line, str]] = [(bundle, bundle.story) for bundle in bundles]
    named += [(edge, "spine" if edge.pair in spine else edge.story) for edge in singles]
    return sorted(named, key=lambda item: (item[1] == "spine", look(item[1]).width))


def _looks(names: Iterable[str]) -> dict[str, Look]:
    """The looks in use, widest first."""
    looks = {name: SPINE if name == "spine" else look(name) for name in sorted(set(names))}
    return dict(sorted(looks.items(), key=lambda item: -item[1].width))


def _opening(drawn: Graph, layout: Layout, *, traced: bool) -> str:
    rows = sum(len(edge.causes) for edge in drawn.edges) + sum(len(node.stays) for node in drawn.nodes)
    width, height = f"{layout.width:g}", f"{layout.height:g}"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="fsm{" traced" if traced else ""}" role="img" '
        f'width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        f'font-family="ui-sans-serif,system-ui,sans-serif">'
        f"<title>The {drawn.name} machine</title>"
        f"<desc>{len(drawn.nodes)} states and {rows} rows, drawn from the table.</desc>"
    )


def _box(layout: Layout, placed: Placed) -> str:
    left, top, right, bottom = layout.box(placed)
    size = f'width="{right - left:g}" height="{bottom - top:g}"'
    return (
        f'<g class="box" data-box="{placed.box.key}"><rect x="{left:g}" y="{top:g}" {size} rx="14"/>'
        f'<text x="{left + 14:g}" y="{top + 16:g}">{escape(placed.box.label)}</text></g>'
    )


def _line(layout: Layout, line: Line, name: str) -> str:
    source, dest = line.pair
    trace = layout.trace(source, dest)
    x, y = trace.start
    begin = f'<circle class="from" cx="{x:.1f}" cy="{y:.1f}" r="4.5"/>' if isinstance(line, Bundle) else ""
    return (
        f'<g class="edge s-{name}" data-from="{source}" data-to="{dest}"><title>{escape(_told(line))}</title>'
        f'<path class="reach" d="{trace.path}"/><path class="line" d="{trace.path}"/>{begin}'
        f"{_tip(trace, 1.5 if name == 'spine' else 1.0)}</g>"
    )


def _tip(trace: Trace, scale: float) -> str:
    """The arrowhead, a shape of its own: markers go by ids, which pictures on one page would share."""
    x, y = trace.end
    turn = f"translate({x:.1f},{y:.1f}) rotate({trace.heading}) scale({scale:g})"
    return f'<path class="tip" d="M0,0 L-10,-4.6 L-7.5,0 L-10,4.6 Z" transform="{turn}"/>'


def _told(line: Line) -> str:
    """A line's tooltip: every pair it stands for, each event with its reason."""
    edges = line.edges if isinstance(line, Bundle) else (line,)
    together = defaultdict[tuple[Cause, ...], list[str]](list)
    for edge in edges:
        together[edge.causes].append(edge.source)
    return "\n".join(
        f"{', '.join(sources)} → {line.dest}\n{_reasons(causes)}" for causes, sources in together.items()
    )


def _reasons(causes: Iterable[Cause]) -> str:
    return "\n".join(f"  {cause.event}: {cause.reason}" for cause in causes)


def _label(layout: Layout, line: Line, name: str) -> str:
    trace = layout.trace(*line.pair)
    x, y = trace.label
    turn = f' transform="rotate(-90 {x:.1f} {y:.1f})"' if trace.upright else ""
    return f'<text class="label s-{name}" x="{x:.1f}" y="{y:.1f}"{turn}>{escape(brief(line))}</text>'


def _node(layout: Layout, node: Node, *, visited: bool) -> str:
    x, y = layout.places[node.name]
    body = "".join(_rect(x, y, NODE_WIDTH, NODE_HEIGHT, f'class="{part}"') for part in ("back", "body"))
    if node.kind == "end":
        body += _rect(x, y, NODE_WIDTH - 8, NODE_HEIGHT - 8, 'class="rim"')
    stays = f"\nstays by\n{_reasons(node.stays)}" if node.stays else ""
    classes = f"node {node.kind} s-{node.lane}{'' if visited else ' unvisited'}"
    return (
        f'<g class="{classes}" data-state="{node.name}">'
        f"<title>{escape(f'{node.name}: {node.meaning}{stays}')}</title>{body}"
        f'<text class="name" x="{x:g}" y="{y:g}">{escape(node.name)}</text>{_badge(x, y, node)}</g>'
    )


def _halo(place: Point) -> str:
    return _rect(*place, NODE_WIDTH + 11, NODE_HEIGHT + 11, 'class="halo"')


def _badge(x: float, y: float, node: Node) -> str:
    if not node.stays:
        return ""
    right, top = x + NODE_WIDTH / 2 - 14, y - NODE_HEIGHT / 2
    return (
        f'<g class="stays">{_rect(right, top, 38, 16)}'
        f'<text x="{right:g}" y="{top + 0.5:g}">↻ {len(node.stays)}</text></g>'
    )


def _rect(x: float, y: float, width: float, height: float, attributes: str = "") -> str:
    """A rounded rectangle around (*x*, *y*)."""
    corner = f'x="{x - width / 2:g}" y="{y - height / 2:g}"'
    return (
        f'<rect {attributes} {corner} width="{width:g}" height="{height:g}" rx="{min(10.0, height / 2):g}"/>'
    )


def _steps(layout: Layout, moves: Sequence[Move]) -> list[tuple[str, str]]:
    """The highlighted life: each edge once, as its line and its sign with the steps that took it."""
    taken = defaultdict[tuple[str, str], list[str]](list)
    for move in moves:
        taken[move.source, move.dest].append(f"{move.step} {move.event}")
    drawn: list[tuple[str, str]] = []
    for (source, dest), told in taken.items():
        if source == dest:
            x, y = layout.places[source]
            line, at = "", Point(x - NODE_WIDTH / 2 + 20, y + NODE_HEIGHT / 2)
        else:
            trace = layout.trace(source, dest)
            line, at = f'<path class="line" d="{trace.path}"/>{_tip(trace, 1.3)}', trace.label
        drawn.append((line, f"<title>{escape(NEWLINE.join(told))}</title>{_sign(at, told)}"))
    return drawn


def _sign(at: Point, told: Sequence[str]) -> str:
    text = told[0] if len(told) == 1 else ", ".join(step.split()[0] for step in told[:SHOWN])
    if len(told) > SHOWN:
        text += f" +{len(told) - SHOWN}"
    pill = _rect(at.x, at.y, 12 + 6.6 * len(text), 19)
    return f'{pill}<text x="{at.x:.1f}" y="{at.y:.1f}">{escape(text)}</text>'
