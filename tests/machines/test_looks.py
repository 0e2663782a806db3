"""Stories are told apart by more than colour."""

from fsm_ems.machines.link import LINK
from fsm_ems.machines.looks import LOOKS, PLAIN, SPINE, look
from fsm_ems.machines.order import ORDER


def test_every_story_of_both_machines_has_a_look_of_its_own() -> None:
    stories = {row.story for row in ORDER.rows} | {row.story for row in LINK.rows}

    assert stories - set(LOOKS) <= {"venue"}
    assert look("no such story") is PLAIN


def test_line_says_what_dot_calls_the_dashes() -> None:
    assert (SPINE.line, look("dark").line, look("alert").line) == ("solid", "dashed", "dotted")


def test_main_line_is_widest() -> None:
    assert all(found.width < SPINE.width for found in LOOKS.values())
