"""Adapters of the JSON venue that get one word, number or page wrong: a drill finds each, each time."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from decimal import Decimal
from typing import Any, TypeVar, cast

import trio

from examples.json_broker import JexBroker, JexDialogue, JexRows
from fsm_ems.messages import (
    AnyReport,
    BrokerdBust,
    BrokerdCancel,
    BrokerdCorrection,
    BrokerdEdit,
    BrokerdError,
    BrokerdFill,
    BrokerdHistory,
    BrokerdOrder,
    BrokerdOrderAck,
    BrokerdQuery,
    BrokerdRefused,
    BrokerdReplaced,
    BrokerdRestated,
    BrokerdStatus,
    Request,
)
from fsm_ems.testing.conformance import MakeVenue
from tests.testing.planted_adapters import with_broker, with_dialogue
from tests.testing.planted_feeds import EndsWithItsWire
from tests.testing.talkative import TalkativeEnd, Telling, changing

_Kind = TypeVar("_Kind", bound=AnyReport)


def telling(kind: type[_Kind], change: Callable[[Telling, _Kind], AnyReport | None]) -> MakeVenue:
    """A venue end whose adapter does so."""
    return with_dialogue(changing(kind, change))


def sent(change: Callable[[Request], Request]) -> MakeVenue:
    """A venue end whose adapter sends something else."""

    class Sending(JexDialogue):
        async def send(self, request: Request) -> None:
            await super().send(change(request))

    return with_dialogue(Sending)


# ── refusals and statuses ───────────────────────────────────────────────────────────────────────────


def uncoded(code: str) -> MakeVenue:
    """It has no word for one of the codes."""
    return telling(
        BrokerdRefused, lambda _, report: replace(report, code="other") if report.code == code else report
    )


def misread(status: str, wrong: Any) -> MakeVenue:  # noqa: ANN401 -- a word among the statuses
    """It takes one status for another."""
    return telling(
        BrokerdStatus, lambda _, report: replace(report, status=wrong) if report.status == status else report
    )


def cancelled_anyway(_: Telling, report: BrokerdRefused) -> AnyReport:
    """What comes too late to be cancelled is cancelled, it thinks."""
    if report.request != "cancel" or report.code != "too_late":
        return report
    return BrokerdStatus(reqid=report.target, venue_id=report.venue_id, status="cancelled")


def ended_is_absent(_: Telling, report: BrokerdStatus) -> AnyReport:
    """It looks among the open orders alone."""
    if report.snapshot and report.status in ("filled", "cancelled", "expired"):
        return replace(report, status="absent", cum=None, details=None)
    return report


def newest(line: Telling, kind: type[Request]) -> Any:  # noqa: ANN401 -- an id in either form
    """The id of the newest request of *kind* on this connection."""
    return next((one.reqid for one in reversed(line.sent) if isinstance(one, kind)), None)


def acked_as_the_newest(line: Telling, report: BrokerdOrderAck) -> AnyReport:
    """An ack is of the order that went out last."""
    return replace(report, reqid=newest(line, BrokerdOrder) or report.reqid)


def answered_as_the_newest(line: Telling, report: BrokerdStatus) -> AnyReport:
    """An answer is to the question that went out last."""
    return replace(report, query=newest(line, BrokerdQuery)) if report.snapshot else report


def with_old_terms(line: Telling, report: BrokerdStatus) -> AnyReport:
    """An order's terms are read once."""
    return replace(report, details=line.known.setdefault(report.venue_id, report.details))


# ── executions ──────────────────────────────────────────────────────────────────────────────────────


def filled_at_the_limit(line: Telling, fill: BrokerdFill) -> AnyReport:
    """A limit order trades at its limit, it thinks."""
    limits = {one.reqid: one.price for one in line.sent if isinstance(one, BrokerdOrder)}
    return replace(fill, price=limits.get(cast("Any", fill.reqid)) or fill.price)


def alike_is_the_same(line: Telling, fill: BrokerdFill) -> AnyReport | None:
    """Two executions that are alike are one, whatever their ids say."""
    first = line.known.setdefault((fill.venue_id, fill.price, fill.size), fill)
    return fill if first.exec_id == fill.exec_id else None


def nothing_after_the_end(line: Telling, report: AnyReport) -> AnyReport | None:
    """What is cancelled trades no more, it thinks."""
    if isinstance(report, BrokerdStatus) and report.status == "cancelled":
        line.known[report.venue_id] = report
    return None if isinstance(report, BrokerdFill) and report.venue_id in line.known else report


# ── the line ────────────────────────────────────────────────────────────────────────────────────────


class SendsLate(JexDialogue):
    """The venue takes few requests: what has to wait goes out all the same."""

    free_s = 0.0

    async def send(self, request: Request) -> None:
        waited_s, self.free_s = self.free_s, max(self.free_s, trio.current_time()) + 7
        await trio.sleep_until(max(waited_s, trio.current_time()))
        await super().send(request)


class LetsCancelsGo(JexDialogue):
    """A cancel is not in a hurry, until it is too late for it."""

    async def send(self, request: Request) -> None:
        if isinstance(request, BrokerdCancel):
            await trio.sleep(7)
        else:
            await super().send(request)


class DropsWhatIsMore(JexBroker):
    """What its buffer does not hold is nobody's."""

    @asynccontextmanager
    async def open_trades_dialogue(self) -> AsyncGenerator[JexDialogue]:
        put, get = trio.open_memory_channel[AnyReport](64)

        class Buffered(JexDialogue):
            async def receive(self) -> AnyReport:
                return await get.receive()

            async def pump(self) -> None:
                while True:
                    report = await super().receive()
                    if get.statistics().current_buffer_used < 64:
                        await put.send(report)

        async with self._open("orders") as wire, trio.open_nursery() as nursery:
            dialogue = Buffered(wire)
            nursery.start_soon(dialogue.pump)
            try:
                yield dialogue
            finally:
                nursery.cancel_scope.cancel()


class ListensOnce(JexBroker):
    """Its market feed ends with the line, and is not taken up again."""

    @asynccontextmanager
    async def open_market(self) -> AsyncGenerator[JexRows]:
        async with self._open("market") as wire:
            yield EndsWithItsWire(wire)


# ── a venue of more words ───────────────────────────────────────────────────────────────────────────


def talkative(kind: type[_Kind], change: Callable[[Telling, _Kind], AnyReport | None]) -> MakeVenue:
    """A venue end of that kind, whose adapter changes each report of *kind*."""
    return lambda clock: TalkativeEnd(changing(kind, change))


def booked_again(_: Telling, report: BrokerdCorrection) -> AnyReport:
    """A correction is an execution, it thinks."""
    return BrokerdFill(
        reqid=report.reqid, venue_id=report.venue_id, time_ns=report.time_ns, exec_id=report.exec_id,
        size=report.size, price=report.price, fee=report.fee, fee_asset=report.fee_asset,
    )  # fmt: skip


def busted_itself(_: Telling, report: BrokerdBust) -> AnyReport:
    """It takes a bust's own id for that of what is undone."""
    return replace(report, ref_id=report.exec_id)


def first_page_alone(line: Telling, report: BrokerdHistory) -> AnyReport | None:
    """One page is a history, it thinks."""
    first = line.known.setdefault(report.reqid, report)
    return replace(report, last=True) if first is report else None


WORD_BUGS: dict[str, tuple[MakeVenue, str, str, str]] = {
    "too_late has no word": (uncoded("too_late"), "refusals", "reports", "code: too_late was said"),
    "unknown_order has no word": (uncoded("unknown_order"), "refusals", "reports", "code: unknown_order was"),
    "pending has no word": (uncoded("pending"), "refusals", "reports", "code: pending was said"),
    "duplicate has no word": (uncoded("duplicate"), "refusals", "reports", "code: duplicate was said"),
    "too late is cancelled": (
        telling(BrokerdRefused, cancelled_anyway),
        "refusals",
        "reports",
        "brokerd_status came, and the venue did not say it",
    ),
    "a refusal has the order's id": (
        telling(BrokerdRefused, lambda _, report: replace(report, reqid=report.target or report.reqid)),
        "refusals",
        "reports",
        "brokerd_refused came",
    ),
    "leaving is gone": (
        misread("pending_cancel", "cancelled"),
        "turns",
        "reports",
        "pending_cancel was said",
    ),
    "done is expired": (misread("done_for_day", "expired"), "turns", "reports", "done_for_day was said"),
    "calculated is filled": (misread("calculated", "filled"), "turns", "reports", "calculated was said"),
    "an end is absent": (
        telling(BrokerdStatus, ended_is_absent),
        "questions",
        "reports",
        "was said, and abs",
    ),
    "acks are of the newest": (
        telling(BrokerdOrderAck, acked_as_the_newest),
        "orders",
        "reports",
        "brokerd_ack",
    ),
    "answers are to the newest": (
        telling(BrokerdStatus, answered_as_the_newest),
        "questions",
        "reports",
        "query: ",
    ),
    "terms are read once": (telling(BrokerdStatus, with_old_terms), "edits", "reports", "details: "),
    "edits lose their price": (
        sent(lambda request: replace(request, price=None) if isinstance(request, BrokerdEdit) else request),
        "edits",
        "requests",
        "price ",
    ),
    "unclear replies are none": (
        telling(BrokerdError, lambda *_: None),
        "questions",
        "reports",
        "brokerd_error",
    ),
    "an edit has the order's size": (
        telling(BrokerdReplaced, lambda _, report: replace(report, size=None)),
        "edits",
        "reports",
        "size: ",
    ),
    "fees are never rebates": (
        telling(BrokerdFill, lambda _, fill: replace(fill, fee=abs(fill.fee))),
        "executions",
        "reports",
        "fee: ",
    ),
    "fees are in the quote": (
        telling(BrokerdFill, lambda _, fill: replace(fill, fee_asset="usd")),
        "executions",
        "reports",
        "fee_asset: xbt was said, and usd came",
    ),
    "limits are prices": (
        telling(BrokerdFill, filled_at_the_limit),
        "executions",
        "reports",
        "price: 0.99 was",
    ),
    "the sum is the size": (
        telling(BrokerdFill, lambda _, fill: replace(fill, size=fill.cum or fill.size)),
        "executions",
        "reports",
        "size: ",
    ),
    "sizes are floats": (
        telling(BrokerdFill, lambda _, fill: replace(fill, size=Decimal(repr(float(fill.size))))),
        "executions",
        "reports",
        "size: ",
    ),
    "ids are cut": (
        telling(BrokerdFill, lambda _, fill: replace(fill, exec_id=fill.exec_id[:20])),
        "executions",
        "reports",
        "exec_id: ",
    ),
    "times are floats": (
        telling(BrokerdFill, lambda _, fill: replace(fill, time_ns=int(fill.time_ns / 1e9 * 1e9))),
        "executions",
        "reports",
        "time_ns: ",
    ),
    "what is alike is the same": (telling(BrokerdFill, alike_is_the_same), "executions", "reports", "_fill"),
    "nothing trades after its end": (
        with_dialogue(lambda wire: Telling(wire, nothing_after_the_end)),
        "executions",
        "reports",
        "brokerd_fill, which was said first",
    ),
    "lets cancels go": (with_dialogue(LetsCancelsGo), "alone", "requests", "cancel 5 of 4 never reached"),
    "sends late": (with_dialogue(SendsLate), "bursts", "deadline", "came after its deadline"),
    "drops what is more": (
        with_broker(lambda end: DropsWhatIsMore(end._connect)),
        "bursts",
        "reports",
        "never came",
    ),
    "lists fifty executions": (
        telling(BrokerdHistory, lambda _, report: replace(report, fills=report.fills[:50])),
        "bursts",
        "reports",
        "fills: ",
    ),
    "listens once": (
        with_broker(lambda end: ListensOnce(end._connect)),
        "hung up",
        "market",
        "nobody listens any more",
    ),
    "takes one page": (
        talkative(BrokerdHistory, first_page_alone),
        "history",
        "reports",
        "were said, and 2 came",
    ),
    "takes each page for the last": (
        talkative(BrokerdHistory, lambda _, report: replace(report, last=True)),
        "history",
        "reports",
        "were said, and 2 came",
    ),
    "a correction is booked again": (
        talkative(BrokerdCorrection, booked_again),
        "turns",
        "reports",
        "brokerd_fill",
    ),
    "a bust undoes itself": (talkative(BrokerdBust, busted_itself), "turns", "reports", "ref_id: "),
    "restatements are none": (
        talkative(BrokerdRestated, lambda *_: None),
        "turns",
        "reports",
        "brokerd_restated, which was said first",
    ),
}
"""The bugs by name: the adapter, the drill that finds it, the rule that it breaks, words of what is told."""
