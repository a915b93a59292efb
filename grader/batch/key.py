"""What a result depends on, as one number: the same key, the same result, and nobody has to grade again."""

from __future__ import annotations

import functools
import hashlib
import platform
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path
from typing import Any

from grader.course import Course

from .parcel import Parcel, Setup, packed

# Rooms that no result depends on; what is not named here has a say in every one. The checks are counted exercise by
# exercise.
_NO_SAY = frozenset(
    (
        *(
            "author",
            "batch",
            "checks",
            "classview",
            "course_data",
            "desk",
            "doctor",
            "marks",
            "platforms",
            "store",
            "watch",
        ),
        *(
            "arguments.py",
            "cli.py",
            "commands.py",
            "portions.py",
            "proofs.py",
            "prose.py",
            "state.py",
            "status.py",
            "teacher.py",
            "workspace.py",
        ),
    )
)
Hash = Any  # what hashlib gives has no name of its own
_PACKAGE = Path(__file__).parent.parent
_LIBRARIES = ("torch", "hypothesis", "numpy", "msgspec", "cnn-grader")


class Keys:
    """For one batch. `walls`: what the isolation is made of."""

    def __init__(self, course: Course, setup: Setup, walls: Iterable[str]) -> None:
        self.course, self.setup = course, setup
        self._engine = hashlib.sha256(repr(tuple(walls)).encode())
        self._engine.update(engine(course.root).encode())
        self._engine.update(packed(setup))

    def of(self, parcel: Parcel) -> str:
        """Of a submission. The checks of exercises that it lacks have no say in its result."""
        whole = self._with(set(parcel.modules))
        whole.update(packed(parcel))
        return str(whole.hexdigest())

    @property
    def rehearsal(self) -> str:
        """Of our own solutions on this machine."""
        whole = self._with(set(self.course.names))
        whole.update(platform.node().encode())
        return str(whole.hexdigest())

    def _with(self, names: set[str]) -> Hash:
        whole, wanted = self._engine.copy(), self.setup.chosen
        for exercise in self.course.exercises:
            if exercise.name in names and wanted.of(exercise):
                whole.update(_exercise(self.course, exercise.name))
        return whole


@functools.cache
def engine(root: Path) -> str:
    """A number for the grader itself, course.toml, and what both stand on. `root`: where the course lies."""
    whole = hashlib.sha256(platform.python_version().encode())
    for library in _LIBRARIES:
        whole.update(f"{library} {version(library)}\n".encode())
    for file in (*_engine_files(), root / "exercises" / "course.toml"):
        whole.update(_content(file))
    return whole.hexdigest()


@functools.cache
def _engine_files() -> tuple[Path, ...]:
    kinds = {".py", ".j2", ".css", ".ini"}
    found = (path for path in _PACKAGE.rglob("*") if path.suffix in kinds)
    return tuple(sorted(path for path in found if path.relative_to(_PACKAGE).parts[0] not in _NO_SAY))


@functools.cache
def _content(file: Path) -> bytes:
    return hashlib.sha256(file.name.encode() + b"\0" + file.read_bytes()).digest()


def _exercise(course: Course, name: str) -> bytes:
    files = [
        _PACKAGE / "checks" / f"test_{name}.py",
        course.source_file(name),
        course.root / "solutions" / "misconceptions" / f"{name}.py",
    ]
    return b"".join(_content(file) for file in files if file.exists())
