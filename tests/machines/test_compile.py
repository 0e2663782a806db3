"""The compiled machine agrees with the table on every pair; a mirror follows and changes nothing."""
# ruff: noqa: ANN401, N802  # the library grafts on any object, and callbacks carry its names of our states

import dataclasses
import gc
import logging
import weakref
from dataclasses import dataclass
from typing import Any

import pytest
from transitions import Machine
from transitions.extensions import GraphMachine, HierarchicalMachine
from transitions.extensions.nesting import NestedState

from fsm_ems.errors import ClientFault, IllegalTransition
from fsm_ems.machines.compile import Compiled, bind, compile_table, trigger_name
from fsm_ems.machines.link import LINK
from fsm_ems.machines.order import ORDER, OrderState
from fsm_ems.machines.order_events import OrderEvent

S, E = OrderState, OrderEvent


class DotState(NestedState):
    """A state whose nesting is written with a dot: our names have underscores."""

    separator = "."


class DotNested(HierarchicalMachine):
    """A nested machine that can hold ``dark_open``."""

    state_cls = DotState


@dataclass
class Dot:
    """Nothing but a state."""

    state: Any


COMPILED: dict[str, Compiled[Any, Any]] = {
    "order": compile_table(ORDER),
    "link": compile_table(LINK),
    "order, nested": compile_table(ORDER, DotNested),
}
PLACES = [(name, state) for name, compiled in COMPILED.items() for state in compiled.table.states]


@pytest.mark.parametrize(("name", "state"), PLACES)
def test_table_and_compiled_machine_agree_on_every_event(name: str, state: Any) -> None:
    compiled = COMPILED[name]
    table = compiled.table

    for event in table.events:
        cell, dest = Dot(state), table.moves[state].get(event)
        if dest is None:
            with pytest.raises(IllegalTransition) as by_table:
                table.step(state, event)
            with pytest.raises(IllegalTransition) as by_machine:
                compiled.fire(cell, event)

            assert table.outcome(state, event) == table.columns[event].default
            assert (state, event) not in table.row_of
            assert str(by_table.value) == str(by_machine.value)
            assert by_machine.value.legal == table.legal(state)
            assert cell.state is state
        else:
            assert dest is table.step(state, event)
            assert dest is table.outcome(state, event)
            assert dest is table.row_of[state, event].dest
            assert dest is compiled.fire(cell, event)
            assert dest is cell.state


@pytest.mark.parametrize("compiled", COMPILED.values(), ids=COMPILED)
def test_machine_has_no_move_the_table_lacks(compiled: Compiled[Any, Any]) -> None:
    table = compiled.table
    moves = [
        (transition.source, name, transition.dest or transition.source)
        for name in compiled.machine.events
        for transition in compiled.machine.get_transitions(name)
    ]

    assert sorted((row.source.name, trigger_name(row.event), row.dest.name) for row in table.rows) == sorted(
        moves
    )
    assert [state.name for state in table.states] == list(compiled.machine.states)
    assert {s.name for s in table.ends} == {name for name, s in compiled.machine.states.items() if s.final}


def test_refusal_kept_by_the_embedders_on_exception_is_still_a_refusal() -> None:
    kept: list[object] = []
    compiled = compile_table(ORDER, on_exception=lambda *_: kept.append(1))
    cell = Dot(S.NEW)

    with pytest.raises(
        IllegalTransition, match="order in new cannot take fill; legal here: submit, submit_dark"
    ):
        compiled.fire(cell, E.FILL)

    assert (cell.state, kept) == (S.NEW, [1])


class Recorder:
    """A model as embedders write them."""

    def __init__(self, fail_at: str = "") -> None:
        self.seen: list[str] = []
        self.fail_at = fail_at

    def _note(self, where: str) -> None:
        self.seen.append(where)
        if where == self.fail_at:
            raise ValueError(where)

    def on_enter_PENDING(self) -> None:
        self._note("enter pending")

    def on_exit_PENDING(self) -> None:
        self._note("exit pending")

    def on_enter_OPEN(self) -> None:
        self._note("enter open")


LIFE = [
    (E.SUBMIT, S.PENDING),
    (E.ACK, S.ACKED),
    (E.OPENED, S.OPEN),
    (E.FILL, S.OPEN),
    (E.FILL_COMPLETE, S.FILLED),
]


def test_mirror_follows_a_life_and_a_stay_enters_nothing() -> None:
    model: Any = Recorder()
    mirror = bind(model, compile_table(ORDER))

    faults = [mirror.follow(event, state) for event, state in LIFE]

    assert faults == [None] * 5
    assert model.seen == ["enter pending", "exit pending", "enter open"]
    assert model.state is S.FILLED
    assert model.is_FILLED()


@pytest.mark.parametrize("fail_at", ["enter pending", "exit pending", "enter open"])
def test_models_exception_is_returned_and_the_model_stays_in_step(fail_at: str) -> None:
    model: Any = Recorder(fail_at)
    mirror = bind(model, compile_table(ORDER))
    faults: list[Exception | None] = []

    for event, state in LIFE:
        faults.append(mirror.follow(event, state))
        assert model.state is state

    assert [str(fault) for fault in faults if fault] == [fail_at]


def test_model_that_moves_itself_is_put_back_and_told() -> None:
    class Restless:
        state: Any

        def on_enter_ACKED(self) -> None:
            self.state = S.REJECTED

    model = Restless()
    mirror = bind(model, compile_table(ORDER), S.PENDING)

    fault = mirror.follow(E.ACK, S.ACKED)

    assert str(fault) == "the model went to rejected by ack; it is put back to acked"
    assert model.state is S.ACKED


def test_model_found_elsewhere_is_put_where_the_book_is() -> None:
    model = Dot(None)
    mirror = bind(model, compile_table(ORDER), S.OPEN)
    model.state = S.NEW

    assert isinstance(mirror.follow(E.FILL, S.OPEN), IllegalTransition)
    assert model.state is S.OPEN


def test_interrupt_in_a_callback_is_not_held_back() -> None:
    class Interrupting:
        def on_enter_PENDING(self) -> None:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        bind(Interrupting(), compile_table(ORDER)).follow(E.SUBMIT, S.PENDING)


@pytest.mark.parametrize("machine_class", [Machine, DotNested, GraphMachine])
def test_released_model_is_not_kept(machine_class: type[Machine]) -> None:
    options = {"graph_engine": "mermaid"} if machine_class is GraphMachine else {}
    compiled = compile_table(ORDER, machine_class, **options)
    model: Any = Recorder()
    before = set(vars(model))
    mirror = bind(model, compiled)
    mirror.follow(*LIFE[0])

    mirror.release()
    mirror.release()

    assert model.state is S.PENDING
    assert set(vars(model)) - before == {"state"}
    gone = weakref.ref(model)
    del model
    gc.collect()
    assert gone() is None
    with pytest.raises(ClientFault, match="released"):
        mirror.follow(*LIFE[1])


def test_bound_models_are_not_in_the_machines_list_and_equal_ones_are_told_apart() -> None:
    @dataclass
    class Equal:
        name: str = "same"

    compiled = compile_table(ORDER)
    own = Dot(None)
    compiled.machine.add_model(own)
    models: list[Any] = [Equal(), Equal()]
    mirrors = [bind(model, compiled) for model in models]

    mirrors[1].follow(*LIFE[0])
    mirrors[1].release()
    mirrors[0].follow(*LIFE[0])

    assert models[0] == models[1]
    assert [model.state for model in models] == [S.PENDING, S.PENDING]
    assert compiled.machine.models == [own]


def test_model_stays_bound_while_its_mirror_lives() -> None:
    compiled = compile_table(ORDER)
    mirror = bind(Recorder(), compiled)
    gc.collect()

    assert mirror.follow(*LIFE[0]) is None
    assert compiled.machine.models == []


def test_one_machine_serves_one_class_of_models() -> None:
    compiled = compile_table(ORDER)
    bind(Recorder(), compiled)

    with pytest.raises(ClientFault, match="serves Recorder models; compile the table again for Dot"):
        bind(Dot(None), compiled)


def test_model_without_room_or_with_attributes_in_the_way_is_refused_untouched() -> None:
    @dataclass(slots=True)
    class Slotted:
        state: Any = None

    class Occupied:
        def cancel(self) -> None: ...

    occupied = Occupied()

    with pytest.raises(ClientFault, match="has slots only"):
        bind(Slotted(), compile_table(ORDER))
    with pytest.raises(ClientFault, match="attributes in the way: cancel"):
        bind(occupied, compile_table(ORDER))
    assert vars(occupied) == {}


def test_model_bound_twice_is_refused() -> None:
    model, compiled = Recorder(), compile_table(ORDER)
    bind(model, compiled)

    told = (
        r"in the way: trigger, may_trigger, submit, .* and \d+ more; .*bound already must be released first$"
    )
    with pytest.raises(ClientFault, match=told):
        bind(model, compiled)


def test_binding_warns_of_nothing(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        bind(Recorder(), compile_table(ORDER)).release()

    assert caplog.records == []


def test_names_with_underscores_are_refused_by_a_machine_that_splits_there() -> None:
    with pytest.raises(ClientFault, match=r"would split DARK_OPEN, .* at '_'"):
        compile_table(ORDER, HierarchicalMachine)


def test_graph_machine_draws_the_bound_model() -> None:
    model: Any = Recorder()
    mirror = bind(model, compile_table(ORDER, GraphMachine, graph_engine="mermaid"))
    mirror.follow(*LIFE[0])

    assert "Class PENDING s_active" in model.get_graph().source


class TestTrapsOfTheLibrary:
    """What ``transitions`` accepts in silence and our table does not; see also test_table."""

    @staticmethod
    def machine(*rows: tuple[str, str, str]) -> Any:
        return Machine(model=None, states=["a", "b", "c"], initial="a", transitions=list(map(list, rows)))

    def test_second_row_for_a_pair_is_accepted_and_never_taken(self) -> None:
        cell = Dot("a")
        self.machine(("go", "a", "b"), ("go", "a", "c")).events["go"].trigger(cell)

        assert cell.state == "b"

    def test_misspelt_states_are_accepted_until_they_are_met(self) -> None:
        machine = self.machine(("go", "a", "bb"), ("go", "aa", "b"))

        with pytest.raises(ValueError, match="'bb' is not a registered state"):
            machine.events["go"].trigger(Dot("a"))

    def test_back_doors_are_on_by_default_and_off_in_ours(self) -> None:
        assert "to_c" in self.machine().events
        assert set(COMPILED["order"].machine.events) == {trigger_name(event) for event in ORDER.events}

    def test_on_enter_that_raises_leaves_the_state_moved(self) -> None:
        machine, cell = self.machine(("go", "a", "b")), Dot("a")

        def fail() -> None:
            raise ValueError("boom")

        machine.states["b"].add_callback("enter", fail)
        with pytest.raises(ValueError, match="boom"):
            machine.events["go"].trigger(cell)

        assert cell.state == "b"

    def test_equal_models_are_bound_once(self) -> None:
        model = dataclasses.make_dataclass("Model", [])
        machine, (one, two) = self.machine(("go", "a", "b")), (model(), model())
        machine.add_model(one)
        machine.add_model(two)

        assert hasattr(one, "go")
        assert not hasattr(two, "go")

    def test_callback_of_one_class_is_called_on_another(self) -> None:
        machine, one, two = (
            self.machine(("go", "a", "b")),
            type("One", (), {"on_enter_b": lambda _: None})(),
            Dot("a"),
        )
        machine.add_model(one)
        machine.add_model(two)

        with pytest.raises(AttributeError, match="on_enter_b"):
            machine.events["go"].trigger(two)
