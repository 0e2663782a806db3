"""Geometry: edges begin and end on borders, and labels stand on their edges."""

import pytest

from fsm_ems.machines.graph import Box
from fsm_ems.machines.layout import TIP, Layout, Placed, Point, Port, Rect, Route, Side

PLACES = {"a": Point(100, 100), "b": Point(400, 100), "c": Point(700, 100), "below": Point(100, 400)}


def layout(**routes: Route) -> Layout:
    box = Placed(Box("box", "two", ("a", "b")), 10, below=40)
    named = {(key.split("_")[0], key.split("_")[1]): route for key, route in routes.items()}
    return Layout(800, 500, 460, PLACES, (box,), named)


def test_box_holds_its_members_and_its_label() -> None:
    plain = layout()

    assert plain.node("a") == Rect(29, 77, 171, 123)
    assert plain.box(plain.boxes[0]) == Rect(19, 50, 481, 163)
    assert plain.node("a").middle == PLACES["a"]


@pytest.mark.parametrize(
    ("source", "dest", "start", "end", "heading"),
    [
        ("a", "b", (171, 100), (329, 100), 0),
        ("b", "a", (329, 100), (171, 100), 180),
        ("a", "below", (100, 123), (100, 377), 90),
        ("below", "a", (100, 377), (100, 123), -90),
        ("a", "c", (100, 77), (700, 77), 90),
        ("box", "c", (481, 106.5), (629, 100), 0),
    ],
)
def test_edge_without_a_route_goes_by_the_facing_sides_or_over_what_is_between(
    source: str, dest: str, start: tuple[float, float], end: tuple[float, float], heading: int
) -> None:
    trace = layout().trace(source, dest)

    assert (trace.start, trace.end, trace.heading) == (start, end, heading)


@pytest.mark.parametrize(
    ("side", "stop"),
    [("left", (-TIP, 0)), ("right", (TIP, 0)), ("top", (0, -TIP)), ("bottom", (0, TIP))],
)
def test_line_stops_short_of_the_tip_outside_the_state(side: Side, stop: tuple[float, float]) -> None:
    trace = layout(a_b=Route(Port("bottom", -5), Port(side))).trace("a", "b")

    x, y = trace.end.x + stop[0], trace.end.y + stop[1]
    assert trace.start == Point(95, 123)
    assert trace.path.endswith(f" {x:.1f},{y:.1f}")


def test_corners_are_rounded_and_the_label_stands_at_its_share_of_the_way() -> None:
    through = (Point(100, 200), Point(400, 200))
    trace = layout(a_b=Route(Port("bottom"), Port("bottom"), 0.5, through)).trace("a", "b")

    assert trace.path == (
        "M100.0,123.0 L100.0,188.0 Q100.0,200.0 112.0,200.0 "
        "L388.0,200.0 Q400.0,200.0 400.0,188.0 L400.0,129.0"
    )
    assert trace.label.y == 200
    assert trace.label.x == pytest.approx(247)


@pytest.mark.parametrize(("share", "place"), [(0.0, (100, 123)), (1.0, (400, 129))])
def test_label_may_stand_at_either_end(share: float, place: tuple[float, float]) -> None:
    through = (Point(100, 200), Point(400, 200))

    assert layout(a_b=Route(Port("bottom"), Port("bottom"), share, through)).trace("a", "b").label == place


def test_label_may_stand_where_it_is_put_and_ports_may_be_absolute() -> None:
    route = Route(Port("right", at=60), Port("top", at=650), Point(1, 2), upright=True)
    trace = layout(box_c=route).trace("box", "c")

    assert (trace.start, trace.end) == ((481, 60), (650, 77))
    assert (trace.label, trace.upright) == ((1, 2), True)
