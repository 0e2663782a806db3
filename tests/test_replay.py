"""Replay: what comes first at one time, what latency does, where a run ends, and that it can be repeated."""

from decimal import Decimal

import pytest

from fsm_ems.brokers.paper.engine import PaperEngine
from fsm_ems.dialogs.record import Notice, Record
from fsm_ems.dialogs.settings import SECOND_NS, Limits, Settings
from fsm_ems.dialogs.snapshot import facts
from fsm_ems.errors import Refused
from fsm_ems.journal.replay import replay as fold
from fsm_ems.market import Market
from fsm_ems.message_fields import TAPE_END_NS
from fsm_ems.orders_file import TimedCommand, parse_orders
from fsm_ems.quotes import Quote, Row, Trade
from fsm_ems.replay import SETTLE_NS, Replay

MARKET = Market("xbtusd.paper", "xbt", "usd", price_tick=Decimal("0.5"), size_tick=Decimal("0.1"))


def quote(at: int, bid: str, ask: str, size: str = "5") -> Quote:
    return Quote(at, Decimal(bid), Decimal(size), Decimal(ask), Decimal(size))


def trade(at: int, price: str, size: str = "1") -> Trade:
    return Trade(at, Decimal(price), Decimal(size), "", "1")


class Run:
    """One replay, its records kept."""

    def __init__(
        self,
        rows: list[Row],
        orders: str | list[TimedCommand],
        *,
        latency_ns: int = 0,
        settings: Settings | None = None,
    ) -> None:
        commands = parse_orders(orders, "orders", MARKET.fqme) if isinstance(orders, str) else orders
        engine = PaperEngine({MARKET.fqme: MARKET}, latency_ns=latency_ns)
        self.records: list[Record] = []
        times = [row.time_ns for row in rows] + [timed.at_ns for timed in commands]
        self.replay = Replay(MARKET, engine, self.records.append, start_ns=min(times), settings=settings)
        self.outcomes = list(self.replay.run(rows, commands))

    @property
    def told(self) -> list[str]:
        """Each status as ``time oid event state filled``; each refusal as ``oid code``."""
        return [
            f"{found.oid} {found.code}" if isinstance(found, Refused) else told(found)
            for found in self.outcomes
        ]


def told(notice: Notice) -> str:
    record = notice.record
    return f"{record.time_ns} {record.oid} {record.event} {notice.state} {notice.filled}"


def order(oid: str, at: int, *, price: str | None = "100", size: str = "1", more: str = "") -> str:
    limit = 'type = "market"' if price is None else f'price = "{price}"'
    return f'[[order]]\nat = {at}\noid = "{oid}"\nside = "buy"\nsize = "{size}"\n{limit}\n{more}\n'


def cancel(oid: str, at: int) -> str:
    return f'[[cancel]]\nat = {at}\noid = "{oid}"\n'


def test_an_order_takes_from_the_rows_of_its_own_time() -> None:
    """Rows of a time come first, all of them; a command of that time has seen them."""
    run = Run([quote(5, "98", "99"), quote(5, "99", "100")], order("a", 5))

    assert run.told == [
        "5 a submit pending 0",
        "5 a ack acked 0",
        "5 a fill_complete filled 1",
    ]


def test_commands_before_the_first_row_and_after_the_last_are_given_at_their_time() -> None:
    run = Run([quote(5, "98", "99")], order("early", 1, price="97") + order("late", 9) + cancel("early", 12))

    assert run.told == [
        "1 early submit pending 0",
        "1 early ack acked 0",
        "1 early opened open 0",
        "9 late submit pending 0",
        "9 late ack acked 0",
        "9 late fill_complete filled 1",
        "12 early cancel cancelling 0",
        "12 early cancelled cancelled 0",
    ]


def test_a_request_that_arrives_with_a_row_comes_after_it() -> None:
    run = Run([quote(1, "98", "102"), quote(6, "98", "100")], order("a", 3), latency_ns=3)

    assert run.told == [
        "3 a submit pending 0",
        "6 a ack acked 0",
        "6 a fill_complete filled 1",
    ]


def test_an_expiry_comes_before_the_rows_of_its_time() -> None:
    run = Run(
        [quote(1, "98", "102"), quote(6, "98", "100")], order("a", 3, more='tif = "gtd"\nexpire_ns = 6')
    )

    assert run.told[-1] == "6 a expired expired 0"


def test_what_happens_between_two_rows_happens_at_its_own_time() -> None:
    """Expiry at 4, arrival at 5, in a gap of the tape."""
    orders = order("a", 1, price="97", more='tif = "gtd"\nexpire_ns = 4') + order("b", 3, price="97")

    run = Run([quote(0, "98", "102"), quote(100, "98", "102")], orders, latency_ns=2)

    assert run.told == [
        "1 a submit pending 0",
        "3 a ack acked 0",
        "3 a opened open 0",
        "3 b submit pending 0",
        "4 a expired expired 0",
        "5 b ack acked 0",
        "5 b opened open 0",
    ]


def test_a_cancel_before_the_ack_is_stashed_and_both_arrive_after_the_last_row() -> None:
    run = Run([quote(1, "98", "102")], order("a", 1) + cancel("a", 2), latency_ns=10)

    assert run.told == [
        "1 a submit pending 0",
        "2 a cancel cancel_stashed 0",
        "11 a ack cancelling 0",
        "11 a opened cancelling 0",
        "21 a cancelled cancelled 0",
    ]


def test_a_refused_command_is_told_and_changes_nothing() -> None:
    run = Run([quote(1, "98", "99")], order("a", 1) + cancel("a", 2) + cancel("nobody", 3))

    assert run.told[-2:] == ["a order_ended", "nobody unknown_order"]


@pytest.mark.parametrize(
    ("rows", "value", "told"),
    [
        ([quote(1, "98", "99")], "98.5", "2 a submit pending 0"),  # before the first print, what is shown
        ([quote(1, "98", "99")], "98", "a max_value"),
        ([quote(1, "98", "0")], "98", "a no_reference"),
        ([quote(1, "98", "99"), trade(1, "105")], "104", "a max_value"),
        ([trade(1, "105"), quote(1, "98", "99")], "105", "2 a submit pending 0"),
        ([quote(1, "0", "0")], "105", "a no_reference"),
    ],
)
def test_a_market_order_is_valued_at_the_last_known_price(rows: list[Row], value: str, told: str) -> None:
    settings = Settings(limits={"*": Limits(max_value=Decimal(value))})

    run = Run(rows, order("a", 2, price=None), settings=settings)

    assert run.told[0] == told


def test_a_venue_too_slow_for_its_deadlines_does_not_keep_the_run_going() -> None:
    """A cancel that comes too late is sent again and again; the run ends all the same."""
    run = Run([quote(1, "98", "102")], order("a", 1))
    run.replay.engine.latency_ns = 60 * SECOND_NS  # from here on

    outcomes = list(run.replay.run([], parse_orders(order("b", 5) + cancel("a", 2), "o", MARKET.fqme)))

    last = outcomes[-1]
    assert isinstance(last, Notice)
    assert last.record.time_ns <= 5 + SETTLE_NS
    assert run.replay.engine.in_flight > 0


@pytest.mark.parametrize(("longer", "arrives"), [(0, True), (1, False)])
def test_what_arrives_just_as_the_run_ends_is_part_of_it(longer: int, *, arrives: bool) -> None:
    run = Run([quote(1, "98", "102")], order("a", 1), latency_ns=SETTLE_NS + longer)

    assert (run.replay.engine.orders.named("replay-7") is not None) is arrives


def test_the_last_time_of_a_tape_leaves_room_for_what_follows() -> None:
    """Deadlines, questions and the settling lie after it, and are times that a message can carry."""
    last = TAPE_END_NS - 1
    orders = order("a", last, more=f'tif = "gtd"\nexpire_ns = {2**63 - 1}') + order("b", last)

    run = Run([quote(last, "98", "102")], orders, latency_ns=SECOND_NS)

    assert [told.split()[1:] for told in run.told[-4:]] == [
        ["a", "ack", "acked", "0"],
        ["a", "opened", "open", "0"],
        ["b", "ack", "acked", "0"],
        ["b", "opened", "open", "0"],
    ]


def test_the_same_tape_and_orders_make_the_same_records_and_these_make_the_same_book() -> None:
    rows: list[Row] = [quote(1, "98", "99"), trade(3, "97.5", "0.3"), quote(6, "96", "97"), trade(9, "96")]
    orders = order("a", 1, price="98", size="2") + order("b", 2) + cancel("a", 7) + order("c", 8, price="97")

    first, second = (Run(rows, orders, latency_ns=1) for _ in range(2))

    assert first.records == second.records
    assert facts(fold(first.records)) == facts(first.replay.dispatcher.book)
    assert first.replay.rows == 4


def test_a_dark_order_waits_for_the_tape_and_goes_out_by_the_rows_own_time() -> None:
    """It is met by a row, leaves with it, and takes from the book that this row shows."""
    dark = order("d", 5, more='mode = "dark"\ndirection = "at_or_below"')
    run = Run([quote(10, "101", "102"), quote(20, "99", "100"), quote(30, "99", "100")], dark)

    assert run.told[:2] == ["5 d submit_dark dark_open 0", "20 d trigger dark_triggered 0"]
    assert run.told[-1] == "20 d fill_complete filled 1"


def test_without_a_row_commands_are_given_and_nothing_trades() -> None:
    run = Run([], order("a", 10) + cancel("a", 20))

    assert run.replay.rows == 0
    assert run.told[0] == "10 a submit pending 0"
    assert run.told[-1] == "20 a cancelled cancelled 0"
