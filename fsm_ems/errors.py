"""Every error this library raises, as one tree named by whose fault it is.

    EMSError
    ├── ClientFault              the caller's request cannot be done; nothing changed
    │   ├── InvalidMessage       a message does not have the form it must have
    │   ├── Refused              a well-formed command the EMS does not take, with a stable code
    │   ├── Overrun              a reader of statuses fell too far behind, and missed some
    │   ├── InputFileError       a file that the user gave is wrong
    │   │   ├── OrderFileError   one of orders or of scenarios, with file and entry
    │   │   └── TapeFileError    a tape, with file and line
    │   ├── UnknownBroker        no installed package declares a broker of that name
    │   └── UnusableBroker       one does, and it cannot be had
    ├── BrokerFault              the broker side broke its protocol
    │   └── InvalidReport        a report does not have the form it must have
    ├── LogFault                 the record log cannot be trusted or written: stop
    │   ├── LogDamaged           a record is torn, altered or out of order
    │   ├── LogHalted            an earlier write failed; nothing is taken any more
    │   ├── LogInUse             another program writes to it, or another part of this one
    │   ├── SnapshotUnproven     what is to shorten a start is not what the records lead to
    │   └── LogUnsafe            what lies below it does not keep what it is told
    ├── TableFault               a machine's table fails its proofs, found at import
    └── EMSBug                   this library broke its own promise; please report it
        └── IllegalTransition    an event was applied to a state that has no row for it

Anything a broker reports is never an exception for the client: it is a record, an event and, where
it cannot be right, an alarm.
"""

from __future__ import annotations

from typing import Literal, cast


class EMSError(Exception):
    """Root of the tree; never raised itself."""


class ClientFault(EMSError):
    """The caller asked for something that cannot be done. Nothing was changed."""


class InvalidMessage(ClientFault):
    """A message from a client does not have the form it must have.

    *problems* names each offending field and what would be right.
    """

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


class Refused(ClientFault):
    """A well-formed command that the EMS does not take; the book is as it was.

    *code* is stable (see :data:`fsm_ems.dialogs.decide.CODES`), *why* is for people.
    """

    def __init__(self, code: str, why: str, oid: str | None = None) -> None:
        super().__init__(f"{code}: {why}")
        self.code = code
        self.why = why
        self.oid = oid


class Overrun(ClientFault):
    """The reader fell so far behind that it has missed what waited for it. Others, and the orders, are
    untouched. It is told once, and what came since waits. ``events(since=)`` tells what was missed where
    ``Settings.keep_events`` reaches so far, and else how all orders stand.
    """


class InputFileError(ClientFault):
    """A file the user gave is wrong; *where* is its name, with a line or entry where known."""

    def __init__(self, where: str, problem: str) -> None:
        super().__init__(f"{where}: {problem}")
        self.where = where
        self.problem = problem


class OrderFileError(InputFileError):
    """A file of orders, or of order state scenarios, is wrong."""


class TapeFileError(InputFileError):
    """A tape is wrong, or cannot be read."""


class UnknownBroker(ClientFault):
    """No installed package declares a broker *name*; *known* are those that are declared."""

    def __init__(self, name: str, known: tuple[str, ...]) -> None:
        super().__init__(f"no broker {name!r} is installed: known are {', '.join(known) or 'none'}")
        self.name = name
        self.known = known


class UnusableBroker(ClientFault):
    """The broker *name* is declared and cannot be had: *why* says whose doing it is."""

    def __init__(self, name: str, why: str) -> None:
        super().__init__(f"broker {name!r}: {why}")
        self.name = name
        self.why = why


class BrokerFault(EMSError):
    """The broker side broke the protocol it declared."""


class InvalidReport(BrokerFault):
    """A report from a broker does not have the form it must have; it was not applied."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


class LogFault(EMSError):
    """The record log cannot be trusted or written. The EMS stops rather than runs on."""


class LogDamaged(LogFault):
    """A record is torn, altered or out of order; *line* counts from 1, and is 0 for the file as a whole.

    A journal has no lines: there *line* is the seq of a record, and *counted* says so.
    """

    def __init__(
        self, where: str, line: int, problem: str, counted: Literal["line", "record"] = "line"
    ) -> None:
        super().__init__(f"{where}, {counted} {line}: {problem}" if line else f"{where}: {problem}")
        self.where = where
        self.line = line
        self.problem = problem
        self.counted = counted


class SnapshotUnproven(LogFault):
    """A snapshot is not what its records lead to, by a fold of its own. It is thrown away."""


class LogHalted(LogFault):
    """An earlier write failed: nothing is accepted and nothing is sent any more."""


class LogInUse(LogFault):
    """Somebody else writes to this log; two writers would tear it apart. *holder* names who."""

    def __init__(self, where: str, holder: str) -> None:
        super().__init__(f"{where} is in use by {holder}; one program at a time may write to it")
        self.where = where
        self.holder = holder


class LogUnsafe(LogFault):
    """The library or the file system below the log would lose what it was told is kept."""


class TableFault(EMSError):
    """A machine's table fails one of the proofs made when it is imported."""


class EMSBug(EMSError):
    """This library broke its own promise. Please report it with the records that led here."""


class IllegalTransition(EMSBug):
    """An event was applied to a state that has no row for it; the state is unchanged."""

    def __init__(self, machine: str, state: str, event: str, legal: tuple[str, ...]) -> None:
        super().__init__(
            f"{machine} in {state} cannot take {event}; legal here: {', '.join(legal) or 'nothing'}"
        )
        self.machine = machine
        self.state = state
        self.event = event
        self.legal = legal


_BRIEF = 80


def brief(given: object) -> str:
    """*given* as Python would show it, cut where that is long: for errors that say what was given."""
    return cut(repr(given), _BRIEF)


def cut(text: str, longest: int) -> str:
    """*text*, or the beginning of it, of at most *longest* characters."""
    return text if len(text) <= longest else f"{text[: longest - 2]} …"


def first_reason(fault: BaseException) -> str:
    """What the first fault in a group of them says."""
    while isinstance(fault, BaseExceptionGroup):
        fault = cast("BaseExceptionGroup[BaseException]", fault).exceptions[0]
    return str(fault)
