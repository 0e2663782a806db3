"""Each fault that can be planted in a table is refused when the table is made."""

from enum import StrEnum

import pytest

from fsm_ems.errors import IllegalTransition, TableFault
from fsm_ems.machines.table import Column, Row, Table, rows


class S(StrEnum):
    """A small life."""

    NEW = "new"
    LIVE = "live"
    HELD = "held"
    DONE = "done"


class E(StrEnum):
    """What happens in it."""

    START = "start"
    HOLD = "hold"
    FREE = "free"
    END = "end"


ROWS = (
    Row(S.NEW, E.START, S.LIVE, "main", "it begins"),
    Row(S.LIVE, E.HOLD, S.HELD, "side", "it waits"),
    Row(S.HELD, E.FREE, S.LIVE, "side", "it goes on"),
    Row(S.LIVE, E.END, S.DONE, "main", "it is over"),
)
COLUMNS = (
    Column(E.START, "anomaly", "the start"),
    Column(E.HOLD, "ignore", "a wait"),
    Column(E.FREE, "ignore", "no more wait"),
    Column(E.END, "anomaly", "the end"),
)


def table(
    rows: tuple[Row[S, E], ...] = ROWS,
    columns: tuple[Column[E], ...] = COLUMNS,
    ends: tuple[S, ...] = (S.DONE,),
) -> Table[S, E]:
    return Table("small", initial=S.NEW, ends=ends, rows=rows, columns=columns)


def test_sound_table_decides_every_pair() -> None:
    small = table()

    assert small.events == tuple(E)
    assert small.legal(S.LIVE) == (E.HOLD, E.END)
    assert small.step(S.LIVE, E.HOLD) is S.HELD
    assert {
        (state, event): small.outcome(state, event)
        for state in S
        for event in E
        if event not in small.legal(state)
    } == {
        (state, event): small.columns[event].default
        for state in S
        for event in E
        if (state, event) not in small.row_of
    }


def test_step_without_a_row_names_what_is_legal() -> None:
    with pytest.raises(IllegalTransition, match="small in live cannot take start; legal here: hold, end"):
        table().step(S.LIVE, E.START)
    with pytest.raises(IllegalTransition, match="small in done cannot take end; legal here: nothing"):
        table().step(S.DONE, E.END)


def test_rows_for_many_sources_stay_or_move() -> None:
    assert list(rows((S.LIVE, S.HELD), E.HOLD, None, "side", "it waits")) == [
        Row(S.LIVE, E.HOLD, S.LIVE, "side", "it waits"),
        Row(S.HELD, E.HOLD, S.HELD, "side", "it waits"),
    ]
    assert [row.dest for row in rows((S.LIVE, S.HELD), E.END, S.DONE, "main", "it is over")] == [
        S.DONE,
        S.DONE,
    ]


PLANTED = {
    "a second row for a pair": (
        {"rows": (*ROWS, Row(S.LIVE, E.HOLD, S.DONE, "side", "it ends"))},
        "two rows for hold in live",
    ),
    "the same row twice": ({"rows": (*ROWS, ROWS[1])}, "two rows for hold in live"),
    "an empty reason": ({"rows": (*ROWS[:3], ROWS[3]._replace(reason=" "))}, "end in live has no reason"),
    "an event without a column": ({"columns": COLUMNS[:3]}, "no column for end"),
    "a second column for an event": (
        {"columns": (*COLUMNS, Column(E.HOLD, "anomaly", "a wait"))},
        "two columns for one event",
    ),
    "an event no row uses": ({"rows": (*ROWS[:2], ROWS[3])}, "no row uses free"),
    "a state out of reach": (
        {"rows": (ROWS[0], ROWS[1]._replace(source=S.HELD), *ROWS[2:])},
        "unreachable: held",
    ),
    "a trap": (
        {"rows": (*ROWS[:2], ROWS[2]._replace(dest=S.HELD), ROWS[3])},
        "no path to an end from: held",
    ),
    "two states that only lead to each other": (
        {"rows": (*ROWS[:3], ROWS[3]._replace(source=S.NEW))},
        "no path to an end from: held, live",
    ),
    "a way back to the beginning": (
        {"rows": (*ROWS[:2], ROWS[2]._replace(dest=S.NEW), ROWS[3])},
        "a row leads back to the initial state",
    ),
    "no end": ({"ends": ()}, "no path to an end from: done, held, live, new"),
}


@pytest.mark.parametrize(("planted", "message"), PLANTED.values(), ids=PLANTED)
def test_planted_fault_is_refused(planted: dict[str, tuple[Row[S, E], ...]], message: str) -> None:
    with pytest.raises(TableFault, match=f"^small: {message}$"):
        table(**planted)  # type: ignore[arg-type]  # each fault plants one of the three arguments
