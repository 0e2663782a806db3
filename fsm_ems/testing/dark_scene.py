"""Orders that are held here, and a market that shows anything: good, crossed, zero, old and out of order.

The venue says nothing: what becomes of an order once it is sent is searched elsewhere.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from msgspec.structs import replace

from fsm_ems.dialogs.prices import Prices
from fsm_ems.dialogs.settings import Settings
from fsm_ems.market import Market
from fsm_ems.messages import Cancel, Edit, Order
from fsm_ems.quotes import Quote, Row, Trade
from fsm_ems.testing.audit_dark import Rules
from fsm_ems.testing.canonical import Names
from fsm_ems.testing.inputs import Commanded, LinkMoved, Quoted, TimePassed
from fsm_ems.testing.letters import BROKER, MARKET
from fsm_ems.testing.scene import START_NS, DispatcherScene, Node, Step

D = Decimal
TICK = D(1)
MARKETS = {MARKET: Market(MARKET, "btc", "usd", price_tick=TICK, size_tick=TICK)}
QUOTE_AGE_NS = 1
LIMIT_TICKS = 2
RULES = Rules(QUOTE_AGE_NS, {MARKET: TICK}, LIMIT_TICKS)
OWNERS = ("alice", "bob")


@dataclass(frozen=True, slots=True)
class DarkTheme:
    """Whose orders wait, what the market may show, and how often what may happen."""

    name: str
    orders: tuple[Order, ...]
    rows: tuple[Row, ...]
    edits: tuple[Edit, ...] = ()
    shows: int = 4
    ticks: int = 2
    cancels: int = 1
    link_losses: int = 0


class Showing(NamedTuple):
    """The world: the time, what was seen of the market, and how often something happened already."""

    now_ns: int
    bid: Decimal | None = None
    ask: Decimal | None = None
    last: Decimal | None = None
    quote_ns: int = -1
    last_ns: int = -1
    shows: int = 0
    ticks: int = 0
    cancels: int = 0
    link_losses: int = 0


class DarkScene(DispatcherScene[Showing]):
    """A theme, to be searched."""

    def __init__(self, theme: DarkTheme, settings: Settings) -> None:
        super().__init__(
            theme.name,
            settings,
            Showing(START_NS),
            link=("connect", "connected", "synced"),
            roles=dict.fromkeys(OWNERS, "trader"),
            rules=RULES,
        )
        self._theme = theme

    def take(self, node: Node[Showing], step: Step[Showing]) -> Node[Showing]:
        """See :class:`DispatcherScene`; with the market as it was seen on this path."""
        self.dispatcher.prices = prices = Prices()
        world = step.world
        seen = prices.of(MARKET)
        seen.bid, seen.ask, seen.last = world.bid, world.ask, world.last
        seen.quote_ns, seen.last_ns = world.quote_ns, world.last_ns
        after = super().take(node, step)
        return after._replace(
            world=after.world._replace(
                bid=seen.bid, ask=seen.ask, last=seen.last, quote_ns=seen.quote_ns, last_ns=seen.last_ns
            )
        )

    def moves(self, node: Node[Showing]) -> Sequence[Step[Showing]]:
        return [*self._commands(node), *self._market(node), *self._link(node), *self._time(node)]

    def world_key(self, world: Showing, names: Names) -> Hashable:
        ages = (world.now_ns - world.quote_ns, world.now_ns - world.last_ns)
        return world.bid, world.ask, world.last, ages, world[6:]

    def _commands(self, node: Node[Showing]) -> Iterator[Step[Showing]]:
        world = node.world
        for owner, order in zip(OWNERS, self._theme.orders, strict=False):
            dialog = node.book.dialog(owner, order.oid)
            if dialog is None:
                yield Step(Commanded(owner, order), world)
                continue
            if world.cancels < self._theme.cancels:
                counted = world._replace(cancels=world.cancels + 1)
                yield Step(Commanded(owner, Cancel(oid=order.oid)), counted)
            for edit in self._theme.edits:
                if edit.edit_id not in dialog.edit_ids and dialog.state in ("dark_open", "alert_open"):
                    yield Step(Commanded(owner, edit), world)

    def _market(self, node: Node[Showing]) -> Iterator[Step[Showing]]:
        world = node.world
        if world.shows < self._theme.shows:
            counted = world._replace(shows=world.shows + 1)
            for row in self._theme.rows:
                aged = replace(row, time_ns=world.now_ns - row.time_ns)
                yield Step(Quoted(MARKET, aged), counted)

    def _link(self, node: Node[Showing]) -> Iterator[Step[Showing]]:
        world, state = node.world, node.book.links.get(BROKER)
        follows = {"connecting": "connected", "syncing": "synced"}.get(str(state))
        if follows is not None:
            yield Step(LinkMoved(BROKER, follows), world)
        elif world.link_losses < self._theme.link_losses:
            yield Step(LinkMoved(BROKER, "lost"), world._replace(link_losses=world.link_losses + 1))

    def _time(self, node: Node[Showing]) -> Iterator[Step[Showing]]:
        world = node.world
        if world.ticks < self._theme.ticks:
            yield Step(TimePassed(), world._replace(now_ns=world.now_ns + 1, ticks=world.ticks + 1))


def _quote(bid: int, ask: int, age: int = 0) -> Quote:
    return Quote(age, D(bid), D(1), D(ask), D(1))


def _print(price: int, age: int = 0) -> Trade:
    return Trade(age, D(price), D(1), "", "")


def _order(side: str, price: int | None, **fields: object) -> Order:
    return Order(
        oid="o",
        side=side,  # type: ignore[arg-type]  # pydantic looks at it
        market=MARKET,
        size=None if side == "alert" else D(2),
        price=None if price is None else D(price),
        **({} if side == "alert" else {"mode": "dark"}),  # type: ignore[arg-type]  # as above
        **fields,  # type: ignore[arg-type]  # as above
    )


_ROWS: tuple[Row, ...] = (
    _quote(4, 5), _quote(5, 6), _quote(6, 7), _quote(7, 6), _quote(0, 0), _quote(5, 5, age=1),
    _quote(5, 5, age=2), _print(5), _print(6), _print(4, age=1), _print(5, age=2),
)  # fmt: skip  # a row of the market each
_PRICED = (Edit(oid="o", edit_id="priced", price=D(6)),)


def dark_themes() -> tuple[DarkTheme, ...]:
    """The searches of held orders in the default run."""
    buy, sell = _order("buy", 5), _order("sell", 6, type="market")
    trail, between = {"trigger": "trail", "trail": D(1)}, {"trigger": "trail", "trail": D("1.5")}
    return (
        DarkTheme("quotes: dark", (buy,), _ROWS, _PRICED, shows=2, link_losses=1),
        DarkTheme("quotes: alert", (_order("alert", 5),), _ROWS, _PRICED, shows=3),
        DarkTheme("quotes: stop", (_order("sell", 5, trigger="stop"),), _ROWS[:8], shows=3, cancels=0),
        DarkTheme("quotes: touch", (_order("buy", 5, trigger="touch"),), _ROWS[:8], shows=3, cancels=0),
        DarkTheme("quotes: trail", (_order("sell", None, **between),), _ROWS, shows=4, cancels=0, ticks=1),
        DarkTheme("quotes: trail up", (_order("buy", 7, **trail),), _ROWS, shows=3),
        DarkTheme("quotes: priced", (buy,), _ROWS, _PRICED, shows=3, ticks=1),
        DarkTheme("quotes: two", (buy, sell), _ROWS[:9], shows=3, cancels=0, ticks=1),
        DarkTheme("quotes: two stops", (_order("sell", 6, trigger="stop"), _order("sell", 5, trigger="stop")),
                  (_quote(6, 7), _quote(4, 5), _print(4), _print(6)), shows=4, cancels=0, ticks=2),
    )  # fmt: skip  # a search each


def soak_dark_themes() -> tuple[DarkTheme, ...]:
    """More at once."""
    buy, sell = _order("buy", 5), _order("sell", 6)
    return (
        DarkTheme("quotes: dark and cut off", (buy,), _ROWS, _PRICED, shows=3, link_losses=2),
        DarkTheme("quotes: two and edits", (buy, sell), _ROWS, _PRICED, shows=3),
    )
