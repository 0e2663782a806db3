"""The ledger: each event once, nothing edited, a page a day of booking."""

from decimal import Decimal

from msgspec.structs import replace

from fsm_ems.accounting.clear import Clear, Transfer
from fsm_ems.accounting.ledger import DAY_NS, Entry, Ledger, Page, pages_of


def entry(seq: int, day: int, exec_id: str, *, reverses: bool = False) -> Entry:
    clear = Clear(5, exec_id, Decimal(2), Decimal(100), Decimal("0.1"), "bnb")
    return Entry(seq, day * DAY_NS + seq, "btcusdt.paper", clear, reverses)


def test_an_entry_is_written_once_and_so_is_its_reversal() -> None:
    ledger = Ledger("paper", "main")
    booked, busted = entry(1, 3, "E1"), entry(2, 3, "E1", reverses=True)

    assert [ledger.add(one) for one in (booked, booked, busted, busted)] == [True, False, True, False]
    assert ledger.pages() == [Page("paper", "main", 3, (booked, busted))]


def test_one_id_in_two_markets_or_of_two_kinds_is_two_entries() -> None:
    """Else the ledger would lack what the position has."""
    ledger = Ledger("paper", "main")
    booked = entry(1, 3, "E1")
    brought = Entry(2, 3 * DAY_NS, booked.market, Transfer(5, "E1", Decimal(2)))
    elsewhere = replace(booked, seq=3, market="ethusdt.paper")

    assert [ledger.add(one) for one in (booked, brought, elsewhere, elsewhere)] == [True, True, True, False]
    assert ledger.pages() == pages_of("paper", "main", (booked, brought, elsewhere, brought))
    assert ledger.pages()[0].entries == (booked, brought, elsewhere)


def test_a_page_is_for_the_day_of_the_booking() -> None:
    """A day that is over changes no more, though a fill of it comes late."""
    ledger = Ledger("paper", "main")
    ledger.add(entry(1, 3, "E1"))
    ledger.add(entry(2, 4, "E2"))

    assert [page.day for page in ledger.pages()] == [3, 4]
    assert [page.day for page in ledger.pages(since=1)] == [4]
    assert ledger.pages(since=2) == []


def test_it_holds_two_days() -> None:
    ledger = Ledger("paper", "main")
    for day in (3, 4, 9):
        ledger.add(entry(day, day, f"E{day}"))

    assert [page.day for page in ledger.pages()] == [4, 9]


def test_a_clock_set_back_changes_no_older_page() -> None:
    ledger = Ledger("paper", "main")
    entries = [entry(1, 3, "E1"), entry(2, 4, "E2"), entry(3, 2, "E3"), entry(4, 3, "E4")]
    for one in entries:
        assert ledger.add(one)

    assert ledger.pages() == pages_of("paper", "main", entries)
    assert [(page.day, len(page.entries)) for page in ledger.pages()] == [(3, 1), (4, 3)]


def test_a_reversal_takes_back_what_was_booked() -> None:
    assert entry(1, 3, "E1").effect == entry(1, 3, "E1").event
    assert entry(1, 3, "E1", reverses=True).effect == Clear(
        5, "E1", Decimal(-2), Decimal(100), Decimal("-0.1"), "bnb"
    )
    brought = Transfer(5, "T", Decimal("1" * 34))
    assert Entry(1, 1, "m.p", brought, reverses=True).effect == Transfer(5, "T", Decimal("-" + "1" * 34))


def test_every_page_can_be_made_from_all_entries() -> None:
    entries = [entry(1, 3, "E1"), entry(2, 4, "E2"), entry(2, 4, "E2"), entry(3, 4, "E1", reverses=True)]

    assert pages_of("paper", "main", entries) == [
        Page("paper", "main", 3, (entries[0],)),
        Page("paper", "main", 4, (entries[1], entries[3])),
    ]
