"""The clock rows are played by, their pacing, and who looks on."""

import time
from collections.abc import Iterator
from decimal import Decimal

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from fsm_ems.brokers.paper.backend_rows import PacedRows, RowStream
from fsm_ems.clock import TrioClock
from fsm_ems.errors import TapeFileError
from fsm_ems.quotes import MarketRow, Row, Trade


def prints(*times: int) -> list[Row]:
    return [Trade(time_ns, Decimal(100), Decimal(1), "", "") for time_ns in times]


def played(paced: PacedRows) -> list[tuple[int, str]]:
    found: list[tuple[int, str]] = []
    while (due := paced.next_ns) is not None:
        market, row = paced.pop()
        assert row.time_ns == due
        found.append((due, market))
    return found


async def test_the_clock_begins_where_told_when_first_read() -> None:
    clock = TrioClock(1_000)
    await trio.sleep(5)
    assert clock() == 1_000

    await trio.sleep(1.5)

    assert clock() == 1_500_001_000


async def test_the_clock_begins_with_wall_time_if_not_told() -> None:
    before = time.time_ns()

    clock = TrioClock()

    assert before <= clock() <= time.time_ns()
    first = clock()
    await trio.sleep(1)
    assert clock() == first + 1_000_000_000


def test_without_a_speed_rows_keep_their_times() -> None:
    paced = PacedRows({"a": prints(5, 9)}, speed=None)
    paced.start(1_000)

    assert played(paced) == [(5, "a"), (9, "a")]


@pytest.mark.parametrize(
    ("speed", "times"),
    [(1, [1000, 1004, 1014]), (2, [1000, 1002, 1007]), (Decimal("0.5"), [1000, 1008, 1028])],
)
def test_with_a_speed_rows_are_moved_onto_the_clock(speed: Decimal | int, times: list[int]) -> None:
    paced = PacedRows({"a": prints(5, 9, 19)}, speed)
    paced.start(1_000)

    assert [due for due, _ in played(paced)] == times


def test_markets_are_merged_by_time() -> None:
    paced = PacedRows({"a": prints(5, 9), "b": prints(1, 5, 7)}, speed=None)
    paced.start(0)

    assert played(paced) == [(1, "b"), (5, "a"), (5, "b"), (7, "b"), (9, "a")]


@pytest.mark.parametrize("feeds", [{}, {"a": prints()}])
def test_a_feed_may_be_empty(feeds: dict[str, list[Row]]) -> None:
    paced = PacedRows(feeds, speed=1)
    assert paced.next_ns is None

    paced.start(0)

    assert paced.next_ns is None
    assert paced.fault is None


def test_rows_before_a_fault_are_played_and_then_the_fault_is_told() -> None:
    def broken() -> Iterator[Row]:
        yield from prints(5)
        raise TapeFileError("tape.csv, line 3", "wrong")

    paced = PacedRows({"a": broken()}, speed=None)
    paced.start(0)
    assert paced.fault is None

    assert played(paced) == [(5, "a")]

    assert str(paced.fault) == "tape.csv, line 3: wrong"


# Looking on.


def stream(size: int = 3) -> RowStream:
    return RowStream(size, lambda leaving: None)


def some(*times: int) -> list[MarketRow]:
    return [MarketRow("a", row) for row in prints(*times)]


async def test_rows_come_in_order_and_end_with_the_feed() -> None:
    rows = stream()
    for row in some(1, 2):
        rows.put(row)
    rows.close()

    assert [row async for row in rows] == some(1, 2)
    assert [row async for row in rows] == []


async def test_a_slow_reader_loses_the_oldest_and_is_told_how_many() -> None:
    rows = stream()
    for row in some(1, 2, 3, 4, 5):
        rows.put(row)

    assert rows.missed == 2
    assert await anext(rows) == some(3)[0]


async def test_a_reader_waits_for_the_next_row() -> None:
    rows, read = stream(), list[MarketRow]()

    async def reader() -> None:
        read.extend([row async for row in rows])

    async with trio.open_nursery() as nursery:
        nursery.start_soon(reader)
        await wait_all_tasks_blocked()
        rows.put(some(1)[0])
        await wait_all_tasks_blocked()
        assert read == []  # the comprehension is not done, though it has the row
        rows.close()

    assert read == some(1)


async def test_reading_can_be_cancelled_without_losing_a_row() -> None:
    rows = stream()
    with trio.move_on_after(1):
        await anext(rows)
    rows.put(some(1)[0])
    with trio.CancelScope() as scope:
        scope.cancel()
        await anext(rows)

    assert await anext(rows) == some(1)[0]


def test_leaving_is_told() -> None:
    left: list[RowStream] = []

    with RowStream(1, left.append) as rows:
        assert left == []

    assert left == [rows]
