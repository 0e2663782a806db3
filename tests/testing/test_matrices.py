"""The scenario runner: every scenario of ours passes, and a wrong row is found where it is."""

from __future__ import annotations

import json
import runpy
import sys
from pathlib import Path
from typing import Any

import pytest

from fsm_ems.dialogs.apply import apply
from fsm_ems.dialogs.book import Book
from fsm_ems.dialogs.facts import derive
from fsm_ems.dialogs.snapshot import facts
from fsm_ems.testing.matrices import main, run
from fsm_ems.testing.matrix_file import Scenario, parse, read
from fsm_ems.testing.matrix_play import Play

FILES = sorted((Path(__file__).parent / "matrices").glob("*.json"))
SCENARIOS = {scenario.id: scenario for file in FILES for scenario in read(file)}


def raw(name: str) -> dict[str, Any]:
    """The scenario called *name* as it stands in its file, to be altered."""
    found: list[dict[str, Any]] = [
        scenario
        for file in FILES
        for scenario in json.loads(file.read_text(encoding="utf-8"))
        if scenario["id"] == name
    ]
    return found[0]


def written(path: Path, *scenarios: dict[str, Any]) -> str:
    file = path / "scenarios.json"
    file.write_text(json.dumps(scenarios), encoding="utf-8")
    return str(file)


def steps(*rows: dict[str, Any]) -> Scenario:
    """One scenario of *rows*, which leave out what can be told from their place."""
    full = [
        {"n": n, "t": str(n), "dir": "broker", "msg": "ExecutionReport", **row}
        for n, row in enumerate(rows, 1)
    ]
    return parse(json.dumps([{"id": "T", "steps": full}]), "test")[0]


MATRICES = """
    A.1.a A.1.b B.1.a B.1.b B.1.c B.1.d B.1.e B.1.f C.1.a C.1.b C.1.c C.2.a C.3.a C.3.b C.3.c
    D.1.a D.1.b D.1.c D.2.a D.2.b D.2.c D.2.d E.1.a E.1.b E.1.c E.1.d E.1.e E.1.f
    EX.A.1.a EX.A.1.b EX.A.1.c EX.A.1.d EX.I.1.a EX.I.1.b F.1.a F.1.b F.1.c G.1.a G.1.b G.1.c
    H.1.a H.1.b H.1.c H.1.d I.1.a I.1.b J.1.a J.1.b J.1.c J.1.d K.1.a K.1.b L.1.a L.1.b
"""

ORDER = {"dir": "client", "msg": "NewOrderSingle", "cl_ord_id": "X", "order_qty": 10, "fsm_hint": "pending"}
TAKEN = {"exec_type": "New", "ord_status": "New", "cl_ord_id": "X", "order_qty": 10, "fsm_hint": "open"}


# ── our scenarios ───────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_scenario_passes(name: str) -> None:
    assert run(SCENARIOS[name]) is None


@pytest.mark.parametrize("name", SCENARIOS)
def test_states_follow_from_facts_and_records_give_the_same_book(name: str) -> None:
    play = Play(SCENARIOS[name])
    replayed = Book()
    done = 0

    for step in SCENARIOS[name].steps:
        play.take(step)
        for record in play.records[done:]:
            apply(replayed, record)
            assert all(derive(dialog) is dialog.state for dialog in replayed)
        done = len(play.records)
        assert facts(replayed) == facts(play.dispatcher.book)


def test_every_path_of_the_fix_matrices_is_there() -> None:
    paths = [name for name in SCENARIOS if not name.startswith("X.")]

    assert len(paths) == 111
    assert sorted({name.partition("#")[0] for name in paths}) == MATRICES.split()


# ── a wrong row is found ────────────────────────────────────────────────────────────────────────────

PLANTED = [
    # scenario, step, field, wrong value, what is told
    ("A.1.a", 3, "fsm_hint", "open", "state expected open got partially_filled"),
    ("A.1.a", 2, "ord_status", "Stopped", "ord_status expected stopped got new"),
    ("A.1.a", 5, "order_qty", 10001, "order_qty expected 10001 got 10000"),
    ("A.1.a", 4, "cum_qty", 3001, "cum_qty expected 3001 got 3000"),
    ("A.1.a", 4, "leaves_qty", 6999, "leaves_qty expected 6999 got 7000"),
    ("A.1.a", 4, "last_qty", 999, "cum_qty expected 3000 got 2999"),
    ("J.1.a", 6, "avg_px", 100.5, "avg_px expected 100.5 got 100"),
    ("B.1.b", 8, "cum_qty", 6001, "cum_qty expected 6001 got 6000"),
    ("B.1.d", 1, "fsm_hint", "open", "state expected open got pending"),
    ("B.1.f", 2, "ord_status", "New", "ord_status expected new got rejected"),
    ("G.1.a", 5, "fsm_hint", "filled", "state expected filled got no such order"),
    ("G.1.a", 5, "cum_qty", 1, "cum_qty expected 1 got 0"),
    ("X.02", 5, "cum_qty", 4000, "cum_qty expected 4000 got 2000"),
    ("X.01", 3, "cum_qty", 5000, "ord_status expected new got partiallyfilled"),
    ("X.01", 3, "fsm_hint", "open", "state expected open got partially_filled"),
    ("X.09", 3, "ord_status", "New", "ord_status expected new got pendingnew"),
    ("X.11", 5, "fsm_hint", "open", "state expected open got filled"),
    ("X.14", 4, "cum_qty", 3000, "cum_qty expected 3000 got 4000"),
    ("A.1.a", 3, "exec_type_code", "0", "exec_type_code expected 0 got F, trade"),
    ("A.1.a", 3, "ord_status_code", "2", "ord_status_code expected 2 got 1, partiallyfilled"),
    ("B.1.a", 2, "exec_type_code", "F", "exec_type_code expected F got 0, new"),
]


@pytest.mark.parametrize(("name", "n", "field", "value", "told"), PLANTED)
def test_a_planted_wrong_row_is_the_first_difference(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    name: str,
    n: int,
    field: str,
    value: object,
    told: str,
) -> None:
    wrong = raw(name)
    wrong["steps"][n - 1][field] = value

    assert main([written(tmp_path, raw("A.1.a"), wrong)]) == 1
    out = capsys.readouterr().out.splitlines()
    assert out[0].startswith("pass A.1.a An order")
    assert out[1:] == [f"FAIL {name} step {n}: {told}", "1 of 2 scenarios pass"]


NOT_OF_THE_FORMAT = [
    # step, fields, what is told
    (3, {"exec_type": "Foo"}, "exec_type: foo is none of FIX"),
    (3, {"exec_type": "Trde"}, "exec_type: trde is none of FIX; did you mean trade?"),
    (3, {"exec_type": 5}, "exec_type: a name is needed, and 5 is none"),
    (3, {"exec_type": None}, "exec_type: it is needed beside exec_type_code F"),
    (3, {"exec_type_code": "Z"}, "exec_type_code: Z is no code of FIX"),
    (
        3,
        {"ord_status": "PartialyFilled"},
        "ord_status: partialyfilled is none of FIX; did you mean partially",
    ),
    (3, {"ord_status_code": "F"}, "ord_status_code: F is no code of FIX"),
    (3, {"fsm_hint": "opne"}, "fsm_hint: opne is no state of an order"),
    (3, {"fsm_hint_alt": "opne"}, "fsm_hint_alt: opne is no state of an order"),
    (3, {"fsm_hint_alt": ["filled", "opne"]}, "fsm_hint_alt: opne is no state of an order"),
    (3, {"hint": "open"}, "hint: the format has no such field; did you mean fsm_hint?"),
    (3, {"lst_qty": 1}, "lst_qty: the format has no such field; did you mean last_qty?"),
    (3, {"ord_statsu": "New"}, "ord_statsu: the format has no such field; did you mean ord_status?"),
    (3, {"cum_qyt": 1}, "cum_qyt: the format has no such field; did you mean cum_qty?"),
    (3, {"leaves_qyt": 1}, "leaves_qyt: the format has no such field; did you mean leaves_qty?"),
    (3, {"fsm_hitn": "open"}, "fsm_hitn: the format has no such field; did you mean fsm_hint?"),
    (3, {"cum_qtz": 1}, "cum_qtz: the format has no such field; did you mean cum_qty?"),
    (3, {"prcie": 1}, "prcie: the format has no such field; did you mean price?"),
    (3, {"pric": 1}, "pric: the format has no such field; did you mean price?"),
    (3, {"gpa": 1}, "gpa: the format has no such field; did you mean gap?"),
    (3, {"CumQty": 1}, "CumQty: the format has no such field; did you mean cum_qty?"),
    (3, {"OrdStatus": "New"}, "OrdStatus: the format has no such field; did you mean ord_status?"),
    (3, {"LeavseQty": 1}, "LeavseQty: the format has no such field; did you mean leaves_qty?"),
    (3, {"n": 2}, "n: steps are numbered upwards, and 2 comes after 2"),
    (1, {"order_qty": -1}, "order_qty: zero or more is needed"),
    (1, {"order_qty": True}, "order_qty: a decimal number as text is needed"),
    (3, {"last_qty": "1e40"}, "last_qty: at most 34 digits"),
    (3, {"avg_px": "-1"}, "avg_px: zero or more is needed"),
    (3, {"msg": "ExecutionReprt"}, "msg: executionreprt is not known; did you mean executionreport?"),
    (1, {"time_in_force": "GoodTilCancel"}, "time_in_force: goodtilcancel is not known; did you mean good"),
    (1, {"time_in_force": "IOOC"}, "time_in_force: iooc is not known; did you mean ioc?"),
    (1, {"time_in_force": "FKO"}, "time_in_force: fko is not known; did you mean fok?"),
    (1, {"time_in_force": "xyz"}, "time_in_force: xyz is not known; did you mean gtc, ioc or fok?"),
    (1, {"time_in_force": "3"}, "time_in_force: 3 is not known; did you mean gtc, ioc or fok?"),
    (1, {"time_in_force": 3}, "time_in_force: a name is needed, and 3 is none"),
    (3, {"cxl_rej_response_to": "3"}, "cxl_rej_response_to: 1 (a cancel) or 2 (an edit) is needed"),
]


@pytest.mark.parametrize(("n", "fields", "told"), NOT_OF_THE_FORMAT)
def test_what_would_be_compared_with_nothing_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], n: int, fields: dict[str, Any], told: str
) -> None:
    wrong = raw("A.1.a")
    wrong["steps"][n - 1] |= fields

    assert main([written(tmp_path, raw("B.1.a"), wrong)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert f": scenario A.1.a, step {n}: {told}" in err


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"time_in_forc": "Day"}, "time_in_forc: the format has no such field; did you mean time_in_force?"),
        ({"TimeInForce": "Day"}, "TimeInForce: the format has no such field; did you mean time_in_force?"),
        ({"time_in_force": "IOOC"}, "time_in_force: iooc is not known; did you mean ioc?"),
    ],
)
def test_a_misspelt_field_of_a_scenario_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], fields: dict[str, Any], told: str
) -> None:
    assert main([written(tmp_path, raw("A.1.a") | fields)]) == 2
    assert f": scenario A.1.a: {told}" in capsys.readouterr().err


def test_what_resembles_nothing_of_the_format_is_let_be(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A file may tell more than is played: a field of its own, a message that no order hears of."""
    more = raw("A.1.a")
    more["author"] = "me"
    more["steps"][2] |= {
        "colour": "red",
        "exec_inst": "G",
        "exec_trans_type": "0",
        "price2": 1,
        "state": "x",
        "day_avg_px": 50,
    }
    more["steps"].append({"n": 99, "t": "", "dir": "client", "msg": "TestRequest"})

    assert main([written(tmp_path, more)]) == 0
    assert capsys.readouterr().err == (
        "note: the format does not have these fields, and they are let be: author, colour, exec_inst, "
        "exec_trans_type, price2, state\n"
    )


def test_an_execution_without_a_price_is_at_what_gives_the_average() -> None:
    """Two fills of which the averages alone are printed, as at 1 and 2."""
    first = {"exec_type": "Trade", "cl_ord_id": "X", "last_qty": 1, "avg_px": 1}
    second = {"exec_type": "Trade", "cl_ord_id": "X", "last_qty": 2, "avg_px": 1.67}
    asked = {"exec_type": "OrderStatus", "cl_ord_id": "X", "ord_status": "PartiallyFilled", "avg_px": 1.67}

    assert run(steps(ORDER, first, second, second | {"replay": True}, asked)) is None
    assert str(run(steps(ORDER, first, second, asked | {"avg_px": 1.68}))) == (
        "step 4: avg_px expected 1.68 got 1.670"
    )
    # No price above zero gives it.
    assert run(steps(ORDER, first | {"last_px": 9}, second)) is not None


def test_an_equally_good_hint_is_taken() -> None:
    wrong = raw("B.1.c")
    row = wrong["steps"][6]
    assert (row["fsm_hint"], row["fsm_hint_alt"]) == ("cancelling", ["filled"])
    del row["fsm_hint_alt"]

    told = run(parse(json.dumps([wrong]), "test")[0])

    assert str(told) == "step 7: state expected cancelling got filled"


@pytest.mark.parametrize(("name", "n"), [("B.1.d", 4), ("D.2.b", 7), ("E.1.a", 2), ("EX.I.1.b", 6)])
def test_an_anomaly_of_the_specification_is_excused_only_where_it_is_listed(name: str, n: int) -> None:
    wrong = raw(name)
    del wrong["spec_anomalies"]

    told = run(parse(json.dumps([wrong]), "test")[0])

    assert told is not None
    assert told.n == n


@pytest.mark.parametrize(
    "anomalies",
    [
        {"terms": {"7": "8000"}},
        {"leaves": {"7": 7000}},
        {"terms": {"7": {"order_qty": 8000, "leaves_qty": 7000}}},
        {"terms": {"7": [8000, 7000]}},
        {"terms": {"7": "8000 before it is in force"}},
    ],
)
def test_an_anomaly_may_be_listed_in_several_ways(anomalies: dict[str, Any]) -> None:
    listed = raw("D.2.b")
    listed["spec_anomalies"] = anomalies

    assert run(parse(json.dumps([listed]), "test")[0]) is None


def test_an_anomaly_excuses_nothing_but_its_figure() -> None:
    listed = raw("D.2.b")
    listed["steps"][6]["cum_qty"] = 999

    told = run(parse(json.dumps([listed]), "test")[0])

    assert str(told) == "step 7: cum_qty expected 999 got 1000"


# ── tolerance ───────────────────────────────────────────────────────────────────────────────────────


def test_what_the_format_has_and_nobody_plays_is_let_be() -> None:
    assert (
        run(
            steps(
                {**ORDER, "order_qty": "10.0", "cash_order_qty": 125, "price": 12.5},
                {**TAKEN, "exec_type": "Locked", "working_indicator": False},
                {"dir": "client", "msg": "DontKnowTrade", "cl_ord_id": "X", "fsm_hint": "open"},
                {"msg": "News", "cl_ord_id": "X", "fsm_hint": "open"},
                {
                    "msg": "BusinessMessageReject",
                    "cl_ord_id": "X",
                    "fsm_hint": "unknown",
                    "ord_status": "New",
                },
                {"dir": "out-of-band", "msg": "OutOfBand", "fsm_hint": None, "fsm_hint_alt": None},
                {
                    "exec_type": "Partial Fill",
                    "ord_status": "Partially Filled",
                    "cl_ord_id": "X",
                    "cum_qty": 4,
                },
                {"exec_type": "Trade", "ord_status": "PartiallyFilled", "cl_ord_id": "X", "cum_qty": 4},
                {"exec_type": "TradeCorrect", "cl_ord_id": "X", "last_qty": 3, "cum_qty": 3, "leaves_qty": 7},
                {"exec_type": "TradeCorrect", "cl_ord_id": "X", "cum_qty": 3},
                {"exec_type": "TradeCancel", "cl_ord_id": "X", "cum_qty": 0, "fsm_hint_alt": "open"},
                {"exec_type": "TradeCancel", "cl_ord_id": "X", "cum_qty": 0},
                {"exec_type": "TriggeredOrActivatedBySystem", "cl_ord_id": "X", "fsm_hint": "open"},
                {"exec_type": "Replaced", "order_qty": 12, "leaves_qty": 12},
                {
                    "exec_type": "Cancelled",
                    "ord_status": "Cancelled",
                    "cl_ord_id": "X",
                    "fsm_hint": "cancelled",
                },
            )
        )
        is None
    )


def test_one_report_may_bring_arrival_fill_and_end() -> None:
    assert (
        run(
            steps(
                {**ORDER, "time_in_force": "IOC"},
                {
                    "exec_type": "New",
                    "ord_status": "Canceled",
                    "cl_ord_id": "X",
                    "last_qty": 4,
                    "cum_qty": 4,
                    "leaves_qty": 0,
                    "fsm_hint": "cancelled",
                },
            )
        )
        is None
    )


def test_a_fill_that_comes_again_without_an_id_is_counted_once() -> None:
    fill = {
        "exec_type": "Trade",
        "cl_ord_id": "X",
        "last_qty": 4,
        "cum_qty": 4,
        "fsm_hint": "partially_filled",
    }

    assert run(steps(ORDER, fill, {**fill, "replay": True})) is None


def test_an_average_is_compared_to_the_places_that_are_printed() -> None:
    first = {"exec_type": "Trade", "cl_ord_id": "X", "last_qty": 1, "last_px": 1, "avg_px": 1}
    second = {"exec_type": "Trade", "cl_ord_id": "X", "last_qty": 2, "last_px": 2, "avg_px": 1.67}

    assert run(steps(ORDER, first, second)) is None
    assert str(run(steps(ORDER, first, {**second, "avg_px": 1.66}))).startswith(
        "step 3: avg_px expected 1.66 got 1.666"
    )


def test_a_request_that_we_refuse_can_still_be_refused_by_the_venue() -> None:
    edit = {"dir": "client", "msg": "OrderCancelReplaceRequest", "cl_ord_id": "Y", "orig_cl_ord_id": "X"}
    refused = {"msg": "OrderCancelReject", "cl_ord_id": "Y", "orig_cl_ord_id": "X", "cxl_rej_response_to": 2}

    assert (
        run(
            steps(
                ORDER,
                {
                    "exec_type": "Canceled",
                    "ord_status": "Canceled",
                    "cl_ord_id": "X",
                    "fsm_hint": "cancelled",
                },
                {**edit, "fsm_hint": "cancelled"},
                {**refused, "ord_status": "Canceled", "fsm_hint": "cancelled"},
            )
        )
        is None
    )


def test_a_cancel_may_be_asked_for_twice() -> None:
    """The second is the first one's, and a refusal of it ends both."""
    cancel = {"dir": "client", "msg": "OrderCancelRequest", "orig_cl_ord_id": "X", "fsm_hint": "cancelling"}
    refused = {"msg": "OrderCancelReject", "cl_ord_id": "Z", "orig_cl_ord_id": "X", "fsm_hint": "open"}

    assert (
        run(steps(ORDER, TAKEN, {**cancel, "cl_ord_id": "Y"}, {**cancel, "cl_ord_id": "Z"}, refused)) is None
    )


def test_an_edit_may_be_of_the_price_alone() -> None:
    edit = {"dir": "client", "msg": "OrderCancelReplaceRequest", "cl_ord_id": "Y", "orig_cl_ord_id": "X"}

    assert run(steps(ORDER, TAKEN, {**edit, "fsm_hint": "editing"})) is None


def test_a_value_that_no_order_can_have_is_a_difference_and_no_crash() -> None:
    told = run(steps({**ORDER, "order_qty": 0}))

    assert told is not None
    assert (told.n, told.field) == (1, "dispatcher")
    assert str(told).endswith(" got InvalidMessage: size: a number above zero is needed")


def test_a_state_that_its_facts_do_not_demand_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fsm_ems.testing.matrix_play.derive", lambda dialog: "nowhere")

    told = run(SCENARIOS["A.1.a"])

    assert (
        str(told)
        == "step 1: dispatcher expected no fault got Broken: order X is pending and its facts say nowhere"
    )


# ── the program ─────────────────────────────────────────────────────────────────────────────────────


def test_all_files_pass(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(file) for file in FILES]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(SCENARIOS) + 1
    assert all(line.startswith("pass ") for line in lines[:-1])
    assert lines[-1] == f"{len(SCENARIOS)} of {len(SCENARIOS)} scenarios pass"


MALFORMED = [
    # what the file holds, what is told
    ("", "no JSON"),
    ("[1, 2", "no JSON"),
    ("[" * 100_000, "no JSON: nested too deeply"),
    ("{}", "a list of scenarios is needed"),
    ("[]", "a list of scenarios is needed"),
    ('[{"id": "T"}]', "scenario T: steps: Field required"),
    ('[{"id": "T", "steps": []}]', "scenario T: steps: Tuple"),
    (
        '[{"id": "T", "steps": [{"n": 1, "t": "1", "dir": "up", "msg": "x"}]}]',
        "scenario T, step 1: dir: Input",
    ),
    (
        '[{"id": "T", "steps": [{"n": 1, "dir": "broker", "msg": "x", "cum_qty": "ten"}]}]',
        "scenario T, step 1: cum_qty: a plain decimal",
    ),
    ('[{"id": "T", "steps": [{"n": 1, "dir": "broker", "msg": "x", "cum_qty": NaN}]}]', "NaN is no number"),
    ('[{"steps": [{"n": 1, "dir": "broker", "msg": "x"}]}]', "scenario 1 of the file: id: Field required"),
    ('["A.1.a"]', "scenario 1 of the file: Input"),
    ('[{"id": "T", "id": "U"}]', "no JSON: id is there twice"),
]


@pytest.mark.parametrize(("text", "told"), MALFORMED)
def test_a_malformed_file_is_named_with_its_fault(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, told: str
) -> None:
    file = tmp_path / "wrong.json"
    file.write_text(text, encoding="utf-8")

    assert main([str(file)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"{file}: ")
    assert told in err


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    binary = tmp_path / "binary.json"
    binary.write_bytes(b"\xff\xfe\x00")

    assert [main([str(tmp_path / "none.json")]), main([str(tmp_path)]), main([str(binary)])] == [2, 2, 2]
    assert capsys.readouterr().err.count("cannot be read") == 3


def test_the_program_tells_how_it_is_used(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert capsys.readouterr().err.startswith("usage: python -m fsm_ems.testing.matrices FILE.json")
    assert main(["--help"]) == 0
    assert "FILE.json" in capsys.readouterr().out


@pytest.mark.filterwarnings("ignore:.*found in sys.modules.*:RuntimeWarning")
def test_it_runs_as_a_program(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "argv", ["matrices", written(tmp_path, raw("A.1.a"))])

    with pytest.raises(SystemExit) as ended:
        runpy.run_module("fsm_ems.testing.matrices", run_name="__main__")

    assert ended.value.code == 0
