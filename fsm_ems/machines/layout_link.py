"""The picture of the link machine: the main line straight, losses above it."""

from __future__ import annotations

from fsm_ems.machines.graph import Box
from fsm_ems.machines.layout import Layout, Placed, Point, Port, Route
from fsm_ems.machines.link import LinkState

S = LinkState

MAIN = 136

LINK_LAYOUT = Layout(
    width=1180,
    height=280,
    legend_top=228,
    places={
        S.DOWN: Point(120, MAIN),
        S.CONNECTING: Point(348, MAIN),
        S.SYNCING: Point(576, MAIN),
        S.UP: Point(804, MAIN),
        S.CLOSED: Point(1080, MAIN),
    },
    boxes=(
        Placed(
            Box("not_closed", "until it is closed", (S.DOWN, S.CONNECTING, S.SYNCING, S.UP)), 28, above=66
        ),
    ),
    routes={
        ("not_closed", S.CLOSED): Route(Port("right", at=MAIN), Port("left")),
        (S.SYNCING, S.CONNECTING): Route(
            Port("top"), Port("top", 24), 0.5, (Point(576, MAIN - 48), Point(372, MAIN - 48))
        ),
        (S.UP, S.CONNECTING): Route(
            Port("top"), Port("top", -24), 0.5, (Point(804, MAIN - 78), Point(324, MAIN - 78))
        ),
    },
)
