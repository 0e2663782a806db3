"""A second reader of messages: quicker where numbers come in their usual text form, as nearly all do.

Each number of a message costs a call of ours, and a match. In its usual form, ``"0.10"``, the validating
core can read it alone; for any other it still asks ours. So this reader takes what the first takes, and
refuses what it refuses. But of a number that is refused it has two reasons to tell, the core's and ours: then
the first is to be asked, which tells one.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any, TypeVar, cast

from pydantic import TypeAdapter
from pydantic_core import SchemaValidator, core_schema

from fsm_ems.numbers import USUAL, USUAL_MAX

_T = TypeVar("_T")


def usual_first(adapter: TypeAdapter[_T]) -> SchemaValidator:
    """A reader of the messages of *adapter*, which is to be asked again where this one refuses."""
    return SchemaValidator(_rewritten(adapter.core_schema))


def _rewritten(part: Any) -> Any:  # noqa: ANN401  # a schema is a tree of dicts, lists and anything
    if isinstance(part, list):
        return [_rewritten(inner) for inner in cast("list[object]", part)]
    if not isinstance(part, dict):
        return part
    schema = cast("dict[str, Any]", part)
    if schema.get("type") == "function-plain" and isinstance(schema["function"], dict):
        return _usual(schema)
    rewritten = {key: _rewritten(inner) for key, inner in schema.items()}
    if schema.get("type") == "dataclass":
        # Else the core takes the reader that the class has already. Of what is generic it makes one anew.
        rewritten["generic_origin"] = schema["cls"]
    return rewritten


def _usual(ours: Any) -> Any:  # noqa: ANN401  # parts of a schema
    form = USUAL.get(ours["function"]["function"])
    if form is None:
        return ours
    text = core_schema.str_schema(strict=True, max_length=USUAL_MAX, pattern=form)
    number = core_schema.no_info_after_validator_function(Decimal, text)
    return core_schema.union_schema([number, ours], mode="left_to_right")
