"""Where things stand in a picture: geometry only, no machine and no text.

A :class:`Layout` gives each state a place, says which states share a box, and by which sides an edge
leaves and enters. It names no edge that must exist: an edge without a route is drawn straight.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from math import hypot
from typing import Literal, NamedTuple

from fsm_ems.machines.graph import Box

Side = Literal["left", "right", "top", "bottom"]

NODE_WIDTH, NODE_HEIGHT = 142.0, 46.0
LABEL_HEIGHT = 17.0
CORNER = 12.0
TIP = 6.0
PULL = 170.0


class Point(NamedTuple):
    """A place in the picture, in pixels from its top left corner."""

    x: float
    y: float


class Rect(NamedTuple):
    """An upright rectangle."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def middle(self) -> Point:
        return Point((self.left + self.right) / 2, (self.top + self.bottom) / 2)


class Port(NamedTuple):
    """A place on a rectangle's border: a side, and where on it.

    *off* counts pixels from the side's middle (rightwards, downwards); *at* is the picture's own x or y.
    """

    side: Side
    off: float = 0.0
    at: float | None = None


class Route(NamedTuple):
    """How an edge runs: a curve from port to port, or straight pieces *through* corners.

    *label* says how far along the edge its label stands, or where; *upright* labels read upwards.
    """

    leave: Port
    enter: Port
    label: float | Point = 0.5
    through: tuple[Point, ...] = ()
    upright: bool = False


class Placed(NamedTuple):
    """A box and how far it reaches beyond its members: *pad* on all sides, *below* and *above* if given."""

    box: Box
    pad: float
    below: float | None = None
    above: float | None = None


class Trace(NamedTuple):
    """An edge ready to be drawn.

    *path* is SVG path text and stops short of *end*, where an arrowhead in direction *heading* (degrees,
    clockwise from rightwards) has its tip.
    """

    path: str
    start: Point
    end: Point
    heading: int
    label: Point
    upright: bool


@dataclass(frozen=True)
class Layout:
    """A picture's geometry. Boxes are given widest first: a bundle leaves the widest box it is true for."""

    width: float
    height: float
    legend_top: float
    places: Mapping[str, Point]
    boxes: tuple[Placed, ...] = ()
    routes: Mapping[tuple[str, str], Route] = field(default_factory=dict[tuple[str, str], Route])

    def node(self, name: str) -> Rect:
        """The rectangle of a state."""
        x, y = self.places[name]
        return Rect(x - NODE_WIDTH / 2, y - NODE_HEIGHT / 2, x + NODE_WIDTH / 2, y + NODE_HEIGHT / 2)

    def box(self, placed: Placed) -> Rect:
        """The rectangle around a box's members, with room for its label above them."""
        members = [self.node(name) for name in placed.box.members]
        above = placed.pad if placed.above is None else placed.above
        below = placed.pad if placed.below is None else placed.below
        return Rect(
            min(rect.left for rect in members) - placed.pad,
            min(rect.top for rect in members) - above - LABEL_HEIGHT,
            max(rect.right for rect in members) + placed.pad,
            max(rect.bottom for rect in members) + below,
        )

    def trace(self, source: str, dest: str) -> Trace:
        """The way from *source*, a state or the key of a box, to the state *dest*."""
        boxes = {placed.box.key: placed for placed in self.boxes}
        left = self.box(boxes[source]) if source in boxes else self.node(source)
        entered = self.node(dest)
        route = self.routes.get((source, dest)) or self._direct(left, entered)
        start, tip = _at(left, route.leave), _at(entered, route.enter)
        dx, dy = _OUTWARD[route.enter.side]
        stop = Point(tip.x + dx * TIP, tip.y + dy * TIP)
        if route.through:
            corners = (start, *route.through, stop)
            path, measure = _rounded(corners), partial(_along, corners)
        else:
            curve = _curve(start, stop, route)
            path, measure = _curve_text(curve), partial(_on_curve, curve)
        label = route.label if isinstance(route.label, Point) else measure(route.label)
        return Trace(path, start, tip, _HEADING[route.enter.side], label, route.upright)

    def _direct(self, start: Rect, end: Rect) -> Route:
        """By the sides that face each other; over the top where states of the same row are in between."""
        a, b = start.middle, end.middle
        low, high = sorted((a.x, b.x))
        if any(low < x < high and a.y == y == b.y for x, y in self.places.values()):
            return Route(Port("top"), Port("top"))
        if abs(b.x - a.x) >= abs(b.y - a.y):
            return Route(Port("right"), Port("left")) if a.x < b.x else Route(Port("left"), Port("right"))
        return Route(Port("bottom"), Port("top")) if a.y < b.y else Route(Port("top"), Port("bottom"))


def _at(rect: Rect, port: Port) -> Point:
    if port.side in ("left", "right"):
        y = rect.middle.y + port.off if port.at is None else port.at
        return Point(rect.left if port.side == "left" else rect.right, y)
    x = rect.middle.x + port.off if port.at is None else port.at
    return Point(x, rect.top if port.side == "top" else rect.bottom)


_OUTWARD: Mapping[Side, tuple[int, int]] = {
    "left": (-1, 0),
    "right": (1, 0),
    "top": (0, -1),
    "bottom": (0, 1),
}

_HEADING: Mapping[Side, int] = {"left": 0, "right": 180, "top": 90, "bottom": -90}

Curve = tuple[Point, Point, Point, Point]


def _curve(a: Point, b: Point, route: Route) -> Curve:
    """A cubic curve that leaves and enters at right angles to the sides."""
    pull = min(hypot(b.x - a.x, b.y - a.y) * 0.4, PULL)
    (ax, ay), (bx, by) = _OUTWARD[route.leave.side], _OUTWARD[route.enter.side]
    return a, Point(a.x + ax * pull, a.y + ay * pull), Point(b.x + bx * pull, b.y + by * pull), b


def _on_curve(curve: Curve, t: float) -> Point:
    weights = ((1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t**2 * (1 - t), t**3)
    return Point(
        sum(w * point.x for w, point in zip(weights, curve, strict=True)),
        sum(w * point.y for w, point in zip(weights, curve, strict=True)),
    )


def _curve_text(curve: Curve) -> str:
    a, c, d, b = (show(point) for point in curve)
    return f"M{a} C{c} {d} {b}"


def _along(corners: tuple[Point, ...], share: float) -> Point:
    """The point at a share of the whole length."""
    pieces = [(a, b, hypot(b.x - a.x, b.y - a.y)) for a, b in pairwise(corners)]
    left = share * sum(length for _, _, length in pieces)
    while len(pieces) > 1 and left > pieces[0][2]:
        left -= pieces.pop(0)[2]
    a, b, _ = pieces[0]
    return _toward(a, b, left)


def _rounded(corners: tuple[Point, ...]) -> str:
    text = [f"M{show(corners[0])}"]
    for before, corner, after in zip(corners, corners[1:], corners[2:], strict=False):
        text.append(f"L{show(_toward(corner, before, CORNER))}")
        text.append(f"Q{show(corner)} {show(_toward(corner, after, CORNER))}")
    return " ".join([*text, f"L{show(corners[-1])}"])


def _toward(a: Point, b: Point, by: float) -> Point:
    length = hypot(b.x - a.x, b.y - a.y) or 1.0
    return Point(a.x + (b.x - a.x) * by / length, a.y + (b.y - a.y) * by / length)


def show(point: Point) -> str:
    """The point as SVG writes it, to a tenth of a pixel."""
    return f"{point.x:.1f},{point.y:.1f}"
