"""The corpus: journals of today, kept as files and replayed for ever, each with the state that it leads to.

``python -m tests.journal.corpus_file NAME`` writes the story of that name in :data:`STORIES` into
``tests/journal/corpus/``: the record log and its state as JSON, and with ``--journal`` the SQLite journal of
all stories. One that is there already is never written again: what an older version wrote stays what it is.

A state is compared with what stands in its file. A later version may know more of an order; what this one
knew must come out the same.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields, is_dataclass
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any, cast

from msgspec.structs import asdict

from fsm_ems.dialogs.book import Book
from fsm_ems.dialogs.facts import SPLIT
from fsm_ems.dialogs.record import Record, Reported
from fsm_ems.dialogs.settings import Settings
from fsm_ems.dialogs.snapshot import facts
from fsm_ems.journal.file import FileLog
from fsm_ems.journal.sqlite import Journal
from fsm_ems.value import Value
from tests.dialogs.desk import Desk

CORPUS = Path(__file__).parent / "corpus"


def state(book: Book) -> Any:  # noqa: ANN401 -- any JSON value
    """Everything that *book* holds, as JSON has it."""
    return json.loads(json.dumps(_plain(facts(book))))


def _plain(value: object) -> Any:  # noqa: ANN401 -- any JSON value
    if value is None or isinstance(value, bool | int | str | Enum):
        return value
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, Mapping):
        return {_key(name): _plain(inner) for name, inner in cast("Mapping[object, object]", value).items()}
    if isinstance(value, Value):
        return _plain(asdict(value))
    if is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return _plain(cast("Any", value)._asdict())
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in cast("Iterable[object]", value)]
    raise TypeError(f"nobody knows how to write a {type(value).__name__} down")


def _key(name: object) -> str:
    return " / ".join(map(str, cast("tuple[object, ...]", name))) if isinstance(name, tuple) else str(name)


def with_splits(known: Any, records: Iterable[Record]) -> Any:  # noqa: ANN401 -- any JSON value
    """What an older version knew (*known*), with the flag it did not note yet: that *records* split it."""
    split = {
        (one.owner, one.oid)
        for one in records
        if isinstance(one.payload, Reported) and getattr(one.payload.report, "split", None) is not None
    }
    for owner, oid, dialog in known["dialogs"]:
        if (owner, oid) in split:
            dialog["flags"] |= SPLIT
    return known


def differences(known: Any, found: Any, where: str = "") -> list[str]:  # noqa: ANN401 -- any JSON value
    """Where *found* is not what is *known*; what it has beside that is a later version's."""
    if isinstance(known, dict) and isinstance(found, dict):
        lost = [f"{where}/{name}: it is gone" for name in known if name not in found]
        both = [name for name in known if name in found]
        return lost + [
            one for name in both for one in differences(known[name], found[name], f"{where}/{name}")
        ]
    if isinstance(known, list) and isinstance(found, list) and len(known) == len(found):
        pairs = enumerate(zip(known, found, strict=True))
        return [one for place, pair in pairs for one in differences(*pair, f"{where}/{place}")]
    return [] if known == found and type(known) is type(found) else [f"{where}: {found!r} is not {known!r}"]


# ── stories ─────────────────────────────────────────────────────────────────────────────────────────


def _main_line(desk: Desk) -> None:
    """Rest, trade in two parts, end; a cancel that comes through; a refusal; an expiry."""
    desk.order()
    desk.ack()
    desk.status("open")
    desk.fill("4", exec_id="F1", price="99.5", fee="0.01", fee_asset="usd", liquidity="maker")
    desk.fill("6", exec_id="F2", time_ns=desk.now)
    desk.order("o2", "bob", side="sell", price="101")
    desk.report("ack", reqid=desk.dialog("o2", "bob").reqid, venue_id="V-bob")
    desk.cancel("o2", "bob")
    desk.report("status", venue_id="V-bob", status="cancelled", cum="3")
    desk.order("o3")
    desk.status("rejected", "o3", text="not today")
    desk.order("o4", tif="ioc")
    desk.ack("o4")
    desk.status("expired", "o4")


def _dark(desk: Desk) -> None:
    """What is held here: it fires, is met by a print, follows, is moved, is taken back; an alert."""
    desk.quote("101", "102")
    desk.order("price", mode="dark")
    desk.order("stop", mode="dark", trigger="stop", price="110", tif="gtd", expire_ns=desk.now + 10**12)
    desk.order("trail", mode="dark", side="sell", trigger="trail", price=None, trail="3", type="market")
    desk.alert("alert")
    desk.order("moved", mode="dark", price="50")
    desk.edit("e", "moved", price="60", size="5")
    desk.order("gone", mode="dark", price="40")
    desk.cancel("gone")
    desk.quote("105", "106")
    desk.wait(6)
    desk.print("99.5")
    desk.quote("99", "100")
    desk.ack("price")
    desk.fill("10", "price", exec_id="D1")


def _stash(desk: Desk) -> None:
    """A cancel that waits for the ack, and one that waits for the link; an order that waits for it."""
    desk.order()
    desk.cancel()
    desk.ack()
    desk.order("o2")
    desk.ack("o2")
    desk.link("lost")
    desk.cancel("o2")
    desk.order("o3")
    desk.link("connect", "connected", "synced")


def _edits(desk: Desk) -> None:
    """An edit in force, one refused, one held behind another, and one that a fill proves."""
    desk.order()
    desk.ack()
    desk.edit("e1", size="12", price="99")
    desk.edit("e2", size="14")
    desk.report("replaced", reqid=desk.dialog().edits[0].reqid, venue_id="V-e1", size="12", price="99")
    desk.report("refused", reqid=desk.dialog().edits[0].reqid, request="edit", code="other", text="no")
    desk.edit("e3", price="98.5")
    desk.fill("5", exec_id="F1", price="98.5", reqid=desk.dialog().edits[0].reqid)


def _amended(desk: Desk) -> None:
    """Busts and corrections: of a filled order, before their execution, and of one that nobody knows."""
    desk.order()
    desk.ack()
    desk.fill("10", exec_id="F1")
    desk.report("bust", reqid=desk.dialog().reqid, exec_id="B1", ref_id="F1")
    desk.fill("4", exec_id="F2")
    desk.report("correction", reqid=desk.dialog().reqid, exec_id="C2", ref_id="F2", size="3", price="101")
    desk.report("bust", exec_id="B9", ref_id="F9")
    desk.report("split", market="xbtusd.paper", exec_id="S1", ratio="2")
    desk.report("restated", venue_id="V-o1", split="2")
    desk.report("transfer", market="xbtusd.paper", exec_id="T1", size="-1.5")
    desk.report("position", market="xbtusd.paper", size="7")


def _external(desk: Desk) -> None:
    """An order born at the venue, a fill of nobody's, and one that is nobody's until its order is known."""
    details = {"market": "xbtusd.paper", "side": "sell", "size": "2", "price": "105"}
    desk.report("status", venue_id="X1", status="open", details=details)
    desk.report("fill", venue_id="X1", exec_id="XF", size="1", price="105")
    desk.report("fill", exec_id="N1", size="1", price="100", details=details)
    desk.order()
    desk.report("fill", venue_id="V-o1", exec_id="P1", size="2", price="100")
    desk.ack()


def _unknown(desk: Desk) -> None:
    """Doubt: no answer in time, a link that is lost, an ambiguous reply; found again, and found absent."""
    desk.order("late")
    desk.wait(6)
    desk.wait(10)
    desk.answer("absent", "late")
    desk.wait(20)
    desk.answer("absent", "late")
    desk.order("odd")
    desk.report("error", reqid=desk.dialog("odd").reqid, text="maybe")
    desk.order("rests")
    desk.ack("rests")
    desk.status("open", "rests")
    desk.link("lost", "connect", "connected", "synced")
    desk.cancel("rests")
    desk.wait(20)
    desk.answer("open", "rests", cum="2")


def _forgotten(desk: Desk) -> None:
    """Orders that memory lets go, and one that is asked back by a late fill."""
    for number in range(5):
        desk.order(f"o{number}")
        desk.ack(f"o{number}")
        desk.fill("10", f"o{number}", exec_id=f"F{number}")
    desk.report("bust", venue_id="V-o0", exec_id="B0", ref_id="F0")


def _looks(desk: Desk) -> None:
    """Looks that answer no open question: of one that filled, and of those that had a bust."""
    desk.order()
    desk.ack()
    desk.status("open")
    desk.status("filled", snapshot=True)
    for oid, cum in (("o2", "4"), ("o3", None)):
        desk.order(oid)
        desk.ack(oid)
        desk.status("open", oid)
        desk.fill("6", oid, exec_id=f"F-{oid}")
        desk.report("bust", reqid=desk.dialog(oid).reqid, exec_id=f"B-{oid}", ref_id=f"F-{oid}")
        desk.status("cancelled", oid, snapshot=True, cum=cum)
    desk.order("o4")
    desk.ack("o4")
    desk.fill("6", "o4", exec_id="F-o4")
    desk.report("bust", reqid=desk.dialog("o4").reqid, exec_id="B-o4", ref_id="F-o4")
    desk.status("filled", "o4", snapshot=True, cum="10")


def _cancels(desk: Desk) -> None:
    """Cancels that the venue weighs: of an order whose own has not left, and of those that have filled; and
    counts of fills that come after a bust.
    """
    desk.order()
    desk.cancel()
    desk.status("pending_cancel")
    desk.order("o2")
    desk.ack("o2")
    desk.fill("6", "o2", exec_id="F1")
    desk.fill("4", "o2", exec_id="F2")
    desk.status("pending_cancel", "o2", cum="12")
    desk.report("bust", reqid=desk.dialog("o2").reqid, exec_id="B2", ref_id="F2")
    desk.order("o3")
    desk.ack("o3")
    desk.fill("6", "o3", exec_id="F3", cum="6")
    desk.report("bust", reqid=desk.dialog("o3").reqid, exec_id="B3", ref_id="F3")
    desk.fill("4", "o3", exec_id="F4", cum="10")
    desk.order("o4")
    desk.ack("o4")
    desk.link("lost")
    desk.cancel("o4")
    desk.link("connect", "connected", "synced")
    desk.status("pending_cancel", "o4")
    desk.fill("10", "o4", exec_id="F5")
    desk.report("bust", reqid=desk.dialog("o4").reqid, exec_id="B5", ref_id="F5")


STORIES: dict[str, Callable[[Desk], None]] = {
    "main_line": _main_line,
    "dark": _dark,
    "stash": _stash,
    "edits": _edits,
    "amended": _amended,
    "external": _external,
    "unknown": _unknown,
    "forgotten": _forgotten,
    "looks": _looks,
    "cancels": _cancels,
}


def told(name: str) -> Desk:
    """A desk that lived through the story."""
    desk = Desk(Settings(keep_finished=3) if name == "forgotten" else None)
    STORIES[name](desk)
    return desk


def everything() -> Desk:
    """A desk that lived through what does not need another one's beginning."""
    desk = Desk()
    for story in (_dark, _external):
        story(desk)
    return desk


def _kept(name: str, desk: Desk, log: Callable[[Path], FileLog | Journal], ending: str) -> None:
    target = CORPUS / f"{name}{ending}"
    if target.exists():
        sys.exit(f"{target} is there, and stays what it is")
    log_of = log(target)
    for record in desk.log:
        log_of.append(record)
    log_of.close()
    (CORPUS / f"{name}.json").write_text(json.dumps(state(desk.book), indent=1, sort_keys=True) + "\n")


def main(names: list[str]) -> None:
    """Write what *names* say."""
    for name in names:
        if name == "--journal":
            _kept("journal", everything(), Journal, "")
            (CORPUS / "journal" / "journal.lock").unlink()
        else:
            _kept(name, told(name), FileLog, ".log")


if __name__ == "__main__":
    main(sys.argv[1:])
