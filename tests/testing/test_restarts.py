"""The searches with crashes find nothing, and find each protocol that is known to be broken."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest

from fsm_ems.testing import explore
from fsm_ems.testing.audit_restart import Owner, Resting, Shown, Venue, accepts, agree, judge
from fsm_ems.testing.breach import Breach
from fsm_ems.testing.letters import Letter
from fsm_ems.testing.restart_letters import Request, describe
from fsm_ems.testing.restart_mutants import CRASH_MUTANTS, hunt_crash
from fsm_ems.testing.restart_scene import CrashScene
from fsm_ems.testing.restart_scenes import PLAIN, restart_scenes, settings, themes
from fsm_ems.testing.restart_world import CrashTheme, World
from fsm_ems.testing.search import Search

FIRST = 400
"""Situations of each scene that every run looks at; `make restarts` searches them all to their ends."""
LIVE = Resting("o.o1", 1, "5")
FILLED = LIVE._replace(cum=1, state="filled")
OPEN = Shown("open", 1, 0, 0, frozenset(), wanted=False, sent=True, acked=True, missed=False, editing=False)


@pytest.mark.no_cover
def test_a_scene_with_crashes_is_searched_to_its_end_and_breaks_nothing() -> None:
    """Every situation within the bounds keeps the promises, and leads to agreement once faults end."""
    found = Search(CrashScene(CrashTheme("one crash", _theme("crash: edit").orders, PLAIN))).run()

    assert found.breach is None, found.path
    assert found.exhausted
    assert found.states > 2_000


@pytest.mark.parametrize("name", list(restart_scenes()))
def test_a_scene_with_crashes_breaks_nothing_as_far_as_there_is_time_to_look(name: str) -> None:
    found = explore.search(name, states_max=FIRST)

    assert found.breach is None, found.path
    assert found.states >= FIRST


@pytest.mark.parametrize("name", [mutant.name for mutant in CRASH_MUTANTS])
def test_a_broken_protocol_is_caught(name: str) -> None:
    """By a promise that it breaks, on a path that ends there."""
    caught = hunt_crash(name)

    assert re.match(r"P\d+: ", caught.check or "survived")
    assert caught.path


def test_a_broken_protocol_is_told_with_its_shortest_path(capsys: pytest.CaptureFixture[str]) -> None:
    name = "B: sent again at start"

    assert explore.main(["--crashes", "--mutants", "--only", name, "--workers", "1"]) == 0

    told = capsys.readouterr().out
    assert f"{name:<44} " in told
    assert "order, P1: the venue takes" in re.sub(r"\d+ states, order: ", "order, ", told)
    assert "\n    5. the process dies; its journal keeps: o pending\n" in told
    assert "1 of 1 planted bugs caught" in told


def test_scenes_with_crashes_and_their_bugs_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert explore.main(["--crashes", "--list"]) == 0
    assert capsys.readouterr().out.splitlines() == list(restart_scenes())
    assert explore.main(["--crashes", "--mutants", "--list"]) == 0
    assert "D: asked at once and rejected" in capsys.readouterr().out
    assert explore.main(["--crashes", "--only", "no such scene"]) == 2


# Steps that are no part of the short searches, in words.


def _walk(scene: CrashScene, *kinds: str) -> tuple[World, list[str]]:
    """Take the first move of each kind; the moves in words."""
    world, told = scene.start(), list[str]()
    for kind in kinds:
        move = next(move for move in scene.moves(world) if move[0] == kind)
        told.append(scene.tell(move))
        world = scene.take(world, move)
        scene.check_replay(world, world)
    return world, told


def _theme(name: str) -> CrashTheme:
    return next(theme for theme in themes() if theme.name == name)


def test_a_lost_link_takes_what_waits_for_it() -> None:
    """What would have left is not sent any more; what was under way to the EMS is gone."""
    scene = CrashScene(_theme("crash: link"))

    world, told = _walk(scene, "command", "lose", "sync", "sync")

    assert (world.to_venue, world.to_ems, world.link_losses) == ((), (), 1)
    assert world.owners[0].accepted
    assert told[1] == "the link is lost"


def test_a_request_may_never_arrive_once_it_is_late() -> None:
    scene = CrashScene(_theme("crash: cancel"))

    world, told = _walk(scene, "command", "sync", "tick", "sync", "tick", "sync", "vanish")

    assert not any(scene.books.requests[number].verb == "order" for number in world.to_venue)
    assert told[-1] == "the request order o.o1 never arrives"


def test_a_venue_may_refuse_a_cancel_end_an_order_and_say_a_thing_twice() -> None:
    refusing, ending = CrashScene(_theme("crash: cancel refused")), CrashScene(_theme("crash: two fills"))

    refused, told = _walk(refusing, "command", "sync", "arrive", "hear", "sync")
    move = next(move for move in refusing.moves(refused) if move[0] == "command" and move[1] == 1)
    refused = refusing.take(refusing.take(refused, move), ("sync",))
    refuse = next(move for move in refusing.moves(refused) if move[0] == "refuse")
    ended, also = _walk(ending, "command", "sync", "arrive", "double", "end")

    assert refusing.tell(refuse) == "the request cancel o.c1 arrives, and the venue refuses"
    assert refusing.take(refused, refuse).refusals == 1
    assert told[2] == "the request order o.o1 arrives"
    assert also[-2:] == ["the EMS hears: ack about o.o1, and will again", "the venue ends o"]
    assert ended.venue[0] == Resting("o.o1", 2, "5", 0, "expired")


def test_a_market_may_come_to_the_price_of_what_is_held() -> None:
    scene = CrashScene(_theme("crash: dark"))

    world, told = _walk(scene, "command", "quote", "sync", "sync")

    assert told[1] == "the market comes to the price"
    assert [scene.books.requests[number].name for number in world.to_venue] == ["o.o1"]


def test_a_question_may_be_answered_with_what_was_so_before() -> None:
    scene = CrashScene(CrashTheme("lag", (_theme("crash: lag").orders[0],), PLAIN, crashes=0, lag=1, skew=1))

    world, _ = _walk(scene, "command", "shift", "tick", "tick")
    order, query = sorted(world.to_venue, key=lambda number: scene.books.requests[number].verb)
    world = scene.take(world, ("arrive", order, 0))
    stale = ("arrive", query, 1)

    assert stale in scene.moves(world)
    assert scene.tell(stale).endswith("is answered with what was so 1 ticks ago")
    assert scene.tell(("shift", 1)) == "the clocks are set: the venue's is 1 ticks ahead"
    answered = scene.take(world, stale)
    assert "absent about o.q" in [describe(scene.books.messages[number]) for number in answered.to_ems]


def test_an_answer_is_stale_once_there_is_a_newer_question() -> None:
    """It is still heard, and answers nothing."""
    scene = CrashScene(CrashTheme("stale", _theme("crash: lag").orders, PLAIN, crashes=0))

    world, _ = _walk(scene, "command", "tick", "tick")
    query = next(n for n in world.to_venue if scene.books.requests[n].verb == "query")
    world = scene.take(scene.take(world, ("arrive", query, 0)), ("tick",))

    assert describe(scene.books.messages[world.to_ems[0]]) == "absent about o.q-"


def test_where_deadlines_are_not_heeded_a_request_never_ages() -> None:
    scene = CrashScene(CrashTheme("late", _theme("crash: lag").orders, settings(heeds=False), crashes=0))

    world, _ = _walk(scene, "command", "tick", "tick", "tick")

    order = scene.books.request(Request("order", "o.o1", 0, 0, Decimal(1), Decimal(5)))
    assert order in world.to_venue
    assert ("vanish", order) in scene.moves(world)


# The judge, by itself.


@pytest.mark.parametrize(
    ("owner", "resting", "now", "kept", "broken"),
    [
        (Owner(accepted=True), None, OPEN, None, "P2: the owner was told that the order is taken"),
        (
            Owner(told="filled"),
            LIVE,
            OPEN,
            OPEN._replace(state="filled"),
            "P2: .* told filled, and the venue",
        ),
        (Owner(told="rejected"), None, None, None, "P2: .* and the venue may still take it"),
        (Owner(told="cancelled"), LIVE, OPEN, OPEN, "P2: .* and the venue has it live"),
        (Owner(told="cancelled"), FILLED, OPEN, OPEN, "P2: .* and the venue has it filled"),
        (Owner(), LIVE, OPEN._replace(booked=1, filled=1), OPEN, "P3: 0 executions of one unit"),
        (Owner(), LIVE, OPEN._replace(filled=1), OPEN, "P3: 1 are filled, 0 are booked, and 0 traded"),
        (Owner(promised=True), LIVE, OPEN, OPEN, "P5: .* and the EMS forgot it"),
        (
            Owner(promised=True),
            LIVE,
            OPEN._replace(wanted=True),
            OPEN,
            "P5: .* and the journal forgot",
        ),
    ],
)
def test_the_judge_notices(
    owner: Owner, resting: Resting | None, now: Shown | None, kept: Shown | None, broken: str
) -> None:
    with pytest.raises(Breach, match=broken):
        judge(owner, resting, now, kept, comes=resting is None and not owner.accepted)


def test_a_venue_takes_an_id_again_only_once_its_order_is_over() -> None:
    """Which is how a second copy of an order becomes a second order."""
    assert accepts(None, "o.o1")
    assert not accepts(LIVE, "o.o1")
    for known, name in ((FILLED, "o.o1"), (LIVE, "o.o2")):
        with pytest.raises(Breach, match="P1: the venue takes"):
            accepts(known, name)


def test_agreement_is_about_every_quantity() -> None:
    lists = Venue(heeds=True, lists=True)

    assert agree(Owner(), None, None, lists)
    assert not agree(Owner(accepted=True), None, None, lists)
    assert agree(Owner(), LIVE, OPEN, lists)
    assert not agree(Owner(promised=True), LIVE, OPEN, lists)
    assert not agree(Owner(), LIVE._replace(size=2), OPEN, lists)
    assert not agree(Owner(), FILLED, OPEN, lists)
    filled = OPEN._replace(state="filled", filled=1)
    assert not agree(Owner(), FILLED, filled, lists)  # its execution is missing
    assert agree(Owner(), FILLED, filled, Venue(heeds=True, lists=False))  # and nobody tells it
    unknown = OPEN._replace(state="unknown", acked=False, missed=True)
    assert not agree(Owner(), None, unknown, lists)
    assert agree(Owner(), None, unknown, Venue(heeds=False, lists=True))  # it may still arrive


def test_a_search_with_crashes_ends_at_a_trap() -> None:
    """Where the venue's executions are never told, nothing leads to agreement."""
    scene = CrashScene(CrashTheme("trap", _theme("crash: edit").orders, PLAIN, crashes=1))
    scene.able = Venue(heeds=True, lists=True)

    found = Search(scene).run()

    assert found.breach == "P13: from here nothing leads to agreement with the venue"
    assert any(isinstance(message, Letter) for message in scene.books.messages)
