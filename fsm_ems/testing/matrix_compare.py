"""What a scenario expects after a step, against how our order stands: the first difference, if any.

FIX tells an order's place by OrdStatus and quantities; the hints tell the state. What FIX prints is not
compared where it is not about the order as it is now:

* a row marked ``stale`` or ``replay`` tells of an earlier hour: it may leave all as it was;
* a rejection of an order that has traded, which no matrix has: it is a cancel, and alarmed;
* a cancel reject for an unknown order prints Rejected, of the look-up and not of the order (B.1.f);
* figures that a scenario lists as anomalies of the specification.
"""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from fsm_ems.dialogs.facts import Dialog, ord_status
from fsm_ems.machines.order import OrderState as S
from fsm_ems.testing.matrix_file import Scenario, Step
from fsm_ems.testing.matrix_words import EXEC_TYPES, ORD_STATUSES, plain_word

_QUANTITIES = ("order_qty", "cum_qty", "leaves_qty", "avg_px")
_FIELDS = ("ord_status", *_QUANTITIES)
_UNKNOWN_ORDER = "1"
_NOBODY = frozenset({"rejected", "unknown"})


class View(NamedTuple):
    """An order as a FIX client sees it. An open order with something filled is ``partially_filled``."""

    state: str
    ord_status: str
    order_qty: Decimal
    cum_qty: Decimal
    leaves_qty: Decimal
    avg_px: Decimal


class Difference(NamedTuple):
    """Step *n* of a scenario: *field* should be *expected* and is *got*."""

    n: int
    field: str
    expected: str
    got: str

    def __str__(self) -> str:
        return f"step {self.n}: {self.field} expected {self.expected} got {self.got}"


NOBODY = View("no such order", "Rejected", Decimal(0), Decimal(0), Decimal(0), Decimal(0))
"""How an id that no order goes by looks: FIX prints Rejected and zeros (G.1.a)."""


def view(dialog: Dialog) -> View:
    """How *dialog* looks in FIX words."""
    partly = dialog.state is S.OPEN and bool(dialog.filled)
    return View(
        "partially_filled" if partly else dialog.state.value,
        ord_status(dialog),
        dialog.size,
        dialog.filled,
        dialog.leaves,
        dialog.average_price or Decimal(0),
    )


def difference(
    scenario: Scenario, step: Step, before: View | None, after: View | None, other: View | None
) -> Difference | None:
    """The first difference after *step*.

    *before* and *after* are views of the order it is about, None where no order goes by its ids; *other*
    is then the order that was last spoken of.
    """
    return _unlike(scenario, step, before, after, other) or _codes(step)


def _codes(step: Step) -> Difference | None:
    """A printed code that is another name's."""
    for field, word, code, known in (
        ("exec_type_code", step.exec_type, step.exec_type_code, EXEC_TYPES),
        ("ord_status_code", step.ord_status, step.ord_status_code, ORD_STATUSES),
    ):
        if code and code not in known[word]:
            return Difference(step.n, field, code, f"{' or '.join(known[word])}, {word}")
    return None


def _unlike(
    scenario: Scenario, step: Step, before: View | None, after: View | None, other: View | None
) -> Difference | None:
    wrong = _state(step, NOBODY if after is None else after, other if after is None else None)
    if wrong is not None or step.dir != "broker":
        return wrong
    excused = _excused(scenario, step)
    after = NOBODY if after is None else after
    if step.ord_status and "ord_status" not in excused:
        wrong = _ord_status(step, before, after)
        if wrong is not None:
            return wrong
    for field in _QUANTITIES:
        if field not in excused:
            wrong = _quantity(step, field, before, after)
            if wrong is not None:
                return wrong
    return None


def _state(step: Step, after: View, other: View | None) -> Difference | None:
    if not step.hints or after.state in step.hints or _cancelled_by_rejection(step, after):
        return None
    if after is NOBODY and (other is None or other.state in step.hints or _NOBODY.intersection(step.hints)):
        return None
    return Difference(step.n, "state", " or ".join(step.hints), after.state)


def _ord_status(step: Step, before: View | None, after: View) -> Difference | None:
    looked_up = step.msg == "ordercancelreject" and step.cxl_rej_reason == _UNKNOWN_ORDER
    if plain_word(after.ord_status) == step.ord_status or (looked_up and step.ord_status == "rejected"):
        return None
    if _cancelled_by_rejection(step, after) or _unchanged(step, "ord_status", before, after):
        return None
    return Difference(step.n, "ord_status", step.ord_status, plain_word(after.ord_status))


def _quantity(step: Step, field: str, before: View | None, after: View) -> Difference | None:
    printed: Decimal | None = getattr(step, field)
    ours: Decimal = getattr(after, field)
    if printed is None or _rounded(ours, printed) == printed or _unchanged(step, field, before, after):
        return None
    return Difference(step.n, field, format(printed, "f"), format(ours, "f"))


def _rounded(ours: Decimal, printed: Decimal) -> Decimal:
    """*ours* to as many places as *printed* has, so that 33.33 is a third of 100."""
    exponent = printed.as_tuple().exponent
    places = -exponent if isinstance(exponent, int) and exponent < 0 else 0
    return round(ours, places) if places else ours


def _cancelled_by_rejection(step: Step, after: View) -> bool:
    said = step.exec_type == step.ord_status == "rejected" and bool(step.cum_qty)
    return said and after.state == S.CANCELLED and after.ord_status == "Canceled"


def _unchanged(step: Step, field: str, before: View | None, after: View) -> bool:
    """A report of an earlier hour may print what was true then, and change nothing now."""
    if before is None or getattr(before, field) != getattr(after, field):
        return False
    then = step.cum_qty or Decimal(0)
    return (step.stale and then <= after.cum_qty) or (step.replay and then < after.cum_qty)


# ── figures that the specification prints against its own rules ─────────────────────────────────────


def _excused(scenario: Scenario, step: Step) -> frozenset[str]:
    """The fields of *step* that are listed as an anomaly; a size implies what is left, and the reverse."""
    fields: set[str] = set()
    for rule, printed in scenario.anomalies_at(step.t):
        named = _named(rule, step, printed)
        if named & {"order_qty", "leaves_qty"}:
            named |= {"order_qty", "leaves_qty"}
        fields |= named
    return frozenset(fields)


def _named(rule: str, step: Step, printed: object) -> set[str]:
    """The fields that *rule*, broken by the figure *printed*, speaks of."""
    if isinstance(printed, dict):
        return {field for field in _FIELDS if field in printed}
    figures = {field: getattr(step, field) for field in _QUANTITIES}
    if plain_word(str(printed)) == step.ord_status:
        return {"ord_status"}
    same = {field for field, figure in figures.items() if figure is not None and str(figure) == str(printed)}
    told = {field for field in same if field.partition("_")[0] in rule}
    return told or (same - {"cum_qty"}) or same or {"ord_status", "order_qty", "leaves_qty"}
