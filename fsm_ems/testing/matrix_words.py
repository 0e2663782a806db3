"""The words of order state scenarios: FIX names, some with their codes, and the states of the hints.

Names are as :func:`plain_word` makes them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches

from fsm_ems.machines.order import OrderState

_SPELLINGS = {
    "cancelled": "canceled",
    "replace": "replaced",
    "tradecanceled": "tradecancel",
    "correct": "tradecorrect",
    "triggered": "triggeredoractivatedbysystem",
}


def bare(text: str) -> str:
    """*text* without case, blanks and underscores: ``CumQty`` and ``cum_qty`` are one."""
    return "".join(letter for letter in text if letter.isalnum()).lower()


def plain_word(text: str | None) -> str:
    """*text* as the word that it is, so that ``Pending Cancel`` and ``PendingCancel`` are one."""
    word = bare(text or "")
    return _SPELLINGS.get(word, word)


_NEAR = 0.92
"""How much a long name is like one that is misspelt: FIX has others that are nearly as like, such as
``exec_inst`` and ``last_mkt``.
"""
_SHORT = 5
"""So many letters does a short name have."""


def meant(name: str, known: Iterable[str]) -> str | None:
    """Which of *known* was meant by *name*, which is none of them: the same but for case and underscores, or
    misspelt. None where it resembles none.
    """
    names = {bare(one): one for one in known}
    written = bare(name)
    near = [one for one in names if one == written or _is_slip(written, one)]
    near = near or get_close_matches(written, names, n=1, cutoff=_NEAR)
    return names[near[0]] if near else None


def _is_slip(written: str, known: str) -> bool:
    """Whether one is the other with its letters in another order, or one of them wrong, missing or too many.

    A digit makes another name, such as ``price2``; and so does one letter of a short name, as in state and
    stale.
    """
    if sorted(written) == sorted(known):
        return True
    if len(written) == len(known):
        wrong = [letter for letter, right in zip(written, known, strict=True) if letter != right]
        return len(known) > _SHORT and len(wrong) == 1 and not wrong[0].isdigit()
    longer, shorter = sorted((written, known), key=len, reverse=True)
    return len(longer) >= _SHORT and any(
        longer[:place] + longer[place + 1 :] == shorter and not more.isdigit()
        for place, more in enumerate(longer)
    )


MESSAGES = frozenset({
    "newordersingle", "newordercross", "newordermultileg", "neworderlist",
    "ordercancelrequest", "ordercancelreplacerequest", "ordermodificationrequest",
    "crossordercancelrequest", "crossordercancelreplacerequest", "multilegordercancelreplace",
    "listcancelrequest", "listexecute", "liststatus", "liststatusrequest",
    "ordermasscancelrequest", "ordermasscancelreport", "ordermassactionrequest", "ordermassactionreport",
    "ordermassstatusrequest", "orderstatusrequest",
    "executionreport", "executionacknowledgement", "ordercancelreject", "dontknowtrade",
    "reject", "businessmessagereject", "news", "email", "outofband",
})  # fmt: skip  # one name a line says no more
"""What a client and a broker say of orders, and what comes of a message that cannot be read."""

Codes = Mapping[str, str]
"""Names, each with the codes that it has, of one letter."""

EXEC_TYPES: Codes = {
    "new": "0",
    "partialfill": "1F",
    "fill": "2F",
    "doneforday": "3",
    "canceled": "4",
    "replaced": "5",
    "pendingcancel": "6",
    "stopped": "7",
    "rejected": "8",
    "suspended": "9",
    "pendingnew": "A",
    "calculated": "B",
    "expired": "C",
    "restated": "D",
    "pendingreplace": "E",
    "trade": "F",
    "tradecorrect": "G",
    "tradecancel": "H",
    "orderstatus": "I",
    "tradeinaclearinghold": "J",
    "tradehasbeenreleasedtoclearing": "K",
    "triggeredoractivatedbysystem": "L",
    "locked": "M",
    "released": "N",
}
"""ExecType, each with its codes: a fill had two of its own before FIX 4.3."""

ORD_STATUSES: Codes = {
    "new": "0",
    "partiallyfilled": "1",
    "filled": "2",
    "doneforday": "3",
    "canceled": "4",
    "replaced": "5",
    "pendingcancel": "6",
    "stopped": "7",
    "rejected": "8",
    "suspended": "9",
    "pendingnew": "A",
    "calculated": "B",
    "expired": "C",
    "acceptedforbidding": "D",
    "pendingreplace": "E",
}
"""OrdStatus, each with its code."""

TIMES_IN_FORCE = frozenset({
    "day", "goodtillcancel", "gtc", "attheopening", "opg", "immediateorcancel", "ioc", "fillorkill", "fok",
    "goodtillcrossing", "gtx", "goodtilldate", "gtd", "attheclose", "goodthroughcrossing", "atcrossing",
    "goodfortime", "gft", "goodforauction", "gfa", "goodformonth", "gfm",
})  # fmt: skip  # one name a line says no more

HINTS = frozenset({*(state.value for state in OrderState), "partially_filled"})
"""Every state of the order machine, and an open order of which something is filled."""
