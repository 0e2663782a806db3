"""Races 16 to 28 of the FIX order state change matrices: edits and restatements; see ``test_races.py``."""

from __future__ import annotations

from fsm_ems.dialogs.settings import Settings
from tests.dialogs.script import Script


def play(table: str) -> Script:
    return Script().play(table)


def test_race_16_replaced_above_what_traded() -> None:
    """The new terms are in force once confirmed, and the rest of them is left."""
    play("""
    submit 10 @ 100  | order 10 @ 100 | pending 0 10 PendingNew
    open             | open 0 10 New
    edit e1 11       | edit 11 @ 100 | editing 0 10 New
    pending_edit     | editing 0 10 PendingReplace
    replaced e1      | open 0 11 New
    edit e2 12 @ 101 | edit 12 @ 101 | editing 0 11 New
    fill 1 @ 100     | editing 1 10 PartiallyFilled
    replaced e2      | open 1 11 PartiallyFilled
    fill 11 @ 101    | filled 12 0 Filled
    """)


def test_race_17_replaced_to_what_traded() -> None:
    """Filled, and not cancelled."""
    play("""
    submit 10 @ 100 | order 10 @ 100 | pending 0 10 PendingNew
    open            | open 0 10 New
    edit e1 7       | edit 7 @ 100 | editing 0 10 New
    fill 7 @ 100    | editing 7 3 PartiallyFilled
    replaced e1     | filled 7 0 Filled
    """)


def test_race_18_replaced_below_what_traded() -> None:
    """Filled; the order's size is what traded, not what was asked for."""
    script = play("""
    submit 10 @ 100 | order 10 @ 100 | pending 0 10 PendingNew
    open            | open 0 10 New
    edit e1 7       | edit 7 @ 100 | editing 0 10 New
    fill 8 @ 100    | editing 8 2 PartiallyFilled
    replaced e1     | filled 8 0 Filled
    """)

    assert script.terms("o1") == "8 @ 100"


def test_race_19_replace_refused() -> None:
    """The old terms and the old id stay; the next request names the last accepted one."""
    script = play("""
    submit 10 @ 100 | order 10 @ 100 | pending 0 10 PendingNew
    fill 1 @ 100    | open 1 9 PartiallyFilled
    edit e1 8 @ 101 | edit 8 @ 101 | editing 1 9 PartiallyFilled
    refused e1      | open 1 9 PartiallyFilled
    edit e2 7       | edit 7 @ 100 | editing 1 9 PartiallyFilled
    pending_edit    | editing 1 9 PendingReplace
    fill 1 @ 100    | editing 2 8 PendingReplace
    refused e2      | open 2 8 PartiallyFilled
    edit e3 6       | edit 6 @ 100 | editing 2 8 PartiallyFilled
    replaced e3     | open 2 4 PartiallyFilled
    cancel          | cancel | cancelling 2 4 PartiallyFilled
    """)

    order, *edits, cancel = script.sends
    assert [script.target(edit) for edit in edits] == [order.reqid] * 3
    assert script.target(cancel) == edits[2].reqid


def test_race_20_replace_refused_because_it_filled() -> None:
    """The fill decides; the refusal closes the request and changes nothing else."""
    play("""
    submit 10 @ 100     | order 10 @ 100 | pending 0 10 PendingNew
    fill 1 @ 100        | open 1 9 PartiallyFilled
    edit e1 @ 101       | edit 10 @ 101 | editing 1 9 PartiallyFilled
    fill 9 @ 100        | filled 10 0 Filled
    refused e1 too_late | filled 10 0 Filled
    """)


def test_race_21_increase_of_a_filled_order() -> None:
    """Where the broker can, it reopens; refused, it is filled as before; elsewhere we refuse it ourselves."""
    play("""
    submit 10 @ 100     | order 10 @ 100 | pending 0 10 PendingNew
    fill 10 @ 100       | filled 10 0 Filled
    edit e1 9           | refused not_editable | filled 10 0 Filled
    edit e1 12          | edit 12 @ 100 | editing 10 0 Filled
    pending_edit        | editing 10 0 PendingReplace
    refused e1          | filled 10 0 Filled
    edit e2 12          | edit 12 @ 100 | editing 10 0 Filled
    replaced e2         | open 10 2 PartiallyFilled
    fill 2 @ 100        | filled 12 0 Filled
    """)
    Script(Settings()).play("""
    submit 10 @ 100     | order 10 @ 100 | pending 0 10 PendingNew
    fill 10 @ 100       | filled 10 0 Filled
    edit e1 12          | refused order_ended | filled 10 0 Filled
    """)


def test_race_22_two_replaces_in_sequence() -> None:
    """One is at the venue at a time; the held one leaves when the first is answered."""
    play("""
    submit 10 @ 100 | order 10 @ 100 | pending 0 10 PendingNew
    fill 1 @ 100    | open 1 9 PartiallyFilled
    edit e1 8       | edit 8 @ 100 | editing 1 9 PartiallyFilled
    edit e2 7       | editing 1 9 PartiallyFilled
    pending_edit    | editing 1 9 PendingReplace
    replaced e1     | edit 7 @ 100 | editing 1 7 PartiallyFilled
    pending_edit as=e2 | editing 1 7 PendingReplace
    replaced e2     | open 1 6 PartiallyFilled
    """)


def test_race_23_two_pendings_before_the_replaces() -> None:
    """Requests are counted: the first confirmation leaves the second pending."""
    play("""
    submit 10 @ 100    | order 10 @ 100 | pending 0 10 PendingNew
    fill 1 @ 100       | open 1 9 PartiallyFilled
    edit e1 8          | edit 8 @ 100 | editing 1 9 PartiallyFilled
    edit e2 7          | editing 1 9 PartiallyFilled
    pending_edit as=e1 | editing 1 9 PendingReplace
    pending_edit as=e2 | editing 1 9 PendingReplace
    replaced e1        | editing 1 7 PendingReplace
    replaced e2        | open 1 6 PartiallyFilled
    """)


def test_race_24_both_refused_or_only_the_second() -> None:
    """Each refusal closes one request; the last one ends the editing."""
    play("""
    submit 10 @ 100        | order 10 @ 100 | pending 0 10 PendingNew
    open                   | open 0 10 New
    edit e1 8              | edit 8 @ 100 | editing 0 10 New
    edit e2 7              | editing 0 10 New
    pending_edit as=e1     | editing 0 10 PendingReplace
    refused e1             | edit 7 @ 100 | editing 0 10 New
    pending_edit as=e2     | editing 0 10 PendingReplace
    refused e2             | open 0 10 New
    edit e3 8              | edit 8 @ 100 | editing 0 10 New
    edit e4 7              | editing 0 10 New
    pending_edit as=e3     | editing 0 10 PendingReplace
    refused e4 pending     | editing 0 10 PendingReplace
    replaced e3            | open 0 8 New
    """)


def test_race_25_chain_out_of_order() -> None:
    """A fill under an edit's id proves the edit; a confirmation that comes late applies no older terms."""
    script = play("""
    submit 10 @ 100     | order 10 @ 100 | pending 0 10 PendingNew
    open                | open 0 10 New
    edit e1 12 @ 101    | edit 12 @ 101 | editing 0 10 New
    fill 3 @ 101 as=e1  | open 3 9 PartiallyFilled
    replaced e1         | nothing new | open 3 9 PartiallyFilled
    edit e2 13          | edit 13 @ 101 | editing 3 9 PartiallyFilled
    edit e3 14          | editing 3 9 PartiallyFilled
    replaced e3         | open 3 11 PartiallyFilled
    replaced e2         | nothing new | open 3 11 PartiallyFilled
    fill 1 @ 100 as=first | open 4 10 PartiallyFilled
    """)

    assert script.terms("o1") == "14 @ 101"


def test_race_26_cancel_while_editing() -> None:
    """Cancelling outranks editing; the edit may still come into force, or be refused."""
    play("""
    submit 10 @ 100     | order 10 @ 100 | pending 0 10 PendingNew
    open                | open 0 10 New
    edit e1 8           | edit 8 @ 100 | editing 0 10 New
    cancel              | cancel | cancelling 0 10 New
    pending_edit        | cancelling 0 10 PendingReplace
    pending_cancel      | cancelling 0 10 PendingCancel
    replaced e1         | cancelling 0 8 PendingCancel
    cancelled as=cancel | cancelled 0 0 Canceled
    o2: submit 10 @ 100 | order 10 @ 100 | pending 0 10 PendingNew
    o2: open            | open 0 10 New
    o2: edit e1 8       | edit 8 @ 100 | editing 0 10 New
    o2: cancel          | cancel | cancelling 0 10 New
    o2: refused e1      | cancelling 0 10 New
    o2: refused cancel  | open 0 10 New
    o3: submit 10 @ 100 | order 10 @ 100 | pending 0 10 PendingNew
    o3: open            | open 0 10 New
    o3: edit e1 8       | edit 8 @ 100 | editing 0 10 New
    o3: cancel          | cancel | cancelling 0 10 New
    o3: refused cancel  | editing 0 10 New
    o3: replaced e1     | open 0 8 New
    """)


def test_race_27_edit_while_cancelling() -> None:
    """Refused here, before the venue can."""
    play("""
    submit 10 @ 100 | order 10 @ 100 | pending 0 10 PendingNew
    open            | open 0 10 New
    cancel          | cancel | cancelling 0 10 New
    edit e1 12      | refused cancel_in_progress | cancelling 0 10 New
    refused e1 pending by=venue | nothing new | cancelling 0 10 New
    cancelled       | cancelled 0 0 Canceled
    """)


def test_race_28_unsolicited_restatement() -> None:
    """New terms without a request: the id stays, open requests stay, a split rescales what traded."""
    script = play("""
    submit 10 @ 100     | order 10 @ 100 | pending 0 10 PendingNew
    open                | open 0 10 New
    restated 11         | open 0 11 New
    fill 1 @ 100        | open 1 10 PartiallyFilled
    restated 9 @ 99     | open 1 8 PartiallyFilled
    cancel              | cancel | cancelling 1 8 PartiallyFilled
    restated 8          | cancelling 1 7 PartiallyFilled
    refused cancel      | open 1 7 PartiallyFilled
    split 2             | open 2 14 PartiallyFilled
    fill 14 @ 49        | filled 16 0 Filled
    restated 20         | open 16 4 PartiallyFilled
    restated 16         | filled 16 0 Filled
    """)

    dialog = script.dialog("o1")
    assert dialog is not None
    assert dialog.reqid == script.sends[0].reqid
    assert dialog.average_price == (2 * 50 + 14 * 49) / dialog.filled
