"""The grader itself as files: what an image or an autograder installs. For the staff alone: hidden checks are in it.

From a checkout or an installed wheel alike: its pyproject.toml is made anew, and builds the wheel alone.
"""

from __future__ import annotations

import stat
import tomllib
from collections.abc import Iterator
from importlib.metadata import distribution, metadata, requires
from pathlib import Path

from packaging.requirements import Requirement

import grader
from grader.course import Course

NAME = "cnn-grader"
PACKAGE = Path(grader.__file__).parent
TEMPLATES = Path(__file__).parent / "templates"
_LEFT_OUT = {"__pycache__", "course_data"}


def template(name: str, exercises: tuple[str, ...] = ()) -> str:
    """A file of templates/; `@WHAT@` in it stands for the exercises."""
    return (TEMPLATES / name).read_text("utf-8").replace("@WHAT@", " ".join(exercises))


def source(course: Course) -> Iterator[tuple[str, bytes]]:
    """Name and content of every file that `pip install` needs, in order."""
    yield "pyproject.toml", _pyproject().encode()
    licence = license_text()
    if licence is not None:
        yield "LICENSE", licence.encode()
    for top, folder in (
        ("grader", PACKAGE),
        ("exercises", course.root / "exercises"),
        ("solutions", course.root / "solutions"),
    ):
        for below, content in files(folder):
            yield f"{top}/{below}", content


def license_text() -> str | None:
    """The licence that the grader came with, where it came with one."""
    return distribution(NAME).read_text("licenses/LICENSE")


def files(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Every plain file below a folder of ours, in order; nothing that Python made of one."""
    for file in sorted(folder.rglob("*")):
        below = file.relative_to(folder)
        if not _LEFT_OUT.intersection(below.parts) and stat.S_ISREG(file.lstat().st_mode) and file.suffix != ".pyc":
            yield below.as_posix(), file.read_bytes()


def _pyproject() -> str:
    lines = "\n".join(f"    {_quoted(str(need))}," for need in needs())
    return f"""[build-system]
requires = ["hatchling>=1.26"]
build-backend = "hatchling.build"

[project]
name = "{NAME}"
version = "{metadata(NAME)["Version"]}"
requires-python = ">=3.11"
dependencies = [
{lines}
]

[project.scripts]
grade = "grader.cli:main"

[tool.hatch.build.targets.wheel]
packages = ["grader"]

[tool.hatch.build.targets.wheel.force-include]
"exercises" = "grader/course_data/exercises"
"solutions" = "grader/course_data/solutions"
"""


def needs() -> list[Requirement]:
    """In a checkout what its own file says: what was installed from it may be of another day."""
    file = PACKAGE.parent / "pyproject.toml"
    if file.is_file():
        project = tomllib.loads(file.read_text("utf-8")).get("project", {})
        if project.get("name") == NAME:
            return [Requirement(text) for text in project["dependencies"]]
    return [Requirement(text) for text in requires(NAME) or () if "extra ==" not in text]


def _quoted(text: str) -> str:
    return "'" + text.replace("'", '"') + "'"  # a marker has quotes of either kind; TOML takes these as they are
