"""A Hypothesis state machine that lives many lives of orders through the real dispatcher.

Run it as it is, or subclass it: add rules of your own, or narrow what it declares::

    class TestMine(EMSMachine):
        ems_settings = Settings(limits={"*": Limits(max_size=Decimal(2))})

    TestLives = TestMine.TestCase

With settings of your own, begin with :data:`LIVES`: ``settings(LIVES, max_examples=20)``.

Two traders and an observer give commands; the venue does what it is asked, or reports anything, in any order,
twice or never; the link breaks and returns; time passes. Most lives begin with orders that the venue has.
After each rule an auditor that never saw the order table compares
what was told and sent with what must be (:mod:`fsm_ems.testing.auditor`), each state is derived anew from
the facts, and at the end the records are replayed to the same book.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import ClassVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from fsm_ems.dialogs.apply import apply
from fsm_ems.dialogs.book import Book
from fsm_ems.dialogs.dispatcher import Dispatcher
from fsm_ems.dialogs.facts import SENT, Dialog, derive
from fsm_ems.dialogs.record import Record, Role, SendAbout, SendOrder
from fsm_ems.dialogs.settings import Capabilities, Settings
from fsm_ems.dialogs.snapshot import facts
from fsm_ems.machines.link import LinkState
from fsm_ems.machines.order import ENDS
from fsm_ems.market import Market
from fsm_ems.messages import Cancel
from fsm_ems.testing import strategies
from fsm_ems.testing.audit_dark import Rules
from fsm_ems.testing.auditor import Auditor
from fsm_ems.testing.inputs import Commanded, Fired, Heard, Input, LinkMoved, Outcome, Quoted, TimePassed, put

BROKER = "paper"
MARKET = "btcusd.paper"
TRADERS = ("alice", "bob")
OBSERVER = "eve"
OIDS = ("o1", "o2", "o3")
EXEC_IDS = ("E1", "E2", "E3", "E4")
SECOND_NS = 1_000_000_000
LIVES = settings(deadline=None, suppress_health_check=(HealthCheck.too_slow,))
"""What lives are tried with: how fast they are drawn is the machine's and its load's doing, and no fault."""


class EMSMachine(RuleBasedStateMachine):
    """The rules. *ems_settings*, *market* and its *price_tick* may be narrowed by a subclass.

    A rule of a subclass puts something in with :meth:`give`: ``self.give(Commanded("alice", order))``. So the
    auditor sees it too; *dispatcher* and its ``book`` are there to be looked at.
    """

    ems_settings: ClassVar[Settings] = Settings(brokers={BROKER: Capabilities(reopen_filled=True)})
    market: ClassVar[str] = MARKET
    price_tick: ClassVar[Decimal] = Decimal(1)

    def __init__(self) -> None:
        super().__init__()
        self.now_ns = SECOND_NS
        self.records: list[Record] = []
        self.reqids: list[int | str] = []
        self.queries: list[int | str] = []
        self.edit_count = 0
        self.executed = 0
        given = self.ems_settings
        known = Market(self.market, "base", "quote", self.price_tick, size_tick=Decimal(1))
        settings = replace(given, markets={self.market: known, **given.markets})
        ticks = settings.limit_ticks_of(self.market)
        tick = {self.market: self.price_tick}
        late = not settings.capabilities(BROKER).deadline
        rules = Rules(
            settings.quote_age_ns, tick, ticks, settings.redrive_max_ns, settings.margin_ns, takes_late=late
        )
        self.auditor = Auditor(rules=rules)
        self.dispatcher = Dispatcher(settings, self.records.append, generation="g", now_ns=self.now_ns)

    @initialize(chosen=st.data())
    def begin(self, chosen: st.DataObject | None = None) -> None:
        """Two traders, an observer of the first, and a link in step; and some orders, which is *chosen*.

        In each life Hypothesis leaves out some of the rules: without these many would see no order at all.
        """
        for identity in TRADERS:
            self.grant(identity, "trader")
        self.grant(OBSERVER, "observer", ("alice",))
        for event in ("connect", "connected", "synced"):
            self.give(LinkMoved(BROKER, event))
        if chosen is not None:
            self._open(chosen)

    def _open(self, chosen: st.DataObject) -> None:
        """The first orders, each as far as the venue has brought it by then, and what is wanted of it now."""
        for oid in OIDS[: chosen.draw(st.integers(0, len(OIDS)))]:
            self.submit(chosen.draw(st.sampled_from(TRADERS)), oid, chosen)
            for _ in range(chosen.draw(st.integers(0, 3))):
                if self.at_venue():
                    self.answer(chosen)
            if chosen.draw(st.booleans()) and self.living():
                self.think_again(chosen)

    def grant(self, identity: str, role: Role, sees: tuple[str, ...] = ()) -> None:
        """Let one more identity act, or look on at the owners it *sees*; the auditor knows it too."""
        self.dispatcher.grant(identity, role, self.now_ns, sees)
        self.auditor.grant(identity, role, sees)

    def give(self, given: Input) -> Outcome:
        """Put *given* in, let the auditor see it, and remember what was sent."""
        self.now_ns += 1
        outcome = put(self.dispatcher, given, self.now_ns)
        for effect in outcome.effects:
            if isinstance(effect, SendOrder) or (isinstance(effect, SendAbout) and effect.verb != "query"):
                self.reqids.append(effect.reqid)
            elif isinstance(effect, SendAbout):
                self.queries.append(effect.reqid)
        self.auditor.observe(given, outcome, self.now_ns)
        return outcome

    def living(self) -> list[Dialog]:
        """The orders that have not ended, in the order in which they came."""
        return [dialog for dialog in self.dispatcher.book if dialog.state not in ENDS]

    def at_venue(self) -> list[Dialog]:
        """Those of them that were sent."""
        return [dialog for dialog in self.living() if dialog.flags & SENT]

    # ── clients ─────────────────────────────────────────────────────────────────────────────────────

    @rule(who=st.sampled_from((*TRADERS, OBSERVER)), oid=st.sampled_from(OIDS), chosen=st.data())
    def submit(self, who: str, oid: str, chosen: st.DataObject) -> None:
        """An order, perhaps under an oid that was used before."""
        self.give(Commanded(who, chosen.draw(strategies.orders(oid, self.market, self.now_ns))))

    @rule(who=st.sampled_from((*TRADERS, OBSERVER)), oid=st.sampled_from(OIDS))
    def cancel(self, who: str, oid: str) -> None:
        """A cancel, perhaps of nobody's or of another's order."""
        self.give(Commanded(who, Cancel(oid=oid)))

    @rule(who=st.sampled_from((*TRADERS, OBSERVER)), oid=st.sampled_from(OIDS), chosen=st.data())
    def edit(self, who: str, oid: str, chosen: st.DataObject) -> None:
        """New terms, under an edit id of their own."""
        self.edit_count += 1
        self.give(Commanded(who, chosen.draw(strategies.edits(oid, f"e{self.edit_count}"))))

    @precondition(lambda self: bool(self.living()))
    @rule(chosen=st.data())
    def think_again(self, chosen: st.DataObject) -> None:
        """The owner of an order that lives cancels it, or gives it new terms."""
        order = chosen.draw(st.sampled_from(self.living()))
        if chosen.draw(st.sampled_from((True, False, False))):
            self.give(Commanded(order.owner, Cancel(oid=order.oid)))
        else:
            self.edit(order.owner, order.oid, chosen)

    @rule(chosen=st.data())
    def show(self, chosen: st.DataObject) -> None:
        """The market shows a quote or a print: good, crossed, zero, old or out of order."""
        self.give(Quoted(self.market, chosen.draw(strategies.rows(self.now_ns + 1))))

    @rule(who=st.sampled_from(TRADERS), oid=st.sampled_from(OIDS))
    def fire(self, who: str, oid: str) -> None:
        """A dark order or an alert is fired by hand."""
        self.give(Fired(who, oid))

    # ── the venue, the link and time ────────────────────────────────────────────────────────────────

    @precondition(lambda self: bool(self.reqids) and self.dispatcher.book.link_open(BROKER))
    @rule(chosen=st.data())
    def report(self, chosen: st.DataObject) -> None:
        """The venue says anything about anything it was sent, and mostly about orders that live."""
        living = [reqid for order in self.at_venue() for reqid in order.reqids]
        about = self.reqids
        if living and chosen.draw(st.sampled_from((True, True, False))):
            about = living
        drawn = strategies.reports(about, EXEC_IDS, self.queries)
        self.give(Heard(BROKER, chosen.draw(drawn)))

    @precondition(lambda self: bool(self.at_venue()) and self.dispatcher.book.link_open(BROKER))
    @rule(chosen=st.data())
    def answer(self, chosen: st.DataObject) -> None:
        """The venue does what it was asked, and says so: an order rests, trades, changes and is cancelled."""
        order = chosen.draw(st.sampled_from(self.at_venue()))
        self.executed += 1
        self.give(Heard(BROKER, chosen.draw(strategies.answers(order, f"A{self.executed}"))))

    @rule()
    def break_link(self) -> None:
        """The connection is gone."""
        self.give(LinkMoved(BROKER, "lost"))

    @precondition(lambda self: self.dispatcher.book.links.get(BROKER) is LinkState.CONNECTING)
    @rule()
    def connect(self) -> None:
        """The connection is back and in step."""
        for event in ("connected", "synced"):
            self.give(LinkMoved(BROKER, event))

    @rule(seconds=st.integers(1, 12))
    def wait(self, seconds: int) -> None:
        """Time passes, and what is due falls due."""
        self.now_ns += seconds * SECOND_NS
        self.give(TimePassed())

    # ── what must hold ──────────────────────────────────────────────────────────────────────────────

    @invariant()
    def the_book_is_what_the_auditor_says(self) -> None:
        """What was told and sent leads to the book as it is."""
        self.auditor.compare(self.dispatcher.book)

    @invariant()
    def states_follow_from_facts(self) -> None:
        """No state that the facts do not say."""
        for dialog in self.dispatcher.book:
            assert dialog.state is derive(dialog), dialog.oid

    def teardown(self) -> None:
        """The records alone give the same book."""
        book = Book()
        for record in self.records:
            apply(book, record)
        assert facts(book) == facts(self.dispatcher.book)
