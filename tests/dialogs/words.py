"""A line of a script, taken apart."""

from __future__ import annotations

import re

MS = 10**6


class Words:
    """An input taken apart: ``fill 3 @ 100 id=F1 by=venue`` has plain words, a price, options."""

    def __init__(self, text: str) -> None:
        self.options = dict(re.findall(r"(\w+)=(\S+)", text))
        price = re.search(r"@ (\S+)", text)
        self.price = None if price is None else price[1]
        self.plain = re.sub(r"\w+=\S+|@ \S+", "", text).split()
        self.verb = self.plain.pop(0)

    def take(self, *choices: str) -> str | None:
        """The first of *choices* among the words."""
        return next((word for word in choices if word in self.plain), None)

    @property
    def numbers(self) -> list[str]:
        return [word for word in self.plain if re.fullmatch(r"[\d.]+", word)]


def in_ns(text: str) -> int:
    """``5s``, ``20ms``."""
    number, unit = re.fullmatch(r"(\d+)(ms|s)", text).groups()  # type: ignore[union-attr]  # a wrong script
    return int(number) * (MS if unit == "ms" else 10**9)
