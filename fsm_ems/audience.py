"""Who is told what: the mailboxes of every identity's stream, and of single orders.

The last notices of each stream are kept, for readers who come back to it. They are what the records made
due: an EMS that starts has them from its records again.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import NamedTuple

from fsm_ems.client import AnyMailbox, Mailbox
from fsm_ems.dialogs.outward import status_of
from fsm_ems.dialogs.record import Notice
from fsm_ems.errors import ClientFault
from fsm_ems.machines.order import ENDS
from fsm_ems.messages import Resync, Status
from fsm_ems.operator_log import operator_log

_ENDS = frozenset(ENDS)


class Answered(NamedTuple):
    """An order that had been submitted before was submitted again: how it stands is due in *mailbox*."""

    identity: str
    oid: str
    mailbox: Mailbox[Status]
    status: Status


class Resumed(NamedTuple):
    """A reader came back to its stream, and what it missed is no longer kept: it gets *picture*, then goes on
    from there.
    """

    identity: str
    mailbox: Mailbox[Status | Resync]
    picture: Resync


class Audience:
    """The mailboxes that are read, until each is taken out, or all are closed."""

    def __init__(self, keep: int, told: Mapping[str, Sequence[Notice]], streams: Mapping[str, int]) -> None:
        """Of each stream the last *keep* notices are kept. *told* are those that were told before, *streams*
        how far each stream has come.
        """
        self._mailboxes: dict[tuple[str, str | None], list[AnyMailbox]] = {}
        self._closed = False
        self._keep = keep
        self._kept = {identity: deque(notices, keep) for identity, notices in told.items()}
        self._streams = dict(streams)
        self._awaited: set[Mailbox[Status | Resync]] = set()

    def add(self, identity: str, oid: str | None, mailbox: AnyMailbox) -> None:
        """Tell *mailbox* of *identity*'s stream, or of its order *oid* alone, from here on."""
        if self._closed:
            mailbox.close()
            return
        boxes = self._mailboxes.setdefault((identity, oid), [])
        boxes.append(mailbox)
        self._mailboxes[identity, oid] = boxes  # the collector may have taken out all others just before

    def resume(self, identity: str, since: int, mailbox: Mailbox[Status | Resync]) -> bool:
        """Tell *mailbox* of all in *identity*'s stream after *since*, and from here on. False where not all
        of it is kept: then a :class:`Resumed` must follow.

        Raises:
            ClientFault: the stream has not come to *since*.
        """
        seq = self._streams.get(identity, 0)
        if since > seq:
            raise ClientFault(f"the stream of {identity} has come to {seq}: {since} is of other records")
        kept = self._kept.get(identity, ())
        missed = seq - since
        if missed > len(kept):
            self._awaited.add(mailbox)
            if self._closed:  # where the log has halted, nothing more will come
                mailbox.close()
            return False
        mailbox.begin(map(status_of, [*islice(kept, len(kept) - missed, None)]))
        self.add(identity, None, mailbox)
        return True

    def remove(self, identity: str, oid: str | None, mailbox: AnyMailbox) -> None:
        """Stop doing so."""
        self._awaited.discard(mailbox)
        boxes = self._mailboxes.get((identity, oid), [])
        if mailbox in boxes:
            boxes.remove(mailbox)
        if not boxes:
            self._mailboxes.pop((identity, oid), None)

    def tell(self, notice: Notice) -> None:
        """Put a status in whichever mailbox it is for."""
        if notice.record.alarm is not None and notice.identity == notice.record.owner:
            operator_log().warning(
                "alarm", owner=notice.record.owner, oid=notice.record.oid, alarm=notice.record.alarm
            )
        self._streams[notice.identity] = notice.seq
        kept = self._kept.get(notice.identity)
        if kept is None:
            kept = self._kept[notice.identity] = deque(maxlen=self._keep)
        kept.append(notice)
        oid = notice.record.oid if notice.identity == notice.record.owner else None
        boxes = [*self._mailboxes.get((notice.identity, None), ())]
        if oid is not None:
            boxes += self._mailboxes.get((notice.identity, oid), ())
        if boxes:
            status = status_of(notice)
            for box in boxes:
                box.put(status)
        if oid is not None and notice.state in _ENDS:
            self._mailboxes.pop((notice.identity, oid), None)  # its handles have all they will be given

    def answer(self, answered: Answered | Resumed) -> None:
        """Put how an order stands in the mailbox of who submitted it again, or how all stand in that of who
        came back to its stream.
        """
        if isinstance(answered, Resumed):
            if answered.mailbox in self._awaited:  # it has not left meanwhile
                self._awaited.remove(answered.mailbox)
                answered.mailbox.put(answered.picture)
                self.add(answered.identity, None, answered.mailbox)
            return
        answered.mailbox.put(answered.status)
        if answered.status.state in _ENDS:  # no more will come, whether it is read or not
            self.remove(answered.identity, answered.oid, answered.mailbox)

    def close(self) -> None:
        """Tell every reader, now and later, that no more will come."""
        self._closed = True
        # Copied: the collector may let a handle go at any time, which takes its mailbox out.
        for boxes in [*self._mailboxes.values()]:
            for box in [*boxes]:
                box.close()
        for awaited in [*self._awaited]:
            awaited.close()
