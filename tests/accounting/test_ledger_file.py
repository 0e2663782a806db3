"""The ledger's files: one a broker account and day, exact, commented, whole."""

import textwrap
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from fsm_ems.accounting import ledger_file
from fsm_ems.accounting.clear import Clear, Expiry, Split, Transfer
from fsm_ems.accounting.commented_file import Unreadable
from fsm_ems.accounting.ledger import DAY_NS, Entry, Page
from fsm_ems.accounting.ledger_file import (
    LedgerDay,
    format_ledger,
    ledger_path,
    parse_ledger,
    read_ledger,
    write_ledger,
)

DAY = 18_635
NOON = DAY * DAY_NS + DAY_NS // 2
CLEAR = Clear(7, "E1", Decimal("0.50"), Decimal("1E+3"), Decimal("-0.1"), "bnb")
PAGE = Page(
    "paper",
    "main",
    DAY,
    (Entry(3, NOON, "btcusdt.paper", CLEAR), Entry(8, NOON + 1, "btcusdt.paper", CLEAR, reverses=True)),
)
LINE = (
    'market = "btcusdt.paper", time_ns = 7, exec_id = "E1", '
    'size = "0.50", price = "1E+3", fee = "-0.1", fee_asset = "bnb"'
)
TEXT = f"""\
# Ledger, a projection of the record log: fsm_ems writes the values anew, and keeps your comments.
broker = "paper"
account = "main"
day = "2021-01-08"
generation = "g1"
seq = 9
entries = [
    {{ seq = 3, booked_ns = 1610107200000000000, {LINE} }},
    {{ seq = 8, booked_ns = 1610107200000000001, {LINE}, reverses = true }},
]
"""
LEDGER_DAY = LedgerDay("g1", 9, PAGE)


def test_the_file_is_plain_to_read() -> None:
    assert format_ledger(LEDGER_DAY) == TEXT
    assert parse_ledger(TEXT) == LEDGER_DAY


def test_the_example_in_the_documentation_is_one() -> None:
    text = textwrap.dedent(
        (ledger_file.__doc__ or "").partition("An example::\n")[2].partition("\nThe events")[0]
    )

    assert parse_ledger(text) == LedgerDay(
        "5f0c",
        9,
        Page("kraken", "main", DAY, (Entry(7, NOON, "a.b", Transfer(5, "T", Decimal(2))),)),
    )


def test_a_file_is_found_by_broker_account_and_date(tmp_path: Path) -> None:
    assert write_ledger(tmp_path, LEDGER_DAY) is None

    path = tmp_path / "ledger" / "paper" / "main" / "2021-01-08.toml"
    assert ledger_path(tmp_path, PAGE) == path
    assert read_ledger(path) == LEDGER_DAY
    assert read_ledger(path.with_name("2021-01-09.toml")) is None


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "a\\b", "a\0"])
def test_no_name_leads_out_of_the_folder(tmp_path: Path, name: str) -> None:
    for page in (PAGE._replace(broker=name), PAGE._replace(account=name)):
        with pytest.raises(ValueError, match="is no name for a folder"):
            ledger_path(tmp_path, page)


def test_a_comment_stays_with_its_entry_and_not_with_its_reversal() -> None:
    first = TEXT.replace(" },\n    { seq = 8", " }, # one\n    # two\n    { seq = 8")
    bust_alone = LEDGER_DAY._replace(page=PAGE._replace(entries=PAGE.entries[1:]))
    more = LEDGER_DAY._replace(
        page=PAGE._replace(entries=(*PAGE.entries, Entry(9, NOON, "a.b", Split(9, "S", Decimal(2)))))
    )

    assert " },  # one\n    # two\n    { seq = 8" in format_ledger(more, first)
    assert "entries = [\n    # one\n    # two\n    { seq = 8" in format_ledger(bust_alone, first)


def test_a_comment_is_not_doubled_where_an_id_comes_twice() -> None:
    """In two markets, or of an execution and a transfer."""
    one = Entry(7, NOON, "a.b", Clear(5, "T", Decimal(2), Decimal(100)))
    same = (one, replace(one, market="c.b"), Entry(9, NOON, "a.b", Transfer(5, "T", Decimal(2))))
    day = LEDGER_DAY._replace(seq=9, page=PAGE._replace(entries=same))
    text = format_ledger(day).replace('transfer = "2" },', 'transfer = "2" },  # mine')

    assert format_ledger(day, text) == text
    assert text.count("# mine") == 1


def test_an_unreadable_file_is_kept_and_told_and_rebuilt(tmp_path: Path) -> None:
    path = ledger_path(tmp_path, PAGE)
    path.parent.mkdir(parents=True)
    path.write_text(TEXT.replace("seq = 8", "seq = eight"))

    aside = write_ledger(tmp_path, LEDGER_DAY)

    assert str(aside).startswith(
        f"{path}, line 9: not TOML: Invalid value (at line 9, column 13); it is kept as "
    )
    assert path.read_text() == TEXT


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('day = "2021-01-08"', 'day = "today"', "line 1: Invalid isoformat string: 'today'"),
        ("seq = 8", 'seq = "8"', "line 9: seq: a whole number is needed"),
        ("reverses = true", "reverses = 1", "line 9: reverses: true or false is needed"),
    ],
)
def test_a_wrong_value_is_told_with_its_line(old: str, new: str, told: str) -> None:
    with pytest.raises(Unreadable) as caught:
        parse_ledger(TEXT.replace(old, new))

    assert str(caught.value) == told


NUMBERS = st.sampled_from(("1E+3", "1.00", "-0.10", "1E-18", "1234567890123456.789012345678901234")).map(
    Decimal
)
IDS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=8)
EVENTS = st.one_of(
    st.builds(Clear, st.integers(0, 9), IDS, NUMBERS, NUMBERS, NUMBERS, st.none() | IDS),
    st.builds(Transfer, st.integers(0, 9), IDS, NUMBERS),
    st.builds(Split, st.integers(0, 9), IDS, NUMBERS),
    st.builds(Expiry, st.integers(0, 9), IDS, NUMBERS),
)
ENTRIES = st.builds(Entry, st.integers(0, 9), st.just(NOON), IDS, EVENTS, st.booleans())


@given(st.lists(ENTRIES, max_size=5, unique_by=lambda one: (one.event.exec_id, one.reverses)))
def test_what_is_written_reads_back_to_the_last_digit(entries: list[Entry]) -> None:
    day = LedgerDay("g", 3, Page("b", "a", DAY, tuple(entries)))

    assert repr(parse_ledger(format_ledger(day, TEXT))) == repr(day)
