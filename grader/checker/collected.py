"""pytest collects the checks of an exercise, once a process: file, root, configuration and plugins are ours alone.

What it found is run by `judge`, which needs no pytest: its start would be a quarter of a right submission's time.
"""

from __future__ import annotations

import functools
import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from grader.errors import GraderFault
from grader.model import CheckSpec

from . import examples, kept
from .deck import FIXTURES

_PLUGINS_OFF = ("terminal", "cacheprovider", "warnings", "faulthandler", "junitxml", "logging",
                "unraisableexception", "threadexception")  # fmt: skip
_HOME = Path(__file__).parent.parent / "checks"  # pytest.ini, root and end of the search for either, wherever a file is
_OPTIONS = [
    "-c", str(_HOME / "pytest.ini"), "--rootdir", str(_HOME), "--confcutdir", str(_HOME), "--noconftest",
    "--disable-plugin-autoload", "--capture=no", "--assert=plain", "--import-mode=importlib",
    *(option for name in _PLUGINS_OFF for option in ("-p", f"no:{name}")),
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Item:
    """One check as pytest collected it. `asks`: which of FIXTURES it wants; `given`: what it is parametrized with."""

    spec: CheckSpec
    function: Callable[..., Any]
    asks: tuple[str, ...]
    given: Mapping[str, Any]
    number: int  # among all checks of the file


def items(file: Path, exercise: str, tasks: tuple[str, ...], right: types.ModuleType) -> tuple[Item, ...]:
    """The checks of a file, those of a task together, tasks in their order. Raises GraderFault for a broken file."""
    try:
        changed = file.stat().st_mtime_ns
    except FileNotFoundError:
        raise GraderFault(f"{file} is missing: it holds the checks of {exercise}") from None
    return _items(file, changed, exercise, tasks, right)


@functools.cache
def _items(
    file: Path, changed: int, exercise: str, tasks: tuple[str, ...], right: types.ModuleType
) -> tuple[Item, ...]:
    collector = _Collector(tasks, right)
    code = pytest.main([*_OPTIONS, str(file)], plugins=[collector])
    faults = [*collector.errors, *kept.faults([item.spec for item in collector.items], tasks)]
    if not faults and code not in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
        faults = [f"pytest ended with {code!r}"]
    if faults:
        raise GraderFault(f"the checks of {exercise} could not be run: {faults[0]}")
    return tuple(sorted(collector.items, key=lambda item: tasks.index(item.spec.task)))  # stable: as in the file


@dataclass(slots=True)
class _Collector:
    """The plugin: takes what pytest collects, and has it run nothing."""

    tasks: tuple[str, ...]
    right: types.ModuleType
    items: list[Item] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        if metafunc.function in examples.PUBLIC:
            metafunc.parametrize("task", [task for task in self.tasks if self._has_examples(task)])

    def pytest_pycollect_makemodule(self, module_path: Path, parent: pytest.Collector) -> pytest.Module:
        module: pytest.Module = kept.KeptModule.from_parent(parent, path=module_path)
        return module

    @pytest.fixture
    def learner(self) -> None: ...

    @pytest.fixture
    def reference(self) -> None: ...

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        if not self.errors:
            self.items = [_item(found, number) for number, found in enumerate(session.items)]
        return True

    def _has_examples(self, task: str) -> bool:
        """Without any there is nothing to check: what would pass then is no sign that something was written."""
        return ">>>" in (getattr(self.right, task).__doc__ or "")

    def pytest_internalerror(self, excrepr: Any, excinfo: pytest.ExceptionInfo[BaseException]) -> bool:
        self.errors.append(str(excinfo.value) if isinstance(excinfo.value, GraderFault) else str(excrepr)[-2000:])
        return True  # nothing is printed

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.errors.append(str(report.longrepr)[-2000:])


def _item(found: pytest.Item, number: int) -> Item:
    if not isinstance(found, pytest.Function):
        raise GraderFault(f"{found.nodeid} is no function")
    given = dict(found.callspec.params) if hasattr(found, "callspec") else {}
    spec: CheckSpec | None = getattr(found.obj, "grader_spec", None)
    if found.obj in examples.PUBLIC:
        spec = CheckSpec(f"{given['task']}_examples", str(given["task"]), examples.TITLE, 0.0)
    if spec is None:
        raise GraderFault(f"{found.nodeid} is no check: it lacks @check")
    asks = tuple(name for name in found._fixtureinfo.argnames if name not in given)
    for name in asks:
        if name not in FIXTURES:
            raise GraderFault(f"{spec.name}: fixture {name!r} not found; a check is given {', '.join(FIXTURES)}")
    return Item(spec, found.obj, asks, given, number)
