"""Options and fixtures of our own test suite."""

from collections.abc import Iterator

import pytest

from grader import course
from grader.learner import Zygote
from grader.pipeline import Grader


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-goldens", action="store_true", help="write the files in tests/golden/ anew")


@pytest.fixture(scope="session")
def grader() -> Iterator[Grader]:
    """The course's grader with a wall, shared by a test process: a fresh worker for every submission all the same."""
    zygote = Zygote().start()
    yield Grader(course.load(), zygote)
    zygote.close()
