"""From errors to one line on stderr and an exit code."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import NoReturn, cast

import click

from fsm_ems.errors import EMSBug, EMSError, InvalidMessage, LogDamaged, OrderFileError

INTERRUPTED = 130


class Failure(click.ClickException):
    """The run failed or was refused; click tells it as ``Error: …``."""

    exit_code = 1


class WrongInput(Failure):
    """An input is not what it must be."""

    exit_code = 2


@contextmanager
def told_plainly(ctx: click.Context) -> Generator[None]:
    """Turn what this library raises, alone or in a nursery's group, into a :class:`Failure`."""
    try:
        yield
    except (EMSError, KeyboardInterrupt, BaseExceptionGroup) as error:
        _tell(ctx, error)


def _tell(ctx: click.Context, error: BaseException) -> NoReturn:
    leaves = list(_leaves(error))
    if any(isinstance(leaf, KeyboardInterrupt) for leaf in leaves):
        click.echo("interrupted", err=True)
        ctx.exit(INTERRUPTED)
    if not all(isinstance(leaf, EMSError) for leaf in leaves):
        raise error
    cause = leaves[0]
    if isinstance(cause, OrderFileError | InvalidMessage | LogDamaged):
        raise WrongInput(str(cause)) from error
    hint = " (a fault of fsm_ems: please report it)" if isinstance(cause, EMSBug) else ""
    raise Failure(f"{cause}{hint}") from error


def _leaves(error: BaseException) -> Iterator[BaseException]:
    """The exceptions of a group and of the groups in it; an exception that is none, itself."""
    if isinstance(error, BaseExceptionGroup):
        group = cast("BaseExceptionGroup[BaseException]", error)
        for inner in group.exceptions:
            yield from _leaves(inner)
    else:
        yield error
