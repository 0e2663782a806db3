"""What dates do to held orders: theirs, and those of the market's rows."""

from __future__ import annotations

from decimal import Decimal

import pytest

from fsm_ems.dialogs.dispatcher import Dispatcher
from fsm_ems.dialogs.settings import Settings
from fsm_ems.quotes import Quote
from tests.dialogs.desk import MARKET, SECOND, START, Desk

STOP = {"mode": "dark", "trigger": "stop", "side": "sell", "price": "90"}


@pytest.mark.parametrize("kind", ["limit", "market"])
def test_an_order_whose_date_has_passed_expires_on_the_row_that_would_fire_it(desk: Desk, kind: str) -> None:
    """The row may come before the timer."""
    desk.order(**STOP, type=kind, tif="gtd", expire_ns=START + 10 * SECOND)
    desk.now += 20 * SECOND

    desk.quote("90", "91")

    assert desk.state() == "expired"


def test_an_order_whose_date_has_passed_is_not_fired_by_hand(desk: Desk) -> None:
    desk.order(**STOP, tif="gtd", expire_ns=START + 10 * SECOND)

    desk.ems.trigger("ann", "o1", desk.now + 20 * SECOND)

    assert desk.state() == "expired"


def test_an_alert_whose_date_has_passed_is_not_told_any_more(desk: Desk) -> None:
    desk.alert(tif="gtd", expire_ns=START + 10 * SECOND)
    desk.now += 10 * SECOND

    desk.print("99")

    assert desk.state() == "expired"


def test_a_row_dated_ahead_counts_as_of_now(desk: Desk) -> None:
    """Else every honest row after it would be out of order, and every stop dead until that date."""
    desk.order(**STOP)
    desk.quote("95", "96", age=-10_000)
    desk.now += SECOND

    desk.quote("80", "81")

    assert desk.state() == "dark_triggered"


def test_a_quote_dated_ahead_grows_old_like_any_other(desk: Desk) -> None:
    desk.order(**STOP)
    desk.quote("95", "96", age=-10_000)
    desk.now += 900 * SECOND

    desk.print("89")

    assert desk.state() == "dark_open"


def test_the_records_know_the_tick_of_a_market_that_the_settings_name_no_more(desk: Desk) -> None:
    desk.order(**STOP)
    again = Dispatcher(Settings(), desk.log.append, generation="g", now_ns=desk.now, book=desk.book)

    again.quote(MARKET, Quote(desk.now, Decimal(90), Decimal(1), Decimal(91), Decimal(1)), desk.now)

    assert str(desk.dialog().price) == "87.5"
    assert desk.state() == "dark_triggered"
