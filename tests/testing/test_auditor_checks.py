"""Each check of the second mind can fail: what it forbids is put before it, and it names the promise.

The planted bugs break promises on real paths, and no bug breaks every promise. Here each check is told of
the one thing that it is there for.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from fsm_ems.dialogs.book import Book, Waiting
from fsm_ems.dialogs.dispatcher import Dispatcher
from fsm_ems.dialogs.facts import Dialog, body_of
from fsm_ems.dialogs.record import (
    Adopted,
    EditSent,
    Notice,
    Orphaned,
    Record,
    Reported,
    SendAbout,
    SendOrder,
    Timed,
)
from fsm_ems.dialogs.settings import Settings
from fsm_ems.machines.order import OrderState
from fsm_ems.market import Market
from fsm_ems.messages import (
    BrokerdFill,
    BrokerdOrderAck,
    BrokerdRefused,
    BrokerdReplaced,
    BrokerdStatus,
    Cancel,
    Order,
)
from fsm_ems.quotes import Quote
from fsm_ems.testing import audit_book, audit_rules
from fsm_ems.testing.audit_dark import Rules
from fsm_ems.testing.audited import AuditedOrder
from fsm_ems.testing.audited_parts import AuditedEdit
from fsm_ems.testing.auditor import Auditor
from fsm_ems.testing.auditor_fold import edit_sent, fold
from fsm_ems.testing.breach import Breach
from fsm_ems.testing.inputs import Commanded, Heard, Input, LinkMoved, Outcome, Quoted, TimePassed, put

BROKER = "paper"
MARKET = "xbtusd.paper"
ORDER = Order(oid="o", side="buy", market=MARKET, size=Decimal(2), price=Decimal(100))
CANCEL = Commanded("alice", Cancel(oid="o"))
FILL = BrokerdFill(reqid=1, exec_id="F", size=Decimal(1), price=Decimal(100))
ACK = BrokerdOrderAck(reqid=1, venue_id="V")
NOW = 50


def an_order(state: str = "open", **facts: Any) -> AuditedOrder:  # noqa: ANN401  # whatever a slot holds
    """Alice's order, sent and acknowledged, in *state*."""
    order = AuditedOrder("alice", "o", BROKER, Decimal(2), Decimal(100))
    order.state, order.sends, order.reqid, order.arrived = state, 1, 1, True
    for name, fact in facts.items():
        setattr(order, name, fact)
    return order


def an_edit(**facts: Any) -> AuditedEdit:  # noqa: ANN401  # as above
    edit = AuditedEdit("e", Decimal(3), None, increase=False)
    for name, fact in facts.items():
        setattr(edit, name, fact)
    return edit


def about(verb: Any = "cancel", **fields: Any) -> SendAbout:  # noqa: ANN401  # as above
    given: dict[str, Any] = {
        "broker": BROKER, "verb": verb, "reqid": 7, "account": "main", "target": 1, "venue_id": "V",
        "size": None, "price": None, "time_ns": 0, "deadline_ns": 60,
    }  # fmt: skip  # the fields of a send
    return SendAbout(**given | fields)


def a_send(**fields: Any) -> SendOrder:  # noqa: ANN401  # as above
    given: dict[str, Any] = {
        "broker": BROKER, "reqid": 1, "account": "main", "market": MARKET, "side": "buy", "size": Decimal(2),
        "price": Decimal(100), "type": "limit", "tif": "gtc", "expire_ns": None, "post_only": False,
        "time_ns": 0, "deadline_ns": 60,
    }  # fmt: skip  # as above
    return SendOrder(**given | fields)


def status(name: Any) -> BrokerdStatus:  # noqa: ANN401  # one of many literals
    return BrokerdStatus(reqid=1, status=name)


def refusal(request: Any) -> BrokerdRefused:  # noqa: ANN401  # one of three literals
    return BrokerdRefused(reqid=1, request=request)


MOVES: list[tuple[AuditedOrder, str, Any, str]] = [
    # the order, where it went, why, and what is said
    (an_order("cancelled"), "open", ACK, "P7: alice's o (cancelled): an end was left for open"),
    (an_order("rejected"), "open", FILL, "P7: alice's o (rejected): an end was left for open"),
    (an_order("rejected"), "cancelled", ACK, "P7: alice's o (rejected): an end was left for cancelled"),
    (an_order("filled"), "open", ACK, "P7: alice's o (filled): filled was left for open by BrokerdOrderAck"),
    (an_order("filled"), "editing", CANCEL, "P7: alice's o (filled): filled was left for editing by"),
    (an_order("filled", over=True), "open", FILL, "P7: alice's o (filled): it was reopened to open, and"),
    (an_order("open"), "pending", ACK, "P7: alice's o (open): it went back to pending"),
    (an_order("open"), "cancel_stashed", CANCEL, "P7: alice's o (open): it went back to cancel_stashed"),
    (an_order("unknown"), "open", TimePassed(), "unknown: alice's o (unknown): TimePassed is no evidence"),
    (an_order("unknown"), "open", refusal("cancel"), "unknown: alice's o (unknown): BrokerdRefused is no"),
    (an_order("unknown"), "rejected", refusal("submit"), "unknown: alice's o (unknown): BrokerdRefused is"),
    (an_order("open"), "unknown", CANCEL, "unknown: alice's o (open): Commanded does not make it doubtful"),
    (an_order("open"), "unknown", TimePassed(), "unknown: alice's o (open): no deadline had passed"),
    (an_order("open"), "cancelled", status("open"), "P7: alice's o (open): BrokerdStatus does not make it"),
    (an_order("open"), "rejected", refusal("submit"), "P7: alice's o (open): BrokerdRefused does not make"),
    (an_order("open"), "cancelled", CANCEL, "P7: alice's o (open): Commanded does not make it cancelled"),
    (an_order("open"), "expired", TimePassed(), "P7: alice's o (open): TimePassed does not make it expired"),
    (an_order("open"), "rejected", LinkMoved(BROKER, "synced"), "P7: alice's o (open): LinkMoved does not"),
    (an_order("open"), "cancelled", FILL, "P7: alice's o (open): BrokerdFill does not make it cancelled"),
]


@pytest.mark.parametrize(("order", "after", "cause", "said"), MOVES)
def test_a_move_that_nothing_led_to_is_noticed(
    order: AuditedOrder,
    after: str,
    cause: Any,  # noqa: ANN401  # an input or a report
    said: str,
) -> None:
    with pytest.raises(Breach) as caught:
        audit_rules.check_move(order, after, cause, NOW)

    assert str(caught.value).startswith(said)


def order_sent(order: AuditedOrder, send: SendOrder, *, link_up: bool = True) -> Callable[[], None]:
    return lambda: audit_rules.check_order_send(order, send, link_up=link_up)


def about_sent(order: AuditedOrder, send: SendAbout, *, link_open: bool = True) -> Callable[[], None]:
    return lambda: audit_rules.check_about_send(order, send, link_open=link_open)


def stands(order: AuditedOrder, *, link: str = "synced", ticked: bool = False) -> Callable[[], None]:
    return lambda: audit_rules.check_standing(
        order, NOW, link_open=link != "lost", link_up=link == "synced", ticked=ticked
    )


def withheld(order: AuditedOrder, payload: EditSent | Timed, state: OrderState) -> Callable[[], None]:
    return lambda: audit_rules.check_withheld(order, notice(payload, state), LinkMoved(BROKER, "synced"))


def notice(payload: Any, state: OrderState, **fields: Any) -> Notice:  # noqa: ANN401  # any payload and field
    record = Record(
        1, NOW, fields.pop("owner", "alice"), "o", None, None, payload, alarm=fields.pop("alarm", None)
    )
    given: dict[str, Any] = {
        "identity": "alice", "seq": 1, "record": record, "source": state, "state": state, "size": Decimal(2),
        "price": Decimal(100), "filled": Decimal(0), "booked": Decimal(0), "notional": Decimal(0), "flags": 0,
        "end": None, "pending": None, "venue_id": None,
    }  # fmt: skip  # the fields of a notice
    return Notice(**given | fields)


NEW = {"sends": 0, "arrived": False, "reqid": None}
CHECKS: dict[str, Callable[[], None]] = {
    "P1: alice's o (open): it was sent twice": order_sent(an_order(), a_send()),
    "P9: alice's o (alert_open): it was sent and must not be": order_sent(
        an_order("alert_open", **NEW, alert=True), a_send()
    ),
    "P9: alice's o (dark_open): it was sent and must not be": order_sent(
        an_order("dark_open", **NEW, dark=True), a_send()
    ),
    "P9: alice's o (pending): it was sent while the link": order_sent(
        an_order("pending", **NEW), a_send(), link_up=False
    ),
    "P9: alice's o (pending): sent as 3 at 100, not 2 at 100": order_sent(
        an_order("pending", **NEW), a_send(size=Decimal(3))
    ),
    "P9: alice's o (open): a cancel left while the link was down": about_sent(
        an_order(wish=True), about(), link_open=False
    ),
    "P9: alice's o (cancelled): a cancel about an order that the venue": about_sent(
        an_order("cancelled", wish=True), about()
    ),
    "P9: alice's o (open): a cancel names 2, and 1 is in force": about_sent(
        an_order(wish=True), about(target=2)
    ),
    "P9: alice's o (open): the venue was asked without need": about_sent(an_order(), about("query")),
    "P9: alice's o (pending): a cancel left before the order was ack": about_sent(
        an_order("pending", arrived=False, wish=True), about()
    ),
    "P5: alice's o (open): a cancel left that nobody wants": about_sent(an_order(), about()),
    "P5: alice's o (open): the same cancel left under another id": about_sent(
        an_order(wish=True, cancel_id=6), about()
    ),
    "P9: alice's o (open): an edit left while a cancel is open": about_sent(
        an_order(wish=True), about("edit")
    ),
    "P9: alice's o (editing): an edit left while another is out": about_sent(
        an_order("editing", edits=(an_edit(out=True),)), about("edit")
    ),
    "P9: alice's o (open): an edit left that nobody asked for": lambda: edit_sent(an_order(), about("edit")),
    "P9: alice's o (open): edit e left as 4 at 100": lambda: edit_sent(
        an_order(edits=(an_edit(),)), about("edit", size=Decimal(4), price=Decimal(100))
    ),
    "P7: alice's o (editing): its facts make it acked or open": stands(an_order("editing")),
    "P5: alice's o (open): the cancel that is wanted has not left": stands(an_order(wish=True)),
    "P9: alice's o (open): nothing holds edit e back, and it has": stands(an_order(edits=(an_edit(),))),
    "P9: alice's o (pending): nothing holds it back, and it has": stands(an_order("pending", **NEW)),
    "unknown: alice's o (open): the link is lost, and it is taken": stands(an_order(), link="lost"),
    "unknown: alice's o (pending): a deadline passed, and it is taken": stands(
        an_order("pending", arrived=False, sent_due_ns=NOW), ticked=True
    ),
    "P5: alice's o (unknown): a cancel without an answer is not sent": stands(
        an_order("unknown", wish=True, cancel_due_ns=NOW, cancel_again_ns=NOW), ticked=True
    ),
    "P12: alice's o (open): an edit was held back that nobody waited": withheld(
        an_order(), EditSent(7, 0), OrderState.OPEN
    ),
    "P12: alice's o (open): it was held back, and nobody was told why": withheld(
        an_order(edits=(an_edit(),)), EditSent(7, 0), OrderState.OPEN
    ),
    "P12: alice's o (pending): it was held back, and nobody was told": withheld(
        an_order("pending", **NEW), Timed(0), OrderState.REJECTED
    ),
}


@pytest.mark.parametrize(("said", "check"), CHECKS.items())
def test_a_send_or_a_standing_that_must_not_be_is_noticed(said: str, check: Callable[[], None]) -> None:
    with pytest.raises(Breach) as caught:
        check()

    assert str(caught.value).startswith(said)


# The book.


def a_dialog(state: OrderState = OrderState.OPEN, **facts: Any) -> Dialog:  # noqa: ANN401  # as above
    dialog = Dialog("alice", "o", body_of(ORDER), state=state)
    for name, fact in facts.items():
        setattr(dialog, name, fact)
    return dialog


BOOKS: dict[str, tuple[AuditedOrder, Dialog]] = {
    "P7: alice's o (acked): the book has it in open, and nobody": (an_order("acked"), a_dialog()),
    "P3: alice's o (open): executions [] are booked, not ['F']": (
        an_order(live={"F": Decimal(1)}), a_dialog(),
    ),
    "P3: alice's o (open): 1 is filled, not 0": (an_order(), a_dialog(stated=Decimal(1))),
    "terms: alice's o (open): 3 at 100, not 2 at 100": (an_order(), a_dialog(size=Decimal(3))),
    "P5: alice's o (open): a cancel is forgotten": (an_order(wish=True), a_dialog()),
}  # fmt: skip  # two minds on a line


@pytest.mark.parametrize(("said", "both"), BOOKS.items())
def test_a_book_that_says_otherwise_is_noticed(said: str, both: tuple[AuditedOrder, Dialog]) -> None:
    with pytest.raises(Breach) as caught:
        audit_book.compare_order(*both)

    assert str(caught.value).startswith(said)


def test_an_order_that_left_memory_before_its_end_is_noticed() -> None:
    auditor = Auditor()
    auditor.orders["alice", "o"] = an_order()

    with pytest.raises(Breach, match=r"P2: .* it is forgotten, and it has not ended"):
        auditor.compare(Book())

    auditor.orders["alice", "o"] = an_order("cancelled")
    auditor.compare(Book())


@pytest.mark.parametrize(
    ("loose", "alarmed", "said"),
    [
        ((), ((BROKER, "main", "F"),), "booked on an order and on the account"),
        (((BROKER, "main", "F"),), (), "belong to nobody, and nobody was told"),
        (
            ((BROKER, "main", "F"), (BROKER, "main", "G")),
            ((BROKER, "main", "F"),),
            "'G'.* are booked nowhere",
        ),
    ],
)
def test_an_execution_of_no_order_that_is_lost_silent_or_twice_is_noticed(
    loose: tuple[Any, ...], alarmed: tuple[Any, ...], said: str
) -> None:
    book = Book()
    book.orphans[1] = Waiting(BROKER, FILL, 0)

    with pytest.raises(Breach, match=said):
        audit_book.compare_loose(book, 1, frozenset(loose), frozenset(alarmed))


def test_more_waiting_reports_than_may_wait_are_noticed() -> None:
    book = Book()
    book.parked[1] = book.parked[2] = Waiting(BROKER, ACK, 0)

    audit_book.compare_loose(book, 2, frozenset(), frozenset())
    with pytest.raises(Breach, match="P11"):
        audit_book.compare_loose(book, 1, frozenset(), frozenset())


# Inputs and what was told.


def an_auditor(**orders: AuditedOrder) -> Auditor:
    auditor = Auditor()
    auditor.grant("alice", "trader")
    auditor.grant("eve", "observer")
    auditor.links[BROKER] = "synced"
    auditor.orders = {("alice", oid): order for oid, order in orders.items()}
    return auditor


PAYLOAD = Reported(BROKER, ACK, 0, 0)
TOLD: list[tuple[Auditor, Input, Outcome, str]] = [
    (an_auditor(), CANCEL, Outcome((about(),), "conflict"), "P6: .*was refused or known, and led to"),
    (an_auditor(), CANCEL, Outcome((), again=True), "P6: .*was known before, and it was not"),
    (an_auditor(o=an_order()), CANCEL, Outcome((), "conflict"), "P5: .*a cancel was refused: conflict"),
    (an_auditor(), Commanded("eve", ORDER), Outcome(()), "P6: eve may not act, and"),
    (an_auditor(o=an_order()), Commanded("alice", ORDER), Outcome(()), "P1: .*it was taken a second time"),
    (an_auditor(), CANCEL, Outcome(()), "P6: alice has no order o, and"),
    (an_auditor(), TimePassed(), Outcome((about(),)), "P9: a SendAbout left, and nobody was told"),
    (
        an_auditor(),
        TimePassed(),
        Outcome((notice(PAYLOAD, OrderState.OPEN),)),
        "P6: alice is told of o, an order that never was",
    ),
    (
        an_auditor(o=an_order()),
        TimePassed(),
        Outcome((notice(PAYLOAD, OrderState.OPEN, identity="eve"),)),
        "P6: eve was told of alice's o",
    ),
    (
        an_auditor(o=an_order()),
        TimePassed(),
        Outcome((notice(PAYLOAD, OrderState.OPEN, seq=2),)),
        "P8: alice was told 2 after 0",
    ),
    (
        an_auditor(),
        TimePassed(),
        Outcome((notice(Orphaned(BROKER, FILL, 0), OrderState.NEW),)),
        "P6: alice was told of brokerd_fill, which belongs to nobody",
    ),
    (
        an_auditor(o=an_order()),
        TimePassed(),
        Outcome((notice(Adopted(body_of(ORDER), BROKER, "V", None), OrderState.OPEN),)),
        "P6: an order born at the venue was given to alice as o",
    ),
    (
        an_auditor(o=an_order()),
        Heard(BROKER, ACK),
        Outcome((notice(PAYLOAD, OrderState.OPEN, filled=Decimal(1)),)),
        "P3: .*told 1 filled, and it is 0",
    ),
    (
        an_auditor(o=an_order()),
        Heard(BROKER, ACK),
        Outcome((notice(PAYLOAD, OrderState.OPEN, size=Decimal(3)),)),
        "P9: .*told 3 are left, and it is 2",
    ),
    (
        an_auditor(o=an_order()),
        Heard(BROKER, ACK),
        Outcome((notice(PAYLOAD, OrderState.OPEN, price=Decimal(9)),)),
        "terms: .*told 2 at 9, not 2 at 100",
    ),
]


@pytest.mark.parametrize(("auditor", "given", "outcome", "said"), TOLD)
def test_what_was_told_wrongly_or_to_the_wrong_one_is_noticed(
    auditor: Auditor, given: Input, outcome: Outcome, said: str
) -> None:
    with pytest.raises(Breach, match=said):
        auditor.observe(given, outcome, NOW)


def test_a_request_id_that_is_given_twice_is_noticed() -> None:
    auditor = an_auditor(o=an_order("pending", **NEW))
    auditor.by_reqid[BROKER, 1] = ("bob", "o")

    with pytest.raises(Breach, match=r"P1: .*request id 1 belongs to \('bob', 'o'\)"):
        auditor.observe(TimePassed(), Outcome((a_send(), notice(Timed(0), OrderState.PENDING))), NOW)


def test_an_observer_who_is_not_told_is_noticed() -> None:
    auditor = an_auditor(o=an_order())
    auditor.grant("olga", "observer", ("alice",))

    with pytest.raises(Breach, match=r"P6: of alice's order only \['alice'\] were told"):
        auditor.observe(Heard(BROKER, ACK), Outcome((notice(PAYLOAD, OrderState.OPEN),)), NOW)


def test_a_confirmation_of_an_edit_that_nobody_made_changes_nothing() -> None:
    order = an_order()
    fold(order, BrokerdReplaced(reqid=9, size=Decimal(5)))

    assert order.size == 2


# The market.


DARK = Order(
    oid="o", side="buy", market=MARKET, size=Decimal(2), price=Decimal(100), mode="dark",
    direction="at_or_below", tif="gtd", expire_ns=NOW + 5,
)  # fmt: skip  # its terms on a line
MARKETS = {MARKET: Market(MARKET, "xbt", "usd", price_tick=Decimal(1), size_tick=Decimal(1))}
ROW = Quote(NOW, Decimal(99), Decimal(1), Decimal(100), Decimal(1))


def held() -> tuple[Dispatcher, Auditor]:
    """Alice's dark order waits for 100, until 5 ns from now; the auditor has seen it."""
    dispatcher = Dispatcher(Settings(markets=MARKETS), lambda record: None, generation="g", now_ns=NOW)
    auditor = Auditor(rules=Rules(price_ticks={MARKET: Decimal(1)}))
    dispatcher.grant("alice", "trader", NOW)
    auditor.grant("alice", "trader")
    given = Commanded("alice", DARK)
    auditor.observe(given, put(dispatcher, given, NOW), NOW)
    return dispatcher, auditor


def test_a_row_that_meets_an_order_past_its_date_must_end_it() -> None:
    """Its end may be noticed by the row, before time is asked."""
    dispatcher, auditor = held()
    given, later = Quoted(MARKET, ROW), NOW + 5

    auditor.observe(given, put(dispatcher, given, later), later)

    assert auditor.orders["alice", "o"].state == "expired"
    auditor.compare(dispatcher.book)


def test_an_order_that_a_row_meets_and_nobody_moves_is_noticed() -> None:
    _, auditor = held()

    with pytest.raises(Breach, match=r"P9: alice's o \(dark_open\): it fires, and nobody was told"):
        auditor.observe(Quoted(MARKET, ROW), Outcome(()), NOW)


def test_an_order_that_acts_on_a_row_which_does_not_meet_it_is_noticed() -> None:
    dispatcher, auditor = held()
    outcome = put(dispatcher, Quoted(MARKET, ROW), NOW)
    higher = replace(ROW, ask=Decimal(101))

    with pytest.raises(Breach, match=r"P9: alice's o \(dark_open\): it acts, and due is nothing"):
        auditor.observe(Quoted(MARKET, higher), outcome, NOW)


# Fold rules that need more than one request.


def test_a_whole_size_that_an_edit_explains_puts_the_edit_in_force() -> None:
    """The newest of them that is not larger; without one, the size is what traded."""
    edits = (an_edit(out=True, reqid=7), an_edit(out=True, reqid=8, size=Decimal(9)))
    order = an_order("editing", edits=edits)
    order.state_cum(Decimal(3))
    order.size = Decimal(4)
    order.whole(Decimal(3))

    assert order.size == 3
    assert order.reqid == 7
    assert order.edits == edits[1:]
