"""``fsm-ems why``, on the records of a replay."""

import re
from pathlib import Path
from zlib import crc32

import pytest

from fsm_ems.journal.file import RecordFile
from fsm_ems.journal.lines import unframed
from fsm_ems.why import as_mermaid, as_text, why
from tests.cli.conftest import HERE, Run

LIFE = """\
edited of main at paper: open, 0.1 of 0.3 filled, PartiallyFilled
submitted 1970-01-01T00:00:04.500000000Z

         after  from    what                        event     state    why
 ──────────────────────────────────────────────────────────────────────────────────────────────────
 0.000000000 s  owner   submit buy 0.2              submit    pending  accepted and durable; the
                        btcusdt.paper at 99.70,                        broker is next
                        gtc
                        sent: order replay-15: buy
                        0.2 at 99.70, gtc
 0.000000000 s  broker  ack, its id is P3           ack       acked    the venue gave its id
 0.000000000 s  broker  status open, 0 filled       opened    open     it rests on the book
 1.000000000 s  owner   edit up: size 0.3, price    edit      editing  the replace request goes
                        99.95                                          out; old terms stay in force
                        sent: edit replay-20 of
                        replay-15: size 0.3, price
                        99.95
 1.000000000 s  broker  edit replay-20 is in        replaced  open     the new terms are in force
                        force: size 0.3, price
                        99.95
 1.000000000 s  broker  fill X4: 0.1 at 99.90       fill      open     part of it traded under the
                                                                       terms in force
"""


@pytest.fixture
def kept(run: Run, tmp_path: Path) -> Path:
    """The directory of a run."""
    told = run("replay", HERE / "tape.csv", "--orders", HERE / "orders.toml", "--out", tmp_path / "run")
    assert told.exit_code == 0
    return tmp_path / "run"


def test_elsewhere_than_on_a_terminal_each_step_is_a_line(run: Run, kept: Path) -> None:
    told = run("why", "maker", kept)

    assert (told.exit_code, told.stderr) == (0, "")
    assert told.stdout == as_text(why(RecordFile(kept / "records.log"), "maker")) + "\n"
    assert [line.split()[2] for line in told.stdout.splitlines()[1:]] == [
        "owner", "broker", "broker", "broker", "broker",
    ]  # fmt: skip


def test_on_a_terminal_the_table_keeps_to_its_width(run: Run, kept: Path) -> None:
    told = run("why", "edited", kept, FORCE_COLOR="1", COLUMNS="100")

    assert "\x1b[1;36mopen" in told.stdout
    plain = re.sub(r"\x1b\[[\d;]*m", "", told.stdout)
    assert "\n".join(line.rstrip() for line in plain.splitlines()).strip() == LIFE.strip()


def test_it_can_be_drawn(run: Run, kept: Path) -> None:
    told = run("why", "maker", kept, "--mermaid")

    assert told.stdout == as_mermaid(why(RecordFile(kept / "records.log"), "maker"))


def test_the_record_file_itself_can_be_named(run: Run, kept: Path) -> None:
    assert run("why", "maker", kept / "records.log").stdout == run("why", "maker", kept).stdout


def test_an_order_nobody_has_is_told(run: Run, kept: Path) -> None:
    unknown, of_bob = run("why", "nope", kept), run("why", "maker", kept, "--owner", "bob")

    assert (unknown.exit_code, unknown.stdout) == (1, "")
    assert unknown.stderr == "Error: unknown_order: there are no records of an order nope\n"
    assert (of_bob.exit_code, of_bob.stdout) == (1, "")
    assert of_bob.stderr == "Error: unknown_order: there are no records of an order maker of bob\n"


def test_a_directory_without_records_is_told(run: Run, tmp_path: Path) -> None:
    nothing, gone = run("why", "a", tmp_path), run("why", "a", tmp_path / "gone")

    assert nothing.exit_code == 2
    assert (
        nothing.stderr
        == f"Error: {tmp_path} holds no records: there is no journal.sqlite and no records.log in it\n"
    )
    assert gone.exit_code == 2
    assert f"Path '{tmp_path / 'gone'}' does not exist." in gone.stderr


def test_altered_records_are_told(run: Run, kept: Path) -> None:
    records = kept / "records.log"
    records.write_text(records.read_text().replace('"P1"', '"P9"'))

    told = run("why", "maker", kept)

    assert told.exit_code == 2
    assert told.stderr.startswith(f"Error: {records}, line 8: the checksum does not match")


def test_a_line_of_another_order_that_was_altered_is_told_as_well(run: Run, kept: Path) -> None:
    """Nobody can tell what else is wrong in a file that is not what was written."""
    records = kept / "records.log"
    records.write_text(records.read_text().replace('"P2"', '"P9"'))

    told = run("why", "maker", kept)

    assert (told.exit_code, told.stdout) == (2, "")
    assert re.match(rf"Error: {records}, line \d+: the checksum does not match", told.stderr)


@pytest.mark.parametrize(
    "foreign",
    [
        b"one line",
        b"one line\n",
        b"\n",
        b'{"v":1,"seq":1,"time_ns":0}\n',
        b"time_ns,kind\n1,quote\n",
        b"\xff\xfe\x00",
        b'00000000 {"v":1,"seq":7',
    ],
)
def test_a_file_that_is_no_record_log_is_told(run: Run, tmp_path: Path, foreign: bytes) -> None:
    """It is not an empty log, in which there is just no such order."""
    file = tmp_path / "notes"
    file.write_bytes(foreign)

    told = run("why", "maker", file)

    assert (told.exit_code, told.stdout) == (2, "")
    assert told.stderr.startswith(f"Error: {file}, line 1: this is no record: a record log begins otherwise")


def test_a_torn_last_line_is_left_out_and_said(run: Run, kept: Path) -> None:
    records = kept / "records.log"
    whole = run("why", "maker", kept).stdout
    with records.open("ab") as file:
        file.write(records.read_bytes().splitlines()[0][:30])
    last = len(records.read_bytes().splitlines())

    told = run("why", "maker", kept)

    assert (told.exit_code, told.stdout) == (0, whole)
    assert told.stderr == f"note: {records}, line {last} is torn or being written, and left out\n"


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ('"event":"submit"', '"event":"opened"', "it cannot follow what is before it: "),
        ('"oid":"taker"', '"oid":"maker"', "it cannot follow what is before it: "),
        ('"owner":"","oid":""', '"owner":"main","oid":"maker"', "it names an order and is about none"),
        ('"kind":"Submitted"', '"kind":"Sent"', ""),
    ],
)
def test_whole_records_that_cannot_be_are_told(
    run: Run, kept: Path, old: str, new: str, problem: str
) -> None:
    """Each line has the right checksum; what they tell cannot have happened."""
    records = kept / "records.log"
    texts = [unframed(line) or b"" for line in records.read_bytes().splitlines(keepends=True)]
    texts = [text.replace(old.encode(), new.encode()) for text in texts]
    records.write_bytes(b"".join(b"%08x %b\n" % (crc32(text), text) for text in texts))

    told = run("why", "maker", kept)

    assert (told.exit_code, told.stdout) == (2, "")
    assert re.match(rf"Error: {records}, line \d+: {problem}", told.stderr)


def test_records_that_cannot_be_read_are_a_wrong_input(run: Run, tmp_path: Path) -> None:
    (tmp_path / "records.log").mkdir()

    told = run("why", "maker", tmp_path)

    assert (told.exit_code, told.stderr) == (
        2,
        f"Error: {tmp_path / 'records.log'} cannot be read: Is a directory\n",
    )
