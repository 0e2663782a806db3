"""Rows per second of a tape replay with resting orders, beside nautilus_trader's BacktestEngine."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from statistics import median
from typing import Any

from fsm_ems import Market, parse_command
from fsm_ems.brokers.paper.engine import PaperEngine
from fsm_ems.brokers.paper.synthetic import synthetic
from fsm_ems.brokers.paper.tape import COLUMNS
from fsm_ems.brokers.paper.tape_file import read_tape
from fsm_ems.dialogs.record import Notice, Reported
from fsm_ems.messages import BrokerdFill
from fsm_ems.orders_file import TimedCommand
from fsm_ems.quotes import Quote, Row
from fsm_ems.replay import Outcome, Replay

HERE = Path(__file__).parent
PEERS = Path(".venv-peers/bin/python")
MARKET = Market("btcusdt.paper", "btc", "usdt", Decimal("0.01"), Decimal("0.000001"))
SEED = 1


def write_synthetic_tape(path: Path, rows: int = 2_500) -> None:
    """A tape for machines without a real one."""
    made = synthetic(MARKET, seed=SEED, price=Decimal(39440), start_ns=1_610_064_000_000_000_000)
    lines = [",".join(COLUMNS)]
    for _, row in zip(range(rows), made, strict=False):
        lines.append(_line(row))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _line(row: Row) -> str:
    if isinstance(row, Quote):
        return f"{row.time_ns},quote,{row.bid},{row.bid_size},{row.ask},{row.ask_size},,,,"
    return f"{row.time_ns},trade,,,,,{row.price},{row.size},{row.side},{row.trade_id}"


def peer(script: str, *arguments: object) -> dict[str, Any]:
    """What a peer's script printed last.

    Raises:
        subprocess.CalledProcessError: it failed; its own message is on standard error.
    """
    found: dict[str, Any] = json.loads(_printed(script, *arguments).strip().splitlines()[-1])
    return found


def _printed(script: str, *arguments: object) -> str:
    command = [str(PEERS), str(HERE / "peers" / script), *map(str, arguments)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=sys.stderr, text=True)
    return done.stdout


def make_orders(tape: Path, count: int, into: Path) -> list[TimedCommand]:
    """*count* resting limit orders, the same for the peer, who reads them from the file *into*."""
    made = _printed("nautilus_replay.py", tape, "--make-orders", count, "--seed", SEED)
    into.write_text(made, encoding="utf-8")
    return [
        TimedCommand(
            order["at"],
            parse_command(
                {
                    "name": "order",
                    "oid": order["oid"],
                    "side": order["side"],
                    "market": MARKET.fqme,
                    "size": order["size"],
                    "price": order["price"],
                }
            ),
        )
        for order in json.loads(made)
    ]


def _discard(record: object) -> None:
    """A replay for speed keeps no log; the peer keeps none either."""


def replayed(rows: list[Row], commands: list[TimedCommand], rounds: int = 9) -> tuple[float, list[Outcome]]:
    """Median rows per second of CPU time, and what was told in the last round."""
    figures: list[float] = []
    outcomes: list[Outcome] = []
    for _ in range(rounds):
        run = Replay(MARKET, PaperEngine({MARKET.fqme: MARKET}), _discard, start_ns=rows[0].time_ns)
        start = time.process_time_ns()
        outcomes = list(run.run(rows, commands))
        figures.append(len(rows) / ((time.process_time_ns() - start) / 1_000_000_000))
    return median(figures), outcomes


def fill_lines(outcomes: list[Outcome]) -> Iterator[str]:
    """Our fills as ``fsm-ems replay --json`` prints them."""
    for outcome in outcomes:
        if isinstance(outcome, Notice) and isinstance(outcome.record.payload, Reported):
            report = outcome.record.payload.report
            if isinstance(report, BrokerdFill):
                yield json.dumps(
                    {
                        "name": "fill",
                        "oid": outcome.record.oid,
                        "exec_id": report.exec_id,
                        "time_ns": report.time_ns,
                        "size": str(report.size),
                        "price": str(report.price),
                        "fee": str(report.fee),
                        "liquidity": report.liquidity,
                    }
                )


def side_by_side(tape: Path, folder: Path, count: int = 100) -> dict[str, Any]:
    """Both engines on one tape and the same orders: speeds, fills, and why they differ."""
    rows = list(read_tape(tape))
    orders, theirs, ours = folder / "orders.json", folder / "nautilus.json", folder / "ours.jsonl"
    commands = make_orders(tape, count, orders)
    speed, outcomes = replayed(rows, commands)
    ours.write_text("\n".join(fill_lines(outcomes)) + "\n", encoding="utf-8")
    nautilus = peer("nautilus_replay.py", tape, orders)
    theirs.write_text(json.dumps(nautilus), encoding="utf-8")
    return {
        "rows": len(rows),
        "ours": speed,
        "nautilus": nautilus["rows_per_second_median"],
        "why": peer("nautilus_rules.py", tape, orders, theirs, ours),
    }
