"""The command line, ``fsm-ems``. Here are its commands, and what becomes of errors; each has its own file."""

from __future__ import annotations

from difflib import get_close_matches
from importlib import import_module

import click

from fsm_ems.cli.faults import told_plainly

HELP = """\
An execution management system whose order lifecycle is an explicit, proven state machine.

\b
Begin with:
  fsm-ems demo                                   orders live and end on a paper venue
  fsm-ems replay TAPE.csv --orders ORDERS.toml   your orders against a recorded market
  fsm-ems why ORDER DIR                          an order's life, step by step
  fsm-ems positions DIR                          what each account holds
  fsm-ems journal verify DIR                     whether the records are as they were written
  fsm-ems diagram --format svg > order.svg       the machine that every order runs through
  fsm-ems brokers                                the brokers that are installed
"""
EXITS = """\b
Exit codes:
  0    done as asked
  1    the run was refused or failed
  2    wrong usage, or a wrong input file
  130  interrupted
  141  whoever read the output went away
"""

_SETTINGS = {"help_option_names": ["-h", "--help"], "max_content_width": 110}
_COMMANDS = {
    "demo": "fsm_ems.cli.demo",
    "replay": "fsm_ems.cli.replay",
    "why": "fsm_ems.cli.why",
    "positions": "fsm_ems.cli.positions",
    "journal": "fsm_ems.cli.journal",
    "diagram": "fsm_ems.cli.diagram",
    "brokers": "fsm_ems.cli.brokers",
}


class _Commands(click.Group):
    """Loads a command when it is asked for, and tells errors in a line each."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        command: click.Command = getattr(import_module(_COMMANDS[cmd_name]), cmd_name)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        near = get_close_matches(args[0], _COMMANDS, n=1)
        if near and args[0] not in _COMMANDS:  # click knows none of those that were not asked for
            ctx.fail(f"No such command {args[0]!r}. Did you mean {near[0]!r}?")
        return super().resolve_command(ctx, args)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        with told_plainly(ctx):  # --help and --version print
            return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> object:
        with told_plainly(ctx):
            return super().invoke(ctx)


@click.group(cls=_Commands, help=HELP, epilog=EXITS, context_settings=_SETTINGS)
@click.version_option(package_name="fsm_ems", prog_name="fsm-ems")
def main() -> None:
    """Run one of the commands."""
