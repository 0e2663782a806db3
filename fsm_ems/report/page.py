"""One page of a run as HTML text that needs nothing else, and fetches nothing.

The page's own policy forbids it to load anything, and to run any script but the two that it brings, which
it names by their hashes. Ids are those of the orders; the page's own have a colon, which no order's has.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator, Sequence
from decimal import Decimal
from importlib import resources

from fsm_ems.machines.render import for_page, life_on_page
from fsm_ems.numbers import plain
from fsm_ems.report.figure import chart, lanes
from fsm_ems.report.html import Markup, join, tag
from fsm_ems.report.life import Life
from fsm_ems.report.looks import sheet
from fsm_ems.report.run import Run
from fsm_ems.tally import COLUMNS, Line, Sum, as_row, price_text, short
from fsm_ems.why import HEADINGS, as_rows, time_text

BEGINS = "<!doctype html>\n<!-- a page of fsm-ems replay -->\n"
"""What every page begins with, and nothing else: by this one may be written over."""
MACHINE = "page:machine"
CLASSES = {
    **dict.fromkeys(("step", "seq", "filled", "left", "size", "limit", "fees", "fills"), "number"),
    **dict.fromkeys(("order", "time"), "exact"),
    **dict.fromkeys(("what", "why"), "words"),
    "average": "number long",  # one that does not end has 12 digits
}
"""How the columns are set, by their headings; the others break between words."""


BACK = tag("p", tag("a", "To the charts, where it is drawn strongly", href="#page:chart"), class_="note")
REFUSED_SHOWN = 5
"""More refusals than this are folded away."""


def page(run: Run, plotly: str) -> str:
    """The page of *run*; *plotly* is the text of plotly's script."""
    machine = for_page("order", MACHINE)
    script = _own("page.js")
    head = join(
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=_policy(plotly, script)),
        tag("meta", name="viewport", content="width=device-width,initial-scale=1"),
        tag("title", f"{run.setup.tape}: {run.setup.market.fqme}, a replay"),
        tag("style", Markup(sheet() + machine.style + _own("page.css"))),
    )
    body = tag(
        "main",
        _heading(run),
        _facts(run),
        *_refusals(run),
        _drawn(run),
        tag("h2", "Orders"),
        _orders(run),
        tag(
            "h2",
            "Steps of each order ",
            tag("button", "Open or close all", id="page:all", type="button", hidden=True),
        ),
        Markup(machine.stage),
        *(_order(life, run) for life in run.lives),
    )
    figures = json.dumps({"chart": chart(run), "lanes": lanes(run)}, separators=(",", ":"))
    scripts = join(
        tag("script", Markup(plotly)),
        tag("script", Markup(figures.replace("<", "\\u003c")), type="application/json", id="page:figures"),
        tag("script", Markup(script)),
    )
    return f"{BEGINS}{tag('html', tag('head', head), tag('body', body, scripts), lang='en')}\n"


def _own(name: str) -> str:
    return resources.files("fsm_ems.report").joinpath(name).read_text(encoding="utf-8")


def _policy(*scripts: str) -> str:
    hashes = (base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in scripts)
    allowed = " ".join(f"'sha256-{found}'" for found in hashes)
    # plotly writes styles, and makes a picture of a figure by way of data: and blob: addresses.
    return (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data: blob:; "
        "form-action 'none'; base-uri 'none'"
    )


# ── the head ────────────────────────────────────────────────────────────────────────────────────────


def _heading(run: Run) -> Markup:
    return tag(
        "header",
        tag("h1", f"Replay of {run.setup.tape}"),
        tag("p", f"{run.setup.market.fqme}, orders of {run.setup.orders}"),
        tag("button", "Colours: as the system", id="page:scheme", type="button", hidden=True),
    )


def _facts(run: Run) -> Markup:
    pairs = (*_rules(run), *_results(run))
    return tag(
        "dl", *(tag("div", tag("dt", name), tag("dd", text)) for name, text in pairs), class_="facts card"
    )


def _rules(run: Run) -> Iterator[tuple[str, str]]:
    setup, market = run.setup, run.setup.market
    yield "from", time_text(run.start_ns)
    yield "to", time_text(run.end_ns)
    yield "tape", f"{run.shown.rows:,} rows, {run.shown.prints.seen:,} of them prints"
    yield "fill model", setup.fill_model
    yield "latency", f"{short(Decimal(setup.latency_ns).scaleb(-6))} ms"
    yield "ticks", f"price {plain(market.price_tick)}, size {plain(market.size_tick)}"
    yield "fees", f"maker {plain(market.maker_bps)} bps, taker {plain(market.taker_bps)} bps"


def _results(run: Run) -> Iterator[tuple[str, str]]:
    states = ", ".join(f"{count} {state}" for state, count in run.tally.states.items())
    yield "orders", f"{len(run.tally.lines)}{run.tally.spread}: {states}"
    for verb, side in (("bought", "buy"), ("sold", "sell")):
        total = run.tally.total(side)
        if total.fills:
            yield verb, _traded(total, run)
    if not run.lives or not any(life.fills for life in run.lives):
        return
    last, quote = run.standings[-1], run.setup.market.quote
    found = [standing.pnl for standing in run.standings]
    yield "position at the end", f"{plain(last.size)} {run.setup.market.base}"
    yield "PnL at the end", f"{short(last.pnl)} {quote}, fees taken off"
    yield "PnL, lowest and highest", f"{short(min(found))} and {short(max(found))} {quote}"


def _traded(total: Sum, run: Run) -> str:
    market = run.setup.market
    fills = f"{total.fills} fill{'' if total.fills == 1 else 's'}"
    average = price_text(total.average_price, market.price_tick)
    return f"{plain(total.size)} {market.base} in {fills} at {average} on average, fees {short(total.fees)}"


def _refusals(run: Run) -> list[Markup]:
    if not run.tally.refused:
        return []
    told = (tag("li", f"refused {refused.oid}: {refused}") for refused in run.tally.refused)
    summary = tag("summary", f"{run.tally.refusals} by the EMS")
    shown = len(run.tally.refused) <= REFUSED_SHOWN
    return [tag("details", summary, tag("ul", *told), class_="refused", open=shown)]


# ── the figures ─────────────────────────────────────────────────────────────────────────────────────


def _drawn(run: Run) -> Markup:
    note = (
        "Drag to zoom, double-click to go back, and once more for the prices of all orders; the legend "
        "switches lines off. A click on a lane or a mark opens its order. Position and PnL move with fills "
        "and prints."
    )
    if run.shown.thinned:
        each = max(track.each for track in (run.shown.bids, run.shown.asks, run.shown.prints))
        note += (
            f" The tape is long: of each {each:,} quotes or prints the first, lowest, highest and last are "
            "drawn. Orders and fills are drawn all."
        )
    return join(
        tag("h2", "Price, position, profit and loss"),
        _figure(
            "page:chart", "Price with orders, triggers and fills; position; profit and loss.", "figure card"
        ),
        tag("p", note, class_="note"),
        tag("noscript", "The two charts need scripts; the tables and the machine's diagrams do not."),
        tag(
            "details",
            tag("summary", tag("b", "Lanes"), ": each order's states over time"),
            _figure("page:lanes", "A lane for each order, coloured by state.", "figure lanes card"),
            id="page:lanes-part",
            open=True,
        ),
    )


def _figure(key: str, label: str, classes: str) -> Markup:
    told = f"{label} The tables below have the same numbers."
    return tag("div", tag("div", id=key, role="img", aria_label=told), class_=classes)


# ── the orders ──────────────────────────────────────────────────────────────────────────────────────


def _orders(run: Run) -> Markup:
    known = {life.oid for life in run.lives}
    rows = [tuple(_cells(line, run, linked=oid in known)) for oid, line in run.tally.lines.items()]
    return _table(COLUMNS, rows)


def _cells(line: Line, run: Run, *, linked: bool) -> Iterator[str]:
    for name, text in zip(COLUMNS, as_row(line, run.setup.market.price_tick), strict=True):
        if name == "state":
            yield _state(text)
        else:
            yield tag("a", text, href=f"#{text}") if name == "order" and linked else text


def _state(state: str) -> Markup:
    return tag("span", state, class_="state", style=f"--state:var(--state-{state.replace(' ', '-')})")


def _table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> Markup:
    classes = [CLASSES.get(name, False) for name in headings]
    named = zip(headings, classes, strict=True)
    head = tag("tr", *(tag("th", name, scope="col", class_=kind) for name, kind in named))
    body = (
        tag("tr", *(tag("td", cell, class_=kind) for cell, kind in zip(row, classes, strict=True)))
        for row in rows
    )
    return tag("div", tag("table", tag("thead", head), tag("tbody", *body)), class_="wide card")


def _order(life: Life, run: Run) -> Markup:
    last = life.steps[-1]
    traded = "" if life.body.side == "alert" else f"{plain(last.filled)} of {plain(last.size)} filled"
    summary = tag(
        "summary",
        tag("b", life.oid),
        _state(last.state),
        tag("span", f"{life.body.side} {traded}"),
        tag("span", f"{len(life.steps)} steps, {last.ord_status}"),
    )
    rows = [(str(number), *row) for number, row in enumerate(as_rows(life.steps), 1)]
    picture = Markup(life_on_page("order", MACHINE, life.moves))
    inside = tag(
        "div", BACK, _table(("step", *HEADINGS), rows), tag("div", picture, class_="machine"), class_="body"
    )
    return tag("details", summary, inside, id=life.oid, class_="order card")
