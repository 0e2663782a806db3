"""A client of a running EMS: one identity, its orders and its event stream."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from decimal import Decimal
from functools import partial
from typing import Any, Generic, Protocol, TypeVar, cast, overload
from uuid import uuid4
from weakref import WeakSet, finalize

import trio

from fsm_ems.errors import ClientFault, InvalidMessage, Overrun, brief
from fsm_ems.machines.order import ENDS
from fsm_ems.messages import Cancel, Command, Edit, Order, Resync, Status, named_faults

MAILBOX_MAX = 10_000
"""Statuses that may wait unread in one event stream or order handle."""

Number = Decimal | str | int
"""A size or a price as its owner may write it; no float, which seldom is what it says."""
_END_NAMES = frozenset(state.value for state in ENDS)


_T = TypeVar("_T")


class Mailbox(Generic[_T]):
    """Statuses waiting for one reader, bounded: past :data:`MAILBOX_MAX` that reader misses those that wait.

    Iterate over it until the EMS is closed, or :meth:`get` one. Each status is read once: two tasks that read
    the same mailbox have each a part of what comes.
    """

    def __init__(self) -> None:
        self._earlier: Iterator[_T] = iter(())
        self._waiting: deque[_T] = deque()
        self._changed = trio.Event()
        self._overrun = False
        self._closed = False

    def begin(self, earlier: Iterator[_T]) -> None:
        """Have *earlier* read first, as long as it is; each is made when it is read."""
        self._earlier = earlier

    def put(self, status: _T) -> None:
        """Add *status*. Never waits."""
        if len(self._waiting) >= MAILBOX_MAX:
            self.lose()
        self._waiting.append(status)
        self._move()

    def lose(self) -> None:
        """What waits is lost, and the reader is told that first."""
        self._overrun = True
        self._waiting.clear()
        self._move()

    def close(self) -> None:
        """No more will come: readers get what waits, then the end."""
        self._closed = True
        self._move()

    @property
    def is_closed(self) -> bool:
        """Whether no more will come than what waits."""
        return self._closed

    async def get(self) -> _T | None:
        """The next status; None when no more will come.

        Raises:
            Overrun: the reader fell too far behind. It may go on with what came since.
        """
        await trio.lowlevel.checkpoint()
        while (status := self.take()) is None and not self._closed:
            await self.changed()
        return status

    def take(self) -> _T | None:
        """The next status; None where none waits. Never waits itself.

        Raises:
            Overrun: the reader fell too far behind. It may go on with what came since.
        """
        for status in self._earlier:
            return status
        if self._overrun:
            self._overrun = False
            raise Overrun(f"more than {MAILBOX_MAX} statuses went unread: see events(since=)")
        return self._waiting.popleft() if self._waiting else None

    async def changed(self) -> None:
        """Return once something was put, or this was closed. Whoever waits is told, and not one alone."""
        await self._changed.wait()
        await trio.lowlevel.checkpoint_if_cancelled()  # a fault that closed the EMS speaks first

    def __aiter__(self) -> AsyncIterator[_T]:
        return self

    async def __anext__(self) -> _T:
        status = await self.get()
        if status is None:
            raise StopAsyncIteration
        return status

    def _move(self) -> None:
        # Whoever waits looks again; whoever comes later waits for the next change.
        self._changed.set()
        self._changed = trio.Event()


AnyMailbox = Mailbox[Status] | Mailbox[Status | Resync]


class Desk(Protocol):
    """What a client needs of the EMS it talks to."""

    async def command(self, identity: str, command: Command, mailbox: Mailbox[Status] | None = None) -> None:
        """Take a command; return when it is durable. Where the same order had been taken before, *mailbox*
        gets how it stands.
        """
        ...

    def subscribe(self, identity: str, oid: str | None, mailbox: AnyMailbox) -> None:
        """Put every later status of the stream, or of one order, into *mailbox*."""
        ...

    def resume(self, identity: str, since: int, mailbox: Mailbox[Status | Resync]) -> None:
        """Put every status of the stream after *since*, or the full picture, and then every later one into
        *mailbox*.
        """
        ...

    def unsubscribe(self, identity: str, oid: str | None, mailbox: AnyMailbox) -> None:
        """Stop doing so."""
        ...


class OrderHandle:
    """An order as its owner sees it: iterate over its statuses, or wait for its end. Several tasks may do so.

    Each loop and each :meth:`wait` is told every status from where it begins on, which is after what anybody
    has read here by then; ``anext(handle)`` begins anew each time. *status* is the newest one that anybody
    read here, None before the first. Iteration ends with the first end. Later fills, busts and corrections
    come by :meth:`Client.events`.
    """

    def __init__(self, client: Client, oid: str, mailbox: Mailbox[Status]) -> None:
        self.oid = oid
        self.status: Status | None = None
        self._client = client
        self._mailbox = mailbox
        self._readers: WeakSet[Mailbox[Status]] = WeakSet()  # whoever breaks off its loop is out by that

    def __repr__(self) -> str:
        read = "nothing read yet" if self.status is None else f"{self.status.state} when last read"
        return f"<OrderHandle {self.oid} of {self._client.identity}: {read}>"

    def __aiter__(self) -> AsyncIterator[Status]:
        mailbox: Mailbox[Status] = Mailbox()
        self._readers.add(mailbox)
        return _Reader(partial(self._tell, mailbox), over=self._has_ended)

    async def __anext__(self) -> Status:
        return await anext(aiter(self))

    @property
    def _has_ended(self) -> bool:
        """Whether the end was read here."""
        return self.status is not None and self.status.state in _END_NAMES

    async def _tell(self, reader: Mailbox[Status]) -> Status | None:
        """The next status for *reader*, and for all others who read here; None when no more will come.

        Raises:
            Overrun: it, or all of them, fell too far behind.
        """
        await trio.lowlevel.checkpoint()
        # Nothing waits between looking and returning: who is cancelled has taken nothing from anybody.
        while (status := reader.take()) is None and not self._has_ended:
            try:
                found = self._mailbox.take()
            except Overrun:
                for one in self._readers:
                    one.lose()
                continue
            if found is not None:
                self._pass_on(found)
            elif self._mailbox.is_closed:
                break
            else:
                await self._mailbox.changed()
        return status

    def _pass_on(self, status: Status) -> None:
        self.status = status
        for reader in self._readers:
            reader.put(status)
        if self._has_ended:
            self._client.drop(self.oid, self._mailbox)

    async def wait(self) -> Status:
        """The status with which the order ended. ``unknown`` is not an end.

        Raises:
            ClientFault: the EMS was closed before.
        """
        reader, read = aiter(self), False
        while not read:
            with suppress(Overrun):  # the end comes last, and is not among what was missed
                async for _ in reader:
                    pass
                read = True
        if self.status is None or not self._has_ended:
            raise ClientFault(f"the EMS was closed before order {self.oid} ended")
        return self.status

    async def cancel(self) -> None:
        """Ask for the order's cancel; returns when the wish is durable.

        Raises:
            Refused: it has ended.
        """
        await self._client.cancel(self.oid)

    async def edit(self, *, size: Number | None = None, price: Number | None = None) -> None:
        """Ask for new terms; *size* is the new total, what is filled included. A float is refused.

        Raises: as :meth:`Client.edit`.
        """
        await self._client.edit(self.oid, size=size, price=price)


class _Reader:
    """One who reads an order's statuses, from where it begins until the order's end."""

    def __init__(self, tell: Callable[[], Awaitable[Status | None]], *, over: bool) -> None:
        self._tell = tell
        self._over = over

    def __aiter__(self) -> AsyncIterator[Status]:
        return self

    async def __anext__(self) -> Status:
        status = None if self._over else await self._tell()
        if status is None:
            raise StopAsyncIteration
        self._over = status.state in _END_NAMES
        return status


class Client:
    """One identity's view of the EMS. Made by :func:`~fsm_ems.opening.open_ems` and :meth:`EMS.client`."""

    def __init__(self, desk: Desk, identity: str) -> None:
        self.identity = identity
        self._desk = desk

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self.identity}>"

    async def submit(self, order: Order) -> OrderHandle:
        """Submit *order*; returns when that is durable. The same order again gives a new handle to it.

        Cancelled while it waits for the disk, the order may have been taken: submit the same one again.

        Raises:
            Refused: the EMS does not take it; no order exists.
            InvalidMessage: it is no Order.
            ClientFault: no broker of that name was opened.
            LogHalted: it could not be made durable; the EMS has stopped.
        """
        if not isinstance(cast("object", order), Order):
            kind = type(order).__name__
            raise InvalidMessage((f"order: an Order is needed, such as new_order makes, and no {kind}",))
        mailbox = self._box(order.oid)
        try:
            await self._desk.command(self.identity, order, mailbox)
        except BaseException:
            self.drop(order.oid, mailbox)
            raise
        handle = OrderHandle(self, order.oid, mailbox)
        # Whoever retries for as long as an order lives would leave a mailbox behind each time.
        finalize(handle, self.drop, order.oid, mailbox).atexit = False
        return handle

    async def cancel(self, oid: str) -> None:
        """Ask for a cancel; returns when the wish is durable.

        Raises:
            Refused: no such order of yours, or it has ended.
            InvalidMessage: *oid* has not the form of an id.
        """
        with named_faults():
            wish = Cancel(oid=oid)
        await self._desk.command(self.identity, wish)

    async def edit(
        self,
        oid: str,
        *,
        size: Number | None = None,
        price: Number | None = None,
        edit_id: str | None = None,
    ) -> None:
        """Ask for new terms; returns when the wish is durable. *size* is the new total, what is filled
        included; a float is refused. *edit_id* makes a retry safe.

        Raises:
            Refused: no such order of yours, or it cannot be edited now.
            InvalidMessage: neither *size* nor *price*, or one that is no number above zero.
        """
        terms: dict[str, Any] = {"size": size, "price": price}  # the message makes a Decimal of each
        with named_faults():
            wish = Edit(oid=oid, edit_id=str(uuid4()) if edit_id is None else edit_id, **terms)
        await self._desk.command(self.identity, wish)

    @overload
    def events(self) -> AbstractContextManager[Mailbox[Status]]: ...
    @overload
    def events(self, since: int) -> AbstractContextManager[Mailbox[Status | Resync]]: ...
    def events(self, since: int | None = None) -> AbstractContextManager[AnyMailbox]:
        """Every status of this identity's stream from here on; with *since* every one after that seq, and
        0 is before the first.

        To be read in the block, by ``await events.get()`` or by ``async for status in events``, and by one
        reader: two who read the same one share its statuses. Open :meth:`events` twice for two. Whoever was
        away gives the ``seq`` of the last status it has read: it gets each later one once, in order. Where
        they are no longer kept (``Settings.keep_events``), the first is a ``Resync``, how all living orders
        stand, and its ``seq`` counts as the last one read.

        Raises:
            InvalidMessage: *since* is no whole number of zero or more.
            ClientFault: the stream has not come to *since*: it was told by an EMS with other records.
        """
        if since is None:
            return self._events()
        if type(since) is not int or since < 0:
            raise InvalidMessage((f"since: {brief(since)} is no whole number of zero or more",))
        return self._resumed(since)

    @contextmanager
    def _events(self) -> Generator[Mailbox[Status], None, None]:
        mailbox = self._box(None)
        try:
            yield mailbox
        finally:
            self.drop(None, mailbox)

    @contextmanager
    def _resumed(self, since: int) -> Generator[Mailbox[Status | Resync], None, None]:
        mailbox: Mailbox[Status | Resync] = Mailbox()
        self._desk.resume(self.identity, since, mailbox)
        try:
            yield mailbox
        finally:
            self.drop(None, mailbox)

    def drop(self, oid: str | None, mailbox: AnyMailbox) -> None:
        """Let go of a mailbox."""
        self._desk.unsubscribe(self.identity, oid, mailbox)

    def _box(self, oid: str | None) -> Mailbox[Status]:
        mailbox: Mailbox[Status] = Mailbox()
        self._desk.subscribe(self.identity, oid, mailbox)
        return mailbox
