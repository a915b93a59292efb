from __future__ import annotations
from dataclasses import dataclass
from collections.abc import Mapping
@dataclass(frozen=True, slots=True)
class Module:
    exercise: str
    filename: str
    source: str
    problem: str | None = None
@dataclass(frozen=True, slots=True)
class Submission:
    name: str
    sha256: str
    modules: Mapping[str, Module]
    notes: tuple[str, ...] = ()
