"""Every format of a few reports, compared with files: what other programs and people read is part of the product."""

from __future__ import annotations

import pytest
from kit import ROOT
from report_samples import SAMPLES
from test_platform_formats import RENDERERS

from grader.platforms import github
from grader.report.redact import Audience, redact

FOLDER = ROOT / "tests" / "golden" / "platforms"
FILES = {"ex04_conv": github.File("exercises/ex04_conv.py", tasks={"conv2d": 12})}
WRITERS = {f"{kind}.json": render for kind, render in RENDERERS.items() if kind != "grade-1"}
WRITERS |= {
    "summary.md": github.summary,
    "annotations.txt": lambda report: "\n".join(github.annotate(report, FILES)) + "\n",
}
CASES = [(name, file) for name in ("course", "hostile", "fault") for file in WRITERS]


@pytest.mark.parametrize(("name", "file"), [case for case in CASES if case != ("fault", "classroom50-result-v1.json")])
def test_a_format_is_what_it_was(name: str, file: str, request: pytest.FixtureRequest) -> None:
    made = WRITERS[file](redact(SAMPLES[name], Audience.LEARNER))
    golden = FOLDER / name / file
    if request.config.getoption("--update-goldens"):
        golden.parent.mkdir(parents=True, exist_ok=True)
        golden.write_text(made, "utf-8", newline="")
    assert made == golden.read_text("utf-8")
