"""The search for what is hidden, itself: it finds a leak in whatever form it lies there, and nothing that all write."""

from __future__ import annotations

import base64
import gzip
import html
import io
import json
import re
import tarfile
import textwrap
import urllib.parse
import zipfile
import zlib
from collections.abc import Callable

import pytest
from kit import ROOT
from secrets_kit import leaks, secrets

from grader import course
from grader.checker import misconceptions
from grader.desk.solution import reference as reference_of

KNOWN = course.load()


def zipped(data: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("grader/notes.py", data)
    return buffer.getvalue()


def tarred(data: bytes) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        member = tarfile.TarInfo("notes.py")
        member.size = len(data)
        archive.addfile(member, io.BytesIO(data))
    return buffer.getvalue()


FORMS: dict[str, Callable[[bytes], bytes]] = {
    "as it is": lambda data: data,
    "indented comments": lambda data: b"\n".join(b"        #  " + line for line in data.split(b"\n")),
    "a wheel": zipped,
    "a wheel in a tar": lambda data: tarred(zipped(data)),
    "gzip": gzip.compress,
    "base64": lambda data: b'PICTURE = "' + base64.b64encode(data) + b'"\n',
    "wrapped base64": lambda data: base64.encodebytes(b"\n" * 60 + data),
    "packed in base64": lambda data: b'DATA = "' + base64.b64encode(zlib.compress(data)) + b'"',
    "hex": lambda data: b"key: " + data.hex().encode(),
    "UTF-16": lambda data: data.decode().encode("utf-16"),
    "JSON": lambda data: json.dumps({"help": data.decode()}).encode(),
    "a literal": lambda data: repr(data.decode()).encode(),
    "a page": lambda data: f"<pre>{html.escape(data.decode())}</pre>".encode(),
    "an address": lambda data: b"https://example.org/?q=" + urllib.parse.quote(data.decode()).encode(),
    "other lines": lambda data: re.sub(rb"([(,=])\s*", rb"\1\n  ", data),
    "one line": lambda data: b" ".join(data.split()),
}


def found(text: str, *, hints: bool = False) -> set[str]:
    return set(leaks({"notes": text.encode()}, secrets(hints=hints)))


def solution(name: str) -> str:
    return KNOWN.source_file(name).read_text("utf-8")


def test_there_is_a_lot_to_hide() -> None:
    hidden = secrets(hints=False)
    assert len(hidden) > 90_000
    assert {"test_ex04_conv.py", "ex04_conv.py", "im2col.py"} <= set(hidden.values())


@pytest.mark.parametrize("name", KNOWN.names)
def test_every_reference_is_found(name: str) -> None:
    text = solution(name)
    assert [task.name for task in KNOWN.exercise(name).tasks if not found(reference_of(text, task.name))] == []


@pytest.mark.parametrize("form", FORMS)
def test_a_reference_is_found_in_whatever_form(form: str) -> None:
    code = reference_of(solution("ex04_conv"), "conv2d").encode()
    assert leaks({"notes": FORMS[form](code)}, secrets(hints=False))


@pytest.mark.parametrize("form", sorted(FORMS.keys() - {"other lines", "one line"}))
def test_a_single_line_of_it_is_found(form: str) -> None:
    line = b"    out = torch.einsum('ngcyxij,gocij->ngoyx', windows, filters).flatten(1, 2)".replace(b"'", b'"')
    assert leaks({"notes": FORMS[form](b"def f():\n" + line)}, secrets(hints=False))


def test_other_names_hide_nothing() -> None:
    code = reference_of(solution("ex07_backprop"), "max_pool2d_backward")
    names = dict.fromkeys(re.findall(r"(?<![.\w])[a-z_]\w*(?=[ ,)\]]|$)", code, re.MULTILINE))
    for number, name in enumerate(name for name in names if name not in {"in", "for", "if", "else", "return", "not"}):
        code = re.sub(rf"(?<![.\w]){name}\b(?!\()", f"q{number}", code)
    assert any(each.startswith("shape ") for each in found(code))


def test_a_sentence_is_found_however_it_is_broken_into_lines() -> None:
    says = misconceptions.of_exercise("ex04_conv")[0].says
    assert found("\n".join(textwrap.wrap(says, 30)))


def test_the_seed_of_the_hidden_pictures_is_found_however_it_is_written() -> None:
    """With it the answers of ex12 can be made: learners have the generator."""
    text = (ROOT / "grader" / "checks" / "test_ex12_capstone.py").read_text("utf-8")
    (seed,) = map(int, re.findall(r"^SECRET = (\d+)$", text, re.MULTILINE))
    for written in (str(seed), hex(seed), f"{seed:_}", json.dumps({"seed": seed})):
        assert found(written) == {f"number {seed}"}


def test_names_of_hidden_checks_and_of_known_mistakes_are_secret() -> None:
    assert found("it fails train_classifier_accuracy") == {"train_classifier_accuracy"}
    name = next(each.name for each in misconceptions.of_exercise("ex04_conv") if each.name.count("_") > 1)
    assert found(f'["{name}"]') == {name}


def test_hints_are_secret_where_they_are_not_given() -> None:
    hint = KNOWN.exercise("ex04_conv").tasks[0].hints[-1]
    assert found(hint, hints=True)
    assert not found(hint)


@pytest.mark.parametrize("line", [
    "raise ValueError(", "def __init__(self, *args, **kwargs):", "with torch.random.fork_rng(devices=[]):",
    "self._ready = True", "super().__init__(", "from grader.checker import check, expect, lab", "if size < 1:",
    "if dtype == torch.float64:", "return first, second", "for name in names:", "@functools.wraps(function)",
    "dtype: torch.dtype = torch.float32,", "### BEGIN SOLUTION", "with contextlib.ExitStack() as stack:",
    "except LearnerRaised as error:", ") -> torch.Tensor:",
    "self.first.second[0].third = True",
])  # fmt: skip
def test_what_anybody_would_write_is_no_leak(line: str) -> None:
    """Lines as references, checks and right answers have them: none says anything of what is solved there."""
    assert found(f"    {line}\n") == set()


def test_what_stubs_and_statements_say_is_no_leak() -> None:
    for name in KNOWN.names:
        assert found(KNOWN.stub_file(name).read_text("utf-8"), hints=True) == set()
