"""Breadth-first search of everything that can happen within bounds, over the real dispatcher.

A *scene* says what may happen next and what must hold. Situations are told apart by their canonical key
alone (kept as 64-bit fingerprints, as TLC does), so that the search ends when no new one is found. A path
to a breach is the shortest there is.
"""

from __future__ import annotations

import time
from array import array
from collections import deque
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

from fsm_ems.testing.breach import Breach

N = TypeVar("N")
M = TypeVar("M")

Edge = tuple[str, str]
"""A row of the order table: a state and an event."""


class Scene(Protocol[N, M]):
    """What may happen, move by move, from a start."""

    @property
    def name(self) -> str: ...

    @property
    def edges(self) -> set[Edge]:
        """The rows of the table that were taken so far."""
        ...

    def start(self) -> N: ...

    def moves(self, node: N, /) -> Sequence[M]:
        """What may happen next, in an order that depends on *node* alone."""
        ...

    def tell(self, move: M, /) -> str:
        """*move* in one line."""
        ...

    def heals(self, move: M, /) -> bool:
        """Whether *move* may lead to agreement: whether it is no fault, where that is told apart."""
        ...

    def take(self, node: N, move: M, /) -> N:
        """What *node* becomes; *node* stays as it is.

        Raises:
            Breach: a promise is broken on the way or afterwards.
        """
        ...

    def foretell(self, node: N, move: M, /) -> int | None:
        """The hash of the key of what *node* becomes, where that is known without taking *move*."""
        ...

    def check_replay(self, before: N, after: N, /) -> None:
        """Check that the records of the move just taken give *after*; asked once for each state.

        Raises:
            Breach: they do not.
        """
        ...

    def key(self, node: N, /) -> Hashable: ...

    def settled(self, node: N, /) -> bool | None:
        """Whether everybody agrees here. Such a node must be in reach from everywhere; None: not asked."""
        ...


@dataclass(slots=True)
class Found:
    """What a search found. *path* leads to *breach*; *exhausted*: nothing within the bounds is left.

    *waiting*: so many states had still to be looked at when the last one came, as they are numbered in the
    order in which they are.
    *crashed*: what ended it was no promise that somebody checks, but an error in the code that was searched.
    """

    scene: str
    states: int = 0
    transitions: int = 0
    depth: int = 0
    waiting: int = 0
    seconds: float = 0.0
    exhausted: bool = False
    breach: str | None = None
    crashed: bool = False
    path: tuple[str, ...] = ()
    edges: set[Edge] = field(default_factory=set[Edge])


class Search(Generic[N, M]):
    """One search. Only the frontier holds nodes; of a node that was seen its parent and move remain."""

    def __init__(
        self,
        scene: Scene[N, M],
        *,
        states_max: int = 10**9,
        progress: Callable[[Found, int], None] | None = None,
    ) -> None:
        self.scene = scene
        self.states_max = states_max
        self.found = Found(scene.name)
        self._progress = progress
        self._number: dict[int, int] = {}
        self._parents = array("L", [0])
        self._moves = array("H", [0])
        self._edges_from = array("L")
        self._edges_to = array("L")
        self._settled: list[int] = []
        self._asked = True

    def run(self) -> Found:
        """Search until nothing is left, something is broken, or *states_max* were seen."""
        found, scene, began = self.found, self.scene, time.process_time()
        first = scene.start()
        frontier: deque[tuple[int, int, N]] = deque([(0, 0, first)])
        self._note(hash(scene.key(first)), first)
        try:
            while frontier:
                number, depth, node = frontier.popleft()
                self._expand(number, depth, node, frontier)
                if len(self._number) >= self.states_max:
                    break
            found.exhausted = not frontier
            if found.exhausted and self._asked:
                self._reach_agreement()
        except _Stop:
            pass
        found.states, found.edges = len(self._number), set(scene.edges)
        found.seconds = time.process_time() - began
        return found

    def _note(self, mark: int, node: N) -> int:
        number = self._number[mark] = len(self._number)
        settled = self.scene.settled(node)
        if settled is None:
            self._asked = False
        elif settled:
            self._settled.append(number)
        return number

    def _expand(self, number: int, depth: int, node: N, frontier: deque[tuple[int, int, N]]) -> None:
        scene, found, numbers = self.scene, self.found, self._number
        for place, move in enumerate(scene.moves(node)):
            found.transitions += 1
            try:
                foretold = scene.foretell(node, move)
                child = None if foretold is None else numbers.get(foretold)
                if child is None:
                    after = scene.take(node, move)
                    mark = hash(scene.key(after))
                    child = numbers.get(mark)
                    if child is None:
                        scene.check_replay(node, after)
                        child = self._note(mark, after)
                        self._came(number, place, child, depth + 1)
                        frontier.append((child, depth + 1, after))
            except Exception as fault:
                self._tell(number, move, fault)
                raise _Stop from None
            if self._asked and scene.heals(move):
                self._edges_from.append(number)
                self._edges_to.append(child)

    def _came(self, number: int, place: int, child: int, depth: int) -> None:
        """*child* is new, *depth* moves from the start, and came from *number* by its move at *place*."""
        self._parents.append(number)
        self._moves.append(place)
        self.found.depth, self.found.waiting = depth, child - number
        if self._progress is not None and child % 50_000 == 0:
            self._progress(self.found, child)

    def _reach_agreement(self) -> None:
        """From each state one where everybody agrees must be in reach: no state is a trap."""
        before: dict[int, list[int]] = {}
        for source, dest in zip(self._edges_from, self._edges_to, strict=True):
            before.setdefault(dest, []).append(source)
        reached, open_ = set(self._settled), list(self._settled)
        while open_:
            for source in before.get(open_.pop(), ()):
                if source not in reached:
                    reached.add(source)
                    open_.append(source)
        trapped = next((number for number in range(len(self._number)) if number not in reached), None)
        if trapped is not None:
            self.found.breach = "P13: from here nothing leads to agreement with the venue"
            self.found.path = self._path(trapped)
            raise _Stop

    def _tell(self, number: int, move: M, fault: Exception) -> None:
        self.found.crashed = not isinstance(fault, Breach)
        self.found.breach = f"{type(fault).__name__}: {fault}" if self.found.crashed else str(fault)
        self.found.path = (*self._path(number), self.scene.tell(move))

    def _path(self, number: int) -> tuple[str, ...]:
        """What was done to get there: the moves, taken again from the start."""
        places: list[int] = []
        while number:
            places.append(self._moves[number])
            number = self._parents[number]
        scene, node, path = self.scene, self.scene.start(), list[str]()
        for place in reversed(places):
            move = scene.moves(node)[place]
            path.append(scene.tell(move))
            node = scene.take(node, move)
        return tuple(path)


class _Stop(Exception):
    """The search has its answer."""
