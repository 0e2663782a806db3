"""The two machines as text: mermaid, dot, SVG or markdown, straight from their tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

from fsm_ems.errors import InvalidMessage
from fsm_ems.machines.graph import Box, Graph, graph
from fsm_ems.machines.layout import Layout
from fsm_ems.machines.layout_link import LINK_LAYOUT
from fsm_ems.machines.layout_order import ORDER_LAYOUT
from fsm_ems.machines.link import LINK
from fsm_ems.machines.meanings import LINK_MEANINGS, ORDER_MEANINGS
from fsm_ems.machines.order import ORDER
from fsm_ems.machines.render_markdown import markdown, summary
from fsm_ems.machines.render_svg import svg
from fsm_ems.machines.render_text import dot, mermaid

MachineName = Literal["order", "link"]
Format = Literal["mermaid", "dot", "svg", "markdown"]


class Picture(NamedTuple):
    """A machine's graph and where its states stand."""

    graph: Graph
    layout: Layout

    @property
    def boxes(self) -> tuple[Box, ...]:
        """The boxes alone, for texts that place their states themselves."""
        return tuple(placed.box for placed in self.layout.boxes)


PICTURES: Mapping[MachineName, Picture] = {
    "order": Picture(graph(ORDER, ORDER_MEANINGS), ORDER_LAYOUT),
    "link": Picture(graph(LINK, LINK_MEANINGS), LINK_LAYOUT),
}


def diagram(machine: MachineName, format: Format, state: str | None = None) -> str:  # noqa: A002  # the option's name
    """One machine in one format; *state* is marked as the current one (markdown: its rows only).

    Raises:
        InvalidMessage: the machine has no such state.
    """
    picture = PICTURES[machine]
    drawn = picture.graph
    if state is not None:
        _require_state(drawn, state)
    if format == "svg":
        return svg(drawn, picture.layout, state=state)
    write = {"mermaid": mermaid, "dot": dot, "markdown": markdown}[format]
    return write(drawn, picture.boxes, state=state)


def life(machine: MachineName, path: Sequence[tuple[str, str, str]]) -> str:
    """One life as SVG: its steps (source, event, dest), numbered, over the dimmed machine.

    The state it is in now, where the path ends, is marked.

    Raises:
        InvalidMessage: a step that the machine's table does not have, or no step at all.
    """
    drawn, layout = PICTURES[machine]
    known = {(edge.source, cause.event, edge.dest) for edge in drawn.edges for cause in edge.causes}
    known |= {(node.name, cause.event, node.name) for node in drawn.nodes for cause in node.stays}
    if strange := [step for step in path if step not in known]:
        raise InvalidMessage(tuple(f"the {machine} machine has no row {' '.join(step)}" for step in strange))
    if not path:
        raise InvalidMessage(("a life has at least one step",))
    return svg(drawn, layout, state=path[-1][2], path=path)


def order_table_summary() -> str:
    """The order machine as one short markdown table: state, meaning, where it leads by its main events."""
    picture = PICTURES["order"]
    return summary(picture.graph, picture.boxes)


def _require_state(drawn: Graph, state: str) -> None:
    names = [node.name for node in drawn.nodes]
    if state not in names:
        raise InvalidMessage((f"the {drawn.name} machine has no state {state!r}; it has {', '.join(names)}",))
