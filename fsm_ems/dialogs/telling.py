"""Who is told of a record beside the owner of its dialog. ``apply`` alone uses this."""

from __future__ import annotations

from msgspec.structs import replace

from fsm_ems.dialogs.book import Book
from fsm_ems.dialogs.facts import ZERO
from fsm_ems.dialogs.record import Effect, Notice, Record
from fsm_ems.machines.order import S


def tell_onlookers(book: Book, record: Record, notice: Notice, effects: list[Effect]) -> None:
    """Tell those who look on what the owner is told."""
    for identity, seq in record.onlookers:
        book.streams[identity] = seq
        effects.append(replace(notice, identity=identity, seq=seq))


def tell_of_none(book: Book, record: Record, effects: list[Effect]) -> None:
    """Tell of a record that is about no dialog, as of an orphan."""
    if not record.told and not record.onlookers:
        return
    none = ZERO
    shown = (S.NEW, S.NEW, none, None, none, none, none, 0, None, None, None)
    notice = Notice(record.owner, record.told, record, *shown)
    if record.told:
        book.streams[record.owner] = record.told
        effects.append(notice)
    tell_onlookers(book, record, notice, effects)
