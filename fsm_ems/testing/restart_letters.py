"""What is under way in the crash searches: commands, requests and reports, as small values.

Names are the same in every book: ``o.o1`` asks for order ``o``, ``o.c1`` cancels it, ``o.e.up`` is its edit
``up``, ``o.q`` the last question about it, and ``h`` the last one for everything.
"""

from __future__ import annotations

from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple

from fsm_ems.messages import BrokerdFill, BrokerdHistory, BrokerdStatus, VenueReport
from fsm_ems.testing.letters import Letter, report_of

OWNER = "alice"


class Given(NamedTuple):
    """An input of the EMS. *number* is that of the message or the command, 0 where there is none."""

    verb: str
    number: int = 0


class Asked(NamedTuple):
    """A command that was taken: its kind, and the place of its order."""

    kind: str
    place: int


class Request(NamedTuple):
    """A request under way to the venue. *left* is how long its deadline is ahead, by the clock of the EMS.

    *again*: a question about an order that was sent a second time, by the name that it has then.
    """

    verb: str
    name: str
    place: int
    left: int
    size: Decimal | None = None
    price: Decimal | None = None
    again: bool = False

    @property
    def order(self) -> str:
        """The name of the request that a question is about, where the venue has taken none."""
        return f"{self.name.partition('.')[0]}.o{2 if self.again else 1}"

    def older(self, least: int) -> Request:
        """It, a tick later; below *least* nothing changes any more."""
        if self.verb in ("query", "history") or self.left <= least:
            return self
        return self._replace(left=self.left - 1)


class Telling(NamedTuple):
    """A history under way: the orders that are open, and all executions."""

    reqid: str
    orders: tuple[Letter, ...]
    fills: tuple[Letter, ...]


Message = Letter | Telling


def superseded(message: Message, name: str) -> Message:
    """The answer to the question that was called *name*, once a newer one is: it is nobody's answer."""
    if isinstance(message, Telling):
        return message._replace(reqid="h-") if message.reqid == name else message
    return message._replace(query=f"{name}-") if message.query == name else message


@lru_cache(maxsize=100_000)
def heard(message: Message) -> VenueReport:
    """The report that *message* becomes."""
    if isinstance(message, Letter):
        return report_of(message)
    orders = [report_of(letter) for letter in message.orders]
    fills = [report_of(letter) for letter in message.fills]
    return BrokerdHistory(
        reqid=message.reqid,
        orders=tuple(order for order in orders if isinstance(order, BrokerdStatus)),
        fills=tuple(fill for fill in fills if isinstance(fill, BrokerdFill)),
    )


def describe(message: Message) -> str:
    """*message* in a few words."""
    if isinstance(message, Telling):
        known = ", ".join(f"{order.reqid} cum {order.cum}" for order in message.orders) or "nothing"
        return f"the list ({known} open, {len(message.fills)} executions)"
    about = message.query or message.reqid
    more = f" {message.exec_id}" if message.exec_id else f" cum {message.cum}" if message.cum else ""
    return f"{message.kind}{more} about {about}"
