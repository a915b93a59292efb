"""`grade release nbgrader`: what it writes, what it leaves alone, and what never is in it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nbformat
import pytest
from secrets_kit import leaks, secrets
from traitlets.config import Config
from typer.testing import CliRunner

from grader import cli, course
from grader.errors import UsageError
from grader.platforms.nbgrader import names
from grader.platforms.nbgrader.release import CONFIG, files, write_course
from grader.platforms.nbgrader.settings import AUTOGRADE, CELL_SECONDS, MEND, OURS, SANITIZE, configure
from grader.platforms.releases import KINDS, Wish, release

EVERY = course.load().names


@pytest.mark.parametrize("modules", [False, True])
@pytest.mark.parametrize("name", EVERY)
def test_nothing_of_a_reference_a_check_or_a_misconception_is_in_a_release(name: str, modules: bool) -> None:
    made = {file: text.encode() for file, text in files(course.load(), name, modules=modules).items()}
    assert leaks(made, secrets()) == {}


@pytest.mark.parametrize("name", EVERY)
def test_a_notebook_is_what_nbformat_and_nbgrader_ask_for(name: str) -> None:
    exercise = course.load().exercise(name)
    (text,) = files(course.load(), name).values()
    book: Any = nbformat.reads(text, 4)
    nbformat.validate(book)
    about = [cell.metadata.nbgrader for cell in book.cells]

    assert (book.nbformat, book.nbformat_minor) == (4, 5)
    assert {meta.schema_version for meta in about} == {3}
    assert len({meta.grade_id for meta in about}) == len(about)
    assert [cell.id for cell in book.cells] == [meta.grade_id for meta in about]
    assert [meta.points for meta in about if meta.grade] == [task.points for task in exercise.tasks]
    assert [meta.grade_id for meta in about if meta.solution] == [
        f"solve-{name}-{task.name}" for task in exercise.tasks
    ]


@pytest.mark.parametrize("name", EVERY)
def test_the_cells_of_a_notebook_are_the_stub(name: str) -> None:
    """Put together again they are its code: nothing is lost on the way, and nothing comes to it."""
    (text,) = files(course.load(), name).values()
    cells = [cell for cell in json.loads(text)["cells"] if cell["cell_type"] == "code"]
    code = "\n".join("".join(cell["source"]) for cell in cells if not cell["id"].startswith("test-")).split("\n")
    marks = {"### BEGIN SOLUTION", "### END SOLUTION", "%load_ext grader.platforms.nbgrader", ""}
    stub = course.load().stub_file(name).read_text("utf-8").split('"""', 2)[2].split("\n")

    assert [line for line in code if line.strip() not in marks] == [line for line in stub if line.strip()]


def test_names_of_cells_never_change() -> None:
    """They are keys of gradebooks: a name that changes loses the grades of a running course."""
    (text,) = files(course.load(), "ex02_filters").values()

    assert [cell["id"] for cell in json.loads(text)["cells"]][:5] == [
        "read-ex02_filters-statement",
        "read-ex02_filters-begin",
        "read-ex02_filters-cross_correlate2d",
        "solve-ex02_filters-cross_correlate2d",
        "test-ex02_filters-cross_correlate2d",
    ]


def test_the_same_source_makes_the_same_notebook() -> None:
    assert files(course.load(), "ex04_conv") == files(course.load(), "ex04_conv")


def test_a_module_is_handed_out_as_its_stub(tmp_path: Path) -> None:
    write_course(course.load(), ("ex02_filters",), tmp_path, modules=True)
    source = tmp_path / "source" / "ex02_filters"

    assert (source / "ex02_filters.py").read_text("utf-8") == course.load().stub_file("ex02_filters").read_text("utf-8")
    assert "%grade ex02_filters.py::convolve2d" in (source / "ex02_filters.ipynb").read_text("utf-8")
    assert "solve-" not in (source / "ex02_filters.ipynb").read_text("utf-8")


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    write_course(course.load(), ("ex02_filters",), tmp_path)
    book = tmp_path / "source" / "ex02_filters" / "ex02_filters.ipynb"
    book.write_text("mine", "utf-8")
    said = write_course(course.load(), ("ex02_filters", "ex03_output_size"), tmp_path)

    assert book.read_text("utf-8") == "mine"
    assert said[0] == "source/ex02_filters/ex02_filters.ipynb: left as it is; move it away to have it written anew"
    assert (tmp_path / "source" / "ex03_output_size" / "ex03_output_size.ipynb").is_file()


def test_a_course_that_is_there_keeps_its_settings(tmp_path: Path) -> None:
    config = tmp_path / CONFIG
    config.write_text("c = get_config()\nc.CourseDirectory.course_id = 'vision'\n", "utf-8")
    write_course(course.load(), ("ex02_filters",), tmp_path)
    once = config.read_text("utf-8")
    write_course(course.load(), ("ex03_output_size",), tmp_path)

    assert once.startswith("c = get_config()\nc.CourseDirectory.course_id = 'vision'\n")
    assert once.count("configure_cnn_grader(get_config())") == 1
    assert config.read_text("utf-8") == once


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", "utf-8")
    with pytest.raises(UsageError, match="this is no folder"):
        write_course(course.load(), ("ex02_filters",), tmp_path / "file")


def test_an_unknown_kind_names_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=f"'moodle'; there .*{', '.join(KINDS)}"):
        release("moodle", Wish(course.load(), EVERY, tmp_path))


def test_the_command_writes_what_is_named(tmp_path: Path) -> None:
    result = CliRunner().invoke(cli.app, ["release", "nbgrader", "ex02", "--to", str(tmp_path / "new")])

    assert result.exit_code == 0, result.output
    assert sorted(path.name for path in (tmp_path / "new").rglob("*.*")) == ["ex02_filters.ipynb", CONFIG]


def test_our_steps_stand_in_the_places_of_nbgraders() -> None:
    config = Config()
    configure(config)

    assert config.Autograde.sanitize_preprocessors == [MEND, *(f"nbgrader.preprocessors.{name}" for name in SANITIZE)]
    assert len(config.Autograde.autograde_preprocessors) == len(AUTOGRADE)
    assert config.Autograde.autograde_preprocessors[0] == OURS["Execute"]
    assert OURS["SaveAutoGrades"] in config.Autograde.autograde_preprocessors
    assert not any(step.endswith(".Execute") for step in config.Autograde.autograde_preprocessors)
    assert config.Execute.timeout == CELL_SECONDS


def test_a_teachers_own_steps_and_settings_stay() -> None:
    config = Config()
    config.Autograde.autograde_preprocessors = ["mine.First", "nbgrader.preprocessors.Execute", "mine.Last"]
    config.Autograde.pre_convert_hook = "mine.hook"
    config.Autograde.exclude_overwriting = {"hw1": ["helper.py"], "ex02_filters": ["data.csv"]}
    config.Execute.timeout = 10
    configure(config)
    configure(config)

    assert config.Autograde.autograde_preprocessors == ["mine.First", OURS["Execute"], "mine.Last"]
    assert config.Autograde.sanitize_preprocessors.count(MEND) == 1
    assert config.Autograde.pre_convert_hook == "mine.hook"
    assert config.Autograde.exclude_overwriting["hw1"] == ["helper.py"]
    assert config.Autograde.exclude_overwriting["ex02_filters"] == ["data.csv", "ex02_filters.py"]
    assert config.Execute.timeout == 10


def test_steps_that_a_teacher_only_adds_are_added() -> None:
    config = Config()
    config.Autograde.autograde_preprocessors.append("mine.Last")
    config.Autograde.exclude_overwriting.update({"hw1": ["helper.py"]})
    configure(config)

    assert config.Autograde.autograde_preprocessors[0] == OURS["Execute"]
    assert config.Autograde.autograde_preprocessors[-1] == "mine.Last"
    assert config.Autograde.exclude_overwriting["hw1"] == ["helper.py"]


def test_a_mark_is_read_where_it_stands_alone() -> None:
    mark = names.Mark("ex02_filters", "convolve2d", module=True)

    assert names.mark_in(f"%grade x\n{names.HIDDEN_BEGIN}\n{mark.line}\n{names.HIDDEN_END}") == mark
    assert names.mark_in(f"print('{mark.line}')") is None
    assert names.without_hidden(f"%grade x\n{names.HIDDEN_BEGIN}\n{mark.line}\n{names.HIDDEN_END}") == "%grade x"
