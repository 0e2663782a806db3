"""A figure beside its goal. Goals are text: nothing fails where one is missed."""

from __future__ import annotations


def beside_goal(
    what: str, figure: float, unit: str = "", *, at_most: float | None = None, at_least: float | None = None
) -> str:
    """One line: *what* was measured, its goal, and whether it is met."""
    bounds: list[str] = []
    met = True
    if at_most is not None:
        bounds.append(f"at most {at_most:g}")
        met = figure <= at_most
    if at_least is not None:
        bounds.append(f"at least {at_least:g}")
        met = met and figure >= at_least
    told = f"{what}: {figure:,.2f}{unit and ' ' + unit}"
    return f"{told} (goal: {', '.join(bounds)}{unit and ' ' + unit}: {'met' if met else 'MISSED'})"
