"""The parts of a book as plain structs, and back: dialogs, positions, and what moves positions.

See :mod:`fsm_ems.journal.snapshot_form`. A class without annotations has a table of its slots here, which is
held against the class when this file is imported.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from functools import reduce
from operator import attrgetter
from sys import intern
from typing import Any, get_args, get_type_hints

import msgspec

from fsm_ems.accounting.clear import Event, Ident, ident
from fsm_ems.accounting.fold import Fold
from fsm_ems.accounting.position import Position
from fsm_ems.dialogs.facts import Body, CancelRequest, Dialog, EditRequest, EditTerms, Execution
from fsm_ems.machines.order import OrderState, S
from fsm_ems.market import Market

Hints = dict[str, Any]


def many(of: Any) -> Any:  # noqa: ANN401 -- types are made here
    """The type of any number of these."""
    return tuple.__class_getitem__((of, ...))


def _either(one: Any, other: Any) -> Any:  # noqa: ANN401 -- types are made here
    return one | other


def pairs_of(key: Any, value: Any) -> Any:  # noqa: ANN401 -- types are made here
    """The type of a table as pairs, whose order is kept."""
    return many(tuple.__class_getitem__((key, value)))


def mirror(name: str, hints: Mapping[str, Any], tag: str | None = None) -> Any:  # noqa: ANN401 -- a class of its own
    """A struct of these fields and no behaviour: an array in JSON, each place with its type."""
    return msgspec.defstruct(
        name, [*hints.items()], tag=tag, array_like=True, forbid_unknown_fields=True, frozen=True, gc=False
    )


def checked(kind: type[Any], hints: Hints, derived: Iterable[str] = ()) -> Hints:
    """*hints*, which name every slot of *kind* but those that are *derived* from the others."""
    otherwise = {*hints, *derived} ^ set(kind.__slots__)
    assert not otherwise, f"{kind.__name__} is kept otherwise: {sorted(otherwise)}"
    return hints


# ── what moves a position ───────────────────────────────────────────────────────────────────────────

_KINDS: dict[type[Any], Any] = {
    kind: mirror(kind.__name__, get_type_hints(kind), kind.__name__) for kind in get_args(Event)
}
_VALUES: dict[type[Any], Callable[[Any], tuple[Any, ...]]] = {
    kind: attrgetter(*get_type_hints(kind)) for kind in _KINDS
}
_BACK = {mirror: (kind, _VALUES[kind]) for kind, mirror in _KINDS.items()}
ANY_EVENT: Any = reduce(_either, _KINDS.values())
"""The type of any of them."""


def formed_event(event: Event) -> Any:  # noqa: ANN401 -- one of the mirrors
    """*event* as a plain struct."""
    kind = type(event)
    return _KINDS[kind](*_VALUES[kind](event))


def event_of(mirror: Any) -> Event:  # noqa: ANN401 -- one of the mirrors
    """The event of it."""
    kind, values = _BACK[type(mirror)]
    made: Event = kind(*values(mirror))
    return made


_FOLD = checked(
    Fold,
    {
        "quote": str,
        "count": int,
        "opened": int,
        "per": Decimal | None,  # None: that of the size
        "other_fees": dict[str, Decimal] | None,
        "part": Decimal | None,
        **dict.fromkeys(
            ("cash", "cost", "fee_cost", "fees", "flat_cash", "flat_fees", "flat_moved"), Decimal
        ),
        **dict.fromkeys(("moved", "share", "share_of", "size"), Decimal),
    },
)
_FoldForm = mirror("Fold", _FOLD)
_fold_values = attrgetter(*_FOLD)
_PER, _SIZE = [*_FOLD].index("per"), [*_FOLD].index("size")

_POSITION = checked(
    Position,
    {
        "market": Market,
        "account": str,
        "displaced": int,
        "_keep": int,
        "_base": tuple[int, str] | None,
        "_due": int,
        "_flat_due": int,
        "_events": many(ANY_EVENT),
        "_gone": tuple[Ident, ...],
        "_summed": tuple[Ident, ...],
        "_fold": _FoldForm,
        "_marks": many(_FoldForm),
    },
    ("_known",),
)
PositionForm = mirror("Position", _POSITION)


def _folded(fold: Fold) -> Any:  # noqa: ANN401 -- the mirror
    values = [*_fold_values(fold)]
    if fold.per is fold.size:
        values[_PER] = None
    return _FoldForm(*values)


def _fold_of(mirror: Any) -> Fold:  # noqa: ANN401 -- the mirror
    fold, values = Fold(mirror.quote), [*_fold_values(mirror)]
    if values[_PER] is None:
        values[_PER] = values[_SIZE]
    for name, value in zip(_FOLD, values, strict=True):
        setattr(fold, name, value)
    return fold


_FORMED: dict[str, Callable[[Any], Any]] = {
    "_events": lambda events: tuple(map(formed_event, events)),
    "_gone": tuple,
    "_summed": tuple,
    "_fold": _folded,
    "_marks": lambda marks: tuple(map(_folded, marks)),
}
_UNFORMED: dict[str, Callable[[Any], Any]] = {
    "_events": lambda events: [*map(event_of, events)],
    "_gone": dict.fromkeys,
    "_summed": dict.fromkeys,
    "_fold": _fold_of,
    "_marks": lambda marks: [*map(_fold_of, marks)],
}


def as_it_is(value: Any) -> Any:  # noqa: ANN401 -- any value
    """Nothing is to be done."""
    return value


def formed_position(position: Position) -> Any:  # noqa: ANN401 -- the mirror
    """*position* as a plain struct."""
    return PositionForm(*(_FORMED.get(name, as_it_is)(getattr(position, name)) for name in _POSITION))


def position_of(mirror: Any) -> Position:  # noqa: ANN401 -- the mirror
    """The position of it."""
    position = Position(mirror.market, mirror.account)
    for name in _POSITION:
        setattr(position, name, _UNFORMED.get(name, as_it_is)(getattr(mirror, name)))
    known = {ident(event_of(event)) for event in mirror._events}  # noqa: SLF001 -- it is not its own
    setattr(position, "_known", known)  # noqa: B010 -- as the others
    return position


# ── dialogs ─────────────────────────────────────────────────────────────────────────────────────────

_CANCEL = checked(
    CancelRequest,
    {
        "reqid": int | str | None,
        **dict.fromkeys(("wanted", "out", "pending"), bool),
        **dict.fromkeys(("deadline_ns", "again_ns", "every_ns", "theirs_ns"), int),
    },
)
_EDIT = checked(
    EditRequest,
    {
        "edit_id": str,
        "reqid": int | str,
        "size": Decimal | None,
        "price": Decimal | None,
        "reopens": bool,
        "out": bool,
        "pending": bool,
        "deadline_ns": int,
        "settled": bool,
    },
)
_CancelForm, _EditForm = mirror("Cancel", _CANCEL), mirror("Edit", _EDIT)
_cancel_values, _edit_values = attrgetter(*_CANCEL), attrgetter(*_EDIT)
_DIALOG: Hints = {
    **{
        name: OrderState if hint is S else OrderState | None if hint == S | None else hint
        for name, hint in get_type_hints(Dialog).items()
    },
    "cancel": _CancelForm | None,
    "edits": many(_EditForm),
    "edit_ids": dict[str, EditTerms],
}
DialogForm = mirror("Dialog", _DIALOG)
_dialog_values = attrgetter(*_DIALOG)
_CANCEL_AT, _EDITS_AT, _IDS_AT = ([*_DIALOG].index(name) for name in ("cancel", "edits", "edit_ids"))


def formed_dialog(dialog: Dialog) -> Any:  # noqa: ANN401 -- the mirror
    """*dialog* as a plain struct."""
    values = [*_dialog_values(dialog)]
    if dialog.cancel is not None:
        values[_CANCEL_AT] = _CancelForm(*_cancel_values(dialog.cancel))
    if dialog.edits:
        values[_EDITS_AT] = tuple(_EditForm(*_edit_values(edit)) for edit in dialog.edits)
    values[_IDS_AT] = dict(dialog.edit_ids)
    return DialogForm(*values)


def dialog_of(mirror: Any) -> Dialog:  # noqa: ANN401 -- the mirror
    """The dialog of it."""
    dialog = Dialog(mirror.owner, mirror.oid, mirror.body)
    edit_ids = mirror.edit_ids or dialog.edit_ids  # nearly all share the one that is empty
    for name, value in zip(_DIALOG, _dialog_values(mirror), strict=True):
        setattr(dialog, name, value)
    dialog.edit_ids, dialog.broker = edit_ids, intern(dialog.broker)
    if mirror.cancel is not None:
        dialog.cancel = CancelRequest(None, wanted=False)
        for name, value in zip(_CANCEL, _cancel_values(mirror.cancel), strict=True):
            setattr(dialog.cancel, name, value)
    if mirror.edits:
        dialog.edits = tuple(map(_edit_of, mirror.edits))
    return dialog


def _edit_of(mirror: Any) -> EditRequest:  # noqa: ANN401 -- the mirror
    edit = EditRequest("", "", None, None, reopens=False)
    for name, value in zip(_EDIT, _edit_values(mirror), strict=True):
        setattr(edit, name, value)
    return edit


PARTS: tuple[type[Any], ...] = (
    DialogForm, _CancelForm, _EditForm, PositionForm, _FoldForm, *_KINDS.values(), Body, Execution, Market
)  # fmt: skip  # one name a line says no more
"""Every class of which something is kept."""
