"""What the EMS relies on at a broker, as rules over what was sent, heard, said and received.

Nothing here knows an adapter or a wire. A rule that is broken raises :class:`Nonconformance`; the names of
the rules are in :data:`RULES`.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass, replace
from decimal import Decimal
from typing import cast, get_args

from msgspec import Struct
from msgspec.structs import astuple

from fsm_ems.brokers.base import Broker
from fsm_ems.dialogs.settings import Capabilities
from fsm_ems.edge import no_such, wrong_market, wrong_members
from fsm_ems.market import Market
from fsm_ems.message_fields import is_fqme
from fsm_ems.messages import (
    AnyReport,
    BrokerdError,
    BrokerdHistory,
    BrokerdOrderAck,
    BrokerdRefused,
    BrokerdReplaced,
    Request,
)
from fsm_ems.numbers import plain
from fsm_ems.testing.conformance_orders import Reqid
from fsm_ems.testing.conformance_steps import Step

RULES = {
    "declared": "name, markets and capabilities are what they say",
    "requests": "a request reaches the venue at most once, whole, in order, on the connection it was sent on",
    "deadline": "nothing is sent after its deadline, which is passed on where the capability says so",
    "reports": "what the venue says is reported, all of it and nothing else, in its order for each order",
    "leaks": "nothing of one connection comes on another",
    "faults": "a broken stream raises BrokerFault, from receive and from send; an unbroken one does not",
    "unknown": "what nobody can know is refused with InvalidReport, and reported as nothing",
    "market": "the market's rows come as the venue shows them; a feed that breaks raises BrokerFault",
    "answers": "a venue of the adapter's own answers what is so",
}
"""What each rule says."""

_ANSWERS = (BrokerdOrderAck, BrokerdReplaced, BrokerdRefused, BrokerdError, BrokerdHistory)
_REPORTS = get_args(get_args(AnyReport)[0])
_SECOND_NS = 10**9


class Nonconformance(AssertionError):
    """An adapter broke *rule*, one of :data:`RULES`; *why* tells how.

    *script* are the steps that led there and *diagram* the same as a mermaid sequence diagram.
    """

    def __init__(self, rule: str, why: str) -> None:
        super().__init__(rule, why)
        self.rule = rule
        self.why = why
        self.script: tuple[Step, ...] = ()
        self.diagram = ""

    def __str__(self) -> str:
        steps = "".join(f"    {step!r},\n" for step in self.script)
        return (
            f"{self.rule}: {self.why}\n({RULES[self.rule]})\n\n"
            f"the script, for fsm_ems.testing.conformance.play:\n{steps}\n{self.diagram}"
        )


# ── what is declared ────────────────────────────────────────────────────────────────────────────────


def check_declared(broker: Broker) -> None:
    """It is a broker, and its name, markets and capabilities go together."""
    wrong = no_such(broker, Broker)
    if wrong is not None:
        raise Nonconformance("declared", f"it is no broker: {wrong}")
    problems = list(wrong_members(broker))
    markets = cast("object", broker.markets)
    if isinstance(markets, Mapping):
        problems += _market_problems(broker.name, cast("Mapping[object, object]", markets))
    capabilities = cast("object", broker.capabilities)  # whatever its author thought it was
    if not isinstance(capabilities, Capabilities):
        problems.append(f"its capabilities are {capabilities!r}, and no Capabilities")
    if problems:
        raise Nonconformance("declared", "; ".join(problems))


def _market_problems(name: str, markets: Mapping[object, object]) -> Iterator[str]:
    if not markets:
        yield "it has no market"
    for fqme, market in markets.items():
        yield from wrong_market(fqme, market)
        if isinstance(market, Market) and is_fqme(market.fqme) and market.broker != name:
            yield f"market {fqme} is of broker {market.broker}, and this is {name}"


def inexact(value: object) -> str | None:
    """A float somewhere in *value*, in words; None where there is none."""
    if isinstance(value, float):
        return f"{value!r} is a float"
    parts: Iterable[object] = ()
    if is_dataclass(value):
        parts = [getattr(value, one.name) for one in fields(value)]
    elif isinstance(value, Struct):
        parts = astuple(value)
    elif isinstance(value, tuple):
        parts = cast("tuple[object, ...]", value)
    return next((found for part in parts if (found := inexact(part)) is not None), None)


# ── requests ────────────────────────────────────────────────────────────────────────────────────────


def check_request(sent: Request, heard: Request, chain: Sequence[Reqid], *, has_deadline: bool) -> None:
    """The venue heard what was sent; an order may be named by any request of its *chain*, or by venue id."""
    if type(sent) is not type(heard):
        raise Nonconformance("requests", f"{sent.name} {sent.reqid} was sent, and {heard.name} came")
    for one in fields(sent):
        wanted, got = getattr(sent, one.name), getattr(heard, one.name)
        if one.name in ("time_ns", "deadline_ns"):
            continue
        if one.name == "target":
            right = got in chain
        elif one.name in ("venue_id", "since"):
            right = got is None or got == wanted
        elif one.name == "since_ns":
            right = got <= wanted  # more than was asked for does no harm
        else:
            right = got == wanted and type(got) is type(wanted)
        if not right:
            raise Nonconformance("requests", f"{sent.reqid}: {one.name} {wanted} was sent, and {got} came")
    late = heard.deadline_ns - sent.deadline_ns
    if has_deadline and not -_SECOND_NS < late <= 0:
        raise Nonconformance(
            "deadline", f"{sent.reqid}: its deadline is {sent.deadline_ns}, and {heard.deadline_ns} came"
        )


# ── reports ─────────────────────────────────────────────────────────────────────────────────────────


@dataclass
class Names:
    """Everything that an order may be called."""

    reqids: list[Reqid] = field(default_factory=list[Reqid])
    venue_ids: set[str] = field(default_factory=set[str])


NamesOf = Callable[[AnyReport], Names | None]
"""What the order may be called that a report of the venue is about; None: no order that was sent."""


def difference(said: AnyReport, got: AnyReport, names_of: NamesOf) -> str | None:
    """What in a report is not as the venue said it; None: nothing. Its text is the adapter's own."""
    if type(said) is not type(got):
        return f"{said.name} was said, and {got.name} came"
    names = names_of(said)
    for one in fields(said):
        wanted, came = getattr(said, one.name), getattr(got, one.name)
        if one.name == "text" or (one.name == "time_ns" and wanted == 0):
            continue
        if one.name in ("orders", "fills"):
            wrong = _differences(wanted, came, names_of)
        elif one.name == "venue_id" or (one.name == "reqid" and not isinstance(got, _ANSWERS)):
            wrong = None if _is_its_name(got, one.name, names) else _unlike(wanted, came)
        else:
            wrong = None if came == wanted else _unlike(wanted, came)
        if wrong is not None:
            return f"{one.name}: {wrong}"
    if getattr(got, "reqid", 0) is None and getattr(got, "venue_id", 0) is None:
        return "it names no order"
    return None


def _is_its_name(got: AnyReport, field_name: str, names: Names | None) -> bool:
    """Whether the id in *got* is one of the order's; which of them it is, and whether both, is open."""
    came = getattr(got, field_name)
    if came is None or names is None:
        return True
    return came in (names.reqids if field_name == "reqid" else names.venue_ids)


def _differences(said: Sequence[AnyReport], got: Sequence[AnyReport], names_of: NamesOf) -> str | None:
    if len(said) != len(got):
        return f"{len(said)} were said, and {len(got)} came"
    found = (difference(one, other, names_of) for one, other in zip(said, got, strict=True))
    return next((wrong for wrong in found if wrong is not None), None)


def _unlike(said: object, got: object) -> str:
    return f"{_told(said)} was said, and {_told(got)} came"


def _told(value: object) -> str:
    return plain(value) if isinstance(value, Decimal) else str(value)


@dataclass
class _Saying:
    """A report that the venue said; one that *may* come may also stay away."""

    report: AnyReport
    may: bool


_Pages = dict[Reqid, list[BrokerdHistory]]
"""The pages so far, by the question that they answer."""


class Translation:
    """What the venue said on this connection, by the order it is about, and how much of it was received."""

    def __init__(self, names_of: NamesOf) -> None:
        self._names_of = names_of
        self._said: dict[Hashable, list[_Saying]] = {}
        self._received: set[AnyReport] = set()
        self._pages_said: _Pages = {}
        self._pages_received: _Pages = {}
        self._before: list[AnyReport] = []

    def begin(self) -> None:
        """Another connection: what was not received by now never will be."""
        self._before += [one.report for sayings in self._said.values() for one in sayings]
        self._said.clear()
        self._pages_said.clear()
        self._pages_received.clear()

    def said(self, report: AnyReport, key: Hashable, *, may: bool = False) -> AnyReport | None:
        """The venue said *report*, about *key*. Gives it back, or a history that is whole now."""
        whole = _whole(self._pages_said, report)
        if whole is not None:
            self._said.setdefault(key, []).append(_Saying(whole, may))
        return whole

    def received(self, report: object, key: Hashable) -> None:
        """The adapter reported it."""
        if not isinstance(report, _REPORTS):
            raise Nonconformance("reports", f"{type(report).__name__} came out of receive(): no report")
        if (found := inexact(report)) is not None:
            raise Nonconformance("reports", f"{type(report).__name__}: {found}")
        whole = _whole(self._pages_received, cast("AnyReport", report))
        if whole is None:
            return
        waiting = self._said.get(key, [])
        for place, saying in enumerate(waiting):
            if difference(saying.report, whole, self._names_of) is None:
                self._received.add(saying.report)
                del waiting[: place + 1]
                return
            if not self._may_stay_away(saying):
                break
        raise self._wrong(whole, [one.report for one in waiting])

    def _may_stay_away(self, saying: _Saying) -> bool:
        return saying.may or saying.report in self._received

    def _wrong(self, got: AnyReport, waiting: Sequence[AnyReport]) -> Nonconformance:
        """What is wrong with *got*, which none of *waiting* explains in its place."""
        if any(difference(one, got, self._names_of) is None for one in self._before):
            return Nonconformance(
                "leaks", f"{got.name} was said on an earlier connection, and not on this one"
            )
        if any(difference(one, got, self._names_of) is None for one in waiting[1:]):
            return Nonconformance(
                "reports", f"{got.name} came before {waiting[0].name}, which was said first"
            )
        alike = next((one for one in waiting if type(one) is type(got)), None)
        how = "" if alike is None else f": {difference(alike, got, self._names_of)}"
        return Nonconformance("reports", f"{got.name} came, and the venue did not say it{how}")

    @property
    def outstanding(self) -> list[AnyReport]:
        """What was said and has to come still."""
        return [
            one.report for sayings in self._said.values() for one in sayings if not self._may_stay_away(one)
        ]


def _whole(unfinished: _Pages, report: AnyReport) -> AnyReport | None:
    """A history as one page, once its last page is there: how it is cut is the adapter's own."""
    if not isinstance(report, BrokerdHistory):
        return report
    unfinished.setdefault(report.reqid, []).append(report)
    if not report.last:
        return None
    pages = unfinished.pop(report.reqid)
    orders = tuple(order for page in pages for order in page.orders)
    fills = tuple(fill for page in pages for fill in page.fills)
    return replace(report, orders=orders, fills=fills)
