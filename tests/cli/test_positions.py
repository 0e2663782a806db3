"""``fsm-ems positions``: what the records of a run add up to."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from pathlib import Path
from typing import Any
from zlib import crc32

import pytest

from fsm_ems.journal.file import FileLog
from fsm_ems.journal.lines import unframed
from tests.cli.conftest import HERE, Run
from tests.dialogs.desk import Desk

TAPE = HERE / "tape.csv"
ORDERS = HERE / "orders.toml"


def lines(text: str, name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = [json.loads(line) for line in text.splitlines()]
    return [line for line in found if line["name"] == name]


def test_the_position_of_a_replay_is_the_sum_of_its_fills(run: Run) -> None:
    told = run("replay", TAPE, "--orders", ORDERS, "--json")

    sides = {"maker": 1, "taker": -1, "edited": 1, "post-only": 1}
    fills = lines(told.stdout, "fill")
    size = sum((sides[fill["oid"]] * Decimal(fill["size"]) for fill in fills), Decimal(0))
    paid = [sides[fill["oid"]] * Decimal(fill["size"]) * Decimal(fill["price"]) for fill in fills]
    [position] = lines(told.stdout, "position")
    assert Decimal(position["size"]) == size
    assert Decimal(position["cash"]["usdt"]) == -sum(paid, Decimal(0))
    assert Decimal(position["fees"]["usdt"]) == sum((Decimal(fill["fee"]) for fill in fills), Decimal(0))


def test_the_records_tell_the_same_as_the_replay_did(run: Run, tmp_path: Path) -> None:
    kept = tmp_path / "run"
    replayed = run("replay", TAPE, "--orders", ORDERS, "--json", "--out", kept)

    told = run("positions", kept, "--json")

    assert (told.exit_code, told.stderr) == (0, "")
    assert lines(told.stdout, "position") == lines(replayed.stdout, "position")
    assert sorted(path.name for path in kept.iterdir()) == ["ledger", "pps.toml", "records.log"]


def test_the_fee_factor_is_asked_for_and_changes_the_price_per_unit_alone(run: Run, tmp_path: Path) -> None:
    kept = tmp_path / "run"
    asked = ("--fee-factor", "0")
    fees = ("--market", "btcusdt.paper,maker_bps=1,taker_bps=1")
    replayed = run("replay", TAPE, "--orders", ORDERS, "--json", "--out", kept, *asked, *fees)

    [usual] = lines(run("positions", kept, "--json").stdout, "position")
    [without] = lines(run("positions", kept, "--json", *asked).stdout, "position")

    assert [without] == lines(replayed.stdout, "position")
    assert {name for name, value in usual.items() if without[name] != value} == {"ppu"}
    assert 'fee_factor = "0"' in (kept / "pps.toml").read_text()
    refused = run("positions", kept, "--fee-factor", "-1")
    assert (refused.exit_code, "'-1' is not zero or above zero" in refused.stderr) == (2, True)


def test_a_table_has_a_line_for_each_position(run: Run, tmp_path: Path) -> None:
    kept = tmp_path / "run"
    run("replay", TAPE, "--orders", ORDERS, "--out", kept)

    told = run("positions", kept)

    assert told.exit_code == 0
    heading, _, row = told.stdout.strip().splitlines()
    assert heading.split()[:3] == ["account", "market", "size"]
    assert row.split()[:6] == ["main", "btcusdt.paper", "0.3", "99.9333", "99.9333", "0.020"]


@pytest.mark.parametrize("harm", ["altered", "none"])
def test_what_is_wrong_with_the_records_is_told(run: Run, tmp_path: Path, harm: str) -> None:
    kept = tmp_path / "run"
    if harm == "altered":
        run("replay", TAPE, "--orders", ORDERS, "--out", kept)
        records = kept / "records.log"
        records.write_text(records.read_text().replace('"P1"', '"P9"'))
    else:
        kept.mkdir()

    told = run("positions", kept)

    assert (told.exit_code, told.stdout) == (2, "")
    assert "Traceback" not in told.stderr
    assert ("the checksum does not match" if harm == "altered" else "holds no records") in told.stderr


def test_where_nothing_was_traded_there_is_no_table(run: Run, tmp_path: Path) -> None:
    orders = tmp_path / "orders.toml"
    orders.write_text('[[order]]\nat = 1200000000\noid = "a"\nside = "buy"\nsize = "1"\nprice = "1"\n')
    kept = tmp_path / "run"
    run("replay", TAPE, "--orders", orders, "--out", kept)

    told = run("positions", kept)

    assert (told.exit_code, told.stdout) == (0, "No position: nothing was traded.\n")
    assert run("positions", kept, "--json").stdout == ""


def test_whole_records_that_cannot_be_are_told_with_their_file(run: Run, tmp_path: Path) -> None:
    """Each line has the right checksum; what they tell cannot have happened."""
    kept = tmp_path / "run"
    run("replay", TAPE, "--orders", ORDERS, "--out", kept)
    records = kept / "records.log"
    texts = [unframed(line) or b"" for line in records.read_bytes().splitlines(keepends=True)]
    texts = [text.replace(b'"event":"ack"', b'"event":"submit"') for text in texts]
    records.write_bytes(b"".join(b"%08x %b\n" % (crc32(text), text) for text in texts))

    told = run("positions", kept)

    assert (told.exit_code, told.stdout) == (2, "")
    assert re.match(rf"Error: {records}, line \d+: it cannot follow what is before it: ", told.stderr)


def doubtful(folder: Path) -> None:
    """Records of an order that has traded 4 of 10, and of another that has not, both in doubt."""
    desk = Desk()
    desk.order()
    desk.ack()
    desk.fill("4")
    desk.order("o2", account="other", side="sell")
    desk.link("lost")
    log = FileLog(folder / "records.log")
    for record in desk.log:
        log.append(record)
    log.close()


def test_while_an_order_is_in_doubt_a_size_is_a_range(run: Run, tmp_path: Path) -> None:
    """Where nothing has traded yet, too."""
    doubtful(tmp_path)

    found = lines(run("positions", tmp_path, "--json").stdout, "position")
    assert [(each["account"], each["size"], each["low"], each["high"]) for each in found] == [
        ("main", "4", "4", "10"),
        ("other", "0", "-10", "0"),
    ]
    _, _, *rows = run("positions", tmp_path).stdout.strip().splitlines()
    assert [" ".join(row.split()[2:6]) for row in rows] == ["4 (4 to 10)", "0 (-10 to 0)"]
