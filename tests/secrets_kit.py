"""What no learner may find in anything that is released, and a search that also looks into archives and base64."""

from __future__ import annotations

import base64
import io
import json
import re
import zipfile
from collections.abc import Iterator, Mapping

from kit import ROOT

from grader import course, source

SHORTEST = 12  # characters of a line that can give something away
# Lines that anybody would write: an import, a decorator of Python's own, a question about one name, a function's end,
# an exception whose message begins on the next line.
IDIOM = re.compile(
    r"from [\w.]+ import .*|import \w+( as \w+)?|@((functools|contextlib)\.)?\w+(\(function\))?"
    r"|(if|elif|while) (not )?\w+( [<>=!]+ \w+| is (not )?None)?:|for \w+ in \w+:|match \w+:"
    r"|return \w+(, \w+| ?\()?|[)}] # fmt: skip|\) -> torch\.Tensor:|except [\w(), ]+( as error)?:|raise \w+\("
)
COMMON = frozenset({
    "### BEGIN SOLUTION", "### END SOLUTION",  # round the stub's one line
    "with torch.no_grad():", "with torch.random.fork_rng(devices=[]):", "with warnings.catch_warnings():",
    "with contextlib.ExitStack() as stack:", "dtype: torch.dtype = torch.float32,", "if dtype == torch.float64:",
    "ctx.set_materialize_grads(False)", "super().__init__(", "self._ready = True", "raise ValueError(name)",
    "def relu(x):",
})  # fmt: skip
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{24,}")


def plain(line: str) -> str:
    """Without what a comment or another indentation changes."""
    return " ".join(line.split()).removeprefix("# ")


def secret_lines(*, hints: bool = True) -> dict[str, str]:
    """Every line of references, checks, misconceptions and right answers that no stub has -> where it is from.

    `hints`: these are secret too. A learner's kit has them, to be told one by one.
    """
    known = course.load()
    hidden = [*(known.root / "solutions").rglob("*.py"), *(ROOT / "grader" / "checks").glob("test_*.py")]
    hidden += (ROOT / "tests" / "right").rglob("*.py")
    given = {plain(line) for name in known.names for line in known.stub_file(name).read_text("utf-8").split("\n")}
    for name in [] if hints else known.names:
        lines = known.source_file(name).read_text("utf-8").split("\n")
        given |= {plain(lines[number - 1]) for number in source.marked(lines)}
    lines = {plain(line): file.name for file in hidden for line in file.read_text("utf-8").split("\n")}
    return {
        line: file
        for line, file in lines.items()
        if len(line) >= SHORTEST and line not in given | COMMON and not IDIOM.fullmatch(line)
    }


def leaks(files: Mapping[str, bytes], secrets: Mapping[str, str]) -> dict[str, str]:
    """Secret line -> the file, or the member of an archive, that has it."""
    return {
        line: place
        for name, content in files.items()
        for place, text in _texts(name, content)
        for line in map(plain, text.split("\n"))
        if line in secrets
    }


def _texts(name: str, content: bytes) -> Iterator[tuple[str, str]]:
    if zipfile.is_zipfile(io.BytesIO(content)):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for member in archive.namelist():
                yield from _texts(f"{name}/{member}", archive.read(member))
        return
    text = content.decode("utf-8", "replace")
    yield name, text
    if name.endswith(".ipynb"):
        yield name, "\n".join("".join(cell["source"]) for cell in json.loads(text)["cells"])
    for run in _BASE64.findall(text.replace("\n", "")):
        for start in range(4):  # what stands before it may look like base64 too
            part = run[start : len(run) - ((len(run) - start) % 4 == 1)]
            data = base64.b64decode(part.translate(str.maketrans("-_", "+/")) + "=" * (-len(part) % 4))
            yield f"{name}, in base64", data.decode("utf-8", "replace")
