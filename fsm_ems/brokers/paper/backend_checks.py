"""What is handed to a paper venue, checked once, before anything is made or written.

Each check raises InvalidMessage, which names what was given and what is needed.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterable, Iterable, Iterator, Mapping, Sequence
from dataclasses import fields
from decimal import Decimal
from typing import cast

from fsm_ems.brokers.paper.synthetic import FLOOR_TICKS, Weather
from fsm_ems.clock import TrioClock
from fsm_ems.edge import check_clock, wrong_market
from fsm_ems.errors import InvalidMessage, brief
from fsm_ems.market import Market
from fsm_ems.numbers import fits, no_decimals
from fsm_ems.quotes import Quote, Row, Trade, problem

Feed = Iterable[Row] | AsyncIterable[Row]

_LOOKED_AT = 1_000  # whoever makes rows makes all alike, and a million would take seconds
_PREFIX = re.compile("[!-~]{0,64}", re.ASCII)  # a venue's id has 100 characters, and its number follows


def broker_named(markets: object) -> str:
    """The broker that all *markets* name, which are mapped by address.

    Raises:
        InvalidMessage: they are none, or of several brokers.
    """
    given = brief(markets)
    if not isinstance(markets, Mapping) or not markets:
        needed = "markets: each Market by its address is needed, {market.fqme: market}"
        raise InvalidMessage((f"{needed}, and {given} has none",))
    known = cast("Mapping[object, object]", markets)
    _raise_any([wrong for address, market in known.items() for wrong in wrong_market(address, market)])
    names = sorted({cast("Market", market).broker for market in known.values()})
    if len(names) > 1:
        raise InvalidMessage(
            (f"markets: they name {len(names)} brokers ({', '.join(names)}), and this is one",)
        )
    return names[0]


def checked_feeds(markets: Mapping[str, Market], feed: Feed | Mapping[str, Feed]) -> Mapping[str, Feed]:
    """The rows of each market. Of a sequence all are seen to be rows here, and the numbers of the first; what
    is not looked at here is when it is played.

    Raises:
        InvalidMessage: naming each that is of no market, is no feed, or has a row that is none.
    """
    if isinstance(feed, Mapping):
        feeds = cast("Mapping[str, Feed]", feed)  # a mapping can be iterated too, and is still no feed
    elif len(markets) > 1:
        raise InvalidMessage(("feed: there are several markets: name that of each feed, as {address: feed}",))
    else:
        feeds = {next(iter(markets)): feed}
    _raise_any(
        [
            wrong
            for market, rows in feeds.items()
            for wrong in (
                _wrong_rows(market, rows)
                if market in markets
                else [f"feed: {brief(market)} is none of the markets"]
            )
        ]
    )
    return feeds


def _wrong_rows(market: str, rows: object) -> Iterator[str]:
    if isinstance(rows, str | bytes) or not isinstance(rows, Iterable | AsyncIterable):
        hint = "; fsm_ems.brokers.paper.tape_file.read_tape reads a tape" if isinstance(rows, str) else ""
        yield (
            f"feed: rows of {market} are needed, each a Quote or a Trade, and {brief(rows)} gives none{hint}"
        )
    elif isinstance(rows, Sequence):
        for number, row in enumerate(cast("Sequence[Row]", rows)):
            is_looked_at = number < _LOOKED_AT or not isinstance(cast("object", row), Quote | Trade)
            if is_looked_at and (wrong := problem(market, row)) is not None:
                yield f"feed: {wrong}"
                return  # the others are most often wrong in the same way


def check_options(*, speed: object, clock: object, buffer: object, prefix: object, sync: object) -> None:
    """Raise InvalidMessage, naming each, where an option of the venue makes no sense."""
    if clock is not None and not isinstance(clock, TrioClock):  # that begins when it is first read
        check_clock(clock)
    problems: list[str] = []
    if speed is not None and not (
        isinstance(speed, Decimal | int)
        and not isinstance(speed, bool)
        and Decimal(speed).is_finite()
        and speed > 0
    ):
        problems.append(f"speed: {brief(speed)} is no Decimal or int above zero")
    if type(buffer) is not int or buffer < 1:
        problems.append(f"buffer: {brief(buffer)} is no whole number above zero")
    if prefix is not None and not (isinstance(prefix, str) and _PREFIX.fullmatch(prefix)):
        problems.append(f"prefix: {brief(prefix)} is no text of at most 64 of ASCII's visible characters")
    if type(sync) is not bool:
        problems.append(f"sync: {brief(sync)} is neither True nor False")
    _raise_any(problems)


def check_synthetic(seed: object, market: object, price: object, weather: object) -> None:
    """Raise InvalidMessage, naming each, where no market can be made up of these.

    Found here: the rows are only made when the EMS asks for them.
    """
    if not isinstance(market, Market):
        raise InvalidMessage((f"market: a Market is needed, and {brief(market)} is none",))
    problems = [*wrong_market(market.fqme, market), *no_decimals({"price": price})]
    if isinstance(price, Decimal):
        if not (fits(price) and price > 0):
            problems.append(f"price: {price} is no price above zero, of at most 34 digits")
        elif price < FLOOR_TICKS * market.price_tick:
            problems.append(
                f"price: {price} is less than {FLOOR_TICKS} ticks of {market.price_tick}, where a walk turns"
            )
    if type(seed) is not int:
        problems.append(f"seed: {brief(seed)} is no whole number")
    if not isinstance(weather, Weather):
        problems.append(
            f"weather: a Weather is needed, such as Weather(gaps=True), and {brief(weather)} is none"
        )
    else:
        problems += [
            f"weather: {one.name} is {brief(getattr(weather, one.name))}, and neither True nor False"
            for one in fields(weather)
            if type(getattr(weather, one.name)) is not bool
        ]
    _raise_any(problems)


def _raise_any(problems: Sequence[str]) -> None:
    if problems:
        raise InvalidMessage(tuple(problems))
