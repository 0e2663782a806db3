"""fsm_ems: the order lifecycle core. Every order is a dialog with an explicit finite state machine.

Names listed here are the public ones. Importing the package loads the pure core only; what needs trio
(``open_ems``, ``PaperBroker`` …) is loaded when first asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from fsm_ems.dialogs.dispatcher import Answer as Answer
from fsm_ems.dialogs.dispatcher import Dispatcher as Dispatcher
from fsm_ems.dialogs.settings import Capabilities as Capabilities
from fsm_ems.dialogs.settings import Limits as Limits
from fsm_ems.dialogs.settings import Settings as Settings
from fsm_ems.errors import BrokerFault as BrokerFault
from fsm_ems.errors import ClientFault as ClientFault
from fsm_ems.errors import EMSError as EMSError
from fsm_ems.errors import IllegalTransition as IllegalTransition
from fsm_ems.errors import InvalidMessage as InvalidMessage
from fsm_ems.errors import LogDamaged as LogDamaged
from fsm_ems.errors import LogFault as LogFault
from fsm_ems.errors import LogHalted as LogHalted
from fsm_ems.errors import LogInUse as LogInUse
from fsm_ems.errors import LogUnsafe as LogUnsafe
from fsm_ems.errors import Overrun as Overrun
from fsm_ems.errors import Refused as Refused
from fsm_ems.errors import TapeFileError as TapeFileError
from fsm_ems.machines.link import LINK as LINK
from fsm_ems.machines.link import LinkEvent as LinkEvent
from fsm_ems.machines.link import LinkState as LinkState
from fsm_ems.machines.order import ORDER as ORDER
from fsm_ems.machines.order import OrderState as OrderState
from fsm_ems.machines.order_events import OrderEvent as OrderEvent
from fsm_ems.market import Asset as Asset
from fsm_ems.market import Market as Market
from fsm_ems.messages import Cancel as Cancel
from fsm_ems.messages import Edit as Edit
from fsm_ems.messages import Order as Order
from fsm_ems.messages import Resync as Resync
from fsm_ems.messages import Status as Status
from fsm_ems.messages import parse_command as parse_command
from fsm_ems.messages import parse_report as parse_report
from fsm_ems.quotes import Quote as Quote
from fsm_ems.quotes import Trade as Trade

if TYPE_CHECKING:
    from fsm_ems.brokers.paper.backend import PaperBroker as PaperBroker
    from fsm_ems.client import Client as Client
    from fsm_ems.client import OrderHandle as OrderHandle
    from fsm_ems.opening import new_order as new_order
    from fsm_ems.opening import open_ems as open_ems
    from fsm_ems.service import EMS as EMS

_LATER = {
    "Client": "fsm_ems.client",
    "EMS": "fsm_ems.service",
    "OrderHandle": "fsm_ems.client",
    "PaperBroker": "fsm_ems.brokers.paper.backend",
    "new_order": "fsm_ems.opening",
    "open_ems": "fsm_ems.opening",
}

__all__ = [
    "LINK",
    "ORDER",
    "Answer",
    "Asset",
    "BrokerFault",
    "Cancel",
    "Capabilities",
    "Client",
    "ClientFault",
    "Dispatcher",
    "EMS",
    "EMSError",
    "Edit",
    "IllegalTransition",
    "InvalidMessage",
    "Limits",
    "LinkEvent",
    "LinkState",
    "LogDamaged",
    "LogFault",
    "LogHalted",
    "LogInUse",
    "LogUnsafe",
    "Market",
    "Order",
    "OrderEvent",
    "OrderHandle",
    "OrderState",
    "Overrun",
    "PaperBroker",
    "Quote",
    "Refused",
    "Resync",
    "Settings",
    "Status",
    "TapeFileError",
    "Trade",
    "new_order",
    "open_ems",
    "parse_command",
    "parse_report",
]


def __getattr__(name: str) -> object:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found: object = getattr(import_module(_LATER[name]), name)
    return found


def __dir__() -> list[str]:
    return __all__
