"""An order explained: every step with its row, its cause and what left; as a table and as a diagram."""

import re
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fsm_ems.dialogs.dispatcher import Dispatcher
from fsm_ems.dialogs.record import CancelWanted
from fsm_ems.dialogs.settings import SECOND_NS, Capabilities, Settings
from fsm_ems.errors import Refused
from fsm_ems.journal.file import FileLog, RecordFile
from fsm_ems.journal.memory import MemoryLog
from fsm_ems.machines.link import LinkEvent
from fsm_ems.machines.order import ORDER
from fsm_ems.market import Market
from fsm_ems.messages import Cancel, Command, Edit, Order, OrderDetails, Report, parse_report
from fsm_ems.quotes import Quote, Row, Trade
from fsm_ems.testing.records import REPORTS
from fsm_ems.why import HEADINGS, Step, as_mermaid, as_rows, as_text, report_text, steps, time_text, why

D = Decimal


class Desk:
    """A dispatcher with its log, on a clock that every input moves on by a second."""

    def __init__(self, keep_finished: int = 10_000) -> None:
        self.log = MemoryLog()
        self.now_ns = 1_610_064_000 * SECOND_NS
        settings = Settings(
            brokers={"kraken": Capabilities()},
            keep_finished=keep_finished,
            markets={"xbtusd.kraken": Market("xbtusd.kraken", "xbt", "usd", D("0.1"), D("0.1"))},
        )
        self.dispatcher = Dispatcher(
            settings, self.log.append, generation="g", now_ns=self.now_ns, lookup=self.log.lookup
        )
        for owner in ("main", "other"):
            self.dispatcher.grant(owner, "trader", self.now_ns)
        for event in (LinkEvent.CONNECT, LinkEvent.CONNECTED, LinkEvent.SYNCED):
            self.dispatcher.link("kraken", event, self.now_ns)

    def tell(self, command: Command, owner: str = "main") -> None:
        self.now_ns += SECOND_NS
        self.dispatcher.command(owner, command, self.now_ns)

    def submit(self, oid: str = "a", owner: str = "main", **terms: object) -> int | str | None:
        fields = {"side": "buy", "market": "xbtusd.kraken", "size": D(2), "price": D(100), **terms}
        self.tell(Order(oid=oid, **fields), owner)  # type: ignore[arg-type]  # pydantic looks at them
        dialog = self.dispatcher.book.dialog(owner, oid)
        return None if dialog is None else dialog.reqid

    def hear(self, name: str, **says: object) -> None:
        self.now_ns += SECOND_NS
        report = parse_report({"name": f"brokerd_{name}", "venue_id": "V1", **says})
        self.dispatcher.report("kraken", report, self.now_ns)

    def show(self, row: Row) -> None:
        self.dispatcher.quote("xbtusd.kraken", row, self.now_ns)

    def wait(self, seconds: int) -> None:
        self.now_ns += seconds * SECOND_NS
        self.dispatcher.pass_time(self.now_ns)


@pytest.fixture
def desk() -> Desk:
    return Desk()


def told(step: Step) -> tuple[str, str, str, str]:
    return step.actor, step.cause, step.event, f"{step.source} {step.state}"


def test_a_stashed_cancel_is_told_step_by_step(desk: Desk) -> None:
    reqid = desk.submit()
    desk.tell(Cancel(oid="a"))
    desk.hear("ack", reqid=reqid)
    desk.hear("fill", exec_id="x", size="0.5", price="99", fee="0.1", fee_asset="USD")
    desk.hear("status", status="cancelled", text="as asked")

    life = why(desk.log, "a")

    assert [told(step) for step in life] == [
        ("owner", "submit buy 2 xbtusd.kraken at 100, gtc", "submit", "new pending"),
        ("owner", "cancel", "cancel", "pending cancel_stashed"),
        ("broker", "ack, its id is V1", "ack", "cancel_stashed cancelling"),
        ("broker", "fill x: 0.5 at 99, fee 0.1 USD", "fill", "cancelling cancelling"),
        ("broker", 'status cancelled "as asked"', "cancelled", "cancelling cancelled"),
    ]
    assert [step.sends for step in life] == [
        (f"order {reqid}: buy 2 at 100, gtc",), (), (f"cancel g-{life[1].seq} of {reqid}",), (), (),
    ]  # fmt: skip
    assert [(step.filled, step.leaves) for step in life[2:]] == [
        (D(0), D(2)),
        (D("0.5"), D("1.5")),
        (D("0.5"), D(0)),
    ]
    assert (life[-1].average_price, life[-1].ord_status) == (D(99), "Canceled")
    assert all(step.told and step.alarm is None and step.broker == "kraken" for step in life)
    for step in life:
        row = next(row for row in ORDER.rows if (row.source, row.event) == (step.source, step.event))
        assert (step.reason, step.state) == (row.reason, row.dest)


def test_what_was_sent_is_told_with_its_terms(desk: Desk) -> None:
    reqid = desk.submit(post_only=True)

    assert why(desk.log, "a")[0].sends == (f"order {reqid}: buy 2 at 100, gtc, post only",)


def test_two_steps_of_one_record_give_both_reasons(desk: Desk) -> None:
    reqid = desk.submit()
    desk.hear("ack", reqid=reqid)
    desk.tell(Edit(oid="a", edit_id="e1", size=D(3)))
    desk.tell(Edit(oid="a", edit_id="e2", price=D(101)))
    edit = desk.log.of("main", "a")[2].payload
    assert not isinstance(edit, CancelWanted)
    desk.tell(Cancel(oid="a"))
    desk.wait(20)
    desk.hear("status", status="open")

    life = why(desk.log, "a")

    found = life[-1]
    assert (found.event, found.source, found.state) == ("found_open, resume_cancel", "unknown", "cancelling")
    assert found.reason == "evidence: it rests or trades at the venue; a cancel is still wanted"
    assert [step.cause for step in life[2:4]] == ["edit e1: size 3", "edit e2: price 101"]
    assert life[2].sends == (f"edit g-{life[2].seq} of {reqid}: size 3, price 100",)


def test_what_the_ems_does_of_itself_is_told_in_the_words_of_the_table(desk: Desk) -> None:
    reqid = desk.submit()
    desk.wait(5)
    desk.wait(5)

    _, late, asked = why(desk.log, "a")

    assert told(late) == (
        "ems",
        "a request's deadline has passed without an answer",
        "deadline",
        "pending unknown",
    )
    assert told(asked) == ("ems", "the venue is asked about the order", "ask", "unknown unknown")
    assert asked.sends == (f"query q{asked.seq} of {reqid}",)


def test_a_dark_order_and_an_alert_tell_their_price(desk: Desk) -> None:
    desk.submit("dark", mode="dark", type="market", direction="at_or_below")
    desk.dispatcher.trigger("main", "dark", desk.now_ns)
    desk.submit("alert", side="alert", size=None, direction="at_or_above")
    desk.show(Trade(desk.now_ns, D(101), D(1), "", ""))
    desk.submit("trail", side="sell", price=None, mode="dark", trigger="trail", trail=D(3))
    desk.show(Trade(desk.now_ns, D(104), D(1), "", ""))
    desk.show(Trade(desk.now_ns, D(101), D(1), "", ""))
    desk.show(Quote(desk.now_ns, D(100), D(1), D(102), D(1)))
    desk.submit("post", post_only=True)

    dark, alert, trail = (why(desk.log, oid) for oid in ("dark", "alert", "trail"))

    met = "met at or below 100"
    assert dark[0].cause == f"submit buy 2 xbtusd.kraken at 100, dark, gtc, at or below; {met}"
    fired = "fired by hand; it goes out at market"
    assert told(dark[1]) == ("ems", fired, "trigger", "dark_open dark_triggered")
    assert dark[1].sends[0].endswith("buy 2 at market, gtc")
    assert (dark[1].reason, trail[-1].reason) == (
        "fired by hand",
        "the market turned and met the stop that trailed it",
    )
    assert alert[0].cause == "submit alert xbtusd.kraken at 100, at or above; met at or above 100"
    assert told(alert[1]) == ("ems", "a print at 101", "alert", "alert_open alert_triggered")
    assert trail[0].cause == ("submit sell 2 xbtusd.kraken, dark, gtc, trail, 3 behind; met at or below 98")
    assert [told(step) for step in trail[1:]] == [
        ("ems", "a print at 104; its stop is 101 now", "trail", "dark_open dark_open"),
        ("ems", "a print at 101", "met", "dark_open dark_open"),
        ("ems", "a print at 101; it goes out at 99.5", "trail_stop", "dark_open dark_triggered"),
    ]
    assert why(desk.log, "post")[0].cause.endswith("gtc, post only")


def test_a_contradiction_is_told_with_its_alarm(desk: Desk) -> None:
    reqid = desk.submit()
    desk.hear("status", reqid=reqid, status="rejected")
    desk.hear("status", reqid=reqid, status="filled")

    wrong = why(desk.log, "a")[-1]

    assert told(wrong) == ("broker", "status filled", "contradiction (filled_stated)", "rejected rejected")
    assert wrong.reason == "it cannot be right; recorded, and no state moves"
    assert wrong.alarm == "a filled size of an order the venue had rejected"
    assert as_rows([wrong])[0][-1].endswith(f"; ALARM: {wrong.alarm}")


def test_an_order_born_at_the_venue_and_one_brought_back_are_told() -> None:
    desk = Desk(keep_finished=0)
    desk.hear(
        "fill", exec_id="x", size="1", price="99",
        details=OrderDetails(market="xbtusd.kraken", side="sell", size=D(1)),
    )  # fmt: skip
    desk.hear("bust", exec_id="b", ref_id="x")
    oid = next(record.oid for record in desk.log if record.oid)

    born, filled, back, undone = why(desk.log, oid)

    assert told(born) == (
        "broker",
        "an order of its own: sell 1 xbtusd.kraken at market, gtc",
        "adopt",
        "new acked",
    )
    assert filled.state == "filled"
    assert told(back) == ("ems", "a report came late", "recalled", "filled filled")
    assert (back.told, back.reason) == (False, "memory had let it go; its records bring it back")
    assert shown(as_mermaid([back]))[3:] == ["a report came late", "filled (recalled)"]
    assert (back.filled, undone.source, undone.state) == (D(1), "filled", "open")


@pytest.mark.parametrize("kind", REPORTS.values(), ids=[kind.__name__ for kind in REPORTS])
@given(data=st.data())
def test_every_report_has_words(kind: st.SearchStrategy[Report], data: st.DataObject) -> None:
    report = data.draw(kind)

    words = report_text(report)

    assert words
    if report.text:
        assert words.endswith(f'"{report.text}"')


# Whose order.


def test_an_order_of_one_owner_needs_no_owner_and_one_of_several_does(desk: Desk) -> None:
    desk.submit("a", "main")
    desk.submit("a", "other")
    desk.submit("b", "other")

    assert [step.owner for step in why(desk.log, "b")] == ["other"]
    assert [step.owner for step in why(desk.log, "a", "main")] == ["main"]
    with pytest.raises(Refused, match="main, other each have an order a"):
        why(desk.log, "a")


@pytest.mark.parametrize("owner", [None, "", "operator"])
def test_what_is_about_no_order_is_no_order(desk: Desk, owner: str | None) -> None:
    """Links, identities and orphans have records with an empty oid."""
    with pytest.raises(Refused, match="no records of an order"):
        why(desk.log, "", owner)


@pytest.mark.parametrize("owner", [None, "main"])
def test_no_such_order_is_told(desk: Desk, owner: str | None) -> None:
    with pytest.raises(Refused, match="no records of an order nix") as caught:
        why(desk.log, "nix", owner)

    assert (caught.value.code, caught.value.oid) == ("unknown_order", "nix")


def test_a_file_tells_what_a_memory_tells(desk: Desk, tmp_path: Path) -> None:
    desk.hear("ack", reqid=desk.submit())
    log = FileLog(tmp_path / "records.log")
    for record in desk.log:
        log.append(record)

    assert why(RecordFile(tmp_path / "records.log"), "a") == why(desk.log, "a")


# Reading and drawing.


def test_the_table_has_a_line_for_each_step(desk: Desk) -> None:
    desk.hear("ack", reqid=desk.submit())
    desk.hear("fill", exec_id="x", size="2", price="99.50")

    lines = as_text(why(desk.log, "a")).splitlines()

    assert lines[0].split() == list(HEADINGS)
    assert [line.split()[0] for line in lines[1:]] == ["8", "9", "10"]
    assert re.search(r"2021-01-08T00:00:01\.000000000Z +owner +submit buy 2", lines[1])
    assert re.search(r"acked → filled +2 +0 +99\.50 ", lines[3])


def test_an_average_that_does_not_end_is_cut_in_the_table_alone(desk: Desk) -> None:
    desk.hear("ack", reqid=desk.submit(size="3"))
    desk.hear("fill", exec_id="x", size="1", price="99.5")
    desk.hear("fill", exec_id="y", size="2", price="99.6")

    life = why(desk.log, "a")

    assert as_rows(life)[-1][HEADINGS.index("average")] == "99.5666666667"
    assert life[-1].average_price == D("99.56666666666666666666666666666667")


def test_time_is_told_to_the_nanosecond() -> None:
    assert time_text(1_610_064_001_000_000_042) == "2021-01-08T00:00:01.000000042Z"
    assert time_text(0) == "1970-01-01T00:00:00.000000000Z"


def test_what_a_venue_says_cannot_break_a_line_or_steer_a_terminal(desk: Desk) -> None:
    desk.hear("ack", reqid=desk.submit(), text="one\ntwo\x1b[2J\u2028three")

    text = as_text(why(desk.log, "a"))

    assert len(text.splitlines()) == 3
    assert r"one\ntwo\x1b[2J\u2028three" in text


LINE = re.compile(
    r"(?:participant (?:owner|ems|broker) as|(?:owner->>ems|broker->>ems|ems->>broker|ems-->>owner|"
    r"Note over ems|Note over owner,ems):) ((?:[\w .,:()/+=@'!?*→-]|#\d+;)+)"
)


def shown(drawing: str) -> list[str]:
    """The texts of a diagram as mermaid shows them; each line must be one that mermaid reads."""
    first, *lines = drawing.splitlines()
    assert first == "sequenceDiagram"
    texts: list[str] = []
    for line in lines:
        read = LINE.fullmatch(line.strip())
        assert read is not None, line
        texts.append(re.sub(r"#(\d+);", lambda number: chr(int(number[1])), read[1]))
    return texts


def test_the_diagram_shows_commands_sends_reports_and_statuses(desk: Desk) -> None:
    reqid = desk.submit()
    desk.hear("ack", reqid=reqid)
    desk.hear("fill", exec_id="x", size="2", price="99")

    drawing = as_mermaid(why(desk.log, "a"))

    assert drawing == (
        "sequenceDiagram\n"
        "    participant owner as main\n"
        "    participant ems as EMS\n"
        "    participant broker as kraken\n"
        "    owner->>ems: submit buy 2 xbtusd.kraken at 100, gtc\n"
        "    Note over ems: new → pending (submit)\n"
        f"    ems->>broker: order {reqid}: buy 2 at 100, gtc\n"
        "    ems-->>owner: pending\n"
        "    broker->>ems: ack, its id is V1\n"
        "    Note over ems: pending → acked (ack)\n"
        "    ems-->>owner: acked\n"
        "    broker->>ems: fill x: 2 at 99\n"
        "    Note over ems: acked → filled (fill_complete)\n"
        "    ems-->>owner: filled, 2 of 2 filled\n"
    )


@given(text=st.text(st.characters(codec="utf-8"), min_size=1, max_size=50))
def test_no_text_can_break_the_diagram(text: str) -> None:
    desk = Desk()
    desk.hear("ack", reqid=desk.submit(), text=text)

    assert f'ack, its id is V1 "{text}"' in shown(as_mermaid(why(desk.log, "a")))


def test_alarms_are_drawn_across_and_nothing_is_drawn_of_nothing(desk: Desk) -> None:
    reqid = desk.submit()
    desk.hear("status", reqid=reqid, status="rejected")
    desk.hear("status", reqid=reqid, status="filled")
    desk.wait(1)

    assert "ALARM: a filled size of an order the venue had rejected" in shown(as_mermaid(why(desk.log, "a")))
    assert shown(as_mermaid([])) == ["owner", "EMS", "broker"]


def test_no_steps_of_no_records() -> None:
    assert steps([]) == []
    assert as_text([]).split() == list(HEADINGS)
