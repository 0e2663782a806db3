"""A graph as markdown: what each state is, every row, every event, and the whole grid of both."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from fsm_ems.machines.graph import Box, Bundle, Graph, Line, Node, bundled, main_event

COMMON = 3
"""A bundle of so many states is told once, below the summary, instead of in each state's row."""

SIGNS = {"ignore": "·", "anomaly": "!"}


def markdown(drawn: Graph, boxes: Sequence[Box] = (), *, state: str | None = None) -> str:
    """The whole machine as a page of tables; with *state*, that state's rows only."""
    if state is None:
        parts = [f"# The {drawn.name} machine", "## States", summary(drawn, boxes)]
        parts += ["## Rows", _rows(drawn, drawn.nodes), "## Events", _events(drawn)]
        parts += ["## Every state and event", _grid(drawn)]
    else:
        node = next(node for node in drawn.nodes if node.name == state)
        parts = [f"# `{state}` in the {drawn.name} machine", f"{node.meaning.capitalize()}."]
        parts += [_rows(drawn, [node]), *_rest(drawn, state)]
    return "\n\n".join(parts) + "\n"


def summary(drawn: Graph, boxes: Sequence[Box] = ()) -> str:
    """One row for each state: what it means, and where its main events lead.

    What many states share is said once, below the table.
    """
    singles, bundles = bundled(drawn, boxes)
    common = [bundle for bundle in bundles if len(bundle.edges) >= COMMON]
    own: list[Line] = [*singles, *(bundle for bundle in bundles if bundle not in common)]
    rows = [(_name(node), node.meaning, _leads(node, own)) for node in drawn.nodes]
    notes = [_shared(box, [bundle for bundle in common if bundle.box == box]) for box in boxes]
    return "\n\n".join([_table(("state", "meaning", "leads to"), rows), *filter(None, notes)])


def _name(node: Node) -> str:
    return f"**`{node.name}`** (end)" if node.kind == "end" else f"`{node.name}`"


def _leads(node: Node, lines: Iterable[Line]) -> str:
    found = [
        _to(line)
        for line in lines
        if node.name in (line.box.members if isinstance(line, Bundle) else (line.source,))
    ]
    return ", ".join(found) or "nowhere"


def _to(line: Line) -> str:
    return f"{line.dest} (`{main_event(line)}`)"


def _shared(box: Box, bundles: Sequence[Bundle]) -> str:
    if not bundles:
        return ""
    members = ", ".join(f"`{name}`" for name in box.members)
    return f"Each of {members} ({box.label}) also leads to {', '.join(map(_to, bundles))}."


def _rows(drawn: Graph, nodes: Iterable[Node]) -> str:
    """The table's rows, by state and then in column order."""
    order = {heading.event: place for place, heading in enumerate(drawn.headings)}
    found: list[tuple[str, str, str, str]] = []
    for node in nodes:
        moves = [
            (cause, edge.dest) for edge in drawn.edges if edge.source == node.name for cause in edge.causes
        ]
        moves += [(cause, "stays") for cause in node.stays]
        moves.sort(key=lambda move: order[move[0].event])
        found += [(f"`{node.name}`", f"`{cause.event}`", dest, cause.reason) for cause, dest in moves]
    return _table(("state", "event", "next", "why"), found)


def _events(drawn: Graph) -> str:
    rows = [(f"`{event}`", meaning, default) for event, default, meaning in drawn.headings]
    return _table(("event", "meaning", "where it has no row"), rows)


def _grid(drawn: Graph) -> str:
    """Every pair: the next state, ``↻`` for staying, or the default."""
    cells = {(edge.source, cause.event): edge.dest for edge in drawn.edges for cause in edge.causes}
    cells |= {(node.name, cause.event): "↻" for node in drawn.nodes for cause in node.stays}
    rows = [
        (f"`{event}`", *(cells.get((node.name, event), SIGNS[default]) for node in drawn.nodes))
        for event, default, _ in drawn.headings
    ]
    legend = (
        "`↻` stays; `·` ignored, it tells nothing new; `!` anomaly, recorded and told, and no state moves."
    )
    return f"{legend}\n\n{_table(('event', *(node.name for node in drawn.nodes)), rows)}"


def _rest(drawn: Graph, state: str) -> Iterator[str]:
    """What becomes of the events that have no row in *state*."""
    taken = {cause.event for edge in drawn.edges if edge.source == state for cause in edge.causes}
    taken |= {cause.event for node in drawn.nodes if node.name == state for cause in node.stays}
    for default, verb in (("ignore", "Ignored"), ("anomaly", "An anomaly")):
        if events := [
            f"`{h.event}`" for h in drawn.headings if h.default == default and h.event not in taken
        ]:
            yield f"{verb} here: {', '.join(events)}."


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
