"""Lines for whoever runs the EMS: what went wrong outside, and what was done about it."""

from __future__ import annotations

import sys

import structlog
from structlog.typing import FilteringBoundLogger


def operator_log() -> FilteringBoundLogger:
    """The logger as the program has set structlog up; where nobody did, one that writes to stderr.

    Without a set-up structlog writes to stdout, which is the program's own.
    """
    if structlog.is_configured():
        logger: FilteringBoundLogger = structlog.get_logger("fsm_ems")
    else:
        logger = structlog.wrap_logger(structlog.PrintLogger(sys.stderr))
    return logger
