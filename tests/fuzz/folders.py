"""Folders: any names, and every kind of thing that may lie behind one.

A case is a list of things to make, written down as msgpack. What holds: a submission and its notes, or a UsageError;
no link is followed, nothing is waited for, and nothing outside the folder is read.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
from hypothesis import strategies as st

from grader.collect import Submission

from .handed_in import collected_at, folder, judged
from .mutate import CHANGES, mutated
from .target import Target, insist, often

SECRET = "x = 'a secret of somebody else'\n"
KINDS = ("file", "folder", "link", "pipe", "socket", "locked", "empty", "loop", "device", "twin")
_made: msgspec.msgpack.Decoder[list[tuple[bytes, int, bytes]]] = msgspec.msgpack.Decoder(list[tuple[bytes, int, bytes]])


def read(data: bytes) -> Submission | str:
    root = folder() / "alice"
    secret = folder() / "secret.py"
    secret.write_text(SECRET)
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir()
    try:
        things = _made.decode(data)
    except msgspec.MsgspecError:
        things = []
    for name, kind, content in things[:50]:
        with contextlib.suppress(OSError, ValueError):  # a name that no file can have here
            _make(os.path.join(os.fsencode(root), name), KINDS[kind % len(KINDS)], content, secret)
    return collected_at(root)


def _make(path: bytes, kind: str, content: bytes, secret: Path) -> None:
    if not os.path.realpath(os.path.dirname(path)).startswith(os.path.realpath(os.fsencode(folder() / "alice"))):
        return  # a name that leads out: what we make here is our own mistake
    os.makedirs(os.path.dirname(path), exist_ok=True)
    match kind:
        case "folder":
            os.mkdir(path)
        case "link":
            os.symlink(os.fsencode(secret), path)
        case "pipe":
            os.mkfifo(path)
        case "socket":
            with socket.socket(socket.AF_UNIX) as made:
                made.bind(path)
        case "loop":
            os.symlink(os.path.basename(path), path)
        case "twin":
            os.link(secret, path)
        case "device":
            os.symlink("/dev/zero", path)
        case _:
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
            with open(os.open(path, flags, 0o000 if kind == "locked" else 0o600), "wb") as file:
                file.write(b"" if kind == "empty" else content)


def judge(data: bytes, came: Any) -> object:
    if not isinstance(came, str):
        insist(
            not any(SECRET in module.source for module in came.modules.values()), "something from outside that was read"
        )
    return judged(came)


def _deep(name: bytes) -> bytes:
    """A name whose parts are one folder in another, as deep as a path may be."""
    return b"/".join([b"exercises", *[b"a" * 200] * 15, name])


_STEMS = (b"ex04_conv", b"ex04", b"ex07_backprop", b"ex04_conv (1)", b"test_ex04_conv", b"ex04_ex07", b"exercises")
_ODD = (b"\xff", b"\x1b[2J", b"\n", "\u202e".encode())
_EXACT = (b"ex04_conv.py", b"ex04_conv.ipynb", b"exercises/ex04_conv.py", b"ex07.py", b"exercises/ex07 (2).ipynb")
_MADE_UP = st.builds(
    lambda *parts: b"".join(parts),
    st.sampled_from([b"", b"", b"exercises/", b"exercises/exercises/", b"a/", b".", b"./", b"../"]),
    often(st.sampled_from(_STEMS), st.binary(max_size=20), st.sampled_from(_ODD)),
    st.sampled_from([b".py", b".py", b".ipynb", b".PY", b"", b".zip", b".py ", b"\xff.py", b"." * 200]),
)
_NAMES = st.sampled_from(_EXACT) | _MADE_UP
_THINGS = st.tuples(
    often(_NAMES, _NAMES.map(_deep), st.just(b"exercises"), times=4),
    often(st.just(0), st.integers(1, len(KINDS) - 1), times=1),
    st.sampled_from([b"x = 1\n", b"", b"\xff", b'{"cells": []}', b"\0"]),
)


def _crowd(count: int, name: str) -> bytes:
    return msgspec.msgpack.encode([((name % number).encode(), 0, b"x = 1\n") for number in range(count)])


HEAVY: dict[str, Callable[[], bytes]] = {
    "fifty copies": lambda: _crowd(50, "ex04_conv (%d).py"),
    "fifty names of terminals": lambda: _crowd(50, "ex04_conv \x1b[%dm.py"),
}
_CASES = st.lists(_THINGS, max_size=8).map(msgspec.msgpack.encode)
TARGET = Target(
    cases=st.one_of(_CASES, _CASES, st.builds(mutated, _CASES, CHANGES)),
    read=read,
    judge=judge,
    rounds=1,
    megabytes=100,
    tokens=(b"exercises", b"/", b"ex04_conv.py", b"\xc4\x00", b"\xff", b"\n"),
    fixed=HEAVY,
)
