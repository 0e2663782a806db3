"""Calls into an adapter of a broker: what escapes from them as a bug says whose code raised it, and where.

What a feed raises that was handed to an adapter is the feed's, and only passes through it. A BrokerFault is
told with the broker's name by whoever connects again, and a LogFault tells of a disk. Anything else ends the
EMS, far from where it was raised: it gets a note, and stays what it is.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable, Callable, Generator, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from typing import Literal, TypeVar, cast

from fsm_ems.brokerd import AboutOrder, AboutPosition
from fsm_ems.brokers.base import Broker, TradesDialogue
from fsm_ems.errors import BrokerFault, InvalidReport, LogFault, brief
from fsm_ems.messages import AnyReport, BrokerdHistory, Request
from fsm_ems.quotes import MarketRow

Call = Literal["connect", "send", "receive", "market"]

_WHERE: dict[Call, str] = {
    "connect": "connect (open_trades_dialogue)",
    "send": "send",
    "receive": "receive",
    "market": "market (open_market)",
}
_FEED = "raised by the feed of "
_REPORTS = (AboutOrder, AboutPosition, BrokerdHistory)
"""What every report is one of; a request or a command is a message too, and none."""
_T = TypeVar("_T")


@contextmanager
def fed(market: str) -> Generator[None]:
    """What is raised inside is the doing of the rows that were handed in for *market*: a note says so."""
    try:
        yield
    except Exception as fault:
        fault.add_note(f"{_FEED}{market}, which was handed to its broker")
        raise


@contextmanager
def looked_at(broker: object) -> Generator[None]:
    """What is raised inside is the doing of what *broker* computes of itself: a note says so.

    Its class is named, for its name may be what could not be read.
    """
    try:
        yield
    except Exception as fault:
        fault.add_note(f"raised by the adapter {type(broker).__qualname__}, asked what it is and has")
        raise


def _is_fed(fault: BaseException) -> bool:
    return any(note.startswith(_FEED) for note in getattr(fault, "__notes__", ()))


def _blame(broker: str, call: Call, fault: BaseException, ours: tuple[BaseException, ...] = ()) -> None:
    """Note on *fault*, or on each that it groups, that *call* of *broker* raised it; not on those of *ours*,
    which only passed through, nor on a feed's.
    """
    for one in _each(fault):
        told = isinstance(one, BrokerFault | LogFault) or not isinstance(one, Exception) or _is_fed(one)
        if not told and all(one is not passed for passed in ours):
            one.add_note(f"raised by the adapter of broker {broker!r}, in its {_WHERE[call]}")


def _each(fault: BaseException) -> Iterator[BaseException]:
    if isinstance(fault, BaseExceptionGroup):
        for one in cast("BaseExceptionGroup[BaseException]", fault).exceptions:
            yield from _each(one)
    else:
        yield fault


async def sent(broker: str, dialogue: TradesDialogue, request: Request) -> None:
    """Hand *request* to *broker*."""
    try:
        await dialogue.send(request)
    except Exception as fault:
        _blame(broker, "send", fault)
        raise


async def received(broker: str, dialogue: TradesDialogue) -> AnyReport:
    """The next report of *broker*.

    Raises:
        InvalidReport: what it gave is none.
    """
    try:
        report = await dialogue.receive()
    except Exception as fault:
        _blame(broker, "receive", fault)
        raise
    if not isinstance(cast("object", report), _REPORTS):
        raise InvalidReport((f"receive gave {brief(report)}, which is no report",))
    return report


@asynccontextmanager
async def _opened(
    broker: str, call: Call, opening: Callable[[], AbstractAsyncContextManager[_T]]
) -> AsyncGenerator[_T]:
    ours: tuple[BaseException, ...] = ()
    try:
        async with opening() as stream:
            try:
                yield stream
            except BaseException as passing:
                ours = tuple(_each(passing))
                raise
    except BaseException as fault:
        _blame(broker, call, fault, ours)
        raise


def connected(broker: Broker) -> AbstractAsyncContextManager[TradesDialogue]:
    """Connect to *broker*, and disconnect."""
    return _opened(broker.name, "connect", broker.open_trades_dialogue)


def shown(broker: Broker) -> AbstractAsyncContextManager[AsyncIterable[MarketRow]]:
    """The rows of *broker*'s markets, from here on."""
    return _opened(broker.name, "market", lambda: _told_rows(broker))


@asynccontextmanager
async def _told_rows(broker: Broker) -> AsyncGenerator[AsyncIterable[MarketRow]]:
    async with broker.open_market() as rows:
        yield _Rows(broker.name, rows)


class _Rows:
    """*rows*, and who is to blame where they break. No generator: one would be left to the collector."""

    def __init__(self, broker: str, rows: AsyncIterable[MarketRow]) -> None:
        self._broker = broker
        self._rows = aiter(rows)

    def __aiter__(self) -> _Rows:
        return self

    async def __anext__(self) -> MarketRow:
        try:
            market, row = await anext(self._rows)
        except StopAsyncIteration:
            raise
        except Exception as fault:
            _blame(self._broker, "market", fault)
            raise
        return MarketRow(market, row)
