"""A table as a plain graph, which renderers turn into text. No renderer sees a machine.

Rows that lead from one state to the same other state become one *edge* with several causes; rows that
stay become the node's *stays*. Where each state of a box has an edge to the same state outside it,
:func:`bundled` replaces them with one *bundle*, so that a picture may show one line for many and still
claim exactly the pairs of the table.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import Literal, NamedTuple, TypeVar

from fsm_ems.machines.table import Default, Row, Table

S = TypeVar("S", bound=StrEnum)
E = TypeVar("E", bound=StrEnum)

Kind = Literal["initial", "live", "doubt", "end"]

MAIN = "main"
DOUBT = "doubt"


class Cause(NamedTuple):
    """An event that takes an edge, and why."""

    event: str
    reason: str


class Heading(NamedTuple):
    """A column of the table: an event, what it means, and what becomes of it where it has no row."""

    event: str
    default: Default
    meaning: str


@dataclass(frozen=True, slots=True)
class Node:
    """A state. *lane* is the story it belongs to, *stays* are the events that leave it where it is."""

    name: str
    kind: Kind
    lane: str
    meaning: str
    stays: tuple[Cause, ...]


@dataclass(frozen=True, slots=True)
class Edge:
    """Every row from one state to another, in column order; *story* is its first row's."""

    source: str
    dest: str
    causes: tuple[Cause, ...]
    story: str

    @property
    def pair(self) -> tuple[str, str]:
        """What an edge is known by."""
        return self.source, self.dest


@dataclass(frozen=True, slots=True)
class Graph:
    """A machine, ready to be drawn. *spine* is the main line: what an untroubled life passes through."""

    name: str
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    headings: tuple[Heading, ...]
    spine: tuple[str, ...]

    @property
    def spine_pairs(self) -> frozenset[tuple[str, str]]:
        """The edges of the main line."""
        return frozenset(pairwise(self.spine))


class Box(NamedTuple):
    """States drawn together because they have something in common."""

    key: str
    label: str
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Bundle:
    """One edge from each member of *box* to *dest*, drawn as one line."""

    box: Box
    dest: str
    edges: tuple[Edge, ...]

    @property
    def pair(self) -> tuple[str, str]:
        """What it is known by: the box's key and the destination."""
        return self.box.key, self.dest

    @property
    def causes(self) -> tuple[Cause, ...]:
        """Every cause of its edges, once each, in the order of the first member that has it."""
        return tuple(dict.fromkeys(cause for edge in self.edges for cause in edge.causes))

    @property
    def story(self) -> str:
        """The commonest story of its edges."""
        return _commonest(edge.story for edge in self.edges)


Line = Edge | Bundle


class Bundled(NamedTuple):
    """A graph's edges, sorted into those drawn one by one and those drawn as bundles."""

    singles: tuple[Edge, ...]
    bundles: tuple[Bundle, ...]

    @property
    def pairs(self) -> frozenset[tuple[str, str]]:
        """Every (source, dest) that is claimed, singly or in a bundle."""
        bundled_edges = (edge for bundle in self.bundles for edge in bundle.edges)
        return frozenset(edge.pair for edges in (self.singles, bundled_edges) for edge in edges)


def graph(table: Table[S, E], meanings: Mapping[S, str]) -> Graph:
    """The table as a graph; *meanings* says in a few words what each state is."""
    rows: dict[tuple[S, S], list[Row[S, E]]] = {}
    for row in table.rows:
        rows.setdefault((row.source, row.dest), []).append(row)
    column = {event: position for position, event in enumerate(table.events)}

    def causes(source: S, dest: S) -> tuple[Cause, ...]:
        found = sorted(rows.get((source, dest), ()), key=lambda row: column[row.event])
        return tuple(Cause(row.event.value, row.reason) for row in found)

    return Graph(
        name=table.name,
        nodes=tuple(
            Node(state.value, _kind(table, state), _lane(table, state), meanings[state], causes(state, state))
            for state in table.states
        ),
        edges=tuple(
            Edge(source.value, dest.value, causes(source, dest), rows[source, dest][0].story)
            for source in table.states
            for dest in table.states
            if source is not dest and (source, dest) in rows
        ),
        headings=tuple(Heading(c.event.value, c.default, c.meaning) for c in table.columns.values()),
        spine=_spine(table),
    )


def bundled(drawn: Graph, boxes: Iterable[Box]) -> Bundled:
    """Sort the edges: each goes into the first box whose members all have one to the same destination.

    The main line is always drawn on its own: a bundle of three or more claims its edges as well, and
    of two edges, one of them on the main line, none is made.
    """
    left = {edge.pair: edge for edge in drawn.edges}
    spine = drawn.spine_pairs
    bundles: list[Bundle] = []
    for box in boxes:
        for node in drawn.nodes:
            pairs = [(member, node.name) for member in box.members]
            if node.name in box.members or not all(pair in left for pair in pairs):
                continue
            if sum(pair not in spine for pair in pairs) > 1:
                bundles.append(Bundle(box, node.name, tuple(left[pair] for pair in pairs)))
                left = {pair: edge for pair, edge in left.items() if pair not in pairs or pair in spine}
    return Bundled(tuple(left.values()), tuple(bundles))


def main_event(line: Line) -> str:
    """The first event that all of a line's edges have; the first of any where they share none."""
    edges = line.edges if isinstance(line, Bundle) else (line,)
    taken = [{cause.event for cause in edge.causes} for edge in edges]
    events = [cause.event for cause in line.causes]
    return next((event for event in events if all(event in found for found in taken)), events[0])


def brief(line: Line) -> str:
    """A line's label: its main event, and how many others take it."""
    others = len({cause.event for cause in line.causes}) - 1
    return main_event(line) + (f" +{others}" if others else "")


def _arrivals(table: Table[S, E], state: S) -> list[Row[S, E]]:
    return [row for row in table.rows if row.dest is state and row.source is not state]


def _kind(table: Table[S, E], state: S) -> Kind:
    if state is table.initial:
        return "initial"
    if state in table.ends:
        return "end"
    return "doubt" if all(row.story == DOUBT for row in _arrivals(table, state)) else "live"


def _lane(table: Table[S, E], state: S) -> str:
    stories = [row.story for row in _arrivals(table, state)]
    return MAIN if MAIN in stories or not stories else _commonest(stories)


def _spine(table: Table[S, E]) -> tuple[str, ...]:
    """From the initial state on, the first row of the main story that leads to a state not seen yet."""
    seen = [table.initial]
    while onward := [
        row.dest
        for row in table.rows
        if row.source is seen[-1] and row.story == MAIN and row.dest not in seen
    ]:
        seen.append(onward[0])
    return tuple(state.value for state in seen)


def _commonest(stories: Iterable[str]) -> str:
    return Counter(stories).most_common(1)[0][0]
