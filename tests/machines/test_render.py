"""What the command line and the reports call."""

import re
from typing import get_args

import pytest

from fsm_ems.errors import ClientFault, InvalidMessage
from fsm_ems.machines.render import (
    PICTURES,
    Format,
    MachineName,
    diagram,
    for_page,
    life,
    life_on_page,
    order_table_summary,
)

FIRST = {"mermaid": "---", "dot": "digraph order {", "svg": "<svg ", "markdown": "# "}


@pytest.mark.parametrize("form", get_args(Format))
@pytest.mark.parametrize("machine", get_args(MachineName))
def test_each_machine_is_drawn_in_each_format_for_each_state(machine: MachineName, form: Format) -> None:
    plain = diagram(machine, form)
    marked = {node.name: diagram(machine, form, node.name) for node in PICTURES[machine].graph.nodes}

    assert plain.startswith(FIRST[form].replace("order", machine))
    assert plain.endswith("\n")
    assert len({plain, *marked.values()}) == 1 + len(marked)


@pytest.mark.parametrize("form", get_args(Format))
def test_unknown_state_is_refused_with_those_that_exist(form: Format) -> None:
    with pytest.raises(
        ClientFault, match="link machine has no state 'open'; it has down, connecting, syncing, up"
    ):
        diagram("link", form, "open")


def test_life_marks_where_it_ends() -> None:
    path = [("down", "connect", "connecting"), ("connecting", "lost", "connecting")]

    assert life("link", path) != life("link", path[:1])
    assert life("link", path).count('class="halo"') == 1


def test_life_with_steps_the_table_lacks_is_refused_naming_each() -> None:
    path = [("new", "submit", "pending"), ("pending", "ack", "open"), ("open", "submit", "open")]

    with pytest.raises(InvalidMessage) as refusal:
        life("order", path)

    assert refusal.value.problems == (
        "the order machine has no row pending ack open",
        "the order machine has no row open submit open",
    )
    with pytest.raises(InvalidMessage, match="at least one step"):
        life("order", [])


def test_a_life_on_a_page_is_refused_as_one_alone() -> None:
    with pytest.raises(InvalidMessage, match="the order machine has no row pending ack open"):
        life_on_page("order", "k", [(1, "new", "submit", "pending"), (2, "pending", "ack", "open")])
    with pytest.raises(InvalidMessage, match="at least one step"):
        life_on_page("order", "k", [])


def test_a_life_on_a_page_has_the_steps_own_numbers_and_two_may_share_one() -> None:
    moves = [(3, "unknown", "found_open", "open"), (3, "open", "resume_cancel", "cancelling")]
    picture = life_on_page("order", "k", moves)

    assert re.findall(r"<title>(\d+ \w+)</title>", picture) == ["3 found_open", "3 resume_cancel"]
    assert picture.count('<use href="#k"/>') == 1
    assert len(picture) < len(for_page("order", "k").stage) / 8


@pytest.mark.parametrize("machine", get_args(MachineName))
def test_the_machine_of_a_page_is_the_picture_without_its_style(machine: MachineName) -> None:
    """The same boxes, lines, states, labels and legend; all dimmed, and the styles are the page's."""
    given, alone = for_page(machine, "k"), diagram(machine, "svg")
    pieces = re.findall(r"<(?:path|rect|text|circle) [^>]*>", given.stage)
    used = set(re.findall(r'class="[^"]*\bs-(\w+)', given.stage))

    assert pieces == re.findall(r"<(?:path|rect|text|circle) [^>]*>", alone)
    assert "<style" not in given.stage
    assert used == set(re.findall(r"\.fsm \.s-(\w+)\{--c:light-dark\(#\w+,#\w+\)", given.style))
    assert "prefers-color-scheme" not in given.style


def test_readmes_table_has_one_short_row_for_each_state() -> None:
    rows = [line for line in order_table_summary().splitlines() if line.startswith("| ")][2:]

    assert len(rows) == 16
    assert all(len(row) < 240 for row in rows)
