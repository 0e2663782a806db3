"""What a venue's list of open orders proves, and what it does not."""

from __future__ import annotations

from decimal import Decimal

from fsm_ems.dialogs.asking import SendHistory
from fsm_ems.dialogs.dispatcher import Dispatcher
from fsm_ems.dialogs.facts import Dialog
from fsm_ems.dialogs.record import Record
from fsm_ems.dialogs.settings import SECOND_NS, Capabilities, Settings
from fsm_ems.machines.link import LinkEvent
from fsm_ems.messages import (
    BrokerdBust,
    BrokerdFill,
    BrokerdHistory,
    BrokerdOrderAck,
    BrokerdStatus,
    Order,
    OrderDetails,
)

ONE = Decimal(1)
CHECK_NS = 60 * SECOND_NS


def filled_and_asked() -> tuple[Dispatcher, Dialog, int | str]:
    """An order that has filled, and the question that was asked then."""
    records = list[Record]()
    ems = Dispatcher(
        Settings(brokers={"v": Capabilities(history=True)}), records.append, generation="g", now_ns=0
    )
    ems.grant("alice", "trader", 0)
    for event in (LinkEvent.CONNECT, LinkEvent.CONNECTED):
        ems.link("v", event, 1)
    first = next(effect for effect in ems.pass_time(1) if isinstance(effect, SendHistory))
    ems.report("v", BrokerdHistory(reqid=first.reqid), 2)
    ems.command("alice", Order(oid="o", side="buy", market="x.v", size=ONE, price=ONE), 3)
    order = ems.book.dialogs["alice"]["o"]
    assert order.reqid is not None
    ems.report("v", BrokerdOrderAck(reqid=order.reqid, venue_id="V"), 4)
    ems.report("v", BrokerdFill(reqid=order.reqid, exec_id="x", size=ONE, price=ONE), 5)
    again = next(effect for effect in ems.pass_time(CHECK_NS + 2) if isinstance(effect, SendHistory))
    return ems, order, again.reqid


def test_an_order_that_a_bust_reopens_while_the_list_is_read_must_be_on_it() -> None:
    """The venue may have ended it with the bust, and that report may be lost: nothing else would ask."""
    ems, order, query = filled_and_asked()
    ems.report("v", BrokerdBust(reqid=order.reqid, exec_id="b", ref_id="x"), CHECK_NS + 3)
    assert order.state == "open"

    ems.report("v", BrokerdHistory(reqid=query), CHECK_NS + 4)

    assert order.state == "unknown"
    assert ems.next_due_ns() == CHECK_NS + 4 + ems.settings.margin_ns


def test_an_order_that_a_bust_reopens_and_that_is_on_the_list_rests() -> None:
    ems, order, query = filled_and_asked()
    ems.report("v", BrokerdBust(reqid=order.reqid, exec_id="b", ref_id="x"), CHECK_NS + 3)
    details = OrderDetails(market="x.v", side="buy", size=ONE, price=ONE)
    listed = BrokerdStatus(
        reqid=order.reqid, status="open", cum=Decimal(0), snapshot=True, query=query, details=details
    )

    ems.report("v", BrokerdHistory(reqid=query, orders=(listed,)), CHECK_NS + 4)

    assert order.state == "open"
