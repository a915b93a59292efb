"""A candidate -> a Module: its text, or what is wrong with it in a sentence."""

from __future__ import annotations

from . import notebook
from .candidates import Candidate, Unreadable
from .decode import decode
from .submission import Module

SOURCE_LIMIT = 2**20  # bytes of Python text
NOTEBOOK_LIMIT = 10 * 2**20  # bytes of a notebook: most of it are pictures in outputs, which are never read


def module_from(candidate: Candidate) -> tuple[Module, bytes]:
    """The module and the bytes that count for the fingerprint: its text or, where that is no use, what was read.

    Raises LeftOut where the candidate is not to be looked at.
    """
    limit = NOTEBOOK_LIMIT if candidate.notebook else SOURCE_LIMIT
    data, line_map = b"", None
    try:
        data = candidate.read(limit)
        if len(data) > limit:
            raise Unreadable(_too_large(candidate.title, limit, candidate.notebook))
        if candidate.notebook:
            source, line_map = notebook.source_of(data, SOURCE_LIMIT)
        else:
            source = decode(data)
        content = _encode(source)
    except Unreadable as problem:
        return Module(candidate.exercise, candidate.title, "", f"{candidate.title}: {problem}"), data
    return Module(candidate.exercise, candidate.title, source, None, line_map), content


def _too_large(title: str, limit: int, is_notebook: bool) -> str:
    advice = "clear its outputs and save it again" if is_notebook else "keep data out of it"
    return f"the file is larger than {limit // 2**20} MB; {advice}."


def _encode(source: str) -> bytes:
    if "\0" in source:
        raise Unreadable("it holds a NUL character, which Python does not take; write it as \\0 in a string.")
    try:
        content = source.encode()
    except UnicodeEncodeError as error:
        raise Unreadable("it holds half a character (a lone surrogate), which is no text.") from error
    if len(content) > SOURCE_LIMIT:
        raise Unreadable("its code is longer than a megabyte; keep data out of it.")
    return content
