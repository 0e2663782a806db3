"""Races 1 to 15 of the 43 that the FIX order state change matrices settle: arrival, fills and cancels.

Each is told as a table and played. The language of the tables, and what every one of them proves
besides, is in ``script.py``; the other races are in ``test_races_of_terms.py`` and
``test_races_of_venues.py``.
"""

from __future__ import annotations

from tests.dialogs.script import Script


def play(table: str) -> Script:
    return Script().play(table)


def test_race_01_fill_before_ack() -> None:
    """The fill is the acknowledgement."""
    play("""
    submit 10 @ 100     | order 10 @ 100 | pending 0 10 PendingNew
    fill 3 @ 100        | open 3 7 PartiallyFilled
    o2: submit 10 @ 100 | order 10 @ 100 | pending 0 10 PendingNew
    o2: fill 10 @ 100   | filled 10 0 Filled
    """)


def test_race_02_ack_after_fill() -> None:
    """The acknowledgement is noted; it lowers nothing."""
    script = play("""
    submit 10 @ 100         | order 10 @ 100 | pending 0 10 PendingNew
    fill 3 @ 100 by=request | open 3 7 PartiallyFilled
    ack                     | open 3 7 PartiallyFilled
    open cum=0              | nothing new | open 3 7 PartiallyFilled
    o2: submit 10 @ 100     | order 10 @ 100 | pending 0 10 PendingNew
    o2: fill 10 by=request  | filled 10 0 Filled
    o2: ack                 | filled 10 0 Filled
    """)

    assert [script.dialog(name).venue_id for name in ("o1", "o2")] == ["V-o1", "V-o2"]  # type: ignore[union-attr]  # both were submitted


def test_race_03_everything_comes_twice() -> None:
    """An acknowledgement is no news the second time, and an execution is counted by its id."""
    play("""
    submit 10 @ 100     | order 10 @ 100 | pending 0 10 PendingNew
    ack                 | acked 0 10 PendingNew
    ack                 | nothing new | acked 0 10 PendingNew
    fill 3 @ 100 id=A   | open 3 7 PartiallyFilled
    ack                 | nothing new | open 3 7 PartiallyFilled
    fill 3 @ 100 id=A   | nothing new | open 3 7 PartiallyFilled
    fill 3 @ 100 id=B   | open 6 4 PartiallyFilled
    cancelled           | cancelled 6 0 Canceled
    fill 3 @ 100 id=B   | nothing new | cancelled 6 0 Canceled
    cancelled           | nothing new | cancelled 6 0 Canceled
    """)


def test_race_04_reject_after_ack() -> None:
    """A rejection is legal after the acknowledgement, and once it rests."""
    play("""
    submit 10 @ 100     | order 10 @ 100 | pending 0 10 PendingNew
    ack                 | acked 0 10 PendingNew
    rejected            | rejected 0 0 Rejected
    o2: submit 10 @ 100 | order 10 @ 100 | pending 0 10 PendingNew
    o2: open            | open 0 10 New
    o2: rejected        | rejected 0 0 Rejected
    """)


def test_race_05_cancel_wanted_before_ack() -> None:
    """The cancel waits for the first report: acknowledged or partly filled it leaves, else it is dropped."""
    play("""
    submit 10 @ 100     | order 10 @ 100 | pending 0 10 PendingNew
    cancel              | cancel_stashed 0 10 PendingNew
    ack                 | cancel | cancelling 0 10 PendingNew
    cancelled           | cancelled 0 0 Canceled
    o2: submit 10 @ 100 | order 10 @ 100 | pending 0 10 PendingNew
    o2: cancel          | cancel_stashed 0 10 PendingNew
    o2: fill 4 @ 100    | cancel | cancelling 4 6 PartiallyFilled
    o3: submit 10 @ 100 | order 10 @ 100 | pending 0 10 PendingNew
    o3: cancel          | cancel_stashed 0 10 PendingNew
    o3: fill 10 @ 100   | filled 10 0 Filled
    o4: submit 10 @ 100 | order 10 @ 100 | pending 0 10 PendingNew
    o4: cancel          | cancel_stashed 0 10 PendingNew
    o4: rejected        | rejected 0 0 Rejected
    o5: submit 10 @ 100 | order 10 @ 100 | pending 0 10 PendingNew
    o5: cancel          | cancel_stashed 0 10 PendingNew
    o5: cancelled       | cancelled 0 0 Canceled
    """)


def test_race_06_pending_cancel_before_ack() -> None:
    """The venue may tell of the cancel before it tells of the order, or of the end alone."""
    play("""
    submit 10 @ 100           | order 10 @ 100 | pending 0 10 PendingNew
    cancel                    | cancel_stashed 0 10 PendingNew
    pending_cancel as=cancel  | cancelling 0 10 PendingCancel
    ack                       | nothing new | cancelling 0 10 PendingCancel
    open                      | cancelling 0 10 PendingCancel
    cancelled as=cancel       | cancelled 0 0 Canceled
    o2: submit 5 @ 100        | order 5 @ 100 | pending 0 5 PendingNew
    o2: cancel                | cancel_stashed 0 5 PendingNew
    o2: pending_cancel as=cancel | cancelling 0 5 PendingCancel
    o2: cancelled as=cancel   | cancelled 0 0 Canceled
    """)


def test_race_07_ack_crosses_cancel() -> None:
    """An acknowledgement under way when the cancel leaves does not end the cancelling."""
    play("""
    submit 10 @ 100        | order 10 @ 100 | pending 0 10 PendingNew
    ack                    | acked 0 10 PendingNew
    cancel                 | cancel | cancelling 0 10 PendingNew
    open                   | cancelling 0 10 New
    ack                    | nothing new | cancelling 0 10 New
    pending_cancel         | cancelling 0 10 PendingCancel
    cancelled as=cancel    | cancelled 0 0 Canceled
    """)


def test_race_08_cancel_refused_as_unknown_order() -> None:
    """The look-up failed; the order may still arrive, and be cancelled then."""
    play("""
    submit 10 @ 100              | order 10 @ 100 | pending 0 10 PendingNew
    cancel                       | cancel_stashed 0 10 PendingNew
    refused cancel unknown_order by=request | pending 0 10 PendingNew
    ack                          | acked 0 10 PendingNew
    cancel                       | cancel | cancelling 0 10 PendingNew
    cancelled as=cancel          | cancelled 0 0 Canceled
    """)


def test_race_09_partial_fill_while_cancelling() -> None:
    """It is booked under the old terms, and the cancel stays open."""
    play("""
    submit 10 @ 100     | order 10 @ 100 | pending 0 10 PendingNew
    open                | open 0 10 New
    cancel              | cancel | cancelling 0 10 New
    fill 3 @ 100        | cancelling 3 7 PartiallyFilled
    pending_cancel      | cancelling 3 7 PendingCancel
    fill 1 @ 100        | cancelling 4 6 PendingCancel
    cancelled as=cancel | cancelled 4 0 Canceled
    """)


def test_race_10_full_fill_while_cancelling() -> None:
    """Filled at once, whether or not the cancel is refused afterwards."""
    play("""
    submit 10 @ 100         | order 10 @ 100 | pending 0 10 PendingNew
    open                    | open 0 10 New
    cancel                  | cancel | cancelling 0 10 New
    pending_cancel          | cancelling 0 10 PendingCancel
    fill 10 @ 100           | filled 10 0 PendingCancel
    refused cancel too_late | filled 10 0 Filled
    o2: submit 10 @ 100     | order 10 @ 100 | pending 0 10 PendingNew
    o2: open                | open 0 10 New
    o2: cancel              | cancel | cancelling 0 10 New
    o2: fill 10 @ 100       | filled 10 0 Filled
    """)


def test_race_11_cancel_refused_as_too_late() -> None:
    """The request ends; where the order is follows from its quantities, or it has ended already."""
    play("""
    submit 10 @ 100             | order 10 @ 100 | pending 0 10 PendingNew
    fill 10 @ 100               | filled 10 0 Filled
    refused cancel too_late     | nothing new | filled 10 0 Filled
    o2: submit 10 @ 100 gtd=60s | order 10 @ 100 | pending 0 10 PendingNew
    o2: open                    | open 0 10 New
    o2: cancel                  | cancel | cancelling 0 10 New
    o2: expired                 | expired 0 0 Expired
    o2: refused cancel too_late | nothing new | expired 0 0 Expired
    o3: submit 10 @ 100         | order 10 @ 100 | pending 0 10 PendingNew
    o3: fill 2 @ 100            | open 2 8 PartiallyFilled
    o3: cancel                  | cancel | cancelling 2 8 PartiallyFilled
    o3: refused cancel too_late | open 2 8 PartiallyFilled
    o3: cancelled               | cancelled 2 0 Canceled
    o3: refused cancel too_late | nothing new | cancelled 2 0 Canceled
    """)


def test_race_12_cancel_refused_for_another_reason() -> None:
    """Back to open, with what filled meanwhile."""
    play("""
    submit 10 @ 100      | order 10 @ 100 | pending 0 10 PendingNew
    ack                  | acked 0 10 PendingNew
    cancel               | cancel | cancelling 0 10 PendingNew
    refused cancel other | acked 0 10 PendingNew
    open                 | open 0 10 New
    cancel               | cancel | cancelling 0 10 New
    pending_cancel       | cancelling 0 10 PendingCancel
    fill 4 @ 100         | cancelling 4 6 PendingCancel
    refused cancel other | open 4 6 PartiallyFilled
    cancel               | cancel | cancelling 4 6 PartiallyFilled
    """)


def test_race_13_cancelled_with_fills() -> None:
    """What has traded stays, nothing is left; no pending report is needed."""
    play("""
    submit 10 @ 100     | order 10 @ 100 | pending 0 10 PendingNew
    fill 4 @ 100        | open 4 6 PartiallyFilled
    cancel              | cancel | cancelling 4 6 PartiallyFilled
    cancelled as=cancel | cancelled 4 0 Canceled
    """)


def test_race_14_unsolicited_cancel() -> None:
    """From every live state; open requests are dropped and their refusals are no news."""
    play("""
    submit 10 @ 100         | order 10 @ 100 | pending 0 10 PendingNew
    cancelled               | cancelled 0 0 Canceled
    o2: submit 10 @ 100 ioc | order 10 @ 100 | pending 0 10 PendingNew
    o2: ack                 | acked 0 10 PendingNew
    o2: expired             | cancelled 0 0 Canceled                     # IOC and FOK end cancelled
    o3: submit 10 @ 100     | order 10 @ 100 | pending 0 10 PendingNew
    o3: fill 1 @ 100        | open 1 9 PartiallyFilled
    o3: edit e1 12          | edit 12 @ 100 | editing 1 9 PartiallyFilled
    o3: cancelled           | cancelled 1 0 Canceled
    o3: refused e1 too_late | nothing new | cancelled 1 0 Canceled
    o4: submit 10 @ 100     | order 10 @ 100 | pending 0 10 PendingNew
    o4: open                | open 0 10 New
    o4: cancel              | cancel | cancelling 0 10 New
    o4: cancelled           | cancelled 0 0 Canceled
    o4: refused cancel too_late | nothing new | cancelled 0 0 Canceled
    o5: submit 10 @ 100     | order 10 @ 100 | pending 0 10 PendingNew
    lost                    | o5: unknown 0 10 PendingNew
    connected               | o5: unknown 0 10 PendingNew
    o5: cancelled           | cancelled 0 0 Canceled
    """)


def test_race_15_late_fill_after_an_end() -> None:
    """It is booked and told; the end stands and nothing is left."""
    play("""
    submit 10 @ 100             | order 10 @ 100 | pending 0 10 PendingNew
    open                        | open 0 10 New
    cancelled                   | cancelled 0 0 Canceled
    fill 3 @ 100                | cancelled 3 0 Canceled
    o2: submit 10 @ 100 gtd=60s | order 10 @ 100 | pending 0 10 PendingNew
    o2: fill 1 @ 100            | open 1 9 PartiallyFilled
    o2: expired                 | expired 1 0 Expired
    o2: fill 3 @ 100            | expired 4 0 Expired
    """)
