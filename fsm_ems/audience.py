"""Who is told what: the mailboxes of every identity's stream, and of single orders."""

from __future__ import annotations

from typing import NamedTuple

from fsm_ems.client import Mailbox
from fsm_ems.dialogs.outward import status_of
from fsm_ems.dialogs.record import Notice
from fsm_ems.machines.order import ENDS
from fsm_ems.messages import Status
from fsm_ems.operator_log import operator_log

_ENDS = frozenset(ENDS)


class Answered(NamedTuple):
    """An order that had been submitted before was submitted again: how it stands is due in *mailbox*."""

    identity: str
    oid: str
    mailbox: Mailbox
    status: Status


class Audience:
    """The mailboxes that are read, until each is taken out, or all are closed."""

    def __init__(self) -> None:
        self._mailboxes: dict[tuple[str, str | None], list[Mailbox]] = {}
        self._closed = False

    def add(self, identity: str, oid: str | None, mailbox: Mailbox) -> None:
        """Tell *mailbox* of *identity*'s stream, or of its order *oid* alone, from here on."""
        if self._closed:
            mailbox.close()
            return
        self._mailboxes.setdefault((identity, oid), []).append(mailbox)

    def remove(self, identity: str, oid: str | None, mailbox: Mailbox) -> None:
        """Stop doing so."""
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

    def answer(self, answered: Answered) -> None:
        """Put how an order stands in the mailbox of who submitted it again."""
        answered.mailbox.put(answered.status)
        if answered.status.state in _ENDS:  # no more will come, whether it is read or not
            self.remove(answered.identity, answered.oid, answered.mailbox)

    def close(self) -> None:
        """Tell every reader, now and later, that no more will come."""
        self._closed = True
        for boxes in self._mailboxes.values():
            for box in boxes:
                box.close()
