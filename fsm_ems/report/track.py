"""What a tape showed, as lines of points: whole while they are few, thinned evenly once they are many."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

from fsm_ems.quotes import Row, Trade

BUCKETS_MAX = 4096
"""A line of fewer points is kept whole; of a longer one at most four points for each of so many buckets."""


class Point(NamedTuple):
    """A price and the size that went with it; *price* None: nothing was offered."""

    time_ns: int
    price: Decimal | None
    size: Decimal


class Track:
    """A line of points of bounded length.

    Points are put into buckets of equal count. Once there are too many buckets, two become one; a bucket
    keeps its first, lowest, highest and last point. So every point drawn is one of the tape's, and no
    extreme of the whole is lost.
    """

    def __init__(self, buckets_max: int = BUCKETS_MAX) -> None:
        """*buckets_max* is even."""
        self.each = 1
        self.seen = 0
        self._buckets_max = buckets_max
        self._buckets: list[tuple[Point, ...]] = []
        self._open: tuple[Point, ...] = ()

    def add(self, point: Point) -> None:
        """The next point; times never fall."""
        self.seen += 1
        self._open = _kept((*self._open, point))
        if self.seen % self.each:
            return
        self._buckets.append(self._open)
        self._open = ()
        if len(self._buckets) == self._buckets_max:
            halves = zip(self._buckets[::2], self._buckets[1::2], strict=True)
            self._buckets = [_kept(one + other) for one, other in halves]
            self.each *= 2

    @property
    def points(self) -> list[Point]:
        """What is kept, in the tape's order."""
        return [point for bucket in (*self._buckets, self._open) for point in bucket]


def _kept(points: Sequence[Point]) -> tuple[Point, ...]:
    """The first, the lowest, the highest and the last of *points*, in their order."""
    priced = [(point.price, place) for place, point in enumerate(points) if point.price is not None]
    places = {0, len(points) - 1}
    if priced:
        places |= {min(priced)[1], max(priced)[1]}
    return tuple(points[place] for place in sorted(places))


class Shown:
    """The best prices and the prints of a tape, as they pass by."""

    def __init__(self, buckets_max: int = BUCKETS_MAX) -> None:
        self.rows = 0
        self.first_ns = 0
        self.last_ns = 0
        self.bids = Track(buckets_max)
        self.asks = Track(buckets_max)
        self.prints = Track(buckets_max)

    def see(self, row: Row) -> Row:
        """Note *row*, and hand it on."""
        if not self.rows:
            self.first_ns = row.time_ns
        self.rows += 1
        self.last_ns = row.time_ns
        if isinstance(row, Trade):
            self.prints.add(Point(row.time_ns, row.price, row.size))
        else:
            self.bids.add(_offered(row.time_ns, row.bid, row.bid_size))
            self.asks.add(_offered(row.time_ns, row.ask, row.ask_size))
        return row

    @property
    def thinned(self) -> bool:
        """Whether not every row is drawn."""
        return any(track.each > 1 for track in (self.bids, self.asks, self.prints))


def _offered(time_ns: int, price: Decimal, size: Decimal) -> Point:
    return Point(time_ns, price if price and size else None, size)
