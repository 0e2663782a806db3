"""The dark book against a plain scan: whom a row meets and in which turn, whatever moved or left before."""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fsm_ems.dialogs import facts as f
from fsm_ems.dialogs.darkbook import DarkBook
from fsm_ems.dialogs.facts import Body, Dialog
from fsm_ems.machines.order import OrderState
from fsm_ems.quotes import Quote, Trade

MARKET = "xbtusd.paper"
KINDS = ("above", "below", "trail")
prices = st.integers(90, 110).map(Decimal)


class Told(NamedTuple):
    """A hit as a plain scan tells it."""

    oid: str
    source: str
    follows: bool


def held(number: int, side: str, kind: str, price: Decimal) -> Dialog:
    trails = kind == "trail" and side != "alert"
    body = Body(side, MARKET, Decimal(1), price, "limit", "gtc", None, post_only=False, mode="dark",
                direction=None, account="main", trail=Decimal(3) if trails else None)  # fmt: skip
    dialog = Dialog("ann", f"o{number}", body)
    dialog.state = OrderState.ALERT_OPEN if side == "alert" else OrderState.DARK_OPEN
    rises = side == "buy" if trails else kind == "above"
    dialog.direction = "at_or_above" if rises else "at_or_below"
    dialog.price, dialog.born = price, number
    return dialog


def scan(
    dialogs: list[Dialog], seen: dict[str, tuple[str, Decimal | None]], *, leads: bool = True
) -> list[Told]:
    """Look at every order; *seen* is what each side listens to now, and stops follow where it *leads*."""
    found: list[tuple[Decimal, int, Told]] = []
    for dialog in dialogs:
        source, price = seen.get(dialog.body.side, ("", None))
        if price is None or dialog.price is None or dialog.flags & f.MET:
            continue
        reached = price >= dialog.price if dialog.direction == "at_or_above" else price <= dialog.price
        if reached:
            found.append((abs(price - dialog.price), dialog.born, Told(dialog.oid, source, follows=False)))
        elif dialog.body.trail is not None and leads:
            buys = dialog.body.side == "buy"
            ahead = dialog.price - dialog.body.trail if buys else dialog.price + dialog.body.trail
            if price < ahead if buys else price > ahead:
                found.append((abs(price - ahead), dialog.born, Told(dialog.oid, source, follows=True)))
    found.sort(key=lambda one: (-one[0], one[1]))
    return [told for _, _, told in found]


def hits(
    book: DarkBook, row: Quote | Trade, bid: Decimal | None, ask: Decimal | None, *, quoted: bool = False
) -> list[Told]:
    met = book.ladders[MARKET].hits(row, bid, ask, quoted=quoted)
    return [Told(hit.dialog.oid, hit.source, hit.follows) for hit in met]


def quote(bid: Decimal, ask: Decimal) -> Quote:
    return Quote(0, bid, Decimal(1), ask, Decimal(1))


def trade(price: Decimal) -> Trade:
    return Trade(0, price, Decimal(1), "", "")


@given(data=st.data())
def test_a_row_meets_whom_a_scan_of_all_finds(data: st.DataObject) -> None:
    book, dialogs = DarkBook(), list[Dialog]()
    for number in range(data.draw(st.integers(1, 12))):
        side, kind = data.draw(st.sampled_from(("buy", "sell", "alert"))), data.draw(st.sampled_from(KINDS))
        dialogs.append(held(number, side, kind, data.draw(prices)))
        book.place(dialogs[-1])
    for _ in range(data.draw(st.integers(1, 8))):
        change = data.draw(st.sampled_from(("edit", "leave", "quote", "trade")))
        if change == "edit" and dialogs:
            dialog = data.draw(st.sampled_from(dialogs))
            dialog.price = data.draw(prices)
            book.place(dialog)
        elif change == "leave" and dialogs:
            dialog = dialogs.pop(data.draw(st.integers(0, len(dialogs) - 1)))
            dialog.state = OrderState.CANCELLED
            book.place(dialog)
        bid, ask, price = data.draw(prices), data.draw(prices), data.draw(prices)
        sees: dict[str, tuple[str, Decimal | None]] = {"buy": ("ask", ask), "sell": ("bid", bid)}
        assert hits(book, quote(bid, ask), bid, ask, quoted=True) == scan(dialogs, sees)
        last: dict[str, tuple[str, Decimal | None]] = dict.fromkeys(("buy", "sell", "alert"), ("last", price))
        assert hits(book, trade(price), None, None) == scan(dialogs, last)
        assert hits(book, trade(price), bid, ask, quoted=True) == scan(dialogs, last, leads=False)
    assert len(book) == len(dialogs)


def test_of_several_the_one_whose_price_was_reached_first_acts_first_then_the_older() -> None:
    book = DarkBook()
    for number, price in enumerate((103, 101, 102, 101)):
        book.place(held(number, "buy", "above", Decimal(price)))

    met = [told.oid for told in hits(book, trade(Decimal(105)), None, None)]

    assert met == ["o1", "o3", "o2", "o0"]


def test_what_was_met_by_a_print_goes_with_the_next_quote_that_offers_its_side() -> None:
    book = DarkBook()
    buy, sell = held(1, "buy", "above", Decimal(100)), held(2, "sell", "below", Decimal(100))
    for dialog in (buy, sell):
        dialog.flags |= f.MET
        book.place(dialog)
    one, nothing = Decimal(1), None

    assert hits(book, trade(Decimal(100)), None, None) == []
    assert [told.oid for told in hits(book, quote(one, one), nothing, one)] == ["o1"]
    assert [told.oid for told in hits(book, quote(one, one), one, nothing)] == ["o2"]
    assert [told.oid for told in hits(book, quote(one, one), one, one)] == ["o1", "o2"]


@pytest.mark.parametrize("kind", KINDS)
def test_what_left_is_met_by_nothing(kind: str) -> None:
    book = DarkBook()
    dialog = held(1, "sell", kind, Decimal(100))
    book.place(dialog)
    dialog.state = OrderState.DARK_TRIGGERED
    book.place(dialog)

    rows = [trade(Decimal(price)) for price in (1, 100, 1_000)]
    assert [hits(book, row, None, None) for row in rows] == [[], [], []]
    assert len(book) == 0
