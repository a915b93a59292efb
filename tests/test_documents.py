"""Documents are about what is there: every link and every path that they name leads somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from kit import ROOT

DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
LINK = re.compile(r"\]\(([^)\s]*)\)")
PATH = re.compile(r"\b(?:benchmarks|datasets|docs|examples|exercises|grader|solutions|tests)/[\w./-]*\w")
MADE_UP = re.compile(r"exNN_name|CASE")  # in instructions for authors
ELSEWHERE = re.compile(r"^(https?|mailto):")


def anchors(text: str) -> set[str]:
    """Of its headings, as GitHub and GitLab make them."""
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def astray(document: Path, text: str) -> list[str]:
    """The links in it that lead nowhere."""
    found = []
    for link in LINK.findall(text):
        name, _, anchor = link.partition("#")
        target = document.parent / name if name else document
        if ELSEWHERE.match(link):
            continue
        if not target.exists() or (anchor and anchor not in anchors(target.read_text("utf-8"))):
            found.append(link)
    return found


def missing(text: str) -> list[str]:
    """The paths in it that are not there: of a file, of a folder, or of a module without its ending."""
    named = [path for path in PATH.findall(text) if not MADE_UP.search(path)]
    return [path for path in named if not (ROOT / path).exists() and not (ROOT / f"{path}.py").exists()]


def _name(document: Path) -> str:
    return document.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("document", DOCUMENTS, ids=_name)
def test_every_link_leads_somewhere(document: Path) -> None:
    assert astray(document, document.read_text("utf-8")) == []


@pytest.mark.parametrize(
    "document", [ROOT / "ARCHITECTURE.md", ROOT / "CONTRIBUTING.md", ROOT / "README.md"], ids=_name
)
def test_every_path_is_there(document: Path) -> None:
    assert missing(document.read_text("utf-8")) == []


def test_what_leads_nowhere_is_found() -> None:
    text = "[a](nowhere.md) [b](README.md#learn-with-it) [c](README.md#lern) `tests/test_nothing.py` grader/model.py"
    assert astray(ROOT / "x.md", text) == ["nowhere.md", "README.md#lern"]
    assert missing(text) == ["tests/test_nothing.py"]
