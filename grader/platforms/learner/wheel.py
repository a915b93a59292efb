"""The grader of a learner's kit, as a wheel: pip installs it without an index and without anything to build it with.

It is this very grader, less the rooms of the staff, the hidden checks and the known mistakes; sources of exercises have
no solution in them, and course.toml says that this is a kit. The same course gives the same bytes on every machine.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import zipfile
from collections.abc import Iterator, Mapping
from importlib.metadata import metadata

from packaging.version import Version

from grader import source
from grader.course import Course
from grader.platforms import packing

# Rooms that only commands of the staff (grader/kit.py) and hidden checks lead to, and what only they need.
STAFF_ROOMS = frozenset({"author", "batch", "classview", "marks", "measure", "platforms", "store"})
STAFF_NEEDS = frozenset({"rapidfuzz", "sqlalchemy"})
_OF_CHECKS = frozenset({"checks/__init__.py", "checks/pytest.ini"})  # every other file of that room is hidden
_DISTRIBUTION = packing.NAME.replace("-", "_")
_LONG_AGO = (1980, 1, 1, 0, 0, 0)


def wheel(course: Course, exercises: tuple[str, ...]) -> tuple[str, bytes]:
    """Its file name and its bytes. The version tells kits apart, so that pip sees when there is a new one."""
    inside, needs = dict(_package()) | dict(_course(course, exercises)), _needs()
    digest = hashlib.sha256("\n".join([*needs, packing.license_text() or ""]).encode())
    for name, content in inside.items():
        digest.update(f"{name}\n{len(content)}\n".encode() + content)
    version = f"{Version(metadata(packing.NAME)['Version']).public}+kit.{digest.hexdigest()[:8]}"
    about = f"{_DISTRIBUTION}-{version}.dist-info"
    inside |= {f"{about}/{name}": text.encode() for name, text in _about(version, needs).items()}
    return f"{_DISTRIBUTION}-{version}-py3-none-any.whl", _zipped(inside, f"{about}/RECORD")


def _package() -> Iterator[tuple[str, bytes]]:
    for below, content in packing.files(packing.PACKAGE):
        room = below.split("/")[0]
        if room not in STAFF_ROOMS and (room != "checks" or below in _OF_CHECKS):
            yield f"grader/{below}", content


def _course(course: Course, exercises: tuple[str, ...]) -> Iterator[tuple[str, bytes]]:
    """What grader/course.py looks for beside the package, for these exercises."""
    whole = (course.root / "exercises" / "course.toml").read_text("utf-8")
    mark = "# A learner's kit, of these exercises: hidden checks and references are not in it.\n"
    yield "grader/course_data/exercises/course.toml", f"{mark}kit = {json.dumps(exercises)}\n\n{whole}".encode()
    for name in exercises:
        file = course.source_file(name)
        text = source.without_solutions(file.read_text("utf-8"), str(file))
        yield f"grader/course_data/solutions/{name}.py", text.encode()


def _needs() -> list[str]:
    """In one order, which a checkout and what was installed from it do not have by themselves."""
    return sorted(str(need) for need in packing.needs() if need.name not in STAFF_NEEDS)


def _about(version: str, needs: list[str]) -> dict[str, str]:
    head = [
        "Metadata-Version: 2.1",
        f"Name: {packing.NAME}",
        f"Version: {version}",
        "Summary: The grader of a course, for learners: without hidden checks and references",
        "Requires-Python: >=3.11",
        *(f"Requires-Dist: {need}" for need in needs),
    ]
    made = {
        "METADATA": "\n".join(head) + "\n",
        "WHEEL": f"Wheel-Version: 1.0\nGenerator: {packing.NAME}\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        "entry_points.txt": "[console_scripts]\ngrade = grader.cli:main\n",
    }
    licence = packing.license_text()
    return made if licence is None else {**made, "licenses/LICENSE": licence}


def _zipped(inside: Mapping[str, bytes], record: str) -> bytes:
    """Stored and not packed: no other zlib makes other bytes of it, and git packs it better, version upon version."""
    lines = [f"{name},sha256={_digest(content)},{len(content)}\n" for name, content in inside.items()]
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, content in {**inside, record: "".join([*lines, f"{record},,\n"]).encode()}.items():
            entry = zipfile.ZipInfo(name, _LONG_AGO)
            entry.create_system = 3
            entry.external_attr = 0o100644 << 16
            archive.writestr(entry, content)
    return buffer.getvalue()


def _digest(content: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).decode().rstrip("=")
