"""Replaying the records gives the live state: whatever was put in, and wherever the log ends."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from decimal import Decimal
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fsm_ems.accounting.position import Position
from fsm_ems.dialogs.apply import apply
from fsm_ems.dialogs.book import Book
from fsm_ems.dialogs.dispatcher import Dispatcher
from fsm_ems.dialogs.facts import Dialog, body_of
from fsm_ems.dialogs.recall import rebuilt, recalled
from fsm_ems.dialogs.record import Effect, Granted, Record, Sent, Timed
from fsm_ems.dialogs.settings import SECOND_NS, Capabilities, Settings
from fsm_ems.dialogs.snapshot import FOLLOWING, dialog_facts, facts
from fsm_ems.errors import BrokerFault, LogDamaged, Refused
from fsm_ems.journal.file import FileLog, RecordFile
from fsm_ems.journal.memory import MemoryLog
from fsm_ems.journal.replay import replay
from fsm_ems.machines.link import LinkEvent
from fsm_ems.machines.order import OrderState
from fsm_ems.machines.order_events import OrderEvent
from fsm_ems.market import Market
from fsm_ems.messages import Cancel, Edit, Order, parse_report
from fsm_ems.quotes import Quote, Trade
from fsm_ems.testing.records import PAYLOADS

# What may be put in. Which order a report is about is drawn as a number, and its ids are found later.


class Put(NamedTuple):
    """One input: what kind, who or where, and what else it says."""

    kind: str
    place: str
    says: dict[str, Any]


Drawn = st.SearchStrategy[Any]
owners, brokers = st.sampled_from(["main", "other"]), st.sampled_from(["kraken", "paper"])
oids, edit_ids = st.sampled_from(["a", "b", "c"]), st.sampled_from(["e1", "e2", "e3"])
sizes = st.sampled_from(["0.1", "0.5", "1", "1.0", "2", "3"])
prices = st.sampled_from(["0", "8", "9", "10", "11"])
execs = st.sampled_from(["x1", "x2", "x3", "x4", "x5"])
TERMS: list[dict[str, Any]] = [
    {"side": "buy", "price": "10"},
    {"side": "buy", "price": "10"},
    {"side": "sell", "price": "11", "post_only": True},
    {"side": "buy", "type": "market", "tif": "ioc"},
    {"side": "buy", "price": "10", "tif": "gtd", "expire_ns": 40 * SECOND_NS},
    {"side": "sell", "price": "9", "mode": "dark", "direction": "at_or_below"},
    {"side": "buy", "price": "9", "mode": "dark", "trigger": "stop", "tif": "gtd",
     "expire_ns": 30 * SECOND_NS},
    {"side": "sell", "price": "9", "mode": "dark", "trigger": "trail", "trail": "1"},
    {"side": "alert", "price": "9", "direction": "at_or_above"},
]  # fmt: skip  # a kind of order a line
STATUSES = ["open", "pending_new", "filled", "cancelled", "rejected", "expired", "done_for_day", "stopped",
            "pending_cancel", "pending_edit"]  # fmt: skip
DETAILS = {"market": "xbtusd.kraken", "side": "buy", "size": "1"}


def a_report(name: str, **says: Drawn) -> Drawn:
    return st.fixed_dictionaries({"name": st.just(name), **says})


told: Drawn = st.one_of(
    a_report("brokerd_ack"),
    a_report(
        "brokerd_status",
        status=st.sampled_from(STATUSES),
        cum=st.none() | sizes,
        details=st.none() | st.just(DETAILS),
    ),
    a_report(
        "brokerd_status",
        status=st.sampled_from([*STATUSES, "absent", "absent"]),
        snapshot=st.just(value=True),
        details=st.none() | st.just(DETAILS),
    ),
    a_report("brokerd_fill", exec_id=execs, size=sizes, price=sizes, details=st.none() | st.just(DETAILS)),
    a_report("brokerd_fill", exec_id=execs, size=sizes, price=sizes),
    a_report("brokerd_bust", exec_id=execs, ref_id=execs),
    a_report("brokerd_correction", exec_id=execs, ref_id=execs, size=sizes, price=sizes),
    a_report("brokerd_replaced", size=st.none() | sizes),
    a_report("brokerd_refused", request=st.sampled_from(["submit", "cancel", "edit"])),
    a_report("brokerd_restated", size=st.none() | sizes, split=st.none() | sizes),
    a_report("brokerd_error"),
)


def a_market(broker: str) -> Market:
    return Market(f"xbtusd.{broker}", "xbt", "usd", price_tick=Decimal(1), size_tick=Decimal("0.1"))


def a_put(kind: str, place: Drawn, **says: Drawn) -> Drawn:
    return st.builds(Put, st.just(kind), place, st.fixed_dictionaries(says))


which, by = st.integers(0, 4), st.sampled_from(["reqid", "venue_id", "both"])
submits = a_put("submit", owners, oid=oids, broker=brokers, terms=st.sampled_from(TERMS), size=sizes)
reports = a_put("report", brokers, which=which, by=by, says=told)
hours = a_put("time", st.just(""), seconds=st.sampled_from([0, 1, 4, 8, 20, 60]))
ups = a_put("up", brokers)
others: list[Drawn] = [
    a_put("cancel", owners, oid=oids),
    a_put("edit", owners, oid=oids, edit_id=edit_ids, size=sizes),
    a_put("trigger", owners, oid=oids),
    a_put("quote", brokers, bid=prices, ask=prices),
    a_put("print", brokers, price=prices),
    a_put("position", brokers, size=st.sampled_from(["0", "1", "-1"])),
    a_put("moved", brokers, id=execs, what=st.sampled_from(["transfer", "split", "expiry"])),
    a_put("grant", st.just("eye"), sees=st.sampled_from([("main",), ("*",), ()])),
    a_put("link", brokers, event=st.sampled_from(LinkEvent)),
    a_put("history", brokers, which=st.lists(which, max_size=3), last=st.booleans(), now=st.booleans()),
    a_put(
        "history",
        brokers,
        which=st.lists(which, max_size=3),
        last=st.just(value=True),
        now=st.just(value=True),
    ),
]


def story(owner: str, oid: str, broker: str, size: str, plot: list[str]) -> list[Put]:
    """Inputs about one order, one of each kind that *plot* names."""
    about, newest = {"oid": oid}, {"which": 0, "by": "both"}
    kinds = {
        "live": Put("submit", owner, {**about, "broker": broker, "terms": TERMS[0], "size": size}),
        "dark": Put("submit", owner, {**about, "broker": broker, "terms": TERMS[5], "size": size}),
        "trail": Put("submit", owner, {**about, "broker": broker, "terms": TERMS[7], "size": size}),
        "trigger": Put("trigger", owner, about),
        "print": Put("print", broker, {"price": "9"}),
        "higher": Put("print", broker, {"price": "11"}),
        "quote": Put("quote", broker, {"bid": "9", "ask": "9"}),
        "cancel": Put("cancel", owner, about),
        "edit": Put("edit", owner, {**about, "edit_id": "e1", "size": "3"}),
        "edit again": Put("edit", owner, {**about, "edit_id": "e2", "size": "5"}),
        "hour": Put("time", "", {"seconds": 20}),
        "down": Put("link", broker, {"event": LinkEvent.LOST}),
        "up": Put("up", broker, {}),
        "stranger": Put(
            "report",
            broker,
            {
                "which": 99,
                "by": "venue_id",
                "says": {"name": "brokerd_status", "status": "open", "details": DETAILS},
            },
        ),
    }
    says: dict[str, dict[str, Any]] = {
        "ack": {"name": "brokerd_ack"},
        "open": {"name": "brokerd_status", "status": "open"},
        "rejected": {"name": "brokerd_status", "status": "rejected"},
        "fill": {"name": "brokerd_fill", "exec_id": f"x-{oid}", "size": size, "price": "10"},
        "weighed": {"name": "brokerd_status", "status": "pending_cancel"},
        "ours weighed": {"name": "brokerd_status", "status": "pending_cancel", "of": "cancel"},
        "fill of before": {
            "name": "brokerd_fill",
            "exec_id": f"y-{oid}",
            "size": "0.1",
            "price": "10",
            "cum": size,
        },
        "replaced": {"name": "brokerd_replaced"},
        "bust": {"name": "brokerd_bust", "exec_id": f"b-{oid}", "ref_id": f"x-{oid}"},
        "correction": {
            "name": "brokerd_correction",
            "exec_id": f"c-{oid}",
            "ref_id": f"x-{oid}",
            "size": size,
            "price": "9",
        },
    }
    kinds |= {name: Put("report", broker, {**newest, "says": report}) for name, report in says.items()}
    early = Put("report", broker, {"which": 0, "by": "venue_id", "says": says["open"]})
    return [kinds.get(kind, early) for kind in plot]


PLOTS = [
    ["live", "ack", "fill", "fill"],
    ["live", "early", "early", "ack"],
    ["live", "rejected", "fill", "bust", "correction"],
    ["live", "ack", "edit", "edit again", "replaced"],
    ["live", "cancel", "hour", "hour", "up", "hour"],
    ["down", "live", "up"],
    ["up", "stranger"],
    ["dark", "edit", "trigger", "ack"],
    ["dark", "down", "trigger", "cancel"],
    ["dark", "print", "hour", "quote", "ack"],
    ["trail", "higher", "print", "quote", "fill"],
    ["live", "ack", "fill", "bust", "fill of before"],
    ["live", "cancel", "weighed"],
    ["live", "cancel", "ours weighed"],
]
plots = st.builds(story, owners, oids, brokers, sizes, st.sampled_from(PLOTS))
stories: Drawn = st.one_of(plots, st.lists(st.one_of(reports, submits, hours, ups, *others), max_size=6))
inputs: Drawn = st.lists(stories, min_size=5, max_size=25).map(lambda parts: [*chain.from_iterable(parts)])
bounds: Drawn = st.builds(
    Settings,
    brokers=st.just(
        {"kraken": Capabilities(history=True), "paper": Capabilities(reqid_form="int", reopen_filled=True)}
    ),
    markets=st.just({f"xbtusd.{broker}": a_market(broker) for broker in ("kraken", "paper")}),
    keep_finished=st.sampled_from([0, 1, 10_000]),
    keep_age_ns=st.sampled_from([5 * SECOND_NS, 10**18]),
    parked_max=st.sampled_from([1, 1_000]),
)


class Run:
    """A dispatcher that keeps its records in two logs, and the facts that each of them was decided on."""

    def __init__(self, path: Path, settings: Settings) -> None:
        self.now_ns = SECOND_NS
        self.book = Book()
        self.log = FileLog(path)
        self.memory = MemoryLog(None)
        self.states: list[dict[str, Any]] = []
        self.effects: list[Effect] = []
        self.known: dict[str, dict[Dialog, None]] = {}
        self.last: dict[tuple[str, str], Dialog] = {}
        self.dispatcher = Dispatcher(
            settings,
            self._append,
            generation="g",
            now_ns=self.now_ns,
            book=self.book,
            lookup=self.log.lookup,
            life=self.log.of,
        )
        for owner in ("main", "other"):
            self.dispatcher.grant(owner, "trader", self.now_ns)

    def _append(self, record: Record) -> None:
        self.states.append(facts(self.book))
        self.last |= {(dialog.owner, dialog.oid): dialog for dialog in self.book}
        self.log.append(record)
        self.memory.append(record)

    def put(self, given: Put) -> None:
        with suppress(Refused, BrokerFault):
            self.effects += _PUT[given.kind](self, given.place, given.says)
        for broker, dialogs in self.book.by_reqid.items():
            self.known.setdefault(broker, {}).update(dict.fromkeys(dialogs.values()))
        self.last |= {(dialog.owner, dialog.oid): dialog for dialog in self.book}

    def let_go(self) -> list[Dialog]:
        """The dialogs that are no longer in memory, as they were when they left it."""
        return [dialog for key, dialog in self.last.items() if self.book.dialog(*key) is None]

    def command(self, owner: str, command: Order | Cancel | Edit) -> list[Effect]:
        return self.dispatcher.command(owner, command, self.now_ns)[1]

    def submit(self, owner: str, says: dict[str, Any]) -> list[Effect]:
        fields = {**says["terms"], "oid": says["oid"], "market": f"xbtusd.{says['broker']}"}
        if fields["side"] != "alert":
            fields["size"] = says["size"]
        return self.command(owner, Order(**fields))

    def up(self, broker: str, says: dict[str, Any]) -> list[Effect]:
        made: list[Effect] = []
        for event in (LinkEvent.LOST, LinkEvent.CONNECT, LinkEvent.CONNECTED, LinkEvent.SYNCED):
            made += self.dispatcher.link(broker, event, self.now_ns)
        return made

    def time(self, place: str, says: dict[str, Any]) -> list[Effect]:
        self.now_ns += says["seconds"] * SECOND_NS
        return self.dispatcher.pass_time(self.now_ns)

    def quote(self, broker: str, says: dict[str, Any]) -> list[Effect]:
        bid, ask = (Decimal(says[side]) for side in ("bid", "ask"))
        row = Quote(self.now_ns, bid, Decimal(1), ask, Decimal(1))
        return [*self.dispatcher.quote(f"xbtusd.{broker}", row, self.now_ns)]

    def print(self, broker: str, says: dict[str, Any]) -> list[Effect]:
        row = Trade(self.now_ns, Decimal(says["price"]), Decimal(1), "", "")
        return [*self.dispatcher.quote(f"xbtusd.{broker}", row, self.now_ns)]

    def position(self, broker: str, says: dict[str, Any]) -> list[Effect]:
        about = {"name": "brokerd_position", "market": f"xbtusd.{broker}", **says}
        return self.dispatcher.report(broker, parse_report(about), self.now_ns)

    def moved(self, broker: str, says: dict[str, Any]) -> list[Effect]:
        """A transfer in, a split or an expiry: each has an id of its own."""
        terms = {"transfer": {"size": "1"}, "split": {"ratio": "2"}, "expiry": {}}[says["what"]]
        name, exec_id = f"brokerd_{says['what']}", f"{says['what']}-{says['id']}"
        about = {"name": name, "market": f"xbtusd.{broker}", "exec_id": exec_id, **terms}
        return self.dispatcher.report(broker, parse_report(about), self.now_ns)

    def history(self, broker: str, says: dict[str, Any]) -> list[Effect]:
        """A page of what the venue has: some orders that rest, each with an execution of its own."""
        dialogs = [*reversed(self.known.get(broker, {}))]
        told = [dialogs[place] for place in says["which"] if place < len(dialogs) and dialogs[place].reqid]
        asked = self.book.histories[broker].asked if says["now"] and broker in self.book.histories else 0
        orders = [
            {
                "name": "brokerd_status",
                "status": "open",
                "snapshot": True,
                "reqid": dialog.reqid,
                "cum": "0.1",
            }
            for dialog in told
        ]
        fills = [
            {
                "name": "brokerd_fill",
                "reqid": one.reqid,
                "exec_id": f"h-{one.oid}",
                "size": "0.1",
                "price": "9",
            }
            for one in told
        ]
        about = {"name": "brokerd_history", "reqid": asked or "z0", "last": says["last"]}
        return self.dispatcher.report(
            broker, parse_report({**about, "orders": orders, "fills": fills}), self.now_ns
        )

    def grant(self, identity: str, says: dict[str, Any]) -> list[Effect]:
        self.dispatcher.grant(identity, "observer", self.now_ns, says["sees"])
        return []

    def report(self, broker: str, says: dict[str, Any]) -> list[Effect]:
        """A report about the newest order but so many, forgotten ones included, or about no known one."""
        fields = {name: value for name, value in says["says"].items() if value is not None}
        dialogs = [*reversed(self.known.get(broker, {}))]
        dialog = dialogs[says["which"]] if says["which"] < len(dialogs) else None
        if says["by"] != "venue_id" or fields["name"] in _ANSWERS:
            fields["reqid"] = _reqid_for(dialog, fields)
        if says["by"] != "reqid" or fields["name"] == "brokerd_ack":
            fields["venue_id"] = "V0" if dialog is None else dialog.venue_id or f"V-{dialog.reqid}"
        if fields.get("snapshot") and dialog is not None and dialog.asked:
            fields["query"] = dialog.asked
        return self.dispatcher.report(broker, parse_report(fields), self.now_ns)


def _reqid_for(dialog: Dialog | None, fields: dict[str, Any]) -> int | str:
    asks = fields.pop("of", fields.get("request"))
    if dialog is None or dialog.reqid is None:
        return "z0"
    asks = asks or ("edit" if fields["name"] == "brokerd_replaced" else "submit")
    if asks == "edit" and dialog.edits:
        return dialog.edits[0].reqid
    if asks == "cancel" and dialog.cancel is not None and dialog.cancel.reqid is not None:
        return dialog.cancel.reqid
    return dialog.reqid


_ANSWERS = frozenset({"brokerd_ack", "brokerd_replaced", "brokerd_refused", "brokerd_error"})
_PUT: dict[str, Callable[[Run, str, dict[str, Any]], list[Effect]]] = {
    "submit": Run.submit,
    "cancel": lambda run, owner, says: run.command(owner, Cancel(**says)),
    "edit": lambda run, owner, says: run.command(owner, Edit(**says)),
    "trigger": lambda run, owner, says: run.dispatcher.trigger(owner, says["oid"], run.now_ns),
    "link": lambda run, broker, says: run.dispatcher.link(broker, says["event"], run.now_ns),
    "up": Run.up,
    "time": Run.time,
    "grant": Run.grant,
    "history": Run.history,
    "position": Run.position,
    "moved": Run.moved,
    "quote": Run.quote,
    "print": Run.print,
    "report": Run.report,
}


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("replay") / "records.log"


@pytest.mark.no_cover
@pytest.mark.slow
def test_every_prefix_of_the_log_gives_the_state_that_was_live_there(path: Path) -> None:
    """And the runs that are drawn make every kind of record."""
    kinds: set[str] = set()

    @settings(max_examples=200, suppress_health_check=[HealthCheck.too_slow])
    @given(bounds=bounds, given_inputs=inputs)
    def replayed_everywhere(bounds: Settings, given_inputs: list[Put]) -> None:
        path.unlink(missing_ok=True)
        run = Run(path, bounds)
        for each in (Put("up", "kraken", {}), Put("up", "paper", {}), *given_inputs):
            run.put(each)
        run.log.close()

        kept = [*RecordFile(path)]
        assert kept == [*run.memory]
        assert len(kept) == run.book.seq
        replayed, effects = Book(), list[Effect]()
        for before, record in zip(run.states, kept, strict=True):
            assert facts(replayed) == before
            effects += apply(replayed, record)
        assert facts(replayed) == facts(run.book) == facts(replay(kept))
        assert effects == run.effects
        kinds.update(type(record.payload).__name__ for record in kept)

    replayed_everywhere()
    assert kinds == {kind.__name__ for kind in PAYLOADS}


NOT_RECALLED = ("asked", "cancel", "due_ns", "edits", "ended_ns", "notional")
"""What a finished dialog is brought back without: requests, questions, and when it had ended. What it traded
for is summed up again, and a split's rounding may show in that.
"""


def facts_but(dialog: Dialog, *slots: str) -> dict[str, Any]:
    return {slot: value for slot, value in dialog_facts(dialog).items() if slot not in slots}


@pytest.mark.no_cover
@pytest.mark.slow
@settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow])
@given(bounds=bounds.map(lambda bounds: replace(bounds, keep_finished=0)), given_inputs=inputs)
def test_what_memory_let_go_comes_back_as_it_was(
    path: Path, bounds: Settings, given_inputs: list[Put]
) -> None:
    path.unlink(missing_ok=True)
    run = Run(path, bounds)
    for each in (Put("up", "kraken", {}), Put("up", "paper", {}), *given_inputs):
        run.put(each)

    for dialog in run.let_go():
        life = run.log.of(dialog.owner, dialog.oid)
        again = rebuilt(life)
        assert again is not None
        assert facts_but(again, "ended_ns") == facts_but(dialog, "ended_ns")
        back = recalled(run.book, life, run.now_ns)
        assert back is not None
        scratch = Book()
        scratch.seq = back.seq - 1
        apply(scratch, back)
        returned = scratch.dialog(dialog.owner, dialog.oid)
        assert returned is not None
        assert facts_but(returned, *NOT_RECALLED) == facts_but(dialog, *NOT_RECALLED)


# Facts: nothing a book holds is left out.


NESTED = {"by_reqid", "by_venue_id", "executions", "orphan_execs", "amendments"}


def changed(book: Book, slot: str) -> None:
    value = getattr(book, slot)
    if slot == "dialogs":
        value["main"] = {
            "a": Dialog("main", "a", body_of(Order(oid="a", side="alert", market="a.b", price=Decimal(1))))
        }
    elif slot == "positions":
        value["main"] = {"a.b": Position(a_market("b"), "main")}
    elif slot == "dark":
        alert = Dialog("main", "a", body_of(Order(oid="a", side="alert", market="a.b", price=Decimal(1))))
        alert.state, alert.direction = OrderState.ALERT_OPEN, "at_or_above"
        value.place(alert)
    elif isinstance(value, dict):
        value["new"] = {} if slot in NESTED else 1
    elif isinstance(value, int):
        setattr(book, slot, value + 1)
    else:
        setattr(book, slot, f"{value}+")


@pytest.mark.parametrize("slot", sorted(set(Book.__slots__) - FOLLOWING - {"finished"}))
def test_every_slot_of_a_book_is_among_its_facts(slot: str) -> None:
    book = Book()
    before = facts(book)

    changed(book, slot)

    after = facts(book)
    assert [name for name in before if before[name] != after[name]] == [slot]


def test_the_facts_do_not_change_with_the_book(path: Path) -> None:
    path.unlink(missing_ok=True)
    run = Run(path, Settings())
    run.put(Put("up", "kraken", {}))
    run.put(Put("submit", "main", {"oid": "a", "broker": "kraken", "terms": TERMS[0], "size": "1"}))
    before = facts(run.book)
    assert before == facts(replay(run.memory))

    run.put(Put("report", "kraken", {"which": 0, "by": "both", "says": {"name": "brokerd_ack"}}))

    assert before != facts(run.book)
    assert before["dialogs"][0][2]["state"] == "pending"
    dialog = run.book.dialog("main", "a")
    assert dialog is not None
    assert dialog_facts(dialog).keys() == set(Dialog.__struct_fields__)


# Records that do not belong together.


@pytest.mark.parametrize(
    "records",
    [
        [Record(2, 0, "", "", None, None, Granted("main", "trader", ()))],
        [Record(1, 0, "main", "a", OrderEvent.DEADLINE, None, Timed(5))],
        [Record(1, 0, "main", "a", OrderEvent.SENDING, None, Sent("g-1", 5))],
    ],
    ids=["gap", "no such dialog", "never submitted"],
)
def test_records_that_cannot_follow_each_other_are_damage(records: list[Record]) -> None:
    with pytest.raises(LogDamaged, match="cannot follow what is before it") as caught:
        replay(records)

    assert caught.value.line == records[-1].seq


def test_an_event_without_a_row_is_damage(path: Path) -> None:
    path.unlink(missing_ok=True)
    run = Run(path, Settings())
    run.put(Put("submit", "main", {"oid": "a", "broker": "kraken", "terms": TERMS[-1], "size": "1"}))
    bad = Record(run.book.seq + 1, 0, "main", "a", OrderEvent.DEADLINE, None, Timed(5))

    with pytest.raises(LogDamaged, match="alert_open cannot take deadline"):
        replay([*run.memory, bad])


def test_nothing_replays_to_an_empty_book() -> None:
    assert facts(replay([])) == facts(Book())
