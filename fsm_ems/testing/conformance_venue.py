"""The venue's end of an adapter's wire: what the author of a broker writes for the kit.

The kit plays the EMS on one side of the adapter and the venue on the other. On the venue's side it speaks the
EMS's own words, requests and reports; a :class:`VenueEnd` puts them on the adapter's wire, and reads what the
adapter sends there. It is the second mind of the translation: written from the venue's documentation, and not
from the adapter's code.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

from fsm_ems.brokers.base import Broker
from fsm_ems.messages import AnyReport, Request, VenueReport
from fsm_ems.quotes import MarketRow


class VenueEnd(ABC):
    """A scripted venue, seen from the wire. A new one is made for each script.

    *heard* are the requests that came over the wire, *said* the reports that went over it, and *shown* the
    rows of its market, each in order and over all connections; a venue end adds to them, the kit reads them.

    *answers_alone*: the venue decides for itself, as a simulated one does. Then the kit tells it only of
    trades, as a wish, and holds what it said against what it heard. *silence_s*: after how many seconds
    without a word from the venue the adapter may take the line for dead; None: it may not.
    """

    answers_alone: ClassVar[bool] = False
    silence_s: ClassVar[int | None] = None

    def __init__(self) -> None:
        self.heard: list[Request] = []
        self.said: list[AnyReport] = []
        self.shown: list[MarketRow] = []

    @abstractmethod
    def new_broker(self) -> Broker:
        """An adapter at this venue, as each start of a program makes one. It may know nothing from before."""

    @abstractmethod
    def tell(self, report: VenueReport) -> None:
        """Say *report* on the wire, and add to *said* what of it the wire carries.

        What the wire has no place for, say the liquidity of a fill or the nanoseconds of a time, is left out
        of what is added. A report that this venue never makes, say a bust, is not said and not added. A
        history may be said, and added, in pages. Called while connected only.
        """

    @abstractmethod
    def hang_up(self) -> None:
        """The venue ends the connection, as far as one is open."""

    def listen(self) -> None:  # noqa: B027 -- a venue end that listens in serve() needs none
        """Read what came over the wire by now, and add it to *heard*. Called often; it must not wait.

        A request has the id, the terms and, where the broker declares that it passes them on, the deadline
        that stand on the wire. *time_ns* may be 0, and so may the deadline of a broker that has none.
        """

    async def serve(self) -> None:  # noqa: B027 -- most venue ends need none
        """Run beside the adapter, for a venue that has to answer while the adapter waits."""

    def garble(self, variant: int) -> bool:
        """Say something that no adapter of this venue can know; *variant* of 0 to 3 chooses what.

        An unknown kind of message, a number that is none, a field that is missing. False: the wire cannot
        carry such a thing.
        """
        return False

    def refuse_next(self) -> bool:
        """Refuse the next connection, once. False: this venue refuses none."""
        return False

    def drop_market(self) -> bool:
        """End the market's feed, and leave the connection of the orders. False: it has no line of its own."""
        return False

    def refuse_market(self) -> bool:
        """Refuse the feed the next time that it is opened, once. False: this venue never does."""
        return False

    def garble_market(self, variant: int, *, at_first: bool) -> bool:
        """Say on the feed something that no adapter of this venue can know; *variant* as in :meth:`garble`.

        With *at_first* it is the first thing said when the feed is opened the next time, once; otherwise it
        is said now. False: nobody listens, or this feed cannot carry such a thing.
        """
        return False

    def show(self, row: MarketRow) -> None:  # noqa: B027 -- not every broker has a feed
        """Show *row* on the market's feed, if there is one and somebody listens, and add it to *shown*."""
