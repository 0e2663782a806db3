"""Replaying a tape: rows, timed commands, the paper venue and the EMS on one simulated clock.

No clock is read and nothing is awaited, so a replay makes the same records each time. At one time: the
venue's expiries, then tape rows in file order, then requests in send order, then the commands of that
time, then what is due in the EMS. With no latency, what a command sends arrives at once. The run ends
with the last row or command, and with what was in flight then and follows from it within
:data:`SETTLE_NS`: a venue that answers nothing in time is asked again for ever, a replay is not.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from fsm_ems.account_books import REPLAYED
from fsm_ems.brokers.paper.engine import PaperEngine
from fsm_ems.dialogs.dispatcher import Append, Dispatcher
from fsm_ems.dialogs.outward import request_of
from fsm_ems.dialogs.record import Booked, Effect, Notice
from fsm_ems.dialogs.settings import SECOND_NS, Settings
from fsm_ems.errors import Refused
from fsm_ems.machines.link import LinkEvent
from fsm_ems.market import Market
from fsm_ems.messages import VenueReport
from fsm_ems.orders_file import TimedCommand
from fsm_ems.quotes import Row

OWNER = "main"
"""The one trader of a replay."""

SETTLE_NS = 75 * SECOND_NS
"""How long requests may still arrive after the last row and command."""

Outcome = Notice | Refused


class Replay:
    """One run on one market. :meth:`run` yields what the owner is told, and the commands refused."""

    def __init__(
        self,
        market: Market,
        engine: PaperEngine,
        append: Append,
        *,
        start_ns: int,
        settings: Settings | None = None,
    ) -> None:
        """*append* takes the records; *start_ns* is at or before the first row's and command's time."""
        self.market = market
        self.engine = engine
        self.rows = 0
        self.last_row_ns = -1  # before the first one
        self._told: list[Outcome] = []
        settings = replace(
            settings or Settings(),
            markets={market.fqme: market},
            declared={market.broker: frozenset({market.fqme})},
        )
        self.dispatcher = Dispatcher(settings, append, generation=REPLAYED, now_ns=start_ns)
        self.dispatcher.grant(OWNER, "trader", start_ns)
        for event in (LinkEvent.CONNECT, LinkEvent.CONNECTED, LinkEvent.SYNCED):
            self.dispatcher.link(market.broker, event, start_ns)

    def run(self, rows: Iterable[Row], commands: Sequence[TimedCommand]) -> Iterator[Outcome]:
        """Play *rows* against *commands*, each sorted by time."""
        timed = iter(commands)
        command = next(timed, None)
        for row in rows:
            now_ns = row.time_ns
            if now_ns != self.last_row_ns:
                if self.last_row_ns >= 0:
                    self._close(self.last_row_ns)
                while command is not None and command.at_ns < now_ns:
                    self._give(command)
                    command = next(timed, None)
                self._pass(now_ns)
                self.last_row_ns = now_ns
            self.rows += 1
            self._take(self.engine.row(row), now_ns)
            fired = self.dispatcher.quote(self.market.fqme, row, now_ns)
            if fired:
                self._carry_out(fired)
            if self._told:
                yield from self._drain()
        if self.last_row_ns >= 0:
            self._close(self.last_row_ns)
        while command is not None:
            self._give(command)
            command = next(timed, None)
        self._settle()
        yield from self._drain()

    def _settle(self) -> None:
        end_ns = self.engine.now_ns + SETTLE_NS
        while self.engine.in_flight and (due := self.engine.next_due_ns()) is not None and due <= end_ns:
            self._pass(due)
            self._close(due)

    def _drain(self) -> list[Outcome]:
        told, self._told = self._told, []
        return told

    def _give(self, timed: TimedCommand) -> None:
        now_ns = timed.at_ns
        self._pass(now_ns)
        self._close(now_ns)
        try:
            _, effects = self.dispatcher.command(OWNER, timed.command, now_ns)
        except Refused as refusal:
            self._told.append(refusal)
            return
        self._carry_out(effects)
        self._close(now_ns)

    def _pass(self, until_ns: int) -> None:
        """All that is due before *until_ns* in the venue or the EMS, and the venue's expiries at it."""
        while True:
            venue, ems = self.engine.next_due_ns(), self.dispatcher.next_due_ns()
            due = min((due for due in (venue, ems) if due is not None), default=until_ns)
            if due >= until_ns:
                break
            self._close(due)
        self._take(self.engine.advance(until_ns, inclusive=False), until_ns)

    def _close(self, now_ns: int) -> None:
        """What follows the rows of *now_ns*: requests arrive, and what is due in the EMS happens."""
        while True:
            reports = self.engine.advance(now_ns)
            self._take(reports, now_ns)
            due = self.dispatcher.next_due_ns()
            if due is not None and due <= now_ns:
                self._carry_out(self.dispatcher.pass_time(now_ns))
            elif not reports:
                return

    def _take(self, reports: Sequence[VenueReport], now_ns: int) -> None:
        for report in reports:
            self._carry_out(self.dispatcher.report(self.market.broker, report, now_ns))

    def _carry_out(self, effects: Sequence[Effect]) -> None:
        for effect in effects:
            if isinstance(effect, Notice):
                self._told.append(effect)
            elif not isinstance(effect, Booked):
                self.engine.send(request_of(effect))
