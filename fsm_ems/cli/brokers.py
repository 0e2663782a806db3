"""``fsm-ems brokers``: the brokers that installed packages declare."""

from __future__ import annotations

import click

from fsm_ems.brokers.find import declared_brokers


@click.command
def brokers() -> None:
    """List the brokers that can be used, with the package that brings each.

    A package declares its own as entry points of the group `fsm_ems.brokers`. None is loaded for this list.
    """
    found = declared_brokers()
    if not found:
        click.echo("No broker: no installed package declares one.")
        return
    width = max(len(broker.name) for broker in found)
    for broker in found:
        click.echo(f"{broker.name.ljust(width)}  {broker.where}  ({broker.package})")
