"""What an embedding program hands in of a wrong kind is told where it comes in, and changes nothing."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from fsm_ems import (
    EMS,
    ClientFault,
    InvalidMessage,
    Limits,
    Market,
    Order,
    PaperBroker,
    Quote,
    Refused,
    Settings,
    Trade,
    open_ems,
)
from fsm_ems.journal.file import FileLog
from tests.scripted_broker import ScriptedBroker

MARKET = "xbtusd.paper"
ONE = Decimal(1)
ROW = Trade(0, ONE, ONE, "", "")
ORDER = Order(oid="o1", side="buy", market=MARKET, size=Decimal(2), price=Decimal(100))


class Lacking:
    """A broker without one of what it needs."""

    def __init__(self, name: str) -> None:
        self._broker, self._name = ScriptedBroker(), name

    def __getattr__(self, name: str) -> object:
        if name == self._name:
            raise AttributeError(name)
        return getattr(self._broker, name)


def of(fqme: str, base: str, quote: str) -> Market:
    return Market(fqme, base, quote, price_tick=Decimal(1), size_tick=Decimal(1))


def other_than(**fields: object) -> Any:  # noqa: ANN401 -- wrong on purpose
    """A broker that is not what it must be."""
    broker: Any = ScriptedBroker()
    for name, value in fields.items():
        setattr(broker, name, value)
    return broker


@pytest.mark.parametrize(
    ("brokers", "problem"),
    [
        ([[ScriptedBroker()]], r"list has no .*, name, .*; give each by itself: open_ems\(one, other\)"),
        ([{"paper": ScriptedBroker()}], r"dict has no .*; give each by itself"),
        (["paper"], "and str has no capabilities, markets, name, open_market, open_trades_dialogue$"),
        ([None], "and NoneType has no"),
        ([ScriptedBroker], "and ScriptedBroker is a class: make one of it"),
        (
            [PaperBroker.synthetic],
            r"and PaperBroker\.synthetic has not been called: give what PaperBroker\.syn",
        ),
        ([other_than(markets={MARKET: of(MARKET, "x", "x")})], "'xbtusd.paper': base and quote are both 'x'"),
        ([other_than(markets={MARKET: of(MARKET, "", "x")})], "'xbtusd.paper': base '' is no asset's name"),
        (
            [other_than(markets={"XBT.paper": of("XBT.paper", "a", "b")})],
            "'XBT.paper' is no market's address",
        ),
        ([Lacking("markets")], "and Lacking has no markets$"),
        ([Lacking("open_trades_dialogue")], "and Lacking has no open_trades_dialogue$"),
        ([other_than(name=5)], "5 is no broker's name"),
        ([other_than(name="")], "'' is no broker's name"),
        ([other_than(name="Paper")], "'Paper' is no broker's name"),
        ([other_than(name="paper\n")], r"'paper\\n' is no broker's name"),
        (
            [other_than(name="other")],
            r"other lists xbtusd\.paper: addresses of its markets end in \.other",
        ),
        ([other_than(markets=[])], r"markets of 'paper' map addresses to Market, and \[\] does not"),
        ([other_than(markets={MARKET: "x"})], "markets: 'xbtusd.paper' is given 'x', and not Market"),
        ([other_than(markets={5: of(MARKET, "a", "b")})], "^markets: each is named by text, and 5 is none$"),
        ([other_than(capabilities=None)], "'paper' is given None, and not Capabilities"),
        ([other_than(open_market=None)], "open_market of 'paper' is to be called, and None cannot be"),
        ([5, ScriptedBroker(), None], "int has no .*; brokers: .*NoneType has no"),
    ],
)
async def test_what_is_no_broker_is_told(brokers: list[Any], problem: str) -> None:
    with pytest.raises(InvalidMessage, match=problem):
        async with open_ems(*brokers):
            pass


@pytest.mark.parametrize("name", ["name", "capabilities", "markets"])
async def test_a_broker_that_cannot_say_what_it_is_is_blamed(name: str) -> None:
    """Its own exception, and whose code raised it."""
    bug = RuntimeError("not connected yet")

    def raising(_: object) -> object:
        raise bug

    unready = type("Unready", (ScriptedBroker,), {name: property(raising, lambda _, __: None)})
    with pytest.raises(RuntimeError) as raised:
        async with open_ems(unready()):
            pass

    assert raised.value is bug
    assert bug.__notes__ == ["raised by the adapter Unready, asked what it is and has"]


LONG: Any = "x" * 10**6


@pytest.mark.parametrize(
    "call",
    [
        lambda ems: ems.quote(MARKET, LONG),
        lambda ems: ems.quote(LONG.encode(), None),
        lambda ems: ems.quote(MARKET, Quote(0, LONG, ONE, ONE, ONE)),
        lambda ems: ems.quote(MARKET, Quote(LONG, ONE, ONE, ONE, ONE)),
        lambda ems: ems.events(since=LONG).__enter__(),
    ],
)
async def test_what_is_long_is_not_told_whole(call: Callable[[Any], Any]) -> None:
    async with open_ems(ScriptedBroker()) as ems:
        with pytest.raises(InvalidMessage, match=" … is n") as raised:
            call(ems)

    assert len(str(raised.value)) < 200


@pytest.mark.parametrize(
    ("option", "given", "problem"),
    [
        ("settings", {}, r"settings: Settings\(\.\.\.\) is needed, and no dict$"),
        ("settings", Limits(), "and no Limits$"),
        ("settings", Settings, "and no class$"),
        (
            "identity",
            5,
            "^identity: a name of 1 to 40 letters, .* is needed, not of points alone, and 5 is none$",
        ),
        ("identity", b"me", "^identity: .* and b'me' is none$"),
        ("path", 5, "path: a path is needed, as text or a Path, and 5 is none"),
        ("path", "", "path: a path is needed, as text or a Path, and '' is none"),
        ("accounts", 5, "accounts: a path is needed"),
        ("log", "records.log", "log: a record log is needed, .* and str has no append, close, durable_seq"),
        ("log", FileLog, "FileLog is a class: make one of it"),
        ("clock", 5, "clock: what tells whole ns .*, as time.time_ns does, and 5 cannot be called"),
        ("clock", time.time, "clock: what tells whole ns .* tells [0-9]+[.]"),
        ("clock", lambda: None, "clock: .* tells None"),
        ("clock", lambda: -1, "clock: .* tells -1"),
        ("clock", lambda one: one, "clock: .* raises TypeError.* missing 1 required positional"),
        ("clock", lambda: 1 // 0, "clock: .* raises ZeroDivisionError"),
    ],
)
async def test_an_option_of_a_wrong_kind_is_told_and_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, option: str, given: object, problem: str
) -> None:
    monkeypatch.chdir(tmp_path)
    options: dict[str, Any] = {option: given}
    if option not in ("path", "log"):
        options["path"] = tmp_path / "live"
    with pytest.raises(InvalidMessage, match=problem):
        async with open_ems(ScriptedBroker(), **options):
            pass

    assert left_in(tmp_path) == []


@pytest.mark.parametrize("option", ["path", "accounts"])
@pytest.mark.parametrize(
    ("given", "why"),
    [
        ("file", "is a file, and a folder is needed"),
        ("file/live", "is a file, and a folder is needed"),
        ("nowhere", "is a link that leads nowhere, and a folder is needed"),
        ("round/live", "Too many levels of symbolic links"),
        ("new/" + "x" * 300, "File name too long"),
        ("x/" * 4_000, "File name too long"),
        ("a\udc80", "its name is no text that UTF-8 can have, and SQLite and the operator's log need it"),
    ],
)
async def test_a_path_that_cannot_be_used_is_the_callers_fault(
    tmp_path: Path, option: str, given: str, why: str
) -> None:
    """Whichever it is, and before anything is written to the other."""
    (tmp_path / "file").touch()
    (tmp_path / "nowhere").symlink_to("gone")
    (tmp_path / "round").symlink_to("round")
    before = sorted(left_in(tmp_path))
    paths: dict[str, Any] = {"path": tmp_path / "live"} | {option: tmp_path / given}

    with pytest.raises(InvalidMessage, match=f"^{option}=.{{1,220}}: .*{why}$"):
        async with open_ems(ScriptedBroker(), **paths):
            pass

    assert sorted(left_in(tmp_path)) == before


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="what only the making shows is found on Linux alone")
@pytest.mark.parametrize(("option", "left"), [("path", []), ("accounts", ["live"])])
async def test_what_only_the_making_of_a_path_shows_is_the_callers_fault_too(
    tmp_path: Path, option: str, left: list[str]
) -> None:
    """The records' folder is made first. Whoever is not root is told sooner, and nothing is left."""
    paths: dict[str, Any] = {"path": tmp_path / "live"} | {option: "/proc/nobody/live"}
    with pytest.raises(InvalidMessage, match=f"^{option}=/proc/nobody/live: ") as raised:
        async with open_ems(ScriptedBroker(), **paths):
            pass

    sooner = "may not be written to" in str(raised.value)
    assert [path.name for path in left_in(tmp_path)] == ([] if sooner else left)


def left_in(folder: Path) -> list[Path]:
    return list(folder.iterdir())


CALLS: list[tuple[Callable[[Any], Any], str]] = [
    (lambda ems: ems.client(5), "^identity: .* and 5 is none$"),
    (lambda ems: ems.client("x" * 10**6), "^identity: .* and 'x{77} … is none$"),
    (lambda ems: ems.client(None), "^identity: .* and None is none$"),
    (lambda ems: ems.client(["bob"]), r"^identity: .* and \['bob'\] is none$"),
    (
        lambda ems: ems.client("bob", ["trader"]),
        r"^role: 'trader' or 'observer' is needed, and \['trader'\] is neither$",
    ),
    (
        lambda ems: ems.client("a b", "boss", 5),
        "^identity: .*'a b' is none; role: .*'boss' is neither; sees: .* 5 is",
    ),
    (lambda ems: ems.client("bob", "observer", "main"), "sees: a list of names is needed, .* 'main' is none"),
    (lambda ems: ems.client("bob", "observer", ["main", 5]), "sees: "),
    (lambda ems: ems.client("bob", "observer", ["no name"]), "sees: "),
    (lambda ems: ems.client("bob", "observer", {"main"}), "sees: "),
    (lambda ems: ems.client("bob", "observer", None), "sees: "),
    (
        lambda ems: ems.client("bob", "observer"),
        r"^sees: an observer needs the names of owners to look on at,",
    ),
    (lambda ems: ems.client("bob", "observer", []), r"or \('\*',\) for everybody$"),
    (lambda ems: ems.submit("text"), "order: an Order is needed, such as new_order makes, and no str"),
    (lambda ems: ems.cancel(5), "oid: "),
    (lambda ems: ems.edit("o1", size=[]), "size: a decimal number as text is needed"),
    (lambda ems: ems.edit("o1", size=1, edit_id=""), "edit_id: an id of 1 to 64"),
    (lambda ems: ems.edit("o1", size=1, edit_id=0), "edit_id: "),
    (lambda ems: ems.command("main", "text"), "command: an Order, a Cancel or an Edit is needed, and no str"),
    (lambda ems: ems.command([], ORDER), r"identity: text is needed, and \[\] is none"),
    (lambda ems: ems.events(since="x"), "since: 'x' is no whole number of zero or more"),
    (lambda ems: ems.quote(5, Quote(0, ONE, ONE, ONE, ONE)), "market: the address of one is needed"),
    (lambda ems: ems.quote(MARKET, None), "xbtusd.paper: a Quote or a Trade is needed, and None is none"),
    (lambda ems: ems.quote(MARKET, {}), "xbtusd.paper: a Quote or a Trade is needed"),
    (lambda ems: ems.quote(MARKET, Trade("0", ONE, ONE, "", "")), "time_ns of xbtusd.paper: '0' is no whole"),  # type: ignore[arg-type]  # that is the point
    (lambda ems: ems.quote(MARKET, Trade(-1, ONE, ONE, "", "")), "time_ns of xbtusd.paper: -1 is no whole"),
    (lambda ems: ems.trigger("main", 5), "oid: text is needed, and 5 is none"),
    (lambda ems: ems.trigger([], "o1"), "owner: text is needed"),
    (lambda ems: ems.trigger("main", "o1", "5"), "price: a Decimal is needed, and '5' is none"),
    (lambda ems: ems.standing([], {}), "identity: text is needed, .*; oid: text is needed"),
    (lambda ems: ems.exposure([], MARKET), "account: text is needed"),
    (lambda ems: ems.unrealized("main", {}), "market: text is needed"),
]


async def made(call: Callable[[EMS], Awaitable[object] | object], ems: EMS) -> None:
    answer = call(ems)
    if isinstance(answer, Awaitable):
        await answer


@pytest.mark.parametrize(("call", "problem"), CALLS)
async def test_a_call_with_a_wrong_kind_is_told_and_changes_nothing(
    call: Callable[[EMS], Awaitable[object] | object], problem: str
) -> None:
    """The EMS goes on as if nobody had called."""
    async with open_ems(ScriptedBroker()) as ems:
        await ems.ready()
        await ems.submit(ORDER)
        seq, identities = ems.dispatcher.book.seq, dict(ems.dispatcher.book.identities)

        with pytest.raises(InvalidMessage, match=problem):
            await made(call, ems)

        assert (ems.dispatcher.book.seq, dict(ems.dispatcher.book.identities)) == (seq, identities)
        order = ems.standing("main", "o1")
        assert order is not None
        assert order.state == "pending"


ASKS: list[Callable[[EMS, str], object]] = [
    lambda ems, market: ems.exposure("main", market),
    lambda ems, market: ems.unrealized("main", market),
]


@pytest.mark.parametrize("ask", ASKS)
async def test_a_position_in_a_market_that_nobody_has_is_no_zero(ask: Callable[[EMS, str], object]) -> None:
    """Whoever mistypes one is told which there are, and nothing is kept of it."""
    async with open_ems(ScriptedBroker()) as ems:
        for market, why in (
            ("xbtsud.paper", "paper has no market xbtsud.paper: known are xbtusd.paper"),
            (
                "xbtusd.papre",
                "no broker of market xbtusd.papre is opened: opened are paper; known are " + MARKET,
            ),
        ):
            with pytest.raises(Refused) as refused:
                ask(ems, market)
            assert (refused.value.code, refused.value.why) == ("unknown_market", why)
            assert market not in ems.dispatcher.prices.markets

        ask(ems, MARKET)


@pytest.mark.parametrize("ask", ASKS)
async def test_where_no_market_is_declared_every_one_may_be_asked_for(
    ask: Callable[[EMS, str], object],
) -> None:
    async with open_ems(other_than(markets={})) as ems:
        ask(ems, "xbtsud.paper")
        ask(ems, "xbtusd.papre")


ETH = "ethusd.paper"
LISTED = Settings(markets={ETH: of(ETH, "eth", "usd")})


async def test_a_market_that_settings_name_closes_no_other_of_a_broker_that_declares_none(
    tmp_path: Path,
) -> None:
    """Nor does it in a later run, whose journal has it: a position in the other could never be closed."""
    path = tmp_path / "records.log"
    for number, settings in enumerate((LISTED, Settings())):
        async with open_ems(other_than(markets={}), log=FileLog(path), settings=settings) as ems:
            await ems.ready()
            assert ETH in ems.dispatcher.book.markets
            await ems.submit(replace(ORDER, oid=f"o{number}"))
            await ems.submit(replace(ORDER, oid=f"e{number}", market=ETH))
            ems.quote(MARKET, Trade(ems.clock(), ONE, ONE, "", ""))
            for ask in ASKS:
                ask(ems, MARKET)
                ask(ems, "never.paper")


async def test_a_market_that_its_broker_no_longer_declares_is_closed(tmp_path: Path) -> None:
    """The broker would reject it, whatever the records have of it; what was ordered there is answered for."""
    path = tmp_path / "records.log"
    async with open_ems(ScriptedBroker(), log=FileLog(path)) as ems:
        await ems.submit(ORDER)

    known = {ETH: of(ETH, "eth", "usd")}
    async with open_ems(other_than(markets=known), log=FileLog(path)) as ems:
        with pytest.raises(Refused, match=f"paper has no market {MARKET}: known are {ETH}"):
            await ems.submit(replace(ORDER, oid="o2"))
        for ask in ASKS:
            ask(ems, MARKET)


async def test_a_market_that_settings_name_and_its_broker_does_not_declare_is_told_at_once() -> None:
    """Every order in it would be refused."""
    with pytest.raises(InvalidMessage, match=f"^markets: paper has no market {ETH}: known are {MARKET}$"):
        async with open_ems(ScriptedBroker(), settings=LISTED):
            pass


async def test_what_brokers_declare_is_theirs_to_say() -> None:
    """Settings that were used before, or filled by hand, do not outlast the brokers."""
    old = Settings(declared={"paper": frozenset({ETH}), "gone": frozenset({"x.gone"})})
    async with open_ems(ScriptedBroker(), settings=old) as ems:
        assert ems.dispatcher.settings.declared == {"paper": {MARKET}}
        await ems.submit(ORDER)


@pytest.mark.parametrize("ask", ASKS)
async def test_a_market_of_a_broker_that_is_no_longer_opened_is_answered_for(
    ask: Callable[[EMS, str], object], tmp_path: Path
) -> None:
    """Its orders and positions are there still, whoever is opened today."""
    path = tmp_path / "records.log"
    async with open_ems(other_than(name="gone", markets={}), log=FileLog(path)) as ems:
        await ems.submit(replace(ORDER, market="xbtusd.gone"))

    async with open_ems(ScriptedBroker(), log=FileLog(path)) as ems:
        ask(ems, "xbtusd.gone")
        with pytest.raises(Refused):
            ask(ems, "ethusd.gone")


def test_an_ems_under_asyncio_says_that_it_needs_trio() -> None:
    async def main() -> None:
        async with open_ems(ScriptedBroker()):
            pass

    with pytest.raises(ClientFault, match=r"^an EMS needs trio: run the program by trio\.run\(main\)"):
        asyncio.run(main())


@pytest.mark.parametrize(
    ("market", "markets", "why"),
    [
        (
            "xbtusd.papre",
            None,
            f"no broker of market xbtusd.papre is opened: opened are paper; known are {MARKET}",
        ),
        (
            "xbtusd.kraken",
            None,
            f"no broker of market xbtusd.kraken is opened: opened are paper; known are {MARKET}",
        ),
        ("xbtsud.paper", None, f"paper has no market xbtsud.paper: known are {MARKET}"),
        ("zz", None, f"market: 'zz' is no market's address, such as {MARKET}"),
        ("", None, f"market: '' is no market's address, such as {MARKET}"),
        ("XBT.PAPER", None, f"market: 'XBT.PAPER' is no market's address, such as {MARKET}"),
        ("xbtusd.kraken", {}, "no broker of market xbtusd.kraken is opened: opened are paper"),
        ("paper", {}, "market: 'paper' is no market's address, such as xbtusd.kraken"),
    ],
)
async def test_a_quote_of_a_market_that_nobody_has_is_refused_and_not_kept(
    market: str, markets: dict[str, Market] | None, why: str
) -> None:
    """A mistyped address would leave dark orders asleep, and nothing would say so."""
    broker = ScriptedBroker() if markets is None else other_than(markets=markets)
    async with open_ems(broker) as ems:
        with pytest.raises(InvalidMessage) as refused:
            ems.quote(market, ROW)

        assert refused.value.problems == (why,)
        assert market not in ems.dispatcher.prices.markets


async def test_of_a_broker_that_declares_no_markets_a_quote_of_any_is_taken() -> None:
    async with open_ems(other_than(markets={})) as ems:
        ems.quote("new.paper", ROW)

        assert "new.paper" in ems.dispatcher.prices.markets
