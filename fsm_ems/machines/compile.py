"""A proven table as a machine of the ``transitions`` library, for embedders; the one file that knows it.

The core never runs this: it steps through the table's own dictionary, and a test walks every pair to
prove the two agree. It is here for what the library does well: callbacks on a model of the embedder's,
nesting, ``GraphMachine``.

Of the library (0.9.3) one should know, and this file takes care of it:

* A second row for one trigger and source, and a misspelt state, are accepted in silence. Only a
  :class:`~fsm_ems.machines.table.Table` is compiled, and that was proven when it was made.
* A callback that raises leaves the model's state moved or not, by where it raised. A :class:`Mirror`
  puts the model where the book says.
* ``Machine.models`` keeps every model alive, and is scanned, with ``==``, for each one bound. Models
  bound here are never in that list.
* A method such as ``on_enter_FILLED`` is noted in the machine by name and then called on every model,
  so one machine serves models of one class: see :func:`bind`.
* Every trigger is logged at INFO under ``transitions.core``.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from transitions import Machine, MachineError
from transitions.extensions.nesting import HierarchicalMachine

from fsm_ems.errors import ClientFault, IllegalTransition
from fsm_ems.machines.table import Row, Table

if TYPE_CHECKING:  # only the library's stubs have this name
    from transitions.core import TransitionConfigDict

S = TypeVar("S", bound=StrEnum)
E = TypeVar("E", bound=StrEnum)

RESERVED = frozenset({"trigger"})
"""Names the library puts on a model for itself; an event called so gets a trailing underscore."""


SHOWN_MAX = 5
"""How many attributes in the way are named."""


class Cell(Protocol[S]):
    """Anything that can be moved: it has a state."""

    state: S


class Compiled(Generic[S, E]):
    """A table and the ``transitions`` machine made from it.

    *machine* is the embedder's to hang callbacks on. A row that stays in its state is an internal
    transition: it runs ``before_state_change`` and ``after_state_change``, and no state's ``on_exit``
    or ``on_enter``. Ends are ``final`` to the library: entering one runs ``on_final``.
    """

    def __init__(self, table: Table[S, E], machine: Machine) -> None:
        self.table = table
        self.machine = machine
        self.kind: type[object] | None = None

    def fire(self, cell: Cell[S], event: E) -> S:
        """Move *cell* by *event* and return its new state.

        What callbacks on the machine raise passes through.

        Raises:
            IllegalTransition: there is no row for the pair; the cell is as it was.
        """
        source = cell.state
        try:
            taken = self._trigger(cell, event)
        except MachineError as exc:
            raise IllegalTransition(self.table.name, source, event, self.table.legal(source)) from exc
        if not taken:  # the embedder gave the machine an `on_exception`, which kept the refusal
            raise IllegalTransition(self.table.name, source, event, self.table.legal(source))
        return cell.state

    def _trigger(self, cell: Cell[S], event: E) -> bool:
        name = trigger_name(event)
        if isinstance(self.machine, HierarchicalMachine):
            return bool(self.machine.trigger_event(cell, name))
        return self.machine.events[name].trigger(cell)


def trigger_name(event: StrEnum) -> str:
    """What the library calls *event*: its own name, unless the library uses that itself."""
    return f"{event.value}_" if event.value in RESERVED else event.value


def compile_table(
    table: Table[S, E],
    machine_class: type[Machine] = Machine,
    **options: Any,  # noqa: ANN401  # the library's own, such as GraphMachine's graph_engine
) -> Compiled[S, E]:
    """Build a new machine of *machine_class* from a proven table; *options* go to its constructor.

    Raises:
        ClientFault: a nested machine's separator occurs in a state's name, so it would look for a
            parent that does not exist.
    """
    if issubclass(machine_class, HierarchicalMachine):
        separator = machine_class.state_cls.separator
        if torn := [state.name for state in table.states if separator in state.name]:
            raise ClientFault(
                f"{machine_class.__name__} would split {', '.join(torn)} at {separator!r}; "
                "give it a state_cls with another separator"
            )
    machine = machine_class(
        model=None,
        states=[{"name": state, "final": state in table.ends} for state in table.states],
        initial=table.initial,
        transitions=[_transition(row) for row in table.rows],
        name=table.name,
        auto_transitions=False,
        ignore_invalid_triggers=False,
        queued=False,
        **options,
    )
    return Compiled(table, machine)


def _transition(row: Row[S, E]) -> TransitionConfigDict:
    dest = None if row.dest is row.source else row.dest
    return {"trigger": trigger_name(row.event), "source": row.source, "dest": dest}


class Mirror(Generic[S, E]):
    """An embedder's model that follows one order or link. Made by :func:`bind`.

    The book leads: a step is mirrored after it was taken, and nothing the model does comes back into
    the book. Release it when it is not needed any more; the order's end is a good moment.
    """

    def __init__(self, compiled: Compiled[S, E], model: object, grafts: frozenset[str]) -> None:
        self._compiled = compiled
        self._model: Any = model  # the library gave it attributes no checker knows
        self._grafts = grafts

    def follow(self, event: E, state: S) -> Exception | None:
        """Take *event* on the model; afterwards its state is *state*, whatever its callbacks did.

        Returns:
            What a callback raised, or what was wrong with where the model stood; None if all went well.
            It is the caller's to log: it changes nothing here.

        Raises:
            ClientFault: the mirror was released.
        """
        if self._model is None:
            raise ClientFault("this mirror was released")
        fault: Exception | None = None
        try:
            arrived = self._compiled.fire(self._model, event)
        except Exception as exc:  # noqa: BLE001  # any fault of the embedder's model is theirs to see, not ours to suffer
            fault = exc
        else:
            if arrived != state:
                fault = ClientFault(f"the model went to {arrived} by {event}; it is put back to {state}")
        if fault is not None:
            self._compiled.machine.set_state(state, self._model)
        return fault

    def release(self) -> None:
        """Let the model go: it keeps its state and loses what the library put on it. Idempotent."""
        model: Any = self._model
        self._model = None
        if model is None:
            return
        machine = self._compiled.machine
        with _alone(machine):
            machine.models = [model]
            machine.remove_model(model)
        for name in self._grafts:
            model.__dict__.pop(name, None)


def bind(model: object, compiled: Compiled[S, E], state: S | None = None) -> Mirror[S, E]:
    """Make *model* mirror an order or link that is in *state* (the initial one if not given).

    The model gets a ``state``, and the library's own methods (``is_OPEN()``, ``may_cancel()`` …); its
    methods such as ``on_enter_FILLED`` are called. One :class:`Compiled` serves models of one class.

    Raises:
        ClientFault: the model cannot take attributes, has some that are in the way, or is not of the
            class this machine was first bound to. The model is as it was.
    """
    if not hasattr(model, "__dict__"):
        raise ClientFault(f"a {type(model).__name__} has no room for a state: it has slots only")
    if compiled.kind not in (None, type(model)):
        raise ClientFault(
            f"this machine serves {compiled.kind.__name__ if compiled.kind else ''} models; "
            f"compile the table again for {type(model).__name__}"
        )
    if taken := _in_the_way(model, compiled):
        raise ClientFault(
            f"this {type(model).__name__} has attributes in the way: {', '.join(taken[:SHOWN_MAX])}"
            f"{f' and {len(taken) - SHOWN_MAX} more' if len(taken) > SHOWN_MAX else ''}; "
            "a model that is bound already must be released first"
        )
    before = set(vars(model))
    with _alone(compiled.machine):
        compiled.machine.add_model([model], initial=compiled.table.initial if state is None else state)
    compiled.kind = type(model)
    return Mirror(compiled, model, frozenset(set(vars(model)) - before - {"state"}))


def _in_the_way(model: object, compiled: Compiled[S, E]) -> list[str]:
    """Attributes the library would not replace: it would warn in the log and go on half bound."""
    triggers = [trigger_name(event) for event in compiled.table.events]
    names = ["trigger", "may_trigger", *triggers, *(f"may_{name}" for name in triggers)]
    names += [f"is_{state.name}" for state in compiled.table.states]
    return [name for name in names if getattr(model, name, None) is not None]


@contextmanager
def _alone(machine: Machine) -> Generator[None]:
    """The machine without its list of models, so that none is kept, scanned or mistaken for an equal one."""
    kept, machine.models = machine.models, []
    try:
        yield
    finally:
        machine.models = kept
