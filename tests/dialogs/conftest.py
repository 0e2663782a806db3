"""Desks, each proven when its test is over."""

from collections.abc import Callable, Iterator

import pytest

from fsm_ems.dialogs.settings import Settings
from tests.dialogs.desk import Desk

Desks = Callable[..., Desk]


@pytest.fixture
def desks() -> Iterator[Desks]:
    """Makes desks; when the test ends, the records of each are replayed to the same book."""
    made: list[Desk] = []

    def make(settings: Settings | None = None, *, up: bool = True) -> Desk:
        made.append(Desk(settings, up=up))
        return made[-1]

    yield make
    for desk in made:
        desk.prove()


@pytest.fixture
def desk(desks: Desks) -> Desk:
    """A desk with the default settings, its link up."""
    return desks()
