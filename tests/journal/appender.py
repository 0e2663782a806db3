"""A program that appends to a journal for as long as it lives, and says what it was told is durable."""

import sys
from pathlib import Path

from fsm_ems.journal.sqlite import Journal
from tests.journal.lives import granted


def main() -> None:
    """Append in the folder of the first argument; each durable seq is a line on stdout."""
    journal = Journal(Path(sys.argv[1]))

    def durable(seq: int) -> None:
        sys.stdout.write(f"{seq}\n")
        sys.stdout.flush()

    def halted(why: str) -> None:
        sys.exit(why)

    journal.watch(durable, halted)
    seq = journal.durable_seq
    while True:
        seq += 1
        journal.append(granted(seq, f"trader-{seq}"))
        if seq % 50 == 0:
            journal.flush()


if __name__ == "__main__":
    main()
