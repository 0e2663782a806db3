"""``fsm-ems replay --report``: what a page of a run needs, gathered while the run goes on, and its file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TextIO

import click

from fsm_ems.cli.faults import Failure
from fsm_ems.dialogs.dispatcher import Append
from fsm_ems.dialogs.record import Record
from fsm_ems.quotes import Row
from fsm_ems.report.page import BEGINS, page
from fsm_ems.report.run import Setup, told
from fsm_ems.report.track import Shown
from fsm_ems.tally import Tally

_HINT = "'--report'"


class PageFile:
    """A page to be written to *path* at the end of a run; until then every record is kept in memory.

    Whatever can be wrong with the path or the installation is told before the run. The file appears whole
    or not at all; *stack* clears away what is left of it.
    """

    def __init__(self, path: Path, inputs: Iterable[Path], stack: ExitStack) -> None:
        self._plotly = _plotly()
        self._path = path
        self._part, self._file = _begun(path, inputs, stack)
        self._shown = Shown()
        self._records: list[Record] = []

    def noting(self, append: Append) -> Append:
        """*append*, and the records are kept for the page as well."""

        def both(record: Record) -> None:
            append(record)
            self._records.append(record)

        return both

    def watching(self, rows: Iterable[Row]) -> Iterator[Row]:
        """*rows* as they are played."""
        return map(self._shown.see, rows)

    def write(self, setup: Setup, tally: Tally) -> None:
        """The run is over: write its page."""
        text = page(told(setup, self._shown, tally, self._records), self._plotly)
        try:
            self._file.write(text)
            self._file.close()
            self._part.replace(self._path)
        except OSError as error:
            raise Failure(f"{self._path} cannot be written: {error.strerror}") from None


def _plotly() -> str:
    """The text of plotly's script."""
    try:
        from plotly.offline import get_plotlyjs  # pyright: ignore[reportMissingTypeStubs]  # it has none
    except ModuleNotFoundError:
        raise Failure("--report draws with plotly, which is missing: pip install 'fsm_ems[report]'") from None
    script: str = get_plotlyjs()
    return script


def _begun(path: Path, inputs: Iterable[Path], stack: ExitStack) -> tuple[Path, TextIO]:
    """A file beside *path*, open for writing."""
    if path.exists() and not path.is_file():
        raise click.BadParameter(f"{path} is no plain file", param_hint=_HINT)
    if any(path.exists() and path.samefile(read) for read in inputs):
        raise click.BadParameter(f"{path} is what is to be read", param_hint=_HINT)
    if path.suffix.lower() not in (".html", ".htm"):  # none of the records, which are yet to come, is that
        raise click.BadParameter(f"{path}: a page is named FILE.html", param_hint=_HINT)
    part = path.with_name(f".{path.name}.part")
    try:
        if path.exists() and not _is_page(path):
            raise click.BadParameter(
                f"{path} is there already and is no page of a replay: name another file, or remove it",
                param_hint=_HINT,
            )
        file = part.open("w", encoding="utf-8", newline="\n")
    except OSError as error:
        raise click.BadParameter(f"{path} cannot be written: {error.strerror}", param_hint=_HINT) from None
    stack.callback(part.unlink, missing_ok=True)
    stack.callback(file.close)
    return part, file


def _is_page(path: Path) -> bool:
    begins = BEGINS.encode()
    with path.open("rb") as file:
        return file.read(len(begins)) == begins
