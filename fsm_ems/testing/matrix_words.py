"""The words of order state scenarios: FIX names, some with their codes, and the states of the hints.

Names are as :func:`plain_word` makes them.
"""

from __future__ import annotations

from collections.abc import Mapping

from fsm_ems.machines.order import OrderState

_SPELLINGS = {
    "cancelled": "canceled",
    "replace": "replaced",
    "tradecanceled": "tradecancel",
    "correct": "tradecorrect",
    "triggered": "triggeredoractivatedbysystem",
}


def plain_word(text: str | None) -> str:
    """*text* without case and blanks, so that ``Pending Cancel`` and ``PendingCancel`` are one word."""
    word = "".join(letter for letter in text or "" if letter.isalnum()).lower()
    return _SPELLINGS.get(word, word)


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
