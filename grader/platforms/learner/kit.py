"""`grade release learner --to DIR`: the files of the repository, and how they are written. Overwrites nothing."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from string import Template

from grader.collect.files import mode_of, shown
from grader.course import Course
from grader.desk import init
from grader.errors import UsageError
from grader.platforms import packing
from grader.workspace import write_bytes

from .wheel import wheel

GIVEN = Path(__file__).parent / "given"
NEEDS, VENDOR = "requirements.txt", "vendor"
_CONTAINER = ".devcontainer/devcontainer.json"
_NEXT = (
    "Next: lay learner/ of `grade release github` (or gitlab) over it, make it a repository (git init), and give it to "
    "learners. Neither hidden checks nor references are in it. docs/platforms.md says more."
)


def write_kit(course: Course, exercises: tuple[str, ...], folder: Path) -> tuple[str, ...]:
    """Returns what is to be said. Raises UsageError where the folder cannot be one, or cannot be written."""
    mode = mode_of(folder)
    if mode is not None and not stat.S_ISDIR(mode):
        raise UsageError(f"{shown(folder)}: this is no folder; name one, or one that is to be made")
    try:
        said = [line for name, content in files(course, exercises).items() for line in _write(folder, name, content)]
    except OSError as error:
        raise UsageError(f"{shown(folder)}: cannot be written to ({error.strerror})") from error
    return (*said, _NEXT)


def files(course: Course, exercises: tuple[str, ...]) -> dict[str, bytes]:
    """Name (with `/`) -> content of every file of the kit: no check, no reference, no known mistake."""
    chosen = replace(course, exercises=tuple(course.exercise(name) for name in exercises), kit=True)
    name, content = wheel(course, exercises)
    made = {file: text.encode() for file, text in init.files(chosen).items()}
    made["README.md"] = init.readme(chosen, _given("README.md")).encode()
    made[NEEDS] = Template(_given(NEEDS)).substitute(wheel=f"./{VENDOR}/{name}").encode()
    made[f"{VENDOR}/{name}"] = content
    made[".vscode/settings.json"] = _settings(made[".vscode/settings.json"])
    made[_CONTAINER] = _given("devcontainer.json").encode()
    made[".devcontainer/Dockerfile"] = _given("Dockerfile").encode()
    licence = packing.license_text()
    return made if licence is None else {**made, "LICENSE": licence.encode()}


def _given(name: str) -> str:
    return (GIVEN / name).read_text("utf-8")


def _settings(given: bytes) -> bytes:
    """Those of every workspace, and where the README has the interpreter put."""
    settings = {**json.loads(given), "python.defaultInterpreterPath": "${workspaceFolder}/.venv/bin/python"}
    return (json.dumps(settings, indent=4) + "\n").encode()


def _write(folder: Path, name: str, content: bytes) -> Iterator[str]:
    file = folder / name
    if name.startswith(f"{VENDOR}/") and Path(name).name not in (folder / NEEDS).read_text("utf-8", "replace"):
        yield f"{name}: not written, {NEEDS} asks for another one; move it and {VENDOR}/ away to have both written anew"
        return
    for parent in (*reversed(Path(name).parents), Path(name))[1:-1]:
        if (folder / parent).is_symlink():
            raise UsageError(f"{parent} is a symbolic link; put the folder itself in its place")
    if os.path.lexists(file):
        same = not file.is_symlink() and file.is_file() and file.read_bytes() == content
        yield f"{name}: {'is there already' if same else 'left as it is; move it away to have it written anew'}"
        return
    write_bytes(file, content)
    yield f"{name}: written"
