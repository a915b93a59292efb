"""Zip archives, read in memory entry by entry: limits before anything is unpacked, and none of them taken on trust."""

from __future__ import annotations

import io
import re
import stat
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath

from grader.errors import UsageError
from grader.text import clean

from . import files
from .candidates import BELOW, Candidate, Found, LeftOut, Unreadable, candidate_at

ARCHIVE_LIMIT = 50 * 2**20  # bytes of the archive itself
ENTRIES = 2000
DIRECTORY_LIMIT = 2**20  # bytes that the list of entries may take: room for 500 of each
TOTAL_LIMIT = 20 * 2**20  # bytes unpacked, all entries together
RATIO = 200  # unpacked to packed; text rarely passes 20
RATIO_FROM = 64 * 2**10  # below this size a ratio says nothing: a file of blank lines is no bomb

_DIRECTORY_ENTRY = b"PK\x01\x02"
_ENCRYPTED = 0x1  # flag bit 0
_METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}  # LZMA may ask for 4 GB before its first byte


class _Crowded(Exception):
    """A list of entries that is too long to be looked at."""


class _Data(io.BytesIO):
    """The archive's bytes; until it is `opened`, no list of entries that is too long is read from them.

    zipfile reads that list in one piece and takes it apart before anybody can count: 50 MB of empty extra fields would
    keep it busy for half a minute.
    """

    opened = False

    def read(self, size: int | None = -1, /) -> bytes:
        if not self.opened and size is not None and size > DIRECTORY_LIMIT:
            raise _Crowded
        return super().read(size)


@dataclass(slots=True)
class _Allowance:
    left: int = TOTAL_LIMIT


def candidates(path: Path, names: Sequence[str]) -> Found:
    """The modules in a zip: at its top, in one folder around everything, or in an `exercises/` of these."""
    archive = _open(path)
    notes: list[str] = []
    entries = _sound(archive.infolist(), notes)
    around = _folder_around(entries)
    allowance = _Allowance()
    found: list[Candidate] = []
    for name, info in entries.items():
        inner = name.removeprefix(around)
        candidate = candidate_at(inner, names, partial(_read, archive, info, allowance))
        if inner.lower().endswith(".zip"):
            notes.append(f"{_title(name)} was left out: a zip inside a zip is not opened.")
        if candidate is None:
            continue
        place = inner.rpartition("/")[0]
        if place in {"", BELOW}:
            found.append(candidate)
        elif ".ipynb_checkpoints" not in place:
            notes.append(f"{_title(name)} was left out: modules lie at the top or in a folder {BELOW}.")
    return Found(tuple(found), tuple(notes))


def _open(path: Path) -> zipfile.ZipFile:
    try:
        data = files.read_regular(path, ARCHIVE_LIMIT)
    except LeftOut as reason:
        raise UsageError(f"{files.shown(path)}: {reason}") from reason
    if len(data) > ARCHIVE_LIMIT:
        limit = ARCHIVE_LIMIT // 2**20
        raise UsageError(f"{files.shown(path)}: larger than {limit} MB; zip only the files of the exercises")
    # zipfile makes an object an entry before we can count: a rough count first (a zip inside may add to it).
    crowded = data.count(_DIRECTORY_ENTRY) > 10 * ENTRIES
    file = _Data(data)
    try:
        archive = None if crowded else zipfile.ZipFile(file)
    except _Crowded:
        archive = None
    except Exception as error:  # zipfile lets out what its parsing meets: struct.error, UnicodeDecodeError, …
        raise UsageError(f"{files.shown(path)}: this is no zip that can be read; make it again") from error
    if archive is None or len(archive.infolist()) > ENTRIES:
        many = f"more than {ENTRIES} entries, or too long a list of them"
        raise UsageError(f"{files.shown(path)}: {many}; zip only the files of the exercises")
    file.opened = True
    if any(info.flag_bits & _ENCRYPTED for info in archive.infolist()):
        raise UsageError(f"{files.shown(path)}: this zip asks for a password; make it again without one")
    return archive


def _sound(infos: Sequence[zipfile.ZipInfo], notes: list[str]) -> dict[str, zipfile.ZipInfo]:
    """Path -> entry, of plain files with plain names. Of two with one name the later stays, as unzipping leaves it."""
    entries: dict[str, zipfile.ZipInfo] = {}
    for info in infos:
        raw = info.orig_filename  # `filename` ends at a NUL
        name = "/".join(part for part in raw.replace("\\", "/").split("/") if part not in {"", "."})
        if raw.endswith(("/", "\\")) or _is_litter(name):
            continue
        if fault := _fault(raw, name, info):
            notes.append(f"{_title(raw)} was left out: {fault}.")
            continue
        if name in entries:
            notes.append(f"{_title(name)} is in the zip more than once: only the last one counts.")
        entries[name] = info
    return entries


def _is_litter(name: str) -> bool:
    """What macOS and Windows add to a zip on their own."""
    parts = name.split("/")
    return "__MACOSX" in parts or parts[-1].startswith("._") or parts[-1] in {".DS_Store", "Thumbs.db"}


def _fault(raw: str, name: str, info: zipfile.ZipInfo) -> str | None:
    if not name or clean(raw, 1000, keep_newlines=False) != raw:
        return "its name holds characters that cannot be seen, or is too long"
    if raw.startswith(("/", "\\")) or re.match(r"[A-Za-z]:", raw) or ".." in name.split("/"):
        return "its name leads out of the zip"
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind == stat.S_IFLNK:
        return "it is a symbolic link; put the file itself in its place"
    if kind not in {0, stat.S_IFREG}:  # 0: made where there are no file modes
        return "it is no plain file"
    return None


def _folder_around(entries: dict[str, zipfile.ZipInfo]) -> str:
    """The one folder that everything lies in, with its slash; empty where there is none."""
    tops = {name.partition("/")[0] if "/" in name else "" for name in entries}
    top = tops.pop() if len(tops) == 1 else ""
    return f"{top}/" if top not in {"", BELOW} else ""


def _read(archive: zipfile.ZipFile, info: zipfile.ZipInfo, allowance: _Allowance, limit: int) -> bytes:
    """At most limit + 1 bytes of an entry, whatever its header promises. Raises LeftOut or Unreadable."""
    if info.compress_type not in _METHODS:
        raise LeftOut("it is packed in an unusual way; make the zip again with ordinary compression")
    if allowance.left <= 0:
        raise LeftOut(f"the zip unpacks to more than {TOTAL_LIMIT // 2**20} MB; clear the outputs of notebooks")
    try:
        with archive.open(info) as entry:
            data = entry.read(min(limit, allowance.left) + 1)
    except Exception as error:  # zlib.error, EOFError, a wrong checksum, a header that lies
        raise Unreadable("it is damaged in the zip; make the zip again.") from error
    allowance.left -= len(data)
    unpacked = max(len(data), info.file_size)  # what came, and what the header says would have come
    if unpacked > RATIO_FROM and unpacked > RATIO * max(1, info.compress_size):
        raise LeftOut(f"it unpacks to more than {RATIO} times its size in the zip")
    if allowance.left < 0 and len(data) <= limit:
        raise LeftOut(f"the zip unpacks to more than {TOTAL_LIMIT // 2**20} MB; clear the outputs of notebooks")
    return data


def _title(name: str) -> str:
    return clean(PurePosixPath(name.replace("\\", "/")).as_posix(), 120, keep_newlines=False)
