"""Each report, in each state where it means something else, and what it is called there.

A case is a life so far, one more line, and what came of that: the event, its second step, or that it told
nothing new; then how the order stands. The language is that of ``script.py``.
"""

from typing import get_args

import pytest

from fsm_ems.dialogs.fold_report import _FOLDS
from fsm_ems.dialogs.naming import _NAMERS
from fsm_ems.dialogs.record import Contradicted
from fsm_ems.messages import Report
from tests.dialogs.script import Script

ORDER = "submit 10 @ 100"
ACKED = f"{ORDER}; ack"
OPEN = f"{ACKED}; open"
PART = f"{OPEN}; fill 4"
FULL = f"{OPEN}; fill 10"
EDITING = f"{OPEN}; edit e1 12"
LOWERING = f"{PART}; edit e1 6"
CANCELLING = f"{OPEN}; cancel"
STASHED = f"{ORDER}; cancel"
DARK = "submit 10 @ 100 dark; trigger"
DOUBT = f"{ORDER}; wait 5s"
ASKED = f"{DOUBT}; wait 2s"
LOST = f"{OPEN}; lost; connected; synced"
REOPENING = f"{FULL}; edit e1 12"
NOTED = f"{FULL}; cancelled"
REJECTED = f"{ORDER}; rejected"
CANCELLED = f"{PART}; cancelled"

Case = tuple[str, str, str]

ACKS: list[Case] = [
    (ORDER, "ack", "ack | acked 0 10 PendingNew"),
    (DARK, "ack", "ack | acked 0 10 PendingNew"),
    (STASHED, "ack", "ack | cancelling 0 10 PendingNew"),
    (ACKED, "ack", "nothing | acked 0 10 PendingNew"),
    (f"{ORDER}; fill 4 by=request", "ack", "ack | open 4 6 PartiallyFilled"),
    (f"{ORDER}; fill 10 by=request", "ack", "ack | filled 10 0 Filled"),
    (f"{ORDER}; rejected by=request", "ack", "ack | rejected 0 0 Rejected"),
    (DOUBT, "ack", "found_acked | acked 0 10 PendingNew"),
    (LOST, "ack", "nothing | unknown 0 10 New"),
    (LOST, "open", "nothing | unknown 0 10 New"),
    (f"{ACKED}; lost", "open", "seen_open | unknown 0 10 New"),
    (f"{ORDER}; lost", "ack", "seen_acked | unknown 0 10 PendingNew"),
    (f"{STASHED}; wait 5s", "ack", "found_acked resume_cancel | cancelling 0 10 PendingNew"),
]

FILLS: list[Case] = [
    (ORDER, "fill 4", "fill | open 4 6 PartiallyFilled"),
    (ORDER, "fill 10", "fill_complete | filled 10 0 Filled"),
    (ORDER, "fill 11", "fill_complete alarm | filled 11 0 Filled"),
    (STASHED, "fill 4", "fill | cancelling 4 6 PartiallyFilled"),
    (PART, "fill 4 id=F1", "nothing | open 4 6 PartiallyFilled"),
    (PART, "fill 4", "fill | open 8 2 PartiallyFilled"),
    (PART, "fill 2 cum=9", "fill | open 9 1 PartiallyFilled"),
    (PART, "fill 2 cum=10", "fill_complete | filled 10 0 Filled"),
    (PART, "fill 2 cum=5", "fill | open 6 4 PartiallyFilled"),
    (f"{OPEN}; open cum=4", "fill 4", "fill | open 4 6 PartiallyFilled"),
    (f"{OPEN}; filled", "fill 4", "fill | filled 10 0 Filled"),
    (FULL, "fill 1", "overfill alarm | filled 11 0 Filled"),
    (f"{FULL}; open cum=12", "fill 1", "fill | filled 12 0 Filled"),
    (CANCELLED, "fill 2", "fill | cancelled 6 0 Canceled"),
    (CANCELLED, "fill 7", "fill alarm | cancelled 11 0 Filled"),
    (f"{PART}; expired", "fill 2", "fill | expired 6 0 Expired"),
    (REJECTED, "fill 2", "fill alarm | cancelled 2 0 Canceled"),
    (DOUBT, "fill 4", "found_open | open 4 6 PartiallyFilled"),
    (DOUBT, "fill 10", "fill_complete | filled 10 0 Filled"),
    (f"{OPEN}; cancel; wait 5s", "fill 4", "found_open resume_cancel | cancelling 4 6 PartiallyFilled"),
    (f"{LOST}; cancel", "fill 4", "seen_open | unknown 4 6 PartiallyFilled"),
    (EDITING, "fill 4", "fill | editing 4 6 PartiallyFilled"),
    (EDITING, "fill 4 as=e1", "replaced_by_fill | open 4 8 PartiallyFilled"),
    (EDITING, "fill 12 as=e1", "fill_complete | filled 12 0 Filled"),
    (f"{EDITING}; edit e2 13", "fill 4 as=e1", "replaced_by_fill | editing 4 8 PartiallyFilled"),
    (f"{EDITING}; wait 5s", "fill 4 as=e1", "found_open | open 4 8 PartiallyFilled"),
    (f"{EDITING}; lost", "fill 4 as=e1", "seen_open | unknown 4 8 PartiallyFilled"),
    (f"{EDITING}; cancel", "fill 4 as=e1", "fill | cancelling 4 8 PartiallyFilled"),
    (f"{EDITING}; fill 10", "fill 1 as=e1", "replaced_by_fill | open 11 1 PartiallyFilled"),
    (f"{EDITING}; fill 10", "fill 2 as=e1", "fill_complete | filled 12 0 Filled"),
    (f"{EDITING}; fill 10", "fill 3 as=e1", "fill_complete alarm | filled 13 0 Filled"),
    (REOPENING, "fill 1", "fill | editing 11 0 Filled"),
    (f"{REOPENING}; wait 5s", "fill 1", "found_open resume_edit | editing 11 0 Filled"),
    (f"{REOPENING}; lost", "fill 1", "seen_open | unknown 11 0 Filled"),
    (REOPENING, "fill 1 as=e1", "replaced_by_fill | open 11 1 PartiallyFilled"),
    (f"{REOPENING}; wait 5s; filled cum=11", "fill 1", "fill | editing 11 0 Filled"),
    (f"{REOPENING}; lost; filled cum=11", "fill 1", "seen_open | unknown 11 0 Filled"),
    (f"{EDITING}; refused e1; pending_edit as=x", "fill 2 as=x", "fill | editing 2 8 PendingReplace"),
]

AMENDED: list[Case] = [
    (PART, "bust F1", "bust | open 0 10 New"),
    (PART, "bust F9", "bust | open 4 6 PartiallyFilled"),
    (f"{PART}; bust F1", "bust F1", "nothing | open 0 10 New"),
    (f"{PART}; bust F9", "fill 3 id=F9", "nothing | open 4 6 PartiallyFilled"),
    (ORDER, "bust F9", "bust | open 0 10 New"),
    (STASHED, "bust F9", "bust | cancelling 0 10 New"),
    (FULL, "bust F1", "bust_reopens | open 0 10 New"),
    (f"{OPEN}; fill 12", "bust F9", "bust | filled 12 0 Filled"),
    (f"{FULL}; fill 10", "bust F2", "bust | filled 10 0 Filled"),
    (f"{PART}; filled", "bust F1", "bust_reopens | open 6 4 PartiallyFilled"),
    (NOTED, "bust F1", "bust_reopens cancelled | cancelled 0 0 Canceled"),
    (f"{FULL}; expired", "bust F1", "bust_reopens expired | expired 0 0 Expired"),
    (f"{CANCELLING}; fill 10", "bust F1", "bust_reopens resume_cancel | cancelling 0 10 New"),
    (f"{EDITING}; fill 10", "bust F1", "bust | editing 0 10 New"),
    (CANCELLED, "bust F1", "bust | cancelled 0 0 Canceled"),
    (REJECTED, "bust F9", "bust | rejected 0 0 Rejected"),
    (f"{PART}; lost", "bust F1", "bust | unknown 0 10 New"),
    (PART, "correct F1 5", "corrected | open 5 5 PartiallyFilled"),
    (PART, "correct F1 10", "corrected_completes | filled 10 0 Filled"),
    (PART, "correct F1 11", "corrected_completes alarm | filled 11 0 Filled"),
    (FULL, "correct F1 9", "corrected_reopens | open 9 1 PartiallyFilled"),
    (FULL, "correct F1 12", "corrected alarm | filled 12 0 Filled"),
    (PART, "correct F9 3", "corrected | open 7 3 PartiallyFilled"),
    (f"{PART}; correct F9 3", "fill 3 id=F9", "nothing | open 7 3 PartiallyFilled"),
    (f"{PART}; correct F1 5", "correct F1 6", "corrected | open 6 4 PartiallyFilled"),
    (f"{PART}; correct F1 5 id=C9", "correct F1 5 id=C9", "nothing | open 5 5 PartiallyFilled"),
    (f"{PART}; correct F1 5; correct C1 6", "bust F1", "bust | open 0 10 New"),
    (f"{PART}; bust F1", "correct F1 5", "contradiction corrected | open 0 10 New"),
    (
        f"{PART}; correct F1 5 id=C9",
        "correct C9 6 id=F1",
        "contradiction corrected | open 5 5 PartiallyFilled",
    ),
    (f"{PART}; correct C8 5 id=C9", "correct F1 6 id=C8", "corrected | open 5 5 PartiallyFilled"),
    (f"{PART}; correct C8 5 id=C9; correct F1 6 id=C8", "bust F1", "bust | open 0 10 New"),
    (REJECTED, "correct F1 5", "corrected alarm | cancelled 5 0 Canceled"),
    (NOTED, "correct F1 9", "corrected_reopens cancelled | cancelled 9 0 Canceled"),
    (CANCELLED, "correct F1 5", "corrected | cancelled 5 0 Canceled"),
    (ORDER, "correct F1 5", "corrected | open 5 5 PartiallyFilled"),
    (f"{PART}; lost", "correct F1 5", "corrected | unknown 5 5 PartiallyFilled"),
    (f"{PART}; lost", "correct F1 10", "corrected_completes | filled 10 0 Filled"),
    (REOPENING, "correct F1 11", "corrected alarm | editing 11 0 Filled"),
    (f"{PART}; open cum=6", "correct F1 5", "corrected | open 7 3 PartiallyFilled"),
]

REPLACED: list[Case] = [
    (EDITING, "replaced e1", "replaced | open 0 12 New"),
    (EDITING, "replaced e1 13 @ 99", "replaced | open 0 13 New"),
    (EDITING, "replaced e9", "nothing | editing 0 10 New"),
    (f"{EDITING}; replaced e1", "replaced e1", "nothing | open 0 12 New"),
    (f"{EDITING}; edit e2 13", "replaced e1", "replaced | editing 0 12 New"),
    (f"{EDITING}; cancel", "replaced e1", "replaced | cancelling 0 12 New"),
    (f"{EDITING}; wait 5s", "replaced e1", "found_open | open 0 12 New"),
    (f"{EDITING}; lost", "replaced e1", "seen_open | unknown 0 12 New"),
    (f"{EDITING}; cancel; wait 5s", "replaced e1", "found_open resume_cancel | cancelling 0 12 New"),
    (f"{EDITING}; cancel; lost", "replaced e1", "seen_open | unknown 0 12 New"),
    (LOWERING, "replaced e1", "replaced | open 4 2 PartiallyFilled"),
    (f"{LOWERING}; fill 2", "replaced e1", "replaced_completes | filled 6 0 Filled"),
    (f"{LOWERING}; fill 3", "replaced e1", "replaced_completes | filled 7 0 Filled"),
    (f"{LOWERING}; fill 6", "replaced e1", "replaced | filled 10 0 Filled"),
    (f"{EDITING}; fill 10", "replaced e1", "replaced | open 10 2 PartiallyFilled"),
    (f"{EDITING}; fill 10; cancelled", "replaced e1", "nothing | cancelled 10 0 Filled"),
    (f"{EDITING}; cancelled", "replaced e1", "nothing | cancelled 0 0 Canceled"),
    (REOPENING, "replaced e1", "replaced | open 10 2 PartiallyFilled"),
    (REOPENING, "refused e1", "edit_refused_filled | filled 10 0 Filled"),
    (EDITING, "refused e1", "edit_refused | open 0 10 New"),
    (EDITING, "refused e9", "nothing | editing 0 10 New"),
    (f"{ACKED}; edit e1 12", "refused e1", "edit_refused_acked | acked 0 10 PendingNew"),
    (f"{EDITING}; edit e2 13", "refused e1", "edit_refused | editing 0 10 New"),
    (f"{EDITING}; cancel", "refused e1", "edit_refused | cancelling 0 10 New"),
    (f"{EDITING}; lost", "refused e1", "edit_refused | unknown 0 10 New"),
    (f"{REOPENING}; cancel", "refused e1", "edit_refused_filled | filled 10 0 Filled"),
    (f"{REOPENING}; lost", "refused e1", "found_filled | filled 10 0 Filled"),
    (f"{EDITING}; fill 10", "refused e1", "edit_refused_filled | filled 10 0 Filled"),
]

REFUSED: list[Case] = [
    (CANCELLING, "refused cancel", "cancel_refused | open 0 10 New"),
    (f"{ACKED}; cancel", "refused cancel", "cancel_refused_acked | acked 0 10 PendingNew"),
    (STASHED, "refused cancel", "cancel_refused | pending 0 10 PendingNew"),
    (f"{DARK}; cancel", "refused cancel", "cancel_refused_dark | dark_triggered 0 10 PendingNew"),
    (f"{EDITING}; cancel", "refused cancel", "cancel_refused resume_edit | editing 0 10 New"),
    (f"{REOPENING}; cancel", "refused cancel", "cancel_refused_filled resume_edit | editing 10 0 Filled"),
    (f"{REOPENING}; cancel; refused e1", "refused cancel", "cancel_refused | filled 10 0 Filled"),
    (f"{CANCELLING}; fill 10", "refused cancel too_late", "cancel_refused | filled 10 0 Filled"),
    (f"{CANCELLING}; lost", "refused cancel", "nothing | unknown 0 10 New"),
    (OPEN, "refused cancel", "nothing | open 0 10 New"),
    (ORDER, "refused submit", "rejected | rejected 0 0 Rejected"),
    (DOUBT, "refused submit", "rejected | rejected 0 0 Rejected"),
    (ORDER, "refused submit duplicate", "contradiction duplicate_refused | pending 0 10 PendingNew"),
    (OPEN, "refused submit", "duplicate_refused alarm | open 0 10 New"),
    (FULL, "refused submit duplicate", "duplicate_refused alarm | filled 10 0 Filled"),
    (f"{OPEN}; lost", "refused submit duplicate", "nothing | unknown 0 10 New"),
]

STATUSES: list[Case] = [
    (EDITING, "cancelled cum=10 as=e1", "cancelled | cancelled 10 0 Canceled"),
    (EDITING, "expired cum=12 as=e1", "filled_stated | filled 12 0 Filled"),
    (EDITING, "cancelled cum=10", "filled_stated | filled 10 0 Filled"),
    (
        f"{OPEN}; edit e1 12; fill 10",
        "cancelled as=e1",
        "cancelled | cancelled 10 0 Canceled",
    ),
    (f"{OPEN}; edit e1 12; fill 10", "cancelled", "cancelled | cancelled 10 0 Filled"),
    (ORDER, "pending_new", "ack | acked 0 10 PendingNew"),
    (ACKED, "pending_new", "nothing | acked 0 10 PendingNew"),
    (DOUBT, "pending_new", "found_acked | acked 0 10 PendingNew"),
    (ORDER, "open", "opened | open 0 10 New"),
    (ACKED, "open", "opened | open 0 10 New"),
    (OPEN, "open", "nothing | open 0 10 New"),
    (STASHED, "open", "opened | cancelling 0 10 New"),
    (f"{ORDER}; fill 4 by=request", "open", "opened | open 4 6 PartiallyFilled"),
    (f"{ACKED}; edit e1 12", "open", "opened | editing 0 10 New"),
    (f"{ACKED}; cancel", "open", "opened | cancelling 0 10 New"),
    (OPEN, "open cum=4", "stated | open 4 6 PartiallyFilled"),
    (ACKED, "pending_new cum=4", "opened | open 4 6 PartiallyFilled"),
    (f"{OPEN}; open cum=4", "open cum=3", "nothing | open 4 6 PartiallyFilled"),
    (OPEN, "open cum=10", "filled_stated | filled 10 0 Filled"),
    (OPEN, "open cum=11", "filled_stated alarm | filled 11 0 Filled"),
    (OPEN, "filled", "filled_stated | filled 10 0 Filled"),
    (FULL, "filled", "nothing | filled 10 0 Filled"),
    (EDITING, "filled cum=12", "filled_stated | filled 12 0 Filled"),
    (EDITING, "filled cum=13", "filled_stated alarm | filled 13 0 Filled"),
    (EDITING, "open cum=11", "stated | editing 11 0 Filled"),
    (EDITING, "open cum=13", "filled_stated alarm | filled 13 0 Filled"),
    (f"{EDITING}; fill 10", "filled cum=12", "filled_stated | filled 12 0 Filled"),
    (f"{EDITING}; fill 10", "filled cum=13", "filled_stated alarm | filled 13 0 Filled"),
    (f"{ORDER}; edit e1 12", "filled cum=12", "filled_stated alarm | filled 12 0 Filled"),
    (EDITING, "filled cum=11", "stated | editing 11 0 Filled"),
    (f"{EDITING}; edit e2 14", "filled cum=12", "filled_stated | filled 12 0 Filled"),
    (OPEN, "filled cum=8", "filled_stated | filled 8 0 Filled"),
    (LOWERING, "filled cum=6", "filled_stated | filled 6 0 Filled"),
    (LOWERING, "filled cum=5", "stated | editing 5 5 PartiallyFilled"),
    (REOPENING, "filled", "nothing | editing 10 0 Filled"),
    (f"{REOPENING}; wait 5s", "filled", "found_open resume_edit | editing 10 0 Filled"),
    (f"{REOPENING}; lost", "filled", "seen_open | unknown 10 0 Filled"),
    (FULL, "open cum=11", "stated alarm | filled 11 0 Filled"),
    (CANCELLED, "open cum=6", "stated | cancelled 6 0 Canceled"),
    (CANCELLED, "open", "nothing | cancelled 4 0 Canceled"),
    (REJECTED, "open", "nothing | rejected 0 0 Rejected"),
    (REJECTED, "filled", "contradiction filled_stated | rejected 0 0 Rejected"),
    (REJECTED, "cancelled cum=3", "contradiction filled_stated | rejected 0 0 Rejected"),
    (OPEN, "stopped", "stopped | open 0 10 Stopped"),
    (f"{OPEN}; stopped", "stopped", "nothing | open 0 10 Stopped"),
    (f"{OPEN}; stopped", "open", "opened | open 0 10 New"),
    (DOUBT, "stopped", "found_open | open 0 10 Stopped"),
    (OPEN, "done_for_day resumes", "done_for_day | open 0 10 DoneForDay"),
    (f"{OPEN}; done_for_day resumes", "done_for_day resumes", "nothing | open 0 10 DoneForDay"),
    (f"{OPEN}; done_for_day resumes", "open", "opened | open 0 10 New"),
    (f"{OPEN}; done_for_day resumes", "restated 10", "restated | open 0 10 New"),
    (OPEN, "done_for_day", "expired | expired 0 0 DoneForDay"),
    (DOUBT, "done_for_day", "expired | expired 0 0 DoneForDay"),
    (DOUBT, "done_for_day resumes", "found_open | open 0 10 DoneForDay"),
    (ORDER, "suspended", "suspended | open 0 10 Suspended"),
    (PART, "suspended", "suspended | open 4 6 Suspended"),
    (STASHED, "suspended", "suspended | cancelling 0 10 Suspended"),
    (f"{OPEN}; suspended", "suspended", "nothing | open 0 10 Suspended"),
    (f"{OPEN}; suspended", "fill 4", "fill | open 4 6 Suspended"),
    (f"{OPEN}; suspended", "fill 10", "fill_complete | filled 10 0 Filled"),
    (f"{OPEN}; suspended; stopped", "open", "opened | open 0 10 New"),
    (f"{PART}; suspended", "open", "opened | open 4 6 PartiallyFilled"),
    (f"{PART}; suspended", "cancelled", "cancelled | cancelled 4 0 Canceled"),
    (f"{OPEN}; stopped", "suspended", "suspended | open 0 10 Stopped"),
    (f"{OPEN}; done_for_day resumes", "suspended", "suspended | open 0 10 DoneForDay"),
    (f"{EDITING}; pending_edit", "suspended", "suspended | editing 0 10 PendingReplace"),
    (DOUBT, "suspended", "found_open | open 0 10 Suspended"),
    (OPEN, "calculated", "calculated | expired 0 0 Calculated"),
    (PART, "calculated", "calculated | expired 4 0 Calculated"),
    (ORDER, "calculated", "calculated | expired 0 0 Calculated"),
    (DOUBT, "calculated", "calculated | expired 0 0 Calculated"),
    (CANCELLING, "calculated", "calculated | expired 0 0 Calculated"),
    (OPEN, "calculated cum=10", "filled_stated | filled 10 0 Calculated"),
    (FULL, "calculated", "calculated | filled 10 0 Calculated"),
    (f"{FULL}; calculated", "calculated", "nothing | filled 10 0 Calculated"),
    (f"{FULL}; calculated", "bust F1", "bust_reopens expired | expired 0 0 Calculated"),
    (NOTED, "calculated", "calculated | filled 10 0 Calculated"),
    (f"{NOTED}; calculated", "bust F1", "bust_reopens cancelled | cancelled 0 0 Calculated"),
    (CANCELLED, "calculated", "calculated | cancelled 4 0 Calculated"),
    (f"{CANCELLED}; calculated", "calculated", "nothing | cancelled 4 0 Calculated"),
    (f"{CANCELLED}; calculated", "fill 6", "fill | cancelled 10 0 Calculated"),
    (f"{OPEN}; done_for_day", "calculated", "calculated | expired 0 0 DoneForDay"),
    (f"{OPEN}; expired", "calculated", "calculated | expired 0 0 Calculated"),
    (REJECTED, "calculated", "nothing | rejected 0 0 Rejected"),
    (ORDER, "bidding", "ack | acked 0 10 AcceptedForBidding"),
    (ACKED, "bidding", "ack | acked 0 10 AcceptedForBidding"),
    (f"{ORDER}; bidding", "bidding", "nothing | acked 0 10 AcceptedForBidding"),
    (f"{ORDER}; bidding", "open", "opened | open 0 10 New"),
    (f"{ORDER}; bidding", "fill 4", "fill | open 4 6 PartiallyFilled"),
    (f"{ORDER}; bidding", "rejected", "rejected | rejected 0 0 Rejected"),
    (OPEN, "bidding", "nothing | open 0 10 New"),
    (STASHED, "bidding", "ack | cancelling 0 10 AcceptedForBidding"),
    (DOUBT, "bidding", "found_acked | acked 0 10 AcceptedForBidding"),
    (CANCELLING, "pending_cancel", "cancel_pending | cancelling 0 10 PendingCancel"),
    (f"{CANCELLING}; pending_cancel", "pending_cancel", "nothing | cancelling 0 10 PendingCancel"),
    (OPEN, "pending_cancel", "cancel_pending | cancelling 0 10 PendingCancel"),
    (ORDER, "pending_cancel", "cancel_pending | cancelling 0 10 PendingCancel"),
    (DOUBT, "pending_cancel", "found_acked resume_cancel | cancelling 0 10 PendingCancel"),
    (f"{CANCELLING}; fill 10", "pending_cancel", "cancel_pending | filled 10 0 PendingCancel"),
    (f"{FULL}", "pending_cancel", "nothing | filled 10 0 Filled"),
    (f"{OPEN}; pending_cancel", "refused cancel", "cancel_refused | open 0 10 New"),
    (EDITING, "pending_edit", "edit_pending | editing 0 10 PendingReplace"),
    (f"{EDITING}; pending_edit", "pending_edit as=e1", "nothing | editing 0 10 PendingReplace"),
    (OPEN, "pending_edit", "edit_pending | editing 0 10 PendingReplace"),
    (OPEN, "pending_edit by=venue", "edit_pending | editing 0 10 PendingReplace"),
    (STASHED, "pending_edit", "edit_pending | cancelling 0 10 PendingReplace"),
    (f"{CANCELLING}", "pending_edit as=x", "edit_pending | cancelling 0 10 PendingReplace"),
    (DOUBT, "pending_edit", "found_acked resume_edit | editing 0 10 PendingReplace"),
    (f"{EDITING}; fill 10", "pending_edit as=e1", "edit_pending | editing 10 0 PendingReplace"),
    (FULL, "pending_edit as=x", "nothing | filled 10 0 Filled"),
    (f"{OPEN}; pending_edit as=x", "replaced x 12", "replaced | open 0 12 New"),
    (f"{OPEN}; pending_edit", "replaced first", "replaced | open 0 10 New"),
    (OPEN, "cancelled", "cancelled | cancelled 0 0 Canceled"),
    (PART, "cancelled", "cancelled | cancelled 4 0 Canceled"),
    (PART, "cancelled cum=6", "cancelled | cancelled 6 0 Canceled"),
    (ORDER, "cancelled", "cancelled | cancelled 0 0 Canceled"),
    (FULL, "cancelled", "cancelled | filled 10 0 Filled"),
    (FULL, "cancelled cum=11", "cancelled alarm | filled 11 0 Filled"),
    (OPEN, "cancelled cum=10", "filled_stated | filled 10 0 Filled"),
    (OPEN, "rejected cum=10", "filled_stated alarm | filled 10 0 Filled"),
    (f"{OPEN}; cancelled cum=10", "cancelled", "nothing | filled 10 0 Filled"),
    (f"{OPEN}; cancelled cum=10", "expired", "nothing | filled 10 0 Filled"),
    (f"{EDITING}; cancelled cum=10", "replaced e1", "nothing | filled 10 0 Filled"),
    (f"{CANCELLING}; pending_cancel; cancelled cum=10", "open", "nothing | filled 10 0 Filled"),
    (f"{PART}; cancelled cum=10; fill 6", "bust F1", "bust_reopens cancelled | cancelled 6 0 Canceled"),
    (f"{PART}; expired cum=10; fill 6", "bust F1", "bust_reopens expired | expired 6 0 Expired"),
    (f"{PART}; open cum=10; fill 6", "bust F1", "bust_reopens | open 6 4 PartiallyFilled"),
    (
        "submit 10 @ 100 ioc; fill 4; expired cum=10; fill 6",
        "bust F1",
        "bust_reopens cancelled | cancelled 6 0 Canceled",
    ),
    (NOTED, "cancelled", "nothing | filled 10 0 Filled"),
    (NOTED, "expired", "nothing | filled 10 0 Filled"),
    (FULL, "expired", "expired | filled 10 0 Filled"),
    (FULL, "rejected", "cancelled alarm | filled 10 0 Filled"),
    (OPEN, "expired", "expired | expired 0 0 Expired"),
    ("submit 10 @ 100 ioc; ack", "expired", "cancelled | cancelled 0 0 Canceled"),
    ("submit 10 @ 100 fok; ack", "expired", "cancelled | cancelled 0 0 Canceled"),
    ("submit 10 @ 100 ioc; ack; fill 10", "expired", "cancelled | filled 10 0 Filled"),
    (ORDER, "rejected", "rejected | rejected 0 0 Rejected"),
    (OPEN, "rejected", "rejected | rejected 0 0 Rejected"),
    (PART, "rejected", "cancelled alarm | cancelled 4 0 Canceled"),
    (REJECTED, "rejected", "nothing | rejected 0 0 Rejected"),
    (CANCELLED, "cancelled", "nothing | cancelled 4 0 Canceled"),
]

ANSWERS: list[Case] = [
    (ASKED, "answer open", "found_open | open 0 10 New"),
    (ASKED, "answer pending_new", "found_acked | acked 0 10 PendingNew"),
    (ASKED, "answer filled", "filled_stated | filled 10 0 Filled"),
    (ASKED, "answer cancelled", "cancelled | cancelled 0 0 Canceled"),
    (ASKED, "answer absent", "missing | unknown 0 10 PendingNew"),
    (f"{ASKED}; answer absent; wait 10s", "answer absent", "absent | rejected 0 0 Rejected"),
    (f"{ASKED}; answer absent", "answer absent", "nothing | unknown 0 10 PendingNew"),
    (f"{LOST}; wait 10s; answer absent; wait 10s", "answer absent", "missing alarm | unknown 0 10 New"),
    (f"{LOST}{'; wait 10s; answer absent' * 2}; wait 10s", "answer absent", "nothing | unknown 0 10 New"),
    (ORDER, "answer absent", "nothing | pending 0 10 PendingNew"),
    (OPEN, "answer open", "nothing | open 0 10 New"),
    (f"{OPEN}; stopped", "answer open", "nothing | open 0 10 Stopped"),
    (f"{EDITING}; wait 5s; wait 2s", "answer open 12 @ 100", "found_open | open 0 12 New"),
    (f"{EDITING}; wait 5s; wait 2s", "answer open 10 @ 100", "found_open | open 0 10 New"),
    (f"{EDITING}; wait 5s; wait 2s", "answer open", "found_open resume_edit | editing 0 10 New"),
    (
        f"{EDITING}; wait 5s; wait 2s",
        "answer pending_edit 10 @ 100",
        "found_open resume_edit | editing 0 10 PendingReplace",
    ),
    (
        f"{EDITING}; wait 5s; wait 2s",
        "answer pending_cancel 12 @ 100",
        "found_open resume_cancel | cancelling 0 12 PendingCancel",
    ),
    (f"{EDITING}; wait 5s; wait 2s", "answer open 10 @ 100 cum=4", "found_open | open 4 6 PartiallyFilled"),
    (f"{REOPENING}; wait 5s; wait 2s", "answer filled", "found_filled | filled 10 0 Filled"),
    (f"{REOPENING}; wait 5s; wait 2s", "answer open 12 @ 100", "found_open | open 10 2 PartiallyFilled"),
    (f"{REOPENING}; wait 5s; wait 2s", "answer open 10 @ 100", "found_filled | filled 10 0 Filled"),
    (f"{CANCELLING}; wait 5s; wait 2s", "answer open", "found_open resume_cancel | cancelling 0 10 New"),
]

RESTATED: list[Case] = [
    (OPEN, "restated 8", "restated | open 0 8 New"),
    (PART, "restated 4", "restated_completes | filled 4 0 Filled"),
    (PART, "restated 3", "restated_completes | filled 4 0 Filled"),
    (PART, "restated 8 cum=8", "restated_completes | filled 8 0 Filled"),
    (PART, "restated 8 cum=6", "restated | open 6 2 PartiallyFilled"),
    (FULL, "restated 12", "restated_reopens | open 10 2 PartiallyFilled"),
    (FULL, "restated 9", "restated | filled 10 0 Filled"),
    (NOTED, "restated 12", "restated_reopens cancelled | cancelled 10 0 Canceled"),
    (f"{EDITING}; fill 10", "restated 14", "restated | editing 10 4 PartiallyFilled"),
    (ORDER, "restated 8", "restated | open 0 8 New"),
    (STASHED, "restated 8", "restated | cancelling 0 8 New"),
    (DOUBT, "restated 8", "found_open | open 0 8 New"),
    (f"{PART}; lost", "restated 4", "restated_completes | filled 4 0 Filled"),
    (f"{REOPENING}; wait 5s", "restated 9", "found_open resume_edit | editing 10 0 Filled"),
    (f"{REOPENING}; lost", "restated 9", "seen_open | unknown 10 0 Filled"),
    (REOPENING, "restated 9", "restated | editing 10 0 Filled"),
    (CANCELLED, "restated 8", "nothing | cancelled 4 0 Canceled"),
    (PART, "split 2", "restated | open 8 12 PartiallyFilled"),
    (FULL, "split 2", "restated | filled 20 0 Filled"),
    (f"{OPEN}; open cum=4", "split 3", "restated | open 12 18 PartiallyFilled"),
    (OPEN, "split 0.5", "restated | open 0.0 5.0 New"),
]

ERRORS: list[Case] = [
    (ORDER, "error", "ambiguous | unknown 0 10 PendingNew"),
    (OPEN, "error", "ambiguous | unknown 0 10 New"),
    (EDITING, "error e1", "ambiguous | unknown 0 10 New"),
    (CANCELLING, "error cancel", "ambiguous | unknown 0 10 New"),
    (DOUBT, "error", "nothing | unknown 0 10 PendingNew"),
    (FULL, "error", "nothing | filled 10 0 Filled"),
    (REJECTED, "error", "nothing | rejected 0 0 Rejected"),
]


def came_of(script: Script, line: str) -> str:
    """The event and second step of the record that *line* made, and how ``o1`` stands then."""
    mark = len(script.records)
    script.do(line)
    made = script.records[mark:]
    if not made:
        return f"nothing | {script.status('o1')}"
    first = made[0]
    if isinstance(first.payload, Contradicted):
        words = ["contradiction", first.payload.attempted]
    else:
        words = [step.value for step in (first.event, first.then) if step is not None]
        words += ["alarm"] if first.alarm is not None else []
    return f"{' '.join(words)} | {script.status('o1')}"


@pytest.mark.parametrize(
    ("life", "line", "expected"),
    [*ACKS, *FILLS, *AMENDED, *REPLACED, *REFUSED, *STATUSES, *ANSWERS, *RESTATED, *ERRORS],
)
def test_a_report_is_called_what_it_means_there(life: str, line: str, expected: str) -> None:
    script = Script()
    for step in life.split("; "):
        assert not [told for told in script.do(step) if told.startswith("refused")], step

    assert came_of(script, line) == expected
    script.prove()


def test_every_report_has_a_name_and_a_fold() -> None:
    """A report added to the messages and forgotten here would stop the EMS."""
    reports = set(get_args(get_args(Report)[0]))

    assert set(_NAMERS) == reports
    assert set(_FOLDS) == reports
