"""The picture of the order machine: the main line straight, every other story on a lane of its own.

From the top: alert; dark order and edit; main line; stashed and other cancels; doubt. Ends on the right.
"""

from __future__ import annotations

from collections.abc import Iterable

from fsm_ems.machines.graph import Box
from fsm_ems.machines.layout import Layout, Placed, Point, Port, Route
from fsm_ems.machines.order import AT_VENUE, OrderState

S = OrderState
VENUE, CONTACT, SENT, HELD = "at_venue", "in_contact", "no_ack", "held"

ALERT, HIGH, MAIN, LOW, DOUBT = 62, 230, 378, 510, 634  # the lanes, from the top
BORN, KEPT, SENDING, ACKED, MIDDLE, OPEN, END = 88, 256, 542, 758, 930, 1102, 1402  # the columns


def _box(
    key: str, label: str, members: Iterable[OrderState], pad: float, below: float | None = None
) -> Placed:
    return Placed(Box(key, label, tuple(state.value for state in members)), pad, below)


def _level(y: float) -> Route:
    """Out of a box and into a state at one height."""
    return Route(Port("right", at=y), Port("left", at=y))


_PLACES: dict[str, Point] = {
    S.NEW: Point(BORN, MAIN),
    S.ALERT_OPEN: Point(KEPT, ALERT),
    S.DARK_OPEN: Point(KEPT, HIGH),
    S.DARK_TRIGGERED: Point(SENDING, HIGH),
    S.PENDING: Point(SENDING, MAIN),
    S.CANCEL_STASHED: Point(SENDING, LOW),
    S.ACKED: Point(ACKED, MAIN),
    S.EDITING: Point(MIDDLE, HIGH),
    S.CANCELLING: Point(MIDDLE, LOW),
    S.OPEN: Point(OPEN, MAIN),
    S.UNKNOWN: Point(MIDDLE, DOUBT),
    S.ALERT_TRIGGERED: Point(END, ALERT),
    S.EXPIRED: Point(END, HIGH),
    S.FILLED: Point(END, MAIN),
    S.CANCELLED: Point(END, LOW),
    S.REJECTED: Point(END, DOUBT),
}

_BIRTH_AND_WAITING: dict[tuple[str, str], Route] = {
    (S.NEW, S.ALERT_OPEN): Route(Port("top", -20), Port("left"), 0.45),
    (S.NEW, S.DARK_OPEN): Route(Port("top", 20), Port("left"), 0.5),
    (S.NEW, S.ACKED): Route(
        Port("bottom"), Port("bottom", -44), 0.3, (Point(BORN, MAIN + 58), Point(ACKED - 44, MAIN + 58))
    ),
    (S.DARK_OPEN, S.DARK_TRIGGERED): Route(Port("right", -8), Port("left", -8), Point(377, HIGH - 8)),
    (S.DARK_TRIGGERED, S.ACKED): Route(Port("right"), Port("top", -36), 0.45),
    (HELD, S.EXPIRED): Route(Port("right", at=117), Port("top"), 0.42, (Point(END, 117),)),
    (HELD, S.CANCELLED): Route(
        Port("right", at=101), Port("right"), 0.3, (Point(END + 88, 101), Point(END + 88, LOW))
    ),
    (SENT, S.CANCEL_STASHED): Route(Port("bottom", -44), Port("top", -44), 0.68),
    (S.CANCEL_STASHED, S.PENDING): Route(Port("top", 30), Port("bottom", 30), 0.38),
    (S.CANCEL_STASHED, S.DARK_TRIGGERED): Route(
        Port("left"),
        Port("left", 16),
        Point(448, 312),
        (Point(448, LOW), Point(448, HIGH + 16)),
        upright=True,
    ),
    (S.CANCEL_STASHED, S.CANCELLING): Route(Port("right"), Port("left"), 0.32),
    (SENT, S.OPEN): Route(Port("right", at=MAIN - 64), Port("left", -13), 0.115),
    (SENT, S.EDITING): Route(Port("right", at=HIGH - 14), Port("left", -14), 0.35),
    (SENT, S.CANCELLING): Route(
        Port("bottom", 78),
        Port("bottom", -44),
        0.46,
        (Point(SENDING + 78, LOW + 38), Point(MIDDLE - 44, LOW + 38)),
    ),
}

_RESTING: dict[tuple[str, str], Route] = {
    (S.ACKED, S.OPEN): Route(Port("right"), Port("left"), 0.3),
    (S.OPEN, S.FILLED): Route(Port("right"), Port("left"), 0.68),
    (S.ACKED, S.EDITING): Route(Port("top", -4), Port("left", -2), 0.27),
    (S.EDITING, S.ACKED): Route(Port("left", 12), Port("top", 36), Point(MIDDLE - 72, HIGH + 58)),
    (S.OPEN, S.EDITING): Route(Port("top", -30), Port("right", 12), 0.12),
    (S.EDITING, S.OPEN): Route(Port("right", -4), Port("top", 12), Point(OPEN - 2, HIGH + 16)),
    (S.ACKED, S.CANCELLING): Route(Port("bottom", 8), Port("left", -10), 0.5),
    (S.CANCELLING, S.ACKED): Route(Port("top", -44), Port("bottom", 44), Point(MIDDLE - 90, MAIN + 61)),
    (S.OPEN, S.CANCELLING): Route(Port("bottom", 12), Port("right"), 0.45),
    (S.CANCELLING, S.OPEN): Route(Port("top", 44), Port("bottom", -30), 0.8),
    (S.EDITING, S.CANCELLING): Route(Port("bottom"), Port("top"), 0.25),
}

_DOUBT_AND_ENDS: dict[tuple[str, str], Route] = {
    (CONTACT, S.UNKNOWN): Route(Port("bottom", at=MIDDLE), Port("top")),
    (S.UNKNOWN, S.ACKED): Route(Port("left"), Port("bottom", -18), 0.3),
    (S.UNKNOWN, S.PENDING): Route(
        Port("left", 11), Port("left", 13), 0.24, (Point(431, DOUBT + 11), Point(431, MAIN + 13))
    ),
    (S.UNKNOWN, S.DARK_TRIGGERED): Route(
        Port("bottom", -48),
        Port("left", 4),
        0.3,
        (Point(MIDDLE - 48, DOUBT + 35), Point(422, DOUBT + 35), Point(422, HIGH + 4)),
    ),
    (S.UNKNOWN, S.OPEN): Route(Port("right"), Port("bottom", 44), 0.3),
    (VENUE, S.FILLED): _level(MAIN + 17)._replace(label=Point(END - 120, MAIN + 33)),
    (VENUE, S.EXPIRED): _level(HIGH),
    (VENUE, S.CANCELLED): _level(LOW),
    (VENUE, S.REJECTED): _level(DOUBT),
    (S.FILLED, S.OPEN): Route(Port("left", -15), Port("right", -15), Point(END - 120, MAIN - 28)),
    (S.FILLED, S.EDITING): Route(
        Port("top", -44),
        Port("bottom", 40),
        0.24,
        (Point(END - 44, MAIN - 62), Point(MIDDLE + 40, MAIN - 62)),
    ),
    (S.FILLED, S.CANCELLING): Route(
        Port("bottom", -44),
        Port("top", 22),
        0.26,
        (Point(END - 44, MAIN + 66), Point(MIDDLE + 22, MAIN + 66)),
    ),
    (S.FILLED, S.UNKNOWN): Route(
        Port("bottom", -28),
        Port("right", -11),
        0.62,
        (Point(END - 28, MAIN + 80), Point(OPEN + 78, MAIN + 80), Point(OPEN + 78, DOUBT - 11)),
    ),
}

ORDER_LAYOUT = Layout(
    width=1510,
    height=762,
    legend_top=714,
    places=_PLACES,
    boxes=(
        _box(VENUE, "the venue may hold it", AT_VENUE, 58, 24),
        _box(CONTACT, "an answer or a report is awaited", (s for s in AT_VENUE if s is not S.UNKNOWN), 34),
        _box(SENT, "no ack yet", (S.PENDING, S.DARK_TRIGGERED), 12),
        _box(HELD, "held here", (S.ALERT_OPEN, S.DARK_OPEN), 14),
    ),
    routes=_BIRTH_AND_WAITING | _RESTING | _DOUBT_AND_ENDS,
)
