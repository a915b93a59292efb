"""`python -m grader.datasets`: writes a set of shapes into a folder, or looks whether one is still what it was."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from grader.errors import UsageError

from . import files
from .shapes import SCENE, SINGLE

KINDS = {kind.name: kind for kind in (SINGLE, SCENE)}


def main(arguments: list[str]) -> int:
    """0: done, or nothing differs; 1: something differs; 2: wrong usage."""
    parser = argparse.ArgumentParser(prog="python -m grader.datasets", description=__doc__)
    commands = parser.add_subparsers(required=True, dest="command")
    write = commands.add_parser("write", help="write a set as plain files with checksums")
    write.add_argument("folder", type=Path)
    write.add_argument("--kind", choices=sorted(KINDS), default=SCENE.name, help="single: one shape; scene: 1 to 3")
    write.add_argument("--count", type=int, default=1000)
    write.add_argument("--seed", type=int, default=0)
    write.add_argument("--split", default="train", help="another name is another set")
    check = commands.add_parser("check", help="compare a folder with its checksums")
    check.add_argument("folder", type=Path)
    asked = parser.parse_args(arguments)
    try:
        return _check(asked.folder) if asked.command == "check" else _write(asked)
    except (UsageError, ValueError) as error:
        sys.stderr.write(f"{error}\n")
        return 2


def _write(asked: argparse.Namespace) -> int:
    count = files.write(asked.folder, KINDS[asked.kind], asked.count, asked.seed, asked.split)
    sys.stdout.write(f"{asked.folder}: {count} files\n")
    return 0


def _check(folder: Path) -> int:
    different = files.differing(folder)
    sys.stdout.write("".join(f"{name} is missing or not what it was\n" for name in different))
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
