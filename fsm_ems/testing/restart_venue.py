"""The venue of the crash searches: what it does with each request, and what it says."""

from __future__ import annotations

from decimal import Decimal

from fsm_ems.testing.audit_restart import Resting
from fsm_ems.testing.letters import Letter
from fsm_ems.testing.restart_letters import Message, Request, Telling

Orders = tuple[Resting | None, ...]


def taken(request: Request) -> Resting:
    """The order that *request* asks for rests."""
    assert request.size is not None, "an order has a size"
    return Resting(request.name, int(request.size), str(request.price))


def acks(resting: Resting, place: int, *, opens: bool) -> tuple[Letter, ...]:
    """What is said of an order that was taken; with *opens* that it rests, too."""
    ack = Letter("ack", resting.name, venue_id=f"V{place}")
    return (ack, Letter("open", resting.name)) if opens else (ack,)


def executed(resting: Resting) -> Resting:
    """One unit more has traded."""
    cum = resting.cum + 1
    return resting._replace(cum=cum, state="filled" if cum >= resting.size else "live")


def execution(resting: Resting, number: int) -> Letter:
    """The report of its execution *number*."""
    return Letter("fill", resting.name, exec_id=f"{resting.name.partition('.')[0]}x{number}")


def ended(resting: Resting) -> Letter:
    """The report that it is over."""
    return Letter(resting.state, resting.name, cum=Decimal(resting.cum))


def arrived(request: Request, resting: Resting | None, *, late: bool) -> tuple[Resting | None, Letter]:
    """What a request makes of the order it is about, and the reply; an order is not taken here."""
    if request.verb == "order":
        if resting is None:
            return None, Letter("rejected", request.name)
        return resting, Letter("submit refused", request.name, code="duplicate")
    if request.verb == "edit" and resting is not None and resting.name == request.name:
        return resting, Letter("replaced", request.name)
    if resting is None or resting.state != "live" or late:
        code = "unknown_order" if resting is None else "other" if resting.state == "live" else "too_late"
        return resting, Letter(f"{request.verb} refused", request.name, code=code)
    if request.verb == "cancel":
        over = resting._replace(state="cancelled")
        return over, ended(over)
    size = max(int(request.size or resting.size), resting.cum)
    state = "filled" if size <= resting.cum else "live"
    edited = Resting(request.name, size, str(request.price), resting.cum, state)
    return edited, Letter("replaced", request.name)


def answer(request: Request, seen: Orders) -> Message:
    """The answer to a question, of a venue that has *seen* so much by now."""
    if request.verb == "query":
        resting = seen[request.place]
        if resting is None:
            return Letter("absent", request.order, query=request.name)
        return _stands(resting, request.name)
    known = [resting for resting in seen if resting is not None]
    fills = [execution(resting, number) for resting in known for number in range(1, resting.cum + 1)]
    listed = [_stands(resting, request.name) for resting in known if resting.state == "live"]
    return Telling(request.name, tuple(listed), tuple(fills))


def _stands(resting: Resting, query: str) -> Letter:
    return Letter(
        "open" if resting.state == "live" else resting.state,
        resting.name,
        cum=Decimal(resting.cum),
        size=Decimal(resting.size),
        price=Decimal(resting.price),
        detailed=True,
        query=query,
    )
