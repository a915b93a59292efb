"""Options and fixtures of our own test suite."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from grader.pipeline import Grader


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-goldens", action="store_true", help="write the files in tests/golden/ anew")


@pytest.fixture(scope="session")
def grader() -> Iterator[Grader]:
    """The course's grader with a wall, shared by a test process: a fresh worker for every submission all the same."""
    from grader import course  # imported here: most test files need neither torch nor a worker
    from grader.learner import Zygote
    from grader.pipeline import Grader

    zygote = Zygote().start()
    yield Grader(course.load(), zygote)
    zygote.close()
