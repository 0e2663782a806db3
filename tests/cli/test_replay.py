"""``fsm-ems replay`` on a tape small enough to recompute by hand."""

import json
import os
import pty
import re
import subprocess
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from fsm_ems.cli.options import read_text
from fsm_ems.errors import OrderFileError
from fsm_ems.journal.file import RecordFile
from fsm_ems.journal.sqlite import Journal
from tests.cli.conftest import HERE, Run, program

TAPE = HERE / "tape.csv"
ORDERS = HERE / "orders.toml"
MARKET = "btcusdt.paper,maker_bps=1,taker_bps=2.5"

TABLE = """\
btcusdt.paper: 7 rows, 4 orders

 order      side  type       state     filled  size  limit  average       fees  fills
 ────────────────────────────────────────────────────────────────────────────────────
 maker      buy   limit      filled       0.6   0.6  99.95    99.95   0.005997      2
 taker      sell  market     filled       0.4   0.4      -      100       0.01      1
 edited     buy   limit      open         0.1   0.3  99.95     99.9  0.0024975      1
 post-only  sell  post-only  rejected       0   0.1  99.00        -          0      0

refused maker: order_ended: order maker is filled
rejected post-only: post_only: it would take at once
bought 0.7 btc in 3 fills at 99.9429 usdt on average, fees 0.0084945 usdt
sold 0.4 btc in 1 fill at 100 usdt on average, fees 0.01 usdt
main holds 0.3 btc at 99.9633 usdt each, realized 0.02 usdt
2 filled, 1 open, 1 rejected; 1 of 6 commands refused.
"""

NOTE = "note: 1 command lies outside the tape's time, 1000000000 to 6000000000: 0 before it, 1 after it\n"


def trimmed(text: str) -> str:
    return "".join(f"{line.rstrip()}\n" for line in text.splitlines())


def objects(text: str, name: str) -> list[dict[str, Any]]:
    return [found for line in text.splitlines() if (found := json.loads(line))["name"] == name]


def test_every_status_fill_and_refusal_is_an_object_a_line(run: Run) -> None:
    """Byte for byte; the numbers in expected.jsonl were checked by hand against the paper venue's rules."""
    told = run("replay", TAPE, "--orders", ORDERS, "--market", MARKET, "--json")

    assert (told.exit_code, told.stderr) == (0, NOTE)
    assert told.stdout == (HERE / "expected.jsonl").read_text()


FILLS = """\
{"name":"fill","oid":"taker","exec_id":"X1","time_ns":2500000000,"size":"0.4","price":"100.00",\
"fee":"0.01","liquidity":"taker"}
{"name":"fill","oid":"maker","exec_id":"X2","time_ns":3000000000,"size":"0.3","price":"99.95",\
"fee":"0.0029985","liquidity":"maker"}
{"name":"fill","oid":"maker","exec_id":"X3","time_ns":4000000000,"size":"0.3","price":"99.95",\
"fee":"0.0029985","liquidity":"maker"}
{"name":"fill","oid":"edited","exec_id":"X4","time_ns":5500000000,"size":"0.1","price":"99.90",\
"fee":"0.0024975","liquidity":"taker"}
"""


def test_a_fill_has_exactly_these_fields(run: Run) -> None:
    told = run("replay", TAPE, "--orders", ORDERS, "--market", MARKET, "--json")

    lines = told.stdout.splitlines(keepends=True)
    assert "".join(line for line in lines if line.startswith('{"name":"fill"')) == FILLS
    assert objects(told.stdout, "refused") == [
        {"name": "refused", "oid": "maker", "code": "order_ended", "why": "order maker is filled"}
    ]


def test_elsewhere_than_on_a_terminal_the_table_is_plain(run: Run) -> None:
    told = run("replay", TAPE, "--orders", ORDERS, "--market", MARKET)

    assert (told.exit_code, told.stderr) == (0, NOTE)
    assert trimmed(told.stdout) == TABLE


def test_on_a_terminal_the_table_has_colours(run: Run) -> None:
    told = run("replay", TAPE, "--orders", ORDERS, "--market", MARKET, FORCE_COLOR="1")

    assert "\x1b[1;32mfilled" in told.stdout
    assert trimmed(re.sub(r"\x1b\[[\d;]*m", "", told.stdout)) == TABLE


@pytest.mark.parametrize("columns", ["1", "30", "60", "79"])
def test_no_number_is_cut_however_narrow_the_terminal_is(run: Run, columns: str) -> None:
    """A line may run over the edge: 99.95 that reads 99 would be another price."""
    told = run("replay", TAPE, "--orders", ORDERS, "--market", MARKET, FORCE_COLOR="1", COLUMNS=columns)

    lines = re.sub(r"\x1b\[[\d;]*m", "", told.stdout).splitlines()
    shown = [line.split()[-7:] for line in lines]
    assert [line for line in TABLE.splitlines()[4:8] if line.split()[-7:] not in shown] == []


def test_the_name_of_a_file_is_no_markup(run: Run, tmp_path: Path) -> None:
    kept, page = tmp_path / "[red]run[/x]:x:", tmp_path / "[b].html"

    told = run("replay", TAPE, "--orders", ORDERS, "--out", kept, "--report", page)

    assert told.exit_code == 0
    assert f"Records: {kept}; fsm-ems why ORDER {kept} tells each step.\nPage: {page}\n" in told.stdout


def test_a_terminal_sees_the_progress_on_stderr(tmp_path: Path) -> None:
    """The tape's name is no markup of rich's either."""
    tape = tmp_path / "tape[b].csv"
    tape.write_bytes(TAPE.read_bytes())
    ours, theirs = pty.openpty()
    with program(
        "replay", tape, "--orders", ORDERS, "--json", stdout=subprocess.PIPE, stderr=theirs
    ) as process:
        os.close(theirs)
        out = process.stdout.read() if process.stdout is not None else b""
        shown = os.read(ours, 100_000).decode()
    os.close(ours)

    assert (process.returncode, len(out.splitlines())) == (0, 22)
    assert re.search(r"tape\[b\]\.csv.*7/7", re.sub(r"\x1b\[[\d;?]*[a-zA-Z]", "", shown))


KINDS = """\
[[order]]
at = 1000000000
oid = "s"
side = "sell"
size = "1"
type = "market"
mode = "dark"
trigger = "stop"
price = "90"

[[order]]
at = 1000000000
oid = "d"
side = "sell"
size = "1"
mode = "dark"
price = "110"
tif = "gtd"
expire_ns = 9000000000

[[order]]
at = 1000000000
oid = "a"
side = "alert"
price = "110"
"""


def test_the_table_tells_dark_orders_and_alerts_from_what_rests(run: Run, tmp_path: Path) -> None:
    """An alert has no type, no size and nothing that could be filled."""
    (tmp_path / "kinds.toml").write_text(KINDS)

    told = run("replay", TAPE, "--orders", tmp_path / "kinds.toml")

    rows = [" ".join(line.split()) for line in told.stdout.splitlines()[4:7]]
    assert rows == [
        "s sell stop market dark_open 0 1 90 - 0 0",
        "d sell dark limit gtd dark_open 0 1 110 - 0 0",
        "a alert - alert_open - - 110 - 0 0",
    ]


def test_a_request_arrives_after_the_latency(run: Run) -> None:
    told = run("replay", TAPE, "--orders", ORDERS, "--latency", "200ms", "--json")

    acks = [status for status in objects(told.stdout, "status") if status["event"] == "ack"]
    assert [(status["oid"], status["time_ns"]) for status in acks] == [
        ("maker", 1_400_000_000),
        ("taker", 2_700_000_000),
        ("edited", 4_700_000_000),
    ]


def test_the_fill_model_says_what_a_print_at_the_limit_does(run: Run, tmp_path: Path) -> None:
    """The print at 3 s is at 99.90 exactly, and 1.0 was shown at 100.00 only: nothing is ahead."""
    orders = tmp_path / "orders.toml"
    orders.write_text('[[order]]\nat = 2500000000\noid = "a"\nside = "buy"\nsize = "0.1"\nprice = "99.90"\n')

    filled: dict[str, int] = {}
    for model in ("touch", "through", "queue"):
        told = run("replay", TAPE, "--orders", orders, "--fill-model", model, "--json")
        filled[model] = objects(told.stdout, "fill")[0]["time_ns"]

    assert filled == {"touch": 3_000_000_000, "through": 4_000_000_000, "queue": 4_000_000_000}


@pytest.mark.parametrize(
    ("option", "value", "refused"),
    [
        ("--max-size", "0.25", [("maker", "max_size"), ("taker", "max_size")]),
        ("--max-value", "50", [("maker", "max_value")]),
    ],
)
def test_limits_refuse_orders_and_leave_the_others(
    run: Run, option: str, value: str, refused: list[tuple[str, str]]
) -> None:
    told = run("replay", TAPE, "--orders", ORDERS, option, value, "--json")

    assert told.exit_code == 0
    found = [(item["oid"], item["code"]) for item in objects(told.stdout, "refused")]
    assert [item for item in found if item in refused] == refused
    assert {item["oid"] for item in objects(told.stdout, "status")}.isdisjoint(oid for oid, _ in refused)


def test_the_records_are_kept_on_request_and_never_added_to(run: Run, tmp_path: Path) -> None:
    out = tmp_path / "run" / "one"

    first = run("replay", TAPE, "--orders", ORDERS, "--out", out)
    second = run("replay", TAPE, "--orders", ORDERS, "--out", out)

    assert first.exit_code == 0
    assert first.stdout.endswith(f"Records: {out}; fsm-ems why ORDER {out} tells each step.\n")
    assert len({record.oid for record in RecordFile(out / "records.log")} - {""}) == 4
    assert second.exit_code == 2
    assert "there already: name another directory" in second.stderr


def test_a_run_is_not_kept_where_an_ems_has_its_journal(run: Run, tmp_path: Path) -> None:
    """``pps.toml`` there is of the journal's records, and would be written over from those of the run."""
    pps = tmp_path / "pps.toml"
    pps.write_text("theirs")
    journal = Journal(tmp_path)
    before = sorted(tmp_path.iterdir())

    alive = run("replay", TAPE, "--orders", ORDERS, "--out", tmp_path)
    journal.close()
    ended = run("replay", TAPE, "--orders", ORDERS, "--out", tmp_path)

    for told in (alive, ended):
        assert (told.exit_code, told.stdout) == (2, "")
        assert f"{tmp_path / 'journal.sqlite'} is there already" in " ".join(told.stderr.split())
    assert (pps.read_text(), before[-1] == pps) == ("theirs", True)
    assert {path.name for path in tmp_path.iterdir()} <= {path.name for path in before}


@pytest.mark.parametrize("name", ["archive-000000000001-000000000002", "snapshot-000000000002"])
def test_a_run_is_not_kept_where_a_journal_has_been(run: Run, tmp_path: Path, name: str) -> None:
    (tmp_path / name).touch()

    told = run("replay", TAPE, "--orders", ORDERS, "--out", tmp_path)

    assert (told.exit_code, [path.name for path in tmp_path.iterdir()]) == (2, [name])
    assert f"{name} is there already: name another" in " ".join(told.stderr.replace("│", "").split())


def test_a_run_is_not_kept_where_the_positions_of_an_ems_are(run: Run, tmp_path: Path) -> None:
    """Those of an earlier run, whose records somebody has deleted, are written anew."""
    pps = tmp_path / "pps.toml"
    pps.write_text('generation = "5f0c"\nseq = 3\nfee_factor = "2"\n')

    told = run("replay", TAPE, "--orders", ORDERS, "--out", tmp_path)
    pps.write_text(pps.read_text().replace("5f0c", "replay"))
    again = run("replay", TAPE, "--orders", ORDERS, "--out", tmp_path)

    assert (told.exit_code, again.exit_code) == (2, 0)
    assert "pps.toml is there already" in " ".join(told.stderr.replace("│", "").split())


def test_a_wrong_tape_leaves_no_records_in_the_way_of_the_next_attempt(run: Run, tmp_path: Path) -> None:
    tape, out = tmp_path / "tape.csv", tmp_path / "run"
    tape.write_text("not a tape\n")

    assert run("replay", tape, "--orders", ORDERS, "--out", out).exit_code == 2
    tape.write_text(TAPE.read_text() + "one bad line\n")
    told = run("replay", tape, "--orders", ORDERS, "--out", out)
    assert (told.exit_code, list(out.iterdir())) == (2, [])
    assert (
        run("replay", TAPE, "--orders", ORDERS, "--market", "a.b,maker_bps=99999", "--out", out).exit_code
        == 2
    )
    assert run("replay", TAPE, "--orders", ORDERS, "--out", out).exit_code == 0


def test_what_a_killed_run_left_is_not_added_to(run: Run, tmp_path: Path) -> None:
    (tmp_path / "records.log.begun").write_text("half a record")

    assert run("replay", TAPE, "--orders", ORDERS, "--out", tmp_path).exit_code == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ledger", "pps.toml", "records.log"]
    assert RecordFile(tmp_path / "records.log").check() is None


def test_an_order_that_was_never_submitted_is_told_so(run: Run, tmp_path: Path) -> None:
    late = ORDERS.read_text().replace("at = 1200000000", "at = 8000000000")
    orders = tmp_path / "orders.toml"
    orders.write_text(late)

    told = run("replay", TAPE, "--orders", orders, "--max-size", "0.5")

    assert "refused maker: max_size: size 0.6 is above 0.5" in told.stdout
    assert "bought 0.3 btc in 1 fill at 99.9 usdt" in told.stdout
    assert re.search(r"^ maker +buy +limit +refused +- ", told.stdout, re.MULTILINE)


@pytest.mark.parametrize(
    ("times", "note"),
    [
        ((1_000_000_000, 6_000_000_000, 6_000_000_000), ""),
        ((999_999_999, 1_000_000_000, 6_000_000_000), "1 command lies {}: 1 before it, 0 after it"),
        ((1_000_000_000, 2_000_000_000, 6_000_000_001), "1 command lies {}: 0 before it, 1 after it"),
        ((1, 7_000_000_000, 8_000_000_000), "3 commands lie {}: 1 before it, 2 after it"),
    ],
)
@pytest.mark.parametrize("option", [(), ("--json",)])
def test_commands_outside_the_tape_are_noted_on_stderr(
    run: Run, tmp_path: Path, times: tuple[int, int, int], note: str, option: tuple[str, ...]
) -> None:
    submit, edit, cancel = times
    orders = tmp_path / "orders.toml"
    orders.write_text(
        f'[[order]]\nat = {submit}\noid = "a"\nside = "buy"\nsize = "1"\nprice = "1"\n'
        f'[[edit]]\nat = {edit}\noid = "a"\nprice = "2"\n[[cancel]]\nat = {cancel}\noid = "a"\n'
    )

    told = run("replay", TAPE, "--orders", orders, *option)

    where = "outside the tape's time, 1000000000 to 6000000000"
    assert told.exit_code == 0
    assert told.stderr == (f"note: {note.format(where)}\n" if note else "")
    assert "note" not in told.stdout
    assert "1 cancelled." in told.stdout or option


# What is wrong with the input, in one line and with exit code 2.


def wrong(run: Run, tape: Path, orders: Path, *options: str) -> str:
    told = run("replay", tape, "--orders", orders, *options)
    assert (told.exit_code, told.stdout) == (2, "")
    assert "Traceback" not in told.stderr
    return told.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    ("line", "cells", "told"),
    [
        (
            1,
            "time,kind",
            "the header must be time_ns,kind,bid,bid_size,ask,ask_size,price,size,side,trade_id",
        ),
        (2, "1000000000,quote,100.00", "3 cells where 10 are needed"),
        (3, "1500000000,trade,,,,,abc,0.2,buy,1", "price: 'abc'"),
        (3, "1500000000,trade,,,,,NaN,0.2,buy,1", "price: 'NaN'"),
        (3, "1500000000,print,,,,,1,0.2,buy,1", "kind: 'print' is neither quote nor trade"),
        (4, "1400000000,trade,,,,,1,0.2,buy,1", "1400000000 comes after 1500000000; times never fall"),
    ],
)
def test_a_wrong_tape_is_told_with_its_line(
    run: Run, tmp_path: Path, line: int, cells: str, told: str
) -> None:
    rows = TAPE.read_text().splitlines()
    rows[line - 1] = cells
    tape = tmp_path / "tape.csv"
    tape.write_text("\n".join(rows))

    error = wrong(run, tape, ORDERS)

    assert error.startswith(f"Error: {tape}, line {line}: ")
    assert told in error


def test_an_empty_tape_is_refused(run: Run, tmp_path: Path) -> None:
    tape = tmp_path / "tape.csv"
    tape.write_text(TAPE.read_text().splitlines()[0])

    assert wrong(run, tape, ORDERS) == f"Error: {tape}: there is no row in it"


def test_wrong_orders_are_told_with_their_place(run: Run, tmp_path: Path) -> None:
    orders = tmp_path / "orders.toml"

    orders.write_text("[[order]\n")
    assert wrong(run, TAPE, orders).startswith(f"Error: {orders}: not TOML: ")

    orders.write_bytes(b"\xff")
    assert wrong(run, TAPE, orders) == f"Error: {orders}: not UTF-8 text: invalid start byte at byte 0"

    orders.write_text(ORDERS.read_text().replace('size = "0.6"', 'size = "none"'))
    assert wrong(run, TAPE, orders).startswith(f"Error: {orders}, [[order]] number 1 (maker): size: ")


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(OrderFileError, match=f"^{tmp_path}: Is a directory$"):
        read_text(tmp_path)


def test_a_missing_file_is_named(run: Run, tmp_path: Path) -> None:
    gone = tmp_path / "gone"

    assert wrong(run, gone, ORDERS) == f"Error: Invalid value for 'TAPE': File '{gone}' does not exist."
    assert wrong(run, TAPE, gone) == f"Error: Invalid value for '--orders': File '{gone}' does not exist."


@pytest.mark.parametrize(
    ("option", "value", "told"),
    [
        ("--market", "btcusdt", "'btcusdt' is no address: write what is traded, a point and the broker"),
        ("--market", "a.b,tick=1", "'tick=1' is not NAME=VALUE with a NAME of price_tick, size_tick"),
        ("--market", "a.b,base=", "'base=' is not NAME=VALUE"),
        ("--market", "a.b,price_tick=0", "price_tick=0: a number above zero is needed"),
        ("--market", "a.b,min_size=-1", "min_size=-1: zero or more is needed"),
        ("--market", "a.b,maker_bps=NaN", "maker_bps=NaN: "),
        ("--latency", "fast", "'fast' is no time: write 0ms, 1.5ms, 200us, 350ns or 2s"),
        ("--latency", "-1ms", "'-1ms' is no time"),
        ("--latency", "1.5ns", "'1.5ns' is not a whole number of nanoseconds"),
        ("--max-size", "0", "'0' is not above zero"),
        ("--max-value", "1e99", "'1e99': "),
        ("--fill-model", "luck", "'luck' is not one of 'touch', 'through', 'queue'"),
    ],
)
def test_a_wrong_option_is_told(run: Run, option: str, value: str, told: str) -> None:
    assert told in wrong(run, TAPE, ORDERS, option, value)


def test_a_market_that_makes_no_sense_is_told(run: Run) -> None:
    told = wrong(run, TAPE, ORDERS, "--market", "btcusdt.paper,maker_bps=10000")

    assert told == "Error: btcusdt.paper: maker_bps must lie within 10000 basis points"


@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [("0", 0), ("0ms", 0), ("1.5ms", 1_500_000), ("200us", 200_000), ("200µs", 200_000), ("7 ns", 7),
     ("0.000000001s", 1), ("2s", 2_000_000_000)],
)  # fmt: skip
def test_a_latency_is_exact_to_the_nanosecond(run: Run, text: str, nanoseconds: int) -> None:
    told = run("replay", TAPE, "--orders", ORDERS, "--latency", text, "--json")

    first = next(item for item in objects(told.stdout, "status") if item["event"] == "ack")
    assert first["time_ns"] == 1_200_000_000 + nanoseconds


@pytest.mark.parametrize(
    ("market", "fee_asset"),
    [
        ("btcusdt.paper", "usdt"),
        ("xbt/eur.paper", "eur"),
        ("ethbtc.kraken", "btc"),
        ("gold.paper", "quote"),
        ("gold.paper,min_size=0,min_cost=0", "quote"),
        ("gold.paper,quote=usd,base=ounce", "usd"),
    ],
)
def test_fees_are_in_the_quote_asset(run: Run, market: str, fee_asset: str) -> None:
    told = run("replay", TAPE, "--orders", ORDERS, "--market", f"{market},taker_bps=1,maker_bps=1", "--json")

    fills = [item["report"] for item in objects(told.stdout, "status") if item["event"].startswith("fill")]
    assert {report["fee_asset"] for report in fills} == {fee_asset}
    assert sum(Decimal(report["size"]) for report in fills) == Decimal("1.1")


def test_what_the_ems_itself_withheld_is_not_told_as_the_venues_doing(run: Run, tmp_path: Path) -> None:
    """The limit on value allows the price that it waits for, 100.15, and not the one it would leave with."""
    orders = tmp_path / "stop.toml"
    orders.write_text(
        '[[order]]\nat = 2500000000\noid = "stop"\nside = "buy"\nsize = "0.5"\n'
        'mode = "dark"\ntrigger = "stop"\nprice = "100.15"\n'
    )
    told = run("replay", TAPE, "--orders", orders, "--market", MARKET, "--max-value", "50.12")

    assert "\nrejected stop: it was not sent: max_value: 0.5 at 100.35 is above 50.12\n" in told.stdout
    assert "venue" not in told.stdout


def test_a_tape_that_is_not_on_the_markets_tick_is_noted_once(run: Run) -> None:
    """Two of its prints are between tenths, and quotes between fifths as well."""
    told = [
        run("replay", TAPE, "--orders", ORDERS, "--market", f"{MARKET},price_tick={tick}", "--json").stderr
        for tick in ("0.05", "0.1", "0.2")
    ]

    assert told[0] == NOTE
    assert told[1] == (
        f"{NOTE}note: 2 of 7 rows have a price that is no multiple of price_tick 0.1: say the market's own, "
        "--market ADDRESS,price_tick=TICK\n"
    )
    assert "note: 7 of 7 rows have a price" in told[2]
