"""``fsm-ems why``: an order's life, step by step, from the records of a run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from fsm_ems.cli.options import located, records_in
from fsm_ems.errors import LogDamaged
from fsm_ems.why import Step, as_mermaid, as_text
from fsm_ems.why import why as life_of

_EXAMPLES = """\b
Examples:
  fsm-ems replay tape.csv --orders orders.toml --out run1
  fsm-ems why buy-1 run1
  fsm-ems why buy-1 run1 --mermaid > buy-1.mmd
"""


@click.command(epilog=_EXAMPLES)
@click.argument("oid")
@click.argument("directory", metavar="DIR", type=click.Path(exists=True, path_type=Path))
@click.option("--owner", metavar="NAME", help="Whose order; needed where several have one of that name.")
@click.option("--mermaid", is_flag=True, help="Draw the steps as a mermaid sequence diagram.")
def why(oid: str, directory: Path, owner: str | None, *, mermaid: bool) -> None:
    """Tell every step of the order OID from the records in DIR.

    DIR is where `open_ems(path=DIR)` or `replay --out` keeps them; that of a live program is read and not
    disturbed. For each step: when, who brought it
    about and with what, the event, where it led, and the reason that the table's row gives. The exit code
    is 1 if there is no such order.
    """
    path, records = records_in(directory)
    try:
        told = life_of(records, oid, owner)
    except LogDamaged as damage:
        raise located(damage, path) from damage
    if mermaid:
        click.echo(as_mermaid(told), nl=False)
    else:
        _print_steps(told, oid)


def _print_steps(told: Sequence[Step], oid: str) -> None:
    """On a terminal a table that keeps to its width, elsewhere the same as plain text, a line a step."""
    from fsm_ems.cli.tables import console, print_life

    out = console()
    if out.is_terminal:
        print_life(out, told, oid)
    else:
        click.echo(as_text(told))
