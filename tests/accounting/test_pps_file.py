"""``pps.toml``: what is written reads back exactly, and what people wrote in it stays."""

import re
import textwrap
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fsm_ems.accounting import pps_file
from fsm_ems.accounting.atomic_file import Disk
from fsm_ems.accounting.clear import Clear, Event, Expiry, Split, Transfer
from fsm_ems.accounting.commented_file import Unreadable
from fsm_ems.accounting.position import Position, Standing
from fsm_ems.accounting.pps_file import Projection, format_pps, parse_pps, read_pps, write_pps
from fsm_ems.errors import EMSBug
from fsm_ems.market import Market

D = Decimal


def market(fqme: str) -> Market:
    return Market(fqme, "btc", "usdt", D("0.01"), D("0.001"))


def clear(at: int, size: str, price: str = "100", fee: str = "0", asset: str | None = None) -> Clear:
    return Clear(at, f"E{at}", D(size), D(price), D(fee), asset)


def standing(*events: Event, fqme: str = "btcusdt.paper", account: str = "main") -> Standing:
    position = Position(market(fqme), account)
    for event in events:
        position.add(event)
    return position.standing()


def projection(*positions: Standing, seq: int = 1) -> Projection:
    return Projection("g1", seq, D(2), positions)


ONE = projection(standing(clear(1, "2"), clear(2, "-1", fee="0.1"), clear(3, "1", fee="1", asset="bnb")))
TEXT = """\
# Positions, a projection of the record log: fsm_ems writes the values anew, and keeps your comments.
generation = "g1"
seq = 1
fee_factor = "2"

[positions.paper.main."btcusdt.paper"]
size = "2"
ppu = "100"
break_even = "100.05"
realized = "0"
cash = {usdt = "-200"}
fees = {usdt = "0.1", bnb = "1"}
part = ""
clears = [
    { time_ns = 1, exec_id = "E1", size = "2", price = "100", fee = "0" },
    { time_ns = 2, exec_id = "E2", size = "-1", price = "100", fee = "0.1" },
    { time_ns = 3, exec_id = "E3", size = "1", price = "100", fee = "1", fee_asset = "bnb" },
]
"""


def test_the_file_is_plain_to_read() -> None:
    assert format_pps(ONE) == TEXT
    assert format_pps(ONE, TEXT) == TEXT


def test_a_fee_of_nothing_is_no_exponent() -> None:
    """``size * price * 0`` is ``0E-9`` to Decimal, and looks like damage to a person."""
    fee = D("0.0001") * D("50000.5") * D(0).scaleb(-4)
    one = projection(standing(Clear(1, "E1", D("0.0001"), D("50000.5"), fee)))

    text = format_pps(one)

    assert str(fee) == "0E-9"
    assert 'fee = "0.000000000"' in text
    assert "E-" not in text
    assert repr(parse_pps(text)) == repr(one)


def test_the_example_in_the_documentation_is_one() -> None:
    """And its numbers are right."""
    text = textwrap.dedent((pps_file.__doc__ or "").partition("An example::\n")[2].partition("\nOther")[0])
    position = Position(Market("xbtusd.kraken", "xbt", "usd", D("0.1"), D("1E-8")), "main")
    position.add(Clear(1610064002000000000, "E1", D("1.5"), D(39430), D("0.15")))

    assert parse_pps(text) == Projection("5f0c", 1234, D(2), (position.standing(),))


NUMBERS = st.sampled_from(("1E+3", "1.00", "-0.10", "1E-18", "1234567890123456.789012345678901234", "7")).map(
    D
)
IDS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=8)
EVENTS = st.one_of(
    st.builds(Clear, st.integers(0, 2**63 - 1), IDS, NUMBERS, NUMBERS, NUMBERS, st.none() | IDS),
    st.builds(Transfer, st.integers(0, 9), IDS, NUMBERS),
    st.builds(Split, st.integers(0, 9), IDS, NUMBERS),
    st.builds(Expiry, st.integers(0, 9), IDS, NUMBERS),
)
AMOUNTS = st.dictionaries(IDS, NUMBERS, max_size=3).map(lambda amounts: tuple(amounts.items()))
STANDINGS = st.builds(
    Standing,
    IDS, IDS, IDS, NUMBERS, NUMBERS, NUMBERS, st.none() | NUMBERS, AMOUNTS, AMOUNTS,
    st.lists(EVENTS, max_size=4, unique_by=lambda event: event.exec_id).map(tuple), st.none() | NUMBERS,
)  # fmt: skip
PROJECTIONS = st.builds(
    Projection,
    IDS,
    st.integers(0, 2**63 - 1),
    NUMBERS,
    st.lists(STANDINGS, max_size=3, unique_by=lambda one: one[:3]).map(tuple),
)


@pytest.mark.no_cover
@given(PROJECTIONS, PROJECTIONS)
def test_what_is_written_reads_back_to_the_last_digit_and_sign(one: Projection, other: Projection) -> None:
    """Whatever names and ids hold; written anew, or over another."""
    text = format_pps(other, format_pps(one))

    def in_order(found: Projection) -> str:
        return repr(
            sorted(found.positions, key=lambda position: (position.broker, position.account, position.market))
        )

    assert in_order(parse_pps(text)) == in_order(other)
    assert parse_pps(text)[:3] == other[:3]


# ── comments ────────────────────────────────────────────────────────────────────────────────────────


def test_comments_stay_where_they_were_written() -> None:
    commented = TEXT.replace("seq = 1", "seq = 1  # last").replace("[positions", "# above\n[positions")
    commented = commented.replace('main."btcusdt.paper"]', 'main."btcusdt.paper"] # head')
    commented = commented.replace('size = "2"\nppu', '# about the size\nsize = "2" # two\nppu')
    commented = commented.replace("clears = [", "clears = [ # begin").replace(
        'fee = "0" },', 'fee = "0" }, # one'
    )
    commented = commented.replace("    { time_ns = 2", "  # before two\n    { time_ns = 2").replace(
        "\n]\n", "\n# after all\n] # end\n# tail\n"
    )
    later = projection(standing(*ONE.positions[0].events, clear(9, "3")), seq=2)

    assert (
        format_pps(later, commented)
        == """\
# Positions, a projection of the record log: fsm_ems writes the values anew, and keeps your comments.
generation = "g1"
seq = 2  # last
fee_factor = "2"

# above
[positions.paper.main."btcusdt.paper"] # head
# about the size
size = "5" # two
ppu = "100"
break_even = "100.02"
realized = "0"
cash = {usdt = "-500"}
fees = {usdt = "0.1", bnb = "1"}
part = ""
clears = [
    # begin
    { time_ns = 1, exec_id = "E1", size = "2", price = "100", fee = "0" },  # one
    # before two
    { time_ns = 2, exec_id = "E2", size = "-1", price = "100", fee = "0.1" },
    { time_ns = 3, exec_id = "E3", size = "1", price = "100", fee = "1", fee_asset = "bnb" },
    { time_ns = 9, exec_id = "E9", size = "3", price = "100", fee = "0" },
    # after all
] # end
# tail
"""
    )


def test_the_comment_of_a_clear_that_is_gone_stands_before_the_next() -> None:
    commented = TEXT.replace('fee = "0.1" },', 'fee = "0.1" }, # why?')
    busted = projection(standing(clear(1, "2"), clear(3, "1")))
    flat = projection(standing(clear(1, "2"), clear(3, "-2")))

    assert "    # why?\n    { time_ns = 3" in format_pps(busted, commented)
    assert "clears = [\n    # why?\n]\n" in format_pps(flat, commented)
    assert format_pps(busted, format_pps(flat, commented)).count("# why?") == 1


def test_comments_of_a_position_that_is_gone_and_foreign_tables_stay() -> None:
    old = f'{TEXT}# mine\n[notes] # not fsm_ems\nclears = ["a"] # b\n[[lists]]\nc = 1\n'
    found = format_pps(
        projection(standing(clear(5, "1"), fqme="ethusdt.paper")),
        old.replace('size = "2"\n', 'size = "2" # two\n'),
    )

    assert '# two\n# mine\n[notes] # not fsm_ems\nclears = ["a"] # b\n[[lists]]\nc = 1\n' in found
    assert [position.market for position in parse_pps(found).positions] == ["ethusdt.paper"]


def test_a_form_of_somebody_elses_is_understood() -> None:
    """One line, other quotes, strings that look like something else, a key of their own."""
    old = """seq = 0 # "a
generation = '# [not] a comment'
[ positions . paper . 'main' . "btcusdt.paper" ]
note = '''
[no.header]
clears = [ { exec_id = "E1" } ] # no comment
'''
clears = [{ exec_id = 'E1', x = "]" }, {exec_id = "E2"}] # both
"""
    found = format_pps(ONE, old)

    assert parse_pps(found) == ONE
    assert found.count("# both") == found.count('# "a') == found.count("[no.header]") == 1


STEPS = st.lists(
    st.tuples(
        st.integers(0, 40), st.integers(0, 2), st.sampled_from(("add", "remove", "comment", "line", "drop"))
    ),
    max_size=25,
)


@pytest.mark.no_cover
@settings(max_examples=200)
@given(STEPS)
def test_no_comment_is_ever_lost_or_doubled(steps: list[tuple[int, int, str]]) -> None:
    """People write at any line while clears come and go and positions go flat, vanish, and come back."""
    positions = [Position(market(fqme), "main") for fqme in ("a.paper", "b.paper", "c.kraken")]
    shown = [True, True, True]
    text: str | None = None
    for number, (at, which, step) in enumerate(steps):
        position = positions[which]
        if step == "add":
            position.add(clear(number, "1" if at % 2 else "-1"))
        elif step == "remove" and position.events:
            gone = position.events[at % len(position.events)]
            assert isinstance(gone, Clear)
            position.remove(gone)
        elif step == "drop":
            shown[which] = not shown[which]
        elif text is not None:
            lines = text.split("\n")
            place = at * len(lines) // 41
            if step == "line":
                lines.insert(place, f"  # note {number}.")
            else:
                lines[place] += f" # note {number}."
            text = "\n".join(lines)
        now = projection(
            *(one.standing() for one, there in zip(positions, shown, strict=True) if there), seq=number
        )
        before = text
        text = format_pps(now, text)
        assert sorted(parse_pps(text).positions) == sorted(now.positions)
        assert sorted(notes(text)) == sorted(notes(before or ""))
        assert stays(before or "", text)


def notes(text: str) -> list[str]:
    return re.findall(r"# note \d+\.", text)


def stays(before: str, after: str) -> bool:
    """A comment beside a clear is beside it still, as long as the clear is there."""
    return all(
        re.search(rf"exec_id = {exec_id} .*{re.escape(note)}", after.replace(",", " ,"))
        for exec_id, note in re.findall(r'exec_id = ("E\d+").*\},\s*(# note \d+\.)', before)
        if f"exec_id = {exec_id}," in after
    )


# ── the file ────────────────────────────────────────────────────────────────────────────────────────


def test_a_file_is_made_and_written_again(tmp_path: Path) -> None:
    path = tmp_path / "pps.toml"
    assert read_pps(path) is None

    assert write_pps(path, ONE) is None
    path.write_text(path.read_text() + "# mine\n")
    assert write_pps(path, ONE) is None

    assert path.read_text() == f"{TEXT}# mine\n"
    assert read_pps(path) == ONE


@pytest.mark.parametrize(
    ("bad", "told"),
    [
        (TEXT.replace('ppu = "100"', "ppu = "), "line 8: not TOML: Invalid value (at line 8, column 7)"),
        (TEXT[:-5], "line 17: not TOML: "),
        (TEXT.encode().replace(b"E2", b"\xff2"), "line 16: not UTF-8"),
        ("positions = 3\n", "line 1: fsm_ems cannot write its values between what else stands here"),
        ("[positions]\npaper = 3\n[[positions.paper]]", "line 3: not TOML: "),
        ("a = 1\n[[positions.paper]]\n", "line 2: fsm_ems cannot write"),
            (TEXT.replace("time_ns = 2,", "time_ns = two,"), "line 16: not TOML: Invalid value"),
    ],
)  # fmt: skip
def test_an_unreadable_file_is_kept_and_told_and_rebuilt(tmp_path: Path, bad: str | bytes, told: str) -> None:
    path = tmp_path / "pps.toml"
    content = bad if isinstance(bad, bytes) else bad.encode()
    path.write_bytes(content)

    aside = write_pps(path, ONE)

    assert aside is not None
    assert str(aside).startswith(f"{path}, {told}")
    assert (tmp_path / "pps.toml.bad").read_bytes() == content
    assert path.read_text() == TEXT


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('size = "2"', "size = 2", "line 6: btcusdt.paper: size: text is needed"),
        ('ppu = "100"', 'ppu = "NaN"', "line 6: btcusdt.paper: ppu: 'NaN' is no decimal number"),
        ('ppu = "100"', 'ppu = "1E+99999999999999999999"', "line 6: btcusdt.paper: ppu: '1E+99"),
        ("seq = 1", 'seq = "1"', "line 2: generation: seq: a whole number is needed"),
        ('fee_factor = "2"', "fee_factor = 2", "line 4: fee_factor: fee_factor: text is needed"),
        ('{usdt = "-200"}', "3", "line 6: btcusdt.paper: cash: a table is needed"),
        ("clears = [", "clears = [ 3,", "line 6: btcusdt.paper: clears: an array of tables is needed"),
        ('exec_id = "E2", ', "", "line 6: btcusdt.paper: exec_id: text is needed"),
    ],
)  # fmt: skip
def test_a_wrong_value_is_told_with_its_place_and_simply_written_anew(
    tmp_path: Path, old: str, new: str, told: str
) -> None:
    path = tmp_path / "pps.toml"
    path.write_text(TEXT.replace(old, new) + "# mine\n")
    with pytest.raises(Unreadable, match=f"^{re.escape(told)}"):
        read_pps(path)

    assert write_pps(path, ONE) is None

    assert path.read_text() == f"{TEXT}# mine\n"


def test_comments_stay_beside_an_execution_that_people_wrote_arrays_into(tmp_path: Path) -> None:
    """The arrays are not ours and go; which comment is whose is still told right."""
    path = tmp_path / "pps.toml"
    noted = re.sub(
        r'(exec_id = "(E\d)".*) \},', r'\1, tags = ["a", ["b"], { c = "}" }] }, # note of \2', TEXT
    )
    assert noted.count("tags") == 3
    path.write_text(noted)

    assert write_pps(path, ONE) is None

    assert path.read_text() == re.sub(r'(exec_id = "(E\d)".* \},)', r"\1  # note of \2", TEXT)


def test_what_cannot_be_read_again_is_not_written(tmp_path: Path) -> None:
    path = tmp_path / "pps.toml"

    with pytest.raises(EMSBug, match="cannot be read again"):
        write_pps(path, projection(ONE.positions[0]._replace(size=D("NaN"))))

    assert not path.exists()


def test_a_disk_that_fails_leaves_the_old_file_and_its_comments(tmp_path: Path) -> None:
    class Full(Disk):
        def write(self, file: int, content: bytes) -> int:
            raise OSError(28, "No space left on device")

    path = tmp_path / "pps.toml"
    path.write_text(f"{TEXT}# mine\n")

    with pytest.raises(OSError, match="No space left"):
        write_pps(path, projection(), Full())

    assert path.read_text() == f"{TEXT}# mine\n"
