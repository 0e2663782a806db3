"""The steps of the crash searches in words: a path to a broken promise must be read by a person."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fsm_ems.messages import Command
from fsm_ems.testing.restart_books import Books
from fsm_ems.testing.restart_letters import OWNER, describe

_PLAIN = {
    "sync": "the disk has the oldest records that wait; what follows from them leaves",
    "lose": "the link is lost",
    "connect": "the link is open again",
    "tick": "time passes",
    "start": "a new process starts on the records",
}


def tell(move: tuple[Any, ...], books: Books, commands: Sequence[Command], oids: Sequence[str]) -> str:
    """*move* in one line."""
    kind: str = move[0]
    if kind in _PLAIN:
        return _PLAIN[kind]
    number: int = move[1]
    if kind == "command":
        return f"{OWNER}: {commands[number].name} {commands[number].oid}"
    if kind in ("hear", "double"):
        again = ", and will again" if kind == "double" else ""
        return f"the EMS hears: {describe(books.messages[number])}{again}"
    if kind in ("arrive", "refuse", "vanish"):
        request = books.requests[number]
        what = f"the request {request.verb} {request.name}"
        if kind == "vanish":
            return f"{what} never arrives"
        if kind == "refuse":
            return f"{what} arrives, and the venue refuses"
        ago: int = move[2]
        return f"{what} arrives" + (f", and is answered with what was so {ago} ticks ago" if ago else "")
    if kind == "shift":
        return f"the clocks are set: the venue's is {number} ticks ahead"
    if kind == "quote":
        return "the market comes to the price"
    if kind == "crash":
        states = [shown.state if shown else "nothing" for shown in books.summaries[number].orders]
        kept = ", ".join(f"{oid} {state}" for oid, state in zip(oids, states, strict=True))
        return f"the process dies; its journal keeps: {kept}"
    return f"the venue {'executes a unit of' if kind == 'fill' else 'ends'} {oids[number]}"
