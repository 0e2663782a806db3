"""A second reader of messages: quicker where numbers and request ids come in their usual form, as most do.

Each number of a message costs a call of ours, and a match. In its usual form, ``"0.10"``, the validating
core can read it alone; for any other it still asks ours. So this reader takes what the first takes, and
refuses what it refuses. But of a number that is refused it has two reasons to tell, the core's and ours: then
the first is to be asked, which tells one.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from functools import lru_cache
from typing import Any, TypeVar, cast

from pydantic import TypeAdapter
from pydantic_core import CoreSchema, SchemaValidator, core_schema

from fsm_ems.message_fields import USUAL_REQID, reqid
from fsm_ems.numbers import USUAL, USUAL_MAX

_T = TypeVar("_T")
# Of one market the same sizes and prices come again and again: each is made once, and held once in all that
# is kept of it.
_decimal = lru_cache(maxsize=4_096)(Decimal)


def usual_first(adapter: TypeAdapter[_T], *, whole: bool = False) -> SchemaValidator:
    """A reader of the messages of *adapter*, which is to be asked again where this one refuses.

    A *whole* message has all its fields but for those that are None: no other default stands in for one.
    """
    return SchemaValidator(_rewritten(adapter.core_schema, whole))


def _rewritten(part: Any, whole: bool) -> Any:  # noqa: ANN401, FBT001  # a schema is a tree of dicts, lists and anything; the flag goes all the way down
    if isinstance(part, list):
        return [_rewritten(inner, whole) for inner in cast("list[object]", part)]
    if not isinstance(part, dict):
        return part
    schema = cast("dict[str, Any]", part)
    if schema.get("type") == "function-plain" and isinstance(schema["function"], dict):
        return _usual(schema)
    if whole and schema.get("type") == "default" and schema.get("default") is not None:
        return _rewritten(schema["schema"], whole)
    rewritten = {key: _rewritten(inner, whole) for key, inner in schema.items()}
    if schema.get("type") == "dataclass":
        # Else the core takes the reader that the class has already. Of what is generic it makes one anew.
        rewritten["generic_origin"] = schema["cls"]
    return rewritten


def _usual(ours: Any) -> Any:  # noqa: ANN401  # parts of a schema
    usual = _USUAL.get(ours["function"]["function"])
    return ours if usual is None else core_schema.union_schema([usual, ours], mode="left_to_right")


def _number(form: str) -> CoreSchema:
    text = core_schema.str_schema(strict=True, max_length=USUAL_MAX, pattern=form)
    return core_schema.no_info_after_validator_function(_decimal, text)


_USUAL: dict[Callable[[object], object], CoreSchema] = {
    reqid: core_schema.str_schema(strict=True, pattern=USUAL_REQID),
    **{ours: _number(form) for ours, form in USUAL.items()},
}
