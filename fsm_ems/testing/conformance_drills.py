"""Scripts that each adapter is put through before any is drawn: the same ones, in the same order, each time.

What an adapter translates by a word, a code or a sign of its own has a script here that makes the venue say
it, once for each: a bug in one of a dozen codes is found by whoever runs the kit once. The drawn scripts look
for what nobody thought of. A step that the venue or the broker cannot do is passed over, as in those.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import get_args

from fsm_ems.testing.conformance_steps import (
    LONG,
    Answer,
    Ask,
    AskHistory,
    Break,
    BreakFeed,
    CancelOrder,
    Deliver,
    EditOrder,
    Garble,
    Place,
    Read,
    Reconnect,
    Show,
    Step,
    Trade,
    Turn,
    Turned,
    Wait,
)

_LOST_ORDER, _REJECTED, _OPEN = Answer(choice=3), Answer(choice=2), Answer(choice=1)
_REFUSED, _UNCLEAR, _STALE = Answer(choice=1), Answer(choice=2), Answer(choice=1)
_DUPLICATE = Answer(choice=1)
"""The answers of :meth:`~fsm_ems.testing.conformance_book.VenueBook.outcomes` that are not the first."""
_RESTS: tuple[Step, ...] = (Place(units=3), _OPEN)
_CANCEL: tuple[Step, ...] = (CancelOrder(), Answer())
_EDIT: tuple[Step, ...] = (EditOrder(units=2, ticks=101), Answer())
_ASK: tuple[Step, ...] = (Ask(), Answer())
_HISTORY: tuple[Step, ...] = (AskHistory(), Answer())
_BURST = 300
"""More reports than a buffer of a usual size holds, and more executions than a page."""
_AT_ONCE = 20
"""More orders than a limiter of a usual rate lets through before their deadline."""
_TURNS: tuple[Turn, ...] = get_args(Turn)


def _orders() -> list[Step]:
    """Orders of each kind, acknowledged in another order than they came."""
    asked: list[Step] = [
        Place(),
        Place(market=1, side="sell", units=LONG, ticks=10**9 + 7),
        Place(tif="ioc"),
        Place(tif="fok"),
        Place(tif="gtd"),
        Place(post_only=True),
        Place(side="sell", ticks=None),
        Place(market=1, ticks=99),
    ]
    answers = [Answer(request=request) for request in (7, 1, 3, 0, 2, 0, 1, 0)]
    return [*asked, *answers, *_HISTORY]


def _refusals() -> list[Step]:
    """Each code, of each request that can be refused with it."""
    return [
        *(Place(), _REJECTED, *_CANCEL, *_EDIT),  # what it never took it does not know
        *(*_RESTS, CancelOrder(), _REFUSED, EditOrder(), _REFUSED),
        *(Trade(units=3), *_CANCEL, *_EDIT),  # filled: too late
        *(*_RESTS, Turned(turn="cancelled"), *_CANCEL, *_EDIT),
        *(Place(units=3), Trade(), _DUPLICATE),
    ]


def _executions() -> list[Step]:
    """Each fee in each asset, at the limit and better, alike to the digit, on both sides, early and late."""
    return [
        Place(units=LONG),
        Trade(),
        Answer(),
        *(Trade(fee=fee, better=fee % 3) for fee in range(8)),
        *(Trade(fee=1), Trade(fee=1), Trade(fee=1, fate="twice"), Trade(fate="lost"), Trade(fate="later")),
        Trade(units=LONG - 1000),
        *(*_ASK, *_HISTORY, Deliver()),
        *(*_CANCEL, Trade(), *_ASK),
        *(Place(market=1, side="sell", units=3), Answer(), Trade(fee=4), Trade(better=1), Trade(), *_ASK),
        *(AskHistory(since=2), Answer()),
    ]


def _turns() -> list[Step]:
    """Everything that befalls an order unasked, whether it has traded or not; and a question after it."""
    script: list[Step] = []
    for turn in _TURNS:
        script += [*_RESTS, Trade(), Turned(turn=turn), *_ASK]
        if turn not in ("bust", "correction"):
            script += [*_RESTS, Turned(turn=turn), *_ASK]
    return script


def _questions() -> list[Step]:
    """A question about an order wherever it stands, and two at once, answered the wrong way round."""
    return [
        *(Place(), *_ASK, _LOST_ORDER, *_ASK),
        *(Place(), _REJECTED, *_ASK),
        *(Place(units=3), _OPEN, *_ASK, Trade(), *_ASK),
        *(Ask(), _UNCLEAR, Ask(), _STALE),
        *(Ask(), Ask(), Answer(request=1), Answer()),
        *(AskHistory(), Ask(), AskHistory(), Answer(request=2), Answer(), _STALE),
        *(Trade(units=2), *_ASK),
        *(*_RESTS, Trade(), *_CANCEL, *_ASK, *_HISTORY),
        *(*_RESTS, Ask(), Answer(choice=3), Wait(60), *_ASK),  # the first is never answered
    ]


def _edits() -> list[Step]:
    """Edits of an order that has traded, alone, two at once, and crossed by a fill or a cancel; of an older
    order than the newest too.
    """
    return [
        *(Place(units=3), Answer(), *_ASK, Trade(), EditOrder(units=LONG, ticks=10**9 + 7), Answer(), *_ASK),
        *(Trade(), EditOrder(units=3, ticks=101), EditOrder(units=2), Answer(request=1), Answer(), *_ASK),
        *(EditOrder(units=1, ticks=99), Trade(), Answer(), *_ASK, *_HISTORY),
        *(EditOrder(), CancelOrder(), Answer(request=1), Answer(), *_ASK),
        *(Place(side="sell", units=2), Answer(), EditOrder(ticks=101), _REFUSED, *_EDIT, Trade(units=LONG)),
        *(*_RESTS, *_RESTS, *_RESTS, EditOrder(order=2), Answer(), CancelOrder(order=1), Answer()),
        *(Ask(order=2), Answer(), *_CANCEL),
    ]


def _history() -> list[Step]:
    """Many open orders and executions, in both markets: told whole, stale, and since one of them."""
    placed: list[Step] = []
    for market in (0, 1, 0, 1, 0):
        placed += [Place(market=market, units=LONG, side="sell" if market else "buy"), Answer(), Trade()]
    return [
        *_HISTORY,
        *placed,
        *(*_HISTORY, AskHistory(since=3), Answer(), AskHistory(), _STALE),
        *(Wait(1), Trade(order=3), *_HISTORY, Reconnect(), Trade(order=1, fate="lost"), *_HISTORY),
    ]


def _line(*way: Step) -> list[Step]:
    """The line goes *way* and comes back, with requests and reports out; after it orders of before are served
    as well as new ones. One script for each way, for what a line still owes is asked for at the end alone.
    """
    return [
        *(Place(units=LONG), _OPEN, Show(), Show(market=1)),
        *(Place(), Trade(order=1), Place(units=3), Answer()),
        *way,
        *(Trade(), *_ASK, EditOrder(units=2), Answer(), Trade(), CancelOrder(order=1), Answer()),
        *(*_RESTS, Trade(), *_ASK, *_HISTORY, *_CANCEL, Wait(), Show(), Show(market=1)),
    ]


def _market() -> list[Step]:
    """Quotes and prints of two markets, in plain and in long numbers, of both sides."""
    return [
        *(Show(units=2), Show(market=1, ticks=10**9 + 7, units=LONG)),
        *(Show(is_print=True), Show(market=1, ticks=10**9 + 7, units=2, is_print=True)),
        *(Show(market=1, ticks=99), Show(ticks=101, units=3, is_print=True)),
    ]


def _feed(by: Break) -> list[Step]:
    """The feed breaks *by* each piece of nonsense, and shows both markets before and after; so do orders."""
    script: list[Step] = [Place(units=LONG), _OPEN]
    for variant in range(4 if by in ("garbled", "greeted") else 1):
        script += [Show(), Show(market=1), BreakFeed(by, variant), Show(ticks=101), Show(market=1, ticks=99)]
    return [*script, Trade(), *_ASK]


def _nonsense() -> list[Step]:
    """Each piece of nonsense, among what makes sense."""
    script: list[Step] = [Place(units=LONG), Answer()]
    for variant in range(4):
        script += [Trade(fate="later"), Garble(variant), Deliver(), *_ASK]
    return script


def _cuts() -> list[Step]:
    """Calls are cancelled at each turn."""
    script: list[Step] = []
    for cut in range(3):
        script += [
            *(Place(units=3, cut=cut), *_RESTS, Trade(cut=cut), Ask(cut=cut), Ask(), Answer(cut=cut)),
            *(Answer(rest=False), Trade(rest=False, cut=cut), *_CANCEL, *_HISTORY),
        ]
    return script


def _alone() -> list[Step]:
    """A request of each kind, with none before it that it could wait for, while the venue speaks: such a one
    has no excuse to be late. So on a first connection, on a later one, and on the first of a new adapter.
    """
    script: list[Step] = [Wait(10), Place(units=LONG), _OPEN]
    asked: tuple[Step, ...] = (AskHistory(), Ask(), EditOrder(units=LONG), CancelOrder(), Place(units=LONG))
    each: list[Step] = []
    for one in asked:
        each += [*(Wait(10), Trade()) * 7, one, Answer()]
    return [*script, *each, Reconnect(), *each, Reconnect(by="ems"), *each, Reconnect(by="restart"), *each]


def _bursts() -> list[Step]:
    """More than can go or come at once: nothing is lost, nothing is late."""
    return [
        *(Place(units=LONG) for _ in range(_AT_ONCE)),
        Wait(60),
        *(Answer() for _ in range(_AT_ONCE)),
        Read(),
        *(Trade(rest=False) for _ in range(_BURST)),
        Trade(),  # now whoever has a buffer has filled it
        Read(on=True),
        *_HISTORY,
    ]


DRILLS: Mapping[str, Sequence[Step]] = {
    "orders": _orders(),
    "refusals": _refusals(),
    "executions": _executions(),
    "turns": _turns(),
    "questions": _questions(),
    "edits": _edits(),
    "history": _history(),
    "hung up": _line(Reconnect()),
    "left": _line(Reconnect(by="ems")),
    "left unread": _line(Read(), Trade(), Ask(), Answer(), Reconnect(by="ems")),
    "restarted": _line(Reconnect(by="restart")),
    "refused": _line(Reconnect(by="refused")),
    "market": _market(),
    "feed dropped": _feed("dropped"),
    "feed refused": _feed("refused"),
    "feed garbled": _feed("garbled"),
    "feed greeted": _feed("greeted"),
    "nonsense": _nonsense(),
    "cuts": _cuts(),
    "alone": _alone(),
    "bursts": _bursts(),
}
"""The scripts by what they are about."""
