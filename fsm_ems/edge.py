"""What an embedding program hands in, checked once, where it comes in.

Each check raises InvalidMessage, which names what was given and what is needed, where it says nothing else.
Nothing has changed by then.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from inspect import isroutine
from typing import cast

import trio

from fsm_ems.brokers.base import Broker
from fsm_ems.brokers.calls import looked_at
from fsm_ems.clock import Clock
from fsm_ems.dialogs.book import Book
from fsm_ems.dialogs.dispatcher import Dispatcher
from fsm_ems.dialogs.record import Role
from fsm_ems.dialogs.settings import Settings
from fsm_ems.errors import ClientFault, InvalidMessage, Refused, brief
from fsm_ems.journal.base import RecordLog
from fsm_ems.market import Declared, Market, broker_of, not_traded, unknown_market
from fsm_ems.message_fields import is_broker, is_fqme, is_name
from fsm_ems.messages import Cancel, Edit, Order
from fsm_ems.numbers import no_decimals
from fsm_ems.quotes import Row, problem

_TIME_END_NS = 2**63


def check_name(identity: object, role: object, sees: object = (), operator: str | None = None) -> None:
    """Raise InvalidMessage unless *identity*, *role* and *sees* have the form they must have.

    An observer has to see somebody, but for the *operator*, who is told of what belongs to nobody else.
    """
    problems: list[str] = []
    if not is_name(identity):
        needed = (
            "identity: a name of 1 to 40 letters, digits, '_', '.' and '-' is needed, not of points alone"
        )
        problems.append(f"{needed}, and {brief(identity)} is none")
    if role not in ("trader", "observer"):
        problems.append(f"role: 'trader' or 'observer' is needed, and {brief(role)} is neither")
    given = brief(sees)
    # Text is a sequence too: whoever sees "main" would see m, a, i and n, for good.
    listed = isinstance(sees, Sequence) and not isinstance(sees, str)
    if not listed or not all(one == "*" or is_name(one) for one in cast("Sequence[object]", sees)):
        problems.append(f"sees: a list of names is needed, or ('*',) for everybody, and {given} is none")
    elif role == "observer" and not sees and identity != operator:
        problems.append("sees: an observer needs the names of owners to look on at, or ('*',) for everybody")
    _raise_any(problems)


def check_known(book: Book, identity: str, role: Role, sees: tuple[str, ...]) -> None:
    """What *identity* may do was settled when it first came, to this program or to one before it.

    Raises:
        Refused: the records have it with another role, or with other owners to see.
    """
    known = book.identities.get(identity)
    if known is not None and (known.role, known.sees) != (role, sees):
        raise Refused(
            "forbidden", f"{identity} is known already, as {known.role}; nobody changes that by asking"
        )


def admit(dispatcher: Dispatcher, identity: str, role: Role, sees: tuple[str, ...], now_ns: int) -> None:
    """Let *identity* act, or look on; raises as :func:`check_known` does."""
    check_known(dispatcher.book, identity, role, sees)
    dispatcher.grant(identity, role, now_ns, sees)


def check_text(**given: object) -> None:
    """Raise InvalidMessage, naming each of *given* that is no text."""
    _raise_any(
        f"{name}: text is needed, and {brief(one)} is none"
        for name, one in given.items()
        if not isinstance(one, str)
    )


def check_fired(owner: object, oid: object, price: object) -> None:
    """Raise InvalidMessage unless an order of that owner can be fired by hand at *price*; None is its own."""
    check_text(owner=owner, oid=oid)
    _raise_any(() if price is None else no_decimals({"price": price}))


def check_asked(book: Book, settings: Settings, account: object, market: object) -> None:
    """Raise InvalidMessage unless *account* and *market* are text, and Refused where nobody has the market.

    One that has a position or an order is answered for, whoever trades it by now.
    """
    check_text(account=account, market=market)
    asked = cast("str", market)
    wrong = not_traded(settings.declared, asked)
    if wrong is None or any(asked in held for held in book.positions.values()):
        return
    if not any(dialog.body.market == asked for dialog in book):
        raise Refused("unknown_market", wrong)


def check_quoted(settings: Settings, market: str, row: Row) -> None:
    """Raise InvalidMessage unless *row* is one, of a market that a broker which is opened has."""
    wrong = problem(market, row)
    if wrong is None and market not in settings.declared.get(broker_of(market), ()):
        wrong = _not_quoted(settings.declared, market)
    _raise_any(() if wrong is None else (wrong,))


def _not_quoted(declared: Declared, market: str) -> str | None:
    """Why *market* is none that anybody here has, in words; None where it may be one."""
    if not is_fqme(market):
        known = min((one for markets in declared.values() for one in markets), default="xbtusd.kraken")
        return f"market: {brief(market)} is no market's address, such as {known}"
    wrong = not_traded(declared, market)
    if wrong is None and broker_of(market) not in declared:
        return f"no broker of market {market} is opened: opened are {', '.join(sorted(declared)) or 'none'}"
    return wrong


def check_command(identity: object, command: object) -> None:
    """Raise InvalidMessage unless *command* is one, and *identity* text."""
    if not isinstance(command, (Order, Cancel, Edit)):
        problem = f"command: an Order, a Cancel or an Edit is needed, and no {type(command).__name__}"
        raise InvalidMessage((problem,))
    if not isinstance(identity, str):
        check_text(identity=identity)


def check_clock(clock: object) -> None:
    """Raise InvalidMessage unless *clock* tells whole nanoseconds now."""
    wrong: str | None = None
    if not callable(clock):
        wrong = "cannot be called"
    else:
        try:
            told: object = cast("Clock", clock)()
        except Exception as fault:  # noqa: BLE001 -- whatever a clock of the caller's raises
            if isinstance(fault, RuntimeError) and not trio.lowlevel.in_trio_run():
                return  # such a clock counts as trio does, and has nothing to tell before trio runs
            wrong = f"raises {brief(fault)}"
        else:
            if type(told) is not int or not 0 <= told < _TIME_END_NS:
                wrong = f"tells {brief(told)}"
    if wrong is not None:
        needed = "clock: what tells whole ns since the epoch is needed, as time.time_ns does"
        raise InvalidMessage((f"{needed}, and {brief(clock)} {wrong}",))


def check_trio() -> None:
    """Raise ClientFault unless trio runs this task."""
    if not trio.lowlevel.in_trio_task():
        raise ClientFault("an EMS needs trio: run the program by trio.run(main), and not by asyncio.run")


def check_log(log: object) -> None:
    """Raise InvalidMessage unless *log* is a :class:`~fsm_ems.journal.base.RecordLog`, or None."""
    wrong = None if log is None else no_such(log, RecordLog)
    if wrong is not None:
        raise InvalidMessage((f"log: a record log is needed, such as FileLog(FILE), and {wrong}",))


def no_such(given: object, protocol: type) -> str | None:
    """Why *given* is none of *protocol*'s, in words; None where it has all of its members."""
    if isinstance(given, type):
        return f"{given.__name__} is a class: make one of it"
    if isroutine(given):
        return f"{given.__qualname__} has not been called: give what {given.__qualname__}(...) returns"
    needed = (name for name in dir(protocol) if not name.startswith("_"))
    lacking = ", ".join(name for name in needed if not hasattr(given, name))
    return f"{type(given).__name__} has no {lacking}" if lacking else None


def wrong_market(address: object, market: object) -> Iterator[str]:
    """Why *market*, listed under *address*, is none that can be traded, in words."""
    if not isinstance(market, Market):
        yield f"markets: {brief(address)} is given {brief(market)}, and a Market is needed"
        return
    if not is_fqme(market.fqme):
        yield f"markets: {brief(market.fqme)} is no market's address, such as xbtusd.kraken"
    elif address != market.fqme:
        yield f"markets: {market.fqme} is listed as {brief(address)}: {{market.fqme: market}} is needed"
    for name, asset in (("base", market.base), ("quote", market.quote)):
        if not is_name(asset):
            yield (
                f"{brief(market.fqme)}: {name} {brief(asset)} is no asset's name, "
                "which is 1 to 40 of A-Z a-z 0-9 _ . -"
            )
    if market.base == market.quote:
        yield f"{brief(market.fqme)}: base and quote are both {brief(market.base)}, and two assets are needed"


# ── brokers and settings ────────────────────────────────────────────────────────────────────────────


def checked_settings(settings: object, brokers: Sequence[object]) -> Settings:
    """*settings*, with what *brokers*, which are some, declare where they say nothing else."""
    if not isinstance(settings, Settings):
        kind = "class" if isinstance(settings, type) else type(settings).__name__
        raise InvalidMessage((f"settings: Settings(...) is needed, and no {kind}",))
    problems: list[str] = []
    for broker in brokers:
        with looked_at(broker):
            problems += _of_no_broker(broker)
    _raise_any(problems)
    known = cast("Sequence[Broker]", brokers)
    names = [broker.name for broker in known]
    if len(set(names)) != len(names):
        raise InvalidMessage((f"brokers: {', '.join(names)}; each needs a name of its own",))
    merged = replace(
        settings,
        brokers={**{broker.name: broker.capabilities for broker in known}, **settings.brokers},
        markets={**{m: market for b in known for m, market in b.markets.items()}, **settings.markets},
        declared={broker.name: frozenset(broker.markets) for broker in known},
    )
    _raise_any(_of_no_market(merged, known))
    return merged


def _raise_any(problems: Iterable[str]) -> None:
    if found := tuple(problems):
        raise InvalidMessage(found)


def _of_no_broker(broker: object) -> Iterator[str]:
    """Why *broker* is none, but for what :class:`Settings` says of its capabilities and markets."""
    wrong = no_such(broker, Broker)
    if wrong is not None:
        several = isinstance(broker, Collection) and not isinstance(broker, str | bytes)
        hint = "; give each by itself: open_ems(one, other), or open_ems(*several)" if several else ""
        yield f"brokers: each is an object as docs/write-a-broker.md has it, and {wrong}{hint}"
        return
    for wrong in wrong_members(cast("Broker", broker)):
        yield f"brokers: {wrong}"


def wrong_members(broker: Broker) -> Iterator[str]:
    """What of *broker*, which has all members of one, is of another kind than it must be, in words."""
    if not is_broker(broker.name):
        yield (
            f"{brief(broker.name)} is no broker's name, which is 1 to 20 of a-z 0-9 _ and ends the addresses "
            "of its markets"
        )
    if not isinstance(cast("object", broker.markets), Mapping):
        yield f"markets of {broker.name!r} map addresses to Market, and {brief(broker.markets)} does not"
    for call in ("open_market", "open_trades_dialogue"):
        if not callable(found := getattr(broker, call)):
            yield f"{call} of {broker.name!r} is to be called, and {brief(found)} cannot be"


def _of_no_market(settings: Settings, brokers: Sequence[Broker]) -> Iterator[str]:
    """Which markets are none, or are named and nobody trades them."""
    for address, known in settings.markets.items():
        yield from wrong_market(address, known)
        if (wrong := unknown_market(settings.declared, address)) is not None:
            yield f"markets: {wrong}"
    for broker in brokers:
        for market in broker.markets:
            if broker_of(market) != broker.name:
                yield f"brokers: {broker.name} lists {market}: addresses of its markets end in .{broker.name}"
    named: tuple[tuple[str, Mapping[str, object]], ...] = (
        ("limits", settings.limits),
        ("limit_ticks", settings.limit_ticks),
    )
    for field, markets in named:
        for market in markets:
            if market != "*" and (whose := _not_of(market, settings.declared)) is not None:
                yield f"{field}: {market or repr('')} is no market of {whose}: nothing would come of it"


def _not_of(market: str, declared: Declared) -> str | None:
    """Whose market *market* would have to be, and is not; None where it may be one."""
    traded, _, broker = market.rpartition(".")
    if not traded or broker not in declared:
        return f"a broker that is opened here ({', '.join(declared) or 'none is'})"
    return None if unknown_market(declared, market) is None else broker
