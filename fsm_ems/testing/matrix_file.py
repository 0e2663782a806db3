"""The file format of order state scenarios: the FIX matrices as data, read and checked.

A file is a JSON list of scenarios, each a path through one or more orders, step by step. What
looks misspelt is refused: it would be compared with nothing, and the scenario pass. Fields and messages that
resemble none of the format's are let be. Numbers are read as Decimal.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal, cast

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter, ValidationError

from fsm_ems.errors import OrderFileError, brief
from fsm_ems.numbers import NotNegative
from fsm_ems.testing.matrix_words import (
    EXEC_TYPES,
    HINTS,
    MESSAGES,
    ORD_STATUSES,
    TIMES_IN_FORCE,
    Codes,
    meant,
    plain_word,
)


def _as_word(value: object) -> str:
    if value is not None and not isinstance(value, str):
        raise ValueError(f"a name is needed, and {brief(value)} is none")
    return plain_word(value)


def _as_text(value: object) -> object:
    return str(value) if isinstance(value, int | Decimal) and not isinstance(value, bool) else value


def _as_flag(value: object) -> bool:
    """Set unless absent, false or a word for no: ``split`` may be true, ``"2:1"`` or a table."""
    return value not in (None, False, 0, "", "N", "n", "no", "false")


def _as_several(value: object) -> object:
    return (value,) if isinstance(value, str) else value or ()


Word = Annotated[str, BeforeValidator(_as_word)]
"""A FIX name, as :func:`plain_word` makes it; the empty word where FIX prints nothing."""
Text = Annotated[str, BeforeValidator(_as_text)]
Several = Annotated[tuple[str, ...], BeforeValidator(_as_several)]
Flag = Annotated[bool, BeforeValidator(_as_flag)]


class Step(BaseModel):
    """One message of a scenario, or a note of what happened outside the session.

    *hint* is the state a client should hold after it, *other_hints* equally good ones; None says nothing.
    ``stale`` and ``replay`` mark a report that comes late or again. From *comment* on the fields are
    read and let be; the others are played or compared.
    """

    model_config = ConfigDict(frozen=True, extra="allow", arbitrary_types_allowed=True)

    n: int
    t: Text = ""
    dir: Literal["client", "broker", "out-of-band"]
    msg: Word
    exec_type: Word = ""
    ord_status: Word = ""
    order_qty: NotNegative | None = None
    cum_qty: NotNegative | None = None
    leaves_qty: NotNegative | None = None
    last_qty: NotNegative | None = None
    avg_px: NotNegative | None = None
    last_px: NotNegative | None = None
    price: NotNegative | None = None
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
    exec_type_code: Text | None = None
    ord_status_code: Text | None = None
    comment: str | None = None
    day_order_qty: NotNegative | None = None
    day_cum_qty: NotNegative | None = None
    day_avg_px: NotNegative | None = None
    cash_order_qty: NotNegative | None = None
    optional: Flag = False
    crossing: Flag = False
    unsolicited: Flag = False
    duplicate: Flag = False
    poss_resend: Flag = False
    working_indicator: Flag = False
    implies_replaced: Flag = False
    overfill: Flag = False

    @property
    def hints(self) -> tuple[str, ...]:
        """Every state that is right after this step; empty where nothing is said."""
        return () if self.hint is None else (self.hint, *self.other_hints)


class Scenario(BaseModel):
    """A path through the life of one or more orders.

    *spec_anomalies* names, by the rule they break and by their time, printed figures that are not to be
    reproduced.
    """

    model_config = ConfigDict(frozen=True, extra="allow")

    id: Text = Field(min_length=1)
    title: str | None = None
    group: Text | None = None
    source_confidence: str | None = None
    variant_of: Text | None = None
    notes: Any = None
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


def _each_once(pairs: Sequence[tuple[str, object]]) -> dict[str, object]:
    """An object as a dict; of a field that is there twice the first would be lost."""
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"{next(name for name in names if names.count(name) > 1)} is there twice")
    return found


def parse(text: str, where: str) -> tuple[Scenario, ...]:
    """The scenarios in *text*; *where* names it in errors.

    Raises:
        OrderFileError: no JSON, or not of the format; the first fault is named by its scenario, step and
            field.
    """
    try:
        found = json.loads(text, parse_float=Decimal, parse_constant=_no_number, object_pairs_hook=_each_once)
    except ValueError as error:
        raise OrderFileError(where, f"no JSON: {error}") from None
    except RecursionError:
        raise OrderFileError(where, "no JSON: nested too deeply") from None
    if not isinstance(found, list) or not found:  # of none, all would pass
        raise OrderFileError(where, "a list of scenarios is needed")
    try:
        scenarios = _scenarios.validate_python(found)
    except ValidationError as error:
        raise OrderFileError(where, _told(error, cast("list[object]", found))) from None
    for scenario in scenarios:
        for field, wrong in (*_misspelt(scenario), *_wrong_time(scenario.time_in_force)):
            raise OrderFileError(where, f"scenario {scenario.id}: {field}: {wrong}")
        last = 0
        for place, step in enumerate(scenario.steps, 1):
            for field, wrong in _wrong_words(step, last):
                raise OrderFileError(where, f"scenario {scenario.id}, step {place}: {field}: {wrong}")
            last = step.n
    return scenarios


def _told(error: ValidationError, found: Sequence[object]) -> str:
    """The first fault in words, named as whoever reads the file finds it."""
    fault = error.errors(include_url=False, include_context=False, include_input=False)[0]
    first, *rest = fault["loc"]
    scenario = found[first] if isinstance(first, int) else None
    name: object = cast("dict[str, object]", scenario).get("id") if isinstance(scenario, dict) else None
    place = f"scenario {name}" if isinstance(name, str) and name else f"scenario {int(first) + 1} of the file"
    if len(rest) > 1 and rest[0] == "steps":
        place, rest = f"{place}, step {int(rest[1]) + 1}", rest[2:]
    field = ".".join(str(part) for part in rest)
    why = fault["msg"].removeprefix("Value error, ")
    return ": ".join(filter(None, (place, field, why)))


def _misspelt(part: Scenario | Step) -> Iterator[tuple[str, str]]:
    """Fields that the format does not have, and that resemble one which *part* may have."""
    known = [one.alias or name for name, one in type(part).model_fields.items()]
    for field in part.model_extra or ():
        own = type(part).model_fields.get(field)  # the name that it has here, and not in a file
        near = meant(field, known) if own is None else own.alias
        if near:
            yield field, f"the format has no such field; did you mean {near}?"


def strange_fields(scenarios: Iterable[Scenario]) -> list[str]:
    """The fields that the format does not have: nothing is compared with them."""
    parts = (part for scenario in scenarios for part in (scenario, *scenario.steps))
    return sorted({field for part in parts for field in part.model_extra or ()})


def _wrong_words(step: Step, last: int) -> Iterator[tuple[str, str]]:
    """The fields of *step*, which comes after number *last*, that are none of the format's words."""
    yield from _misspelt(step)
    if step.n <= last:
        yield "n", f"steps are numbered upwards, and {step.n} comes after {last}"
    if step.dir != "out-of-band":
        yield from _misspelt_message(step.msg)
    yield from _wrong_time(step.time_in_force)
    yield from _wrong_code("exec_type", step.exec_type, step.exec_type_code, EXEC_TYPES)
    yield from _wrong_code("ord_status", step.ord_status, step.ord_status_code, ORD_STATUSES)
    if step.cxl_rej_response_to not in (None, "", "1", "2"):
        yield (
            "cxl_rej_response_to",
            f"1 (a cancel) or 2 (an edit) is needed, and no {step.cxl_rej_response_to}",
        )
    for field, hints in (("fsm_hint", step.hints[:1]), ("fsm_hint_alt", step.other_hints)):
        for hint in hints:
            if hint not in HINTS:
                yield field, f"{hint} is no state of an order, such as open or partially_filled"


def _misspelt_message(word: str) -> Iterator[tuple[str, str]]:
    """A message that is most likely misspelt. Others are let be: FIX has more of them than there are here."""
    if word not in MESSAGES and (near := meant(word, sorted(MESSAGES))) is not None:
        yield "msg", f"{word} is not known; did you mean {near}?"


def _wrong_time(word: str) -> Iterator[tuple[str, str]]:
    """A time in force that FIX does not have: the order would be played as one that rests."""
    if word and word not in TIMES_IN_FORCE:
        near = get_close_matches(word, sorted(TIMES_IN_FORCE), n=1)
        yield "time_in_force", f"{word} is not known; did you mean {near[0] if near else 'gtc, ioc or fok'}?"


def _wrong_code(field: str, word: str, code: str | None, known: Codes) -> Iterator[tuple[str, str]]:
    """What in a FIX name or its code is none. Whether one is the other's is compared, as figures are."""
    if word and word not in known:
        near = get_close_matches(word, known, n=1)
        yield field, f"{word} is none of FIX" + (f"; did you mean {near[0]}?" if near else "")
    elif code and not any(code in codes for codes in known.values()):
        yield f"{field}_code", f"{code} is no code of FIX"
    elif code and not word:
        yield field, f"it is needed beside {field}_code {code}"


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
