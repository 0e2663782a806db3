"""Records for the tests of logs: some small ones, and the lives of busy orders."""

from __future__ import annotations

from decimal import Decimal

from fsm_ems.dialogs.dispatcher import Dispatcher
from fsm_ems.dialogs.record import Granted, Record
from fsm_ems.dialogs.settings import Capabilities, Settings
from fsm_ems.journal.base import RecordLog
from fsm_ems.journal.memory import MemoryLog
from fsm_ems.machines.link import LinkEvent
from fsm_ems.messages import BrokerdFill, BrokerdOrderAck, BrokerdStatus, Cancel, Edit, Order


def granted(seq: int, name: str = "main") -> Record:
    """A record that is about no order."""
    return Record(seq, 0, "", "", None, None, Granted(name, "trader", ()))


THREE = [granted(1, "one"), granted(2, "two"), granted(3, "three")]


def busy(log: RecordLog, form: str) -> tuple[MemoryLog, list[int | str]]:
    """Orders of two owners, with cancels, edits and a recall, in *log* and in a memory; and their ids."""
    memory = MemoryLog()

    def append(record: Record) -> None:
        log.append(record)
        memory.append(record)

    capabilities = Capabilities(reqid_form="int" if form == "int" else "str")
    settings = Settings(brokers={"kraken": capabilities}, keep_finished=1)
    dispatcher = Dispatcher(settings, append, generation="g", now_ns=1, lookup=memory.lookup)
    for owner in ("main", "other"):
        dispatcher.grant(owner, "trader", 1)
    for event in (LinkEvent.CONNECT, LinkEvent.CONNECTED, LinkEvent.SYNCED):
        dispatcher.link("kraken", event, 1)
    reqids: list[int | str] = []
    for number, owner in enumerate(("main", "other", "main", "main")):
        oid = f"o{number}" if owner == "main" else "o0"
        order = Order(oid=oid, side="buy", market="xbtusd.kraken", size=Decimal(2), price=Decimal(10))
        dispatcher.command(owner, order, 2)
        dialog = dispatcher.book.dialog(owner, oid)
        assert dialog is not None
        assert dialog.reqid is not None
        reqids.append(dialog.reqid)
        venue_id = f'V"{number}é'
        dispatcher.report("kraken", BrokerdOrderAck(reqid=dialog.reqid, venue_id=venue_id), 3)
        dispatcher.command(owner, Edit(oid=oid, edit_id="e", size=Decimal(3)), 4)
        dispatcher.command(owner, Cancel(oid=oid), 5)
        reqids += dialog.reqids
        dispatcher.report("kraken", BrokerdStatus(venue_id=venue_id, status="cancelled"), 6)
    late = BrokerdFill(venue_id='V"0é', exec_id="late", size=Decimal(1), price=Decimal(10))
    dispatcher.report("kraken", late, 7)
    return memory, reqids
