from __future__ import annotations
from dataclasses import dataclass
from collections.abc import Mapping
from pathlib import Path
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
def collect(path, names, only=None):  # TEMPORARY: being replaced by the real room
    path = Path(path)
    mods = {}
    for base in (path / "exercises", path):
        for n in names:
            f = base / f"{n}.py"
            if f.is_file():
                mods[n] = Module(n, f"{n}.py", f.read_text())
    return Submission(path.resolve().name, "0", mods)
