"""Positions by hand: what each kind of event does, and what is derived from it."""

from decimal import Decimal

import pytest

from fsm_ems.accounting import position as position_module
from fsm_ems.accounting.clear import Clear, Event, Expiry, Split, Transfer
from fsm_ems.accounting.position import Position
from fsm_ems.market import Market

D = Decimal
AVERAGE = "100." + "3" * 31  # 301 / 3 to 34 digits
MARKET = Market("btcusdt.paper", "btc", "usdt", D("0.01"), D("0.001"))


def clear(at: int, size: str, price: str, fee: str = "0", asset: str | None = None) -> Clear:
    return Clear(at, f"E{at}", D(size), D(price), D(fee), asset)


def held(*events: Event) -> Position:
    position = Position(MARKET, "main")
    for event in events:
        assert position.add(event)
    return position


@pytest.mark.parametrize(
    ("trades", "size", "ppu", "realized", "break_even"),
    [
        # (size price fee) …; ppu' = (ppu·|size| + price·|clear| + s·2·fee) / |size'|
        ("", "0", "0", "0", None),
        ("2 100 1", "2", "101", "0", "100.5"),  # (200 + 2) / 2; (200 + 1) / 2
        ("-2 100 1", "-2", "99", "0", "99.5"),  # (200 - 2) / 2; (200 - 1) / 2
        ("2 100 1, 1 103 0.5", "3", "102", "0", "101.5"),  # (202 + 103 + 1) / 3; (303 + 1.5) / 3
        ("2 100 1, -1 110 1", "1", "101", "10", "92"),  # ppu stays; 200 + 1 - 110 + 1
        ("2 100 1, -2 110 1", "0", "0", "20", None),
        ("2 100 1, -3 110 3", "-1", "108", "20", "109"),  # (110 - 2·3·1/3) / 1; 110 - 1
        ("-2 100 1, 3 90 -3", "1", "88", "20", "89"),  # a rebate, and its third
        ("1 100 0, 1 101 0, 1 100 0", "3", AVERAGE, "0", AVERAGE),
        ("1 1 0, 2 2 0, -1 2 0, 1 3 0", "3", "2." + "1" * 33, "0." + "3" * 34, "2"),
        ("2 100 1, -1 110 1, 1 120 2", "2", "112.5", "10", "107"),  # (101 + 120 + 4) / 2; (214) / 2
    ],
)  # fmt: skip
def test_clears(trades: str, size: str, ppu: str, realized: str, break_even: str | None) -> None:
    rows = [row.split() for row in trades.split(",") if row]
    position = held(*(clear(at, *row) for at, row in enumerate(rows)))

    found = (position.size, str(position.ppu().normalize()), position.realized)
    assert found == (D(size), str(D(ppu).normalize()), D(realized))
    assert position.break_even == (None if break_even is None else D(break_even))


def test_each_side_of_the_accounts_is_kept_exactly() -> None:
    position = held(
        clear(1, "0.5", "39430.05", "0.1"),
        clear(2, "-0.2", "39431", "0.01", "bnb"),
        clear(3, "1", "0.01", "-0.3", "usdt"),
    )

    assert position.size == D("1.3")
    assert position.cash == {"usdt": D("-11828.835")}
    assert position.fees == {"usdt": D("-0.2"), "bnb": D("0.01")}


def test_a_fee_in_another_asset_is_in_no_price() -> None:
    position = held(clear(1, "2", "100", "1", "bnb"))

    assert [position.ppu(), position.break_even] == [100, 100]
    assert position.fees == {"usdt": 0, "bnb": 1}


def test_the_fee_counts_as_often_as_it_is_asked_for() -> None:
    position = held(clear(1, "2", "100", "1"))

    assert [position.ppu(D(0)), position.ppu(D(1)), position.ppu()] == [100, D("100.5"), 101]


def test_unrealized_and_realized_come_to_cash_and_worth() -> None:
    position = held(clear(1, "2", "100", "1"), clear(2, "-1", "110", "1"))

    assert position.unrealized(D(105)) == 5
    assert position.realized + position.unrealized(D(105)) == position.cash["usdt"] + position.size * 105
    assert held(clear(1, "-2", "100")).unrealized(D(90)) == 20


@pytest.mark.parametrize(
    ("before", "moved", "size", "ppu"),
    [
        ("2 100", "3", "5", "100"),
        ("2 100", "-1", "1", "100"),
        ("2 100", "-2", "0", "0"),
        ("2 100", "-3", "-1", "0"),
        ("-2 100", "-1", "-3", "100"),
        ("", "4", "4", "0"),
    ],
)
def test_a_transfer_leaves_the_price_and_wins_nothing(before: str, moved: str, size: str, ppu: str) -> None:
    position = held(*([clear(1, *before.split())] if before else []), Transfer(2, "T", D(moved)))

    assert [position.size, position.ppu(), position.realized] == [D(size), D(ppu), 0]
    assert position.break_even == (D(ppu) if D(size) else None)


def test_a_split_multiplies_the_size_and_divides_the_price() -> None:
    position = held(
        clear(1, "2", "100", "1"), clear(2, "-1", "110", "1"), Split(3, "S", D(4)), clear(4, "-4", "30")
    )

    assert [position.size, position.realized, position.cash["usdt"]] == [0, 30, 30]

    position.remove(clear(4, "-4", "30"))

    assert [position.size, position.ppu(), position.break_even] == [4, D("25.25"), 23]
    position.add(clear(5, "1", "20"))
    assert position.ppu() == D("24.2")  # (4·25.25 + 20) / 5


@pytest.mark.parametrize(("price", "realized"), [("0", "-200"), ("130", "60")])
def test_an_expiry_closes_what_is_held_at_its_price(price: str, realized: str) -> None:
    position = held(clear(1, "2", "100", "1"), Expiry(9, "X", D(price)))
    assert [position.size, position.realized, position.fees["usdt"]] == [0, D(realized), 1]

    position.add(clear(5, "-2", "100", "1"))  # it had been sold in time, and the expiry finds nothing

    assert [position.size, position.realized, position.cash["usdt"]] == [0, 0, 0]


def test_an_id_is_booked_once_and_once_taken_away_never_comes_back() -> None:
    once = clear(1, "2", "100")
    position = held(once)

    assert not position.add(once)
    assert not position.add(Clear(7, "E1", D(5), D(1)))  # the same id under another time
    assert position.known("E1") == clear(1, "2", "100")
    assert not position.remove(clear(3, "1", "100"))  # a bust before its fill
    assert not position.add(clear(3, "1", "100"))
    assert position.remove(clear(1, "2", "100"))
    assert not position.remove(clear(1, "2", "100"))
    assert not position.add(clear(1, "2", "100"))
    assert [position.size, position.events, position.known("E1")] == [0, (), None]


def test_what_was_taken_away_is_remembered_within_bounds() -> None:
    position = Position(MARKET, "main")
    for at in range(10_001):
        position.remove(clear(at, "1", "1"))

    assert position.add(clear(0, "1", "1"))
    assert not position.add(clear(1, "1", "1"))


def test_the_events_since_the_last_flat_begin_with_the_one_that_opened() -> None:
    crossing = clear(3, "-3", "110")
    position = held(clear(1, "1", "100"), clear(2, "1", "100"), crossing)
    assert [position.events, position.standing().part] == [(crossing,), -1]

    position.add(clear(4, "1", "100"))
    assert (position.events, position.standing().part) == ((), None)

    position.add(clear(5, "1", "100"))
    assert (position.events, position.standing().part) == ((clear(5, "1", "100"),), None)


def rounds(count: int, keep: int) -> tuple[Position, list[Clear]]:
    """In and out, *count* times."""
    position = Position(MARKET, "main", keep=keep)
    events = [clear(at, "-1" if at % 2 else "1", str(100 + at % 7), "0.1") for at in range(2 * count)]
    for event in events:
        position.add(event)
    return position, events


def test_memory_holds_a_bounded_number_of_older_events() -> None:
    position, events = rounds(5_000, keep=100)

    assert sum(position.known(event.exec_id) is not None for event in events) <= 100 * 2 + 256
    assert all(position.known(event.exec_id) for event in events[-100:])
    assert [position.size, position.fees["usdt"], position.displaced] == [0, D(1000), 0]
    assert position.realized == sum(-event.size * event.price for event in events)


def test_an_event_older_than_memory_is_booked_exactly_and_counted() -> None:
    position, events = rounds(5_000, keep=100)
    cash = position.cash["usdt"]

    assert position.add(Clear(3, "late", D("0.5"), D(10), D(1)))

    assert (position.size, position.cash["usdt"], position.fees["usdt"]) == (D("0.5"), cash - 5, D(1001))
    assert position.displaced == 1
    assert position.remove(events[0])  # 1 bought at 100
    assert (position.size, position.cash["usdt"], position.fees["usdt"]) == (
        D("-0.5"),
        cash + 95,
        D("1000.9"),
    )
    assert position.displaced == 2
    assert not position.remove(events[0])


def test_an_old_transfer_can_be_taken_away_too() -> None:
    position = Position(MARKET, "main", keep=0)
    brought = Transfer(0, "T", D(2))
    position.add(brought)
    position.add(clear(1, "-2", "10"))
    for at in range(2, 600):
        position.add(clear(at, "-1" if at % 2 else "1", "10"))
    assert position.known("E1") is None  # summed up, with what was before it

    position.remove(brought)

    assert position.size == -2


@pytest.mark.parametrize("told", [Transfer(1, "A", D(2)), Split(1, "A", D(2)), Expiry(1, "A", D(90))])
def test_what_is_no_execution_is_known_again_though_it_is_summed_up(
    monkeypatch: pytest.MonkeyPatch, told: Transfer | Split | Expiry
) -> None:
    """No order knows it: told again, it would move the position twice. The last so many are known."""
    monkeypatch.setattr(position_module, "SUMMED_MAX", 1)
    position = Position(MARKET, "main", keep=0)
    position.add(Transfer(0, "older", D(1)))
    position.add(Transfer(0, "oldest", D(-1)))
    position.add(told)
    position.add(Clear(2, "B", -position.size or D(1), D(90)))
    for at in range(3, 600):
        position.add(clear(at, "-1" if at % 2 else "1", "10"))
    size = position.size

    assert position.has(told)
    assert not position.add(told)
    assert not position.twin().add(told)
    assert (position.size, position.displaced) == (size, 0)
    assert not position.has(Transfer(0, "older", D(1)))


def test_an_event_before_a_base_with_nothing_after_it_is_counted() -> None:
    position = Position(MARKET, "main", keep=0)
    for at in range(64):
        position.add(clear(at, "-1" if at % 2 else "1", "10"))
    assert (position.known("E63"), position.events) == (None, ())

    assert position.add(Clear(3, "late", D(2), D(10)))

    assert (position.size, position.displaced) == (D(2), 1)


def test_a_base_never_moves_back_to_what_came_too_late_for_it() -> None:
    """Else an execution between the two is in no sum's memory, and its bust moves nothing."""
    position = Position(MARKET, "main", keep=1)
    told = [clear(at, "-1" if at % 2 else "1", "10") for at in range(1000, 1200)]
    for event in told:
        position.add(event)
    base = position.newest

    for at in range(200):
        position.add(clear(at, "-1" if at % 2 else "1", "10"))

    assert position.displaced == 200
    assert position.newest == base
    assert position.known(told[50].exec_id) is None
    assert position.remove(told[50])
    assert (position.size, position.displaced) == (D(-1), 201)


def test_of_two_events_with_one_id_and_time_the_right_one_is_taken_away() -> None:
    """A transfer may have a fill's id and time, and stands before it."""
    position = Position(MARKET, "main")
    fill = Clear(1, "x", Decimal(2), Decimal(10), Decimal(0), None)
    position.add(Transfer(1, "x", Decimal(5)))
    position.add(fill)

    assert position.remove(fill)

    assert position.size == 5


def test_the_digits_of_splits_count_before_the_point_and_after_it() -> None:
    """A split of 1,000 grows sizes by four digits at the most, whichever way it goes."""
    grown = held(*(Split(at, f"S{at}", D(1000)) for at in range(449)))
    shrunk = held(*(Split(at, f"S{at}", D("0.001")) for at in range(599)))

    assert grown.can_split(D(1000))
    assert not grown.can_split(D(10000))
    assert shrunk.can_split(D("0.001"))
    assert not shrunk.can_split(D("0.0001"))
