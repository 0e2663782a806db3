"""From errors to one line on stderr and an exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from typing import NoReturn, cast

import click

from fsm_ems.errors import EMSBug, EMSError, InputFileError, InvalidMessage, LogFault, LogHalted

INTERRUPTED = 130
UNREAD = 141
"""What a shell tells of a program that wrote to a pipe nobody reads any more (128 and SIGPIPE)."""


class Failure(click.ClickException):
    """The run failed or was refused; click tells it as ``Error: …``."""

    exit_code = 1


class WrongInput(Failure):
    """An input is not what it must be."""

    exit_code = 2


@contextmanager
def told_plainly(ctx: click.Context) -> Generator[None]:
    """Turn what this library raises, alone or in a nursery's group, into a :class:`Failure`.

    So are a full disk and an output that is closed: what was printed is written out before this ends.
    """
    if sys.stdout is None:
        raise Failure("standard output is closed")
    try:
        try:
            yield
        except click.exceptions.Exit:  # --help and --version end like this
            sys.stdout.flush()
            raise
        sys.stdout.flush()
    except (EMSError, OSError, KeyboardInterrupt, BaseExceptionGroup) as error:
        _tell(ctx, error)


def _tell(ctx: click.Context, error: BaseException) -> NoReturn:
    try:
        sys.stdout.flush()
    except OSError:
        _drop_output()
    leaves = list(_leaves(error))
    if any(isinstance(leaf, KeyboardInterrupt) for leaf in leaves):
        click.echo("interrupted", err=True)
        ctx.exit(INTERRUPTED)
    if not all(isinstance(leaf, EMSError | OSError) for leaf in leaves):
        raise error
    cause = leaves[0]
    if isinstance(cause, OSError):
        _tell_system(ctx, cause)
    # A log that halts is a run that failed; any other fault of a log is one of the file that was named.
    if isinstance(cause, InputFileError | InvalidMessage | LogFault) and not isinstance(cause, LogHalted):
        raise WrongInput(str(cause)) from error
    hint = " (a fault of fsm_ems: please report it)" if isinstance(cause, EMSBug) else ""
    raise Failure(f"{cause}{hint}") from error


def _tell_system(ctx: click.Context, error: OSError) -> NoReturn:
    """The system refused something; most often it is the output that cannot be written."""
    if isinstance(error, BrokenPipeError):
        ctx.exit(UNREAD)
    named = "" if error.filename is None else f"{error.filename}: "
    raise Failure(f"{named}{error.strerror or error}") from error


def _drop_output() -> None:
    """Let what is still to be written go nowhere, or Python would try again, and complain, at its end."""
    with suppress(OSError):  # an output in memory has no descriptor
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


def _leaves(error: BaseException) -> Iterator[BaseException]:
    """The exceptions of a group and of the groups in it; an exception that is none, itself."""
    if isinstance(error, BaseExceptionGroup):
        group = cast("BaseExceptionGroup[BaseException]", error)
        for inner in group.exceptions:
            yield from _leaves(inner)
    else:
        yield error
