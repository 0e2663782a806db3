"""Brokers by their names, from whatever package declares them: the entry points of ``fsm_ems.brokers``.

A package that has a broker says so in its ``pyproject.toml``, and needs nothing else to be found::

    [project.entry-points."fsm_ems.brokers"]
    demo = "my_package.demo:DemoBroker"

The name is the last part of the broker's market addresses. What stands there is called to make a
:class:`~fsm_ems.brokers.base.Broker`; its arguments are its own.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import EntryPoint, entry_points
from typing import NamedTuple, cast

from fsm_ems.brokers.base import Broker
from fsm_ems.errors import UnknownBroker, UnusableBroker

GROUP = "fsm_ems.brokers"
Maker = Callable[..., Broker]


class Declared(NamedTuple):
    """A broker that a package declares: its *name*, *where* its maker is, and the *package* with version."""

    name: str
    where: str
    package: str


def declared_brokers() -> tuple[Declared, ...]:
    """Every broker of every installed package, by name. None of them is loaded for it."""
    found = sorted(entry_points(group=GROUP), key=lambda point: (point.name, point.value))
    return tuple(Declared(point.name, point.value, _package(point)) for point in found)


def broker_named(name: str) -> Maker:
    """What makes the broker *name*: called with its own arguments, it gives one.

    Raises:
        UnknownBroker: no installed package declares it.
        UnusableBroker: several packages do, or it cannot be loaded.
    """
    found = entry_points(group=GROUP, name=name)
    if not found:
        raise UnknownBroker(name, tuple(sorted({broker.name for broker in declared_brokers()})))
    if len(found) > 1:
        packages = ", ".join(sorted(f"{_package(point)} ({point.value})" for point in found))
        raise UnusableBroker(name, f"several packages declare it: {packages}")
    (point,) = found
    try:
        maker: object = point.load()
    except (ImportError, AttributeError) as error:
        raise UnusableBroker(name, f"{point.value} of {_package(point)} cannot be loaded: {error}") from error
    if not callable(maker):
        raise UnusableBroker(name, f"{point.value} of {_package(point)} cannot be called")
    return cast("Maker", maker)


def _package(point: EntryPoint) -> str:
    return "?" if point.dist is None else f"{point.dist.name} {point.dist.version}"
