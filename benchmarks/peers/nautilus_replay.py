"""A tape and a set of resting orders through nautilus_trader's BacktestEngine.

    nautilus_replay.py TAPE.csv ORDERS.json          replay: prints rows per second and every fill
    nautilus_replay.py TAPE.csv --make-orders N      print N orders for the tape (`--seed S`) as ORDERS.json

An order is sent at its time `at` by a clock alert of a nautilus strategy. The alert fires after all rows of
that same nanosecond and before every later row, so an order meets the same rows as in fsm_ems at latency 0.
The strategy subscribes to no market feed, so no time goes into callbacks that do nothing.

How nautilus_trader 1.221.0 fills here. Settings: netting, L1 book, a margin account that is frozen (balances
are not calculated; the instrument asks no margin and no fee), the default FillModel (a limit at the touch is
always filled, nothing slips), no latency model, `trade_execution` on, `bar_execution` off. This release has
no setting for queue position or for using up liquidity. In common with our paper broker: after each row the
open orders are compared with the market, buys from the highest limit down, then sells from the lowest up; a
met resting order fills as maker at its limit; at the limit exactly it gets at most the size shown and the
rest waits. Unlike our paper broker (the numbers are those of nautilus_rules.py, which checks them):

* N1. A print becomes the book: bid = ask = its price, each with its size, until the next row. An order that
  arrives after a print is marketable against that print, not against the last quote.
* N2. If the market is beyond the limit, the order fills whole at the limit: first the size shown, then all
  the rest. The size shown bounds only a fill exactly at the limit.
* N3. Nothing is used up. Every order met by a row sees the row's whole size, and a later arrival sees it too.
* N4. While one buy fills through its limit, the ask that orders are compared with becomes that limit, until
  the row is done (sells: the bid). Orders further away that the row went through as well are not met; they
  wait for a later row that still reaches them.
* N5. A marketable arrival takes the size shown as taker; if its limit is beyond the touch, all the rest fills
  one tick worse, as taker too, and nothing rests.

That is with `--aggressor none`, the default, in which a print has no aggressor and so meets both sides, as in
our paper broker. `--aggressor tape` takes the tape's `side` column: then a seller's print moves the bid that
orders are compared with, and the ask only if that was lower, so it fills resting sells and no resting buys
(a buyer's print the other way round). A tape that calls every print a sell says little that way.

Prints one JSON object. Rows per second counts the CPU time of `BacktestEngine.run` alone: not reading the
file, not making ticks, not building the engine, no analysis after the run.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from itertools import groupby
from pathlib import Path

import nautilus_trader
from nautilus_trader.backtest.engine import BacktestEngine
from nautilus_trader.common.component import TimeEvent
from nautilus_trader.config import BacktestEngineConfig, LoggingConfig, RiskEngineConfig
from nautilus_trader.model.currencies import BTC, USDT
from nautilus_trader.model.data import QuoteTick, TradeTick
from nautilus_trader.model.enums import AccountType, AggressorSide, LiquiditySide, OmsType, OrderSide
from nautilus_trader.model.events import OrderFilled
from nautilus_trader.model.identifiers import ClientOrderId, InstrumentId, Symbol, TradeId, TraderId, Venue
from nautilus_trader.model.instruments import CurrencyPair
from nautilus_trader.model.objects import Money, Price, Quantity
from nautilus_trader.trading.strategy import Strategy

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from benchmarks.peers.tape import (
    PRICE_TICK,
    SIZE_TICK,
    Fill,
    OrderSpec,
    Quote,
    Trade,
    make_orders,
    read_tape,
)

INSTRUMENT_ID = InstrumentId.from_str("BTCUSDT.BINANCE")
PLENTY = Money(1_000_000_000, USDT)
AGGRESSORS = {"buy": AggressorSide.BUYER, "sell": AggressorSide.SELLER}
SIDES = {"buy": OrderSide.BUY, "sell": OrderSide.SELL}


def instrument() -> CurrencyPair:
    """BTCUSDT as the tape shows it, without fees, margins or limits."""
    return CurrencyPair(
        instrument_id=INSTRUMENT_ID,
        raw_symbol=Symbol("BTCUSDT"),
        base_currency=BTC,
        quote_currency=USDT,
        price_precision=2,
        size_precision=6,
        price_increment=Price.from_str(str(PRICE_TICK)),
        size_increment=Quantity.from_str(str(SIZE_TICK)),
        ts_event=0,
        ts_init=0,
    )


def ticks(rows: list[Quote | Trade], aggressor: str) -> list[QuoteTick | TradeTick]:
    """The tape as nautilus ticks; `aggressor` is `none` or `tape` (see above)."""
    pair = instrument()
    made: list[QuoteTick | TradeTick] = []
    for row in rows:
        now = row.time_ns
        if isinstance(row, Quote):
            bid, ask = pair.make_price(row.bid), pair.make_price(row.ask)
            sizes = pair.make_qty(row.bid_size), pair.make_qty(row.ask_size)
            made.append(QuoteTick(INSTRUMENT_ID, bid, ask, *sizes, now, now))
        else:
            side = AGGRESSORS[row.side] if aggressor == "tape" else AggressorSide.NO_AGGRESSOR
            price, size = pair.make_price(row.price), pair.make_qty(row.size)
            made.append(TradeTick(INSTRUMENT_ID, price, size, side, TradeId(row.trade_id), now, now))
    return made


class Sender(Strategy):
    """Sends each order at its time, one alert for all orders of one nanosecond, and notes every fill."""

    def __init__(self, orders: list[OrderSpec]) -> None:
        super().__init__()
        self.fills: list[Fill] = []
        self.refused: list[str] = []
        ordered = sorted(orders, key=lambda order: order["at"])
        self._due = {str(at): list(group) for at, group in groupby(ordered, key=lambda order: order["at"])}

    def on_start(self) -> None:
        """Set the alerts."""
        for at in self._due:
            self.clock.set_time_alert_ns(at, int(at), self._send)

    def _send(self, alert: TimeEvent) -> None:
        """Send the orders that are due at this alert."""
        for spec in self._due[alert.name]:
            self.submit_order(
                self.order_factory.limit(
                    INSTRUMENT_ID,
                    SIDES[spec["side"]],
                    Quantity.from_str(spec["size"]),
                    Price.from_str(spec["price"]),
                    client_order_id=ClientOrderId(spec["oid"]),
                )
            )

    def on_order_filled(self, event: OrderFilled) -> None:
        """Note a fill."""
        self.fills.append(
            {
                "oid": event.client_order_id.value,
                "time_ns": event.ts_event,
                "size": str(event.last_qty),
                "price": str(event.last_px),
                "liquidity": "maker" if event.liquidity_side == LiquiditySide.MAKER else "taker",
            }
        )

    def on_order_denied(self, event: object) -> None:
        """Note an order nautilus' own risk engine refused."""
        self.refused.append(str(event))

    def on_order_rejected(self, event: object) -> None:
        """Note an order the simulated venue refused."""
        self.refused.append(str(event))


def replay(data: list[QuoteTick | TradeTick], orders: list[OrderSpec]) -> tuple[float, list[Fill]]:
    """Run the tape once in a new engine: seconds in `BacktestEngine.run`, and the fills."""
    engine = BacktestEngine(
        BacktestEngineConfig(
            trader_id=TraderId("BENCH-1"),
            logging=LoggingConfig(bypass_logging=True),
            risk_engine=RiskEngineConfig(max_order_submit_rate="1000000/00:00:01"),
            run_analysis=False,
        )
    )
    try:
        engine.add_venue(
            Venue("BINANCE"),
            oms_type=OmsType.NETTING,
            account_type=AccountType.MARGIN,
            starting_balances=[PLENTY],
            bar_execution=False,
            trade_execution=True,
            frozen_account=True,
        )
        engine.add_instrument(instrument())
        engine.add_data(data)
        sender = Sender(orders)
        engine.add_strategy(sender)
        started = time.process_time()
        engine.run()
        seconds = time.process_time() - started
        if sender.refused or len(engine.cache.orders()) != len(orders):
            raise RuntimeError(f"not every order reached the venue: {sender.refused}")
        return seconds, sender.fills
    finally:
        engine.dispose()


def repeat(data: list[QuoteTick | TradeTick], orders: list[OrderSpec], runs: int) -> dict[str, object]:
    """Run the tape several times: rows per second (median and best) and the fills, the same in every run."""
    results = [replay(data, orders) for _ in range(runs)]
    rates = [len(data) / seconds for seconds, _ in results]
    fills = results[0][1]
    if any(other != fills for _, other in results):
        raise RuntimeError("two runs gave different fills")
    return {
        "rows": len(data),
        "orders": len(orders),
        "runs": runs,
        "rows_per_second_median": round(statistics.median(rates)),
        "rows_per_second_best": round(max(rates)),
        "fills": fills,
    }


def main() -> None:
    """Print orders, or replay and print one JSON object."""
    parser = argparse.ArgumentParser(description="Replay of a tape in nautilus_trader.")
    parser.add_argument("tape", type=Path)
    parser.add_argument("orders", type=Path, nargs="?", help="JSON list of orders to replay")
    parser.add_argument("--make-orders", type=int, metavar="N", help="print N orders instead of a replay")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--aggressor", choices=("none", "tape"), default="none", help="whose side prints have"
    )
    parser.add_argument("--runs", type=int, default=9)
    options = parser.parse_args()
    rows = read_tape(options.tape)
    if options.make_orders is not None:
        print(json.dumps(make_orders(rows, options.make_orders, options.seed)))
        return
    if options.orders is None:
        parser.error("give ORDERS.json, or --make-orders N")
    orders: list[OrderSpec] = json.loads(options.orders.read_text(encoding="utf-8"))
    report = {
        "peer": f"nautilus_trader {nautilus_trader.__version__}",
        "what": "replay",
        "aggressor": options.aggressor,
        "gc": "default",
        **repeat(ticks(rows, options.aggressor), orders, options.runs),
    }
    print(json.dumps(report))


if __name__ == "__main__":
    main()
