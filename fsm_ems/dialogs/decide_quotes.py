"""What a market's row makes of the orders held here: they are fired, follow the market, or wait for a quote.

Pure as all of :mod:`fsm_ems.dialogs.decide`. ``None`` means that there is nothing to record.
"""

from __future__ import annotations

from decimal import Decimal

from fsm_ems.dialogs.book import Book
from fsm_ems.dialogs.darkbook import Hit
from fsm_ems.dialogs.decide import fired, out_of_date, over_limits, record
from fsm_ems.dialogs.decide_held import stop_behind
from fsm_ems.dialogs.facts import EXACT, MET, Dialog
from fsm_ems.dialogs.prices import NO_PRICES, Seen
from fsm_ems.dialogs.record import Met, Record, Timed, Trailed, Triggered
from fsm_ems.dialogs.settings import Settings
from fsm_ems.machines.order import E, S
from fsm_ems.numbers import fits


def met(book: Book, settings: Settings, seen: Seen, hit: Hit, now_ns: int) -> Record | None:
    """The record of an order whose price the market reached; None where it was met before, and still waits,
    and where a trailing stop has less than a tick to follow.

    A row is compared with what is held when it comes, and with nothing that is submitted or edited after it.

    It goes out only at a quote no older than the setting: a print that meets it while there is none makes
    it wait for the next one. Over the limits in force, at market by the far touch, it does not go out: it
    ends, with an alarm. At a limit that no request can carry it waits on, with an alarm.
    """
    dialog = hit.dialog
    key = (dialog.owner, dialog.oid)
    if dialog.state in (S.ALERT_OPEN, S.DARK_OPEN) and out_of_date(dialog, now_ns):
        return record(book, now_ns, key, E.EXPIRED, Timed(0))
    if dialog.state is S.ALERT_OPEN:
        return record(book, now_ns, key, E.ALERT, Triggered(None, None, 0, hit.source, hit.seen))
    assert dialog.state is S.DARK_OPEN, "a row meets what is held here, and each once"
    if hit.follows:
        return _followed(book, hit, now_ns)
    touch = seen.touch(dialog.body.side, now_ns - settings.quote_age_ns)
    if touch is None:
        return record(book, now_ns, key, E.MET, Met(hit.seen))
    limit = limit_at(book, settings, dialog, touch)
    if limit is not None and not fits(limit):
        if dialog.flags & MET:
            return None
        cannot = f"no request can carry a price of {limit}: it waits for a quote that it can go out at"
        return record(book, now_ns, key, E.MET, Met(hit.seen), alarm=cannot)
    over = over_limits(settings, dialog, dialog.size, limit or touch, NO_PRICES)
    return fired(book, settings, dialog, limit, now_ns, hit.source, hit.seen, over)


def _followed(book: Book, hit: Hit, now_ns: int) -> Record | None:
    """The stop follows what was seen; None where that is less than a tick, so that it stays where it is."""
    dialog = hit.dialog
    stop, stands = stop_behind(book, dialog.body, hit.seen), dialog.price
    assert stands is not None, "what is held waits for a price"
    if stop >= stands if dialog.body.side == "buy" else stop <= stands:
        return None
    return record(book, now_ns, (dialog.owner, dialog.oid), E.TRAIL, Trailed(stop, hit.source, hit.seen))


def limit_at(book: Book, settings: Settings, dialog: Dialog, touch: Decimal) -> Decimal | None:
    """The limit that an order goes out with: its ticks beyond *touch*, at least one tick; None at market."""
    body = dialog.body
    if body.type == "market":
        return None
    market = book.markets[body.market]  # it was listed before the order was taken
    ticks = settings.limit_ticks_of(body.market) if body.limit_ticks is None else body.limit_ticks
    away = EXACT.multiply(market.price_tick, Decimal(ticks))
    if body.side == "buy":
        return EXACT.add(touch, away)
    return max(EXACT.subtract(touch, away), market.price_tick)
