"""Options and fixtures of our own test suite."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from grader.pipeline import Grader


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-goldens", action="store_true", help="write the files in tests/golden/ anew")


def pytest_collection_finish() -> None:
    """Thousands of collected tests stay to the end; looking for garbage among them takes longer than many a test."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Iterator[Path]:
    """A cache folder of this run's own, shared by its processes: what the user has kept is neither used nor changed."""
    run = tmp_path_factory.getbasetemp()
    folder = (run if worker_id == "master" else run.parent) / "cache"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(folder))
        yield folder


@pytest.fixture(scope="session")
def grader(cache: Path) -> Iterator[Grader]:
    """The course's grader with a wall, shared by a test process: a fresh worker for every submission all the same."""
    from grader import course  # imported here: most test files need neither torch nor a worker
    from grader.checker.shelf import Shelf
    from grader.learner import Zygote
    from grader.pipeline import Grader

    zygote = Zygote().start()
    yield Grader(course.load(), zygote, shelf=Shelf(cache / "decks"))
    zygote.close()
