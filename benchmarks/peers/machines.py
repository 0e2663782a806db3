"""What one trigger costs in the two general state machine libraries: transitions and python-statemachine.

Both run the same machine, a ring of 8 states walked by 7 events (the last step uses the first event again),
with no callbacks and no conditions: the least either library can do. transitions drives one bound model,
python-statemachine one machine of its own. Each is called by the event's method, as its documentation shows.

Prints one JSON object; times are microseconds per trigger.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from importlib.metadata import version

from statemachine import State, StateMachine
from transitions import Machine

STATES = ("new", "pending", "acked", "open", "editing", "cancelling", "filled", "cancelled")
EVENTS = ("submit", "ack", "rest", "edit", "cancel", "fill", "close")
STEPS = tuple(
    (EVENTS[place % len(EVENTS)], source, STATES[(place + 1) % len(STATES)])
    for place, source in enumerate(STATES)
)
"""The ring as (event, source, destination) rows."""


class Model:
    """A bare object for transitions to bind."""

    state: str


class Ring(StateMachine):
    """The ring in python-statemachine's own notation."""

    new = State(initial=True)
    pending = State()
    acked = State()
    open = State()
    editing = State()
    cancelling = State()
    filled = State()
    cancelled = State()

    submit = new.to(pending) | cancelled.to(new)
    ack = pending.to(acked)
    rest = acked.to(open)
    edit = open.to(editing)
    cancel = editing.to(cancelling)
    fill = cancelling.to(filled)
    close = filled.to(cancelled)


def transitions_walk() -> tuple[list[Callable[[], object]], Callable[[], str]]:
    """One lap of triggers on a model bound to a transitions Machine, and a way to read its state."""
    model = Model()
    Machine(
        model=model,
        states=list(STATES),
        transitions=[{"trigger": event, "source": source, "dest": dest} for event, source, dest in STEPS],
        initial=STATES[0],
        auto_transitions=False,
    )
    return [getattr(model, event) for event, _, _ in STEPS], lambda: model.state


def statemachine_walk() -> tuple[list[Callable[[], object]], Callable[[], str]]:
    """One lap of triggers on a python-statemachine machine, and a way to read its state."""
    ring = Ring()
    return [getattr(ring, event) for event, _, _ in STEPS], lambda: next(iter(ring.configuration)).id


def measure(
    walk: tuple[list[Callable[[], object]], Callable[[], str]], laps: int, rounds: int
) -> dict[str, float | int]:
    """Microseconds per trigger: median and best of the rounds, each of `laps` laps of 8 triggers."""
    triggers, state = walk
    for trigger, (_, _, dest) in zip(triggers, STEPS, strict=True):
        trigger()
        if state() != dest:
            raise RuntimeError(f"expected state {dest}, found {state()}")
    times: list[float] = []
    for _ in range(rounds):
        started = time.process_time()
        for _ in range(laps):
            for trigger in triggers:
                trigger()
        times.append((time.process_time() - started) / (laps * len(triggers)) * 1e6)
    return {
        "us_per_trigger_median": round(statistics.median(times), 3),
        "us_per_trigger_best": round(min(times), 3),
        "triggers": laps * len(triggers),
    }


def main() -> None:
    """Measure both libraries and print one JSON object."""
    parser = argparse.ArgumentParser(description="Cost of a trigger in state machine libraries.")
    parser.add_argument("--laps", type=int, default=1_000, help="laps of 8 triggers in a round")
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    walks = {"transitions": transitions_walk(), "python-statemachine": statemachine_walk()}
    report = {
        "what": "trigger",
        "gc": "default",
        "rounds": options.rounds,
        "machines": [
            {"peer": f"{name} {version(name)}", **measure(walk, options.laps, options.rounds)}
            for name, walk in walks.items()
        ],
    }
    print(json.dumps(report))


if __name__ == "__main__":
    main()
