"""Snapshots of a running EMS, and its archive: made beside it, by a program of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import trio

from fsm_ems.dialogs.settings import Settings
from fsm_ems.errors import EMSBug, LogFault, LogHalted
from fsm_ems.journal.archive import Segment, segment_at
from fsm_ems.journal.sqlite import Journal
from fsm_ems.operator_log import operator_log
from fsm_ems.promises import Promises

_PROGRAM = "fsm_ems.journal.keeping"


class SnapshotKeeping:
    """Has a snapshot made of *log* in *folder* whenever there are ``Settings.snapshot_every`` records since
    the last, the first after record *since*; and the log's file relieved of what was archived then.
    """

    def __init__(self, folder: Path, log: Journal, settings: Settings, since: int) -> None:
        self._folder = folder
        self._log = log
        self._settings = settings
        self._since = since

    async def keep(self, promises: Promises) -> None:
        """Do so for as long as this runs. Whatever fails is told to the operator, and tried again when as
        many records have come again.
        """
        while self._settings.snapshot_every:
            try:
                await promises.durable(self._since + self._settings.snapshot_every)
            except (LogHalted, EMSBug):  # the EMS ends by it, and says so
                return
            self._since = self._log.durable_seq
            try:
                segment = await self._made()
                if segment is not None:
                    self._log.let_go(segment)
            except OSError as error:
                operator_log().error("snapshot not written", folder=str(self._folder), why=str(error))
            except LogFault as error:
                operator_log().error("records not archived", folder=str(self._folder), why=str(error))

    async def _made(self) -> Segment | None:
        """The newest segment, once there is a snapshot."""
        numbers = (self._settings.keep_events, self._settings.archive_every)
        words = [_interpreter(), "-P", "-m", _PROGRAM, str(self._folder), *map(str, numbers)]
        environment = {**os.environ, "PYTHONPATH": _places()}
        its_end, my_end = os.pipe()  # it ends when mine is closed, by the end of this program as well
        try:
            done = await trio.run_process(
                words, stdin=its_end, capture_stdout=True, capture_stderr=True, check=False, env=environment
            )
        finally:
            os.close(its_end)
            os.close(my_end)
        _relay(done, self._folder)
        return segment_at(self._folder / done.stdout.decode("utf-8", "replace"))


def _interpreter() -> str:
    """What runs Python here.

    Raises:
        FileNotFoundError: nothing that is known to, as in a program that was frozen, which would begin anew.
    """
    if getattr(sys, "frozen", False) or not sys.executable:
        raise FileNotFoundError("this program has no Python interpreter to make it with; a close makes one")
    return sys.executable


def _places() -> str:
    """Where this program finds modules. An import passes over what is no text, and takes "" for here."""
    listed = cast("Sequence[object]", sys.path)
    return os.pathsep.join(place or str(Path.cwd()) for place in listed if isinstance(place, str))


def _relay(done: subprocess.CompletedProcess[bytes], folder: Path) -> None:
    """Tell the operator what the program had to say."""
    other: list[str] = []
    for line in done.stderr.decode("utf-8", "replace").splitlines():
        try:
            said: dict[str, Any] = json.loads(line)
            operator_log().error(said.pop("event"), **said)
        except (ValueError, LookupError, AttributeError, TypeError):
            other.append(line)
    if other or done.returncode:
        why = f"{_PROGRAM} ended with {done.returncode}: {' / '.join(other[-3:])}"
        operator_log().error("snapshot not written", folder=str(folder), why=why)
