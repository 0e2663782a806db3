"""The venue's book in the conformance kit: what an answer may say."""

from __future__ import annotations

from decimal import Decimal

from fsm_ems.market import Market
from fsm_ems.messages import BrokerdOrder, BrokerdOrderAck, BrokerdRestated, BrokerdStatus, OrderDetails
from fsm_ems.testing.conformance_book import VenueBook


def test_a_venue_that_restated_an_order_may_say_so_when_asked() -> None:
    market = Market("xbtusd.jex", "xbt", "usd", Decimal("0.5"), Decimal("0.1"))
    book = VenueBook({market.fqme: market}, lambda: 1)
    order = BrokerdOrder(
        reqid=1, account="main", market=market.fqme, side="buy", size=Decimal(2), price=Decimal(50),
        type="limit", time_ns=1, deadline_ns=2,
    )  # fmt: skip
    book.hear(order)
    book.fold(BrokerdOrderAck(reqid=1, venue_id="V1"))
    book.fold(BrokerdRestated(reqid=1, venue_id="V1", price=Decimal(60)))
    book.fold(BrokerdRestated(reqid=1, venue_id="V1", split=Decimal(2)))
    book.fold(BrokerdRestated(reqid=1, venue_id="V1", size=Decimal(3), cum=Decimal(0)))

    def answer(price: str) -> BrokerdStatus:
        details = OrderDetails(market=market.fqme, side="buy", size=Decimal(3), price=Decimal(price))
        return BrokerdStatus(
            reqid=1, venue_id="V1", status="open", cum=Decimal(0), snapshot=True, query=2, details=details
        )

    assert book.lie(answer("30")) is None
    assert book.lie(answer("60")) == "V1 is for 3 at 30"
