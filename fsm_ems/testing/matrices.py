"""Runs order state scenarios, such as the FIX order state change matrices, through the real dispatcher.

    python -m fsm_ems.testing.matrices FILE.json …

For each scenario one line tells that it passes, or the first difference; the exit code is 1 if any
scenario fails, and 2 where a file cannot be read or is not of the format: a misspelt field or message, a
time in force, an ExecType, an OrdStatus, a code or a hint that is none, a number that is not above the last
step's, a quantity or a price that is none of zero or more. The scenario, the step and the field are named.
Fields that resemble none of the format's are let be, and told on standard error; so are messages that no
order hears of, untold.

After each step the state is compared (fsm_hint, or one of fsm_hint_alt), and after each of the broker's what
it prints of ord_status, order_qty, cum_qty, leaves_qty and avg_px, the average price of what has traded, to
as many places as it is printed with; then exec_type_code and ord_status_code with the words that they are
beside. What is null or left out is not compared. An execution trades at its
last_px; where that is not printed, at what gives the avg_px, and at 50 where neither is. What is printed of
exec_type, last_qty, last_px, price, ids, reasons, time_in_force, stale, replay, gap and split is played;
day_order_qty, day_cum_qty, day_avg_px, cash_order_qty, comments and the other marks are neither played nor
compared.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from fsm_ems.errors import EMSError, OrderFileError
from fsm_ems.messages import named_faults
from fsm_ems.testing.matrix_compare import Difference, difference, view
from fsm_ems.testing.matrix_file import Scenario, read, strange_fields
from fsm_ems.testing.matrix_play import Broken, Play

USAGE = "usage: python -m fsm_ems.testing.matrices FILE.json …"


def run(scenario: Scenario) -> Difference | None:
    """Play *scenario*; the first difference, None when all is as it expects."""
    play = Play(scenario)
    for step in scenario.steps:
        stood = {chain: view(dialog) for chain in play.chains() if (dialog := play.dialog(chain)) is not None}
        try:
            with named_faults():
                play.take(step)
        except (Broken, EMSError, ValueError) as error:
            return Difference(step.n, "dispatcher", "no fault", f"{type(error).__name__}: {error}")
        chain = play.chain(step)
        dialog, last = play.dialog(chain), play.dialog(play.last)
        wrong = difference(
            scenario,
            step,
            None if chain is None else stood.get(chain),
            None if dialog is None else view(dialog),
            None if last is None else view(last),
        )
        if wrong is not None:
            return wrong
    return None


def tell(scenarios: Iterable[Scenario]) -> Iterator[tuple[bool, str]]:
    """For each scenario whether it passes, and the line that says so."""
    for scenario in scenarios:
        wrong = run(scenario)
        if wrong is None:
            yield True, f"pass {scenario.id} {scenario.title or ''}".rstrip()
        else:
            yield False, f"FAIL {scenario.id} {wrong}"


def main(arguments: Sequence[str] | None = None) -> int:
    """The program; *arguments* default to those of the command line. Returns the exit code."""
    names = sys.argv[1:] if arguments is None else list(arguments)
    if not names or any(name in ("-h", "--help") for name in names):
        print(__doc__ if names else USAGE, file=sys.stdout if names else sys.stderr)
        return 0 if names else 2
    try:
        scenarios = [scenario for name in names for scenario in read(Path(name))]
    except OrderFileError as error:
        print(error, file=sys.stderr)
        return 2
    strange = strange_fields(scenarios)
    if strange:
        print(
            f"note: the format does not have these fields, and they are let be: {', '.join(strange)}",
            file=sys.stderr,
        )
    passed = 0
    for passes, line in tell(scenarios):
        passed += passes
        print(line)
    print(f"{passed} of {len(scenarios)} scenarios pass")
    return 0 if passed == len(scenarios) else 1


if __name__ == "__main__":
    sys.exit(main())
