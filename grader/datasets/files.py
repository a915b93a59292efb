"""A set of shapes as plain files that any program reads, with checksums that `sha256sum -c SHA256SUMS` knows.

    pictures/00000.ppm    8-bit RGB (netpbm P6)
    masks/00000.pgm       the class of every pixel (netpbm P5): 0 ground, 1 circle, 2 square, 3 triangle
    objects.csv           picture,shape,x1,y1,x2,y2: one line an object, of two that overlap the later one in front
    about.json            what to ask for to get the same set again
    SHA256SUMS

Nothing is compressed: how a library compresses changes from release to release, and with it a checksum.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path

from grader.errors import UsageError

from .outlines import SHAPES
from .shapes import VERSION, Kind, Scenes, scenes

SUMS = "SHA256SUMS"
MOST = 100_000  # pictures: their files' names have five digits
_SUM = re.compile(r"[0-9a-f]{64}  (\S.*)\n?")


def contents(kind: Kind, count: int, seed: int, split: str) -> Iterator[tuple[str, bytes]]:
    """Name and bytes of every file of a set but the checksums, in the order of their names."""
    made = scenes(kind, count, seed, split)
    about = {"version": VERSION, "kind": kind.name, "count": count, "seed": seed, "split": split}
    yield "about.json", (json.dumps(about, indent=1) + "\n").encode()
    for place, mask in enumerate(made.masks):
        yield f"masks/{place:05}.pgm", b"P5 %d %d 255\n" % (kind.size, kind.size) + mask.tobytes()
    yield "objects.csv", _table(made).encode()
    for place, image in enumerate(made.images):
        yield (
            f"pictures/{place:05}.ppm",
            b"P6 %d %d 255\n" % (kind.size, kind.size) + image.transpose(1, 2, 0).tobytes(),
        )


def _table(made: Scenes) -> str:
    rows = zip(made.picture.tolist(), made.shape.tolist(), made.boxes.tolist(), strict=True)
    lines = (f"{picture},{SHAPES[shape]},{','.join(map(str, box))}\n" for picture, shape, box in rows)
    return "picture,shape,x1,y1,x2,y2\n" + "".join(lines)


def write(folder: Path, kind: Kind, count: int, seed: int, split: str = "train") -> int:
    """Write a set into a folder that is new or empty; gives the number of files.

    UsageError: it is not empty, or cannot be written, or a set would be too large. ValueError: as `scenes`.
    """
    if count > MOST:
        raise UsageError(f"count must be {MOST:,} at most, got {count:,}: names of files have five digits")
    try:
        return _write(folder, contents(kind, count, seed, split))
    except OSError as error:
        raise UsageError(f"{error.filename or folder} cannot be written: {error.strerror}") from error


def _write(folder: Path, files: Iterator[tuple[str, bytes]]) -> int:
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"{folder} is there already and not empty: name a new folder, so that nothing is overwritten")
    sums = []
    for name, data in files:
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
        sums.append(_line(name, data))
    (folder / SUMS).write_text("".join(sums), "utf-8", newline="\n")
    return len(sums) + 1


def differing(folder: Path) -> list[str]:
    """The files of a set that are missing or not what the checksums say. UsageError: there are no checksums."""
    sums = folder / SUMS
    try:
        lines = sums.read_text("utf-8").splitlines(keepends=True)
    except OSError as error:
        raise UsageError(f"{sums} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{sums} is no list of checksums: not UTF-8") from error
    named = [(_SUM.fullmatch(line), line) for line in lines]
    for place, (found, _) in enumerate(named, 1):
        if found is None:
            raise UsageError(f"{sums}, line {place}: neither a checksum nor a name; write the set anew")
    if not named:
        raise UsageError(f"{sums} is empty: write the set anew")
    return [found[1] for found, line in named if found is not None and not _as_said(folder / found[1], found[1], line)]


def _line(name: str, data: bytes) -> str:
    return f"{hashlib.sha256(data).hexdigest()}  {name}\n"


def _as_said(file: Path, name: str, line: str) -> bool:
    try:
        return _line(name, file.read_bytes()) == line
    except OSError:  # missing, a folder, or not to be read
        return False
