"""Races 29 to 43 of the FIX order state change matrices: what venues do; see ``test_races.py``."""

from __future__ import annotations

from tests.dialogs.script import Script


def play(table: str) -> Script:
    return Script().play(table)


def test_race_29_bust_after_filled() -> None:
    """There is something left again, or everything."""
    play("""
    submit 10 @ 100 | order 10 @ 100 | pending 0 10 PendingNew
    fill 4 @ 100    | open 4 6 PartiallyFilled
    fill 6 @ 100    | filled 10 0 Filled
    bust F2         | open 4 6 PartiallyFilled
    bust F2         | nothing new | open 4 6 PartiallyFilled
    fill 6 @ 100 id=F2 | nothing new | open 4 6 PartiallyFilled
    bust F1         | open 0 10 New
    fill 10 @ 100   | filled 10 0 Filled
    """)


def test_race_30_bust_after_cancelled() -> None:
    """The quantity goes back, the end stands; likewise after the day's end."""
    play("""
    submit 10 @ 100     | order 10 @ 100 | pending 0 10 PendingNew
    fill 5 @ 50         | open 5 5 PartiallyFilled
    cancelled           | cancelled 5 0 Canceled
    bust F1             | cancelled 0 0 Canceled
    fill 4 @ 51         | cancelled 4 0 Canceled
    o2: submit 10 @ 100 | order 10 @ 100 | pending 0 10 PendingNew
    o2: fill 5 @ 50     | open 5 5 PartiallyFilled
    o2: done_for_day    | expired 5 0 DoneForDay
    o2: bust F3         | expired 0 0 DoneForDay
    """)


def test_race_31_corrections() -> None:
    """The execution named is swapped, by its last id; the state follows; any id of the chain will do."""
    script = play("""
    submit 10 @ 100       | order 10 @ 100 | pending 0 10 PendingNew
    fill 4 @ 100          | open 4 6 PartiallyFilled
    fill 6 @ 110          | filled 10 0 Filled
    correct F2 5 @ 110    | open 9 1 PartiallyFilled
    correct C1 6 @ 120    | filled 10 0 Filled
    correct C1 6 @ 120 id=C2 | nothing new | filled 10 0 Filled
    edit e1 12            | edit 12 @ 100 | editing 10 0 Filled
    replaced e1           | open 10 2 PartiallyFilled
    correct F1 5 @ 100    | open 11 1 PartiallyFilled
    correct C2 7 @ 120 as=first | filled 12 0 Filled
    """)

    dialog = script.dialog("o1")
    assert dialog is not None
    assert dialog.notional == 5 * 100 + 7 * 120


def test_race_32_duplicate_order_refused() -> None:
    """It is the second copy that is refused; the live order is not touched, and somebody should look."""
    play("""
    submit 10 @ 100          | order 10 @ 100 | pending 0 10 PendingNew
    fill 1 @ 100             | open 1 9 PartiallyFilled
    submit 15 @ 100          | refused conflict | open 1 9 PartiallyFilled
    refused submit duplicate | alarm | open 1 9 PartiallyFilled
    """)


def test_race_33_resend_after_doubt() -> None:
    """The same id and the same body are the same order: the same answer, and nothing is sent."""
    play("""
    submit 10 @ 100   | order 10 @ 100 | pending 0 10 PendingNew
    submit 10.0 @ 100.00 | again | pending 0 10 PendingNew
    lost              | unknown 0 10 PendingNew
    submit 10 @ 100   | again | unknown 0 10 PendingNew
    connected         | unknown 0 10 PendingNew
    due               | query | unknown 0 10 PendingNew
    answer open cum=4 | open 4 6 PartiallyFilled
    submit 10 @ 100   | again | open 4 6 PartiallyFilled
    """)


def test_race_34_snapshot() -> None:
    """It fills gaps and never takes back; what it says of another id says nothing of this one."""
    play("""
    submit 10 @ 100      | order 10 @ 100 | pending 0 10 PendingNew
    answer pending_new   | acked 0 10 PendingNew
    answer open          | open 0 10 New
    fill 4 @ 100         | open 4 6 PartiallyFilled
    answer open cum=2    | nothing new | open 4 6 PartiallyFilled
    answer open cum=5    | open 5 5 PartiallyFilled
    fill 1 @ 100         | open 5 5 PartiallyFilled            # the execution behind it
    answer absent        | nothing new | open 5 5 PartiallyFilled
    nobody: answer absent | orphan | none
    fill 5 @ 100         | filled 10 0 Filled
    answer filled cum=10 | nothing new | filled 10 0 Filled
    """)


def test_race_35_disconnect() -> None:
    """Nothing is forgotten and nothing believed; the answer is adopted, and executions count once."""
    play("""
    submit 10 @ 100     | order 10 @ 100 | pending 0 10 PendingNew
    fill 2 @ 100 id=A   | open 2 8 PartiallyFilled
    lost                | unknown 2 8 PartiallyFilled
    connected           | unknown 2 8 PartiallyFilled
    synced              | unknown 2 8 PartiallyFilled
    due                 | query | unknown 2 8 PartiallyFilled
    answer open cum=6   | open 6 4 PartiallyFilled
    fill 2 @ 100 id=A   | nothing new | open 6 4 PartiallyFilled
    fill 4 @ 100 id=B   | open 6 4 PartiallyFilled
    lost                | unknown 6 4 PartiallyFilled
    connected           | unknown 6 4 PartiallyFilled
    due                 | query | unknown 6 4 PartiallyFilled
    answer filled cum=10 | filled 10 0 Filled
    """)


def test_race_36_expiry() -> None:
    """What traded stays; a cancel that crosses it is no news; FOK and IOC end cancelled."""
    play("""
    submit 10 @ 100 gtd=60s     | order 10 @ 100 | pending 0 10 PendingNew
    fill 4 @ 100                | open 4 6 PartiallyFilled
    cancel                      | cancel | cancelling 4 6 PartiallyFilled
    expired                     | expired 4 0 Expired
    refused cancel too_late     | nothing new | expired 4 0 Expired
    cancelled                   | nothing new | expired 4 0 Expired
    o2: submit 10 @ 100 fok     | order 10 @ 100 | pending 0 10 PendingNew
    o2: expired                 | cancelled 0 0 Canceled
    """)


def test_race_37_done_for_day() -> None:
    """A day order ends quietly; one that resumes lives on, and a restatement lifts the mark."""
    play("""
    submit 10 @ 100          | order 10 @ 100 | pending 0 10 PendingNew
    fill 3 @ 100             | open 3 7 PartiallyFilled
    done_for_day             | expired 3 0 DoneForDay
    fill 1 @ 100             | expired 4 0 DoneForDay
    o2: submit 10 @ 100      | order 10 @ 100 | pending 0 10 PendingNew
    o2: fill 2 @ 100         | open 2 8 PartiallyFilled
    o2: done_for_day resumes | open 2 8 DoneForDay
    o2: restated 10          | open 2 8 PartiallyFilled
    o2: done_for_day resumes | open 2 8 DoneForDay
    o2: open                 | open 2 8 PartiallyFilled
    """)


def test_race_38_stopped() -> None:
    """A guarantee is no execution: the state follows from what traded."""
    play("""
    submit 10 @ 100 | order 10 @ 100 | pending 0 10 PendingNew
    stopped         | open 0 10 Stopped
    fill 1 @ 50     | open 1 9 Stopped
    fill 9 @ 50     | filled 10 0 Filled
    """)


def test_race_39_held_order_triggers() -> None:
    """It fires once; a fill proves it, a rejection can follow, a cancel works before and after."""
    play("""
    submit 10 @ 100 dark     | dark_open 0 10 PendingNew
    trigger                  | order 10 @ 100 | dark_triggered 0 10 PendingNew
    trigger                  | nothing new | dark_triggered 0 10 PendingNew
    fill 2 @ 100             | open 2 8 PartiallyFilled
    o2: submit 10 @ 100 dark | dark_open 0 10 PendingNew
    o2: trigger              | order 10 @ 100 | dark_triggered 0 10 PendingNew
    o2: rejected             | rejected 0 0 Rejected
    o3: submit 10 @ 100 dark | dark_open 0 10 PendingNew
    o3: cancel               | cancelled 0 0 Canceled
    o3: trigger              | nothing new | cancelled 0 0 Canceled
    o4: submit 10 @ 100 dark | dark_open 0 10 PendingNew
    o4: trigger              | order 10 @ 100 | dark_triggered 0 10 PendingNew
    o4: cancel               | cancel_stashed 0 10 PendingNew
    o4: ack                  | cancel | cancelling 0 10 PendingNew
    o5: alert @ 90           | alert_open 0 0 PendingNew
    o5: trigger              | alert_triggered 0 0 PendingNew
    """)


def test_race_40_fill_and_cancel_in_one() -> None:
    """The fill first, then the end; nothing is left whatever is printed."""
    play("""
    submit 10 @ 100 ioc | order 10 @ 100 | pending 0 10 PendingNew
    fill 1 @ 100        | open 1 9 PartiallyFilled
    cancelled cum=1     | cancelled 1 0 Canceled
    o2: submit 10 @ 100 ioc | order 10 @ 100 | pending 0 10 PendingNew
    o2: cancelled cum=1 | cancelled 1 0 Canceled
    o2: fill 1 @ 100    | cancelled 1 0 Canceled              # the execution behind it
    """)


def test_race_41_order_born_outside() -> None:
    """It is adopted from its first report, by the venue's id, and lives like any other."""
    play("""
    phone: open 10 @ 100       | adopted | open 0 10 New
    phone: fill 3 @ 100        | open 3 7 PartiallyFilled
    phone: fill 7 @ 100        | filled 10 0 Filled
    web: fill 2 @ 100 of=5     | adopted | open 2 3 PartiallyFilled
    web: cancelled             | cancelled 2 0 Canceled
    """)


def test_race_42_overfill() -> None:
    """Every execution is booked; nothing is left, and somebody should look."""
    play("""
    submit 10 @ 100     | order 10 @ 100 | pending 0 10 PendingNew
    fill 6 @ 100        | open 6 4 PartiallyFilled
    fill 5 @ 100        | alarm | filled 11 0 Filled
    fill 1 @ 100        | alarm | filled 12 0 Filled
    o2: submit 10 @ 100 | order 10 @ 100 | pending 0 10 PendingNew
    o2: fill 4 @ 100    | open 4 6 PartiallyFilled
    o2: cancelled       | cancelled 4 0 Canceled
    o2: fill 7 @ 100    | alarm | cancelled 11 0 Filled        # which outranks Canceled
    """)


def test_race_43_trading_halt() -> None:
    """No report at all: a resting order never times out."""
    play("""
    submit 10 @ 100 | order 10 @ 100 | pending 0 10 PendingNew
    open            | open 0 10 New
    wait 86400s     | open 0 10 New
    fill 10 @ 100   | filled 10 0 Filled
    """)
