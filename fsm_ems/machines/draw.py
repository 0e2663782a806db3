"""Write both machines in every format: ``python -m fsm_ems.machines.draw DIR``."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from fsm_ems.machines.render import PICTURES, Format, diagram

SUFFIXES: Mapping[Format, str] = {"mermaid": "mmd", "dot": "dot", "markdown": "md", "svg": "svg"}


def texts() -> dict[str, str]:
    """Every diagram by its file name."""
    return {
        f"{machine}.{suffix}": diagram(machine, form)
        for machine in PICTURES
        for form, suffix in SUFFIXES.items()
    }


def main(arguments: Sequence[str]) -> int:
    """Write the diagrams into the directory named; the exit code is 2 if none is."""
    if len(arguments) != 1 or arguments[0].startswith("-"):
        print("usage: python -m fsm_ems.machines.draw DIR", file=sys.stderr)
        return 2
    directory = Path(arguments[0])
    directory.mkdir(parents=True, exist_ok=True)
    for name, text in texts().items():
        directory.joinpath(name).write_text(text, encoding="utf-8")
        print(directory / name)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
