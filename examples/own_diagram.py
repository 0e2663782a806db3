"""Follow an order with a machine of the `transitions` library: callbacks of your own, and a diagram.

The table of the EMS is compiled into a `GraphMachine`, which writes mermaid and needs no graphviz for it. A
model follows the order from outside: whatever its callbacks do, the order goes its own way. Run
``python examples/own_diagram.py > way.mmd``: in the diagram the states that the order passed are blue, and
the one it ended in is red. What the callbacks say goes to standard error.
"""

import sys

import trio
from transitions.extensions import GraphMachine

from fsm_ems import ORDER, OrderEvent, OrderState, PaperBroker, new_order, open_ems
from fsm_ems.machines.compile import bind, compile_table


class Way:
    """The model: it gets a ``state``, and the library calls ``on_enter_STATE`` and what the machine names."""

    def __init__(self) -> None:
        self.state: OrderState = ORDER.initial
        self.passed: list[OrderState] = [self.state]

    def note(self) -> None:
        """Named below as ``after_state_change``: called after every step, stay or move."""
        if self.state is not self.passed[-1]:
            self.passed.append(self.state)

    def on_enter_DARK_TRIGGERED(self) -> None:  # noqa: N802 -- the library's name for our state
        """Its price was met."""
        print("met: it goes out now", file=sys.stderr)


async def main() -> None:
    """A dark order of a made-up market, from the wish to its end."""
    compiled = compile_table(ORDER, GraphMachine, graph_engine="mermaid", after_state_change="note")
    way = Way()
    mirror = bind(way, compiled)
    async with open_ems(PaperBroker.synthetic(seed=5)) as ems:
        wish = {"market": "xbtusd.paper", "side": "sell", "size": "0.1", "mode": "dark"}
        order = await ems.submit(new_order(trigger="stop", price="49992", **wish))
        async for status in order:
            for event in filter(None, (status.event, status.then)):
                fault = mirror.follow(OrderEvent(event), ORDER.step(way.state, OrderEvent(event)))
                assert fault is None, fault  # what a callback raised; the order would not have noticed
    machine = compiled.machine
    assert isinstance(machine, GraphMachine), "it was compiled to one"
    graph = machine.model_graphs[id(way)]
    for state in way.passed:
        graph.set_node_style(state.name, "active" if state is way.state else "previous")
    print(graph.get_graph("title: The way of one order").draw(None))
    mirror.release()


if __name__ == "__main__":
    trio.run(main)
