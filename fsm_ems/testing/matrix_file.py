"""The file format of order state scenarios: the FIX matrices as data, read and checked.

A file is a JSON list of scenarios, each a path through one or more orders, step by step. Unknown fields
are let be, so that a file may say more than is compared here. Numbers are read as Decimal.
"""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter, ValidationError

from fsm_ems.errors import OrderFileError

_SPELLINGS = {
    "cancelled": "canceled",
    "replace": "replaced",
    "tradecanceled": "tradecancel",
    "correct": "tradecorrect",
}


def plain_word(text: str | None) -> str:
    """*text* without case and blanks, so that ``Pending Cancel`` and ``PendingCancel`` are one word."""
    word = "".join(letter for letter in text or "" if letter.isalnum()).lower()
    return _SPELLINGS.get(word, word)


def _as_text(value: object) -> object:
    return str(value) if isinstance(value, int | Decimal) and not isinstance(value, bool) else value


def _as_flag(value: object) -> bool:
    """Set unless absent, false or a word for no: ``split`` may be true, ``"2:1"`` or a table."""
    return value not in (None, False, 0, "", "N", "n", "no", "false")


def _as_several(value: object) -> object:
    return (value,) if isinstance(value, str) else value or ()


Word = Annotated[str, BeforeValidator(plain_word)]
"""A FIX name, as :func:`plain_word` makes it; the empty word where FIX prints nothing."""
Text = Annotated[str, BeforeValidator(_as_text)]
Several = Annotated[tuple[str, ...], BeforeValidator(_as_several)]
Flag = Annotated[bool, BeforeValidator(_as_flag)]


class Step(BaseModel):
    """One message of a scenario, or a note of what happened outside the session.

    *hint* is the state a client should hold after it, *other_hints* equally good ones; None says nothing.
    ``stale`` and ``replay`` mark a report that comes late or again.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", arbitrary_types_allowed=True)

    n: int
    t: Text = ""
    dir: Literal["client", "broker", "out-of-band"]
    msg: Word
    exec_type: Word = ""
    ord_status: Word = ""
    order_qty: Decimal | None = None
    cum_qty: Decimal | None = None
    leaves_qty: Decimal | None = None
    last_qty: Decimal | None = None
    avg_px: Decimal | None = None
    last_px: Decimal | None = None
    price: Decimal | None = None
    cl_ord_id: Text | None = None
    orig_cl_ord_id: Text | None = None
    exec_id: Text | None = None
    exec_ref_id: Text | None = None
    time_in_force: Word = ""
    cxl_rej_reason: Text | None = None
    cxl_rej_response_to: Text | None = None
    ord_rej_reason: Text | None = None
    exec_restatement_reason: Text | None = None
    stale: Flag = False
    replay: Flag = False
    gap: Flag = False
    split: Flag = False
    hint: str | None = Field(default=None, alias="fsm_hint")
    other_hints: Several = Field(default=(), alias="fsm_hint_alt")

    @property
    def hints(self) -> tuple[str, ...]:
        """Every state that is right after this step; empty where nothing is said."""
        return () if self.hint is None else (self.hint, *self.other_hints)


class Scenario(BaseModel):
    """A path through the life of one or more orders.

    *spec_anomalies* names, by the rule they break and by their time, printed figures that are not to be
    reproduced.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: Text = Field(min_length=1)
    title: str | None = None
    time_in_force: Word = ""
    spec_anomalies: dict[str, Any] | None = None
    steps: tuple[Step, ...] = Field(min_length=1)

    def anomalies_at(self, t: str) -> list[tuple[str, object]]:
        """The rules broken at time *t*, each with the figure printed there."""
        return [
            (rule, rows[t])
            for rule, rows in (self.spec_anomalies or {}).items()
            if isinstance(rows, dict) and t in rows
        ]


_scenarios: TypeAdapter[tuple[Scenario, ...]] = TypeAdapter(tuple[Scenario, ...])


def _no_number(text: str) -> Decimal:
    raise ValueError(f"{text} is no number to count with")


def parse(text: str, where: str) -> tuple[Scenario, ...]:
    """The scenarios in *text*; *where* names it in errors.

    Raises:
        OrderFileError: no JSON, or not of the format; the first fault is named.
    """
    try:
        found = json.loads(text, parse_float=Decimal, parse_constant=_no_number)
    except ValueError as error:
        raise OrderFileError(where, f"no JSON: {error}") from None
    except RecursionError:
        raise OrderFileError(where, "no JSON: nested too deeply") from None
    if not isinstance(found, list) or not found:  # of none, all would pass
        raise OrderFileError(where, "a list of scenarios is needed")
    try:
        return _scenarios.validate_python(found)
    except ValidationError as error:
        fault = error.errors(include_url=False, include_context=False, include_input=False)[0]
        place = ".".join(str(part) for part in fault["loc"])
        raise OrderFileError(where, f"scenario {place}: {fault['msg']}") from None


def read(path: Path) -> tuple[Scenario, ...]:
    """The scenarios of the file at *path*.

    Raises:
        OrderFileError: it cannot be read, or is not of the format.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise OrderFileError(str(path), f"cannot be read: {error}") from None
    return parse(text, str(path))
