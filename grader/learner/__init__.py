"""Our side of the wall: sessions, and proxies that make a learner's module read like a local one."""

from .inprocess import InProcess
from .known import Known, follow
from .learner import Kind, Learner
from .link import Link
from .oracle import Oracle
from .patience import Purse
from .record import Case, Event, Exchange, Thing
from .session import Fate, LoadFailed, Session, TimeLimits, WorkerSession
from .zygote import Zygote

__all__ = [
    "Case",
    "Event",
    "Exchange",
    "Fate",
    "InProcess",
    "Kind",
    "Known",
    "Learner",
    "Link",
    "LoadFailed",
    "Oracle",
    "Purse",
    "Session",
    "Thing",
    "TimeLimits",
    "WorkerSession",
    "Zygote",
    "follow",
]
