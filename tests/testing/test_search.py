"""The search itself: shortest paths, traps, what it tells; and that its scenes notice what is wrong."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Hashable, Sequence
from decimal import Decimal
from typing import Any

import pytest

from fsm_ems.dialogs.book import Book
from fsm_ems.dialogs.facts import ZERO, Dialog, Execution
from fsm_ems.dialogs.record import Notice, Record, Timed
from fsm_ems.machines.order import E, S
from fsm_ems.messages import Cancel
from fsm_ems.quotes import Quote, Trade
from fsm_ems.testing import explore
from fsm_ems.testing.bounds import ENDLESS, LONGER, scenes
from fsm_ems.testing.breach import Breach
from fsm_ems.testing.hostile import Hostile, HostileScene
from fsm_ems.testing.inputs import Commanded, Fired, Input, LinkMoved, Outcome, Quoted, TimePassed, describe
from fsm_ems.testing.planted import Patch, no_dedupe
from fsm_ems.testing.scene import Node, Step
from fsm_ems.testing.search import Edge, Found, Search

GRAPH = {0: (1, 2), 1: (3,), 2: (0,), 3: (1,)}


class Walk:
    """A walk over GRAPH; everybody agrees in the nodes *agreed*, and nobody may come to *broken*."""

    name = "walk"

    def __init__(self, agreed: set[int], broken: int | None = None, faults: Sequence[int] = ()) -> None:
        self.edges: set[Edge] = set()
        self._agreed = agreed
        self._broken = broken
        self._faults = faults

    def start(self) -> int:
        return 0

    def moves(self, node: int, /) -> Sequence[int]:
        return GRAPH[node]

    def tell(self, move: int, /) -> str:
        return f"to {move}"

    def heals(self, move: int, /) -> bool:
        return move not in self._faults

    def foretell(self, node: int, move: int, /) -> int | None:
        return None

    def take(self, node: int, move: int, /) -> int:
        if move == self._broken:
            raise Breach("P0", "it must not come here")
        return move

    def check_replay(self, before: int, after: int, /) -> None:
        """Nothing is kept."""

    def key(self, node: int, /) -> Hashable:
        return node

    def settled(self, node: int, /) -> bool | None:
        return node in self._agreed


def test_a_state_from_which_nothing_leads_to_agreement_is_a_trap() -> None:
    """Its shortest path is told; where agreement is in reach from everywhere there is none."""
    found = Search(Walk({2})).run()

    assert found.breach == "P13: from here nothing leads to agreement with the venue"
    assert found.path == ("to 1",)
    assert Search(Walk({2, 3})).run().breach is None


def test_a_fault_is_no_way_to_agreement() -> None:
    found = Search(Walk({2, 3}, faults=[3])).run()

    assert found.breach == "P13: from here nothing leads to agreement with the venue"
    assert found.path == ("to 1",)


def test_the_path_to_a_breach_is_told_with_its_last_step() -> None:
    found = Search(Walk({0}, broken=3)).run()

    assert (found.breach, found.crashed, found.path) == ("P0: it must not come here", False, ("to 1", "to 3"))


@pytest.mark.no_cover
@pytest.mark.parametrize("name", ["dark edits", "doubt, no cancel", "lower limits"])
def test_what_is_foretold_of_a_step_is_what_it_becomes(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each step is taken all the same."""
    scene, told = scenes()[name](), list[bool]()
    assert isinstance(scene, HostileScene)
    foretell = scene.foretell

    def held_against(node: Node[Hostile], step: Step[Hostile]) -> None:
        foretold = foretell(node, step)
        if foretold is not None:
            told.append(foretold == hash(scene.key(scene.take(node, step))))

    monkeypatch.setattr(scene, "foretell", held_against)

    found = Search(scene).run()

    assert (found.breach, found.exhausted) == (None, True)
    assert all(told)
    assert len(told) > found.transitions / 50


# What is printed.


def test_a_broken_promise_is_told_with_the_path_to_it(capsys: pytest.CaptureFixture[str]) -> None:
    patch = Patch()
    no_dedupe(patch)
    try:
        code = explore.main(["--only", "statements", "--workers", "1"])
    finally:
        patch.take_back()

    told = capsys.readouterr().out
    assert code == 1
    assert (
        "BROKEN P7: o is open, and its facts say filled\n  the shortest path:\n    1. alice: order " in told
    )
    assert told.endswith("promises are broken in 1 scenes\n")


def test_rows_that_no_scene_took_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    """Every scene is begun, each in a process of its own, and left after its first situation."""
    assert explore.main(["--states-max", "1"]) == 1

    told = capsys.readouterr().out
    assert f"{len(scenes().keys() - LONGER)} scenes: " in told
    assert "\nnever taken: bust_reopens in filled\n" in told
    assert explore.missing_rows(explore.ROWS) == []


def test_a_soak_takes_every_scene_that_ends(capsys: pytest.CaptureFixture[str]) -> None:
    assert scenes(soak=True).keys() > ENDLESS

    explore.main(["--soak", "--states-max", "1"])

    told = capsys.readouterr().out
    assert f"{len(scenes(soak=True).keys() - ENDLESS)} scenes: " in told


def test_progress_is_told_beside_the_result(capsys: pytest.CaptureFixture[str]) -> None:
    explore._tell_progress(Found("alert", depth=7, waiting=1_200), 50_000)

    told = capsys.readouterr()
    assert (told.out, told.err) == ("", "  … alert: 50,000 states, depth 7, 1,200 to go\n")


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (Commanded("alice", Cancel(oid="o")), "alice: cancel oid=o"),
        (Fired("alice", "o"), "alice's o is fired by hand"),
        (Quoted("m.x", Trade(9, Decimal(5), Decimal(1), "", "")), "m.x: a print at 5"),
        (
            Quoted("m.x", Quote(7, Decimal(4), Decimal(1), Decimal(5), Decimal(1))),
            "m.x: bid 4, ask 5, 2 ns old",
        ),
        (LinkMoved("x", "lost"), "the link to x: lost"),
        (TimePassed(), "time passes: it is 9"),
    ],
)
def test_a_step_is_told_in_one_line(given: Input, told: str) -> None:
    assert describe(given, 9) == told


# What a scene notices beside the auditor.


def stepped(source: S, event: E, state: S) -> Notice:
    record = Record(1, 1, "alice", "o", event, None, Timed(0))
    return Notice("alice", 1, record, source, state, ZERO, None, ZERO, ZERO, ZERO, 0, None, None, None)


@pytest.mark.parametrize(
    ("notice", "said"),
    [
        (stepped(S.PENDING, E.ALERT, S.PENDING), "P7: pending has no row for alert"),
        (stepped(S.PENDING, E.ACK, S.OPEN), "P7: ack led from pending to open"),
    ],
)
def test_a_step_that_is_no_row_is_noticed(notice: Notice, said: str) -> None:
    scene: Any = scenes()["alert"]()

    with pytest.raises(Breach, match=said):
        scene._check_steps([notice])


def test_a_refusal_that_leaves_a_trace_is_noticed() -> None:
    scene: Any = scenes()["alert"]()
    after = Book()
    after.seq = 1

    with pytest.raises(Breach, match="P6: a command was refused"):
        scene._check_book(Book(), after, Outcome((), "conflict"))


def test_records_without_end_are_noticed() -> None:
    scene: Any = scenes()["alert"]()
    record = Record(1, 1, "", "", None, None, Timed(0))

    while len(scene._records) <= 1_000:
        scene._append(record)

    with pytest.raises(Breach, match="P11: one input makes records without end"):
        scene._append(record)


def test_an_order_that_no_limit_forbids_and_ends_here_is_noticed() -> None:
    scene: Any = scenes()["lower limits"]()
    assert isinstance(scene, HostileScene)
    node = scene.start()
    step = scene.moves(node)[0]
    node = scene.take(node, step)
    dialog = next(iter(node.book))
    assert isinstance(dialog, Dialog)
    dialog.state, dialog.reqid = S.REJECTED, None

    with pytest.raises(Breach, match="P12: 2 was held back, and no limit forbids it"):
        scene.judge(node)


def test_an_execution_that_the_venue_never_made_is_noticed() -> None:
    """The honest venue knows what it executed."""
    scene: Any = scenes()["honest: fills"]()
    node = scene.take(scene.start(), scene.moves(scene.start())[0])
    scene.judge(node)
    dialog = next(iter(node.book))
    dialog.fills = {"e1": Execution("e1", Decimal(1), Decimal(5), ZERO, None, None, 1)}

    with pytest.raises(Breach, match=r"P3: executions \['e1'\] are booked, and 0 were made"):
        scene.judge(node)


@pytest.mark.no_cover
def test_a_venue_that_weighs_an_edit_first_breaks_nothing() -> None:
    """A bound that no scene has of itself: the venue says ``pending_edit``, and answers later."""
    build = scenes(soak=True, overrides={"pendings": 1})["honest: edit and cancel"]

    assert Search(build(), states_max=2_000).run().breach is None


def test_the_search_is_a_program() -> None:
    told = subprocess.run(
        [sys.executable, "-m", "fsm_ems.testing.explore", "--mutants", "--list"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip  # a command line

    assert "stash forgotten" in told.stdout.splitlines()
