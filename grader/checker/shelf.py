"""Decks on disk: what Hypothesis drew for a check, kept for the next process: nobody waits for one drawing twice.

A cache in the user's own cache folder, never in a folder that a submission can bring along. It is named after all that
the inputs depend on; whatever is wrong with a file, it counts as absent. Written as the wire writes: no pickle.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import platform
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import msgspec
import torch
from platformdirs import user_cache_path

from grader.worker.values import Packer, Unpacker, tensors_in
from grader.worker.wire import Value
from grader.workspace import write_bytes

from .check import inner_of

MAGIC = b"deck/1\n"
_LIBRARIES = ("hypothesis", "torch", "numpy", "msgspec")
_decoder: msgspec.msgpack.Decoder[tuple[Value, bytes]] = msgspec.msgpack.Decoder(tuple[Value, bytes])


class CannotBeKept(Exception):
    """An input of a kind that a file cannot give back exactly."""


@dataclass(frozen=True, slots=True)
class Shelf:
    """A folder of decks: one folder an exercise and state of its checks, one file a check."""

    folder: Path

    @classmethod
    def of_user(cls) -> Shelf:
        return cls(user_cache_path("cnn-grader") / "decks")

    def take(self, function: Callable[..., Any]) -> list[dict[str, Any]] | None:
        """The inputs of a check as they were drawn once, or None."""
        try:
            data = self._file(function).read_bytes()
            if not data.startswith(MAGIC):
                return None
            header, body = _decoder.decode(data[len(MAGIC) :])
            inputs = Unpacker(body, leaves=True).unpack(header)
        except Exception:  # missing, cut short, of another time: drawn anew
            return None
        return inputs if isinstance(inputs, list) and all(isinstance(drawn, dict) for drawn in inputs) else None

    def put(self, function: Callable[..., Any], inputs: list[dict[str, Any]]) -> None:
        """Keep the inputs where they can be kept; a disk that is full or not ours is no reason to fail."""
        with contextlib.suppress(CannotBeKept, OSError):
            packer = _Exact(layout=True)
            header = packer.pack(inputs)
            for drawn in inputs:
                if len({id(tensor) for tensor in tensors_in(drawn)}) != len(tensors_in(drawn)):
                    raise CannotBeKept("one tensor in two places, which would come back as two")
            file = self._file(function)
            if not file.parent.exists():
                self._forget_older(file.parent)
            write_bytes(file, MAGIC + msgspec.msgpack.encode((header, bytes(packer.body))))

    def _file(self, function: Callable[..., Any]) -> Path:
        source = Path(inner_of(function).__code__.co_filename)
        name = function.__name__.removeprefix("test_")
        return self.folder / f"{source.stem}-{_state(source, source.stat().st_mtime_ns)}" / f"{name}.deck"

    def _forget_older(self, folder: Path) -> None:
        """Decks of what the checks were before: nobody will ask for them again."""
        stem = folder.name.rpartition("-")[0]
        for older in self.folder.glob(f"{stem}-*"):
            if older.name.rpartition("-")[0] == stem:
                shutil.rmtree(older, ignore_errors=True)


@functools.cache
def _state(source: Path, changed: int) -> str:
    """A fingerprint of all that decides what is drawn: the check file, the rooms it draws from, the libraries."""
    known = hashlib.sha256(platform.python_version().encode())
    for library in _LIBRARIES:
        known.update(f"{library} {version(library)}\n".encode())
    rooms = Path(__file__).parent
    for file in (source, *sorted(rooms.glob("*.py")), *sorted((rooms.parent / "worker").glob("*.py"))):
        known.update(file.name.encode() + hashlib.sha256(file.read_bytes()).digest())
    return known.hexdigest()[:16]


class _Exact(Packer):
    """Writes down only what comes back as the very same: other kinds are refused."""

    def pack(self, value: object, depth: int = 0) -> Value:
        plain = (type(None), bool, int, float, str, list, tuple, dict, torch.Tensor, torch.dtype)
        if type(value) not in plain:
            raise CannotBeKept(type(value).__name__)
        packed = super().pack(value, depth)
        if type(packed) is not type(value) and isinstance(value, int | float | str):
            raise CannotBeKept("a number too large")
        return packed
