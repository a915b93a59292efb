"""What a worker may see of the disk, and the box that shows nothing else.

The interpreter, the system's libraries, torch and what torch needs: roots. In a root there may be holes, where other
packages are installed: nothing in a hole is seen but what is a root of its own. No folder of the project is a root.
"""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from importlib.util import find_spec
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement

from grader.worker import control

from .walls import Walls

WORKER = Path(control.__file__).parent
PLACE = "/wall/work"  # in the box: a tmpfs of workers' own folders
PLACE_BYTES = 64 * 2**20
_PROJECT = WORKER.parent.parent
_INSIDE = "/wall/worker"  # where the box shows WORKER
_WANTED = ("torch", "numpy", "msgspec", "landlockpy")
_SYSTEM = ("/usr/lib", "/usr/lib32", "/usr/lib64", "/lib", "/lib32", "/lib64", "/nix/store", "/gnu/store")
_FILES = ("/etc/ld.so.cache", "/etc/alternatives", "/sys/devices/system/cpu")
_DEVICES = ("null", "zero", "random", "urandom")
_FOREIGN = ("site-packages", "dist-packages", "python*/site-packages", "python*/dist-packages")


@dataclass(frozen=True, slots=True)
class Sight:
    """What is seen: `roots`, without the `holes` in them. `packages`: names of what can be imported."""

    roots: tuple[Path, ...]
    holes: tuple[Path, ...]
    packages: tuple[str, ...]
    interpreter: Path

    def readable(self) -> tuple[str, ...]:
        """The same as a list of paths with no hole in any of them, for Landlock."""
        return tuple(str(path) for root in self.roots for path in _around(root, self.holes))


def _around(path: Path, holes: Iterable[Path]) -> Iterator[Path]:
    inside = [hole for hole in holes if hole.is_relative_to(path)]
    if path in inside:
        return
    if not inside:
        yield path
        return
    for child in sorted(path.iterdir()):
        yield from _around(child, inside)


@functools.cache
def sight() -> Sight:
    """What this machine's workers see. Walks through the records of what is installed, once."""
    places = package_files()
    base = Path(sys.base_prefix)
    interpreter = Path(getattr(sys, "_base_executable", sys.executable)).resolve()
    stdlib = Path(os.__file__).resolve().parent
    around = [base / "lib", base / "lib64", stdlib, *map(Path, _SYSTEM)]
    roots = _without_nested([path.resolve() for path in around if path.is_dir()])
    holes = {hole for root in (*roots, stdlib) for pattern in _FOREIGN for hole in root.glob(pattern)}
    if any(_PROJECT.is_relative_to(root) for root in roots):
        holes.add(_PROJECT)
    files = [path for path in map(Path, _FILES) if path.exists()]
    roots += [interpreter, *files, *(path for found in places.values() for path in found)]
    names = sorted(name for name in places if name.isidentifier())
    return Sight(tuple(roots), tuple(sorted(holes)), tuple(names), interpreter)


def _without_nested(paths: Iterable[Path]) -> list[Path]:
    kept: list[Path] = []
    for path in sorted(set(paths)):
        if not any(path.is_relative_to(other) for other in kept):
            kept.append(path)
    return kept


@functools.cache
def package_files() -> dict[str, tuple[Path, ...]]:
    """Torch, what else a worker imports, and what these need: name -> its folder or file where it is installed."""
    found: dict[str, tuple[Path, ...]] = {}
    for path in {path: None for package in _closure(_WANTED) for path in _top_level(package)}:
        name = path.name.partition(".")[0]
        found[name] = (*found.get(name, ()), path)
    for name in _WANTED:  # installed in a way that left no record
        spec = find_spec(name) if name not in found else None
        if spec is not None and spec.origin is not None:
            origin = Path(spec.origin)
            found[name] = (origin.parent if origin.name == "__init__.py" else origin,)
    return found


def _closure(names: Iterable[str]) -> list[Distribution]:
    """The distributions of these names and all they require, as installed here."""
    found: dict[str, Distribution] = {}
    left = list(names)
    while left:
        name = left.pop()
        if name in found:
            continue
        try:
            found[name] = distribution(name)
        except PackageNotFoundError:  # of another system, or not installed as a package
            continue
        for text in found[name].requires or ():
            try:
                requirement = Requirement(text)
            except InvalidRequirement:
                continue
            if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                left.append(requirement.name)
    return list(found.values())


def _top_level(package: Distribution) -> Iterator[Path]:
    """The folders and files of a package right below where it is installed."""
    record = package.read_text("RECORD") or ""
    names = {line.partition("/")[0] if "/" in line else line.partition(",")[0] for line in record.splitlines()}
    for name in sorted(names - {"..", "__pycache__", ""}):
        path = Path(str(package.locate_file(name)))
        if not name.endswith(".pth") and path.exists():
            yield path


@dataclass(frozen=True, slots=True)
class Extras:
    """What a worker on a GPU sees besides: the driver's devices, and files and folders, as far as they are there."""

    devices: tuple[str, ...] = ()
    files: tuple[str, ...] = ()

    def mounts(self) -> list[str]:
        options = []
        for file in self.files:
            options += ["--ro-bind-try", file, file]
        for device in self.devices:
            options += ["--dev-bind", device, device]
        return options


def command(walls: Walls, fd: int, extras: Extras = Extras()) -> tuple[list[str], str]:
    """The command that starts a zygote, its control socket at `fd`, in a box where there is one; and its `place`."""
    libraries = sorted({str(path.parent) for found in package_files().values() for path in found})
    start = ["-s", "-P", "-S"]  # with our environment, this is -I but for the hash seed, which must not change
    if not walls.bubblewrap:
        return [sys.executable, *start, str(WORKER / "__main__.py"), str(fd), *libraries], ""
    place = PLACE if walls.sized else ""
    boxed = [walls.bubblewrap, *_mounts(sight(), place, extras), "--chdir", "/", "--"]
    return [*boxed, str(sight().interpreter), *start, f"{_INSIDE}/__main__.py", str(fd), *libraries], place


def _mounts(seen: Sight, place: str, extras: Extras = Extras()) -> list[str]:
    options = ["--unshare-all", "--as-pid-1", "--die-with-parent", "--new-session", "--cap-drop", "ALL"]
    options += ["--hostname", "worker"]
    for name in _SYSTEM:
        if (path := Path(name)).is_symlink():
            options += ["--symlink", os.readlink(path), name]
    outer = [root for root in seen.roots if not any(root.is_relative_to(hole) for hole in seen.holes)]
    for root in outer:
        options += ["--ro-bind", str(root), str(root)]
    for hole in seen.holes:
        options += ["--tmpfs", str(hole)]
    for root in seen.roots:
        if root not in outer:
            options += ["--ro-bind", str(root), str(root)]
    options += ["--ro-bind", str(WORKER), _INSIDE, "--proc", "/proc", "--tmpfs", "/dev"]
    for device in _DEVICES:
        options += ["--dev-bind", f"/dev/{device}", f"/dev/{device}"]
    options += extras.mounts()
    if place:
        options += ["--perms", "0700", "--size", str(PLACE_BYTES), "--tmpfs", place]
    for mount in (*map(str, seen.holes), "/dev", "/"):
        options += ["--remount-ro", mount]
    return options
