"""What a learner reads is a tested artefact: every sample report in every form, compared with tests/golden/report/.

`pytest --update-goldens` writes the files anew; read the difference before you commit it.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pytest
from report_samples import SAMPLES
from rich.console import Console

from grader.model import Report
from grader.report import html, junit, record, terminal

GOLDEN = Path(__file__).parent / "golden" / "report"


def terminal_text(report: Report, width: int = 100, *, encoding: str = "utf-8") -> str:
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding, errors="backslashreplace", newline="")
    terminal.render(report, Console(file=stream, width=width, color_system=None, force_terminal=False, _environ={}))
    stream.seek(0)
    return "".join(f"{line.rstrip()}\n" for line in stream.read().split("\n")[:-1])


FORMS: dict[str, Callable[[Report], str]] = {
    "txt": terminal_text,
    "json": record.render,
    "html": html.render,
    "xml": junit.render,
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", SAMPLES)
def test_a_report_reads_as_it_did(name: str, form: str, request: pytest.FixtureRequest) -> None:
    path = GOLDEN / f"{name}.{form}"
    text = FORMS[form](SAMPLES[name])
    if request.config.getoption("--update-goldens"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
    assert path.exists(), "no golden yet: run pytest --update-goldens and read what it wrote"
    assert path.read_text(encoding="utf-8") == text


def test_no_golden_is_left_over() -> None:
    known = {f"{name}.{form}" for name in SAMPLES for form in FORMS}
    assert {path.name for path in GOLDEN.iterdir()} == known
