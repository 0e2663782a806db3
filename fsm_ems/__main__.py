"""``python -m fsm_ems`` is ``fsm-ems``."""

from fsm_ems.cli import main

if __name__ == "__main__":
    main(prog_name="fsm-ems")
