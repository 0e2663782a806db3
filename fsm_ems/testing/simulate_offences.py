"""What nobody may do, done to the EMS of a simulation all the same: P6, and the bounds of P11."""

from __future__ import annotations

from collections.abc import Callable, Container
from dataclasses import replace
from typing import Any

from fsm_ems.errors import InvalidMessage, InvalidReport
from fsm_ems.messages import Cancel, Command, Order, parse_command, parse_report
from fsm_ems.testing.breach import Breach
from fsm_ems.testing.simulate_clients import HOSTILE, OBSERVER, Clients
from fsm_ems.testing.simulate_ems import SimulatedEMS
from fsm_ems.testing.simulate_faults import Fault
from fsm_ems.testing.simulate_log import Key
from fsm_ems.testing.simulate_wishes import Wishes
from fsm_ems.testing.simulate_world import World

_NOBODY = "nobody"
_FLOOD = 40
"""How many commands come at once."""
_NESTED = "[" * 5_000
_BAD_ORDERS: tuple[dict[str, Any], ...] = (
    {"size": "-1"}, {"size": "0"}, {"size": 0.1}, {"size": True}, {"size": "1e999"}, {"price": "NaN"},
    {"price": "Infinity"}, {"oid": "../x"}, {"oid": "x" * 1_000}, {"side": "both"}, {"more": 1},
    {"tif": "day"}, {"price": "0"}, {"market": ""}, {"account": "\x00"}, {"expire_ns": -1},
)  # fmt: skip  # one a line says no more
_BAD_REPORTS: tuple[dict[str, Any], ...] = (
    {"name": "brokerd_fill", "venue_id": "P1", "exec_id": "X1", "size": "NaN", "price": "1"},
    {"name": "brokerd_fill", "venue_id": "P1", "exec_id": "X1", "size": "-1", "price": "1"},
    {"name": "brokerd_fill", "venue_id": "P1", "size": "1", "price": "1"},
    {"name": "brokerd_status", "venue_id": "P1", "status": "absent"},
    {"name": "brokerd_status", "venue_id": "P1", "status": "unheard of"},
    {"name": "brokerd_unheard_of"},
)


class Offences:
    """Of a hostile client, of people without the right, and of whoever sends what is no message."""

    def __init__(
        self, world: World, ems: SimulatedEMS, clients: Clients, wishes: Wishes, submitted: Container[Key]
    ) -> None:
        """*submitted* has what anybody has ever asked for."""
        self._world = world
        self._ems = ems
        self._clients = clients
        self._wishes = wishes
        self._submitted = submitted

    def begin(self) -> None:
        """Let them happen, as often as was drawn."""
        for fault, deed in (
            (Fault.OTHER_BODY, self.other_body),
            (Fault.FOREIGN_REQUEST, self.foreign_request),
            (Fault.NO_RIGHT, self.no_right),
            (Fault.MALFORMED, self.malformed),
            (Fault.FLOOD, self.flood),
        ):
            self._world.recur(fault, deed)

    def other_body(self) -> bool:
        """An owner's oid once more, for another order; or the oid of somebody else's, which is no offence."""
        found = self._theirs()
        if found is None:
            return False
        owner, order = found
        self._clients.send(owner if self._world.rng.randrange(2) else HOSTILE, self._wishes.order(order.oid))
        return True

    def foreign_request(self) -> bool:
        """An order is cancelled, changed or fired by somebody who does not own it."""
        found, rng = self._theirs(), self._world.rng
        if found is None or (HOSTILE, found[1].oid) in self._submitted:
            return False
        order = found[1]
        if rng.randrange(3) == 0:
            self._ems.fire(HOSTILE, order.oid, None, self._refused(HOSTILE, order, "unknown_order"))
            return True
        command: Command = Cancel(oid=order.oid) if rng.randrange(2) else self._wishes.edit(order)
        self._ems.command(HOSTILE, command, self._refused(HOSTILE, command, "unknown_order"))
        return True

    def no_right(self) -> bool:
        """An observer, or somebody who was never let in, gives a command."""
        found, rng = self._theirs(), self._world.rng
        if found is None:
            return False
        order = found[1]
        name = rng.choice((OBSERVER, _NOBODY))
        wish: Command = Cancel(oid=order.oid) if rng.randrange(2) else order
        self._ems.command(name, wish, self._refused(name, wish, "forbidden"))
        return True

    def malformed(self) -> bool:
        """What is no order, or no report, is refused before it reaches the EMS."""
        found, rng = self._theirs(), self._world.rng
        if found is None:
            return False
        fields = found[1].as_fields()
        which = rng.randrange(4)
        if which == 0:
            self._no_message(parse_report, rng.choice(_BAD_REPORTS))
        elif which == 1:
            self._no_message(parse_command, rng.choice((_NESTED, "", "{}", "[1", "null", '{"name": "order"')))
        else:
            self._no_message(parse_command, {**fields, **rng.choice(_BAD_ORDERS)})
        return True

    @staticmethod
    def _no_message(parse: Callable[[Any], object], source: object) -> None:
        try:
            made = parse(source)
        except (InvalidMessage, InvalidReport):
            return
        raise Breach("P6", f"{str(source)[:200]} was taken for {made}")

    def flood(self) -> bool:
        """Many commands at one instant: edits of one order, requests about none, and the same again."""
        clients, rng = self._clients, self._world.rng
        mine = clients.orders[HOSTILE]
        if not self._ems.up or not mine:
            return False
        order = rng.choice(mine[-3:])
        for number in range(_FLOOD):
            edit = self._wishes.edit(order)
            commands = (order, Cancel(oid=f"none-{number}"), replace(edit, oid=f"none-{number}"), edit)
            clients.send(HOSTILE, commands[number % len(commands)])
        return True

    def _theirs(self) -> tuple[str, Order] | None:
        """Some order of an owner's, and whose; None while there is none, or nobody listens."""
        clients, rng = self._clients, self._world.rng
        owner = rng.choice(clients.owners)
        if not self._ems.up or not clients.orders[owner]:
            return None
        return owner, rng.choice(clients.orders[owner])

    @staticmethod
    def _refused(name: str, command: Command, code: str) -> Callable[[str], None]:
        def answered(result: str) -> None:
            if result != code:
                raise Breach("P6", f"{name} was answered {result} to {command}, and not {code}")

        return answered
