"""What pictures look like: one style sheet for light and dark, and the legend."""

from __future__ import annotations

from collections.abc import Mapping

from fsm_ems.machines.layout import Layout
from fsm_ems.machines.looks import HERE, Look

PAINTS: Mapping[str, tuple[str, str]] = {
    "ground": ("#fff", "#0d1117"),
    "ink": ("#1f2328", "#e6edf3"),
    "soft": ("#59636e", "#9198a1"),
    "node": ("#fff", "#0d1117"),
    "box": ("rgba(87,96,106,.055)", "rgba(145,152,161,.09)"),
    "rim": ("#afb8c1", "#4b535d"),
    "here": (HERE, "#bb8009"),
    "step": ("#d1242f", "#ff6a69"),
}
"""What is not a story's, each on light and on dark."""

LIGHT, DARK = (";".join(f"--{name}:{paint[side]}" for name, paint in PAINTS.items()) for side in (0, 1))

SHAPES = (
    ".fsm{max-width:100%;height:auto}"
    ".fsm .ground{fill:var(--ground)}"
    ".fsm text{fill:var(--ink);font-size:11.5px}"
    ".fsm .box rect{fill:var(--box);stroke:var(--rim)}"
    ".fsm .box text,.fsm .legend text{fill:var(--soft);font-size:12px}"
    ".fsm .line{fill:none;stroke:var(--c);stroke-width:var(--w);stroke-dasharray:var(--d)}"
    ".fsm .tip,.fsm .from{fill:var(--c)}"
    ".fsm .reach{fill:none;stroke:transparent;stroke-width:14}"
    ".fsm .label{fill:var(--c);paint-order:stroke;stroke:var(--ground);stroke-width:4px;"
    "stroke-linejoin:round;text-anchor:middle;dominant-baseline:central}"
    ".fsm .node .back{fill:var(--node)}"
    ".fsm .node .body{fill:var(--c);fill-opacity:.13;stroke:var(--c);stroke-width:2}"
    ".fsm .node .rim{fill:none;stroke:var(--c);stroke-width:1.2}"
    ".fsm .node .name{font:600 14px ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;text-anchor:middle;"
    "dominant-baseline:central}"
    ".fsm .doubt .body{stroke-dasharray:3 4}"
    ".fsm .initial .body{fill-opacity:1}.fsm .initial .name{fill:var(--ground)}"
    ".fsm .stays rect{fill:var(--ground);stroke:var(--c)}"
    ".fsm .stays text{font-size:10.5px;text-anchor:middle;dominant-baseline:central}"
    ".fsm .note{--c:var(--soft);--w:1.5px;--d:none}"
    ".fsm .halo{fill:none;stroke:var(--here);stroke-width:7}"
    ".fsm .step .line{stroke:var(--step);stroke-width:3.5}.fsm .step .tip,.fsm .step rect{fill:var(--step)}"
    ".fsm .step text{fill:var(--ground);font-weight:700;text-anchor:middle;dominant-baseline:central}"
    ".fsm .edge:hover .line{stroke-width:calc(var(--w) + 2px)}"
    ".fsm.traced .edge,.fsm.traced .label,.fsm.traced .unvisited{opacity:.22}"
)
"""What the theme does not change: `--c`, `--w` and `--d` are a story's colour, width and dashes."""

STYLE = f".fsm{{{LIGHT}}}@media(prefers-color-scheme:dark){{.fsm{{{DARK}}}}}{SHAPES}"
"""The sheet of a picture that stands alone."""

LEGEND_LINE, LEGEND_GAP, LEGEND_STEP = 38.0, 22.0, 24.0
CHARACTER = 6.3
"""The mean width of a character of the legend, a little too wide, so that entries never touch."""


def story_style(stories: Mapping[str, Look]) -> str:
    """The rules that give each story its colours, width and dashes."""
    light = "".join(
        f".fsm .s-{name}{{--c:{look.light};--w:{look.width:g}px;--d:{look.dash or 'none'}}}"
        for name, look in stories.items()
    )
    dark = "".join(f".fsm .s-{name}{{--c:{look.dark}}}" for name, look in stories.items())
    return f"{light}@media(prefers-color-scheme:dark){{{dark}}}"


def page_style(stories: Mapping[str, Look]) -> str:
    """The sheet for pictures on a page that chooses the theme of all it shows by ``color-scheme``."""
    paints = "".join(f"--{name}:light-dark({light},{dark});" for name, (light, dark) in PAINTS.items())
    looks = "".join(
        f".fsm .s-{name}{{--c:light-dark({look.light},{look.dark});--w:{look.width:g}px;"
        f"--d:{look.dash or 'none'}}}"
        for name, look in stories.items()
    )
    return f".fsm{{{paints}}}{SHAPES}{looks}"


def legend(stories: Mapping[str, Look], layout: Layout, notes: tuple[tuple[str, str], ...]) -> str:
    """Samples of every line in use, then *notes*, drawn signs with their meanings; in rows at the foot."""
    entries = [(_sample(name), look.legend) for name, look in stories.items()]
    entries += [(f'<g class="note">{sign}</g>', meaning) for sign, meaning in notes]
    x, y, placed = 24.0, layout.legend_top, list[str]()
    for sample, text in entries:
        width = LEGEND_LINE + 8 + len(text) * CHARACTER
        if x + width > layout.width - 12:
            x, y = 24.0, y + LEGEND_STEP
        label = f'<text x="{LEGEND_LINE + 8:g}" y="4">{text}</text>'
        placed.append(f'<g transform="translate({x:g},{y:g})">{sample}{label}</g>')
        x += width + LEGEND_GAP
    return f'<g class="legend">{"".join(placed)}</g>'


def _sample(name: str) -> str:
    return f'<g class="s-{name}"><path class="line" d="M0,0 H{LEGEND_LINE:g}"/></g>'
