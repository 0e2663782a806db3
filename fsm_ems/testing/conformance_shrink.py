"""A failing conformance script made small: as few steps as break the same rule, and as plain as can be.

Steps name what they are about from the newest on, so that one can go and the others keep their meaning, and
each has usual values for its fields. A search by steps is some ten times faster than Hypothesis' own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields, replace

from fsm_ems.testing.conformance_rules import Nonconformance
from fsm_ems.testing.conformance_steps import Step

Fails = Callable[[Sequence[Step]], Nonconformance | None]
"""Plays a script: how it fails, or None."""
_COUNTED = frozenset({"order", "request", "report", "since"})
_NUMBERS = _COUNTED | {"cut", "choice", "fee", "better", "variant"}


def shortest(fails: Fails, found: Nonconformance) -> Nonconformance:
    """*found* by a script of which nothing can be left out, and nothing made plainer, by itself."""
    search = _Search(fails, found)
    while search.leave_out() or search.make_plain():
        pass
    return search.best


class _Search:
    """The best so far, and how to better it; each way says whether it did."""

    def __init__(self, fails: Fails, found: Nonconformance) -> None:
        self._fails = fails
        self.best = found

    def _try(self, script: Sequence[Step]) -> bool:
        found = self._fails(script)
        if found is None or found.rule != self.best.rule or _size(found.script) >= _size(self.best.script):
            return False
        self.best = found
        return True

    def leave_out(self) -> bool:
        """All steps, then half of them, a quarter, each one."""
        before, size = self.best.script, len(self.best.script)
        while size:
            place = 0
            while place < len(script := self.best.script):
                shorter = (*script[:place], *script[place + size :])
                if not any(self._try(one) for one in (shorter, *_recounted(shorter, place))):
                    place += size
            size //= 2
        return self.best.script != before

    def make_plain(self) -> bool:
        """A field as usual, or a number of nothing or one, in each step in turn."""
        before = self.best.script
        for place in range(len(before)):
            for field in fields(before[place]):
                for value in (field.default, 0, 1) if field.name in _NUMBERS else (field.default,):
                    script = self.best.script
                    if len(script) != len(before):  # what is here is another step now
                        return True
                    plain = replace(script[place], **{field.name: value})
                    if plain != script[place]:
                        self._try((*script[:place], plain, *script[place + 1 :]))
        return self.best.script != before


def _recounted(script: Sequence[Step], gap: int) -> Iterator[Sequence[Step]]:
    """*script*, with one number less in a step after the *gap*: it may have counted past what is gone."""
    for place in range(gap, len(script)):
        step = script[place]
        for field in fields(step):
            number: object = getattr(step, field.name)
            if field.name in _COUNTED and isinstance(number, int) and number > 0:
                yield (*script[:place], replace(step, **{field.name: number - 1}), *script[place + 1 :])


def _size(script: Sequence[Step]) -> tuple[int, int, int]:
    """Steps, fields that are not as usual, and what the numbers come to."""
    values = [(getattr(step, field.name), field) for step in script for field in fields(step)]
    unusual = sum(value != field.default for value, field in values)
    return len(script), unusual, sum(value or 0 for value, field in values if field.name in _NUMBERS)
