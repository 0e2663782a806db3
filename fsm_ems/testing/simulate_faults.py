"""What may go wrong in a simulation, how often, and in which words it is told."""

from __future__ import annotations

from enum import StrEnum


class Fault(StrEnum):
    """What may go wrong, each counted by its name."""

    LINK_BREAK = "link break"
    LOST_REPORT = "lost report"
    LOST_REQUEST = "lost request"
    HOLE = "report lost in silence"
    LAGGING_READ = "lagging read"
    NO_CONNECTION = "no connection"
    HALF_OPEN = "half-open link"
    DOUBLED_REPORT = "doubled report"
    REORDERED_REPORT = "reordered report"
    DELAYED_REPORT = "delayed report"
    DELAYED_REQUEST = "delayed request"
    DOUBLED_REQUEST = "doubled request"
    VENUE_RESTART = "venue restart"
    VENUE_PAUSE = "venue restart, session kept"
    LATE_FILL = "late fill"
    LATE_ACK = "late ack"
    BUST = "bust"
    CORRECTION = "correction"
    LATE_AMENDMENT = "bust or correction of an ended order"
    UNNAMED = "report without the venue's id"
    WHOLE_STATED = "whole size stated"
    VENUE_CANCEL = "cancel by the venue"
    ODD_END = "end by another name"
    COSTS_TOLD = "costs told after the end"
    HALTED_ORDER = "order halted by the venue"
    DONE_FOR_DAY = "done for the day"
    RESTATED = "terms changed by somebody else"
    STRANGER = "order placed by somebody else"
    WEIGHED = "request weighed"
    AMBIGUOUS = "ambiguous reply"
    CRASH = "crash"
    KILLED_WRITING = "killed while writing"
    KILLED_SENDING = "killed while sending"
    KILLED_RECOVERING = "killed while recovering"
    POWER_CUT = "power cut"
    POWER_CUT_RECOVERING = "power cut while recovering"
    TORN_TAIL = "torn tail"
    SLOW_DISK = "slow disk"
    FAILED_WRITE = "failed write"
    FAILED_SYNC = "failed sync"
    FULL_DISK = "full disk"
    CLOCK_JUMP = "clock jump"
    CLOCK_SKEW = "clock off at the start"
    QUOTE_GAP = "gap in quotes"
    STALE_QUOTE = "stale quote"
    ZERO_QUOTE = "zero quote"
    CROSSED_QUOTE = "crossed quote"
    LATE_QUOTE = "quote out of order"
    NO_QUOTE = "quote that is none"
    CLIENT_AWAY = "client away"
    OTHER_BODY = "same oid, other order"
    FOREIGN_REQUEST = "request about others' orders"
    NO_RIGHT = "command without the right"
    MALFORMED = "malformed order"
    FLOOD = "flood of commands"
    LOWERED_LIMIT = "lowered limit"

    __hash__ = str.__hash__


PERMILLE: dict[Fault, tuple[int, ...]] = {
    Fault.NO_CONNECTION: (100, 300, 600),
    Fault.HOLE: (10, 50, 150),
    Fault.LAGGING_READ: (100, 500, 900),
    Fault.DOUBLED_REPORT: (20, 100, 500),
    Fault.REORDERED_REPORT: (20, 100, 400),
    Fault.DELAYED_REPORT: (10, 50, 200),
    Fault.DELAYED_REQUEST: (20, 100, 300),
    Fault.DOUBLED_REQUEST: (10, 50, 300),
    Fault.LATE_FILL: (100, 300, 700),
    Fault.LATE_ACK: (100, 300, 700),
    Fault.UNNAMED: (50, 200, 600),
    Fault.WHOLE_STATED: (200, 500, 900),
    Fault.WEIGHED: (50, 200, 600),
    Fault.AMBIGUOUS: (10, 50, 200),
    Fault.KILLED_WRITING: (2, 5, 10),
    Fault.KILLED_SENDING: (2, 5, 20),
    Fault.KILLED_RECOVERING: (200, 400, 600),
    Fault.POWER_CUT_RECOVERING: (200, 400, 600),
    Fault.SLOW_DISK: (10, 50, 200),
    Fault.FAILED_WRITE: (2, 5, 10),
    Fault.FAILED_SYNC: (2, 5, 10),
    Fault.CLOCK_SKEW: (300, 600, 900),
    Fault.LATE_QUOTE: (20, 100, 300),
    Fault.NO_QUOTE: (5, 20, 50),
    Fault.LOWERED_LIMIT: (300, 600, 900),
}
"""Of a thousand chances, how many go wrong."""

EVERY_S: dict[Fault, tuple[int, ...]] = {
    Fault.LINK_BREAK: (5, 20, 40),
    Fault.HALF_OPEN: (10, 20, 40),
    Fault.VENUE_RESTART: (10, 20, 40),
    Fault.VENUE_PAUSE: (10, 20, 40),
    Fault.BUST: (3, 10, 20),
    Fault.CORRECTION: (3, 10, 20),
    Fault.VENUE_CANCEL: (2, 5, 20),
    Fault.ODD_END: (2, 5, 20),
    Fault.COSTS_TOLD: (2, 5, 20),
    Fault.HALTED_ORDER: (2, 5, 20),
    Fault.DONE_FOR_DAY: (2, 5, 20),
    Fault.RESTATED: (2, 5, 20),
    Fault.STRANGER: (2, 5, 20),
    Fault.CRASH: (10, 20, 40),
    Fault.POWER_CUT: (10, 20, 40),
    Fault.FULL_DISK: (10, 20, 40),
    Fault.CLOCK_JUMP: (5, 10, 30),
    Fault.CLIENT_AWAY: (5, 10, 30),
    Fault.OTHER_BODY: (5, 10, 20),
    Fault.FOREIGN_REQUEST: (2, 5, 20),
    Fault.NO_RIGHT: (2, 5, 20),
    Fault.MALFORMED: (2, 5, 20),
    Fault.FLOOD: (5, 15, 30),
}
"""Every how many seconds it happens, on average."""
