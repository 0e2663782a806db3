"""A real program is killed on real files, and keeps what it promised; a broken promise is told."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from msgspec.structs import replace as with_fields

from fsm_ems.brokers.paper.engine_facts import Accepted, Executed
from fsm_ems.dialogs.record import Submitted
from fsm_ems.testing import kill9
from fsm_ems.testing.breach import Breach
from fsm_ems.testing.kill9_check import Heard, Left
from fsm_ems.testing.kill9_life import Kill, Life, an_order

KILLS = 24


@pytest.mark.slow
def test_a_program_that_is_killed_keeps_its_promises() -> None:
    """In a process of its own: a fork wants one without threads."""
    ran = subprocess.run(
        [sys.executable, "-m", "fsm_ems.testing.kill9", "--kills", str(KILLS), "--workers", "1", "--points"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "no promise is broken" in ran.stdout
    told = re.search(
        r"(\d+) kills in 3 folders: (\d+) at \d+ of \d+ named points, (\d+) at random", ran.stdout
    )
    assert told is not None
    assert int(told[1]) == KILLS
    assert int(told[2]) > 0
    assert int(told[3]) > 0


class Stopped(Exception):
    """Instead of a kill, here."""


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Heard]:
    """A life that was stopped in the middle, and one that ended in peace, in this process."""
    folder, heard = tmp_path_factory.mktemp("kill9"), Heard()

    def live(number: int, lines: int | None) -> None:
        heard.life_begins()
        life = Life(folder, f"t-{number}", None)

        def say(line: str) -> None:
            heard.hear(line)
            if lines is not None and heard.lines > lines and line.startswith("taken"):
                raise Stopped

        life.say_to(say)
        if lines is None:
            life.heal()
        else:
            life.trade()

    try:
        live(1, 300)
    except* Stopped:
        pass
    live(2, None)
    return folder, heard


def test_what_was_left_by_a_life_in_peace_agrees(lived: tuple[Path, Heard]) -> None:
    folder, heard = lived
    left = Left(folder)
    left.check(heard)
    left.verify()
    left.check_agreement()

    assert heard.is_ready
    assert heard.failed == []
    assert heard.promises > 100
    kinds = {type(fact) for fact in left.facts}
    assert {Accepted, Executed} <= kinds


def broken(left: Left, heard: Heard) -> str:
    with pytest.raises(Breach) as caught:
        left.check(heard)
    return str(caught.value)


def test_each_promise_that_is_broken_is_told(lived: tuple[Path, Heard]) -> None:
    folder, _ = lived
    reqid, key = next(iter(Left(folder).reqids.items()))

    for line, told in (
        ("taken main lost", "P2: orders were taken and are lost: [('main', 'lost')]"),
        ("cancelled main lost", "P5: cancels were taken and are lost: [('main', 'lost')]"),
        ("told main 999999 open", "P2: statuses were told by no record: [('main', 999999)]"),
        ("sent brokerd_cancel lost", "P1: requests were sent without a record: ['lost']"),
        (f"sent brokerd_order {reqid}", f"P1: orders were sent twice: [{key}]"),
    ):
        more = Heard()
        more.sent = [("brokerd_order", reqid)]
        more.hear(line)
        assert told in broken(Left(folder), more), line
    heard_other = Heard()
    heard_other.hear("nonsense")
    assert heard_other.failed == ["nonsense"]


def test_what_the_venue_has_twice_or_without_a_record_is_told(lived: tuple[Path, Heard]) -> None:
    folder, _ = lived
    placed = next(fact for fact in Left(folder).facts if isinstance(fact, Accepted))

    left = Left(folder)
    left.facts.append(placed)
    assert "P1: the venue has orders twice" in broken(left, Heard())
    left = Left(folder)
    left.facts.append(with_fields(placed, terms=with_fields(placed.terms, reqid="strange")))
    assert "P1: the venue has orders of which there is no record: ['strange']" in broken(left, Heard())


def test_a_stream_with_a_gap_and_an_order_that_left_twice_are_told(lived: tuple[Path, Heard]) -> None:
    folder, _ = lived
    left = Left(folder)
    told = next(record for record in left.records if record.tells)
    left.records = [record for record in left.records if record is not told]
    assert "P8: the stream of" in broken(left, Heard())

    left = Left(folder)
    first = next(record for record in left.records if isinstance(record.payload, Submitted))
    left.records = [*left.records, with_fields(first, told=0, onlookers=())]
    assert "P9: an order left twice" in broken(left, Heard())
    with pytest.raises(Breach, match="P14"):
        left.verify()


def disagreement(left: Left) -> str:
    with pytest.raises(Breach) as caught:
        left.check_agreement()
    return str(caught.value)


def test_where_ems_and_venue_do_not_agree_it_is_told(lived: tuple[Path, Heard]) -> None:
    folder, _ = lived
    executed = next(fact for fact in Left(folder).facts if isinstance(fact, Executed))

    left = Left(folder)
    left.facts.append(with_fields(executed, exec_id="other"))
    assert "P3: fills differ: ['other']" in disagreement(left)
    left = Left(folder)
    left.facts.append(executed)
    assert "P3: the venue executed under one id twice" in disagreement(left)
    left = Left(folder)
    left.facts[left.facts.index(executed)] = with_fields(executed, size=executed.size + 1)
    assert "P4: position" in disagreement(left)
    left = Left(folder)
    first = next(place for place, record in enumerate(left.records) if isinstance(record.payload, Submitted))
    left.records = left.records[: first + 1]
    assert "P13: orders have not ended" in disagreement(left)


def test_files_that_are_behind_are_told(lived: tuple[Path, Heard]) -> None:
    folder, _ = lived
    left = Left(folder)
    for path, told in (
        ("ems/ledger", "P4: the ledger sums up to 0"),
        ("ems/pps.toml", "P4: pps.toml says 0"),
    ):
        (folder / path).rename(folder / "aside")
        try:
            assert told in disagreement(left)
        finally:
            (folder / "aside").rename(folder / path)


def test_a_point_kills_the_process_that_comes_to_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    killed: list[tuple[int, int]] = []

    def kill(process: int, how: int) -> None:
        killed.append((process, how))
        raise Stopped

    monkeypatch.setattr(os, "kill", kill)
    life = Life(tmp_path, "t-1", Kill("before", "send of brokerd_order", 3))
    life.say_to(lambda line: None)
    with pytest.raises(ExceptionGroup) as caught:
        life.trade()

    assert caught.group_contains(Stopped)
    assert killed == [(os.getpid(), signal.SIGKILL)]


def test_lives_end_at_every_point_in_turn_and_some_at_random() -> None:
    points = kill9.Points(("first",), ("a", "b", "c"), ("end",))
    plans = [plan for seed in range(12) for plan in kill9._plans(seed, 8, points)]

    named = {(plan.kill.when, plan.kill.named) for plan in plans if plan.kill is not None}
    assert named == {(when, name) for when in ("before", "after") for name in ("first", "a", "b", "c", "end")}
    assert {plan.ends for plan in plans if plan.kill is not None and plan.kill.named == "end"} == {True}
    assert sum(plan.kill is None for plan in plans) == 24
    assert points.named() == 5


def test_orders_of_every_kind_are_placed() -> None:
    orders = [
        an_order(f"1-{number}-{kind}") for number in range(4) for kind in ("near", "far", "dark", "alert")
    ]

    assert {(order.side, order.mode) for order in orders} == {
        ("buy", "live"), ("sell", "live"), ("buy", "dark"), ("alert", "live"),
    }  # fmt: skip
    assert an_order("1-2-near") == orders[8]
