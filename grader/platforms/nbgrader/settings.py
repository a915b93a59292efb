"""What nbgrader_config.py asks for with `configure(c)`: our steps in nbgrader's places, and time for a cell."""

from __future__ import annotations

from typing import Any

from grader import course

_ROOM = "grader.platforms.nbgrader"
_STEPS = "nbgrader.preprocessors"
SANITIZE = ("ClearOutput", "DeduplicateIds", "OverwriteKernelspec", "OverwriteCells", "CheckCellMetadata")
AUTOGRADE = (
    "Execute",
    "IgnorePattern",
    "nbconvert.preprocessors.ClearMetadataPreprocessor",
    "LimitOutput",
    "SaveAutoGrades",
    "AssignLatePenalties",
    "CheckCellMetadata",
)
# In whose place ours stand. Each of ours leaves notebooks that are not of this course to nbgrader's own.
OURS = {"Execute": f"{_ROOM}.steps.GradeAcrossTheWall", "SaveAutoGrades": f"{_ROOM}.steps.SaveGrades"}
MEND = f"{_ROOM}.mend.Mend"
CELL_SECONDS = 120  # nbgrader's own 30 are short where a cell starts the grader, and torch with it, on a busy machine


def configure(config: Any) -> None:
    """Have our exercises graded by us. To be called behind a course's other settings, whose steps it keeps."""
    autograde = config.Autograde
    before = _given(autograde, "sanitize_preprocessors", [_named(name) for name in SANITIZE])
    autograde.sanitize_preprocessors = [MEND, *(step for step in before if step != MEND)]
    steps = _given(autograde, "autograde_preprocessors", [_named(name) for name in AUTOGRADE])
    autograde.autograde_preprocessors = [OURS.get(_short(step), step) for step in steps]
    config.Execute.timeout = _given(config.Execute, "timeout", CELL_SECONDS)
    autograde.pre_convert_hook = _given(autograde, "pre_convert_hook", f"{_ROOM}.renamed.find_renamed")
    # A learner's module is what is graded: nbgrader would put the stub of source/ in its place.
    kept = _given(autograde, "exclude_overwriting", {})
    modules = {name: [f"{name}.py"] for name in course.load().names}
    autograde.exclude_overwriting = {
        name: list(dict.fromkeys([*kept.get(name, []), *modules.get(name, [])])) for name in {**kept, **modules}
    }


def _given(section: Any, name: str, default: Any) -> Any:
    """What the config says. A change that it asks for (`.append(step)`, `.update(…)`) is made to the default."""
    if name not in section:  # asking for what is not there would make a promise of a value
        return default
    value = section[name]
    return value.get_value(default) if hasattr(value, "get_value") else value  # traitlets' LazyConfigValue


def _named(step: str) -> str:
    return step if "." in step else f"{_STEPS}.{step}"


def _short(step: object) -> str:
    """The name of a step, which may be given as a class or as text."""
    return str(getattr(step, "__name__", step)).rpartition(".")[2]
