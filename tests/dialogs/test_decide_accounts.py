"""What a broker tells of an account: transfers, splits, expiries, and sizes that are not ours."""

from decimal import Decimal

import pytest

from fsm_ems.accounting.clear import Split
from fsm_ems.accounting.fold import EXACT
from fsm_ems.accounting.position import Position
from fsm_ems.dialogs.outward import status_of
from fsm_ems.dialogs.record import Booked, Notice
from fsm_ems.market import Market
from fsm_ems.messages import parse_report
from tests.dialogs.desk import MARKET, Desk, of_kind


def holds(desk: Desk, market: str = MARKET) -> Decimal:
    return desk.book.positions["main"][market].size


def bought(desk: Desk, time_ns: int = 0) -> None:
    """An order that bought 4 of 10, with the execution 1001."""
    desk.order()
    desk.ack()
    desk.fill("4", exec_id="1001", time_ns=time_ns)


TOLD = [("transfer", {"size": "-1"}, "3"), ("split", {"ratio": "3"}, "12"), ("expiry", {"price": "90"}, "0")]


@pytest.mark.parametrize(("name", "fields", "left"), TOLD)
def test_what_is_told_of_an_account_moves_its_position_once(
    desk: Desk, name: str, fields: dict[str, str], left: str
) -> None:
    bought(desk)

    first = desk.report(name, market=MARKET, exec_id="A1", **fields)
    again = desk.report(name, market=MARKET, exec_id="A1", **fields)

    assert holds(desk) == Decimal(left)
    assert [status_of(notice).event for notice in of_kind(first, Notice)] == [name]
    assert len([effect for effect in first if isinstance(effect, Booked)]) == 1
    assert again == []
    assert desk.stands() == "open 4/10"


@pytest.mark.parametrize(("name", "fields", "left"), TOLD)
def test_an_id_that_an_execution_has_as_well_is_no_reason_to_leave_either_out(
    desk: Desk, name: str, fields: dict[str, str], left: str
) -> None:
    """Venues count trades and transfers apart. At one time, too, a bust takes back the execution alone."""
    time_ns = desk.now
    bought(desk, time_ns=time_ns)

    told = desk.report(name, market=MARKET, exec_id="1001", time_ns=time_ns, **fields)
    assert len([effect for effect in told if isinstance(effect, Booked)]) == 1
    assert holds(desk) == Decimal(left)
    desk.report("bust", reqid=desk.dialog().reqid, exec_id="B", ref_id="1001")

    assert holds(desk) == (Decimal(-1) if name == "transfer" else 0)
    assert desk.stands() == "open 0/10"


@pytest.mark.parametrize(
    ("name", "fields"), [*((name, fields) for name, fields, _ in TOLD), ("position", {"size": "1"})]
)
def test_a_broker_can_tell_of_its_own_markets_only(desk: Desk, name: str, fields: dict[str, str]) -> None:
    """What it tells of another's is alarmed and moves nothing there."""
    bought(desk)
    named = {} if name == "position" else {"exec_id": "A1"}
    report = parse_report({"name": f"brokerd_{name}", "market": MARKET, **named, **fields})

    effects = desk.ems.report("elsewhere", report, desk.now)

    alarm = "elsewhere tells of xbtusd.paper, which is no market of its own"
    assert [status_of(notice).alarm for notice in of_kind(effects, Notice)] == [alarm]
    assert holds(desk) == 4
    assert desk.book.differing == {}


def test_an_orphan_fill_moves_no_market_of_another_broker(desk: Desk) -> None:
    told = {"market": MARKET, "side": "buy", "size": "5"}
    fill = parse_report(
        {"name": "brokerd_fill", "exec_id": "X1", "size": "2", "price": "100", "details": told}
    )

    effects = desk.ems.report("elsewhere", fill, desk.now)

    assert [status_of(notice).event for notice in of_kind(effects, Notice)] == ["orphan"]
    assert desk.book.positions == {}


def test_a_fill_is_booked_though_a_transfer_came_with_its_id(desk: Desk) -> None:
    desk.report("transfer", market=MARKET, exec_id="1001", size="5")

    bought(desk)

    assert holds(desk) == 9


@pytest.mark.parametrize(
    ("name", "fields", "size", "cash"),
    [("bust", {}, -4, 400), ("correction", {"size": "3", "price": "99"}, -1, 103)],
)
def test_an_execution_that_the_position_has_summed_up_is_amended_too(
    desk: Desk, name: str, fields: dict[str, str], size: int, cash: int
) -> None:
    """Its position has let the event go; the order has not."""
    bought(desk, time_ns=1)
    desk.order("back", side="sell")
    desk.ack("back")
    desk.fill("4", "back", exec_id="1002", time_ns=2)
    for oid, side in (("in", "buy"), ("out", "sell")):
        desk.order(oid, side=side, size="9999")
        desk.ack(oid)
    for at in range(3, 1_400):
        desk.fill("1", "in", exec_id=f"I{at}", time_ns=2 * at)
        desk.fill("1", "out", exec_id=f"O{at}", time_ns=2 * at + 1)
    position = desk.book.positions["main"][MARKET]
    assert [position.size, position.known("1001")] == [0, None]

    effects = desk.report(name, reqid=desk.dialog().reqid, exec_id="B", ref_id="1001", **fields)

    entries = [effect.entry for effect in effects if isinstance(effect, Booked)]
    assert [position.size, position.cash["usd"]] == [size, cash]
    assert [(entry.event.exec_id, entry.reverses) for entry in entries][:1] == [("1001", True)]


@pytest.mark.parametrize(("side", "sign"), [("buy", 1), ("sell", -1)])
def test_an_execution_of_no_order_moves_the_account_as_far_as_its_market_is_told(
    desk: Desk, side: str, sign: int
) -> None:
    """Corrected it keeps its side, and busted it is gone."""
    told = {"market": MARKET, "side": side, "size": "5"}

    desk.report("fill", exec_id="X1", size="2", price="100", details=told)
    assert holds(desk) == 2 * sign
    desk.report("correction", exec_id="X2", ref_id="X1", size="3", price="100")
    assert holds(desk) == 3 * sign
    desk.report("bust", exec_id="X3", ref_id="X2")
    assert holds(desk) == 0


def test_a_size_that_is_not_ours_is_told_once_and_when_it_agrees_again(desk: Desk) -> None:
    """Another one is told again; nothing moves."""
    bought(desk)
    told = [
        [(status_of(notice).event, status_of(notice).alarm is None) for notice in of_kind(effects, Notice)]
        for effects in (
            desk.report("position", market=MARKET, size=size) for size in ("4", "5", "5", "6", "4", "4")
        )
    ]

    assert told == [
        [], [("position_differs", False)], [], [("position_differs", False)], [("position_agrees", True)], [],
    ]  # fmt: skip  # in the order of the sizes
    assert holds(desk) == 4


DETAILS = {"market": MARKET, "side": "buy", "size": "10", "price": "99"}
LONG = "1234567890123456.123456789012345678"


def test_splits_beyond_what_exact_sums_have_room_for_are_alarmed_and_not_booked(desk: Desk) -> None:
    """Whatever follows still has room: fills, an expiry, and what the position tells."""
    bought(desk)
    for number in range(200):
        desk.report("split", market=MARKET, exec_id=f"A{number}", ratio=LONG, time_ns=desk.now + number)
    after = Decimal(4)
    for _ in range(52):
        after = EXACT.multiply(after, Decimal(LONG))
    assert holds(desk) == after
    refused = [record.alarm for record in desk.log if record.alarm]
    assert len(refused) == 148
    assert set(refused) == {
        f"a split of {MARKET} too many: main's numbers would grow without end; it is not booked"
    }

    desk.fill("6", exec_id="1002", price="99.5", fee="0.1")
    late = {"reqid": "strange", "size": "3", "price": "9999999999999999.1", "time_ns": desk.now + 20}
    desk.report("fill", exec_id="X1", details=DETAILS, **late)
    desk.report("bust", reqid=desk.dialog().reqid, exec_id="B", ref_id="1001")

    position = desk.book.positions["main"][MARKET]
    assert position.break_even is not None
    assert position.unrealized(Decimal(LONG)) > 0
    desk.report("expiry", market=MARKET, exec_id="E", price=LONG, time_ns=desk.now + 1_000)
    assert holds(desk) == 0


@pytest.mark.no_cover
@pytest.mark.parametrize(("ratio", "taken"), [("2", 1_800), ("0.25", 900), ("1E+17", 100), ("1E-18", 100)])
def test_how_many_splits_there_is_room_for_depends_on_their_digits(ratio: str, taken: int) -> None:
    """Digits before the point and after it count, for a sum of sizes has both."""
    position = Position(Market(MARKET, "xbt", "usd", Decimal(1), Decimal(1)), "main")
    number = 0
    while position.can_split(Decimal(ratio)):
        assert position.add(Split(number, str(number), Decimal(ratio)))
        number += 1

    assert number == taken
