"""A class to grade, the command that grades it, and its results."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from kit import solution

EXERCISE = "ex03_output_size"


def a_class(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).mkdir(parents=True)
        (folder / name / f"{EXERCISE}.py").write_text(f"# {name}\n{solution(EXERCISE)}", "utf-8")
    return folder


def command(folder: Path, out: Path, *options: str) -> list[str]:
    only = ["--only", "ex03::conv_output_size", "--only", "ex03::same_padding"]
    return [sys.executable, "-P", "-m", "grader", "batch", str(folder), "--out", str(out), *only, *options]


def stripped(out: Path) -> dict[str, object]:
    """Every result without durations."""

    def clean(value):
        if isinstance(value, dict):
            return {key: clean(item) for key, item in value.items() if key != "duration_s"}
        return [clean(item) for item in value] if isinstance(value, list) else value

    return {path.name: clean(json.loads(path.read_text())) for path in sorted((out / "results").iterdir())}
