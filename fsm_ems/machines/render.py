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
from fsm_ems.machines.render_svg import Move, stage, svg, trail, used_looks
from fsm_ems.machines.render_text import dot, mermaid
from fsm_ems.machines.svg_style import page_style

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
    _require_rows(machine, drawn, path)
    return svg(drawn, layout, state=path[-1][2], path=path)


def _require_rows(machine: MachineName, drawn: Graph, path: Sequence[tuple[str, str, str]]) -> None:
    known = {(edge.source, cause.event, edge.dest) for edge in drawn.edges for cause in edge.causes}
    known |= {(node.name, cause.event, node.name) for node in drawn.nodes for cause in node.stays}
    if strange := [step for step in path if step not in known]:
        raise InvalidMessage(tuple(f"the {machine} machine has no row {' '.join(step)}" for step in strange))
    if not path:
        raise InvalidMessage(("a life has at least one step",))


class OnPage(NamedTuple):
    """What a page needs to show lives on one machine: a style sheet, and the machine itself, once."""

    style: str
    stage: str


def for_page(machine: MachineName, key: str) -> OnPage:
    """The machine for a page with many lives; *key* is the id it gets there."""
    drawn, layout = PICTURES[machine]
    return OnPage(page_style(used_looks(drawn, layout)), stage(drawn, layout, key))


def life_on_page(machine: MachineName, key: str, moves: Sequence[tuple[int, str, str, str]]) -> str:
    """One life over the machine that :func:`for_page` put there, as (step, source, event, dest).

    It is the same picture as :func:`life`, but for the numbers: these are the steps' own.

    Raises:
        InvalidMessage: as :func:`life`.
    """
    drawn, layout = PICTURES[machine]
    _require_rows(machine, drawn, [move[1:] for move in moves])
    return trail(drawn, layout, key, [Move(*move) for move in moves])


def order_table_summary() -> str:
    """The order machine as one short markdown table: state, meaning, where it leads by its main events."""
    picture = PICTURES["order"]
    return summary(picture.graph, picture.boxes)


def _require_state(drawn: Graph, state: str) -> None:
    names = [node.name for node in drawn.nodes]
    if state not in names:
        raise InvalidMessage((f"the {drawn.name} machine has no state {state!r}; it has {', '.join(names)}",))
