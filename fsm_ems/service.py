"""``open_ems``: the EMS inside a trio program. The one loop that carries out what the dispatcher decides.

Nothing here decides anything about an order. Inputs go to the :class:`~fsm_ems.dialogs.dispatcher.Dispatcher`
one at a time; the records it makes are in the log when it returns. When they are durable, sends leave, then
clients are told (:mod:`fsm_ems.promises`). When they cannot be made durable, everything stops.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import suppress
from decimal import Decimal

import trio

from fsm_ems.account_books import AccountBooks, standings, unrealized
from fsm_ems.account_keeping import AccountKeeping
from fsm_ems.accounting.position import Standing
from fsm_ems.audience import Answered, Audience, Resumed
from fsm_ems.brokers.base import Broker, TradesDialogue
from fsm_ems.brokers.calls import connected, received
from fsm_ems.client import AnyMailbox, Client, Mailbox
from fsm_ems.clock import Clock
from fsm_ems.dialogs.dispatcher import Dispatcher
from fsm_ems.dialogs.exposure import Exposure, exposure
from fsm_ems.dialogs.outward import resync_of, standing_of
from fsm_ems.dialogs.record import Booked, Notice, Role, Send
from fsm_ems.edge import admit, check_asked, check_command, check_fired, check_name, check_quoted, check_text
from fsm_ems.errors import BrokerFault, ClientFault, EMSBug, LogHalted, Refused, first_reason
from fsm_ems.journal.base import RecordLog
from fsm_ems.machines.link import LinkEvent, LinkState
from fsm_ems.market import broker_of
from fsm_ems.market_keeping import RETRY_FIRST_S, RETRY_MAX_S, keep_market
from fsm_ems.messages import Command, Order, Resync, Status
from fsm_ems.operator_log import operator_log
from fsm_ems.outbox import Outbox
from fsm_ems.promises import STUCK_S, Due, Promises
from fsm_ems.quotes import Row
from fsm_ems.snapshot_keeping import SnapshotKeeping


class EMS(Client):
    """A running EMS, and the client of its first identity. Made by :func:`open_ems`."""

    def __init__(
        self,
        dispatcher: Dispatcher,
        brokers: Sequence[Broker],
        identity: str,
        clock: Clock,
        log: RecordLog,
        audience: Audience,
        books: AccountBooks | None = None,
        snapshots: SnapshotKeeping | None = None,
    ) -> None:
        super().__init__(self, identity)
        self._promises = Promises(log, self._release, self._halt)
        self._accounts = None if books is None else AccountKeeping(books, self._promises)
        self._snapshots = snapshots
        self.dispatcher = dispatcher
        self.clock = clock
        self._brokers = {broker.name: broker for broker in brokers}
        self._outboxes = {name: Outbox(name, clock) for name in self._brokers}
        self._audience = audience
        self._closed = False
        # The block's own cancellation reaches the user's code first: until that has left, orders can still
        # be cancelled and their ends waited for.
        self._running = trio.CancelScope(shield=True)
        self._rescheduled = trio.Event()
        self._up = {name: trio.Event() for name in self._brokers}

    # ── for clients ─────────────────────────────────────────────────────────────────────────────────

    async def ready(self) -> None:
        """Return once every broker's link is up, all at one time.

        Raises:
            ClientFault: the EMS was closed before.
        """
        await trio.lowlevel.checkpoint()
        while True:
            self._check_open()
            missing = next((event for event in self._up.values() if not event.is_set()), None)
            if missing is None:
                return
            await missing.wait()
            await trio.lowlevel.checkpoint_if_cancelled()  # a fault that closed the EMS speaks first

    def quote(self, market: str, row: Row) -> None:
        """Tell a quote or a print of *market*, from a feed of your own: brokers' own come by themselves.

        Dark orders and alerts wait for it, and ``Limits.max_value`` weighs market orders by it.

        Raises:
            InvalidMessage: *row* is none, has a number below zero or not finite, or its market is none of a
                broker that was opened.
            ClientFault: the EMS was closed.
        """
        check_quoted(self.dispatcher.settings, market, row)
        self._check_open()
        self._show(market, row)

    def _show(self, market: str, row: Row) -> None:
        if not self._closed:  # what it would fire could not be sent any more
            self.carry_out(self.dispatcher.quote(market, row, self.clock()))

    def client(self, identity: str, role: Role = "trader", sees: Sequence[str] = ()) -> Client:
        """Another identity: a trader with orders of its own, or an observer of the owners it *sees*. A trader
        may see others as well; it acts on its own orders alone. The account's operator is an identity, too.

        Asking again for an identity that is known as the same gives another client of it.

        Raises:
            Refused: the identity is known already, with another role or other owners to see.
            InvalidMessage: the name, the role or *sees* has not the form it must have, or an observer sees
                nobody: the operator alone may, who is told of orders that nobody here has made.
            ClientFault: the EMS was closed.
        """
        check_name(identity, role, sees, self.dispatcher.settings.operator)
        self._check_open()
        admit(self.dispatcher, identity, role, tuple(sees), self.clock())
        return Client(self, identity)

    async def command(self, identity: str, command: Command, mailbox: Mailbox[Status] | None = None) -> None:
        """Take a command. Where the same order had been taken before, *mailbox* gets how it stands.

        Raises:
            Refused: it is not taken, and nothing has changed.
            InvalidMessage: it is no command.
            ClientFault: no broker of that name was opened.
            LogHalted: it could not be made durable, and nothing is any more.
        """
        check_command(identity, command)
        await trio.lowlevel.checkpoint()
        self._check_open()
        await self._promises.room(self.dispatcher.book.seq)
        if isinstance(command, Order):
            self._check_broker(command)
            await self._room(broker_of(command.market))
            self._check_disk(identity, command)
        self._check_open()
        try:
            answer, effects = self.dispatcher.command(identity, command, self.clock())
        except Refused:
            await self._promises.durable(self.dispatcher.book.seq)  # what it was refused for may be news
            raise
        standing = self.standing(identity, command.oid) if answer.again and mailbox is not None else None
        if standing is None or mailbox is None:
            self.carry_out(effects)
        else:
            self.carry_out([*effects, Answered(identity, command.oid, mailbox, standing)])
        await self._promises.durable(answer.seq)

    async def trigger(self, owner: str, oid: str, price: Decimal | None = None) -> None:
        """Fire an owner's dark order or alert by hand, whatever the market shows, and return when that is
        durable. It fires once: nothing happens where the order does not wait, as after the first time.

        A dark order goes out at the limit *price*; without one at the price that it waits for, as edited or
        trailed by now, and not ``limit_ticks`` beyond the touch. One whose ``type`` says so goes out at
        market, *price* or not.

        Raises:
            Refused: no such order of that owner, or it may not go out at that price.
            InvalidMessage: *price* is no Decimal, or an id no text.
            ClientFault: the EMS was closed.
        """
        check_fired(owner, oid, price)
        await trio.lowlevel.checkpoint()
        self._check_open()
        self.carry_out(self.dispatcher.trigger(owner, oid, self.clock(), price))
        await self._promises.durable(self.dispatcher.book.seq)

    def subscribe(self, identity: str, oid: str | None, mailbox: AnyMailbox) -> None:
        """Put every later status of *identity*'s stream, or of its order *oid* alone, into *mailbox*."""
        self._audience.add(identity, oid, mailbox)

    def resume(self, identity: str, since: int, mailbox: Mailbox[Status | Resync]) -> None:
        """See :meth:`fsm_ems.client.Client.events`. The full picture comes once it is durable."""
        if not self._audience.resume(identity, since, mailbox):
            picture = resync_of(self.dispatcher.book, identity, self.clock())
            self.carry_out([Resumed(identity, mailbox, picture)])

    def unsubscribe(self, identity: str, oid: str | None, mailbox: AnyMailbox) -> None:
        """Stop doing so."""
        self._audience.remove(identity, oid, mailbox)

    def standing(self, identity: str, oid: str) -> Status | None:
        """How an order of *identity* stands; the disk may not have it yet. None where memory has none."""
        check_text(identity=identity, oid=oid)
        book = self.dispatcher.book
        dialog = book.dialog(identity, oid)
        return None if dialog is None else standing_of(dialog, book.streams[identity], self.clock())

    async def _room(self, broker: str) -> None:
        """Return once *broker*'s outbox takes more."""
        while self._outboxes[broker].is_full:
            await self._outboxes[broker].changed()
            await trio.lowlevel.checkpoint_if_cancelled()
            self._check_open()

    def _check_open(self) -> None:
        self._promises.check()
        if self._closed:
            raise ClientFault("this EMS was closed: open another one")

    def _check_disk(self, identity: str, order: Order) -> None:
        """What is new is refused while the disk is stuck: it would leave whenever that comes round."""
        book, behind_s = self.dispatcher.book, self._promises.behind_s
        known = book.dialog(identity, order.oid) is not None or (identity, order.oid) in book.forgotten
        if behind_s > STUCK_S and not known:
            waits = f"records have waited for the disk for {behind_s:.1f} s: nothing new is taken meanwhile"
            raise Refused("disk_stuck", waits, order.oid)

    def _check_broker(self, order: Order) -> None:
        broker = broker_of(order.market)
        if broker not in self._brokers:
            known = ", ".join(sorted(self._brokers)) or "none"
            raise ClientFault(f"no broker {broker!r} for market {order.market}: opened are {known}")

    # ── accounts ────────────────────────────────────────────────────────────────────────────────────

    @property
    def positions(self) -> tuple[Standing, ...]:
        """Every position as it stands, by account and market; the disk may not have it yet."""
        return standings(self.dispatcher.book, self.dispatcher.settings.fee_factor)

    def exposure(self, account: str, market: str) -> Exposure:
        """What the account really holds in that market at least and at most, and what live orders may add.

        It is a range while an order there is ``unknown``. For what is raised see :meth:`unrealized`.
        """
        check_asked(self.dispatcher.book, self.dispatcher.settings, account, market)
        return exposure(self.dispatcher.book, account, market)

    def unrealized(self, account: str, market: str) -> Decimal | None:
        """What closing the position at the last quote would win or lose, in the quote asset.

        A long one closes at the bid and a short one at the ask; where nothing is offered there, at the last
        print. 0 when flat, as an account that nobody knows is; None where no price is known.

        Raises:
            Refused: there is no such market (``unknown_market``), and nothing was ever traded in one.
            InvalidMessage: a name is no text.
        """
        check_asked(self.dispatcher.book, self.dispatcher.settings, account, market)
        return unrealized(self.dispatcher.book, self.dispatcher.prices.of(market), account, market)

    # ── effects ─────────────────────────────────────────────────────────────────────────────────────

    def carry_out(self, due: Sequence[Due]) -> None:
        """Have *due* leave when the records it follows from, which are in the log already, are durable."""
        self._promises.hold(self.dispatcher.book.seq, due)
        self._rescheduled.set()

    def _release(self, due: Sequence[Due]) -> None:
        """Sends first, then notices."""
        for effect in due:
            if isinstance(effect, Booked) and self._accounts is not None:
                self._accounts.take(effect)
            if isinstance(effect, Send):
                self._outboxes[effect.broker].put(effect)
        for effect in due:
            if isinstance(effect, Notice):
                self._audience.tell(effect)
            elif isinstance(effect, Answered | Resumed):
                self._audience.answer(effect)

    def _halt(self) -> None:
        """The log takes nothing any more: stop at once, and send nothing more."""
        operator_log().critical("halted", why=self._promises.halted)
        for outbox in self._outboxes.values():
            outbox.clear()
        self.stop()

    async def settle(self) -> None:
        """Return once all that was decided so far is durable and has left, or never will be.

        A link that takes nothing is waited for as long as a request may take: after that none is wanted.
        """
        await self._promises.settle(self.dispatcher.book.seq)
        with trio.move_on_after(self.dispatcher.settings.request_deadline_ns / 1_000_000_000):
            for outbox in self._outboxes.values():
                while not (outbox.is_idle or self._closed):
                    await outbox.changed()

    def close(self) -> None:
        """Take no more commands, and tell every reader, and who waits for a link, that no more will come."""
        self._closed = True
        for up in self._up.values():
            up.set()
        for outbox in self._outboxes.values():
            outbox.stir()
        self._audience.close()

    # ── tasks ───────────────────────────────────────────────────────────────────────────────────────

    async def _keep_time(self) -> None:
        while True:
            self._rescheduled = trio.Event()
            due = self.dispatcher.next_due_ns()
            seconds = math.inf if due is None else max(due - self.clock(), 0) / 1_000_000_000
            with trio.move_on_after(seconds):
                await self._rescheduled.wait()
            self.carry_out(self.dispatcher.pass_time(self.clock()))

    async def _keep_link(self, broker: Broker) -> None:
        """Connect, run until the link is lost, connect again, with growing pauses until one link lasts."""
        name, pause = broker.name, RETRY_FIRST_S
        await trio.lowlevel.checkpoint()  # an EMS that was closed before it ran records nothing more
        self._move(name, LinkEvent.CONNECT)
        while True:
            began, was_up = trio.current_time(), False
            try:
                async with connected(broker) as dialogue:
                    was_up = True
                    await self._talk(name, dialogue)
            except* BrokerFault as faults:
                operator_log().warning("link lost", broker=name, why=first_reason(faults))
            if not was_up or self.dispatcher.book.links[name] is not LinkState.CONNECTING:
                self._lose(name)
            if was_up and trio.current_time() - began > RETRY_MAX_S:
                pause = RETRY_FIRST_S
            await trio.sleep(pause)
            pause = min(pause * 2, RETRY_MAX_S)

    async def _talk(self, broker: str, dialogue: TradesDialogue) -> None:
        """Send and receive until the stream breaks."""
        self._move(broker, LinkEvent.CONNECTED)
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._outboxes[broker].send_by, dialogue)
                nursery.start_soon(self._receive, broker, dialogue)
                if not self.dispatcher.settings.capabilities(broker).history:
                    self._move(broker, LinkEvent.SYNCED)  # else once the history was read
        except* BrokerFault:
            self._lose(broker)  # at once: taking the connection down may last, and orders must not go there
            raise

    def _lose(self, broker: str) -> None:
        self._move(broker, LinkEvent.LOST)
        self._outboxes[broker].clear()
        self._promises.drop_sends(broker)

    def _move(self, broker: str, event: LinkEvent) -> None:
        effects = self.dispatcher.link(broker, event, self.clock())
        self._note_link(broker)
        self.carry_out(effects)

    def _note_link(self, broker: str) -> None:
        """Tell who waits for the link where it stands."""
        if self.dispatcher.book.links.get(broker) is LinkState.UP:
            self._up[broker].set()
        elif self._up[broker].is_set():
            self._up[broker] = trio.Event()

    async def _receive(self, broker: str, dialogue: TradesDialogue) -> None:
        while True:
            report = await received(broker, dialogue)
            await self._promises.room(self.dispatcher.book.seq)
            effects = self.dispatcher.report(broker, report, self.clock())
            self._note_link(broker)
            self.carry_out(effects)

    async def run(self) -> None:
        """Keep links and time until stopped; when this ends, however it does, the EMS is closed.

        Raises:
            LogHalted: the log halted.
        """
        try:
            with self._running:
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(self._keep_time)
                    if self._accounts is not None:
                        nursery.start_soon(self._accounts.keep)
                    if self._snapshots is not None:
                        nursery.start_soon(self._snapshots.keep, self._promises)
                    for broker in self._brokers.values():
                        nursery.start_soon(self._keep_link, broker)
                        nursery.start_soon(keep_market, broker, self._show)
        finally:
            self.close()
            with trio.CancelScope(shield=True), suppress(LogHalted, EMSBug):  # told below
                await self._promises.settle(self.dispatcher.book.seq)
                if self._accounts is not None:
                    await self._accounts.finish()
            self._promises.forget()
        self._promises.check()

    def stop(self) -> None:
        """Close, and end :meth:`run`."""
        self.close()
        self._running.cancel()
