"""One writer at a time in a folder: the second is refused and told who holds it; the dead hold nothing."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from fsm_ems.errors import LogInUse
from fsm_ems.journal.folder_lock import FolderLock

HOLD = """
import sys, time
from pathlib import Path
from fsm_ems.journal.folder_lock import FolderLock
lock = FolderLock(Path(sys.argv[1]))
print("held", flush=True)
time.sleep(600)
"""


def test_the_second_is_refused_and_told_who_holds_it(tmp_path: Path) -> None:
    lock = FolderLock(tmp_path / "a.lock")

    with pytest.raises(LogInUse, match=rf"in use by process {os.getpid()} on \S+ since 2\S+Z;") as caught:
        FolderLock(tmp_path / "a.lock")

    assert caught.value.where == str(tmp_path)
    lock.release()


def test_who_let_go_of_it_leaves_it_free_and_without_a_name(tmp_path: Path) -> None:
    FolderLock(tmp_path / "a.lock").release()
    assert (tmp_path / "a.lock").read_text() == ""

    FolderLock(tmp_path / "a.lock").release()


def test_a_file_that_was_left_behind_does_no_harm(tmp_path: Path) -> None:
    (tmp_path / "a.lock").write_text("process 1 on mars since yesterday\n")

    lock = FolderLock(tmp_path / "a.lock")

    assert (tmp_path / "a.lock").read_text().startswith(f"process {os.getpid()} on ")
    lock.release()


def test_another_process_is_refused_until_the_holder_is_dead(tmp_path: Path) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path / "a.lock")], stdout=subprocess.PIPE, text=True
    )
    with holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(LogInUse, match=f"in use by process {holder.pid} on "):
            FolderLock(tmp_path / "a.lock")
        holder.send_signal(signal.SIGKILL)

    FolderLock(tmp_path / "a.lock").release()
