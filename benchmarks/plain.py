"""A pytest plugin: the checks with the learner's module in pytest's own process, as other graders run them."""

from __future__ import annotations

import os
from typing import Any

import pytest

from grader import course
from grader.checker import examples
from grader.checker.run import local
from grader.references import fresh, reference

EXERCISE = os.environ["EXERCISE"]


@pytest.fixture(scope="session")
def learner() -> Any:
    return local(fresh(EXERCISE), course.load().exercise(EXERCISE).kinds)


@pytest.fixture(name="reference", scope="session")
def reference_module() -> Any:
    return reference(EXERCISE)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if metafunc.function is examples.test_examples:
        metafunc.parametrize("task", list(course.load().exercise(EXERCISE).kinds))
