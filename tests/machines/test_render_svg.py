"""The drawing claims exactly the table's pairs: read back from its shapes, not from what it was made of."""

import re
from collections.abc import Iterator, Sequence
from itertools import combinations, pairwise
from xml.etree import ElementTree as ET

import pytest

from fsm_ems.machines.layout import Layout, Point, Rect
from fsm_ems.machines.render import PICTURES, MachineName, Picture
from fsm_ems.machines.render_svg import svg

NEAR = 0.11  # coordinates are written to a tenth of a pixel


class Seen:
    """An SVG as an eye sees it: rectangles, and lines between their borders."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.root = ET.fromstring(re.sub(r' xmlns="[^"]+"', "", text, count=1))  # noqa: S314  # our own text
        self.nodes = {g.attrib["data-state"]: rect(g) for g in self.root.findall("g[@data-state]")}
        self.boxes = {g.attrib["data-box"]: rect(g) for g in self.root.findall("g[@data-box]")}
        self.edges = self.root.findall("g[@data-from]")

    def members(self, name: str) -> list[str]:
        """The state itself, or the states that lie in the box."""
        if name in self.nodes:
            return [name]
        box = self.boxes[name]
        return [state for state, node in self.nodes.items() if within(node, box)]

    def pairs(self) -> set[tuple[str, str]]:
        claimed = {(m, e.attrib["data-to"]) for e in self.edges for m in self.members(e.attrib["data-from"])}
        return claimed | {(name, name) for name in self.stays()}

    def stays(self) -> dict[str, int]:
        badges = (
            (g.attrib["data-state"], g.find("g[@class='stays']/text"))
            for g in self.root.findall("g[@data-state]")
        )
        return {name: int((text.text or "").removeprefix("↻ ")) for name, text in badges if text is not None}


def rect(group: ET.Element) -> Rect:
    shape = group.find("rect")
    assert shape is not None
    x, y, width, height = (float(shape.attrib[name]) for name in ("x", "y", "width", "height"))
    return Rect(x, y, x + width, y + height)


def within(inner: Rect, outer: Rect) -> bool:
    return (
        outer.left < inner.left
        and inner.right < outer.right
        and outer.top < inner.top
        and inner.bottom < outer.bottom
    )


def apart(one: Rect, other: Rect) -> bool:
    return (
        one.right < other.left or other.right < one.left or one.bottom < other.top or other.bottom < one.top
    )


def on_border(point: Point, of: Rect) -> bool:
    across = min(abs(point.x - of.left), abs(point.x - of.right))
    down = min(abs(point.y - of.top), abs(point.y - of.bottom))
    inside = of.left - NEAR <= point.x <= of.right + NEAR and of.top - NEAR <= point.y <= of.bottom + NEAR
    return inside and min(across, down) <= NEAR


def points(path: str) -> list[Point]:
    """Points along an SVG path of M, L, Q and C."""
    found: list[Point] = []
    for sign, numbers in re.findall(r"([MLQC])([^MLQC]+)", path):
        values = [float(number) for number in re.findall(r"-?[\d.]+", numbers)]
        corners = [Point(x, y) for x, y in zip(values[::2], values[1::2], strict=True)]
        found += corners if sign in "ML" else bezier([found[-1], *corners])
    return found


def bezier(corners: list[Point], pieces: int = 40) -> Iterator[Point]:
    for piece in range(1, pieces + 1):
        level, t = corners, piece / pieces
        while len(level) > 1:
            level = [Point(a.x + (b.x - a.x) * t, a.y + (b.y - a.y) * t) for a, b in pairwise(level)]
        yield level[0]


def stretch(found: list[Point]) -> Iterator[Point]:
    """Points close enough together to meet every state in between."""
    for a, b in pairwise(found):
        for step in range(50):
            yield Point(a.x + (b.x - a.x) * step / 50, a.y + (b.y - a.y) * step / 50)


def path_of(edge: ET.Element) -> str:
    return next(path.attrib["d"] for path in edge.findall("path[@class='line']"))


def tip_of(edge: ET.Element) -> Point:
    turn = next(path.attrib["transform"] for path in edge.findall("path[@class='tip']"))
    x, y = re.findall(r"-?[\d.]+", turn)[:2]
    return Point(float(x), float(y))


BOTH = [pytest.param(picture, id=name) for name, picture in PICTURES.items()]


@pytest.fixture(name="seen", params=PICTURES)
def see(request: pytest.FixtureRequest) -> Seen:
    picture = PICTURES[request.param]
    return Seen(svg(picture.graph, picture.layout))


@pytest.mark.parametrize("picture", BOTH)
def test_drawing_claims_every_pair_of_the_table_and_no_other(picture: Picture) -> None:
    seen = Seen(svg(picture.graph, picture.layout))
    stays = {node.name: len(node.stays) for node in picture.graph.nodes if node.stays}

    assert seen.pairs() == {edge.pair for edge in picture.graph.edges} | {(name, name) for name in stays}
    assert seen.stays() == stays


@pytest.mark.parametrize("picture", BOTH)
def test_box_holds_its_members_whole_and_no_other_state(picture: Picture) -> None:
    seen = Seen(svg(picture.graph, picture.layout))

    for box in picture.boxes:
        assert sorted(seen.members(box.key)) == sorted(box.members)
        strangers = [node for name, node in seen.nodes.items() if name not in box.members]
        assert all(apart(node, seen.boxes[box.key]) for node in strangers)


def test_states_stand_apart_and_within_the_picture(seen: Seen) -> None:
    whole = Rect(0, 0, float(seen.root.attrib["width"]), float(seen.root.attrib["height"]))

    assert all(
        apart(a, b) for one, a in seen.nodes.items() for other, b in seen.nodes.items() if one != other
    )
    assert all(within(shape, whole) for shape in [*seen.nodes.values(), *seen.boxes.values()])


def test_each_line_runs_from_border_to_border_and_through_no_third_state(seen: Seen) -> None:
    for edge in seen.edges:
        source, dest = edge.attrib["data-from"], edge.attrib["data-to"]
        way = points(path_of(edge))
        others = [node for name, node in seen.nodes.items() if name not in (source, dest)]

        assert on_border(way[0], (seen.nodes | seen.boxes)[source]), (
            f"{source} → {dest} does not leave {source}"
        )
        assert on_border(tip_of(edge), seen.nodes[dest]), f"{source} → {dest} does not reach {dest}"
        assert not any(within(Rect(*point, *point), node) for point in stretch(way) for node in others), (
            f"{source} → {dest} runs through another state"
        )


CHARACTER = 6.2
"""The mean width of a label's character of a wide font, in pixels, as a browser draws it."""


def texts(seen: Seen) -> list[tuple[str, Rect]]:
    """All that is written, and where: labels of edges, names of states and boxes, counts."""
    found: list[tuple[str, Rect]] = []
    for text in seen.root.findall("text"):
        x, y, label = float(text.attrib["x"]), float(text.attrib["y"]), text.text or ""
        across, down = len(label) * CHARACTER / 2, 7.0
        if "rotate(-90 " in text.attrib.get("transform", ""):
            across, down = down, across
        found.append((label, Rect(x - across, y - down, x + across, y + down)))
    for name, box in seen.boxes.items():
        caption = seen.root.findtext(f"g[@data-box='{name}']/text") or ""
        found.append(
            (caption, Rect(box.left + 14, box.top + 5, box.left + 14 + len(caption) * 6.4, box.top + 20))
        )
    found += seen.nodes.items()
    for name in seen.stays():
        badge = seen.root.find(f"g[@data-state='{name}']/g[@class='stays']")
        assert badge is not None
        found.append((f"{name}'s count", rect(badge)))
    return found


def test_no_label_runs_into_another_or_into_a_state(seen: Seen) -> None:
    written = texts(seen)
    own = {(name, f"{name}'s count") for name in seen.nodes}

    assert len(written) == len(seen.edges) + len(seen.boxes) + len(seen.nodes) + len(seen.stays())
    assert [
        (one, other)
        for (one, here), (other, there) in combinations(written, 2)
        if (one, other) not in own and not apart(here, there)
    ] == []


def test_no_line_runs_through_the_label_of_another(seen: Seen) -> None:
    labels = texts(seen)[: len(seen.edges)]
    ways = [{Point(round(x), round(y)) for x, y in stretch(points(path_of(edge)))} for edge in seen.edges]

    assert [
        (label, edge.attrib["data-from"], edge.attrib["data-to"])
        for number, (label, place) in enumerate(labels)
        for other, edge in enumerate(seen.edges)
        if other != number and any(within(Rect(*point, *point), place) for point in ways[other])
    ] == []


def test_main_line_is_straight_level_and_widest(seen: Seen) -> None:
    spine = [edge for edge in seen.edges if "s-spine" in edge.attrib["class"]]
    widths = {float(width) for width in re.findall(r"--w:([\d.]+)px", seen.text)}

    assert len({point.y for edge in spine for point in points(path_of(edge))}) == 1
    assert f".s-spine{{--c:#0b62d0;--w:{max(widths):g}px" in seen.text


def test_every_label_and_tooltip_names_what_takes_the_edge(seen: Seen) -> None:
    labels = [text.text or "" for text in seen.root.findall("text")]
    told = ["".join(edge.findtext("title") or "") for edge in seen.edges]

    assert len(labels) == len(seen.edges)
    assert all(f"  {label.split(' +')[0]}: " in text for label, text in zip(labels, told, strict=True))


def test_each_story_has_a_line_of_its_own_in_the_legend_and_both_colours(seen: Seen) -> None:
    drawn = {re.sub(r"edge s-", "", edge.attrib["class"]) for edge in seen.edges}
    legend = {
        (sample.attrib["class"]).removeprefix("s-")
        for sample in seen.root.findall("g[@class='legend']/g/g[@class]")
    }
    light, dark = seen.text.count("--w:"), len(re.findall(r"\.s-\w+\{--c:#\w+\}", seen.text))

    assert legend - {"note"} == drawn
    assert light == dark + seen.text.count(".note{")
    assert "prefers-color-scheme:dark" in seen.text


def test_stories_differ_in_line_or_width_where_their_colour_is_shared() -> None:
    text = svg(PICTURES["order"].graph, PICTURES["order"].layout)
    looks = re.findall(r"\.s-(\w+)\{(--c:#\w+;--w:[\d.]+px;--d:[^}]+)\}", text)
    told_apart = [look for name, look in looks]

    assert len(looks) == 11
    assert len(set(told_apart)) == len(told_apart)


def order_svg(state: str | None = None, path: Sequence[tuple[str, str, str]] = ()) -> Seen:
    return Seen(svg(PICTURES["order"].graph, PICTURES["order"].layout, state=state, path=path))


def test_current_state_wears_a_halo() -> None:
    plain, marked = order_svg(), order_svg(state="open")
    halo = marked.root.find("rect[@class='halo']")

    assert plain.root.find("rect[@class='halo']") is None
    assert halo is not None
    around = Rect(
        float(halo.attrib["x"]),
        float(halo.attrib["y"]),
        float(halo.attrib["x"]) + float(halo.attrib["width"]),
        float(halo.attrib["y"]) + float(halo.attrib["height"]),
    )
    assert within(marked.nodes["open"], around)


LIFE = [
    ("new", "submit", "pending"),
    ("pending", "ack", "acked"),
    ("acked", "opened", "open"),
    *[("open", "fill", "open")] * 5,
    ("open", "edit", "editing"),
    ("editing", "replaced", "open"),
    ("open", "edit", "editing"),
    ("editing", "expired", "expired"),
]


def test_life_is_drawn_with_the_numbers_of_its_steps_over_the_dimmed_rest() -> None:
    seen = order_svg(path=LIFE)
    signs = [
        step.findtext("text")
        for step in seen.root.findall("g[@class='step']")
        if step.find("text") is not None
    ]
    lines = [step for step in seen.root.findall("g[@class='step']") if step.find("path") is not None]
    dimmed = {
        g.attrib["data-state"]
        for g in seen.root.findall("g[@data-state]")
        if "unvisited" in g.attrib["class"]
    }

    assert signs == ["1 submit", "2 ack", "3 opened", "4, 5, 6, 7 +1", "9, 11", "10 replaced", "12 expired"]
    assert [seen_from_to(seen, line) for line in lines] == [
        pair for pair in dict.fromkeys((source, dest) for source, _, dest in LIFE) if pair[0] != pair[1]
    ]
    assert dimmed == set(seen.nodes) - {"new", "pending", "acked", "open", "editing", "expired"}
    assert "fsm traced" in seen.root.attrib["class"]


def seen_from_to(seen: Seen, line: ET.Element) -> tuple[str, str]:
    start, end = points(path_of(line))[0], tip_of(line)
    return (
        next(name for name, node in seen.nodes.items() if on_border(start, node)),
        next(name for name, node in seen.nodes.items() if on_border(end, node)),
    )


@pytest.mark.parametrize("machine", PICTURES)
def test_any_edge_can_be_drawn_alone_as_a_step(machine: MachineName) -> None:
    picture = PICTURES[machine]
    for edge in picture.graph.edges:
        seen = Seen(svg(picture.graph, picture.layout, path=[(edge.source, edge.causes[0].event, edge.dest)]))
        line = next(step for step in seen.root.findall("g[@class='step']") if step.find("path") is not None)

        assert seen_from_to(seen, line) == edge.pair


@pytest.mark.parametrize("picture", BOTH)
def test_no_route_is_kept_for_an_edge_that_is_not_drawn(picture: Picture) -> None:
    seen = Seen(svg(picture.graph, picture.layout))
    drawn = {(edge.attrib["data-from"], edge.attrib["data-to"]) for edge in seen.edges}

    assert set(picture.layout.routes) - drawn == set()


def test_text_is_escaped() -> None:
    picture = PICTURES["link"]
    odd = picture.graph.nodes[0].__class__("down", "initial", "main", 'a "sign" <b> & more', ())
    graph = type(picture.graph)("link", (odd, *picture.graph.nodes[1:]), picture.graph.edges, (), ())
    layout: Layout = picture.layout

    assert (
        Seen(svg(graph, layout)).root.findtext("g[@data-state='down']/title") == 'down: a "sign" <b> & more'
    )
