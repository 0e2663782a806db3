"""A small language for the life of orders, driven through the real dispatcher, and its proofs.

A script is a table. Each line is one input; then what came of it, if anything; then how its order stands:

    submit 10 @ 100    | order 10 @ 100 | pending 0 10 PendingNew
    ack                |                | acked 0 10 PendingNew
    fill 3 @ 100       |                | open 3 7 PartiallyFilled
    cancel             | cancel         | cancelling 3 7 PartiallyFilled

The middle is exact: what was sent, ``refused CODE``, ``again``, ``nothing new``, ``alarm``,
``contradiction``, ``parked``, ``orphan``; nothing there means nothing came of it. The last column is
state, filled, leaves, OrdStatus. A line is about ``o1`` unless it begins with another name and a colon; a
last column may tell of several orders, parted by ``;``. ``#`` begins a remark.

========================================================  =============================================
``submit 10 @ 100`` ``[sell] [dark] [ioc|fok|gtd=5s]``    the client; without a price, at market; ``resend``
                                                          lets it be sent again
``alert @ 100``, ``cancel``, ``edit e1 12 @ 101``         size or price may be left out of an edit
``trigger [@ 101]``                                       a dark order or alert is fired by hand
``quote 99 101 [age=6s]``, ``print 100``                  what the market shows, and what traded
``ack``, ``open``, ``pending_new``, ``pending_cancel``,   the broker; ``cum=`` states a size,
``pending_edit``, ``stopped``, ``done_for_day``,          ``resumes`` lets the order trade another day
``suspended``, ``calculated``, ``bidding``,
``filled``, ``cancelled``, ``rejected``, ``expired``
``fill 3 @ 100``, ``bust F1``, ``correct F1 2 @ 99``      ids are F1, F2 …, B1 …, C1 … or ``id=``; a fill of
                                                          an order born there tells its size: ``of=10``
``replaced e1``, ``restated 12 [@ 101]``, ``split 2``
``refused submit|cancel|e1 [code]``, ``error [e1]``
``answer open|absent|… [cum=3] [12 @ 100]``               the answer to the last question, with terms
``lost``, ``connected``, ``synced``                       the link
``wait 5s``, ``due``                                      time passes; until something is due
========================================================  =============================================

``as=e1``, ``as=cancel``, ``as=first`` or ``as=lost`` (which never arrived) names the request a report is told
under, else the one in force;
``by=venue`` leaves it out, ``by=request`` leaves the venue's id out. A report about a name that nobody
submitted is about an order born at the venue.

After every record the state must be the one that the facts derive; each identity's stream must be free of
gaps; and at the end the records, applied to an empty book, must give the same one.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from fsm_ems.dialogs.apply import apply
from fsm_ems.dialogs.asking import SendHistory
from fsm_ems.dialogs.book import Book
from fsm_ems.dialogs.dispatcher import Dispatcher
from fsm_ems.dialogs.facts import Dialog, derive, ord_status
from fsm_ems.dialogs.record import (
    Booked,
    CancelWanted,
    Contradicted,
    EditWanted,
    Effect,
    Notice,
    Orphaned,
    Parked,
    Record,
    SendAbout,
    SendOrder,
)
from fsm_ems.dialogs.settings import Capabilities, Settings
from fsm_ems.dialogs.snapshot import facts
from fsm_ems.errors import Refused
from fsm_ems.machines.link import LinkEvent
from fsm_ems.machines.order_events import OrderEvent
from fsm_ems.market import Market
from fsm_ems.messages import parse_command, parse_report
from fsm_ems.numbers import plain
from fsm_ems.quotes import Quote, Trade
from tests.dialogs.words import MS, Words, in_ns

BROKER = "paper"
MARKET = "xbtusd.paper"
TRADER = "trader"
SETTINGS = Settings(
    brokers={BROKER: Capabilities(reopen_filled=True)},
    markets={MARKET: Market(MARKET, "xbt", "usd", price_tick=Decimal("0.5"), size_tick=Decimal("0.1"))},
)


_QUIET = frozenset({"wait", "due", "lost", "connected", "synced", "quote", "print"})
"""Inputs of which often nothing comes, and nothing has to."""


class Script:
    """Orders of one trader at one broker, whose link is up unless *linked* says no."""

    def __init__(self, settings: Settings = SETTINGS, *, linked: bool = True) -> None:
        self.records: list[Record] = []
        self.now_ns = 1_000 * MS
        self.name = "o1"
        self.streams: dict[str, int] = {}
        self.sends: list[SendOrder | SendAbout] = []
        self._made: dict[str, int] = {}
        self.dispatcher = Dispatcher(settings, self._append, generation="g", now_ns=self.now_ns)
        self.dispatcher.grant(TRADER, "trader", self.now_ns)
        if linked:
            for event in (LinkEvent.CONNECT, LinkEvent.CONNECTED, LinkEvent.SYNCED):
                self.dispatcher.link(BROKER, event, self.now_ns)

    # ── tables ──────────────────────────────────────────────────────────────────────────────────────

    def play(self, table: str) -> Script:
        """Run every line of *table* and hold it to what it expects."""
        for number, line in enumerate(table.splitlines(), 1):
            cells = [cell.strip() for cell in line.partition("#")[0].split("|")]
            if not cells[0]:
                continue
            assert len(cells) in (2, 3), f"line {number}: input | status, or input | outcome | status: {line}"
            told = self.do(cells[0])
            wanted = [] if len(cells) == 2 else [part.strip() for part in cells[1].split(";") if part.strip()]
            where = f"line {number}: {cells[0]}"
            assert told == wanted, f"{where}: came of it {told}, expected {wanted}"
            for status in cells[-1].split(";"):
                name, _, rest = status.strip().rpartition(": ")
                stands = self.status(name or self.name)
                assert stands == rest, f"{where}: {name or self.name} stands at {stands}, expected {rest}"
        self.prove()
        return self

    def do(self, line: str) -> list[str]:
        """One input; what came of it."""
        name, _, text = line.rpartition(": ")
        self.name = name or "o1"
        words = Words(text)
        self.now_ns += MS
        mark = len(self.records)
        told: list[str] = []
        try:
            effects = self._inputs()[words.verb](words)
        except Refused as refusal:
            return [f"refused {refusal.code}"]
        if len(self.records) == mark and words.verb not in _QUIET:
            told.append("again" if words.verb in ("submit", "alert", "cancel", "edit") else "nothing new")
        told += [sent for effect in effects if (sent := self._sent(effect)) is not None]
        told += [mark for record in self.records[mark:] for mark in _marks(record)]
        self._hear(effects)
        self._prove_states()
        return told

    def status(self, name: str) -> str:
        """``state filled leaves OrdStatus`` of the order called *name*."""
        dialog = self.dialog(name)
        if dialog is None:
            return "none"
        return f"{dialog.state} {plain(dialog.filled)} {plain(dialog.leaves)} {ord_status(dialog)}"

    def terms(self, name: str) -> str:
        """``size @ price`` in force."""
        dialog = self.dialog(name)
        return "none" if dialog is None else f"{plain(dialog.size)}{_at(dialog.price)}"

    @staticmethod
    def target(send: SendOrder | SendAbout) -> int | str:
        """The request id of the order that *send* is about."""
        return send.target if isinstance(send, SendAbout) else send.reqid

    def dialog(self, name: str) -> Dialog | None:
        """The dialog of that name: the trader's, or one born at the venue."""
        book = self.dispatcher.book
        return book.dialog(TRADER, name) or book.find(BROKER, None, f"V-{name}")

    # ── inputs ──────────────────────────────────────────────────────────────────────────────────────

    def _inputs(self) -> dict[str, Callable[[Words], list[Effect]]]:
        statuses = (
            "open", "pending_new", "pending_cancel", "pending_edit", "stopped", "done_for_day",
            "suspended", "calculated", "bidding",
            "filled", "cancelled", "rejected", "expired",
        )  # fmt: skip  # one name a line says no more
        return {
            "submit": self._submit, "alert": self._submit, "cancel": self._cancel, "edit": self._edit,
            "quote": self._quote, "print": self._print, "trigger": self._trigger,
            "lost": self._link, "connected": self._link, "synced": self._link,
            "wait": self._wait, "due": self._wait, "ack": self._ack, "fill": self._fill, "bust": self._bust,
            "correct": self._correct, "replaced": self._replaced, "refused": self._refused,
            "restated": self._restated, "split": self._restated, "error": self._error, "answer": self._answer,
            **dict.fromkeys(statuses, self._status),
        }  # fmt: skip  # one name a line says no more

    def _command(self, **fields: object) -> list[Effect]:
        given = {field: value for field, value in fields.items() if value is not None}
        return self.dispatcher.command(TRADER, parse_command(given), self.now_ns)[1]

    def _submit(self, words: Words) -> list[Effect]:
        alert, dark = words.verb == "alert", words.take("dark")
        expires = words.options.get("gtd")
        return self._command(
            name="order",
            oid=self.name,
            side="alert" if alert else words.take("sell") or "buy",
            market=MARKET,
            size=None if alert else words.numbers[0],
            price=words.price,
            type="market" if words.take("market") or not (words.price or words.take("trail")) else "limit",
            tif="gtd" if expires else words.take("ioc", "fok") or "gtc",
            expire_ns=self.now_ns + in_ns(expires) if expires else None,
            if_absent=words.take("resend"),
            **self._held(words, dark=dark is not None, alert=alert),
        )

    @staticmethod
    def _held(words: Words, *, dark: bool, alert: bool) -> dict[str, object]:
        """What makes an order dark: what triggers it, and from which side its price is met."""
        trigger = words.take("stop", "touch", "trail")
        held: dict[str, object] = {"mode": "dark" if dark or trigger else "live", "trigger": trigger}
        if alert or (dark and not trigger):
            side = words.take("above", "derived") or "below"
            held["direction"] = None if side == "derived" else f"at_or_{side}"
        if trigger == "trail":
            held["trail"] = words.options["by"]
        if "ticks" in words.options:
            held["limit_ticks"] = int(words.options["ticks"])
        return held

    def _quote(self, words: Words) -> list[Effect]:
        bid, ask = (Decimal(number) for number in words.numbers[:2])
        row = Quote(self._time_of(words), bid, Decimal(1), ask, Decimal(1))
        return [*self.dispatcher.quote(MARKET, row, self.now_ns)]

    def _print(self, words: Words) -> list[Effect]:
        row = Trade(self._time_of(words), Decimal(words.numbers[0]), Decimal(1), "", "")
        return [*self.dispatcher.quote(MARKET, row, self.now_ns)]

    def _time_of(self, words: Words) -> int:
        return self.now_ns - in_ns(words.options.get("age", "0s"))

    def _cancel(self, words: Words) -> list[Effect]:
        return self._command(name="cancel", oid=self.name)

    def _edit(self, words: Words) -> list[Effect]:
        size = next(iter(words.numbers), None)
        return self._command(name="edit", oid=self.name, edit_id=words.plain[0], size=size, price=words.price)

    def _trigger(self, words: Words) -> list[Effect]:
        price = None if words.price is None else Decimal(words.price)
        return self.dispatcher.trigger(TRADER, self.name, self.now_ns, price)

    def _link(self, words: Words) -> list[Effect]:
        return self.dispatcher.link(BROKER, LinkEvent(words.verb), self.now_ns)

    def _wait(self, words: Words) -> list[Effect]:
        due = self.dispatcher.next_due_ns()
        assert words.verb == "wait" or due is not None, "nothing is due"
        self.now_ns = (
            self.now_ns + in_ns(words.plain[0]) if words.verb == "wait" else max(self.now_ns, due or 0)
        )
        return self.dispatcher.pass_time(self.now_ns)

    # ── reports ─────────────────────────────────────────────────────────────────────────────────────

    def _report(self, kind: str, words: Words, **fields: object) -> list[Effect]:
        told = {"name": f"brokerd_{kind}", **fields}
        if words.options.get("by") != "request":
            told["venue_id"] = f"V-{self.name}"
        if words.options.get("by") != "venue" and "reqid" not in told:
            told["reqid"] = self._reqid(words.options.get("as"))
        given = {field: value for field, value in told.items() if value is not None}
        return self.dispatcher.report(BROKER, parse_report(given), self.now_ns)

    def _reqid(self, part: str | None) -> int | str | None:
        """The request id of *part* of the order: the cancel, an edit, the first; None is the one in force."""
        dialog = self.dialog(self.name)
        if part is None or dialog is None:
            return None if dialog is None else dialog.reqid
        if part == "lost":
            return dialog.lost_reqid
        if part == "first":
            return dialog.reqids[0] if dialog.reqids else dialog.reqid
        for record in reversed(self.records):
            payload = record.payload
            if record.oid == dialog.oid and (
                (isinstance(payload, CancelWanted) and part == "cancel")
                or (isinstance(payload, EditWanted) and part == payload.edit_id)
            ):
                return payload.reqid
        return part

    def _details(self, words: Words) -> dict[str, Any] | None:
        """An order's terms, where a report tells them."""
        size = words.options.get("of") or next(iter(words.numbers), None)
        if size is None or words.price is None:
            return None
        return {"market": MARKET, "side": "buy", "size": size, "price": words.price}

    def _ack(self, words: Words) -> list[Effect]:
        return self._report("ack", words)

    def _status(self, words: Words) -> list[Effect]:
        return self._report(
            "status",
            words,
            status=words.verb,
            cum=words.options.get("cum"),
            resumes=words.take("resumes") is not None,
            details=self._details(words),
        )

    def _answer(self, words: Words) -> list[Effect]:
        dialog = self.dialog(self.name)
        asked = dialog.asked if dialog is not None and dialog.asked else None
        return self._report(
            "status",
            words,
            status=words.plain[0],
            cum=words.options.get("cum"),
            snapshot=True,
            query=asked,
            resumes=words.take("resumes") is not None,
            details=self._details(words),
        )

    def _fill(self, words: Words) -> list[Effect]:
        return self._report(
            "fill",
            words,
            exec_id=words.options.get("id") or self._next("F"),
            size=words.numbers[0],
            price=words.price or "100",
            cum=words.options.get("cum"),
            details=self._details(words) if "of" in words.options else None,
        )

    def _bust(self, words: Words) -> list[Effect]:
        exec_id = words.options.get("id") or self._next("B")
        return self._report("bust", words, exec_id=exec_id, ref_id=words.plain[0])

    def _correct(self, words: Words) -> list[Effect]:
        return self._report(
            "correction",
            words,
            exec_id=words.options.get("id") or self._next("C"),
            ref_id=words.plain[0],
            size=words.numbers[0],
            price=words.price or "100",
        )

    def _replaced(self, words: Words) -> list[Effect]:
        size = next(iter(words.numbers), None)
        return self._report(
            "replaced", words, reqid=self._reqid(words.plain[0]), size=size, price=words.price
        )

    def _refused(self, words: Words) -> list[Effect]:
        part, code = words.plain[0], words.plain[1] if len(words.plain) > 1 else "other"
        request = part if part in ("submit", "cancel") else "edit"
        reqid = self._reqid(None if part == "submit" else part)
        return self._report("refused", words, request=request, reqid=reqid, code=code)

    def _restated(self, words: Words) -> list[Effect]:
        number = next(iter(words.numbers), None)
        terms = {"split": number} if words.verb == "split" else {"size": number}
        return self._report("restated", words, price=words.price, cum=words.options.get("cum"), **terms)

    def _error(self, words: Words) -> list[Effect]:
        return self._report("error", words, reqid=self._reqid(words.plain[0] if words.plain else None))

    def _next(self, letter: str) -> str:
        self._made[letter] = self._made.get(letter, 0) + 1
        return f"{letter}{self._made[letter]}"

    # ── outcomes ────────────────────────────────────────────────────────────────────────────────────

    def _sent(self, effect: Effect) -> str | None:
        """A send in words; the order is named when it is not the one the line is about."""
        if isinstance(effect, Notice | Booked):
            return None
        if isinstance(effect, SendHistory):
            return "history"
        if isinstance(effect, SendOrder):
            target, text = effect.reqid, f"order {plain(effect.size)}{_at(effect.price)}"
        else:
            target, text = effect.target, effect.verb
            if effect.size is not None:
                text += f" {plain(effect.size)}{_at(effect.price)}"
        dialog = self.dispatcher.book.find(BROKER, target, None)
        other = dialog is not None and dialog is not self.dialog(self.name)
        return f"{dialog.oid}: {text}" if dialog is not None and other else text

    def _hear(self, effects: list[Effect]) -> None:
        """Sends are kept, and each identity's stream is free of gaps."""
        for effect in effects:
            if isinstance(effect, SendOrder | SendAbout):
                self.sends.append(effect)
            elif isinstance(effect, Notice):
                heard = self.streams.get(effect.identity, 0)
                assert effect.seq == heard + 1, f"{effect.identity} heard {heard}, and then {effect.seq}"
                self.streams[effect.identity] = effect.seq

    # ── proofs ──────────────────────────────────────────────────────────────────────────────────────

    def _append(self, record: Record) -> None:
        if record.oid:
            self._prove_states()
        self.records.append(record)

    def _prove_states(self) -> None:
        for dialog in self.dispatcher.book:
            assert derive(dialog) is dialog.state, f"{dialog.oid}: {dialog.state}, facts say {derive(dialog)}"

    def prove(self) -> None:
        """The records alone give the same book."""
        replayed = Book()
        for record in self.records:
            apply(replayed, record)
        assert facts(replayed) == facts(self.dispatcher.book)


def _marks(record: Record) -> list[str]:
    kinds = {Contradicted: "contradiction", Parked: "parked", Orphaned: "orphan"}
    kind = kinds.get(type(record.payload))
    told = [] if kind is None else [kind]
    if record.event is OrderEvent.ADOPT:
        told.append("adopted")
    if record.alarm is not None and kind != "contradiction":
        told.append("alarm")
    return told


def _at(price: Decimal | None) -> str:
    return " at market" if price is None else f" @ {plain(price)}"
