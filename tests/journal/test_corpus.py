"""Journals that older versions wrote are replayed to the states that those versions had."""

import json
import shutil
from pathlib import Path

import pytest

from fsm_ems.journal.file import RecordFile
from fsm_ems.journal.replay import replay
from fsm_ems.journal.sqlite import Journal
from fsm_ems.journal.sqlite_read import JournalReader
from tests.journal.corpus_file import CORPUS, STORIES, differences, everything, main, state, told, with_splits

LOGS = sorted(path.stem for path in CORPUS.glob("*.log"))
JOURNALS = sorted(path.parent.name for path in CORPUS.glob("*/journal.sqlite"))


def known(name: str) -> object:
    return json.loads((CORPUS / f"{name}.json").read_text())


def test_there_are_journals_of_all_that_can_happen_to_an_order() -> None:
    assert set(LOGS) >= set(STORIES)
    assert JOURNALS


@pytest.mark.parametrize("name", LOGS)
def test_a_log_of_an_older_version_is_replayed_to_the_state_that_it_had(name: str) -> None:
    log = RecordFile(CORPUS / f"{name}.log")

    assert differences(with_splits(known(name), log), state(replay(log))) == []


@pytest.mark.parametrize("name", JOURNALS)
def test_a_journal_of_an_older_version_opens_is_sound_and_has_the_state_that_it_had(
    name: str, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(CORPUS / name, tmp_path / name))

    book = replay(JournalReader(folder))
    seq = JournalReader(folder).check().seq
    journal = Journal(folder)
    journal.close()

    assert seq == book.seq == journal.durable_seq
    assert differences(with_splits(known(name), JournalReader(folder)), state(book)) == []


@pytest.mark.parametrize("name", STORIES)
def test_what_is_decided_today_is_told_by_the_same_state(name: str) -> None:
    """The stories are how one more journal is made: live, each leads to the state of its records."""
    desk = told(name)

    assert state(desk.book) == state(replay(desk.log))


def test_another_state_is_told_by_its_place() -> None:
    was = {"orders": [{"size": "1", "state": "open"}], "seq": 3}
    now = {"orders": [{"size": "2", "state": "open", "new": 1}], "more": 0}

    assert differences(was, now) == ["/seq: it is gone", "/orders/0/size: '2' is not '1'"]
    assert differences([1], [1, 2]) == [": [1, 2] is not [1]"]
    assert differences(was, was) == []


def test_what_stands_in_the_corpus_is_not_written_again() -> None:
    with pytest.raises(SystemExit, match=r"main_line\.log is there, and stays what it is"):
        main(["main_line"])


def test_a_new_journal_is_kept_with_its_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.journal.corpus_file.CORPUS", tmp_path)

    main(["edits", "--journal"])

    assert differences(json.loads((tmp_path / "edits.json").read_text()), state(told("edits").book)) == []
    assert replay(JournalReader(tmp_path / "journal")).seq == everything().book.seq


def test_a_type_that_nobody_can_write_down_is_a_programmers_error() -> None:
    book = told("edits").book
    book.streams["main"] = 1.5  # type: ignore[assignment]  # on purpose

    with pytest.raises(TypeError, match="float"):
        state(book)
