"""``fsm-ems diagram``: a machine as a picture or a page, straight from its table."""

from __future__ import annotations

from typing import get_args

import click

from fsm_ems.machines.render import Format, MachineName
from fsm_ems.machines.render import diagram as drawn

_EXAMPLES = """\b
Examples:
  fsm-ems diagram                                 mermaid, to paste into a README
  fsm-ems diagram --format svg > order.svg        a picture
  fsm-ems diagram --format markdown --state open  what can happen to an open order
  fsm-ems diagram --machine link --format dot | dot -Tpng > link.png
"""


@click.command(epilog=_EXAMPLES)
@click.option(
    "--format", "form", type=click.Choice(get_args(Format)), default="mermaid", show_default=True,
    help="What to write.",
)  # fmt: skip
@click.option(
    "--machine", type=click.Choice(get_args(MachineName)), default="order", show_default=True,
    help="The life of an order, or of the connection to a broker.",
)  # fmt: skip
@click.option(
    "--state", metavar="STATE", help="Mark this state as the current one; markdown: its rows alone."
)
def diagram(form: Format, machine: MachineName, state: str | None) -> None:
    """Draw a machine from its table, to standard output.

    It is the table that the running program uses: the picture cannot be out of date.
    """
    click.echo(drawn(machine, form, state).rstrip("\n"))
