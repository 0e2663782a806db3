"""The two figures of a page, as plain values that plotly's script draws.

Numbers are the exact texts of the run: no number is made here, and what the pointer shows is what was
recorded. Colours are names (:mod:`fsm_ems.report.looks`). A point's ``customdata`` is its order's id.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from html import escape
from typing import Any

from fsm_ems.machines.order import OrderState
from fsm_ems.numbers import plain
from fsm_ems.report.life import Life, Mark, Terms
from fsm_ems.report.looks import ON_PRICE, PATTERNS, SIDES, SIGNS
from fsm_ems.report.run import Run
from fsm_ems.report.standing import Traded
from fsm_ems.report.track import Track
from fsm_ems.report.view import Beyond, first_view
from fsm_ems.tally import price_text, short
from fsm_ems.why import time_text

Figure = dict[str, Any]

MARGIN_LEFT, MARGIN_RIGHT = 96, 24
LANE, LANES_TOP, LANES_FOOT = 28, 96, 12
CHART_HEIGHT = 720
FONT = {"color": "@text", "family": "ui-sans-serif,system-ui,sans-serif", "size": 12}
PRINTS_DENSE = 400
"""So many prints are drawn smaller, so that the best prices are seen behind them."""
BEYOND_SHOWN = 20
"""How many orders out of view the pointer tells."""
OID_SHOWN = 13
"""How many characters of an order's id fit beside its lane."""


def chart(run: Run) -> Figure:
    """Price with orders, triggers and fills; under it position, and profit and loss; on one time axis."""
    market = run.setup.market
    traces = [
        _offer("bid", run.shown.bids),
        _offer("ask", run.shown.asks),
        _prints(run.shown.prints),
        _selected(),
        *_resting(run.lives),
        *_price_marks(run.lives),
        *_fills(run.lives, market.base, market.quote),
        *_standing(run),
    ]
    layout = _layout(run, height=CHART_HEIGHT) | {
        "yaxis": _axis([0.44, 1.0], f"price, {market.quote}"),
        "yaxis2": _axis([0.23, 0.39], market.base),
        "yaxis3": _axis([0.0, 0.18], f"PnL, {market.quote}"),
    }
    layout["xaxis"] |= {"anchor": "y3"}
    view = first_view(run.shown, run.lives, market.price_tick)
    if view is not None:
        layout["yaxis"]["range"] = [plain(view.low), plain(view.high)]
        edges = ((view.above, "above", 1), (view.below, "below", 0))
        layout["annotations"] = [_edge(*edge, market.quote) for edge in edges if edge[0]]
    return {"data": traces, "layout": layout}


def lanes(run: Run) -> Figure:
    """A lane for each order: its states over time, and on them what was asked and what traded."""
    shown = len(run.lives)
    layout = _layout(run, height=LANES_TOP + LANES_FOOT + LANE * max(shown, 1))
    layout["barmode"] = "overlay"
    layout["uniformtext"] = {"mode": "hide", "minsize": 10}
    layout["margin"] |= {"t": LANES_TOP, "b": LANES_FOOT}
    layout["xaxis"] |= {"side": "top"}
    layout["yaxis"] = {
        "range": [shown - 0.5, -0.5],
        "tickmode": "array",
        "tickvals": list(range(shown)),
        "ticktext": [_lane_name(life.oid) for life in run.lives],
        "fixedrange": True,
        "gridcolor": "@grid",
        "zeroline": False,
        "ticks": "",
    }
    return {"data": [*_bars(run.lives), *_lane_marks(run.lives), *_lane_fills(run)], "layout": layout}


# ── what both have ──────────────────────────────────────────────────────────────────────────────────


def _layout(run: Run, *, height: int) -> Figure:
    margin_ns = max((run.end_ns - run.start_ns) // 60, 1_000_000)
    ends = [time_text(max(run.start_ns - margin_ns, 0)), time_text(run.end_ns + margin_ns)]
    return {
        "height": height,
        "margin": {"l": MARGIN_LEFT, "r": MARGIN_RIGHT, "t": 84, "b": 40},
        "paper_bgcolor": "@card",
        "plot_bgcolor": "@card",
        "font": FONT,
        "hoverlabel": {
            "bgcolor": "@card",
            "bordercolor": "@edge",
            "font": FONT,
            "align": "left",
        },
        "hovermode": "closest",
        "dragmode": "zoom",
        "legend": {
            "orientation": "h",
            "x": 0,
            "y": 1,
            "yref": "container",
            "yanchor": "top",
            "font": {"size": 11.5},
        },
        "modebar": {"bgcolor": "rgba(0,0,0,0)", "color": "@faint", "activecolor": "@text"},
        "xaxis": {
            "type": "date",
            "range": ends,
            "gridcolor": "@grid",
            "linecolor": "@edge",
            "zeroline": False,
            "showspikes": True,
            "spikemode": "across",
            "spikethickness": 1,
            "spikedash": "dot",
            "spikecolor": "@faint",
            "hoverformat": "%Y-%m-%d %H:%M:%S.%f",
        },
    }


def _axis(domain: Sequence[float], title: str) -> Figure:
    return {
        "type": "linear",
        "domain": domain,
        "title": {"text": escape(title), "font": {"size": 12}, "standoff": 8},
        "gridcolor": "@grid",
        "zerolinecolor": "@edge",
        "exponentformat": "none",
        "separatethousands": True,
        "nticks": 6,
    }


def _scatter(name: str, mode: str, **more: object) -> Figure:
    """A trace whose points tell their own text."""
    return {
        "type": "scatter",
        "name": name,
        "mode": mode,
        "x": [],
        "y": [],
        "hovertext": [],
        "hoverinfo": "text",
        **more,
    }


def _put(
    trace: Figure, time_ns: int, value: Decimal | int | None, told: Iterable[str], oid: str = ""
) -> None:
    """Another point of *trace*; *told* are the lines of its text."""
    trace["x"].append(time_text(time_ns))
    trace["y"].append(plain(value) if isinstance(value, Decimal) else value)
    trace["hovertext"].append("<br>".join(escape(line) for line in (*told, time_text(time_ns))))
    if oid:
        trace.setdefault("customdata", []).append(oid)


def _gap(trace: Figure, oid: str) -> None:
    """What parts two pieces of a line."""
    trace["x"].append(None)
    trace["y"].append(None)
    trace["hovertext"].append("")
    trace["customdata"].append(oid)


# ── the market ──────────────────────────────────────────────────────────────────────────────────────


def _offer(name: str, track: Track) -> Figure:
    trace = _scatter(name, "lines", line={"shape": "hv", "width": 1.2, "color": f"@{name}"})
    for point in track.points:
        shown = "nothing" if point.price is None else f"{plain(point.price)}, {plain(point.size)} shown"
        _put(trace, point.time_ns, point.price, [f"{name} {shown}"])
    return trace


def _prints(track: Track) -> Figure:
    size = 3.5 if len(track.points) > PRINTS_DENSE else 5.5
    trace = _scatter("print", "markers", marker={"size": size, "color": "@print", "opacity": 0.6})
    for point in track.points:
        assert point.price is not None, "what traded has a price"
        _put(trace, point.time_ns, point.price, [f"print {plain(point.price)}, {plain(point.size)} traded"])
    return trace


# ── orders on the price ─────────────────────────────────────────────────────────────────────────────


def _resting(found: Sequence[Life]) -> list[Figure]:
    """The prices in force, a line for each side, and dotted what waits for its price."""
    buys = _terms_line("buy order", "@buy", "solid")
    sells = _terms_line("sell order", "@sell", "8px,3px")
    waits = _terms_line("waits for a price", "@state-dark_open", "dot")
    for life in found:
        for terms in life.terms:
            line = waits if terms.waiting else buys if life.body.side == "buy" else sells
            told = [life.oid, _terms_text(life, terms)]
            for time_ns in (terms.from_ns, terms.until_ns):
                _put(line, time_ns, terms.price, told, life.oid)
            _gap(line, life.oid)
    return [line for line in (buys, sells, waits) if line["x"]]


def _terms_line(name: str, colour: str, dash: str) -> Figure:
    return _scatter(name, "lines", line={"width": 1.8, "color": colour, "dash": dash}, connectgaps=False)


def _terms_text(life: Life, terms: Terms) -> str:
    if life.body.side == "alert":
        return f"alert at {plain(terms.price)}"
    waits = "waits: " if terms.waiting else ""
    return f"{waits}{life.body.side} {plain(terms.size)} at {plain(terms.price)}"


def _edge(beyond: Sequence[Beyond], where: str, y: int, quote: str) -> Figure:
    """The note at an edge of the price on the orders *beyond* it: true however one zooms."""
    (oid, price), count = beyond[0], len(beyond)
    orders = f"{count} orders {where} the first view, the nearest " if count > 1 else ""
    only = f" {where} the first view," if count == 1 else ""
    text = f"{'▲' if y else '▼'} {orders}{_lane_name(oid)}{only} at {plain(price)}"
    told = [f"{oid} at {plain(price)} {quote}" for oid, price in beyond[:BEYOND_SHOWN]]
    if count > BEYOND_SHOWN:
        told.append(f"and {count - BEYOND_SHOWN} more")
    return {
        "text": escape(text),
        "hovertext": "<br>".join(map(escape, told)),
        "xref": "x domain",
        "yref": "y domain",
        "x": 0,
        "y": y,
        "xanchor": "left",
        "yanchor": "bottom" if y else "top",
        "showarrow": False,
        "font": {"color": "@faint", "size": 11.5},
    }


def _selected() -> Figure:
    """Empty until an order is opened: its prices, drawn strongly."""
    line = {"width": 9, "color": "@selected"}
    return _scatter("selected", "lines", line=line, showlegend=False, hoverinfo="skip", opacity=0.5)


def _price_marks(found: Sequence[Life]) -> list[Figure]:
    """Triggers, edits and cancels at the price in force."""
    traces = {kind: _marks(sign.legend, sign.symbol, sign.colour, 10) for kind, sign in SIGNS.items()}
    for life in found:
        for mark in life.marks:
            if mark.price is not None:
                _put(traces[mark.kind], mark.time_ns, mark.price, _mark_text(life, mark), life.oid)
    return [traces[kind] for kind in ON_PRICE if traces[kind]["x"]]


def _mark_text(life: Life, mark: Mark) -> list[str]:
    step = life.steps[mark.step - 1]
    return [f"{life.oid}: {mark.kind}", f"step {mark.step}: {step.cause}"]


def _marks(name: str, symbol: str, colour: str, size: float) -> Figure:
    line = {"width": 2 if symbol.endswith("open") else 1, "color": colour}
    return _scatter(name, "markers", marker={"symbol": symbol, "size": size, "color": colour, "line": line})


def _fills(found: Sequence[Life], base: str, quote: str) -> list[Figure]:
    traces = {side: _fill_marks(side, 14) for side in SIDES}
    for life in found:
        for fill in life.fills:
            _put(traces[fill.side], fill.time_ns, fill.price, _fill_text(fill, base, quote), fill.oid)
    return [trace for trace in traces.values() if trace["x"]]


def _fill_marks(side: str, size: float) -> Figure:
    sign = SIDES[side]
    trace = _marks(sign.legend, sign.symbol, sign.colour, size)
    trace["marker"]["line"] = {"width": 1.2, "color": "@card"}
    return trace


def _fill_text(fill: Traded, base: str, quote: str) -> list[str]:
    verb = SIDES[fill.side].legend
    return [
        f"{fill.oid}: {verb} {plain(fill.size)} {base} at {plain(fill.price)} {quote}",
        f"fill {fill.exec_id}, {fill.liquidity or 'side unknown'}, fee {plain(fill.fee)} {quote}",
    ]


# ── position, profit and loss ───────────────────────────────────────────────────────────────────────


def _standing(run: Run) -> list[Figure]:
    """Position and PnL as steps: each holds until the next fill or print, the last until the end."""
    base, quote, tick = run.setup.market.base, run.setup.market.quote, run.setup.market.price_tick
    line = {"shape": "hv", "width": 1.8}
    size = _scatter(
        "position",
        "lines",
        yaxis="y2",
        line=line | {"color": "@size"},
        fill="tozeroy",
        fillcolor="@size-thin",
        showlegend=False,
    )
    pnl = _scatter("PnL", "lines", yaxis="y3", line=line | {"color": "@pnl"}, showlegend=False)
    found = list(run.standings)
    if found:
        found.append(found[-1]._replace(time_ns=run.end_ns))
    last: Decimal | None = None
    for place, now in enumerate(found):
        position = f"position {plain(now.size)} {base}"
        if now.size != last or place == len(found) - 1:
            _put(size, now.time_ns, now.size, [position])
            last = now.size
        parts = f"realized {price_text(now.realized, tick)}, unrealized {price_text(now.unrealized, tick)}"
        _put(pnl, now.time_ns, now.pnl, [f"PnL {short(now.pnl)} {quote}", parts, position])
    return [size, pnl]


# ── lanes ───────────────────────────────────────────────────────────────────────────────────────────


def _lane_name(oid: str) -> str:
    return oid if len(oid) <= OID_SHOWN else f"{oid[: OID_SHOWN - 1]}…"


def _bars(found: Sequence[Life]) -> list[Figure]:
    """A bar for each time in a state; one trace, and one entry of the legend, for each state."""
    traces: dict[str, Figure] = {}
    for lane, life in enumerate(found):
        for span in life.spans:
            if span.left_ns == span.entered_ns:
                continue
            bars = traces.setdefault(span.state, _state_bars(span.state))
            lasted = Decimal(span.left_ns - span.entered_ns)
            told = (f"{life.oid}: {span.state}", f"for {short(lasted.scaleb(-9))} s, from")
            _put(bars, span.entered_ns, lane, told, life.oid)
            bars["base"].append(bars["x"].pop())
            bars["x"].append(short(lasted.scaleb(-6)))  # a length on a time axis is in ms
    return [traces[state] for state in OrderState if state in traces]


def _state_bars(state: str) -> Figure:
    pattern, colour = PATTERNS.get(state, ""), f"@state-{state}"
    marker: Figure = {"color": f"{colour}-thin", "line": {"width": 1.2, "color": colour}}
    if pattern:
        marker["pattern"] = {
            "shape": pattern,
            "fgcolor": colour,
            "bgcolor": "@card",
            "size": 7,
            "solidity": 0.3,
        }
    trace = _scatter(state, "", marker=marker, base=[], orientation="h")
    del trace["mode"]
    return trace | {
        "type": "bar",
        "width": 0.76,
        "text": "" if pattern else state,
        "textposition": "inside" if not pattern else "none",
        "insidetextanchor": "middle",
        "insidetextfont": {"color": "@text", "size": 11},
    }


def _lane_marks(found: Sequence[Life]) -> list[Figure]:
    traces = {kind: _marks(sign.legend, sign.symbol, sign.colour, 11) for kind, sign in SIGNS.items()}
    for lane, life in enumerate(found):
        for mark in life.marks:
            _put(traces[mark.kind], mark.time_ns, lane, _mark_text(life, mark), life.oid)
    return [trace for trace in traces.values() if trace["x"]]


def _lane_fills(run: Run) -> list[Figure]:
    traces = {side: _fill_marks(side, 12) for side in SIDES}
    market = run.setup.market
    for lane, life in enumerate(run.lives):
        for fill in life.fills:
            _put(traces[fill.side], fill.time_ns, lane, _fill_text(fill, market.base, market.quote), fill.oid)
    return [trace for trace in traces.values() if trace["x"]]
