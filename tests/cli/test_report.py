"""``fsm-ems replay --report``: a page beside the table or the JSON, whole or not at all."""

import os
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from plotly.offline import get_plotlyjs

from fsm_ems.cli.report import PageFile
from fsm_ems.quotes import Row
from fsm_ems.report.page import BEGINS
from tests.cli.conftest import HERE, Run
from tests.report.conftest import Parsed

TAPE = HERE / "tape.csv"
ORDERS = HERE / "orders.toml"


def test_the_page_is_written_beside_the_table(run: Run, tmp_path: Path) -> None:
    page = tmp_path / "run.html"

    told = run("replay", TAPE, "--orders", ORDERS, "--report", page)
    plain = run("replay", TAPE, "--orders", ORDERS)

    assert (told.exit_code, told.stderr) == (0, plain.stderr)
    assert told.stdout == f"{plain.stdout}Page: {page}\n"
    assert [path.name for path in tmp_path.iterdir()] == ["run.html"]
    root = Parsed(page.read_text()).root
    assert root.every("script")[0].text == get_plotlyjs()
    assert root.one("h1").text == "Replay of tape.csv"
    assert [section.attributes["id"] for section in root.every("details", class_="order card")] == [
        "maker", "taker", "edited", "post-only",
    ]  # fmt: skip


def test_the_json_is_the_same_with_a_page_and_the_page_the_same_with_json(run: Run, tmp_path: Path) -> None:
    beside_json, beside_table = tmp_path / "json.html", tmp_path / "table.html"

    told = run("replay", TAPE, "--orders", ORDERS, "--json", "--report", beside_json)
    run("replay", TAPE, "--orders", ORDERS, "--report", beside_table, "--out", tmp_path / "kept")

    assert told.stdout == run("replay", TAPE, "--orders", ORDERS, "--json").stdout
    assert beside_json.read_bytes() == beside_table.read_bytes()
    assert (tmp_path / "kept" / "records.log").is_file()


MIXED = """
[[order]]
at = 1000000000
oid = "s"
side = "sell"
size = "1"
mode = "dark"
trigger = "stop"
type = "market"
price = "90"

[[order]]
at = 1000000000
oid = "h"
side = "buy"
size = "1"
mode = "dark"
trigger = "touch"
price = "90"

[[order]]
at = 1000000000
oid = "t"
side = "sell"
size = "1"
mode = "dark"
trigger = "trail"
trail = "30"

[[order]]
at = 1000000000
oid = "d"
side = "sell"
size = "1"
mode = "dark"
price = "110"

[[order]]
at = 1000000000
oid = "a"
side = "alert"
price = "110"

[[order]]
at = 9000000000
oid = "late"
side = "buy"
size = "1"
price = "90"
"""


@pytest.mark.parametrize("orders", [ORDERS.read_text(), MIXED])
def test_the_page_and_the_table_call_each_order_the_same(run: Run, tmp_path: Path, orders: str) -> None:
    page, file = tmp_path / "run.html", tmp_path / "orders.toml"
    file.write_text(orders)

    told = run("replay", TAPE, "--orders", file, "--report", page)

    table = Parsed(page.read_text()).root.every("div", class_="wide card")[0].rows()
    assert table
    assert [" ".join(row) for row in table] == [
        " ".join(line.split()) for line in told.stdout.splitlines()[4 : 4 + len(table)]
    ]


def test_a_name_that_is_no_text_is_written_as_far_as_it_is(run: Run, tmp_path: Path) -> None:
    tape, page = tmp_path / os.fsdecode(b"t\xff.csv"), tmp_path / "run.html"
    tape.write_bytes(TAPE.read_bytes())

    told = run("replay", tape, "--orders", ORDERS, "--report", page)

    assert told.exit_code == 0
    assert Parsed(page.read_text(encoding="utf-8")).root.one("h1").text == "Replay of t\ufffd.csv"


def test_an_earlier_page_is_replaced(run: Run, tmp_path: Path) -> None:
    page, other = tmp_path / "run.html", tmp_path / "orders.toml"
    other.write_text(MIXED)
    assert run("replay", TAPE, "--orders", other, "--report", page).exit_code == 0
    old = page.read_text()

    with page.open() as reader:
        assert run("replay", TAPE, "--orders", ORDERS, "--report", page).exit_code == 0

        assert reader.read() == old, "whoever reads the earlier page reads it whole"
    assert page.read_text() != old


@pytest.mark.parametrize("text", ["", "<!doctype html>\n<html>the quarter's figures</html>\n"])
def test_what_is_no_page_of_ours_is_never_replaced(run: Run, tmp_path: Path, text: str) -> None:
    page = tmp_path / "run.html"
    page.write_text(text)

    told = refused(run, page)

    assert f"{page} is there already and is no page of a replay: name another file, or remove it" in told
    assert page.read_text() == text
    assert [*tmp_path.iterdir()] == [page]


def test_a_page_may_lie_beside_the_records_of_its_run(run: Run, tmp_path: Path) -> None:
    """In a directory that the run makes; nothing is left of them where the page cannot be written."""
    out = tmp_path / "runs" / "run1"

    told = run("replay", TAPE, "--orders", ORDERS, "--out", out, "--report", out / "gone" / "page.html")
    assert (told.exit_code, told.stdout) == (2, "")
    assert [*out.iterdir()] == []
    told = run("replay", TAPE, "--orders", ORDERS, "--out", out, "--report", out / "page.html")

    assert told.exit_code == 0
    assert told.stdout.endswith(f"Page: {out / 'page.html'}\n")
    assert {"page.html", "pps.toml", "records.log"} < {path.name for path in out.iterdir()}


@pytest.mark.parametrize("name", ["records.log", "pps.toml"])
def test_records_are_never_replaced_by_a_page(run: Run, tmp_path: Path, name: str) -> None:
    """Neither those of an earlier run nor those that the run is about to keep."""
    earlier, out = tmp_path / "run1", tmp_path / "run2"
    assert run("replay", TAPE, "--orders", ORDERS, "--out", earlier).exit_code == 0
    kept = (earlier / name).read_bytes()

    assert f"{earlier / name}: a page is named FILE.html" in refused(run, earlier / name)
    told = run("replay", TAPE, "--orders", ORDERS, "--out", out, "--report", out / name)
    assert (told.exit_code, told.stdout) == (2, "")
    assert (earlier / name).read_bytes() == kept


def refused(run: Run, page: Path, orders: Path = ORDERS) -> str:
    told = run("replay", TAPE, "--orders", orders, "--report", page)
    assert (told.exit_code, told.stdout) == (2, "")
    assert "Traceback" not in told.stderr
    return re.sub(r"\s+", " ", told.stderr)


def test_a_path_that_cannot_be_written_is_refused_before_the_run(run: Run, tmp_path: Path) -> None:
    gone, under_a_file = tmp_path / "gone" / "run.html", ORDERS / "run.html"

    assert f"Invalid value for '--report': File '{tmp_path}' is a directory." in refused(run, tmp_path)
    assert f"'--report': {gone} cannot be written: No such file or directory" in refused(run, gone)
    assert f"'--report': {under_a_file} cannot be written: Not a directory" in refused(run, under_a_file)
    assert "'--report': /dev/null is no plain file" in refused(run, Path("/dev/null"))


def test_the_page_never_replaces_what_is_read(run: Run, tmp_path: Path) -> None:
    orders = tmp_path / "orders.toml"
    orders.write_text(ORDERS.read_text())

    assert f"{orders} is what is to be read" in refused(run, orders, orders)
    assert orders.read_text() == ORDERS.read_text()


def test_a_run_that_fails_leaves_the_earlier_page(run: Run, tmp_path: Path) -> None:
    page, tape = tmp_path / "run.html", tmp_path / "tape.csv"
    page.write_text(f"{BEGINS}old")
    tape.write_text(TAPE.read_text() + "nonsense\n")

    told = run("replay", tape, "--orders", ORDERS, "--report", page)

    assert told.exit_code == 2
    assert page.read_text() == f"{BEGINS}old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["run.html", "tape.csv"]


def test_a_page_that_cannot_be_finished_is_told(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The directory takes the file's place while the run goes on."""
    page = tmp_path / "run.html"
    watching = PageFile.watching

    def in_the_way(file: PageFile, rows: Iterable[Row]) -> Iterator[Row]:
        page.mkdir()
        return watching(file, rows)

    monkeypatch.setattr(PageFile, "watching", in_the_way)

    told = run("replay", TAPE, "--orders", ORDERS, "--report", page)

    assert (told.exit_code, told.stdout) == (1, "")
    assert told.stderr == f"Error: {page} cannot be written: Is a directory\n"
    assert [path.name for path in tmp_path.iterdir()] == ["run.html"]


def test_without_plotly_the_command_says_what_is_missing(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "plotly.offline", None)

    told = run("replay", TAPE, "--orders", ORDERS, "--report", tmp_path / "run.html")
    without = run("replay", TAPE, "--orders", ORDERS)

    assert (told.exit_code, told.stdout) == (1, "")
    assert told.stderr == (
        "Error: --report draws with plotly, which is missing: pip install 'fsm_ems[report]'\n"
    )
    assert without.exit_code == 0
    assert [*tmp_path.iterdir()] == []
